"""Passes of frames as files for compositing: the table `PASSES`, `PassWriter` (EXR, PNG16, NPZ) and `read_passes`.

    exr    one multilayer file a frame; colours half float, everything else 32 bits; the camera in the header
    png16  one 16-bit PNG a pass and frame, quantised as `PNG16` says; the scales in ``passes.json``
    npz    one file a frame with the arrays as they are, for NumPy

Control videos for video models are in `render.control`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, unknown
from motion.files import whole, write_json
from render.frame import Frame, check_size
from render.video import check_fps

if TYPE_CHECKING:
    from render.world import World

SCHEMA = 1
FORMATS = ("exr", "png16", "npz")


@dataclass(frozen=True)
class Pass:
    """One layer of a frame."""

    name: str
    channels: tuple[str, ...]  # names in an EXR file
    dtype: str  # of the array in memory and in NPZ: float32 or int32
    exr: str  # stored in EXR as: half, float or uint
    unit: str
    meaning: str

    @property
    def width(self) -> int:
        return len(self.channels)


def _colour(name: str, meaning: str, layer: str | None = None) -> Pass:
    prefix = name + "." if layer is None else layer
    return Pass(name, tuple(prefix + c for c in "RGB"), "float32", "half", "linear Rec.709", meaning)


_FLOW = "px, x right, y down"
#: Every pass by name, in the order in which they are told.
PASSES: dict[str, Pass] = {
    p.name: p
    for p in (
        _colour("beauty", "the picture: anti-aliased linear light, not tone-mapped", layer=""),
        Pass("alpha", ("A",), "float32", "half", "0 to 1", "coverage, under the beauty's filter"),
        _colour("diffuse", "light leaving a white matte surface there; beauty = albedo * diffuse + specular"),
        _colour("specular", "reflections, haze and sky at the pixel's centre"),
        _colour("albedo", "base colour without light, at the pixel's centre"),
        _colour("albedo_aa", "base colour under the beauty's filter: divide the beauty by it to take textures out"),
        Pass(
            "roughness_metallic",
            ("material.roughness", "material.metallic"),
            "float32",
            "float",
            "0 to 1",
            "glTF's roughness and metallic of the surface at the pixel's centre",
        ),
        Pass(
            "normal",
            ("N.X", "N.Y", "N.Z"),
            "float32",
            "float",
            "unit vector, world",
            "surface normal at the pixel's centre; 0 0 0 where there is nothing",
        ),
        Pass(
            "depth",
            ("Z",),
            "float32",
            "float",
            "m along the camera's −Z",
            "planar distance of the surface at the pixel's centre; 0 where there is nothing",
        ),
        Pass(
            "ids",
            ("id.instance", "id.part"),
            "int32",
            "uint",
            "number",
            "which thing and which part of it is at the pixel's centre; 0 where there is nothing",
        ),
        Pass(
            "flow",
            ("forward.u", "forward.v", "forward.occluded"),
            "float32",
            "float",
            _FLOW,
            "to the next frame: position there minus position here; occluded is 1 where the point is not seen there",
        ),
        Pass(
            "flow_back",
            ("backward.u", "backward.v", "backward.occluded"),
            "float32",
            "float",
            _FLOW,
            "to the previous frame, in the same way",
        ),
    )
}


def check_passes(names: Iterable[str]) -> tuple[str, ...]:
    """The names, without doubles, in the table's order; `BadInput` with a suggestion for one that is unknown."""
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in PASSES:
            raise unknown("pass", name, PASSES)
    return tuple(name for name in PASSES if name in names)


def to_draw(passes: Iterable[str]) -> tuple[str, ...]:
    """What to ask a renderer for so that `PassWriter` has all it writes: flow is computed later, alpha with beauty."""
    wanted = {"beauty" if name == "alpha" else name for name in check_passes(passes)}
    return tuple(name for name in PASSES if name in wanted - {"flow", "flow_back"})


def arrays(frame: Frame, passes: Iterable[str]) -> dict[str, np.ndarray]:
    """The named passes of a frame: ``(H, W)`` for one channel, else ``(H, W, channels)``, float32 or int32.

    The flow out of the film's first and last frame is 0 and all occluded.

    Raises:
        BadInput: a pass is unknown, or was not drawn.
    """
    found: dict[str, np.ndarray] = {}
    for name in check_passes(passes):
        spec = PASSES[name]
        value = _flow(frame, name) if name in ("flow", "flow_back") else getattr(frame, name)
        if value is None:
            raise BadInput(f"frame {frame.index}: pass '{name}' was not drawn; ask the renderer for it")
        found[name] = np.asarray(value, dtype=spec.dtype)
    return found


def _flow(frame: Frame, name: str) -> np.ndarray:
    """``(H, W, 3)``: u, v, and 1 where occluded."""
    to = frame.index + (1 if name == "flow" else -1)
    if not 0 <= to < frame.camera.frames:
        width, height = frame.size
        return np.broadcast_to(np.array([0, 0, 1], np.float32), (height, width, 3))
    flow, occluded = frame.flow_to(to)
    return np.concatenate([flow, occluded[..., None]], axis=-1, dtype=np.float32)


def legend_of(world: World) -> dict[int, tuple[str, tuple[str, ...]]]:
    """Name and part names of every instance number in the ``ids`` pass of a world."""
    found = {d.instance: (d.name, tuple(d.parts)) for d in world.drawables}
    if world.stage.ground is not None:
        found[world.ground_instance] = ("ground", ("ground",))
    return found


class PassWriter:
    """Writes the passes of frames, one frame at a time; every file appears whole or not at all.

    Args:
        folder: made when missing. Files: ``frame.000000.exr``, ``depth/depth.000000.png`` or ``frame.000000.npz``.
        passes: names from `PASSES`.
        fmt: ``"exr"`` (extra ``exr``), ``"png16"`` or ``"npz"``.
        size: width and height in pixels; a frame of another size is refused.
        fps: exact frame rate, for the header.
        camera: pose and lens for EXR headers; None: the path that each frame was drawn with.
        depth_max_m: the distance that PNG16 stores as 65535; farther is clipped. The default makes one step 1 mm.
        legend: what the numbers of ``ids`` mean, from `legend_of`; goes into ``passes.json`` and EXR headers.

    Raises:
        BadInput: a pass, format or size is wrong, or the folder cannot be written to.
        MissingExtra: EXR without the OpenEXR package.
        MissingSystem: the disk is full.

    Example:
        >>> writer = PassWriter("out/passes", ["depth", "normal"], "exr", (1280, 720), 24, camera)  # doctest: +SKIP
        >>> for frame in rasterizer.render(world, camera, range(48), writer.passes):  # doctest: +SKIP
        ...     writer.write(frame)
    """

    def __init__(
        self,
        folder: str | Path,
        passes: Iterable[str],
        fmt: str,
        size: tuple[int, int],
        fps: Fraction | int | float | str,
        camera: CameraPath | None = None,
        *,
        depth_max_m: float = 65.535,
        legend: Mapping[int, tuple[str, Sequence[str]]] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.passes = check_passes(passes)
        if not self.passes:
            raise BadInput(f"{folder}: no passes to write, expected some of {', '.join(PASSES)}")
        if fmt not in FORMATS:
            raise unknown("pass format", fmt, FORMATS)
        if not depth_max_m > 0:
            raise BadInput(f"depth_max_m {depth_max_m}, expected more than 0 metres")
        self.fmt = fmt
        self.size = check_size(size)
        self.fps = check_fps(fps)
        self.camera = camera
        self.depth_max_m = float(depth_max_m)
        self.legend = {
            str(number): {"name": name, "parts": {str(k + 1): part for k, part in enumerate(parts)}}
            for number, (name, parts) in (legend or {}).items()
        }
        if fmt == "exr":
            from render import exr

            exr.library()  # say now, not after the first frame is drawn, that the package is missing
        write_json(self.folder / "passes.json", self.describe())

    def __enter__(self) -> PassWriter:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close: every frame is whole already."""

    def describe(self) -> dict[str, Any]:
        """What the files hold, for ``passes.json``: channels, units, meanings and, for PNG16, how to decode."""
        described: dict[str, Any] = {}
        for name in self.passes:
            spec = PASSES[name]
            described[name] = {
                "channels": list(spec.channels),
                "unit": spec.unit,
                "meaning": spec.meaning,
            }
            if self.fmt == "png16":
                from render import png16

                described[name] |= asdict(png16.encoding(name, self.depth_max_m))
        if "ids" in described and self.legend:
            described["ids"]["instances"] = self.legend
        return {
            "schema": SCHEMA,
            "format": self.fmt,
            "size": list(self.size),
            "fps": str(self.fps),
            "first_frame": 0,
            "axes": "right-handed, metres, Y up, camera looks down -Z; images row 0 at the top",
            "passes": described,
        }

    def paths(self, index: int) -> dict[str, Path]:
        """Where frame ``index`` is written, by pass."""
        if self.fmt == "png16":
            return {name: self.folder / name / f"{name}.{index:06d}.png" for name in self.passes}
        return dict.fromkeys(self.passes, self.folder / f"frame.{index:06d}.{self.fmt}")

    def write(self, frame: Frame) -> list[Path]:
        """Write the passes of one frame and return the files.

        Raises:
            BadInput: a pass was not drawn or has the wrong size.
        """
        layers = arrays(frame, self.passes)
        for name, value in layers.items():
            expected = (self.size[1], self.size[0]) + ((PASSES[name].width,) if PASSES[name].width > 1 else ())
            if value.shape != expected:
                raise BadInput(f"frame {frame.index}: pass '{name}' has shape {value.shape}, expected {expected}")
        paths = self.paths(frame.index)
        if self.fmt == "png16":
            from render import png16

            for name, path in paths.items():
                with whole(path) as partial:
                    partial.write_bytes(png16.encode(name, layers[name], self.depth_max_m))
        elif self.fmt == "exr":
            from render import exr

            with whole(paths[self.passes[0]]) as partial:
                exr.write(partial, layers, exr.header(frame.index, self.fps, self.camera or frame.camera, self.legend))
        else:
            with whole(paths[self.passes[0]]) as partial:
                _write_npz(partial, layers)
        return list(dict.fromkeys(paths.values()))


def _write_npz(path: Path, layers: Mapping[str, np.ndarray]) -> None:
    # numpy's own writer compresses at level 6, several times slower for a tenth less; ZipInfo's date is fixed.
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in layers.items():
            about = zipfile.ZipInfo(f"{name}.npy")
            about.compress_type = zipfile.ZIP_DEFLATED
            about._compresslevel = 1  # type: ignore[attr-defined]
            with archive.open(about, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(value), allow_pickle=False)


def read_passes(folder: str | Path, index: int) -> dict[str, np.ndarray]:
    """The passes of one frame as they were before they were written, up to the format's quantisation.

    Raises:
        BadInput: the folder holds no passes, or the frame is missing or damaged.
    """
    folder = Path(folder)
    try:
        about = json.loads((folder / "passes.json").read_text(encoding="utf-8"))
        fmt, passes = about["format"], check_passes(about["passes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder}: holds no passes (passes.json: {error})") from error
    if fmt == "png16":
        from render import png16

        return {name: png16.decode_file(name, folder / name / f"{name}.{index:06d}.png", about) for name in passes}
    path = folder / f"frame.{index:06d}.{fmt}"
    if not path.is_file():
        raise BadInput(f"{path}: no such frame")
    if fmt == "exr":
        from render import exr

        return exr.read(path, passes)
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in passes}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path}: not passes that can be read ({error})") from error
