"""The types between stages: what they accept, what they refuse, and sampling in time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from conftest import REST_OFFSETS, random_clip

from motion import BadInput, CameraPath, Clip, ContactTrack, Take, kinematics, skeleton
from motion import rotations as rot
from motion.camera import look_at
from motion.errors import did_you_mean, need, unknown


def test_the_smpl_tree_is_a_tree_with_mirror_pairs() -> None:
    assert (skeleton.PARENTS < np.arange(24)).all()
    np.testing.assert_array_equal(skeleton.MIRROR[skeleton.MIRROR], np.arange(24))
    assert skeleton.JOINTS[skeleton.MIRROR[skeleton.INDEX["left_wrist"]]] == "right_wrist"


def test_world_rotations_become_local_ones_again(clip: Clip) -> None:
    world, _ = clip.world()
    assert rot.angle_between(kinematics.to_local(skeleton.PARENTS, world), clip.rotations).max() < 1e-9


def test_forward_kinematics_moves_rigidly_with_the_root(clip: Clip) -> None:
    turn = rot.yaw(0.7)
    moved = Clip(
        np.concatenate([rot.multiply(turn, clip.rotations[:, :1]), clip.rotations[:, 1:]], axis=1),
        rot.rotate(turn, clip.root_position) + [1.0, 0.0, 2.0],
        clip.rest_offsets,
        clip.fps,
    )
    np.testing.assert_allclose(moved.positions(), rot.rotate(turn, clip.positions()) + [1.0, 0.0, 2.0], atol=1e-12)


def test_a_clip_between_frames_lies_between_them_and_is_held_beyond_its_ends(clip: Clip) -> None:
    _, root = clip.at(3.5 / 30)
    np.testing.assert_allclose(root, clip.root_position[3:5].mean(0))
    np.testing.assert_allclose(clip.at(-5)[1], clip.root_position[0])
    np.testing.assert_allclose(clip.at(500)[1], clip.root_position[-1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.update(rotations=np.zeros((5, 23, 4))), "rotations has shape"),
        (lambda a: a.update(root_position=np.zeros((4, 3))), "root_position has shape"),
        (lambda a: a.update(fps=0), "more than 0"),
        (lambda a: a["rotations"].__setitem__((3, 2, 1), np.nan), "frame 3 is not finite"),
        (lambda a: a.update(rotations=np.zeros((0, 24, 4)), root_position=np.zeros((0, 3))), "no frames"),
        (lambda a: a.update(contacts=ContactTrack(("left_toe",), np.zeros((3, 1)))), "frames of contacts"),
    ],
)
def test_a_broken_clip_says_what_is_wrong(change, words: str) -> None:
    arguments = {
        "rotations": np.tile(rot.IDENTITY, (5, 24, 1)),
        "root_position": np.zeros((5, 3)),
        "rest_offsets": REST_OFFSETS,
        "fps": 30,
    }
    change(arguments)
    with pytest.raises(BadInput, match=words):
        Clip(**arguments)


def test_a_take_refuses_a_joint_before_its_parent() -> None:
    with pytest.raises(BadInput, match="before its parent"):
        Take(("a", "b"), [1, -1], np.zeros((2, 3)), np.tile(rot.IDENTITY, (1, 2, 1)), np.zeros((1, 2, 3)), Fraction(30))


def path(frames: int = 10, cut: int | None = None) -> CameraPath:
    x = np.arange(frames, dtype=float)
    position = np.stack([x, np.full(frames, 1.5), np.full(frames, 4.0)], axis=-1)
    cuts = np.zeros(frames, dtype=bool)
    if cut is not None:
        position[cut:, 0] += 50
        cuts[cut] = True
    return CameraPath(look_at(position, position + [0, 0, -1.0]), np.full(frames, 35.0), Fraction(30), cuts=cuts)


def test_a_camera_between_frames_moves_evenly_and_goes_on_beyond_a_shot() -> None:
    camera = path()
    for frame in (0.0, 3.25, 8.75, 9.0, 9.3, -0.2):
        np.testing.assert_allclose(camera.at(frame)[0][0, 3], frame, atol=1e-9)


def test_a_camera_never_moves_across_a_cut() -> None:
    camera = path(cut=5)
    np.testing.assert_allclose(camera.at(4.3)[0][0, 3], 4.3, atol=1e-9)
    np.testing.assert_allclose(camera.at(4.7)[0][0, 3], 54.7, atol=1e-9)
    assert [camera.shot_of(k) for k in (0, 4, 5, 9)] == [0, 0, 1, 1]


def test_look_at_points_minus_z_at_the_target_with_a_level_horizon() -> None:
    pose = look_at(np.array([1.0, 2.0, 3.0]), np.array([4.0, 1.0, -2.0]))
    direction = np.array([3.0, -1.0, -5.0])
    np.testing.assert_allclose(-pose[:3, 2], direction / np.linalg.norm(direction))
    assert abs(pose[1, 0]) < 1e-12
    np.testing.assert_allclose(pose[:3, :3].T @ pose[:3, :3], np.eye(3), atol=1e-12)
    assert np.isfinite(look_at(np.zeros(3), np.array([0.0, -1.0, 0.0]))).all()


def test_field_of_view_of_a_full_frame_lens() -> None:
    np.testing.assert_allclose(np.degrees(path().fov_y(36 / 24)), 37.8, atol=0.1)


def test_errors_suggest_the_nearest_name_and_the_install_line() -> None:
    assert "did you mean 'walk'" in did_you_mean("wlak", ["walk", "run"])
    assert "known: a, b" in str(unknown("outfit", "zzz", ["b", "a"]))
    with pytest.raises(Exception, match=r"pip install 'cinemotion\[usd\]'"):
        need("no_such_module_here", "usd", "writing .usd")


def test_motion_imports_without_the_heavy_libraries() -> None:
    import subprocess
    import sys

    code = "import motion, motion.edit, sys; print([m for m in ('torch', 'trimesh', 'pybullet') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_random_clips_differ_by_seed() -> None:
    assert np.abs(random_clip(1).rotations - random_clip(2).rotations).max() > 0.1
