"""How a cut joins two pictures: six terms in 0..1, 0 for a cut that nobody notices and 1 for a plain fault.

They are the transition costs of Galvane et al. (AAAI 2015): jump cuts, the line of action, continuity of movement, of
looks and of the place on the screen, and one for cuts that show nothing new. Arrays have any leading axes, then K
cameras before the cut and K after it, then S performers; nothing loops over them. `shot_terms` judges the pictures.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from motion.rotations import Array
from rl_camera.shot_terms import POINT, Sight

#: The 30-degree rule: a cut to the same subjects from less is a jump cut; from the second angle on it is none.
JUMP_DEG = (30.0, 40.0)

#: Two pictures are of the same people from the second share on, and of others up to the first.
SAME_PEOPLE = (0.5, 0.8)

#: A change of size by less than the first factor does not help a jump cut; by the second it is a cut-in, which is none.
JUMP_SIZE = (1.3, 1.8)

#: Sine of the angle off the line of action from which a camera looks plainly from one side of it.
OFF_LINE = 0.2

#: Metres per second from which a body's way counts fully.
MOVES = 0.6

#: Half frames that the eyes of somebody seen before and after a cut may jump before it is a plain fault.
EYES_JUMP = 1.0

_UPPER = [POINT[name] for name in ("crown", "eyes", "chin", "neck", "left_shoulder", "right_shoulder", "spine1")]


def _common(of: ArrayLike) -> Array:
    """Weights ``(…, K, K, S)`` of the subjects that both cameras of a cut show; they sum to 1, or are 0."""
    of = np.asarray(of, dtype=bool)
    both = of[..., :, None, :] & of[..., None, :, :]
    return both / np.maximum(both.sum(-1, keepdims=True), 1)


def _flip(u: Array, of: ArrayLike) -> Array:
    """How far something with directions ``u (…, K, S)``, −1..1, turns round in a cut, over common subjects."""
    a, b = u[..., :, None, :], u[..., None, :, :]
    turned = np.where(a * b < 0, np.minimum(np.abs(a), np.abs(b)), 0.0)
    return (turned * _common(of)).sum(-1)


def pictured(sight: Sight) -> Array:
    """How much of each performer a picture shows, ``(…, K, S)`` in 0..1: the head and chest in it and not covered."""
    return (sight.inside & sight.clear)[..., _UPPER].mean(-1)


def jump_cut(sight: Sight) -> Array:
    """The 30-degree rule ``(…, K, K)``: the same people in the picture, hardly another size, hardly another side.

    `stale`, times 1 for less than 30° about those people, falling to 0 at 40°. What counts is who is to be seen, not
    whom a shot is of: a single with the other in the foreground and a two-shot are one picture.
    """
    turn = np.degrees(_seen_in_both(sight, _turned(sight.azimuth)))
    return stale(sight) * np.clip((JUMP_DEG[1] - turn) / (JUMP_DEG[1] - JUMP_DEG[0]), 0.0, 1.0)


def stale(sight: Sight) -> Array:
    """A cut that shows nothing new ``(…, K, K)``: the same people in hardly another size, from whatever side.

    1 when the pictures share more than 0.8 of the people in them (``Σ min / Σ max`` of `pictured`) at frame heights
    that differ by less than a factor of 1.3; 0 at 0.5 or at 1.8. Grammar allows it from another side, and a cut-in on
    the axis; an editor still wants a reason to cut.
    """
    shown = pictured(sight)
    a, b = shown[..., :, None, :], shown[..., None, :, :]
    shared = np.minimum(a, b).sum(-1) / np.maximum(np.maximum(a, b).sum(-1), 1e-9)
    same = np.clip((shared - SAME_PEOPLE[0]) / (SAME_PEOPLE[1] - SAME_PEOPLE[0]), 0.0, 1.0)
    height = np.log(sight.share)
    ratio = _seen_in_both(sight, np.abs(height[..., :, None, :] - height[..., None, :, :]))
    low, high = (math.log(r) for r in JUMP_SIZE)
    return same * np.clip((high - ratio) / (high - low), 0.0, 1.0)


def _turned(azimuth: Array) -> Array:
    """Angles ``(…, K, K, S)``, 0..π, that a cut goes round each performer."""
    turn = azimuth[..., :, None, :] - azimuth[..., None, :, :]
    return np.abs(np.arctan2(np.sin(turn), np.cos(turn)))


def _seen_in_both(sight: Sight, values: Array) -> Array:
    """Mean ``(…, K, K)`` of values ``(…, K, K, S)`` over the performers that both pictures of a cut show."""
    shown = pictured(sight)
    both = np.minimum(shown[..., :, None, :], shown[..., None, :, :])
    return (values * both).sum(-1) / np.maximum(both.sum(-1), 1e-9)


def pairs(performers: int) -> np.ndarray:
    """Every pair of performers, ``(Q, 2)``: each has a line of action."""
    return np.array([(a, b) for a in range(performers) for b in range(a + 1, performers)], dtype=int).reshape(-1, 2)


def sides(points: Array, T_world_camera: Array) -> Array:
    """From which side of each pair's line of action a camera looks, ``(…, K, Q)``, −1..1; 0 looks along the line.

    The share of the way from the pair's first to its second that goes to the right of the picture: what the rule is
    there to keep. A single near the line counts by where its partner is off the picture, not by where its lens stands.

    Args:
        points: ``(…, S, P, 3)`` metres.
        T_world_camera: ``(…, K, 4, 4)``.
    """
    a, b = (points[..., pairs(points.shape[-3])[:, k], POINT["pelvis"], :] for k in (0, 1))
    line = (b - a)[..., None, :, :]
    across = (line * T_world_camera[..., None, :3, 0]).sum(-1)
    apart = np.hypot(line[..., 0], line[..., 2])
    # Two who stand in one place have no line.
    return np.where(apart > 0.2, np.clip(across / np.maximum(apart, 1e-6), -1.0, 1.0), 0.0)


def crosses_line(side: Array, shows: ArrayLike) -> Array:
    """The 180-degree rule ``(…, K, K)``: the cut jumps over the line of action of two whom it shows between them.

    1 when both cameras look from more than about 11° off the line on opposite sides; less near it, 0 on one side.

    Args:
        side: ``(…, K, Q)`` from `sides`.
        shows: ``(…, K, S)`` bool: a camera's subjects and past whose shoulder it looks.
    """
    shows = np.asarray(shows, dtype=bool)
    every = pairs(shows.shape[-1])
    if not len(every):
        return np.zeros((*side.shape[:-1], shows.shape[-2]))
    union = shows[..., :, None, :] | shows[..., None, :, :]
    concerned = union[..., every[:, 0]] & union[..., every[:, 1]]
    a, b = side[..., :, None, :], side[..., None, :, :]
    over = np.where(a * b < 0, np.clip(np.minimum(np.abs(a), np.abs(b)) / OFF_LINE, 0.0, 1.0), 0.0)
    return (over * concerned).max(-1)


def turns_motion(ways: Array, T_world_camera: Array, of: ArrayLike) -> Array:
    """Motion continuity ``(…, K, K)``: who goes to the right before a cut goes to the right after it.

    The smaller of the two shares of the movement across the picture, where they are opposite; a body slower than
    0.6 m/s counts in proportion. Mean over the subjects that both cameras show.

    Args:
        ways: ``(…, S, 3)`` m/s of the pelvis.
        T_world_camera: ``(…, K, 4, 4)``.
        of: ``(…, K, S)`` bool.
    """
    right = T_world_camera[..., None, :3, 0]
    speed = np.hypot(ways[..., 0], ways[..., 2])
    across = (ways[..., None, :, :] * right).sum(-1)
    return _flip(across / np.maximum(speed, MOVES)[..., None, :], of)


def turns_gaze(sight: Sight, of: ArrayLike) -> Array:
    """Continuity of the look ``(…, K, K)``: who looks to the right before a cut looks to the right after it."""
    return _flip(sight.gaze, of)


def eyes_jump(sight: Sight, of: ArrayLike) -> Array:
    """Screen position ``(…, K, K)``: how far the eyes of those seen before and after move, half frames, at most 1."""
    eyes = np.clip(sight.xy[..., POINT["eyes"], :], -1.0, 1.0)
    apart = np.linalg.norm(eyes[..., :, None, :, :] - eyes[..., None, :, :, :], axis=-1)
    return (np.clip(apart / EYES_JUMP, 0.0, 1.0) * _common(of)).sum(-1)
