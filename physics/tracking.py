"""`track`: let bodies in Bullet perform clips by stable PD, helped by a residual wrench at the pelvis that is bounded.

Public: `TrackSettings`, `Rollout`, `track`. Not inside: whether a rollout is better than its input (`physics.gate`).

Control is Tan, Liu and Turk's stable PD (2011) with the inverse mass matrices of the planned poses, on top of planned
torques (`physics.plan`). Measured on the walk of the pybullet wheel at a bound of 0.25 body weights: this 3.2 cm mean
joint distance; Bullet's own STABLE_PD_CONTROL, which knows no planned torques, 11 cm; its constraint motors, which
ignore target velocities on spherical joints, 6.8 cm at 3 times the time a step.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from motion.character import Character
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Stage
from physics import humanoid as humanoids
from physics import plan as plans
from physics.humanoid import Humanoid
from physics.mass import GRAVITY
from physics.performer import Performer
from physics.plan import Plan
from physics.world import World

#: Mean joint distance that still counts as tracking, metres for an adult: PHC's and PhysDiff's evaluations reject at
#: 0.5 m, where nothing of the clip is left; at 6 cm its poses still are.
TRACKS_M = 0.06
#: The worst frame may be this many times as far: a walker who has begun to fall at the clip's end has a good mean.
PEAK = 2.5
#: A joint distance, mean over joints, at which a performer has fallen, metres for an adult (PHC: 0.5 m).
FELL_M = 0.5
#: A start this deep inside a prop is refused, metres for an adult.
INSIDE_M = 0.10


@dataclass(frozen=True)
class TrackSettings:
    """How to track; the defaults are those measured in `docs` and tests."""

    #: Bounds of the residual wrench tried one after the other: share of body weight, share of mass x g x height.
    bounds: tuple[tuple[float, float], ...] = ((1.0, 0.3), (0.5, 0.15), (0.25, 0.1), (0.1, 0.05), (0.05, 0.03))
    bisections: int = 1  # tries between the least bound that tracks and the first that does not
    tracks_m: float = TRACKS_M  # mean joint distance allowed, metres for an adult; `PEAK` times in the worst frame
    stiffness: float = 0.6  # factor on DeepMimic's gains: planned torques do most of the work
    root_rad_s: float = 10.0  # natural frequency of the residual wrench's PD
    mass_kg: float | None = None  # of every performer; None: from the skin
    floor_m: float | None = 0.0  # height of the floor; None: only the stage's props


@dataclass(frozen=True)
class Rollout:
    """What came of one performer; T is shorter than the input's where the simulation ended early."""

    clip: Clip  # simulated, at the input's rate; welded joints' rotations are the input's
    force: Array  # (T, 3) residual force at the pelvis, N, world, mean over each frame's steps
    torque: Array  # (T, 3) residual torque, N m, world
    feet: Array  # (T, 2, 3) contact force on the left and right foot, N, world
    error_m: Array  # (T,) mean distance of the joints from the input's
    planned_error_m: Array  # (T,) the same from the input with its flights bent to parabolas, which is what is tracked
    at_bound: np.ndarray  # (T,) bool: force or torque at its bound in most of the frame
    flight: np.ndarray  # (T,) bool: planned as falling freely; no residual force there
    bound: tuple[float, float]  # share of body weight, share of mass x g x height
    mass_kg: float
    height_m: float
    fell: bool
    tracked: bool  # did not fall, and kept within the settings' distance of what was planned
    seconds: float  # of computing, all tries of all performers together
    rollouts: int  # tries
    reason: str = ""  # why it ended early or does not track
    tries: tuple[str, ...] = field(default=())  # one line for each bound tried

    @property
    def force_share(self) -> float:
        """Mean residual force over body weight."""
        return float(np.linalg.norm(self.force, axis=1).mean() / (self.mass_kg * GRAVITY))

    @property
    def torque_share(self) -> float:
        """Mean residual torque over mass x g x height."""
        return float(np.linalg.norm(self.torque, axis=1).mean() / (self.mass_kg * GRAVITY * self.height_m))


def track(
    clips: Sequence[Clip],
    characters: Sequence[Character | None],
    stage: Stage | None = None,
    *,
    settings: TrackSettings | None = None,
) -> list[Rollout]:
    """Simulate performers together, each with the least help that still tracks its clip.

    All stand in one world from time 0 on and collide with each other and with the stage's standing props. Bounds of
    the residual wrench go down step by step for each performer by itself; the last try is with everyone's least.
    In flight no residual force acts. The same input gives the same bytes.

    Args:
        clips: one a performer, world coordinates, one frame rate.
        characters: whose skin each has; None: the default body's on the clip's bones.
        stage: set with props; None: only the floor.
        settings: see `TrackSettings`.

    Returns:
        One rollout a clip. A simulation that explodes or falls ends there: ``fell`` is true, the clip holds the frames
        up to there, and nothing in it is NaN.

    Raises:
        BadInput: no clips, as many characters as clips expected, different rates, a clip of one frame or with a
            pelvis beyond 40 m/s, a body outside 0.3 to 4 m or without mass.
    """
    settings = settings or TrackSettings()
    _check(clips, characters, settings)
    started = time.perf_counter()
    bodies = [
        humanoids.build(character, clip.rest_offsets, mass_kg=settings.mass_kg)
        for clip, character in zip(clips, characters, strict=True)
    ]
    made = [
        plans.make(body, clip, stiffness=settings.stiffness, root=settings.root_rad_s)
        for body, clip in zip(bodies, clips, strict=True)
    ]
    count = len(clips)
    ladder: list[list[tuple[float, float]]] = [list(settings.bounds[1:]) for _ in range(count)]
    bound = [settings.bounds[0]] * count
    best: list[Rollout | None] = [None] * count
    failed: list[tuple[float, float] | None] = [None] * count
    lines: list[list[str]] = [[] for _ in range(count)]
    halvings = [settings.bisections] * count
    active = [True] * count
    tries, together = 0, list(bound)
    while any(active):
        runs = _simulate(clips, bodies, made, bound, stage, settings)
        tries += 1
        together = list(bound)
        for i, run in enumerate(runs):
            lines[i].append(_line(run))
            if not active[i]:
                best[i] = run if run.tracked or best[i] is None else best[i]
                continue
            if run.tracked or best[i] is None:
                best[i] = run
            if not run.tracked:
                failed[i] = bound[i]
                ladder[i] = []
                if not best[i].tracked:  # type: ignore[union-attr]
                    active[i] = False  # even the first bound is too low
                    continue
            if ladder[i]:
                bound[i] = ladder[i].pop(0)
            elif failed[i] is not None and halvings[i] > 0:
                halvings[i] -= 1
                low, high = failed[i], best[i].bound  # type: ignore[union-attr]
                bound[i] = (float(np.sqrt(low[0] * high[0])), float(np.sqrt(low[1] * high[1])))  # type: ignore[index]
            else:
                active[i] = False
                bound[i] = best[i].bound  # type: ignore[union-attr]
    final = [run.bound for run in best if run is not None]
    if count > 1 and together != final:  # they touch each other: what counts is everyone's least, together
        for i, run in enumerate(_simulate(clips, bodies, made, final, stage, settings)):
            lines[i].append(_line(run))
            best[i] = run
        tries += 1
    seconds = time.perf_counter() - started
    return [
        replace(run, seconds=seconds, rollouts=tries, tries=tuple(lines[i]))
        for i, run in enumerate(best)
        if run is not None
    ]


def _check(clips: Sequence[Clip], characters: Sequence[Character | None], settings: TrackSettings) -> None:
    if not clips:
        raise BadInput("track: no clips, expected at least one")
    if len(clips) != len(characters):
        raise BadInput(f"track: {len(characters)} characters for {len(clips)} clips, expected as many")
    rates = {clip.fps for clip in clips}
    if len(rates) > 1:
        raise BadInput(f"track: clips at {' and '.join(str(r) for r in sorted(rates))} fps, expected one rate")
    if not settings.bounds or any(not (f >= 0 and t >= 0) for f, t in settings.bounds):
        raise BadInput(f"track: bounds {settings.bounds}, expected pairs of shares not below 0")


def _simulate(
    clips: Sequence[Clip],
    bodies: Sequence[Humanoid],
    made: Sequence[Plan],
    bounds: Sequence[tuple[float, float]],
    stage: Stage | None,
    settings: TrackSettings,
) -> list[Rollout]:
    """One rollout of everyone in a fresh world."""
    size = float(np.median([body.height_m for body in bodies])) / 1.7
    with World(made[0].step_s, floor_m=settings.floor_m, size=size) as world:
        if stage is not None and stage.props:
            ways = np.concatenate([plan.root for plan in made])
            world.add_stage(stage, ways.min(0), ways.max(0))
        cast = [
            Performer(world, body, plan, bound, settings.floor_m)
            for body, plan, bound in zip(bodies, made, bounds, strict=True)
        ]
        for performer in cast:
            performer.refuse_inside(INSIDE_M)
        last = max(len(plan.root) for plan in made)
        for s in range(1, last):
            moving = [performer for performer in cast if performer.alive]
            if not moving:
                break
            for performer in moving:
                performer.push(s)
            world.step()
            for performer in moving:
                performer.record(s)
        for performer in cast:
            performer.finish()
    return [_rollout(performer, clip, settings) for performer, clip in zip(cast, clips, strict=True)]


def _rollout(performer: Performer, clip: Clip, settings: TrackSettings) -> Rollout:
    body, plan = performer.humanoid, performer.plan
    frames = len(performer.places)
    links, places = np.stack(performer.poses), np.stack(performer.places)
    rotations = body.to_joints(links, clip.rotations[:frames])
    contacts, fingers = clip.contacts, clip.fingers
    simulated = replace(
        clip,
        rotations=rotations,
        root_position=places,
        contacts=None if contacts is None else replace(contacts, on=contacts.on[:frames]),
        fingers=None if fingers is None else fingers[:frames],
    )
    off = simulated.positions() - clip.positions()[:frames]
    error = np.linalg.norm(off, axis=-1).mean(1)
    planned = np.linalg.norm(off - plan.shift[:frames, None], axis=-1).mean(1)
    size = body.height_m / 1.7
    fell = performer.reason != "" or bool(planned.max() > FELL_M * size)
    mean, peak, most = float(planned.mean()), float(planned.max()), settings.tracks_m * size
    tracked = not fell and mean <= most and peak <= PEAK * most
    reason = performer.reason
    if not reason and fell:
        reason = f"strays {planned.max():.2f} m from its clip"
    elif not reason and not tracked:
        reason = (
            f"tracks at {100 * mean:.1f} cm, at worst {100 * peak:.1f}, expected {100 * most:.1f} and {PEAK:g} times"
        )
    force, torque, feet, limited = performer.means()
    return Rollout(
        simulated, force, torque, feet, error, planned, limited, plan.flight[:frames], performer.bound, body.mass_kg,
        body.height_m, fell, tracked, 0.0, 0, reason,
    )  # fmt: skip


def _line(run: Rollout) -> str:
    return (
        f"bound {run.bound[0]:.2f} BW, {run.bound[1]:.2f} mgh: {100 * run.planned_error_m.mean():.1f} cm, "
        f"{run.force_share:.3f} BW, {run.torque_share:.3f} mgh{', ' + run.reason if run.reason else ''}"
    )
