"""Other people's models: joints, features, MDM's results and Kimodo's arrays in, odd ones refused, no pickle run."""

from __future__ import annotations

import io
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign_motions import captured, features_263, features_272, kimodo, mdm, soma, walker

import mocap_data
from mocap_data import humanml3d, pickles
from mocap_data.kimodo import SKELETONS
from motion import Clip, Take, skeleton
from motion import rotations as rot
from motion.errors import BadInput
from motion.retarget import retarget

INDEX = skeleton.INDEX


def save(folder: Path, content: Any, name: str = "result.npy") -> Path:
    np.save(folder / name, content, allow_pickle=True)
    return folder / name


def joints_of(clip: Clip) -> np.ndarray:
    return clip.positions()[:, :22]


def distance(take: Take, clip: Clip) -> float:
    """Median distance between the joints of a take, brought to SMPL, and of a clip, metres."""
    made, report = retarget(take)
    assert report.road == "smpl"
    frames = min(made.frames, clip.frames)
    return float(np.median(np.linalg.norm(joints_of(made)[:frames] - joints_of(clip)[:frames], axis=-1)))


def test_joints_become_a_take_on_smpl(tmp_path: Path) -> None:
    truth = captured("walk")
    path = save(tmp_path, joints_of(truth).astype(np.float32))
    take = mocap_data.load(path)
    assert (take.names, take.fps, take.up, take.metres_per_unit) == (skeleton.JOINTS[:22], 20, "Y", 1.0)
    assert take.provenance.source == "result.npy" and "non-commercial" in (take.provenance.licence or "")
    notes = " ".join(take.provenance.notes)
    assert "20 frames per second taken from the format" in notes and "mm from the points" in notes
    assert distance(take, truth) < 0.002
    clip, report = retarget(take)
    assert set(report.invented) == {"left_hand", "right_hand"} and not clip.valid[22:].any()
    assert mocap_data.load(path, fps=30).fps == 30


@pytest.mark.parametrize("name", ["walk", "run", "dance_a", "crawl"])
def test_263_features_give_their_joints_back(tmp_path: Path, name: str) -> None:
    truth = joints_of(captured(name))
    features = features_263(truth)
    np.testing.assert_allclose(humanml3d.positions_of_263(features), truth[:-1], atol=1e-9)
    take = mocap_data.load(save(tmp_path, features.astype(np.float32)))
    assert take.fps == 20 and take.frames == len(truth) - 1


@pytest.mark.parametrize("name", ["walk", "run", "spinkick", "cartwheel"])
def test_272_features_bring_their_own_rotations(tmp_path: Path, name: str) -> None:
    truth = captured(name, 30)
    points, local = humanml3d.pose_of_272(features_272(truth))
    np.testing.assert_allclose(points, joints_of(truth), atol=1e-9)
    assert np.degrees(rot.angle_between(local, truth.rotations[:, :22])).max() < 1e-4
    take = mocap_data.load(save(tmp_path, features_272(truth)))
    assert take.fps == 30
    np.testing.assert_allclose(take.rest_offsets[1:], truth.rest_offsets[1:22], atol=1e-6)
    assert np.degrees(rot.angle_between(take.rotations, truth.rotations[:, :22])).max() < 1e-4
    assert "the file's own rotations" in " ".join(take.provenance.notes)


def test_turns_and_travel_survive_features() -> None:
    truth = walker(100)
    for points in (
        humanml3d.positions_of_263(features_263(joints_of(truth))),
        humanml3d.pose_of_272(features_272(truth))[0][:-1],
    ):
        np.testing.assert_allclose(points[-1], joints_of(truth)[-2], atol=1e-8)  # five seconds of curve


def test_mdm_results_choose_a_sample(tmp_path: Path) -> None:
    walk, run = joints_of(captured("walk")), joints_of(captured("run"))
    path = mdm(tmp_path / "results.npy", [walk, run, run[:9]], ["a person walks", "a person runs", "runs a little"])
    first = mocap_data.load(path)
    assert first.frames == len(walk)
    notes = " ".join(first.provenance.notes)
    assert "sample 0 of 3: a person walks" in notes and "results.npy#1" in notes
    for chosen in (mocap_data.load(f"{path}#2"), mocap_data.load(path, sample=2)):
        assert chosen.frames == 9 and "sample 2 of 3: runs a little" in " ".join(chosen.provenance.notes)
    with pytest.raises(BadInput, match=r"no sample 3; it holds 3 motions, 0 to 2"):
        mocap_data.load(f"{path}#3")
    assert mocap_data.split_sample(f"{path}#2") == (str(path), 2)
    (tmp_path / "odd.npy#2").write_bytes(path.read_bytes())  # such a file's own name
    assert mocap_data.split_sample(str(tmp_path / "odd.npy#2"))[1] is None
    assert mocap_data.options_of(path) == {"fps", "sample", "up", "units"}


def test_a_sample_of_a_file_that_holds_one(tmp_path: Path) -> None:
    mocap_data.save(mocap_data.load("pybullet:walk"), tmp_path / "walk.bvh")
    with pytest.raises(BadInput, match="BVH holds one motion; '#1' cannot be chosen"):
        mocap_data.load(f"{tmp_path / 'walk.bvh'}#1")
    path = save(tmp_path, joints_of(walker()))
    assert mocap_data.load(f"{path}#0").frames == 60
    with pytest.raises(BadInput, match="no sample 1; it holds one motion, number 0"):
        mocap_data.load(f"{path}#1")


@pytest.mark.parametrize(
    "layout",
    [
        lambda p: p[None],  # T2M-GPT's
        lambda p: p.transpose(1, 2, 0),
        lambda p: p.transpose(1, 2, 0)[None],  # MDM's, bare
        lambda p: p.reshape(len(p), 66),
        lambda p: np.concatenate([p, p[:, :2] + 0.1], axis=1),  # SMPL-24
        lambda p: np.concatenate([p, np.zeros((len(p), 30, 3))], axis=1),  # SMPL-H
        lambda p: np.stack([p, p]),
        lambda p: features_263(np.concatenate([p, p[-1:]]))[None].transpose(0, 2, 1)[:, :, None],  # (N, 263, 1, T)
        lambda p: {"motion": p.transpose(1, 2, 0)[None]},
        lambda p: {"motion": [p, p[:7]], "text": ["one", "two"]},
        lambda p: p.astype(np.float16),
        lambda p: p[:1][0],  # one pose
    ],
)
def test_reads_every_layout(tmp_path: Path, layout: Any) -> None:
    truth = captured("run")
    points = joints_of(truth)
    take = mocap_data.load(save(tmp_path, layout(points)))
    assert take.frames in (1, len(points))
    assert distance(take, truth if take.frames > 1 else replace(truth, rotations=truth.rotations[:1],
                    root_position=truth.root_position[:1])) < 0.03  # fmt: skip


def test_empty_frames_at_the_end_of_a_batch_are_left_out(tmp_path: Path) -> None:
    points = joints_of(walker(30))
    batch = np.zeros((2, 50, 22, 3))
    batch[0, :30], batch[1] = points, np.concatenate([points, points[:20]])
    take = mocap_data.load(save(tmp_path, batch))
    assert take.frames == 30 and "20 empty frames" in " ".join(take.provenance.notes)


def test_units_and_axes_are_found_and_may_be_told(tmp_path: Path) -> None:
    truth = captured("walk")
    points = joints_of(truth)
    for scale, unit in ((100.0, "centimetres"), (1000.0, "millimetres")):
        take = mocap_data.load(save(tmp_path, points * scale))
        assert unit in " ".join(take.provenance.notes) and distance(take, truth) < 0.002
    z_up = points @ np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    take = mocap_data.load(save(tmp_path, z_up))
    assert "Z is up" in " ".join(take.provenance.notes) and distance(take, truth) < 0.002
    told = mocap_data.load(save(tmp_path, z_up * 39.37), up="Z", units=0.0254)
    assert distance(told, truth) < 0.002
    with pytest.raises(BadInput, match="unknown up axis 'W'"):
        mocap_data.load(save(tmp_path, points), up="W")


def test_who_lies_down_does_not_turn_the_world(tmp_path: Path) -> None:
    for name in ("getup_facedown", "getup_faceup", "crawl"):
        points = joints_of(captured(name))
        points[..., 1] -= points[..., 1].min()
        take = mocap_data.load(save(tmp_path, points[: len(points) // 2]))
        assert "is up" not in " ".join(take.provenance.notes)


def test_feet_stand_on_the_floor(tmp_path: Path) -> None:
    from motion import contacts

    points = joints_of(captured("walk"))
    clip, _ = retarget(mocap_data.load(save(tmp_path, points + [0.0, 3.0, 0.0])))
    soles = contacts.foot_points(clip)[..., 1]
    assert abs(float(np.percentile(soles.min(1), 20))) < 0.02


@pytest.mark.parametrize("kind", ["both", "global", "none"])
def test_kimodo_on_smpl(tmp_path: Path, kind: str) -> None:
    truth = captured("walk", 30)
    empty = np.empty(0)
    drop = {"both": {}, "global": {"local_rot_mats": empty}}.get(
        kind, {"local_rot_mats": empty, "global_rot_mats": empty}
    )
    take = mocap_data.load(kimodo(tmp_path / "motion.npz", truth, **drop))
    assert take.fps == 30 and take.skeleton_kind == "smpl" and "Kimodo" in (take.provenance.licence or "")
    assert distance(take, truth) < 0.001
    if kind != "none":
        assert np.degrees(rot.angle_between(take.rotations, truth.rotations[:, :22])).max() < 0.05
        assert "own rotations" in " ".join(take.provenance.notes)


@pytest.mark.parametrize("joints", [77, 30])
def test_kimodo_on_soma(tmp_path: Path, joints: int) -> None:
    assert len(SKELETONS[joints]) == joints and SKELETONS[joints][0] == ("Hips", "")
    truth = captured("walk", 30)
    take = mocap_data.load(soma(tmp_path / "motion.npz", truth, SKELETONS[joints]))
    assert take.joints == joints
    mocap_data.save(take, tmp_path / "soma.bvh")
    clip, report = retarget(take, rest_offsets=truth.rest_offsets)
    assert report.mapping["left_hip"] == "LeftLeg" and report.mapping["left_knee"] == "LeftShin"
    assert report.mapping["right_elbow"] == "RightForeArm" and report.mapping["spine3"] == "Chest"
    ahead = np.array([0.0, 0.0, 1.0])
    for joint in ("pelvis", "left_hip", "right_knee", "left_shoulder", "right_elbow"):
        j = INDEX[joint]
        cosine = np.sum(rot.rotate(clip.world()[0][:, j], ahead) * rot.rotate(truth.world()[0][:, j], ahead), axis=-1)
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 15.0


def test_kimodo_batches_and_faults(tmp_path: Path) -> None:
    truth = walker(12, 30)
    points, turns = joints_of(truth), rot.to_matrix(truth.rotations[:, :22])
    path = tmp_path / "m.npz"

    def load(**arrays: np.ndarray) -> Take:
        np.savez(path, **arrays)  # type: ignore[arg-type]
        return mocap_data.load(path)

    np.savez(
        path, posed_joints=np.stack([points, points + 1]), local_rot_mats=np.stack([turns, turns]), fps=np.array(60)
    )
    assert mocap_data.load(f"{path}#1").fps == 60
    bad = turns.copy()
    bad[3, 2] *= 2.0
    nan = points.copy()
    nan[5, 0, 0] = np.nan
    for arrays, expected in (
        ({"posed_joints": points, "local_rot_mats": bad}, "frame 3, joint 2: its matrix is no rotation"),
        ({"posed_joints": nan, "local_rot_mats": turns}, "frame 5 of 'posed_joints' is not finite"),
        ({"posed_joints": points[:5], "local_rot_mats": turns}, r"positions of \(5, 22\) frames and joints"),
        ({"posed_joints": np.zeros((4, 34, 3))}, "34 joints: a motion of the robot G1"),
        ({"posed_joints": np.zeros((4, 26, 3))}, "26 joints, expected"),
        ({"posed_joints": np.zeros((4, 77, 3))}, "holds no 'local_rot_mats'"),
        ({"local_rot_mats": turns}, "holds no 'posed_joints'"),
        ({"posed_joints": points[:0], "local_rot_mats": turns[:0]}, r"shape \(0, 22, 3\)"),
        ({"posed_joints": np.zeros(5)}, r"shape \(5,\)"),
    ):
        with pytest.raises(BadInput, match=expected):
            load(**arrays)


WALK = joints_of(walker(30))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (np.zeros((0, 22, 3)), "no frames"),
        (np.zeros((9, 21, 3)), "21 joints, which is KIT-ML's skeleton"),
        (np.zeros((9, 17, 3)), "17 joints, which is Human3.6M's or COCO's"),
        (np.zeros((2, 21, 3, 9)), "21 joints"),
        (np.zeros((9, 251)), "KIT-ML's features"),
        (np.zeros((9, 100)), r"shape \(9, 100\); expected \(frames, 22, 3\)"),
        (np.zeros(5), r"shape \(5,\)"),
        (np.zeros((2, 2, 2, 2, 2)), "expected"),
        (np.array(3.0), r"shape \(\)"),
        (np.array(["a", "b"]), "holds <U1, expected numbers"),
        (np.where(np.arange(30)[:, None, None] == 4, np.nan, WALK), "frame 4: pelvis is not finite"),
        (WALK * 0, "left_hip stands on the joint above it"),
        (WALK * 7.0, "neither metres, centimetres nor millimetres"),
        (WALK[:, np.r_[0, 5:22, 1:5]], "do not fit a person in SMPL's joint order"),
        (WALK * [-1.0, 1.0, 1.0] * [1, 1, 1], "toes point behind the body"),
        (np.random.default_rng(0).normal(size=(30, 22, 3)), "do not fit|change length"),
        (np.random.default_rng(0).normal(size=(30, 263)), "multiplied by Std and added to Mean"),
        (np.random.default_rng(0).normal(size=(30, 272)) * 9, "multiplied by Std and added to Mean"),
        ({"text": ["x"]}, "its dictionary has no 'motion'; it has: text"),
        ({"motions_": 1}, "did you mean"),
        ({"motion": "walk"}, "'motion' is a str, expected an array"),
        ({"motion": WALK[None], "lengths": [3, 4]}, "2 lengths for 1 motions"),
        ({"motion": WALK[None], "lengths": np.array([31])}, "said to have 31 frames, and 30 are there"),
        ({"motion": [WALK, WALK[:, :, :2]]}, "shape"),
        ([1, 2, {"a": 1}], "expected a dictionary with 'motion'"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, content: Any, expected: str) -> None:
    if isinstance(content, dict | list):
        holder = np.empty((), dtype=object)
        holder[()] = content
        content = holder
    with pytest.raises(BadInput, match=expected) as error:
        mocap_data.load(save(tmp_path, content))
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_features_are_in_metres(tmp_path: Path) -> None:
    path = save(tmp_path, features_263(WALK))
    with pytest.raises(BadInput, match="up and units do not apply"):
        mocap_data.load(path, up="Z")
    for fps in (0.0, -3.0, float("nan")):
        with pytest.raises(BadInput, match="fps"):
            mocap_data.load(path, fps=fps)


class Evil:
    """What a hostile pickle may carry."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.made = call, arguments

    def __reduce__(self) -> Any:
        return self.made


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_no_pickle_is_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "ran"
    for evil in (
        Evil(os.system, f"touch {mark}"),
        Evil(eval, f"open({str(mark)!r}, 'w')"),
        Evil(getattr, "a", "upper"),
    ):
        holder = io.BytesIO()
        np.lib.format.write_array_header_1_0(holder, {"descr": "|O", "fortran_order": False, "shape": ()})
        path = tmp_path / "evil.npy"
        path.write_bytes(holder.getvalue() + pickle.dumps({"motion": evil}, protocol=protocol))
        with pytest.raises(BadInput, match="refused; only arrays, texts and numbers") as error:
            mocap_data.load(path)
        assert "it asks for" in str(error.value)
    assert not mark.exists()


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_plain_pickles_come_back_as_they_were(protocol: int) -> None:
    content: dict[str, Any] = {
        "f4": np.arange(6, dtype=np.float32).reshape(2, 3), "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.arange(3, dtype=">i2"), "bool": np.array([True, False]), "text": np.array(["walk", "é"]),
        "none": np.empty((0, 3)), "scalar": np.float32(1.5), "whole": np.int64(7),
        "objects": np.array([{"a": 1}, None]),
        "list": ["x", 1, 2.5, None, True, b"raw", (1, 2)], "half": np.ones(2, np.float16),
    }  # fmt: skip
    made = pickles.read(pickle.dumps(content, protocol=protocol))
    for key in ("f4", "fortran", "big", "bool", "text", "none", "half"):
        np.testing.assert_array_equal(made[key], content[key])
        assert made[key].dtype == content[key].dtype
    assert made["scalar"] == 1.5 and made["whole"] == 7 and made["objects"] == [{"a": 1}, None]
    assert made["list"] == ["x", 1, 2.5, None, True, b"raw", [1, 2]]


def _array_of(shape: tuple[int, ...], code: str, raw: object, flags: int = 0) -> bytes:
    """A pickle that builds an array from a state of our choosing."""

    class Dtype:
        def __reduce__(self) -> Any:
            return np.dtype, (code, False, True), (3, "|", None, None, None, -1, -1, flags)

    class Array:
        def __reduce__(self) -> Any:
            function = np.zeros(1).__reduce__()[0]
            return function, (np.ndarray, (0,), b"b"), (1, shape, Dtype(), False, raw)

    return pickle.dumps(Array(), protocol=2)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (_array_of((10**12,), "f8", b"12345678"), "whose bytes are another number"),
        (_array_of((1,), "O8", b"\x41" * 8), "objects without them"),  # bytes taken for a pointer crash NumPy's own
        (_array_of((1,), "V8", b"\x41" * 8), "an array of V8"),
        (_array_of((-1,), "f8", b"12345678"), "an array of shape"),
        (_array_of((1,), "O8", [1, 2, 3]), "objects without them"),
        (b"\x80\x04r\xff\xff\xff\x7f.", "it"),  # a memo of two billion places
        (b"\x80\x04N\x94", "damaged"),
        (b"", "damaged"),
        (b"not a pickle", "damaged|asks"),
        (b"\x80\x02cbuiltins\neval\n.", "asks for builtins.eval"),
        (b"\x80\x02cnumpy\nndarray\n.", "class in the place of a value"),
        (b"\x80\x02cnumpy\nndarray\nK\x05\x85R.", "damaged"),  # the class called
        (b"\x80\x04" + b"]" * 5000 + b"a" * 4999 + b".", "containers within containers"),
        (b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00f8\x85R.", "class in the place of a value"),
    ],
)
def test_hostile_pickles_are_refused(data: bytes, expected: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=expected):
        pickles.read(data)


def test_damaged_files_get_a_line(tmp_path: Path) -> None:
    good = mdm(tmp_path / "results.npy", [WALK], ["walk"]).read_bytes()
    path = tmp_path / "cut.npy"
    rng = np.random.default_rng(3)
    for cut in (1, 7, 40, 130, 200, 400, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:cut])
        with pytest.raises(BadInput):
            mocap_data.load(path)
    for _ in range(60):
        hurt = bytearray(good)
        for at in rng.integers(0, 400, 3):
            hurt[at] = rng.integers(0, 256)
        path.write_bytes(hurt)
        try:
            mocap_data.load(path)
        except BadInput as error:
            assert str(path) in str(error)
    path.write_bytes(b"BVH, surely")
    with pytest.raises(BadInput, match="not a HumanML3D file, by its first bytes"):
        mocap_data.load(path)
