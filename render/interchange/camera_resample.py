"""Camera paths at another rate, of another length, on another sensor: `resample`, `fitted`, `on_sensor`.

Nothing is ever interpolated across a cut.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from scipy.interpolate import PchipInterpolator

from motion import rotations as rot
from motion.camera import CameraPath
from motion.errors import BadInput
from motion.rotations import Array

#: More frames than this are a mistake: 50 hours at 30 frames per second.
MAX_FRAMES = 5_400_000


def spans(camera: CameraPath) -> list[tuple[int, int]]:
    """First frame and the frame after the last of every shot."""
    starts = [0, *(int(k) for k in np.flatnonzero(camera.cuts) if k > 0)]
    return list(zip(starts, [*starts[1:], camera.frames], strict=True))


def resample(camera: CameraPath, fps: Fraction) -> CameraPath:
    """The same camera at another rate.

    A frame lasts until the next one begins, so a path keeps its length in seconds. Positions follow a monotone cubic
    (Fritsch and Butland 1984: no overshoot, a camera that stands keeps still), rotations slerp, the lens changes
    linearly. Frames that fall on the path's own are these, to the last bit. After a shot's last frame the motion goes
    on as it was, for less than a frame. A cut is at the first frame at or after its time; a shot that no frame falls
    into is gone.

    Raises:
        BadInput: more frames than a film can have.
    """
    fps = Fraction(fps)
    if fps == camera.fps:
        return camera
    ratio = camera.fps / fps  # frames of the source for each of the result
    total = -(-camera.frames // ratio)
    if total > MAX_FRAMES:
        raise BadInput(f"camera path: {total:,} frames at {fps} a second, expected at most {MAX_FRAMES:,}")
    poses, lenses, cuts = [], [], []
    for first, stop in spans(camera):
        frames = np.arange(int(-(-first // ratio)), int(-(-stop // ratio)), dtype=np.int64)
        if len(frames) == 0:
            continue
        over = frames * ratio.numerator - first * ratio.denominator  # exact in integers
        index, part = over // ratio.denominator, (over % ratio.denominator) / ratio.denominator
        poses.append(_poses(camera.T_world_camera[first:stop], index, part))
        lenses.append([_lens(v, first, stop, index + part) for v in (camera.focal_mm, camera.focus_m, camera.f_stop)])
        begins = np.zeros(len(frames), bool)
        begins[0] = camera.cuts[first]
        cuts.append(begins)
    focal, focus, stop_ = (
        None if lenses[0][i] is None else np.concatenate([lens[i] for lens in lenses]) for i in range(3)
    )
    assert focal is not None
    return replace(
        camera,
        T_world_camera=np.concatenate(poses),
        focal_mm=focal,
        focus_m=focus,
        f_stop=stop_,
        cuts=np.concatenate(cuts),
        fps=fps,
    )


def _poses(own: Array, index: np.ndarray, part: Array) -> Array:
    """Poses of a shot ``own (N, 4, 4)`` at frames ``index + part``, which may lie up to one beyond the last."""
    n = len(own)
    if n == 1:
        return np.repeat(own, len(index), axis=0)
    low = np.minimum(index, n - 2)
    at = index - low + part  # 0 … 2
    found = own[np.minimum(index, n - 1)].copy()
    moved = part > 0
    turns = rot.from_matrix(own[:, :3, :3])
    found[moved, :3, :3] = rot.to_matrix(rot.slerp(turns[low[moved]], turns[low[moved] + 1], at[moved]))
    place = own[:, :3, 3]
    where = index[moved] + part[moved]
    inside = np.minimum(where, n - 1.0)
    curve = (
        PchipInterpolator(np.arange(n), place, axis=0)(inside)
        if n > 2
        else place[0] + inside[:, None] * np.diff(place, axis=0)
    )
    found[moved, :3, 3] = curve + (where - inside)[:, None] * (place[-1] - place[-2])
    return found


def _lens(values: Array | None, first: int, stop: int, at: Array) -> Array | None:
    return None if values is None else np.interp(at, np.arange(stop - first), values[first:stop])


def fitted(camera: CameraPath, frames: int) -> CameraPath:
    """The path's first ``frames`` frames; its last pose is held where it has fewer."""
    rows = np.minimum(np.arange(frames), camera.frames - 1)
    return replace(
        camera,
        T_world_camera=camera.T_world_camera[rows],
        focal_mm=camera.focal_mm[rows],
        focus_m=None if camera.focus_m is None else camera.focus_m[rows],
        f_stop=None if camera.f_stop is None else camera.f_stop[rows],
        cuts=camera.cuts[rows] & (np.arange(frames) < camera.frames),
    )


def on_sensor(camera: CameraPath, width_mm: float) -> CameraPath:
    """The same picture, depth of field included, through a sensor of another width.

    Focal length and f-number scale with the sensor: the angle of view and the aperture's diameter stay.
    """
    if width_mm == camera.sensor_width_mm:
        return camera
    ratio = width_mm / camera.sensor_width_mm
    stop = None if camera.f_stop is None else camera.f_stop * ratio
    return replace(camera, focal_mm=camera.focal_mm * ratio, f_stop=stop, sensor_width_mm=float(width_mm))
