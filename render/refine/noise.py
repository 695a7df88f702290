"""`FlowNoise`: white noise that moves with what is in the picture, for the start of a video diffusion model.

The idea is Go-with-the-Flow's (Burgert et al., CVPR 2025): noise transported along flow stays independent and Gaussian
inside every frame, and is correlated between frames exactly along the motion. Where a surface shrinks on the screen
the noise of its cells is added and divided by the root of their number; where it grows a cell's noise X is shared out
among n cells as ``X / √n + Z − mean(Z)`` with fresh white Z, which keeps the variance at 1 and every covariance at 0
(Chang et al., *How I Warped Your Noise*, ICLR 2024). What comes into view gets noise of its own.

Two things differ, because a renderer's flow is exact. Each cell's noise remembers where inside the cell its surface
point is, so that slow motion adds up instead of being rounded away. And occlusion is known, not guessed.
"""

from __future__ import annotations

import numpy as np

from motion.errors import BadInput
from render.frame import Flow

#: Cells a side of one cell of the result. The result then changes smoothly while a point moves across it.
OVERSAMPLE = 4


class FlowNoise:
    """Noise for one shot, frame after frame.

    Args:
        size: width and height of the noise in its own cells: the model's latent picture.
        channels: of the noise.
        seed: the same seed, size and flow give the same noise.
        steady: 0 to 1, the correlation of a moving point's noise from frame to frame: 1 only transports, 0 is fresh
            noise every frame. Go-with-the-Flow's usual degradation of 0.5 is 0.5 here too. Models that were not
            trained on such noise stand less of it than those that were.

    Example:
        >>> noise = FlowNoise((104, 60), 16, seed=7)  # doctest: +SKIP
        >>> first = noise.next()  # doctest: +SKIP
        >>> second = noise.next(frame0.flow_to(1), frame1.flow_to(0))  # doctest: +SKIP
    """

    def __init__(self, size: tuple[int, int], channels: int, seed: int = 0, steady: float = 0.5) -> None:
        if min(size) < 1 or channels < 1:
            raise BadInput(f"noise of {size[0]}x{size[1]} cells and {channels} channels, expected at least 1 of each")
        if not 0 <= steady <= 1:
            raise BadInput(f"steadiness of the noise {steady}, expected 0 to 1")
        self.size, self.channels, self.steady = size, channels, steady
        self._seed = seed
        self._frame = 0
        self._width, self._height = size[0] * OVERSAMPLE, size[1] * OVERSAMPLE
        count = self._width * self._height
        self._noise = self._fresh(count)  # (N, C)
        self._area = np.ones(count)  # of the surface that a cell's noise stands for, in cells
        cells = np.arange(count)
        self._place = np.stack([cells % self._width, cells // self._width], axis=-1) + 0.5  # (N, 2) in cells

    def next(self, forward: Flow | None = None, backward: Flow | None = None) -> np.ndarray:
        """The noise of the next frame ``(C, H, W)`` float32: mean 0, variance 1, white.

        Args:
            forward: flow ``(h, w, 2)`` px and occluded ``(h, w)`` from the frame before to this one, of a picture of
                any size (`Frame.flow_to`); None for a first frame, or one that repeats the frame before.
            backward: from this frame to the one before; given with ``forward``.
        """
        if (forward is None) != (backward is None):
            raise BadInput("noise: flow one way only, expected forward and backward")
        if forward is not None and backward is not None:
            self._transport(forward, backward)
        self._frame += 1
        return self._result()

    def _fresh(self, count: int) -> np.ndarray:
        rng = np.random.default_rng([self._seed & 0xFFFFFFFF, self._frame])
        return rng.standard_normal((count, self.channels), dtype=np.float32)

    def _transport(self, forward: Flow, backward: Flow) -> None:
        """One step along flow. Every cell of the result is joined to the cells whose noise it takes."""
        count = len(self._noise)
        moved, gone = _sample(forward, self._place, (self._width, self._height))
        there = self._place + moved
        target = self._cell(there)
        target[gone] = -1
        source = np.flatnonzero(target >= 0)
        target, there = target[source], there[source]
        # Cells that nothing came to, though their surface was seen before: it has grown, and its old cell is shared.
        empty = np.ones(count, bool)
        empty[target] = False
        asking = np.flatnonzero(empty)
        here = np.stack([asking % self._width, asking // self._width], axis=-1) + 0.5
        moved, hidden = _sample(backward, here, (self._width, self._height))
        origin = self._cell(here + moved)
        origin[hidden] = -1
        found = origin >= 0
        source = np.concatenate([source, origin[found]])
        target = np.concatenate([target, asking[found]])
        there = np.concatenate([there, here[found]])
        self._join(source, target, there)

    def _join(self, source: np.ndarray, target: np.ndarray, place: np.ndarray) -> None:
        """Share every source's noise among its targets, then add up what each target got.

        Args:
            source: ``(E,)`` cells before.
            target: ``(E,)`` cells now.
            place: ``(E, 2)`` where the noise is now, in cells.
        """
        count = len(self._noise)
        shares = np.bincount(source, minlength=count)[source]  # (E,)
        area = self._area[source] / shares
        fresh = self._fresh(len(source) + count)
        z, rest = fresh[: len(source)], fresh[len(source) :]
        parts = np.empty_like(z)
        for c in range(self.channels):
            mean = np.bincount(source, z[:, c], minlength=count)[source] / shares
            parts[:, c] = self._noise[source, c] / np.sqrt(shares) + np.where(shares > 1, z[:, c] - mean, 0)
        total = np.bincount(target, area, minlength=count)
        reached = total > 0
        root = np.sqrt(area)
        for c in range(self.channels):
            summed = np.bincount(target, root * parts[:, c], minlength=count)
            rest[reached, c] = summed[reached] / np.sqrt(total[reached])
        self._noise = rest
        cells = np.arange(count)
        self._place = np.stack([cells % self._width, cells // self._width], axis=-1) + 0.5
        for k in (0, 1):
            middle = np.bincount(target, area * place[:, k], minlength=count)
            self._place[reached, k] = middle[reached] / total[reached]
        self._area = np.where(reached, np.maximum(total, 1e-6), 1.0)

    def _cell(self, place: np.ndarray) -> np.ndarray:
        """Number of the cell at ``(N, 2)``, -1 outside the picture."""
        x, y = np.floor(place[:, 0]), np.floor(place[:, 1])
        inside = (x >= 0) & (y >= 0) & (x < self._width) & (y < self._height)
        return np.where(inside, np.where(inside, y, 0) * self._width + np.where(inside, x, 0), -1).astype(np.int64)

    def _result(self) -> np.ndarray:
        width, height = self.size
        k = OVERSAMPLE
        # The mean of k² independent cells times k has variance 1 again.
        grid = self._noise.reshape(height, k, width, k, self.channels).sum(axis=(1, 3)) / k
        moving = grid.transpose(2, 0, 1)
        if self.steady == 1:
            return np.ascontiguousarray(moving, dtype=np.float32)
        rng = np.random.default_rng([self._seed & 0xFFFFFFFF, self._frame, 1])
        own = rng.standard_normal(moving.shape, dtype=np.float32)
        return (np.sqrt(self.steady) * moving + np.sqrt(1 - self.steady) * own).astype(np.float32)


def _sample(flow: Flow, place: np.ndarray, grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Flow ``(N, 2)`` in grid cells and occluded ``(N,)`` at ``place (N, 2)``, in grid cells; the nearest pixel's."""
    vectors, occluded = flow
    height, width = occluded.shape
    scale = np.array([width / grid[0], height / grid[1]])
    pixel = np.floor(place * scale).astype(np.int64)
    x, y = np.clip(pixel[:, 0], 0, width - 1), np.clip(pixel[:, 1], 0, height - 1)
    moved = vectors[y, x].astype(np.float64)
    gone = occluded[y, x] | ~np.isfinite(moved).all(axis=-1)
    return np.where(gone[:, None], 0.0, moved) / scale, gone
