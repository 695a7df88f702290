"""`CosmosTransfer`: Cosmos-Transfer 2.5, steered by a control video."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch

from render.refine.pretrained.base import Chunk, PipelineRefiner


class CosmosTransfer(PipelineRefiner):
    """``Cosmos2_5_TransferPipeline``: every pixel is made anew, under a control video.

    The class can cut a long video into chunks itself, but then it holds all of it and starts every chunk from the
    same ``latents=``. So it is called once a chunk, with that chunk's noise, and told of the frames it goes on from
    where it prepares its latents. Its guardrail stays: the weights' licence asks for it.
    """

    class_name: ClassVar[str] = "Cosmos2_5_TransferPipeline"
    keeps_frames: ClassVar[bool] = True
    usual_frames: ClassVar[int] = 93
    usual_overlap: ClassVar[int] = 5
    usual_pixels: ClassVar[int] = 1280 * 704
    usual_steps: ClassVar[int] = 36
    usual_guidance: ClassVar[float] = 3.0

    def _class(self, diffusers: Any) -> Any:
        _without_torchvision()
        return _going_on(diffusers)

    @property
    def multiple(self) -> int:
        return max(16, self.shrink * int(self.pipe.transformer.config.patch_size[1]))

    @property
    def channels(self) -> int:
        return int(self.pipe.transformer.config.in_channels) - 1  # one is the mask's

    def accepts(self, frames: int) -> bool:
        return super().accepts(frames) and frames > self.temporal

    def call(self, chunk: Chunk) -> np.ndarray:
        width, height = chunk.size
        (control,) = chunk.controls.values()
        self.pipe.kept = None
        if chunk.kept:
            # Whole latent frames alone can be kept.
            whole = (len(chunk.kept) - 1) // self.temporal * self.temporal + 1
            self.pipe.kept = self.pipe.video_processor.preprocess_video(chunk.kept[:whole], height, width)
        said = {"negative_prompt": self.options.negative_prompt} if self.options.negative_prompt else {}
        made = self.pipe(
            controls=control,
            controls_conditioning_scale=float(self.options.control_scale),
            num_frames=chunk.frames,
            num_frames_per_chunk=chunk.frames,
            num_ar_conditional_frames=0,
            latents=chunk.noise,
            **self._said(chunk),
            **said,
        )
        return np.asarray(made.frames[0])


def _going_on(diffusers: Any) -> Any:
    """The pipeline's class with one thing more: `kept`, the frames ``(1, 3, T, H, W)`` that come first."""
    base = diffusers.Cosmos2_5_TransferPipeline

    class Cosmos2_5_TransferPipeline(base):  # type: ignore[misc, valid-type]
        kept: torch.Tensor | None = None

        def prepare_latents(self, video: torch.Tensor, **said: Any) -> Any:
            if self.kept is not None:
                video = video.clone()
                video[:, :, : self.kept.shape[2]] = self.kept.to(video)
                said["num_cond_latent_frames"] = (self.kept.shape[2] - 1) // self.vae_scale_factor_temporal + 1
            return super().prepare_latents(video=video, **said)

    return Cosmos2_5_TransferPipeline


def _without_torchvision() -> None:
    """Cosmos' networks take one thing of torchvision's, a mask resized to the nearest; give it where there is none."""
    from diffusers.models.controlnets import controlnet_cosmos
    from diffusers.models.transformers import transformer_cosmos

    modules: tuple[Any, ...] = (controlnet_cosmos, transformer_cosmos)

    def resize(mask: torch.Tensor, size: list[int], interpolation: str) -> torch.Tensor:
        return torch.nn.functional.interpolate(mask, size=tuple(size), mode=interpolation)

    transforms = SimpleNamespace(
        functional=SimpleNamespace(resize=resize), InterpolationMode=SimpleNamespace(NEAREST="nearest")
    )
    for module in modules:
        if not hasattr(module, "transforms"):
            module.transforms = transforms
