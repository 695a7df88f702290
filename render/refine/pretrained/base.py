"""`PipelineRefiner`: what every pretrained pipeline shares: chunks with overlap, sizes, controls, noise along flow.

An adapter adds how its class is called. A shot goes through in chunks of a count of frames that the model accepts;
neighbouring chunks share frames, start from the same noise there, and are cross-faded. Only one chunk is in memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from motion.errors import BadInput, MissingSystem, need
from render.control import picture, to_draw
from render.frame import Frame
from render.refine.noise import FlowNoise
from render.refine.pretrained.fit import Fit
from render.refine.pretrained.folder import check_folder, load_pipeline, quiet, required
from render.refine.pretrained.options import Options
from render.refine.protocol import Brief, Refined, checked

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Chunk:
    """What a pipeline is called with. Lists hold one entry a frame, pictures are of the model's size."""

    raster: list[Image.Image]
    controls: dict[str, list[Image.Image]]
    kept: list[Image.Image]  # refined already: the first frames, shared with the chunk before; [] for a first chunk
    noise: torch.Tensor  # (1, C, F, h, w) float32, white, one latent frame for `temporal` frames
    prompt: str
    generator: torch.Generator

    @property
    def frames(self) -> int:
        return len(self.raster)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.raster[0].size


@dataclass(frozen=True)
class _Item:
    """One frame that waits for its chunk."""

    index: int
    display: np.ndarray  # (H, W, 3) uint8, the film's size
    raster: Image.Image  # of the model's size
    controls: dict[str, Image.Image]


class _Start:
    """The noise that chunks start from, latent frame by latent frame, from the waiting chunk's first on."""

    def __init__(self, noise: FlowNoise, temporal: int, fit: Fit) -> None:
        self._noise, self._temporal, self._fit = noise, temporal, fit
        self._frames: list[np.ndarray] = []  # (C, h, w) each
        self._before: Frame | None = None  # the latest frame that ended a latent one
        self._count = 0  # frames seen

    def see(self, frame: Frame) -> None:
        """Go on to the next frame of the shot."""
        if self._count % self._temporal == 0:
            self._advance(frame)
        self._count += 1

    def end(self, frame: Frame) -> None:
        """The shot is over: its last latent frame ends with its last frame, whole or not."""
        if (self._count - 1) % self._temporal:
            self._advance(frame)

    def _advance(self, frame: Frame) -> None:
        before, fit = self._before, self._fit
        if before is None:
            self._frames.append(self._noise.next())
        else:
            flows = before.flow_to(frame.index), frame.flow_to(before.index)
            self._frames.append(self._noise.next(*(fit.pad_flow(flow) for flow in flows)))
        self._before = frame

    def take(self, count: int) -> np.ndarray:
        """The first ``count`` latent frames ``(1, C, F, h, w)``; those after the shot's end repeat its last."""
        found = self._frames[:count]
        while len(found) < count:
            found.append(self._noise.next())
        return np.stack(found, axis=1)[None]

    def drop(self, count: int) -> None:
        """Forget so many latent frames: their chunk is done."""
        del self._frames[:count]


class PipelineRefiner:
    """A `render.refine.protocol.Refiner` that a diffusers pipeline does the work of.

    Args:
        folder: of the pipeline, on this machine.
        options: what the user says.

    Raises:
        BadInput: a part of the folder is missing or damaged, or a setting does not fit the class.
        MissingExtra: diffusers is not installed.
    """

    class_name: ClassVar[str]  # of diffusers
    has_control: ClassVar[bool] = True
    starts_from_raster: ClassVar[bool] = False  # it has a strength
    keeps_frames: ClassVar[bool] = False  # a chunk goes on from frames that are refined already
    usual_frames: ClassVar[int]
    usual_overlap: ClassVar[int]
    usual_pixels: ClassVar[int]  # what the published weights were made for
    usual_steps: ClassVar[int] = 50
    usual_guidance: ClassVar[float]

    def __init__(self, folder: str | Path, options: Options | None = None) -> None:
        diffusers = need("diffusers", "diffusers", "a pretrained pipeline")
        torch = need("torch", "diffusers", "a pretrained pipeline")
        self.folder, self.options = Path(folder), options or Options()
        cls = self._class(diffusers)
        check_folder(self.folder, required(cls), self.options.components)
        device = self.options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise BadInput(f"refine: device '{device}', but PyTorch sees no GPU; expected cpu")
        dtype = getattr(torch, self.options.dtype or ("float32" if device == "cpu" else "bfloat16"))
        self.pipe = load_pipeline(cls, self.folder, self.options.components, dtype)
        self.pipe.set_progress_bar_config(disable=True)
        if self.options.offload and device != "cpu":
            self.pipe.enable_model_cpu_offload(device=device)
        else:
            self.pipe.to(device)
        self.steps = self.options.steps or self.usual_steps
        self.guidance = self.usual_guidance if self.options.guidance is None else self.options.guidance
        self.frames, self.overlap = self._chunking()
        if self.starts_from_raster and int(self.steps * self.options.strength) < 1:
            raise BadInput(
                f"refine: strength {self.options.strength} of {self.steps} steps leaves no step, expected at least "
                f"{1 / self.steps:.3g}"
            )
        if self.has_control and len(self.options.control) != self._networks():
            raise BadInput(
                f"refine: {len(self.options.control)} controls ({', '.join(self.options.control)}), expected "
                f"{self._networks()} for {self.class_name} in {self.folder}"
            )

    # ---- what an adapter says

    def _class(self, diffusers: Any) -> Any:
        """The pipeline's class, or one of ours that is one."""
        return getattr(diffusers, self.class_name)

    def _networks(self) -> int:
        """How many controls the pipeline takes."""
        return 1

    @property
    def multiple(self) -> int:
        """What the picture's sides must be multiples of."""
        raise NotImplementedError

    @property
    def shrink(self) -> int:
        """Pixels a side of one latent cell."""
        return int(self.pipe.vae_scale_factor_spatial)

    @property
    def temporal(self) -> int:
        """Frames of one latent frame, after the first, which is one frame."""
        return int(self.pipe.vae_scale_factor_temporal)

    @property
    def channels(self) -> int:
        """Of a latent frame."""
        return int(self.pipe.transformer.config.in_channels)

    def accepts(self, frames: int) -> bool:
        """Whether the model takes so many frames at once."""
        return (frames - 1) % self.temporal == 0

    def call(self, chunk: Chunk) -> np.ndarray:
        """Run the pipeline: ``(T, h, w, 3)`` float, 0 to 1."""
        raise NotImplementedError

    def _said(self, chunk: Chunk) -> dict[str, Any]:
        """What every pipeline is called with."""
        width, height = chunk.size
        return {
            "prompt": chunk.prompt, "width": width, "height": height, "num_inference_steps": self.steps,
            "guidance_scale": self.guidance, "generator": chunk.generator, "output_type": "np",
        }  # fmt: skip

    def _encoded(self, chunk: Chunk) -> torch.Tensor:
        """The raster's latents ``(1, C, F, h, w)`` float32, not normalised, of a video autoencoder."""
        pipe, (width, height) = self.pipe, chunk.size
        video = pipe.video_processor.preprocess_video(chunk.raster, height=height, width=width)
        video = video.to(device=pipe._execution_device, dtype=pipe.vae.dtype)
        return pipe.vae.encode(video).latent_dist.mode().float()

    # ---- the protocol

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes that the raster frames must have."""
        return ("display", *(to_draw(self.options.control) if self.has_control else ()))

    def refine(self, shot: Iterable[Frame], brief: Brief) -> Iterator[Refined]:
        """Final pictures of one shot; see `render.refine.protocol.Refiner`."""
        waiting: list[_Item] = []
        done: list[np.ndarray] = []  # (h, w, 3) uint8 of the frames that wait again: the chunk before made them
        count = 0
        for frame in checked(shot, self.needs):
            if count == 0:
                fit = Fit.of(frame.size, self.multiple, self.options.max_pixels or self.usual_pixels)
                latent = (fit.work[0] // self.shrink, fit.work[1] // self.shrink)
                noise = FlowNoise(latent, self.channels, self._seed(brief, -1), self.options.steady)
                start = _Start(noise, self.temporal, fit)
            start.see(frame)
            waiting.append(self._item(frame, fit, brief))
            count += 1
            if len(waiting) == self.frames:
                made = self._run(waiting, done, start, brief, count - self.frames)
                whole = self.frames - self.overlap
                yield from self._finished(waiting[:whole], made[:whole], fit)
                waiting, done = waiting[whole:], made[whole:]
                start.drop(whole // self.temporal)
        if len(waiting) > len(done):
            start.end(frame)
            done = self._run(waiting, done, start, brief, count - len(waiting))
        if waiting:
            yield from self._finished(waiting, done, fit)

    # ---- one frame

    def _item(self, frame: Frame, fit: Fit, brief: Brief) -> _Item:
        assert frame.display is not None
        controls = {}
        if self.has_control:
            small = fit.sampled(frame)
            for name in self.options.control:
                controls[name] = Image.fromarray(fit.pad_control(picture(name, small, brief.scale)))
        return _Item(frame.index, frame.display, Image.fromarray(fit.shrink(frame.display)), controls)

    # ---- one chunk

    def _chunking(self) -> tuple[int, int]:
        """Frames of a chunk and frames shared, checked."""
        frames = self.options.frames or self.usual_frames
        if not self.accepts(frames):
            near = [n for n in range(1, frames + 65) if self.accepts(n)]
            nearest = min(near, key=lambda n: abs(n - frames))
            if self.options.frames is None:  # a model of another make than the usual one
                frames = nearest
        if not self.accepts(frames):
            raise BadInput(f"refine: chunks of {frames} frames do not suit {self.class_name}; the nearest is {nearest}")
        step = self.temporal
        overlap = self.options.overlap
        if overlap is None:
            overlap = min(self.usual_overlap, (frames - 1) // 2)
            overlap = max(0, overlap - (overlap - frames) % step)
        if (frames - overlap) % step or not 0 <= overlap < frames:
            least = frames % step
            raise BadInput(
                f"refine: an overlap of {overlap} frames does not suit chunks of {frames}, expected {least}, "
                f"{least + step}, {least + 2 * step} … below {frames}"
            )
        return frames, overlap

    def _seed(self, brief: Brief, first: int) -> int:
        seed = brief.seed if self.options.seed is None else self.options.seed
        entropy = [seed & 0xFFFFFFFF, brief.scale.first, first + 1]
        return int(np.random.SeedSequence(entropy).generate_state(1)[0])

    def _run(
        self, waiting: list[_Item], done: list[np.ndarray], start: _Start, brief: Brief, first: int
    ) -> list[np.ndarray]:
        """Refine a chunk: one picture ``(h, w, 3)`` uint8 for every frame that waits, faded from the chunk before."""
        import torch

        count = next(n for n in range(len(waiting), self.frames + 1) if self.accepts(n))
        padded = waiting + [waiting[-1]] * (count - len(waiting))
        chunk = Chunk(
            [item.raster for item in padded],
            {name: [item.controls[name] for item in padded] for name in padded[0].controls},
            [Image.fromarray(picture) for picture in done] if self.keeps_frames else [],
            torch.from_numpy(start.take((count - 1) // self.temporal + 1)),
            brief.prompt if self.options.prompt is None else self.options.prompt,
            torch.Generator("cpu").manual_seed(self._seed(brief, first)),
        )
        try:
            with torch.no_grad(), quiet():
                made = np.asarray(self.call(chunk), dtype=np.float32)
        except torch.OutOfMemoryError as error:
            room = f"{count} frames of {chunk.size[0]}x{chunk.size[1]}"
            ways = "smaller max_pixels, fewer frames, or offload"
            raise MissingSystem(f"{self.folder}: no room on the GPU for {room}; {ways}") from error
        width, height = chunk.size
        if made.shape[1:] != (height, width, 3) or len(made) < len(waiting):
            raise BadInput(f"{self.folder}: made pictures {made.shape}, expected {(chunk.frames, height, width, 3)}")
        found = []
        for k, item in enumerate(waiting):
            value = made[k]
            if not np.isfinite(value).all():
                words = f"frame {item.index}: {self.class_name} made numbers that are not finite; the raster stands"
                warnings.warn(f"{words} (half precision? try dtype float32)", stacklevel=2)
                found.append(np.asarray(item.raster))
                continue
            if k < len(done):
                share = (k + 1) / (len(done) + 1)
                value = share * value + (1 - share) * done[k].astype(np.float32) / 255
            found.append(np.rint(255 * np.clip(value, 0, 1)).astype(np.uint8))
        return found

    def _finished(self, items: list[_Item], made: list[np.ndarray], fit: Fit) -> Iterator[Refined]:
        for item, value in zip(items, made, strict=True):
            yield Refined(item.index, display=fit.grow(value))
