"""An action plan in lines for people."""

from __future__ import annotations

from motion.words.lengths import seconds_of
from motion.words.vocabulary import Action, ActionPlan


def describe(plan: ActionPlan) -> str:
    """One line for each step with its length, what was decided from which words, then the notes."""
    lines = []
    for number, step in enumerate(plan.steps, 1):
        length = max(seconds_of(action) for action in step)
        lines.append(f"{number}. {' + '.join(_one(action) for action in step)} · {length:.1f} s")
    lines.append(f"in all {plan.seconds:.1f} s")
    lines += [f"note: {note}" for note in plan.notes]
    return "\n".join(lines)


def _one(action: Action) -> str:
    label = action.label
    said = [label.verb or f"? ({action.text})"]
    if label.side:
        said.append("both sides" if label.side == "both" else f"{label.side} side")
    if label.direction:
        said.append(label.direction)
    if label.count:
        unit = {"times": "time", "steps": "step", "laps": "lap"}.get(action.unit, "time")
        said.append(f"{label.count} {unit}{'s' if label.count > 1 else ''}")
    said += [word for word in (label.manner, label.style) if word]
    if action.part:
        said.append(f"with the {action.part}")
    sure = "" if action.confidence >= 1 else f" [{action.confidence:.0%} sure]"
    return f'{", ".join(said)}{sure} ("{action.text}")'
