"""Pictures of a scene without a renderer: stick figures, boxes and a grid on the ground, in a few milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from motion import props, skeleton
from motion.rotations import Array
from rl_camera import framing
from rl_camera.framing import LANDMARK

if TYPE_CHECKING:
    from rl_camera.coverage.vector import Shown

#: Height of a sketch, pixels; its width follows the aspect.
HEIGHT = 180

_SKY, _GROUND, _GRID, _THING = "#e9edf2", "#d8d4cb", "#bdb8ac", "#8d8778"
_PEOPLE = ("#1f6fd0", "#d0581f", "#2a9d4a", "#8b3fb0", "#b08b1f", "#1fa7a0")
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]
_NEAR = 0.05


def sketch(shown: Shown, height: int = HEIGHT) -> np.ndarray:
    """A picture ``(height, width, 3)`` uint8 of a moment."""
    T, focal = shown.camera.T_world_camera[0], float(shown.camera.focal_mm[0])
    width = max(2, round(height * shown.aspect))
    image = Image.new("RGB", (width, height), _SKY)
    pen = _Pen(ImageDraw.Draw(image), T, focal, shown.aspect, width, height)
    pen.ground()
    pieces: list[tuple[float, object]] = []
    for prop in shown.stage.props:
        low, high = props.bounds(prop)
        corners = np.array([[(low, high)[i >> k & 1][k] for k in range(3)] for i in range(8)]) + prop.position
        pieces.append((float(np.linalg.norm(corners.mean(0) - T[:3, 3])), corners))
    tracks = framing.track(shown.performances, [shown.time_s])
    for s in range(len(tracks.names)):
        body = tracks.points[0, s]
        pieces.append((float(np.linalg.norm(body[0] - T[:3, 3])), (body, _PEOPLE[s % len(_PEOPLE)])))
    for _, piece in sorted(pieces, key=lambda p: -p[0]):
        if isinstance(piece, tuple):
            pen.body(*piece)
        else:
            for a, b in _EDGES:
                pen.line(piece[a], piece[b], 0.03, _THING)  # type: ignore[index]
    return np.asarray(image)


class _Pen:
    """Draws lines of the world as a camera sees them."""

    def __init__(self, draw: ImageDraw.ImageDraw, T: Array, focal: float, aspect: float, width: int, height: int):
        self.draw, self.T, self.focal, self.aspect, self.size = draw, T, focal, aspect, (width, height)
        self.tan_y = float(framing.tangents(focal, aspect)[1])

    def line(self, a: Array, b: Array, thick_m: float, colour: str) -> None:
        """A line between two points, so many metres thick; what is behind the camera is cut off."""
        ends = np.stack([a, b]).astype(np.float64)
        depth = (self.T[:3, 3] - ends) @ self.T[:3, 2]
        if (depth < _NEAR).all():
            return
        if (depth < _NEAR).any():
            k = int(depth.argmin())
            ends[k] += (ends[1 - k] - ends[k]) * (_NEAR - depth[k]) / (depth[1 - k] - depth[k])
            depth = np.maximum(depth, _NEAR)
        at = self._pixels(ends)
        if np.abs(at).max() < 1e5:
            self.draw.line([tuple(at[0]), tuple(at[1])], fill=colour, width=self._thick(thick_m, depth.mean()))

    def ground(self) -> None:
        """Everything below the horizon, with lines a metre apart."""
        way = -self.T[:3, 2] * [1.0, 0.0, 1.0]
        far = self.T[:3, 3] + 1e4 * way / max(float(np.linalg.norm(way)), 1e-9)
        xy, depth = framing.project(self.T, self.focal, self.aspect, np.array([far]))
        w, h = self.size
        level = h * 0.5 * (1.0 - float(xy[0, 1])) if depth[0] > 0 else 0.0
        if level < h:
            self.draw.rectangle([0, max(0.0, level), w, h], fill=_GROUND)
        x, z = np.floor(self.T[[0, 2], 3] + 5.0 * way[[0, 2]])
        for k in range(-12, 13, 2):
            self.line(np.array([x + k, 0.0, z - 12]), np.array([x + k, 0.0, z + 12]), 0.01, _GRID)
            self.line(np.array([x - 12, 0.0, z + k]), np.array([x + 12, 0.0, z + k]), 0.01, _GRID)

    def body(self, points: Array, colour: str) -> None:
        """A stick figure; a short line out of the head says where it looks."""
        for joint in range(1, 24):
            if skeleton.JOINTS[joint] != "head":
                self.line(points[skeleton.PARENTS[joint]], points[joint], 0.07, colour)
        head, crown, eyes = (points[LANDMARK[n]] for n in ("chin", "crown", "eyes"))
        middle = 0.5 * (head + crown)
        self.line(points[LANDMARK["neck"]], head, 0.07, colour)
        depth = float((self.T[:3, 3] - middle) @ self.T[:3, 2])
        if depth > _NEAR:
            (x, y), r = self._pixels(middle[None])[0], self._thick(0.22, depth) / 2
            if abs(x) + abs(y) < 1e5:
                self.draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)
        self.line(eyes, eyes + 1.2 * (eyes - middle), 0.04, "#111111")

    def _pixels(self, points: Array) -> Array:
        xy, _ = framing.project(self.T, self.focal, self.aspect, points)
        w, h = self.size
        return np.stack([w * 0.5 * (1.0 + xy[:, 0]), h * 0.5 * (1.0 - xy[:, 1])], axis=-1)

    def _thick(self, metres: float, depth: float) -> int:
        return int(np.clip(metres / depth / self.tan_y * self.size[1] / 2, 1, self.size[1]))
