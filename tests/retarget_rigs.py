"""Rigs for the retargeting tests: one synthetic performance, and the same as other programs would store it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.retarget import clip_to_take
from motion.retarget.source import TEMPLATE
from motion.take import Take

INDEX = skeleton.INDEX


def performance(frames: int = 60, fps: int = 30, seed: int = 3) -> Clip:
    """Two feet planted for a second while knees, spine, arms and head move; then the right foot is lifted."""
    random = np.random.default_rng(seed)
    time = np.arange(frames) / fps
    rotations = np.tile(rot.IDENTITY, (frames, 24, 1))
    bend = 0.35 + 0.2 * np.sin(2 * time)
    lift = 0.6 * np.clip((time - 1.2) / 0.6, 0, 1)
    for side, extra in (("left", 0.0), ("right", 1.0)):
        knee = bend + extra * lift
        rotations[:, INDEX[f"{side}_hip"]] = rot.from_axis("X", -0.5 * knee - 0.3 * extra * lift)
        rotations[:, INDEX[f"{side}_knee"]] = rot.from_axis("X", knee)
        rotations[:, INDEX[f"{side}_ankle"]] = rot.from_axis("X", -0.5 * knee + 0.3 * extra * lift)
        sign = 1.0 if side == "left" else -1.0
        drop = rot.from_axis("Z", -sign * (1.1 - 0.9 * np.clip(np.sin(time + extra), 0, 1)))
        rotations[:, INDEX[f"{side}_shoulder"]] = rot.multiply(rot.from_axis("Y", sign * 0.2 * np.cos(3 * time)), drop)
        rotations[:, INDEX[f"{side}_elbow"]] = rot.from_axis("Y", -sign * (0.6 + 0.5 * np.sin(2 * time + extra)))
        rotations[:, INDEX[f"{side}_wrist"]] = rot.from_axis("X", 0.3 * np.sin(time))
        rotations[:, INDEX[f"{side}_collar"]] = rot.from_axis("Z", sign * 0.1 * np.sin(time + extra))
    for joint in ("spine1", "spine2", "spine3", "neck", "head"):
        wave = random.normal(0, 0.06, (1, 3)) * np.sin(time + random.uniform(0, 3))[:, None]
        rotations[:, INDEX[joint]] = rot.from_rotvec(wave)
    offsets = np.repeat(TEMPLATE[None], frames, axis=0)
    offsets[:, 0] = 0.0
    _, positions = kinematics.forward(skeleton.PARENTS, rotations, offsets)
    root = -positions[:, INDEX["left_ankle"]] + [0.085, TEMPLATE[[0, 1, 4, 7], 1].sum(), 0.0]
    return Clip(rotations, root, TEMPLATE, Fraction(fps))


def reframed(take: Take, seed: int = 5, rest: bool = True, along_x: bool = False) -> Take:
    """The same motion with other joint axes: random ones, or each bone along its own x axis as some exporters write.

    With ``rest`` the take knows its T-pose; without, zero angles are no pose that a person could take.
    """
    random = np.random.default_rng(seed)
    turns = rot.normalize(random.normal(size=(take.joints, 4)))
    if along_x:
        # The bone towards the next joint is the x axis; its continuation shares the axes, as on a drawing board.
        for j in range(take.joints):
            below = np.flatnonzero(take.parents == j)
            bone = take.rest_offsets[below[-1]] if len(below) else np.array([1.0, 0.0, 0.0])
            parent = turns[take.parents[j]] if take.parents[j] >= 0 else rot.IDENTITY
            now = rot.rotate(parent, [1.0, 0.0, 0.0])
            turns[j] = rot.multiply(rot.between(now, bone), parent)
    world, _ = take.world()
    parent_turns = np.where((take.parents >= 0)[:, None], turns[np.maximum(take.parents, 0)], rot.IDENTITY)
    inverse = rot.inverse(parent_turns)
    return replace(
        take,
        rotations=kinematics.to_local(take.parents, rot.multiply(world, turns)),
        rest_offsets=rot.rotate(inverse, take.rest_offsets),
        translations=rot.rotate(inverse, take.translations),
        rest_rotations=kinematics.to_local(take.parents, turns) if rest else None,
        end_offsets=None if take.end_offsets is None else rot.rotate(rot.inverse(turns), take.end_offsets),
    )


def posed_rest(take: Take, pose: dict[str, np.ndarray]) -> Take:
    """The same motion on a rig modelled in another rest pose, identity frames there: joint name -> local turn.

    What an A-pose file of this motion looks like: offsets are those of the posed skeleton, and rotations start there.
    """
    local = np.tile(rot.IDENTITY, (take.joints, 1))
    for name, turn in pose.items():
        local[take.names.index(name)] = turn
    posed, _ = kinematics.forward(take.parents, local, take.rest_offsets)
    world, _ = take.world()
    parent_posed = np.where((take.parents >= 0)[:, None], posed[np.maximum(take.parents, 0)], rot.IDENTITY)
    return replace(
        take,
        rotations=kinematics.to_local(take.parents, rot.multiply(world, rot.inverse(posed))),
        rest_offsets=rot.rotate(parent_posed, take.rest_offsets),
        translations=rot.rotate(parent_posed, take.translations),
        end_offsets=None if take.end_offsets is None else rot.rotate(posed, take.end_offsets),
    )


def a_pose(take: Take, degrees: float = 45.0) -> Take:
    """`posed_rest` with both arms lowered."""
    angle = np.radians(degrees)
    turns = {}
    for name in take.names:
        low = name.lower()
        if "left" in low and low.split("left")[-1].strip("_") in ("arm", "shoulder") and _is_arm(take, name):
            turns[name] = rot.from_axis("Z", -angle)
        if "right" in low and low.split("right")[-1].strip("_") in ("arm", "shoulder") and _is_arm(take, name):
            turns[name] = rot.from_axis("Z", angle)
    assert len(turns) == 2, turns
    return posed_rest(take, turns)


def _is_arm(take: Take, name: str) -> bool:
    words = [n.lower() for n in take.names]
    return "arm" in name.lower() or not any(n.endswith("leftarm") for n in words)


def world_changed(
    take: Take, turn: np.ndarray, scale: float = 1.0, shift: tuple[float, float, float] = (0, 0, 0)
) -> Take:
    """The take with its world turned, scaled and shifted, the skeleton's rest included."""
    rotations, translations = take.rotations.copy(), take.translations * scale
    offsets = take.rest_offsets * scale
    rest = np.tile(rot.IDENTITY, (take.joints, 1)) if take.rest_rotations is None else take.rest_rotations.copy()
    for j in np.flatnonzero(take.parents < 0):
        rotations[:, j] = rot.multiply(turn, rotations[:, j])
        rest[j] = rot.multiply(turn, rest[j])
        translations[:, j] = rot.rotate(turn, translations[:, j]) + np.asarray(shift)
        offsets[j] = rot.rotate(turn, offsets[j])
    return replace(
        take, rotations=rotations, translations=translations, rest_offsets=offsets, rest_rotations=rest,
        end_offsets=None if take.end_offsets is None else take.end_offsets * scale,
    )  # fmt: skip


def without(take: Take, *names: str) -> Take:
    """The take without some leaf joints (and what hangs on them), their places kept as end sites."""
    drop = {take.names.index(name) for name in names}
    for j, parent in enumerate(take.parents):
        if int(parent) in drop:
            drop.add(j)
    ends = np.full((take.joints, 3), np.nan) if take.end_offsets is None else take.end_offsets.copy()
    for j in drop:
        if take.parents[j] >= 0 and int(take.parents[j]) not in drop:
            ends[take.parents[j]] = take.rest_offsets[j]
    keep = [j for j in range(take.joints) if j not in drop]
    place = {j: k for k, j in enumerate(keep)}
    return replace(
        take, names=tuple(take.names[j] for j in keep),
        parents=np.array([place.get(int(take.parents[j]), -1) for j in keep]), rest_offsets=take.rest_offsets[keep],
        rotations=take.rotations[:, keep], translations=take.translations[:, keep],
        end_offsets=ends[keep], rest_rotations=None if take.rest_rotations is None else take.rest_rotations[keep],
        skeleton_kind=None,
    )  # fmt: skip


def split_bone(take: Take, joint: str, names: tuple[str, ...]) -> Take:
    """The take with joints inserted above ``joint``, evenly along its bone: extra spine joints, in-line twist bones."""
    at = take.names.index(joint)
    parent = int(take.parents[at])
    count = len(names)
    order = [*range(at), *[-1 - k for k in range(count)], *range(at, take.joints)]
    place = {old: new for new, old in enumerate(order) if old >= 0}
    share = take.rest_offsets[at] / (count + 1)
    parents, offsets, rotations, translations, labels = [], [], [], [], []
    for new, old in enumerate(order):
        if old < 0:
            labels.append(names[-1 - old])
            parents.append(place[parent] if old == -1 else new - 1)
            offsets.append(share)
            rotations.append(np.tile(rot.IDENTITY, (take.frames, 1)))
            translations.append(np.tile(share, (take.frames, 1)))
        else:
            labels.append(take.names[old])
            inserted = old == at
            parents.append(new - 1 if inserted else place.get(int(take.parents[old]), -1))
            offsets.append(share if inserted else take.rest_offsets[old])
            rotations.append(take.rotations[:, old])
            translations.append(np.tile(share, (take.frames, 1)) if inserted else take.translations[:, old])
    return replace(
        take, names=tuple(labels), parents=np.array(parents), rest_offsets=np.array(offsets),
        rotations=np.stack(rotations, axis=1), translations=np.stack(translations, axis=1), end_offsets=None,
        rest_rotations=None, skeleton_kind=None,
    )  # fmt: skip


def mixamo(clip: Clip | None = None) -> Take:
    """The synthetic performance under Mixamo's names."""
    return clip_to_take(clip or performance(), names="mixamo")


def mirrored(take: Take) -> Take:
    """The take seen in a mirror (x to −x), left and right names exchanged."""

    def other(name: str) -> str:
        swap = {"Left": "Right", "Right": "Left", "left": "right", "right": "left"}
        for word, twin in swap.items():
            if word in name:
                return name.replace(word, twin)
        return name

    order = [take.names.index(other(name)) for name in take.names]
    flip_v, flip_q = np.array([-1.0, 1.0, 1.0]), np.array([1.0, -1.0, -1.0, 1.0])
    return replace(
        take, rest_offsets=take.rest_offsets[order] * flip_v, rotations=take.rotations[:, order] * flip_q,
        translations=take.translations[:, order] * flip_v,
        end_offsets=None if take.end_offsets is None else take.end_offsets[order] * flip_v,
    )  # fmt: skip


def rehung(take: Take, parents: dict[str, str]) -> Take:
    """The same world motion with some joints hanging on others: joint name -> new parent, which stands before it."""
    new = np.array(
        [
            take.names.index(parents[n]) if n in parents else int(p)
            for n, p in zip(take.names, take.parents, strict=True)
        ]
    )
    world_q, world_p = take.world()
    rest_q, rest_p = take.rest_world()

    def local(q: np.ndarray, p: np.ndarray) -> np.ndarray:
        back = rot.inverse(q[..., np.maximum(new, 0), :])
        steps = rot.rotate(back, p - p[..., np.maximum(new, 0), :])
        return np.where((new >= 0)[:, None], steps, p)

    return replace(
        take, parents=new, rotations=kinematics.to_local(new, world_q), translations=local(world_q, world_p),
        rest_rotations=kinematics.to_local(new, rest_q), rest_offsets=local(rest_q, rest_p),
    )  # fmt: skip


def with_joint(take: Take, name: str, at: str, children: tuple[str, ...]) -> Take:
    """The take with a joint of identity turn at the place of ``at``, its child, carrying some of its children."""
    j = take.names.index(at)
    order = [*range(j + 1), -1, *range(j + 1, take.joints)]
    place = {old: new for new, old in enumerate(order) if old >= 0}

    def spliced(values: np.ndarray, filler: np.ndarray, axis: int) -> np.ndarray:
        return np.insert(values, j + 1, filler, axis=axis)

    parents = [place[j] if old < 0 else place.get(int(take.parents[old]), -1) for old in order]
    for child in children:
        parents[place[take.names.index(child)]] = j + 1
    return replace(
        take, names=tuple(name if old < 0 else take.names[old] for old in order), parents=np.array(parents),
        rest_offsets=spliced(take.rest_offsets, np.zeros(3), 0), rotations=spliced(take.rotations, rot.IDENTITY, 1),
        translations=spliced(take.translations, np.zeros(3), 1), end_offsets=None, skeleton_kind=None,
        rest_rotations=None if take.rest_rotations is None else spliced(take.rest_rotations, rot.IDENTITY, 0),
    )  # fmt: skip
