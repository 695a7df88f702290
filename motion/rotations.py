"""Quaternion algebra on NumPy arrays: xyzw order, unit length, any leading shape, float64.

A quaternion ``q`` here turns vectors from a child's frame into its parent's: ``rotate(q, v)``.
Products compose left to right as matrices do: ``multiply(a, b)`` turns by ``b`` first, then by ``a``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])
_AXES = {"X": 0, "Y": 1, "Z": 2}


def normalize(q: ArrayLike) -> Array:
    """Scale to unit length; a zero quaternion becomes the identity."""
    q = np.asarray(q, dtype=np.float64)
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(length > 1e-12, q / np.maximum(length, 1e-12), IDENTITY)


def multiply(a: ArrayLike, b: ArrayLike) -> Array:
    """Hamilton product, ``(…, 4) x (…, 4) -> (…, 4)``: turn by ``b``, then by ``a``."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    ax, ay, az, aw = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bx, by, bz, bw = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=-1,
    )


def inverse(q: ArrayLike) -> Array:
    """Inverse of unit quaternions."""
    return np.asarray(q, dtype=np.float64) * np.array([-1.0, -1.0, -1.0, 1.0])


def rotate(q: ArrayLike, v: ArrayLike) -> Array:
    """Turn vectors ``v (…, 3)`` by ``q (…, 4)``; leading shapes broadcast."""
    q, v = np.asarray(q, dtype=np.float64), np.asarray(v, dtype=np.float64)
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    a, b, c = v[..., 0], v[..., 1], v[..., 2]
    # t = 2 u x v; v + w t + u x t, spelled out: NumPy's cross is several times slower on few vectors.
    tx, ty, tz = 2.0 * (y * c - z * b), 2.0 * (z * a - x * c), 2.0 * (x * b - y * a)
    return np.stack(
        [a + w * tx + (y * tz - z * ty), b + w * ty + (z * tx - x * tz), c + w * tz + (x * ty - y * tx)], axis=-1
    )


def to_matrix(q: ArrayLike) -> Array:
    """Rotation matrices ``(…, 3, 3)``; columns are the child's axes in the parent's frame."""
    q = np.asarray(q, dtype=np.float64)
    x, y, z, w = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    m = np.empty((*q.shape[:-1], 3, 3))
    m[..., 0, 0] = 1 - 2 * (y * y + z * z)
    m[..., 0, 1] = 2 * (x * y - z * w)
    m[..., 0, 2] = 2 * (x * z + y * w)
    m[..., 1, 0] = 2 * (x * y + z * w)
    m[..., 1, 1] = 1 - 2 * (x * x + z * z)
    m[..., 1, 2] = 2 * (y * z - x * w)
    m[..., 2, 0] = 2 * (x * z - y * w)
    m[..., 2, 1] = 2 * (y * z + x * w)
    m[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return m


def from_matrix(m: ArrayLike) -> Array:
    """Quaternions of proper rotation matrices ``(…, 3, 3)``, ``w >= 0`` (Bar-Itzhack's largest-component form)."""
    m = np.asarray(m, dtype=np.float64)
    d = np.stack([m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]], axis=-1)
    trace = d.sum(-1)
    # Four candidates, each exact, each stable where its own component is the largest.
    q = np.empty((*m.shape[:-2], 4, 4))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        q[..., i, i] = 1 + 2 * d[..., i] - trace
        q[..., i, j] = m[..., j, i] + m[..., i, j]
        q[..., i, k] = m[..., k, i] + m[..., i, k]
        q[..., i, 3] = m[..., k, j] - m[..., j, k]
        q[..., 3, i] = m[..., k, j] - m[..., j, k]
    q[..., 3, 3] = 1 + trace
    best = np.argmax(np.concatenate([d, trace[..., None]], axis=-1), axis=-1)
    chosen = normalize(np.take_along_axis(q, best[..., None, None], axis=-2)[..., 0, :])
    return np.where(chosen[..., 3:] < 0, -chosen, chosen)


def from_rotvec(v: ArrayLike) -> Array:
    """Quaternions of axis-angle vectors ``(…, 3)`` in radians."""
    v = np.asarray(v, dtype=np.float64)
    half = 0.5 * np.linalg.norm(v, axis=-1, keepdims=True)
    return np.concatenate([0.5 * np.sinc(half / np.pi) * v, np.cos(half)], axis=-1)


def to_rotvec(q: ArrayLike) -> Array:
    """Axis-angle vectors in radians, by the short way round (angle <= pi)."""
    q = np.asarray(q, dtype=np.float64)
    q = np.where(q[..., 3:] < 0, -q, q)
    sine = np.linalg.norm(q[..., :3], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., 3:])
    scale = np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0)
    return scale * q[..., :3]


def from_axis(axis: ArrayLike | str, angle: ArrayLike) -> Array:
    """Turn by ``angle`` radians about one axis, a vector ``(3,)`` or ``"X"``, ``"Y"``, ``"Z"``."""
    unit = np.eye(3)[_AXES[axis]] if isinstance(axis, str) else np.asarray(axis, dtype=np.float64)
    return from_rotvec(np.asarray(angle, dtype=np.float64)[..., None] * unit)


def from_euler(order: str, angles: ArrayLike) -> Array:
    """Intrinsic Euler angles ``(…, len(order))`` in radians, applied in the order written (``"ZXY"``: BVH's usual)."""
    angles = np.asarray(angles, dtype=np.float64)
    q = np.broadcast_to(IDENTITY, (*angles.shape[:-1], 4))
    for i, axis in enumerate(order):
        turn = np.zeros((*angles.shape[:-1], 4))
        turn[..., _AXES[axis]] = np.sin(0.5 * angles[..., i])
        turn[..., 3] = np.cos(0.5 * angles[..., i])
        q = turn if i == 0 else multiply(q, turn)
    return np.array(q)


def to_euler(order: str, q: ArrayLike) -> Array:
    """Intrinsic Euler angles in radians for three different axes; in gimbal lock the last angle is zero.

    The closed form for Tait-Bryan angles; ``from_euler(order, to_euler(order, q))`` is ``q`` up to sign.
    """
    i, j, k = (_AXES[axis] for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    m = to_matrix(q)
    sine = np.clip(sign * m[..., i, k], -1.0, 1.0)
    locked = np.abs(sine) > 1 - 1e-12
    first = np.where(
        locked, np.arctan2(sign * m[..., k, j], m[..., j, j]), np.arctan2(-sign * m[..., j, k], m[..., k, k])
    )
    last = np.where(locked, 0.0, np.arctan2(-sign * m[..., i, j], m[..., i, i]))
    # asin loses half the digits near a right angle; atan2 of both legs does not.
    middle = np.arctan2(sine, np.hypot(m[..., i, i], m[..., i, j]))
    return np.stack([first, middle, last], axis=-1)


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Array:
    """Spherical interpolation from ``a`` (t = 0) to ``b`` (t = 1) by the short way; ``t`` broadcasts to ``(…,)``."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    t = np.asarray(t, dtype=np.float64)[..., None]
    dot = np.sum(a * b, axis=-1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    wa = np.where(near, 1.0 - t, np.sin((1.0 - t) * angle) / safe)
    wb = np.where(near, t, np.sin(t * angle) / safe)
    return normalize(wa * a + wb * b)


def angle_between(a: ArrayLike, b: ArrayLike) -> Array:
    """Geodesic angle in radians between rotations, in [0, pi]."""
    return np.linalg.norm(to_rotvec(multiply(inverse(a), b)), axis=-1)


def between(a: ArrayLike, b: ArrayLike) -> Array:
    """The smallest turn that takes direction ``a (…, 3)`` to direction ``b``; half a turn where they are opposite."""
    u, v = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    u = u / np.maximum(np.linalg.norm(u, axis=-1, keepdims=True), 1e-12)
    v = v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
    dot = np.sum(u * v, axis=-1, keepdims=True)
    q = np.concatenate([np.cross(u, v), 1.0 + dot], axis=-1)
    # Opposite: any axis across u will do; take the one farthest from it.
    away = np.eye(3)[np.argmin(np.abs(u), axis=-1)]
    across = np.concatenate([np.cross(u, away), np.zeros_like(dot)], axis=-1)
    return normalize(np.where(dot < -1 + 1e-9, across, q))


def swing_twist(q: ArrayLike, axis: ArrayLike) -> tuple[Array, Array]:
    """Split ``q = swing * twist`` where ``twist`` turns about ``axis (…, 3)``, unit, in the child's frame."""
    q, axis = np.asarray(q, dtype=np.float64), np.asarray(axis, dtype=np.float64)
    along = np.sum(q[..., :3] * axis, axis=-1, keepdims=True) * axis
    twist = normalize(np.concatenate([along, q[..., 3:]], axis=-1))
    return multiply(q, inverse(twist)), twist


def continuous(q: ArrayLike) -> Array:
    """Flip signs along the first axis so that neighbours are on the same half of the sphere, ``(T, …, 4)``."""
    q = np.array(q, dtype=np.float64)
    if len(q) > 1:
        flips = np.sum(q[1:] * q[:-1], axis=-1) < 0
        q[1:] *= np.where(np.cumsum(flips, axis=0) % 2 == 1, -1.0, 1.0)[..., None]
    return q


def yaw(angle: ArrayLike) -> Array:
    """Turn about the vertical: a performer facing +Z then faces ``(sin angle, 0, cos angle)``."""
    return from_axis("Y", angle)
