"""What stands on a set and who performs there: `Prop`, `Attachment`, `Light`, `Stage`, `Performance`.

Only descriptions live here; `render` draws them, `physics` collides with them, `rl_camera` keeps cameras out of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from motion.character import Character
from motion.clip import Clip
from motion.material import Colour, Material
from motion.rotations import IDENTITY, Array


@dataclass(frozen=True)
class Attachment:
    """A prop held by a performer's joint for a while, then let go."""

    performer: str
    joint: str = "right_hand"  # one of skeleton.JOINTS
    start_s: float = 0.0
    end_s: float | None = None  # None: never let go
    offset: Array | None = None  # (3,) metres in the joint's frame; None: the palm for hands, else the joint
    rotation: Array | None = None  # (4,) xyzw in the joint's frame; None: as when taken, sticks across the palm


@dataclass(frozen=True)
class Prop:
    """A thing on the set: a primitive or a mesh file, at a place, perhaps held for a while."""

    name: str
    shape: str = "box"  # a primitive's name (box, sphere, cylinder, cone, bench, …) or the path of a mesh file
    size: tuple[float, float, float] = (1.0, 1.0, 1.0)  # metres: width x, height y, depth z
    position: Array = field(default_factory=lambda: np.zeros(3))  # metres, world: the middle of the prop's underside
    rotation: Array = field(default_factory=lambda: IDENTITY.copy())  # xyzw, world
    material: Material | None = None  # None: the mesh file's own, or the primitive's usual one
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Light:
    """A lamp besides the preset's sun and sky."""

    kind: str  # "point" | "spot"
    position: Array  # (3,) metres, world
    colour: Colour = (1.0, 1.0, 1.0)
    intensity: float = 100.0  # candela-like: radiance reaching one metre away
    target: Array | None = None  # (3,) metres, world, for a spot
    angle: float = 0.6  # radians, half the spot's cone


@dataclass(frozen=True)
class Stage:
    """The set: ground, light, sky, things."""

    ground: str | None = "studio"  # ground material's name; None: no ground
    light: str = "studio"  # light preset's name
    sun_azimuth: float | None = None  # radians about +Y from +Z; None: the preset's
    sun_elevation: float | None = None  # radians above the horizon; None: the preset's
    props: tuple[Prop, ...] = ()
    lights: tuple[Light, ...] = ()
    plate: str | None = None  # an image behind everything; the ground then only catches shadows


@dataclass(frozen=True)
class Performance:
    """A clip, in world coordinates, on a body, from a moment on; its first and last poses are held outside it."""

    name: str
    clip: Clip
    character: Character
    start_s: float = 0.0

    def at(self, time: ArrayLike) -> tuple[Array, Array]:
        """Local rotations ``(…, 24, 4)`` and pelvis ``(…, 3)`` at times ``(…)`` of the film, seconds."""
        return self.clip.at(np.asarray(time, dtype=np.float64) - self.start_s)
