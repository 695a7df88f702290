"""Hands that a source lacks: relaxed in line with the forearm, and laid on the floor where they would go through it."""

from __future__ import annotations

import numpy as np

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.rotations import Array

_I = skeleton.INDEX
_CLEAR = 0.015  # m that finger tips stay above the floor: half a finger's thickness
_EXTENSION = np.radians(85.0)  # how far a wrist bends back under load
_LENGTH = 1.9  # wrist to finger tip over wrist to knuckle


def lay_hands(world: Array, root: Array, offsets: Array, sides: tuple[str, ...]) -> Array:
    """Bend wrists back so that hands lie on the floor instead of going through it.

    Args:
        world: ``(T, 24, 4)`` joint-to-world rotations.
        root: ``(T, 3)`` pelvis, metres, floor at y = 0.
        offsets: ``(24, 3)`` the target's T-pose.
        sides: which hands; those that the source moves itself are its own affair.

    Returns:
        World rotations with new wrists and hands. A hand clear of the floor is left bit for bit.
    """
    if not sides:
        return world
    translations = np.repeat(offsets[None], len(root), axis=0)
    translations[:, 0] = root
    _, places = kinematics.forward(skeleton.PARENTS, kinematics.to_local(skeleton.PARENTS, world), translations)
    world = world.copy()
    for side in sides:
        wrist, hand = _I[f"{side}_wrist"], _I[f"{side}_hand"]
        length = _LENGTH * float(np.linalg.norm(offsets[hand]))
        if length < 1e-6:
            continue
        along = rot.rotate(world[:, wrist], offsets[hand] / np.linalg.norm(offsets[hand]))
        height = places[:, wrist, 1]
        lowest = np.clip((_CLEAR - height) / length, -1.0, 0.0)  # sine of the elevation that keeps tips clear
        missing = np.arcsin(lowest) - np.arcsin(np.clip(along[:, 1], -1.0, 1.0))
        low = (missing > 0) & (height > -0.1)
        if not low.any():
            continue
        # Fingers swing towards the back of the hand; a hand that only just touches keeps its heading.
        back = rot.rotate(world[:, wrist], np.array([0.0, 1.0, 0.0]))
        level = np.array([1.0, 0.0, 1.0])
        heading = along * level + np.clip(missing, 0.0, None)[:, None] * back * level
        heading /= np.maximum(np.linalg.norm(heading, axis=-1, keepdims=True), 1e-9)
        goal = heading * np.sqrt(1.0 - lowest**2)[:, None]
        goal[:, 1] = lowest
        turn = rot.to_rotvec(rot.between(along, goal))
        angle = np.linalg.norm(turn, axis=-1, keepdims=True)
        turn *= np.minimum(1.0, _EXTENSION / np.maximum(angle, 1e-9))
        bent = rot.from_rotvec(turn)
        for j in (wrist, hand):
            world[:, j] = np.where(low[:, None], rot.normalize(rot.multiply(bent, world[:, j])), world[:, j])
    return world
