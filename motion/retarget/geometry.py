"""The road without names: find legs, arms, trunk and head in a tree of joints by its shape, lengths and poses.

Two pairs of equal branches on a trunk are legs and arms; the lengths of bones say which joint is knee and which ankle;
toes, knees and elbows say where front is, and front says which side is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.errors import BadInput
from motion.retarget.joint_map import JointMap, assemble
from motion.rotations import Array
from motion.take import Take

_I = skeleton.INDEX
_SAME = 0.12  # branches whose lengths differ by less than this share are a pair
_MOST = 8  # branches of one joint that are looked at, the longest; a rig of a thousand joints must not take a minute

#: Adult proportions after Drillis and Contini (1966): thigh over shin, upper arm over forearm, what is left beyond
#: ankle and wrist as a share of the two long bones, and the legs' long bones over the arms'.
_LEG = (1.0, 0.25)
_ARM = (1.1, 0.30)
_LEG_OVER_ARM = 1.5


@dataclass(frozen=True)
class _Limb:
    """One limb as joint indices, outward from the trunk."""

    collar: int  # −1 where there is none; legs have none
    first: int
    second: int
    third: int  # −1: only an end site
    fourth: int  # toe or hand; −1: none
    score: float
    size: float  # length of the two long bones


@dataclass(frozen=True)
class _Pair:
    hub: int
    children: tuple[int, int]
    length: float


def by_geometry(take: Take) -> JointMap:
    """Find the body by shape.

    Raises:
        BadInput: no two pairs of equal branches that could be legs and arms, or a beast on four legs.
    """
    children, lengths, reach = _measure(take)
    still, places = _still(take), _places(take)
    total = float(lengths.sum())
    if not total > 0:
        raise BadInput("all bones have zero length")
    pairs = _pairs(take, children, lengths, reach)
    if not pairs:
        raise BadInput("no joint carries two equal branches, so there are no legs")
    best: tuple[float, _Pair, _Pair, tuple[_Limb, _Limb], tuple[_Limb, _Limb]] | None = None
    limbs_of: dict[tuple[int, int, bool], _Limb | None] = {}

    def limb(pair: _Pair, side: int, leg: bool) -> _Limb | None:
        key = (pair.hub, pair.children[side], leg)
        if key not in limbs_of:
            limbs_of[key] = _limb(take, pair.children[side], children, lengths, reach, still, places, leg)
        return limbs_of[key]

    depth = _depths(take.parents)
    for legs in pairs:
        for arms in pairs:
            if set(legs.children) & set(arms.children) or not _beyond(take.parents, legs, arms):
                continue
            found = [limb(legs, 0, True), limb(legs, 1, True), limb(arms, 0, False), limb(arms, 1, False)]
            if any(f is None for f in found):
                continue
            a, b, c, d = (f for f in found if f is not None)
            ratio = (a.size + b.size) / max(c.size + d.size, 1e-12)
            score = a.score + b.score + c.score + d.score - 2.0 * abs(np.log(max(ratio, 1e-9) / _LEG_OVER_ARM))
            score += 2.0 * (a.size + b.size + c.size + d.size) / total - 0.05 * float(depth[legs.hub])
            if best is None or score > best[0]:
                best = (score, legs, arms, (a, b), (c, d))
    if best is None:
        raise BadInput("no two pairs of equal branches are long enough to be legs and arms")
    score, legs, arms, leg_limbs, arm_limbs = best
    neck, head = _head(take, arms, children, reach, leg_limbs)
    _refuse_shapeless(take, leg_limbs, arm_limbs)
    order, sure = _sides(take, leg_limbs, arm_limbs)
    joints = np.full(24, -1)
    for s, side in enumerate(("left", "right")):
        leg, arm = leg_limbs[order[0][s]], arm_limbs[order[1][s]]
        for part, j in (
            ("hip", leg.first), ("knee", leg.second), ("ankle", leg.third), ("foot", leg.fourth),
            ("collar", arm.collar), ("shoulder", arm.first), ("elbow", arm.second), ("wrist", arm.third),
            ("hand", arm.fourth),
        ):  # fmt: skip
            joints[_I[f"{side}_{part}"]] = j
    # An adult on a usual rig scores 2 to 3: four limbs near 0.3 each, and their share of all lengths.
    confidence = float(np.clip(0.3 + 0.2 * score, 0.05, 0.9)) * (0.6 + 0.4 * sure)
    return assemble(take, joints, head, neck, "geometry", confidence)


def _measure(take: Take) -> tuple[list[list[int]], Array, Array]:
    """Children of each joint, length of the bone that leads to it, and the longest way down from it to a tip."""
    children: list[list[int]] = [[] for _ in range(take.joints)]
    for j, parent in enumerate(take.parents):
        if parent >= 0:
            children[int(parent)].append(j)
    lengths = np.linalg.norm(take.rest_offsets, axis=-1)
    lengths[take.parents < 0] = 0.0
    if not np.isfinite(lengths).all():
        raise BadInput(f"joint '{take.names[int(np.argmin(np.isfinite(lengths)))]}' has no finite place")
    reach = np.zeros(take.joints)
    for j in range(take.joints - 1, -1, -1):
        if children[j]:
            reach[j] = max(lengths[c] + reach[c] for c in children[j])
        elif take.end_offsets is not None and np.isfinite(take.end_offsets[j]).all():
            reach[j] = float(np.linalg.norm(take.end_offsets[j]))
    return children, lengths, reach


def _still(take: Take) -> np.ndarray:
    """``(J,)`` joints that never turn against their parent while most others do: fixed offsets, not hips or knees."""
    pick = take.spread(64)
    turned = rot.angle_between(take.rotations[pick[:1]], take.rotations[pick]).max(0) > 1e-3
    return ~turned if turned.mean() > 0.2 else np.zeros(take.joints, dtype=bool)


def _places(take: Take) -> Array:
    """``(T, J, 3)`` joints in the world in the rest pose and up to 24 frames."""
    pick = take.spread(24)
    _, moving = kinematics.forward(take.parents, take.rotations[pick], take.translations[pick])
    return np.concatenate([take.rest_world()[1][None], moving])


def _bending(nodes: list[int], places: Array) -> np.ndarray:
    """For each joint of a chain, whether the bones before and after it change their angle by more than 8 degrees."""
    bends = np.zeros(len(nodes), dtype=bool)
    if len(nodes) > 2:
        bones = np.diff(places[1:, nodes], axis=1)
        size = np.linalg.norm(bones, axis=-1)
        cosine = np.sum(bones[:, 1:] * bones[:, :-1], axis=-1) / np.maximum(size[:, 1:] * size[:, :-1], 1e-12)
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        usable = np.minimum(size[:, 1:], size[:, :-1]).min(0) > 1e-9
        bends[1:-1] = (np.ptp(angle, axis=0) > np.radians(8.0)) & usable
    return bends


def _depths(parents: np.ndarray) -> np.ndarray:
    depth = np.zeros(len(parents), dtype=int)
    for j, parent in enumerate(parents):
        depth[j] = depth[parent] + 1 if parent >= 0 else 0
    return depth


def _pairs(take: Take, children: list[list[int]], lengths: Array, reach: Array) -> list[_Pair]:
    """Joints with two branches of like length, the longest pairs first."""
    found = []
    for hub, below in enumerate(children):
        ranked = sorted(below, key=lambda c: -(lengths[c] + reach[c]))[:_MOST]
        for a, b in combinations(ranked, 2):
            la, lb = lengths[a] + reach[a], lengths[b] + reach[b]
            if min(la, lb) > (1 - _SAME) * max(la, lb) > 0:
                found.append(_Pair(hub, (min(a, b), max(a, b)), float(la + lb)))
    found.sort(key=lambda pair: -pair.length)
    return found[:16]


def _beyond(parents: np.ndarray, legs: _Pair, arms: _Pair) -> bool:
    """Whether the arms hang on a trunk that is none of the legs, and the legs on none of the arms."""

    def under(joint: int, tops: tuple[int, int]) -> bool:
        while joint >= 0:
            if joint in tops:
                return True
            joint = int(parents[joint])
        return False

    return not under(arms.hub, legs.children) and not under(legs.hub, arms.children)


def _limb(
    take: Take,
    child: int,
    children: list[list[int]],
    lengths: Array,
    reach: Array,
    still: np.ndarray,
    places: Array,
    leg: bool,
) -> _Limb | None:
    """The best reading of a branch as leg or arm: which joints are its three."""
    nodes = [child]
    while children[nodes[-1]] and len(nodes) < 24:
        nodes.append(max(children[nodes[-1]], key=lambda c: lengths[c] + reach[c]))
    walk = np.cumsum([lengths[n] for n in nodes])
    end = float(walk[-1] + reach[nodes[-1]])
    stops = [*walk, end] if reach[nodes[-1]] > 1e-9 else [*walk]
    ratio, rest = _LEG if leg else _ARM
    bends = _bending(nodes, places)
    best: tuple[float, tuple[int, int, int]] | None = None
    for i, j, k in combinations(range(min(len(stops), 12)), 3):
        upper, lower, beyond = stops[j] - stops[i], stops[k] - stops[j], end - stops[k]
        if min(upper, lower) <= 1e-9 or j >= len(nodes):
            continue
        both = upper + lower
        score = 0.8 * both / end - 2.0 * abs(np.log(upper / lower / ratio)) - 1.2 * abs(beyond / both - rest)
        score -= 0.6 * abs(stops[i] / both - (0.12 if leg else 0.4))
        score -= 0.6 * float(
            bends[i + 1 : min(k, len(nodes))].sum() - bends[j]
        )  # a bone has no joint that bends within
        score -= 0.5 * float(still[nodes[i]]) + 0.5 * float(still[nodes[j]])
        score -= 0.3 if k >= len(nodes) else 0.1 * float(still[nodes[k]])
        if not leg and k < len(nodes) and len(children[nodes[k]]) >= 3:
            score += 0.5  # fingers fan out from the wrist
        if k < len(nodes) and k + 1 < len(stops) and stops[k + 1] - stops[k] < 0.02 * both:
            score -= 0.2
        if best is None or score > best[0]:
            best = (score, (i, j, k))
    if best is None or best[0] < -1.5:
        return None
    i, j, k = best[1]
    third = nodes[k] if k < len(nodes) else -1
    fourth = -1
    if 0 <= k < len(nodes) - 1:
        fan = children[nodes[k]]
        fourth = nodes[k + 1] if leg or len(fan) < 3 else _middle_finger(take, fan)
        if not children[fourth] and not leg and len(fan) < 3 and not reach[fourth] > 1e-9:
            fourth = -1  # a lone leaf without an end is the hand's tip, not its knuckles
        if (
            leg
            and not children[fourth]
            and _is_end(take, fourth)
            and stops[k + 1] - stops[k] > 0.3 * (stops[k] - stops[j])
        ):
            fourth = -1
    collar = nodes[0] if i > 0 and not leg else -1
    return _Limb(collar, nodes[i], nodes[j], third, fourth, best[0], float(stops[k] - stops[i]))


def _is_end(take: Take, joint: int) -> bool:
    name = take.names[joint].lower()
    return any(word in name for word in ("end", "nub", "tip", "site"))


def _middle_finger(take: Take, fan: list[int]) -> int:
    """Of five roots the one nearest to all the others."""
    places = take.rest_offsets[fan]
    return fan[int(np.argmin(np.linalg.norm(places[:, None] - places[None], axis=-1).sum(1)))]


def _head(
    take: Take, arms: _Pair, children: list[list[int]], reach: Array, legs: tuple[_Limb, _Limb]
) -> tuple[int, int]:
    """Neck and head: the branch between the arms, followed to where it forks or ends; −1 where there is none."""
    taken = set(arms.children)
    joint = legs[0].first
    while joint >= 0:  # the way to the legs, should the tree be rooted above them
        taken.add(joint)
        joint = int(take.parents[joint])
    between = [c for c in children[arms.hub] if c not in taken]
    if not between:
        return -1, -1
    # Arms point apart, so the branch that leaves the line between them least is the neck.
    places = take.rest_offsets
    line = places[arms.children[0]] - places[arms.children[1]]
    line = line / max(float(np.linalg.norm(line)), 1e-12)

    def central(c: int) -> float:
        size = max(float(np.linalg.norm(places[c])), 1e-12)
        return abs(float(places[c] @ line)) / size - 0.2 * (reach[c] > 0) - 0.05 * len(children[c])

    chain = [min(between, key=central)]
    while len(children[chain[-1]]) == 1 and len(chain) < 6:
        chain.append(children[chain[-1]][0])
    if len(chain) > 1 and _is_end(take, chain[-1]):
        chain.pop()
    return chain[0], chain[-1]


def _refuse_shapeless(take: Take, legs: tuple[_Limb, _Limb], arms: tuple[_Limb, _Limb]) -> None:
    """Refuse trees whose paired branches are arranged as no body is, neither at rest nor in most frames.

    Raises:
        BadInput: hips and shoulders do not lie across a trunk of a person's size.
    """
    pick = take.spread(64)
    _, moving = kinematics.forward(take.parents, take.rotations[pick], take.translations[pick])
    _, rest = take.rest_world()
    size = max(sum(leg.size for leg in legs) / 2.0, 1e-12)

    def bodily(p: Array) -> np.ndarray:
        hips, shoulders = ([p[..., limb.first, :] for limb in pair] for pair in (legs, arms))
        across, wide = hips[0] - hips[1], shoulders[0] - shoulders[1]
        trunk = (shoulders[0] + shoulders[1] - hips[0] - hips[1]) / 2
        a, w, t = (np.maximum(np.linalg.norm(v, axis=-1), 1e-12) for v in (across, wide, trunk))
        level = (np.abs(np.sum(across * trunk, axis=-1)) < 0.5 * a * t) & (
            np.abs(np.sum(wide * trunk, axis=-1)) < 0.6 * w * t
        )
        parallel = np.abs(np.sum(across * wide, axis=-1)) > 0.3 * a * w
        sized = (a < 0.8 * size) & (w < 1.2 * size) & (t > 0.25 * size) & (t < 2.0 * size)
        return level & parallel & sized

    if not bool(bodily(rest)) and float(bodily(moving).mean()) < 0.5:
        raise BadInput("its paired branches lie as no body's legs and arms do")


def _sides(
    take: Take, legs: tuple[_Limb, _Limb], arms: tuple[_Limb, _Limb]
) -> tuple[tuple[tuple[int, int], tuple[int, int]], float]:
    """Which of two legs and of two arms is left: ``((left leg, right leg), (left arm, right arm))``, and how sure."""
    pick = take.spread(64)
    q, p = kinematics.forward(take.parents, take.rotations[pick], take.translations[pick])
    rest_q, rest_p = take.rest_world()
    q, p = np.concatenate([rest_q[None], q]), np.concatenate([rest_p[None], p])

    def tip(limb: _Limb, fourth: bool) -> Array | None:
        holder = limb.fourth if fourth else limb.third
        if holder >= 0:
            return p[:, holder]
        above = limb.third if fourth else limb.second
        if above >= 0 and take.end_offsets is not None and np.isfinite(take.end_offsets[above]).all():
            return p[:, above] + rot.rotate(q[:, above], take.end_offsets[above])
        return None

    hips = [p[:, leg.first] for leg in legs]
    shoulders = [p[:, arm.first] for arm in arms]
    across, wide = hips[0] - hips[1], shoulders[0] - shoulders[1]
    same = float(np.median(np.sum(across * wide, axis=-1))) >= 0
    arm_order = (0, 1) if same else (1, 0)
    up = (shoulders[0] + shoulders[1]) / 2 - (hips[0] + hips[1]) / 2
    front = np.cross(across, up)  # if leg 0 is the left one
    front = front / np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-12)
    size = max(sum(leg.size for leg in legs) / 2.0, 1e-12)
    vote = 0.0
    for leg in legs:
        ankle, toe = tip(leg, False), tip(leg, True)
        if ankle is None:
            continue
        if toe is not None:
            vote += 4.0 * float(np.median(np.sum((toe - ankle) * front, axis=-1))) / size
        knee, hip = p[:, leg.second], p[:, leg.first]
        vote += 4.0 * float(np.median(np.sum((knee - (hip + ankle) / 2) * front, axis=-1))) / size
    for arm in arms:
        wrist = tip(arm, False)
        if wrist is not None:
            elbow, shoulder = p[:, arm.second], p[:, arm.first]
            vote -= 2.0 * float(np.median(np.sum((elbow - (shoulder + wrist) / 2) * front, axis=-1))) / size
    sure = float(np.clip(abs(vote), 0.0, 1.0))
    if abs(vote) < 0.02:
        # Nothing points forward: a rest pose faces +Z in nearly all files, so left is +X.
        vote = float(across[0][0])
    leg_order = (0, 1) if vote >= 0 else (1, 0)
    if vote < 0:
        arm_order = (arm_order[1], arm_order[0])
    return (leg_order, arm_order), sure


def refuse_beasts(take: Take, found: JointMap) -> None:
    """Refuse four-legged bodies: a trunk across the legs and hands as far down as the feet, at rest and in motion.

    People crawl too, but their rest poses stand, or lie along the bones; a beast's rest pose and its motion agree.

    Raises:
        BadInput: the skeleton walks on four legs.
    """
    pick = take.spread(64)
    _, moving = kinematics.forward(take.parents, take.rotations[pick], take.translations[pick])
    _, rest = take.rest_world()

    def on_fours(p: Array) -> np.ndarray:
        """Per pose, ``(…, J, 3) -> (…,)`` bool."""

        def middle(*parts: str) -> Array:
            picked = [int(found.points[_I[f"{s}_{part}"]]) for part in parts for s in ("left", "right")]
            known = [j for j in picked if j >= 0]
            return p[..., known, :].mean(-2)

        def length(v: Array) -> Array:
            return np.maximum(np.linalg.norm(v, axis=-1), 1e-12)

        hips, shoulders = middle("hip"), middle("shoulder")
        ankle = "ankle" if found.points[_I["left_ankle"]] >= 0 else "knee"
        wrist = "wrist" if found.points[_I["left_wrist"]] >= 0 else "elbow"
        trunk, leg, arm = shoulders - hips, middle(ankle) - hips, middle(wrist) - shoulders
        across = np.abs(np.sum(trunk * leg, axis=-1)) / (length(trunk) * length(leg)) < 0.6
        along = np.sum(arm * leg, axis=-1) / (length(arm) * length(leg)) > 0.6
        return across & along & (length(arm) > 0.5 * length(leg))

    if bool(on_fours(rest)) and float(on_fours(moving).mean()) > 0.5:
        raise BadInput("it walks on four legs (the trunk lies across the legs, and all four limbs point down)")
