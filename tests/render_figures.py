"""A small figure, clips and cameras for the tests of the renderer: quick to draw, with known shapes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.camera import CameraPath, look_at
from motion.character import SkinnedMesh
from motion.clip import Clip
from motion.material import Material
from motion.stage import Performance, Prop, Stage
from render.world import World

# Rest joints of a plain adult, metres; only the tests' figure uses them.
REST = np.array(
    [
        [0, 0.95, 0], [0.09, 0.87, 0], [-0.09, 0.87, 0], [0, 1.06, 0], [0.10, 0.48, 0], [-0.10, 0.48, 0], [0, 1.19, 0],
        [0.10, 0.09, -0.02], [-0.10, 0.09, -0.02], [0, 1.27, 0], [0.11, 0.04, 0.10], [-0.11, 0.04, 0.10], [0, 1.46, 0],
        [0.07, 1.38, 0], [-0.07, 1.38, 0], [0, 1.56, 0.02], [0.17, 1.39, 0], [-0.17, 1.39, 0], [0.43, 1.39, 0],
        [-0.43, 1.39, 0], [0.68, 1.39, 0], [-0.68, 1.39, 0], [0.76, 1.39, 0], [-0.76, 1.39, 0],
    ]
)  # fmt: skip


class Figure:
    """A `motion.character.Character` of spheres and capsules, one for every bone."""

    def __init__(self) -> None:
        import trimesh

        skin = Material("skin", (0.55, 0.34, 0.25), 0.5, 0.0, "skin")
        shirt = Material("shirt", (0.5, 0.06, 0.05), 0.85, 0.0, "fabric")
        vertices, normals, faces, owner, face_part, face_material = [], [], [], [], [], []
        count = 0
        for joint, parent in enumerate(skeleton.PARENTS):
            start = REST[joint] if parent < 0 else REST[parent]
            length = float(np.linalg.norm(REST[joint] - start))
            radius = 0.11 if joint in (0, 3, 6, 9, 15) else 0.055
            if length > 1e-6:
                piece = trimesh.creation.capsule(height=length, radius=radius, count=(8, 8))
                piece.apply_transform(trimesh.geometry.align_vectors([0, 0, 1], REST[joint] - start))
            else:
                piece = trimesh.creation.icosphere(subdivisions=1, radius=radius)
            piece.apply_translation(start)
            vertices.append(piece.vertices)
            normals.append(piece.vertex_normals)
            faces.append(piece.faces + count)
            owner.append(np.full(len(piece.vertices), max(parent, 0)))
            face_part.append(np.full(len(piece.faces), joint))
            face_material.append(np.full(len(piece.faces), int(joint in (3, 6, 9, 13, 14))))
            count += len(piece.vertices)
        v = np.concatenate(vertices).astype(np.float32)
        v[:, 1] -= v[:, 1].min()
        weights = np.zeros((len(v), 24), np.float32)
        weights[np.arange(len(v)), np.concatenate(owner)] = 1
        self.mesh = SkinnedMesh(
            v, np.concatenate(normals).astype(np.float32), np.concatenate(faces).astype(np.int32),
            np.zeros((len(v), 2), np.float32), weights, REST, (skin, shirt),
            np.concatenate(face_material).astype(np.int32), skeleton.JOINTS, np.concatenate(face_part).astype(np.int32),
        )  # fmt: skip
        self.rest_offsets = REST - np.where(skeleton.PARENTS[:, None] >= 0, REST[np.maximum(skeleton.PARENTS, 0)], 0.0)

    def pose(self, rotations: np.ndarray, root_position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rigid pieces, so one bone each."""
        offsets = np.repeat(self.rest_offsets[None], len(rotations), axis=0)
        offsets[:, 0] = root_position
        turn, place = kinematics.forward(skeleton.PARENTS, rotations, offsets)
        bone = np.argmax(self.mesh.weights, axis=1)
        vertices = place[:, bone] + rot.rotate(turn[:, bone], self.mesh.vertices - REST[bone])
        return vertices.astype(np.float32), rot.rotate(turn[:, bone], self.mesh.normals).astype(np.float32)


def moving_clip(frames: int = 12, fps: int = 30) -> Clip:
    """Walks towards +Z at 1.2 m/s, turning, arms and legs swinging."""
    t = np.arange(frames) / fps
    q = np.tile(rot.IDENTITY, (frames, 24, 1))

    def turn(joint: str, axis: str, angle: np.ndarray) -> None:
        j = skeleton.INDEX[joint]
        q[:, j] = rot.multiply(q[:, j], rot.from_axis(axis, np.asarray(angle)))

    turn("pelvis", "Y", 0.9 * t)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turn(f"{side}_shoulder", "Z", np.full(frames, -1.1 * sign))
        turn(f"{side}_elbow", "Y", -sign * (0.4 + 0.8 * t))
        turn(f"{side}_hip", "X", sign * (-0.4 + 1.5 * t))
        turn(f"{side}_knee", "X", 0.3 + 0.5 * t)
    root = np.stack([0.2 * t, np.full(frames, 0.98), 1.2 * t], axis=-1)
    return Clip(q, root, REST_OFFSETS, Fraction(fps))


REST_OFFSETS = REST - np.where(skeleton.PARENTS[:, None] >= 0, REST[np.maximum(skeleton.PARENTS, 0)], 0.0)
FIGURE = Figure()


def world(stage: Stage | None = None, people: int = 1, frames: int = 12) -> World:
    """One or more walkers on a set with a box beside them."""
    box = Prop("box", "box", (0.5, 0.6, 0.4), position=np.array([-0.7, 0.0, 0.3]), rotation=rot.yaw(0.5))
    stage = stage or Stage("concrete", "noon", props=(box,))
    cast = []
    for i in range(people):
        clip = moving_clip(frames)
        place = clip.root_position + [1.0 * i, 0, -0.6 * i]
        cast.append(Performance(f"actor{i}", Clip(clip.rotations, place, REST_OFFSETS, clip.fps), FIGURE))
    return World(cast, stage)


def camera(frames: int = 12, moving: bool = True, fps: int = 30, **options: object) -> CameraPath:
    """In front, a little above, drifting sideways and turning when ``moving``."""
    drift = np.arange(frames)[:, None] * ([0.02, 0.01, -0.01] if moving else [0.0, 0.0, 0.0])
    pose = look_at(np.array([0.6, 1.5, 3.4]) + drift, np.array([0.0, 0.8, 0.1]))
    return CameraPath(pose, np.array(30.0), Fraction(fps), **options)  # type: ignore[arg-type]
