"""Rotations from joint positions: `solve` turns SMPL's joints as points in space into a `Clip`.

Models of motion and marker-less capture give joints as points. Bone directions are in them, and the whole orientation
of pelvis and chest; what is not is the turn of each limb about itself, which comes from how the next joint bends, and
the turns of head, hands and toes, which follow what carries them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion import skeleton
from motion.clip import Clip
from motion.errors import BadInput
from motion.positions import bones
from motion.positions.limbs import pose
from motion.rotations import Array

__all__ = ["Solved", "solve"]


@dataclass(frozen=True)
class Solved:
    """A clip, and how far its joints are from the points it was made from."""

    clip: Clip
    error_m: Array  # (T, J) metres between each joint and its point
    stretch: Array  # (J,) share of its length by which the bone to each joint varied in the points

    @property
    def median_mm(self) -> float:
        """Half of all joints at all frames are nearer to their points than this, millimetres."""
        return float(np.median(self.error_m) * 1000.0)

    @property
    def worst(self) -> tuple[float, str, int]:
        """The largest distance, millimetres, its joint and its frame."""
        frame, joint = np.unravel_index(int(np.argmax(self.error_m)), self.error_m.shape)
        return float(self.error_m[frame, joint] * 1000.0), skeleton.JOINTS[int(joint)], int(frame)

    def __str__(self) -> str:
        far, joint, frame = self.worst
        high = float(np.percentile(self.error_m, 95) * 1000.0)
        return (
            f"joints lie {self.median_mm:.1f} mm from the points (median; 95 % within {high:.1f} mm, "
            f"most {far:.0f} mm: {joint}, frame {frame})"
        )


def solve(positions: ArrayLike, fps: Fraction | float, rest: ArrayLike, *, fit: bool = True) -> Solved:
    """Find SMPL rotations for moving joints.

    Args:
        positions: ``(T, 22, 3)`` or ``(T, 24, 3)`` joints in SMPL's order (24: with the hands), metres, Y up, world.
        fps: frames per second.
        rest: ``(24, 3)`` metres: the T-pose that rotations are counted from, each joint in its parent's frame.
        fit: keep the directions of ``rest`` and take the lengths of the points; else take ``rest`` as it is.

    Returns:
        The clip, on the fitted skeleton, and the distances that remain.

    Raises:
        BadInput: another shape, a point that is not finite, a bone without length, or a ``rest`` that is none.
    """
    points = np.asarray(positions, dtype=np.float64)
    if points.ndim != 3 or points.shape[1] not in (22, 24) or points.shape[2] != 3 or len(points) == 0:
        raise BadInput(f"positions: shape {points.shape}, expected (frames, 22 or 24, 3) with a frame or more")
    finite = np.isfinite(points).all(-1)
    if not finite.all():
        frame, joint = np.argwhere(~finite)[0]
        raise BadInput(f"positions: frame {frame}: {skeleton.JOINTS[joint]} is not finite (NaN or infinite)")
    shape = np.asarray(rest, dtype=np.float64)
    if shape.shape != (24, 3) or not np.isfinite(shape).all():
        raise BadInput(f"rest: shape {shape.shape}, expected (24, 3) finite metres")
    for length, what in ((bones.lengths(points), "positions"), (np.linalg.norm(shape, axis=-1), "rest")):
        short = np.flatnonzero(length[1 : points.shape[1]] < 1e-4)
        if len(short):
            raise BadInput(
                f"{what}: {skeleton.JOINTS[short[0] + 1]} stands on the joint above it; a bone needs a length"
            )
    offsets = bones.fit(points, shape) if fit else shape
    kept = bones.keep_lengths(points, offsets)
    rotations = pose(kept, offsets, fps)
    clip = Clip(rotations, kept[:, 0], offsets, Fraction(fps))
    error = clip.positions()[:, : points.shape[1]] - points
    drift = error.mean(1)
    clip = replace(clip, root_position=clip.root_position - drift)
    return Solved(clip, np.linalg.norm(error - drift[:, None], axis=-1), bones.variation(points))
