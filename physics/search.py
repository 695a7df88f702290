"""`search`: one shot improved by sampling: CMA-ES over corrections of what control aims at, half second by half second.

    rollouts = search(clips, characters, stage, options=Search(processes=8))

`physics.tracking.track` is asked first; then targets of hips, knees, ankles, spine and pelvis are bent a little, knot
by knot along the shot, so that the body tracks better, with less help, cleaner feet and less jerk (Liu et al. 2010,
SAMCON; Hansen 2016, CMA-ES). Every candidate is simulated from the start, so that what is found is what plays. It takes
hundreds of rollouts: for the one shot that matters. Needs the extra `search`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np

from motion.character import Character
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Stage
from physics import metrics, tracking
from physics.ground import Ground
from physics.posed import Posed
from physics.rollout import Rollout
from physics.soles import Soles
from physics.tracking import Shot, TrackSettings

#: Joints whose targets are corrected, all three axes.
CORRECTED: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "spine1", "spine3",
)  # fmt: skip
#: One unit of a correction: radians, and metres of the pelvis for an adult.
_TURN, _MOVE_M = 0.10, 0.02
#: What counts as one unit of cost: mean joint distance in metres for an adult, shares of body weight and of m g h,
#: Phys-Err in mm, jerk in m/s³; and the price of a correction of one unit.
_ERROR_M, _FORCE, _TORQUE, _PHYS_ERR_MM, _JERK, _PRICE = 0.03, 0.1, 0.05, 3.0, 1000.0, 0.02
#: What a fall costs, for every frame that is missed.
_FALL = 10.0


@dataclass(frozen=True)
class Search:
    """How long to search, and where."""

    seconds: float | None = None  # of computing; None: as many rollouts as asked for, and the same result every time
    rollouts: int = 600  # candidates at most
    generations: int = 5  # of CMA-ES for each knot
    population: int = 12
    knot_s: float = 0.3  # seconds between corrections
    horizon_s: float = 0.6  # a correction is judged over so much time after its knot
    sigma: float = 0.35  # first spread of the samples, in units
    processes: int = 1
    seed: int = 0


def search(
    clips: Sequence[Clip],
    characters: Sequence[Character | None],
    stage: Stage | None = None,
    *,
    ground: Ground | None = None,
    settings: TrackSettings | None = None,
    options: Search | None = None,
    tell: Callable[[float, str], None] = lambda share, line: None,
) -> list[Rollout]:
    """`physics.tracking.track`, then better.

    Args:
        clips: as for `track`, and so the next four.
        characters: whose skin each has.
        stage: what they stand among.
        ground: what plans stand on.
        settings: of tracking.
        options: of the search. With the same seed, and no limit in seconds, the same input gives the same bytes
            whatever the number of processes.
        tell: is told the share that is done and a line of how it goes.

    Returns:
        Rollouts as `track` gives them; its own where nothing better was found.

    Raises:
        BadInput: as `track`; options that make no sense; the package `cma` is missing.
    """
    options = options or Search()
    _check(options)
    cma = _cma()
    settings = settings or TrackSettings()
    started = time.perf_counter()
    plain = tracking.track(clips, characters, stage, ground=ground, settings=settings)
    shot = Shot.of(clips, characters, stage, ground, settings)
    soles = tuple(
        Soles.of_skeleton(clip.rest_offsets) if character is None else Soles.of(character)
        for clip, character in zip(clips, characters, strict=True)
    )
    problem = _Problem(
        shot, soles, tuple(_padded(run, plan.frames) for run, plan in zip(plain, shot.plans, strict=True))
    )
    frames = max(plan.frames for plan in shot.plans)
    fps = float(clips[0].fps)
    knots = np.arange(0.0, (frames - 1) / fps + options.knot_s, options.knot_s)
    found = np.zeros((len(knots), len(clips), problem.size))
    before = problem.cost(problem.perform(knots, found, None), found, 0, frames)
    tried = 0
    ends = np.minimum(frames, np.rint((knots + options.horizon_s) * fps).astype(int) + 1)
    shares = np.cumsum(ends) / ends.sum()  # of the time: whatever comes later takes longer to play
    with _workers(problem, options) as evaluate:
        for k, at in enumerate(knots):
            first = max(0, round((at - options.knot_s) * fps))
            stop = int(ends[k])
            if stop - first < 3:
                continue
            strategy = cma.CMAEvolutionStrategy(
                found[k].ravel(), options.sigma,
                {"popsize": options.population, "verbose": -9, "seed": np.nan,
                 "randn": _normal(options.seed, k)},
            )  # fmt: skip
            least, best = evaluate([(knots, found.copy(), first, stop)])[0], found[k].copy()
            for _ in range(options.generations):
                if tried + options.population > max(options.population, options.rollouts * (k + 1) // len(knots)):
                    break
                if options.seconds is not None and time.perf_counter() - started > options.seconds * shares[k]:
                    break
                samples = strategy.ask()
                jobs = []
                for sample in samples:
                    changed = found.copy()
                    changed[k] = np.reshape(sample, found[k].shape)
                    jobs.append((knots, changed, first, stop))
                costs = evaluate(jobs)
                tried += len(jobs)
                strategy.tell(samples, costs)
                if min(costs) < least:
                    least, best = min(costs), jobs[int(np.argmin(costs))][1][k]
            found[k] = best
            tell((k + 1) / len(knots), f"{at:.1f} s: cost {least:.2f} after {tried} rollouts")
    runs = problem.perform(knots, found, None)
    after = problem.cost(runs, found, 0, frames)
    line = f"search: cost {before:.3f} to {after:.3f} in {tried} rollouts"
    if not after < before:
        runs, line = plain, f"search: nothing better in {tried} rollouts"
    seconds = time.perf_counter() - started
    return [
        replace(run, seconds=seconds, rollouts=old.rollouts + tried, tries=(*old.tries, line))
        for run, old in zip(runs, plain, strict=True)
    ]


def _check(options: Search) -> None:
    for name in ("rollouts", "generations", "processes"):
        if getattr(options, name) < 1:
            raise BadInput(f"search: {name} {getattr(options, name)}, expected at least 1")
    if options.population < 4:
        raise BadInput(f"search: population {options.population}, expected at least 4")
    for name in ("knot_s", "horizon_s", "sigma"):
        value = getattr(options, name)
        if not 0.01 <= value <= 10.0:
            raise BadInput(f"search: {name} {value}, expected 0.01 to 10")
    if options.seconds is not None and not options.seconds > 0:
        raise BadInput(f"search: {options.seconds} seconds, expected more than 0")


def _cma() -> Any:
    try:
        import cma
    except ImportError:
        raise BadInput("search: the package cma is missing; pip install 'cinemotion[search]'") from None
    return cma


def _normal(seed: int, knot: int) -> Callable[..., Array]:
    """Normal samples of a generator of its own, in the form that `cma` asks for."""
    generator = np.random.default_rng([seed, knot])
    return lambda *shape: generator.standard_normal(shape)


def _padded(run: Rollout, frames: int) -> Array:
    """The bounds of a rollout that may have ended early, ``(T, 2)``."""
    missing = frames - len(run.bounds)
    return np.concatenate([run.bounds, np.repeat(run.bounds[-1:], missing, axis=0)]) if missing else run.bounds


@dataclass(frozen=True)
class _Problem:
    """What a worker has to know."""

    shot: Shot
    soles: tuple[Soles, ...]
    bounds: tuple[Array, ...]

    @property
    def size(self) -> int:
        """Numbers of one knot of one performer: turns of `CORRECTED`, then the pelvis's move."""
        return 3 * len(CORRECTED) + 3

    def perform(self, knots: Array, values: Array, frames: int | None) -> list[Rollout]:
        """A rollout of corrections ``(K, performers, size)`` at times ``(K,)``, seconds."""
        aims = []
        for i, (body, plan) in enumerate(zip(self.shot.bodies, self.shot.plans, strict=True)):
            if not values[:, i].any():
                aims.append(plan)
                continue
            times = np.asarray(np.arange(len(plan.root)) * plan.step_s, dtype=np.float64)
            smooth = _between(times, knots, values[:, i])
            turns = np.zeros((len(times), len(body.links), 3))
            for j, name in enumerate(CORRECTED):
                turns[:, 0 if name == "pelvis" else body.index(name)] = _TURN * smooth[:, 3 * j : 3 * j + 3]
            aims.append(plan.corrected(turns, _MOVE_M * body.height_m / 1.7 * smooth[:, -3:]))
        return self.shot.perform(self.bounds, aims, frames)

    def cost(self, runs: Sequence[Rollout], values: Array, first: int, stop: int) -> float:
        """Distance, help, feet and jerk over frames ``first`` to ``stop``, in units; and what corrections cost."""
        total = _PRICE * float((values**2).sum())
        for run, plan, body, soles in zip(runs, self.shot.plans, self.shot.bodies, self.soles, strict=True):
            here = slice(first, min(stop, run.clip.frames))
            missing = max(0, min(stop, plan.frames) - run.clip.frames)
            total += _FALL * missing / max(1, stop - first)
            if run.clip.frames - first < 3:
                continue
            weight = run.mass_kg * 9.81
            made = Posed(_cut(run.clip, here), soles, Ground())
            left_out = run.flight[here]
            err = metrics.phys_err(made.points, left_out, run.clip.fps, made.floor)
            total += float(run.planned_error_m[here].mean()) / (_ERROR_M * body.height_m / 1.7)
            total += float(np.linalg.norm(run.force[here], axis=1).mean()) / (_FORCE * weight)
            total += float(np.linalg.norm(run.torque[here], axis=1).mean()) / (_TORQUE * weight * body.height_m)
            total += err.phys_err_mm / _PHYS_ERR_MM + metrics.jerk_m_s3(made.joints, run.clip.fps) / _JERK
        return total


def _cut(clip: Clip, here: slice) -> Clip:
    return replace(
        clip, rotations=clip.rotations[here], root_position=clip.root_position[here], contacts=None, fingers=None
    )


def _between(times: Array, knots: Array, values: Array) -> Array:
    """Quadratic-smooth interpolation ``(S, N)`` of values ``(K, N)`` at knots: linear, with rounded corners."""
    out = np.stack([np.interp(times, knots, column) for column in values.T], axis=1)
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    width = max(1, round(0.5 * float(knots[1] - knots[0]) / step)) if len(knots) > 1 else 1
    kernel = np.ones(width) / width
    padded = np.pad(out, ((width, width), (0, 0)), mode="edge")
    return np.stack([np.convolve(c, kernel, mode="same")[width:-width] for c in padded.T], axis=1)


Job = tuple[Array, Array, int, int]
_PROBLEM: list[_Problem] = []


@contextmanager
def _workers(problem: _Problem, options: Search) -> Iterator[Callable[[list[Job]], list[float]]]:
    """Costs of candidates, by processes of their own when there are to be several."""
    if options.processes == 1:
        yield lambda jobs: [_evaluate(problem, job) for job in jobs]
        return
    with ProcessPoolExecutor(
        options.processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(problem,)
    ) as pool:
        yield lambda jobs: list(pool.map(_in_worker, jobs))


def _begin(problem: _Problem) -> None:
    _PROBLEM[:] = [problem]


def _in_worker(job: Job) -> float:
    return _evaluate(_PROBLEM[0], job)


def _evaluate(problem: _Problem, job: Job) -> float:
    knots, values, first, stop = job
    return problem.cost(problem.perform(knots, values, stop), values, first, stop)
