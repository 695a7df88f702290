"""What one episode is: who performs, what stands in the way, which rig films and what it is asked to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rl_camera.env.columns import Array, Columns, Layout


def layout(performers: int, blocks: int) -> Layout:
    """Rows of an episode's `Columns` for so many performers and things that may stand in the way."""
    P, K = (performers,), (blocks,)
    return {
        # performers: a take's own world is turned by Ry, scaled and moved into the episode's
        "cos": P, "sin": P,  # of the turn, times the scale
        "scale": P, "off_x": P, "off_z": P,  # metres
        "stature": P,  # metres, scaled
        "present": P,  # 1 or 0
        "filmed": P,  # 1 for the subjects of the shot, the first performer always
        # things: boxes with their own turn, or upright capsules and spheres
        "block_at": (3, *K),  # metres, the middle
        "block_half": (3, *K),  # half extents; a capsule (0, h, 0), a sphere 0
        "block_round": K,  # radius of capsules and spheres; 0 for boxes
        "block_cos": K, "block_sin": K,  # the box's turn about +Y
        "block_reach": K,  # radius of the sphere around it; 0: nothing is there
        # what is asked: at the start, and how much it changes until the end; `Episodes.asked` reads these five at once
        "share": (2,),  # ln of the frame's height at the subject in statures
        "azimuth": (2,),  # radians from the subject's heading to its left
        "elevation": (2,),  # radians
        "lens_log": (2,),  # ln of millimetres
        "y": (2,),  # place of the framed part's middle, half frames
        "x": (), "look": (),  # the same across: fixed part, and room left where the subject faces
        "either": (),  # 1: the mirrored side is as good
        "eye_level": (),  # 1: elevation counts from the height of the eyes
        "roll": (),  # radians
        # the camera
        "rig": (10,),  # rows as `rigs.LIMITS`
        "lens": (2,),  # ln of shortest and longest focal length
        "aspect": (),  # width over height
    }  # fmt: skip


@dataclass
class Episodes:
    """N episodes side by side, and how far each has come."""

    data: Columns  # as `layout`
    rows: np.ndarray  # (P, N) int64: first column of each performer's window in the table
    size: np.ndarray  # (N,) int64: number of the asked shot size
    length: np.ndarray  # (N,) int64: steps
    t: np.ndarray  # (N,) int64: steps done
    keeps: np.ndarray | None = None  # (K, N) uint8: 1 for keypoints that the asked size must show; made at first need

    def __len__(self) -> int:
        return len(self.t)

    def take(self, index: np.ndarray) -> Episodes:
        """Some of them, copied; the same may be taken many times."""
        return Episodes(
            self.data.take(index), self.rows.take(index, axis=1), self.size[index], self.length[index], self.t[index],
            None if self.keeps is None else self.keeps.take(index, axis=1),
        )  # fmt: skip

    def put(self, index: np.ndarray, other: Episodes) -> None:
        """Overwrite some of them."""
        self.data.put(index, other.data)
        self.rows[:, index], self.size[index] = other.rows, other.size
        self.length[index], self.t[index] = other.length, other.t
        if self.keeps is not None and other.keeps is not None:
            self.keeps[:, index] = other.keeps
        else:
            self.keeps = None

    def copy(self) -> Episodes:
        """The same, apart."""
        return Episodes(
            self.data.copy(), self.rows.copy(), self.size.copy(), self.length.copy(), self.t.copy(),
            None if self.keeps is None else self.keeps.copy(),
        )  # fmt: skip

    def asked(self) -> Asked:
        """What is asked at this moment of each."""
        progress = np.minimum(self.t.astype(np.float32) / np.maximum(self.length, 1).astype(np.float32), _ONE)
        left = _ONE - progress
        # `damping.ease` and its rate, in the numbers of the batch.
        square = progress * progress
        u = square * progress * (square * np.float32(6.0) - progress * np.float32(15.0) + np.float32(10.0))
        rate = square * left * left * np.float32(30.0)
        both = self.data.rows("share", "y").reshape(5, 2, -1)
        now = u * both[:, 1] + both[:, 0]
        return Asked(now[0], now[1], now[2], now[3], now[4], left, both[:3, 1] * rate)


_ONE = np.float32(1.0)


@dataclass(frozen=True)
class Asked:
    """What is asked of each camera at one moment, ``(N,)`` each; units as in `layout`."""

    share: Array
    azimuth: Array
    elevation: Array
    lens_log: Array
    y: Array
    left: Array  # share of the shot that is left
    going: Array  # (3, N) change of share, azimuth and elevation per whole shot, at this moment
