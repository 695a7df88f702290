"""Grounds and surface patterns by name, and the small noise pictures that their shaders read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from motion.material import Colour


@dataclass(frozen=True)
class Ground:
    """A ground: how its tile is painted and repeated."""

    kind: int  # the shader's number
    colour: Colour
    colour2: Colour
    roughness: float
    tile_m: float  # metres that one tile of its picture covers


#: Grounds that a stage can name.
GROUNDS: dict[str, Ground] = {
    "studio": Ground(0, (0.40, 0.397, 0.392), (0.385, 0.383, 0.38), 0.66, 4.0),
    "grass": Ground(1, (0.045, 0.095, 0.018), (0.135, 0.165, 0.040), 0.85, 2.4),
    "concrete": Ground(2, (0.37, 0.36, 0.34), (0.25, 0.245, 0.24), 0.72, 3.0),
    "wood": Ground(3, (0.35, 0.205, 0.092), (0.16, 0.082, 0.034), 0.52, 2.4),
    "sand": Ground(4, (0.50, 0.39, 0.25), (0.38, 0.28, 0.17), 0.90, 3.0),
    "asphalt": Ground(5, (0.085, 0.087, 0.092), (0.045, 0.046, 0.050), 0.80, 2.0),
    "grid": Ground(6, (0.30, 0.31, 0.32), (0.16, 0.17, 0.18), 0.70, 4.0),
}

#: Surface patterns that a material can name, with the shader's numbers.
PATTERNS: dict[str, int] = {
    "plain": 0, "fabric": 1, "denim": 2, "leather": 3, "skin": 4, "hair": 5, "eye": 6, "wood": 7, "knit": 8,
    "rubber": 9, "concrete": 10, "metal": 11, "grass": 12,
}  # fmt: skip

TILE = 512  # texels a side of a ground's picture


def _noise(shape: tuple[int, ...], slope: float, low: float, high: float, seed: int, squeeze: int = 1) -> np.ndarray:
    """Tiling noise with a power-law spectrum between two frequencies (cycles per tile), mean 0.5, float32."""
    rng = np.random.default_rng(seed)
    white = np.fft.rfftn(rng.standard_normal(shape).astype(np.float32))
    axes = [np.fft.fftfreq(n, 1 / n) for n in shape[:-1]] + [np.fft.rfftfreq(shape[-1], 1 / shape[-1])]
    axes[0] = axes[0] * squeeze  # >1: stretched along the first axis
    grid = np.meshgrid(*axes, indexing="ij")
    f = np.sqrt(sum(g * g for g in grid))
    gain = np.where((f >= low) & (f <= high), np.maximum(f, 1e-6) ** -slope, 0.0)
    field = np.fft.irfftn(white * gain, s=shape, axes=tuple(range(len(shape))))
    field /= max(float(field.std()), 1e-9)
    return np.clip(0.5 + 0.2 * field, 0.0, 1.0).astype(np.float32)


def _quantise(channels: list[np.ndarray]) -> np.ndarray:
    return (np.stack(channels, axis=-1) * 255.0 + 0.5).astype(np.uint8)


@lru_cache(maxsize=1)
def solid_noise() -> np.ndarray:
    """``(64, 64, 64, 4)`` uint8, tiling: smooth, fine, and two more smooth ones that together make a vector."""
    shape = (64, 64, 64)
    return _quantise(
        [
            _noise(shape, 1.6, 1, 20, 11),
            _noise(shape, 0.3, 6, 32, 12),
            _noise(shape, 1.6, 1, 20, 13),
            _noise(shape, 1.6, 1, 20, 14),
        ]
    )


@lru_cache(maxsize=16)
def ground_tile(kind: int) -> np.ndarray:
    """``(512, 512, 4)`` uint8 tile of a ground: blend of its two colours, brightness, roughness change, large spots."""
    shape = (TILE, TILE)
    large = _noise(shape, 1.5, 1, 12, 1)
    fine = _noise(shape, 0.4, 40, 256, 2)
    middle = _noise(shape, 1.0, 6, 90, 3)
    if kind == 1:  # grass: short strokes both ways, darker between the blades
        blades = np.maximum(_noise(shape, 0.5, 30, 256, 4, 4), _noise(shape, 0.5, 30, 256, 5, 2).T)
        bright = np.clip(0.15 + 1.1 * (0.65 * blades + 0.35 * middle) - 0.12, 0, 1)
        return _quantise([np.clip(0.6 * middle + 0.4 * large, 0, 1), bright, middle, large])
    if kind == 3:
        return _wood_tile()
    if kind == 4:  # sand: wind ripples, bent by a slow field
        v, u = np.mgrid[0:TILE, 0:TILE] / TILE
        ripple = 0.5 + 0.5 * np.sin(2 * np.pi * (14 * v + 1.6 * large + 0.8 * middle + 2 * u)).astype(np.float32)
        bright = np.clip(0.5 + 0.28 * (ripple - 0.5) + 0.35 * (fine - 0.5), 0, 1)
        return _quantise([np.clip(1 - ripple * 0.6 - large * 0.3, 0, 1), bright, middle, large])
    if kind in (2, 5):  # concrete, asphalt: speckle, pores, stains
        pores = np.where(fine < 0.14, 0.55, 1.0).astype(np.float32)
        grain = 0.75 if kind == 5 else 0.30
        bright = np.clip((0.5 + grain * (fine - 0.5) + 0.30 * (middle - 0.5)) * pores, 0, 1)
        return _quantise([np.clip(0.25 + 0.5 * large + 0.5 * (middle - 0.5), 0, 1), bright, middle, large])
    bright = np.clip(0.5 + 0.06 * (fine - 0.5) + 0.08 * (middle - 0.5), 0, 1)
    return _quantise([large, bright, middle, large])


@lru_cache(maxsize=1)
def cloud_tile() -> np.ndarray:
    """``(512, 512)`` uint8, tiling: how thick a sheet of cloud is."""
    shape = (TILE, TILE)
    return (255 * np.clip(1.25 * _noise(shape, 1.75, 2, 160, 21) - 0.1, 0, 1) + 0.5).astype(np.uint8)


def _wood_tile() -> np.ndarray:
    """Planks along u: 16 rows a tile, each cut in two at its own place, grain shifted from plank to plank."""
    rows, rng = 16, np.random.default_rng(6)
    streak = _noise((TILE, TILE), 0.6, 8, 256, 8, 1)
    stretched = _noise((TILE, TILE), 0.9, 6, 256, 9, 14).T  # stretched along the first axis; planks run along u
    height = TILE // rows
    tone, grain = np.empty((TILE, TILE), np.float32), np.empty((TILE, TILE), np.float32)
    seam = np.ones((TILE, TILE), np.float32)
    for row in range(rows):
        band = slice(row * height, (row + 1) * height)
        cut = int(rng.integers(TILE))
        tones = rng.uniform(0.12, 0.88, 2)
        column = (np.arange(TILE) - cut) % TILE
        tone[band] = np.where(column < TILE // 2, tones[0], tones[1])
        shift = int(rng.integers(TILE))
        grain[band] = np.roll(stretched, shift, axis=1)[band]
        seam[row * height] = 0.35
        seam[band, cut] = 0.35
        seam[band, (cut + TILE // 2) % TILE] = 0.35
    blend = np.clip(0.55 * tone + 0.75 * (grain - 0.5) + 0.2, 0, 1)
    bright = np.clip((0.5 + 0.35 * (grain - 0.5) + 0.10 * (streak - 0.5)) * seam, 0, 1)
    # What varies over the whole floor, read at many times the scale, has no edges of planks: they would be walls.
    return _quantise([blend, bright, stretched, _noise((TILE, TILE), 1.5, 1, 12, 1)])
