"""Damping, smoothing, dead zones, moves: the formulas."""

from __future__ import annotations

import numpy as np
import pytest
from camera_people import shot
from scipy.optimize import linprog

from rl_camera import damping, moves
from rl_camera.composer import Composer, Zones
from rl_camera.vocabulary import MOVES


def test_damping_leaves_one_percent_after_its_time() -> None:
    assert damping.damp(1.0, 0.7, 0.7) == pytest.approx(0.99, abs=1e-12)
    d, dt, T = np.array([2.0, -3.0]), 0.013, 0.4
    np.testing.assert_allclose(damping.damp(d, T, dt), d * (1 - np.exp(-4.605170186 * dt / T)), rtol=1e-9)
    assert damping.damp(5.0, 0.0, 0.01) == 5.0
    assert damping.damp(5.0, 1.0, 0.0) == 0.0


@pytest.mark.parametrize("parts", [1, 2, 7, 100])
def test_damping_does_not_know_the_frame_rate(parts: int) -> None:
    left = 1.0
    for _ in range(parts):
        left -= float(damping.damp(left, 0.8, 0.5 / parts))
    assert left == pytest.approx(0.01 ** (0.5 / 0.8), rel=1e-9)


@pytest.mark.parametrize(
    ("dt", "count"), [(1 / 24, 5), (1 / 25, 5), (1 / 30, 4), (1 / 60, 2), (1 / 120, 1), (1 / 500, 1), (1.0, 120)]
)
def test_substeps_are_short_and_add_up(dt: float, count: int) -> None:
    n, step = damping.substeps(dt)
    assert n == count and n * step == pytest.approx(dt) and step <= 1 / 120 + 1e-12


@pytest.mark.parametrize("seed", range(40))
def test_a_taut_string_stays_in_its_tube_and_is_the_shortest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 40))
    x, half = np.cumsum(rng.normal(size=count)), rng.uniform(0, 2, count)
    y = damping.taut_string(x, half)
    assert (np.abs(y - x) <= half + 1e-9).all()
    if count > 1:  # least total variation, by linear programming
        steps = np.diff(np.eye(count), axis=0)
        one = np.eye(count - 1)
        best = linprog(
            np.r_[np.zeros(count), np.ones(count - 1)],
            A_ub=np.block([[steps, -one], [-steps, -one]]),
            b_ub=np.zeros(2 * (count - 1)),
            bounds=[*zip(x - half, x + half, strict=True), *[(0, None)] * (count - 1)],
        )
        assert np.abs(np.diff(y)).sum() == pytest.approx(best.fun, abs=1e-6)


def test_within_the_dead_zone_a_taut_string_stands_still() -> None:
    x = 5.0 + 0.3 * np.sin(np.linspace(0, 20, 300))
    y = damping.taut_string(x, 0.3)
    assert np.ptp(y) == 0.0 and abs(y[0] - 5.0) < 0.01
    assert damping.taut_string(np.zeros(0), 1.0).shape == (0,)


def test_a_taut_string_takes_time_that_grows_with_its_length_alone() -> None:
    t = np.linspace(0, 1, 40_000)
    y = damping.taut_string(t**2, 0.1)  # a parabola: every step is a corner
    assert np.abs(y - t**2).max() <= 0.1 + 1e-9 and np.abs(np.diff(y)).sum() == pytest.approx(0.8)


def test_smoothing_keeps_lines_even_at_their_ends() -> None:
    t = np.arange(90) / 30
    np.testing.assert_allclose(
        damping.smooth(np.c_[2 * t - 7, 1e6 + t], 0.4, 1 / 30), np.c_[2 * t - 7, 1e6 + t], atol=1e-7
    )
    long = np.arange(4000) / 1000  # by FFT
    np.testing.assert_allclose(damping.smooth(3 * long, 0.4, 1 / 1000), 3 * long, atol=1e-8)
    for count in (1, 2, 3):
        np.testing.assert_allclose(damping.smooth(np.full(count, 4.0), 0.4, 1 / 30), 4.0)


def test_smoothing_away_from_the_ends_is_a_gaussian() -> None:
    x = np.zeros(201)
    x[100] = 1.0
    y = damping.smooth(x, 0.2, 0.02)
    expected = np.exp(-0.5 * ((np.arange(201) - 100) / 10) ** 2)
    np.testing.assert_allclose(y[40:161], (expected / expected.sum())[40:161], atol=1.2e-4)


def test_the_live_dead_zone_holds_the_camera_still_and_the_soft_zone_holds_the_target() -> None:
    composer = Composer(Zones(dead=0.2, soft=0.6))
    place, tangents = np.array([0.0, 1.5, 4.0]), (0.4, 0.25)
    inside = np.array([0.15 * 0.4 * 4, 1.5, 0.0])
    for _ in range(50):
        assert composer.step(place, inside, (0.0, 0.0), (0.0, 0.0), tangents, 1 / 120) == (0.0, 0.0)
    outside = np.array([0.9 * 0.4 * 4, 1.5, 0.0])
    yaw, _ = composer.step(place, outside, (0.0, 0.0), (0.0, 0.0), tangents, 1 / 120)
    angle = np.arctan2(outside[0], 4.0)
    assert np.tan(angle + yaw) / 0.4 == pytest.approx(0.6, abs=1e-6)  # at once back to the soft zone's edge
    for _ in range(1200):
        yaw, _ = composer.step(place, outside, (0.0, 0.0), (0.0, 0.0), tangents, 1 / 120)
    assert np.tan(angle + yaw) / 0.4 == pytest.approx(0.2, abs=1e-3)  # and in time to the dead zone's, no further


@pytest.mark.parametrize("move", list(MOVES))
def test_moves_begin_and_end_where_they_should(move: str) -> None:
    asked = shot(move=move, start_s=1.0, end_s=3.0)
    way = moves.course(asked, [-9.0, 1.0, 2.0, 3.0, 99.0], 40.0, 3.0, 16 / 9)
    for name, values in vars(way).items():
        if move != "handheld":
            assert values[0] == values[1] and values[3] == values[4], name
        assert np.isfinite(values).all()
    spec = MOVES[move]
    span = {name: values[3] - values[1] for name, values in vars(way).items()}
    ends = {
        "push_in": ("distance", -0.35), "pull_out": ("distance", 0.5), "arc_left": ("azimuth", -np.radians(40)),
        "arc_right": ("azimuth", np.radians(40)), "orbit": ("azimuth", 2 * np.pi), "crane_up": ("height", 1.6),
        "crane_down": ("height", -1.6), "zoom_in": ("zoom", 0.5), "zoom_out": ("zoom", 1 / 1.5 - 1),
        "truck_right": ("right", 0.24 * 2 * 0.45 * 3.0), "pedestal_up": ("up", 0.12 * 2 * 0.45 * 9 / 16 * 3.0),
    }  # fmt: skip
    if move in ends:
        name, amount = ends[move]
        assert span[name] == pytest.approx(amount, rel=1e-9)
        assert way.distance[1] == way.zoom[1] == 1.0
    elif not spec.unit:
        assert not any(span.values())


@pytest.mark.parametrize(
    ("move", "amount", "name", "span"),
    [
        ("pan_left", 30.0, "yaw", np.radians(30)),
        ("pan_right", 30.0, "yaw", -np.radians(30)),
        ("tilt_down", 10.0, "pitch", -np.radians(10)),
        ("truck_left", 2.0, "right", -2.0),
        ("pedestal_down", 0.5, "up", -0.5),
        ("orbit", 90.0, "azimuth", np.pi / 2),
        ("push_in", 0.5, "distance", -0.5),
    ],
)
def test_an_amount_is_carried_out_to_the_letter(move: str, amount: float, name: str, span: float) -> None:
    way = moves.course(shot(move=move, options={"amount": amount}), [0.0, 2.0], 40.0, 3.0, 16 / 9)
    assert np.diff(getattr(way, name))[0] == pytest.approx(span, rel=1e-9)


def test_unrest_is_a_function_of_time() -> None:
    t = np.linspace(0, 40, 4001)
    noise = moves.unrest(t, 3, 2)
    np.testing.assert_array_equal(noise[::10], moves.unrest(t[::10], 3, 2))
    assert np.abs(noise.std(0) - 1).max() < 0.3 and (moves.unrest(t, 4, 2) != noise).any()
