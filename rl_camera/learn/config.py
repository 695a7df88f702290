"""How a camera policy is trained: `TrainConfig` and its parts, typed, checked, each with its default.

Names are Stable-Baselines3's and rl-baselines3-zoo's, so that a file of hyperparameters reads as it does there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from motion.errors import BadInput, unknown

POLICIES = ("MlpPolicy", "MlpLstmPolicy")
ACTIVATIONS = ("tanh", "relu", "gelu")
FRAMING = "cinemotion/Framing-v0"


@dataclass(frozen=True)
class Schedule:
    """A number that stays, or goes down to 0 in a straight line over the run: ``3e-4``, ``lin_3e-4``."""

    initial: float
    linear: bool = False

    @classmethod
    def parse(cls, value: Any, name: str) -> Schedule:
        """From how it is written.

        Raises:
            BadInput: it is no such thing.
        """
        if isinstance(value, Schedule):
            return value
        text = str(value)
        linear = text.startswith("lin_")
        try:
            number = float(text.removeprefix("lin_"))
        except ValueError:
            number = math.nan
        if isinstance(value, bool) or not (math.isfinite(number) and number >= 0):
            raise BadInput(f"{name}: {value!r}, expected a number of at least 0, or lin_ and a number: lin_3e-4")
        return cls(number, linear)

    def __str__(self) -> str:
        return f"{'lin_' if self.linear else ''}{self.initial:g}"

    def written(self) -> str | float:
        """As it stands in a file."""
        return str(self) if self.linear else self.initial

    def function(self) -> Callable[[float], float]:
        """What Stable-Baselines3 takes: of the share of the run that is left."""
        return lambda left: self.initial * left if self.linear else self.initial


@dataclass(frozen=True)
class Cloning:
    """Imitation before reinforcement: what a planner did is learned first, then improved."""

    episodes: int = 512  # of demonstrations
    epochs: int = 40  # most passes over them; it ends earlier when held-out error rises
    batch_size: int = 1024
    learning_rate: float = 1e-3
    held_out: float = 0.1  # share of the demonstrations that is only measured on
    patience: int = 5  # epochs without a better held-out error
    dagger: int = 0  # rounds in which the planner labels what the policy sees (Ross et al. 2011); 0: none
    dagger_episodes: int = 256  # of each round
    warm_rollouts: int = 8  # rollouts that only the value function learns from, before PPO
    std: float = 0.15  # least exploration afterwards, per action
    learning_rate_after: float = 1e-4  # PPO's, so that it does not destroy the clone
    target_kl: float = 0.01  # PPO's, likewise


@dataclass(frozen=True)
class Evaluation:
    """What is measured on held-out episodes, and how often."""

    episodes: int = 64
    every: int = 500_000  # steps
    seed: int = 1_000_000  # of the first episode; the same ones each time
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)  # over training's; of our environments split: test is


@dataclass(frozen=True)
class TrainConfig:
    """All hyperparameters of a run."""

    env: str = FRAMING
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    policy: str = "MlpPolicy"  # MlpLstmPolicy: with memory, by sb3-contrib
    n_timesteps: int = 20_000_000
    n_envs: int = 2048
    n_steps: int = 32  # of each environment in a rollout
    batch_size: int = 4096
    n_epochs: int = 4
    learning_rate: Schedule = Schedule(5e-4, linear=True)
    clip_range: Schedule = Schedule(0.2)
    gamma: float = 0.96  # 10 decisions a second: what happens in 2.5 s counts a third
    gae_lambda: float = 0.9
    ent_coef: float = 0.0
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    target_kl: float | None = None
    normalize: bool = False  # observations and rewards by running statistics (VecNormalize)
    net_arch: tuple[int, ...] = (64, 64)  # of the policy, and of the value function unless it has its own
    net_arch_vf: tuple[int, ...] | None = None
    activation: str = "tanh"
    log_std_init: float = -1.0
    lstm_hidden_size: int = 64
    cloning: Cloning = field(default_factory=Cloning)
    evaluation: Evaluation = field(default_factory=Evaluation)

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise unknown("policy", self.policy, POLICIES)
        if self.activation not in ACTIVATIONS:
            raise unknown("activation", self.activation, ACTIVATIONS)
        for name in ("learning_rate", "clip_range"):
            object.__setattr__(self, name, Schedule.parse(getattr(self, name), name))
        for name, low, high in (
            ("n_timesteps", 1, 10**12), ("n_envs", 1, 1 << 20), ("n_steps", 1, 1 << 20), ("batch_size", 2, 1 << 30),
            ("n_epochs", 1, 1000), ("lstm_hidden_size", 1, 4096),
        ):  # fmt: skip
            object.__setattr__(self, name, _whole(name, getattr(self, name), low, high))
        for name, least, most in (
            ("gamma", 0.0, 1.0), ("gae_lambda", 0.0, 1.0), ("ent_coef", 0.0, 10.0), ("vf_coef", 0.0, 10.0),
            ("max_grad_norm", 0.0, 1e6), ("log_std_init", -10.0, 3.0),
        ):  # fmt: skip
            object.__setattr__(self, name, _number(name, getattr(self, name), least, most))
        if self.target_kl is not None:
            object.__setattr__(self, "target_kl", _number("target_kl", self.target_kl, 0.0, 100.0))
        object.__setattr__(self, "net_arch", _widths("net_arch", self.net_arch))
        if self.net_arch_vf is not None:
            object.__setattr__(self, "net_arch_vf", _widths("net_arch_vf", self.net_arch_vf))
        if self.n_envs * self.n_steps < 2:
            raise BadInput("n_envs x n_steps is 1, expected a rollout of at least 2 steps")
        if self.batch_size > self.n_envs * self.n_steps:
            size = self.n_envs * self.n_steps
            raise BadInput(f"batch_size {self.batch_size}, expected at most n_envs x n_steps = {size}")

    @property
    def rollout(self) -> int:
        """Steps of one rollout, all environments together."""
        return self.n_envs * self.n_steps

    @property
    def held_out(self) -> dict[str, Any]:
        """The environment's settings in evaluation: of ours the captures that training does not see."""
        ours = {"split": "test"} if self.env.startswith("cinemotion/") else {}
        return {**self.env_kwargs, **ours, **self.evaluation.env_kwargs}

    @property
    def recurrent(self) -> bool:
        """Whether the policy has memory."""
        return self.policy == "MlpLstmPolicy"


def checked(kind: type[Any], given: Mapping[str, Any], where: str) -> Any:
    """A frozen dataclass from a mapping of a file.

    Raises:
        BadInput: a name that it does not have, or a value of another kind than its default.
    """
    if not isinstance(given, Mapping):
        raise BadInput(f"{where}: {given!r}, expected a table of settings")
    names = {f.name: f for f in fields(kind)}
    base = kind()
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in names:
            raise unknown(f"setting of {where}", str(name), names)
        default = getattr(base, name)
        if isinstance(default, Mapping):
            if not isinstance(value, Mapping):
                raise BadInput(f"{where}.{name}: {value!r}, expected a table")
            values[name] = dict(value)
        elif isinstance(default, int) and not isinstance(default, bool):
            values[name] = _whole(f"{where}.{name}", value, 0, 1 << 40)
        else:
            values[name] = _number(f"{where}.{name}", value, 0.0, 1e9)
    return kind(**values)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or value != round(value):
        raise BadInput(f"{name}: {value!r}, expected a whole number")
    if not low <= value <= high:
        raise BadInput(f"{name}: {value:g}, expected {low} to {high}")
    return int(value)


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInput(f"{name}: {value!r}, expected a number from {low:g} to {high:g}")
    return float(value)


def _widths(name: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        raise BadInput(f"{name}: {value!r}, expected a list of layer widths: [64, 64]")
    widths = tuple(value)
    if not widths:
        raise BadInput(f"{name}: no layers, expected at least one width: [64, 64]")
    return tuple(_whole(name, width, 1, 65536) for width in widths)
