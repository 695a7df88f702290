"""The live filter: dead zone, soft zone and damping on the screen, as game cameras do it; it knows only the present.

The camera turns only as far as brings its target to the edge of the dead zone, and that with exponential damping;
then, undamped, as far as keeps the target inside the soft zone. Everything is walked in steps of at most 1/120 s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.rotations import Array
from rl_camera import framing
from rl_camera.damping import damp

#: Factor on the damping time while part of the figure is out of the picture.
HURRY = 0.25


@dataclass(frozen=True)
class Zones:
    """Settings of the live filter; sizes are shares of the frame (1: all of it)."""

    dead: float = 0.1  # width and height of the dead zone
    soft: float = 0.8  # width and height within which the target always is
    damping_s: float = 0.8  # until 1 % of an error is left, turning
    travel_s: float = 0.9  # until 1 % of an error is left, travelling
    inertia_s: float = 0.35  # until 1 % is left of what the damped turn has not yet become motion: no corners in it
    look_ahead_s: float = 0.1  # how far the target's motion is run ahead


class Composer:
    """Turns a camera after a target, one short step at a time."""

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.aimed = np.zeros(2)  # yaw and pitch beyond the rig's own that the dead zone asks for, radians
        self.deviation = np.zeros(2)  # the same after the head's own inertia: what the camera does

    def step(
        self, position: Array, target: Array, rig: tuple[float, float], wanted: tuple[float, float],
        tangents: tuple[float, float], dt: float, room: Array | None = None,
    ) -> tuple[float, float]:  # fmt: skip
        """One step of at most 1/120 s.

        Args:
            position: ``(3,)`` the camera, metres.
            target: ``(3,)`` what is composed, metres.
            rig: yaw and pitch that the move itself asks for, radians.
            wanted: place of the target in the picture, half frames from the middle.
            tangents: of half the fields of view.
            dt: seconds.
            room: ``(2, 2)`` lowest and highest place (x, y) of the target at which the whole figure is in the
                picture; outside it the camera hurries. None: the whole frame.

        Returns:
            Yaw and pitch, radians.
        """
        zones = self.zones
        want = np.asarray(wanted, dtype=np.float64)
        dead = np.stack([want - zones.dead, want + zones.dead])
        if room is not None:
            dead = np.clip(dead, room[0], room[1])
            hurry = self._to_edge(position, target, rig, self.aimed, room, tangents)
            self.aimed = self.aimed + damp(hurry, HURRY * zones.damping_s, dt)
        edge = self._to_edge(position, target, rig, self.aimed, dead, tangents)
        self.aimed = self.aimed + damp(edge, zones.damping_s, dt)
        self.deviation = self.deviation + damp(self.aimed - self.deviation, zones.inertia_s, dt)
        frame = np.clip(np.stack([want - zones.soft, want + zones.soft]), -0.98, 0.98)
        self.deviation = self.deviation + self._to_edge(position, target, rig, self.deviation, frame, tangents)
        return rig[0] + float(self.deviation[0]), rig[1] + float(self.deviation[1])

    def _to_edge(
        self, position: Array, target: Array, rig: tuple[float, float], turned: Array, zone: Array,
        tangents: tuple[float, float],
    ) -> Array:  # fmt: skip
        """How far yaw and pitch must turn to bring the target into a zone ``(2, 2)``, lowest and highest (x, y)."""
        yaw, pitch = rig[0] + turned[0], rig[1] + turned[1]
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        d = target - position
        x, z = cy * d[0] - sy * d[2], sy * d[0] + cy * d[2]
        y, depth = cp * d[1] + sp * z, sp * d[1] - cp * z
        if depth <= 1e-6:  # behind the camera: turn all the way
            goal = zone.mean(0)
        else:
            at = np.array([x / depth / tangents[0], y / depth / tangents[1]])
            goal = np.clip(at, zone[0], zone[1])
            if (goal == at).all():
                return np.zeros(2)
        new_yaw, new_pitch = framing.aim(position, target, goal[0], goal[1], *tangents)
        turn = float(new_yaw) - yaw
        return np.array([np.arctan2(np.sin(turn), np.cos(turn)), float(new_pitch) - pitch])


class Predictor:
    """Look-ahead: the target runs on with its velocity, which is smoothed: slower when it falls than when it grows."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.velocity = np.zeros(3)

    def step(self, target: Array, velocity: Array, dt: float) -> Array:
        """Where the target will be, ``(3,)``."""
        if self.seconds <= 0:
            return target
        slowing = np.linalg.norm(velocity) < np.linalg.norm(self.velocity)
        self.velocity = self.velocity + damp(velocity - self.velocity, 1.0 if slowing else 0.5, dt)
        return target + self.seconds * self.velocity
