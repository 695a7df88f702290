"""`acted`: an entry of the timeline that is said in words, worked out: when, from where, to where, and acted."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from cinemotion import acting, timeline_clips
from cinemotion.acting import Part
from cinemotion.segment import MAX_FILM_S, Segment, span_of
from motion import edit
from motion import rotations as rot
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput

if TYPE_CHECKING:
    from cinemotion.timeline import Timeline

#: What the models are shown of the motion so far, seconds (their own `LEAD`, and the frame itself).
CONTEXT_S = Fraction(20, 30)
#: A pause shorter than this is given to the action; in a longer one the performer stands and waits.
LEAST_IDLE_S = Fraction(2, 5)
#: Longer cross-fades than this show two motions at once, where one goes on from the other.
MOST_FADE_S = Fraction(1, 2)
#: Nobody is made to wait longer than this before their first action; until then they are held in their first pose.
MOST_IDLE_S = Fraction(20)
#: Two floor points nearer than this are one.
_SAME_PLACE_M = 0.15


def acted(timeline: Timeline, i: int) -> Segment | None:
    """A `do` entry as a segment; None when it or something it depends on is wrong, which has been reported."""
    entry, loc, company = timeline.scene.timeline[i], ("timeline", i), timeline.company
    before = timeline.previous(i)
    previous = timeline.segment(before) if before is not None else None
    if company is None or entry.do is None or (before is not None and previous is None):
        return None
    body = company.rest_offsets(entry.actor)
    if body is None or acting.troubles(entry.do):
        return None  # its words were reported by the check of names
    plan, style = acting.understood(entry.do), entry.style or timeline.scene.cast[entry.actor].style or ""
    goes_on = previous is not None and entry.place is None
    # How much it shares with what goes before: the same motion twice, so that carrying it to the models' body and back
    # shows nowhere.
    fade = Fraction(0)
    if previous is not None:
        fade = min(timeline.fade(before, span_of(previous.clip), _asked(timeline, i)), MOST_FADE_S)
    start = timeline.begins(i, previous, fade)
    if start is None:
        return None
    begins = joins = start
    if previous is None:
        begins = joins = _waits_from(start)
    elif goes_on:
        begins, joins = _begins(timeline, start, previous, fade)
        fade = joins - begins
    known, wanted = timeline.wanted(i, start)
    if not known:
        return None
    tail = _tail(previous, joins) if goes_on and previous is not None else None
    spot, yaw = _stands(timeline, i, tail)
    try:
        if wanted is None:
            wanted = company.seconds.get(i)
        seconds = _seconds(entry, plan, style, spot) if wanted is None else wanted
    except BadInput as error:
        timeline.report((*loc, "to" if entry.to is not None else "do"), str(error))
        return None
    if start + seconds > MAX_FILM_S:
        timeline.report(loc, f"lasts {float(seconds):g} s; a film lasts at most {MAX_FILM_S} s")
        return None
    idle = max(Fraction(0), start - joins)
    if idle < LEAST_IDLE_S:
        idle = Fraction(0)
    part = Part(
        text=entry.do, plan=plan, style=style, seed=_seed(timeline, i), idle=float(idle),
        seconds=float(start + seconds - joins - idle), spot=spot, yaw=yaw, rest_offsets=body, before=tail, to=entry.to,
        onwards=_goes_on(timeline, i),
        facing=None if not goes_on or entry.facing is None else timeline.yaw(entry.facing, entry.to or spot),
        after=_after(timeline, i, seconds), in_place=entry.in_place,
    )  # fmt: skip
    if part.seconds <= 0:
        timeline.report(loc, f"lasts {float(seconds):g} s, no longer than the cross-fade it begins with")
        return None
    try:
        clip = company.acting.perform(part)
    except BadInput as error:
        timeline.report((*loc, "do"), str(error))
        return None
    shown = Fraction(0) if tail is None else Fraction(tail.frames - 1, FPS) - (joins - begins)
    clip = edit.slice(_finer(clip, timeline.pose_rate(entry.actor)), float(shown))
    length = start + seconds - begins
    if span_of(clip) > length:
        clip = edit.slice(clip, 0.0, float(length))
    jump = previous is not None and not goes_on
    return Segment(i, entry.actor, start, clip, fade if goes_on else Fraction(0), jump, start - begins)


def _asked(timeline: Timeline, i: int) -> Fraction:
    """How long an entry lasts as far as that is known without its start; a second when it does not say."""
    entry = timeline.scene.timeline[i]
    return Fraction(1) if entry.for_ is None else max(entry.for_.at(timeline.fps), Fraction(1) / timeline.fps)


def _finer(clip: Clip, rate: Fraction) -> Clip:
    """A clip of the models' at a film's pose rate, by cubic splines: between straight lines, every 30th of a second
    would have a kink."""
    from scipy.interpolate import CubicSpline

    if rate == clip.fps or clip.frames < 3:
        return edit.resample(clip, rate)
    count = int((clip.frames - 1) * rate / clip.fps) + 1
    times = np.arange(count) / float(rate)
    own = np.arange(clip.frames) / float(clip.fps)
    rotations = CubicSpline(own, rot.continuous(clip.rotations))(times)
    root = CubicSpline(own, clip.root_position)(times)
    return replace(clip, rotations=rot.normalize(rotations), root_position=root, contacts=None, fps=rate)


def _waits_from(start: Fraction) -> Fraction:
    """When someone whose first action is still to come begins to stand and wait."""
    begins = max(Fraction(0), start - MOST_IDLE_S)
    return begins if start - begins >= LEAST_IDLE_S else start


def _begins(timeline: Timeline, start: Fraction, previous: Segment, fade: Fraction) -> tuple[Fraction, Fraction]:
    """When an entry's clip begins to be shown, on a frame, and when it no longer shares with the one before."""
    end = min(previous.end, start + fade)
    begins = min(start, math.floor((end - fade) * timeline.fps) / timeline.fps)
    begins = max(begins, previous.begins)
    return begins, max(end, begins)


def _tail(previous: Segment, until: Fraction) -> Clip:
    """The last moments of what goes before, at the models' rate; ends at ``until``."""
    seconds = min(CONTEXT_S, until - previous.begins)
    frames = math.ceil(seconds * FPS) + 1
    times = float(until - previous.begins) + (np.arange(frames) - (frames - 1)) / FPS
    return edit.sample(previous.clip, np.maximum(times, 0.0), Fraction(FPS))


def _stands(timeline: Timeline, i: int, tail: Clip | None) -> tuple[tuple[float, float], float]:
    """Where an entry begins, and which way the performer faces then."""
    entry, actor = timeline.scene.timeline[i], timeline.scene.cast[timeline.scene.timeline[i].actor]
    if tail is not None:
        x, _, z = tail.root_position[-1]
        return (float(x), float(z)), float(edit.heading(tail)[-1])
    spot = entry.place or actor.at
    return spot, timeline.yaw(actor.facing if entry.facing is None else entry.facing, spot)


def _seconds(entry: object, plan: object, style: str, spot: tuple[float, float]) -> Fraction:
    to = getattr(entry, "to", None)
    way = None if to is None else float(np.hypot(to[0] - spot[0], to[1] - spot[1]))
    if way is not None and way < _SAME_PLACE_M:
        raise BadInput(f"is {way:.2f} m away: the performer is there already")
    return Fraction(round(acting.usual_seconds(plan, style, way) * FPS), FPS)  # type: ignore[arg-type]


def _next(timeline: Timeline, i: int) -> int | None:
    """The same actor's entry that follows this one at once, where it ends."""
    entries = timeline.scene.timeline
    k = next((k for k in range(i + 1, len(entries)) if entries[k].actor == entries[i].actor), None)
    if k is None or entries[k].place is not None:
        return None
    later = any(value is not None for value in (entries[k].at, entries[k].after, entries[k].with_))
    return None if later else k


def _goes_on(timeline: Timeline, i: int) -> bool:
    """Whether the performer goes somewhere else right after."""
    k = _next(timeline, i)
    return k is not None and timeline.scene.timeline[k].do is not None and timeline.scene.timeline[k].to is not None


def _after(timeline: Timeline, i: int, seconds: Fraction) -> Clip | None:
    """The first moments of the clip that follows at once, for the action to end in."""
    k = _next(timeline, i)
    if k is None or timeline.scene.timeline[k].clip is None:
        return None
    piece = timeline_clips.piece(timeline, k)
    if piece is None:
        return None
    fade = timeline.fade(i, seconds, span_of(piece))
    if fade <= 0:
        return None
    frames = int(fade * FPS) + 1
    return replace(edit.sample(piece, np.arange(frames) / FPS, Fraction(FPS)), fingers=None, contacts=None)


def _seed(timeline: Timeline, i: int) -> int:
    """An entry's own seed: the same wherever the entry stands in the file, another for the same words said again."""
    entry = timeline.scene.timeline[i]
    again = sum(e.actor == entry.actor and e.do == entry.do for e in timeline.scene.timeline[:i])
    assert timeline.company is not None
    said = repr((timeline.company.seed, entry.actor, entry.do, again, entry.seed))
    return int.from_bytes(hashlib.sha256(said.encode()).digest()[:4], "big")
