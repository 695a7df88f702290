"""Words to an action plan: verbs, counts, durations, manner, direction, side and body part; no network.

The closed vocabulary here is also what the learned prior's plan tokens and the corpus's labels are made of.
"""

from __future__ import annotations

from motion.words.lengths import seconds_of
from motion.words.nearest import nearest
from motion.words.parse import plan
from motion.words.tell import describe
from motion.words.vocabulary import (
    DIRECTIONS,
    MANNERS,
    MOST,
    PARTS,
    SIDES,
    STYLES,
    VERBS,
    Action,
    ActionPlan,
    Decision,
)

__all__ = [
    "VERBS", "SIDES", "DIRECTIONS", "MANNERS", "STYLES", "PARTS", "MOST", "Decision", "Action", "ActionPlan",
    "plan", "describe", "nearest", "seconds_of",
]  # fmt: skip
