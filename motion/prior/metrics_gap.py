"""In-betweening as LAFAN1 measures it (Harvey et al. 2020): L2P, L2Q, NPSS, and the baselines. NumPy only.

Windows have past frames, a gap, and one target frame. All figures are over the frames of the gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion.rotations import Array

#: Gaps that LAFAN1 reports, frames at 30 fps, and the past frames before them.
GAPS: tuple[int, ...] = (5, 15, 30, 45)
PAST = 10


@dataclass(frozen=True)
class PositionScale:
    """Mean and spread of global joint positions over training windows, as L2P divides by them."""

    mean: Array  # (J, 3) metres
    std: Array  # (J, 3) metres

    @classmethod
    def of(cls, windows: ArrayLike) -> PositionScale:
        """From training windows ``(N, T, J, 3)``, each moved so that its mean pelvis is over the origin and turned to
        face +Z at its last past frame (LAFAN1's are 50 frames long, 20 apart)."""
        positions = np.asarray(windows, dtype=np.float64)
        flat = positions.reshape(-1, *positions.shape[2:])
        return cls(flat.mean(0), np.maximum(flat.std(0), 1e-6))


def l2p(made: ArrayLike, truth: ArrayLike, scale: PositionScale, valid: np.ndarray | None = None) -> Array:
    """L2P of each window ``(N,)``: norm over all joints of the difference of normalised positions, mean over frames.

    Args:
        made: ``(N, T, J, 3)`` world positions in the gap, metres.
        truth: the same of the capture.
        scale: from the training windows. Its mean cancels; its spread sets the unit.
        valid: ``(N, J)`` joints that count. Fewer joints give a smaller figure: compare rows on the same windows only.
    """
    off = (np.asarray(made, np.float64) - np.asarray(truth, np.float64)) / scale.std
    square = (off * off).sum(-1)
    if valid is not None:
        square = square * np.asarray(valid, bool)[:, None]
    return np.sqrt(square.sum(-1)).mean(-1)


def same_sign(made: ArrayLike, truth: ArrayLike) -> Array:
    """``made`` with the signs of quaternions chosen nearest to ``truth``'s: q and −q are one rotation."""
    q, t = np.asarray(made, np.float64), np.asarray(truth, np.float64)
    return np.where((q * t).sum(-1, keepdims=True) < 0, -q, q)


def l2q(made: ArrayLike, truth: ArrayLike, valid: np.ndarray | None = None) -> Array:
    """L2Q of each window ``(N,)``: norm over all joints of the difference of world quaternions, mean over frames.

    Args:
        made: ``(N, T, J, 4)`` world rotations in the gap, xyzw.
        truth: the same of the capture.
        valid: ``(N, J)`` joints that count.
    """
    off = same_sign(made, truth) - np.asarray(truth, np.float64)
    square = (off * off).sum(-1)
    if valid is not None:
        square = square * np.asarray(valid, bool)[:, None]
    return np.sqrt(square.sum(-1)).mean(-1)


def npss(made: ArrayLike, truth: ArrayLike, valid: np.ndarray | None = None) -> float:
    """NPSS of all windows together: the mean of `npss_parts`' distances over the power; 0 where nothing moves."""
    above, below = npss_parts(made, truth, valid)
    return float(above.sum() / below.sum()) if below.sum() > 0 else 0.0


def npss_parts(made: ArrayLike, truth: ArrayLike, valid: np.ndarray | None = None) -> tuple[Array, Array]:
    """Normalised power spectrum similarity of world quaternions (Gopalakrishnan et al. 2019, as LAFAN1 computes it).

    The real part of the spectrum over time, squared; per window and dimension its share of the total, cumulated; the
    mean absolute distance of the two cumulations, summed over frequencies and weighted by the capture's total power.

    Args:
        made: ``(N, T, J, 4)`` world rotations in the gap, xyzw, or ``(N, T, K)`` of anything.
        truth: the same of the capture.
        valid: ``(N, J)`` joints that count.

    Returns:
        for each window ``(N,)``: distances times power, and power; NPSS is the ratio of their sums.
    """
    a, b = np.asarray(made, np.float64), np.asarray(truth, np.float64)
    if a.ndim == 4:
        b = np.stack([rot.continuous(window) for window in b])
        a = np.stack([rot.continuous(window) for window in a])
        # One sign for each window and joint, that of its first frame: signs must not jump within a window.
        a = np.where((a[:, :1] * b[:, :1]).sum(-1, keepdims=True) < 0, -a, a)
        if valid is not None:
            a, b = (v * np.asarray(valid, bool)[:, None, :, None] for v in (a, b))
        a, b = a.reshape(*a.shape[:2], -1), b.reshape(*b.shape[:2], -1)
    power_a, power_b = (np.real(np.fft.fft(v, axis=1)) ** 2 for v in (a, b))
    total_a, total_b = power_a.sum(1, keepdims=True), power_b.sum(1, keepdims=True)
    share_a, share_b = (
        np.cumsum(p / np.where(t > 0, t, 1.0), axis=1) for p, t in ((power_a, total_a), (power_b, total_b))
    )
    distance = np.abs(share_a - share_b).sum(1)
    return (distance * total_b[:, 0]).sum(-1), total_b[:, 0].sum(-1)


def interpolate(rotations: ArrayLike, root: ArrayLike, start: int, stop: int) -> tuple[Array, Array]:
    """LAFAN1's interpolation baseline: slerp of local rotations and a straight line of the root.

    Args:
        rotations: ``(…, T, J, 4)`` local, xyzw, of the capture; only frames ``start`` and ``stop`` are read.
        root: ``(…, T, 3)`` metres.
        start: last known frame before the gap.
        stop: the target frame.

    Returns:
        rotations ``(…, stop − start − 1, J, 4)`` and root of the gap's frames.
    """
    q, p = np.asarray(rotations, np.float64), np.asarray(root, np.float64)
    t = np.arange(1, stop - start) / (stop - start)
    turned = rot.slerp(q[..., start : start + 1, :, :], q[..., stop : stop + 1, :, :], t[:, None])
    moved = (1 - t[:, None]) * p[..., start : start + 1, :] + t[:, None] * p[..., stop : stop + 1, :]
    return turned, moved


def hold(rotations: ArrayLike, root: ArrayLike, start: int, stop: int) -> tuple[Array, Array]:
    """The zero-velocity baseline: the last known pose through the gap; arguments and result as `interpolate`."""
    q, p = np.asarray(rotations, np.float64), np.asarray(root, np.float64)
    count = stop - start - 1
    return (
        np.repeat(q[..., start : start + 1, :, :], count, axis=-3),
        np.repeat(p[..., start : start + 1, :], count, axis=-2),
    )
