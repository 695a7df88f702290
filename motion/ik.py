"""Analytic two-bone inverse kinematics in batches: a hip, a knee and an ankle, or a shoulder, an elbow and a wrist."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion.rotations import Array


def soft_reach(distance: ArrayLike, limit: ArrayLike, softness: float = 0.01) -> Array:
    """Distance that a limb is asked to span, eased so that it nears ``limit`` without ever reaching it.

    Below ``(1 - softness) * limit`` the distance is kept. Above, the rest is approached exponentially, with equal value
    and slope at the seam, so a leg that straightens does not snap (the "soft IK" of animation practice).

    Args:
        distance: ``(…,)`` wanted distance between the limb's ends, metres.
        limit: ``(…,)`` the limb's full length, metres.
        softness: share of the limit over which the approach is eased.
    """
    distance, limit = np.asarray(distance, dtype=np.float64), np.asarray(limit, dtype=np.float64)
    ease = np.maximum(softness * limit, 1e-12)
    start = limit - ease
    over = np.maximum(distance - start, 0.0)
    return np.where(distance > start, start + ease * (1.0 - np.exp(-over / ease)), distance)


def two_bone(
    root: ArrayLike,
    target: ArrayLike,
    upper: ArrayLike,
    lower: ArrayLike,
    pole: ArrayLike,
    softness: float = 0.01,
    stretched: ArrayLike = 0.0,
) -> tuple[Array, Array]:
    """Middle and end joint of a limb whose end should be at ``target``, bending towards ``pole``.

    Args:
        root: ``(…, 3)`` hip or shoulder, metres.
        target: ``(…, 3)`` where the ankle or wrist should be, metres.
        upper: ``(…,)`` length of the first bone, metres.
        lower: ``(…,)`` length of the second bone, metres.
        pole: ``(…, 3)`` direction, in the world, in which the middle joint bends; its part along the limb is ignored.
        softness: see `soft_reach`.
        stretched: ``(…,)`` distance that the limb spans already, metres: easing bends no limb more than it is.

    Returns:
        ``(…, 3)`` middle joint and ``(…, 3)`` end joint; the end is at the target where the limb reaches it.
    """
    root, target, pole = (np.asarray(v, dtype=np.float64) for v in (root, target, pole))
    upper, lower = np.asarray(upper, dtype=np.float64), np.asarray(lower, dtype=np.float64)
    line = target - root
    distance = np.linalg.norm(line, axis=-1)
    axis = line / np.maximum(distance, 1e-9)[..., None]
    axis = np.where((distance > 1e-9)[..., None], axis, np.array([0.0, -1.0, 0.0]))
    kept = np.minimum(np.minimum(distance, stretched), upper + lower)
    reach = np.maximum(np.maximum(soft_reach(distance, upper + lower, softness), kept), np.abs(upper - lower) + 1e-9)
    across = pole - np.sum(pole * axis, axis=-1, keepdims=True) * axis
    size = np.linalg.norm(across, axis=-1, keepdims=True)
    away = np.eye(3)[np.argmin(np.abs(axis), axis=-1)]
    other = away - np.sum(away * axis, axis=-1, keepdims=True) * axis
    across = np.where(
        size > 1e-9, across / np.maximum(size, 1e-9), other / np.linalg.norm(other, axis=-1, keepdims=True)
    )
    along = (reach**2 + upper**2 - lower**2) / (2.0 * np.maximum(reach, 1e-12))
    height = np.sqrt(np.maximum(upper**2 - along**2, 0.0))
    middle = root + along[..., None] * axis + height[..., None] * across
    return middle, root + reach[..., None] * axis


def swing_to(world: ArrayLike, bone: ArrayLike, direction: ArrayLike) -> Array:
    """Turn world rotations the shortest way so that ``bone`` (in the joint's frame) points along ``direction``.

    Args:
        world: ``(…, 4)`` joint-to-world rotations.
        bone: ``(…, 3)`` the bone at rest, in the joint's frame; any length.
        direction: ``(…, 3)`` where it should point, world; any length. A zero direction changes nothing.
    """
    direction = np.asarray(direction, dtype=np.float64)
    now = rot.rotate(world, bone)
    turned = rot.normalize(rot.multiply(rot.between(now, direction), world))
    usable = np.linalg.norm(direction, axis=-1, keepdims=True) > 1e-9
    return np.where(usable, turned, world)
