"""Motion as a live camera meets it: one sample of everybody at a time, the newest as a table of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motion.errors import BadInput
from rl_camera.env.library import HEADING_S, KEYPOINTS, Table, anchors_of
from rl_camera.framing import LANDMARK, Tracks


class Present:
    """The newest sample of everybody, and the few seconds before it that headings are averaged over.

    Its table is the last column, for each performer, of what `library.tabulate` makes of the samples that it holds;
    only that column is made, so it costs the same however long the shot lasts.

    Args:
        keypoints: of `library.KEYPOINTS`.
        hz: samples a second.
        memory: samples that are held.
    """

    def __init__(self, keypoints: str, hz: float, memory: int = 32) -> None:
        self.hz = hz
        self._index = [LANDMARK[name] for name in KEYPOINTS[keypoints]]
        self._samples: deque[Tracks] = deque(maxlen=memory)
        self._facing: deque[np.ndarray] = deque(maxlen=memory)  # (S, 2) each

    def see(self, tracks: Tracks) -> None:
        """The next sample, ``tracks`` of one time."""
        self._samples.append(tracks)
        self._facing.append(tracks.facing()[0])

    def tracks(self, time: float) -> Tracks:
        """All samples held, the newest at ``time``, seconds."""
        points = np.concatenate([t.points for t in self._samples])
        times = time + (np.arange(len(points)) - len(points) + 1) / self.hz
        return replace(self._samples[-1], times=times, points=points)

    def table(self, names: Sequence[str]) -> Table:
        """The newest sample of performers ``names``, one column and one take for each.

        Raises:
            BadInput: a pose is not finite.
        """
        now = self._samples[-1]
        pick = [now.names.index(name) for name in names]
        own = now.points[0, pick]  # (P, 33, 3)
        if not np.isfinite(own).all():
            bad = int(np.flatnonzero(~np.isfinite(own).all(axis=(1, 2)))[0])
            raise BadInput(f"{names[bad]}: the pose at {now.times[0]:.2f} s is not finite")
        before = self._samples[-2].points[0, pick] if len(self._samples) > 1 else own
        anchors = anchors_of(own)
        drift = (anchors - anchors_of(before)) * self.hz
        velocity = (own - before)[:, LANDMARK["pelvis"]] * self.hz
        extra = np.concatenate([own[:, LANDMARK["eyes"]], self._heading(pick), velocity], axis=1)
        count = np.arange(len(pick))
        return Table(
            own[:, self._index].transpose(2, 1, 0).reshape(-1, len(pick)).astype(np.float32),
            np.ascontiguousarray(anchors.reshape(-1, 3).T, np.float32),
            np.ascontiguousarray(drift.reshape(-1, 3).T, np.float32),
            np.ascontiguousarray(extra.T, np.float32),
            count,
            np.ones_like(count),
            now.stature[pick].astype(np.float32),
        )

    def _heading(self, pick: Sequence[int]) -> np.ndarray:
        """Calm headings ``(P, 2)``: the sum that `library.calm_heading` comes to at its last sample."""
        count = len(self._facing)
        keep = float(np.exp(-1.0 / self.hz / HEADING_S))
        weights = (1.0 - keep) * keep ** np.arange(count - 1, -1, -1.0)
        weights[0] = keep ** (count - 1)
        heading = np.tensordot(weights, np.array(self._facing)[:, pick], axes=1)
        size = np.linalg.norm(heading, axis=-1, keepdims=True)
        return np.where(size > 1e-3, heading / np.maximum(size, 1e-3), [0.0, 1.0])
