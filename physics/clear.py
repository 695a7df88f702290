"""`cleared`: poses of a humanoid with what is under the ground lifted out of it, by the least turn of joints.

Shapes are coarser than skin: a box's corner is below a shoe's rounded toe, and captures put hands and backs into the
floor. A plan that starts there starts with a push. Poses are changed only where something is under the ground.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion import rotations as rot
from motion.easing import smoothstep
from motion.rotations import Array
from physics import dynamics
from physics.ground import Ground
from physics.humanoid import Humanoid

#: Less than this is left to contacts, metres for an adult: Bullet's collision margin is about as much.
_TOLERANCE_M = 0.001
#: What moves faster than the first of these, m/s, is lifted clear of the ground, by this much from the second one on:
#: a foot that scuffs is held by friction, and its leg with it. Walkers' toes clear it by 1 to 2 cm (Winter 1992).
_SWINGS, _CLEARANCE_M = (0.4, 1.2), 0.015
#: Moving the pelvis by a metre is as dear as turning so many joints by a radian (squared): a trunk stays where it is
#: when a limb can bend.
_PELVIS = 30.0
#: Rays find a table over a knee, too: over props, what is deeper than this is taken to be under them, metres.
_UNDER_M = 0.12
#: Turns of joints are held to this, radians: what lies deeper stays in part.
_MOST = 0.6
_ITERATIONS = 3
#: Corrections are smoothed by this Gaussian, seconds, so that they add no jerk.
_SMOOTH_S = 0.04


def corners(humanoid: Humanoid, turn: Array, place: Array) -> tuple[np.ndarray, Array]:
    """The lowest points that shapes can have: corners of boxes, undersides of capsules' ends.

    Args:
        humanoid: whose.
        turn: ``(T, L, 4)`` world rotations of the links.
        place: ``(T, L, 3)`` their joints, metres, world.

    Returns:
        The links they belong to ``(C,)``, and where they are, ``(T, C, 3)`` metres, world.
    """
    owners, out = [], []
    for i, link in enumerate(humanoid.links):
        matrix, origin = rot.to_matrix(turn[:, i]), place[:, i]
        for shape in link.shapes:
            for end, radius in shape.corners():
                owners.append(i)
                out.append(origin + matrix @ end - [0.0, radius, 0.0])
    return np.array(owners), np.stack(out, axis=1)


def cleared(humanoid: Humanoid, links: Array, root: Array, ground: Ground, fps: float) -> tuple[Array, Array]:
    """Damped least squares over all links that are under the ground, frame by frame, then smoothed over time.

    Args:
        humanoid: whose poses.
        links: ``(T, L, 4)`` link rotations.
        root: ``(T, 3)`` pelvis joint, metres.
        ground: what is under them.
        fps: frames per second.

    Returns:
        Links and root, the same where nothing was under the ground.
    """
    size = humanoid.height_m / 1.7
    made, at = links, root
    total = np.zeros((len(links), 6 + 3 * (len(humanoid.links) - 1)))
    ease = np.ones(total.shape[1])
    ease[:3] = 1.0 / (_PELVIS / size**2)
    ease[3:6] = 0.2  # the whole body turns for little
    for _ in range(_ITERATIONS):
        bodies = dynamics.bodies(humanoid, made, at)
        owners, points = corners(humanoid, bodies.turn, bodies.place)
        speed = np.linalg.norm(np.gradient(points, axis=0)[..., [0, 2]], axis=-1) * fps / math.sqrt(size)
        depth = ground.heights(points) + _CLEARANCE_M * size * smoothstep(speed, *_SWINGS) - points[..., 1]
        if ground.cast is not None:
            depth = np.where(depth > _UNDER_M * size, 0.0, depth)
        rows, wanted = [], []
        for link in np.unique(owners):
            mine = np.flatnonzero(owners == link)
            deepest = mine[depth[:, mine].argmax(1)]
            deep = np.maximum(np.take_along_axis(depth, deepest[:, None], 1)[:, 0] - _TOLERANCE_M * size, 0.0)
            if deep.max() <= 0.0:
                continue
            where = np.take_along_axis(points, deepest[:, None, None], 1)[:, 0]
            rows.append(dynamics.linear(bodies, int(link), where)[:, 1] * (deep > 0)[:, None])
            wanted.append(deep)
        if not rows:
            break
        up, lift = np.stack(rows, axis=1), np.stack(wanted, axis=1)  # (T, K, N), (T, K)
        square = np.einsum("tkn,n,tjn->tkj", up, ease, up) + 1e-3 * np.eye(up.shape[1])
        total += np.einsum("n,tkn,tk->tn", ease, up, np.linalg.solve(square, lift[..., None])[..., 0])
        total = np.clip(total, -_MOST, _MOST)
        made, at = _moved(links, root, total)
    if not total.any():
        return links, root
    sigma = _SMOOTH_S * math.sqrt(size) * fps
    return _moved(links, root, gaussian_filter1d(total, sigma, axis=0, mode="nearest") if sigma > 0.3 else total)


def _moved(links: Array, root: Array, by: Array) -> tuple[Array, Array]:
    """Poses after small generalised displacements ``(T, N)``."""
    turns = rot.from_rotvec(by[:, 3:].reshape(len(by), -1, 3))
    out = rot.multiply(links, turns)
    out[:, 0] = rot.multiply(turns[:, 0], links[:, 0])
    return rot.normalize(out), root + by[:, :3]
