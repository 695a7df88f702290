"""`LeanPPO`: Stable-Baselines3's PPO with a faster way of collecting and handing out experience; the update is its own.

The same numbers are collected, stored and learned from. What is saved: a look at every environment's infos at every
step (only those that ended have any), one pass of the value network for each environment that ran out of time (one for
all of them), copies of the whole rollout before it is handed out, and copies of each minibatch.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

#: Arrays of a rollout that minibatches are gathered from.
_COLUMNS = ("observations", "actions", "values", "log_probs", "advantages", "returns")


class LeanRolloutBuffer(RolloutBuffer):
    """A rollout ``(T, N, …)`` in memory that is allocated once; minibatches are gathered from it as it lies.

    The order of samples within a rollout is another than in Stable-Baselines3's own buffer; they are shuffled anyway.
    Arrays are NumPy's, as there; the tensors are views of them, or, where the networks are on a GPU, lie there: then
    `values` and `returns`, which the update reports on, are fetched when a rollout is complete.
    """

    def reset(self) -> None:
        """Begin again; the memory stays, whatever is in it."""
        if not hasattr(self, "_tensors"):
            shape = (self.buffer_size, self.n_envs)
            self.observations = np.zeros((*shape, *self.obs_shape), np.float32)
            self.actions = np.zeros((*shape, self.action_dim), np.float32)
            for name in ("rewards", "returns", "episode_starts", "values", "log_probs", "advantages"):
                setattr(self, name, np.zeros(shape, np.float32))
            self._tensors = {name: torch.from_numpy(getattr(self, name)).to(self.device) for name in _COLUMNS}
        self.generator_ready = False
        self.pos, self.full = 0, False

    def put_observations(self, obs: np.ndarray) -> Tensor:
        """Store the observations ``(N, D)`` of the coming step; returns them as they lie here, row after row."""
        slot = self._tensors["observations"][self.pos]
        slot.copy_(torch.from_numpy(obs).to(self.device).reshape(slot.shape))  # torch turns column-major ones quickly
        return slot

    def put(self, actions: Tensor, rewards: np.ndarray, starts: np.ndarray, values: Tensor, log_probs: Tensor) -> None:
        """Store the rest of that step."""
        at = self.pos
        self._tensors["actions"][at].copy_(actions.reshape(self.n_envs, self.action_dim))
        self._tensors["values"][at].copy_(values.reshape(-1))
        self._tensors["log_probs"][at].copy_(log_probs)
        self.rewards[at] = rewards
        self.episode_starts[at] = starts
        self.pos += 1
        self.full = self.pos == self.buffer_size

    def compute_returns_and_advantage(self, last_values: Tensor, dones: np.ndarray) -> None:
        """Generalised advantage estimation (Schulman et al. 2016), as in Stable-Baselines3."""
        on_cpu = self.device.type == "cpu"
        if not on_cpu:
            self.values[...] = self._tensors["values"].cpu().numpy()
        following, goes_on = last_values.reshape(-1).cpu().numpy(), 1.0 - dones.astype(np.float32)
        advantage = np.zeros(self.n_envs, np.float32)
        for step in reversed(range(self.buffer_size)):
            delta = self.rewards[step] + self.gamma * following * goes_on - self.values[step]
            advantage = (delta + self.gamma * self.gae_lambda * goes_on * advantage).astype(np.float32, copy=False)
            self.advantages[step] = advantage
            following, goes_on = self.values[step], 1.0 - self.episode_starts[step]
        np.add(self.advantages, self.values, out=self.returns)
        if not on_cpu:
            for name in ("advantages", "returns"):
                self._tensors[name].copy_(torch.from_numpy(getattr(self, name)))

    def get(self, batch_size: int | None = None) -> Generator[RolloutBufferSamples, None, None]:
        """Minibatches of one shuffled pass."""
        assert self.full, "the rollout is not complete"
        count = self.buffer_size * self.n_envs
        order = torch.from_numpy(np.random.permutation(count))  # noqa: NPY002  the stream that SB3 seeds and uses
        order = order.to(self.device)
        flat = [self._tensors[name].reshape(count, *self._tensors[name].shape[2:]) for name in _COLUMNS]
        size = batch_size or count
        for first in range(0, count, size):
            chosen = order[first : first + size]
            yield RolloutBufferSamples(*(tensor.index_select(0, chosen) for tensor in flat))


class LeanPPO(PPO):
    """PPO whose rollouts are collected without a Python loop over environments. Takes the arguments of `PPO`.

    Observations are arrays and actions continuous; for anything else use `PPO` itself. The networks may be on a GPU.
    """

    def __init__(self, policy: Any, env: Any, **kwargs: Any) -> None:
        super().__init__(policy, env, **{"rollout_buffer_class": LeanRolloutBuffer, "device": "cpu", **kwargs})

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """As `OnPolicyAlgorithm.collect_rollouts`, for continuous actions; environments step on the CPU."""
        if not isinstance(rollout_buffer, LeanRolloutBuffer) or self.use_sde or self.policy.squash_output:
            return super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps)
        assert isinstance(self.action_space, spaces.Box) and isinstance(self._last_obs, np.ndarray)
        low, high = self.action_space.low, self.action_space.high
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        callback.on_rollout_start()
        dones = np.zeros(env.num_envs, dtype=bool)
        for _ in range(n_rollout_steps):
            with torch.no_grad():
                actions, values, log_probs = self.policy(rollout_buffer.put_observations(self._last_obs))  # type: ignore[arg-type]
            new_obs, rewards, dones, infos = env.step(np.clip(actions.cpu().numpy(), low, high))
            self.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            if dones.any():
                rewards = self._ended(np.flatnonzero(dones), rewards, infos)
            rollout_buffer.put(actions, rewards, self._last_episode_starts, values, log_probs)  # type: ignore[arg-type]
            self._last_obs, self._last_episode_starts = new_obs, dones  # type: ignore[assignment]
        with torch.no_grad():
            values = self.policy.predict_values(self._tensor(self._last_obs))  # type: ignore[arg-type]
        rollout_buffer.compute_returns_and_advantage(last_values=values, dones=dones)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _ended(self, index: np.ndarray, rewards: np.ndarray, infos: list[dict[str, Any]]) -> np.ndarray:
        """Log the episodes that ended; add the value of where those that ran out of time would have gone on from."""
        told = [infos[i] for i in index.tolist()]
        self._update_info_buffer(told, np.ones(len(told), dtype=bool))
        cut = [k for k, info in enumerate(told) if info.get("TimeLimit.truncated") and "terminal_observation" in info]
        if not cut:
            return rewards
        last = np.stack([told[k]["terminal_observation"] for k in cut])
        with torch.no_grad():
            values = self.policy.predict_values(self._tensor(last)).reshape(-1).cpu().numpy()
        rewards = rewards.copy()
        rewards[index[cut]] += self.gamma * values
        return rewards

    def _tensor(self, obs: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(obs, dtype=np.float32)).to(self.device)
