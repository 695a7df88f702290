"""Calibration by motion, of sources whose rest pose is no person's: bone directions, and the way that joints bend."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.retarget.calibration import FRONT, HINGE, LEFT, UP, Calibration, frame, hinge_axis, sole_normal, unit
from motion.retarget.source import Source
from motion.rotations import Array

_I = skeleton.INDEX


def by_motion(source: Source, target: Array) -> Calibration:
    """Calibrate a source from what its joints do over the whole take.

    Args:
        source: the capture.
        target: ``(24, 3)`` the target's T-pose, metres.
    """
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
    across = frame(LEFT, UP)
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
        _mean_rotation(
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
            found[at["collar"]] = _mean_rotation(
                rot.multiply(rot.inverse(source.rotation(int(limbs[at["collar"]]))[pick]), w_chest)
            )
        for top, hinge, end in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
            a, b = int(limbs[at[top]]), int(limbs[at[hinge]])
            knee, ankle = source.point(at[hinge]), source.point(at[end])
            assert knee is not None
            base = w_pelvis if top == "hip" else w_chest
            down = source.local(a, knee)
            axis, sure = (np.zeros(3), 0.0) if ankle is None else hinge_axis(source, a, a, knee, ankle)
            if sure > 0.05:
                found[at[top]] = rot.multiply(
                    frame(down, axis), rot.inverse(frame(target[at[hinge]], HINGE[f"{side}_{hinge}"]))
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
                axis, _ = hinge_axis(source, b, a, knee, ankle)
                found[at[hinge]] = rot.multiply(
                    frame(shin, axis), rot.inverse(frame(target[at[end]], HINGE[f"{side}_{hinge}"]))
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


def _untwisted(source: Source, joint: int, bone: Array, base: Array, rest: Array) -> Array:
    """A limb that never bends: no twist, on average, against the trunk."""
    pick = source.sample
    q = source.rotation(joint)[pick]
    now = rot.rotate(base, rest)
    free = rot.multiply(rot.between(now, rot.rotate(q, bone)), base)
    return _mean_rotation(rot.multiply(rot.inverse(q), free))


def _foot_by_motion(source: Source, side: str, knee: Array, target: Array) -> Array:
    ankle, toe = source.point(_I[f"{side}_ankle"]), source.point(_I[f"{side}_foot"])
    joint, shin_joint = (int(source.map.limbs[_I[f"{side}_{p}"]]) for p in ("ankle", "knee"))
    assert ankle is not None
    pick = source.sample
    shin_w = rot.multiply(source.rotation(shin_joint)[pick], knee)
    inside = rot.inverse(source.rotation(joint)[pick])
    flat = target[_I[f"{side}_foot"]] * np.array([1.0, 0.0, 1.0])
    heading = rot.rotate(inside, rot.rotate(shin_w, FRONT)).mean(0) if toe is None else source.local(joint, toe)
    normal = sole_normal(source, side)
    if normal is None:
        if toe is None:
            return _mean_rotation(rot.multiply(inside, shin_w))
        # Never seen standing: the shin's left is the foot's, and the ball is as far below the ankle as the target's.
        across = rot.rotate(inside, rot.rotate(shin_w, LEFT)).mean(0)
        return rot.multiply(frame(heading, across), rot.inverse(frame(target[_I[f"{side}_foot"]], LEFT)))
    return rot.multiply(frame(normal, heading), rot.inverse(frame(UP, flat)))


def _mean_rotation(q: Array) -> Array:
    """The rotation nearest to many, ``(T, 4) -> (4,)``: main axis of their outer products (Markley et al. 2007)."""
    _, vectors = np.linalg.eigh(np.einsum("ti,tj->ij", q, q))
    best = vectors[:, -1]
    return best if best[3] >= 0 else -best
