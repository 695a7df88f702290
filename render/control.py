"""Control videos of a shot: depth, normal, flow, ids and edges as 8-bit pictures, for video models and for the eye.

Every shot has one fixed scale (`ShotScale`), known before its first frame is drawn, so that brightness means the same
all through it and chunks drawn apart fit together; the scales are in ``control.json`` beside the videos.

    depth   inverse depth, near bright: ``near / depth``, 1 at the shot's nearest, 0 where there is nothing
    normal  in the camera's frame: right in red, up in green, towards the camera in blue; mid-grey is nothing
    flow    to the next frame: hue is direction (right red, down yellow-green, left cyan, up violet), saturation speed
    ids     a fixed colour for every instance and part; black is nothing
    edges   white lines one pixel wide where a thing or colour ends, one surface hides another, or a surface creases
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, unknown
from motion.files import write_json
from motion.stage import Performance
from render.frame import Frame, check_size
from render.passes import SCHEMA, arrays
from render.passes import to_draw as passes_to_draw
from render.video import VideoWriter

CONTROLS: tuple[str, ...] = ("depth", "normal", "flow", "ids", "edges")

#: The passes that each control is made from, as `render.passes` names them.
SOURCES: dict[str, tuple[str, ...]] = {name: (name,) for name in CONTROLS} | {
    "edges": ("ids", "depth", "normal", "albedo")
}

#: A crease sharper than this is an edge: the corners of a box, not the facets of a rounded body.
_CREASE_DEGREES = 50.0
#: Parts of one body meet unseen where both have the same colour; hair and skin differ by more than this.
_COLOUR = 0.08
#: Depth off the plane of the pixel beside it by more than this share of itself is another surface.
_STEP = 0.02

#: What the pictures' colours say, for files beside the videos.
MEANING: dict[str, str] = {
    "depth": "8-bit inverse depth, near bright: near_m / depth, 255 at near_m and nearer, 0 = nothing",
    "normal": "camera frame: (x right, y up, z towards the camera) * 127.5 + 127.5; 128 = nothing",
    "flow": "to the next frame: hue = direction, 0 right, clockwise; saturation = px / flow_max_px",
    "ids": "a fixed colour per instance and part; black = nothing",
    "edges": "white lines, one pixel wide, where a thing or colour ends, hides another or creases",
}

#: Flesh, hair and clothes around a joint's centre, metres: how much nearer a body may be than its nearest joint.
_FLESH_M = 0.35
#: Nothing nearer than this sets the scale: a hand before the lens would leave the rest of a shot black.
_NEAREST_M = 0.3


@dataclass(frozen=True)
class ShotScale:
    """How one shot's numbers become brightness."""

    first: int  # frame
    last: int  # frame, included
    near_m: float  # depth shown as white; nearer is white too
    flow_max_px: float  # speed shown at full saturation, px a frame; faster is no more saturated


def shot_scales(
    camera: CameraPath, size: tuple[int, int], performances: Sequence[Performance] = (), near_m: float | None = None
) -> tuple[ShotScale, ...]:
    """One scale per shot, from the scene alone: nothing need be drawn.

    Args:
        camera: the path, with its cuts.
        size: width and height in pixels.
        performances: who may be in the picture; their nearest joint over the shot sets ``near_m``.
        near_m: use this instead, metres.

    Returns:
        Scales by shot. Flow is full at a twentieth of the picture's width a frame.
    """
    width, _ = check_size(size)
    if near_m is not None and not near_m > 0:
        raise BadInput(f"near_m {near_m}, expected more than 0 metres")
    starts = [0, *(int(k) for k in np.flatnonzero(camera.cuts) if k > 0)]
    ends = [*(k - 1 for k in starts[1:]), camera.frames - 1]
    return tuple(
        ShotScale(first, last, near_m or _nearest(camera, size, performances, first, last), max(1.0, width / 20))
        for first, last in zip(starts, ends, strict=True)
    )


def _nearest(
    camera: CameraPath, size: tuple[int, int], performances: Sequence[Performance], first: int, last: int
) -> float:
    """Distance along the view of the nearest joint in the picture, less its flesh; 1 m when nobody is in it."""
    frames = np.arange(first, last + 1)
    nearest = math.inf
    for performance in performances:
        clip = performance.clip
        at = (frames / float(camera.fps) - performance.start_s) * float(clip.fps)
        # The nearest frame of the clip is near enough: a scale needs no interpolation.
        joints = clip.positions()[np.clip(np.rint(at).astype(int), 0, clip.frames - 1)]
        pose = camera.T_world_camera[frames]
        local = np.einsum("tji,tkj->tki", pose[:, :3, :3], joints - pose[:, None, :3, 3])
        depth = -local[..., 2]
        half = camera.sensor_width_mm / (2 * camera.focal_mm[frames])[:, None]
        half_high = half * size[1] / size[0]
        reach = np.maximum(depth, 0) + _FLESH_M
        inside = (depth > 0) & (np.abs(local[..., 0]) < half * reach) & (np.abs(local[..., 1]) < half_high * reach)
        if inside.any():
            nearest = min(nearest, float(depth[inside].min()) - _FLESH_M)
    return round(max(nearest, _NEAREST_M), 3) if math.isfinite(nearest) else 1.0


def depth_picture(depth: np.ndarray, scale: ShotScale) -> np.ndarray:
    """Inverse depth, near bright: ``(H, W)`` metres to ``(H, W, 3)`` uint8."""
    inverse = np.divide(scale.near_m, depth, out=np.zeros(depth.shape), where=depth > 0)
    return np.repeat(np.rint(255 * np.minimum(inverse, 1)).astype(np.uint8)[..., None], 3, axis=2)


def normal_picture(normal: np.ndarray, T_world_camera: np.ndarray) -> np.ndarray:
    """World normals ``(H, W, 3)`` as ``(H, W, 3)`` uint8 in the camera's frame; no surface is mid-grey, 128."""
    local = normal @ np.asarray(T_world_camera, dtype=normal.dtype)[:3, :3]
    return np.rint(127.5 + 127.5 * np.clip(local, -1, 1)).astype(np.uint8)


def flow_picture(flow: np.ndarray, scale: ShotScale) -> np.ndarray:
    """Flow ``(H, W, 2 or more)`` in pixels as colours ``(H, W, 3)`` uint8: hue is direction, white is rest."""
    u, v = (np.asarray(flow[..., k], np.float32) for k in (0, 1))
    hue = np.arctan2(v, u)
    hue *= np.float32(3 / np.pi)  # in sextants, -3 to 3, 0 is to the right
    saturation = np.hypot(u, v)
    saturation *= np.float32(255 / scale.flow_max_px)
    np.minimum(saturation, 255, out=saturation)
    found = np.empty((*u.shape, 3), np.uint8)
    for k, own in enumerate((0.0, 2.0, -2.0)):
        # HSV at full value: a channel falls from one to two sextants away from its own hue.
        distance = np.abs(hue - np.float32(own))
        distance = np.minimum(distance, np.float32(6) - distance)
        found[..., k] = np.rint(255 - saturation * np.clip(distance - 1, 0, 1))
    return found


def ids_picture(ids: np.ndarray) -> np.ndarray:
    """Instance and part ``(H, W, 2)`` as colours ``(H, W, 3)`` uint8, the same in every film; nothing is black."""
    # Two rounds of a multiplicative hash (Knuth's 2654435761 and Murmur's finaliser) spread neighbours apart.
    mixed = ids[..., 0].astype(np.uint32) * np.uint32(2654435761) + ids[..., 1].astype(np.uint32) * np.uint32(40503)
    mixed = (mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    channels = np.stack([mixed, mixed >> np.uint32(8), mixed >> np.uint32(16)], axis=-1) & np.uint32(0xFF)
    colour = (48 + channels * np.uint32(207) // np.uint32(255)).astype(np.uint8)  # never so dark as nothing
    return np.where((ids[..., :1] != 0), colour, np.uint8(0))


def edges_picture(
    ids: np.ndarray, depth: np.ndarray, normal: np.ndarray, albedo: np.ndarray, view: np.ndarray
) -> np.ndarray:
    """Lines where the picture's surfaces end, ``(H, W, 3)`` uint8, white on black, exact and steady.

    Of the two pixels beside a border the one on the nearer surface is drawn (of equals, the upper or left one), so a
    line is one pixel wide and belongs to the thing whose outline it is. A shadow or a pattern draws no line, and
    parts of a body draw one only where their base colours differ, as hair and skin do.

    Args:
        ids: ``(H, W, 2)`` instance and part, 0 where nothing is.
        depth: ``(H, W)`` metres along the view, 0 where nothing is.
        normal: ``(H, W, 3)`` unit, in the camera's frame.
        albedo: ``(H, W, 3)`` base colour.
        view: ``(H, W, 3)`` points of the pixels' rays at a depth of 1, in the camera's frame.
    """
    far = np.where(depth > 0, depth, np.float32(np.inf))
    found = np.zeros(depth.shape, bool)
    # Distance of each pixel's tangent plane from the camera: the plane's depth along any other ray follows from it.
    offset = np.einsum("hwc,hwc->hw", normal, view) * depth
    crease = np.cos(np.radians(_CREASE_DEGREES))
    for axis in (0, 1):
        a, b = _beside(axis)
        both = (depth[a] > 0) & (depth[b] > 0)
        border = (ids[a][..., 0] != ids[b][..., 0]) | ((depth[a] > 0) != (depth[b] > 0))
        border |= (ids[a][..., 1] != ids[b][..., 1]) & (np.abs(albedo[a] - albedo[b]).max(axis=-1) > _COLOUR)
        border |= both & (np.einsum("hwc,hwc->hw", normal[a], normal[b]) < crease)
        border |= both & _off_plane(offset, normal, view, depth, a, b) & _off_plane(offset, normal, view, depth, b, a)
        nearer = far[a] <= far[b]
        found[a] |= border & nearer
        found[b] |= border & ~nearer
    return np.repeat((found * np.uint8(255))[..., None], 3, axis=2)


def _beside(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Each pixel but the last, and the one after it, along an axis."""
    first, second = [slice(None)] * 2, [slice(None)] * 2
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    return tuple(first), tuple(second)


def _off_plane(
    offset: np.ndarray,
    normal: np.ndarray,
    view: np.ndarray,
    depth: np.ndarray,
    a: tuple[slice, ...],
    b: tuple[slice, ...],
) -> np.ndarray:
    """Whether b's depth is far from where a's tangent plane meets b's ray; a plane seen edge-on says nothing."""
    slope = np.einsum("hwc,hwc->hw", normal[a], view[b])
    expected = np.divide(offset[a], slope, out=np.full(slope.shape, np.inf, slope.dtype), where=np.abs(slope) > 1e-6)
    return np.abs(expected - depth[b]) > _STEP * depth[b]


def view_rays(camera: CameraPath, index: int, size: tuple[int, int]) -> np.ndarray:
    """Points ``(H, W, 3)`` float32 of every pixel centre's ray at a depth of 1 m, in the camera's frame."""
    width, height = size
    tan = camera.sensor_width_mm / (2 * float(camera.focal_mm[index]))
    shift_x, shift_y = (2 * tan * s for s in camera.shift)
    x = ((np.arange(width) + 0.5) / width * 2 - 1) * tan + shift_x
    y = -((np.arange(height) + 0.5) / height * 2 - 1) * tan * height / width + shift_y
    rays = np.empty((height, width, 3), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2] = x[None, :], y[:, None], -1.0
    return rays


def _edges(frame: Frame) -> np.ndarray:
    passes = arrays(frame, SOURCES["edges"])
    turn = frame.camera.T_world_camera[frame.index][:3, :3].astype(np.float32)
    view = view_rays(frame.camera, frame.index, frame.size)
    return edges_picture(passes["ids"], passes["depth"], passes["normal"] @ turn, passes["albedo"], view)


def picture(name: str, frame: Frame, scale: ShotScale) -> np.ndarray:
    """The control picture ``(H, W, 3)`` uint8 of one frame.

    Raises:
        BadInput: the control is unknown, or its pass was not drawn.
    """
    if name not in CONTROLS:
        raise unknown("control video", name, CONTROLS)
    if name == "edges":
        return _edges(frame)
    value = arrays(frame, [name])[name]
    makers: dict[str, Callable[[], np.ndarray]] = {
        "depth": lambda: depth_picture(value, scale),
        "normal": lambda: normal_picture(value, frame.camera.T_world_camera[frame.index]),
        "flow": lambda: flow_picture(value, scale),
        "ids": lambda: ids_picture(value),
    }
    return makers[name]()


def to_draw(controls: Iterable[str]) -> tuple[str, ...]:
    """What to ask a renderer for so that `picture` can make the controls; flow is computed later."""
    return passes_to_draw(name for control in controls for name in SOURCES[control])


class ControlWriter:
    """Writes control videos, one file per shot and control: ``shot_000.depth.mp4``; each appears when its shot ends.

    Args:
        folder: made when missing; ``control.json`` in it holds the scales.
        controls: names from `CONTROLS`.
        size: width and height in pixels.
        fps: exact frame rate.
        scales: from `shot_scales`.
        codec: as for `render.video.VideoWriter`; ``"lossless"`` keeps ids exact.

    Example:
        >>> scales = shot_scales(camera, (832, 480), performances)  # doctest: +SKIP
        >>> with ControlWriter("out/control", ["depth", "normal"], (832, 480), 16, scales) as control:  # doctest: +SKIP
        ...     for frame in rasterizer.render(world, camera, range(81), ["depth", "normal"]):
        ...         control.write(frame)
    """

    def __init__(
        self,
        folder: str | Path,
        controls: Iterable[str],
        size: tuple[int, int],
        fps: Fraction | int | float | str,
        scales: Sequence[ShotScale],
        codec: str = "h264",
    ) -> None:
        controls = list(controls)
        for name in controls:
            if name not in CONTROLS:
                raise unknown("control video", name, CONTROLS)
        if not controls or not scales:
            raise BadInput(f"{folder}: {len(controls)} controls of {len(scales)} shots, expected at least one of each")
        self.folder = Path(folder)
        self.controls = tuple(name for name in CONTROLS if name in controls)
        self.scales = tuple(scales)
        self._options = (check_size(size), fps, codec)
        self._suffix = {"lossless": ".mkv", "prores": ".mov"}.get(codec, ".mp4")
        self._stack = contextlib.ExitStack()
        self._writers: dict[str, VideoWriter] = {}
        self._shot = -1
        self._written: set[int] = set()
        VideoWriter(self._path(0, self.controls[0]), *self._options)  # refuse bad settings before anything is drawn

    def _path(self, shot: int, name: str) -> Path:
        return self.folder / f"shot_{shot:03d}.{name}{self._suffix}"

    def __enter__(self) -> ControlWriter:
        return self

    def write(self, frame: Frame) -> None:
        """Append one frame to its shot's videos; frames come in order, a shot may be written in part."""
        scale = self.scales[self._shot_of(frame.index)]
        self.write_pictures(frame.index, {name: picture(name, frame, scale) for name in self.controls})

    def _shot_of(self, index: int) -> int:
        for i, scale in enumerate(self.scales):
            if scale.first <= index <= scale.last:
                return i
        raise BadInput(f"frame {index} belongs to no shot, expected 0 to {self.scales[-1].last}")

    def write_pictures(self, index: int, pictures: Mapping[str, np.ndarray]) -> None:
        """As `write`, with pictures ``(H, W, 3)`` uint8 that `picture` made earlier, by control."""
        shot = self._shot_of(index)
        if shot != self._shot:
            self._stack.close()
            self._shot, self._writers = shot, {}
            for name in self.controls:
                writer = VideoWriter(self._path(shot, name), *self._options)
                self._writers[name] = self._stack.enter_context(writer)
        for name, writer in self._writers.items():
            writer.write(pictures[name])
        self._written.add(shot)

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]
        if error[0] is None:
            write_json(self.folder / "control.json", self.describe())

    def describe(self) -> dict[str, object]:
        """What the videos hold, for ``control.json``."""
        size, fps, codec = self._options
        return {
            "schema": SCHEMA,
            "size": list(size),
            "fps": str(Fraction(fps)),
            "codec": codec,
            "controls": {name: MEANING[name] for name in self.controls},
            "shots": [
                asdict(scale) | {"files": {name: self._path(i, name).name for name in self.controls}}
                for i, scale in enumerate(self.scales)
                if i in self._written
            ],
        }
