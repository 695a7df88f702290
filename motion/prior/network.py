"""The transformer that denoises motion: patches of frames, rotary positions, words and plan by cross-attention.

Blocks are pre-norm with one shared adaptive-norm projection and a table of offsets per block (PixArt-α), rotary
positions (Su et al. 2021) and SwiGLU (Shazeer 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.corpus import Label
from motion.prior.constraints import JOINTS
from motion.prior.features import exact
from motion.prior.words import WIDTH as WORD_WIDTH
from motion.text import DIRECTIONS, MANNERS, MOST, SIDES, STYLES, VERBS

#: The plan's slots and how many values each has, 0 for nothing said. There is room for words to come.
SLOTS: dict[str, int] = {"verb": 96, "side": 8, "direction": 24, "count": 16, "manner": 32, "style": 48}
_ORDER: dict[str, tuple[str, ...]] = {
    "verb": VERBS, "side": SIDES, "direction": DIRECTIONS, "manner": MANNERS, "style": STYLES,
}  # fmt: skip
_NUMBER = {slot: {value: i + 1 for i, value in enumerate(values)} for slot, values in _ORDER.items()}


def plan_tokens(labels: list[Label] | tuple[Label, ...]) -> Tensor:
    """Labels as numbers ``(B, 6)`` int64 in the order of `SLOTS`; words that are not in the vocabulary are 0."""
    rows = [
        [
            min(max(label.count, 0), MOST) if slot == "count" else _NUMBER[slot].get(getattr(label, slot), 0)
            for slot in SLOTS
        ]
        for label in labels
    ]
    return torch.tensor(rows, dtype=torch.long).reshape(len(labels), len(SLOTS))


@dataclass(frozen=True)
class Said:
    """What a batch is told in words and by plan."""

    states: Tensor  # (B, L, 384)
    mask: Tensor  # (B, L) bool
    pooled: Tensor  # (B, 384)
    plan: Tensor  # (B, 6) int64, 0: not said

    def without(self, words: Tensor, plan: Tensor) -> Said:
        """The same with words, or plan, of some rows (``(B,)`` bool) taken away."""
        return Said(
            self.states,
            self.mask & ~words[:, None],
            torch.where(words[:, None], torch.zeros_like(self.pooled), self.pooled),
            torch.where(plan[:, None], torch.zeros_like(self.plan), self.plan),
        )

    def __getitem__(self, index: slice | Tensor) -> Said:
        return Said(self.states[index], self.mask[index], self.pooled[index], self.plan[index])


@dataclass(frozen=True)
class Size:
    """How big a transformer is."""

    width: int = 256
    layers: int = 6
    heads: int = 8
    patch: int = 2  # frames that share one token
    cross_every: int = 2  # a block in so many looks at the words

    def __post_init__(self) -> None:
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} in {self.heads} heads: expected an even number of columns a head")


class Norm(nn.Module):
    """Layer norm without weights, in float32 whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:])


def rotary(positions: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``(T, width / 2)`` of rotary positions; the longest period covers about 30 s of tokens."""
    rates = 1.0 / (1000.0 ** (torch.arange(0, width, 2, device=positions.device) / width))
    angles = positions[:, None].float() * rates
    return angles.cos(), angles.sin()


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the two halves of each head ``(B, H, T, width)`` against each other."""
    cos, sin = (part.to(x.dtype) for part in turn)
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, source: int | None = None) -> None:
        super().__init__()
        self.heads, self.cross = heads, source is not None
        self.q = nn.Linear(width, width) if self.cross else None
        self.kv = nn.Linear(source if source is not None else width, (2 if self.cross else 3) * width)
        self.out = nn.Linear(width, width)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor] | None = None,
        source: Tensor | None = None, mask: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        if source is None:
            q, k, v = (self._split(part) for part in self.kv(x).chunk(3, -1))
        else:
            assert self.q is not None
            k, v = (self._split(part) for part in self.kv(source).chunk(2, -1))
            q = self._split(self.q(x))
        if turn is not None:
            q, k = rotate(q, turn), rotate(k, turn)
        # Written out: on a CPU the fused kernel's backward pass is five times slower at these lengths.
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        y = scores.softmax(-1).to(v.dtype) @ v
        return self.out(y.transpose(1, 2).flatten(-2))


class SwiGLU(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        inner = int(width * 8 / 3) // 32 * 32
        self.up, self.down = nn.Linear(width, 2 * inner), nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, -1)
        return self.down(functional.silu(gate) * value)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, cross: bool) -> None:
        super().__init__()
        self.norm = Norm()
        self.attention = Attention(width, heads)
        self.words = Attention(width, heads, source=width) if cross else None
        self.feed = SwiGLU(width)
        self.table = nn.Parameter(torch.randn(6, width) / math.sqrt(width))

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], adapt: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (self.table + adapt).unsqueeze(2).unbind(1)
        x = x + gate_a * self.attention(self.norm(x) * (1 + scale_a) + shift_a, turn)
        if self.words is not None:
            x = x + self.words(self.norm(x), source=words, mask=mask)
        return x + gate_f * self.feed(self.norm(x) * (1 + scale_f) + shift_f)


class Transformer(nn.Module):
    """Frames in, frames out, told the noise level, the words, the plan, and which joints the source had.

    Args:
        size: width, depth, patch.
        into: columns of an input frame.
        out: columns of an output frame; the first ``out`` columns of the input are what is denoised.
    """

    def __init__(self, size: Size, into: int, out: int) -> None:
        super().__init__()
        width = size.width
        self.size, self.columns = size, out
        self.enter = nn.Linear(into * size.patch, width)
        self.time = nn.Sequential(nn.Linear(64, width), nn.SiLU(), nn.Linear(width, width))
        self.pooled = nn.Linear(WORD_WIDTH, width)
        self.joints = nn.Linear(JOINTS, width, bias=False)
        self.states = nn.Linear(WORD_WIDTH, width)
        embeddings = {slot: nn.Embedding(count, width) for slot, count in SLOTS.items()}
        self.plan = nn.ModuleDict(embeddings)
        self.silence = nn.Parameter(torch.zeros(1, 1, width))  # there is always something to look at
        self.adapt = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(
            Block(width, size.heads, cross=i % size.cross_every == size.cross_every - 1) for i in range(size.layers)
        )
        self.norm = Norm()
        self.head = nn.Linear(width, out * size.patch)
        # What the input says, noise or key, may pass: a width below a patch's columns cannot hold a pose exactly.
        self.skip = nn.Linear(width, out * size.patch)
        for linear in (self.adapt, self.head, self.skip):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)
        for embedding in embeddings.values():
            nn.init.normal_(embedding.weight, std=0.3)

    def forward(self, x: Tensor, time: Tensor, said: Said, joints: Tensor) -> Tensor:
        """Denoise.

        Args:
            x: ``(B, T, into)``.
            time: ``(B,)`` noise level, 0 clean to 1 pure noise.
            said: words and plan.
            joints: ``(B, 22)`` float, 1 where the source has the joint.

        Returns:
            ``(B, T, out)`` float32.
        """
        frames, patch = x.shape[1], self.size.patch
        if frames % patch:
            x = torch.cat([x, x[:, -1:].expand(-1, patch - frames % patch, -1)], 1)
        raw = x.unflatten(1, (-1, patch))
        h = self.enter(raw.flatten(-2))
        rates = torch.exp(torch.linspace(0, math.log(1000.0), 32, device=x.device))
        phase = time[:, None] * rates
        state = self.time(torch.cat([phase.sin(), phase.cos()], -1)) + self.pooled(said.pooled * 8.0)
        state = state + self.joints(joints)
        plan = torch.stack([table(said.plan[:, i]) for i, table in enumerate(self.plan.values())], 1)
        spoken = said.plan > 0
        state = state + (plan * spoken[..., None]).sum(1)
        words = torch.cat([self.silence.expand(len(x), -1, -1), plan, self.states(said.states)], 1)
        mask = torch.cat([torch.ones_like(spoken[:, :1]), spoken, said.mask], 1)[:, None, None]
        adapt = self.adapt(functional.silu(state)).unflatten(-1, (6, -1))
        turn = rotary(torch.arange(h.shape[1], device=x.device), self.size.width // self.size.heads)
        for block in self.blocks:
            h = block(h, turn, adapt, words, mask)
        return self._out(h, raw)[:, :frames]

    @exact
    def _out(self, h: Tensor, raw: Tensor) -> Tensor:
        """The frames, in full precision: half of it would shake every joint by a millimetre."""
        h = self.norm(h.float())
        patch = self.size.patch
        y = self.head(h).unflatten(-1, (patch, -1)) + self.skip(h).unflatten(-1, (patch, -1)) * raw[..., : self.columns]
        return y.flatten(1, 2)
