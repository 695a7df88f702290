"""`Patch`: a piece of surface cut from the body along any curve, whose vertices are blends of the body's own.

Because a patch only remembers *which* body vertices it blends, it follows every shape, weight and pose corrective.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from motion.rotations import Array

Field = Callable[[Array], Array]  # template positions (n, 3) -> values (n,); positive is kept


@dataclass(frozen=True)
class Patch:
    """A triangle mesh cut from the body. Vertices on texture seams are doubled; ``weld`` names their first copy."""

    blend: sparse.csr_matrix  # (n, N) rows sum to 1
    at: Array  # (n, 3) where the vertices lie on the template
    uv: Array  # (n, 2)
    faces: np.ndarray  # (F, 3)

    @classmethod
    def of(cls, template: Array, uv: Array, faces: np.ndarray, faces_uv: np.ndarray) -> Patch:
        """Faces of the body, doubling vertices where their texture coordinates differ."""
        pairs = np.stack([faces.ravel(), faces_uv.ravel()], axis=1)
        unique, index = np.unique(pairs, axis=0, return_inverse=True)
        n = len(unique)
        blend = sparse.csr_matrix((np.ones(n), (np.arange(n), unique[:, 0])), shape=(n, len(template)))
        return cls(blend, template[unique[:, 0]], uv[unique[:, 1]], index.reshape(-1, 3))

    @cached_property
    def weld(self) -> np.ndarray:
        """``(n,)`` the first vertex at the same place."""
        _, first, index = np.unique(np.round(self.at, 7), axis=0, return_index=True, return_inverse=True)
        return first[index.ravel()]

    def select(self, keep: np.ndarray) -> Patch:
        """Only the faces marked ``keep (F,)``, without vertices that nothing uses."""
        faces = self.faces[keep]
        used, index = np.unique(faces, return_inverse=True)
        return Patch(self.blend[used], self.at[used], self.uv[used], index.reshape(-1, 3))

    def clip(self, *fields: Field) -> Patch:
        """Keep where every field is positive, cutting triangles exactly along the zero curves."""
        patch = self
        for field in fields:
            patch, inside = patch._cut(field(patch.at))
            patch = patch.select(inside)
        return patch

    def split(self, field: Field) -> tuple[Patch, np.ndarray]:
        """Cut triangles along the zero curve, keep both sides; ``(F,)`` bool says which faces are positive."""
        return self._cut(field(self.at))

    def subdivide(self) -> Patch:
        """Every triangle in four, by the middles of its edges; smoothing rounds what was flat."""
        edges = np.sort(np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]]), axis=1)
        unique, index = np.unique(edges, axis=0, return_inverse=True)
        ab, bc, ca = index.ravel().reshape(3, -1) + len(self.at)
        a, b, c = self.faces.T
        faces = np.concatenate([np.stack(t, 1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
        return self._with_points(unique[:, 0], unique[:, 1], np.full((len(unique), 1), 0.5), faces)

    def _cut(self, value: Array) -> tuple[Patch, np.ndarray]:
        # All copies of a vertex must fall on the same side; nudge zeros so that no cut runs through a vertex.
        value = np.where(np.abs(value) < 1e-7, 1e-7, value)
        inside = value[self.faces] > 0
        count = inside.sum(1)
        whole = (count == 0) | (count == 3)
        # Bring the odd one out to the front, keeping the winding.
        cut, cut_inside = self.faces[~whole], inside[~whole]
        single = cut_inside.sum(1) == 1
        odd = np.argmax(np.where(single[:, None], cut_inside, ~cut_inside), axis=1)
        a, b, c = (cut[np.arange(len(cut)), (odd + k) % 3] for k in range(3))
        edges = np.sort(np.concatenate([np.stack([a, b], 1), np.stack([a, c], 1)]), axis=1)
        unique, index = np.unique(edges, axis=0, return_inverse=True)
        index = index.ravel() + len(self.at)
        ab, ac = index[: len(cut)], index[len(cut) :]
        faces = np.concatenate(
            [self.faces[whole], np.stack([a, ab, ac], 1), np.stack([ab, b, c], 1), np.stack([ab, c, ac], 1)]
        )
        side = np.concatenate([count[whole] == 3, single, ~single, ~single])
        lo, hi = unique[:, 0], unique[:, 1]
        t = (value[lo] / (value[lo] - value[hi]))[:, None] if len(unique) else np.zeros((0, 1))
        return self._with_points(lo, hi, t, faces), side

    def _with_points(self, lo: np.ndarray, hi: np.ndarray, t: Array, faces: np.ndarray) -> Patch:
        """The patch with new vertices ``(1 − t) lo + t hi`` and other faces."""
        flat = t.ravel()
        step = sparse.diags_array(1 - flat) @ self.blend[lo] + sparse.diags_array(flat) @ self.blend[hi]
        return Patch(
            sparse.csr_matrix(sparse.vstack([self.blend, step])),
            np.concatenate([self.at, (1 - t) * self.at[lo] + t * self.at[hi]]),
            np.concatenate([self.uv, (1 - t) * self.uv[lo] + t * self.uv[hi]]),
            faces,
        )

    @cached_property
    def rim(self) -> np.ndarray:
        """Directed boundary edges ``(E, 2)``, seams not counted."""
        weld = self.weld
        edges = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        welded = weld[edges]
        key = welded[:, 0] * len(self.at) + welded[:, 1]
        back = welded[:, 1] * len(self.at) + welded[:, 0]
        return edges[~np.isin(key, back)]


def join(patches: list[Patch]) -> Patch:
    """Several patches as one."""
    start = np.cumsum([0, *(len(p.at) for p in patches)])
    return Patch(
        sparse.csr_matrix(sparse.vstack([p.blend for p in patches])),
        np.concatenate([p.at for p in patches]),
        np.concatenate([p.uv for p in patches]),
        np.concatenate([p.faces + s for p, s in zip(patches, start, strict=False)]),
    )


def with_lip(patch: Patch) -> tuple[Patch, np.ndarray]:
    """Close the gap to the skin: a strip along every rim, whose far side is to be laid inwards.

    Returns:
        The patch with the strip, and ``(n,)`` bool: vertices of the strip's inner side.
    """
    rim = patch.rim
    outer, index = np.unique(rim, return_inverse=True)
    index = index.reshape(-1, 2)
    n = len(patch.at)
    # The strip has its own outer vertices too, so that the edge of a garment is crisp.
    first, second = n + index, n + len(outer) + index
    strip = np.concatenate(
        [
            np.stack([first[:, 1], first[:, 0], second[:, 0]], 1),
            np.stack([first[:, 1], second[:, 0], second[:, 1]], 1),
        ]
    )
    whole = replace(
        patch,
        blend=sparse.csr_matrix(sparse.vstack([patch.blend, patch.blend[outer], patch.blend[outer]])),
        at=np.concatenate([patch.at, patch.at[outer], patch.at[outer]]),
        uv=np.concatenate([patch.uv, patch.uv[outer], patch.uv[outer]]),
        faces=np.concatenate([patch.faces, strip]),
    )
    inner = np.zeros(len(whole.at), dtype=bool)
    inner[n + len(outer) :] = True
    return whole, inner


def averaging(count: int, faces: np.ndarray, weld: np.ndarray, rim: np.ndarray) -> sparse.csr_matrix:
    """One step of smoothing ``(n, n)``: the mean of the neighbours; rim vertices average along the rim only."""
    f = weld[faces]
    i = np.concatenate([f[:, 0], f[:, 1], f[:, 2], f[:, 1], f[:, 2], f[:, 0]])
    j = np.concatenate([f[:, 1], f[:, 2], f[:, 0], f[:, 0], f[:, 1], f[:, 2]])
    on_rim = np.zeros(count, dtype=bool)
    edge = weld[rim]
    on_rim[edge.ravel()] = True
    inner = ~on_rim[i]
    i = np.concatenate([i[inner], edge[:, 0], edge[:, 1]])
    j = np.concatenate([j[inner], edge[:, 1], edge[:, 0]])
    matrix = sparse.csr_matrix((np.ones(len(i)), (i, j)), shape=(count, count))
    matrix.data[:] = 1.0
    total = np.asarray(matrix.sum(1)).ravel()
    matrix = sparse.diags_array(1 / np.maximum(total, 1)) @ matrix + sparse.diags_array((total == 0).astype(float))
    return sparse.csr_matrix(matrix)[weld]


def vertex_normals(vertices: Array, faces: np.ndarray, weld: np.ndarray) -> Array:
    """Area-weighted unit normals ``(n, 3)``, the same for all copies of a vertex."""
    f = weld[faces]
    corners = vertices[f]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(vertices)
    for k in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(f[:, k], across[:, axis], minlength=len(vertices))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-15, total / np.maximum(length, 1e-15), [0.0, 1.0, 0.0])[weld]
