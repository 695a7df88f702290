"""Limbs that pass through each other or through the trunk, measured with capsules along the bones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import ArrayLike

from motion import skeleton
from motion.errors import BadInput
from motion.rotations import Array
from motion.skeleton import INDEX
from physics.series import solid


@dataclass(frozen=True)
class Capsule:
    """A rounded rod between two places of the body, each the middle of some joints."""

    start: tuple[str, ...]
    end: tuple[str, ...]
    share: float  # radius, of its own length …
    of_shoulders: bool = False  # … or of half the distance between the shoulders


#: Radii were read off the default body: the median distance of skin to bone, less one tenth, so that limbs which only
#: brush past each other are no fault.
CAPSULES: dict[str, Capsule] = {
    "trunk": Capsule(("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"), 0.55, of_shoulders=True),
    "head": Capsule(("neck",), ("head",), 0.80),
    **{
        f"{side} {name}": Capsule((f"{side}_{start}",), (f"{side}_{end}",), share)
        for side in ("left", "right")
        for name, start, end, share in (
            ("upper arm", "shoulder", "elbow", 0.17),
            ("forearm", "elbow", "wrist", 0.12),
            ("hand", "wrist", "hand", 0.25),
            ("thigh", "hip", "knee", 0.17),
            ("shin", "knee", "ankle", 0.10),
            ("foot", "ankle", "foot", 0.25),
        )
    },
}
NAMES: tuple[str, ...] = tuple(CAPSULES)

_CHAINS = ("trunk", "upper arm", "forearm", "hand"), ("trunk", "thigh", "shin", "foot")
_NEIGHBOURS = {frozenset(("trunk", "head"))} | {
    frozenset(part if part == "trunk" else f"{side} {part}" for part in pair)
    for side in ("left", "right")
    for chain in _CHAINS
    for pair in pairwise(chain)
}
#: Pairs that are judged: all but neighbours on a chain.
PAIRS: tuple[tuple[int, int], ...] = tuple(
    (i, j) for i, j in combinations(range(len(NAMES)), 2) if frozenset((NAMES[i], NAMES[j])) not in _NEIGHBOURS
)


def default_radii(rest_offsets: ArrayLike) -> Array:
    """Radius of each of `CAPSULES`, ``(14,)`` metres, in proportion to the bones of a T-pose ``(24, 3)``."""
    joints = _rest(rest_offsets)
    half_shoulders = 0.5 * float(np.linalg.norm(joints[INDEX["left_shoulder"]] - joints[INDEX["right_shoulder"]]))
    start, end = _ends(joints[None])
    bones = np.linalg.norm(end - start, axis=-1)[0]
    lengths = np.where([c.of_shoulders for c in CAPSULES.values()], half_shoulders, bones)
    return np.asarray(lengths * [c.share for c in CAPSULES.values()])


def self_penetration_mm(joints: ArrayLike, rest_offsets: ArrayLike, radii: ArrayLike | None = None) -> float:
    """How deep limbs pass into each other or the trunk, millimetres: the deepest pair, mean over frames.

    Bones next to each other do not count, and what overlaps in the T-pose may do so as much in any pose.

    Args:
        joints: ``(T, 24, 3)`` metres, world.
        rest_offsets: ``(24, 3)`` metres, the T-pose of the same skeleton.
        radii: ``(14,)`` metres, in the order of `NAMES`; None: `default_radii`.

    Raises:
        BadInput: wrong shapes, numbers that are not finite, or a negative radius.
    """
    joints = solid(joints, "joints")
    if joints.shape[1] != 24:
        raise BadInput(f"joints: shape {joints.shape}, expected (frames, 24, 3)")
    r = default_radii(rest_offsets) if radii is None else np.asarray(radii, dtype=np.float64)
    if r.shape != (len(NAMES),) or not (np.isfinite(r) & (r >= 0)).all():
        raise BadInput(f"radii: shape {r.shape}, expected ({len(NAMES)},) lengths in metres, none negative")
    i, j = np.array(PAIRS).T
    allowed = np.maximum(r[i] + r[j] - _distances(_rest(rest_offsets)[None], i, j), 0.0)
    depth = r[i] + r[j] - _distances(joints, i, j) - allowed
    return float(np.maximum(depth.max(1), 0.0).mean() * 1000.0)


def _rest(rest_offsets: ArrayLike) -> Array:
    offsets = np.asarray(rest_offsets, dtype=np.float64)
    if offsets.shape != (24, 3) or not np.isfinite(offsets).all():
        raise BadInput(f"rest_offsets: shape {offsets.shape}, expected (24, 3) finite metres")
    return skeleton.at_rest(offsets)


def _ends(joints: Array) -> tuple[Array, Array]:
    """Both ends of every capsule's axis, each ``(T, 14, 3)``."""
    starts = [joints[:, [INDEX[n] for n in c.start]].mean(1) for c in CAPSULES.values()]
    ends = [joints[:, [INDEX[n] for n in c.end]].mean(1) for c in CAPSULES.values()]
    return np.stack(starts, axis=1), np.stack(ends, axis=1)


def _distances(joints: Array, i: np.ndarray, j: np.ndarray) -> Array:
    """Distance ``(T, P)`` between the axes of capsules i and j (closest points of segments: Ericson 2005, 5.1.9)."""
    start, end = _ends(joints)
    axis = end - start
    u, v, w = axis[:, i], axis[:, j], start[:, i] - start[:, j]
    a, b, c = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    d, e = (u * w).sum(-1), (v * w).sum(-1)
    a, c = np.maximum(a, 1e-12), np.maximum(c, 1e-12)
    cross = a * c - b * b
    s = np.where(cross > 1e-12, np.clip((b * e - c * d) / np.maximum(cross, 1e-12), 0.0, 1.0), 0.0)
    t = (b * s + e) / c
    s = np.where(t < 0, np.clip(-d / a, 0.0, 1.0), np.where(t > 1, np.clip((b - d) / a, 0.0, 1.0), s))
    t = np.clip(t, 0.0, 1.0)
    return np.asarray(np.linalg.norm(w + s[..., None] * u - t[..., None] * v, axis=-1))
