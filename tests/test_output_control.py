"""Control videos: what each colour means, one fixed scale per shot, files per shot."""

from __future__ import annotations

import json
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from motion.camera import CameraPath, look_at
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import IDENTITY
from motion.stage import Performance
from render.control import (
    ControlWriter,
    ShotScale,
    depth_picture,
    flow_picture,
    ids_picture,
    normal_picture,
    shot_scales,
)
from render.video import probe, read_frames
from tests.test_output_passes import SIZE, frame

SCALE = ShotScale(0, 9, near_m=2.0, flow_max_px=10.0)


def test_depth_is_inverse_and_near_is_bright():
    depth = np.array([[0.0, 1.0, 2.0, 4.0, 20.0, 1e9]], np.float32)
    assert depth_picture(depth, SCALE)[0, :, 0].tolist() == [0, 255, 255, 128, 26, 0]


def test_normals_are_the_cameras_own():
    pose = look_at(np.array([5.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0]))  # at +X, looking to −X
    world = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, -1], [0, 0, 0]]], np.float32)
    picture = normal_picture(world, pose)[0].tolist()
    assert picture == [[128, 128, 255], [128, 255, 128], [255, 128, 128], [128, 128, 128]]


def test_flow_hue_is_direction():
    flow = np.array([[[10, 0], [0, 10], [-10, 0], [0, -10], [0, 0], [5, 0], [99, 0]]], np.float32)
    picture = flow_picture(flow, SCALE)[0].tolist()
    assert picture[0] == picture[6] == [255, 0, 0]
    assert picture[1] == [128, 255, 0]
    assert picture[2] == [0, 255, 255]
    assert picture[3] == [128, 0, 255]
    assert picture[4] == [255, 255, 255]
    assert picture[5] == [255, 128, 128]


def test_ids_have_fixed_and_different_colours():
    ids = np.stack(np.meshgrid(np.arange(8), np.arange(30), indexing="ij"), axis=-1).astype(np.int32)
    picture = ids_picture(ids)
    assert (picture[0] == 0).all()
    colours = picture[1:].reshape(-1, 3)
    assert colours.min() >= 48
    assert len(np.unique(colours, axis=0)) == len(colours)
    assert np.array_equal(picture, ids_picture(ids.copy()))


def performance(z=0.0, frames=30):
    rotations = np.broadcast_to(IDENTITY, (frames, 24, 4))
    root = np.zeros((frames, 3)) + [0, 0.9, z]
    return Performance("a", Clip(rotations, root, np.zeros((24, 3)), Fraction(30)), SimpleNamespace())


def camera(frames=10, cut=4):
    place = np.array([[0, 0.9, 5.0 if k < cut else 3.0] for k in range(frames)])
    cuts = np.arange(frames) == cut
    return CameraPath(look_at(place, np.array([0, 0.9, 0.0])), np.full(frames, 35.0), Fraction(24), cuts=cuts)


def test_one_scale_per_shot_from_the_scene_alone():
    scales = shot_scales(camera(), (320, 180), [performance()])
    assert [(s.first, s.last) for s in scales] == [(0, 3), (4, 9)]
    assert [s.near_m for s in scales] == [pytest.approx(4.65), pytest.approx(2.65)]
    assert scales[0].flow_max_px == 16
    behind = shot_scales(camera(), (320, 180), [performance(z=50.0)])
    assert [s.near_m for s in behind] == [1.0, 1.0]
    assert [s.near_m for s in shot_scales(camera(), (320, 180), near_m=0.7)] == [0.7, 0.7]
    with pytest.raises(BadInput, match="near_m -1"):
        shot_scales(camera(), (320, 180), near_m=-1)


@pytest.mark.parametrize("codec", ["h264", "lossless"])
def test_a_file_per_shot_and_control(tmp_path, codec):
    scales = (ShotScale(0, 1, 2.0, 10.0), ShotScale(2, 4, 3.0, 10.0))
    with ControlWriter(tmp_path / "c", ["ids", "depth", "flow", "normal"], SIZE, 24, scales, codec) as control:
        for k in range(5):
            control.write(frame(k, 5))
    about = json.loads((tmp_path / "c" / "control.json").read_text())
    assert [shot["near_m"] for shot in about["shots"]] == [2.0, 3.0]
    for shot, length in zip(about["shots"], (2, 3), strict=True):
        for name, file in shot["files"].items():
            pictures = list(read_frames(tmp_path / "c" / file))
            assert len(pictures) == length
            assert probe(tmp_path / "c" / file).fps == 24
            if codec == "lossless" and name == "ids":
                assert np.array_equal(pictures[0], ids_picture(frame(shot["first"], 5).ids))
    assert len(list((tmp_path / "c").iterdir())) == 9


def test_bad_settings(tmp_path):
    for controls, scales, text in (
        (["dept"], [SCALE], "did you mean 'depth'"),
        ([], [SCALE], "at least one"),
        (["depth"], [], "at least one"),
    ):
        with pytest.raises(BadInput, match=text):
            ControlWriter(tmp_path / "c", controls, SIZE, 24, scales)
    with pytest.raises(BadInput, match="belongs to no shot"), ControlWriter(tmp_path, ["ids"], SIZE, 24, [SCALE]) as c:
        c.write(frame(20, 30))
    with pytest.raises(BadInput, match="0 frames per second"):
        ControlWriter(tmp_path, ["ids"], SIZE, 0, [SCALE])
    assert not list(tmp_path.iterdir())
