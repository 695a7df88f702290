"""`MitsubaScene`: a `World` in Mitsuba: meshes that move in place, ground, sun, lamps, sky."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from render.path_tracer import baked, looks, meshes
from render.path_tracer.air import Air
from render.path_tracer.bsdf import Materials
from render.path_tracer.lights import emitters
from render.rasterizer.blocks import BLOCK, fill_static, palette
from render.world import Instant, World


class MitsubaScene:
    """One world in Mitsuba.

    Args:
        mi: Mitsuba, its variant set.
        world: the world.
        surfaces: the BSDFs of a compiled variant; None: looks are baked.
    """

    def __init__(self, mi: ModuleType, world: World, surfaces: Materials | None) -> None:
        self.world = world
        self._baked = surfaces is None
        preset, sun = world.light, world.sun
        self.preset = preset
        block = np.zeros((), BLOCK)
        lamps = fill_static(block, world, preset, sun)
        self.air = Air.of(block)
        table, ground = palette(world.materials), world.stage.ground
        middle = float(block["middle"][0]), float(block["middle"][1])
        self._things: list[meshes.Thing | baked.BakedThing]
        parts: dict[str, Any] = {"type": "scene"}
        if surfaces is None:
            rows = looks.rows(table)
            self._things = [baked.BakedThing(mi, _name(i), d, rows) for i, d in enumerate(world.drawables)]
            if ground is not None:
                parts["ground"] = baked.ground(mi, ground, middle)
        else:
            surfaces.use(table, ground)
            self._things = [meshes.Thing(mi, _name(i), d, surfaces.surface) for i, d in enumerate(world.drawables)]
            if ground is not None:
                parts["ground"] = meshes.mesh(mi, "ground", surfaces.ground, *meshes.ground(middle))
        parts |= {_name(i): thing.mesh for i, thing in enumerate(self._things)}
        parts |= emitters(mi, block, lamps, preset, sun)
        self.scene = mi.load_dict(parts)
        self._parameters = mi.traverse(self.scene)
        self._posed: Instant | None = None

    def pose(self, instant: Instant) -> None:
        """Move everything to an instant, in the same buffers, so that nothing is compiled again.

        Raises:
            BadInput: a vertex is not finite.
        """
        if instant is self._posed:
            return
        moved: list[tuple[int, np.ndarray]] = []
        for i, (thing, posed) in enumerate(zip(self._things, instant.meshes, strict=True)):
            if self._posed is not None and posed.T_world_prop is not None:
                before = self._posed.meshes[i].T_world_prop
                if before is not None and np.array_equal(before, posed.T_world_prop):
                    continue  # it stands still
            vertices, normals = thing.pose(posed, instant.time)
            self._set(i, "vertex_positions", vertices)
            self._set(i, "vertex_normals", normals)
            moved.append((i, normals))
        self._parameters.update()
        if self._baked:
            # The interpreted variant has just made normals of its own from the places.
            for i, normals in moved:
                self._set(i, "vertex_normals", normals)
            self._parameters.update()
        self._posed = instant

    def _set(self, i: int, name: str, values: np.ndarray) -> None:
        key = f"{_name(i)}.{name}"
        self._parameters[key] = type(self._parameters[key])(np.ascontiguousarray(values, np.float32).ravel())


def _name(i: int) -> str:
    return f"thing{i}"
