"""Losses of the refiner, each one value a row; which of them forgive noise in the reference is said with each."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from render.refine.state import KNEE

#: A path that finds a lamp by chance is worth at most so many times what is expected there: it would drown the rest.
_FIREFLY = 30.0


def relative(light: Tensor, reference: Tensor, modulator: Tensor, solid: Tensor) -> Tensor:
    """Squared error of demodulated light relative to the light itself, ``(N,)``; forgives noise.

    Its minimum is the mean of all references, in spite of their noise, because light is compared as it is and not in
    logarithms; the denominator is the network's own answer, held fixed (Lehtinen et al. 2018, Noise2Noise, HDR).

    Args:
        light: ``(N, 3, H, W)`` linear.
        reference: the same, perhaps noisy.
        modulator: see `render.refine.state`.
        solid: ``(N, 1, H, W)`` weight: sky counts for nothing.
    """
    scale = (light.detach() / modulator + KNEE) * modulator
    far = (light - torch.minimum(reference, _FIREFLY * scale)) / scale
    return _mean(far.square(), solid)


def absolute(shown: Tensor, reference: Tensor, solid: Tensor) -> Tensor:
    """Mean absolute error of displayed values ``(N, 3, H, W)``, ``(N,)``; wants clean references."""
    return _mean((shown - reference).abs(), solid)


def gradients(shown: Tensor, reference: Tensor, solid: Tensor) -> Tensor:
    """Mean absolute error of the differences between neighbours, ``(N,)``; wants clean references."""
    across = (shown[..., :, 1:] - shown[..., :, :-1]) - (reference[..., :, 1:] - reference[..., :, :-1])
    down = (shown[..., 1:, :] - shown[..., :-1, :]) - (reference[..., 1:, :] - reference[..., :-1, :])
    return _mean(across.abs(), solid[..., :, 1:]) + _mean(down.abs(), solid[..., 1:, :])


def structure(shown: Tensor, reference: Tensor, solid: Tensor) -> Tensor:
    """1 − SSIM over a Gaussian window of 11 px at three sizes, ``(N,)``; wants clean references.

    The sky is set equal in both, so that it is no error and pulls nothing towards itself.
    """
    total = torch.zeros(len(shown), device=shown.device)
    a, b = shown * solid, reference * solid
    for weight in (0.3, 0.4, 0.3):
        total = total + weight * (1.0 - _ssim(a, b))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return total


def steadiness(light: Tensor, reference: Tensor, warped: Tensor, warped_reference: Tensor, modulator: Tensor,
               seen: Tensor) -> Tensor:  # fmt: skip
    """Squared error of what changes along exact flow, relative to the light, ``(N,)``; forgives noise.

    Args:
        light: ``(N, 3, H, W)`` of a frame.
        reference: of the same frame.
        warped: ``light`` of the frame before, brought here along flow.
        warped_reference: the same of the reference.
        modulator: of the frame.
        seen: ``(N, 1, H, W)`` weight: what was hidden or is sky counts for nothing.
    """
    scale = (light.detach() / modulator + KNEE) * modulator
    most = _FIREFLY * scale
    moved = light - warped
    should = torch.minimum(reference, most) - torch.minimum(warped_reference, most)
    return _mean(((moved - should) / scale).square(), seen)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean over a row's pixels under a weight that is over all pixels' mean, so that empty rows count little."""
    return (values * weight).mean((1, 2, 3)) / weight.mean((1, 2, 3)).clamp_min(0.05)


def _ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean SSIM of pictures in 0..1 (Wang et al. 2004: sigma 1.5, K 0.01 and 0.03), ``(N,)``."""
    size = min(11, *a.shape[-2:])
    place = torch.arange(size, device=a.device, dtype=a.dtype) - (size - 1) / 2
    window = torch.exp(-(place**2) / (2 * 1.5**2))
    window = window / window.sum()
    c = a.shape[1]

    def blur(x: Tensor) -> Tensor:
        x = F.conv2d(x, window.view(1, 1, 1, -1).expand(x.shape[1], 1, 1, -1), groups=x.shape[1])
        return F.conv2d(x, window.view(1, 1, -1, 1).expand(x.shape[1], 1, -1, 1), groups=x.shape[1])

    mean = blur(torch.cat([a, b, a * a, b * b, a * b], dim=1))
    ma, mb, aa, bb, ab = (mean[:, k * c : (k + 1) * c] for k in range(5))
    c1, c2 = 0.01**2, 0.03**2
    ssim = (2 * ma * mb + c1) * (2 * (ab - ma * mb) + c2)
    ssim = ssim / ((ma * ma + mb * mb + c1) * (aa - ma * ma + bb - mb * mb + c2))
    return ssim.mean((1, 2, 3))
