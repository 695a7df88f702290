"""`plan`: a text to an `ActionPlan`."""

from __future__ import annotations

import dataclasses

from motion.corpus import Label
from motion.errors import BadInput
from motion.words import language
from motion.words.clauses import Clause
from motion.words.fill import Filled, fill
from motion.words.forms import Token
from motion.words.forms import tokens as tokens_of
from motion.words.marks import PEOPLE, Mark, lay
from motion.words.nearest import Source, nearest
from motion.words.order import arrange
from motion.words.segments import cut
from motion.words.settle import read_clauses, settle
from motion.words.verbs import TRAVEL, Sense
from motion.words.vocabulary import Action, ActionPlan, Decision


def plan(text: str, more: Source | None = None) -> ActionPlan:
    """Reads English into steps of actions; no network.

    Imperatives ("walk forward"), third person ("he walks forward", past too) and gerunds ("walking forward") all work.

    Args:
        text: what a performer does, at most 600 words.
        more: a further source of neighbours for words outside the vocabulary (see `nearest`).

    Returns:
        The plan. Words that name no known action give an action whose ``confidence`` is below 1, or 0 and no verb
        where nothing is near; ``notes`` say so and suggest.

    Raises:
        BadInput: the text is empty, too long, not English, or names no action at all.
    """
    if not isinstance(text, str):
        raise BadInput(f"text is {type(text).__name__}, expected words")
    raw = tokens_of(text)
    language.check(text, raw)
    tokens, slips = language.mend(raw)
    marks = lay(tokens)
    segments = cut(tokens, marks)
    notes: list[str] = [f"read '{raw[i].text}' as '{better}'" for i, better in slips.items()]
    clauses: list[Clause] = []
    for segment in segments:
        clauses += read_clauses(tokens, segment, marks, more)
    clauses = settle(text, tokens, clauses, notes)
    if not any(clause.head is not None or clause.steps_only for clause in clauses):
        raise BadInput(
            f"no action in '{language._short(text)}'; say what the performer does, for example 'walks slowly'"
        )
    found = _fill(text, tokens, raw, clauses, slips, notes)
    if not found:
        raise BadInput(f"every action in '{language._short(text)}' is denied; say what the performer does")
    _leftovers(tokens, marks, clauses, notes)
    return ActionPlan(text, tuple(arrange(text, tokens, found)), tuple(dict.fromkeys(notes)))


def _fill(
    text: str, tokens: list[Token], raw: list[Token], clauses: list[Clause], slips: dict[int, str], notes: list[str]
) -> list[Filled]:  # fmt: skip
    found: list[Filled] = []
    carried: Decision | None = None
    other = ""
    for clause in clauses:
        words = text[tokens[clause.first].start : tokens[clause.last - 1].end]
        if clause.denied:
            if clause.head is not None and clause.head.base == "move" and clause.link != "without":
                clause.sense, clause.sure = Sense("stand"), 1.0
            else:
                notes.append(f"left out: '{words}'")
                continue
        filled = fill(text, tokens, clause, other)
        action = filled.action
        own = clause.head is not None and any(
            token.text in PEOPLE and tokens[max(0, k - 3) : k]
            for k, token in enumerate(tokens[: clause.head.at])
            if k >= clause.first
        )
        if filled.subject_style is not None:
            carried = filled.subject_style
        elif own:
            carried = None
        elif carried is not None and not action.label.style and action.label.verb:
            action = dataclasses.replace(
                action,
                label=dataclasses.replace(action.label, style=carried.value),
                decisions=(carried, *action.decisions),
            )
        action = _returning(action, found)
        action = _held(tokens, clause, action, found)
        other = action.label.side or other
        action = _spelled(action, clause, slips)
        if clause.head is not None and clause.head.at < clause.first:  # repeated from another clause
            verb_words = text[tokens[clause.head.at].start : tokens[clause.head.end - 1].end]
            action = dataclasses.replace(action, text=f"{verb_words} {action.text}")
        filled.action = action
        notes += filled.notes
        if _one_with_the_last(clause, action, found):
            continue
        _tell_strange(clause, action, raw, notes)
        found.append(filled)
    return found


def _returning(action: Action, found: list[Filled]) -> Action:
    """After a turn around, "walks back" goes forward again."""
    way = next((d for d in action.decisions if d.slot == "direction"), None)
    before = found[-1].action if found else None
    turned = before is not None and before.label.verb == "turn" and before.label.direction in {"turn around", ""}
    if not turned or way is None or way.words.lower() != "back" or action.label.verb not in TRAVEL:
        return action
    if before is not None and not before.label.direction:  # "turns and walks back"
        around = Decision("direction", "turn around", way.words, way.start, 0.7)
        found[-1].action = dataclasses.replace(
            before,
            label=dataclasses.replace(before.label, direction="turn around"),
            decisions=(*before.decisions, around),
        )
    label = dataclasses.replace(action.label, direction="forward")
    now = dataclasses.replace(way, value="forward", confidence=0.7)
    return dataclasses.replace(action, label=label, decisions=tuple(now if d is way else d for d in action.decisions))


def _one_with_the_last(clause: Clause, action: Action, found: list[Filled]) -> bool:
    """ "Trips and falls", "karate kata": two words for one action; the surer stays."""
    if not found or not action.label.verb or clause.head is None or clause.steps_only:
        return False
    last = found[-1].clause
    if last.head is None or last.head.base == clause.head.base or found[-1].action.label.verb != action.label.verb:
        return False
    reaches = clause.link == "comma" and last.head.base in {"reach", "bend", "stoop", "trip"}
    if (
        (clause.link not in {"and", "then"} and not reaches)
        or (clause.link == "then" and clause.link_words)
        or action.label.verb in TRAVEL
    ):
        return False
    before = found[-1].action
    same = all(not a or not b or a == b for a, b in zip(vars(before.label).values(), vars(action.label).values()))
    if not same or before.seconds is not None:
        return False
    label = Label(*(a or b for a, b in zip(vars(before.label).values(), vars(action.label).values())))
    found[-1].action = dataclasses.replace(
        before, label=label, confidence=max(before.confidence, action.confidence), text=f"{before.text} {action.text}",
        seconds=action.seconds, decisions=(*before.decisions, *action.decisions), unit=before.unit or action.unit,
    )  # fmt: skip
    return True


def _held(tokens: list[Token], clause: Clause, action: Action, found: list[Filled]) -> Action:
    """ "Holds it for two seconds": the action before goes on."""
    head = clause.head
    if head is None or head.base != "hold" or not found:
        return action
    behind = tokens[head.end].text if head.end < clause.last else "for"
    if behind not in {"for", "still"} and not {"it", "that", "them", "pose", "position", "there"} & {
        token.text for token in tokens[head.end : head.end + 2]
    }:
        return action
    last = found[-1].action
    if last.label.verb in TRAVEL | {"", "jump", "hop"}:
        return action
    label = dataclasses.replace(last.label, count=0)
    decisions = tuple(dataclasses.replace(d, value=label.verb) if d.slot == "verb" else d for d in action.decisions)
    return dataclasses.replace(action, label=label, part=last.part, decisions=decisions, confidence=0.8)


def _spelled(action: Action, clause: Clause, slips: dict[int, str]) -> Action:
    if clause.head is None or clause.head.at not in slips:
        return action
    sure = min(action.confidence, 0.8)
    decisions = tuple(dataclasses.replace(d, confidence=sure) if d.slot == "verb" else d for d in action.decisions)
    return dataclasses.replace(action, confidence=sure, decisions=decisions)


def _tell_strange(clause: Clause, action: Action, raw: list[Token], notes: list[str]) -> None:
    if clause.head is None or action.confidence >= 0.65 or clause.head.base == "pause":
        return
    word = raw[clause.head.at].text
    options = clause.near or nearest(clause.head.base)
    near = " or ".join(f"'{verb}'" for verb, _ in options)
    if action.label.verb:
        notes.append(
            f"'{word}' is not an action I know: took '{action.label.verb}' at {action.confidence:.0%}"
            + (f"; did you mean {near}?" if len(options) > 1 else "")
        )
    else:
        notes.append(
            f"'{word}' is not an action I know" + (f"; did you mean {near}?" if near else "; see motion.text.VERBS")
        )


def _leftovers(tokens: list[Token], marks: list[Mark], clauses: list[Clause], notes: list[str]) -> None:
    """Names the words that went nowhere."""
    used = {k for mark in marks for k in range(mark.first, mark.last)}
    used |= {k for clause in clauses if clause.head is not None for k in range(clause.head.at, clause.head.end)}
    lost = [
        token.text
        for k, token in enumerate(tokens)
        if k not in used and token.is_word and not language.known(token.text)
    ]
    if lost:
        notes.append("no slot for: " + ", ".join(f"'{word}'" for word in dict.fromkeys(lost)))


__all__ = ["plan"]
