"""`track`: let bodies in Bullet perform clips by stable PD, helped by a residual wrench at the pelvis that is bounded.

Public: `TrackSettings`, `Rollout`, `track`. Not inside: whether a rollout is better than its input (`physics.gate`).

Control is Tan, Liu and Turk's stable PD (2011) with the inverse mass matrices of the planned poses, on top of planned
torques (`physics.plan`). The pelvis is led by what feet and hands give at their contacts (`physics.support`), and by a
residual wrench for the rest. Measured on the walk of the pybullet wheel at a bound of 0.25 body weights: this 0.6 cm
mean joint distance with 0.09 body weights of help; the same with contact forces that were planned beforehand 3.2 cm and
0.17; Bullet's own STABLE_PD_CONTROL, which knows no planned torques, 11 cm; its constraint motors, which ignore target
velocities on spherical joints, 6.8 cm at 3 times the time a step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from motion.character import Character
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Stage
from physics import humanoid as humanoids
from physics import plan as plans
from physics.bullet import pybullet
from physics.ground import Ground
from physics.help import PEAK, Help
from physics.humanoid import Humanoid
from physics.performer import Performer
from physics.plan import Plan
from physics.rollout import Rollout
from physics.world import World

#: Mean joint distance that still counts as tracking, metres for an adult: PHC's and PhysDiff's evaluations reject at
#: 0.5 m, where nothing of the clip is left. Clean-up takes what is within 6 cm of the input, of which feet put on the
#: floor use some.
TRACKS_M = 0.045
#: A joint distance, mean over joints, at which a performer has fallen, metres for an adult (PHC: 0.5 m).
FELL_M = 0.5
#: A start this deep inside a prop is refused, metres for an adult.
INSIDE_M = 0.10


@dataclass(frozen=True)
class TrackSettings:
    """How to track; the defaults are those measured in `docs` and tests."""

    #: Bounds of the residual wrench to choose from, falling: share of body weight, share of mass x g x height.
    bounds: tuple[tuple[float, float], ...] = (
        (1.0, 0.3), (0.5, 0.2), (0.25, 0.1), (0.16, 0.07), (0.1, 0.05), (0.05, 0.03),
    )  # fmt: skip
    first: int = 2  # which of them is tried first
    rollouts: int = 4  # tries at most
    tracks_m: float = TRACKS_M  # mean joint distance allowed, metres for an adult; `PEAK` times in the worst frame
    stiffness: float = 0.6  # factor on DeepMimic's gains: planned torques do most of the work
    root_rad_s: float = 14.0  # natural frequency of the residual wrench's PD
    mass_kg: float | None = None  # of every performer; None: from the skin
    floor_m: float | None = 0.0  # height of the floor; None: only the stage's props


def track(
    clips: Sequence[Clip],
    characters: Sequence[Character | None],
    stage: Stage | None = None,
    *,
    ground: Ground | None = None,
    settings: TrackSettings | None = None,
) -> list[Rollout]:
    """Simulate performers together, each with the least help that still tracks its clip.

    All stand in one world from time 0 on and collide with each other and with the stage's standing props. What they
    touch carries them (`physics.support`); bounds of the residual wrench go down rollout by rollout in every window
    that tracks, and up where one does not. The rollout is kept in which most seconds track, with the least help.
    In flight no residual force acts. The same input gives the same bytes.

    Args:
        clips: one a performer, world coordinates, one frame rate.
        characters: whose skin each has; None: the default body's on the clip's bones.
        stage: set with props; None: only the floor.
        ground: what plans stand on; None: found on the stage.
        settings: see `TrackSettings`.

    Returns:
        One rollout a clip. A simulation that explodes or falls ends there: ``fell`` is true, the clip holds the frames
        up to there, and nothing in it is NaN.

    Raises:
        BadInput: no clips, as many characters as clips expected, different rates, a clip of one frame or with a
            pelvis beyond 40 m/s, a body outside 0.3 to 4 m or without mass, too many props, Bullet gone.
    """
    settings = settings or TrackSettings()
    started = time.perf_counter()
    shot = Shot.of(clips, characters, stage, ground, settings)
    helps = [
        Help(plan.frames, float(clip.fps), settings.bounds, settings.first, settings.tracks_m)
        for plan, clip in zip(shot.plans, clips, strict=True)
    ]
    lines: list[list[str]] = [[] for _ in clips]
    best: list[Rollout] = []
    most: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tries = 0
    while tries < settings.rollouts:
        runs = shot.perform([helper.bounds() for helper in helps])
        tries += 1
        kept = sum(helper.tracked_s(run) for helper, run in zip(helps, runs, strict=True))
        score = (round(kept, 3), -sum(run.fell for run in runs), -sum(run.help_share for run in runs))
        if not best or score > most:
            best, most = runs, score
        for i, run in enumerate(runs):
            lines[i].append(_line(run, helps[i].tracked_s(run)))
        learned = [helper.learn(run) for helper, run in zip(helps, runs, strict=True)]
        if not any(learned):
            break
    seconds = time.perf_counter() - started
    return [replace(run, seconds=seconds, rollouts=tries, tries=tuple(lines[i])) for i, run in enumerate(best)]


@contextmanager
def _ground(
    clips: Sequence[Clip], stage: Stage | None, ground: Ground | None, settings: TrackSettings
) -> Iterator[Ground]:
    """The given ground, or what rays find on the stage, or a level floor."""
    level = -1e6 if settings.floor_m is None else settings.floor_m
    if ground is not None or stage is None or not stage.props:
        yield ground or Ground(level=level)
        return
    ways = np.concatenate([clip.root_position for clip in clips])
    with World(floor_m=settings.floor_m) as world:
        near = world.add_stage(stage, ways.min(0), ways.max(0))
        yield Ground(world.heights) if near else Ground(level=level)


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


@dataclass(frozen=True)
class Shot:
    """Performers with their bodies and plans on a stage, ready to be simulated any number of times."""

    clips: tuple[Clip, ...]
    bodies: tuple[Humanoid, ...]
    plans: tuple[Plan, ...]
    stage: Stage | None
    settings: TrackSettings

    @classmethod
    def of(
        cls, clips: Sequence[Clip], characters: Sequence[Character | None], stage: Stage | None,
        ground: Ground | None, settings: TrackSettings,
    ) -> Shot:  # fmt: skip
        """Build bodies and plan; arguments and errors as for `track`."""
        _check(clips, characters, settings)
        bodies = tuple(
            humanoids.build(character, clip.rest_offsets, mass_kg=settings.mass_kg)
            for clip, character in zip(clips, characters, strict=True)
        )
        with _ground(clips, stage, ground, settings) as found:
            made = tuple(
                plans.make(body, clip, found, stiffness=settings.stiffness, root=settings.root_rad_s)
                for body, clip in zip(bodies, clips, strict=True)
            )
        return cls(tuple(clips), bodies, made, stage, settings)

    def perform(
        self, bounds: Sequence[Array], aims: Sequence[Plan] | None = None, frames: int | None = None
    ) -> list[Rollout]:
        """One rollout of everyone in a fresh world.

        Args:
            bounds: ``(T, 2)`` for each performer, see `Performer`.
            aims: plans that control follows instead; distances are still counted from the shot's own.
            frames: where to stop; None: at the end.

        Raises:
            BadInput: Bullet is gone, or the stage cannot be built.
        """
        try:
            cast = self._simulate(bounds, aims or self.plans, frames)
        except pybullet.error as error:
            raise BadInput(f"track: Bullet stopped in the middle ({error})") from None
        return [
            _rollout(performer, plan, clip, self.settings)
            for performer, plan, clip in zip(cast, self.plans, self.clips, strict=True)
        ]

    def _simulate(self, bounds: Sequence[Array], aims: Sequence[Plan], frames: int | None) -> list[Performer]:
        size = float(np.median([body.height_m for body in self.bodies])) / 1.7
        with World(aims[0].step_s, floor_m=self.settings.floor_m, size=size) as world:
            if self.stage is not None and self.stage.props:
                ways = np.concatenate([plan.root for plan in self.plans])
                world.add_stage(self.stage, ways.min(0), ways.max(0))
            cast = [
                Performer(world, body, plan, bound) for body, plan, bound in zip(self.bodies, aims, bounds, strict=True)
            ]
            for performer in cast:
                performer.refuse_inside(INSIDE_M)
            last = max(len(plan.root) for plan in aims)
            if frames is not None:
                last = min(last, (frames - 1) * aims[0].per_frame + 2)
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
        return cast


def _rollout(performer: Performer, plan: Plan, clip: Clip, settings: TrackSettings) -> Rollout:
    body = performer.humanoid
    links, places = performer.poses()
    frames = len(places)
    rotations = body.to_joints(links, clip.rotations[:frames])
    contacts, fingers = clip.contacts, clip.fingers
    simulated = replace(
        clip,
        rotations=rotations,
        root_position=places,
        contacts=None if contacts is None else replace(contacts, on=contacts.on[:frames]),
        fingers=None if fingers is None else fingers[:frames],
    )
    intended = replace(
        clip,
        rotations=body.to_joints(plan.links[:: plan.per_frame], clip.rotations),
        root_position=plan.root[:: plan.per_frame],
    )
    reached = simulated.positions()
    error = np.linalg.norm(reached - clip.positions()[:frames], axis=-1).mean(1)
    planned = np.linalg.norm(reached - intended.positions()[:frames], axis=-1).mean(1)
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
        simulated, force, torque, feet, error, planned, limited, plan.flight[:frames], performer.bounds[:frames],
        body.mass_kg, body.height_m, fell, tracked, 0.0, 0, reason,
    )  # fmt: skip


def _line(run: Rollout, tracked_s: float) -> str:
    low, high = run.bounds.min(0), run.bounds.max(0)
    return (
        f"bounds {low[0]:.2f} to {high[0]:.2f} BW, {low[1]:.2f} to {high[1]:.2f} mgh: tracks {tracked_s:.1f} s, "
        f"{100 * run.planned_error_m.mean():.1f} cm, {run.force_share:.3f} BW, {run.torque_share:.3f} mgh"
        f"{', ' + run.reason if run.reason else ''}"
    )
