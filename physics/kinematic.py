"""The kinematic pass: `plant` puts a performance on its ground and holds its feet where they stand.

First the whole body is carried, since what is wrong with a floating or sliding performance is wrong with all of it: up
or down so that its lowest sole rests on the ground, and over the floor by the steps that its standing feet take. The
rest is left to the legs, by inverse kinematics: standing feet are levelled, held, and eased in and out as smoothly as
three derivatives allow; swinging feet are lifted over the ground. Nothing here knows forces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import ndimage

from motion import contacts, footing, kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.easing import smoothstep
from motion.errors import unknown
from motion.retarget import feet as legs
from motion.rotations import Array
from motion.smoothing import over, through
from physics import metrics, plants
from physics.ballistic import fall
from physics.flips import unflipped
from physics.ground import Ground
from physics.level import levelled, tilt
from physics.series import runs
from physics.soles import Soles
from physics.touch import Touch, bearing

#: How feet are treated, by the names that users of video capture know: as found, whenever they are lowest, heights
#: alone, or not at all.
MODES = ("auto", "always", "grounding", "never")

_I = skeleton.INDEX
_SIDES = ("left", "right")
_ACROSS, _UP, _AHEAD = np.eye(3)
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
_HEIGHT, _BETWEEN = 100.0, 30.0
#: What a frame on which some foot touches the ground, and none stands, counts for against one that stands.
_IDLE = 0.03
#: Between two stances, and beyond the last, a body stays at the height that it was moved to.
_TENSION, _LEGS_TENSION = 0.02, 4.0
#: Parts of a foot that move faster than this over the floor are rolling off: the slower ones tell what slides. m/s.
_SLOW = 0.05
#: Smoothing of what feet are lifted over the ground by at 30 fps, and what lifting them costs where they stand and
#: where they are free.
_CLEARS, _STAYS, _GOES = 4.0, 0.3, 0.02
#: A foot that swings past one that stands, faster than this, clears the ground by so much: m/s and metres for an adult.
_SWINGS, _CLEARANCE = 0.6, 0.008
#: What is deeper stands on another floor; toes reach so far ahead of their joint. Metres for an adult.
_KNEE_DEEP, _TOES = 0.25, 0.06
#: Smoothing of what a knee is bent by: half of 4.5 Hz passes.
_KNEE = 2.0
#: What standing still counts for against all smoothness.
_HELD = 1e4
#: What carrying a body over the floor costs a frame, about its even drift: errors come back within half a second.
_HOME, _EVEN = 5e-3, 5.0
#: Feet that slide slower than this do not drift, m/s for an adult.
_DRIFTS = 0.05
#: Frames over which slips are alike by chance: they count as one when it is asked whether they drift.
_RUN = 5


@dataclass(frozen=True)
class Planted:
    """What the kinematic pass made."""

    clip: Clip
    track: ContactTrack  # the plants that were held
    lifted_m: Array  # (T,) how far the whole body was moved up
    carried_m: Array  # (T, 2) and over the floor, x and z
    notes: tuple[str, ...]  # what was mended before feet were looked at


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
    if mode == "never" or clip.frames < 4:
        return Planted(clip, track or plants.find(clip, ground), np.zeros(clip.frames), np.zeros((clip.frames, 2)), ())
    given, notes = track, []
    clip, snaps = unflipped(clip)
    if snaps:
        notes.append(f"{snaps} joint{'s' * (snaps > 1)} that snapped away and back bridged")
    track = given or plants.find(clip, ground)
    feet = ~plants.carried_otherwise(clip, ground)
    if ground.cast is None:
        slope = tilt(clip, Touch.of(clip, soles, ground), track.on & feet[:, None])
        if slope.any():
            notes.append(f"turned upright by {np.degrees(np.arctan(np.linalg.norm(slope))):.1f} degrees")
            clip = levelled(clip, slope)
            track, feet = given or plants.find(clip, ground), ~plants.carried_otherwise(clip, ground)
    if mode == "always":
        track = _whenever_lowest(clip, ground, track, size)
    scene = _Scene(clip, soles, ground, feet, size)
    body, lifted, carried = scene.placed(track.on, mode)
    if given is None and mode != "grounding":
        # A body that keeps its place shows better which of its feet do.
        track = ContactTrack(track.labels, track.on | plants.find(body, ground).on)
        body, lifted, carried = scene.placed(track.on, mode)
    on = track.on & feet[:, None]
    if mode != "grounding":
        body = _hold(body, soles, ground, on, scene.idle(on), size)
    made = _clear(body, soles, ground, on, feet, size)
    return Planted(replace(made, contacts=track), track, lifted, carried, tuple(notes))


@dataclass(frozen=True, eq=False)
class _Scene:
    """A performance whose body is to be placed, with what is measured of it once."""

    clip: Clip
    soles: Soles
    ground: Ground
    feet: np.ndarray  # (T,) bool: feet carry it, as far as anything does
    size: float

    @cached_property
    def touch(self) -> Touch:
        return Touch.of(self.clip, self.soles, self.ground)

    @cached_property
    def com(self) -> Array:
        return metrics.centre_of_mass(self.clip)

    @cached_property
    def flying(self) -> np.ndarray:
        """``(T,)`` bool: flight over the level on which its feet rest, be it the ground or not."""
        points = self.soles.points(self.clip)
        level = self.ground.heights(points) + plants.level(self.clip, self.ground, self.size)[:, None]
        return metrics.flight(points, self.com, self.clip.fps, level)

    def idle(self, on: np.ndarray) -> np.ndarray:
        """``(T,)`` bool: some foot has to be on the ground though none is found to stand: it turns or slides."""
        return np.asarray(self.feet & ~on.any(1) & ~self.flying)

    def placed(self, on: np.ndarray, mode: str) -> tuple[Clip, Array, Array]:
        """The clip with its body moved up or down, ``(T,)`` metres, and over the floor, ``(T, 2)``."""
        clip, on = self.clip, on & self.feet[:, None]
        lifted = _lift(clip, self.touch, on, self.idle(on), self.size)
        lifted = lifted + fall(self.com[:, 1] + lifted, self.flying, float(clip.fps), self.size)
        carried = np.zeros((clip.frames, 2)) if mode == "grounding" else _carry(clip, self.touch, on, self.size)
        return _moved(clip, np.stack([carried[:, 0], lifted, carried[:, 1]], -1)), lifted, carried


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


def _lift(clip: Clip, touch: Touch, on: np.ndarray, idle: np.ndarray, size: float) -> Array:
    """``(T,)`` metres to move the body up so that what stands lowest rests on the ground."""
    standing = np.where(bearing(on), touch.height, np.inf).min(1)
    usual, firm = _usual(standing, np.asarray(on.any(1)), size)
    meant = firm * (np.abs(usual) < _MENDED * size)
    lowest = touch.height.min(1)
    slack = idle & (np.abs(lowest) < _MENDED * size)
    off = -_beyond(np.where(meant > 0, standing, np.where(slack, lowest, 0.0)), _GIVE * size)
    return through(off, np.maximum(meant, _IDLE * slack), _HEIGHT * _rate(clip), tension=_TENSION)


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


def _carry(clip: Clip, touch: Touch, on: np.ndarray, size: float) -> Array:
    """``(T, 2)`` metres to move the body over the floor by the steps that standing feet take."""
    foot = bearing(on)
    bears = (foot[1:] & foot[:-1]) / (1.0 + (np.linalg.norm(touch.step, axis=-1) * float(clip.fps) / _SLOW) ** 2)
    for s in range(2):
        firm = _usual(np.where(foot[:, s], touch.height[:, s], np.inf), foot[:, s], size)[1]
        bears[:, s] *= np.minimum(firm[1:], firm[:-1])
    # A clip begins where it was put, and drifts evenly from there; what else moves it does so about where it should be.
    drift = -_drift(touch.step, bears, _DRIFTS * size / float(clip.fps))
    even = np.arange(clip.frames)[:, None] * drift
    way = np.concatenate([np.zeros((1, 2, 2)), np.cumsum(touch.step + drift, axis=0)])
    return even + footing.carry(way, bears, np.full(clip.frames, _HOME), _EVEN * _rate(clip))


def _drift(step: Array, bears: Array, least: float) -> Array:
    """``(2,)`` metres a frame by which standing feet slide all the time; 0 where they rather tremble.

    Args:
        step: ``(T − 1, K, 2)`` of each foot, metres.
        bears: ``(T − 1, K)`` how much weight each has.
        least: metres a frame; less than this comes of legs that are not the captured ones.
    """
    share = bears.sum(1)
    slip = ((step * bears[..., None]).sum(1) / np.maximum(share, 1e-9)[:, None])[share > 0]
    if len(slip) < 6:
        return np.zeros(2)
    usual = np.median(slip, axis=0)
    spread = np.median(np.abs(slip - usual), axis=0) / np.sqrt(len(slip) / _RUN)
    sure = np.linalg.norm(usual) > max(3.0 * float(np.linalg.norm(spread)), least)
    return usual if sure else np.zeros(2)


# ---- legs


def _hold(clip: Clip, soles: Soles, ground: Ground, on: np.ndarray, idle: np.ndarray, size: float) -> Clip:
    """Standing feet levelled and held still, legs bent to them."""
    world, positions = clip.world()
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
    level = replace(clip, rotations=kinematics.to_local(skeleton.PARENTS, world))
    touch, foot = Touch.of(level, soles, ground), bearing(on)
    for s, side in enumerate(_SIDES):
        height = touch.height[:, s]
        missing, firm = _to_its_stand(height, touch.step[:, s], foot[:, s], size)
        # A foot that turns on the ground is not held, but stays on it.
        slack = idle & (height < touch.height.min(1) + _GIVE * size) & (np.abs(height) < _MENDED * size)
        missing[slack, 1] = -_beyond(height[slack], _GIVE * size)
        weight = _HELD * np.stack([firm, np.maximum(firm, _IDLE * slack), firm], -1)
        course = [through(missing[:, k], weight[:, k], between, 1e-2, _LEGS_TENSION) for k in range(3)]
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
    turn = turn * (_beyond(angle, _TILT) / np.maximum(angle, 1e-9))
    return rot.normalize(rot.multiply(rot.from_rotvec(through(turn, _HELD * flat, smooth, 1e-2, _LEGS_TENSION)), foot))


def _to_its_stand(height: Array, step: Array, on: np.ndarray, size: float) -> tuple[Array, Array]:
    """What to add to a foot ``(T, 3)`` so that what carries weight stays put, on the ground; and how surely ``(T,)``.

    Args:
        height: ``(T,)`` of its lowest point over the ground, metres.
        step: ``(T − 1, 2)`` by which it slides, metres.
        on: ``(T,)`` when it stands.
        size: of the performer against an adult.
    """
    missing = np.zeros((len(height), 3))
    usual, firm = _usual(np.where(on, height, np.inf), on, size)
    for a, b in runs(on):
        here = -np.concatenate([np.zeros((1, 2)), np.cumsum(step[a : b - 1], axis=0)])
        surely = firm[a:b, None] + 1e-6
        missing[a:b, [0, 2]] = here - (here * surely).sum(0) / surely.sum()
        # What stands on a thing that is not there stays at its height, and still.
        stays = 0.0 if abs(usual[a]) < _MENDED * size else usual[a]
        missing[a:b, 1] = -_beyond(height[a:b] - stays, _GIVE * size)
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
    clip = _toes_bent(clip, soles, ground, size)
    touch, foot = Touch.of(clip, soles, ground), bearing(on)
    deep = np.where(touch.height > -_KNEE_DEEP * size, np.maximum(-touch.height, 0.0), 0.0)
    swings = ~foot & foot[:, ::-1] & (np.abs(touch.height) < _KNEE_DEEP * size)
    speed = np.linalg.norm(np.concatenate([touch.step[:1], touch.step]), axis=-1) * float(clip.fps)
    free = swings * smoothstep(speed, 0.5 * _SWINGS * size, _SWINGS * size) * _CLEARANCE * size
    wanted = np.maximum(free - touch.height, 0.0) * (free > 0)
    if max(float(deep.max()), float(wanted.max())) < 5e-4:
        return clip
    smooth = _CLEARS * _rate(clip)
    # Who lies or sits is not raised by the feet.
    both = over(deep.min(1) * feet, smooth, np.where(foot.any(1), _STAYS, _GOES))
    raised = _moved(clip, both[:, None] * _UP)
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
        bend = over(turn, _CLEARS * _rate(clip), _GOES)
        toe = _I[f"{side}_foot"]
        rotations = rotations.copy()
        rotations[:, toe] = rot.multiply(rotations[:, toe], rot.from_rotvec(-bend[:, None] * _ACROSS))
    return clip if rotations is clip.rotations else replace(clip, rotations=rot.continuous(rotations))
