"""What a finished clip keeps of what was asked, measured by its own kinematics; and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion.clip import Clip
from motion.prior import edit, finish, keyframes, loops, parts, points, seams
from motion.prior.compose import Composed
from motion.prior.constraints import Constraints
from motion.prior.request import Keys, Report, Request
from motion.prior.retrieve import Index
from motion.rotations import Array
from motion.take import Provenance

#: A seam is said to show when its jerk is this many times that beside it.
SEAM_LIMIT = 1.3


@dataclass(frozen=True)
class Raw:
    """Keys as they were asked, on the performer's skeleton, and what sampling left over before it was bent in."""

    keys: Keys | None = None
    at: np.ndarray | None = None  # (K,) frame of each key
    key_error_m: tuple[float, ...] = ()
    reach_error_m: tuple[float, ...] = ()
    path_error_m: Array | None = None  # (K,) per frame of the path


def measured(
    request: Request,
    one: Composed,
    clip: Clip,
    marks: Sequence[int],
    wanted: Constraints,
    skeleton: edit.Skeleton,
    raw: Raw,
    notes: Sequence[str],
) -> Report:
    """The report on one result.

    Args:
        request: what was asked, in the performer's world.
        one: how it was composed.
        clip: finished, on the performer's skeleton, 30 fps.
        marks: frames of the seams.
        wanted: constraints in the models' world.
        skeleton: the performer's and the models'.
        raw: what sampling left over.
        notes: said so far.
    """
    said = list(notes)
    key_error: tuple[float, ...] = ()
    bent: list[int] = []
    if raw.keys is not None and raw.at is not None:
        key_error = keyframes.error(raw.keys, raw.at, clip, skeleton.own)
        bent = [int(f) for f in raw.at]
        if request.exact and max(raw.key_error_m) > 0.15:
            said.append(f"keys: sampling left up to {max(raw.key_error_m):.2f} m over, which were bent in")
    off_path = path_error(request, clip, wanted, skeleton.factor)
    reach_error = points.error(request.reach, clip)
    bends = [parts.joint(point.joint) in finish.BENT for point in request.reach]
    over = max((m for m, on in zip(raw.reach_error_m, bends, strict=True) if on), default=0.0)
    if request.exact and over > 0.15:
        said.append(f"reach: sampling left up to {over:.2f} m over; the limb alone was bent to its point")
    if request.exact and not all(bends):
        alone = ", ".join(dict.fromkeys(p.joint for p, on in zip(request.reach, bends, strict=True) if not on))
        said.append(f"reach: {alone} by the network alone; only hands, wrists, feet and ankles are bent to their point")
    for number, (point, miss) in enumerate(zip(request.reach, reach_error, strict=True)):
        if miss > 0.05:
            said.append(f"reach {number}: {point.joint} stays {miss:.2f} m away from its point")
    found, _ = seams.measure(clip, [f for f in marks if 0 < f < clip.frames - 1], bent)
    worst = max((s.ratio for s in found), default=0.0)
    if worst > SEAM_LIMIT:
        said.append(f"seams: jerk up to {worst:.2f} times that beside them (expected at most {SEAM_LIMIT})")
    if request.loop and request.path is not None:
        ends = request.path.points[[0, -1]]
        if np.linalg.norm(ends[1] - ends[0]) > 0.1:
            said.append("loop: the path does not close, so the pose repeats and the place does not")
    return Report(
        spans=one.spans,
        decisions=tuple(d for step in request.plan.steps for a in step for d in a.decisions),
        confidence=request.confidence,
        suggestions=request.suggestions,
        key_error_m=key_error,
        key_sampled_m=raw.key_error_m,
        path_error_m=None if off_path is None else float(off_path.mean()),
        path_worst_m=None if off_path is None else float(off_path.max()),
        path_sampled_m=None if raw.path_error_m is None else float(raw.path_error_m.mean()),
        reach_error_m=reach_error,
        reach_sampled_m=raw.reach_error_m,
        loop_gap_m=loops.gap(clip) if request.loop else None,
        seams=found,
        notes=tuple(dict.fromkeys((*request.plan.notes, *said))),
    )


def path_error(request: Request, clip: Clip, wanted: Constraints, factor: float) -> Array | None:
    """Distance of the smoothed root from where the path has it be, metres, per frame of the path."""
    if request.path is None:
        return None
    from scipy.ndimage import gaussian_filter1d

    at = np.flatnonzero(wanted.path_on)
    at = at[at < clip.frames]
    pad = min(23, clip.frames - 1)
    flat = clip.root_position[:, [0, 2]]
    if pad:
        flat = np.pad(flat, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
    # 0.25 s: the width by which the models smooth a root into the way one walks.
    smooth = gaussian_filter1d(flat, 0.25 * float(clip.fps), axis=0)[pad : pad + clip.frames]
    return np.asarray(np.linalg.norm(smooth[at] - wanted.path[at] / factor, axis=1))


def provenance(request: Request, one: Composed, seed: int, report: Report, index: Index | None) -> Provenance:
    """The model's, the base's and the captures' sources and licences, and what was done."""
    made_by, base = one.clip.provenance, request.base
    licences, sources = [made_by.licence], [made_by.source]
    for clip in (base, request.style_clip):
        if clip is not None:
            licences.append(clip.provenance.licence)
            sources.append(clip.provenance.source)
    retrieved = [s.detail for s in one.spans if s.road.startswith("retrieved")]
    if retrieved and index is not None:
        licences += index.corpus.licences()
        sources += [d.split(": ")[0] for d in retrieved]
    words = request.plan.text.strip()
    notes = [f"made from the words '{words}'"] if words else []
    notes += [f"{s.start_s:.2f} to {s.stop_s:.2f} s: {s.road}" for s in report.spans]
    return replace(
        made_by,
        source=" + ".join(dict.fromkeys(s for s in sources if s)),
        licence="; ".join(dict.fromkeys(x for x in licences if x)) or None,
        consent=None if base is None else base.provenance.consent,
        seed=seed,
        notes=(*made_by.notes, *notes, *report.notes),
    )
