"""`Take`: a capture as it came, on any skeleton, and `Provenance`. A file read and written again says the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from motion import kinematics
from motion import rotations as rot
from motion.errors import BadInput
from motion.rotations import Array
from motion.sampling import neighbours


@dataclass(frozen=True)
class Provenance:
    """Where a motion came from and what may be done with it; travels to the film's sidecar."""

    source: str = ""  # a file's name, or what made the motion
    sha256: str | None = None  # of the source file
    licence: str | None = None
    consent: str | None = None  # what the performer agreed to, when known
    seed: int | None = None
    model: str | None = None  # name and hash of the weights, when a model made it
    notes: tuple[str, ...] = ()  # what was assumed or changed on the way, one sentence each

    def noting(self, *notes: str) -> Provenance:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True)
class Take:
    """Motion of any tree of joints, in the units and axes of its source.

    The pose of joint j at frame t in its parent's frame is ``rotations[t, j]`` and ``translations[t, j]``: both
    complete, not relative to the rest pose. Parents stand before their children.
    """

    names: tuple[str, ...]
    parents: np.ndarray  # (J,) int32, −1 for a root
    rest_offsets: Array  # (J, 3) rest position in the parent's frame, source units
    rotations: Array  # (T, J, 4) local, xyzw
    translations: Array  # (T, J, 3) local, source units; equal to rest_offsets where the source has no position
    fps: Fraction
    rest_rotations: Array | None = None  # (J, 4) local rotations of the source's own rest pose; None: identity
    end_offsets: Array | None = None  # (J, 3) end site of a leaf in its own frame; NaN: the source has none
    channels: tuple[tuple[str, ...], ...] | None = None  # per joint, as a BVH names them; None: not from a BVH
    metres_per_unit: float | None = None  # None: the source does not say
    up: str | None = None  # "X", "Y" or "Z"; None: the source does not say
    skeleton_kind: str | None = None  # a reader that knows the names' meaning says so: "deepmimic", "smplh", …
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        joints = len(self.names)
        set_ = object.__setattr__
        set_(self, "names", tuple(self.names))
        set_(self, "parents", np.asarray(self.parents, dtype=np.int32))
        set_(self, "fps", Fraction(self.fps))
        for name in ("rest_offsets", "rotations", "translations", "rest_rotations", "end_offsets"):
            value = getattr(self, name)
            if value is not None:
                set_(self, name, np.asarray(value, dtype=np.float64))
        frames = len(self.rotations)
        expected = {
            "parents": (joints,),
            "rest_offsets": (joints, 3),
            "rotations": (frames, joints, 4),
            "translations": (frames, joints, 3),
            "rest_rotations": (joints, 4),
            "end_offsets": (joints, 3),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise BadInput(f"take: {name} has shape {value.shape}, expected {shape}")
        if joints == 0 or frames == 0:
            raise BadInput(f"take: {frames} frames of {joints} joints, expected at least one of each")
        if (self.parents >= np.arange(joints)).any():
            raise BadInput("take: a joint stands before its parent")
        if self.fps <= 0:
            raise BadInput(f"take: {self.fps} frames per second, expected more than 0")

    @property
    def label(self) -> str:
        """What errors call the take: the name of its source."""
        return self.provenance.source or "take"

    def require_finite(self) -> None:
        """Refuse poses that are not numbers.

        Raises:
            BadInput: a pose is NaN or infinite; names the first such frame.
        """
        finite = np.isfinite(self.rotations).all((1, 2)) & np.isfinite(self.translations).all((1, 2))
        if not finite.all():
            raise BadInput(f"{self.label}: frame {int(np.argmin(finite))} is not finite (NaN or infinite)")

    @property
    def frames(self) -> int:
        return len(self.rotations)

    @property
    def joints(self) -> int:
        return len(self.names)

    @property
    def seconds(self) -> float:
        """Time on screen, T / fps: each of T frames is shown for 1 / fps. The motion itself spans (T − 1) / fps."""
        return float(self.frames / self.fps)

    def world(self) -> tuple[Array, Array]:
        """World rotations ``(T, J, 4)`` and positions ``(T, J, 3)`` by the source's own forward kinematics."""
        return kinematics.forward(self.parents, self.rotations, self.translations)

    def rest_world(self) -> tuple[Array, Array]:
        """World rotations ``(J, 4)`` and positions ``(J, 3)`` of the source's own rest pose."""
        rest = self.rest_rotations
        if rest is None:
            rest = np.broadcast_to(rot.IDENTITY, (self.joints, 4))
        return kinematics.forward(self.parents, rest, self.rest_offsets)

    def slice(self, start: int = 0, stop: int | None = None) -> Take:
        """Frames ``start`` to ``stop`` (excluded)."""
        return replace(self, rotations=self.rotations[start:stop], translations=self.translations[start:stop])

    def spread(self, most: int) -> np.ndarray:
        """Numbers of at most so many frames, spread evenly from the first to the last: enough for a median."""
        return np.unique(np.linspace(0, self.frames - 1, min(self.frames, most)).astype(int))

    def resample(self, fps: Fraction) -> Take:
        """The same motion at another rate: slerp and linear, the time of every sample exact.

        Raises:
            BadInput: the rate is not positive.
        """
        if fps <= 0:
            raise BadInput(f"resample: {fps} frames per second, expected more than 0")
        if fps == self.fps:
            return self
        count = int((self.frames - 1) * fps / self.fps) + 1
        i, j, t = neighbours([float(k * self.fps / fps) for k in range(count)], self.frames)
        t = t[:, None]
        note = f"resampled from {float(self.fps):g} to {float(fps):g} frames per second"
        return replace(
            self,
            rotations=rot.slerp(self.rotations[i], self.rotations[j], t),
            translations=(1 - t[..., None]) * self.translations[i] + t[..., None] * self.translations[j],
            fps=fps,
            provenance=self.provenance.noting(note),
        )
