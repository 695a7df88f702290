"""`played`: an entry of the timeline that plays a clip, worked out: which part, when, from where, how often."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from cinemotion.scene import Entry
from cinemotion.segment import MAX_FILM_S, Segment, span_of
from motion import edit
from motion.clip import Clip

if TYPE_CHECKING:
    from cinemotion.timeline import Timeline

#: A clip that travels less than this, metres, does not walk anywhere.
MIN_TRAVEL_M = 0.05


def played(timeline: Timeline, i: int) -> Segment | None:
    """A `clip` entry as a segment; None when it or something it depends on is wrong, which has been reported."""
    entry = timeline.scene.timeline[i]
    part = piece(timeline, i)
    before = timeline.previous(i)
    previous = timeline.segment(before) if before is not None else None
    if part is None or (before is not None and previous is None):
        return None
    fade = timeline.fade(before, None if previous is None else span_of(previous.clip), span_of(part))
    start = timeline.begins(i, previous, fade)
    if start is None:
        return None
    placed = _placed(timeline, entry, part, previous, start, fade)
    full = _lengthened(timeline, i, placed, start)
    if full is None:
        return None
    fade = min(fade, span_of(full))
    jump = previous is not None and entry.place is not None
    return Segment(i, entry.actor, start, full, Fraction(0) if jump or previous is None else fade, jump)


def piece(timeline: Timeline, i: int) -> Clip | None:
    """The part of an entry's clip that is played, once, at its speed."""
    entry, loc = timeline.scene.timeline[i], ("timeline", i)
    clip = timeline.motion(i)
    if clip is None:
        return None
    total = span_of(clip)
    begin = Fraction(0) if entry.in_ is None else entry.in_.at(timeline.fps)
    finish = total if entry.out is None else entry.out.at(timeline.fps)
    slack = Fraction(1) / clip.fps
    if finish > total + slack:
        timeline.report((*loc, "out"), f"{entry.out} is after the clip's end, {float(total):.3f} s")
        return None
    if begin > total:
        timeline.report((*loc, "in"), f"{entry.in_} is after the clip's end, {float(total):.3f} s")
        return None
    if begin > finish or (begin == finish and total > 0):
        timeline.report((*loc, "in"), f"{entry.in_ or '0s'} is not before `out`, {float(finish):g} s")
        return None
    if total == 0 and not (entry.hold and (entry.for_ or entry.until)):
        words = "the clip has a single pose; to stand in it, say `for:` how long and `hold: true`"
        timeline.report((*loc, "clip"), words)
        return None
    piece = edit.slice(clip, float(begin), float(min(finish, total)))
    if entry.speed != 1.0:
        piece = edit.speed(piece, entry.speed)
    if entry.mirror:
        piece = replace(edit.mirror(piece), rest_offsets=clip.rest_offsets)
    if entry.in_place:
        piece = edit.in_place(piece)
    piece = edit.resample(piece, timeline.pose_rate(entry.actor))
    if piece.frames < 2 and not entry.hold:
        timeline.report((*loc, "clip"), f"too short: less than 1/{float(piece.fps):g} s is played")
        return None
    return piece


def _placed(
    timeline: Timeline, entry: Entry, piece: Clip, previous: Segment | None, start: Fraction, fade: Fraction
) -> Clip:
    if previous is None:
        spot = entry.place or timeline.scene.cast[entry.actor].at
        yaw = timeline.yaw(timeline.scene.cast[entry.actor].facing if entry.facing is None else entry.facing, spot)
    else:
        stands = edit.sample(previous.clip, [float(start - previous.begins)])
        spot = entry.place or (float(stands.root_position[0, 0]), float(stands.root_position[0, 2]))
        yaw = float(edit.heading(stands)[0]) if entry.facing is None else timeline.yaw(entry.facing, spot)
        if entry.place is None and timeline.scene.timeline[previous.index].do is not None:
            # An action comes from the prior with its speed: both are at one place when the cross-fade is over,
            # so that nobody is drawn back.
            there = edit.sample(previous.clip, [float(start + fade - previous.begins)]).root_position[0]
            own = edit.sample(edit.place(piece, (0.0, 0.0), yaw), [float(fade)]).root_position[0]
            spot = (float(there[0] - own[0]), float(there[2] - own[2]))
    return edit.place(piece, spot, yaw)


def _lengthened(timeline: Timeline, i: int, clip: Clip, start: Fraction) -> Clip | None:
    """Repeats, `for`, `until`, `to` and `hold`."""
    entry, loc = timeline.scene.timeline[i], ("timeline", i)
    once = span_of(clip)
    key = "for" if entry.until is None else "until"
    known, wanted = timeline.wanted(i, start)
    if not known:
        return None
    times = entry.repeat
    if entry.to is not None and once > 0:
        travel = float(np.hypot(*(clip.root_position[-1] - clip.root_position[0])[[0, 2]]))
        way = float(np.hypot(*(np.asarray(entry.to) - clip.root_position[0, [0, 2]])))
        if travel < MIN_TRAVEL_M:
            timeline.report((*loc, "to"), f"the clip stays where it is ({travel:.2f} m); it cannot walk {way:.2f} m")
            return None
        if travel * times < way - 0.5 * travel:
            if not entry.loop:
                words = f"the clip goes {travel * times:.2f} m and the way is {way:.2f} m; add `loop: true`"
                timeline.report((*loc, "to"), words)
                return None
            times = max(times, math.ceil(way / travel) + 1)
    elif entry.loop and once > 0:
        if wanted is None:
            timeline.report((*loc, "loop"), "`loop` repeats as often as `for`, `until` or `to` needs; give one")
            return None
        times = max(times, math.ceil(wanted / once))
    if wanted is not None and once > 0:
        times = min(times, math.ceil(wanted / once))
    longest = once * times if wanted is None else wanted
    if longest > MAX_FILM_S:
        timeline.report(loc, f"lasts {float(longest):g} s; a film lasts at most {MAX_FILM_S} s")
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
            timeline.report(
                (*loc, key),
                f"{float(wanted):.2f} s is longer than the clip, {float(have):.2f} s; add `loop: true` to repeat "
                "it or `hold: true` to stand still afterwards",
            )
            return None
        return edit.hold(clip, after_s=float(wanted - have))
    return edit.slice(clip, 0.0, float(wanted))


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
