"""The humanoid to look at: `shapes`, its capsules and boxes as meshes, and `Manikin`, a character made of them.

    performance = replace(performance, character=Manikin(performance.character))  # draw it with any renderer
    for joint, mesh, T_joint_mesh in shapes(character): ...                       # or place the pieces yourself

Poses are those that Bullet is given: welded joints (`physics.humanoid.DRIVEN`) carry their shapes rigidly, so that a
shoulder starts where its collar is at rest. Masses and contacts are not shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from motion import rotations as rot
from motion.character import Character, SkinnedMesh
from motion.errors import BadInput
from motion.material import Material
from motion.rotations import Array
from physics.humanoid import Humanoid, build
from physics.segments import Shape

#: Sides of a capsule, and rings of its round ends together.
_ROUND = (16, 8)
#: By side: left blue, right orange, the middle grey, as in the contact sheets; linear Rec.709.
_COLOURS = {"left": (0.014, 0.159, 0.631), "right": (0.631, 0.099, 0.014), "": (0.21, 0.21, 0.21)}


@dataclass(frozen=True)
class ShapeMesh:
    """One capsule or box, in its own frame: the middle at the origin, a capsule along Z."""

    vertices: np.ndarray  # (V, 3) float32, metres
    normals: np.ndarray  # (V, 3) float32, unit
    faces: np.ndarray  # (F, 3) int32, counter-clockwise seen from outside


def shapes(character: Character | Humanoid) -> list[tuple[str, ShapeMesh, Array]]:
    """The capsules and boxes that Bullet collides with.

    Args:
        character: who; or the humanoid that was made of one.

    Returns:
        For each: the SMPL joint that carries it (a driven one, or the pelvis), its mesh, and where it is in that
        joint's frame, ``T_joint_mesh (4, 4)``, metres. At rest a joint's frame is parallel to the world's.

    Raises:
        BadInput: a body that `physics.humanoid.build` refuses.
    """
    humanoid = character if isinstance(character, Humanoid) else build(character)
    out = []
    for link in humanoid.links:
        for shape in link.shapes:
            place = np.eye(4)
            place[:3, :3] = rot.to_matrix(np.array(shape.rotation))
            place[:3, 3] = shape.centre
            out.append((link.name, _mesh(shape), place))
    return out


def _mesh(shape: Shape) -> ShapeMesh:
    if shape.kind == "box":
        made = trimesh.creation.box(extents=2.0 * np.array(shape.size))
        flat = np.asarray(made.vertices)[made.faces].reshape(-1, 3)  # every side with its own normal
        normals, faces = np.repeat(made.face_normals, 3, axis=0), np.arange(len(flat)).reshape(-1, 3)
        return ShapeMesh(flat.astype(np.float32), normals.astype(np.float32), faces.astype(np.int32))
    radius, length, _ = shape.size
    made = trimesh.creation.capsule(height=length, radius=radius, count=list(_ROUND))
    points = np.asarray(made.vertices) - [0.0, 0.0, float(np.asarray(made.vertices)[:, 2].mean())]
    core = points * [0.0, 0.0, 1.0]
    core[:, 2] = np.clip(core[:, 2], -length / 2.0, length / 2.0)
    normals = (points - core) / radius
    return ShapeMesh(points.astype(np.float32), normals.astype(np.float32), np.asarray(made.faces, dtype=np.int32))


class Manikin:
    """A `motion.character.Character` made of the humanoid's shapes: any renderer or exporter draws it.

    Its mesh is bound rigidly to the driven joints. `pose` places the shapes as Bullet has them; an exporter that skins
    by the mesh's weights instead differs by what welded joints turn.
    """

    def __init__(self, character: Character) -> None:
        """Fit shapes to a character.

        Raises:
            BadInput: as `shapes`.
        """
        self.humanoid = build(character)
        self._offsets = np.asarray(character.rest_offsets, dtype=np.float64)
        rest = np.tile(rot.IDENTITY, (1, len(self.humanoid.links), 1))
        joints = self.humanoid.poses(rest, self._offsets[None, 0])[1][0]
        pieces = [
            (link, mesh.vertices @ place[:3, :3].T + place[:3, 3], mesh.normals @ place[:3, :3].T, mesh.faces)
            for link, mesh, place in shapes(self.humanoid)
        ]
        self._vertices = np.concatenate([vertices for _, vertices, _, _ in pieces])
        self._normals = np.concatenate([normals for _, _, normals, _ in pieces])
        sizes = [len(vertices) for _, vertices, _, _ in pieces]
        numbers = [0 if name == "pelvis" else self.humanoid.index(name) for name, _, _, _ in pieces]
        self._link = np.repeat(numbers, sizes)
        starts = np.cumsum([0, *sizes])
        weights = np.zeros((len(self._vertices), 24), dtype=np.float32)
        weights[np.arange(len(weights)), np.array([link.joint for link in self.humanoid.links])[self._link]] = 1.0
        sides = [side if (side := name.split("_")[0]) in _COLOURS else "" for name, _, _, _ in pieces]
        palette = list(_COLOURS)
        rest_joints = np.asarray(character.mesh.joints, dtype=np.float64)
        self.mesh = SkinnedMesh(
            vertices=(self._vertices + joints[self._link]).astype(np.float32),
            normals=self._normals.astype(np.float32),
            faces=np.concatenate([faces + at for (_, _, _, faces), at in zip(pieces, starts[:-1], strict=True)]),
            uv=np.zeros((len(self._vertices), 2), dtype=np.float32),
            weights=weights,
            joints=rest_joints,
            materials=tuple(Material(f"shape {side or 'middle'}", _COLOURS[side]) for side in palette),
            face_material=np.repeat([palette.index(s) for s in sides], [len(f) for _, _, _, f in pieces]).astype(
                np.int32
            ),
            parts=tuple(link.name for link in self.humanoid.links),
            face_part=np.repeat(numbers, [len(f) for _, _, _, f in pieces]).astype(np.int32),
        )

    @property
    def rest_offsets(self) -> Array:
        """``(24, 3)`` metres: the character's own."""
        return self._offsets

    def pose(self, rotations: np.ndarray, root_position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and normals, each ``(T, V, 3)`` float32, world, metres: the shapes where Bullet has them.

        Args:
            rotations: ``(T, 24, 4)`` local rotations, xyzw.
            root_position: ``(T, 3)`` pelvis joint in the world, metres.

        Raises:
            BadInput: the shapes do not agree.
        """
        rotations, root = np.asarray(rotations, dtype=np.float64), np.asarray(root_position, dtype=np.float64)
        if rotations.ndim != 3 or rotations.shape[1:] != (24, 4) or root.shape != (len(rotations), 3):
            raise BadInput(
                f"pose: rotations {rotations.shape} and root {root.shape}, expected (frames, 24, 4) and (frames, 3)"
            )
        turn, place = self.humanoid.poses(self.humanoid.to_links(rotations), root)
        matrix = rot.to_matrix(turn)[:, self._link]  # (T, V, 3, 3)
        vertices = np.einsum("tvab,vb->tva", matrix, self._vertices) + place[:, self._link]
        normals = np.einsum("tvab,vb->tva", matrix, self._normals)
        return vertices.astype(np.float32), normals.astype(np.float32)
