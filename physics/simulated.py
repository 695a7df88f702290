"""`prefer`: performances as Bullet makes bodies perform them, in the seconds that gain by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion.character import Character
from motion.clip import Clip
from motion.stage import Stage
from physics import gate
from physics.ground import Ground
from physics.mass import GRAVITY
from physics.phases import Phases
from physics.posed import Posed
from physics.report import Figures, PerformerReport, Wrench, distance
from physics.soles import Soles
from physics.tracking import Rollout, track

#: A second has to lose this share of its Phys-Err to be taken.
GAIN = 0.10
#: And stay this near to the input, mean over joints, metres for an adult.
FURTHEST_M = 0.06


def prefer(
    sources: Sequence[Clip],
    kept: Sequence[Clip],
    characters: Sequence[Character | None],
    soles: Sequence[Soles],
    reports: Sequence[PerformerReport],
    ground: Ground,
    stage: Stage | None = None,
) -> tuple[list[Clip], list[PerformerReport]]:
    """Simulate performers together, those of one frame rate in one world, and take the seconds that gain.

    Args:
        sources: as they came.
        kept: as the kinematic pass left them.
        characters: whose skin each has; None: one on the clip's own bones.
        soles: of each, as that pass had them.
        reports: of that pass.
        ground: under them.
        stage: what they stand among.

    Returns:
        Clips and reports in the same order.
    """
    made, told = list(kept), list(reports)
    worlds: dict[Fraction, list[int]] = defaultdict(list)
    for k, clip in enumerate(kept):
        if told[k].segments:  # others could not be judged at all
            worlds[clip.fps].append(k)
    for members in worlds.values():
        runs = track([kept[k] for k in members], [characters[k] for k in members], stage)
        for k, run in zip(members, runs, strict=True):
            made[k], told[k] = _chosen(sources[k], kept[k], soles[k], ground, told[k], run)
    return made, told


def _chosen(
    source: Clip, clip: Clip, soles: Soles, ground: Ground, told: PerformerReport, run: Rollout
) -> tuple[Clip, PerformerReport]:
    fps = float(clip.fps)
    simulated = _as_long(run.clip, clip)
    came, stood, swung = (Posed(c, soles, ground) for c in (source, clip, simulated))
    phases = Phases.of(came)
    left_out, flying = phases.left_out, Phases.of(stood).flying
    spans = gate.segments(clip.frames, fps)
    size = run.height_m / 1.7
    take, lines = gate.choose(
        gate.measure(stood, came, left_out, spans, flying), gate.measure(swung, came, left_out, spans, flying),
        "dynamics", spans, fps, gain=GAIN, furthest_m=FURTHEST_M * size,
    )  # fmt: skip
    for k, (_, stop) in enumerate(spans):
        if stop > run.clip.frames or (run.fell and stop == run.clip.frames):
            take[k], lines[k] = False, replace(lines[k], kept="", why=f"the simulation ended: {run.reason}")
    mixed = gate.mix(clip, simulated, take, spans)
    alone = Figures.measure(swung, left_out)
    after = Figures.of(mixed, soles, ground, left_out)
    if gate.worse(told.after, after):
        take[:] = False
        mixed, after = clip, told.after
    segments = tuple(
        replace(old, kept="dynamics", why="") if taken else replace(old, why=old.why or line.why)
        for old, line, taken in zip(told.segments, lines, take, strict=True)
    )
    moved = float(distance(mixed, source).mean())
    report = replace(
        told, after=after, dynamics=alone, wrench=_wrench(run, take, spans), segments=segments, moved_m=moved
    )
    return mixed, report


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
    force = np.linalg.norm(run.force[on], axis=1)
    upward = float(np.abs(run.force[on, 1]).sum() / max(float(force.sum()), 1e-9))
    torque = np.linalg.norm(run.torque[on], axis=1) / (weight * run.height_m)
    return Wrench(float((force / weight).mean()), upward, float(torque.mean()), float(run.at_bound[on].mean()))
