"""`headline`: the few figures of a bench that go into the card of the weights that were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from motion.prior.metrics import Estimate

if TYPE_CHECKING:
    from motion.prior.evaluate import Report

#: Kind of weights → its row in the main table, in the tables of keys and of gaps, and in that of prompts.
_ROWS: dict[str, tuple[str, str, str, str]] = {
    "prior": ("prior", "prior, words + keys", "prior, no words", "prior (words and plan)"),
    "inbetween": ("", "in-betweener", "in-betweener", ""),
    "gpt": ("token GPT", "", "", "token GPT"),
}
#: Columns of the main table that are told as they are, and those told as a share of the Real row's.
_PLAIN = ("KID/Real", "copy", "skate", "jerk/data")
_SHARES = {"R@3": "R@3 / Real", "contact": "contact / Real"}


def headline(report: Report, kind: str) -> dict[str, dict[str, float]]:
    """What a report says of weights of one kind: split, or what is asked → measure → value. Empty: nothing.

    Args:
        report: of `motion.prior.evaluate.run`.
        kind: a name in `motion.prior.weights.KINDS`.
    """
    if kind not in _ROWS:
        return {}
    main, keyed, gapped, prompted = _ROWS[kind]
    found: dict[str, dict[str, float]] = {}

    def tell(place: str, measure: str, value: Estimate | None) -> None:
        if value is not None:
            found.setdefault(place, {})[measure] = round(float(value.value), 4)

    for split, rows in report.scores.items():
        for column, name in _SHARES.items() if main in rows else ():
            mine, real = rows[main].get(column), rows["Real"].get(column)
            if mine is not None and real is not None and real.value:
                tell(split, name, Estimate(mine.value / real.value, 0.0, 0.0, mine.count))
        for column in _PLAIN if main in rows else ():
            tell(split, column, rows[main].get(column))
        if main in rows:
            tell(split, "skate of data", rows["Real"].get("skate"))
    for table in report.tables:
        title, _, split = table.title.rpartition(", ")
        cells = table.rows
        if title.startswith("5 keys"):
            for column in ("key cm", "jerk at keys/data"):
                tell(split, column, cells.get(keyed, {}).get(column))
            if kind == "prior":
                tell(split, "path cm", cells.get("prior, words + path", {}).get("path cm"))
        elif title == "gaps":
            for gap in (15, 30):
                tell(split, f"L2P / interpolation, gap {gap}", cells.get(gapped, {}).get(f"ratio {gap}"))
        elif table.title.startswith("seams") and kind == "prior":
            tell("long clips", "seam jerk / inside jerk", cells["prior"].get("seam/inside"))
        elif table.title == "frozen prompts" and prompted in cells:
            sided = cells[prompted]["side, direction, hands"]
            tell("frozen prompts", "side, direction, hands right", sided)
            tell("frozen prompts", "Wilson lower bound", Estimate(sided.low, 0.0, 0.0, sided.count))
    return found
