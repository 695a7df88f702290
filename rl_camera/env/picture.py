"""Pictures of episodes by the project's rasterizer, or by any renderer that is handed in."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput
from rl_camera import framing
from rl_camera.env import staging
from rl_camera.env.library import default_library

#: Height of a picture, pixels.
HEIGHT = 144


def rasterizer(aspect: float, height: int = HEIGHT) -> Callable[[Any, int], np.ndarray]:
    """A renderer for `FramingVectorEnv.render`: the rasterizer, imported here, late, and nowhere else in this package.

    Args:
        aspect: width over height.
        height: pixels.

    Returns:
        Called with an environment and an index, gives ``(H, W, 3)`` uint8. Sets that were built are kept.
    """
    if not 16 <= height <= 4096:
        raise BadInput(f"picture: {height} pixels high, expected 16 to 4096")
    size = (max(16, round(height * aspect)), height)
    render = importlib.import_module("render")
    body = importlib.import_module("motion.body").Body.default()
    draw = render.Rasterizer(size)
    worlds: dict[tuple[int, ...], Any] = {}

    def picture(env: Any, index: int) -> np.ndarray:
        episodes, state, config = env.episodes, env.state, env.config
        key = (index, *episodes.rows[:, index].tolist(), int(env._count[index]), int(env._seeds[index] % 2**62))
        if key not in worlds:
            if len(worlds) > 16:
                worlds.pop(next(iter(worlds)))
            library = config.library or default_library(config.split, config.hz, config.data)
            cast = staging.performances_of(library, env.core.table, episodes, index, body)
            worlds[key] = render.World(cast, staging.stage_of(episodes, index))
        frame = int(episodes.t[index])
        angles = state["angles"][:, index].astype(np.float64)
        T = framing.pose(state["place"][:, index].astype(np.float64), angles[0], angles[1], angles[2])
        # The rasterizer takes a path: the same camera at every step so far.
        count = frame + 1
        focal = float(np.exp(state["log_focal"][index]))
        poses, rate = np.broadcast_to(T, (count, 4, 4)), Fraction(config.hz).limit_denominator(1000)
        path = CameraPath(poses, np.full(count, focal), rate, shutter_angle=0.0)
        drawn = next(iter(draw.render(worlds[key], path, [frame], ("display",))))
        return np.ascontiguousarray(drawn.display[..., :3])

    return picture
