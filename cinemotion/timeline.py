"""When and where everything happens: `Timeline` turns entries and shots into times, places and world-space clips.

Starts depend on other entries, durations on clips, and places on where the actor's previous entry ended; each is
worked out when it is first asked for, and a circle of references is found by meeting an entry that is not done yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from cinemotion import timeline_clips, timeline_words
from cinemotion.acting import Company
from cinemotion.scene import Scene
from cinemotion.segment import MAX_FILM_S, Segment
from cinemotion.source import Loc
from cinemotion.values import Moment
from motion import edit
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput, did_you_mean

#: Cross-fade between an actor's consecutive entries that say nothing, seconds.
DEFAULT_BLEND_S = Fraction(1, 4)
#: Poses per second beyond this add nothing that a film shows.
MAX_POSE_RATE = 120
#: Entries that refer to later ones which refer to later ones …; people write a handful.
MAX_CHAIN = 100

Report = Callable[..., None]  # report(loc, message, key=False, severity="error")


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
        self.motion, self.report, self._line_of = motion, report, line_of
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

    def settled(self, i: int) -> bool:
        """Whether an entry is worked out, or was found to be wrong."""
        return i in self._segments

    def _name(self, i: int) -> str:
        entry = self.scene.timeline[i]
        return entry.id or f"timeline[{i}]"

    def previous(self, i: int) -> int | None:
        """The same actor's entry before this one."""
        actor = self.scene.timeline[i].actor
        return next((k for k in range(i - 1, -1, -1) if self.scene.timeline[k].actor == actor), None)

    def _build(self, i: int) -> Segment | None:
        entry = self.scene.timeline[i]
        if entry.actor not in self.scene.cast:
            return None
        return timeline_clips.played(self, i) if entry.do is None else timeline_words.acted(self, i)

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

    def begins(self, i: int, previous: Segment | None, fade: Fraction) -> Fraction | None:
        """When an entry begins; None when it cannot begin then, which is reported, or is worked out already."""
        start = self.start(i, previous, fade)
        if start is None or self.settled(i):
            return None
        if start > MAX_FILM_S:
            self.report(("timeline", i), f"begins at {float(start):g} s; a film lasts at most {MAX_FILM_S} s")
            return None
        return start if previous is None or self.in_order(i, previous, start, fade) else None

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
            clips = [c for c in (self.motion(i) for i in entries) if c is not None]
            fastest = max((c.fps for c in clips), default=self.fps)
            if any(self.scene.timeline[i].do is not None for i in entries):
                fastest = max(fastest, Fraction(FPS))
            times = max(1, math.ceil(min(fastest, Fraction(MAX_POSE_RATE)) / self.fps))
            if any(self.scene.timeline[i].place is not None for i in entries[1:]):
                times = math.ceil(times / 4) * 4  # a jump hides between two open shutters, see `performance`
            self._rates[actor] = times * self.fps
        return self._rates[actor]

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
