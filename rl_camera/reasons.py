"""`Reason`: why a shot was chosen, in the terms of its score, and what was second best; made to be read by people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rl_camera.editing import ABOUT, CUT_TERMS, SHOT_TERMS

#: A cost below this, in seconds of a perfect picture, is not worth a word.
WORTH_SAYING = 0.05


@dataclass(frozen=True)
class Choice:
    """A camera in the place of one shot, with what it scores there."""

    name: str  # "medium of mia from the front left"
    terms: Mapping[str, float]  # shot terms: mean over the shot, 0..1; terms of its first cut, of its length: 0 is good
    value: float  # of the whole edit that has it there, seconds of a perfect picture


@dataclass(frozen=True)
class Reason:
    """Why one shot of an edit is as it is."""

    start_s: float
    end_s: float
    chosen: Choice
    weights: Mapping[str, float]  # seconds of a perfect picture that each term counts
    second: Choice | None = None  # the best edit with another camera there; None: there is no other
    notes: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """How long the shot lasts."""
        return self.end_s - self.start_s

    @property
    def margin(self) -> float | None:
        """By how much the chosen edit is better than the second best, seconds of a perfect picture; never below 0."""
        return None if self.second is None else max(0.0, self.chosen.value - self.second.value)

    @property
    def faults(self) -> dict[str, float]:
        """What the shot's first cut and its length cost, by term, in seconds of a perfect picture."""
        every = (*CUT_TERMS, "rhythm", "beat")
        return {n: self.weights[n] * self.chosen.terms[n] for n in every if n in self.chosen.terms}

    def lines(self) -> tuple[str, ...]:
        """Two or three lines to read.

        The shot terms come first that speak for the shot against the second best, then those that weigh most.
        """
        out = [f"{self.chosen.name}, {self.seconds:.1f} s: {_percents(self.chosen, self._telling(3))}"]
        costs = sorted(((c, n) for n, c in self.faults.items() if c >= WORTH_SAYING), reverse=True)
        if costs:
            out.append("against it: " + ", ".join(f"{ABOUT[n]} ({-c:.2f})" for c, n in costs))
        if self.second is not None:
            own = self._telling(2, of=self.second)
            out.append(f"second: {self.second.name} ({-(self.margin or 0.0):.2f}): {_percents(self.second, own)}")
        return (*out, *self.notes)

    def _telling(self, count: int, of: Choice | None = None) -> list[str]:
        """The shot terms that tell most about the chosen shot, or about the other against it."""

        def gain(name: str) -> float:
            other = self.chosen if of is not None else self.second
            mine = (of or self.chosen).terms[name]
            lead = abs(mine - other.terms[name]) if of is not None and other else 0.0
            if of is None:
                lead = mine - other.terms[name] if other else 0.0
            return self.weights[name] * (lead + 0.3 * mine)

        return sorted(SHOT_TERMS, key=gain, reverse=True)[:count]


def _percents(choice: Choice, names: list[str]) -> str:
    return ", ".join(f"{ABOUT[n]} {100.0 * choice.terms[n]:.0f} %" for n in names)
