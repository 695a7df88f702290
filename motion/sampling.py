"""Which two frames a moment lies between: the one rule for takes, clips and edits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motion.rotations import Array


def neighbours(place: ArrayLike, frames: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """The frames around fractional frame numbers, held at the first and the last.

    A place that was meant to be a frame is that frame, whatever the last bit of the product that made it says.

    Args:
        place: ``(…)`` fractional frame numbers, any.
        frames: how many there are.

    Returns:
        ``i`` and ``j``, the frames before and after, and how far ``t`` it is from i to j, in [0, 1); each ``(…)``.
    """
    place = np.clip(np.asarray(place, dtype=np.float64), 0.0, frames - 1.0)
    nearest = np.rint(place)
    place = np.where(np.abs(place - nearest) < 1e-9 * np.maximum(nearest, 1.0), nearest, place)
    i = place.astype(np.int64)
    return i, np.minimum(i + 1, frames - 1), place - i
