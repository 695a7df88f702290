"""`Calibration`: constant turns from a source's frames to SMPL's; and what both roads to one read from a capture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from motion import contacts, skeleton
from motion import rotations as rot
from motion.retarget.source import Source
from motion.rotations import Array

_I = skeleton.INDEX
LEFT, UP, FRONT = np.eye(3)
#: Hinge axes of SMPL's T-pose: the turn about them bends the knee backward, the elbow forward.
HINGE = {"left_elbow": -UP, "right_elbow": UP, "left_knee": LEFT, "right_knee": LEFT}


@dataclass(frozen=True)
class Calibration:
    """Turns from source frames to SMPL frames."""

    limbs: dict[int, Array]  # SMPL joint -> (4,)
    pelvis: Array  # (4,)
    spine: list[Array]  # one (4,) for each joint of the map's spine
    neck: list[Array]
    kind: str  # "T-pose", "A-pose", "N-pose", "frame 0" or "motion"
    facing: float  # degrees about the vertical that the rest pose faces away from +Z; 0 by motion
    mirrored: bool  # toes point behind: left and right of the names seem exchanged
    rolled: tuple[str, ...] = ()  # limbs whose rest was rolled about its bone, mended by the way they bend


def unit(v: ArrayLike) -> Array:
    """Vectors at length 1; a zero vector stays zero."""
    v = np.asarray(v, dtype=np.float64)
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def frame(main: ArrayLike, other: ArrayLike) -> Array:
    """Rotation whose first axis is ``main`` and whose second lies in the plane of both, ``(…, 4)``."""
    x = unit(main)
    y = np.asarray(other, dtype=np.float64)
    y = unit(y - np.sum(y * x, axis=-1, keepdims=True) * x)
    return rot.from_matrix(np.stack([x, y, np.cross(x, y)], axis=-1))


def hinge_axis(source: Source, holder: int, upper: int, middle: Array, end: Array) -> tuple[Array, float]:
    """The axis of a knee or elbow in the frame of joint ``holder``, and how sure it is: the mean sine of the bend."""
    pick = source.sample
    first, second = unit(middle - source.position(upper))[pick], unit(end - middle)[pick]
    bend = np.cross(first, second)
    inside = rot.rotate(rot.inverse(source.rotation(holder)[pick]), bend)
    mean = inside.mean(0)
    size = float(np.linalg.norm(mean))
    return (mean / size, size) if size > 1e-9 else (LEFT, 0.0)


def sole_normal(source: Source, side: str) -> Array | None:
    """The direction, in the ankle joint's frame, that is up while the foot stands; None when it never clearly does."""
    joint = int(source.map.limbs[_I[f"{side}_ankle"]])
    ankle, toe = source.point(_I[f"{side}_ankle"]), source.point(_I[f"{side}_foot"])
    if joint < 0 or ankle is None:
        return None
    points = ankle[:, None] if toe is None else np.stack([ankle, toe], axis=1)
    stands = contacts.contact_mask(points, source.take.fps, scale=source.size).all(1)
    if stands.sum() < max(3, round(0.1 * float(source.take.fps))):
        return None
    ups = rot.rotate(rot.inverse(source.rotation(joint)[stands]), UP)
    typical = unit(np.median(ups, axis=0))
    spread = np.degrees(np.arccos(np.clip(ups @ typical, -1, 1)))
    return typical if float(np.median(spread)) < 15.0 else None
