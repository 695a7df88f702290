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
from numpy.typing import ArrayLike

from motion import contacts, skeleton
from motion import rotations as rot
from motion.retarget.source import TEMPLATE, Source
from motion.rotations import Array

_I = skeleton.INDEX
_LEFT, _UP, _FRONT = np.eye(3)
#: Hinge axes of SMPL's T-pose: the turn about them bends the knee backward, the elbow forward.
_HINGE = {"left_elbow": -_UP, "right_elbow": _UP, "left_knee": _LEFT, "right_knee": _LEFT}
_SNAP = np.cos(np.radians(20.0))  # a rest pose within 20 degrees of an axis stands along that axis


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


def mean_rotation(q: Array) -> Array:
    """The rotation nearest to many, ``(T, 4) -> (4,)``: main axis of their outer products (Markley et al. 2007)."""
    _, vectors = np.linalg.eigh(np.einsum("ti,tj->ij", q, q))
    best = vectors[:, -1]
    return best if best[3] >= 0 else -best


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
        return _by_motion(source, target)
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
                    mirrored -= float(unit(toe - ankle) @ rot.rotate(axes, _FRONT))
            else:
                for part in ("wrist", "hand"):
                    if limbs[at[part]] >= 0:
                        found[at[part]] = turn(int(limbs[at[part]]), wanted)
        if limbs[at["collar"]] >= 0:
            found[at["collar"]] = turn(int(limbs[at["collar"]]), axes)
        rolled += _mend_roll(source, side, found, target)
    front = rot.rotate(axes, _FRONT)
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
        a, b = (int(source.map.limbs[_I[f"{side}_{part}"]]) for part in (top, hinge))
        middle, last = source.point(_I[f"{side}_{hinge}"]), source.point(_I[f"{side}_{end}"])
        if middle is None or last is None:
            continue
        axis, size = _hinge_axis(source, a, a, b, middle, last)
        pick = source.sample
        first, second = unit(middle - source.position(a))[pick], unit(last - middle)[pick]
        bends = np.linalg.norm(np.cross(first, second), axis=-1)
        if size < 0.15 or size < 0.85 * float(bends.mean()) or float(bends.max() - bends.min()) < 0.2:
            continue
        along = unit(target[_I[f"{side}_{hinge}"]])
        seen = rot.rotate(rot.inverse(found[_I[f"{side}_{top}"]]), axis)
        wanted = _HINGE[f"{side}_{hinge}"]
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
    heading = rot.rotate(shin, _FRONT) if ankle is None or toe is None else toe - ankle
    flat = target[_I[f"{side}_foot"]] * np.array([1.0, 0.0, 1.0])

    def standing(normal: Array) -> Array:
        ahead = heading - (heading @ normal) * normal
        if np.linalg.norm(ahead) < 0.2 * np.linalg.norm(heading):  # toes along the leg: no heading in them
            ahead = rot.rotate(shin, _FRONT)
        return rot.multiply(frame(normal, ahead), rot.inverse(frame(_UP, flat)))

    on_ground, on_shin = standing(rot.rotate(pose.axes, _UP)), standing(rot.rotate(shin, _UP))
    normal = sole_normal(source, side)
    joint = int(source.map.limbs[_I[f"{side}_ankle"]])
    if normal is None or joint < 0:
        return on_ground
    seen = rot.rotate(pose.q[source.column[joint]], normal)
    fits = [float(rot.rotate(q, _UP) @ seen) for q in (on_ground, on_shin)]
    return on_shin if fits[1] > fits[0] + 1e-9 else on_ground


def sole_normal(source: Source, side: str) -> Array | None:
    """The direction, in the ankle joint's frame, that is up while the foot stands; None when it never clearly does."""
    joint = int(source.map.limbs[_I[f"{side}_ankle"]])
    ankle, toe = source.point(_I[f"{side}_ankle"]), source.point(_I[f"{side}_foot"])
    if joint < 0 or ankle is None:
        return None
    points = ankle[:, None] if toe is None else np.stack([ankle, toe], axis=1)
    stands = contacts.contact_mask(points, source.take.fps, scale=source.leg / 0.83).all(1)
    if stands.sum() < max(3, round(0.1 * float(source.take.fps))):
        return None
    ups = rot.rotate(rot.inverse(source.rotation(joint)[stands]), _UP)
    typical = unit(np.median(ups, axis=0))
    spread = np.degrees(np.arccos(np.clip(ups @ typical, -1, 1)))
    return typical if float(np.median(spread)) < 15.0 else None


def _by_motion(source: Source, target: Array) -> Calibration:
    """Calibrate a source whose rest pose is no person's, from bone directions and the way its joints bend."""
    m, pick = source.map, source.sample
    limbs = m.limbs

    def local(joint: int, smpl: int) -> Array | None:
        points = source.point(smpl)
        return None if points is None else source.local(joint, points)

    def pair(joint: int, part: str) -> Array:
        left, right = local(joint, _I[f"left_{part}"]), local(joint, _I[f"right_{part}"])
        assert left is not None and right is not None
        return left - right

    shoulders = "collar" if min(limbs[_I["left_collar"]], limbs[_I["right_collar"]]) >= 0 else "shoulder"
    first = m.spine[0] if m.spine else (m.neck[0] if m.neck else -1)
    rising = source.local(m.pelvis, source.position(first)) if first >= 0 else np.zeros(3)
    if np.linalg.norm(rising) < 1e-6:
        tops = [source.point(_I[f"{s}_shoulder"]) for s in ("left", "right")]
        rising = source.local(m.pelvis, np.mean([t for t in tops if t is not None], axis=0))
    across = frame(_LEFT, _UP)
    pelvis = rot.multiply(frame(pair(m.pelvis, "hip"), rising), rot.inverse(across))
    above = source.local(m.chest, source.position(m.neck[0])) if m.neck else rising
    if np.linalg.norm(above) < 1e-6:
        above = rising
    chest = rot.multiply(frame(pair(m.chest, shoulders), above), rot.inverse(across)) if m.spine else pelvis

    def relation(parent: int, child: int) -> Array:
        """The turn child-to-parent at rest; joints in a straight line are in neutral there."""
        columns = source.column[parent], source.column[child]
        return rot.multiply(rot.inverse(source.rest_q[columns[1]]), source.rest_q[columns[0]])

    w_pelvis = rot.multiply(source.rotation(m.pelvis)[pick], pelvis)
    w_chest = rot.multiply(source.rotation(m.chest)[pick], chest)
    spine = [
        mean_rotation(
            rot.multiply(
                rot.inverse(source.rotation(j)[pick]),
                rot.slerp(w_pelvis, w_chest, np.full(len(pick), (i + 1) / len(m.spine))),
            )
        )
        for i, j in enumerate(m.spine[:-1])
    ] + ([chest] if m.spine else [])
    neck, upper, upper_c = [], m.chest, chest
    for j in m.neck:
        upper_c = rot.multiply(relation(upper, j), upper_c)
        neck.append(upper_c)
        upper = j
    found: dict[int, Array] = {}
    for side in ("left", "right"):
        at = {p: _I[f"{side}_{p}"] for p in
              ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand")}  # fmt: skip
        if limbs[at["collar"]] >= 0:
            # No neutral is written anywhere: the clavicle's usual place is its neutral.
            found[at["collar"]] = mean_rotation(
                rot.multiply(rot.inverse(source.rotation(int(limbs[at["collar"]]))[pick]), w_chest)
            )
        for top, hinge, end in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
            a, b = int(limbs[at[top]]), int(limbs[at[hinge]])
            knee, ankle = source.point(at[hinge]), source.point(at[end])
            assert knee is not None
            base = w_pelvis if top == "hip" else w_chest
            down = source.local(a, knee)
            axis, sure = (np.zeros(3), 0.0) if ankle is None else _hinge_axis(source, a, a, b, knee, ankle)
            if sure > 0.05:
                found[at[top]] = rot.multiply(
                    frame(down, axis), rot.inverse(frame(target[at[hinge]], _HINGE[f"{side}_{hinge}"]))
                )
            else:
                found[at[top]] = _untwisted(source, a, down, base, target[at[hinge]])
            if ankle is None:
                found[at[hinge]] = rot.multiply(relation(a, b), found[at[top]])
                continue
            shin = source.local(b, ankle)
            straight = unit(rot.rotate(rot.inverse(relation(a, b)), shin)) @ unit(down) > 0.9
            if straight:
                guess = rot.multiply(relation(a, b), found[at[top]])
                found[at[hinge]] = rot.multiply(rot.between(rot.rotate(guess, target[at[end]]), shin), guess)
            elif sure > 0.05:
                axis, _ = _hinge_axis(source, b, a, b, knee, ankle)
                found[at[hinge]] = rot.multiply(
                    frame(shin, axis), rot.inverse(frame(target[at[end]], _HINGE[f"{side}_{hinge}"]))
                )
            else:
                found[at[hinge]] = _untwisted(source, b, shin, base, target[at[end]])
        w, e, h = int(limbs[at["wrist"]]), int(limbs[at["elbow"]]), int(limbs[at["hand"]])
        if w >= 0:
            found[at["wrist"]] = rot.multiply(relation(e, w), found[at["elbow"]])
        if h >= 0 and w >= 0:
            found[at["hand"]] = rot.multiply(relation(w, h), found[at["wrist"]])
        ankle_joint, toe_joint = int(limbs[at["ankle"]]), int(limbs[at["foot"]])
        if ankle_joint >= 0:
            found[at["ankle"]] = _foot_by_motion(source, side, found[at["knee"]], target)
            if toe_joint >= 0:
                found[at["foot"]] = rot.multiply(relation(ankle_joint, toe_joint), found[at["ankle"]])
    return Calibration(found, pelvis, spine, neck, "motion", 0.0, False)


def _hinge_axis(source: Source, holder: int, upper: int, lower: int, middle: Array, end: Array) -> tuple[Array, float]:
    """The axis of a knee or elbow in the frame of joint ``holder``, and how sure it is: the mean sine of the bend."""
    pick = source.sample
    first, second = unit(middle - source.position(upper))[pick], unit(end - middle)[pick]
    bend = np.cross(first, second)
    inside = rot.rotate(rot.inverse(source.rotation(holder)[pick]), bend)
    mean = inside.mean(0)
    size = float(np.linalg.norm(mean))
    return (mean / size, size) if size > 1e-9 else (_LEFT, 0.0)


def _untwisted(source: Source, joint: int, bone: Array, base: Array, rest: Array) -> Array:
    """A limb that never bends: no twist, on average, against the trunk."""
    pick = source.sample
    q = source.rotation(joint)[pick]
    now = rot.rotate(base, rest)
    free = rot.multiply(rot.between(now, rot.rotate(q, bone)), base)
    return mean_rotation(rot.multiply(rot.inverse(q), free))


def _foot_by_motion(source: Source, side: str, knee: Array, target: Array) -> Array:
    ankle, toe = source.point(_I[f"{side}_ankle"]), source.point(_I[f"{side}_foot"])
    joint, shin_joint = (int(source.map.limbs[_I[f"{side}_{p}"]]) for p in ("ankle", "knee"))
    assert ankle is not None
    pick = source.sample
    shin_w = rot.multiply(source.rotation(shin_joint)[pick], knee)
    inside = rot.inverse(source.rotation(joint)[pick])
    flat = target[_I[f"{side}_foot"]] * np.array([1.0, 0.0, 1.0])
    heading = rot.rotate(inside, rot.rotate(shin_w, _FRONT)).mean(0) if toe is None else source.local(joint, toe)
    normal = sole_normal(source, side)
    if normal is None:
        if toe is None:
            return mean_rotation(rot.multiply(inside, shin_w))
        # Never seen standing: the shin's left is the foot's, and the ball is as far below the ankle as the target's.
        across = rot.rotate(inside, rot.rotate(shin_w, _LEFT)).mean(0)
        return rot.multiply(frame(heading, across), rot.inverse(frame(target[_I[f"{side}_foot"]], _LEFT)))
    return rot.multiply(frame(normal, heading), rot.inverse(frame(_UP, flat)))
