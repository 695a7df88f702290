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


@dataclass(frozen=True)
class View:
    """The pyramid from the camera around those points of a body that are in the picture."""

    low: Array  # (2, N) lowest tangent of its directions, across and up
    high: Array  # (2, N) highest
    farthest: (
        Array  # (N,) depth of the body's farthest point, metres; far behind the camera where none is in the picture
    )

    @staticmethod
    def of(slopes: Array, tan: Array, farthest: Array, inside: np.ndarray) -> View:
        """Of the body's tangents' lowest and highest ``(2, 2, N)``, no wider than the picture.

        Args:
            slopes: lowest and highest, across and up.
            tan: ``(2, N)`` tangents of half the fields of view.
            farthest: ``(N,)`` depth of the farthest point.
            inside: ``(K, N)`` which points are in the picture.
        """
        seen = np.logical_or.reduce(inside, axis=0)
        return View(np.maximum(slopes[0], -tan), np.minimum(slopes[1], tan), np.where(seen, farthest, np.float32(-1e9)))


def gaps(d: Columns, offset: Array) -> Array:
    """Metres from each camera to the surface of each thing, ``(B, N)``; negative within, far where there is none.

    Args:
        d: episodes, `episode.layout`.
        offset: ``(3, B, N)`` middles of the things from the camera, world axes.
    """
    c, s = d["block_cos"], d["block_sin"]
    x = np.abs(c * offset[0] - s * offset[2]) - d["block_half"][0]
    y = np.abs(offset[1]) - d["block_half"][1]
    z = np.abs(s * offset[0] + c * offset[2]) - d["block_half"][2]
    inner = np.minimum(np.maximum(np.maximum(x, y), z), 0.0)
    x, y, z = (np.maximum(v, 0.0, out=v) for v in (x, y, z))
    gap = np.sqrt(x * x + y * y + z * z) + inner - d["block_round"]
    return np.where(d["block_reach"] > 0.0, gap, np.float32(1e3))


def by_things(
    d: Columns, things: Things, axes: Array, local: Array, views: Sequence[View], spheres: bool, hidden: np.ndarray
) -> None:
    """Mark the points ``hidden (P, K, N)`` that things hide; those outside the picture may be left out.

    Args:
        d: episodes.
        things: where they are.
        axes: ``(3, 3, N)`` cameras' axes.
        local: ``(3, P, K, N)`` points in the cameras' frames.
        views: of each performer.
        spheres: all things are.
        hidden: is changed.
    """
    N = local.shape[-1]
    for p, view in enumerate(views):
        pair = candidates(view, things.middle, d["block_reach"])
        if not len(pair):
            continue
        block, env = np.divmod(pair, N)
        seen = local[:, p].take(env, axis=2)  # (3, K, M)
        at, rounding = _pairs(things.middle, pair), _pairs(d["block_round"], pair)
        if spheres:
            _mark(hidden[p], env, _balls(seen, at, rounding))
            continue
        half = _pairs(d["block_half"], pair)
        hit = np.empty(seen.shape[1:], bool)
        ball, box = (half[1] <= 0.0) & (rounding > 0.0), rounding <= 0.0
        for kind, test in ((ball, "balls"), (box, "boxes"), (~ball & ~box, "pillars")):
            k = np.flatnonzero(kind)
            if not len(k):
                continue
            mine, middle = seen[:, :, k], at[:, k]
            if test == "balls":
                hit[:, k] = _balls(mine, middle, rounding[k])
            elif test == "boxes":
                turn = d["block_cos"][block[k], env[k]], d["block_sin"][block[k], env[k]]
                hit[:, k] = _boxes(mine, middle, half[:, k], axes.take(env[k], axis=2), turn)
            else:
                hit[:, k] = _pillars(mine, middle, half[:, k], rounding[k], axes[:, 1].take(env[k], axis=1))
        _mark(hidden[p], env, hit)


def _pairs(values: Array, pair: np.ndarray) -> Array:
    """Columns ``pair`` of ``values (…, B, N)``, things and environments counted as one."""
    return values.reshape(*values.shape[:-2], -1).take(pair, axis=-1)


def candidates(view: View, middle: Array, radius: Array) -> np.ndarray:
    """Pairs of a sphere and an environment that can hide a point of its body: necessary, not sufficient.

    A sphere that lies wholly beyond a side of the pyramid from the camera around the body hides nothing of it
    (frustum culling, exact for each side).

    Args:
        view: of the body.
        middle: ``(3, B, N)`` spheres in the cameras' frames.
        radius: ``(B, N)``; 0: none.

    Returns:
        ``sphere · N + environment``, rising.
    """
    may = radius > 0.0
    edge, off = np.empty_like(radius), np.empty_like(radius)
    flag = np.empty_like(may)
    back = middle[2]
    np.negative(radius, out=edge)
    may &= np.greater(radius, back, out=flag)  # not wholly behind the camera
    may &= np.greater(back, np.subtract(edge, view.farthest, out=edge), out=flag)  # nor beyond the body
    for i in (0, 1):
        for side, sign in ((view.high[i], 1), (view.low[i], -1)):
            # Depth is −z, so right of the side is middle + side · z.
            np.add(np.multiply(back, side, out=off), middle[i], out=off)
            np.multiply(radius, sign * np.sqrt(1.0 + side * side), out=edge)
            may &= np.less(off, edge, out=flag) if sign > 0 else np.greater(off, edge, out=flag)
    return np.flatnonzero(may)


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


def _pillars(seen: Array, at: Array, half: Array, radius: Array, up: Array) -> np.ndarray:
    """The same for upright capsules; ``up (3, M)`` the vertical in the cameras' frames."""
    up = up * half[1]
    return near_segment((at - up)[:, None], (2.0 * up)[:, None], seen, radius)


def _boxes(seen: Array, at: Array, half: Array, axes: Array, turn: tuple[Array, Array]) -> np.ndarray:
    """The same for boxes with their own turn about the vertical; ``axes (3, 3, M)`` the cameras'."""
    c, s = turn
    # Camera axes in the thing's own frame, so that points go there in one product.
    own = np.stack([c * axes[:, 0] - s * axes[:, 2], axes[:, 1], s * axes[:, 0] + c * axes[:, 2]])
    goal = np.stack([own[i, 0] * seen[0] + own[i, 1] * seen[1] + own[i, 2] * seen[2] for i in range(3)])
    start = -(own * at[None]).sum(1)
    return crosses_box(start, goal, half)


def _mark(hidden: np.ndarray, env: np.ndarray, hit: np.ndarray) -> None:
    """Join the hits ``(K, M)`` of pairs into ``hidden (K, N)``; an environment may be in several."""
    some = np.flatnonzero(np.logical_or.reduce(hit, axis=0))
    if not len(some):
        return
    some = some[np.argsort(env[some], kind="stable")]
    env = env[some]
    while len(some):
        first = np.diff(env, prepend=-1) != 0  # one pair of each environment at a time
        hidden[:, env[first]] |= hit[:, some[first]]
        env, some = env[~first], some[~first]


def crosses_box(start: Array, goal: Array, half: Array) -> np.ndarray:
    """Whether segments from ``start (3, M)`` along ``goal (3, K, M)`` cross boxes ``±half (3, M)``: slabs."""
    enter = np.zeros(goal.shape[1:], np.float32)
    leave = np.ones(goal.shape[1:], np.float32)
    for i in range(3):
        step = np.where(np.abs(goal[i]) > 1e-9, goal[i], 1e-9)
        a, b = (-half[i] - start[i]) / step, (half[i] - start[i]) / step
        np.maximum(enter, np.minimum(a, b), out=enter)
        np.minimum(leave, np.maximum(a, b), out=leave)
    return enter < leave


def near_segment(foot: Array, rod: Array, goal: Array, radius: Array) -> np.ndarray:
    """Whether sight lines from the camera to ``goal`` pass within ``radius`` of rods; all broadcast to ``(3, K, M)``.

    The least distance of two segments in closed form (Ericson 2005, section 5.1.9), the camera at the origin. What
    ends inside the rod's surface is hidden by it too.
    """
    a = (goal * goal).sum(0)
    e = (rod * rod).sum(0)
    b = (goal * rod).sum(0)
    c = -(goal * foot).sum(0)
    f = -(rod * foot).sum(0)
    denominator = a * e - b * b
    s = np.clip((b * f - c * e) / np.maximum(denominator, 1e-9), 0.0, 1.0)
    s = np.where(denominator > 1e-9, s, np.clip(-c / np.maximum(a, 1e-9), 0.0, 1.0))
    t = (b * s + f) / np.maximum(e, 1e-9)
    t = np.where(e > 1e-9, np.clip(t, 0.0, 1.0), 0.0)
    s = np.clip((b * t - c) / np.maximum(a, 1e-9), 0.0, 1.0)
    away = goal * s - foot - rod * t
    return (away * away).sum(0) < radius * radius


def by_bodies(
    d: Columns, local: Array, views: Sequence[View], pelvis: int, reach: Array,
    capsules: Sequence[tuple[int, int, float]], hidden: np.ndarray,
) -> None:  # fmt: skip
    """Mark the points ``hidden (P, K, N)`` of each performer that another one's body hides.

    Args:
        d: episodes.
        local: ``(3, P, K, N)`` points in the cameras' frames.
        views: of each performer.
        pelvis: number of the keypoint that is the body's middle.
        reach: ``(P, N)`` metres about it.
        capsules: keypoints that a body's capsules join, and their radius in statures.
        hidden: is changed.
    """
    N = local.shape[-1]
    middle = local[:, :, pelvis]
    radius = np.where(d["present"] > 0.5, reach, np.float32(0.0))
    starts, ends = (np.array([c[i] for c in capsules])[:, None] for i in (0, 1))
    thick = np.array([c[2] for c in capsules], np.float32)[:, None]
    for p, view in enumerate(views):
        others = radius.copy()
        others[p] = 0.0
        found = candidates(view, middle, others)
        if not len(found):
            continue
        # Every pair of a body and another's capsule, those left out that their own sphere shows to be aside.
        other, env = np.divmod(found, N)
        foot, rod = local[:, other, starts, env], local[:, other, ends, env]  # (3, C, M)
        rod -= foot
        radii = thick * d["stature"][other, env]
        own = np.sqrt((rod * rod).sum(0)) * np.float32(0.5) + radii
        near = View(view.low[:, env], view.high[:, env], view.farthest[env])
        pair = candidates(near, foot + np.float32(0.5) * rod, own)
        if not len(pair):
            continue
        which = pair % len(env)
        goal = local[:, p].take(env[which], axis=2)  # (3, K, M)
        hit = near_segment(_pairs(foot, pair)[:, None], _pairs(rod, pair)[:, None], goal, _pairs(radii, pair))
        _mark(hidden[p], env[which], hit)
