"""`Interpreted`: the variant without a compiler. Python cannot follow every ray there, so air is laid over pixels.

A pixel adds only its own samples, so that the same picture has the same bytes; four pictures, each looking a little
beside the pixels' centres, are together as wide as the rasterizer's tent.
"""

from __future__ import annotations

import itertools
import math
from types import ModuleType
from typing import Any

import numpy as np

from render.path_tracer import air as between
from render.path_tracer import ops
from render.path_tracer.scene import MitsubaScene, paths
from render.path_tracer.sensor import Eye, sensor, whole
from render.path_tracer.settings import PathSettings
from render.world import World


class Interpreted:
    """Traces with Mitsuba's own integrator and film.

    Args:
        mi: Mitsuba, its variant set.
        filter_px: full width of the tent's foot, px.
    """

    def __init__(self, mi: ModuleType, filter_px: float) -> None:
        self._mi: Any = mi
        # A tent's variance is w²/24, a pixel's box has 1/12.
        self._beside = math.sqrt(max(filter_px**2 / 24 - 1 / 12, 0.0))

    def scene(self, world: World) -> MitsubaScene:
        """A world in Mitsuba, which this then traces."""
        return MitsubaScene(self._mi, world, None)

    def trace(self, scene: MitsubaScene, seen: Eye, spp: int, seed: int, settings: PathSettings) -> np.ndarray:
        """Mean radiance and alpha of every pixel, ``(H, W, 4)``; as `Compiled.trace`."""
        mi = self._mi
        # A thin lens has no shift that could move a picture by part of a pixel: its filter is the pixel itself.
        beside = 0.0 if seen.radius_m > 0.0 else self._beside
        places = list(itertools.product((-beside, beside), repeat=2)) if beside else [(0.0, 0.0)]
        spp = whole(-(-spp // len(places)))
        light = paths(mi, settings.depth)
        integrator = mi.load_dict({"type": "aov", "aovs": "far:depth,own:albedo,facing:sh_normal", "light": light})
        total: Any = 0.0
        told = mi.log_level()
        mi.set_log_level(mi.LogLevel.Error)  # its film leaves out samples that are no numbers, and warns of each
        for number, (x, y) in enumerate(places):
            camera = sensor(mi, seen.beside(x, y), spp, centred=False)
            number = (seed + 0x9E3779B1 * number) & 0xFFFFFFFF
            image = mi.render(scene.scene, sensor=camera, integrator=integrator, seed=number, spp=spp)
            total = total + np.nan_to_num(np.asarray(image, np.float64), posinf=0.0, neginf=0.0) / len(places)
        mi.set_log_level(told)
        light, alpha = np.maximum(total[..., :3], 0.0), np.clip(total[..., 3], 0.0, 1.0)
        if settings.clamp is not None:
            light = np.minimum(light, settings.clamp)  # of pixels: single paths are not seen here
        # Rim lights without their highlights, by the mean colour and normal of pixels.
        normal = total[..., 8:11] / np.maximum(np.linalg.norm(total[..., 8:11], axis=-1, keepdims=True), 1e-6)
        for towards, colour in scene.rims:
            light += total[..., 5:8] * np.maximum(normal @ towards, 0.0)[..., None] * colour
        return self._hazed(scene, seen, light, alpha, total[..., 4])

    def _hazed(
        self, scene: MitsubaScene, seen: Eye, light: np.ndarray, alpha: np.ndarray, far: np.ndarray
    ) -> np.ndarray:
        """Light through the air, by the mean depth of pixels."""
        looking = seen.looking
        width, height = looking.size
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        origin, dx, dy = looking.rays()
        along = origin + x[..., None] * dx + y[..., None] * dy
        ray = along / np.linalg.norm(along, axis=-1, keepdims=True)
        cover = np.maximum(alpha, 1e-6)
        far = far / cover
        place = looking.eye + far[..., None] * ray
        ground = scene.world.stage.ground is not None
        on_ground = (np.abs(place[..., 1]) < 0.002 * far + 0.01) & ground
        below = -along[..., 1] * looking.focal_px
        r, g, b = np.moveaxis(light / cover[..., None], -1, 0)
        through = between.through(
            scene.air, (r, g, b), far, on_ground, (place[..., 0], place[..., 2]), below, ops.NUMPY
        )
        light = np.stack(through, axis=-1) * alpha[..., None]
        if ground:
            # Past the ground's far edge is still ground.
            beyond = np.where(ray[..., 1] < 0.0, 1.0 - alpha, 0.0)
            light, alpha = light + beyond[..., None] * np.array(scene.air.haze), alpha + beyond
        return np.concatenate([light, alpha[..., None]], axis=-1)
