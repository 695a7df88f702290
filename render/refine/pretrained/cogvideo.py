"""`CogVideoXFunControl`: CogVideoX-Fun, steered by a control video."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from render.refine.pretrained.base import Chunk, PipelineRefiner


class CogVideoXFunControl(PipelineRefiner):
    """``CogVideoXFunControlPipeline``: every pixel is made anew, under a control video.

    Its ``latents=`` is the noise, frames before channels, which the pipeline scales for its scheduler. It cannot go
    on from frames that are there, so chunks are held together by the noise they share and the fade alone.
    """

    class_name: ClassVar[str] = "CogVideoXFunControlPipeline"
    usual_frames: ClassVar[int] = 49
    usual_overlap: ClassVar[int] = 9
    usual_pixels: ClassVar[int] = 720 * 480
    usual_guidance: ClassVar[float] = 6.0

    @property
    def multiple(self) -> int:
        return max(8, self.shrink * int(self.pipe.transformer.config.patch_size))

    @property
    def channels(self) -> int:
        return int(self.pipe.transformer.config.in_channels) // 2  # the other half is the control's

    def accepts(self, frames: int) -> bool:
        # CogVideoX 1.5 takes latent frames together, two by two.
        group = self.pipe.transformer.config.patch_size_t or 1
        return super().accepts(frames) and ((frames - 1) // self.temporal + 1) % group == 0

    def call(self, chunk: Chunk) -> np.ndarray:
        (control,) = chunk.controls.values()
        made = self.pipe(
            negative_prompt=self.options.negative_prompt,
            control_video=control,
            latents=chunk.noise.permute(0, 2, 1, 3, 4).to(self.pipe.transformer.dtype),
            max_sequence_length=int(self.pipe.transformer.config.max_text_seq_length),
            **self._said(chunk),
        )
        return np.asarray(made.frames[0])
