"""Clauses without a known action: strangers get one by their place, fragments go to their neighbours."""

from __future__ import annotations

import dataclasses

from motion.words import language, numbers
from motion.words.clauses import Clause, Head, clauses_of
from motion.words.forms import Token
from motion.words.marks import ARTICLES, OWNERS, PEOPLE, PRONOUNS, Mark
from motion.words.nearest import ENOUGH, Source, nearest
from motion.words.segments import Segment
from motion.words.sides import lr_role
from motion.words.verbs import PART_OF_VERB, Sense

_SAYING = frozenset(
    {"style", "manner", "direction", "lr", "back", "side", "count", "seconds", "part", "degrees", "metres", "around"}
)
_AGAIN = frozenset(["again", "same", "likewise", "repeat", "repeats", "repeated", "repeating"])
_WHICH_WAY = frozenset({"direction", "lr", "back"})


def read_clauses(tokens: list[Token], segment: Segment, marks: list[Mark], more: Source | None) -> list[Clause]:
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


def settle(text: str, tokens: list[Token], clauses: list[Clause], notes: list[str]) -> list[Clause]:
    """Gives clauses without an action to their neighbours, makes them anew from the one before, or leaves them out."""
    out: list[Clause] = []
    waiting: list[Mark] = []
    for n, clause in enumerate(clauses):
        following = clauses[n + 1] if n + 1 < len(clauses) else None
        words = text[tokens[clause.first].start : tokens[clause.last - 1].end]
        if clause.head is not None or clause.steps_only:
            if clause.link == "or" and out:
                taken = text[tokens[out[-1].first].start : tokens[out[-1].last - 1].end]
                notes.append(f"'or': took '{taken}', left out '{words}'")
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
    return dataclasses.replace(
        clause,
        sense=Sense("stand"),
        sure=0.7,
        marks=saying,
        link="then" if clause.link == "after" else clause.link,
        head=Head(saying[0].first, saying[0].last, "pause", "base"),
        opener=False,
    )


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
