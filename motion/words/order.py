"""Which action comes after which, and which happen together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from motion.words.fill import Filled
from motion.words.forms import Token
from motion.words.verbs import PART_OF_VERB, TRAVEL
from motion.words.vocabulary import Action, Decision

_GOES_ON = TRAVEL | {"stand", "sit", "balance", "dance", "salsa"}
_TURNS = ("turn left", "turn right", "turn around")


@dataclass
class _Placed:
    filled: Filled
    order: Decision | None


def arrange(text: str, tokens: list[Token], found: list[Filled]) -> list[tuple[Action, ...]]:
    """Steps in time from clauses in text order."""
    steps: list[list[_Placed]] = []
    now = -1  # the step touched last
    join = False  # a clause that came first waits for the one it accompanies
    before_at: int | None = None  # "before B, A": where A goes
    last_link = "start"
    for filled in found:
        clause, link = filled.clause, filled.clause.link
        previous = steps[now][-1].filled if 0 <= now < len(steps) else None
        together = ""
        if previous is not None:
            together = _together(filled, previous, link, last_link, tokens)
        place: int | None = None
        if (
            join
            and link in {"comma", "start", "and", "with", "then"}
            and not (link == "then" and clause.comma and previous is None)
        ):
            together = together or "while"
            join = link in {"and", "with"} and not clause.finite and not clause.comma
        elif before_at is not None and link in {"comma", "start", "and"}:
            place, before_at, together = before_at, None, ""
        elif link == "while":
            together = "" if clause.opener or previous is None else "while"
            join = clause.opener or previous is None
        elif link == "before":
            together = ""
            if clause.opener or previous is None:
                before_at = len(steps)
        elif link in {"after", "when"} and not clause.opener and previous is not None:
            place, together = now, ""
        elif link == "and" and last_link in {"after", "when"} and now + 1 < len(steps):
            place = now + 1
        order = _order(text, tokens, clause.link_words, clause.link_at, "together" if together else link, together)
        if together and previous is not None:
            steps[now].append(_Placed(filled, order))
        elif place is not None:
            steps.insert(place, [_Placed(filled, order)])
            now = place
        else:
            steps.append([_Placed(filled, order)])
            now = len(steps) - 1
        last_link = link
    out: list[tuple[Action, ...]] = []
    for step in steps:
        out.extend(_finish(step))
    return out


def _order(text: str, tokens: list[Token], words: str, at: int, link: str, together: str) -> Decision | None:
    if not words or link == "start" or at >= len(tokens):
        return None
    value = {"together": "together", "while": "together", "before": "before", "after": "after", "when": "after"}.get(
        link, "then"
    )
    end = tokens[at].start
    for k in range(at, len(tokens)):
        end = tokens[k].end
        if len(text[tokens[at].start : end].split()) >= len(words.split()):
            break
    return Decision("order", value, text[tokens[at].start : end], tokens[at].start, 0.6 if together == "and" else 1.0)


def _together(filled: Filled, previous: Filled, link: str, last_link: str, tokens: list[Token]) -> str:
    """ "while", "and" or "": whether a clause happens with the one before it."""
    clause, one, two = filled.clause, previous.action, filled.action
    gesture = PART_OF_VERB.get(two.label.verb, "")
    alike = gesture and gesture == PART_OF_VERB.get(one.label.verb, "")
    fits = (
        not alike
        and two.label.verb != one.label.verb
        and two.label.verb not in {"stand", "sit", "get up"}
        and (
            bool(gesture)
            or bool(PART_OF_VERB.get(one.label.verb))
            or (two.label.verb in {"turn", "spin"} and one.label.verb in TRAVEL | {"jump", "dance"})
        )
    )
    if link == "and" and clause.together:
        return "while"
    if (
        _veers(filled)
        and link in {"and", "comma", "or", "then", "with"}
        and one.label.verb in TRAVEL
        and one.label.direction in {"", "forward"}
    ):
        return "while" if link != "then" or not clause.comma else ""
    if link == "with":
        return (
            "while"
            if fits or (two.label.verb != one.label.verb and two.label.verb in TRAVEL | {"spin", "dance"})
            else ""
        )
    if (
        link == "comma"
        and not clause.finite
        and not previous.clause.finite
        and two.label.verb == "turn"
        and two.label.direction
        and one.label.verb in TRAVEL
    ):
        return "while"
    if link == "comma" and not clause.finite and previous.clause.finite:
        return "while" if fits else ""
    if link == "and" and last_link == "while" and not clause.finite and not previous.clause.finite:
        return "while"
    if (
        link == "comma"
        and last_link == "while"
        and not clause.finite
        and not previous.clause.finite
        and not previous.clause.opener
    ):
        return "while"
    if (
        link != "and"
        or (clause.comma and clause.link_words != "but also")
        or one.label.count
        or one.seconds is not None
        or _reaches(previous, tokens)
    ):
        return ""
    if (
        one.label.verb in TRAVEL
        and two.label.verb == "turn"
        and two.label.direction in _TURNS[:2]
        and one.label.direction in {"", "forward"}
    ):
        return "and"
    if previous.clause.head is not None and previous.clause.head.base in {"stop", "halt", "freeze", "pause"}:
        return ""
    if one.label.verb in _GOES_ON and gesture in {"arms", "head"} and last_link not in {"until"}:
        return (
            "and"
            if two.label.verb not in {"dribble", "wash", "punch", "slash", "block"}
            or (one.label.verb in TRAVEL - {"sneak"} and two.label.verb == "dribble")
            else ""
        )
    return ""


def _veers(filled: Filled) -> bool:
    head = filled.clause.head
    return head is not None and head.base in {"veer", "swerve", "curve", "bear", "bank", "peel"}


def _reaches(filled: Filled, tokens: list[Token]) -> bool:
    """Whether an action ends at a place: "walks to the door"."""
    clause = filled.clause
    if filled.action.label.verb not in TRAVEL or clause.head is None:
        return False
    words = [token.text for token in tokens[clause.head.end : clause.last]]
    return any(
        (
            word in {"to", "into", "onto"}
            and words[k + 1 : k + 2]
            and words[k + 1] in {"the", "a", "his", "her", "their", "where"}
        )
        and not {"left", "right", "side", "music", "beat"} & set(words[k + 1 : k + 4])
        for k, word in enumerate(words)
    ) or "up to" in " ".join(words)


def _finish(step: list[_Placed]) -> list[tuple[Action, ...]]:
    """Turns while going become the direction of going; the whole body leads; gestures get their part."""
    actions: list[Action] = []
    for placed in step:
        action = placed.filled.action
        if placed.order is not None:
            action = dataclasses.replace(action, decisions=(*action.decisions, placed.order))
        actions.append(action)
    going = next((a for a in actions if a.label.verb in TRAVEL and a.label.direction in {"", "forward"}), None)
    turn = next((a for a in actions if a.label.verb == "turn" and a.label.direction in _TURNS), None)
    if going is not None and turn is not None:
        actions = [a for a in actions if a is not turn]
        actions[actions.index(going)] = _merged(going, turn)
    actions = _fused(actions)
    for placed in step:
        action = placed.filled.action
        if _veers(placed.filled) and action.label.verb == "turn" and len(actions) == len(step):
            index = step.index(placed)
            actions[index] = dataclasses.replace(
                actions[index],
                label=dataclasses.replace(action.label, verb="walk"),
                confidence=0.8,
                decisions=tuple(
                    dataclasses.replace(d, value="walk", confidence=0.8) if d.slot == "verb" else d
                    for d in actions[index].decisions
                ),
            )
    whole = [a for a in actions if not PART_OF_VERB.get(a.label.verb) and a.label.verb]
    if whole and len(actions) > 1:
        travel = [a for a in whole if a.label.verb in TRAVEL]
        lead = travel + [a for a in whole if a not in travel]
        actions = lead + [a for a in actions if a not in lead]
    if len(actions) > 1:
        actions = [
            a if a in whole or a.part else dataclasses.replace(a, part=PART_OF_VERB.get(a.label.verb, ""))
            for a in actions
        ]
        actions = [dataclasses.replace(a, part="") if a in whole and a is actions[0] else a for a in actions]
    shuttle = next((p.filled.shuttle for p in step if p.filled.shuttle is not None), None)
    if shuttle is not None and actions[0].label.verb in TRAVEL:
        return _shuttle(tuple(actions), shuttle)
    return [tuple(actions)]


def _fused(actions: list[Action]) -> list[Action]:
    """ "Kicks while spinning" is one action, and so is "answers with a hand raised"."""
    verbs = [action.label.verb for action in actions]
    for lead, extra, one in (("kick", "spin", "spin kick"), ("respond", "raise hand", "respond")):
        if lead in verbs and extra in verbs:
            a, b = actions[verbs.index(lead)], actions[verbs.index(extra)]
            label = dataclasses.replace(
                a.label,
                verb=one,
                side=a.label.side or b.label.side,
                style=a.label.style or b.label.style,
                manner=a.label.manner or b.label.manner,
            )
            fused = dataclasses.replace(
                a,
                label=label,
                text=f"{a.text} {b.text}",
                decisions=(*a.decisions, *(d for d in b.decisions if d.slot != "verb")),
            )
            return [fused if action is a else action for action in actions if action is not b]
    return actions


def _merged(going: Action, turn: Action) -> Action:
    label = dataclasses.replace(
        going.label, direction=turn.label.direction, style=going.label.style or turn.label.style,
        manner=going.label.manner or turn.label.manner, count=going.label.count or turn.label.count,
    )  # fmt: skip
    kept = [d for d in going.decisions if d.slot != "direction"]
    slots = {d.slot for d in kept}
    kept += [d for d in turn.decisions if d.slot not in slots and d.slot not in {"verb", "side"}]
    text = " ".join(a.text for a in sorted((going, turn), key=lambda a: min((d.start for d in a.decisions), default=0)))
    return dataclasses.replace(
        going,
        label=label,
        decisions=tuple(kept),
        text=text,
        seconds=going.seconds or turn.seconds,
        unit=going.unit or turn.unit,
    )


def _shuttle(step: tuple[Action, ...], turning: Decision) -> list[tuple[Action, ...]]:
    """ "Back and forth": there, round, and back again."""
    lead, rest = step[0], step[1:]
    seconds = None if lead.seconds is None else lead.seconds / 3
    out = []
    for direction in ("forward", "turn around", "forward"):
        decision = dataclasses.replace(turning, value=direction)
        label = dataclasses.replace(lead.label, direction=direction)
        out.append(
            (dataclasses.replace(lead, label=label, seconds=seconds, decisions=(*lead.decisions, decision)), *rest)
        )
    return out
