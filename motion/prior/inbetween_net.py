"""The in-betweener's network: one encoder that says how far real motion lies from interpolation, and its training.

After SILK (Akhoundi et al. 2025): a single encoder over all frames, known and unknown, no decoder, no sampling. Ours
starts from a guess that leaves and meets the keys at their speed, and adds a residual that vanishes at the keys.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motion.corpus import FPS
from motion.prior import features, gaps
from motion.prior.batches import Batch, Windows
from motion.prior.blocks import Block, rotary, start
from motion.prior.constraints import JOINTS
from motion.prior.crops import Crops
from motion.prior.poses import Bones, local_quaternions, multiply, quaternions, world_quaternions

#: Gaps that the network learns, frames at 30 fps.
SHORTEST_GAP, LONGEST_GAP = 3, 60
#: Known frames that it may see on each side.
CONTEXT = 10
#: Size of a usual residual, metres or parts of a rotation's columns: what the network says is near one.
RESIDUAL = 0.1
_FRAME = 6 * JOINTS + 3 * JOINTS + 7  # what it reads at a frame


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    width: int = 192
    layers: int = 6
    heads: int = 4
    hidden: int = 768
    patch: int = 2  # frames that share one token

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Motion:
    """World rotations ``(B, T, 22, 3, 3)`` and pelvis ``(B, T, 3)``."""

    rotations: Tensor
    pelvis: Tensor


@dataclass(frozen=True)
class Problem:
    """Motion with gaps, in its own frame: at the last key before the first gap one stands at 0, 0 and faces +Z."""

    local: Tensor  # (B, T, 22, 4) local rotations; anything at unknown frames
    root: Tensor  # (B, T, 3) pelvis, metres
    gaps: gaps.Gaps
    yaw: Tensor  # (B,) radians: the world turned by -yaw after the shift
    origin: Tensor  # (B, 3) metres: subtracted first

    @classmethod
    def of(cls, local: Tensor, root: Tensor, known: Tensor, bones: Bones) -> Problem:
        """Any motion in the world; frames that are not known are not looked at."""
        where = gaps.find(known)
        hole = torch.where(known.all(1), 0, (~known).float().argmax(1))
        rows = torch.arange(len(known))
        key = where.before[rows, hole]
        pose = features.matrix_from_quaternion(world_quaternions(local[rows, key]))
        face = features.facing(pose, bones.offsets)
        yaw = torch.atan2(face[:, 0], face[:, 1])
        origin = root[rows, key] * root.new_tensor([1.0, 0.0, 1.0])
        turned, moved = _placed(local, root - origin[:, None], -yaw)
        return cls(turned, moved, where, yaw, origin)

    def guess(self) -> Motion:
        """Where the network starts."""
        local, root = gaps.guess(self.local, self.root, self.gaps)
        return Motion(features.matrix_from_quaternion(world_quaternions(local)), root)

    def to_world(self, local: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
        """Motion in this problem's frame back in the world."""
        turned, moved = _placed(local, root, self.yaw)
        return turned, moved + self.origin[:, None]


def _placed(local: Tensor, root: Tensor, yaw: Tensor) -> tuple[Tensor, Tensor]:
    """Turned about +Y by ``yaw (B,)``."""
    zero = torch.zeros_like(yaw)
    q = torch.stack([zero, torch.sin(yaw / 2), zero, torch.cos(yaw / 2)], -1)[:, None]
    turned = local.clone()
    turned[:, :, 0] = multiply(q.expand(local.shape[0], local.shape[1], 4), local[:, :, 0])
    m = features.yaw_matrix(torch.cos(yaw), torch.sin(yaw))
    return turned, root @ m.transpose(1, 2)


class Network(nn.Module):
    """Six blocks over frames; reads the guess, writes a residual."""

    def __init__(self, rest_offsets: np.ndarray | Tensor, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or Config()
        c = self.config
        self.bones = Bones(rest_offsets)
        inputs = (c.patch + 2) * _FRAME  # a token also sees the frame before and the frame after its own
        self.stem = nn.Linear(inputs, c.width)
        self.blocks = nn.ModuleList(Block(c.width, c.heads, c.hidden) for _ in range(c.layers))
        self.norm = nn.LayerNorm(c.width)
        self.head = nn.Linear(c.width, c.patch * (6 * JOINTS + 3))
        start(self, c.layers)
        nn.init.normal_(self.stem.weight, std=inputs**-0.5)
        nn.init.zeros_(self.head.weight)  # untrained it is the guess itself
        nn.init.zeros_(self.head.bias)

    def forward(self, guess: Motion, where: gaps.Gaps) -> Motion:
        """The guess, corrected. Exact at known frames."""
        six, pelvis = features.six_from_matrix(guess.rotations), guess.pelvis
        places = self.bones(guess.rotations, torch.zeros_like(pelvis))
        since, until = where.since, where.until
        marks = [
            where.known.float(), where.has_before.float(), where.has_after.float(), gaps.gate(where),
            torch.log1p(since), torch.log1p(until), since / (since + until).clamp(min=1),
        ]  # fmt: skip
        frame = torch.cat([six.flatten(2), places[:, :, 1:].flatten(2), pelvis, torch.stack(marks, -1)], -1)
        frames, patch = frame.shape[1], self.config.patch
        around = F.pad(frame.transpose(1, 2), (1, 1 + -frames % patch), mode="replicate")
        x = self.stem(around.unfold(2, patch + 2, patch).permute(0, 2, 3, 1).flatten(2))
        angles = rotary(x.shape[1], self.config.width // self.config.heads)
        for block in self.blocks:
            x = block(x, angles)
        out = self.head(self.norm(x)).float().unflatten(-1, (patch, -1)).flatten(1, 2)[:, :frames]
        change = RESIDUAL * out * gaps.gate(where)[..., None]
        turn = features.matrix_from_six(six + change[..., 3:].unflatten(-1, (JOINTS, 6)))
        # Gram-Schmidt of two columns that already are a rotation's gives them back but for the last bits.
        turn = torch.where(where.known[..., None, None, None], guess.rotations, turn)
        return Motion(turn, pelvis + change[..., :3])


def gap_mask(rng: np.random.Generator, longest: int) -> np.ndarray:
    """One gap of 3 to 60 frames after one to ten known frames and before one to ten: ``(T,)`` bool, T <= longest."""
    gap = int(rng.integers(SHORTEST_GAP, min(LONGEST_GAP, longest - 2) + 1))
    past = CONTEXT if rng.random() < 0.7 else int(rng.integers(1, CONTEXT + 1))
    future = 1 if rng.random() < 0.5 else int(rng.integers(2, CONTEXT + 1))
    past = min(past, longest - gap - 1)
    known = np.ones(min(past + gap + future, longest), bool)
    known[past : past + gap] = False
    return known


def keys_mask(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Keys every 4 to 45 frames, some with known neighbours, seldom none at an end: ``(frames,)`` bool."""
    known = np.zeros(frames, bool)
    spacing = int(rng.integers(4, 46))
    at = int(rng.integers(1, spacing + 1)) if rng.random() < 0.15 else 0
    while at < frames:
        run = 1 if rng.random() < 0.7 else int(rng.integers(2, CONTEXT + 1))
        known[at : at + run] = True
        at += run + int(np.clip(spacing * rng.uniform(0.6, 1.4), SHORTEST_GAP, LONGEST_GAP))
    if rng.random() < 0.85 or not known.any():
        known[-1] = True
    return known


@dataclass(frozen=True)
class Example:
    """A problem, its guess and its answer."""

    problem: Problem
    guess: Motion
    truth: Motion
    contacts: Tensor  # (B, T, 4)
    valid: Tensor  # (B, 22)

    def __len__(self) -> int:
        return len(self.valid)

    def rows(self, rows: slice) -> Example:
        """Some of its rows."""
        p, g = self.problem, self.problem.gaps
        part = gaps.Gaps(g.known[rows], g.before[rows], g.after[rows], g.has_before[rows], g.has_after[rows])
        return Example(
            Problem(p.local[rows], p.root[rows], part, p.yaw[rows], p.origin[rows]),
            Motion(self.guess.rotations[rows], self.guess.pelvis[rows]),
            Motion(self.truth.rotations[rows], self.truth.pelvis[rows]),
            self.contacts[rows],
            self.valid[rows],
        )


def example(batch: Batch, known: Tensor) -> Example:
    """Hide the unknown frames of a batch."""
    world = quaternions(batch.track.rotations)
    bones = Bones(batch.track.rest_offsets)
    problem = Problem.of(local_quaternions(world), batch.track.pelvis, known, bones)
    truth = Motion(features.matrix_from_quaternion(world_quaternions(problem.local)), problem.root)
    hidden = Problem(
        torch.where(known[..., None, None], problem.local, problem.local.new_tensor([0.0, 0.0, 0.0, 1.0])),
        torch.where(known[..., None], problem.root, 0.0), problem.gaps, problem.yaw, problem.origin,
    )  # fmt: skip
    return Example(hidden, hidden.guess(), truth, batch.track.contacts, batch.valid)


_FEET = [7, 10, 8, 11]  # ankles and balls, in the order of contact labels


def loss(network: Network, item: Example) -> dict[str, Tensor]:
    """L1 terms ``(B,)`` over unknown frames and joints that the source had.

    Weights make them alike in size where a model is half trained: rotations as six numbers, places in quarters of a
    metre, velocities and the sliding of standing feet in m/s.
    """
    made = network(item.guess, item.problem.gaps)
    unknown = (~item.problem.gaps.known).float()
    joints = item.valid.float()
    weight = unknown[:, :, None] * joints[:, None]
    turn = (features.six_from_matrix(made.rotations) - features.six_from_matrix(item.truth.rotations)).abs().mean(-1)
    place = network.bones(made.rotations, made.pelvis)
    real = network.bones(item.truth.rotations, item.truth.pelvis)
    root = (made.pelvis - item.truth.pelvis).abs().mean(-1)
    moving = torch.maximum(unknown[:, 1:], unknown[:, :-1])
    pace = (torch.diff(place, dim=1) - torch.diff(real, dim=1)).abs().mean(-1) * FPS
    stands = torch.minimum(item.contacts[:, 1:], item.contacts[:, :-1]) * moving[..., None]
    slide = torch.diff(place[:, :, _FEET], dim=1).norm(dim=-1) * FPS
    return {
        "turn": _mean(turn, weight),
        "place": 4.0 * _mean((place - real).abs().mean(-1), weight),
        "root": 2.0 * _mean(root, unknown),
        "pace": 0.15 * _mean(pace, moving[..., None] * joints[:, None]),
        "slide": 0.05 * _mean(slide, stands),
    }


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of each row."""
    return (values * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp(min=1.0)


class InbetweenTask:
    """Training of the in-betweener, for `motion.prior.trainer.train`.

    Args:
        windows: what to learn from.
        held_out: what to measure on; None: nothing.
        config: sizes.
        frames_per_batch: frames of a step.
        seed: of weights and batches.
    """

    def __init__(
        self, windows: Windows, held_out: Windows | None = None, config: Config | None = None,
        frames_per_batch: int = 4096, seed: int = 0,
    ) -> None:  # fmt: skip
        self._crops = Crops(windows)
        self._offsets = windows.rest_offsets
        self._held_out = Crops(held_out) if held_out is not None else None
        self._config, self._frames, self._seed = config or Config(), frames_per_batch, seed

    def onto(self, device: torch.device) -> None:
        """Keep the captures on a device, and make batches there."""
        for crops in (self._crops, self._held_out):
            if crops is not None:
                crops.windows.onto(device)

    def module(self) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            return Network(self._offsets, self._config)

    def batch(self, step: int) -> Example:
        """Two in three have one gap, the same in every row; the others several keys, each row its own."""
        rng = np.random.default_rng([self._seed, step])
        longest = self._crops.longest
        if rng.random() < 0.67:
            mask = gap_mask(rng, longest)
            known = np.repeat(mask[None], max(2, self._frames // len(mask)), axis=0)
        else:
            frames = min(int(rng.integers(32, 81)), longest)
            known = np.stack([keys_mask(rng, frames) for _ in range(max(2, self._frames // frames))])
        batch = self._crops.draw(rng, len(known), known.shape[1], flip=True)
        return example(batch, torch.from_numpy(known).to(batch.valid.device))

    def rows(self, batch: Example) -> int:
        return len(batch)

    def loss(self, module: nn.Module, batch: Example, rows: slice) -> dict[str, Tensor]:
        assert isinstance(module, Network)
        return loss(module, batch.rows(rows))

    def check(self, module: nn.Module) -> dict[str, float]:
        """Mean joint error over that of interpolation, at gaps of 15 and 30 frames of held-out motion."""
        assert isinstance(module, Network)
        figures = {}
        for gap in (15, 30):
            ratio = None if self._held_out is None else error_ratio(module, self._held_out, gap)
            if ratio is not None:
                figures[f"place_ratio_{gap}"] = ratio
        return figures


@torch.inference_mode()
def error_ratio(network: Network, crops: Crops, gap: int, most: int = 128) -> float | None:
    """Mean joint error in gaps over that of straight interpolation, ten frames of context; None: no crop is so long."""
    grid = crops.grid(CONTEXT + gap + 1, 20)
    if not grid:
        return None
    chosen = [grid[i] for i in np.linspace(0, len(grid) - 1, min(most, len(grid))).astype(int)]
    known = torch.ones(len(chosen), CONTEXT + gap + 1, dtype=torch.bool)
    known[:, CONTEXT : CONTEXT + gap] = False
    item = example(crops.windows.batch(chosen), known)
    local, root = gaps.straight(item.problem.local, item.problem.root, item.problem.gaps)
    plain = Motion(features.matrix_from_quaternion(world_quaternions(local)), root)
    real = network.bones(item.truth.rotations, item.truth.pelvis)
    weight = (~known).float()[:, :, None] * item.valid.float()[:, None]
    errors = [
        float((((network.bones(m.rotations, m.pelvis) - real).norm(dim=-1)) * weight).sum() / weight.sum())
        for m in (network(item.guess, item.problem.gaps), plain)
    ]
    return errors[0] / max(errors[1], 1e-9)
