"""Faults planted into a clean clip, so that what mends them can be measured against the truth: `plant`.

    faulty, fault = plant(clip, "float", seed=3)
    fault.size, fault.unit  # -0.05, "m"

The same clip, kind and seed give the same bytes. Sizes are those of captures, retargets and generated motion for an
adult. A planted clip has no contact track: nobody has labelled it. Fingers are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from motion import rotations as rot
from motion.clip import Clip
from motion.easing import smoothstep
from motion.errors import BadInput, unknown
from motion.rotations import Array
from motion.skeleton import INDEX

NOISE_M = (0.01, 0.03)  # mean distance that joints move
NOISE_HZ = (1.0, 6.0)  # highest frequency of smooth noise, drawn evenly on a logarithmic scale
JITTER_M = (0.002, 0.005)  # mean distance that joints move, drawn anew for each frame
FLOAT_M = 0.05  # up ("float") or down ("sink")
SLIDE_M_S = 0.10
TILT_RAD = float(np.radians(3.0))
DRIFT_M, DRIFT_HZ = (0.05, 0.15), 0.3  # mean distance over the floor; slower than this
FLIP_RAD = (float(np.radians(45.0)), float(np.radians(120.0)))
FLIP_S = (0.1, 0.4)  # how long a foot stays flipped
FLIP_EVERY_S = 2.0  # about one flip in this time


@dataclass(frozen=True, eq=False)
class PlantedFault:
    """What was done to a clip."""

    kind: str  # one of `KINDS`
    seed: int
    size: float  # in ``unit``; signed where it has a direction
    unit: str  # "m", "m/s", "rad"
    detail: str  # "ramped", "left foot", "up to 3.2 Hz", …
    frames: np.ndarray  # (T,) bool, those that were changed
    moved_m: float  # mean distance between the joints of the clean and the faulty clip, metres


@dataclass(frozen=True)
class _Change:
    clip: Clip
    size: float
    unit: str
    detail: str = ""


def plant(clip: Clip, kind: str, seed: int) -> tuple[Clip, PlantedFault]:
    """Spoil a clip in one way.

    Args:
        clip: clean, metres, Y up.
        kind: one of `KINDS`: "noise" (smooth, up to 6 Hz, joints move 1 to 3 cm), "float" and "sink" (5 cm, at once or
            growing over the clip), "slide" (10 cm/s over the floor), "tilt" (3 degrees about a level line through the
            middle of the path), "flip" (an ankle turned by 45 to 120 degrees for 0.1 to 0.4 s, about every 2 s),
            "jitter" (each frame anew, joints move 2 to 5 mm), "drift" (slow wandering over the floor, 5 to 15 cm).
        seed: 0 or more; says how.

    Returns:
        The faulty clip, and what was done to it.

    Raises:
        BadInput: an unknown kind, or a negative seed.
    """
    if kind not in _PLANTERS:
        raise unknown("kind of fault", kind, KINDS)
    if seed < 0:
        raise BadInput(f"seed {seed}, expected 0 or more")
    clean = replace(clip, contacts=None)
    done = _PLANTERS[kind](clean, np.random.default_rng([seed, KINDS.index(kind)]))
    moved = np.linalg.norm(done.clip.positions() - clean.positions(), axis=-1).mean(1)
    turned = (done.clip.rotations != clean.rotations).any((1, 2))
    fault = PlantedFault(kind, seed, done.size, done.unit, done.detail, (moved > 0) | turned, float(moved.mean()))
    return done.clip.noting(f"planted fault: {kind}, {done.size:.3g} {done.unit}"), fault


def smooth_noise(rng: np.random.Generator, frames: int, channels: int, fps: float, highest_hz: float) -> Array:
    """Noise ``(T, channels)`` without anything above a frequency: white below it, of unit power over long times."""
    longer = frames + 2 * round(fps / highest_hz) + 4  # the spectrum makes it a loop: cut so that ends do not meet
    spectrum = np.fft.rfft(rng.standard_normal((longer, channels)), axis=0)
    keep = np.fft.rfftfreq(longer, 1.0 / fps) <= highest_hz
    band = np.fft.irfft(spectrum * keep[:, None], n=longer, axis=0)[:frames]
    return np.asarray(band / np.sqrt(keep.mean()))


def _shaken(clip: Clip, place: Array, turns: Array, size: float) -> Clip:
    """The clip with noise of root ``(T, 3)`` and joints ``(T, 24, 3)``, so large that joints move ``size`` on average.

    Root and pose alone would move joints as far as each other.
    """
    clean = clip.positions()

    def apply(root: float, pose: float) -> Clip:
        rotations = rot.multiply(clip.rotations, rot.from_rotvec(pose * turns))
        return replace(clip, rotations=rotations, root_position=clip.root_position + root * place)

    def distance(other: Clip) -> float:
        return max(float(np.linalg.norm(other.positions() - clean, axis=-1).mean()), 1e-9)

    small = 1e-3
    root, pose = small / distance(apply(small, 0.0)), small / distance(apply(0.0, small))
    scale = size
    for _ in range(4):  # nearly linear: each pass leaves a hundredth of the rest
        scale *= size / distance(apply(scale * root, scale * pose))
    return apply(scale * root, scale * pose)


def _noise(clip: Clip, rng: np.random.Generator) -> _Change:
    size = float(rng.uniform(*NOISE_M))
    highest = float(np.exp(rng.uniform(*np.log(NOISE_HZ))))
    values = smooth_noise(rng, clip.frames, 75, float(clip.fps), highest)
    faulty = _shaken(clip, values[:, :3], values[:, 3:].reshape(-1, 24, 3), size)
    return _Change(faulty, size, "m", f"up to {highest:.1f} Hz")


def _jitter(clip: Clip, rng: np.random.Generator) -> _Change:
    size = float(rng.uniform(*JITTER_M))
    values = rng.standard_normal((clip.frames, 75))
    return _Change(_shaken(clip, values[:, :3], values[:, 3:].reshape(-1, 24, 3), size), size, "m", "every frame")


def _lift(clip: Clip, rng: np.random.Generator, height: float) -> _Change:
    ramped = bool(rng.random() < 0.5) and clip.frames > 1
    share = smoothstep(np.linspace(0.0, 1.0, clip.frames)) if ramped else np.ones(clip.frames)
    return _Change(_carried(clip, share[:, None] * [0.0, height, 0.0]), height, "m", "ramped" if ramped else "whole")


def _slide(clip: Clip, rng: np.random.Generator) -> _Change:
    way = rng.uniform(0.0, 2 * np.pi)
    seconds = np.arange(clip.frames)[:, None] / float(clip.fps)
    direction = np.array([np.sin(way), 0.0, np.cos(way)])
    return _Change(_carried(clip, SLIDE_M_S * seconds * direction), SLIDE_M_S, "m/s", f"to {np.degrees(way):.0f}°")


def _drift(clip: Clip, rng: np.random.Generator) -> _Change:
    size = float(rng.uniform(*DRIFT_M))
    path = smooth_noise(rng, clip.frames, 2, float(clip.fps), DRIFT_HZ)
    path *= size / max(float(np.linalg.norm(path, axis=1).mean()), 1e-9)
    return _Change(_carried(clip, np.insert(path, 1, 0.0, axis=1)), size, "m", f"below {DRIFT_HZ} Hz")


def _tilt(clip: Clip, rng: np.random.Generator) -> _Change:
    way = rng.uniform(0.0, 2 * np.pi)
    turn = rot.from_rotvec(TILT_RAD * np.array([np.cos(way), 0.0, -np.sin(way)]))  # leans to (sin, 0, cos)
    pivot = clip.root_position.mean(0) * [1.0, 0.0, 1.0]
    rotations = clip.rotations.copy()
    rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
    place = pivot + rot.rotate(turn, clip.root_position - pivot)
    return _Change(replace(clip, rotations=rotations, root_position=place), TILT_RAD, "rad", f"{np.degrees(way):.0f}°")


def _flip(clip: Clip, rng: np.random.Generator) -> _Change:
    side = ("left", "right")[int(rng.integers(2))]
    angle = float(rng.uniform(*FLIP_RAD))
    turn = rot.from_rotvec(angle * _direction(rng))
    on = np.zeros(clip.frames, dtype=bool)
    for _ in range(max(1, round(clip.seconds / FLIP_EVERY_S))):
        length = max(1, round(float(rng.uniform(*FLIP_S)) * float(clip.fps)))
        start = int(rng.integers(0, max(1, clip.frames - length + 1)))
        on[start : start + length] = True
    rotations = clip.rotations.copy()
    ankle = INDEX[f"{side}_ankle"]
    rotations[on, ankle] = rot.multiply(rotations[on, ankle], turn)
    return _Change(replace(clip, rotations=rotations), angle, "rad", f"{side} foot")


def _direction(rng: np.random.Generator) -> Array:
    vector = rng.standard_normal(3)
    return np.asarray(vector / np.linalg.norm(vector))


def _carried(clip: Clip, offset: Array) -> Clip:
    return replace(clip, root_position=clip.root_position + offset)


_PLANTERS: dict[str, Callable[[Clip, np.random.Generator], _Change]] = {
    "noise": _noise,
    "float": lambda clip, rng: _lift(clip, rng, FLOAT_M),
    "sink": lambda clip, rng: _lift(clip, rng, -FLOAT_M),
    "slide": _slide,
    "tilt": _tilt,
    "flip": _flip,
    "jitter": _jitter,
    "drift": _drift,
}
KINDS: tuple[str, ...] = tuple(_PLANTERS)
