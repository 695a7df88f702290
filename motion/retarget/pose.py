"""The pose itself: a source's joint turns, calibrated, as world rotations of the 24 SMPL joints."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from motion import contacts, skeleton
from motion import rotations as rot
from motion.ik import swing_to
from motion.retarget.calibration import Calibration
from motion.retarget.source import Source
from motion.rotations import Array

_I = skeleton.INDEX


def solve_pose(source: Source, calibration: Calibration, offsets: Array) -> tuple[Array, float]:
    """World rotations ``(T, 24, 4)`` of the target, and by how much bone lengths vary in the source."""
    joint_map = source.map
    world = np.empty((len(source.q), 24, 4))

    def turned(joint: int, constant: Array) -> Array:
        return rot.multiply(source.rotation(joint), constant)

    world[:, 0] = turned(joint_map.pelvis, calibration.pelvis)
    spine = [turned(j, c) for j, c in zip(joint_map.spine, calibration.spine, strict=True)]
    for m, j in enumerate((_I["spine1"], _I["spine2"], _I["spine3"])):
        world[:, j] = spread(world[:, 0], spine, (m + 1) / 3)
    neck = [turned(j, c) for j, c in zip(joint_map.neck, calibration.neck, strict=True)]
    for m, j in enumerate((_I["neck"], _I["head"])):
        world[:, j] = spread(world[:, _I["spine3"]], neck, (m + 1) / 2)
    stretched = 0.0
    for j in range(1, 24):
        name = skeleton.JOINTS[j]
        if name.startswith(("spine", "neck", "head")):
            continue
        parent = int(skeleton.PARENTS[j])
        i = int(joint_map.limbs[j])
        world[:, j] = turned(i, calibration.limbs[j]) if i >= 0 else world[:, parent]
        if name.split("_")[1] in ("hip", "knee", "shoulder", "elbow"):
            child = int(np.flatnonzero(skeleton.PARENTS == j)[0])
            start, end = source.point(j), source.point(child)
            if start is not None and end is not None:
                bone = end - start
                length = np.linalg.norm(bone[source.sample], axis=-1)
                stretched = max(stretched, float(np.ptp(length) / max(np.median(length), 1e-9)))
                # Exact already for rigid bones; joints in between that turn on their own make it differ.
                if float(np.max(np.linalg.norm(_off(world[:, j], offsets[child], bone), axis=-1))) > 1e-6:
                    world[:, j] = swing_to(world[:, j], offsets[child], bone)
    return world, stretched


def settle_spine(source: Source, world: Array, own: Array) -> Array:
    """Swing the two lower spine joints so that the neck is where the source has it, its spine having bent elsewhere.

    Spreading or merging joints keeps the chest's turn but not its place; the few degrees that are missing are found on
    the source's own proportions (``own``) and hold for any body.
    """
    joints = source.map
    if not joints.neck or not joints.spine:
        return world
    world = world.copy()
    goal = source.position(joints.neck[0]) - source.position(joints.pelvis)
    s1, s2, s3, neck = (_I[name] for name in ("spine1", "spine2", "spine3", "neck"))
    for _ in range(4):  # a few steps, since both joints share the swing
        loose = rot.rotate(world[:, s1], own[s2]) + rot.rotate(world[:, s2], own[s3])
        fixed = rot.rotate(world[:, 0], own[s1]) + rot.rotate(world[:, s3], own[neck])
        wanted = goal - fixed
        if float(np.linalg.norm(own[s2] + own[s3])) < 1e-3 * source.leg:
            return world
        swing = rot.to_rotvec(rot.between(loose, wanted))
        angle = np.linalg.norm(swing, axis=-1, keepdims=True)
        swing *= np.minimum(1.0, np.radians(20.0) / np.maximum(angle, 1e-9))
        for j in (s1, s2):
            world[:, j] = rot.normalize(rot.multiply(rot.from_rotvec(swing), world[:, j]))
    if len(joints.neck) > 2:  # merged: the neck leans as the whole chain does
        world[:, neck] = swing_to(
            world[:, neck], own[_I["head"]], source.position(joints.neck[-1]) - source.position(joints.neck[0])
        )
    return world


#: A head's up against the chest's: past `_TURNED` no neck goes, back or sideways (adults extend it by some 70 degrees);
#: above `_DOUBTFUL` the frames beside such ones belong to the same fault.
_TURNED, _DOUBTFUL = np.radians(100.0), np.radians(60.0)


def relax_turned_head(world: Array, fps: Fraction) -> tuple[Array, float]:
    """Relax the head where a capture turns it over, as exchanged markers on a forehead do.

    Args:
        world: ``(T, 24, 4)`` joint-to-world rotations.
        fps: frames per second.

    Returns:
        World rotations in which the head follows the neck there (and the neck the chest, where it is bent too far
        itself), eased in and out over a fifth of a second; and the share of frames with that fault. A capture without
        it is returned bit for bit.
    """
    from scipy import ndimage

    chest, neck, head = (_I[name] for name in ("spine3", "neck", "head"))

    def tilt(joint: int) -> Array:
        up = rot.rotate(rot.multiply(rot.inverse(world[:, chest]), world[:, joint]), np.array([0.0, 1.0, 0.0]))
        return np.arccos(np.clip(up[:, 1], -1.0, 1.0))

    over = contacts.hysteresis((tilt(head) > _TURNED)[:, None], (tilt(head) > _DOUBTFUL)[:, None])[:, 0]
    if not over.any():
        return world, 0.0
    width = max(3, round(0.2 * float(fps))) | 1
    relaxed = world.copy()
    for joint, parent, faulty in ((neck, chest, over & (tilt(neck) > _DOUBTFUL)), (head, neck, over)):
        share = ndimage.uniform_filter1d(ndimage.maximum_filter1d(faulty.astype(np.float64), width), width)
        relaxed[:, joint] = rot.slerp(world[:, joint], relaxed[:, parent], share)
    return relaxed, float(over.mean())


def _off(world: Array, rest: Array, bone: Array) -> Array:
    now = rot.rotate(world, rest / max(float(np.linalg.norm(rest)), 1e-12))
    return now - bone / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-12)


def spread(base: Array, chain: list[Array], place: float) -> Array:
    """The turn at a place along a chain of joints: 0 is ``base``, 1 the last joint; slerp between neighbours.

    A short chain is so spread over more joints and a long one merged into fewer; its end keeps its own turn.
    """
    if not chain:
        return base
    at = place * len(chain)
    k = min(int(np.floor(at + 1e-9)), len(chain))
    share = at - k
    lower = base if k == 0 else chain[k - 1]
    if share < 1e-9:
        return lower
    return rot.slerp(lower, chain[k], np.full(lower.shape[:-1], share))
