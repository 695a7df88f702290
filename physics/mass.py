"""Where a body's mass is and whether feet could carry it: `centre_of_mass`, `balance_m`, and what they are made of.

Flight and the forces that a motion asks of the floor are in `physics.flight`. Positions are in metres, Y up.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array
from motion.skeleton import INDEX
from physics.series import mask, rate, solid, track

GRAVITY = 9.81  # m/s²
#: A body whose centre of mass moves slower than this over the floor, m/s, must stand over its feet.
QUASI_STATIC = 0.25

#: de Leva 1996 (J. Biomech. 29:1223), table 4: share of the body's mass, mean of women and men, and the centre as a mix
#: of joints. Limbs: his fractions from the proximal joint. Trunk: upper, middle and lower part, whose landmarks
#: (suprasternale, xiphion, omphalion, mid-hips) were laid on the rest pose of the default body. Head: 59 % of the way
#: from vertex to chin, which is one tenth beyond SMPL's head joint. Foot: 42 % from heel to toe tip.
SEGMENTS: tuple[tuple[str, float, tuple[tuple[str, float], ...]], ...] = (
    ("head", 0.0681, (("neck", -0.1), ("head", 1.1))),
    ("upper trunk", 0.15705, (("left_collar", 0.43), ("right_collar", 0.43), ("spine3", 0.14))),
    ("middle trunk", 0.1549, (("spine2", 1.0),)),
    ("lower trunk", 0.1182, (("left_hip", 0.25), ("right_hip", 0.25), ("spine1", 0.5))),
    *(
        (f"{side} {name}", mass, ((f"{side}_{start}", 1.0 - at), (f"{side}_{end}", at)))
        for side in ("left", "right")
        for name, mass, start, end, at in (
            ("upper arm", 0.0263, "shoulder", "elbow", 0.5763),
            ("forearm", 0.0150, "elbow", "wrist", 0.45665),
            ("hand", 0.00585, "wrist", "hand", 0.7687),
            ("thigh", 0.1447, "hip", "knee", 0.38535),
            ("shank", 0.0457, "knee", "ankle", 0.43735),
            ("foot", 0.0133, "ankle", "foot", 0.45),
        )
    ),
)


def _shares() -> Array:
    weights = np.zeros(24)
    for _, mass, parts in SEGMENTS:
        for joint, share in parts:
            weights[INDEX[joint]] += mass * share
    return weights / weights.sum()


#: ``(24,)`` how much each SMPL-24 joint counts for the centre of mass; sums to 1.
JOINT_SHARES: Array = _shares()
JOINT_SHARES.setflags(write=False)


def centre_of_mass(joints: ArrayLike | Clip) -> Array:
    """The body's centre of mass, ``(T, 3)`` metres, world.

    Args:
        joints: ``(T, 24, 3)`` joint positions in metres, or a clip.
    """
    points = solid(joints.positions() if isinstance(joints, Clip) else joints, "joints")
    if points.shape[1] != 24:
        raise BadInput(f"joints: shape {points.shape}, expected (frames, 24, 3)")
    return np.einsum("j,tjc->tc", JOINT_SHARES, points)


def extrapolated_com(com: ArrayLike, fps: Fraction | float, floor: float = 0.0) -> Array:
    """Where the centre of mass would come to rest over, ``(T, 3)`` metres: its place plus velocity / sqrt(g / l).

    Hof, Gazendam and Sinke 2005 (J. Biomech. 38:1): a moving body is in balance while *this* point is over its feet.
    The pendulum's length l is taken as the median height of the centre of mass above the floor. Heights are kept.
    """
    com, fps = track(com, "centre of mass"), rate(fps)
    if len(com) < 2:
        return com.copy()
    length = max(float(np.median(com[:, 1])) - floor, 0.05)
    velocity = np.gradient(com, axis=0) * fps * [1.0, 0.0, 1.0]
    return np.asarray(com + velocity * np.sqrt(length / GRAVITY))


def outside_support(place: ArrayLike, points: ArrayLike, on: ArrayLike) -> Array:
    """How far a point's foot on the floor is outside the support polygon, ``(T,)`` metres; 0 inside.

    The polygon is the convex hull, seen from above, of the points in contact. Frames without contact give 0.

    Args:
        place: ``(T, 3)`` the centre of mass or its extrapolation, metres.
        points: ``(T, K, 3)`` sole points, hands or whatever carries, metres.
        on: ``(T, K)`` bool, in contact.
    """
    points = solid(points, "support points")
    place, on = track(place, "place", len(points)), mask(on, points.shape[:2], "contacts")
    out = np.zeros(len(points))
    rows = np.flatnonzero(on.any(1))
    if not len(rows):
        return out
    first = points[rows, on[rows].argmax(1)][:, None]
    corners = np.where(on[rows, :, None], points[rows], first)[..., [0, 2]] - place[rows, None][..., [0, 2]]
    # Outside, all corners lie on one side of a line through the point: a gap of half a turn between their bearings.
    bearing = np.sort(np.arctan2(corners[..., 1], corners[..., 0]), axis=1)
    gap = np.diff(bearing, axis=1, append=bearing[:, :1] + 2 * np.pi).max(1)
    for some in np.array_split(np.flatnonzero(gap >= np.pi - 1e-9), max(1, len(rows) // 128)):
        out[rows[some]] = _to_segments(corners[some])
    return out


def _to_segments(corners: Array) -> Array:
    """Distance ``(N,)`` from the origin to the nearest of all segments between corners ``(N, K, 2)``."""
    i, j = np.triu_indices(corners.shape[1])
    a, along = corners[:, i], corners[:, j] - corners[:, i]
    share = np.clip(-(a * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-12), 0.0, 1.0)
    return np.asarray(np.linalg.norm(a + share[..., None] * along, axis=-1).min(1, initial=np.inf))


def balance_m(
    com: ArrayLike, points: ArrayLike, on: ArrayLike, fps: Fraction | float, extrapolated: bool = False
) -> float:
    """Mean distance of the centre of mass outside its support, metres; 0 where no frame counts.

    Args:
        com: ``(T, 3)`` metres.
        points: ``(T, K, 3)`` what may carry, metres.
        on: ``(T, K)`` bool, in contact.
        fps: frames per second.
        extrapolated: judge Hof's extrapolated centre of mass in all frames with contact, not the centre of mass in
            those in which it moves slower than 0.25 m/s over the floor.
    """
    points, fps = solid(points, "support points"), rate(fps)
    com, on = track(com, "centre of mass", len(points)), mask(on, points.shape[:2], "contacts")
    counts = on.any(1)
    if extrapolated:
        floor = float(points[on][:, 1].mean()) if on.any() else 0.0
        place = extrapolated_com(com, fps, floor)
    else:
        place = com
        velocity = np.gradient(com[:, [0, 2]], axis=0) * fps if len(com) > 1 else np.zeros((1, 2))
        counts &= np.linalg.norm(velocity, axis=1) < QUASI_STATIC
    return float(outside_support(place, points, on)[counts].mean()) if counts.any() else 0.0
