"""ComfyUI workflows, in the format of its API, for who refines a film there; ComfyUI also opens them when dropped in.

Every node is of ComfyUI's own, none of a pack. The models named are those of ComfyUI's Wan and ControlNet examples;
another is chosen in the loader's list. Videos are found by name in ComfyUI's ``input`` folder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

#: A workflow: node number to class, inputs and title; an input that is ``[number, k]`` is that node's k-th output.
Graph = dict[str, dict[str, Any]]

#: Wan's own negative prompt in short: what it should not paint.
NEGATIVE = "blurry, flickering, distorted face, extra limbs, deformed hands, static, low quality, text, watermark"

WAN_FRAMES, WAN_OVERLAP = 81, 9  # Wan takes 4k + 1 frames; parts of a long shot share some


class _Builder:
    def __init__(self) -> None:
        self.graph: Graph = {}

    def add(self, cls: str, title: str = "", **inputs: Any) -> str:
        number = str(len(self.graph) + 1)
        self.graph[number] = {"class_type": cls, "inputs": inputs, "_meta": {"title": title or cls}}
        return number

    def video(self, file: str, title: str, first: int, count: int, size: tuple[int, int], how: str) -> list[Any]:
        """Frames of a video file, resized."""
        loaded = self.add("LoadVideo", title, file=file)
        frames = self.add("GetVideoComponents", video=[loaded, 0])
        part = self.add("ImageFromBatch", image=[frames, 0], batch_index=first, length=count)
        return [
            self.add("ImageScale", image=[part, 0], upscale_method=how, width=size[0], height=size[1], crop="disabled"),
            0,
        ]

    def save(self, images: list[Any], count: int, size: tuple[int, int], fps: Fraction, name: str) -> None:
        """Frames of the film's size and count, as a video in the output folder."""
        kept = self.add("ImageFromBatch", "as many as the film has", image=images, batch_index=0, length=count)
        full = self.add(
            "ImageScale", "the film's size", image=[kept, 0], upscale_method="lanczos", width=size[0], height=size[1],
            crop="disabled",
        )  # fmt: skip
        video = self.add("CreateVideo", images=[full, 0], fps=float(fps))
        self.add("SaveVideo", video=[video, 0], filename_prefix=name, format="auto", codec="auto")


def parts_of(frames: int, longest: int = WAN_FRAMES, overlap: int = WAN_OVERLAP) -> list[tuple[int, int]]:
    """First frame and count of the parts that a shot of ``frames`` is made in; the last one is a full part too."""
    if frames <= longest:
        return [(0, frames)]
    starts = list(range(0, frames - longest, longest - overlap))
    return [*((start, longest) for start in starts), (frames - longest, longest)]


def work_size(size: tuple[int, int], multiple: int, pixels: int) -> tuple[int, int]:
    """The size to work at: the picture's shape, at most so many pixels, sides multiples."""
    scale = min(1.0, math.sqrt(pixels / (size[0] * size[1])))
    width, height = (max(multiple, round(side * scale / multiple) * multiple) for side in size)
    return width, height


def wan_vace(
    control: str, first: int, count: int, size: tuple[int, int], fps: Fraction, prompt: str, seed: int, name: str
) -> Graph:
    """Wan 2.1 VACE under a control video: every pixel is made anew.

    Args:
        control: the control video's file name.
        first: frame of that video to begin with.
        count: frames to make.
        size: of the film, width and height.
        fps: of the film.
        prompt: what is to be seen.
        seed: of the noise.
        name: of the video it makes, in ComfyUI's output folder.
    """
    b = _Builder()
    width, height = work_size(size, 16, 832 * 480)
    model = b.add("UNETLoader", unet_name="wan2.1_vace_1.3B_fp16.safetensors", weight_dtype="default")
    clip = b.add("CLIPLoader", clip_name="umt5_xxl_fp8_e4m3fn_scaled.safetensors", type="wan", device="default")
    vae = b.add("VAELoader", vae_name="wan_2.1_vae.safetensors")
    shifted = b.add("ModelSamplingSD3", model=[model, 0], shift=8.0)
    positive = b.add("CLIPTextEncode", "what is seen", clip=[clip, 0], text=prompt)
    negative = b.add("CLIPTextEncode", "what is not", clip=[clip, 0], text=NEGATIVE)
    frames = b.video(control, "control video", first, count, (width, height), "area")
    length = -(-(count - 1) // 4) * 4 + 1
    vace = b.add(
        "WanVaceToVideo", positive=[positive, 0], negative=[negative, 0], vae=[vae, 0], width=width, height=height,
        length=length, batch_size=1, strength=1.0, control_video=frames,
    )  # fmt: skip
    sampled = b.add(
        "KSampler", model=[shifted, 0], positive=[vace, 0], negative=[vace, 1], latent_image=[vace, 2], seed=seed,
        steps=20, cfg=6.0, sampler_name="uni_pc", scheduler="simple", denoise=1.0,
    )  # fmt: skip
    trimmed = b.add("TrimVideoLatent", samples=[sampled, 0], trim_amount=[vace, 3])
    decoded = b.add("VAEDecode", samples=[trimmed, 0], vae=[vae, 0])
    b.save([decoded, 0], count, size, fps, name)
    return b.graph


def controlnet(
    start: str, controls: Sequence[tuple[str, str, float]], first: int, count: int, size: tuple[int, int],
    fps: Fraction, prompt: str, seed: int, name: str, denoise: float = 0.45,
) -> Graph:  # fmt: skip
    """Stable Diffusion 1.5 started from the raster, steered by ControlNets, frame by frame.

    Args:
        start: the raster's video, by file name.
        controls: control video, ControlNet's file and strength, for each network.
        first: frame to begin with.
        count: frames to make.
        size: of the film, width and height.
        fps: of the film.
        prompt: what is to be seen.
        seed: of the noise.
        name: of the video it makes.
        denoise: 0 keeps the raster, 1 forgets it.
    """
    b = _Builder()
    work = work_size(size, 8, 768 * 512)
    model = b.add("CheckpointLoaderSimple", ckpt_name="v1-5-pruned-emaonly-fp16.safetensors")
    positive = [b.add("CLIPTextEncode", "what is seen", clip=[model, 1], text=prompt), 0]
    negative = [b.add("CLIPTextEncode", "what is not", clip=[model, 1], text=NEGATIVE), 0]
    for file, network, strength in controls:
        net = b.add("ControlNetLoader", control_net_name=network)
        frames = b.video(file, f"control: {file}", first, count, work, "area")
        applied = b.add(
            "ControlNetApplyAdvanced", positive=positive, negative=negative, control_net=[net, 0], image=frames,
            strength=strength, start_percent=0.0, end_percent=1.0,
        )  # fmt: skip
        positive, negative = [applied, 0], [applied, 1]
    raster = b.video(start, "the raster", first, count, work, "lanczos")
    latent = b.add("VAEEncode", pixels=raster, vae=[model, 2])
    sampled = b.add(
        "KSampler", model=[model, 0], positive=positive, negative=negative, latent_image=[latent, 0], seed=seed,
        steps=25, cfg=7.0, sampler_name="dpmpp_2m", scheduler="karras", denoise=denoise,
    )  # fmt: skip
    decoded = b.add("VAEDecode", samples=[sampled, 0], vae=[model, 2])
    b.save([decoded, 0], count, size, fps, name)
    return b.graph
