"""The kinematic pass: `plant` puts a performance on its ground and holds its feet where they stand.

First the whole body is carried, since what is wrong with a floating or sliding performance is wrong with all of it: up
or down so that its lowest sole rests on the ground, and over the floor by the steps that its standing feet take. The
rest is left to the legs, by inverse kinematics: standing feet are levelled, held, and eased in and out as smoothly as
three derivatives allow; swinging feet are lifted over the ground. Nothing here knows forces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from motion import contacts, footing, kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.easing import smoothstep
from motion.errors import unknown
from motion.retarget import feet as legs
from motion.rotations import Array
from motion.smoothing import through
from physics import plants
from physics.ground import Ground
from physics.series import runs
from physics.soles import Soles

#: How feet are treated, by the names that users of video capture know: as found, whenever they are lowest, heights
#: alone, or not at all.
MODES = ("auto", "always", "grounding", "never")

_I = skeleton.INDEX
_SIDES = ("left", "right")
_UP, _AHEAD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
#: Soles may be so far off the ground before anything is done, metres for an adult: shoes and flesh give.
_GIVE = 0.003
#: A foot that both parts bear is levelled when it is nearly level; steeper, or turning this fast, it rolls. Radians,
#: rad/s.
_FLAT, _ROLLS = np.radians(9.0), 0.35
#: And by less than this it may stay tilted.
_TILT = np.radians(1.0)
#: A sole that rests higher or deeper than this stands on something that is not there; metres for an adult.
_MENDED = 0.12
#: Smoothing of corrections at 30 fps (see `through`): half of 3.5 Hz passes through the body's height; what feet are
#: bent by between two stances is smoother.
_HEIGHT, _BETWEEN = 8.0, 30.0
#: Between two stances, and beyond the last, a body stays at the height that it was moved to.
_TENSION, _LEGS_TENSION = 0.02, 4.0
#: Parts of a foot that move faster than this over the floor are rolling off: the slower ones tell what slides. m/s.
_SLOW = 0.05
#: Feet are lifted over the ground in about twice this time, seconds.
_CLEARS_S = 0.06
#: Smoothing of what a knee is bent by: half of 4.5 Hz passes.
_KNEE = 2.0
#: What standing still counts for against all smoothness.
_HELD = 1e4
#: What carrying a body over the floor costs a frame, about its even drift: errors come back within half a second.
_HOME, _EVEN = 5e-3, 5.0
#: Frames over which slips are alike by chance: they count as one when it is asked whether they drift.
_RUN = 5


@dataclass(frozen=True)
class Planted:
    """What the kinematic pass made."""

    clip: Clip
    track: ContactTrack  # the plants that were held
    lifted_m: Array  # (T,) how far the whole body was moved up
    carried_m: Array  # (T, 2) and over the floor, x and z


def plant(
    clip: Clip, soles: Soles, ground: Ground | None = None, mode: str = "auto", track: ContactTrack | None = None
) -> Planted:
    """Put a performance on its ground and hold its feet where they stand.

    Args:
        clip: the performance.
        soles: of the body that performs it.
        ground: what it stands on; None: a level floor.
        mode: one of `MODES`.
        track: plants of heels and toes that somebody set, in the order of `motion.contacts.LABELS`; None: found.

    Raises:
        BadInput: an unknown mode, or soles of another skeleton.
    """
    if mode not in MODES:
        raise unknown("foot mode", mode, MODES)
    ground = ground or Ground()
    size = contacts.size_of(clip.rest_offsets)
    if track is None:
        track = plants.find(clip, ground)
    feet = ~plants.carried_otherwise(clip, ground)
    if mode == "never" or clip.frames < 4:
        return Planted(clip, track, np.zeros(clip.frames), np.zeros((clip.frames, 2)))
    if mode == "always":
        track = _whenever_lowest(clip, ground, track, size)
    on = track.on & feet[:, None]
    lifted = _lift(clip, ground, on, size)
    clip = _moved(clip, lifted[:, None] * _UP)
    carried = np.zeros((clip.frames, 2))
    if mode != "grounding":
        carried = _carry(clip, ground, on, size)
        clip = _moved(clip, np.stack([carried[:, 0], np.zeros(clip.frames), carried[:, 1]], -1))
        clip = _hold(clip, ground, on, size)
    clip = _clear(clip, soles, ground, on, feet, size)
    return Planted(replace(clip, contacts=track), track, lifted, carried)


def _beyond(values: Array, tolerance: float) -> Array:
    """What values have beyond a tolerance on either side of zero."""
    return np.asarray(np.sign(values) * np.maximum(np.abs(values) - tolerance, 0.0))


def _moved(clip: Clip, by: Array) -> Clip:
    return replace(clip, root_position=clip.root_position + by)


def _rate(clip: Clip) -> float:
    """What third differences in frames are worth against those at 30 fps."""
    return (float(clip.fps) / 30.0) ** 6


def _whenever_lowest(clip: Clip, ground: Ground, track: ContactTrack, size: float) -> ContactTrack:
    """Plants also where the lowest foot merely stays low: people who want no sliding at all."""
    height = ground.above(contacts.foot_points(clip))[..., 1]
    low = height - height.min(1, keepdims=True) < 0.015 * size
    return ContactTrack(track.labels, track.on | (low & (height.min(1) < 0.04 * size)[:, None]))


# ---- the whole body


def _lift(clip: Clip, ground: Ground, on: np.ndarray, size: float) -> Array:
    """``(T,)`` metres to move the body up so that what stands lowest rests on the ground."""
    height = ground.above(contacts.foot_points(clip))[..., 1]
    standing = np.where(on, height, np.inf).min(1)
    usual, firm = _usual(standing, np.asarray(on.any(1)), size)
    meant = firm * (np.abs(usual) < _MENDED * size)
    off = np.where(meant > 0, -_beyond(standing, _GIVE * size), 0.0)
    return through(off, meant, _HEIGHT * _rate(clip), tension=_TENSION)


def _usual(standing: Array, on: np.ndarray, size: float) -> tuple[Array, Array]:
    """Of each stance the median height ``(T,)``, and how surely a frame of it stands ``(T,)``.

    Landing and leaving, a part that is still or already up does not stand: it must be neither pulled down nor followed.
    """
    usual, firm = np.zeros(len(standing)), np.zeros(len(standing))
    for a, b in runs(on):
        usual[a:b] = np.median(standing[a:b])
        up = standing[a:b] - usual[a:b]
        firm[a:b] = np.maximum(1.0 - 2.0 * smoothstep(up, 0.004 * size, 0.016 * size), 0.0)
    return usual, firm


def _carry(clip: Clip, ground: Ground, on: np.ndarray, size: float) -> Array:
    """``(T, 2)`` metres to move the body over the floor by the steps that standing feet take."""
    points = contacts.foot_points(clip)
    height = ground.above(points)[..., 1]
    both = on[1:] & on[:-1]
    step = np.diff(points[..., [0, 2]], axis=0)
    bears = both / (1.0 + (np.linalg.norm(step, axis=-1) * float(clip.fps) / _SLOW) ** 2)
    for s in range(2):
        part = slice(2 * s, 2 * s + 2)
        standing = np.where(on[:, part], height[:, part], np.inf).min(1)
        firm = _usual(standing, np.asarray(on[:, part].any(1)), size)[1]
        bears[:, part] *= np.minimum(firm[1:], firm[:-1])[:, None]
    # A clip begins where it was put, and drifts evenly from there; what else moves it does so about where it should be.
    drift = -_drift(step, bears)
    even = np.arange(clip.frames)[:, None] * drift
    level = points[..., [0, 2]] + even[:, None]
    return even + footing.carry(level, bears, np.full(clip.frames, _HOME), _EVEN * _rate(clip))


def _drift(step: Array, bears: Array) -> Array:
    """``(2,)`` metres a frame by which standing feet slide all the time; 0 where they rather tremble.

    Args:
        step: ``(T − 1, K, 2)`` of each part of the feet, metres.
        bears: ``(T − 1, K)`` how much weight each has.
    """
    share = bears.sum(1)
    slip = ((step * bears[..., None]).sum(1) / np.maximum(share, 1e-9)[:, None])[share > 0]
    if len(slip) < 6:
        return np.zeros(2)
    usual = np.median(slip, axis=0)
    spread = np.median(np.abs(slip - usual), axis=0) / np.sqrt(len(slip) / _RUN)
    return np.where(np.abs(usual) > 3.0 * spread, usual, 0.0)


# ---- legs


def _hold(clip: Clip, ground: Ground, on: np.ndarray, size: float) -> Clip:
    """Standing feet levelled and held still, legs bent to them."""
    world, positions = clip.world()
    heels, heights = contacts.heel_offset(clip.rest_offsets), contacts.sole_heights(clip.rest_offsets)
    between = _BETWEEN * _rate(clip)
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
        ball = clip.rest_offsets[toe] - heights[s, 1] * _UP
        points = np.stack([rot.rotate(world[:, ankle], v) for v in (heels[s], ball)], 1) + positions[:, ankle, None]
        missing, firm = _to_its_stand(points, on[:, 2 * s : 2 * s + 2], ground, size)
        stands = heel_on | toe_on
        targets[side] = positions[:, ankle] + through(missing, _HELD * firm, between, 1e-2, _LEGS_TENSION)
        planted[side] = stands
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
    turn = turn * (_beyond(angle, _TILT) / np.maximum(angle, 1e-9))
    return rot.normalize(rot.multiply(rot.from_rotvec(through(turn, _HELD * flat, smooth, 1e-2, _LEGS_TENSION)), foot))


def _to_its_stand(points: Array, on: np.ndarray, ground: Ground, size: float) -> tuple[Array, Array]:
    """What to add to a foot ``(T, 3)`` so that what carries weight stays put, on the ground; and how surely ``(T,)``.

    Args:
        points: ``(T, 2, 3)`` heel and ball.
        on: ``(T, 2)``.
        ground: under them.
        size: of the performer against an adult.
    """
    missing = np.zeros((len(points), 3))
    height = ground.above(points)[..., 1]
    standing = np.where(on, height, np.inf).min(1)
    usual, firm = _usual(standing, np.asarray(on.any(1)), size)
    for a, b in runs(np.asarray(on.any(1))):
        here = np.zeros((b - a, 2))
        for t in range(a + 1, b):
            both = on[t] & on[t - 1]
            part = int(np.where(both if both.any() else on[t], height[t], np.inf).argmin())
            here[t - a] = here[t - a - 1] - (points[t, part] - points[t - 1, part])[[0, 2]]
        surely = firm[a:b, None] + 1e-6
        missing[a:b, [0, 2]] = here - (here * surely).sum(0) / surely.sum()
        # What stands on a thing that is not there stays at its height, and still.
        stays = 0.0 if abs(usual[a]) < _MENDED * size else usual[a]
        missing[a:b, 1] = -_beyond(standing[a:b] - stays, _GIVE * size)
    return missing, firm


def _bent(clip: Clip, world: Array, targets: dict[str, Array], planted: dict[str, np.ndarray]) -> Clip:
    """Legs bent so that ankles are at their targets; ``world`` holds how feet shall stand."""
    turned, root = legs.reach(world, clip.root_position, clip.rest_offsets, targets, planted, clip.fps)
    local = kinematics.to_local(skeleton.PARENTS, turned)
    for side in _SIDES:
        hip, knee, ankle, toe = (_I[f"{side}_{part}"] for part in ("hip", "knee", "ankle", "foot"))
        # Of a leg that is all but straight the knee turns ten times as far as its foot moves. Its own course is kept
        # even, and the leg aimed: what is left lies along the leg, and is millimetres.
        change = rot.to_rotvec(rot.multiply(rot.inverse(clip.rotations[:, knee]), local[:, knee]))
        even = through(change, np.ones(clip.frames), _KNEE * _rate(clip))
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


def _clear(clip: Clip, soles: Soles, ground: Ground, on: np.ndarray, feet: np.ndarray, size: float) -> Clip:
    """Swinging feet lifted over the ground; where both feet are in it at once, the whole body."""
    points = ground.above(soles.points(clip))[..., 1]
    sigma = _CLEARS_S * float(clip.fps)
    depths = []
    for s in range(2):
        deep = np.maximum(-points[:, soles.side == s].min(1), 0.0)
        depths.append(np.where(deep > 0.25 * size, 0.0, deep))  # knee-deep is on another floor
    if max(float(d.max()) for d in depths) < 5e-4:
        return clip

    def eased(depth: Array) -> Array:
        widest = ndimage.maximum_filter1d(depth, round(4 * sigma) | 1)
        return np.asarray(ndimage.gaussian_filter1d(widest, sigma, mode="nearest"))

    both = eased(np.minimum(*depths) * feet)  # who lies or sits is not raised by the feet
    raised = _moved(clip, both[:, None] * _UP)
    world, positions = raised.world()
    targets, planted = {}, {}
    for s, side in enumerate(_SIDES):
        more = eased(np.maximum(depths[s] - both, 0.0))
        targets[side] = positions[:, _I[f"{side}_ankle"]] + more[:, None] * _UP
        planted[side] = np.asarray(on[:, 2 * s : 2 * s + 2].any(1))
    return _bent(raised, world, targets, planted)
