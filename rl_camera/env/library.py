"""Motion for episodes: captured clips strung together, mirrored and re-timed, as one table that a batch gathers from.

A capture lasts a second or three; a shot lasts eight. So captures are strung into takes of some twenty seconds, each
beginning where and as the one before ended (`motion.edit.concatenate`), and episodes are windows of them.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from motion import edit, skeleton
from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.stage import Performance
from rl_camera import framing
from rl_camera.env.columns import Array
from rl_camera.framing import LANDMARK, LANDMARKS, Tracks
from rl_camera.vocabulary import SIZES

#: Sets of body points that environments see. ``smpl24``: the joints of SMPL-24; ``eight``: the figure's outline.
KEYPOINTS: Mapping[str, tuple[str, ...]] = {
    "smpl24": skeleton.JOINTS,
    "eight": ("crown", "neck", "spine2", "pelvis", "left_hand", "right_hand", "left_toe", "right_toe"),
}

#: What a body hides others with: capsules between keypoints, radius in metres on an adult.
CAPSULES: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "smpl24": (
        ("pelvis", "neck", 0.17), ("neck", "head", 0.12), ("left_hip", "left_ankle", 0.09),
        ("right_hip", "right_ankle", 0.09),
    ),
    "eight": (
        ("pelvis", "neck", 0.17), ("neck", "crown", 0.12), ("pelvis", "left_toe", 0.1), ("pelvis", "right_toe", 0.1),
    ),
}  # fmt: skip

#: Captures in the pybullet wheel that nothing is trained on.
HELD_OUT = ("dance_b", "jump", "punch", "run", "cartwheel")

SPLITS = ("train", "test", "all")
SIZE_NAMES: tuple[str, ...] = tuple(str(name) for name in SIZES)

#: Seconds over which a body's heading is averaged, looking back: a camera keeps its side of the body, not of a step.
HEADING_S = 2.0


@dataclass(frozen=True)
class Table:
    """Points of bodies at every sample of every take, columns side by side; float32, metres, each take's own world."""

    points: Array  # (3 K, F) keypoints: all x, all y, all z
    anchors: Array  # (3, F · 8) middle of the framed part per shot size, sample-major: column ``row · 8 + size``
    drift: Array  # (3, F · 8) m/s that it moves, looking back
    extra: Array  # (8, F) eyes x y z; heading x z, made calm; velocity of the pelvis x y z, looking back
    starts: np.ndarray  # (C,) first column of each take
    lengths: np.ndarray  # (C,) samples of each take
    stature: Array  # (C,) metres


@dataclass(frozen=True)
class MotionLibrary:
    """Takes that episodes are cut from.

    Attributes:
        clips: takes on SMPL-24, each in its own world.
        rate: samples per second.
        sources: what the takes were made of, and its licences.
    """

    clips: tuple[Clip, ...]
    rate: float
    sources: tuple[str, ...] = ()
    _tables: dict[str, Table] = field(default_factory=dict, repr=False, compare=False)

    def table(self, keypoints: str) -> Table:
        """The takes as arrays for one of the `KEYPOINTS`; made once.

        Raises:
            BadInput: no such set; a clip has a pose that is not finite.
        """
        if keypoints not in KEYPOINTS:
            raise unknown("keypoints", keypoints, KEYPOINTS)
        if keypoints not in self._tables:
            tracks = [framing.track([Performance("body", c, None)], _times(c, self.rate)) for c in self.clips]  # type: ignore[arg-type]
            self._tables[keypoints] = tabulate(tracks, keypoints)
        return self._tables[keypoints]


def _times(clip: Clip, rate: float) -> Array:
    count = max(1, int(np.floor((clip.frames - 1) / float(clip.fps) * rate + 1e-6)) + 1)
    return np.arange(count) / rate


def tabulate(tracks: Sequence[Tracks], keypoints: str) -> Table:
    """Tracks of one performer each, evenly sampled, as a `Table`.

    Raises:
        BadInput: a pose is not finite.
    """
    index = [LANDMARK[name] for name in KEYPOINTS[keypoints]]
    points, anchors, drift, extra = [], [], [], []
    for track in tracks:
        own = track.points[:, 0]
        if not np.isfinite(own).all():
            bad = int(np.flatnonzero(~np.isfinite(own).all(axis=(1, 2)))[0])
            raise BadInput(f"{track.names[0]}: the pose at {track.times[bad]:.2f} s is not finite")
        points.append(own[:, index].transpose(2, 1, 0).reshape(3 * len(index), -1))
        anchors.append(anchors_of(own))
        dt = float(track.times[1] - track.times[0]) if len(track.times) > 1 else 1.0
        drift.append(np.diff(anchors[-1], axis=0, prepend=anchors[-1][:1]) / dt)
        pelvis = own[:, LANDMARK["pelvis"]]
        velocity = np.diff(pelvis, axis=0, prepend=pelvis[:1]) / dt
        heading = calm_heading(track.facing()[:, 0], dt)
        extra.append(np.concatenate([own[:, LANDMARK["eyes"]], heading, velocity], axis=1).T)
    lengths = np.array([p.shape[1] for p in points], np.int64)
    return Table(
        np.concatenate(points, axis=1).astype(np.float32),
        np.concatenate(anchors, axis=0).reshape(-1, 3).T.astype(np.float32).copy(),
        np.concatenate(drift, axis=0).reshape(-1, 3).T.astype(np.float32).copy(),
        np.concatenate(extra, axis=1).astype(np.float32),
        np.concatenate([[0], np.cumsum(lengths)[:-1]]),
        lengths,
        np.array([float(t.stature[0]) for t in tracks], np.float32),
    )


def anchors_of(points: Array) -> Array:
    """The middle ``(T, 8, 3)`` of what each shot size frames: the trunk's line across, half way up the framed part.

    Args:
        points: ``(T, 33, 3)`` landmarks.
    """
    out = np.empty((len(points), len(SIZES), 3))
    for k, (own, keeps) in enumerate(_framed()):
        out[:, k] = points[:, own].mean(1)
        height = points[:, keeps, 1]
        out[:, k, 1] = 0.5 * (height.min(1) + height.max(1))
    return out


@lru_cache
def _framed() -> tuple[tuple[list[int], np.ndarray], ...]:
    """Of each shot size, landmarks of the trunk's line in the framed part, and all of that part."""
    trunk = [LANDMARK[n] for n in ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "crown")]
    out = []
    for spec in SIZES.values():
        keeps = framing.indices(spec.keeps)
        out.append(([j for j in trunk if j in set(keeps.tolist())] or keeps.tolist(), keeps))
    return tuple(out)


def calm_heading(facing: Array, dt: float) -> Array:
    """Where a body faces, ``(T, 2)`` as (x, z) of length 1, averaged over the seconds before."""
    keep = float(np.exp(-dt / HEADING_S))
    out = np.empty_like(facing)
    now = facing[0]
    for k, one in enumerate(facing):
        now = keep * now + (1.0 - keep) * one
        out[k] = now
    size = np.linalg.norm(out, axis=-1, keepdims=True)
    return np.where(size > 1e-3, out / np.maximum(size, 1e-3), [0.0, 1.0])


def kept_weights(keypoints: str) -> Array:
    """How much each keypoint counts for what a shot size must show, ``(8, K)`` float32, rows sum to 1."""
    names = KEYPOINTS[keypoints]
    out = np.zeros((len(SIZES), len(names)), np.float32)
    heights = dict(zip(LANDMARKS, _STANDING))
    for k, spec in enumerate(SIZES.values()):
        low = min(heights[LANDMARKS[j]] for j in framing.indices(spec.keeps))
        hands = ("hand", "wrist", "elbow")
        for j, name in enumerate(names):
            whole = spec.keeps == ("*",)
            if whole or (heights[name] >= low - 0.06 and not any(h in name for h in hands)):
                out[k, j] = 1.0
    return out / out.sum(1, keepdims=True)


#: Heights of `LANDMARKS` on a standing body in statures, soles 0 (the CC0 body's rest pose, rounded).
_STANDING = (
    0.55, 0.51, 0.51, 0.61, 0.29, 0.29, 0.69, 0.04, 0.04, 0.73, 0.02, 0.02, 0.84, 0.80, 0.80, 0.88, 0.82, 0.82, 0.66,
    0.66, 0.52, 0.52, 0.48, 0.48, 1.0, 0.936, 0.87, 0.0, 0.0, 0.0, 0.0, 0.46, 0.46,
)  # fmt: skip


# ---- takes from captures


def build(
    captures: Mapping[str, Clip], rate: float = 10.0, *, takes: int = 48, seconds: float = 24.0, seed: int = 0
) -> MotionLibrary:
    """String captures into takes; the same for the same captures and seed.

    Args:
        captures: clips by name.
        rate: samples per second of the environments.
        takes: how many; each capture begins at least one when there are enough.
        seconds: of each take.
        seed: of order, mirroring (half of them) and speed (0.8 to 1.25).

    Raises:
        BadInput: no captures, or numbers that make no sense.
    """
    if not captures:
        raise BadInput("motion library: no captures, expected at least one clip")
    if not (takes >= 1 and 1.0 <= seconds <= 600.0 and 1.0 <= rate <= 240.0):
        raise BadInput(
            f"motion library: {takes} takes of {seconds:g} s at {rate:g} Hz, expected 1 to 600 s, 1 to 240 Hz"
        )
    rng = np.random.default_rng(seed)
    ready = [edit.resample(edit.place(clip, (0.0, 0.0), 0.0), Fraction(30)) for clip in captures.values()]
    made = [_string(ready, first % len(ready), seconds, rng) for first in range(takes)]
    notes = {f"{name}: {clip.provenance.licence or 'licence not stated'}" for name, clip in captures.items()}
    return MotionLibrary(tuple(made), rate, tuple(sorted(notes)))


def _string(clips: Sequence[Clip], first: int, seconds: float, rng: np.random.Generator) -> Clip:
    """One take, beginning with clip ``first``; what follows begins much as the one before it ends."""
    flip, pace = rng.random() < 0.5, float(rng.uniform(0.8, 1.25))
    parts = [clips[first]]
    need = seconds * pace + 1.0
    while sum(p.frames / float(p.fps) for p in parts) - 0.4 * len(parts) < need:
        same = [c for c in clips if np.allclose(c.rest_offsets, parts[0].rest_offsets, atol=1e-6)]
        drawn = [same[int(k)] for k in rng.integers(0, len(same), 4)]
        parts.append(min(drawn, key=lambda c: _apart(parts[-1], c)))
    take = parts[0] if len(parts) == 1 else edit.concatenate(parts, 0.4)
    take = edit.speed(edit.mirror(take) if flip else take, pace)
    return edit.resample(take, Fraction(30))


def _apart(one: Clip, other: Clip) -> float:
    """How unlike one clip's last pose and another's first are: mean turn of the joints, radians, and height, metres."""
    dots = np.abs((one.rotations[-1, 1:] * other.rotations[0, 1:]).sum(-1))
    lower = abs(float(one.root_position[-1, 1] - other.root_position[0, 1]))
    return float(2.0 * np.arccos(np.clip(dots, 0.0, 1.0)).mean()) + 2.0 * lower


# ---- captures that are at hand


@lru_cache(maxsize=8)
def default_library(split: str = "train", rate: float = 10.0, data: str | Path | None = None) -> MotionLibrary:
    """Takes from the pybullet wheel's 15 human captures, ten to train on and five held out; or from a user's folder.

    The application reads captures (`cinemotion.captures`); it is imported here, late, and nowhere else. What was
    made is kept in the user's cache folder.

    Args:
        split: ``train``, ``test`` (held out) or ``all``. In a folder every third file, by name, is held out.
        rate: samples per second.
        data: a folder of motion files, any format that `cinemotion convert` reads; None: the wheel's.

    Raises:
        BadInput: no such split, no captures there.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    captures = importlib.import_module("cinemotion.captures").captures(data)
    held = set(HELD_OUT) if data is None else set(sorted(captures)[::3])
    chosen = {name: c for name, c in captures.items() if split == "all" or (name in held) == (split == "test")}
    if not chosen:
        raise BadInput(f"{data}: {len(captures)} captures, none left for the split '{split}'")
    seed = int.from_bytes(hashlib.sha256(split.encode()).digest()[:4], "big")
    return build(chosen, rate, takes=max(48, 2 * len(chosen)), seed=seed)
