"""Light on surfaces that nothing hides: the sun's, the sky's, the ground's, and what a mirror would show.

A path tracer's picture is this light less what is hidden, and more for what bounces once more. Worked out from the
light code it is pixel by pixel right under skies that no network has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from render import lighting
from render.refine.describe import FALLOFF, FALLOFF_UNIT, FLOOR, GROUND, LIGHTS, SUN
from render.refine.state import KNEE, USUAL

#: Channels of `unhidden`.
UNHIDDEN = 18

#: Directions of the upper half that a sky's light is summed over.
_DIRECTIONS = 512

#: How narrow the sun's glow is taken to be: presets range from 7 to 24, and the code does not say.
_GLOW = 9.0

#: How much of the ground's light reaches a surface on average (training pairs: 0.75 to 1 are equally near).
_ARRIVES = 0.85


@dataclass(frozen=True)
class Sky:
    """N skies without the sun's disc; colours are ``(N, 3)``."""

    towards: Tensor  # (N, 3) the sun, in the camera's level frame
    zenith: Tensor
    horizon: Tensor
    falloff: Tensor  # (N,)
    glow: Tensor

    def radiance(self, height: Tensor, glint: Tensor) -> Tensor:
        """What the sky sends ``(N, 3, …)`` from directions of a ``height`` ``(N, …)`` whose cosine with the sun's is
        ``glint``; below the horizon as at it."""

        def wide(value: Tensor) -> Tensor:
            return value[(...,) + (None,) * (height.dim() - 1)]

        fall = torch.exp(-wide(self.falloff) * height.clamp_min(0.0))[:, None]
        found = torch.lerp(wide(self.zenith), wide(self.horizon), fall)
        return found + wide(self.glow) * glint.clamp(0.0, 1.0)[:, None] ** _GLOW


@dataclass(frozen=True)
class Lights:
    """The light on N sets, as their codes say it, in the camera's level frame; colours are ``(N, 3)``."""

    sky: Sky
    sun: Tensor
    below: Tensor  # radiance that the preset has from below the horizon
    from_sky: Tensor  # (N, 3, 9) harmonics of what falls from above the horizon
    ground: Tensor  # radiance of the ground under all this; ``below`` where there is none

    @classmethod
    def of(cls, code: Tensor) -> Lights:
        """From ``(N, CODE)``, see `render.refine.describe.light_code`."""
        sun, zenith, horizon, below, glow = (torch.expm1(code[:, i : i + 3]) * KNEE for i in LIGHTS[:5])
        towards, falloff = code[:, SUN : SUN + 3], FALLOFF_UNIT * code[:, FALLOFF]
        sky = Sky(towards, zenith, horizon, falloff, glow)
        # The sky above the horizon alone: what is seen below it is the ground, on which this set's own light falls.
        d, weights = _directions(code.device)
        from_sky = sky.radiance(d[:, 1].expand(len(code), -1), towards @ d.T) @ weights
        up = torch.stack(lighting.harmonics(*d.new_tensor([0.0, 1.0, 0.0])))
        reached = sun * towards[:, 1:2].clamp_min(0.0) + from_sky @ up
        there = code[:, GROUND, None]
        ground = there * code[:, FLOOR : FLOOR + 3].square() * reached + (1 - there) * below
        return cls(sky, sun, below, from_sky, ground)


def unhidden(lights: Lights, normal: Tensor, away: Tensor) -> Tensor:
    """What the light on a set would do to surfaces on their own, as channels for a network.

    Args:
        lights: on N sets.
        normal: ``(N, 3, H, W)`` in the camera's level frame; not unit where several surfaces share a pixel.
        away: ``(N, 3, H, W)`` unit vectors from the eye, in that frame.

    Returns:
        ``(N, UNHIDDEN, H, W)``: irradiance / π of the sun, of the sky, of the ground and of all three, and the radiance
        that a mirror would show, three colours each, in logarithms; cosines of the normal with the way to the eye, of
        the mirrored way with the sun and with straight up.
    """
    facing = torch.einsum("nc,nchw->nhw", lights.sky.towards, normal).clamp_min(0.0)
    of_sun = lights.sun[..., None, None] * facing[:, None]
    harmonics = torch.stack(lighting.harmonics(*normal.unbind(1)), 1)
    of_sky = torch.einsum("ncb,nbhw->nchw", lights.from_sky, harmonics).clamp_min(0.0)
    of_ground = lights.ground[..., None, None] * (0.5 - 0.5 * normal[:, 1:2])
    cosine = -(normal * away).sum(1, keepdim=True)
    mirrored = away + 2 * cosine * normal
    high = mirrored[:, 1:2]
    glint = torch.einsum("nc,nchw->nhw", lights.sky.towards, mirrored)[:, None]
    seen = lights.sky.radiance(high[:, 0], glint[:, 0])
    seen = torch.lerp(lights.ground[..., None, None].expand_as(seen), seen, (8.0 * high + 0.5).clamp(0.0, 1.0))
    light = torch.cat([of_sun, of_sky, of_ground, of_sun + of_sky + of_ground, seen], dim=1)
    return torch.cat([torch.log1p(light / KNEE) - USUAL, cosine - 0.5, glint, high], dim=1)


def ground_light(lights: Lights, normal: Tensor) -> Tensor:
    """What the ground under this light sends a surface, less what a preset has in its place, irradiance / π.

    A rasterizer's light from below is a constant of the preset; a path tracer's is the colour of the ground and the sun
    on it. Most of it arrives: the rest is hidden by what stands about, and by the surface's own body.

    Args:
        lights: on N sets.
        normal: ``(N, 3, H, W)`` in the level frame, or in the world: they share what is up.

    Returns:
        ``(N, 3, H, W)``, of either sign.
    """
    return _ARRIVES * (lights.ground - lights.below)[..., None, None] * (0.5 - 0.5 * normal[:, 1:2])


@lru_cache(maxsize=4)
def _directions(device: torch.device) -> tuple[Tensor, Tensor]:
    """Directions of the upper half ``(D, 3)`` and their weights ``(D, 9)``, see `lighting.harmonics_of_cosine`."""
    d, weights = lighting.harmonics_of_cosine(2 * _DIRECTIONS)
    above = d[:, 1] > 0
    return tuple(torch.tensor(part[above], dtype=torch.float32, device=device) for part in (d, weights))  # type: ignore[return-value]
