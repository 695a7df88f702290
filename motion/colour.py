"""sRGB's transfer curve (IEC 61966-2-1), both ways. Everywhere else light is linear Rec.709."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def srgb_to_linear(encoded: ArrayLike) -> np.ndarray:
    """Light of encoded values; what is outside 0 to 1 is clipped. Keeps the array's floating type."""
    v = np.clip(encoded, 0.0, 1.0)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light: ArrayLike) -> np.ndarray:
    """Encoded values of light; what is outside 0 to 1 is clipped. Keeps the array's floating type."""
    v = np.clip(light, 0.0, 1.0)
    return np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)
