"""Where bodies are in the picture: landmarks of performers, projection, distances for shot sizes, exact aiming."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.camera import SENSOR_WIDTH_MM
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance

#: Points of a body beyond its joints: (name, joint it moves with).
_EXTRA: tuple[tuple[str, str], ...] = (
    ("crown", "head"), ("eyes", "head"), ("chin", "head"),
    ("left_heel", "left_ankle"), ("right_heel", "right_ankle"),
    ("left_toe", "left_foot"), ("right_toe", "right_foot"),
    ("left_fingertip", "left_hand"), ("right_fingertip", "right_hand"),
)  # fmt: skip

#: Names of the points of `Tracks.points`: the joints of SMPL-24, then crown, eyes, chin, heels, toes, fingertips.
LANDMARKS: tuple[str, ...] = (*skeleton.JOINTS, *(name for name, _ in _EXTRA))
LANDMARK: dict[str, int] = {name: i for i, name in enumerate(LANDMARKS)}

#: Proportions of an average adult as fractions of the stature (Drillis and Contini 1966; NASA-STD-3000).
EYES_BELOW_CROWN, CHIN_BELOW_CROWN, FACE_DEPTH = 0.064, 0.130, 0.055
HEAD_JOINT_BELOW_CROWN = 0.118


@dataclass(frozen=True)
class Measures:
    """What a camera needs of one body."""

    stature: float  # metres
    offsets: Array  # (9, 3) metres: the extra landmarks in the frames of their joints
    heights: Array  # (33,) of the landmarks at rest, in statures, soles 0


def measure(performance: Performance) -> Measures:
    """Stature and the places of crown, eyes, chin, soles, toes and fingertips, from the body's mesh when it has one."""
    rest = performance.clip.rest_offsets
    identity = np.broadcast_to(rot.IDENTITY, (24, 4))
    _, joints = kinematics.forward(skeleton.PARENTS, identity, rest)
    head, foot, ankle = (joints[skeleton.INDEX[n]] for n in ("head", "left_foot", "left_ankle"))
    floor = 0.0
    if not 0.0 < rest[0, 1] < 10.0:  # row 0 of a foreign clip may not say how high the pelvis stands
        floor = float(joints[:, 1].min() - 0.02)
    stature = float(head[1] - floor) / (1.0 - HEAD_JOINT_BELOW_CROWN)
    mesh = getattr(performance.character, "mesh", None)
    vertices = getattr(mesh, "vertices", None)
    if vertices is not None and len(vertices):
        heights = np.asarray(vertices)[:, 1]
        own = float(heights.max() - heights.min())
        # The mesh is measured in its own rest pose; a clip made for another body keeps its own scale.
        body = np.asarray(getattr(mesh, "joints", joints), dtype=np.float64)
        span = float(body[skeleton.INDEX["head"], 1] - body[skeleton.INDEX["left_foot"], 1])
        mine = float(head[1] - foot[1])
        if own > 0 and span > 0 and mine > 0:
            stature = own * mine / span
            floor = float(foot[1]) - (float(body[skeleton.INDEX["left_foot"], 1]) - float(heights.min())) * mine / span
    if not (np.isfinite(stature) and stature > 1e-3):
        stature = max(float(np.ptp(joints[:, 1])), 1e-2)
    top = floor + stature
    face = FACE_DEPTH * stature
    hand = 0.055 * stature
    offsets = np.array(
        [
            [0.0, top - head[1], 0.15 * face],
            [0.0, top - EYES_BELOW_CROWN * stature - head[1], face],
            [0.0, top - CHIN_BELOW_CROWN * stature - head[1], 0.9 * face],
            [0.0, floor - ankle[1], -0.03 * stature],
            [0.0, floor - ankle[1], -0.03 * stature],
            [0.0, floor - foot[1], 0.04 * stature],
            [0.0, floor - foot[1], 0.04 * stature],
            [hand, 0.0, 0.0],
            [-hand, 0.0, 0.0],
        ]
    )
    rest_points = np.concatenate([joints, joints[[skeleton.INDEX[joint] for _, joint in _EXTRA]] + offsets])
    return Measures(stature, offsets, (rest_points[:, 1] - floor) / stature)


@dataclass(frozen=True)
class Tracks:
    """Some performers' landmarks over time."""

    names: tuple[str, ...]
    times: Array  # (T,) seconds of the film
    points: Array  # (T, S, 33, 3) metres, world; order LANDMARKS
    stature: Array  # (S,) metres
    heights: Array  # (S, 33) of the landmarks on the standing body, in statures

    def of(self, landmark: str) -> Array:
        """One landmark of every performer, ``(T, S, 3)``."""
        return self.points[:, :, LANDMARK[landmark]]

    def only(self, names: Sequence[str]) -> Tracks:
        """The same for some of the performers, in the order asked for."""
        pick = [self.names.index(n) for n in names]
        return Tracks(tuple(names), self.times, self.points[:, pick], self.stature[pick], self.heights[pick])

    def facing(self) -> Array:
        """Where each performer faces, ``(T, S, 2)`` as (x, z); its length says how sure that is, 1 when upright.

        From hips and shoulders: across the body, turned a quarter about the vertical.
        """
        across = self.of("left_hip") - self.of("right_hip") + self.of("left_shoulder") - self.of("right_shoulder")
        return np.stack([-across[..., 2], across[..., 0]], axis=-1) / np.maximum(
            np.linalg.norm(across, axis=-1, keepdims=True), 1e-9
        )


def track(performances: Sequence[Performance], times: ArrayLike) -> Tracks:
    """Landmarks of performers at many times of the film at once; poses are held before and after a clip.

    Raises:
        BadInput: there is nobody.
    """
    times = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if not performances:
        raise BadInput("a camera was asked to film nobody: no performers")
    everyone, measures = [], []
    for performance in performances:
        turns, root = performance.at(times)
        offsets = np.repeat(performance.clip.rest_offsets[None], len(times), axis=0)
        offsets[:, 0] = root
        world, joints = kinematics.forward(skeleton.PARENTS, turns, offsets)
        size = measure(performance)
        parents = [skeleton.INDEX[joint] for _, joint in _EXTRA]
        extra = joints[:, parents] + rot.rotate(world[:, parents], size.offsets)
        everyone.append(np.concatenate([joints, extra], axis=1))
        measures.append(size)
    return Tracks(
        tuple(p.name for p in performances),
        times,
        np.stack(everyone, axis=1),
        np.array([m.stature for m in measures]),
        np.array([m.heights for m in measures]),
    )


def indices(keeps: Sequence[str]) -> np.ndarray:
    """Landmark numbers of a size's ``keeps``; ``("*",)`` is the whole body."""
    if tuple(keeps) == ("*",):
        return np.arange(len(LANDMARKS))
    return np.array([LANDMARK[name] for name in keeps])


def tangents(focal_mm: ArrayLike, aspect: float, sensor_mm: float = SENSOR_WIDTH_MM) -> tuple[Array, Array]:
    """Tangents of half the horizontal and half the vertical field of view."""
    across = sensor_mm / 2.0 / np.asarray(focal_mm, dtype=np.float64)
    return across, across / aspect


def project(T_world_camera: Array, focal_mm: ArrayLike, aspect: float, points: ArrayLike) -> tuple[Array, Array]:
    """Where world points are in the picture.

    Args:
        T_world_camera: ``(…, 4, 4)``.
        focal_mm: ``(…,)``, full-frame sensor.
        aspect: width over height.
        points: ``(…, N, 3)`` metres, world.

    Returns:
        ``(…, N, 2)``: x to the right and y up, −1..1 within the frame; ``(…, N)``: depth along −Z, metres.
        Points at or behind the camera get a depth <= 0 and a place far outside.
    """
    local = np.einsum(
        "...ji,...nj->...ni", T_world_camera[..., :3, :3], np.asarray(points) - T_world_camera[..., None, :3, 3]
    )
    depth = -local[..., 2]
    tan_x, tan_y = tangents(focal_mm, aspect)
    safe = np.where(depth > 1e-6, depth, 1e-6)
    x, y = local[..., 0] / safe / np.asarray(tan_x)[..., None], local[..., 1] / safe / np.asarray(tan_y)[..., None]
    return np.stack([x, y], axis=-1), depth


def distance_for(height_m: ArrayLike, focal_mm: ArrayLike, aspect: float) -> Array:
    """Distance at which the frame is ``height_m`` metres high."""
    _, tan_y = tangents(focal_mm, aspect)
    return np.asarray(height_m, dtype=np.float64) / (2.0 * tan_y)


def screen_to_angle(p: ArrayLike, half: float) -> Array:
    """Share of the field of view, 0..1, at a place on the screen, 0..1: not the same, since screens are flat.

    ``(half + atan(2 (p − 0.5) tan half)) / (2 half)``, ``half`` in radians (Cinemachine's ``ScreenToAngle``).
    """
    p = np.asarray(p, dtype=np.float64)
    return (half + np.arctan(2.0 * (p - 0.5) * np.tan(half))) / (2.0 * half)


def aim(position: ArrayLike, target: ArrayLike, x: ArrayLike, y: ArrayLike, tan_x: ArrayLike, tan_y: ArrayLike,
        roll: float = 0.0) -> tuple[Array, Array]:  # fmt: skip
    """Yaw and pitch of a level (or rolled) camera that put a point exactly at a place in the picture; closed form.

    Args:
        position: ``(…, 3)`` camera, metres.
        target: ``(…, 3)`` metres.
        x, y: place in half frames from the middle, right and up.
        tan_x, tan_y: tangents of half the fields of view.
        roll: radians, the camera's turn about its own axis.

    Returns:
        Yaw about +Y (0 looks to −Z) and pitch (positive looks up) in radians, ``(…,)`` each, pitch within ±89.5°.
    """
    d = np.asarray(target, dtype=np.float64) - np.asarray(position, dtype=np.float64)
    d = d / np.maximum(np.linalg.norm(d, axis=-1, keepdims=True), 1e-12)
    vx, vy = np.asarray(x) * tan_x, np.asarray(y) * tan_y
    vx, vy = np.cos(roll) * vx - np.sin(roll) * vy, np.sin(roll) * vx + np.cos(roll) * vy
    length = np.sqrt(vx * vx + vy * vy + 1.0)
    vx, vy, w = vx / length, vy / length, 1.0 / length
    reach = np.hypot(vy, w)
    pitch = np.arcsin(np.clip(d[..., 1] / reach, -1.0, 1.0)) - np.arctan2(vy, w)
    pitch = np.clip(pitch, -np.radians(89.5), np.radians(89.5))
    ahead = vy * np.sin(pitch) - w * np.cos(pitch)
    yaw = np.arctan2(d[..., 0], d[..., 2]) - np.arctan2(vx, ahead)
    return np.arctan2(np.sin(yaw), np.cos(yaw)), pitch


def pose(position: ArrayLike, yaw: ArrayLike, pitch: ArrayLike, roll: ArrayLike = 0.0) -> Array:
    """Camera poses ``(…, 4, 4)`` from positions ``(…, 3)`` and angles ``(…,)`` in radians; yaw 0 looks to −Z."""
    position = np.asarray(position, dtype=np.float64)
    shape = position.shape[:-1]
    yaw, pitch, roll = (np.broadcast_to(np.asarray(a, dtype=np.float64), shape) for a in (yaw, pitch, roll))
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    T = np.zeros((*shape, 4, 4))
    # Ry(yaw) Rx(pitch) Rz(roll), column by column
    T[..., 0, 0], T[..., 1, 0], T[..., 2, 0] = cy * cr + sy * sp * sr, cp * sr, cy * sp * sr - sy * cr
    T[..., 0, 1], T[..., 1, 1], T[..., 2, 1] = sy * sp * cr - cy * sr, cp * cr, sy * sr + cy * sp * cr
    T[..., 0, 2], T[..., 1, 2], T[..., 2, 2] = sy * cp, -sp, cy * cp
    T[..., :3, 3], T[..., 3, 3] = position, 1.0
    return T


def angles_of(T_world_camera: Array) -> tuple[Array, Array, Array]:
    """Yaw, pitch and roll ``(…,)`` in radians of camera poses: `pose` undone."""
    m = T_world_camera[..., :3, :3]
    pitch = np.arcsin(np.clip(-m[..., 1, 2], -1.0, 1.0))
    yaw = np.arctan2(m[..., 0, 2], m[..., 2, 2])
    roll = np.arctan2(m[..., 1, 0], m[..., 1, 1])
    return yaw, pitch, roll
