"""`Help`: how strong the residual wrench may be in each half second, lowered to the least that still tracks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion.rotations import Array
from physics.mass import GRAVITY
from physics.rollout import Rollout

#: Help is lowered window by window of about this length, seconds.
WINDOW_S = 0.5
#: Windows that are lent no more than this are left at that: share of body weight, share of mass x g x height.
LITTLE = (0.05, 0.03)
#: The worst frame may be this many times as far: a walker who has begun to fall at the clip's end has a good mean.
PEAK = 1.75


class Help:
    """How much help a performer may have in each half second, lowered rollout by rollout to the least that tracks."""

    def __init__(
        self, frames: int, fps: float, bounds: Sequence[tuple[float, float]], first: int, tracks_m: float
    ) -> None:
        """Begin with one bound everywhere.

        Args:
            frames: of the performance.
            fps: its rate.
            bounds: to choose from, falling: share of body weight, share of mass x g x height.
            first: which of them is tried first.
            tracks_m: mean joint distance at which a window still tracks, metres for an adult.
        """
        self._levels = np.array(bounds, dtype=np.float64)  # (B, 2), falling
        self._most = tracks_m
        count = max(1, round(frames / fps / WINDOW_S))
        cuts = np.rint(np.linspace(0, frames, count + 1)).astype(int)
        self._spans = list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True))
        self._at = np.full(count, min(first, len(self._levels) - 1))
        self._held = np.zeros(count, dtype=bool)
        self._known = np.full(count, -1)  # the lowest bound that tracked
        self._frames, self._fps = frames, fps

    def bounds(self) -> Array:
        """``(T, 2)``: share of body weight and of mass x g x height, linear between the middles of windows."""
        middles = [(a + b - 1) / 2.0 for a, b in self._spans]
        at = np.arange(self._frames)
        return np.stack([np.interp(at, middles, self._levels[self._at, k]) for k in (0, 1)], axis=1)

    def tracked_s(self, run: Rollout) -> float:
        """Seconds in windows that track."""
        return sum((b - a) / self._fps for (a, b), good in zip(self._spans, self._tracks(run), strict=True) if good)

    def learn(self, run: Rollout) -> bool:
        """Set the next try's bounds by what came of the last; False: there is nothing left to try."""
        good, before = self._tracks(run), self._at.copy()
        weight = run.mass_kg * GRAVITY
        for w, (a, b) in enumerate(self._spans):
            if good[w]:
                self._known[w] = max(self._known[w], before[w])
                force = float(np.linalg.norm(run.force[a:b], axis=1).mean()) / weight
                torque = float(np.linalg.norm(run.torque[a:b], axis=1).mean()) / weight / run.height_m
                little = force <= LITTLE[0] and torque <= LITTLE[1]
                if not self._held[w] and not little:
                    self._at[w] = min(before[w] + 1, len(self._levels) - 1)
            elif w and not good[w - 1] and self._known[w] >= 0:  # it only goes on with what began before
                self._at[w] = self._known[w]
            elif a < run.clip.frames:  # what fails has mostly gone wrong a little earlier
                for v in range(max(w - 2, 0), w + 1):
                    up = self._known[v] if 0 <= self._known[v] < before[v] else before[v] - (v >= w - 1)
                    self._at[v], self._held[v] = max(up, 0), True
        return bool((self._at != before).any())

    def _tracks(self, run: Rollout) -> list[bool]:
        most = self._most * run.height_m / 1.7
        out = []
        for a, b in self._spans:
            error = run.planned_error_m[a:b]
            out.append(len(error) == b - a and error.mean() <= most and error.max() <= PEAK * most)
        return out
