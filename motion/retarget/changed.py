"""`changed`: what was changed in a clip, done to the capture that it came from, whose other joints stay as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.errors import BadInput
from motion.retarget.joint_map import JointMap
from motion.retarget.matching import find_map
from motion.retarget.proportions import leg_length
from motion.retarget.source import UP_TURNS, prepare
from motion.rotations import Array
from motion.take import Take

_I = skeleton.INDEX


def changed(take: Take, before: Clip, after: Clip) -> Take:
    """Turn the joints of a capture by what a clip made from it was turned, and move it as far.

    Fingers, props and whatever else a capture has beyond SMPL-24 go along with the joint that they hang on; nothing is
    solved anew, so what was not changed is the capture's own to the bit.

    Args:
        take: the capture.
        before: the clip that `retarget` made of it, at its rate.
        after: the same, changed.

    Raises:
        BadInput: the three do not have as many frames, or the capture is no humanoid.
    """
    if not take.frames == before.frames == after.frames:
        raise BadInput(f"changed: {take.frames}, {before.frames} and {after.frames} frames, expected as many")
    source = prepare(take, find_map(take))
    up = UP_TURNS[source.up]
    turned = rot.multiply(after.world()[0], rot.inverse(before.world()[0]))  # (T, 24, 4) metres, Y up
    turned = rot.multiply(rot.multiply(rot.inverse(up), turned), up)  # as the file has its axes
    moved = after.root_position - before.root_position
    moved = rot.rotate(rot.inverse(up), moved) * source.leg / leg_length(before.rest_offsets) / source.metres_per_unit
    leads = _leads(take, source.map)
    world = take.world()[0]
    new = world.copy()
    for joint, lead in enumerate(leads):
        if lead >= 0:
            new[:, joint] = rot.multiply(turned[:, lead], world[:, joint])
    local = kinematics.to_local(take.parents, new)
    same = np.abs(new - world).max(-1) < 1e-12
    above = np.maximum(take.parents, 0)
    same &= same[:, above] | (take.parents < 0)
    translations = take.translations.copy()
    root = _root_of(take, source.map.pelvis)
    parent = int(take.parents[root])
    translations[:, root] += moved if parent < 0 else rot.rotate(rot.inverse(world[:, parent]), moved)
    rotations = np.where(same[..., None], take.rotations, rot.normalize(local))
    return replace(take, rotations=rotations, translations=translations)


def _leads(take: Take, joints: JointMap) -> list[int]:
    """Of each joint of a take the SMPL joint that leads it: its own, or its parent's; −1 above the pelvis."""
    own = np.full(take.joints, -1)
    for chain, smpl in ((joints.spine, ("spine1", "spine2", "spine3")), (joints.neck, ("neck", "head"))):
        for k, joint in enumerate(chain):
            share = (k + 1) / len(chain)
            own[joint] = _I[smpl[max(0, int(np.ceil(share * len(smpl))) - 1)]]
    own[joints.pelvis] = 0
    for smpl_joint, joint in enumerate(joints.limbs):
        if joint >= 0:
            own[int(joint)] = smpl_joint
    leads: list[int] = []
    for joint in range(take.joints):
        parent = int(take.parents[joint])
        leads.append(int(own[joint]) if own[joint] >= 0 else (leads[parent] if parent >= 0 else -1))
    return leads


def _root_of(take: Take, pelvis: int) -> int:
    """The joint that carries the whole body through space: the pelvis, or the topmost of its ancestors that moves."""
    chain = [pelvis]
    while take.parents[chain[-1]] >= 0:
        chain.append(int(take.parents[chain[-1]]))
    moves: Array = np.ptp(take.translations[:, chain], axis=0).max(-1)
    for joint, far in reversed(list(zip(chain, moves, strict=True))):
        if far > 0:
            return joint
    return chain[-1]
