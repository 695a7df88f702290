"""Chance that stays where it is: paper fixed to the picture, noise and hatching fixed to surfaces at any zoom."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

from render.materials import solid_noise

_FEATURES = 8.0  # features of the solid noise along one side of its tile
_TILE = 512


def smoothstep(low: float | np.ndarray, high: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((x - low) / np.maximum(np.subtract(high, low), 1e-6), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of ``(H, W)`` or ``(H, W, C)`` over rows and columns, px."""
    if sigma <= 0.05:
        return image
    sigmas = (sigma, sigma) + (0,) * (image.ndim - 2)
    return ndimage.gaussian_filter(image, sigmas, mode="nearest", truncate=3.0)


def soft(image: np.ndarray, sigma: float) -> np.ndarray:
    """A wide Gaussian blur of ``(H, W)`` or ``(H, W, C)``, at a smaller size where the blur allows it."""
    step = int(np.clip(sigma / 2.5, 1, 16))
    height, width = image.shape[:2]
    if step == 1 or min(height, width) < 2 * step:
        return blur(image, sigma)
    pad = [(0, -height % step), (0, -width % step)] + [(0, 0)] * (image.ndim - 2)
    whole = np.pad(image, pad, mode="edge")
    rows, columns = whole.shape[0] // step, whole.shape[1] // step
    small = whole.reshape(rows, step, columns, step, *image.shape[2:]).mean((1, 3))
    small = blur(small, np.sqrt(max((sigma / step) ** 2 - 0.25, 0.01)))
    return enlarge(small, step, (height, width))


def soft_within(image: np.ndarray, mask: np.ndarray, sigma: float) -> np.ndarray:
    """`soft` of what lies inside a mask ``(H, W)`` alone: nothing outside it bleeds in."""
    inside = mask.astype(np.float32)
    weight = soft(inside, sigma)
    shape = inside.reshape(inside.shape + (1,) * (image.ndim - 2))
    return soft(image * shape, sigma) / np.maximum(weight.reshape(shape.shape), 1e-4)


def enlarge(small: np.ndarray, step: int, shape: tuple[int, int]) -> np.ndarray:
    """A picture ``step`` times larger, linear between the middles of its old pixels, cut to ``shape``."""
    for axis, count in enumerate(shape):
        at = (np.arange(count, dtype=np.float32) + 0.5) / step - 0.5
        low = np.clip(np.floor(at).astype(int), 0, small.shape[axis] - 1)
        high = np.minimum(low + 1, small.shape[axis] - 1)
        part = np.clip(at - low, 0.0, 1.0).reshape([-1 if i == axis else 1 for i in range(small.ndim)])
        small = np.take(small, low, axis) * (1 - part) + np.take(small, high, axis) * part
    return small


def moved(image: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """An image ``(H, W)`` or ``(H, W, C)`` looked up ``dx, dy (H, W)`` px away."""
    rows, columns = np.indices(image.shape[:2], dtype=np.float32)
    at = [rows + dy, columns + dx]
    if image.ndim == 2:
        return np.asarray(ndimage.map_coordinates(image, at, order=1, mode="nearest", prefilter=False))
    return np.stack([moved(image[..., c], dx, dy) for c in range(image.shape[2])], axis=-1)


@lru_cache(maxsize=8)
def _tile(slope: float, low: float, high: float, seed: int) -> np.ndarray:
    """``(512, 512)`` tiling noise with a power-law spectrum, mean 0, deviation 1."""
    rng = np.random.default_rng([seed, 77])
    white = np.fft.rfft2(rng.standard_normal((_TILE, _TILE)))
    f = np.hypot(np.fft.fftfreq(_TILE, 1 / _TILE)[:, None], np.fft.rfftfreq(_TILE, 1 / _TILE)[None])
    gain = np.where((f >= low) & (f <= high), np.maximum(f, 1e-6) ** -slope, 0.0)
    field = np.fft.irfft2(white * gain, s=(_TILE, _TILE))
    return (field / field.std()).astype(np.float32)


@lru_cache(maxsize=12)
def sheet(size: tuple[int, int], texel_px: float, kind: str, seed: int) -> np.ndarray:
    """A sheet of chance fixed to the picture: ``(H, W)`` float32, mean 0, deviation about 1.

    Args:
        size: width and height, px.
        texel_px: px that one texel of its tile covers.
        kind: "paper" (fine grain with fibres), "slow" (features of some 40 texels).
        seed: another number, another sheet.
    """
    slope, low, high = (0.55, 30.0, 190.0) if kind == "paper" else (1.6, 4.0, 24.0)
    tile = _tile(slope, low, high, seed)
    width, height = size
    x = (np.arange(width, dtype=np.float32) + 0.5) / texel_px
    y = (np.arange(height, dtype=np.float32) + 0.5) / texel_px
    grid = np.stack(np.meshgrid(y, x, indexing="ij"))
    return np.asarray(ndimage.map_coordinates(tile, grid, order=1, mode="grid-wrap", prefilter=False), np.float32)


def shift(seed: int, step: float) -> float:
    """How far a seed moves solid noise, so that another seed has another noise; seeds repeat after 4,096.

    Farther away float32 coordinates would lie on a grid.
    """
    return (seed % 4096) * step


def averaged(image: np.ndarray, n: int) -> np.ndarray:
    """``(H, W, C)`` averaged over squares of ``n`` px."""
    if n == 1:
        return image
    height, width = image.shape[0] // n, image.shape[1] // n
    return np.asarray(image.reshape(height, n, width, n, -1).mean((1, 3)), np.float32)


def solid(place: np.ndarray, wavelength: float | np.ndarray, channel: int, shift: float = 0.0) -> np.ndarray:
    """Solid noise at ``place (N, 3)`` with features ``wavelength`` long, in the same unit: ``(N,)``, −1 to 1 or so."""
    coordinates = (place / np.reshape(wavelength, (-1, 1)) + shift) * (64.0 / _FEATURES)
    tile = _solid_channel(channel)
    return np.asarray(
        ndimage.map_coordinates(tile, coordinates.T.astype(np.float32), order=1, mode="grid-wrap", prefilter=False)
    )


@lru_cache(maxsize=4)
def _solid_channel(channel: int) -> np.ndarray:
    values = solid_noise()[..., channel].astype(np.float32) / 255.0 - 0.5
    return values / (2.0 * float(values.std()))


def at_any_zoom(place: np.ndarray, wavelength: np.ndarray, channel: int, shift: float = 0.0) -> np.ndarray:
    """Solid noise whose features are about ``wavelength`` long however it varies, without ever sliding on the surface.

    Two octaves, each fixed, are mixed (Bénard, Bousseau, Thollot 2009, dynamic solid textures); the mix keeps its
    contrast by dividing by the root of the weights' squares.

    Args:
        place: ``(N, 3)`` rest coordinates, metres.
        wavelength: ``(N,)`` metres: of a wanted size in px, times the metres that a pixel covers.
        channel: which noise.
        shift: another number, another noise.

    Returns:
        ``(N,)`` float32, −1 to 1 or so.
    """
    level = np.log2(np.maximum(wavelength, 1e-6))
    below = np.floor(level)
    part = level - below
    out = np.zeros(len(place), np.float32)
    for step, weight in ((0.0, 1.0 - part), (1.0, part)):
        octave = np.exp2(below + step)
        out += weight.astype(np.float32) * solid(place, octave, channel, shift + 0.37)
    return out / np.sqrt(part**2 + (1 - part) ** 2).astype(np.float32)


def stripes(phase: np.ndarray, gradient: np.ndarray, spacing_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Lines at whole multiples of a fixed spacing of ``phase``, as far apart on the picture as asked, at any zoom.

    Spacings are powers of two. Coming nearer, new lines appear between the old ones, which stay (the nesting of Praun
    et al. 2001, tonal art maps).

    Args:
        phase: ``(N,)`` a length on the surface, metres.
        gradient: ``(N,)`` its change per pixel, metres.
        spacing_px: between lines.

    Returns:
        Distance to the nearest line ``(N,)`` px, and how far that line has appeared ``(N,)`` 0 to 1.
    """
    gradient = np.maximum(gradient, 1e-7)
    level = np.log2(gradient * spacing_px)
    above = np.ceil(level)  # lines this far apart are all there; those half as far apart are appearing
    grown = above - level
    coarse = np.exp2(above)
    turns = phase / (0.5 * coarse)
    index = np.round(turns)
    distance = np.abs(turns - index) * (0.5 * coarse) / gradient
    old = np.mod(index, 2.0) == 0.0
    return distance.astype(np.float32), np.where(old, 1.0, grown).astype(np.float32)
