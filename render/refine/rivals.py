"""What the refiner must beat: a fitted colour affine, a network that sees one pixel, a filter led by the passes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from motion.errors import BadInput
from render.frame import Frame
from render.refine.describe import CODE
from render.refine.network import CHANGES, NetConfig
from render.refine.state import from_state, modulator, to_state
from render.refine.warp import warp
from render.tonemap import from_srgb8, shown


class Pixelwise(nn.Module):
    """A network of 1x1 convolutions with the refiner's inputs: it knows each pixel and the light alone."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        wide = 64
        self.code = nn.Sequential(nn.Linear(CODE, wide), nn.SiLU(), nn.Linear(wide, wide))
        self.enter = nn.Conv2d(config.half_guides + 3, wide, 1)
        self.mix = nn.Sequential(nn.SiLU(), nn.Conv2d(wide, wide, 1), nn.SiLU())
        self.leave = nn.Conv2d(wide, CHANGES, 1)
        self.lead = nn.Sequential(nn.Conv2d(config.guides + CHANGES, 32, 1), nn.SiLU(), nn.Conv2d(32, CHANGES, 1))
        for layer in (self.leave, self.lead[2]):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(self, state: Tensor, guides: Tensor, code: Tensor, time: Tensor, frames: int) -> Tensor:
        """As `render.refine.network.Network.forward`; time and neighbours are not looked at."""
        x = self.enter(torch.cat([state, guides], dim=1)) + self.code(code)[:, :, None, None]
        return self.leave(self.mix(x))

    def finer(self, coarse: Tensor, guides: Tensor) -> Tensor:
        """Changes at full size, pixel by pixel."""
        wide = F.interpolate(coarse, size=guides.shape[-2:], mode="nearest")
        return wide + self.lead(torch.cat([guides, wide], dim=1))


# ---- a colour affine


@dataclass(frozen=True)
class ColourAffine:
    """Displayed colours ``c`` become ``c matrix + offset``: the best grade that knows nothing but the colour."""

    matrix: np.ndarray  # (3, 3)
    offset: np.ndarray  # (3,)

    def apply(self, beauty: np.ndarray) -> np.ndarray:
        """Linear light ``(H, W, 3)`` graded, as linear light."""
        graded = np.clip(shown(beauty) @ self.matrix + self.offset, 0.0, 1.0)
        return from_srgb8(255.0 * graded)


class AffineFit:
    """Least squares over pairs of pictures, as they are displayed, surfaces alone."""

    def __init__(self) -> None:
        self._xx, self._xy = np.zeros((4, 4)), np.zeros((4, 3))

    def add(self, beauty: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> None:
        """One pair ``(H, W, 3)`` of linear light; ``mask (H, W)``: what counts."""
        x = shown(beauty)[mask].astype(np.float64)
        x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        self._xx += x.T @ x
        self._xy += x.T @ shown(reference)[mask]

    def fit(self) -> ColourAffine:
        """The affine.

        Raises:
            BadInput: no pair was added.
        """
        if self._xx[3, 3] < 12:
            raise BadInput("colour affine: no pixels to fit it to")
        solved = np.linalg.solve(self._xx + 1e-6 * np.eye(4), self._xy)
        return ColourAffine(solved[:3], solved[3])


# ---- a filter


class GuidedFilter:
    """Light smoothed along surfaces and along time, as SVGF does to a path tracer's (Schied et al. 2017).

    À-trous wavelets over demodulated light, weights by depth, normal and id; before that an exponential mean over
    frames along exact flow. The raster has no noise for its variance to lead, so the weight of light is fixed.
    """

    LEVELS, SIGMA_LIGHT, SIGMA_DEPTH, SQUARED_NORMAL, KEEP = 4, 0.35, 0.02, 6, 0.8  # squared six times: power 64

    def __init__(self) -> None:
        self._before: tuple[int, np.ndarray] | None = None

    def run(self, shot: Iterable[Frame]) -> Iterable[np.ndarray]:
        """Light ``(H, W, 3)`` of one shot's frames."""
        self._before = None
        for frame in shot:
            yield self._frame(frame)

    def _frame(self, frame: Frame) -> np.ndarray:
        assert frame.albedo_aa is not None and frame.alpha is not None and frame.beauty is not None
        m = modulator(frame.albedo_aa, frame.alpha[..., None])
        state = to_state(frame.beauty, m)
        if self._before is not None:
            flow, hidden = frame.flow_to(self._before[0])
            keep = np.where(hidden, 0.0, self.KEEP)[..., None].astype(np.float32)
            state = state + keep * (warp(self._before[1], flow) - state)
        planes, surface = _planes(state), _surface(frame)
        for level in range(self.LEVELS):
            planes = self._smooth(planes, surface, 1 << level)
        state = planes.permute(1, 2, 0).numpy()
        self._before = frame.index, state
        return from_state(state, m)

    def _smooth(self, state: Tensor, surface: Tensor, step: int) -> Tensor:
        reach = 2 * step
        height, width = state.shape[-2:]
        wide, around = (F.pad(planes[None], (reach,) * 4, mode="replicate")[0] for planes in (state, surface))
        total, weight = torch.zeros_like(state), torch.zeros_like(state[:1])
        bare = surface[3:4] <= _NO_DEPTH
        kernel = (0.375, 0.25, 0.0625)
        for dy in (-2, -1, 0, 1, 2):
            for dx in (-2, -1, 0, 1, 2):
                rows = slice(reach + dy * step, reach + dy * step + height)
                columns = slice(reach + dx * step, reach + dx * step + width)
                light, other = wide[:, rows, columns], around[:, rows, columns]
                far = (other[3:4] - surface[3:4]).abs_().div_(self.SIGMA_DEPTH * step)
                far += (light - state).square_().mean(0, keepdim=True).div_(self.SIGMA_LIGHT**2)
                turned = (other[:3] * surface[:3]).sum(0, keepdim=True).clamp_min_(0.0)
                for _ in range(self.SQUARED_NORMAL):
                    turned.square_()
                alike = (other[4:] == surface[4:]).all(0, keepdim=True)
                w = far.neg_().exp_() * torch.where(bare, 1.0, turned) * alike * (kernel[abs(dy)] * kernel[abs(dx)])
                total += w * light
                weight += w
        return total / weight.clamp_min_(1e-6)


#: Logarithm of the depth that stands for none.
_NO_DEPTH = math.log(1e-3)


def _surface(frame: Frame) -> Tensor:
    """What tells surfaces apart, ``(6, H, W)``: normal, logarithm of depth, ids."""
    assert frame.depth is not None and frame.normal is not None and frame.ids is not None
    near = np.log(np.maximum(frame.depth, 1e-3))[..., None]
    return _planes(np.concatenate([frame.normal, near, frame.ids], axis=-1))


def _planes(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32))


# ---- a small picture


def enlarged(light: np.ndarray) -> np.ndarray:
    """Light ``(H, W, 3)`` twice as wide and high, smoothly; of square roots, so that bright things ring less."""
    wide = F.interpolate(_planes(np.sqrt(np.maximum(light, 0.0)))[None], scale_factor=2, mode="bicubic")
    return wide[0].permute(1, 2, 0).clamp_min(0.0).square().numpy()
