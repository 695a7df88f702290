"""Triangles for Mitsuba: `Things`, which move in place, and the ground."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from motion.errors import BadInput
from render.world import Drawable, Instant, Posed

GROUND_M = 9000.0  # half a side, as in ground.vert
_NEAR_M = 64.0  # half a side of the middle: small numbers keep hits exact to micrometres


def mesh(
    mi: ModuleType,
    name: str,
    bsdf: Any,
    vertices: np.ndarray,
    faces: np.ndarray,
    normals: np.ndarray | None = None,
    uv: np.ndarray | None = None,
    attributes: dict[str, np.ndarray] | None = None,
) -> Any:
    """A mesh of Mitsuba's.

    Args:
        mi: Mitsuba.
        name: its name.
        bsdf: of all its faces.
        vertices: ``(V, 3)`` metres, world.
        faces: ``(F, 3)``.
        normals: ``(V, 3)`` unit; None: of the faces.
        uv: ``(V, 2)``.
        attributes: ``vertex_…`` or ``face_…`` to ``(N, C)``.
    """
    properties = mi.Properties()
    properties["mesh_bsdf"] = bsdf
    made = mi.Mesh(
        name, vertex_count=len(vertices), face_count=len(faces), props=properties,
        has_vertex_normals=normals is not None, has_vertex_texcoords=uv is not None,
    )  # fmt: skip
    for key, values in (attributes or {}).items():
        made.add_attribute(key, values.shape[1], np.ascontiguousarray(values, np.float32).ravel())
    parameters = mi.traverse(made)
    for key, array, kind in (
        ("faces", faces, np.uint32), ("vertex_positions", vertices, np.float32),
        ("vertex_normals", normals, np.float32), ("vertex_texcoords", uv, np.float32),
    ):  # fmt: skip
        if array is not None:
            parameters[key] = type(parameters[key])(np.ascontiguousarray(array, kind).ravel())
    parameters.update()
    return made


class Things:
    """Everything of a world in one mesh, so that worlds of few and of many things run the same compiled code."""

    def __init__(self, mi: ModuleType, drawables: Sequence[Drawable], bsdf: Any) -> None:
        first = np.cumsum([0, *(len(d.rest) for d in drawables)])
        faces = [d.faces + start for d, start in zip(drawables, first, strict=False)]
        # A face's vertices share its material.
        material = [d.label[d.faces[:, 0], 0] for d in drawables]
        self.mesh = mesh(
            mi, "things", bsdf, np.concatenate([d.rest for d in drawables]), np.concatenate(faces),
            np.concatenate([d.rest_normals for d in drawables]),
            attributes={
                "vertex_anchor": np.concatenate([d.anchor for d in drawables]),
                "face_material": np.concatenate(material)[:, None],
            },
        )  # fmt: skip

    def pose(self, posed: Sequence[Posed]) -> tuple[np.ndarray, np.ndarray]:
        """World-space vertices and unit normals ``(V, 3)`` float32."""
        shapes = [world_shape(one) for one in posed]
        return np.concatenate([v for v, _ in shapes]), np.concatenate([n for _, n in shapes])


def check(instant: Instant) -> None:
    """Refuse shapes that are nowhere.

    Raises:
        BadInput: a vertex is not finite.
    """
    for posed in instant.meshes:
        # Bounds are not finite when one vertex is not.
        if not np.isfinite([posed.low, posed.high]).all():
            name = posed.drawable.name
            raise BadInput(f"'{name}' at {instant.time:.3f} s: a vertex is not finite, expected metres")


def world_shape(posed: Posed) -> tuple[np.ndarray, np.ndarray]:
    """World-space vertices and unit normals ``(V, 3)`` float32."""
    vertices = posed.world_vertices()
    normals = posed.normals
    if normals is None:
        T = np.eye(4) if posed.T_world_prop is None else posed.T_world_prop
        normals = posed.drawable.rest_normals @ T[:3, :3].T
    normals = np.nan_to_num(np.asarray(normals, np.float32))
    return vertices, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def speck(mi: ModuleType, bsdf: Any) -> Any:
    """A triangle that nobody sees."""
    return _plain(mi, "speck", bsdf, np.eye(3) * 1e-3 - [0.0, 2.0 * GROUND_M, 0.0], np.array([[0, 1, 2]]))


def plane(mi: ModuleType, middle: tuple[float, float], bsdf: Any) -> Any:
    """The ground round a place (x, z), metres."""
    return _plain(mi, "ground", bsdf, *ground(middle))


def _plain(mi: ModuleType, name: str, bsdf: Any, vertices: np.ndarray, faces: np.ndarray) -> Any:
    """A flat mesh with all that `Things` has: the same code then serves it."""
    return mesh(
        mi, name, bsdf, vertices, faces, np.broadcast_to([0.0, 1.0, 0.0], vertices.shape),
        attributes={"vertex_anchor": vertices, "face_material": np.zeros((len(faces), 1))},
    )  # fmt: skip


def ground(middle: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices ``(8, 3)`` and faces ``(10, 3)`` of the ground round a place (x, z): a square in a far larger one."""
    corners = np.array([[-1, 0, -1], [-1, 0, 1], [1, 0, 1], [1, 0, -1]], float)
    vertices = np.concatenate([corners * _NEAR_M, corners * GROUND_M]) + [middle[0], 0.0, middle[1]]
    faces = [[0, 1, 2], [0, 2, 3]]
    for i in range(4):
        j = (i + 1) % 4
        faces += [[i, 4 + i, 4 + j], [i, 4 + j, j]]
    return vertices.astype(np.float32), np.array(faces, np.uint32)
