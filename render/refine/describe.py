"""What the refiner is told of a frame besides its pixels: the light on the set, and where the camera looks from.

Directions are given in the camera's *level frame*: its right, straight up, and level backwards. A set seen from another
side then looks the same to the network, while up stays up, because skies are not the same upside down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.rotations import Array
from render import lighting
from render.frame import Frame
from render.materials import GROUNDS
from render.refine.state import KNEE
from render.view import view
from render.world import World

#: Numbers in a light code.
CODE = 37

#: First of the three numbers of each colour of light in a code: sun, zenith, horizon, from below, glow, rims, lamps.
LIGHTS = (3, 7, 10, 13, 16, 20, 23)

#: Where a code says the way to the sun, how the sky falls off, the ground's colour, and if there is one.
SUN, FALLOFF, FLOOR, GROUND = 0, 19, 29, 33

#: What a sky's fall-off is divided by in a code.
FALLOFF_UNIT = 4.0


@dataclass(frozen=True)
class Sight:
    """Where a frame's pixels look."""

    level: np.ndarray  # (3, 3) float32, world to the camera's level frame
    rays: np.ndarray  # (3, 3) float32: rows origin, dx, dy in the level frame; pixel (x, y) sees origin + x dx + y dy
    height: float  # of the camera over the ground, metres
    pixel: float  # metres that a pixel covers one metre away


def sight(frame: Frame) -> Sight:
    """Where the pixels of a frame look, at the middle of its shutter."""
    looking = view(frame.camera, frame.index, frame.size)
    level = level_frame(looking.T_world_camera)
    rays = np.stack(looking.rays()) @ level.T
    return Sight(level.astype(np.float32), rays.astype(np.float32), float(looking.eye[1]), 1.0 / looking.focal_px)


def level_frame(T_world_camera: Array) -> Array:
    """Rotation ``(3, 3)`` from the world to a camera's level frame; straight up or down, its top is forward."""
    back = T_world_camera[:3, 2] * [1.0, 0.0, 1.0]
    if np.linalg.norm(back) < 1e-3:
        back = -np.sign(T_world_camera[1, 2]) * T_world_camera[:3, 1] * [1.0, 0.0, 1.0]
    back = back / max(float(np.linalg.norm(back)), 1e-9)
    up = np.array([0.0, 1.0, 0.0])
    return np.stack([np.cross(up, back), up, back])


def light_code(world: World, looking: Sight) -> np.ndarray:
    """The light on a set as ``(CODE,)`` float32, brightnesses in logarithms, directions in the level frame.

    The sky's colours are those under its clouds: exchanged for others or dimmed, they are another sky's.
    """
    light, stage, sun = world.light, world.stage, world.sun
    zenith, horizon, below = lighting.greyed(light, np.array([light.zenith, light.horizon, light.bounce]))

    def log(colour: Array | tuple[float, ...]) -> Array:
        return np.log1p(np.maximum(np.asarray(colour, np.float64), 0.0) / KNEE)

    rim = sum((np.array(k.colour) for k in light.kickers), np.zeros(3))
    lamps = sum((np.array(lamp.colour) * lamp.intensity for lamp in stage.lights), np.zeros(3))
    ground = GROUNDS[stage.ground] if stage.ground is not None else None
    floor = np.sqrt((np.array(ground.colour) + np.array(ground.colour2)) / 2) if ground else np.zeros(3)
    parts = (
        looking.level @ sun, log(np.array(light.sun_colour) * lighting.risen(sun)), [np.log(light.sun_radius) + 3.0],
        log(zenith), log(horizon), log(below), log(light.glow),
        [light.horizon_falloff / FALLOFF_UNIT],
        log(rim), log(lamps), [float(light.backdrop is not None), np.log1p(100.0 * light.haze_per_m), light.clouds],
        floor, [ground.roughness if ground else 0.0, float(ground is not None)],
        [looking.rays[0][1], np.log(looking.pixel) + 6.0, np.log(max(looking.height, 0.05))],
    )  # fmt: skip
    code = np.concatenate([np.asarray(part, np.float64).ravel() for part in parts]).astype(np.float32)
    assert code.shape == (CODE,)
    return code
