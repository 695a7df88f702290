"""Forward kinematics and finite differences, for any tree of joints. Parents come before their children."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion.rotations import Array


def forward(parents: ArrayLike, rotations: ArrayLike, translations: ArrayLike) -> tuple[Array, Array]:
    """World rotations and positions of every joint.

    Args:
        parents: ``(J,)`` index of each joint's parent, −1 for a root; a parent stands before its children.
        rotations: ``(…, J, 4)`` local rotations, xyzw.
        translations: ``(…, J, 3)`` joint positions in the parent's frame (a root's: in the world); broadcasts.

    Returns:
        ``(…, J, 4)`` rotations joint-to-world and ``(…, J, 3)`` positions, in the unit of ``translations``.
    """
    parents = np.asarray(parents)
    local_q = np.asarray(rotations, dtype=np.float64)
    local_t = np.broadcast_to(np.asarray(translations, dtype=np.float64), (*local_q.shape[:-1], 3))
    world_q, world_t = np.empty_like(local_q), np.empty(local_t.shape)
    for j, parent in enumerate(parents):
        if parent < 0:
            world_q[..., j, :], world_t[..., j, :] = local_q[..., j, :], local_t[..., j, :]
        else:
            world_q[..., j, :] = rot.multiply(world_q[..., parent, :], local_q[..., j, :])
            world_t[..., j, :] = world_t[..., parent, :] + rot.rotate(world_q[..., parent, :], local_t[..., j, :])
    return world_q, world_t


def to_local(parents: ArrayLike, world_rotations: ArrayLike) -> Array:
    """Local rotations from world ones, ``(…, J, 4) -> (…, J, 4)``: the inverse of `forward` for rotations."""
    parents = np.asarray(parents)
    world = np.asarray(world_rotations, dtype=np.float64)
    parent_world = np.where((parents >= 0)[:, None], world[..., np.maximum(parents, 0), :], rot.IDENTITY)
    return rot.multiply(rot.inverse(parent_world), world)


def velocity(positions: ArrayLike, fps: Fraction | float) -> Array:
    """Central differences along the first axis, units per second; one-sided at the ends, zero for one frame."""
    x = np.asarray(positions, dtype=np.float64)
    if len(x) < 2:
        return np.zeros_like(x)
    return np.gradient(x, axis=0) * float(fps)


def jerk(positions: ArrayLike, fps: Fraction | float) -> Array:
    """Third forward difference over time, ``(T, …) -> (T − 3, …)``, units per second cubed."""
    return np.diff(np.asarray(positions, dtype=np.float64), n=3, axis=0) * float(fps) ** 3
