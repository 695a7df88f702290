"""What stands in the way of sight lines: boxes, upright capsules and spheres, and other bodies; and how near it is.

A bounding test in closed form picks the few pairs of a body and a thing that can matter; only for those is every sight
line tested exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.rotations import Array
from rl_camera.env.columns import Columns


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
        middle = np.empty_like(offset)
        work = np.empty_like(offset[0])
        for i in range(3):
            np.multiply(offset[0], axes[i, 0], out=middle[i])
            for j in (1, 2):
                np.multiply(offset[j], axes[i, j], out=work)
                middle[i] += work
        square = middle[0] * middle[0]
        for i in (1, 2):
            np.multiply(middle[i], middle[i], out=work)
            square += work
        distance = np.sqrt(np.maximum(square, np.float32(1e-8), out=square), out=square)
        gap = distance - d["block_reach"] if spheres else gaps(d, offset)
        return Things(middle, distance, gap)


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
    d: Columns, things: Things, axes: Array, local: Array, place: Array, tan: Array, inside: np.ndarray,
    hidden: np.ndarray,
) -> None:  # fmt: skip
    """Mark the points ``hidden (P, K, N)`` in the picture that things hide.

    Args:
        d: episodes.
        things: where they are.
        axes: ``(3, 3, N)`` cameras' axes.
        local: ``(3, P, K, N)`` points in the cameras' frames.
        place: ``(2, P, K, N)`` where they are in the picture.
        tan: ``(2, N)`` tangents of half the fields of view.
        inside: ``(P, K, N)`` whether they are.
        hidden: is changed.
    """
    middle = things.middle
    radius = d["block_reach"]
    for p in range(local.shape[1]):
        planes = frustum(place[:, p], tan)
        env, block = candidates(planes, -local[2, p].min(0), middle, radius, inside[p])
        if not len(env):
            continue
        seen = local[:, p].take(env, axis=2)  # (3, K, M)
        at = middle[:, block, env]
        half, rounding = d["block_half"][:, block, env], d["block_round"][block, env]
        hit = np.empty(seen.shape[1:], bool)
        ball, box = (half[1] <= 0.0) & (rounding > 0.0), rounding <= 0.0
        kinds = [(ball, _balls), (box, _boxes), (~ball & ~box, _pillars)]
        for kind, test in kinds:
            if kind.all():
                hit = test(seen, at, half, rounding, axes, d, env, block)
            elif kind.any():
                k = np.flatnonzero(kind)
                hit[:, k] = test(seen[:, :, k], at[:, k], half[:, k], rounding[k], axes, d, env[k], block[k])
        _mark(hidden[p], env, hit)


def frustum(place: Array, tan: Array) -> tuple[Array, Array]:
    """Lowest and highest tangents ``(2, N)`` of a body's directions, across and up, no wider than the picture.

    Args:
        place: ``(2, K, N)`` where its points are in the picture.
        tan: ``(2, N)`` tangents of half the fields of view.
    """
    low, high = place.min(1), place.max(1)
    return np.maximum(low, -1.0, out=low) * tan, np.minimum(high, 1.0, out=high) * tan


def candidates(
    planes: tuple[Array, Array], farthest: Array, middle: Array, radius: Array, inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of an environment and a sphere that can hide a point of its body: necessary, not sufficient.

    A sphere that lies wholly beyond a side of the pyramid from the camera around the body hides nothing of it
    (frustum culling, exact for each side).

    Args:
        planes: as `frustum`.
        farthest: ``(N,)`` depth of the body's farthest point, metres, as a negative of the nearest z.
        middle: ``(3, B, N)`` spheres in the cameras' frames.
        radius: ``(B, N)``; 0: none.
        inside: ``(K, N)`` which points are in the picture.

    Returns:
        Environments and numbers of spheres, by environment.
    """
    depth = -middle[2]
    may = radius > 0.0
    may &= depth > -radius
    may &= depth < farthest + radius
    for i in (0, 1):
        low, high = planes[0][i], planes[1][i]
        slant = radius * np.sqrt(1.0 + high * high)
        may &= middle[i] - high * depth < slant
        slant = radius * np.sqrt(1.0 + low * low)
        may &= low * depth - middle[i] < slant
    may &= inside.any(0)
    env, block = np.nonzero(may.T)
    return env, block


def _balls(seen: Array, at: Array, half: Array, rounding: Array, axes: Array, d: Columns, env: np.ndarray,
           block: np.ndarray) -> np.ndarray:  # fmt: skip
    """Spheres: the sight line's nearest point to the middle is within the radius."""
    along = seen[0] * at[0]
    along += seen[1] * at[1]
    along += seen[2] * at[2]
    square = seen[0] * seen[0]
    square += seen[1] * seen[1]
    square += seen[2] * seen[2]
    share = along / square
    np.clip(share, 0.0, 1.0, out=share)
    # |at − share seen|² = |at|² − share (2 along − share square)
    square *= share
    along *= 2.0
    along -= square
    along *= share
    return along > (at * at).sum(0) - rounding * rounding


def _pillars(seen: Array, at: Array, half: Array, rounding: Array, axes: Array, d: Columns, env: np.ndarray,
             block: np.ndarray) -> np.ndarray:  # fmt: skip
    """Upright capsules."""
    up = axes[:, 1, :].take(env, axis=1) * half[1]
    return near_segment((at - up)[:, None], (2.0 * up)[:, None], seen, rounding)


def _boxes(seen: Array, at: Array, half: Array, rounding: Array, axes: Array, d: Columns, env: np.ndarray,
           block: np.ndarray) -> np.ndarray:  # fmt: skip
    """Boxes with their own turn about the vertical."""
    turn = axes.take(env, axis=2)
    c, s = d["block_cos"][block, env], d["block_sin"][block, env]
    # Camera axes in the thing's own frame, so that points go there in one product.
    own = np.stack([c * turn[:, 0] - s * turn[:, 2], turn[:, 1], s * turn[:, 0] + c * turn[:, 2]])
    goal = np.stack([own[i, 0] * seen[0] + own[i, 1] * seen[1] + own[i, 2] * seen[2] for i in range(3)])
    start = -(own * at[None]).sum(1)
    return crosses_box(start, goal, half)


def _mark(hidden: np.ndarray, env: np.ndarray, hit: np.ndarray) -> None:
    """Join the hits ``(K, M)`` of pairs, sorted by environment, into ``hidden (K, N)``."""
    some = np.flatnonzero(hit.any(0))
    env = env[some]
    while len(some):
        first = np.diff(env, prepend=-1) != 0  # one pair of each environment at a time
        hidden[:, env[first]] |= hit[:, some[first]]
        env, some = env[~first], some[~first]


def crosses_box(start: Array, goal: Array, half: Array) -> np.ndarray:
    """Whether segments from ``start (3, M)`` along ``goal (3, K, M)`` cross boxes ``±half (3, M)``; slabs, ``(K, M)``."""
    enter = np.zeros(goal.shape[1:], np.float32)
    leave = np.ones(goal.shape[1:], np.float32)
    for i in range(3):
        step = np.where(np.abs(goal[i]) > 1e-9, goal[i], 1e-9)
        a, b = (-half[i] - start[i]) / step, (half[i] - start[i]) / step
        np.maximum(enter, np.minimum(a, b), out=enter)
        np.minimum(leave, np.maximum(a, b), out=leave)
    return enter < leave


def near_segment(foot: Array, rod: Array, goal: Array, radius: Array) -> np.ndarray:
    """Whether sight lines from the camera to ``goal`` pass within ``radius`` of rods; shapes broadcast to ``(3, K, M)``.

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
    d: Columns, local: Array, place: Array, tan: Array, inside: np.ndarray, pelvis: int, reach: Array,
    capsules: Sequence[tuple[int, int, float]], hidden: np.ndarray,
) -> None:  # fmt: skip
    """Mark the points ``hidden (P, K, N)`` of each performer that another one's body hides.

    Args:
        d: episodes.
        local: ``(3, P, K, N)`` points in the cameras' frames.
        place: ``(2, P, K, N)`` where they are in the picture.
        tan: ``(2, N)`` tangents of half the fields of view.
        inside: ``(P, K, N)`` whether they are.
        pelvis: number of the keypoint that is the body's middle.
        reach: ``(P, N)`` metres about it.
        capsules: keypoints that a body's capsules join, and their radius in statures.
        hidden: is changed.
    """
    middle = local[:, :, pelvis]
    radius = np.where(d["present"] > 0.5, reach, np.float32(0.0))
    starts, ends = (np.array([c[i] for c in capsules]) for i in (0, 1))
    thick = np.array([c[2] for c in capsules], np.float32)
    for p in range(local.shape[1]):
        others = radius.copy()
        others[p] = 0.0
        planes = frustum(place[:, p], tan)
        env, other = candidates(planes, -local[2, p].min(0), middle, others, inside[p])
        if not len(env):
            continue
        # Every pair of a body and another's capsule, those left out that their own sphere shows to be aside.
        foot, rod, radii = local[:, other, starts[:, None], env], local[:, other, ends[:, None], env], None
        rod = rod - foot
        radii = thick[:, None] * d["stature"][other, env]
        own = np.sqrt((rod * rod).sum(0)) * 0.5 + radii
        low, high = (side[:, env] for side in planes)
        centre = foot + 0.5 * rod
        depth = -centre[2]
        may = (depth > -own) & (depth < -local[2, p].min(0)[env] + own)
        for i in (0, 1):
            may &= centre[i] - high[i] * depth < own * np.sqrt(1.0 + high[i] * high[i])
            may &= low[i] * depth - centre[i] < own * np.sqrt(1.0 + low[i] * low[i])
        pair, capsule = np.nonzero(may.T)
        if not len(pair):
            continue
        goal = local[:, p].take(env[pair], axis=2)  # (3, K, M)
        hit = near_segment(foot[:, None, capsule, pair], rod[:, None, capsule, pair], goal, radii[capsule, pair])
        _mark(hidden[p], env[pair], hit)
