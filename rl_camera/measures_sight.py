"""What of a body a camera sees: in the frame, before it, with nothing between; faces; how far it cancels motion.

Bodies hide others as capsules along their bones; the set hides as `placement.Surroundings` has it, without the props
that performers carry. A body does not hide itself: where that matters, for faces, the angle to the camera says it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from motion.rotations import Array
from rl_camera import framing
from rl_camera.framing import CHIN_BELOW_CROWN, EYES_BELOW_CROWN, LANDMARK, Tracks
from rl_camera.placement import Surroundings

#: A face counts as seen up to this angle between where it looks and the camera: three-quarter views, not profiles.
FACE_DEG = 60.0

#: Frames that are worked on at once: what bounds the memory of a long film.
CHUNK = 1024

#: A sight line counts up to this share of its length, so that what touches the point itself does not hide it.
_NEARLY = 0.97

#: What a body is made of, as capsules: from, to, radius in statures (Drillis and Contini 1966, girths over 2 pi).
CAPSULES: tuple[tuple[str, str, float], ...] = (
    ("pelvis", "neck", 0.085), ("chin", "crown", 0.05),
    ("left_hip", "left_knee", 0.045), ("right_hip", "right_knee", 0.045),
    ("left_knee", "left_ankle", 0.03), ("right_knee", "right_ankle", 0.03),
    ("left_shoulder", "left_elbow", 0.027), ("right_shoulder", "right_elbow", 0.027),
    ("left_elbow", "left_wrist", 0.022), ("right_elbow", "right_wrist", 0.022),
)  # fmt: skip
_FROM = np.array([LANDMARK[start] for start, _, _ in CAPSULES])
_TO = np.array([LANDMARK[end] for _, end, _ in CAPSULES])
_RADIUS = np.array([radius for _, _, radius in CAPSULES])

#: The trunk, whose motion on the screen is followed.
TRUNK = tuple(LANDMARK[name] for name in ("pelvis", "spine1", "spine2", "spine3", "neck"))


def in_frame(T_world_camera: Array, focal_mm: Array, aspect: float, points: Array) -> np.ndarray:
    """Whether points ``(T, N, 3)`` are before the camera and within the picture, ``(T, N)``."""
    xy, depth = framing.project(T_world_camera, focal_mm, aspect, points)
    return (np.abs(xy) <= 1.0).all(axis=-1) & (depth > 0.0)


def unhidden(camera: Array, points: Array, others: Tracks, around: Surroundings) -> np.ndarray:
    """Whether nothing of the set and no other body is between the camera and points, ``(T, N)``.

    Args:
        camera: ``(T, 3)`` metres.
        points: ``(T, N, 3)`` metres, of one body.
        others: everybody else, at the same moments.
        around: the set.
    """
    free = np.ones(points.shape[:2], dtype=bool)
    for a in range(0, len(points), CHUNK):
        here = slice(a, a + CHUNK)
        from_, to = camera[here, None], points[here]
        if not around.empty:
            free[here] &= ~around.blocked(np.broadcast_to(from_, to.shape), to)
        for s in range(len(others.names)):
            free[here] &= ~_behind(from_, to, others.points[here, s], float(others.stature[s]))
    return free


def _behind(camera: Array, points: Array, body: Array, stature: float) -> np.ndarray:
    """Whether sight lines from ``(T, 1, 3)`` to ``(T, N, 3)`` meet a body ``(T, 33, 3)``."""
    line = _NEARLY * (points - camera)
    reach = np.linalg.norm(points - camera, axis=-1).max(axis=1)
    apart = np.linalg.norm(body[:, LANDMARK["pelvis"]] - camera[:, 0], axis=-1) - 0.8 * stature
    hit = np.zeros(points.shape[:2], dtype=bool)
    near = apart < reach  # farther than every point: it hides none
    if not near.any():
        return hit
    a, b = body[near][:, _FROM], body[near][:, _TO]  # (T', C, 3)
    gap = segments_apart(camera[near][:, :, None], line[near][:, :, None], a[:, None], (b - a)[:, None])
    hit[near] = (gap < _RADIUS * stature).any(axis=-1)
    return hit


def segments_apart(p: Array, u: Array, q: Array, v: Array) -> Array:
    """Least distance between the segments ``p + s u`` and ``q + t v``, s and t in 0..1; all ``(…, 3)``, broadcast.

    The clamped closest points of Ericson, "Real-Time Collision Detection" (2005), 5.1.9.
    """
    r = p - q
    uu, vv, uv = (u * u).sum(-1), (v * v).sum(-1), (u * v).sum(-1)
    ur, vr = (u * r).sum(-1), (v * r).sum(-1)
    flat = np.maximum(uu * vv - uv * uv, 0.0)
    s = np.where(flat > 1e-12, (uv * vr - ur * vv) / np.maximum(flat, 1e-12), 0.0).clip(0.0, 1.0)
    t = ((uv * s + vr) / np.maximum(vv, 1e-12)).clip(0.0, 1.0)
    s = ((uv * t - ur) / np.maximum(uu, 1e-12)).clip(0.0, 1.0)
    return np.linalg.norm(r + s[..., None] * u - t[..., None] * v, axis=-1)


def camera_inside(camera: Array, everyone: Tracks, around: Surroundings) -> np.ndarray:
    """Whether a camera at ``(T, 3)`` is inside a thing or a body, or under the ground, ``(T,)``."""
    inside = (camera[:, 1] <= 0.0) | around.inside(camera, 0.0)
    for s in range(len(everyone.names)):
        body = everyone.points[:, s]
        a, b = body[:, _FROM], body[:, _TO]  # (T, C, 3)
        gap = segments_apart(camera[:, None], np.zeros(3), a, b - a)
        inside |= (gap < _RADIUS * float(everyone.stature[s])).any(axis=-1)
    return inside


def face_direction(points: Array) -> Array:
    """Where faces look, unit vectors ``(…, 3)``: out of the head, straight, from its landmarks ``(…, 33, 3)``.

    Crown, eyes and chin lie in the head's plane of symmetry at known heights and depths (`framing.measure`): the
    combination of the two ways from the chin that has no height is the way out of the face.
    """
    crown, eyes, chin = (points[..., LANDMARK[n], :] for n in ("crown", "eyes", "chin"))
    out = CHIN_BELOW_CROWN * (eyes - chin) - (CHIN_BELOW_CROWN - EYES_BELOW_CROWN) * (crown - chin)
    return out / np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-12)


def face_seen(
    T_world_camera: Array, focal_mm: Array, aspect: float, subject: Tracks, others: Tracks, around: Surroundings,
    within_deg: float = FACE_DEG,
) -> np.ndarray:  # fmt: skip
    """Whether the face of ``subject`` (one) is seen, ``(T,)``: eyes and chin in the frame, turned to it, and free."""
    points = subject.points[:, 0]
    face = points[:, [LANDMARK["eyes"], LANDMARK["chin"]]]
    way = T_world_camera[:, :3, 3] - face[:, 0]
    way = way / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-12)
    turned = (way * face_direction(points)).sum(-1) >= np.cos(np.radians(within_deg)) - 1e-12
    inside = in_frame(T_world_camera, focal_mm, aspect, face).all(axis=1)
    seen = turned & inside
    if seen.any():
        free = unhidden(T_world_camera[seen, :3, 3], face[seen], _at(others, seen), around)
        seen[seen] = free.all(axis=1)
    return seen


def _at(tracks: Tracks, moments: np.ndarray) -> Tracks:
    """The same at some of the moments."""
    return Tracks(tracks.names, tracks.times[moments], tracks.points[moments], tracks.stature, tracks.heights)


def screen_steps(T_world_camera: Array, focal_mm: Array, aspect: float, points: Array) -> tuple[Array, Array]:
    """How far points move on the screen from frame to frame, and how far they would, had the camera stood still.

    Args:
        T_world_camera: ``(T, 4, 4)`` of one shot.
        focal_mm: ``(T,)``.
        aspect: width over height.
        points: ``(T, N, 3)`` metres, world.

    Returns:
        ``(T − 1, N)`` each, in half heights of the frame: the step taken, and the step from the same frame to the
        points' next places as the camera and its lens of that frame see them. Both are nan where a point is behind
        either camera: there is no place on the screen.
    """
    stretch = np.array([aspect, 1.0])
    now, depth = framing.project(T_world_camera, focal_mm, aspect, points)
    frozen, ahead = framing.project(T_world_camera[:-1], focal_mm[:-1], aspect, points[1:])
    good = (depth[:-1] > 0) & (depth[1:] > 0) & (ahead > 0)
    taken = np.linalg.norm((now[1:] - now[:-1]) * stretch, axis=-1)
    alone = np.linalg.norm((frozen - now[:-1]) * stretch, axis=-1)
    return np.where(good, taken, np.nan), np.where(good, alone, np.nan)


def mean_of(values: ArrayLike) -> float:
    """The mean of what is finite; nan when nothing is."""
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    return float(values[finite].mean()) if finite.any() else float("nan")
