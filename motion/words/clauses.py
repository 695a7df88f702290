"""One clause for each head word of a segment: where it begins and ends, which sense it has, whether it is denied."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from motion.words.forms import Token, words_of
from motion.words.heads import Head, heads_of, same_word
from motion.words.marks import ARTICLES, NOT, OWNERS, PEOPLE, PRONOUNS, Mark
from motion.words.nearest import candidates
from motion.words.segments import Segment
from motion.words.verbs import HANDS, LEGS, SENSES, Sense

_AUX = words_of("is are was were be been being 's am")
_HELP = words_of("start starts started starting begin begins began beginning continue continues keep keeps kept to")
_STOPPERS = frozenset({"stop", "halt", "freeze", "pause"})
_ARM_CARRIERS = words_of("raise lift put throw stretch fling thrust shoot bring hold extend reach point stick")
_READ_BY_HEAD = frozenset({"lr", "back", "around"})
_ALOFT = words_of("up above overhead high air sky ceiling skyward")


@dataclass
class Clause:
    """What is said of one action."""

    first: int
    last: int
    head: Head | None
    link: str
    link_words: str = ""
    link_at: int = 0
    opener: bool = False
    comma: bool = False
    together: bool = False
    denied: bool = False
    helped: bool = False  # "takes", "does", "starts to" stood before the head
    finite: bool = True
    sense: Sense | None = None
    sure: float = 1.0
    near: list[tuple[str, float]] = field(default_factory=list)  # suggestions where the head is not in the vocabulary
    marks: list[Mark] = field(default_factory=list)
    steps_only: bool = False  # "three steps forward": the unit is the action
    subject_end: int = 0  # tokens of the subject end here


def _is_light(head: Head) -> bool:
    senses = SENSES.get(head.base, ())
    return any(sense.light and not sense.rest for sense in senses)


def clauses_of(tokens: list[Token], segment: Segment, marks: list[Mark]) -> list[Clause]:
    """The clauses of one segment; one without a head where it names no action."""
    found = heads_of(tokens, segment.first, segment.last, marks)
    inside = [mark for mark in marks if segment.first <= mark.first < segment.last]
    heads, helped, denied_stop = _settle(tokens, found, inside)
    idle = {k for mark in inside if mark.kind in {"none", "style", "manner"} for k in range(mark.first, mark.last)}
    if not heads:
        unit = next((m for m in inside if m.kind == "count" and m.unit == "steps"), None)
        clause = _whole(segment)
        clause.marks = inside
        clause.steps_only = unit is not None
        clause.helped = bool(found)
        clause.denied = _denials(tokens, segment.first, segment.last, idle) % 2 == 1 or segment.link == "without"
        return _by_steps(clause)
    out: list[Clause] = []
    bounds = [segment.first]
    for one, two in itertools.pairwise(heads):
        bounds.append(_boundary(tokens, one, two, marks))
    bounds.append(segment.last)
    for n, head in enumerate(heads):
        clause = _whole(segment)
        clause.first, clause.last, clause.head = bounds[n], bounds[n + 1], head
        clause.helped = head.at in helped
        if n:
            clause.link, clause.opener, clause.comma, clause.link_words = _inner_link(tokens, out[-1], clause, segment)
            clause.link_at = clause.first
        clause.finite = head.form != "ing" or any(
            token.text in _AUX for token in tokens[max(clause.first, head.at - 3) : head.at]
        )
        limb_first = tokens[clause.first].text in HANDS or tokens[min(clause.first + 1, clause.last - 1)].text in HANDS
        if (head.base in HANDS or (head.form == "ed" and limb_first)) and not helped:
            clause.finite = False  # "arms raised"
        clause.denied = _denials(tokens, clause.first, head.at, idle) % 2 == 1 and head.at not in denied_stop
        if n == 0 and segment.link == "without":
            clause.denied = not clause.denied
        if n and out[-1].denied and clause.link == "with" and not clause.finite:
            clause.denied = True
        clause.marks = [
            m
            for m in inside
            if clause.first <= m.first < clause.last and not (m.kind in _READ_BY_HEAD and head.at <= m.first < head.end)
        ]
        out.append(clause)
    for clause in out:
        _resolve(tokens, clause)
    return [piece for clause in out for piece in _by_steps(clause)]


def _by_steps(clause: Clause) -> list[Clause]:
    """Parts "two steps forward one step back" at the second count of steps."""
    units = [mark for mark in clause.marks if mark.kind == "count" and mark.unit == "steps"]
    if len(units) < 2 or (clause.head is not None and units[1].first < clause.head.at):
        return [clause]
    at = units[1].first
    rest = Clause(
        at, clause.last, None, "then", steps_only=True, helped=True, marks=[m for m in clause.marks if m.first >= at]
    )
    clause.last, clause.marks = at, [m for m in clause.marks if m.first < at]
    return [clause, *_by_steps(rest)]


def _whole(segment: Segment) -> Clause:
    return Clause(
        segment.first,
        segment.last,
        None,
        segment.link,
        segment.words,
        segment.word_start,
        segment.opener,
        segment.comma,
        segment.together,
    )


def _denials(tokens: list[Token], first: int, last: int, idle: set[int] = frozenset()) -> int:  # type: ignore[assignment]
    return sum(
        (token.text in NOT and k not in idle and tokens[k + 1 : k + 2] and tokens[k + 1].text != "only")
        or (token.text == "no" and k + 1 < len(tokens) and tokens[k + 1].text not in {"time", "one", "longer"})
        or (token.text in {"without"} and k > first and k not in idle)
        for k, token in enumerate(tokens[first:last], start=first)
    )


def _settle(tokens: list[Token], found: list[Head], marks: list[Mark]) -> tuple[list[Head], set[int], set[int]]:
    """Drops helpers before an action, the gerund that "stops" takes, and a noun that repeats its verb with a count."""
    heads: list[Head] = []
    helped: set[int] = set()
    denied_stop: set[int] = set()
    waiting = False
    for n, head in enumerate(found):
        later = found[n + 1 :]
        if _is_light(head) and not _selects(tokens, head, found, n):
            waiting = True
            continue
        if head.base == "go" and later and (later[0].form == "ing" or later[0].noun) and later[0].at - head.at <= 4:
            waiting = True
            continue
        people = any(token.text in PEOPLE for token in tokens[head.end : head.end + 3])
        if (
            head.form == "ing"
            and people
            and later
            and later[0].form != "ing"
            and not heads
            and later[0].at - head.end <= 4
        ):
            continue  # "the limping old man walks"
        if (
            head.base in {"stand", "sit", "stay", "remain"}
            and later
            and later[0].form == "ing"
            and later[0].at == head.end
            and later[0].base == "still"
        ):
            continue
        if heads and heads[-1].base in _STOPPERS and head.form == "ing" and head.at - heads[-1].end <= 1:
            if _denials(tokens, max(0, heads[-1].at - 4), heads[-1].at) % 2:
                denied_stop.add(head.at)
                heads.pop()
            else:
                continue
        counted = any(m.kind == "count" and m.last <= head.at and head.at - m.last <= 3 for m in marks)
        if heads and head.noun and heads[-1].base == head.base and counted:
            continue
        if heads and heads[-1].base == head.base and counted and head.form in {"s", "base"}:
            continue
        if waiting:
            helped.add(head.at)
        waiting = False
        heads.append(head)
    return heads, helped, denied_stop


def _selects(tokens: list[Token], head: Head, found: list[Head], n: int) -> bool:
    """Whether a helper word has a meaning of its own here: "gets up", "puts his hands up", "shows the way"."""
    last = found[n + 1].at if n + 1 < len(found) else len(tokens)
    words = {token.text for token in tokens[head.end : last]}
    for sense in SENSES[head.base]:
        if sense.light:
            continue
        if sense.rest and head.end == head.at + 1 + len(sense.rest):
            return True
        if not sense.rest and sense.near & words and not sense.far & words:
            return not (sense.verb == "raise hand" and head.base in _ARM_CARRIERS and not _arm_up(tokens, head, last))
    # "throws a ball": no action follows, and the word itself is one outside the vocabulary.
    return head.base == "throw" and n + 1 == len(found)


def _arm_up(tokens: list[Token], head: Head, last: int) -> bool:
    words = {token.text for token in tokens[head.at : last]}
    return bool(words & _ALOFT)


def _boundary(tokens: list[Token], one: Head, two: Head, marks: list[Mark]) -> int:
    """The first token of the second clause."""
    at = two.at
    kinds = {k: mark.kind for mark in marks for k in range(mark.first, mark.last)}
    gerund = two.form == "ing" and not two.noun
    k = at
    if gerund or two.form == "ed":
        # "with both arms raised", "his hands waving"
        m = at - 1
        while m >= one.end and (
            kinds.get(m) in {"part", "side", "lr"} or tokens[m].text in OWNERS | ARTICLES | {"with", "and"}
        ):
            m -= 1
        limbs = any(kinds.get(j) == "part" for j in range(m + 1, at))
        if limbs and (tokens[m + 1].text == "with" or tokens[m + 1].text in OWNERS):
            return m + 1
        if m >= one.end and tokens[at - 1].text not in _AUX:
            while k - 1 >= one.end and tokens[k - 1].text in NOT | {"without", "by"} | PRONOUNS | _AUX:
                k -= 1
            return k
    while k - 1 >= one.end and (
        tokens[k - 1].text
        in ARTICLES
        | OWNERS
        | PRONOUNS
        | PEOPLE
        | NOT
        | _AUX
        | _HELP
        | {"with", "into", "without", "by", "a", "for", "does", "do"}
        or (
            kinds.get(k - 1) in {"style", "manner", "count"}
            and (two.noun or k < at or tokens[k - 1].text.endswith("ly"))
            and not gerund
        )
        or (kinds.get(k - 1) == "lr" and two.noun)
        or (tokens[k - 1].text in {"big", "takes", "makes", "gives"})
    ):
        k -= 1
    return k


def _inner_link(tokens: list[Token], one: Clause, two: Clause, segment: Segment) -> tuple[str, bool, bool, str]:
    assert one.head is not None and two.head is not None
    lead = tokens[two.first].text if two.first < two.head.at else ""
    words = " ".join(token.text for token in tokens[two.first : two.head.at])
    if segment.opener and one is not None and (lead in PRONOUNS | OWNERS | ARTICLES) and lead != "with":
        return "comma", False, True, words
    if lead == "with":
        return "while", False, False, words
    if lead == "into" or lead in _HELP:
        return "then", False, False, words
    if "without" in words.split():
        return "without", False, False, words
    if two.head.form == "ing" and not two.head.noun:
        return "with", False, False, words
    return "then", False, False, words


def _resolve(tokens: list[Token], clause: Clause) -> None:
    """Chooses the sense of the clause's head by the words around it."""
    head = clause.head
    assert head is not None
    words = {token.text for token in tokens[clause.first : clause.last]} - {head.base}
    behind = {token.text for token in tokens[head.at + 1 : clause.last]}
    after = words if head.form == "ed" or head.noun else behind
    if head.base in {"go", "come", "rise", "shoot", "fly"} and words & HANDS and words & _ALOFT:
        clause.sense = Sense("raise hand")
        return
    if head.base == "swing" and words & HANDS and {"side", "sides"} & words:
        clause.sense = Sense("wave")
        return
    for sense in SENSES.get(head.base, ()):
        if sense.light:
            continue
        if sense.rest and (
            head.end != head.at + 1 + len(sense.rest)
            or not all(same_word(t.text, r) for t, r in zip(tokens[head.at + 1 : head.end], sense.rest))
        ):
            continue
        if sense.near and not sense.near & (words if sense.verb not in {"raise hand"} else after):
            continue
        if sense.far & behind:
            continue
        if sense.verb == "raise hand" and sense.near and head.base not in {"raise", "lift"} and not after & _ALOFT:
            continue
        if sense.verb == "raise hand" and (after & LEGS) and not (after & HANDS):
            continue
        clause.sense, clause.sure = sense, sense.sure
        return
    clause.near = candidates(head.base)
    if clause.near and clause.near[0][1] >= 0.5:
        clause.sense, clause.sure = Sense(clause.near[0][0]), clause.near[0][1]
    else:
        clause.sure = 0.0
