"""`carry`: how a whole body has to be moved over the floor so that feet that bear weight stay where they stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solveh_banded

from motion.rotations import Array
from motion.smoothing import penalty


def carry(feet: ArrayLike, bears: ArrayLike, pull: ArrayLike, even: float = 1.0) -> Array:
    """Where to move each frame, by least squares: standing feet take no steps, and the correction changes evenly.

    Args:
        feet: ``(T, K, D)`` points of the feet, metres, world: level, or of as many axes as shall be held.
        bears: ``(T − 1, K)`` weight of each point over each step between two frames; 0 where it does not stand.
        pull: ``(T,)`` what moving a frame at all costs.
        even: what the third difference of the correction costs.

    Returns:
        ``(T, D)`` metres to add. Fewer than four frames are not moved.
    """
    feet, bears = np.asarray(feet, dtype=np.float64), np.asarray(bears, dtype=np.float64)
    frames = len(feet)
    moved = np.zeros((frames, feet.shape[-1]))
    if frames < 4:
        return moved
    share = bears.sum(-1)
    slip = (np.diff(feet, axis=0) * bears[..., None]).sum(1) / np.maximum(share, 1e-9)[:, None]
    weight = (share > 0).astype(np.float64)
    matrix = even * penalty(np.ones(frames - 3), 3)
    matrix[:2] += penalty(weight, 1)
    matrix[0] += np.asarray(pull, dtype=np.float64)
    moved[:-1] += weight[:, None] * slip
    moved[1:] -= weight[:, None] * slip
    return np.asarray(solveh_banded(matrix, moved, lower=True))
