"""How good a picture is at a moment: what cameras see of bodies, and five terms in 0..1 that editors judge it by.

`see` projects bodies into cameras once; `size`, `placed`, `seen`, `face` and `action` read that. All is arrays: any
leading axes (scenes, times), then cameras K, then performers S, then points P; there is no loop over any of them.
Tests and the environment call the same functions. The terms follow the shot qualities of Galvane et al. (AAAI 2015):
visibility, composition and Hitchcock's rule that what matters is large.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from motion.rotations import Array
from rl_camera import framing
from rl_camera.framing import CHIN_BELOW_CROWN, EYES_BELOW_CROWN, LANDMARK
from rl_camera.setup import headroom_for
from rl_camera.vocabulary import SIZES

#: The points by which a body is judged.
POINTS: tuple[str, ...] = (
    "crown", "eyes", "chin", "neck", "left_shoulder", "right_shoulder", "left_hand", "right_hand", "spine1", "pelvis",
    "left_knee", "right_knee", "left_toe", "right_toe",
)  # fmt: skip
POINT: dict[str, int] = {name: i for i, name in enumerate(POINTS)}
_ROWS = np.array([LANDMARK[name] for name in POINTS])

#: Points between which and a camera nothing may stand, and the one that speaks for each of `POINTS`.
_SIGHTS: tuple[tuple[str, ...], ...] = (("eyes",), ("neck",), ("pelvis",), ("left_knee", "right_knee"))
_SIGHT_OF = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])

#: What a body hides others with: capsules between the middles of points, radius as a share of the stature.
_CAPSULES = ((("pelvis",), ("crown",), 0.1), (("left_toe", "right_toe"), ("pelvis",), 0.08))

#: How much of a body that rests is told by each point: the head says most, then the hands.
_REST = np.array([0.1, 0.35, 0.2, 0.05, 0.025, 0.025, 0.07, 0.07, 0.03, 0.03, 0.0125, 0.0125, 0.0125, 0.0125])

#: Statures per second of a point that says as much as the whole body at rest.
REST_SPEED = 0.35

#: Height of a face, as a share of the frame's, at which an expression is read (that of a medium close-up is 0.37).
FACE_READ = 0.3

#: Height of a figure, as a share of the frame's, at which its action is read: a little closer than a wide shot.
FIGURE_READ = 0.65

#: Metres between two people up to which a camera may look over one's shoulder at the other, and from which not at all.
SHOULDER_M = (2.2, 2.8)

#: Width of the size term, in the logarithm of the size: half as large or twice as large scores 0.14.
SIZE_SIGMA = 0.35

#: Half frames off the asked headroom that score 0.61.
HEADROOM_SIGMA = 0.2

#: Look room: a subject that looks out of the nearer edge from so many half frames off the middle scores 0.
LOOK_ROOM = 0.5

#: A point this near to the edge, in half frames, is still in the picture.
SAFE = 0.97


def points_of(landmarks: Array) -> Array:
    """`POINTS` of landmarks ``(…, 33, 3)``, in the order of `framing.LANDMARKS`: ``(…, 14, 3)``."""
    return landmarks[..., _ROWS, :]


def keeps_of(size: str) -> np.ndarray:
    """Which of `POINTS` a shot size must show, ``(14,)`` bool."""
    kept = set(framing.indices(SIZES[size].keeps).tolist())
    return np.array([LANDMARK[name] in kept for name in POINTS])


@dataclass(frozen=True)
class Sight:
    """What cameras see of bodies. Leading axes first, then K cameras, S performers, P points."""

    xy: Array  # (…, K, S, P, 2) place in the picture, −1..1 within it
    inside: np.ndarray  # (…, K, S, P) bool: within the picture and before the camera
    clear: np.ndarray  # (…, K, S, P) bool: nothing of the set and no other body before it
    share: Array  # (…, K, S) height of the frame at the performer, in statures
    toward: Array  # (…, K, S) cosine between the face's direction and the way to the camera
    gaze: Array  # (…, K, S) how far the face looks to the right of the picture, −1..1
    azimuth: Array  # (…, K, S) world direction from the performer to the camera about +Y, radians


def face_direction(points: Array) -> Array:
    """Unit vectors ``(…, 3)`` out of faces: nods and turns of the head count.

    From where `framing.measure` puts eyes, chin and crown: what lies between eyes and chin, less its part along the
    head's height.

    Args:
        points: ``(…, P, 3)`` in the order of `POINTS`.
    """
    crown, eyes, chin = (points[..., POINT[n], :] for n in ("crown", "eyes", "chin"))
    out = CHIN_BELOW_CROWN * (eyes - chin) - (CHIN_BELOW_CROWN - EYES_BELOW_CROWN) * (crown - chin)
    return out / np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-9)


def see(
    points: Array,
    stature: ArrayLike,
    T_world_camera: Array,
    focal_mm: ArrayLike,
    aspect: float,
    blocked: Callable[[Array, Array], np.ndarray] | None = None,
) -> Sight:
    """Project bodies into cameras and test their sight lines.

    Args:
        points: ``(…, S, P, 3)`` metres, world, in the order of `POINTS`.
        stature: ``(…, S)`` metres.
        T_world_camera: ``(…, K, 4, 4)``.
        focal_mm: ``(…, K)`` full frame.
        aspect: width over height of the picture.
        blocked: whether the set stands between points ``a`` and ``b (…, 3)``, as `placement.Surroundings.blocked`.
    """
    stature = np.asarray(stature, dtype=np.float64)
    focal = np.asarray(focal_mm, dtype=np.float64)
    S, P = points.shape[-3:-1]
    flat = points.reshape(*points.shape[:-3], 1, S * P, 3)
    xy, depth = framing.project(T_world_camera, focal, aspect, flat)
    xy, depth = xy.reshape(*xy.shape[:-2], S, P, 2), depth.reshape(*depth.shape[:-1], S, P)
    inside = (np.abs(xy) <= SAFE).all(-1) & (depth > 0.05)
    place = T_world_camera[..., None, :3, 3]  # (…, K, 1, 3)
    to = place - points[..., None, :, POINT["eyes"], :]
    level = np.hypot(to[..., 0], to[..., 2])
    face = face_direction(points)[..., None, :, :]
    toward = (face * to).sum(-1) / np.maximum(np.linalg.norm(to, axis=-1), 1e-9)
    gaze = (face * T_world_camera[..., None, :3, 0]).sum(-1)
    _, tan_y = framing.tangents(focal, aspect)
    middle = np.maximum(depth[..., POINT["neck"]], 0.05)
    share = 2.0 * tan_y[..., None] * middle / stature[..., None, :]
    azimuth = np.where(level > 1e-6, np.arctan2(to[..., 0], to[..., 2]), 0.0)
    return Sight(xy, inside, _clear(points, stature, place, blocked), share, toward, gaze, azimuth)


def _clear(points: Array, stature: Array, place: Array, blocked: Callable | None) -> np.ndarray:
    """Whether each point is open to each camera, ``(…, K, S, P)``."""
    S = points.shape[-3]
    goals = np.stack([points[..., [POINT[n] for n in names], :].mean(-2) for names in _SIGHTS], axis=-2)
    goals = goals[..., None, :, :, :]  # (…, 1, S, 4, 3)
    eye = place[..., None, :]  # (…, K, 1, 1, 3)
    hidden = np.zeros(np.broadcast_shapes(goals.shape, eye.shape)[:-1], dtype=bool)
    if blocked is not None:
        hidden |= blocked(np.broadcast_to(eye, (*hidden.shape, 3)), np.broadcast_to(goals, (*hidden.shape, 3)))
    if S > 1:
        others = np.stack([[q for q in range(S) if q != s] for s in range(S)])  # (S, S − 1)
        for start, stop, radius in _CAPSULES:
            a, b = (points[..., [POINT[n] for n in names], :].mean(-2) for names in (start, stop))
            a, b = (v[..., others, :][..., None, :, None, :, :] for v in (a, b))  # (…, 1, S, 1, S − 1, 3)
            reach = (radius * stature)[..., others][..., None, :, None, :]
            apart, along = _segments_apart(eye[..., None, :], goals[..., None, :], a, b)
            # What touches the point itself is an embrace or a handshake, not something in the way.
            hidden |= ((apart < reach) & (along < 0.93)).any(-1)
    return ~hidden[..., _SIGHT_OF]


def _segments_apart(p: Array, q: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Distance ``(…)`` between segments p–q and a–b, and where on p–q it is least, 0..1 (Ericson 2005, 5.1.9)."""
    d1, d2, r = q - p, b - a, p - a
    d11, d22 = np.maximum((d1 * d1).sum(-1), 1e-12), np.maximum((d2 * d2).sum(-1), 1e-12)
    d12, r1, r2 = (d1 * d2).sum(-1), (d1 * r).sum(-1), (d2 * r).sum(-1)
    apart = d11 * d22 - d12 * d12  # 0 for parallels
    s = np.where(apart > 1e-12, np.clip((d12 * r2 - r1 * d22) / np.maximum(apart, 1e-12), 0.0, 1.0), 0.0)
    t = np.clip((d12 * s + r2) / d22, 0.0, 1.0)
    s = np.clip((d12 * t - r1) / d11, 0.0, 1.0)
    gap = r + s[..., None] * d1 - t[..., None] * d2
    return np.linalg.norm(gap, axis=-1), s


# ---- the terms, each (…, K) in 0..1


def of_subjects(values: Array, of: ArrayLike) -> Array:
    """Mean ``(…, K)`` of values ``(…, K, S)`` over each camera's subjects ``of (…, K, S)`` bool."""
    weight = np.asarray(of, dtype=np.float64)
    return (values * weight).sum(-1) / np.maximum(weight.sum(-1), 1.0)


def size(sight: Sight, of: ArrayLike, wanted: ArrayLike) -> Array:
    """How near the frame's height at the subjects is to the asked size's.

    ``exp(−(ln(share / wanted) / 0.35)² / 2)``, ``share`` the geometric mean over the subjects.

    Args:
        sight: what the cameras see.
        of: ``(…, K, S)`` bool, each camera's subjects.
        wanted: ``(…, K)`` height of the frame in statures, `vocabulary.SizeSpec.frame_height`, or wider for a group.
    """
    off = of_subjects(np.log(sight.share), of) - np.log(np.asarray(wanted, dtype=np.float64))
    return np.exp(-0.5 * (off / SIZE_SIGMA) ** 2)


def placed(sight: Sight, of: ArrayLike, shows: ArrayLike, keeps: ArrayLike) -> Array:
    """Composition: what the size must show is in the frame, with headroom, look room, and nobody else cut by its edge.

    ``k (0.4 + 0.2 h + 0.2 l + 0.2 c)``: ``k`` the share of the kept points within the frame;
    ``h = exp(−(Δ / 0.2)² / 2)`` for the distance Δ, half frames, of the highest crown from where `setup.headroom_for`
    has it; ``l = 1 − max(0, x g) / 0.5`` for a subject at x half frames from the middle that looks g to the right: it
    falls when it looks out of the picture; ``c = 1 − max 4 f (1 − f)`` over the others, ``f`` the share of a body in
    the frame.

    Args:
        sight: what the cameras see.
        of: ``(…, K, S)`` bool.
        shows: ``(…, K, S)`` bool: the same, and past whose shoulder it looks.
        keeps: ``(…, K, P)`` bool, `keeps_of` each camera's size.
    """
    weight = np.asarray(of)[..., None] & np.asarray(keeps)[..., None, :]
    kept = (sight.inside * weight).sum((-1, -2)) / np.maximum(weight.sum((-1, -2)), 1)
    crown = np.where(of, np.clip(sight.xy[..., POINT["crown"], 1], -4.0, 4.0), -np.inf).max(-1)
    asked = 1.0 - 2.0 * headroom_for(np.exp(of_subjects(np.log(np.clip(sight.share, 0.05, 50.0)), of)))
    head = np.exp(-0.5 * ((crown - asked) / HEADROOM_SIGMA) ** 2)
    x = np.clip(sight.xy[..., POINT["eyes"], 0], -1.0, 1.0)
    look = of_subjects(1.0 - np.clip(x * sight.gaze / LOOK_ROOM, 0.0, 1.0), of)
    part = sight.inside.mean(-1)
    cut = np.where(shows, 0.0, 4.0 * part * (1.0 - part)).max(-1)
    return kept * (0.4 + 0.2 * head + 0.2 * look + 0.2 * (1.0 - cut))


def seen(sight: Sight, of: ArrayLike, keeps: ArrayLike) -> Array:
    """Share of what the size must show of its subjects that is in the frame and that nothing covers.

    Args:
        sight: what the cameras see.
        of: ``(…, K, S)`` bool.
        keeps: ``(…, K, P)`` bool.
    """
    weight = np.asarray(of)[..., None] & np.asarray(keeps)[..., None, :]
    return ((sight.inside & sight.clear) * weight).sum((-1, -2)) / np.maximum(weight.sum((-1, -2)), 1)


def facing(toward: ArrayLike) -> Array:
    """How well a face is seen that is turned so far away: 1 up to 45° off the camera, 0.22 in profile, 0 past 100°.

    Straight in the cosine: ``(cos + 0.2) / (cos 45° + 0.2)`` within 0..1.
    """
    return np.clip((np.asarray(toward, dtype=np.float64) + 0.2) / (np.sqrt(0.5) + 0.2), 0.0, 1.0)


def face(sight: Sight, of: ArrayLike) -> Array:
    """How well the subjects' faces are read: turned to the camera, in the frame, not covered, large enough.

    Mean over the subjects of ``facing · seen · min(1, √(h / 0.3))``, ``h`` the face's height as a share of the frame's.
    """
    eyes = POINT["eyes"]
    large = np.sqrt(np.clip(CHIN_BELOW_CROWN / np.maximum(sight.share, 1e-6) / FACE_READ, 0.0, 1.0))
    return of_subjects(facing(sight.toward) * large * (sight.inside & sight.clear)[..., eyes], of)


def activity(velocity: Array, stature: ArrayLike) -> tuple[Array, Array]:
    """Who acts, and with what.

    A point says ``|v| + 0.35 · rest`` statures per second; ``rest``, 1 in all, lies mostly in the head, so that a body
    at rest speaks with its face.

    Args:
        velocity: ``(…, S, P, 3)`` m/s.
        stature: ``(…, S)`` metres.

    Returns:
        ``(…, S)`` each performer's share of what goes on, in all 1; ``(…, S, P)`` each point's share of that, in all 1.
    """
    speed = np.linalg.norm(velocity, axis=-1) / np.asarray(stature, dtype=np.float64)[..., None]
    says = speed / len(POINTS) + REST_SPEED * _REST
    whole = says.sum(-1)
    return whole / whole.sum(-1, keepdims=True), says / whole[..., None]


def action(sight: Sight, who: ArrayLike, what: ArrayLike) -> Array:
    """How much of what goes on the picture shows, large enough to read: Hitchcock's rule.

    ``½ max_s (who_s / max who) r_s + ½ Σ_s who_s r_s`` with ``r_s = min(1, √(h_s / 0.65)) Σ_p what_sp seen_sp``, ``h``
    the figure's height as a share of the frame's: half for showing who acts most, half for showing everything.

    Args:
        sight: what the cameras see.
        who: ``(…, S)`` from `activity`.
        what: ``(…, S, P)`` from `activity`.
    """
    who = np.asarray(who, dtype=np.float64)[..., None, :]
    shown = ((sight.inside & sight.clear) * np.asarray(what)[..., None, :, :]).sum(-1)
    read = shown * np.sqrt(np.clip(1.0 / np.maximum(sight.share, 1e-6) / FIGURE_READ, 0.0, 1.0))
    return 0.5 * (who / who.max(-1, keepdims=True) * read).max(-1) + 0.5 * (who * read).sum(-1)


def over_shoulder(sight: Sight, points: Array, stature: ArrayLike, of: ArrayLike, shows: ArrayLike) -> Array:
    """Whether an over-the-shoulder shot is one, ``(…, K)``: 1 for other cameras.

    The two are near each other, the one in front is upright, and the neck is in the picture, aside of the middle.

    Args:
        sight: what the cameras see.
        points: ``(…, S, P, 3)`` metres.
        stature: ``(…, S)`` metres.
        of: ``(…, K, S)`` bool: who is composed.
        shows: ``(…, K, S)`` bool: the same and past whose shoulder.
    """
    of, front = np.asarray(of, dtype=bool), np.asarray(shows, dtype=bool) & ~np.asarray(of, dtype=bool)
    pelvis, neck = points[..., POINT["pelvis"], :], points[..., POINT["neck"], :]
    middle = (pelvis[..., None, :, :] * of[..., None]).sum(-2) / np.maximum(of.sum(-1), 1)[..., None]
    apart = pelvis[..., None, :, :] - middle[..., None, :]
    near = _fall(np.hypot(apart[..., 0], apart[..., 2]), *SHOULDER_M)
    feet = points[..., [POINT["left_toe"], POINT["right_toe"]], 1].min(-1)
    upright = (neck[..., 1] - feet) / np.asarray(stature) > 0.65
    x = np.abs(sight.xy[..., POINT["neck"], 0])
    held = near * upright[..., None, :] * np.clip((x - 0.15) / 0.15, 0.0, 1.0) * _fall(x, 1.1, 1.4)
    return np.where(front, held, 1.0).min(-1)


def _fall(x: Array, one: float, zero: float) -> Array:
    """1 up to ``one``, straight down to 0 at ``zero``."""
    return np.clip((zero - x) / (zero - one), 0.0, 1.0)


__all__ = [
    "POINT", "POINTS", "Sight", "action", "activity", "face", "face_direction", "facing", "keeps_of",
    "of_subjects", "over_shoulder", "placed", "points_of", "see", "seen", "size",
]  # fmt: skip
