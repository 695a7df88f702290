"""Laws of retargeting: what is SMPL stays as it is, and nothing depends on how a capture happens to be written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import retarget_rigs as rigs

from motion import contacts, names, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.retarget import clip_to_take, onto, retarget
from motion.retarget.report import measure
from motion.retarget.source import TEMPLATE, UNITS, UP_TURNS
from motion.take import Take

INDEX = skeleton.INDEX


@pytest.fixture(scope="module")
def clip() -> Clip:
    return rigs.performance()


@pytest.fixture(scope="module")
def foreign(clip: Clip) -> Take:
    """A source that has to be solved: Mixamo names, random joint axes with a known T-pose, no unit, no up axis said."""
    return replace(rigs.reframed(rigs.mixamo(clip)), up=None, metres_per_unit=None)


def assert_same(a: Clip, b: Clip, degrees: float = 1e-4, millimetres: float = 1e-3) -> None:
    turned = np.degrees(rot.angle_between(a.rotations, b.rotations)).max(0)
    worst = int(turned.argmax())
    assert turned[worst] <= degrees, f"{skeleton.JOINTS[worst]} differs by {turned[worst]:.4f} degrees"
    assert 1000 * np.abs(a.positions() - b.positions()).max() <= millimetres


@pytest.mark.parametrize("convention", list(names.CONVENTIONS))
def test_a_clip_written_under_any_names_comes_back(clip: Clip, convention: str) -> None:
    again, report = retarget(clip_to_take(clip, names=convention))
    assert_same(clip, again, 1e-9, 1e-9)
    assert np.array_equal(again.rest_offsets, clip.rest_offsets)
    assert again.fps == clip.fps and again.valid.all()
    assert report.road == ("smpl" if convention == "smpl" else "same tree")


def test_fingers_go_along_with_smpl_names(clip: Clip) -> None:
    fingers = rot.normalize(np.random.default_rng(0).normal(size=(clip.frames, 30, 4)))
    take = clip_to_take(replace(clip, fingers=fingers))
    assert take.joints == 54 and take.skeleton_kind == "smplh"
    again, _ = retarget(take)
    assert again.fingers is not None and np.array_equal(again.fingers, fingers)


def test_joint_axes_do_not_matter(clip: Clip, foreign: Take) -> None:
    solved, report = retarget(foreign)
    assert report.road == "names" and report.rest == "T-pose"
    assert_same(clip, solved, 0.02, 0.5)
    assert measure(foreign, solved).worst < 0.01


@pytest.mark.parametrize("up", ["X", "Y", "Z", "-Y", "-Z"])
@pytest.mark.parametrize("said", [True, False])
def test_up_axis_does_not_matter(foreign: Take, up: str, said: bool) -> None:
    if said and up.startswith("-"):
        pytest.skip("files say X, Y or Z")
    base, _ = retarget(foreign)
    turned = replace(rigs.world_changed(foreign, rot.inverse(UP_TURNS[up])), up=up if said else None)
    solved, report = retarget(turned)
    assert report.up == up
    assert_same(base, solved)


@pytest.mark.parametrize("unit", [u for u in UNITS if u != "decimetres"])
def test_unit_does_not_matter_and_is_found(foreign: Take, unit: str) -> None:
    base, _ = retarget(foreign)
    scaled = rigs.world_changed(foreign, rot.IDENTITY, 1.0 / UNITS[unit])
    solved, report = retarget(scaled)
    assert report.unit.startswith(unit)
    assert_same(base, solved)
    told, _ = retarget(replace(scaled, metres_per_unit=UNITS[unit]))
    assert_same(base, told)


def test_an_unknown_unit_is_taken_from_the_legs(foreign: Take) -> None:
    solved, report = retarget(rigs.world_changed(foreign, rot.IDENTITY, 7.3e6))
    assert "unknown unit" in report.unit
    legs = np.linalg.norm(solved.rest_offsets[[4, 7]], axis=-1).sum()
    assert legs == pytest.approx(0.83, abs=1e-6)


@pytest.mark.parametrize("angle", [0.4, 1.7, 3.1])
def test_a_turned_world_turns_the_clip(foreign: Take, angle: float) -> None:
    base, _ = retarget(foreign)
    turn = rot.yaw(angle)
    solved, report = retarget(rigs.world_changed(foreign, turn))
    wanted = base.rotations.copy()
    wanted[:, 0] = rot.multiply(turn, wanted[:, 0])
    assert_same(replace(base, rotations=wanted, root_position=rot.rotate(turn, base.root_position)), solved)
    assert abs((report.facing_deg - np.degrees(angle) + 180) % 360 - 180) < 0.1


def test_a_shifted_world_shifts_the_clip(foreign: Take) -> None:
    base, _ = retarget(foreign)
    solved, _ = retarget(rigs.world_changed(foreign, rot.IDENTITY, shift=(3.0, 0.0, -2.0)))
    assert_same(replace(base, root_position=base.root_position + [3.0, 0.0, -2.0]), solved)


def test_a_floor_at_another_height_is_found(foreign: Take) -> None:
    base, _ = retarget(foreign)
    solved, report = retarget(rigs.world_changed(foreign, rot.IDENTITY, shift=(0.0, 0.8, 0.0)))
    assert report.floor_m == pytest.approx(0.8, abs=0.02)
    ankles = solved.positions()[:, [7, 8], 1].min()
    assert ankles == pytest.approx(contacts.sole_heights(solved.rest_offsets)[0, 0], abs=0.005)
    assert abs(ankles - base.positions()[:, [7, 8], 1].min()) < 0.02


@pytest.mark.parametrize("degrees", [30.0, 60.0, 88.0])
def test_t_pose_and_a_pose_rests_of_one_motion_agree(clip: Clip, degrees: float) -> None:
    lowered = rigs.a_pose(rigs.mixamo(clip), degrees)
    solved, report = retarget(lowered)
    assert report.rest == ("N-pose" if degrees > 70 else "A-pose")
    assert_same(clip, solved, 0.02, 0.5)


def test_names_and_shape_find_the_same_joints(foreign: Take) -> None:
    nameless = replace(foreign, names=tuple(f"node_{i}" for i in range(foreign.joints)))
    named, by_names = retarget(foreign)
    shaped, by_shape = retarget(nameless)
    assert (by_names.road, by_shape.road) == ("names", "geometry")
    back = {f"node_{i}": name for i, name in enumerate(foreign.names)}
    assert {j: back[n] for j, n in by_shape.mapping.items()} == by_names.mapping
    assert by_shape.confidence < by_names.confidence
    assert_same(named, shaped)


def test_a_mirrored_take_gives_the_mirrored_clip(clip: Clip) -> None:
    take = rigs.a_pose(rigs.mixamo(clip))
    base, _ = retarget(take)
    solved, _ = retarget(rigs.mirrored(take))
    flip_q = np.array([1.0, -1.0, -1.0, 1.0])
    wanted = replace(
        base,
        rotations=base.rotations[:, skeleton.MIRROR] * flip_q,
        root_position=base.root_position * [-1.0, 1.0, 1.0],
        rest_offsets=base.rest_offsets[skeleton.MIRROR] * [-1.0, 1.0, 1.0],
    )
    assert_same(wanted, solved, 1e-3, 0.01)


def test_exchanged_names_are_read_the_other_way_round(clip: Clip) -> None:
    take = rigs.a_pose(rigs.mixamo(clip))
    swapped = replace(
        take, names=tuple(n.replace("Left", "?").replace("Right", "Left").replace("?", "Right") for n in take.names)
    )
    base, _ = retarget(take)
    solved, report = retarget(swapped)
    assert any("exchanged" in note for note in report.notes)
    assert_same(base, solved)


@pytest.mark.parametrize("along_x", [True, False])
def test_a_rest_pose_that_is_no_pose_is_calibrated_from_the_motion(clip: Clip, along_x: bool) -> None:
    take = rigs.reframed(rigs.mixamo(clip), rest=False, along_x=along_x)
    solved, report = retarget(take)
    assert report.rest == "motion"
    quality = measure(take, solved)
    assert quality.worst < 0.1
    # Turns about the bones come from knees and elbows: exact where these are hinges, as here.
    for joint in ("left_hip", "right_knee", "left_shoulder", "right_shoulder"):
        w, v = clip.world()[0][:, INDEX[joint]], solved.world()[0][:, INDEX[joint]]
        assert np.degrees(np.median(rot.angle_between(w, v))) < 6.0, joint


def test_a_t_pose_in_the_first_frame_serves_as_rest(clip: Clip) -> None:
    root = clip.root_position.copy()
    root[0, 1] = clip.rest_offsets[0, 1]
    posed = replace(
        clip, rotations=np.concatenate([np.tile(rot.IDENTITY, (1, 24, 1)), clip.rotations[1:]]), root_position=root
    )
    solved, report = retarget(rigs.reframed(rigs.mixamo(posed), rest=False))
    assert report.rest == "frame 0"
    assert_same(posed, solved, 0.02, 1.0)


def test_a_rest_rolled_about_its_bones_is_mended_by_the_bends(clip: Clip) -> None:
    take = rigs.mixamo(clip)
    turn = rot.from_axis("X", np.radians(-90.0))
    # Palms forward at rest: the arms' frames are rolled, their directions are not.
    rolled = rigs.posed_rest(take, {"mixamorig:LeftArm": turn, "mixamorig:RightArm": turn})
    solved, report = retarget(rigs.a_pose(rolled, 20.0))
    assert any("rolled" in note for note in report.notes)
    for joint in ("left_shoulder", "right_elbow", "left_wrist"):
        w, v = clip.world()[0][:, INDEX[joint]], solved.world()[0][:, INDEX[joint]]
        assert np.degrees(np.median(rot.angle_between(w, v))) < 10.0


def test_retargeting_twice_is_bit_for_bit_the_same(foreign: Take) -> None:
    a, _ = retarget(foreign, TEMPLATE * 1.1)
    b, _ = retarget(foreign, TEMPLATE * 1.1)
    assert np.array_equal(a.rotations, b.rotations) and np.array_equal(a.root_position, b.root_position)


@pytest.mark.parametrize("rest", [True, False])
def test_onto_a_skeleton_and_back(clip: Clip, rest: bool) -> None:
    other = rigs.world_changed(rigs.reframed(rigs.a_pose(rigs.mixamo(clip)), rest=rest), rot.IDENTITY, 100.0)
    other = replace(other, metres_per_unit=0.01)
    there = onto(clip, other)
    assert there.names == other.names and np.array_equal(there.rest_offsets, other.rest_offsets)
    assert there.metres_per_unit == 0.01
    back, _ = retarget(there, clip.rest_offsets)
    # Without a rest pose the trunk's neutral is a guess, and the guess differs a little between the two motions.
    assert_same(clip, back, *((0.5, 3.0) if rest else (8.0, 30.0)))


def test_onto_another_size_keeps_directions_and_feet(clip: Clip) -> None:
    small = rigs.mixamo(replace(clip, rest_offsets=clip.rest_offsets * 0.6, root_position=clip.root_position * 0.6))
    there = onto(clip, small.slice(0, 1))
    assert there.frames == clip.frames
    assert measure(there, clip).worst < 0.5
    _, places = there.world()
    ankles = places[:, [there.names.index(f"mixamorig:{s}Foot") for s in ("Left", "Right")]]
    assert np.allclose(ankles, 0.6 * clip.positions()[:, [7, 8]], atol=0.002)


def test_onto_moves_a_static_root_above_the_hips(clip: Clip) -> None:
    take = rigs.mixamo(clip)
    rooted = replace(
        take,
        names=("world_root", *take.names), parents=np.array([-1, *(take.parents + 1)]),
        rest_offsets=np.concatenate([np.zeros((1, 3)), take.rest_offsets]),
        rotations=np.concatenate([np.tile(rot.IDENTITY, (take.frames, 1, 1)), take.rotations], axis=1),
        translations=np.concatenate([np.zeros((take.frames, 1, 3)), take.translations], axis=1), end_offsets=None,
    )  # fmt: skip
    there = onto(clip, rooted)
    assert np.abs(there.translations[:, 0]).max() < 1e-9
    back, _ = retarget(there, clip.rest_offsets)
    assert_same(clip, back, 0.5, 3.0)


def test_a_clip_on_its_own_body_stays_as_it_is(clip: Clip) -> None:
    again, _ = retarget(clip_to_take(clip), clip.rest_offsets)
    assert np.array_equal(again.rotations, clip.rotations)
    assert np.array_equal(again.root_position, clip.root_position)


def test_smpl_on_another_body_keeps_its_turns_and_its_feet(clip: Clip) -> None:
    offsets = TEMPLATE * 1.2
    lifted = replace(clip, root_position=clip.root_position + [0.0, 0.3, 0.0])
    again, report = retarget(clip_to_take(lifted), offsets)
    assert report.floor_m == pytest.approx(0.3, abs=0.01) and report.scale == pytest.approx(1.2)
    upper = [j for j, name in enumerate(skeleton.JOINTS) if name.split("_")[-1] not in ("hip", "knee", "ankle", "foot")]
    turned = np.degrees(rot.angle_between(clip.rotations[:, upper], again.rotations[:, upper]))
    assert turned.max() < 1e-6
    assert np.abs(again.positions()[:, [7, 8]] - 1.2 * clip.positions()[:, [7, 8]]).max() < 0.003
