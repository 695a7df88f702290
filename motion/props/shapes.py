"""The prop primitives: box, ball, bench, steps, lamp post and so on, each built at a size in metres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from motion import rotations as rot
from motion.material import Material
from motion.props.build import Builder, PropMesh, arc, box, moved, prism, revolve
from motion.rotations import Array

Size = tuple[float, float, float]
Profile = list[Sequence[float] | Array]

PAINT = Material("paint", (0.42, 0.45, 0.48), roughness=0.55)
CLAY = Material("clay", (0.55, 0.33, 0.22), roughness=0.7)
WOOD = Material("wood", (0.42, 0.24, 0.11), roughness=0.6, pattern="wood", colour2=(0.27, 0.14, 0.06))
PLANK = Material("plank", (0.5, 0.33, 0.17), roughness=0.7, pattern="wood", colour2=(0.34, 0.2, 0.09))
STONE = Material("stone", (0.46, 0.45, 0.42), roughness=0.9, pattern="concrete", colour2=(0.36, 0.35, 0.33))
PLASTER = Material("plaster", (0.66, 0.62, 0.56), roughness=0.92, pattern="concrete", colour2=(0.58, 0.54, 0.48))
IRON = Material("iron", (0.045, 0.05, 0.055), roughness=0.45, metallic=0.6)
STEEL = Material("steel", (0.5, 0.5, 0.5), roughness=0.35, metallic=1.0)
RUBBER = Material("rubber", (0.62, 0.09, 0.05), roughness=0.45)
GLASS = Material("lamp glass", (0.92, 0.88, 0.78), roughness=0.25)
BARK = Material("bark", (0.16, 0.1, 0.06), roughness=0.95, pattern="wood", colour2=(0.09, 0.055, 0.03), scale=2.0)
LEAVES = Material("leaves", (0.1, 0.22, 0.05), roughness=0.8, pattern="grass", colour2=(0.05, 0.13, 0.03))

#: The materials that a scene can ask for by name: those that the primitives are made of, and steel.
MATERIALS: dict[str, Material] = {
    m.name: m for m in (PAINT, CLAY, WOOD, PLANK, STONE, PLASTER, IRON, STEEL, RUBBER, GLASS, BARK, LEAVES)
}


def _box(size: Size) -> PropMesh:
    b = Builder()
    b.add(box(size), PAINT, "box")
    return b.build(size)


def _plane(size: Size) -> PropMesh:
    b = Builder()
    b.add(box(size, bevel=0.0005), PAINT, "plane")
    return b.build(size)


def _panel(size: Size) -> PropMesh:
    b = Builder()
    b.add(box(size, bevel=0.004), PLASTER, "panel")
    return b.build(size)


def _wall(size: Size) -> PropMesh:
    b = Builder()
    skirting = min(0.1, 0.1 * size[1])
    b.add(box((size[0], size[1], size[2] * 0.8), bevel=0.004), PLASTER, "wall")
    b.add(box((size[0], skirting, size[2]), bevel=0.004), WOOD, "skirting")
    return b.build(size)


def _sphere(size: Size, material: Material = CLAY, part: str = "sphere") -> PropMesh:
    b = Builder()
    b.add(revolve([*arc((0, 0.5), 0.5, 0, np.pi, 25)], segments=48), material, part)
    return b.build(size)


def _ball(size: Size) -> PropMesh:
    return _sphere(size, RUBBER, "ball")


def _round(size: Size, profile: Profile, material: Material, part: str, segments: int = 48) -> PropMesh:
    b = Builder()
    b.add(revolve(profile, segments), material, part)
    return b.build(size)


def _edge(size: Size) -> float:
    """Width of a rim's bevel on a round thing of unit radius and height ``size[1]`` over the mean radius."""
    return min(0.015 / max(0.25 * (size[0] + size[2]), 1e-6), 0.1)


def _unit_height(size: Size) -> float:
    return size[1] / max(0.25 * (size[0] + size[2]), 1e-6)


def _cylinder(size: Size) -> PropMesh:
    h, e = _unit_height(size), _edge(size)
    e = min(e, 0.2 * h)
    profile: Profile = [
        (0, 0),
        *arc((1 - e, e), e, 0, np.pi / 2, 4),
        *arc((1 - e, h - e), e, np.pi / 2, np.pi, 4),
        (0, h),
    ]
    return _round(size, profile, PAINT, "cylinder")


def _cone(size: Size) -> PropMesh:
    h = _unit_height(size)
    return _round(size, [(0, 0), (0.985, 0), (1, 0.012 * h), (0.02, 0.985 * h), (0, h)], CLAY, "cone")


def _capsule(size: Size) -> PropMesh:
    h = max(_unit_height(size), 2.0)  # stretched afterwards when shorter than wide
    profile: Profile = [*arc((0, 1), 1, 0, np.pi / 2, 13), *arc((0, h - 1), 1, np.pi / 2, np.pi, 13)]
    return _round(size, profile, PAINT, "capsule")


def _ramp(size: Size) -> PropMesh:
    """Rises from its front edge (+Z) to its back."""
    w, h, d = size
    lip = min(0.01, 0.1 * h)
    b = Builder()
    b.add(prism([(d / 2, 0), (d / 2, lip), (-d / 2, h), (-d / 2, 0)], w), PLANK, "ramp")
    mesh = b.build(size)
    # One box would fill the air above the slope; eight follow it.
    edges = np.linspace(d / 2, -d / 2, 9)
    tops = h * np.linspace(0, 1, 9)[1:]
    solids = [[(-w / 2, 0, z1), (w / 2, t, z0)] for z0, z1, t in zip(edges[:-1], edges[1:], tops, strict=True)]
    return PropMesh(**{**mesh.__dict__, "solids": np.array(solids, dtype=float)})


def _steps(size: Size) -> PropMesh:
    """A flight of steps, about 17 cm each, rising from its front edge (+Z) to its back."""
    w, h, d = size
    count = int(np.clip(round(h / 0.17), 1, 60))
    b = Builder()
    for i in range(count):
        depth = d * (count - i) / count
        b.add(box((w, h / count, depth), (0, h * i / count, -(d - depth) / 2), bevel=0.008), STONE, "steps")
    return b.build(size)


def _legs(b: Builder, w: float, h: float, d: float, thick: float, material: Material, inset: float = 0.0) -> None:
    for x in (-1, 1):
        for z in (-1, 1):
            at = (x * (w / 2 - thick / 2 - inset), 0, z * (d / 2 - thick / 2 - inset))
            b.add(box((thick, h, thick), at, bevel=0.004), material, "legs")


def _table(size: Size) -> PropMesh:
    w, h, d = size
    top, leg = min(0.04, 0.2 * h), min(0.065, 0.12 * min(w, d))
    rail = min(0.09, 0.2 * h)
    b = Builder()
    b.add(box((w, top, d), (0, h - top, 0), bevel=0.006), WOOD, "top")
    _legs(b, w, h - top, d, leg, WOOD, inset=0.04 * min(w, d))
    inner = 0.04 * min(w, d) + leg / 2
    for x in (-1, 1):
        at = (x * (w / 2 - inner), h - top - rail, 0.0)
        b.add(box((leg * 0.4, rail, d - 2 * inner), at), WOOD, "rails", solid=False)
        at = (0.0, h - top - rail, x * (d / 2 - inner))
        b.add(box((w - 2 * inner, rail, leg * 0.4), at), WOOD, "rails", solid=False)
    return b.build(size)


def _chair(size: Size) -> PropMesh:
    """Its seat faces +Z; the seat is at half of its height."""
    w, h, d = size
    seat_y, leg, thick = 0.5 * h, min(0.042, 0.12 * min(w, d)), min(0.035, 0.1 * h)
    b = Builder()
    b.add(box((w, thick, d), (0, seat_y - thick, 0), bevel=0.008), WOOD, "seat")
    _legs(b, w, seat_y - thick, d, leg, WOOD, inset=0.005)
    for x in (-1, 1):
        b.add(box((leg, h - seat_y, leg), (x * (w / 2 - leg / 2), seat_y, -d / 2 + leg / 2), 0.006), WOOD, "back")
    for k, height in enumerate((0.12, 0.12, 0.2)):
        y = seat_y + (h - seat_y) * (0.22, 0.5, 0.78)[k]
        slat = (w - leg, (h - seat_y) * height, leg * 0.5)
        b.add(box(slat, (0, y, -d / 2 + leg / 2), 0.004), WOOD, "back")
    return b.build(size)


def _bench(size: Size) -> PropMesh:
    """A park bench: slatted seat and leaning back, iron sides; the seat faces +Z, at 45 cm when 85 cm high."""
    w, h, d = size
    seat_y, slat = 0.53 * h, min(0.03, 0.06 * h)
    b = Builder()
    across = 0.82 * d
    for i in range(5):
        z = d / 2 - across * (i + 0.5) / 5
        b.add(box((w, slat, across / 5 * 0.84), (0, seat_y - slat, z), bevel=0.005), PLANK, "seat")
    lean = rot.to_matrix(rot.from_axis("X", -0.22))
    rise = (h - seat_y) / 0.97
    for i in range(4):
        piece = box((w, rise / 4 * 0.8, slat), (0, 0.06 * rise + rise * 0.94 * i / 4, 0), bevel=0.005)
        b.add(moved(piece, (0, seat_y, -d / 2 + 0.26 * d), lean), PLANK, "back")
    iron = min(0.045, 0.04 * w)
    for x in (-1, 1):
        side = x * (w / 2 - 0.12 * w)
        for z in (d / 2 - 0.1 * d, -d / 2 + 0.2 * d):
            b.add(box((iron, seat_y - slat, iron), (side, 0, z), bevel=0.006), IRON, "frame")
        b.add(box((iron, iron, across), (side, seat_y - slat - iron, d / 2 - across / 2), 0.004), IRON, "frame")
        b.add(box((iron * 1.3, iron * 0.5, d), (side, 0, 0), 0.004), IRON, "frame")
        post = box((iron, rise * 0.98, iron * 0.6), (0, 0, -slat), bevel=0.004)
        b.add(moved(post, (side, seat_y - slat, -d / 2 + 0.26 * d), lean), IRON, "frame")
    return b.build(size)


def _crate(size: Size) -> PropMesh:
    w, h, d = size
    t = 0.09 * min(size)
    b = Builder()
    b.add(box((w - t, h - t, d - t), (0, t / 2, 0), bevel=0.003), PLANK, "boards")
    for x in (-1, 1):
        for z in (-1, 1):
            b.add(box((t, h, t), (x * (w - t) / 2, 0, z * (d - t) / 2), 0.006), WOOD, "frame", solid=False)
        for y in (0.0, h - t):
            b.add(box((w - 2 * t, t, t), (0, y, x * (d - t) / 2), 0.006), WOOD, "frame", solid=False)
            b.add(box((t, t, d - 2 * t), (x * (w - t) / 2, y, 0), 0.006), WOOD, "frame", solid=False)
    mesh = b.build(size)
    whole = np.array([[(-w / 2, 0, -d / 2), (w / 2, h, d / 2)]], dtype=float)
    return PropMesh(**{**mesh.__dict__, "solids": whole})


def _pillar(size: Size) -> PropMesh:
    """A round column between two square plates."""
    w, h, d = size
    plate = min(0.08 * h, 0.25 * min(w, d))
    r = 0.38 * min(w, d)
    b = Builder()
    b.add(box((w, plate, d), bevel=0.01), STONE, "base")
    shaft: Profile = [(1.12 * r, 0), (1.12 * r, 0.25 * plate), *arc((r, 0.5 * plate), 0.12 * r, np.pi / 2, np.pi, 5)]
    shaft += [(r, 0.8 * plate), (0.99 * r, 0.4 * h), (0.86 * r, h - 2.6 * plate)]
    shaft += [(0.86 * r, h - 2.5 * plate), *arc((0.86 * r, h - 2.2 * plate), 0.14 * r, 0.3, np.pi - 0.3, 6)]
    shaft += [(1.1 * r, h - 2 * plate)]
    b.add(moved(revolve(shaft, 48), (0, plate, 0)), STONE, "shaft")
    b.add(box((w, plate, d), (0, h - plate, 0), bevel=0.01), STONE, "capital")
    return b.build(size)


def _lamp_post(size: Size) -> PropMesh:
    w, h, d = size
    r = 0.5 * min(w, d)
    b = Builder()
    foot: Profile = [
        (0, 0),
        (0.7 * r, 0),
        (0.7 * r, 0.03 * h),
        *arc((0.34 * r, 0.1 * h), (0.3 * r, 0.06 * h), np.pi / 2, np.pi, 6),
    ]
    post: Profile = [
        *foot,
        (0.2 * r, 0.17 * h),
        (0.16 * r, 0.8 * h),
        (0.34 * r, 0.82 * h),
        (0.34 * r, 0.835 * h),
        (0, 0.84 * h),
    ]
    b.add(revolve(post, 24), IRON, "post")
    lamp: Profile = [(0.45 * r, 0), (0.78 * r, 0.11 * h), (0, 0.11 * h)]
    b.add(moved(revolve([(0, 0), *lamp], 24), (0, 0.835 * h, 0)), GLASS, "lamp")
    cap: Profile = [
        (0, 0),
        (r, 0),
        (r, 0.006 * h),
        (0.35 * r, 0.04 * h),
        (0.12 * r, 0.045 * h),
        (0.08 * r, 0.055 * h),
        (0, 0.055 * h),
    ]
    b.add(moved(revolve(cap, 24), (0, 0.945 * h, 0)), IRON, "cap")
    return b.build(size)


def _tree(size: Size) -> PropMesh:
    """A trunk and a crown of leaf masses; the same tree every time."""
    w, h, d = size
    r = 0.05 * min(w, d) + 0.02 * h
    b = Builder()
    trunk: Profile = [(1.7 * r, 0), (1.15 * r, 0.04 * h), (0.95 * r, 0.2 * h), (0.7 * r, 0.5 * h), (0.3 * r, 0.75 * h)]
    b.add(revolve(trunk, 16), BARK, "trunk")
    rng = np.random.default_rng(4)
    for k in range(11):
        angle, level = 2.4 * k, (k + 0.5) / 11
        spread = 0.3 * np.sin(np.pi * (0.25 + 0.7 * level))
        radius = (0.26 - 0.08 * level) * np.array([w, 0.62 * h, d])
        piece = revolve([*arc((0, 0), 1, 0, np.pi, 15)], 24)
        vertices, normals, uv, faces = piece
        wave = rng.uniform(0, 6.28, 6)
        bumps = sum(
            np.sin(f * vertices[:, a] + p)
            for f, a, p in zip((7, 9, 8, 13, 15, 14), (0, 1, 2, 0, 1, 2), wave, strict=True)
        )
        vertices = vertices * (1 + 0.035 * np.asarray(bumps)[:, None]) * radius
        normals = normals / radius
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        middle = (spread * w * np.sin(angle), (0.42 + 0.44 * level) * h, spread * d * np.cos(angle))
        b.add((vertices + middle, normals, uv * radius.mean(), faces), LEAVES, "crown")
    return b.build(size)


@dataclass(frozen=True)
class Primitive:
    """A shape that a scene can ask for by name."""

    build: Callable[[Size], PropMesh]
    usual_size: Size  # metres: width x, height y, depth z, when a scene gives none
    about: str


PRIMITIVES: dict[str, Primitive] = {
    "box": Primitive(_box, (1.0, 1.0, 1.0), "a box with bevelled edges"),
    "crate": Primitive(_crate, (0.7, 0.7, 0.7), "a framed wooden crate"),
    "sphere": Primitive(_sphere, (1.0, 1.0, 1.0), "a sphere or ellipsoid"),
    "ball": Primitive(_ball, (0.24, 0.24, 0.24), "a rubber ball, a basketball's size"),
    "cylinder": Primitive(_cylinder, (0.6, 1.0, 0.6), "an upright cylinder"),
    "cone": Primitive(_cone, (0.6, 0.9, 0.6), "an upright cone"),
    "capsule": Primitive(_capsule, (0.5, 1.2, 0.5), "an upright capsule"),
    "plane": Primitive(_plane, (2.0, 0.01, 2.0), "a flat sheet on the ground: a mat, a carpet"),
    "panel": Primitive(_panel, (2.0, 2.2, 0.05), "an upright sheet: a screen, a board"),
    "wall": Primitive(_wall, (4.0, 2.6, 0.18), "a plastered wall with a skirting board"),
    "ramp": Primitive(_ramp, (1.4, 0.4, 2.0), "a ramp that rises from its front (+Z) to its back"),
    "steps": Primitive(_steps, (1.6, 0.68, 1.2), "steps that rise from their front (+Z) to their back"),
    "bench": Primitive(_bench, (1.6, 0.85, 0.62), "a park bench; its seat faces +Z"),
    "table": Primitive(_table, (1.4, 0.74, 0.8), "a table with four legs"),
    "chair": Primitive(_chair, (0.44, 0.88, 0.46), "a chair; its seat faces +Z"),
    "pillar": Primitive(_pillar, (0.6, 3.0, 0.6), "a round stone column between two plates"),
    "lamp_post": Primitive(_lamp_post, (0.5, 3.6, 0.5), "a street lamp"),
    "tree": Primitive(_tree, (3.2, 4.6, 3.2), "a broad-leaved tree"),
}
