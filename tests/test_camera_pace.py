"""The pace of a film: lengths are a draw from the law, shorter where more goes on, the same whenever it is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from camera_people import stander, walker

from motion.errors import BadInput
from motion.stage import Stage
from rl_camera import framing, pace
from rl_camera.auto import plan_film
from rl_camera.editing import STYLES, Rhythm, Style
from rl_camera.framing import Tracks

LAW = Rhythm(4.0, 0.55, 0.2, 60.0)


def tracks(seconds: float, dt: float = 0.25, name: str = "mia") -> Tracks:
    return framing.track([stander(name, seconds=4.0)], np.arange(0.0, seconds, dt))


@pytest.mark.parametrize("variety", [0.2, 0.5, 0.8])
def test_a_long_film_asks_for_the_law_s_lengths(variety: float) -> None:
    asked = pace.targets(tracks(1200.0), replace(LAW, variety=variety))
    # Shots laid end to end have as many of each length as moments ask for it, divided by that length.
    share = 1.0 / asked / (1.0 / asked).sum()
    mean_log = (share * np.log(asked)).sum()
    assert (share * asked).sum() == pytest.approx(LAW.mean_s, rel=0.05)
    assert np.sqrt((share * (np.log(asked) - mean_log) ** 2).sum()) == pytest.approx(variety, rel=0.1)
    steps = np.abs(np.diff(np.log(asked)))
    assert np.quantile(steps, 0.99) < 0.5 * variety  # smooth: neighbours a quarter of a second apart agree


def test_no_variety_is_one_length_and_limits_are_kept() -> None:
    assert np.ptp(pace.targets(tracks(60.0), replace(LAW, variety=0.0))) < 1e-9
    asked = pace.targets(tracks(300.0), Rhythm(4.0, 0.55, 3.0, 5.0))
    assert asked.min() == 3.0 and asked.max() == 5.0


@pytest.mark.parametrize("seconds", [1 / 24, 0.5, 4.0, 20.0])
def test_short_films_stay_near_the_mean(seconds: float) -> None:
    asked = pace.targets(tracks(seconds, 1 / 24), LAW)
    assert np.isfinite(asked).all() and len(asked) == max(1, round(seconds * 24))
    shots = seconds / LAW.mean_s
    assert np.abs(np.log(asked / LAW.mean_s)).max() < 0.2 + LAW.variety * np.sqrt(2.0 * np.log(2.0 * (shots + 1.0)))


def test_blocks_fill_the_time_and_are_as_long_as_shots_will_be() -> None:
    asked = np.where(np.arange(400) < 200, 2.0, 5.0)
    edges = pace.blocks(asked, 8.0)
    assert edges[0] == 0 and edges[-1] == 400 and (np.diff(edges) > 0).all()
    assert set(np.diff(edges)[edges[:-1] < 200]) == {16} and np.diff(edges)[-1] >= 20
    for count in (1, 2, 7):
        assert pace.blocks(np.full(count, 4.0), 8.0).tolist() == [0, count]


def test_busy_is_shorter_than_calm() -> None:
    calm, busy = stander("mia", seconds=60.0), walker("mia", speed=2.0, seconds=60.0)
    times = np.arange(0.0, 60.0, 0.25)
    one, two = (framing.track([p], times).points.copy() for p in (calm, busy))
    for first in (0, 120):
        points = one.copy()
        points[first : first + 120] = two[first : first + 120]
        both = replace(framing.track([calm], times), points=points)
        for seed in range(4):
            asked = np.log(pace.targets(both, LAW, seed))
            rest = np.r_[0:first, first + 120 : 240]
            assert asked[first : first + 120].mean() < asked[rest].mean() - 0.2


def test_the_curve_is_the_seed_s_and_the_cast_s() -> None:
    usual = pace.targets(tracks(60.0), LAW)
    assert np.array_equal(usual, pace.targets(tracks(60.0), LAW, 0))
    assert not np.allclose(usual, pace.targets(tracks(60.0), LAW, 1))
    assert not np.allclose(usual, pace.targets(tracks(60.0, name="sam"), LAW))


@pytest.mark.slow
def test_a_film_s_shots_differ_in_length_and_its_seed_decides_how() -> None:
    people = [
        stander("mia", at=(-0.8, 0.0), heading=np.pi / 2, seconds=40),
        walker("sam", at=(0.9, 0.0), heading=-np.pi / 2, speed=0.02, seconds=40),
    ]

    def lengths(style: str | Style, seed: int = 0) -> np.ndarray:
        film = plan_film(people, Stage(), 0.0, 40.0, 24, 16 / 9, style=style, seed=seed)
        return np.array([s.end_s - s.start_s for s in film.shots])

    usual = lengths("lively")
    rhythm = STYLES["lively"].rhythm
    assert 0.3 < np.log(usual).std() < 0.9 and usual.min() >= rhythm.shortest_s - 1e-6
    assert 0.7 * rhythm.mean_s < usual.mean() < 1.5 * rhythm.mean_s
    assert not np.array_equal(usual, lengths("lively", seed=5))
    strict = lengths(replace(STYLES["lively"], rhythm=replace(rhythm, variety=0.0)))
    assert np.log(strict).std() < 0.2


@pytest.mark.parametrize("bad", [-0.1, float("nan"), "much"])
def test_a_variety_that_is_none(bad: object) -> None:
    with pytest.raises(BadInput, match=r"variety is .* expected 0 or more"):
        Rhythm(variety=bad)  # type: ignore[arg-type]
