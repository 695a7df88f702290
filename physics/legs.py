"""Legs that take what moving the whole body leaves: `hold` standing feet still and level, `clear` the ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.easing import smoothstep
from motion.retarget import feet as feet_of
from motion.rotations import Array
from motion.smoothing import over, through
from physics.ground import Ground
from physics.soles import Soles
from physics.stances import BETWEEN, GIVE, HELD, IDLE, MENDED, TENSION, beyond, rate, to_its_stand
from physics.touch import Touch, bearing

_I = skeleton.INDEX
_SIDES = ("left", "right")
_ACROSS, _UP, _AHEAD = np.eye(3)
#: A foot that both parts bear is levelled when it is nearly level; steeper, or turning this fast, it rolls. Radians,
#: rad/s.
_FLAT, _ROLLS = np.radians(9.0), 0.35
#: And by less than this it may stay tilted.
_TILT = np.radians(1.0)
#: Smoothing of what feet are lifted over the ground by at 30 fps, and what lifting them costs where they stand and
#: where they are free.
_CLEARS, _STAYS, _GOES = 4.0, 0.3, 0.02
#: A foot that swings past one that stands, faster than this, clears the ground by so much: m/s and metres for an adult.
_SWINGS, _CLEARANCE = 0.6, 0.008
#: What is deeper stands on another floor; toes reach so far ahead of their joint. Metres for an adult.
_KNEE_DEEP, _TOES = 0.25, 0.06
#: Smoothing of what a knee is bent by: half of 4.5 Hz passes.
_KNEE = 2.0


def hold(clip: Clip, soles: Soles, ground: Ground, on: np.ndarray, idle: np.ndarray, size: float) -> Clip:
    """Standing feet levelled and held still, legs bent to them."""
    world, positions = clip.world()
    between = BETWEEN * rate(clip)
    world = world.copy()
    targets, planted = {}, {}
    for s, side in enumerate(_SIDES):
        ankle, toe = _I[f"{side}_ankle"], _I[f"{side}_foot"]
        heel_on, toe_on = on[:, 2 * s], on[:, 2 * s + 1]
        upright = _near_level(world[:, ankle])
        pitch = np.arcsin(np.clip(rot.rotate(world[:, ankle], _AHEAD)[:, 1], -1.0, 1.0))
        rolls = (np.abs(pitch) > _FLAT) | (np.abs(np.gradient(pitch)) * float(clip.fps) > _ROLLS)
        flat = ndimage.binary_erosion(heel_on & toe_on & upright & ~rolls)
        world[:, ankle] = _levelled(world[:, ankle], flat, between)
        world[:, toe] = _levelled(world[:, toe], toe_on & _near_level(world[:, toe]), between)
    level = replace(clip, rotations=kinematics.to_local(skeleton.PARENTS, world))
    touch, foot = Touch.of(level, soles, ground), bearing(on)
    for s, side in enumerate(_SIDES):
        height = touch.height[:, s]
        missing, firm = to_its_stand(height, touch.step[:, s], foot[:, s], size)
        # A foot that turns on the ground is not held, but stays on it.
        slack = idle & (height < touch.height.min(1) + GIVE * size) & (np.abs(height) < MENDED * size)
        missing[slack, 1] = -beyond(height[slack], GIVE * size)
        weight = HELD * np.stack([firm, np.maximum(firm, IDLE * slack), firm], -1)
        course = [through(missing[:, k], weight[:, k], between, 1e-2, TENSION) for k in range(3)]
        targets[side] = positions[:, _I[f"{side}_ankle"]] + np.stack(course, -1)
        planted[side] = foot[:, s]
    return _bent(clip, world, targets, planted)


def _near_level(foot: Array) -> np.ndarray:
    """``(T,)`` bool: feet within 35 degrees of level; others stand on their edge, and shall."""
    return np.asarray(rot.rotate(foot, _UP)[:, 1] > np.cos(np.radians(35.0)))


def _levelled(foot: Array, flat: np.ndarray, smooth: float) -> Array:
    """World rotations ``(T, 4)`` turned the shortest way so that the sole is level on some frames, eased between."""
    if not flat.any():
        return foot
    turn = rot.to_rotvec(rot.between(rot.rotate(foot, _UP), np.broadcast_to(_UP, (len(foot), 3))))
    angle = np.linalg.norm(turn, axis=-1, keepdims=True)
    turn = turn * (beyond(angle, _TILT) / np.maximum(angle, 1e-9))
    return rot.normalize(rot.multiply(rot.from_rotvec(through(turn, HELD * flat, smooth, 1e-2, TENSION)), foot))


def _bent(clip: Clip, world: Array, targets: dict[str, Array], planted: dict[str, np.ndarray]) -> Clip:
    """Legs bent so that ankles are at their targets; ``world`` holds how feet shall stand."""
    turned, root = feet_of.reach(world, clip.root_position, clip.rest_offsets, targets, planted, clip.fps)
    local = kinematics.to_local(skeleton.PARENTS, turned)
    for side in _SIDES:
        hip, knee, ankle, toe = (_I[f"{side}_{part}"] for part in ("hip", "knee", "ankle", "foot"))
        # Of a leg that is all but straight the knee turns ten times as far as its foot moves. Its own course is kept
        # even, and the leg aimed: what is left lies along the leg, and is millimetres.
        change = rot.to_rotvec(rot.multiply(rot.inverse(clip.rotations[:, knee]), local[:, knee]))
        even = through(change, np.ones(clip.frames), _KNEE * rate(clip))
        bent = rot.multiply(clip.rotations[:, knee], rot.from_rotvec(even))
        was = clip.rest_offsets[knee] + rot.rotate(local[:, knee], clip.rest_offsets[ankle])
        goes = clip.rest_offsets[knee] + rot.rotate(bent, clip.rest_offsets[ankle])
        aimed = rot.multiply(turned[:, hip], rot.between(goes, was))
        parent = turned[:, skeleton.PARENTS[hip]]
        local[:, hip] = rot.multiply(rot.inverse(parent), aimed)
        local[:, knee] = bent
        local[:, ankle] = rot.multiply(rot.inverse(rot.multiply(aimed, bent)), turned[:, ankle])
        local[:, toe] = rot.multiply(rot.inverse(turned[:, ankle]), turned[:, toe])
    return replace(clip, rotations=rot.continuous(rot.normalize(local)), root_position=root)


def clear(clip: Clip, soles: Soles, ground: Ground, on: np.ndarray, feet: np.ndarray, size: float) -> Clip:
    """Swinging feet lifted over the ground; where both feet are in it at once, the whole body."""
    clip = _toes_bent(clip, soles, ground, size)
    touch, foot = Touch.of(clip, soles, ground), bearing(on)
    deep = np.where(touch.height > -_KNEE_DEEP * size, np.maximum(-touch.height, 0.0), 0.0)
    swings = ~foot & foot[:, ::-1] & (np.abs(touch.height) < _KNEE_DEEP * size)
    speed = np.linalg.norm(np.concatenate([touch.step[:1], touch.step]), axis=-1) * float(clip.fps)
    free = swings * smoothstep(speed, 0.5 * _SWINGS * size, _SWINGS * size) * _CLEARANCE * size
    wanted = np.maximum(free - touch.height, 0.0) * (free > 0)
    if max(float(deep.max()), float(wanted.max())) < 5e-4:
        return clip
    smooth = _CLEARS * rate(clip)
    # Who lies or sits is not raised by the feet.
    both = over(deep.min(1) * feet, smooth, np.where(foot.any(1), _STAYS, _GOES))
    raised = replace(clip, root_position=clip.root_position + both[:, None] * _UP)
    world, positions = raised.world()
    targets, planted = {}, {}
    for s, side in enumerate(_SIDES):
        more = over(
            np.maximum(np.maximum(deep[:, s], wanted[:, s]) - both, 0.0), smooth, np.where(foot[:, s], _STAYS, _GOES)
        )
        targets[side] = positions[:, _I[f"{side}_ankle"]] + more[:, None] * _UP
        planted[side] = foot[:, s]
    return _bent(raised, world, targets, planted)


def _toes_bent(clip: Clip, soles: Soles, ground: Ground, size: float) -> Clip:
    """Toes that go through the floor bent up, where a heel is up already: feet roll over their balls."""
    points = ground.above(soles.points(clip))[..., 1]
    world = clip.world()[0]
    rotations = clip.rotations
    for s, side in enumerate(_SIDES):
        of = soles.side == s
        toes, rest = points[:, of & soles.toe], points[:, of & ~soles.toe]
        if not toes.shape[1] or not rest.shape[1]:
            continue
        depth = np.clip(-toes.min(1), 0.0, 0.04 * size)
        rolls = rot.rotate(world[:, _I[f"{side}_ankle"]], _AHEAD)[:, 1] < -np.sin(np.radians(8.0))
        turn = np.clip(depth / (_TOES * size), 0.0, np.radians(35.0)) * rolls
        if turn.max() < 1e-3:
            continue
        bend = over(turn, _CLEARS * rate(clip), _GOES)
        toe = _I[f"{side}_foot"]
        rotations = rotations.copy()
        rotations[:, toe] = rot.multiply(rotations[:, toe], rot.from_rotvec(-bend[:, None] * _ACROSS))
    return clip if rotations is clip.rotations else replace(clip, rotations=rot.continuous(rotations))
