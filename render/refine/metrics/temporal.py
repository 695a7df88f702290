"""`temporal_psnr`, `temporal_error`, `warping_error`, `flicker`: how steady a film is from one frame to the next.

Light changes over time by right, so each figure knows the reference: an error is what the output does beyond it. Flow
is exact, from the frame at hand back to the one before (`Frame.flow_to(index - 1)`), and so is what is occluded.
"""

from __future__ import annotations

import numpy as np

from motion.errors import BadInput
from render.refine.metrics.check import pair
from render.refine.metrics.picture import decibels
from render.refine.warp import warp

Pair = tuple[np.ndarray, np.ndarray]  # a picture (H, W, 3) and the one of the frame before


def temporal_psnr(output: Pair, reference: Pair, mask: np.ndarray | None = None, *, frame: int | None = None) -> float:
    """PSNR in dB of the change since the frame before against the reference's (tPSNR of Arm's ng-model-gym).

    Args:
        output: the picture and the one of the frame before, ``(H, W, 3)`` display-encoded each.
        reference: the same of the reference.
        mask: ``(H, W)`` bool of what counts; None: all.
        frame: number, for errors.

    Raises:
        BadInput: arrays that do not fit, or are not finite where they count.
    """
    (now, before), (true_now, true_before), mask = _two(output, reference, mask, frame)
    if not mask.any():
        return float("nan")
    difference = (now - before) - (true_now - true_before)
    return decibels(float(np.square(difference[mask], dtype=np.float64).mean()))


def temporal_error(
    output: Pair,
    reference: Pair,
    flow: np.ndarray,
    occluded: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    frame: int | None = None,
) -> float:
    """RMSE of the output's warped residual less the reference's, over masked pixels that were seen before.

    A warped residual is what a picture shows beyond what the frame before shows of the same surface points:
    ``x_t - warp(x_{t-1}, flow)``. The reference's holds the change of light that there should be.

    Args:
        output: the picture and the one of the frame before, ``(H, W, 3)`` display-encoded each.
        reference: the same of the reference.
        flow: ``(H, W, 2)`` px, exact, to the frame before.
        occluded: ``(H, W)`` bool, not seen in the frame before.
        mask: ``(H, W)`` bool of what counts; None: all.
        frame: number, for errors.

    Raises:
        BadInput: arrays that do not fit, or are not finite where they count.
    """
    (now, before), (true_now, true_before), mask = _two(output, reference, mask, frame)
    seen = _seen(mask, occluded, frame)
    if not seen.any():
        return float("nan")
    residual = (now - warp(before, flow)) - (true_now - warp(true_before, flow))
    return float(np.sqrt(_mean_square(residual, seen, frame)))


def warping_error(
    output: Pair,
    flow: np.ndarray,
    occluded: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    frame: int | None = None,
) -> float:
    """E_warp of Lai et al. (ECCV 2018): mean squared warped residual over what is not occluded, no root taken.

    Theirs warps the next frame back with flow and occlusion that FlowNet2 guesses; this one warps the frame before with
    the exact ones. Say it as the excess over the reference, ``warping_error(output, …) - warping_error(reference, …)``,
    because light that moves over surfaces has some by right. Takes and raises as `temporal_error`.
    """
    now, before, mask = pair(*output, mask, frame)
    seen = _seen(mask, occluded, frame)
    return _mean_square(now - warp(before, flow), seen, frame) if seen.any() else float("nan")


def flicker(output: Pair, reference: Pair, mask: np.ndarray | None = None, *, frame: int | None = None) -> float:
    """Of a shot that stands still: mean absolute change since the frame before, beyond the reference's.

    In display-encoded units of [0, 1]; below 0 where the output is calmer than the reference, which noise in the
    reference makes. Takes and raises as `temporal_psnr`.
    """
    (now, before), (true_now, true_before), mask = _two(output, reference, mask, frame)
    if not mask.any():
        return float("nan")
    return float(np.abs(now - before)[mask].mean(dtype=np.float64)) - float(
        np.abs(true_now - true_before)[mask].mean(dtype=np.float64)
    )


def _two(output: Pair, reference: Pair, mask: np.ndarray | None, frame: int | None) -> tuple[Pair, Pair, np.ndarray]:
    now, true_now, mask = pair(output[0], reference[0], mask, frame)
    before, true_before, _ = pair(output[1], reference[1], mask, None if frame is None else frame - 1)
    if before.shape != now.shape:
        raise BadInput(f"frame {frame}: picture {now.shape}, the one before {before.shape}; expected the same")
    return (now, before), (true_now, true_before), mask


def _seen(mask: np.ndarray, occluded: np.ndarray, frame: int | None) -> np.ndarray:
    occluded = np.asarray(occluded)
    if occluded.shape != mask.shape or occluded.dtype != bool:
        raise BadInput(f"frame {frame}: occluded {occluded.dtype} {occluded.shape}, expected bool {mask.shape}")
    return mask & ~occluded


def _mean_square(residual: np.ndarray, seen: np.ndarray, frame: int | None) -> float:
    value = float(np.square(residual[seen], dtype=np.float64).mean())
    if not np.isfinite(value):  # the frame before is not finite where flow leads, outside the mask
        raise BadInput(f"frame {frame}: the frame before is not finite at a place that flow leads to")
    return value
