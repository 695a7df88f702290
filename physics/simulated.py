"""`prefer`: performances as Bullet makes bodies perform them, in the seconds that gain by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion.character import Character
from motion.clip import Clip
from motion.errors import BadInput
from motion.stage import Stage
from physics import gate, kinematic
from physics.gate import Judged
from physics.ground import Ground
from physics.mass import GRAVITY
from physics.phases import Phases
from physics.posed import Posed
from physics.report import Figures, PerformerReport, Wrench, WrenchSeries, distance
from physics.rollout import Rollout
from physics.search import Search
from physics.search import search as sampled
from physics.series import runs
from physics.soles import Soles
from physics.tracking import track

#: A second has to lose this share of its Phys-Err, or of what its flights miss of free fall, to be taken.
GAIN = 0.10
#: Less than this is not worth it, millimetres, and of what flights miss of free fall: every rollout is another one, and
#: what was performed once is to be left alone.
TRIFLE_MM, TRIFLE_FALL = 0.5, 0.1
#: What is noted of a clip that was tried so and changed; such a clip is not tried again while its feet stand.
PERFORMED = "performed by a body with weight where that gained (physics clean-up)"
#: And stay this near to the input, mean over joints, metres for an adult.
FURTHEST_M = 0.06
#: Nor may any frame of it be further than this: a stumble of a third of a second is lost in a mean.
STRAYS_M = 0.10
#: Putting feet down may cost this share of jerk: Bullet's motion has half of a capture's, and is judged afterwards.
_JERKIER = 0.25
#: A second that was lent more than this, mean over its frames, is no body's own doing: share of body weight, share of
#: mass x g x height.
MOST_FORCE, MOST_TORQUE = 0.25, 0.12


def prefer(
    sources: Sequence[Clip],
    kept: Sequence[Clip],
    characters: Sequence[Character | None],
    soles: Sequence[Soles],
    reports: Sequence[PerformerReport],
    ground: Ground,
    stage: Stage | None = None,
    *,
    search: Search | None = None,
) -> tuple[list[Clip], list[PerformerReport]]:
    """Simulate performers together, those of one frame rate in one world, and take the seconds that gain.

    A world that cannot be simulated (too many props, Bullet gone) changes nothing; each report says why.

    Args:
        sources: as they came.
        kept: as the kinematic pass left them.
        characters: whose skin each has; None: one on the clip's own bones.
        soles: of each, as that pass had them.
        reports: of that pass.
        ground: under them.
        stage: what they stand among.
        search: also sample for better rollouts, which takes minutes for each second; None: not.

    Returns:
        Clips and reports in the same order.
    """
    made, told = list(kept), list(reports)
    worlds: dict[Fraction, list[int]] = defaultdict(list)
    for k, clip in enumerate(kept):
        if clip is sources[k] and PERFORMED in clip.provenance.notes:
            told[k] = replace(told[k], notes=(*told[k].notes, "tried with weight before, and left so"))
            continue
        if told[k].segments:  # others could not be judged at all
            worlds[clip.fps].append(k)
    for members in worlds.values():
        who = [kept[k] for k in members], [characters[k] for k in members]
        try:
            if search is None:
                rollouts = track(*who, stage, ground=ground)
            else:
                rollouts = sampled(*who, stage, ground=ground, options=search)
        except BadInput as error:
            for k in members:
                told[k] = replace(told[k], notes=(*told[k].notes, f"not simulated: {error}"))
            continue
        for k, run in zip(members, rollouts, strict=True):
            clip, told[k] = _chosen(sources[k], kept[k], soles[k], ground, told[k], run)
            made[k] = clip if clip is sources[k] else clip.noting(PERFORMED)
    return made, told


def _chosen(
    source: Clip, clip: Clip, soles: Soles, ground: Ground, told: PerformerReport, run: Rollout
) -> tuple[Clip, PerformerReport]:
    came, stood = Posed(source, soles, ground), Posed(clip, soles, ground)
    left_out, flying = Phases.of(came).left_out, Phases.of(stood).flying
    fps, spans = float(clip.fps), gate.segments(clip.frames, float(clip.fps))
    before = gate.measure(stood, came, left_out, spans, flying)
    swung = _settled(Posed(_as_long(run.clip, clip), soles, ground), came, left_out, spans, flying)
    after = gate.measure(swung, came, left_out, spans, flying)
    away = swung.away(came)
    furthest = FURTHEST_M * run.height_m / 1.7
    take, lines = gate.choose(before, after, "dynamics", spans, fps, gain=GAIN, furthest_m=furthest)
    for k, (span, old, new) in enumerate(zip(spans, before, after, strict=True)):
        why = _unfit(run, span) or _trifle(old, new)
        astray = float(away[span[0] : span[1]].max())
        if not why and astray > STRAYS_M * run.height_m / 1.7:
            why = f"dynamics strays {100 * astray:.0f} cm from the input"
        if take[k] and why:
            take[k], lines[k] = False, replace(lines[k], kept="", why=why)
    mixed, figures = clip, told.after
    while take.any():
        version = _joined(stood, swung, take, came, left_out, spans, flying)
        seen = Figures.measure(version, left_out, flying)
        if gate.sound(version.clip) and not gate.worse(told.after, seen):
            mixed, figures = version.clip, seen
            break
        # Seams can cost more than a second gains: the stretch that gains least is given up.
        gains = [old.phys_err_mm - new.phys_err_mm for old, new in zip(before, after, strict=True)]
        a, b = min(runs(take), key=lambda stretch: sum(gains[stretch[0] : stretch[1]]))
        for k in range(a, b):
            take[k], lines[k] = False, replace(lines[k], kept="", why="where it began and ended it would not be better")
    segments = tuple(
        replace(old, kept="dynamics", why="") if taken else replace(old, why=old.why or line.why)
        for old, line, taken in zip(told.segments, lines, take, strict=True)
    )
    notes = (*told.notes, *(line for line in run.tries if line.startswith("search: ")))
    if run.fell:
        notes = (*notes, f"simulated for {run.clip.frames / fps:.1f} s: {run.reason}")
    report = replace(
        told, after=figures, dynamics=Figures.measure(swung, left_out, flying), wrench=_wrench(run, take, spans),
        segments=segments, moved_m=float(distance(mixed, source).mean()), notes=notes,
    )  # fmt: skip
    return mixed, report


def _unfit(run: Rollout, span: tuple[int, int]) -> str:
    """Why nothing of a segment may be taken; empty: it may."""
    a, b = span
    if b > run.clip.frames or (run.fell and b == run.clip.frames):
        return f"the simulation ended: {run.reason}"
    weight = run.mass_kg * GRAVITY
    force = float(np.linalg.norm(run.force[a:b], axis=1).mean()) / weight
    torque = float(np.linalg.norm(run.torque[a:b], axis=1).mean()) / weight / run.height_m
    if force > MOST_FORCE or torque > MOST_TORQUE:
        return f"a body would need help with {force:.2f} of its weight and {torque:.2f} m g h"
    return ""


def _trifle(old: Judged, new: Judged) -> str:
    """Clips that stand are left alone, however much of nothing is gained."""
    falls = old.flight_error - new.flight_error
    if old.phys_err_mm - new.phys_err_mm < TRIFLE_MM and falls < TRIFLE_FALL:
        return "nothing to mend"
    return ""


def _settled(
    run: Posed, came: Posed, left_out: np.ndarray, spans: Sequence[tuple[int, int]], flying: np.ndarray
) -> Posed:
    """A motion with its feet put down by the kinematic pass in the seconds that are better for it.

    Bullet's feet are boxes, and its contacts give a little; skin and sole show millimetres of both.
    """
    planted = Posed(kinematic.plant(run.clip, run.soles, run.ground).clip, run.soles, run.ground)
    take, _ = gate.choose(
        gate.measure(run, came, left_out, spans, flying), gate.measure(planted, came, left_out, spans, flying),
        "planted", spans, float(run.clip.fps), jerkier=_JERKIER,
    )  # fmt: skip
    return replace(run, clip=gate.mix(run.clip, planted.clip, take, spans))


def _joined(
    one: Posed, other: Posed, take: np.ndarray, came: Posed, left_out: np.ndarray, spans: Sequence[tuple[int, int]],
    flying: np.ndarray,
) -> Posed:  # fmt: skip
    """Both versions mixed, and feet held again where they would slide from one to the other."""
    mixed = replace(one, clip=gate.mix(one.clip, other.clip, take, spans))
    return mixed if take.all() else _settled(mixed, came, left_out, spans, flying)


def _as_long(run: Clip, clip: Clip) -> Clip:
    """A rollout that ended early, with the clip's own frames after it."""
    if run.frames == clip.frames:
        return run
    rest = slice(run.frames, None)
    return replace(
        clip,
        rotations=np.concatenate([run.rotations, clip.rotations[rest]]),
        root_position=np.concatenate([run.root_position, clip.root_position[rest]]),
    )


def _wrench(run: Rollout, take: np.ndarray, spans: Sequence[tuple[int, int]]) -> Wrench | None:
    """The help that accepted frames had."""
    on = np.zeros(len(run.force), bool)
    for (a, b), taken in zip(spans, take, strict=True):
        on[a:b] = taken
    if not on.any():
        return None
    weight = run.mass_kg * GRAVITY
    force = np.linalg.norm(run.force, axis=1) / weight
    torque = np.linalg.norm(run.torque, axis=1) / (weight * run.height_m)
    upward = float(np.abs(run.force[on, 1]).sum() / weight / max(float(force[on].sum()), 1e-9))
    means = float(force[on].mean()), upward, float(torque[on].mean()), float(run.at_bound[on].mean())
    return Wrench(*means, WrenchSeries(force, torque, on))
