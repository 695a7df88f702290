"""Directors on the benchmark's scenes: the same shots by everybody, live with live and planned with planned.

Every registered director is measured, a user's own too. Live, a director is stepped frame by frame and knows nothing
later (`director.roll_out`); planned, it is handed the whole motion. The measures are `rl_camera.measures`'; of the
framing ones the environment's reward knows relatives, the deciding ones (`bench.DECIDING`) are in no reward.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from motion.camera import CameraPath
from motion.errors import BadInput, unknown
from motion.rotations import Array
from rl_camera import bench, measures
from rl_camera import director as protocol
from rl_camera.bench_scenes import BenchScene
from rl_camera.control import tune
from rl_camera.control.rule import Rule
from rl_camera.director import Director
from rl_camera.measures import CameraReport
from rl_camera.steered import PLANNING, SteeredDirector, policy_director

#: Frames a second and width over height of the benchmark's films.
FPS, ASPECT = Fraction(24), 16 / 9

#: The rule controller on a rig with limits, its numbers tuned by CMA-ES: whom a director has to beat.
TUNED = "tuned_rule"

#: Directors that live are another one.
ALIAS: Mapping[str, str] = {"dp": "rule"}

#: Scenes below which an interval over scenes says nothing.
FEWEST = 5

#: What directors are ranked by, and whether more is better.
MEASURES: Mapping[str, bool] = {**bench.OUTSIDE, "horizon_error_deg": False, "inside_share": False}


@dataclass(frozen=True)
class Row:
    """One director on all scenes."""

    name: str
    live: bool
    reports: tuple[CameraReport, ...]
    paths: tuple[CameraPath, ...] = field(repr=False)
    wall: float  # seconds of work for a second of film

    def values(self, measure: str) -> Array:
        """A measure on every scene, ``(E,)``; nan where there was nothing to judge."""
        return np.array([report.row()[measure] for report in self.reports], dtype=np.float64)

    def mean(self, measure: str) -> float:
        """Its mean over the scenes."""
        return bench.mean_of(self.values(measure))


@dataclass(frozen=True)
class Table:
    """The comparison."""

    scenes: tuple[BenchScene, ...]
    rows: tuple[Row, ...]
    refused: tuple[str, ...]  # directors that could not film, and why

    def block(self, live: bool) -> list[Row]:
        """Rows that know the future or do not, the best mean rank first."""
        ranks = self.ranks(live)
        return sorted((r for r in self.rows if r.live is live), key=lambda r: ranks[r.name])

    def ranks(self, live: bool) -> dict[str, float]:
        """Mean rank of each row of a block over its measures and scenes; 1 is the best of all in everything."""
        rows = [r for r in self.rows if r.live is live]
        if not rows:
            return {}
        all_ranks = []
        for measure, more in MEASURES.items():
            values = np.array([row.values(measure) for row in rows])  # (R, E)
            all_ranks.append(stats.rankdata(-values if more else values, axis=0, nan_policy="omit"))
        ranks = np.concatenate(all_ranks, axis=1)
        return {row.name: bench.mean_of(own) for row, own in zip(rows, ranks, strict=True)}

    def against(self, row: Row, name: str = TUNED) -> dict[str, tuple[float, float, float]]:
        """What a row gains on another of its block: mean and 95 % interval over scenes; positive is better.

        Nothing for the other itself, nor on fewer than `FEWEST` scenes.
        """
        other = next((r for r in self.rows if r.name == name and r.live is row.live), None)
        if other is None or other is row or len(self.scenes) < FEWEST:
            return {}
        gains = {}
        for measure, more in MEASURES.items():
            difference = (row.values(measure) - other.values(measure)) * (1.0 if more else -1.0)
            gains[measure] = bench.interval(difference[None])
        return gains


def directors(policy: str | Path | None = None) -> dict[str, Callable[[], Director]]:
    """Makers of all directors by name, the registered ones first.

    Args:
        policy: weights for ``policy``, a file or a name; None: the shipped ones.
    """
    made: dict[str, Callable[[], Director]] = {n: partial(protocol.find_director, n) for n in protocol.registered()}
    if policy is not None:
        made["policy"] = lambda: policy_director(policy)
    if tune.TUNED.is_file():
        made[TUNED] = lambda: SteeredDirector(Rule(tune.load().settings), PLANNING)
    return made


def run(
    scenes: Sequence[BenchScene], names: Sequence[str] | None = None, *, policy: str | Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Table:  # fmt: skip
    """Film all scenes by all directors and measure.

    Args:
        scenes: from `bench_scenes.held_out`, or one's own.
        names: of directors; None: all that are registered, and the tuned rule.
        policy: weights of the policy director.
        say: takes a line per director.

    Raises:
        BadInput: no such director, or no scenes.
    """
    if not scenes:
        raise BadInput("bench camera: no scenes")
    known = directors(policy)
    for name in names or ():
        if name not in known:
            raise unknown("director", name, known)
    rows, refused = [], []
    for name in dict.fromkeys(names or known):
        for live in (True, False):
            if not _films(name, known[name], live):
                continue
            try:
                rows.append(_row(name, known[name], live, scenes))
            except BadInput as error:
                if "cannot act live" not in str(error):
                    refused.append(f"{name}: {error}")
                continue
            say(f"{name} ({'live' if live else 'planned'}): {rows[-1].wall:.2f} s a second of film")
    return Table(tuple(scenes), tuple(rows), tuple(refused))


def _films(name: str, make: Callable[[], Director], live: bool) -> bool:
    """Whether a director belongs to a block: what never looks ahead is not compared with planners, but for the rule."""
    if live:
        return name not in ALIAS
    controller = getattr(make(), "controller", None) if name != TUNED else None
    return not getattr(controller, "live", False)


def _row(name: str, make: Callable[[], Director], live: bool, scenes: Sequence[BenchScene]) -> Row:
    reports, paths, spent = [], [], 0.0
    for scene in scenes:
        shots = [protocol.check(replace(s, director="rule"), scene.performances) for s in scene.shots]
        director = make()
        began = time.perf_counter()
        if live:
            path = protocol.roll_out(director, scene.performances, scene.stage, shots, FPS, ASPECT)
        else:
            path = director.plan(scene.performances, scene.stage, shots, FPS, ASPECT)
        spent += time.perf_counter() - began
        paths.append(path)
        reports.append(measures.measure(path, scene.performances, scene.stage, shots, ASPECT))
    return Row(name, live, tuple(reports), tuple(paths), spent / sum(s.seconds for s in scenes))


def as_json(table: Table) -> dict[str, Any]:
    """The comparison for a file; every measure of every director on every scene."""
    scenes = [
        {
            "number": s.number, "performers": [p.name for p in s.performances],
            "things": [{"shape": p.shape, "size": list(p.size)} for p in s.stage.props],
            "shots": [{k: v for k, v in asdict(shot).items() if k != "director"} for shot in s.shots],
        }
        for s in table.scenes
    ]  # fmt: skip
    rows = []
    for live in (True, False):
        ranks = table.ranks(live)
        for row in table.block(live):
            every = row.reports[0].row()
            rows.append(
                {
                    "director": row.name, "live": live, "mean_rank": ranks[row.name],
                    "seconds_per_film_second": row.wall,
                    "means": {k: number(row.mean(k)) for k in every if every[k] is not None},
                    "scenes": [{k: number(v) for k, v in r.row().items()} for r in row.reports],
                    f"against the {TUNED}": {k: [number(x) for x in v] for k, v in table.against(row).items()},
                }
            )  # fmt: skip
    return {"scenes": scenes, "fps": float(FPS), "aspect": ASPECT, "rows": rows, "refused": list(table.refused)}


def number(value: float | int | None) -> float | int | None:
    """A number as JSON has it: nothing where there was nothing to judge."""
    return None if value is None or not math.isfinite(value) else value
