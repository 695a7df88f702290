"""Laws of the edits an animator makes to a clip."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from conftest import random_clip

from motion import BadInput, Clip, edit, skeleton
from motion import rotations as rot


def apart(a: Clip, b: Clip) -> float:
    """Largest joint distance between two clips, metres."""
    return float(np.abs(a.positions() - b.positions()).max())


def test_mirror_twice_is_the_same_clip_and_once_is_its_image(clip: Clip) -> None:
    assert apart(edit.mirror(edit.mirror(clip)), clip) < 1e-12
    image = clip.positions()[:, skeleton.MIRROR] * [-1, 1, 1]
    np.testing.assert_allclose(edit.mirror(clip).positions(), image, atol=1e-12)
    np.testing.assert_array_equal(edit.mirror(clip).contacts["left_toe"], clip.contacts["right_toe"])


@pytest.mark.parametrize("fps", [60, 120, Fraction(24000, 1001) * 5])
def test_resampling_keeps_every_shared_instant(clip: Clip, fps: Fraction) -> None:
    up = edit.resample(clip, fps)
    assert up.fps == fps
    for i in (0, 7, 23):
        rotations, root = up.at(i / 30)
        expected, expected_root = clip.at(i / 30)
        assert rot.angle_between(rotations, expected).max() < 0.02
        np.testing.assert_allclose(root, expected_root, atol=2e-3)


def test_resampling_up_and_down_gives_the_clip_back(clip: Clip) -> None:
    back = edit.resample(edit.resample(clip, 120), 30)
    assert back.frames == clip.frames
    assert apart(back, clip) < 1e-12
    np.testing.assert_array_equal(back.contacts.on, clip.contacts.on)


def test_slice_speed_and_hold_count_frames() -> None:
    clip = random_clip(frames=61)
    assert edit.slice(clip, 0.5, 1.5).frames == 31
    assert apart(edit.slice(clip, 0.5, 1.5), edit._frames(clip, np.arange(15, 46))) < 1e-12
    assert edit.speed(clip, 2).frames == 31
    assert edit.speed(clip, 0.5).frames == 121
    assert edit.hold(clip, 1, 0.5).frames == 61 + 30 + 15


def test_time_warp_through_straight_keys_is_speed(clip: Clip) -> None:
    last = (clip.frames - 1) / 30
    assert apart(edit.time_warp(clip, [(0, 0), (last / 2, last), (last, 2 * last)]), edit.speed(clip, 0.5)) < 1e-9


def test_place_puts_the_pelvis_at_the_point_facing_the_way(clip: Clip) -> None:
    placed = edit.place(clip, (2.0, -3.0), 1.2)
    np.testing.assert_allclose(placed.root_position[0, [0, 2]], [2.0, -3.0], atol=1e-12)
    np.testing.assert_allclose(edit.heading(placed)[0], 1.2, atol=1e-9)
    np.testing.assert_allclose(placed.root_position[:, 1], clip.root_position[:, 1], atol=1e-12)


def test_heading_turns_with_the_clip(clip: Clip) -> None:
    turned = edit.heading(edit.transform(clip, yaw=0.4)) - edit.heading(clip)
    np.testing.assert_allclose(np.angle(np.exp(1j * turned)), 0.4, atol=1e-9)


def test_concatenation_is_continuous_and_keeps_both_ends() -> None:
    a, b = random_clip(1), random_clip(2)
    joined = edit.concatenate([a, b], 0.4)
    assert joined.frames == 40 + 40 - 13
    assert apart(edit._frames(joined, np.arange(27)), edit._frames(a, np.arange(27))) < 1e-12
    steps = np.linalg.norm(np.diff(joined.root_position, axis=0), axis=1)
    usual = max(np.linalg.norm(np.diff(c.root_position, axis=0), axis=1).max() for c in (a, b))
    assert steps.max() < 3 * usual + 0.05
    # The second clip's own motion is intact after the blend, wherever it was moved to.
    assert rot.angle_between(joined.rotations[-20:, 1:], b.rotations[-20:, 1:]).max() < 1e-9


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_very_short_clips_can_be_joined(frames: int) -> None:
    short = random_clip(3, frames=frames)
    assert edit.concatenate([short, random_clip(4), short], 10.0).frames >= 1
    assert edit.repeat(short, 3, 0.5).frames >= 1
    assert edit.loop(short).frames == frames
    assert edit.in_place(short).frames == frames


def test_loop_closes_the_pose_and_keeps_the_travel(clip: Clip) -> None:
    closed = edit.loop(clip, 0.4)
    assert rot.angle_between(closed.rotations[-1, 1:], closed.rotations[0, 1:]).max() < 1e-9
    np.testing.assert_allclose(closed.root_position[:, [0, 2]], clip.root_position[:, [0, 2]])
    np.testing.assert_allclose(closed.root_position[-1, 1], closed.root_position[0, 1])
    assert apart(edit._frames(closed, np.arange(20)), edit._frames(clip, np.arange(20))) < 1e-12


def test_in_place_takes_out_the_travel_of_a_straight_walk() -> None:
    clip = random_clip(5, frames=90)
    travel = clip.root_position + np.arange(90)[:, None] / 30 * np.array([1.0, 0.0, 0.5])
    still = edit.in_place(Clip(clip.rotations, travel, clip.rest_offsets, 30))
    drift = still.root_position[-10:].mean(0) - still.root_position[:10].mean(0)
    assert np.linalg.norm(drift[[0, 2]]) < 0.25  # of 3.3 m


def test_in_place_leaves_the_sway() -> None:
    clip = random_clip(5, frames=90)
    time = np.arange(90) / 30
    path = np.zeros((90, 3))
    path[:, 0], path[:, 2] = 0.05 * np.sin(2 * np.pi * 1.5 * time), 1.4 * time
    still = edit.in_place(Clip(clip.rotations, path, clip.rest_offsets, 30))
    middle = slice(30, 60)
    np.testing.assert_allclose(still.root_position[middle, 0], path[middle, 0], atol=0.01)
    np.testing.assert_allclose(still.root_position[middle, 2], 0.0, atol=0.01)


def test_blend_ends_are_the_clips() -> None:
    a, b = random_clip(1), random_clip(2)
    assert apart(edit.blend(a, b, 0.0), a) < 1e-12
    assert apart(edit.blend(a, b, 1.0), b) < 1e-12


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda c: edit.slice(c, 5, 6), "slice"),
        (lambda c: edit.resample(c, 0), "more than 0"),
        (lambda c: edit.speed(c, 0), "positive"),
        (lambda c: edit.speed(c, float("nan")), "positive"),
        (lambda c: edit.repeat(c, 0), "1 or more"),
        (lambda c: edit.time_warp(c, [(0, 0)]), "two or more"),
        (lambda c: edit.concatenate([]), "no clips"),
        (lambda c: edit.concatenate([c, edit.resample(c, 60)]), "resample first"),
        (lambda c: edit.blend(c, edit.slice(c, 0, 0.5), 0.5), "frames"),
    ],
)
def test_impossible_edits_say_why(clip: Clip, make, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        make(clip)
