"""Camera paths as tables: round trips, tables of other programs, and errors with their line."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest

from motion.camera import CameraPath, look_at
from motion.errors import BadInput
from render.interchange import camera as table


def path_of(frames=9, **change):
    rng = np.random.default_rng(0)
    pose = look_at(rng.normal(size=(frames, 3)) * 3, rng.normal(size=(frames, 3)), roll=0.2)
    settings = {
        "focal_mm": rng.uniform(18, 85, frames),
        "fps": Fraction(24000, 1001),
        "focus_m": rng.uniform(1, 9, frames),
        "f_stop": np.full(frames, 2.8),
        "sensor_width_mm": 24.89,
        "shift": (0.1, -0.05),
        "shutter_angle": 172.8,
        "cuts": np.arange(frames) == 4,
    }
    return CameraPath(pose, **(settings | change))


def same(a, b, tolerance):
    for field in fields(CameraPath):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if field.name == "T_world_camera":
            assert np.abs(x - y).max() <= tolerance
        elif isinstance(x, np.ndarray):
            assert np.array_equal(x, y), field.name
        else:
            assert x == y, field.name


@pytest.mark.parametrize("change", [{}, {"focus_m": None, "f_stop": None}, {"fps": 30, "shift": (0, 0)}])
@pytest.mark.parametrize(("suffix", "tolerance"), [(".csv", 1e-14), (".json", 0.0)])
def test_round_trip(tmp_path, suffix, tolerance, change):
    made, file = path_of(**change), tmp_path / f"a{suffix}"
    table.save(file, made)
    back = table.load(file)
    same(made, back, tolerance)
    table.save(tmp_path / f"b{suffix}", back)
    same(back, table.load(tmp_path / f"b{suffix}"), tolerance)


def test_one_frame(tmp_path):
    for suffix in table.SUFFIXES:
        table.save(tmp_path / f"a{suffix}", path_of(1, cuts=np.zeros(1, bool)))
        assert table.load(tmp_path / f"a{suffix}").frames == 1


GOOD = """time, x,y,z, qx,qy,qz,qw, focal_mm
0.00, 1,2,3, 0,0,0,1, 35
0.04, 1,2,3, 0,0,0,1, 35

0.08, 1,2,3, 0,0,0,-1, 35
"""


@pytest.mark.parametrize("text", [GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, "# by hand\n" + GOOD])
def test_tables_of_other_programs(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text.encode())
    camera = table.load(tmp_path / "a.csv")
    assert (camera.fps, camera.frames, camera.sensor_width_mm) == (25, 3, 36.0)
    assert np.array_equal(camera.T_world_camera[2, :3, :3], np.eye(3))
    assert camera.focus_m is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 frames"),
        ("frame,x\n", "0 frames"),
        (GOOD.replace("focal_mm", "focl_mm"), r"a.csv:1: no column 'focal_mm'; did you mean 'focl_mm'"),
        (GOOD.replace("0.04, 1,2,3, 0,0,0,1, 35", "0.04, 1,2"), "a.csv:3: 3 values, expected 9"),
        (GOOD.replace("0.04, 1", "0.04, one"), "a.csv:3: x is 'one'"),
        (GOOD.replace("0.04, 1", "0.04, nan"), "a.csv:3: x is nan"),
        (GOOD.replace("0,0,0,-1", "0,0,0,0"), "a.csv:5: the quaternion's length is 0"),
        (GOOD.replace("0,0,0,-1, 35", "0,0,0,-1, 0"), "a.csv:5: focal_mm is 0"),
        (GOOD.replace("0.04", "0.05"), "not evenly spaced"),
        (GOOD.replace("time", "when"), "no frame rate"),
        ("# fps = fast\n" + GOOD, "fps is 'fast'"),
        ("# fps = 0\n" + GOOD, "fps is '0'"),
        ("# shift = 1\n" + GOOD, "shift is '1', expected 2 numbers"),
        ("# fps = 25\n" + GOOD.replace("time", "frame"), "frame 0.04 follows 0, expected 1"),
    ],
)
def test_bad_csv(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        table.load(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"fps": "24", "focal_mm": [1], "T_world_camera": [[1]]}',
        '{"fps": "24", "focal_mm": ["x"], "T_world_camera": [[[1]]]}',
        '{"fps": "0", "focal_mm": [35], "T_world_camera": [[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]}',
        '{"fps": "24", "focal_mm": [35], "T_world_camera": [[[1,0,0,0],[0,-1,0,0],[0,0,1,0],[0,0,0,1]]]}',
        '{"fps": "24", "focal_mm": [35], "T_world_camera": [[[2,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]}',
        '{"fps": "24", "focal_mm": [-1], "T_world_camera": [[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]}',
        '{"fps": "24", "cuts": [9], "focal_mm": [1], "T_world_camera": [[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]}',
    ],
)
def test_bad_json(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(BadInput) as caught:
        table.load(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_places(tmp_path):
    with pytest.raises(BadInput, match=r"unknown camera path suffix '\.txt'"):
        table.save(tmp_path / "a.txt", path_of())
    with pytest.raises(BadInput, match=r"none\.csv: no such file"):
        table.load(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="is not text"):
        table.load(tmp_path / "b.csv")
