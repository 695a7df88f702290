"""Air between the eye and what it sees: haze, and where the ground melts into it (light.glsl, ground.frag)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from render.path_tracer.ops import Ops, Triple, Value, mix


@dataclass(frozen=True)
class Air:
    """A preset's haze and backdrop; floats, or values of Dr.Jit's."""

    haze: Triple  # radiance of the horizon
    extinction: Value  # per metre
    start: Value  # metres from the eye where haze begins
    backdrop: tuple[Value, Value]  # metres from the set's middle where the ground turns into haze; (0, 0): never
    middle: tuple[Value, Value]  # of the set, metres: x and z

    @classmethod
    def of(cls, block: np.ndarray) -> Air:
        """That of a frame block (`render.rasterizer.blocks`)."""
        haze, reach, middle = (block[name].astype(float).tolist() for name in ("haze", "reach", "middle"))
        return cls((haze[0], haze[1], haze[2]), haze[3], reach[0], (reach[1], reach[2]), (middle[0], middle[1]))


def through(
    air: Air, light: Triple, far: Value, ground: Value, place: tuple[Value, Value], below_px: Value, ops: Ops
) -> Triple:
    """Light that reaches the eye.

    Args:
        air: haze and backdrop.
        light: what leaves the surface.
        far: metres to it.
        ground: whether it is the ground.
        place: x and z of the point, metres.
        below_px: how many pixels below the horizon it is seen.
        ops: the array library.
    """
    clear = ops.exp(-air.extinction * ops.maximum(far - air.start, 0.0))
    light = mix(air.haze, light, clear)
    x, z = place[0] - air.middle[0], place[1] - air.middle[1]
    start, end = air.backdrop
    backed = ops.step(start, ops.maximum(end, start + 1e-3), ops.sqrt(x * x + z * z))
    # Without a backdrop the last two pixels below the horizon melt into it.
    away = ops.select(end > 0.0, backed, 1.0 - ops.step(0.0, 2.5, below_px))
    return mix(light, air.haze, ops.select(ground, away, 0.0))
