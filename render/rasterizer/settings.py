"""`RenderSettings`: how pictures are drawn, whatever is in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.errors import BadInput, unknown
from render.tonemap import CURVES


@dataclass(frozen=True)
class RenderSettings:
    """How pictures are drawn.

    The pixel filter is a tent (triangle) ``filter_px`` wide at its foot, in x and in y; samples are drawn from it.
    """

    samples: int = 4  # of pixel, shutter and lens together, per frame; 1: a draft, at the pixel's centre
    max_samples: int = 8  # drawn where four would show as ghosts: fast limbs, open apertures; never for a draft
    filter_px: float = 1.6  # full width of the pixel filter's foot, px
    transparent: bool = False  # no sky, no plate; the ground only catches shadows; beauty is premultiplied
    curve: str = "agx"  # the tone curve of ``display``, and the one a plate is taken through backwards
    exposure: float = 0.0  # stops, for ``display``
    shadow_texels: int | None = None  # a side of the sun's shadow map; None: as fine as the picture needs
    shadow_taps: int = 6  # per sample and pixel, where a shadow may fall

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= 1024:
            raise BadInput(f"render: {self.samples} samples, expected 1 to 1024")
        if not 1 <= self.max_samples <= 1024:
            raise BadInput(f"render: at most {self.max_samples} samples, expected 1 to 1024")
        if not 0.0 <= self.filter_px <= 8.0:
            raise BadInput(f"render: a pixel filter of {self.filter_px} px, expected 0 to 8")
        if self.curve not in CURVES:
            raise unknown("tone curve", self.curve, CURVES)
        if not 64 <= (self.shadow_texels or 64) <= 8192 or not 1 <= self.shadow_taps <= 64:
            raise BadInput("render: shadow_texels is 64 to 8192, shadow_taps 1 to 64")

    def texels(self, size: tuple[int, int]) -> int:
        """Texels a side of the shadow map for a picture of this size."""
        return self.shadow_texels or (512 if max(size) <= 400 else 1024 if max(size) <= 1400 else 2048)

    def samples_for(self, blur_px: float) -> int:
        """Samples of a frame whose quickest or softest thing is smeared over ``blur_px``."""
        if self.samples == 1 or self.max_samples <= self.samples:
            return self.samples
        # Copies of an edge closer than some 3 px melt into one under the pixel filter and the eye.
        return int(min(max(self.samples, np.ceil(blur_px / 3.0)), self.max_samples))

    @staticmethod
    def contact_texels(size: tuple[int, int]) -> int:
        """Texels a side of the ground's contact map for a picture of this size."""
        return 96 if max(size) <= 400 else 128 if max(size) <= 1400 else 256

    @classmethod
    def draft(cls) -> RenderSettings:
        """Fast and rough: one sample."""
        return cls(samples=1)
