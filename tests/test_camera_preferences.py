"""Reward weights from choices: planted weights are found again; few, tied, contradictory choices say so; the file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from motion.errors import BadInput
from rl_camera import preferences
from rl_camera.env.reward import COSTS, TERMS, RewardWeights
from rl_camera.preferences import GAINS, Preference, append, fit, read

#: Somebody who cares for the view and for calm, and not for the place in the picture.
TASTE = RewardWeights(0.1, 0.03, 0.2, 0.32, 0.0, 0.05, 0.3, 1.2, 0.1)


def simulated(count: int, taste: RewardWeights = TASTE, seed: int = 0, scale: float = 25.0) -> list[Preference]:
    """Choices of somebody with such a taste between random cameras, drawn by the model itself."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        a, b = ({n: float(v) for n, v in zip(TERMS, rng.beta(4, 2, len(TERMS)))} for _ in range(2))
        better = sum((-1 if n in COSTS else 1) * getattr(taste, n) * (a[n] - b[n]) for n in TERMS)
        first = rng.random() < 1.0 / (1.0 + math.exp(-scale * better))
        out.append(Preference(k, "{}", "rule", "cem", a, b, "a" if first else "b", "ann"))
    return out


def vector(weights: RewardWeights) -> np.ndarray:
    return np.array([getattr(weights, n) for n in TERMS])


def test_planted_weights_are_found() -> None:
    found = fit(simulated(500), rounds=20)
    assert found.notes == ()
    assert spearmanr(vector(found.weights), vector(TASTE)).statistic > 0.85
    assert np.abs(vector(found.weights) - vector(TASTE)).max() < 0.25
    best = np.mean([_says(c, TASTE) for c in simulated(2000, seed=9)])
    assert np.mean([_says(c, found.weights) for c in simulated(2000, seed=9)]) > best - 0.02, "as good as the truth"
    assert found.held_out is not None and found.interval is not None
    assert found.interval[0] < best < found.interval[1]
    assert found.held_out > found.usual + 0.05, "better than the usual weights"
    off = np.abs(vector(found.weights) - vector(TASTE)) / np.array([found.errors[n] for n in TERMS])
    assert np.median(off) < 2.0, "standard errors say how far it is off"


def _says(c: Preference, weights: RewardWeights) -> bool:
    better = sum((-1 if n in COSTS else 1) * getattr(weights, n) * (c.terms_a[n] - c.terms_b[n]) for n in TERMS)
    return (better > 0) == (c.choice == "a")


def test_weights_are_such_as_an_environment_takes() -> None:
    for seed in range(3):
        found = vector(fit(simulated(60, seed=seed), rounds=0).weights)
        assert (found >= 0).all()
        assert found[[TERMS.index(n) for n in GAINS]].sum() == pytest.approx(1.0, abs=1e-9)
        assert found[[TERMS.index(n) for n in COSTS]].max() <= preferences.MOST_COST


def test_few_choices_move_little_and_many_move_much() -> None:
    usual = vector(RewardWeights())
    moved = [np.abs(vector(fit(simulated(n), rounds=0).weights) - usual)[:7].max() for n in (1, 8, 400)]
    assert moved[0] < 0.02 and moved[1] < 0.1 < moved[2]


@pytest.mark.parametrize("seed", [0, 1])
def test_which_stood_left_and_when_does_not_matter(seed: int) -> None:
    choices = simulated(40, seed=seed)
    other = {"a": "b", "b": "a", "tie": "tie"}
    turned = [
        replace(c, a=c.b, b=c.a, terms_a=c.terms_b, terms_b=c.terms_a, choice=other[c.choice]) if k % 3 else c
        for k, c in enumerate(choices)
    ]
    assert fit(choices, rounds=4) == fit(turned[::-1], rounds=4)


def test_ties_pull_together() -> None:
    """Pictures that differ in one term and are as good: that term matters less than usual; and ties are no decision."""
    base = dict.fromkeys(TERMS, 0.8) | dict.fromkeys(COSTS, 0.0)
    alike = [Preference(k, "{}", "a", "b", base | {"view": 0.9}, base | {"view": 0.2}, "tie") for k in range(40)]
    told = [Preference(100 + k, "{}", "a", "b", base | {"size": 0.9}, base | {"size": 0.2}, "a") for k in range(40)]
    found = fit([*alike, *told], rounds=0)
    assert found.ties == 40 and found.accuracy == 1.0
    assert found.weights.view < 0.05 < RewardWeights().view and found.weights.size > RewardWeights().size
    with pytest.raises(BadInput, match="40 choices, none for one of the two"):
        fit(alike)


def test_contradictory_choices_say_so_and_change_nothing() -> None:
    once = simulated(20)
    found = fit([*once, *(replace(c, choice="b" if c.choice == "a" else "a") for c in once)], rounds=0)
    assert found.contradictory == 20 and any("20 of 20 pairs were answered both ways" in n for n in found.notes)
    assert any("no better than by chance" in n for n in found.notes)
    gains = [TERMS.index(n) for n in GAINS]
    assert np.abs(vector(found.weights) - vector(RewardWeights()))[gains].max() < 0.05


def test_choices_at_random_say_so() -> None:
    said = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        random = [replace(c, choice=str(rng.choice(["a", "b"]))) for c in simulated(80, seed=seed)]
        said += any("no better than by chance" in n for n in fit(random, rounds=0).notes)
    assert said >= 8, "an interval of 95 % is wrong now and then"


def test_too_few_choices_say_so() -> None:
    found = fit(simulated(5), rounds=0)
    assert found.held_out is None and found.interval is None
    assert found.notes == ("5 decided choices are few, expected 30 or more: these are nearly the usual weights",)
    with pytest.raises(BadInput, match="0 choices, none"):
        fit([])


def test_the_interval_of_a_share() -> None:
    """Against the textbook's numbers (Newcombe 1998, table I, method 3)."""
    assert preferences.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert preferences.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


# the file ------------------------------------------------------------------------------------------------------


def test_choices_come_back_as_they_were_written(tmp_path: Path) -> None:
    choices = [replace(c, when="2030-01-01T00:00:00+00:00", config='{"performers": 2}') for c in simulated(4)]
    choices[1] = replace(choices[1], who='o\'neil, "pat"', choice="tie", a="cem 4096: size 0.3")
    for c in choices:
        append(tmp_path / "p.csv", c)
    back = read(tmp_path / "p.csv")
    assert [(c.seed, c.config, c.a, c.b, c.choice, c.who, c.when) for c in back] == [
        (c.seed, c.config, c.a, c.b, c.choice, c.who, c.when) for c in choices
    ]
    for one, two in zip(back, choices, strict=True):
        for name in TERMS:
            assert one.terms_a[name] == pytest.approx(two.terms_a[name], abs=1e-6)
            assert one.terms_b[name] == pytest.approx(two.terms_b[name], abs=1e-6)
    both = (tmp_path / "p.csv").read_text() * 2
    (tmp_path / "two.csv").write_text(both)
    assert len(read(tmp_path / "two.csv")) == 8, "two files put together"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: "", "line 1: no file of camera preferences"),
        (lambda t: "a,b\n1,2\n", "line 1: no file of camera preferences"),
        (lambda t: t.replace(",a,0", ",left,0"), r"line 2: unknown choice 'left'; known: a, b, tie"),
        (lambda t: t[: len(t) - 20], "line 3: 2. values, expected 25"),
        (lambda t: t + "x" * 20 + "\n", "line 4: 1 values, expected 25"),
        (lambda t: t.replace("ann,0", "ann,zero"), "line 2: invalid literal"),
        (lambda t: t[:-9] + "nan\n", "line 3: term floor is nan, expected 0 to 1"),
        (lambda t: t[:-9] + "7.5\n", "line 3: term floor is 7.5, expected 0 to 1"),
    ],
)  # fmt: skip
def test_broken_files_say_where(tmp_path: Path, spoil, message: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "p.csv"
    for c in simulated(2):
        append(path, replace(c, choice="a"))
    path.write_text(spoil(path.read_text()))
    with pytest.raises(BadInput, match=message):
        read(path)


def test_other_files_are_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time,value\n1,2\n")
    with pytest.raises(BadInput, match="no file of camera preferences"):
        append(tmp_path / "x.csv", simulated(1)[0])
    assert (tmp_path / "x.csv").read_text() == "time,value\n1,2\n"
    with pytest.raises(BadInput, match="no such file"):
        read(tmp_path / "none.csv")
