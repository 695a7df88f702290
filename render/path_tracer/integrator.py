"""Mitsuba's `path` integrator with what lies between: haze for every ray, and no sample that is not a number."""

from __future__ import annotations

import importlib
from functools import lru_cache
from types import ModuleType
from typing import Any

from motion.rotations import Array
from render.path_tracer import air as between
from render.path_tracer import ops
from render.path_tracer.air import Air


class Tracer:
    """Traces rays of a compiled variant; what changes from world to world and frame to frame are variables.

    Args:
        mi: Mitsuba, its variant set.
    """

    def __init__(self, mi: ModuleType) -> None:
        self._mi = mi
        self._depth = 0
        self._integrator = _kind(mi.variant())(mi.Properties())

    def use(self, air: Air, ground: bool) -> None:
        """Another world's air; whether it has a ground."""
        self._integrator.use(air, ground)

    def look_from(self, forward: Array, focal_px: float) -> None:
        """Another camera: a unit vector in the world, focal length in px."""
        self._integrator.look_from(forward, focal_px)

    def with_paths(self, depth: int, clamp: float | None) -> Any:
        """The integrator.

        Args:
            depth: longest path, segments.
            clamp: most radiance that one path brings; None: any.
        """
        if depth != self._depth:
            self._depth = depth
            self._integrator.path = path(self._mi, depth)
        self._integrator.set_clamp(clamp)
        return self._integrator


def path(mi: ModuleType, depth: int) -> Any:
    """Light along paths of at most ``depth`` segments; lights themselves are not seen. No roulette: it adds noise."""
    return mi.load_dict({"type": "path", "max_depth": depth, "rr_depth": 64, "hide_emitters": True})


@lru_cache(maxsize=4)
def _kind(variant: str) -> type:
    """The class, for the variant that is set."""
    dr: Any = importlib.import_module("drjit")
    mi: Any = importlib.import_module("mitsuba")

    assert mi.variant() == variant
    jit = ops.jit(dr)
    Float = mi.Float

    class Hazed(mi.SamplingIntegrator):  # type: ignore[misc]
        """Radiance and, as alpha, whether anything is seen."""

        def __init__(self, props: Any) -> None:
            mi.SamplingIntegrator.__init__(self, props)
            self.path: Any = None
            self.set_clamp(None)
            self.look_from((0.0, 0.0, -1.0), 1000.0)

        def set_clamp(self, clamp: float | None) -> None:
            self.most = dr.opaque(Float, 3e38 if clamp is None else clamp)

        def use(self, air: Air, ground: bool) -> None:
            def opaque(value: Any) -> Any:
                if isinstance(value, tuple):
                    return tuple(opaque(v) for v in value)
                return dr.opaque(Float, float(value))

            self.air = Air(**{name: opaque(value) for name, value in vars(air).items()})
            self.ground = dr.opaque(mi.Bool, ground)

        def look_from(self, forward: Any, focal_px: float) -> None:
            self.forward = mi.Vector3f(*(dr.opaque(Float, float(v)) for v in forward))
            self.focal = dr.opaque(Float, float(focal_px))

        def sample(
            self, scene: Any, sampler: Any, ray: Any, medium: Any = None, active: Any = True
        ) -> tuple[Any, Any, list[Any]]:
            light, hit, _ = self.path.sample(scene, sampler, ray, medium, active)
            light = dr.select(dr.all(dr.isfinite(light)), light, 0.0)
            light *= dr.minimum(1.0, self.most / dr.maximum(dr.max(light), 1e-9))
            si = scene.ray_intersect(ray, mi.RayFlags.Minimal, True, active)
            hit = hit & si.is_valid()
            # Everything else of a set lies above the ground's own plane, or stands on it.
            on_ground = self.ground & (dr.abs(si.n.y) > 0.999) & (dr.abs(si.p.y) < 1e-4)
            below = -ray.d.y / dr.maximum(dr.dot(ray.d, self.forward), 1e-6) * self.focal
            seen = between.through(self.air, tuple(light), si.t, on_ground, (si.p.x, si.p.z), below, jit)
            # Past the ground's far edge is still ground.
            beyond = self.ground & ~hit & (ray.d.y < 0.0)
            light = dr.select(hit, mi.Color3f(*seen), dr.select(beyond, mi.Color3f(*self.air.haze), 0.0))
            return light, hit | beyond, []

        def aov_names(self) -> list[str]:
            return []

        def to_string(self) -> str:
            return "Hazed[]"

    return Hazed
