"""The gate: of several versions of a performance, the better one of each second; `best`, or `choose` and `mix`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion import rotations as rot
from motion.clip import Clip
from motion.easing import smoothstep
from motion.rotations import Array
from physics import metrics
from physics.phases import Phases
from physics.posed import Posed
from physics.report import Figures, Segment
from physics.series import runs

#: Seconds of a segment, about.
SEGMENT_S = 1.0
#: Over so many seconds one version gives way to the next.
_BLEND_S = 0.3
#: Less than this, millimetres, and than this share of Phys-Err is nothing to change a clip for.
#: Nor than this of what flights miss of free fall, over g.
LEAST_MM, LEAST_SHARE, LEAST_FALL = 0.2, 0.15, 0.05
_NOTHING = "nothing to mend"
#: Share of what jerk may rise by for a gain of everything, where Phys-Err is more than so many millimetres, and below:
#: rounds that follow one another must not add up to more than the whole.
_PAYS, _LITTLE, _BAD_MM = 0.85, 0.15, 4.0
#: Jerk may rise by this share in a second of a version that is taken throughout, and by so much anywhere, m/s³.
_LOOSELY, JERK_SLACK = 0.08, 1.0
#: A version is worse than another when Phys-Err is higher by this, millimetres, or jerk by this share.
WORSE_MM, WORSE_JERK = 0.2, 0.02
#: Or when the body, feet apart, is this much deeper in the floor, millimetres.
WORSE_BODY_MM = 1.0


@dataclass(frozen=True)
class Judged:
    """One segment of one version."""

    phys_err_mm: float
    jerk_m_s3: float
    distance_m: float  # from the input
    flight_error: float = 0.0  # of vertical acceleration in flight, over g; 0 where nobody flies


def segments(frames: int, fps: float) -> list[tuple[int, int]]:
    """Frames ``start`` to ``stop`` of segments of about a second, none much shorter than the others."""
    count = max(1, round(frames / fps / SEGMENT_S))
    cuts = np.rint(np.linspace(0, frames, count + 1)).astype(int)
    return [(int(a), int(b)) for a, b in itertools.pairwise(cuts) if b > a]


def measure(
    made: Posed, source: Posed, left_out: np.ndarray, spans: Sequence[tuple[int, int]], flying: np.ndarray | None = None
) -> list[Judged]:
    """Each segment of a version, with what lies just beside it, as jerk of a seam does.

    Args:
        made: the version.
        source: the input, for distances.
        left_out: ``(T,)`` bool, frames on which nothing has to stand.
        spans: the segments.
        flying: ``(T,)`` bool, frames of flight; None: flights are not judged.
    """
    moved, fps = made.away(source), made.clip.fps
    flights = [] if flying is None else runs(flying)
    found = []
    for a, b in spans:
        low, high = max(0, a - 2), min(len(moved), b + 2)
        here = slice(low, high)
        err = metrics.phys_err(made.points[here], left_out[here], fps, made.floor[here])
        jerk = metrics.jerk_m_s3(made.joints[here], fps)
        falls = 0.0
        if flights:
            on = np.zeros(len(moved), bool)
            for first, last in flights:  # a flight counts where its middle is
                on[first:last] = a <= (first + last) // 2 < b
            falls = metrics.flight_acceleration(made.com, on, fps).error
        found.append(Judged(err.phys_err_mm, jerk, float(moved[a:b].mean()), falls))
    return found


def choose(
    before: Sequence[Judged], after: Sequence[Judged], name: str, spans: Sequence[tuple[int, int]], fps: float,
    gain: float = 0.0, furthest_m: float = np.inf, jerkier: float = WORSE_JERK,
) -> tuple[np.ndarray, list[Segment]]:  # fmt: skip
    """Which segments the new version may have.

    Args:
        before: of the version that is kept otherwise.
        after: of the new one.
        name: what the new version is called in the report.
        spans: the segments.
        fps: frames per second.
        gain: share that has to go of Phys-Err, or of what flights miss of free fall.
        furthest_m: mean joint distance from the input that is allowed.
        jerkier: share by which jerk may rise.

    Returns:
        ``(S,)`` bool, and a line each.
    """
    take, told = np.zeros(len(spans), bool), []
    for k, ((a, b), old, new) in enumerate(zip(spans, before, after, strict=True)):
        falls = gain > 0 and new.flight_error <= (1 - gain) * old.flight_error - 0.01
        why = ""
        if new.distance_m > furthest_m:
            why = f"{name} is {100 * new.distance_m:.1f} cm from the input"
        elif new.jerk_m_s3 > (1 + jerkier) * old.jerk_m_s3 + JERK_SLACK:
            why = _rises(old.jerk_m_s3, new.jerk_m_s3)
        elif new.phys_err_mm > old.phys_err_mm + (WORSE_MM if gain == 0 or falls else 0.0):
            why = f"Phys-Err would rise from {old.phys_err_mm:.1f} to {new.phys_err_mm:.1f} mm"
        elif gain > 0 and new.phys_err_mm > (1 - gain) * old.phys_err_mm and not falls:
            why = f"{name} gains less than {gain:.0%}"
        take[k] = not why
        told.append(Segment(a / fps, b / fps, name if take[k] else "", why))
    return take, told


def best(
    source: Posed, versions: Sequence[tuple[str, Posed]], phases: Phases, wanted: bool = False
) -> tuple[Posed, list[Segment]]:
    """The input, with each second from the first version that does not make it worse; or one version throughout.

    Where versions meet, motion is a little less even. So a version that is somewhat too jerky here and there, but not
    as a whole, is taken throughout when that ends with less Phys-Err than a patchwork.

    Args:
        source: the input.
        versions: name and motion, those that are wanted most first.
        phases: of the input.
        wanted: versions mend what figures of feet do not show: a lean, joints that snapped. They need not gain more.

    Returns:
        What is best, ``source`` itself where nothing is better, and a line for each segment.
    """
    fps = float(source.clip.fps)
    spans = segments(source.clip.frames, fps)
    left_out = phases.left_out
    before = Figures.measure(source, left_out, phases.flying)
    judged = measure(source, source, left_out, spans)
    kept = [Segment(a / fps, b / fps, "input", "") for a, b in spans]
    offers: list[tuple[Posed, list[Segment]]] = []
    mixed, lines, open_ = source.clip, list(kept), np.ones(len(spans), bool)
    for name, version in versions:
        seen = measure(version, source, left_out, spans)
        take, told = choose(judged, seen, name, spans, fps)
        lines = [replace(n, why=o.why) if t and f else replace(o, why=o.why or n.why) if f else o
                 for o, n, t, f in zip(lines, told, take, open_, strict=True)]  # fmt: skip
        mixed = mix(mixed, version.clip, take & open_, spans)
        open_ &= ~take
        whole, loosely = choose(judged, seen, name, spans, fps, jerkier=_LOOSELY)
        if whole.all():
            offers.append((version, [replace(one, why=n.why) for one, n in zip(loosely, told, strict=True)]))
    if mixed is not source.clip:
        offers.insert(0, (replace(source, clip=mixed), lines))
    good = [(Figures.measure(made, left_out, phases.flying), made, told) for made, told in offers]
    good = [g for g in good if sound(g[1].clip) and not worse(before, g[0])]
    if good:
        worth = [g for g in good if gains(before, g[0], wanted)]
        if not worth:
            figures = min((g[0] for g in good), key=lambda f: f.phys_err_mm)
            small = before.phys_err_mm - figures.phys_err_mm <= max(LEAST_MM, LEAST_SHARE * before.phys_err_mm)
            why = _NOTHING if small else _rises(before.jerk_m_s3, figures.jerk_m_s3) + ", more than it gains"
            return source, [replace(k, why=why) for k in kept]
        _, made, told = min(worth, key=lambda g: g[0].phys_err_mm)
        return made, told
    why = _NOTHING if before.phys_err_mm <= LEAST_MM else "all in all it would not be better"
    return source, [replace(k, why=line.why or why) for k, line in zip(kept, lines, strict=True)]


def _rises(before: float, after: float) -> str:
    digits = next((d for d in range(3) if f"{before:.{d}f}" != f"{after:.{d}f}"), 3)  # so many that it shows
    return f"jerk would rise from {before:.{digits}f} to {after:.{digits}f} m/s³"


def sound(clip: Clip) -> bool:
    """Whether all of it is finite."""
    return bool(np.isfinite(clip.rotations).all() and np.isfinite(clip.root_position).all())


def worse(before: Figures, after: Figures) -> bool:
    """Whether a clip as a whole came out worse than it went in."""
    more = after.phys_err_mm > before.phys_err_mm + WORSE_MM
    deeper = after.body_mm > before.body_mm + WORSE_BODY_MM
    return more or deeper or after.jerk_m_s3 > (1 + WORSE_JERK) * before.jerk_m_s3


def gains(before: Figures, after: Figures, wanted: bool = False) -> bool:
    """Whether enough was gained to change a clip at all, and for what its jerk rises by.

    Neither depends on what was done to a clip before, so that what is left alone after some rounds stays as it is.
    """
    less = before.phys_err_mm - after.phys_err_mm
    share = less / max(before.phys_err_mm, 1e-9)
    pays = _PAYS if before.phys_err_mm > _BAD_MM else _LITTLE
    shakes = after.jerk_m_s3 > (1 + WORSE_JERK * pays * share) * before.jerk_m_s3
    falls = before.flight_error - after.flight_error > max(LEAST_FALL, LEAST_SHARE * before.flight_error)
    lies = before.body_mm - after.body_mm > max(WORSE_BODY_MM, LEAST_SHARE * before.body_mm)
    stands = less > LEAST_MM and share > LEAST_SHARE
    return (stands or ((falls or lies or wanted) and less > -LEAST_MM)) and not shakes


def mix(one: Clip, other: Clip, take: np.ndarray, spans: Sequence[tuple[int, int]]) -> Clip:
    """``one``, and ``other`` in the segments that take it, one giving way to the other over a third of a second."""
    if not take.any():
        return one
    if take.all():
        return other
    on = np.zeros(one.frames)
    for (a, b), taken in zip(spans, take, strict=True):
        on[a:b] = taken
    share = _eased(on, max(1, round(_BLEND_S * float(one.fps))))
    w = share[:, None]
    root = (1 - w) * one.root_position + w * other.root_position
    return replace(
        one, rotations=rot.slerp(one.rotations, other.rotations, w), root_position=root,
        contacts=other.contacts if other.contacts is not None else one.contacts,
    )  # fmt: skip


def _eased(on: Array, width: int) -> Array:
    """``(T,)`` 0 to 1: ramps that lie inside the segments which take the other version."""
    out = np.zeros(len(on))
    edges = np.flatnonzero(np.diff(np.r_[0.0, on, 0.0])).reshape(-1, 2)
    t = np.arange(len(on))
    for a, b in edges:
        ramp = np.ones(len(on)) * ((t >= a) & (t < b))
        if a > 0:
            ramp *= smoothstep((t - a + 1) / width)
        if b < len(on):
            ramp *= smoothstep((b - t) / width)
        out = np.maximum(out, ramp)
    return out
