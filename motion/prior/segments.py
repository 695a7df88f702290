"""From an action plan to segments: what is done on which frames, how long it usually takes, how far it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion.corpus import FPS, Label
from motion.errors import BadInput
from motion.prior import parts
from motion.prior.request import check_seconds
from motion.rotations import Array
from motion.text import Action, ActionPlan, seconds_of

#: Speeds over the floor in m/s where nobody says: medians of the training captures in a normal style.
PACE: dict[str, float] = {
    "walk": 1.2, "run": 2.75, "dash": 3.1, "jog": 2.6, "sneak": 0.3, "crawl": 0.4, "step": 0.6, "hop": 0.5,
    "jump": 0.3, "roll": 0.6, "cartwheel": 0.9, "dribble": 1.3, "climb": 0.3, "vault": 1.5, "kick ball": 0.8,
}  # fmt: skip
#: How manners and styles change it: ratios of medians of the same captures; those of short and long steps by eye.
_MANNER = {"slow": 0.75, "fast": 1.35, "long steps": 1.15, "short steps": 0.7, "stealthy": 0.6, "careful": 0.7}
_STYLE = {"old": 0.66, "active": 1.26, "youthful": 1.12, "tired": 0.9, "happy": 1.15, "sad": 0.85, "giant": 0.9}
#: What a network makes at once of most actions, of those whose captures are short, and of standing, frames: longer
#: windows of them were hardly ever seen in training.
LONGEST, SHORT, BRIEF = 150, 90, 45
_LONGEST_OF: dict[str, int] = dict.fromkeys((
    "run", "dash", "jog", "raise hand", "kick", "spin kick", "punch", "jump", "turn", "step", "spin", "roll",
    "cartwheel", "flip", "crawl",
), SHORT) | {"stand": BRIEF}  # fmt: skip
#: Gathering before and settling after actions that are counted on the spot, seconds.
_AROUND = 0.8
_SHORTEST_S = 0.5
#: Where a look goes, radians to the left; over the shoulder the trunk turns too.
_LOOK: dict[str, float] = {
    "left": 1.05, "turn left": 1.05, "right": -1.05, "turn right": -1.05, "backward": 1.9, "turn around": 1.9,
}  # fmt: skip
_OVER = {"left": 1.6, "right": -1.6}
_NOD = {"high": -0.5, "low": 0.5}
#: The part of the body that an action needs when it is done beside another one.
_PART_OF = {
    "raise hand": "arms", "wave": "arms", "wave goodbye": "arms", "call": "arms", "guide": "arms", "respond": "arms",
    "punch": "arms", "slash": "arms", "block": "arms", "wash": "arms", "stretch": "upper body", "bow": "upper body",
    "dribble": "arms",
}  # fmt: skip


@dataclass(frozen=True)
class Beside:
    """An action done at the same time as a segment's own, by some joints."""

    text: str
    label: Label
    joints: np.ndarray  # (24,) bool
    part: str


@dataclass(frozen=True)
class Segment:
    """One step of a plan on frames at 30 fps."""

    text: str
    label: Label
    start: int
    frames: int
    pace: float = 0.0  # m/s that it usually travels
    beside: tuple[Beside, ...] = ()
    look: tuple[tuple[float, float], ...] = ()  # where the head turns in turn: radians to the left, radians down
    count_words: str = ""  # the words that say how often, to be left out when the segment is cut
    metres: float | None = None  # how far to go, when the words say
    degrees: float | None = None  # how far to turn, when the words say; to the left: positive

    @property
    def stop(self) -> int:
        return self.start + self.frames


def pace_of(label: Label) -> float:
    """Speed over the floor that an action usually has, m/s."""
    if label.direction == "in place":
        return 0.0
    return PACE.get(label.verb, 0.0) * _MANNER.get(label.manner, 1.0) * _STYLE.get(label.style, 1.0)


def longest(label: Label) -> int:
    """Frames of an action that are made at once."""
    return _LONGEST_OF.get(label.verb, LONGEST)


def _natural(action: Action) -> float:
    """Seconds of an action when nobody says."""
    if not action.label.verb:
        return 4.0  # unknown words: long enough to see something
    counted = action.label.count and action.label.verb not in PACE
    return seconds_of(action) + (_AROUND if counted and action.seconds is None else 0.0)


def of_plan(
    plan: ActionPlan, seconds: float | None = None, path_length: float | None = None, style: str = ""
) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """Segments of a plan, and notes on what was decided.

    Args:
        plan: what is done.
        seconds: length of all of it; None: asked durations, else what each action usually takes.
        path_length: metres to go; without ``seconds``, actions that travel take as long as that needs.
        style: a style for all of it, over what the words say.

    Raises:
        BadInput: the whole is longer than one clip may be.
    """
    steps = plan.steps or ((Action(Label(), plan.text),),)
    labels = [_styled(_able(step[0].label), style) for step in steps]
    asked = [max((a.seconds for a in step if a.seconds is not None), default=None) for step in steps]
    for number, value in enumerate(asked):
        if value is not None:
            check_seconds(value, f"'{_text(steps[number], style)}'")
    natural = np.array([max(map(_natural, step)) if a is None else a for step, a in zip(steps, asked, strict=True)])
    paces = np.array([pace_of(label) for label in labels])
    notes: list[str] = []
    free = np.array([a is None for a in asked])
    if seconds is None and path_length is not None:
        going = free & (paces > 0) if (free & (paces > 0)).any() else free
        if going.any():
            covered = float((natural * paces)[~going].sum())
            speed = paces[going].mean() if paces[going].any() else 1.25
            natural[going] *= max(path_length - covered, 0.3) / max(float((natural[going] * speed).sum()), 1e-6)
    if seconds is not None:
        natural, note = _fitted(natural, free, seconds)
        notes += note
    natural = np.maximum(natural, _SHORTEST_S if seconds is None else min(_SHORTEST_S, seconds / len(steps)))
    check_seconds(float(natural.sum()), "the plan")
    ends = np.rint(np.cumsum(natural) * FPS).astype(int)
    if seconds is not None:
        ends[-1] = max(1, round(seconds * FPS))
    starts = np.concatenate([[0], ends[:-1]])
    made = []
    for step, label, start, end, pace in zip(steps, labels, starts, ends, paces, strict=True):
        beside, left, note = _beside(step, style)
        notes += note
        made.append(
            Segment(
                text=_text(left, style),
                label=label,
                start=int(start),
                frames=int(end - start),
                pace=float(pace),
                beside=beside,
                look=next((_look(a.label) for a in step if a.label.verb == "look"), ()),
                count_words=next((d.words for d in step[0].decisions if d.slot == "count"), ""),
                metres=_number(step[0], "metres"),
                degrees=_turn(step[0]),
            )
        )
    return tuple(s for s in made if s.frames > 0), tuple(notes)


def _fitted(natural: Array, free: np.ndarray, seconds: float) -> tuple[Array, list[str]]:
    """Durations that add up to ``seconds``: asked ones are kept when there is room for the rest."""
    rest = seconds - float(natural[~free].sum())
    if free.any() and rest >= _SHORTEST_S * int(free.sum()):
        out = natural.copy()
        out[free] *= rest / float(natural[free].sum())
        return out, []
    if abs(rest) < 1e-3 and not free.any():
        return natural, []
    said = float(natural[~free].sum())
    note = [f"the words ask for {said:g} s of {seconds:g} s; all durations were scaled to fit"] if said else []
    return natural * (seconds / float(natural.sum())), note


def _styled(label: Label, style: str) -> Label:
    return replace(label, style=style) if style else label


def _look(label: Label) -> tuple[tuple[float, float], ...]:
    """Where a look goes: to a side, over a shoulder, up or down; without any of them around, left and then right."""
    pitch = _NOD.get(label.manner, 0.0)
    if label.direction in _LOOK:
        return ((_LOOK[label.direction], pitch),)
    if label.side in _OVER:
        return ((_OVER[label.side], pitch),)
    return ((0.0, pitch),) if pitch or label.direction else ((0.9, 0.0), (-0.9, 0.0))


def _able(label: Label) -> Label:
    """What a network is told of a label: whoever only looks stands."""
    return replace(label, verb="stand", direction="") if label.verb == "look" else label


def _text(step: Sequence[Action], style: str) -> str:
    # "stops" and "looks back" are words that no capture was described with; what the body does then is stand.
    said = ["stands still" if action.label.verb in ("look", "stand") else action.text.strip() for action in step]
    words = " while ".join(text for text in said if text)
    return f"{words}, {style}" if style and style != "normal" and style not in words else words


def _number(action: Action, slot: str) -> float | None:
    """A number that the words say, such as metres."""
    for decision in action.decisions:
        if decision.slot == slot:
            try:
                return float(decision.value)
            except ValueError:
                return None
    return None


def _turn(action: Action) -> float | None:
    """Degrees to turn, positive to the left, when the words say how far."""
    degrees, direction = _number(action, "degrees"), action.label.direction
    if degrees is None:
        return 180.0 if direction == "turn around" else None
    return -abs(degrees) if direction in ("turn right", "right") else abs(degrees)


def _beside(step: Sequence[Action], style: str) -> tuple[tuple[Beside, ...], tuple[Action, ...], list[str]]:
    """Actions of a step that some joints do by themselves, those that are left to its words, and notes."""
    found: list[Beside] = []
    left, notes = [step[0]], []
    taken = np.zeros(24, bool)
    for action in step[1:]:
        if action.label.verb == "look":
            continue  # the head turns by geometry
        part = action.part or _PART_OF.get(action.label.verb, "")
        if part == "arms" and action.label.side in ("left", "right"):
            part = f"{action.label.side} arm"
        if not part or part == "whole body":
            left.append(action)
            notes.append(f"'{action.text}' has no part of the body of its own; it is left to the words of the step")
            continue
        joints = parts.mask([part]) & ~taken
        taken |= joints
        if joints.any():
            found.append(Beside(action.text, _styled(action.label, style), joints, part))
    return tuple(found), tuple(left), notes


def pace(segments: Sequence[Segment]) -> Array:
    """How fast each frame usually travels, m/s ``(T,)``."""
    return np.concatenate([np.full(s.frames, s.pace) for s in segments]) if segments else np.zeros(0)


def one(text: str, label: Label, frames: int) -> tuple[Segment, ...]:
    """A single segment."""
    if frames < 1:
        raise BadInput(f"segment: {frames} frames, expected 1 or more")
    return (Segment(text, label, 0, frames, pace_of(label)),)
