"""What surfaces are made of: the rasterizer's patterns (pattern.glsl, ground.frag), a table and a formula each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from render import materials
from render.materials import Ground
from render.path_tracer.ops import Ops, Triple, Value, mix

COLUMNS = 24  # floats of a material's row
NOISE = 64  # texels of the solid noise along a unit

_STRETCH: dict[int, tuple[float, float, float]] = {
    2: (60, 14, 60), 3: (16, 16, 16), 4: (11, 11, 11), 5: (34, 2.5, 8), 7: (1.2, 9, 9), 8: (22, 40, 22), 10: (3, 3, 3),
    12: (14, 14, 14),
}  # fmt: skip
# Of each pattern: the blend of its two colours (constant, by slow noise, by fast noise), roughness by slow and by fast
# noise, how its normals bend.
_PATTERN: dict[int, tuple[float, float, float, float, float, tuple[float, float, float]]] = {
    1: (0.25, 0.12, 0.5, 0.0, 0.1, (0.22, 0.22, 0.22)),
    2: (0.25, 0.60, 0.5, 0.0, 0.1, (0.18, 0.18, 0.18)),
    8: (0.25, 0.60, 0.5, 0.0, 0.1, (0.22, 0.22, 0.22)),
    3: (0.4, 0.8, 0.0, 0.35, 0.0, (0.22, 0.22, 0.22)),
    9: (0.4, 0.8, 0.0, 0.35, 0.0, (0.05, 0.05, 0.05)),
    4: (0.0, 0.0, 0.0, 0.25, 0.0, (0.05, 0.05, 0.05)),
    5: (0.5, 1.6, 0.6, 0.4, 0.0, (0.7, 0.105, 0.28)),
    7: (0.5, 1.3, 0.6, 0.0, 0.25, (0.08, 0.08, 0.08)),
    10: (0.5, 1.3, 0.6, 0.0, 0.25, (0.15, 0.15, 0.15)),
    12: (0.5, 1.3, 0.6, 0.0, 0.25, (0.15, 0.15, 0.15)),
    11: (0.0, 0.0, 0.0, 0.25, 0.0, (0.0, 0.0, 0.0)),
}
_SKIN, _EYE = 4, 6
_BLOOD = (0.20, -0.12, -0.20)  # of skin: redder and paler by slow noise


@dataclass(frozen=True)
class Look:
    """What a point of a surface is made of."""

    albedo: Triple  # linear
    roughness: Value
    metallic: Value
    bend: Triple  # added to the unit normal


def rows(palette: np.ndarray) -> np.ndarray:
    """Materials as the formula reads them, ``(M, COLUMNS)`` float32.

    Args:
        palette: ``(M, 3, 4)``, of `render.rasterizer.blocks.palette`.
    """
    table = np.zeros((len(palette), COLUMNS), np.float32)
    table[:, 0:4], table[:, 4:8] = palette[:, 0], palette[:, 1]
    for row, (kind, scale) in zip(table, palette[:, 2, :2], strict=True):
        constant, slow, fast, rough_slow, rough_fast, bend = _PATTERN.get(int(kind), (0.0,) * 5 + ((0.0,) * 3,))
        stretch = np.array(_STRETCH.get(int(kind), (7, 7, 7)), float) * scale
        row[8:11], row[11] = stretch, stretch.max() * NOISE
        row[12:17] = constant, slow, fast, rough_slow, rough_fast
        row[17:20] = bend
        row[20], row[21] = kind == _SKIN, kind == _EYE
    return table


def look(row: list[Value], at: Triple, noise: list[Value], footprint: Value, ops: Ops) -> Look:
    """The look of a point.

    Args:
        row: the material's `COLUMNS` values.
        at: where patterns are fixed, metres at rest, or a direction in an eyeball.
        noise: four channels of the solid noise at ``at`` times columns 8 to 10.
        footprint: metres that a pixel covers there.
        ops: the array library.
    """
    first: Triple = (row[0], row[1], row[2])
    second: Triple = (row[4], row[5], row[6])
    slow, fast = noise[0] - 0.5, noise[1] - 0.5
    mixed = mix(first, second, ops.clip(row[12] + row[13] * slow + row[14] * fast, 0.0, 1.0))
    albedo: Triple = tuple(c * (1.0 + row[20] * (b * slow + 0.05 * fast)) for c, b in zip(mixed, _BLOOD, strict=True))  # type: ignore[assignment]
    roughness = ops.clip(row[3] + row[15] * slow + row[16] * fast, 0.05, 1.0)
    # An eyeball looks along +Z: white, iris, pupil, with edges as wide as the pixel.
    length = ops.sqrt(ops.maximum(ops.dot(at, at), 1e-18))
    off = ops.acos(ops.clip(at[2] / length, -1.0, 1.0))
    soft = ops.clip(footprint / 0.012, 0.02, 0.5)
    iris = 1.0 - ops.step(0.47 - soft, 0.47 + soft, off)
    pupil = 1.0 - ops.step(0.20 - soft, 0.20 + soft, off)
    ring = 1.0 - 0.55 * ops.step(0.34, 0.47, off)
    eye = mix(first, tuple(c * ring for c in second), iris)  # type: ignore[arg-type]
    is_eye = row[21] > 0.5
    albedo = tuple(ops.select(is_eye, e * (1.0 - 0.97 * pupil), a) for e, a in zip(eye, albedo, strict=True))  # type: ignore[assignment]
    roughness = ops.select(is_eye, row[3] + (0.08 - row[3]) * iris, roughness)
    bend: Triple = tuple(row[17 + i] * (noise[c] - 0.5) for i, c in enumerate((0, 2, 3)))  # type: ignore[assignment]
    return Look(tuple(ops.clip(a, 0.0, 1.0) for a in albedo), roughness, row[7], bend)  # type: ignore[arg-type]


@dataclass(frozen=True)
class GroundRow:
    """A ground as the formula reads it; arrays of NumPy's or values of Dr.Jit's."""

    first: Triple
    second: Triple
    roughness: Value
    per_m: Value  # tiles a metre
    variety: Value
    flat: Value  # 1: only the first colour and lines, no noise
    joints: tuple[Triple, Triple]  # lines: how many a tile, how wide (in their own spacing), how dark
    shiny: Value  # 0: matte


def ground_row(ground: Ground) -> GroundRow:
    """The row of a ground."""
    none = (1.0, 0.01, 0.0)
    joints = {2: ((1.0, 0.004, 0.55), none), 6: ((4.0, 0.018, 0.28), (1.0, 0.008, 0.5))}.get(ground.kind, (none, none))
    variety = {1: 0.45, 0: 0.05}.get(ground.kind, 0.22)
    return GroundRow(
        ground.colour, ground.colour2, ground.roughness, 1.0 / ground.tile_m, variety, float(ground.kind == 6), joints,
        float(ground.kind not in (1, 4)),
    )  # fmt: skip


def wide(u: Value, v: Value) -> tuple[Value, Value]:
    """The same tile, larger and turned, where it hides its own repetition."""
    return 0.1337 * u - 0.0621 * v + 0.37, 0.0621 * u + 0.1337 * v + 0.37


def ground_look(
    row: GroundRow, u: Value, v: Value, foot: tuple[Value, Value], near: list[Value], far: list[Value], ops: Ops
) -> tuple[Triple, Value]:
    """Base colour and roughness of a place on the ground.

    Args:
        row: the ground.
        u: tiles along +X; ``v`` along +Z.
        v: see ``u``.
        foot: how far a pixel reaches along both, tiles.
        near: the tile's channels at (u, v).
        far: its channels at ``wide(u, v)``.
        ops: the array library.
    """
    blend = ops.clip(near[0] + 1.8 * row.variety * (far[3] - 0.5), 0.0, 1.0)
    shade = (0.30 + 1.40 * near[1]) * (1.0 + row.variety * (far[2] - 0.5))
    painted = mix(row.first, row.second, blend * (1.0 - row.flat))
    shade = shade + (1.0 - shade) * row.flat
    for many, line, dark in row.joints:
        shade = shade * (1.0 - dark * _joint((u * many, v * many), (foot[0] * many, foot[1] * many), line, ops))
    roughness = ops.clip(row.roughness + 0.3 * (near[2] - 0.5), 0.05, 1.0)
    return tuple(ops.clip(c * shade, 0.0, 1.0) for c in painted), roughness  # type: ignore[return-value]


def _joint(at: tuple[Value, Value], width: tuple[Value, Value], line: Value, ops: Ops) -> Value:
    """Lines at whole numbers, as wide as the pixel when that is wider."""
    cover = []
    for x, across in zip(at, width, strict=True):
        w = ops.maximum(across, line)
        far = ops.fract(x - 0.5) - 0.5
        far = ops.maximum(far, -far)
        cover.append(ops.clip((0.5 * (w + line) - far) / w, 0.0, 1.0) * ops.minimum(line / w * 1.5, 1.0))
    return ops.maximum(cover[0], cover[1])


def pyramid(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A tiling picture or solid whose sides are one power of two, and its halved copies, one after another.

    Returns:
        ``(N, C)`` float32 and the first row of every level ``(L,)`` uint32.
    """
    level = image.astype(np.float32) / 255.0
    sides = level.ndim - 1
    parts, starts, count = [], [], 0
    while True:
        parts.append(level.reshape(-1, level.shape[-1]))
        starts.append(count)
        count += len(parts[-1])
        if level.shape[0] == 1:
            return np.concatenate(parts), np.array(starts, np.uint32)
        half = level.shape[0] // 2
        level = level.reshape(*(half, 2) * sides, level.shape[-1]).mean(axis=tuple(range(1, 2 * sides, 2)))


def noise_pyramid() -> tuple[np.ndarray, np.ndarray]:
    """Of the solid noise."""
    return pyramid(materials.solid_noise())


def tile_pyramid(kind: int) -> tuple[np.ndarray, np.ndarray]:
    """Of a ground's tile."""
    return pyramid(materials.ground_tile(kind))
