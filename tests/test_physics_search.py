"""`physics.search`: better than tracking alone, the same whatever the processes, and clear about bad options."""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from motion import Clip
from motion import rotations as rot
from motion.body import Body
from motion.errors import BadInput
from motion.skeleton import INDEX
from physics.search import Search, search
from physics.tracking import TrackSettings, track

BODY = Body.default()
QUICK = TrackSettings(bounds=((0.2, 0.1),), first=0, rollouts=1)


def leaning(frames: int = 6) -> Clip:
    """Leans forward from the ankles further than feet can hold."""
    turns = np.tile(rot.IDENTITY, (frames, 24, 1))
    lean = np.linspace(0.0, 0.25, frames)
    turns[:, 0] = rot.from_rotvec(lean[:, None] * [1, 0, 0])
    for side in ("left", "right"):
        turns[:, INDEX[f"{side}_ankle"]] = rot.from_rotvec(-lean[:, None] * [1, 0, 0])
    height = BODY.rest_offsets[0][1]
    root = BODY.rest_offsets[0] + np.stack([0 * lean, height * (np.cos(lean) - 1), height * np.sin(lean)], axis=1)
    return Clip(turns, root, BODY.rest_offsets, Fraction(30))


def test_a_few_samples_are_never_worse() -> None:
    pytest.importorskip("cma")
    options = Search(rollouts=4, generations=1, population=4, knot_s=0.4, horizon_s=0.3)
    told: list[float] = []
    made = search([leaning()], [BODY], settings=QUICK, options=options, tell=lambda share, line: told.append(share))[0]
    plain = track([leaning()], [BODY], settings=QUICK)[0]
    assert made.rollouts == plain.rollouts + 4 and made.tries[-1].startswith("search: ")
    assert told == sorted(told) and told[-1] == pytest.approx(1.0)
    gained = "cost" in made.tries[-1]
    assert gained or made.clip.rotations.tobytes() == plain.clip.rotations.tobytes()


@pytest.mark.slow
def test_it_repeats_to_the_byte_whatever_the_processes() -> None:
    pytest.importorskip("cma")
    options = Search(rollouts=16, generations=2, population=4, knot_s=0.2)
    one, again, two = (
        search([leaning()], [BODY], settings=QUICK, options=replace(options, processes=count))[0] for count in (1, 1, 2)
    )
    for other in (again, two):
        assert one.clip.rotations.tobytes() == other.clip.rotations.tobytes() and one.tries == other.tries


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rollouts": 0}, "rollouts 0, expected at least 1"),
        ({"population": 2}, "population 2, expected at least 4"),
        ({"knot_s": 0.0}, "knot_s 0.0, expected"),
        ({"sigma": float("nan")}, "sigma nan"),
        ({"seconds": -1.0}, "expected more than 0"),
    ],
)
def test_bad_options_get_one_clear_line(asked: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        search([leaning(3)], [BODY], options=Search(**asked))


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(BadInput, match=r"pip install 'cinemotion\[search\]'"):
        search([leaning(3)], [BODY])
