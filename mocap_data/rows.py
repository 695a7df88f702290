"""Rows of numbers in text: parsed in bulk on two threads; where that fails, line by line to say what is wrong where.

The bulk parser handles all numbers of a block at once in NumPy: it finds where each begins, where its point and
exponent are, reads up to eight digits from one 64-bit word (a multiply adds neighbouring digits, then pairs, then
fours), and divides once by a power of ten. A quotient of whole numbers below 2^53 and 10^23 is rounded once, so the
result is the nearest double, as from ``float`` (Clinger 1990, "How to read floating point numbers accurately"). What
does not fit goes to ``float`` itself. NumPy lets the other thread run meanwhile; ``np.loadtxt``, which serves small
files and busy machines, does not.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from motion.errors import BadInput
from motion.rotations import Array

#: Larger numbers (source units or degrees) are taken for damage: squared and summed they overflow.
LARGEST = 1e9

_BLOCK = 1 << 18  # bytes: a block's work arrays stay in the second-level cache
_PAD = 16  # blanks on both sides, so that a word may be read around any token
_TENS = 10.0 ** np.arange(23)
_WHOLE_TENS = 10 ** np.arange(9, dtype=np.uint64)
_U = np.uint64

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def has_idle_core() -> bool:
    """Whether a second thread would have a core to itself.

    Without one it does harm: a thread that is put to sleep while it holds Python's lock stops the other one too.
    """
    cores = os.cpu_count() or 1
    try:
        return cores > 1 and os.getloadavg()[0] < cores - 0.5
    except (AttributeError, OSError):  # Windows has no load average
        return cores > 1


def in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Results of ``function`` for every item, in order; on two threads where that helps."""
    items = list(items)
    if len(items) < 2 or not has_idle_core():
        return [function(item) for item in items]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, items))


def parse_rows(body: bytes, columns: int, line: int, path: str) -> Array:
    """Parse lines of ``columns`` numbers each, separated by blanks; empty lines are passed over.

    Args:
        body: text with ``\\n`` line ends.
        columns: numbers in a row, at least one.
        line: number of the first line of ``body`` in its file, for errors.
        path: name of the file, for errors.

    Returns:
        ``(rows, columns)``, finite; no rows when there is only white space.

    Raises:
        BadInput: a row has another count of numbers, or a word is not a finite number below `LARGEST`.
    """
    values = _parse_in_blocks(body, columns) if len(body) > 4 * _BLOCK and has_idle_core() else _parse_at_once(body)
    if values is None or values.shape[1] != columns or not (np.abs(values) <= LARGEST).all():  # NaN compares false
        return _parse_slowly(body, columns, line, path)
    return values


def _parse_at_once(body: bytes) -> Array | None:
    """By NumPy's own parser, the quickest on one thread; None if anything is wrong."""
    if not body or body.isspace() or b"_" in body:  # Python's float reads 1_000, nobody else does
        return None
    try:
        return np.loadtxt(body.decode("ascii").split("\n"), dtype=np.float64, comments=None, ndmin=2)
    except (ValueError, UnicodeDecodeError):
        return None


def _parse_in_blocks(body: bytes, columns: int) -> Array | None:
    """By the block parser on two threads; None if anything is wrong."""
    padded = np.frombuffer(b" " * _PAD + body + b"\n" + b" " * _PAD, dtype=np.uint8)
    ends = [0]
    while ends[-1] < len(body):
        newline = body.find(b"\n", ends[-1] + _BLOCK)
        ends.append(newline + 1 if newline >= 0 else len(body) + 1)
    blocks = itertools.pairwise(ends)
    parts = in_threads(lambda block: _parse_block(padded, block[0] + _PAD, block[1] + _PAD, columns), blocks)
    good = [part for part in parts if part is not None]
    return np.concatenate(good) if len(good) == len(parts) else None


def _parse_block(padded: np.ndarray, start: int, stop: int, columns: int) -> Array | None:
    """Rows of the whole lines in ``padded[start:stop]``; None if anything is wrong with them."""
    text = padded[start - 1 : stop]  # begins and ends with white space
    # words[i] is the eight bytes before text[i]; the padding lets it reach back from the first and on from the last.
    words = np.ndarray(len(text) + 9, dtype="<u8", buffer=padded, offset=start - 9, strides=(1,))
    if ((text < 9) | (text - 14 < 14)).any():  # control characters that are no white space
        return None
    apart = text <= 32
    newlines = np.flatnonzero(text == ord("\n"))
    mark = (text | 32) == ord("e")
    has_exponents = bool(mark.any())
    if has_exponents:
        apart |= mark  # an exponent is a token of its own for now
    edges = np.flatnonzero(apart[1:] != apart[:-1]) + 1
    begin, end = edges.reshape(-1, 2).T.copy()
    if has_exponents:
        is_exponent = mark[begin - 1]
        owner = np.flatnonzero(is_exponent)
        power_begin, power_end = begin[owner], end[owner]
        begin, end = begin[~is_exponent], end[~is_exponent]
        owner -= np.arange(1, len(owner) + 1)  # the number that each exponent belongs to
        if np.count_nonzero(mark) != len(owner) or owner[0] < 0 or not (end[owner] == power_begin - 1).all():
            return None  # an e without digits on one of its sides
    counts = np.diff(np.searchsorted(begin, newlines), prepend=0)
    if not ((counts == columns) | (counts == 0)).all():
        return None
    minus = text[begin] == ord("-")
    first = begin + minus
    point = np.flatnonzero(text == ord("."))
    if len(point) != len(begin) or not ((begin <= point) & (point < end)).all():  # some have none
        found, point = point, end.copy()
        point[np.searchsorted(begin, found, "right") - 1] = found
    whole_digits = point - first
    decimals = np.maximum(end - point - 1, 0)
    digits = whole_digits + decimals
    bad = (digits > 15) | (digits < 1)
    whole = _digits_before(words, point, whole_digits, bad)
    fraction = _digits_after(words, point + 1, decimals, bad)
    power = decimals
    if has_exponents:
        power = decimals.copy()
        power[owner] -= _exponents(text, words, power_begin, power_end, bad, owner)
        bad |= (power < 0) | (power > 22)
    mantissa = whole * _WHOLE_TENS[np.minimum(decimals, 8)] + fraction
    values = mantissa.astype(np.float64) / _TENS[np.clip(power, 0, 22)]
    values.view(_U)[:] |= minus.astype(_U) << _U(63)
    rest = np.flatnonzero(bad)
    if len(rest):
        raw = text.tobytes()
        if b"_" in raw:
            return None  # Python reads 1_000, nobody else does
        if has_exponents:
            end[owner] = power_end
        try:
            values[rest] = [float(raw[i:j]) for i, j in zip(begin[rest].tolist(), end[rest].tolist(), strict=True)]
        except ValueError:
            return None
    return values.reshape(-1, columns)


def _digits_before(words: np.ndarray, place: np.ndarray, count: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """The number that the ``count`` digits before each place say; where there are others than 0-8 digits, ``bad``."""
    shift = ((8 - count) * 8).astype(_U)  # a shift of 64 or more leaves zero
    return _digits(((words[place] ^ _U(0x3030303030303030)) >> shift) << shift, count, bad)


def _digits_after(words: np.ndarray, place: np.ndarray, count: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """The number that the ``count`` digits from each place on say; where there are others than 0-8 digits, ``bad``."""
    return _digits((words[place + 8] ^ _U(0x3030303030303030)) << ((8 - count) * 8).astype(_U), count, bad)


def _digits(d: np.ndarray, count: np.ndarray, bad: np.ndarray) -> np.ndarray:
    # A byte above 9 reaches its top bit when 0x76 is added.
    bad |= (((d + _U(0x7676767676767676)) | d) & _U(0x8080808080808080)) != 0
    bad |= count > 8
    d = (d * _U(10) + (d >> _U(8))) & _U(0x00FF00FF00FF00FF)
    d = (d * _U(100) + (d >> _U(16))) & _U(0x0000FFFF0000FFFF)
    return (d * _U(10000) + (d >> _U(32))) & _U(0xFFFFFFFF)


def _exponents(
    text: np.ndarray, words: np.ndarray, begin: np.ndarray, end: np.ndarray, bad: np.ndarray, owner: np.ndarray
) -> np.ndarray:
    """The signed exponents that stand from ``begin`` to ``end``; ``bad[owner]`` where they cannot be read."""
    sign = text[begin]
    start = begin + ((sign == ord("-")) | (sign == ord("+")))
    unreadable = start >= end
    value = _digits_after(words, start, end - start, unreadable).astype(np.int64)
    bad[owner] |= unreadable
    return np.where(sign == ord("-"), -value, value)


def _parse_slowly(body: bytes, columns: int, line: int, path: str) -> Array:
    rows: list[list[float]] = []
    for number, text in enumerate(body.decode("latin-1").split("\n"), start=line):
        words = text.split()
        if not words:
            continue
        row = [_number(word, f"{path}:{number}: frame {len(rows)}, value {i}") for i, word in enumerate(words, 1)]
        if len(row) != columns:
            raise BadInput(f"{path}:{number}: frame {len(rows)} has {len(row)} values, expected {columns}")
        rows.append(row)
    return np.array(rows).reshape(-1, columns)


def _number(word: str, where: str) -> float:
    try:
        value = float(word) if "_" not in word else None
    except ValueError:
        value = None
    if value is None:
        hint = "; decimals need a point" if "," in word else ""
        shown = word if len(word) <= 30 else word[:27] + "..."
        raise BadInput(f"{where} is {shown!r}, expected a number{hint}")
    if not abs(value) <= LARGEST:
        raise BadInput(f"{where} is {word[:30]}, expected a finite number of at most {LARGEST:g}")
    return value
