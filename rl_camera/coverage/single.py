"""`CoverageEnv`: one scene, a `CoverageVectorEnv` of one behind Gymnasium's single interface."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from motion.errors import BadInput
from rl_camera.coverage.vector import RENDER_MODES, CoverageVectorEnv


class CoverageEnv(gymnasium.Env):
    """One scene; arguments and meaning as `CoverageVectorEnv`. Infos: the terms, ``action_mask (K,)``, ``held``."""

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 2}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        self.batch = CoverageVectorEnv(1, render_mode=render_mode, autoreset_mode=AutoresetMode.DISABLED, **options)
        self.metadata = {**type(self).metadata, "render_fps": self.batch.metadata["render_fps"]}
        self.render_mode = render_mode
        self.observation_space = self.batch.single_observation_space
        self.action_space = self.batch.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        if seed is None and self.batch._seeds is None:
            seed = int(self.np_random.integers(0, 2**62))
        obs, infos = self.batch.reset(seed=seed)
        return obs[0], _one(infos)

    def step(self, action: int | np.integer) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One tick; the time limit is truncation.

        Raises:
            BadInput: no such camera.
        """
        if np.shape(action) != ():
            raise BadInput(f"Coverage-v0: action of shape {np.shape(action)}, expected one camera's number")
        obs, reward, terminated, truncated, infos = self.batch.step(np.asarray(action)[None])
        return obs[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), _one(infos)

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """A picture ``(H, W, 3)`` uint8."""
        pictures = self.batch.render()
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        """Let go of the renderer."""
        self.batch.close()

    def action_masks(self) -> np.ndarray:
        """Choices ``(K,)`` that count now; the name is what sb3-contrib's MaskablePPO asks for."""
        from rl_camera.coverage import core

        return core.mask(self.batch.bank, self.batch.state)[0]


def _one(infos: dict[str, Any]) -> dict[str, Any]:
    rows = {name: value[0] for name, value in infos.items() if not name.startswith("_")}
    return {name: row if np.ndim(row) else row.item() for name, row in rows.items()}
