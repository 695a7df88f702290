"""Steadiness is measured along exact flow, beyond what the reference itself does; a shot's figures come in one go."""

from __future__ import annotations

import numpy as np
import pytest
import render_figures as figures
from test_refine_metrics import noisy, scene

from motion.errors import BadInput
from motion.stage import Stage
from render import Rasterizer, RenderSettings
from render.refine import metrics
from render.refine.warp import warp

NONE = np.zeros((90, 120, 2), np.float32), np.zeros((90, 120), bool)


def pan(pixels: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """A picture, the one before it, and flow back: what is shown moves right by whole pixels."""
    wide = scene(90, 140)
    flow = np.broadcast_to(np.array([-pixels, 0], np.float32), (90, 120, 2))
    occluded = np.zeros((90, 120), bool)
    occluded[:, :pixels] = True
    return wide[:, 20 - pixels : 140 - pixels], wide[:, 20:], (flow, occluded)


def test_the_reference_is_perfect() -> None:
    now, before, back = pan(3)
    both = (now, before)
    assert metrics.temporal_psnr(both, both) == np.inf
    assert metrics.temporal_error(both, both, *back) == 0
    assert metrics.flicker(both, both) == 0
    assert metrics.warping_error(both, *back) == 0  # nothing but the camera moved


def test_by_hand() -> None:
    a = np.full((90, 120, 3), 0.5, np.float32)
    brighter = a + np.float32(0.1)
    assert metrics.temporal_psnr((brighter, a), (a, a)) == pytest.approx(20, abs=1e-4)
    assert metrics.temporal_error((brighter, a), (a, a), *NONE) == pytest.approx(0.1, abs=1e-6)
    assert metrics.warping_error((brighter, a), *NONE) == pytest.approx(0.01, abs=1e-6)
    assert metrics.flicker((brighter, a), (a, a)) == pytest.approx(0.1, abs=1e-6)
    assert metrics.flicker((a, a), (brighter, a)) == pytest.approx(-0.1, abs=1e-6)
    # A light that goes on in both is no fault of the output.
    assert metrics.temporal_error((brighter, a), (brighter, a), *NONE) == 0


def test_a_constant_fault_is_no_flicker() -> None:
    now, before, back = pan(3)
    tint = np.float32([0.05, -0.03, 0.0])
    assert metrics.temporal_error((now + tint, before + tint), (now, before), *back) == pytest.approx(0, abs=1e-6)
    assert metrics.psnr(now + tint, now) < 32


def test_noise_that_sticks_to_surfaces_is_calm_and_noise_that_swims_is_not() -> None:
    now, before, (flow, occluded) = pan(3)
    spots = noisy(np.full_like(before, 0.5), 0.1) - np.float32(0.5)
    sticks = metrics.temporal_error((now + warp(spots, flow), before + spots), (now, before), flow, occluded)
    swims = metrics.temporal_error((now + spots, before + spots), (now, before), flow, occluded)
    assert sticks < 1e-6 and swims == pytest.approx(0.1 * np.sqrt(2), rel=0.05)
    steps = [metrics.temporal_error((noisy(now, s), before), (now, before), flow, occluded) for s in (0.01, 0.03, 0.1)]
    assert (np.diff(steps) > 0).all()


def test_only_what_was_seen_and_counts_counts() -> None:
    now, before, (flow, occluded) = pan(5)
    torn = now.copy()
    torn[occluded] = 0
    assert metrics.temporal_error((torn, before), (now, before), flow, occluded) == 0
    mask = np.zeros((90, 120), bool)
    mask[10:40, 30:60] = True
    torn[~mask] = np.nan
    for figure in (
        metrics.temporal_error((torn, before), (now, before), flow, occluded, mask),
        metrics.warping_error((torn, before), flow, occluded, mask),
        metrics.flicker((torn, before), (now, before), mask),
    ):
        assert figure == 0
    assert metrics.temporal_psnr((torn, before), (now, before), mask) == np.inf
    everything = np.ones_like(occluded)
    assert np.isnan(metrics.temporal_error((now, before), (now, before), flow, everything))
    assert np.isnan(metrics.warping_error((now, before), flow, everything))


def test_bad_input_names_the_frame() -> None:
    now, before, (flow, occluded) = pan(1)
    torn = before.copy()
    torn[3, 4] = np.nan
    with pytest.raises(BadInput, match="frame 6: output has 1 pixels"):
        metrics.temporal_error((now, torn), (now, before), flow, occluded, frame=7)
    with pytest.raises(BadInput, match="frame 7: occluded float64"):
        metrics.temporal_error((now, before), (now, before), flow, occluded * 1.0, frame=7)
    with pytest.raises(BadInput, match="expected"):
        metrics.temporal_psnr((now, before[:-1]), (now, before[:-1]), frame=7)
    with pytest.raises(BadInput, match="flow"):
        metrics.warping_error((now, before), flow[:-1], occluded)
    # NaN of the sky, not masked, that flow leads to.
    mask = np.ones_like(occluded)
    mask[3, 4] = False
    with pytest.raises(BadInput, match="frame 7: the frame before"):
        metrics.temporal_error((now, torn), (now, before), flow, occluded, mask, frame=7)


def test_a_drawn_shot_against_itself_and_against_a_flickering_copy() -> None:
    pytest.importorskip("flip_evaluator")
    with Rasterizer((96, 72), RenderSettings(samples=4)) as rasterizer:
        frames = list(
            rasterizer.render(
                figures.world(Stage("concrete", "noon")), figures.camera(4), range(4), ("beauty", "depth")
            )
        )
        backs = [None, *(frame.flow_to(frame.index - 1) for frame in frames[1:])]
    same, uneven, soft = (metrics.ShotMeter(4, 30) for _ in range(3))
    from scipy import ndimage

    for frame, back in zip(frames, backs):
        mask = frame.depth > 0
        same.add(frame.beauty, frame.beauty, mask, back)
        uneven.add(frame.beauty * (1 + 0.1 * (-1) ** frame.index), frame.beauty, mask, back)
        soft.add(ndimage.gaussian_filter(frame.beauty, (1, 1, 0)), frame.beauty, mask, back)
    perfect, flickers, blurred = (meter.scores() for meter in (same, uneven, soft))
    assert perfect.frames == 4 and perfect.psnr_db == np.inf and perfect.temporal_error == 0
    assert perfect.flip == pytest.approx(0, abs=1e-6) and perfect.warping_excess == 0
    assert np.isnan(perfect.flicker_excess) and np.isnan(perfect.drift_delta_e)  # not a static shot
    assert flickers.temporal_error > 3 * blurred.temporal_error and flickers.warping_excess > 0
    assert blurred.fine_db < -3 < flickers.fine_db and blurred.spectrum_db > flickers.spectrum_db
    assert blurred.ssim < flickers.ssim < perfect.ssim == pytest.approx(1)


def test_drift_and_flicker_of_a_static_shot() -> None:
    pytest.importorskip("flip_evaluator")
    pytest.importorskip("skimage")
    light = np.full((16, 16, 3), 0.18, np.float32)
    steady, drifting = (metrics.ShotMeter(12, 4, static=True, every=20) for _ in range(2))
    for i in range(12):
        steady.add(light, light)
        drifting.add(light * np.float32([1 + 0.03 * i, 1, 1]), light)
    assert steady.scores().drift_delta_e == 0 and steady.scores().flicker_excess == 0
    assert drifting.scores().drift_delta_e > 1 and drifting.scores().flicker_excess > 0


def test_a_meter_says_what_it_cannot_do() -> None:
    with pytest.raises(BadInput, match="0 frames"):
        metrics.ShotMeter(0, 24)
    meter = metrics.ShotMeter(1, 24)
    with pytest.raises(BadInput, match="no frames"):
        meter.scores()
    light = np.full((4, 4, 3), 0.2, np.float32)
    torn = light.copy()
    torn[1, 2] = np.inf
    with pytest.raises(BadInput, match="frame 31: output has 1 pixels"):
        meter.add(torn, light, frame=31)
    pytest.importorskip("flip_evaluator")
    meter.add(light, light, np.zeros((4, 4), bool))  # no surface in view
    assert np.isnan(meter.scores().psnr_db)
    with pytest.raises(BadInput, match="made for 1 frames"):
        meter.add(light, light)
