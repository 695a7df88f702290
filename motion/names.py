"""Joint names of other programs for SMPL-24: reading any spelling of a body part, and renaming for export.

`parse` splits one name into side and part; `CONVENTIONS` holds each program's own spelling of the 24 joints, which
`rename` writes; `convention_of` says whose names a skeleton carries. The spellings are those that the programs' own
manuals, sample files and exporters show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from motion import skeleton
from motion.errors import unknown

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
#: Leading words that say which program or rig a joint belongs to, not which part of the body it is.
_PREFIXES = frozenset({
    "mixamorig", "mixamo", "rig", "bip", "biped", "valve", "cc", "base", "j", "def", "jnt", "bone", "character",
    "skeleton", "armature", "joint", "avg", "c", "b", "m", "f",
})  # fmt: skip
_SUFFIXES = frozenset(["jnt", "joint", "bone"])

#: Part of the body (a SMPL joint without its side) and the words programs use for it. A word may stand under two parts
#: ("shoulder", "foot", "hand", "hip"); which it is follows from what else the skeleton
#: has, see `motion.retarget.matching`.
PARTS: dict[str, frozenset[str]] = {
    part: frozenset(words.split())
    for part, words in {
        "hip": "upleg upperleg thigh femur legupper upleg0 hip hips",
        "knee": "leg lowerleg lowleg calf shin shank tibia leglower knee",
        "ankle": "ankle foot",
        "foot": "toe toes toebase ball foot toejoint metatarsals",
        "collar": "collar clavicle clavicula clav shoulder scapula shoulderbase collarbone",
        "shoulder": "upperarm uparm arm shldr humerus armupper shoulder",
        "elbow": "forearm lowerarm lowarm radius armlower elbow farm",
        "wrist": "wrist hand",
        "hand": "handmiddle middle mid middleproximal handmiddleproximal fingerbase knuckle hand fingers finger",
        "neck": "neck lowerneck necklower necktwist",
        "head": "head",
        "pelvis": "pelvis hips hip root",
    }.items()
}


@lru_cache(maxsize=65536)
def parse(name: str) -> tuple[str | None, str]:
    """Side (``"left"``, ``"right"`` or None) and the rest of a joint's name, lower case, without prefix and separators.

    >>> parse("mixamorig:LeftUpLeg"), parse("Bip01 R Thigh"), parse("lfemur"), parse("J_Bip_L_UpperLeg")
    (('left', 'upleg'), ('right', 'thigh'), ('left', 'femur'), ('left', 'upperleg'))
    """
    words = _TOKEN.findall(re.split(r"[:|]", name)[-1])
    side: str | None = None
    kept: list[str] = []
    for i, word in enumerate(words):
        lower = word.lower()
        if side is None and lower in _SIDES:
            side = _SIDES[lower]
        elif not kept and ((lower in _PREFIXES and i + 1 < len(words)) or (lower.isdigit() and i > 0)):
            continue
        else:
            kept.append(lower)
    while len(kept) > 1 and kept[-1] in _SUFFIXES and kept[-2] != "hip":
        kept.pop()
    part = "".join(kept)
    if side is None and len(part) > 2:
        for prefix, which in (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right")):
            if part.startswith(prefix) and _sided(part[len(prefix) :]):
                return which, part[len(prefix) :]
        for suffix, which in (("left", "left"), ("right", "right")):
            if part.endswith(suffix) and _sided(part[: -len(suffix)]):
                return which, part[: -len(suffix)]
    return side, part


def _sided(part: str) -> bool:
    """Whether a word names a part that comes in pairs, so that a leading l or r is a side: lfemur, rhumerus, ltoes."""
    return part == "hipjoint" or any(
        part in PARTS[p] for p in ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand")
    )


def is_part(word: str, part: str) -> bool:
    """Whether a parsed word means this part; a number behind it is ignored (``upperarm01``)."""
    words = PARTS[part]
    return word in words or word.rstrip("0123456789") in words


def _table(centre: str, sided: str, left: str, right: str) -> dict[str, str]:
    """SMPL joint to name: six names for the middle of the body, nine patterns for limbs with ``*`` for the side."""
    middle = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
    limbs = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand")
    table = dict(zip(middle, centre.split("|"), strict=True))
    for side, word in (("left", left), ("right", right)):
        table |= {f"{side}_{part}": name.replace("*", word) for part, name in zip(limbs, sided.split("|"), strict=True)}
    return {joint: table[joint] for joint in skeleton.JOINTS}


#: Convention to the name of each SMPL-24 joint in it. The hand joint of SMPL stands at the knuckles: middle finger.
CONVENTIONS: dict[str, dict[str, str]] = {
    "smpl": {joint: joint for joint in skeleton.JOINTS},
    "mixamo": _table(
        "mixamorig:Hips|mixamorig:Spine|mixamorig:Spine1|mixamorig:Spine2|mixamorig:Neck|mixamorig:Head",
        "mixamorig:*UpLeg|mixamorig:*Leg|mixamorig:*Foot|mixamorig:*ToeBase|mixamorig:*Shoulder|mixamorig:*Arm"
        "|mixamorig:*ForeArm|mixamorig:*Hand|mixamorig:*HandMiddle1",
        "Left",
        "Right",
    ),
    "cmu": _table(
        "Hips|LowerBack|Spine|Spine1|Neck|Head",
        "*UpLeg|*Leg|*Foot|*ToeBase|*Shoulder|*Arm|*ForeArm|*Hand|*FingerBase",
        "Left",
        "Right",
    ),
    "humanik": _table(
        "Hips|Spine|Spine1|Spine2|Neck|Head",
        "*UpLeg|*Leg|*Foot|*ToeBase|*Shoulder|*Arm|*ForeArm|*Hand|*HandMiddle1",
        "Left",
        "Right",
    ),
    "unreal": _table(
        "pelvis|spine_01|spine_02|spine_03|neck_01|head",
        "thigh_*|calf_*|foot_*|ball_*|clavicle_*|upperarm_*|lowerarm_*|hand_*|middle_01_*",
        "l",
        "r",
    ),
    "unity": _table(
        "Hips|Spine|Chest|UpperChest|Neck|Head",
        "*UpperLeg|*LowerLeg|*Foot|*Toes|*Shoulder|*UpperArm|*LowerArm|*Hand|*MiddleProximal",
        "Left",
        "Right",
    ),
    "vrm": _table(
        "J_Bip_C_Hips|J_Bip_C_Spine|J_Bip_C_Chest|J_Bip_C_UpperChest|J_Bip_C_Neck|J_Bip_C_Head",
        "J_Bip_*_UpperLeg|J_Bip_*_LowerLeg|J_Bip_*_Foot|J_Bip_*_ToeBase|J_Bip_*_Shoulder|J_Bip_*_UpperArm"
        "|J_Bip_*_LowerArm|J_Bip_*_Hand|J_Bip_*_Middle1",
        "L",
        "R",
    ),
    "vrm1": _table(
        "hips|spine|chest|upperChest|neck|head",
        "*UpperLeg|*LowerLeg|*Foot|*Toes|*Shoulder|*UpperArm|*LowerArm|*Hand|*MiddleProximal",
        "left",
        "right",
    ),
    "rokoko": _table(
        "Hips|Spine1|Spine2|Spine3|Neck|Head",
        "*Thigh|*Shin|*Foot|*Toe|*Shoulder|*Arm|*ForeArm|*Hand|*MiddleProximal",
        "Left",
        "Right",
    ),
    "character-creator": _table(
        "CC_Base_Hip|CC_Base_Waist|CC_Base_Spine01|CC_Base_Spine02|CC_Base_NeckTwist01|CC_Base_Head",
        "CC_Base_*_Thigh|CC_Base_*_Calf|CC_Base_*_Foot|CC_Base_*_ToeBase|CC_Base_*_Clavicle|CC_Base_*_Upperarm"
        "|CC_Base_*_Forearm|CC_Base_*_Hand|CC_Base_*_Mid1",
        "L",
        "R",
    ),
    "biped": _table(
        "Bip01 Pelvis|Bip01 Spine|Bip01 Spine1|Bip01 Spine2|Bip01 Neck|Bip01 Head",
        "Bip01 * Thigh|Bip01 * Calf|Bip01 * Foot|Bip01 * Toe0|Bip01 * Clavicle|Bip01 * UpperArm|Bip01 * Forearm"
        "|Bip01 * Hand|Bip01 * Finger2",
        "L",
        "R",
    ),
    "bandai-namco": _table(
        "Hips|Spine|Spine1|Chest|Neck|Head",
        "UpperLeg_*|LowerLeg_*|Foot_*|Toes_*|Shoulder_*|UpperArm_*|LowerArm_*|Hand_*|Middle_*",
        "L",
        "R",
    ),
    "biovision": _table(
        "Hips|Chest|Chest2|Chest3|Neck|Head",
        "*Hip|*Knee|*Ankle|*Toe|*Collar|*Shoulder|*Elbow|*Wrist|*Knuckle",
        "Left",
        "Right",
    ),
    "poser": _table(
        "hip|waist|abdomen|chest|neck|head",
        "*Thigh|*Shin|*Foot|*Toe|*Collar|*Shldr|*ForeArm|*Hand|*Mid1",
        "l",
        "r",
    ),
    "acclaim": _table(
        "root|lowerback|upperback|thorax|lowerneck|head",
        "*femur|*tibia|*foot|*toes|*clavicle|*humerus|*radius|*hand|*fingers",
        "l",
        "r",
    ),
    "xsens": _table(
        "Pelvis|L5|L3|T8|Neck|Head",
        "*UpperLeg|*LowerLeg|*Foot|*Toe|*Shoulder|*UpperArm|*ForeArm|*Hand|*Middle1",
        "Left",
        "Right",
    ),
    "deepmimic": _table(
        "root|spine1|spine2|chest|neck|head",
        "*_hip|*_knee|*_ankle|*_toe|*_collar|*_shoulder|*_elbow|*_wrist|*_hand",
        "left",
        "right",
    ),
}  # fmt: skip


def rename(convention: str) -> tuple[str, ...]:
    """The 24 joint names of a convention, in SMPL order.

    Raises:
        BadInput: no such convention.
    """
    if convention not in CONVENTIONS:
        raise unknown("naming convention", convention, CONVENTIONS)
    return tuple(CONVENTIONS[convention].values())


def convention_of(names: Iterable[str]) -> tuple[str, float]:
    """The convention that most of a skeleton's names follow, and the share of its 24 names that were found (0 to 1)."""
    have = {_plain(name) for name in names}
    scores = {c: sum(_plain(n) in have for n in table.values()) / 24.0 for c, table in CONVENTIONS.items()}
    best = max(scores, key=lambda c: scores[c])
    return best, scores[best]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.split(r"[:|]", name)[-1].lower())
