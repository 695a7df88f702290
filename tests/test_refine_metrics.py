"""Metrics keep their laws, agree with public implementations, and see through a mask only."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from motion.errors import BadInput
from render.refine import metrics

Metric = Callable[..., float]
PICTURE: tuple[Metric, ...] = (
    metrics.psnr,
    metrics.ssim,
    metrics.ms_ssim,
    metrics.flip,
    metrics.spectrum_error,
    metrics.delta_e,
)
#: The value of equal pictures, and the sign in which a figure grows worse.
PERFECT = {
    "psnr": (np.inf, -1),
    "ssim": (1, -1),
    "ms_ssim": (1, -1),
    "flip": (0, 1),
    "spectrum_error": (0, 1),
    "delta_e": (0, 1),
}


@pytest.fixture(autouse=True)
def _packages() -> None:
    pytest.importorskip("flip_evaluator")
    pytest.importorskip("skimage")


def scene(height: int = 90, width: int = 120, seed: int = 0) -> np.ndarray:
    """A picture with smooth parts, edges and fine detail."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    base = np.stack([0.4 + 0.3 * np.sin(7 * x), 0.5 + 0.2 * np.cos(5 * y), 0.3 + 0.5 * x * y], axis=-1)
    base[(x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.05] = [0.7, 0.2, 0.1]
    return np.clip(base + rng.normal(0, 0.02, base.shape), 0, 1).astype(np.float32)


def noisy(picture: np.ndarray, amount: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, amount, picture.shape)
    return np.clip(picture + noise, 0, 1).astype(np.float32)


def disc(height: int = 90, width: int = 120) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (x - 0.55 * width) ** 2 + (y - 0.5 * height) ** 2 < (0.35 * height) ** 2


@pytest.mark.parametrize("metric", PICTURE)
def test_equal_pictures_are_perfect_and_noise_makes_it_worse(metric: Metric) -> None:
    a = scene()
    perfect, worse = PERFECT[metric.__name__]
    for mask in (None, disc()):
        assert metric(a, a, mask) == pytest.approx(perfect, abs=1e-6)
        steps = [metric(noisy(a, s), a, mask) for s in (0.005, 0.02, 0.06, 0.15)]
        assert (np.diff(steps) * worse > 0).all(), steps


@pytest.mark.parametrize("metric", PICTURE)
def test_neither_picture_is_the_first(metric: Metric) -> None:
    a, b = scene(), noisy(scene(), 0.05)
    for mask in (None, disc()):
        # FLIP's library sums in single precision; everything else is symmetric to the last bits.
        assert metric(a, b, mask) == pytest.approx(metric(b, a, mask), rel=1e-3 if metric is metrics.flip else 1e-6)


@pytest.mark.parametrize("metric", PICTURE)
@pytest.mark.parametrize("junk", [0.0, 1.0, np.nan])
def test_what_lies_outside_the_mask_changes_nothing(metric: Metric, junk: float) -> None:
    a, b, mask = scene(), noisy(scene(), 0.05), disc()
    expected = metric(a, b, mask)
    c, d = a.copy(), b.copy()
    c[~mask], d[~mask] = junk, 1 - np.float32(junk)
    assert metric(c, d, mask) == expected
    # Outside, the pictures are far apart; inside they are equal: still perfect.
    d[mask] = c[mask]
    assert metric(c, d, mask) == pytest.approx(PERFECT[metric.__name__][0], abs=1e-6)


@pytest.mark.parametrize("metric", PICTURE)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (7, 3), (11, 11), (33, 21), (175, 177)])
def test_odd_sizes(metric: Metric, size: tuple[int, int]) -> None:
    a = scene(*size)
    value = metric(noisy(a, 0.1), a)
    flat = metric is metrics.spectrum_error and 1 in size
    assert np.isnan(value) if flat else np.isfinite(value)
    assert np.isnan(metric(a, a, np.zeros(size, bool)))
    one = np.zeros(size, bool)
    one[0, 0] = True
    if not flat:
        assert metric(a, a, one) == pytest.approx(PERFECT[metric.__name__][0], abs=1e-6)


@pytest.mark.parametrize("metric", PICTURE)
def test_what_is_wrong_is_said_with_its_frame(metric: Metric) -> None:
    a, b = scene(20, 30), scene(20, 30)
    b[4, 7, 1] = np.nan
    with pytest.raises(
        BadInput, match=r"frame 12: output has 1 pixels that are not finite, the first in row 4, column 7"
    ):
        metric(b, a, frame=12)
    with pytest.raises(BadInput, match="frame 12: reference has 1 pixels"):
        metric(a, b, frame=12)
    with pytest.raises(BadInput, match="expected both"):
        metric(a, a[:-1])
    with pytest.raises(BadInput, match="expected both"):
        metric(a[..., 0], a[..., 0])
    with pytest.raises(BadInput, match="expected bool"):
        metric(a, a, np.ones((20, 30)))


def test_psnr_by_hand() -> None:
    a = np.full((4, 4, 3), 0.5, np.float32)
    assert metrics.psnr(a + np.float32(0.1), a) == pytest.approx(20, abs=1e-4)
    half = np.zeros((4, 4), bool)
    half[:2] = True
    b = a.copy()
    b[0] += 0.1  # half of the masked pixels
    assert metrics.psnr(b, a, half) == pytest.approx(20 + 10 * np.log10(2), abs=1e-4)


def test_flip_is_the_authors_own() -> None:
    import flip_evaluator

    a, b = scene(), noisy(scene(), 0.05)
    for ppd in (67.0, 30.0):
        expected = flip_evaluator.evaluate(a, b, "LDR", applyMagma=False, parameters={"ppd": ppd})[1]
        assert metrics.flip(b, a, pixels_per_degree=ppd) == pytest.approx(expected, rel=1e-5)
    black, white = np.zeros((64, 64, 3), np.float32), np.ones((64, 64, 3), np.float32)
    assert metrics.flip(white, black) == pytest.approx(0.97, abs=0.03)


@pytest.mark.parametrize("size", [(176, 192), (256, 208)])
@pytest.mark.parametrize("noise", [0.01, 0.1])
def test_structure_is_what_public_implementations_say(size: tuple[int, int], noise: float) -> None:
    a, b = scene(*size), noisy(scene(*size), noise)
    from skimage.metrics import structural_similarity

    public = structural_similarity(
        a, b, channel_axis=2, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert metrics.ssim(b, a) == pytest.approx(public, abs=1e-5)
    msssim = pytest.importorskip("pytorch_msssim")
    import torch

    left, right = (torch.from_numpy(v.transpose(2, 0, 1))[None] for v in (a, b))
    assert metrics.ssim(b, a) == pytest.approx(float(msssim.ssim(left, right, data_range=1.0)), abs=1e-5)
    assert metrics.ms_ssim(b, a) == pytest.approx(float(msssim.ms_ssim(left, right, data_range=1.0)), abs=1e-5)


def test_a_mask_keeps_structure_where_its_windows_are_whole() -> None:
    from skimage.metrics import structural_similarity

    a, b = scene(80, 100), noisy(scene(80, 100), 0.05)
    _, full = structural_similarity(
        a, b, channel_axis=2, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    one = np.zeros((80, 100), bool)
    one[10:61, 20:81] = True
    from render.refine.metrics.structure import _maps

    luminance, structure = _maps(a, b, one)
    assert (luminance * structure)[20:50, 30:70] == pytest.approx(full[20:50, 30:70], abs=1e-4)


def test_structure_by_hand() -> None:
    a, b = np.full((16, 16, 3), 0.2, np.float32), np.full((16, 16, 3), 0.6, np.float32)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)  # no contrast in either: luminance alone
    assert metrics.ssim(a, b) == pytest.approx(expected, abs=1e-4)
    assert metrics.ms_ssim(a, b) == pytest.approx(expected, abs=1e-4)  # one scale is left at this size


def test_over_smoothing_is_seen_by_the_spectrum() -> None:
    from scipy import ndimage

    a = noisy(scene(128, 160), 0.05)
    soft = ndimage.gaussian_filter(a, (1, 1, 0))
    found = metrics.spectrum(soft, a)
    assert found.fine_db < -5 and found.error_db > 3
    assert found.error_db == metrics.spectrum_error(soft, a)
    # The transfer function of a Gaussian, sigma 1 px, at each ring.
    expected = -10 * np.log10(np.e) * (2 * np.pi * found.frequency) ** 2
    got = 10 * np.log10(found.output / found.reference)
    band = (found.frequency > 0.1) & (found.frequency < 0.25)
    assert got[band] == pytest.approx(expected[band], abs=1.5)
    rough = metrics.spectrum(noisy(a, 0.1), a)
    assert rough.fine_db > 3
    # Noise elsewhere has another phase and the same power: PSNR is poor, the spectrum is right.
    flat = np.full_like(a, 0.5)
    alike = metrics.spectrum_error(noisy(flat, 0.1, 3), noisy(flat, 0.1, 4))
    assert 3 * alike < metrics.spectrum_error(noisy(flat, 0.05, 3), noisy(flat, 0.1, 4))


def test_power_that_nobody_sees_does_not_count() -> None:
    flat = np.full((64, 64, 3), 0.5, np.float32)
    assert metrics.spectrum_error(noisy(flat, 1e-5), flat) < 0.01


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [  # Sharma, Wu, Dalal 2005, table 1
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ],
)
def test_colour_difference_is_ciede2000(first: tuple, second: tuple, expected: float) -> None:
    from skimage import color

    assert float(color.deltaE_ciede2000(first, second)) == pytest.approx(expected, abs=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the table's colours lie outside sRGB
        a, b = (color.lab2rgb(np.array(lab, float).reshape(1, 1, 3)).astype(np.float32) for lab in (first, second))
    expected = color.deltaE_ciede2000(color.rgb2lab(a), color.rgb2lab(b)).item()
    assert metrics.delta_e(a, b) == pytest.approx(expected, abs=1e-3)


def test_colour_drift_averages_noise_away() -> None:
    a = np.clip(scene(), 0.2, 0.8)
    first, last = ([noisy(a, 0.03, seed + i) for i in range(24)] for seed in (0, 100))
    drift = metrics.colour_drift(first, last)
    assert drift < 0.4 * metrics.delta_e(first[0], last[0])
    assert metrics.colour_drift(first, [v + np.float32([0.03, 0, 0]) for v in last]) > drift + 0.5
    with pytest.raises(BadInput, match="0 first"):
        metrics.colour_drift([], last)


def test_lpips_is_measured_or_its_absence_is_said() -> None:
    from render.refine.metrics.learned import lpips_model

    model, why = lpips_model()
    a, b = scene(), noisy(scene(), 0.1)
    if model is None:
        assert "not measured" in why and metrics.lpips(a, b) is None
    else:
        assert metrics.lpips(a, a) == pytest.approx(0, abs=1e-5) and metrics.lpips(b, a) > 0.01
