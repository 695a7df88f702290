"""What a caption says of what is true, so that a caption is told from motions that it is also true of; no network.

Given a caption of a motion and the motion's label, `said` keeps the slots of the label that the words mention. A
caption that says only "walks" is true of every walk: none of them is a wrong answer to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motion.corpus import Label

_OTHER = {"left": "right", "right": "left"}
_SIDES = re.compile(r"\b(left|right)(wards?|ward|hand|handed)?\b", re.IGNORECASE)

#: Beginnings of words by which a value of a slot is said.
_STYLES: dict[str, str] = {
    "normal": r"normal|natural|casual|calm|ordinar|usual",
    "happy": r"happ|cheer|joy|good mood|glad|merr",
    "angry": r"angr|anger|furious|rage|enraged",
    "sad": r"sad|gloom|deject|miser|unhapp",
    "tired": r"tired|wear|exhaust|energy left|sluggish|worn",
    "old": r"old|elder|aged|frail",
    "proud": r"proud|pride|haught|chest out",
    "not confident": r"confiden|timid|shy|hesita|insecur|unconfident",
    "childish": r"child|kid",
    "thug": r"thug|hoodlum|swagger|gangster|rough",
    "feminine": r"femin|ladylike|grace|like a woman",
    "masculine": r"masculin|manly|tough man|burly",
    "giant": r"giant|huge",
    "musical": r"rhythm|music|to a beat",
    "active": r"activ|energetic|with energy|livel|vigo",
    "youthful": r"youth|young|teen",
    "zombie": r"zombie|undead",
}
_MANNERS: dict[str, str] = {
    "slow": r"slow|hurr|leisure|unhurr",
    "fast": r"fast|quick|rapid|brisk|swift|sprint|race|rac(?:es|ing)|hurr|bolt|rush|charg",
    "long steps": r"long|big|large",
    "short steps": r"short|small|little",
    "stealthy": r"stealth|quiet|sound|careful|sneak|creep|sly",
    "careful": r"careful|cautious",
    "high": r"high",
    "low": r"low\b",
}
_DIRECTIONS: dict[str, str] = {
    "forward": r"forward|ahead|straight|onward",
    "backward": r"back|reverse|rear",
    "left": r"left",
    "right": r"right",
    "in place": r"place|spot",
    "turn left": r"left",
    "turn right": r"right",
    "turn around": r"around|back|u-turn|circle",
}
_BOTH = re.compile(r"\b(both|two) (of )?(the |his |her |their )?(hands|arms)\b|\bboth\b", re.IGNORECASE)
_COUNT = re.compile(r"\b(once|twice|thrice)\b|\b[\w-]+ (times|steps?)\b", re.IGNORECASE)
#: Verbs whose names people use for one another: no wrong answer to each other's captions.
FAMILIES: tuple[frozenset[str], ...] = (
    frozenset({"run", "dash", "jog"}),
    frozenset({"wave", "wave goodbye"}),
    frozenset({"jump", "hop"}),
    frozenset({"walk", "step", "turn"}),
    frozenset({"kick", "spin kick"}),
)
_DANCES = frozenset({"dance", "salsa", "indian dance"})
_WHICH_DANCE = re.compile(r"salsa|indian|classical", re.IGNORECASE)


def swap_sides(text: str) -> str:
    """The sentence with left and right exchanged, case kept.

    >>> swap_sides("Turns left, right hand up, leftwards")
    'Turns right, left hand up, rightwards'
    """

    def other(match: re.Match[str]) -> str:
        side = match.group(1)
        new = _OTHER[side.lower()]
        new = new.upper() if side.isupper() else new.capitalize() if side[0].isupper() else new
        return new + (match.group(2) or "")

    return _SIDES.sub(other, text)


def swap_label(label: Label) -> Label:
    """The label of the mirror image."""
    return replace(label, side=_OTHER.get(label.side, label.side), direction=swap_sides(label.direction))


def said(caption: str, label: Label) -> Label:
    """The part of a label that a caption mentions; the label must be true of what the caption is true of.

    Words that are not known here count as not mentioned, which errs towards calling two captions compatible.
    """
    low = caption.lower()

    def mentions(table: dict[str, str], value: str) -> bool:
        return bool(value) and value in table and re.search(rf"\b(?:{table[value]})", low) is not None

    side = ""
    if label.side == "both":
        side = "both" if _BOTH.search(low) else ""
    elif label.side:
        side = label.side if re.search(rf"\b{label.side}", low) else ""
    verb = label.verb
    if verb in _DANCES and not _WHICH_DANCE.search(low):
        verb = "dance"
    return Label(
        verb=verb,
        side=side,
        direction=label.direction if mentions(_DIRECTIONS, label.direction) else "",
        count=label.count if label.count and _COUNT.search(low) else 0,
        manner=label.manner if mentions(_MANNERS, label.manner) else "",
        style=label.style if mentions(_STYLES, label.style) else "",
    )


def slots(label: Label) -> int:
    """How many slots are filled."""
    return sum(bool(v) for v in (label.verb, label.side, label.direction, label.count, label.manner, label.style))


def true_of(captions: Sequence[Label], labels: Sequence[Label]) -> np.ndarray:
    """Which captions are true of which motions.

    Args:
        captions: N results of `said`.
        labels: M labels of motions.

    Returns:
        ``(N, M)`` bool: every slot that the caption says is so in the motion.
    """
    names: dict[str, int] = {}

    def code(value: str | int) -> int:
        return names.setdefault(str(value), len(names) + 1) if value else 0

    def table(rows: Sequence[Label]) -> np.ndarray:
        return np.array(
            [[code(r.side), code(r.direction), code(r.count), code(r.manner), code(r.style)] for r in rows]
        ).reshape(len(rows), 5)

    asked, there = table(captions), table(labels)
    fits = ((asked[:, None] == there[None]) | (asked[:, None] == 0)).all(-1)
    verbs = {v for r in (*captions, *labels) for v in (r.verb,)}
    may = {
        v: {w for w in verbs if v == w or any(v in f and w in f for f in FAMILIES) or (v == "dance" and w in _DANCES)}
        for v in verbs
    }
    same = np.array([[m.verb in may[c.verb] for m in labels] for c in captions]).reshape(fits.shape)
    return fits & same
