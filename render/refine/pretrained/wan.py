"""`WanVACE` and `WanVideoToVideo`: Wan 2.1 and 2.2, steered by a control video, or started from the raster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image

from motion.errors import need
from render.refine.pretrained.base import Chunk, PipelineRefiner
from render.refine.pretrained.options import Options


class _Wan(PipelineRefiner):
    usual_frames: ClassVar[int] = 81
    usual_overlap: ClassVar[int] = 9
    usual_pixels: ClassVar[int] = 832 * 480
    usual_guidance: ClassVar[float] = 5.0

    def __init__(self, folder: str | Path, options: Options | None = None) -> None:
        need("ftfy", "diffusers", "Wan's prompts")  # diffusers names it without looking whether it is there
        super().__init__(folder, options)

    @property
    def _network(self) -> Any:
        return self.pipe.transformer


class WanVACE(_Wan):
    """``WanVACEPipeline``: every pixel is made anew, under a control video.

    Its ``latents=`` is the noise itself. The frames that a chunk shares with the one before go in as they were
    refined, under a black mask, which keeps them: the look is carried on.
    """

    class_name: ClassVar[str] = "WanVACEPipeline"
    keeps_frames: ClassVar[bool] = True

    @property
    def _network(self) -> Any:
        # Wan 2.2 has two experts, and either may be missing.
        return self.pipe.transformer if self.pipe.transformer is not None else self.pipe.transformer_2

    @property
    def multiple(self) -> int:
        return self.shrink * int(self._network.config.patch_size[1])

    @property
    def channels(self) -> int:
        return int(self._network.config.in_channels)

    def call(self, chunk: Chunk) -> np.ndarray:
        kept = len(chunk.kept)
        (control,) = chunk.controls.values()
        black, white = (Image.new("RGB", chunk.size, (v, v, v)) for v in (0, 255))
        made = self.pipe(
            negative_prompt=self.options.negative_prompt,
            video=chunk.kept + control[kept:],
            mask=[black] * kept + [white] * (chunk.frames - kept),
            conditioning_scale=float(self.options.control_scale),
            num_frames=chunk.frames,
            latents=chunk.noise,
            **self._said(chunk),
        )
        return np.asarray(made.frames[0])


class WanVideoToVideo(_Wan):
    """``WanVideoToVideoPipeline``: Wan started from the raster.

    Its ``latents=`` is what denoising starts from, noised already, and forbids ``video=``. So the raster is encoded
    here, and our noise is added to it at the step where its strength begins.
    """

    class_name: ClassVar[str] = "WanVideoToVideoPipeline"
    has_control: ClassVar[bool] = False
    starts_from_raster: ClassVar[bool] = True

    @property
    def multiple(self) -> int:
        return max(16, self.shrink * int(self._network.config.patch_size[1]))

    def call(self, chunk: Chunk) -> np.ndarray:
        made = self.pipe(
            negative_prompt=self.options.negative_prompt,
            strength=self.options.strength,
            latents=self._start(chunk),
            **self._said(chunk),
        )
        return np.asarray(made.frames[0])

    def _start(self, chunk: Chunk) -> torch.Tensor:
        """The raster's latents ``(1, C, F, h, w)`` with our noise."""
        pipe, device = self.pipe, self.pipe._execution_device
        config = pipe.vae.config
        mean, std = (
            torch.tensor(v, device=device).view(1, -1, 1, 1, 1) for v in (config.latents_mean, config.latents_std)
        )
        clean, noise = (self._encoded(chunk) - mean) / std, chunk.noise.to(device)
        scheduler = pipe.scheduler
        scheduler.set_timesteps(self.steps, device=device)
        steps, _ = pipe.get_timesteps(self.steps, scheduler.timesteps, self.options.strength, device)
        if hasattr(scheduler, "add_noise"):
            return scheduler.add_noise(clean, noise, steps[:1])
        return scheduler.scale_noise(clean, steps[:1], noise)
