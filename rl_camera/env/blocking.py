"""What stands in the way of sight lines: boxes, upright capsules and spheres, and other bodies; and how near it is.

A bounding test in closed form picks the few pairs of a body and a thing that can matter; only for those is every sight
line tested exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rl_camera.env.columns import Array, Columns


@dataclass(frozen=True)
class Things:
    """Where things are from each camera."""

    middle: Array  # (3, B, N) metres in the camera's frame
    distance: Array  # (B, N) metres to the middle
    gap: Array  # (B, N) metres to the surface; far where there is none

    @staticmethod
    def of(d: Columns, axes: Array, at: Array, spheres: bool) -> Things:
        """Look at them.

        Args:
            d: episodes, `episode.layout`.
            axes: ``(3, 3, N)`` cameras' axes.
            at: ``(3, N)`` cameras.
            spheres: all of them are.
        """
        offset = d["block_at"] - at[:, None]
        middle, work = np.multiply(offset[0], axes[:, 0, None]), np.empty_like(offset)
        for j in (1, 2):
            np.add(middle, np.multiply(offset[j], axes[:, j, None], out=work), out=middle)
        np.multiply(middle, middle, out=work)
        square = work[0] + work[1]
        np.add(square, work[2], out=square)
        distance = np.sqrt(np.maximum(square, np.float32(1e-8), out=square), out=square)
        gap = distance - d["block_reach"] if spheres else gaps(d, offset)
        return Things(middle, distance, gap)


#: Numbers of one array that a test works on at a time: a dozen such arrays stay in a core's cache.
_CACHED = 50_000

_FAR, _ZERO, _HALF, _ONE, _TINY = (np.float32(v) for v in (1e9, 0.0, 0.5, 1.0, 1e-9))


class Points:
    """The points of bodies that things may hide, and the pyramids from the camera around those in the picture.

    Args:
        local: ``(3, P, K, N)`` points in the cameras' frames.
        inside: ``(P, K, N)`` which are in the picture.
        slopes: ``(2, 2, P, N)`` each body's tangents, lowest and highest, across and up.
        least: ``(P, N)`` least coordinate along the camera's back: the farthest point's depth, negative.
        tan: ``(2, N)`` tangents of half the fields of view.
    """

    def __init__(self, local: Array, inside: np.ndarray, slopes: Array, least: Array, tan: Array) -> None:
        self.local = local
        #: ``(2, 2, P, N)``: the lowest tangents turned over, and the highest, no wider than the picture.
        self.sides = np.empty_like(slopes)
        np.negative(slopes[0], out=self.sides[0])
        self.sides[1] = slopes[1]
        np.minimum(self.sides, tan[:, None], out=self.sides)
        #: ``(P, N)`` the farthest point's place along the camera's back; far behind where none is in the picture.
        self.end = np.where(np.logical_or.reduce(inside, axis=1), least, _FAR)

    def of(self, target: np.ndarray) -> Array:
        """Points ``(3, K, M)`` of bodies ``target (M,)``, numbered ``performer · N + environment``."""
        _, P, K, N = self.local.shape
        if P == 1:
            return self.local[:, 0].take(target, axis=2)
        body = target // N
        index = target + body * ((K - 1) * N)
        return self.local.reshape(3, -1).take(index + np.arange(0, K * N, N)[:, None], axis=1)


class Found:
    """What hides what: hits of tests ``(K, M)``, and the bodies ``(M,)`` that they are about."""

    def __init__(self) -> None:
        self._targets: list[np.ndarray] = []
        self._hits: list[np.ndarray] = []

    def add(self, target: np.ndarray, hit: np.ndarray) -> None:
        """Keep a test's hits."""
        some = np.logical_or.reduce(hit, axis=0).nonzero()[0]
        if len(some):
            self._targets.append(target[some])
            self._hits.append(hit[:, some])

    def mark(self, local: Array, hidden: np.ndarray) -> None:
        """Join all of them into ``hidden (P, K, N)``, which is overwritten; a body may have been hit many times."""
        hidden[...] = False
        if not self._targets:
            return
        target, hit = np.concatenate(self._targets), np.concatenate(self._hits, axis=1)
        order = target.argsort(kind="stable")
        target = target[order]
        first = np.empty(len(target), bool)
        first[0] = True
        np.not_equal(target[1:], target[:-1], out=first[1:])
        starts = first.nonzero()[0]
        body, env = np.divmod(target[starts], hidden.shape[-1])
        hidden[body, :, env] = np.logical_or.reduceat(hit[:, order], starts, axis=1).T


def gaps(d: Columns, offset: Array) -> Array:
    """Metres from each camera to the surface of each thing, ``(B, N)``; negative within, far where there is none.

    Args:
        d: episodes, `episode.layout`.
        offset: ``(3, B, N)`` middles of the things from the camera, world axes.
    """
    c, s = d["block_cos"], d["block_sin"]
    off = np.empty_like(offset)
    np.subtract(c * offset[0], s * offset[2], out=off[0])
    off[1] = offset[1]
    np.add(s * offset[0], c * offset[2], out=off[2])
    np.abs(off, out=off)
    off -= d["block_half"]
    inner = np.minimum(np.maximum(np.maximum(off[0], off[1]), off[2]), _ZERO)
    np.maximum(off, _ZERO, out=off)
    off *= off
    gap = off[0] + off[1]
    gap += off[2]
    np.sqrt(gap, out=gap)
    gap += inner
    gap -= d["block_round"]
    return np.where(d["block_reach"] > _ZERO, gap, np.float32(1e3))


@dataclass(frozen=True)
class Solids:
    """Everything that may be in the way: things, then the capsules of bodies; S of them, some environments' n."""

    middle: Array  # (3, S, n) of the spheres around them, in the cameras' frames
    reach: Array  # (S, n) radii of those; 0: nothing is there
    foot: Array  # (3, S, n) one end of each, as a rod; a box is none
    rod: Array  # (3, S, n) from that end to the other
    thick: Array  # (S, n) radius of the rod; 0: a box

    @staticmethod
    def of(d: Columns, things: Things | None, axes: Array, local: Array, capsules: Capsules, part: slice) -> Solids:
        """Those of the environments ``part``.

        Args:
            d: episodes.
            things: where they are.
            axes: ``(3, 3, N)`` cameras' axes.
            local: ``(3, P, K, N)`` points of bodies in the cameras' frames.
            capsules: what bodies hide others with.
            part: environments.
        """
        P, B = local.shape[1], 0 if things is None else len(things.gap)
        bodies = P if P > 1 else 0
        n = len(range(*part.indices(local.shape[-1])))
        middle, foot, rod = np.empty((3, 3, B + bodies * len(capsules.thick), n), np.float32)
        reach, thick = np.empty((2, *middle.shape[1:]), np.float32)
        if things is not None:
            middle[:, :B], reach[:B] = things.middle[..., part], d["block_reach"][:, part]
            up = axes[:, 1, None, part] * d["block_half"][1, :, part]
            np.subtract(middle[:, :B], up, out=foot[:, :B])
            np.multiply(up, np.float32(2.0), out=rod[:, :B])
            thick[:B] = d["block_round"][:, part]
        if bodies:
            shape = (P, len(capsules.thick), n)
            start, way = foot[:, B:].reshape(3, *shape), rod[:, B:].reshape(3, *shape)
            at = local[..., part]
            start[...] = at[:, :, capsules.first]
            np.subtract(at[:, :, capsules.last], start, out=way)
            np.multiply(capsules.thick, d["stature"][:, None, part], out=thick[B:].reshape(shape))
            np.add(
                np.multiply(way, _HALF, out=middle[:, B:].reshape(way.shape)),
                start,
                out=middle[:, B:].reshape(way.shape),
            )
            own = np.sqrt(_sum(way * way))
            own *= _HALF
            own += thick[B:].reshape(shape)
            np.multiply(own, d["present"][:, None, part], out=reach[B:].reshape(shape))
        return Solids(middle, reach, foot, rod, thick)


class Capsules:
    """What a body hides others with: the keypoints that capsules join, and their radii in statures.

    Args:
        capsules: first and last keypoint, and radius, of each.
        performers: how many bodies there are.
        things: how many things stand before them in `Solids`.
    """

    def __init__(self, capsules: Sequence[tuple[int, int, float]], performers: int, things: int) -> None:
        self.first, self.last = (np.array([c[i] for c in capsules]) for i in (0, 1))
        self.thick = np.array([c[2] for c in capsules], np.float32)[:, None]
        #: ``(P, S, 1)`` whether what is in the way is not the body's own.
        self.others = np.ones((performers, things + performers * len(capsules), 1), bool)
        for p in range(performers):
            self.others[p, things + p * len(capsules) : things + (p + 1) * len(capsules)] = False


def find(
    d: Columns, things: Things | None, axes: Array, points: Points, capsules: Capsules, spheres: bool, found: Found
) -> None:
    """Find the points that things and other bodies hide; those outside the picture may be left out.

    Args:
        d: episodes.
        things: where they are.
        axes: ``(3, 3, N)`` cameras' axes.
        points: of all performers.
        capsules: of bodies.
        spheres: all things are.
        found: takes what is hidden.
    """
    _, P, _, N = points.local.shape
    count = capsules.others.shape[1] if P > 1 or things is None else len(things.gap)
    step = max(1, _CACHED // (P * count))
    for first in range(0, N, step):
        part = slice(first, first + step)
        if things is not None and spheres and P == 1:
            _spheres(d, things, points, part, found)
            continue
        solids = Solids.of(d, things, axes, points.local, capsules, part)
        n = solids.reach.shape[1]
        sides, end = points.sides[:, :, :, None, part], points.end[:, None, part]
        pair = candidates(sides, end, solids.middle, solids.reach, capsules.others if P > 1 else None)
        if not len(pair):
            continue
        body, solid = np.divmod(pair, solids.reach.size)  # solids and environments counted as one
        env = solid % n + first
        target = body * N + env
        thick = solids.thick.reshape(-1).take(solid)
        box = thick <= _ZERO
        for own in _parts((~box).nonzero()[0], points):
            k, t = solid[own], target[own]
            found.add(t, near_segment(_pick(solids.foot, k), _pick(solids.rod, k), points.of(t), thick[own]))
        for own in _parts(box.nonzero()[0], points):
            k, e, t = solid[own], env[own], target[own]
            thing = k // n * N + e
            turn = _pick(d["block_cos"], thing), _pick(d["block_sin"], thing)
            half = _pick(d["block_half"], thing)
            found.add(t, _boxes(points.of(t), _pick(solids.middle, k), half, axes.take(e, axis=2), turn))


def _spheres(d: Columns, things: Things, points: Points, part: slice, found: Found) -> None:
    """The same where there is one body, and all things are spheres."""
    middle, radius = things.middle[..., part], d["block_reach"][:, part]
    pair = candidates(points.sides[:, :, :, None, part], points.end[:, None, part], middle, radius)
    for own in _parts(pair, points):
        target = own % radius.shape[1] + part.start
        found.add(target, _balls(points.of(target), _pick(middle, own), _pick(radius, own)))


def _parts(pairs: np.ndarray, points: Points) -> list[np.ndarray]:
    """Pairs that are tested together: few enough that all of it stays in the cache."""
    step = max(1, _CACHED // points.local.shape[2])
    return [pairs[k : k + step] for k in range(0, len(pairs), step)]


def _pick(values: Array, index: np.ndarray) -> Array:
    """Columns ``index`` of ``values (…, B, N)``, things and environments counted as one."""
    return values.reshape(*values.shape[:-2], -1).take(index, axis=-1)


def candidates(sides: Array, end: Array, middle: Array, radius: Array, others: np.ndarray | None = None) -> np.ndarray:
    """Pairs of a body and a sphere that can hide a point of it: necessary, not sufficient.

    A sphere that lies wholly beyond a side of the pyramid from the camera around the body hides nothing of it
    (frustum culling, exact for each side).

    Args:
        sides: ``(2, 2, P, 1, n)`` tangents of the pyramids' sides, the lowest turned over.
        end: ``(P, 1, n)`` place of the bodies' farthest points along the camera's back.
        middle: ``(3, S, n)`` spheres in the cameras' frames.
        radius: ``(S, n)``; 0: none.
        others: ``(P, S, 1)`` pairs that count; None: all.

    Returns:
        Flat numbers of pairs ``(P, S, n)``, rising.
    """
    back = middle[2]
    # Not wholly behind the camera, nor beyond the body.
    may = radius > np.maximum(np.maximum(back, _ZERO), end - back)
    if others is not None:
        may &= others
    # Depth is −z, so right of a side is middle + side · z; left of the other is the same, turned over.
    signed = np.empty((2, 2, 1, *radius.shape), np.float32)
    np.negative(middle[:2], out=signed[0, :, 0])
    signed[1, :, 0] = middle[:2]
    root = sides * sides
    root += _ONE
    np.sqrt(root, out=root)
    if may.size * 4 <= _CACHED:
        off = back * sides
        off += signed
        may &= np.logical_and.reduce(off < root * radius, axis=(0, 1))
    else:
        off, edge = np.empty((2, *may.shape), np.float32)
        for i in np.ndindex(2, 2):
            np.add(np.multiply(back, sides[i], out=off), signed[i], out=off)
            may &= off < np.multiply(root[i], radius, out=edge)
    return may.reshape(-1).nonzero()[0]


def _balls(seen: Array, at: Array, radius: Array) -> np.ndarray:
    """Whether spheres hide points ``seen (3, K, M)``: the sight line's nearest point to the middle is within them."""
    along, square = seen[0] * at[0], seen[0] * seen[0]
    work = np.empty_like(along)
    for i in (1, 2):
        np.add(along, np.multiply(seen[i], at[i], out=work), out=along)
        np.add(square, np.multiply(seen[i], seen[i], out=work), out=square)
    share = np.divide(along, square, out=work)
    np.minimum(np.maximum(share, np.float32(0.0), out=share), np.float32(1.0), out=share)
    # |at − share seen|² = |at|² − share (2 along − share square)
    square *= share
    along *= np.float32(2.0)
    along -= square
    along *= share
    return along > (at * at).sum(0) - radius * radius


def _boxes(seen: Array, at: Array, half: Array, axes: Array, turn: tuple[Array, Array]) -> np.ndarray:
    """Whether boxes hide them: boxes with their own turn about the vertical; ``axes (3, 3, M)`` the cameras'."""
    c, s = turn
    # Camera axes in the thing's own frame, so that points go there in one product.
    own = np.empty((3, *axes.shape[1:]), np.float32)
    np.subtract(c * axes[:, 0], s * axes[:, 2], out=own[0])
    own[1] = axes[:, 1]
    np.add(s * axes[:, 0], c * axes[:, 2], out=own[2])
    goal = own[:, 0, None] * seen[0]
    goal += own[:, 1, None] * seen[1]
    goal += own[:, 2, None] * seen[2]
    start = -(own * at[None]).sum(1)
    return crosses_box(start, goal, half)


def crosses_box(start: Array, goal: Array, half: Array) -> np.ndarray:
    """Whether segments from ``start (3, M)`` along ``goal (3, K, M)`` cross boxes ``±half (3, M)``: slabs."""
    step = np.where(np.abs(goal) > _TINY, goal, _TINY)
    a, b = (-half - start)[:, None] / step, (half - start)[:, None] / step
    enter, leave = np.minimum(a, b), np.maximum(a, b, out=a)
    last = np.maximum(np.maximum(enter[0], enter[1]), np.maximum(enter[2], _ZERO))
    return last < np.minimum(np.minimum(leave[0], leave[1]), np.minimum(leave[2], _ONE))


def near_segment(foot: Array, rod: Array, goal: Array, radius: Array) -> np.ndarray:
    """Whether sight lines from the camera to ``goal (3, K, M)`` pass within ``radius (M,)`` of rods ``(3, M)``.

    The least distance of two segments in closed form (Ericson 2005, section 5.1.9), the camera at the origin. What
    ends inside the rod's surface is hidden by it too. Where the two are parallel any place along the line will do for
    a start, and where the rod has no length its foot is all of it: both come out of the same numbers.
    """
    a = _sum(goal * goal)
    b, c = _sum(goal * rod[:, None]), -_sum(goal * foot[:, None])
    e, f = _sum(rod * rod), -_sum(rod * foot)
    a_least, e_least = np.maximum(a, _TINY), np.maximum(e, _TINY)
    denominator = a * e
    denominator -= b * b
    s = b * f
    s -= c * e
    s /= np.maximum(denominator, _TINY, out=denominator)
    _to_unit(s)
    t = np.multiply(b, s, out=denominator)
    t += f
    t /= e_least
    _to_unit(t)
    np.multiply(b, t, out=s)
    s -= c
    s /= a_least
    _to_unit(s)
    away = goal * s
    away -= foot[:, None]
    away -= rod[:, None] * t
    away *= away
    return _sum(away) < radius * radius


def _sum(parts: Array) -> Array:
    out = parts[0] + parts[1]
    out += parts[2]
    return out


def _to_unit(values: Array) -> None:
    """Within 0..1, in place."""
    np.minimum(np.maximum(values, _ZERO, out=values), _ONE, out=values)
