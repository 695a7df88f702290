"""`load`: a camera of a USD stage as a `CameraPath`: parents, units, up axis and time codes carried out."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput
from motion.files import read
from motion.rate import RateError, exact, from_rate
from motion.rotations import Array
from render.interchange.camera_resample import MAX_FRAMES
from render.interchange.camera_usd_writer import OWN, library
from render.interchange.gltf_nodes import turn_and_scale

#: Sensors are between these widths, millimetres; outside, a program has written millimetres for tenths of a unit.
_SENSORS_MM = (2.0, 200.0)
#: USD's f-stop 0 is no depth of field; among frames that have one it becomes this.
PINHOLE_F_STOP = 1000.0
#: From Z up to Y up: x stays, Y is Z, Z is −Y.
_Y_FROM_Z = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


def load(
    path: str | Path, *, fps: Fraction | None, name: str | None, aspect: float
) -> tuple[CameraPath, str, list[str]]:
    """One camera: its path, its name and notes; raises as `render.interchange.camera.load`.

    A camera of ours comes at its own rate, whatever ``fps`` says; others are sampled at it.
    """
    read(path, "USD file", 1)  # no such file, a folder, a pipe
    library()
    from pxr import Tf, UsdUtils

    quiet = UsdUtils.CoalescingDiagnosticDelegate()  # warnings about what the camera does not need
    try:
        return _load(path, fps, name)
    except Tf.ErrorException as error:
        raise BadInput(f"{path}: is not a USD file that can be read ({_reason(error)})") from error
    except (TypeError, ValueError, RuntimeError) as error:  # a broken file's values come as anything
        raise BadInput(f"{path}: holds a value that cannot be read ({' '.join(str(error).split())[:200]})") from error
    finally:
        del quiet


def _load(path: str | Path, fps: Fraction | None, name: str | None) -> tuple[CameraPath, str, list[str]]:
    from pxr import Usd, UsdGeom

    from render.interchange.camera import choose

    stage = Usd.Stage.Open(str(path))
    cameras = [
        UsdGeom.Camera(prim)
        for prim in Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies())
        if prim.IsA(UsdGeom.Camera)
    ]
    cameras = [c for c in cameras if c.GetProjectionAttr().Get() != UsdGeom.Tokens.orthographic]
    if not cameras:
        raise BadInput(f"{path}: holds no perspective camera, expected one")
    paths = [str(c.GetPath()) for c in cameras]
    leaves = [c.GetPrim().GetName() for c in cameras]
    labels = [leaf if leaves.count(leaf) == 1 else full for leaf, full in zip(leaves, paths, strict=True)]
    above = [c.GetPrim().GetParent().GetName() for c in cameras]  # the object of Blender, the transform of Maya
    at = choose(path, name, labels, list(zip(paths, above, strict=True)))
    camera, notes = _Reader(path, stage, cameras[at], fps).read()
    return camera, labels[at], notes


def _reason(error: Exception) -> str:
    """USD's errors span lines and name its own source files; the plain words of the first."""
    try:
        text = str(error)
    except UnicodeDecodeError:  # it quotes the broken file
        return "its text is broken"
    words = re.findall(r": '(.*?)\s*'\s*(?:\n|$)", text, re.DOTALL) or text.strip().split("\n")
    return " ".join(words[0].split())[:200]


class _Reader:
    def __init__(self, path: str | Path, stage: Any, camera: Any, fps: Fraction | None) -> None:
        from pxr import UsdGeom

        self.path, self.stage, self.camera, self.prim = path, stage, camera, camera.GetPrim()
        self.notes: list[str] = []
        self.unit = float(UsdGeom.GetStageMetersPerUnit(stage))
        if not (np.isfinite(self.unit) and self.unit > 0):
            raise self.bad(f"metersPerUnit is {self.unit:g}, expected more than 0")
        self.codes = float(stage.GetTimeCodesPerSecond())  # a second
        own = self._own()
        self.cuts: np.ndarray | None = own[0] if own else None
        self.rate: Fraction = own[1] if own else fps or self._stated()
        self.times = self._frames()

    def bad(self, problem: str) -> BadInput:
        return BadInput(f"{self.path}: {problem}")

    def read(self) -> tuple[CameraPath, list[str]]:
        camera = self.camera
        wide = self._values(camera.GetHorizontalApertureAttr())
        focal = self._values(camera.GetFocalLengthAttr())
        if not ((wide > 0) & (focal > 0)).all():
            raise self.bad(f"{self.prim.GetPath()}: a focal length or aperture is not above 0")
        mm = 100.0 * self.unit  # in a tenth of a scene unit
        low, high = _SENSORS_MM
        if not low <= wide[0] * mm <= high and low <= wide[0] <= high:
            mm = 1.0
            self.notes.append("its lens is written in millimetres instead of tenths of a scene unit, and so read")
        sensor = self._rounded(wide[0] * mm)
        focal = focal * mm * (wide[0] / wide)  # one sensor for the whole path
        shift = [
            self._rounded(self._once(attribute, "lens shift") / wide[0])
            for attribute in (camera.GetHorizontalApertureOffsetAttr(), camera.GetVerticalApertureOffsetAttr())
        ]
        focus, stop = self._focus(), self._f_stop()
        cuts = np.zeros(len(self.times), bool)
        if self.cuts is not None:
            cuts[self.cuts] = True
        try:
            made = CameraPath(
                self._poses(), focal, self.rate, focus, stop, sensor, (shift[0], shift[1]), self._shutter(), cuts
            )
        except BadInput as error:
            raise self.bad(str(error)) from error
        return made, self.notes

    # ---- time

    def _stated(self) -> Fraction:
        """The stage's frame rate."""
        stage = self.stage
        said = stage.GetFramesPerSecond() if stage.HasAuthoredMetadata("framesPerSecond") else self.codes
        try:
            return from_rate(float(said))
        except RateError as error:
            raise self.bad(str(error)) from None

    def _own(self) -> tuple[np.ndarray, Fraction] | None:
        """Cuts and exact rate of a camera of ours; None where there are none or they do not fit the stage."""
        said, cuts = (self.prim.GetCustomDataByKey(f"{OWN}:{key}") for key in ("fps", "cuts"))
        if said is None:
            return None
        try:
            rate = exact(str(said))
            frames = np.array(cuts if cuts is not None else [], dtype=np.int64).reshape(-1)
        except (RateError, TypeError, ValueError):
            return None
        start, end = self._span()
        count = end - start + 1
        whole = abs(float(rate) / self.codes - 1) < 1e-9 and abs(count - round(count)) < 1e-6
        if whole and not (frames < 0).any() and not (frames >= round(count)).any():
            return frames, rate
        self.notes.append("the cuts that the file holds do not fit its frames, and are left out")
        return None

    def _span(self) -> tuple[float, float]:
        """First and last time code: the stage's own where it holds some of what moves, else those of the samples."""
        from pxr import UsdGeom

        samples: set[float] = set()
        at = self.prim
        while at and not at.IsPseudoRoot():
            if at.IsA(UsdGeom.Xformable):
                samples.update(UsdGeom.Xformable(at).GetTimeSamples())
            at = at.GetParent()
        camera = self.camera
        for attribute in (
            camera.GetFocalLengthAttr(),
            camera.GetHorizontalApertureAttr(),
            camera.GetFocusDistanceAttr(),
            camera.GetFStopAttr(),
        ):
            samples.update(attribute.GetTimeSamples())
        stage = self.stage
        if stage.HasAuthoredTimeCodeRange():
            start, end = float(stage.GetStartTimeCode()), float(stage.GetEndTimeCode())
            if end >= start and (not samples or (min(samples) <= end and max(samples) >= start)):
                return start, end
        return (min(samples), max(samples)) if samples else (0.0, 0.0)

    def _frames(self) -> list[float]:
        """The time code of every frame."""
        if not self.codes > 0:
            raise self.bad(f"timeCodesPerSecond is {self.codes:g}, expected more than 0")
        start, end = self._span()
        step = self.codes / float(self.rate)
        count = np.floor((end - start) / step + 1e-6) + 1
        if not count <= MAX_FRAMES:
            raise self.bad(f"lasts {count:,.0f} frames at {self.rate} a second, expected at most {MAX_FRAMES:,}")
        times = start + step * np.arange(int(count))
        near = np.rint(times)
        return np.where(np.abs(times - near) < 1e-6, near, times).tolist()

    # ---- values

    def _values(self, attribute: Any) -> Array:
        if not attribute.ValueMightBeTimeVarying():
            got = [attribute.Get(self.times[0])] * len(self.times)
        else:
            got = [attribute.Get(t) for t in self.times]
        if None in got:
            raise self.bad(f"{attribute.GetPath()} has no value at time code {self.times[got.index(None)]:g}")
        found = np.array(got, dtype=np.float64)
        if not np.isfinite(found).all():
            raise self.bad(f"{attribute.GetPath()} is not finite")
        return found

    def _once(self, attribute: Any, what: str) -> float:
        if attribute.ValueMightBeTimeVarying():
            self.notes.append(f"its {what} changes over time; the first value is taken")
        return float(attribute.Get(self.times[0]))

    @staticmethod
    def _rounded(value: float) -> float:
        """A number as it was meant: 24.89, which single precision keeps as 24.890000104904175."""
        return float(f"{value:.7g}")

    def _focus(self) -> Array | None:
        attribute = self.camera.GetFocusDistanceAttr()
        if not attribute.HasAuthoredValue():
            return None
        values = self._values(attribute) * self.unit
        return values if (values > 0).all() else None

    def _f_stop(self) -> Array | None:
        attribute = self.camera.GetFStopAttr()
        if not attribute.HasAuthoredValue():
            return None
        values = self._values(attribute)
        return np.where(values > 0, values, PINHOLE_F_STOP) if (values > 0).any() else None

    def _shutter(self) -> float:
        opens, closes = self.camera.GetShutterOpenAttr(), self.camera.GetShutterCloseAttr()
        if not (opens.HasAuthoredValue() and closes.HasAuthoredValue()):
            return 180.0
        frames = self._once(closes, "shutter") - self._once(opens, "shutter")
        return self._rounded(float(np.clip(frames * 360.0 * float(self.rate) / self.codes, 0.0, 360.0)))

    def _poses(self) -> Array:
        from pxr import UsdGeom

        cache = UsdGeom.XformCache()
        world = np.zeros((len(self.times), 4, 4))
        for k, time in enumerate(self.times):
            cache.SetTime(time)
            world[k] = np.array(cache.GetLocalToWorldTransform(self.prim)).T  # USD's are for row vectors
        linear = world[:, :3, :3]
        if not np.isfinite(world).all() or (np.linalg.det(linear) <= 1e-18).any():
            raise self.bad(f"{self.prim.GetPath()} is mirrored or flattened by a scale, which no camera can be")
        turn = turn_and_scale(linear)[0]
        place = self.unit * world[:, :3, 3]
        if UsdGeom.GetStageUpAxis(self.stage) == UsdGeom.Tokens.z:
            turn, place = _Y_FROM_Z @ turn, place @ _Y_FROM_Z.T
        poses = np.zeros_like(world)
        poses[:, :3, :3], poses[:, :3, 3], poses[:, 3, 3] = turn, place, 1
        return poses
