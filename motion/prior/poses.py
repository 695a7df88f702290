"""Quaternion algebra in torch on the models' 22 joints, and kinematics as one product instead of a chain.

Quaternions are xyzw, as everywhere. "World" rotations turn a joint's frame into the world (or into a window's own
frame); with them a joint's place is a sum of turned offsets.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from motion import skeleton
from motion.prior.constraints import JOINTS
from motion.prior.features import exact

#: Parent of each of the 22 joints; the pelvis is its own.
PARENTS: list[int] = np.maximum(skeleton.PARENTS[:JOINTS], 0).tolist()


def _levels() -> list[list[int]]:
    """Joints by their distance from the pelvis: those of one level can be turned together."""
    depth = [0] * JOINTS
    for joint in range(1, JOINTS):
        depth[joint] = depth[PARENTS[joint]] + 1
    return [[j for j in range(JOINTS) if depth[j] == d] for d in range(1, max(depth) + 1)]


_LEVELS = _levels()


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product, ``(…, 4) x (…, 4)``: turn by ``b``, then by ``a``."""
    av, aw, bv, bw = a[..., :3], a[..., 3:], b[..., :3], b[..., 3:]
    vector = aw * bv + bw * av + torch.linalg.cross(*torch.broadcast_tensors(av, bv))
    return torch.cat([vector, aw * bw - (av * bv).sum(-1, keepdim=True)], dim=-1)


def inverse(q: Tensor) -> Tensor:
    """Inverse of unit quaternions."""
    return q * q.new_tensor([-1.0, -1.0, -1.0, 1.0])


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Along the arc from ``a`` to ``b`` as their signs stand (no shorter way is sought); ``t (…)`` in [0, 1]."""
    t = t[..., None]
    angle = torch.arccos((a * b).sum(-1, keepdim=True).clamp(-1.0, 1.0))
    sine = torch.sin(angle)
    near = sine < 1e-3
    safe = torch.where(near, torch.ones_like(sine), sine)
    wa = torch.where(near, 1.0 - t, torch.sin((1.0 - t) * angle) / safe)
    wb = torch.where(near, t, torch.sin(t * angle) / safe)
    return torch.nn.functional.normalize(wa * a + wb * b, dim=-1)


def toward(q: Tensor, reference: Tensor) -> Tensor:
    """``q`` or ``-q`` (the same rotation), whichever is nearer to ``reference``."""
    return torch.where((q * reference).sum(-1, keepdim=True) < 0, -q, q)


def quaternions(m: Tensor) -> Tensor:
    """Unit quaternions ``(…, 4)`` of rotation matrices ``(…, 3, 3)``: of four exact forms, the best conditioned."""
    a, b, c = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    forms = torch.stack(
        [
            torch.stack([1 + a - b - c, xy, xz, x], -1),
            torch.stack([xy, 1 - a + b - c, yz, y], -1),
            torch.stack([xz, yz, 1 - a - b + c, z], -1),
            torch.stack([x, y, z, 1 + a + b + c], -1),
        ],
        -2,
    )
    best = torch.stack([a, b, c, a + b + c], -1).argmax(-1)
    chosen = forms.gather(-2, best[..., None, None].expand(*best.shape, 1, 4))[..., 0, :]
    return torch.nn.functional.normalize(chosen, dim=-1)


def world_quaternions(local: Tensor) -> Tensor:
    """World rotations from local ones, ``(…, 22, 4)``."""
    world = local.clone()
    for joints in _LEVELS:
        parents = [PARENTS[j] for j in joints]
        world[..., joints, :] = multiply(world[..., parents, :], local[..., joints, :])
    return world


def local_quaternions(world: Tensor) -> Tensor:
    """Local rotations from world ones, ``(…, 22, 4)``; the pelvis keeps its own."""
    local = multiply(inverse(world[..., PARENTS, :]), world)
    return torch.cat([world[..., :1, :], local[..., 1:, :]], dim=-2)


def ancestry() -> Tensor:
    """``(22, 22)``: row j has ones at the bones between the pelvis and joint j."""
    table = torch.zeros(JOINTS, JOINTS)
    for joint in range(1, JOINTS):
        table[joint] = table[PARENTS[joint]]
        table[joint, joint] = 1.0
    return table


class Bones(torch.nn.Module):
    """Joint places from world rotation matrices, on one set of bones.

    Args:
        rest_offsets: ``(24, 3)`` metres; kept whole, though the hands have no joints here.
    """

    offsets: Tensor
    chains: Tensor

    def __init__(self, rest_offsets: np.ndarray | Tensor) -> None:
        super().__init__()
        self.register_buffer("offsets", torch.as_tensor(rest_offsets).detach().to(torch.float32).clone())
        self.register_buffer("chains", ancestry(), persistent=False)

    @exact  # half precision is centimetres at a fingertip
    def forward(self, world: Tensor, pelvis: Tensor) -> Tensor:
        """``(…, 22, 3, 3)`` and ``(…, 3)`` to joint places ``(…, 22, 3)``, metres."""
        turned = (world.float()[..., PARENTS, :, :] * self.offsets[:JOINTS, None, :]).sum(-1)
        return pelvis.float()[..., None, :] + self.chains @ turned
