"""A user's own SMPL body, coloured so that it is dressed; and the default body written down as an SMPL model."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion.body import outfits
from motion.body.dress import PART_OF_JOINT, PARTS, Dressed
from motion.body.patch import vertex_normals
from motion.body.skinning import Correctives, Skinner, sorting
from motion.body.smpl_files import SmplModel
from motion.character import SkinnedMesh
from motion.material import Colour, Material
from motion.rotations import Array
from motion.skeleton import INDEX, JOINTS, PARENTS

#: Metres that pose correctives may lose to compression.
TOLERANCE = 2e-5


def compress(posedirs: Array, rows: np.ndarray, seed: int = 0) -> Correctives:
    """Pose correctives ``(V, 3, 207)`` as one low-rank block, exact to `TOLERANCE` over strong random poses.

    The basis is the best one for rotation features as random poses have them; its size grows until the error is small.
    """
    rng = np.random.default_rng(seed)
    q = rng.standard_normal((96, 23, 4)) * 0.5 + [0, 0, 0, 1.0]
    features = (rot.to_matrix(rot.normalize(q)) - np.eye(3)).reshape(96, 207)
    flat = posedirs.transpose(2, 1, 0).reshape(207, -1)  # (207, 3 V), planes
    vectors = np.linalg.eigh(flat @ flat.T)[1][:, ::-1]
    for rank in (*range(16, 200, 16), 207):
        mix = vectors[:, :rank].T
        basis = mix @ flat
        if np.abs(features @ flat - (features @ mix.T) @ basis).max() < TOLERANCE:
            break
    return Correctives(rows, np.ascontiguousarray(basis.T, dtype=np.float32), mix.astype(np.float32))


def clothe(
    template: Array,
    faces: np.ndarray,
    weights: Array,
    joints: Array,
    colours: outfits.Outfit,
    skin: Colour,
    hair: Colour,
) -> tuple[tuple[Material, ...], np.ndarray]:
    """Materials by region, so that a bare model is never drawn bare: ``materials``, ``face_material (F,)``."""
    region = np.zeros(24, dtype=int)
    for joint in ("pelvis", "spine1", "spine2", "spine3"):
        region[INDEX[joint]] = 1
    for side in ("left", "right"):
        for number, joints_of in ((1, ("collar", "shoulder")), (2, ("hip", "knee")), (3, ("ankle", "foot"))):
            region[[INDEX[f"{side}_{joint}"] for joint in joints_of]] = number
    share = np.stack([weights[:, region == k].sum(1) for k in range(4)], axis=1)
    face_material = share[faces].sum(1).argmax(1)
    centre = template[faces].mean(1)
    # Trousers reach up to the waist: the pelvis is theirs.
    waist = 0.5 * (joints[INDEX["pelvis"], 1] + joints[INDEX["spine1"], 1])
    face_material[(face_material == 1) & (centre[:, 1] < waist)] = 2
    head, crown = joints[INDEX["head"]], template[:, 1].max()
    eyes = head[1] + 0.42 * (crown - head[1])
    d = centre - [0.0, eyes, head[2]]
    azimuth = np.degrees(np.abs(np.arctan2(d[:, 0], d[:, 2])))
    line = np.interp(azimuth, [0, 30, 55, 75, 98, 112, 140, 180], [0.62, 0.54, 0.22, 0.18, 0.24, 0.06, -0.5, -0.6])
    scalp = (weights[:, INDEX["head"]][faces].min(1) > 0.5) & (d[:, 1] > line * (crown - eyes))
    face_material[scalp & (face_material == 0)] = 4
    materials = (
        Material("skin", skin, 0.55, 0.0, "skin"),
        Material("top", colours.top, 0.85, 0.0, colours.top_pattern),
        Material("bottom", colours.bottom, 0.85, 0.0, colours.bottom_pattern),
        Material("shoes", colours.shoes, 0.5, 0.0, colours.shoe_pattern),
        Material("hair", hair, 0.55, 0.0, "hair"),
    )
    return materials, face_material


def character(
    model: SmplModel, betas: Array, colours: outfits.Outfit, skin: Colour, hair: Colour
) -> tuple[SkinnedMesh, np.ndarray, Skinner]:
    """The model at rest with these shape values, standing on the floor: mesh, weld, skinner."""
    count = min(len(betas), model.shapedirs.shape[2])
    rest = model.template + model.shapedirs[:, :, :count] @ betas[:count]
    joints = model.joint_regressor @ rest
    lift = np.array([0.0, -rest[:, 1].min(), 0.0])
    rest, joints = rest + lift, joints + lift
    faces, weld, uv, source = _seams(model, rest)
    weights = model.weights[source]
    order, layout = sorting(weights, np.ones(len(source), dtype=bool), faces, weld)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    first = np.full(len(order), len(order))
    np.minimum.at(first, weld, place)
    weld, faces, source = first[weld][order], place[faces], source[order]
    vertices, weights = rest[source], model.weights[source]
    normals = vertex_normals(vertices, faces, weld)
    materials, face_material = clothe(vertices, faces, weights, joints, colours, skin, hair)
    parts = np.array([PARTS.index(PART_OF_JOINT[name]) for name in JOINTS])[weights[faces].sum(1).argmax(1)]
    parts[face_material == 4] = PARTS.index("hair")
    mesh = SkinnedMesh(
        vertices=vertices.astype(np.float32), normals=normals.astype(np.float32), faces=faces.astype(np.int32),
        uv=uv[order].astype(np.float32), weights=weights.astype(np.float32), joints=joints, materials=materials,
        face_material=face_material.astype(np.int32), parts=PARTS, face_part=parts.astype(np.int32),
    )  # fmt: skip
    limb = compress(model.posedirs[source], np.arange(len(source)))
    skinner = Skinner(vertices, normals, faces, weld, weights, joints, layout, (limb,) if model.posedirs.any() else ())
    return mesh, weld, skinner


def _seams(model: SmplModel, rest: Array) -> tuple[np.ndarray, np.ndarray, Array, np.ndarray]:
    """Faces, weld, texture coordinates and model vertex of every vertex, doubled where the texture has seams."""
    if model.uv is None or model.faces_uv is None:
        # No texture layout in the file: wrap it round the body.
        uv = np.stack([np.arctan2(rest[:, 0], rest[:, 2]) / (2 * np.pi) + 0.5, rest[:, 1] / rest[:, 1].max()], axis=1)
        return model.faces, np.arange(len(rest)), uv, np.arange(len(rest))
    pairs = np.stack([model.faces.ravel(), model.faces_uv.ravel()], axis=1)
    unique, index = np.unique(pairs, axis=0, return_inverse=True)
    _, first, group = np.unique(unique[:, 0], return_index=True, return_inverse=True)
    return index.reshape(-1, 3), first[group.ravel()], model.uv[unique[:, 1]], unique[:, 0]


def as_smpl(
    mesh: SkinnedMesh, dressed: Dressed, shapedirs: Array, limbs: tuple[Correctives, ...]
) -> dict[str, np.ndarray]:
    """The arrays of an SMPL model file for the dressed default body.

    24 vertices that no face uses carry the joint centres (regressing joints from the surface would be off by
    centimetres), so ``J_regressor`` picks them. Pass the result as ``smplx.SMPL(data_struct=Struct(**arrays))``.

    Args:
        mesh: the body at rest.
        dressed: what it was made from.
        shapedirs: ``(V + 24, 3, 10)`` metres per unit of shape.
        limbs: pose correctives.
    """
    count = len(mesh.vertices)
    posedirs = np.zeros((count + 24, 3, 207), dtype=np.float32)
    for limb in limbs:
        n = len(limb.rows)
        posedirs[limb.rows] += (limb.basis @ limb.mix).reshape(3, n, 207).transpose(1, 0, 2)
    regressor = np.zeros((24, count + 24), dtype=np.float32)
    regressor[:, count:] = np.eye(24)
    return {
        "v_template": np.concatenate([mesh.vertices, mesh.joints]).astype(np.float32),
        "shapedirs": shapedirs.astype(np.float32),
        "posedirs": posedirs,
        "J_regressor": regressor,
        "weights": np.concatenate([mesh.weights, np.eye(24)]).astype(np.float32),
        "kintree_table": np.array([[2**32 - 1, *PARENTS[1:]], list(range(24))], dtype=np.int64),
        "f": mesh.faces.astype(np.int64),
    }
