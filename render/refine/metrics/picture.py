"""`psnr` and `flip`: how far two pictures are apart, by numbers and as the eye sees it."""

from __future__ import annotations

import numpy as np

from motion.errors import need
from render.refine.metrics.check import alike_outside, pair

#: Of `flip`: a 4K screen 0.7 m wide seen from 0.7 m, the default of its authors.
PIXELS_PER_DEGREE = 67.0


def psnr(
    output: np.ndarray, reference: np.ndarray, mask: np.ndarray | None = None, *, frame: int | None = None
) -> float:
    """Peak signal-to-noise ratio in dB over the masked pixels' three channels, peak 1; infinite for equal pictures.

    Args:
        output: ``(H, W, 3)`` display-encoded.
        reference: ``(H, W, 3)`` display-encoded.
        mask: ``(H, W)`` bool of what counts; None: all.
        frame: number, for errors.

    Raises:
        BadInput: arrays that do not fit, or are not finite where they count.
    """
    output, reference, mask = pair(output, reference, mask, frame)
    return decibels(float(np.square(output[mask] - reference[mask], dtype=np.float64).mean()) if mask.any() else np.nan)


def decibels(square: float) -> float:
    """PSNR of a mean squared error, peak 1."""
    return np.inf if square == 0 else float(-10.0 * np.log10(square))


def flip(
    output: np.ndarray,
    reference: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    pixels_per_degree: float = PIXELS_PER_DEGREE,
    frame: int | None = None,
) -> float:
    """LDR-FLIP (Andersson et al., HPG 2020), by its authors' evaluator: mean of the map over the masked pixels.

    0: no difference is seen when the two are shown in alternation; 1: the greatest. Takes and raises as `psnr`.

    Raises:
        MissingExtra: the package flip-evaluator is not installed.
    """
    output, reference, mask = pair(output, reference, mask, frame)
    if not mask.any():
        return float("nan")
    evaluator = need("flip_evaluator", "bench", "FLIP")
    ours, theirs = (np.ascontiguousarray(np.clip(picture, 0, 1)) for picture in alike_outside(output, reference, mask))
    errors, _, _ = evaluator.evaluate(
        theirs, ours, "LDR", inputsRGB=True, applyMagma=False, computeMeanError=False,
        parameters={"ppd": float(pixels_per_degree)},
    )  # fmt: skip
    return float(np.asarray(errors)[..., 0][mask].mean(dtype=np.float64))
