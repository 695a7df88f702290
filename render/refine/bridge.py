"""The bridge between the raster frame and the refined one: residual-shifting diffusion that predicts where it leads.

At place ``u`` of the bridge, 0 refined and 1 raster, a state is ``x_u = x_0 + eta(u) (y - x_0) + kappa sqrt(eta(u)) e``
with ``y`` the raster's state and ``e`` white noise (Yue et al. 2023, ResShift, in logarithms of demodulated light
instead of a latent). Beginning at the raster frame instead of at noise, one step already gives a picture.

Two rivals are trained with the same network and inputs: diffusion from noise, and a regression with one answer.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from motion.errors import BadInput
from render.refine.guides import Seen, changed
from render.refine.network import Network
from render.refine.state import USUAL

#: How a network is used: from the raster frame, from noise, or with one answer.
KINDS = ("bridge", "noise", "regression")

#: Noise at the raster end, in logarithms of light: a tenth, far less than what separates raster and reference.
KAPPA = 0.1

#: Standard deviation of states about the usual one: how strong noise is where nothing else is left.
SPREAD = 0.6

#: Most steps that a bridge is walked in.
MOST_STEPS = 64


def put(kind: str, x0: Tensor, y: Tensor, u: Tensor, noise: Tensor) -> Tensor:
    """A training state at places ``u (N,)``, from the refined state ``x0`` and the raster's ``y``, ``(N, C, H, W)``."""
    u = u[:, None, None, None]
    if kind == "regression":
        return y
    if kind == "noise":  # variance preserving: at 1 there is nothing but noise
        return USUAL + (x0 - USUAL) * (1 - u * u).sqrt() + SPREAD * u * noise
    return x0 + u * u * (y - x0) + KAPPA * u * noise


def answer(
    network: nn.Module, kind: str, x: Tensor, half: Seen, code: Tensor, u: Tensor, frames: int,
    look: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Changes of the raster's light at half size that lead from a state ``x`` at ``u`` to the refined one.

    And the kernels of the faithful answer, `render.refine.mixing`, of a network that has them.
    """
    seen = ((x - USUAL).to(half.guides.dtype), half.guides, code, u, frames)
    kernels = None
    if isinstance(network, Network):
        features = network.features(*seen, look)
        changes, kernels = network.changes(features).float(), network.kernels(features)
    else:
        changes = network(*seen).float()
    if kind == "noise":  # it does not begin at the raster: what it says is about the usual state
        nothing = USUAL - half.raster
        changes = changes + torch.cat([nothing, nothing], dim=1)
    return changes, kernels


def _white(like: Tensor) -> Tensor:
    """The same white noise for every frame, on any device."""
    noise = torch.randn((1, *like.shape[1:]), generator=torch.Generator().manual_seed(0))
    return noise.to(like).expand_as(like)


def walk(
    network: nn.Module, kind: str, half: Seen, code: Tensor, frames: int, steps: int = 1, noise: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Changes at half size ``(N, CHANGES, h, w)`` after walking the whole bridge; and the last step's kernels.

    The way back is the posterior's mean; the noise of the start is the only one, so that what moves with the picture
    moves all the way and nothing flickers.

    Args:
        network: trained.
        kind: one of `KINDS`.
        half: what it sees, `render.refine.guides.look`.
        code: of the light.
        frames: of a clip.
        steps: calls of the network.
        noise: of the start, white, ``(N, 3, h, w)``; None: none, but for kind "noise", which begins with nothing else:
            that has the same in every frame.

    Raises:
        BadInput: no such number of steps.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput(f"refiner: {steps} steps, expected 1 to {MOST_STEPS}")
    y = half.raster
    if noise is None:
        noise = _white(y) if kind == "noise" else torch.zeros_like(y)
    x = put(kind, y, y, torch.ones(len(y), device=y.device), noise)
    changes, kernels = y, None
    for k in range(steps, 0, -1):
        u, after = k / steps, (k - 1) / steps
        place = torch.full((len(y),), u, device=y.device)
        changes, kernels = answer(network, kind, x, half, code, place, frames)
        if k == 1 or kind == "regression":
            break
        x0 = changed(half, changes)
        if kind == "bridge":
            share = (after / u) ** 2  # eta of the next place over eta of this one
            x = share * x + (1 - share) * x0
        else:  # DDIM (Song et al. 2021): the noise that the state implies is kept
            implied = (x - USUAL - (x0 - USUAL) * (1 - u * u) ** 0.5) / u
            x = USUAL + (x0 - USUAL) * (1 - after * after) ** 0.5 + after * implied
    return changes, kernels
