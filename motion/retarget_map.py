"""Which joint of a source skeleton is which SMPL joint: `find_map` tries names first, then the shape of the tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from motion import names as naming
from motion import skeleton
from motion.errors import BadInput
from motion.take import Take

_I = skeleton.INDEX
#: Joints without which a skeleton is no humanoid for us; each missing one is named in the error.
_CORE = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "shoulder", "elbow"))


@dataclass(frozen=True)
class JointMap:
    """The joints of a source that carry SMPL's. The trunk is two chains of any length, spread over spine and neck."""

    limbs: (
        np.ndarray
    )  # (24,) source joint whose rotation is this SMPL joint's; −1: none. Limbs only, torso in the chains
    points: np.ndarray  # (24,) source joint standing where this SMPL joint does; −1: none
    tips: dict[int, int]  # SMPL joint -> source joint whose end site stands there, where no joint does
    pelvis: int  # where the legs part
    spine: tuple[int, ...]  # from above the pelvis up to where the arms part (last: the chest)
    neck: tuple[int, ...]  # from above the chest up to the head (last: the head)
    road: str  # "names", "geometry" or "given"
    confidence: float  # 0 to 1
    convention: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def chest(self) -> int:
        """The joint that carries arms and neck; the pelvis itself when there is no spine."""
        return self.spine[-1] if self.spine else self.pelvis

    def exchanged(self) -> JointMap:
        """The map with left and right exchanged, for a source whose names have them the wrong way round."""
        mirror = skeleton.MIRROR
        note = "left and right are exchanged in the source's names (toes point backward): read the other way round"
        return replace(
            self, limbs=self.limbs[mirror], points=self.points[mirror],
            tips={int(mirror[j]): i for j, i in self.tips.items()}, notes=(*self.notes, note),
            confidence=round(0.7 * self.confidence, 3),
        )  # fmt: skip

    def named(self, source_names: Sequence[str]) -> dict[str, str]:
        """SMPL joint to source joint name, for reports; spread torso joints carry the name of their nearest source."""
        table = {skeleton.JOINTS[j]: source_names[i] for j, i in enumerate(self.limbs) if i >= 0}
        table["pelvis"] = source_names[self.pelvis]
        for chain, targets in ((self.spine, ("spine1", "spine2", "spine3")), (self.neck, ("neck", "head"))):
            for m, target in enumerate(targets):
                if chain:
                    place = (m + 1) / len(targets) * len(chain) - 1
                    table[target] = source_names[chain[min(max(int(np.ceil(place - 1e-9)), 0), len(chain) - 1)]]
        return {joint: table[joint] for joint in skeleton.JOINTS if joint in table}

    @property
    def valid(self) -> np.ndarray:
        """``(24,)`` SMPL joints that the source really had; a joint made by spreading its neighbour is not."""
        ok = self.limbs >= 0
        ok[_I["pelvis"]] = True
        n = len(self.spine)
        ok[[_I["spine1"], _I["spine2"], _I["spine3"]]] = (n >= 2, n >= 3, n >= 1)
        ok[[_I["neck"], _I["head"]]] = (len(self.neck) >= 1, len(self.neck) >= 2)
        return ok


def find_map(take: Take, names: bool = True, geometry: bool = True) -> JointMap:
    """Find the body in a skeleton.

    Args:
        take: any skeleton.
        names: allow the road over names.
        geometry: allow the road over the tree's shape and lengths, taken when names fail.

    Raises:
        BadInput: neither road finds two legs, a trunk and two arms; says what is missing.
    """
    from motion.retarget_geometry import by_geometry, refuse_beasts

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
    label = take.provenance.source or "take"
    raise BadInput(f"{label}: not a humanoid skeleton: {'; and by shape: '.join(dict.fromkeys(reasons))}")


def ancestors(parents: np.ndarray, joint: int) -> list[int]:
    """A joint, its parent, its parent's parent … up to the root."""
    chain = []
    while joint >= 0:
        chain.append(int(joint))
        joint = int(parents[joint])
    return chain


def common_ancestor(parents: np.ndarray, a: int, b: int) -> int:
    """The lowest joint that has both below it (or is one of them); −1 when they hang on different roots."""
    above = set(ancestors(parents, a))
    return next((j for j in ancestors(parents, b) if j in above), -1)


def path_below(parents: np.ndarray, top: int, joint: int) -> tuple[int, ...]:
    """The joints from below ``top`` down to ``joint``, included; ``joint`` must hang below ``top``."""
    chain = ancestors(parents, joint)
    return tuple(reversed(chain[: chain.index(top)]))


def by_names(take: Take) -> JointMap:
    """Read the map from joint names.

    Raises:
        BadInput: a leg or an arm has no joint with a known name, or the names contradict the tree.
    """
    parents = take.parents
    parsed = [naming.parse(name) for name in take.names]
    above = _descents(parents)

    def find(side: str | None, part: str, below: int = -1, avoid: frozenset[str] = frozenset()) -> int:
        """The first joint of this part under ``below``; parents come first, so the highest one."""
        for j, (s, word) in enumerate(parsed):
            inside = below < 0 or (below in above(j) and j != below)
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
        if collar >= 0 and (shoulder < 0 or collar not in above(shoulder) or collar == shoulder):
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
            if a not in above(int(b)):
                raise BadInput(f"'{take.names[b]}' does not hang below '{take.names[a]}'")
    head = next((j for j, (s, w) in enumerate(parsed) if s is None and naming.is_part(w, "head")), -1)
    necks = [j for j, (s, w) in enumerate(parsed) if s is None and naming.is_part(w, "neck")]
    convention, share = naming.convention_of(take.names)
    found = float(np.mean(limbs[[_I[f"{s}_{p}"] for s in ("left", "right") for p in _LIMB_PARTS]] >= 0))
    return assemble(
        take, limbs, head, necks[-1] if necks else -1, "names", 0.6 + 0.4 * found, convention if share > 0.3 else ""
    )


_LIMB_PARTS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")


def assemble(
    take: Take, limbs: np.ndarray, head: int, neck: int, road: str, confidence: float, convention: str = ""
) -> JointMap:
    """Complete a map from its limbs: the trunk between them, points where no joint stands, and a check of the tree.

    Raises:
        BadInput: the legs, or the arms, do not part from one trunk.
    """
    parents, above = take.parents, _descents(take.parents)
    limbs = np.array(limbs)
    pelvis = common_ancestor(parents, int(limbs[_I["left_hip"]]), int(limbs[_I["right_hip"]]))
    arms = [int(limbs[_I[f"{s}_collar"]]) if limbs[_I[f"{s}_collar"]] >= 0 else int(limbs[_I[f"{s}_shoulder"]])
            for s in ("left", "right")]  # fmt: skip
    chest = common_ancestor(parents, *arms)
    while chest == neck >= 0 and parents[chest] >= 0:
        # 3ds Max hangs clavicles on the neck; they move with the chest all the same.
        chest, head = int(parents[chest]), head if head >= 0 else neck
    if pelvis < 0 or chest < 0 or common_ancestor(parents, pelvis, chest) < 0:
        raise BadInput("legs and arms hang on different roots")
    if pelvis in (limbs[_I["left_hip"]], limbs[_I["right_hip"]]):
        raise BadInput(f"one leg hangs on the other ('{take.names[pelvis]}')")
    if chest in arms:
        raise BadInput(f"one arm hangs on the other ('{take.names[chest]}')")
    trunk = common_ancestor(parents, pelvis, chest)
    spine = path_below(parents, trunk, chest)
    top = head if head >= 0 else neck
    neck_chain: tuple[int, ...] = ()
    if top >= 0:
        base = common_ancestor(parents, chest, top)
        if base >= 0:
            neck_chain = path_below(parents, base, top)
            # A neck that starts lower than the arms (arms on an upper chest beside it) still begins above the spine.
            neck_chain = tuple(j for j in neck_chain if j not in spine)
    points, tips = np.array(limbs), {}
    points[0] = pelvis
    for below, joint in (("knee", "ankle"), ("ankle", "foot"), ("elbow", "wrist"), ("wrist", "hand")):
        for side in ("left", "right"):
            holder, target = int(limbs[_I[f"{side}_{below}"]]), _I[f"{side}_{joint}"]
            if points[target] >= 0 or holder < 0:
                continue
            children = np.flatnonzero(parents == holder)
            end = None if take.end_offsets is None else take.end_offsets[holder]
            if len(children):
                # The middle child of a fan of fingers; the only one, usually.
                points[target] = children[len(children) // 2]
            elif end is not None and np.isfinite(end).all() and np.linalg.norm(end) > 1e-9:
                tips[target] = holder
    if limbs[_I["left_ankle"]] < 0 and points[_I["left_ankle"]] < 0 and _I["left_ankle"] not in tips:
        raise BadInput("the shins have no lower end (neither an ankle joint nor an end site)")
    for j in range(24):
        arm = skeleton.JOINTS[j].split("_")[-1] in ("collar", "shoulder", "elbow", "wrist")
        if arm and limbs[j] >= 0 and chest not in above(int(limbs[j])):
            raise BadInput(f"'{take.names[limbs[j]]}' does not hang below the chest")
    return JointMap(limbs, points, tips, pelvis, spine, neck_chain, road, round(confidence, 3), convention)


def _more(missing: Sequence[str]) -> str:
    return f" (nor as {len(missing) - 1} others)" if len(missing) > 1 else ""


def _descents(parents: np.ndarray):
    """A cached ``joint -> set of itself and its ancestors``."""
    cache: dict[int, frozenset[int]] = {}

    def above(joint: int) -> frozenset[int]:
        if joint not in cache:
            cache[joint] = frozenset(ancestors(parents, joint))
        return cache[joint]

    return above
