"""Noise levels and sampling for networks that predict the clean motion (x0): cosine schedule, DDIM."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor


def signal(time: Tensor) -> Tensor:
    """Share of the clean motion at noise level 0 to 1: the cosine schedule of Nichol and Dhariwal (2021, eq. 17)."""
    return torch.cos(time.clamp(0, 1) * (math.pi / 2))


def noise(time: Tensor) -> Tensor:
    """Share of the noise, so that signal² + noise² = 1."""
    return torch.sin(time.clamp(0, 1) * (math.pi / 2))


def mix(clean: Tensor, noise_drawn: Tensor, time: Tensor) -> Tensor:
    """The noisy motion at level ``time`` ``(B,)``; both motions are ``(B, T, K)``."""
    level = time[:, None, None]
    return signal(level) * clean + noise(level) * noise_drawn


def levels(steps: int, start: float = 1.0) -> Tensor:
    """Noise levels to visit, ``(steps + 1,)``, from ``start`` to 0; evenly spaced angles of the cosine schedule."""
    return torch.linspace(start * 0.999, 0.0, steps + 1)


def ddim(predict: Callable[[Tensor, Tensor], Tensor], noisy: Tensor, steps: int, start: float = 1.0) -> Tensor:
    """Deterministic DDIM (Song et al. 2021, eq. 12, η = 0) from ``noisy`` at level ``start``.

    Args:
        predict: clean motion from the noisy one and its level ``(B,)``.
        noisy: ``(B, T, K)``.
        steps: network evaluations.
        start: level of ``noisy``, 0 to 1.

    Returns:
        The clean motion ``(B, T, K)`` as the last evaluation predicts it.
    """
    visited = levels(steps, start)
    x, clean = noisy, noisy
    for now, then in pairwise(visited):
        clean = predict(x, now.expand(len(x)))
        if then > 0:
            drift = (x - signal(now) * clean) / noise(now)
            x = signal(then) * clean + noise(then) * drift
    return clean
