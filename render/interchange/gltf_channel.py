"""Animated values of a glTF file, of skeletons and of cameras: read, checked, put on the frames of a steady rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from motion.errors import unknown
from motion.rate import COMMON
from motion.rotations import Array
from render.interchange.gltf_file import GltfFile
from render.interchange.gltf_sample import INTERPOLATIONS, sample

#: Accessor type and width of each path; ``yfov`` is a camera's lens, by an extension.
PATHS = {"translation": ("VEC3", 3), "rotation": ("VEC4", 4), "scale": ("VEC3", 3), "yfov": ("SCALAR", 1)}
#: Keys nearer than this to a frame's time, in frames, are taken to be that frame's.
SNAP = 0.01


@dataclass(frozen=True)
class Channel:
    """One animated value."""

    node: int  # −1: a camera's lens
    path: str  # one of `PATHS`
    times: Array  # (K,) seconds, increasing
    values: Array  # (K, width), or (K, 3, width) for a cubic spline
    interpolation: str


def read(file: GltfFile, where: str, node: int, path: str, channel: dict[str, Any], samplers: Sequence[Any]) -> Channel:
    """A channel's keys.

    Args:
        file: it comes from.
        where: its name in errors.
        node: that it moves; −1: a camera's lens.
        path: one of `PATHS`.
        channel: its object in the file.
        samplers: of its animation.

    Raises:
        BadInput: its sampler is broken, its keys do not fit, or its times do not rise.
    """
    sampler = samplers[file.index(channel.get("sampler"), len(samplers), f"{where} refers to sampler")]
    if not isinstance(sampler, dict):
        raise file.bad(f"{where}: its sampler is no object")
    interpolation = sampler.get("interpolation", "LINEAR")
    if interpolation not in INTERPOLATIONS:
        raise file.bad(f"{where}: {unknown('interpolation', str(interpolation), INTERPOLATIONS)}")
    kind, width = PATHS[path]
    times = file.accessor(sampler.get("input"), "SCALAR", f"{where}: times")
    values: Array = file.accessor(sampler.get("output"), kind, f"{where}: values").reshape(-1, width)
    wanted = len(times) * (3 if interpolation == "CUBICSPLINE" else 1)
    if len(values) != wanted:
        raise file.bad(f"{where}: {len(values)} values for {len(times)} times, expected {wanted}")
    if (np.diff(times) <= 0).any():
        k = int(np.argmax(np.diff(times) <= 0)) + 1
        raise file.bad(f"{where}: time {k} is {times[k]:g} s, not after {times[k - 1]:g} s")
    if interpolation == "CUBICSPLINE":
        values = values.reshape(len(times), 3, width)
    return Channel(node, path, times, values, interpolation)


def even_rate(channels: Sequence[Channel], slowest: float = 0.0, fastest: float = np.inf) -> Fraction | None:
    """The rate of the keys of the longest channel; None where they are uneven, or their rate is not within bounds."""
    times = max((c.times for c in channels), key=len)
    if len(times) < 2:
        return None
    step = (times[-1] - times[0]) / (len(times) - 1)
    grid = times[0] + step * np.arange(len(times))
    measured = 1 / step
    # Times are in single precision, seven digits: late keys are coarse.
    if np.abs(times - grid).max() > max(SNAP * step, 2e-7 * abs(times[-1])) or not slowest <= measured <= fastest:
        return None
    # So they snap to the rates that people record and play at.
    near = min(COMMON, key=lambda rate: abs(float(rate) / measured - 1))
    if abs(float(near) / measured - 1) * (len(times) - 1) < SNAP:
        return near
    return Fraction(measured).limit_denominator(1001)


def sampled(channel: Channel, start: float, fps: Fraction, frames: int) -> Array:
    """A channel's values ``(frames, width)`` at frames from ``start`` seconds on; a key near a frame is its."""
    rate = float(fps)
    place = (channel.times - start) * rate
    whole = np.rint(place)
    coarse = np.maximum(SNAP, 2e-7 * np.abs(channel.times) * rate)
    times = np.where(np.abs(place - whole) < coarse, start + whole / rate, channel.times)
    if (np.diff(times) <= 0).any():
        times = channel.times
    at = start + np.arange(frames) / rate
    return sample(times, channel.values, channel.interpolation, at, channel.path == "rotation")
