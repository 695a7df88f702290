"""What a policy is worth: `evaluate` plays whole episodes with the mean action and reports returns and terms."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from motion.errors import BadInput
from rl_camera.policy_net import PolicyNet
from rl_camera.sb3 import SB3VecEnv

#: Longer episodes than this do not end, as far as an evaluation is concerned.
MOST_STEPS = 100_000


@dataclass(frozen=True)
class Score:
    """One episode in each environment of a batch."""

    returns: np.ndarray  # (E,) undiscounted
    lengths: np.ndarray  # (E,) steps
    terms: dict[str, np.ndarray] = field(default_factory=dict)  # (E,) means over the episode, where they are reported

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def std(self) -> float:
        """Standard deviation of the return over episodes."""
        return float(self.returns.std())

    def figures(self) -> dict[str, float]:
        """Means, by name."""
        found = {"return": self.mean, "return_std": self.std, "length": float(self.lengths.mean())}
        return found | {name: float(values.mean()) for name, values in self.terms.items()}


def evaluate(policy: PolicyNet, env: VectorEnv, seed: int) -> Score:
    """Play the first episode of every environment of a batch, as the policy ships.

    Args:
        policy: acts by its mean, without exploration.
        env: E environments in SAME_STEP mode: E episodes.
        seed: environment i plays the episode of seed + i, whatever was played before.

    Raises:
        BadInput: observations of another size than the policy's, another autoreset mode, or episodes without end.
    """
    if env.metadata.get("autoreset_mode") is not AutoresetMode.SAME_STEP:
        raise BadInput("evaluation: expected a batch in SAME_STEP mode")
    batch = SB3VecEnv(env)
    batch.seed(seed)
    obs = batch.reset()
    policy.begin()
    count = env.num_envs
    returns, lengths = np.zeros(count), np.zeros(count, dtype=int)
    terms: dict[str, np.ndarray] = {}
    over = np.zeros(count, dtype=bool)
    low, high = env.single_action_space.low, env.single_action_space.high  # type: ignore[attr-defined]
    for _ in range(MOST_STEPS):
        obs, _, dones, infos = batch.step(np.clip(policy.act(obs), low, high))
        if policy.recurrent and dones.any():
            policy.begin(dones)
        for i in np.flatnonzero(dones & ~over):
            over[i] = True
            returns[i], lengths[i] = infos[i]["episode"]["r"], infos[i]["episode"]["l"]
            for name, value in infos[i].get("terms", {}).items():
                terms.setdefault(name, np.full(count, np.nan))[i] = value
        if over.all():
            return Score(returns, lengths, terms)
    raise BadInput(f"evaluation: an episode goes on after {MOST_STEPS:,} steps; give the environment a time limit")
