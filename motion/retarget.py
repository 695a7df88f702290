"""Retargeting: a `Take` on any humanoid skeleton to a `Clip` on SMPL-24 (`retarget`), and back (`onto`, `clip_to_take`).

The pose is carried by constant turns between frames, calibrated once for a skeleton (`motion.retarget_frames`), limbs point
exactly where the source's do, and leg IK holds feet where the source, scaled to the target's legs, put them. What this does
not do: clean up the source. Feet that slide in the capture slide in the clip; that is the work of the physics stage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import contacts, kinematics, skeleton
from motion import retarget_feet as feet
from motion import rotations as rot
from motion.clip import Clip
from motion.errors import BadInput
from motion.ik import swing_to
from motion.retarget_back import clip_to_take, onto
from motion.retarget_direct import as_smpl
from motion.retarget_frames import Calibration, calibrate, stance
from motion.retarget_hands import lay_hands
from motion.retarget_map import JointMap, find_map
from motion.retarget_source import TEMPLATE, TEMPLATE_LEG, Source, prepare
from motion.rotations import Array
from motion.take import Take

__all__ = ["RetargetReport", "clip_to_take", "onto", "retarget"]

_I = skeleton.INDEX
_SIDES = ("left", "right")


@dataclass(frozen=True)
class RetargetReport:
    """What was assumed about a source, for a person to check."""

    road: str  # "names", "geometry", "smpl" (the source is SMPL already)
    confidence: float  # 0 to 1
    convention: str  # whose joint names these are, "" when nobody's
    mapping: dict[str, str]  # SMPL joint -> source joint
    invented: tuple[str, ...]  # SMPL joints the source lacks
    rest: str  # the rest pose found: "T-pose", "A-pose", "N-pose", "frame 0", "motion"
    up: str  # the source's up axis
    unit: str
    metres_per_unit: float
    facing_deg: float  # the rest pose's facing about the vertical, away from +Z
    floor_m: float  # height of the source's floor in its own space, metres; removed when grounding
    scale: float  # target's legs over the source's
    calibration_frames: int = 0  # frames at the start that are a T-pose for calibration; a film should trim them
    notes: tuple[str, ...] = ()


def retarget(
    take: Take,
    rest_offsets: Array | None = None,
    *,
    ground: bool = True,
    lock_feet: bool = True,
    joint_map: JointMap | None = None,
) -> tuple[Clip, RetargetReport]:
    """Bring a capture onto SMPL-24.

    Args:
        take: motion of any humanoid skeleton.
        rest_offsets: ``(24, 3)`` metres, T-pose of the body that shall perform (`Body.rest_offsets`); None: the source's
            own proportions.
        ground: put the soles of standing feet on y = 0.
        lock_feet: leg IK keeps ankles where the source's, scaled by the leg lengths, are; soles stay out of the floor.
        joint_map: the joints, when the caller knows better than `motion.retarget_map.find_map`.

    Returns:
        The clip (joints that the source lacks are not ``valid``), and what was assumed.

    Raises:
        BadInput: no humanoid is in the skeleton, a pose is not finite, or ``rest_offsets`` is no T-pose.
    """
    rest_offsets = None if rest_offsets is None else _checked(rest_offsets)
    direct = as_smpl(take) if joint_map is None else None
    if direct is not None:
        own, road, notes, table = direct
        return _from_smpl(own, rest_offsets, road, notes, table, take, ground, lock_feet)
    joint_map = joint_map or find_map(take)
    source = prepare(take, joint_map)
    calibration = calibrate(source, rest_offsets)
    if calibration.mirrored:
        # Up and front leave no choice which side is left, whatever the names say.
        joint_map = joint_map.exchanged()
        source = prepare(take, joint_map)
        calibration = calibrate(source, rest_offsets)
    own_offsets = own_proportions(source, calibration)
    balls = {s: own_offsets[_I[f"{s}_foot"]] for s in _SIDES}
    level = feet.find_ground(source, calibration, balls)
    if rest_offsets is None:
        offsets, scale = standing(own_offsets, level.ankle, joint_map), 1.0
    else:
        offsets = rest_offsets
        scale = leg_length(offsets) / source.leg
    world, stretched = _pose(source, calibration, offsets)
    world = _settle_spine(source, world, own_offsets)
    clip = _place(source, world, offsets, standing(own_offsets, level.ankle, joint_map), scale, level, ground, lock_feet)
    notes = list(joint_map.notes)
    lead_in = calibration_frames(source)
    if lead_in:
        notes.append(
            f"the first {'frame is' if lead_in == 1 else f'{lead_in} frames are'} a calibration T-pose, not acting"
        )
    if not level.found:
        notes.append("the feet never stand flat: the floor was taken for the file's zero")
    if calibration.rolled:
        notes.append(
            "rest pose rolled about its bones, mended by the way joints bend: " + ", ".join(calibration.rolled)
        )
    if stretched > 0.02:
        notes.append(f"bones change length by up to {stretched:.0%}; directions were kept")
    valid = joint_map.valid
    report = RetargetReport(
        joint_map.road, joint_map.confidence, joint_map.convention, joint_map.named(take.names),
        tuple(n for n, ok in zip(skeleton.JOINTS, valid, strict=True) if not ok), calibration.kind, source.up, source.unit,
        source.metres_per_unit, round(calibration.facing, 3), round(level.floor, 4), scale, lead_in, tuple(notes),
    )  # fmt: skip
    return replace(clip, valid=valid, provenance=take.provenance.noting(*_said(report, source))), report


def calibration_frames(source: Source) -> int:
    """How many frames at the start are a T-pose that the performer then leaves in a jump: 0, or a few.

    CMU's BVH files begin with one, at the origin, wherever the acting begins.
    """
    fps = float(source.take.fps)
    longest = min(len(source.q) - 1, max(1, round(0.2 * fps)))
    hips = source.position(source.map.pelvis)[: longest + 1]
    leaps = np.linalg.norm(np.diff(hips, axis=0), axis=-1) * fps
    turns = np.degrees(rot.angle_between(source.q[:longest], source.q[1 : longest + 1]).max(-1)) * fps
    # Nobody moves at 15 m/s, or turns a limb at 2000 degrees a second for a fifth of a second from a T-pose.
    for k in range(longest):
        points = {j: p[k] for j in range(24) if (p := source.point(j)) is not None}
        if stance(points) != "T-pose":
            return 0
        if leaps[k] > 15.0 or turns[k] > 2000.0:
            # Filters smear the jump over its neighbours.
            after = k + 1
            while after < longest and (leaps[after] > 5.0 or turns[after] > 700.0):
                after += 1
            return after
    return 0


def leg_length(offsets: Array) -> float:
    """Hip to ankle of a T-pose ``(24, 3)``, metres, mean of both legs."""
    return float(sum(np.linalg.norm(offsets[_I[f"{s}_{p}"]]) for s in _SIDES for p in ("knee", "ankle"))) / 2.0


def _checked(rest_offsets: Array) -> Array:
    offsets = np.asarray(rest_offsets, dtype=np.float64)
    if offsets.shape != (24, 3) or not np.isfinite(offsets).all():
        raise BadInput(f"rest_offsets: shape {offsets.shape}, expected (24, 3) finite metres")
    if leg_length(offsets) < 1e-6:
        raise BadInput("rest_offsets: the legs have no length")
    return offsets


def _said(report: RetargetReport, source: Source) -> tuple[str, ...]:
    notes = [f"retargeted to SMPL-24 by {report.road}, rest pose: {report.rest}"]
    if source.take.metres_per_unit is None:
        notes.append(f"unit taken for {report.unit}")
    if not source.up_said:
        notes.append(f"up axis taken for {report.up}")
    if report.invented:
        notes.append("joints not in the source: " + ", ".join(report.invented))
    return (*notes, *report.notes)


def _pose(source: Source, calibration: Calibration, offsets: Array) -> tuple[Array, float]:
    """World rotations ``(T, 24, 4)`` of the target, and by how much bone lengths vary in the source."""
    joint_map = source.map
    world = np.empty((len(source.q), 24, 4))

    def turned(joint: int, constant: Array) -> Array:
        return rot.multiply(source.rotation(joint), constant)

    world[:, 0] = turned(joint_map.pelvis, calibration.pelvis)
    spine = [turned(j, c) for j, c in zip(joint_map.spine, calibration.spine, strict=True)]
    for m, j in enumerate((_I["spine1"], _I["spine2"], _I["spine3"])):
        world[:, j] = spread(world[:, 0], spine, (m + 1) / 3)
    neck = [turned(j, c) for j, c in zip(joint_map.neck, calibration.neck, strict=True)]
    for m, j in enumerate((_I["neck"], _I["head"])):
        world[:, j] = spread(world[:, _I["spine3"]], neck, (m + 1) / 2)
    stretched = 0.0
    for j in range(1, 24):
        name = skeleton.JOINTS[j]
        if name.startswith(("spine", "neck", "head")):
            continue
        parent = int(skeleton.PARENTS[j])
        i = int(joint_map.limbs[j])
        world[:, j] = turned(i, calibration.limbs[j]) if i >= 0 else world[:, parent]
        if name.split("_")[1] in ("hip", "knee", "shoulder", "elbow"):
            child = int(np.flatnonzero(skeleton.PARENTS == j)[0])
            start, end = source.point(j), source.point(child)
            if start is not None and end is not None:
                bone = end - start
                length = np.linalg.norm(bone[source.sample], axis=-1)
                stretched = max(stretched, float(np.ptp(length) / max(np.median(length), 1e-9)))
                # Exact already for rigid bones; joints in between that turn on their own make it differ.
                if float(np.max(np.linalg.norm(_off(world[:, j], offsets[child], bone), axis=-1))) > 1e-6:
                    world[:, j] = swing_to(world[:, j], offsets[child], bone)
    return world, stretched


def _settle_spine(source: Source, world: Array, own: Array) -> Array:
    """Swing the two lower spine joints so that the neck is where the source has it, its spine having bent elsewhere.

    Spreading or merging joints keeps the chest's turn but not its place; the few degrees that are missing are found on the
    source's own proportions (``own``) and hold for any body.
    """
    joints = source.map
    if not joints.neck or not joints.spine:
        return world
    world = world.copy()
    goal = source.position(joints.neck[0]) - source.position(joints.pelvis)
    s1, s2, s3, neck = (_I[name] for name in ("spine1", "spine2", "spine3", "neck"))
    for _ in range(2):
        loose = rot.rotate(world[:, s1], own[s2]) + rot.rotate(world[:, s2], own[s3])
        fixed = rot.rotate(world[:, 0], own[s1]) + rot.rotate(world[:, s3], own[neck])
        wanted = goal - fixed
        if float(np.linalg.norm(own[s2] + own[s3])) < 1e-3 * source.leg:
            return world
        swing = rot.to_rotvec(rot.between(loose, wanted))
        angle = np.linalg.norm(swing, axis=-1, keepdims=True)
        swing *= np.minimum(1.0, np.radians(20.0) / np.maximum(angle, 1e-9))
        for j in (s1, s2):
            world[:, j] = rot.normalize(rot.multiply(rot.from_rotvec(swing), world[:, j]))
    if len(joints.neck) > 2:  # merged: the neck leans as the whole chain does
        world[:, neck] = swing_to(
            world[:, neck], own[_I["head"]], source.position(joints.neck[-1]) - source.position(joints.neck[0])
        )
    return world


def _off(world: Array, rest: Array, bone: Array) -> Array:
    now = rot.rotate(world, rest / max(float(np.linalg.norm(rest)), 1e-12))
    return now - bone / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-12)


def spread(base: Array, chain: list[Array], place: float) -> Array:
    """The turn at a place along a chain of joints: 0 is ``base``, 1 the last joint; slerp between neighbours.

    A short chain is so spread over more joints and a long one merged into fewer; its end keeps its own turn.
    """
    if not chain:
        return base
    at = place * len(chain)
    k = min(int(np.floor(at + 1e-9)), len(chain))
    share = at - k
    lower = base if k == 0 else chain[k - 1]
    if share < 1e-9:
        return lower
    return rot.slerp(lower, chain[k], np.full(lower.shape[:-1], share))


def _place(
    source: Source, world: Array, offsets: Array, own: Array, scale: float, level: feet.Ground, ground: bool, lock_feet: bool
) -> Clip:
    """Put the posed target into the world, feet where the source's are."""
    fps = source.take.fps
    ankle_height = float(contacts.sole_heights(offsets)[:, 0].mean())
    lift = ankle_height - scale * (level.ankle + level.floor) if ground else 0.0

    def to_target(points: Array) -> Array:
        return scale * points + np.array([0.0, lift, 0.0])

    hips = [source.point(_I[f"{s}_hip"]) for s in _SIDES]
    middle = to_target((hips[0] + hips[1]) / 2.0)
    root = middle - rot.rotate(world[:, 0], (offsets[1] + offsets[2]) / 2.0)
    targets = {s: to_target(source.point(_I[f"{s}_ankle"])) for s in _SIDES}
    targets = feet.anchor(world, targets, offsets, own, scale)
    toeless = tuple(s for s in _SIDES if source.map.limbs[_I[f"{s}_foot"]] < 0)
    if ground and lock_feet:
        if toeless:
            world = feet.bend_toes(world, targets, offsets, toeless)
        world, root, targets = feet.lift_soles(world, root, offsets, targets)
    if lock_feet:
        planted = {}
        for s in _SIDES:
            points = source.point(_I[f"{s}_ankle"])[:, None]
            planted[s] = contacts.contact_mask(points, fps, scale=source.leg / 0.83)[:, 0]
        world, root = feet.reach(world, root, offsets, targets, planted, fps)
    if ground and lock_feet:
        handless = tuple(s for s in _SIDES if source.map.limbs[_I[f"{s}_wrist"]] < 0)
        world = lay_hands(world, root, offsets, handless)
    local = rot.continuous(kinematics.to_local(skeleton.PARENTS, rot.normalize(world)))
    return Clip(local, root, offsets, fps)


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


def _from_smpl(
    own: Clip, rest_offsets: Array | None, road: str, notes: tuple[str, ...], table: dict[str, str], take: Take,
    ground: bool, lock_feet: bool,
) -> tuple[Clip, RetargetReport]:  # fmt: skip
    """A source that is SMPL already: turns are kept as they are; a given body gets scaled roots and reaching legs."""
    scale, floor = 1.0, 0.0
    clip = own
    if rest_offsets is not None:
        scale = leg_length(rest_offsets) / max(leg_length(own.rest_offsets), 1e-9)
        world, positions = own.world()
        size = contacts.size_of(own.rest_offsets)
        ankles = positions[:, [7, 8]]
        ankle = float(contacts.sole_heights(own.rest_offsets)[:, 0].mean())
        low = float(contacts.floor_height(ankles, own.fps, size).min())
        floor = low - ankle if ground else 0.0
        target = float(contacts.sole_heights(rest_offsets)[:, 0].mean())
        lift = target - scale * (ankle + floor) if ground else 0.0
        shift = np.array([0.0, lift, 0.0])
        middle = scale * positions[:, [1, 2]].mean(1) + shift
        root = middle - rot.rotate(world[:, 0], (rest_offsets[1] + rest_offsets[2]) / 2.0)
        if lock_feet:
            targets = {s: scale * ankles[:, i] + shift for i, s in enumerate(_SIDES)}
            targets = feet.anchor(world, targets, rest_offsets, own.rest_offsets, scale)
            if ground:
                world, root, targets = feet.lift_soles(world, root, rest_offsets, targets)
            on = contacts.contact_mask(ankles, own.fps, scale=size)
            world, root = feet.reach(
                world, root, rest_offsets, targets, {s: on[:, i] for i, s in enumerate(_SIDES)}, own.fps
            )
            local = rot.continuous(kinematics.to_local(skeleton.PARENTS, rot.normalize(world)))
        else:
            local = own.rotations
        clip = replace(own, rotations=local, root_position=root, rest_offsets=rest_offsets)
    report = RetargetReport(
        road, 1.0, "smpl" if road == "smpl" else "", table, (), "T-pose", take.up or "Y",
        "metres" if take.metres_per_unit in (None, 1.0) else "the file's own unit", take.metres_per_unit or 1.0, 0.0,
        round(floor, 4), scale, 0, notes,
    )  # fmt: skip
    return clip.noting(f"SMPL-24 read by {road}, nothing solved", *notes), report
