"""Tone curves: greys rise, colours keep their order, plates come back; the shader says what NumPy says."""

from __future__ import annotations

import numpy as np
import pytest
import render_figures as figures

from motion.errors import BadInput
from render import Rasterizer, RenderSettings
from render.tonemap import CURVES, from_srgb8, shown, to_srgb8


@pytest.mark.parametrize("curve", CURVES)
def test_greys_rise_and_stay_grey(curve: str) -> None:
    ramp = np.repeat(np.geomspace(1e-5, 60, 4000)[:, None], 3, axis=1)
    shown = to_srgb8(ramp, curve=curve).astype(int)
    assert (np.diff(shown[:, 1]) >= 0).all()
    assert shown[0].max() <= 1 and shown[-1].min() >= 250
    assert np.ptp(shown, axis=1).max() <= 2
    assert len(np.unique(shown[:, 1])) > 240  # no level is skipped by much


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("colour", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0.5, 0.1), (0.2, 0.6, 1.0)])
def test_brighter_light_is_never_darker(curve: str, colour: tuple[float, float, float]) -> None:
    chart = np.geomspace(1e-3, 30, 300)[:, None] * np.array(colour)
    luma = to_srgb8(chart, curve=curve).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luma) >= -0.51).all()


def test_middle_grey_and_white_are_where_a_film_wants_them() -> None:
    grey = to_srgb8(np.full((1, 3), 0.18), curve="agx")[0]
    white = to_srgb8(np.full((1, 3), 1.0), curve="agx")[0]
    assert (110 < grey).all() and (grey < 140).all()
    assert (190 < white).all() and (white < 235).all()
    assert to_srgb8(np.full((1, 3), 0.18), curve="srgb")[0].tolist() == [118, 118, 118]


def test_strong_colours_fade_to_white() -> None:
    red = to_srgb8(np.array([[0.5, 0.02, 0.02], [40.0, 1.6, 1.6]]), curve="agx").astype(int)
    spread = red.max(1) - red.min(1)
    assert spread[1] < 0.8 * spread[0] and red[1].min() > 90


@pytest.mark.parametrize("curve", CURVES)
def test_a_plate_comes_back(curve: str) -> None:
    levels = np.array([10, 40, 90, 128, 170, 210, 235])
    plate = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3).astype(np.uint8)
    grey = plate.std(axis=1) < 40  # strong colours lie outside what the curve can reach
    back = to_srgb8(from_srgb8(plate, curve, 0.5), curve=curve, exposure=0.5)
    assert np.abs(back[grey].astype(int) - plate[grey]).max() <= 3


def test_odd_light_is_not_a_crash() -> None:
    odd = np.array([[np.nan, 0.2, 0.2], [np.inf, np.inf, np.inf], [-1.0, -1.0, -1.0], [0, 0, 0]])
    shown = to_srgb8(odd)
    assert shown[1].min() > 250 and shown[2].max() <= 1 and shown[3].max() <= 1
    assert to_srgb8(np.zeros((0, 5, 3))).shape == (0, 5, 3)


def test_alpha_makes_straight_colours() -> None:
    half = to_srgb8(np.full((2, 2, 3), 0.09), alpha=np.full((2, 2), 0.5))
    assert half.shape == (2, 2, 4) and (half[..., 3] == 128).all()
    assert np.array_equal(half[..., :3], to_srgb8(np.full((2, 2, 3), 0.18)))


def test_bad_input() -> None:
    for tone_map in (to_srgb8, shown):
        with pytest.raises(BadInput, match="expected"):
            tone_map(np.zeros((4, 4)))
        with pytest.raises(BadInput, match="did you mean 'agx'"):
            tone_map(np.zeros((1, 3)), curve="agxx")


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("exposure", [-1.5, 0.0, 2.0])
def test_unrounded_values_are_those_that_are_rounded(curve: str, exposure: float) -> None:
    rng = np.random.default_rng(0)
    light = np.exp2(rng.uniform(-12, 6, (4000, 1))) * rng.uniform(-0.1, 1, (4000, 3))
    exact = shown(light, curve, exposure)
    assert exact.dtype == np.float32 and exact.min() >= 0 and exact.max() <= 1
    assert np.abs(exact * 255 - to_srgb8(light, curve=curve, exposure=exposure)).max() < 1.01
    odd = shown(np.array([[np.inf] * 3, [-np.inf] * 3, [np.nan, 0.1, 0.1]]), curve)
    assert odd[0].min() > 0.98 and odd[1].max() < 0.01 and np.isnan(odd[2]).any()


@pytest.mark.parametrize("curve", CURVES)
def test_the_shader_shows_what_numpy_shows(curve: str) -> None:
    with Rasterizer((64, 48), RenderSettings(samples=2, curve=curve, exposure=0.7)) as rasterizer:
        frame = next(rasterizer.render(figures.world(), figures.camera(), [3], ("beauty", "display")))
        alone = next(rasterizer.render(figures.world(), figures.camera(), [3], ("display",)))
    assert frame.display.shape == (48, 64, 3) and frame.display.dtype == np.uint8
    shown = to_srgb8(frame.beauty, curve=curve, exposure=0.7)
    assert np.abs(shown.astype(int) - frame.display).max() <= 1
    assert np.array_equal(frame.display, alone.display) and alone.beauty is None
