"""What is decided before a shot begins: who is composed where, from which side, how far, standing or travelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from motion.camera import Shot
from motion.rotations import Array
from rl_camera import framing
from rl_camera.framing import LANDMARK, Tracks
from rl_camera.moves import amount_of, course
from rl_camera.placement import LOWEST, Line, Surroundings, bodies_at, bodies_in_the_way
from rl_camera.subjects import axes, heading, middle, partner_of
from rl_camera.vocabulary import ANGLES, MOVES, POSITIONS, SIZES, VIEWS, Angle, Move, Position, ShotSize, usual_lens

#: Share of half the frame that a composed figure may reach, across and up.
REACH_X, REACH_Y = 0.92, 0.95

#: A standing camera becomes a travelling one beyond these: distances far to near, and radians it would have to pan.
RIDE_RATIO, RIDE_PAN = 1.5, np.radians(65.0)

#: How many times as long a lens may become to look past a partner who stands far off.
MOST_LONGER = 2.0

#: Sides tried when the asked one is blocked: degrees off it.
DETOURS = (0.0, 12.0, -12.0, 25.0, -25.0, 40.0, -40.0, 60.0, -60.0, 90.0, -90.0, 130.0, -130.0, 180.0)


@dataclass(frozen=True)
class Setup:
    """A composed camera, before it moves. Angles in radians, lengths in metres."""

    shot: Shot
    aspect: float
    subjects: tuple[str, ...]  # who is composed
    keeps: np.ndarray  # landmarks that are composed
    x: float  # place of the framed part's middle, in half frames
    share: float  # height of the frame at the subject, in statures
    headroom: float  # beyond what `headroom_for` gives that share, fraction of the frame
    centre: float  # height of the framed part's middle on a standing body, in statures
    lift: float  # half frames by which the framed part stands higher than headroom asks
    focal_mm: float
    distance: float
    azimuth: float  # world direction from the subject to the camera about +Y from +Z; on `heading` when it turns
    elevation: float | None  # None: as high as the eyes
    roll: float
    rides: bool
    turns: bool  # keeps its side of a subject that turns
    stand: Array  # (3,) the framed part's middle that a standing camera was placed for
    eyes_y: float  # height of the eyes there

    def y_at(self, wider: ArrayLike) -> Array:
        """Place of the framed part's middle up and down, in half frames, when the frame is so much higher or lower.

        The headroom stays, so a push-in ends on the face and not on the belt.
        """
        share = self.share * np.asarray(wider, dtype=np.float64)
        return 1.0 - 2.0 * (headroom_for(share) + self.headroom + (1.0 - self.centre) / share) + self.lift


def headroom_for(share: ArrayLike) -> Array:
    """Fraction of the frame above the crown when the frame is so many statures high: as the shot sizes have it.

    Straight between the sizes, over the logarithm, with the corners rounded: a camera moves along this line.
    """
    sizes = sorted(SIZES.values(), key=lambda s: s.frame_height)
    place = np.log(np.asarray(share, dtype=np.float64))[..., None] + np.linspace(-0.25, 0.25, 21)
    table = np.interp(place, np.log([s.frame_height for s in sizes]), [s.headroom for s in sizes])
    return table.mean(axis=-1)


@dataclass(frozen=True)
class Tried:
    """A side that was tried for a shot, and what speaks against it."""

    side: float  # radians from where the subject faces to its left
    off: float  # radians off the side that was asked for
    closer: float  # share of the distance that is left
    faults: Mapping[str, float]  # costs by what they are for
    total: float

    def words(self) -> str:
        """Its faults: "a thing in the way 1.20, jump cut 0.30"."""
        against = sorted(((c, name) for name, c in self.faults.items() if c >= 0.005), reverse=True)
        return ", ".join(f"{name} {c:.2f}" for c, name in against) or "nothing against it"

    def where(self) -> str:
        """Where the camera stands: "65° to the left"."""
        degrees = round(float(np.degrees(np.remainder(self.side + np.pi, 2.0 * np.pi) - np.pi)))
        place = "behind" if abs(degrees) >= 179 else "in front" if degrees == 0 else ""
        place = place or f"{abs(degrees)}° to the {'left' if degrees > 0 else 'right'}"
        return place + (f", at {100 * self.closer:.0f} % of the distance" if self.closer < 1.0 else "")


class Decision:
    """Makes the `Setup` of one shot from what is known of the motion: all of it, or only this moment."""

    def __init__(self, shot: Shot, everyone: Tracks, aspect: float, around: Surroundings, line: Line) -> None:
        self.shot, self.everyone, self.aspect = shot, everyone, aspect
        self.around, self.line = around, line
        self.partner = partner_of(shot, everyone)
        composed = shot.of[:1] if self.partner is not None else shot.of
        self.subjects = everyone.only(composed)
        self.spec = SIZES[shot.size]
        self.keeps = framing.indices(self.spec.keeps)
        headroom = float(np.clip(shot.options.get("headroom", self.spec.headroom), -1.0, 0.9))
        self.share = (1.0 - self.spec.bottom) / (1.0 - headroom)
        self.headroom = headroom - float(headroom_for(self.share))
        self.stature = float(self.subjects.stature.max())
        self.focal_mm = shot.lens_mm
        self.behind = self._behind()  # metres from a partner to the camera
        if self.partner is not None and shot.lens_mm == usual_lens(shot.size):
            # Past a partner who stands far off, the size is kept by a longer lens; a lens that was asked for stays.
            for _ in range(4):
                longer = self._past_partner() / self._size_distance()
                self.focal_mm = float(np.clip(self.focal_mm * longer, shot.lens_mm, MOST_LONGER * shot.lens_mm))
                self.behind = self._behind()
        self.heading = heading(self.subjects)
        self.tried: list[Tried] = []

    def setup(self) -> Setup:
        """Try the sides that the shot allows and take the best."""
        best, least = None, np.inf
        self.tried = []
        for cost, azimuth, closer, off in self._candidates():
            if cost >= least:
                continue
            made = self._compose(azimuth, closer)
            faults = self._faults(made)
            total = cost + sum(faults.values())
            own = {"off what was asked": abs(off) / np.radians(90.0), "nearer": 1.2 * (1.0 - closer)}
            self.tried.append(Tried(azimuth - self.heading, off, closer, {**own, **faults}, total))
            if total < least - 1e-9:
                best, least = made, total
            if total < 1e-9:
                break
        assert best is not None
        return best

    def remember(self, setup: Setup, camera: Array) -> None:
        """Note where the shot stood, for the line of action and the 30-degree rule of the next."""
        pair = (self.shot.of[0], self.partner) if self.partner else self.shot.of[:2]
        if len(pair) == 2:
            self.line.pair = (min(pair), max(pair))  # type: ignore[assignment]
            self.line.side = 0.0
        side = self.line.side_of(self.everyone, 0, camera)
        self.line.side = side or self.line.side
        self.line.last_of, self.line.last_size = self.shot.of, self.shot.size
        self.line.last_azimuth = setup.azimuth

    def reason(self) -> str:
        """Why the shot stands where it does, after `setup`, in a line: the side, the asked one, and the second best."""
        best = min(self.tried, key=lambda t: t.total)
        asked = min((t for t in self.tried if t.off == 0.0), key=lambda t: t.total)
        others = [t for t in self.tried if t is not best and t is not asked]
        parts = [f"{best.where()}{', as asked' if best is asked else ''}: {best.words()}"]
        if best is not asked:
            parts.append(f"asked: {asked.where()}: {asked.words()}")
        if others:
            second = min(others, key=lambda t: t.total)
            parts.append(f"second: {second.where()}: {second.words()}")
        return "; ".join(parts)

    # sides ---------------------------------------------------------------------------------------------------

    def _candidates(self) -> list[tuple[float, float, float, float]]:
        """(cost, world azimuth, share of the distance, radians off) of every side worth trying, the asked one first."""
        if "azimuth_deg" in self.shot.options:
            wanted = [self.heading + np.radians(self.shot.options["azimuth_deg"])]
            detours: tuple[float, ...] = (0.0,)
        elif self.partner is not None:
            wanted, detours = self._shoulders(), DETOURS[:5]
        else:
            wanted = [self.heading + np.radians(a) for a in VIEWS[self.shot.view].azimuths_deg]
            facing = self.subjects.facing().mean(axis=(0, 1))
            if len(self.subjects.names) > 1 and np.hypot(*facing) < 0.45:
                wanted += [a + np.pi for a in wanted]  # both sides of two who face each other are as good
            detours = DETOURS
        if self.around.empty and len(self.everyone.names) == 1:
            detours = (0.0,)
        tries = []
        for detour in detours:
            for closer in (1.0, 0.72, 0.5):
                if closer < 1.0 and self.around.empty:
                    continue
                cost = abs(detour) / 90.0 + 1.2 * (1.0 - closer)
                off = float(np.radians(detour))
                tries += [(cost + 1e-3 * k, a + off, closer, off) for k, a in enumerate(wanted)]
        return sorted(tries, key=lambda t: t[0])

    def _shoulders(self) -> list[float]:
        """Both sides past the partner's head; the line from camera to subject clears it by its screen distance."""
        assert self.partner is not None
        heads = self.everyone.of("head").mean(0)
        subject, other = (heads[self.everyone.names.index(n)][[0, 2]] for n in (self.shot.of[0], self.partner))
        away = other - subject
        apart = float(np.hypot(*away))
        tan_x, _ = framing.tangents(self.focal_mm, self.aspect)
        d = max(self._size_distance(), apart + self.behind)
        clear = max(0.28, 0.8 * float(tan_x) * (d - apart))
        angle = float(np.arcsin(min(0.8, clear / max(apart, 0.3))))
        straight = float(np.arctan2(away[0], away[1]))
        return [straight + angle, straight - angle]

    # composition -----------------------------------------------------------------------------------------------

    def _size_distance(self) -> float:
        return float(framing.distance_for(self.share * self.stature, self.focal_mm, self.aspect))

    def _elevation(self) -> float | None:
        given = self.shot.options.get("elevation_deg", ANGLES[self.shot.angle].elevation_deg)
        return None if given is None else float(np.radians(np.clip(given, -85.0, 85.0)))

    def _compose(self, azimuth: float, closer: float) -> Setup:
        shot = self.shot
        elevation = self._elevation()
        tilt = elevation or 0.0
        targets = middle(self.subjects.points, self.keeps, np.array(azimuth), tilt)
        eyes = self.subjects.of("eyes").mean(1)[:, 1]
        x = self._place(azimuth)
        centre, lift = self._centre(), POSITIONS[shot.position].y
        y = 1.0 - 2.0 * (float(headroom_for(self.share)) + self.headroom + (1.0 - centre) / self.share) + lift
        focal = self.focal_mm
        tan_x, tan_y = (float(t) for t in framing.tangents(focal, self.aspect))
        right, up, back = axes(np.array(azimuth), tilt)
        stand = 0.5 * (targets.min(0) + targets.max(0))
        # Along the line of sight the typical place counts, across and up the middle of the way.
        stand = stand + (np.median(targets @ back) - stand @ back) * back
        asked = shot.move == Move.FOLLOW
        rides = MOVES[shot.move].rides or shot.angle == Angle.OVERHEAD or tilt > np.radians(60)

        def fitting(rides: bool) -> float:
            kept = self.subjects.points[:, :, self.keeps].reshape(len(targets), -1, 3)
            off = kept - targets[:, None]
            deep = off @ back + (0.0 if rides else ((targets - stand) @ back)[:, None])
            reach_x = max(0.3, REACH_X - abs(x)) * tan_x
            reach_y = max(0.3, REACH_Y - abs(y)) * tan_y
            need = deep + np.maximum(np.abs(off @ right) / reach_x, np.abs(off @ up) / reach_y)
            near = (deep + 0.25 * self.stature).max()
            return max(float(np.quantile(need.max(1), 0.995)), float(near))

        def far(rides: bool) -> float:
            d = self._size_distance()
            d = max(d, fitting(rides) / self._closest(d))
            if self.partner is not None:
                d = max(d, self._past_partner())
            return d * float(np.clip(shot.options.get("distance", 1.0), 0.05, 100.0))

        d = far(rides)
        if not rides and shot.options.get("ride", 1.0) > 0:
            camera = stand + d * back
            away = np.linalg.norm(targets - camera, axis=-1)
            bearing = np.unwrap(np.arctan2(*(targets - camera)[:, [0, 2]].T))
            if d > RIDE_RATIO * self._floor(x, y) or away.max() > RIDE_RATIO * away.min() or np.ptp(bearing) > RIDE_PAN:
                rides = asked = True
                d = far(True)
        d = max(d, 0.3 * self.stature)
        return Setup(
            shot=shot, aspect=self.aspect, subjects=self.subjects.names, keeps=self.keeps, x=x,
            share=self.share * d / self._size_distance(), headroom=self.headroom, centre=centre, lift=lift,
            focal_mm=focal * closer, distance=d * closer, azimuth=float(azimuth), elevation=elevation,
            roll=float(np.radians(shot.options.get("roll_deg", ANGLES[shot.angle].roll_deg))),
            rides=rides, turns=asked and self.partner is None, stand=stand, eyes_y=float(np.median(eyes)),
        )  # fmt: skip

    def _closest(self, distance: float) -> float:
        """Where a push-in on a group ends, as a share of where it begins: there the group must still have room."""
        if len(self.subjects.names) < 2 or self.shot.move != Move.PUSH_IN:
            return 1.0
        return max(1.0 - amount_of(self.shot, self.focal_mm, distance, self.aspect), 0.5)

    def _floor(self, x: float, y: float) -> float:
        """The distance that a standing camera would take if the subject stayed where it is."""
        points = self.subjects.points
        right, up, _ = axes(np.array(self.heading), 0.0)
        kept = points[:, :, self.keeps].reshape(len(points), -1, 3)
        tan_x, tan_y = (float(t) for t in framing.tangents(self.focal_mm, self.aspect))
        wide = np.median(np.ptp(kept @ right, axis=1)) / 2 / (max(0.3, REACH_X - abs(x)) * tan_x)
        high = np.median(np.ptp(kept @ up, axis=1)) / 2 / (max(0.3, REACH_Y - abs(y)) * tan_y)
        return max(self._size_distance(), float(wide), float(high))

    def _past_partner(self) -> float:
        """How far off a camera is that stands behind the partner, metres."""
        assert self.partner is not None
        other = self.everyone.of("head")[:, self.everyone.names.index(self.partner)]
        own = self.subjects.of("spine2")[:, 0]
        apart = np.hypot(other[:, 0] - own[:, 0], other[:, 2] - own[:, 2])
        return float(np.quantile(apart, 0.9)) + self.behind

    def _behind(self) -> float:
        """How far behind a partner's head a camera must be for head and shoulder to take a third of the picture."""
        tan_x, _ = framing.tangents(self.focal_mm, self.aspect)
        return max(0.65 * self.stature / 1.7, 0.28 / (0.8 * float(tan_x)))

    def _place(self, azimuth: float) -> float:
        """Where the framed part's middle goes across the picture: thirds and look room."""
        spot = POSITIONS[self.shot.position]
        if spot.x is not None:
            return spot.x
        right = np.array([np.cos(azimuth), -np.sin(azimuth)])
        if self.partner is not None:
            head = self.everyone.of("head").mean(0)[:, [0, 2]]
            subject, other = (head[self.everyone.names.index(n)] for n in (self.shot.of[0], self.partner))
            return float(-0.28 * np.sign((other - subject) @ right))
        look = float(self._gaze() @ right)
        strong = float(np.clip((abs(look) - 0.2) / 0.4, 0.0, 1.0))
        if self.shot.position == Position.THIRDS:
            return -1 / 3 if look >= -0.05 else 1 / 3
        if len(self.subjects.names) > 1 or self.shot.size == ShotSize.EXTREME_CLOSE_UP:
            strong *= 0.4
        return float(-0.3 * np.sign(look) * strong)

    def _gaze(self) -> Array:
        """Where the main subject looks or goes, (x, z), at most 1 long: room is left on that side."""
        facing = self.subjects.facing()[:, 0].mean(0)
        pelvis = self.subjects.of("pelvis")[:, 0][:, [0, 2]]
        seconds = max(float(np.ptp(self.subjects.times)), 1e-6)
        speed = (pelvis[-1] - pelvis[0]) / seconds if len(pelvis) > 1 else np.zeros(2)
        gaze = facing + np.asarray(speed)
        return gaze / max(1.0, float(np.hypot(*gaze)))

    def _centre(self) -> float:
        """Height of the framed part's middle on a standing body, in statures."""
        if self.spec.keeps == ("*",):
            return 0.5
        heights = self.subjects.heights[0, self.keeps]
        return float(0.5 * (heights.min() + heights.max()))

    # judgement -------------------------------------------------------------------------------------------------

    def _faults(self, setup: Setup) -> dict[str, float]:
        """What speaks against a side: things and people in the way, the line of action, a jump cut."""
        lone = self.around.empty and len(self.everyone.names) == 1
        moments = np.unique(np.linspace(0, len(self.everyone.times) - 1, 20).round().astype(int))
        some = replace(self.everyone, times=self.everyone.times[moments], points=self.everyone.points[moments])
        subjects = some.only(setup.subjects)
        target = middle(subjects.points, self.keeps, np.array(setup.azimuth), setup.elevation or 0.0)
        camera = self._rough(setup, target, subjects)
        faults = {
            "over the line of action": 0.8 * self.line.crosses(self.shot.of, self.everyone, 0, camera[0]),
            "jump cut": 0.3 * self.line.jump_cut(self.shot.of, self.shot.size, setup.azimuth),
        }
        if lone:
            return faults
        if not self.around.empty:
            faults["a thing where the camera would be"] = 6.0 * float(self.around.inside(camera).mean())
            seen = [n for n in ("eyes", "chin", "spine3", "pelvis") if LANDMARK[n] in set(self.keeps.tolist())]
            looks = [
                self.around.blocked(camera, subjects.of(n)[:, s]) for n in seen for s in range(len(subjects.names))
            ]
            faults["a thing in the way"] = 3.0 * float(np.mean(looks))
        faults["too near somebody"] = 4.0 * float(bodies_at(camera, some).mean())
        others = [n for n in self.everyone.names if n not in self.shot.of and n != self.partner]
        if self.partner is None:
            hides = 0.0
            for s in range(len(subjects.names)):
                hidden = [*others, *(n for n in setup.subjects if n != setup.subjects[s])]
                hides += 2.0 * float(bodies_in_the_way(camera, subjects.of("neck")[:, s], some.only(hidden)).mean())
            faults["somebody in the way"] = hides
        return faults

    def _rough(self, setup: Setup, target: Array, subjects: Tracks) -> Array:
        """Camera places ``(T, 3)`` at some moments, move included, before any smoothing."""
        anchor = target if setup.rides else np.broadcast_to(setup.stand, target.shape)
        eyes = subjects.of("eyes").mean(1)[:, 1] if setup.rides else np.full(len(target), setup.eyes_y)
        return positions(setup, subjects.times, anchor, eyes, np.full(len(target), setup.azimuth))


def positions(setup: Setup, times: Array, anchor: Array, eyes_y: Array, azimuth: Array, looser: float = 1.0) -> Array:
    """Where the camera is, ``(T, 3)``, when the framed part's middle is taken to be at ``anchor (T, 3)``.

    Includes what the move does to distance, side and height; not what it does without turning (truck, pedestal).
    """
    way = course(setup.shot, times, setup.focal_mm, setup.distance, setup.aspect)
    d = setup.distance * looser * way.distance
    if setup.elevation is None:
        height = eyes_y
    else:
        height = anchor[:, 1] + d * np.sin(setup.elevation)
    height = np.maximum(height, LOWEST)
    level = np.sqrt(np.maximum(d**2 - (height - anchor[:, 1]) ** 2, (0.1 * d) ** 2))
    angle = azimuth + way.azimuth
    out = np.stack([anchor[:, 0] + level * np.sin(angle), height, anchor[:, 2] + level * np.cos(angle)], axis=-1)
    out[:, 1] = np.maximum(out[:, 1] + way.height, LOWEST)
    return out
