"""`Compiled`: rays of a compiled variant, from the lens along Mitsuba's paths and through the air, added up per pixel.

Mitsuba's own film adds samples up in whatever order its threads come, so that a picture's last bits differ from run to
run. Here every pixel adds its own, in order, and the same picture has the same bytes. Rays go through places drawn from
the pixel filter, as the rasterizer's samples do.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from render.path_tracer import air as between
from render.path_tracer import ops
from render.path_tracer.air import Air
from render.path_tracer.bsdf import RIM, Materials
from render.path_tracer.scene import MitsubaScene, paths
from render.path_tracer.sensor import Eye, sensor, whole
from render.path_tracer.settings import PathSettings
from render.world import World

_PATHS = 1 << 22  # traced at once; their light takes 16 bytes each


class Compiled:
    """Traces; what changes from world to world and frame to frame are variables, so that nothing is compiled again.

    Args:
        mi: Mitsuba, its variant set.
        filter_px: full width of the tent's foot, px.
    """

    def __init__(self, mi: ModuleType, filter_px: float) -> None:
        self._mi: Any = mi
        self._dr: Any = importlib.import_module("drjit")
        self._ops = ops.jit(self._dr)
        self._half = 0.5 * filter_px
        self._surfaces = Materials(mi)
        self._paths: dict[int, Any] = {}
        self._air: Air | None = None
        self._ground: Any = None
        self._rims: list[Any] = []

    def scene(self, world: World) -> MitsubaScene:
        """A world in Mitsuba, which this then traces."""

        def variable(value: Any) -> Any:
            return tuple(variable(v) for v in value) if isinstance(value, tuple) else self._float(value)

        made = MitsubaScene(self._mi, world, self._surfaces)
        self._air = Air(**{name: variable(value) for name, value in vars(made.air).items()})
        self._ground = self._dr.opaque(self._mi.Bool, world.stage.ground is not None)
        dark = ((0.0, 1.0, 0.0), (0.0, 0.0, 0.0))
        # As many as most presets have, at least: compiled code depends on their number.
        self._rims = [variable(rim) for rim in made.rims + [dark] * (2 - len(made.rims))]
        return made

    def trace(self, scene: MitsubaScene, seen: Eye, spp: int, seed: int, settings: PathSettings) -> np.ndarray:
        """Mean radiance and alpha of every pixel, ``(H, W, 4)`` float32.

        Args:
            scene: of `scene`, posed.
            seen: from where.
            spp: samples a pixel; rounded up to what can be spread evenly.
            seed: of 32 bits.
            settings: how long paths are, and their clamp.
        """
        mi, dr, spp = self._mi, self._dr, whole(spp)
        if settings.depth not in self._paths:
            self._paths[settings.depth] = paths(mi, settings.depth)
        self._surfaces.look_from(seen.looking.forward, seen.looking.focal_px)
        camera = self._camera(seen, spp)
        width, height = seen.looking.size
        forward, focal = mi.Vector3f(*map(self._float, seen.looking.forward)), self._float(seen.looking.focal_px)
        most = self._float(3e38 if settings.clamp is None else settings.clamp)
        shift, half = mi.Vector2f(*map(self._float, seen.away)), self._float(self._half)
        each = max(1, min(_PATHS // spp, width * height))
        sampler = camera.sampler()
        sampler.set_sample_count(spp)
        sampler.set_samples_per_wavefront(spp)
        parts = []
        for number, first in enumerate(range(0, width * height, each)):
            count = min(each, width * height - first)
            sampler.seed((seed + 0x9E3779B1 * number) & 0xFFFFFFFF, count * spp)
            pixel = dr.arange(mi.UInt32, count * spp) // self._whole(spp) + self._whole(first)
            row = pixel // self._whole(width)
            place = mi.Vector2f(mi.Float(pixel - row * self._whole(width)), mi.Float(row)) + 0.5 - shift
            u = sampler.next_2d()
            place += half * mi.Vector2f(self._tent(u.x), self._tent(u.y))
            place /= mi.Vector2f(self._float(width), self._float(height))
            lens = sampler.next_2d() if seen.radius_m > 0.0 else mi.Point2f(0.5)
            ray, _ = camera.sample_ray_differential(0.0, 0.5, place, lens)
            light, hit, _ = self._paths[settings.depth].sample(scene.scene, sampler, ray, None, True)
            light = dr.select(dr.all(dr.isfinite(light)), light, 0.0)
            light *= dr.minimum(1.0, most / dr.maximum(dr.max(light), 1e-9))
            below = -ray.d.y / dr.maximum(dr.dot(ray.d, forward), 1e-6) * focal
            light, alpha = self._through_air(scene.scene, ray, light, hit, below)
            samples = [*light, alpha]
            dr.eval(samples)  # together, before anything asks for one of them
            channels = [dr.block_sum(c, spp) for c in samples]
            parts.append(np.stack([np.asarray(c) for c in channels], axis=-1))
        return (np.concatenate(parts) / np.float32(spp)).reshape(height, width, 4)

    def _camera(self, seen: Eye, spp: int) -> Any:
        made = sensor(self._mi, seen, spp, centred=True)
        if seen.radius_m > 0.0:
            # As numbers they would be written into the compiled code, which another frame's would have to replace.
            values = self._mi.traverse(made)
            values["aperture_radius"] = self._float(seen.radius_m)
            values["focus_distance"] = self._float(seen.focus_m)
            values.update()
        return made

    def _through_air(self, scene: Any, ray: Any, light: Any, hit: Any, below: Any) -> tuple[Any, Any]:
        """Light that reaches the eye along rays, and 1 where they see anything."""
        mi, dr = self._mi, self._dr
        assert self._air is not None
        si = scene.ray_intersect(ray, mi.RayFlags.All, True)
        hit = hit & si.is_valid()
        context = mi.BSDFContext()
        context.component = RIM
        bsdf = si.bsdf()
        for towards, colour in self._rims:
            lit = bsdf.eval(context, si, si.to_local(mi.Vector3f(*towards)), hit)
            light += lit * mi.Color3f(*colour) * dr.pi
        # Everything else of a set lies above the ground's own plane, or stands on it.
        on_ground = self._ground & (dr.abs(si.n.y) > 0.999) & (dr.abs(si.p.y) < 1e-4)
        seen = between.through(self._air, tuple(light), si.t, on_ground, (si.p.x, si.p.z), below, self._ops)
        # Past the ground's far edge is still ground.
        beyond = self._ground & ~hit & (ray.d.y < 0.0)
        light = dr.select(hit, mi.Color3f(*seen), dr.select(beyond, mi.Color3f(*self._air.haze), 0.0))
        return light, dr.select(hit | beyond, mi.Float(1.0), 0.0)

    def _float(self, value: float) -> Any:
        return self._dr.opaque(self._mi.Float, float(value))

    def _whole(self, value: int) -> Any:
        return self._dr.opaque(self._mi.UInt32, value)

    def _tent(self, u: Any) -> Any:
        """A place drawn from a tent from −1 to 1, by its inverse distribution."""
        dr = self._dr
        return dr.select(u < 0.5, dr.sqrt(2.0 * u) - 1.0, 1.0 - dr.safe_sqrt(2.0 - 2.0 * u))
