"""Hands on the ground: `hold` those that lean on it, `clear` it of those that go through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import ik, kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.rotations import Array
from motion.smoothing import over, through
from physics.ground import Ground
from physics.rests import Rests
from physics.stances import BETWEEN, HELD, TENSION, rate, to_its_stand

_I = skeleton.INDEX
_SIDES = ("left", "right")
_UP = np.array([0.0, 1.0, 0.0])
#: A hand is not moved further than this, metres for an adult: it would pull the arm out of its pose.
_FURTHEST = 0.10
#: Hands may sink so far: palms give, and hold things.
_SOFT = 0.01
#: As for feet: smoothing of what hands are lifted by, what lifting costs where they lean and where they are free.
_CLEARS, _STAYS, _GOES = 30.0, 0.3, 0.02


def hold(clip: Clip, ground: Ground, on: np.ndarray, size: float) -> Clip:
    """Hands that lean on the ground kept where they are, arms bent to them.

    Args:
        clip: the performance.
        ground: what it is on.
        on: ``(T, 2)`` bool, when the left and the right hand carry weight.
        size: of the performer against an adult.
    """
    if not on.any():
        return clip
    rests = Rests.of(clip, ground)
    moves = np.zeros((clip.frames, 2, 3))
    for s in range(2):
        missing, firm = to_its_stand(rests.height[:, s], rests.step[:, s], on[:, s], size)
        missing = np.clip(missing, -_FURTHEST * size, _FURTHEST * size)
        moves[:, s] = through(missing, HELD * firm, BETWEEN * rate(clip), 1e-1, TENSION)
    return _reached(clip, moves)


def clear(clip: Clip, ground: Ground, on: np.ndarray, size: float) -> Clip:
    """Hands lifted out of the ground; arguments as for `hold`."""
    deep = -Rests.of(clip, ground).height[:, :2] - _SOFT * size
    if deep.max() < 1e-3:
        return clip
    deep = np.where(deep > 0.25 * size, 0.0, np.maximum(deep, 0.0))
    moves = np.zeros((clip.frames, 2, 3))
    for s in range(2):
        moves[:, s, 1] = over(deep[:, s], _CLEARS * rate(clip), np.where(on[:, s], _STAYS, _GOES))
    return _reached(clip, moves)


def _reached(clip: Clip, moves: Array) -> Clip:
    """Arms bent so that wrists are elsewhere by ``(T, 2, 3)`` metres; hands keep how they are turned."""
    world, positions = clip.world()
    turned = world.copy()
    for s, side in enumerate(_SIDES):
        if not np.abs(moves[:, s]).max() > 1e-5:
            continue
        i, j, k = (_I[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist"))
        shoulder, elbow, wrist = (positions[:, n] for n in (i, j, k))
        line = wrist - shoulder
        axis = line / np.maximum(np.linalg.norm(line, axis=-1, keepdims=True), 1e-9)
        bend = (elbow - shoulder) - ((elbow - shoulder) * axis).sum(-1, keepdims=True) * axis
        # A straight arm has no bend to keep: elbows point back and down.
        back = rot.rotate(world[:, 0], np.array([0.0, -0.5, -1.0]))
        upper, lower = (float(np.linalg.norm(clip.rest_offsets[n])) for n in (j, k))
        new_elbow, new_wrist = ik.two_bone(
            shoulder, wrist + moves[:, s], upper, lower, bend + 0.02 * (upper + lower) * back,
            stretched=np.linalg.norm(line, axis=-1),
        )  # fmt: skip
        turned[:, i] = ik.swing_to(world[:, i], clip.rest_offsets[j], new_elbow - shoulder)
        turned[:, j] = ik.swing_to(world[:, j], clip.rest_offsets[k], new_wrist - new_elbow)
    local = kinematics.to_local(skeleton.PARENTS, turned)
    return replace(clip, rotations=rot.continuous(rot.normalize(local)))
