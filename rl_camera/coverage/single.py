"""`CoverageEnv`: one scene, a `CoverageVectorEnv` of one behind Gymnasium's single interface."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from motion.errors import BadInput
from rl_camera.coverage import core
from rl_camera.coverage.vector import CoverageVectorEnv
from rl_camera.seeded import RENDER_MODES, BatchOfOne


class CoverageEnv(BatchOfOne):
    """One scene; arguments and meaning as `CoverageVectorEnv`. Infos: the terms, ``action_mask (K,)``, ``held``."""

    batch: CoverageVectorEnv
    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 2}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(
            CoverageVectorEnv(1, render_mode=render_mode, autoreset_mode=AutoresetMode.DISABLED, **options)
        )

    def checked(self, action: Any) -> np.ndarray:
        """One camera's number as a batch ``(1,)``."""
        if np.shape(action) != ():
            raise BadInput(f"Coverage-v0: action of shape {np.shape(action)}, expected one camera's number")
        return np.asarray(action)[None]

    def action_masks(self) -> np.ndarray:
        """Choices ``(K,)`` that count now; the name is what sb3-contrib's MaskablePPO asks for."""
        return core.mask(self.batch.bank, self.batch.state, self.batch.steps)[0]
