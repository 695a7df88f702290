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


@dataclass(frozen=True)
class Zones:
    """Settings of the live filter; sizes are shares of the frame (1: all of it)."""

    dead: float = 0.1  # width and height of the dead zone
    soft: float = 0.8  # width and height within which the target always is
    damping_s: float = 0.8  # until 1 % of an error is left, turning
    travel_s: float = 1.2  # until 1 % of an error is left, travelling
    look_ahead_s: float = 0.0  # how far the target's motion is run ahead


class Composer:
    """Turns a camera after a target, one short step at a time."""

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.deviation = np.zeros(2)  # yaw and pitch beyond the rig's own, radians

    def step(
        self, position: Array, target: Array, rig: tuple[float, float], wanted: tuple[float, float],
        tangents: tuple[float, float], dt: float,
    ) -> tuple[float, float]:  # fmt: skip
        """One step of at most 1/120 s.

        Args:
            position: ``(3,)`` the camera, metres.
            target: ``(3,)`` what is composed, metres.
            rig: yaw and pitch that the move itself asks for, radians.
            wanted: place of the target in the picture, half frames from the middle.
            tangents: of half the fields of view.
            dt: seconds.

        Returns:
            Yaw and pitch, radians.
        """
        zones = self.zones
        edge = self._to_edge(position, target, rig, wanted, tangents, zones.dead)
        self.deviation = self.deviation + damp(edge, zones.damping_s, dt)
        self.deviation = self.deviation + self._to_edge(position, target, rig, wanted, tangents, zones.soft)
        return rig[0] + float(self.deviation[0]), rig[1] + float(self.deviation[1])

    def _to_edge(
        self, position: Array, target: Array, rig: tuple[float, float], wanted: tuple[float, float],
        tangents: tuple[float, float], size: float,
    ) -> Array:  # fmt: skip
        """How far yaw and pitch must turn to bring the target to the edge of a zone about its wanted place."""
        yaw, pitch = rig[0] + self.deviation[0], rig[1] + self.deviation[1]
        cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
        d = target - position
        x, z = cy * d[0] - sy * d[2], sy * d[0] + cy * d[2]
        y, depth = cp * d[1] + sp * z, sp * d[1] - cp * z
        if depth <= 1e-6:  # behind the camera: turn all the way
            goal = wanted
        else:
            at = (x / depth / tangents[0], y / depth / tangents[1])
            if size >= 1.0:  # a zone as large as the frame is the frame itself, wherever the target should stand
                goal = tuple(float(np.clip(a, -0.98, 0.98)) for a in at)
            else:
                goal = tuple(float(np.clip(a, w - size, w + size)) for a, w in zip(at, wanted, strict=True))
            if goal == at:
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
