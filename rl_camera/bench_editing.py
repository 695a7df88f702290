"""Editors on held-out scenes: who cuts when, what it is worth, and which rules of cutting it breaks.

First the episodes of `cinemotion/Coverage-v0` (`bench_editors`): everybody chooses among the same eight cameras, and
the best edit by dynamic programming is a true bound. Then films of the same scenes by editors that set up cameras of
their own (`bench_films`). Returns are `editing`'s, in seconds of a perfect picture per second of film; broken rules are
counted by `measures_edit`, which nothing here maximises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from motion.body import Body
from motion.camera import CameraPath, Shot
from motion.errors import BadInput
from motion.rotations import Array
from rl_camera import bench, framing
from rl_camera.bench_directors import number
from rl_camera.bench_editors import BEST, EDITORS, NEVER, Editor, played
from rl_camera.bench_films import FILMS, FPS, Film, worth
from rl_camera.coverage.bank import Bank, bake
from rl_camera.coverage.config import CoverageConfig
from rl_camera.coverage.scenes import SAMPLES, Scene
from rl_camera.editing import CUT_TERMS
from rl_camera.measures_edit import Editing, editing
from rl_camera.placement import Surroundings


@dataclass(frozen=True)
class Row:
    """One editor on all scenes."""

    name: str
    live: bool  # it knows the present alone
    returns: Array  # (E,) seconds of a perfect picture per second of film
    terms: dict[str, float]  # mean of each cut term over the cuts, 0 fine, 1 a plain fault
    counts: tuple[Editing, ...]  # one for each scene
    lengths_s: Array  # (shots of all scenes,)

    @property
    def lengths(self) -> dict[str, float]:
        """Cuts a scene and the lengths of all shots, seconds; mu and sigma of the log-normal law they would follow."""
        length, logs = self.lengths_s, np.log(self.lengths_s)
        return {
            "cuts": len(length) / len(self.counts) - 1.0, "mean_s": float(length.mean()),
            "median_s": float(np.median(length)), "sd_s": float(length.std()), "min_s": float(length.min()),
            "max_s": float(length.max()), "mean_log": float(logs.mean()), "sd_log": float(logs.std()),
        }  # fmt: skip

    def total(self, count: str) -> float:
        """A count of `Editing` over all scenes."""
        return float(self._of(count).sum())

    def actor_seen(self) -> float:
        """Share of the time in which the head of who acts most is seen."""
        return bench.mean_of(self._of("actor_seen_share"))

    def _of(self, name: str) -> Array:
        return np.array([getattr(c, name) for c in self.counts], dtype=np.float64)


@dataclass(frozen=True)
class Table:
    """Both comparisons."""

    episodes: tuple[Row, ...]
    films: tuple[Row, ...]
    seconds: float  # of a scene
    style: str

    def normalised(self, row: Row) -> float:
        """(R − never cut) / (best edit − never cut), for a row of the episodes."""
        low, high = (next(r for r in self.episodes if r.name == n).returns.mean() for n in (NEVER, BEST))
        return float((row.returns.mean() - low) / max(high - low, 1e-9))


def run(
    episodes: int = 64, films: int = 12, *, bank: Bank | None = None, say: Callable[[str], None] = lambda _: None
) -> Table:
    """Cut held-out scenes by every editor.

    Args:
        episodes: scenes that are cut among the environment's cameras.
        films: the first so many of them are filmed by editors with cameras of their own too; 0: none.
        bank: scenes, instead of the held-out ones.
        say: takes a line per editor.

    Raises:
        BadInput: fewer than one episode, or more films than episodes.
    """
    bank = bank or bake(CoverageConfig(split="test", seed=bench.FIRST_SEED, scenes=max(episodes, 1)))
    if not 1 <= episodes <= bank.size or not 0 <= films <= episodes:
        raise BadInput(
            f"bench camera: {episodes} episodes and {films} films, expected 1 or more and no more films than episodes"
        )
    scenes = [bank.scene(k) for k in range(episodes)]
    rows, made = [], []
    for name, (live, editor) in EDITORS.items():
        rows.append(_episode_row(name, live, editor, bank, scenes))
        say(f"{name}: {rows[-1].returns.mean():.3f}")
    for name, maker in FILMS.items() if films else ():
        made.append(_film_row(name, maker, bank.config, scenes[:films]))
        say(f"film, {name}: {made[-1].returns.mean():.3f}")
    return Table(tuple(rows), tuple(made), bank.config.steps * bank.config.tick_s, str(bank.config.style))


def _episode_row(name: str, live: bool, editor: Editor, bank: Bank, scenes: Sequence[Scene]) -> Row:
    returns, counts, joined, lengths = [], [], [], []
    for k, scene in enumerate(scenes):
        on = editor(bank, k, np.random.default_rng([bench.FIRST_SEED, k]))
        paid = played(bank, k, on)
        returns.append(paid / (bank.config.steps * bank.config.tick_s))
        edges = np.flatnonzero(np.diff(on)) + 1
        joined += [bank.cut[k, t, on[t - 1], on[t]] for t in edges]
        counts.append(_counted(bank, k, scene, on))
        lengths.append(np.diff([0, *edges, len(on)]) * bank.config.tick_s)
    return Row(name, live, np.array(returns), _terms(joined), tuple(counts), _all(lengths))


def _counted(bank: Bank, number_: int, scene: Scene, on: np.ndarray) -> Editing:
    """An edit's shots and cuts, by where the cameras stand at every tick."""
    config, ticks = bank.config, np.arange(len(on))
    rate = Fraction(1.0 / config.tick_s).limit_denominator(1000)
    cuts = np.concatenate([[True], on[1:] != on[:-1]])
    T, focal = (a[number_][ticks, on].astype(np.float64) for a in (bank.T_world_camera, bank.focal_mm))
    path = CameraPath(T, focal, rate, cuts=cuts)
    starts = [*np.flatnonzero(cuts), len(on)]
    times = np.asarray(ticks * config.tick_s, dtype=np.float64)
    everyone = replace(scene.everyone, times=times, points=scene.everyone.points[:-1:SAMPLES])
    shots = [
        Shot(a * config.tick_s, b * config.tick_s, scene.candidates[on[a]].of, scene.candidates[on[a]].size)
        for a, b in pairwise(map(int, starts))
    ]
    return editing(path, shots, everyone, Surroundings(scene.stage, scene.performances), config.aspect)


def _all(lengths: Sequence[Array]) -> Array:
    return np.concatenate(lengths)


def _terms(joined: Sequence[Array]) -> dict[str, float]:
    means = np.mean(joined, axis=0) if joined else np.full(len(CUT_TERMS), np.nan)
    return dict(zip(CUT_TERMS, map(float, means), strict=True))


def _film_row(
    name: str,
    maker: Callable[[Scene, CoverageConfig, np.random.Generator], Film],
    config: CoverageConfig,
    scenes: Sequence[Scene],
) -> Row:
    body, returns, counts, joined, lengths = Body.default(), [], [], [], []
    for k, drawn in enumerate(scenes):
        scene = replace(drawn, performances=tuple(replace(p, character=body) for p in drawn.performances))
        film = maker(scene, config, np.random.default_rng([bench.FIRST_SEED, k]))
        value, cuts = worth(film, scene, config.rules, config.aspect)
        returns.append(value / config.seconds)
        joined += list(cuts)
        everyone = framing.track(scene.performances, np.arange(film.path.frames) / float(FPS))
        around = Surroundings(scene.stage, scene.performances)
        lengths.append(np.array([s.end_s - s.start_s for s in film.shots]))
        counts.append(editing(film.path, film.shots, everyone, around, config.aspect))
    return Row(name, False, np.array(returns), _terms(joined), tuple(counts), _all(lengths))


def as_json(table: Table) -> dict[str, Any]:
    """Both comparisons for a file; every count of every editor on every scene."""

    def rows(of: Sequence[Row], other: str) -> list[dict[str, Any]]:
        base = next(r for r in of if r.name == other)
        return [
            {
                "editor": row.name, "live": row.live, "return_per_second": float(row.returns.mean()),
                **({"normalised": table.normalised(row)} if of is table.episodes else {}),
                f"against '{other}'": bench.interval((row.returns - base.returns)[None]),
                "returns": row.returns.tolist(), "shot_lengths": {k: number(v) for k, v in row.lengths.items()},
                "cut_terms": {k: number(v) for k, v in row.terms.items()}, "actor_seen_share": number(row.actor_seen()),
                "scenes": [{k: number(v) for k, v in asdict(c).items()} for c in row.counts],
            }
            for row in of
        ]  # fmt: skip

    films = rows(table.films, NEVER) if table.films else []
    return {
        "scene_seconds": table.seconds, "style": table.style, "episodes": rows(table.episodes, NEVER), "films": films,
    }  # fmt: skip
