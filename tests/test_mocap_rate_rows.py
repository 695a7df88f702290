"""Frame times as exact fractions, and rows of numbers parsed as `float` would."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mocap_data import rows
from motion import rate
from motion.errors import BadInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0333333", 30),
        ("0.033333", 30),
        ("0.0333", 30),
        ("0.033", 30),
        (".033333", 30),
        ("3.33333e-2", 30),
        ("0.03333333507180214", 30),  # through single precision
        ("0.033332", 30),  # DeepMimic's
        ("0.0083333", 120),
        ("0.00833333", 120),
        ("0.008333", 120),
        ("0.0083", 120),
        ("0.041708", Fraction(24000, 1001)),
        ("0.0417083333333", Fraction(24000, 1001)),
        ("0.0416667", 24),
        ("0.0417", 24),  # says either; the plainer
        ("0.033367", Fraction(30000, 1001)),
        ("0.0166833", Fraction(60000, 1001)),
        ("0.016667", 60),
        ("0.0167", 60),
        ("0.04", 25),
        ("0.01", 100),
        ("0.0078125", 128),
        ("1", 1),
        ("0.0111111", 90),
    ],
)
def test_reads_the_rate_that_a_frame_time_stands_for(text: str, expected: Fraction | int) -> None:
    assert rate.from_frame_time(text) == expected


@settings(max_examples=300, deadline=None)
@given(st.fractions(Fraction(1, 9), 50_000, max_denominator=2000))
def test_writes_a_frame_time_that_reads_as_the_same_fraction(fps: Fraction) -> None:
    assert rate.from_frame_time(rate.frame_time(fps)) == fps


@settings(max_examples=300, deadline=None)
@given(st.fractions(Fraction(1, 9), 1000, max_denominator=1001))
def test_a_rate_as_a_double_reads_as_the_same_fraction(fps: Fraction) -> None:
    television = any(abs(fps / common - 1) < Fraction(1, 5000) for common in rate.COMMON if common.denominator != 1)
    assume(not television)  # 29.97 is taken for 30000/1001
    assert rate.from_rate(float(fps)) == fps


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (120.0, 120),
        (29.97, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (23.98, Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        (119.88, Fraction(120000, 1001)),
        (30.0000001, 30),
        (float(np.float32(29.97)), Fraction(30000, 1001)),
    ],
)
def test_reads_the_rate_that_a_number_stands_for(value: float, expected: Fraction | int) -> None:
    assert rate.from_rate(value) == expected


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "", "x", "1e-9", "1e9", "1e400"])
def test_refuses_what_is_no_frame_time(text: str) -> None:
    with pytest.raises(rate.RateError):
        rate.from_frame_time(text)


TOKENS = st.one_of(
    st.floats(-1e8, 1e8).map(repr),
    st.floats(-500, 500).map("{:.6f}".format),
    st.floats(-500, 500).map("{:g}".format),
    st.floats(-1e-9, 1e-9).map("{:.5e}".format),
    st.integers(-400, 400).map(str),
    st.sampled_from(["-0", "-0.0", ".5", "5.", "+1.5", "1E3", "1e+05", "000.100", "0.30000000000000004", "1e-320"]),
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_numbers_are_those_of_float(data: st.DataObject) -> None:
    columns = data.draw(st.integers(1, 6))
    table = data.draw(st.lists(st.lists(TOKENS, min_size=columns, max_size=columns), min_size=1, max_size=20))
    blank, end = data.draw(st.sampled_from([" ", "\t", "  "])), data.draw(st.sampled_from(["\n", "\r\n", " \n\n"]))
    body = end.join(blank.join(row) for row in table).encode()
    values = rows.parse_rows(body, columns, 1, "a")
    np.testing.assert_array_equal(values, [[float(token) for token in row] for row in table])


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 10_000), damage=st.sampled_from("xe.-+_,5 \n\t9\0E"))
def test_damage_is_refused_just_where_float_refuses_it(place: int, damage: str) -> None:
    table = [["1.5", "-22.25e-3", "7", "0.000001", "-180.5"]] * 7
    text = "\n".join(" ".join(row) for row in table)
    place %= len(text)
    text = text[:place] + damage + text[place + 1 :]
    expected: list[list[float]] | None = []
    for line in text.split("\n"):
        words = line.split()
        try:
            values = [float(word) if "_" not in word else float("nan") for word in words]
        except ValueError:
            values = [float("nan")]
        if words and (len(values) != 5 or not all(abs(v) <= rows.LARGEST for v in values)):
            expected = None
            break
        if words:
            expected.append(values)
    if expected is None:
        with pytest.raises(BadInput, match=r"a:\d+: frame \d"):
            rows.parse_rows(text.encode(), 5, 1, "a")
    else:
        np.testing.assert_array_equal(rows.parse_rows(text.encode(), 5, 1, "a"), expected)
