"""Passes as 16-bit PNG files, quantised in fixed and stated ways (`encoding`), and back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from motion.colour import linear_to_srgb, srgb_to_linear
from motion.errors import BadInput

#: Flow in the encoding of the KITTI benchmark: 1/64 px a step around 2**15, valid from -512 to 512 px.
_KITTI_SCALE, _KITTI_ZERO = 64.0, 32768.0
_CODES = 65535


@dataclass(frozen=True)
class Encoding:
    """How codes 0 to 65535 of a PNG map to values."""

    png: str  # which channels the file has
    decode: str  # formula, with c for a channel's code
    step: float  # the largest error is half of this where nothing is clipped
    clipped: str


def encoding(name: str, depth_max_m: float = 65.535) -> Encoding:
    """What a pass looks like in a PNG16."""
    unit = 1 / _CODES
    if name == "alpha":
        return Encoding("grey", "alpha = c / 65535", unit, "outside 0 to 1")
    if name == "roughness_metallic":
        return Encoding("RGB", "roughness = G / 65535, metallic = B / 65535 (glTF's channels), R = 0", unit, "never")
    if name == "normal":
        return Encoding("RGB", "normal = c / 65535 * 2 - 1, X Y Z in R G B", 2 * unit, "never")
    if name == "depth":
        step = depth_max_m / _CODES
        return Encoding("grey", f"metres = c * {step!r}; 0 = nothing", step, f"beyond {depth_max_m!r} m")
    if name == "ids":
        return Encoding("RGB", "instance = R, part = G, B = 0", 0.0, "never: larger numbers are refused")
    if name in ("flow", "flow_back"):
        return Encoding(
            "RGB",
            "u = (R - 32768) / 64, v = (G - 32768) / 64 px; B = 1 where seen there, 0 where occluded (KITTI)",
            1 / _KITTI_SCALE,
            "beyond 512 px, and then B = 0",
        )
    # The slope of the sRGB curve is at least 0.4 up to 1: a step is at most 1/65535/0.4 in light.
    return Encoding("RGB", "sRGB transfer curve: light = srgb_to_linear(c / 65535)", 2.5 * unit, "outside 0 to 1")


def quantise(name: str, value: np.ndarray, depth_max_m: float = 65.535) -> np.ndarray:
    """Codes uint16 ``(H, W)`` or ``(H, W, 3)`` for a pass."""
    if name == "alpha":
        codes = np.clip(value, 0, 1) * _CODES
    elif name == "roughness_metallic":
        codes = np.concatenate([np.zeros_like(value[..., :1]), np.clip(value, 0, 1)], axis=-1) * _CODES
    elif name == "normal":
        codes = np.clip(value, -1, 1) * (0.5 * _CODES) + 0.5 * _CODES
    elif name == "depth":
        # A surface nearer than half a step still is one: code 0 is kept for "nothing".
        codes = np.clip(value.astype(np.float64) * (_CODES / depth_max_m), (value > 0).astype(np.float64), _CODES)
    elif name == "ids":
        if value.min(initial=0) < 0 or value.max(initial=0) > _CODES:
            raise BadInput(f"pass 'ids' holds {int(value.min())} to {int(value.max())}, a 16-bit PNG 0 to 65535")
        codes = np.concatenate([value, np.zeros_like(value[..., :1])], axis=-1)
    elif name in ("flow", "flow_back"):
        uv = value[..., :2].astype(np.float64) * _KITTI_SCALE + _KITTI_ZERO
        seen = (value[..., 2:] < 0.5) & ((uv >= 0) & (uv <= _CODES)).all(axis=-1, keepdims=True)
        codes = np.concatenate([np.clip(uv, 0, _CODES), seen], axis=-1)
    else:
        codes = linear_to_srgb(value) * _CODES
    return np.rint(codes).astype(np.uint16)


def restore(name: str, codes: np.ndarray, depth_max_m: float = 65.535) -> np.ndarray:
    """The pass back from its codes, as `render.passes.arrays` gives it."""
    if name == "ids":
        return codes[..., :2].astype(np.int32)
    code = codes.astype(np.float64)
    if name == "alpha":
        found = code / _CODES
    elif name == "roughness_metallic":
        found = code[..., 1:] / _CODES
    elif name == "normal":
        found = code / _CODES * 2 - 1
    elif name == "depth":
        found = code * (depth_max_m / _CODES)
    elif name in ("flow", "flow_back"):
        found = np.concatenate([(code[..., :2] - _KITTI_ZERO) / _KITTI_SCALE, 1 - code[..., 2:]], axis=-1)
    else:
        found = srgb_to_linear(code / _CODES)
    return found.astype(np.float32)


def encode(name: str, value: np.ndarray, depth_max_m: float = 65.535) -> bytes:
    """A pass as the bytes of a PNG file; the same values give the same bytes."""
    import av

    codes = quantise(name, value, depth_max_m)
    pixels = "gray16be" if codes.ndim == 2 else "rgb48be"
    context: Any = av.CodecContext.create("png", "w")
    context.height, context.width = codes.shape[:2]
    context.pix_fmt, context.time_base, context.thread_count = pixels, Fraction(1), 1
    context.options = {"compression_level": "1", "pred": "up"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(codes), format=pixels)
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def decode_file(name: str, path: Path, about: dict[str, Any]) -> np.ndarray:
    """The pass in a PNG file, by the scales of its ``passes.json``.

    Raises:
        BadInput: the file is missing or damaged.
    """
    import av

    if not path.is_file():
        raise BadInput(f"{path}: no such frame")
    try:
        with av.open(str(path), format="png_pipe") as container:
            frame = next(container.decode(video=0))
            codes = frame.to_ndarray(format="gray16le" if frame.format.name.startswith("gray") else "rgb48le")
        step = float(about["passes"][name]["step"])
    except (av.FFmpegError, StopIteration, KeyError, ValueError) as error:
        raise BadInput(f"{path}: not a PNG file that can be read ({error})") from error
    return restore(name, codes, step * _CODES if name == "depth" else 65.535)
