"""The clay look: everything kneaded of one matte stuff, dented by fingers that left their prints."""

from __future__ import annotations

import numpy as np

from render.style.lines import edge_weights, ridges
from render.style.noise import shift, soft, soft_within
from render.style.settings import Clay
from render.style.surface import LUMINANCE, Surface
from render.style.toon import calm
from render.tonemap import to_srgb8

_CELL = 15.0  # ridges of a fingerprint across the cell that it lies in


def draw(surface: Surface, look: Clay, unit: float, curve: str, exposure: float, seed: int) -> np.ndarray:
    """The picture ``(H, W, 3)`` float32, display values 0 to 1. ``unit``: px here of a px of a picture 720 high."""
    craft = surface.craft
    if look.boil:
        seed = seed * 1009 + surface.frame.index // look.every
    weights = edge_weights(surface)
    light = surface.light("diffuse")
    light = np.stack([calm(light[..., c], weights, 2.4 * unit) for c in range(3)], axis=-1)
    veil = surface.veil
    key = craft.sun - surface.normal * (surface.normal @ craft.sun)[..., None]  # of the sun, along the surface
    high = np.array([0.0, 1.0, 0.0], np.float32)
    relief = key * 0.75 + (high - surface.normal * (surface.normal @ high)[..., None]) * 0.35
    bump = look.bump * _dents(surface, look, unit, relief, seed) * np.where(surface.ground, 1.5, 1.0)
    if look.prints > 0:
        bump += look.prints * _prints(surface, unit, relief, seed)
    shaped = np.clip(1.0 + bump * (1.0 - veil), 0.35, 1.9)
    seam = 0.34 * np.minimum(ridges(weights, 2.2 * unit), 1.0)  # where two lumps were pressed together
    colour = _stuff(surface) * light * (shaped * (1.0 - np.where(surface.thing, seam, 0.0)))[..., None]
    gloss = soft(np.where(surface.thing, surface.light("specular") @ LUMINANCE, 0.0).astype(np.float32), 3.0 * unit)
    colour += (look.sheen * gloss * np.clip(shaped**3, 0.3, 2.5) * surface.thing)[..., None]
    far = surface.light("specular")
    floor = np.maximum(far - craft.haze.astype(np.float32) * veil[..., None], 0.0) * 0.4
    colour += np.where(surface.ground[..., None], floor, 0.0) + craft.haze.astype(np.float32) * veil[..., None]
    shown = to_srgb8(colour, curve=curve, exposure=exposure).astype(np.float32) / 255.0
    display = surface.frame.display
    assert display is not None
    behind = ~surface.solid
    if behind.any():  # a painted backdrop
        shown[behind] = soft_within(display.astype(np.float32) / 255.0, behind, 2.5 * unit)[behind]
    return shown


def _stuff(surface: Surface) -> np.ndarray:
    """Colours that clay is sold in: the thing's own, neither very dark nor very pale ``(H, W, 3)``, linear."""
    flat = surface.flat
    grey = (flat @ LUMINANCE)[..., None]
    pure = np.maximum(grey + (flat - grey) * 1.12, 0.0)
    return (0.020 + 0.90 * pure).astype(np.float32)


def _dents(surface: Surface, look: Clay, unit: float, relief: np.ndarray, seed: int) -> np.ndarray:
    """Change of light by dents of two sizes ``(H, W)``."""
    total = np.zeros(surface.depth.shape, np.float32)
    for scale, weight in ((1.0, 0.34), (0.3, 0.20)):
        for axis, channel in enumerate((0, 2, 3)):
            noise = surface.chance(look.dent_px * scale * unit, channel, shift(seed, 0.173) + 0.41 * axis)
            total += np.float32(weight) * noise * relief[..., axis]
    return total


def _prints(surface: Surface, unit: float, relief: np.ndarray, seed: int) -> np.ndarray:
    """Change of light by fingerprints ``(H, W)``: rings about a random place in every cell of the rest coordinates."""
    out = np.zeros(surface.depth.shape, np.float32)
    at = np.flatnonzero(surface.thing & (surface.veil < 0.9))
    if not len(at):
        return out
    place = surface.anchor.reshape(-1, 3)[at]
    slope = relief.reshape(-1, 3)[at]
    length = surface.footprint.reshape(-1)[at] * np.float32(4.2 * unit)
    level = np.log2(np.maximum(length, 1e-6))
    below = np.floor(level)
    part = (level - below).astype(np.float32)
    facing = np.clip(surface.facing.reshape(-1)[at] * 2.0 - 0.3, 0.0, 1.0)  # seen along, ridges melt together
    total = np.zeros(len(at), np.float32)
    for step, weight in ((0.0, 1.0 - part), (1.0, part)):
        ridge = np.exp2(below + step).astype(np.float32)
        cell = place / (ridge[:, None] * _CELL)
        corner = np.floor(cell)
        chance = _hash(corner, below + step, seed)
        centre = corner + 0.5 + 0.5 * (chance[:, :3] - 0.5)
        away = (cell - centre) * _CELL  # in ridges
        stretch = 0.75 + 0.5 * chance[:, 1:]
        rings = np.sqrt((away * away * stretch).sum(-1) + 1e-6)
        patch = np.clip(1.0 - (rings / (0.40 * _CELL)) ** 4, 0.0, 1.0) * (chance[:, 3] > 0.45)
        lean = (away * slope).sum(-1) / rings
        total += weight * patch * np.sin(2.0 * np.pi * rings) * lean
    out.reshape(-1)[at] = 0.62 * total * facing
    return out


def _hash(corner: np.ndarray, level: np.ndarray, seed: int) -> np.ndarray:
    """Four numbers ``(N, 4)`` from 0 to 1 for whole-number cells ``(N, 3)`` (the mixing of PCG, Jarzynski 2020)."""
    v = corner.astype(np.int64).astype(np.uint32)
    extra = (level.astype(np.int64) + 1000 * seed % 2**32).astype(np.uint32)
    v = np.column_stack([v, extra]) * np.uint32(1664525) + np.uint32(1013904223)
    for _ in range(2):
        v[:, 0] += v[:, 1] * v[:, 3]
        v[:, 1] += v[:, 2] * v[:, 0]
        v[:, 2] += v[:, 0] * v[:, 1]
        v[:, 3] += v[:, 1] * v[:, 2]
        v ^= v >> np.uint32(16)
    return (v >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)
