"""The token network: motion as seen by itself to residual codes, four frames each, and back; and its training.

A residual vector quantiser as in MoMask (Guo et al. 2024) between two convolutional networks. The decoder looks back
only, so that motion can be shown while tokens still come.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motion.corpus import FPS
from motion.prior import features
from motion.prior.batches import Windows
from motion.prior.constraints import JOINTS
from motion.prior.crops import Crops
from motion.prior.features import BODY, CONTACTS, PELVIS, POSITIONS, ROTATIONS, Track
from motion.prior.poses import Bones

#: Frames of a token: 7.5 tokens a second.
STRIDE = 4
#: What is read of a frame: yaw rate (rad/s), path velocity in the heading's frame (m/s), the body.
READ = 3 + BODY
#: What is written: the same without joint velocities.
WRITTEN = READ - 3 * JOINTS
_KEPT = [*range(3 + features.VELOCITIES.start), *range(3 + features.VELOCITIES.stop, READ)]
_FEET = [7, 10, 8, 11]  # ankles and balls, in the order of contact labels


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    width: int = 256
    fine: int = 128  # width at the frames' own rate
    code: int = 64
    codes: int = 512
    levels: int = 4
    encoder: int = 3  # residual layers
    decoder: int = 4

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


# ---- motion as it sees itself


def seen(track: Track) -> Tensor:
    """``(…, T, READ)`` of a track: the same wherever it stands and whichever way it faces."""
    root = features.root_features(track)
    c, s = track.heading.unbind(-1)
    vx, vz = root[..., 5], root[..., 6]
    level = torch.stack([c * vx - s * vz, s * vx + c * vz], -1)
    return torch.cat([root[..., 7:8], level, features.body_features(track)], -1)


def walked(rate: Tensor, velocity: Tensor, yaw: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Yaw ``(…, T + 1)`` and path ``(…, T + 1, 2)`` from what happens after each frame; the first row is the start.

    Args:
        rate: ``(…, T)`` rad/s.
        velocity: ``(…, T, 2)`` m/s, x and z in the heading's frame.
        yaw: ``(…,)`` of the first frame.
        place: ``(…, 2)`` metres, of the first frame.
    """
    turned = torch.cat([yaw[..., None], yaw[..., None] + torch.cumsum(rate, -1) / FPS], -1)
    c, s = torch.cos(turned[..., :-1]), torch.sin(turned[..., :-1])
    vx, vz = velocity.unbind(-1)
    steps = torch.stack([c * vx + s * vz, -s * vx + c * vz], -1) / FPS
    return turned, torch.cat([place[..., None, :], place[..., None, :] + torch.cumsum(steps, -2)], -2)


def shown(written: Tensor, yaw: Tensor, path: Tensor, rest_offsets: Tensor) -> Track:
    """The track that written features ``(…, T, WRITTEN)`` describe, at a yaw ``(…, T)`` and a path ``(…, T, 2)``."""
    body = written.new_zeros(*written.shape[:-1], BODY)
    body[..., : features.VELOCITIES.start] = written[..., 3 : 3 + features.VELOCITIES.start]
    body[..., CONTACTS] = written[..., -4:].sigmoid()
    root = torch.cat([path, path[..., :1] * 0, torch.cos(yaw)[..., None], torch.sin(yaw)[..., None]], -1)
    return features.place(root, body, rest_offsets)


# ---- layers


class Past(nn.Module):
    """A convolution over ``(B, T, C)``; causal, or with as much future as past."""

    def __init__(self, inputs: int, outputs: int, size: int, dilation: int = 1, causal: bool = True) -> None:
        super().__init__()
        self.size, self.dilation = size, dilation
        self.before = (size - 1) * dilation if causal else (size - 1) * dilation // 2
        self.linear = nn.Linear(size * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        reach = (self.size - 1) * self.dilation
        padded = F.pad(x, (0, 0, self.before, reach - self.before))
        taps = [padded[:, k * self.dilation : k * self.dilation + x.shape[1]] for k in range(self.size)]
        return self.linear(torch.cat(taps, -1))  # as one product: faster in half precision than a convolution


class Residual(nn.Module):
    """Norm, convolution, GELU, product; added to the input."""

    def __init__(self, width: int, size: int, dilation: int, causal: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.over_time = Past(width, width, size, dilation, causal)
        self.out = nn.Linear(width, width)
        nn.init.normal_(self.out.weight, std=0.3 * width**-0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(F.gelu(self.over_time(self.norm(x))))


class Quantiser(nn.Module):
    """Residual codebooks: each level says what the levels before it left over. Learned by running means."""

    books: Tensor
    counts: Tensor
    sums: Tensor
    turn: Tensor

    def __init__(self, levels: int, codes: int, size: int) -> None:
        super().__init__()
        self.register_buffer("books", torch.zeros(levels, codes, size))
        self.register_buffer("counts", torch.zeros(levels, codes))
        self.register_buffer("sums", torch.zeros(levels, codes, size))
        self.register_buffer("turn", torch.zeros(()))  # which vectors of a batch are next to become new codes

    @property
    def levels(self) -> int:
        return len(self.books)

    def forward(self, z: Tensor, used: Tensor | None = None, learn: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Codes ``(B, N, levels)``, their sum ``(B, N, size)`` and how far each row lies from it ``(B,)``.

        Args:
            z: ``(B, N, size)`` float32.
            used: ``(B,)`` how many levels each row may use; None: all.
            learn: move the codebooks towards what they stand for.
        """
        rest, total = z.detach(), torch.zeros_like(z)
        codes, off = [], z.new_zeros(len(z))
        for level in range(self.levels):
            on = torch.ones(len(z), dtype=torch.bool) if used is None else used > level
            if learn and bool((self.counts[level] == 0).all()):
                self._seed(level, _of_all_ranks(rest.flatten(0, 1)))
            book = self.books[level]
            nearest = (book.square().sum(-1) - 2 * rest @ book.T).argmin(-1)
            chosen = book[nearest]
            if learn:
                self._learn(level, _of_all_ranks(rest[on].flatten(0, 1)), _of_all_ranks(nearest[on].flatten()))
            codes.append(nearest)
            total = torch.where(on[:, None, None], total + chosen, total)
            rest = rest - chosen
            off = off + torch.where(on, (z - total).square().mean((1, 2)), 0.0)
        return torch.stack(codes, -1), total, off / self.levels

    def look_up(self, codes: Tensor) -> Tensor:
        """The vectors ``(…, size)`` that codes ``(…, levels)`` stand for; fewer levels give a coarser one."""
        return torch.stack([self.books[k][codes[..., k]] for k in range(codes.shape[-1])]).sum(0)

    @torch.no_grad()
    def _seed(self, level: int, vectors: Tensor) -> None:
        self.books[level] = vectors[self._pick(len(vectors), self.books.shape[1])]
        self.counts[level], self.sums[level] = 1.0, self.books[level]

    @torch.no_grad()
    def _learn(self, level: int, vectors: Tensor, codes: Tensor, keep: float = 0.98) -> None:
        if len(vectors) == 0:
            return
        count, total = torch.zeros_like(self.counts[level]), torch.zeros_like(self.sums[level])
        count.index_add_(0, codes, torch.ones_like(codes, dtype=count.dtype))
        total.index_add_(0, codes, vectors)
        self.counts[level].lerp_(count, 1 - keep)
        self.sums[level].lerp_(total, 1 - keep)
        # A code that hardly anything uses starts again from a vector of this batch.
        dead = (self.counts[level] < 0.03).nonzero()[:, 0][:8]
        if len(dead):
            fresh = vectors[self._pick(len(vectors), len(dead))]
            self.sums[level, dead] = 0.3 * fresh
            self.counts[level, dead] = 0.3
        self.books[level] = self.sums[level] / self.counts[level].clamp(min=1e-4)[:, None]

    def _pick(self, size: int, count: int) -> Tensor:
        """Numbers below ``size`` that look random and are the same in every run (steps of the golden ratio)."""
        at = torch.frac((float(self.turn) + torch.arange(count, dtype=torch.float64)) * 0.6180339887498949) * size
        self.turn.add_(float(count)).remainder_(1e6)
        return at.long().clamp(max=size - 1)


def _of_all_ranks(rows: Tensor) -> Tensor:
    """Rows of every process under ``torchrun``, in the order of the batch: codebooks must be the same everywhere."""
    import torch.distributed as group

    if not (group.is_available() and group.is_initialized()):
        return rows
    found: list[Any] = [None] * group.get_world_size()
    group.all_gather_object(found, rows.cpu())
    return torch.cat(found).to(rows.device)


class Network(nn.Module):
    """Encoder, quantiser, decoder."""

    mean: Tensor
    scale: Tensor

    def __init__(self, rest_offsets: np.ndarray | Tensor, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or Config()
        c = self.config
        self.bones = Bones(rest_offsets)
        self.register_buffer("mean", torch.zeros(READ))
        self.register_buffer("scale", torch.ones(READ))
        self.first = nn.Linear(2 * STRIDE * READ, c.width)
        self.encoder = nn.Sequential(*(Residual(c.width, 3, 1 + k % 2, False) for k in range(c.encoder)))
        self.to_code = nn.Linear(c.width, c.code)
        self.quantiser = Quantiser(c.levels, c.codes, c.code)
        self.from_code = Past(c.code, c.width, 3)
        self.decoder = nn.Sequential(*(Residual(c.width, 3, 1 + k % 2, True) for k in range(c.decoder)))
        self.spread = nn.Linear(c.width, STRIDE * c.fine)
        self.fine = nn.Sequential(Residual(c.fine, 5, 1, True), Residual(c.fine, 5, 1, True))
        self.last = nn.Linear(c.fine, WRITTEN)

    @property
    def reach(self) -> int:
        """Tokens before one that its frames depend on."""
        layers = 2 + sum(2 * (1 + k % 2) for k in range(self.config.decoder))
        return layers + math.ceil(8 / STRIDE)

    def encode(self, x: Tensor) -> Tensor:
        """Vectors ``(B, N, code)`` of features ``(B, 4 N, READ)``; each sees eight frames and more."""
        y = (x - self.mean) / self.scale
        half = STRIDE // 2
        y = F.pad(y.transpose(1, 2), (half, half), mode="replicate").transpose(1, 2)
        patches = y.unfold(1, 2 * STRIDE, STRIDE).flatten(2)
        return self.to_code(self.encoder(self.first(patches))).float()

    def decode(self, z: Tensor) -> Tensor:
        """Features ``(B, 4 N, WRITTEN)`` of vectors ``(B, N, code)``; contacts as logits."""
        y = self.spread(self.decoder(self.from_code(z))).unflatten(-1, (STRIDE, self.config.fine)).flatten(1, 2)
        out = self.last(self.fine(y)).float()
        return torch.cat([out[..., :-4] * self.scale[_KEPT[:-4]] + self.mean[_KEPT[:-4]], out[..., -4:]], -1)


# ---- training


@dataclass(frozen=True)
class Example:
    """Windows as features, and how many levels each may use."""

    x: Tensor  # (B, T, READ)
    valid: Tensor  # (B, 22)
    used: Tensor  # (B,)


def hidden(x: Tensor, valid: Tensor, mean: Tensor) -> Tensor:
    """Features with joints that the source never had at their mean: a model must not learn to know sources by them."""
    mask = column_mask(valid)
    return torch.where(mask[:, None] > 0, x, mean)


def column_mask(valid: Tensor) -> Tensor:
    """``(B, READ)``: 1 where a column belongs to a joint that the source had."""
    v = valid.float()
    ones = torch.ones(len(v), 1)
    parts = [ones.expand(-1, 6), v[:, 1:].repeat_interleave(3, 1), v.repeat_interleave(6, 1), v.repeat_interleave(3, 1)]
    return torch.cat([*parts, ones.expand(-1, 4)], 1)


def statistics(windows: Windows, seed: int = 0, count: int = 512) -> tuple[Tensor, Tensor]:
    """Mean of each column, and standard deviations averaged over groups of columns of one kind."""
    crops = Crops(windows)
    batch = crops.draw(np.random.default_rng(seed), count, min(32, crops.longest))
    x = seen(batch.track).flatten(0, 1)
    mean, deviation = x.mean(0), x.std(0)
    groups = [slice(0, 1), slice(1, 3), slice(3, 6)]
    groups += [slice(3 + g.start, 3 + g.stop) for g in (POSITIONS, ROTATIONS, features.VELOCITIES, CONTACTS)]
    assert PELVIS == slice(0, 3)
    scale = deviation.clone()
    for group in groups:
        scale[group] = deviation[group].mean().clamp(min=1e-3)
    return mean, scale


class TokenTask:
    """Training of the token network, for `motion.prior.trainer.train`.

    Args:
        windows: what to learn from.
        held_out: what to measure on; None: nothing.
        config: sizes.
        frames: of a crop; windows at least this long are used (all, when none is).
        frames_per_batch: frames of a step.
        seed: of weights and batches.
    """

    def __init__(
        self, windows: Windows, held_out: Windows | None = None, config: Config | None = None, frames: int = 64,
        frames_per_batch: int = 4096, seed: int = 0,
    ) -> None:  # fmt: skip
        self._crops, self._offsets = Crops(windows), windows.rest_offsets
        self._held_out = None if held_out is None else Crops(held_out)
        self._config, self._seed = config or Config(), seed
        self._frames = min(frames, self._crops.longest // STRIDE * STRIDE)
        self._count = max(2, frames_per_batch // self._frames)
        self._mean, self._scale = statistics(windows, seed)

    def module(self) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            network = Network(self._offsets, self._config)
        network.mean.copy_(self._mean)
        network.scale.copy_(self._scale)
        return network

    def batch(self, step: int) -> Example:
        rng = np.random.default_rng([self._seed, step])
        batch = self._crops.draw(rng, self._count, self._frames, flip=True)
        levels = self._config.levels
        few = rng.integers(1, levels + 1, self._count)
        used = np.where(rng.random(self._count) < 0.2, few, levels)
        return Example(seen(batch.track), batch.valid, torch.from_numpy(used))

    def rows(self, batch: Example) -> int:
        return len(batch.x)

    def loss(self, module: nn.Module, batch: Example, rows: slice) -> dict[str, Tensor]:
        assert isinstance(module, Network)
        return loss(module, Example(batch.x[rows], batch.valid[rows], batch.used[rows]))

    def check(self, module: nn.Module) -> dict[str, float]:
        """Reconstruction of held-out motion."""
        assert isinstance(module, Network)
        return {} if self._held_out is None else reconstruction(module, self._held_out, self._frames)


def loss(network: Network, item: Example) -> dict[str, Tensor]:
    """Terms ``(B,)``: features, places and velocities of joints, the way walked, contacts, and distance from codes."""
    x, real_columns = item.x, column_mask(item.valid)
    z = network.encode(hidden(x, item.valid, network.mean))
    with torch.autocast(x.device.type, enabled=False):
        _, quantised, off = network.quantiser(z, item.used, learn=torch.is_grad_enabled())
        passed = z + (quantised - z).detach()
    y = network.decode(passed)
    target = x[..., _KEPT]
    columns = real_columns[:, _KEPT][:, None, :-4]
    scaled = (y - target)[..., :-4] / network.scale[_KEPT[:-4]]
    feature = _smooth(scaled) * columns
    joints = item.valid.float()[:, None]
    place, real = joint_places(network, y), joint_places(network, target)
    away = (place - real).abs().mean(-1) * joints
    pace = (torch.diff(place, dim=1) - torch.diff(real, dim=1)).abs().mean(-1) * FPS * joints
    zero, origin = x.new_zeros(len(x)), x.new_zeros(len(x), 2)
    yaw, path = walked(y[:, :-1, 0], y[:, :-1, 1:3], zero, origin)
    true_yaw, true_path = walked(target[:, :-1, 0], target[:, :-1, 1:3], zero, origin)
    way = (path - true_path).abs().mean((1, 2)) + 0.5 * (yaw - true_yaw).abs().mean(1)
    stands = F.binary_cross_entropy_with_logits(y[..., -4:], target[..., -4:], reduction="none").mean((1, 2))
    # Feet that stand must not slide: the body's own motion and the way walked have to agree.
    c, s = torch.cos(yaw)[..., None], torch.sin(yaw)[..., None]
    fx, fy, fz = place[:, :, _FEET].unbind(-1)
    feet = torch.stack([c * fx + s * fz + path[..., :1], fy, -s * fx + c * fz + path[..., 1:]], -1)
    on = torch.minimum(target[:, 1:, -4:], target[:, :-1, -4:])
    slide = (torch.diff(feet, dim=1).norm(dim=-1) * FPS * on).sum((1, 2)) / on.sum((1, 2)).clamp(min=1.0)
    return {
        "feature": feature.mean((1, 2)),
        "place": 4.0 * away.mean((1, 2)),
        "pace": 0.2 * pace.mean((1, 2)),
        "way": 0.5 * way,
        "contact": 0.1 * stands,
        "slide": 0.1 * slide,
        "code": 0.25 * off,
    }


def _smooth(x: Tensor) -> Tensor:
    return F.smooth_l1_loss(x, torch.zeros_like(x), reduction="none", beta=0.25)


def joint_places(network: Network, written: Tensor) -> Tensor:
    """Joint places ``(B, T, 22, 3)`` in the heading's frame, by kinematics of written features."""
    six = written[..., 3 + ROTATIONS.start : 3 + ROTATIONS.stop].unflatten(-1, (JOINTS, 6))
    return network.bones(features.matrix_from_six(six), written[..., 3 : 3 + 3])


@torch.inference_mode()
def reconstruction(network: Network, crops: Crops, frames: int, most: int = 128) -> dict[str, float]:
    """Mean joint error in millimetres, in the heading's frame and where the motion walked to, and use of the codes."""
    grid = crops.grid(frames, frames // 2)
    if not grid:
        return {}
    chosen = [grid[i] for i in np.linspace(0, len(grid) - 1, min(most, len(grid))).astype(int)]
    batch = crops.windows.batch(chosen)
    x = seen(batch.track)
    codes, quantised, _ = network.quantiser(network.encode(hidden(x, batch.valid, network.mean)))
    y = network.decode(quantised)
    weight = batch.valid.float()[:, None].expand(-1, frames, -1)
    local = (joint_places(network, y) - joint_places(network, x[..., _KEPT])).norm(dim=-1)
    start_yaw = torch.atan2(batch.track.heading[:, 0, 1], batch.track.heading[:, 0, 0])
    yaw, path = walked(y[:, :-1, 0], y[:, :-1, 1:3], start_yaw, batch.track.path[:, 0])
    there = (shown(y, yaw, path, batch.track.rest_offsets).positions() - batch.track.positions()).norm(dim=-1)
    figures = {
        "mm": 1000 * float((local * weight).sum() / weight.sum()),
        "mm_world": 1000 * float((there * weight).sum() / weight.sum()),
    }
    for level in range(codes.shape[-1]):
        share = torch.bincount(codes[..., level].flatten(), minlength=network.config.codes).double()
        share = share / share.sum()
        figures[f"perplexity_{level}"] = float(torch.exp(-(share * (share + 1e-12).log()).sum()))
    return figures
