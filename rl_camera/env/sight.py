"""What each camera of a batch sees: points of bodies in its frame, where they are in the picture, what hides them.

Everything is a structure of arrays with the environments last, so that NumPy's inner loops run over environments.
Sight lines are tested exactly, but only for the pairs of a body and a thing that a bounding test leaves, which are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.camera import SENSOR_WIDTH_MM
from motion.rotations import Array
from rl_camera.env import blocking
from rl_camera.env.columns import Columns
from rl_camera.env.episode import Episodes
from rl_camera.env.library import CAPSULES, KEYPOINTS, SIZE_NAMES, Table

#: Nearer than this a point is not in the picture, metres.
NEAR = 0.1

#: Radius about the pelvis that holds a whole adult of 1.7 m, arms stretched, metres per stature.
REACH = 0.72


@dataclass(frozen=True)
class Sight:
    """What the cameras of N environments see at one moment; P performers, K keypoints, B things."""

    axes: Array  # (3, 3, N) camera's right, up and back in the world
    local: Array  # (3, P, K, N) metres in the camera's frame: right, up, back
    distance: Array  # (P, K, N) metres
    place: Array  # (2, P, K, N) in the picture: right and up, −1..1 within it
    inside: np.ndarray  # (P, K, N) in the picture
    hidden: np.ndarray  # (P, K, N) something is in the way; only points in the picture are tried
    anchor: Array  # (3, N) world, middle of what is framed
    anchors: Array  # (3, P, N) the same per performer
    anchor_local: Array  # (3, N)
    eyes_y: Array  # (N,) height of the main subject's eyes
    heading: Array  # (2, N) where the main subject faces, x and z
    velocity: Array  # (3, N) m/s of the main subject's pelvis, world
    tan: Array  # (2, N) tangents of half the fields of view
    spread: Array  # (N,) metres across the picture between the subjects
    things: blocking.Things | None


#: Numbers of one array that neighbouring environments' points may fill: some 96 KiB, so that a dozen stay in the cache.
_CACHED = 400000


@dataclass(frozen=True)
class _Room:
    """Arrays that a look works in, so that nothing as large is allocated at every step."""

    local: Array  # (3, P, K, N)
    distance: Array  # (P, K, N)
    place: Array  # (2, P, K, N)
    inside: np.ndarray  # (P, K, N)
    hidden: np.ndarray  # (P, K, N)
    points: Array  # (3, P, K, part)
    work: Array  # (P, K, part)
    flag: np.ndarray  # (P, K, part)
    parts: tuple[slice, ...]

    @staticmethod
    def of(performers: int, keys: int, count: int) -> _Room:
        shape = (performers, keys, count)
        part = min(count, max(64, _CACHED // (performers * keys)))
        small = (performers, keys, part)
        return _Room(
            np.empty((3, *shape), np.float32), np.empty(shape, np.float32), np.empty((2, *shape), np.float32),
            np.empty(shape, bool), np.empty(shape, bool),
            np.empty((3, *small), np.float32), np.empty(small, np.float32), np.empty(small, bool),
            tuple(slice(a, min(a + part, count)) for a in range(0, count, part)),
        )  # fmt: skip


class Eye:
    """Looks through a batch's cameras; holds the table of motion, and room to work in.

    The arrays of a `Sight` over keypoints live in that room: they hold until the same eye looks again at as many.
    """

    def __init__(self, table: Table, keypoints: str, performers: int, blocks: int, spheres: bool = False) -> None:
        names = KEYPOINTS[keypoints]
        self.table, self.performers, self.blocks = table, performers, blocks
        self.keys, self.spheres = len(names), spheres
        self.pelvis = names.index("pelvis")
        self._room: dict[int, _Room] = {}
        self.capsules = [(names.index(a), names.index(b), radius / 1.7) for a, b, radius in CAPSULES[keypoints]]

    def look(self, episodes: Episodes, state: Columns, bearings: Array | None = None) -> Sight:
        """What is seen now.

        Args:
            episodes: N of them.
            state: their cameras, `dynamics.STATE`.
            bearings: ``(4, P, K, N)`` takes unit directions in the camera's frame and ln of the distance; None: not
                wanted.
        """
        d, P, K, N = episodes.data, self.performers, self.keys, len(episodes)
        axes = axes_of(state["angles"])
        at = state["place"]
        rows = episodes.rows + episodes.t
        room = self._room_for(N)
        local, distance, place, inside = room.local, room.distance, room.place, room.inside
        tan_x = (SENSOR_WIDTH_MM / 2.0) / np.exp(state["log_focal"])
        tan = np.stack([tan_x, tan_x / d["aspect"]])
        matrix = _matrices(d, axes, at)
        for part in room.parts:
            self._points(part, room, rows, matrix, tan, None if bearings is None else bearings[..., part])
        if P > 1:
            inside &= d["present"][:, None] > 0.5
        anchors, eyes, heading, velocity = self._extras(episodes, rows)
        filmed = d["filmed"]
        anchor = anchors[:, 0] if P == 1 else (anchors * filmed).sum(1) / filmed.sum(0)
        off = anchor - at
        anchor_local = np.stack([axes[i, 0] * off[0] + axes[i, 1] * off[1] + axes[i, 2] * off[2] for i in range(3)])
        spread = np.zeros(N, np.float32)
        if P > 1:
            across = (anchors[0] - at[0]) * axes[0, 0] + (anchors[2] - at[2]) * axes[0, 2]
            low = np.where(filmed > 0.5, across, np.inf).min(0)
            spread = (np.where(filmed > 0.5, across, -np.inf).max(0) - low).astype(np.float32)
        hidden = room.hidden
        hidden[...] = False
        things = None
        if self.blocks:
            things = blocking.Things.of(d, axes, at, self.spheres)
            blocking.by_things(d, things, axes, local, place, tan, inside, hidden)
        if P > 1:
            reach = REACH * d["stature"]
            blocking.by_bodies(d, local, place, tan, inside, self.pelvis, reach, self.capsules, hidden)
            hidden &= inside
        return Sight(
            axes, local, distance, place, inside, hidden, anchor, anchors, anchor_local, eyes, heading, velocity, tan,
            spread, things,
        )  # fmt: skip

    def _points(
        self, part: slice, room: _Room, rows: np.ndarray, matrix: Array, tan: Array, bearings: Array | None
    ) -> None:
        """The points of some neighbouring environments, few enough that all of it stays in the cache."""
        P, K = self.performers, self.keys
        count = part.stop - part.start
        work, flag = room.work[..., :count], room.flag[..., :count]
        points = room.points.reshape(-1)[: P * 3 * K * count].reshape(P, 3 * K, count)
        for p in range(P):
            np.take(self.table.points, rows[p, part], axis=1, out=points[p], mode="clip")
        points = points.reshape(P, 3, K, count).transpose(1, 0, 2, 3)
        local, distance = room.local[..., part], room.distance[..., part]
        turn = matrix[..., part]
        for i in range(3):
            np.multiply(points[0], turn[i, 0][:, None], out=local[i])
            for j in (1, 2):
                np.multiply(points[j], turn[i, j][:, None], out=work)
                local[i] += work
            local[i] += turn[i, 3][:, None]
        np.multiply(local[0], local[0], out=distance)
        for i in (1, 2):
            np.multiply(local[i], local[i], out=work)
            distance += work
        np.sqrt(np.maximum(distance, np.float32(1e-8), out=distance), out=distance)
        if bearings is not None:
            np.divide(np.float32(1.0), distance, out=work)
            for i in range(3):
                np.multiply(local[i], work, out=bearings[i])
            np.log(distance, out=bearings[3])
        place, inside = room.place[..., part], room.inside[..., part]
        depth = np.negative(local[2], out=work)
        np.greater(depth, np.float32(NEAR), out=inside)
        np.maximum(depth, np.float32(NEAR), out=depth)
        np.divide(np.float32(1.0), depth, out=depth)
        for i in range(2):
            np.multiply(local[i], depth, out=place[i])
            place[i] *= 1.0 / tan[i, part]
            size = np.abs(place[i], out=points[0])  # the takes' own points are not needed any more
            inside &= np.less_equal(size, np.float32(1.0), out=flag)

    def _room_for(self, count: int) -> _Room:
        if count not in self._room:
            if len(self._room) > 3:
                self._room.pop(next(iter(self._room)))
            self._room[count] = _Room.of(self.performers, self.keys, count)
        return self._room[count]

    def _extras(self, episodes: Episodes, rows: np.ndarray) -> tuple[Array, Array, Array, Array]:
        """Middles of the framed parts ``(3, P, N)``, eyes' height, heading and velocity of the main subject; world."""
        d, P = episodes.data, self.performers
        sizes = len(SIZE_NAMES)
        raw = np.stack([np.take(self.table.anchors, rows[p] * sizes + episodes.size, axis=1, mode="clip") for p in range(P)], 1)
        anchors = np.stack(
            [
                d["cos"] * raw[0] + d["sin"] * raw[2] + d["off_x"],
                d["scale"] * raw[1],
                d["cos"] * raw[2] - d["sin"] * raw[0] + d["off_z"],
            ]
        )
        extra = np.take(self.table.extra, rows[0], axis=1, mode="clip")
        c, s, scale = d["cos"][0], d["sin"][0], d["scale"][0]
        heading = np.stack([c * extra[3] + s * extra[4], c * extra[4] - s * extra[3]]) / scale
        velocity = np.stack([c * extra[5] + s * extra[7], scale * extra[6], c * extra[7] - s * extra[5]])
        return anchors, scale * extra[1], heading, velocity

    def ahead(self, episodes: Episodes, steps: Sequence[int]) -> Array:
        """Middle of what is framed of the main subject some steps from now, ``(len(steps), 3, N)``, world."""
        out = []
        for k in steps:
            later = np.minimum(episodes.t + k, episodes.length)
            rows = episodes.rows + later
            anchors, *_ = self._extras(episodes, rows)
            filmed = episodes.data["filmed"]
            out.append((anchors * filmed).sum(1) / filmed.sum(0))
        return np.stack(out)


def axes_of(angles: Array) -> Array:
    """Right, up and back ``(3, 3, N)`` of cameras from yaw, pitch and roll ``(3, N)``; as `framing.pose`."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles), np.sin(angles)
    return np.stack(
        [
            np.stack([cy * cr + sy * sp * sr, cp * sr, cy * sp * sr - sy * cr]),
            np.stack([sy * sp * cr - cy * sr, cp * cr, sy * sr + cy * sp * cr]),
            np.stack([sy * cp, -sp, cy * cp]),
        ]
    )


def _matrices(d: Columns, axes: Array, at: Array) -> Array:
    """From each take's own world into the camera's frame, ``(3, 4, P, N)``: turn, scale and shift in one.

    The turn into the episode and the turn into the camera are joined before any point is touched.
    """
    c, s = d["cos"], d["sin"]
    out = np.empty((3, 4, *c.shape), np.float32)
    x, y, z = d["off_x"] - at[0], at[1], d["off_z"] - at[2]
    for i in range(3):
        X, Y, Z = axes[i]
        out[i, 0] = X * c - Z * s
        out[i, 1] = Y * d["scale"]
        out[i, 2] = X * s + Z * c
        out[i, 3] = X * x - Y * y + Z * z
    return out
