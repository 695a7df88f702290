"""Keeps a live camera clear of the set and of whom it films, without jumps: it knows the present and its own move."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from motion.rotations import Array
from rl_camera.damping import damp
from rl_camera.placement import CLEARANCE, Surroundings

#: Moments ahead, seconds, at which the camera asks whether its move and its subject's way take it into something.
AHEAD_S = np.array([0.0, 0.5, 1.0, 1.5])

#: At so many of these something in the way counts: what only passes by is let pass.
PERSISTS = 2

#: Shares of the distance at which a camera may stand instead.
SHARES = np.linspace(1.0, 0.3, 15)

#: Metres between the lens and a passer-by's farthest limb, and seconds ahead at which the camera steps aside.
PASSER_BY, ASIDE_S = 0.4, 0.8

#: Metres a second at which a distance changes at most.
SPEED = 3.0

#: Least metres from the lens to a thing, at any moment; `placement.CLEARANCE` is aimed at.
LEAST = 0.12

#: Seconds until a changed distance is reached but for 1 %, in each of three filters that follow each other: place,
#: speed and acceleration are then all without jumps.
QUICK_S = 0.6

#: Seconds until a distance that is needed no longer is forgotten but for 1 %.
FORGET_S = 6.0

#: Share of a body's height that the lens keeps from each of its points, and most share of the asked distance.
KEEP_OFF, KEEP_SHARE = 0.35, 0.5

#: Metres a second at which the camera leaves a surface that it slid along.
LEAVE = 0.8


class Clearance:
    """What a live shot remembers of how it keeps clear."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.share = 1.0  # of the distance that things leave; the lens widens with it
        self._far = 1.0
        self._wanted_share, self._wanted_stretch = 1.0, 1.0  # now
        self._held_share, self._held_stretch = 1.0, 1.0  # with what was wanted lately
        self._goal_share, self._goal_stretch = 1.0, 1.0  # the same at a speed that a rig has
        self._shares, self._stretches = np.ones(3), np.ones(3)
        self._aside, self._steps = np.zeros(3), np.zeros((3, 3))
        self._offset = np.zeros(3)
        self._before: Array | None = None

    def look(
        self, camera: Callable[[Array], Array], anchor: Array, drift: Array, bodies: Array, stature: float,
        others: Array, velocity: Array,
    ) -> None:  # fmt: skip
        """Find what distance is needed; once a frame.

        Args:
            camera: places ``(K, 3)`` that the shot asks for, so many seconds ahead ``(K,)``, around a subject that
                stays at ``anchor``.
            anchor: ``(3,)`` what the camera's way is shortened towards.
            drift: ``(3,)`` m/s, how the anchor travels.
            bodies: ``(N, 3)`` points of whom the shot films, now and where they are about to be.
            stature: metres.
            others: ``(M, J, 3)`` points of passers-by.
            velocity: ``(M, 3)`` m/s, how these go.
        """
        asked = camera(AHEAD_S)
        self._far = float(np.linalg.norm(asked[0] - anchor))
        stretch = least_stretch(asked[0] - anchor, bodies - anchor, stature)
        self._held_stretch = max(self._held_stretch, stretch)
        self._wanted_stretch = stretch
        self._wanted_share = 1.0
        if not self.around.empty:
            way = AHEAD_S[:, None] * drift
            self._wanted_share = self._free(asked + way, anchor + way, self._stretches[2])
            # Taken at once, left slowly.
            self._held_share = min(self._held_share, self._wanted_share)
        here = anchor + self._shares[2] * self._stretches[2] * (asked[0] - anchor)
        self._aside = step_aside(here, others, velocity, self._steps[2])
        if not self.around.empty and self._before is not None:
            # Lean off a surface before it is reached: the contact itself would be a jolt.
            scale = self._shares[2] * self._stretches[2]
            soon = (anchor + way + scale * (asked - anchor) + self._aside)[:2]
            off = self.around.push_out(soon, CLEARANCE, np.broadcast_to(self._before, soon.shape)) - soon
            self._aside = self._aside + off[np.linalg.norm(off, axis=-1).argmax()]
        if self._before is None:
            self._shares[:], self._stretches[:], self._steps[:] = self._held_share, self._held_stretch, self._aside
            self._goal_share, self._goal_stretch = self._held_share, self._held_stretch
            self.share = self._held_share

    def _free(self, asked: Array, anchors: Array, stretch: float) -> float:
        """The largest share at which the camera is in nothing and nothing stays in the way, or the nearest to that."""
        tries = anchors + SHARES[:, None, None] * stretch * (asked - anchors)  # (S, K, 3)
        inside = self.around.inside(tries, CLEARANCE + 0.05).sum(1)
        hidden = self.around.blocked(tries, np.broadcast_to(anchors, tries.shape)).sum(1)
        # The least bad, the largest of equals: where none is good, the camera stays on the subject's side of a wall.
        return float(SHARES[(2 * inside + np.maximum(hidden - PERSISTS + 1, 0)).argmin()])

    def walk(self, place: Array, anchor: Array, dt: float) -> Array:
        """The place ``(3,)`` that is taken instead of the asked one, ``dt`` seconds later."""
        if self._before is not None:
            self._held_share += float(damp(max(self._wanted_share - self._held_share, 0.0), FORGET_S, dt))
            self._held_stretch += float(damp(min(self._wanted_stretch - self._held_stretch, 0.0), FORGET_S, dt))
            most = SPEED * dt / max(self._far, 0.1)
            self._goal_share += float(np.clip(self._held_share - self._goal_share, -most, most))
            self._goal_stretch += float(np.clip(self._held_stretch - self._goal_stretch, -most, most))
            for chain, goal in (
                (self._shares, self._goal_share), (self._stretches, self._goal_stretch), (self._steps, self._aside)
            ):  # fmt: skip
                for k in range(3):
                    chain[k] += damp((goal if k == 0 else chain[k - 1]) - chain[k], QUICK_S, dt)
            self.share = float(self._shares[2])
            far = float(np.linalg.norm(self._offset))
            if far > 0:
                back = min(float(damp(far, FORGET_S, dt)), LEAVE * dt)
                self._offset = self._offset * (1.0 - back / far)
        way = self.share * float(self._stretches[2]) * (place - anchor)
        return np.asarray(anchor + way + self._steps[2] + self._offset)

    def settle(self, place: Array) -> Array:
        """The place itself, or beside what it is in: out through the side on which the camera was, never through."""
        if not self.around.empty:
            before = None if self._before is None else self._before[None]
            margin = CLEARANCE if before is None else LEAST
            out = self.around.push_out(place[None], margin, before)[0]
            self._offset = self._offset + out - place
            place = out
        self._before = place.copy()
        return place


def least_stretch(way: Array, points: Array, stature: float) -> float:
    """How many times as far a camera must stand for its lens to keep off a body; at least 1.

    The camera goes back along its own line from the framed part: the smallest ``s ≥ 1`` with
    ``|s w − p| ≥ least`` for every point ``p``, a quadratic in ``s``.

    Args:
        way: ``(3,)`` metres from the framed part to the camera.
        points: ``(N, 3)`` body points from the framed part.
        stature: metres.
    """
    far = float(np.linalg.norm(way))
    if far < 1e-6 or not len(points):
        return 1.0
    least = min(KEEP_OFF * stature, KEEP_SHARE * far)
    along = points @ (way / far)
    aside = (points**2).sum(-1) - along**2
    reach = along + np.sqrt(np.maximum(least**2 - aside, 0.0))
    near = (aside < least**2) & (reach > far)
    return float(min(reach[near].max() / far, 3.0)) if near.any() else 1.0


def step_aside(camera: Array, others: Array, velocity: Array, before: Array) -> Array:
    """How far a camera steps out of the way of passers-by, ``(3,)`` metres on the level.

    Each is taken to walk on as now; where it comes nearest to the camera within `ASIDE_S` seconds, the camera must be
    beyond its limbs' reach and `PASSER_BY`.

    Args:
        camera: ``(3,)`` where it would stand.
        others: ``(M, J, 3)`` points of passers-by.
        velocity: ``(M, 3)`` m/s.
        before: ``(3,)`` how far it has stepped aside: it rather goes on than back.
    """
    out = np.zeros(3)
    level = np.array([1.0, 0.0, 1.0])
    for points, speed in zip(others, velocity, strict=True):
        if camera[1] > points[:, 1].max() + PASSER_BY:
            continue
        middle = points.mean(0) * level
        reach = float(np.linalg.norm(points * level - middle, axis=-1).max()) + PASSER_BY
        off, speed = camera * level - middle, speed * level
        when = float(np.clip(off @ speed / max(float(speed @ speed), 1e-6), 0.0, ASIDE_S))
        nearest = off - when * speed
        lacks = reach - float(np.linalg.norm(nearest))
        way = nearest + 0.5 * before
        far = float(np.linalg.norm(way))
        if lacks > 0 and far > 1e-6:
            out = out + lacks * way / far
    return out
