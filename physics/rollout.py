"""`Rollout`: what came of one performer whom Bullet made perform a clip."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from motion.clip import Clip
from motion.rotations import Array
from physics.mass import GRAVITY


@dataclass(frozen=True)
class Rollout:
    """What came of one performer; T is shorter than the input's where the simulation ended early."""

    clip: Clip  # simulated, at the input's rate; welded joints' rotations are the input's
    force: Array  # (T, 3) residual force at the pelvis, N, world, mean over each frame's steps
    torque: Array  # (T, 3) residual torque, N m, world
    feet: Array  # (T, 2, 3) contact force on the left and right foot, N, world
    error_m: Array  # (T,) mean distance of the joints from the input's
    planned_error_m: Array  # (T,) the same from what is tracked: lifted out of the ground, flights bent to parabolas
    at_bound: np.ndarray  # (T,) bool: force or torque at its bound in most of the frame
    flight: np.ndarray  # (T,) bool: planned as falling freely; no residual force there
    bounds: Array  # (T, 2) of the residual wrench: share of body weight, share of mass x g x height
    mass_kg: float
    height_m: float
    fell: bool
    tracked: bool  # did not fall, and kept within the settings' distance of what was planned
    seconds: float  # of computing, all tries of all performers together
    rollouts: int  # tries
    reason: str = ""  # why it ended early or does not track
    tries: tuple[str, ...] = field(default=())  # one line for each bound tried

    @property
    def force_share(self) -> float:
        """Mean residual force over body weight."""
        return float(np.linalg.norm(self.force, axis=1).mean() / (self.mass_kg * GRAVITY))

    @property
    def torque_share(self) -> float:
        """Mean residual torque over mass x g x height."""
        return float(np.linalg.norm(self.torque, axis=1).mean() / (self.mass_kg * GRAVITY * self.height_m))

    @property
    def help_share(self) -> float:
        """Force and torque as one number: a torque of 0.5 m g h counts as much as a force of one body weight."""
        return self.force_share + 2.0 * self.torque_share
