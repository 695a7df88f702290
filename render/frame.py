"""`Frame`: everything the renderer knows about one picture, as arrays; and the names of its passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, CinemotionError

if TYPE_CHECKING:
    from render.world import World

#: What `Rasterizer.render` can be asked for. ``beauty`` brings ``alpha`` with it.
PASSES: tuple[str, ...] = (
    "beauty", "display", "diffuse", "specular", "albedo", "roughness_metallic", "normal", "depth", "ids", "albedo_aa",
)  # fmt: skip

#: Drawn once at pixel centres and at the middle of the shutter, never averaged.
DATA_PASSES: tuple[str, ...] = ("diffuse", "specular", "albedo", "roughness_metallic", "normal", "depth", "ids")

#: Graphics devices, H.264 and most decoders end at 16384 pixels a side.
MAX_SIDE = 16384

Flow = tuple[np.ndarray, np.ndarray]


def check_size(size: Any) -> tuple[int, int]:
    """Width and height as ints.

    Raises:
        BadInput: not two whole numbers from 1 to `MAX_SIDE`.
    """
    try:
        width, height = size
        whole = int(width) == width and int(height) == height
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"picture size {size!r}, expected (width, height) in pixels") from None
    if not whole or not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise BadInput(f"picture size {width}x{height}, expected whole numbers from 1 to {MAX_SIDE}")
    return int(width), int(height)


@dataclass(frozen=True)
class Frame:
    """One picture and its passes. A pass that was not asked for is None. Row 0 is the top, pixel centres are at .5.

    Light is scene-linear Rec.709, exposed so that an exposure of 0 stops suits the light preset. At pixel centres
    ``beauty = albedo * diffuse + specular`` before anti-aliasing, the sky being ``specular`` of a black surface.
    Arrays may be views into a wider buffer; they belong to the frame and are never written again.
    """

    index: int
    time: float  # seconds
    size: tuple[int, int]  # width, height
    camera: CameraPath
    beauty: np.ndarray | None = None  # (H, W, 3) float32, linear HDR, under the pixel filter, shutter and lens
    alpha: np.ndarray | None = None  # (H, W) float32, how much of the pixel is not background; beauty's filter
    display: np.ndarray | None = None  # (H, W, 3) uint8: beauty through the settings' tone curve, sRGB
    diffuse: np.ndarray | None = None  # (H, W, 3) float32, light leaving a white matte surface
    specular: np.ndarray | None = None  # (H, W, 3) float32, reflections, haze and sky
    albedo: np.ndarray | None = None  # (H, W, 3) float32, base colour
    roughness_metallic: np.ndarray | None = None  # (H, W, 2) float32
    normal: np.ndarray | None = None  # (H, W, 3) float32, unit, world; zero where nothing is
    depth: np.ndarray | None = None  # (H, W) float32, metres along the camera's −Z; 0 = nothing
    ids: np.ndarray | None = None  # (H, W, 2) int32, instance and part; 0 = nothing
    albedo_aa: np.ndarray | None = None  # (H, W, 3) float32, base colour under beauty's own filter
    world: World | None = field(default=None, repr=False, compare=False)  # what was drawn: names of ids, light
    _flow: Callable[[int], Flow] | None = field(default=None, repr=False, compare=False)

    def flow_to(self, k: int) -> Flow:
        """Where every pixel's surface point is at frame ``k``.

        Args:
            k: a frame of the same camera path, any distance away, before or after.

        Returns:
            ``flow (H, W, 2)`` float32: pixels, position there minus position here, x right and y down; and
            ``occluded (H, W)`` bool: the point is hidden or out of the picture there (everything is, across a cut).

        Raises:
            BadInput: there is no frame ``k``.
            CinemotionError: the rasterizer that drew this frame is closed.
        """
        if self._flow is None:
            raise CinemotionError(f"frame {self.index} was not drawn by a rasterizer: it has no flow")
        return self._flow(k)
