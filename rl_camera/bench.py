"""The camera benchmark: every controller on the same held-out episodes, live with live and planned with planned.

Return is normalised between standing still (0) and the largest planner of the run (1). Beside it stand measures that
no reward contains (`rl_camera.measures`). Intervals are bootstraps over training seeds and episodes together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from motion.rotations import Array
from rl_camera import measures
from rl_camera.control import tune
from rl_camera.control.base import Controller, Drive, Static, rollout
from rl_camera.control.policy import Policy
from rl_camera.control.rule import Rule
from rl_camera.control.search import CEM, Greedy
from rl_camera.env import staging
from rl_camera.env.columns import Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.episode import Episodes
from rl_camera.env.library import MotionLibrary, default_library
from rl_camera.env.sampling import Sampler

#: Planner sizes: simulations per decision, as samples, rounds and horizon.
BUDGETS: Mapping[int, tuple[int, int, int]] = {
    64: (8, 1, 8), 256: (16, 1, 16), 1024: (32, 2, 16), 4096: (64, 4, 16), 16_384: (128, 8, 16),
}  # fmt: skip

#: Policies of other training seeds than the shipped one's, to measure how much the seed matters.
SEEDS = Path(__file__).parent / "assets" / "seeds"

#: The first seed of the benchmark's episodes; nothing is trained or tuned on these.
FIRST_SEED = 10_000_000

#: Measures that no reward contains, and whether more is better.
OUTSIDE: Mapping[str, bool] = {
    "face_seen_share": True, "motion_cancelled_share": True, "caption_f1": True, "place_error_half_frames": False,
    "size_error_log": False, "visible_share": True, "occluded_share": False, "missing_share": False,
    "position_jerk_m_s3": False, "rotation_jerk_rad_s3": False,
}  # fmt: skip

#: Of those, what a director must also be better at to count as better.
DECIDING = ("face_seen_share", "motion_cancelled_share", "caption_f1")


@dataclass(frozen=True)
class Row:
    """One controller's figures; several training seeds are one row."""

    name: str
    live: bool
    returns: Array  # (S, E) mean reward of a step, per training seed and episode
    terms: dict[str, float]
    outside: dict[str, Array]  # (S, E) each
    simulations: int  # environment steps per decision
    flops: float  # per decision, counted for networks, estimated for simulations
    decision_ms: float  # wall time of one decision for one camera


@dataclass(frozen=True)
class Table:
    """The benchmark's result."""

    rows: list[Row]
    config: FramingConfig
    episodes: int
    notes: list[str] = field(default_factory=list)

    def row(self, name: str) -> Row:
        """A row by name."""
        return next(r for r in self.rows if r.name == name)

    def normalised(self, row: Row) -> float:
        """(R - static) / (cem - static), cem the largest of the run."""
        low, high = self.row("static").returns.mean(), self.top.returns.mean()
        return float((row.returns.mean() - low) / max(high - low, 1e-9))

    @property
    def top(self) -> Row:
        """The planner with the most simulations."""
        return max(self.rows, key=lambda r: r.simulations)


def planning() -> FramingConfig:
    """The environment of the benchmark where no policy says another."""
    return FramingConfig(keypoints="eight", performers=4)


def held_out(config: FramingConfig, episodes: int) -> tuple[Framing, MotionLibrary, Episodes, Columns]:
    """The benchmark's episodes for a configuration: held-out captures, fixed seeds."""
    library = default_library("test", config.hz, config.data)
    core = Framing(replace(config, split="test", library=library))
    seeds = np.arange(FIRST_SEED, FIRST_SEED + episodes).astype(np.uint64)
    drawn, state = Sampler(core.config, core.table).draw(seeds, np.zeros(episodes, np.uint64))
    return core, library, drawn, state


def run(
    policies: Sequence[str | Path], *, episodes: int = 64, budgets: Sequence[int] = tuple(BUDGETS),
    config: FramingConfig | None = None, say: Callable[[str], None] = lambda _: None,
) -> Table:  # fmt: skip
    """Measure static, rule (as set and tuned), policies, greedy and cem.

    Args:
        policies: weights of one policy from several training seeds; those that look ahead are a row of their own.
        episodes: how many.
        budgets: of `BUDGETS`.
        config: the environment; None: the policies' own, or the planners'.
        say: takes a line per controller.
    """
    every = [Policy(path) for path in policies]
    nets, ahead = [p for p in every if p.live], [p for p in every if not p.live]
    base = config or replace(every[0].config if every else planning(), knowledge="live")
    core, library, drawn, state = held_out(base, episodes)
    judge = _Judge(core, library, drawn, state)
    rows = []

    def add(
        name: str, controllers: Sequence[Controller], simulations: int = 0, flops: float = 0.0, future: bool = False
    ) -> None:
        rows.append(judge.row(name, controllers, simulations, flops, future))
        say(f"{name}: {rows[-1].returns.mean():.4f}")

    add("static", [Static()])
    add("rule", [Rule()])
    notes = []
    if tune.TUNED.is_file():
        found = tune.load()
        add("rule, tuned", [Rule(found.settings)])
        notes.append(f"rule tuned by CMA-ES with {found.steps:,} environment steps")
    if nets:
        add("policy", nets, 0, network_flops(nets[0]))
        look = np.zeros((1, nets[0].net.observation_size), np.float32)
        notes.append(f"the policy's network alone takes {median_ms(lambda: nets[0].net.act(look)):.3f} ms a decision")
    if ahead:
        add("policy, ahead", ahead, 0, network_flops(ahead[0]), future=True)
    step = step_flops(core)
    greedy = Greedy()
    tries = greedy.tries * greedy.horizon
    add("greedy", [greedy], tries, tries * step)
    for budget in budgets:
        samples, rounds, horizon = BUDGETS[budget]
        planner = CEM(samples, rounds, horizon, knots=min(4, horizon))
        add(f"cem {budget:,}", [planner], planner.simulations, planner.simulations * step)
    return Table(rows, core.config, episodes, notes)


def network_flops(policy: Policy) -> float:
    """Floating point operations of a network for one decision."""
    return 2.0 * sum(w.size for w, _ in policy.net.shape.layers)


def step_flops(core: Framing) -> float:
    """About how many floating point operations one simulated step takes, by passes over points, things and cameras."""
    config = core.config
    points = config.performers * core.eye.keys
    return 40.0 * points + 60.0 * config.occluders + 400.0


class _Judge:
    """The same episodes for everybody."""

    def __init__(self, core: Framing, library: MotionLibrary, drawn: Episodes, state: Columns) -> None:
        self.core, self.drawn, self.state = core, drawn, state
        #: The same problem for who sees what comes; episodes are a matter of their seeds alone.
        self.future = Framing(replace(core.config, knowledge="offline"), core.table)
        count = len(drawn)
        self.cast = [staging.performances_of(library, core.table, drawn, i) for i in range(count)]
        self.stages = [staging.stage_of(drawn, i) for i in range(count)]
        self.shots = [staging.shot_of(drawn, i, core.config.hz) for i in range(count)]

    def row(
        self, name: str, controllers: Sequence[Controller], simulations: int, flops: float, future: bool = False
    ) -> Row:
        returns, outside, terms = [], [], []
        core = self.future if future else self.core
        for controller in controllers:
            made = rollout(core, controller, self.drawn, self.state, keep=True)
            returns.append(made.returns)
            terms.append({k: float(v.mean()) for k, v in made.terms.items()})
            outside.append([self._measured(made.states, i) for i in range(len(self.drawn))])
        measured = {
            k: np.array([[one[k] for one in rows] for rows in outside], np.float64)
            for k in OUTSIDE
            if k in outside[0][0]
        }
        mean_terms = {k: float(np.mean([t[k] for t in terms])) for k in terms[0]}
        return Row(
            name, controllers[0].live, np.array(returns), mean_terms, measured, simulations, flops,
            self.decision_ms(core, controllers[0]),
        )  # fmt: skip

    def _measured(self, states: list[Columns], index: int) -> dict[str, Any]:
        config = self.core.config
        path = staging.path_of(states, index, config.hz)
        report = measures.measure(path, self.cast[index], self.stages[index], [self.shots[index]], config.aspect)
        return report.row()

    def decision_ms(self, core: Framing, controller: Controller) -> float:
        """Wall time of one decision of one camera, the observation included; the median."""
        one = self.drawn.take(np.array([0]))
        state = self.state.take(np.array([0]))
        controller.begin(1)
        return median_ms(lambda: controller.act(Drive(core, one, state, None)))


def median_ms(call: Callable[[], object], least: int = 3, seconds: float = 0.3) -> float:
    """The median wall time of a call, milliseconds, over up to 500 of them or so many seconds."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < least or (time.perf_counter() - began < seconds and len(times) < 500):
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    return 1e3 * float(np.median(times))


def interval(difference: Array, rounds: int = 4000, seed: int = 0) -> tuple[float, float, float]:
    """Mean and 95 % bootstrap interval of differences ``(S, E)``: training seeds and episodes are both redrawn."""
    rng = np.random.default_rng(seed)
    known = ~np.isnan(difference)
    if not known.any():
        return float("nan"), float("nan"), float("nan")
    S, E = difference.shape
    drawn = []
    for _ in range(rounds):
        part = np.ix_(rng.integers(0, S, S), rng.integers(0, E, E))
        if known[part].any():
            drawn.append(difference[part][known[part]].mean())
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(difference[known].mean()), float(low), float(high)


def against(table: Table, name: str, other: str) -> dict[str, tuple[float, float, float]]:
    """What one row gains on another: return and every measure, each the mean and its interval; positive is better."""
    a, b = table.row(name), table.row(other)
    out = {"return": interval(a.returns - b.returns)}
    for measure, more in OUTSIDE.items():
        if measure in a.outside:
            sign = 1.0 if more else -1.0
            out[measure] = interval(sign * (a.outside[measure] - b.outside[measure]))
    return out


def mean_of(values: Array) -> float:
    """The mean of what there was to judge; nan where there was nothing."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def as_json(table: Table) -> dict[str, Any]:
    """The table for a file."""
    rows = [
        {
            "name": row.name, "live": row.live, "return": float(row.returns.mean()),
            "normalised": table.normalised(row), "per_seed": row.returns.mean(1).tolist(), "terms": row.terms,
            "outside": {k: mean_of(v) for k, v in row.outside.items()},
            "simulations": row.simulations, "flops": row.flops, "decision_ms": row.decision_ms,
        }
        for row in table.rows
    ]  # fmt: skip
    settings = {k: v for k, v in asdict(replace(table.config, library=None)).items() if k != "library"}
    compared = {}
    names = [r.name for r in table.rows]
    for name in ("policy", "policy, ahead", "rule", "greedy"):
        if name in names and "rule, tuned" in names:
            compared[name] = against(table, name, "rule, tuned")
    return {"episodes": table.episodes, "config": settings, "rows": rows, "against the tuned rule": compared,
            "notes": table.notes}  # fmt: skip
