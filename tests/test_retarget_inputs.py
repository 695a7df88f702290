"""Odd skeletons: missing, extra and helper joints are handled and said; what is no humanoid is refused soon."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import retarget_rigs as rigs

from motion import names, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.errors import BadInput
from motion.retarget import clip_to_take, onto, retarget
from motion.retarget.joint_map import ancestors, descents
from motion.retarget.matching import find_map
from motion.retarget.report import measure
from motion.retarget.source import TEMPLATE
from motion.take import Take

INDEX = skeleton.INDEX


@pytest.fixture(scope="module")
def clip() -> Clip:
    return rigs.performance()


def foreign(clip: Clip, convention: str = "mixamo") -> Take:
    """A take that must be solved (random joint axes), under a program's names."""
    return rigs.reframed(clip_to_take(clip, names=convention))


def test_descents_are_what_ancestors_say() -> None:
    random = np.random.default_rng(0)
    parents = np.array([-1, -1, *(random.integers(-1, j) for j in range(2, 60))])
    under = descents(parents)
    for joint in range(60):
        assert [top for top in range(60) if under(joint, top)] == sorted(ancestors(parents, joint))


def rig(labels: list[str], parents: list[int], offsets: list[tuple[float, float, float]], frames: int = 3) -> Take:
    places = np.array(offsets, dtype=float)
    still = np.tile(rot.IDENTITY, (frames, len(labels), 1))
    return Take(tuple(labels), np.array(parents), places, still, np.repeat(places[None], frames, axis=0), 30)


NAMED = [
    ("mixamorig:LeftUpLeg", "left", "hip"),
    ("mixamorig1:RightToeBase", "right", "foot"),
    ("Bip01 L Calf", "left", "knee"),
    ("Bip001 R UpperArm", "right", "shoulder"),
    ("ValveBiped.Bip01_L_Clavicle", "left", "collar"),
    ("lfemur", "left", "hip"),
    ("rradius", "right", "elbow"),
    ("ltoes", "left", "foot"),
    ("rShldr", "right", "shoulder"),
    ("lForeArm", "left", "elbow"),
    ("UpperLeg_R", "right", "hip"),
    ("LowerArm_L", "left", "elbow"),
    ("thigh_l", "left", "hip"),
    ("ball_r", "right", "foot"),
    ("J_Bip_L_UpperLeg", "left", "hip"),
    ("leftLowerLeg", "left", "knee"),
    ("CC_Base_R_Forearm", "right", "elbow"),
    ("Character1_LeftArm", "left", "shoulder"),
    ("Character1:RightHand", "right", "wrist"),
    ("LeftUpLeg", "left", "hip"),
    ("rig|LeftLowLeg", "left", "knee"),
    ("upperleg01.L", "left", "hip"),
    ("right_shoulder", "right", "shoulder"),
    ("LEFT_KNEE", "left", "knee"),
    ("DEF-thigh.R", "right", "hip"),
    ("L_Shin", "left", "knee"),
    ("Wrist_R", "right", "wrist"),
]


@pytest.mark.parametrize(("name", "side", "part"), NAMED)
def test_names_are_read(name: str, side: str, part: str) -> None:
    found, word = names.parse(name)
    assert found == side and names.is_part(word, part), (found, word)


@pytest.mark.parametrize(
    "name",
    ["LeftArmTwist1", "upperarm_twist_01_l", "LeftHandThumb2", "LHipJoint", "lButtock", "LeftToe_End", "ik_foot_l"],
)
def test_helpers_are_nobodys_limbs(name: str) -> None:
    _, word = names.parse(name)
    assert not any(names.is_part(word, part) for part in ("hip", "knee", "ankle", "foot", "shoulder", "elbow", "wrist"))


@pytest.mark.parametrize("convention", list(names.CONVENTIONS))
def test_every_convention_maps_joint_for_joint(clip: Clip, convention: str) -> None:
    take = clip_to_take(clip, names=convention)
    named = find_map(take, geometry=False).named(take.names)
    assert [named[j] for j in skeleton.JOINTS] == list(names.rename(convention))
    assert len(set(take.names)) == 24
    found, share = names.convention_of(take.names)
    # Mixamo's names without their prefix are HumanIK's; VRM 1.0's are Unity's in lower case.
    alike = {"humanik": "mixamo", "vrm1": "unity"}
    assert share == 1.0 and found == alike.get(convention, convention)


def test_an_unknown_convention_is_refused_with_a_hint(clip: Clip) -> None:
    with pytest.raises(BadInput, match="did you mean 'mixamo'"):
        clip_to_take(clip, names="mixmo")


def test_in_line_twist_bones_are_skipped_by_names_and_by_shape(clip: Clip) -> None:
    take = clip_to_take(clip, names="mixamo")
    for joint, label in (
        ("LeftForeArm", "LeftArmTwist"),
        ("LeftLeg", "LeftUpLegTwist"),
        ("RightHand", "RightForeArmRoll"),
    ):
        take = rigs.split_bone(take, f"mixamorig:{joint}", (label,))
    take = rigs.reframed(take)
    for source in (take, replace(take, names=tuple(f"n{i}" for i in range(take.joints)))):
        solved, _ = retarget(source)
        assert np.degrees(rot.angle_between(clip.rotations, solved.rotations)).max() < 0.05
        assert np.abs(solved.positions() - clip.positions()).max() < 1e-3


@pytest.mark.parametrize("count", [1, 2, 4])
def test_extra_spine_joints_are_merged(clip: Clip, count: int) -> None:
    take = rigs.split_bone(clip_to_take(clip, "mixamo"), "mixamorig:Spine1", tuple(f"Spine_{k}" for k in range(count)))
    solved, report = retarget(rigs.reframed(take))
    assert report.invented == ()
    assert measure(rigs.reframed(take), solved).worst < 1.0
    chest = clip.world()[0][:, INDEX["spine3"]]
    assert np.degrees(rot.angle_between(chest, solved.world()[0][:, INDEX["spine3"]])).max() < 0.05


MISSING = [
    (("LeftToeBase", "RightToeBase"), {"left_foot", "right_foot"}),
    (("LeftHand", "RightHand"), {"left_wrist", "right_wrist", "left_hand", "right_hand"}),
    (("LeftHandMiddle1", "RightHandMiddle1"), {"left_hand", "right_hand"}),
    (("Head",), {"head"}),
    (("Neck",), {"neck", "head"}),
]


@pytest.mark.parametrize(("gone", "invented"), MISSING)
def test_missing_ends_are_invented_and_said(clip: Clip, gone: tuple[str, ...], invented: set[str]) -> None:
    take = rigs.without(foreign(clip), *(f"mixamorig:{name}" for name in gone))
    solved, report = retarget(take)
    assert set(report.invented) == invented
    assert {j for j, ok in zip(skeleton.JOINTS, solved.valid, strict=True) if not ok} == invented
    # A lone neck joint is spread over neck and head: half of its turn each.
    spread = {"neck"} if gone == ("Head",) else set()
    kept = [j for j in range(24) if skeleton.JOINTS[j] not in invented | spread]
    turned = np.degrees(rot.angle_between(clip.rotations[:, kept], solved.rotations[:, kept]))
    assert turned.max() < 0.05, skeleton.JOINTS[kept[int(turned.max(0).argmax())]]
    assert any("joints not in the source" in note for note in solved.provenance.notes)


def _bridge(take: Take, *gone: str) -> Take:
    """The take without joints in the middle of its tree: what hung on them hangs on their parents."""
    world_q, world_p = take.world()
    rest_q, rest_p = take.rest_world()
    drop = {take.names.index(name) for name in gone}
    keep = [j for j in range(take.joints) if j not in drop]
    parents = []
    for j in keep:
        parent = int(take.parents[j])
        while parent in drop:
            parent = int(take.parents[parent])
        parents.append(parent)
    place = {j: k for k, j in enumerate(keep)}

    def local(q: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turns, places = q[..., keep, :].copy(), p[..., keep, :].copy()
        for k, parent in enumerate(parents):
            if parent >= 0:
                back = rot.inverse(q[..., parent, :])
                turns[..., k, :] = rot.multiply(back, q[..., keep[k], :])
                places[..., k, :] = rot.rotate(back, p[..., keep[k], :] - p[..., parent, :])
        return turns, places

    rotations, translations = local(world_q, world_p)
    rest, offsets = local(rest_q, rest_p)
    return replace(
        take, names=tuple(take.names[j] for j in keep), parents=np.array([place.get(p, -1) for p in parents]),
        rest_offsets=offsets, rest_rotations=rest, rotations=rotations, translations=translations,
        end_offsets=None if take.end_offsets is None else take.end_offsets[keep],
    )  # fmt: skip


def test_missing_collars_keep_the_arms_directions(clip: Clip) -> None:
    still = replace(clip, rotations=clip.rotations.copy())
    still.rotations[:, [INDEX["left_collar"], INDEX["right_collar"]]] = rot.IDENTITY
    take = _bridge(foreign(still), "mixamorig:LeftShoulder", "mixamorig:RightShoulder")
    solved, report = retarget(take)
    assert set(report.invented) == {"left_collar", "right_collar"}
    errors = measure(take, solved).errors
    assert max(errors[b].max() for b in errors if "elbow" in b) < 0.05


@pytest.mark.parametrize("spines", [("Spine",), ("Spine", "Spine1"), ("Spine1", "Spine2")])
def test_a_short_spine_is_spread(clip: Clip, spines: tuple[str, ...]) -> None:
    take = _bridge(foreign(clip), *(f"mixamorig:{s}" for s in spines))
    solved, report = retarget(take)
    assert measure(take, solved).worst < 1.0
    lost = {1: {"spine2"}, 2: {"spine1", "spine2"}}[len(spines)]
    assert set(report.invented) == lost
    # Bent evenly: no spine joint takes more than two thirds of what the chest does.
    bend = np.degrees(rot.angle_between(rot.IDENTITY, solved.rotations[:, [3, 6, 9]])).max(0)
    assert bend.min() > 0.1 * bend.max()


def test_clavicles_that_hang_on_the_neck_move_with_the_chest(clip: Clip) -> None:
    take = clip_to_take(clip, names="biped")
    take = rigs.rehung(take, {f"Bip01 {s} Clavicle": "Bip01 Neck" for s in "LR"})
    solved, report = retarget(take)
    assert report.invented == ()
    assert np.degrees(rot.angle_between(clip.rotations, solved.rotations)).max() < 0.1


def test_legs_that_hang_on_a_pelvis_beside_the_spine(clip: Clip) -> None:
    take = clip_to_take(clip, names="character-creator")
    thighs = ("CC_Base_L_Thigh", "CC_Base_R_Thigh")
    take = rigs.reframed(rigs.with_joint(take, "CC_Base_Pelvis", "CC_Base_Hip", thighs))
    solved, report = retarget(take)
    assert report.mapping["pelvis"] == "CC_Base_Pelvis"
    assert np.degrees(rot.angle_between(clip.rotations, solved.rotations)).max() < 0.1
    there = onto(clip, take)
    again, _ = retarget(there, clip.rest_offsets)
    assert np.degrees(rot.angle_between(clip.rotations, again.rotations)).max() < 0.5


def test_one_frame_works(clip: Clip) -> None:
    solved, _ = retarget(foreign(clip).slice(7, 8))
    assert solved.frames == 1
    assert np.degrees(rot.angle_between(clip.rotations[7], solved.rotations[0])).max() < 0.05


def test_bones_that_stretch_are_said_and_keep_their_directions(clip: Clip) -> None:
    take = foreign(clip)
    knee = take.names.index("mixamorig:LeftLeg")
    translations = take.translations.copy()
    translations[:, knee] *= (1.0 + 0.1 * np.sin(np.arange(take.frames)))[:, None]
    solved, report = retarget(replace(take, translations=translations), lock_feet=False)
    assert any("change length" in note for note in report.notes)
    assert np.degrees(rot.angle_between(clip.rotations[:, 1], solved.rotations[:, 1])).max() < 0.5


def test_a_calibration_pose_at_the_start_is_said(clip: Clip) -> None:
    rotations, root = clip.rotations.copy(), clip.root_position.copy()
    rotations[0], root[0] = rot.IDENTITY, clip.root_position[0] + [2.0, 0.3, 1.0]
    _, report = retarget(foreign(replace(clip, rotations=rotations, root_position=root)))
    assert report.calibration_frames == 1
    _, report = retarget(foreign(clip))
    assert report.calibration_frames == 0


def test_a_head_that_the_capture_turns_over_is_relaxed_and_said(clip: Clip) -> None:
    rotations, head = clip.rotations.copy(), skeleton.INDEX["head"]
    rotations[40:, head] = rot.multiply(rotations[40:, head], rot.from_axis("X", np.radians(-150.0)))
    broken = replace(clip, rotations=rotations)
    solved, report = retarget(foreign(broken), lock_feet=False)
    assert any("turns the head over in 33%" in note for note in report.notes)
    assert np.degrees(np.linalg.norm(rot.to_rotvec(solved.rotations[40:, head]), axis=-1)).max() < 0.01
    untouched = rot.angle_between(solved.rotations[:30], retarget(foreign(clip), lock_feet=False)[0].rotations[:30])
    assert untouched.max() < 1e-6 and solved.valid[head]

    rotations[:, head] = rot.from_axis("X", np.radians(-150.0))
    solved, report = retarget(foreign(replace(clip, rotations=rotations)))
    assert not solved.valid[head] and "head" in report.invented


DOG = (
    ["Hips", "Spine", "Spine1", "Neck", "Head", "LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand", "RightShoulder",
     "RightArm", "RightForeArm", "RightHand", "LeftUpLeg", "LeftLeg", "LeftFoot", "RightUpLeg", "RightLeg", "RightFoot",
     "Tail", "Tail1"],
    [-1, 0, 1, 2, 3, 2, 5, 6, 7, 2, 9, 10, 11, 0, 13, 14, 0, 16, 17, 0, 19],
    [(0, 0.5, 0), (0, 0, 0.2), (0, 0, 0.2), (0, 0.1, 0.15), (0, 0.05, 0.1), (0.05, -0.05, 0), (0.03, -0.1, 0),
     (0, -0.18, -0.03), (0, -0.17, 0.02), (-0.05, -0.05, 0), (-0.03, -0.1, 0), (0, -0.18, -0.03), (0, -0.17, 0.02),
     (0.07, -0.03, 0), (0, -0.2, 0.05), (0, -0.2, -0.05), (-0.07, -0.03, 0), (0, -0.2, 0.05), (0, -0.2, -0.05),
     (0, 0.02, -0.1), (0, 0.02, -0.1)],
)  # fmt: skip


@pytest.mark.parametrize("named", [True, False])
def test_a_dog_is_refused_even_under_a_persons_names(named: bool) -> None:
    labels, parents, offsets = DOG
    with pytest.raises(BadInput, match="four legs"):
        retarget(rig(labels if named else [f"b{i}" for i in range(len(labels))], parents, offsets, 5))


def _trees() -> dict[str, Take]:
    random = np.random.default_rng(0)
    n = 1000
    labels = [f"j{i}" for i in range(n)]
    places = [tuple(v) for v in random.normal(size=(n, 3))]
    return {
        "chain": rig(labels, [i - 1 for i in range(n)], [(0, 1, 0)] * n, 20),
        "star": rig(labels, [-1] + [0] * (n - 1), [(np.cos(i), np.sin(i), 0.0) for i in range(n)], 20),
        "random": rig(labels, [-1] + [int(random.integers(0, i)) for i in range(1, n)], places, 20),
        "one leg": rig(["hips", "spine", "LeftLeg"], [-1, 0, 0], [(0, 1, 0), (0, 0.5, 0), (0, -0.5, 0)]),
        "one joint": rig(["root"], [-1], [(0, 0, 0)]),
        "no lengths": rig(list(DOG[0]), DOG[1], [(0, 0, 0)] * len(DOG[0])),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["chain", "star", "random", "one leg", "one joint", "no lengths"])
def test_what_is_no_humanoid_is_refused_within_seconds(name: str) -> None:
    take = _trees()[name]
    start = time.perf_counter()
    with pytest.raises(BadInput) as error:
        retarget(take)
    assert time.perf_counter() - start < 5.0
    assert "\n" not in str(error.value)


def test_a_humanoid_among_a_thousand_joints_is_found(clip: Clip) -> None:
    take = foreign(clip)
    extra = 1000 - take.joints
    random = np.random.default_rng(1)
    parents = np.concatenate([take.parents, random.integers(0, take.joints, extra)])
    places = random.normal(0, 0.02, (extra, 3))
    still = np.tile(rot.IDENTITY, (take.frames, extra, 1))
    crowded = replace(
        take, names=(*take.names, *(f"hair_{i}" for i in range(extra))), parents=parents,
        rest_offsets=np.concatenate([take.rest_offsets, places]), end_offsets=None,
        rotations=np.concatenate([take.rotations, still], axis=1),
        translations=np.concatenate([take.translations, np.repeat(places[None], take.frames, axis=0)], axis=1),
        rest_rotations=np.concatenate([take.rest_rotations, still[0]]),
    )  # fmt: skip
    start = time.perf_counter()
    solved, _ = retarget(crowded)
    assert time.perf_counter() - start < 5.0
    assert np.degrees(rot.angle_between(clip.rotations, solved.rotations)).max() < 0.05


ZERO = ["LeftLeg", "LeftForeArm", "Spine1", "LeftShoulder", "Neck", "RightToeBase"]


@pytest.mark.parametrize("joint", ZERO)
def test_one_bone_without_length_does_no_harm(clip: Clip, joint: str) -> None:
    take = foreign(clip)
    j = take.names.index(f"mixamorig:{joint}")
    offsets, translations = take.rest_offsets.copy(), take.translations.copy()
    offsets[j], translations[:, j] = 0.0, 0.0
    for body in (None, TEMPLATE):
        solved, _ = retarget(replace(take, rest_offsets=offsets, translations=translations), body)
        assert np.isfinite(solved.positions()).all()


BROKEN = [
    ({"rotations": 5}, "frame 5 is not finite"),
    ({"up": "W"}, "up axis 'W'"),
    ({"metres_per_unit": 0.0}, "metres per unit"),
    ({"metres_per_unit": float("nan")}, "metres per unit"),
    ({"skeleton_kind": "smplh"}, "without the joint 'pelvis'"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_broken_takes_are_refused_with_the_reason(clip: Clip, change: dict, message: str) -> None:
    take = foreign(clip)
    if "rotations" in change:
        rotations = take.rotations.copy()
        rotations[change["rotations"], 3, 0] = np.nan
        change = {"rotations": rotations}
    with pytest.raises(BadInput, match=message):
        retarget(replace(take, **change))


@pytest.mark.parametrize("body", [np.zeros((24, 3)), np.zeros((22, 3)), np.full((24, 3), np.nan)])
def test_a_body_that_is_none_is_refused(clip: Clip, body: np.ndarray) -> None:
    with pytest.raises(BadInput, match="rest_offsets"):
        retarget(foreign(clip), body)


def test_onto_a_dog_is_refused(clip: Clip) -> None:
    with pytest.raises(BadInput, match="four legs"):
        onto(clip, rig(*DOG))
