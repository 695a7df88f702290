"""`CameraPath`: a camera over time with its lens; `Shot`: what a scene asks of a camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from motion import rotations as rot
from motion.errors import BadInput
from motion.rotations import Array

#: Width of a full-frame sensor, millimetres; Blender's default too.
SENSOR_WIDTH_MM = 36.0


@dataclass(frozen=True)
class CameraPath:
    """A camera at every frame. It looks down its −Z, Y up (OpenGL, glTF)."""

    T_world_camera: Array  # (T, 4, 4) camera coordinates to world, metres
    focal_mm: Array  # (T,)
    fps: Fraction
    focus_m: Array | None = None  # (T,) metres to the plane in focus; None: everything is in focus
    f_stop: Array | None = None  # (T,) aperture; None: pinhole
    sensor_width_mm: float = SENSOR_WIDTH_MM
    shift: tuple[float, float] = (0.0, 0.0)  # lens shift right and up, in sensor widths
    shutter_angle: float = 180.0  # degrees of 360 that the shutter is open, centred on the frame; 0: frozen
    cuts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))  # (T,) a new shot begins at this frame

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "T_world_camera", np.asarray(self.T_world_camera, dtype=np.float64))
        frames = len(self.T_world_camera)
        set_(self, "fps", Fraction(self.fps))
        for name in ("focal_mm", "focus_m", "f_stop"):
            value = getattr(self, name)
            if value is not None:
                set_(self, name, np.broadcast_to(np.asarray(value, dtype=np.float64), (frames,)).copy())
        cuts = np.asarray(self.cuts, dtype=bool)
        set_(self, "cuts", cuts if len(cuts) else np.zeros(frames, dtype=bool))
        if self.T_world_camera.shape != (frames, 4, 4) or self.cuts.shape != (frames,) or frames == 0:
            raise BadInput(f"camera path: T_world_camera {self.T_world_camera.shape}, cuts {self.cuts.shape}")
        if not np.isfinite(self.T_world_camera).all() or not (self.focal_mm > 0).all():
            raise BadInput("camera path: a pose is not finite, or a focal length is not positive")

    @property
    def frames(self) -> int:
        return len(self.T_world_camera)

    def fov_y(self, aspect: float) -> Array:
        """Vertical field of view ``(T,)`` in radians for an image of ``aspect = width / height``."""
        return 2.0 * np.arctan(self.sensor_width_mm / aspect / (2.0 * self.focal_mm))

    def shot_of(self, frame: int) -> int:
        """Number of the shot that a frame belongs to, from 0."""
        return int(np.count_nonzero(self.cuts[1 : frame + 1]))

    def at(self, frame: float) -> tuple[Array, float, float | None, float | None]:
        """Pose ``(4, 4)``, focal length, focus distance and f-stop at a fractional frame, never across a cut.

        Between frames positions move linearly and rotations by slerp; beyond a shot's ends the motion goes on
        as it was, so that an open shutter sees a moving camera on a shot's first and last frame too.
        """
        first = last = int(np.clip(np.floor(frame + 0.5), 0, self.frames - 1))
        home = self.shot_of(first)
        while first > 0 and first > frame - 1 and self.shot_of(first - 1) == home:
            first -= 1
        while last < self.frames - 1 and last < frame + 1 and self.shot_of(last + 1) == home:
            last += 1
        i = int(np.clip(np.floor(frame), first, max(first, last - 1)))
        j = min(i + 1, last)
        t = frame - i if j > i else 0.0
        a, b = self.T_world_camera[i], self.T_world_camera[j]
        pose = np.eye(4)
        pose[:3, 3] = (1 - t) * a[:3, 3] + t * b[:3, 3]
        turn = rot.to_rotvec(rot.from_matrix(a[:3, :3].T @ b[:3, :3]))
        pose[:3, :3] = a[:3, :3] @ rot.to_matrix(rot.from_rotvec(t * turn))

        def between(values: Array) -> float:
            return float((1 - t) * values[i] + t * values[j])

        focus, stop = (None if values is None else between(values) for values in (self.focus_m, self.f_stop))
        return pose, between(self.focal_mm), focus, stop


def look_at(position: Array, target: Array, roll: float = 0.0) -> Array:
    """A camera pose ``(…, 4, 4)`` at ``position (…, 3)`` looking at ``target (…, 3)``, horizon level plus ``roll``.

    Straight up or down, where no horizon exists, the top of the picture points to −Z or +Z.
    """
    position, target = np.broadcast_arrays(np.asarray(position, float), np.asarray(target, float))
    back = position - target
    length = np.linalg.norm(back, axis=-1, keepdims=True)
    back = np.where(length > 1e-9, back / np.maximum(length, 1e-9), [0.0, 0.0, 1.0])
    right = np.cross([0.0, 1.0, 0.0], back)
    size = np.linalg.norm(right, axis=-1, keepdims=True)
    right = np.where(size > 1e-6, right / np.maximum(size, 1e-6), [1.0, 0.0, 0.0])
    up = np.cross(back, right)
    pose = np.zeros((*position.shape[:-1], 4, 4))
    c, s = np.cos(roll), np.sin(roll)
    pose[..., :3, 0], pose[..., :3, 1] = c * right + s * up, c * up - s * right
    pose[..., :3, 2], pose[..., :3, 3], pose[..., 3, 3] = back, position, 1.0
    return pose


@dataclass(frozen=True)
class Shot:
    """What a scene asks of a camera between two moments. Names of the vocabulary live in `rl_camera.vocabulary`."""

    start_s: float
    end_s: float
    of: tuple[str, ...]  # performers' names, the first is the main subject
    size: str = "medium"
    angle: str = "eye_level"
    view: str = "front_three_quarter"
    move: str = "static"
    position: str = "centre"  # where in the picture the subject stands
    lens_mm: float = 35.0
    director: str = "rule"
    f_stop: float | None = None
    options: dict[str, float] = field(default_factory=dict)  # the director's own settings
