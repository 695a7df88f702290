"""The best edit: against every edit there is, and the laws of dynamic programming."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from motion.errors import BadInput
from rl_camera.dp import Segment, best_edit, problem, value_of


def every_edit(ticks: int, cameras: int) -> Iterator[list[Segment]]:
    """All ways to fill the time: every camera at every tick, runs of one camera being one shot."""
    for row in itertools.product(range(cameras), repeat=ticks):
        shots, first = [], 0
        for t in range(1, ticks + 1):
            if t == ticks or row[t] != row[first]:
                shots.append(Segment(first, t, row[first]))
                first = t
        yield shots


def chance(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    ticks, cameras = int(rng.integers(1, 8)), int(rng.integers(1, 4))
    given = {
        "quality": rng.normal(size=(ticks, cameras)),
        "transition": rng.normal(-0.5, 1.0, (ticks, cameras, cameras)),
        "rhythm": rng.normal(size=(ticks + 1, cameras) if seed % 2 else ticks + 1),
        "opening": rng.normal(size=cameras),
        "shortest": int(rng.integers(1, 4)),
        "shortest_last": int(rng.integers(1, 3)),
    }
    if seed % 3 == 0:
        given["last"] = rng.normal(size=ticks + 1)
    if seed % 2 == 0:
        given["pace"] = rng.normal(size=(ticks, ticks + 1))
    if seed % 4 == 0:
        given["longest"] = int(rng.integers(3, 6))
    if seed % 5 == 0:
        given["quality"][rng.random((ticks, cameras)) < 0.2] = -np.inf
        given["transition"][rng.random((ticks, cameras, cameras)) < 0.2] = -np.inf
    return given


@pytest.mark.parametrize("seed", range(240))
def test_no_edit_of_all_is_better(seed: int) -> None:
    given = chance(seed)
    p = problem(**given)
    values = [(value_of(p, shots), shots) for shots in every_edit(*p.quality.shape)]
    best = max(v for v, _ in values)
    if best == -np.inf:
        with pytest.raises(BadInput, match="cannot be filled"):
            best_edit(**given)
        return
    edit = best_edit(**given)
    assert edit.value == pytest.approx(best, abs=1e-9)
    assert value_of(p, edit.shots) == edit.value
    assert len(edit.cameras) == len(p.quality) and list(edit.cuts) == [s.first for s in edit.shots]
    for shot, second in zip(edit.shots, edit.seconds, strict=True):
        # Second best by its definition: any edit with a shot of another camera there, whatever is round it.
        rivals = [
            (v, own.camera)
            for v, shots in values
            for own in shots
            if (own.first, own.stop) == (shot.first, shot.stop) and own.camera != shot.camera and v > -np.inf
        ]
        if not rivals:
            assert second is None
        else:
            assert second is not None
            assert second.value == pytest.approx(max(rivals)[0], abs=1e-9) and second.camera == max(rivals)[1]
            assert second.margin == pytest.approx(best - second.value, abs=1e-9) and second.margin >= 0


def test_a_better_camera_is_worth_a_cut_only_if_it_pays() -> None:
    quality = np.array([[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 4)
    free, dear = (best_edit(quality, np.full((2, 2), -c), np.zeros(9)) for c in (1.0, 5.0))
    assert [(s.first, s.stop, s.camera) for s in free.shots] == [(0, 4, 0), (4, 8, 1)] and free.value == 7.0
    assert len(dear.shots) == 1 and dear.value == 4.0


def test_lengths_are_kept() -> None:
    rng = np.random.default_rng(1)
    quality = rng.normal(size=(60, 5))
    edit = best_edit(quality, np.zeros((5, 5)), np.zeros(61), shortest=4, longest=7, shortest_last=2)
    lengths = [s.length for s in edit.shots]
    assert min(lengths[:-1]) >= 4 and max(lengths) <= 7 and lengths[-1] >= 2
    rhythm = -np.abs(np.arange(61) - 6.0) * 100
    assert [s.length for s in best_edit(quality, np.zeros((5, 5)), rhythm).shots] == [6] * 10


def test_more_freedom_is_never_worse() -> None:
    rng = np.random.default_rng(2)
    quality, transition, rhythm = rng.normal(size=(40, 4)), rng.normal(size=(40, 4, 4)), rng.normal(size=41)
    values = [best_edit(quality, transition, rhythm, shortest=k).value for k in (1, 2, 4, 8)]
    assert values == sorted(values, reverse=True)
    fewer = best_edit(quality[:, :3], transition[:, :3, :3], rhythm).value
    assert values[0] >= fewer


def test_one_camera_and_one_tick() -> None:
    edit = best_edit([[2.0]], np.zeros((1, 1)), [0.0, 0.5], shortest=10)
    assert edit.value == 2.5 and edit.shots == (Segment(0, 1, 0),) and edit.seconds == (None,)


def test_a_long_film_takes_little_time() -> None:
    rng = np.random.default_rng(3)
    edit = best_edit(rng.normal(size=(2000, 12)), rng.normal(size=(12, 12)), -np.ones(200), longest=150, shortest=10)
    assert sum(s.length for s in edit.shots) == 2000


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"quality": np.zeros((0, 2))}, r"quality has shape \(0, 2\)"),
        ({"quality": np.zeros(4)}, "expected .ticks, cameras"),
        ({"quality": np.full((4, 2), np.nan)}, "quality holds a NaN"),
        ({"transition": np.zeros((3, 3))}, r"transition has shape \(3, 3\), expected \(4, 2, 2\)"),
        ({"transition": np.full((2, 2), np.inf)}, "transition holds a NaN or .infinity"),
        ({"rhythm": np.zeros(3)}, r"rhythm has shape \(3,\), expected at least 5 lengths"),
        ({"rhythm": np.zeros((5, 3))}, r"rhythm has shape \(5, 3\)"),
        ({"opening": np.zeros(3)}, "opening has shape"),
        ({"shortest": 0}, "at least 0 ticks"),
        ({"shortest": 3, "longest": 2}, "at most 2 ticks"),
        ({"quality": np.zeros((4, 1)), "transition": 0.0, "longest": 3}, "4 ticks cannot be filled"),
    ],
)
def test_what_cannot_be_edited_is_refused_in_one_line(change: dict, says: str) -> None:
    given = {"quality": np.zeros((4, 2)), "transition": np.zeros((2, 2)), "rhythm": np.zeros(5), **change}
    with pytest.raises(BadInput, match=says) as error:
        best_edit(**given)
    assert "\n" not in str(error.value)


def test_shots_that_do_not_fill_the_time() -> None:
    p = problem(np.zeros((4, 2)), np.zeros((2, 2)), np.zeros(5))
    with pytest.raises(BadInput, match="begins at 2"):
        value_of(p, [Segment(0, 2, 0), Segment(3, 4, 1)])
    with pytest.raises(BadInput, match="end at tick 2, expected 4"):
        value_of(p, [Segment(0, 2, 0)])
    assert value_of(p, [Segment(0, 2, 0), Segment(2, 4, 0)]) == -np.inf
