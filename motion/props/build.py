"""`PropMesh` and the small kit that prop shapes are made of: bevelled boxes, surfaces of revolution, prisms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from motion.material import Material
from motion.rotations import Array


@dataclass(frozen=True)
class PropMesh:
    """A rigid mesh at rest: metres, Y up, the middle of its underside at the origin, its front towards +Z.

    Vertices on creases and material seams are doubled, each with its own normal. On primitives ``uv`` runs in
    metres along the surface, so that patterns keep their size; a mesh file keeps its own.
    """

    vertices: np.ndarray  # (V, 3) float32, metres
    normals: np.ndarray  # (V, 3) float32, unit
    faces: np.ndarray  # (F, 3) int32, counter-clockwise seen from outside
    uv: np.ndarray  # (V, 2) float32
    materials: tuple[Material, ...]
    face_material: np.ndarray  # (F,) int32 index into materials
    parts: tuple[str, ...]  # names of parts, part id = index + 1 (0 is "nothing")
    face_part: np.ndarray  # (F,) int32 index into parts
    solids: np.ndarray  # (S, 2, 3) float64, metres: boxes (low, high corner) that together enclose the mesh


Piece = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # vertices, normals, uv, faces


class Builder:
    """Collects pieces into one `PropMesh`; each piece becomes one solid box."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Piece, int, int, bool]] = []
        self._materials: list[Material] = []
        self._parts: list[str] = []

    def add(self, piece: Piece, material: Material, part: str, solid: bool = True) -> None:
        """Append one piece, drawn with ``material`` and named ``part``."""
        if material not in self._materials:
            self._materials.append(material)
        if part not in self._parts:
            self._parts.append(part)
        self._pieces.append((piece, self._materials.index(material), self._parts.index(part), solid))

    def build(self, size: Sequence[float] | None = None) -> PropMesh:
        """One mesh, its underside's middle at the origin; stretched to exactly ``size`` metres when given."""
        vertices = np.concatenate([p[0][0] for p in self._pieces]).astype(np.float64)
        low, high = vertices.min(0), vertices.max(0)
        scale = np.ones(3) if size is None else np.asarray(size, float) / np.maximum(high - low, 1e-12)
        origin = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
        normals = np.concatenate([p[0][1] for p in self._pieces]) / scale
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        starts = np.cumsum([0, *(len(p[0][0]) for p in self._pieces)])
        faces = [p[0][3] + start for p, start in zip(self._pieces, starts, strict=False)]
        solids = [np.stack([p[0][0].min(0), p[0][0].max(0)]) for p in self._pieces if p[3]]
        return PropMesh(
            vertices=((vertices - origin) * scale).astype(np.float32),
            normals=normals.astype(np.float32),
            faces=np.concatenate(faces).astype(np.int32),
            uv=np.concatenate([p[0][2] for p in self._pieces]).astype(np.float32),
            materials=tuple(self._materials),
            face_material=np.repeat([p[1] for p in self._pieces], [len(f) for f in faces]).astype(np.int32),
            parts=tuple(self._parts),
            face_part=np.repeat([p[2] for p in self._pieces], [len(f) for f in faces]).astype(np.int32),
            solids=(np.array(solids) - origin) * scale,
        )


def box(size: Sequence[float], at: Sequence[float] = (0, 0, 0), bevel: float | None = None) -> Piece:
    """A box with rounded-looking edges, ``size`` metres, the middle of its underside at ``at``.

    The six sides keep flat normals and the narrow strips between them blend from side to side: the edge catches
    light like a bevel of many segments with 24 vertices in all.
    """
    half = np.asarray(size, float) / 2
    edge = min(0.01, 0.12 * float(half.min())) if bevel is None else min(bevel, 0.45 * float(half.min()))
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    vertices: list[Array] = []
    normals: list[Array] = []
    uv: list[tuple[float, float]] = []
    index: dict[tuple[int, tuple[float, ...]], int] = {}
    for axis in range(3):
        for corner in signs:
            point = corner * (half - edge)
            point[axis] = corner[axis] * half[axis]
            normal = np.zeros(3)
            normal[axis] = corner[axis]
            index[axis, tuple(corner)] = len(vertices)
            vertices.append(point)
            normals.append(normal)
            u, v = ((point[2], point[1]), (point[0], point[2]), (point[0], point[1]))[axis]
            uv.append((u + half[max(0, 0 if axis else 2)], v + half[2 if axis == 1 else 1]))
    points = np.array(vertices)
    faces: list[tuple[int, int, int]] = []

    def polygon(corners: list[int]) -> None:
        middle = points[corners].mean(0)  # the box is convex about its middle: wind each polygon outward
        for b, c in pairwise(corners[1:]):
            a = corners[0]
            normal = np.cross(points[b] - points[a], points[c] - points[a])
            faces.append((a, b, c) if normal @ middle > 0 else (a, c, b))

    for axis in range(3):
        b, c = [k for k in range(3) if k != axis]
        for s in (-1.0, 1.0):
            ring = []
            for sb, sc in ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)):
                key = np.zeros(3)
                key[axis], key[b], key[c] = s, sb, sc
                ring.append(index[axis, tuple(key)])
            polygon(ring)
        for sb in (-1.0, 1.0):  # the four edges that run along this axis
            for sc in (-1.0, 1.0):
                ends = []
                for s in (-1.0, 1.0):
                    key = np.zeros(3)
                    key[axis], key[b], key[c] = s, sb, sc
                    ends.append(tuple(key))
                polygon([index[b, ends[0]], index[b, ends[1]], index[c, ends[1]], index[c, ends[0]]])
    for corner in signs:
        polygon([index[0, tuple(corner)], index[1, tuple(corner)], index[2, tuple(corner)]])
    points = points + np.asarray(at, float) + [0, half[1], 0]
    return points, np.array(normals), np.array(uv), np.array(faces)


def revolve(profile: Sequence[Sequence[float] | Array], segments: int = 40, crease: float = 0.7) -> Piece:
    """A surface of revolution about Y from a profile ``[(radius, height), …]`` walked from its foot to its top.

    Where the profile turns by more than ``crease`` radians the edge is kept sharp.
    """
    line = np.asarray(profile, float)
    direction = np.diff(line, axis=0)
    keep = np.concatenate([[True], np.linalg.norm(direction, axis=1) > 1e-9])
    line = line[keep]
    direction = np.diff(line, axis=0)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    outward = np.stack([direction[:, 1], -direction[:, 0]], axis=1)  # right of the walking direction
    corners: list[Array] = []
    slopes: list[Array] = []
    rings: list[tuple[int, int]] = []
    for i in range(len(direction)):
        for end in (0, 1):
            other = i + (1 if end else -1)
            normal = outward[i]
            if 0 <= other < len(direction) and direction[i] @ direction[other] > np.cos(crease):
                normal = outward[i] + outward[other]
            corners.append(line[i + end])
            slopes.append(normal / np.linalg.norm(normal))
        rings.append((2 * i, 2 * i + 1))
    points, normals = np.array(corners), np.array(slopes)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    along = np.stack([along[:-1], along[1:]], axis=1).ravel()
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    sine, cosine = np.sin(angle), np.cos(angle)
    count = len(points)
    vertices = np.empty((count, segments + 1, 3))
    vertices[..., 0], vertices[..., 2] = points[:, :1] * sine, points[:, :1] * cosine
    vertices[..., 1] = points[:, 1:]
    turned = np.empty_like(vertices)
    turned[..., 0], turned[..., 2], turned[..., 1] = normals[:, :1] * sine, normals[:, :1] * cosine, normals[:, 1:]
    uv = np.empty((count, segments + 1, 2))
    uv[..., 0], uv[..., 1] = angle * float(line[:, 0].max()), along[:, None]
    faces = []
    for low, high in rings:
        k = np.arange(segments)
        a, b = low * (segments + 1) + k, low * (segments + 1) + k + 1
        c, d = high * (segments + 1) + k, high * (segments + 1) + k + 1
        if points[low, 0] > 1e-9:
            faces.append(np.stack([a, b, d], axis=1))
        if points[high, 0] > 1e-9:
            faces.append(np.stack([a, d, c], axis=1))
    return vertices.reshape(-1, 3), turned.reshape(-1, 3), uv.reshape(-1, 2), np.concatenate(faces)


def arc(centre: Sequence[float], radius: Sequence[float] | float, start: float, stop: float, count: int) -> list[Array]:
    """Points of a profile on an (elliptic) arc, angles in radians from straight down, growing outward and up."""
    radii = np.broadcast_to(np.asarray(radius, float), (2,))
    angles = np.linspace(start, stop, count)
    return [np.array([centre[0] + radii[0] * np.sin(a), centre[1] - radii[1] * np.cos(a)]) for a in angles]


def prism(outline: Sequence[Sequence[float] | Array], width: float) -> Piece:
    """A convex outline in the ``(z, y)`` plane, extruded along X to ``width`` metres; flat sides."""
    line = np.asarray(outline, float)
    middle = line.mean(0)
    vertices: list[Array] = []
    normals: list[Array] = []
    uv: list[tuple[float, float]] = []
    faces: list[tuple[int, int, int]] = []

    def polygon(points: list[Array], coordinates: list[tuple[float, float]]) -> None:
        normal = np.cross(points[1] - points[0], points[2] - points[0])
        normal /= max(float(np.linalg.norm(normal)), 1e-12)
        if normal @ (np.mean(points, axis=0) - [0, middle[1], middle[0]]) < 0:
            points, coordinates, normal = points[::-1], coordinates[::-1], -normal
        start = len(vertices)
        vertices.extend(points)
        normals.extend([normal] * len(points))
        uv.extend(coordinates)
        faces.extend((start, start + k, start + k + 1) for k in range(1, len(points) - 1))

    for x in (-width / 2, width / 2):
        polygon([np.array([x, y, z]) for z, y in line], [(z, y) for z, y in line])
    for i in range(len(line)):
        (z0, y0), (z1, y1) = line[i], line[(i + 1) % len(line)]
        length = float(np.hypot(z1 - z0, y1 - y0))
        polygon(
            [
                np.array(p)
                for p in ((-width / 2, y0, z0), (width / 2, y0, z0), (width / 2, y1, z1), (-width / 2, y1, z1))
            ],
            [(0, 0), (width, 0), (width, length), (0, length)],
        )
    return np.array(vertices), np.array(normals), np.array(uv), np.array(faces)


def moved(piece: Piece, by: Sequence[float], turn: Array | None = None) -> Piece:
    """The piece turned by a matrix ``(3, 3)`` and then moved by ``by`` metres."""
    vertices, normals, uv, faces = piece
    if turn is not None:
        vertices, normals = vertices @ turn.T, normals @ turn.T
    return vertices + np.asarray(by, float), normals, uv, faces
