"""The turn of a bone about itself, which positions alone do not show: from how the next joint bends, smooth in time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from motion import rotations as rot
from motion.easing import smoothstep
from motion.positions.bones import unit
from motion.rotations import Array

#: Radians: a joint a few millimetres off turns the plane of a bend by about this much over the sine of the bend.
_NOISE = 0.03
#: Radians per second that limbs roll about themselves in acting; faster changes need a clear bend to be believed.
_PACE = 4.0


class Hinge:
    """A joint that bends about one axis: which turn of the upper bone about itself makes a seen bend possible.

    In the upper bone's frame the lower one is ``rotate(axis, a) * lower``; the angle between the bones gives ``a``
    (twice: bent, or bent over backwards) and the direction in which the lower bone leaves gives the twist. Bones need
    be neither in line nor square to the axis at rest.

    Args:
        upper: ``(3,)`` the upper bone at rest.
        lower: ``(3,)`` the lower bone at rest.
        axis: ``(3,)`` unit; positive turns about it bend the joint.
    """

    def __init__(self, upper: Array, lower: Array, axis: Array) -> None:
        self.along = unit(upper)
        self._lower, self._axis = unit(lower), axis
        away = np.eye(3)[int(np.argmin(np.abs(self.along)))]
        self._e1 = unit(np.cross(self.along, away))
        self._e2 = np.cross(self.along, self._e1)
        flat = self._lower - (self._lower @ axis) * axis
        self._level = float((self._lower @ axis) * (axis @ self.along))
        b, c = float(self.along @ flat), float(self.along @ np.cross(axis, flat))
        self._reach, self.straight = max(float(np.hypot(b, c)), 1e-9), float(np.arctan2(c, b))

    def bend(self, upper: Array, lower: Array) -> Array:
        """``(T,)`` radians away from the straightest pose, from the bones' directions in the world ``(T, 3)``."""
        cosine = np.sum(unit(upper) * unit(lower), axis=-1)
        return np.arccos(np.clip((cosine - self._level) / self._reach, -1.0, 1.0))

    def twist(self, reference: Array, lower: Array, bend: Array) -> Array:
        """``(T,)`` turn about the bone that ``reference (T, 4)`` lacks, if the joint is bent by ``bend``."""
        a = self.straight + bend
        wanted = rot.rotate(rot.from_axis(self._axis, a), self._lower)
        seen = rot.rotate(rot.inverse(reference), lower)
        return self._around(seen) - self._around(wanted)

    def _around(self, v: Array) -> Array:
        return np.arctan2(v @ self._e2, v @ self._e1)


def over_time(angles: Array, weights: Array, fps: Fraction | float, prior: float) -> Array:
    """The smooth course of an angle seen several times over, each time with its own trust.

    Minimises ``sum w |z - exp(i angle)|² + prior |z - 1|² + stiffness |z' |²`` over complex ``z``: turns by a whole
    circle do not matter, a stretch without trust is bridged from both sides, and a lone doubtful frame cannot flip it.

    Args:
        angles: ``(T, C)`` radians.
        weights: ``(T, C)`` 0 to 1; the square of a bend's sine is 1 for a clear bend.
        fps: frames per second.
        prior: trust in 0, in the same measure.

    Returns:
        ``(T,)`` radians, in (−π, π].
    """
    from scipy.linalg import solveh_banded  # late: `import motion` is instant

    frames = len(angles)
    stiff = (_NOISE * float(fps) / _PACE) ** 2
    diagonal = weights.sum(1) + prior + 1e-9
    seen = np.stack([(weights * np.cos(angles)).sum(1) + prior, (weights * np.sin(angles)).sum(1)], axis=1)
    if frames == 1:  # no neighbours; the solver wants two rows
        return np.arctan2(seen[:, 1], seen[:, 0])
    band = np.zeros((2, frames))
    band[0, 1:] = -stiff
    band[1] = diagonal + stiff * np.r_[1.0, np.full(frames - 2, 2.0), 1.0]
    z = solveh_banded(band, seen)
    return np.arctan2(z[:, 1], z[:, 0])


def hinged(
    hinge: Hinge,
    reference: Array,
    upper: Array,
    lower: Array,
    fps: Fraction | float,
    prior: float,
    more: tuple[Array, Array] | None = None,
) -> Array:
    """World rotations ``(T, 4)`` of a limb's upper bone: its direction as seen, its twist from the bend below it.

    Args:
        hinge: the elbow or knee.
        reference: ``(T, 4)`` rotations that have the bone's direction already, with a twist that serves where the limb
            is straight.
        upper: ``(T, 3)`` direction of the upper bone, world.
        lower: ``(T, 3)`` direction of the lower bone, world.
        fps: frames per second.
        prior: trust in the reference's own twist.
        more: angles and weights ``(T,)`` of another sign of the twist (the foot, for a leg).
    """
    bend = hinge.bend(upper, lower)
    trust = np.sin(bend) ** 2
    forward, backward = hinge.twist(reference, lower, bend), hinge.twist(reference, lower, -bend)
    angles, weights = [forward], [trust * smoothstep(bend, np.radians(8.0), np.radians(20.0))]
    if more is not None:
        angles.append(more[0])
        weights.append(more[1])
    first = over_time(np.stack(angles, 1), np.stack(weights, 1), fps, prior)
    # A limb that is all but straight may be bent over backwards by a little; only a clear bend may turn it round.
    nearer = np.cos(backward - first) > np.cos(forward - first)
    angles[0] = np.where(nearer & (bend < np.radians(25.0)), backward, forward)
    weights[0] = trust * smoothstep(bend, np.radians(2.0), np.radians(12.0))
    course = over_time(np.stack(angles, 1), np.stack(weights, 1), fps, prior)
    return rot.multiply(reference, rot.from_axis(hinge.along, course))


def angle_about(q: Array, axis: Array) -> Array:
    """``(T,)`` the angle of the twist part of ``q (T, 4)`` about a unit axis in its own frame, in (−π, π]."""
    angle = 2.0 * np.arctan2(q[..., :3] @ axis, q[..., 3])
    return np.arctan2(np.sin(angle), np.cos(angle))
