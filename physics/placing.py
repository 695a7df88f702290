"""The whole body put on its ground: `lift`, up or down, and `carry`, over the floor by the steps of what stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import contacts, footing
from motion.clip import Clip
from motion.rotations import Array
from motion.smoothing import through
from physics.posed import Posed
from physics.stances import GIVE, IDLE, MENDED, beyond, rate, usual

#: Smoothing of the body's height at 30 fps (see `through`): half of 2.3 Hz passes. Between two stances, and beyond the
#: last, a body stays at the height that it was moved to.
_HEIGHT, _TENSION = 100.0, 0.02
#: Parts that move faster than this over the floor are rolling off: the slower ones tell what slides. m/s.
_SLOW = 0.05
#: What carrying a body over the floor costs a frame, about its even drift: errors come back within a third of a second.
_HOME, _EVEN = 6e-2, 30.0
#: What slides slower than this does not drift, m/s for an adult.
_DRIFTS = 0.05
#: Slips are read while something stands as firmly as this share of the firmest stance: not while feet roll.
_FIRM = 0.1
#: Nor what slides along the way by less than this share of it.
_STRIDES = 0.05
#: Nor does what stands for less than this share of a clip tell where all of it drifts.
_TELLS = 0.25
#: Frames over which slips are alike by chance: they count as one when it is asked whether they drift.
_RUN = 5
#: What hands, knees and the seat count for against feet: where their skin ends is known less well.
_LESS = 0.3


@dataclass(frozen=True, eq=False)
class Bearers:
    """What may carry a body: feet, then other parts; how high each is, how it moves, and when it stands."""

    height: Array  # (T, K) metres over the ground
    step: Array  # (T − 1, K, 2) over the floor, metres
    on: np.ndarray  # (T, K) bool
    slack: np.ndarray  # (T,) bool: something touches the ground, though nothing is found to stand
    lowest: Array  # (T,) of what then touches, metres
    deepest: Array  # (T,) of the whole body but the feet, metres

    @property
    def trust(self) -> Array:
        """``(K,)`` what each counts for."""
        return np.where(np.arange(self.on.shape[1]) < 2, 1.0, _LESS)


def grounded(made: Posed) -> tuple[Posed, float]:
    """A clip of which no stance comes near the ground, moved on to it as a whole; and by how much, metres up.

    The ground of a motion is taken where its feet usually rest at the lowest: the 5th percentile of their heights while
    they are slow. Within `MENDED` of the stage's ground that is nobody's mistake, or mended frame by frame.
    """
    clip = made.clip
    size = contacts.size_of(clip.rest_offsets)
    points = made.ground.above(contacts.foot_points(clip))
    off = float(contacts.floor_height(points, clip.fps, size).min())
    lies = float(made.rests.deepest.min())
    if abs(off) < MENDED * size or (off > 0 and lies < MENDED * size):
        return made, 0.0
    return replace(made, clip=replace(clip, root_position=clip.root_position - [0.0, off, 0.0])), -off


def lift(clip: Clip, parts: Bearers, size: float) -> Array:
    """``(T,)`` metres to move the body up so that what stands lowest rests on the ground."""
    off, meant = np.zeros(clip.frames), np.zeros(clip.frames)
    for some, trust in ((slice(2, None), _LESS), (slice(0, 2), 1.0)):  # feet have the last word
        on = parts.on[:, some].any(1)
        standing = np.where(parts.on[:, some], parts.height[:, some], np.inf).min(1, initial=np.inf)
        if some.start:  # of who lies, what is lowest lies on the ground
            standing = np.minimum(standing, parts.deepest)
        level, firm = usual(standing, np.asarray(on), size)
        firm *= (np.abs(level) < MENDED * size) * trust
        takes = firm > meant
        off, meant = np.where(takes, -beyond(np.where(takes, standing, 0.0), GIVE * size), off), np.maximum(firm, meant)
    idle = parts.slack & (np.abs(parts.lowest) < MENDED * size) & (meant <= 0)
    off = np.where(idle, -beyond(parts.lowest, GIVE * size), off)
    return through(off, np.maximum(meant, IDLE * idle), _HEIGHT * rate(clip), tension=_TENSION)


def carry(clip: Clip, parts: Bearers, size: float) -> Array:
    """``(T, 2)`` metres to move the body over the floor by the steps that standing parts take."""
    on, step = parts.on, parts.step
    bears = (on[1:] & on[:-1]) / (1.0 + (np.linalg.norm(step, axis=-1) * float(clip.fps) / _SLOW) ** 2) * parts.trust
    for k in range(on.shape[1]):
        firm = usual(np.where(on[:, k], parts.height[:, k], np.inf), on[:, k], size)[1]
        bears[:, k] *= np.minimum(firm[1:], firm[:-1])
    # A clip begins where it was put, and drifts evenly from there; what else moves it does so about where it should be.
    drift = -_drift(step, bears, clip.root_position, _DRIFTS * size / float(clip.fps))
    even = np.arange(clip.frames)[:, None] * drift
    way = np.concatenate([np.zeros((1, *step.shape[1:])), np.cumsum(step + drift, axis=0)])
    return even + footing.carry(way, bears, np.full(clip.frames, _HOME), _EVEN * rate(clip))


def _drift(step: Array, bears: Array, way: Array, least: float) -> Array:
    """``(2,)`` metres a frame by which what stands slides all the time; 0 where they rather tremble.

    Args:
        step: ``(T − 1, K, 2)`` of each part, metres.
        bears: ``(T − 1, K)`` how much weight each has.
        way: ``(T, 3)`` of the pelvis. Along it, steps that are a little long or short are no drift.
        least: metres a frame; less than this comes of legs that are not the captured ones.
    """
    share = bears.sum(1)
    firm = share > _FIRM * share.max(initial=1e-9)
    slip = ((step * bears[..., None]).sum(1) / np.maximum(share, 1e-9)[:, None])[firm]
    if len(slip) < max(6, _TELLS * len(step)):
        return np.zeros(2)
    usual = np.median(slip, axis=0)
    spread = np.median(np.abs(slip - usual), axis=0) / np.sqrt(len(slip) / _RUN)
    goes = (way[-1] - way[0])[[0, 2]] / max(len(way) - 1, 1)
    speed = float(np.linalg.norm(goes))
    along = abs(float(usual @ goes)) / max(speed, 1e-9)
    strides = along > 0.7 * np.linalg.norm(usual) and along < _STRIDES * speed
    sure = np.linalg.norm(usual) > max(3.0 * float(np.linalg.norm(spread)), least) and not strides
    return usual if sure else np.zeros(2)
