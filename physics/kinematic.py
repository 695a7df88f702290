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
from physics.soles import Soles
from physics.touch import Touch, bearing

#: How feet are treated, by the names that users of video capture know: as found, whenever they are lowest, heights
#: alone, or not at all.
MODES = ("auto", "always", "grounding", "never")

#: A foot that slides slower than this share of how fast the body travels carries it, for at least so long; who travels
#: slower than this, m/s for an adult, may turn or shuffle. It is looked for where this share of the way has no stance.
_SLIPS, _PASSES_S, _TRAVELS, _MOSTLY = 0.4, 0.06, 0.6, 0.6
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
    notes = []
    clip, snaps = unflipped(clip)
    if snaps:
        notes.append(f"{snaps} joint{'s' * (snaps > 1)} that snapped away and back bridged")
    posed, raised = placing.grounded(Posed(clip, soles, ground))
    if raised:
        notes.append(f"moved {'up' if raised > 0 else 'down'} by {abs(raised):.2f} m as a whole")
    scene = _Scene(posed, track, mode)
    if ground.cast is None and scene.otherwise.mean() < _LIES:
        slope = tilt(posed.clip, scene.touch, scene.feet_on(scene.found))
        if slope.any():
            notes.append(f"turned upright by {np.degrees(np.arctan(np.linalg.norm(slope))):.1f} degrees")
            scene = _Scene(replace(posed, clip=levelled(posed.clip, slope)), track, mode)
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
    return Planted(made, found, lifted + raised, carried, tuple(notes))


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
    def found(self) -> ContactTrack:
        """Plants as they were given, else as they are found; of `plants.LABELS`."""
        clip, ground = self.posed.clip, self.posed.ground
        if self.given is not None:
            track = plants.whole(self.given, clip, ground)
        else:
            track = self.passed_by(plants.find(clip, ground))
        return _whenever_lowest(clip, ground, track, self.size) if self.mode == "always" else track

    def passed_by(self, track: ContactTrack) -> ContactTrack:
        """Plants also where nothing is found to stand while the body travels on over a foot that hardly moves.

        Feet of generated runs slide too fast to stand, and yet carry: a body that is not in flight stands on something.
        """
        clip, touch = self.posed.clip, self.touch
        idle = self.idle(self.feet_on(track))
        travels = contacts.speed(clip.root_position[:, None], clip.fps, up=False)[:, 0]
        goes = travels > _TRAVELS * self.size
        if (idle & goes).sum() <= _MOSTLY * (goes & ~self.flying & ~self.otherwise).sum():
            return track
        slip = np.linalg.norm(np.concatenate([touch.step[:1], touch.step]), axis=-1) * float(clip.fps)
        low = touch.height < touch.height.min(1, keepdims=True) + 0.01 * self.size
        carries = (idle & goes)[:, None] & low & (slip < _SLIPS * travels[:, None])
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
