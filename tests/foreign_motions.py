"""What other people's models write, made from clips that we know: HumanML3D's features, MDM's results, Kimodo's arrays.

The encoders follow the published definitions in the forward direction and share no code with the readers.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

import mocap_data
from mocap_data.humanml3d import REST
from motion import Clip, edit, kinematics, skeleton
from motion import rotations as rot
from motion.retarget import retarget


def captured(name: str, fps: int = 20, rest: np.ndarray = REST) -> Clip:
    """A capture of the pybullet wheel on HumanML3D's body, its first frame at the origin and facing +Z."""
    clip, _ = retarget(mocap_data.load(f"pybullet:{name}"), rest_offsets=rest)
    clip = edit.resample(clip, Fraction(fps))
    ahead = rot.rotate(clip.rotations[0, 0], np.array([0.0, 0.0, 1.0]))
    turn = rot.yaw(-np.arctan2(ahead[0], ahead[2]))
    rotations = clip.rotations.copy()
    rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
    root = rot.rotate(turn, clip.root_position - clip.root_position[0] * np.array([1.0, 0.0, 1.0]))
    return Clip(rotations, root, clip.rest_offsets, clip.fps)


def walker(frames: int = 60, fps: int = 20, bend: float = 0.5) -> Clip:
    """A body that walks in a curve and swings its arms, by formula; ``bend`` 0: legs and arms stay straight."""
    t = np.arange(frames) / fps
    swing = np.sin(2 * np.pi * t)
    turns = np.zeros((frames, 24, 3))
    index = skeleton.INDEX
    turns[:, 0, 1] = 0.4 * t
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turns[:, index[f"{side}_hip"], 0] = -0.35 * sign * swing
        turns[:, index[f"{side}_knee"], 0] = bend * (1.0 + 0.6 * sign * swing)
        turns[:, index[f"{side}_ankle"], 0] = -0.1 * sign * swing
        turns[:, index[f"{side}_shoulder"], 2] = -1.2 * sign
        turns[:, index[f"{side}_shoulder"], 1] = 0.3 * swing
        turns[:, index[f"{side}_elbow"], 1] = -sign * bend * (0.8 + 0.3 * sign * swing)
    turns[:, index["spine2"], 1] = 0.15 * swing
    root = np.stack([0.3 * t * t, np.full(frames, 0.93), 1.1 * t], axis=1)
    return Clip(rot.continuous(rot.from_rotvec(turns)), root, REST, Fraction(fps))


def features_263(joints: np.ndarray) -> np.ndarray:
    """HumanML3D's features of joints ``(T, 22, 3)`` that begin at the origin and face +Z; one frame fewer."""
    across = joints[:, 1] - joints[:, 2] + joints[:, 16] - joints[:, 17]
    heading = np.unwrap(np.arctan2(-across[:, 2], across[:, 0]))
    heading -= heading[0]
    undo = rot.yaw(-heading)
    made = np.zeros((len(joints) - 1, 263))
    made[:, 0] = -np.diff(heading) / 2.0
    made[:, 1:3] = rot.rotate(undo[1:], np.diff(joints[:, 0], axis=0))[:, [0, 2]]
    made[:, 3] = joints[:-1, 0, 1]
    level = joints.copy()
    level[..., [0, 2]] -= joints[:, :1, [0, 2]]
    made[:, 4:67] = rot.rotate(undo[:, None], level)[:-1, 1:].reshape(len(made), -1)
    return made


def features_272(clip: Clip) -> np.ndarray:
    """MotionStreamer's features of a clip that begins at the origin and faces +Z."""
    joints = clip.positions()[:, :22]
    matrix = rot.to_matrix(clip.rotations[:, 0])
    heading = np.unwrap(np.arctan2(matrix[:, 0, 2], matrix[:, 2, 2]))
    undo = rot.yaw(-heading)
    level = joints.copy()
    level[..., [0, 2]] -= joints[:, :1, [0, 2]]
    level = rot.rotate(undo[:, None], level)
    made = np.zeros((clip.frames, 272))
    change = np.concatenate([[0.0], -np.diff(heading)])
    made[:, 2:8] = rot.to_matrix(rot.yaw(change))[:, :2].reshape(-1, 6)
    made[1:, :2] = rot.rotate(undo[:-1], np.diff(joints[:, 0], axis=0))[:, [0, 2]]
    made[:, 8:74] = level.reshape(clip.frames, -1)
    made[1:, 74:140] = np.diff(level, axis=0).reshape(clip.frames - 1, -1)
    local = clip.rotations[:, :22].copy()
    local[:, 0] = rot.multiply(undo, local[:, 0])
    made[:, 140:] = rot.to_matrix(local)[..., :2, :].reshape(clip.frames, -1)
    return made


def mdm(path: Path, motions: list[np.ndarray], texts: list[str]) -> Path:
    """MDM's `results.npy`: motions ``(T, 22, 3)`` filled up to one length in a pickled dictionary."""
    longest = max(map(len, motions))
    laid = np.zeros((len(motions), 22, 3, longest), dtype=np.float32)
    for i, motion in enumerate(motions):
        laid[i, :, :, : len(motion)] = motion.transpose(1, 2, 0)
        laid[i, :, :, len(motion) :] = motion[-1][..., None]
    content = {
        "motion": laid, "text": texts, "lengths": np.array([len(m) for m in motions]), "num_samples": len(motions),
        "num_repetitions": 1,
    }  # fmt: skip
    np.save(path, content, allow_pickle=True)  # type: ignore[arg-type]
    return path


def kimodo(path: Path, clip: Clip, **more: np.ndarray) -> Path:
    """Kimodo's `.npz` of SMPL-X's 22 joints."""
    world, joints = clip.world()
    arrays = {
        "posed_joints": joints[:, :22].astype(np.float32),
        "global_rot_mats": rot.to_matrix(world[:, :22]).astype(np.float32),
        "local_rot_mats": rot.to_matrix(clip.rotations[:, :22]).astype(np.float32),
        "foot_contacts": np.zeros((clip.frames, 4), dtype=bool),
        "smooth_root_pos": clip.root_position.astype(np.float32),
        "root_positions": clip.root_position.astype(np.float32),
        "global_root_heading": np.zeros((clip.frames, 2), dtype=np.float32),
    }
    np.savez(path, **{k: v for k, v in {**arrays, **more}.items() if v.size})  # type: ignore[arg-type]
    return path


#: SOMA's trunk and limbs as Kimodo lists them, the SMPL joint whose place and turn each has here, and its parent.
SOMA_LIKE = {
    "Hips": "pelvis", "Spine1": "spine1", "Spine2": "spine2", "Chest": "spine3", "Neck1": "neck", "Head": "head",
    **{
        f"{Side}{part}": f"{side}_{smpl}"
        for Side, side in (("Left", "left"), ("Right", "right"))
        for part, smpl in (
            ("Shoulder", "collar"), ("Arm", "shoulder"), ("ForeArm", "elbow"), ("Hand", "wrist"), ("Leg", "hip"),
            ("Shin", "knee"), ("Foot", "ankle"), ("ToeBase", "foot"),
        )
    },
}  # fmt: skip


def soma(path: Path, clip: Clip, joints: list[tuple[str, str]]) -> Path:
    """Kimodo's `.npz` of SOMA's joints, those that SMPL lacks a little beyond their parents and unturned."""
    names = [name for name, _ in joints]
    parents = np.array([names.index(parent) if parent else -1 for _, parent in joints])
    rest = np.zeros((len(names), 3))
    local = np.tile(rot.IDENTITY, (clip.frames, len(names), 1))
    for j, name in enumerate(names):
        if name in SOMA_LIKE:
            smpl = skeleton.INDEX[SOMA_LIKE[name]]
            rest[j], local[:, j] = clip.rest_offsets[smpl], clip.rotations[:, smpl]
        else:
            side = 1.0 if name.startswith("Left") else -1.0
            rest[j] = (0.03 * side, 0.0, 0.01) if "Hand" in name else (0.0, 0.02, 0.02)
    rest[names.index("Head")] = clip.rest_offsets[skeleton.INDEX["head"]] - rest[names.index("Neck2")]
    place = np.repeat(rest[None], clip.frames, axis=0)
    place[:, 0] = clip.root_position
    world, points = kinematics.forward(parents, local, place)
    np.savez(path, posed_joints=points, local_rot_mats=rot.to_matrix(local), global_rot_mats=rot.to_matrix(world))
    return path
