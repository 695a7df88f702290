"""What the network sees of a frame: passes as channels of like size, at full and at half size, from arrays of any kind.

Everything here works on batches ``(N, C, H, W)`` of torch tensors, in float32, on whatever device they lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from render.refine.state import KNEE, USUAL, modulator
from render.refine.unhidden import UNHIDDEN, Lights, ground_light, unhidden

#: Channels of guides at full size, and at half size, where more is told of the light.
GUIDES = 26
HALF_GUIDES = GUIDES + UNHIDDEN

_NORMAL = slice(12, 15)  # among guides


@dataclass(frozen=True)
class Passes:
    """A batch of frames; see `render.frame.Frame` for what each is. N frames of H x W pixels."""

    beauty: Tensor  # (N, 3, H, W)
    diffuse: Tensor  # (N, 3, H, W)
    specular: Tensor  # (N, 3, H, W)
    albedo_aa: Tensor  # (N, 3, H, W)
    normal: Tensor  # (N, 3, H, W) world
    depth: Tensor  # (N, 1, H, W)
    rough_metal: Tensor  # (N, 2, H, W)
    alpha: Tensor  # (N, 1, H, W)
    ids: Tensor  # (N, 2, H, W) any integers, as floats
    level: Tensor  # (N, 3, 3) world to the camera's level frame
    rays: Tensor  # (N, 3, 3) rows origin, dx, dy in the level frame
    height: Tensor  # (N,) of the camera, metres
    pixel: Tensor  # (N,) metres that a pixel covers one metre away
    code: Tensor  # (N, CODE) of the light

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.beauty.shape[-2], self.beauty.shape[-1]

    @property
    def modulator(self) -> Tensor:
        """``(N, 3, H, W)``, see `render.refine.state`."""
        return modulator(self.albedo_aa, self.alpha)

    def padded(self, multiple: int) -> Passes:
        """The same with rows and columns added at the bottom and right, each a copy of the last."""
        height, width = self.size
        return self._each(lambda picture: padded(picture, (height + -height % multiple, width + -width % multiple)))

    def rows(self, first: int, stop: int) -> Passes:
        """Some rows of the pictures; rays begin there."""
        part = self._each(lambda picture: picture[..., first:stop, :])
        rays = torch.cat([self.rays[:, :1] + first * self.rays[:, 2:], self.rays[:, 1:]], dim=1)
        return replace(part, rays=rays)

    def to(self, device: torch.device) -> Passes:
        """The same on a device."""
        return replace(self, **{name: value.to(device) for name, value in vars(self).items()})

    def _each(self, change: Callable[[Tensor], Tensor]) -> Passes:
        return replace(self, **{name: change(getattr(self, name)) for name in _PICTURES})


def padded(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """A picture ``(N, C, H, W)`` grown to a height and width by copies of its last row and column."""
    below, right = size[0] - picture.shape[-2], size[1] - picture.shape[-1]
    return F.pad(picture, (0, right, 0, below), mode="replicate") if below or right else picture


_PICTURES = ("beauty", "diffuse", "specular", "albedo_aa", "normal", "depth", "rough_metal", "alpha", "ids")


@dataclass(frozen=True)
class Seen:
    """One size of a batch as the network sees it."""

    raster: Tensor  # (N, 3, h, w) the raster frame's state, on its own ground: where refinement begins
    drawn: Tensor  # (N, 3, h, w) its state as it was drawn
    modulator: Tensor  # (N, 3, h, w)
    mirrored: Tensor  # (N, 1, h, w) share of the light that is mirrored, not scattered
    solid: Tensor  # (N, 1, h, w) share of the pixel that is not sky
    guides: Tensor  # (N, GUIDES or HALF_GUIDES, h, w)

    def rows(self, first: int, stop: int) -> Seen:
        """Some rows of it."""
        return Seen(**{name: value[..., first:stop, :] for name, value in vars(self).items()})


def state_of(light: Tensor, modulator: Tensor) -> Tensor:
    """`render.refine.state.to_state` on tensors."""
    return torch.log1p(light.clamp_min(0) / (modulator * KNEE))


def light_of(state: Tensor, modulator: Tensor) -> Tensor:
    """`render.refine.state.from_state` on tensors."""
    return torch.expm1(state.clamp_min(0)) * (modulator * KNEE)


def look(passes: Passes, history: Tensor | None = None, valid: Tensor | None = None) -> tuple[Seen, Seen]:
    """A batch at full and at half size; height and width must be even.

    Args:
        passes: of the frames.
        history: ``(N, 3, H, W)`` light of earlier output, warped here; None: there is none.
        valid: ``(N, 1, H, W)`` where it can be trusted, 0 to 1.
    """
    lights = Lights.of(passes.code)
    full_m = passes.modulator
    half_m = F.avg_pool2d(full_m, 2)
    drawn, half_drawn = state_of(passes.beauty, full_m), state_of(F.avg_pool2d(passes.beauty, 2), half_m)
    passes = on_its_ground(passes, lights)
    mirrored = _mirrored(passes)
    raster = state_of(passes.beauty, full_m)
    guides = _guides(passes, raster, history, valid, full_m)
    full = Seen(raster, drawn, full_m, mirrored, passes.alpha, guides)
    half_raster = state_of(F.avg_pool2d(passes.beauty, 2), half_m)
    pooled = F.avg_pool2d(guides, 2)
    lit = unhidden(lights, pooled[:, _NORMAL], _away(passes, 2))
    pooled = torch.cat([half_raster - USUAL, pooled[:, 3:], lit], dim=1)
    half = Seen(half_raster, half_drawn, half_m, F.avg_pool2d(mirrored, 2), F.avg_pool2d(passes.alpha, 2), pooled)
    return full, half


def on_its_ground(passes: Passes, lights: Lights) -> Passes:
    """The raster frame with the light of its own ground in place of the preset's constant."""
    more = ground_light(lights, passes.normal) * (1.0 - passes.rough_metal[:, 1:2])
    diffuse = (passes.diffuse + more).clamp_min(0.0)
    more = diffuse - passes.diffuse
    return replace(passes, beauty=(passes.beauty + passes.albedo_aa * more).clamp_min(0.0), diffuse=diffuse)


def _mirrored(passes: Passes) -> Tensor:
    """Share of mirrored light, by how much there is of both kinds at the pixel's centre."""
    scattered = (passes.albedo_aa * passes.diffuse).mean(1, keepdim=True)
    mirror = passes.specular.mean(1, keepdim=True)
    return mirror / (scattered + mirror).clamp_min(1e-4)


def _away(passes: Passes, every: int) -> Tensor:
    """Unit vectors from the eye in the level frame, at the middle of blocks of ``every`` pixels, ``(N, 3, h, w)``."""
    h, w = (length // every for length in passes.size)
    origin, along, down = (part[..., None, None] for part in passes.rays.unbind(1))
    rows = (torch.arange(h, device=origin.device, dtype=origin.dtype)[:, None] + 0.5) * every
    across = (torch.arange(w, device=origin.device, dtype=origin.dtype) + 0.5) * every
    return F.normalize(origin + along * across + down * rows, dim=1)


def _guides(
    passes: Passes, raster: Tensor, history: Tensor | None, valid: Tensor | None, full_modulator: Tensor
) -> Tensor:
    h, w = passes.size
    normal = torch.einsum("nij,njhw->nihw", passes.level, passes.normal)
    deep = passes.depth > 0
    depth = torch.where(deep, passes.depth, torch.full_like(passes.depth, 100.0))
    texel = torch.log(depth * passes.pixel[:, None, None, None]) + 6.0
    rows = torch.arange(h, device=depth.device, dtype=depth.dtype)[:, None] + 0.5
    origin, along, down = passes.rays[:, :, 1].unbind(1)
    across = torch.arange(w, device=depth.device, dtype=depth.dtype)[None] + 0.5
    slope = origin[:, None, None] + along[:, None, None] * across + down[:, None, None] * rows
    up = passes.height[:, None, None, None] + depth * slope[:, None]
    up = torch.log1p(up.clamp(0.0, 50.0) * 4.0) - 1.0
    if history is None:
        known = torch.zeros_like(raster)
        valid = torch.zeros_like(passes.alpha)
    else:
        assert valid is not None
        known = (state_of(history, full_modulator) - raster) * valid
    channels = (
        raster - USUAL,
        torch.log1p(passes.diffuse.clamp_min(0) / KNEE) - USUAL,
        torch.log1p(passes.specular.clamp_min(0) / KNEE) - 1.0,
        passes.albedo_aa.clamp(0, 1).sqrt() - 0.5,
        normal,
        torch.log(depth) - 1.0,
        texel,
        up,
        passes.rough_metal - passes.rough_metal.new_tensor([0.5, 0.0])[:, None, None],
        _edges(passes.ids),
        passes.alpha - 0.5,
        known,
        valid,
    )
    out = torch.cat(channels, dim=1)
    assert out.shape[1] == GUIDES
    return out


def _edges(ids: Tensor) -> Tensor:
    """1 where a pixel's id differs from its right or lower neighbour's, ``(N, 1, H, W)``."""
    right = (ids[..., :, 1:] != ids[..., :, :-1]).any(1, keepdim=True).to(ids.dtype)
    below = (ids[..., 1:, :] != ids[..., :-1, :]).any(1, keepdim=True).to(ids.dtype)
    return torch.maximum(F.pad(right, (0, 1)), F.pad(below, (0, 0, 0, 1)))


def changed(seen: Seen, changes: Tensor) -> Tensor:
    """The state after changes ``(N, 6, h, w)``, in logarithms: of scattered light, then of mirrored; sky stays.

    Both kinds of light are multiplied apart and added again, so a change of one cannot tint the other.
    """
    scattered, mirrored = changes.float().clamp(-6.0, 6.0).chunk(2, dim=1)
    share = seen.mirrored.clamp(1e-3, 1 - 1e-3)
    mixed = torch.logaddexp(scattered + torch.log1p(-share), mirrored + torch.log(share))
    return (seen.raster + mixed * seen.solid).clamp_min(0.0)
