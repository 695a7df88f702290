"""`Posed`: a clip with what is measured of it, worked out once: sole points, the floor under them, joints, balance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motion.clip import Clip
from motion.rotations import Array
from physics.ground import Ground
from physics.mass import centre_of_mass
from physics.rests import Rests
from physics.soles import Soles


@dataclass(frozen=True, eq=False)
class Posed:
    """One version of a performance, to be measured."""

    clip: Clip
    soles: Soles
    ground: Ground

    @cached_property
    def points(self) -> Array:
        """``(T, K, 3)`` sole points, metres, world."""
        return self.soles.points(self.clip)

    @cached_property
    def floor(self) -> Array:
        """``(T, K)`` height of the ground under each."""
        return self.ground.heights(self.points)

    @cached_property
    def joints(self) -> Array:
        """``(T, 24, 3)`` metres, world."""
        return np.asarray(self.clip.positions())

    @cached_property
    def rests(self) -> Rests:
        """Hands, knees and seat."""
        return Rests.of(self.clip, self.ground, self.joints)

    @cached_property
    def com(self) -> Array:
        """``(T, 3)`` centre of mass, metres."""
        return centre_of_mass(self.clip)

    def away(self, other: Posed) -> Array:
        """Mean distance of joints from another version ``(T,)``, metres."""
        return np.asarray(np.linalg.norm(self.joints - other.joints, axis=-1).mean(-1))
