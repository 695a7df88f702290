"""The closed vocabulary and the types of an action plan."""

from __future__ import annotations

from dataclasses import dataclass

from motion.corpus import Label

#: What a performer can do. The order is the token's number in the learned models: only append.
#: "look" is the gaze alone: no capture is labelled with it, and geometry (neck and head) can do it on any other action.
VERBS: tuple[str, ...] = (
    "stand", "walk", "run", "dash", "jump", "hop", "crawl", "roll", "cartwheel", "flip", "kick", "spin kick", "punch",
    "slash", "dance", "salsa", "indian dance", "karate", "raise hand", "wave", "bow", "wave goodbye", "call", "guide",
    "respond", "climb", "swing", "sit", "get up", "spin", "dribble", "bridge", "handstand", "duck", "pick up", "wash",
    "balance", "slip", "turn", "step", "sneak", "jog", "fall", "block", "stretch", "kick ball", "vault", "look",
)  # fmt: skip
SIDES: tuple[str, ...] = ("left", "right", "both")
#: Where the body travels or turns.
DIRECTIONS: tuple[str, ...] = (
    "forward", "backward", "left", "right", "in place", "turn left", "turn right", "turn around",
)  # fmt: skip
MANNERS: tuple[str, ...] = ("slow", "fast", "long steps", "short steps", "stealthy", "careful", "high", "low")
STYLES: tuple[str, ...] = (
    "normal", "happy", "angry", "sad", "tired", "old", "proud", "not confident", "childish", "thug", "feminine",
    "masculine", "giant", "musical", "active", "youthful", "zombie",
)  # fmt: skip
PARTS: tuple[str, ...] = ("arms", "legs", "head", "upper body")
#: Counts above this are the same to the models.
MOST = 8


@dataclass(frozen=True)
class Decision:
    """One slot of an action and the words that decided it.

    Beside the slots of `motion.corpus.Label` there are "seconds", "part", "order" (what joined two actions),
    "degrees" (of a turn) and "metres" (of a way): their values are numbers as text.
    """

    slot: (
        str  # "verb", "side", "direction", "count", "manner", "style", "seconds", "part", "order", "degrees", "metres"
    )
    value: str
    words: str  # as written
    start: int  # character offset in the text
    confidence: float = 1.0  # 1: in the vocabulary; less: the nearest known word, or a choice that the words leave open


@dataclass(frozen=True)
class Action:
    """One thing that a performer does."""

    label: Label
    text: str  # the words of this action alone, as written
    seconds: float | None = None  # asked duration
    part: str = ""  # "arms", "legs", "head", "upper body", "": the whole body; matters where actions share a step
    decisions: tuple[Decision, ...] = ()
    confidence: float = 1.0  # of the verb; 0: no known action is near, and label.verb is ""
    unit: str = ""  # what label.count counts: "steps", "times", "laps"; "" where nothing is counted


@dataclass(frozen=True)
class ActionPlan:
    """Steps one after another; the actions of a step happen together, the first leads."""

    text: str
    steps: tuple[tuple[Action, ...], ...]
    notes: tuple[str, ...] = ()  # what was not understood, left out or chosen; suggestions

    @property
    def seconds(self) -> float:
        """Length of all steps, s: asked durations, else the usual length of each action (see `seconds_of`)."""
        from motion.words.lengths import seconds_of

        return float(sum(max(seconds_of(action) for action in step) for step in self.steps))
