"""`Constraints`: what a motion must pass through, frame by frame, in the world; numpy only."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from motion.errors import BadInput

#: Joints that the models know: SMPL-24 without the two hand joints, which are fixed to the wrists.
JOINTS = 22
#: How much keys, paths, points and kept parts are guided; 1 is plainly. Chosen on training motion.
GUIDED = 1.25


@dataclass
class Constraints:
    """Targets and masks over ``T`` frames at 30 fps. A target counts only where its ``_on`` is True."""

    path: np.ndarray  # (T, 2) metres: x, z of the smoothed root, the way one walks
    path_on: np.ndarray  # (T,) bool
    pelvis: np.ndarray  # (T, 3) metres: the pelvis joint itself
    pelvis_on: np.ndarray  # (T, 2) bool: level (x and z), height
    heading: np.ndarray  # (T,) radians: the direction faced, yaw from +Z towards +X
    heading_on: np.ndarray  # (T,) bool
    rotations: np.ndarray  # (T, 22, 4) **world** rotations, xyzw
    rotations_on: np.ndarray  # (T, 22) bool
    positions: np.ndarray  # (T, 22, 3) metres, world
    positions_on: np.ndarray  # (T, 22) bool
    contacts: np.ndarray  # (T, 4) bool: left heel, left toe, right heel, right toe
    contacts_on: np.ndarray  # (T,) bool

    @classmethod
    def none(cls, frames: int) -> Constraints:
        """No constraint at all over so many frames."""
        rotations = np.zeros((frames, JOINTS, 4))
        rotations[..., 3] = 1.0
        return cls(
            path=np.zeros((frames, 2)), path_on=np.zeros(frames, bool),
            pelvis=np.zeros((frames, 3)), pelvis_on=np.zeros((frames, 2), bool),
            heading=np.zeros(frames), heading_on=np.zeros(frames, bool),
            rotations=rotations, rotations_on=np.zeros((frames, JOINTS), bool),
            positions=np.zeros((frames, JOINTS, 3)), positions_on=np.zeros((frames, JOINTS), bool),
            contacts=np.zeros((frames, 4), bool), contacts_on=np.zeros(frames, bool),
        )  # fmt: skip

    @property
    def frames(self) -> int:
        return len(self.path)

    def __getitem__(self, index: slice) -> Constraints:
        """The constraints of a range of frames (copies)."""
        return Constraints(**{f.name: getattr(self, f.name)[index].copy() for f in fields(self)})

    def check(self) -> None:
        """Refuse shapes that disagree and targets that are not finite.

        Raises:
            BadInput: names the field and the first bad frame.
        """
        empty = Constraints.none(self.frames)
        for f in fields(self):
            value, shape = getattr(self, f.name), getattr(empty, f.name).shape
            if value.shape != shape:
                raise BadInput(f"constraints: {f.name} has shape {value.shape}, expected {shape}")
            bad = ~np.isfinite(value.reshape(len(value), -1).astype(float)).all(1)
            if bad.any():
                raise BadInput(f"constraints: {f.name} at frame {int(np.argmax(bad))} is not finite (NaN or infinite)")
