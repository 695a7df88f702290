"""Corrective shapes: what a body's own posing does beyond four-influence linear skinning, baked into morph targets.

A viewer skins with four influences a vertex and knows nothing of pose correctives, so elbows and shoulders would
collapse where the film's do not. The difference, taken back to the rest pose and over all frames, is nearly of low
rank: a few shapes with animated weights bring it back. On the default body 10 do for a walk, 20 to 26 for a spin kick,
a cartwheel or a crawl, to a millimetre; without them a bent elbow is off by 30.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.character import Character
from motion.rotations import Array

#: Frames that the shapes are found from, at most; the weights are fitted on every frame.
_SAMPLED = 96
#: Vertices that the weights are fitted on, at most.
_FITTED = 2000


@dataclass(frozen=True)
class Shapes:
    """Displacements at rest and how much of each is in every frame."""

    targets: np.ndarray  # (K, V, 3) float32, metres, added to the rest mesh before skinning
    weights: np.ndarray  # (T, K) float32, at most 1 in size
    residual_m: float  # the farthest that a vertex of a sampled frame remains from where the body poses it


def bake(
    character: Character, rotations: Array, root: Array, weights: np.ndarray, tolerance_m: float, most: int
) -> Shapes:
    """The fewest shapes that bring every vertex within a tolerance of ``character.pose``.

    Args:
        character: whose posing is the truth.
        rotations: ``(T, 24, 4)`` local, xyzw.
        root: ``(T, 3)`` metres.
        weights: ``(V, 24)`` skin weights as they are exported.
        tolerance_m: stop when no vertex of a sampled frame is farther away than this, metres.
        most: and at this number of shapes.
    """
    frames = len(rotations)
    chosen = np.unique(np.linspace(0, frames - 1, min(frames, _SAMPLED)).round().astype(int))
    sampled = _displacements(character, rotations[chosen], root[chosen], weights)
    flat = sampled.reshape(len(chosen), -1)
    # Left singular vectors from the small Gram matrix; uncentred, since weights of 0 must mean the plain rest mesh.
    values, left = np.linalg.eigh((flat @ flat.T).astype(np.float64))
    order = np.argsort(-values)
    basis = np.zeros((0, flat.shape[1]), np.float32)
    left_over = flat.copy()
    while len(basis) < min(most, len(chosen)) and _farthest(left_over) > tolerance_m:
        k = order[len(basis)]
        if values[k] < 1e-12 * max(values[order[0]], 1e-30):
            break
        shape = np.einsum("t,tv->v", (left[:, k] / np.sqrt(values[k])).astype(np.float32), flat)
        left_over -= np.einsum("tv,v->t", left_over, shape)[:, None] * shape
        basis = np.concatenate([basis, shape[None]])
    if len(basis) == 0:
        return Shapes(
            np.zeros((0, len(weights), 3), np.float32), np.zeros((frames, 0), np.float32), _farthest(left_over)
        )
    # The vertices that the shapes move most tell their amounts as well as all do, at a fraction of the work.
    moving = np.einsum("kvc,kvc->v", *[basis.reshape(len(basis), -1, 3)] * 2)
    rows = np.sort(np.argsort(-moving, kind="stable")[:_FITTED])
    fit = np.linalg.pinv(basis.reshape(len(basis), -1, 3)[:, rows].reshape(len(basis), -1).astype(np.float64))
    amounts = np.zeros((frames, len(basis)), np.float32)
    for t in range(0, frames, 16):  # in batches: a long take needs no more memory than a short one
        batch = slice(t, t + 16)
        moved = _displacements(character, rotations[batch], root[batch], weights, rows)
        amounts[batch] = np.einsum("tv,vk->tk", moved.reshape(len(moved), -1), fit)
    largest = np.take_along_axis(amounts, np.abs(amounts).argmax(axis=0)[None], axis=0)[0]
    largest = np.where(largest == 0, 1, largest).astype(np.float32)
    targets = (basis * largest[:, None]).reshape(len(basis), -1, 3)
    return Shapes(targets, (amounts / largest).astype(np.float32), _farthest(left_over))


def _farthest(flat: np.ndarray) -> float:
    return float(np.linalg.norm(flat.reshape(len(flat), -1, 3), axis=-1).max(initial=0.0))


def _displacements(
    character: Character, rotations: Array, root: Array, weights: np.ndarray, rows: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """``(T, rows, 3)`` metres: what must be added to the rest mesh for linear skinning to give the body's vertices."""
    mesh = character.mesh
    posed = character.pose(rotations, root)[0][:, rows]
    offsets = np.repeat(np.asarray(character.rest_offsets)[None], len(rotations), axis=0)
    offsets[:, 0] = root
    world, places = kinematics.forward(skeleton.PARENTS, rotations, offsets)
    turns = rot.to_matrix(world)
    moves = places - np.einsum("tjab,jb->tja", turns, mesh.joints)
    found = np.empty(posed.shape, np.float32)
    rest = np.ascontiguousarray(mesh.vertices[rows].T, dtype=np.float64)
    sparse = scipy.sparse.csr_matrix(weights[rows].astype(np.float64))  # four of 24: quicker than a dense product
    for t in range(len(rotations)):
        blend = (sparse @ turns[t].reshape(24, 9)).T.reshape(3, 3, -1)  # planes of V: far quicker than V small matrices
        plain = np.einsum("abv,bv->av", blend, rest) + (sparse @ moves[t]).T
        found[t] = _solve(blend, posed[t].T - plain).T
    return found


def _solve(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """``matrix (3, 3, V)`` inverse times ``vector (3, V)``, damped.

    Blended rotations shrink and may be singular in a sharp twist; the damped inverse keeps displacements small there.
    """
    a = np.einsum("bav,bcv->acv", matrix, matrix)
    for k in range(3):
        a[k, k] += 1e-5
    back = np.einsum("bav,bv->av", matrix, vector)
    # Cramer's rule for a symmetric matrix.
    c00, c01, c02 = (
        a[1, 1] * a[2, 2] - a[1, 2] ** 2, a[0, 2] * a[1, 2] - a[0, 1] * a[2, 2], a[0, 1] * a[1, 2] - a[0, 2] * a[1, 1]
    )  # fmt: skip
    c11, c12 = a[0, 0] * a[2, 2] - a[0, 2] ** 2, a[0, 1] * a[0, 2] - a[0, 0] * a[1, 2]
    c22 = a[0, 0] * a[1, 1] - a[0, 1] ** 2
    determinant = a[0, 0] * c00 + a[0, 1] * c01 + a[0, 2] * c02
    x, y, z = back
    return (
        np.stack([c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z]) / determinant
    )
