"""What each camera of a batch sees: points of bodies in its frame, where they are in the picture, what hides them.

Everything is a structure of arrays with the environments last, so that NumPy's inner loops run over environments, and
every number is made by the same operations whatever the batch around it: an environment does not feel its neighbours.
Sight lines are tested exactly, but only for the pairs of a body and a thing that a bounding test leaves, which are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.camera import SENSOR_WIDTH_MM
from rl_camera.env import blocking
from rl_camera.env.columns import Array, Columns
from rl_camera.env.episode import Episodes
from rl_camera.env.library import CAPSULES, KEYPOINTS, SIZE_NAMES, Table

#: Nearer than this a point is not in the picture, metres.
NEAR = 0.1

_ONE, _NEAR, _TINY = np.float32(1.0), np.float32(-NEAR), np.float32(1e-8)


@dataclass(frozen=True)
class Sight:
    """What the cameras of N environments see at one moment; P performers, K keypoints, B things."""

    axes: Array  # (3, 3, N) camera's right, up and back in the world
    local: Array  # (3, P, K, N) metres in the camera's frame: right, up, back
    distance: Array  # (P, 1, N) metres to the nearest of each body's points
    bounds: Array | None  # (2, 2, P, N) lowest and highest place of each body's points, right and up; None: not asked
    inside: np.ndarray  # (P, K, N) in the picture
    hidden: np.ndarray | None  # (P, K, N) in the picture, but something is in the way; None: nothing can be
    marks: np.ndarray  # (2, P, K, N) both of these, the second void where it is None
    anchor: Array  # (3, N) world, middle of what is framed
    anchors: Array  # (3, P, N) the same per performer
    anchor_local: Array  # (3, N)
    drift: Array  # (3, N) m/s of that middle, world
    eyes_y: Array  # (N,) height of the main subject's eyes
    heading: Array  # (2, N) where the main subject faces, x and z
    velocity: Array  # (3, N) m/s of the main subject's pelvis, world
    tan: Array  # (2, N) tangents of half the fields of view
    things: blocking.Things | None

    @property
    def place(self) -> Array:
        """Where the points are in the picture, ``(2, P, K, N)``: right and up, −1..1 within it."""
        return self.local[:2] / np.maximum(-self.local[2], NEAR) / self.tan[:, None, None]


#: Numbers of a sample beside the keypoints.
EXTRA = 6

#: Samples that are read and turned into columns at a time: few enough that they stay in the nearest caches.
_READ = 400

#: Numbers of one array that are worked on at a time, some 0.4 MiB: a dozen such arrays stay in a core's cache.
_CACHED = 100_000


class _Room:
    """Arrays that a look works in, so that nothing as large is allocated at every step."""

    def __init__(self, performers: int, keys: int, count: int) -> None:
        shape = (performers, keys, count)
        part = max(1, min(keys, _CACHED // count))
        together = performers if performers * keys * count <= _CACHED else 1
        #: Performers and points that are worked on at a time; a batch of one sees everybody at once.
        self.groups = [slice(p, p + together) for p in range(0, performers, together)]
        self.parts = [slice(k, min(k + part, keys)) for k in range(0, keys, part)]
        self.local = np.empty((3, *shape), np.float32)
        self.marks = np.empty((2, *shape), bool)
        self.inside, self.hidden = self.marks
        self.matrix = np.empty((3, 4, performers, count), np.float32)
        self.nearest, self.farthest = (np.empty((performers, count), np.float32) for _ in range(2))
        self.slopes = np.empty((2, 2, performers, count), np.float32)
        self.points = np.empty((performers, 3 * keys + EXTRA, count), np.float32)
        self.work = np.empty((3, together, part, count), np.float32)
        self.square = np.empty((together, part, count), np.float32)
        self.flags = np.empty((2, together, part, count), bool)


class Eye:
    """Looks through a batch's cameras; holds the table of motion, and room to work in.

    The arrays of a `Sight` over keypoints live in that room: they hold until the same eye looks again at as many.
    """

    def __init__(self, table: Table, keypoints: str, performers: int, blocks: int, spheres: bool = False) -> None:
        names = KEYPOINTS[keypoints]
        self.performers, self.blocks = performers, blocks
        self.keys, self.spheres = len(names), spheres
        self.pelvis = names.index("pelvis")
        #: Whether the outlines of bodies in the picture are measured; what hides bodies needs them.
        self.outlines = performers > 1 or blocks > 0
        self._room: dict[int, _Room] = {}
        self.use(table)
        capsules = [(names.index(a), names.index(b), radius / 1.7) for a, b, radius in CAPSULES[keypoints]]
        self.capsules = blocking.Capsules(capsules, performers, blocks)

    def use(self, table: Table) -> None:
        """Look at this motion from now on."""
        self.table = table
        # One sample's numbers side by side: what a camera needs of a moment is a few lines of memory, not hundreds.
        # After the keypoints: x of heading and velocity, z of both, y of eyes and velocity.
        self._samples = np.ascontiguousarray(np.concatenate([table.points, table.extra[[3, 5, 4, 7, 1, 6]]]).T)
        self._anchor = np.ascontiguousarray(np.concatenate([table.anchors, table.drift]).T)

    def look(self, episodes: Episodes, state: Columns, bearings: Array | None = None) -> Sight:
        """What is seen now.

        Args:
            episodes: N of them.
            state: their cameras, `dynamics.STATE`.
            bearings: ``(4, P, K, N)`` takes unit directions in the camera's frame and ln of the distance; None: not
                wanted.
        """
        d, P, N = episodes.data, self.performers, len(episodes)
        axes = axes_of(state["angles"])
        at = state["place"]
        rows = episodes.rows + episodes.t
        room = self._room_for(N)
        tan = np.empty((2, N), np.float32)
        np.divide(np.float32(SENSOR_WIDTH_MM / 2.0), np.exp(state["log_focal"]), out=tan[0])
        np.divide(tan[0], d["aspect"], out=tan[1])
        _matrices(d, axes, at, room.matrix)
        self._read(rows, room)
        for who in room.groups:
            for keys in room.parts:
                self._points(who, keys, room, tan, bearings)
        distance = np.sqrt(np.maximum(room.nearest, _TINY))[:, None]
        inside = room.inside
        if P > 1:
            inside &= d["present"][:, None] > 0.5
        framed, eyes, heading, velocity = self._extras(episodes, rows, room.points[0, 3 * self.keys :])
        anchors = framed[:3]
        middle = _middle(framed, d["filmed"])
        anchor, drift = middle[:3], middle[3:]
        anchor_local = into(axes, anchor - at)
        things = blocking.Things.of(d, axes, at, self.spheres) if self.blocks else None
        bounds = room.slopes / tan[:, None] if self.outlines else None
        hidden = self._hidden(d, room, axes, tan, things)
        return Sight(
            axes, room.local, distance, bounds, inside, hidden, room.marks, anchor, anchors, anchor_local, drift, eyes,
            heading, velocity, tan, things,
        )  # fmt: skip

    def _read(self, rows: np.ndarray, room: _Room) -> None:
        """Samples ``rows (P, N)`` of the motion as columns, into ``room.points``."""
        step = max(1, _READ // len(rows))
        for first in range(0, rows.shape[1], step):
            part = slice(first, first + step)
            room.points[..., part] = self._samples.take(rows[:, part], axis=0, mode="clip").transpose(0, 2, 1)

    def _points(self, who: slice, keys: slice, room: _Room, tan: Array, bearings: Array | None) -> None:
        """Some points of some performers in all environments, few enough that all of it stays in the cache."""
        first, count = keys.start, keys.stop - keys.start
        points = room.points[who, : 3 * self.keys].reshape(-1, 3, self.keys, tan.shape[1])[:, :, keys]
        work, square = room.work[:, :, :count], room.square[:, :count]
        local, turn = room.local[:, who, keys], room.matrix[:, :, who, None]  # (3, P, K, N), (3, 4, P, 1, N)
        np.multiply(points[:, 0], turn[:, 0], out=local)
        for j in (1, 2):
            np.add(local, np.multiply(points[:, j], turn[:, j], out=work), out=local)
        np.add(local, turn[:, 3], out=local)
        np.multiply(local, local, out=work)
        np.add(np.add(work[0], work[1], out=square), work[2], out=square)
        _join(np.minimum, square, room.nearest[who], first)
        if bearings is not None:
            if not room.nearest[who].min() > _TINY:
                np.maximum(square, _TINY, out=square)
            np.sqrt(square, out=square)
            np.log(square, out=bearings[3, who, keys])
            np.divide(_ONE, square, out=square)
            np.multiply(local, square, out=bearings[:3, who, keys])
        inside = room.inside[who, keys]
        np.less(local[2], _NEAR, out=inside)
        np.divide(-_ONE, np.minimum(local[2], _NEAR, out=square), out=square)
        slopes, flags = np.multiply(local[:2], square, out=work[:2]), room.flags[:, :, :count]
        if self.outlines:
            _join(np.minimum, local[2], room.farthest[who], first)
            _join(np.minimum, slopes, room.slopes[0, :, who], first)
            _join(np.maximum, slopes, room.slopes[1, :, who], first)
        np.less_equal(np.abs(slopes, out=slopes), tan[:, None, None], out=flags)
        np.logical_and(inside, flags[0], out=inside)
        np.logical_and(inside, flags[1], out=inside)

    def _hidden(
        self, d: Columns, room: _Room, axes: Array, tan: Array, things: blocking.Things | None
    ) -> np.ndarray | None:
        """Which points in the picture are hidden; None where nothing can be in the way."""
        if things is None and self.performers == 1:
            return None
        points = blocking.Points(room.local, room.inside, room.slopes, room.farthest, tan)
        found = blocking.Found()
        blocking.find(d, things, axes, points, self.capsules, self.spheres, found)
        found.mark(room.local, room.hidden)
        np.logical_and(room.hidden, room.inside, out=room.hidden)
        return room.hidden

    def _room_for(self, count: int) -> _Room:
        room = self._room.pop(count, None) or _Room(self.performers, self.keys, count)
        self._room[count] = room  # the latest last
        if len(self._room) > 4:
            self._room.pop(next(iter(self._room)))
        return room

    def _extras(self, episodes: Episodes, rows: np.ndarray, raw: Array) -> tuple[Array, Array, Array, Array]:
        """Framed parts as `_anchors`, eyes' height, heading and velocity of the main subject; world."""
        d = episodes.data
        c, s, scale = d["cos"][0], d["sin"][0], d["scale"][0]
        x = c * raw[0:2] + s * raw[2:4]
        z = c * raw[2:4] - s * raw[0:2]
        y = scale * raw[4:6]
        heading = np.empty((2, len(c)), np.float32)
        np.divide(x[0], scale, out=heading[0])
        np.divide(z[0], scale, out=heading[1])
        velocity = np.empty((3, len(c)), np.float32)
        velocity[0], velocity[1], velocity[2] = x[1], y[1], z[1]
        return self._anchors(episodes, rows), y[0], heading, velocity

    def _anchors(self, episodes: Episodes, rows: np.ndarray) -> Array:
        """Middles of what each performer shows, and their velocities, ``(6, P, N)``, world."""
        d = episodes.data
        taken = self._anchor.take(rows * len(SIZE_NAMES) + episodes.size, axis=0, mode="clip")  # (P, N, 6)
        raw = np.ascontiguousarray(taken.transpose(2, 0, 1))
        out = np.empty_like(raw)
        c, s = d["cos"], d["sin"]
        np.add(c * raw[::3], s * raw[2::3], out=out[::3])
        np.multiply(d["scale"], raw[1::3], out=out[1::3])
        np.subtract(c * raw[2::3], s * raw[::3], out=out[2::3])
        out[0] += d["off_x"]
        out[2] += d["off_z"]
        return out

    def ahead(self, episodes: Episodes, steps: Sequence[int]) -> Array:
        """Middle of what is framed, and where the main subject faces (x, z), some steps from now.

        Returns:
            ``(len(steps), 5, N)``, world.
        """
        d = episodes.data
        out = np.empty((len(steps), 5, len(episodes)), np.float32)
        c, s = d["cos"][0] / d["scale"][0], d["sin"][0] / d["scale"][0]
        for k, one in zip(steps, out):
            rows = episodes.rows + np.minimum(episodes.t + k, episodes.length)
            one[:3] = _middle(self._anchors(episodes, rows)[:3], d["filmed"])
            x, z = self.table.extra[3:5].take(rows[0], axis=1, mode="clip")
            one[3], one[4] = c * x + s * z, c * z - s * x
        return out


def _join(least: np.ufunc, values: Array, out: Array, first: int) -> None:
    """The least (or most) over the points of ``values (…, K, N)`` into ``out (…, N)``, together with what is there
    unless these are the first points."""
    if first:
        least(out, least.reduce(values, axis=-2), out=out)
    else:
        least.reduce(values, axis=-2, out=out)


def _middle(each: Array, filmed: Array) -> Array:
    """The mean ``(…, N)`` of ``(…, P, N)`` over who is filmed."""
    if len(filmed) == 1:
        return each[:, 0]
    return np.add.reduce(each * filmed, axis=1) / np.add.reduce(filmed, axis=0)


def into(axes: Array, vector: Array) -> Array:
    """World vectors ``(3, N)`` in the frames of cameras with ``axes (3, 3, N)``."""
    parts = axes * vector
    out = parts[:, 0]
    out += parts[:, 1]
    out += parts[:, 2]
    return out


def axes_of(angles: Array) -> Array:
    """Right, up and back ``(3, 3, N)`` of cameras from yaw, pitch and roll ``(3, N)``; as `framing.pose`."""
    trig = np.empty((2, *angles.shape), np.float32)
    np.cos(angles, out=trig[0])
    np.sin(angles, out=trig[1])
    yaw, (cp, sp), roll = trig[:, 0], trig[:, 1], trig[:, 2]
    level = yaw[:, None] * roll  # (2, 2, N): cosine and sine of yaw, times those of roll
    tipped = (yaw * sp)[:, None] * roll
    out = np.empty((3, 3, angles.shape[1]), np.float32)
    np.add(level[0, 0], tipped[1, 1], out=out[0, 0])
    np.subtract(tipped[0, 1], level[1, 0], out=out[0, 2])
    np.subtract(tipped[1, 0], level[0, 1], out=out[1, 0])
    np.add(level[1, 1], tipped[0, 0], out=out[1, 2])
    np.multiply(roll[::-1], cp, out=out[:2, 1])
    np.multiply(yaw[::-1], cp, out=out[2, ::2])
    np.negative(sp, out=out[2, 1])
    return out


def _matrices(d: Columns, axes: Array, at: Array, out: Array) -> None:
    """From each take's own world into the camera's frame, into ``out (3, 4, P, N)``: turn, scale and shift in one.

    The turn into the episode and the turn into the camera are joined before any point is touched.
    """
    c, s = d["cos"], d["sin"]
    X, Y, Z = (axes[:, j, None] for j in range(3))  # (3, 1, N) each: over the camera's axes
    np.subtract(X * c, Z * s, out=out[:, 0])
    np.multiply(Y, d["scale"], out=out[:, 1])
    np.add(X * s, Z * c, out=out[:, 2])
    shift = out[:, 3]
    np.multiply(X, d["off_x"] - at[0], out=shift)
    np.subtract(shift, Y * at[1], out=shift)
    np.add(shift, Z * (d["off_z"] - at[2]), out=shift)
