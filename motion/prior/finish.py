"""The last centimetres of a sampled clip: keys bent in exactly, hands brought to their points, feet locked if asked.

None of this makes motion; it takes away what sampling left over, and the report says how much that was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motion import contacts, ik, kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.easing import smoothstep
from motion.prior import keyframes
from motion.prior.request import Keys, Reach
from motion.rotations import Array

_I = skeleton.INDEX
#: What is bent in is spread over so many frames on both sides of a key, unless another key is nearer.
SPREAD = 12
#: The place on the floor: over more of them, for a body that shifts within half a second slides.
_WIDE = 45
#: Limbs that inverse kinematics can move: end joint → its three joints, and whether a fourth hangs on it.
_LIMBS: dict[int, tuple[int, int, int]] = {
    _I[f"{side}_{end}"]: tuple(_I[f"{side}_{joint}"] for joint in chain)  # type: ignore[misc]
    for side in ("left", "right")
    for end, chain in {
        "wrist": ("shoulder", "elbow", "wrist"), "hand": ("shoulder", "elbow", "wrist"),
        "ankle": ("hip", "knee", "ankle"), "foot": ("hip", "knee", "ankle"),
    }.items()
}  # fmt: skip

#: Joints that are brought to a point exactly; others come as near as sampling brings them.
BENT = frozenset(_LIMBS)
#: How a turn of the head is shared: of 75 degrees that people turn it, the neck's lower half does a little less than
#: its upper half; beyond that the trunk helps.
_LOOKING: dict[int, float] = {_I["spine2"]: 0.12, _I["spine3"]: 0.18, _I["neck"]: 0.3, _I["head"]: 0.4}


def shares(at: np.ndarray, frames: int, spread: int = SPREAD) -> Array:
    """``(K, T)``: how much of key k's correction each frame takes; 1 at its own frame, 0 at its neighbours'."""
    t = np.arange(frames)
    order = np.unique(at)
    out = np.zeros((len(at), frames))
    for k, frame in enumerate(at):
        place = int(np.searchsorted(order, frame))
        left = min(spread, int(frame - order[place - 1])) if place > 0 else spread
        right = min(spread, int(order[place + 1] - frame)) if place + 1 < len(order) else spread
        distance = np.where(t < frame, (frame - t) / left, (t - frame) / right)
        out[k] = 1.0 - smoothstep(np.clip(distance, 0.0, 1.0))
    return out


def look(clip: Clip, start: int, stop: int, turns: Sequence[tuple[float, float]]) -> Clip:
    """Turn the head to one side after the other between two frames; the trunk takes a share, the feet stay.

    Args:
        clip: 30 fps.
        start: first frame.
        stop: frame after the last.
        turns: radians to the left and down; each gets an equal part of the time.
    """
    if not turns or stop - start < 4:
        return clip
    each = (stop - start) / len(turns)
    ease = min(12.0, each / 3)
    t = np.arange(clip.frames)
    yaw, pitch = np.zeros(clip.frames), np.zeros(clip.frames)
    for k, (side, down) in enumerate(turns):
        first, last = start + k * each, start + (k + 1) * each
        on = smoothstep(np.clip((t - first) / ease, 0, 1)) * smoothstep(np.clip((last - t) / ease, 0, 1))
        yaw += side * on
        pitch += down * on
    rotations = clip.rotations.copy()
    for joint, share in _LOOKING.items():
        turn = rot.multiply(rot.yaw(share * yaw), rot.from_axis("X", share * pitch))
        rotations[:, joint] = rot.multiply(rotations[:, joint], turn)
    return replace(clip, rotations=rotations)


def pin(clip: Clip, keys: Keys, at: np.ndarray) -> Clip:
    """Bend a clip so that it passes exactly through its keys; joints that no key holds keep their own turns.

    Args:
        clip: on the keys' skeleton, 30 fps.
        keys: checked.
        at: ``(K,)`` the frame of each key.
    """
    wanted = keyframes.poses(keys, clip.rest_offsets)
    wanted_world, _ = wanted.world()
    share, wide = shares(at, clip.frames), shares(at, clip.frames, _WIDE)
    rotations, root = clip.rotations.copy(), clip.root_position.copy()
    for k, frame in enumerate(at):
        on = np.ones(24, bool) if keys.joints is None else keys.joints[k]
        local = rotations[frame].copy()
        world, _ = kinematics.forward(skeleton.PARENTS, local, clip.rest_offsets)
        for joint in range(24):
            parent = skeleton.PARENTS[joint]
            above = world[parent] if parent >= 0 else rot.IDENTITY
            if on[joint]:
                local[joint] = rot.multiply(rot.inverse(above), wanted_world[k, joint])
            world[joint] = rot.multiply(above, local[joint])
        change = rot.to_rotvec(rot.multiply(rot.inverse(rotations[frame]), local))
        near = share[k] > 0
        rotations[near] = rot.multiply(rotations[near], rot.from_rotvec(share[k][near, None, None] * change))
        if on[0] and keys.root_position is not None:
            left = wanted.root_position[k] - root[frame]
            root += wide[k][:, None] * left * [1.0, 0.0, 1.0] + share[k][:, None] * left * [0.0, 1.0, 0.0]
    return replace(clip, rotations=rot.normalize(rotations), root_position=root)


def onto_path(clip: Clip, at: np.ndarray, points: Array) -> Clip:
    """Carry a clip over to its path where sampling drifted away from it; sway and stride stay.

    Args:
        clip: 30 fps.
        at: ``(K,)`` frames on which the path says where to be, in order.
        points: ``(K, 2)`` metres, x and z.
    """
    from scipy.ndimage import gaussian_filter1d

    frames = clip.frames
    every = np.arange(frames)
    flat = clip.root_position[:, [0, 2]]
    off = np.stack([np.interp(every, at, points[:, k] - flat[at, k]) for k in range(2)], -1)
    pad = min(frames - 1, 90)
    if pad:
        off = np.pad(off, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
    # A second: what is slower than a stride is drift, what is faster is how one walks.
    off = gaussian_filter1d(off, 30.0, axis=0, mode="nearest")[pad : pad + frames]
    return replace(clip, root_position=clip.root_position + np.stack([off[:, 0], 0 * off[:, 0], off[:, 1]], -1))


def bent_through(way: Array, at: np.ndarray, missed: Array) -> Array:
    """A way over the floor ``(T, 2)``, smoothed, and carried by what it missed at some frames.

    Args:
        way: metres, x and z of a root at 30 fps.
        at: ``(K,)`` frames in order.
        missed: ``(K, 2)`` metres to add there; between them it changes evenly.
    """
    from scipy.ndimage import gaussian_filter1d

    every = np.arange(len(way))
    off = np.stack([np.interp(every, at, missed[:, k]) for k in range(2)], -1)
    pad = min(len(way) - 1, 45)
    wide = np.pad(way + off, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd") if pad else way + off
    # A quarter of a second: the width by which the models smooth a root into the way one walks.
    return np.asarray(gaussian_filter1d(wide, 7.5, axis=0, mode="nearest")[pad : pad + len(way)])


def reach(clip: Clip, points: Sequence[Reach], joints: Sequence[int], at: Sequence[tuple[int, int]]) -> Clip:
    """Bring hands (and feet) to their points by bending their own limb, eased in and out; those not in `BENT` are left.

    Args:
        clip: 30 fps.
        points: what to reach.
        joints: SMPL-24 number of each one's joint.
        at: first and last frame of each.
    """
    for point, joint, (first, last) in zip(points, joints, at, strict=True):
        if joint not in _LIMBS:
            continue
        i, j, k = _LIMBS[joint]
        world, positions = clip.world()
        t = np.arange(clip.frames)
        outside = np.maximum(np.maximum(first - t, t - last), 0) / SPREAD
        share = 1.0 - smoothstep(np.clip(outside, 0.0, 1.0))
        nearest = np.clip(t, first, last)
        miss = np.asarray(point.point) - positions[nearest, joint]
        goal = positions[:, k] + share[:, None] * miss
        upper, lower = float(np.linalg.norm(clip.rest_offsets[j])), float(np.linalg.norm(clip.rest_offsets[k]))
        bend = positions[:, j] - 0.5 * (positions[:, i] + positions[:, k])
        span = np.linalg.norm(positions[:, k] - positions[:, i], axis=-1)
        middle, end = ik.two_bone(positions[:, i], goal, upper, lower, bend, stretched=span)
        new = world.copy()
        new[:, i] = ik.swing_to(world[:, i], clip.rest_offsets[j], middle - positions[:, i])
        new[:, j] = ik.swing_to(world[:, j], clip.rest_offsets[k], end - middle)
        moved = share > 0
        local = clip.rotations.copy()
        # The end keeps its turn in the world: a palm does not roll because the elbow moved.
        changed = kinematics.to_local(skeleton.PARENTS, new)
        local[moved] = changed[moved]
        clip = replace(clip, rotations=rot.normalize(local))
    return clip


def lock_feet(clip: Clip) -> Clip:
    """Hold feet where they stand: the slide of each stance is taken out and shared over the swings around it.

    Simple on purpose: soles neither lift nor press here. Physics clean-up does that and more.
    """
    from motion.retarget import feet

    on = (clip.contacts or contacts.detect(clip)).on
    points = contacts.foot_points(clip)
    world, positions = clip.world()
    targets: dict[str, Array] = {}
    planted: dict[str, np.ndarray] = {}
    for s, side in enumerate(("left", "right")):
        ankle = positions[:, _I[f"{side}_ankle"]]
        offset = _held(points[:, 2 * s : 2 * s + 2], on[:, 2 * s : 2 * s + 2])
        targets[side], planted[side] = ankle + offset, np.asarray(on[:, 2 * s : 2 * s + 2].any(1))
    new, root = feet.reach(world, clip.root_position, clip.rest_offsets, targets, planted, clip.fps)
    rotations = kinematics.to_local(skeleton.PARENTS, new)
    return replace(clip, rotations=rot.normalize(rotations), root_position=root)


def _held(points: Array, on: np.ndarray) -> Array:
    """What to add to a foot ``(T, 3)``, level, so that its heel or ball ``(T, 2, 3)`` stays put while it stands."""
    frames = len(on)
    stands = on.any(1)
    offset, known = np.zeros((frames, 2)), np.zeros(frames, bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stands, [False]]).astype(np.int8)))
    for a, b in edges.reshape(-1, 2):
        here = np.zeros((b - a, 2))
        for t in range(a + 1, b):
            # The part that stood in both frames is the one that must not move; the heel gives over to the ball.
            both = on[t] & on[t - 1]
            part = 1 if both[1] else 0
            here[t - a] = here[t - a - 1] - (points[t, part] - points[t - 1, part])[[0, 2]]
        offset[a:b] = here - here.mean(0)
        known[a:b] = True
    if not known.any():
        return np.zeros((frames, 3))
    at, every = np.flatnonzero(known), np.arange(frames)
    level = np.stack([np.interp(every, at, offset[at, k]) for k in range(2)], -1)
    return np.stack([level[:, 0], np.zeros(frames), level[:, 1]], -1)
