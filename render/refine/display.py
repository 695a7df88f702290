"""Tone-mapped pictures as tensors, with gradients: losses and the eye judge the same thing."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from render.tonemap import curve_table


def shown(light: Tensor) -> Tensor:
    """Linear light ``(N, 3, H, W)`` as agx shows it: display-encoded, 0 to 1; `render.tonemap` to 1/500."""
    inset, outset, values, low, high = _agx(str(light.device))
    mixed = torch.einsum("ij,njhw->nihw", inset, light.float().clamp_min(0))
    place = (torch.log2(mixed.clamp_min(1e-9)) - low) * ((len(values) - 1) / (high - low))
    place = place.clamp(0.0, len(values) - 1.001)
    below = place.detach().floor()
    at = below.long()
    part = place - below
    curved = values[at] * (1 - part) + values[at + 1] * part
    return torch.einsum("ij,njhw->nihw", outset, curved).clamp(0.0, 1.0)


@lru_cache(maxsize=4)
def _agx(device: str) -> tuple[Tensor, Tensor, Tensor, float, float]:
    table = curve_table("agx")
    as_tensor = lambda values: torch.tensor(values, dtype=torch.float32, device=device)
    return as_tensor(table.inset), as_tensor(table.outset), as_tensor(table.values), table.low, table.high
