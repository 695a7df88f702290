"""A film that chooses its own shots: candidate cameras, their scores, the best edit, and its reasons.

`plan_film` is what ``director: auto`` calls. What comes out are ordinary `Shot`s of the rule director, which
`rl_camera.direct` films and a person may edit, each with a `Reason`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from motion.camera import Shot
from motion.errors import BadInput, unknown
from motion.rate import RateError, exact
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera import dp, editing, framing, pace
from rl_camera.candidates import Cameras, Stand, judge, propose, rule_cameras, shot_of, stands
from rl_camera.director import first_frame
from rl_camera.editing import CUT_TERMS, SHOT_TERMS, Style
from rl_camera.framing import Tracks
from rl_camera.placement import Line, Surroundings
from rl_camera.reasons import Choice, Reason
from rl_camera.rule import plan_shot

#: Seconds between moments at which cameras are compared and cuts may lie; with beats, as short as a frame.
TICK_S, BEAT_TICK_S = 1 / 8, 1 / 25

#: Cameras that are compared at most; with many performers that turn a lot the least needed are left out.
MOST_CAMERAS = 48

#: How often the chosen shots are filmed and judged anew at most.
REHEARSALS = 6

#: Moments that are judged at once: what bounds the memory of a long film.
CHUNK = 512


@dataclass(frozen=True)
class AutoPlan:
    """Shots that follow each other without gaps, the reason of each, and the value of the whole."""

    shots: tuple[Shot, ...]
    reasons: tuple[Reason, ...]
    value: float  # seconds of a perfect picture
    style: Style

    def lines(self) -> tuple[str, ...]:
        """The reasons of all shots, to read, each with its time."""
        out = []
        for k, reason in enumerate(self.reasons):
            first, *rest = reason.lines()
            out += [f"{k + 1:3d}  {reason.start_s:6.2f} s  {first}", *(f"{'':15}{line}" for line in rest)]
        return tuple(out)


def plan_film(
    performances: Sequence[Performance],
    stage: Stage,
    start_s: float,
    end_s: float,
    fps: Fraction | int,
    aspect: float,
    *,
    style: str | Style = "plain",
    of: Sequence[str] | None = None,
    beats_s: ArrayLike = (),
    seed: int = 0,
) -> AutoPlan:
    """Choose all shots of a stretch of film, and say why.

    Args:
        performances: who moves.
        stage: the set.
        start_s, end_s: the stretch, seconds of the film.
        fps: frames per second of the film; cuts lie on frames.
        aspect: width over height of the picture.
        style: one of `editing.STYLES`, or your own.
        of: who is filmed; None: everybody.
        beats_s: times of beats, seconds of the film (`beats.beats_of`); a style with a weight on ``beat`` cuts there.
        seed: of the pace: which shots are long and which short, beside what the action asks for (`pace.targets`).

    Returns:
        Shots from ``start_s`` to ``end_s``: the edit of the highest value by cameras that film the stretch in blocks,
        its shots then filmed for themselves and judged again, a few times over; the best as filmed.

    Raises:
        BadInput: nobody, an unknown name or style, times, rate or aspect that make no sense.
    """
    style, rate_fps = editing.style_of(style), _checked(start_s, end_s, fps, aspect)
    names = [p.name for p in performances]
    for name in of or ():
        if name not in names:
            raise unknown("actor", name, names)
    beats = np.asarray(beats_s, dtype=np.float64).reshape(-1)
    if not np.isfinite(beats).all():
        raise BadInput("edit: a beat's time is not a number")
    tick = BEAT_TICK_S if len(beats) else TICK_S
    rate = rate_fps / max(1, round(float(rate_fps) * tick))
    first = max(0, math.ceil(start_s * float(rate) - 1e-6))
    stop = max(first_frame(end_s, rate), first + 1)
    everyone = framing.track(performances, np.arange(first, stop) / float(rate))
    if not np.isfinite(everyone.points).all():
        bad = everyone.names[int(np.argmax(~np.isfinite(everyone.points).all(axis=(0, 2, 3))))]
        raise BadInput(f"edit: a pose of '{bad}' is not finite (NaN or infinite)")
    filmed = everyone.only(tuple(dict.fromkeys(of))) if of else everyone
    around = Surroundings(stage, performances)
    asked_s = pace.targets(filmed, style.rhythm, seed)
    edges = pace.blocks(asked_s, 1.5 * float(rate))
    where = stands(propose(filmed), everyone, edges, aspect, MOST_CAMERAS)
    cameras = rule_cameras(performances, around, everyone, where, edges, first, rate, aspect)

    def judged(cameras: Cameras) -> _Table:
        return _Table.of(where, cameras, everyone, around, rate, aspect, style, beats, asked_s)

    best: tuple[dp.Edit, list[Shot], _Table] | None = None
    table, seen = judged(cameras), set()
    for _ in range(REHEARSALS):
        chosen = dp.best_edit(**table.problem()).shots
        shots = [_shot(where, everyone, s, (first + s.first) / rate, (first + s.stop) / rate) for s in chosen]
        cameras = _rehearse(cameras, chosen, shots, performances, around, rate, aspect)
        table = judged(cameras)
        edit = dp.edit_of(dp.problem(**table.problem()), chosen)
        if best is None or edit.value > best[0].value:
            best = edit, shots, table
        if chosen in seen:
            break
        seen.add(chosen)
    assert best is not None
    edit, shots, table = best
    ends = [start_s, *(s.start_s for s in shots[1:]), end_s]
    timed = [replace(s, start_s=a, end_s=b) for s, (a, b) in zip(shots, pairwise(ends))]
    reasons = [table.reason(edit, k, s.start_s, s.end_s) for k, s in enumerate(timed)]
    return AutoPlan(tuple(timed), tuple(reasons), edit.value, style)


def _rehearse(
    cameras: Cameras, chosen: Sequence[dp.Segment], shots: Sequence[Shot], performances: Sequence[Performance],
    around: Surroundings, rate: Fraction, aspect: float,
) -> Cameras:  # fmt: skip
    """The cameras with chosen shots filmed for themselves, from their own beginning to their own end.

    How a shot is filmed depends on its times, which nobody knows before it is chosen; so it is judged again as it is
    filmed, and the edit kept whose true value is the highest.
    """
    T, focal = cameras.T_world_camera.copy(), cameras.focal_mm.copy()
    for segment, shot in zip(chosen, shots):
        path = plan_shot(performances, around, Line(), shot, rate, aspect)
        # One tick more: the cut that ends a shot is judged by where its camera has come to.
        stop = min(segment.stop + 1, len(T))
        reach = np.minimum(np.arange(stop - segment.first), path.frames - 1)
        T[segment.first : stop, segment.camera] = path.T_world_camera[reach]
        focal[segment.first : stop, segment.camera] = path.focal_mm[reach]
    return replace(cameras, T_world_camera=T, focal_mm=focal)


def _checked(start_s: float, end_s: float, fps: Fraction | int, aspect: float) -> Fraction:
    if not (math.isfinite(start_s) and math.isfinite(end_s) and 0.0 <= start_s < end_s <= 1e6):
        raise BadInput(f"edit: from {start_s:g} s to {end_s:g} s, expected a stretch of time from 0 on")
    if not (math.isfinite(aspect) and 0.05 <= aspect <= 20.0):
        raise BadInput(f"edit: a picture {aspect:g} times as wide as high, expected 0.05 to 20")
    try:
        return exact(fps, most=100_000)
    except RateError as error:
        raise BadInput(f"edit: {error}") from None


def _shot(where: Sequence[Stand], everyone: Tracks, segment: dp.Segment, a: Fraction, b: Fraction) -> Shot:
    """The shot that films a chosen camera."""
    stand = where[segment.camera]
    return shot_of(stand.candidate, _while(everyone, segment), stand.azimuth, float(a), float(b))


def _while(everyone: Tracks, segment: dp.Segment) -> Tracks:
    here = slice(segment.first, segment.stop)
    return replace(everyone, times=everyone.times[here], points=everyone.points[here])


@dataclass(frozen=True)
class _Table:
    """Everything that the edit is chosen by, at T ticks."""

    where: tuple[Stand, ...]
    cameras: Cameras
    everyone: Tracks
    aspect: float
    style: Style
    tick_s: float
    shot: Array  # (T, K, 5)
    transition: Array  # (T, K, K) float32, without beats
    off_beat: Array  # (T,)
    asked_s: Array  # (T,) seconds of a shot that begins there

    @classmethod
    def of(
        cls, where: tuple[Stand, ...], cameras: Cameras, everyone: Tracks, around: Surroundings, rate: Fraction,
        aspect: float, style: Style, beats: Array, asked_s: Array,
    ) -> _Table:  # fmt: skip
        count, blocked = len(everyone.times), None if around.empty else around.blocked
        shots, joins = [], []
        for a in range(0, count, CHUNK):
            b = min(a + CHUNK, count)
            low, high = max(a - 1, 0), min(b + 1, count)  # one more on each side, for velocities
            judged = judge(_at(cameras, low, high), _while(everyone, dp.Segment(low, high, 0)), aspect, blocked)
            shots.append(judged.shot[a - low : b - low])
            joins.append(editing.transition(judged.cut[a - low : b - low], style.weights).astype(np.float32))
        off = editing.off_beat(everyone.times, beats)
        shot: Array = np.concatenate(shots)
        join: Array = np.concatenate(joins)  # type: ignore[assignment]
        return cls(where, cameras, everyone, aspect, style, 1.0 / float(rate), shot, join, off, asked_s)

    def problem(self) -> dict[str, Any]:
        """What `dp.problem` takes."""
        rhythm, weights = self.style.rhythm, self.style.weights
        longest = max(1, min(len(self.shot), round(rhythm.longest_s / self.tick_s)))
        lengths = np.arange(longest + 1) * self.tick_s
        return {
            "quality": editing.quality(self.shot, weights) * self.tick_s,
            "transition": self.transition - weights.beat * self.off_beat[:, None, None],
            "rhythm": np.zeros(longest + 1),
            "pace": -weights.rhythm * rhythm.penalty(lengths, self.asked_s[:, None]),
            "opening": weights.opening * editing.opening(self.cameras.of),
            "shortest": max(1, round(rhythm.shortest_s / self.tick_s)),
            "longest": longest,
        }

    def reason(self, edit: dp.Edit, k: int, start_s: float, end_s: float) -> Reason:
        segment, second = edit.shots[k], edit.seconds[k]
        before = edit.shots[k - 1].camera if k else None
        other = None
        if second is not None:
            # Its own best neighbours may differ; the cut that is told is the one from the chosen shot before it.
            other = self._choice(second.camera, segment, before, second.value)
        weights = {n: getattr(self.style.weights, n) for n in (*SHOT_TERMS, *CUT_TERMS, "rhythm", "beat", "opening")}
        return Reason(start_s, end_s, self._choice(segment.camera, segment, before, edit.value), weights, other)

    def _choice(self, camera: int, segment: dp.Segment, before: int | None, value: float) -> Choice:
        terms = dict(zip(SHOT_TERMS, map(float, self.shot[segment.first : segment.stop, camera].mean(0))))
        if before is not None and before != camera:
            low, high = max(segment.first - 1, 0), min(segment.first + 2, len(self.shot))
            near = judge(_at(self.cameras, low, high), _while(self.everyone, dp.Segment(low, high, 0)), self.aspect)
            terms |= dict(zip(CUT_TERMS, map(float, near.cut[segment.first - low, before, camera])))
            terms["beat"] = float(self.off_beat[segment.first])
        asked_s = self.asked_s[segment.first]
        terms["rhythm"] = float(self.style.rhythm.penalty(segment.length * self.tick_s, asked_s))
        if before is None:
            terms["opening"] = float(editing.opening(self.cameras.of)[camera])
        return Choice(self.where[camera].named(_while(self.everyone, segment)).name, terms, value)


def _at(cameras: Cameras, low: int, high: int) -> Cameras:
    """The cameras at some moments."""
    return replace(cameras, T_world_camera=cameras.T_world_camera[low:high], focal_mm=cameras.focal_mm[low:high])
