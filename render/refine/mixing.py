"""The faithful answer: light that is a convex mix of the raster's own, by kernels that the network predicts.

Such light cannot be brighter or darker than anything near, and no colour comes that was not there: it cannot invent.
"""

from __future__ import annotations

import torch
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
    light = light_of(seen.raster, torch.ones_like(seen.modulator))  # over what surfaces reflect
    height, width = light.shape[-2:]
    total, sum_ = torch.zeros_like(light), torch.zeros_like(seen.solid)
    rows = torch.arange(height, device=light.device)
    columns = torch.arange(width, device=light.device)
    for k, (dy, dx) in enumerate(TAPS):
        y, x = (rows + dy * scale).clamp(0, height - 1), (columns + dx * scale).clamp(0, width - 1)
        own = weights[:, k : k + 1]
        if k:
            own = own * seen.solid[..., y, :][..., x]
            other = light[..., y, :][..., x]
        else:
            other = light
        total = total + own * other
        sum_ = sum_ + own
    mix = total / sum_.clamp_min(1e-6)
    return (mix * seen.solid + light * (1.0 - seen.solid)) * seen.modulator
