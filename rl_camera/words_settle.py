"""One clause of a sentence as a shot: what its terms say together, and what it takes from the shot before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from motion.camera import Shot
from motion.errors import BadInput
from rl_camera.vocabulary import ANGLES, MOVES, SIZES, Move
from rl_camera.words_moves import Term
from rl_camera.words_people import People
from rl_camera.words_tokens import Quantity


@dataclass(frozen=True)
class Described:
    """One shot as it was said; None and empty: the sentence leaves it open."""

    of: tuple[str, ...] = ()  # performers, the first matters most
    size: str | None = None
    angle: str | None = None
    view: str | None = None
    move: str | None = None
    position: str | None = None
    lens_mm: float | None = None
    f_stop: float | None = None
    director: str | None = None
    options: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None  # how long it is said to last
    cut: bool = False  # a cut was asked for before it, in so many words
    beat: bool = False  # its cut is to fall on a beat of the music


#: What "no zoom" says: if nothing else moves, the camera stands.
DENIED = Term("move", "static", -1.0, weak=True)

_LADDER = [str(size) for size in SIZES]
_ONE_OF = {"size": "shot size", "angle": "camera angle", "view": "view", "position": "position", "move": "move",
           "director": "director"}  # fmt: skip


@dataclass
class Clause:
    """What is being said of one shot."""

    cut: bool = False
    terms: list[tuple[Term, str, bool]] = field(default_factory=list)  # term, its words, whether "to" stands before it
    pace: float = 1.0
    ease: float | None = None
    amount: Quantity | None = None
    seconds: float | None = None
    beat: bool = False

    @property
    def only_denied(self) -> bool:
        """Whether nothing is said but what is not to happen."""
        return bool(self.terms) and all(term == DENIED for term, _, _ in self.terms)

    @property
    def empty(self) -> bool:
        return (
            not self.terms and self.amount is None and self.seconds is None and self.pace == 1.0 and self.ease is None
        )


class Settled:
    """Makes one shot of a clause, given the shot before it."""

    def __init__(self, clause: Clause, before: Described | None, people: People) -> None:
        self.clause, self.before, self.people = clause, before, people

    def shot(self) -> Described:
        """The shot.

        Raises:
            BadInput: it is asked for two things of one kind, or for a number that its move does not take.
        """
        clause, before = self.clause, self.before
        said = {kind: self._one(kind) for kind in ("angle", "view", "position", "director")}
        move = self._one("move")
        options = {t.value: t.number for t, _, _ in clause.terms if t.kind == "option"}
        size = self._size(move, options)
        if move is None and "amount" in options:
            move = "push_in" if options["amount"] > 0 else "pull_out"
            options["amount"] = abs(options["amount"])
        of = self._of()
        lens, stop = self._number("lens", 4.0, 600.0, " mm"), self._number("f_stop", 0.5, 64.0, "")
        goes_on = before is not None and not clause.cut and move is not None and not of
        if goes_on and size is None and not any(said.values()) and lens is None and before is not None:
            size, lens, stop = before.size, before.lens_mm, before.f_stop if stop is None else stop
            said |= {"angle": before.angle, "view": before.view, "position": before.position}
            kept = ("azimuth_deg", "elevation_deg", "roll_deg")
            options = {**{k: v for k, v in before.options.items() if k in kept}, **options}
        if not of and before is not None:
            of = before.of
        if any(t.kind == "handheld" for t, _, _ in clause.terms):
            if move is None:
                move = "handheld"
            else:
                options.setdefault("shake", 1.0)
        self._travel(move, options)
        past = tuple(t.value for t, _ in self._all("past"))
        if past:
            of = tuple(n for n in of if n not in past) or tuple(n for n in self.people.cast if n not in past)[:1]
            of = (*of[:1], *past[:1])
        return Described(
            of, size, said["angle"], said["view"], move, said["position"], lens, stop, said["director"], options,
            clause.seconds, clause.cut, clause.beat,
        )  # fmt: skip

    def _all(self, kind: str) -> list[tuple[Term, str]]:
        found = [(t, words) for t, words, _ in self.clause.terms if t.kind == kind]
        strong = [(t, words) for t, words in found if not t.weak]
        return strong or found

    def _one(self, kind: str) -> str | None:
        found = self._all(kind)
        values = list(dict.fromkeys(t.value for t, _ in found))
        if kind == "view" and len(values) == 2 and "over_the_shoulder" in values:
            values = ["over_the_shoulder"]
        if kind == "angle" and len(values) == 2 and "dutch" in values:  # a slanted horizon goes with any height
            if not any(t.value == "roll_deg" for t, _ in self._all("option")):
                slant = ANGLES["dutch"].roll_deg
                self.clause.terms.append((Term("option", "roll_deg", slant), "dutch", False))
            values.remove("dutch")
        if len(values) > 1:
            words = " and ".join(f"'{w}'" for _, w in {t.value: (t, w) for t, w in found}.values())
            raise BadInput(f"one shot, two of {_ONE_OF[kind]}: {words}; part shots with 'then'")
        return values[0] if values else None

    def _size(self, move: str | None, options: dict[str, float]) -> str | None:
        """The size that the shot begins with; a push, pull or zoom "to" another size goes as far as that needs."""
        found = [(t.value, words, to) for t, words, to in self.clause.terms if t.kind == "size" and not t.weak]
        values = list(dict.fromkeys(v for v, _, _ in found))
        steps = [t.number for t, _ in self._all("step")]
        start_before = self.before.size if self.before else None
        ends_at = next(
            (v for v, _, to in found if to and (move in _TO_SIZE or (move is None and len(values) == 2))), None
        )
        if ends_at is not None:
            first = next((v for v in values if v != ends_at), None) or start_before
            if first is None or first == ends_at:
                closer = move in ("push_in", "zoom_in", None)
                k = _LADDER.index(ends_at) + (-2 if closer else 2)
                first = _LADDER[min(max(k, 0), len(_LADDER) - 1)]
            return self._until(first, ends_at, move, options)
        if len(values) > 1:
            raise BadInput(
                f"one shot, two sizes: {' and '.join(repr(w) for _, w, _ in found)}; say 'from … to …' or 'then'"
            )
        if values:
            return values[0]
        if steps:
            k = _LADDER.index(start_before or Shot.size) + int(sum(steps))
            return _LADDER[min(max(k, 0), len(_LADDER) - 1)]
        weak = self._all("size")
        return weak[0][0].value if weak else None

    def _until(self, first: str, last: str, move: str | None, options: dict[str, float]) -> str:
        ratio = SIZES[last].frame_height / SIZES[first].frame_height
        inward = ratio < 1.0
        if move is not None and inward != (move in ("push_in", "zoom_in")):
            words = f"'{move.replace('_', ' ')}' from {first.replace('_', ' ')} to {last.replace('_', ' ')}"
            raise BadInput(f"{words} goes the other way")
        if move in ("zoom_in", "zoom_out"):
            options["amount"] = round(max(ratio, 1.0 / ratio), 4)
        else:
            options["amount"] = round(1.0 - ratio if inward else ratio - 1.0, 4)
            if move is None and not inward:
                options["amount"] *= -1.0
        return first

    def _of(self) -> tuple[str, ...]:
        before = self.before.of if self.before else ()
        names = [term.value for term, _, _ in self.clause.terms if term.kind == "name"]
        for term, words, _ in self.clause.terms:
            if term.kind != "who":
                continue
            if term.value in ("pronoun", "one", "they") and names:
                continue  # "on ada, circling her"
            if term.value == "both" and len(set(names)) == 2:
                continue
            if not self.people.cast and term.value in ("pronoun", "one", "they", "everyone"):
                continue
            names += self.people.group(term.value, words, before)
        return tuple(dict.fromkeys(names))

    def _number(self, kind: str, least: float, most: float, unit: str) -> float | None:
        values = list(dict.fromkeys(t.number for t, _ in self._all(kind)))
        what = "lens" if kind == "lens" else "f-stop"
        if len(values) > 1:
            raise BadInput(f"one shot, two of {what}: {values[0]:g}{unit} and {values[1]:g}{unit}")
        if values and not least <= values[0] <= most:
            raise BadInput(f"{what} {values[0]:g}{unit}, expected {least:g} to {most:g}")
        return values[0] if values else None

    def _travel(self, move: str | None, options: dict[str, float]) -> None:
        """What manner and numbers say of the move."""
        clause = self.clause
        sign = next((t.number for t, _ in self._all("sign")), 1.0)
        turn = next((t.number for t, _ in self._all("turn")), None)
        if clause.ease is not None:
            options["ease"] = clause.ease
        spec = MOVES[move] if move is not None else None
        if clause.amount is not None:
            if spec is None or spec.unit == "":
                raise BadInput(f"{clause.amount} of what? {'No move' if move is None else repr(move)} takes a number")
            options["amount"] = _amount(clause.amount, str(move), spec.unit)
        elif turn is not None:
            options["amount"] = turn
        if sign < 0 and spec is not None:
            options["amount"] = -options.get("amount", spec.amount)
        if clause.pace != 1.0 and move is not None and move != Move.STATIC and "amount" not in options:
            options["pace"] = round(clause.pace, 4)


_TO_SIZE = ("push_in", "pull_out", "zoom_in", "zoom_out")


def _amount(said: Quantity, move: str, unit: str) -> float:
    """A number for a move in the move's own unit.

    Raises:
        BadInput: it is of something else.
    """
    value, given = said.value, said.unit
    if given == "times" and unit == "deg":  # twice around
        return 360.0 * value
    if given == "share" and unit == "times":
        return 1.0 + value
    if given == "times" and unit == "share":
        return value - 1.0 if move == "pull_out" else 1.0 - 1.0 / max(value, 1.0)
    if given != unit:
        wanted = {"share": "a share of the distance (40 %)", "deg": "degrees", "m": "metres", "times": "times (2x)"}[
            unit
        ]
        raise BadInput(f"'{move.replace('_', ' ')}' goes by {wanted}, got {said}")
    return value
