"""Sun, lamps and sky of a world as Mitsuba emitters, in the rasterizer's units.

A white matte surface facing the sun leaves ``sun_colour`` of radiance in the rasterizer, so irradiance is π times that.
The sky shines with what the rasterizer's ambient light is the integral of (`render.lighting.irradiance`).
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from motion.rotations import Array
from render import lighting
from render.lighting import LightPreset
from render.path_tracer.ops import Triple
from render.rasterizer.blocks import LAMPS

_FAR_M = 3000.0  # to the discs that are sun and rim lights
_LAMP_M = 0.05  # radius of a lamp: what softens its shadows
# Lights of a kind come in so many, the rest of them dark and never sampled: compiled code depends on their number.
_SLOTS = (3, 6, LAMPS)
_SKY = (128, 256)  # rows, columns of the sky's picture: a gradient and the sun's glow


def emitters(mi: ModuleType, block: np.ndarray, lamps: int, preset: LightPreset, sun: Array) -> dict[str, Any]:
    """Everything that shines but rim lights, as parts of a scene's dictionary.

    Args:
        mi: Mitsuba.
        block: the frame block of `render.rasterizer.blocks.fill_static`.
        lamps: how many lamps it holds.
        preset: the light preset.
        sun: unit vector towards the sun.
    """
    middle = np.array([block["middle"][0], 0.0, block["middle"][1]], float)
    colour = block["sun_colour"][:3].astype(float)
    kinds: dict[str, list[dict[str, Any]]] = {"disc": [], "bulb": [], "spot": []}
    if colour.max() > 0:
        kinds["disc"].append(_disc(mi, middle, sun, colour, preset.sun_radius))
    for i in range(lamps):
        place, colour = block["lamp_place"][i].astype(float), block["lamp_colour"][i].astype(float)
        if not colour[:3].max() > 0:
            continue
        if place[3] < 0.5:
            continue  # `rims`
        if place[3] < 1.5:
            kinds["bulb"].append(_bulb(place[:3], colour[:3]))
        else:
            kinds["spot"].append(_spot(mi, place[:3], colour, block["lamp_axis"][i, :3].astype(float)))
    down, dark = np.array([0.0, -1.0, 0.0]), np.zeros(4)
    spare = {
        "disc": _disc(mi, middle, down, dark[:3], 1e-5, weight=0.0),
        "bulb": _bulb(_FAR_M * down, dark[:3], weight=0.0),
        "spot": _spot(mi, _FAR_M * down, dark, down, weight=0.0),
    }
    slots = {"disc": (1,), "bulb": _SLOTS, "spot": _SLOTS}
    parts: dict[str, Any] = {"sky": {"type": "envmap", "bitmap": mi.Bitmap(sky(preset, sun))}}
    for kind, lights in kinds.items():
        count = next(n for n in slots[kind] if n >= len(lights))
        parts |= {f"{kind}{i}": light for i, light in enumerate(lights + [spare[kind]] * (count - len(lights)))}
    return parts


def rims(block: np.ndarray, lamps: int) -> list[tuple[Triple, Triple]]:
    """Directions towards rim lights, and their colours: what a white matte surface that faces them gives back.

    They have no shadows, as in the rasterizer, which is what makes them rim lights: a tree before one would undo it. So
    they are no emitters; whatever the eye sees is lit by them directly.
    """
    found = []
    for place, colour in zip(block["lamp_place"][:lamps].tolist(), block["lamp_colour"][:lamps].tolist(), strict=True):
        if place[3] < 0.5:
            found.append(((place[0], place[1], place[2]), (colour[0], colour[1], colour[2])))
    return found


def sky(preset: LightPreset, sun: Array) -> np.ndarray:
    """The sky's light as a picture ``(rows, columns, 3)`` float32: straight up in row 0, −Z in the middle column."""
    rows, columns = _SKY
    down = (np.arange(rows) + 0.5) / rows * np.pi
    turn = (np.arange(columns) + 0.5) / columns * 2 * np.pi
    height, around = np.cos(down)[:, None], np.sin(down)[:, None]
    d = np.stack([around * np.sin(turn), np.broadcast_to(height, (rows, columns)), -around * np.cos(turn)], axis=-1)
    return lighting.sky_radiance(preset, sun, d).astype(np.float32)


def _disc(
    mi: ModuleType, middle: Array, towards: Array, colour: Array, radius: float, weight: float = 1.0
) -> dict[str, Any]:
    """A light so far away that it is the same everywhere on a set; ``radius`` in radians."""
    radius = max(radius, 1e-5)
    place = middle + _FAR_M * np.asarray(towards, float)
    half = _FAR_M * float(np.tan(radius))
    # Irradiance of a disc faced from its axis: π L sin² of its radius.
    return {
        "type": "disk",
        "to_world": mi.ScalarTransform4f().look_at(list(place), list(middle), _up(towards)).scale([half, half, 1.0]),
        "emitter": {
            "type": "area",
            "radiance": _rgb(colour / float(np.sin(radius)) ** 2),
            "sampling_weight": weight,
        },
    }


def _bulb(place: Array, colour: Array, weight: float = 1.0) -> dict[str, Any]:
    # Irradiance of a sphere: π L r² / d².
    return {
        "type": "sphere",
        "center": [float(v) for v in place],
        "radius": _LAMP_M,
        "emitter": {"type": "area", "radiance": _rgb(colour / _LAMP_M**2), "sampling_weight": weight},
    }


def _spot(mi: ModuleType, place: Array, colour: Array, axis: Array, weight: float = 1.0) -> dict[str, Any]:
    edge = float(np.clip(colour[3], -1.0, 1.0))
    return {
        "type": "spot",
        "to_world": mi.ScalarTransform4f().look_at(list(place), list(place + axis), _up(axis)),
        "intensity": _rgb(np.pi * colour[:3]),
        "cutoff_angle": float(np.degrees(np.arccos(edge))),
        "beam_width": float(np.degrees(np.arccos(0.75 * edge + 0.25))),
        "sampling_weight": weight,
    }


def _up(axis: Array) -> list[float]:
    return [0.0, 1.0, 0.0] if abs(axis[1]) < 0.99 else [1.0, 0.0, 0.0]


def _rgb(colour: Array) -> dict[str, Any]:
    return {"type": "rgb", "value": [float(c) for c in colour]}
