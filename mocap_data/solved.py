"""Joints and turns of foreign models as a `Take` on SMPL's skeleton: unit, up axis and floor found, turns solved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from mocap_data.humanml3d import REST
from motion import contacts, kinematics, positions, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.positions import bones
from motion.retarget import clip_to_take, feet
from motion.rotations import Array
from motion.take import Provenance, Take

_I = skeleton.INDEX
_SIDES = ("left", "right")
_UNITS = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001}
_LEGS = (0.3, 1.5)  # m hip to ankle: from toddlers to giants
#: Turns that bring an up axis to +Y, handedness kept.
_UP = {
    "Y": rot.IDENTITY, "Z": rot.from_axis("X", -np.pi / 2), "X": rot.from_axis("Z", np.pi / 2),
    "-Y": rot.from_axis("Z", np.pi), "-Z": rot.from_axis("X", np.pi / 2), "-X": rot.from_axis("Z", -np.pi / 2),
}  # fmt: skip
_LOOSE = 0.25  # of their length that bones may vary, median, before points are taken for no joints
_UNSCALED = "; features that are still scaled must be multiplied by Std and added to Mean first"


@dataclass(frozen=True)
class About:
    """What goes along with a motion from its file to its take."""

    path: str
    fps: Fraction
    provenance: Provenance
    up: str | None = None
    units: float | None = None  # metres per unit


def from_positions(points: Array, about: About, *, features: bool = False) -> Take:
    """Solve joints for turns.

    Args:
        points: ``(T, 22 or 24, 3)`` in SMPL's order, the file's unit and axes.
        about: where they came from.
        features: they were decoded from features, which may have been left scaled.

    Raises:
        BadInput: not finite, or no joints of a person in SMPL's order.
    """
    _finite(points, about.path)
    hint = _UNSCALED if features else ""
    _one_person(points, about.path, hint)
    notes = []
    leg = _leg(points)
    scale, unit = (about.units, "") if about.units is not None else _unit(leg, about.path, hint)
    if unit and scale != 1.0:
        notes.append(f"unit taken for {unit}: hips to ankles are {leg:.4g}")
    up = _up(points) if about.up is None else about.up.upper()
    if up not in _UP:
        raise unknown("up axis", up, _UP)
    if up != "Y":
        notes.append(f"{up} is up, by the way the performer stands" if about.up is None else f"{up} up, as told")
    points = scale * rot.rotate(_UP[up], points)
    _faces_its_toes(points, about.path)
    found = positions.solve(points, about.fps, REST)
    notes.append(f"solved from positions: {found}")
    loose = found.stretch[1:]
    if loose.max() > 0.03:
        worst = skeleton.JOINTS[int(np.argmax(loose)) + 1]
        notes.append(f"bones change length in the file, that to {worst} by {loose.max():.0%}; here they do not")
    unseen = "head, toes and hands" if points.shape[1] == 22 else "head, toes and the roll of hands"
    notes.append(f"limbs roll as elbows, knees and feet show; {unseen} cannot be seen in joints and go along")
    return _take(found.clip, points.shape[1], about, notes)


def from_native(points: Array, local: Array, about: About, rows: Array | None = None) -> Take:
    """A motion that brings its own turns: the skeleton is found from joints and turns together.

    Args:
        points: ``(T, 22, 3)`` joints in SMPL's order, metres, Y up.
        local: ``(T, 22, 4)`` local turns, xyzw.
        about: where they came from.
        rows: the rotation matrices' rows as they were, ``(T, 22, 2, 3)``, to see whether they are any.

    Raises:
        BadInput: not finite, no rotations, or no person.
    """
    _finite(points, about.path)
    if not np.isfinite(local).all():
        raise BadInput(f"{about.path}: a rotation is not finite")
    if rows is not None:
        size = np.linalg.norm(rows, axis=-1)
        if not 0.7 < float(np.median(size)) < 1.4:
            raise BadInput(f"{about.path}: its rotations are none (rows of length {np.median(size):.2g}){_UNSCALED}")
    _one_person(points, about.path, _UNSCALED)
    leg = _leg(points)
    if not _LEGS[0] < leg < _LEGS[1]:
        raise BadInput(f"{about.path}: hips to ankles are {leg:.3g} m, expected a person's{_UNSCALED}")
    world, _ = kinematics.forward(skeleton.PARENTS[:22], local, np.zeros((22, 3)))
    offsets = bones.fit(points, REST)
    parents = skeleton.PARENTS[1:22]
    bone = rot.rotate(rot.inverse(world[:, parents]), points[:, 1:] - points[:, parents])
    offsets[1:22] = np.median(bone, axis=0)
    rotations = np.tile(rot.IDENTITY, (len(local), 24, 1))
    rotations[:, :22] = rot.continuous(local)
    clip = Clip(rotations, points[:, 0], offsets, about.fps)
    error = clip.positions()[:, :22] - points
    drift = error.mean(1)
    clip = replace(clip, root_position=clip.root_position - drift)
    far = np.linalg.norm(error - drift[:, None], axis=-1) * 1000.0
    middle, high = np.percentile(far, [50, 95])
    note = (
        f"the file's own rotations; joints lie {middle:.1f} mm from its positions (median; 95 % within {high:.1f} mm)"
    )
    return _take(clip, 22, about, [note])


def _take(clip: Clip, joints: int, about: About, notes: list[str]) -> Take:
    """The clip, its feet on the floor, as a take of as many joints as the file had."""
    clip, floor = grounded(clip)
    if floor is None:
        notes.append("the feet never stand: the floor was left at the lowest foot")
    else:
        notes.append(f"floor found at {floor:.3f} m and brought to 0")
    take = clip_to_take(replace(clip, provenance=about.provenance.noting(*notes)))
    if joints == 24:
        return take
    assert take.end_offsets is not None
    ends = take.end_offsets[:22].copy()
    for side in _SIDES:
        ends[_I[f"{side}_wrist"]] = 2.0 * clip.rest_offsets[_I[f"{side}_hand"]]  # to the finger tips
    return replace(
        take, names=take.names[:22], parents=take.parents[:22], rest_offsets=take.rest_offsets[:22],
        rotations=take.rotations[:, :22], translations=take.translations[:, :22], end_offsets=ends,
    )  # fmt: skip


def grounded(clip: Clip) -> tuple[Clip, float | None]:
    """The clip with the soles of standing feet at height 0, and where the floor was; None: no foot ever stands."""
    world, joints = clip.world()
    size = contacts.size_of(clip.rest_offsets)
    soles = contacts.sole_heights(clip.rest_offsets)
    levels = []
    for s, side in enumerate(_SIDES):
        ankle, ball = _I[f"{side}_ankle"], _I[f"{side}_foot"]
        reach = float(soles[s, 1] - soles[s, 0])
        level = feet.standing_level(joints[:, ankle], joints[:, ball], world[:, ankle], reach, clip.fps, size)
        if level is not None:
            levels.append(level - float(soles[s, 0]))
    floor = min(levels) if levels else float((contacts.foot_points(clip)[..., 1]).min())
    root = clip.root_position - np.array([0.0, floor, 0.0])
    return replace(clip, root_position=root), floor if levels else None


def _finite(points: Array, path: str) -> None:
    good = (np.abs(points) < 1e9).all(-1)  # NaN compares false
    if not good.all():
        frame, joint = np.argwhere(~good)[0]
        raise BadInput(
            f"{path}: frame {frame}: {skeleton.JOINTS[joint]} is not finite (NaN or infinite) or too far away"
        )


def _one_person(points: Array, path: str, hint: str) -> None:
    """Bones have lengths that last, equal on both sides, and legs are longer than feet and necks."""
    joints = points.shape[1]
    long = bones.lengths(points)
    if float(long[1:].min()) <= 1e-3 * float(long.max()):
        name = skeleton.JOINTS[int(np.argmin(long[1:])) + 1]
        raise BadInput(f"{path}: {name} stands on the joint above it; expected joints in SMPL's order{hint}")
    loose = bones.variation(points)[1:]
    if len(points) > 1 and float(np.median(loose)) > _LOOSE:
        raise BadInput(
            f"{path}: bones change length by {np.median(loose):.0%} from frame to frame: these are no joint positions "
            f"in SMPL's order{hint}"
        )
    seen = np.linalg.norm(points[:, 1:] - points[:, skeleton.PARENTS[1:joints]], axis=-1)
    typical = np.concatenate([[1.0], np.median(seen, axis=0)])
    uneven = np.abs(np.log(typical / typical[skeleton.MIRROR[:joints]]))
    thigh, shin, foot = (long[_I[f"left_{part}"]] for part in ("knee", "ankle", "foot"))
    if float(uneven.max()) > np.log(2.0) or not 0.5 < thigh / shin < 2.0 or foot > shin:
        raise BadInput(
            f"{path}: bones do not fit a person in SMPL's joint order (left and right, thigh and shin){hint}"
        )


def _leg(points: Array) -> float:
    long = bones.lengths(points)
    return float(sum(long[_I[f"{s}_{part}"]] for s in _SIDES for part in ("knee", "ankle"))) / 2.0


def _unit(leg: float, path: str, hint: str) -> tuple[float, str]:
    for name, size in _UNITS.items():
        if _LEGS[0] < leg * size < _LEGS[1]:
            return size, name
    raise BadInput(
        f"{path}: hips to ankles are {leg:.3g} units, a person's in neither metres, centimetres nor millimetres; "
        f"say the unit{hint}"
    )


def _up(points: Array) -> str:
    """The axis along which trunk and legs both run all but always; Y when none plainly does.

    Y is the format's own axis, and people lie down: a performer who ever stands along Y, or lies on y = 0 with no floor
    at zero along the other axis, is in Y-up space.
    """

    def middle(part: str) -> Array:
        return points[:, [_I[f"left_{part}"], _I[f"right_{part}"]]].mean(1)

    trunk = bones.unit(middle("shoulder") - middle("hip"))
    legs = bones.unit(middle("hip") - middle("ankle"))
    along = np.where(trunk * legs > 0, np.sign(trunk) * np.sqrt(np.abs(trunk * legs)), 0.0)
    typical = np.median(along, axis=0)
    axis = int(np.argmax(np.abs(typical)))
    sign = float(np.sign(typical[axis]))
    often = float(np.mean(sign * along[:, axis] > 0.8))
    stands = float(np.mean(along[:, 1] > 0.8))
    near, leg = 0.15, _leg(points)
    lowest = np.abs(points[..., 1].min()), np.abs((sign * points[..., axis]).min())
    lies = axis != 1 and lowest[0] < near * leg < lowest[1]
    return ("-" if sign < 0 else "") + "XYZ"[axis] if often > 0.9 and (stands < 0.02 or axis == 1) and not lies else "Y"


def _faces_its_toes(points: Array, path: str) -> None:
    """Refuse a body whose toes point behind it: left and right exchanged, or axes of the other hand."""
    left, up = points[:, _I["left_hip"]] - points[:, _I["right_hip"]], points[:, _I["spine3"]] - points[:, 0]
    ahead = bones.unit(np.cross(left, up))
    toes = [points[:, _I[f"{s}_foot"]] - points[:, _I[f"{s}_ankle"]] for s in _SIDES]
    pointing = np.mean([np.sum(bones.unit(t) * ahead, axis=-1) for t in toes], axis=0)
    if float(np.median(pointing)) < -0.4:
        raise BadInput(
            f"{path}: the toes point behind the body: left and right are exchanged, or its axes are left-handed "
            "(negate one of them)"
        )
