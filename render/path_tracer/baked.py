"""Looks for the interpreted variant, which cannot run Python for every ray: painted on finer vertices and on a picture.

Mitsuba's own BSDFs, blended, come near the rasterizer's surfaces; its masking term is the older, separable one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from render import materials
from render.path_tracer import looks, meshes
from render.path_tracer.ops import NUMPY
from render.world import Drawable, Posed

_FACES = 100_000  # of one drawable, at most, once split
_EDGE_M = 0.006  # no finer
_FLAT = (0, 11)  # patterns without colours that change
_LEAST_ALPHA = 0.02  # of GGX, as in light.glsl
_TILES = 6  # tiles of the ground a side of its picture


class BakedThing:
    """A drawable with every edge halved so many times, its look at every vertex.

    The shape stays the rasterizer's, triangle for triangle.
    """

    def __init__(self, mi: ModuleType, name: str, drawable: Drawable, rows: np.ndarray) -> None:
        self.drawable = drawable
        faces = drawable.faces.astype(np.int64)
        self._pairs: list[np.ndarray] = []
        rest = drawable.rest.astype(np.float32)
        material = drawable.label[:, 0]
        kinds = rows[material][:, 12:22].any(axis=1)
        while kinds.any() and 4 * len(faces) <= _FACES and _edge(rest, faces) > _EDGE_M:
            pairs, faces = _halve(faces, len(rest))
            self._pairs.append(pairs)
            rest = _spread(rest, pairs)
            material = np.concatenate([material, material[pairs[:, 0]]])  # a split vertex's edges share its material
        look = _look(rows[material], self.all(drawable.anchor), _edge(rest, faces))
        self._bend = np.stack(look.bend, axis=-1)
        alpha, metallic = np.maximum(np.square(look.roughness), _LEAST_ALPHA), np.clip(look.metallic, 0.0, 1.0)
        attribute = {"type": "mesh_attribute"}
        bsdf = _glossy(attribute | {"name": "vertex_twice"}, attribute | {"name": "vertex_alpha"})
        if metallic.any():
            metal = {
                "type": "principled",
                "base_color": attribute | {"name": "vertex_albedo"},
                "roughness": attribute | {"name": "vertex_roughness"},
                "metallic": 1.0,
            }
            weight = attribute | {"name": "vertex_metallic"}
            bsdf = {"type": "blendbsdf", "weight": weight, "plain": bsdf, "metal": metal}
        albedo = np.stack(look.albedo, axis=-1)
        self.mesh = meshes.mesh(
            mi, name, mi.load_dict({"type": "twosided", "one": bsdf}), rest, faces, self.all(drawable.rest_normals),
            attributes={
                "vertex_albedo": albedo,
                "vertex_twice": 2.0 * albedo,
                "vertex_alpha": alpha[:, None],
                "vertex_roughness": np.sqrt(alpha)[:, None],
                "vertex_metallic": metallic[:, None],
            },
        )  # fmt: skip

    def pose(self, posed: Sequence[Posed]) -> tuple[np.ndarray, np.ndarray]:
        """World-space vertices and unit normals ``(V, 3)`` float32 of the one drawable."""
        vertices, normals = meshes.world_shape(posed[0])
        bent = self.all(normals) + self._bend
        bent = bent / np.maximum(np.linalg.norm(bent, axis=1, keepdims=True), 1e-9)
        return self.all(vertices), bent.astype(np.float32)

    def all(self, values: np.ndarray) -> np.ndarray:
        """Values of the drawable's vertices, and of those between."""
        for pairs in self._pairs:
            values = _spread(values, pairs)
        return values


def _edge(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Mean length of edges, metres."""
    if not len(faces):
        return 0.0
    return float(np.linalg.norm(vertices[faces] - vertices[np.roll(faces, 1, axis=1)], axis=-1).mean())


def _spread(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Values of vertices, and after them those of their edges' middles."""
    return np.concatenate([values, 0.5 * (values[pairs[:, 0]] + values[pairs[:, 1]])]).astype(np.float32)


def _halve(faces: np.ndarray, vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """The ends ``(E, 2)`` of every edge, whose middles become vertices, and four triangles for each."""
    edges = np.sort(np.stack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]], axis=1).reshape(-1, 2), axis=1)
    key = edges[:, 0] * vertices + edges[:, 1]
    unique, index = np.unique(key, return_inverse=True)
    pairs = np.stack([unique // vertices, unique % vertices], axis=-1)
    ab, bc, ca = (index.reshape(-1, 3) + vertices).T
    a, b, c = faces.T
    return pairs, np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=-1).reshape(-1, 3)


def _look(rows: np.ndarray, at: np.ndarray, spacing_m: float) -> looks.Look:
    """The look of points ``at (V, 3)`` whose neighbours are ``spacing_m`` away; finer detail is averaged."""
    at = at.astype(np.float64)
    noise = np.empty((len(at), 4))
    for finest in np.unique(rows[:, 11]):
        here = rows[:, 11] == finest
        noise[here] = _noise(at[here] * rows[here, 8:11], np.log2(max(spacing_m * finest, 1e-4)) - 0.5)
    row = [rows[:, i].astype(np.float64) for i in range(looks.COLUMNS)]
    foot = np.full(len(at), 0.012 * 0.06)
    return looks.look(row, (at[:, 0], at[:, 1], at[:, 2]), list(noise.T), foot, NUMPY)


@lru_cache(maxsize=8)
def _solid(level: int) -> np.ndarray:
    data, starts = looks.noise_pyramid()
    side = looks.NOISE >> level
    return data[starts[level] : starts[level] + side**3].reshape(side, side, side, 4)


def _noise(at: np.ndarray, lod: float) -> np.ndarray:
    """``(V, 4)`` noise at ``(V, 3)`` repeats, trilinear. Width is the last axis of the array, as OpenGL reads it."""
    from scipy.ndimage import map_coordinates

    solid = _solid(int(np.clip(np.round(lod), 0, 6)))
    place = (at[:, ::-1] * len(solid) - 0.5).T
    return np.stack([map_coordinates(solid[..., c], place, order=1, mode="grid-wrap") for c in range(4)], axis=-1)


@dataclass(frozen=True)
class GroundPicture:
    """A square of ground; beyond it, its mirror images."""

    albedo: np.ndarray  # (N, N, 3) float32, linear; rows along +Z, columns along +X
    roughness: np.ndarray  # (N, N) float32
    low: tuple[float, float]  # metres, world: x and z of its first corner
    side_m: float


@lru_cache(maxsize=2)
def ground_picture(name: str, first: tuple[int, int]) -> GroundPicture:
    """The ground called ``name`` from a tile (x, z) on, as ground.frag paints it."""
    ground = materials.GROUNDS[name]
    tile = materials.ground_tile(ground.kind).astype(np.float32) / 255.0
    near = np.tile(tile, (_TILES, _TILES, 1))
    along = (np.arange(_TILES * materials.TILE, dtype=np.float32) + 0.5) / materials.TILE
    u, v = np.meshgrid(along + first[0], along + first[1])
    columns, rows = (np.floor(w * materials.TILE).astype(np.int32) % materials.TILE for w in looks.wide(u, v))
    far = tile[rows, columns]
    foot = 1.0 / materials.TILE
    albedo, roughness = looks.ground_look(
        looks.ground_row(ground),
        u,
        v,
        (foot, foot),
        list(np.moveaxis(near, -1, 0)),
        list(np.moveaxis(far, -1, 0)),
        NUMPY,
    )
    low = (first[0] * ground.tile_m, first[1] * ground.tile_m)
    return GroundPicture(
        np.stack(albedo, axis=-1).astype(np.float32), roughness.astype(np.float32), low, _TILES * ground.tile_m
    )


def ground(mi: ModuleType, name: str, middle: tuple[float, float]) -> Any:
    """The ground round a place (x, z), metres."""
    kind = materials.GROUNDS[name]
    picture = ground_picture(name, tuple(int(np.floor(m / kind.tile_m - _TILES / 2)) for m in middle))  # type: ignore[arg-type]
    vertices, faces = meshes.ground(middle)
    uv = (vertices[:, [0, 2]] - picture.low) / picture.side_m
    if looks.ground_row(kind).shiny:
        alpha = np.maximum(np.square(picture.roughness), _LEAST_ALPHA)[..., None]
        bsdf = _glossy(_texture(mi, 2.0 * picture.albedo), _texture(mi, alpha))
    else:
        bsdf = {"type": "diffuse", "reflectance": _texture(mi, picture.albedo)}
    return meshes.mesh(mi, "ground", mi.load_dict({"type": "twosided", "one": bsdf}), vertices, faces, uv=uv)


def _glossy(twice: dict[str, Any], alpha: dict[str, Any]) -> dict[str, Any]:
    """Lambert and a lobe of 4 % at normal incidence, added: half of each doubled, as blending takes half."""
    lobe = {
        "type": "roughconductor", "distribution": "ggx", "alpha": alpha, "eta": 1.5, "k": 0.0,
        "specular_reflectance": 2.0,
    }  # fmt: skip
    return {"type": "blendbsdf", "weight": 0.5, "matte": {"type": "diffuse", "reflectance": twice}, "lobe": lobe}


def _texture(mi: ModuleType, values: np.ndarray) -> dict[str, Any]:
    bitmap = mi.Bitmap(np.ascontiguousarray(values))
    return {"type": "bitmap", "bitmap": bitmap, "raw": True, "wrap_mode": "mirror"}
