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
    edges_picture,
    flow_picture,
    ids_picture,
    normal_picture,
    picture,
    shot_scales,
    to_draw,
    view_rays,
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
    with ControlWriter(tmp_path / "c", ["ids", "depth", "flow", "normal", "edges"], SIZE, 24, scales, codec) as control:
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
    assert len(list((tmp_path / "c").iterdir())) == 11


def flat(depth, size=(16, 12), lens=35.0):
    """Passes of planes that face the camera at the given depths ``(H, W)`` metres."""
    width, height = size
    depth = np.broadcast_to(np.asarray(depth, np.float32), (height, width)).copy()
    ids = np.ones((height, width, 2), np.int32) * (depth > 0)[..., None]
    normal = np.zeros((height, width, 3), np.float32)
    normal[depth > 0] = [0, 0, 1]
    view = view_rays(CameraPath(np.eye(4)[None], np.array([lens]), Fraction(24)), 0, size)
    return ids, depth, normal, np.full((height, width, 3), 0.5, np.float32), view


def test_edges_belong_to_what_is_nearer_and_are_one_pixel_wide():
    ids, depth, normal, albedo, view = flat(5.0)
    assert not edges_picture(ids, depth, normal, albedo, view).any()
    depth[:, 6:] = 3.0  # the same thing, nearer: hidden surfaces, no border of ids
    lines = edges_picture(ids, depth, normal, albedo, view)[..., 0]
    assert (np.flatnonzero(lines.any(axis=0)) == [6]).all() and (lines[:, 6] == 255).all()
    ids, depth, normal, albedo, view = flat(5.0)
    depth[:4] = ids[:4] = normal[:4] = 0  # nothing above: the line is the thing's
    lines = edges_picture(ids, depth, normal, albedo, view)[..., 0]
    assert np.flatnonzero(lines.any(axis=1)).tolist() == [4]


def test_edges_are_creases_and_colours_not_facets_and_parts():
    ids, depth, normal, albedo, view = flat(5.0)
    ids[:, 8:, 1] = 2
    assert not edges_picture(ids, depth, normal, albedo, view).any()  # a part of the same colour
    albedo[:, 8:] = 0.1
    assert edges_picture(ids, depth, normal, albedo, view)[:, 7].all()
    ids[..., 1] = 1
    assert not edges_picture(ids, depth, normal, albedo, view).any()  # a pattern
    for degrees, expected in ((20, False), (90, True)):
        turned = normal.copy()
        turned[:, 8:] = [np.sin(np.radians(degrees)), 0, np.cos(np.radians(degrees))]
        depth_b = depth.copy()
        # The plane through (x0, 5 m) that is turned by so much: its depth along each ray.
        slope = np.tan(np.radians(degrees)) if degrees < 90 else 1e3
        depth_b[:, 8:] = 5 * (1 - slope * view[:, 7:8, 0]) / (1 - slope * view[:, 8:, 0])
        if degrees == 90:
            depth_b = depth  # seen edge-on its depth says nothing: the crease alone decides
        assert edges_picture(ids, depth_b, turned, albedo, view).any() == expected


def test_a_plane_seen_at_a_grazing_angle_has_no_edges_inside():
    """A floor's depth jumps from row to row near the horizon, and yet it is one surface."""
    from motion.stage import Stage
    from render import Rasterizer, World
    from tests import render_figures as figures

    path = figures.camera(frames=2)
    world = World([], Stage("concrete", "noon"))
    with Rasterizer((96, 64)) as rasterizer:
        (shot,) = rasterizer.render(world, path, [0], to_draw(["edges"]))
    lines = picture("edges", shot, SCALE)[..., 0] > 0
    border = (shot.ids[1:, :, 0] != shot.ids[:-1, :, 0]).any(axis=1)
    assert border.sum() == 1  # the horizon
    assert np.flatnonzero(lines.any(axis=1)).tolist() == [int(np.flatnonzero(border)[0]) + 1]


def test_edges_follow_the_figure_exactly():
    """Every line lies on a border of the figure's ids, a crease or an overlap; drawn twice they are the same."""
    from render import Rasterizer
    from tests import render_figures as figures

    world, path = figures.world(), figures.camera()
    with Rasterizer((128, 96)) as rasterizer:
        frames = list(rasterizer.render(world, path, [0, 0], to_draw(["edges"])))
    first, again = (picture("edges", f, SCALE) for f in frames)
    assert np.array_equal(first, again) and set(np.unique(first)) == {0, 255}
    ids = frames[0].ids[..., 0]
    outline = np.zeros(ids.shape, bool)
    outline[:, :-1] |= ids[:, :-1] != ids[:, 1:]
    outline[:, 1:] |= ids[:, :-1] != ids[:, 1:]
    outline[:-1] |= ids[:-1] != ids[1:]
    outline[1:] |= ids[:-1] != ids[1:]
    lines = first[..., 0] > 0
    # Each border has a line on exactly one of its two sides.
    across = ids[:, :-1] != ids[:, 1:]
    assert (lines[:, :-1] | lines[:, 1:])[across].all()
    assert 0.02 < lines.mean() < 0.15 and (lines & outline).sum() > 0.5 * lines.sum()


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
