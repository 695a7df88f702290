"""The flat observation: which slot holds what, in which unit, and how it is normalised; and how it is filled."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rl_camera.env.blocking import Things
from rl_camera.env.columns import Array, Columns
from rl_camera.env.episode import Asked, Episodes
from rl_camera.env.library import KEYPOINTS
from rl_camera.env.reward import Errors
from rl_camera.env.sight import Sight, into

#: Seconds into the future that an offline camera sees.
LOOK_AHEAD_S = (0.3, 0.7, 1.2, 2.0)

#: Metres that count as 1 in logarithms of distance.
UNIT_M = 3.0


@dataclass(frozen=True)
class Slot:
    """A stretch of the observation."""

    name: str
    start: int
    size: int
    about: str  # what, unit, normalisation
    span: slice = field(init=False, repr=False, compare=False)  # its numbers

    def __post_init__(self) -> None:
        object.__setattr__(self, "span", slice(self.start, self.start + self.size))

    @property
    def stop(self) -> int:
        """One past its last number."""
        return self.start + self.size


#: What a lean observation leaves out: with one performer and no things about, it is constant or follows from the rest.
RICH = frozenset({"present", "filmed", "bounds", "target", "subject", "drift", "rig"})


def slots(keypoints: str, performers: int, blocks: int, offline: bool, lean: bool = False) -> tuple[Slot, ...]:
    """The observation of an environment, slot by slot.

    Directions are unit vectors in the camera's frame (right, up, back): they stay defined behind the camera and have
    no seam, as angles would. ``ln(m / 3)`` is a natural logarithm of metres over 3.
    """
    K, P = len(KEYPOINTS[keypoints]), performers
    parts = [
        ("bearings", 3 * P * K, "unit directions to every keypoint: right of all, up of all, back of all; absent: 0"),
        ("distances", P * K, "ln(m / 3) to every keypoint; absent: 0"),
        ("present", P, "1 for who is on the set"),
        ("filmed", P, "1 for whom the shot is of; the first is the main subject"),
        ("bounds", 4, "left, right, bottom, top of the subjects in the picture, half frames / 2, within ±1.5"),
        ("placing", 4, "framed part's place less the asked place, x and y; the asked place; half frames, within ±3"),
        ("sizing", 2, "ln(frame height / asked), within ±3; ln of the asked height in statures"),
        ("viewing", 4, "azimuth still to go: sine, cosine; elevation still to go, radians; mirrored side as good"),
        ("lens", 4, "ln(focal / asked); ln(focal / 35 mm); ln of the shortest and longest over the present focal"),
        ("roll", 2, "roll less the asked roll, roll; radians / 0.2"),
        ("sight", 3, "shares 0..1 of what the size must show: in the picture, hidden, seen"),
        ("target", 4, "unit direction to the framed part, and ln(m / 3)"),
        ("subject", 5, "main subject's heading: ahead and right on the level; velocity right, up, ahead, m/s / 2"),
        ("drift", 3, "velocity of the framed part: right, up, back in the camera's frame, m/s / 2"),
        ("camera", 4, "ln of the height over 1.5 m; pitch, radians; place's jolt; turn's jolt, shares of the rig's"),
        ("motion", 7, "camera's velocity right, up, ahead; pan, tilt, roll rates; zoom rate; shares of the rig's most"),
        ("effort", 6, "push right, up, ahead and torque of pan, tilt, roll over the step before; shares of the rig's"),
        ("rig", 10, "the rig's bounds, as `rigs.LIMITS`, x / (1 + x)"),
        ("asked", 4, "share of the shot that is left; rates of the asked ln height, azimuth, elevation over the shot"),
    ]  # fmt: skip
    if blocks:
        near = "unit direction, ln(m / 3) to its surface, its angular radius in radians"
        parts += [
            ("obstacle_sight", 5, f"the thing nearest to the sight line, before the subject: {near}; none: 0"),
            ("obstacle_near", 5, f"the thing nearest to the camera: {near}; none: 0"),
        ]
    if offline:
        what = "the framed part as `target`, the main subject's heading ahead and right on the level"
        parts.append(("ahead", 6 * len(LOOK_AHEAD_S), f"{LOOK_AHEAD_S} s from now, each: {what}"))
    out, at = [], 0
    for name, size, about in parts:
        if lean and name in RICH:
            continue
        out.append(Slot(name, at, size, about))
        at += size
    return tuple(out)


@dataclass(frozen=True)
class Shown:
    """What of the subjects is seen, ``(N,)`` each, shares of what the shot size must show."""

    inside: Array
    hidden: Array
    seen: Array


def shown(episodes: Episodes, sight: Sight, keeps: np.ndarray) -> Shown:
    """What is in the picture and what is hidden there, of what the asked sizes must show: ``keeps (K, N)``."""
    filmed = episodes.data["filmed"]
    one = _ONE / np.add.reduce(keeps, axis=0, dtype=np.uint8)

    marks = sight.marks[: 1 if sight.hidden is None else 2]
    each = np.add.reduce(marks.view(np.uint8) & keeps, axis=2, dtype=np.uint8)  # (2, P, N) points of each body
    if len(filmed) == 1:
        shares = each[:, 0] * one
    else:
        shares = np.add.reduce(each * filmed, axis=1) / np.add.reduce(filmed, axis=0) * one
    whole = shares[0]
    if sight.hidden is None:
        return Shown(whole, np.zeros_like(whole), whole)
    return Shown(whole, shares[1], whole - shares[1])


def fill(
    out: Array, parts: dict[str, Slot], episodes: Episodes, state: Columns, sight: Sight, asked: Asked, e: Errors,
    seen: Shown, ahead: Array | None,
) -> None:  # fmt: skip
    """Write everything but bearings and distances, which `Eye.look` has written, into ``out (D, N)``.

    Args:
        out: the observation, one column per environment.
        parts: the `slots` by name.
        ahead: ``(4, 5, N)`` as `Eye.ahead`, or None.
    """
    d = episodes.data
    P, K, N = sight.inside.shape

    def rows(name: str) -> Array:
        return out[parts[name].span]

    logs = rows("distances")
    np.subtract(logs, _UNIT_LOG, out=logs)
    filmed = d["filmed"]
    if P > 1:
        absent = d["present"] < 0.5
        if absent.any():
            rows("bearings").reshape(3, P, K, N)[...] *= ~absent[:, None]
            logs.reshape(P, K, N)[...] *= ~absent[:, None]
    placing = rows("placing")
    placing[0], placing[1], placing[2], placing[3] = e.x, e.y, e.want_x, e.want_y
    _clip(placing, _MOST, placing)
    sizing = rows("sizing")
    _clip(e.size, _MOST, sizing[0])
    sizing[1] = e.frame
    viewing = rows("viewing")
    np.sin(e.view, out=viewing[0])
    np.cos(e.view, out=viewing[1])
    viewing[2], viewing[3] = e.height, d["either"]
    focal = state["log_focal"]
    lens = rows("lens")
    lens[0] = e.lens
    np.subtract(focal, _LENS_LOG, out=lens[1])
    np.subtract(d["lens"], focal, out=lens[2:4])
    roll = rows("roll")
    roll[0], roll[1] = e.roll, state["angles"][2]
    roll *= np.float32(5.0)
    sight_rows = rows("sight")
    sight_rows[0], sight_rows[1], sight_rows[2] = seen.inside, seen.hidden, seen.seen
    yaw = state["angles"][0]
    c, s = np.cos(yaw), np.sin(yaw)
    camera = rows("camera")
    np.log(state["place"][1] * np.float32(1 / 1.5), out=camera[0])
    camera[1] = state["angles"][1]
    camera[2:4] = state["jolt"]
    motion, rig = rows("motion"), d["rig"]
    v = state["velocity"]
    _level(v[0], v[2], c, s, motion[0], motion[2])
    motion[1] = v[1]
    motion[3:7] = state.rows("turning", "zooming")
    most = np.maximum(rig, _LEAST)
    motion[:3] /= most[:3]
    motion[3:6] /= most[4:7]
    motion[6] /= most[8]
    effort, push = rows("effort"), state["push"]
    _level(push[0], push[2], c, s, effort[0], effort[2])
    effort[1] = push[1]
    effort[3:] = state["torque"]
    effort.reshape(2, 3, N)[...] /= rig[3:8:4, None]
    left = rows("asked")
    left[0], left[1:4] = asked.left, asked.going
    if "subject" in parts:
        rows("present")[...] = d["present"]
        rows("filmed")[...] = filmed
        _bounds(rows("bounds"), sight, filmed)
        subject = rows("subject")
        _level(sight.heading[0], sight.heading[1], c, s, subject[1], subject[0])
        v = sight.velocity
        _level(v[0], v[2], c, s, subject[2], subject[4])
        subject[3] = v[1]
        subject[2:5] *= np.float32(0.5)
        np.multiply(into(sight.axes, sight.drift), _HALF, out=rows("drift"))
        np.divide(rig, rig + _ONE, out=rows("rig"))
        away = _direction(rows("target"), sight.anchor_local)
        if sight.things is not None:
            start = parts["obstacle_sight"].start
            _obstacles(out[start : start + 10].reshape(2, 5, N), d["block_reach"], sight.things, rows("target"), away)
    if ahead is not None:
        for k, then in enumerate(ahead):
            row = rows("ahead")[6 * k : 6 * k + 6]
            _direction(row[:4], into(sight.axes, then[:3] - state["place"]))
            _level(then[3], then[4], c, s, row[5], row[4])


_MOST, _WIDEST = np.float32(3.0), np.float32(1.5)
_UNIT_LOG, _LENS_LOG = np.float32(np.log(UNIT_M)), np.float32(np.log(35.0))
_ZERO, _ONE, _HALF, _LEAST = np.float32(0.0), np.float32(1.0), np.float32(0.5), np.float32(0.05)


def _clip(values: Array, most: np.float32, out: Array) -> None:
    """Within ±most, into ``out``."""
    np.minimum(np.maximum(values, -most, out=out), most, out=out)


def _level(x: Array, z: Array, c: Array, s: Array, right: Array, ahead: Array) -> None:
    """Parts to the right and ahead, on the level, of a vector in the world; ``c, s`` of the camera's yaw."""
    np.subtract(c * x, s * z, out=right)
    np.negative(s * x + c * z, out=ahead)


def _bounds(rows: Array, sight: Sight, filmed: Array) -> None:
    """Left, right, bottom and top of the subjects in the picture, half frames / 2."""
    assert sight.bounds is not None
    low, high = sight.bounds  # (2, P, N) each: across and up
    if len(filmed) == 1:
        rows[::2], rows[1::2] = low[:, 0], high[:, 0]
    else:
        mine = filmed > _HALF
        np.minimum.reduce(np.where(mine, low, np.float32(9.0)), axis=1, out=rows[::2])
        np.maximum.reduce(np.where(mine, high, np.float32(-9.0)), axis=1, out=rows[1::2])
    rows *= _HALF
    _clip(rows, _WIDEST, rows)


def _direction(rows: Array, local: Array) -> Array:
    """Unit direction and ln(m / 3) of points ``(3, N)`` in the camera's frame; returns their distance, metres."""
    square = local * local
    away = np.sqrt(np.maximum(square[0] + square[1] + square[2], np.float32(1e-8)))
    np.divide(local, away, out=rows[:3])
    np.log(away * np.float32(1.0 / UNIT_M), out=rows[3])
    return away


def _obstacles(rows: Array, reach: Array, things: Things, target: Array, away: Array) -> None:
    """The thing that threatens the sight line most, and the one nearest to the camera.

    Args:
        rows: ``(2, 5, N)`` takes both.
        reach: ``(B, N)`` radii of the spheres around the things; 0: none.
        things: where they are.
        target: ``(3…, N)`` direction to the subject.
        away: ``(N,)`` metres to it.
    """
    middle, distance = things.middle, things.distance
    N = len(away)
    along, work, both = target[0] * middle[0], np.empty_like(distance), np.empty((2, *distance.shape), np.float32)
    for i in (1, 2):
        np.add(along, np.multiply(target[i], middle[i], out=work), out=along)
    # Free space between the thing's rim and the sight line, seen from the camera; behind the subject nothing counts.
    room = distance * distance
    np.subtract(room, np.multiply(along, along, out=work), out=room)
    np.sqrt(np.maximum(room, np.float32(0.0), out=room), out=room)
    np.subtract(room, reach, out=room)
    np.divide(room, distance, out=room)
    np.add(room, np.float32(2.0), out=both[0])
    aside = along >= away
    aside |= reach <= _ZERO
    aside |= np.add(along, reach, out=work) <= _ZERO
    np.maximum(both[0], np.multiply(aside, np.float32(9.0), out=work), out=both[0])  # quicker than a masked copy
    np.add(things.gap, np.float32(8.0), out=both[1])
    chosen = _least(both)
    chosen *= N
    chosen += np.arange(N)
    size, radius, gap = (
        distance.reshape(-1).take(chosen),
        reach.reshape(-1).take(chosen),
        things.gap.reshape(-1).take(chosen),
    )
    np.divide(middle.reshape(3, -1).take(chosen, axis=1), size, out=rows[:, :3].transpose(1, 0, 2))
    np.maximum(gap, np.float32(0.03), out=gap)
    np.log(np.multiply(gap, np.float32(1.0 / UNIT_M), out=gap), out=rows[:, 3])
    np.divide(radius, size, out=size)
    np.arcsin(np.minimum(size, _ONE, out=size), out=rows[:, 4])
    none = radius <= _ZERO
    if none.any():
        rows *= ~none[:, None]


def _least(values: Array) -> np.ndarray:
    """Which of positive numbers ``(…, B, N)``, overwritten, is least, ``(…, N)`` int64: their bits order as whole
    numbers do, so the index rides in the lowest ones and one reduction finds both. To one part in 30,000; ``B`` at
    most 256."""
    bits = np.maximum(values, np.float32(1e-6), out=values).view(np.int32)
    np.bitwise_and(bits, np.int32(~0xFF), out=bits)
    np.bitwise_or(bits, np.arange(bits.shape[-2], dtype=np.int32)[:, None], out=bits)
    return (np.minimum.reduce(bits, axis=-2) & np.int32(0xFF)).astype(np.int64)
