"""glTF out and in: the same motion, valid by Khronos's validator, skinned as the body poses; odd files refused."""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.camera import CameraPath, look_at
from motion.character import SkinnedMesh
from motion.clip import Clip
from motion.errors import BadInput
from motion.material import Material
from motion.stage import Performance
from motion.take import Provenance
from render.interchange import gltf
from render.interchange.gltf_file import GltfFile
from render.interchange.gltf_sample import sample
from render.interchange.gltf_writer import influences

REST = np.array(
    [
        [0, 0.95, 0], [0.08, -0.09, 0], [-0.08, -0.09, 0], [0, 0.1, -0.02], [0.02, -0.38, 0], [-0.02, -0.38, 0],
        [0, 0.13, 0], [0, -0.39, -0.02], [0, -0.39, -0.02], [0, 0.05, 0.01], [0, -0.05, 0.12], [0, -0.05, 0.12],
        [0, 0.21, -0.02], [0.08, 0.11, 0], [-0.08, 0.11, 0], [0, 0.09, 0.05], [0.1, 0.03, 0], [-0.1, 0.03, 0],
        [0.26, 0, 0], [-0.26, 0, 0], [0.25, 0, 0], [-0.25, 0, 0], [0.08, 0, 0], [-0.08, 0, 0],
    ]
)  # fmt: skip


@dataclass
class Stick:
    """A body of one octahedron per joint, with smooth weights over five joints: enough to lose one on export."""

    mesh: SkinnedMesh
    rest_offsets: np.ndarray

    def pose(self, rotations, root_position):
        offsets = np.repeat(self.rest_offsets[None], len(rotations), axis=0)
        offsets[:, 0] = root_position
        world, places = kinematics.forward(skeleton.PARENTS, rotations, offsets)
        local = self.mesh.vertices[None, :, None] - self.mesh.joints[None, None]
        moved = rot.rotate(world[:, None], local) + places[:, None]
        vertices = np.einsum("tvjc,vj->tvc", moved, self.mesh.weights)
        return vertices.astype(np.float32), np.zeros_like(vertices, np.float32)


def stick():
    identity = np.broadcast_to(rot.IDENTITY, (24, 4))
    _, joints = kinematics.forward(skeleton.PARENTS, identity, REST)
    corners = 0.04 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    sides = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    vertices = (joints[:, None] + corners).reshape(-1, 3)
    faces = (6 * np.arange(24)[:, None, None] + sides).reshape(-1, 3)
    distance = np.linalg.norm(vertices[:, None] - joints[None], axis=-1)
    weights = np.exp(-((distance / 0.12) ** 2))
    weights[np.argsort(np.argsort(-weights, axis=1), axis=1) >= 5] = 0
    weights /= weights.sum(1, keepdims=True)
    mesh = SkinnedMesh(
        vertices=vertices.astype(np.float32),
        normals=np.tile(corners / 0.04, (24, 1)).astype(np.float32),
        faces=faces.astype(np.int32),
        uv=np.random.default_rng(0).random((144, 2), dtype=np.float32),
        weights=weights.astype(np.float32),
        joints=joints,
        materials=(
            Material("skin", (0.8, 0.5, 0.4), pattern="skin"),
            Material("unused"),
            Material("shirt", (0.1, 0.2, 0.9)),
        ),
        face_material=(np.arange(len(faces)) % 2 * 2).astype(np.int32),
        parts=("all",),
        face_part=np.zeros(len(faces), np.int32),
    )
    return Stick(mesh, REST)


def clip(frames=20, fps=Fraction(30), seed=0, **change):
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None, None] / 30
    turns = 0.6 * np.sin(2 * t + rng.uniform(0, 6, (1, 24, 3)))
    turns[:, 0, 1] += np.linspace(0, 7, frames)  # more than a whole turn: signs must not flip
    root = np.stack([np.linspace(0, 2, frames), 0.95 + 0.03 * np.sin(np.arange(frames)), np.zeros(frames)], axis=1)
    made = Clip(rot.from_rotvec(turns), root, REST, fps, provenance=Provenance("walk.bvh", licence="CC0-1.0"))
    return replace(made, **change)


def camera(frames=20, cut=8):
    place = np.array([[np.sin(k), 1.5, 4.0] for k in range(frames)])
    focal = np.where(np.arange(frames) < cut, 35.0, 85.0)
    return CameraPath(look_at(place, np.zeros(3)), focal, Fraction(24), cuts=np.arange(frames) == cut)


def same_motion(take, made, start=0):
    _, expected = made.world()
    _, got = take.world()
    assert got.shape == expected[start:].shape
    assert np.abs(got - expected[start:]).max() < 1e-4


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
@pytest.mark.parametrize("bones", ["smpl", "along_child"])
@pytest.mark.parametrize("fps", [Fraction(30), Fraction(24000, 1001), Fraction(120), Fraction(25, 3)])
def test_loads_back_with_the_same_joints_and_motion(tmp_path, suffix, bones, fps):
    made, path = clip(fps=fps), tmp_path / f"a{suffix}"
    gltf.save(path, made, stick(), bones=bones)
    take = gltf.load(path)
    assert take.names == skeleton.JOINTS
    assert take.parents.tolist() == skeleton.PARENTS.tolist()
    assert (take.fps, take.frames) == (fps, made.frames)
    assert (take.metres_per_unit, take.up) == (1.0, "Y")
    assert take.provenance.licence == "CC0-1.0"
    same_motion(take, made)
    assert np.abs(take.rest_world()[1] - stick().mesh.joints).max() < 1e-5
    if bones == "smpl":
        assert rot.angle_between(take.rotations, made.rotations).max() < 1e-3
        assert np.abs(take.rest_offsets - REST).max() < 1e-5


def test_long_takes_keep_their_times(tmp_path):
    made = clip(frames=20)
    times = 3600 + np.arange(20) / 30  # an hour in, float32 keys are 0.2 ms coarse
    gltf.save(tmp_path / "a.glb", Performance("a", made, stick(), start_s=float(times[0])))
    take = gltf.load(tmp_path / "a.glb")
    assert (take.fps, take.frames) == (30, 20)
    same_motion(take, made)
    assert "starts at 3600 s" in take.provenance.notes[0]


def test_one_frame(tmp_path):
    gltf.save(tmp_path / "a.glb", clip(frames=1), stick())
    same_motion(gltf.load(tmp_path / "a.glb"), clip(frames=1))


def test_signs_are_continuous_and_times_exact(tmp_path):
    lib = pytest.importorskip("pygltflib")
    gltf.save(tmp_path / "a.glb", clip(60), stick())
    document = lib.GLTF2().load(str(tmp_path / "a.glb"))
    for channel in document.animations[0].channels:
        sampler = document.animations[0].samplers[channel.sampler]
        assert np.array_equal(values_of(document, sampler.input)[:, 0], (np.arange(60) / 30).astype(np.float32))
        if channel.target.path == "rotation":
            q = values_of(document, sampler.output)
            assert (np.sum(q[1:] * q[:-1], axis=1) > 0).all()
            assert np.abs(np.linalg.norm(q, axis=1) - 1).max() < 1e-6


def values_of(document, index):
    """An accessor through pygltflib alone, so that our reader is not its own judge."""
    accessor = document.accessors[index]
    view = document.bufferViews[accessor.bufferView]
    dtype = {5121: np.uint8, 5125: np.uint32, 5126: np.float32}[accessor.componentType]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor.type]
    data = document.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    return np.frombuffer(data, dtype, accessor.count * width).reshape(accessor.count, width)


def skinned(document, mesh_node, frame):
    """Vertices of a skinned mesh by the letter of the glTF specification: sum of w · jointWorld · inverseBind · v."""
    nodes = document.nodes
    local = {}
    for i, node in enumerate(nodes):
        local[i] = {"translation": node.translation or [0, 0, 0], "rotation": node.rotation or [0, 0, 0, 1]}
    for channel in document.animations[0].channels:
        sampler = document.animations[0].samplers[channel.sampler]
        values = values_of(document, sampler.output)
        values = values.reshape(document.accessors[sampler.input].count, -1)
        local[channel.target.node][channel.target.path] = values[frame]
    parent = {c: i for i, node in enumerate(nodes) for c in node.children or []}

    def world(i):
        matrix = np.eye(4)
        x, y, z, w = (float(c) for c in local[i]["rotation"])
        matrix[:3, :3] = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
        matrix[:3, 3] = local[i]["translation"]
        return world(parent[i]) @ matrix if i in parent else matrix

    skin = document.skins[nodes[mesh_node].skin]
    bind = np.swapaxes(values_of(document, skin.inverseBindMatrices).reshape(-1, 4, 4), 1, 2)
    joints = np.stack([world(j) @ b for j, b in zip(skin.joints, bind, strict=True)])
    primitive = document.meshes[nodes[mesh_node].mesh].primitives[0]
    attributes, points = primitive.attributes, values_of(document, primitive.attributes.POSITION)
    if primitive.targets:  # morphs come before skinning
        amounts = np.reshape(local[mesh_node]["weights"], -1)
        assert len(amounts) == len(primitive.targets)
        for amount, target in zip(amounts, primitive.targets, strict=True):
            points = points + amount * values_of(document, target["POSITION"])
    points = np.pad(points, ((0, 0), (0, 1)), constant_values=1)
    moved = np.einsum("vkab,vb->vka", joints[values_of(document, attributes.JOINTS_0)], points)
    return np.einsum("vka,vk->va", moved, values_of(document, attributes.WEIGHTS_0))[:, :3]


@pytest.mark.parametrize("bones", ["smpl", "along_child"])
def test_skins_as_the_body_poses(tmp_path, bones):
    lib = pytest.importorskip("pygltflib")
    body, made = stick(), clip()
    joints, weights = influences(body.mesh.weights)
    kept = np.zeros_like(body.mesh.weights)
    np.add.at(kept, (np.arange(len(kept))[:, None], joints), weights)
    four = replace(body, mesh=replace(body.mesh, weights=kept))
    gltf.save(tmp_path / "a.glb", made, four, bones=bones)
    document = lib.GLTF2().load(str(tmp_path / "a.glb"))
    (node,) = [i for i, n in enumerate(document.nodes) if n.skin is not None]
    expected, _ = four.pose(made.rotations, made.root_position)
    assert not document.meshes[0].primitives[0].targets  # nothing to correct
    for frame in (0, 7, 19):
        assert np.abs(skinned(document, node, frame) - expected[frame]).max() < 1e-5


@dataclass
class Bulging(Stick):
    """A body that linear skinning alone cannot follow: a swelling elbow and a fifth influence."""

    def pose(self, rotations, root_position):
        swelling = 0.05 * rot.angle_between(rotations[:, 18], rot.IDENTITY)
        swollen = np.repeat(self.mesh.vertices[None].astype(float), len(rotations), axis=0)
        swollen[:, 108:114] += swelling[:, None, None] * self.mesh.normals[108:114]
        posed = [
            Stick(replace(self.mesh, vertices=v), self.rest_offsets).pose(
                rotations[t : t + 1], root_position[t : t + 1]
            )
            for t, v in enumerate(swollen)
        ]
        return np.concatenate([p[0] for p in posed]), np.concatenate([p[1] for p in posed])


def test_corrective_shapes_follow_the_bodys_own_posing(tmp_path):
    lib = pytest.importorskip("pygltflib")
    body, made = Bulging(**stick().__dict__), clip(30)
    expected, _ = body.pose(made.rotations, made.root_position)
    errors = {}
    for wanted in (True, False):
        gltf.save(tmp_path / "a.glb", made, body, correctives=wanted)
        document = lib.GLTF2().load(str(tmp_path / "a.glb"))
        (node,) = [i for i, n in enumerate(document.nodes) if n.skin is not None]
        errors[wanted] = max(
            np.linalg.norm(skinned(document, node, f) - expected[f], axis=1).max() for f in range(0, 30, 4)
        )
    assert errors[True] < 0.0011
    assert errors[False] > 0.01


def test_a_real_capture_on_the_dressed_body(tmp_path):
    """The way of ``convert walk.bvh walk.glb``: a viewer shows what the renderer draws, to a millimetre."""
    lib = pytest.importorskip("pygltflib")
    pytest.importorskip("pybullet_data")
    import mocap_data
    from motion.body import Body
    from motion.retarget import retarget

    body = Body.default()
    made, _ = retarget(mocap_data.load("pybullet:humanoid3d_walk"), body.rest_offsets)
    path = tmp_path / "walk.glb"
    gltf.save(path, made, body)
    same_motion(gltf.load(path), made)
    document = lib.GLTF2().load(str(path))
    (node,) = [i for i, n in enumerate(document.nodes) if n.skin is not None]
    assert {m.name for m in document.materials} == {body.mesh.materials[m].name for m in set(body.mesh.face_material)}
    expected, _ = body.pose(made.rotations, made.root_position)
    for frame in (0, made.frames // 2):
        assert np.linalg.norm(skinned(document, node, frame) - expected[frame], axis=1).max() < 0.0012
    if shutil.which("node"):
        issues = khronos(path)
        assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


def test_influences_sum_to_one_and_point_nowhere_when_zero():
    weights = np.random.default_rng(0).random((500, 24)).astype(np.float32) ** 8
    weights[0] = 0
    weights[0, 5] = 1
    weights /= weights.sum(1, keepdims=True)
    joints, kept = influences(weights)
    assert np.abs(kept.sum(1, dtype=np.float64) - 1).max() < 2e-7  # what Khronos's validator allows
    assert (kept >= 0).all()
    assert (joints[kept == 0] == 0).all()
    assert joints[0].tolist() == [5, 0, 0, 0]


def test_mesh_in_other_eyes(tmp_path):
    """trimesh reads the geometry: every used face, material by material, and UVs turned to glTF's origin and back."""
    trimesh = pytest.importorskip("trimesh")
    body = stick()
    gltf.save(tmp_path / "a.glb", clip(), body)
    scene = trimesh.load_scene(tmp_path / "a.glb")
    meshes = list(scene.geometry.values())
    assert sum(len(m.faces) for m in meshes) == len(body.mesh.faces)
    assert sorted(m.visual.material.name for m in meshes) == ["shirt", "skin"]
    shirt = next(m for m in meshes if m.visual.material.name == "shirt")
    assert np.abs(shirt.visual.material.baseColorFactor[:3] / 255 - [0.1, 0.2, 0.9]).max() < 0.01
    for mesh in meshes:
        assert np.array_equal(mesh.vertices.astype(np.float32), body.mesh.vertices)
        assert np.abs(mesh.visual.uv - body.mesh.uv).max() < 1e-6


VALIDATE = """
const fs = require('fs'), validator = require('gltf-validator');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])), {maxIssues: 20})
  .then(report => console.log(JSON.stringify(report.issues)));
"""


def khronos(path):
    """Issues by Khronos's validator (npm gltf-validator, found by Node), or a skip."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node with the package gltf-validator (NODE_PATH)")
    done = subprocess.run([node, "-e", VALIDATE, str(path)], capture_output=True, text=True, timeout=60)
    if "Cannot find module" in done.stderr:
        pytest.skip("needs Node with the package gltf-validator (NODE_PATH)")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("suffix", [".glb", ".gltf"])
@pytest.mark.parametrize("bones", ["smpl", "along_child"])
def test_khronos_validator_finds_nothing(tmp_path, suffix, bones):
    path = tmp_path / f"a{suffix}"
    cast = [Performance("hero", clip(), stick()), Performance("friend", clip(9, seed=1), stick(), start_s=1.25)]
    gltf.save(path, cast, camera=camera(), bones=bones)
    issues = khronos(path)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


def test_several_performers_and_a_camera_in_one_file(tmp_path):
    hero, friend = clip(20), clip(12, seed=5)
    cast = [Performance("hero", hero, stick()), Performance("friend", friend, stick(), start_s=0.5)]
    gltf.save(tmp_path / "a.glb", cast, camera=camera(), name="take 7")
    first, second = gltf.load(tmp_path / "a.glb"), gltf.load(tmp_path / "a.glb", skin="friend", animation="take 7")
    same_motion(first, hero)
    same_motion(second, friend)
    assert "also holds friend" in first.provenance.notes[0]
    lib = pytest.importorskip("pygltflib")
    document = lib.GLTF2().load(str(tmp_path / "a.glb"))
    assert [a.name for a in document.animations] == ["take 7"]
    assert [c.perspective.yfov for c in document.cameras] == pytest.approx([camera().fov_y(16 / 9)[k] for k in (0, 12)])
    shot = next(n for n in document.nodes if n.name == "camera shot 2")
    assert shot.extras["focal_mm"] == [85.0] * 12
    assert shot.translation == pytest.approx(camera().T_world_camera[8, :3, 3])


def test_what_lies_before_the_film_is_left_out(tmp_path):
    made = clip(30)
    gltf.save(tmp_path / "a.glb", Performance("a", made, stick(), start_s=-0.5))
    same_motion(gltf.load(tmp_path / "a.glb"), made, start=15)
    gltf.save(tmp_path / "b.glb", Performance("a", made, stick(), start_s=-9))
    take = gltf.load(tmp_path / "b.glb")
    assert take.frames == 1
    assert np.abs(take.world()[1][0] - made.world()[1][-1]).max() < 1e-4


def test_other_names(tmp_path):
    gltf.save(tmp_path / "a.glb", clip(), stick(), names="mixamo")
    take = gltf.load(tmp_path / "a.glb")
    assert take.names[0] == "mixamorig:Hips"
    same_motion(take, clip())
    with pytest.raises(BadInput, match="mixamo"):
        gltf.save(tmp_path / "b.glb", clip(), stick(), names="mixamoo")


def test_same_motion_same_bytes(tmp_path):
    for name in "ab":
        gltf.save(tmp_path / f"{name}.glb", clip(), stick(), camera=camera(), name="t")
    assert (tmp_path / "a.glb").read_bytes() == (tmp_path / "b.glb").read_bytes()


# --- reading what other programs write


def rig(channels=(), *, joints=(1, 2), bind=None, armature=None, nodes=None, **top):
    """A small glTF by hand: armature -> hips -> knee (-> tip), with the given animation channels."""
    blob, views, accessors = bytearray(), [], []

    def accessor(values, kind):
        values = np.asarray(values, "<f4")
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": values.nbytes})
        blob.extend(values.tobytes())
        accessors.append({"bufferView": len(views) - 1, "componentType": 5126, "count": len(values), "type": kind})
        return len(accessors) - 1

    motion = {"name": "run", "channels": [], "samplers": []}
    for node, path, times, values, interpolation in channels:
        sampler = {"input": accessor(times, "SCALAR"), "interpolation": interpolation}
        sampler["output"] = accessor(values, "VEC4" if path == "rotation" else "VEC3")
        motion["samplers"].append(sampler)
        motion["channels"].append({"sampler": len(motion["samplers"]) - 1, "target": {"node": node, "path": path}})
    skin = {"joints": list(joints)}
    if bind is not None:
        skin["inverseBindMatrices"] = accessor(np.swapaxes(np.linalg.inv(bind), 1, 2).reshape(-1, 16), "MAT4")
    tree = {
        "asset": {"version": "2.0"},
        "nodes": nodes
        or [
            {"name": "Armature", "children": [1], **(armature or {})},
            {"name": "Hips", "children": [2], "translation": [0, 1, 0]},
            {"name": "Knee", "children": [3], "translation": [0, -0.5, 0]},
            {"name": "tip", "translation": [0, -0.4, 0]},
        ],
        "skins": [skin],
        "animations": [motion],
        "bufferViews": views,
        "accessors": accessors,
    }
    uri = "data:;base64," + base64.b64encode(bytes(blob)).decode()
    tree["buffers"] = [{"byteLength": len(blob), "uri": uri}]
    return tree | top


def put(path, tree):
    path.write_text(json.dumps(tree))
    return path


TURN = [(1, "rotation", [0, 1], [[0, 0, 0, 1], [0, 0, 2**-0.5, 2**-0.5]], "LINEAR")]


def test_rates_of_other_programs(tmp_path):
    """Two keys a second apart become 30 frames a second when asked, and slerp between."""
    take = gltf.load(put(tmp_path / "a.gltf", rig(TURN)), fps=30)
    assert (take.frames, take.fps) == (31, 30)
    angles = rot.angle_between(take.rotations[:, 0], rot.IDENTITY)
    assert np.abs(angles - np.linspace(0, np.pi / 2, 31)).max() < 1e-6
    assert take.names == ("Hips", "Knee")
    assert np.isnan(take.end_offsets[0]).all()
    assert take.end_offsets[1].tolist() == [0, pytest.approx(-0.4), 0]
    uneven = [(1, "translation", [0, 0.1, 1], [[0, 0, 0]] * 3, "STEP")]
    assert gltf.load(put(tmp_path / "a.gltf", rig(uneven))).fps == 30


def test_armature_in_centimetres_and_z_up(tmp_path):
    """A scale of 0.01 and a quarter turn above the joints, as FBX converters leave them, are folded in."""
    armature = {"scale": [0.01] * 3, "rotation": [-(2**-0.5), 0, 0, 2**-0.5]}
    tree = rig(TURN, armature=armature)
    tree["nodes"][1]["translation"] = [0, 0, 100]
    tree["nodes"][2]["translation"] = [0, 0, -50]
    tree["nodes"][3]["translation"] = [0, 0, -40]
    take = gltf.load(put(tmp_path / "a.gltf", tree))
    _, places = take.world()
    assert np.abs(places[0] - [[0, 1, 0], [0, 0.5, 0]]).max() < 1e-6
    assert np.abs(take.rest_world()[1] - places[0]).max() < 1e-6
    assert np.linalg.norm(take.end_offsets[1]) == pytest.approx(0.4)


@pytest.mark.parametrize("space", [np.eye(4), np.diag([100.0, 100, 100, 1])])
def test_rest_is_the_bind_pose_not_the_first_frame(tmp_path, space):
    """Nodes are bent at the knee; the inverse bind matrices know the straight leg, in whatever unit."""
    bind = np.stack([np.eye(4)] * 3)
    bind[:, 1, 3] = [1, 0.5, 0.1]
    tree = rig(TURN, bind=space @ bind, joints=(1, 2, 3))
    tree["nodes"][2]["rotation"] = [0.6, 0, 0, 0.8]
    tree["nodes"].append({"mesh": 0, "skin": 0})
    take = gltf.load(put(tmp_path / "a.gltf", tree))
    assert np.abs(take.rest_world()[1] - bind[:, :3, 3]).max() < 1e-6
    assert np.abs(take.world()[1][0, 2] - bind[2, :3, 3]).max() > 0.3


def test_bind_space_turned_away_from_the_scene_is_led_back(tmp_path):
    """Inverse bind matrices made in a Z-up space, the mesh at the scene's root: the root joint says how to stand."""
    bind = np.stack([np.eye(4)] * 3)
    bind[:, 1, 3] = [1, 0.5, 0.1]
    z_up = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    take = gltf.load(put(tmp_path / "a.gltf", rig(TURN, bind=z_up @ bind, joints=(1, 2, 3))))
    assert np.abs(take.rest_world()[1] - bind[:, :3, 3]).max() < 1e-6


def test_bind_pose_that_lies_is_not_believed(tmp_path):
    take = gltf.load(put(tmp_path / "a.gltf", rig(TURN, bind=np.stack([np.eye(4)] * 2))))
    assert np.abs(take.rest_world()[1] - [[0, 1, 0], [0, 0.5, 0]]).max() < 1e-6
    assert "do not fit" in take.provenance.notes[-1]


def test_children_before_parents_are_put_in_order(tmp_path):
    take = gltf.load(put(tmp_path / "a.gltf", rig(TURN, joints=(2, 1))))
    assert take.names == ("Hips", "Knee")
    assert take.parents.tolist() == [-1, 0]


def test_matrices_instead_of_vectors(tmp_path):
    """A node may hold a matrix, as COLLADA converters write: Z up to Y up, with a scale."""
    z_up = np.array([[0.01, 0, 0, 0], [0, 0, 0.01, 0], [0, -0.01, 0, 0], [0, 0, 0, 1]])
    tree = rig(TURN, armature={"matrix": z_up.T.ravel().tolist()})
    tree["nodes"][1]["translation"] = [0, 0, 100]
    tree["nodes"][2] = {"name": "Knee", "children": [3], "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, -50, 1]}
    _, places = gltf.load(put(tmp_path / "a.gltf", tree)).world()
    assert np.abs(places[0] - [[0, 1, 0], [0, 0.5, 0]]).max() < 1e-6


def test_short_and_sparse_values(tmp_path):
    """Rotations as normalised 16-bit integers with one key replaced sparsely: what optimisers write."""
    tree = rig(TURN)
    blob = bytearray(base64.b64decode(tree["buffers"][0]["uri"].partition(",")[2]))
    start = len(blob)
    blob += np.array([[0, 0, 0, 32767], [0, 0, 0, 32767]], "<i2").tobytes()
    blob += np.array([1, 0], "<u2").tobytes() + np.array([[0, 0, 23170, 23170]], "<i2").tobytes()
    spans = ((start, 16), (start + 16, 4), (start + 20, 8))
    tree["bufferViews"] += [{"buffer": 0, "byteOffset": at, "byteLength": size} for at, size in spans]
    sparse = {"count": 1, "indices": {"bufferView": 3, "componentType": 5123}, "values": {"bufferView": 4}}
    short = {"bufferView": 2, "componentType": 5122, "normalized": True, "count": 2, "type": "VEC4", "sparse": sparse}
    tree["accessors"][1] = short
    tree["buffers"][0] = {"byteLength": len(blob), "uri": "data:;base64," + base64.b64encode(bytes(blob)).decode()}
    take = gltf.load(put(tmp_path / "a.gltf", tree))
    assert np.degrees(rot.angle_between(take.rotations[1, 0], rot.IDENTITY)) == pytest.approx(90, abs=0.01)
    tree["accessors"][1]["sparse"]["count"] = 99
    with pytest.raises(BadInput, match="needs"):
        gltf.load(put(tmp_path / "a.gltf", tree))


def test_interpolations():
    times, at = np.array([0.0, 1.0, 3.0]), np.array([-1, 0, 0.5, 1, 2, 3, 9.0])
    values = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0]])
    assert sample(times, values, "LINEAR", at, False)[:, 0].tolist() == [0, 0, 0.5, 1, 2, 3, 3]
    assert sample(times, values, "STEP", at, False)[:, 0].tolist() == [0, 0, 0, 1, 1, 3, 3]
    # A cubic spline through samples of t³ with the slopes 3t² is t³ itself.
    cubic = np.stack([3 * times**2, times**3, 3 * times**2], axis=1)[..., None] * [1.0, 0, 0]
    got = sample(times, cubic, "CUBICSPLINE", np.linspace(0, 3, 13), False)[:, 0]
    assert np.abs(got - np.linspace(0, 3, 13) ** 3).max() < 1e-12


def test_external_buffer(tmp_path):
    tree = rig(TURN)
    data = base64.b64decode(tree["buffers"][0]["uri"].partition(",")[2])
    (tmp_path / "my data.bin").write_bytes(data)
    tree["buffers"][0]["uri"] = "my%20data.bin"
    assert gltf.load(put(tmp_path / "a.gltf", tree)).frames == 2
    (tmp_path / "my data.bin").write_bytes(data[:20])
    with pytest.raises(BadInput, match="buffer 0 is truncated: 20 bytes"):
        gltf.load(tmp_path / "a.gltf")
    (tmp_path / "my data.bin").unlink()
    with pytest.raises(BadInput, match=r"'my data\.bin', which cannot be read \(no such file"):
        gltf.load(tmp_path / "a.gltf")


def edited(change):
    tree = rig(TURN)
    change(tree)
    return tree


def _loop(tree):
    tree["nodes"][0]["children"], tree["nodes"][2]["children"] = [], [1]


BAD = {
    "no skin": (lambda t: t.update(skins=[]), "holds no skin"),
    "no animation": (lambda t: t.update(animations=[]), "holds no animation"),
    "animation of something else": (lambda t: t["animations"][0].update(channels=[]), "no animation moves a joint"),
    "glTF 1": (lambda t: t["asset"].update(version="1.0"), "version '1.0', expected 2.0"),
    "no asset": (lambda t: t.pop("asset"), "no 'asset'"),
    "loop": (_loop, "own ancestor"),
    "two parents": (lambda t: t["nodes"][0].update(children=[1, 2]), "two parents"),
    "child beyond": (lambda t: t["nodes"][3].update(children=[77]), "node 3 has a child 77, expected 0 to 3"),
    "joint beyond": (lambda t: t["skins"][0].update(joints=[1, 99]), "joint 99"),
    "joint twice": (lambda t: t["skins"][0].update(joints=[1, 1]), "twice"),
    "joints missing": (lambda t: t["skins"][0].pop("joints"), "has no joints"),
    "nodes a dict": (lambda t: t.update(nodes={}), "not a list"),
    "buffer beyond": (lambda t: t["buffers"][0].update(byteLength=10**9), "truncated"),
    "view beyond": (lambda t: t["bufferViews"][0].update(byteLength=10**9), "ends at byte"),
    "count beyond": (lambda t: t["accessors"][0].update(count=10**9), "needs"),
    "count of 0": (lambda t: t["accessors"][0].update(count=0), "count 0"),
    "count mismatch": (lambda t: t["accessors"][1].update(count=1), "1 values for 2 times, expected 2"),
    "wrong type": (lambda t: t["accessors"][1].update(type="VEC3"), "is VEC3, expected VEC4"),
    "odd component": (lambda t: t["accessors"][1].update(componentType=9), "component type 9"),
    "offset of text": (lambda t: t["accessors"][1].update(byteOffset="x"), "not a whole number"),
    "claims without data": (
        lambda t: t["accessors"][0].pop("bufferView") or t["accessors"][0].update(count=10**9),
        "holds none",
    ),
    "interpolation": (
        lambda t: t["animations"][0]["samplers"][0].update(interpolation="LINAER"),
        "did you mean 'LINEAR'",
    ),
    "sampler beyond": (lambda t: t["animations"][0]["channels"][0].update(sampler=4), "sampler 4"),
    "translation of text": (lambda t: t["nodes"][1].update(translation="up"), "'translation' is not 3 finite numbers"),
    "mirror": (lambda t: t["nodes"][1].update(scale=[-1, 1, 1]), "mirrored"),
    "flat": (lambda t: t["nodes"][1].update(scale=[0, 1, 1]), "flattened"),
    "meshopt": (
        lambda t: t["bufferViews"][0].update(extensions={"EXT_meshopt_compression": {}}),
        "compressed with meshopt",
    ),
    "web buffer": (lambda t: t["buffers"][0].update(uri="https://x.org/a.bin"), "beside the glTF"),
    "absolute buffer": (lambda t: t["buffers"][0].update(uri="/etc/passwd"), "beside the glTF"),
    "bad base64": (lambda t: t["buffers"][0].update(uri="data:;base64,@@"), "malformed base64"),
    "bind of another count": (
        lambda t: t["skins"][0].update(inverseBindMatrices=1),
        "is VEC4, expected MAT4",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_line(tmp_path, case):
    change, text = BAD[case]
    path = put(tmp_path / "bad.gltf", edited(change))
    with pytest.raises(BadInput) as caught:
        gltf.load(path)
    assert text in str(caught.value), caught.value
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_times_that_go_back_or_are_not_numbers(tmp_path):
    for times, text in (([1, 0], "not after"), ([0, 0], "not after"), ([0, np.nan], "not finite"), ([0, 1e9], "lasts")):
        channels = [(1, "translation", times, [[0, 0, 0]] * 2, "LINEAR")]
        with pytest.raises(BadInput, match=text):
            gltf.load(put(tmp_path / "a.gltf", rig(channels)))


def test_truncated_and_foreign_files(tmp_path):
    gltf.save(tmp_path / "a.glb", clip(), stick())
    data = (tmp_path / "a.glb").read_bytes()
    path = tmp_path / "b.glb"
    wrong_version = data[:4] + struct.pack("<I", 9) + data[8:]
    for content in (
        b"",
        data[:3],
        data[:11],
        data[:100],
        data[:-1],
        data[: len(data) // 2],
        b"\0" * 99,
        wrong_version,
        b"[]",
    ):
        path.write_bytes(content)
        with pytest.raises(BadInput) as caught:
            gltf.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match=r"none\.glb: no such file"):
        gltf.load(tmp_path / "none.glb")
    with pytest.raises(BadInput, match="is a folder, expected a glTF file"):
        gltf.load(tmp_path)
    os.mkfifo(tmp_path / "pipe.glb")
    with pytest.raises(BadInput, match="not a regular file"):  # and does not wait for a writer
        gltf.load(tmp_path / "pipe.glb")


def test_a_buffer_that_never_ends_is_refused(tmp_path):
    tree = {
        "asset": {"version": "2.0"},
        "buffers": [{"uri": "endless.bin", "byteLength": 4}],
    }
    (tmp_path / "endless.bin").symlink_to("/dev/zero")
    (tmp_path / "a.gltf").write_text(json.dumps(tree))
    with pytest.raises(BadInput, match=r"'endless\.bin', which cannot be read \(is not a regular file\)"):
        GltfFile(tmp_path / "a.gltf").buffer(0)


def _paths(tree, path=()):
    """Every place in a JSON tree, three items of a list at most."""
    if path:
        yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree[:3]) if isinstance(tree, list) else ()
    for key, value in items:
        yield from _paths(value, (*path, key))


@pytest.mark.parametrize("seed", range(10))
def test_any_value_may_lie(tmp_path, seed):
    """Each value of the JSON in turn becomes something else: the motion loads, or there is one line."""
    bind = np.stack([np.eye(4)] * 2)
    bind[:, 1, 3] = [1, 0.5]
    text = json.dumps(rig(TURN, bind=bind))
    lies = [None, -1, 10**6, "x", [], {}, 1.5, True, [None], 1e300]
    for k, path in enumerate(_paths(json.loads(text))):
        tree = json.loads(text)
        place = tree
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = lies[(k + seed) % len(lies)]
        try:
            gltf.load(put(tmp_path / "b.gltf", tree))
        except BadInput as error:
            assert "\n" not in str(error)


def test_names_of_animations_and_skins(tmp_path):
    path = put(tmp_path / "a.gltf", rig(TURN))
    assert gltf.load(path, animation="run").frames == gltf.load(path, animation=0, skin=0).frames == 2
    with pytest.raises(BadInput, match="unknown animation 'rnu'; did you mean 'run'"):
        gltf.load(path, animation="rnu")
    with pytest.raises(BadInput, match="skin 3, expected 0 to 0"):
        gltf.load(path, skin=3)
    with pytest.raises(BadInput, match="0 frames per second"):
        gltf.load(path, fps=0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"path": "a.fbx"}, "did you mean|known: .glb"),
        ({"performances": []}, "nobody to write"),
        ({"character": None}, "no body"),
        ({"bones": "along_chlid"}, "did you mean 'along_child'"),
        ({"aspect": 0}, "aspect 0"),
        ({"aspect": float("nan")}, "aspect nan"),
    ],
)
def test_bad_settings(tmp_path, change, text):
    settings = {"performances": clip(), "character": stick(), **change}
    path = tmp_path / settings.pop("path", "a.glb")
    with pytest.raises(BadInput, match=text):
        gltf.save(path, **settings)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="a part of this path is a file"):
        gltf.save(tmp_path / "file" / "a.glb", clip(), stick())
    assert Path(tmp_path / "file").read_text() == "x"
