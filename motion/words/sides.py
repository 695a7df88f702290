"""What "left" and "right" are: a hand, a way, a turn, or who is meant."""

from __future__ import annotations

from motion.words.clauses import Clause
from motion.words.forms import Token, base_forms, words_of
from motion.words.marks import ARTICLES, OWNERS, PEOPLE, Mark
from motion.words.slots import PART_WORDS
from motion.words.verbs import TRAVEL

_HANDED = frozenset({"raise hand", "wave", "wave goodbye"})
_LIMBED = frozenset(
    {"raise hand", "wave", "wave goodbye", "punch", "kick", "kick ball", "slash", "block", "spin kick", "call", "guide"}
)
_TO = frozenset(["to", "toward", "towards", "onto"])
_BENDS = words_of("turn turns curve curves bend corner arc circle circles semicircle loop u-turn")
_AT_ONCE = words_of("away now there here back behind beside next where")
_TURNING = frozenset({"turn", "veer", "swerve", "curve", "spin", "rotate", "pivot", "swivel", "face", "twirl", "bank"})
_STRIKES = words_of(
    "kick kicks punch punches hook hooks jab jabs uppercut wave waves slash slashes block blocks cross salute"
)


def lr_role(tokens: list[Token], mark: Mark, clause: Clause, verb: str) -> tuple[str, float]:
    """What "left" or "right" is here: "side", "direction", "turn", "place" (who is meant) or "none"."""
    word = [token.text for token in tokens]
    i, j = mark.first, mark.last
    after = word[j] if j < len(word) else ""
    two = word[j + 1] if j + 1 < len(word) else ""
    three = word[j + 2] if j + 2 < len(word) else ""
    before = word[i - 1] if i else ""
    earlier = word[i - 2] if i > 1 else ""
    head = clause.head.at if clause.head is not None else -1
    limb = (
        set() if verb == "look" else {w for w, part in PART_WORDS.items() if part in {"arms", "legs"}} - {"hip", "hips"}
    )
    if after in limb or (after in {"and", "or"} and two in {"left", "right"} and three in limb):
        return "side", 1.0
    if after in {"side"} or (after == "hand" and two == "side"):
        return "direction", 1.0
    if after in PEOPLE or (
        mark.first < head and before in {"the", "on"} and set(word[max(0, i - 3) : i]) & {"on", "at"}
    ):
        return "place", 1.0
    turner = bool(base_forms(before, _TURNING)) or after in _BENDS
    if mark.value == "right":
        if after in _AT_ONCE and not (after == "back" and two in {"hand", "foot"}):
            return "none", 1.0
        if after in {"after", "before", "when", "into", "through", "past", "over", "up", "down", "on", "at"} and not (
            turner
            or base_forms(before, {"walk", "run", "step", "look", "go", "jump", "hop", "move"})
            or before in OWNERS
        ):
            return "none", 1.0
        if after in {"around", "round"} and turner:
            return "none", 1.0
    if turner:
        return "turn", 1.0
    if before == "with" or (before in OWNERS | {"a"} and earlier in {"with", "using"}):
        return "side", 1.0
    if set(word[max(0, i - 2) : i]) & {"from"}:
        return "none", 1.0
    if turner:
        return "turn", 1.0
    if before in _TO or (before in OWNERS and earlier in _TO | {"on"}):
        bends = verb in {"turn", "spin"} or bool(set(word[clause.first : clause.last]) & (_BENDS - {"turn", "turns"}))
        return ("turn" if bends else "direction"), 1.0
    if after in _STRIKES:
        return "side", 1.0
    if before in OWNERS | ARTICLES and (
        verb in _LIMBED or (after in {"", "high", "low"} and verb not in TRAVEL | {"turn", "step", "look"})
    ):
        return "side", 0.9
    if verb in {"turn", "spin"}:
        return "turn", 1.0
    if verb in _HANDED:
        return "side", 0.7
    bends = bool(set(word[clause.first : clause.last]) & (_BENDS - {"turn", "turns"}))
    return ("turn" if bends else "direction"), 1.0
