"""Depth, normals, ids: against ray casting, pyrender, and the scene's own definition."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import render_figures as figures

from motion.camera import CameraPath, look_at
from motion.stage import Stage
from render import Frame, Rasterizer, RenderSettings, World
from render.view import view

SIZE = (96, 80)
DATA = ("beauty", "albedo", "roughness_metallic", "normal", "depth", "ids", "diffuse", "specular")


@pytest.fixture(scope="module")
def rasterizer() -> Iterator[Rasterizer]:
    with Rasterizer(SIZE, RenderSettings(samples=1)) as made:
        yield made


@pytest.fixture(scope="module")
def scene() -> World:
    return figures.world(people=2)


@pytest.fixture(scope="module")
def frame(rasterizer: Rasterizer, scene: World) -> Frame:
    return next(rasterizer.render(scene, figures.camera(), [5], DATA))


def rays(frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Origin and one-metre-deep directions of all pixel centres."""
    looking = view(frame.camera, frame.index, frame.size)
    origin, dx, dy = looking.rays()
    x, y = np.meshgrid(np.arange(frame.size[0]) + 0.5, np.arange(frame.size[1]) + 0.5)
    return looking.eye, origin + x[..., None] * dx + y[..., None] * dy


def cast(frame: Frame, scene: World) -> tuple[np.ndarray, np.ndarray]:
    """Depth and instance of what a ray through each pixel centre meets first, by trimesh."""
    import trimesh

    eye, directions = rays(frame)
    depth = np.full(frame.size[::-1], np.inf)
    ids = np.zeros(frame.size[::-1], int)
    for posed in scene.at(frame.time).meshes:
        mesh = trimesh.Trimesh(posed.world_vertices(), posed.drawable.faces, process=False)
        flat = directions.reshape(-1, 3)
        places, ray, _ = mesh.ray.intersects_location(np.tile(eye, (len(flat), 1)), flat, multiple_hits=False)
        hit = np.full(len(flat), np.inf)
        along = -frame.camera.T_world_camera[frame.index][:3, 2]
        np.minimum.at(hit, ray, (places - eye) @ along)
        hit = hit.reshape(depth.shape)
        ids = np.where(hit < depth, posed.drawable.instance, ids)
        depth = np.minimum(depth, hit)
    ground = np.where(directions[..., 1] < 0, -eye[1] / np.minimum(directions[..., 1], -1e-12), np.inf)
    ids = np.where(ground < depth, scene.ground_instance, ids)
    return np.minimum(depth, ground), ids


def test_depth_and_ids_agree_with_ray_casting(frame: Frame, scene: World) -> None:
    depth, ids = cast(frame, scene)
    drawn = np.where(frame.depth == 0, np.inf, frame.depth)
    same = frame.ids[..., 0] == ids
    # Only pixels whose centre lies on an edge, to the last bits, may differ.
    assert same.mean() > 0.998
    assert set(np.unique(frame.ids[..., 0])) >= {1, 2, 3, 4}
    near = same & (depth < 50)
    assert np.abs(drawn[near] / depth[near] - 1).max() < 2e-4
    body = np.isin(ids, (1, 2, 3)) & same
    assert np.abs(drawn[body] - depth[body]).max() < 1e-3


def test_depth_agrees_with_pyrender(frame: Frame, scene: World) -> None:
    from render import pyrender_backend

    colour, depth = pyrender_backend.render(scene, frame.camera, frame.index, frame.size)
    assert colour.shape == (*frame.size[::-1], 3) and colour.dtype == np.uint8
    # pyrender resolves four samples a pixel by taking one of them, not the centre's: its depth lies between ours and
    # our neighbours'.
    inner = (slice(1, -1), slice(1, -1))
    height, width = frame.depth.shape
    around = [frame.depth[1 + j : height - 1 + j, 1 + i : width - 1 + i] for i in (-1, 0, 1) for j in (-1, 0, 1)]
    low, high, theirs = np.min(around, axis=0), np.max(around, axis=0), depth[inner]
    seen = (low > 0) & (high < 30) & (theirs > 0)
    assert seen.mean() > 0.5
    assert np.mean((theirs > 0.999 * low) & (theirs < 1.001 * high) | ~seen) > 0.995
    # Both see the same things: where ours jumps, theirs does, less than a pixel away.
    flat = seen & (high < 1.03 * low)
    assert np.abs(theirs[flat] / frame.depth[inner][flat] - 1).max() < 0.03


def test_normals_are_unit_and_face_the_eye(frame: Frame) -> None:
    there = frame.ids[..., 0] > 0
    assert np.allclose(np.linalg.norm(frame.normal[there], axis=-1), 1, atol=1e-5)
    assert not frame.normal[~there].any()
    _, directions = rays(frame)
    facing = -(frame.normal * directions).sum(-1) / np.linalg.norm(directions, axis=-1)
    body = np.isin(frame.ids[..., 0], (1, 2, 3))
    assert np.mean(facing[body] > -0.2) > 0.995  # smooth normals may lean past the horizon at silhouettes
    ground = frame.ids[..., 0] == 4
    assert np.allclose(frame.normal[ground], [0, 1, 0])


def test_parts_are_exact(frame: Frame, scene: World) -> None:
    parts = np.unique(frame.ids[frame.ids[..., 0] == 1][:, 1])
    names = {scene.part_name(1, int(p)) for p in parts}
    assert {"head", "left_knee", "right_knee"} <= names
    assert frame.ids.dtype == np.int32 and not frame.ids[frame.depth == 0].any()
    assert [scene.instance_name(i) for i in range(5)] == ["nothing", "actor0", "actor1", "box", "ground"]


def test_beauty_is_albedo_times_diffuse_plus_specular(frame: Frame) -> None:
    made = frame.albedo * frame.diffuse + frame.specular
    assert np.allclose(made, frame.beauty, rtol=1e-4, atol=1e-5)
    assert frame.roughness_metallic.shape == (*frame.size[::-1], 2)


def test_a_pass_is_the_same_alone_or_among_others(rasterizer: Rasterizer, scene: World, frame: Frame) -> None:
    for name in ("depth", "ids", "albedo", "normal", "roughness_metallic", "diffuse", "beauty"):
        alone = next(rasterizer.render(scene, figures.camera(), [5], (name,)))
        assert np.array_equal(getattr(alone, name), getattr(frame, name)), name


def test_data_passes_ignore_samples_and_shutter(scene: World, frame: Frame) -> None:
    with Rasterizer(SIZE, RenderSettings(samples=6)) as many:
        drawn = next(many.render(scene, figures.camera(), [5], DATA))
    for name in ("depth", "ids", "normal"):
        assert np.array_equal(getattr(drawn, name), getattr(frame, name)), name
    assert not np.array_equal(drawn.beauty, frame.beauty)


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 7), (33, 17)])
def test_any_size_works(size: tuple[int, int], scene: World) -> None:
    with Rasterizer(size, RenderSettings(samples=2)) as small:
        frame = next(small.render(scene, figures.camera(), [0], ("all",)))
    assert frame.beauty.shape == (size[1], size[0], 3) and np.isfinite(frame.beauty).all()
    assert frame.depth.shape == (size[1], size[0])


def test_empty_world() -> None:
    with Rasterizer((16, 12)) as small:
        frame = next(small.render(World([], Stage(None, "overcast")), figures.camera(), [0], ("all",)))
    assert not frame.ids.any() and not frame.depth.any() and not frame.alpha.any()
    assert (frame.beauty > 0.05).all()


@pytest.mark.parametrize(("eye", "target", "roll"), [((0, 60, 40), (0, 0, 0), 0.0), ((0, 1.2, 3), (0, 1.4, 0), 0.6),
                                                     ((0, 2, 0), (0, 9, 0.1), 0.0), ((0, -1, 2), (0, 1, 0), 0.0),
                                                     ((0, 3000, 0), (0, 2900, -300), 0.2)])  # fmt: skip
def test_every_pixel_is_drawn_whichever_way_the_camera_looks(
    eye: tuple[float, float, float], target: tuple[float, float, float], roll: float
) -> None:
    pose = look_at(np.tile(np.array(eye, float), (2, 1)), np.array(target, float), roll)
    camera = CameraPath(pose, np.array(24.0), Fraction(30))
    with Rasterizer((64, 48), RenderSettings(samples=1)) as rasterizer:
        frame = next(rasterizer.render(figures.world(), camera, [0], DATA))
        # Whatever stands in the pictures from before must not show through.
        for picture in ("colour", "albedo", "normal", "diffuse", "specular", "data"):
            texture = rasterizer._targets.named(picture)
            texture.write(np.full(64 * 48 * 4, 777, np.int32 if picture == "data" else np.float32).tobytes())
        again = next(rasterizer.render(figures.world(), camera, [0], DATA))
    for name in DATA:
        assert np.array_equal(getattr(frame, name), getattr(again, name)), name
    nothing = frame.ids[..., 0] == 0
    assert np.array_equal(nothing, frame.depth == 0) and (frame.beauty >= 0).all() and frame.beauty.max() < 60
