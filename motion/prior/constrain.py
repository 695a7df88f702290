"""Poses, places and points written into `Constraints`, as the models were trained to read them; numpy only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion import skeleton
from motion.clip import Clip, ContactTrack
from motion.errors import BadInput
from motion.prior.constraints import JOINTS, Constraints
from motion.rotations import Array

_I = skeleton.INDEX
#: A body whose hips and shoulders are this upright (share of their width that is level) has no heading of its own.
_LEVEL = 0.3


def facing(clip: Clip) -> tuple[Array, np.ndarray]:
    """Heading of each frame, radians ``(T,)``, from hips and shoulders, and whether there is one ``(T,)`` bool.

    As the models measure it; lying on the side or standing on the head leaves it undefined.
    """
    world, positions = clip.world()
    across = positions[:, _I["left_hip"]] - positions[:, _I["right_hip"]]
    across = across + positions[:, _I["left_shoulder"]] - positions[:, _I["right_shoulder"]]
    level = np.hypot(across[:, 0], across[:, 2]) > _LEVEL * np.linalg.norm(across, axis=1)
    forward = rot.rotate(world[:, 0], np.array([0.0, 0.0, 1.0]))
    yaw = np.where(level, np.arctan2(-across[:, 2], across[:, 0]), np.arctan2(forward[:, 0], forward[:, 2]))
    return yaw, level | (np.hypot(forward[:, 0], forward[:, 2]) > _LEVEL)


def pick(clip: Clip, index: ArrayLike) -> Clip:
    """The frames that an index ``(K,)`` names, untouched."""
    at = np.asarray(index, dtype=np.int64)
    return replace(
        clip,
        rotations=clip.rotations[at],
        root_position=clip.root_position[at],
        fingers=None if clip.fingers is None else clip.fingers[at],
        contacts=None if clip.contacts is None else ContactTrack(clip.contacts.labels, clip.contacts.on[at]),
    )


def hold(
    into: Constraints,
    at: ArrayLike,
    clip: Clip,
    joints: np.ndarray | None = None,
    *,
    placed: bool = True,
    places: bool = True,
) -> None:
    """Hold poses at frames: the whole body, or some of its joints.

    Args:
        into: changed in place.
        at: ``(K,)`` frames.
        clip: ``K`` poses on the models' skeleton.
        joints: ``(22,)`` or ``(K, 22)`` bool; None: all.
        placed: False leaves open where on the floor the poses stand (their height and heading hold).
        places: True holds the joints' places as well as their turns; for parts the models learned turns alone.
    """
    at = np.asarray(at, dtype=np.int64)
    if len(at) == 0:
        return
    if at.min() < 0 or at.max() >= into.frames:
        raise BadInput(f"constraints: frame {int(at.max())} of {into.frames}")
    on = np.ones((len(at), JOINTS), bool) if joints is None else np.broadcast_to(joints, (len(at), JOINTS))
    world, positions = clip.world()
    turn = on[..., None]
    into.rotations[at] = np.where(turn, world[:, :JOINTS], into.rotations[at])
    into.rotations_on[at] |= on
    root = on[:, 0]
    yaw, faces = facing(clip)
    into.heading[at] = np.where(root, yaw, into.heading[at])
    into.heading_on[at] |= root & faces
    into.pelvis[at] = np.where(root[:, None], clip.root_position, into.pelvis[at])
    into.pelvis_on[at] |= root[:, None] & np.array([placed, True])
    if placed and places:
        into.positions[at] = np.where(turn, positions[:, :JOINTS], into.positions[at])
        into.positions_on[at] |= on


def follow(into: Constraints, at: ArrayLike, points: ArrayLike, heading: ArrayLike | None = None) -> None:
    """Walk through floor points ``(K, 2)`` (x, z) at frames; ``heading`` (K,) radians says where to look as well."""
    at = np.asarray(at, dtype=np.int64)
    into.path[at] = points
    into.path_on[at] = True
    if heading is not None:
        into.heading[at] = heading
        into.heading_on[at] = True


def touch(into: Constraints, at: ArrayLike, joint: int, point: ArrayLike) -> None:
    """Have a joint (one of the models' 22) at a world point at frames."""
    at = np.asarray(at, dtype=np.int64)
    into.positions[at, joint] = point
    into.positions_on[at, joint] = True


def any_place(constraints: Constraints) -> bool:
    """Whether anything says where on the floor the motion is."""
    return bool(constraints.path_on.any() or constraints.pelvis_on[:, 0].any() or constraints.positions_on.any())


def any_heading(constraints: Constraints) -> bool:
    """Whether anything says which way the motion faces."""
    return bool(
        constraints.heading_on.any()
        or constraints.rotations_on.any()
        or constraints.path_on.sum() + constraints.pelvis_on[:, 0].sum() > 1
    )


def padded(constraints: Constraints, frames: int) -> Constraints:
    """The constraints with free frames after them, ``frames`` in all."""
    out = Constraints.none(frames)
    overlay(out, 0, constraints)
    return out


def overlay(into: Constraints, at: int, more: Constraints) -> None:
    """Write the targets of ``more`` over those of ``into`` from frame ``at`` on; what sticks out is lost."""
    first, last = max(0, -at), min(more.frames, into.frames - at)
    if last <= first:
        return
    here, there = slice(at + first, at + last), slice(first, last)
    for name in ("path", "pelvis", "heading", "rotations", "positions", "contacts"):
        target, on = getattr(into, name), getattr(into, f"{name}_on")
        new, new_on = getattr(more, name)[there], getattr(more, f"{name}_on")[there]
        if name == "pelvis":  # level and height come on their own
            which = np.stack([new_on[:, 0], new_on[:, 1], new_on[:, 0]], -1)
        else:
            which = new_on.reshape(*new_on.shape, *([1] * (new.ndim - new_on.ndim)))
        target[here] = np.where(which, new, target[here])
        on[here] |= new_on
