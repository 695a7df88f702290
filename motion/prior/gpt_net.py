"""The token GPT's network: a causal transformer over motion tokens, told at every token what shall happen next.

The first code of a token comes from the transformer, the finer ones from small heads that know the codes before them
(as the depth transformer of RQ-Transformer, Lee et al. 2022, without its attention: there are four).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motion.prior.blocks import Block, Cache, rotary, start
from motion.prior.network import SLOTS
from motion.prior.words import WIDTH as WORD_WIDTH


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    codes: int = 512
    levels: int = 4
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 1024
    reach: int = 48  # tokens that one looks back over: 6.4 s
    dropout: float = 0.1

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class State:
    """What a stream remembers: keys and values of every layer."""

    caches: list[Cache]


class Network(nn.Module):
    """Tokens so far, and what shall happen, to the next token."""

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = config or Config()
        c = self.config
        self.embed = nn.Embedding(c.levels * c.codes, c.width)
        self.begin = nn.Parameter(torch.zeros(c.width))
        self.slots = nn.ModuleList(nn.Embedding(count, c.width, padding_idx=0) for count in SLOTS.values())
        self.text = nn.Linear(WORD_WIDTH, c.width, bias=False)
        self.told = nn.Sequential(nn.Linear(c.width, c.width), nn.SiLU(), nn.Linear(c.width, c.width))
        self.blocks = nn.ModuleList(Block(c.width, c.heads, c.hidden, c.dropout) for _ in range(c.layers))
        self.norm = nn.LayerNorm(c.width)
        self.head = nn.Linear(c.width, c.codes)
        self.finer = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * c.width, c.width), nn.GELU(), nn.Linear(c.width, c.codes))
            for _ in range(c.levels - 1)
        )
        start(self, c.layers)
        for slot in self.slots:
            assert isinstance(slot, nn.Embedding)
            nn.init.normal_(slot.weight, std=0.3)
            with torch.no_grad():
                slot.weight[0] = 0.0
        nn.init.normal_(self.text.weight, std=0.3)  # pooled sentences have unit length
        for layer in (self.told[0], self.told[2]):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=c.width**-0.5)
        self.register_buffer("offsets", torch.arange(c.levels) * c.codes, persistent=False)

    offsets: Tensor

    def condition(self, plan: Tensor, pooled: Tensor) -> Tensor:
        """Plan numbers ``(…, 6)`` and pooled sentences ``(…, 384)`` (zero: none) as one vector ``(…, width)``."""
        total = self.text(pooled)
        for k, slot in enumerate(self.slots):
            total = total + slot(plan[..., k])
        return self.told(total)

    def read(self, codes: Tensor) -> Tensor:
        """Tokens ``(…, levels)`` as vectors ``(…, width)``."""
        return self.embed(codes + self.offsets).sum(-2)

    def forward(self, inputs: Tensor, condition: Tensor) -> Tensor:
        """What is known before each token, ``(B, N, width)``.

        Args:
            inputs: ``(B, N, width)``: the vector of the token before each; `begin` where there is none.
            condition: ``(B, N, width)`` of the token to come.
        """
        length = inputs.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool, device=inputs.device).tril()
        mask = mask & ~mask.tril(-self.config.reach)
        angles = rotary(length, self.config.width // self.config.heads)
        x = inputs + condition
        for block in self.blocks:
            x = block(x, angles, mask)
        return self.norm(x)

    def fresh(self) -> State:
        """The state of a stream that has not begun."""
        return State([Cache(self.config.reach) for _ in self.blocks])

    def step(self, inputs: Tensor, condition: Tensor, state: State) -> Tensor:
        """`forward` for one more token ``(B, width)``; gives ``(B, width)``."""
        angles = rotary(self.config.reach, self.config.width // self.config.heads)
        x = (inputs + condition)[:, None]
        for block, cache in zip(self.blocks, state.caches, strict=True):
            x = block(x, angles, None, cache)
        return self.norm(x)[:, 0]

    def levels(self, hidden: Tensor, codes: Tensor) -> list[Tensor]:
        """Logits of every level ``(…, codes)``; finer ones knowing the true codes ``(…, levels)`` before them."""
        out = [self.head(hidden)]
        before = torch.zeros_like(hidden)
        for level, head in enumerate(self.finer):
            before = before + self.embed(codes[..., level] + self.offsets[level])
            out.append(head(torch.cat([hidden, before], -1)))
        return out

    def draw(
        self, hidden: Tensor, generator: torch.Generator, temperature: float, fine: float, top: int, guidance: float
    ) -> Tensor:
        """One token ``(levels,)``.

        Args:
            hidden: ``(2, width)``: told what shall happen, and not told; or ``(1, width)``: told.
            generator: source of chance.
            temperature: of the first level; 0 takes the likeliest.
            fine: temperature of the finer levels.
            top: how many codes of each level are in the draw.
            guidance: how much further from the untold than the told logits are; 1: told.
        """
        logits = self.head(hidden)
        told = logits[0] if len(hidden) == 1 else logits[1] + guidance * (logits[0] - logits[1])
        codes = [_drawn(told, generator, temperature, top)]
        before = torch.zeros_like(hidden[0])
        for level, head in enumerate(self.finer):
            before = before + self.embed(codes[-1] + self.offsets[level])
            codes.append(_drawn(head(torch.cat([hidden[0], before])), generator, fine, top))
        return torch.stack(codes)


def _drawn(logits: Tensor, generator: torch.Generator, temperature: float, top: int) -> Tensor:
    if temperature <= 0:
        return logits.argmax(-1)
    best, index = logits.float().topk(min(top, logits.shape[-1]))
    return index[torch.multinomial((best / temperature).softmax(-1), 1, generator=generator)[0]]


def cross_entropies(network: Network, hidden: Tensor, codes: Tensor, weight: Tensor) -> Sequence[Tensor]:
    """Of every level, the mean over weighted tokens of each row, ``(B,)`` nats.

    Args:
        hidden: ``(B, N, width)``.
        codes: ``(B, N, levels)``.
        weight: ``(B, N)``.
    """
    total = weight.sum(1).clamp(min=1e-6)
    return [
        (F.cross_entropy(logits.float().transpose(1, 2), codes[..., k], reduction="none") * weight).sum(1) / total
        for k, logits in enumerate(network.levels(hidden, codes))
    ]
