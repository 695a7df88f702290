"""Parts of the body by name, as animators say them: "arms", "left hand", "upper body", or any joint of SMPL-24."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from motion import skeleton
from motion.errors import unknown
from motion.prior.constraints import JOINTS

_I = skeleton.INDEX


def _arm(side: str) -> tuple[int, ...]:
    return tuple(_I[f"{side}_{joint}"] for joint in ("collar", "shoulder", "elbow", "wrist", "hand"))


def _leg(side: str) -> tuple[int, ...]:
    return tuple(_I[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle", "foot"))


_HEAD = (_I["neck"], _I["head"])
_SPINE = (_I["spine1"], _I["spine2"], _I["spine3"])
_ARMS = (*_arm("left"), *_arm("right"))
_LEGS = (*_leg("left"), *_leg("right"))

#: Joints of each part. "lower body" and "legs" differ by the pelvis: with it, the way the body travels is kept too.
PARTS: dict[str, tuple[int, ...]] = {
    "arms": _ARMS,
    "left arm": _arm("left"),
    "right arm": _arm("right"),
    "legs": _LEGS,
    "left leg": _leg("left"),
    "right leg": _leg("right"),
    "head": _HEAD,
    "spine": _SPINE,
    "torso": (*_SPINE, *_HEAD),
    "upper body": (*_SPINE, *_HEAD, *_ARMS),
    "lower body": (_I["pelvis"], *_LEGS),
    "whole body": tuple(range(24)),
}
#: Other words for the same.
SAME: dict[str, str] = {
    "arm": "arms", "leg": "legs", "hands": "arms", "feet": "legs", "upper": "upper body", "lower": "lower body",
    "trunk": "torso", "back": "spine", "neck": "head", "body": "whole body", "all": "whole body", "root": "pelvis",
    "hips": "pelvis", "upper_body": "upper body", "lower_body": "lower body", "left_arm": "left arm",
    "right_arm": "right arm", "left_leg": "left leg", "right_leg": "right leg",
}  # fmt: skip
#: Joints as people call them, for points to reach: the palm of a hand, the ball of a foot.
ENDS: dict[str, str] = {
    "left hand": "left_hand", "right hand": "right_hand", "left foot": "left_foot", "right foot": "right_foot",
    "left elbow": "left_elbow", "right elbow": "right_elbow", "left knee": "left_knee", "right knee": "right_knee",
    "left wrist": "left_wrist", "right wrist": "right_wrist", "left ankle": "left_ankle",
    "right ankle": "right_ankle", "hips": "pelvis",
}  # fmt: skip


def joint(name: str) -> int:
    """Number of one joint, by its SMPL name or as people say it ("left hand").

    Raises:
        BadInput: there is no such joint; the nearest names are given.
    """
    plain = " ".join(str(name).strip().lower().replace("-", " ").split())
    found = _I.get(ENDS.get(plain, plain.replace(" ", "_")))
    if found is None:
        raise unknown("joint", name, {*skeleton.JOINTS, *ENDS})
    return found


def mask(names: Iterable[str]) -> np.ndarray:
    """``(24,)`` bool: the joints that these parts and joints are made of.

    Raises:
        BadInput: an unknown name; the nearest are given.
    """
    on = np.zeros(24, dtype=bool)
    for name in names:
        plain = " ".join(str(name).strip().lower().replace("-", " ").split())
        plain = SAME.get(plain, plain)
        if plain in PARTS:
            on[list(PARTS[plain])] = True
        elif plain.replace(" ", "_") in _I:
            on[_I[plain.replace(" ", "_")]] = True
        else:
            raise unknown("part of the body", name, {*PARTS, *skeleton.JOINTS})
    # The hands have no pose of their own in the models: they go with the wrists.
    for side in ("left", "right"):
        on[_I[f"{side}_hand"]] |= on[_I[f"{side}_wrist"]]
    return on


def known_to_models(joints: np.ndarray) -> np.ndarray:
    """``(22,)`` of a ``(24,)`` mask: a hand stands for its wrist."""
    on = np.array(joints[:JOINTS], dtype=bool)
    for side in ("left", "right"):
        on[_I[f"{side}_wrist"]] |= bool(joints[_I[f"{side}_hand"]])
    return on
