"""`Calibrator`: learned corrections put on a clip of any rate, length and proportions; sound motion stays as it is.

The network speaks of every frame at 30 a second. Flipped feet are filled in from before and after; then what trembles
is taken away; then tilt, slip and height, averaged over time, are made good where they are surely there. Below a
threshold nothing is touched, so a clean clip comes back as it went in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from scipy import ndimage
from scipy.interpolate import CubicSpline

from motion import contacts, edit
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.corpus import FPS
from motion.easing import smoothstep
from motion.prior import gaps, weights
from motion.prior.constraints import JOINTS
from motion.prior.filled import filled
from motion.rotations import Array
from physics.calibrator.features import LOOKED_AROUND, look, soles_slip, soles_tilt
from physics.calibrator.motions import Motions
from physics.calibrator.network import Config, Network
from physics.series import runs

#: Fewer frames than this hold no motion to judge.
LEAST_FRAMES = 4
#: A tilt is made good from the second angle on, a smaller one than the first is not touched; radians.
TILT_RAD = (float(np.radians(1.2)), float(np.radians(1.8)))
#: Soles that lean so far lean by themselves, radians.
_LEANING_RAD = (float(np.radians(4.0)), float(np.radians(5.0)))
#: As for tilts: for the height of a body, metres for an adult, and for its slip, m/s.
LIFT_M, SLIP_M_S = (0.01, 0.02), (0.015, 0.03)
#: Who stands higher or deeper than this stands on something that is not there, metres for an adult.
_ELSEWHERE_M = (0.12, 0.18)
#: And for how surely a pose trembles.
SHAKEN = (0.35, 0.65)
#: Over so many seconds such judgements are averaged: trembling, height, slip, and whether it slips at all.
_SHAKEN_S, _LIFT_S, _SLIP_S, _SLIPS_S = 0.5, 0.5, 0.15, 2.0
#: A slip is a slide from where the clip began when its end lies so many times farther than it strays on the way.
_STEADY = (14.0, 22.0)
#: Measured slips are so much of those told, at least and at most.
_AS_MEASURED = (0.6, 1.1)
#: Where poses tremble, slips are this much less sure.
_SHAKEN_SLIPS = 4.0
#: Standing soles measure a tilt, where the network sees it too, by the second part of it: else feet stand so.
_SHARED = (0.08, 0.2)
#: Slips so many seconds apart are independent, and their mean counts when it is so many times what chance makes it.
_ALIKE_S, _BEYOND_CHANCE = 0.5, (1.0, 2.5)
#: A foot is flipped from this logit on: three to one. A flip that lasts longer is meant, seconds.
_FLIPPED, _FLIP_S = 1.0, 0.8
#: No joint is turned farther at once, radians.
_FARTHEST = 0.5
#: Frames of one pass, and beside it so many as an answer depends on.
_CHUNK = 4096
_ANKLES = (7, 8)


@dataclass(frozen=True)
class Calibration:
    """A calibrated clip, and what was wrong with it."""

    clip: Clip  # the very clip that was given where nothing was
    contacts: ContactTrack | None  # heels and toes that stand, as the network sees them; None: too short to tell
    shaken: float = 0.0  # share of the frames whose pose trembled
    tilt_rad: float = 0.0
    lift_m: float = 0.0  # median height above where it should be, where that was changed
    slip_m_s: float = 0.0  # mean speed of it over the floor
    flips: int = 0  # moments at which a foot was flipped


class Calibrator:
    """A trained calibrator and its card.

    calibrator = Calibrator.load()
    clip = calibrator(clip)
    """

    def __init__(self, network: Network, card: weights.Card) -> None:
        self.network, self.card = network.eval(), card

    @classmethod
    def load(cls, name_or_path: str | os.PathLike[str] = "clean") -> Calibrator:
        """Weights by name, or from a file or a training folder.

        Raises:
            BadInput: there are none, or the file is damaged or of another kind or version.
        """
        path = weights.find(name_or_path, "calibrator")
        tensors, card = weights.load(path, "calibrator")

        def build(_: object) -> Network:
            return Network(Config.of(card.config))

        return cls(filled(path, build, tensors), card)

    def save(self, path: str | os.PathLike[str]) -> weights.Card:
        """Write weights and card to a ``.safetensors`` file; gives the card as written."""
        self.card = weights.save(path, self.network.state_dict(), self.card)
        return self.card

    def __call__(self, clip: Clip) -> Clip:
        """The clip without what trembles, flips, floats, slips and leans; itself where nothing does."""
        return self.calibrate(clip).clip

    def calibrate(self, clip: Clip, level: bool = True) -> Calibration:
        """`__call__`, with what was found.

        Args:
            clip: any rate, length and proportions, metres, Y up. Fewer than four frames, and bodies without legs, come
                back untouched.
            level: it stands on a level floor at y = 0; False: heights and tilts are left alone (stairs, ramps).
        """
        size = contacts.size_of(clip.rest_offsets)
        if clip.frames < LEAST_FRAMES or size < 0.01:
            return Calibration(clip, None)
        calm = _calmed(clip)
        slow = edit.resample(calm, FPS) if calm.fps != FPS else calm
        first = self._answers(slow)
        work, calm, slow, flips = _unflipped(clip, calm, slow, first["flipped"] > _FLIPPED)
        stance = _Stance.of(first, size, level)
        second = self._answers(stance.undone(slow))
        on = smoothstep(1.0 / (1.0 + np.exp(-_averaged(second["shaken"], _SHAKEN_S))), *SHAKEN)
        if on.any():
            # What moves the whole body is seen better where nothing trembles.
            valid = clip.valid[:JOINTS]
            work = _settled(work, calm, on, second["turns"], second["shift"], valid)
            slow = _settled(slow, slow, on, second["turns"], second["shift"], valid)
            third = self._answers(slow)
            stance, second = _Stance.of(third, size, level, float(on.max())), third
        made = stance.undone(work)
        found = Calibration(
            clip,
            ContactTrack(contacts.LABELS, _nearest(second["contacts"] > 0.0, clip)),
            float((on > 0.5).mean()),
            float(np.linalg.norm(stance.tilt)),
            float(np.median(stance.lift)),
            stance.slip_m_s,
            flips,
        )
        if made is clip or not (np.isfinite(made.rotations).all() and np.isfinite(made.root_position).all()):
            return found
        said = replace(
            clip.provenance.noting("tremor, tilt and drift taken out (learned calibrator)"),
            licence=weights.licence_of([n for n in (clip.provenance.licence, self.card.licence) if n]),
            model=self.card.label,
        )
        return replace(found, clip=replace(made, provenance=said))

    @torch.inference_mode()
    def _answers(self, clip: Clip) -> dict[str, Array]:
        """What the network says of every frame of a clip at 30 fps; level directions in the world."""
        beside = self.network.config.reach + LOOKED_AROUND
        origin = clip.root_position[:1] * [1.0, 0.0, 1.0]
        local = torch.from_numpy(rot.continuous(clip.rotations[:, :JOINTS]).astype(np.float32))[None]
        root = torch.from_numpy((clip.root_position - origin).astype(np.float32))[None]
        offsets = torch.from_numpy(clip.rest_offsets[:JOINTS].astype(np.float32))[None]
        parts: dict[str, list[Array]] = {}
        for begin in range(0, clip.frames, _CHUNK):
            a, b = max(0, begin - beside), min(clip.frames, begin + _CHUNK + beside)
            keep = slice(begin - a, min(begin + _CHUNK, clip.frames) - a)
            seen = look(Motions(local[:, a:b], root[:, a:b], offsets))
            answer = self.network(seen)
            ahead = seen.heading[0, keep].double().numpy()
            given = {f.name: getattr(answer, f.name) for f in fields(answer)} | {
                "soles": soles_tilt(seen.columns),
                "slides": soles_slip(seen.columns),
            }
            for name, tensor in given.items():
                value = tensor[0, keep].double().numpy()
                if name in ("slip", "tilt", "soles", "slides"):
                    value = np.einsum("tab,tb->ta", ahead[:, [0, 2]][:, :, [0, 2]], value)
                elif name == "shift":
                    value = np.einsum("tab,tb->ta", ahead, value)
                parts.setdefault(name, []).append(value)
        return {name: np.concatenate(values) for name, values in parts.items()}


def _firm(value: Array, low: float, high: float) -> Array:
    """A vector as it is where it is long, nothing where it is short."""
    return np.asarray(value * smoothstep(np.linalg.norm(value), low, high))


def _averaged(values: Array, seconds: float) -> Array:
    return np.asarray(ndimage.gaussian_filter1d(values, seconds * FPS, axis=0, mode="nearest"))


# ---- rates


def _calmed(clip: Clip) -> Clip:
    """What 30 frames a second can hold of a faster clip."""
    sigma = 0.5 * float(clip.fps) / FPS
    if sigma < 0.75:
        return clip
    flat = ndimage.gaussian_filter1d(rot.continuous(clip.rotations), sigma, axis=0, mode="nearest")
    root = ndimage.gaussian_filter1d(clip.root_position, sigma, axis=0, mode="nearest")
    return replace(clip, rotations=rot.normalize(flat), root_position=root)


def _spread(values: Array, clip: Clip) -> Array:
    """Values at 30 fps ``(T', …)`` at the frames of a clip, by a cubic without corners."""
    if clip.fps == FPS and len(values) == clip.frames:
        return values
    if len(values) < 2:
        return np.repeat(values[:1], clip.frames, axis=0)
    at = np.clip(np.arange(clip.frames) * FPS / float(clip.fps), 0.0, len(values) - 1.0)
    return np.asarray(CubicSpline(np.arange(len(values)), values, bc_type="natural")(at))


def _nearest(values: np.ndarray, clip: Clip) -> np.ndarray:
    at = np.rint(np.arange(clip.frames) * FPS / float(clip.fps)).astype(int)
    return np.asarray(values[np.clip(at, 0, len(values) - 1)])


# ---- the whole body


@dataclass(frozen=True)
class _Stance:
    """What moves the whole body and is surely there, at 30 fps."""

    tilt: Array  # (2,) rotation vector's x and z, radians, world
    lift: Array  # (T',) metres
    way: Array  # (T', 2) metres, x and z, world
    slip_m_s: float

    @classmethod
    def of(cls, said: dict[str, Array], size: float, level: bool, shaken: float = 0.0) -> _Stance:
        """From the network's answers for every frame; ``shaken`` 0 to 1, how much poses trembled."""
        # Which slip is one the network tells; how fast it is, standing feet measure.
        along = (said["slip"] * said["slides"]).sum() * size / max(float((said["slip"] ** 2).sum()), 1e-12)
        slip = said["slip"] * np.clip(along, *_AS_MEASURED)
        way, speed = _way(slip, size, 1.0 + (_SHAKEN_SLIPS - 1.0) * shaken)
        tilt, soles = said["tilt"].mean(0), said["soles"].mean(0)
        shared = smoothstep(tilt @ soles / max(float(soles @ soles), 1e-12), *_SHARED)
        shared *= 1.0 - smoothstep(np.linalg.norm(soles), *_LEANING_RAD)
        tilt = _firm(soles / (1.0 + 0.5 * shaken), *TILT_RAD) * (1.0 + 0.5 * shaken) * shared
        lift = _lift(said["lift"], size)
        return cls(tilt * level, lift * level, way, speed)

    def undone(self, clip: Clip) -> Clip:
        """The clip upright, on its floor, and where it should be; itself where there is nothing to undo."""
        pivot = clip.root_position.mean(0) * [1.0, 0.0, 1.0]
        return _carried(_upright(clip, self.tilt, pivot), self.lift, self.way)


def _upright(clip: Clip, tilt: Array, pivot: Array) -> Clip:
    """Turned back by ``tilt`` ``(2,)``, a rotation's x and z in the world, about a point on the floor."""
    if not tilt.any():
        return clip
    back = rot.from_rotvec([-tilt[0], 0.0, -tilt[1]])
    rotations = clip.rotations.copy()
    rotations[:, 0] = rot.multiply(back, rotations[:, 0])
    return replace(clip, rotations=rotations, root_position=pivot + rot.rotate(back, clip.root_position - pivot))


def _lift(said: Array, size: float) -> Array:
    """Heights ``(T',)`` to take away, metres."""
    height = _averaged(said, _LIFT_S)
    usual = float(np.sqrt((height**2).mean())) / size
    return height * smoothstep(usual, *LIFT_M) * (1.0 - smoothstep(usual, *_ELSEWHERE_M))


def _way(slip: Array, size: float, doubt: float = 1.0) -> tuple[Array, float]:
    """Where slipping has led over the floor ``(T', 2)``, metres, and how fast it was; slower ones are passed over.

    A steady slide is counted from where the clip began. What wanders does so about where it should be.
    """
    speed = _averaged(slip, _SLIP_S)
    usual = np.sqrt(_averaged((_averaged(slip, 2 * _SLIP_S) ** 2).sum(1), _SLIPS_S)) / (size * doubt)
    speed = speed * smoothstep(usual, *SLIP_M_S)[:, None]
    # Of what merely trembles to and fro, the mean is chance: it would lead away, and farther the longer it lasts.
    mean = speed.mean(0)
    chance = np.sqrt(((speed - mean) ** 2).sum(1).mean() * min(1.0, _ALIKE_S * FPS / len(speed)))
    speed = speed - mean * (1.0 - smoothstep(np.linalg.norm(mean) / max(chance, 1e-9), *_BEYOND_CHANCE))
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(speed[:-1], axis=0) / FPS])
    t = np.linspace(0.0, 1.0, len(path))[:, None]
    strays = path - t * path[-1]
    strays = strays - strays.mean(0)
    ratio = np.linalg.norm(path[-1]) / max(float(np.sqrt((strays**2).sum(1).mean())), 1e-9)
    begins = smoothstep(ratio, *_STEADY)
    return strays + (t - 0.5 * (1.0 - begins)) * path[-1], float(np.linalg.norm(speed, axis=1).mean())


def _carried(clip: Clip, lift: Array, way: Array) -> Clip:
    if not (lift.any() or way.any()):
        return clip
    by = _spread(np.stack([way[:, 0], lift, way[:, 1]], -1), clip)
    return replace(clip, root_position=clip.root_position - by)


# ---- poses


def _unflipped(clip: Clip, calm: Clip, slow: Clip, flipped: np.ndarray) -> tuple[Clip, Clip, Clip, int]:
    """Flipped ankles turned as before and after lets expect; and how many flips there were."""
    count, made = 0, [clip, calm, slow]
    for s, ankle in enumerate(_ANKLES):
        on = ndimage.binary_closing(np.pad(flipped[:, s], 2), np.ones(3))[2:-2]
        for a, b in runs(on):
            if b - a > _FLIP_S * FPS or b - a >= len(on) - 1:
                on[a:b] = False
            else:
                count += 1
        if not on.any():
            continue
        for k, one in enumerate(made):
            here = _nearest(on, one)
            if one.fps != FPS:  # its frames lie between those that were judged
                here = ndimage.binary_dilation(here, iterations=max(1, round(float(one.fps) / FPS)))
            if not here.all():
                made[k] = _bridged(one, ankle, here)
    return made[0], made[1], made[2], count


def _bridged(clip: Clip, joint: int, gone: np.ndarray) -> Clip:
    """One joint's rotation anew on some frames ``(T,)`` bool."""
    q = torch.from_numpy(rot.continuous(clip.rotations[:, [joint]]))[None]
    where = gaps.find(torch.from_numpy(~gone)[None])
    filled_in = gaps.guess(q, torch.zeros(1, clip.frames, 3, dtype=torch.float64), where)[0][0, :, 0].numpy()
    rotations = clip.rotations.copy()
    rotations[gone, joint] = rot.normalize(filled_in[gone])
    return replace(clip, rotations=rotations)


def _settled(clip: Clip, calm: Clip, on: Array, turns: Array, shift: Array, valid: np.ndarray) -> Clip:
    """The pose without its tremor.

    Args:
        clip: as it is.
        calm: the same without what 30 frames a second cannot hold.
        on: ``(T',)`` how much of it to do, at 30 fps.
        turns: ``(T', 22, 3)`` radians, of each joint.
        shift: ``(T', 3)`` metres, world.
        valid: ``(22,)`` joints that the source had.
    """
    length = np.linalg.norm(turns, axis=-1, keepdims=True)
    turns = turns * np.minimum(1.0, _FARTHEST / np.maximum(length, 1e-9)) * valid[:, None] * on[:, None, None]
    amount = np.clip(_spread(on, clip), 0.0, 1.0)
    rotations, root = clip.rotations.copy(), clip.root_position
    if calm is not clip:
        rotations = rot.slerp(rotations, calm.rotations, amount[:, None])
        root = (1 - amount[:, None]) * root + amount[:, None] * calm.root_position
    rotations[:, :JOINTS] = rot.multiply(rotations[:, :JOINTS], rot.from_rotvec(-_spread(turns, clip)))
    rotations = rot.continuous(rot.normalize(rotations))
    return replace(clip, rotations=rotations, root_position=root - _spread(on[:, None] * shift, clip))
