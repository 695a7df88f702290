"""Whether words were understood well enough to make motion of them; if not, the nearest actions and no guess."""

from __future__ import annotations

import difflib
import re

from motion.errors import BadInput
from motion.text import VERBS, ActionPlan

#: Longest text. A minute of motion takes about twenty words; nothing in one clip takes more.
MOST_WORDS = 400
MOST_CHARACTERS = 4000
#: Confidence in a verb below which its motion would be a guess.
SURE = 0.5
_EXAMPLE = "for example 'walks forward, then waves with the left hand'"


def understand(text: str | ActionPlan, bound: bool, anyway: bool = False) -> tuple[ActionPlan, float, tuple[str, ...]]:
    """The plan of a text, the confidence that it was understood (0 to 1), and the nearest actions where it was not.

    Args:
        text: words or a plan.
        bound: something else (keys, a path, a clip) says what happens, so that there may be no words.
        anyway: go on with words that were not understood.

    Raises:
        BadInput: no words and nothing else, too many words, not English, or no action that is known.
    """
    plan = text if isinstance(text, ActionPlan) else _plan(text, bound)
    if not plan.steps:
        if bound and not plan.text.strip():
            return plan, 1.0, ()
        if anyway and plan.text.strip():
            return plan, 0.0, suggest(plan.text)
        if not plan.text.strip():
            raise BadInput(f"text: empty; say what the performer does, {_EXAMPLE}")
        raise _not_understood(plan.text)
    leads = [step[0] for step in plan.steps]
    sure = [a.confidence if a.label.verb else 0.0 for a in leads]
    confidence = sum(sure) / len(sure)
    unsure = [a.text for a, c in zip(leads, sure, strict=True) if c < SURE]
    if not unsure:
        return plan, confidence, ()
    suggestions = tuple(dict.fromkeys(s for words in unsure for s in suggest(words)))[:6]
    if len(unsure) == len(leads) and not anyway:
        raise _not_understood(" / ".join(unsure))
    return plan, confidence, suggestions


def _plan(text: str, bound: bool) -> ActionPlan:
    if not isinstance(text, str):
        raise BadInput(f"text: {type(text).__name__}, expected words or an ActionPlan")
    if not text.strip():
        if bound:
            return ActionPlan("", ())
        raise BadInput(f"text: empty; say what the performer does, {_EXAMPLE}")
    count = len(text.split())
    if count > MOST_WORDS or len(text) > MOST_CHARACTERS:
        raise BadInput(
            f"text: {count:,} words, {len(text):,} characters; expected at most {MOST_WORDS} and {MOST_CHARACTERS:,} "
            "(a minute of motion takes about twenty words)"
        )
    letters = [c for c in text if c.isalpha()]
    if not letters:
        raise BadInput(f"text: '{_short(text)}' has no words; say what the performer does, {_EXAMPLE}")
    if sum(c.isascii() for c in letters) < 0.7 * len(letters):
        raise BadInput(f"text: '{_short(text)}' is not English; expected English words, {_EXAMPLE}")
    from motion.text import plan

    return plan(text)


def _not_understood(text: str) -> BadInput:
    near = suggest(text)
    nearest = f"nearest: {', '.join(near)}" if near else f"known: {', '.join(VERBS[:12])}, …"
    return BadInput(f"text: no known action in '{_short(text)}' (confidence 0); {nearest}")


def _short(text: str, most: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def suggest(text: str, most: int = 3) -> tuple[str, ...]:
    """Actions whose names look most like a word of the text."""
    scored: dict[str, float] = {}
    for word in re.findall(r"[a-z]+", text.lower()):
        if len(word) < 3:
            continue
        for verb in VERBS:
            likeness = max(
                difflib.SequenceMatcher(None, word, verb).ratio(),
                max(difflib.SequenceMatcher(None, word, part).ratio() for part in verb.split()) - 0.05,
            )
            if likeness >= 0.5:
                scored[verb] = max(scored.get(verb, 0.0), likeness)
    return tuple(sorted(scored, key=lambda v: (-scored[v], v)))[:most]
