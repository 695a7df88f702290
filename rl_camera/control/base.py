"""What a controller is, and a rollout of one over many episodes at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rl_camera.env.columns import Array, Columns
from rl_camera.env.core import Framing, Moment
from rl_camera.env.episode import Episodes
from rl_camera.env.reward import TERMS


@dataclass(frozen=True)
class Drive:
    """What a controller is told at one step. A live one uses nothing that lies in the future of ``episodes``."""

    core: Framing
    episodes: Episodes
    state: Columns
    moment: Moment | None  # None: the controller asks for it with `see`

    def see(self) -> Moment:
        """What the cameras see now."""
        return self.moment if self.moment is not None else self.core.judge(self.episodes, self.state)


class Controller(Protocol):
    """Steers N cameras; forgets everything at `begin`."""

    @property
    def live(self) -> bool:
        """Whether it acts without knowing the future."""
        ...

    def begin(self, count: int) -> None:
        """New episodes of ``count`` cameras begin."""
        ...

    def act(self, drive: Drive) -> Array:
        """Actions ``(7, N)`` in [−1, 1], as `dynamics.step` takes them."""
        ...


class Static:
    """Stands still."""

    live = True

    def begin(self, count: int) -> None:
        """Nothing to forget."""

    def act(self, drive: Drive) -> Array:
        """Zeros."""
        return np.zeros((7, len(drive.episodes)), np.float32)


class Random:
    """Moves at random, from its seed."""

    live = True

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.rng = np.random.default_rng(seed)

    def begin(self, count: int) -> None:
        """Begins its numbers anew."""
        self.rng = np.random.default_rng(self.seed)

    def act(self, drive: Drive) -> Array:
        """Even in [−1, 1]."""
        return self.rng.uniform(-1, 1, (7, len(drive.episodes))).astype(np.float32)


@dataclass(frozen=True)
class Run:
    """What became of N episodes."""

    returns: Array  # (N,) mean reward of a step
    terms: dict[str, Array]  # (N,) mean of every term
    states: list[Columns]  # T + 1 of them, when they were asked for
    actions: list[Array]  # T of (7, N), when they were asked for


def rollout(core: Framing, controller: Controller, episodes: Episodes, state: Columns, *, keep: bool = False) -> Run:
    """Whole episodes, all of one length, under a controller; what it is handed stays as it is.

    Args:
        core: the problem.
        controller: who steers.
        episodes: N of them at their start.
        state: their cameras.
        keep: states and actions are returned too.
    """
    episodes = episodes.copy()
    controller.begin(len(episodes))
    steps = int(episodes.length.max())
    sums = {name: np.zeros(len(episodes), np.float64) for name in (*TERMS, "return")}
    states, actions = [state] if keep else [], []
    moment: Moment | None = None
    for _ in range(steps):
        action = controller.act(Drive(core, episodes, state, moment))
        state = core.step(episodes, state, action)
        moment = core.judge(episodes, state)
        for name in TERMS:
            sums[name] += moment.terms[name]
        sums["return"] += moment.reward
        if keep:
            states.append(state)
            actions.append(action)
    means = {name: value / steps for name, value in sums.items()}
    return Run(means.pop("return"), means, states, actions)
