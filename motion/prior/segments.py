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
from motion.text import Action, ActionPlan


@dataclass(frozen=True)
class Usual:
    """What an action usually takes when nobody says."""

    seconds: float  # of the action, uncounted
    each: float = 0.0  # of one more of it when counted; 0: counts do not change how long it takes
    pace: float = 0.0  # m/s over the floor


#: Durations and speeds of the vocabulary: medians of our captures where there are enough of them, rounded; for walking
#: 1.25 m/s and 0.55 s a step (Bohannon 1997 gives 1.3 to 1.4 m/s for adults who know where they go).
USUAL: dict[str, Usual] = {
    "stand": Usual(3.0), "walk": Usual(4.0, 0.55, 1.25), "run": Usual(3.0, 0.36, 2.8), "dash": Usual(2.0, 0.3, 4.0),
    "jump": Usual(2.2, 1.3, 0.4), "hop": Usual(2.2, 0.6, 0.6), "crawl": Usual(4.0, 0.9, 0.4),
    "roll": Usual(2.6, 2.0, 0.8), "cartwheel": Usual(2.6, 2.2, 1.0), "flip": Usual(2.4, 2.0, 0.3),
    "kick": Usual(2.2, 1.2), "spin kick": Usual(2.4, 1.6), "punch": Usual(2.0, 0.7), "slash": Usual(2.2, 0.9),
    "dance": Usual(6.0), "salsa": Usual(6.0), "indian dance": Usual(6.0), "karate": Usual(5.0),
    "raise hand": Usual(2.6, 1.5), "wave": Usual(3.0, 0.7), "bow": Usual(2.6, 2.2), "wave goodbye": Usual(3.0, 0.7),
    "call": Usual(3.0, 1.2), "guide": Usual(3.0, 2.0), "respond": Usual(2.6, 1.5), "climb": Usual(4.0, 0.8, 0.3),
    "swing": Usual(4.0), "sit": Usual(3.0), "get up": Usual(3.0), "spin": Usual(2.4, 1.4),
    "dribble": Usual(4.0, 0.5, 1.5), "bridge": Usual(3.0), "handstand": Usual(3.0), "duck": Usual(2.2, 1.2),
    "pick up": Usual(3.0, 2.5), "wash": Usual(4.0), "balance": Usual(4.0), "slip": Usual(2.6), "turn": Usual(2.0, 1.5),
    "step": Usual(1.4, 0.6, 0.6), "sneak": Usual(4.0, 0.8, 0.6), "jog": Usual(4.0, 0.4, 2.2), "fall": Usual(2.6),
    "block": Usual(2.2, 0.8), "stretch": Usual(4.0), "kick ball": Usual(2.6, 1.5, 0.5), "vault": Usual(2.6, 2.0, 1.5),
}  # fmt: skip
#: Without a known verb: long enough to see something.
_UNKNOWN = Usual(4.0)
#: Gathering before and settling after counted actions, seconds.
_AROUND = 0.7
_SHORTEST_S = 0.5
_PACE_OF = {"slow": 0.75, "fast": 1.35, "long steps": 1.15, "short steps": 0.7, "stealthy": 0.6, "careful": 0.7}
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
    count_words: str = ""  # the words that say how often, to be left out when the segment is cut
    metres: float | None = None  # how far to go, when the words say
    degrees: float | None = None  # how far to turn, when the words say; to the left: positive

    @property
    def stop(self) -> int:
        return self.start + self.frames


def usual(label: Label) -> Usual:
    """What an action of this label usually takes, its manner and count reckoned in."""
    base = USUAL.get(label.verb, _UNKNOWN)
    speed = _PACE_OF.get(label.manner, 1.0)
    seconds = base.seconds
    if label.count and base.each:
        seconds = _AROUND + label.count * base.each
    pace = 0.0 if label.direction == "in place" else base.pace * speed
    if label.manner in ("slow", "fast", "stealthy", "careful") and not (label.count == 0 and base.pace):
        seconds /= speed
    return Usual(seconds, base.each, pace)


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
    labels = [_styled(step[0].label, style) for step in steps]
    asked = [max((a.seconds for a in step if a.seconds is not None), default=None) for step in steps]
    for number, value in enumerate(asked):
        if value is not None:
            check_seconds(value, f"'{_text(steps[number], style)}'")
    natural = np.array([usual(label).seconds if a is None else a for label, a in zip(labels, asked, strict=True)])
    paces = np.array([usual(label).pace for label in labels])
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
        beside, note = _beside(step, style)
        notes += note
        made.append(
            Segment(
                text=_text(step, style),
                label=label,
                start=int(start),
                frames=int(end - start),
                pace=float(pace),
                beside=beside,
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


def _text(step: Sequence[Action], style: str) -> str:
    words = " while ".join(action.text.strip() for action in step if action.text.strip())
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


def _beside(step: Sequence[Action], style: str) -> tuple[tuple[Beside, ...], list[str]]:
    """Actions of a step other than the first, by the joints that do them."""
    found, notes = [], []
    taken = np.zeros(24, bool)
    for action in step[1:]:
        part = action.part or _PART_OF.get(action.label.verb, "")
        if part == "arms" and action.label.side in ("left", "right"):
            part = f"{action.label.side} arm"
        if not part or part == "whole body":
            notes.append(f"'{action.text}' has no part of the body of its own; it is left to the words of the step")
            continue
        joints = parts.mask([part]) & ~taken
        taken |= joints
        if joints.any():
            found.append(Beside(action.text, _styled(action.label, style), joints, part))
    return tuple(found), notes


def pace(segments: Sequence[Segment]) -> Array:
    """How fast each frame usually travels, m/s ``(T,)``."""
    return np.concatenate([np.full(s.frames, s.pace) for s in segments]) if segments else np.zeros(0)


def one(text: str, label: Label, frames: int) -> tuple[Segment, ...]:
    """A single segment."""
    if frames < 1:
        raise BadInput(f"segment: {frames} frames, expected 1 or more")
    return (Segment(text, label, 0, frames, usual(label).pace),)
