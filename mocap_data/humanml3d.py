"""HumanML3D's skeleton and its features: 263 numbers a frame at 20 fps, or MotionStreamer's 272 at 30 fps, as joints.

Both leave out where the performer faces and stands, and give how that changes instead; summed up, the first frame is at
the origin and faces +Z. The 263 hold positions and turns that were themselves solved from positions, without twist:
only their positions are used. The 272 hold the turns of the captured bodies.
"""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.positions.bones import unit
from motion.rotations import Array

#: The T-pose of the bodies in HumanML3D (SMPL's mean adult), to half a centimetre: left side and middle, metres.
_HALF: dict[str, tuple[float, float, float]] = {
    "pelvis": (0.0, 0.945, 0.0),
    "left_hip": (0.07, -0.09, -0.005),
    "left_knee": (0.035, -0.375, -0.005),
    "left_ankle": (-0.015, -0.4, -0.045),
    "left_foot": (0.025, -0.055, 0.12),
    "spine1": (0.0, 0.11, -0.025),
    "spine2": (0.0, 0.135, 0.0),
    "spine3": (0.0, 0.055, 0.025),
    "neck": (0.0, 0.215, -0.045),
    "left_collar": (0.08, 0.12, -0.035),
    "head": (0.0, 0.065, 0.05),
    "left_shoulder": (0.09, 0.03, -0.01),
    "left_elbow": (0.26, -0.015, -0.025),
    "left_wrist": (0.25, 0.01, 0.0),
    "left_hand": (0.085, -0.01, -0.015),
}
REST: Array = np.array(
    [
        np.array(_HALF[name.replace("right_", "left_")]) * (-1.0 if name.startswith("right_") else 1.0, 1.0, 1.0)
        for name in skeleton.JOINTS
    ]
)
REST.setflags(write=False)

JOINTS = 22
#: Numbers in a frame of either kind, and the rate that its makers use.
WIDTHS: dict[int, int] = {263: 20, 272: 30}


def positions_of_263(features: Array) -> Array:
    """Joint positions ``(T, 22, 3)``, metres, Y up, of HumanML3D's features ``(T, 263)``.

    A frame is half the turn to the next about the vertical, the step to the next in the root's own frame (x, z), the
    root's height, and 21 joints under the root's heading (Guo et al. 2022, `recover_from_ric`); the rest is not used.
    """
    half = np.concatenate([[0.0], np.cumsum(features[:-1, 0])])
    turn = rot.yaw(-2.0 * half)
    steps = np.zeros((len(features), 3))
    steps[1:, [0, 2]] = features[:-1, 1:3]
    root = np.cumsum(rot.rotate(turn, steps), axis=0)
    body = rot.rotate(turn[:, None], features[:, 4:67].reshape(-1, JOINTS - 1, 3))
    body[..., [0, 2]] += root[:, None, [0, 2]]
    root[:, 1] = features[:, 3]
    return np.concatenate([root[:, None], body], axis=1)


def pose_of_272(features: Array) -> tuple[Array, Array]:
    """Joint positions ``(T, 22, 3)``, metres, Y up, and local turns ``(T, 22, 4)``, of MotionStreamer's ``(T, 272)``.

    A frame is the step from the last (x, z) under the last heading, the change of heading as a rotation's first two
    rows, 22 joints at the origin without heading, their velocities, and 22 turns as first two rows (Xiao et al. 2025).
    """
    heading = np.cumsum(np.arctan2(features[:, 4], features[:, 2]))
    turn = rot.yaw(-heading)
    steps = np.zeros((len(features), 3))
    steps[:, [0, 2]] = features[:, :2]
    steps[1:] = rot.rotate(turn[:-1], steps[1:])
    points = rot.rotate(turn[:, None], features[:, 8:74].reshape(-1, JOINTS, 3))
    points[..., [0, 2]] += np.cumsum(steps, axis=0)[:, None, [0, 2]]
    local = from_rows(features[:, 140:272].reshape(-1, JOINTS, 6))
    local[:, 0] = rot.multiply(turn, local[:, 0])
    return points, local


def from_rows(rows: Array) -> Array:
    """Quaternions ``(…, 4)`` of a rotation matrix's first two rows ``(…, 6)``, made square to each other."""
    first = unit(rows[..., :3])
    second = rows[..., 3:] - np.sum(first * rows[..., 3:], axis=-1, keepdims=True) * first
    second = unit(second)
    return rot.from_matrix(np.stack([first, second, np.cross(first, second)], axis=-2))
