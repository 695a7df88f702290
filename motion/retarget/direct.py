"""Takes that are SMPL already, by their reader's word or joint for joint: copied to a `Clip`, nothing solved."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.clip import Clip
from motion.errors import BadInput
from motion.retarget.joint_map import JointMap
from motion.retarget.matching import by_names
from motion.retarget.source import UP_TURNS
from motion.rotations import Array
from motion.take import Take

_I = skeleton.INDEX
Direct = tuple[Clip, str, tuple[str, ...], dict[str, str]]


def as_smpl(take: Take) -> Direct | None:
    """The clip that a SMPL-like take is, the road ("smpl" or "same tree"), notes, and joint names; None: it is not one.

    Two sorts qualify: ``skeleton_kind`` begins with "smpl", or all 24 joints are there under any known names, in SMPL's
    tree, with identity frames and a T-pose facing +Z.

    Raises:
        BadInput: the reader says SMPL but joints are missing.
    """
    if (take.skeleton_kind or "").startswith("smpl"):
        index = {name: i for i, name in enumerate(take.names)}
        missing = [joint for joint in skeleton.JOINTS[:22] if joint not in index]
        if missing:
            raise BadInput(f"{take.label}: kind '{take.skeleton_kind}' without the joint '{missing[0]}'")
        return _copy(take, [index.get(joint, -1) for joint in skeleton.JOINTS], "smpl")
    if take.up not in (None, "Y") or not _identity_frames(take):
        return None
    try:
        found = by_names(take)
    except BadInput:
        return None
    joints = _one_to_one(take, found)
    if joints is None or not _t_pose(take, joints):
        return None
    # Only the root may travel: a source that moves other joints means something by it.
    still = np.delete(np.arange(take.joints), joints[0])
    if take.parents[joints[0]] >= 0 or not np.allclose(
        take.translations[:, still], take.rest_offsets[still], atol=1e-9
    ):
        return None
    if take.metres_per_unit is None and not 0.5 < _leg(take, joints) < 1.2:
        return None
    return _copy(take, joints, "same tree")


def _copy(take: Take, joints: list[int], road: str) -> Direct:
    take.require_finite()
    scale = take.metres_per_unit or 1.0
    turn = UP_TURNS[take.up or "Y"]
    rotations = np.tile(rot.IDENTITY, (take.frames, 24, 1))
    offsets = np.zeros((24, 3))
    for j, i in enumerate(joints):
        if i >= 0:
            rotations[:, j], offsets[j] = take.rotations[:, i], take.rest_offsets[i] * scale
    for j, parent in ((_I["left_hand"], _I["left_wrist"]), (_I["right_hand"], _I["right_wrist"])):
        if joints[j] < 0:
            knuckles = [i for i, p in enumerate(take.parents) if p == joints[parent]]
            # SMPL-H has fingers for a hand: their roots' middle is where SMPL's hand joint is.
            offsets[j] = take.rest_offsets[knuckles].mean(0) * scale if knuckles else 0.33 * offsets[parent]
    root = take.translations[:, joints[0]] * scale
    if (take.up or "Y") != "Y":
        rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
        root = rot.rotate(turn, root)
        offsets[0] = rot.rotate(turn, offsets[0])
    index = {name: i for i, name in enumerate(take.names)}
    fingers = None
    if all(finger in index for finger in skeleton.FINGERS):
        fingers = take.rotations[:, [index[finger] for finger in skeleton.FINGERS]]
    valid = np.array([i >= 0 for i in joints])
    clip = Clip(rotations, root, offsets, take.fps, valid, fingers=fingers, provenance=take.provenance)
    table = {skeleton.JOINTS[j]: take.names[i] for j, i in enumerate(joints) if i >= 0}
    return clip, road, (), table


def _identity_frames(take: Take) -> bool:
    rest = take.rest_rotations
    return rest is None or bool(np.allclose(np.abs(rest[:, 3]), 1.0, atol=1e-9))


def _one_to_one(take: Take, found: JointMap) -> list[int] | None:
    """The 24 source joints when each SMPL joint has its own and their tree is SMPL's, else None."""
    if len(found.spine) != 3 or len(found.neck) != 2:
        return None
    joints = [int(i) for i in found.limbs]
    joints[0] = found.pelvis
    for name, i in zip(("spine1", "spine2", "spine3", "neck", "head"), (*found.spine, *found.neck), strict=True):
        joints[_I[name]] = i
    if min(joints) < 0:
        return None
    tree = all(take.parents[joints[j]] == joints[skeleton.PARENTS[j]] for j in range(1, 24))
    return joints if tree else None


def _t_pose(take: Take, joints: list[int]) -> bool:
    """Whether identity rotations are SMPL's T-pose: arms along the x axis, legs down, toes ahead; within 8 degrees."""

    def along(joint: str, axis: tuple[float, float, float], degrees: float = 8.0) -> bool:
        bone: Array = take.rest_offsets[joints[_I[joint]]]
        size = float(np.linalg.norm(bone))
        return size > 0 and float(bone @ np.array(axis)) / size > np.cos(np.radians(degrees))

    return all(
        along(f"{side}_elbow", (s, 0, 0)) and along(f"{side}_wrist", (s, 0, 0))
        and along(f"{side}_knee", (0, -1, 0)) and along(f"{side}_ankle", (0, -1, 0))
        and along(f"{side}_foot", (0, -0.4, 0.9), 40.0)
        for side, s in (("left", 1.0), ("right", -1.0))
    )  # fmt: skip


def _leg(take: Take, joints: list[int]) -> float:
    return float(sum(np.linalg.norm(take.rest_offsets[joints[_I[j]]]) for j in ("left_knee", "left_ankle")))
