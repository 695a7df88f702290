"""Smooth ways from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from motion.rotations import Array


def smoothstep(x: ArrayLike, low: float = 0.0, high: float = 1.0) -> Array:
    """From 0 at ``low`` and before to 1 at ``high`` and beyond, flat at both ends: ``t² (3 − 2 t)``."""
    t = np.clip((np.asarray(x, dtype=np.float64) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
