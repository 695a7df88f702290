"""One pass over the words of a sentence: finds its clauses and what each says, and collects what was not understood."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

from motion.errors import BadInput, did_you_mean
from rl_camera.words_moves import Term
from rl_camera.words_people import BEFORE_NAMES, People
from rl_camera.words_phrases import (
    EVEN,
    FILLER,
    GLUE,
    NOT,
    PACES,
    SMOOTH,
    STRONGER,
    UNSUPPORTED,
    longest,
    phrases,
    suggestions,
)
from rl_camera.words_settle import DENIED, Clause, Described, Settled
from rl_camera.words_tokens import Quantity, Token


def _owner(word: str) -> str:
    """A name without its possessive."""
    return word.removesuffix("'s").removesuffix("'")


def _near(word: str, known: Iterable[str], cutoff: float) -> str:
    """ "; did you mean …", only when something is really near."""
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=cutoff)
    return did_you_mean(word, near) if near else ""


class Reading:
    """One pass over the tokens; finds clauses, then settles each."""

    def __init__(self, tokens: list[Token], people: People) -> None:
        self.tokens, self.people = tokens, people
        self.clauses = [Clause()]
        self.ignored: list[str] = []
        self.troubles: list[str] = []
        self.one_take = self.all_beats = False
        self.denied = 0  # tokens for which a "no" still holds
        self.foreign = 0  # words that are near none that is known

    # ---- tokens to terms

    def read(self) -> None:
        """Go through all tokens."""
        k = 0
        while k < len(self.tokens):
            k += self._quantity(k) if isinstance(self.tokens[k], Quantity) else self._words(k)
            self.denied = max(0, self.denied - 1)
        if self.troubles:
            told = list(dict.fromkeys(self.troubles))
            more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
            english = " (camera words are English)" if self.foreign > 1 and 2 * self.foreign > len(self.tokens) else ""
            raise BadInput("; ".join(told[:3]) + more + english)

    def _at(self, k: int) -> str:
        token = self.tokens[k] if 0 <= k < len(self.tokens) else ""
        return token if isinstance(token, str) else ""

    def _words(self, k: int) -> int:
        """Take the longest thing that begins here; returns how many tokens it has."""
        now, word = self.clauses[-1], self._at(k)
        taken = self._name(k)
        if taken:
            return taken
        if word == "after" and k + 1 < len(self.tokens) and isinstance(self.tokens[k + 1], Quantity):
            return 1
        if word == "slow" and self._at(k + 1) in ("motion", "mo"):
            self._not_understood(k, word)
            return 2
        if word in PACES and not self._phrase(k, least=2):
            factor = PACES[word]
            now.pace *= factor * factor if self._at(k - 1) in STRONGER else factor
            return 1
        found = self._phrase(k)
        if found:
            size, terms = found
            self._manner_inside(k, size)
            words = " ".join(self._at(n) for n in range(k, k + size))
            for term in terms:
                self._term(term, words, self._at(k - 1) in ("to", "into", "onto"))
            if self.denied and any(t.kind not in ("who", "split") for t in terms):
                self.denied = 0  # a "no" denies one thing
            return size
        if word in NOT:
            self.denied = 4
        elif word == "do" and self._at(k + 1) == "not":
            self.denied = 5
            return 2
        elif word in EVEN:
            now.ease = 0.0
        elif word in SMOOTH:
            now.ease = 1.0
        elif word in FILLER:
            self.ignored.append(word)
        elif word not in GLUE and word not in STRONGER:
            self._not_understood(k, word)
        return 1

    def _phrase(self, k: int, least: int = 1) -> tuple[int, tuple[Term, ...]] | None:
        """The longest phrase that begins here; manner may stand inside: "pan slowly to the left"."""
        table, best = phrases(), None
        words: list[str] = []
        for n in range(k, min(k + longest() + 3, len(self.tokens))):
            token = self.tokens[n]
            if isinstance(token, Quantity):
                # "pan 30 degrees left": the number stands inside, unless it says from where
                if (
                    not words
                    or token.unit not in ("deg", "m", "share", "times")
                    or words[-1] in ("from", "at", "tilted")
                ):
                    break
                continue
            if words and (token in PACES or token in STRONGER or token in EVEN or token in SMOOTH or token == "camera"):
                continue
            if token == ";" and words:
                break
            words.append(token.replace("'", ""))
            if len(words) > longest():
                break
            if len(words) >= least and tuple(words) in table:
                best = (n - k + 1, table[tuple(words)])
        return best

    def _manner_inside(self, k: int, size: int) -> None:
        """Note the manner and the numbers that stand inside a phrase."""
        now = self.clauses[-1]
        for n in range(k + 1, k + size):
            token = self.tokens[n]
            if isinstance(token, Quantity):
                self._take_amount(token)
            elif token in PACES:
                now.pace *= PACES[token] ** (2 if self._at(n - 1) in STRONGER else 1)
            elif token in EVEN:
                now.ease = 0.0

    def _name(self, k: int) -> int:
        """Take a performer's name or role; returns its tokens."""
        for words, name in self.people.names.items():
            said = [self._at(k + n) for n in range(len(words))]
            said[-1] = _owner(said[-1])
            if tuple(said) != words:
                continue
            is_word = words in phrases() or (len(words) == 1 and words[0] in GLUE | set(PACES) | FILLER | NOT)
            if is_word and self._at(k - 1) not in BEFORE_NAMES:
                continue
            self._person(name, " ".join(words), k, len(words))
            return len(words)
        plain = _owner(self._at(k))
        if plain in self.people.roles and ((plain,) not in phrases() or self._at(k - 1) in BEFORE_NAMES):
            try:
                for name in self.people.by_role(plain):
                    self._person(name, plain, k, 1)
            except BadInput as error:
                self.troubles.append(str(error))
            return 1
        if plain in self.people.deeds and not self._phrase(k):
            self.ignored.append(plain)
            return 1
        return 0

    def _person(self, name: str, words: str, k: int, size: int) -> None:
        """Note a performer; "over ben's shoulder" he is whom the camera looks past, and not the first subject."""
        if self.denied:
            self.troubles.append(f"'not {words}' says who is not to be seen; say who is")
        after, shoulder = self._at(k + size), ("shoulder", "shoulders")
        past = self._at(k - 1) in ("over", "past") and after in shoulder
        if past:
            self.tokens[k + size] = ","  # taken
        past = past or (self._at(k - 1) == "of" and self._at(k - 2) in shoulder)
        self.clauses[-1].terms.append((Term("past" if past else "name", name), words, False))
        if past:
            self.clauses[-1].terms.append((Term("view", "over_the_shoulder"), "over the shoulder", False))

    def _term(self, term: Term, words: str, to: bool) -> None:
        now = self.clauses[-1]
        if term.kind == "split":
            if self.denied:
                return
            if term.value != "cut" and now.only_denied:
                return  # "no zoom; medium": one shot
            if not now.empty:
                self.clauses.append(Clause(cut=term.value == "cut"))
            elif term.value == "cut":
                now.cut = True
        elif term.kind == "one_take":
            self.one_take = True
        elif term.kind == "beat":
            self.all_beats |= now.empty and len(self.clauses) == 1
            now.beat = True
        elif term.kind == "pace":
            now.pace *= term.number
        elif self.denied and term.kind in ("move", "handheld"):
            now.terms.append((DENIED, words, False))
        elif self.denied and term.kind == "who":
            if term.value not in ("pronoun", "they"):
                self.troubles.append(f"'not {words}' says who is not to be seen; say who is")
        elif self.denied and term.kind in ("size", "angle", "view", "position"):
            self.troubles.append(f"'no {words}' says what is not to be seen; say what is")
        elif not (self.denied and term.kind in ("sign", "turn")):
            now.terms.append((term, words, to))

    # ---- numbers

    def _quantity(self, k: int) -> int:
        said = self.tokens[k]
        assert isinstance(said, Quantity)
        now, before = self.clauses[-1], self._at(k - 1)
        if said.unit == "s":
            later = self._at(k + 1) == "later"
            if before == "after" or later:
                self._after(said)
                return 2 if later else 1
            if now.seconds is not None:
                self.troubles.append(f"one shot is said to last {now.seconds:g} s and {said.value:g} s")
            now.seconds = said.value
            if said.value <= 0:
                self.troubles.append(f"a shot of {said.value:g} s, expected more")
        elif said.unit == "mm":
            now.terms.append((Term("lens", number=said.value), str(said), False))
        elif said.unit == "f":
            now.terms.append((Term("f_stop", number=said.value), str(said), False))
        elif said.unit == "deg":
            return self._degrees(k, said)
        elif said.unit:
            self._take_amount(said)
        else:
            ahead = self._at(k + 1)
            self.troubles.append(
                f"{said.value:g} of what? Numbers need a unit: 85 mm, f/2.8, 3 seconds, 30 degrees, 2 m, 40 %"
                + (f" ('{ahead}' is none)" if ahead.isalpha() and ahead not in GLUE else "")
            )
        return 1

    def _after(self, said: Quantity) -> None:
        """ "After two seconds": the shot before lasts so long, and the next begins."""
        now = self.clauses[-1]
        if now.empty and len(self.clauses) > 1:
            before = self.clauses[-2]
        elif now.empty:
            self.troubles.append(f"after {said.value:g} s of what? Say the first shot before it")
            return
        else:
            before = now
            self.clauses.append(Clause())
        if before.seconds is None:
            before.seconds = said.value

    def _degrees(self, k: int, said: Quantity) -> int:
        now, before = self.clauses[-1], self._at(k - 1)
        n = k + 1
        while self._at(n) in ("to", "from", "off", "of", "her", "his", "their", "its", "subject's", "angle"):
            n += 1
        where = self._at(n)
        per = self._at(k + 1) in ("per", "every") and self._at(k + 2) in ("second", "s")
        if per or self._at(k + 1) in ("second", "/s"):
            now.terms.append((Term("director", "orbit"), "degrees a second", False))
            now.terms.append((Term("option", "speed_deg", said.value), str(said), False))
            return 3 if per else 2
        if before in ("tilted", "slanted", "canted", "dutch", "rolled", "roll") or where in (
            "roll",
            "dutch",
            "cant",
            "slant",
        ):
            now.terms.append((Term("option", "roll_deg", said.value), str(said), False))
            return (n - k + 1) if where in ("roll", "dutch", "cant", "slant") else 1
        signs = {"left": ("azimuth_deg", 1.0), "right": ("azimuth_deg", -1.0), "above": ("elevation_deg", 1.0),
                 "below": ("elevation_deg", -1.0), "up": ("elevation_deg", 1.0), "down": ("elevation_deg", -1.0),
                 "high": ("elevation_deg", 1.0), "low": ("elevation_deg", -1.0)}  # fmt: skip
        if where in signs and (
            before in ("from", "at") or where in ("above", "below") or self._at(n - 1) in ("her", "his", "their")
        ):
            name, sign = signs[where]
            now.terms.append((Term("option", name, sign * said.value), str(said), False))
            return n - k + 1
        if before in ("from", "at"):
            self.troubles.append(f"from {said.value:g} degrees where? Say left, right, above or below")
            return 1
        self._take_amount(said)
        return 1

    def _take_amount(self, said: Quantity) -> None:
        now = self.clauses[-1]
        if now.amount is not None and now.amount != said:
            self.troubles.append(f"one move is to go {now.amount} and {said}")
        now.amount = said

    # ---- what was not understood

    def _not_understood(self, k: int, word: str) -> None:
        if word in UNSUPPORTED:
            self.troubles.append(f"'{word}': {UNSUPPORTED[word]}")
            return
        people = [*self.people.cast, *self.people.roles]
        of_someone = self._at(k - 1) in BEFORE_NAMES and bool(people)
        near = _near(word, suggestions(), 0.85 if of_someone else 0.75)
        if of_someone and not near:
            self.troubles.append(str(self.people.unknown(word)))
        else:
            near = near or _near(word, people, 0.75)
            self.troubles.append(f"'{word}' is not a word of camera work{near}")
        self.foreign += not near

    # ---- clauses to shots

    def shots(self, of: tuple[str, ...]) -> tuple[Described, ...]:
        """The shots of all clauses, of ``of`` where nobody is named."""
        clauses = [c for c in self.clauses if not c.empty]
        if not clauses:
            raise BadInput("camera words: no shot is described, expected words such as 'wide', 'push in', 'low angle'")
        beat = any(c.beat for c in self.clauses if c.empty) or self.all_beats
        shots: list[Described] = []
        first = Described(of) if of else None
        for clause in clauses:
            shots.append(Settled(clause, shots[-1] if shots else first, self.people).shot())
            if beat or clause.beat:
                shots[-1] = replace(shots[-1], beat=True)
            if self.one_take:
                shots[-1] = replace(shots[-1], cut=False)
        return tuple(shots)
