"""`spread`: how far apart, in millimetres, two views of a shot place the same surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.errors import BadInput
from render.fusion.cloud import DepthView
from render.view import NEAR_M

#: A point this far behind the surface that another view sees is hidden from it, not at odds with it.
HIDDEN_M = 0.01
#: A surface seen more from the side than this cosine, or whose normal turns by more than the second from one pixel to
#: the next or from one view to the other, is not followed between pixels: there a pixel's width decides where it is.
_FACING, _SMOOTH = 0.15, 0.95
#: From a pixel to its neighbours: half of all eight, the others are the same pairs.
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class Spread:
    """Distances along the normal between a point of one view and the surface that another view sees there."""

    compared: int  # pairs of a point and another view
    median_mm: float
    p95_mm: float
    max_mm: float
    at_odds: int  # pairs where the point stands more than `HIDDEN_M` before what the other view sees: impossible


def spread(views: Sequence[DepthView], points_per_view: int = 4000, seed: int = 0) -> dict[int, Spread]:
    """How well all views agree on every surface, view by view against every other.

    Each point of a view is projected into another. Between the four pixels round it the surface there is a plane in
    inverse depth, which perspective keeps plane; they and their neighbours must show one smooth surface of the point's
    instance, for an edge of it may run unseen between two pixels. The distance is taken along that surface's normal. A
    point behind by more than `HIDDEN_M` is hidden and left out; one in front by as much counts, for that view should
    have seen it. Since every pair is taken both ways, a depth that is wrong by more shows as one in front.

    Args:
        views: of one instant, or of things that stand still; two at least.
        points_per_view: compared with every other view, at most.
        seed: of the choice of points.

    Returns:
        The spread of every instance that two views share, by its number.

    Raises:
        BadInput: fewer than two views: one view has nothing to agree with.
    """
    if len(views) < 2:
        raise BadInput(f"spread over {len(views)} view{'s' * (len(views) != 1)}, expected two at least")
    rng = np.random.default_rng(seed)
    smooth = [_smooth(view) for view in views]
    found: dict[int, list[np.ndarray]] = {}
    for here in views:
        rows, columns = np.nonzero(here.depth)
        if len(rows) > points_per_view:
            chosen = np.sort(rng.choice(len(rows), points_per_view, replace=False))
            rows, columns = rows[chosen], columns[chosen]
        places, normals = here.points(rows, columns), here.normal[rows, columns]
        instance = here.instance[rows, columns]
        for there, followed in zip(views, smooth, strict=True):
            if there is here:
                continue
            gap, index = _gaps(places, normals, instance, there, followed)
            for number in np.unique(instance[index]):
                found.setdefault(int(number), []).append(gap[instance[index] == number])
    return {number: _summed(np.concatenate(parts)) for number, parts in sorted(found.items())}


def _summed(gap: np.ndarray) -> Spread:
    size = np.abs(gap) * 1000
    low, high = np.percentile(size, [50, 95])
    return Spread(len(gap), float(low), float(high), float(size.max()), int(np.count_nonzero(gap < -HIDDEN_M)))


def _smooth(one: DepthView) -> np.ndarray:
    """Pixels ``(H, W)`` that lie on one smooth surface with all their neighbours."""
    height, width = one.depth.shape
    rough = one.instance <= 0
    rough[[0, -1]] = rough[:, [0, -1]] = True
    rows, columns = np.mgrid[:height, :width]
    places = one.points(rows.ravel(), columns.ravel()).reshape(height, width, 3)
    for down, right in _NEIGHBOURS:
        here = slice(0, height - down), slice(max(-right, 0), width - max(right, 0))
        there = slice(down, height), slice(max(right, 0), width + min(right, 0))
        step = places[there] - places[here]
        odd = one.instance[here] != one.instance[there]
        odd |= np.einsum("ijk,ijk->ij", one.normal[here], one.normal[there]) < _SMOOTH
        for side in (here, there):  # neither is in front of the other, nor behind, by a pixel's width
            odd |= np.abs(np.einsum("ijk,ijk->ij", step, one.normal[side])) > one.depth[side] / one.looking.focal_px
        rough[here] |= odd
        rough[there] |= odd
    return ~rough


def _gaps(
    places: np.ndarray, normals: np.ndarray, instance: np.ndarray, there: DepthView, smooth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distance along the normal behind what ``there`` sees, m, and which points it is of: those that it can see."""
    width, height = there.looking.size
    target, depth = there.looking.project(places)
    x, y = target[:, 0] - 0.5, target[:, 1] - 0.5  # from the centre of the first pixel
    index = np.flatnonzero((depth > NEAR_M) & (x >= 0) & (y >= 0) & (x < width - 1) & (y < height - 1))
    left, top = x[index].astype(int), y[index].astype(int)
    corners = [(top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)]
    same = np.logical_and.reduce([(there.instance[c] == instance[index]) & smooth[c] for c in corners])
    index, corners = index[same], [(r[same], c[same]) for r, c in corners]
    fx, fy = x[index] - corners[0][1], y[index] - corners[0][0]
    shares = [(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx]
    normal, inverse = np.zeros((len(index), 3)), np.zeros(len(index))
    for corner, share in zip(corners, shares, strict=True):
        normal += there.normal[corner] * share[:, None]
        inverse += share / there.depth[corner].astype(np.float64)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    away = places[index] - there.looking.eye  # to the point; the surface is on this ray at a share of it
    length = np.linalg.norm(away, axis=1)
    surface = there.looking.eye + away / (depth[index] * inverse)[:, None]
    gap = np.einsum("ij,ij->i", surface - places[index], normal)
    fits = (gap < HIDDEN_M) & (np.einsum("ij,ij->i", normals[index], normal) > _SMOOTH)
    for facing in (normal, normals[index]):
        fits &= -np.einsum("ij,ij->i", away, facing) > _FACING * length
    return gap[fits], index[fits]
