"""Depth of many views is one shape: views agree to less than a millimetre, and what is fused is the truth."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import render_figures as figures

from motion import rotations as rot
from motion.camera import CameraPath, look_at
from motion.errors import BadInput
from motion.stage import Prop, Stage
from render import Frame, Rasterizer, RenderSettings, World
from render.fusion import (
    Cloud,
    DepthView,
    FrozenWorld,
    Volume,
    edges_agree,
    pass_edges,
    save_cloud,
    save_mesh,
    spread,
    still_instances,
)  # fmt: skip

SIZE = (320, 240)
RADIUS, BOX, BALL_AT, BOX_AT = 0.4, np.array([0.7, 0.5, 0.4]), np.array([0.5, 0.4, 0.1]), np.array([-0.5, 0.25, 0.0])
BALL = Prop("ball", "sphere", (2 * RADIUS,) * 3, position=BALL_AT - [0, RADIUS, 0])
CRATE = Prop("crate", "box", tuple(BOX), position=BOX_AT - [0, 0.25, 0], rotation=rot.yaw(0.4))
STILL = World([], Stage("concrete", "noon", props=(BALL, CRATE)))


def orbit(frames: int = 12, **options: object) -> CameraPath:
    angle = np.arange(frames) * 2 * np.pi / frames
    place = np.stack([2.6 * np.sin(angle), 1.2 + 0.5 * np.cos(3 * angle), 2.6 * np.cos(angle)], axis=-1)
    return CameraPath(look_at(place, np.array([0.0, 0.3, 0.0])), np.array(35.0), Fraction(24), **options)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    with Rasterizer(SIZE, RenderSettings.draft()) as rasterizer:
        return list(rasterizer.render(STILL, orbit(), range(12), ("depth", "normal", "ids", "albedo", "beauty")))


@pytest.fixture(scope="module")
def views(frames: list[Frame]) -> list[DepthView]:
    return [DepthView.of(frame) for frame in frames]


def off_truth(points: np.ndarray, instances: tuple[int, ...] = (1, 2)) -> np.ndarray:
    """Distance of points to the very triangles that were drawn, metres; the ground (3) is y = 0."""
    import trimesh

    found = [np.abs(points[:, 1])] if 3 in instances else []
    for posed in (STILL.at(0).meshes[k - 1] for k in instances if k < 3):
        mesh = trimesh.Trimesh(posed.world_vertices().astype(float), posed.drawable.faces, process=False)
        found.append(trimesh.proximity.closest_point(mesh, points)[1])
    return np.min(found, axis=0)


def test_twelve_views_agree_to_less_than_a_millimetre(views: list[DepthView]) -> None:
    found = spread(views)
    assert set(found) == {1, 2, 3}  # ball, crate, ground
    for instance, one in found.items():
        assert one.compared > 3000 and one.at_odds == 0, instance
        assert one.median_mm < 0.001, instance
    assert found[2].max_mm < 0.005 and found[3].max_mm < 0.005  # what is flat has nothing between its pixels
    # The ball has facets of 4 cm, and pixels are 8 mm wide there: the bend between two of them is cut.
    assert found[1].p95_mm < 0.5 and found[1].max_mm < 2.0


def test_a_depth_that_is_wrong_is_seen(views: list[DepthView]) -> None:
    def with_fault(view: DepthView) -> dict:
        return spread([view, views[4], views[6]])

    here = views[5]
    off = with_fault(replace(here, depth=here.depth + np.float32(0.004) * (here.depth > 0)))
    assert 1.0 < off[3].p95_mm < 4.0 and off[2].p95_mm > 1.0 and off[1].p95_mm > 1.0
    assert with_fault(here)[3].max_mm < 0.01
    assert with_fault(replace(here, depth=here.depth * np.float32(0.9)))[3].at_odds > 100
    moved = here.looking.T_world_camera.copy()
    moved[1, 3] += 0.005
    raised = with_fault(replace(here, looking=replace(here.looking, T_world_camera=moved)))
    assert raised[3].max_mm == pytest.approx(5.0, abs=0.1)  # the ground, five millimetres too high


def test_points_are_on_the_surfaces(views: list[DepthView]) -> None:
    cloud = Cloud.of(views)
    assert len(cloud.points) == sum(np.count_nonzero(v.depth) for v in views)
    for instance in (1, 2, 3):
        mine = cloud.points[cloud.instance == instance][::7]
        assert off_truth(mine, (instance,)).max() < 2e-5, instance
    thin = cloud.thinned(0.02)
    assert len(thin.points) < 0.5 * len(cloud.points) and thin.colours.dtype == np.uint8
    assert np.linalg.norm(thin.normals, axis=1) == pytest.approx(1, abs=1e-5)
    near = Cloud.of(views, reach_m=2.5)
    assert 0 < len(near.points) < len(cloud.points)


def test_the_mesh_is_within_a_voxel_of_the_truth(views: list[DepthView]) -> None:
    pytest.importorskip("skimage")
    import trimesh

    voxel, box = 0.025, (np.array([-1.1, -0.1, -0.6]), np.array([1.1, 1.0, 0.7]))
    for shown, instances in ((views, (1, 2, 3)), ([v.only((1, 2)) for v in views], (1, 2))):
        surface = Volume.around(shown, *box, voxel).mesh()
        error = off_truth(surface.vertices, instances)
        assert error.max() < voxel and np.median(error) < 0.02 * voxel
    # All that is seen is there: the ball but for where it stands, the crate's sides and top.
    mesh = trimesh.Trimesh(surface.vertices, surface.faces, process=False)
    whole = 4 * np.pi * RADIUS**2 + 2 * BOX[1] * (BOX[0] + BOX[2]) + BOX[0] * BOX[2]
    assert 0.85 * whole < mesh.area < 1.02 * whole
    # Faces look outwards, and colours are those of their thing.
    top = mesh.triangles_center[:, 1] > 0.7
    assert mesh.face_normals[top][:, 1].mean() > 0.5
    ours = views[0].colour[views[0].instance == 1].mean(axis=0)
    ball = surface.vertices[:, 0] > 0.2
    assert surface.colours[ball].mean(axis=0) == pytest.approx(ours, abs=12)


def test_a_floor_seen_from_the_side_has_no_holes() -> None:
    pytest.importorskip("skimage")
    import trimesh

    low = CameraPath(look_at(np.array([[0.0, 0.5, 4.0]]), np.array([0.0, 0.2, 0.0])), np.array(35.0), Fraction(24))
    with Rasterizer(SIZE, RenderSettings.draft()) as rasterizer:
        view = DepthView.of(next(rasterizer.render(STILL, low, [0], ("depth", "normal", "ids")))).only((3,))
    surface = Volume.around([view], np.array([-0.6, -0.13, 1.0]), np.array([0.6, 0.13, 2.0]), 0.02).mesh()
    assert trimesh.Trimesh(surface.vertices, surface.faces).area == pytest.approx(1.2, rel=0.05)
    assert np.abs(surface.vertices[:, 1]).max() < 0.002


def test_what_views_see_through_is_empty(views: list[DepthView]) -> None:
    """One view's phantom plate in front of the crate is carved away by the others."""
    pytest.importorskip("skimage")
    depth, instance = views[0].depth.copy(), views[0].instance.copy()
    depth[100:140, 100:140], instance[100:140, 100:140] = 1.5, 2
    ghostly = [replace(views[0], depth=depth, instance=instance), *views[1:]]
    box = np.array([-1.1, 0.05, -0.6]), np.array([1.1, 1.3, 2.0])
    clean, haunted = (Volume.around(v, *box, 0.04).mesh() for v in (views, ghostly))
    assert np.count_nonzero(haunted.vertices[:, 2] > 0.8) < 0.01 * len(clean.vertices)


def test_shapes_come_back_from_files(tmp_path: Path, views: list[DepthView]) -> None:
    pytest.importorskip("skimage")
    import trimesh

    cloud = Cloud.of(views[:2]).thinned(0.05)
    save_cloud(tmp_path / "cloud.ply", cloud)
    back = trimesh.load(tmp_path / "cloud.ply")
    assert np.array_equal(np.asarray(back.vertices, np.float32), cloud.points.astype(np.float32))
    assert np.array_equal(np.asarray(back.colors)[:, :3], cloud.colours)
    surface = Volume.around(views, np.array([-1.1, 0.05, -0.6]), np.array([1.1, 1, 0.7]), 0.05).mesh()
    save_mesh(tmp_path / "mesh.ply", surface)
    mesh = trimesh.load(tmp_path / "mesh.ply", process=False)
    assert np.array_equal(mesh.faces, surface.faces)
    assert np.array_equal(np.asarray(mesh.visual.vertex_colors)[:, :3], surface.colours)
    with pytest.raises(BadInput, match=r"\.ply"):
        save_cloud(tmp_path / "cloud.obj", cloud)


def test_a_cut_joins_two_cameras_not_their_pictures() -> None:
    """Views on both sides of a cut are placed by their own cameras."""
    camera = orbit()
    camera = replace(camera, cuts=np.arange(12) == 6)
    with Rasterizer(SIZE, RenderSettings.draft()) as rasterizer:
        views = [DepthView.of(f) for f in rasterizer.render(STILL, camera, [5, 6], ("depth", "normal", "ids"))]
    cloud = Cloud.of(views)
    assert off_truth(cloud.points[cloud.instance == 2]).max() < 2e-5
    assert spread(views)[3].max_mm < 0.01


def test_performers_are_one_shape_at_one_instant() -> None:
    world = figures.world()
    camera = figures.camera(12)
    sideways = camera.T_world_camera.copy()
    sideways[:] = look_at(
        np.array([0.6, 1.5, 3.4]) + np.linspace(-1, 1, 12)[:, None] * [1.5, 0, 0], np.array([0.0, 0.8, 0.1])
    )
    camera = replace(camera, T_world_camera=sideways)
    assert still_instances(world, [0.0, 0.2]) == (2, 3)  # box, ground
    frozen = FrozenWorld(world, 0.2)
    with Rasterizer(SIZE, RenderSettings.draft()) as rasterizer:
        moving, held = (
            [DepthView.of(f) for f in rasterizer.render(w, camera, range(0, 12, 2), ("depth", "normal", "ids"))]
            for w in (world, frozen)
        )
    # The figure is of coarse facets, 4 cm wide, under smooth normals; its pieces run into one another.
    assert spread(held)[1].median_mm < 0.05 and spread(held)[1].p95_mm < 3.0 and spread(held)[1].compared > 1000
    assert spread(moving)[1].median_mm > 3.0  # a walk is not one shape
    assert spread(moving)[3].max_mm < 0.01  # the ground is


def test_edges_of_the_film_are_those_of_the_shapes(frames: list[Frame]) -> None:
    pytest.importorskip("skimage")
    from scipy import ndimage

    from render.tonemap import shown

    frame = frames[2]
    edges = pass_edges(frame)
    ids = frame.ids[..., 0]
    border = np.zeros_like(edges)
    border[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    assert edges[border].all() and 0.005 < edges.mean() < 0.08
    crate = (ids == 2) & ~ndimage.binary_dilation(ids != 2, iterations=3)
    assert edges[crate].any() and edges[crate].mean() < 0.2  # its creases
    assert not edges[(ids == 1) & ~ndimage.binary_dilation(ids != 1, iterations=3)].any()  # the ball has none
    film = shown(frame.beauty)
    good = edges_agree(film, frame)
    assert good.recall > 0.25 and good.precision > 0.5 and good.offset_px < 0.8
    shifted = edges_agree(np.roll(film, 3, axis=1), frame)
    assert shifted.recall < good.recall - 0.1 and shifted.offset_px > good.offset_px + 0.5
    melted = edges_agree(ndimage.gaussian_filter(film, (4, 4, 0)), frame)
    assert melted.recall < good.recall
    ideal = edges_agree(np.repeat((ids * 0.3)[..., None], 3, axis=2), frame)
    assert ideal.precision == 1.0 and ideal.offset_px < 0.6
    blank = edges_agree(np.zeros_like(film), frame)
    assert np.isnan(blank.precision) and blank.recall == 0 and blank.film_edges == 0
    eight = edges_agree(np.round(film * 255).astype(np.uint8), frame)
    assert eight.recall == pytest.approx(good.recall, abs=0.05)


def test_odd_input_is_said(views: list[DepthView], frames: list[Frame]) -> None:
    pytest.importorskip("skimage")
    with pytest.raises(BadInput, match="over 1 view, expected two"):
        spread(views[:1])
    with pytest.raises(BadInput, match="over 0 views"):
        spread([])
    with pytest.raises(BadInput, match="no views"):
        Cloud.of([])
    sky = [v.only(()) for v in views]
    with pytest.raises(BadInput, match="no surface is in view in frames 0 to 11"):
        Cloud.of(sky)
    with pytest.raises(BadInput, match=r"within 0\.1 m"):
        Cloud.of(views, reach_m=0.1)
    assert spread(sky) == {}
    low, high = np.array([-1.0, 0, -1]), np.array([1.0, 1, 1])
    with pytest.raises(BadInput, match="no surface is in view between"):
        Volume.around(sky, low, high, 0.05)
    with pytest.raises(BadInput, match=r"take voxels of 0\.00"):
        Volume.around(views, low, high, 0.001)
    empty = replace(Volume.around(views, low, high, 0.1), distance=np.full((21, 11, 21), 1, np.float32))
    for volume in (empty, replace(empty, weight=0 * empty.weight)):
        with pytest.raises(BadInput, match="no surface is in the volume"):
            volume.mesh()
    with pytest.raises(BadInput, match="expected a size"):
        Volume.around(views, low, low, 0.05)
    with pytest.raises(BadInput, match="spacing"):
        Cloud.of(views).thinned(0)
    depth = frames[4].depth.copy()
    depth[7, 9] = np.nan
    with pytest.raises(
        BadInput, match="frame 4: depth has 1 pixels that are not finite or negative, the first in row 7, c"
    ):
        DepthView.of(replace(frames[4], depth=depth))
    with pytest.raises(BadInput, match="frame 4: pass 'normal' was not drawn"):
        DepthView.of(replace(frames[4], normal=None))
    with pytest.raises(BadInput, match="frame 4: film has shape"):
        edges_agree(np.zeros((3, 3, 3)), frames[4])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    pytest.importorskip("skimage")
    with Rasterizer(size, RenderSettings.draft()) as rasterizer:
        frames = list(rasterizer.render(STILL, orbit(3), range(3), ("depth", "normal", "ids")))
    views = [DepthView.of(f) for f in frames]
    assert len(Cloud.of(views).points)
    spread(views)
    Volume.around(views, np.array([-2.0, -0.2, -2]), np.array([2.0, 1, 2]), 0.1)
    edges_agree(np.zeros((*size[::-1], 3)), frames[0])
