"""What a training window is told about itself: words alone, keys, a prefix, a gap, a path, a facing, ends, parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from motion import skeleton
from motion.prior.constraints import JOINTS
from motion.prior.features import ENDS
from motion.prior.observed import Observed

_I = skeleton.INDEX
#: Joints that a part of the body is made of; the rest of a pose is left free when a part is kept.
PARTS: dict[str, tuple[int, ...]] = {
    "legs": tuple(_I[f"{s}_{j}"] for s in ("left", "right") for j in ("hip", "knee", "ankle", "foot")),
    "arms": tuple(_I[f"{s}_{j}"] for s in ("left", "right") for j in ("collar", "shoulder", "elbow", "wrist")),
    "left arm": tuple(_I[f"left_{j}"] for j in ("collar", "shoulder", "elbow", "wrist")),
    "right arm": tuple(_I[f"right_{j}"] for j in ("collar", "shoulder", "elbow", "wrist")),
    "torso": tuple(_I[j] for j in ("spine1", "spine2", "spine3", "neck", "head")),
    "head": tuple(_I[j] for j in ("neck", "head")),
}
PARTS["upper body"] = (*PARTS["torso"], *PARTS["arms"])
PARTS["lower body"] = (0, *PARTS["legs"])

#: How often a window is told what; the rest has words alone.
MIX: dict[str, float] = {
    "keys": 0.20, "prefix": 0.06, "gap": 0.12, "place": 0.06, "path": 0.10, "facing": 0.08, "ends": 0.10, "parts": 0.06,
}  # fmt: skip
#: How often, beside that, a window begins with a prefix.
CARRIED = 0.4
#: Over how many frames a heading that people set is even: about a step.
_SWAY = 21


def some_joints(rng: np.random.Generator) -> np.ndarray:
    """``(22,)`` bool: mostly one of `PARTS`, else any joints, at least one."""
    on = np.zeros(JOINTS, bool)
    if rng.random() < 0.7:
        on[list(PARTS[str(rng.choice(list(PARTS)))])] = True
    else:
        on[rng.choice(JOINTS, size=int(rng.integers(1, JOINTS)), replace=False)] = True
    return on


def _evened(heading: Tensor) -> Tensor:
    """Headings ``(B, T, 2)`` averaged over `_SWAY` frames, at the ends over as many as there are."""
    rows = heading.transpose(1, 2)
    mean = torch.nn.functional.avg_pool1d(rows, _SWAY, 1, _SWAY // 2, count_include_pad=False)
    return torch.nn.functional.normalize(mean, dim=1).transpose(1, 2)


def draw_masks(observed: Observed, valid: Tensor, rng: np.random.Generator, mix: dict[str, float] = MIX) -> Observed:
    """Switch on, row by row, one kind of constraint drawn from ``mix``.

    Args:
        observed: all that the windows say (`Observed.everything`).
        valid: ``(B, 22)`` joints that the source had; others are never constraints.
        rng: source of chance.
        mix: kind → probability.
    """
    rows, frames = observed.path_on.shape
    kinds = [*mix, "none"]
    chance = [*mix.values(), 1.0 - sum(mix.values())]
    drawn = rng.choice(len(kinds), size=rows, p=np.array(chance) / sum(chance))
    path_on = np.zeros((rows, frames), bool)
    pelvis_on = np.zeros((rows, frames, 2), bool)
    heading_on = np.zeros((rows, frames), bool)
    rotations_on = np.zeros((rows, frames, JOINTS), bool)
    positions_on = np.zeros((rows, frames, JOINTS), bool)
    contacts_on = np.zeros((rows, frames), bool)
    even = np.zeros(rows, bool)  # headings without the sway of the hips: as people set them
    source = np.tile(np.arange(frames), (rows, 1))  # the frame whose pose is shown as the key's

    def whole_pose(row: int, at: np.ndarray, joints: np.ndarray | None = None, placed: bool = True) -> None:
        on = np.ones(JOINTS, bool) if joints is None else joints
        rotations_on[row, at] |= on
        if placed:
            positions_on[row, at] |= on
        if on[0]:
            pelvis_on[row, at] |= np.array([placed, True])
            heading_on[row, at] = True

    # A window of a longer motion begins with the end of the one before, whatever else it is told.
    carried = (rng.random(rows) < CARRIED) & (mix is MIX)
    pairs = [(row, kinds[k]) for row, k in enumerate(drawn)]
    pairs += [(int(row), "prefix") for row in np.flatnonzero(carried)]
    for row, kind in pairs:
        if kind == "keys":
            most = max(1, min(20, frames // 6))
            # Few keys are what people set, and the harder case.
            count = 1 + int((most - 1) * rng.random() ** 2.5 + 0.5)
            at = rng.choice(frames, size=count, replace=False)
            if rng.random() < 0.5:
                at = np.union1d(at, [0])
            # Some keys leave open where they stand, some hold a few joints alone.
            how = rng.random()
            whole_pose(row, at, some_joints(rng) if how < 0.15 else None, placed=not 0.15 <= how < 0.3)
            if rng.random() < 0.2:  # people's keys come a little early or late
                source[row, at] = np.clip(at + rng.integers(-2, 3, len(at)), 0, frames - 1)
        elif kind == "prefix":
            whole_pose(row, np.arange(min(int(rng.integers(1, 25)), frames - 1)))
            if kinds[drawn[row]] == "prefix" and rng.random() < 0.15:  # from the other end: a clip extended backwards
                for on in (pelvis_on, heading_on, rotations_on, positions_on):
                    on[row] = on[row, ::-1]
        elif kind == "gap":
            gap = int(rng.integers(5, min(60, max(6, frames - 4)) + 1))
            start = int(rng.integers(1, max(2, frames - gap - 1)))
            before = np.arange(max(0, start - int(rng.integers(1, 12))), start)
            after = np.arange(min(start + gap, frames - 1), min(start + gap + int(rng.integers(1, 12)), frames))
            whole_pose(row, np.concatenate([before, after]))
        elif kind == "place":  # where to be, mostly at the end
            goal = frames - 1 if rng.random() < 0.7 else int(rng.integers(frames))
            path_on[row, goal] = True
            heading_on[row, goal] = rng.random() < 0.4
        elif kind == "path":
            every = int(rng.choice([1, 1, 5, 15, 30]))
            path_on[row, ::every] = True
            if rng.random() < 0.5:
                heading_on[row] = path_on[row]
                even[row] = rng.random() < 0.5
            if rng.random() < 0.3:
                whole_pose(row, np.arange(1))
        elif kind == "facing":
            first = int(rng.integers(frames))
            last = frames if rng.random() < 0.7 else int(rng.integers(first, frames)) + 1
            heading_on[row, first:last] = True
            even[row] = rng.random() < 0.7
        elif kind == "ends":
            if rng.random() < 0.7:
                whole_pose(row, np.arange(1))
            ends = ENDS if rng.random() < 0.75 else range(JOINTS)
            for joint in rng.choice(np.array(ends), size=int(rng.integers(1, 4)), replace=False):
                first, length = int(rng.integers(frames)), int(rng.choice([1, 1, 5, 15]))
                positions_on[row, first : first + length, joint] = True
        elif kind == "parts":
            held = some_joints(rng)
            rotations_on[row] |= held
            if held[0] or rng.random() < 0.3:
                pelvis_on[row], heading_on[row] = True, True
            if rng.random() < 0.5:
                whole_pose(row, np.arange(1))
    device = valid.device
    had = valid[:, None]
    index = torch.as_tensor(source, device=device)
    take = torch.arange(rows, device=device)[:, None]
    moved = bool((source != np.arange(frames)).any())
    values = {}
    if moved:
        values = {n: getattr(observed, n)[take, index] for n in ("pelvis", "heading", "rotations", "positions")}
    if even.any():
        heading = values.get("heading", observed.heading)
        evened = torch.as_tensor(even[:, None] & ~rotations_on[..., 0], device=device)
        values["heading"] = torch.where(evened[..., None], _evened(heading), heading)
    return replace(
        observed,
        path_on=torch.as_tensor(path_on, device=device), pelvis_on=torch.as_tensor(pelvis_on, device=device),
        heading_on=torch.as_tensor(heading_on, device=device), contacts_on=torch.as_tensor(contacts_on, device=device),
        rotations_on=torch.as_tensor(rotations_on, device=device) & had,
        positions_on=torch.as_tensor(positions_on, device=device) & had, **values,
    )  # fmt: skip
