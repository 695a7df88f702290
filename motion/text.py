"""Words to an action plan: verbs, counts, durations, manner, direction, side and body part; no network.

The closed vocabulary here is also what the learned prior's plan tokens and the corpus's labels are made of.
"""

from __future__ import annotations

from dataclasses import dataclass

from motion.corpus import Label

#: What a performer can do. The order is the token's number in the learned models: only append.
VERBS: tuple[str, ...] = (
    "stand", "walk", "run", "dash", "jump", "hop", "crawl", "roll", "cartwheel", "flip", "kick", "spin kick", "punch",
    "slash", "dance", "salsa", "indian dance", "karate", "raise hand", "wave", "bow", "wave goodbye", "call", "guide",
    "respond", "climb", "swing", "sit", "get up", "spin", "dribble", "bridge", "handstand", "duck", "pick up", "wash",
    "balance", "slip", "turn", "step", "sneak", "jog", "fall", "block", "stretch", "kick ball", "vault",
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
#: Counts above this are the same to the models.
MOST = 8


@dataclass(frozen=True)
class Decision:
    """One slot of an action and the words that decided it."""

    slot: str  # "verb", "side", "direction", "count", "manner", "style", "seconds", "part", "order"
    value: str
    words: str  # as written
    start: int  # character offset in the text
    confidence: float = 1.0  # 1: in the vocabulary; less: the nearest known word


@dataclass(frozen=True)
class Action:
    """One thing that a performer does."""

    label: Label
    text: str  # the words of this action alone, as written
    seconds: float | None = None  # asked duration
    part: str = ""  # "arms", "legs", "head", "upper body", "": the whole body
    decisions: tuple[Decision, ...] = ()
    confidence: float = 1.0  # of the verb


@dataclass(frozen=True)
class ActionPlan:
    """Steps one after another; the actions of a step happen together, the first leads."""

    text: str
    steps: tuple[tuple[Action, ...], ...]
    notes: tuple[str, ...] = ()  # what was not understood, suggestions
