"""The rule controller at its best: settings tuned by CMA-ES, with as many environment steps as a policy had."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from motion.errors import BadInput, need
from rl_camera.control.base import rollout
from rl_camera.control.rule import Rule, RuleSettings
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.sampling import Sampler

#: Settings that `tune` found, shipped.
TUNED = Path(__file__).parent.parent / "assets" / "rule.json"


@dataclass(frozen=True)
class Tuned:
    """What a tuning found."""

    settings: RuleSettings
    value: float  # mean reward of a step, on training episodes that the search did not see
    before: float  # the same with the settings as they were
    steps: int  # of the environment


def tune(
    config: FramingConfig, steps: int, seed: int = 0, episodes: int = 512, say: Callable[[str], None] = lambda _: None
) -> Tuned:
    """Search for settings with the highest reward on training episodes, new ones for every generation.

    Args:
        config: the environment.
        steps: of the environment, at most; the last generation is finished.
        seed: of the search and the episodes.
        episodes: per candidate.
        say: takes a line now and then.

    Raises:
        BadInput: fewer steps than one generation takes.
        MissingExtra: cma is not installed.
    """
    cma = need("cma", "search", "tuning the rule controller")
    core = Framing(config)
    sampler = Sampler(core.config, core.table)
    cost = episodes * config.steps

    def value(settings: RuleSettings, first: int) -> float:
        seeds = np.arange(first, first + episodes).astype(np.uint64)
        drawn = sampler.draw(seeds, np.zeros(episodes, np.uint64))
        return float(rollout(core, Rule(settings), *drawn).returns.mean())

    start = RuleSettings()
    search = cma.CMAEvolutionStrategy(start.vector(), 0.4, {"seed": seed + 1, "verbose": -9})
    if steps < cost * search.popsize:
        raise BadInput(f"tuning: {steps:,} steps, expected at least {cost * search.popsize:,}: one generation")
    spent, generation = 0, 0
    while spent < steps:
        tried = search.ask()
        first = (seed + 1) * 100_000_000 + generation * episodes
        search.tell(tried, [-value(RuleSettings.of(v), first) for v in tried])
        spent += cost * len(tried)
        generation += 1
        if generation % 10 == 0:
            say(f"tuning: {spent:,} steps, {-search.best.f:.4f}")
    found, last = RuleSettings.of(search.mean), 90_000_000
    return Tuned(found, value(found, last), value(start, last), spent)


def save(tuned: Tuned, path: Path = TUNED) -> None:
    """Write settings and what they reached as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(tuned), indent=1) + "\n")


def load(path: Path = TUNED) -> Tuned:
    """Read what `save` wrote.

    Raises:
        BadInput: no such file, or not what `save` writes.
    """
    try:
        found = json.loads(path.read_text())
        settings = replace(RuleSettings(), **{k: float(v) for k, v in found["settings"].items()})
        return Tuned(settings, float(found["value"]), float(found["before"]), int(found["steps"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: no settings of the rule controller ({error})") from None
