"""When each shot begins and ends: `Cuts` turns the scene's shots into frames, and reports gaps and overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from cinemotion import shot_words
from cinemotion.segment import MAX_FILM_S
from cinemotion.source import Loc
from cinemotion.timeline import Report, Timeline


@dataclass(frozen=True)
class ShotTime:
    """One shot's first frame and the frame after its last."""

    index: int  # in scene.listed; −1: the whole of a film that lists no shots
    first: int
    stop: int
    of: tuple[str, ...]


class Cuts:
    """The scene's shots in time.

    Args:
        timeline: the scene's entries; shots refer to them.
        report: takes a problem's place in the scene and its words.
    """

    def __init__(self, timeline: Timeline, report: Report) -> None:
        self.timeline, self.scene, self.fps = timeline, timeline.scene, timeline.fps
        self._report = report

    def times(self) -> list[ShotTime]:
        """Every shot's frames; reports gaps, overlaps and empty shots. Empty when they cannot be worked out."""
        segments = self.timeline.segments()
        complete = len(segments) == len(self.scene.timeline)
        cast = tuple(self.scene.cast)
        whole = self.timeline.snap(max((s.end for s in segments), default=Fraction(0)))
        if not self.scene.listed:
            filmed = tuple(self.scene.chosen.of) if self.scene.chosen else ()
            return [ShotTime(-1, 0, max(1, whole), filmed or cast)] if complete else []
        spans = [self._shot_span(k) for k in range(len(self.scene.listed))]
        if any(span is None for span in spans):
            return []  # a reference is wrong, or what it refers to is: reported already
        known = [span for span in spans if span is not None]
        result: list[ShotTime] = []
        for k, (begin, stop) in enumerate(known):
            if begin is None and k and known[k - 1][1] is None:
                words = f"begins when shots[{k - 1}] ends, which does not say: give `at` here, or `for` there"
                self._report(("shots", k), words)
                return []
            last = result[-1].stop if result else 0
            first = last if begin is None else self.timeline.snap(begin)
            following = known[k + 1][0] if k + 1 < len(known) else None
            if stop is None and following is None and not complete:
                return []  # lasts until the film's end, which is not known
            ends = following if stop is None else stop
            result.append(self._shot(k, last, first, whole if ends is None else self.timeline.snap(ends)))
        if result[-1].stop > MAX_FILM_S * self.fps:
            self._report(("shots", len(result) - 1), f"ends after {MAX_FILM_S} s, the longest film")
            return []
        return result

    def _shot(self, k: int, last: int, first: int, stop: int) -> ShotTime:
        loc: Loc = ("shots", k)
        if first > last:
            where = "the film begins" if k == 0 else f"shots[{k - 1}] ends"
            self._report(loc, f"nothing is shown from {self._s(last)}, when {where}, to {self._s(first)}")
        elif first < last:
            self._report(loc, f"begins at {self._s(first)}, before shots[{k - 1}] ends at {self._s(last)}")
        if stop <= first:
            words = f"begins at {self._s(first)} and ends at {self._s(stop)}, expected at least one frame"
            self._report(loc, words)
            stop = first + 1
        return ShotTime(k, first, stop, shot_words.filmed(self.scene, k))

    def _s(self, frame: int) -> str:
        return f"{float(frame / self.fps):.2f} s"

    def _shot_span(self, k: int) -> tuple[Fraction | None, Fraction | None] | None:
        """When a shot says that it begins and ends, where it says so; None: what it says is wrong."""
        shot, loc = self.scene.listed[k], ("shots", k)
        begin: Fraction | None = None
        if shot.at is not None:
            begin = self.timeline.moment(shot.at, (*loc, "at"))
            if begin is None:
                return None
        if shot.until is not None:
            stop = self.timeline.moment(shot.until, (*loc, "until"))
            return None if stop is None else (begin, stop)
        if shot.for_ is None:
            return begin, None
        if begin is None:
            before = self._shot_span(k - 1) if k else (None, Fraction(0))
            if before is None:
                return None
            begin = before[1]
        # Without a begin, the missing end of the shot before it is reported.
        return begin, None if begin is None else begin + shot.for_.at(self.fps)
