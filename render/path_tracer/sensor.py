"""A `CameraPath` at an instant as a Mitsuba sensor: the rasterizer's pinhole, or a thin lens."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from motion.camera import CameraPath
from render.view import FAR_M, NEAR_M, View, view


@dataclass(frozen=True)
class Eye:
    """From where a picture is taken, and through what."""

    looking: View
    radius_m: float  # of the aperture; 0: a pinhole
    focus_m: float

    @property
    def away(self) -> tuple[float, float]:
        """Px from the picture's middle to the optical axis."""
        (cx, cy), (width, height) = self.looking.centre, self.looking.size
        return cx - width / 2, cy - height / 2

    def beside(self, x: float, y: float) -> Eye:
        """Looking so many px beside the pixels' centres."""
        cx, cy = self.looking.centre
        return replace(self, looking=replace(self.looking, centre=(cx - x, cy - y)))


def eye(
    camera: CameraPath,
    index: int,
    offset: float,
    size: tuple[int, int],
    lens: bool,
) -> Eye:
    """The camera ``offset`` frames after frame ``index``.

    Args:
        camera: the path.
        index: the frame being drawn: motion never leaves its shot.
        offset: frames, −0.5 … 0.5.
        size: width and height, px.
        lens: blur what is out of focus, where the path has an f-stop and a focus distance.
    """
    frame = index + offset
    looking = view(camera, frame, size, home=index)
    _, focal_mm, focus_m, f_stop = camera.at(min(max(frame, index - 0.499), index + 0.499))
    if lens and focus_m and f_stop:
        return Eye(looking, focal_mm / 1000.0 / (2.0 * f_stop), float(focus_m))
    return Eye(looking, 0.0, 1.0)


def sensor(mi: ModuleType, seen: Eye, spp: int, centred: bool) -> Any:
    """Mitsuba's camera.

    Args:
        mi: Mitsuba.
        seen: from where.
        spp: samples a pixel, one of `whole`.
        centred: its axis is the picture's middle, and whoever sends rays moves them.
    """
    # Mitsuba's camera looks along +Z with +X to the left.
    pose = seen.looking.T_world_camera.copy()
    pose[:3, 0] *= -1.0
    pose[:3, 2] *= -1.0
    (width, height), f = seen.looking.size, seen.looking.focal_px
    away = (0.0, 0.0) if centred else seen.away
    film = {
        "type": "hdrfilm", "width": width, "height": height, "pixel_format": "rgba", "component_format": "float32",
        "rfilter": {"type": "box"},
    }  # fmt: skip
    parts: dict[str, Any] = {
        "to_world": mi.ScalarTransform4f(pose.tolist()), "near_clip": NEAR_M, "far_clip": FAR_M, "fov_axis": "x",
        "sampler": {"type": "orthogonal" if _prime_square(spp) else "multijitter", "sample_count": spp}, "film": film,
    }  # fmt: skip
    if seen.radius_m <= 0.0:
        return mi.load_dict(
            parts
            | {
                "type": "perspective", "fov": _fov(width, f),
                "principal_point_offset_x": -away[0] / width, "principal_point_offset_y": -away[1] / height,
            }
        )  # fmt: skip
    # A thin lens has no shift: a wider film, of which a part is read, to the next whole pixel.
    x, y = (round(a) for a in away)
    wide, tall = width + 2 * abs(x), height + 2 * abs(y)
    film |= {
        "width": wide, "height": tall, "crop_width": width, "crop_height": height,
        "crop_offset_x": abs(x) - x, "crop_offset_y": abs(y) - y,
    }  # fmt: skip
    numbers = {"aperture_radius": seen.radius_m, "focus_distance": seen.focus_m}
    return mi.load_dict(parts | numbers | {"type": "thinlens", "fov": _fov(wide, f)})


def whole(spp: int) -> int:
    """The least number of samples, not below ``spp``, that can be spread evenly: the square of a prime, or a grid."""
    if _prime_square(spp):
        return spp
    rows = math.isqrt(spp)
    return rows * -(-spp // rows)  # the sampler would round to this itself, and warn


def _prime_square(spp: int) -> bool:
    """Whether orthogonal arrays of this size exist (Jarosz et al. 2019): half the variance of a jittered grid."""
    root = math.isqrt(spp)
    return root * root == spp and root > 1 and all(root % d for d in range(2, math.isqrt(root) + 1))


def _fov(width: int, focal_px: float) -> float:
    """Degrees across."""
    return math.degrees(2 * math.atan(width / 2 / focal_px))
