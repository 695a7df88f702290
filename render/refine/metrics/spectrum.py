"""`spectrum_error`: whether a picture has as much detail, at every fineness, as its reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from render.lighting import LUMINANCE
from render.refine.metrics.check import alike_outside, pair

#: Rec.709's luma weights, for display-encoded values.
LUMA = np.array(LUMINANCE, np.float32)


@dataclass(frozen=True)
class Spectrum:
    """Radially averaged power spectra of two pictures, ring by ring, and how far they are apart."""

    frequency: np.ndarray  # (K,) cycles per pixel, up to 0.5
    output: np.ndarray  # (K,) power
    reference: np.ndarray  # (K,) power
    error_db: float  # mean over rings of |10 log10(output / reference)|
    fine_db: float  # mean of 10 log10(output / reference) over a quarter cycle and finer; below 0: over-smoothed


def spectrum(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None = None, *, frame: int | None = None
) -> Spectrum:
    """Compare the power spectra of two pictures' luma.

    Outside the mask both are alike. The mean is taken away and the rest windowed (Hann in both directions). Power is
    averaged over rings of equal width round frequency zero (azimuthal integration, as Durall et al., CVPR 2020), one
    ring for each cycle across the shorter side, up to half a cycle per pixel. What 8-bit rounding adds as noise,
    1/12 of a code squared, is added to both, so that power that nobody can see does not count. Takes and raises as
    `psnr`; both figures are NaN for a picture with a side of one pixel.
    """
    output, reference, mask = pair(output, reference, mask, frame)
    height, width = mask.shape
    side = min(height, width)
    if side < 2 or not mask.any():
        none = np.zeros(0)
        return Spectrum(none, none, none, np.nan, np.nan)
    from scipy import fft

    window = (_hann(height)[:, None] * _hann(width)).astype(np.float32)
    ring = np.rint(np.hypot(fft.fftfreq(height)[:, None], fft.fftfreq(width)) * side).astype(int)
    last = side // 2
    inside = ring <= last
    count = np.bincount(ring[inside], minlength=last + 1)
    floor = float(np.square(window, dtype=np.float64).sum()) / 12 / 255**2
    powers = []
    for picture in alike_outside(output, reference, mask):
        luma = picture @ LUMA
        transformed = fft.fft2((luma - np.average(luma, weights=window)) * window)
        power = np.square(np.abs(transformed[inside]), dtype=np.float64)
        powers.append(np.bincount(ring[inside], power, minlength=last + 1)[1:] / count[1:])
    ours, theirs = powers
    decibel = 10 * np.log10((ours + floor) / (theirs + floor))
    frequency = np.arange(1, last + 1) / side
    fine = decibel[frequency >= 0.25]
    return Spectrum(frequency, ours, theirs, float(np.abs(decibel).mean()), float(fine.mean()))


def spectrum_error(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None = None, *, frame: int | None = None
) -> float:
    """Mean distance of two pictures' power spectra in dB, 0 for equal ones; see `spectrum`."""
    return spectrum(output, reference, mask, frame=frame).error_db


def _hann(count: int) -> np.ndarray:
    """Positive everywhere, so that small pictures keep all their pixels."""
    return np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2
