"""Smoothing over time: what is kept, what is bridged, what is taken away."""

from __future__ import annotations

import numpy as np
import pytest

from motion.smoothing import penalty, through


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_band_is_the_product_of_differences(order: int) -> None:
    rng = np.random.default_rng(order)
    weight = rng.random(12 - order)
    d = np.diff(np.eye(12), n=order, axis=0)
    whole = d.T @ np.diag(weight) @ d
    band = penalty(weight, order)
    for k in range(order + 1):
        assert band[k, : 12 - k] == pytest.approx(np.diagonal(whole, -k))


def test_a_parabola_is_not_bent_and_a_tremble_is_taken_away() -> None:
    t = np.arange(60.0)
    curve = np.stack([0.01 * t**2 - t, 3 + 0 * t], -1)
    assert through(curve, np.ones(60), 10.0) == pytest.approx(curve, abs=1e-5)
    shaken = curve + 0.1 * (-1.0) ** t[:, None]
    assert np.abs(through(shaken, np.ones(60), 10.0)[5:-5] - curve[5:-5]).max() < 0.005


def test_gaps_are_bridged_smoothly_and_come_to_rest_where_asked() -> None:
    values, weight = np.zeros((90, 1)), np.zeros(90)
    weight[:20] = weight[70:] = 1.0
    values[70:] = 1.0
    values[45] = np.nan  # not known, so not looked at
    bridged = through(values, weight, 1.0)
    assert bridged[:15] == pytest.approx(np.zeros((15, 1)), abs=0.05)
    assert bridged[75:] == pytest.approx(np.ones((15, 1)), abs=0.05)
    assert 0.4 < bridged[45, 0] < 0.6
    alone = through(np.ones(90), np.r_[np.ones(5), np.zeros(85)], 1.0, rest=1e-2)
    assert alone[2] > 0.8 and abs(alone[80]) < 0.02
    rising = np.where(np.arange(90) < 30, np.arange(90) / 30.0, 0.0)
    stays = through(rising, np.arange(90) < 30, 1.0, tension=0.05)
    assert stays[10] == pytest.approx(1 / 3, abs=0.05) and 0.9 < stays[-1] < 1.3, "it does not run away"


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_frame_or_two_are_averaged(frames: int) -> None:
    assert through(np.arange(frames), np.ones(frames), 5.0) == pytest.approx(np.full(frames, (frames - 1) / 2))
    assert not through(np.ones(frames), np.zeros(frames), 5.0).any()
