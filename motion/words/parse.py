"""`plan`: a text to an `ActionPlan`."""

from __future__ import annotations

import dataclasses

from motion.corpus import Label
from motion.errors import BadInput
from motion.words import language, numbers
from motion.words.clauses import Clause, Head, clauses_of
from motion.words.fill import Filled, fill, lr_role
from motion.words.forms import Token
from motion.words.forms import tokens as tokens_of
from motion.words.marks import ARTICLES, OWNERS, PEOPLE, PRONOUNS, Mark, lay
from motion.words.nearest import ENOUGH, Source, nearest
from motion.words.order import arrange
from motion.words.segments import Segment, cut
from motion.words.verbs import PART_OF_VERB, TRAVEL, Sense
from motion.words.vocabulary import Action, ActionPlan, Decision

_SAYING = frozenset(
    {"style", "manner", "direction", "lr", "back", "side", "count", "seconds", "part", "degrees", "metres", "around"}
)
_AGAIN = frozenset(["again", "same", "likewise", "repeat", "repeats", "repeated", "repeating"])
_WHICH_WAY = frozenset({"direction", "lr", "back"})


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
        clauses += _clauses(tokens, segment, marks, more)
    clauses = _settle(text, tokens, clauses, notes)
    if not any(clause.head is not None or clause.steps_only for clause in clauses):
        raise BadInput(
            f"no action in '{language._short(text)}'; say what the performer does, for example 'walks slowly'"
        )
    found = _fill(text, tokens, raw, clauses, slips, notes)
    if not found:
        raise BadInput(f"every action in '{language._short(text)}' is denied; say what the performer does")
    _leftovers(tokens, marks, clauses, notes)
    return ActionPlan(text, tuple(arrange(text, tokens, found)), tuple(dict.fromkeys(notes)))


def _clauses(tokens: list[Token], segment: Segment, marks: list[Mark], more: Source | None) -> list[Clause]:
    """The clauses of a segment; a verb outside the vocabulary is found by its place."""
    out = clauses_of(tokens, segment, marks)
    for clause in out:
        if clause.head is None and not clause.steps_only:
            _stranger(tokens, clause, more)
        elif more is not None and clause.head is not None and clause.sense is None:
            _neighbours(clause, clause.head.base, more)
    return out


def _stranger(tokens: list[Token], clause: Clause, more: Source | None) -> None:
    """Takes an unknown word in a verb's place as the head of a clause."""
    covered = {k for mark in clause.marks for k in range(mark.first, mark.last)}
    steps = [
        m
        for m in clause.marks
        if m.kind == "manner" and tokens[m.last - 1].text in {"step", "steps", "stride", "strides"}
    ]
    if clause.helped and steps:
        clause.steps_only = True
        return
    around = next((m for m in clause.marks if m.kind == "direction" and m.value == "turn around"), None)
    named = around is not None and {"about", "u", "half"} & {tokens[around.first].text}
    if around is not None and (clause.helped or named):
        clause.head, clause.sense, clause.sure = Head(around.first, around.last, "turn", "base"), Sense("turn"), 1.0
        return
    for k in range(clause.first, clause.last):
        word = tokens[k].text
        if k in covered or not tokens[k].is_word or language.known(word) or word.endswith("ly") or len(word) < 3:
            continue
        lead = tokens[k - 1].text if k > clause.first else ""
        bent = word.endswith(("s", "ing", "ed")) and not word.endswith("ss")
        subject = lead in PRONOUNS | PEOPLE | {"is", "to", "then", "starts", "and"} or (lead.endswith("ly") and bent)
        first = k == clause.first and clause.link in {
            "start",
            "stop",
            "then",
            "comma",
            "and",
            "while",
            "before",
            "after",
            "until",
        }
        if not (subject or (first and (bent or clause.link in {"start", "stop", "then", "and"}))):
            continue
        if lead in ARTICLES | OWNERS:
            continue
        clause.head = Head(k, k + 1, word, "ing" if word.endswith("ing") else "s")
        clause.finite = clause.head.form != "ing" or lead in {"is", "are", "was"}
        clause.sure, clause.near = 0.0, []
        _neighbours(clause, word, more)
        return


def _neighbours(clause: Clause, word: str, more: Source | None) -> None:
    clause.near = nearest(word, more)
    if clause.near and clause.near[0][1] >= ENOUGH:
        clause.sense, clause.sure = Sense(clause.near[0][0]), min(clause.near[0][1], 0.95)


def _settle(text: str, tokens: list[Token], clauses: list[Clause], notes: list[str]) -> list[Clause]:
    """Gives clauses without an action to their neighbours, makes them anew from the one before, or leaves them out."""
    out: list[Clause] = []
    waiting: list[Mark] = []
    for n, clause in enumerate(clauses):
        following = clauses[n + 1] if n + 1 < len(clauses) else None
        words = text[tokens[clause.first].start : tokens[clause.last - 1].end]
        if clause.head is not None or clause.steps_only:
            if clause.link == "or" and out:
                notes.append(
                    f"'or': took '{text[tokens[out[-1].first].start : tokens[out[-1].last - 1].end]}', left out '{words}'"
                )
                continue
            if (
                clause.steps_only
                and out
                and not clause.helped
                and clause.link in {"comma", "and"}
                and _takes_steps(out[-1])
            ):
                _extend(out[-1], clause)
                continue
            clause.marks = sorted(waiting + clause.marks, key=lambda m: m.first)
            waiting = []
            out.append(clause)
            continue
        saying = [mark for mark in clause.marks if mark.kind in _SAYING]
        saying = _of_the_last(tokens, clause, saying, out)
        again = any(token.text in _AGAIN for token in tokens[clause.first : clause.last])
        pause = _pause(clause, following, saying)
        if clause.denied or clause.link in {"without", "until"}:
            notes.append(f"left out: '{words}'")
        elif pause is not None:
            out.append(pause)
        elif not saying and not again:
            continue
        elif _opens(clause, following, out, saying):
            waiting += saying
        elif out and _anew(tokens, clause, out[-1], saying, again):
            before = out[-1]
            out.append(
                dataclasses.replace(
                    clause,
                    head=before.head,
                    sense=before.sense,
                    sure=before.sure,
                    near=before.near,
                    finite=before.finite,
                    marks=_kept(before, saying) + saying,
                    steps_only=before.steps_only,
                )
            )
        elif out:
            _extend(out[-1], dataclasses.replace(clause, marks=saying))
    if waiting and out:
        out[-1].marks += waiting
    return out


def _of_the_last(tokens: list[Token], clause: Clause, saying: list[Mark], out: list[Clause]) -> list[Mark]:
    """Adds what bare words say of the action before: "then the other", "then one to the right"."""
    if not out or clause.link not in {"then", "and", "comma", "stop"}:
        return saying
    more = list(saying)
    was = out[-1].marks
    for k in range(clause.first, clause.last):
        word = tokens[k].text
        if word == "other" and any(m.kind in {"lr", "side"} for m in was) and not any(m.kind == "lr" for m in saying):
            more.append(Mark("side", "other", k, k + 1))
        amount = numbers.bare(tokens, k) if k == clause.first else None
        if amount is not None and out[-1].steps_only and not any(m.first <= k < m.last for m in saying):
            more.append(Mark("count", amount, k, k + 1, 0.9, "steps"))
    return more


def _takes_steps(clause: Clause) -> bool:
    return (
        clause.sense is not None
        and clause.sense.verb in {"walk", "run", "sneak", "jog", "step"}
        and not any(mark.kind == "count" for mark in clause.marks)
    )


def _extend(clause: Clause, more: Clause) -> None:
    clause.marks = clause.marks + more.marks
    clause.last = max(clause.last, more.last)


def _pause(clause: Clause, following: Clause | None, saying: list[Mark]) -> Clause | None:
    """ "After two seconds", "a moment later": standing."""
    later = clause.link == "after" or (following is not None and following.link_words in {"later", "afterwards"})
    if not later or {mark.kind for mark in saying} != {"seconds"}:
        return None
    return dataclasses.replace(clause, sense=Sense("stand"), sure=0.7, marks=saying, link="then" if clause.link == "after" else clause.link,
                               head=Head(saying[0].first, saying[0].last, "pause", "base"), opener=False)  # fmt: skip


def _opens(clause: Clause, following: Clause | None, out: list[Clause], saying: list[Mark]) -> bool:
    """Whether words without an action speak of the next one: "Slowly, he walks"."""
    if following is None or (following.head is None and not following.steps_only):
        return not out and following is not None
    if not out or clause.opener:
        return True
    if clause.link in {"then", "stop"} or (clause.link == "and" and clause.comma):
        kinds = {mark.kind for mark in saying}
        return following.link == "comma" and not kinds & (_WHICH_WAY | {"count"}) and following.link_words == ","
    return False


def _anew(tokens: list[Token], clause: Clause, before: Clause, saying: list[Mark], again: bool) -> bool:
    """Whether words without an action repeat the last one in another way: "then the right", "and back"."""
    if before.sense is None and not before.steps_only:
        return False
    if again or any(mark.value == "other" for mark in saying):
        return True
    verb = before.sense.verb if before.sense is not None else "walk"
    kinds = {mark.kind for mark in saying}
    had = {mark.kind for mark in before.marks}
    sided = [
        m
        for m in saying
        if m.kind == "lr" and lr_role(tokens, m, dataclasses.replace(before, head=before.head), verb)[0] == "side"
    ]
    was = [m for m in before.marks if m.kind == "lr" and lr_role(tokens, m, before, verb)[0] == "side"]
    ways = kinds & {"direction", "back"} or len(sided) < sum(m.kind == "lr" for m in saying)
    if any(mark.value == "sideways" for mark in before.marks) and clause.link == "comma" and kinds == {"lr"}:
        return False
    if "part" in kinds and was and any(token.text == "other" for token in tokens[clause.first : clause.last]):
        return True
    if clause.link in {"then", "stop"}:
        return bool(ways or sided or kinds & {"side", "count"})
    if clause.link not in {"and", "comma"}:
        return False
    if sided and was:
        return "count" in kinds or clause.link == "comma" or (verb not in PART_OF_VERB and False)
    if ways:
        return bool(had & {"direction", "back"} or any(m.kind == "lr" for m in before.marks if m not in was))
    return "count" in kinds and "count" in had


def _kept(before: Clause, saying: list[Mark]) -> list[Mark]:
    """What a repetition takes over: how, never which way, which side, how often or how long."""
    kinds = {mark.kind for mark in saying}
    return [mark for mark in before.marks if mark.kind in {"style", "manner"} - kinds]


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
