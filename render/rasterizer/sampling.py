"""The fixed sequence of samples over pixel, shutter and lens: deterministic, the same for every frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One sample of a frame."""

    jitter: tuple[float, float]  # px from the pixel's centre, x right, y down
    shutter: float  # −0.5 … 0.5 of the time the shutter is open
    lens: tuple[float, float]  # on the unit disc
    turn: float  # 0 … 1, turns the shadow filter's pattern


def _tent(u: np.ndarray, width: float) -> np.ndarray:
    """Places drawn from a tent ``width`` wide at its foot, by its inverse distribution."""
    return 0.5 * width * np.where(u < 0.5, np.sqrt(2 * u) - 1, 1 - np.sqrt(2 - 2 * u))


@lru_cache(maxsize=32)
def sequence(count: int, filter_px: float) -> tuple[Sample, ...]:
    """``count`` samples; each dimension alone is evenly stratified (ranks of multiples of irrational numbers).

    One sample is the pixel's centre, the middle of the shutter and of the lens.
    """
    if count == 1:
        return (Sample((0.0, 0.0), 0.0, (0.0, 0.0), 0.0),)
    i = np.arange(count)

    def even(irrational: float) -> np.ndarray:
        rank = np.argsort(np.argsort(np.modf((i + 1) * irrational)[0], kind="stable"), kind="stable")
        return (rank + 0.5) / count

    x, y = _tent((i + 0.5) / count, filter_px), _tent(even(0.6180339887), filter_px)
    shutter = even(0.7548776662) - 0.5
    radius, angle = np.sqrt(even(0.4142135624)), 2 * np.pi * np.modf(i * 0.6180339887)[0]
    u, v, turn = radius * np.cos(angle), radius * np.sin(angle), i / count
    return tuple(
        Sample((float(x[j]), float(y[j])), float(shutter[j]), (float(u[j]), float(v[j])), float(turn[j]))
        for j in range(count)
    )
