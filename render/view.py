"""`View`: one camera at one instant as matrices, jittered within the pixel and over the lens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion.camera import CameraPath
from motion.rotations import Array
from render.world import Instant

NEAR_M, FAR_M = 0.03, 20_000.0


@dataclass(frozen=True)
class View:
    """A pinhole in pixels: ``px = cx + f x / −z``, ``py = cy − f y / −z`` (row 0 at the top, centres at .5)."""

    T_world_camera: Array  # (4, 4), moved over the lens
    focal_px: float
    centre: tuple[float, float]  # px
    size: tuple[int, int]  # width, height, px

    @property
    def eye(self) -> Array:
        return self.T_world_camera[:3, 3]

    @property
    def forward(self) -> Array:
        return -self.T_world_camera[:3, 2]

    def world_to_clip(self) -> Array:
        """``(4, 4)`` world to clip coordinates with **y down**, so that what is read back has row 0 at the top."""
        (width, height), (cx, cy), f = self.size, self.centre, self.focal_px
        clip = np.zeros((4, 4))
        clip[0, 0], clip[0, 2] = 2 * f / width, 1 - 2 * cx / width
        clip[1, 1], clip[1, 2] = -2 * f / height, 1 - 2 * cy / height
        clip[2, 2] = -(FAR_M + NEAR_M) / (FAR_M - NEAR_M)
        clip[2, 3] = -2 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
        clip[3, 2] = -1.0
        rotation = self.T_world_camera[:3, :3]
        camera = np.eye(4)
        camera[:3, :3] = rotation.T
        camera[:3, 3] = -rotation.T @ self.eye
        return clip @ camera

    def rays(self) -> tuple[Array, Array, Array]:
        """``(origin, dx, dy)``: the ray of pixel position (x, y) is ``origin + x dx + y dy``, one metre deep."""
        (cx, cy), f, rotation = self.centre, self.focal_px, self.T_world_camera[:3, :3]
        return rotation @ [-cx / f, cy / f, -1.0], rotation @ [1 / f, 0.0, 0.0], rotation @ [0.0, -1 / f, 0.0]

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixel positions ``(…, 2)`` and depths ``(…,)`` of world points ``(…, 3)``."""
        local = (np.asarray(points, float) - self.eye) @ self.T_world_camera[:3, :3]
        depth = -local[..., 2]
        x = self.centre[0] + self.focal_px * local[..., 0] / depth
        y = self.centre[1] - self.focal_px * local[..., 1] / depth
        return np.stack([x, y], axis=-1), depth


def view(
    camera: CameraPath,
    frame: float,
    size: tuple[int, int],
    jitter: tuple[float, float] = (0.0, 0.0),
    lens: tuple[float, float] = (0.0, 0.0),
    home: int | None = None,
) -> View:
    """The camera at a fractional frame.

    Args:
        camera: the path.
        frame: fractional frame number; the shot is that of ``home``.
        size: width and height, px.
        jitter: where in the pixel to look, px from its centre, x right and y down.
        lens: a place on the unit disc of the aperture; used when the path has an f-stop and a focus distance.
        home: the frame being drawn, when ``frame`` is an instant of its shutter: motion never leaves its shot.
    """
    pose, focal_mm, focus_m, f_stop = _within_shot(camera, frame, home)
    width, height = size
    f = focal_mm / camera.sensor_width_mm * width
    cx = width / 2 - camera.shift[0] * width - jitter[0]
    cy = height / 2 + camera.shift[1] * width - jitter[1]
    if focus_m and f_stop and lens != (0.0, 0.0):
        radius = focal_mm / 1000.0 / (2.0 * f_stop)
        x, y = radius * lens[0], radius * lens[1]
        # The window slides so that the plane in focus stays where it is.
        cx, cy = cx + f * x / focus_m, cy - f * y / focus_m
        pose = pose.copy()
        pose[:3, 3] += pose[:3, 0] * x + pose[:3, 1] * y
    return View(pose, f, (cx, cy), size)


def window(camera: CameraPath, size: tuple[int, int], left: float, top: float, part: tuple[int, int]) -> CameraPath:
    """A camera that sees only a window of another one's picture, pixel for pixel.

    Args:
        camera: the one of the whole picture.
        size: width and height of the whole picture, px.
        left: of the window in the whole picture, px.
        top: the same, downwards.
        part: width and height of the window, px.
    """
    (width, height), (w, h) = size, part
    right = (w / 2 - width / 2 + left + camera.shift[0] * width) / w
    up = (height / 2 - top - h / 2 + camera.shift[1] * width) / w
    return replace(camera, sensor_width_mm=camera.sensor_width_mm * w / width, shift=(right, up))


def silhouette(instants: Sequence[Instant], looking: View, margin_px: int = 4) -> tuple[int, int, int, int]:
    """A rectangle ``(x, y, width, height)`` in px that holds everything but the ground at these instants."""
    width, height = looking.size
    boxes = [m.corners for instant in instants for m in instant.meshes]
    if not boxes:
        return 0, 0, 0, 0
    corners = np.concatenate(boxes)
    place, depth = looking.project(corners)
    if (depth < NEAR_M).any():
        return 0, 0, width, height
    low = np.clip(np.floor(place.min(0)) - margin_px, 0, looking.size).astype(int)
    high = np.clip(np.ceil(place.max(0)) + margin_px, 0, looking.size).astype(int)
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def above_horizon(looking: View, ground_m: float) -> tuple[int, int, int, int] | None:
    """A rectangle ``(x, y, width, height)`` in px below which only ground is seen; None if there is no such line.

    ``ground_m``: how far the ground reaches, metres.
    """
    origin, dx, dy = looking.rays()
    width, height = looking.size
    if looking.eye[1] <= 0.0 or dy[1] * looking.focal_px > -0.2:
        return None
    lowest = max(-origin[1] / dy[1], -(origin[1] + width * dx[1]) / dy[1])
    edge = looking.eye[1] / ground_m * looking.focal_px / (-dy[1] * looking.focal_px) ** 2
    rows = int(np.clip(np.ceil(lowest + 1.5 * edge) + 3, 0, height))
    return 0, 0, width, rows


def blur(instants: Sequence[Instant], views: Sequence[View]) -> float:
    """How far, in px, a frame's samples spread what they show: motion of things and camera, and the lens."""
    widest = 0.0
    for meshes in zip(*(instant.meshes for instant in instants), strict=True):
        points = [m.vertices[::89] if m.vertices is not None else m.corners for m in meshes]
        seen = [looking.project(p) for looking, p in zip(views, points, strict=True)]
        places = np.stack([place for place, _ in seen])
        ahead = np.min([depth for _, depth in seen], axis=0) > 0.1
        if ahead.any():
            spread = np.ptp(places[:, ahead], axis=0).max(axis=-1)
            widest = max(widest, float(np.quantile(spread, 0.95)))
    return widest


def at_rest(views: Sequence[View], tolerance_px: float = 0.25) -> bool:
    """Whether the ground and the sky stay in place, but for jitter, over a frame's samples."""
    first = views[0]
    nearest = max(abs(float(first.eye[1])), 0.2)  # metres to the ground
    for other in views[1:]:
        moved = float(np.linalg.norm(other.eye - first.eye)) / nearest
        turned = float(np.linalg.norm(other.T_world_camera[:3, :3] - first.T_world_camera[:3, :3]))
        zoomed = abs(other.focal_px / first.focal_px - 1)
        if (moved + turned + zoomed) * first.focal_px > tolerance_px:
            return False
    return True


def _within_shot(camera: CameraPath, frame: float, home: int | None) -> tuple[Array, float, float | None, float | None]:
    """`CameraPath.at`, kept in the shot of ``home``: an open shutter half a frame past a cut does not see the cut."""
    if home is None:
        return camera.at(frame)
    # at() finds its shot by rounding; half a frame is the most a shutter reaches, so stay just inside.
    return camera.at(min(max(frame, home - 0.499), home + 0.499))
