"""The toon look: flat colour in steps of light, cool shade, rim and highlights as shapes, ink."""

from __future__ import annotations

import numpy as np

from render.style.lines import draw_lines, edge_weights, ridges
from render.style.noise import blur, smoothstep, soft_within
from render.style.settings import Toon
from render.style.surface import LUMINANCE, Surface
from render.tonemap import to_srgb8

_INK = np.array([0.055, 0.045, 0.07], np.float32)  # display
# Where steps of light lie on the sun's share, and how bright each is: shade first.
_STEPS: dict[int, tuple[tuple[float, ...], tuple[float, ...]]] = {
    2: ((0.16,), (0.0, 1.0)),
    3: ((0.16, 0.78), (0.0, 0.92, 1.12)),
    4: ((0.10, 0.42, 0.80), (0.0, 0.55, 0.92, 1.12)),
}


def draw(surface: Surface, look: Toon, unit: float, curve: str, exposure: float, seed: int) -> np.ndarray:
    """The picture ``(H, W, 3)`` float32, display values 0 to 1. ``unit``: px here of a px of a picture 720 high."""
    weights = edge_weights(surface, light_side=0.25)
    colour = shade_and_light(surface, look, unit, form(surface, weights, unit))
    shown = to_srgb8(colour, curve=curve, exposure=exposure).astype(np.float32) / 255.0
    behind = ~surface.solid
    if behind.any():
        shown[behind] = stepped_sky(surface, unit)[behind]
    ink = draw_lines(weights, look.line_px * unit)[..., None]
    return shown * (1.0 - ink) + _INK * ink


def shade_and_light(surface: Surface, look: Toon, unit: float, share: np.ndarray) -> np.ndarray:
    """Light ``(H, W, 3)``, linear, of flat colours under the sun's ``share (H, W)`` in steps."""
    craft = surface.craft
    lit = steps(share, look)
    sun, sky = craft.sun_colour, craft.sky_light[0]
    full = 0.88 * sun + 0.95 * sky
    # Shade: the sky's own light, turned towards violet; never black.
    grey = float(sky @ LUMINANCE) * 0.85 + 0.10 * float(full @ LUMINANCE)
    cool = np.array([0.92, 0.86, 1.30])
    shade = grey * ((1 - look.shade_shift) * sky / max(float(sky @ LUMINANCE), 1e-4) + look.shade_shift * cool)
    amount = lit[..., None]
    light = shade.astype(np.float32) * (1.0 - amount) + full.astype(np.float32) * amount
    corner = smoothstep(0.12, 0.12 + 0.5 * max(look.softness, 0.08), -share)[..., None]
    light *= 1.0 - 0.35 * corner
    flat = surface.flat * (1.0 - look.detail) + surface.light("albedo") * look.detail
    if surface.ground.any():
        flat = flat * _dabs(surface, unit)[..., None]
    colour = flat * light
    colour += _floor_gloss(surface, unit)
    if look.rim > 0:
        colour += (look.rim * _rim(surface))[..., None] * (0.35 * full + 0.25 * sky).astype(np.float32) * (0.3 + flat)
    if look.shine > 0:
        colour += (look.shine * _shine(surface, unit))[..., None] * full.astype(np.float32) * 0.55
    veil = surface.veil[..., None]
    return colour * (1.0 - veil) + craft.haze.astype(np.float32) * veil


def calm(values: np.ndarray, weights: tuple[np.ndarray, np.ndarray], sigma: float) -> np.ndarray:
    """A map ``(H, W)`` without the grain of few shadow taps, blurred where no edge is near."""
    wide = max(sigma, 0.8)
    edge = np.minimum(ridges(weights, wide) * 1.6, 1.0)
    return blur(values, wide) * (1.0 - edge) + values * edge


def form(surface: Surface, weights: tuple[np.ndarray, np.ndarray], unit: float) -> np.ndarray:
    """The sun's share as a draughtsman sees it ``(H, W)``: of the form without its cloth's bumps, where no shadow lies,
    and what other lamps add."""
    share = calm(surface.sunlight, weights, 2.2 * unit)
    kick = np.where(surface.ground, 0.0, surface.craft.kick(surface.normal)).astype(np.float32)
    cosine = np.where(surface.ground, 1.0, surface.normal @ surface.craft.sun).astype(np.float32)
    # Limbs hide a part of the sky, which must not pass for a shadow of the sun.
    seen = smoothstep(0.42, 0.72, (share - kick + 0.10) / np.maximum(cosine, 0.25))
    known = np.where(cosine > 0.0, cosine * seen, np.maximum(cosine, -0.05)) + kick
    lamps = np.maximum(share - np.maximum(cosine, 0.0) - kick - 0.2, 0.0)
    return known + lamps + 0.5 * np.minimum(share, 0.0)


def _dabs(surface: Surface, unit: float) -> np.ndarray:
    """The ground's own pattern as a painter's dabs: a brightness ``(H, W)`` in three steps."""
    near = np.maximum(surface.flat @ LUMINANCE, 1e-4)
    ratio = blur(np.where(surface.ground, (surface.light("albedo") @ LUMINANCE) / near, 1.0), 2.2 * unit)
    middle = 1.0 + 0.10 * smoothstep(1.15, 1.24, ratio) - 0.12 * (1.0 - smoothstep(0.80, 0.88, ratio))
    return np.where(surface.ground, middle, 1.0).astype(np.float32)


def _floor_gloss(surface: Surface, unit: float) -> np.ndarray:
    """What a floor mirrors of the sky, smooth ``(H, W, 3)``."""
    veil = surface.veil[..., None]
    spec = np.maximum(surface.light("specular") - surface.craft.haze.astype(np.float32) * veil, 0.0)
    return (
        blur(np.where(surface.ground[..., None], spec, 0.0).astype(np.float32), 2.0 * unit) * surface.ground[..., None]
    )


def stepped_sky(surface: Surface, unit: float) -> np.ndarray:
    """The sky in soft steps of brightness ``(H, W, 3)``, display values."""
    display = surface.frame.display
    assert display is not None
    shown = soft_within(display.astype(np.float32) / 255.0, ~surface.solid, 2.0 * unit)
    value = shown @ LUMINANCE
    steps = 14.0
    low = np.floor(value * steps)
    stepped = (low + smoothstep(0.30, 0.70, value * steps - low)) / steps
    return shown * (stepped / np.maximum(value, 1e-3))[..., None]


def steps(share: np.ndarray, look: Toon) -> np.ndarray:
    """The sun's share in steps, each as wide as the softness, or as a pixel where that is wider."""
    gradient = np.zeros_like(share)
    for axis in (0, 1):
        if share.shape[axis] > 1:
            gradient = np.maximum(gradient, np.abs(np.gradient(share, axis=axis)))
    half = np.maximum(0.5 * look.softness, 0.9 * np.minimum(gradient, 0.25))
    levels, heights = _STEPS[look.tones]
    out = np.full(share.shape, heights[0], np.float32)
    for level, low, high in zip(levels, heights, heights[1:], strict=False):
        out += np.float32(high - low) * smoothstep(level - half, level + half, share)
    return out


def _rim(surface: Surface) -> np.ndarray:
    """Where a form turns away and is lit from the side or behind, ``(H, W)`` 0 to 1."""
    graze = 1.0 - surface.facing
    towards = surface.normal @ surface.craft.sun
    band = smoothstep(0.66, 0.74, graze) * smoothstep(-0.25, 0.35, towards)
    return np.where(surface.thing, band * (1.0 - surface.veil), 0.0).astype(np.float32)


def _shine(surface: Surface, unit: float) -> np.ndarray:
    """Highlights as shapes with an edge, ``(H, W)`` 0 to 1."""
    spec = blur(np.where(surface.thing, surface.light("specular") @ LUMINANCE, 0.0).astype(np.float32), 1.0 * unit)
    key = float((surface.craft.sun_colour + surface.craft.sky_light[0]) @ LUMINANCE)
    off = 1.0 - smoothstep(0.45, 0.75, 1.0 - surface.facing)  # at grazing angles everything shines
    return np.where(surface.thing, smoothstep(0.20, 0.26, spec / max(key, 1e-3)) * off, 0.0).astype(np.float32)
