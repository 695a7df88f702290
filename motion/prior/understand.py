"""Whether words were understood well enough to make motion of them; if not, the nearest actions and no guess."""

from __future__ import annotations

import re

from motion.errors import BadInput
from motion.text import VERBS, ActionPlan, nearest, plan

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
        BadInput: no words and nothing else, no action that is known, or what `motion.text.plan` refuses (too many
            words, another language).
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
    guessed = [a.text for a, c in zip(leads, sure, strict=True) if c < 0.9]
    if not guessed:
        return plan, confidence, ()
    suggestions = tuple(dict.fromkeys(s for words in guessed for s in suggest(words)))[:6]
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
    return plan(text)


def _not_understood(text: str) -> BadInput:
    near = suggest(text)
    nearest = f"nearest: {', '.join(near)}" if near else f"known: {', '.join(VERBS[:12])}, …"
    return BadInput(f"text: no known action in '{_short(text)}' (confidence 0); {nearest}")


def _short(text: str, most: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def suggest(text: str, most: int = 3) -> tuple[str, ...]:
    """Actions nearest to the words of a text, the best first."""
    scored: dict[str, float] = {}
    for word in re.findall(r"[a-z]+", text.lower()):
        for verb, score in nearest(word):
            scored[verb] = max(scored.get(verb, 0.0), score)
    return tuple(sorted(scored, key=lambda v: (-scored[v], v)))[:most]
