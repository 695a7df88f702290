"""Camera paths as glTF: round trips, Khronos's validator, and cameras as Blender and others write them."""

from __future__ import annotations

import base64
import json
from fractions import Fraction

import numpy as np
import pytest
from test_output_camera import path_of, same
from test_output_gltf import khronos

from motion import rotations as rot
from motion.camera import CameraPath, look_at
from motion.errors import BadInput
from render.interchange import camera as files

SUFFIXES = (".glb", ".gltf")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "change", [{}, {"focus_m": None, "f_stop": None}, {"focal_mm": 35.0, "fps": 30}, {"cuts": np.arange(9) % 2 == 0}]
)
def test_round_trip(tmp_path, suffix, change):
    """Lens data to the last bit; poses as single precision has them."""
    made = path_of(**change)
    files.save(tmp_path / f"a{suffix}", made)
    same(made, files.load(tmp_path / f"a{suffix}"), 3e-7)


def test_an_hour_in(tmp_path):
    """Times in single precision are a quarter of a millisecond coarse after an hour: frames stay frames."""
    frames = 86400 + 50
    pose = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    pose[:, 0, 3] = np.arange(frames) % 1000
    made = CameraPath(pose, 35.0, Fraction(24), cuts=np.arange(frames) == frames - 20)
    files.save(tmp_path / "a.glb", made)
    back = files.load(tmp_path / "a.glb")
    same(made, back, 1e-3)


def test_khronos_validator_finds_nothing(tmp_path):
    files.save(tmp_path / "zoom.glb", path_of())
    files.save(tmp_path / "still.gltf", path_of(1, cuts=np.zeros(1, bool)))
    for file in ("zoom.glb", "still.gltf"):
        issues = khronos(tmp_path / file)
        assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


def test_other_programs_hold_the_picture_until_a_cut(tmp_path):
    made = path_of()
    files.save(tmp_path / "a.gltf", made)
    tree = json.loads((tmp_path / "a.gltf").read_text())
    for node in tree["nodes"]:
        node.pop("extras")  # so it is read as anybody would
    (tmp_path / "b.gltf").write_text(json.dumps(tree))
    back = files.load(tmp_path / "b.gltf", fps=Fraction(24000, 1001))
    assert np.abs(back.T_world_camera - made.T_world_camera).max() < 1e-6
    assert np.abs(back.fov_y(1.5) - made.fov_y(1.5)).max() < 1e-6  # the lens moves by KHR_animation_pointer
    finer = files.load(tmp_path / "b.gltf", fps=Fraction(240000, 1001))
    assert np.abs(finer.T_world_camera[38] - made.T_world_camera[3]).max() < 0.02, "0.8 of a frame after frame 3"


class Gltf:
    """A glTF in the making, as another program would write it."""

    def __init__(self, nodes, cameras):
        self.tree = {
            "asset": {"version": "2.0"}, "nodes": nodes, "cameras": cameras, "accessors": [], "bufferViews": [],
            "animations": [], "scenes": [{"nodes": [0]}], "scene": 0,
        }  # fmt: skip
        self.blob = b""

    def accessor(self, values):
        values = np.asarray(values, "<f4")
        view = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": values.nbytes}
        self.tree["bufferViews"].append(view)
        self.blob += values.tobytes()
        kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[1 if values.ndim == 1 else values.shape[-1]]
        self.tree["accessors"].append(
            {"bufferView": len(self.tree["bufferViews"]) - 1, "componentType": 5126, "type": kind,
             "count": values.size // {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[kind]}
        )  # fmt: skip
        return len(self.tree["accessors"]) - 1

    def animation(self, *channels):
        samplers = [
            {"input": self.accessor(t), "output": self.accessor(v), "interpolation": how} for _, t, v, how in channels
        ]
        listed = [{"sampler": i, "target": target} for i, (target, *_) in enumerate(channels)]
        self.tree["animations"].append({"samplers": samplers, "channels": listed})

    def save(self, path):
        uri = "data:application/octet-stream;base64," + base64.b64encode(self.blob).decode()
        buffers = [{"byteLength": len(self.blob), "uri": uri}] if self.blob else []
        path.write_text(json.dumps({k: v for k, v in (self.tree | {"buffers": buffers}).items() if v != []}))
        return path


def lens(**change):
    perspective = {"yfov": 2 * np.arctan(18 / 50 / (16 / 9)), "aspectRatio": 16 / 9, "znear": 0.1} | change
    return {"type": "perspective", "perspective": {k: v for k, v in perspective.items() if v is not None}}


def blender():
    """Blender 3's: the object at the root, a helper node that turns the camera, one animation an object."""
    turn = rot.from_axis("X", np.array(-np.pi / 2)).tolist()
    nodes = [
        {"name": "Rig", "children": [1], "translation": [0, 1, 0], "scale": [2, 2, 2]},
        {"name": "Camera", "children": [2]},
        {"name": "Camera_Orientation", "camera": 0, "rotation": turn},
    ]
    return Gltf(nodes, [lens()])


def test_blenders_camera_under_a_rig(tmp_path):
    made = blender()
    times = (1 + np.arange(10)) / 24  # Blender begins at frame 1
    way = np.stack([np.linspace(0, 1, 10), np.zeros(10), np.linspace(2, 0, 10)], axis=1)
    spin = rot.from_axis("Y", np.linspace(0, 1, 10))
    made.animation(({"node": 1, "path": "translation"}, times, way, "LINEAR"))
    made.animation(({"node": 0, "path": "rotation"}, times, spin, "LINEAR"))
    found = files.load_noting(made.save(tmp_path / "a.gltf"))
    camera = found.camera
    assert (found.name, camera.frames, camera.fps) == ("Camera", 10, 24)
    assert np.abs(camera.focal_mm - 50).max() < 1e-9
    assert np.abs(camera.T_world_camera[:, :3, 3] - (rot.rotate(spin, 2 * way) + [0, 1, 0])).max() < 1e-6
    looks = -camera.T_world_camera[:, :3, 2]
    assert np.abs(looks - [0, -1, 0]).max() < 1e-6, "the helper node turns −Z down"
    assert not found.notes
    assert files.load(tmp_path / "a.gltf", name="Camera_Orientation").frames == 10


def test_a_newer_blenders_matrix_node(tmp_path):
    pose = look_at([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])
    node = {"name": "Cam", "camera": 0, "matrix": pose.T.ravel().tolist()}
    camera = files.load(Gltf([node], [lens()]).save(tmp_path / "a.gltf"))
    assert camera.frames == 1
    assert np.abs(camera.T_world_camera[0] - pose).max() < 1e-9


@pytest.mark.parametrize("how", ["STEP", "LINEAR", "CUBICSPLINE"])
def test_interpolations(tmp_path, how):
    """A key each half second, sampled at 10 frames per second."""
    times, x = np.array([0, 0.5, 1.0]), np.array([0.0, 1.0, 0.0])
    values = np.stack([x, 0 * x, 0 * x], axis=1)
    if how == "CUBICSPLINE":
        values = np.stack([0 * values, values, 0 * values], axis=1)  # flat tangents: ease in and out
    made = Gltf([{"name": "Cam", "camera": 0}], [lens()])
    made.animation(({"node": 0, "path": "translation"}, times, values, how))
    found = files.load_noting(made.save(tmp_path / "a.gltf"), fps=10)
    got = found.camera.T_world_camera[:, 0, 3]
    t = np.arange(11) / 5
    tent = np.where(t <= 1, t, 2 - t)
    wanted = {"STEP": (t >= 1) & (t < 2), "LINEAR": tent, "CUBICSPLINE": tent**2 * (3 - 2 * tent)}[how]
    assert np.abs(got - wanted).max() < 1e-6
    assert not found.notes
    assert files.load_noting(tmp_path / "a.gltf").camera.fps == 24
    assert "no frame rate" in files.load_noting(tmp_path / "a.gltf").notes[0]


def test_what_a_lens_does_not_say_is_assumed_and_said(tmp_path):
    made = Gltf([{"name": "Cam", "camera": 0}], [lens(yfov=None, aspectRatio=None)])
    found = files.load_noting(made.save(tmp_path / "a.gltf"), aspect=2.0)
    assert found.camera.focal_mm[0] == pytest.approx(50)
    assert [n.split("has no ")[1][:12] for n in found.notes] == ["aspect ratio", "angle of vie"]
    made = Gltf([{"name": "Cam", "camera": 0}], [lens(yfov=0.5, aspectRatio=None)])
    camera = files.load(made.save(tmp_path / "b.gltf"), aspect=2.0)
    assert camera.fov_y(2.0)[0] == pytest.approx(0.5)


def test_several_cameras_are_chosen_by_name(tmp_path):
    nodes = [{"name": "rig", "children": [1, 2, 3]}, {"name": "left", "camera": 0}, {"name": "right", "camera": 1}]
    nodes.append({"name": "plan", "camera": 2})
    flat = {"type": "orthographic", "orthographic": {"xmag": 1, "ymag": 1, "zfar": 9, "znear": 0}}
    file = Gltf(nodes, [lens(), lens(yfov=1.0), flat]).save(tmp_path / "a.gltf")
    with pytest.raises(BadInput, match="holds 2 cameras, expected the name of one: 'left', 'right'"):
        files.load(file)
    with pytest.raises(BadInput, match="unknown camera 'rihgt'; did you mean 'right'"):
        files.load(file, name="rihgt")
    assert files.load(file, name="right").fov_y(16 / 9)[0] == pytest.approx(1.0)
    twins = Gltf([{"name": "a", "camera": 0}, {"name": "a", "camera": 1}], [lens(), lens(yfov=1.0) | {"name": "data"}])
    assert files.load(twins.save(tmp_path / "b.gltf"), name="a_2").fov_y(16 / 9)[0] == pytest.approx(1.0)
    assert files.load(tmp_path / "b.gltf", name="data").fov_y(16 / 9)[0] == pytest.approx(1.0)


def test_a_lens_edited_elsewhere_is_believed_over_our_own_words(tmp_path):
    files.save(tmp_path / "a.gltf", path_of(focal_mm=35.0))
    tree = json.loads((tmp_path / "a.gltf").read_text())
    tree["cameras"][0]["perspective"]["yfov"] = 1.2
    (tmp_path / "a.gltf").write_text(json.dumps(tree))
    found = files.load_noting(tmp_path / "a.gltf")
    assert found.camera.fov_y(16 / 9)[0] == pytest.approx(1.2)
    assert "does not fit" in " ".join(found.notes)


def test_a_film_s_own_glb_gives_a_camera_for_each_shot(tmp_path):
    from test_output_gltf import clip, stick

    from render.interchange import gltf

    made = path_of(20, cuts=np.arange(20) == 8, fps=24, focus_m=None, f_stop=None)
    gltf.save(tmp_path / "film.glb", clip(20), stick(), camera=made)
    with pytest.raises(BadInput, match="'camera shot 1', 'camera shot 2'"):
        files.load(tmp_path / "film.glb")
    second = files.load(tmp_path / "film.glb", name="camera shot 2")
    assert (second.frames, second.fps, second.sensor_width_mm) == (12, 24, 24.89)
    assert np.abs(second.T_world_camera - made.T_world_camera[8:]).max() < 1e-6
    assert np.abs(second.focal_mm - made.focal_mm[8:]).max() < 1e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cameras": [lens(yfov=4)]}, "yfov is 4, expected 0 to 3.14159"),
        ({"cameras": [lens(yfov="wide")]}, "yfov is 'wide'"),
        ({"cameras": [lens(aspectRatio=-1)]}, "aspectRatio is -1"),
        ({"cameras": [{"type": "perspective"}]}, "says 'perspective' and nothing more"),
        ({"cameras": [{"type": "orthographic"}]}, "holds no perspective camera"),
        ({"cameras": []}, "refers to cameras 0, there are none"),
        ({"nodes": [{"name": "a"}]}, "holds no perspective camera"),
        ({"nodes": [{"camera": 0, "scale": [1, 1, -1]}]}, "mirrored or flattened"),
        ({"nodes": [{"camera": 0, "scale": [0, 0, 0]}]}, "mirrored or flattened"),
        ({"animations": [{"channels": [{"sampler": 3, "target": {"node": 0, "path": "rotation"}}]}]}, "sampler"),
        ({"asset": {"version": "1.0"}}, "glTF version '1.0'"),
    ],
)
def test_odd_files(tmp_path, change, message):
    made = Gltf([{"name": "Cam", "camera": 0}], [lens()])
    made.tree |= change
    with pytest.raises(BadInput, match=message) as caught:
        files.load(made.save(tmp_path / "a.gltf"))
    assert str(caught.value).startswith(str(tmp_path)) and "\n" not in str(caught.value)


def test_times_that_make_no_sense(tmp_path):
    made = Gltf([{"name": "Cam", "camera": 0}], [lens()])
    made.animation(({"node": 0, "path": "translation"}, [0.0, 1e9], np.zeros((2, 3)), "LINEAR"))
    with pytest.raises(BadInput, match="lasts 1e\\+09 s"):
        files.load(made.save(tmp_path / "a.gltf"))
    made = Gltf([{"name": "Cam", "camera": 0}], [lens()])
    made.animation(({"node": 0, "path": "translation"}, [1.0, 0.5], np.zeros((2, 3)), "LINEAR"))
    with pytest.raises(BadInput, match=r"time 1 is 0\.5 s, not after 1 s"):
        files.load(made.save(tmp_path / "b.gltf"))


def test_an_animation_that_starts_late_is_said(tmp_path):
    made = Gltf([{"name": "Cam", "camera": 0}], [lens()])
    made.animation(({"node": 0, "path": "translation"}, 5 + np.arange(3) / 24, np.zeros((3, 3)), "LINEAR"))
    found = files.load_noting(made.save(tmp_path / "a.gltf"))
    assert found.camera.frames == 3
    assert found.notes == ("the animation starts at 5 s; frame 0 is there",)
