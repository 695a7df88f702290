"""What the environments here have in common: seeds of their own, reset masks, autoreset modes, and a batch of one as a
single environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from motion.errors import BadInput, unknown

RENDER_MODES = ("rgb_array",)


def autoreset(mode: AutoresetMode | str) -> AutoresetMode:
    """An autoreset mode from itself or its name, ``same_step``, ``next_step`` or ``disabled``.

    Raises:
        BadInput: no such mode.
    """
    if isinstance(mode, AutoresetMode):
        return mode
    known = {m.name.lower(): m for m in AutoresetMode}
    if str(mode).lower() not in known:
        raise unknown("autoreset mode", str(mode), known)
    return known[str(mode).lower()]


class SeededVectorEnv(VectorEnv):
    """N environments, each a function of its own seed and of how many episodes it has begun.

    A subclass names itself in ``label``, calls `_open` first in its constructor, and sets ``_ready`` once all
    environments have begun.
    """

    label = ""

    def _open(self, num_envs: int, autoreset_mode: AutoresetMode | str, render_mode: str | None) -> None:
        """Check and keep what every environment is made with."""
        if num_envs < 1:
            raise BadInput(f"{self.label}: {num_envs} environments, expected at least 1")
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise unknown("render mode", render_mode, RENDER_MODES)
        self.num_envs, self.mode, self.render_mode = num_envs, autoreset(autoreset_mode), render_mode
        self._seeds: np.ndarray | None = None  # (N,) uint64
        self._count = np.zeros(num_envs, np.uint64)  # episodes begun
        self._ended = np.zeros(num_envs, bool)
        self._ready = False

    def _chosen(self, options: dict[str, Any] | None) -> np.ndarray:
        """Numbers of the environments that a reset is of: all, or those of ``options["reset_mask"] (N,)``."""
        if not options or options.get("reset_mask") is None:
            return np.arange(self.num_envs)
        mask = np.asarray(options["reset_mask"])
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise BadInput(f"{self.label}: reset_mask {mask.dtype} {mask.shape}, expected bool {(self.num_envs,)}")
        if not mask.any():
            raise BadInput(f"{self.label}: reset_mask chooses no environment")
        if not self._ready and not mask.all():
            raise BadInput(f"{self.label}: the first reset takes all environments, the mask leaves some out")
        return np.flatnonzero(mask)

    def _seed(self, seed: int | Sequence[int | None] | None, index: np.ndarray) -> None:
        """Seed the environments ``index``: s seeds environment i with s + i, a sequence each, None none."""
        if self._seeds is None:
            self._seeds = self.np_random.integers(0, 2**63, self.num_envs, dtype=np.uint64)
        if seed is None:
            return
        each = [int(seed) + i for i in range(self.num_envs)] if isinstance(seed, (int, np.integer)) else list(seed)
        if len(each) != self.num_envs:
            raise BadInput(f"{self.label}: {len(each)} seeds for {self.num_envs} environments")
        for i in index:
            if (one := each[i]) is not None:
                self._seeds[i], self._count[i] = np.uint64(one % 2**64), 0

    def _may_step(self) -> None:
        """Raise where a step is out of order: before the first reset, or after an end with autoreset disabled."""
        if not self._ready:
            raise gymnasium.error.ResetNeeded(f"{self.label}: step before the first reset")
        if self.mode == AutoresetMode.DISABLED and self._ended.any():
            which = np.flatnonzero(self._ended)[:5].tolist()
            raise gymnasium.error.ResetNeeded(f"{self.label}: environments {which} have ended; reset them")

    def render(self) -> tuple[np.ndarray, ...] | None:
        """A picture ``(H, W, 3)`` uint8 of every environment, when ``render_mode`` is ``rgb_array``."""
        if self.render_mode is None:
            return None
        if not self._ready:
            raise gymnasium.error.ResetNeeded(f"{self.label}: render before the first reset")
        return tuple(self.picture(i) for i in range(self.num_envs))

    def picture(self, index: int) -> np.ndarray:
        """One environment's picture ``(H, W, 3)`` uint8."""
        raise NotImplementedError


class BatchOfOne(gymnasium.Env):
    """A single environment that is a `SeededVectorEnv` of one; a subclass says how an action is checked.

    Args:
        batch: of one, autoreset disabled.
    """

    def __init__(self, batch: SeededVectorEnv) -> None:
        self.batch = batch
        self.metadata = {**type(self).metadata, "render_fps": batch.metadata["render_fps"]}
        self.render_mode = batch.render_mode
        self.observation_space = batch.single_observation_space
        self.action_space = batch.single_action_space

    def checked(self, action: Any) -> np.ndarray:
        """An action as a batch of one takes it.

        Raises:
            BadInput: it is none.
        """
        raise NotImplementedError

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        if seed is None and self.batch._seeds is None:
            seed = int(self.np_random.integers(0, 2**62))
        obs, infos = self.batch.reset(seed=seed)
        return np.ascontiguousarray(obs[0]), _one(infos)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One step; the time limit is truncation.

        Raises:
            BadInput: no such action.
        """
        obs, reward, terminated, truncated, infos = self.batch.step(self.checked(action))
        return np.ascontiguousarray(obs[0]), float(reward[0]), bool(terminated[0]), bool(truncated[0]), _one(infos)

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """A picture ``(H, W, 3)`` uint8."""
        pictures = self.batch.render()
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        """Let go of the renderer."""
        self.batch.close()


def _one(infos: dict[str, Any]) -> dict[str, Any]:
    rows = {name: value[0] for name, value in infos.items() if not name.startswith("_")}
    return {name: row if np.ndim(row) else row.item() for name, row in rows.items()}
