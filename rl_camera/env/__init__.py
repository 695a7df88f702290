"""`cinemotion/Framing-v0`: one camera, one shot, as a Gymnasium environment and, natively, as a vector environment.

>>> import gymnasium, rl_camera.env
>>> cameras = gymnasium.make_vec("cinemotion/Framing-v0", num_envs=1024)
"""

from __future__ import annotations

import gymnasium

FRAMING = "cinemotion/Framing-v0"

if FRAMING not in gymnasium.registry:
    gymnasium.register(
        FRAMING,
        entry_point="rl_camera.env.vector:FramingEnv",
        vector_entry_point="rl_camera.env.vector:FramingVectorEnv",
    )

__all__ = ["FRAMING"]
