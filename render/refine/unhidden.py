"""Light on surfaces that nothing hides: the sun's, the sky's, the ground's, and what a mirror would show.

A path tracer's picture is this light less what is hidden, and more for what bounces once more. Worked out from the
light code it is pixel by pixel right under skies that no network has seen.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from render import lighting
from render.refine.describe import CLOUDS, FALLOFF, FALLOFF_UNIT, FLOOR, GROUND, LIGHTS, SUN
from render.refine.state import KNEE

#: Channels of `unhidden`.
UNHIDDEN = 18

#: Directions of the upper half that a sky's light is summed over.
_DIRECTIONS = 512

#: How narrow the sun's glow is taken to be: presets range from 7 to 24, and the code does not say.
_GLOW = 9.0

_USUAL = 2.6  # in logarithms: what is subtracted so that channels are about zero


def unhidden(code: Tensor, normal: Tensor, away: Tensor) -> Tensor:
    """What the light on a set would do to surfaces on their own, as channels for a network.

    Args:
        code: ``(N, CODE)``, see `render.refine.describe.light_code`.
        normal: ``(N, 3, H, W)`` in the camera's level frame; not unit where several surfaces share a pixel.
        away: ``(N, 3, H, W)`` unit vectors from the eye, in that frame.

    Returns:
        ``(N, UNHIDDEN, H, W)``: irradiance / π of the sun, of the sky, of the ground and of all three, and the radiance
        that a mirror would show, three colours each, in logarithms; cosines of the normal with the way to the eye, of
        the mirrored way with the sun and with straight up.
    """
    sun, zenith, horizon, below, glow = (torch.expm1(code[:, i : i + 3]) * KNEE for i in LIGHTS[:5])
    towards, falloff = code[:, SUN : SUN + 3], FALLOFF_UNIT * code[:, FALLOFF]
    grey = lighting.CLOUDS_GREY * code[:, CLOUDS]

    def gradient(y: Tensor) -> Tensor:
        """Radiance ``(N, 3, …)`` of the sky at heights ``(N, …)`` of unit directions, without the sun's glow."""
        wide = (...,) + (None,) * (y.dim() - 1)
        radiance = zenith[wide] + (horizon - zenith)[wide] * torch.exp(-falloff[wide] * y.clamp_min(0.0))[:, None]
        luma = torch.einsum("nc...,c->n...", radiance, radiance.new_tensor(lighting.LUMINANCE))[:, None]
        return torch.lerp(radiance, luma, grey[:, None][wide])

    # The sky above the horizon alone: what is seen below it is the ground, on which this set's own light falls.
    d, weights = _directions(code.device)
    around = (towards @ d.T).clamp_min(0.0)[:, None] ** _GLOW
    sky = (gradient(d[:, 1].expand(len(code), -1)) + glow[..., None] * around) @ weights  # (N, 3, 9)
    reached = sun * towards[:, 1:2].clamp_min(0.0) + sky @ torch.stack(lighting.harmonics(*d.new_tensor([0.0, 1, 0])))
    there = code[:, GROUND, None]
    ground = (there * code[:, FLOOR : FLOOR + 3].square() * reached + (1 - there) * below)[..., None, None]

    facing = torch.einsum("nc,nchw->nhw", towards, normal).clamp_min(0.0)
    of_sun = sun[..., None, None] * facing[:, None]
    of_sky = torch.einsum("ncb,nbhw->nchw", sky, torch.stack(lighting.harmonics(*normal.unbind(1)), 1)).clamp_min(0.0)
    of_ground = ground * (0.5 - 0.5 * normal[:, 1:2])
    cosine = -(normal * away).sum(1, keepdim=True)
    mirrored = away + 2 * cosine * normal
    high = mirrored[:, 1:2]
    glint = torch.einsum("nc,nchw->nhw", towards, mirrored)[:, None]
    seen = gradient(high[:, 0]) + glow[..., None, None] * glint.clamp(0.0, 1.0) ** _GLOW
    seen = torch.lerp(ground.expand_as(seen), seen, (8.0 * high + 0.5).clamp(0.0, 1.0))
    light = torch.cat([of_sun, of_sky, of_ground, of_sun + of_sky + of_ground, seen], dim=1)
    return torch.cat([torch.log1p(light / KNEE) - _USUAL, cosine - 0.5, glint, high], dim=1)


@lru_cache(maxsize=4)
def _directions(device: torch.device) -> tuple[Tensor, Tensor]:
    """Directions of the upper half ``(D, 3)`` and their weights ``(D, 9)``, see `lighting.harmonics_of_cosine`."""
    d, weights = lighting.harmonics_of_cosine(2 * _DIRECTIONS)
    above = d[:, 1] > 0
    return tuple(torch.tensor(part[above], dtype=torch.float32, device=device) for part in (d, weights))  # type: ignore[return-value]
