"""AMASS files: every width and spelling in, what we write, and hostile archives."""

from __future__ import annotations

import io
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import mocap_data
from mocap_data import amass
from motion import Take, kinematics, skeleton
from motion import rotations as rot
from motion.errors import BadInput


def arrays(width: int = 156, frames: int = 12, **more: object) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(width)
    made = {
        "poses": rng.normal(size=(frames, width)) * 0.4,
        "trans": rng.normal(size=(frames, 3)),
        "betas": rng.normal(size=16),
        "gender": np.array("female"),
        "mocap_framerate": np.array(120.0),
    }
    made.update({key: np.asarray(value) for key, value in more.items()})
    return {key: value for key, value in made.items() if value.dtype != object}


def save(folder: Path, content: dict[str, np.ndarray]) -> Path:
    np.savez(folder / "a.npz", **content)  # type: ignore[arg-type]
    return folder / "a.npz"


@pytest.mark.parametrize(
    ("width", "kind", "joints"), [(66, "smpl", 22), (72, "smpl", 24), (156, "smplh", 52), (165, "smplx", 55)]
)
def test_reads_every_width(tmp_path: Path, width: int, kind: str, joints: int) -> None:
    content = arrays(width)
    take = mocap_data.load(save(tmp_path, content))
    assert (take.skeleton_kind, take.joints, take.fps, take.up, take.metres_per_unit) == (kind, joints, 120, "Z", 1.0)
    assert take.names[:22] == skeleton.JOINTS[:22]
    for name in ("left_knee", "head", "right_wrist"):  # the body comes first in every layout
        j = skeleton.INDEX[name]
        np.testing.assert_allclose(
            rot.to_rotvec(take.rotations[:, j]), content["poses"][:, 3 * j : 3 * j + 3], atol=1e-9
        )
        assert take.names[take.parents[j]] == skeleton.JOINTS[skeleton.PARENTS[j]]
    assert "non-commercial" in (take.provenance.licence or "")
    notes = " ".join(take.provenance.notes)
    assert "estimated" in notes and "betas" in notes and "female" in notes


def test_fingers_hang_on_their_hands(tmp_path: Path) -> None:
    for width in (156, 165):
        take = mocap_data.load(save(tmp_path, arrays(width)))
        chain = [take.names.index(f"right_thumb{i}") for i in (3, 2, 1)]
        assert [take.names[take.parents[j]] for j in chain] == ["right_thumb2", "right_thumb1", "right_wrist"]
        assert take.names[-15:] == skeleton.FINGERS[15:]
        first = 3 * take.names.index("left_index1")
        assert first == (66 if width == 156 else 75)  # SMPL-X has jaw and eyes between


def test_reads_the_newer_keys_and_spelling(tmp_path: Path) -> None:
    old = arrays(156)
    new = {
        "root_orient": old["poses"][:, :3],
        "pose_body": old["poses"][:, 3:66],
        "pose_hand": old["poses"][:, 66:],
        "trans": old["trans"],
        "mocap_frame_rate": np.array(59.94),
        "gender": np.array(b"male"),
    }
    take = mocap_data.load(save(tmp_path, new))
    assert take.fps == Fraction(60000, 1001) and take.skeleton_kind == "smplh"
    np.testing.assert_array_equal(take.rotations, mocap_data.load(save(tmp_path, old)).rotations)
    assert "male" in " ".join(take.provenance.notes)


def test_the_pelvis_is_trans_plus_the_unturned_rest_pelvis(tmp_path: Path) -> None:
    take = mocap_data.load(save(tmp_path, arrays()))
    np.testing.assert_allclose(take.translations[:, 0] - arrays()["trans"], np.tile(amass.REST_PELVIS, (12, 1)))


def test_the_rest_pose_stands(tmp_path: Path) -> None:
    take = mocap_data.load(save(tmp_path, arrays(165)))
    turns, places = take.rest_world()
    at = dict(zip(take.names, places, strict=True))
    assert 1.45 < at["head"][2] < 1.65 and 0 < at["left_foot"][2] < 0.05  # Z up
    assert at["left_wrist"][0] > 0.6 > -0.6 > at["right_wrist"][0]
    assert at["left_foot"][1] < at["left_ankle"][1] - 0.05  # toes towards -Y: +Z turned into a Z-up world
    np.testing.assert_allclose(at["left_wrist"] * [-1, 1, 1], at["right_wrist"], atol=1e-12)
    assert rot.angle_between(turns, turns[0]).max() < 1e-12


def test_a_take_written_and_read_again_is_the_same(tmp_path: Path) -> None:
    take = mocap_data.load(save(tmp_path, arrays(156, mocap_framerate=29.97)))
    mocap_data.save(take, tmp_path / "b.npz")
    again = mocap_data.load(tmp_path / "b.npz")
    assert again.names == take.names and again.fps == take.fps == Fraction(30000, 1001) and again.up == "Z"
    assert rot.angle_between(take.rotations, again.rotations).max() < 1e-9
    np.testing.assert_allclose(again.translations, take.translations, atol=1e-12)
    np.testing.assert_array_equal(again.rest_offsets, take.rest_offsets)
    assert again.provenance.licence == take.provenance.licence
    with np.load(tmp_path / "b.npz", allow_pickle=False) as written:
        assert written["poses"].shape == (12, 156) and not written["betas"].any() and written["betas"].shape == (16,)
        assert str(written["gender"]) == "neutral" and written["mocap_framerate"] == pytest.approx(30000 / 1001)


def test_a_y_up_take_in_other_units_is_written_z_up_in_metres(tmp_path: Path) -> None:
    names = skeleton.JOINTS
    rest = amass.rest_offsets() * 100
    turns = np.tile(rot.IDENTITY, (2, 24, 1))
    turns[1, 0] = rot.yaw(0.5)
    places = np.repeat(rest[None], 2, axis=0)
    places[1, 0] += [10, 5, 20]
    take = Take(
        names, skeleton.PARENTS, rest, turns, places, Fraction(30), metres_per_unit=0.01, up="Y", skeleton_kind="smpl"
    )
    mocap_data.save(take, tmp_path / "b.npz")
    again = mocap_data.load(tmp_path / "b.npz")
    _, expected = kinematics.forward(skeleton.PARENTS, turns, places / 100)
    _, actual = again.world()
    for j, name in enumerate(skeleton.JOINTS[:22]):
        x, y, z = actual[:, again.names.index(name)].T
        np.testing.assert_allclose(np.stack([x, z, -y], axis=-1), expected[:, j], atol=1e-9)


def test_another_skeleton_asks_for_a_retarget(tmp_path: Path) -> None:
    take = mocap_data.load("pybullet:humanoid3d_walk")
    with pytest.raises(mocap_data.NeedsRetarget) as caught:
        mocap_data.save(take, tmp_path / "b.npz")
    assert caught.value.skeleton == "smpl" and caught.value.exit_code == 2
    assert not (tmp_path / "b.npz").exists()


def pickled() -> dict[str, np.ndarray]:
    return {**arrays(), "trans": np.array([{"a": 1}], dtype=object)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (arrays(100), r"'poses' has shape \(12, 100\), expected rows of 66, 72, 156, 165"),
        (arrays(156, frames=0), "no frames"),
        (arrays(trans=np.zeros((11, 3))), r"'trans' has shape \(11, 3\), expected \(12, 3\)"),
        (arrays(poses=np.full((12, 156), np.nan)), "frame 0 of 'poses' is not finite"),
        (arrays(trans=np.where(np.arange(36).reshape(12, 3) == 16, np.inf, 0.0)), "frame 5 of 'trans' is not finite"),
        (arrays(mocap_framerate=0.0), "mocap_framerate: 0 frames per second"),
        (arrays(mocap_framerate=-30.0), "mocap_framerate"),
        (arrays(mocap_framerate="fast"), "mocap_framerate"),
        (arrays(poses=np.full((12, 156), "x")), "expected numbers"),
        ({"betas": np.zeros(10)}, "holds no 'poses'; it has: betas"),
        ({k: v for k, v in arrays().items() if k != "trans"}, "holds no 'trans'"),
        ({k: v for k, v in arrays().items() if "frame" not in k}, "neither 'mocap_framerate' nor 'mocap_frame_rate'"),
        ({"root_orient": np.zeros((4, 3)), "pose_body": np.zeros((5, 63)), "trans": np.zeros((4, 3))}, "as many rows"),
        (pickled(), "pickled Python objects"),
    ],
)
def test_refuses_what_is_wrong(tmp_path: Path, content: dict[str, np.ndarray], expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        mocap_data.load(save(tmp_path, content))


def test_refuses_damaged_and_hostile_archives(tmp_path: Path) -> None:
    whole = save(tmp_path, arrays()).read_bytes()
    path = tmp_path / "b.npz"
    for cut in (5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadInput):
            mocap_data.load(path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 156)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("poses.npy", header.getvalue() + b"\0" * 64)
    with pytest.raises(BadInput, match=r"'poses' cannot be read.*cut off"):
        mocap_data.load(path)
    path.write_bytes(b"not a zip archive")
    with pytest.raises(BadInput, match="not a Kimodo or AMASS file"):
        mocap_data.load(path)


def test_a_standing_file_becomes_a_standing_clip(tmp_path: Path) -> None:
    from motion.retarget import clip_to_take, retarget

    poses = np.zeros((20, 156))
    poses[:, 0] = np.pi / 2  # upright in a Z-up world
    poses[:, 3 * skeleton.INDEX["left_shoulder"] + 2] = -1.0
    trans = np.tile([0.0, 0.0, 0.945 - amass.REST_PELVIS[2]], (20, 1))
    clip, _ = retarget(mocap_data.load(save(tmp_path, arrays(poses=poses, trans=trans, frames=20))))
    turned = np.degrees(rot.angle_between(clip.rotations[0], rot.IDENTITY))
    assert turned[skeleton.INDEX["left_shoulder"]] == pytest.approx(57.3, abs=0.1)
    assert np.delete(turned, skeleton.INDEX["left_shoulder"]).max() < 0.1
    assert clip.root_position[0, 1] == pytest.approx(clip.rest_offsets[0, 1], abs=0.03)

    mocap_data.save(clip_to_take(clip), tmp_path / "b.npz")  # and the way back
    again, _ = retarget(mocap_data.load(tmp_path / "b.npz"), clip.rest_offsets)
    assert np.degrees(rot.angle_between(again.rotations, clip.rotations)).max() < 0.5
    np.testing.assert_allclose(again.root_position, clip.root_position, atol=1e-3)
