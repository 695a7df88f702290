"""Frame times and rates as exact fractions: 0.0333333 is 30 frames per second, 0.041708 is 24000/1001."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

#: Rates that cameras and capture systems run at; preferred when a rounded frame time fits several.
COMMON: tuple[Fraction, ...] = (
    *map(Fraction, (24, 25, 30, 48, 50, 60, 72, 90, 100, 120, 144, 150, 180, 200, 240, 250, 300, 360, 480, 500)),
    *map(Fraction, (1000, 12, 15, 16, 20, 10, 5)),
    *(Fraction(1000 * n, 1001) for n in (24, 30, 48, 60, 120, 240)),
)  # fmt: skip
_SLOWEST, _FASTEST = 10.0, 1e-5  # seconds a frame
_FLOAT32 = 1.2e-7  # relative; a rate that went through single precision


class RateError(ValueError):
    """A frame time or rate that cannot be one; the text says why."""


def exact(value: Fraction | int | float | str, most: int | None = None) -> Fraction:
    """A rate as it is given, to the last digit: a number, or a text such as ``24000/1001``.

    Raises:
        RateError: it is none, not above 0, or above ``most``.
    """
    try:
        rate = Fraction(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise RateError(
            f"frame rate {value!r}, expected a positive number of frames per second such as 24 or 24000/1001"
        ) from None
    if rate <= 0:
        raise RateError(f"{value} frames per second, expected more than 0")
    if most is not None and rate > most:
        raise RateError(f"{value} frames per second, expected at most {most}")
    return rate


def from_frame_time(text: str) -> Fraction:
    """The rate that a written frame time stands for.

    Args:
        text: seconds per frame, as written; the number of digits says how exact it is.

    Returns:
        Frames per second. In order of preference: what the digits say exactly when that is a whole number, a common
        rate they may be rounded from, a whole number, else the simplest fraction.

    Raises:
        RateError: not a number, not finite, not positive, or not between 10 µs and 10 s.
    """
    try:
        value = float(text if "_" not in text else "x")  # Python reads 1_000, nobody else does
    except ValueError:
        raise RateError(f"'{text}' is not a number") from None
    if not math.isfinite(value) or value <= 0:
        raise RateError(f"'{text}' is not a positive time")
    if not _FASTEST <= value <= _SLOWEST:
        raise RateError(f"{text} s is not between {_FASTEST:g} s and {_SLOWEST:g} s")
    decimals, digits = _digits(text)
    last_place = 10.0**-decimals
    if digits >= 15 and value != _single(value):  # a double with all its digits
        slack = 2e-15 * value
    elif digits <= 7:  # cut short; and DeepMimic's 0.033332 shows that writers are off by more than the last place
        slack = max(last_place, 1e-4 * value)
    else:
        slack = max(last_place, _FLOAT32 * value)
    return _nearest(1 / Fraction(text.strip()), value, 0.5 * last_place, min(slack, 0.35 * value))


def from_rate(value: float) -> Fraction:
    """The exact rate that a number of frames per second stands for: 29.97 is 30000/1001.

    Raises:
        RateError: not finite, not positive, or not between 0.1 and 100000.
    """
    if not math.isfinite(value) or not 1 / _SLOWEST <= value <= 1 / _FASTEST:
        raise RateError(f"{value:g} frames per second is not between {1 / _SLOWEST:g} and {1 / _FASTEST:g}")
    text = repr(value)
    if _digits(text)[1] >= 15 and value == _single(value):
        text = str(np.float32(value))  # 29.97 that went through single precision is 29.969999313354492
    decimals, digits = _digits(text)
    if digits >= 13:
        slack = 2e-15 / value
    else:  # 29.97 for 29.97003, 23.98 and 23.976 for 23.976024
        slack = (0.5 * 10.0**-decimals if decimals in (2, 3) else 2e-7 * value) / value**2
    return _nearest(Fraction(text), 1 / value, slack, slack)


def frame_time(fps: Fraction) -> str:
    """Seconds per frame with digits enough that `from_frame_time` gives the same fraction back."""
    text = np.format_float_positional(float(1 / fps), unique=True, trim="0")
    # A short decimal such as 0.0264 reads as rounded from 38 fps: spell the double out to show that it is meant.
    return text if from_frame_time(text) == fps else f"{float(1 / fps):.30f}"


def _digits(text: str) -> tuple[int, int]:
    """Decimal places and significant digits of a written number."""
    mantissa, _, exponent = text.strip().lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    decimals = decimals.rstrip("0")
    return len(decimals) - int(exponent or 0), len((whole + decimals).lstrip("+-0"))


def _single(value: float) -> float:
    return float(np.float32(value))


def _nearest(exact: Fraction, seconds: float, rounding: float, slack: float) -> Fraction:
    """The plainest rate whose frame time is within ``rounding``, else ``slack``, of ``seconds``."""

    def off(rate: Fraction) -> float:
        return abs(float(1 / rate) - seconds)

    if exact.denominator == 1:
        return exact  # 0.04 is 25, and 0.0078125 is 128
    for tolerance in (min(rounding, slack), slack):
        for whole in (True, False):  # 0.0417 may be 24 or 24000/1001: then it is 24
            fits = [rate for rate in COMMON if (rate.denominator == 1) is whole and off(rate) <= tolerance]
            if fits:
                return min(fits, key=off)
    nearest = Fraction(max(1, round(exact)))
    if off(nearest) <= slack:
        return nearest
    if exact.denominator <= 10_000:
        return exact  # 23.0445 is what it says
    for tolerance in (0.0, min(slack, 1e-6 * seconds)):  # 0: the very same double
        for limit in (10, 100, 1001, 10_000, 100_000, 1_000_000):
            simple = exact.limit_denominator(limit)
            if simple > 0 and off(simple) <= tolerance:
                return simple
    return exact.limit_denominator(10**9)
