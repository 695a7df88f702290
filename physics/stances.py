"""What the parts of the kinematic pass share: how surely a part stands, and what corrections cost."""

from __future__ import annotations

import numpy as np

from motion.clip import Clip
from motion.easing import smoothstep
from motion.rotations import Array
from physics.series import runs

#: Parts may be so far off the ground before anything is done, metres for an adult: shoes and flesh give.
GIVE = 0.003
#: What rests higher or deeper than this stands on something that is not there; metres for an adult.
MENDED = 0.12
#: What a frame on which some foot touches the ground, and none stands, counts for against one that stands.
IDLE = 0.03
#: What standing still counts for against all smoothness.
HELD = 1e4
#: Smoothing at 30 fps (see `motion.smoothing.through`) of what limbs are bent by between two stances; and its tension.
BETWEEN, TENSION = 30.0, 4.0


def rate(clip: Clip) -> float:
    """What third differences in frames are worth against those at 30 fps."""
    return (float(clip.fps) / 30.0) ** 6


def beyond(values: Array, tolerance: float) -> Array:
    """What values have beyond a tolerance on either side of zero."""
    return np.asarray(np.sign(values) * np.maximum(np.abs(values) - tolerance, 0.0))


def usual(standing: Array, on: np.ndarray, size: float) -> tuple[Array, Array]:
    """Of each stance the median height ``(T,)``, and how surely a frame of it stands ``(T,)``.

    Landing and leaving, a part that is still or already up does not stand: it must be neither pulled down nor followed.
    """
    level, firm = np.zeros(len(standing)), np.zeros(len(standing))
    for a, b in runs(on):
        level[a:b] = np.median(standing[a:b])
        up = standing[a:b] - level[a:b]
        firm[a:b] = np.maximum(1.0 - 2.0 * smoothstep(up, 0.004 * size, 0.016 * size), 0.0)
    return level, firm


def to_its_stand(height: Array, step: Array, on: np.ndarray, size: float) -> tuple[Array, Array]:
    """What to add to a foot ``(T, 3)`` so that what carries weight stays put, on the ground; and how surely ``(T,)``.

    Args:
        height: ``(T,)`` of its lowest point over the ground, metres.
        step: ``(T − 1, 2)`` by which it slides, metres.
        on: ``(T,)`` when it stands.
        size: of the performer against an adult.
    """
    missing = np.zeros((len(height), 3))
    level, firm = usual(np.where(on, height, np.inf), on, size)
    for a, b in runs(on):
        here = -np.concatenate([np.zeros((1, 2)), np.cumsum(step[a : b - 1], axis=0)])
        surely = firm[a:b, None] + 1e-6
        missing[a:b, [0, 2]] = here - (here * surely).sum(0) / surely.sum()
        # What stands on a thing that is not there stays at its height, and still.
        stays = 0.0 if abs(level[a]) < MENDED * size else level[a]
        missing[a:b, 1] = -beyond(height[a:b] - stays, GIVE * size)
    return missing, firm
