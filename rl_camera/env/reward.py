"""How good a picture is: pure functions of arrays, every term 0..1 or a cost, reported by name, weighed in one place.

Terms fall off as 1 / (1 + (error / tolerance)²): near one within the tolerance, never flat far from it, so that a
learner lost at the other end of the set still feels which way is better.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from motion.errors import BadInput
from rl_camera.env.columns import Array, Columns
from rl_camera.env.episode import Asked, Episodes
from rl_camera.env.sight import Sight

#: Half widths of the terms: where half of a term is lost.
SIZE_TOLERANCE = 0.22  # ln of the size ratio: 25 %
PLACE_TOLERANCE = 0.22  # half frames beyond the dead zone
VIEW_TOLERANCE = float(np.radians(25.0))
HEIGHT_TOLERANCE = float(np.radians(12.0))
LENS_TOLERANCE = 0.3  # ln of the focal ratio
HORIZON_TOLERANCE = float(np.radians(4.0))

#: Half frames within which a subject may stand off its place: a camera that follows every breath is no good camera.
DEAD_ZONE = 0.06

#: Metres: nearer than this to a thing's surface or to a body's point is a collision.
CLEARANCE = 0.25

#: Share of the picture's width and height that a group may fill.
GROUP_FILL = 0.8

#: Room that each body of a group needs beside its middle, in statures.
GROUP_ROOM = 0.55


@dataclass(frozen=True)
class RewardWeights:
    """Weights of the terms; the terms' own sum to 1, costs are taken off."""

    size: float = 0.2
    position: float = 0.22
    visibility: float = 0.24
    view: float = 0.15
    lens: float = 0.03
    horizon: float = 0.05
    steady: float = 0.11
    collision: float = 0.5  # cost
    floor: float = 0.1  # cost

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if not (isinstance(value, (int, float)) and np.isfinite(value) and value >= 0):
                raise BadInput(f"reward weight {f.name} is {value!r}, expected a number of 0 or more")


TERMS: tuple[str, ...] = tuple(f.name for f in fields(RewardWeights))
COSTS: tuple[str, ...] = ("collision", "floor")


@dataclass(frozen=True)
class Errors:
    """How far a picture is from what was asked, ``(N,)`` each."""

    size: Array  # ln of (frame height at the subject / asked)
    x: Array  # half frames to the right of the asked place
    y: Array  # half frames above it
    want_x: Array  # the asked place
    want_y: Array
    view: Array  # radians of azimuth about the subject, to its left
    height: Array  # radians of elevation
    lens: Array  # ln of (focal length / asked)
    roll: Array  # radians
    frame: Array  # ln of the asked frame height, statures; what a group needs included


def errors(episodes: Episodes, state: Columns, sight: Sight, asked: Asked) -> Errors:
    """Compare a moment's pictures with what is asked of them."""
    d = episodes.data
    stature, at = d["stature"][0], sight.anchor_local
    depth = np.maximum(-at[2], np.float32(0.05))
    frame = asked.share
    right = sight.axes[0]
    look = _within(np.float32(1.6) * (right[0] * sight.heading[0] + right[2] * sight.heading[1]), 1.0)
    want_x = d["x"] - d["look"] * look
    if sight.anchors.shape[1] > 1:
        off = sight.anchors - sight.anchor[:, None]
        across, nearer = (axis[0] * off[0] + axis[1] * off[1] + axis[2] * off[2] for axis in sight.axes[::2])
        least = room_for_group(across, nearer, d["stature"], d["filmed"], sight.tan[0], want_x)
        frame = np.maximum(frame, np.log(np.float32(2.0) * least * sight.tan[1] / stature))
    size = np.log(np.float32(2.0) * depth * sight.tan[1] / stature) - frame
    x, y = at[:2] / depth / sight.tan
    if at[2].max() > -0.05:
        behind = at[2] > np.float32(-0.05)
        x = np.where(behind, np.copysign(np.float32(3.0), at[0]), x)
        y = np.where(behind, np.float32(0.0), y)
    to = state["place"] - sight.anchor
    away = np.sqrt((to * to).sum(0))
    side = np.arctan2(to[0], to[2]) - np.arctan2(sight.heading[0], sight.heading[1])
    view = _wrapped(side - asked.azimuth)
    other = _wrapped(side + asked.azimuth)
    # Where the mirrored side is as good, the nearer one counts, in the same sense of turning.
    view = np.where((d["either"] > 0.5) & (np.abs(other) < np.abs(view)), other, view)
    above = np.where(d["eye_level"] > 0.5, state["place"][1] - sight.eyes_y, to[1])
    height = np.arcsin(_within(above / np.maximum(away, np.float32(1e-3)), 1.0)) - asked.elevation
    return Errors(
        size, _within(x, 3.0) - want_x, _within(y, 3.0) - asked.y, want_x, asked.y, view, height,
        state["log_focal"] - asked.lens_log, state["angles"][2] - d["roll"], frame,
    )  # fmt: skip


def room_for_group(across: Array, nearer: Array, stature: Array, filmed: Array, tan: Array, want_x: Array) -> Array:
    """How far the middle of a group must be for every one of it to have room in the picture, ``(N,)`` metres.

    A body ``a`` to the right of the middle, ``n`` nearer than it, with half its room ``r``, ends in the picture at
    ``(want_x D t + a + r) / (t (D − n))`` to the right, and on the left likewise. Both shall be within `GROUP_FILL`
    of the half frame; each gives a least distance D, and the largest counts.

    Args:
        across: ``(P, N)`` metres that each performer is to the right of the group's middle.
        nearer: ``(P, N)`` metres that each is nearer to the camera's plane than it.
        stature: ``(P, N)`` metres.
        filmed: ``(P, N)`` 1 for who belongs to the group.
        tan: ``(N,)`` tangent of half the field of view across.
        want_x: ``(N,)`` where the middle shall stand, half frames.

    Returns:
        Nearly 0 where one alone is filmed.
    """
    fill = np.float32(GROUP_FILL)
    room = np.float32(GROUP_ROOM) * stature + fill * tan * nearer
    need = np.maximum((room + across) / (tan * (fill - want_x)), (room - across) / (tan * (fill + want_x)))
    group = filmed * (filmed.sum(0) > 1.5)
    return np.maximum((need * group).max(0), np.float32(1e-3))


_TURN = np.float32(2.0 * np.pi)


def _within(values: Array, most: float) -> Array:
    """Within ±most; `np.clip` without its overhead."""
    return np.minimum(np.maximum(values, np.float32(-most)), np.float32(most))


def _wrapped(angle: Array) -> Array:
    """Within half a turn of 0; a remainder is ten times as slow."""
    return angle - _TURN * np.rint(angle * np.float32(0.5 / np.pi))


def near(error_square: Array) -> Array:
    """``1 / (1 + e²)`` of a squared error in tolerances."""
    return 1.0 / (1.0 + error_square)


def size(e: Errors) -> Array:
    """Whether the subject is as large in the picture as the asked shot size makes it."""
    return near((e.size / SIZE_TOLERANCE) ** 2)


def position(e: Errors) -> Array:
    """Whether the framed part stands where it should: thirds, look room, headroom; within the dead zone all is well."""
    off = np.maximum(np.sqrt(e.x * e.x + e.y * e.y) - DEAD_ZONE, 0.0)
    return near((off / PLACE_TOLERANCE) ** 2)


def visibility(shown: Array) -> Array:
    """Share of what the shot size must show that is in the picture with nothing in the way."""
    return shown


def view(e: Errors) -> Array:
    """Whether the subject is seen from the asked side and height."""
    return near((e.view / VIEW_TOLERANCE) ** 2 + (e.height / HEIGHT_TOLERANCE) ** 2)


def lens(e: Errors) -> Array:
    """Whether the focal length is the asked one: size by distance is another picture than size by zoom."""
    return near((e.lens / LENS_TOLERANCE) ** 2)


def horizon(e: Errors) -> Array:
    """Whether the horizon is level, or slanted as asked."""
    return near((e.roll / HORIZON_TOLERANCE) ** 2)


def steady(jolt: Array) -> Array:
    """1 less the jerk of place and turning ``(2, N)``, as shares of what the rig can do, square-rooted.

    The root makes small unrest count: a camera that trembles a little all the time is worse than one firm push.
    """
    return 1.0 - np.sqrt(np.minimum(0.5 * (jolt[0] + jolt[1]), np.float32(1.0)))


def collision(gap: Array | None, nearest: Array) -> Array:
    """How deep the camera is within the clearance of a thing, ``gap (B, N)`` away, or a body, ``(N,)``; 0..1."""
    least = nearest if gap is None else np.minimum(gap.min(0), nearest)
    return np.minimum(np.maximum((CLEARANCE - least) / CLEARANCE, np.float32(0.0)), np.float32(1.0))


def floor(state: Columns) -> Array:
    """Whether the camera lies on the floor, where no rig goes."""
    return (state["place"][1] < 0.16).astype(np.float32)


def terms(episodes: Episodes, state: Columns, sight: Sight, e: Errors, shown: Array) -> dict[str, Array]:
    """Every term of `TERMS`, ``(N,)`` each, before weighing."""
    nearest = sight.distance.min((0, 1)) if sight.distance.shape[0] == 1 else _nearest(episodes, sight)
    return {
        "size": size(e),
        "position": position(e),
        "visibility": visibility(shown),
        "view": view(e),
        "lens": lens(e),
        "horizon": horizon(e),
        "steady": steady(state["jolt"]),
        "collision": collision(sight.things.gap if sight.things else None, nearest),
        "floor": floor(state),
    }


def _nearest(episodes: Episodes, sight: Sight) -> Array:
    least = sight.distance.min(1)
    return np.where(episodes.data["present"] > 0.5, least, np.float32(1e3)).min(0)


def total(parts: dict[str, Array], weights: RewardWeights) -> Array:
    """The reward ``(N,)`` float32: weighed terms less weighed costs."""
    out = np.zeros_like(parts["size"], dtype=np.float32)
    for name, value in parts.items():
        weight = np.float32(getattr(weights, name))
        out += (-weight if name in COSTS else weight) * value
    return out
