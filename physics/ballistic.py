"""Flights that fall as bodies do: `fall`, what to move a body by so that its centre of mass flies a parabola."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solveh_banded

from motion.rotations import Array
from motion.smoothing import penalty
from physics.mass import GRAVITY

#: Costs at 30 fps: of the third difference of what a body is moved by, of moving it at all while something stands and
#: while nothing does, against 1 for a second difference in flight that is not gravity's.
_SMOOTH, _STANDS, _FLIES = 0.01, 1.0, 1e-3
#: Further than this is another jump, metres for an adult.
MOST_M = 0.08


def fall(height: ArrayLike, flying: ArrayLike, fps: float, size: float = 1.0) -> Array:
    """``(T,)`` metres to move a body up so that it falls freely while it flies, taking off and landing evenly.

    Args:
        height: ``(T,)`` of its centre of mass, metres.
        flying: ``(T,)`` bool.
        fps: frames per second.
        size: of the performer against an adult.

    Returns:
        Zeros where nobody flies, or where more than `MOST_M` would be needed: then it is no flight of this body.
    """
    height, flying = np.asarray(height, dtype=np.float64), np.asarray(flying, dtype=bool)
    frames = len(height)
    inner = flying[:-2] & flying[1:-1] & flying[2:]
    if frames < 4 or not inner.any():
        return np.zeros(frames)
    scale = (
        fps / 30.0
    ) ** 4  # second differences shrink with the square of the rate, their squares with its fourth power
    missing = -GRAVITY / fps**2 - np.diff(height, n=2)
    weight = scale * inner
    matrix = _SMOOTH * (fps / 30.0) ** 6 * penalty(np.ones(frames - 3), 3)
    matrix[:3] += penalty(weight, 2)
    matrix[0] += np.where(flying, _FLIES, _STANDS)
    pull = np.zeros(frames)
    for k, c in enumerate((1.0, -2.0, 1.0)):
        pull[k : frames - 2 + k] += c * weight * missing
    moved = solveh_banded(matrix, pull, lower=True)
    return np.zeros(frames) if np.abs(moved).max() > MOST_M * size else np.asarray(moved)
