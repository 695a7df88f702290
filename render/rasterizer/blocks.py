"""What the shaders are told, as bytes: the frame block's layout, materials, occluding spheres, lamps."""

from __future__ import annotations

import numpy as np

from motion.errors import BadInput, unknown
from motion.material import Colour, Material
from motion.rotations import Array
from motion.stage import Light
from render import lighting, materials
from render.world import Instant, World

Lamp = tuple[Array, Array, float, Array | None, float]  # place, colour, kind, axis, cosine of the half angle

LAMPS = 12  # as in frame.glsl: a preset's own and the stage's
_VEC = ("f4", (4,))
BLOCK = np.dtype(
    [
        ("world_clip", "f4", (4, 4)), ("world_clip_k", "f4", (4, 4)), ("world_shadow", "f4", (4, 4)),
        *[(name, *_VEC) for name in ("eye", "forward", "eye_k", "forward_k", "ray", "ray_dx", "ray_dy", "image", "sun",
                                     "sun_colour", "shadow")],
        ("sky_light", "f4", (9, 4)),
        *[(name, *_VEC) for name in ("zenith", "horizon", "haze", "glow", "reach", "middle", "contact",
                                     "ground_a", "ground_b", "ground_tile")],
        ("ground_patch", "f4", (2, 4)), ("patch_axis", *_VEC),
        ("lamp_place", "f4", (LAMPS, 4)), ("lamp_colour", "f4", (LAMPS, 4)), ("lamp_axis", "f4", (LAMPS, 4)),
    ]
)  # fmt: skip
PALETTE = 256  # as in surface.frag
_RANGES, _BLOBS = 64, 512  # as in surface.frag
BLOB_BYTES = 16 * (_RANGES + _BLOBS)

#: Candela-like units of `motion.stage.Light` to this renderer's exposed ones: a lamp of 100 lights a white wall 3 m
#: away a third as brightly as the noon sun would.
_LAMP_GAIN = 0.032


def fill_static(block: np.ndarray, world: World) -> int:
    """Write what never changes in a scene into its frame block; the number of lamps.

    Raises:
        BadInput: more lamps than `LAMPS`, or a lamp of an unknown kind.
    """
    stage, preset, sun = world.stage, world.light, world.sun
    block["sun"] = (*sun, np.tan(preset.sun_radius))
    block["sun_colour"][:3] = np.array(preset.sun_colour) * lighting.risen(sun)
    block["sky_light"][:, :3] = lighting.irradiance(preset, sun)
    block["zenith"] = *preset.zenith, 0.0
    block["horizon"] = *preset.horizon, preset.horizon_falloff / np.log(2.0)
    block["haze"] = (*lighting.gradient(preset, np.array(0.0)), preset.haze_per_m)
    block["glow"] = (*preset.glow, preset.glow_sharpness)
    block["reach"][:3] = preset.haze_start_m, *(preset.backdrop or (0.0, 0.0))
    block["middle"] = *_middle(world), preset.clouds, preset.stars
    if stage.ground is not None:
        ground = materials.GROUNDS[stage.ground]
        block["ground_a"] = *ground.colour, ground.kind
        block["ground_b"] = *ground.colour2, ground.roughness
        block["ground_tile"] = 1 / ground.tile_m, world.ground_instance, np.log2(materials.TILE), 0.0
    lamps: list[Lamp] = [
        (lighting.towards(k.azimuth, k.elevation), np.array(k.colour), 0.0, None, 0.0) for k in preset.kickers
    ]
    lamps += [_lamp(light) for light in stage.lights]
    if len(lamps) > LAMPS:
        raise BadInput(
            f"{len(stage.lights)} lamps, expected at most {LAMPS - len(preset.kickers)} with this light preset"
        )
    for i, (place, colour, kind, axis, edge) in enumerate(lamps):
        block["lamp_place"][i] = *place, kind
        block["lamp_colour"][i] = *colour, edge
        if axis is not None:
            block["lamp_axis"][i, :3] = axis
    return len(lamps)


def _lamp(light: Light) -> Lamp:
    """Place, colour, kind, axis and the cosine of the cone's half angle."""
    if light.kind not in ("point", "spot"):
        raise unknown("kind of lamp", light.kind, ("point", "spot"))
    place, colour = np.asarray(light.position, float), np.array(light.colour) * light.intensity * _LAMP_GAIN
    if light.kind == "point":
        return place, colour, 1.0, None, 0.0
    axis = np.array([0.0, -1.0, 0.0]) if light.target is None else np.asarray(light.target, float) - place
    return place, colour, 2.0, axis / max(float(np.linalg.norm(axis)), 1e-9), float(np.cos(light.angle))


def blob_table(instant: Instant) -> np.ndarray:
    """The spheres of surface.frag: each performer sees its own, things without any see everybody's."""
    table = np.zeros((_RANGES + _BLOBS, 4), np.float32)
    first = 0
    for i, posed in enumerate(instant.meshes, start=1):
        count = min(len(posed.blobs), _BLOBS - first)
        if i < _RANGES:
            table[i, :2] = first, count
        table[_RANGES + first : _RANGES + first + count] = posed.blobs[:count]
        first += count
    for i, posed in enumerate(instant.meshes[: _RANGES - 1], start=1):
        if not len(posed.blobs):
            table[i, :2] = 0, min(first, 128)
    return table


def _middle(world: World) -> tuple[float, float]:
    """The set's middle on the ground, over the whole film: a backdrop must not move."""
    places = [p.clip.root_position[:, [0, 2]] for p in world.performances]
    places += [np.asarray(p.position, float)[None, [0, 2]] for p in world.stage.props if not places]
    if not places:
        return 0.0, 0.0
    low, high = np.min([p.min(0) for p in places], axis=0), np.max([p.max(0) for p in places], axis=0)
    return float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2


def palette(surfaces: tuple[Material, ...]) -> np.ndarray:
    """The materials of surface.frag.

    Raises:
        BadInput: more materials than it holds.
    """
    if len(surfaces) > PALETTE:
        raise BadInput(f"{len(surfaces)} materials in one scene, expected at most {PALETTE}")
    table = np.zeros((PALETTE, 3, 4), np.float32)
    for row, material in zip(table, surfaces, strict=False):
        second: Colour = material.colour2 or tuple(0.62 * c for c in material.colour)  # type: ignore[assignment]
        row[0] = *material.colour, material.roughness
        row[1] = *second, material.metallic
        row[2] = materials.PATTERNS[material.pattern], material.scale, 0.0, 0.0
    return table
