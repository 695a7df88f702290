"""What else than feet may carry weight: hands, knees, the seat. Where they are, and when they rest on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import contacts
from motion.clip import Clip
from motion.rotations import Array
from motion.skeleton import INDEX
from physics.ground import Ground

#: Parts in the order of every array of this module.
LABELS = ("left_hand", "right_hand", "left_knee", "right_knee", "seat")
#: Which joints a part is, and how thick it is under them, metres for an adult: flesh of the palm and the knee, and of
#: the seat under the hips.
_JOINTS: dict[str, tuple[tuple[str, float], ...]] = {
    "left_hand": (("left_wrist", 0.03), ("left_hand", 0.02)),
    "right_hand": (("right_wrist", 0.03), ("right_hand", 0.02)),
    "left_knee": (("left_knee", 0.055),),
    "right_knee": (("right_knee", 0.055),),
    "seat": (("left_hip", 0.09), ("right_hip", 0.09)),
}
#: Other parts that may not go through the floor, and how thick they are.
_OTHERS = (
    ("left_elbow", 0.04), ("right_elbow", 0.04), ("head", 0.09), ("spine2", 0.10), ("left_shoulder", 0.06),
    ("right_shoulder", 0.06),
)  # fmt: skip
#: A part that rests is no higher than this over the lowest one, metres for an adult; it may move so many times faster
#: than a foot, and be so many times higher: its shape is known less well.
_LOWEST_M, _FASTER, _ROUGH = 0.10, 1.7, 1.8


@dataclass(frozen=True, eq=False)
class Rests:
    """Hands, knees and seat of a clip over its ground."""

    height: Array  # (T, 5) of the lowest point of each, metres over the ground
    step: Array  # (T − 1, 5, 2) by which each moves over the floor, metres
    deepest: Array  # (T,) height of the lowest part of the whole body but the feet, metres

    @classmethod
    def of(cls, clip: Clip, ground: Ground, joints: Array | None = None) -> Rests:
        """Measure a clip; ``joints`` ``(T, 24, 3)`` are its positions, if they are known."""
        size = contacts.size_of(clip.rest_offsets)
        places = ground.above(clip.positions() if joints is None else joints)
        height, level = [], []
        for label in LABELS:
            rows = [INDEX[name] for name, _ in _JOINTS[label]]
            height.append((places[:, rows, 1] - size * np.array([t for _, t in _JOINTS[label]])).min(1))
            level.append(places[:, rows][..., [0, 2]].mean(1))
        others = [places[:, INDEX[name], 1] - size * thick for name, thick in _OTHERS]
        heights = np.stack(height, -1)
        return cls(heights, np.diff(np.stack(level, 1), axis=0), np.minimum(heights.min(1), np.min(others, axis=0)))

    def on(self, clip: Clip, feet: Array) -> np.ndarray:
        """``(T, 5)`` bool: when each carries weight: low, slow, and none of the body much lower.

        Args:
            clip: for its rate and size.
            feet: ``(T,)`` height of the lowest sole, metres.
        """
        size = contacts.size_of(clip.rest_offsets)
        lowest = np.minimum(feet, self.deepest)
        near = self.height - lowest[:, None] < _LOWEST_M * size
        way = np.concatenate([np.zeros((1, len(LABELS), 2)), np.cumsum(self.step, axis=0)])
        # Heights count from the lowest part: who lies some centimetres in the floor lies.
        high = (self.height - np.minimum(lowest, 0.0)[:, None]) / _ROUGH
        points = np.stack([way[..., 0] / _FASTER, high, way[..., 1] / _FASTER], -1)
        return contacts.contact_mask(points, clip.fps, np.zeros(len(LABELS)), size) & near


def through_floor_mm(rests: Rests) -> float:
    """How deep the body, feet apart, is in the ground: its lowest part less 5 mm, mean over frames, millimetres."""
    return float(np.maximum(-rests.deepest - 0.005, 0.0).mean() * 1000.0)
