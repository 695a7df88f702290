"""`cinemotion/Coverage-v0`: several cameras over a scene and which one is on; single, and as a native batch.

>>> import gymnasium, rl_camera.coverage
>>> scenes = gymnasium.make_vec("cinemotion/Coverage-v0", num_envs=256)
"""

from __future__ import annotations

import gymnasium

COVERAGE = "cinemotion/Coverage-v0"

if COVERAGE not in gymnasium.registry:
    gymnasium.register(
        COVERAGE,
        entry_point="rl_camera.coverage.single:CoverageEnv",
        vector_entry_point="rl_camera.coverage.vector:CoverageVectorEnv",
    )

__all__ = ["COVERAGE"]
