"""Whether words were understood well enough to make motion of them; if not, the nearest actions and no guess.

Actions of the vocabulary that the weights at hand were never shown are treated like unknown words: a network makes some
motion of anything, and nothing in that motion would tell that it is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from motion.corpus import Label
from motion.errors import BadInput
from motion.prior.request import Request
from motion.prior.weights import Card
from motion.text import VERBS, Action, ActionPlan, nearest, plan

#: Confidence in a verb below which its motion would be a guess.
SURE = 0.5
_EXAMPLE = "for example 'walks forward, then waves with the left hand'"
_MOST_LISTED = 12  # known words in one line


def understand(
    text: str | ActionPlan, bound: bool, anyway: bool = False, card: Card | None = None
) -> tuple[ActionPlan, float, tuple[str, ...]]:
    """The plan of a text, the confidence that it was understood (0 to 1), and the nearest actions where it was not.

    Args:
        text: words or a plan.
        bound: something else (keys, a path, a clip) says what happens, so that there may be no words.
        anyway: go on with words that were not understood.
        card: of the weights that make the motion: the plan is then what they are `able` to do. None, or one that does
            not tell what they know: all of the vocabulary.

    Raises:
        BadInput: no words and nothing else, no action that is known, or what `motion.text.plan` refuses (too many
            words, another language).
    """
    asked = text if isinstance(text, ActionPlan) else _plan(text, bound)
    if not asked.steps:
        if bound and not asked.text.strip():
            return asked, 1.0, ()
        if anyway and asked.text.strip():
            return asked, 0.0, suggest(asked.text, card)
        if not asked.text.strip():
            raise BadInput(f"text: empty; say what the performer does, {_EXAMPLE}")
        raise _not_understood([Action(Label(), asked.text)], card)
    plan = able(asked, card)
    sure = [[a.confidence if a.label.verb else 0.0 for a in step] for step in plan.steps]
    confidence = sum(sum(step) / len(step) for step in sure) / len(sure)
    if all(step[0] < SURE for step in sure) and not anyway:  # the first of a step leads the whole body
        raise _not_understood([step[0] for step in asked.steps], card)
    guessed = [a for step, s in zip(asked.steps, sure, strict=True) for a, c in zip(step, s, strict=True) if c < 0.9]
    return plan, confidence, tuple(dict.fromkeys(name for action in guessed for name in _near(action, card)))[:6]


def judged(request: Request, card: Card | None, captures: Iterable[Label] = ()) -> Request:
    """A request with its words as a model can follow them: what it never learned is left out, said, and trusted less.

    Args:
        request: understood as words alone.
        card: the model's; None: nobody knows what it learned.
        captures: of the motion that may be retrieved, which is known beside.

    Raises:
        BadInput: the model never learned any of the actions, and the request does not say to go on anyway.
    """
    if card is None or not card.knows:
        return request
    shown = [label for label in captures if label.verb]
    more = {"verb": {label.verb for label in shown}, "style": {label.style for label in shown if label.style}}
    card = replace(card, knows={slot: (*words, *more.get(slot, ())) for slot, words in card.knows.items()})
    given = (request.keys, request.path, request.base, request.style_clip, request.reach or None)
    bound = any(value is not None for value in given)
    plan, confidence, suggestions = understand(request.plan, bound, request.anyway, card)
    style, note = request.style, unseen_style(request.style, card)
    if not card.saw("style", style):
        style, plan = "", replace(plan, notes=tuple(dict.fromkeys((*plan.notes, *filter(None, [note])))))
    return replace(request, plan=plan, confidence=confidence, suggestions=suggestions, style=style)


# ---- what weights never learned


def able(plan: ActionPlan, card: Card | None) -> ActionPlan:
    """A plan without the actions and styles that training never showed; its notes say which."""
    if card is None or not card.knows:
        return plan
    notes = list(plan.notes)
    steps = tuple(tuple(_able(action, card, notes) for action in step) for step in plan.steps)
    return replace(plan, steps=steps, notes=tuple(dict.fromkeys(notes)))


def _able(action: Action, card: Card, notes: list[str]) -> Action:
    label = action.label
    if not _saw(action, card):
        notes.append(f"'{_short(action.text)}': {_these(card)} never learned '{label.verb}'; its motion is a guess")
        action = _without(replace(action, confidence=0.0), "verb")
    if not card.saw("style", label.style):
        notes += filter(None, [unseen_style(label.style, card)])
        action = _without(action, "style")
    return action


def _without(action: Action, slot: str) -> Action:
    decisions = tuple(d for d in action.decisions if d.slot != slot)
    label = replace(action.label, verb="") if slot == "verb" else replace(action.label, style="")
    return replace(action, label=label, decisions=decisions)


def unseen(plan: ActionPlan, card: Card) -> list[str]:
    """A line for each action that weights with this card never learned, with the nearest that they know."""
    strange = [action for step in plan.steps for action in step if not _saw(action, card)]
    return list(dict.fromkeys(f"{_never_saw([action], card)}; {_instead([action], card)}" for action in strange))


def unseen_style(style: str, card: Card) -> str:
    """What to say of a style that weights with this card never learned; "": nothing."""
    if style == "normal" or card.saw("style", style):  # without any, people move as they normally do
        return ""
    styles = card.knows["style"]
    known = f" (known: {', '.join(styles[:_MOST_LISTED])})" if styles else ""
    return f"{_these(card)} never learned the style '{style}'; it is left out{known}"


def _saw(action: Action, card: Card | None) -> bool:
    # A look is geometry of the neck and the head, and no network's.
    return card is None or action.label.verb == "look" or card.saw("verb", action.label.verb)


def _these(card: Card) -> str:
    return f"these weights ({card.name})"


def _never_saw(actions: Sequence[Action], card: Card) -> str:
    verbs = dict.fromkeys(f"'{action.label.verb}'" for action in actions)
    return f"{_these(card)} never learned {' or '.join(verbs)}"


# ---- words


def _plan(text: str, bound: bool) -> ActionPlan:
    if not isinstance(text, str):
        raise BadInput(f"text: {type(text).__name__}, expected words or an ActionPlan")
    if not text.strip():
        if bound:
            return ActionPlan("", ())
        raise BadInput(f"text: empty; say what the performer does, {_EXAMPLE}")
    return plan(text)


def _not_understood(actions: Sequence[Action], card: Card | None) -> BadInput:
    strange = [action for action in actions if not _saw(action, card)]
    words = " / ".join(action.text for action in actions if _saw(action, card))
    wrong = [f"no known action in '{_short(words)}' (confidence 0)"] if words else []
    wrong += [_never_saw(strange, card)] if strange and card is not None else []
    return BadInput(f"text: {', and '.join(wrong)}; {_instead(actions, card)}")


def _instead(actions: Sequence[Action], card: Card | None) -> str:
    near = list(dict.fromkeys(name for action in actions for name in _near(action, card)))[:6]
    known = VERBS if card is None else card.knows.get("verb", VERBS)
    if near:
        return f"nearest: {', '.join(near)}"
    listed = ", ".join(known[:_MOST_LISTED]) + (", …" if len(known) > _MOST_LISTED else "")
    return f"known: {listed or 'no action by name'}"


def _near(action: Action, card: Card | None) -> tuple[str, ...]:
    """Known actions that are nearest to one that is not."""
    if card is None or _saw(action, card):
        return suggest(action.text, card)
    return tuple(verb for verb, _ in nearest(action.label.verb, among=card.knows["verb"]))


def _short(text: str, most: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def suggest(text: str, card: Card | None = None, most: int = 3) -> tuple[str, ...]:
    """Actions nearest to the words of a text, the best first; only those that weights with this card know."""
    among = None if card is None else card.knows.get("verb")
    scored: dict[str, float] = {}
    for word in re.findall(r"[a-z]+", text.lower()):
        for verb, score in nearest(word, among=among):
            scored[verb] = max(scored.get(verb, 0.0), score)
    return tuple(sorted(scored, key=lambda v: (-scored[v], v)))[:most]
