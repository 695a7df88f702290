"""Lays the pieces of an outfit on a body of some shape and joins them into one skinned mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from motion.body.asset import Asset
from motion.body.patch import vertex_normals, with_lip
from motion.body.piece import Piece
from motion.body.skinning import Correctives, Layout, sorting
from motion.material import Material
from motion.rotations import Array
from motion.skeleton import INDEX

#: Part by the joint that moves a face most.
PART_OF_JOINT = {
    "pelvis": "torso", "spine1": "torso", "spine2": "torso", "spine3": "torso", "left_collar": "torso",
    "right_collar": "torso", "neck": "head", "head": "head",
} | {
    f"{side}_{joint}": f"{side}_{part}"
    for side in ("left", "right")
    for joint, part in {
        "shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hand": "hand", "hip": "thigh",
        "knee": "shin", "ankle": "foot", "foot": "foot",
    }.items()
}  # fmt: skip
PARTS: tuple[str, ...] = (*dict.fromkeys(PART_OF_JOINT.values()), "hair", "eyes")


@dataclass(frozen=True)
class Dressed:
    """A dressed body at rest, 1.70 m tall, before it is scaled and stood on its soles."""

    vertices: Array  # (V, 3)
    normals: Array  # (V, 3)
    faces: np.ndarray  # (F, 3)
    uv: Array  # (V, 2)
    weld: np.ndarray  # (V,)
    blend: sparse.csr_matrix  # (V, N) which body vertices each vertex follows
    weights: Array  # (V, 24)
    lift: Array  # (V,) metres that cloth stands off the surface it was cut from
    materials: tuple[Material, ...]
    face_material: np.ndarray  # (F,)
    face_part: np.ndarray  # (F,) index into PARTS
    layout: Layout
    sole: float  # metres below the bare foot


def dress(asset: Asset, shaped: Array, shaped_joints: Array, pieces: Sequence[Piece]) -> Dressed:
    """Lay every piece on the shaped body ``shaped (N, 3)``."""
    vertices: list[Array] = []
    normals: list[Array] = []
    faces: list[np.ndarray] = []
    uvs: list[Array] = []
    welds: list[np.ndarray] = []
    blends: list[sparse.csr_matrix] = []
    lifts: list[Array] = []
    measured: list[np.ndarray] = []
    face_material: list[np.ndarray] = []
    face_part: list[np.ndarray] = []
    materials: list[Material] = []
    start = 0
    sole = max((p.sole for p in pieces), default=0.0)

    def material_of(material: Material) -> int:
        if material not in materials:
            materials.append(material)
        return materials.index(material)

    def add(
        v: Array,
        n: Array,
        f: np.ndarray,
        uv: Array,
        weld: np.ndarray,
        blend,
        material: Material,
        part,
        lift=None,
        rim=None,
    ):
        nonlocal start
        lifts.append(np.zeros(len(v)) if lift is None else lift)
        whole = np.ones(len(v), dtype=bool)
        if rim is not None:
            whole[rim] = False
        measured.append(whole)
        for column, rows in (
            (vertices, v), (normals, n), (faces, f + start), (uvs, uv), (welds, weld + start), (blends, blend)
        ):  # fmt: skip
            column.append(rows)
        face_material.append(np.full(len(f), material_of(material)))
        if part is None:
            strongest = np.argmax((blend @ asset.weights)[f].sum(1), axis=1)
            names = list(INDEX)
            face_part.append(np.array([PARTS.index(PART_OF_JOINT[names[j]]) for j in strongest]))
        else:
            face_part.append(np.full(len(f), PARTS.index(part)))
        start += len(v)

    skin_normals = _whole_normals(asset, shaped, "skin")
    for piece in pieces:
        patch = piece.patch
        if not len(patch.faces):
            continue
        weld = patch.weld
        if piece.shift is not None:  # hangs from the body without being cut from it
            v = patch.blend @ shaped + piece.shift
            n = vertex_normals(v, patch.faces, weld)
            add(v, n, patch.faces, patch.uv, weld, patch.blend, piece.material, piece.part)
            continue
        if piece.lift == 0 and not piece.smooth:  # bare skin: exact, with the normals of the uncut surface
            v = patch.blend @ shaped
            n = (
                patch.blend @ skin_normals
                if piece.material.name in ("skin", "lips", "mouth")
                else vertex_normals(v, patch.faces, weld)
            )
            n = n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12)
            rim = np.isin(weld, weld[patch.rim])
            rim = np.isin(weld, weld[patch.faces[rim[patch.faces].any(1)]])  # and all who lost part of a triangle
            add(v, n, patch.faces, patch.uv, weld, patch.blend, piece.material, piece.part, rim=rim)
            continue
        blend = piece.smoothed
        v = blend @ shaped
        out = vertex_normals(v, patch.faces, weld)
        lift = piece.lift + (piece.extra(patch.at) if piece.extra else 0.0)
        lift = np.broadcast_to(lift, len(v))
        if piece.sole:
            v = _shoe(v + lift[:, None] * out, shaped_joints, piece.sole)
        else:
            v = v + lift[:, None] * out
        n = vertex_normals(v, patch.faces, weld)
        if piece.hem:
            whole, inner = with_lip(patch)
            extra_rows = _rows(patch, whole)
            blend = sparse.csr_matrix(blend)[extra_rows]
            depth = np.maximum(np.minimum(lift, 0.012) + 0.004, 0.003) + (piece.deep(patch.at) if piece.deep else 0.0)
            inwards = depth[extra_rows] * inner
            v = v[extra_rows] - inwards[:, None] * out[extra_rows]
            # The strip's normals are its own, the sheet keeps its.
            strip = vertex_normals(v, whole.faces[len(patch.faces) :], _strip_weld(whole, len(patch.at), inner))
            n = np.concatenate([n, strip[len(n) :]])
            weld = np.concatenate([weld, _strip_weld(whole, len(patch.at), inner)[len(patch.at) :]])
            add(v, n, whole.faces, whole.uv, weld, blend, piece.material, piece.part, lift[extra_rows] - inwards)
        else:
            add(v, n, patch.faces, patch.uv, weld, sparse.csr_matrix(blend), piece.material, piece.part, lift)
        if piece.lining:
            inside = patch.faces[:, ::-1]
            row = slice(0, len(patch.at))
            add(v[row] - 0.0015 * n[row], -n[row], inside, patch.uv, patch.weld, blend[row], piece.material, piece.part,
                lift - 0.0015)  # fmt: skip
        if piece.under is not None:
            face_material[-1][: len(patch.faces)][piece.under_faces] = material_of(piece.under)

    for side in ("l", "r"):
        _add_eye(asset, shaped, side, add)
    blend = sparse.csr_matrix(sparse.vstack(blends))
    corrected = np.zeros(len(asset.template), dtype=bool)
    for rows in asset.pose_rows:
        corrected[rows % len(corrected)] = True
    weights, weld, face_table = np.asarray(blend @ asset.weights), np.concatenate(welds), np.concatenate(faces)
    order, layout = sorting(weights, (blend @ corrected) > 0, face_table, weld, np.concatenate(measured))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    first = np.full(len(order), len(order))
    np.minimum.at(first, weld, place)
    return Dressed(
        vertices=np.concatenate(vertices)[order],
        normals=np.concatenate(normals)[order],
        faces=place[face_table],
        uv=np.concatenate(uvs)[order],
        weld=first[weld][order],
        blend=blend[order],
        weights=weights[order],
        lift=np.concatenate(lifts)[order],
        materials=tuple(materials),
        face_material=np.concatenate(face_material),
        face_part=np.concatenate(face_part),
        layout=layout,
        sole=sole,
    )


def _whole_normals(asset: Asset, shaped: Array, group: str) -> Array:
    return vertex_normals(shaped, asset.faces[group], np.arange(len(shaped)))


def _rows(patch, whole) -> np.ndarray:
    """For every vertex of a lipped patch, the vertex of the sheet it came from."""
    outer = np.unique(patch.rim)
    return np.concatenate([np.arange(len(patch.at)), outer, outer])


def _strip_weld(whole, sheet: int, inner: np.ndarray) -> np.ndarray:
    """Weld map of a lipped patch in which the strip is apart from the sheet, and its two sides from each other."""
    key = np.round(whole.at, 7)
    tag = np.zeros((len(key), 1))
    tag[sheet:] = 1 + inner[sheet:, None]
    _, first, index = np.unique(np.hstack([key, tag]), axis=0, return_index=True, return_inverse=True)
    return first[index.ravel()]


def _shoe(v: Array, joints: Array, sole: float) -> Array:
    """Press the underside of a foot flat onto a sole ``sole`` metres below the bare foot, rounding the edge."""
    v = v.copy()
    top = 0.03
    low = np.clip((top - v[:, 1]) / top, 0.0, 1.0)
    flat = low * low * (3 - 2 * low)
    v[:, 1] = np.where(v[:, 1] < top, v[:, 1] * (1 - flat) + flat * -sole, v[:, 1])
    return v


def _add_eye(asset: Asset, shaped: Array, side: str, add) -> None:
    """A ball in the socket with iris and pupil; twice as many rings where they matter."""
    rows = np.unique(asset.faces[f"{side}-eye"])
    ball = shaped[rows]
    centre = ball.mean(0)
    radius = float(np.linalg.norm(ball - centre, axis=1).mean())
    angles = np.radians([0, 6, 11, 18, 26, 40, 60, 85, 115])
    around = np.arange(16) * (2 * np.pi / 16)
    points, uv = [[0.0, 0.0, 1.0]], [[0.5, 0.5]]
    for angle in angles[1:]:
        for phi in around:
            points.append([np.sin(angle) * np.cos(phi), np.sin(angle) * np.sin(phi), np.cos(angle)])
            uv.append([0.5 + 0.5 * np.cos(phi) * angle / np.pi, 0.5 + 0.5 * np.sin(phi) * angle / np.pi])
    directions = np.array(points)
    face_list: list[list[int]] = []
    ring_list: list[int] = []
    for k in range(16):
        face_list.append([0, 1 + k, 1 + (k + 1) % 16])
        ring_list.append(0)
    for ring in range(1, len(angles) - 1):
        a, b = 1 + 16 * (ring - 1), 1 + 16 * ring
        for k in range(16):
            k2 = (k + 1) % 16
            face_list += [[a + k, b + k, b + k2], [a + k, b + k2, a + k2]]
            ring_list += [ring, ring]
    faces, ring_of = np.array(face_list), np.array(ring_list)
    v = centre + radius * directions
    blend = sparse.csr_matrix(
        (np.full(len(v) * len(rows), 1 / len(rows)), (np.repeat(np.arange(len(v)), len(rows)), np.tile(rows, len(v)))),
        shape=(len(v), len(shaped)),
    )
    for material, keep in (
        (Material("pupil", (0.005, 0.004, 0.004), 0.1, 0.0, "eye"), ring_of < 2),
        (Material("iris", (0.07, 0.045, 0.022), 0.15, 0.0, "eye"), (ring_of >= 2) & (ring_of < 4)),
        (Material("eye_white", (0.72, 0.70, 0.67), 0.25, 0.0, "eye"), ring_of >= 4),
    ):
        used, index = np.unique(faces[keep], return_inverse=True)
        index = index.reshape(-1, 3)
        add(v[used], directions[used], index, np.array(uv)[used], np.arange(len(used)), blend[used], material, "eyes")


def correctives(asset: Asset, blend: sparse.csr_matrix, lift: Array, scale: float) -> tuple[Correctives, ...]:
    """The body's pose correctives carried to the dressed mesh, limb by limb; cloth has those of where it hangs."""
    result = []
    centimetres = sparse.csr_matrix(sparse.diags_array(100.0 * lift) @ blend)
    blend = sparse.csc_matrix(sparse.hstack([blend, centimetres]))
    for mix, basis, rows in zip(asset.pose_mix, asset.pose_basis, asset.pose_rows, strict=True):
        rank = len(basis)
        part = sparse.csr_matrix(blend[:, rows])
        touched = np.flatnonzero(np.diff(part.indptr))
        moved = part[touched] @ basis.transpose(1, 2, 0).reshape(len(rows), 3 * rank)
        planes = moved.reshape(len(touched), 3, rank).transpose(1, 0, 2).reshape(-1, rank)
        result.append(
            Correctives(
                touched,
                np.ascontiguousarray(scale * planes, dtype=np.float32),
                np.ascontiguousarray(mix.T, dtype=np.float32),
            )
        )
    return tuple(result)
