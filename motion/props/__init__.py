"""Props as things: their meshes, where they are at any time, and whether they stand in a camera's way.

`mesh` builds a primitive or reads a file; `pose` and `PropMotion` say where the prop is (in place, in a hand,
falling, lying); `contains` and `blocks` test points and sight lines against the prop's oriented boxes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from motion.errors import BadInput, did_you_mean
from motion.props.build import PropMesh
from motion.props.held import PropMotion, pose
from motion.props.shapes import MATERIALS, PRIMITIVES, Primitive, Size
from motion.rotations import Array
from motion.stage import Prop

__all__ = [
    "MATERIALS", "PRIMITIVES", "Primitive", "PropMesh", "PropMotion", "blocks", "bounds", "contains", "is_file",
    "mesh", "pose", "solids", "usual_size",
]  # fmt: skip

#: A mesh file with more triangles than this is refused; a film's prop needs far fewer.
MAX_FACES = 2_000_000


def is_file(shape: str) -> bool:
    """Whether a prop's shape names a mesh file rather than a primitive."""
    return shape not in PRIMITIVES and ("/" in shape or "\\" in shape or "." in Path(shape).name)


def usual_size(shape: str) -> Size:
    """Metres (width x, height y, depth z) of a primitive when a scene gives none; (1, 1, 1) for a file.

    Raises:
        BadInput: no such primitive.
    """
    if is_file(shape):
        return (1.0, 1.0, 1.0)
    return _primitive(shape).usual_size


def mesh(prop: Prop) -> PropMesh:
    """The prop's rigid mesh, the middle of its underside at the origin, its front towards +Z.

    A primitive measures exactly ``prop.size`` metres. A file is read in metres, in its own orientation, and
    ``prop.size`` multiplies it along each axis: (1, 1, 1) leaves it as it is. ``prop.material`` replaces every
    material.

    Raises:
        BadInput: an unknown primitive; a file that is missing, unreadable, empty or too large; a size that is
            not three positive numbers.
    """
    size = _size(prop)
    if is_file(prop.shape):
        path = Path(prop.shape)
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            hint = did_you_mean(path.stem, PRIMITIVES)
            raise BadInput(f"prop '{prop.name}': no mesh file '{prop.shape}'{hint}") from None
        built = _from_file(prop.name, prop.shape, stamp, size)
    else:
        _primitive(prop.shape, prop.name)
        built = _from_primitive(prop.shape, size)
    if prop.material is None:
        return built
    zeros = np.zeros_like(built.face_material)
    return PropMesh(**{**built.__dict__, "materials": (prop.material,), "face_material": zeros})


def bounds(prop: Prop) -> tuple[Array, Array]:
    """Lowest and highest corner ``(3,)`` of the prop's mesh in its own frame, metres."""
    vertices = mesh(prop).vertices
    return vertices.min(0).astype(np.float64), vertices.max(0).astype(np.float64)


def solids(prop: Prop) -> Array:
    """Boxes ``(S, 2, 3)``, lowest and highest corner in the prop's frame, metres, that together enclose it."""
    return mesh(prop).solids


def contains(prop: Prop, T_world_prop: Array, point: ArrayLike, margin: float = 0.0) -> np.ndarray:
    """Whether points ``(…, 3)``, world, lie inside one of the prop's boxes grown by ``margin`` metres; ``(…,)``."""
    local = _to_prop(T_world_prop, point)[..., None, :]
    low, high = solids(prop)[:, 0] - margin, solids(prop)[:, 1] + margin
    return np.all((local >= low) & (local <= high), axis=-1).any(axis=-1)


def blocks(prop: Prop, T_world_prop: Array, a: ArrayLike, b: ArrayLike, margin: float = 0.0) -> np.ndarray:
    """Whether the segments from ``a (…, 3)`` to ``b (…, 3)``, world, meet one of the prop's boxes; ``(…,)``.

    Boxes against segments by the slab test (Kay and Kajiya 1986).
    """
    start = _to_prop(T_world_prop, a)[..., None, :]
    step = _to_prop(T_world_prop, b)[..., None, :] - start
    low, high = solids(prop)[:, 0] - margin, solids(prop)[:, 1] + margin
    step = np.where(np.abs(step) < 1e-12, 1e-12, step)
    near, far = (low - start) / step, (high - start) / step
    enter = np.minimum(near, far).max(axis=-1)
    leave = np.maximum(near, far).min(axis=-1)
    return ((enter <= leave) & (leave >= 0) & (enter <= 1)).any(axis=-1)


def _to_prop(T_world_prop: Array, points: ArrayLike) -> Array:
    turn, place = T_world_prop[..., :3, :3], T_world_prop[..., :3, 3]
    return np.einsum("...ji,...j->...i", turn, np.asarray(points, dtype=np.float64) - place)


def _size(prop: Prop) -> Size:
    try:
        x, y, z = (float(s) for s in prop.size)
    except (TypeError, ValueError):
        raise BadInput(f"prop '{prop.name}': size {prop.size!r}, expected three numbers of metres") from None
    if not all(1e-4 <= s <= 1e4 for s in (x, y, z)):
        raise BadInput(f"prop '{prop.name}': size {x:g} x {y:g} x {z:g}, expected each from 0.0001 to 10000")
    return x, y, z


def _primitive(shape: str, name: str | None = None) -> Primitive:
    if shape not in PRIMITIVES:
        where = f"prop '{name}': " if name else ""
        hint = did_you_mean(shape, PRIMITIVES)
        raise BadInput(f"{where}unknown shape '{shape}'{hint} (or the path of a mesh file, such as chair.glb)")
    return PRIMITIVES[shape]


@lru_cache(maxsize=256)
def _from_primitive(shape: str, size: Size) -> PropMesh:
    return _sealed(PRIMITIVES[shape].build(size))


@lru_cache(maxsize=64)
def _from_file(name: str, path: str, stamp: int, size: Size) -> PropMesh:
    from motion.props.files import read

    return _sealed(read(name, path, size, MAX_FACES))


def _sealed(built: PropMesh) -> PropMesh:
    for value in built.__dict__.values():  # shared by the cache: nobody may write into it
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    return built
