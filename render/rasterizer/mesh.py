"""`Mesh`: one drawable's buffers on the device, and where its vertices are now and at the other end of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from render.world import Drawable, Posed

if TYPE_CHECKING:
    import moderngl


#: Cells that vertices are merged in, metres, for what only casts a shadow and for what only darkens the ground.
SHADOW_CELL_M, CONTACT_CELL_M = 0.012, 0.03


def coarse(rest: np.ndarray, faces: np.ndarray, cell_m: float) -> np.ndarray:
    """Fewer triangles on the same vertices ``(F', 3)`` int32: all vertices in one cell become its first one.

    The vertices that stay lie on the surface, so its shadow hardly changes; heads and hands have most to lose.
    """
    keys = np.floor(rest / cell_m).astype(np.int64) + 4096
    _, first, cell = np.unique(
        (keys[:, 0] << 40) | (keys[:, 1] << 20) | keys[:, 2], return_index=True, return_inverse=True
    )
    merged = first[cell][faces]
    a, b, c = merged.T
    merged = merged[(a != b) & (b != c) & (c != a)]
    _, kept = np.unique(np.sort(merged, axis=1), axis=0, return_index=True)
    return np.ascontiguousarray(merged[np.sort(kept)].astype(np.int32))


class Mesh:
    """One drawable's buffers."""

    def __init__(self, context: moderngl.Context, drawable: Drawable) -> None:
        self.context, self.drawable = context, drawable
        vertices = len(drawable.source)
        self.places = context.buffer(drawable.rest.tobytes(), dynamic=True)
        self.normals = context.buffer(drawable.rest_normals.tobytes(), dynamic=True)
        self.places_k: moderngl.Buffer | None = None
        self.anchors = context.buffer(drawable.anchor.tobytes())
        self.labels = context.buffer(drawable.label.tobytes())
        self.faces = context.buffer(drawable.faces.tobytes())
        self.bytes = vertices * 12
        # Software drivers spend most on vertices and small triangles; props are simple already.
        self._coarse = {
            cell: context.buffer(coarse(drawable.rest, drawable.faces, cell).tobytes())
            if drawable.skinned
            else self.faces
            for cell in (SHADOW_CELL_M, CONTACT_CELL_M)
        }
        self._coarse_arrays: dict[float, moderngl.VertexArray] = {}
        self.model = np.eye(4, dtype=np.float32)
        self.model_k = np.eye(4, dtype=np.float32)
        self._arrays: dict[int, moderngl.VertexArray] = {}

    def pose(self, posed: Posed) -> None:
        """Stream this instant's vertices, or take its transform."""
        if posed.vertices is None or posed.normals is None:
            self.model = np.asarray(posed.T_world_prop, dtype=np.float32)
        else:
            self.places.write(np.ascontiguousarray(posed.vertices, dtype=np.float32))
            self.normals.write(np.ascontiguousarray(posed.normals, dtype=np.float32))

    def pose_k(self, posed: Posed) -> None:
        """Where the vertices are at the frame that flow leads to."""
        if posed.vertices is None:
            self.model_k = np.asarray(posed.T_world_prop, dtype=np.float32)
            source = self.drawable.rest
        else:
            source = np.ascontiguousarray(posed.vertices, dtype=np.float32)
        if self.places_k is None:
            self.places_k = self.context.buffer(reserve=self.bytes, dynamic=True)
        self.places_k.write(source)

    def array(self, program: Any) -> moderngl.VertexArray:
        """These buffers bound to a program's inputs."""
        if program.glo not in self._arrays:
            inputs = [
                (self.places, "3f", "in_place"), (self.normals, "3f", "in_normal"), (self.anchors, "3f", "in_anchor"),
                (self.labels, "2i", "in_label"),
            ]  # fmt: skip
            if self.places_k is not None:
                inputs.append((self.places_k, "3f", "in_place_k"))
            used = [entry for entry in inputs if entry[2] in program]
            self._arrays[program.glo] = self.context.vertex_array(program, used, self.faces, index_element_size=4)
        return self._arrays[program.glo]

    def coarse_array(self, program: Any, cell_m: float) -> moderngl.VertexArray:
        """The merged triangles of `SHADOW_CELL_M` or `CONTACT_CELL_M`, positions only."""
        if cell_m not in self._coarse_arrays:
            self._coarse_arrays[cell_m] = self.context.vertex_array(
                program, [(self.places, "3f", "in_place")], self._coarse[cell_m], index_element_size=4
            )
        return self._coarse_arrays[cell_m]

    def release(self) -> None:
        buffers = [self.places, self.normals, self.places_k, self.anchors, self.labels, self.faces]
        buffers += [b for b in self._coarse.values() if b is not self.faces]
        for thing in (*self._arrays.values(), *self._coarse_arrays.values(), *buffers):
            if thing is not None:
                thing.release()
