"""`PathSettings`: how a picture is path-traced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from motion.errors import BadInput


@dataclass(frozen=True)
class PathSettings:
    """How a picture is path-traced. What decides pixels in the rasterizer too stays in `RenderSettings`."""

    spp: int = 49  # paths per pixel; squares of primes (25, 49, 121, 289, 961) are spread best
    depth: int = 5  # longest path in segments, from the eye to the light: 2 is direct light alone
    seed: int = 0
    motion_blur: bool = True  # where the camera path's shutter is open
    depth_of_field: bool = True  # where the camera path has an f-stop and a focus distance
    clamp: float | None = None  # most radiance that one path brings; less noise, but highlights and caustics darken

    def __post_init__(self) -> None:
        _whole("spp", self.spp, 1, 65536)
        _whole("depth", self.depth, 1, 64)
        _whole("seed", self.seed, 0, 2**63 - 1)
        if self.clamp is not None and not (isinstance(self.clamp, (int, float)) and 0.0 < self.clamp < float("inf")):
            raise BadInput(f"path tracer: clamp {self.clamp!r}, expected a radiance above 0")


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadInput(f"path tracer: {name} {value!r}, expected a whole number from {low} to {high}")
