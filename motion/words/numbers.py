"""Counts, durations, angles and distances in words and digits."""

from __future__ import annotations

from dataclasses import dataclass

from motion.words.forms import Token, base_forms, words_of
from motion.words.slots import PAIRS, PHRASES, SINGLES
from motion.words.verbs import SENSES

_SMALL = {
    word: float(n)
    for n, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
} | {"thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "ninety": 90.0, "hundred": 100.0}
#: Loose amounts and how far to trust them.
_LOOSE = {
    ("a", "couple", "of"): (2, 0.9), ("a", "couple"): (2, 0.9), ("couple", "of"): (2, 0.9), ("a", "few"): (3, 0.8),
    ("few",): (3, 0.7), ("several",): (4, 0.7), ("many",): (6, 0.5), ("a", "handful", "of"): (4, 0.6),
    ("a", "dozen"): (12, 1.0), ("half", "a", "dozen"): (6, 1.0), ("a", "pair", "of"): (2, 1.0),
    ("a", "single"): (1, 1.0),
    ("single",): (1, 1.0), ("another",): (1, 1.0), ("some",): (3, 0.5), ("multiple",): (4, 0.6),
    ("a", "number", "of"): (4, 0.5),
    ("half", "a"): (0.5, 1.0), ("half", "of", "a"): (0.5, 1.0), ("half",): (0.5, 0.9), ("a", "half"): (0.5, 1.0),
    ("quarter",): (0.25, 1.0), ("a", "quarter"): (0.25, 1.0), ("lots", "of"): (6, 0.5), ("a", "good"): (1, 0.8),
}  # fmt: skip
_FIXED = {
    "for a moment": 1.0, "a moment": 1.0, "momentarily": 1.0, "briefly": 1.0, "for a bit": 2.0, "for a while": 5.0,
    "a while": 5.0,
    "awhile": 5.0, "a long time": 8.0, "a long while": 8.0, "for long": 8.0, "a short while": 2.0, "a short time": 2.0,
    "some time": 5.0, "an instant": 0.5, "a little while": 3.0, "a beat": 0.7, "half a minute": 30.0,
    "a very long time": 10.0,
    "a bit": 2.0, "ages": 10.0,
}  # fmt: skip
_TIME = {
    "second": 1.0, "seconds": 1.0, "sec": 1.0, "secs": 1.0, "s": 1.0, "minute": 60.0, "minutes": 60.0, "min": 60.0,
    "mins": 60.0, "frames": 1 / 30, "frame": 1 / 30, "ms": 0.001, "milliseconds": 0.001,
}  # fmt: skip
_LENGTH = {
    "m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "cm": 0.01, "centimeters": 0.01,
    "centimetres": 0.01,
    "yard": 0.9144, "yards": 0.9144, "feet": 0.3048, "foot": 0.3048, "ft": 0.3048, "inches": 0.0254, "km": 1000.0,
}  # fmt: skip
_UNITS = dict.fromkeys(["step", "steps", "pace", "paces", "stride", "strides", "footstep", "footsteps"], "steps")
_UNITS |= dict.fromkeys(["time", "times", "x", "repetition", "repetitions", "rep", "reps"], "times")
_UNITS |= dict.fromkeys(
    ["lap", "laps", "circle", "circles", "round", "rounds", "loop", "loops", "circuit", "circuits"], "laps"
)
_WHO = words_of("he she they it the his her a we you")


@dataclass(frozen=True)
class Number:
    """A stretch of tokens that ends before ``last``."""

    kind: str
    value: str
    last: int
    sure: float = 1.0
    unit: str = ""


def _say(value: float) -> str:
    return f"{value:.4g}"


def _amount(tokens: list[Token], i: int) -> tuple[float, int, float] | None:
    """A bare amount: its value, the token after it and how sure it is."""
    words = [token.text for token in tokens[i : i + 4]]
    if not words:
        return None
    for length in (3, 2, 1):
        if tuple(words[:length]) in _LOOSE and len(words) >= length:
            value, sure = _LOOSE[tuple(words[:length])]
            return float(value), i + length, sure
    if tokens[i].is_number:
        try:
            value = float(
                words[0].replace(",", ".")
                if words[0].count(",") + words[0].count(".") == 1
                else words[0].replace(",", "")
            )
        except ValueError:
            return None
        j = i + 1
    elif words[0] in _SMALL:
        value, j = _SMALL[words[0]], i + 1
        if value >= 20 and j < len(tokens) and 0 < _SMALL.get(tokens[j].text, 0) < 10:
            value, j = value + _SMALL[tokens[j].text], j + 1
        if j < len(tokens) and tokens[j].text == "hundred":
            value, j = value * 100, j + 1
    else:
        return None
    if [token.text for token in tokens[j : j + 3]] == ["and", "a", "half"]:
        return value + 0.5, j + 3, 1.0
    # "two or three", "three to five", "2-3"
    k = (
        j + 1
        if j < len(tokens) and tokens[j].text in {"or", "to"}
        else j
        if j < len(tokens) and tokens[j].glued
        else -1
    )
    if 0 <= k < len(tokens) and (tokens[k].is_number or tokens[k].text in _SMALL):
        other = _amount(tokens, k)
        if other is not None and other[0] > value:
            return round((value + other[0]) / 2 + 0.01), other[1], 0.7
    return value, j, 1.0


def read(tokens: list[Token], i: int) -> Number | None:
    """The number that starts at token ``i``, with its unit; None where there is none or it counts something else."""
    words = [token.text for token in tokens]
    word = words[i]
    if word in {"once", "twice", "thrice"}:
        follows = words[i + 1] if i + 1 < len(words) else ""
        if word == "once" and (follows in _WHO or (follows.endswith("ing") and len(follows) > 4)):
            return None
        last = i + 2 if follows == "more" else i + 1
        return Number("count", {"once": "1", "twice": "2", "thrice": "3"}[word], last, 1.0, "times")
    if word in {"repeatedly", "continuously", "continually"} or words[i : i + 3] in (
        ["over", "and", "over"],
        ["again", "and", "again"],
    ):
        return Number("count", "4", i + (1 if word.endswith("ly") else 3), 0.5, "times")
    start = i + 1 if word in {"for", "in", "over", "within", "during"} else i
    start += 1 if words[start : start + 1] in (["about"], ["around"], ["roughly"], ["nearly"], ["exactly"]) else 0
    start += 2 if words[start : start + 2] == ["at", "least"] else 0
    for length in (4, 3, 2, 1):
        phrase = " ".join(words[start : start + length])
        if start + length <= len(words) and phrase in _FIXED and words[start + length : start + length + 1] != ["of"]:
            return Number("seconds", _say(_FIXED[phrase]), start + length, 0.6)
    amount = _amount(tokens, start) if start < len(tokens) else None
    article = amount is None and start < len(words) and words[start] in {"a", "an", "one"}
    if amount is None and not article:
        return None
    value, j, sure = amount if amount is not None else (1.0, start + 1, 1.0)
    k = j
    while k < len(words) and k < j + 4 and _describes(words, k):
        k += 1
    unit = words[k] if k < len(words) else ""
    after = words[k + 1] if k + 1 < len(words) else ""
    if unit in _TIME and after not in {"time", "step", "kick", "jump", "wave", "man", "person"}:
        return Number("seconds", _say(value * _TIME[unit]), k + 1, sure)
    if unit in {"degree", "degrees", "deg", "°"}:
        return Number("degrees", _say(value), k + 1, sure)
    before = words[i - 1] if i else ""
    limb = unit in {"feet", "foot"} and (
        value <= 2 and (before in {"with", "on", "both", "from"} or value == 1 or after in {"", "together"})
    )
    if unit in _LENGTH and not limb and not (article and unit == "m"):
        return Number("metres", _say(value * _LENGTH[unit]), k + 1, sure)
    if unit in PAIRS | SINGLES:
        if value == 2:
            return Number("side", "both", k)
        return Number("side", "one", k) if value == 1 and (article or amount is not None) else None
    if (
        article
        and (unit not in _UNITS or _UNITS[unit] != "steps" or k + 1 >= len(words))
        and unit not in {"step", "lap"}
    ):
        return None
    if start != i and unit not in _UNITS and not _acts(unit):
        return None
    if unit in _UNITS and value >= 1:
        last = k + 1
        if unit in {"step", "stride", "pace", "steps", "strides", "paces"}:
            last = k + 1
        return Number("count", _say(round(value)), last, sure, _UNITS[unit])
    if value == 0.5 and unit in {"turn", "circle", "rotation"}:
        return Number("degrees", "180", k + (unit == "circle"), sure)
    if value == 0.25 and unit == "turn":
        return Number("degrees", "90", k, sure)
    if _acts(unit) and value >= 1:
        return Number("count", _say(round(value)), j, sure, "times")
    if tokens[i].is_number and (k >= len(words) or not words[k][0].isalpha()) and start == i:
        return Number("count", _say(round(value)), j, 0.7, "times")
    return None


_QUALIFIES = words_of(
    "more full whole complete big small long short little good separate baby large tiny huge giant forward left "
    "right side different of backward hard"
)


def _describes(words: list[str], k: int) -> bool:
    if words[k] in _QUALIFIES:
        return True
    found = PHRASES.get((words[k],))
    return found is not None and found[0] in {"manner", "style"}


def _acts(word: str) -> bool:
    if word in {"spin", "back", "side", "front", "jumping", "spinning", "flying"}:
        return True
    return any(
        any(not s.light and not s.rest for s in SENSES[base])
        for base, form in base_forms(word, SENSES)
        if form in {"base", "s"}
    )


def bare(tokens: list[Token], i: int) -> str | None:
    """The whole number that stands at token ``i`` without a unit."""
    amount = _amount(tokens, i)
    return _say(amount[0]) if amount is not None and amount[0] >= 1 and amount[0] == int(amount[0]) else None


#: Every word of a number or a unit.
WORDS = (
    frozenset(_SMALL)
    | frozenset(_TIME)
    | frozenset(_LENGTH)
    | frozenset(_UNITS)
    | frozenset(word for phrase in [*_LOOSE, *(p.split() for p in _FIXED)] for word in phrase)
    | words_of("once twice thrice repeatedly continuously continually degree degrees deg again over")
)
