"""How near a film's pictures come to their reference: pure functions of arrays, offline.

Pictures are ``(H, W, 3)`` in [0, 1], display-encoded by one tone map at one exposure: `render.tonemap.shown` with
`CURVE` and `EXPOSURE`. A ``mask (H, W)`` bool says which pixels count (surfaces, not sky); what the others hold changes
nothing, but where flow leads to them. A mask without a pixel gives NaN, for there is nothing to measure. `ShotMeter`
takes a shot frame by frame.

Intervals over shots come from `motion.prior.metrics.bootstrap`, which leaves NaN and infinity out.
"""

from __future__ import annotations

from render.refine.metrics.check import CURVE, EXPOSURE
from render.refine.metrics.colour import colour_drift, delta_e
from render.refine.metrics.learned import lpips
from render.refine.metrics.picture import PIXELS_PER_DEGREE, flip, psnr
from render.refine.metrics.shot import ShotMeter, ShotScores
from render.refine.metrics.spectrum import Spectrum, spectrum, spectrum_error
from render.refine.metrics.structure import ms_ssim, ssim
from render.refine.metrics.temporal import flicker, temporal_error, temporal_psnr, warping_error

__all__ = [
    "CURVE", "EXPOSURE", "PIXELS_PER_DEGREE", "ShotMeter", "ShotScores", "Spectrum", "colour_drift", "delta_e",
    "flicker", "flip", "lpips", "ms_ssim", "psnr", "spectrum", "spectrum_error", "ssim", "temporal_error",
    "temporal_psnr", "warping_error",
]  # fmt: skip
