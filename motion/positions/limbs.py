"""The pose: local rotations of the SMPL joints from positions that keep their bone lengths, all frames at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from motion import contacts, kinematics, skeleton
from motion import rotations as rot
from motion.easing import smoothstep
from motion.ik import swing_to
from motion.positions.bones import HUBS, align, unit
from motion.positions.twist import Hinge, angle_about, hinged, over_time
from motion.rotations import Array

_I = skeleton.INDEX
_X, _Y = np.eye(3)[0], np.eye(3)[1]
#: Turns about these bend the knee backward and the elbow forward, from SMPL's T-pose.
_BENDS = {"left_elbow": -_Y, "right_elbow": _Y}
#: The middle of what a limb can reach, in the frame of what carries it; left side. A limb whose twist nothing shows has
#: the twist of the shortest way there and on; the opposite direction, where that way is not unique, is out of reach.
_MIDDLE = {"hip": np.array([0.1, -0.8, 0.6]), "shoulder": np.array([0.55, -0.6, 0.58])}
_TRUST_FOOT = 0.06  # of the way a foot points, against a knee bent square: it counts while the leg is nearly straight
_TRUST_STRAIGHT = {"hip": 0.004, "shoulder": 0.01}
_TOE_LIMIT = np.radians(60.0)  # up against the foot, as at push-off
_ROLL_LIMIT = np.radians(30.0)  # of a foot about its own length: inversion and eversion of adults


def pose(points: Array, offsets: Array, fps: Fraction | float) -> Array:
    """Local rotations ``(T, 24, 4)``, xyzw, continuous in sign.

    Args:
        points: ``(T, 22 or 24, 3)`` metres, Y up, world; bones as long as in ``offsets``.
        offsets: ``(24, 3)`` metres, T-pose.
        fps: frames per second.
    """
    world = np.empty((len(points), 24, 4))
    for hub, children in HUBS.items():
        seen = points[:, list(children)] - points[:, hub, None]
        world[:, hub] = align(offsets[list(children)], seen)
    _spine(world, points, offsets)
    for side in ("left", "right"):
        _leg(world, points, offsets, side, fps)
        _arm(world, points, offsets, side, fps)
    return rot.continuous(kinematics.to_local(skeleton.PARENTS, rot.normalize(world)))


def _spine(world: Array, points: Array, offsets: Array) -> None:
    """Between pelvis and chest: directions as seen, the twist shared out evenly. The head goes with the neck."""
    s1, s2, s3, neck, head = (_I[name] for name in ("spine1", "spine2", "spine3", "neck", "head"))
    below = world[:, 0]
    for joint, child, share in ((s1, s2, 1 / 3), (s2, s3, 1 / 2)):
        swung = swing_to(below, offsets[child], points[:, child] - points[:, joint])
        # What is left between here and the chest, as a turn about this bone.
        ahead = swing_to(swung, offsets[neck], rot.rotate(world[:, s3], offsets[neck]))
        left = angle_about(rot.multiply(rot.inverse(ahead), world[:, s3]), unit(offsets[neck]))
        below = rot.multiply(swung, rot.from_axis(unit(offsets[child]), share * left))
        world[:, joint] = below
    world[:, neck] = swing_to(world[:, s3], offsets[head], points[:, head] - points[:, neck])
    world[:, head] = world[:, neck]


def _reference(carrier: Array, bone: Array, direction: Array, part: str, side: str) -> Array:
    """A limb's upper bone with its direction as seen and a twist that changes slowly over all that it can reach."""
    middle = _MIDDLE[part] * (np.array([-1.0, 1.0, 1.0]) if side == "right" else 1.0)
    return swing_to(rot.multiply(carrier, rot.between(bone, middle)), bone, direction)


def _leg(world: Array, points: Array, offsets: Array, side: str, fps: Fraction | float) -> None:
    hip, knee, ankle, foot = (_I[f"{side}_{part}"] for part in ("hip", "knee", "ankle", "foot"))
    thigh, shin, toes = (points[:, b] - points[:, a] for a, b in ((hip, knee), (knee, ankle), (ankle, foot)))
    start = _reference(world[:, 0], offsets[knee], thigh, "hip", side)
    # A straight leg turns with its foot.
    joint = Hinge(offsets[ankle], offsets[foot], _X)
    lower = swing_to(start, offsets[ankle], shin)
    flexed = -np.sign(joint.straight) * joint.bend(shin, toes)
    turned = rot.multiply(lower, rot.from_axis(joint.along, joint.twist(lower, toes, flexed)))
    by_foot = swing_to(turned, offsets[knee], thigh)
    angle = angle_about(rot.multiply(rot.inverse(start), by_foot), unit(offsets[knee]))
    square = 1.0 - np.sum(unit(shin) * unit(toes), axis=-1) ** 2
    straight = 1.0 - np.sum(np.cross(unit(thigh), unit(shin)) ** 2, axis=-1)
    hinge = Hinge(offsets[knee], offsets[ankle], _X)
    foot_says = (angle, _TRUST_FOOT * square * straight)
    world[:, hip] = hinged(hinge, start, thigh, shin, fps, _TRUST_STRAIGHT["hip"], foot_says)
    world[:, knee] = swing_to(world[:, hip], offsets[ankle], shin)
    swung = swing_to(world[:, knee], offsets[foot], toes)
    world[:, ankle] = _level(swung, points[:, [ankle, foot]], offsets, side, fps)
    world[:, foot] = _toes(world[:, ankle], points, offsets, side, fps)


def _level(foot: Array, points: Array, offsets: Array, side: str, fps: Fraction | float) -> Array:
    """A foot that carries weight is rolled about its length until its sole is level; in the air it follows the shin."""
    along = unit(offsets[_I[f"{side}_foot"]])
    across = rot.rotate(foot, _X)
    direction = rot.rotate(foot, along)
    # Height of the sole's side over the roll: level + reach cos(roll − highest), zero where the sole is level.
    c = float(_X @ along)
    flat = across - c * direction
    b, s = flat[:, 1], np.cross(direction, flat)[:, 1]
    reach, highest = np.maximum(np.hypot(b, s), 1e-9), np.arctan2(s, b)
    open_ = np.arccos(np.clip(-c * direction[:, 1] / reach, -1.0, 1.0))
    both = np.stack([highest + open_, highest - open_], axis=1)
    both = np.arctan2(np.sin(both), np.cos(both))
    roll = np.take_along_axis(both, np.argmin(np.abs(both), axis=1)[:, None], axis=1)[:, 0]
    stands = contacts.contact_mask(points, fps, scale=contacts.size_of(offsets)).all(axis=1)
    course = over_time(roll[:, None], np.asarray(stands, dtype=np.float64)[:, None], fps, 0.15)
    return rot.multiply(foot, rot.from_axis(along, np.clip(course, -_ROLL_LIMIT, _ROLL_LIMIT)))


def _toes(foot: Array, points: Array, offsets: Array, side: str, fps: Fraction | float) -> Array:
    """Toes stay flat on the floor while the heel leaves it; else they go on as the foot does."""
    from scipy import ndimage  # late: `import motion` is instant

    size = contacts.size_of(offsets)
    balls = points[:, [_I["left_foot"], _I["right_foot"]]]
    floor = float(contacts.floor_height(balls, fps, size).min())
    height = (points[:, _I[f"{side}_foot"], 1] - floor) / size
    ahead = unit(offsets[_I[f"{side}_foot"]] * np.array([1.0, 0.0, 1.0]))
    down = -np.arcsin(np.clip(rot.rotate(foot, ahead)[:, 1], -1.0, 1.0))
    upright = smoothstep(rot.rotate(foot, _Y)[:, 1], 0.1, 0.5)
    bend = np.clip(down, 0.0, _TOE_LIMIT) * (1.0 - smoothstep(height, 0.02, 0.08)) * upright
    width = round(0.1 * float(fps)) | 1  # toes spring back, but not within a frame
    bend = ndimage.uniform_filter1d(ndimage.uniform_filter1d(bend, width, mode="nearest"), width, mode="nearest")
    return rot.multiply(foot, rot.from_axis(np.cross(_Y, ahead), -bend))


def _arm(world: Array, points: Array, offsets: Array, side: str, fps: Fraction | float) -> None:
    collar, shoulder, elbow, wrist, hand = (
        _I[f"{side}_{part}"] for part in ("collar", "shoulder", "elbow", "wrist", "hand")
    )
    world[:, collar] = swing_to(world[:, _I["spine3"]], offsets[shoulder], points[:, shoulder] - points[:, collar])
    upper, lower = points[:, elbow] - points[:, shoulder], points[:, wrist] - points[:, elbow]
    start = _reference(world[:, collar], offsets[elbow], upper, "shoulder", side)
    hinge = Hinge(offsets[elbow], offsets[wrist], _BENDS[f"{side}_elbow"])
    world[:, shoulder] = hinged(hinge, start, upper, lower, fps, _TRUST_STRAIGHT["shoulder"])
    world[:, elbow] = swing_to(world[:, shoulder], offsets[wrist], lower)
    world[:, wrist] = world[:, elbow]
    if points.shape[1] > hand:
        world[:, wrist] = swing_to(world[:, elbow], offsets[hand], points[:, hand] - points[:, wrist])
    world[:, hand] = world[:, wrist]
