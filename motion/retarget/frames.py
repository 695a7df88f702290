"""Calibration: for each joint, the constant turn from the source's frame to SMPL's, so that ``W = Q * C``.

Three roads, by what the source's rest pose is. A person (T-, A- or N-pose): each limb is swung the shortest way from
SMPL's T-pose to the rest pose, the rest of the body keeps its neutral. No person, but a T-pose in the first frame: that
frame takes the rest pose's place. Neither (bones that lie along their own x axis, say): directions come from the bones,
and the turn about them from how joints bend: knees and elbows are hinges, soles are flat when the foot stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.retarget.by_motion import by_motion
from motion.retarget.calibration import FRONT, HINGE, UP, Calibration, frame, hinge_axis, sole_normal, unit
from motion.retarget.source import TEMPLATE, Source
from motion.rotations import Array

_I = skeleton.INDEX
_SNAP = np.cos(np.radians(20.0))  # a rest pose within 20 degrees of an axis stands along that axis


@dataclass(frozen=True)
class _Pose:
    """One pose of the source that stands as a person does."""

    q: Array  # (K, 4)
    points: dict[int, Array]  # SMPL joint -> (3,)
    kind: str
    axes: Array  # (4,) turn from SMPL's axes to this pose's


def calibrate(source: Source, rest_offsets: Array | None) -> Calibration:
    """Find the constant turns, given the target's T-pose (``(24, 3)`` metres; None: a standard one)."""
    target = TEMPLATE if rest_offsets is None else rest_offsets
    pose = _reference(source)
    if pose is None:
        return by_motion(source, target)
    return _by_pose(source, pose, target)


def _reference(source: Source) -> _Pose | None:
    rest_points = {j: p for j in range(24) if (p := source.rest_point(j)) is not None}
    kind = stance(rest_points)
    if kind:
        return _Pose(source.rest_q, rest_points, kind, standing_axes(rest_points))
    points = {j: p[0] for j in range(24) if (p := source.point(j)) is not None}
    # Acting passes through an A-pose all the time, never through a stretched T-pose.
    if stance(points) == "T-pose" and _straight(points):
        return _Pose(source.q[0], points, "frame 0", standing_axes(points))
    return None


def stance(points: dict[int, Array]) -> str | None:
    """Which rest a person with these joints stands in: ``"T-pose"``, ``"A-pose"``, ``"N-pose"`` or None."""
    get = {name: points.get(_I[name]) for name in skeleton.JOINTS}
    sides = ("left", "right")
    hips, shoulders = (np.array([get[f"{s}_{part}"] for s in sides]) for part in ("hip", "shoulder"))
    knees, elbows = (np.array([get[f"{s}_{part}"] for s in sides]) for part in ("knee", "elbow"))
    if any(get[f"{s}_ankle"] is None for s in sides):
        return None
    ankles = np.array([get[f"{s}_ankle"] for s in sides])
    trunk = unit(shoulders.mean(0) - hips.mean(0))
    across, wide = unit(hips[0] - hips[1]), unit(shoulders[0] - shoulders[1])
    if not trunk.any() or not across.any() or abs(across @ trunk) > 0.4 or across @ wide < 0.7:
        return None
    thighs, shins = unit(knees - hips), unit(ankles - knees)
    if (thighs @ trunk > -0.7).any() or (np.sum(thighs * shins, axis=-1) < 0.6).any():
        return None
    arms = unit(elbows - shoulders)
    # The left arm as a mirror would show it must be the right one.
    flipped = arms[0] - 2 * (arms[0] @ across) * across
    if flipped @ arms[1] < 0.8:
        return None
    ahead = np.cross(across, trunk)
    raised, forward = arms @ trunk, arms @ ahead
    outward = np.array([arms[0] @ across, -(arms[1] @ across)])
    if (raised > 0.5).any() or (np.abs(forward) > 0.6).any() or (outward < -0.35).any():
        return None
    for s, side in enumerate(sides):
        wrist = get[f"{side}_wrist"]
        if wrist is not None and unit(wrist - elbows[s]) @ arms[s] < 0.4:
            return None
    slope = float(raised.mean())
    return "T-pose" if slope > -0.35 else "A-pose" if slope > -0.93 else "N-pose"


def _straight(points: dict[int, Array]) -> bool:
    """Whether arms and legs are stretched: what tells a calibration frame from a moment of acting."""
    for chain in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
        for side in ("left", "right"):
            a, b, c = (points.get(_I[f"{side}_{part}"]) for part in chain)
            if a is not None and b is not None and c is not None and unit(b - a) @ unit(c - b) < 0.96:
                return False
    return True


def standing_axes(points: dict[int, Array]) -> Array:
    """Turn from SMPL's axes (left, up, front) to a standing pose's."""
    sides = [points[_I[f"left_{p}"]] - points[_I[f"right_{p}"]] for p in ("hip", "shoulder")]
    across = unit(unit(sides[0]) + unit(sides[1]))
    hips, shoulders = ((points[_I[f"left_{p}"]] + points[_I[f"right_{p}"]]) / 2 for p in ("hip", "shoulder"))
    up = unit(shoulders - hips)
    axis = int(np.argmax(np.abs(up)))
    # A trunk leans a little at rest without the performer being tilted: take the axis it stands along.
    if abs(up[axis]) > _SNAP:
        up = np.eye(3)[axis] * np.sign(up[axis])
    across = unit(across - (across @ up) * up)
    return rot.from_matrix(np.stack([across, up, np.cross(across, up)], axis=-1))


def _by_pose(source: Source, pose: _Pose, target: Array) -> Calibration:
    column, limbs, axes = source.column, source.map.limbs, pose.axes

    def turn(joint: int, wanted: Array) -> Array:
        """The constant that gives a source joint the world rotation ``wanted`` in the reference pose."""
        return rot.multiply(rot.inverse(pose.q[column[joint]]), wanted)

    found: dict[int, Array] = {}
    mirrored, rolled = 0.0, []
    for side in ("left", "right"):
        at = {p: _I[f"{side}_{p}"] for p in
              ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand")}  # fmt: skip
        for chain in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
            wanted = axes
            for part, below in pairwise(chain):
                a, b = pose.points.get(at[part]), pose.points.get(at[below])
                if a is not None and b is not None:
                    now = rot.rotate(wanted, target[at[below]])
                    wanted = rot.multiply(rot.between(now, b - a), wanted)
                if limbs[at[part]] >= 0:
                    found[at[part]] = turn(int(limbs[at[part]]), wanted)
            if chain[0] == "hip":
                foot = _foot_at_rest(source, pose, target, side, wanted)
                for part in ("ankle", "foot"):
                    if limbs[at[part]] >= 0:
                        found[at[part]] = turn(int(limbs[at[part]]), foot)
                toe, ankle = pose.points.get(at["foot"]), pose.points.get(at["ankle"])
                if toe is not None and ankle is not None:
                    mirrored -= float(unit(toe - ankle) @ rot.rotate(axes, FRONT))
            else:
                for part in ("wrist", "hand"):
                    if limbs[at[part]] >= 0:
                        found[at[part]] = turn(int(limbs[at[part]]), wanted)
        if limbs[at["collar"]] >= 0:
            found[at["collar"]] = turn(int(limbs[at["collar"]]), axes)
        rolled += _mend_roll(source, side, found, target)
    front = rot.rotate(axes, FRONT)
    return Calibration(
        found,
        turn(source.map.pelvis, axes),
        [turn(j, axes) for j in source.map.spine],
        [turn(j, axes) for j in source.map.neck],
        pose.kind,
        float(np.degrees(np.arctan2(front[0], front[2]))),
        mirrored > 0.5,
        tuple(rolled),
    )


def _mend_roll(source: Source, side: str, found: dict[int, Array], target: Array) -> list[str]:
    """Roll a limb about its bone when its elbow or knee plainly bends across SMPL's hinge; changes ``found``.

    A rest pose with palms forward, or one modelled with rolled bones, looks the same to bone directions; the bend
    tells. Up to 60 degrees off the rest pose is believed: people's elbows do bend 30 degrees off a T-pose's level.
    """
    mended = []
    for top, hinge, end, rest in (("hip", "knee", "ankle", ()), ("shoulder", "elbow", "wrist", ("wrist", "hand"))):
        a = int(source.map.limbs[_I[f"{side}_{top}"]])
        middle, last = source.point(_I[f"{side}_{hinge}"]), source.point(_I[f"{side}_{end}"])
        if middle is None or last is None:
            continue
        axis, size = hinge_axis(source, a, a, middle, last)
        pick = source.sample
        first, second = unit(middle - source.position(a))[pick], unit(last - middle)[pick]
        bends = np.linalg.norm(np.cross(first, second), axis=-1)
        if size < 0.15 or size < 0.85 * float(bends.mean()) or float(bends.max() - bends.min()) < 0.2:
            continue
        along = unit(target[_I[f"{side}_{hinge}"]])
        seen = rot.rotate(rot.inverse(found[_I[f"{side}_{top}"]]), axis)
        wanted = HINGE[f"{side}_{hinge}"]
        seen, wanted = (unit(v - (v @ along) * along) for v in (seen, wanted))
        angle = float(np.arctan2(np.cross(wanted, seen) @ along, wanted @ seen))
        if abs(angle) < np.radians(60.0):
            continue
        for part in (top, hinge, *rest):
            j = _I[f"{side}_{part}"]
            if j in found:
                child = {"hip": "knee", "knee": "ankle", "shoulder": "elbow", "elbow": "wrist"}.get(part, "hand")
                about = unit(target[_I[f"{side}_{child}"]]) if part in (top, hinge) else along
                found[j] = rot.multiply(found[j], rot.from_rotvec(angle * about))
        mended.append(f"{side} {'leg' if top == 'hip' else 'arm'} by {np.degrees(angle):.0f} degrees")
    return mended


def _foot_at_rest(source: Source, pose: _Pose, target: Array, side: str, shin: Array) -> Array:
    """World rotation of SMPL's foot in the reference pose: flat on the ground there, or square to the shin.

    Rests with straddled legs come both ways: modelled standing (soles flat), or written with each bone in line with the
    one above (Acclaim), where the sole is flat only once the leg is upright. The capture's own foot plants decide.
    """
    ankle, toe = pose.points.get(_I[f"{side}_ankle"]), pose.points.get(_I[f"{side}_foot"])
    heading = rot.rotate(shin, FRONT) if ankle is None or toe is None else toe - ankle
    flat = target[_I[f"{side}_foot"]] * np.array([1.0, 0.0, 1.0])

    def standing(normal: Array) -> Array:
        ahead = heading - (heading @ normal) * normal
        if np.linalg.norm(ahead) < 0.2 * np.linalg.norm(heading):  # toes along the leg: no heading in them
            ahead = rot.rotate(shin, FRONT)
        return rot.multiply(frame(normal, ahead), rot.inverse(frame(UP, flat)))

    on_ground, on_shin = standing(rot.rotate(pose.axes, UP)), standing(rot.rotate(shin, UP))
    normal = sole_normal(source, side)
    joint = int(source.map.limbs[_I[f"{side}_ankle"]])
    if normal is None or joint < 0:
        return on_ground
    seen = rot.rotate(pose.q[source.column[joint]], normal)
    fits = [float(rot.rotate(q, UP) @ seen) for q in (on_ground, on_shin)]
    return on_shin if fits[1] > fits[0] + 1e-9 else on_ground
