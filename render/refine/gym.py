"""Clips in the EXR layout of Arm's Neural Graphics Model Gym (``ng-model-gym``), neural super-sampling, version 1.0.1.

    0000.json                               what holds for the sequence, and for each of its frames
    ground_truth/0000/0000.exr              R, G, B, A half: linear light at the target's size
    motion_gt/0000/0000.exr                 R, G half: motion at the target's size
    x2/color, x2/depth, x2/motion /0000/…   half the size: light of one sample a pixel, jittered; its depth (R float);
                                            motion without jitter

Conventions, as its reader and its health check take them: motion is in shares of the picture, x right and y down, place
here minus place in the frame before; depth is a device's, 0 at the near plane, 1 infinitely far, not reversed; jitter
is where in the pixel was looked, px from its centre, x right and y down. Light is exposed already: exposure is 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import BadInput
from motion.files import whole
from motion.rotations import Array
from render import exr
from render.view import NEAR_M, View

#: Of the specification that the files follow.
VERSION = "1.0.1"

#: How often the target is larger than the input, in x and in y.
RATIO = 2

#: Places in the pixel before they come again: 8 a target pixel, as FSR 2 counts.
JITTERS = 8 * RATIO**2

_MOST = 65504.0  # float16 ends there
_FOLDERS = ("ground_truth", "motion_gt", f"x{RATIO}/color", f"x{RATIO}/depth", f"x{RATIO}/motion")


@dataclass(frozen=True)
class GymFrame:
    """One frame; H x W is the target's size, h x w half of it."""

    index: int  # of the shot
    truth: np.ndarray  # (H, W, 3) linear light
    flow: np.ndarray  # (H, W, 2) px, to the frame before, as `Frame.flow_to`
    colour: np.ndarray  # (h, w, 3) linear light, one sample a pixel, jittered
    depth: np.ndarray  # (h, w) metres, 0 = nothing, jittered
    small_flow: np.ndarray  # (h, w, 2) px of the small picture, to the frame before, not jittered
    jitter: tuple[float, float]  # px of the small picture
    looking: View  # of the target, not jittered


def jitter(k: int) -> tuple[float, float]:
    """Where in the pixel frame ``k`` looks, px from its centre: Halton's sequence, bases 2 and 3."""
    place = k % JITTERS + 1
    return _halton(place, 2) - 0.5, _halton(place, 3) - 0.5


def _halton(k: int, base: int) -> float:
    found, share = 0.0, 1.0
    while k:
        share /= base
        found += share * (k % base)
        k //= base
    return found


def motion(flow: np.ndarray) -> np.ndarray:
    """Flow to the frame before ``(H, W, 2)`` px as motion ``(H, W, 2)``: shares of the picture, the other way round."""
    height, width = flow.shape[:2]
    return -np.nan_to_num(flow) / np.array([width, height], np.float32)


def device_depth(depth: np.ndarray) -> np.ndarray:
    """Metres ``(H, W)``, 0 = nothing, as a device's depth with an infinite far plane: ``1 - near / metres``."""
    return np.where(depth > 0, 1.0 - NEAR_M / np.maximum(depth, NEAR_M), 1.0).astype(np.float32)


def metres(depth: np.ndarray) -> np.ndarray:
    """The inverse of `device_depth`."""
    return np.where(depth < 1.0, NEAR_M / np.maximum(1.0 - depth, 1e-12), 0.0).astype(np.float32)


def view_projection(looking: View) -> Array:
    """World to clip coordinates ``(4, 4)``, y up, depth from 0 at the near plane to 1 infinitely far."""
    clip = looking.world_to_clip()
    clip[1] *= -1.0  # a view's own clip space has y down
    clip[2] = clip[3]
    clip[2, 3] -= NEAR_M  # z' = metres - near, w = metres
    return clip


def write(folder: Path, number: int, frames: Sequence[GymFrame], fps: int, words: str = "") -> None:
    """Write one sequence; its JSON file comes last, so that a sequence with one is whole.

    Raises:
        BadInput: no frames, or a picture that is not of the size it should have.
        MissingExtra: OpenEXR is not installed.
    """
    library = exr.library()
    if not frames:
        raise BadInput(f"{folder}: sequence {number:04d} has no frames")
    height, width = frames[0].truth.shape[:2]
    small = height // RATIO, width // RATIO
    for frame in frames:
        for name, value, size in (
            ("truth", frame.truth, (height, width)), ("flow", frame.flow, (height, width)),
            ("colour", frame.colour, small), ("depth", frame.depth, small), ("small_flow", frame.small_flow, small),
        ):  # fmt: skip
            if value.shape[:2] != size or height % RATIO or width % RATIO:
                raise BadInput(f"frame {frame.index}: {name} is {value.shape[:2]}, expected {size}, {RATIO}:1")
    for place, frame in enumerate(frames):
        pictures = (
            _light(frame.truth), _motion(frame.flow), _light(frame.colour),
            {"R": device_depth(frame.depth)}, _motion(frame.small_flow),
        )  # fmt: skip
        for part, channels in zip(_FOLDERS, pictures, strict=True):
            path = folder / part / f"{number:04d}" / f"{place:04d}.exr"
            path.parent.mkdir(parents=True, exist_ok=True)
            head = {"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}
            whole_channels = {name: np.ascontiguousarray(value) for name, value in channels.items()}
            with whole(path) as beside:
                library.File(head, whole_channels).write(str(beside))
    document = _document(frames, fps, words)
    with whole(folder / f"{number:04d}.json") as beside:
        beside.write_text(json.dumps(document, indent=1), encoding="utf-8")


def sequences(folder: Path) -> list[int]:
    """Numbers of the sequences that are there."""
    return sorted(int(path.stem) for path in folder.glob("[0-9][0-9][0-9][0-9].json"))


def read(folder: Path, number: int) -> tuple[dict[str, Any], Iterator[dict[str, np.ndarray]]]:
    """A sequence's metadata, and each frame's pictures by their folders, ``(H, W, C)`` float32.

    Raises:
        BadInput: a file is missing or damaged.
    """
    path = folder / f"{number:04d}.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not a sequence's metadata ({error})") from error

    def frames() -> Iterator[dict[str, np.ndarray]]:
        for place in range(len(document["Frames"])):
            yield {part: _pixels(folder / part / f"{number:04d}" / f"{place:04d}.exr") for part in _FOLDERS}

    return document, frames()


def _pixels(path: Path) -> np.ndarray:
    try:
        with exr.library().File(str(path), separate_channels=True) as file:
            planes = {name: channel.pixels.astype(np.float32) for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, OSError) as error:
        raise BadInput(f"{path}: not an EXR file that can be read ({error})") from error
    return np.stack([planes[name] for name in "RGBA" if name in planes], axis=-1)


def _light(light: np.ndarray) -> dict[str, np.ndarray]:
    bounded = np.clip(np.nan_to_num(light, posinf=_MOST), 0.0, _MOST).astype(np.float16)
    return {**{name: bounded[..., i] for i, name in enumerate("RGB")}, "A": np.ones(bounded.shape[:2], np.float16)}


def _motion(flow: np.ndarray) -> dict[str, np.ndarray]:
    moved = np.clip(motion(flow), -1.0, 1.0).astype(np.float16)  # its reader bounds it so
    return {"R": moved[..., 0], "G": moved[..., 1]}


def _document(frames: Sequence[GymFrame], fps: int, words: str) -> dict[str, Any]:
    height, width = frames[0].truth.shape[:2]
    return {
        "Version": VERSION,
        "EmulatedFramerate": fps,
        "TargetResolution": {"X": width, "Y": height},
        "Samples": {"Sequence": "Halton", "Count": JITTERS, "Quantized": False},
        "ReverseZ": False,
        "MotionVectorsDilated": False,
        "OpaqueOnlyColor_Exported": False,
        "UnjitteredSrcColor_Exported": False,
        "UpscalingRatiosIndices": {f"x{RATIO}_index": 0},
        "Scene": words,
        "Frames": [_frame(place, frame, width, height) for place, frame in enumerate(frames)],
    }


def _frame(place: int, frame: GymFrame, width: int, height: int) -> dict[str, Any]:
    focal, (x, y) = frame.looking.focal_px, frame.jitter
    return {
        "Frame": place,
        "FovX": 2 * float(np.arctan(width / 2 / focal)),
        "FovY": 2 * float(np.arctan(height / 2 / focal)),
        "CameraNearPlane": NEAR_M,
        "CameraFarPlane": -1.0,  # infinite
        "ViewProjection": [float(v) for v in view_projection(frame.looking).T.ravel()],  # column after column
        "Jitter": {"X": x, "Y": y},
        "NormalizedPerRatioJitter": [{"X": x / (width // RATIO), "Y": y / (height // RATIO)}],
        "Exposure": 1.0,
        "CameraCut": place == 0,
    }
