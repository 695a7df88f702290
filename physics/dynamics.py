"""Rigid-body dynamics of a humanoid along a motion, many frames at once: Jacobians, mass matrix, inverse dynamics.

Generalised velocities, ``N = 6 + 3 (L − 1)``: the pelvis joint's velocity (world, m/s), the pelvis's angular velocity
(world, rad/s), then each joint's angular velocity in its child's frame (rad/s), which is Bullet's own order for
spherical joints. Generalised forces match: force and torque at the pelvis joint, then joint torques.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import rotations as rot
from motion.rotations import Array
from physics.humanoid import Humanoid
from physics.mass import GRAVITY


@dataclass(frozen=True)
class Bodies:
    """Where the links are, frame by frame, and how they move with the generalised velocities."""

    turn: Array  # (T, L, 4) world rotations
    place: Array  # (T, L, 3) joints, metres, world
    centre: Array  # (T, L, 3) centres of mass, metres, world
    angular: Array  # (T, L, 3, N) angular Jacobians, world
    ancestors: np.ndarray  # (L, L) bool: whether link k moves link i; the pelvis moves all


def bodies(humanoid: Humanoid, links: Array, root: Array) -> Bodies:
    """Poses and angular Jacobians for link rotations ``(T, L, 4)`` and pelvis places ``(T, 3)``."""
    turn, place = humanoid.poses(links, root)
    count = len(humanoid.links)
    centre = place + rot.rotate(turn, np.stack([link.centre for link in humanoid.links]))
    matrices = rot.to_matrix(turn)
    ancestors = np.zeros((count, count), dtype=bool)
    for i in range(count):
        k = i
        while k >= 0:
            ancestors[i, k] = True
            k = humanoid.links[k].parent
    angular = np.zeros((len(turn), count, 3, 6 + 3 * (count - 1)))
    angular[:, :, :, 3:6] = np.eye(3)
    for k in range(1, count):
        angular[:, ancestors[:, k], :, 3 + 3 * k : 6 + 3 * k] = matrices[:, None, k]
    return Bodies(turn, place, centre, angular, ancestors)


def linear(at: Bodies, link: int, points: Array) -> Array:
    """Jacobian ``(T, 3, N)`` of points ``(T, 3)``, world, that move with one link."""
    out = np.zeros((len(at.place), 3, at.angular.shape[-1]))
    out[:, :, 0:3] = np.eye(3)
    out[:, :, 3:6] = -_cross(points - at.place[:, 0])
    for k in np.flatnonzero(at.ancestors[link, 1:]) + 1:
        block = slice(3 + 3 * k, 6 + 3 * k)
        out[:, :, block] = -_cross(points - at.place[:, k]) @ at.angular[:, link, :, block]
    return out


def mass_matrix(humanoid: Humanoid, at: Bodies) -> Array:
    """Mass matrices ``(T, N, N)``: Σ m Jᵥᵀ Jᵥ + Jωᵀ I Jω (composite sum over links)."""
    size = at.angular.shape[-1]
    out = np.zeros((len(at.turn), size, size))
    inertias = humanoid.inertias
    for i, link in enumerate(humanoid.links):
        jv, jw = linear(at, i, at.centre[:, i]), at.angular[:, i]
        body = rot.rotate(rot.inverse(at.turn[:, i])[:, None], jw.swapaxes(1, 2)).swapaxes(1, 2)  # (T, 3, N) own axes
        out += link.mass * (jv.swapaxes(1, 2) @ jv) + body.swapaxes(1, 2) @ (inertias[i][:, None] * body)
    return out


def inverse_dynamics(humanoid: Humanoid, at: Bodies, acceleration: Array, momentum_rate: Array) -> Array:
    """Generalised forces ``(T, N)`` that a motion needs beyond gravity: rows 0-5 must come from outside.

    Args:
        at: the poses.
        acceleration: ``(T, L, 3)`` of the links' centres of mass, m/s².
        momentum_rate: ``(T, L, 3)`` change of each link's spin about its own centre, N m.
    """
    out = np.zeros((len(at.turn), at.angular.shape[-1]))
    for i, link in enumerate(humanoid.links):
        force = link.mass * (acceleration[:, i] + np.array([0.0, GRAVITY, 0.0]))
        out += np.einsum("tan,ta->tn", linear(at, i, at.centre[:, i]), force)
        out += np.einsum("tan,ta->tn", at.angular[:, i], momentum_rate[:, i])
    return out


def _cross(v: Array) -> Array:
    """Matrices ``(…, 3, 3)`` of the cross product with ``v (…, 3)``."""
    out = np.zeros((*v.shape[:-1], 3, 3))
    out[..., 0, 1], out[..., 0, 2], out[..., 1, 2] = -v[..., 2], v[..., 1], -v[..., 0]
    out[..., 1, 0], out[..., 2, 0], out[..., 2, 1] = v[..., 2], -v[..., 1], v[..., 0]
    return out
