"""`refine`: performances that stand, and a report of what was changed; what cannot be mended comes back untouched.

    performances, report = refine(performances, stage)
    print(report.verdict())
    clip, told = mend(clip)  # one clip, without a body

It mends what floats, sinks, slides, leans or snaps; on request a network first takes the tremble out of poses, and
bodies with weight perform the result. Who sits, hangs or climbs on what is not there is told, and not pulled down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.clip import Clip, ContactTrack
from motion.errors import BadInput, unknown
from motion.stage import Performance, Stage
from physics import gate, kinematic
from physics.ground import Ground
from physics.kinematic import MODES
from physics.phases import Phases
from physics.posed import Posed
from physics.report import Figures, PerformerReport, PhysicsReport, Segment
from physics.soles import Soles

if TYPE_CHECKING:
    from physics.search import Search

#: Fewer frames than this hold no motion to judge.
LEAST_FRAMES = 4
#: The pass is made again while it gains, at most so often: so that making it once more changes nothing.
_ROUNDS = 6
#: Share of its jerk that the calibrator has to take from a clip whose feet gain nothing by it.
_CALMER = 0.1
#: Bodies of other statures are no bodies, metres.
SHORTEST_M, TALLEST_M = 0.3, 4.0


def refine(
    performances: Sequence[Performance],
    stage: Stage | None = None,
    *,
    mode: str = "auto",
    strength: float = 1.0,
    tracks: Mapping[str, ContactTrack] | None = None,
    learned: bool = False,
    dynamics: bool = False,
    search: Search | None = None,
) -> tuple[tuple[Performance, ...], PhysicsReport]:
    """Mend what floats, sinks and slides.

    Args:
        performances: in the world, each clip on its character's skeleton.
        stage: what they stand on; None: a level floor at y = 0.
        mode: how feet are treated, one of `physics.kinematic.MODES`.
        strength: 0 to 1, how much of each correction is made.
        tracks: plants that somebody set, by the performer's name; others are found.
        learned: also ask the calibrator (`physics.calibrator`), which mends poses: noise, flips, and what is wrong with
            the whole body.
        dynamics: also let bodies perform it in Bullet, and keep the seconds that gain by it; takes about as long as the
            motion lasts.
        search: with ``dynamics``, also sample for better rollouts, which takes minutes for each second; needs the extra
            ``search``.

    Returns:
        The performances in the same order, and what was done.

    Raises:
        BadInput: an unknown mode or performer, a strength outside 0 to 1, or a track of another length.
    """
    names = [p.name for p in performances]
    tracks = dict(tracks or {})
    for name in tracks:
        if name not in names:
            raise unknown("performer", name, names)
    started = time.perf_counter()
    made, reports = [], []
    soles = [Soles.of(p.character) for p in performances]
    with _ground(performances, stage) as ground:
        for performance, feet in zip(performances, soles, strict=True):
            clip, told = mend(
                performance.clip, feet, ground, mode=mode, strength=strength,
                track=tracks.get(performance.name), name=performance.name, learned=learned,
            )  # fmt: skip
            made.append(performance if clip is performance.clip else replace(performance, clip=clip))
            reports.append(told)
        if dynamics:
            from physics import simulated

            clips, reports = simulated.prefer(
                [p.clip for p in performances],
                [p.clip for p in made],
                [p.character for p in made],
                soles,
                reports,
                ground,
                stage,
                search=search,
            )
            made = [replace(p, clip=clip) for p, clip in zip(made, clips, strict=True)]
    seconds = time.perf_counter() - started
    settings = {
        "mode": mode, "strength": strength, "learned": learned, "dynamics": dynamics, "search": search is not None,
    }  # fmt: skip
    return tuple(made), PhysicsReport(tuple(reports), seconds, settings)


@contextmanager
def _ground(performances: Sequence[Performance], stage: Stage | None) -> Iterator[Ground]:
    """The floor, with the stage's standing props near the performers on it."""
    if stage is None or not stage.props or not performances:
        yield Ground()
        return
    from physics.world import World

    ways = np.concatenate([p.clip.root_position for p in performances])
    with World() as world:
        near = world.add_stage(stage, ways.min(0), ways.max(0))
        yield Ground(world.heights) if near else Ground()


def mend(
    clip: Clip,
    soles: Soles | None = None,
    ground: Ground | None = None,
    *,
    mode: str = "auto",
    strength: float = 1.0,
    track: ContactTrack | None = None,
    name: str = "performer",
    learned: bool = False,
    dynamics: bool = False,
    search: Search | None = None,
) -> tuple[Clip, PerformerReport]:
    """`refine` for one clip, with or without a body.

    Args:
        clip: in the world.
        soles: of the body that performs it; None: made from the skeleton's own proportions.
        ground: what it stands on; None: a level floor at y = 0.
        mode: as for `refine`.
        strength: as for `refine`.
        track: plants that somebody set; None: found.
        name: in the report.
        learned: as for `refine`.
        dynamics: as for `refine`, on a body stretched over the clip's bones.
        search: as for `refine`.

    Returns:
        The clip, itself where nothing could be mended, and what was done.

    Raises:
        BadInput: as `refine`.
    """
    if mode not in MODES:
        raise unknown("foot mode", mode, MODES)
    if not 0.0 <= strength <= 1.0:
        raise BadInput(f"strength: {strength:g}, expected 0 to 1")
    reason = _unfit(clip)
    if reason:
        nothing = Figures(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        return clip, PerformerReport(name, nothing, nothing, notes=(reason,))
    if track is not None and len(track.on) != clip.frames:
        raise BadInput(f"{name}: plants of {len(track.on)} frames, the clip has {clip.frames}")
    soles, ground = soles or Soles.of_skeleton(clip.rest_offsets), ground or Ground()
    source = Posed(clip, soles, ground)
    phases = Phases.of(kinematic.prepared(source, mode, track))
    done = _rounds(source, mode, track, phases)
    by_learning = None
    for _ in range(_ROUNDS if learned and mode != "never" else 0):
        came = source if by_learning is None else by_learning.made
        better = _calibrated(came, mode, track)
        if better is None or not _as_good(came, done, better, phases):
            break
        done = by_learning = better
    made, told = done.made, done.told
    if strength < 1.0 and made is not source:
        made = replace(source, clip=_partly(clip, made.clip, strength))
    before, after = (Figures.measure(m, phases.left_out, phases.flying) for m in (source, made))
    if gate.worse(before, after):  # a part of what is good need not be
        why = f"{strength:g} of it is worse than nothing"
        made, after, told = source, before, [replace(s, kept="input", why=why) for s in told]
    mixed = clip if made is source else made.clip.noting(
        "feet put on the ground and held by inverse kinematics (physics clean-up)"
    )  # fmt: skip
    alone = Figures.measure(done.alone, phases.left_out, phases.flying)
    report = PerformerReport(
        name, before, after, alone if by_learning is None else None, None if by_learning is None else alone,
        segments=tuple(told),
        moved_m=float(made.away(source).mean()), plants=done.planted.track,
        notes=phases.notes(float(clip.fps)) + (done.planted.notes if made is not source else ()),
    )  # fmt: skip
    if dynamics:
        from physics import simulated

        [mixed], [report] = simulated.prefer([clip], [mixed], [None], [soles], [report], ground, search=search)
    return mixed, report


def _unfit(clip: Clip) -> str:
    """Why a clip cannot be judged; empty: it can."""
    if clip.frames < LEAST_FRAMES:
        return f"{clip.frames} frames, at least {LEAST_FRAMES} are needed"
    stature = float(np.ptp(skeleton.at_rest(clip.rest_offsets)[:, 1]))
    if not SHORTEST_M <= stature <= TALLEST_M:
        return f"a body {stature:.2f} m tall, expected {SHORTEST_M:g} to {TALLEST_M:g} m"
    return ""


@dataclass(frozen=True, eq=False)
class _Done:
    """What clean-up made of a clip, gated, and what the kinematic pass makes of it alone."""

    made: Posed
    told: list[Segment]
    alone: Posed
    planted: kinematic.Planted


def _calibrated(source: Posed, mode: str, track: ContactTrack | None) -> _Done | None:
    """What clean-up makes of a clip that the calibrator changed; None: it had nothing to change."""
    clip = _calibrator()(source.clip)
    if clip is source.clip or not gate.sound(clip):
        return None
    better = replace(source, clip=clip)
    done = _rounds(better, mode, track, Phases.of(kinematic.prepared(better, mode, track)))
    told = [replace(s, kept="learned", why="") if s.kept == "input" else s for s in done.told]
    notes = ("poses calibrated by a learned pass", *done.planted.notes)
    return replace(done, told=told, planted=replace(done.planted, notes=notes))


def _as_good(source: Posed, done: _Done, calibrated: _Done, phases: Phases) -> bool:
    """Whether the learned pass may have its way: what it mends, poses, no figure of feet shows."""
    before, usual, learned = (
        Figures.measure(m, phases.left_out, phases.flying) for m in (source, done.made, calibrated.made)
    )
    near = learned.phys_err_mm <= usual.phys_err_mm + max(2 * gate.WORSE_MM, 0.2 * usual.phys_err_mm)
    calmer = learned.jerk_m_s3 < (1 - _CALMER) * before.jerk_m_s3
    return near and (calmer or gate.gains(before, learned)) and not gate.worse(before, learned)


@lru_cache(maxsize=1)
def _calibrator() -> Callable[[Clip], Clip]:
    from physics.calibrator import Calibrator

    return Calibrator.load()


def _rounds(source: Posed, mode: str, track: ContactTrack | None, phases: Phases) -> _Done:
    """The pass, made again while it gains."""
    done = _once(source, mode, track, phases)
    if done.made is source:
        return done
    made, told = done.made, done.told
    before = Figures.measure(source, phases.left_out, phases.flying)
    for _ in range(_ROUNDS - 1):
        again = _once(made, mode, track, Phases.of(kinematic.prepared(made, mode, track)))
        if again.made is made or gate.worse(before, Figures.measure(again.made, phases.left_out, phases.flying)):
            break
        made = again.made
        told = [new if new.kept != "input" else old for old, new in zip(told, again.told, strict=True)]
    return replace(done, made=made, told=told)


def _once(source: Posed, mode: str, track: ContactTrack | None, phases: Phases) -> _Done:
    clip, soles, ground = source.clip, source.soles, source.ground
    planted = kinematic.plant(clip, soles, ground, mode, track)
    alone = replace(source, clip=planted.clip)
    versions = [("kinematic", alone)]
    if mode in ("auto", "always"):
        # Where holding feet would shake a leg, the body can still be put on its ground.
        low = kinematic.plant(clip, soles, ground, "grounding", planted.track).clip
        versions.append(("grounding", replace(source, clip=low)))
    made, told = gate.best(source, versions, phases, bool(planted.notes))
    return _Done(made, told, alone, planted)


def _partly(clip: Clip, passed: Clip, strength: float) -> Clip:
    root = (1 - strength) * clip.root_position + strength * passed.root_position
    return replace(passed, rotations=rot.slerp(clip.rotations, passed.rotations, strength), root_position=root)


__all__ = ["MODES", "PhysicsReport", "mend", "refine"]
