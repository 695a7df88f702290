"""Rotations from joint positions: near the truth on captures, calm where nothing shows them, exact about bones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from foreign_motions import captured, walker
from scipy.ndimage import gaussian_filter1d

from motion import Clip, kinematics, skeleton
from motion import rotations as rot
from motion.body import Body
from motion.errors import BadInput
from motion.positions import bones, solve, twist
from motion.retarget.source import TEMPLATE

INDEX = skeleton.INDEX
ADULT = Body.default(height_m=1.7).rest_offsets
#: Joints that positions show whole, by the bones that leave them or the bend below them.
SEEN = ("pelvis", "spine1", "spine2", "spine3", "left_hip", "right_hip", "left_knee", "right_knee")


def degrees(a: Clip, b: Clip) -> np.ndarray:
    """Mean angle by joint between world rotations, ``(24,)``."""
    return np.degrees(rot.angle_between(a.world()[0], b.world()[0])).mean(0)


def fastest(clip: Clip) -> np.ndarray:
    """Largest turn from frame to frame by joint, radians per second."""
    return rot.angle_between(clip.rotations[1:], clip.rotations[:-1]).max(0) * float(clip.fps)


def shaken(joints: np.ndarray, metres: float, seed: int = 0) -> np.ndarray:
    """Joints with the slow errors that models make, so that bones change length."""
    rng = np.random.default_rng(seed)
    noise = gaussian_filter1d(rng.normal(size=joints.shape), 1.5, axis=0)
    return joints + noise * (metres / noise.std())


@pytest.mark.parametrize("name", ["walk", "run", "spinkick", "backflip", "cartwheel", "crawl", "getup_facedown"])
def test_finds_the_rotations_of_captures(name: str) -> None:
    truth = captured(name, 30, ADULT)
    found = solve(truth.positions()[:, :22], truth.fps, ADULT)
    assert found.worst[0] < 0.01  # mm: rigid bones leave nothing over
    np.testing.assert_allclose(found.clip.positions()[:, :22], truth.positions()[:, :22], atol=1e-5)
    off = degrees(found.clip, truth)
    assert max(off[INDEX[joint]] for joint in SEEN) < 6.0
    assert off[[INDEX["left_shoulder"], INDEX["right_shoulder"]]].max() < 12.0
    assert (fastest(found.clip) < 1.5 * fastest(truth) + 6.0).all()  # nothing pops that did not before


def test_a_hinged_walk_comes_back_whole() -> None:
    truth = walker()
    found = solve(truth.positions()[:, :22], truth.fps, truth.rest_offsets).clip
    np.testing.assert_allclose(found.rest_offsets[1:22], truth.rest_offsets[1:22], atol=1e-9)
    off = degrees(found, truth)
    off[[INDEX["left_foot"], INDEX["right_foot"]]] = 0.0  # toes stay on the floor here; the formula's do not
    assert off[:22].max() < 3.0


def test_knees_do_not_flip_on_straight_legs() -> None:
    for seed in range(3):
        stance = walker(80, 30, bend=0.0)
        points = shaken(stance.positions()[:, :22], 0.004, seed)  # bends them by a degree or two, forth and back
        found = solve(points, 30, stance.rest_offsets).clip
        ahead = rot.rotate(found.world()[0], np.array([0.0, 0.0, 1.0]))
        truth = rot.rotate(stance.world()[0], np.array([0.0, 0.0, 1.0]))
        for side in ("left", "right"):
            for joint in ("hip", "knee", "ankle"):
                j = INDEX[f"{side}_{joint}"]
                assert np.sum(ahead[:, j] * truth[:, j], axis=-1).min() > np.cos(np.radians(40.0))
        assert np.degrees(fastest(found)[[INDEX["left_hip"], INDEX["right_hip"]]]).max() < 400.0


def test_a_leg_bent_over_backwards_a_little_stays_that_leg() -> None:
    clip = walker(40, 30, bend=0.0)
    turns = rot.to_rotvec(clip.rotations)
    turns[:, [INDEX["left_knee"], INDEX["right_knee"]], 0] = np.radians(-8.0)
    back = replace(clip, rotations=rot.from_rotvec(turns))
    found = solve(back.positions()[:, :22], 30, back.rest_offsets).clip
    assert degrees(found, back)[[INDEX["left_hip"], INDEX["right_knee"]]].max() < 20.0


def test_loose_bones_are_fitted_and_said() -> None:
    truth = captured("walk", 20)
    points = shaken(truth.positions()[:, :22], 0.005)
    found = solve(points, 20, truth.rest_offsets)
    assert found.median_mm < 10.0 and found.worst[0] < 40.0
    assert 0.005 < found.stretch[1:].max() < 0.1
    lengths = np.linalg.norm(np.diff(found.clip.positions()[:, [1, 4, 7]], axis=1), axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-9
    assert f"{found.median_mm:.1f} mm" in str(found) and "95 %" in str(found)
    # Sharing errors beats carrying them down the chain, where they pile up in wrists and feet.
    kept = bones.keep_lengths(points, found.clip.rest_offsets)
    off = np.linalg.norm(kept - points, axis=-1)
    assert off[:, [20, 21, 10, 11]].mean() < 1.5 * off.mean()


def test_jerk_does_not_grow() -> None:
    truth = captured("dance_a", 30)
    points = shaken(truth.positions()[:, :22], 0.004)
    found = solve(points, 30, truth.rest_offsets).clip.positions()[:, :22]
    before, after = (np.linalg.norm(kinematics.jerk(p, 30), axis=-1).mean() for p in (points, found))
    assert after < before


def test_bones_are_equal_on_both_sides_and_hands_count() -> None:
    truth = walker(30)
    points = truth.positions()
    points[:, INDEX["left_wrist"]] += 0.02  # one forearm longer than the other
    offsets = bones.fit(points[:, :22], TEMPLATE)
    np.testing.assert_allclose(np.linalg.norm(offsets, axis=-1), np.linalg.norm(offsets[skeleton.MIRROR], axis=-1))
    turned = rot.to_rotvec(truth.rotations)
    turned[:, INDEX["left_wrist"], 2] = 0.5
    bent = replace(truth, rotations=rot.from_rotvec(turned))
    found = solve(bent.positions(), truth.fps, truth.rest_offsets).clip
    assert degrees(found, bent)[INDEX["left_wrist"]] < 8.0


def test_a_given_skeleton_is_kept() -> None:
    truth = walker(10)
    small = solve(truth.positions()[:, :22] * 0.9, truth.fps, truth.rest_offsets, fit=False)
    np.testing.assert_array_equal(small.clip.rest_offsets, truth.rest_offsets)
    fitted = solve(truth.positions()[:, :22] * 0.9, truth.fps, truth.rest_offsets)
    np.testing.assert_allclose(fitted.clip.rest_offsets[:22], truth.rest_offsets[:22] * 0.9, atol=1e-9)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_moment_is_enough(frames: int) -> None:
    truth = walker(frames)
    found = solve(truth.positions()[:, :22], Fraction(20), truth.rest_offsets)
    assert found.clip.frames == frames and found.worst[0] < 1e-6


def test_turning_the_world_turns_the_pelvis_and_nothing_else() -> None:
    truth = walker()
    points = truth.positions()[:, :22]
    there = solve(points, 20, truth.rest_offsets).clip
    turned = solve(rot.rotate(rot.yaw(2.0), points) + [3.0, 0.0, -1.0], 20, truth.rest_offsets).clip
    assert np.degrees(rot.angle_between(there.rotations[:, 1:], turned.rotations[:, 1:])).max() < 1e-4
    expected = rot.multiply(rot.yaw(2.0), there.rotations[:, 0])
    assert np.degrees(rot.angle_between(turned.rotations[:, 0], expected)).max() < 1e-4


def test_a_mirrored_performer_gets_mirrored_rotations() -> None:
    truth = captured("cartwheel", 30)
    points = truth.positions()[:, :22]
    flipped = points[:, skeleton.MIRROR[:22]] * [-1.0, 1.0, 1.0]
    plain, mirrored = (solve(p, 30, truth.rest_offsets).clip for p in (points, flipped))
    expected = plain.rotations[:, skeleton.MIRROR] * [1.0, -1.0, -1.0, 1.0]
    assert np.degrees(rot.angle_between(mirrored.rotations, expected)).max() < 1.0


def test_an_angle_holds_through_what_cannot_be_seen() -> None:
    angles = np.where(np.arange(60)[:, None] < 30, 1.0, 1.4)
    weights = np.ones((60, 1))
    weights[10:50] = 0.0
    angles[25] = 3.0  # a lone doubtful frame
    weights[25] = 0.002
    course = twist.over_time(angles, weights, 30, 1e-4)
    assert abs(course[5] - 1.0) < 0.01 and abs(course[55] - 1.4) < 0.01
    assert 1.0 < course[30] < 1.5 and np.abs(np.diff(course)).max() < 0.05
    across = twist.over_time(
        np.full((20, 1), np.pi) * np.where(np.arange(20) % 2, 1, -1)[:, None], np.ones((20, 1)), 30, 0.01
    )
    assert np.abs(np.abs(across) - np.pi).max() < 1e-6  # plus and minus half a turn are the same


@pytest.mark.parametrize(
    ("points", "rest", "expected"),
    [
        (np.zeros((0, 22, 3)), ADULT, r"shape \(0, 22, 3\)"),
        (np.zeros((4, 21, 3)), ADULT, r"expected \(frames, 22 or 24, 3\)"),
        (np.zeros((22, 3)), ADULT, "expected"),
        (np.zeros((4, 22, 3)), ADULT, "left_hip stands on the joint above it"),
        (walker(3).positions()[:, :22], np.zeros((24, 3)), "rest: left_hip stands on"),
        (walker(3).positions()[:, :22], ADULT[:22], r"rest: shape \(22, 3\)"),
    ],
)
def test_refuses_what_is_no_body(points: np.ndarray, rest: np.ndarray, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        solve(points, 30, rest)


def test_says_which_point_is_missing() -> None:
    points = walker(9).positions()[:, :22]
    points[7, INDEX["head"], 1] = np.nan
    with pytest.raises(BadInput, match="frame 7: head is not finite"):
        solve(points, 30, ADULT)
