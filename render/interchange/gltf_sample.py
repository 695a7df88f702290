"""glTF animation samplers evaluated at given times: STEP, LINEAR (slerp for rotations) and CUBICSPLINE."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion.rotations import Array

INTERPOLATIONS = ("LINEAR", "STEP", "CUBICSPLINE")


def sample(times: Array, values: np.ndarray, interpolation: str, at: Array, rotation: bool) -> Array:
    """Values of one channel, held before the first key and after the last (glTF 2.0, 3.11 and appendix C).

    Args:
        times: ``(K,)`` seconds, increasing.
        values: ``(K, width)``; for a cubic spline ``(K, 3, width)``: in-tangent, value, out-tangent, per second.
        interpolation: one of `INTERPOLATIONS`.
        at: ``(T,)`` seconds.
        rotation: the values are quaternions, xyzw: the result is of unit length.

    Returns:
        ``(T, width)``.
    """
    last = len(times) - 1
    i = np.clip(np.searchsorted(times, at, side="right") - 1, 0, max(last - 1, 0))
    j = np.minimum(i + 1, last)
    gap = np.where(j > i, times[j] - times[i], 1.0)
    t = np.clip((at - times[i]) / gap, 0.0, 1.0)
    if interpolation == "STEP":
        found = values[np.where(t >= 1, j, i)]
    elif interpolation == "CUBICSPLINE":
        t, gap = t[:, None], gap[:, None]
        found = (
            (2 * t**3 - 3 * t**2 + 1) * values[i, 1]
            + gap * (t**3 - 2 * t**2 + t) * values[i, 2]
            + (3 * t**2 - 2 * t**3) * values[j, 1]
            + gap * (t**3 - t**2) * values[j, 0]
        )
    elif rotation:
        found = rot.slerp(rot.normalize(values[i]), rot.normalize(values[j]), t)
    else:
        found = (1 - t[:, None]) * values[i] + t[:, None] * values[j]
    return rot.normalize(found) if rotation else np.asarray(found, dtype=np.float64)
