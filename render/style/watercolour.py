"""The watercolour look: transparent washes over a pencil drawing, darker where they end, uneven, grained by the paper.

A wash of density d over paper takes ``C − (C − C²)(d − 1)`` of a colour C (Bousseau, Kaplan, Thollot, Sillion 2006).
"""

from __future__ import annotations

import numpy as np

from render.style.lines import edge_weights, ridges
from render.style.noise import moved, sheet, shift, smoothstep, soft, soft_within
from render.style.pencil import outline
from render.style.settings import Toon, Watercolour
from render.style.surface import LUMINANCE, Surface
from render.style.toon import form, shade_and_light, steps
from render.tonemap import to_srgb8

_PAPER = np.array([0.985, 0.975, 0.945], np.float32)  # display
_LEAD = np.array([0.30, 0.29, 0.31], np.float32)
#: How light falls before it is painted: two washes with a soft border, no shine.
_WASHES = Toon(tones=3, softness=0.16, shade_shift=0.75, rim=0.0, shine=0.0, detail=0.3)


def draw(surface: Surface, look: Watercolour, unit: float, curve: str, exposure: float, seed: int) -> np.ndarray:
    """The picture ``(H, W, 3)`` float32, display values 0 to 1. ``unit``: px here of a px of a picture 720 high."""
    size = (surface.width, surface.height)
    weights = edge_weights(surface)
    uneven = surface.chance(110.0 * unit, 0, shift(seed, 0.013))
    share = form(surface, weights, unit)
    # The brush does not follow a shadow's border: it wanders with the surface's own chance.
    share = share + np.where(surface.ground, 0.16, 0.10).astype(np.float32) * look.turbulence * uneven
    colour = _pigment(surface, share, unit, curve, exposure)
    wash = steps(share, _WASHES)
    pooled = ridges(weights, 2.6 * unit)
    density = np.full(share.shape, look.density, np.float32)
    ends = np.clip(wash * (0.92 - wash) * 4.7, 0.0, 1.0)  # where the shade's wash ends
    density += look.edges * np.where(surface.solid, 0.34 * ends, 0.0)
    flow = np.where(surface.solid, uneven, 0.55 * sheet(size, 3.0 * unit, "slow", seed + 5))
    density += look.turbulence * 0.55 * flow
    density -= 0.42 * smoothstep(0.70, 1.15, share) * surface.thing  # the light is the paper's
    layers = np.concatenate([colour, density[..., None], pooled[..., None]], axis=-1)
    if look.wobble_px > 0:
        dx, dy = (look.wobble_px * unit * 0.7 * sheet(size, 2.4 * unit, "slow", seed + 7 + i) for i in range(2))
        layers = moved(layers, dx, dy)
    colour, density, pooled = layers[..., :3], layers[..., 3], np.minimum(layers[..., 4], 1.2)
    colour = _bled(colour, pooled, look, unit, size, seed)
    paper = sheet(size, 0.9 * unit, "paper", seed)
    density = density + look.edges * 0.55 * pooled * (0.6 + 0.4 * np.tanh(sheet(size, 2.0 * unit, "slow", seed + 9)))
    dark = 1.0 - colour @ LUMINANCE
    density = density + look.granulation * (0.20 + 0.35 * dark) * np.clip(-paper, -1.2, 2.5) * 0.38
    density = np.clip(density, 0.15, 3.2)[..., None]
    painted = np.clip(colour - (colour - colour * colour) * (density - 1.0), 0.0, 1.0)
    if look.margin_px > 0:
        cover, brink = _margin(look.margin_px * unit, unit, size, seed)
        density *= 1.0 + 0.7 * look.edges * brink[..., None]
        painted = np.clip(colour - (colour - colour * colour) * (density - 1.0), 0.0, 1.0)
        painted = 1.0 - (1.0 - painted) * cover[..., None]
    picture = painted * _PAPER * (1.0 + 0.012 * paper[..., None])
    lead = 0.55 * outline(weights, look.line_px, 0.8, unit, size, seed)[..., None]
    return picture * (1.0 - lead) + picture * _LEAD * lead


def _margin(width: float, unit: float, size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How much of the paper the brush has covered ``(H, W)``, and where its outermost stroke has dried."""
    x, y = np.arange(size[0], dtype=np.float32) + 0.5, np.arange(size[1], dtype=np.float32) + 0.5
    inside = np.minimum(np.minimum(x, size[0] - x)[None], np.minimum(y, size[1] - y)[:, None])
    brush = 0.30 * sheet(size, 4.0 * unit, "slow", seed + 17) + 0.10 * sheet(size, 1.4 * unit, "slow", seed + 18)
    depth = inside / width - 1.0 - brush
    cover = smoothstep(-0.06, 0.06, depth)
    return cover, np.exp(-np.maximum(depth, 0.0) * 7.0).astype(np.float32)


def _pigment(surface: Surface, share: np.ndarray, unit: float, curve: str, exposure: float) -> np.ndarray:
    """Colours of the washes ``(H, W, 3)``, display values: high in key, a little purer than what is seen."""
    light = shade_and_light(surface, _WASHES, unit, share)
    shown = to_srgb8(light * 1.25, curve=curve, exposure=exposure).astype(np.float32) / 255.0
    display = surface.frame.display
    assert display is not None
    behind = ~surface.solid
    if behind.any():
        shown[behind] = soft_within(display.astype(np.float32) / 255.0, behind, 3.0 * unit)[behind]
    grey = (shown @ LUMINANCE)[..., None]
    pure = grey + (shown - grey) * 1.45
    return np.clip(1.0 - 0.80 * (1.0 - np.minimum(pure, 1.0)) ** 1.12, 0.03, 0.985).astype(np.float32)


def _bled(
    colour: np.ndarray, pooled: np.ndarray, look: Watercolour, unit: float, size: tuple[int, int], seed: int
) -> np.ndarray:
    """Paint that was still wet has run into its neighbour, here and there along the borders."""
    if look.bleed_px <= 0:
        return colour
    wet = smoothstep(0.1, 1.3, sheet(size, 5.0 * unit, "slow", seed + 3))
    reach = np.clip(soft(pooled, look.bleed_px * unit) * 2.2, 0.0, 1.0)
    amount = (0.10 + 0.62 * wet * reach)[..., None].astype(np.float32)
    return colour * (1.0 - amount) + soft(colour, look.bleed_px * unit) * amount
