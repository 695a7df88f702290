"""A small continuous environment, single and batched, honest in every autoreset mode: what the checker is tried on."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

OBS = gymnasium.spaces.Box(-20.0, 20.0, (3,), np.float32)
ACT = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
LIMIT = 12


def _seen(place: np.ndarray, age: np.ndarray) -> np.ndarray:
    return np.concatenate([place, age[..., None] / LIMIT], axis=-1).astype(np.float32)


def _move(place: np.ndarray, action: np.ndarray) -> np.ndarray:
    return place + 0.5 * np.clip(action, -1, 1).astype(np.float64)


def _judge(place: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    distance = np.hypot(place[..., 0], place[..., 1])
    return (-distance).astype(np.float32), distance < 0.5, age >= LIMIT


class PointEnv(gymnasium.Env):
    """Push a point to the origin within `LIMIT` steps."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}
    observation_space, action_space = OBS, ACT

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.age = self.np_random.uniform(-2, 2, 2), np.array(0)
        return _seen(self.place, self.age), {}

    def step(self, action: np.ndarray) -> Any:
        self.place, self.age = _move(self.place, action), self.age + 1
        reward, terminated, truncated = _judge(self.place, self.age)
        info = {"distance": float(-reward), "terms": {"pull": float(reward)}}
        return _seen(self.place, self.age), float(reward), bool(terminated), bool(truncated), info

    def render(self) -> np.ndarray:
        return np.full((4, 6, 3), int(self.age), np.uint8)


class PointVectorEnv(VectorEnv):
    """The same, batched, all three modes native."""

    def __init__(
        self,
        num_envs: int = 1,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        self.num_envs, self.mode, self.render_mode = num_envs, autoreset_mode, render_mode
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": 10, "autoreset_mode": autoreset_mode}
        self.single_observation_space, self.single_action_space = OBS, ACT
        self.observation_space, self.action_space = batch_space(OBS, num_envs), batch_space(ACT, num_envs)
        self.chance: list[Any] = [None] * num_envs
        self.place, self.age = np.zeros((num_envs, 2)), np.zeros(num_envs, dtype=int)
        self.ended = np.zeros(num_envs, dtype=bool)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> Any:
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed or [None] * self.num_envs
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, dtype=bool))
        if mask.shape != (self.num_envs,) or mask.dtype != bool or not mask.any():
            raise ValueError(f"reset_mask {mask}")
        for i in np.flatnonzero(mask):
            if seeds[i] is not None or self.chance[i] is None:
                self.chance[i], _ = seeding.np_random(seeds[i])
        self.begin(mask)
        return _seen(self.place, self.age), {}

    def begin(self, mask: np.ndarray) -> None:
        for i in np.flatnonzero(mask):
            self.place[i] = self.chance[i].uniform(-2, 2, 2)
        self.age[mask] = 0
        self.ended[mask] = False

    def step(self, actions: np.ndarray) -> Any:
        restarts = self.ended.copy()
        if self.mode is AutoresetMode.DISABLED and restarts.any():
            raise RuntimeError(f"environments {np.flatnonzero(restarts)} have ended: reset them first")
        live = ~restarts
        self.place[live] = _move(self.place[live], actions[live])
        self.age[live] += 1
        reward, terminated, truncated = _judge(self.place, self.age)
        self.begin(restarts)
        reward[restarts], terminated[restarts], truncated[restarts] = 0, False, False
        pull, distance = reward.copy(), -reward
        terms = {"pull": pull, "_pull": live.copy()}
        infos: dict[str, Any] = {"distance": distance, "_distance": live, "terms": terms, "_terms": live.copy()}
        obs = _seen(self.place, self.age)
        self.ended = terminated | truncated
        if self.mode is AutoresetMode.SAME_STEP and self.ended.any():
            done = self.ended.copy()
            final = {"distance": distance, "_distance": done.copy(), "terms": {"pull": pull, "_pull": done.copy()}}
            final |= {"_terms": done.copy()}
            infos |= {"final_obs": obs.copy(), "_final_obs": done, "final_info": final, "_final_info": done.copy()}
            self.begin(self.ended)
            obs = _seen(self.place, self.age)
        return obs, reward, terminated, truncated, infos

    def render(self) -> tuple[np.ndarray, ...]:
        return tuple(np.full((4, 6, 3), int(age), np.uint8) for age in self.age)
