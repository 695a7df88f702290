"""`Played`: text actions of a scene made by the learned prior, once; later runs take them from the cache.

Everything is worked out in the models' own world: the floor point where the action begins is its origin, and lengths
are divided by the ratio of the legs, as retargeting multiplies them again.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from cinemotion import acting, carry
from cinemotion.acting import EASE_S, WAYS, Part, frames_of, turned
from cinemotion.carry import carried
from cinemotion.manifest import code_version, digest
from motion import edit
from motion.clip import Clip
from motion.corpus import FPS, Label
from motion.easing import smoothstep
from motion.errors import BadInput
from motion.files import whole
from motion.prior import constrain, segments, threads, weights
from motion.prior.constraints import Constraints
from motion.prior.keyframes import FASTEST
from motion.prior.segments import Segment
from motion.prior.understand import able

#: Denoising steps and guidance of a film's performances.
STEPS, GUIDANCE = 8, 2.5
#: How fast people turn on the spot when nothing presses, radians a second.
TURN_RATE = 2.5
#: Headings nearer than this need no turning.
_SAME_WAY = 0.35
#: From here on a turn is one around, radians.
_AROUND = 2.4
#: Once turned, a heading is asked for on every so many frames: people sway about the way that they face.
_NOW_AND_THEN = 8
#: Who stops is still going after this time with a third of their speed, seconds.
_STOP_S = 0.25
#: What is said while someone waits for their next action.
IDLE = "stands still"
#: Performances kept in the cache; the oldest give way.
_MOST_CACHED = 2000
#: The last pose is met within this time; a hand that gets there faster than this snaps. Seconds, m/s.
_SNAP_S, _SNAP_SPEED = 0.6, 5.0
#: After these, the heading is not to be foreseen, and so no pose to end in is asked for.
_UNFORESEEN = frozenset({
    "dance", "salsa", "indian dance", "karate", "spin", "spin kick", "roll", "cartwheel", "flip", "fall", "get up",
    "crawl", "handstand", "bridge", "slip", "dribble", "climb", "vault",
})  # fmt: skip


@functools.cache
def _code() -> str:
    """SHA-256 of what lays the requests out; other code may make other motion of the same words."""
    return digest(*(Path(str(module.__file__)).read_bytes() for module in (acting, carry, sys.modules[__name__])))


def cache_folder(what: str = "performances") -> Path:
    """Where things made once are kept: in ``$CINEMOTION_CACHE``, else ``cinemotion`` in the user's cache folder."""
    given = os.environ.get("CINEMOTION_CACHE")
    home = Path(given).expanduser() if given else weights.user_folder().parent
    return home / what


class Played:
    """The prior as an actor.

    Args:
        file: weights of a prior, with a card.
        cache: where performances are kept; None: nowhere.
    """

    def __init__(self, file: Path, cache: Path | None) -> None:
        self.file, self.cache = file, cache
        self.card = weights.card_of(file, "prior")
        self.sampled = 0  # performances made, not found
        self._model: Any = None

    def perform(self, part: Part) -> Clip:
        """As `cinemotion.acting.Acting.perform`; styles that the weights never learned are left out."""
        style = part.style if self.card.saw("style", part.style) else ""
        part = replace(part, plan=able(part.plan, self.card), style=style)
        key = self._key(part)
        kept = None if self.cache is None else self.cache / f"{key}.npz"
        if kept is not None and (found := _read(kept, part)) is not None:
            clip = found
        else:
            clip = self._make(part)
            self.sampled += 1
            if kept is not None:
                _keep(kept, clip)
        note = f"'{part.text}' by {self.card.label}, seed {part.seed}"
        return replace(clip, provenance=self.card.provenance(part.seed, note))

    def _key(self, part: Part) -> str:
        clips = [
            None if c is None else (c.rotations, c.root_position, c.rest_offsets) for c in (part.before, part.after)
        ]
        asked = [getattr(part, name) for name in part.__dataclass_fields__ if name not in ("before", "after")]
        return digest(code_version(("motion",)), _code(), self.card.sha256, STEPS, GUIDANCE, asked, clips)

    # ---- making

    @property
    def model(self) -> Any:
        if self._model is None:
            threads.settle()
            from motion.prior.model import Prior

            self._model = Prior.load(self.file)
        return self._model

    def _make(self, part: Part) -> Clip:
        from motion.prior import finish
        from motion.prior.compose import Settings, compose
        from motion.retarget.proportions import leg_length

        canonical = self.model.rest_offsets
        ratio = leg_length(part.rest_offsets) / leg_length(canonical)
        x, z = part.spot
        tail = None
        if part.before is not None:
            tail = _at_origin(carried(edit.transform(part.before, translation=(-x, 0.0, -z)), canonical), -1)
        lead = 1 if tail is None else tail.frames
        # Someone who starts afresh has their first pose made, too: frame 0 is the instant at which they begin.
        new = frames_of(part.idle + part.seconds)
        wanted = Constraints.none(lead + new)
        laid = _laid_out(part, lead, new, fresh=tail is None)
        # Who begins anywhere does so at the origin, facing +Z, and is put in their place afterwards.
        asked = part if tail is not None or part.to is not None else replace(part, yaw=0.0)
        if tail is None and part.to is not None:
            constrain.follow(wanted, [0], [(0.0, 0.0)], [part.yaw])
        end = self._way(asked, wanted, laid, tail, lead, ratio)
        settings = Settings(steps=STEPS, guidance=GUIDANCE)
        given = None if tail is None else {0: tail}

        def played(bound: Constraints) -> Clip:
            return compose(self.model, laid.made, bound, [part.seed], given=given, settings=settings)[0].clip

        meeting = self._ending(part, wanted, lead, end, canonical)
        clip = played(wanted if meeting is None else meeting)
        if meeting is not None and _snaps(clip):
            clip = played(wanted)
        if part.to is not None:
            clip = _arrived(clip, lead, (np.asarray(part.to) - np.asarray(part.spot)) / ratio)
        body = carried(finish.lock_feet(clip), part.rest_offsets)
        if part.in_place:
            body = edit.in_place(body)
        if part.before is None:
            body = edit.place(body, part.spot, None if part.to is not None else part.yaw)
        else:
            body = edit.transform(_at_origin(body, lead - 1), translation=(x, 0.0, z))
        return body if part.to is None else _arrived(body, lead, np.asarray(part.to))

    def _way(self, part: Part, wanted: Constraints, laid: _Laid, tail: Clip | None, lead: int, ratio: float) -> float:
        """Lay the way to `Part.to` and the turns into the constraints; returns the heading at the end."""
        frames = wanted.frames
        idle = frames_of(part.idle) if part.idle > 0 else 0
        end = part.yaw + turned(part.plan)
        starts = lead + idle  # first frame of the action
        last = frames  # first frame that faces the end's way
        if laid.turn:
            turned_by = laid.turn * smoothstep(np.clip((np.arange(frames) - starts) / laid.turning, 0.0, 1.0))
            at = np.arange(lead, frames)
            constrain.follow(wanted, at, _stopping(tail, len(at)), part.yaw + turned_by[at])
            wanted.heading_on[at] = (at < starts + laid.turning + 3) | ((at - starts) % _NOW_AND_THEN == 0)
            return part.yaw + laid.turn
        if part.facing is not None:
            last = max(starts, frames - 1 - round(abs(_turn(end, part.facing)) / TURN_RATE * FPS))
        if part.to is not None:
            goal = (np.asarray(part.to) - np.asarray(part.spot)) / ratio
            pace = np.zeros(frames)
            for segment in laid.made:
                pace[segment.start : segment.stop] = segment.pace
            along = _along(pace[lead:], float(np.hypot(*goal)), _speed(tail, goal), part)
            far = np.hypot(*goal)
            points = along[:, None] * (goal / far if far > 1e-6 else goal)
            constrain.follow(wanted, np.arange(lead, frames), points)
            if far * ratio > 0.3:
                direction = next((s.label.direction for s in laid.made if s.pace > 0), "")
                end = math.atan2(goal[0], goal[1]) - WAYS.get(direction, 0.0)
                turn = abs(_turn(part.yaw, end)) if tail is not None else 0.0
                first = starts + (round((turn / TURN_RATE + 0.2) * FPS) if turn > _SAME_WAY else 0)
                if tail is None:
                    wanted.heading[0] = end
                here = slice(min(first, frames - 1), max(last, first + 1))
                wanted.heading[here], wanted.heading_on[here] = end, True
        if part.facing is not None:
            first = (
                frames - 3
                if part.to is not None
                else starts + round(abs(_turn(part.yaw, part.facing)) / TURN_RATE * FPS)
            )
            here = slice(max(0, min(first, frames - 3)), frames)
            wanted.heading[here], wanted.heading_on[here] = part.facing, True
            end = part.facing
        return end

    def _ending(
        self, part: Part, wanted: Constraints, lead: int, yaw: float, canonical: np.ndarray
    ) -> Constraints | None:
        """The same with an end as the next clip begins, so that the cross-fade has little to do; None: as it is."""
        verbs = {action.label.verb for step in part.plan.steps for action in step}
        if part.after is None or verbs & _UNFORESEEN:
            return None
        next_ = edit.place(carried(part.after, canonical), (0.0, 0.0), yaw)
        frames = min(next_.frames, wanted.frames - lead)
        at = np.unique([wanted.frames - frames, wanted.frames - 1])
        meeting = wanted[:]
        constrain.hold(meeting, at, edit.sample(next_, (at - at[0]) / FPS), placed=False)
        return meeting


def _snaps(clip: Clip) -> bool:
    """Whether the last moments are jerked into a pose: faster than all that went before, and than anyone would."""
    speed = np.linalg.norm(np.diff(clip.positions(), axis=0), axis=-1).max(1) * FPS
    last = round(_SNAP_S * FPS)
    return len(speed) > 2 * last and float(speed[-last:].max()) > max(_SNAP_SPEED, 1.5 * float(speed[:-last].max()))


def _turn(a: float, b: float) -> float:
    """The shorter turn from heading a to heading b, radians."""
    return math.remainder(b - a, 2 * math.pi)


@dataclass(frozen=True)
class _Laid:
    """What is made, segment by segment, and the turn on the spot that comes first."""

    made: list[Segment]
    turn: float  # radians; 0: none
    turning: int  # frames


def _laid_out(part: Part, lead: int, new: int, fresh: bool) -> _Laid:
    """Standing first, where there is time for it, a turn where one is needed, then the words."""
    first = 0 if fresh else lead
    idle = frames_of(part.idle) if part.idle > 0 else 0
    stop = lead + new
    begins = first if not idle else lead + idle
    parts, _ = segments.of_plan(part.plan, (stop - begins) / FPS, style=part.style)
    turn, count = _on_the_spot(part, parts), 0
    if turn:
        count = _frames_to_turn(turn, stop - begins)
        way = "turn around" if abs(turn) > _AROUND else "turn left" if turn > 0 else "turn right"
        label = Label(verb="turn", direction=way, style=part.style)
        parts, _ = segments.of_plan(part.plan, (stop - begins - count) / FPS, style=part.style)
        parts = (
            Segment(way.replace("turn", "turns", 1), label, 0, count),
            *(replace(s, start=s.start + count) for s in parts),
        )
    made = [replace(s, start=s.start + begins) for s in parts]
    if idle:
        made.insert(0, Segment(IDLE, Label(verb="stand", style=part.style), first, begins - first))
    return _Laid(made, turn, count)


def _on_the_spot(part: Part, made: Sequence[Segment]) -> float:
    """Radians to turn before an action that stays where it is; 0 where there is none, or where the action turns."""
    travels = part.to is not None or any(s.pace > 0 for s in made)
    if part.facing is None or travels or turned(part.plan):
        return 0.0
    turn = _turn(part.yaw, part.facing)
    return turn if abs(turn) > _SAME_WAY else 0.0


def _frames_to_turn(turn: float, room: int) -> int:
    """Frames of a turn on the spot, at most half of those that there are."""
    return max(1, min(round(abs(turn) / TURN_RATE * FPS), room // 2))


def _stopping(tail: Clip | None, count: int) -> np.ndarray:
    """Floor points ``(count, 2)`` of someone who comes to a stand from the speed that they have."""
    if tail is None or tail.frames < 4:
        return np.zeros((count, 2))
    way = tail.root_position[:, [0, 2]]
    n = min(6, tail.frames - 1)
    velocity = (way[-1] - way[-1 - n]) / n * FPS
    gone = _STOP_S * (1.0 - np.exp(-(np.arange(count) + 1) / FPS / _STOP_S))
    return np.asarray(gone[:, None] * velocity)


def _at_origin(clip: Clip, frame: int) -> Clip:
    """The clip moved so that its pelvis stands over the origin at a frame."""
    x, _, z = clip.root_position[frame]
    return edit.transform(clip, translation=(-x, 0.0, -z))


def _speed(tail: Clip | None, goal: np.ndarray) -> float:
    """How fast the performer is already going towards the goal, m/s."""
    if tail is None or tail.frames < 4 or np.hypot(*goal) < 1e-6:
        return 0.0
    path = tail.root_position[:, [0, 2]]
    n = min(12, tail.frames - 1)
    velocity = (path[-1] - path[-1 - n]) / n * FPS
    return max(0.0, float(velocity @ goal / np.hypot(*goal)))


def _arrived(clip: Clip, lead: int, goal: np.ndarray) -> Clip:
    """The clip with what is missing to its goal shared out over its steps, so that who stands does not slide.

    Args:
        clip: on the models' skeleton.
        lead: frames that were there before.
        goal: ``(2,)`` floor point of the last frame, metres.
    """
    floor = clip.root_position[:, [0, 2]]
    missing = goal - floor[-1]
    gone = np.linalg.norm(np.diff(floor[max(0, lead - 1) :], axis=0), axis=1)
    if gone.sum() < 1e-3:
        return clip
    share = np.concatenate([np.zeros(clip.frames - len(gone)), np.cumsum(gone) / gone.sum()])
    root = clip.root_position.copy()
    root[:, [0, 2]] += share[:, None] * missing
    return replace(clip, root_position=root)


def _along(pace: np.ndarray, way: float, speed: float, part: Part) -> np.ndarray:
    """Metres gone at each frame: from the present speed to the action's usual one, and to a stand at the end.

    Args:
        pace: ``(N,)`` m/s that each frame's action usually travels.
        way: metres to go.
        speed: m/s at which the performer is going already.
        part: for the words of an error.

    Raises:
        BadInput: it takes more than anybody runs to be there in time.
    """
    from scipy.ndimage import gaussian_filter1d

    pace = pace if pace.any() else np.full(len(pace), 1.0)
    usual = max(float(pace[pace > 0].mean()), 1e-3)
    most = usual / EASE_S / FPS  # change of speed from one frame to the next
    v = pace.astype(float).copy()
    last = min(speed, 1.5 * usual)
    for k in range(len(v)):
        last = v[k] = float(np.clip(v[k], last - most, last + most))
    last = usual if part.onwards else 0.0
    for k in range(len(v) - 1, -1, -1):
        last = v[k] = min(v[k], last + most)
    v = gaussian_filter1d(v, 2.0, mode="nearest")
    step = v * way / max(float(v.sum()), 1e-9)
    fastest = float(step.max(initial=0.0)) * FPS
    if fastest > FASTEST:
        raise BadInput(
            f"{way:.1f} m in {part.seconds:.1f} s needs {fastest:.3g} m/s, expected at most {FASTEST:g} m/s; give it "
            "more time with `for`"
        )
    return np.cumsum(step)


# ---- the cache


def _read(path: Path, part: Part) -> Clip | None:
    """A kept performance; None when there is none, or none that is whole."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Clip(arrays["rotations"], arrays["root_position"], part.rest_offsets, Fraction(FPS))
    except Exception:  # a torn archive raises anything; it is made again
        return None


def _keep(path: Path, clip: Clip) -> None:
    """Keep a performance. A full disk or a folder that cannot be written to costs time later, never the film."""
    from motion.errors import CinemotionError

    with contextlib.suppress(OSError, CinemotionError):
        with whole(path) as partial, partial.open("wb") as file:
            np.savez(file, rotations=clip.rotations, root_position=clip.root_position)
        kept = sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime)
        for old in kept[:-_MOST_CACHED]:
            old.unlink(missing_ok=True)
