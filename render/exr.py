"""Multilayer OpenEXR files: passes to channels, and the camera in the header. Needs the extra ``exr``."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, need
from render.passes import PASSES

#: Chromaticities of ITU-R BT.709 with white point D65: red, green, blue, white (x, y).
REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
_STORED = {"half": np.float16, "float": np.float32, "uint": np.uint32}


def library() -> ModuleType:
    """The OpenEXR package, or `MissingExtra` with the line that installs it."""
    return need("OpenEXR", "exr", "writing EXR passes")


def header(
    index: int, fps: Fraction, camera: CameraPath | None, legend: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Header attributes of frame ``index``: colour space, units, and the camera's pose and lens when given.

    ``worldToCamera`` is in OpenEXR's convention (Imath): row vectors times matrix, so it is the transpose of
    ``inv(T_world_camera)``. ``nominalFocalLength`` (mm), ``focus`` (m) and ``aperture`` (f-number) are standard
    attributes too.
    """
    found: dict[str, Any] = {
        "chromaticities": REC709,
        "cinemotion/frame": int(index),
        "cinemotion/fps": str(fps),
        "cinemotion/axes": "right-handed, metres, Y up; the camera looks down -Z",
        "cinemotion/units": "; ".join(f"{', '.join(p.channels)}: {p.unit}" for p in PASSES.values()),
    }
    if legend:
        found["cinemotion/ids"] = json.dumps(legend, ensure_ascii=False)
    if camera is not None and 0 <= index < camera.frames:
        # The binding reads the array's memory as it lies: a transposed view would be written untransposed.
        found["worldToCamera"] = np.ascontiguousarray(np.linalg.inv(camera.T_world_camera[index]).T, np.float32)
        found["nominalFocalLength"] = float(camera.focal_mm[index])
        found["cinemotion/sensorWidth_mm"] = float(camera.sensor_width_mm)
        found["cinemotion/lensShift"] = np.asarray(camera.shift, np.float32)
        if camera.focus_m is not None:
            found["focus"] = float(camera.focus_m[index])
        if camera.f_stop is not None:
            found["aperture"] = float(camera.f_stop[index])
    return found


def write(path: Path, layers: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> None:
    """Write passes to one scan-line file, ZIP-compressed (lossless, read by every program).

    Half floats end at 65504; brighter light is clipped there. Other values are stored as they are.
    """
    openexr = library()
    channels: dict[str, np.ndarray] = {}
    for name, value in layers.items():
        spec = PASSES[name]
        planes = value[..., None] if value.ndim == 2 else value
        if spec.exr == "half":
            planes = np.clip(planes, -65504.0, 65504.0)
        for i, channel in enumerate(spec.channels):
            channels[channel] = np.ascontiguousarray(planes[..., i].astype(_STORED[spec.exr]))
    head = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage, **attributes}
    try:
        openexr.File(head, channels).write(str(path))
    except RuntimeError as error:
        # The binding turns a failed write into a RuntimeError whose text is all that is left of the errno.
        codes = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES)
        raise OSError(next((c for c in codes if os.strerror(c) in str(error)), None), str(error)) from error


def read(path: str | Path, passes: Iterable[str]) -> dict[str, np.ndarray]:
    """The named passes of a file written by `write`.

    Raises:
        BadInput: the file is damaged or lacks a channel.
    """
    try:
        with library().File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels.copy() for name, channel in file.channels().items()}
    except (RuntimeError, ValueError, OSError) as error:
        raise BadInput(f"{path}: not an EXR file that can be read ({error})") from error
    found: dict[str, np.ndarray] = {}
    for name in passes:
        spec = PASSES[name]
        missing = [c for c in spec.channels if c not in channels]
        if missing:
            raise BadInput(f"{path}: has no channel {missing[0]} for pass '{name}'")
        planes = [channels[c].astype(spec.dtype) for c in spec.channels]
        found[name] = planes[0] if len(planes) == 1 else np.stack(planes, axis=-1)
    return found
