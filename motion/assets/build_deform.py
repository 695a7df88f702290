"""The deformer that the default body's pose correctives imitate: skinning about centres of rotation, twist spread out.

Centres of rotation: Le and Hodgins 2016, "Real-time skeletal skinning with optimized centers of rotation", equation 1.
Twist of a wrist is spread along the forearm, of a shoulder, hip and elbow along the bone below it: a body has no hinge
that turns about its own length at one ring of skin. Build time only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion import kinematics
from motion import rotations as rot
from motion.easing import smoothstep
from motion.rotations import Array
from motion.skeleton import INDEX, PARENTS

SIGMA = 0.1  # width of the similarity kernel, the paper's value


def centres(vertices: Array, faces: np.ndarray, weights: Array) -> tuple[Array, Array]:
    """Centre of rotation ``(V, 3)`` of every vertex, and the evidence ``(V,)`` for it (0: moves with one joint)."""
    corners = vertices[faces]
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    middle, face_weights = corners.mean(1), weights[faces].mean(1)
    total, moment = np.zeros(len(vertices)), np.zeros_like(vertices)
    for j in range(24):
        for k in range(j + 1, 24):
            v = np.flatnonzero((weights[:, j] > 2e-3) & (weights[:, k] > 2e-3))
            f = np.flatnonzero((face_weights[:, j] > 2e-3) & (face_weights[:, k] > 2e-3))
            if not len(v) or not len(f):
                continue
            pj, pk = weights[v, j][:, None], weights[v, k][:, None]
            tj, tk = face_weights[f, j], face_weights[f, k]
            similarity = pj * pk * tj * tk * np.exp(-((pj * tk - pk * tj) ** 2) / SIGMA**2) * area[f]
            total[v] += similarity.sum(1)
            moment[v] += similarity @ middle[f]
    return moment / np.maximum(total, 1e-30)[:, None], total


@dataclass(frozen=True)
class Deformer:
    """A mesh at rest with what is needed to bend it well."""

    vertices: Array  # (V, 3)
    weights: Array  # (V, 24)
    joints: Array  # (24, 3)
    pivot: Array  # (V, 3)
    along: dict[str, Array]  # joint -> (V,) place along the bone that starts there, 0 at the joint, 1 at its child

    @classmethod
    def fit(cls, vertices: Array, faces: np.ndarray, weights: Array, joints: Array) -> Deformer:
        pivot, evidence = centres(vertices, faces, weights)
        along = {}
        # A vertex that follows one bone only turns about that bone's axis when twist is spread along it.
        axis_point, share = np.zeros_like(vertices), np.zeros(len(vertices))
        for name, child in BONES.items():
            a, b = joints[INDEX[name]], joints[INDEX[child]]
            place = (vertices - a) @ (b - a) / ((b - a) @ (b - a))
            along[name] = place
            w = weights[:, INDEX[name]]
            axis_point += w[:, None] * (a + np.clip(place, 0, 1)[:, None] * (b - a))
            share += w
        own = np.where(share[:, None] > 1e-6, axis_point / np.maximum(share, 1e-6)[:, None], vertices)
        trust = evidence / (evidence + 2e-6)
        return cls(vertices, weights, joints, trust[:, None] * pivot + (1 - trust)[:, None] * own, along)

    def pose(self, local: Array) -> Array:
        """Bend: local rotations ``(24, 4)`` xyzw, pelvis at its rest place; returns ``(V, 3)``."""
        world_q, world_p = world(local, self.joints)
        matrices = rot.to_matrix(world_q)
        translation = world_p - np.einsum("jab,jb->ja", matrices, self.joints)
        pivot = np.einsum("vj,jab,vb->va", self.weights, matrices, self.pivot) + self.weights @ translation
        total = np.zeros((len(self.vertices), 4))
        for j in np.argsort(-self.weights.sum(0)):
            w = self.weights[:, j]
            rows = np.flatnonzero(w > 1e-6)
            if not len(rows):
                continue
            q = rot.multiply(world_q[j], self._spread(j, local, rows))
            sign = np.sign(np.sum(q * total[rows], axis=1, keepdims=True))
            total[rows] += np.where(sign == 0, 1.0, sign) * w[rows, None] * q
        arm = self.vertices - self.pivot
        for name, strength in BULGE.items():
            j = INDEX[name]
            angle = np.linalg.norm(rot.to_rotvec(local[j]))
            shared = 4.0 * self.weights[:, j] * self.weights[:, PARENTS[j]]
            arm = arm * (1.0 + strength * np.sin(0.5 * angle) ** 2 * shared)[:, None]
        return rot.rotate(rot.normalize(total), arm) + pivot

    def _spread(self, j: int, local: Array, rows: np.ndarray) -> Array:
        """What to turn by before joint ``j`` so that twist grows along the bone instead of jumping at the joint."""
        result = np.broadcast_to(rot.IDENTITY, (len(rows), 4))
        for name, child in BONES.items():
            if INDEX[name] != j:
                continue
            axis = self.joints[INDEX[child]] - self.joints[j]
            axis = axis / np.linalg.norm(axis)
            place = self.along[name][rows]
            own = _twist_angle(local[j], axis) * (smoothstep(place / OWN_TWIST_SPAN[name[-3:]]) - 1.0)
            if name.endswith("elbow"):
                own = own + _twist_angle(local[INDEX[child]], axis) * smoothstep(place)
            result = rot.from_rotvec(own[:, None] * axis)
        return result


BONES = {
    f"{side}_{a}": f"{side}_{b}"
    for side in ("left", "right")
    for a, b in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"))
}
#: Flesh that a folded joint presses outwards: growth about the pivot at a right angle times two.
BULGE = {
    f"{side}_{joint}": size
    for side in ("left", "right")
    for joint, size in (("knee", 0.31), ("elbow", 0.20), ("shoulder", 0.21))
}
#: Over which part of the bone a joint's own twist builds up (keyed by the last letters of its name).
OWN_TWIST_SPAN = {"der": 0.9, "bow": 0.5, "hip": 0.9}


def _twist_angle(q: Array, axis: Array) -> float:
    _, twist = rot.swing_twist(q, axis)
    return float(rot.to_rotvec(twist) @ axis)


def world(local: Array, joints: Array) -> tuple[Array, Array]:
    """World rotations and positions of the joints with the pelvis at its rest place."""
    offsets = joints - np.where(PARENTS[:, None] >= 0, joints[np.maximum(PARENTS, 0)], 0.0)
    return kinematics.forward(PARENTS, local, offsets)


def blend(vertices: Array, weights: Array, joints: Array, local: Array) -> tuple[Array, Array]:
    """Plain linear blend skinning: posed ``(V, 3)`` and each vertex's blended matrix ``(V, 3, 3)``."""
    world_q, world_p = world(local, joints)
    matrices = rot.to_matrix(world_q)
    translation = world_p - np.einsum("jab,jb->ja", matrices, joints)
    mixed = np.einsum("vj,jab->vab", weights, matrices)
    return np.einsum("vab,vb->va", mixed, vertices) + weights @ translation, mixed
