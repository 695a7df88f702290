"""`JointMap`: which joint of a source skeleton is which SMPL joint; and completing one from its limbs (`assemble`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from motion import skeleton
from motion.errors import BadInput
from motion.take import Take

_I = skeleton.INDEX


@dataclass(frozen=True)
class JointMap:
    """The joints of a source that carry SMPL's. The trunk is two chains of any length, spread over spine and neck."""

    #: (24,) source joint whose rotation is this SMPL joint's; −1: none. Limbs only, torso in the chains.
    limbs: np.ndarray
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


def assemble(
    take: Take, limbs: np.ndarray, head: int, neck: int, road: str, confidence: float, convention: str = ""
) -> JointMap:
    """Complete a map from its limbs: the trunk between them, points where no joint stands, and a check of the tree.

    Raises:
        BadInput: the legs, or the arms, do not part from one trunk.
    """
    parents, under = take.parents, descents(take.parents)
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
        if arm and limbs[j] >= 0 and not under(int(limbs[j]), chest):
            raise BadInput(f"'{take.names[limbs[j]]}' does not hang below the chest")
    return JointMap(limbs, points, tips, pelvis, spine, neck_chain, road, round(confidence, 3), convention)


def descents(parents: np.ndarray) -> Callable[[int, int], bool]:
    """A quick ``(joint, top)``: whether a joint is ``top`` or hangs below it; memory grows with the joints alone."""
    count = len(parents)
    size = np.ones(count, dtype=int)  # of the tree below each joint, itself included
    for j in range(count - 1, -1, -1):
        if parents[j] >= 0:
            size[parents[j]] += size[j]
    # Numbered depth first, a joint's tree is one run of numbers.
    enter, free = np.zeros(count, dtype=int), np.zeros(count + 1, dtype=int)  # the last: what roots begin from
    for j, parent in enumerate(parents):
        enter[j] = free[parent]
        free[parent] += size[j]
        free[j] = enter[j] + 1
    return lambda joint, top: bool(enter[top] <= enter[joint] < enter[top] + size[top])
