"""The refiner's network: a pseudo-3-D U-Net over light at half size, and a small network that brings it to full size.

As in Make-A-Video a block is a convolution or attention in the picture, then one along time that begins as identity, so
that a network trained on pictures is a network of clips from the first step. As in Imagen Video there are two sizes:
the U-Net sees the frame at half size; the finer stage is led by the full-size passes and forgives what it is handed.

Both say by how much light changes, in logarithms, apart for what surfaces scatter and for what they mirror.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from motion.errors import BadInput, unknown
from render.refine.describe import CODE
from render.refine.mixing import TAPS

#: Changes of scattered and of mirrored light, three colours each.
CHANGES = 6


@dataclass(frozen=True)
class NetConfig:
    """The shape of the network. Widths are channels at a quarter of the picture's size, an eighth, and so on."""

    guides: int  # channels that a frame is told by at full size (`render.refine.guides`)
    half_guides: int  # and at half size
    widths: tuple[int, ...] = (48, 80, 112)
    blocks: tuple[int, ...] = (2, 2, 3)  # on the way down; as many on the way up
    fine: int = 16  # channels at full size
    embed: int = 96  # of the light and of the time
    heads: int = 4
    time: bool = True  # layers along time
    appearance: int = 0  # numbers of the appearance code that it is told

    @property
    def multiple(self) -> int:
        """Width and height that the network sees are multiples of this, px."""
        return 4 * 2 ** (len(self.widths) - 1)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NetConfig:
        """The inverse of `as_dict`.

        Raises:
            BadInput: a setting is unknown or missing.
        """
        known = {f.name for f in fields(cls)}
        for name in data:
            if name not in known:
                raise unknown("setting of the refiner's network", name, known)
        settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        try:
            return cls(**settings)
        except TypeError as error:
            raise BadInput(f"settings of the refiner's network: {error}") from None


#: Sizes: S is trained and runs on a CPU, M and L want a GPU to train.
SIZES: dict[str, dict[str, Any]] = {
    "S": {"widths": (48, 80, 112), "blocks": (2, 2, 2), "fine": 16},
    "M": {"widths": (64, 112, 192), "blocks": (2, 2, 3), "fine": 24, "embed": 128},
    "L": {"widths": (96, 160, 256), "blocks": (2, 3, 4), "fine": 32, "embed": 192, "heads": 8},
}


class Network(nn.Module):
    """Changes of light from a state on the bridge, guides and light.

    Shapes: N clips of T frames lie as ``(N · T, …)``, frame after frame.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config, self.appearance = config, config.appearance
        widths, embed = config.widths, config.embed
        self.code = nn.Sequential(
            nn.Linear(CODE + _TIME + config.appearance, embed), nn.SiLU(), nn.Linear(embed, embed), nn.SiLU()
        )
        self.enter = nn.Conv2d(4 * (config.half_guides + 3), widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            narrower = nn.Conv2d(width, widths[level + 1], 2, stride=2) if level + 1 < len(widths) else nn.Identity()
            self.down.append(_Stage(width, config.blocks[level], embed, config.time, narrower))
        self.middle = _Attention(widths[-1], config.heads, config.time)
        for level in reversed(range(len(widths))):
            wider = nn.Conv2d(widths[level + 1], widths[level], 1) if level + 1 < len(widths) else nn.Identity()
            self.up.append(_Stage(widths[level], config.blocks[level], embed, config.time, wider))
        self.leave = nn.Conv2d(widths[0], 4 * CHANGES, 3, padding=1)
        self.weigh = nn.Conv2d(widths[0], 4 * len(TAPS), 3, padding=1)
        _zero(self.leave)
        _zero(self.weigh)
        with torch.no_grad():
            assert self.weigh.bias is not None
            self.weigh.bias[:4] = 5.0  # of the first tap, the pixel itself: it begins by changing next to nothing
        self.finer = _Finer(config)

    def forward(
        self, state: Tensor, guides: Tensor, code: Tensor, time: Tensor, frames: int, look: Tensor | None = None
    ) -> Tensor:
        """Changes of light at half size.

        Args:
            state: ``(N · T, 3, H, W)`` on the bridge, at half the picture's size; H and W multiples of half
                `NetConfig.multiple`.
            guides: ``(N · T, half_guides, H, W)`` at half size.
            code: ``(N · T, CODE)`` of the light.
            time: ``(N · T,)`` on the bridge: 0 is refined, 1 is the raster frame.
            frames: T.
            look: ``(N · T, appearance)`` appearance codes; None: zeros.

        Returns:
            ``(N · T, CHANGES, H, W)``, in logarithms.
        """
        return self.changes(self.features(state, guides, code, time, frames, look))

    def changes(self, features: Tensor) -> Tensor:
        """Changes of light from `features`."""
        return F.pixel_shuffle(self.leave(features), 2)

    def kernels(self, features: Tensor) -> Tensor:
        """Logits ``(N · T, len(TAPS), H, W)`` of the faithful answer from `features`; see `render.refine.mixing`."""
        return F.pixel_shuffle(self.weigh(features), 2)

    def features(
        self, state: Tensor, guides: Tensor, code: Tensor, time: Tensor, frames: int, look: Tensor | None = None
    ) -> Tensor:
        """What the network makes of its input, ``(N · T, widths[0], H / 2, W / 2)``; arguments as `forward`."""
        look = code.new_zeros(len(code), self.appearance) if look is None else look.to(code.dtype)
        embed = self.code(torch.cat([code, _fourier(time).to(code.dtype), look], dim=1))
        x = self.enter(F.pixel_unshuffle(torch.cat([state, guides], dim=1), 2))
        kept = []
        for stage in cast(Iterable[_Stage], self.down):
            x = stage.through(x, embed, frames)
            kept.append(x)
            x = stage.between(x)
        x = self.middle(x, frames)
        for stage, skip in zip(cast(Iterable[_Stage], self.up), reversed(kept)):
            x = stage.between(x)
            if x.shape[-2:] != skip.shape[-2:]:
                x = F.interpolate(x, size=skip.shape[-2:], mode="nearest")
            x = stage.through(x + skip, embed, frames)
        return x


_TIME = 16


def _fourier(time: Tensor) -> Tensor:
    """A place on the bridge ``(N,)`` as ``(N, 16)`` waves."""
    waves = torch.pi * 2.0 ** torch.arange(_TIME // 2, device=time.device, dtype=torch.float32)
    angle = time.float()[:, None] * waves
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class _Stage(nn.Module):
    """Blocks at one size, and what leads to the next."""

    def __init__(self, width: int, count: int, embed: int, time: bool, between: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(width, width, embed, time) for _ in range(count))
        self.between = between

    def through(self, x: Tensor, embed: Tensor, frames: int) -> Tensor:
        """``(N · T, C, h, w)`` through all blocks."""
        for block in self.blocks:
            x = block(x, embed, frames)
        return x


class _Block(nn.Module):
    """Two convolutions round what is passed by; the light's code scales and shifts between them."""

    def __init__(self, width: int, out: int, embed: int, time: bool) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, out, 3, padding=1)
        self.film = nn.Linear(embed, 2 * out)
        self.second = nn.Conv2d(out, out, 3, padding=1)
        _zero(self.second)
        _zero(self.film)
        self.along = _AlongTime(out) if time else None

    def forward(self, x: Tensor, embed: Tensor, frames: int) -> Tensor:
        scale, shift = self.film(embed)[:, :, None, None].chunk(2, dim=1)
        y = self.first(F.silu(self.norm(x)))
        y = F.silu(torch.addcmul(shift, y, 1 + scale))
        x = x + self.second(y)
        return x if self.along is None or frames == 1 else self.along(x, frames)


class _AlongTime(nn.Module):
    """A convolution over three frames at every place, added to what is there; it begins as nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Conv1d(width, width, 3, padding=1, groups=width)
        _zero(self.weight)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        w = self.weight.weight.to(x.dtype)[:, 0, :, None, None]  # (C, 3, 1, 1)
        y = x.unflatten(0, (-1, frames))
        assert self.weight.bias is not None
        out = torch.addcmul(self.weight.bias.to(x.dtype)[:, None, None], y, 1 + w[:, 1])
        # The first and the last frame are their own neighbours.
        before = torch.cat([y[:, :1], y[:, :-1]], dim=1) if self.training else None
        after = torch.cat([y[:, 1:], y[:, -1:]], dim=1) if self.training else None
        if before is not None and after is not None:
            return torch.addcmul(torch.addcmul(out, before, w[:, 0]), after, w[:, 2]).flatten(0, 1)
        out[:, 1:].addcmul_(y[:, :-1], w[:, 0])
        out[:, :1].addcmul_(y[:, :1], w[:, 0])
        out[:, :-1].addcmul_(y[:, 1:], w[:, 2])
        out[:, -1:].addcmul_(y[:, -1:], w[:, 2])
        return out.flatten(0, 1)


class _Attention(nn.Module):
    """Attention in the picture, then along time at every place; both begin as nothing."""

    def __init__(self, width: int, heads: int, time: bool) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, width)
        self.ask = nn.Conv2d(width, 3 * width, 1)
        self.tell = nn.Conv2d(width, width, 1)
        _zero(self.tell)
        self.over = nn.ModuleDict(
            {"norm": nn.GroupNorm(8, width), "ask": nn.Conv2d(width, 3 * width, 1), "tell": nn.Conv2d(width, width, 1)}
        ) if time else None  # fmt: skip
        if self.over is not None:
            _zero(self.over["tell"])

    def forward(self, x: Tensor, frames: int) -> Tensor:
        size = x.shape[-2:]
        # At most some 400 places are asked of: light that comes from far is smooth.
        step = max(1, round((size[0] * size[1] / 400) ** 0.5))
        q, k, v = self.ask(self.norm(x)).chunk(3, dim=1)
        if step > 1:
            k, v = (F.avg_pool2d(t, step, ceil_mode=True, count_include_pad=False) for t in (k, v))
        split = lambda t: t.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)
        y = F.scaled_dot_product_attention(split(q), split(k), split(v))
        x = x + self.tell(y.transpose(2, 3).flatten(1, 2).unflatten(2, size))
        if self.over is None or frames == 1:
            return x
        q, k, v = self.over["ask"](self.over["norm"](x)).chunk(3, dim=1)

        def places(t: Tensor) -> Tensor:
            """``(N T, C, H, W)`` as ``(N H W, heads, T, C / heads)``."""
            t = t.unflatten(0, (-1, frames)).permute(0, 3, 4, 1, 2).flatten(0, 2)
            return t.unflatten(2, (self.heads, -1)).transpose(1, 2)

        y = F.scaled_dot_product_attention(places(q), places(k), places(v)).transpose(1, 2).flatten(2)
        y = y.unflatten(0, (-1, *size)).permute(0, 3, 4, 1, 2).flatten(0, 1)
        return x + self.over["tell"](y)


class _Finer(nn.Module):
    """Changes at half size to full size, led by the full-size guides."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.lead = nn.Conv2d(config.guides, config.fine, 3, padding=1)
        self.take = nn.Conv2d(CHANGES, config.fine, 1)
        self.mix = nn.Conv2d(config.fine, config.fine, 3, padding=1)
        self.give = nn.Conv2d(config.fine, CHANGES, 3, padding=1)
        _zero(self.give)

    def forward(self, coarse: Tensor, guides: Tensor) -> Tensor:
        """``(N, CHANGES, H, W)`` from changes at half size and guides ``(N, G, H, W)`` at full size."""
        wide = F.interpolate(coarse, size=guides.shape[-2:], mode="bilinear", align_corners=False)
        x = F.silu(self.lead(guides) + self.take(wide))
        x = x + F.silu(self.mix(x))
        return wide + self.give(x)


def _zero(layer: nn.Module) -> None:
    """Weights and bias of a layer that begins as nothing."""
    for parameter in layer.parameters(recurse=False):
        nn.init.zeros_(parameter)
