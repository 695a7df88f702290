"""Which joint of a source skeleton is which SMPL joint: `find_map` tries names first, then the shape of the tree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion import names as naming
from motion import skeleton
from motion.errors import BadInput
from motion.retarget.geometry import by_geometry, refuse_beasts
from motion.retarget.joint_map import JointMap, assemble, descents
from motion.take import Take

_I = skeleton.INDEX
#: Joints without which a skeleton is no humanoid for us; each missing one is named in the error.
_CORE = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "shoulder", "elbow"))


def find_map(take: Take, names: bool = True, geometry: bool = True) -> JointMap:
    """Find the body in a skeleton.

    Args:
        take: any skeleton.
        names: allow the road over names.
        geometry: allow the road over the tree's shape and lengths, taken when names fail.

    Raises:
        BadInput: neither road finds two legs, a trunk and two arms; says what is missing.
    """
    reasons = []
    for allowed, road in ((names, by_names), (geometry, by_geometry)):
        if not allowed:
            continue
        try:
            found = road(take)
            refuse_beasts(take, found)
            return found
        except BadInput as error:
            reasons.append(str(error))
    raise BadInput(f"{take.label}: not a humanoid skeleton: {'; and by shape: '.join(dict.fromkeys(reasons))}")


def by_names(take: Take) -> JointMap:
    """Read the map from joint names.

    Raises:
        BadInput: a leg or an arm has no joint with a known name, or the names contradict the tree.
    """
    parents = take.parents
    parsed = [naming.parse(name) for name in take.names]
    under = descents(parents)

    def find(side: str | None, part: str, below: int = -1, avoid: frozenset[str] = frozenset()) -> int:
        """The first joint of this part under ``below``; parents come first, so the highest one."""
        for j, (s, word) in enumerate(parsed):
            inside = below < 0 or (under(j, below) and j != below)
            if s == side and word not in avoid and naming.is_part(word, part) and inside:
                return j
        return -1

    def has(side: str, *words: str) -> bool:
        return any(s == side and w.rstrip("0123456789") in words for s, w in parsed)

    limbs = np.full(24, -1)
    for side in ("left", "right"):
        vague_hip = frozenset({"hip", "hips"})
        hip = find(side, "hip", avoid=vague_hip)
        hip = hip if hip >= 0 else find(side, "hip")
        knee = find(side, "knee", hip)
        ankle_word = has(side, "ankle")
        ankle = find(side, "ankle", knee, frozenset({"foot"}) if ankle_word else frozenset())
        foot = find(side, "foot", ankle, frozenset() if ankle_word else frozenset({"foot"})) if ankle >= 0 else -1
        arm_word = has(side, "upperarm", "uparm", "arm", "shldr", "humerus", "armupper")
        shoulder = find(side, "shoulder", avoid=frozenset({"shoulder"}) if arm_word else frozenset())
        collar_avoid = frozenset() if arm_word else frozenset({"shoulder"})
        collar = find(side, "collar", avoid=collar_avoid)
        if collar >= 0 and (shoulder < 0 or not under(shoulder, collar) or collar == shoulder):
            collar = -1
        elbow = find(side, "elbow", shoulder)
        # Acclaim's "wrist" bone is the turning half of the forearm; its "hand" begins at the wrist.
        acclaim = has(side, "radius") and has(side, "hand")
        wrist_word = has(side, "wrist") and not acclaim
        wrist = find(side, "wrist", elbow, frozenset({"hand"} if wrist_word else {"wrist"} if acclaim else ()))
        hand_avoid = frozenset() if wrist_word else frozenset({"hand"})
        hand = find(side, "hand", wrist, hand_avoid) if wrist >= 0 else -1
        for part, j in (
            ("hip", hip), ("knee", knee), ("ankle", ankle), ("foot", foot), ("collar", collar),
            ("shoulder", shoulder), ("elbow", elbow), ("wrist", wrist), ("hand", hand),
        ):  # fmt: skip
            limbs[_I[f"{side}_{part}"]] = j
    missing = [joint for joint in _CORE if limbs[_I[joint]] < 0]
    if missing:
        raise BadInput(f"no joint is named as a {missing[0].replace('_', ' ')}" + _more(missing))
    for part, before in (("hip", "knee"), ("shoulder", "elbow")):
        for side in ("left", "right"):
            a, b = limbs[_I[f"{side}_{part}"]], limbs[_I[f"{side}_{before}"]]
            if not under(int(b), int(a)):
                raise BadInput(f"'{take.names[b]}' does not hang below '{take.names[a]}'")
    head = next((j for j, (s, w) in enumerate(parsed) if s is None and naming.is_part(w, "head")), -1)
    necks = [j for j, (s, w) in enumerate(parsed) if s is None and naming.is_part(w, "neck")]
    convention, share = naming.convention_of(take.names)
    found = float(np.mean(limbs[[_I[f"{s}_{p}"] for s in ("left", "right") for p in _LIMB_PARTS]] >= 0))
    return assemble(
        take, limbs, head, necks[-1] if necks else -1, "names", 0.6 + 0.4 * found, convention if share > 0.3 else ""
    )


_LIMB_PARTS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")


def _more(missing: Sequence[str]) -> str:
    return f" (nor as {len(missing) - 1} others)" if len(missing) > 1 else ""
