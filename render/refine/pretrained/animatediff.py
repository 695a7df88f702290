"""`AnimateDiff`: AnimateDiff from the raster, steered by one ControlNet or several; the only class with both."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from render.refine.pretrained.base import Chunk, PipelineRefiner


class AnimateDiff(PipelineRefiner):
    """``AnimateDiffVideoToVideoControlNetPipeline``: Stable Diffusion 1.5 with a motion module.

    Its ``latents=`` is what denoising starts from, noised already, and forbids ``video=``. So the raster is encoded
    here, and our noise is added to it at the step where its strength begins.
    """

    class_name: ClassVar[str] = "AnimateDiffVideoToVideoControlNetPipeline"
    starts_from_raster: ClassVar[bool] = True
    usual_frames: ClassVar[int] = 16  # the length that the published motion modules were trained on
    usual_overlap: ClassVar[int] = 4
    usual_pixels: ClassVar[int] = 512 * 512
    usual_steps: ClassVar[int] = 25
    usual_guidance: ClassVar[float] = 7.5

    def _networks(self) -> int:
        return len(getattr(self.pipe.controlnet, "nets", (None,)))

    @property
    def multiple(self) -> int:
        return max(8, self.shrink * 2 ** (len(self.pipe.unet.config.block_out_channels) - 1))

    @property
    def shrink(self) -> int:
        return int(self.pipe.vae_scale_factor)

    @property
    def temporal(self) -> int:
        return 1

    @property
    def channels(self) -> int:
        return int(self.pipe.unet.config.in_channels)

    def accepts(self, frames: int) -> bool:
        # The motion module knows so many places in time.
        return frames <= int(getattr(self.pipe.unet.config, "motion_max_seq_length", 32) or 32)

    def call(self, chunk: Chunk) -> np.ndarray:
        controls: Any = list(chunk.controls.values())
        made = self.pipe(
            negative_prompt=self.options.negative_prompt,
            strength=self.options.strength,
            latents=self._start(chunk),
            conditioning_frames=controls[0] if len(controls) == 1 else controls,
            controlnet_conditioning_scale=float(self.options.control_scale),
            **self._said(chunk),
        )
        return np.asarray(made.frames[0])

    def _start(self, chunk: Chunk) -> torch.Tensor:
        """The raster's latents ``(1, C, T, h, w)`` with our noise."""
        pipe, device, dtype = self.pipe, self.pipe._execution_device, self.pipe.dtype
        width, height = chunk.size
        video = pipe.video_processor.preprocess_video(chunk.raster, height=height, width=width)
        # The autoencoder of Stable Diffusion overflows in float16; its config says so.
        raised = bool(pipe.vae.config.force_upcast) and dtype == torch.float16
        exact = torch.float32 if raised else dtype
        if raised:
            pipe.vae.to(dtype=torch.float32)
        pictures = video[0].permute(1, 0, 2, 3).to(device=device, dtype=exact)
        clean = pipe.encode_video(pictures, chunk.generator).to(dtype) * pipe.vae.config.scaling_factor
        if raised:
            pipe.vae.to(dtype=dtype)
        clean = clean.permute(1, 0, 2, 3)[None]
        pipe.scheduler.set_timesteps(self.steps, device=device)
        steps, _ = pipe.get_timesteps(self.steps, pipe.scheduler.timesteps, self.options.strength, device)
        return pipe.scheduler.add_noise(clean, chunk.noise.to(device=device, dtype=dtype), steps[:1])
