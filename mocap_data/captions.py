"""Sentences for windows of motion: a grammar over what was measured; every part that is said is true of the window.

`Fact` is what may be said; `captions` says it in several ways, from three words to everything. The phrases are data
(`VERBS`, `STYLES`, …) so that the vocabulary can grow without code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mocap_data.caption_words import (
    AROUND,
    CIRCLES,
    DIRECTIONS,
    HASTY,
    LEISURELY,
    MANNERS,
    NUMBERS,
    OF_MANNER,
    STYLES,
    SUBJECTS,
    THIRD,
    TIMES,
    TURNED,
    TURNS,
    VERBS,
    Phrase,
)
from motion.corpus import Label

_OTHER = {"left": "right", "right": "left"}
_SIDE = re.compile(r"\b(left|right)(wards?|hand|ward)?\b", re.IGNORECASE)
#: Verbs whose count is of repetitions, and those whose count is of steps.
STEPPING = frozenset({"walk", "run", "jog", "dash", "sneak", "step", "turn"})
GOING = STEPPING | {"crawl", "dribble", "turn"}
_WAYS = GOING | {"jump", "hop"}


@dataclass(frozen=True)
class Fact:
    """What is true of a window, ready to be said."""

    label: Label
    going: str = ""  # way of travel: "forward", "backward", "left", "right", "in place"
    turn: str = ""  # "turn left", "turn right", "turn around"
    distance_m: float = 0.0  # 0: not worth saying
    seconds: float = 0.0
    count: int = 0  # steps or repetitions; 0: not said
    circle: bool = False  # the turn is most of a circle or more
    held: bool = False  # hands are up already and stay up
    sentences: tuple[str, ...] = ()  # what people wrote, true of this window


def mirrored(text: str) -> str:
    """The same sentence about the mirror image: left and right exchanged, as words and inside "leftwards".

    >>> mirrored("Turns left, right hand up, leftwards")
    'Turns right, left hand up, rightwards'
    """

    def other(match: re.Match[str]) -> str:
        side = match.group(1)
        swapped = _OTHER[side.lower()]
        if side.isupper():
            swapped = swapped.upper()
        elif side[0].isupper():
            swapped = swapped.capitalize()
        return swapped + (match.group(2) or "")

    return _SIDE.sub(other, text)


def mirrored_label(label: Label) -> Label:
    """The label of the mirror image."""
    side = _OTHER.get(label.side, label.side)
    return replace(label, side=side, direction=mirrored(label.direction))


def captions(fact: Fact, rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """Up to ``count`` different sentences about a window, bare ones and full ones; none where nothing is known."""
    out: list[str] = list(fact.sentences[: max(1, count // 2)])
    phrases = VERBS.get(fact.label.verb)
    for i in range(4 * count) if phrases else ():
        if len(out) >= count:
            break
        # The first says the bare action, the second everything, the others something between.
        fullness = (0.25, 1.0, 0.6, 0.8, 0.45, 0.7)[i % 6]
        sentence = say(fact, rng, fullness)
        if sentence not in out:
            out.append(sentence)
    return tuple(out)


def say(fact: Fact, rng: np.random.Generator, fullness: float) -> str:
    """One sentence; ``fullness`` is the chance that each thing known is said."""
    label = fact.label

    def chosen(options: Sequence[str]) -> str:
        return options[int(rng.integers(len(options)))]

    def heads(chance: float = fullness) -> bool:
        return bool(rng.random() < chance)

    phrase = _phrase(fact, rng)
    imperative = heads(0.35)
    subject, adverb, adjective = chosen(SUBJECTS), "", ""
    if label.style in STYLES and heads(0.25 + 0.75 * fullness if label.style != "normal" else 0.3 * fullness):
        style = STYLES[label.style]
        if imperative or not style.adjectives or heads(0.5):
            adverb = chosen(style.adverbs)
        else:
            adjective = chosen(style.adjectives)
    tail: list[str] = []
    if label.verb == "turn":
        tail.append(chosen(TURNED[label.direction]))
    elif fact.turn and (label.direction == fact.turn) and heads(0.35 + 0.65 * fullness):
        kinds = CIRCLES if fact.circle else TURNS
        turns = chosen(AROUND if fact.turn == "turn around" else kinds[fact.turn])
        tail.append(turns.replace("{s}", "" if imperative else "s"))
        if fact.going == "forward" and heads(0.4 * fullness):
            tail.insert(0, chosen(DIRECTIONS["forward"]))
    elif label.verb in _WAYS and fact.going in DIRECTIONS and not fact.turn:
        always = fact.going != "forward"
        if (always and heads(0.4 + 0.6 * fullness)) or heads(0.7 * fullness):
            tail.append(chosen(DIRECTIONS[fact.going]))
    manner = chosen(MANNERS[label.manner]) if label.manner in MANNERS and heads(0.3 + 0.7 * fullness) else ""
    counted = ""
    if fact.count and "step" not in phrase.rest and heads(0.8 * fullness):
        counted = _counted(fact, chosen, imperative)
    extra = ""
    if fact.distance_m >= 0.8 and not counted and heads(0.35 * fullness):
        extra = _distance(fact.distance_m, chosen)
    elif fact.seconds and heads(0.15 * fullness):
        extra = _lasting(fact.seconds, chosen)
    verb = phrase.base if imperative else _third(phrase)
    words = [verb, _sided(phrase.rest, label.side, chosen, "their" if imperative else _whose(subject))]
    if counted.startswith("#"):  # "takes three steps forward" stands for the verb
        words = [counted[1:]]
        counted = ""
    order = [*words, *tail, counted]
    for word in (manner, adverb):
        if word:
            order.insert(1 if heads(0.25) and not words[-1] else len(order), word)
    order.append(extra)
    body = _tidy(" ".join(w for w in order if w))
    if imperative:
        return body
    who = subject.replace("{}", f"{adjective} " if adjective else "")
    return _tidy(_article(who) + " " + body)


def _phrase(fact: Fact, rng: np.random.Generator) -> Phrase:
    label = fact.label
    options = VERBS[label.verb]
    if fact.held and label.verb == "raise hand":
        options = VERBS["hold hand up"]
    elif label.verb == "flip" and label.direction == "backward":
        options = VERBS["backflip"]
    elif label.verb == "flip" and label.direction in ("left", "right"):
        options = VERBS["sideflip"]
    elif label.verb == "step" and fact.count != 1:
        options = tuple(p for p in options if "step" not in p.rest)
    options = (*options, *OF_MANNER.get((label.verb, label.manner), ()))
    hasty = label.manner == "fast"
    if label.manner in ("slow", "fast") or label.style in ("tired", "old"):
        # "sprints slowly" and "strolls quickly" contradict themselves.
        options = tuple(p for p in options if p.base not in (LEISURELY if hasty else HASTY))
    weights = np.array([p.weight for p in options])
    return options[int(rng.choice(len(options), p=weights / weights.sum()))]


def _third(phrase: Phrase) -> str:
    """Third person of the phrase's first word: "put up" to "puts up"."""
    first, _, rest = phrase.base.partition(" ")
    known = THIRD.get(first)
    if known is None:
        if first.endswith(("s", "sh", "ch", "x", "z", "o")):
            known = first + "es"
        elif first.endswith("y") and first[-2] not in "aeiou":
            known = first[:-1] + "ies"
        else:
            known = first + "s"
    return f"{known} {rest}" if rest else known


def _whose(subject: str) -> str:
    return {"man": "his", "he": "his", "woman": "her", "she": "her"}.get(subject.replace("{}", "").split()[-1], "their")


def _sided(rest: str, side: str, chosen: object, whose: str) -> str:
    """Fill "{hand}" by the side: "the left hand", "both arms", "a hand"."""
    if "{hand}" not in rest:
        return rest
    pick = chosen  # type: ignore[assignment]
    assert callable(pick)
    if side == "both":
        hands = pick(("both hands", "both arms", "the two hands", "both of the hands", "both hands"))
    elif side:
        hands = pick(
            (f"the {side} hand", f"the {side} arm", f"{whose} {side} hand", f"the {side} hand", f"{whose} {side} hand",
             f"{whose} {side} hand", f"{whose} {side} arm")
        )  # fmt: skip
    else:
        hands = pick(("a hand", "one hand", "a hand"))
    return rest.replace("{hand}", str(hands))


def _counted(fact: Fact, chosen: object, imperative: bool) -> str:
    pick = chosen
    assert callable(pick)
    n = fact.count
    if fact.label.verb in STEPPING:
        if n > 8:
            return ""
        number = NUMBERS[n] if rngless(pick) else str(n)
        steps = "step" if n == 1 else "steps"
        form = pick(("for", "take", "for"))
        if form == "take" and fact.label.verb in ("walk", "step"):
            return f"#{'take' if imperative else 'takes'} {number} {steps}"
        return f"for {number} {steps}"
    return str(TIMES[n]) if n in TIMES else f"{NUMBERS[n]} times" if n < len(NUMBERS) else ""


def rngless(pick: object) -> bool:
    """Words more often than digits."""
    assert callable(pick)
    return bool(pick((True, True, False)))


def _distance(metres: float, chosen: object) -> str:
    assert callable(chosen)
    whole = max(1, round(metres))
    number = NUMBERS[whole] if whole < len(NUMBERS) else str(whole)
    unit = "metre" if whole == 1 else "metres"
    american = "meter" if whole == 1 else "meters"
    return str(
        chosen((f"for about {number} {unit}", f"about {number} {american}", f"for {whole} m", f"{number} {unit} far"))
    )


def _lasting(seconds: float, chosen: object) -> str:
    assert callable(chosen)
    whole = max(1, round(seconds))
    number = NUMBERS[whole] if whole < len(NUMBERS) else str(whole)
    unit = "second" if whole == 1 else "seconds"
    return str(chosen((f"for {number} {unit}", f"for about {number} {unit}", f"for {whole} s")))


def _article(who: str) -> str:
    """ "a old man" to "an old man"."""
    return re.sub(r"^a (?=[aeiou])", "an ", who)


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace(" ,", ",").strip(" ,")
