"""`MitsubaScene`: a `World` in Mitsuba: meshes that move in place, ground, sun, lamps, sky."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from render.path_tracer import baked, looks, meshes
from render.path_tracer.air import Air
from render.path_tracer.bsdf import Materials
from render.path_tracer.lights import emitters, rims
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
        block = np.zeros((), BLOCK)
        lamps = fill_static(block, world)
        self.air = Air.of(block)
        self.rims = rims(block, lamps)
        table, ground = palette(world.materials), world.stage.ground
        middle = float(block["middle"][0]), float(block["middle"][1])
        drawables = world.drawables
        # Meshes, and which drawables each holds.
        self._meshes: list[tuple[meshes.Things | baked.BakedThing, slice]] = []
        parts: dict[str, Any] = {"type": "scene"}
        if surfaces is None:
            rows = looks.rows(table)
            for i, drawable in enumerate(drawables):
                self._meshes.append((baked.BakedThing(mi, _name(i), drawable, rows), slice(i, i + 1)))
            if ground is not None:
                parts["ground"] = baked.ground(mi, ground, middle)
        else:
            surfaces.use(table, ground)
            # A speck stands for what a world does not have: compiled code depends on the number of meshes.
            parts[_name(0)] = meshes.speck(mi, surfaces.surface)
            parts["ground"] = meshes.speck(mi, surfaces.ground)
            if drawables:
                self._meshes.append((meshes.Things(mi, drawables, surfaces.surface), slice(None)))
            if ground is not None:
                parts["ground"] = meshes.plane(mi, middle, surfaces.ground)
        parts |= {_name(i): mesh.mesh for i, (mesh, _) in enumerate(self._meshes)}
        parts |= emitters(mi, block, lamps, world.light, world.sun)
        self.scene = mi.load_dict(parts, parallel=False)
        self._parameters = mi.traverse(self.scene)
        self._posed: Instant | None = None

    def pose(self, instant: Instant) -> None:
        """Move everything to an instant, in the same buffers, so that nothing is compiled again."""
        if instant is self._posed:
            return
        shapes = [mesh.pose(instant.meshes[which]) for mesh, which in self._meshes]
        for i, (vertices, normals) in enumerate(shapes):
            self._set(i, "vertex_positions", vertices)
            self._set(i, "vertex_normals", normals)
        self._parameters.update()
        if self._baked:
            # The interpreted variant has just made normals of its own from the places.
            for i, (_, normals) in enumerate(shapes):
                self._set(i, "vertex_normals", normals)
            self._parameters.update()
        self._posed = instant

    def _set(self, i: int, name: str, values: np.ndarray) -> None:
        key = f"{_name(i)}.{name}"
        self._parameters[key] = type(self._parameters[key])(np.ascontiguousarray(values, np.float32).ravel())


def paths(mi: ModuleType, depth: int) -> Any:
    """Light along paths of at most ``depth`` segments; lights themselves are not seen. No roulette: it adds noise."""
    return mi.load_dict({"type": "path", "max_depth": depth, "rr_depth": 64, "hide_emitters": True})


def _name(i: int) -> str:
    return f"mesh{i}"
