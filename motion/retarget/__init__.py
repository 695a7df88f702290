"""Retargeting: a `Take` on any humanoid skeleton to a `Clip` on SMPL-24 (`retarget`), and back (`onto`).

The pose is carried by constant turns between frames, calibrated once for a skeleton (`motion.retarget.frames`); limbs
point exactly where the source's do, and leg IK holds feet where the source, scaled to the target's legs, put them. What
this does not do: clean up the source. Feet that slide in the capture slide in the clip; physics takes care of those.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import contacts, kinematics, names, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.errors import BadInput
from motion.retarget import feet as feet
from motion.retarget.back import clip_to_take, onto
from motion.retarget.direct import as_smpl
from motion.retarget.faults import jumps
from motion.retarget.frames import calibrate, stance
from motion.retarget.hands import lay_hands
from motion.retarget.joint_map import JointMap
from motion.retarget.matching import find_map
from motion.retarget.pose import relax_turned_head, settle_spine, solve_pose
from motion.retarget.proportions import leg_length, own_proportions, standing
from motion.retarget.source import Source, prepare
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
    faults: tuple[str, ...] = ()  # of the capture itself; among the notes too


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
        rest_offsets: ``(24, 3)`` metres, T-pose of the body that shall perform (`Body.rest_offsets`); None: the
            source's own proportions.
        ground: put the soles of standing feet on y = 0.
        lock_feet: leg IK keeps ankles where the source's, scaled by the leg lengths, are; soles stay out of the floor.
        joint_map: the joints, when the caller knows better than `motion.retarget.matching.find_map`.

    Returns:
        The clip (joints that the source lacks are not ``valid``), and what was assumed.

    Raises:
        BadInput: no humanoid is in the skeleton, a pose is not finite, or ``rest_offsets`` is no T-pose.
    """
    rest_offsets = None if rest_offsets is None else _checked(rest_offsets)
    direct = as_smpl(take) if joint_map is None else None
    if direct is not None:
        return _from_smpl(*direct, rest_offsets, take, ground, lock_feet)
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
    own = standing(own_offsets, level.ankle, joint_map)
    if rest_offsets is None:
        offsets, scale = own, 1.0
    else:
        offsets = rest_offsets
        scale = leg_length(offsets) / source.leg
    world, stretched = solve_pose(source, calibration, offsets)
    world = settle_spine(source, world, own_offsets)
    world, turned = relax_turned_head(world, take.fps)
    clip = _place(source, world, offsets, own, scale, level, ground, lock_feet)
    notes = list(joint_map.notes)
    if take.metres_per_unit is not None and not 0.3 < source.leg < 1.5:
        notes.append(f"legs of {source.leg:.3g} m by the file's own unit: neither child nor adult")
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
    faults = []
    if turned:
        faults.append(f"the capture turns the head over in {turned:.0%} of the frames: it is relaxed there")
    torn = jumps(source, lead_in)
    if torn:
        moments = ", ".join(f"{t:.2f} s" for t in torn[:5]) + (f" and {len(torn) - 5} more" if len(torn) > 5 else "")
        faults.append(f"the capture jumps from one frame to the next at {moments}")
    valid = joint_map.valid
    if turned > 0.5:
        valid[_I["head"]] = False
    report = RetargetReport(
        joint_map.road, joint_map.confidence, joint_map.convention, joint_map.named(take.names),
        tuple(n for n, ok in zip(skeleton.JOINTS, valid, strict=True) if not ok), calibration.kind, source.up,
        source.unit, source.metres_per_unit, round(calibration.facing, 3), round(level.floor, 4), scale, lead_in,
        (*notes, *faults), tuple(faults),
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


def _place(
    source: Source,
    world: Array,
    offsets: Array,
    own: Array,
    scale: float,
    level: feet.Ground,
    ground: bool,
    lock_feet: bool,
) -> Clip:
    """Put the posed target into the world, feet where the source's are."""
    fps = source.take.fps
    ankle_height = float(contacts.sole_heights(offsets)[:, 0].mean())
    lift = ankle_height - scale * (level.ankle + level.floor) if ground else 0.0

    def to_target(points: Array) -> Array:
        return scale * points + np.array([0.0, lift, 0.0])

    hips = [source.place(_I[f"{s}_hip"]) for s in _SIDES]
    middle = to_target((hips[0] + hips[1]) / 2.0)
    root = middle - rot.rotate(world[:, 0], (offsets[1] + offsets[2]) / 2.0)
    targets = {s: to_target(source.place(_I[f"{s}_ankle"])) for s in _SIDES}
    targets = feet.anchor(world, root, targets, offsets, own, scale)
    toeless = tuple(s for s in _SIDES if source.map.limbs[_I[f"{s}_foot"]] < 0)
    if ground and lock_feet:
        if toeless:
            world = feet.bend_toes(world, targets, offsets, toeless, fps)
        world, root, targets = feet.lift_soles(world, root, offsets, targets, fps)
    if lock_feet:
        planted = {}
        for s in _SIDES:
            points = source.place(_I[f"{s}_ankle"])[:, None]
            planted[s] = contacts.contact_mask(points, fps, scale=source.size)[:, 0]
        world, root = feet.reach(world, root, offsets, targets, planted, fps)
    if ground and lock_feet:
        handless = tuple(s for s in _SIDES if source.map.limbs[_I[f"{s}_wrist"]] < 0)
        world = lay_hands(world, root, offsets, handless)
    local = rot.continuous(kinematics.to_local(skeleton.PARENTS, rot.normalize(world)))
    return Clip(local, root, offsets, fps)


def _from_smpl(
    own: Clip, road: str, notes: tuple[str, ...], table: dict[str, str], rest_offsets: Array | None, take: Take,
    ground: bool, lock_feet: bool,
) -> tuple[Clip, RetargetReport]:  # fmt: skip
    """A source that is SMPL already: turns are kept as they are; a given body gets scaled roots and reaching legs."""
    scale, floor = 1.0, 0.0
    clip = own
    if rest_offsets is not None and not np.allclose(rest_offsets, own.rest_offsets, atol=1e-6):
        scale = leg_length(rest_offsets) / max(leg_length(own.rest_offsets), 1e-9)
        world, positions = own.world()
        size = contacts.size_of(own.rest_offsets)
        ankles = positions[:, [7, 8]]
        ankle = float(contacts.sole_heights(own.rest_offsets)[:, 0].mean())
        levels = [
            feet.standing_level(ankles[:, i], None, world[:, a], 0.0, own.fps, size) for i, a in enumerate((7, 8))
        ]
        stood = [level for level in levels if level is not None]
        floor = min(stood) - ankle if ground and stood else 0.0
        target = float(contacts.sole_heights(rest_offsets)[:, 0].mean())
        lift = target - scale * (ankle + floor) if ground else 0.0
        shift = np.array([0.0, lift, 0.0])
        middle = scale * positions[:, [1, 2]].mean(1) + shift
        root = middle - rot.rotate(world[:, 0], (rest_offsets[1] + rest_offsets[2]) / 2.0)
        if lock_feet:
            targets = {s: scale * ankles[:, i] + shift for i, s in enumerate(_SIDES)}
            targets = feet.anchor(world, root, targets, rest_offsets, own.rest_offsets, scale)
            if ground:
                world, root, targets = feet.lift_soles(world, root, rest_offsets, targets, own.fps)
            on = contacts.contact_mask(ankles, own.fps, scale=size)
            world, root = feet.reach(
                world, root, rest_offsets, targets, {s: on[:, i] for i, s in enumerate(_SIDES)}, own.fps
            )
            local = rot.continuous(kinematics.to_local(skeleton.PARENTS, rot.normalize(world)))
        else:
            local = own.rotations
        clip = replace(own, rotations=local, root_position=root, rest_offsets=rest_offsets)
    invented = tuple(n for n, ok in zip(skeleton.JOINTS, own.valid, strict=True) if not ok)
    report = RetargetReport(
        road, 1.0, "smpl" if road == "smpl" else names.convention_of(take.names)[0], table, invented, "T-pose",
        take.up or "Y",
        "metres" if take.metres_per_unit in (None, 1.0) else "the file's own unit", take.metres_per_unit or 1.0, 0.0,
        round(floor, 4), scale, 0, notes,
    )  # fmt: skip
    return clip.noting(f"SMPL-24 read by {road}, nothing solved", *notes), report
