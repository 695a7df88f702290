"""What refined neighbours say about a frame between them: their changes brought here, blended, holes filled or mended.

What is carried is by how much refinement changed the light, in logarithms of `render.refine.state`, and not the light:
the frame's own raster light is drawn anyway, so its textures, shadows and silhouettes stay where they are.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from motion.errors import BadInput, unknown
from render.refine.guides import Passes, padded, state_of
from render.refine.state import USUAL
from render.refine.warp import warp_torch

#: Channels that the network is told a frame by, `told`.
TOLD = 29

#: What it chooses from: the change and the light of both neighbours, and the plain blend.
CHOICES = 5

#: Pixels that the network works on at once; larger frames go strip by strip, with the same result.
STRIP_PX = 1 << 20

_GRAIN = 4  # the network works on blocks of so many pixels a side
_BLOCK = 2 * _GRAIN  # of its coarser stage
_HALO = 8 * _BLOCK  # rows that a strip sees of its neighbours: more than convolutions of both stages reach
_LEAST = 1e-4  # weight of a neighbour that does not see the place, before the network says otherwise
_LIGHT = 0.05  # weight of a neighbour's light against its change, before the network says otherwise


@dataclass(frozen=True)
class Side:
    """One refined neighbour, brought here along exact flow. N frames of H x W pixels."""

    change: Tensor  # (N, 3, H, W) refined less raster state there
    raster: Tensor  # (N, 3, H, W) raster state there
    seen: Tensor  # (N, 1, H, W) 1 where the neighbour sees the place
    near: Tensor  # (N, 1, 1, 1) nearness in time, 0 to 1; both neighbours' sum is 1

    def rows(self, first: int, stop: int) -> Side:
        """Some rows of the pictures."""
        cut = lambda picture: picture[..., first:stop, :]
        return Side(cut(self.change), cut(self.raster), cut(self.seen), self.near)

    def light(self, raster: Tensor) -> Tensor:
        """The neighbour's refined state as a change of this frame's raster state."""
        return self.raster + self.change - raster


def side(planes: Tensor, flow: Tensor, hidden: Tensor, near: Tensor) -> Side:
    """Bring a neighbour here.

    Args:
        planes: ``(N, 6, H, W)``: its change, its raster state.
        flow: ``(N, 2, H, W)`` px from here to the neighbour.
        hidden: ``(N, 1, H, W)`` 1 where it does not see the place.
        near: ``(N,)`` nearness in time.
    """
    change, raster = warp_torch(planes, flow).chunk(2, dim=1)
    return Side(change, raster, 1.0 - hidden, near[:, None, None, None])


def plain(before: Side, after: Side, a: Tensor, b: Tensor) -> Tensor:
    """Two values ``(N, C, H, W)`` of a place blended by who sees it and by nearness; holes filled from around."""
    weights = before.near * before.seen, after.near * after.seen
    total = weights[0] + weights[1]
    mean = (weights[0] * a + weights[1] * b) / total.clamp_min(1e-6)
    return filled(mean, (total > 0).to(a.dtype))


def filled(values: Tensor, known: Tensor) -> Tensor:
    """Values ``(N, C, H, W)`` where ``known (N, 1, H, W)`` is 0 taken smoothly from around: pull and push.

    Means of known pixels over 2 x 2, 4 x 4, … (Gortler et al. 1996, The Lumigraph), the finest that knows anything.
    """
    if bool(known.all()) or max(values.shape[-2:]) == 1:
        return values * known
    share = F.avg_pool2d(known, 2, ceil_mode=True)
    coarse = F.avg_pool2d(values * known, 2, ceil_mode=True) / share.clamp_min(1e-6)
    coarse = filled(coarse, (share > 0).to(known.dtype))
    wide = F.interpolate(coarse, size=values.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(known > 0, values, wide)


@dataclass(frozen=True)
class BlendConfig:
    """The shape of the network: channels at a quarter and at an eighth of the picture's size."""

    told: int = TOLD
    fine: int = 32
    coarse: int = 48

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> BlendConfig:
        """The inverse of `as_dict`.

        Raises:
            BadInput: a setting is unknown or no whole number above 0.
        """
        known = {f.name for f in fields(cls)}
        for name, value in data.items():
            if name not in known:
                raise unknown("setting of the network between frames", name, known)
            if not isinstance(value, int) or value < 1:
                raise BadInput(f"network between frames: {name} {value!r}, expected a whole number from 1")
        return cls(**data)


class BlendNetwork(nn.Module):
    """Chooses for every pixel from what its neighbours say, and adds what neither knows; it begins as the plain blend.

    A U-Net over blocks of 4 x 4 pixels, some 95,000 parameters: a frame of 1280 x 720 takes 6 GFLOP.
    """

    def __init__(self, config: BlendConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or BlendConfig()
        fine, coarse = config.fine, config.coarse
        self.enter = nn.Conv2d(config.told, fine, _GRAIN, stride=_GRAIN)
        self.first = nn.Conv2d(fine, fine, 3, padding=1)
        self.down = nn.Conv2d(fine, coarse, 2, stride=2)
        self.middle = nn.ModuleList(nn.Conv2d(coarse, coarse, 3, padding=1) for _ in range(2))
        self.up = nn.Conv2d(coarse, fine, 1)
        self.second = nn.Conv2d(fine, fine, 3, padding=1)
        self.leave = nn.Conv2d(fine, (CHOICES + 3) * _GRAIN**2, 1)
        nn.init.zeros_(self.leave.weight)
        assert self.leave.bias is not None
        nn.init.zeros_(self.leave.bias)

    def forward(self, told: Tensor) -> Tensor:
        """``(N, CHOICES + 3, H, W)`` from ``(N, TOLD, H, W)``; H and W are multiples of 8."""
        x = F.silu(self.enter(told))
        x = x + F.silu(self.first(x))
        y = F.silu(self.down(x))
        for layer in self.middle:
            y = y + F.silu(layer(y))
        x = x + F.interpolate(self.up(y), scale_factor=2, mode="bilinear", align_corners=False)
        x = x + F.silu(self.second(x))
        return F.pixel_shuffle(self.leave(x), _GRAIN)


def blend(network: nn.Module | None, passes: Passes, before: Side, after: Side, distance: Tensor) -> Tensor:
    """The change of a frame's raster state ``(N, 3, H, W)``; none where there is nothing but sky.

    Args:
        network: a `BlendNetwork`; None: the plain blend of both changes.
        passes: of the frame.
        before: the refined neighbour before it.
        after: the one after.
        distance: ``(N,)`` frames between both neighbours.
    """
    guess = plain(before, after, before.change, after.change)
    solid = (passes.alpha > 0).to(guess.dtype)
    if network is None:
        return guess * solid
    height, width = guess.shape[-2:]
    rows = max(_BLOCK, STRIP_PX // width // _BLOCK * _BLOCK)
    out = []
    for top in range(0, height, rows):
        stop = min(top + rows, height)
        a, b = max(0, top - _HALO), min(height, stop + _HALO)
        part = _chosen(network, passes.rows(a, b), before.rows(a, b), after.rows(a, b), guess[..., a:b, :], distance)
        out.append(part[..., top - a : stop - a, :])
    return torch.cat(out, dim=2) * solid


def _chosen(network: nn.Module, passes: Passes, before: Side, after: Side, guess: Tensor, distance: Tensor) -> Tensor:
    raster = state_of(passes.beauty, passes.modulator)
    size = guess.shape[-2:]
    whole = size[0] + -size[0] % _BLOCK, size[1] + -size[1] % _BLOCK
    words = padded(told(passes, raster, before, after, guess, distance), whole)
    kind = next(network.parameters()).dtype
    said = network(words.to(kind))[..., : size[0], : size[1]].float()
    weights = [(s.near * s.seen).clamp_min(_LEAST).log() for s in (before, after)]
    lights = [weight + math.log(_LIGHT) for weight in weights]
    hole = (1.0 - torch.maximum(before.seen, after.seen)).clamp_min(_LEAST).log()
    chosen = torch.softmax(torch.cat([*weights, *lights, hole], dim=1) + said[:, :CHOICES], dim=1)
    options = (before.change, after.change, before.light(raster), after.light(raster), guess)
    out = said[:, CHOICES:]
    for k, option in enumerate(options):
        out = torch.addcmul(out, chosen[:, k : k + 1], option)
    return out


def told(passes: Passes, raster: Tensor, before: Side, after: Side, guess: Tensor, distance: Tensor) -> Tensor:
    """What the network is told of a frame, ``(N, TOLD, H, W)``; how its light differs from its neighbours' above all:
    where a shadow moved, neither the change nor the light of a neighbour is right by itself."""
    flat = torch.ones_like(passes.alpha)
    depth = torch.where(passes.depth > 0, passes.depth, torch.full_like(passes.depth, 100.0))
    normal = torch.einsum("nij,njhw->nihw", passes.level, passes.normal)
    channels = (
        before.change, after.change, before.raster - raster, after.raster - raster, before.seen, after.seen,
        flat * (2 * before.near - 1), flat * (distance[:, None, None, None] / 4), guess, raster - USUAL,
        normal, torch.log(depth) - 1.0, passes.alpha - 0.5, passes.rough_metal - 0.5,
    )  # fmt: skip
    out = torch.cat(channels, dim=1).clamp_(-8.0, 8.0)
    assert out.shape[1] == TOLD
    return out
