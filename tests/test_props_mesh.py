"""Prop meshes: exact sizes, closed and outward surfaces, files, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from motion import props
from motion import rotations as rot
from motion.errors import BadInput
from motion.material import Material
from motion.stage import Prop

SHAPES = sorted(props.PRIMITIVES)


@pytest.mark.parametrize("size", [None, (0.3, 1.7, 0.9), (5.0, 0.2, 2.0)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_primitive_measures_what_was_asked(shape: str, size: tuple[float, float, float] | None) -> None:
    size = size or props.usual_size(shape)
    prop = Prop("p", shape, size)
    low, high = props.bounds(prop)
    np.testing.assert_allclose(high - low, size, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(low, [-size[0] / 2, 0.0, -size[2] / 2], rtol=1e-5, atol=1e-6)
    mesh = props.mesh(prop)
    assert np.isfinite(mesh.vertices).all() and np.isfinite(mesh.uv).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-4)
    assert mesh.faces.max() < len(mesh.vertices) and len(mesh.faces) == len(mesh.face_material) == len(mesh.face_part)
    assert set(mesh.face_material) == set(range(len(mesh.materials)))
    assert set(mesh.face_part) == set(range(len(mesh.parts)))


@pytest.mark.parametrize("shape", SHAPES)
def test_faces_wind_outwards_and_close(shape: str) -> None:
    mesh = props.mesh(Prop("p", shape, props.usual_size(shape)))
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(float) for k in range(3))
    across = np.cross(b - a, c - a)
    assert (np.einsum("ij,ij->i", across, mesh.normals[mesh.faces].mean(1)) >= 0).all()
    _, place = np.unique(np.round(mesh.vertices, 4), axis=0, return_inverse=True)
    f = place.ravel()[mesh.faces]
    edges = np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    if shape not in ("tree", "pillar"):  # trunk and shaft stand open inside what is above and below them
        forth = edges[:, 0] * len(place) + edges[:, 1]
        back = edges[:, 1] * len(place) + edges[:, 0]
        assert (np.sort(forth) == np.sort(back)).all()  # every edge is walked as often one way as the other: closed


@pytest.mark.parametrize("shape", SHAPES)
def test_solids_enclose_the_mesh(shape: str) -> None:
    prop = Prop("p", shape, props.usual_size(shape))
    assert props.contains(prop, np.eye(4), props.mesh(prop).vertices, margin=2e-3).all()


def test_the_ball_is_round() -> None:
    mesh = props.mesh(Prop("ball", "ball", (0.24, 0.24, 0.24)))
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices - [0, 0.12, 0], axis=1), 0.12, atol=1e-3)


def test_a_material_replaces_all_others() -> None:
    red = Material("red", (0.8, 0.0, 0.0))
    mesh = props.mesh(Prop("p", "bench", props.usual_size("bench"), material=red))
    assert mesh.materials == (red,) and not mesh.face_material.any()


@pytest.mark.parametrize("suffix", ["obj", "ply", "stl", "glb", "off"])
def test_files_stand_on_the_ground_in_metres(tmp_path: Path, suffix: str) -> None:
    made = trimesh.creation.box((0.4, 0.6, 0.2))
    made.apply_translation([3.0, -2.0, 1.0])
    path = tmp_path / f"chair.{suffix}"
    made.export(path)
    prop = Prop("chair", str(path), (1.0, 1.0, 1.0))
    low, high = props.bounds(prop)
    np.testing.assert_allclose(low, [-0.2, 0.0, -0.1], atol=1e-5)
    np.testing.assert_allclose(high, [0.2, 0.6, 0.1], atol=1e-5)
    mesh = props.mesh(prop)
    axis_aligned = np.sort(np.abs(mesh.normals), axis=1)[:, 2]
    np.testing.assert_allclose(axis_aligned, 1.0, atol=1e-3)  # a box keeps its hard edges
    low, high = props.bounds(Prop("chair", str(path), (2.0, 1.0, 1.0)))
    np.testing.assert_allclose(high - low, [0.8, 0.6, 0.2], atol=1e-5)


def test_a_file_keeps_simple_colours(tmp_path: Path) -> None:
    made = trimesh.creation.icosphere(2)
    made.visual = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(
            name="gold", baseColorFactor=[0.8, 0.5, 0.1, 1.0], metallicFactor=1.0, roughnessFactor=0.2
        )
    )
    made.export(tmp_path / "a.glb")
    (material,) = props.mesh(Prop("a", str(tmp_path / "a.glb"))).materials
    np.testing.assert_allclose(material.colour, [0.8, 0.5, 0.1], atol=0.01)
    assert material.metallic == 1.0 and material.roughness == pytest.approx(0.2)
    made = trimesh.creation.box()
    made.visual.face_colors = np.array([[255, 0, 0, 255]] * 6 + [[0, 0, 255, 255]] * 6, dtype=np.uint8)
    made.export(tmp_path / "b.ply")
    mesh = props.mesh(Prop("b", str(tmp_path / "b.ply")))
    assert {m.colour for m in mesh.materials} == {(1.0, 0.0, 0.0), (0.0, 0.0, 1.0)}
    assert np.bincount(mesh.face_material).tolist() == [6, 6]


@pytest.mark.parametrize(
    ("shape", "size", "says"),
    [
        ("bnech", (1, 1, 1), "did you mean 'bench'"),
        ("", (1, 1, 1), "unknown shape"),
        ("no/such/chair.glb", (1, 1, 1), "did you mean 'chair'"),
        ("box", (0, 1, 1), "size 0 x 1 x 1"),
        ("box", (1, -1, 1), "size"),
        ("box", (1, float("nan"), 1), "size"),
        ("box", (1, 1), "three numbers"),
        ("box", "big", "three numbers"),
    ],
)
def test_bad_props_are_refused_in_one_line(shape: str, size: tuple, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        props.mesh(Prop("thing", shape, size))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.glb", b"not a glb at all"),
        ("empty.obj", b""),
        ("points.ply", b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
                       b"property float z\nend_header\n0 0 0\n"),
        ("nan.obj", b"v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n"),
        ("lies.stl", b"\0" * 80 + b"\xff\xff\xff\x7f" + b"\0" * 20),
        ("notes.txt", b"hello"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput, match=name.split(".")[0]) as error:
        props.mesh(Prop("thing", str(path)))
    assert "\n" not in str(error.value)


def test_huge_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trimesh.creation.icosphere(3).export(tmp_path / "s.stl")
    monkeypatch.setattr(props, "MAX_FACES", 100)
    with pytest.raises(BadInput, match="1,280 triangles, expected at most 100"):
        props.mesh(Prop("thing", str(tmp_path / "s.stl")))


def test_sight_lines_against_an_oriented_box() -> None:
    prop = Prop("wall", "panel", (2.0, 2.0, 0.1), np.array([1.0, 0.0, 0.0]), rot.yaw(np.pi / 2))
    T = props.pose(prop, [], 0.0)  # the wall now lies in the plane x = 1
    assert props.blocks(prop, T, [0, 1, 0], [2, 1, 0])
    assert not props.blocks(prop, T, [0, 1, 0], [0.9, 1, 0])
    assert not props.blocks(prop, T, [0, 2.5, 0], [2, 2.5, 0])
    assert not props.blocks(prop, T, [0, 1, 1.2], [2, 1, 1.2])
    assert props.contains(prop, T, [1.0, 1.0, 0.9]) and not props.contains(prop, T, [1.2, 1.0, 0.0])
    assert props.contains(prop, T, [1.2, 1.0, 0.0], margin=0.2)


def test_sight_lines_agree_with_sampling() -> None:
    rng = np.random.default_rng(3)
    prop = Prop("t", "table", (1.4, 0.74, 0.8), rng.normal(size=3), rot.normalize(rng.normal(size=4)))
    T = props.pose(prop, [], 0.0)
    a, b = prop.position + rng.normal(size=(2, 300, 3))
    along = np.linspace(0, 1, 2001)[:, None, None]
    sampled = props.contains(prop, T, a + along * (b - a)).any(0)
    found = props.blocks(prop, T, a, b)
    assert (found | ~sampled).all() and (found != sampled).mean() < 0.02
