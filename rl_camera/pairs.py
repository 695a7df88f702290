"""`Pairs`: the same episode filmed by two controllers that differ, for somebody to say which is better."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from motion.camera import CameraPath, Shot
from motion.character import Character
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera.control.base import Controller, Drive, rollout
from rl_camera.control.policy import Policy
from rl_camera.control.rule import Rule, RuleSettings
from rl_camera.control.search import CEM
from rl_camera.env import staging
from rl_camera.env.columns import Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.episode import Episodes
from rl_camera.env.library import MotionLibrary, default_library
from rl_camera.env.reward import COSTS, TERMS, RewardWeights
from rl_camera.env.sampling import Sampler

#: What is filmed where no policy says otherwise: one or two performers, things in the way, four seconds.
ASKED = FramingConfig(keypoints="eight", performers=2, occluders=4, seconds=4.0)

#: Two cameras are worth comparing where one term's mean differs by this much.
DIFFER = 0.04

#: Spread of what is perturbed: ln of the rule's settings, ln of the planner's weights.
SETTINGS_SPREAD, WEIGHTS_SPREAD = 0.6, 0.8

#: Episodes have seeds ``seed · EPISODES + k``.
EPISODES = 100_000


@dataclass(frozen=True)
class Take:
    """One of the two."""

    name: str  # of who filmed it: "rule", "rule 17", "cem 4", "policy"; numbers are seeds of what was perturbed
    path: CameraPath
    terms: dict[str, float]  # mean of every one of `reward.TERMS`


@dataclass(frozen=True)
class Pair:
    """An episode and its two takes; which is left is chance."""

    seed: int  # of the episode
    config: str  # settings that are not the usual ones, as JSON
    shot: Shot  # what was asked for
    cast: tuple[Performance, ...]
    stage: Stage
    a: Take
    b: Take


class Pairs:
    """Pairs by number; each is a function of the seed and its number.

    Args:
        seed: of all.
        config: the environment; None: `ASKED`, or the policy's own.
        policy: weights that film too; None: nobody's.

    Raises:
        BadInput: no such policy, a seed below 0.
    """

    def __init__(self, seed: int = 0, *, config: FramingConfig | None = None, policy: str | Path | None = None) -> None:
        if seed < 0:
            raise BadInput(f"seed {seed}, expected 0 or more")
        self.seed = seed
        self.policy = None if policy is None else Policy(policy)
        base = config or (ASKED if self.policy is None else replace(self.policy.config, seconds=ASKED.seconds))
        self.library: MotionLibrary = base.library or default_library(base.split, base.hz, base.data)
        self.core = Framing(replace(base, library=self.library))
        self._sampler = Sampler(self.core.config, self.core.table)
        self.config = settings_of(base)

    def seed_of(self, number: int) -> int:
        """The seed of a pair's episode."""
        return self.seed * EPISODES + number

    def make(self, number: int, characters: Sequence[Character | None] = (None,)) -> Pair:
        """One pair.

        Args:
            number: which, from 0.
            characters: bodies that performers are shown with, in turn.
        """
        seed = self.seed_of(number)
        episodes, state = self._sampler.draw(np.array([seed], np.uint64), np.zeros(1, np.uint64))
        rng = np.random.default_rng([self.seed, number])
        most, best = -1.0, None
        for _ in range(6):
            names = self._names(rng)
            takes = [self._take(name, episodes, state) for name in names]
            apart = max(abs(takes[0].terms[n] - takes[1].terms[n]) for n in TERMS)
            if apart > most:
                most, best = apart, takes
            if apart >= DIFFER:
                break
        assert best is not None
        cast = tuple(
            replace(p, character=characters[k % len(characters)])  # type: ignore[arg-type]
            for k, p in enumerate(staging.performances_of(self.library, self.core.table, episodes, 0))
        )
        shot = staging.shot_of(episodes, 0, self.core.config.hz)
        return Pair(seed, self.config, shot, cast, staging.stage_of(episodes, 0), best[0], best[1])

    def _names(self, rng: np.random.Generator) -> list[str]:
        """Two different ones."""
        drawn = [int(n) for n in rng.choice(1000, 3, replace=False)]
        known = ["rule", f"rule {drawn[0]}", f"cem {drawn[1]}", f"cem {drawn[2]}"]
        if self.policy is not None:
            known.append("policy")
        return [known[k] for k in rng.choice(len(known), 2, replace=False)]

    def _take(self, name: str, episodes: Episodes, state: Columns) -> Take:
        run = rollout(self.core, self.controller(name), episodes, state, keep=True)
        path = staging.path_of(run.states, 0, self.core.config.hz)
        return Take(name, path, {n: float(v[0]) for n, v in run.terms.items()})

    def controller(self, name: str) -> Controller:
        """Who films under a name of `Take`.

        Raises:
            BadInput: nobody does.
        """
        kind, _, number = name.partition(" ")
        if kind == "policy" and not number and self.policy is not None:
            return self.policy
        if kind == "rule" and not number:
            return Rule()
        if kind in ("rule", "cem") and number.isdecimal():
            rng = np.random.default_rng(int(number))
            if kind == "rule":
                return Rule(RuleSettings.of(_shaken(rng)))
            return _WithWeights(CEM(32, 2), self.core, perturbed(RewardWeights(), rng))
        raise BadInput(f"nobody films as '{name}', expected rule, rule NUMBER, cem NUMBER or, with weights, policy")


def _shaken(rng: np.random.Generator) -> Array:
    usual = RuleSettings().vector()
    return usual + rng.normal(0.0, SETTINGS_SPREAD, len(usual))


def perturbed(weights: RewardWeights, rng: np.random.Generator) -> RewardWeights:
    """Weights of another taste: each times a factor, the positive ones summing to what they did."""
    factors = dict(zip(TERMS, np.exp(rng.normal(0.0, WEIGHTS_SPREAD, len(TERMS))).tolist()))
    made = {n: factors[n] * getattr(weights, n) for n in TERMS}
    gains = [n for n in TERMS if n not in COSTS]
    share = sum(getattr(weights, n) for n in gains) / sum(made[n] for n in gains)
    return RewardWeights(**{n: v * share if n in gains else v for n, v in made.items()})


class _WithWeights:
    """A planner with a taste of its own."""

    live = False

    def __init__(self, controller: Controller, core: Framing, weights: RewardWeights) -> None:
        self.controller = controller
        self.core = Framing(replace(core.config, weights=weights), core.table)

    def begin(self, count: int) -> None:
        """See `Controller`."""
        self.controller.begin(count)

    def act(self, drive: Drive) -> Array:
        """See `Controller`."""
        return self.controller.act(replace(drive, core=self.core))


def settings_of(config: FramingConfig) -> str:
    """The settings that are not the usual ones, as JSON; motion that is handed in and weights are left out."""
    usual, out = FramingConfig(), {}
    for f in fields(FramingConfig):
        value = getattr(config, f.name)
        if f.name not in ("library", "weights") and value != getattr(usual, f.name):
            out[f.name] = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
    return json.dumps(out, sort_keys=True)
