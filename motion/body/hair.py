"""Hair, brows and lashes of the default body."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from motion.body.asset import Asset
from motion.body.patch import Field, Patch
from motion.body.piece import Landmarks, Piece, above
from motion.easing import smoothstep
from motion.material import Colour, Material
from motion.rotations import Array

STYLES: tuple[str, ...] = ("short", "bun", "ponytail")


def hairline_field(at: Landmarks) -> Field:
    """Positive where hair grows: above a line that runs high over the brow, before the ears, and low at the nape."""
    eye, height = at.eye, at.crown - at.eye[1]
    middle = np.array([0.0, eye[1], 0.25 * eye[2] + 0.75 * at["head"][2]])
    waves = ((9.0, 0.4, 0.022), (23.0, 1.3, 0.014), (41.0, 2.1, 0.006))
    # (azimuth from the front in degrees, height above the eyes as a share of the head above them)
    knots = np.array(
        [[0, 0.62], [18, 0.60], [30, 0.54], [42, 0.42], [55, 0.22], [68, 0.12], [78, 0.20], [98, 0.24], [112, 0.06],
         [124, -0.35], [140, -0.62], [160, -0.70], [180, -0.72]]
    )  # fmt: skip

    def field(p: Array) -> Array:
        d = p - middle
        azimuth = np.degrees(np.abs(np.arctan2(d[:, 0], d[:, 2])))
        line = np.interp(azimuth, knots[:, 0], knots[:, 1])
        line = (line + sum(size * np.sin(np.radians(azimuth) * rate + phase) for rate, phase, size in waves)) * height
        return d[:, 1] - line

    return field


def brow_fields(at: Landmarks, side: float) -> tuple[Field, ...]:
    """A brow: an arch above the eye, thick towards the nose and thin at the temple."""
    eye, r = at.eye, at.eye_radius

    def along(p: Array) -> Array:
        return (side * p[:, 0] - (eye[0] - 1.05 * r)) / (2.5 * r)  # 0 at the inner end, 1 at the outer

    def arch(u: Array) -> Array:
        return eye[1] + r * (1.32 + 0.55 * u - 0.75 * u * u)

    def half(u: Array) -> Array:
        return r * np.clip(0.25 - 0.19 * u, 0.04, 0.25) * np.sqrt(np.clip((u + 0.04) / 0.22, 0.0, 1.0))

    return (
        lambda p: p[:, 2] - eye[2],
        lambda p: along(p),
        lambda p: 1.0 - along(p),
        lambda p: p[:, 1] - (arch(along(p)) - half(along(p))),
        lambda p: (arch(along(p)) + half(along(p))) - p[:, 1],
    )


def strands(at: Landmarks) -> Field:
    """Grooves a few millimetres deep that run from the brow to the nape, as combed hair does."""
    middle = np.array([0.0, at.eye[1] + 0.01, at["head"][2]])

    def depth(p: Array) -> Array:
        d = p - middle
        across = np.arctan2(d[:, 0], np.maximum(np.hypot(d[:, 1], 0.03), 1e-6) * np.sign(d[:, 1] + 0.2))
        along = np.arctan2(d[:, 2], d[:, 1] + 0.12)
        wave = (
            np.sin(34 * across + 1.7 * np.sin(2.3 * along + 3.0 * across))
            + 0.7 * np.sin(57 * across + 2.2 * np.sin(1.9 * along + 1.0) + 0.6)
            + 0.5 * np.sin(19 * across + 1.3 * np.sin(3.1 * along))
        )
        return 0.0013 * wave

    return depth


def hair_pieces(asset: Asset, body: Patch, at: Landmarks, colour: Colour, style: str) -> list[Piece]:
    """A cap of hair cut along the hairline and, by style, a bun or a pony tail."""
    material = Material("hair", colour, 0.55, 0.0, "hair")
    line, grooves = hairline_field(at), strands(at)
    tied = style in ("bun", "ponytail")
    height = at.crown - at.eye[1]

    def volume(p: Array) -> Array:
        grown = np.clip(line(p) / 0.035, 0.0, 1.0) ** 0.5
        top = smoothstep((p[:, 1] - at.eye[1] - 0.25 * height) / (0.6 * height))
        front = smoothstep((p[:, 2] - at["head"][2] - 0.02) / 0.06)
        thick = 0.008 + 0.003 * top if tied else 0.009 + 0.012 * top + 0.006 * top * front
        return grown * (thick + grooves(p))

    cap = body.clip(above(at["head"][1] - 0.12), line).subdivide()
    pieces = [Piece(cap, material, lift=0.0015, smooth=4, hem=True, extra=volume, part="hair")]
    back = at["head"][2] - 0.105
    if style == "bun":
        high = at.eye[1] + 0.45 * height
        path = np.array([[0, high, back + 0.03], [0, high + 0.008, back - 0.012], [0, high + 0.016, back - 0.052]])
        pieces.append(_tube(asset, at, path, np.array([0.030, 0.041, 0.012]), material, rounded=True))
    if style == "ponytail":
        high = at.eye[1] + 0.38 * height
        path = np.array(
            [[0, high, back + 0.03], [0, high + 0.012, back - 0.015], [0, high + 0.004, back - 0.050],
             [0, high - 0.045, back - 0.074], [0, high - 0.110, back - 0.072], [0, high - 0.165, back - 0.060],
             [0, high - 0.205, back - 0.050]]
        )  # fmt: skip
        radii = np.array([0.018, 0.017, 0.024, 0.029, 0.026, 0.017, 0.002])
        pieces.append(_tube(asset, at, path, radii, material, rounded=False))
    return pieces


def _tube(asset: Asset, at: Landmarks, path: Array, radii: Array, material: Material, rounded: bool) -> Piece:
    """A lock swept along a smooth path; it hangs from the scalp vertex nearest to where it starts."""
    steps, around = 16, 20
    u = np.linspace(0, 1, steps)
    knots = np.linspace(0, 1, len(path))
    centre = np.stack([_smooth_interp(u, knots, path[:, k]) for k in range(3)], axis=1)
    radius = (
        np.sqrt(np.maximum(1e-6, 1 - (2 * u - 1) ** 2)) * radii.max() if rounded else _smooth_interp(u, knots, radii)
    )
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    side = np.tile([1.0, 0.0, 0.0], (steps, 1))
    other = np.cross(tangent, side)
    phi = np.arange(around) * 2 * np.pi / around
    wobble = 1 + 0.05 * np.sin(5 * phi) + 0.04 * np.sin(8 * phi + 1)
    rings = centre[:, None] + (radius[:, None] * wobble)[..., None] * (
        np.cos(phi)[None, :, None] * side[:, None] + np.sin(phi)[None, :, None] * other[:, None]
    )
    points = np.concatenate([rings.reshape(-1, 3), centre[:1], centre[-1:]])
    faces = []
    for i in range(steps - 1):
        for k in range(around):
            a, b = i * around + k, i * around + (k + 1) % around
            faces += [[a, b, b + around], [a, b + around, a + around]]
    first, last = len(points) - 2, len(points) - 1
    for k in range(around):
        a, b = k, (k + 1) % around
        faces.append([first, b, a])
        faces.append([last, (steps - 1) * around + a, (steps - 1) * around + b])
    skin = np.unique(asset.faces["skin"])
    root = skin[np.argmin(np.linalg.norm(asset.template[skin] - path[0], axis=1))]
    count = len(points)
    blend = sparse.csr_matrix(
        (np.ones(count), (np.arange(count), np.full(count, root))), shape=(count, len(asset.template))
    )
    uv = np.stack([np.tile(phi / (2 * np.pi), steps), np.repeat(u, around)], axis=1)
    patch = Patch(blend, points, np.concatenate([uv, [[0.5, 0.0], [0.5, 1.0]]]), np.array(faces))
    return Piece(patch, material, part="hair", shift=points - asset.template[root])


def _smooth_interp(x: Array, knots: Array, values: Array) -> Array:
    """Cubic through the knots with finite-difference slopes."""
    slope = np.gradient(values, knots)
    i = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    h = knots[i + 1] - knots[i]
    t = (x - knots[i]) / h
    return (
        (1 + 2 * t) * (1 - t) ** 2 * values[i] + t * (1 - t) ** 2 * h * slope[i]
        + t * t * (3 - 2 * t) * values[i + 1] + t * t * (t - 1) * h * slope[i + 1]
    )  # fmt: skip
