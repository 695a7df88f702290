"""Ink: where a draughtsman draws lines, how heavy, and the lines themselves, anti-aliased.

Edges lie between pixels of ids, depth and normals. Each has a weight; blurred, the weights make a ridge whose level set
is the line: heavier edges give wider lines, ends taper, crossings pool, and steps of single pixels are gone.
"""

from __future__ import annotations

import numpy as np

from render.style.noise import blur, smoothstep
from render.style.surface import Surface

_LEVEL = 0.25  # of the ridge of a full edge, where the line ends
_SILHOUETTE, _OVERLAP, _SEAM, _CREASE = 1.0, 0.85, 0.42, 0.5
_SPREAD = float(np.sqrt(2.0 * np.log(1.0 / _LEVEL)))  # half width of a full line, in deviations of the blur


def edge_weights(surface: Surface, light_side: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Importance of the edge to the right of and below every pixel, ``(H, W)`` float32 each, 0 to 1.

    Silhouettes weigh most, then a thing before itself, creases, and seams between colours. Far things weigh less.

    Args:
        surface: the frame's.
        light_side: 0 to 1: how much lighter lines are in the light than in the shade.
    """
    near = _nearness(surface)
    if light_side > 0:
        near = near * (1.0 - light_side * smoothstep(0.1, 0.8, surface.sunlight))
    return tuple(_between(surface, axis, near) for axis in (1, 0))  # type: ignore[return-value]


def _nearness(surface: Surface) -> np.ndarray:
    """Weight by size on the picture: full while a metre is a fifth of the picture's height, less farther off."""
    metre_px = 1.0 / np.maximum(surface.footprint, 1e-6)
    share = metre_px / surface.height
    return np.where(surface.solid, np.clip((share / 0.2) ** 0.35, 0.45, 1.15), 0.0).astype(np.float32)


def _between(surface: Surface, axis: int, near: np.ndarray) -> np.ndarray:
    """Weights of the edges between each pixel and the next one along an axis."""
    out = np.zeros(surface.depth.shape, np.float32)
    if surface.depth.shape[axis] < 2:
        return out
    here, there = _pair(axis)
    a, b = surface.instance[here], surface.instance[there]
    weight = np.maximum(near[here], near[there])
    ground = surface.world.ground_instance
    apart = a != b
    horizon = (np.minimum(a, b) == 0) & (np.maximum(a, b) == ground)
    edge = np.where(apart & ~horizon, np.float32(_SILHOUETTE), 0.0)
    inside = ~apart & (a > 0) & (a != ground)
    overlap = _OVERLAP * smoothstep(1.0, 3.0, _jump(surface, axis)[here])
    crease = _CREASE * _crease(surface, axis)
    seam = _SEAM * _seam(surface, axis)
    edge = np.where(inside, np.maximum(np.maximum(overlap, crease), seam), edge)
    out[here] = edge * weight
    return out


def _pair(axis: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    all_, low, high = slice(None), slice(None, -1), slice(1, None)
    return ((all_, low), (all_, high)) if axis == 1 else ((low, all_), (high, all_))


def _jump(surface: Surface, axis: int) -> np.ndarray:
    """By how many tolerances depth leaps to the next pixel. 1 / depth is linear over a plane: a slope is no leap."""
    inverse = np.where(surface.solid, 1.0 / np.maximum(surface.depth, 1e-3), 0.0).astype(np.float32)
    step = np.diff(inverse, axis=axis, append=np.take(inverse, [-1], axis=axis))
    before, after = np.roll(step, 1, axis=axis), np.roll(step, -1, axis=axis)
    beside = np.minimum(np.maximum(np.abs(before), np.abs(after)), np.abs(step))
    # A gap of some 2 cm on something 4 m away; in proportion to depth.
    return (np.abs(step) - 1.6 * beside) / np.maximum(0.006 * inverse, 1e-9)


def _crease(surface: Surface, axis: int) -> np.ndarray:
    here, there = _pair(axis)
    cosine = np.einsum("ijk,ijk->ij", surface.normal[here], surface.normal[there])
    return smoothstep(0.12, 0.45, 1.0 - cosine)  # from 28 degrees, in full at 57


def _seam(surface: Surface, axis: int) -> np.ndarray:
    """Difference of flat colour as the eye weighs it, 0 to 1."""
    here, there = _pair(axis)
    shown = np.sqrt(surface.flat)
    off = np.abs(shown[here] - shown[there]).sum(-1)
    return smoothstep(0.12, 0.45, off)


def draw_lines(weights: tuple[np.ndarray, np.ndarray], width_px: float) -> np.ndarray:
    """Lines along weighted edges.

    Args:
        weights: of the edges to the right and below, as `edge_weights` gives them.
        width_px: of a line whose weight is 1.

    Returns:
        Coverage ``(H, W)`` float32, 0 to 1.
    """
    if width_px <= 0.0:
        return np.zeros(weights[0].shape, np.float32)
    half = 0.5 * max(width_px, 1.0)
    faint = min(width_px, 1.0)  # what is thinner than a pixel is lighter, not narrower
    sigma = max(half / _SPREAD, 0.6)
    ridge = ridges(weights, sigma)
    ramp = 0.5 * _LEVEL * _SPREAD / sigma  # one pixel across
    return smoothstep(_LEVEL - ramp, _LEVEL + ramp, ridge).astype(np.float32) * np.float32(faint)


def ridges(weights: tuple[np.ndarray, np.ndarray], sigma: float) -> np.ndarray:
    """Blurred edges ``(H, W)``: 1 on a full straight edge, whatever its direction, falling off as a Gaussian."""
    total = None
    for axis, weight in zip((1, 0), weights, strict=True):
        half = 0.5 * weight
        shifted = np.roll(half, 1, axis=axis)
        both = blur(half + shifted, sigma)
        total = both * both if total is None else total + both * both
    assert total is not None
    return np.sqrt(total) * np.float32(np.sqrt(2.0 * np.pi) * sigma)
