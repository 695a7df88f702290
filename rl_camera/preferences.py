"""Reward weights from pairwise preferences: which of two cameras that filmed the same episode a person likes better.

The model is Bradley and Terry's (1952) on the mean reward terms of both rollouts: A is preferred over B with
probability ``sigmoid(scale · w · (terms_A − terms_B))``. Weights stay near the usual ones until choices say otherwise.
`fit` finds them; `read` and `append` keep choices in a CSV file, a row each.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from motion.errors import BadInput, unknown
from motion.rotations import Array
from rl_camera.env.reward import COSTS, TERMS, RewardWeights

ANSWERS = ("a", "b", "tie")

#: Terms that a picture may have of its own, whose weights sum to 1.
GAINS: tuple[str, ...] = tuple(name for name in TERMS if name not in COSTS)

#: How far a weight is expected to lie from the usual one: standard deviation of the prior. One clear choice, 0.2 apart
#: in one term, then moves that term's weight by about 0.02.
SPREAD, COST_SPREAD = 0.1, 0.3

#: A cost counts at most this much: twice all that a perfect picture is worth.
MOST_COST = 2.0

#: Prior of the scale: pictures 0.05 apart in reward are told apart three times in four; wrong by a factor e, or two.
SCALE, SCALE_SPREAD = 20.0, 1.0

#: Decided choices below which what was fitted is hardly more than the prior.
FEW = 30

FOLDS = 5

_COLUMNS = ("when", "who", "seed", "config", "a", "b", "choice", *(f"{s}_{t}" for s in "ab" for t in TERMS))
_SIGN = np.array([-1.0 if name in COSTS else 1.0 for name in TERMS])


@dataclass(frozen=True)
class Preference:
    """One choice between two cameras of one episode."""

    seed: int  # of the episode
    config: str  # settings of the environment that are not the usual ones, as JSON
    a: str  # who filmed it: "rule", "cem 4096"
    b: str
    terms_a: Mapping[str, float]  # mean of every one of `TERMS` over the episode, 0..1
    terms_b: Mapping[str, float]
    choice: str  # one of `ANSWERS`
    who: str = ""
    when: str = ""  # ISO 8601

    def __post_init__(self) -> None:
        if self.choice not in ANSWERS:
            raise unknown("choice", self.choice, ANSWERS)
        for terms in (self.terms_a, self.terms_b):
            for name in TERMS:
                if name not in terms:
                    raise BadInput(f"a choice without the term {name}")
                if not (math.isfinite(terms[name]) and -1e-6 <= terms[name] <= 1.0 + 1e-6):
                    raise BadInput(f"term {name} is {terms[name]:g}, expected 0 to 1")

    @property
    def pair(self) -> tuple[str, int, frozenset[str]]:
        """What was compared, whichever stood left."""
        return self.config, self.seed, frozenset((self.a, self.b))

    @property
    def winner(self) -> str | None:
        """Who filmed the one that was chosen; None: neither."""
        return {"a": self.a, "b": self.b, "tie": None}[self.choice]


@dataclass(frozen=True)
class Fitted:
    """Weights that explain choices, and how well they do."""

    weights: RewardWeights
    errors: Mapping[str, float]  # standard error of every weight
    scale: float  # how sharply reward decides
    accuracy: float  # share of decided choices that the weights predict
    held_out: float | None  # the same for choices that were left out of the fit; None: too few to leave any out
    interval: tuple[float, float] | None  # 95 % of it
    usual: float  # accuracy of the usual weights
    choices: int
    ties: int
    contradictory: int  # pairs that were answered both ways
    people: int
    notes: tuple[str, ...] = field(default=())  # what a user should know before trusting them


def fit(
    choices: Sequence[Preference], *, usual: RewardWeights | None = None, rounds: int = 200, seed: int = 0
) -> Fitted:
    """The most probable weights given choices.

    Maximum of the likelihood times a Gaussian prior about the usual weights, with all weights at least 0 and those of
    `GAINS` summing to 1. A tie counts as half a choice each way. Standard errors are a bootstrap over episodes;
    held-out accuracy is by cross-validation in which no episode is on both sides.

    Args:
        choices: which of two each time; their order and which stood left do not matter.
        usual: weights that are right until choices say otherwise; None: the defaults.
        rounds: of the bootstrap; 0: no standard errors (NaN).
        seed: of bootstrap and folds.

    Raises:
        BadInput: nobody preferred anything.
    """
    usual = usual or RewardWeights()
    start = _normal(np.array([getattr(usual, name) for name in TERMS]))
    decided = [c for c in choices if c.choice != "tie"]
    if not decided:
        raise BadInput(f"preferences: {len(choices)} choices, none for one of the two, expected at least one")
    choices = sorted(map(_turned, choices), key=_order)  # sums in one order: the same weights to the last bit
    X = np.array([_difference(c) for c in choices])
    y = np.array([{"a": 1.0, "b": 0.0, "tie": 0.5}[c.choice] for c in choices])
    episodes = np.unique([f"{c.seed} {c.config}" for c in choices], return_inverse=True)[1].reshape(-1)
    w, scale = _most_probable(X, y, start)
    errors = _bootstrap(X, y, episodes, start, rounds, seed)
    held_out, interval = _held_out(X, y, episodes, start, seed)
    answers: dict[object, set[str]] = {}
    for c in decided:
        answers.setdefault(c.pair, set()).add(str(c.winner))
    both = sum(len(a) > 1 for a in answers.values())
    found = Fitted(
        RewardWeights(**dict(zip(TERMS, w.tolist()))), dict(zip(TERMS, errors.tolist())), scale, _accuracy(X, y, w),
        held_out, interval, _accuracy(X, y, start), len(choices), len(choices) - len(decided), both,
        len({c.who for c in choices}),
    )  # fmt: skip
    return Fitted(**{**found.__dict__, "notes": _notes(found, len(answers))})


def _notes(found: Fitted, pairs: int) -> tuple[str, ...]:
    out = []
    decided = found.choices - found.ties
    if decided < FEW:
        out.append(f"{decided} decided choices are few, expected {FEW} or more: these are nearly the usual weights")
    if found.contradictory:
        out.append(f"{found.contradictory} of {pairs} pairs were answered both ways: contradictory choices cancel out")
    if found.interval is not None and found.interval[0] <= 0.5:
        low, high = (f"{100 * v:.0f}" for v in found.interval)
        out.append(
            f"choices left out are predicted no better than by chance ({low} to {high} %): do not train with these"
        )
    return tuple(out)


# ---- the model


def _difference(c: Preference) -> list[float]:
    """What A has over B, costs negative."""
    return [float(s * (c.terms_a[n] - c.terms_b[n])) for n, s in zip(TERMS, _SIGN)]


def _turned(c: Preference) -> Preference:
    """The same choice with its two in one order, whichever stood left."""
    one, two = ((name, *(terms[n] for n in TERMS)) for name, terms in ((c.a, c.terms_a), (c.b, c.terms_b)))
    if one <= two:
        return c
    other = {"a": "b", "b": "a", "tie": "tie"}[c.choice]
    return replace(c, a=c.b, b=c.a, terms_a=c.terms_b, terms_b=c.terms_a, choice=other)


def _order(c: Preference) -> tuple[object, ...]:
    return (c.config, c.seed, c.a, c.b, *_difference(c), c.choice)


def _normal(w: Array) -> Array:
    """Weights whose gains sum to 1."""
    gains = _SIGN > 0
    total = float(w[gains].sum())
    if total <= 0:
        raise BadInput("preferences: the usual weights are all 0, expected one above")
    out = np.asarray(w / total, np.float64)
    out[~gains] = np.clip(out[~gains], 0.0, MOST_COST)
    return out


def _most_probable(X: Array, y: Array, start: Array) -> tuple[Array, float]:
    """Weights ``(9,)`` and scale of the highest posterior probability."""
    from scipy.optimize import minimize

    gains = _SIGN > 0
    spread = np.where(gains, SPREAD, COST_SPREAD)

    def loss(v: Array) -> tuple[float, Array]:
        w, log_scale = v[:-1], v[-1]
        scale = math.exp(log_scale)
        z = scale * (X @ w)
        # −[y ln σ(z) + (1 − y) ln σ(−z)]
        nats = float(np.logaddexp(0.0, -z).sum() + ((1.0 - y) * z).sum())
        slope = 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500))) - y
        off, far = (w - start) / spread, (log_scale - math.log(SCALE)) / SCALE_SPREAD
        value = nats + 0.5 * float(off @ off) + 0.5 * far * far
        return value, np.append(scale * (X.T @ slope) + off / spread, slope @ z + far / SCALE_SPREAD)

    total = np.append(gains.astype(np.float64), 0.0)
    bounds = [(0.0, 1.0 if g else MOST_COST) for g in gains] + [(math.log(SCALE) - 5.0, math.log(SCALE) + 5.0)]
    found = minimize(
        loss, np.append(start, math.log(SCALE)), jac=True, method="SLSQP", bounds=bounds,
        constraints={"type": "eq", "fun": lambda v: v @ total - 1.0, "jac": lambda v: total},
        options={"maxiter": 500, "ftol": 1e-10},
    )  # fmt: skip
    return _normal(np.maximum(found.x[:-1], 0.0)), math.exp(float(found.x[-1]))


def _accuracy(X: Array, y: Array, w: Array) -> float:
    """Share of decided choices on the right side; a prediction of neither counts half."""
    decided = y != 0.5
    return float(_right(X[decided], y[decided], w).mean()) if decided.any() else math.nan


def _right(X: Array, y: Array, w: Array) -> Array:
    z = X @ w
    return np.where(np.abs(z) < 1e-12, 0.5, ((z > 0) == (y > 0.5)).astype(np.float64))


def _bootstrap(X: Array, y: Array, episodes: np.ndarray, start: Array, rounds: int, seed: int) -> Array:
    """Standard errors ``(9,)``: episodes are redrawn with all their choices."""
    if rounds < 2:
        return np.full(len(TERMS), math.nan)
    rng = np.random.default_rng(seed)
    count = int(episodes.max()) + 1
    own = [np.flatnonzero(episodes == e) for e in range(count)]
    found = []
    for _ in range(rounds):
        rows = np.concatenate([own[e] for e in rng.integers(0, count, count)])
        found.append(_most_probable(X[rows], y[rows], start)[0])
    return np.std(found, axis=0, ddof=1)


def _held_out(
    X: Array, y: Array, episodes: np.ndarray, start: Array, seed: int
) -> tuple[float | None, tuple[float, float] | None]:
    """Accuracy on choices of episodes that the fit did not see, and its 95 % interval (Wilson 1927)."""
    count = int(episodes.max()) + 1
    if count < 2 * FOLDS:
        return None, None
    fold = np.random.default_rng(seed).permutation(count)[episodes] % FOLDS
    right = []
    for k in range(FOLDS):
        w, _ = _most_probable(X[fold != k], y[fold != k], start)
        out = (fold == k) & (y != 0.5)
        right.append(_right(X[out], y[out], w))
    every = np.concatenate(right)
    return float(every.mean()), wilson(float(every.sum()), len(every))


def wilson(right: float, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927)."""
    z, p = 1.959964, right / count
    middle = p + z * z / (2 * count)
    half = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    whole = 1 + z * z / count
    return (middle - half) / whole, (middle + half) / whole


# ---- files


def append(path: str | Path, choice: Preference) -> None:
    """Write one more row, at once and whole; a new file gets its header.

    Raises:
        BadInput: the file is there and holds something else.
    """
    path = Path(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not path.exists() or path.stat().st_size == 0:
        writer.writerow(_COLUMNS)
    else:
        _check_header(path, next(csv.reader([_first_line(path)]), []))
    # Six digits: the terms are means over tens of moments.
    terms = [f"{t[n]:.6f}" for t in (choice.terms_a, choice.terms_b) for n in TERMS]
    writer.writerow([choice.when, choice.who, choice.seed, choice.config, choice.a, choice.b, choice.choice, *terms])
    with path.open("ab") as file:
        file.write(text.getvalue().encode())
        file.flush()
        os.fsync(file.fileno())


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return file.readline(100_000)


def read(path: str | Path) -> tuple[Preference, ...]:
    """All choices of a file that `append` wrote, or of several put together by hand.

    Raises:
        BadInput: no such file, or a row that is none, with its line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read as a CSV file ({error})") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        _check_header(path, next(reader, []))
        out = [_row(row) for row in reader if row and tuple(row) != _COLUMNS]
    except (BadInput, ValueError, csv.Error) as error:
        words = str(error).removeprefix(f"{path}: ")
        raise BadInput(f"{path}, line {max(reader.line_num, 1)}: {words}") from None
    return tuple(out)


def _check_header(path: Path, header: Sequence[str]) -> None:
    if tuple(header) != _COLUMNS:
        raise BadInput(
            f"{path}: no file of camera preferences, expected the columns {', '.join(_COLUMNS[:7])}, a_size, …"
        )


def _row(row: Sequence[str]) -> Preference:
    if len(row) != len(_COLUMNS):
        raise BadInput(f"{len(row)} values, expected {len(_COLUMNS)}")
    when, who, seed, config, a, b, choice, *numbers = row
    values = [float(number) for number in numbers]
    terms_a, terms_b = (dict(zip(TERMS, values[k:])) for k in (0, len(TERMS)))
    return Preference(int(seed), config, a, b, terms_a, terms_b, choice, who, when)
