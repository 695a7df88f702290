"""The kinematic pass: `plant` puts a performance on its ground and holds its feet and hands where they stand.

First what is wrong with all of a body is mended, since a floating, leaning or sliding performance is wrong as a whole:
joints that snapped away are bridged, a lean is turned upright, the body is moved up or down so that its lowest sole
rests on the ground, and over the floor by the steps that its standing feet take; flights fall. The rest is left to the
limbs, by inverse kinematics: standing feet are levelled, held, and eased in and out as smoothly as three derivatives
allow, hands that lean on the ground are held, swinging feet are lifted over it. Nothing here knows forces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.ndimage import maximum_filter1d

from motion import contacts
from motion.clip import Clip, ContactTrack
from motion.errors import unknown
from motion.rotations import Array
from physics import arms, legs, placing, plants
from physics.ballistic import fall
from physics.flight import flight
from physics.flips import unflipped
from physics.ground import Ground
from physics.level import levelled, tilt
from physics.posed import Posed
from physics.series import runs
from physics.soles import Soles
from physics.touch import Touch, bearing

#: How feet are treated, by the names that users of video capture know: as found, whenever they are lowest, heights
#: alone, or not at all.
MODES = ("auto", "always", "grounding", "never")

#: A foot that slides slower than this share of how fast the body travels carries it, for at least so long; who travels
#: slower than this, m/s for an adult, may turn or shuffle. It is looked for where this share of the way has no stance.
_SLIPS, _PASSES_S, _TRAVELS, _MOSTLY, _SWINGS = 0.25, 0.06, 0.6, 0.6, 2.0
#: Frames so near to a stance of the same foot belong to it, seconds.
_BESIDE_S = 0.07
#: Whose feet do not carry for this share of a clip tells nothing of a lean.
_LIES = 0.3


@dataclass(frozen=True)
class Planted:
    """What the kinematic pass made."""

    clip: Clip
    track: ContactTrack  # the plants that were held, of `plants.LABELS`
    lifted_m: Array  # (T,) how far the whole body was moved up
    carried_m: Array  # (T, 2) and over the floor, x and z
    notes: tuple[str, ...] = ()  # what was mended before feet were looked at


def plant(
    clip: Clip, soles: Soles, ground: Ground | None = None, mode: str = "auto", track: ContactTrack | None = None
) -> Planted:
    """Put a performance on its ground and hold its feet and hands where they stand.

    Args:
        clip: the performance.
        soles: of the body that performs it.
        ground: what it stands on; None: a level floor.
        mode: one of `MODES`.
        track: plants that somebody set, of `motion.contacts.LABELS` or all of `physics.plants.LABELS`; None: found.

    Raises:
        BadInput: an unknown mode, soles of another skeleton, or a track of other parts.
    """
    if mode not in MODES:
        raise unknown("foot mode", mode, MODES)
    ground = ground or Ground()
    if mode == "never" or clip.frames < 4:
        still = np.zeros(clip.frames)
        return Planted(clip, track or plants.find(clip, ground), still, np.stack([still, still], -1))
    scene, notes = _prepared(_Scene(Posed(clip, soles, ground), track, mode))
    found = scene.found
    body, lifted, carried = scene.placed(found)
    if track is None and mode != "grounding":
        # A body that keeps its place shows better which of its feet do.
        found = ContactTrack(found.labels, found.on | plants.find(body, ground).on)
        body, lifted, carried = scene.placed(found)
    on = scene.feet_on(found)
    if mode != "grounding":
        body = legs.hold(body, soles, ground, on, scene.idle(on), scene.size)
        body = arms.hold(body, ground, found.on[:, 4:6], scene.size)
    made = legs.clear(body, soles, ground, on, ~scene.otherwise, scene.size)
    made = arms.clear(made, ground, found.on[:, 4:6], scene.size)
    made = replace(made, contacts=ContactTrack(contacts.LABELS, found.on[:, :4]))
    return Planted(made, found, lifted, carried, notes)


def prepared(made: Posed, mode: str = "auto", track: ContactTrack | None = None) -> Posed:
    """A performance with what is wrong with all of it mended: snapped joints, a lean, a floor far off its own."""
    if mode == "never" or made.clip.frames < 4:
        return made
    return _prepared(_Scene(made, track, mode))[0].posed


def _prepared(scene: _Scene) -> tuple[_Scene, tuple[str, ...]]:
    notes = []
    clip, snaps = unflipped(scene.posed.clip)
    if snaps:
        notes.append(f"{snaps} joint{'s' * (snaps > 1)} that snapped away and back bridged")
        scene = replace(scene, posed=replace(scene.posed, clip=clip))
    if scene.posed.ground.cast is None and scene.otherwise.mean() < _LIES:
        slope = tilt(scene.posed.clip, scene.touch, scene.feet_on(scene.still))
        if slope.any():
            notes.append(f"turned upright by {np.degrees(np.arctan(np.linalg.norm(slope))):.1f} degrees")
            scene = replace(scene, posed=replace(scene.posed, clip=levelled(scene.posed.clip, slope)))
    posed, raised = placing.grounded(scene.posed)
    if raised:
        notes.append(f"moved {'up' if raised > 0 else 'down'} by {abs(raised):.2f} m as a whole")
        scene = replace(scene, posed=posed)
    return scene, tuple(notes)


@dataclass(frozen=True, eq=False)
class _Scene:
    """A performance whose body is to be placed, with what is measured of it once."""

    posed: Posed
    given: ContactTrack | None
    mode: str

    @cached_property
    def size(self) -> float:
        return contacts.size_of(self.posed.clip.rest_offsets)

    @cached_property
    def touch(self) -> Touch:
        return Touch.of(self.posed.clip, self.posed.soles, self.posed.ground)

    @cached_property
    def otherwise(self) -> np.ndarray:
        """``(T,)`` bool: something else than feet carries the body."""
        return plants.carried_otherwise(self.posed.clip, self.posed.ground)

    @cached_property
    def still(self) -> ContactTrack:
        """Plants as they were given, else those of parts that are still; of `plants.LABELS`."""
        clip, ground = self.posed.clip, self.posed.ground
        return plants.find(clip, ground) if self.given is None else plants.whole(self.given, clip, ground)

    @cached_property
    def found(self) -> ContactTrack:
        """Plants that are to be held."""
        clip, ground = self.posed.clip, self.posed.ground
        track = self.still if self.given is not None else self.passed_by(self.still)
        return _whenever_lowest(clip, ground, track, self.size) if self.mode == "always" else track

    def passed_by(self, track: ContactTrack) -> ContactTrack:
        """Plants also where nothing stands still, but one foot hardly moves against what goes past it.

        That is the body that travels on over it, or the other foot that swings. Feet of generated runs and of wild
        dances slide too fast to stand, and yet carry: a body that is not in flight stands on something.
        """
        clip, touch = self.posed.clip, self.touch
        idle = self.idle(self.feet_on(track))
        slip = np.linalg.norm(np.concatenate([touch.step[:1], touch.step]), axis=-1) * float(clip.fps)
        low = touch.height < touch.height.min(1, keepdims=True) + 0.01 * self.size
        travels = contacts.speed(clip.root_position[:, None], clip.fps, up=False)[:, 0]
        goes = travels > _TRAVELS * self.size
        if (idle & goes).sum() <= _MOSTLY * (goes & ~self.flying & ~self.otherwise).sum():
            goes[:] = False
        # What it slides by against: the body that travels over it, or the other foot that swings past.
        swung = np.where(slip > _SWINGS * self.size, slip, 0.0)[:, ::-1]
        past = np.maximum(np.where(goes, travels, 0.0)[:, None], swung)
        carries = idle[:, None] & low & (slip < _SLIPS * past)
        # Beside a stance it is how that begins or ends: feet roll.
        beside = maximum_filter1d(bearing(track.on), 2 * round(_BESIDE_S * float(clip.fps)) + 1, axis=0)
        for s in range(2):
            for a, b in runs(carries[:, s]):
                carries[a:b, s] &= not beside[a:b, s].any()
        carries = contacts.drop_short(carries, max(2, round(_PASSES_S * float(clip.fps))))
        if not carries.any():
            return track
        points = self.posed.ground.above(contacts.foot_points(clip))[..., 1].reshape(-1, 2, 2)
        lower = points < points.min(2, keepdims=True) + 0.02 * self.size
        on = track.on.copy()
        on[:, :4] |= (carries[..., None] & lower).reshape(-1, 4)
        return ContactTrack(track.labels, on)

    @cached_property
    def flying(self) -> np.ndarray:
        """``(T,)`` bool: flight over the level on which its feet rest, be it the ground or not."""
        made = self.posed
        level = made.floor + plants.level(made.clip, made.ground, self.size)[:, None]
        return flight(made.points, made.com, made.clip.fps, level)

    def feet_on(self, track: ContactTrack) -> np.ndarray:
        """``(T, 4)`` bool: parts of feet that stand, where feet are what carries."""
        return np.asarray(track.on[:, :4] & ~self.otherwise[:, None])

    def idle(self, on: np.ndarray) -> np.ndarray:
        """``(T,)`` bool: some foot has to be on the ground though none is found to stand: it turns or slides."""
        return np.asarray(~self.otherwise & ~on.any(1) & ~self.flying)

    def placed(self, track: ContactTrack) -> tuple[Clip, Array, Array]:
        """The clip with its body moved up or down, ``(T,)`` metres, and over the floor, ``(T, 2)``."""
        clip, touch, rests, feet = self.posed.clip, self.touch, self.posed.rests, self.feet_on(track)
        on = np.concatenate([bearing(feet), track.on[:, 4:]], axis=1)
        lowest = np.where(self.otherwise, np.minimum(rests.deepest, touch.height.min(1)), touch.height.min(1))
        parts = placing.Bearers(
            np.concatenate([touch.height, rests.height], axis=1), np.concatenate([touch.step, rests.step], axis=1), on,
            ~on.any(1) & ~self.flying, lowest, rests.deepest,
        )  # fmt: skip
        lifted = placing.lift(clip, parts, self.size)
        lifted = lifted + fall(self.posed.com[:, 1] + lifted, self.flying, float(clip.fps), self.size)
        carried = np.zeros((clip.frames, 2)) if self.mode == "grounding" else placing.carry(clip, parts, self.size)
        by = np.stack([carried[:, 0], lifted, carried[:, 1]], -1)
        return replace(clip, root_position=clip.root_position + by), lifted, carried


def _whenever_lowest(clip: Clip, ground: Ground, track: ContactTrack, size: float) -> ContactTrack:
    """Plants also where the lowest foot merely stays low: people who want no sliding at all."""
    height = ground.above(contacts.foot_points(clip))[..., 1]
    low = height - height.min(1, keepdims=True) < 0.015 * size
    on = track.on.copy()
    on[:, :4] |= low & (height.min(1) < 0.04 * size)[:, None]
    return ContactTrack(track.labels, on)
