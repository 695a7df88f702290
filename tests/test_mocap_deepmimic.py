"""DeepMimic captures: the real ones of the pybullet wheel, and damaged ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mocap_data
from mocap_data import deepmimic
from motion import rotations as rot
from motion.errors import BadInput


def frame(seconds: float = 1 / 30, x: float = 0.0, knee: float = 0.0) -> list[float]:
    one = [1.0, 0.0, 0.0, 0.0]
    leg, arm = [*one, knee, *one], [*one, 0.0]
    return [seconds, x, 0.9, 0.0, *one, *one, *one, *leg, *arm, *leg, *arm]


def parse(frames: object, **more: object) -> deepmimic.Take:
    return deepmimic.parse(json.dumps({"Loop": "none", "Frames": frames, **more}).encode(), "a.txt")


def test_the_wheel_carries_fifteen_human_captures() -> None:
    captures = deepmimic.bundled()
    assert len(captures) == 15 and "humanoid3d_walk" in captures
    for name in captures:
        take = mocap_data.load(f"pybullet:{name}")
        assert take.joints == 13 and take.frames > 20 and take.fps in (16, 24, 30, 60)
        assert take.skeleton_kind == "deepmimic" and take.metres_per_unit == 1 and take.up == "Y"
        assert "MIT" in (take.provenance.licence or "") and take.provenance.source == f"{name}.txt"


def test_short_names_and_misspelt_ones() -> None:
    assert mocap_data.load("pybullet:walk").frames == mocap_data.load("pybullet:humanoid3d_walk").frames
    with pytest.raises(BadInput, match="did you mean 'humanoid3d_walk'"):
        mocap_data.load("pybullet:humanoid3d_wlak")


@pytest.mark.parametrize("name", ["walk", "run", "kick", "dance_a"])
def test_knees_bend_back_and_elbows_forward(name: str) -> None:
    take = mocap_data.load(f"pybullet:{name}")
    turns, places = take.world()
    assert take.end_offsets is not None
    for side in ("left", "right"):
        hip, knee, ankle = (take.names.index(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        thigh = turns[:, hip]  # rests along -Y, and +X is ahead
        shin = rot.rotate(rot.inverse(thigh), places[:, ankle] - places[:, knee])
        assert shin[:, 0].max() < 0.05  # never ahead of the thigh's line
        assert shin[:, 0].min() < -0.1
        shoulder, elbow = (take.names.index(f"{side}_{part}") for part in ("shoulder", "elbow"))
        forearm = rot.rotate(turns[:, elbow], take.end_offsets[elbow])
        assert rot.rotate(rot.inverse(turns[:, shoulder]), forearm)[:, 0].min() > -0.05


def test_walking_goes_where_the_character_faces_with_feet_near_the_floor() -> None:
    take = mocap_data.load("pybullet:walk")
    turns, places = take.world()
    ahead = rot.rotate(turns[:, 0], np.array([1.0, 0, 0])).mean(0)
    gone = places[-1, 0] - places[0, 0]
    assert gone @ ahead > 0.9 * np.linalg.norm(gone) * np.linalg.norm(ahead)
    ankles = places[:, [take.names.index("left_ankle"), take.names.index("right_ankle")], 1]
    assert 0 < ankles.min() < 0.08
    right = take.names.index("right_hip")  # facing +X with Y up, the right is +Z
    assert take.rest_offsets[right, 2] > 0
    assert take.rest_world()[1][take.names.index("left_ankle"), 1] == pytest.approx(0.05)


def test_quaternions_begin_with_their_real_part() -> None:
    turned = frame()
    turned[4:8] = [0.8, 0.0, 0.6, 0.0]  # the root, about the vertical
    turned[8:12] = [0.6, 0.8, 0.0, 0.0]  # the chest, about x
    take = parse([turned])
    np.testing.assert_allclose(take.rotations[0, :2], [[0.0, 0.6, 0.0, 0.8], [0.8, 0.0, 0.0, 0.6]])
    np.testing.assert_allclose(take.rotations[0, 2:], np.tile(rot.IDENTITY, (11, 1)))


def test_resamples_uneven_durations_and_says_so() -> None:
    even = parse([frame(x=float(i)) for i in range(10)])
    assert even.fps == 30 and not even.provenance.notes
    uneven = parse([frame(1 / 30 if i != 4 else 2 / 30, x=float(i)) for i in range(10)])
    assert uneven.fps == 30 and uneven.frames == 11
    np.testing.assert_allclose(uneven.translations[:, 0, 0], [0, 1, 2, 3, 4, 4.5, 5, 6, 7, 8, 9], atol=1e-3)
    assert "resampled" in uneven.provenance.notes[0]


def test_keeps_the_loop_as_a_note() -> None:
    assert "loops" in parse([frame()], Loop="wrap").provenance.notes[-1]


def test_one_frame_is_enough() -> None:
    assert parse([frame()]).frames == 1
    assert parse([frame(0.0)]).fps == 30


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([], "at least one frame"),
        ("walk", "expected an object with a list 'Frames'"),
        ([frame()[:-1]], "frame 0 has 43 values, expected 44"),
        ([frame(), frame() + [1.0]], "frame 1 has 45 values, expected 44"),
        ([[0.0] * 20], "frame 0 has 20 values, expected 44; is it an animal"),
        ([frame(), 7], "frame 1 is not a list"),
        ([[None, *frame()[1:]]], "frame 0, value 1 is null, expected a number"),
        ([[True, *frame()[1:]]], "value 1 is true"),
        ([["x", *frame()[1:]]], 'value 1 is "x"'),
        ([[[1], *frame()[1:]]], "value 1"),
        ([[10**400, *frame()[1:]]], "value 1"),
        ([[1e300, *frame()[1:]]], "value 1"),
        ([frame(0.0), frame()], "frame 0 lasts 0 s"),
        ([frame(-1.0), frame()], "frame 0 lasts -1 s"),
        ([frame(1e6), frame()], "frame duration"),
        ([frame(1e-9), frame()], "frame duration"),
        ([[*frame()[:4], 0.0, 0.0, 0.0, 0.0, *frame()[8:]]], "quaternion of root has length 0"),
    ],
)
def test_refuses_wrong_frames(frames: object, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        parse(frames)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{", r"a\.txt:1: not JSON"),
        (b'{"Frames": [\n[1,\n2', r"a\.txt:3: not JSON"),
        (b'{"Frames": [[NaN]]}', "holds NaN"),
        (b'{"Frames": [[-Infinity]]}', "holds -Infinity"),
        (b"[" * 100_000, "not DeepMimic JSON|not JSON"),
        (b'{"Frames": [[' + b"9" * 5000 + b"]]}", "not DeepMimic JSON"),
        (b"[1, 2]", "expected an object"),
        (b"\0\1", "binary"),
    ],
)
def test_refuses_other_json(data: bytes, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        deepmimic.parse(data, "a.txt")


def test_the_dog_is_refused(tmp_path: Path) -> None:
    dog = next(iter(deepmimic.bundled().values())).with_name("laikago_walk.txt")
    with pytest.raises(BadInput, match="has 20 values, expected 44"):
        mocap_data.load(dog)
    readme = tmp_path / "readme.txt"
    readme.write_text("These are my captures.\n")
    with pytest.raises(BadInput, match="not a DeepMimic file"):
        mocap_data.load(readme)
