"""Behaviour cloning: a policy learns what a planner did (`clone`) and is corrected where it goes (`relabel`).

Demonstrations beat reinforcement alone on camera tasks (Lorimer 2025); reinforcement then goes on from the clone. A
clone's value function knows nothing yet, and advantages from it would pull the policy apart: `warm_value` teaches it
first, by the library's own update with the policy held still.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import unwrap_vec_normalize
from torch import Tensor

from motion.errors import BadInput
from rl_camera.learn.config import Cloning
from rl_camera.learn.model import set_statistics, ship
from rl_camera.sb3 import SB3VecEnv

Say = Callable[[str], None]


def print_nothing(_: str) -> None:
    """Say nothing."""


@runtime_checkable
class Demonstrator(Protocol):
    """Shows how it is done: a planner."""

    def demonstrate(self, env: VectorEnv, episodes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Observations and actions of whole episodes: ``(M, D)`` and ``(M, A)``, or ``(E, T, D)`` and ``(E, T, A)``."""
        ...


@runtime_checkable
class Labeller(Protocol):
    """Says what it would do where somebody else has led: a planner, for DAgger."""

    def label(self, env: VectorEnv) -> np.ndarray:
        """Actions ``(N, A)`` for the present states of a batch, which it leaves as they are."""
        ...


@dataclass(frozen=True)
class Cloned:
    """How well it was learned."""

    samples: int
    epochs: int
    error: float  # root mean square of the action on held-out demonstrations
    std: tuple[float, ...]  # exploration that it was left with, per action


def gathered(obs: np.ndarray, actions: np.ndarray, sizes: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Demonstrations, checked.

    Raises:
        BadInput: they are not of one length, of another size than the environment's, empty or not finite.
    """
    obs, actions = np.asarray(obs, np.float32), np.asarray(actions, np.float32)
    if obs.ndim not in (2, 3) or obs.shape[:-1] != actions.shape[:-1]:
        raise BadInput(
            f"demonstrations: observations {obs.shape} and actions {actions.shape}, expected as many of both"
        )
    for name, array, size in (("observations", obs, sizes[0]), ("actions", actions, sizes[1])):
        if array.shape[-1] != size:
            raise BadInput(f"demonstrations: {name} of {array.shape[-1]} numbers, expected {size}")
        if array.size == 0 or not np.isfinite(array).all():
            raise BadInput(f"demonstrations: {name} are {'empty' if array.size == 0 else 'not finite'}")
    return obs, np.clip(actions, -1.0, 1.0)


def clone(
    model: Any, obs: np.ndarray, actions: np.ndarray, how: Cloning, seed: int, say: Say = print_nothing
) -> Cloned:
    """Teach a model's policy to do what was demonstrated, by least squares on the mean action.

    Args:
        model: `rl_camera.learn.model.build`'s.
        obs: ``(M, D)`` or, for a policy with memory, ``(E, T, D)``, as the environment gives them.
        actions: likewise ``(…, A)``.
        how: epochs, batch size, learning rate, held-out share.
        seed: of the order of samples.

    Raises:
        BadInput: as `gathered`; or a policy with memory and demonstrations that are not whole episodes.
    """
    sizes = (model.observation_space.shape[0], model.action_space.shape[0])
    obs, actions = gathered(obs, actions, sizes)
    recurrent = hasattr(model.policy, "lstm_actor")
    if recurrent and obs.ndim != 3:
        raise BadInput("demonstrations for a policy with memory: expected whole episodes (E, T, D), got single steps")
    normaliser = unwrap_vec_normalize(model.get_env())
    flat = obs.reshape(-1, sizes[0])
    if normaliser is not None:
        set_statistics(normaliser, flat.mean(0), flat.var(0), count=float(len(flat)))
        obs = normaliser.normalize_obs(obs).astype(np.float32)  # type: ignore[union-attr]
    if not recurrent:
        obs, actions = obs.reshape(-1, sizes[0]), actions.reshape(-1, sizes[1])
    x, y = (torch.from_numpy(np.ascontiguousarray(a)).to(model.device) for a in (obs, actions))
    # The last ones are held out: neighbours in time are alike, and a random choice would measure memory.
    held = min(len(x) - 1, max(1, round(how.held_out * len(x)))) if len(x) > 1 else 0
    train, test = slice(0, len(x) - held), slice(len(x) - held, None) if held else slice(None)
    size = max(1, how.batch_size // (x.shape[1] if recurrent else 1))
    mine = [p for name, p in model.policy.named_parameters() if acts(name)]
    optimiser = torch.optim.Adam(mine, lr=how.learning_rate, fused=True)
    chance = torch.Generator().manual_seed(seed)
    best, kept, waited, epoch = float("inf"), copy.deepcopy(model.policy.state_dict()), 0, 0
    for epoch in range(1, how.epochs + 1):
        order = torch.randperm(train.stop, generator=chance)
        for first in range(0, train.stop, size):
            some = order[first : first + size]
            loss = (mean_action(model.policy, x[some]) - y[some]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        error = float(_residual(model.policy, x[test], y[test]).square().mean().sqrt())
        if error < best:
            best, kept, waited = error, copy.deepcopy(model.policy.state_dict()), 0
        else:
            waited += 1
        say(f"cloning: epoch {epoch}, held-out error {error:.4f}")
        if waited >= how.patience:
            break
    model.policy.load_state_dict(kept)
    spread = _residual(model.policy, x[test], y[test]).square().reshape(-1, sizes[1]).mean(0).sqrt()
    spread = spread.clamp(min=how.std)
    with torch.no_grad():
        model.policy.log_std.copy_(spread.log())
    return Cloned(len(flat), epoch, best, tuple(float(v) for v in spread))


def acts(name: str) -> bool:
    """Whether a parameter, by its name, belongs to the policy and not to the critic."""
    return "value_net" not in name and "critic" not in name


def mean_action(policy: Any, obs: Tensor) -> Tensor:
    """Mean actions of ``(B, D)``, or of episodes ``(B, T, D)`` by a policy with memory, from their beginning."""
    if not hasattr(policy, "lstm_actor"):
        if getattr(policy, "plain", False):
            return policy.mean(obs)  # type: ignore[no-any-return]
        return policy.get_distribution(obs).distribution.mean  # type: ignore[no-any-return]
    out, _ = policy.lstm_actor(obs.transpose(0, 1))
    return policy.action_net(policy.mlp_extractor.policy_net(out)).transpose(0, 1)  # type: ignore[no-any-return]


@torch.no_grad()
def _residual(policy: Any, x: Tensor, y: Tensor) -> Tensor:
    return mean_action(policy, x) - y


def relabel(model: Any, env: VectorEnv, labeller: Labeller, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One round of DAgger: the policy plays an episode in each environment, the planner says what it should have done.

    Returns:
        observations ``(E, T, D)`` and the planner's actions ``(E, T, A)``, where T is the shortest episode's length.
    """
    batch = SB3VecEnv(env)
    batch.seed(seed)
    obs = batch.reset()
    net = ship(model)
    net.begin()
    seen, said = [], []
    while True:
        seen.append(np.array(obs, np.float32))
        said.append(np.array(labeller.label(env), np.float32))
        obs, _, dones, _ = batch.step(np.clip(net.act(obs), -1.0, 1.0))
        if dones.any():
            return np.stack(seen, axis=1), np.stack(said, axis=1)


def warm_value(model: Any, rollouts: int, learning_rate: float, say: Say = print_nothing) -> None:
    """Teach the critic alone, by Stable-Baselines3's own update with the policy held still."""
    still = [p for name, p in model.policy.named_parameters() if acts(name)]
    schedule, target_kl = model.lr_schedule, model.target_kl
    model.lr_schedule, model.target_kl = (lambda _: learning_rate), None
    for parameter in still:
        parameter.requires_grad_(False)
    try:
        _, callback = model._setup_learn(rollouts * model.n_steps * model.n_envs, Quiet(), reset_num_timesteps=False)
        for k in range(rollouts):
            model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=model.n_steps)
            model.train()
            explained = model.logger.name_to_value.get("train/explained_variance", float("nan"))
            say(f"value function: rollout {k + 1} of {rollouts}, explains {explained:.2f} of the variance")
    finally:
        for parameter in still:
            parameter.requires_grad_(True)
        model.lr_schedule, model.target_kl = schedule, target_kl


class Quiet(BaseCallback):
    """A callback that does nothing."""

    def _on_step(self) -> bool:
        return True
