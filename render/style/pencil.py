"""The pencil look: hatching fixed to every form, in layers as the tone deepens, outlines drawn twice, grained paper."""

from __future__ import annotations

import numpy as np

from render.style.lines import edge_weights, ridges
from render.style.noise import blur, moved, sheet, smoothstep, stripes
from render.style.settings import Pencil
from render.style.surface import LUMINANCE, Surface
from render.style.toon import form
from render.tonemap import to_srgb8

_PAPER = np.array([0.965, 0.95, 0.915], np.float32)  # display
_GRAPHITE = np.array([0.17, 0.165, 0.18], np.float32)
# Normals of the planes that cut hatching into a form, in rest coordinates: slanted to limbs both along X (arms of a
# T-pose) and Y, so that lines go round them. And the darkness from which a layer is drawn, and where it is full.
_LAYERS = (
    (np.array([0.55, 0.80, 0.24]), 0.16, 0.62),
    (np.array([-0.62, 0.72, 0.30]), 0.42, 0.85),
    (np.array([0.10, 0.95, -0.30]), 0.66, 1.0),
)


def draw(surface: Surface, look: Pencil, unit: float, curve: str, exposure: float, seed: int) -> np.ndarray:
    """The picture ``(H, W, 3)`` float32, display values 0 to 1. ``unit``: px here of a px of a picture 720 high."""
    size = (surface.width, surface.height)
    paper = sheet(size, 0.8 * unit, "paper", seed)
    weights = edge_weights(surface, light_side=0.35)
    dark = _darkness(surface, weights, unit, curve, exposure)
    lead = 0.30 * look.darkness * np.clip(dark - 0.06, 0.0, 1.0)  # the side of the lead, under the lines
    lead = lead + _hatching(surface, look, unit, dark) * (1.0 - lead)
    lines = outline(weights, look.line_px, look.wobble_px, unit, size, seed) * look.darkness
    lead = lead + lines * (1.0 - lead)
    # Lead lies on the paper's heights first, and fills its valleys under pressure.
    grained = lead * (1.0 + look.grain * (0.55 * paper) * (1.0 - 0.75 * lead))
    lead = np.clip(grained, 0.0, 1.0)[..., None]
    return _PAPER * (1.0 + 0.010 * paper[..., None]) * (1.0 - lead) + _pigment(surface, look, curve, exposure) * lead


def _darkness(
    surface: Surface, weights: tuple[np.ndarray, np.ndarray], unit: float, curve: str, exposure: float
) -> np.ndarray:
    """How dark a draughtsman makes it ``(H, W)``, 0 to 1: light on form first, the thing's own colour less."""
    share = form(surface, weights, unit)
    lit = np.clip(0.22 + 0.78 * np.clip(share, -0.25, 1.0), 0.02, 1.0)
    local = np.sqrt(np.clip(surface.flat @ LUMINANCE, 0.0, 1.0))
    value = (0.55 + 0.55 * local) * lit**0.6
    dark = 1.0 - np.clip(value, 0.0, 1.0)
    dark = np.where(surface.ground, np.clip(0.62 * (1.0 - lit) + 0.04, 0.0, 1.0), dark) * (1.0 - 0.9 * surface.veil)
    display = surface.frame.display
    assert display is not None
    behind = 0.30 * (1.0 - display.astype(np.float32) @ LUMINANCE / 255.0)
    return blur(np.where(surface.solid, dark, behind).astype(np.float32), 0.7 * unit)


def _hatching(surface: Surface, look: Pencil, unit: float, dark: np.ndarray) -> np.ndarray:
    """Lines ``(H, W)``, 0 to 1."""
    out = np.zeros(dark.shape, np.float32)
    drawn = surface.solid & (dark > _LAYERS[0][1] - 0.04)
    at = np.flatnonzero(drawn)
    if not len(at):
        return out
    place = surface.anchor
    here = place.reshape(-1, 3)[at]
    size = surface.footprint.reshape(-1)[at]
    tone = dark.reshape(-1)[at]
    tremble = surface.chance(80.0 * unit, 0).reshape(-1)[at]
    swell = surface.chance(130.0 * unit, 2, shift=0.21).reshape(-1)[at]
    lead = np.zeros(len(at), np.float32)
    for i, (normal, begins, full) in enumerate(_LAYERS):
        chosen = np.flatnonzero(tone > begins - 0.03)
        if not len(chosen):
            continue
        axis = (normal / np.linalg.norm(normal)).astype(np.float32)
        gradient = _slope(place @ axis, surface.code).reshape(-1)[at[chosen]]
        # Where the surface lies along the planes, lines would spread: there they fade.
        steep = smoothstep(0.12, 0.35, gradient / np.maximum(size[chosen], 1e-7))
        gradient = np.maximum(gradient, 0.12 * size[chosen])
        phase = here[chosen] @ axis + tremble[chosen] * gradient * (look.wobble_px * unit)
        distance, grown = stripes(phase, gradient, look.spacing_px * unit)
        # Pressure swells along a line and lifts at its ends.
        along = swell[chosen] * (1.0 if i != 1 else -1.0)
        strength = smoothstep(begins - 0.03, full, tone[chosen])
        pressure = np.clip((0.35 + 0.75 * strength) * (1.0 + 0.35 * along), 0.0, 1.2)
        half = 0.5 * look.width_px * unit * (0.55 + 0.75 * pressure)
        line = np.clip(half + 0.5 - distance, 0.0, 1.0)
        begun = smoothstep(0.0, 0.10, tone[chosen] - begins + 0.05 * along)
        lead[chosen] = 1.0 - (1.0 - lead[chosen]) * (
            1.0 - 0.72 * look.darkness * line * grown * pressure * begun * steep
        )
    out.reshape(-1)[at] = lead
    return out


def _slope(phase: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Length of a map's gradient per px ``(H, W)``, one-sided where another part begins."""
    total = np.zeros(phase.shape, np.float32)
    for axis in (0, 1):
        if phase.shape[axis] < 2:
            continue
        ahead = np.diff(phase, axis=axis, append=np.take(phase, [-1], axis=axis))
        same = np.diff(code, axis=axis, append=-1) == 0  # past the border lies nothing
        ahead = np.where(same, np.abs(ahead), np.inf)
        behind = np.roll(ahead, 1, axis=axis)
        step = np.minimum(ahead, behind)
        total += np.where(np.isfinite(step), step, 0.0) ** 2
    return np.sqrt(total)


def outline(
    weights: tuple[np.ndarray, np.ndarray],
    line_px: float,
    wobble_px: float,
    unit: float,
    size: tuple[int, int],
    seed: int,
) -> np.ndarray:
    """Two passes of a pencil along the edges, each by a slightly other hand ``(H, W)``, 0 to 1."""
    if line_px <= 0:
        return np.zeros((size[1], size[0]), np.float32)
    sigma = max(0.5 * line_px * unit / 1.6, 0.6)
    ridge = ridges(weights, sigma)
    total: np.ndarray = np.zeros((size[1], size[0]), np.float32)
    for i in range(2):
        dx, dy = (wobble_px * unit * sheet(size, 2.2 * unit, "slow", seed + 11 + 2 * i + j) for j in range(2))
        hand = moved(ridge, dx, dy)
        pressure = 0.72 + 0.22 * sheet(size, 1.6 * unit, "slow", seed + 31 + i)
        line = smoothstep(0.10, 0.55, hand) * np.clip(pressure, 0.25, 1.0)
        total = 1.0 - (1.0 - total) * (1.0 - 0.85 * line)
    return total


def _pigment(surface: Surface, look: Pencil, curve: str, exposure: float) -> np.ndarray:
    """The lead's colour: graphite, or a coloured pencil's, strong and never pale ``(H, W, 3)``."""
    if look.colour <= 0:
        return _GRAPHITE
    shown = to_srgb8(surface.flat * 0.8, curve=curve, exposure=exposure).astype(np.float32) / 255.0
    grey = shown @ LUMINANCE
    vivid = np.clip(grey[..., None] * 0.75 + (shown - grey[..., None]) * 1.5, 0.06, 0.80)
    return np.where(surface.solid[..., None], _GRAPHITE * (1 - look.colour) + vivid * look.colour, _GRAPHITE)
