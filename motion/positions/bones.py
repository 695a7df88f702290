"""Bones from joint positions: their lengths, robust and equal on both sides, and positions made to keep them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion import skeleton
from motion.rotations import Array

_I = skeleton.INDEX
#: Joints whose several children ride on one rigid body: its whole orientation can be seen, and nowhere else.
HUBS: dict[int, tuple[int, ...]] = {
    0: (_I["left_hip"], _I["right_hip"], _I["spine1"]),
    _I["spine3"]: (_I["neck"], _I["left_collar"], _I["right_collar"]),
}
_SIDE = np.array([-1.0, 1.0, 1.0])  # a mirror across the body's middle


def unit(v: ArrayLike) -> Array:
    """Vectors at length 1; a zero vector stays zero."""
    v = np.asarray(v, dtype=np.float64)
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def align(body: ArrayLike, seen: ArrayLike) -> Array:
    """The turn that lays the points ``body (K, 3)`` on ``seen (…, K, 3)`` best, ``(…, 4)``; both about the origin.

    Least squares after Kabsch (1976): the singular vectors of the covariance, without reflections.
    """
    covariance = np.swapaxes(np.asarray(seen, dtype=np.float64), -1, -2) @ np.asarray(body, dtype=np.float64)
    u, _, vt = np.linalg.svd(covariance)
    flip = np.ones((*covariance.shape[:-2], 3))
    flip[..., 2] = np.sign(np.linalg.det(u @ vt))
    return rot.from_matrix((u * flip[..., None, :]) @ vt)


def lengths(positions: Array) -> Array:
    """``(J,)`` typical distance of each joint to its parent, equal on both sides; 0 for the root."""
    joints = positions.shape[1]
    parents = np.maximum(skeleton.PARENTS[:joints], 0)
    long = np.median(np.linalg.norm(positions - positions[:, parents], axis=-1), axis=0)
    return (long + long[skeleton.MIRROR[:joints]]) / 2.0


def variation(positions: Array) -> Array:
    """``(J,)`` by how much each bone changes length: the median deviation as a share of the length; 0 for the root."""
    joints = positions.shape[1]
    parents = np.maximum(skeleton.PARENTS[:joints], 0)
    long = np.linalg.norm(positions - positions[:, parents], axis=-1)
    typical = np.median(long, axis=0)
    return np.median(np.abs(long - typical), axis=0) / np.maximum(typical, 1e-9)


def fit(positions: Array, rest: Array) -> Array:
    """A T-pose with the bone lengths of moving joints and the directions of another T-pose.

    Where several bones leave one joint (pelvis, chest), their places are fitted to each other as they are seen, so that
    hips and collars come out exact; all else keeps the direction that it has in ``rest``.

    Args:
        positions: ``(T, 22 or 24, 3)`` joints in SMPL's order, metres.
        rest: ``(24, 3)`` metres, the T-pose whose directions are taken.

    Returns:
        ``(24, 3)`` metres; hands that are not in the positions grow with the forearm. Row 0: the pelvis over the floor.
    """
    joints = positions.shape[1]
    long = np.linalg.norm(rest, axis=-1)
    grown = lengths(positions)
    scale = np.ones(24)
    scale[:joints] = np.where(long[:joints] > 1e-9, grown / np.maximum(long[:joints], 1e-9), 1.0)
    for side in ("left", "right"):
        if joints <= _I[f"{side}_hand"]:
            scale[_I[f"{side}_hand"]] = scale[_I[f"{side}_wrist"]]
    offsets = rest * scale[:, None]
    for hub, children in HUBS.items():
        offsets[list(children)] = _body(positions, hub, children, offsets[list(children)])
    legs = [_I[f"{s}_{part}"] for s in ("left", "right") for part in ("knee", "ankle")]
    offsets[0] = rest[0] * np.linalg.norm(offsets[legs], axis=-1).sum() / np.linalg.norm(rest[legs], axis=-1).sum()
    return offsets


def _body(positions: Array, hub: int, children: tuple[int, ...], guess: Array) -> Array:
    """Places of a hub's children in its frame: their mean over time once every frame is turned onto it."""
    seen = positions[:, list(children)] - positions[:, hub, None]
    body = guess
    for _ in range(4):
        turned = rot.rotate(rot.inverse(align(body, seen))[:, None], seen)
        body = np.median(turned, axis=0)
    # Mirrored: the skeleton is symmetric even when the estimate is not.
    mirror = [children.index(int(skeleton.MIRROR[c])) for c in children]
    body = (body + _SIDE * body[mirror]) / 2.0
    return rot.rotate(align(body, guess), body)


def keep_lengths(positions: Array, offsets: Array, rounds: int = 16) -> Array:
    """Positions moved as little as need be so that every bone has its length, ``(T, J, 3)``.

    Both ends of a bone give way by half of what it is too long, again and again over all bones (position-based
    dynamics, Müller et al. 2007). An error is so shared between neighbours; carried down the chain from the pelvis it
    would pile up in hands and feet.

    Args:
        positions: ``(T, J, 3)`` metres.
        offsets: ``(24, 3)`` metres, the skeleton's T-pose.
        rounds: how often all bones are gone through.
    """
    moved = np.array(positions, dtype=np.float64)
    joints = moved.shape[1]
    bones = [(int(skeleton.PARENTS[j]), j, float(np.linalg.norm(offsets[j]))) for j in range(1, joints)]
    for children in HUBS.values():
        for n, a in enumerate(children):
            bones += [(a, b, float(np.linalg.norm(offsets[a] - offsets[b]))) for b in children[n + 1 :]]
    for _ in range(rounds):
        for a, b, long in bones:
            bone = moved[:, b] - moved[:, a]
            now = np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-9)
            give = 0.5 * (1.0 - long / now) * bone
            moved[:, a] += give
            moved[:, b] -= give
    return moved
