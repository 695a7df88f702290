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

#: Shares of the distance at which a camera may stand instead, the asked one first: rather nearer than farther.
SHARES = np.concatenate([np.linspace(1.0, 0.3, 15), np.linspace(1.1, 2.0, 10)])

#: Metres between the lens and a passer-by's landmarks.
PASSER_BY = 0.55

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
            others: ``(M, 3)`` points of passers-by.
            velocity: ``(M, 3)`` m/s, how these go.
        """
        asked = camera(AHEAD_S)
        self._far = float(np.linalg.norm(asked[0] - anchor))
        stretch = least_stretch(asked[0] - anchor, bodies - anchor, stature)
        self._held_stretch = max(self._held_stretch, stretch)
        self._wanted_stretch = stretch
        self._wanted_share = 1.0
        if len(others) or not self.around.empty:
            way = AHEAD_S[:, None] * drift
            others = others + AHEAD_S[:3, None, None] * velocity  # (3, M, 3)
            self._wanted_share = self._free(asked + way, anchor + way, self._stretches[2], others)
            # Taken at once where it is farther from what was asked, left slowly.
            if abs(np.log(self._wanted_share)) > abs(np.log(self._held_share)):
                self._held_share = self._wanted_share
        if self._before is None:
            self._shares[:], self._stretches[:] = self._held_share, self._held_stretch
            self._goal_share, self._goal_stretch = self._held_share, self._held_stretch
            self.share = self._held_share

    def _free(self, asked: Array, anchors: Array, stretch: float, others: Array) -> float:
        """The first share at which the camera is in nothing and nothing stays in the way."""
        tries = anchors + SHARES[:, None, None] * stretch * (asked - anchors)  # (S, K, 3)
        free = ~self.around.inside(tries, CLEARANCE + 0.05).any(1)
        if others.size:
            soon = tries[:, : len(others)]
            square = ((soon[:, :, None] - others) ** 2).sum(-1)
            free &= (square > PASSER_BY**2).all((1, 2))
        hidden = self.around.blocked(tries, np.broadcast_to(anchors, tries.shape)).sum(1) >= PERSISTS
        good = free & ~hidden
        # Nowhere on this line the subject is seen: it went behind something; wait for it.
        good = good if good.any() else free
        return float(SHARES[good.argmax()]) if good.any() else 1.0

    def walk(self, place: Array, anchor: Array, dt: float) -> Array:
        """The place ``(3,)`` that is taken instead of the asked one, ``dt`` seconds later."""
        if self._before is not None:
            self._held_share += float(damp(self._wanted_share - self._held_share, FORGET_S, dt))
            self._held_stretch += float(damp(min(self._wanted_stretch - self._held_stretch, 0.0), FORGET_S, dt))
            most = SPEED * dt / max(self._far, 0.1)
            self._goal_share += float(np.clip(self._held_share - self._goal_share, -most, most))
            self._goal_stretch += float(np.clip(self._held_stretch - self._goal_stretch, -most, most))
            for chain, goal in ((self._shares, self._goal_share), (self._stretches, self._goal_stretch)):
                for k in range(3):
                    chain[k] += float(damp((goal if k == 0 else chain[k - 1]) - chain[k], QUICK_S, dt))
            self.share = float(self._shares[2])
            far = float(np.linalg.norm(self._offset))
            if far > 0:
                back = min(float(damp(far, FORGET_S, dt)), LEAVE * dt)
                self._offset = self._offset * (1.0 - back / far)
        return anchor + self.share * float(self._stretches[2]) * (place - anchor) + self._offset

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
