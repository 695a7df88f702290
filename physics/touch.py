"""How feet touch their ground: `Touch`, the height of each foot over it and how far it slides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.clip import Clip
from motion.rotations import Array
from physics.ground import Ground
from physics.soles import Soles

#: Points of a sole that are about so much higher than its lowest one touch as well, metres.
TOUCHES_M = 0.003


@dataclass(frozen=True)
class Touch:
    """Of each foot its height over the ground, and how far it slides: that of the points of its sole that touch."""

    height: Array  # (T, 2) of the lowest point, metres
    step: Array  # (T − 1, 2, 2) over the floor, x and z, metres

    @classmethod
    def of(cls, clip: Clip, soles: Soles, ground: Ground) -> Touch:
        """Measure both feet of a clip, left and right."""
        points = ground.above(soles.points(clip))
        heights, steps = [], []
        for s in range(2):
            foot = points[:, soles.side == s]
            low = foot[..., 1].min(1, keepdims=True)
            near = np.exp((low - foot[..., 1]) / TOUCHES_M)  # which point is the lowest may change every frame
            share = near[1:] * near[:-1]
            share /= np.maximum(share.sum(1, keepdims=True), 1e-12)
            heights.append(low[:, 0])
            steps.append((np.diff(foot[..., [0, 2]], axis=0) * share[..., None]).sum(1))
        return cls(np.stack(heights, -1), np.stack(steps, 1))


def bearing(on: np.ndarray) -> np.ndarray:
    """``(T, 2)`` bool: feet of which heel or toe stands, of plants ``(T, 4)`` in the order of `contacts.LABELS`."""
    return np.stack([on[:, :2].any(1), on[:, 2:].any(1)], -1)
