"""`Clip`: a performance on the SMPL-24 skeleton, the currency between stages; and `ContactTrack`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.errors import BadInput
from motion.rotations import Array
from motion.sampling import neighbours
from motion.take import Provenance


@dataclass(frozen=True)
class ContactTrack:
    """Which parts of the body carry weight at which frame."""

    labels: tuple[str, ...]  # for example "left_heel", "left_toe", "right_heel", "right_toe", "seat"
    on: np.ndarray  # (T, K) bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "on", np.asarray(self.on, dtype=bool))
        if self.on.ndim != 2 or self.on.shape[1] != len(self.labels):
            raise BadInput(f"contacts: shape {self.on.shape}, expected (frames, {len(self.labels)})")

    def __getitem__(self, label: str) -> np.ndarray:
        return self.on[:, self.labels.index(label)]


@dataclass(frozen=True)
class Clip:
    """A performance in metres, Y up, on SMPL-24; at rest (all rotations identity) a T-pose facing +Z.

    ``root_position`` is the **pelvis joint** in the world, not SMPL's ``trans`` (which is this minus the rest pelvis).
    """

    rotations: Array  # (T, 24, 4) local, xyzw
    root_position: Array  # (T, 3) metres, world
    rest_offsets: Array  # (24, 3) metres, joint in its parent's frame at rest; row 0: rest pelvis above its floor
    fps: Fraction
    valid: np.ndarray = field(default_factory=lambda: np.ones(24, dtype=bool))  # (24,) joints the source really had
    contacts: ContactTrack | None = None
    fingers: Array | None = None  # (T, 30, 4) local, xyzw, SMPL-H's order (skeleton.FINGERS)
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "rotations", np.asarray(self.rotations, dtype=np.float64))
        set_(self, "root_position", np.asarray(self.root_position, dtype=np.float64))
        set_(self, "rest_offsets", np.asarray(self.rest_offsets, dtype=np.float64))
        set_(self, "valid", np.asarray(self.valid, dtype=bool))
        set_(self, "fps", Fraction(self.fps))
        frames = len(self.rotations)
        for name, shape in (
            ("rotations", (frames, 24, 4)),
            ("root_position", (frames, 3)),
            ("rest_offsets", (24, 3)),
            ("valid", (24,)),
        ):
            if getattr(self, name).shape != shape:
                raise BadInput(f"clip: {name} has shape {getattr(self, name).shape}, expected {shape}")
        if self.fingers is not None:
            set_(self, "fingers", np.asarray(self.fingers, dtype=np.float64))
            if self.fingers.shape != (frames, 30, 4):
                raise BadInput(f"clip: fingers has shape {self.fingers.shape}, expected {(frames, 30, 4)}")
        if self.contacts is not None and len(self.contacts.on) != frames:
            raise BadInput(f"clip: {len(self.contacts.on)} frames of contacts, expected {frames}")
        if frames == 0:
            raise BadInput("clip: no frames, expected at least one")
        if self.fps <= 0:
            raise BadInput(f"clip: {self.fps} frames per second, expected more than 0")
        if not (np.isfinite(self.rotations).all() and np.isfinite(self.root_position).all()):
            bad = ~(np.isfinite(self.rotations).all((1, 2)) & np.isfinite(self.root_position).all(1))
            raise BadInput(f"clip: frame {int(np.argmax(bad))} is not finite (NaN or infinite)")

    @property
    def frames(self) -> int:
        return len(self.rotations)

    @property
    def seconds(self) -> float:
        """Time on screen, T / fps: each of T frames is shown for 1 / fps. The motion itself spans (T − 1) / fps."""
        return float(self.frames / self.fps)

    def world(self) -> tuple[Array, Array]:
        """World rotations ``(T, 24, 4)`` and joint positions ``(T, 24, 3)``, metres."""
        offsets = np.repeat(self.rest_offsets[None], self.frames, axis=0)
        offsets[:, 0] = self.root_position
        return kinematics.forward(skeleton.PARENTS, self.rotations, offsets)

    def positions(self) -> Array:
        """Joint positions ``(T, 24, 3)``, metres, world."""
        return self.world()[1]

    def at(self, time: ArrayLike) -> tuple[Array, Array]:
        """The pose at any times ``(…)``, seconds: local rotations ``(…, 24, 4)`` by slerp, the pelvis ``(…, 3)``.

        The first and last poses are held beyond the ends.
        """
        i, j, t = neighbours(np.asarray(time, dtype=np.float64) * float(self.fps), self.frames)
        t = t[..., None]
        rotations = rot.slerp(self.rotations[i], self.rotations[j], t)
        return rotations, (1 - t) * self.root_position[i] + t * self.root_position[j]

    def noting(self, *notes: str) -> Clip:
        """The same clip with more notes in its provenance."""
        return replace(self, provenance=self.provenance.noting(*notes))
