"""Figures over many motions: intervals, R-precision, distances of words and motion, copying. NumPy only.

KID, FID and diversity are in `motion.prior.metrics_sets`, figures of one motion's joints in `metrics_motion`, those of
in-betweening in `metrics_gap`.
Every function takes arrays and returns arrays or numbers; randomness comes from the seed that is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from motion.errors import BadInput

#: Texts more alike than this count as the same caption (Kimodo `metrics/tmr.py`, after TMR's protocol (b)).
SAME_TEXT = 0.99
#: Share of held-out motions that may lie nearer to training motion than the bound of `copy_bound`.
COPY_SHARE = 0.05


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float
    count: int = 0  # what it was measured on: items, pairs, galleries

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


# ---- intervals


def bootstrap(
    values: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    rounds: int = 1000,
    seed: int = 0,
) -> Estimate:
    """(Weighted) mean with its percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13).

    Args:
        values: ``(N,)``; NaN is left out.
        weights: ``(N,)``, not negative: frames of each motion, for a mean per frame. None: all alike.
        groups: ``(N,)`` labels: what belongs together (windows of one capture, seeds of one prompt) is drawn together,
            because it is not independent. None: each value by itself.
        rounds: resamples.
        seed: of the resampling.

    Returns:
        the mean of all values; NaN everywhere when there are none.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64).ravel()
    known = np.isfinite(values) & (weights > 0)
    if not known.any():
        return Estimate(np.nan, np.nan, np.nan, 0)
    values, weights = values[known], weights[known]
    number = np.arange(len(values)) if groups is None else np.unique(np.asarray(groups)[known], return_inverse=True)[1]
    total, mass = np.bincount(number, values * weights), np.bincount(number, weights)
    draws = multinomial(len(total), rounds, seed)
    # A resample without any weight cannot happen: every group has some.
    means = (draws @ total) / (draws @ mass)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(total.sum() / mass.sum()), float(low), float(high), len(values))


def bootstrap_ratio(
    a: np.ndarray,
    b: np.ndarray,
    *,
    paired: bool = False,
    groups: np.ndarray | None = None,
    rounds: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Mean of ``a`` over mean of ``b`` with its bootstrap interval.

    Args:
        a: ``(N,)``.
        b: ``(M,)``; ``(N,)`` when paired.
        paired: value i of both belongs to the same item, and both are drawn together.
        groups: ``(N,)`` labels of what is drawn together, when paired.
        rounds: resamples.
        seed: of the resampling.
    """
    a, b = (np.asarray(v, dtype=np.float64).ravel() for v in (a, b))
    if len(a) == 0 or len(b) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    if paired:
        if len(a) != len(b):
            raise BadInput(f"paired ratio: {len(a)} values against {len(b)}")
        number = np.arange(len(a)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        draws = multinomial(int(number.max()) + 1, rounds, seed)
        above, below = (draws @ np.bincount(number, v).astype(np.float64) for v in (a, b))
    else:
        above = multinomial(len(a), rounds, seed) @ (a / len(a))
        below = multinomial(len(b), rounds, seed + 1) @ (b / len(b))
    low, high = np.percentile(above / np.where(below == 0, np.nan, below), [2.5, 97.5])
    return Estimate(float(a.mean() / b.mean()) if b.mean() else np.nan, float(low), float(high), len(a))


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Bounds of a proportion (Wilson 1927, two-sided score interval); ``(0, 1)`` for no trials."""
    if trials == 0:
        return 0.0, 1.0
    if not 0 <= successes <= trials:
        raise BadInput(f"wilson: {successes} successes of {trials} trials")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p, n = successes / trials, trials
    centre, spread = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float(max(0.0, (centre - spread) / (1 + z * z / n))), float(min(1.0, (centre + spread) / (1 + z * z / n)))


def proportion(hits: np.ndarray) -> Estimate:
    """A share of successes ``(N,)`` bool, with Wilson's interval."""
    hits = np.asarray(hits, dtype=bool).ravel()
    value = float(hits.mean()) if len(hits) else np.nan
    return Estimate(value, *wilson(int(hits.sum()), len(hits)), len(hits))


def multinomial(count: int, rounds: int, seed: int) -> np.ndarray:
    """``(rounds, count)``: how often each of ``count`` items falls into each resample."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1.0 / count), size=rounds).astype(np.float64)


# ---- words and motions


def same_captions(labels: np.ndarray, text: np.ndarray | None = None, threshold: float = SAME_TEXT) -> np.ndarray:
    """Which captions say the same: equal attributes, or texts that are alike.

    Args:
        labels: ``(N,)`` of anything that compares equal: a number or string for each set of attributes. A negative
            number or an empty string says that the attributes are not known.
        text: ``(N, D)`` unit vectors of the captions, or None.
        threshold: cosine from which two texts count as the same.

    Returns:
        ``(N, N)`` bool, true on the diagonal.
    """
    labels = np.asarray(labels)
    known = labels != "" if labels.dtype.kind in "US" else labels >= 0
    same = (labels[:, None] == labels[None]) & known[:, None] & known[None]
    if text is not None:
        unit = np.asarray(text, dtype=np.float64)
        same = same | (unit @ unit.T >= threshold)
    return same | np.eye(len(labels), dtype=bool)


def r_precision(
    text: np.ndarray,
    motion: np.ndarray,
    same: np.ndarray | None = None,
    *,
    gallery: int | None = 32,
    top: tuple[int, ...] = (1, 2, 3),
    repeats: int = 20,
    seed: int = 0,
) -> np.ndarray:
    """Chance that a text finds its own motion among the nearest ``k`` of a gallery.

    Guo et al. 2022 rank by Euclidean distance in galleries of 32 drawn at random; 63 % of HumanML3D's test captions
    are also the caption of another motion (MRBench), so motions whose caption says the same are **taken out** of a
    text's gallery. Crediting them instead would let a bad sample be saved by another sample's success.

    Args:
        text: ``(N, D)`` embeddings.
        motion: ``(N, D)`` embeddings; row i was made for text i.
        same: ``(N, N)`` bool from `same_captions`; None: only a text's own motion is the same.
        gallery: motions that a text is shown, its own among them; None: all of the split.
        top: the k of R@k.
        repeats: galleries drawn for each text.
        seed: of the galleries.

    Returns:
        ``(N, len(top))`` in [0, 1]: the mean over repeats, ready for `bootstrap`. Ties count by chance: a model that
        gives everybody the same motion earns k / gallery.

    Raises:
        BadInput: fewer motions than a gallery needs.
    """
    count = len(text)
    if len(motion) != count:
        raise BadInput(f"R-precision: {count} texts and {len(motion)} motions")
    if gallery is not None and count < gallery:
        raise BadInput(f"R-precision: {count} motions, expected at least a gallery of {gallery}")
    distance = pairwise(text, motion)
    own = np.diag(distance).copy()
    others = ~(np.eye(count, dtype=bool) if same is None else same)
    # Rounding must not decide between motions that are the same.
    slack = 1e-6 * (1.0 + own[:, None])
    nearer = (distance < own[:, None] - slack) & others
    tied = (np.abs(distance - own[:, None]) <= slack) & others
    if gallery is None:
        return np.stack([_hit(nearer.sum(1), tied.sum(1), k) for k in top], axis=1)
    rng = np.random.default_rng(seed)
    result = np.zeros((count, len(top)))
    for _ in range(repeats):
        # Distractors: the `gallery - 1` others with the smallest random keys.
        keys = np.where(others, rng.random((count, count)), np.inf)
        chosen = np.argpartition(keys, gallery - 2, axis=1)[:, : gallery - 1]
        usable = np.isfinite(np.take_along_axis(keys, chosen, 1))
        before = (np.take_along_axis(nearer, chosen, 1) & usable).sum(1)
        level = (np.take_along_axis(tied, chosen, 1) & usable).sum(1)
        result += np.stack([_hit(before, level, k) for k in top], axis=1)
    return result / repeats


def _hit(before: np.ndarray, level: np.ndarray, k: int) -> np.ndarray:
    """Chance to be among the first k behind ``before`` others and in a random order with ``level`` more."""
    return np.clip((k - before) / (level + 1), 0.0, 1.0)


def pairwise(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances ``(N, M)`` between rows."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    square = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2.0 * a @ b.T
    return np.sqrt(np.maximum(square, 0.0))


def mm_distance(text: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Distance of each motion to its own text ``(N,)`` (Guo et al. 2022)."""
    return np.linalg.norm(np.asarray(text, np.float64) - np.asarray(motion, np.float64), axis=-1)


# ---- copying


@dataclass(frozen=True)
class Shapes:
    """Motions of one length as rows, freed of where they stand: what `shapes` makes and `squared_distance` compares."""

    level: np.ndarray  # (N, T J) complex64: x + i z about their mean
    height: np.ndarray  # (N, T J) float32

    def __len__(self) -> int:
        return len(self.level)

    def __getitem__(self, index: slice | np.ndarray) -> Shapes:
        return Shapes(self.level[index], self.height[index])


def shapes(positions: np.ndarray) -> Shapes:
    """`Shapes` of joint positions ``(N, T, J, 3)``, metres, Y up."""
    p = np.asarray(positions, dtype=np.float32).reshape(len(positions), -1, 3)
    level = p[..., 0] + 1j * p[..., 2]
    return Shapes((level - level.mean(1, keepdims=True)).astype(np.complex64), p[..., 1])


def squared_distance(a: Shapes, b: Shapes, pairs: bool = False) -> np.ndarray:
    """Mean over frames and joints of squared distances, m², after the best move and turn over the floor.

    The way a motion faces and where it stands do not make it another one. For level places as complex numbers about
    their mean, the best turn brings the inner product of the two to its length (Procrustes in the plane).

    Args:
        a: N motions.
        b: M motions.
        pairs: compare row with row instead, N = M.

    Returns:
        ``(N, M)``, or ``(N,)`` of pairs.
    """
    count = a.level.shape[1]
    own = [(np.abs(s.level) ** 2).sum(1) + (s.height**2).sum(1) for s in (a, b)]
    if pairs:
        across = np.abs((a.level.conj() * b.level).sum(1)) + (a.height * b.height).sum(1)
        return np.maximum(own[0] + own[1] - 2 * across, 0.0) / count
    across = np.abs(a.level.conj() @ b.level.T) + a.height @ b.height.T
    return np.maximum(own[0][:, None] + own[1][None] - 2 * across, 0.0) / count


def nearest(queries: np.ndarray, gallery: np.ndarray, chunk: int = 8192) -> np.ndarray:
    """Distance of each query to its nearest gallery motion, metres: root of `squared_distance`.

    Args:
        queries: ``(N, T, J, 3)`` joint positions.
        gallery: ``(M, T, J, 3)``.
        chunk: gallery motions compared at once.
    """
    asked = shapes(queries)
    best = np.full(len(asked), np.inf)
    for at in range(0, len(gallery), chunk):
        best = np.minimum(best, squared_distance(asked, shapes(gallery[at : at + chunk])).min(1, initial=np.inf))
    return np.sqrt(best)


def copy_bound(held_out: np.ndarray, share: float = COPY_SHARE) -> float:
    """The distance to training motion below which a motion counts as a copy, from `nearest` of held-out motion.

    Held-out motion was never seen, so what lies nearer to the training set than nearly all of it (all but ``share``)
    was not made but remembered. The bound comes from one half of a split; the rate of the other half, Real's own, is
    then about ``share``, and a model's rate is read against it. Length, action and repetition of the motions must be
    those of the results that are judged: short and quiet motions have nearer neighbours.
    """
    return float(np.quantile(np.asarray(held_out, dtype=np.float64), share))


def copies(distances: np.ndarray, bound: float) -> np.ndarray:
    """Which results are copies ``(N,)`` bool: nearer to a training motion than ``bound``."""
    return np.asarray(distances) < bound
