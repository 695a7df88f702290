"""`DepthView`: a frame's depth with its camera, as geometry; and `Cloud`: many of them as points in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion.colour import linear_to_srgb
from motion.errors import BadInput
from render.frame import Frame
from render.tonemap import to_srgb8
from render.view import View, view

#: What a frame must have been drawn with; ``albedo`` or ``beauty`` too, for colours.
PASSES: tuple[str, ...] = ("depth", "normal", "ids")


@dataclass(frozen=True)
class DepthView:
    """One picture's surfaces. Pixel centres are at .5, row 0 at the top."""

    frame: int
    looking: View
    depth: np.ndarray  # (H, W) float32, metres along the camera's −Z; 0 = nothing
    normal: np.ndarray  # (H, W, 3) float32, unit, world
    instance: np.ndarray  # (H, W) int32; 0 = nothing, -1 = something that is left out
    colour: np.ndarray | None = None  # (H, W, 3) uint8 sRGB

    def __post_init__(self) -> None:
        width, height = self.looking.size
        for name, shape in (("depth", (height, width)), ("normal", (height, width, 3)), ("instance", (height, width))):
            found = getattr(self, name).shape
            if found != shape:
                raise BadInput(f"frame {self.frame}: {name} has shape {found}, expected {shape}")
        for name in ("depth", "normal"):
            wrong = ~np.isfinite(getattr(self, name)).reshape(height, width, -1).all(axis=-1)
            wrong |= self.depth < 0
            if wrong.any():
                y, x = np.argwhere(wrong)[0]
                many = f"{np.count_nonzero(wrong)} pixels that are not finite or negative"
                raise BadInput(f"frame {self.frame}: {name} has {many}, the first in row {y}, column {x}")

    @classmethod
    def of(cls, frame: Frame, instances: Sequence[int] | None = None) -> DepthView:
        """From a drawn frame, coloured by its albedo, else by its beauty through the film's tone curve.

        Args:
            frame: drawn with `PASSES`.
            instances: the only ones to keep. None: all.

        Raises:
            BadInput: a pass is missing, or has values that are not finite or negative; it names the frame.
        """
        for name in PASSES:
            if getattr(frame, name) is None:
                raise BadInput(f"frame {frame.index}: pass '{name}' was not drawn; ask the renderer for it")
        colour = None
        if frame.albedo is not None:
            colour = np.round(linear_to_srgb(frame.albedo) * 255).astype(np.uint8)
        elif frame.beauty is not None:
            colour = to_srgb8(frame.beauty)
        assert frame.depth is not None and frame.normal is not None and frame.ids is not None
        made = cls(
            frame.index,
            view(frame.camera, frame.index, frame.size),
            frame.depth,
            frame.normal,
            frame.ids[..., 0],
            colour,
        )
        return made if instances is None else made.only(instances)

    def only(self, instances: Sequence[int]) -> DepthView:
        """The same view of some instances. Of what is behind the others nothing is known, not even that it is empty."""
        kept = np.isin(self.instance, instances)
        number = np.where(kept, self.instance, np.where(self.instance == 0, 0, -1))
        return replace(self, depth=np.where(kept, self.depth, np.float32(0)), instance=number)

    def points(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """World places ``(N, 3)`` float64, metres, of what pixels show."""
        origin, dx, dy = self.looking.rays()
        ray = origin + (columns[:, None] + 0.5) * dx + (rows[:, None] + 0.5) * dy
        return self.looking.eye + self.depth[rows, columns].astype(np.float64)[:, None] * ray


@dataclass(frozen=True)
class Cloud:
    """Points of surfaces, world, metres."""

    points: np.ndarray  # (N, 3) float64
    normals: np.ndarray  # (N, 3) float32, unit
    colours: np.ndarray  # (N, 3) uint8 sRGB
    instance: np.ndarray  # (N,) int32

    @classmethod
    def of(cls, views: Sequence[DepthView], reach_m: float = np.inf, step: int = 1) -> Cloud:
        """All views' points together.

        Args:
            views: of one instant, or of things that stand still; at least one.
            reach_m: points that are farther from their camera are left out.
            step: every so many pixels, across and down.

        Raises:
            BadInput: no view, or no surface within reach in any of them.
        """
        if not views:
            raise BadInput("a point cloud of no views, expected at least one")
        parts = []
        for one in views:
            seen = np.zeros(one.depth.shape, bool)
            seen[::step, ::step] = (one.depth > 0)[::step, ::step]
            rows, columns = np.nonzero(seen)
            places = one.points(rows, columns)
            near = np.linalg.norm(places - one.looking.eye, axis=1) <= reach_m
            rows, columns = rows[near], columns[near]
            colours = np.full((len(rows), 3), 128, np.uint8) if one.colour is None else one.colour[rows, columns]
            parts.append((places[near], one.normal[rows, columns], colours, one.instance[rows, columns]))
        cloud = cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        if not len(cloud.points):
            within = "" if np.isinf(reach_m) else f" within {reach_m:g} m"
            first, last = views[0].frame, views[-1].frame
            raise BadInput(f"no surface{within} is in view in frames {first} to {last}, expected one at least")
        return cloud

    def thinned(self, spacing_m: float) -> Cloud:
        """One point for every cube of this side that has some, and instance: their mean.

        Raises:
            BadInput: a spacing that is not above 0.
        """
        if not spacing_m > 0:
            raise BadInput(f"point spacing {spacing_m} m, expected more than 0")
        cell = np.floor((self.points - self.points.min(0)) / spacing_m).astype(np.int64)
        span = cell.max(0) + 1
        key = ((self.instance.astype(np.int64) * span[0] + cell[:, 0]) * span[1] + cell[:, 1]) * span[2] + cell[:, 2]
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        count = np.bincount(group)[:, None]

        def mean(values: np.ndarray) -> np.ndarray:
            sums = [np.bincount(group, values[:, k].astype(np.float64)) for k in range(3)]
            return np.stack(sums, axis=1) / count

        normals = mean(self.normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        colours = np.round(mean(self.colours)).astype(np.uint8)
        return Cloud(mean(self.points), normals.astype(np.float32), colours, self.instance[first])
