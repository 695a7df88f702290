"""The gate: of several versions of a performance, the better one of each second; `choose` and `mix`."""

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
from physics.ground import Ground
from physics.report import Segment
from physics.soles import Soles

#: Seconds of a segment, about.
SEGMENT_S = 1.0
#: Over so many seconds one version gives way to the next.
_BLEND_S = 0.3
#: A version is worse than another when Phys-Err is higher by this, millimetres, or jerk by this share.
WORSE_MM, WORSE_JERK = 0.2, 0.02


@dataclass(frozen=True)
class Judged:
    """One segment of one version."""

    phys_err_mm: float
    jerk_m_s3: float
    distance_m: float  # from the input


def segments(frames: int, fps: float) -> list[tuple[int, int]]:
    """Frames ``start`` to ``stop`` of segments of about a second, none much shorter than the others."""
    count = max(1, round(frames / fps / SEGMENT_S))
    cuts = np.rint(np.linspace(0, frames, count + 1)).astype(int)
    return [(int(a), int(b)) for a, b in itertools.pairwise(cuts) if b > a]


def judge(
    clip: Clip, source: Clip, soles: Soles, ground: Ground, flight: np.ndarray, spans: Sequence[tuple[int, int]]
) -> list[Judged]:
    """Each segment of a version, with what lies just beside it, as jerk of a seam does."""
    points, joints = soles.points(clip), clip.positions()
    floor = ground.heights(points)
    moved = np.linalg.norm(joints - source.positions(), axis=-1).mean(-1)
    found = []
    for a, b in spans:
        low, high = max(0, a - 2), min(clip.frames, b + 2)
        here = slice(low, high)
        err = metrics.phys_err(points[here], flight[here], clip.fps, floor[here])
        jerk = metrics.jerk_m_s3(joints[here], clip.fps)
        found.append(Judged(err.phys_err_mm, jerk, float(moved[a:b].mean())))
    return found


def choose(
    before: Sequence[Judged], after: Sequence[Judged], name: str, spans: Sequence[tuple[int, int]], fps: float,
    gain: float = 0.0, furthest_m: float = np.inf,
) -> tuple[np.ndarray, list[Segment]]:  # fmt: skip
    """Which segments the new version may have.

    Args:
        before: of the version that is kept otherwise.
        after: of the new one.
        name: what the new version is called in the report.
        spans: the segments.
        fps: frames per second.
        gain: share of Phys-Err that has to go.
        furthest_m: mean joint distance from the input that is allowed.

    Returns:
        ``(S,)`` bool, and a line each.
    """
    take, told = np.zeros(len(spans), bool), []
    for k, ((a, b), old, new) in enumerate(zip(spans, before, after, strict=True)):
        why = ""
        if new.distance_m > furthest_m:
            why = f"{name} is {100 * new.distance_m:.1f} cm from the input"
        elif new.jerk_m_s3 > (1 + WORSE_JERK) * old.jerk_m_s3 + 1.0:
            why = f"jerk would rise from {old.jerk_m_s3:.0f} to {new.jerk_m_s3:.0f} m/s³"
        elif new.phys_err_mm > old.phys_err_mm + (WORSE_MM if gain == 0 else 0.0):
            why = f"Phys-Err would rise from {old.phys_err_mm:.1f} to {new.phys_err_mm:.1f} mm"
        elif gain > 0 and new.phys_err_mm > (1 - gain) * old.phys_err_mm:
            why = f"{name} gains less than {gain:.0%}"
        take[k] = not why
        told.append(Segment(a / fps, b / fps, name if take[k] else "", why))
    return take, told


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
