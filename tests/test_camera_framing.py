"""Landmarks, projection, exact aiming, distances."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from camera_people import moved, stander, walker

from motion.camera import CameraPath
from motion.errors import BadInput
from rl_camera import framing


def test_landmarks_are_where_a_body_has_them() -> None:
    tracks = framing.track([stander()], [0.0])
    stature = tracks.stature[0]
    assert 1.55 < stature < 1.9
    crown, eyes, chin, heel = (tracks.of(n)[0, 0] for n in ("crown", "eyes", "chin", "left_heel"))
    assert crown[1] > eyes[1] > chin[1] > tracks.of("neck")[0, 0, 1] and eyes[2] > crown[2]
    assert crown[1] == pytest.approx(stature, abs=0.05) and heel[1] == pytest.approx(0.0, abs=0.05)
    assert tracks.of("left_fingertip")[0, 0, 0] > 0.3
    np.testing.assert_allclose(tracks.facing()[0, 0], [0, 1], atol=1e-6)


def test_tracks_follow_the_clip_between_frames_and_hold_beyond() -> None:
    hero = walker(seconds=2)
    tracks = framing.track([hero], [-5.0, 0.0, 0.51, 1.2, 99.0])
    np.testing.assert_array_equal(tracks.points[0], tracks.points[1])
    for k, time in enumerate(tracks.times):
        np.testing.assert_allclose(tracks.of("pelvis")[k, 0], hero.at(time)[1], atol=1e-12)


def test_nobody_cannot_be_filmed() -> None:
    with pytest.raises(BadInput, match="nobody"):
        framing.track([], [0.0])


@pytest.mark.parametrize("roll", [0.0, 0.2, -1.0])
def test_aiming_puts_a_point_exactly_where_it_is_wanted(roll: float) -> None:
    rng = np.random.default_rng(1)
    place = rng.normal(size=(400, 3))
    target = place + 4 * rng.normal(size=(400, 3)) * [1, 0.15, 1]
    x, y = rng.uniform(-0.9, 0.9, (2, 400))
    focal = rng.uniform(18, 120, 400)
    yaw, pitch = framing.aim(place, target, x, y, *framing.tangents(focal, 1.5), roll)
    xy, depth = framing.project(framing.pose(place, yaw, pitch, roll), focal, 1.5, target[:, None])
    fine = np.abs(pitch) < np.radians(89)
    assert fine.mean() > 0.97
    np.testing.assert_allclose(xy[fine, 0], np.c_[x, y][fine], atol=1e-7)
    assert (depth > 0).all()


def test_poses_are_level_and_angles_come_back() -> None:
    rng = np.random.default_rng(2)
    yaw, pitch, roll = rng.uniform(-3, 3, 50), rng.uniform(-1.5, 1.5, 50), rng.uniform(-1, 1, 50)
    T = framing.pose(np.zeros((50, 3)), yaw, pitch, roll)
    for back, given in zip(framing.angles_of(T), (yaw, pitch, roll), strict=True):
        np.testing.assert_allclose(back, given, atol=1e-9)
    assert np.abs(framing.pose(np.zeros((50, 3)), yaw, pitch)[:, 1, 0]).max() < 1e-12  # right has no height: level
    np.testing.assert_allclose(np.linalg.det(T[:, :3, :3]), 1.0)


def test_projection_agrees_with_the_cameras_field_of_view() -> None:
    path = CameraPath(np.eye(4)[None], np.array([35.0]), Fraction(30))
    top = np.tan(path.fov_y(2.0)[0] / 2) * 5
    xy, depth = framing.project(path.T_world_camera, path.focal_mm, 2.0, np.array([[[2 * top, top, -5.0]]]))
    np.testing.assert_allclose(xy[0, 0], [1.0, 1.0])
    assert depth[0, 0] == 5.0
    assert framing.distance_for(2 * top, 35.0, 2.0) == pytest.approx(5.0)
    _, behind = framing.project(path.T_world_camera, path.focal_mm, 2.0, np.array([[[0.0, 0.0, 1.0]]]))
    assert behind[0, 0] < 0


def test_screens_are_flat() -> None:
    half = np.radians(30)
    assert framing.screen_to_angle([0.0, 0.5, 1.0], half) == pytest.approx([0.0, 0.5, 1.0])
    p = 0.8  # the point's true angle off the middle, as a share of the field of view
    assert framing.screen_to_angle(p, half) == pytest.approx(0.5 + np.arctan(0.6 * np.tan(half)) / (2 * half))
    assert framing.screen_to_angle(p, half) > p


def test_facing_turns_with_the_performer() -> None:
    hero = stander()
    for yaw in (0.3, 2.0, -2.5):
        facing = framing.track([moved(hero, yaw)], [0.0]).facing()[0, 0]
        np.testing.assert_allclose(facing, [np.sin(yaw), np.cos(yaw)], atol=1e-9)
