"""Live decisions: what is made when it is asked for, and only of the present, is what whole tables and batches give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from camera_people import walker

from motion.errors import BadInput
from rl_camera import framing
from rl_camera.env import reward
from rl_camera.env.columns import Array
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.library import tabulate
from rl_camera.env.present import Present
from rl_camera.env.sampling import Sampler
from rl_camera.framing import Tracks

HZ = 10.0


def two(seconds: float = 5.0) -> Tracks:
    """Two who walk, at the decisions of a live camera."""
    people = [walker("hero", seconds=seconds), walker("friend", at=(1.5, 0.5), heading=1.0, turn=0.4, seconds=seconds)]
    return framing.track(people, np.arange(int(seconds * HZ)) / HZ)


def at(tracks: Tracks, k: int) -> Tracks:
    return replace(tracks, times=tracks.times[k : k + 1], points=tracks.points[k : k + 1])


@pytest.mark.parametrize("keypoints", ["eight", "smpl24"])
def test_the_present_is_the_last_column_of_the_table_of_what_was_seen(keypoints: str) -> None:
    whole, names = two(), ["friend", "hero"]
    present = Present(keypoints, HZ)
    for k in range(45):
        present.see(at(whole, k))
        first = max(0, k - 31)
        if k not in (0, 1, 7, 31, 32, 44):
            continue
        seen = replace(whole, times=whole.times[first : k + 1], points=whole.points[first : k + 1])
        held = present.tracks(float(whole.times[k]))
        assert np.allclose(held.times, seen.times) and np.array_equal(held.points, seen.points)
        expected = tabulate([seen.only([name]) for name in names], keypoints)
        got, last = present.table(names), expected.starts + expected.lengths - 1
        assert np.array_equal(got.points, expected.points[:, last])
        assert np.array_equal(got.stature, expected.stature)
        anchors = expected.anchors.reshape(3, -1, 8)[:, last]
        assert np.allclose(got.anchors.reshape(3, -1, 8), anchors, atol=1e-6)
        # Velocities of a tenth of a second: a rounding of the times counts ten times.
        extra = expected.extra[:, last] if k else np.vstack([expected.extra[:5, last], np.zeros((3, 2))])
        assert np.allclose(got.extra, extra, atol=1e-5)


def test_a_pose_that_is_not_finite_is_named() -> None:
    whole, present = two(1.0), Present("eight", HZ)
    whole.points[3, 1, 4] = np.nan
    present.see(at(whole, 3))
    assert present.table(["hero"]).points.shape == (24, 1)
    with pytest.raises(BadInput, match=r"friend: the pose at 0\.30 s is not finite"):
        present.table(["hero", "friend"])


def test_one_camera_decides_as_it_would_in_a_batch() -> None:
    """An environment does not feel its neighbours, nor how many are worked on at a time."""
    cases: tuple[dict[str, Any], ...] = (
        {"keypoints": "eight"}, {"crowd": True}, {"occluders": 0}, {"occluder_kind": "spheres"},
    )  # fmt: skip
    for options in cases:
        config = FramingConfig(performers=4).with_options(options)
        core, count = Framing(config), 2200
        seeds = np.arange(count, dtype=np.uint64)
        episodes, state = Sampler(config, core.table).draw(seeds, np.zeros(count, np.uint64))
        episodes.t += np.random.default_rng(0).integers(0, config.steps, count)
        together, moment = core.observe(episodes, state)
        hidden = moment.shown.hidden.copy()
        for i in range(0, count, 37):
            index = np.array([i])
            alone, own = core.observe(episodes.take(index), state.take(index))
            assert np.allclose(alone[:, 0], together[:, i], atol=1e-5, rtol=1e-5), (options, i)
            assert own.shown.hidden[0] == hidden[i], (options, i)
        assert (hidden > 0).sum() > 20


def test_terms_are_made_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    config = FramingConfig(performers=2, crowd=True)
    core = Framing(config)
    episodes, state = Sampler(config, core.table).draw(np.arange(5, dtype=np.uint64), np.zeros(5, np.uint64))
    made, terms = [], reward.terms

    def counted(*args: Any) -> dict[str, Array]:
        made.append(1)
        return terms(*args)

    monkeypatch.setattr(reward, "terms", counted)
    _, moment = core.observe(episodes, state)
    assert not made
    expected = terms(episodes, state, moment.sight, moment.errors, moment.shown.seen)
    assert np.array_equal(moment.reward, reward.total(expected, config.weights)) and made == [1]
    for name in reward.TERMS:
        assert np.array_equal(moment.terms[name], expected[name])
    assert made == [1]
