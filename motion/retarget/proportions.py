"""A source's own bones as a SMPL T-pose, with a standard adult's in place of what it lacks."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.retarget.calibration import Calibration
from motion.retarget.joint_map import JointMap
from motion.retarget.source import TEMPLATE, TEMPLATE_LEG, Source
from motion.rotations import Array

_I = skeleton.INDEX
_SIDES = ("left", "right")


def leg_length(offsets: Array) -> float:
    """Hip to ankle of a T-pose ``(24, 3)``, metres, mean of both legs."""
    return float(sum(np.linalg.norm(offsets[_I[f"{s}_{p}"]]) for s in _SIDES for p in ("knee", "ankle"))) / 2.0


def own_proportions(source: Source, calibration: Calibration) -> Array:
    """The source's own bones as a SMPL T-pose ``(24, 3)``, metres; what it lacks comes from a standard adult, scaled.

    Legs and arms are laid along the standard T-pose with the source's lengths; the other bones keep the place they
    have in their parent's neutral frame, so that the clip's joints stand where the source's do.
    """
    joint_map = source.map
    grow = source.leg / TEMPLATE_LEG
    offsets = TEMPLATE * grow

    def seen(constant: Array, joint: int, smpl: int) -> Array | None:
        points = source.point(smpl)
        return None if points is None else rot.rotate(rot.inverse(constant), source.local(joint, points))

    def chain(start: int, constant: Array, joints: tuple[int, ...], constants: list[Array]) -> Array:
        """Places of a chain's joints in the neutral pose, the start at zero, ``(n + 1, 3)``."""
        places = [np.zeros(3)]
        for j, c in zip(joints, constants, strict=True):
            step = rot.rotate(rot.inverse(constant), source.local(start, source.position(j)))
            places.append(places[-1] + step)
            start, constant = j, c
        return np.array(places)

    def along(places: Array, at: float) -> Array:
        x = np.arange(len(places))
        return np.array([np.interp(at * (len(places) - 1), x, places[:, axis]) for axis in range(3)])

    chest_constant = calibration.spine[-1] if calibration.spine else calibration.pelvis
    if joint_map.spine:
        places = chain(joint_map.pelvis, calibration.pelvis, joint_map.spine, calibration.spine)
        stops = [along(places, m / 3) for m in range(4)]
        for m, j in enumerate((_I["spine1"], _I["spine2"], _I["spine3"])):
            offsets[j] = stops[m + 1] - stops[m]
    if joint_map.neck:
        places = chain(joint_map.chest, chest_constant, joint_map.neck, calibration.neck)
        offsets[_I["neck"]] = places[1]
        if len(places) > 2:
            offsets[_I["head"]] = places[-1] - places[1]
    for side in _SIDES:
        at = {p: _I[f"{side}_{p}"] for p in
              ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand")}  # fmt: skip
        hip = seen(calibration.pelvis, joint_map.pelvis, at["hip"])
        if hip is not None:
            offsets[at["hip"]] = hip
        collar = int(joint_map.limbs[at["collar"]])
        if collar >= 0:
            offsets[at["collar"]] = seen(chest_constant, joint_map.chest, at["collar"])
            offsets[at["shoulder"]] = seen(calibration.limbs[at["collar"]], collar, at["shoulder"])
        else:
            shoulder = seen(chest_constant, joint_map.chest, at["shoulder"])
            if shoulder is not None:
                share = np.array([0.35, 0.8, 0.6])  # the clavicle's inner end, as in TEMPLATE
                offsets[at["collar"]], offsets[at["shoulder"]] = share * shoulder, (1 - share) * shoulder
        for upper, lower in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
            a, b = source.point(at[upper]), source.point(at[lower])
            if a is not None and b is not None:
                length = float(np.median(np.linalg.norm((b - a)[source.sample], axis=-1)))
                rest = TEMPLATE[at[lower]]
                offsets[at[lower]] = rest / np.linalg.norm(rest) * length
        for part, below in (("ankle", "foot"), ("wrist", "hand")):
            joint = int(joint_map.limbs[at[part]])
            if joint >= 0:
                place = seen(calibration.limbs[at[part]], joint, at[below])
                if place is not None and np.linalg.norm(place) > 1e-3 * source.leg:
                    offsets[at[below]] = place
    return offsets


def standing(offsets: Array, ankle: float, joint_map: JointMap | None = None) -> Array:
    """Row 0 set so that the T-pose's ankles stand ``ankle`` metres above the floor.

    Where the map has no toe joint, the foot's end is its tip on the sole: the ball is a little above it.
    """
    offsets = offsets.copy()
    offsets[0] = 0.0
    down = [sum(offsets[_I[f"{s}_{p}"], 1] for p in ("hip", "knee", "ankle")) for s in _SIDES]
    offsets[0, 1] = ankle - float(np.mean(down))
    for s in _SIDES:
        ball = _I[f"{s}_foot"]
        if joint_map is not None and joint_map.limbs[ball] < 0:
            offsets[ball, 1] = max(float(offsets[ball, 1]), -0.75 * ankle)
    return offsets
