"""What moves a camera in a glTF file: channels of its node, of the nodes above it, and of its lens."""

from __future__ import annotations

import re
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

POINTER = "KHR_animation_pointer"
_WIDTHS = {"translation": "VEC3", "rotation": "VEC4", "scale": "VEC3", "yfov": "SCALAR"}
#: Keys nearer than this to a frame's time, in frames, are taken to be that frame's.
SNAP = 0.01
#: Rates, per second, that a camera may have been sampled at; keys at others are a curve's, set by hand.
_SLOWEST, _FASTEST = 12, 1000


@dataclass(frozen=True)
class Channel:
    """One animated value."""

    node: int  # -1: the camera's lens
    path: str  # "translation", "rotation", "scale", "yfov"
    times: Array  # (K,) seconds, increasing
    values: Array  # (K, width), or (K, 3, width) for a cubic spline
    interpolation: str


def channels_of(file: GltfFile, nodes: set[int], camera: int) -> tuple[list[Channel], list[str]]:
    """Channels of all animations that move these nodes or this camera's lens, and notes on what was left out.

    Programs write one animation for each object (a rig and the camera on it), so all are read; of two that move the
    same value the first counts.
    """
    found: dict[tuple[int, str], Channel] = {}
    notes: list[str] = []
    for number, motion in enumerate(file.items("animations")):
        label = f"animation '{motion.get('name', number)}'"
        samplers, channels = motion.get("samplers", []), motion.get("channels", [])
        if not isinstance(samplers, list) or not isinstance(channels, list):
            raise file.bad(f"{label}: samplers or channels are not lists")
        for channel in channels:
            target = channel.get("target") if isinstance(channel, dict) else None
            what = _target(target, camera)
            if what is None or (what[0] != -1 and what[0] not in nodes):
                continue
            if what in found:
                notes.append(f"{label} moves what an earlier animation moves, and is left out")
                continue
            found[what] = _read(file, label, what, channel, samplers)
    return list(found.values()), list(dict.fromkeys(notes))


def _target(target: Any, camera: int) -> tuple[int, str] | None:
    """Node (-1: the lens) and path that a channel moves; None: something else."""
    if not isinstance(target, dict):
        return None
    node, path = target.get("node"), target.get("path")
    if path == "pointer":
        extensions = target.get("extensions")
        pointer = extensions.get(POINTER, {}).get("pointer") if isinstance(extensions, dict) else None
        if pointer == f"/cameras/{camera}/perspective/yfov":
            return -1, "yfov"
        match = re.fullmatch(r"/nodes/(\d+)/(translation|rotation|scale)", pointer or "")
        return (int(match[1]), match[2]) if match else None
    return (node, path) if isinstance(node, int) and path in ("translation", "rotation", "scale") else None


def _read(
    file: GltfFile, label: str, what: tuple[int, str], channel: dict[str, Any], samplers: Sequence[Any]
) -> Channel:
    node, path = what
    where = f"{label}, {path}" + (f" of node {node}" if node >= 0 else " of the camera")
    sampler = samplers[file.index(channel.get("sampler"), len(samplers), f"{where} refers to sampler")]
    if not isinstance(sampler, dict):
        raise file.bad(f"{where}: its sampler is no object")
    interpolation = sampler.get("interpolation", "LINEAR")
    if interpolation not in INTERPOLATIONS:
        raise file.bad(f"{where}: {unknown('interpolation', str(interpolation), INTERPOLATIONS)}")
    times = file.accessor(sampler.get("input"), "SCALAR", f"{where}: times")
    values = file.accessor(sampler.get("output"), _WIDTHS[path], f"{where}: values").reshape(
        -1, {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[_WIDTHS[path]]
    )
    wanted = len(times) * (3 if interpolation == "CUBICSPLINE" else 1)
    if len(values) != wanted:
        raise file.bad(f"{where}: {len(values)} values for {len(times)} times, expected {wanted}")
    if (np.diff(times) <= 0).any():
        k = int(np.argmax(np.diff(times) <= 0)) + 1
        raise file.bad(f"{where}: time {k} is {times[k]:g} s, not after {times[k - 1]:g} s")
    shaped: Array = values.reshape(len(times), 3, -1) if interpolation == "CUBICSPLINE" else values
    return Channel(node, path, times, shaped, interpolation)


def even_rate(channels: Sequence[Channel]) -> Fraction | None:
    """The rate that the longest channel was sampled at; None where its keys are uneven, or too sparse for frames."""
    times = max((c.times for c in channels), key=len)
    if len(times) < 2:
        return None
    step = (times[-1] - times[0]) / (len(times) - 1)
    grid = times[0] + step * np.arange(len(times))
    measured = 1 / step
    # Times are in single precision: late keys are coarse.
    if np.abs(times - grid).max() > max(SNAP * step, 2e-7 * abs(times[-1])) or not _SLOWEST <= measured <= _FASTEST:
        return None
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
