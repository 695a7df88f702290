"""`save`: performances as glTF 2.0, one skinned mesh, skeleton and set of animation channels per performer.

glTF's axes and units are ours (metres, Y up, facing +Z, xyzw), so nothing is converted. The file is what importers
expect: the mesh node stands at the scene's root without a transform of its own, four influences a vertex, the rest pose
is the T-pose in node transforms and inverse bind matrices, one named animation for the take, root motion on the pelvis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.camera import CameraPath
from motion.character import Character, SkinnedMesh
from motion.clip import Clip
from motion.errors import BadInput, unknown
from motion.files import whole
from motion.material import Material
from motion.rotations import Array
from motion.stage import Performance
from render.interchange.gltf_document import (
    ARRAY_BUFFER,
    ELEMENT_ARRAY_BUFFER,
    FLOAT,
    UNSIGNED_BYTE,
    UNSIGNED_INT,
    Document,
)
from render.interchange.gltf_shapes import bake

if TYPE_CHECKING:
    import pygltflib

BONES = ("smpl", "along_child")
#: Corrective shapes stop when every vertex is this near to where the body poses it, or at this number.
TOLERANCE_M, MOST_SHAPES = 0.001, 32
SUFFIXES = (".glb", ".gltf")


def save(
    path: str | Path,
    performances: Clip | Performance | Sequence[Performance],
    character: Character | None = None,
    *,
    camera: CameraPath | None = None,
    aspect: float = 16 / 9,
    name: str | None = None,
    names: str = "smpl",
    bones: str = "smpl",
    correctives: bool = True,
) -> None:
    """Write moving bodies, and the camera if given, to a ``.glb`` (or a ``.gltf`` with everything inside).

    A performer who starts later holds the first pose until then, as in the film; what lies before time 0 is left out.
    A camera becomes one glTF camera per shot, since glTF interpolates across cuts and cannot change a lens in time: its
    angle is the one in the middle of the shot, and the focal lengths of all its frames are in the node's ``extras``.

    Args:
        path: where to write; ``.glb`` or ``.gltf``.
        performances: who moves; or one clip, together with its character.
        character: the body of a lone clip.
        camera: a path to write along.
        aspect: width / height of the picture, for the camera's vertical angle.
        name: the animation's name; None: the file's stem.
        names: how joints are called: ``"smpl"`` or a convention known to `motion.names` (``"mixamo"``, …).
        bones: ``"smpl"``: joints' own frames, all aligned at rest; ``"along_child"``: +Y points to the child joint,
            which programs that draw bones along +Y (Blender) show as a tidy skeleton.
        correctives: add morph targets, animated, that make a viewer's four-influence linear skinning follow the body's
            own posing to a millimetre (elbows and shoulders keep their volume); none are added where none are needed.

    Raises:
        BadInput: no performer, an unknown option, a wrong suffix, or a place that cannot be written to.
        MissingSystem: the disk is full.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise BadInput(f"{path}: {unknown('glTF suffix', path.suffix, SUFFIXES)}")
    if bones not in BONES:
        raise unknown("bone layout", bones, BONES)
    if not (math.isfinite(aspect) and aspect > 0):
        raise BadInput(f"{path}: aspect {aspect}, expected width / height above 0")
    cast = _cast(path, performances, character)
    joint_names = _joint_names(names)
    document = Document(name or path.stem)
    for performance in cast:
        _add_performer(document, performance, joint_names, bones, correctives)
    if camera is not None:
        _add_camera(document, camera, aspect)
    document.describe(cast)
    with whole(path) as partial:
        partial.write_bytes(document.glb() if path.suffix.lower() == ".glb" else document.gltf())


def _cast(path: Path, performances: Any, character: Character | None) -> list[Performance]:
    if isinstance(performances, Clip):
        if character is None:
            raise BadInput(f"{path}: a clip alone has no body; give a character with it")
        return [Performance("performer", performances, character)]
    cast = [performances] if isinstance(performances, Performance) else list(performances)
    if not cast:
        raise BadInput(f"{path}: nobody to write, expected at least one performance")
    return cast


def _joint_names(names: str) -> tuple[str, ...]:
    if names == "smpl":
        return skeleton.JOINTS
    from motion.names import rename

    return rename(names)


@dataclass(frozen=True)
class _Rest:
    """The T-pose with each joint's own axes: rotations to the world and positions."""

    world: Array  # (24, 4)
    joints: Array  # (24, 3) where the mesh was bound
    offsets: Array  # (24, 3) joint in its parent's frame of SMPL; row 0 is not used

    def local(self) -> tuple[Array, Array]:
        """Rotation and translation of every joint in its parent's frame."""
        turns = kinematics.to_local(skeleton.PARENTS, self.world)
        offsets = rot.rotate(rot.inverse(self.world[np.maximum(skeleton.PARENTS, 0)]), self.offsets)
        offsets[0] = self.joints[0]
        return turns, offsets

    def animated(self, rotations: Array) -> Array:
        """SMPL's local rotations ``(T, 24, 4)`` seen in these axes: parent's axes⁻¹ · rotation · own axes."""
        parents = self.world[np.maximum(skeleton.PARENTS, 0)]
        parents = np.where((skeleton.PARENTS >= 0)[:, None], parents, rot.IDENTITY)
        return rot.multiply(rot.inverse(parents), rot.multiply(rotations, self.world))

    def inverse_bind(self) -> Array:
        """``(24, 16)`` matrices from the mesh at rest into each joint's frame, column by column."""
        matrices = np.zeros((24, 4, 4))
        turn = np.swapaxes(rot.to_matrix(self.world), 1, 2)
        matrices[:, :3, :3] = turn
        matrices[:, :3, 3] = -np.einsum("jab,jb->ja", turn, self.joints)
        matrices[:, 3, 3] = 1
        return np.swapaxes(matrices, 1, 2).reshape(24, 16)


def _rest(character: Character, bones: str) -> _Rest:
    joints = np.asarray(character.mesh.joints, dtype=np.float64)
    offsets = np.asarray(character.rest_offsets, dtype=np.float64)
    world = np.broadcast_to(rot.IDENTITY, (24, 4)).copy()
    if bones == "smpl":
        return _Rest(world, joints, offsets)
    for j in range(24):
        children = [c for c in range(24) if skeleton.PARENTS[c] == j]
        # Where the body branches the spine goes on: spine1 after the pelvis, neck after spine3.
        ahead = next(
            (c for c in children if skeleton.JOINTS[c] in ("spine1", "neck")), children[0] if children else None
        )
        if ahead is None:
            world[j] = world[skeleton.PARENTS[j]]
        else:
            world[j] = rot.between([0.0, 1.0, 0.0], joints[ahead] - joints[j])
    return _Rest(world, joints, offsets)


def _add_performer(
    document: Document, performance: Performance, names: Sequence[str], bones: str, correctives: bool
) -> None:
    lib, mesh = document.lib, performance.character.mesh
    rest = _rest(performance.character, bones)
    turns, offsets = rest.local()
    first = len(document.root.nodes) + 1
    document.node(name=performance.name, children=[first], in_scene=True)
    for j in range(24):
        children = [first + c for c in range(24) if skeleton.PARENTS[c] == j]
        rotation = None if bones == "smpl" else turns[j].tolist()
        document.node(name=names[j], translation=offsets[j].tolist(), rotation=rotation, children=children)
    bind = document.accessor(rest.inverse_bind(), FLOAT)
    joints = [first + j for j in range(24)]
    document.root.skins.append(lib.Skin(name=performance.name, inverseBindMatrices=bind, skeleton=first, joints=joints))
    rotations, root, seconds = _keys(performance)
    chosen, kept = influences(np.asarray(mesh.weights))
    shapes = None
    if correctives:
        dense = np.zeros_like(mesh.weights)
        np.add.at(dense, (np.arange(len(kept))[:, None], chosen), kept)
        shapes = bake(performance.character, rotations, root, dense, TOLERANCE_M, MOST_SHAPES)
    targets = np.zeros((0, len(kept), 3)) if shapes is None else shapes.targets
    label = f"{performance.name} body"
    document.root.meshes.append(
        lib.Mesh(
            name=label,
            primitives=_primitives(document, mesh, chosen, kept, targets),
            weights=[0.0] * len(targets),
            extras={"targetNames": [f"corrective {k + 1}" for k in range(len(targets))]} if len(targets) else {},
        )
    )
    body = document.node(
        name=label, mesh=len(document.root.meshes) - 1, skin=len(document.root.skins) - 1, in_scene=True
    )
    times = document.accessor(seconds, FLOAT, bounds=True)
    document.animate(first, "translation", times, root)
    local = rot.continuous(rest.animated(rotations))
    for j in range(24):
        document.animate(first + j, "rotation", times, rot.normalize(local[:, j]))
    if shapes is not None and len(targets):
        document.animate(body, "weights", times, shapes.weights.reshape(-1))


def _keys(performance: Performance) -> tuple[Array, Array, Array]:
    """Rotations, root and times in the film of a performer's keys, from time 0 on; glTF knows no earlier time."""
    clip = performance.clip
    seconds = performance.start_s + np.array([float(Fraction(k) / clip.fps) for k in range(clip.frames)])
    kept = seconds >= -1e-9
    rotations, root, seconds = clip.rotations[kept], clip.root_position[kept], np.maximum(seconds[kept], 0.0)
    if not kept.all() and (len(seconds) == 0 or seconds[0] > 1e-6):
        pose, place = performance.at(0.0)
        rotations, root = np.concatenate([pose[None], rotations]), np.concatenate([place[None], root])
        seconds = np.concatenate([[0.0], seconds])
    return rotations, root, seconds


def influences(weights: np.ndarray, most: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """The strongest joints of every vertex: indices uint8 and weights float32, each ``(V, most)``, rows summing to 1.

    Joint 0 stands where a weight is 0, as glTF asks.
    """
    chosen = np.argsort(-weights, axis=1, kind="stable")[:, :most]
    kept = np.take_along_axis(weights, chosen, axis=1).astype(np.float64)
    kept[kept < 1e-6] = 0.0
    kept /= np.maximum(kept.sum(axis=1, keepdims=True), 1e-12)
    rounded = kept.astype(np.float32)
    rounded[:, 0] = 1.0 - rounded[:, 1:].sum(axis=1, dtype=np.float32)  # the sum is 1 in float32 too
    return np.where(rounded > 0, chosen, 0).astype(np.uint8), rounded


def _primitives(
    document: Document, mesh: SkinnedMesh, joints: np.ndarray, weights: np.ndarray, targets: np.ndarray
) -> list[pygltflib.Primitive]:
    """One primitive a material, over shared vertices and morph targets."""
    lib = document.lib
    normals = np.asarray(mesh.normals, dtype=np.float64)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 1e-9, normals / np.maximum(length, 1e-9), [0.0, 1.0, 0.0])
    # glTF's texture origin is the upper left.
    uv = np.asarray(mesh.uv, dtype=np.float64) * [1, -1] + [0, 1]

    def vertices(values: np.ndarray, component: int = FLOAT, bounds: bool = False) -> int:
        return document.accessor(values, component, target=ARRAY_BUFFER, bounds=bounds)

    attributes = {
        "POSITION": vertices(mesh.vertices, bounds=True),
        "NORMAL": vertices(normals),
        "TEXCOORD_0": vertices(uv),
        "JOINTS_0": vertices(joints, UNSIGNED_BYTE),
        "WEIGHTS_0": vertices(weights),
    }
    morphs = [lib.Attributes(POSITION=vertices(target, bounds=True)) for target in targets]
    primitives = []
    for m, material in enumerate(mesh.materials):
        faces = np.asarray(mesh.faces)[np.asarray(mesh.face_material) == m]
        if len(faces) == 0:
            continue
        indices = document.accessor(faces.reshape(-1), UNSIGNED_INT, target=ELEMENT_ARRAY_BUFFER)
        document.root.materials.append(_material(lib, material))
        number = len(document.root.materials) - 1
        primitives.append(
            lib.Primitive(
                attributes=lib.Attributes(**attributes), targets=morphs, indices=indices, material=number, mode=4
            )
        )
    return primitives


def _material(lib: Any, material: Material) -> Any:
    """Our materials are glTF's model already; a procedural pattern is named in ``extras``, for who knows it."""
    clipped = [float(min(max(c, 0.0), 1.0)) for c in material.colour]
    return lib.Material(
        name=material.name,
        pbrMetallicRoughness=lib.PbrMetallicRoughness(
            baseColorFactor=[*clipped, 1.0],
            metallicFactor=float(np.clip(material.metallic, 0, 1)),
            roughnessFactor=float(np.clip(material.roughness, 0, 1)),
        ),
        doubleSided=True,  # skirts, sleeves and hair are open shells
        alphaMode="OPAQUE",
        alphaCutoff=None,
        extras={"pattern": material.pattern} if material.pattern != "plain" else {},
    )


def _add_camera(document: Document, camera: CameraPath, aspect: float) -> None:
    lib = document.lib
    starts = [0, *(int(k) for k in np.flatnonzero(camera.cuts) if k > 0), camera.frames]
    for shot, (first, end) in enumerate(itertools.pairwise(starts)):
        span = slice(first, end)
        label = "camera" if len(starts) == 2 else f"camera shot {shot + 1}"
        perspective = lib.Perspective(
            aspectRatio=float(aspect), yfov=float(camera.fov_y(aspect)[(first + end - 1) // 2]), znear=0.05
        )
        document.root.cameras.append(lib.Camera(name=label, type="perspective", perspective=perspective))
        poses = camera.T_world_camera[span]
        turns = rot.continuous(rot.from_matrix(poses[:, :3, :3]))
        node = document.node(
            name=label,
            camera=len(document.root.cameras) - 1,
            translation=poses[0, :3, 3].tolist(),
            rotation=turns[0].tolist(),
            extras={
                "focal_mm": [round(float(f), 4) for f in camera.focal_mm[span]],
                "sensor_width_mm": camera.sensor_width_mm,
                "fps": str(camera.fps),
                "first_frame": first,
            },
            in_scene=True,
        )
        seconds = np.array([float(Fraction(k) / camera.fps) for k in range(first, end)])
        times = document.accessor(seconds, FLOAT, bounds=True)
        document.animate(node, "translation", times, poses[:, :3, 3])
        document.animate(node, "rotation", times, turns)
