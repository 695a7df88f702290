"""Planners as teachers: what they do over whole episodes, and what they would do where a learner has led."""

from __future__ import annotations

from typing import Any

import numpy as np

from motion.errors import BadInput
from rl_camera.control.base import Controller, Drive
from rl_camera.env.vector import FramingVectorEnv


class Teacher:
    """A controller that shows how it is done, as `rl_camera.learn.cloning` asks for.

    Args:
        controller: who knows.
    """

    def __init__(self, controller: Controller) -> None:
        self.controller = controller

    def demonstrate(self, env: Any, episodes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Observations ``(E, T, D)`` and actions ``(E, T, 7)`` of whole episodes in a `FramingVectorEnv`.

        Raises:
            BadInput: another environment.
        """
        batch = _ours(env)
        N = batch.num_envs
        rounds = -(-episodes // N)
        seen, done = [], []
        for k in range(rounds):
            obs, _ = batch.reset(seed=seed + k * N)
            self.controller.begin(N)
            rows, acts = [], []
            for _ in range(batch.config.steps):
                action = self.controller.act(Drive(batch.core, batch.episodes, batch.state, None)).T
                rows.append(np.ascontiguousarray(obs))
                acts.append(np.ascontiguousarray(action))
                obs, *_ = batch.step(action)
            seen.append(np.stack(rows, 1))
            done.append(np.stack(acts, 1))
        return np.concatenate(seen)[:episodes], np.concatenate(done)[:episodes]

    def label(self, env: Any) -> np.ndarray:
        """Actions ``(N, 7)`` for a batch's present states, without what the planner remembers of others."""
        batch = _ours(env)
        self.controller.begin(batch.num_envs)
        return np.ascontiguousarray(self.controller.act(Drive(batch.core, batch.episodes, batch.state, None)).T)


def _ours(env: Any) -> FramingVectorEnv:
    batch = getattr(env, "unwrapped", env)
    if not isinstance(batch, FramingVectorEnv):
        raise BadInput(f"{type(batch).__name__}: planners know cinemotion/Framing-v0 alone")
    return batch
