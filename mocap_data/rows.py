"""Rows of numbers in text: parsed in bulk; where that fails, line by line to say what is wrong where."""

from __future__ import annotations

import numpy as np

from motion.errors import BadInput
from motion.rotations import Array

#: Larger numbers (source units or degrees) are taken for damage: squared and summed they overflow.
LARGEST = 1e9


def parse_rows(body: bytes | memoryview, columns: int, line: int, path: str) -> Array:
    """Parse lines of ``columns`` numbers each, separated by blanks; empty lines are passed over.

    Args:
        body: text with ``\\n`` or ``\\r\\n`` line ends.
        columns: numbers in a row, at least one.
        line: number of the first line of ``body`` in its file, for errors.
        path: name of the file, for errors.

    Returns:
        ``(rows, columns)``, finite; no rows when there is only white space.

    Raises:
        BadInput: a row has another count of numbers, or a word is not a finite number below `LARGEST`.
    """
    values = None
    try:
        text = str(body, "ascii")
        if text and not text.isspace():
            # A list of lines is quicker than a stream of them.
            values = np.loadtxt(text.split("\n"), dtype=np.float64, comments=None, ndmin=2)
    except ValueError:  # not ASCII, not a number, or rows of unequal length
        pass
    # NaN compares false.
    if values is not None and values.shape[1] == columns and values.min() >= -LARGEST and values.max() <= LARGEST:
        return values
    return _parse_slowly(bytes(body), columns, line, path)


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
