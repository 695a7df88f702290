"""What the figures of a bench are read against: `told`, a table beside the goals; `headline`, the figures of a card.

Both come from one list, `MEASURES`: where a figure stands in a report, and what it must and should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from typing import TYPE_CHECKING

from motion.prior.evaluate_models import CALLED
from motion.prior.evaluate_tables import (
    AT_ONCE,
    FROM_SHELL,
    FROM_WORDS,
    KEYS,
    NOTHING,
    PROMPTS,
    SEAMS,
    SIDED,
    SIDED_PROMPTS,
    aligned,
)
from motion.prior.metrics import Estimate

if TYPE_CHECKING:
    from motion.prior.evaluate import Report

Range = tuple[float, float]
#: Where figures are measured: on both held-out splits, or on something of its own.
PLACES: tuple[str, ...] = ("blocks", "combinations", "overall")
#: How well a goal is met.
LEVELS: tuple[str, ...] = ("no", "must", "aim")


@dataclass(frozen=True)
class Goal:
    """What a figure must be, and what is aimed at; ends count."""

    must: Range
    aim: Range | str  # a row of the main table: no more than it has
    needs: str = ""  # a measure whose own "must" has to be met too


@dataclass(frozen=True)
class Measure:
    """One figure of a report."""

    name: str
    table: str  # the title, up to the split; "": the main table
    column: str
    rows: Mapping[str, str]  # kind of weights → its row
    form: str
    goal: Goal | None = None
    place: str = ""  # of a card; "": the split, or the table's title
    lower: bool = False  # the lower bound instead of the value
    judged: tuple[str, ...] = field(default=("prior",))  # kinds that the goal is for; the best of them counts


def at_most(must: float, aim: float) -> Goal:
    """A figure that should be small."""
    return Goal((-inf, must), (-inf, aim))


def at_least(must: float, aim: float) -> Goal:
    """A figure that should be large."""
    return Goal((must, inf), (aim, inf))


_MAIN = {"prior": "prior", "gpt": "token GPT"}
_KEYED = {"prior": "prior, words + keys", "inbetween": "in-betweener"}
_GAPPED = {"prior": "prior, no words", "inbetween": "in-betweener"}
_ASKED = {"prior": "prior (words and plan)", "gpt": "token GPT"}
_PRIOR, _GPT = {"prior": "prior"}, {"gpt": "token GPT"}

#: What the models were made to reach: "must", and what is aimed at.
MEASURES: tuple[Measure, ...] = (
    Measure("R@3 / Real", "", "R@3/Real", _MAIN, ".2f", at_least(0.80, 0.95)),
    Measure("KID / Real", "", "KID/Real", _MAIN, ".1f", at_most(4.0, 2.0)),
    Measure("copies", "", "copy", _MAIN, ".0%", Goal((-inf, 0.20), "Real")),
    Measure("key error, cm", KEYS, "key cm", _KEYED, ".1f", at_most(5.0, 2.0)),
    Measure("jerk at keys / data", KEYS, "jerk at keys/data", _KEYED, ".2f", at_most(1.5, 1.1)),
    Measure("path error, cm", KEYS, "path cm", {"prior": "prior, words + path"}, ".1f"),
    *(
        Measure(f"L2P / interpolation, gap {gap}", "gaps", f"ratio {gap}", _GAPPED, ".2f", goal, judged=tuple(_GAPPED))
        for gap, goal in ((15, at_most(0.60, 0.35)), (30, at_most(0.60, 0.35)))
    ),
    Measure("skate", "", "skate", _MAIN, ".1%"),
    Measure("skate - data", "", "skate-data", _MAIN, ".1%", replace(at_most(0.02, 0.0), needs="contact / Real")),
    Measure("contact / Real", "", "contact/Real", _MAIN, ".2f", at_least(0.90, 0.90)),
    Measure("jerk / data", "", "jerk/data", _MAIN, ".2f", Goal((0.8, 1.2), (0.9, 1.1))),
    Measure("seam jerk / inside jerk", SEAMS, "seam/inside", _PRIOR, ".2f", at_most(1.3, 1.0), "long clips"),
    Measure("10 s from words, s", "speed", "median s", {"prior": FROM_WORDS}, ".2f", at_most(2.0, 0.8)),
    Measure("first frame of a stream, s", "speed", "median s", {"gpt": AT_ONCE}, ".3f"),
    Measure("shell to file, 5 s, s", "speed", "median s", {"prior": FROM_SHELL}, ".2f", at_most(8.0, 4.0)),
    Measure("side, direction, hands right", PROMPTS, SIDED, _ASKED, ".0%", place=PROMPTS),
    Measure("Wilson lower bound", PROMPTS, SIDED, _ASKED, ".0%", at_least(0.80, 0.95), PROMPTS, lower=True),
    Measure("lower bound over prompts", PROMPTS, SIDED_PROMPTS, _ASKED, ".0%", place=PROMPTS, lower=True),
)


def found(report: Report, measure: Measure, kind: str) -> dict[str, Estimate]:
    """One figure of a report for one kind of weights: place → value; places are splits, or a table's title."""
    row = measure.rows.get(kind, "")
    if not measure.table:
        cells = {split: rows.get(row, {}) for split, rows in report.scores.items()}
    else:
        cells = {}
        for table in report.tables:
            title, _, split = table.title.rpartition(", ")
            if title == measure.table and split in PLACES:
                cells[split] = table.rows.get(row, {})
            elif table.title.startswith(measure.table) and split not in PLACES:
                cells[table.title] = table.rows.get(row, {})
    values = {place: some[measure.column] for place, some in cells.items() if measure.column in some}
    if measure.lower:
        values = {place: Estimate(e.low, e.low, e.low, e.count) for place, e in values.items()}
    return {place: e for place, e in values.items() if isfinite(e.value)}


def headline(report: Report, kind: str) -> dict[str, dict[str, float]]:
    """What a report says of weights of one kind, for their card: split, or what is asked → measure → value.

    Args:
        report: of `motion.prior.evaluate.run`.
        kind: a name in `motion.prior.weights.KINDS`.
    """
    told: dict[str, dict[str, float]] = {}
    for measure in MEASURES:
        for place, e in found(report, measure, kind).items():
            told.setdefault(measure.place or place, {})[measure.name] = round(float(e.value), 4)
    return told


# ---- beside the goals


@dataclass(frozen=True)
class Line:
    """One measure beside its goal, as it is printed."""

    measure: str
    cells: tuple[str, ...]  # one for each of PLACES
    must: str = ""
    aim: str = ""
    met: str = ""


def lines(report: Report) -> list[Line]:
    """Every measure that has a goal and was measured; where several kinds count, the best of them and then each."""
    out: list[Line] = []
    for measure in MEASURES:
        if measure.goal is None:
            continue
        by_kind = {kind: found(report, measure, kind) for kind in measure.judged}
        by_kind = {kind: values for kind, values in by_kind.items() if values}
        if not by_kind:
            continue
        best = _best(by_kind)
        name = f"{measure.place}: {measure.name}" if measure.place else measure.name
        name += " (the better)" if len(measure.judged) > 1 else ""
        must, aim = (_range(r, measure.form) for r in (measure.goal.must, measure.goal.aim))
        met = LEVELS[min(_level(report, measure, place, e) for place, e in best.items())]
        out.append(Line(name, _cells(best, measure.form), must, aim, met))
        if len(measure.judged) > 1:
            out += [Line(f"  {CALLED[kind]}", _cells(values, measure.form)) for kind, values in by_kind.items()]
    return out


def told(report: Report) -> str:
    """The table for people, and what of it was not measured; "" where nothing was."""
    rows = lines(report)
    if not rows:
        return ""
    head = ["measure", *PLACES, "must", "aim", "met?"]
    table = aligned([head, *([row.measure, *row.cells, row.must, row.aim, row.met] for row in rows)])
    absent = [m.name for m in MEASURES if m.goal and not any(m.name in row.measure for row in rows)]
    notes = ["met?: by the values, in every split that was measured; aim is better than must"]
    notes += [f"not measured here: {'; '.join(absent)}"] if absent else []
    return "\n".join(["goals", table, *notes])


def _best(by_kind: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """In each place the smallest value: what several kinds count for should be small."""
    best: dict[str, Estimate] = {}
    for values in by_kind.values():
        for place, e in values.items():
            if place not in best or e.value < best[place].value:
                best[place] = e
    return best


def _level(report: Report, measure: Measure, place: str, e: Estimate) -> int:
    """0: not what it must be, 1: that, 2: what is aimed at."""
    goal = measure.goal
    assert goal is not None
    for other in (m for m in MEASURES if goal.needs and m.name == goal.needs):
        needed = found(report, other, "prior").get(place)
        if needed is None or _level(report, other, place, needed) == 0:
            return 0
    aim = goal.aim
    if isinstance(aim, str):
        like = report.scores.get(place, {}).get(aim, {}).get(measure.column)
        aim = (-inf, like.value if like is not None else -inf)
    inside = [low <= e.value <= high for low, high in (goal.must, aim)]
    return 2 if all(inside) else 1 if inside[0] else 0


def _cells(values: Mapping[str, Estimate], form: str) -> tuple[str, ...]:
    """One for each of PLACES; what is no split stands under "overall"."""
    by_place = {place if place in PLACES else "overall": e for place, e in values.items()}
    return tuple(_cell(by_place.get(place), form) for place in PLACES)


def _cell(e: Estimate | None, form: str) -> str:
    if e is None:
        return NOTHING
    value = format(e.value, form)
    if not isfinite(e.low) or e.low == e.high:
        return value
    return f"{value} ({format(e.low, form)}…{format(e.high, form)})"


def _range(wanted: Range | str, form: str) -> str:
    if isinstance(wanted, str):
        return f"{wanted}'s own"
    low, high = wanted
    if low == -inf:
        return f"≤ {format(high, form)}"
    return f"≥ {format(low, form)}" if high == inf else f"{format(low, form)}…{format(high, form)}"
