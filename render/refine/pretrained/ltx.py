"""`LTXCondition`: LTX-Video started from the raster."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from render.refine.pretrained.base import Chunk, PipelineRefiner


class LTXCondition(PipelineRefiner):
    """``LTXConditionPipeline``: LTX-Video started from the raster; frames that are refined already are conditions.

    Its ``latents=`` is the clean picture, to which it adds noise of its own, and is ignored at full strength. So the
    mixture with our noise is made where it prepares its latents, at the noise level that it says there.
    """

    class_name: ClassVar[str] = "LTXConditionPipeline"
    has_control: ClassVar[bool] = False
    starts_from_raster: ClassVar[bool] = True
    keeps_frames: ClassVar[bool] = True
    usual_frames: ClassVar[int] = 97
    usual_overlap: ClassVar[int] = 9
    usual_pixels: ClassVar[int] = 704 * 512
    usual_guidance: ClassVar[float] = 3.0

    def _class(self, diffusers: Any) -> Any:
        return _started(diffusers)

    @property
    def multiple(self) -> int:
        return max(32, self.shrink * int(self.pipe.transformer_spatial_patch_size))

    @property
    def shrink(self) -> int:
        return int(self.pipe.vae_spatial_compression_ratio)

    @property
    def temporal(self) -> int:
        return int(self.pipe.vae_temporal_compression_ratio)

    def call(self, chunk: Chunk) -> np.ndarray:
        from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

        # Values that LTX's authors give for autoencoders that are told the step they decode at (0.9.1 and later).
        told = (
            {"decode_timestep": 0.05, "decode_noise_scale": 0.025} if self.pipe.vae.config.timestep_conditioning else {}
        )
        kept = (len(chunk.kept) - 1) // self.temporal * self.temporal + 1 if chunk.kept else 0
        self.pipe.noise = chunk.noise
        made = self.pipe(
            conditions=[LTXVideoCondition(video=chunk.kept[:kept])] if kept else None,
            denoise_strength=self.options.strength,
            negative_prompt=self.options.negative_prompt,
            num_frames=chunk.frames,
            latents=self._clean(chunk),
            **self._said(chunk),
            **told,
        )
        return np.asarray(made.frames[0])

    def _clean(self, chunk: Chunk) -> torch.Tensor:
        """The raster's latents ``(1, C, F, h, w)``."""
        vae = self.pipe.vae
        return self.pipe._normalize_latents(self._encoded(chunk), vae.latents_mean, vae.latents_std)


def _started(diffusers: Any) -> Any:
    """The pipeline's class with one thing more: `noise`, which is mixed with the clean latents it is given."""
    base = diffusers.LTXConditionPipeline

    class LTXConditionPipeline(base):  # type: ignore[misc, valid-type]
        noise: torch.Tensor

        def prepare_latents(
            self, *args: Any, sigma: torch.Tensor | None = None, latents: torch.Tensor | None = None, **said: Any
        ) -> Any:
            if latents is not None:
                level = torch.ones(1) if sigma is None else sigma.float()  # None: full strength
                level = level.to(latents.device)
                latents = level * self.noise.to(latents) + (1 - level) * latents
                sigma = torch.zeros(1, device=latents.device)  # mixed already: nothing of its own is added
            return super().prepare_latents(*args, sigma=sigma, latents=latents, **said)

    return LTXConditionPipeline
