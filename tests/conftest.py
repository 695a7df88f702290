"""Shared fixtures: small motions made on the spot, and the captures inside the pybullet wheel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from motion import Clip, ContactTrack
from motion import rotations as rot

#: A rest skeleton of ordinary proportions, metres; row 0 is the pelvis above the floor.
REST_OFFSETS = np.array(
    [
        [0, 0.94, 0], [0.09, -0.08, 0], [-0.09, -0.08, 0], [0, 0.11, -0.02], [0.01, -0.38, 0], [-0.01, -0.38, 0],
        [0, 0.13, 0], [0, -0.40, -0.03], [0, -0.40, -0.03], [0, 0.06, 0.02], [0.02, -0.06, 0.12], [-0.02, -0.06, 0.12],
        [0, 0.21, -0.03], [0.07, 0.12, -0.02], [-0.07, 0.12, -0.02], [0, 0.08, 0.05], [0.11, 0.04, -0.01],
        [-0.11, 0.04, -0.01], [0.26, 0, -0.02], [-0.26, 0, -0.02], [0.25, 0, 0], [-0.25, 0, 0], [0.08, 0, 0],
        [-0.08, 0, 0],
    ]
)  # fmt: skip


def random_clip(seed: int = 0, frames: int = 40, fps: Fraction | int = 30) -> Clip:
    """Smooth random motion with contacts and fingers: for laws that must hold for any motion."""
    rng = np.random.default_rng(seed)
    turns = np.cumsum(rng.normal(size=(frames, 24, 3)), axis=0) * 0.04
    root = np.cumsum(rng.normal(size=(frames, 3)), axis=0) * 0.02 + [0.3, 0.9, -0.2]
    fingers = rot.from_rotvec(0.2 * rng.normal(size=(frames, 30, 3)))
    contacts = ContactTrack(("left_heel", "left_toe", "right_heel", "right_toe"), rng.random((frames, 4)) > 0.5)
    return Clip(rot.from_rotvec(turns), root, REST_OFFSETS, Fraction(fps), fingers=fingers, contacts=contacts)


@pytest.fixture
def clip() -> Clip:
    return random_clip()
