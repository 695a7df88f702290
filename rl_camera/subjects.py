"""The filmed as a camera takes them: the middle of what it frames, where they face, past whose shoulder it looks."""

from __future__ import annotations

import numpy as np

from motion.camera import Shot
from motion.rotations import Array
from rl_camera.damping import smooth
from rl_camera.framing import LANDMARK, Tracks
from rl_camera.vocabulary import View

#: A camera that turns with its subject goes round it no faster than this, radians per second.
MOST_TURN = np.radians(40.0)

_MIDDLE = tuple(LANDMARK[n] for n in ("pelvis", "spine1", "spine2", "spine3", "neck", "head", "crown"))


def axes(azimuth: Array, elevation: float) -> tuple[Array, Array, Array]:
    """Right, up and back of a camera that looks at its subject from a side, each ``(…, 3)``; angles in radians."""
    azimuth = np.asarray(azimuth, dtype=np.float64)
    s, c = np.sin(azimuth), np.cos(azimuth)
    back = np.stack([s * np.cos(elevation), np.full_like(s, np.sin(elevation)), c * np.cos(elevation)], axis=-1)
    right = np.stack([c, np.zeros_like(s), -s], axis=-1)
    return right, np.cross(back, right), back


def middle(points: Array, keeps: np.ndarray, azimuth: Array, elevation: float) -> Array:
    """The middle ``(T, 3)`` of the framed part as a camera from that side sees it.

    Up and down: the middle of the projected landmarks' bounds. Across: the trunk's line for one performer, so that
    swinging arms do not count, the bounds' middle for several.

    Args:
        points: ``(T, S, 33, 3)`` landmarks of the subjects.
        keeps: the landmarks that are composed.
        azimuth: ``(T,)`` world direction of the camera.
        elevation: radians.
    """
    right, up, back = axes(np.broadcast_to(azimuth, points.shape[:1]), elevation)
    kept = points[:, :, keeps].reshape(len(points), -1, 3)
    across, high = np.einsum("tni,ti->tn", kept, right), np.einsum("tni,ti->tn", kept, up)
    deep = np.einsum("tni,ti->tn", kept, back).mean(1)
    y = 0.5 * (high.min(1) + high.max(1))
    trunk = [k for k in _MIDDLE if k in set(keeps.tolist())]
    if points.shape[1] == 1 and trunk:
        x = np.einsum("tni,ti->tn", points[:, 0, trunk], right).mean(1)
    else:
        x = 0.5 * (across.min(1) + across.max(1))
    return x[:, None] * right + y[:, None] * up + deep[:, None] * back


def heading(subjects: Tracks) -> float:
    """Where the subjects face over a shot, as one azimuth; two who face each other are seen across their line.

    Args:
        subjects: who is filmed, the main subject first.
    """
    facing = subjects.facing()
    total = facing.mean(axis=(0, 1))
    if len(subjects.names) > 1 and np.hypot(*total) < 0.45:
        pelvis = subjects.of("pelvis").mean(0)[:, [0, 2]]
        apart = np.linalg.norm(pelvis - pelvis[0], axis=-1)
        line = pelvis[int(apart.argmax())] - pelvis[0]
        if np.hypot(*line) > 1e-3:
            across = np.array([line[1], -line[0]])
            if across @ total < 0:
                across = -across
            return float(np.arctan2(across[0], across[1]))
    if np.hypot(*total) < 0.25:  # turned all the way round: what counts is how the shot begins
        first = facing[: max(1, len(facing) // 10)].mean(axis=(0, 1))
        total = first if np.hypot(*first) > 1e-6 else total
    return float(np.arctan2(total[0], total[1])) if np.hypot(*total) > 1e-9 else 0.0


def headings(subjects: Tracks, dt: float) -> Array:
    """`heading` as it slowly changes, ``(T,)``: a travelling camera turns with its subject, not with each step."""
    facing = subjects.facing().mean(axis=1)
    angle = heading(subjects)
    # The shot's own heading weighs in, so that a spin of the body does not become one of the camera.
    slow = smooth(facing, 1.0, dt) + 0.5 * np.array([np.sin(angle), np.cos(angle)])
    turning = np.unwrap(np.arctan2(slow[:, 0], slow[:, 1]))
    sigma = 0.5
    while sigma < 8.0 and np.abs(np.diff(turning)).max(initial=0.0) > MOST_TURN * dt:
        turning = smooth(turning, sigma, dt)
        sigma *= 1.6
    fastest = np.abs(np.diff(turning)).max(initial=0.0) / (MOST_TURN * dt)
    return turning.mean() + (turning - turning.mean()) / max(fastest, 1.0)


def partner_of(shot: Shot, everyone: Tracks) -> str | None:
    """Past whose shoulder an over-the-shoulder shot looks: the second subject, else who is nearest at first."""
    if shot.view != View.OVER_THE_SHOULDER:
        return None
    if len(shot.of) > 1:
        return shot.of[1]
    here = everyone.of("pelvis")[0]
    apart = np.linalg.norm(here - here[everyone.names.index(shot.of[0])], axis=-1)
    near = [(float(d), n) for d, n in zip(apart, everyone.names, strict=True) if n != shot.of[0] and 0.4 < d < 8.0]
    return min(near)[1] if near else None
