"""`Ground`: how high the floor is under a point, flat or with things standing on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from motion.rotations import Array


@dataclass(frozen=True)
class Ground:
    """The height of what one may stand on, under any point.

    Args:
        cast: ``(N, 3)`` points in metres, world, to the height ``(N,)`` of the first surface below each; a point a
            little inside a thing finds its top. None: a level floor.
        level: metres, of the floor where nothing stands.
    """

    cast: Callable[[Array], Array] | None = None
    level: float = 0.0

    def heights(self, points: ArrayLike) -> Array:
        """Height under points ``(…, 3)``, metres ``(…,)``."""
        points = np.asarray(points, dtype=np.float64)
        if self.cast is None:
            return np.full(points.shape[:-1], self.level)
        return self.cast(points.reshape(-1, 3)).reshape(points.shape[:-1])

    def above(self, points: ArrayLike) -> Array:
        """Points ``(…, 3)`` with their height counted from what is under them."""
        points = np.array(points, dtype=np.float64)
        points[..., 1] -= self.heights(points)
        return points
