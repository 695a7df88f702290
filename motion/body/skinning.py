"""`Skinner`: vertices and true normals of a posed mesh, a frame at a time in products of fixed shape.

One frame at a time is on purpose: matrix products change in the last bits with their batch size, so a frame's bits
would depend on how many frames were asked for. It is also as fast as batches: all that a frame touches stays in cache.

The mesh comes sorted (`sorting`): first the *soft* vertices, those of them whose normals are measured in front; then
runs of vertices that follow one joint (a head, two hands), which need one small product each. Soft vertices take one
``(12, 24) x (24, S)`` product for their blended matrices, low-rank pose correctives limb by limb, and arithmetic on
contiguous planes. Normals turn with the matrices; where the mesh bends they are measured on the posed triangles.

Products are cut into pieces too small for BLAS to spread over threads: handing 0.05 ms of work to a second thread on a
busy machine (another worker draws there) was measured to cost up to 10 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from motion import rotations as rot
from motion.body.skirt import Skirt
from motion.skeleton import PARENTS

#: A vertex follows one joint when that joint has at least this weight.
RIGID = 0.9995
#: Runs of rigid vertices shorter than this are not worth a product of their own.
SHORTEST_RUN = 64
#: OpenBLAS keeps products up to 4 x 65536 multiplications, and matrix-vector ones up to 4 x 2304, on one thread.
GEMM_COLUMNS = 4 * 65536 // (12 * 24) - 14
GEMV_SIZE = 4 * 2304 - 16


@dataclass(frozen=True)
class Correctives:
    """Pose correctives of one limb: ``rest[rows] += basis @ (mix @ features)``."""

    rows: np.ndarray  # (n,) vertices
    basis: np.ndarray  # (3 n, K) float32, x of all rows, then y, then z
    mix: np.ndarray  # (K, 207) float32


@dataclass(frozen=True)
class Layout:
    """How a sorted mesh is divided: measured soft vertices, other soft ones, then one run per joint."""

    measured: int
    soft: int
    runs: tuple[tuple[int, int, int], ...]  # (joint, start, end)


def sorting(
    weights: np.ndarray,
    corrected: np.ndarray,
    faces: np.ndarray,
    weld: np.ndarray,
    measurable: np.ndarray | None = None,
) -> tuple[np.ndarray, Layout]:
    """The order that `Skinner` wants.

    Args:
        weights: ``(V, 24)``.
        corrected: ``(V,)`` bool, vertices that pose correctives move.
        faces: ``(F, 3)``.
        weld: ``(V,)`` the first vertex at the same place.
        measurable: ``(V,)`` bool, vertices whose normal may be measured on the posed triangles (not: rims of cut skin,
            whose missing neighbours would tilt it); None: all.

    Returns:
        ``(V,)`` old index of each new vertex, and the layout.
    """
    bends = (weights.max(1) < RIGID) | corrected
    group = np.zeros(len(weights), dtype=bool)
    np.logical_or.at(group, weld, bends)
    bends = group[weld]
    # Triangles that bend are measured whole, so their rigid corners count as soft as well.
    np.logical_or.at(group, weld[faces[bends[faces].any(1)]].ravel(), True)
    soft = group[weld]
    joint = np.where(soft, -1, np.argmax(weights, axis=1))
    counts = np.bincount(joint[joint >= 0], minlength=24)
    joint[(joint >= 0) & (counts[np.maximum(joint, 0)] < SHORTEST_RUN)] = -1
    joint[bends & (True if measurable is None else measurable)] = -2
    order = np.argsort(joint, kind="stable")
    runs, start = [], int((joint < 0).sum())
    layout = (int((joint == -2).sum()), start)
    for j in np.unique(joint[joint >= 0]):
        runs.append((int(j), start, start + int(counts[j])))
        start += int(counts[j])
    return order, Layout(*layout, tuple(runs))


class Skinner:
    """Poses one mesh that stands in the order of `sorting`.

    Args:
        vertices, normals: ``(V, 3)`` at rest.
        faces: ``(F, 3)``.
        weld: ``(V,)`` the first vertex at the same place.
        weights: ``(V, 24)``.
        joints: ``(24, 3)`` at rest.
        layout: from `sorting`.
        correctives: limb by limb; empty for none.
        skirt: vertices that the legs hold off; None: no skirt.
    """

    def __init__(
        self,
        vertices: np.ndarray,
        normals: np.ndarray,
        faces: np.ndarray,
        weld: np.ndarray,
        weights: np.ndarray,
        joints: np.ndarray,
        layout: Layout,
        correctives: tuple[Correctives, ...] = (),
        skirt: Skirt | None = None,
    ) -> None:
        self.count = len(vertices)
        self.joints = np.asarray(joints, dtype=np.float64)
        self.offsets = self.joints - np.where(PARENTS[:, None] >= 0, self.joints[np.maximum(PARENTS, 0)], 0.0)
        soft = self._soft = layout.soft
        self._rest = np.ascontiguousarray(vertices[:soft].T, dtype=np.float32)
        self._rest_normals = np.ascontiguousarray(normals[:soft].T, dtype=np.float32)
        self._weights = np.ascontiguousarray(weights[:soft].T, dtype=np.float32)  # (24, S)
        self._runs = [
            (j, a, b, vertices[a:b].astype(np.float32), normals[a:b].astype(np.float32)) for j, a, b in layout.runs
        ]
        self._skirt = skirt
        self._limbs = [_Limb.of(limb, soft) for limb in correctives if len(limb.rows)]
        m = self._measured = layout.measured
        heads, self._head_of = np.unique(weld[:m], return_inverse=True)
        row_of = np.full(self.count, -1)
        row_of[heads] = np.arange(len(heads))
        f = weld[faces]
        f = f[(row_of[f] >= 0).any(1)]
        self._corners = [np.ascontiguousarray(f[:, k]) for k in range(3)]
        rows = row_of[f]
        column = np.broadcast_to(np.arange(len(f))[:, None], rows.shape)
        keep = rows >= 0
        self._gather = sparse.csr_matrix(
            (np.ones(int(keep.sum()), dtype=np.float32), (rows[keep], column[keep])), shape=(len(heads), len(f))
        )

    def joint_matrices(self, rotations: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rest-to-world matrices ``(T, 24, 3, 4)`` and pose features ``(T, 207)``, float64."""
        turns = rot.to_matrix(rotations)
        frames = len(turns)
        local = np.zeros((frames, 24, 4, 4))
        local[..., :3, :3] = turns
        local[..., :3, 3] = self.offsets
        local[:, 0, :3, 3] = root
        local[..., 3, 3] = 1.0
        world = np.empty((frames, 24, 3, 4))
        world[:, 0] = local[:, 0, :3]
        for joints, parents in LEVELS:
            world[:, joints] = world[:, parents] @ local[:, joints]
        c = self.joints
        world[..., 3] -= world[..., 0] * c[:, 0, None] + world[..., 1] * c[:, 1, None] + world[..., 2] * c[:, 2, None]
        return world, (turns[:, 1:] - np.eye(3)).reshape(frames, 207)

    def pose(self, rotations: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and unit normals, each ``(T, V, 3)`` float32."""
        world, features = self.joint_matrices(rotations, root)
        frames, soft = len(world), self._soft
        # (T, 12, 24): nine rotation entries row by row, then translation.
        blendable = np.empty((frames, 12, 24), dtype=np.float32)
        blendable[:, :9] = world[..., :3].reshape(frames, 24, 9).transpose(0, 2, 1)
        blendable[:, 9:] = world[..., 3].transpose(0, 2, 1)
        features = features.astype(np.float32)
        single = world.astype(np.float32)
        out_v = np.empty((frames, self.count, 3), dtype=np.float32)
        out_n = np.empty((frames, self.count, 3), dtype=np.float32)
        mixed = np.empty((12, soft), dtype=np.float32)
        planes, normals = np.empty((3, soft), dtype=np.float32), np.empty((3, soft), dtype=np.float32)
        scratch = np.empty(soft, dtype=np.float32)
        m = self._measured
        for t in range(frames):
            for a in range(0, soft, GEMM_COLUMNS):
                b = min(a + GEMM_COLUMNS, soft)
                np.matmul(blendable[t], self._weights[:, a:b], out=mixed[:, a:b])
            self._turn(mixed, self._corrected(features[t]), planes, scratch)
            planes += mixed[9:]
            if self._skirt is not None:
                posed = np.einsum("jab,jb->ja", world[t, :, :, :3], self.joints) + world[t, :, :, 3]
                self._skirt.clear(planes, mixed, posed)
            out_v[t, :soft] = planes.T
            if m:
                self._measure_normals(planes, normals[:, :m])
            self._turn(mixed[:, m:], self._rest_normals[:, m:], normals[:, m:], scratch[m:])
            self._normalize(normals, scratch)
            out_n[t, :soft] = normals.T
            for j, a, b, rest, rest_normals in self._runs:
                turn = single[t, j, :, :3].T
                np.matmul(rest, turn, out=out_v[t, a:b])
                out_v[t, a:b] += single[t, j, :, 3]
                np.matmul(rest_normals, turn, out=out_n[t, a:b])
        return out_v, out_n

    def _corrected(self, features: np.ndarray) -> np.ndarray:
        if not self._limbs:
            return self._rest
        rest = self._rest.copy()
        flat = rest.reshape(-1)
        for limb in self._limbs:
            moved = np.matmul(limb.mix @ features, limb.basis).reshape(-1)
            flat[limb.places] += moved[: len(limb.places)]
        return rest

    @staticmethod
    def _turn(mixed: np.ndarray, source: np.ndarray, target: np.ndarray, scratch: np.ndarray) -> None:
        """``target = mixed[:9] · source``, vertex by vertex, on planes."""
        for a in range(3):
            row = target[a]
            np.multiply(mixed[3 * a], source[0], out=row)
            for b in (1, 2):
                np.multiply(mixed[3 * a + b], source[b], out=scratch)
                row += scratch

    def _measure_normals(self, planes: np.ndarray, normals: np.ndarray) -> None:
        """The area-weighted sum of the posed triangles' normals about each measured vertex."""
        a, b, c = (planes.take(corner, axis=1) for corner in self._corners)
        b -= a
        c -= a
        scratch = a[0]
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            across = b[i] * c[j]
            np.multiply(b[j], c[i], out=scratch)
            across -= scratch
            (self._gather @ across).take(self._head_of, out=normals[k], mode="clip")

    @staticmethod
    def _normalize(planes: np.ndarray, scratch: np.ndarray) -> None:
        squared = planes[0] * planes[0]
        for k in (1, 2):
            np.multiply(planes[k], planes[k], out=scratch)
            squared += scratch
        np.maximum(squared, 1e-30, out=squared)
        np.sqrt(squared, out=squared)
        np.divide(np.float32(1.0), squared, out=squared)
        planes *= squared


@dataclass(frozen=True)
class _Limb:
    """`Correctives` laid out for speed."""

    places: np.ndarray  # (3 n,) into the flattened (3, S) rest planes
    basis: np.ndarray  # (pieces, K, columns) float32
    mix: np.ndarray  # (K, 207) float32

    @classmethod
    def of(cls, limb: Correctives, soft: int) -> _Limb:
        count, rank = limb.basis.shape
        columns = GEMV_SIZE // rank
        pieces = -(-count // columns)
        basis = np.zeros((rank, pieces * columns), dtype=np.float32)
        basis[:, :count] = limb.basis.T
        basis = np.ascontiguousarray(basis.reshape(rank, pieces, columns).transpose(1, 0, 2))
        return cls(np.concatenate([limb.rows + k * soft for k in range(3)]), basis, limb.mix.astype(np.float32))


def _levels() -> list[tuple[np.ndarray, np.ndarray]]:
    """Joints by depth in the tree with their parents, root left out."""
    depth = np.zeros(24, dtype=int)
    for j in range(1, 24):
        depth[j] = depth[PARENTS[j]] + 1
    return [(np.flatnonzero(depth == d), PARENTS[depth == d].astype(int)) for d in range(1, depth.max() + 1)]


LEVELS = _levels()
