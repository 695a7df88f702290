"""Where the sun's shadow map and the ground's contact map look: fitted to what casts, snapped to their texels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion.rotations import Array
from render.world import Instant

_MARGIN_M = 0.30  # room for penumbras round the casters
_STEP = 1.25  # window sizes grow by this, so that they seldom change
REACH_M = 0.42  # how far from what stands on it the ground is darkened; the last radius in contact.frag
BELOW_M, HEIGHT_M = 0.3, 1.6  # heights that the contact map sees: from −BELOW_M, over HEIGHT_M


@dataclass(frozen=True)
class Window:
    """A square orthographic view."""

    world_clip: Array  # (4, 4)
    side_m: float
    depth_m: float
    low: Array  # (2,) lower corner: of a contact map in world x and z
    patch: tuple[Array, Array] = (np.zeros((4, 2)), np.eye(2))  # ground it can shade: corners going round, side axes


def _ladder(size: float) -> float:
    return float(_STEP ** np.ceil(np.log(max(size, 0.25)) / np.log(_STEP) - 1e-9))


def sun_window(instants: Sequence[Instant], sun: Array, texels: int) -> Window | None:
    """The view from the sun that holds everything that casts, and the ground its shadow falls on.

    It moves by whole texels and grows in steps, so that edges do not crawl while performers move.
    """
    meshes = [m for instant in instants for m in instant.meshes]
    if not meshes:
        return None
    points = np.concatenate([m.corners for m in meshes])
    up = np.array([0.0, 1.0, 0.0]) if abs(sun[1]) < 0.99 else np.array([0.0, 0.0, 1.0])
    right = np.cross(up, sun)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(sun, right), sun])  # rows: the sun's x, y and towards the sun
    ground = points - sun * (np.maximum(points[:, 1:2], 0.0) / max(sun[1], 0.05))
    seen, fallen = points @ axes.T, ground @ axes.T
    low, high = seen.min(0), seen.max(0)
    side = _ladder(float((high - low)[:2].max()) + 2 * _MARGIN_M)
    texel = side / texels
    centre = np.round((low + high)[:2] / 2 / texel) * texel
    near, far = -high[2] - 0.1, -min(low[2], float(fallen[:, 2].min())) + 0.5
    clip = np.eye(4)
    clip[:2, :3] = axes[:2] * (2 / side)
    clip[:2, 3] = -centre * (2 / side)
    clip[2, :3] = -axes[2] * (2 / (far - near))
    clip[2, 3] = -(far + near) / (far - near)
    return Window(clip, side, far - near, centre - side / 2, _patch(points, ground, sun))


def _patch(points: Array, ground: Array, sun: Array) -> tuple[Array, Array]:
    """The rectangle of ground ``(4, 2)`` (x, z) under casters and their shadows, along the light; and its axes."""
    along = sun[[0, 2]] if np.hypot(sun[0], sun[2]) > 1e-6 else np.array([0.0, 1.0])
    along = along / np.linalg.norm(along)
    axes = np.array([[along[1], -along[0]], along])
    both = np.concatenate([points[:, [0, 2]], ground[:, [0, 2]]]) @ axes.T
    low, high = both.min(0) - REACH_M, both.max(0) + REACH_M
    return np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) @ axes, axes


def contact_window(instant: Instant, texels: int) -> Window | None:
    """The view from under the ground that holds everything near it; None if nothing is near."""
    meshes = [m for m in instant.meshes if m.low[1] < HEIGHT_M - BELOW_M]
    if not meshes:
        return None
    low = np.min([m.low for m in meshes], axis=0)[[0, 2]] - REACH_M
    high = np.max([m.high for m in meshes], axis=0)[[0, 2]] + REACH_M
    side = _ladder(float((high - low).max()))
    texel = side / texels
    corner = np.round(((low + high) / 2 - side / 2) / texel) * texel
    clip = np.zeros((4, 4))
    clip[0, 0], clip[0, 3] = 2 / side, -2 * corner[0] / side - 1
    clip[1, 2], clip[1, 3] = 2 / side, -2 * corner[1] / side - 1
    clip[2, 1], clip[2, 3] = 2 / HEIGHT_M, 2 * BELOW_M / HEIGHT_M - 1
    clip[3, 3] = 1.0
    return Window(clip, side, HEIGHT_M, corner)
