"""The faithful answer: light that is a convex mix of the raster's own, by kernels that the network predicts.

Such light cannot be brighter or darker than anything near, and no colour comes that was not there: it cannot invent.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from render.refine.guides import Seen, light_of

#: Where a pixel may take light from, in pixels of the half-size picture: three rings of eight about it, and itself.
TAPS: tuple[tuple[int, int], ...] = (
    (0, 0),
    *((dy * d, dx * d) for d in (1, 3, 9) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx),
)


def mixed(seen: Seen, kernels: Tensor, scale: int) -> Tensor:
    """Light ``(N, 3, H, W)`` as `kernels` mix it; sky gives none and takes none.

    Args:
        seen: the frame, of H x W pixels.
        kernels: ``(N, len(TAPS), H, W)`` logits.
        scale: pixels of this picture for one of the half-size picture.
    """
    weights = torch.softmax(kernels.float(), dim=1)
    light = light_of(seen.drawn, torch.ones_like(seen.modulator))  # over what surfaces reflect
    height, width = light.shape[-2:]
    reach = scale * max(dy for dy, _ in TAPS)
    # Beyond the border there is nothing to take.
    wide = F.pad(torch.cat([light, seen.solid], dim=1), (reach, reach, reach, reach))
    total, sum_ = weights[:, :1] * light, weights[:, :1]
    for k, (dy, dx) in enumerate(TAPS[1:], start=1):
        top, left = reach + dy * scale, reach + dx * scale
        other = wide[..., top : top + height, left : left + width]
        own = weights[:, k : k + 1] * other[:, 3:]
        total = total + own * other[:, :3]
        sum_ = sum_ + own
    mix = total / sum_.clamp_min(1e-6)
    return (mix * seen.solid + light * (1.0 - seen.solid)) * seen.modulator
