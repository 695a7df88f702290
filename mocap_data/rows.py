"""Rows of numbers in text, parsed in bulk; and, when that fails, line by line to say which line is wrong and why."""

from __future__ import annotations

import io

import numpy as np

from motion.errors import BadInput
from motion.rotations import Array

#: Larger numbers (source units or degrees) are taken for damage: squared and summed they overflow.
LARGEST = 1e9


def parse_rows(body: bytes, columns: int, line: int, path: str) -> Array:
    """Parse lines of ``columns`` numbers each, separated by blanks; empty lines are passed over.

    Args:
        body: ASCII text with ``\\n`` line ends.
        columns: numbers in a row, at least one.
        line: number of the first line of ``body`` in its file, for errors.
        path: name of the file, for errors.

    Returns:
        ``(rows, columns)``, finite; no rows when there is only white space.

    Raises:
        BadInput: a row has another count of numbers, or a word is not a finite number below `LARGEST`.
    """
    if not body.strip():
        return np.empty((0, columns))
    try:
        values = np.loadtxt(io.StringIO(body.decode("ascii")), dtype=np.float64, comments=None, ndmin=2)
    except ValueError:
        values = None
    if values is not None and values.shape[1] == columns and np.abs(values).max() <= LARGEST:  # NaN compares false
        return values
    return _parse_slowly(body, columns, line, path)


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
    return np.array(rows)


def _number(word: str, where: str) -> float:
    try:
        value = float(word) if "_" not in word else None  # Python reads 1_000, nobody else does
    except ValueError:
        value = None
    if value is None:
        hint = "; decimals need a point" if "," in word else ""
        shown = word if len(word) <= 30 else word[:27] + "..."
        raise BadInput(f"{where} is {shown!r}, expected a number{hint}")
    if not abs(value) <= LARGEST:
        raise BadInput(f"{where} is {word}, expected a finite number of at most {LARGEST:g}")
    return value
