"""The actions nearest to a word that is outside the vocabulary; by spelling and by a table of kin."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence

from motion.words.forms import base_forms
from motion.words.verbs import AKIN, HEADS, KIN, SENSES
from motion.words.vocabulary import VERBS

#: From here on the nearest action is taken, with its score as confidence; below, it is a suggestion alone.
ENOUGH = 0.5

#: How much of a score the next action of `AKIN` keeps.
LIKE = 0.8

#: A source of further neighbours, such as a sentence encoder: a word to (verb of `VERBS`, score in 0..1).
Source = Callable[[str], Sequence[tuple[str, float]]]


def _own(base: str) -> str:
    """The vocabulary's verb for a known head word, "" for a helper."""
    plain = [sense for sense in SENSES.get(base, ()) if not sense.light and not sense.rest and not sense.near]
    return plain[0].verb if plain else ""


def spelled(word: str, cutoff: float = 0.8) -> list[tuple[str, float]]:
    """Head words spelled like ``word``: base form and a score below 1."""
    if len(word) < 4:
        return []
    near = difflib.get_close_matches(word, SPELLINGS, n=3, cutoff=cutoff)
    return [(SPELLINGS[found], 0.95 * difflib.SequenceMatcher(None, word, found).ratio()) for found in near]


def _spellings() -> dict[str, str]:
    out: dict[str, str] = {}
    for base in SENSES:
        if len(base) < 3 or not _own(base):
            continue
        stem = base[:-1] if base.endswith("e") else base
        for form in (base, base + "s", stem + "ing", stem + "ed", stem + stem[-1] + "ing"):
            if base_forms(form, HEADS):
                out.setdefault(form, base)
    return out


SPELLINGS = _spellings()


def candidates(word: str) -> list[tuple[str, float]]:
    """Actions near a word by the table of kin and by spelling alone, best first."""
    scores: dict[str, float] = {}
    for base, _ in base_forms(word, KIN):
        for verb, score in KIN[base]:
            scores[verb] = max(scores.get(verb, 0.0), score)
    if not scores:  # "counterpunches": the known word that it ends in
        for form in sorted(SPELLINGS, key=len, reverse=True):
            if len(form) > 3 and word.endswith(form) and word != form:
                scores[_own(SPELLINGS[form])] = 0.6
                break
    if not scores:
        for base, score in spelled(word):
            verb = _own(base)
            scores[verb] = max(scores.get(verb, 0.0), round(score, 2))
    return sorted(scores.items(), key=lambda item: -item[1])


def nearest(
    verb: str, more: Source | None = None, *, at_most: int = 3, among: Collection[str] | None = None
) -> list[tuple[str, float]]:
    """The actions of `motion.text.VERBS` nearest to a word, best first.

    Args:
        verb: one word or a known phrase, any form: "lunging".
        more: a further source, for example similarity of sentence vectors; the higher score counts.
        at_most: how many to give.
        among: only these actions; for one that is not among them, those that are like it. None: all.

    Returns:
        (verb, score); 1 for a word that means the action, below 1 for a neighbour; empty where nothing is near.
    """
    word = verb.strip().lower()
    scores: dict[str, float] = {}
    if word in VERBS:
        scores[word] = 1.0
    for base, _ in base_forms(word, SENSES):
        for sense in SENSES[base]:
            if not sense.light and not sense.rest and not sense.near:
                scores[sense.verb] = max(scores.get(sense.verb, 0.0), sense.sure)
    if not scores:
        scores.update(candidates(word))
    for name, score in more(word) if more is not None else ():
        if name in VERBS:
            scores[name] = max(scores.get(name, 0.0), float(score))
    if among is not None:
        scores = _among(scores, among)
    return sorted(scores.items(), key=lambda item: -item[1])[:at_most]


def _among(scores: dict[str, float], among: Collection[str]) -> dict[str, float]:
    """The same with actions outside ``among`` replaced by those that are like them."""
    found: dict[str, float] = {}
    for verb, score in scores.items():
        like = [(verb, score)] if verb in among else [(v, score * LIKE**k) for k, v in enumerate(AKIN.get(verb, ()), 1)]
        for name, value in like:
            if name in among:
                found[name] = max(found.get(name, 0.0), value)
    return found
