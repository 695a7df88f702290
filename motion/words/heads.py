"""Words that name an action: which ones they are among nouns, names and helpers."""

from __future__ import annotations

from dataclasses import dataclass

from motion.words.forms import Token, base_forms, words_of
from motion.words.marks import ARTICLES, OWNERS, PEOPLE, PRONOUNS, Mark
from motion.words.slots import PART_WORDS
from motion.words.verbs import HANDS, HEADS, KIN, NAMED_BY_GERUND, SENSES, THINGS

_POSTURE = frozenset(["lie", "lay"])
_ARM_CARRIERS = words_of("raise lift put throw stretch fling thrust shoot bring hold extend reach point stick")


@dataclass
class Head:
    """A word that names an action."""

    at: int
    end: int  # after the words that belong to it
    base: str
    form: str  # base, s, ed, ing
    noun: bool = False  # stands like a noun: "a low kick"
    left_the_room: bool = False  # "left" as a form of "leave"


def heads_of(tokens: list[Token], first: int, last: int, marks: list[Mark]) -> list[Head]:
    """Head words among tokens ``first`` to ``last``, helpers included."""
    covered = {
        k for mark in marks if mark.kind not in {"part", "lr", "back", "around"} for k in range(mark.first, mark.last)
    }
    out: list[Head] = []
    i = first
    while i < last:
        head = None if i in covered else _head_at(tokens, i, first, last, out, covered)
        if head is None:
            i += 1
            continue
        out.append(head)
        i = max(head.end, i + 1)
    return out


def _head_at(tokens: list[Token], i: int, first: int, last: int, before: list[Head], covered: set[int]) -> Head | None:
    word = tokens[i].text
    if not tokens[i].is_word:
        return None
    if word == "left":
        leaves = _leaves(tokens, i, first, last, before)
        return Head(i, i + 1, "leave", "ed", left_the_room=True) if leaves else None
    best: Head | None = None
    for base, form in base_forms(word, HEADS):
        end = i + 1
        fits = base in KIN
        for sense in SENSES.get(base, ()):
            if not sense.rest:
                fits = True
                break
            k = i + 1 + len(sense.rest)
            if k <= last and all(same_word(token.text, rest) for token, rest in zip(tokens[i + 1 : k], sense.rest)):
                if covered & set(range(i + 1, k)) and sense.light:
                    continue
                end, fits = k, True
                break
        if fits and (best is None or end > best.end):
            best = Head(i, end, base, form)
    if best is None:
        return None
    previous = tokens[i - 1].text if i > first else ""
    follows = tokens[i + 1].text if i + 1 < last else ""
    # Adjectives and numbers between the article and the noun.
    k = i - 1
    while k >= first and (
        k in covered
        or tokens[k].text in {"big", "little", "small", "left", "right", "single", "nice", "good", "second"}
    ):
        k -= 1
    lead = tokens[k].text if k >= first else ""
    nounish = best.form in {"base", "s", "ing"} and (
        lead in ARTICLES | (OWNERS - {"it"}) | {"of", "with", "into", "in"}
        or (lead in {"for", "from"} and best.form == "base")
        or (k < i - 1 and tokens[i - 1].is_number)
        or (k < i - 1 and lead in {"", "does", "takes", "gives"} and k >= 0)
    )
    best.noun = nounish
    compound = best.end > i + 1
    if best.base in HANDS and before and before[-1].base in _ARM_CARRIERS | {"get", "have"}:
        return None
    if best.base == "back" and previous not in PRONOUNS | PEOPLE | {"", "to", "then", "slowly", "quickly", "is"}:
        return None
    if previous in {"like", "a"} and word in PEOPLE:
        return None
    if word in PEOPLE and (nounish or best.form == "base") and word not in {"guard", "guide"}:
        return None
    if best.base in THINGS and not compound and nounish and not _asks(before):
        return None
    if (
        best.base in THINGS
        and not compound
        and lead in {"of", "with", "into", "in", "the"}
        and nounish
        and best.base != "stop"
    ):
        return None
    if best.base in {"face", "head", "circle", "box"} and (
        best.form == "base"
        and (previous not in {"to", ""} | PRONOUNS or follows in {"down", "up"})
        and not _asks(before)
    ):
        return None
    if best.base in {"face", "head"} and previous in OWNERS | {"and"} and best.form == "base":
        return None
    if best.form == "ing" and follows in NAMED_BY_GERUND:
        return None
    if best.base in {"look", "walk", "move"} and best.base == "look" and follows in {"like", "as"}:
        return None
    if best.base == "look" and i + 1 < last and (i + 1) in covered and _styled(tokens, i + 1):
        return None
    if best.base in _POSTURE and not (follows == "down" and best.base == "lie"):
        return None
    if best.base == "land" and best.form in {"ing", "s", "ed"} and not compound:
        return None
    if best.base == "spring" and nounish:
        return None
    if before and before[-1].end == i and best.form == "base" and best.base not in SENSES:
        return None  # "walk cycle"
    near_before = {token.text for token in tokens[max(first, i - 4) : i]}
    if (best.base == "step" and "with" in near_before) or (
        best.base == "pace" and best.form == "base" and near_before & {"a", "an", "at"}
    ):
        return None
    if best.base == "leave" and follows in {"hand", "hands", "arm"}:
        return None
    if (
        best.base in {"rest", "hold", "listen", "think", "breathe", "relax"}
        and best.form == "base"
        and previous in {"the", "a"}
    ):
        return None
    if best.base in {"get"} and follows in {"ready", "tired", "angry"}:
        return None
    if best.base in {"let", "need", "want", "have"} and not compound:
        best.form = "base"
    return best


def _styled(tokens: list[Token], i: int) -> bool:
    from motion.words.slots import PHRASES

    return any(PHRASES.get(tuple(t.text for t in tokens[i : i + n]), ("",))[0] == "style" for n in (1, 2))


def same_word(word: str, pattern: str) -> bool:
    if word == pattern:
        return True
    return pattern in {
        "kick",
        "dance",
        "jump",
        "step",
        "flip",
        "roll",
        "up",
        "raise",
        "box",
        "handspring",
        "somersault",
    } and ((pattern, "s") in base_forms(word, {pattern}) or (pattern, "ing") in base_forms(word, {pattern}))


def _asks(before: list[Head]) -> bool:
    """Whether a helper that asks for an action stands before, and no action yet."""
    return bool(before) and any(sense.light for sense in SENSES.get(before[-1].base, ()))


def _leaves(tokens: list[Token], i: int, first: int, last: int, before: list[Head]) -> bool:
    if i == first or before:
        return False
    previous = tokens[i - 1].text
    follows = tokens[i + 1].text if i + 1 < last else ""
    if previous not in PRONOUNS | PEOPLE | {"has", "have", "had", "just", "then"} or follows in PART_WORDS:
        return False
    return not base_forms(follows, HEADS) or follows.endswith("ing") or follows == "right"
