"""The adversarial stage: a judge of frames and a judge of clips, as in MoCoGAN, and one appearance code a shot.

The network has learned where light goes; the judges say whether a picture, and four of them in a row, look like a path
tracer's. What a reference leaves open (its code) is drawn once a shot and is the same in all of its frames, so that it
cannot change with motion. Networks and judges learn in one step: each judge is asked twice, once with the answer held
fixed, for its own gradient, and once with its weights held fixed, for the network's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

from render.refine.network import Network

#: Numbers of an appearance code.
APPEARANCE = 8

_WIDTHS = (32, 64, 96)


class FrameJudge(nn.Module):
    """Patches of a picture beside what the raster shows: made by a path tracer, or not (Isola et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        last = 6
        for width in _WIDTHS:
            layers += [spectral_norm(nn.Conv2d(last, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
            last = width
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(last, 1, 3, padding=1)))

    def forward(self, shown: Tensor, raster: Tensor) -> Tensor:
        """Logits ``(N, 1, h, w)`` of pictures ``(N, 3, H, W)`` as displayed."""
        return self.layers(torch.cat([shown, raster], dim=1) * 2 - 1)


class ClipJudge(nn.Module):
    """The same of clips: convolutions over time and picture see whether what moves, moves as light does."""

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames
        layers: list[nn.Module] = []
        last = 6
        for width in _WIDTHS:
            conv = nn.Conv3d(last, width, (3, 4, 4), stride=(1, 2, 2), padding=(1, 1, 1))
            layers += [spectral_norm(conv), nn.LeakyReLU(0.2)]
            last = width
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv3d(last, 1, (frames, 3, 3), padding=(0, 1, 1))))

    def forward(self, shown: Tensor, raster: Tensor) -> Tensor:
        """Logits ``(clips, 1, 1, h, w)`` of frames ``(clips · T, 3, H, W)`` as displayed."""
        pair = torch.cat([shown, raster], dim=1) * 2 - 1
        return self.layers(pair.unflatten(0, (-1, self.frames)).transpose(1, 2))


class Contest(nn.Module):
    """A network and its judges.

    Args:
        network: trained already; its first layer grows by what an appearance code needs.
        frames: of a clip; 1: there is no judge of clips.
    """

    def __init__(self, network: Network, frames: int) -> None:
        super().__init__()
        self.network = with_appearance(network)
        self.judges = nn.ModuleList([FrameJudge(), *([ClipJudge(frames)] if frames > 1 else [])])

    def terms(self, shown: Tensor, reference: Tensor, raster: Tensor, solid: Tensor) -> tuple[Tensor, Tensor]:
        """What the judges cost, and what they cost the network, one value a frame each; clips' shared among frames.

        Sky counts for nothing: it is the same in both. Hinge losses (Lim and Ye 2017).

        Args:
            shown: ``(N, 3, H, W)`` the answer as displayed.
            reference: the same of the reference.
            raster: the same of the raster.
            solid: ``(N, 1, H, W)`` weight.
        """
        real, fake, beside = (picture * solid for picture in (reference, shown, raster))
        judged, earned = torch.zeros(len(shown), device=shown.device), torch.zeros(len(shown), device=shown.device)
        for judge in self.judges:
            held = {name: p.detach() for name, p in judge.named_parameters()} | dict(judge.named_buffers())
            own = F.relu(1 - judge(real, beside)) + F.relu(1 + judge(fake.detach(), beside))
            theirs = -functional_call(judge, held, (fake, beside))
            judged, earned = judged + _each(own, len(shown)), earned + _each(theirs, len(shown))
        return judged, earned


def _each(cost: Tensor, frames: int) -> Tensor:
    """Mean of every row, ``(frames,)``; a clip's for all of its frames."""
    return cost.flatten(1).mean(1).repeat_interleave(frames // len(cost))


def with_appearance(network: Network) -> Network:
    """A network that is also told an appearance code; a code of zeros changes nothing."""
    first = network.code[0]
    assert isinstance(first, nn.Linear)
    if network.appearance:
        return network
    wider = nn.Linear(first.in_features + APPEARANCE, first.out_features)
    with torch.no_grad():
        wider.weight[:, : first.in_features] = first.weight
        wider.weight[:, first.in_features :] = 0.02 * torch.randn(first.out_features, APPEARANCE)
        wider.bias.copy_(first.bias)
    network.code[0] = wider
    network.appearance = APPEARANCE
    return network


def codes(clips: int, frames: int, device: torch.device) -> Tensor:
    """Appearance codes ``(clips · frames, APPEARANCE)``, one a clip."""
    return torch.randn(clips, APPEARANCE, device=device).repeat_interleave(frames, 0)
