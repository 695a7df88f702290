"""What a request for motion may not say: one line each, naming the thing."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from prior_stand_in import REST, StandIn

from motion import Clip
from motion import rotations as rot
from motion.errors import BadInput
from motion.prior import keyframes, paths
from motion.prior.generate import generate
from motion.prior.request import Keys, Reach


def standing(frames: int = 90, fps: int = 30) -> Clip:
    turns = np.zeros((frames, 24, 3))
    turns[:, 16, 2], turns[:, 17, 2] = -1.3, 1.3
    root = np.repeat([[0.0, 0.93, 0.0]], frames, axis=0)
    return Clip(rot.from_rotvec(turns), root, REST, Fraction(fps))


def keys_at(*times: float, spread: float = 0.0) -> Keys:
    clip = standing(len(times))
    root = clip.root_position + np.arange(len(times))[:, None] * np.array([spread, 0, 0])
    return Keys(np.array(times), clip.rotations, root, rest_offsets=REST)


def changed(keys: Keys, **fields: object) -> Keys:
    return dataclasses.replace(keys, **fields)


def nan_key() -> Keys:
    keys = keys_at(0.0, 1.0)
    root = np.array(keys.root_position)
    root[1, 2] = np.nan
    return changed(keys, root_position=root)


def two_poses() -> Keys:
    keys = keys_at(1.0, 1.005)
    rotations = keys.rotations.copy()
    rotations[1, 18] = rot.from_axis("Y", 0.8)
    return changed(keys, rotations=rotations)


BAD = [
    ({"text": ""}, "empty"),
    ({"text": "   \n"}, "empty"),
    ({"text": "walks " * 10_000}, "10000 words"),
    ({"text": "他走路然后挥手"}, "English"),
    ({"text": "läuft vorwärts und winkt dann"}, "German"),
    ({"text": "12345"}, "no words"),
    ({"text": 7}, "int, expected words"),
    ({"text": "is defenestrating"}, "no known action"),
    ({"text": "walks", "seconds": 0}, "seconds: 0, expected more than 0"),
    ({"text": "walks", "seconds": -3.0}, "more than 0"),
    ({"text": "walks", "seconds": float("nan")}, "more than 0"),
    ({"text": "walks", "seconds": 3600}, "expected at most 600 s"),
    ({"text": "walks for 7200 seconds"}, "expected at most 600 s"),
    ({"text": "walks", "seconds": "long"}, "expected a number"),
    ({"text": "walks", "variations": 0}, "variations: 0"),
    ({"text": "walks", "variations": 1000}, "expected 1 to 64"),
    ({"text": "walks", "variations": 64, "seconds": 600}, "in all"),
    ({"text": "walks", "seed": 1.5}, "expected a whole number"),
    ({"text": "walks", "style": "hapy"}, "did you mean 'happy'"),
    ({"text": "walks", "retrieval": "always"}, "unknown retrieval 'always'"),
    ({"text": "walks", "retrieval": "on"}, "needs an index"),
    ({"text": "walks", "fps": 0}, "fps"),
    ({"text": "walks", "fps": "fast"}, "fps"),
    ({"text": "walks", "steps": 0}, "steps: 0"),
    ({"text": "walks", "guidance": float("inf")}, "guidance"),
    ({"text": "walks", "keep": "legs"}, "keep: changes a clip; give it as base"),
    ({"text": "walks", "strength": 0.5}, "strength: changes a clip"),
    ({"text": "walks", "extend": 2.0}, "extend: changes a clip"),
    ({"text": "walks", "base": standing(), "keep": "legz"}, "did you mean"),
    ({"text": "walks", "base": standing(), "strength": 1.5}, "strength: 1.5, expected 0"),
    ({"text": "walks", "base": standing(), "extend": 5000.0}, "extend: 5000 s, expected at most 600"),
    ({"text": "walks", "base": standing(), "extend": 1.0, "keep": "legs"}, "one after the other"),
    ({"text": "walks", "base": standing(), "seconds": 4.0}, "with a base the length is the base's"),
    ({"text": "walks", "base": standing(1)}, "base: 1 frame at 30 fps, expected at least 2"),
    ({"text": "walks", "base": standing(2, 1000)}, "base: 2 frames at 1000 fps"),
    ({"text": "walks", "style": standing(1)}, "style: 1 frame"),
    ({"text": "walks", "keys": two_poses()}, "two poses at one frame"),
    ({"text": "walks", "keys": keys_at(1.0, 1.005, spread=0.5)}, "two places at one frame"),
    ({"text": "walks", "keys": keys_at(0.0, 9.0), "seconds": 5}, "key 1 at 9 s lies outside the clip (0 to 4.97 s)"),
    ({"text": "walks", "keys": keys_at(-1.0, 1.0)}, "key 0 at -1 s lies outside"),
    ({"text": "walks", "keys": keys_at(0.0, 1e300), "seconds": 5}, "outside the clip"),
    ({"text": "walks", "keys": nan_key()}, "key 1: root_position is not finite"),
    ({"text": "walks", "keys": keys_at(float("nan"))}, "key 0: times is not finite"),
    ({"text": "walks", "keys": keys_at(0.0, 0.5, spread=15.0)}, "15.00 m in 0.50 s (30 m/s), expected at most 8 m/s"),
    ({"text": "walks", "keys": changed(keys_at(0.0), joints=np.zeros((1, 24), bool))}, "no joint of it counts"),
    ({"text": "walks", "keys": 3}, "keys: int"),
    ({"text": "walks", "path": [[0, 0], [90, 0]], "seconds": 3}, "m/s, expected at most 8 m/s"),
    ({"text": "walks", "path": [[0, 0, 0, 0], [30, 0, 0, 1]]}, "needs 30 m/s, expected at most 8 m/s"),
    ({"text": "walks", "path": [[0, 0]]}, "one point"),
    ({"text": "walks", "path": [[0, 0], [np.nan, 1]]}, "point 1 is not finite"),
    ({"text": "walks", "path": [0, 1, 2]}, "shape (3,)"),
    ({"text": "walks", "path": object()}, "expected points"),
    ({"text": "walks", "path": [[0, 0, 0, 2], [1, 0, 0, 1]]}, "times must increase"),
    ({"text": "walks", "path": [[0, 0], [1e9, 0]]}, "100 km"),
    ({"text": "walks", "path": [[0, 0], [3, 0]], "in_place": True}, "in place: contradicts a path"),
    ({"text": "waves", "reach": ("left hnd", (0, 1, 0), 1.0)}, "did you mean 'left hand'"),
    ({"text": "waves", "reach": ("left hand", (0, 1), 1.0)}, "a point of 2 numbers"),
    ({"text": "waves", "reach": ("left hand", (0, np.nan, 0), 1.0)}, "not finite"),
    ({"text": "waves", "reach": ("left hand", (0, 1.2, 0), 9.0), "seconds": 3}, "lies outside the clip (0 to 2.97 s)"),
    ({"text": "waves", "reach": ("left hand", (0, 3.5, 0), 1.0)}, "m above what this body reaches"),
    ({"text": "waves", "reach": [("left hand", (0, 1, 0), 1.0), ("left hand", (1, 1, 0), 1.0)]}, "two places at once"),
    ({"text": "waves", "keys": keys_at(1.0), "reach": ("left hand", (9, 1, 0), 1.1)}, "m out of reach at 1.1 s"),
    ({"text": "", "keys": keys_at(0.0, 1.0), "extend": 1.0}, "extend: changes a clip"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_bad_requests_are_one_clear_line(request_: dict, said: str) -> None:
    with pytest.raises(BadInput) as error:
        generate(model=StandIn(), **request_)
    assert said in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_two_equal_poses_at_one_frame_are_one_key() -> None:
    [result] = generate("walks", keys=keys_at(1.0, 1.005), seconds=3, model=StandIn())
    assert result.clip.frames == 90


def test_keys_survive_an_npz_in_every_spelling(tmp_path: Path) -> None:
    keys = keys_at(0.5, 2.0, spread=0.4)
    spellings = {
        "times": {"times": keys.times, "rotations": keys.rotations},
        "frames": {"frames": np.array([15, 60]), "rotations": keys.rotations.reshape(2, 96)},
        "frames at 60": {"frames": np.array([30, 120]), "fps": np.array(60.0), "rotations": keys.rotations},
        "smpl": {"times": keys.times, "poses": rot.to_rotvec(keys.rotations).reshape(2, 72)},
        "smpl joints": {"times": keys.times, "poses": rot.to_rotvec(keys.rotations)},
    }
    for name, arrays in spellings.items():
        np.savez(tmp_path / "keys.npz", root_position=keys.root_position, rest_offsets=REST, **arrays)
        read = keyframes.read(tmp_path / "keys.npz")
        assert np.allclose(read.times, keys.times), name
        assert rot.angle_between(read.rotations, keys.rotations).max() < 1e-6, name
        assert np.allclose(read.root_position, keys.root_position)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"times": np.zeros(1)}, "neither 'rotations' nor 'poses'"),
        ({"rotations": np.zeros((1, 24, 4))}, "neither 'times' (seconds) nor 'frames'"),
        ({"times": np.zeros(1), "rotations": np.zeros((1, 24, 4))}, "expected unit quaternions"),
        ({"times": np.zeros(1), "rotations": np.zeros((1, 22, 4))}, "expected (K, 24, 4)"),
        ({"times": np.zeros(1), "poses": np.zeros((1, 70))}, "expected (K, 72)"),
        ({"times": np.array(["a"]), "poses": np.zeros((1, 72))}, "expected numbers"),
        ({"times": np.zeros(2), "poses": np.zeros((1, 72))}, "rotations has shape"),
        ({"times": np.zeros(1), "poses": np.full((1, 72), np.nan)}, "not finite"),
        ({"times": np.zeros(2), "rotations": np.full((2, 24, 4), np.nan)}, "'rotations', row 0: not finite"),
        ({"times": np.array([0.0, np.inf]), "poses": np.zeros((2, 72))}, "'times', row 1: not finite"),
        ({"times": np.zeros(1), "poses": np.zeros((1, 72)), "joints": np.ones(7, bool)}, "expected (24,) or (1, 24)"),
        ({"trans": np.zeros(3)}, "holds none of"),
    ],
)
def test_a_bad_npz_of_keys_names_the_array(tmp_path: Path, arrays: dict, said: str) -> None:
    np.savez(tmp_path / "keys.npz", **arrays)
    with pytest.raises(BadInput, match=r"keys\.npz") as error:
        keyframes.read(tmp_path / "keys.npz")
    assert said in str(error.value)


def test_broken_files_of_keys_are_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "keys.npz"
    np.savez(file, times=np.zeros(1), poses=np.zeros((1, 72)))
    whole = file.read_bytes()
    for cut in (0, 10, len(whole) // 2):
        file.write_bytes(whole[:cut])
        with pytest.raises(BadInput):
            keyframes.read(file)
    with pytest.raises(BadInput, match="no such file"):
        keyframes.read(tmp_path / "none.npz")
    np.savez(file, times=np.array([{}], dtype=object), poses=np.zeros((1, 72)))
    with pytest.raises(BadInput):
        keyframes.read(file)


@pytest.mark.parametrize(
    ("text", "points", "times"),
    [
        ("0,0\n1,2\n", [[0, 0], [1, 2]], None),
        ("x,z\n0,0\n1,2\n", [[0, 0], [1, 2]], None),
        ("x;y;z\n0;9;0\n1;9;2\n", [[0, 0], [1, 2]], None),
        ("# drawn by hand\nx,z,time\n0,0,0\n1,2,3.5\n", [[0, 0], [1, 2]], [0, 3.5]),
        ("0 0 0 0\n1 0 2 3.5\n", [[0, 0], [1, 2]], [0, 3.5]),
    ],
)
def test_paths_are_read_from_csv(tmp_path: Path, text: str, points: list, times: list | None) -> None:
    file = tmp_path / "path.csv"
    file.write_text(text)
    path = paths.read(file)
    assert np.allclose(path.points, points)
    assert path.times is None if times is None else np.allclose(path.times, times)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no points"),
        ("x,z\n", "no points"),
        ("0,0\n1,two\n", "line 2"),
        ("0,0\n1,2,3\n", "line 2: 3 numbers, expected 2"),
        ("0\n1\n", "shape"),
    ],
)
def test_a_bad_csv_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "path.csv"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"path\.csv") as error:
        paths.read(file)
    assert said in str(error.value)


def test_a_reach_may_be_spelled_in_many_ways() -> None:
    spelled = (Reach("left_hand", (0.3, 1.2, 0.3), 1.0), ("left hand", (0.3, 1.2, 0.3), 1.0))
    one, two = (generate("waves", seconds=2, reach=[r], model=StandIn())[0] for r in spelled)
    assert np.array_equal(one.clip.rotations, two.clip.rotations)
