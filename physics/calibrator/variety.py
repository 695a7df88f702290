"""Captures made into those of other rigs, bodies and cameras, so that clean is not taken for what one studio does.

A corpus of few sources gives itself away: a spine that never bends in its middle joint, feet that are level to a tenth
of a degree, no tremor at all. What trembled in such a channel would be a fault there, and a sound capture elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from motion import skeleton
from motion.prior import poses
from motion.prior.constraints import JOINTS
from physics.calibrator.distort import Chance, smooth_noise
from physics.calibrator.features import smooth
from physics.calibrator.motions import Motions, from_rotvec, to_rotvec

#: How often a body has other proportions than the corpus's, a rig another share of bends, and a capture its own tremor.
RESHAPED, RESHARED, TREMBLING = 0.5, 0.35, 0.5
#: How often arms and trunk are another performer's, move more or less than they did, and joints that were still move
#: with others.
SWAPPED, EXAGGERATED, BORROWED = 0.3, 0.5, 0.4
#: What their motion is multiplied by, and what of another joint's motion a joint borrows, at most.
EXAGGERATION, BORROWING = (0.5, 2.0), 0.25
#: Tremor of sound captures, radians at each joint and metres at the pelvis.
TREMOR_RAD, TREMOR_M = (0.0004, 0.006), (0.0001, 0.001)
#: What a joint may be off all the time, radians: the upper body, and the ankles.
BIAS_RAD, ANKLE_BIAS_RAD = 0.05, 0.012
_I = skeleton.INDEX
_SIDES = ("left", "right")
_ARMS = [_I[f"{s}_{b}"] for s in _SIDES for b in ("shoulder", "elbow", "wrist")]
_TRUNK = [_I[b] for b in ("spine1", "spine2", "spine3", "neck", "head", "left_collar", "right_collar")]
_HIPS = [_I["left_hip"], _I["right_hip"]]
_ANKLES = [_I["left_ankle"], _I["right_ankle"]]
_UPPER = [j for j in range(JOINTS) if j not in (0, 1, 2, 4, 5, 7, 8, 10, 11)]
#: A joint and the one after it, between which rigs share a bend as they like.
_PAIRS = [
    (_I[a], _I[b])
    for a, b in (
        ("spine1", "spine2"), ("spine2", "spine3"), ("neck", "head"),
        ("left_collar", "left_shoulder"), ("right_collar", "right_shoulder"),
    )
]  # fmt: skip


def varied(clean: Motions, chance: Chance) -> Motions:
    """A batch on other bodies, with bends shared otherwise, off by a little, and trembling as much as captures may."""
    rows, frames = clean.local.shape[:2]
    offsets, size = _bodies(clean.offsets, chance)
    local = _reshared(_acted(clean.local, chance), chance)
    bias = chance.normal(rows, 1, JOINTS, 3) * BIAS_RAD * chance.uniform(0.0, 1.0, rows, 1, 1, 1)
    bias[:, :, :9] = 0.0
    bias[:, :, _ANKLES] = chance.normal(rows, 1, 2, 3) * ANKLE_BIAS_RAD
    bias = bias * chance.happens(0.5, rows)[:, None, None, None]
    # Joints that are still in one rig move a little in another.
    idle = smooth_noise(chance, frames, 3 * JOINTS, chance.scaled((0.3, 1.5), rows)).unflatten(-1, (JOINTS, 3))
    idle = idle * chance.scaled((0.005, 0.05), rows, 1, JOINTS, 1) * chance.happens(0.15, rows, 1, JOINTS, 1)
    idle = idle * chance.happens(0.4, rows)[:, None, None, None]
    idle[:, :, :9] = 0.0
    tremor, shift = _tremor(chance, rows, frames)
    local = poses.multiply(local, from_rotvec(bias + idle + tremor))
    root = (clean.root + shift) * size[:, None, None]
    return replace(clean, local=local, root=root, offsets=offsets)


def _bodies(offsets: Tensor, chance: Chance) -> tuple[Tensor, Tensor]:
    """Bones ``(B, 22, 3)``, many with proportions of their own, and how tall they are against the corpus's ``(B,)``."""
    rows = len(offsets)
    other = chance.happens(RESHAPED, rows)[:, None, None]
    offsets = offsets.clone()
    for part in (_ARMS, _TRUNK, _HIPS):
        offsets[:, part] = offsets[:, part] * torch.where(other, chance.uniform(0.85, 1.15, rows, 1, 1), 1.0)
    size = torch.where(other[:, 0, 0], chance.scaled((0.7, 1.3), rows), 1.0)
    return offsets * size[:, None, None], size


def _acted(local: Tensor, chance: Chance) -> Tensor:
    """Arms and trunk of other performers, moving more or less, and some joints with others."""
    rows = len(local)
    upper = local[:, :, _UPPER]
    other = upper.roll(1, 0)
    upper = torch.where(chance.happens(SWAPPED, rows, 1, 1, 1), other, upper)
    usual = torch.nn.functional.normalize(smooth(upper.flatten(2), 15.0).unflatten(-1, upper.shape[2:]), dim=-1)
    motion = to_rotvec(poses.multiply(poses.inverse(usual), upper))
    often = chance.happens(EXAGGERATED, rows, 1, 1, 1)
    motion = motion * torch.where(often, chance.scaled(EXAGGERATION, rows, 1, 1, 1), 1.0)
    upper = poses.multiply(usual, from_rotvec(motion))
    # What a joint borrows: three of all the numbers that move, each by its share.
    everything = to_rotvec(poses.multiply(poses.inverse(local[:, :1]), local)).flatten(2)
    everything = everything - everything.mean(1, keepdim=True)
    numbers = 3 * JOINTS
    share = chance.normal(rows, numbers, numbers) * (BORROWING / 2)
    share = share * chance.happens(3.0 / numbers, rows, numbers, numbers)
    takes = chance.happens(0.4, rows, 1, JOINTS) & chance.happens(BORROWED, rows, 1, 1)
    share = share * takes.repeat_interleave(3, -1)
    share[:, :, :27] *= 0.15  # legs and what they carry would leave the floor
    lent = (everything.clamp(-1.5, 1.5) @ share).unflatten(-1, (JOINTS, 3))
    local = local.clone()
    local[:, :, _UPPER] = upper
    return poses.multiply(local, from_rotvec(lent))


def _reshared(local: Tensor, chance: Chance) -> Tensor:
    """Bends handed on between neighbouring joints; ends of the chains stay turned as they were."""
    rows = len(local)
    joints = list(local.unbind(2))
    for a, b in _PAIRS:
        happens = chance.happens(RESHARED, rows)
        down, up = chance.uniform(0.0, 1.0, rows) * happens, chance.uniform(0.0, 1.0, rows) * happens
        first, rest = _split(joints[a], down)
        joints[a], joints[b] = first, poses.multiply(rest, joints[b])
        if b in _TRUNK[:3] + [_I["head"]]:
            rest, first = _split(joints[b], up)
            joints[a], joints[b] = poses.multiply(joints[a], first), rest
    return torch.stack(joints, 2)


def _split(q: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Two turns about one axis that make ``q (B, T, 4)`` together; the second is so much of it."""
    vector = to_rotvec(q)
    second = from_rotvec(vector * share[:, None, None])
    return from_rotvec(vector * (1.0 - share)[:, None, None]), second


def _tremor(chance: Chance, rows: int, frames: int) -> tuple[Tensor, Tensor]:
    """Turns ``(B, T, 22, 3)`` and shifts ``(B, T, 3)`` of a capture that is sound all the same."""
    columns = 3 * JOINTS + 3
    smooth = smooth_noise(chance, frames, columns, chance.scaled((1.5, 10.0), rows))
    white = chance.normal(rows, frames, columns)
    values = torch.where(chance.happens(0.4, rows, 1, 1), white, smooth)
    some = chance.happens(0.7, rows, 1, columns // 3).repeat_interleave(3, -1)
    values = values * some * chance.happens(TREMBLING, rows, 1, 1)
    turns = values[..., 3:].unflatten(-1, (JOINTS, 3)) * chance.scaled(TREMOR_RAD, rows, 1, 1, 1)
    return turns, values[..., :3] * chance.scaled(TREMOR_M, rows, 1, 1)
