"""Stretches of a text between connectives, and what joins each to the rest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from motion.words.forms import Token, base_forms
from motion.words.marks import OWNERS, PEOPLE, PRONOUNS, Mark
from motion.words.verbs import HEADS

_LINKS: dict[tuple[str, ...], str] = {}
for _link, _phrases in {
    "then": "then,and then,after that,after this,after which,afterwards,afterward,next,followed by,finally,"
    "lastly,later,"
    "subsequently,thereafter,eventually,ending with,ends with,end with,ending in,ends in,ending by,"
    "ends by,finishes with,finish with,"
    "finishing with,finishes by,finishing by,ends up,concluding with,concludes with,before finally,"
    "followed immediately by,"
    "transitions to,transitions into,transitioning into,transition to,leading into,going into,which leads to,only to",
    "stop": ".,;,!,?,\n,:,->,→,—,–,…,...",
    "comma": ",,(,)",
    "and": "and,plus,&,+,and also,but also,but,as well as",
    "while": "while,whilst,as,during,meanwhile,at the same time as,simultaneously,at the same time,"
    "all while,all the while,"
    "and at the same time,whereas,as well as while",
    "before": "before,prior to",
    "after": "after,preceded by,having first",
    "when": "when,once,as soon as,whenever,upon",
    "until": "until,till,til,til he",
    "or": "or,/",
    "without": "without,instead of,rather than,but not,and not,except",
}.items():
    for _phrase in _phrases.split(",") if _link != "comma" else [",", "(", ")", "-"]:
        if _phrase:
            _LINKS[tuple(_phrase.split()) if _phrase != "\n" else ("\n",)] = _link
_AT_ONCE = frozenset({"at the same time", "simultaneously", "meanwhile", "and at the same time"})
_LONGEST = max(len(phrase) for phrase in _LINKS)


@dataclass
class Segment:
    """Tokens ``first`` to ``last`` (exclusive)."""

    first: int
    last: int
    link: str = "start"  # start, then, comma, and, while, before, after, when, until, or, without
    words: str = ""  # the connective
    word_start: int = 0  # its first token
    opener: bool = False  # the clause comes before the one that it belongs to: "while walking, he waves"
    comma: bool = False
    together: bool = False  # "at the same time" stands behind it


def _starts_clause(tokens: list[Token], i: int) -> bool:
    """Whether a subject or a gerund stands at token ``i``."""
    if i >= len(tokens):
        return False
    word = tokens[i].text
    if word in PRONOUNS - {"one"}:
        return True
    if any(form == "ing" for _, form in base_forms(word, HEADS)):
        return True
    return word in OWNERS | {"a", "an"} and any(
        token.text in PEOPLE and _verb_follows(tokens, i + k + 2) for k, token in enumerate(tokens[i + 1 : i + 4])
    )


def _verb_follows(tokens: list[Token], i: int) -> bool:
    return any(
        token.text == "is" or any(form in {"s", "ing", "ed"} for _, form in base_forms(token.text, HEADS))
        for token in tokens[i : i + 2]
    )


def _link_at(tokens: list[Token], i: int) -> tuple[str, int] | None:
    words = [token.text for token in tokens[i : i + _LONGEST]]
    for length in range(len(words), 0, -1):
        link = _LINKS.get(tuple(words[:length]))
        if link is None or (tokens[i].glued and words[0].isalpha()):
            continue
        follows = tokens[i + length].text if i + length < len(tokens) else ""
        if length == 1:
            if words[0] == "as" and not _starts_clause(tokens, i + 1):
                continue
            if words[0] == "next" and follows == "to":
                continue
            if words[0] == "once" and not _starts_clause(tokens, i + 1):
                continue
            if words[0] == "later" and i and tokens[i - 1].text in {"sooner"}:
                continue
        return link, length
    return None


def cut(tokens: list[Token], marks: list[Mark]) -> list[Segment]:
    """Segments in text order; every one but the last may be empty of actions."""
    covered = {k for mark in marks for k in range(mark.first, mark.last)}
    out = [Segment(0, 0)]
    i, strong = 0, True
    while i < len(tokens):
        found = None if i in covered else _link_at(tokens, i)
        if found is None or any(k in covered for k in range(i, i + found[1])):
            if out[-1].first == out[-1].last:
                out[-1].first = i
            out[-1].last = i + 1
            strong = False
            i += 1
            continue
        link, length = found
        words = " ".join(token.text for token in tokens[i : i + length])
        if words in _AT_ONCE and (i + length >= len(tokens) or _link_at(tokens, i + length) is not None):
            out[-1].together = True
            i += length
            continue
        if out[-1].first == out[-1].last and len(out) >= 1:
            _combine(out[-1], link, words, i, strong)
        else:
            now = Segment(i + length, i + length, "comma", words, i)
            out.append(now)
            _combine(now, link, words, i, False)
        strong = strong or link in {"stop", "then"}
        i += length
    return [piece for segment in out if segment.last > segment.first for piece in _waits(segment, marks)]


def _waits(segment: Segment, marks: list[Mark]) -> list[Segment]:
    """Parts "after two seconds he waves" into the wait and the action."""
    first = next((mark for mark in marks if mark.first == segment.first and mark.kind == "seconds"), None)
    if segment.link != "after" or first is None or first.last >= segment.last:
        return [segment]
    wait = dataclasses.replace(segment, last=first.last, opener=True)
    return [wait, dataclasses.replace(segment, first=first.last, link="comma", words=",", opener=False, comma=True)]


_RANK = {"start": 0, "comma": 1, "stop": 2, "and": 3, "then": 4, "or": 5}


def _combine(segment: Segment, link: str, words: str, at: int, strong: bool) -> None:
    """Several connectives in a row: the strongest names the link, those before tell whether it opens a sentence."""
    segment.comma = segment.comma or link == "comma"
    subordinate = link in {"while", "before", "after", "when", "until", "without"}
    if subordinate:
        if segment.link == "and" and link == "while" and words not in {"while", "whilst", "as"}:
            segment.opener = False
        else:
            segment.opener = strong or segment.link in {"start", "stop", "then", "and"}
        segment.link, segment.words, segment.word_start = link, words, at
    elif _RANK.get(link, 0) > _RANK.get(segment.link, 9 if segment.link not in _RANK else 0):
        segment.link, segment.words, segment.word_start = link, words, at


def link_words() -> frozenset[str]:
    """Every word of a connective."""
    return frozenset(word for phrase in _LINKS for word in phrase if word.isalpha())
