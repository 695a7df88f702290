"""A `CameraPath` at an instant as a Mitsuba sensor: the rasterizer's pinhole and pixel filter, or a thin lens."""

from __future__ import annotations

import importlib
import math
from types import ModuleType
from typing import Any

from motion.camera import CameraPath
from render.view import FAR_M, NEAR_M, view


def sensor(
    mi: ModuleType,
    camera: CameraPath,
    index: int,
    offset: float,
    size: tuple[int, int],
    filter_px: float,
    lens: bool,
    spp: int,
) -> Any:
    """The camera ``offset`` frames after frame ``index``.

    Args:
        mi: Mitsuba.
        camera: the path.
        index: the frame being drawn: motion never leaves its shot.
        offset: frames, −0.5 … 0.5.
        size: width and height, px.
        filter_px: full width of the tent's foot, px; 0: a sample counts for its own pixel.
        lens: blur what is out of focus, where the path has an f-stop and a focus distance.
        spp: samples a pixel, one of `whole`.
    """
    frame = index + offset
    looking = view(camera, frame, size, home=index)
    # Mitsuba's camera looks along +Z with +X to the left.
    pose = looking.T_world_camera.copy()
    pose[:3, 0] *= -1.0
    pose[:3, 2] *= -1.0
    width, height = size
    (cx, cy), f = looking.centre, looking.focal_px
    away = cx - width / 2, cy - height / 2  # px from the picture's middle to the optical axis
    _, focal_mm, focus_m, f_stop = camera.at(min(max(frame, index - 0.499), index + 0.499))
    radius = focal_mm / 1000.0 / (2.0 * f_stop) if lens and focus_m and f_stop else 0.0
    film = {
        "type": "hdrfilm", "width": width, "height": height, "pixel_format": "rgba", "component_format": "float32",
        "rfilter": {"type": "box"} if filter_px <= 0.0 else {"type": "tent", "radius": filter_px / 2},
    }  # fmt: skip
    parts = {
        "to_world": mi.ScalarTransform4f(pose.tolist()), "near_clip": NEAR_M, "far_clip": FAR_M, "fov_axis": "x",
        "sampler": {"type": "orthogonal" if _prime_square(spp) else "multijitter", "sample_count": spp}, "film": film,
    }  # fmt: skip
    if radius <= 0.0:
        parts |= {
            "type": "perspective", "fov": _fov(width, f),
            "principal_point_offset_x": -away[0] / width, "principal_point_offset_y": -away[1] / height,
        }  # fmt: skip
    else:
        # A thin lens has no shift: a wider film, of which a part is read, to the next whole pixel.
        x, y = (round(a) for a in away)
        wide, tall = width + 2 * abs(x), height + 2 * abs(y)
        film |= {
            "width": wide, "height": tall, "crop_width": width, "crop_height": height,
            "crop_offset_x": abs(x) - x, "crop_offset_y": abs(y) - y,
        }  # fmt: skip
        parts |= {
            "type": "thinlens", "fov": _fov(wide, f), "aperture_radius": radius,
            "focus_distance": float(focus_m or 1.0),
        }  # fmt: skip
    made = mi.load_dict(parts)
    if radius > 0.0 and mi.variant().startswith("llvm"):
        # As numbers they would be written into the compiled code, which another frame's would have to replace.
        dr: Any = importlib.import_module("drjit")
        values = mi.traverse(made)
        for name in ("aperture_radius", "focus_distance"):
            values[name] = dr.opaque(mi.Float, parts[name])
        values.update()
    return made


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
