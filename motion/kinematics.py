"""Forward kinematics and finite differences, for any tree of joints. Parents come before their children."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

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
    roots, *generations = _generations(tuple(parents.tolist()))
    world_q[..., roots, :], world_t[..., roots, :] = local_q[..., roots, :], local_t[..., roots, :]
    for j in generations:
        above_q, above_t = world_q[..., parents[j], :], world_t[..., parents[j], :]
        world_q[..., j, :] = rot.multiply(above_q, local_q[..., j, :])
        world_t[..., j, :] = above_t + rot.rotate(above_q, local_t[..., j, :])
    return world_q, world_t


@lru_cache(maxsize=256)
def _generations(parents: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Joints by how far they are from a root: those of one generation can be worked out at once."""
    depth: list[int] = []
    for parent in parents:
        depth.append(0 if parent < 0 else depth[parent] + 1)
    return tuple(np.flatnonzero(np.array(depth) == d) for d in range(max(depth, default=0) + 1))


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
