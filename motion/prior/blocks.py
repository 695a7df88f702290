"""Pre-norm transformer blocks with rotary positions, whole or one step at a time with cached keys and values."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def rotary(length: int, size: int, start: int = 0, base: float = 1000.0) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``(length, size / 2)`` of rotary positions (Su et al. 2021)."""
    rates = base ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.arange(start, start + length, dtype=torch.float32)[:, None] * rates
    return angles.cos(), angles.sin()


def rotate(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Turn pairs of features ``(…, length, size)`` by their position."""
    cos, sin = (a.to(x.dtype) for a in angles)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


@dataclass
class Cache:
    """Keys and values of one block so far, ``(B, heads, n, size)``, at most ``reach`` of them."""

    reach: int
    keys: Tensor | None = field(default=None)
    values: Tensor | None = field(default=None)

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append, forget what is out of reach, and give all that remains."""
        if self.keys is not None and self.values is not None:
            keys, values = torch.cat([self.keys, keys], dim=2), torch.cat([self.values, values], dim=2)
        self.keys, self.values = keys[:, :, -self.reach :], values[:, :, -self.reach :]
        return self.keys, self.values


class Block(nn.Module):
    """Attention and a two-layer network, each added to its input after a layer norm."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_a, self.norm_b = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(
        self, x: Tensor, angles: tuple[Tensor, Tensor], mask: Tensor | None = None, cache: Cache | None = None
    ) -> Tensor:
        """``x (B, T, width)``; ``mask`` is True where a row may look at a column.

        With a cache, ``x`` is the next step or steps after those cached; keys are stored unturned, so that positions
        count from the first key in reach and never grow: ``angles`` covers the cache's reach.
        """
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm_a(x)).unflatten(-1, (3, self.heads, width // self.heads)).permute(2, 0, 3, 1, 4)
        if cache is not None:
            k, v = cache.extend(k, v)
        total = k.shape[2]
        cos, sin = angles
        q = rotate(q, (cos[total - length : total], sin[total - length : total]))
        k = rotate(k, (cos[:total], sin[:total]))
        # Written out: over windows of a hundred frames the fused kernel's backward pass is ten times slower on a CPU.
        score = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
        if mask is not None:
            score = score.masked_fill(~mask, -torch.inf)
        y = score.softmax(-1).to(v.dtype) @ v
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        return x + F.dropout(self.down(F.gelu(self.up(self.norm_b(x)))), self.dropout, self.training)


def start(module: nn.Module, layers: int) -> None:
    """Small normal weights; what is added to the residual stream shrinks with depth (Radford et al. 2019)."""
    for name, parameter in module.named_parameters():
        if parameter.dim() < 2:
            continue
        deep = name.endswith(("out.weight", "down.weight"))
        nn.init.normal_(parameter, std=0.02 / (2 * layers) ** 0.5 if deep else 0.02)
