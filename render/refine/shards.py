"""Training pairs on disk: one safetensors file a shot, its raster passes beside path-traced references.

Light is float16; colours are stored as their square roots in bytes, normals as signed bytes: a step of either is below
what the references' own noise hides. A file appears whole or not at all.

    beauty, diffuse, specular  float16 (T, 3, H, W)   linear light, as `render.frame.Frame` has it
    albedo_aa                  uint8 (T, 3, H, W)      square root · 255
    normal                     int8 (T, 3, H, W)       world · 127
    depth                      float16 (T, H, W)       metres, 0 = nothing
    rough_metal                uint8 (T, 2, H, W)      · 255
    alpha                      uint8 (T, H, W)         · 255
    ids                        uint8 (T, 2, H, W)      instance, part (modulo 256)
    first, second              float16 (T, 3, H, W)    two references with noise of their own
    flow, hidden               float16 (T, 2, H, W), uint8 (T, H, W)   to the frame before; clips only
    flow_far, hidden_far       the same to the last frame of the chunk before (`CHUNK`); clips only
    level, rays                float32 (T, 3, 3)       `render.refine.describe.Sight`
    height, pixel, code        float32 (T,), (T,), (T, CODE)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import BadInput
from motion.files import whole
from render.frame import Frame
from render.refine.describe import light_code, sight

#: Version of the layout; files of another one are refused.
FORMAT = 2

#: Frames that are refined together, and so the distance over which a chunk's history is warped.
CHUNK = 4

SUFFIX = ".safetensors"
MOST = 6e4  # of light; float16 ends at 65,504

#: Passes that a pair is made of.
PASSES = ("beauty", "diffuse", "specular", "albedo_aa", "roughness_metallic", "normal", "depth", "ids")


@dataclass(frozen=True)
class About:
    """What a file holds."""

    split: str  # "train", "check", "test"
    number: int  # of the set
    clip: bool  # its frames follow one another
    spp: int  # paths a pixel of the two references together
    size: tuple[int, int]  # width, height of what is stored
    whole: tuple[int, int]  # of the picture that it is a window of
    frames: tuple[int, ...]  # of the shot
    words: str = ""
    sky: int = 0
    corner: tuple[int, int] = (0, 0)  # of the first window in its whole picture, px
    format: int = FORMAT


def pack(frame: Frame, first: np.ndarray, second: np.ndarray) -> dict[str, np.ndarray]:
    """One frame and its references ``(H, W, 3)`` linear light as arrays of the layout, without T.

    Raises:
        BadInput: a pass of `PASSES` was not drawn.
    """
    for name in PASSES:
        if getattr(frame, name) is None:
            raise BadInput(f"frame {frame.index}: pass '{name}' was not drawn; a training pair needs it")
    assert frame.world is not None and frame.ids is not None and frame.alpha is not None and frame.depth is not None
    seen = sight(frame)
    return {
        "beauty": _half(frame.beauty), "diffuse": _half(frame.diffuse), "specular": _half(frame.specular),
        "albedo_aa": _byte(np.sqrt(np.maximum(frame.albedo_aa, 0.0))),  # type: ignore[arg-type]
        "normal": _planes(np.round(127 * np.asarray(frame.normal))).astype(np.int8),
        "depth": frame.depth.astype(np.float16), "rough_metal": _byte(frame.roughness_metallic),
        "alpha": np.round(255 * np.clip(frame.alpha, 0, 1)).astype(np.uint8),
        "ids": _planes(frame.ids & 255).astype(np.uint8), "first": _half(first), "second": _half(second),
        "level": seen.level, "rays": seen.rays, "height": np.array(seen.height, np.float32),
        "pixel": np.array(seen.pixel, np.float32), "code": light_code(frame.world, seen),
    }  # fmt: skip


def pack_flow(frame: Frame, to: int, name: str = "") -> dict[str, np.ndarray]:
    """Flow of a frame to frame ``to``, and what is hidden there; ``name`` is ``""`` or ``"_far"``."""
    flow, hidden = frame.flow_to(to)
    flow = np.clip(np.nan_to_num(flow), -MOST, MOST)
    return {f"flow{name}": _planes(flow).astype(np.float16), f"hidden{name}": hidden.astype(np.uint8)}


def save(path: str | Path, frames: list[dict[str, np.ndarray]], about: About) -> None:
    """Write one shot, whole or not at all."""
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(np.stack([one[name] for one in frames])) for name in frames[-1]
              if all(name in one for one in frames)}  # fmt: skip
    with whole(Path(path)) as beside:
        save_file(arrays, str(beside), {"about": json.dumps(asdict(about))})


def about(path: str | Path) -> About:
    """What a file holds.

    Raises:
        BadInput: the file is none of ours, damaged, or of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "numpy") as file:
            data: Mapping[str, Any] = json.loads((file.metadata() or {}).get("about", "{}"))
    except (OSError, SafetensorError, ValueError) as error:
        raise BadInput(f"{path}: not a training pair that can be read ({error})") from error
    if data.get("format") != FORMAT:
        raise BadInput(f"{path}: format {data.get('format')}, expected {FORMAT}; make the data again")
    lists = ("size", "whole", "frames", "corner")
    known: dict[str, Any] = {k: tuple(v) if k in lists else v for k, v in data.items()}
    return About(**known)


def load(path: str | Path, rows: slice = slice(None)) -> dict[str, np.ndarray]:
    """A file's arrays, frames ``rows`` of them."""
    from safetensors import safe_open

    with safe_open(str(path), "numpy") as file:
        return {name: file.get_slice(name)[rows] for name in file.keys()}  # noqa: SIM118


def _planes(values: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(values), -1, 0)


def _half(values: Any) -> np.ndarray:
    return _planes(np.clip(np.nan_to_num(values, posinf=MOST), 0.0, MOST)).astype(np.float16)


def _byte(values: Any) -> np.ndarray:
    return _planes(np.round(255 * np.clip(values, 0, 1))).astype(np.uint8)
