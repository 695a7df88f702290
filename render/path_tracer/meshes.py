"""Triangles for Mitsuba: `Thing`, a drawable that moves in place, and the ground."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from motion.errors import BadInput
from render.world import Drawable, Posed

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


class Thing:
    """A drawable as a mesh with its material and its patterns' places on every face and vertex."""

    def __init__(self, mi: ModuleType, name: str, drawable: Drawable, bsdf: Any) -> None:
        self.drawable = drawable
        material = drawable.label[drawable.faces[:, 0], 0]  # a face's vertices share theirs
        self.mesh = mesh(
            mi, name, bsdf, drawable.rest, drawable.faces, drawable.rest_normals,
            attributes={"vertex_anchor": drawable.anchor, "face_material": material[:, None]},
        )  # fmt: skip

    def pose(self, posed: Posed, time: float) -> tuple[np.ndarray, np.ndarray]:
        """World-space vertices and unit normals ``(V, 3)`` float32."""
        return world_shape(posed, time)


def world_shape(posed: Posed, time: float) -> tuple[np.ndarray, np.ndarray]:
    """World-space vertices and unit normals ``(V, 3)`` float32 at an instant.

    Raises:
        BadInput: a vertex is not finite.
    """
    vertices = posed.world_vertices()
    if not np.isfinite(vertices).all():
        raise BadInput(f"'{posed.drawable.name}' at {time:.3f} s: a vertex is not finite, expected metres")
    normals = posed.normals
    if normals is None:
        T = np.eye(4) if posed.T_world_prop is None else posed.T_world_prop
        normals = posed.drawable.rest_normals @ T[:3, :3].T
    normals = np.nan_to_num(np.asarray(normals, np.float32))
    return vertices, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def ground(middle: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices ``(8, 3)`` and faces ``(10, 3)`` of the ground round a place (x, z): a square in a far larger one."""
    corners = np.array([[-1, 0, -1], [-1, 0, 1], [1, 0, 1], [1, 0, -1]], float)
    vertices = np.concatenate([corners * _NEAR_M, corners * GROUND_M]) + [middle[0], 0.0, middle[1]]
    faces = [[0, 1, 2], [0, 2, 3]]
    for i in range(4):
        j = (i + 1) % 4
        faces += [[i, 4 + i, 4 + j], [i, 4 + j, j]]
    return vertices.astype(np.float32), np.array(faces, np.uint32)
