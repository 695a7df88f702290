"""The `rule` director: frames by projected joints, executes every move to the letter, keeps clear of set and people.

Planned, it knows the whole motion: where the dead zone lets it, the camera stands perfectly still; where it must
follow, it goes the shortest way within the zone, smoothed both ways in time. Live (`options: {live: 1}`, or `step`),
it is a damped filter that knows only the present.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion.camera import CameraPath, Shot
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera import director as protocol
from rl_camera import framing
from rl_camera.clearance import Clearance
from rl_camera.composer import Composer, Predictor, Zones
from rl_camera.damping import LOG_RESIDUAL, damp, lowest_within, smooth, substeps, taut_string
from rl_camera.director import Action, CameraState, Observation, f_stops, first_frame
from rl_camera.framing import Tracks
from rl_camera.moves import course
from rl_camera.placement import LOWEST, Line, Surroundings
from rl_camera.setup import Decision, Setup, positions
from rl_camera.subjects import MOST_TURN, headings, middle
from rl_camera.vocabulary import Move

#: Share of the frame in which a subject may move before a planned camera turns.
DEAD_ZONE = 0.12

#: Width of the planner's Gaussian window, seconds, for turning and for travelling.
TURN_S, TRAVEL_S = 0.3, 0.45

#: How closely a subject that leaves the frame is followed, in turn: factor on the distance, on calm and dead zone.
_TRIES = ((1.0, 1.0), (1.0, 0.6), (1.0, 0.35), (1.15, 0.5), (1.3, 0.4), (1.5, 0.4), (1.8, 0.4), (1.8, 0.0))

#: Moves that end on less of the subject than they begin with.
_TIGHTENS = {
    Move.PUSH_IN, Move.ZOOM_IN, Move.DOLLY_ZOOM, Move.TILT_UP, Move.TILT_DOWN, Move.PEDESTAL_UP, Move.PEDESTAL_DOWN,
    Move.PAN_LEFT, Move.PAN_RIGHT, Move.TRUCK_LEFT, Move.TRUCK_RIGHT, Move.WHIP_PAN_LEFT, Move.WHIP_PAN_RIGHT,
}  # fmt: skip

#: A subject that is whole in this share of the frames needs no closer watch.
ENOUGH = 0.995

#: The live filter stands this much farther off, and a standing camera stays put while the subject is within this
#: share of its distance.
AIR, STANDING = 1.15, 0.06

#: Seconds until the live filter has gone round after a subject that turned, but for 1 %.
HEADING_S = 4.0

#: Metres a second at which it does so at most, and seconds until it goes at a speed but for 1 %.
ROUND_MPS, GATHER_S = 2.0, 0.8

#: Seconds that the live filter looks ahead for a body that comes near the lens.
SOON_S = 0.3

#: Composed landmarks stay within this share of the half frame, else the planner follows more closely.
SAFE = 0.97


class RuleDirector:
    """The rule director; holds what it must remember of a live shot, nothing else."""

    def __init__(self) -> None:
        self._live: _LiveShot | None = None
        self._line = Line()
        self.reasons: Sequence[tuple[str, ...]] = ()

    def plan(
        self, performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float
    ) -> CameraPath:
        """A camera for shots that follow each other; see `director.Director.plan`."""
        line = Line()
        around = Surroundings(stage, performances)
        paths, reasons = [], []
        for shot in (protocol.check(s, performances) for s in shots):
            if shot.options.get("live", 0.0) > 0:
                paths.append(protocol.roll_out(self, performances, stage, [shot], fps, aspect))
                assert self._live is not None
                reasons.append((self._live.reason,))
            else:
                path, decision = _planned(performances, around, line, shot, fps, aspect)
                paths.append(path)
                reasons.append((decision.reason(),))
        self.reasons = tuple(reasons)
        return protocol.join(paths)

    def step(self, observation: Observation) -> Action:
        """One live step; see `director.Director.step`."""
        if observation.begins or self._live is None:
            self._live = _LiveShot(observation, self._line)
        return self._live.step(observation)


def plan_shot(
    performances: Sequence[Performance], around: Surroundings, line: Line, shot: Shot, fps: Fraction, aspect: float
) -> CameraPath:
    """One shot, planned with all of its motion known; ``line`` is told where it stood."""
    return _planned(performances, around, line, shot, fps, aspect)[0]


def _planned(
    performances: Sequence[Performance], around: Surroundings, line: Line, shot: Shot, fps: Fraction, aspect: float
) -> tuple[CameraPath, Decision]:
    """The same, with what was decided."""
    first, stop = first_frame(shot.start_s, fps), first_frame(shot.end_s, fps)
    everyone = framing.track(performances, np.arange(first, stop) / float(fps))
    decision = Decision(shot, everyone, aspect, around, line)
    setup = decision.setup()
    T, focal, focus = _Plan(setup, everyone, 1.0 / float(fps), around).best()
    decision.remember(setup, T[0, :3, 3])
    cuts = np.zeros(stop - first, dtype=bool)
    cuts[0] = True
    return CameraPath(T, focal, fps, focus, f_stops([shot.f_stop] * (stop - first)), cuts=cuts), decision


class _Plan:
    """The planned camera of one shot, at the shot's frames."""

    def __init__(self, setup: Setup, everyone: Tracks, dt: float, around: Surroundings) -> None:
        self.setup, self.dt, self.around = setup, dt, around
        self.subjects = everyone.only(setup.subjects)
        self.times = everyone.times
        azimuth = np.full(len(self.times), setup.azimuth)
        if setup.rides and setup.turns:
            turning = headings(self.subjects, dt)
            azimuth = azimuth + turning - turning.mean()
        self.azimuth = azimuth
        self.target = middle(self.subjects.points, setup.keeps, azimuth, setup.elevation or 0.0)
        self.way = course(setup.shot, self.times, setup.focal_mm, setup.distance, setup.aspect)

    def best(self) -> tuple[Array, Array, Array]:
        """Poses, focal lengths and focus distances; follows more closely until the composed figure stays in frame."""
        options = self.setup.shot.options
        dead = float(np.clip(options.get("dead_zone", DEAD_ZONE), 0.0, 1.0))
        calm = float(np.clip(options.get("damping", TURN_S), 0.0, 10.0)) / TURN_S
        keeps = self.setup.keeps
        if self.setup.shot.move in _TIGHTENS:  # what must stay is the face; the rest may go, as it is asked to
            keeps = np.intersect1d(keeps, framing.indices(("eyes", "chin", "head")))
        chosen, most = None, -1.0
        for looser, closer in _TRIES:
            T, focal = self._camera(dead * closer, calm * max(closer, 0.2), looser)
            if looser > 1.0 and self.setup.shot.move in _TIGHTENS:
                break
            kept = self.subjects.points[:, :, keeps].reshape(len(self.times), -1, 3)
            xy, depth = framing.project(T, focal, self.setup.aspect, kept)
            safe = float(((np.abs(xy) <= SAFE).all(axis=(1, 2)) & (depth > 0).all(axis=1)).mean())
            if safe > most + 1e-9:
                chosen, most = (T, focal), safe
            if safe >= ENOUGH:
                break
        assert chosen is not None
        T, focal = chosen
        return T, focal, self._focus(T)

    def _camera(self, dead: float, calm: float, looser: float) -> tuple[Array, Array]:
        """Poses and focal lengths with such a dead zone (share of the frame), calm (1: as usual) and distance."""
        setup, way, dt = self.setup, self.way, self.dt
        anchor, eyes = self._anchor(calm)
        place = positions(setup, self.times, anchor, eyes, self.azimuth, looser)
        place, closer = self._clear(place, anchor)
        focal = setup.focal_mm * way.zoom * closer
        tan_x, tan_y = framing.tangents(focal, setup.aspect)
        # The headroom follows the subject's size in the picture, as it comes, goes and is zoomed at.
        away = np.linalg.norm(place - (anchor if setup.rides else self.target), axis=-1) / setup.distance
        if not setup.rides:
            away = np.exp(smooth(taut_string(np.log(away), 0.12), TRAVEL_S, dt))
        y = setup.y_at(np.clip(away * setup.focal_mm / focal, 0.05, 20.0))
        rig = np.stack(framing.aim(place, anchor, setup.x, y, tan_x, tan_y, setup.roll), axis=-1)
        if setup.shot.move == Move.DOLLY_ZOOM:
            focal, rig = self._same_size(place, anchor, y, focal, rig)
            tan_x, tan_y = framing.tangents(focal, setup.aspect)
        full = np.stack(framing.aim(place, self.target, setup.x, y, tan_x, tan_y, setup.roll), axis=-1)
        off = full - rig
        off[:, 0] = np.unwrap(np.arctan2(np.sin(off[:, 0]), np.cos(off[:, 0])))
        # The dead zone as angles: screens are flat, so a share of the frame is less of the angle off the middle.
        zone = np.stack([np.arctan(dead * tan_x), np.arctan(dead * tan_y)], axis=-1)
        zone[:, 0] *= 1.0 / (1.0 + (setup.x * tan_x) ** 2)
        calm_s = TURN_S * calm
        turn = np.stack([smooth(taut_string(off[:, k], zone[:, k]), calm_s, dt) for k in (0, 1)], axis=-1)
        yaw, pitch = rig[:, 0] + turn[:, 0], rig[:, 1] + turn[:, 1]
        right = np.stack([np.cos(yaw), np.zeros_like(yaw), -np.sin(yaw)], axis=-1)
        if np.any(way.right) or np.any(way.up):
            # Sideways along the picture plane as it stands in the middle of the shot: a straight rail.
            rail = right.mean(0)
            rail /= max(float(np.linalg.norm(rail)), 1e-9)
            place = place + way.right[:, None] * rail + way.up[:, None] * np.array([0.0, 1.0, 0.0])
            if not self.around.empty:
                place = self.around.push_out(place)
        place[:, 1] = np.maximum(place[:, 1], LOWEST)
        limit = np.radians(89.5)
        pitch = np.clip(pitch + way.pitch, -limit, limit)
        return framing.pose(place, yaw + way.yaw, pitch, setup.roll + way.roll), focal

    def _same_size(self, place: Array, anchor: Array, y: Array, focal: Array, rig: Array) -> tuple[Array, Array]:
        """Focal lengths that keep the framed part's size to the letter while the camera travels, and the aim then."""
        for _ in range(4):
            ahead = framing.pose(place, rig[:, 0], rig[:, 1])[:, :3, 2]
            depth = np.maximum(-np.einsum("ti,ti->t", anchor - place, ahead), 1e-3)
            focal = focal[0] * depth / depth[0]
            tan_x, tan_y = framing.tangents(focal, self.setup.aspect)
            rig = np.stack(framing.aim(place, anchor, self.setup.x, y, tan_x, tan_y, self.setup.roll), axis=-1)
        return focal, rig

    def _anchor(self, calm: float) -> tuple[Array, Array]:
        """What the rig goes by: the framed part's middle ``(T, 3)`` and the height of the eyes ``(T,)``, made calm."""
        setup = self.setup
        if not setup.rides:
            return np.broadcast_to(setup.stand, self.target.shape).copy(), np.full(len(self.target), setup.eyes_y)
        eyes = self.subjects.of("eyes").mean(1)[:, 1]
        span = 0.05 * float(self.subjects.stature.max())
        calm_s = TRAVEL_S * calm
        anchor = smooth(self.target, calm_s, self.dt)
        anchor[:, 1] = smooth(taut_string(self.target[:, 1], span), calm_s, self.dt)
        return anchor, smooth(taut_string(eyes, span), calm_s, self.dt)

    def _clear(self, place: Array, anchor: Array) -> tuple[Array, Array]:
        """Pull the camera forward along its line of sight where the set is in its way; the lens widens as it does.

        Returns:
            Places ``(T, 3)`` and the share ``(T,)`` of the distance that is left.
        """
        whole = np.ones(len(place))
        if self.around.empty:
            return place, whole
        shares = np.linspace(1.0, 0.15, 18)
        tries = anchor + shares[:, None, None] * (place - anchor)
        free = ~self.around.inside(tries)
        sight = ~self.around.blocked(tries, np.broadcast_to(anchor, tries.shape))
        if sight[0].mean() > 0.8:  # something passes by in front: let it
            sight[:] = True
        good = np.where((free & sight).any(0), free & sight, free)
        need = np.where(good.any(0), shares[good.argmax(0)], 1.0)
        if (need < 1.0).any():
            need = smooth(lowest_within(need, 0.9, self.dt), 0.25, self.dt)
            place = anchor + need[:, None] * (place - anchor)
        else:
            need = whole
        place[:, 1] = np.maximum(place[:, 1], LOWEST)
        return self.around.push_out(place), need

    def _focus(self, T: Array) -> Array:
        """Metres along the view axis to the main subject's eyes."""
        eyes = self.subjects.of("eyes")[:, 0]
        depth = -np.einsum("ti,ti->t", eyes - T[:, :3, 3], T[:, :3, 2])
        return np.maximum(smooth(depth, 0.1, self.dt), 0.05)


class _LiveShot:
    """The live filter's memory of one shot."""

    def __init__(self, seen: Observation, line: Line) -> None:
        around = Surroundings(seen.stage, seen.performances)
        checked = protocol.check(seen.shot, seen.performances)
        given = checked.options
        # Some air for what nobody can foresee.
        shot = replace(checked, options={**given, "distance": AIR * given.get("distance", 1.0)})
        decision = Decision(shot, seen.tracks, seen.aspect, around, line)
        self.setup = decision.setup()
        self.partner = decision.partner
        self.reason = decision.reason()
        self.clearance = Clearance(around)
        options = shot.options
        self.zones = Zones(
            dead=float(np.clip(options.get("dead_zone", Zones.dead), 0.0, 1.0)),
            soft=float(np.clip(options.get("soft_zone", Zones.soft), 0.0, 1.0)),
            damping_s=max(0.0, float(options.get("damping", Zones.damping_s))),
            look_ahead_s=float(np.clip(options.get("look_ahead", Zones.look_ahead_s), 0.0, 5.0)),
        )
        self.azimuth = self.setup.azimuth
        self.heading = self._heading(seen.tracks)
        self.turning = [0.0, 0.0]  # rad/s, round the subject
        self.composer = Composer(self.zones)
        self.predictor = Predictor(self.zones.look_ahead_s)
        self.target, self.eyes = self._sight(seen.tracks)
        self.anchor, self.goal, self.eyes_y = self.target.copy(), self.target.copy(), self.eyes
        # A live camera cannot know whether its subject will stay: standing, it travels once the subject has left.
        self.reach: Array | None = None
        self.drift = np.zeros(3)  # m/s, how the anchor travels
        self.travels = self.setup.rides or shot.options.get("ride", 1.0) > 0
        self._look(seen.time, seen.tracks, np.zeros_like(seen.velocity), np.zeros(3))
        self.camera = self._state(seen.time, seen.tracks, 0.0)
        decision.remember(self.setup, self.camera.T_world_camera[:3, 3])
        self.fresh = True

    def step(self, seen: Observation) -> Action:
        """From this frame's camera to the next frame's, the subjects going on as they go now."""
        now = self.camera
        target, eyes = self._sight(seen.tracks)
        moved = replace(seen.tracks, points=seen.tracks.points + seen.velocity[None] * seen.dt)
        next_target, next_eyes = self._sight(moved)
        velocity = (next_target - target) / seen.dt
        self._look(seen.time, seen.tracks, seen.velocity, self.drift)
        count, dt = substeps(seen.dt)
        began = self.anchor
        for i in range(count):
            share = (i + 1) / count
            here = target + share * (next_target - target)
            self.target = self.predictor.step(here, velocity, dt)
            self.eyes = eyes + share * (next_eyes - eyes)
            if self.setup.turns:
                self._turn(moved, dt)
            if self.travels:
                off = here - self.goal
                far = float(np.linalg.norm(off))
                slack = 0.0 if self.setup.rides else STANDING * self.setup.distance
                if far > slack:
                    self.goal = self.goal + damp(off * (1.0 - slack / far), self.zones.travel_s, dt)
                self.anchor = self.anchor + damp(self.goal - self.anchor, 0.4 * self.zones.travel_s, dt)
            if self.setup.rides:
                self.eyes_y += float(damp(self.eyes - self.eyes_y, self.zones.travel_s, dt))
            self.camera = self._state(seen.time + (i + 1) * dt, moved, dt)
        self.drift = (self.anchor - began) / seen.dt
        action = protocol.rates(now, self.camera, seen.dt, cut=self.fresh)
        self.fresh = False
        return action

    def _heading(self, tracks: Tracks) -> float:
        facing = tracks.only(self.setup.subjects).facing()[0].mean(0)
        return float(np.arctan2(facing[0], facing[1]))

    def _turn(self, tracks: Tracks, dt: float) -> None:
        """Go round slowly after a subject that turns, so as to stay on the same side of it."""
        off = self._heading(tracks) - self.heading - (self.azimuth - self.setup.azimuth)
        most = min(MOST_TURN, ROUND_MPS / max(self.setup.distance, 0.1))
        wanted = float(np.clip(math.remainder(off, 2 * math.pi) * LOG_RESIDUAL / HEADING_S, -most, most))
        # Twice damped: a heading jumps where a body tumbles, a camera on its way round must not.
        for k in range(2):
            self.turning[k] += float(damp((wanted if k == 0 else self.turning[0]) - self.turning[k], GATHER_S, dt))
        self.azimuth += self.turning[1] * dt

    def _sight(self, tracks: Tracks) -> tuple[Array, float]:
        subjects = tracks.only(self.setup.subjects)
        target = middle(subjects.points, self.setup.keeps, np.array(self.azimuth), self.setup.elevation or 0.0)[0]
        return target, float(subjects.of("eyes")[0, :, 1].mean())

    def _look(self, time: float, tracks: Tracks, velocity: Array, drift: Array) -> None:
        """Ask what stands in the way of the shot as it goes on, and who comes near."""
        subjects = tracks.only(self.setup.subjects)
        own = [tracks.names.index(name) for name in subjects.names]
        points = subjects.points[0]
        soon = points + SOON_S * velocity[own]
        bodies = np.concatenate([points.reshape(-1, 3), soon.reshape(-1, 3)])
        others = [k for k, name in enumerate(tracks.names) if name not in (*subjects.names, self.partner)]
        self.clearance.look(
            lambda s: self._asked(time + s), self.anchor, drift, bodies, float(subjects.stature.max()),
            tracks.points[0, others], velocity[others].mean(1),
        )  # fmt: skip

    def _asked(self, times: Array) -> Array:
        """Where the shot would have the camera at some times, ``(K, 3)``, the subject staying where it is."""
        eyes = np.full(len(times), self.eyes_y if self.setup.rides else self.setup.eyes_y)
        anchor = np.broadcast_to(self.anchor, (len(times), 3))
        return positions(self.setup, times, anchor, eyes, np.full(len(times), self.azimuth))

    def _state(self, time: float, tracks: Tracks, dt: float) -> CameraState:
        setup = self.setup
        times = np.array([time])
        way = course(setup.shot, times, setup.focal_mm, setup.distance, setup.aspect)
        anchor = self.anchor
        place = self.clearance.walk(self._asked(times)[0], anchor, dt)
        place[1] = max(place[1], LOWEST)
        focal = float(setup.focal_mm * way.zoom[0] * self.clearance.share)
        tan_x, tan_y = (float(t) for t in framing.tangents(focal, setup.aspect))
        y = float(setup.y_at(way.distance[0] / way.zoom[0]))
        rig_yaw, rig_pitch = framing.aim(place, anchor, setup.x, y, tan_x, tan_y)
        rig = (float(rig_yaw), float(rig_pitch))
        room = self._room(tracks, framing.pose(place, *(np.array(rig) + self.composer.deviation)), focal, dt)
        yaw, pitch = self.composer.step(place, self.target, rig, (setup.x, y), (tan_x, tan_y), dt, room)
        right = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        place = place + way.right[0] * right + way.up[0] * np.array([0.0, 1.0, 0.0])
        place[1] = max(place[1], LOWEST)
        place = self.clearance.settle(place)
        limit = np.radians(89.5)
        T = framing.pose(
            place, yaw + way.yaw[0], np.clip(pitch + way.pitch[0], -limit, limit), setup.roll + way.roll[0]
        )
        eyes_at = tracks.only(setup.subjects).of("eyes")[0, 0]
        return CameraState(T, focal, max(float(-(eyes_at - place) @ T[:3, 2]), 0.05))

    def _room(self, tracks: Tracks, T: Array, focal: float, dt: float) -> Array | None:
        """Lowest and highest place (x, y) of the target that keep the whole figure in the picture, ``(2, 2)``."""
        kept = tracks.only(self.setup.subjects).points[0][:, self.setup.keeps].reshape(-1, 3)
        xy, depth = framing.project(T, focal, self.setup.aspect, np.concatenate([kept, self.target[None]]))
        if (depth <= 1e-3).any():
            return None
        reach = np.stack([-(xy[:-1].min(0) - xy[-1]), xy[:-1].max(0) - xy[-1]])
        if self.reach is None:
            self.reach = reach
        # Quick to notice a raised arm, slow to forget it.
        grown = np.where(reach > self.reach, damp(reach - self.reach, 0.25, dt), damp(reach - self.reach, 4.0, dt))
        self.reach = self.reach + grown
        room = np.stack([self.reach[0] - SAFE, SAFE - self.reach[1]])
        full = room[0] > room[1]  # larger than the picture: its middle in the middle
        return np.where(full, room.mean(0), room)


protocol.register("rule", RuleDirector)
