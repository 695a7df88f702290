"""`Volume`: depth views averaged in a grid of signed distances (Curless and Levoy 1996), and the surface in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.errors import BadInput, need
from motion.rotations import Array
from render.fusion.cloud import Cloud, DepthView
from render.view import NEAR_M

#: Voxels of the grid at most: about half a gigabyte while it is filled.
MOST_VOXELS = 1 << 25
#: Distances are cut off at so many voxels.
_BAND = 3
#: Voxels that are worked on at once.
_CHUNK = 1 << 18


@dataclass(frozen=True)
class Surface:
    """A triangle mesh in the world, metres."""

    vertices: np.ndarray  # (V, 3) float64
    faces: np.ndarray  # (F, 3) int, counter-clockwise seen from outside
    colours: np.ndarray  # (V, 3) uint8 sRGB


@dataclass(frozen=True)
class Volume:
    """Signed distance to the nearest surface at voxel centres: above 0 in front of it."""

    origin: Array  # (3,) centre of the first voxel, metres, world
    voxel_m: float
    distance: np.ndarray  # (X, Y, Z) float32, metres, cut off at three voxels
    weight: np.ndarray  # (X, Y, Z) float32; 0: no view knows
    colour: np.ndarray  # (X, Y, Z, 3) uint8

    @classmethod
    def around(cls, views: Sequence[DepthView], low: Array, high: Array, voxel_m: float) -> Volume:
        """Fuse views in a box.

        Each voxel near a seen surface is projected into every view. Between four pixels of one instance depth is
        bilinear in its inverse, elsewhere the nearest pixel's. The distance along the ray, times the cosine to the
        normal there, is the distance to the surface's plane; views are averaged by that cosine, which trusts those that
        look straight at a surface. What a view sees through is empty.

        Args:
            views: of one instant, or of things that stand still.
            low: the box's least corner, metres, world.
            high: its greatest.
            voxel_m: side of a voxel. Walls thinner than three may have holes.

        Raises:
            BadInput: a box or voxel that has no size, too many voxels, or no surface in the box.
        """
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        if not voxel_m > 0 or not (high > low).all():
            raise BadInput(f"volume: voxels of {voxel_m} m from {low} to {high}, expected a size above 0")
        shape = tuple(int(n) for n in np.ceil((high - low) / voxel_m).astype(int) + 1)
        if np.prod(shape, dtype=float) > MOST_VOXELS:
            fits = float(np.prod(high - low) / MOST_VOXELS) ** (1 / 3) * 1.05
            raise BadInput(
                f"volume: {shape[0]} x {shape[1]} x {shape[2]} voxels of {voxel_m:g} m, at most {MOST_VOXELS} fit: "
                f"take voxels of {fits:.3g} m"
            )
        active = np.flatnonzero(_near_surfaces(views, low, voxel_m, shape))
        if not len(active):
            raise BadInput(f"no surface is in view between {np.round(low, 2)} and {np.round(high, 2)} m")
        band = _BAND * voxel_m
        total, weight = np.zeros(len(active)), np.zeros(len(active))
        colour = np.zeros((len(active), 3))
        for start in range(0, len(active), _CHUNK):
            part = slice(start, start + _CHUNK)
            centres = low + voxel_m * np.stack(np.unravel_index(active[part], shape), axis=1)
            for one in views:
                index, distance, trust, seen = _measure(centres, one, band)
                total[part][index] += distance * trust
                weight[part][index] += trust
                colour[part][index] += seen * trust[:, None]
        known = weight > 0
        active, weight = active[known], weight[known]
        values, weights = np.full(shape, band, np.float32), np.zeros(shape, np.float32)
        colours = np.zeros((*shape, 3), np.uint8)
        values.reshape(-1)[active] = total[known] / weight
        weights.reshape(-1)[active] = weight
        colours.reshape(-1, 3)[active] = np.round(colour[known] / weight[:, None])
        return cls(low, voxel_m, values, weights, colours)

    def mesh(self) -> Surface:
        """The surface where the distance is 0, by marching cubes (Lewiner et al. 2003), coloured trilinearly.

        Raises:
            BadInput: no surface is in the volume.
            MissingExtra: the package scikit-image is not installed.
        """
        measure = need("skimage.measure", "fuse", "a mesh from depth")
        from scipy import ndimage

        # A cube counts when all its corners are known; the mask is looked up at its greatest corner.
        known = self.weight > 0
        whole = np.zeros_like(known)
        whole[1:, 1:, 1:] = np.logical_and.reduce(
            [known[i : known.shape[0] - 1 + i, j : known.shape[1] - 1 + j, k : known.shape[2] - 1 + k]
             for i in (0, 1) for j in (0, 1) for k in (0, 1)]
        )  # fmt: skip
        try:
            vertices, faces, _, _ = measure.marching_cubes(
                self.distance, 0.0, mask=whole, gradient_direction="descent", allow_degenerate=False
            )
        except (RuntimeError, ValueError):  # no crossing, or none where all is known
            raise BadInput("no surface is in the volume, expected some: take a smaller voxel or more views") from None
        colours = np.stack(
            [ndimage.map_coordinates(self.colour[..., k], vertices.T, order=1, mode="nearest") for k in range(3)],
            axis=1,
        )
        return Surface(self.origin + self.voxel_m * vertices.astype(np.float64), faces, colours)


def _near_surfaces(views: Sequence[DepthView], low: Array, voxel_m: float, shape: tuple[int, ...]) -> np.ndarray:
    """Which voxels ``(X, Y, Z)`` are within the band of some view's points."""
    from scipy import ndimage

    near = np.zeros(shape, np.uint8)
    for one in views:
        if (one.depth > 0).any():
            cell = np.rint((Cloud.of([one]).points - low) / voxel_m).astype(np.int64)
            near[tuple(cell[((cell >= 0) & (cell < shape)).all(axis=1)].T)] = 1
    return ndimage.maximum_filter(near, size=2 * _BAND + 1, mode="constant") > 0


def _measure(centres: np.ndarray, one: DepthView, band: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What a view says of places ``(N, 3)``: which it knows, their distance (m), how far to trust it, their colour."""
    width, height = one.looking.size
    target, depth = one.looking.project(centres)
    inside = (depth > NEAR_M) & (target >= 0).all(axis=1) & (target < (width, height)).all(axis=1)
    index = np.flatnonzero(inside)
    target, depth = target[index], depth[index]
    rows, columns = target[:, 1].astype(int), target[:, 0].astype(int)
    inverse, number = _inverse_depth(one, target, rows, columns)
    normal = one.normal[rows, columns].astype(np.float64)
    away = centres[index] - one.looking.eye
    slant = np.linalg.norm(away, axis=1) / depth  # metres along the ray for one of depth
    facing = np.clip(np.abs(np.einsum("ij,ij->i", away, normal)) / (slant * depth), 0.05, 1.0)
    # Nothing there: the ray is empty as far as it goes.
    ahead = np.where(number > 0, (1 / np.maximum(inverse, 1e-9) - depth) * slant, np.inf)
    distance = ahead * facing
    # Behind a surface nothing is known. Seen from the side it is soon far along the ray though it is near; there the
    # view itself must show the surface at the nearest place of that plane, or it has ended before.
    known = (ahead > -band) & (number >= 0)
    slanted = np.flatnonzero((ahead <= -band) & (distance > -band) & (number > 0))
    feet = centres[index[slanted]] - distance[slanted, None] * normal[slanted]
    known[slanted] = _shows(one, feet, number[slanted], normal[slanted], 0.1 * band)
    colour = np.full((len(index), 3), 128.0) if one.colour is None else one.colour[rows, columns].astype(np.float64)
    return index[known], np.minimum(distance, band)[known], facing[known], colour[known]


def _shows(one: DepthView, places: np.ndarray, number: np.ndarray, normal: np.ndarray, room: float) -> np.ndarray:
    """Whether a view sees these instances at these places, to ``room`` metres along the normal."""
    target, depth = one.looking.project(places)
    inside = (depth > NEAR_M) & (target >= 0).all(axis=1) & (target < one.looking.size).all(axis=1)
    shown = np.zeros(len(places), bool)
    target, depth, away = target[inside], depth[inside], places[inside] - one.looking.eye
    inverse, found = _inverse_depth(one, target, target[:, 1].astype(int), target[:, 0].astype(int))
    off = (1.0 / np.maximum(inverse, 1e-9) / depth - 1.0)[:, None] * away
    shown[inside] = (found == number[inside]) & (np.abs(np.einsum("ij,ij->i", off, normal[inside])) < room)
    return shown


def _inverse_depth(
    one: DepthView, target: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """1/m at places in the picture, and the nearest pixel's instance."""
    width, height = one.looking.size
    number = one.instance[rows, columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(number > 0, 1.0 / one.depth[rows, columns].astype(np.float64), 0.0)
    x, y = np.clip(target[:, 0] - 0.5, 0, width - 1), np.clip(target[:, 1] - 0.5, 0, height - 1)
    left, top = np.minimum(x.astype(int), max(width - 2, 0)), np.minimum(y.astype(int), max(height - 2, 0))
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = x - left, y - top
    corners = [(top, left), (top, right), (below, left), (below, right)]
    shares = [(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx]
    depths = np.stack([one.depth[c] for c in corners]).astype(np.float64)
    smooth = np.logical_and.reduce([one.instance[c] == number for c in corners]) & (number > 0)
    # Depths that differ by a tenth belong to a near and a far part of one thing.
    smooth &= depths.max(0) < 1.1 * depths.min(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = sum(s / d for s, d in zip(shares, depths, strict=True))
    return np.where(smooth, between, inverse), number
