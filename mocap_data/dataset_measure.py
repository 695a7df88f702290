"""What happens in a crop of a clip, by geometry: travel, turn, steps, hands, flights; left is the performer's own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from motion import skeleton
from motion.clip import Clip
from motion.corpus import FPS
from motion.edit import heading
from motion.rotations import Array

_I = skeleton.INDEX
#: A body that turned by less than this went straight; a half turn begins at `AROUND`.
TURN = math.radians(35.0)
AROUND, CIRCLE = math.radians(140.0), math.radians(230.0)
#: A hand is raised when the wrist rises above this share of the way from pelvis to head joint. Hanging hands reach
#: 0.25; a shy or sad wave is made at the belly, 0.41 to 0.45; a feminine one at the chest, 0.55 to 0.7.
RAISED = 0.4
#: A swing of a wrist smaller than this is no wave, metres.
SWING_M = 0.05
#: A flight: both soles this high for this long.
FLIGHT_M = 0.06
FLIGHT_S = 0.12
#: Someone bends when the trunk leans this much, and this much more than that performer's own upright stand.
BENT, BENT_MORE = math.radians(20.0), math.radians(12.0)
#: Travel below this is no travel: the sway of someone who stands, metres.
STILL_M = 0.35


@dataclass(frozen=True)
class Track:
    """What `measure` reads of a clip at 30 fps, computed once."""

    root: Array  # (T, 2) metres: x, z of the pelvis
    facing: Array  # (T,) radians, unwrapped and smoothed; 0 faces +Z, a quarter turn to the left faces +X
    height: Array  # (T,) metres: the pelvis
    wrists: Array  # (T, 2, 3) metres, left and right, in the frame that faces the way the pelvis does
    lift: Array  # (T, 2) wrist height as a share of the way from pelvis to head joint
    plants: tuple[np.ndarray, np.ndarray]  # frames at which the left and the right foot is set down
    soles: Array  # (T,) metres: the lower of the two feet's lowest points
    bent: np.ndarray  # (T,) bool: the trunk leans, as in a bow


@dataclass(frozen=True)
class Measures:
    """A crop in numbers. Left is the performer's own."""

    seconds: float
    forward: float  # metres from first to last frame, along the first facing
    left: float  # metres, to the left of the first facing
    path: float  # metres walked, sway removed
    ahead: float  # metres travelled along the facing of each moment
    aside: float  # metres travelled to the left of the facing of each moment
    turn: float  # radians, left positive
    steps: int
    raised: tuple[bool, bool]  # left hand, right hand above the chest
    rises: tuple[bool, bool]  # the hand goes up within the crop
    swings: tuple[int, int]  # full back-and-forths of a raised left hand, right hand
    flights: int
    moved: tuple[float, float] = (0.0, 0.0)  # extent of the left and the right wrist's path, metres
    bent: bool = False  # the trunk leans at some moment

    @property
    def speed(self) -> float:
        """Metres per second along the path."""
        return self.path / self.seconds

    @property
    def net(self) -> float:
        """Metres between where the crop begins and where it ends."""
        return math.hypot(self.forward, self.left)

    def mirrored(self) -> Measures:
        """The measures of the mirror image."""
        return replace(
            self, left=-self.left, aside=-self.aside, turn=-self.turn, raised=self.raised[::-1],
            rises=self.rises[::-1], swings=self.swings[::-1], moved=self.moved[::-1],
        )  # fmt: skip


def smooth(values: Array, seconds: float) -> Array:
    """Moving average over time, ``(T, …)``; the ends are held."""
    width = max(1, round(seconds * FPS) | 1)
    if width == 1 or len(values) < 2:
        return values
    pad = width // 2
    padded = np.concatenate([np.repeat(values[:1], pad, 0), values, np.repeat(values[-1:], pad, 0)])
    total = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    return (total[width:] - total[:-width]) / width


def track(clip: Clip, on: np.ndarray) -> Track:
    """Read a clip at 30 fps; ``on`` is its ``(T, 4)`` contacts."""
    points = clip.positions()
    yaw = smooth(np.unwrap(heading(clip)), 0.5)
    root = clip.root_position[:, [0, 2]]
    wrists = points[:, [_I["left_wrist"], _I["right_wrist"]]] - points[:, :1]
    s, c = np.sin(yaw)[:, None], np.cos(yaw)[:, None]
    local = np.stack(
        [c * wrists[..., 0] - s * wrists[..., 2], wrists[..., 1], s * wrists[..., 0] + c * wrists[..., 2]], -1
    )
    tall = np.linalg.norm(
        clip.rest_offsets[[_I[n] for n in ("spine1", "spine2", "spine3", "neck", "head")]], axis=1
    ).sum()
    feet = points[:, [_I[n] for n in ("left_ankle", "right_ankle", "left_foot", "right_foot")], 1]
    rest = np.array([0.096, 0.096, 0.02, 0.02])
    planted = np.stack([on[:, :2].any(1), on[:, 2:].any(1)], 1)
    plants = tuple(np.flatnonzero(planted[1:, k] & ~planted[:-1, k]) + 1 for k in (0, 1))
    return Track(
        smooth(root, 0.4), yaw, clip.root_position[:, 1], local, local[..., 1] / tall, (plants[0], plants[1]),
        (feet - rest).min(1), _bent(points),
    )  # fmt: skip


def _bent(points: Array) -> np.ndarray:
    """Frames at which the trunk leans; what is upright for the old and the tired is taken from the clip itself."""
    trunk = points[:, _I["neck"]] - points[:, 0]
    lean = np.arctan2(np.hypot(trunk[:, 0], trunk[:, 2]), trunk[:, 1])
    return np.asarray(lean > max(BENT, float(np.quantile(lean, 0.25)) + BENT_MORE))


def measure(t: Track, start: int, stop: int, speed: float = 1.0) -> Measures:
    """Measure frames ``start`` to ``stop`` (not included) of a clip, played ``speed`` times as fast."""
    root, yaw = t.root[start:stop], t.facing[start:stop]
    seconds = max(stop - start - 1, 1) / FPS / speed
    step = np.diff(root, axis=0)
    middle = (yaw[1:] + yaw[:-1]) / 2.0
    ahead = float((step[:, 0] * np.sin(middle) + step[:, 1] * np.cos(middle)).sum())
    aside = float((step[:, 0] * np.cos(middle) - step[:, 1] * np.sin(middle)).sum())
    net = root[-1] - root[0]
    first = float(yaw[: min(6, len(yaw))].mean())
    lift, wrists = t.lift[start:stop], t.wrists[start:stop]
    raised = lift.max(0) > RAISED
    rises = raised & (lift.max(0) - lift[: max(1, len(lift) // 10)].min(0) > 0.3)
    swings = tuple(count_swings(wrists[lift[:, k] > RAISED - 0.25, k]) if raised[k] else 0 for k in (0, 1))
    extent = (wrists.max(0) - wrists.min(0)).max(-1)
    inside = [int(((p > start) & (p < stop)).sum()) for p in t.plants]
    return Measures(
        seconds=seconds,
        forward=float(net[0] * math.sin(first) + net[1] * math.cos(first)),
        left=float(net[0] * math.cos(first) - net[1] * math.sin(first)),
        path=float(np.linalg.norm(step, axis=1).sum()),
        ahead=ahead,
        aside=aside,
        turn=float(yaw[-1] - yaw[0]),
        steps=sum(inside),
        raised=(bool(raised[0]), bool(raised[1])),
        rises=(bool(rises[0]), bool(rises[1])),
        swings=(swings[0], swings[1]),
        flights=count_flights(t.soles[start:stop], t.height[start:stop]),
        moved=(float(extent[0]), float(extent[1])),
        bent=bool(t.bent[start:stop].any()),
    )


def count_swings(points: Array) -> int:
    """Full back-and-forths along the axis in which points ``(T, 3)`` move most; swings below `SWING_M` do not count."""
    if len(points) < 6:
        return 0
    centred = points - smooth(points, 1.2)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    along = smooth(centred @ axes[0], 0.1)
    turns, last, direction = 0, float(along[0]), 0
    for value in along[1:]:  # turning points with hysteresis: reversals by more than SWING_M
        if direction >= 0 and value < last - SWING_M:
            turns, last, direction = turns + 1, float(value), -1
        elif direction <= 0 and value > last + SWING_M:
            turns, last, direction = turns + 1, float(value), 1
        elif (direction > 0 and value > last) or (direction < 0 and value < last):
            last = float(value)
    return (turns + 1) // 2 if turns > 1 else 0


def count_flights(soles: Array, height: Array) -> int:
    """Times that both feet leave the floor for `FLIGHT_S` and more while the pelvis is not down on it."""
    air = np.concatenate([[False], (soles > FLIGHT_M) & (height > 0.6), [False]])
    edges = np.flatnonzero(np.diff(air.astype(np.int8)))
    runs = edges[1::2] - edges[::2]
    return int((runs >= round(FLIGHT_S * FPS)).sum())


def turning(turn: float) -> str:
    """ "turn left", "turn right", "turn around", or "" for a turn too small to speak of."""
    if abs(turn) < TURN:
        return ""
    if AROUND <= abs(turn) < CIRCLE:
        return "turn around"
    return "turn left" if turn > 0 else "turn right"


def going(m: Measures) -> str:
    """ "forward", "backward", "left", "right": the way of travel seen from the performer; "" below `STILL_M`."""
    if math.hypot(m.ahead, m.aside) < STILL_M:
        return ""
    if abs(m.ahead) >= abs(m.aside):
        return "forward" if m.ahead > 0 else "backward"
    return "left" if m.aside > 0 else "right"
