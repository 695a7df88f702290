"""When and where everything happens: `Timeline` turns entries and shots into times, places and world-space clips.

Starts depend on other entries, durations on clips, and places on where the actor's previous entry ended; each is
worked out when it is first asked for, and a circle of references is found by meeting an entry that is not done yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from cinemotion.acting import Company
from cinemotion.scene import Entry, Scene
from cinemotion.source import Loc
from cinemotion.values import Moment
from motion import edit
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput, did_you_mean

#: Longest film, seconds. A scene is a sequence of shots; a feature is cut from many of them.
MAX_FILM_S = 3 * 3600
#: Cross-fade between an actor's consecutive entries that say nothing, seconds.
DEFAULT_BLEND_S = Fraction(1, 4)
#: Poses per second beyond this add nothing that a film shows.
MAX_POSE_RATE = 120
#: Entries that refer to later ones which refer to later ones …; people write a handful.
MAX_CHAIN = 100
#: A clip that travels less than this, metres, does not walk anywhere.
MIN_TRAVEL_M = 0.05

Report = Callable[..., None]  # report(loc, message, key=False, severity="error")


@dataclass(frozen=True)
class Segment:
    """One entry of the timeline, worked out."""

    index: int  # in scene.timeline
    actor: str
    start: Fraction  # seconds, on a frame of the film
    clip: Clip  # in the world, at the actor's pose rate
    fade: Fraction  # seconds of cross-fade at the clip's start
    jump: bool = False  # begins somewhere else than the last one ended, without a blend
    lead: Fraction = Fraction(0)  # seconds of the clip before the entry's start: someone waiting for it

    @property
    def begins(self) -> Fraction:
        """When the clip's first pose is shown."""
        return self.start - self.lead

    @property
    def end(self) -> Fraction:
        return self.begins + span_of(self.clip)


def span_of(clip: Clip) -> Fraction:
    """Seconds from the first pose to the last, exact."""
    return (clip.frames - 1) / clip.fps


class Timeline:
    """The scene's times and places.

    Args:
        scene: a valid scene.
        motion: the whole retargeted clip of an entry, by its index; None when it could not be had (and was reported).
        report: takes a problem's place in the scene and its words.
        line_of: the line of an entry, to point at from another one's problem.
        company: who acts what is said in words; needed when an entry says so.
    """

    def __init__(
        self,
        scene: Scene,
        motion: Callable[[int], Clip | None],
        report: Report,
        line_of: Callable[[Loc], int],
        company: Company | None = None,
    ) -> None:
        self.scene, self.fps = scene, scene.fps
        self._motion, self.report, self._line_of = motion, report, line_of
        self.company = company
        self._segments: dict[int, Segment | None] = {}
        self._open: list[int] = []
        self._ids = {e.id: i for i, e in enumerate(scene.timeline) if e.id is not None}
        self._rates: dict[str, Fraction] = {}

    # ---- entries

    def segments(self) -> list[Segment]:
        """Every entry that could be worked out, in the file's order."""
        found = [self.segment(i) for i in range(len(self.scene.timeline))]
        return [s for s in found if s is not None]

    def segment(self, i: int) -> Segment | None:
        """One entry; None when it or something it depends on is wrong (which has been reported)."""
        if i in self._segments:
            return self._segments[i]
        if i in self._open:
            circle = [*self._open[self._open.index(i) :], i]
            names = " -> ".join(self._name(k) for k in circle)
            self.report(("timeline", i), f"references in a circle: {names}")
            for k in circle:
                self._segments[k] = None
            return None
        if len(self._open) >= MAX_CHAIN:
            self.report(
                ("timeline", i), f"more than {MAX_CHAIN} entries wait for one another; give one of them an `at`"
            )
            return self._segments.setdefault(i, None)
        self._open.append(i)
        try:
            built = self._build(i)
        except BadInput as error:
            self.report(("timeline", i), str(error))
            built = None
        finally:
            self._open.pop()
        # A circle found below has already settled this entry.
        return self._segments.setdefault(i, built)

    def _name(self, i: int) -> str:
        entry = self.scene.timeline[i]
        return entry.id or f"timeline[{i}]"

    def previous(self, i: int) -> int | None:
        """The same actor's entry before this one."""
        actor = self.scene.timeline[i].actor
        return next((k for k in range(i - 1, -1, -1) if self.scene.timeline[k].actor == actor), None)

    def _build(self, i: int) -> Segment | None:
        entry, loc = self.scene.timeline[i], ("timeline", i)
        if entry.actor not in self.scene.cast:
            return None
        if entry.do is not None:
            from cinemotion.timeline_words import acted

            return acted(self, i)
        piece = self.piece(i)
        before = self.previous(i)
        previous = self.segment(before) if before is not None else None
        if piece is None or (before is not None and previous is None):
            return None
        fade = self.fade(before, None if previous is None else span_of(previous.clip), span_of(piece))
        start = self.start(i, previous, fade)
        if start is None or i in self._segments:
            return None
        if start > MAX_FILM_S:
            self.report(loc, f"begins at {float(start):g} s; a film lasts at most {MAX_FILM_S} s")
            return None
        if previous is not None and not self.in_order(i, previous, start, fade):
            return None
        placed = self._placed(entry, piece, previous, start, fade)
        full = self._lengthened(i, placed, start)
        if full is None:
            return None
        fade = min(fade, span_of(full))
        jump = previous is not None and entry.place is not None
        return Segment(i, entry.actor, start, full, Fraction(0) if jump or previous is None else fade, jump)

    def fade(self, before: int | None, previous: Fraction | None, following: Fraction) -> Fraction:
        """Cross-fade between an entry and the next one of the same actor, from how long both last."""
        if before is None or previous is None:
            return Fraction(0)
        wanted = self.scene.timeline[before].blend
        seconds = DEFAULT_BLEND_S if wanted is None else wanted.at(self.fps)
        limit = min(previous, following) / (2 if wanted is None else 1)
        return min(seconds, limit)

    def in_order(self, i: int, previous: Segment, start: Fraction, fade: Fraction) -> bool:
        """Whether an entry begins when the same actor's one before it is over; reports it when not."""
        line = self._line_of(("timeline", previous.index))
        loc: Loc = ("timeline", i)
        overlap = previous.end - start
        if start < previous.start:
            words = f"begins at {float(start):g} s, before the same actor's entry above it (line {line},"
            self.report(loc, f"{words} {float(previous.start):g} s); expected the entries of one actor in order")
            return False
        if overlap > fade + Fraction(1) / self.fps:
            actor = self.scene.timeline[i].actor
            self.report(
                loc,
                f"overlaps the clip of '{actor}' on line {line} by {float(overlap):.2f} s (it ends at "
                f"{float(previous.end):.2f} s, this begins at {float(start):.2f} s); expected at most that entry's "
                f"blend, {float(fade):g} s",
            )
            return False
        return True

    # ---- times

    def moment(self, moment: Moment, loc: Loc, usual_edge: str = "start") -> Fraction | None:
        """Seconds of the film; None when the reference is wrong or what it names is."""
        offset = moment.sign * moment.span.at(self.fps)
        if moment.anchor is None:
            return offset
        if moment.anchor not in self._ids:
            hint = did_you_mean(moment.anchor, self._ids) if self._ids else "; no entry has an id"
            self.report(loc, f"unknown entry '{moment.anchor}'{hint}")
            return None
        segment = self.segment(self._ids[moment.anchor])
        if segment is None:
            return None
        at = (segment.end if (moment.edge or usual_edge) == "end" else segment.start) + offset
        if at < 0:
            self.report(loc, f"{moment} is {float(-at):g} s before the film begins")
            return None
        return at

    def snap(self, seconds: Fraction) -> int:
        """The nearest frame."""
        return math.floor(seconds * self.fps + Fraction(1, 2))

    def start(self, i: int, previous: Segment | None, fade: Fraction) -> Fraction | None:
        """When an entry begins, on a frame; None when a reference in it is wrong."""
        entry, loc = self.scene.timeline[i], ("timeline", i)
        given = {"at": entry.at, "after": entry.after, "with": entry.with_}
        said = [(name, value) for name, value in given.items() if value is not None]
        if not said:
            if previous is None:
                return Fraction(0)
            return math.floor((previous.end - fade) * self.fps) / self.fps
        name, value = said[0]
        at = self.moment(value, (*loc, name), "end" if name == "after" else "start")
        return None if at is None else self.snap(at) / self.fps

    # ---- clips

    def pose_rate(self, actor: str) -> Fraction:
        """Poses per second of an actor: a whole multiple of the film's rate that loses nothing of the captures."""
        if actor not in self._rates:
            entries = [i for i, e in enumerate(self.scene.timeline) if e.actor == actor]
            clips = [c for c in (self._motion(i) for i in entries) if c is not None]
            fastest = max((c.fps for c in clips), default=self.fps)
            if any(self.scene.timeline[i].do is not None for i in entries):
                fastest = max(fastest, Fraction(FPS))
            times = max(1, math.ceil(min(fastest, Fraction(MAX_POSE_RATE)) / self.fps))
            if any(self.scene.timeline[i].place is not None for i in entries[1:]):
                times = math.ceil(times / 4) * 4  # a jump hides between two open shutters, see `performance`
            self._rates[actor] = times * self.fps
        return self._rates[actor]

    def piece(self, i: int) -> Clip | None:
        """The part of an entry's clip that is played, once, at its speed."""
        entry, loc = self.scene.timeline[i], ("timeline", i)
        clip = self._motion(i)
        if clip is None:
            return None
        total = span_of(clip)
        begin = Fraction(0) if entry.in_ is None else entry.in_.at(self.fps)
        finish = total if entry.out is None else entry.out.at(self.fps)
        slack = Fraction(1) / clip.fps
        if finish > total + slack:
            self.report((*loc, "out"), f"{entry.out} is after the clip's end, {float(total):.3f} s")
            return None
        if begin > total:
            self.report((*loc, "in"), f"{entry.in_} is after the clip's end, {float(total):.3f} s")
            return None
        if begin > finish or (begin == finish and total > 0):
            self.report((*loc, "in"), f"{entry.in_ or '0s'} is not before `out`, {float(finish):g} s")
            return None
        if total == 0 and not (entry.hold and (entry.for_ or entry.until)):
            words = "the clip has a single pose; to stand in it, say `for:` how long and `hold: true`"
            self.report((*loc, "clip"), words)
            return None
        piece = edit.slice(clip, float(begin), float(min(finish, total)))
        if entry.speed != 1.0:
            piece = edit.speed(piece, entry.speed)
        if entry.mirror:
            piece = replace(edit.mirror(piece), rest_offsets=clip.rest_offsets)
        if entry.in_place:
            piece = edit.in_place(piece)
        piece = edit.resample(piece, self.pose_rate(entry.actor))
        if piece.frames < 2 and not entry.hold:
            self.report((*loc, "clip"), f"too short: less than 1/{float(piece.fps):g} s is played")
            return None
        return piece

    def _placed(self, entry: Entry, piece: Clip, previous: Segment | None, start: Fraction, fade: Fraction) -> Clip:
        if previous is None:
            spot = entry.place or self.scene.cast[entry.actor].at
            yaw = self.yaw(self.scene.cast[entry.actor].facing if entry.facing is None else entry.facing, spot)
        else:
            stands = edit.sample(previous.clip, [float(start - previous.begins)])
            spot = entry.place or (float(stands.root_position[0, 0]), float(stands.root_position[0, 2]))
            yaw = float(edit.heading(stands)[0]) if entry.facing is None else self.yaw(entry.facing, spot)
            if entry.place is None and self.scene.timeline[previous.index].do is not None:
                # An action comes from the prior with its speed: both are at one place when the cross-fade is over,
                # so that nobody is drawn back.
                there = edit.sample(previous.clip, [float(start + fade - previous.begins)]).root_position[0]
                own = edit.sample(edit.place(piece, (0.0, 0.0), yaw), [float(fade)]).root_position[0]
                spot = (float(there[0] - own[0]), float(there[2] - own[2]))
        return edit.place(piece, spot, yaw)

    def yaw(self, facing: float | str, spot: tuple[float, float]) -> float:
        """The heading that faces an angle or another actor's place from a floor point."""
        if not isinstance(facing, str):
            return facing
        other = self.scene.cast.get(facing)
        if other is None:
            return 0.0  # reported by the check of names
        x, z = other.at[0] - spot[0], other.at[1] - spot[1]
        return math.atan2(x, z) if math.hypot(x, z) > 1e-9 else 0.0

    def wanted(self, i: int, start: Fraction) -> tuple[bool, Fraction | None]:
        """How long an entry shall last by `for` or `until`, None when it does not say; False: it cannot be."""
        entry, loc = self.scene.timeline[i], ("timeline", i)
        seconds = None if entry.for_ is None else entry.for_.at(self.fps)
        if entry.until is not None:
            ends = self.moment(entry.until, (*loc, "until"))
            if ends is None:
                return False, None
            seconds = ends - start
        if seconds is not None and seconds <= 0:
            key = "for" if entry.until is None else "until"
            words = f"ends at {float(start + seconds):g} s, not after its start, {float(start):g} s"
            self.report((*loc, key), words)
            return False, None
        return True, seconds

    def _lengthened(self, i: int, clip: Clip, start: Fraction) -> Clip | None:
        """Repeats, `for`, `until`, `to` and `hold`."""
        entry, loc = self.scene.timeline[i], ("timeline", i)
        once = span_of(clip)
        key = "for" if entry.until is None else "until"
        known, wanted = self.wanted(i, start)
        if not known:
            return None
        times = entry.repeat
        if entry.to is not None and once > 0:
            travel = float(np.hypot(*(clip.root_position[-1] - clip.root_position[0])[[0, 2]]))
            way = float(np.hypot(*(np.asarray(entry.to) - clip.root_position[0, [0, 2]])))
            if travel < MIN_TRAVEL_M:
                self.report((*loc, "to"), f"the clip stays where it is ({travel:.2f} m); it cannot walk {way:.2f} m")
                return None
            if travel * times < way - 0.5 * travel:
                if not entry.loop:
                    words = f"the clip goes {travel * times:.2f} m and the way is {way:.2f} m; add `loop: true`"
                    self.report((*loc, "to"), words)
                    return None
                times = max(times, math.ceil(way / travel) + 1)
        elif entry.loop and once > 0:
            if wanted is None:
                self.report((*loc, "loop"), "`loop` repeats as often as `for`, `until` or `to` needs; give one")
                return None
            times = max(times, math.ceil(wanted / once))
        if wanted is not None and once > 0:
            times = min(times, math.ceil(wanted / once))
        longest = once * times if wanted is None else wanted
        if longest > MAX_FILM_S:
            self.report(loc, f"lasts {float(longest):g} s; a film lasts at most {MAX_FILM_S} s")
            return None
        if times > 1:
            clip = _copies(edit.loop(clip, float(min(Fraction(3, 10), once / 4))), times)
        if entry.to is not None:
            clip = _towards(clip, entry.to)
        if wanted is None:
            return clip
        have = span_of(clip)
        if have < wanted - Fraction(1) / clip.fps:
            if not entry.hold:
                self.report(
                    (*loc, key),
                    f"{float(wanted):.2f} s is longer than the clip, {float(have):.2f} s; add `loop: true` to repeat "
                    "it or `hold: true` to stand still afterwards",
                )
                return None
            return edit.hold(clip, after_s=float(wanted - have))
        return edit.slice(clip, 0.0, float(wanted))

    def performance(self, actor: str) -> tuple[Clip, Fraction] | None:
        """All that an actor does as one clip in the world, and when it begins."""
        mine = [s for s in self.segments() if s.actor == actor]
        if not mine:
            return None
        rate = self.pose_rate(actor)
        per_frame = int(rate / self.fps)
        result, origin = mine[0].clip, mine[0].begins
        for segment in mine[1:]:
            fade = round(segment.fade * rate)
            begins = round((segment.begins - origin) * rate)
            clip = segment.clip
            if segment.jump:
                # From the old place to the new within a quarter of a frame, while no half-open shutter looks.
                early = per_frame // 4
                clip, begins = edit.hold(clip, before_s=float(early / rate)), begins - early
            length = begins + fade + 1
            if result.frames < length:
                result = edit.hold(result, after_s=float((length - result.frames) / rate))
            elif result.frames > length:
                result = edit.slice(result, 0.0, float((length - 1) / rate))
            result = edit.concatenate([result, clip], [float(fade / rate)], align=False)
        return result, origin


def _towards(clip: Clip, target: tuple[float, float]) -> Clip:
    """The clip turned so that its own way, curved or not, leads to a floor point, and cut when it is there."""
    path = clip.root_position[:, [0, 2]] - clip.root_position[0, [0, 2]]
    way = np.asarray(target) - clip.root_position[0, [0, 2]]
    there = int(np.argmin(np.abs(np.hypot(*path.T) - np.hypot(*way))))
    turn = math.atan2(way[0], way[1]) - math.atan2(path[there, 0], path[there, 1])
    x, z = clip.root_position[0, [0, 2]]
    turned = edit.place(clip, (float(x), float(z)), float(edit.heading(clip)[0]) + turn)
    return edit.slice(turned, 0.0, there / float(clip.fps))


def _copies(clip: Clip, times: int) -> Clip:
    """A closed clip several times in a row; by halves, so that long loops cost n log n."""
    if times == 1:
        return clip
    half = _copies(clip, times // 2)
    both = edit.concatenate([half, half], 0.0)
    return edit.concatenate([both, clip], 0.0) if times % 2 else both
