"""`Character`: what a renderer or an exporter needs of a body on SMPL-24, whoever made it. A protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from motion.material import Material
from motion.rotations import Array


@dataclass(frozen=True)
class SkinnedMesh:
    """A mesh bound to SMPL-24 at rest (T-pose, facing +Z, metres, floor at y = 0).

    Vertices on UV or material seams may be doubled; ``weld[v]`` names the first vertex at the same place.
    """

    vertices: np.ndarray  # (V, 3) float32, metres, rest
    normals: np.ndarray  # (V, 3) float32, rest
    faces: np.ndarray  # (F, 3) int32, counter-clockwise seen from outside
    uv: np.ndarray  # (V, 2) float32, origin at the lower left
    weights: np.ndarray  # (V, 24) float32, rows sum to 1
    joints: Array  # (24, 3) metres, rest joint centres
    materials: tuple[Material, ...]
    face_material: np.ndarray  # (F,) int32 index into materials
    parts: tuple[str, ...]  # names of parts, part id = index + 1 (0 is "nothing")
    face_part: np.ndarray  # (F,) int32 index into parts


@runtime_checkable
class Character(Protocol):
    """A dressed body. `motion.body.Body` is one; a user's own skinned character may be another."""

    @property
    def mesh(self) -> SkinnedMesh:
        """The rest mesh with everything a renderer and an exporter need."""
        ...

    @property
    def rest_offsets(self) -> Array:
        """``(24, 3)`` metres: each joint in its parent's frame at rest; row 0 is the rest pelvis above the floor."""
        ...

    def pose(self, rotations: np.ndarray, root_position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Skin a batch of poses.

        Args:
            rotations: ``(T, 24, 4)`` local rotations, xyzw.
            root_position: ``(T, 3)`` pelvis joint in the world, metres.

        Returns:
            Vertices and unit normals, each ``(T, V, 3)`` float32, world, metres, in the mesh's vertex order.
        """
        ...
