"""Tables laid over tokens: what each stretch of words says, before anybody asks of which action."""

from __future__ import annotations

from dataclasses import dataclass

from motion.words import numbers
from motion.words.forms import Token, words_of
from motion.words.slots import LONGEST, PART_PHRASES, PART_WORDS, PHRASES

#: Who acts; after a number they are not counted ("two friends wave").
PEOPLE = words_of(
    "man men woman women person people guy guys girl girls boy boys child children kid kids lady ladies human "
    "humans performer performers character characters actor actress dancer figure athlete athlet player avatar "
    "subject robot soldier hero friend friends zombie zombies giant thug gangster fighter boxer runner dude "
    "gentleman individual adult teenager toddler grandma grandpa granny grandfather grandmother mother father "
    "someone somebody everyone model monster ninja thief pensioner senior youngster punk warrior worker king "
    "queen guard student"
)
PRONOUNS = words_of("he she they it i we you who someone somebody one everybody everyone")
OWNERS = words_of("his her their its my your our the")
ARTICLES = words_of("a an the this that these those each every some any another both")
NOT = words_of(
    "not never don't doesn't didn't dont doesnt didnt won't wont can't cannot cant isn't aren't wasn't shouldn't "
    "mustn't hardly nobody"
)


_LONG = frozenset(["big", "large", "long", "huge", "giant", "wide", "great"])
_SHORT = frozenset(["small", "short", "little", "tiny", "baby"])
_SLOW = frozenset(["slow", "slowly"])
_FAST = frozenset(["quick", "fast", "rapid", "brisk"])


@dataclass(frozen=True)
class Mark:
    """Tokens ``first`` to ``last`` (exclusive) say ``value`` in ``kind``."""

    kind: str  # style, manner, direction, count, seconds, degrees, metres, side, part, lr, back, around, none
    value: str
    first: int
    last: int
    sure: float = 1.0
    unit: str = ""


def lay(tokens: list[Token]) -> list[Mark]:
    """Marks in text order, none over another; the longest match wins."""
    words = [token.text for token in tokens]
    out: list[Mark] = []
    i = 0
    while i < len(words):
        mark = _phrase(words, i)
        number = numbers.read(tokens, i)
        if number is not None and (mark is None or number.last > mark.last):
            mark = Mark(number.kind, number.value, i, number.last, number.sure, number.unit)
        if mark is None:
            mark = _single(words, i)
        if mark is None:
            i += 1
            continue
        out.append(mark)
        if mark.kind == "count" and mark.unit == "steps":
            size = {"long steps": _LONG, "short steps": _SHORT, "slow": _SLOW, "fast": _FAST}
            out += [
                Mark("manner", manner, i, mark.last)
                for manner, said in size.items()
                if said & set(words[i : mark.last])
            ]
        i = mark.last
    return out


def _phrase(words: list[str], i: int) -> Mark | None:
    for length in range(min(LONGEST, len(words) - i), 0, -1):
        found = PHRASES.get(tuple(words[i : i + length]))
        if found is None:
            continue
        slot, value, sure = found
        if slot == "style" and length == 1 and words[i] in PEOPLE and not _describes(words, i):
            return None
        if value == "straight" or (
            words[i] == "straight" and length == 1 and i + 1 < len(words) and words[i + 1] == "up"
        ):
            return None
        if words[i : i + length] == ["high"] and i + 1 < len(words) and words[i + 1] in {"knees", "chair", "school"}:
            return Mark("manner", "high", i, i + 2, 0.8)
        return Mark("none" if value == "none" else slot, value, i, i + length, sure)
    return None


def _describes(words: list[str], i: int) -> bool:
    """Whether a word for a person is meant as a style: "like a zombie", "zombie walk", "the zombie lurches"."""
    if words[i] in {"child", "kid", "toddler", "teenager", "youngster", "model", "senior"}:
        return "like" in words[max(0, i - 3) : i] or i == 0 or words[i - 1] != "to"
    return True


def _single(words: list[str], i: int) -> Mark | None:
    word = words[i]
    two = tuple(words[i : i + 2])
    if two in PART_PHRASES:
        return Mark("part", PART_PHRASES[two], i, i + 2)
    if word in PART_WORDS:
        return Mark("part", PART_WORDS[word], i, i + 1)
    if word in {"left", "right"}:
        return Mark("lr", word, i, i + 1)
    if word == "both":
        return Mark("side", "both", i, i + 1)
    if word in {"back", "around", "round"}:
        return Mark("back" if word == "back" else "around", word, i, i + 1)
    return None
