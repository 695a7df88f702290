"""Kimodo's motions in (`.npz`): joints with their rotations at 30 fps, on SMPL-X's 22 joints or on SOMA's 77 or 30.

Keys and skeletons are those of Kimodo's documentation ("Output Formats") and of its joint lists: ``posed_joints``
``(T, J, 3)`` metres, ``local_rot_mats`` or ``global_rot_mats`` ``(T, J, 3, 3)``, Y up, the floor at 0. Rotations are
kept; only where a file has none, and 22 joints, are they solved. The robot G1's 34 joints are refused.
"""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np

from mocap_data import files, npz, solved
from motion import kinematics, rate, skeleton
from motion import rotations as rot
from motion.errors import BadInput
from motion.rotations import Array
from motion.take import Take

LICENCE = "follows the Kimodo model that made it; see its model card (SMPL-X models: research only)"
_KEYS = ("posed_joints", "local_rot_mats", "global_rot_mats", "root_positions", "fps")
_FPS = 30
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")


def _limb(side: str, full: bool) -> list[tuple[str, str]]:
    """An arm of SOMA and its hand: joints with their parents."""
    chain = ["Chest", f"{side}Shoulder", f"{side}Arm", f"{side}ForeArm", f"{side}Hand"]
    made = list(zip(chain[1:], chain, strict=False))
    if not full:
        return [*made, *((f"{side}Hand{finger}End", f"{side}Hand") for finger in ("Thumb", "Middle"))]
    for finger in _FINGERS:
        above = f"{side}Hand"
        for step in (*range(1, 4 if finger == "Thumb" else 5), "End"):
            made.append((f"{side}Hand{finger}{step}", above))
            above = f"{side}Hand{finger}{step}"
    return made


def _soma(full: bool) -> list[tuple[str, str]]:
    trunk = ["", "Hips", "Spine1", "Spine2", "Chest", "Neck1", "Neck2", "Head"]
    made = list(zip(trunk[1:], trunk, strict=False))
    made += [(name, "Head") for name in (("HeadEnd",) if full else ()) + ("Jaw", "LeftEye", "RightEye")]
    made += _limb("Left", full) + _limb("Right", full)
    for side in ("Left", "Right"):
        chain = ["Hips", *(f"{side}{part}" for part in ("Leg", "Shin", "Foot", "ToeBase"))]
        chain += [f"{side}ToeEnd"] if full else []
        made += list(zip(chain[1:], chain, strict=False))
    return made


#: Joints of each skeleton with their parents, by how many there are.
SKELETONS: dict[int, list[tuple[str, str]]] = {77: _soma(True), 30: _soma(False)}


def holds(names: frozenset[str]) -> bool:
    """Whether arrays of these names are Kimodo's."""
    return bool({"posed_joints", "local_rot_mats", "global_rot_mats"} & names)


def read(path: str | os.PathLike[str], *, fps: float | None = None, sample: int | None = None) -> Take:
    """Read a Kimodo motion.

    Args:
        path: the `.npz`. Nothing in it is unpickled.
        fps: frames per second; None: the file's, else 30.
        sample: which motion where arrays have a batch before them, from 0.

    Raises:
        BadInput: arrays missing, of unequal shape, of another skeleton, not finite, or no rotations.
    """
    data, name = files.read_bytes(path), os.fspath(path)
    arrays = {key: npz.numbers(value, f"{name}: '{key}'") for key, value in npz.read(data, name, _KEYS).items()}
    notes = []
    arrays, said = _one(arrays, sample, name)
    notes += said
    rate_ = _rate(arrays, fps, name)
    points, turns = arrays.get("posed_joints"), arrays.get("local_rot_mats", arrays.get("global_rot_mats"))
    joints = _joints(points, turns, name)
    about = solved.About(name, rate_, files.provenance(path, data, LICENCE, tuple(notes)))
    if joints == 34:
        raise BadInput(f"{name}: 34 joints: a motion of the robot G1, not of a person")
    if joints != 22 and joints not in SKELETONS:
        raise BadInput(f"{name}: {joints} joints, expected SMPL-X's 22 or SOMA's 77 or 30")
    if points is None:
        raise BadInput(f"{name}: holds no 'posed_joints', which the skeleton is found from")
    if turns is None:
        if joints != 22:
            raise BadInput(f"{name}: holds no 'local_rot_mats' and no 'global_rot_mats'")
        return solved.from_positions(points, about)
    local = _rotations(turns, name)
    names = [joint for joint, _ in SKELETONS.get(joints, [])]
    parents = (
        skeleton.PARENTS[:22] if joints == 22 else np.array([-1, *(names.index(p) for _, p in SKELETONS[joints][1:])])
    )
    if "local_rot_mats" not in arrays:
        local = kinematics.to_local(parents, local)
    if joints == 22:
        return solved.from_native(points, local, about)
    return _on_soma(points, rot.continuous(local), tuple(names), parents, about)


def _one(arrays: dict[str, Array], sample: int | None, path: str) -> tuple[dict[str, Array], list[str]]:
    """One motion of a batch."""
    usual = {"posed_joints": 3, "local_rot_mats": 4, "global_rot_mats": 4, "root_positions": 2}
    batched = [k for k, n in usual.items() if k in arrays and arrays[k].ndim == n + 1]
    counts = {len(arrays[k]) for k in batched}
    if len(counts) > 1:
        raise BadInput(f"{path}: {' and '.join(batched)} hold {' and '.join(map(str, sorted(counts)))} motions")
    count = counts.pop() if counts else 1
    chosen = sample or 0
    if not 0 <= chosen < count:
        motions = f"{count} motions, 0 to {count - 1}" if count > 1 else "one motion, number 0"
        raise BadInput(f"{path}: no sample {chosen}; it holds {motions}")
    made = {k: v[chosen] if k in batched else v for k, v in arrays.items()}
    return made, [f"sample {chosen} of {count}"] if count > 1 else []


def _rate(arrays: dict[str, Array], fps: float | None, path: str) -> Fraction:
    try:
        if fps is not None:
            return rate.from_rate(float(fps))
        return (
            rate.from_rate(float(arrays["fps"].reshape(-1)[0]))
            if arrays.get("fps", np.empty(0)).size
            else Fraction(_FPS)
        )
    except (rate.RateError, ValueError) as error:
        raise BadInput(f"{path}: fps: {error}") from None


def _joints(points: Array | None, turns: Array | None, path: str) -> int:
    """How many joints the arrays have, which must agree."""
    if points is not None and (points.ndim != 3 or points.shape[2] != 3 or not len(points)):
        raise BadInput(f"{path}: 'posed_joints' has shape {points.shape}, expected (frames, joints, 3)")
    if turns is not None and (turns.ndim != 4 or turns.shape[2:] != (3, 3) or not len(turns)):
        raise BadInput(f"{path}: its rotations have shape {turns.shape}, expected (frames, joints, 3, 3)")
    if points is not None and turns is not None and points.shape[:2] != turns.shape[:2]:
        raise BadInput(f"{path}: positions of {points.shape[:2]} frames and joints, rotations of {turns.shape[:2]}")
    found = points if points is not None else turns
    if found is None:
        raise BadInput(f"{path}: holds neither positions nor rotations")
    return int(found.shape[1])


def _rotations(matrices: Array, path: str) -> Array:
    square = np.swapaxes(matrices, -1, -2) @ matrices
    off = np.abs(square - np.eye(3)).max(axis=(-1, -2))
    wrong = (off > 0.05) | (np.linalg.det(matrices) < 0)
    if wrong.any():
        frame, joint = np.argwhere(wrong)[0]
        raise BadInput(f"{path}: frame {frame}, joint {joint}: its matrix is no rotation")
    return rot.from_matrix(matrices)


def _on_soma(points: Array, local: Array, names: tuple[str, ...], parents: np.ndarray, about: solved.About) -> Take:
    """SOMA's own skeleton, as it came: bones from positions and rotations together."""
    world, _ = kinematics.forward(parents, local, np.zeros((len(names), 3)))
    bone = rot.rotate(rot.inverse(world[:, parents[1:]]), points[:, 1:] - points[:, parents[1:]])
    rest = np.zeros((len(names), 3))
    rest[1:] = np.median(bone, axis=0)
    _, standing = kinematics.forward(parents, np.tile(rot.IDENTITY, (len(names), 1)), rest)
    rest[0, 1] = -float(standing[:, 1].min())
    translations = np.repeat(rest[None], len(points), axis=0)
    translations[:, 0] = points[:, 0]
    _, again = kinematics.forward(parents, local, translations)
    far = float(np.median(np.linalg.norm(again - points, axis=-1)) * 1000.0)
    ends = np.full_like(rest, np.nan)
    leaves = np.setdiff1d(np.arange(len(names)), parents)
    ends[leaves] = 0.25 * rest[leaves]
    return Take(
        names=names, parents=parents, rest_offsets=rest, rotations=local, translations=translations, fps=about.fps,
        end_offsets=ends, metres_per_unit=1.0, up="Y",
        provenance=about.provenance.noting(
            f"the file's own rotations of SOMA's {len(names)} joints; they lie {far:.1f} mm from its positions (median)"
        ),
    )  # fmt: skip
