"""Whom a sentence of camera work is about: names, roles, what somebody does, "both", "everyone", "her"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from motion.errors import BadInput, did_you_mean
from motion.words.forms import words_of
from rl_camera.words_moves import forms

#: Words before which a name is a name, even when it is a word of camera work too.
BEFORE_NAMES = words_of("on of at to with and around round toward towards past behind over onto for in from")


def name_words(name: str) -> tuple[str, ...]:
    """A performer's name as a person would say it: ``red_dancer`` is "red dancer"."""
    return tuple(name.lower().replace("_", " ").replace("-", " ").split())


def doer(verb: str) -> str:
    """Who does this: dance makes dancer, run makes runner."""
    if verb.endswith("y") and verb[-2:-1] not in ("", *"aeiou"):
        return f"{verb[:-1]}ier"
    return f"{verb}r" if verb.endswith("e") else f"{forms(verb)[2][:-3]}er"


class People:
    """The cast as a sentence speaks of it.

    Args:
        cast: performers' names in order.
        roles: what else each of them is called: "bride", "runner".
        deeds: verbs of what each of them does: "dance" makes "the dancer" known.
    """

    def __init__(
        self, cast: Sequence[str], roles: Mapping[str, Iterable[str]], deeds: Mapping[str, Iterable[str]]
    ) -> None:
        self.cast = tuple(cast)
        self.names: dict[tuple[str, ...], str] = {name_words(name): name for name in cast}
        self.roles: dict[str, list[str]] = {}
        self.many: set[str] = set()  # plurals
        self.deeds: set[str] = set()  # forms of the verbs, which may be said and change nothing: "as she dances"
        for name in self.cast:
            called = [role.lower() for role in roles.get(name, ())]
            for verb in deeds.get(name, ()):
                self.deeds.update(forms(verb.lower()))
                called.append(doer(verb.lower()))
            for word in called:
                self.many.add(f"{word}s")
                for form in (word, f"{word}s"):
                    if name not in self.roles.setdefault(form, []):
                        self.roles[form].append(name)

    @property
    def known(self) -> str:
        """The names, for an error."""
        return ", ".join(self.cast)

    def by_role(self, word: str) -> tuple[str, ...]:
        """Who is called so; nobody: ()."""
        found = self.roles.get(word, [])
        if len(found) > 1 and word not in self.many:
            raise BadInput(f"who is '{word}': {' or '.join(found)}? Say the name")
        return tuple(found)

    def group(self, kind: str, word: str, before: tuple[str, ...]) -> tuple[str, ...]:
        """Who "both", "everyone", "the other", "her" or "them" is, after a shot of ``before``.

        Raises:
            BadInput: nobody, or it cannot be said who.
        """
        cast = self.cast
        if kind == "everyone":
            return cast
        if kind == "both":
            if len(before) == 2:
                return before
            if len(cast) == 2:
                return cast
            if len(cast) < 2:
                raise BadInput(f"'{word}' needs two performers, the cast is {self.known or 'empty'}")
            raise BadInput(f"which two is '{word}'? Say two names of {self.known}")
        if kind == "other":
            rest = [name for name in cast if name not in before]
            if not before or len(rest) != 1:
                raise BadInput(f"who is 'the {word}'? Say a name: {self.known}")
            return tuple(rest)
        if kind == "they":
            return before or cast
        if kind == "nobody":
            raise BadInput(f"a shot of nobody ('{word}'), expected one performer or more: {self.known}")
        if len(before) == 1:
            return before
        if len(cast) == 1:
            return cast
        raise BadInput(f"who is '{word}'? Say a name: {self.known}")

    def unknown(self, word: str) -> BadInput:
        """The error for somebody who is not there."""
        hint = did_you_mean(word, [*self.cast, *(w for w in self.roles)])
        known = f"; known: {self.known}" if "did you mean" in hint else ""
        return BadInput(f"nobody is called '{word}'{hint}{known}")
