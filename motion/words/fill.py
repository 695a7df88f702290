"""The slots of one clause: side, direction, count, manner, style, length and part, each with its words."""

from __future__ import annotations

from dataclasses import dataclass, field

from motion.corpus import Label
from motion.words.clauses import Clause
from motion.words.forms import Token
from motion.words.marks import NOT, OWNERS, PEOPLE, Mark
from motion.words.sides import lr_role
from motion.words.slots import PAIRS, PART_WORDS, SINGLES
from motion.words.verbs import HANDS, TRAVEL
from motion.words.vocabulary import Action, Decision

_HANDED = frozenset({"raise hand", "wave", "wave goodbye"})
_LIMBED = frozenset(
    {"raise hand", "wave", "wave goodbye", "punch", "kick", "kick ball", "slash", "block", "spin kick", "call", "guide"}
)
_SIDE_OF = {"left": "right", "right": "left"}


@dataclass
class Filled:
    """An action with what the rest of the plan wants to know of it."""

    clause: Clause
    action: Action
    subject_style: Decision | None = None
    shuttle: Decision | None = None  # "back and forth"
    notes: list[str] = field(default_factory=list)


class _Slots:
    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text, self.tokens = text, tokens
        self.out: dict[str, Decision] = {}
        self.notes: list[str] = []

    def words(self, first: int, last: int) -> str:
        return self.text[self.tokens[first].start : self.tokens[last - 1].end]

    def decide(self, slot: str, value: str, first: int, last: int, sure: float = 1.0, *, over: bool = False) -> None:
        words = self.words(first, last)
        if slot in self.out and not over:
            if self.out[slot].value != value and slot in {"manner", "style"}:
                self.notes.append(f"one {slot} for each action: took '{self.out[slot].words}', left out '{words}'")
            return
        self.out[slot] = Decision(slot, value, words, self.tokens[first].start, round(sure, 2))


def fill(text: str, tokens: list[Token], clause: Clause, other: str = "") -> Filled:
    """The action of a clause. ``other``: the side used last, for "the other hand"."""
    slots = _Slots(text, tokens)
    verb, sure, start, end = _verb(tokens, clause)
    if verb and end > start:
        slots.decide("verb", verb, start, end, sure)
    filled = Filled(clause, Action(Label(), ""))
    limbs: list[Mark] = []
    directions: list[tuple[int, str, Mark, float]] = []
    for mark in sorted(clause.marks, key=lambda m: m.first):
        _read(slots, filled, clause, verb, mark, limbs, directions, other, start)
    verb = _directions(slots, verb, directions, clause)
    if verb == "walk" and slots.out.get("manner") is not None and slots.out["manner"].value == "stealthy":
        verb = "sneak"  # the captures of stealthy walks carry this label
        further = next((m for m in clause.marks if m.kind == "manner" and m.value != "stealthy"), None)
        if further is not None:
            slots.decide("manner", further.value, further.first, further.last, further.sure, over=True)
            slots.notes = [note for note in slots.notes if not note.startswith("one manner")]
        if "verb" in slots.out:
            slots.decide("verb", verb, start, end, sure, over=True)
    if (
        verb in {"bow", "duck", "pick up", "sit", "get up"}
        and "direction" in slots.out
        and slots.out["direction"].value in {"forward", "backward"}
    ):
        slots.out.pop("direction")
    _limbs(slots, clause, verb, limbs, other)
    if clause.sense is not None:
        for slot, value in clause.sense.slots:
            if value == "sideways":
                _sideways(slots, start, end)
            elif slot not in slots.out and not (slot == "side" and "side" in slots.out):
                slots.decide(slot, value, start, end, 0.9)
    if verb == "stand" and slots.out.get("direction") and slots.out["direction"].value != "in place":
        slots.out.pop("direction")
    if verb == "" and clause.head is not None:
        slots.out.pop("verb", None)
    filled.action = _action(slots, clause, verb, sure, tokens)
    filled.notes = slots.notes
    return filled


def _verb(tokens: list[Token], clause: Clause) -> tuple[str, float, int, int]:
    if clause.head is None:
        if clause.steps_only:
            unit = next((m for m in clause.marks if m.kind == "count" and m.unit == "steps"), None)
            at = next(
                (
                    m
                    for m in clause.marks
                    if m.kind in {"count", "manner"} and ("step" in tokens[m.last - 1].text or m is unit)
                ),
                clause.marks[0],
            )
            return ("step" if unit is not None and unit.value == "1" else "walk"), 0.9, at.first, at.last
        return "", 0.0, clause.first, clause.first
    verb = clause.sense.verb if clause.sense is not None else ""
    if verb == "step" and clause.helped and clause.head.form == "s":
        verb = "walk"
    return verb, clause.sure, clause.head.at, clause.head.end


def _read(
    slots: _Slots, filled: Filled, clause: Clause, verb: str, mark: Mark, limbs: list[Mark],
    directions: list[tuple[int, str, Mark, float]], other: str, start: int,
) -> None:  # fmt: skip
    tokens = slots.tokens
    head = clause.head.at if clause.head is not None else start
    before = tokens[mark.first - 1].text if mark.first > clause.first else ""
    if mark.kind in {"style", "manner", "direction"} and mark.first > head and _denied(tokens, mark, head):
        slots.notes.append(f"left out: 'not {slots.words(mark.first, mark.last)}'")
        return
    if mark.kind == "style":
        _style(slots, filled, clause, mark, head)
    elif mark.kind == "manner":
        slots.decide("manner", mark.value, mark.first, mark.last, mark.sure)
    elif mark.kind == "direction":
        if mark.value == "shuttle":
            filled.shuttle = Decision(
                "direction", "turn around", slots.words(mark.first, mark.last), tokens[mark.first].start, 0.8
            )
        else:
            directions.append((mark.first, mark.value, mark, mark.sure))
    elif mark.kind == "count":
        slots.decide("count", mark.value, mark.first, mark.last, mark.sure)
    elif mark.kind in {"seconds", "degrees", "metres"}:
        slots.decide(mark.kind, mark.value, mark.first, mark.last, mark.sure)
    elif mark.kind in {"part", "side"}:
        if (
            mark.kind == "side"
            and before in {"on", "from"}
            and mark.value == "both"
            and not _limb_after(tokens, mark.last)
        ):
            return
        limbs.append(mark)
    elif mark.kind == "lr":
        role, sure = lr_role(tokens, mark, clause, verb)
        if role == "side":
            limbs.append(mark)
        elif role in {"direction", "turn"}:
            directions.append((mark.first, ("turn " if role == "turn" else "") + mark.value, mark, sure))
        elif role == "place":
            slots.notes.append(f"'{slots.words(mark.first, mark.last)}' tells who, not which way")
    elif mark.kind == "back":
        _back(slots, clause, verb, mark, directions)
    elif mark.kind == "around" and verb == "turn":
        directions.append((mark.first, "turn around", mark, 1.0))


def _denied(tokens: list[Token], mark: Mark, head: int) -> bool:
    near = [token.text for token in tokens[max(head + 1, mark.first - 3) : mark.first]]
    return bool(set(near) & (NOT | {"without", "no", "neither", "nor"}))


def _style(slots: _Slots, filled: Filled, clause: Clause, mark: Mark, head: int) -> None:
    tokens = slots.tokens
    around = [token.text for token in tokens[max(clause.first, mark.first - 4) : mark.first]]
    alike = bool({"like", "as"} & set(around)) or tokens[mark.first].text in {"like", "zombielike"}
    alike = alike or (mark.last < len(tokens) and tokens[mark.last].text == "like")
    person = tokens[mark.last - 1].text in PEOPLE or any(
        token.text in PEOPLE for token in tokens[mark.last : min(mark.last + 2, clause.last)]
    )
    if (
        mark.value == "musical"
        and tokens[mark.first].text == "to"
        and clause.sense is not None
        and clause.sense.verb in {"dance", "salsa", "indian dance"}
    ):
        return
    alike = alike or (
        mark.last < len(tokens)
        and tokens[mark.last].text in {"steps", "movements", "way", "style", "fashion", "manner", "walk", "spirit"}
    )
    if person and mark.first > head and not alike:
        return  # "waves to a tired man": his state, not the performer's
    alone = tokens[mark.last - 1].text in {"child", "kid", "toddler", "teenager", "youth", "bully", "monster", "senior"}
    slots.decide("style", mark.value, mark.first, mark.last, mark.sure if alike or not alone else 0.6)
    if (
        person
        and mark.first < head
        and not alike
        and filled.subject_style is None
        and slots.out["style"].words == slots.words(mark.first, mark.last)
    ):
        filled.subject_style = slots.out["style"]


def _limb_after(tokens: list[Token], i: int) -> bool:
    return any(token.text in HANDS | SINGLES | PAIRS for token in tokens[i : i + 2])


def _back(slots: _Slots, clause: Clause, verb: str, mark: Mark, directions: list[tuple[int, str, Mark, float]]) -> None:
    word = [token.text for token in slots.tokens]
    before = word[mark.first - 1] if mark.first else ""
    after = word[mark.last] if mark.last < len(word) else ""
    if before in OWNERS | {"a", "on", "behind"} or verb in {
        "get up",
        "pick up",
        "raise hand",
        "respond",
        "bow",
        "call",
        "sit",
    }:
        return
    if verb == "turn":
        directions.append((mark.first, "turn around", mark, 0.9))
        return
    if after == "to" or after in {"into", "on", "in", "at"}:
        gerund = word[mark.last + 1] if mark.last + 1 < len(word) else ""
        if verb in TRAVEL and not gerund.endswith("ing"):
            directions.append((mark.first, "turn around", mark, 0.6))
        return
    if verb == "turn":
        directions.append((mark.first, "turn around", mark, 0.9))
    elif verb in TRAVEL or verb in {
        "step",
        "jump",
        "hop",
        "look",
        "flip",
        "fall",
        "roll",
        "stretch",
        "duck",
        "dash",
        "balance",
        "kick",
        "slip",
    }:
        directions.append((mark.first, "backward", mark, 1.0 if verb != "fall" else 0.8))


def _directions(slots: _Slots, verb: str, found: list[tuple[int, str, Mark, float]], clause: Clause) -> str:
    """Settles on one direction; a full turn makes a turn a spin."""
    tokens = slots.tokens
    degrees = float(slots.out["degrees"].value) if "degrees" in slots.out else 0.0
    leans = [
        value.removeprefix("turn ") for _, value, _, _ in found if value.removeprefix("turn ") in {"left", "right"}
    ]
    if degrees >= 300 and verb == "turn":
        verb = "spin"
        slots.decide("verb", verb, clause.head.at, clause.head.end, 0.9, over=True)  # type: ignore[union-attr]
    elif 135 <= degrees <= 225 and verb in TRAVEL | {"turn", "jump", "hop"}:
        mark = next(m for m in clause.marks if m.kind == "degrees")
        slots.decide("direction", "turn around", mark.first, mark.last)
        return verb
    order = {"turn around": 0, "circle": 1, "turn left": 1, "turn right": 1}
    for _, value, mark, sure in sorted(found, key=lambda item: (order.get(item[1], 2), item[0])):
        if value == "sideways":
            _sideways(slots, mark.first, mark.last, leans)
        elif value == "circle":
            if leans:
                slots.decide("direction", "turn " + leans[0], mark.first, mark.last)
            elif verb in TRAVEL | {"turn", "step", "hop", "jump", "dance"}:
                slots.decide("direction", "turn left", mark.first, mark.last, 0.5)
                slots.notes.append(f"'{slots.words(mark.first, mark.last)}' leaves the side open: took left")
        elif value in {"left", "right"} and verb in {"turn", "spin"}:
            slots.decide("direction", "turn " + value, mark.first, mark.last, sure)
        elif value in {"forward", "backward"} and verb in {"turn"}:
            if value == "backward":
                slots.decide("direction", "turn around", mark.first, mark.last, 0.8)
        elif value == "turn around" and verb == "look":
            slots.decide("direction", "backward", mark.first, mark.last, sure)
        elif value.startswith("turn ") and verb == "look":
            slots.decide("direction", value[5:], mark.first, mark.last, sure)
        else:
            slots.decide("direction", value, mark.first, mark.last, sure)
    if verb == "look" and "direction" not in slots.out and "manner" not in slots.out:
        for k in range(clause.first, clause.last):
            if tokens[k].text in {"up", "upwards", "down", "downwards"}:
                slots.decide("manner", "high" if tokens[k].text.startswith("up") else "low", k, k + 1, 0.8)
    return verb


def _sideways(slots: _Slots, first: int, last: int, leans: list[str] | None = None) -> None:
    if leans:
        slots.decide("direction", leans[0], first, last)
    elif "direction" not in slots.out or slots.out["direction"].value in {"forward"}:
        slots.decide("direction", "right", first, last, 0.5, over=True)
        slots.notes.append(f"'{slots.words(first, last)}' leaves the side open: took right")
    elif slots.out["direction"].value.startswith("turn "):
        pass


def _limbs(slots: _Slots, clause: Clause, verb: str, limbs: list[Mark], other: str) -> None:
    tokens = slots.tokens
    head = clause.head.at if clause.head is not None else -1
    parts = [mark for mark in limbs if mark.kind == "part"]
    sides = [mark for mark in limbs if mark.kind == "lr"]
    counts = [mark for mark in limbs if mark.kind == "side"]
    for mark in parts:
        words = {token.text for token in tokens[mark.first - 1 if mark.first else 0 : mark.first]}
        resting = any(
            token.text in {"hips", "pockets", "pocket", "behind", "crossed", "folded", "apart", "bent"}
            for token in tokens[mark.last : mark.last + 3]
        )
        if (
            mark.first < head
            and clause.head is not None
            and not words & (OWNERS | {"both", "left", "right", "one"})
            and clause.head.form != "ed"
            and not resting
        ):
            pass
        if resting:
            slots.notes.append(f"no slot for '{slots.words(mark.first, min(mark.last + 3, clause.last))}'")
            return
        if ((mark.value == "legs" or (mark.value == "arms" and verb not in TRAVEL)) and verb != "look") or (
            mark.value == "head" and verb in {"look", ""}
        ):
            slots.decide("part", mark.value, mark.first, mark.last)
    values = {mark.value for mark in sides}
    if values == {"left", "right"}:
        slots.decide("side", "both", sides[0].first, sides[-1].last)
        return
    if sides:
        mark = sides[0]
        last = mark.last + (mark.last < clause.last and tokens[mark.last].text in PART_WORDS)
        slots.decide("side", mark.value, mark.first, last)
        return
    behind = {token.text for token in tokens[head + 1 : head + 3]}
    if verb in _HANDED and not parts and other and behind & {"it", "them"}:
        slots.decide("side", other, head, min(head + 2, clause.last), 0.9)
        return
    limb = next((m for m in parts if m.value in {"arms", "legs"}), None)
    for mark in counts:
        if limb is None and verb not in _LIMBED:
            continue
        last = mark.last + (mark.last < clause.last and tokens[mark.last].text in PART_WORDS)
        if mark.value == "other":
            slots.decide("side", _SIDE_OF.get(other, "left"), mark.first, last, 1.0 if other in _SIDE_OF else 0.5)
            return
        if mark.value == "both":
            if verb in {"jump", "hop"} and (limb is None or limb.value == "legs"):
                return  # the usual way
            slots.decide("side", "both", mark.first, last)
        else:
            _open_side(slots, mark.first, last, verb)
        return
    if limb is None or limb.value != "arms" or verb not in _HANDED:
        return
    word, before = tokens[limb.first].text, tokens[limb.first - 1].text if limb.first else ""
    if before == "other":
        side = _SIDE_OF.get(other, "left")
        slots.decide("side", side, limb.first - 1, limb.last, 1.0 if other in _SIDE_OF else 0.5)
    elif before == "each" or word in PAIRS:
        slots.decide("side", "both", limb.first, limb.last, 0.9)
    elif word in SINGLES:
        _open_side(slots, limb.first, limb.last, verb)


def _open_side(slots: _Slots, first: int, last: int, verb: str) -> None:
    slots.decide("side", "right", first, last, 0.5)
    slots.notes.append(f"'{slots.words(first, last)}' leaves the side open: took right")


def _action(slots: _Slots, clause: Clause, verb: str, sure: float, tokens: list[Token]) -> Action:
    value = {slot: decision.value for slot, decision in slots.out.items()}
    count = int(value.get("count", "0"))
    unit = next((m.unit for m in clause.marks if m.kind == "count"), "") if count else ""
    if count and unit == "times" and clause.head is not None and clause.head.base in {"step"}:
        unit = "steps"
    label = Label(
        verb, value.get("side", ""), value.get("direction", ""), count, value.get("manner", ""), value.get("style", "")
    )
    text = slots.words(clause.first, clause.last)
    seconds = float(value["seconds"]) if "seconds" in value else None
    return Action(
        label, text, seconds if seconds else None, value.get("part", ""),
        tuple(sorted(slots.out.values(), key=lambda d: d.start)), sure if verb else 0.0, unit,
    )  # fmt: skip


__all__ = ["Filled", "fill"]
