"""Feet in retargeting: where the floor is, legs that reach their feet, soles that neither slide nor sink."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from motion import contacts, ik, skeleton
from motion import rotations as rot
from motion.easing import smoothstep
from motion.retarget.calibration import Calibration
from motion.retarget.frames import stance, standing_axes
from motion.retarget.source import TEMPLATE, TEMPLATE_LEG, Source
from motion.rotations import Array

_I = skeleton.INDEX
_SIDES = ("left", "right")
_ANKLE_RANGE = (0.03, 0.16)  # m for an adult: ankle joint above the floor, sole and mocap conventions included


@dataclass(frozen=True)
class Ground:
    """How heights of the source become heights of the target."""

    floor: float  # m, the source's floor in its own (metre) space
    ankle: float  # m, height of the source's ankle joints above that floor while its feet stand flat
    found: bool  # False: nothing stood; the file's own zero was taken


def find_ground(source: Source, calibration: Calibration, balls: dict[str, Array]) -> Ground:
    """Find floor and ankle height from feet that stand flat.

    A rest pose that stands on zero tells the ankle's height. Else the file's zero is the floor when it leaves a
    person's ankle height under the standing feet. Where no foot ever stands flat (crawling, lying) the file's zero is
    the floor.

    Args:
        source: the capture.
        calibration: its turns to SMPL frames; a foot is flat when SMPL's would be.
        balls: per side, the ball of the foot in the standing foot's frame (SMPL axes), metres.
    """
    size = source.size
    heights: list[float] = []
    for side in _SIDES:
        joint = int(source.map.limbs[_I[f"{side}_ankle"]])
        if joint < 0:
            continue
        sole = rot.multiply(source.rotation(joint), calibration.limbs[_I[f"{side}_ankle"]])
        ankle, toe = source.place(_I[f"{side}_ankle"]), source.point(_I[f"{side}_foot"])
        level = standing_level(ankle, toe, sole, float(balls[side][1]), source.take.fps, size)
        if level is not None:
            heights.append(level)
    standard = float(TEMPLATE[[0, 1, 4, 7], 1].sum()) * source.leg / TEMPLATE_LEG
    stood = _rest_ankle(source, size)
    if not heights:
        return Ground(0.0, standard if stood is None else stood, False)
    flat_height = min(heights)
    if stood is not None:
        return Ground(flat_height - stood, stood, True)
    if _ANKLE_RANGE[0] * size <= flat_height <= _ANKLE_RANGE[1] * size:
        return Ground(0.0, flat_height, True)
    return Ground(flat_height - standard, standard, True)


def standing_level(
    ankle: Array, toe: Array | None, sole: Array, ball: float, fps: Fraction, size: float
) -> float | None:
    """Height of an ankle while its foot stands flat, metres; None where it never does.

    Args:
        ankle: ``(T, 3)`` the joint, metres, Y up.
        toe: ``(T, 3)`` the ball of the foot, when known.
        sole: ``(T, 4)`` the foot's rotation in the world, identity where it stands facing +Z.
        ball: height of the ball against the ankle in the standing foot (negative), metres.
        fps: frames per second.
        size: the performer's size against an adult.
    """
    moving = contacts.speed(ankle, fps) / size
    flat = rot.rotate(sole, np.array([0.0, 1.0, 0.0]))[:, 1] > np.cos(np.radians(30.0))
    enough = min(len(flat), max(3, round(contacts.MIN_SECONDS * float(fps))))
    for slow in (contacts.SPEED_ON, contacts.SPEED_OFF):
        stands = flat & (moving < slow)
        if stands.sum() >= enough:
            height = _level(ankle[stands, 1], size)
            # On tiptoe the ankle is never low; the ball, and the foot's own slope, tell where it would be.
            return height if toe is None else min(height, _level(toe[stands, 1], size) - ball)
    return None


def _level(heights: Array, size: float) -> float:
    """The usual height of a foot on the lowest level where it stands, metres.

    The 5th percentile finds the lowest level, but also the bottom of the capture's noise; the median of what is within
    4 cm above it does not make the performer hover by that noise.
    """
    low = float(np.percentile(heights, contacts.FLOOR_PERCENTILE))
    return float(np.median(heights[(heights > low - 0.01 * size) & (heights < low + 0.04 * size)]))


def _rest_ankle(source: Source, size: float) -> float | None:
    """Ankle height of a rest pose that stands on its own zero; None where it does not."""
    points = {j: p for j in range(24) if (p := source.rest_point(j)) is not None}
    if not stance(points):
        return None
    up = rot.rotate(standing_axes(points), np.array([0.0, 1.0, 0.0]))
    ankle = float(np.mean([points[_I[f"{s}_ankle"]] @ up for s in _SIDES]))
    toes = [float(points[_I[f"{s}_foot"]] @ up) for s in _SIDES if _I[f"{s}_foot"] in points]
    on_zero = not toes or -0.01 * size < min(toes) < 0.06 * size
    return ankle if on_zero and _ANKLE_RANGE[0] * size <= ankle <= _ANKLE_RANGE[1] * size else None


def _upright(world: Array, root: Array, offsets: Array, target: Array, side: str) -> Array:
    """``(T,)`` 1 for a leg that stands, 0 for one that lies: soles of the lying stand on nothing."""
    line = root + rot.rotate(world[:, 0], offsets[_I[f"{side}_hip"]]) - target
    return smoothstep(line[:, 1] / np.maximum(np.linalg.norm(line, axis=-1), 1e-9), 0.15, 0.45)


def anchor(
    world: Array, root: Array, targets: dict[str, Array], offsets: Array, own: Array, scale: float
) -> dict[str, Array]:
    """Move ankle targets so that the part of the foot that carries weight keeps its place, not the ankle above it.

    A foot of other proportions than the source's rolls over another arc: held at the ankle, its ball would slide while
    the heel is up, its heel while the toes are. Flat feet, and feet like the source's, keep their targets.

    Args:
        world: ``(T, 24, 4)`` joint-to-world rotations.
        root: ``(T, 3)`` pelvis, metres.
        targets: per side, ``(T, 3)`` the source's ankles in the target's space.
        offsets: ``(24, 3)`` the target's T-pose.
        own: ``(24, 3)`` the source's T-pose in metres, before scaling.
        scale: target's legs over the source's.

    Returns:
        Ankle targets that hold the ball where heels are up, the heel where toes are.
    """
    moved, size = dict(targets), contacts.size_of(offsets)
    heels, soles = contacts.heel_offset(offsets), contacts.sole_heights(offsets)
    own_heels, own_soles = contacts.heel_offset(own), contacts.sole_heights(own)
    for s, side in enumerate(_SIDES):
        ankle, toe = _I[f"{side}_ankle"], _I[f"{side}_foot"]
        foot = world[:, ankle]
        ahead = rot.rotate(foot, np.array([0.0, 0.0, 1.0]))
        pitch = np.arcsin(np.clip(-ahead[:, 1], -1.0, 1.0))  # heel up: positive
        # The same foot, flat: turned back the shortest way to stand upright.
        up = rot.rotate(foot, np.array([0.0, 1.0, 0.0]))
        level = rot.multiply(rot.between(up, np.array([0.0, 1.0, 0.0])), foot)
        ball = offsets[toe] - (0.0, soles[s, 1], 0.0) - scale * (own[toe] - (0.0, own_soles[s, 1], 0.0))
        heel = heels[s] - scale * own_heels[s]
        stands = _upright(world, root, offsets, targets[side], side)
        heel_up = smoothstep(pitch, np.radians(-6.0), np.radians(6.0))[:, None]
        sole = offsets[toe] - (0.0, soles[s, 1], 0.0)
        for part, d, point in ((heel_up, ball, sole), (1.0 - heel_up, heel, heels[s])):
            rolled = rot.rotate(level, d) - rot.rotate(foot, d)
            # A foot in the air rolls over nothing: its ankle goes where the source's does.
            height = (targets[side] + rolled + rot.rotate(foot, point))[:, 1]
            near = stands * (1.0 - smoothstep(height, 0.03 * size, 0.12 * size))
            # Raising the ankle would bend a leg that pushes off straight: `lift_soles` pitches the foot first.
            rolled[:, 1] = np.minimum(rolled[:, 1], 0.0)
            moved[side] = moved[side] + part * near[:, None] * rolled
    return moved


def reach(
    world: Array, root: Array, offsets: Array, targets: dict[str, Array], planted: dict[str, np.ndarray], fps: Fraction
) -> tuple[Array, Array]:
    """Bend legs so that ankles are at their targets; lower the pelvis where planted feet are out of reach.

    Feet near the floor, and slow ones anywhere, are held; a foot that swings or kicks high keeps the source's pose,
    since there the line of the leg is what one sees.

    Args:
        world: ``(T, 24, 4)`` joint-to-world rotations; thighs and shins are turned.
        root: ``(T, 3)`` pelvis, metres.
        offsets: ``(24, 3)`` the target's T-pose, metres.
        targets: per side, ``(T, 3)`` where the ankle should be.
        planted: per side, ``(T,)`` bool, when the foot carries weight.
        fps: frames per second.

    Returns:
        New world rotations and pelvis.
    """
    from scipy import ndimage

    world = world.copy()
    width = max(3, round(0.2 * float(fps))) | 1
    drop = np.zeros(len(root))
    for side in _SIDES:
        hip = root + rot.rotate(world[:, 0], offsets[_I[f"{side}_hip"]])
        line = targets[side] - hip
        limit = 0.9995 * _leg(offsets, side)
        flat = np.minimum(np.linalg.norm(line[:, [0, 2]], axis=-1), limit)
        needed = np.where(line[:, 1] < 0, -line[:, 1] - np.sqrt(limit**2 - flat**2), 0.0)
        drop = np.maximum(drop, np.where(planted[side], needed, 0.0))
    drop = np.minimum(drop, 0.12 * _leg(offsets, "left"))
    if drop.max() > 1e-5:
        drop = ndimage.uniform_filter1d(ndimage.maximum_filter1d(drop, width), width)
        root = root - np.outer(drop, (0.0, 1.0, 0.0))
    held = _held(world, offsets, targets, fps, width)
    for side in _SIDES:
        i, j, k = (_I[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
        hip = root + rot.rotate(world[:, 0], offsets[i])
        knee = hip + rot.rotate(world[:, i], offsets[j])
        ankle = knee + rot.rotate(world[:, j], offsets[k])
        miss = np.linalg.norm(targets[side] - ankle, axis=-1)
        # Half a millimetre is what varying bone lengths of captures come to; a leg that is right so far stays as it is.
        share = (smoothstep(miss, 0.0005, 0.002) * held[side])[:, None]
        if not share.any():
            continue
        loose = 1.0 - ndimage.uniform_filter1d(planted[side].astype(np.float64), width)
        goal = ankle + share * (targets[side] - ankle)
        upper, lower = float(np.linalg.norm(offsets[j])), float(np.linalg.norm(offsets[k]))
        line = ankle - hip
        axis = line / np.maximum(np.linalg.norm(line, axis=-1, keepdims=True), 1e-9)
        bend = (knee - hip) - np.sum((knee - hip) * axis, axis=-1, keepdims=True) * axis
        # A straight leg has no bend to keep: the thigh's own front says which way its knee goes. A capture's knee may
        # be bent backward by a few degrees; a leg that has to bend further must not make that a bird's. One that is
        # not held, kicking high, keeps it.
        front = rot.rotate(world[:, i], np.array([0.0, 0.0, 1.0]))
        forward = np.sum(bend * front, axis=-1, keepdims=True)
        pole = bend + (share * (np.abs(forward) - forward) + 0.02 * (upper + lower)) * front
        new_knee, new_ankle = ik.two_bone(
            hip, goal, upper, lower, pole, 0.003 + 0.012 * loose, np.linalg.norm(line, axis=-1)
        )
        thigh = ik.swing_to(world[:, i], offsets[j], new_knee - hip)
        shin = ik.swing_to(world[:, j], offsets[k], new_ankle - new_knee)
        world[:, i] = np.where(share > 0, thigh, world[:, i])
        world[:, j] = np.where(share > 0, shin, world[:, j])
    return world, root


def _held(world: Array, offsets: Array, targets: dict[str, Array], fps: Fraction, width: int) -> dict[str, Array]:
    """Per side ``(T,)`` how much a foot is held at its place: 1 near the floor or nearly still, 0 in high swings."""
    from scipy import ndimage

    size, heels, soles = contacts.size_of(offsets), contacts.heel_offset(offsets), contacts.sole_heights(offsets)
    held = {}
    for s, side in enumerate(_SIDES):
        ankle = world[:, _I[f"{side}_ankle"]]
        ball = offsets[_I[f"{side}_foot"]] - np.array([0.0, soles[s, 1], 0.0])
        parts = [targets[side][:, 1] + rot.rotate(ankle, v)[:, 1] for v in (heels[s], ball)]
        near = 1.0 - smoothstep(np.minimum(*parts), 0.05 * size, 0.20 * size)
        still = 1.0 - smoothstep(contacts.speed(targets[side], fps) / size, contacts.SPEED_ON, 0.5)
        # Held a little before it lands and after it leaves, so that the change of hands is never seen.
        early = ndimage.maximum_filter1d(np.maximum(near, still), width)
        held[side] = ndimage.uniform_filter1d(early, width)
    return held


def _leg(offsets: Array, side: str) -> float:
    return float(np.linalg.norm(offsets[_I[f"{side}_knee"]]) + np.linalg.norm(offsets[_I[f"{side}_ankle"]]))


def bend_toes(world: Array, targets: dict[str, Array], offsets: Array, sides: tuple[str, ...], fps: Fraction) -> Array:
    """Bend toes that the source lacks: level with the floor while the ball is on it and the heel is up.

    Args:
        world: ``(T, 24, 4)`` joint-to-world rotations.
        targets: per side, ``(T, 3)`` where the ankle will be, metres, floor at y = 0.
        offsets: ``(24, 3)`` the target's T-pose.
        sides: which feet.
        fps: frames per second.

    Returns:
        World rotations with new toes. Toes bend up to 60 degrees, as people's do.
    """
    from scipy import ndimage

    world = world.copy()
    width = max(3, round(0.12 * float(fps))) | 1
    soles = contacts.sole_heights(offsets)
    for s, side in enumerate(_SIDES):
        if side not in sides:
            continue
        ankle, toe = _I[f"{side}_ankle"], _I[f"{side}_foot"]
        ahead = rot.rotate(world[:, ankle], np.array([0.0, 0.0, 1.0]))
        pitch = np.arcsin(np.clip(-ahead[:, 1], -1.0, 1.0))  # heel up: positive
        clear = targets[side][:, 1] + rot.rotate(world[:, ankle], offsets[toe])[:, 1] - soles[s, 1]
        down = 1.0 - smoothstep(clear, 0.02, 0.06)
        # A foot leaves the floor within a frame or two; its toes take their time, and get ready before it lands.
        down = ndimage.uniform_filter1d(ndimage.maximum_filter1d(down, width), width)
        angle = np.clip(pitch, 0.0, np.radians(60.0)) * down
        world[:, toe] = rot.multiply(world[:, ankle], rot.from_axis("X", -angle))
    return world


#: Soles may press this far into the floor before anything is done: shoes and flesh give, captures are noisy. Metres.
GIVE = 0.005


def lift_soles(
    world: Array, root: Array, offsets: Array, targets: dict[str, Array], fps: Fraction
) -> tuple[Array, Array, dict[str, Array]]:
    """Keep soles out of the floor: the foot pitches up to 12 degrees, then the ankle rises, then toes bend up.

    Where both feet would sink, the whole body rises instead of both knees bending.

    Args:
        world: ``(T, 24, 4)`` joint-to-world rotations.
        root: ``(T, 3)`` pelvis, metres.
        offsets: ``(24, 3)`` the target's T-pose.
        targets: per side, ``(T, 3)`` ankle targets above a floor at y = 0.
        fps: frames per second.

    Returns:
        New world rotations, pelvis and ankle targets.
    """
    world, raised = world.copy(), dict(targets)
    size = contacts.size_of(offsets)
    give = GIVE * size
    heels, soles = contacts.heel_offset(offsets), contacts.sole_heights(offsets)
    depths, meants, balls = [], [], []
    for s, side in enumerate(_SIDES):
        ankle, toe = _I[f"{side}_ankle"], _I[f"{side}_foot"]
        ball = offsets[toe] - np.array([0.0, soles[s, 1], 0.0])
        length = float(np.hypot(ball[1], ball[2]))
        low = raised[side][:, 1] + rot.rotate(world[:, ankle], ball)[:, 1] + give
        deepest = low - np.maximum(
            rot.rotate(world[:, ankle], ball)[:, 1] - rot.rotate(world[:, ankle], heels[s])[:, 1], 0.0
        )
        # A foot knee-deep below the floor does not sink: it stands on another one, or the frame is a calibration pose.
        meant = 1.0 - smoothstep(-deepest, 0.25 * size, 0.45 * size)
        meant *= _upright(world, root, offsets, raised[side], side)
        across = rot.rotate(world[:, ankle], np.array([1.0, 0.0, 0.0]))
        pitch = meant * np.clip(-low / max(length, 1e-6), 0.0, np.radians(12.0))
        if pitch.any():
            turn = rot.from_rotvec(-pitch[:, None] * across)
            world[:, ankle] = rot.normalize(rot.multiply(turn, world[:, ankle]))
            world[:, toe] = rot.normalize(rot.multiply(turn, world[:, toe]))
        parts = [rot.rotate(world[:, ankle], v)[:, 1] for v in (ball, heels[s])]
        depths.append(meant * np.maximum(-(raised[side][:, 1] + np.minimum(*parts)) - give, 0.0))
        meants.append(meant)
        balls.append(ball)
    if fps >= 50:
        # A capture that jumps for a frame must not kick a knee: what no neighbour shares is not lifted.
        from scipy import ndimage

        width = round(0.025 * float(fps)) * 2 + 1
        depths = [np.minimum(d, ndimage.median_filter(d, width, mode="nearest") + give) for d in depths]
    root = root + np.outer(np.minimum(*depths), (0.0, 1.0, 0.0))
    for s, side in enumerate(_SIDES):
        ankle, toe, ball = _I[f"{side}_ankle"], _I[f"{side}_foot"], balls[s]
        raised[side] = raised[side] + np.outer(depths[s], (0.0, 1.0, 0.0))
        # The tip of the toes, in front of the ball by half of the foot's length before it.
        tip = np.array([0.0, 0.0, 0.5 * ball[2]])
        base = raised[side][:, 1] + rot.rotate(world[:, ankle], ball)[:, 1]
        under = -(base + rot.rotate(world[:, toe], tip)[:, 1]) - give
        angle = meants[s] * np.clip(under / max(0.5 * ball[2], 1e-6), 0.0, np.radians(60.0))
        if angle.any():
            across = rot.rotate(world[:, toe], np.array([1.0, 0.0, 0.0]))
            world[:, toe] = rot.normalize(rot.multiply(rot.from_rotvec(-angle[:, None] * across), world[:, toe]))
    return world, root, raised
