"""`ssim` and `ms_ssim`: structural similarity at one scale and at several, over a mask.

Wang et al. 2004 and 2003: Gaussian windows of 11 pixels, sigma 1.5, K1 0.01, K2 0.03, peak 1, each channel by itself.
Windows see masked pixels only: their weights are renormalised over those, so that neither what lies outside nor the
mask's border takes part. As in the authors' code, a pixel counts when its window lies inside the picture; where no
masked pixel does, as in a picture smaller than the window, all masked pixels count.
"""

from __future__ import annotations

import numpy as np

from render.refine.metrics.check import pair

_RADIUS, _SIGMA, _C1, _C2 = 5, 1.5, 0.01**2, 0.03**2
#: Of the five scales, fine to coarse (Wang et al. 2003, section 3).
_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def ssim(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None = None, *, frame: int | None = None
) -> float:
    """Structural similarity, 1 for equal pictures; takes and raises as `psnr`."""
    output, reference, mask = pair(output, reference, mask, frame)
    if not mask.any():
        return float("nan")
    luminance, structure = _maps(output, reference, mask)
    return float((luminance * structure)[_counted(mask)].mean(dtype=np.float64))


def ms_ssim(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None = None, *, frame: int | None = None
) -> float:
    """Multi-scale structural similarity over five scales, each half the size of the one before.

    A picture whose shorter side is under 176 px has only those scales at which 11 px are left, one at least, and their
    weights are scaled to the same sum. Takes and raises as `psnr`.
    """
    output, reference, mask = pair(output, reference, mask, frame)
    if not mask.any():
        return float("nan")
    side = min(mask.shape)
    count = max(1, sum(side >> k >= 2 * _RADIUS + 1 for k in range(len(_WEIGHTS))))
    weights = _WEIGHTS[:count] * (_WEIGHTS.sum() / _WEIGHTS[:count].sum())
    total = np.ones(3)
    for scale, weight in enumerate(weights):
        luminance, structure = _maps(output, reference, mask)
        here = luminance * structure if scale == count - 1 else structure
        # A negative likeness has no power; it counts as none (as in public implementations).
        total *= np.maximum(here[_counted(mask)].mean(axis=0, dtype=np.float64), 0.0) ** weight
        if scale < count - 1:
            output, reference, mask = _half(output, mask)[0], *_half(reference, mask)
    return float(total.mean())


def _maps(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The luminance and the contrast-structure term at every pixel and channel ``(H, W, 3)``."""
    weight = np.maximum(_blur(mask.astype(np.float32)[..., None]), 1e-12)
    a, b = (np.where(mask[..., None], v, np.float32(0)) for v in (a, b))
    mean_a, mean_b, aa, bb, ab = (_blur(v) / weight for v in (a, b, a * a, b * b, a * b))
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    structure = (2 * (ab - mean_a * mean_b) + _C2) / (aa - mean_a**2 + bb - mean_b**2 + _C2)
    return luminance, structure


def _blur(v: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    taps = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    taps /= taps.sum()
    return ndimage.correlate1d(ndimage.correlate1d(v, taps, 0, mode="constant"), taps, 1, mode="constant")


def _counted(mask: np.ndarray) -> np.ndarray:
    inside = np.zeros_like(mask)
    height, width = mask.shape
    inside[_RADIUS : height - _RADIUS, _RADIUS : width - _RADIUS] = True
    inside &= mask
    return inside if inside.any() else mask


def _half(v: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the size: the mean of what is masked in each two by two pixels, and where there was any."""
    height, width = mask.shape
    odd = ((0, height % 2), (0, width % 2))
    inside = np.pad(mask, odd).astype(np.float32)[..., None]
    v = np.pad(np.where(mask[..., None], v, np.float32(0)), (*odd, (0, 0)))

    def four(w: np.ndarray) -> np.ndarray:
        return w.reshape(w.shape[0] // 2, 2, w.shape[1] // 2, 2, -1).sum(axis=(1, 3))

    count = four(inside)
    return four(v) / np.maximum(count, 1), count[..., 0] > 0
