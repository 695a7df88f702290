"""Pass files: round trips exact or within the stated step, an independent reader, and what bad input gets."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motion.camera import CameraPath, look_at
from motion.errors import BadInput, MissingExtra
from render import png16
from render.frame import Frame
from render.passes import PASSES, PassWriter, arrays, check_passes, read_passes, to_draw

SIZE = (20, 12)


def frame(index=0, frames=3, size=SIZE, seed=0, **change):
    """A frame as a renderer gives it, with made-up numbers."""
    width, height = size
    rng = np.random.default_rng(seed + index)

    def unit(*channels):
        return rng.random((height, width, *channels), dtype=np.float32)

    normal = rng.normal(size=(height, width, 3)).astype(np.float32)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    depth = 0.5 + 60 * unit()
    nothing = unit() < 0.3
    normal[nothing], depth[nothing] = 0, 0
    flows = {
        k: ((rng.normal(size=(height, width, 2)) * 80).astype(np.float32), unit() < 0.2)
        for k in (index - 1, index + 1)
        if 0 <= k < frames
    }
    return replace(
        Frame(
            index=index,
            time=index / 24,
            size=size,
            camera=camera(frames),
            beauty=unit(3) * 4,
            alpha=unit(),
            diffuse=unit(3),
            specular=unit(3),
            albedo=unit(3),
            albedo_aa=unit(3),
            roughness_metallic=unit(2),
            normal=normal,
            depth=depth,
            ids=rng.integers(0, 300, (height, width, 2), dtype=np.int32),
            _flow=flows.__getitem__,
        ),
        **change,
    )


def camera(frames=3):
    pose = look_at(np.array([[1.0, 1.5, 4.0 + k] for k in range(frames)]), np.array([0.0, 1.0, 0.0]))
    return CameraPath(
        pose, np.full(frames, 35.0), Fraction(24), focus_m=np.full(frames, 4.0), f_stop=np.full(frames, 2.8)
    )


def written(tmp_path, fmt, passes=tuple(PASSES), frames=3):
    with PassWriter(tmp_path / "p", passes, fmt, SIZE, 24, camera(frames)) as writer:
        for k in range(frames):
            writer.write(frame(k, frames))
    return tmp_path / "p"


@pytest.mark.parametrize("fmt", ["npz", "exr"])
def test_round_trip(tmp_path, fmt):
    if fmt == "exr":
        pytest.importorskip("OpenEXR")
    folder = written(tmp_path, fmt)
    for k in range(3):
        back, there = read_passes(folder, k), arrays(frame(k), PASSES)
        assert list(back) == list(PASSES)
        for name, value in there.items():
            half = fmt == "exr" and PASSES[name].exr == "half"
            expected = value.astype(np.float16).astype(np.float32) if half else value
            assert back[name].dtype == PASSES[name].dtype
            assert np.array_equal(back[name], expected), name


def test_png16_round_trip_within_the_stated_step(tmp_path):
    folder = written(tmp_path, "png16")
    about = json.loads((folder / "passes.json").read_text())
    for k in range(3):
        back, there = read_passes(folder, k), arrays(frame(k), PASSES)
        for name, value in there.items():
            stored = value.copy()
            if name == "beauty":
                stored = stored.clip(0, 1)  # said in passes.json
                assert about["passes"]["beauty"]["clipped"] == "outside 0 to 1"
            step = about["passes"][name]["step"]
            assert back[name].shape == value.shape
            assert np.abs(back[name].astype(float) - stored).max() <= step / 2 + 1e-6, name


def test_png16_is_what_pillow_reads(tmp_path):
    image = pytest.importorskip("PIL.Image")
    folder = written(tmp_path, "png16", ["depth", "alpha"])
    there = arrays(frame(1), ["depth"])["depth"]
    codes = np.asarray(image.open(folder / "depth" / "depth.000001.png"))
    assert np.abs(codes / 1000.0 - there).max() <= 0.0005 + 1e-5
    assert ((codes == 0) == (there == 0)).all()


def test_png16_keeps_what_is_near_and_clips_what_is_far():
    near_far = np.array([[0.0, 1e-6, 70.0]], np.float32)
    assert png16.quantise("depth", near_far).tolist() == [[0, 1, 65535]]
    flow = np.array([[[600.0, 0.0, 0.0], [-3.0, 2.5, 0.0], [1.0, 1.0, 1.0]]], np.float32)
    back = png16.restore("flow", png16.quantise("flow", flow))
    assert back[0, 0, 2] == 1  # too fast for the file: not valid
    assert back[0, 1:].tolist() == flow[0, 1:].tolist()
    with pytest.raises(BadInput, match="70000"):
        png16.quantise("ids", np.full((1, 1, 2), 70000))


def test_exr_says_units_colour_and_camera(tmp_path):
    openexr = pytest.importorskip("OpenEXR")
    folder = written(tmp_path, "exr")
    path = folder / "frame.000001.exr"
    with openexr.File(str(path), separate_channels=True) as file:
        head, channels = dict(file.header()), file.channels()
        kinds = {n: c.pixels.dtype for n, c in channels.items()}
    assert set(kinds) == {c for p in PASSES.values() for c in p.channels}
    assert kinds["R"] == np.float16
    assert kinds["Z"] == np.float32
    assert kinds["id.instance"] == np.uint32
    assert np.allclose(head["chromaticities"], (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290))
    # Row vectors times matrix: the camera's own place is the origin of its frame.
    path_of = camera()
    place = np.append(path_of.T_world_camera[1, :3, 3], 1)
    assert np.allclose(place @ head["worldToCamera"], [0, 0, 0, 1], atol=1e-5)
    assert head["nominalFocalLength"] == 35.0
    assert head["focus"] == 4.0
    assert head["aperture"] == pytest.approx(2.8)
    assert "Z: m along" in head["cinemotion/units"]


@pytest.mark.parametrize("fmt", ["exr", "npz"])
def test_numbers_of_ids_have_names(tmp_path, fmt):
    openexr = pytest.importorskip("OpenEXR")
    legend = {1: ("hero", ("head", "hand")), 2: ("bench", ("seat",))}
    PassWriter(tmp_path, ["ids"], fmt, SIZE, 24, legend=legend).write(frame())
    about = json.loads((tmp_path / "passes.json").read_text())["passes"]["ids"]["instances"]
    assert about["1"] == {"name": "hero", "parts": {"1": "head", "2": "hand"}}
    if fmt == "exr":
        with openexr.File(str(tmp_path / "frame.000000.exr"), header_only=True) as file:
            assert json.loads(dict(file.header())["cinemotion/ids"]) == about


def test_light_beyond_half_float_is_clipped_not_infinite(tmp_path):
    pytest.importorskip("OpenEXR")
    sunny = frame(0, 1)
    sunny.beauty[0, 0] = 1e9
    PassWriter(tmp_path / "p", ["beauty"], "exr", SIZE, 24).write(sunny)
    assert read_passes(tmp_path / "p", 0)["beauty"][0, 0].tolist() == [65504.0] * 3


@pytest.mark.parametrize("fmt", ["exr", "png16", "npz"])
def test_same_frames_give_same_bytes(tmp_path, fmt):
    if fmt == "exr":
        pytest.importorskip("OpenEXR")

    def content(folder):
        return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}

    assert content(written(tmp_path / "a", fmt)) == content(written(tmp_path / "b", fmt))


def test_flow_out_of_the_film_is_occluded():
    last = arrays(frame(2), ["flow", "flow_back"])
    assert (last["flow"] == [0, 0, 1]).all()
    assert not (last["flow_back"][..., 2] == 1).all()


def test_names_are_checked_and_ordered():
    assert check_passes(["normal", "beauty", "normal"]) == ("beauty", "normal")
    assert to_draw(["flow", "alpha", "ids"]) == ("beauty", "ids")
    with pytest.raises(BadInput, match="unknown pass 'dept'; did you mean 'depth'"):
        check_passes(["dept"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"passes": []}, "no passes"),
        ({"passes": ["norml"]}, "did you mean 'normal'"),
        ({"fmt": "tiff"}, "unknown pass format 'tiff'"),
        ({"size": (0, 4)}, "0x4"),
        ({"depth_max_m": 0}, "depth_max_m"),
        ({"depth_max_m": float("nan")}, "depth_max_m"),
    ],
)
def test_bad_settings(tmp_path, change, text):
    settings = {"passes": ["depth"], "fmt": "npz", "size": SIZE, "fps": 24, **change}
    with pytest.raises(BadInput, match=text):
        PassWriter(tmp_path / "p", **settings)
    assert not list(tmp_path.iterdir())


def test_frames_that_do_not_fit_leave_nothing(tmp_path):
    writer = PassWriter(tmp_path / "p", ["depth", "albedo"], "png16", SIZE, 24)
    with pytest.raises(BadInput, match=r"frame 0: pass 'albedo' has shape \(9, 8, 3\), expected \(12, 20, 3\)"):
        writer.write(frame(size=(8, 9)))
    with pytest.raises(BadInput, match="pass 'albedo' was not drawn"):
        writer.write(frame(albedo=None))
    assert [p.name for p in (tmp_path / "p").iterdir()] == ["passes.json"]


@pytest.mark.parametrize("fmt", ["exr", "png16", "npz"])
def test_damaged_files_are_refused(tmp_path, fmt):
    if fmt == "exr":
        pytest.importorskip("OpenEXR")
    folder = written(tmp_path, fmt, ["depth"], 1)
    (path,) = (p for p in folder.rglob("*0.*") if p.is_file())
    data = path.read_bytes()
    for content in (data[: len(data) // 2], b"", b"nonsense" * 9):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=path.name):
            read_passes(folder, 0)
    path.unlink()
    with pytest.raises(BadInput, match="no such frame"):
        read_passes(folder, 0)
    (folder / "passes.json").write_text("{")
    with pytest.raises(BadInput, match="holds no passes"):
        read_passes(folder, 0)


def test_exr_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cinemotion\[exr\]'"):
        PassWriter(tmp_path / "p", ["depth"], "exr", SIZE, 24)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fmt", ["exr", "png16", "npz"])
def test_a_full_disk_is_said_in_one_line(tmp_path, fmt):
    if fmt == "exr":
        pytest.importorskip("OpenEXR")
    script = textwrap.dedent(
        """
        import resource, sys
        from motion.errors import MissingSystem
        from render.passes import PassWriter
        from tests.test_output_passes import frame
        writer = PassWriter(sys.argv[1], ["depth", "albedo"], sys.argv[2], (200, 100), 24)
        picture = frame(0, 1, (200, 100))
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))
        try:
            writer.write(picture)
        except MissingSystem as error:
            assert "no space left" in str(error), error
        else:
            raise SystemExit("was written")
        """
    )
    root = Path(__file__).parent.parent
    command = [sys.executable, "-c", script, str(tmp_path), fmt]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["passes.json"]
