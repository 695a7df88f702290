"""Biovision hierarchy files (`.bvh`) out: Y up, in metres, standing in the rest pose when all angles are zero.

The layout is what Blender's importer (`io_anim_bvh`) steps through line by line: ``{`` alone, OFFSET, then CHANNELS.
A joint with position channels is not connected to its parent there: only the root has them unless more joints move.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mocap_data import files
from motion import rate
from motion import rotations as rot
from motion.errors import BadInput, unknown
from motion.rotations import Array
from motion.take import Take

_POSITIONS = ("Xposition", "Yposition", "Zposition")
_DEFAULT_ORDER = "ZXY"  # keeps people who stand upright out of gimbal lock; what most programs write
_UNITS_PER_METRE = {"m": 1.0, "cm": 100.0}
_NAME_BYTES = 63  # Blender's limit; it cuts longer names and lets equal ones shadow each other
_TO_Y_UP = {"X": ("Z", math.pi / 2), "Y": ("Y", 0.0), "Z": ("X", -math.pi / 2)}


def write(take: Take, path: str | os.PathLike[str], *, units: str | None = None) -> None:
    """Write a take as BVH.

    A take that came from a BVH keeps its joints' channels. Joints are written depth first, as the format demands. Names
    lose their blanks and braces, are cut to 63 bytes and made unique.

    Args:
        take: any take; one that is Z-up or X-up is turned, a rest pose with turned joints becomes angle zero.
        path: the file.
        units: "m", "cm", or "source" for the take's own. By default a take that came from a BVH, or does not say its
            unit, keeps it and others are written in metres.

    Raises:
        BadInput: unknown unit, a unit asked for where the take does not say its own, or values that are not finite.
    """
    files.write_whole(path, text(take, units=units).encode())


def text(take: Take, *, units: str | None = None) -> str:
    """The text of the BVH file that `write` writes."""
    take.require_finite()
    if not np.isfinite(take.rest_offsets).all():
        raise BadInput(f"{take.label}: a rest offset is not finite (NaN or infinite)")
    take = _scaled(_standing(take), units)
    order = _depth_first(take.parents)
    names = _blender_names(take.names)
    ends = _end_sites(take)
    columns: list[Array] = []
    lines = ["HIERARCHY"]
    open_joints: list[int] = []
    depth: dict[int, int] = {}  # of the joints so far

    def close(count: int) -> None:
        for _ in range(count):
            open_joints.pop()
            lines.append(_tabs(len(open_joints)) + "}")

    layouts = _layouts(take)
    for j in order:
        parent = take.parents[j]
        close(len(open_joints) - (depth[parent] + 1 if parent >= 0 else 0))
        depth[j], tabs = len(open_joints), _tabs(len(open_joints))
        channels, values = layouts[j]
        columns.append(values)
        lines += [f"{tabs}{'ROOT' if parent < 0 else 'JOINT'} {names[j]}", f"{tabs}{{"]
        lines += [f"{tabs}\tOFFSET {_numbers(take.rest_offsets[j])}"]
        lines += [f"{tabs}\tCHANNELS {' '.join([str(len(channels)), *channels])}"]
        if np.isfinite(ends[j]).all():
            lines += [f"{tabs}\tEnd Site", f"{tabs}\t{{", f"{tabs}\t\tOFFSET {_numbers(ends[j])}", f"{tabs}\t}}"]
        open_joints.append(int(j))
    close(len(open_joints))
    table = np.concatenate(columns, axis=1) + 0.0  # + 0: no "-0"
    form = " ".join(["%.8f"] * table.shape[1])
    lines += ["MOTION", f"Frames: {take.frames}", f"Frame Time: {rate.frame_time(take.fps)}"]
    lines += [form % tuple(row) for row in table.tolist()]
    return "\n".join(lines) + "\n"


def _tabs(depth: int) -> str:
    return "\t" * min(depth, 64)  # a chain of thousands of joints would be made of tabs


def _numbers(vector: Array) -> str:
    return " ".join(f"{v + 0.0:.10g}" for v in vector)


def _scaled(take: Take, units: str | None) -> Take:
    if units is None:
        units = "source" if take.channels is not None or take.metres_per_unit is None else "m"
    if units == "source":
        return take
    if units not in _UNITS_PER_METRE:
        raise unknown("unit", units, [*_UNITS_PER_METRE, "source"])
    if take.metres_per_unit is None:
        raise BadInput(f"units '{units}': the take does not say its own unit (its source has none); use 'source'")
    scale = take.metres_per_unit * _UNITS_PER_METRE[units]
    return replace(
        take,
        rest_offsets=take.rest_offsets * scale,
        translations=take.translations * scale,
        end_offsets=None if take.end_offsets is None else take.end_offsets * scale,
        metres_per_unit=1 / _UNITS_PER_METRE[units],
    )


def _standing(take: Take) -> Take:
    """The same motion with Y up and every joint's frame along the world's axes at rest: the rest pose is all zeros."""
    if take.rest_rotations is None and take.up in (None, "Y"):
        return take
    turn = rot.from_axis(*_TO_Y_UP[take.up or "Y"])
    rest, _ = take.rest_world()
    now = rot.multiply(turn, rest)  # (J, 4) rest rotation of each joint in the new world
    is_root = take.parents < 0
    above = np.where(is_root[:, None], turn, now[np.maximum(take.parents, 0)])
    return replace(
        take,
        rotations=rot.multiply(rot.multiply(above, take.rotations), rot.inverse(now)),
        translations=rot.rotate(above, take.translations),
        rest_offsets=rot.rotate(above, take.rest_offsets),
        end_offsets=None if take.end_offsets is None else rot.rotate(now, take.end_offsets),
        rest_rotations=None,
        up="Y",
    )


def _depth_first(parents: np.ndarray) -> list[int]:
    children: dict[int, list[int]] = {}
    for j, parent in enumerate(parents):
        children.setdefault(int(parent), []).append(j)
    order: list[int] = []
    waiting = children.get(-1, [])[::-1]
    while waiting:
        j = waiting.pop()
        order.append(j)
        waiting += children.get(j, [])[::-1]
    return order


def _blender_names(names: Sequence[str]) -> list[str]:
    made: list[str] = []
    taken: set[str] = set()
    last: dict[str, int] = {}  # number that a name was given last
    for name in names:
        plain = "_".join(name.replace("{", "(").replace("}", ")").split()) or "joint"
        plain = plain.encode()[:_NAME_BYTES].decode(errors="ignore")
        unique, number = plain, last.get(plain, 1)
        while unique in taken:
            number += 1
            ending = f"_{number}"
            unique = plain.encode()[: _NAME_BYTES - len(ending)].decode(errors="ignore") + ending
        taken.add(unique)
        last[plain] = number
        made.append(unique)
    return made


def _end_sites(take: Take) -> Array:
    """End offsets ``(J, 3)``; a leaf without one goes on for half the length of the bone that leads to it."""
    ends = np.full((take.joints, 3), np.nan) if take.end_offsets is None else take.end_offsets.copy()
    if take.channels is not None:
        return ends
    extent = float(np.linalg.norm(take.rest_offsets, axis=1).max()) or 1.0
    leaves = np.setdiff1d(np.arange(take.joints), take.parents)
    for j in leaves:
        if not np.isfinite(ends[j]).all():
            along = take.rest_offsets[j] if take.parents[j] >= 0 else np.zeros(3)
            ends[j] = 0.5 * along if np.linalg.norm(along) > 1e-6 * extent else [0.0, 0.1 * extent, 0.0]
    return ends


def _layouts(take: Take) -> list[tuple[tuple[str, ...], Array]]:
    """For every joint its channels and their values ``(T, channels)``, in the take's units and degrees."""
    moved = np.abs(take.translations - take.rest_offsets).max(0) > 1e-9 * max(1.0, np.abs(take.rest_offsets).max())
    orders: list[str] = []
    channels: list[tuple[str, ...]] = []
    for j in range(take.joints):
        source = take.channels[j] if take.channels is not None else None
        if source is None:
            places: tuple[str, ...] = _POSITIONS if take.parents[j] < 0 or moved[j].any() else ()
            source = (*places, *(f"{axis}rotation" for axis in _DEFAULT_ORDER))
        turns = [name for name in source if name.endswith("rotation")]
        if any(moved[j, axis] and _POSITIONS[axis] not in source for axis in range(3)):
            source = (*_POSITIONS, *turns)
        orders.append("".join(name[0] for name in turns))
        channels.append(tuple(source))

    angles: dict[int, Array] = {}
    while missing := [j for j in range(take.joints) if j not in angles]:
        order = orders[missing[0]]
        group = [j for j in missing if orders[j] == order]
        if len(set(order)) == len(order):
            found, fits = _euler(order, take.rotations[:, group])
        else:  # an axis that repeats: another order says the same
            found, fits = np.empty(0), np.zeros(len(group), dtype=bool)
        for k, j in enumerate(group):
            if fits[k]:
                angles[j] = np.degrees(found[:, k])
            else:
                orders[j] = _DEFAULT_ORDER
                places = tuple(name for name in channels[j] if name.endswith("position"))
                channels[j] = (*places, *(f"{axis}rotation" for axis in _DEFAULT_ORDER))

    made = []
    for j, names in enumerate(channels):
        turn = iter(angles[j].T)
        values = [
            next(turn) if name.endswith("rotation") else take.translations[:, j, "XYZ".index(name[0])] for name in names
        ]
        made.append((names, np.stack(values, axis=1) if values else np.empty((take.frames, 0))))
    return made


def _euler(order: str, q: Array) -> tuple[Array, np.ndarray]:
    """Angles ``(T, n, len(order))`` in radians, unwrapped over time, for rotations ``(T, n, 4)``.

    Also ``(n,)``: whether the order, when it has fewer than three axes, can say those rotations at all.
    """
    full = order + "".join(axis for axis in _DEFAULT_ORDER if axis not in order)
    angles = rot.to_euler(full, q)
    other = np.stack([angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi], axis=-1)
    count = len(order)
    if count < 3:
        rest = [np.abs(np.arctan2(np.sin(a), np.cos(a)))[..., count:].max(-1) for a in (angles, other)]
        angles = np.where((rest[1] < rest[0])[..., None], other, angles)[..., :count]
        return np.unwrap(angles, axis=0), np.minimum(*rest).max(0) < 1e-9
    sign = 1.0 if ("XYZ".index(full[1]) - "XYZ".index(full[0])) % 3 == 1 else -1.0
    locked = np.abs(np.cos(angles[..., 1])) < 2e-6
    side = sign * np.sign(angles[..., 1])
    for t in range(1, len(angles)):
        before, now = angles[t - 1], angles[t]
        if locked[t].any():  # first and last turn about one axis: keep the last still, the first takes the rest
            last = np.where(locked[t], before[:, 2], now[:, 2])
            now[:, 0] -= side[t] * (last - now[:, 2])
            other[t, :, 0] -= side[t] * (last - now[:, 2])
            now[:, 2] = last
            other[t, :, 2] = last + np.pi
        near = now + 2 * np.pi * np.round((before - now) / (2 * np.pi))
        far = other[t] + 2 * np.pi * np.round((before - other[t]) / (2 * np.pi))
        closer = np.abs(far - before).sum(-1) < np.abs(near - before).sum(-1)
        angles[t] = np.where(closer[:, None], far, near)
    return angles, np.ones(q.shape[1], dtype=bool)
