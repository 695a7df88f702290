"""Where a camera may stand: what blocks its view, what it must not be inside, on which side of a pair it stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion import props
from motion.rotations import Array
from motion.stage import Performance, Prop, Stage
from rl_camera.framing import LANDMARK, Tracks

#: A lens is never lower than this above the ground, metres.
LOWEST = 0.15

#: Free space around the camera, metres.
CLEARANCE = 0.25

#: Half the width of a body that stands in the way, metres.
BODY_RADIUS = 0.22


class Surroundings:
    """The things of a stage that stand still, ready for sight lines.

    Props that performers carry are left out: they travel with whoever is filmed.
    """

    def __init__(self, stage: Stage, performances: Sequence[Performance]) -> None:
        self._still: list[tuple[Prop, Array]] = []
        for prop in stage.props:
            if not prop.attachments:
                self._still.append((prop, props.PropMotion(prop, performances).at(0.0)))

    @property
    def empty(self) -> bool:
        """Whether nothing stands about."""
        return not self._still

    def inside(self, points: Array, margin: float = CLEARANCE) -> np.ndarray:
        """Whether points ``(…, 3)`` are within ``margin`` metres of a thing; ``(…,)``."""
        hit = np.zeros(np.shape(points)[:-1], dtype=bool)
        for prop, T in self._still:
            hit |= props.contains(prop, T, points, margin)
        return hit

    def blocked(self, a: Array, b: Array) -> np.ndarray:
        """Whether something stands between points ``a`` and ``b (…, 3)``; ``(…,)``."""
        hit = np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b))[:-1], dtype=bool)
        for prop, T in self._still:
            hit |= props.blocks(prop, T, a, b)
        return hit

    def push_out(self, points: Array, margin: float = CLEARANCE, before: Array | None = None) -> Array:
        """The nearest free places for points ``(T, 3)`` that are inside a thing: out through its nearest side.

        Given where they were ``before (T, 3)``, out through the side on which they were: a camera that slides along
        a wall does not change to its other side.
        """
        points = np.array(points, dtype=np.float64)
        for _ in range(4):
            moved = False
            for prop, T in self._still:
                turn, place = T[:3, :3], T[:3, 3]
                for low, high in props.solids(prop):
                    low, high = low - margin, high + margin
                    local = (points - place) @ turn
                    hit = np.all((local > low + 1e-9) & (local < high - 1e-9), axis=-1)
                    if not hit.any():
                        continue
                    moved = True
                    # Sideways first, never downwards: the ground is there.
                    out = np.stack(
                        [local[hit, 0] - low[0], high[0] - local[hit, 0], local[hit, 2] - low[2],
                         high[2] - local[hit, 2], 1.5 * (high[1] - local[hit, 1])], axis=-1,
                    )  # fmt: skip
                    way = out.argmin(-1)
                    if before is not None:
                        was = ((before - place) @ turn)[hit]
                        beyond = np.stack(
                            [low[0] - was[:, 0], was[:, 0] - high[0], low[2] - was[:, 2], was[:, 2] - high[2],
                             was[:, 1] - high[1]], axis=-1,
                        )  # fmt: skip
                        way = np.where(beyond.max(-1) >= -0.5 * CLEARANCE, beyond.argmax(-1), way)
                    goal = local[hit]
                    for k, (axis, value) in enumerate(
                        ((0, low[0]), (0, high[0]), (2, low[2]), (2, high[2]), (1, high[1]))
                    ):
                        goal[way == k, axis] = value
                    points[hit] = goal @ turn.T + place
            points[..., 1] = np.maximum(points[..., 1], LOWEST)
            if not moved:
                break
        return points


def bodies_in_the_way(camera: Array, target: Array, others: Tracks) -> Array:
    """Share of moments ``(T,)`` at which each of the others' bodies covers the sight line, over all others: 0..1.

    A body is an upright cylinder about its pelvis, up to its crown.
    """
    if not others.names:
        return np.zeros(len(camera))
    pelvis, crown = others.of("pelvis"), others.of("crown")
    line = (target - camera)[:, None, :]
    flat = line * [1.0, 0.0, 1.0]
    length = np.maximum((flat**2).sum(-1), 1e-9)
    t = np.clip((((pelvis - camera[:, None]) * flat).sum(-1)) / length, 0.0, 1.0)
    nearest = camera[:, None] + t[..., None] * line
    apart = np.hypot(nearest[..., 0] - pelvis[..., 0], nearest[..., 2] - pelvis[..., 2])
    cover = (apart < BODY_RADIUS) & (nearest[..., 1] < crown[..., 1] + 0.05) & (t > 0.02) & (t < 0.95)
    return cover.any(axis=-1).astype(np.float64)


def bodies_at(camera: Array, everyone: Tracks, radius: float = 0.5) -> np.ndarray:
    """Whether a camera ``(T, 3)`` stands within ``radius`` metres of somebody's trunk or head; ``(T,)``."""
    pick = [LANDMARK[n] for n in ("pelvis", "spine3", "head")]
    apart = np.linalg.norm(everyone.points[:, :, pick] - camera[:, None, None, :], axis=-1)
    return (apart < radius).any(axis=(1, 2))


@dataclass
class Line:
    """The line of action between two performers, and the side on which the last shot of them stood."""

    pair: tuple[str, str] | None = None
    side: float = 0.0  # +1 or −1
    last_of: tuple[str, ...] = ()
    last_size: str = ""
    last_azimuth: float | None = None  # radians, world

    def side_of(self, tracks: Tracks, moment: int, camera: Array) -> float:
        """On which side of its pair's line a camera ``(3,)`` stands at a moment; 0 without a pair or on the line."""
        if self.pair is None or not set(self.pair) <= set(tracks.names):
            return 0.0
        a, b = (tracks.of("pelvis")[moment, tracks.names.index(n)] for n in self.pair)
        ab, ac = b - a, camera - a
        cross = ab[2] * ac[0] - ab[0] * ac[2]
        apart = float(np.hypot(ab[0], ab[2]))
        return 0.0 if apart < 0.2 or abs(cross) < 0.05 * apart else float(np.sign(cross))

    def crosses(self, of: Sequence[str], tracks: Tracks, moment: int, camera: Array) -> bool:
        """Whether filming ``of`` from there jumps over the line (the 180-degree rule)."""
        if self.pair is None or not set(of) & set(self.pair) or self.side == 0.0:
            return False
        return self.side_of(tracks, moment, camera) == -self.side

    def jump_cut(self, of: Sequence[str], size: str, azimuth: float) -> bool:
        """Whether the cut would hardly change the picture (the 30-degree rule)."""
        if self.last_azimuth is None or tuple(of) != self.last_of or size != self.last_size:
            return False
        turn = azimuth - self.last_azimuth
        return abs(np.arctan2(np.sin(turn), np.cos(turn))) < np.radians(30.0)
