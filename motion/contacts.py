"""Foot plants: when heel and toe carry weight (`detect`), how high the floor is, and how far planted feet slide."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.rotations import Array

#: 0.15 m/s and 0.10 m: contact thresholds of Kimodo's foot-skate metric (speed) and of HumanML3D-style evaluation.
SPEED_ON = 0.15  # m/s: a foot point slower than this may begin a contact
SPEED_OFF = 0.35  # m/s: a contact lasts while the point is slower than this
HEIGHT_ON = 0.035  # m above the floor for that point: may begin a contact
HEIGHT_OFF = 0.07  # m: a contact ends above this
MIN_SECONDS = 0.08  # shorter contacts and shorter gaps are noise: a running stance lasts about 0.15 s
FLOOR_PERCENTILE = 5.0  # Kovar-style foot plant: the floor is a low percentile of foot heights, not their minimum

#: Hip to ankle of an adult, metres: Drillis and Contini's 0.49 of a stature of 1.70 m. Thresholds grow with it.
ADULT_LEG_M = 0.83

LABELS: tuple[str, ...] = ("left_heel", "left_toe", "right_heel", "right_toe")


def speed(points: ArrayLike, fps: Fraction | float, up: bool = True) -> Array:
    """Speed of points ``(T, …, 3)`` by central differences, units per second; level speed only unless ``up``."""
    v = kinematics.velocity(points, fps)
    return np.linalg.norm(v if up else v[..., [0, 2]], axis=-1)


def floor_height(points: ArrayLike, fps: Fraction | float, scale: float = 1.0) -> Array:
    """Height at which each foot point rests: 5th percentile of its heights while it is slow.

    Args:
        points: ``(T, K, 3)`` foot points in metres, Y up.
        fps: frames per second.
        scale: size of the performer against an adult; speeds that count as slow grow with it.

    Returns:
        ``(K,)`` heights, metres. A point that is never slow gives the percentile of all its heights.
    """
    points = np.asarray(points, dtype=np.float64)
    slow = speed(points, fps) < SPEED_ON * scale
    heights = points[..., 1]
    enough = slow.sum(0) >= max(3, round(MIN_SECONDS * float(fps)))
    usable = np.where(enough, slow, True)
    return np.array(
        [np.percentile(heights[usable[:, k], k], FLOOR_PERCENTILE) for k in range(heights.shape[1])], dtype=np.float64
    )


def contact_mask(
    points: ArrayLike, fps: Fraction | float, rest_heights: ArrayLike | None = None, scale: float = 1.0
) -> np.ndarray:
    """When foot points carry weight, by speed and height with hysteresis.

    Args:
        points: ``(T, K, 3)`` points in metres, Y up.
        fps: frames per second.
        rest_heights: ``(K,)`` height of each point when it stands; None: found by `floor_height`.
        scale: size of the performer against an adult; all thresholds grow with it.

    Returns:
        ``(T, K)`` bool. Contacts and gaps shorter than 0.08 s are dropped.
    """
    points = np.asarray(points, dtype=np.float64)
    rest = floor_height(points, fps, scale) if rest_heights is None else np.asarray(rest_heights, dtype=np.float64)
    fast, height = speed(points, fps) / scale, (points[..., 1] - rest) / scale
    begin = (fast < SPEED_ON) & (height < HEIGHT_ON)
    stay = (fast < SPEED_OFF) & (height < HEIGHT_OFF)
    on = hysteresis(begin, stay)
    shortest = max(1, round(MIN_SECONDS * float(fps)))
    return drop_short(~drop_short(~on, shortest, edges=False), shortest, edges=False)


def hysteresis(begin: np.ndarray, stay: np.ndarray) -> np.ndarray:
    """True from where ``begin`` is true for as long, backward and forward, as ``stay`` is; both ``(T, K)`` bool."""
    stay = stay | begin
    change = np.diff(stay, axis=0, prepend=False)
    run = np.cumsum(change & stay, axis=0)  # number of the run of `stay` that a frame is in
    out = np.zeros_like(stay)
    for k in range(stay.shape[1]):
        started = np.unique(run[begin[:, k], k])
        out[:, k] = stay[:, k] & np.isin(run[:, k], started)
    return out


def drop_short(on: np.ndarray, shortest: int, edges: bool = True) -> np.ndarray:
    """Clear runs of True shorter than ``shortest`` frames; runs that touch an end are kept unless ``edges``."""
    out = on.copy()
    for k in range(on.shape[1]):
        padded = np.diff(np.concatenate([[False], on[:, k], [False]]).astype(np.int8))
        for a, b in zip(np.flatnonzero(padded == 1), np.flatnonzero(padded == -1), strict=True):
            at_edge = a == 0 or b == len(on)
            if b - a < shortest and (edges or not at_edge):
                out[a:b, k] = False
    return out


def heel_offset(rest_offsets: ArrayLike) -> Array:
    """``(2, 3)`` heel of the left and right foot in the ankle's frame, metres: under and behind the ankle, on the sole.

    The heel stands behind the ankle by a quarter of the distance from ankle to ball: in adult feet the lever of the
    calf is about 5 cm against 13 to 14 cm from ankle to ball.
    """
    offsets = np.asarray(rest_offsets, dtype=np.float64)
    ankle = sole_heights(offsets)[:, 0]
    ball = offsets[[skeleton.INDEX["left_foot"], skeleton.INDEX["right_foot"]]]
    forward = ball * np.array([1.0, 0.0, 1.0])
    return np.stack([np.zeros(2), -ankle, np.zeros(2)], axis=-1) - 0.35 * forward


def sole_heights(rest_offsets: ArrayLike) -> Array:
    """``(2, 2)`` height of ankle and ball joint above the sole, left then right, metres, from the rest T-pose."""
    height = skeleton.at_rest(rest_offsets)[:, 1]
    index = skeleton.INDEX
    return np.array([[height[index[f"{s}_ankle"]], height[index[f"{s}_foot"]]] for s in ("left", "right")])


def foot_points(clip: Clip) -> Array:
    """Heel and ball of both feet on the sole, ``(T, 4, 3)`` metres, world, in the order of `LABELS`."""
    world_q, world_p = clip.world()
    heels, soles = heel_offset(clip.rest_offsets), sole_heights(clip.rest_offsets)
    points = []
    for s, side in enumerate(("left", "right")):
        ankle, ball = skeleton.INDEX[f"{side}_ankle"], skeleton.INDEX[f"{side}_foot"]
        points.append(world_p[:, ankle] + rot.rotate(world_q[:, ankle], heels[s]))
        down = np.array([0.0, -soles[s, 1], 0.0])
        points.append(world_p[:, ball] + rot.rotate(world_q[:, ankle], down))
    return np.stack(points, axis=1)


def detect(clip: Clip, floor: float | None = None) -> ContactTrack:
    """Find when heels and toes of a clip carry weight.

    A point of the sole is in contact while it is slow and low, with hysteresis; see the constants of this module.

    Args:
        clip: the performance, metres, Y up.
        floor: height of the floor, metres; None: found from the feet themselves (5th percentile of slow heights).

    Returns:
        Track of ``left_heel, left_toe, right_heel, right_toe``.
    """
    points = foot_points(clip)
    if floor is None:
        level = float(np.min(floor_height(points, clip.fps, size_of(clip.rest_offsets))))
    else:
        level = floor
    return ContactTrack(LABELS, contact_mask(points, clip.fps, np.full(4, level), size_of(clip.rest_offsets)))


def size_of(rest_offsets: ArrayLike) -> float:
    """Leg length of a T-pose against an adult's, `ADULT_LEG_M`."""
    offsets = np.asarray(rest_offsets, dtype=np.float64)
    bones = [skeleton.INDEX[f"{s}_{b}"] for s in ("left", "right") for b in ("knee", "ankle")]
    return max(float(np.linalg.norm(offsets[bones], axis=-1).sum()) / 2.0 / ADULT_LEG_M, 1e-6)


def skate(points: ArrayLike, on: np.ndarray, fps: Fraction | float) -> float:
    """Mean horizontal slide of points while in contact, millimetres per frame at 30 frames per second.

    Args:
        points: ``(T, K, 3)`` metres, Y up.
        on: ``(T, K)`` contacts; a step counts when the point is in contact at both of its ends.
        fps: frames per second of the points; the figure is stated for 1/30 s whatever the rate.
    """
    points = np.asarray(points, dtype=np.float64)
    if len(points) < 2:
        return 0.0
    both = on[1:] & on[:-1]
    step = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1)
    return float(step[both].mean() * 1000.0 * float(fps) / 30.0) if both.any() else 0.0
