"""`own_path`: a camera that somebody made elsewhere, as the camera of one shot of a film."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from motion.camera import CameraPath
from motion.errors import BadInput
from render.interchange import camera as files
from render.interchange.camera_resample import fitted, on_sensor


def own_path(
    file: str | Path,
    first_frame: int,
    stop_frame: int,
    fps: Fraction,
    *,
    name: str | None = None,
    aspect: float = 16 / 9,
    sensor_width_mm: float | None = None,
    warn: Callable[[str], None] | None = None,
) -> CameraPath:
    """The camera in a file, from the file's start on, at a film's rate.

    Frames between the file's own move positions by a monotone cubic and rotations by slerp, never across a cut of the
    file's. A file that ends before the shot holds its last pose, with a warning; one that goes on is left there.

    Args:
        file: any format of `render.interchange.camera`.
        first_frame: the shot's first frame in the film.
        stop_frame: the frame after its last.
        fps: the film's rate.
        name: which camera of a file that holds several.
        aspect: width / height of the film, for a glTF camera that does not say.
        sensor_width_mm: bring the lens to this sensor, with the same angle of view and depth of field, as paths that
            are joined must have one sensor; None: the file's own.
        warn: takes what is worth a warning, a sentence each: a file too short, what was assumed in reading it.

    Returns:
        ``stop_frame − first_frame`` frames; its frame 0 is the film's ``first_frame`` and the file's start, and begins
        a shot. Focal length, focus and f-stop are the file's; None where it has none.

    Raises:
        BadInput: an empty shot; a file that cannot be read, holds no camera, or several and none is named.
        MissingExtra: the format's library is not installed.
    """
    frames = stop_frame - first_frame
    if frames < 1:
        raise BadInput(f"{file}: a shot from frame {first_frame} to {stop_frame}, expected at least one frame")
    found = files.load_noting(file, fps=fps, name=name, aspect=aspect)
    camera = found.camera
    tell = warn or (lambda _: None)
    for note in found.notes:
        tell(f"{Path(file).name}: {note}")
    if camera.frames < frames:
        has, needs = (float(n / Fraction(fps)) for n in (camera.frames, frames))
        tell(f"{Path(file).name}: ends after {has:.2f} s of the shot's {needs:.2f} s; its last pose is held from there")
    camera = fitted(camera, frames)
    cuts = camera.cuts.copy()
    cuts[0] = True
    if sensor_width_mm is not None:
        camera = on_sensor(camera, sensor_width_mm)
    return replace(camera, cuts=cuts)
