"""What the measures of motion share: checked arrays, heights above a floor, runs of frames, parabolas, 30 fps."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from motion.errors import BadInput
from motion.rotations import Array
from motion.sampling import neighbours

#: Figures that are "per frame" are stated for 1/30 s.
FPS = 30.0


def solid(points: ArrayLike, what: str) -> Array:
    """``(T, K, 3)`` finite points as float64.

    Raises:
        BadInput: another shape, no frame, no point, or a number that is not finite; names ``what`` and the frame.
    """
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 3 or points.shape[2] != 3 or 0 in points.shape:
        raise BadInput(f"{what}: shape {points.shape}, expected (frames, points, 3)")
    return _finite(points, what)


def track(place: ArrayLike, what: str, frames: int | None = None) -> Array:
    """``(T, 3)`` finite places of one point as float64; errors as `solid`."""
    place = np.asarray(place, dtype=np.float64)
    if place.ndim != 2 or place.shape[1] != 3 or 0 in place.shape or frames not in (None, len(place)):
        raise BadInput(f"{what}: shape {place.shape}, expected ({'frames' if frames is None else frames}, 3)")
    return _finite(place, what)


def _finite(values: Array, what: str) -> Array:
    good = np.isfinite(values).reshape(len(values), -1).all(1)
    if not good.all():
        raise BadInput(f"{what}: frame {int(np.argmin(good))} is not finite (NaN or infinite), expected numbers")
    return values


def mask(on: ArrayLike, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Booleans of one shape.

    Raises:
        BadInput: another shape.
    """
    on = np.asarray(on)
    if on.shape != shape:
        raise BadInput(f"{what}: shape {on.shape}, expected {shape}")
    return on.astype(bool)


def rate(fps: Fraction | float) -> float:
    """Frames per second as a positive number.

    Raises:
        BadInput: it is none.
    """
    value = float(fps)
    if not (isfinite(value) and value > 0):
        raise BadInput(f"{fps} frames per second, expected more than 0")
    return value


def above(points: Array, floor: ArrayLike) -> Array:
    """Heights ``(T, K)`` of points over the floor, metres.

    Args:
        points: ``(T, K, 3)`` metres.
        floor: one height, or ``(T, K)`` under each point at each frame (stairs, ramps); axes of length 1 stretch.

    Raises:
        BadInput: a floor of another shape, or one that is not finite.
    """
    floor = np.asarray(floor, dtype=np.float64)
    fits = floor.ndim == 0 or (
        floor.ndim == 2 and all(f in (1, p) for f, p in zip(floor.shape, points.shape[:2], strict=True))
    )
    if not fits:
        raise BadInput(f"floor: shape {floor.shape}, expected one height or {points.shape[:2]}")
    if not np.isfinite(floor).all():
        raise BadInput("floor: a height is not finite (NaN or infinite), expected metres")
    return np.asarray(points[..., 1] - floor)


def runs(on: np.ndarray) -> list[tuple[int, int]]:
    """First frame and the frame after the last of every stretch of True in ``(T,)``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def at_thirty(values: Array, fps: float) -> Array:
    """A series ``(T, …)`` read every 1/30 s, linear between frames; as it is when it has 30 frames per second."""
    if fps == FPS:
        return values
    place = np.arange(int((len(values) - 1) * FPS / fps + 1e-9) + 1) * (fps / FPS)
    i, j, t = neighbours(place, len(values))
    t = t.reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((1 - t) * values[i] + t * values[j])


def samples(seconds: float, fps: float) -> int:
    """How many frames span a time, both ends counted: 7 for 0.2 s at 30 fps."""
    return round(seconds * fps) + 1


def curvatures(heights: Array, size: int, fps: float) -> Array:
    """Second derivative of a parabola fitted to every ``size`` neighbours of ``(N,)``: ``(N − size + 1,)`` per s²."""
    at = (np.arange(size) - (size - 1) / 2) / fps
    weights = 2.0 * np.linalg.pinv(np.stack([np.ones(size), at, at**2], axis=1))[2]
    return np.asarray(sliding_window_view(heights - heights.mean(), size) @ weights)
