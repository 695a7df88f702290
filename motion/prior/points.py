"""Points to reach: checked against the body, written into constraints, and measured on the finished clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from motion import skeleton
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior import constrain, parts
from motion.prior.constraints import JOINTS, Constraints
from motion.prior.keyframes import FASTEST
from motion.prior.request import Reach
from motion.rotations import Array

_I = skeleton.INDEX
#: How far above a standing reach a jump brings a hand: a good standing vertical jump is 0.6 to 0.7 m.
JUMP_M = 0.7


def of(value: Any) -> tuple[Reach, ...]:
    """Points from whatever a caller has: `Reach`, ``(joint, point, seconds)`` with an optional hold, or several.

    Raises:
        BadInput: not such things; names which one.
    """
    if value is None:
        return ()
    if isinstance(value, Reach):
        return (checked(value, 0),)
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        value = [value]
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise BadInput(f"reach: {type(value).__name__}, expected Reach(joint, point, seconds)")
    found = []
    for number, one in enumerate(value):
        if not isinstance(one, Reach):
            if not (isinstance(one, Sequence) and len(one) in (3, 4) and isinstance(one[0], str)):
                raise BadInput(f"reach {number}: {one!r:.60}, expected Reach(joint, point, seconds)")
            one = Reach(*one)
        found.append(checked(one, number))
    return tuple(found)


def checked(one: Reach, number: int) -> Reach:
    """A point whose joint is known and whose numbers are finite."""
    parts.joint(one.joint)
    try:
        point = tuple(float(v) for v in one.point)
        seconds, hold = float(one.seconds), float(one.hold)
    except (TypeError, ValueError):
        raise BadInput(f"reach {number}: point {one.point!r:.60} at {one.seconds!r:.20}, expected numbers") from None
    if len(point) != 3:
        raise BadInput(f"reach {number}: a point of {len(point)} numbers, expected x, y and z in metres")
    if not np.isfinite([*point, seconds, hold]).all():
        raise BadInput(f"reach {number}: not finite (NaN or infinite)")
    if hold < 0:
        raise BadInput(f"reach {number}: holds for {hold:g} s, expected 0 or more")
    return Reach(one.joint, (point[0], point[1], point[2]), seconds, hold)


def scaled(points: Sequence[Reach], factor: float) -> tuple[Reach, ...]:
    """The same points in a world ``factor`` times as large (another body's)."""
    return tuple(replace(p, point=tuple(factor * v for v in p.point)) for p in points)  # type: ignore[arg-type]


def span(one: Reach) -> tuple[int, int]:
    """First and last frame at 30 fps."""
    return round(one.seconds * FPS), round((one.seconds + one.hold) * FPS)


def highest(joint: int, rest_offsets: Array) -> float:
    """How high a joint comes when the body stands and stretches towards the ceiling, metres."""
    rest = skeleton.at_rest(rest_offsets)
    name = skeleton.JOINTS[joint]
    side = name.split("_")[0]
    if name.endswith(("elbow", "wrist", "hand")):
        chain = ("elbow", "wrist", "hand")
        reach = sum(
            float(np.linalg.norm(rest_offsets[_I[f"{side}_{part}"]]))
            for part in chain[: chain.index(name.split("_")[1]) + 1]
        )
        return float(rest[_I[f"{side}_shoulder"], 1]) + reach
    if name.endswith(("knee", "ankle", "foot")):
        return float(rest[_I[f"{side}_hip"], 1]) + 0.9 * float(rest[_I[f"{side}_hip"], 1])
    return float(rest[joint, 1])


def check(points: Sequence[Reach], wanted: Constraints, rest_offsets: Array) -> None:
    """Refuse what no body can do: too high, outside the clip, two places at once, too far to get there in time.

    Args:
        points: checked, in the models' world.
        wanted: keys and path over the whole clip.
        rest_offsets: the models' skeleton.

    Raises:
        BadInput: says how far it is out of reach.
    """
    last = (wanted.frames - 1) / FPS
    for number, one in enumerate(points):
        first, stop = span(one)
        if first < 0 or stop > wanted.frames - 1:
            raise BadInput(
                f"reach {number} ({one.joint} at {one.seconds:g} s{f' for {one.hold:g} s' if one.hold else ''}) lies "
                f"outside the clip (0 to {last:.2f} s)"
            )
        joint = parts.joint(one.joint)
        top = highest(joint, rest_offsets)
        if one.point[1] > top + JUMP_M:
            over = one.point[1] - top - JUMP_M
            raise BadInput(
                f"reach {number}: {one.joint} at {one.point[1]:.2f} m is {over:.2f} m above what this body reaches "
                f"({top:.2f} m standing, {top + JUMP_M:.2f} m jumping)"
            )
        for before, other in enumerate(points[:number]):
            a, b = span(other)
            apart = float(np.linalg.norm(np.subtract(one.point, other.point)))
            if parts.joint(other.joint) == joint and a <= stop and first <= b and apart > 0.01:
                raise BadInput(f"reach {before} and {number}: {one.joint} at two places at once, {apart:.2f} m apart")
        placed = np.flatnonzero(wanted.path_on | wanted.pelvis_on[:, 0])
        if len(placed):
            where = np.where(wanted.path_on[:, None], wanted.path, wanted.pelvis[:, [0, 2]])[placed]
            way = np.linalg.norm(where - np.array([one.point[0], one.point[2]]), axis=1)
            arm = 1.2 * float(rest_offsets[0, 1])  # an arm and a lean, about as long as the legs are high
            slack = way - arm - FASTEST * np.abs(placed - first) / FPS
            k = int(np.argmax(slack))
            if slack[k] > 0:
                raise BadInput(
                    f"reach {number}: {one.joint} is {slack[k]:.2f} m out of reach at {one.seconds:g} s: the body is "
                    f"to be {way[k]:.2f} m away at {placed[k] / FPS:.2f} s"
                )


def lay(points: Sequence[Reach], into: Constraints) -> None:
    """Write points into constraints. The models know the wrist, not the palm: `motion.prior.finish` does the rest."""
    for one in points:
        first, last = span(one)
        joint = parts.joint(one.joint)
        known = joint if joint < JOINTS else _I[skeleton.JOINTS[joint].replace("hand", "wrist")]
        constrain.touch(into, np.arange(first, last + 1), known, one.point)


def error(points: Sequence[Reach], clip: Clip) -> tuple[float, ...]:
    """Largest distance of each joint to its point while it should be there, metres; clip at 30 fps."""
    positions = clip.positions()
    found = []
    for one in points:
        first, last = span(one)
        way = positions[first : last + 1, parts.joint(one.joint)] - np.asarray(one.point)
        found.append(float(np.linalg.norm(way, axis=-1).max()))
    return tuple(found)
