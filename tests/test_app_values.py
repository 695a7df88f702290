"""The small languages inside a scene: moments, angles, rates, colours."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import math
from fractions import Fraction

import pytest

from cinemotion import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (2, 2), (1.5, Fraction(3, 2)), ("2s", 2), ("0.1s", Fraction(1, 10)), ("48f", 2), ("250ms", Fraction(1, 4)),
        ("1min", 60), ("00:00:02:12", Fraction(5, 2)), ("01:00:00:00", 3600), (".5", Fraction(1, 2)), ("3 frames", Fraction(1, 8)),
    ],
)  # fmt: skip
def test_spans_are_exact(text: object, seconds: Fraction) -> None:
    assert values.span(text).at(Fraction(24)) == seconds


@pytest.mark.parametrize(
    "text", ["", "2x", "-1s", -1, True, None, "1.5f", "wave", "1:30", "9" * 40, math.nan, math.inf, [1], 90_000, "1e3s"]
)
def test_odd_spans_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        values.span(text)


def test_moments_refer_to_entries() -> None:
    moment = values.moment("wave.end - 12f")
    assert (moment.anchor, moment.edge, moment.sign, moment.span.frames) == ("wave", "end", -1, 12)
    assert str(values.moment("wave+0.5s")) == "wave+0.5s"
    assert values.moment("2s").anchor is None
    with pytest.raises(ValueError, match="a reference"):
        values.moment("wave.middle")
    with pytest.raises(ValueError, match="expected a time"):
        values.moment("wave+soon")


@pytest.mark.parametrize(
    ("text", "degrees"), [("90deg", 90), (90, 90), ("0.25turn", 90), ("-45°", -45), (f"{math.pi}rad", 180), (0, 0)]
)
def test_angles(text: object, degrees: float) -> None:
    assert math.degrees(values.angle(text)) == pytest.approx(degrees)


@pytest.mark.parametrize("text", ["90", "deg", "hero", None, True, math.nan, 1e9])
def test_odd_angles_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected an angle"):
        values.angle(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        (24, 24), ("24000/1001", Fraction(24000, 1001)), (23.976, Fraction(24000, 1001)), (29.97, Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)), ("60", 60), (59.94, Fraction(60000, 1001)),
    ],
)  # fmt: skip
def test_rates_are_exact_fractions(text: object, rate: Fraction) -> None:
    assert values.rate(text) == rate


@pytest.mark.parametrize("text", [0, -24, "24/0", "fast", 1000, True, None, 24.123456789, "1/3"])
def test_odd_rates_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected frames per second"):
        values.rate(text)


def test_colours_are_linear() -> None:
    assert values.colour("#ffffff") == (1.0, 1.0, 1.0)
    assert values.colour("grey")[0] == pytest.approx(0.2159, abs=1e-4)  # sRGB 128/255 in linear light
    assert values.colour([0.1, 0.2, 0.3]) == (0.1, 0.2, 0.3)
    with pytest.raises(ValueError, match="did you mean 'red'"):
        values.colour("rad")
    for odd in ("#fff", [1, 2, 3], [0.1, 0.2], 5, None):
        with pytest.raises(ValueError, match="expected a color"):
            values.colour(odd)
