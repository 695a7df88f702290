"""Tokens of an English text and the base forms of a word."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

_IRREGULAR = {
    "ran": "run", "stood": "stand", "sat": "sit", "got": "get", "gotten": "get", "fell": "fall", "fallen": "fall",
    "spun": "spin", "swung": "swing", "threw": "throw", "thrown": "throw", "took": "take", "taken": "take",
    "gave": "give", "given": "give", "made": "make", "did": "do", "done": "do", "does": "do", "went": "go",
    "gone": "go", "goes": "go", "came": "come", "held": "hold", "rose": "rise", "risen": "rise", "strode": "stride",
    "sprang": "spring", "sprung": "spring", "crept": "creep", "leapt": "leap", "knelt": "kneel", "bent": "bend",
    "hung": "hang", "struck": "strike", "fled": "flee", "slid": "slide", "swam": "swim", "flew": "fly",
    "caught": "catch", "fought": "fight", "shook": "shake", "began": "begin", "begun": "begin", "kept": "keep",
    "led": "lead", "left": "leave", "froze": "freeze", "frozen": "freeze", "slept": "sleep", "wept": "weep",
    "lay": "lie", "laid": "lay", "said": "say", "bade": "bid", "had": "have", "has": "have", "was": "be", "were": "be",
    "is": "be", "are": "be", "am": "be", "been": "be", "being": "be", "dove": "dive", "drew": "draw", "snuck": "sneak",
    "slunk": "slink", "skidded": "skid", "let": "let", "showed": "show", "shown": "show", "bound": "bound",
    "met": "meet", "broke": "break", "brought": "bring", "swept": "sweep", "lying": "lie", "dying": "die",
    "wound": "wind", "leant": "lean", "bounced": "bounce", "beat": "beat", "put": "put", "hit": "hit", "cut": "cut",
}  # fmt: skip

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|\n|->|\S")


@dataclass(frozen=True)
class Token:
    """A word, a number or a mark, with its place in the text."""

    text: str  # lower case
    start: int
    end: int
    glued: bool  # a hyphen, and no space, stands before it

    @property
    def is_word(self) -> bool:
        return self.text[0].isalpha()

    @property
    def is_number(self) -> bool:
        return self.text[0].isdigit()


def words_of(text: str) -> frozenset[str]:
    """The words of a table written as one line of text."""
    return frozenset(text.split())


def tokens(text: str) -> list[Token]:
    """Words, numbers and marks; hyphens inside compounds are dropped and remembered, clitic 's is cut off."""
    out: list[Token] = []
    flat = text.replace("\u2019", "'").replace("\u2018", "'")
    for match in _TOKEN.finditer(flat):
        word, start, end = match.group().lower(), match.start(), match.end()
        if len(word) != end - start:  # letters whose lower case is longer
            word = match.group()
        if word == "-" and 0 < start and end < len(flat) and flat[start - 1].isalnum() and flat[end].isalnum():
            continue
        glued = start > 1 and flat[start - 1] == "-" and flat[start - 2].isalnum()
        if word.endswith("'s") and word != "let's":
            word, end = word[:-2], end - 2
        elif word.endswith("'"):
            word, end = word[:-1], end - 1
        out.append(Token(word, start, end, glued))
    return out


def base_forms(word: str, known: Container[str]) -> list[tuple[str, str]]:
    """Known base forms with their ending: ``base_forms("waving", {"wave"}) -> [("wave", "ing")]``.

    Endings are "base", "s", "ed" (past or participle) and "ing".
    """
    tries: list[tuple[str, str]] = []
    if word in _IRREGULAR:
        form = "ing" if word.endswith("ing") else "s" if word in {"does", "goes", "has", "is"} else "ed"
        tries.append((_IRREGULAR[word], form))
    tries.append((word, "base"))
    if word.endswith("ing") and len(word) > 4:
        stem = word[:-3]
        tries += [(stem, "ing"), (stem + "e", "ing")]
        if len(stem) > 2 and stem[-1] == stem[-2]:
            tries.append((stem[:-1], "ing"))
    elif word.endswith("in'"):
        tries.append((word[:-3], "ing"))
    elif word.endswith("ied"):
        tries.append((word[:-3] + "y", "ed"))
    elif word.endswith("ed") and len(word) > 3:
        stem = word[:-2]
        tries += [(stem, "ed"), (stem + "e", "ed")]
        if len(stem) > 2 and stem[-1] == stem[-2]:
            tries.append((stem[:-1], "ed"))
    elif word.endswith("ies"):
        tries += [(word[:-3] + "y", "s"), (word[:-1], "s")]
    elif word.endswith("s") and len(word) > 2 and not word.endswith("ss"):
        tries.append((word[:-1], "s"))
        if word.endswith("es"):
            tries.append((word[:-2], "s"))
    return [(base, form) for base, form in dict.fromkeys(tries) if base in known]
