"""The bridge between the raster frame and the refined one: residual-shifting diffusion that predicts where it leads.

At place ``u`` of the bridge, 0 refined and 1 raster, a state is ``x_u = x_0 + eta(u) (y - x_0) + kappa sqrt(eta(u)) e``
with ``y`` the raster's state and ``e`` white noise (Yue et al. 2023, ResShift, in logarithms of demodulated light
instead of a latent). Beginning at the raster frame instead of at noise, one step already gives a picture.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from motion.errors import BadInput

#: Noise at the raster end, in logarithms of light: a tenth, far less than what separates raster and reference.
KAPPA = 0.1

#: Most steps that a bridge is walked in.
MOST_STEPS = 64


def eta(u: Tensor) -> Tensor:
    """How much of the residual is left at a place ``u`` of the bridge."""
    return u * u


def put(x0: Tensor, y: Tensor, u: Tensor, noise: Tensor, kappa: float = KAPPA) -> Tensor:
    """A state at places ``u (N,)`` of the bridge from the refined ``x0`` and the raster ``y``, ``(N, C, H, W)``."""
    e = eta(u)[:, None, None, None].to(x0.dtype)
    return x0 + e * (y - x0) + kappa * e.sqrt() * noise


def walk(
    predict: Callable[[Tensor, Tensor], Tensor], y: Tensor, steps: int, noise: Tensor | None = None,
    kappa: float = KAPPA,
) -> Tensor:  # fmt: skip
    """From the raster's state to the refined one.

    The way back is the posterior's mean; the noise of the start is the only one, so that what moves with the picture
    moves all the way and nothing flickers.

    Args:
        predict: says ``x_0`` of a state and its place ``(N,)``.
        y: the raster's state ``(N, C, H, W)``.
        steps: calls of ``predict``.
        noise: of the start, white, like ``y``; None: none.

    Raises:
        BadInput: no such number of steps.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput(f"refiner: {steps} steps, expected 1 to {MOST_STEPS}")
    x = y if noise is None else y + kappa * noise
    found = y
    for k in range(steps, 0, -1):
        u = torch.full((len(y),), k / steps, device=y.device)
        found = predict(x, u)
        if k > 1:
            share = float(((k - 1) / k) ** 2)  # eta of the next place over eta of this one
            x = share * x + (1 - share) * found
    return found
