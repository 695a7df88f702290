"""A skirt: legs stay inside it, whoever walks in it; nothing else about posing changes."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

import mocap_data
from motion.body import Body
from motion.body.patch import vertex_normals
from motion.retarget import retarget


def used(body: Body, material: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of one material."""
    index = [m.name for m in body.mesh.materials].index(material)
    faces = body.mesh.faces[body.mesh.face_material == index]
    return np.unique(faces), faces


def legs_outside(body: Body, posed: np.ndarray) -> float:
    """How far, in metres, stockings stand outside the skirt's outer sheet at most, in one frame ``(V, 3)``."""
    rest, joints = body.mesh.vertices, body.mesh.joints
    legs, _ = used(body, "bottom")
    skirt, faces = used(body, "skirt")
    facing = np.sum(body.mesh.normals * (rest - joints[0]) * [1, 0, 1], axis=1) > 0
    faces = faces[facing[faces].all(1)]  # neither lining nor hem
    sheet = np.unique(faces)
    normals = vertex_normals(posed, faces, body.weld)
    distance, nearest = cKDTree(posed[sheet]).query(posed[legs])
    rows = sheet[nearest]
    inner = rest[rows, 1] > rest[skirt, 1].min() + 0.06  # at the hem a leg stands beside, not outside
    depth = np.sum((posed[legs] - posed[rows]) * normals[rows], axis=1)
    return float(depth[inner & (distance < 0.05)].max(initial=0.0))


@pytest.mark.parametrize("words", [{"build": "slim"}, {"build": "heavy"}, {"age": "child"}], ids=str)
def test_legs_stay_inside_a_skirt(words: dict[str, str]) -> None:
    body = Body.default(outfit="dress", **words)
    clip, _ = retarget(mocap_data.load("pybullet:walk"), body.rest_offsets)
    pick = np.linspace(0, clip.frames - 1, 9).astype(int)
    posed, normals = body.pose(clip.rotations[pick], clip.root_position[pick])
    skinner = copy.copy(body._skinner)
    skinner._skirt = None
    bare = replace(body, _skinner=skinner).pose(clip.rotations[pick], clip.root_position[pick])[0]
    assert max(legs_outside(body, v) for v in bare) > 0.008, "skinning alone lets them through"
    assert max(legs_outside(body, v) for v in posed) < 0.003
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1).max() < 1e-4
    alone = body.pose(clip.rotations[pick[3:4]], clip.root_position[pick[3:4]])[0]
    assert np.array_equal(alone[0], posed[3]), "whatever the batch"
