"""`World`: everything visible at any instant, and `Instant`: the shapes of one. No drawing happens here."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion import props
from motion.character import Character
from motion.errors import BadInput, unknown
from motion.material import Material
from motion.props.held import PropMotion
from motion.rotations import Array
from motion.stage import Performance, Prop, Stage
from render.lighting import PRESETS, LightPreset, towards
from render.materials import GROUNDS, PATTERNS

_BLOB_POINTS = 16  # vertices averaged to follow one blob
_BLOBS = 20  # at most, a performer; the largest
_CACHED = 24  # instants kept: a frame's shutter samples and its neighbours, a few MB


@dataclass(frozen=True)
class Drawable:
    """One instance's triangles, split so that every vertex has one material and one part."""

    name: str
    instance: int  # 1, 2, …
    skinned: bool
    faces: np.ndarray  # (F, 3) int32 into the split vertices
    source: np.ndarray  # (V,) int32: split vertex -> the mesh's own vertex
    rest: np.ndarray  # (V, 3) float32, metres, rest
    rest_normals: np.ndarray  # (V, 3) float32
    anchor: np.ndarray  # (V, 3) float32: where patterns are fixed; rest metres, or the direction in an eyeball
    label: np.ndarray  # (V, 2) int32: material in World.materials, part id
    parts: tuple[str, ...]  # part id = index + 1
    blobs: np.ndarray  # (B, 16) int32 vertices whose mean is a blob's centre (ambient occlusion)
    blob_radius: np.ndarray  # (B,) float32, metres


@dataclass(frozen=True)
class Posed:
    """One drawable at one instant: world-space vertices if skinned, else its transform."""

    drawable: Drawable
    vertices: np.ndarray | None  # (V, 3) float32, metres, world
    normals: np.ndarray | None  # (V, 3) float32, unit, world
    T_world_prop: Array | None  # (4, 4)
    blobs: np.ndarray  # (B, 4) float32: centre, radius; metres, world
    low: Array  # (3,) bounds, metres, world
    high: Array  # (3,)

    @property
    def corners(self) -> Array:
        """The eight corners of its bounds ``(8, 3)``, metres, world."""
        (x0, y0, z0), (x1, y1, z1) = self.low, self.high
        return np.array([[x, y, z] for x in (x0, x1) for y in (y0, y1) for z in (z0, z1)], dtype=np.float64)

    def world_vertices(self) -> np.ndarray:
        """World-space vertices ``(V, 3)`` float32, whatever the kind."""
        if self.vertices is not None:
            return self.vertices
        T = np.eye(4) if self.T_world_prop is None else self.T_world_prop
        return (self.drawable.rest @ T[:3, :3].T + T[:3, 3]).astype(np.float32)


@dataclass(frozen=True)
class Instant:
    """Every drawable at one moment."""

    time: float
    meshes: tuple[Posed, ...]


def _split(
    faces: np.ndarray, face_material: np.ndarray, face_part: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give every vertex one (material, part): faces into split vertices, their source, their label."""
    code = face_material.astype(np.int64) * 65536 + face_part.astype(np.int64)
    corner = np.stack([faces.astype(np.int64), np.repeat(code[:, None], 3, axis=1)], axis=-1).reshape(-1, 2)
    key = corner[:, 0] * (1 << 32) + corner[:, 1]
    unique, index = np.unique(key, return_inverse=True)
    source, code = unique >> 32, unique & 0xFFFFFFFF
    label = np.stack([code >> 16, code & 0xFFFF], axis=-1).astype(np.int32)
    return index.reshape(-1, 3).astype(np.int32), source.astype(np.int32), label


def _bounds(vertices: np.ndarray) -> tuple[Array, Array]:
    """Lowest and highest corner of ``(V, 3)``: in rows of 64 vertices, which NumPy reduces twenty times faster."""
    whole = len(vertices) // 64 * 64
    if whole == 0:
        return vertices.min(0).astype(float), vertices.max(0).astype(float)
    rows, rest = vertices[:whole].reshape(-1, 192), vertices[whole:]
    low, high = rows.min(0).reshape(64, 3).min(0), rows.max(0).reshape(64, 3).max(0)
    if len(rest):
        low, high = np.minimum(low, rest.min(0)), np.maximum(high, rest.max(0))
    return low.astype(float), high.astype(float)


def _eyeball_anchor(anchor: np.ndarray, eye: np.ndarray) -> None:
    """Replace rest positions of eye vertices by directions from the middle of their eyeball, left and right apart."""
    for side in (anchor[:, 0] >= 0, anchor[:, 0] < 0):
        chosen = eye & side
        if chosen.any():
            low, high = anchor[chosen].min(0), anchor[chosen].max(0)
            anchor[chosen] = (anchor[chosen] - (low + high) / 2) / max(float((high - low).max()) / 2, 1e-6)


def _blobs(mesh_vertices: np.ndarray, weights: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cover a skinned body with a few spheres that its own vertices carry: one or more along every bone."""
    owner = np.argmax(weights, axis=1)[source]
    rest = mesh_vertices[source]
    picks: list[np.ndarray] = []
    radii: list[float] = []
    for joint in range(weights.shape[1]):
        members = np.flatnonzero(owner == joint)
        if len(members) < 8:
            continue
        centred = rest[members] - rest[members].mean(0)
        spread, axes = np.linalg.eigh(centred.T @ centred / len(members))
        along = centred @ axes[:, -1]
        across = float(np.sqrt(max(spread[0] + spread[1], 1e-8)))
        pieces = int(np.clip(round(np.ptp(along) / (2.6 * across)), 1, 3))
        for rank in np.array_split(np.argsort(along, kind="stable"), pieces):
            chosen = members[rank][np.linspace(0, len(rank) - 1, _BLOB_POINTS).astype(int)]
            picks.append(chosen)
            radii.append(across)
    order = np.argsort(radii, kind="stable")[::-1][:_BLOBS]
    return np.array(picks, dtype=np.int32)[order].reshape(-1, _BLOB_POINTS), np.array(radii, dtype=np.float32)[order]


class World:
    """Performers, props and set: ``World(performances, stage).at(time)``.

    Instance ids count from 1: performers in order, then props, then the ground (`ground_instance`); 0 is nothing.

    Args:
        performances: who performs, already in world coordinates; names must differ.
        stage: ground, props, light.
        light: sun, sky and lamps of one's own; None: the preset that the stage names.

    Raises:
        BadInput: a name twice, an unknown ground, light preset or material pattern, a mesh that cannot be read.
    """

    def __init__(self, performances: Sequence[Performance], stage: Stage, light: LightPreset | None = None) -> None:
        if stage.ground is not None and stage.ground not in GROUNDS:
            raise unknown("ground", stage.ground, GROUNDS)
        if stage.light not in PRESETS:
            raise unknown("light preset", stage.light, PRESETS)
        self.performances = tuple(performances)
        self.stage = stage
        self.light = light or PRESETS[stage.light]
        self.names: tuple[str, ...] = tuple(p.name for p in performances) + tuple(p.name for p in stage.props)
        for name in self.names:
            if self.names.count(name) > 1:
                raise BadInput(f"two performers or props are called '{name}'; names must differ")
        self.materials: tuple[Material, ...] = ()
        shared: dict[int, Drawable] = {}  # one split for performers on the same character
        drawables = []
        for i, performance in enumerate(self.performances):
            drawables.append(self._performer(i + 1, performance.name, performance.character, shared))
        for i, prop in enumerate(stage.props):
            drawables.append(self._prop(len(self.performances) + i + 1, prop))
        self.drawables: tuple[Drawable, ...] = tuple(drawables)
        self._motions = tuple(PropMotion(prop, self.performances) for prop in stage.props)
        self.ground_instance = len(self.drawables) + 1
        self._cache: OrderedDict[float, Instant] = OrderedDict()

    @property
    def sun(self) -> Array:
        """Unit vector ``(3,)`` towards the sun, world."""
        azimuth, elevation = self.stage.sun_azimuth, self.stage.sun_elevation
        return towards(
            self.light.sun_azimuth if azimuth is None else azimuth,
            self.light.sun_elevation if elevation is None else elevation,
        )

    def instance_name(self, instance: int) -> str:
        """Name of an id in the ``ids`` pass: ``"nothing"``, a performer, a prop, or ``"ground"``."""
        return ("nothing", *self.names, "ground")[instance]

    def part_name(self, instance: int, part: int) -> str:
        """Name of a part of an instance in the ``ids`` pass."""
        if part == 0 or instance == 0:
            return "nothing"
        return "ground" if instance == self.ground_instance else self.drawables[instance - 1].parts[part - 1]

    def at(self, time: float) -> Instant:
        """Every drawable at ``time`` seconds of the film, also between frames. Recent instants are kept.

        The batch is one pose per call, so the same instant has the same bytes whatever was asked before.
        """
        time = float(time)
        if time in self._cache:
            self._cache.move_to_end(time)
            return self._cache[time]
        meshes = [
            self._pose(drawable, performance, time)
            for drawable, performance in zip(self.drawables, self.performances, strict=False)
        ]
        meshes += [
            self._place(drawable, motion, time)
            for drawable, motion in zip(self.drawables[len(self.performances) :], self._motions, strict=True)
        ]
        instant = Instant(time, tuple(meshes))
        self._cache[time] = instant
        if len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return instant

    def forget(self) -> None:
        """Drop the instants that are kept; the next `at` poses afresh (for timing)."""
        self._cache.clear()

    def _palette(self, materials: Sequence[Material]) -> np.ndarray:
        """Add materials to the world's palette; their indices there."""
        indices = []
        for material in materials:
            if material.pattern not in PATTERNS:
                raise unknown("material pattern", material.pattern, PATTERNS)
            if material not in self.materials:
                self.materials = (*self.materials, material)
            indices.append(self.materials.index(material))
        return np.array(indices, dtype=np.int64)

    def _performer(self, instance: int, name: str, character: Character, shared: dict[int, Drawable]) -> Drawable:
        if id(character) in shared:
            return replace(shared[id(character)], name=name, instance=instance)
        mesh = character.mesh
        palette = self._palette(mesh.materials)
        faces, source, label = _split(mesh.faces, palette[mesh.face_material], mesh.face_part + 1)
        anchor = mesh.vertices[source].astype(np.float32)
        eyes = [i for i, m in enumerate(self.materials) if m.pattern == "eye"]
        _eyeball_anchor(anchor, np.isin(label[:, 0], eyes))
        blobs, radius = _blobs(mesh.vertices, mesh.weights, source)
        drawable = Drawable(
            name, instance, True, faces, source, mesh.vertices[source].astype(np.float32),
            mesh.normals[source].astype(np.float32), anchor, label, mesh.parts, blobs, radius,
        )  # fmt: skip
        shared[id(character)] = drawable
        return drawable

    def _prop(self, instance: int, prop: Prop) -> Drawable:
        mesh = props.mesh(prop)
        palette = self._palette(mesh.materials)
        faces, source, label = _split(mesh.faces, palette[mesh.face_material], mesh.face_part + 1)
        rest = mesh.vertices[source].astype(np.float32)
        return Drawable(
            prop.name, instance, False, faces, source, rest, mesh.normals[source].astype(np.float32), rest.copy(),
            label, mesh.parts, np.zeros((0, _BLOB_POINTS), np.int32), np.zeros(0, np.float32),
        )  # fmt: skip

    def _pose(self, drawable: Drawable, performance: Performance, time: float) -> Posed:
        rotations, root = performance.at(time)
        vertices, normals = performance.character.pose(rotations[None], root[None])
        vertices = np.take(vertices[0], drawable.source, axis=0)
        normals = np.take(normals[0], drawable.source, axis=0)
        blobs = np.empty((len(drawable.blobs), 4), np.float32)
        blobs[:, :3] = vertices[drawable.blobs].mean(axis=1)
        blobs[:, 3] = drawable.blob_radius
        return Posed(drawable, vertices, normals, None, blobs, *_bounds(vertices))

    def _place(self, drawable: Drawable, motion: PropMotion, time: float) -> Posed:
        T = np.asarray(motion.at(time), dtype=np.float64)
        low, high = drawable.rest.min(0), drawable.rest.max(0)
        middle, half = (low + high) / 2, (high - low) / 2
        centre, reach = T[:3, :3] @ middle + T[:3, 3], np.abs(T[:3, :3]) @ half
        return Posed(drawable, None, None, T, np.zeros((0, 4), np.float32), centre - reach, centre + reach)
