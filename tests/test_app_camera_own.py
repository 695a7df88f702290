"""A camera made elsewhere as the camera of a shot: rate, length, cuts and lens."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from test_output_camera import path_of, same

from cinemotion.own_camera import own_path
from motion import rotations as rot
from motion.camera import CameraPath
from motion.errors import BadInput
from render.interchange import camera as files
from render.interchange.camera_resample import fitted, on_sensor, resample, spans


def way(frames=24, fps=24, cut=None, **change):
    """A camera that goes 1 m a second to the right and turns, with a jump of 100 m at a cut."""
    t = np.arange(frames) / fps
    pose = np.zeros((frames, 4, 4))
    pose[:, :3, :3] = rot.to_matrix(rot.from_axis("Y", 0.5 * t))
    pose[:, 0, 3], pose[:, 3, 3] = t, 1
    cuts = np.zeros(frames, bool)
    if cut is not None:
        cuts[cut] = True
        pose[cut:, 0, 3] += 100
    return CameraPath(pose, 35.0 + 10 * t, Fraction(fps), cuts=cuts, **change)


@pytest.mark.parametrize("fps", [24, 25, 30, 60, 12, Fraction(24000, 1001), Fraction(25, 3)])
def test_another_rate_is_the_same_camera(fps):
    made = resample(way(), Fraction(fps))
    t = np.arange(made.frames) / float(fps)
    assert made.frames == int(np.ceil(Fraction(fps)))
    assert np.abs(made.T_world_camera[:, 0, 3] - t).max() < 1e-12
    wanted = rot.to_matrix(rot.from_axis("Y", 0.5 * t))
    assert np.abs(made.T_world_camera[:, :3, :3] - wanted).max() < 1e-9
    inside = t <= 23 / 24
    assert np.abs(made.focal_mm - 35 - 10 * t)[inside].max() < 1e-9
    assert (made.focal_mm[~inside] == way().focal_mm[-1]).all()


@pytest.mark.parametrize("fps", [25, 30, 60, 23.5, 7, 5])
def test_nothing_lies_between_two_sides_of_a_cut(fps):
    fps = Fraction(fps)
    made = resample(way(cut=10), fps)
    x = made.T_world_camera[:, 0, 3]
    t = np.arange(made.frames) / float(fps)
    after = t >= 10 / 24
    assert np.abs(x - t - 100 * after).max() < 1e-12
    assert np.flatnonzero(made.cuts).tolist() == [int(np.argmax(after))]


def test_frames_on_the_files_own_are_these_to_the_last_bit():
    made = path_of(9)
    assert resample(made, made.fps) is made
    doubled = resample(made, 2 * made.fps)
    for name in ("T_world_camera", "focal_mm", "focus_m", "f_stop"):
        assert np.array_equal(getattr(doubled, name)[::2], getattr(made, name))
    same(resample(doubled, made.fps), made, 0.0)


def test_a_camera_that_stands_keeps_still():
    """No overshoot: before it starts to move, and at a pose held."""
    pose = np.broadcast_to(np.eye(4), (20, 4, 4)).copy()
    pose[10:, 0, 3] = np.minimum(np.arange(10) / 3, 1)
    made = resample(CameraPath(pose, 35.0, Fraction(24)), Fraction(96))
    x = made.T_world_camera[:, 0, 3]
    assert np.ptp(x[:37]) == 0 and x.max() <= 1 and (np.diff(x) >= -1e-12).all()


def test_shots_of_one_frame_and_shorter_than_a_frame():
    made = way(cut=10)
    cuts = made.cuts.copy()
    cuts[[11, 12]] = True
    made = replace(made, cuts=cuts)
    assert spans(made) == [(0, 10), (10, 11), (11, 12), (12, 24)]
    slow = resample(made, Fraction(3))
    assert slow.frames == 3 and slow.cuts.tolist() == [False, False, True]
    fast = resample(made, Fraction(240))
    assert np.flatnonzero(fast.cuts).tolist() == [100, 110, 120]
    assert np.ptp(fast.T_world_camera[100:110, 0, 3]) == 0, "of one pose nobody knows where it goes"


def test_too_many_frames():
    with pytest.raises(BadInput, match="frames at 100000000 a second"):
        resample(way(), Fraction(100_000_000))


def test_another_sensor_is_the_same_picture():
    made = path_of()
    other = on_sensor(made, 36.0)
    assert np.abs(other.fov_y(1.5) - made.fov_y(1.5)).max() < 1e-12
    # The aperture's diameter, f / N, sets the blur of a point at a distance.
    assert np.abs(other.focal_mm / other.f_stop - made.focal_mm / made.f_stop).max() < 1e-12
    assert on_sensor(made, 24.89) is made


@pytest.mark.parametrize("suffix", files.SUFFIXES)
def test_every_format_becomes_a_shot(tmp_path, suffix):
    made = way(48, focus_m=np.linspace(2, 3, 48), f_stop=2.8, sensor_width_mm=24.0)
    files.save(tmp_path / f"a{suffix}", made)
    said = []
    shot = own_path(tmp_path / f"a{suffix}", 100, 130, Fraction(30), warn=said.append)
    assert (shot.frames, shot.fps, said) == (30, 30, [])
    assert np.flatnonzero(shot.cuts).tolist() == [0]
    t = np.arange(30) / 30
    assert np.abs(shot.T_world_camera[:, 0, 3] - t).max() < 1e-6
    assert np.abs(shot.focal_mm - 35 - 10 * t).max() < 1e-4
    assert np.abs(shot.focus_m - 2 - t * 24 / 47).max() < 1e-5
    assert shot.f_stop[0] == pytest.approx(2.8)
    assert shot.sensor_width_mm == pytest.approx(24.0)
    wide = own_path(tmp_path / f"a{suffix}", 0, 30, Fraction(30), sensor_width_mm=36.0)
    assert np.abs(wide.fov_y(1.0) - shot.fov_y(1.0)).max() < 1e-9


def test_a_file_that_is_too_short_holds_its_last_pose(tmp_path):
    files.save(tmp_path / "a.csv", way(24, cut=10))
    said = []
    shot = own_path(tmp_path / "a.csv", 0, 60, Fraction(24), warn=said.append)
    assert said == ["a.csv: ends after 1.00 s of the shot's 2.50 s; its last pose is held from there"]
    assert np.abs(shot.T_world_camera[24:] - way(24, cut=10).T_world_camera[-1]).max() < 1e-12
    assert np.flatnonzero(shot.cuts).tolist() == [0, 10]
    assert fitted(shot, 5).frames == 5


def test_bad_shots(tmp_path):
    files.save(tmp_path / "a.csv", way())
    with pytest.raises(BadInput, match="frame 5 to 5"):
        own_path(tmp_path / "a.csv", 5, 5, Fraction(24))
    with pytest.raises(BadInput, match="holds one camera without a name"):
        own_path(tmp_path / "a.csv", 0, 5, Fraction(24), name="Cam")
    with pytest.raises(BadInput, match=r"unknown camera path suffix '\.fbx'"):
        own_path(tmp_path / "a.fbx", 0, 5, Fraction(24))
