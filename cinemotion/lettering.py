"""Text on pictures that neither runs out of its box nor over other text: `letters`, `wrapped`, `Notes`."""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import ImageDraw

from cinemotion.axes import OVER, font

Box = tuple[float, float, float, float]  # left, top, right, bottom


#: What the nearest letter is that the font has, where taking accents off does not find it.
_NEAREST = {
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "→": ">",
    "ß": "ss",
    "’": "'",
    "“": '"',
    "”": '"',
    "æ": "ae",
    "ø": "o",
}


def letters(text: str) -> str:
    """A text in letters that the font has: accents off, dashes short, a box for what has no nearest letter."""
    return "".join(_drawable(c) for c in text)


@cache
def _drawable(letter: str) -> str:
    if _known(letter):
        return letter
    near = _NEAREST.get(letter) or "".join(
        c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c)
    )
    return near if near and all(_known(c) for c in near) else letter


@cache
def _known(letter: str) -> bool:
    face = font(11)
    return letter.isascii() or bytes(face.getmask(letter)) != bytes(face.getmask("\uffff"))


def wrapped(pen: ImageDraw.ImageDraw, text: str, size: int, width: float) -> list[str]:
    """A text in lines of at most ``width``; a word longer than a line is broken.

    Args:
        pen: measures.
        text: one paragraph.
        size: of the letters.
        width: in the kept picture's pixels, as everything of `cinemotion.axes`.
    """
    room, face = width * OVER, font(size)
    lines: list[str] = []
    line = ""
    for word in letters(text).split():
        longer = f"{line} {word}".strip()
        if pen.textlength(longer, font=face) <= room:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while pen.textlength(line, font=face) > room and len(line) > 1:
            cut = next((n for n in range(len(line) - 1, 1, -1) if pen.textlength(line[:n], font=face) <= room), 1)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line else lines


class Notes:
    """Labels on a picture: each is put as near to its place as those before it leave room.

    Args:
        pen: draws.
        box: where labels may be.
    """

    def __init__(self, pen: ImageDraw.ImageDraw, box: Box) -> None:
        self._pen, self._box, self._taken = pen, box, list[Box]()

    def keep_clear(self, box: Box) -> None:
        """Put nothing here."""
        self._taken.append(box)

    def put(self, text: str, x: float, y: float, colour: str, size: int = 11, badge: bool = False) -> None:
        """Write a label near a place; ``badge`` puts it white on a disc of the colour."""
        face, text = font(size), letters(text)
        wide = self._pen.textlength(text, font=face) / OVER + (8 if badge else 2)
        high = size + 5.0
        wide = max(wide, high) if badge else wide
        box = self._free(x, y, wide, high)
        self._taken.append(box)
        middle = (OVER * (box[0] + box[2]) / 2, OVER * (box[1] + box[3]) / 2)
        if abs(middle[0] / OVER - x) + abs(middle[1] / OVER - y) > 2.2 * high:
            self._pen.line([(x * OVER, y * OVER), middle], fill=colour, width=OVER)
        if badge:
            self._pen.rounded_rectangle([OVER * v for v in box], radius=OVER * high / 2, fill=colour)
        self._pen.text(
            middle,
            text,
            fill="#ffffff" if badge else colour,
            font=face,
            anchor="mm",
            stroke_width=0 if badge else 2 * OVER,
            stroke_fill="#ffffff",
        )

    def _free(self, x: float, y: float, wide: float, high: float) -> Box:
        """The nearest place that is free; the place itself when none is."""
        left, top, right, bottom = self._box
        tries = []
        for ring in range(0, 9):
            for dx, dy in ((0, -1), (1, 0), (0, 1), (-1, 0), (1, -1), (1, 1), (-1, 1), (-1, -1)):
                step = 0.8 + 0.7 * ring
                cx, cy = x + dx * (wide / 2 + 2 + step * high / 2), y + dy * step * high
                cx = min(max(cx, left + wide / 2), right - wide / 2)
                cy = min(max(cy, top + high / 2), bottom - high / 2)
                tries.append((cx - wide / 2, cy - high / 2, cx + wide / 2, cy + high / 2))
        return next((t for t in tries if not any(_meet(t, other) for other in self._taken)), tries[0])


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
