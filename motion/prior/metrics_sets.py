"""Figures of sets of embeddings, each with an interval: KID, FID, diversity, multimodality. NumPy only.

A resample draws some items twice. That makes a set look narrower than it is and two sets look further apart, so the
intervals here are 1.96 bootstrap standard deviations about the value of the whole set, not percentiles of resamples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.prior.metrics import Estimate, multinomial, pairwise


def fid(real: np.ndarray, made: np.ndarray) -> float:
    """Frechet distance of two Gaussians fitted to embeddings ``(N, D)``, ``(M, D)`` (Heusel et al. 2017).

    With fewer rows than columns the covariances are singular and the figure depends on N and M: print KID beside it.
    """
    return _frechet(*(_moments(np.asarray(v, np.float64), np.ones(len(v))) for v in (real, made)))


def _moments(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``(D,)``, and a square root X ``(≤ D, D)`` of the covariance X'X, of rows that count so often each."""
    mass = weights.sum()
    mean = weights @ rows / mass
    x = (rows - mean) * np.sqrt(weights / max(mass - 1, 1))[:, None]
    return mean, np.asarray(np.linalg.qr(x, mode="r")) if len(x) > x.shape[1] else x


def _frechet(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    mean, x, y = a[0] - b[0], a[1], b[1]
    # tr sqrt(A B) is the sum of the singular values of X Y' for A = X'X, B = Y'Y: no matrix root is needed.
    cross = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    return float(mean @ mean + (x * x).sum() + (y * y).sum() - 2.0 * cross)


def fid_estimate(
    real: np.ndarray,
    made: np.ndarray,
    *,
    real_groups: np.ndarray | None = None,
    made_groups: np.ndarray | None = None,
    rounds: int = 60,
    seed: int = 0,
) -> Estimate:
    """`fid` with its bootstrap interval; arguments as `kid`."""
    a, b = np.asarray(real, np.float64), np.asarray(made, np.float64)
    draws = _draws((len(a), len(b)), (real_groups, made_groups), rounds, seed)
    values = [_frechet(_moments(a, w), _moments(b, v)) for w, v in zip(*draws, strict=True)]
    e = _about(fid(a, b), values, len(b))
    return replace(e, low=max(e.low, 0.0))  # no distance is negative


def diversity(motion: np.ndarray) -> float:
    """Mean distance between two motions, over all pairs (Guo et al. 2022 draw 300 pairs of them)."""
    count = len(motion)
    return float(pairwise(motion, motion).sum() / (count * (count - 1))) if count > 1 else 0.0


def diversity_estimate(
    motion: np.ndarray, *, groups: np.ndarray | None = None, rounds: int = 200, seed: int = 0
) -> Estimate:
    """`diversity` with its bootstrap interval; an item and its own copy in a resample are no pair.

    Args:
        motion: ``(N, D)``.
        groups: ``(N,)`` labels of what is drawn together. None: each row by itself.
        rounds: resamples.
        seed: of the resampling.
    """
    apart = pairwise(motion, motion)
    np.fill_diagonal(apart, 0.0)
    [draws] = _draws((len(motion),), (groups,), rounds, seed)
    pairs = draws.sum(1) ** 2 - (draws**2).sum(1)
    values = np.einsum("ri,ij,rj->r", draws, apart, draws, optimize=True) / _some(pairs)
    return _about(diversity(motion), values, len(motion))


def multimodality(motion: np.ndarray) -> np.ndarray:
    """Mean distance between results for the same text ``(C,)``, of embeddings ``(C, S, D)`` of S results each.

    Over all pairs; Guo et al. 2022 draw 10 of them.
    """
    return np.array([diversity(rows) for rows in np.asarray(motion)])


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``(x . y / D + 1)^3``: the polynomial kernel of KID (Binkowski et al. 2018). Rows are scaled to length sqrt(D).

    Embeddings of a contrastive model have length 1; without the scaling the kernel would be a straight line on them
    and KID a distance of means alone. Inception features, for which the kernel was made, have lengths near sqrt(D).
    """
    a, b = (v * np.sqrt(v.shape[1]) / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in
            (np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)))  # fmt: skip
    return (a @ b.T / a.shape[1] + 1.0) ** 3


def kid(
    real: np.ndarray,
    made: np.ndarray,
    *,
    unbiased: bool = True,
    real_groups: np.ndarray | None = None,
    made_groups: np.ndarray | None = None,
    rounds: int = 500,
    seed: int = 0,
) -> Estimate:
    """Kernel inception distance: squared maximum mean discrepancy between embeddings, with a bootstrap interval.

    Pairs of an item with itself, or with another of its group, never count in the unbiased form, in resamples neither:
    windows of one capture are alike because they are one capture.

    Args:
        real: ``(N, D)``.
        made: ``(M, D)``.
        unbiased: the U-statistic, zero on average for equal distributions and at times negative. False: the
            V-statistic, whose floor for equal distributions is above zero and falls with N: what a ratio of two KIDs
            measured on equally many items must be made of.
        real_groups: ``(N,)`` labels of what is resampled together. None: each row by itself.
        made_groups: ``(M,)`` likewise.
        rounds: resamples.
        seed: of the resampling.
    """
    if len(real) < 2 or len(made) < 2:
        return Estimate(np.nan, np.nan, np.nan, 0)
    xx, yy, xy = kernel(real, real), kernel(made, made), kernel(real, made)
    numbers = [_numbers(count, groups) for count, groups in ((len(real), real_groups), (len(made), made_groups))]
    apart = [n[:, None] != n[None] if unbiased else np.ones((len(n), len(n)), bool) for n in numbers]

    def value(w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """For rows of weights ``(R, N)``, ``(R, M)``."""
        within = [
            np.einsum("ri,ij,rj->r", u, k * a, u, optimize=True)
            / _some(np.einsum("ri,ij,rj->r", u, a * 1.0, u, optimize=True))
            for u, k, a in ((w, xx, apart[0]), (v, yy, apart[1]))
        ]
        across = np.einsum("ri,ij,rj->r", w, xy, v, optimize=True) / (w.sum(1) * v.sum(1))
        return within[0] + within[1] - 2.0 * across

    point = float(value(np.ones((1, len(real))), np.ones((1, len(made))))[0])
    draws = _draws((len(real), len(made)), (real_groups, made_groups), rounds, seed)
    return _about(point, value(*draws), len(made))


def _some(count: np.ndarray) -> np.ndarray:
    """NaN where nothing is counted: a resample may draw one group alone."""
    return np.where(count > 0, count, np.nan)


def _numbers(count: int, groups: np.ndarray | None) -> np.ndarray:
    """``(N,)`` the number of each row's group."""
    return np.arange(count) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]


def _draws(counts: tuple[int, ...], groups: tuple[np.ndarray | None, ...], rounds: int, seed: int) -> list[np.ndarray]:
    """For each set ``(rounds, N)``: how often each row falls into each resample, whole groups at a time."""
    numbers = [_numbers(count, labels) for count, labels in zip(counts, groups, strict=True)]
    return [multinomial(int(n.max()) + 1, rounds, seed + k)[:, n] for k, n in enumerate(numbers)]


def _about(value: float, resampled: np.ndarray | list[float], count: int) -> Estimate:
    spread = 1.96 * float(np.nanstd(resampled))
    return Estimate(value, value - spread, value + spread, count)
