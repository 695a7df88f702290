"""Text actions of a scene before any network: what is understood, how long it takes, and a stand-in that only travels.

`cinemotion check` works a scene's times out with `Sketch`, which needs no weights and no torch; films are made with
`cinemotion.acting_prior.Played`. Both take as long, so that what was checked is what is made.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput
from motion.text import ActionPlan

#: Turns that the vocabulary knows, radians about +Y from +Z towards +X.
TURNS = {"turn left": math.pi / 2, "turn right": -math.pi / 2, "turn around": math.pi}
#: Getting under way and coming to a stand take this long each, seconds.
EASE_S = 0.5
#: Which way the vocabulary's directions travel, from the heading.
WAYS = {"backward": math.pi, "left": math.pi / 2, "right": -math.pi / 2}


@dataclass(frozen=True)
class Part:
    """What one entry asks of its performer. Metres, seconds, radians, world; on the performer's own body."""

    text: str
    plan: ActionPlan
    style: str
    seed: int
    idle: float  # seconds of standing before the action
    seconds: float  # of the action
    spot: tuple[float, float]  # floor point where it begins
    yaw: float  # heading with which it begins
    rest_offsets: np.ndarray  # (24, 3) of the body
    before: Clip | None = None  # what was done until now, at 30 fps; its last frame stands at `spot`
    to: tuple[float, float] | None = None  # be there at the end
    onwards: bool = False  # and go on from there without a stop
    facing: float | None = None  # face that way at the end
    after: Clip | None = None  # what follows it, at 30 fps, anywhere: be in its first pose at the end
    in_place: bool = False


class Acting(Protocol):
    """Makes performers do what words say."""

    def perform(self, part: Part) -> Clip:
        """The performance in the world at 30 fps on the part's body.

        Its frame 0 is the first of `Part.before`, or the performance's own first when there is none; it ends
        ``idle + seconds`` after the last of `Part.before`.

        Raises:
            BadInput: it cannot be done, or there are no weights to do it.
        """
        ...


@dataclass(frozen=True)
class Company:
    """Who acts what a scene says in words, on which bodies, from which seed."""

    acting: Acting
    rest_offsets: Callable[[str], np.ndarray | None]  # of an actor's body; None: it is wrong, which was reported
    seed: int
    seconds: Mapping[int, Fraction] = field(default_factory=dict)  # of entries that do not say, as they were checked


@functools.lru_cache(maxsize=4096)
def understood(text: str) -> ActionPlan:
    """The action plan of an entry's words."""
    from motion.text import plan

    return plan(text)


def troubles(text: str) -> list[str]:
    """What is wrong with an entry's words: actions outside the vocabulary, with the nearest ones."""
    from motion.prior.understand import SURE, suggest, understand

    try:
        plan, _, _ = understand(understood(text) if text.strip() else text, bound=False)
    except BadInput as error:
        return [str(error).removeprefix("text: ")]
    found = []
    for step in plan.steps:
        for action in step:
            if not action.label.verb or action.confidence < SURE:
                near = suggest(action.text)
                found.append(f"no known action in '{action.text}'" + (f"; nearest: {', '.join(near)}" if near else ""))
    return found


def usual_seconds(plan: ActionPlan, style: str, way: float | None = None) -> float:
    """How long a plan takes when nobody says.

    Args:
        plan: what is done.
        style: in which way.
        way: metres to go; the actions that travel take as long as that needs.

    Raises:
        BadInput: a way is to be gone and nothing in the plan travels, or it takes longer than one clip may.
    """
    from motion.prior import segments

    made, _ = segments.of_plan(plan, None, way, style)
    if way is not None and not any(segment.pace > 0 for segment in made):
        raise BadInput(f"'{plan.text}' goes nowhere, and the way is {way:.2f} m; say how to go: walks, runs, sneaks …")
    # Half of each easing's time is lost to it.
    return sum(segment.frames for segment in made) / FPS + (0.0 if way is None else EASE_S)


def turned(plan: ActionPlan) -> float:
    """By how much the plan's words turn the performer, radians."""
    return sum(TURNS.get(action.label.direction, 0.0) for step in plan.steps for action in step[:1])


def frames_of(seconds: float) -> int:
    """Frames at 30 fps that reach to this instant or beyond."""
    return max(1, math.ceil(seconds * FPS - 1e-6))


class Sketch:
    """A stand-in: the last pose, or a standing one, carried to where the words would take it."""

    def perform(self, part: Part) -> Clip:
        from motion.prior import segments

        lead = 0 if part.before is None else part.before.frames
        first = 1 if part.before is None else 0  # the pose at the start
        idle, count = frames_of(part.idle) if part.idle > 0 else 0, frames_of(part.idle + part.seconds)
        made, _ = segments.of_plan(part.plan, part.seconds, style=part.style)
        pace = np.zeros(count)
        heading = np.full(count, part.yaw)
        for segment in made:
            here = slice(idle + segment.start, min(count, idle + segment.stop))
            if not part.in_place:
                pace[here] = segment.pace
            heading[here] += TURNS.get(segment.label.direction, 0.0) + WAYS.get(segment.label.direction, 0.0)
        if part.to is None:
            step = np.stack([np.sin(heading), np.cos(heading)], -1) * pace[:, None] / FPS
            way = np.asarray(part.spot) + np.cumsum(step, axis=0)
            yaw = np.full(count, part.yaw + turned(part.plan))
        else:
            share = np.cumsum(pace) / max(pace.sum(), 1e-9) if pace.any() else np.linspace(0, 1, count)
            goal = np.asarray(part.to) - part.spot
            way = np.asarray(part.spot) + share[:, None] * goal
            yaw = np.full(count, math.atan2(goal[0], goal[1]) if np.hypot(*goal) > 0.05 else part.yaw)
        if part.facing is not None:
            yaw[-1] = part.facing
        pose = standing() if part.before is None else part.before.rotations[-1]
        height = part.rest_offsets[0, 1] if part.before is None else part.before.root_position[-1, 1]
        rotations = np.repeat(pose[None], first + count, axis=0)
        rotations[:, 0] = rot.yaw(np.concatenate([np.full(first, part.yaw), yaw]))
        root = np.full((first + count, 3), height)
        root[:, [0, 2]] = np.concatenate([np.full((first, 2), part.spot), way])
        if part.before is not None:
            rotations = np.concatenate([part.before.rotations, rotations])
            root = np.concatenate([part.before.root_position, root])
        assert len(root) == lead + first + count
        return Clip(rotations, root, part.rest_offsets, Fraction(FPS))


def standing() -> np.ndarray:
    """Local rotations ``(24, 4)`` of someone who stands with arms down."""
    pose = np.broadcast_to(rot.IDENTITY, (24, 4)).copy()
    for side, sign in (("left", -1.0), ("right", 1.0)):
        pose[skeleton.INDEX[f"{side}_shoulder"]] = rot.from_rotvec(np.array([0.0, 0.0, sign * 1.25]))
    return pose
