"""Camera paths in and out of files: `save` and `load`, one registry of formats, the suffix chooses.

============================  =====================================================================================
``.csv``, ``.json``           a table of frames; everything that a `CameraPath` holds, to the last bit
``.gltf``, ``.glb``           an animated camera node; poses in single precision, our own lens data exact
``.usd``, ``.usda``, ``.usdc``  `UsdGeom.Camera`; poses exact, lens data in single precision. Needs the extra ``usd``
============================  =====================================================================================

Cuts of an edit are in `render.interchange.otio_cuts`.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from motion.camera import CameraPath
from motion.errors import BadInput, unknown
from motion.files import whole
from motion.rate import RateError, exact
from render.interchange.camera_resample import resample

#: Faster than any camera runs; more is a mistake.
MAX_FPS = 10_000


@dataclass(frozen=True)
class Loaded:
    """A camera from a file."""

    camera: CameraPath
    name: str = ""  # the camera's, as `load` takes it; "" where the format has no names
    notes: tuple[str, ...] = ()  # what was assumed or left out, one sentence each


#: Suffix to the module that reads and writes it.
_FORMATS = {
    ".csv": "camera_table",
    ".json": "camera_table",
    ".gltf": "camera_gltf",
    ".glb": "camera_gltf",
    ".usd": "camera_usd",
    ".usda": "camera_usd",
    ".usdc": "camera_usd",
}
SUFFIXES = tuple(_FORMATS)


def save(path: str | Path, camera: CameraPath, *, name: str = "camera", aspect: float = 16 / 9) -> None:
    """Write a camera path; the suffix chooses the format.

    Args:
        path: where to write.
        camera: the path.
        name: the camera's name in the file, for formats that have names.
        aspect: width / height of the picture: glTF and USD hold a vertical size too.

    Raises:
        BadInput: another suffix, an impossible aspect, or a place that cannot be written to.
        MissingExtra: USD's library is not installed.
        MissingSystem: the disk is full.
    """
    suffix, module = _format(path)
    _check_aspect(path, aspect)
    with whole(path) as partial:
        if suffix in (".csv", ".json"):
            module.write(partial, camera, suffix)
        else:
            module.write(partial, camera, suffix, name=name, aspect=aspect)


def load(
    path: str | Path,
    *,
    fps: Fraction | int | float | str | None = None,
    name: str | None = None,
    aspect: float = 16 / 9,
) -> CameraPath:
    """Read a camera path: one of ours, or a camera that another program wrote.

    Args:
        path: the file.
        fps: frames per second of the result; None: the file's own, 24 where it does not say.
        name: which camera of a file that holds several.
        aspect: width / height of the picture, for a glTF camera that does not say.

    Returns:
        The camera's way through the world: parents' transforms, units and axes are carried out. Frame 0 is where the
        file begins. Frames between the file's own move positions by a monotone cubic and rotations by slerp, never
        across a cut.

    Raises:
        BadInput: the file cannot be read, holds no camera or several, or a value that is no camera's.
        MissingExtra: USD's library is not installed.
    """
    return load_noting(path, fps=fps, name=name, aspect=aspect).camera


def load_noting(
    path: str | Path,
    *,
    fps: Fraction | int | float | str | None = None,
    name: str | None = None,
    aspect: float = 16 / 9,
) -> Loaded:
    """As `load`, and says which camera was read and what was assumed."""
    suffix, module = _format(path)
    rate = _rate(path, fps)
    _check_aspect(path, aspect)
    if suffix in (".csv", ".json"):
        if name is not None:
            raise BadInput(f"{path}: holds one camera without a name, so '{name}' cannot be chosen")
        found = Loaded(module.load(path))
    else:
        camera, label, notes = module.load(path, fps=rate, name=name, aspect=aspect)
        found = Loaded(camera, label, tuple(notes))
    if rate is None or found.camera.fps == rate:
        return found
    return Loaded(resample(found.camera, rate), found.name, found.notes)


def check(path: str | Path) -> None:
    """Make sure, before long work, that a format is known and its library installed.

    Raises:
        BadInput: another suffix.
        MissingExtra: USD's library is not installed.
    """
    suffix, _ = _format(path)
    if _FORMATS[suffix] == "camera_usd":
        from render.interchange.camera_usd_writer import library

        library()


def _format(path: str | Path) -> tuple[str, Any]:
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise BadInput(f"{path}: {unknown('camera path suffix', suffix, SUFFIXES)}")
    return suffix, importlib.import_module(f"render.interchange.{_FORMATS[suffix]}")


def _rate(path: str | Path, fps: Any) -> Fraction | None:
    if fps is None:
        return None
    try:
        return exact(fps, most=MAX_FPS)
    except RateError as error:
        raise BadInput(f"{path}: {error}") from None


def _check_aspect(path: str | Path, aspect: float) -> None:
    if not (math.isfinite(aspect) and 0.01 <= aspect <= 100):
        raise BadInput(f"{path}: a picture {aspect:g} times as wide as high, expected 0.01 to 100")


def choose(path: str | Path, wanted: str | None, names: Sequence[str], others: Sequence[Sequence[str]]) -> int:
    """The number of the camera that is wanted.

    Args:
        path: the file, for errors.
        wanted: a name; None: the only one.
        names: one for each camera, all different.
        others: what else each camera may be called; a name that fits several chooses none.

    Raises:
        BadInput: none of that name, or several and none named; says which there are.
    """
    if wanted is not None:
        if wanted in names:
            return names.index(wanted)
        fits = [k for k, more in enumerate(others) if wanted in more]
        if len(fits) == 1:
            return fits[0]
        known = {*names, *(name for more in others for name in more)}
        raise BadInput(f"{path}: {unknown('camera', wanted, known)}")
    if len(names) > 1:
        shown = ", ".join(f"'{n}'" for n in names[:12]) + (", …" if len(names) > 12 else "")
        raise BadInput(f"{path}: holds {len(names)} cameras, expected the name of one: {shown}")
    return 0
