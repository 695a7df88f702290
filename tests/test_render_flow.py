"""Flow carries a surface point to within 0.05 px, to any other frame; occlusion is what ray casting says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import render_figures as figures

from motion import rotations as rot
from motion.camera import CameraPath
from motion.errors import BadInput, CinemotionError
from motion.stage import Attachment, Prop, Stage
from render import Rasterizer, RenderSettings, World
from render.view import view

SIZE = (112, 96)


def thrown(rotation: float = 0.7) -> Stage:
    """A set with a box held by a hand: a rigid thing that moves."""
    held = Attachment("actor0", "right_hand", 0.0, None)
    box = Prop("box", "box", (0.3, 0.5, 0.3), position=np.array([-0.7, 0.5, 0.3]), rotation=rot.yaw(rotation))
    still = Prop("post", "cylinder", (0.2, 1.2, 0.2), position=np.array([0.9, 0.0, -0.5]))
    return Stage("concrete", "overcast", props=(Prop(**{**box.__dict__, "attachments": (held,)}), still))


@pytest.fixture(scope="module")
def scene() -> World:
    return figures.world(thrown())


@pytest.fixture(scope="module")
def rasterizer() -> Iterator[Rasterizer]:
    with Rasterizer(SIZE, RenderSettings(samples=1)) as made:
        yield made


def truth(
    scene: World, camera: CameraPath, frame: int, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Exact flow, the instance, the depth there, and its world position there: every pixel's ray, cast on the mesh
    here, carried there by the barycentric place in its triangle. In float64, by trimesh."""
    import trimesh

    looking, there = view(camera, frame, SIZE), view(camera, k, SIZE)
    origin, dx, dy = looking.rays()
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    pixels = np.stack([x, y], axis=-1).reshape(-1, 2)
    directions = origin + pixels[:, :1] * dx + pixels[:, 1:] * dy
    now, then = scene.at(frame / float(camera.fps)), scene.at(k / float(camera.fps))
    depth = np.where(directions[:, 1] < 0, -looking.eye[1] / np.minimum(directions[:, 1], -1e-12), np.inf)
    ids = np.where(np.isfinite(depth), scene.ground_instance, 0)
    carried = looking.eye + np.where(np.isfinite(depth), depth, 0)[:, None] * directions
    for a, b in zip(now.meshes, then.meshes, strict=True):
        here, after = a.world_vertices().astype(float), b.world_vertices().astype(float)
        mesh = trimesh.Trimesh(here, a.drawable.faces, process=False)
        places, ray, face = mesh.ray.intersects_location(
            np.tile(looking.eye, (len(directions), 1)), directions, multiple_hits=False
        )
        hit = (places - looking.eye) @ looking.forward
        nearer = hit < depth[ray]
        places, ray, face, hit = places[nearer], ray[nearer], face[nearer], hit[nearer]
        weights = trimesh.triangles.points_to_barycentric(here[a.drawable.faces[face]], places)
        carried[ray] = np.einsum("nc,ncd->nd", weights, after[a.drawable.faces[face]])
        depth[ray], ids[ray] = hit, a.drawable.instance
    sky = ids == 0
    carried[sky] = there.eye + 1e7 * directions[sky]
    target, depth_there = there.project(carried)
    shape = (*SIZE[::-1], -1)
    return (
        (target - pixels).reshape(shape),
        ids.reshape(shape[:2]),
        depth_there.reshape(shape[:2]),
        carried.reshape(*SIZE[::-1], 3),
    )


@pytest.mark.parametrize(("frame", "k"), [(4, 5), (4, 3), (4, 8), (6, 2)])
def test_flow_carries_a_surface_point(rasterizer: Rasterizer, scene: World, frame: int, k: int) -> None:
    camera = figures.camera()
    drawn = next(rasterizer.render(scene, camera, [frame], ("ids",)))
    flow, occluded = drawn.flow_to(k)
    expected, ids, _, _ = truth(scene, camera, frame, k)
    assert flow.shape == (*SIZE[::-1], 2) and flow.dtype == np.float32
    assert occluded.shape == SIZE[::-1] and occluded.dtype == bool
    same = drawn.ids[..., 0] == ids
    assert same.mean() > 0.998
    error = np.linalg.norm(flow - expected, axis=-1)
    for instance in np.unique(ids):  # sky, body, held box, post, ground: each by itself
        mine = same & (ids == instance)
        # A pixel on the crease between two triangles that move apart may belong to either.
        assert np.quantile(error[mine], 0.99) < 0.05, instance
        assert np.median(error[mine]) < 0.005
    assert np.linalg.norm(expected[ids == 1], axis=-1).max() > 0.7 * abs(k - frame)  # the body really moved


def test_occlusion_is_what_ray_casting_says(rasterizer: Rasterizer, scene: World) -> None:
    import trimesh

    camera = figures.camera()
    frame, k = 2, 9
    drawn = next(rasterizer.render(scene, camera, [frame], ("ids",)))
    _, occluded = drawn.flow_to(k)
    flow, ids, _, carried = truth(scene, camera, frame, k)
    there = view(camera, k, SIZE)
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    target = flow + np.stack([x, y], axis=-1)
    outside = (target < 0).any(-1) | (target >= SIZE).any(-1)
    hidden = np.zeros(ids.size, bool)
    towards = (carried - there.eye).reshape(-1, 3)
    for posed in scene.at(k / 30).meshes:
        mesh = trimesh.Trimesh(posed.world_vertices().astype(float), posed.drawable.faces, process=False)
        places, ray, _ = mesh.ray.intersects_location(
            np.tile(there.eye, (len(towards), 1)), towards, multiple_hits=False
        )
        distance = np.linalg.norm(places - there.eye, axis=-1)
        hidden[ray] |= distance < np.linalg.norm(towards[ray], axis=-1) - 0.02
    expected = hidden.reshape(ids.shape) | outside
    # At the width of a pixel both answers are right; away from edges they must be the same.
    assert np.mean(occluded == expected) > 0.96
    assert expected.mean() > 0.02
    both = np.mean(occluded & expected) / np.mean(occluded | expected)
    assert both > 0.6


def test_what_stands_still_has_no_flow(rasterizer: Rasterizer, scene: World) -> None:
    drawn = next(rasterizer.render(scene, figures.camera(moving=False), [3], ("ids",)))
    flow, occluded = drawn.flow_to(4)
    still = np.isin(drawn.ids[..., 0], (0, 3, 4))
    assert not flow[still].any()
    same, hidden = drawn.flow_to(3)
    assert not same.any()
    assert hidden.mean() < 0.01
    assert 0 < occluded.mean() < 0.2


def test_there_and_back_again(rasterizer: Rasterizer, scene: World) -> None:
    camera = figures.camera()
    a, b = rasterizer.render(scene, camera, [4, 6], ("ids",))
    forward, hidden = a.flow_to(6)
    backward, _ = b.flow_to(4)
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    target = np.floor(np.stack([x, y], axis=-1) + forward).astype(int)
    target = np.clip(target, 0, np.array(SIZE) - 1)
    ground = ~hidden & (a.ids[..., 0] == 4) & (b.ids[target[..., 1], target[..., 0], 0] == 4)
    closed = forward + backward[target[..., 1], target[..., 0]]
    assert np.median(np.linalg.norm(closed[ground], axis=-1)) < 0.1


def test_everything_is_occluded_across_a_cut(rasterizer: Rasterizer, scene: World) -> None:
    cuts = np.zeros(12, bool)
    cuts[5] = True
    camera = figures.camera(cuts=cuts)
    before, after = rasterizer.render(scene, camera, [4, 5], ("ids",))
    assert before.flow_to(5)[1].all() and after.flow_to(4)[1].all()
    assert not before.flow_to(3)[1].all() and not after.flow_to(6)[1].all()


def test_flow_needs_a_frame_and_an_open_rasterizer(scene: World) -> None:
    with Rasterizer((8, 8), RenderSettings(samples=1)) as small:
        drawn = next(small.render(scene, figures.camera(), [0], ("ids",)))
        with pytest.raises(BadInput, match="frame 99"):
            drawn.flow_to(99)
        drawn.flow_to(1)
    with pytest.raises(CinemotionError, match="closed"):
        drawn.flow_to(1)
