"""`write`: a camera path as a `UsdGeom.Camera` with time samples, one time code a frame.

The stage is in metres, Y up, as Blender and Houdini have it; USD wants focal length, apertures and their offsets in
tenths of a scene unit, so 35 mm is 0.35. Poses are double-precision matrices, everything else is as exact as the
schema's single precision. Before a cut a second sample holds the old picture, as in glTF. The exact rate and the cuts
stand in the camera's ``customData``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, CinemotionError, need
from motion.rotations import Array
from render.interchange.camera_gltf_writer import HOLD

#: The key of `customData` that holds our own words.
OWN = "cinemotion"
#: Tenths of a metre in a millimetre.
PER_MM = 0.01


def library() -> Any:
    """The package ``pxr``, or `MissingExtra` with the line that installs it."""
    return need("pxr", "usd", "reading and writing USD")


def write(path: Path, camera: CameraPath, suffix: str, *, name: str, aspect: float) -> None:
    """Write a ``.usda`` as text, a ``.usd`` or ``.usdc`` in binary; raises as `render.interchange.camera.save`."""
    library()
    from pxr import Tf

    text = suffix == ".usda"
    try:
        stage = _stage(camera, name, aspect)  # its layers live as long as it does
        layer = stage.GetRootLayer()
        if text:
            path.write_text(layer.ExportToString(), encoding="utf-8", newline="")
            return
        # USD knows a file's format by its suffix, and the file in progress has none.
        with tempfile.TemporaryDirectory() as folder:
            binary = Path(folder) / "camera.usdc"
            layer.Export(str(binary))
            path.write_bytes(binary.read_bytes())
    except Tf.ErrorException as error:
        raise CinemotionError(f"{path}: USD cannot write it ({error})") from error


def _stage(camera: CameraPath, name: str, aspect: float) -> Any:
    from pxr import Gf, Tf, Usd, UsdGeom, Vt

    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, UsdGeom.LinearUnits.meters)
    stage.SetTimeCodesPerSecond(float(camera.fps))
    stage.SetFramesPerSecond(float(camera.fps))
    stage.SetStartTimeCode(0)
    stage.SetEndTimeCode(camera.frames - 1)
    if not name:
        raise BadInput("camera name: empty, expected a word")
    made = UsdGeom.Camera.Define(stage, f"/{Tf.MakeValidIdentifier(name)}")
    prim = made.GetPrim()
    stage.SetDefaultPrim(prim)
    prim.SetCustomDataByKey(f"{OWN}:fps", str(camera.fps))
    prim.SetCustomDataByKey(f"{OWN}:cuts", Vt.IntArray(np.flatnonzero(camera.cuts).tolist()))
    place = made.AddTransformOp(precision=UsdGeom.XformOp.PrecisionDouble)
    _animate(camera, place.Set, [Gf.Matrix4d(*row) for row in _by_rows(camera.T_world_camera)])
    wide = camera.sensor_width_mm * PER_MM
    made.CreateProjectionAttr(UsdGeom.Tokens.perspective)
    made.CreateHorizontalApertureAttr(wide)
    made.CreateVerticalApertureAttr(wide / aspect)
    made.CreateHorizontalApertureOffsetAttr(float(camera.shift[0]) * wide)
    made.CreateVerticalApertureOffsetAttr(float(camera.shift[1]) * wide)
    made.CreateClippingRangeAttr(Gf.Vec2f(0.05, 10_000.0))
    half = camera.shutter_angle / 720.0  # of a frame, to either side
    made.CreateShutterOpenAttr(-half)
    made.CreateShutterCloseAttr(half)
    _column(camera, made.CreateFocalLengthAttr(), camera.focal_mm * PER_MM)
    if camera.focus_m is not None:
        _column(camera, made.CreateFocusDistanceAttr(), camera.focus_m)
    if camera.f_stop is not None:
        _column(camera, made.CreateFStopAttr(), camera.f_stop)
    return stage


def _by_rows(poses: Array) -> list[list[float]]:
    """USD multiplies row vectors: its matrices are ours transposed."""
    return [row.tolist() for row in np.swapaxes(poses, 1, 2).reshape(len(poses), 16)]


def _column(camera: CameraPath, attribute: Any, values: Array) -> None:
    if np.ptp(values) == 0:
        attribute.Set(float(values[0]))
    else:
        _animate(camera, attribute.Set, [float(v) for v in values])


def _animate(camera: CameraPath, put: Callable[[Any, Any], Any], values: list[Any]) -> None:
    from pxr import Usd

    for k, value in enumerate(values):
        if k and camera.cuts[k]:
            put(values[k - 1], Usd.TimeCode(k - float(HOLD)))
        put(value, Usd.TimeCode(k))
