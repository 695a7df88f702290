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

    The first is the pixel's centre, the middle of the shutter and of the lens: data passes are drawn there too.
    """
    i = np.arange(1, count)

    def even(irrational: float) -> np.ndarray:
        """Strata of the other samples, shuffled; the middle one is the first sample's."""
        rank = np.argsort(np.argsort(np.modf(i * irrational)[0], kind="stable"), kind="stable")
        return (rank + (rank >= count // 2) + 0.5) / count

    x, y = _tent(even(0.0), filter_px), _tent(even(0.6180339887), filter_px)
    shutter = even(0.7548776662) - 0.5
    radius = np.sqrt((np.argsort(np.argsort(np.modf(i * 0.4142135624)[0])) + 1.5) / count)
    angle = 2 * np.pi * np.modf(i * 0.6180339887)[0]
    u, v, turn = radius * np.cos(angle), radius * np.sin(angle), i / count
    first = Sample((0.0, 0.0), 0.0, (0.0, 0.0), 0.0)
    return first, *(
        Sample((float(x[j]), float(y[j])), float(shutter[j]), (float(u[j]), float(v[j])), float(turn[j]))
        for j in range(count - 1)
    )
