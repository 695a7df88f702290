"""From SMPL-24 to other skeletons: a `Clip` as a `Take` under other joint names, or onto the skeleton of a `Take`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import contacts, kinematics, skeleton
from motion import names as naming
from motion import rotations as rot
from motion.clip import Clip
from motion.retarget import feet
from motion.retarget.frames import calibrate, stance
from motion.retarget.joint_map import common_ancestor
from motion.retarget.matching import find_map
from motion.retarget.pose import spread
from motion.retarget.proportions import leg_length, own_proportions, standing
from motion.retarget.source import TEMPLATE, TEMPLATE_LEG, UP_TURNS, Source, prepare
from motion.rotations import Array
from motion.take import Take

_I = skeleton.INDEX
_SIDES = ("left", "right")


def clip_to_take(clip: Clip, names: str = "smpl") -> Take:
    """The clip as a take: SMPL's tree, identity frames, T-pose rest, metres, Y up, joints renamed.

    Nothing is solved, so ``retarget(clip_to_take(clip))`` is the clip. Fingers go along under ``names="smpl"``.

    Args:
        clip: the performance.
        names: a naming convention of `motion.names.CONVENTIONS`: smpl, mixamo, cmu, unreal, unity, vrm, humanik …

    Raises:
        BadInput: no such convention.
    """
    labels = naming.rename(names)
    offsets = clip.rest_offsets.copy()
    translations = np.repeat(offsets[None], clip.frames, axis=0)
    translations[:, 0] = clip.root_position
    size = contacts.size_of(offsets)
    ends = np.full((24, 3), np.nan)
    ends[_I["head"]] = (0.0, 0.19 * size, 0.0)  # crown above the head joint, at the skull's foot
    for side in _SIDES:
        ends[_I[f"{side}_hand"]] = 1.05 * offsets[_I[f"{side}_hand"]]  # knuckle to tip is about the palm's length
        ends[_I[f"{side}_foot"]] = (0.0, 0.0, 0.5 * abs(float(offsets[_I[f"{side}_foot"], 2])))
    take = Take(
        labels, skeleton.PARENTS, offsets, clip.rotations, translations, clip.fps, end_offsets=ends,
        metres_per_unit=1.0, up="Y", skeleton_kind="smpl" if names == "smpl" else None, provenance=clip.provenance,
    )  # fmt: skip
    if clip.fingers is not None and names == "smpl":
        take = _with_fingers(take, clip.fingers)
    return take


#: Places of SMPL-H's finger joints on an adult's left hand, metres from the wrist, T-pose, palm down: roots as palm
#: bones, then phalanges (lengths after Buryanov and Kotiuk 2010, means of both sexes).
_FINGER_ROOTS = {
    "index": (0.093, 0.0, 0.026), "middle": (0.096, 0.003, 0.003), "pinky": (0.078, -0.006, -0.038),
    "ring": (0.089, 0.0, -0.018), "thumb": (0.027, -0.012, 0.030),
}  # fmt: skip
_PHALANGES = {"index": (0.040, 0.022), "middle": (0.045, 0.026), "pinky": (0.033, 0.018), "ring": (0.041, 0.026),
              "thumb": (0.046, 0.032)}  # fmt: skip


def _with_fingers(take: Take, fingers: Array) -> Take:
    size = contacts.size_of(take.rest_offsets)
    parents, offsets = list(take.parents), list(take.rest_offsets)
    for f, name in enumerate(skeleton.FINGERS):
        side, finger = name.split("_")[0], name.split("_")[1][:-1]
        step = int(name[-1])
        sign = np.array([1.0 if side == "left" else -1.0, 1.0, 1.0])
        along = np.array([0.7, -0.1, 0.7]) if finger == "thumb" else np.array([1.0, 0.0, 0.0])
        place = np.array(_FINGER_ROOTS[finger]) if step == 1 else along * _PHALANGES[finger][step - 2]
        parents.append(_I[f"{side}_wrist"] if step == 1 else 24 + f - 1)
        offsets.append(size * sign * place)
    rest = np.array(offsets)
    translations = np.repeat(rest[None], take.frames, axis=0)
    translations[:, :24] = take.translations
    assert take.end_offsets is not None
    ends = np.concatenate([take.end_offsets, np.full((30, 3), np.nan)])
    return replace(
        take, names=(*take.names, *skeleton.FINGERS), parents=np.array(parents), rest_offsets=rest,
        rotations=np.concatenate([take.rotations, fingers], axis=1), translations=translations, end_offsets=ends,
        skeleton_kind="smplh",
    )  # fmt: skip


def onto(clip: Clip, take_skeleton: Take) -> Take:
    """Bring a clip onto any humanoid skeleton: limbs point as the clip's do, feet stand where its feet, scaled, do.

    Args:
        clip: the performance.
        take_skeleton: a take with the wanted skeleton; its motion is used only where its rest pose is not a person's.

    Returns:
        A take with that skeleton's names, rest pose, unit and up axis, at the clip's rate. Joints that SMPL does not
        have (twist bones, fingers, props) keep their rest.

    Raises:
        BadInput: the skeleton is no humanoid.
    """
    found = find_map(take_skeleton)
    source = prepare(take_skeleton, found)
    turns = calibrate(source, clip.rest_offsets)
    own = own_proportions(source, calibrate(source, None))
    # The skeleton drawn as a SMPL body whose limbs run as the clip's do at rest: then one set of turns serves both.
    for side in _SIDES:
        for part in ("knee", "ankle", "elbow", "wrist"):
            j = _I[f"{side}_{part}"]
            rest = clip.rest_offsets[j]
            size = float(np.linalg.norm(rest))
            if size > 1e-9:
                own[j] = rest / size * np.linalg.norm(own[j])
    own = standing(own, _ankle_height(source))
    scale = leg_length(own) / max(leg_length(clip.rest_offsets), 1e-9)
    world, positions = clip.world()
    lift = contacts.sole_heights(own)[:, 0].mean() - scale * contacts.sole_heights(clip.rest_offsets)[:, 0].mean()
    shift = np.array([0.0, float(lift), 0.0])
    targets = {s: scale * positions[:, _I[f"{s}_ankle"]] + shift for s in _SIDES}
    root = scale * positions[:, [1, 2]].mean(1) + shift - rot.rotate(world[:, 0], (own[1] + own[2]) / 2.0)
    targets = feet.anchor(world, root, targets, own, clip.rest_offsets, scale)
    ankles = positions[:, [7, 8]]
    on = contacts.contact_mask(ankles, clip.fps, scale=contacts.size_of(clip.rest_offsets))
    planted = {s: on[:, i] for i, s in enumerate(_SIDES)}
    world, root = feet.reach(world, root, own, targets, planted, clip.fps)

    wanted: dict[int, Array] = {}

    def back(joint: int, turned: Array, constant: Array) -> None:
        wanted[joint] = rot.multiply(turned, rot.inverse(constant))

    back(found.pelvis, world[:, 0], turns.pelvis)
    trunk = [world[:, _I[f"spine{m}"]] for m in (1, 2, 3)]
    for i, (j, c) in enumerate(zip(found.spine, turns.spine, strict=True)):
        back(j, spread(world[:, 0], trunk, (i + 1) / len(found.spine)), c)
    for i, (j, c) in enumerate(zip(found.neck, turns.neck, strict=True)):
        back(j, spread(trunk[2], [world[:, 12], world[:, 15]], (i + 1) / len(found.neck)), c)
    for smpl, constant in turns.limbs.items():
        back(int(found.limbs[smpl]), world[:, smpl], constant)
    hub = common_ancestor(take_skeleton.parents, found.pelvis, found.chest)
    if hub not in wanted:
        # A hip joint above both pelvis and spine turns with the pelvis.
        relation = rot.multiply(
            rot.inverse(source.rest_q[source.column[found.pelvis]]), source.rest_q[source.column[hub]]
        )
        wanted[hub] = rot.multiply(wanted[found.pelvis], relation)

    turn = rot.inverse(UP_TURNS[source.up])
    rest = take_skeleton.rest_rotations
    rest = np.tile(rot.IDENTITY, (take_skeleton.joints, 1)) if rest is None else rest
    local = np.repeat(rest[None], clip.frames, axis=0)
    total = np.empty_like(local)
    for j, parent in enumerate(take_skeleton.parents):
        above = total[:, parent] if parent >= 0 else np.broadcast_to(rot.IDENTITY, (clip.frames, 4))
        if j in wanted:
            total[:, j] = rot.multiply(turn, wanted[j])
            local[:, j] = rot.multiply(rot.inverse(above), total[:, j])
        else:
            total[:, j] = rot.multiply(above, local[:, j])
    translations = np.repeat(take_skeleton.rest_offsets[None], clip.frames, axis=0)
    _, placed = kinematics.forward(take_skeleton.parents, local, translations)
    goal = rot.rotate(turn, root) / source.metres_per_unit
    mover = _mover(take_skeleton, hub)
    shifted = goal - placed[:, found.pelvis]
    parent = int(take_skeleton.parents[mover])
    if parent >= 0:
        shifted = rot.rotate(rot.inverse(total[:, parent]), shifted)
    translations[:, mover] += shifted
    whose = take_skeleton.provenance.source or "a take"
    return replace(
        take_skeleton, rotations=rot.continuous(local), translations=translations, fps=clip.fps,
        provenance=clip.provenance.noting(f"brought onto the skeleton of {whose}"),
    )  # fmt: skip


def _mover(take: Take, hub: int) -> int:
    """The joint whose position travels: the hub, or the nearest joint above it that has position channels."""
    joint = hub
    while take.channels is not None and take.parents[joint] >= 0:
        if any("position" in channel.lower() for channel in take.channels[joint]):
            return joint
        joint = int(take.parents[joint])
    return joint


def _ankle_height(source: Source) -> float:
    """How high a skeleton's ankles are above its sole: by a rest pose that reaches below them, else a standard."""
    size = source.leg / TEMPLATE_LEG
    standard = float(TEMPLATE[[0, 1, 4, 7], 1].sum()) * size
    points = {j: p for j in range(24) if (p := source.rest_point(j)) is not None}
    if not stance(points):
        return standard
    ankles = [points[_I[f"{s}_ankle"]][1] for s in _SIDES]
    toes = [points[_I[f"{s}_foot"]][1] for s in _SIDES if _I[f"{s}_foot"] in points]
    lowest = min([*toes, min(ankles) - standard])
    return float(np.clip(np.mean(ankles) - lowest, 0.03 * size, 0.16 * size))
