"""Text as tokens for the language of shots: words, punctuation that matters, and quantities with their units."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

#: What a `Quantity` may be of: millimetres of lens, f-stops, seconds, degrees, metres, shares (0.4), times, nothing.
UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("mm", "mil", "millimetre", "millimetres", "millimeter", "millimeters"), ("mm", 1.0)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("s", 1.0)),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), ("s", 0.001)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("s", 60.0)),
    **dict.fromkeys(("°", "deg", "degs", "degree", "degrees"), ("deg", 1.0)),
    **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), ("m", 1.0)),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), ("m", 0.01)),
    **dict.fromkeys(("ft", "foot", "feet"), ("m", 0.3048)),
    **dict.fromkeys(("%", "percent"), ("share", 0.01)),
    **dict.fromkeys(("x", "times"), ("times", 1.0)),
}

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS: dict[str, float] = {
    **{word: float(k) for k, word in enumerate(_ONES)},
    **{word: 10.0 * (k + 2) for k, word in enumerate(_TENS)},
    "hundred": 100.0, "couple": 2.0, "few": 3.0, "half": 0.5,
}  # fmt: skip

_TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}

ARTICLES = frozenset({"the", "a", "an"})


@dataclass(frozen=True)
class Quantity:
    """A number and what it counts."""

    value: float
    unit: str  # one of the units above, "f", or "" for a bare number

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".strip()


Token = str | Quantity

_TOKEN = re.compile(
    r"(?P<stop>\bf\s?/?\s?(?P<f>\d+(?:[.,]\d+)?)\b)|(?P<turns>\b3/4\b)|(?P<number>\d+(?:[.,]\d+)?)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)|(?P<mark>->|[;,.!?\n%°→])"
)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text in lower case: words, `Quantity`, and the marks ``; , . ! ?``; articles left out."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("`", "'")
    raw: list[Token] = []
    for found in _TOKEN.finditer(plain):
        if found["f"]:
            raw.append(Quantity(float(found["f"].replace(",", ".")), "f"))
        elif found["turns"]:
            raw += ["three", "quarter"]
        elif found["number"]:
            raw.append(Quantity(float(found["number"].replace(",", ".")), ""))
        elif found["word"] in _TIMES:
            raw += [Quantity(_TIMES[found["word"]], ""), "times"]
        elif found["word"]:
            word = found["word"]
            raw.append(word if word.endswith(("'s", "s'")) else word.replace("'", ""))
        else:
            raw.append({"->": ";", "→": ";", "\n": ";"}.get(found["mark"], found["mark"]))
    return _with_units(raw)


def _with_units(raw: list[Token]) -> list[Token]:
    out: list[Token] = []
    k = 0
    while k < len(raw):
        value, used = _number(raw, k)
        if value is None:
            if raw[k] not in ARTICLES:
                out.append(raw[k])
            k += 1
            continue
        unit = raw[k + used] if k + used < len(raw) else None
        if isinstance(unit, str) and unit in UNITS:
            name, factor = UNITS[unit]
            k += used + 1
            if raw[k : k + 3] == ["and", "a", "half"]:  # "a second and a half"
                value, k = value + 0.5, k + 3
            out.append(Quantity(value * factor, name))
        elif isinstance(raw[k], str):  # a word such as "one", "half" or "a" that counts nothing here
            if raw[k] not in ARTICLES:
                out.append(raw[k])
            k += 1
        else:
            out.append(raw[k])
            k += 1
    return out


def _number(raw: list[Token], k: int) -> tuple[float | None, int]:
    """The number that begins at a token, and how many tokens it takes; None: none does."""
    token = raw[k]
    if isinstance(token, Quantity):
        return (token.value, 1) if token.unit == "" else (None, 0)
    at = k + 1 if token in ("a", "an") else k
    first = raw[at] if at < len(raw) else None
    if at > k and not (isinstance(first, str) and first in NUMBERS):
        ahead = raw[at] if at < len(raw) else None
        # "for a second", but "a second camera" counts nothing.
        timed = k > 0 and raw[k - 1] in ("for", "after", "in", "over", "within", "every")
        return (1.0, 1) if timed and ahead in ("second", "minute") else (None, 0)
    if not (isinstance(first, str) and first in NUMBERS):
        return None, 0
    value, at = NUMBERS[first], at + 1
    follow = raw[at] if at < len(raw) else None
    if value >= 20 and isinstance(follow, str) and 0 < NUMBERS.get(follow, 0.0) < 10 and follow not in ("half", "few"):
        value, at = value + NUMBERS[follow], at + 1
    if raw[at : at + 1] == ["hundred"]:
        value, at = value * 100.0, at + 1
    if raw[at : at + 3] == ["and", "a", "half"]:
        value, at = value + 0.5, at + 3
    if at < len(raw) and raw[at] in ("of", "a"):  # "a couple of seconds", "half a second"
        at += 1
    return value, at - k
