"""`Motions`: a batch of performances as tensors, with their kinematics; what is distorted, seen and mended."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from motion import skeleton
from motion.contacts import ADULT_LEG_M
from motion.prior import poses
from motion.prior.constraints import JOINTS
from motion.prior.features import matrix_from_quaternion

_I = skeleton.INDEX
_PARENTS = poses.PARENTS
_ANKLES, _BALLS = [_I["left_ankle"], _I["right_ankle"]], [_I["left_foot"], _I["right_foot"]]


def _levels() -> list[list[int]]:
    """Joints by their distance from the pelvis, which is the first."""
    depth = [0] * JOINTS
    for joint in range(1, JOINTS):
        depth[joint] = depth[_PARENTS[joint]] + 1
    return [[j for j in range(JOINTS) if depth[j] == d] for d in range(max(depth) + 1)]


_LEVELS = _levels()
_ORDER = torch.tensor([j for level in _LEVELS for j in level]).argsort()


def world_quaternions(local: Tensor) -> Tensor:
    """World rotations from local ones, ``(…, 22, 4)``; gradients flow through."""
    at = {0: (0, 0)}  # joint: level, place in it
    parts = [local[..., :1, :]]
    for depth, joints in enumerate(_LEVELS[1:], start=1):
        above = parts[depth - 1][..., [at[_PARENTS[j]][1] for j in joints], :]
        parts.append(poses.multiply(above, local[..., joints, :]))
        at.update({j: (depth, k) for k, j in enumerate(joints)})
    return torch.cat(parts, -2)[..., _ORDER, :]


def from_rotvec(v: Tensor) -> Tensor:
    """Quaternions ``(…, 4)`` of axis-angle vectors ``(…, 3)``, radians; smooth at zero."""
    half = 0.5 * torch.sqrt((v * v).sum(-1, keepdim=True) + 1e-12)
    return torch.cat([0.5 * torch.sinc(half / torch.pi) * v, torch.cos(half)], -1)


def to_rotvec(q: Tensor) -> Tensor:
    """Axis-angle vectors of quaternions by the short way, good up to a right angle and smooth at zero."""
    q = torch.where(q[..., 3:] < 0, -q, q)
    sine = torch.sqrt((q[..., :3] ** 2).sum(-1, keepdim=True) + 1e-12)
    return 2.0 * torch.atan2(sine, q[..., 3:]) / sine * q[..., :3]


def turn(matrix: Tensor, vector: Tensor) -> Tensor:
    """``(…, 3, 3)`` times ``(…, 3)``, as sums: on a CPU faster than a batch of tiny products."""
    return (matrix * vector[..., None, :]).sum(-1)


@dataclass(frozen=True)
class Motions:
    """Performances of one length at 30 fps, each on its own skeleton."""

    local: Tensor  # (B, T, 22, 4) local rotations xyzw, signs continuous in time
    root: Tensor  # (B, T, 3) pelvis, metres
    offsets: Tensor  # (B, 22, 3) metres; row 0: rest pelvis above its floor

    @property
    def size(self) -> Tensor:
        """``(B,)`` legs against an adult's."""
        bones = [_I[f"{s}_{b}"] for s in ("left", "right") for b in ("knee", "ankle")]
        return (self.offsets[:, bones].norm(dim=-1).sum(1) / 2.0 / ADULT_LEG_M).clamp(min=1e-6)

    def world(self) -> tuple[Tensor, Tensor]:
        """World rotations ``(B, T, 22, 3, 3)`` and joint places relative to the pelvis ``(B, T, 22, 3)``, metres."""
        return placed(world_quaternions(self.local), self.offsets)


def placed(world: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices and joint places relative to the pelvis from world quaternions ``(B, T, 22, 4)``."""
    matrices = matrix_from_quaternion(world)
    bones = turn(matrices[..., _PARENTS[1:], :, :], offsets[:, None, 1:])
    places = [torch.zeros_like(bones[..., 0, :])]
    for joint in range(1, JOINTS):
        places.append(places[_PARENTS[joint]] + bones[..., joint - 1, :])
    return matrices, torch.stack(places, -2)


def feet(matrices: Tensor, joints: Tensor, offsets: Tensor) -> Tensor:
    """Heel and ball of both feet on the sole ``(B, T, 4, 3)``, as `motion.contacts.foot_points` has them.

    Args:
        matrices: ``(B, T, 22, 3, 3)`` world rotations.
        joints: ``(B, T, 22, 3)`` metres.
        offsets: ``(B, 22, 3)`` metres.
    """
    heights = rest_heights(offsets)
    points = []
    for s in range(2):
        ankle, ball = _ANKLES[s], _BALLS[s]
        heel = -0.35 * offsets[:, ball] * offsets.new_tensor([1.0, 0.0, 1.0])
        heel = heel - heights[:, s, :1] * offsets.new_tensor([0.0, 1.0, 0.0])
        down = -heights[:, s, 1:] * offsets.new_tensor([0.0, 1.0, 0.0])
        points.append(joints[:, :, ankle] + turn(matrices[:, :, ankle], heel[:, None]))
        points.append(joints[:, :, ball] + turn(matrices[:, :, ankle], down[:, None]))
    return torch.stack(points, 2)


def rest_heights(offsets: Tensor) -> Tensor:
    """``(B, 2, 2)`` height of ankle and ball above the sole, left then right, in the T-pose."""
    chain = [_I[n] for n in ("left_hip", "left_knee", "left_ankle", "left_foot")]
    out = []
    for shift in (0, 1):
        y = offsets[:, [0, *(c + shift for c in chain)], 1].cumsum(1)
        out.append(y[:, 3:])
    return torch.stack(out, 1)
