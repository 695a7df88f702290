"""Mesh files as props, through trimesh: geometry in metres, creases kept sharp, simple colours kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from motion.colour import srgb_to_linear
from motion.errors import BadInput
from motion.material import Colour, Material
from motion.props.build import PropMesh
from motion.rotations import Array

#: Faces that meet at a sharper angle than this keep a hard edge when the file brings no normals (radians).
CREASE = np.radians(40.0)

_PLAIN = Material("prop", (0.5, 0.5, 0.5), roughness=0.7)


def read(name: str, path: str, size: tuple[float, float, float], max_faces: int) -> PropMesh:
    """Load a mesh file and stand it on the origin, multiplied by ``size`` along each axis.

    Args:
        name: the prop's name, for messages.
        path: any file that trimesh reads (.obj, .glb, .gltf, .ply, .stl, .off, …), in metres.
        size: factors along x, y and z.
        max_faces: more triangles than this are refused.

    Raises:
        BadInput: the file cannot be read, holds no triangles, holds numbers that are not finite, or is too large.
    """
    import trimesh

    suffix = Path(path).suffix.lower().lstrip(".")
    known = sorted(trimesh.available_formats())
    if suffix not in known:
        shown = ", ".join(k for k in known if k in {"obj", "glb", "gltf", "ply", "stl", "off", "dae", "3mf"})
        raise BadInput(f"prop '{name}': cannot read '.{suffix}' meshes ({path}); expected one of {shown}")
    try:
        scene = trimesh.load_scene(path)
        pieces = [g for g in scene.dump(concatenate=False) if isinstance(g, trimesh.Trimesh) and len(g.faces)]
    except MemoryError:
        raise BadInput(f"prop '{name}': '{path}' does not fit in memory") from None
    except Exception as error:  # trimesh's readers raise whatever a broken file provokes
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise BadInput(f"prop '{name}': cannot read '{path}' as a .{suffix} mesh ({reason[:160]})") from None
    if not pieces:
        raise BadInput(f"prop '{name}': '{path}' holds no triangles")
    total = sum(len(g.faces) for g in pieces)
    if total > max_faces:
        raise BadInput(f"prop '{name}': '{path}' has {total:,} triangles, expected at most {max_faces:,}")

    vertices, normals, uvs, faces, face_material, face_part, boxes = [], [], [], [], [], [], []
    materials: list[Material] = []
    parts: list[str] = []
    start = 0
    for i, piece in enumerate(pieces):
        points, directions, triangles, uv, own, which = _geometry(piece)
        if not np.isfinite(points).all():
            raise BadInput(f"prop '{name}': '{path}' has vertices that are not finite")
        table = []
        for material in own:
            if material not in materials:
                materials.append(material)
            table.append(materials.index(material))
        part = str(piece.metadata.get("name") or f"part{i + 1}")
        if part not in parts:
            parts.append(part)
        vertices.append(points)
        normals.append(directions)
        uvs.append(uv)
        faces.append(triangles + start)
        face_material.append(np.asarray(table)[which])
        face_part.append(np.full(len(triangles), parts.index(part)))
        used = points[np.unique(triangles)]
        boxes.append([used.min(0), used.max(0)])
        start += len(points)

    solids = np.array(boxes, dtype=np.float64)
    low, high = solids[:, 0].min(0), solids[:, 1].max(0)
    scale = np.asarray(size, dtype=np.float64)
    origin = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    turned = np.concatenate(normals) / scale
    turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
    if len(solids) > 64:  # a file of a thousand pieces would make every sight line slow
        solids = np.stack([low, high])[None]
    return PropMesh(
        vertices=((np.concatenate(vertices) - origin) * scale).astype(np.float32),
        normals=turned.astype(np.float32),
        faces=np.concatenate(faces).astype(np.int32),
        uv=np.concatenate(uvs).astype(np.float32),
        materials=tuple(materials),
        face_material=np.concatenate(face_material).astype(np.int32),
        parts=tuple(parts),
        face_part=np.concatenate(face_part).astype(np.int32),
        solids=(solids - origin) * scale,
    )


def _geometry(piece: Any) -> tuple[Array, Array, np.ndarray, Array, list[Material], np.ndarray]:
    """Vertices, normals, faces, uv, materials and each face's material."""
    own, which = _materials(piece)
    points = np.asarray(piece.vertices, dtype=np.float64)
    faces = np.asarray(piece.faces, dtype=np.int64)
    uv = getattr(piece.visual, "uv", None)
    uv = np.zeros((len(points), 2)) if uv is None or len(uv) != len(points) else np.asarray(uv, dtype=np.float64)
    uv = np.where(np.isfinite(uv), uv, 0.0)
    if "vertex_normals" in piece._cache.cache:  # the file brought its own
        return points, np.asarray(piece.vertex_normals, dtype=np.float64), faces, uv, own, which
    points, normals, faces, source = _creased(points, faces)
    return points, normals, faces, uv[source], own, which


def _creased(points: Array, faces: np.ndarray) -> tuple[Array, Array, np.ndarray, np.ndarray]:
    """Area-weighted vertex normals, smooth where faces meet softly, split where they meet sharper than CREASE."""
    _, place = np.unique(np.round(points, 9), axis=0, return_inverse=True)
    place = place.ravel()
    area = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    unit = area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), 1e-20)
    corner_face = np.repeat(np.arange(len(faces)), 3)
    corner_place = place[faces.ravel()]
    order = np.argsort(corner_place, kind="stable")
    counts = np.bincount(corner_place)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    total = np.zeros((len(corner_face), 3))
    # Sum over each corner's neighbours at the same place; a few fans are large, most have six faces.
    for k in range(int(min(counts.max(), 64))):
        neighbour = order[np.minimum(starts[corner_place] + k, len(order) - 1)]
        other = corner_face[neighbour]
        soft = (unit[corner_face] * unit[other]).sum(1) > np.cos(CREASE)
        soft &= k < counts[corner_place]
        total += np.where(soft[:, None], area[other], 0.0)
    lost = np.linalg.norm(total, axis=1) < 1e-20
    total[lost] = unit[corner_face][lost]
    normals = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
    key = np.concatenate([faces.reshape(-1, 1), np.round(normals, 4)], axis=1)
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    source = faces.ravel()[first]
    return points[source], normals[first], inverse.reshape(-1, 3), source


def _materials(piece: Any) -> tuple[list[Material], np.ndarray]:
    """The file's simple colours: a base colour factor, or face colours when there are few; textures by their mean."""
    everywhere = np.zeros(len(piece.faces), dtype=np.int64)
    visual = piece.visual
    material = getattr(visual, "material", None)
    if material is not None:
        name = str(getattr(material, "name", None) or "prop")
        factor = getattr(material, "baseColorFactor", None)
        image = getattr(material, "baseColorTexture", None)
        linear = factor is not None
        if factor is None:
            factor = getattr(material, "diffuse", None)
            image = image or getattr(material, "image", None)
        colour = np.ones(3) if factor is None else np.asarray(factor, dtype=np.float64)[:3]
        if colour.max(initial=0) > 1 or getattr(factor, "dtype", None) == np.uint8:
            colour = colour / 255.0
        if not linear:
            colour = srgb_to_linear(colour)
        if image is not None:
            small = np.asarray(image.convert("RGB").resize((16, 16)), dtype=np.float64) / 255.0
            colour = (colour if linear else np.ones(3)) * srgb_to_linear(small).reshape(-1, 3).mean(0)
        elif factor is None:
            colour = np.array(_PLAIN.colour)
        rough, metal = getattr(material, "roughnessFactor", None), getattr(material, "metallicFactor", None)
        return [
            Material(
                name,
                _colour(colour),
                roughness=float(0.7 if rough is None else rough),
                # glTF's default is a metal, which files of painted things often forget to deny
                metallic=float(0.0 if metal is None else metal),
            )
        ], everywhere
    if getattr(visual, "defined", False) and getattr(visual, "kind", None) in ("face", "vertex"):
        colours = np.asarray(visual.face_colors)[:, :3]
        distinct, which = np.unique(colours, axis=0, return_inverse=True)
        if len(distinct) <= 16:
            made = [Material(f"colour{k + 1}", _colour(srgb_to_linear(c / 255.0))) for k, c in enumerate(distinct)]
            return made, which.ravel()
        return [Material("prop", _colour(srgb_to_linear(colours / 255.0).mean(0)))], everywhere
    return [_PLAIN], everywhere


def _colour(values: Array) -> Colour:
    r, g, b = (round(float(np.clip(v, 0.0, 1.0)), 4) for v in values)
    return r, g, b
