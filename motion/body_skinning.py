"""`Skinner`: vertices and normals of a posed mesh, one frame at a time in fixed-shape products, so that bits never vary.

Measured roads (README of the assets): per frame one `(V, 24) x (24, 12)` product blends the joint matrices, low-rank
pose correctives are added limb by limb, and the rest is arithmetic on contiguous planes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion.skeleton import PARENTS


def rotation_matrices(q: np.ndarray) -> np.ndarray:
    """``(T, 24, 4) -> (T, 24, 3, 3)`` of unit quaternions xyzw."""
    x, y, z, w = (q[..., k] for k in range(4))
    m = np.empty((*q.shape[:-1], 3, 3))
    m[..., 0, 0] = 1 - 2 * (y * y + z * z)
    m[..., 0, 1] = 2 * (x * y - z * w)
    m[..., 0, 2] = 2 * (x * z + y * w)
    m[..., 1, 0] = 2 * (x * y + z * w)
    m[..., 1, 1] = 1 - 2 * (x * x + z * z)
    m[..., 1, 2] = 2 * (y * z - x * w)
    m[..., 2, 0] = 2 * (x * z - y * w)
    m[..., 2, 1] = 2 * (y * z + x * w)
    m[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return m


@dataclass(frozen=True)
class Correctives:
    """Pose correctives of one limb: ``rest[rows] += basis @ (mix^T features)``."""

    rows: np.ndarray  # (n,) vertices
    basis: np.ndarray  # (3 n, K) float32, x of all rows, then y, then z
    mix: np.ndarray  # (K, 207) float32


class Skinner:
    """Poses one mesh.

    Args:
        vertices, normals: ``(V, 3)`` at rest.
        faces: ``(F, 3)``; with ``weld (V,)`` used to find true normals where the mesh bends.
        weights: ``(V, 24)``.
        joints: ``(24, 3)`` at rest.
        correctives: limb by limb; empty for none.
    """

    def __init__(
        self,
        vertices: np.ndarray,
        normals: np.ndarray,
        faces: np.ndarray,
        weld: np.ndarray,
        weights: np.ndarray,
        joints: np.ndarray,
        correctives: tuple[Correctives, ...] = (),
    ) -> None:
        self.count = len(vertices)
        self.joints = np.asarray(joints, dtype=np.float64)
        self.offsets = self.joints - np.where(PARENTS[:, None] >= 0, self.joints[np.maximum(PARENTS, 0)], 0.0)
        self._rest = np.ascontiguousarray(vertices.T, dtype=np.float32)
        self._rest_normals = np.ascontiguousarray(normals.T, dtype=np.float32)
        self._weights = np.ascontiguousarray(weights.T, dtype=np.float32)  # (24, V)
        self._correctives = correctives

    def joint_matrices(self, rotations: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rest-to-world matrices ``(T, 24, 3, 4)`` and pose features ``(T, 207)``, float64."""
        local = rotation_matrices(np.asarray(rotations, dtype=np.float64))
        frames = len(local)
        world = np.empty((frames, 24, 3, 4))
        world[:, 0, :, :3] = local[:, 0]
        world[:, 0, :, 3] = root
        for j in range(1, 24):
            parent = world[:, PARENTS[j]]
            for k in range(3):  # explicit sums: the same bits for any number of frames
                row = parent[:, :, k, None] * local[:, j, k, None, :]
                world[:, j, :, :3] = row if k == 0 else world[:, j, :, :3] + row
            o = self.offsets[j]
            world[:, j, :, 3] = (
                parent[:, :, 0] * o[0] + parent[:, :, 1] * o[1] + parent[:, :, 2] * o[2] + parent[:, :, 3]
            )
        c = self.joints
        world[..., 3] -= (
            world[..., 0] * c[:, 0, None] + world[..., 1] * c[:, 1, None] + world[..., 2] * c[:, 2, None]
        )
        features = (local[:, 1:] - np.eye(3)).reshape(frames, 207)
        return world, features

    def pose(self, rotations: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and unit normals, each ``(T, V, 3)`` float32."""
        world, features = self.joint_matrices(rotations, root)
        frames = len(world)
        # (T, 12, 24): nine rotation entries, then translation.
        blendable = np.concatenate(
            [world[..., :3].reshape(frames, 24, 9), world[..., 3]], axis=2
        ).transpose(0, 2, 1).astype(np.float32)  # fmt: skip
        features = features.astype(np.float32)
        out_v = np.empty((frames, self.count, 3), dtype=np.float32)
        out_n = np.empty((frames, self.count, 3), dtype=np.float32)
        mixed = np.empty((12, self.count), dtype=np.float32)
        scratch = np.empty(self.count, dtype=np.float32)
        acc = np.empty((3, self.count), dtype=np.float32)
        for t in range(frames):
            np.matmul(blendable[t], self._weights, out=mixed)
            rest = self._rest
            if self._correctives:
                rest = self._corrected(features[t])
            for a in range(3):
                row = acc[a]
                np.multiply(mixed[3 * a], rest[0], out=row)
                for b in (1, 2):
                    np.multiply(mixed[3 * a + b], rest[b], out=scratch)
                    row += scratch
                np.add(row, mixed[9 + a], out=out_v[t, :, a])
            for a in range(3):
                row = acc[a]
                np.multiply(mixed[3 * a], self._rest_normals[0], out=row)
                for b in (1, 2):
                    np.multiply(mixed[3 * a + b], self._rest_normals[b], out=scratch)
                    row += scratch
            self._normalize(acc, scratch)
            out_n[t] = acc.T
        return out_v, out_n

    def _corrected(self, features: np.ndarray) -> np.ndarray:
        rest = self._rest.copy()
        for limb in self._correctives:
            moved = (limb.basis @ (limb.mix @ features)).reshape(3, -1)
            rest[:, limb.rows] += moved
        return rest

    @staticmethod
    def _normalize(planes: np.ndarray, scratch: np.ndarray) -> None:
        squared = planes[0] * planes[0]
        for k in (1, 2):
            np.multiply(planes[k], planes[k], out=scratch)
            squared += scratch
        np.maximum(squared, 1e-20, out=squared)
        np.sqrt(squared, out=squared)
        np.divide(1.0, squared, out=squared)
        planes *= squared
