"""Tone curves: from scene-linear light to the 8-bit sRGB of a film, and back for plates.

`agx` compresses highlights gently and lets strong colours fade to white, `aces` is contrastier, `srgb` only clips.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from motion.colour import linear_to_srgb, srgb_to_linear
from motion.errors import BadInput, unknown

#: Names of the tone curves.
CURVES: tuple[str, ...] = ("agx", "aces", "srgb")

# Range of the log encoding, stops about 1.0: AgX's own (Troy Sobotka 2022), middle grey 0.18 at 0.606 of it.
_MIN_EV, _MAX_EV = -12.47393, 4.026069

# Mixing towards grey before the curve and back after it. Rows sum to 1 so that greys stay grey. The amounts follow
# the AgX primaries' insets; these matrices are a symmetric form of that idea, made for linear Rec.709.
_INSET = np.array([[0.842, 0.079, 0.079], [0.042, 0.879, 0.079], [0.042, 0.079, 0.879]])
_OUTSET = np.array([[1.240, -0.120, -0.120], [-0.085, 1.205, -0.120], [-0.085, -0.120, 1.205]])
_IDENTITY = np.eye(3)

# ACES in Stephen Hill's fit (2016): sRGB to the rendering transform's space and back.
_ACES_IN = np.array([[0.59719, 0.35458, 0.04823], [0.07600, 0.90834, 0.01566], [0.02840, 0.13383, 0.83777]])
_ACES_OUT = np.array([[1.60475, -0.53108, -0.07367], [-0.10208, 1.10813, -0.00605], [-0.00327, -0.07276, 1.07602]])

_SHIFT = 14  # float bits dropped: 9 bits of mantissa stay, 1/512 of a stop at worst, far below 8 bits


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """An S on [0, 1]: through (pivot, encoded grey) with a given slope, its toe and shoulder power curves that bend
    to 0 and 1 (the construction of AgX's default contrast)."""
    pivot, grey, slope, power_toe, power_shoulder = 0.6060606, 0.4855, 2.35, 1.5, 1.5

    def scale(rise: float, run: float, power: float) -> float:
        # The end of the curve is where it must reach exactly 0 or 1.
        return ((rise / (slope * run)) ** -power - 1.0) ** (-1.0 / power) * slope * run

    toe, shoulder = scale(grey, pivot, power_toe), scale(1 - grey, 1 - pivot, power_shoulder)
    low, high = slope * (pivot - x) / toe, slope * (x - pivot) / shoulder
    down = grey - toe * np.maximum(low, 0) / (1 + np.maximum(low, 0) ** power_toe) ** (1 / power_toe)
    up = grey + shoulder * np.maximum(high, 0) / (1 + np.maximum(high, 0) ** power_shoulder) ** (1 / power_shoulder)
    return np.where(x < pivot, down, up)


def _curve(name: str, v: np.ndarray) -> np.ndarray:
    """One channel through the curve: for agx to encoded values, else to linear ones."""
    if name == "agx":
        ev = np.log2(np.maximum(v, 1e-10))
        return _sigmoid(np.clip((ev - _MIN_EV) / (_MAX_EV - _MIN_EV), 0.0, 1.0))
    if name == "aces":
        v = np.maximum(v, 0.0) * 1.8  # Hill's fit is dark by itself; middle grey stays where agx has it
        return (v * (v + 0.0245786) - 0.000090537) / (v * (0.983729 * v + 0.4329510) + 0.238081)
    return np.clip(v, 0.0, 1.0)


def _matrices(name: str) -> tuple[np.ndarray, np.ndarray]:
    return {"agx": (_INSET, _OUTSET), "aces": (_ACES_IN, _ACES_OUT), "srgb": (_IDENTITY, _IDENTITY)}[name]


@lru_cache(maxsize=8)
def _table(name: str) -> np.ndarray:
    """The curve at every positive float32 with ``_SHIFT`` bits dropped, at the middle of what was dropped."""
    count, infinite = 0x80000000 >> _SHIFT, 0x7F800000 >> _SHIFT
    bits = (np.arange(infinite, dtype=np.uint32) << _SHIFT) + (1 << (_SHIFT - 1))
    table = np.zeros(count, np.float32)  # beyond infinity lie the NaNs: black
    table[:infinite] = _curve(name, np.minimum(bits.view(np.float32).astype(np.float64), 1e6))
    table[infinite] = table[infinite - 1]
    return table


@lru_cache(maxsize=8)
def _encode_table(name: str) -> np.ndarray:
    """8-bit codes of display values 0 … 1 in 4096 steps: encoded already for agx, linear for the others."""
    v = (np.arange(4096) + 0.5) / 4096
    code = v if name == "agx" else linear_to_srgb(v)
    return np.clip(np.round(code * 255.0), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class CurveTable:
    """A tone curve for a shader: light through ``inset``, each channel through ``values``, then ``outset``."""

    values: np.ndarray  # (4096,) float32 over log2 of light, from `low` to `high`
    low: float  # stops
    high: float
    inset: np.ndarray  # (3, 3)
    outset: np.ndarray  # (3, 3)
    encoded: bool  # whether the result is display-encoded already; else it is linear


def curve_table(curve: str) -> CurveTable:
    """The curve called ``curve``, the same as `to_srgb8` uses."""
    low, high = -16.0, 8.0
    light = np.exp2(np.linspace(low, high, 4096))
    values = _curve(curve, light).astype(np.float32)
    values[0] = _curve(curve, np.zeros(1))[0]
    return CurveTable(values, low, high, *_matrices(curve), curve == "agx")


def _checked(beauty: np.ndarray, curve: str) -> np.ndarray:
    """Light as float32 ``(…, 3)``, and a curve that there is."""
    if curve not in CURVES:
        raise unknown("tone curve", curve, CURVES)
    beauty = np.asarray(beauty, dtype=np.float32)
    if beauty.shape[-1:] != (3,):
        raise BadInput(f"tone map: shape {beauty.shape}, expected (…, 3)")
    return beauty


def to_srgb8(
    beauty: np.ndarray, alpha: np.ndarray | None = None, curve: str = "agx", exposure: float = 0.0
) -> np.ndarray:
    """Film pixels from linear light.

    Args:
        beauty: ``(…, 3)`` linear Rec.709; NaN counts as black.
        alpha: ``(…)`` coverage of a premultiplied picture; given, the result has a fourth, straight alpha channel.
        curve: one of `CURVES`.
        exposure: stops, added before the curve.

    Returns:
        ``(…, 3)`` uint8 sRGB, or ``(…, 4)`` with alpha.

    Raises:
        BadInput: an unknown curve, or no three channels.
    """
    beauty = _checked(beauty, curve)
    shape = beauty.shape
    if alpha is not None:
        beauty = beauty / np.maximum(np.asarray(alpha, np.float32)[..., None], 1e-6)
    inset, outset = _matrices(curve)
    flat = beauty.reshape(-1, 3) @ (inset.T * 2.0**exposure).astype(np.float32)
    # The float's own upper bits index the table; negative numbers have negative ones, which clip to black.
    index = flat.view(np.int32)
    index >>= _SHIFT
    table = _table(curve)
    shown_mixed = np.take(table, index, mode="clip")
    shown = shown_mixed @ outset.T.astype(np.float32)
    shown *= 4096.0
    np.clip(shown, 0.0, 4095.0, out=shown)
    pixels = np.take(_encode_table(curve), shown.astype(np.int32)).reshape(shape)
    if alpha is None:
        return pixels
    straight = np.clip(np.round(np.asarray(alpha, np.float32) * 255.0), 0, 255).astype(np.uint8)
    return np.concatenate([pixels, straight[..., None]], axis=-1)


def shown(beauty: np.ndarray, curve: str = "agx", exposure: float = 0.0) -> np.ndarray:
    """What `to_srgb8` shows, before it is rounded to 8 bits: for metrics, where a code's width would count.

    Args:
        beauty: ``(…, 3)`` linear Rec.709. NaN stays NaN: a measurement must see it.
        curve: one of `CURVES`.
        exposure: stops, added before the curve.

    Returns:
        ``(…, 3)`` float32 in [0, 1], display-encoded sRGB.

    Raises:
        BadInput: an unknown curve, or no three channels.
    """
    beauty = _checked(beauty, curve)
    inset, outset = _matrices(curve)
    # Infinite light is as bright as the table's last entry; sums of infinities would be NaN.
    light = np.clip(beauty, -1e6, 1e6) @ (inset.T * 2.0**exposure).astype(np.float32)
    curved = _curve(curve, np.minimum(light, 1e6)) @ outset.T.astype(np.float32)
    return np.clip(curved, 0.0, 1.0) if curve == "agx" else linear_to_srgb(curved)


def from_srgb8(pixels: np.ndarray, curve: str = "agx", exposure: float = 0.0) -> np.ndarray:
    """Linear light ``(…, 3)`` float32 that `to_srgb8` takes back to ``pixels (…, 3)`` uint8, as nearly as it can.

    Values at the ends of the curve come back a step or two off: the curve is flat there.
    """
    if curve not in CURVES:
        raise unknown("tone curve", curve, CURVES)
    inset, outset = _matrices(curve)
    shown = np.asarray(pixels, dtype=np.float64) / 255.0
    if curve != "agx":
        shown = srgb_to_linear(shown)
    mixed = np.clip(shown @ np.linalg.inv(outset).T, 1e-4, 0.9999)
    ladder = np.exp2(np.linspace(_MIN_EV, 6.0, 8192))
    heights = np.maximum.accumulate(_curve(curve, ladder)) + np.arange(8192) * 1e-12
    light = np.interp(mixed, heights, ladder) if curve != "srgb" else mixed
    return (light @ np.linalg.inv(inset).T * 2.0**-exposure).astype(np.float32)
