"""The SMPL-24 tree: names, parents, mirror pairs, and the parts that other modules speak of.

Joint order and names are those of SMPL (Loper et al. 2015). Names in other programs live in `motion.names`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

JOINTS: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
INDEX: dict[str, int] = {name: i for i, name in enumerate(JOINTS)}
PARENTS: np.ndarray = np.array(
    [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21], dtype=np.int32
)
PARENTS.setflags(write=False)

#: ``JOINTS[MIRROR[j]]`` is the same joint of the other side.
MIRROR: np.ndarray = np.array(
    [
        INDEX[
            name.replace("left_", "right_") if name.startswith("left_")
            else name.replace("right_", "left_")
        ]
        for name in JOINTS
    ]
)  # fmt: skip
MIRROR.setflags(write=False)


def at_rest(rest_offsets: ArrayLike) -> NDArray[np.float64]:
    """Joints of a T-pose ``(24, 3)``, in the unit of its offsets ``(24, 3)``: each is offset from its parent."""
    joints = np.array(rest_offsets, dtype=np.float64)
    for j, parent in enumerate(PARENTS):
        if parent >= 0:
            joints[j] += joints[parent]
    return joints


#: SMPL-H's finger joints, 15 a hand, in its own order (joints 22..36 left, 37..51 right).
FINGERS: tuple[str, ...] = tuple(
    f"{side}_{finger}{i}"
    for side in ("left", "right")
    for finger in ("index", "middle", "pinky", "ring", "thumb")
    for i in (1, 2, 3)
)
