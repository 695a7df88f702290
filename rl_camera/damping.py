"""Ways to make a camera calm: exponential damping when live; taut strings and Gaussian windows when planned."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import ArrayLike

from motion.rotations import Array

#: −ln(0.01): what is left after the damping time is 1 % (Unity Cinemachine's kNegligibleResidual).
LOG_RESIDUAL = 4.605170185988092

#: Longest step of the live filter, seconds; longer frames are walked in equal parts.
SUBSTEP_S = 1 / 120


def damp(distance: ArrayLike, time_s: float, dt: float) -> Array:
    """The part of ``distance`` to move in ``dt`` seconds so that 1 % of it is left after ``time_s``.

    ``d * (1 - exp(-4.605 dt / T))``: steps of any length compose, so the frame rate does not matter.
    """
    share = 1.0 if time_s <= 0 else -math.expm1(-LOG_RESIDUAL * max(dt, 0.0) / time_s)
    return np.asarray(distance, dtype=np.float64) * share


def substeps(dt: float) -> tuple[int, float]:
    """How many equal parts of at most `SUBSTEP_S` a step of ``dt`` seconds is walked in, and their length."""
    count = max(1, math.ceil(dt / SUBSTEP_S - 1e-9))
    return count, dt / count


def smooth(values: ArrayLike, sigma_s: float, dt: float) -> Array:
    """A Gaussian window over the first axis, two-sided; ``sigma_s`` and ``dt`` in seconds.

    At each sample a straight line is fitted under the window (local linear regression; Cleveland 1979). Away from
    the ends that is the Gaussian mean; at the ends it neither lags behind steady motion nor needs what lies beyond.
    """
    x = np.asarray(values, dtype=np.float64)
    sigma = sigma_s / dt
    if sigma < 0.05 or len(x) < 2:
        return x.copy()
    half = min(math.ceil(3.5 * sigma), len(x) - 1)
    step = np.arange(-half, half + 1)
    window = np.exp(-0.5 * (step / sigma) ** 2)
    windows = [window, window * step / sigma, window * (step / sigma) ** 2]
    one = np.ones(len(x))
    s0, s1, s2 = (_sliding(one, w) for w in windows)
    spread = s0 * s2 - s1 * s1
    flat = x.reshape(len(x), -1)
    out = np.empty_like(flat)
    for c in range(flat.shape[1]):
        base = flat[len(flat) // 2, c]  # around a middle value, so that far from the origin no digits are lost
        m0, m1 = (_sliding(flat[:, c] - base, w) for w in windows[:2])
        out[:, c] = base + np.where(spread > 1e-9, (s2 * m0 - s1 * m1) / np.maximum(spread, 1e-9), m0 / s0)
    return out.reshape(x.shape)


def _sliding(x: Array, window: Array) -> Array:
    """Sum of ``x[t + k] * window[k]`` over the window, nothing beyond the ends; by FFT where the window is long."""
    half = len(window) // 2
    if len(window) < 200:
        return np.convolve(x, window[::-1])[half : half + len(x)]
    size = len(x) + len(window) - 1
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(window[::-1], size), size)[half : half + len(x)]


def lowest_within(values: ArrayLike, half_s: float, dt: float) -> Array:
    """Sliding minimum over a window of ``± half_s`` seconds."""
    x = np.asarray(values, dtype=np.float64)
    half = min(math.ceil(half_s / dt), len(x))
    padded = np.pad(x, half, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).min(axis=-1)


def taut_string(values: ArrayLike, half_width: ArrayLike) -> Array:
    """The shortest path that stays within ``values ± half_width``: a dead zone that knows the future.

    It is constant as long as one level serves, and otherwise runs straight from one corner of the tube to the next:
    a camera on it stands still, or pans at one speed, and never more than it must. Both ends are free. (The
    taut-string algorithm of Davies and Kovac 2001 as a funnel, in time that grows with the length alone.)

    Args:
        values: ``(T,)`` what should be followed.
        half_width: ``(T,)`` or a number, same unit; negative counts as 0.
    """
    x = np.asarray(values, dtype=np.float64)
    half = np.broadcast_to(np.maximum(np.asarray(half_width, dtype=np.float64), 0.0), x.shape)
    low, high = (x - half).tolist(), (x + half).tolist()
    count = len(x)
    if count == 0:
        return x.copy()
    out = np.empty(count)
    # While one level fits, hold it; the side that ends it first fixes the level and the first corner.
    floor, ceiling = low[0], high[0]
    floor_at = ceiling_at = 0
    anchor, level = 0, None
    for t in range(1, count):
        if low[t] > ceiling:
            anchor, level = ceiling_at, ceiling
            break
        if high[t] < floor:
            anchor, level = floor_at, floor
            break
        if low[t] >= floor:
            floor, floor_at = low[t], t
        if high[t] <= ceiling:
            ceiling, ceiling_at = high[t], t
    if level is None:
        # One level serves throughout: the middle of what is allowed, nearest to the values' own middle.
        out[:] = min(max(float(np.median(x)), floor), ceiling)
        return out
    corners = [(anchor, level)]
    lower, upper = deque(corners), deque(corners)  # the funnel's walls, from its apex outwards
    for t in range(anchor + 1, count):
        _narrow(lower, upper, (t, low[t]), 1.0, corners)
        _narrow(upper, lower, (t, high[t]), -1.0, corners)
    # The end is free: follow a wall only as long as it forces the path up, or down, and stay there.
    rising = len(lower) > 1 and lower[1][1] > lower[0][1]
    wall, sign = (lower, 1.0) if rising else (upper, -1.0)
    while len(wall) > 1 and sign * (wall[1][1] - wall[0][1]) > 0:
        wall.popleft()
        corners.append(wall[0])
    at, values = zip(*corners, strict=True)
    return np.interp(np.arange(count), at, values)


Point = tuple[int, float]


def _narrow(wall: deque[Point], other: deque[Point], point: Point, sign: float, corners: list[Point]) -> None:
    """Add a point to one wall of the funnel; where it crosses the other wall, the path turns at that wall's corners."""

    def slope(a: Point, b: Point) -> float:
        return sign * (b[1] - a[1]) / (b[0] - a[0])

    while len(wall) > 1 and slope(wall[-2], wall[-1]) <= slope(wall[-2], point):
        wall.pop()
    if len(wall) == 1:
        while len(other) > 1 and slope(other[0], point) > slope(other[0], other[1]):
            other.popleft()
            corners.append(other[0])
        wall[0] = other[0]
    wall.append(point)


def ease(u: ArrayLike) -> Array:
    """From 0 to 1 with neither speed nor acceleration at the ends (the minimum-jerk curve, Flash and Hogan 1985)."""
    u = np.clip(np.asarray(u, dtype=np.float64), 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


def turns(angles: ArrayLike) -> Array:
    """Angles in radians without jumps of a full turn, along the first axis."""
    return np.unwrap(np.asarray(angles, dtype=np.float64), axis=0)
