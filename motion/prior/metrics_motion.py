"""Figures of one motion: foot skate, contact, penetration, float, jerk, seams, keys and paths. NumPy only.

Positions are ``(T, J, 3)`` metres, Y up, floor at 0. Means leave out joints that are not valid.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import uniform_filter1d

from motion import contacts, kinematics
from motion.rotations import Array

#: GMD's foot skating ratio (Karunratanakul et al. 2023, `calculate_skating_ratio`): a foot lower than this …
SKATE_HEIGHT = 0.05  # m
SKATE_SPEED = 0.5  # … that moves faster than this over the floor, m/s …
SKATE_WINDOW_S = 0.25  # … also on average over this time (5 frames at 20 fps).
#: Half the span around a seam or a key in which jerk is counted for it, frames at 30 fps (Kimodo counts 5).
NEAR = 5
#: Balls of both feet in `contacts.foot_points`: HumanML3D's foot joints, on the sole.
BALLS = (1, 3)


def align(positions: ArrayLike, heading: float, origin: ArrayLike) -> Array:
    """Turn a motion to face +Z and move it to the origin, by the heading and place that are handed in.

    Args:
        positions: ``(T, J, 3)`` metres.
        heading: radians, yaw from +Z towards +X, of the frame that is aligned.
        origin: ``(3,)`` the pelvis in that frame; its height is kept.
    """
    moved = np.asarray(positions, dtype=np.float64) - np.asarray(origin, dtype=np.float64) * [1.0, 0.0, 1.0]
    c, s = np.cos(heading), np.sin(heading)
    x, z = moved[..., 0].copy(), moved[..., 2].copy()
    moved[..., 0], moved[..., 2] = c * x - s * z, s * x + c * z
    return moved


def low_feet(feet: ArrayLike) -> np.ndarray:
    """Steps at which each foot touches the floor by GMD's rule ``(T − 1, 2)`` bool: low at both ends of the step.

    Args:
        feet: ``(T, 4, 3)`` of `contacts.foot_points`. The balls **on the sole** stand for HumanML3D's foot joints,
            whose lowest height in a clip is its floor.
    """
    low = np.asarray(feet, dtype=np.float64)[:, BALLS, 1] < SKATE_HEIGHT
    return low[1:] & low[:-1]


def skate_ratio(feet: ArrayLike, fps: Fraction | float = 30) -> float:
    """Share of steps at which a foot slides on the floor (GMD's foot skating ratio); 0 for fewer than two frames.

    A foot slides when it is low and faster than 0.5 m/s over the floor, now and on average over 0.25 s. A model that
    floats scores nothing here: read `contact_share` beside it.
    """
    points = np.asarray(feet, dtype=np.float64)
    if len(points) < 2:
        return 0.0
    speed = np.linalg.norm(np.diff(points[:, BALLS][..., [0, 2]], axis=0), axis=-1) * float(fps)
    window = max(1, round(SKATE_WINDOW_S * float(fps)))
    average = uniform_filter1d(speed, size=window, axis=0, mode="constant")
    sliding = low_feet(points) & (speed > SKATE_SPEED) & (average > SKATE_SPEED)
    return float(sliding.any(1).mean())


def contact_share(feet: ArrayLike) -> float:
    """Share of steps at which at least one foot touches the floor by GMD's rule (`low_feet`)."""
    points = np.asarray(feet)
    return float(low_feet(points).any(1).mean()) if len(points) > 1 else 0.0


def penetration(feet: ArrayLike) -> float:
    """How deep the deeper of the soles' points is under the floor, millimetres, mean over frames."""
    return float(np.maximum(-np.asarray(feet)[..., 1], 0.0).max(-1).mean() * 1000)


def floating(feet: ArrayLike, fps: Fraction | float = 30) -> float:
    """How high the lowest of the soles' points stands over the floor where it should rest on it, millimetres.

    Counted at frames where that point hardly moves (below 0.15 m/s): a foot that hangs still in the air is not carried
    by anything, while a jump's feet move. 0 where there is no such frame.
    """
    points = np.asarray(feet, dtype=np.float64)
    lowest = points[..., 1].argmin(1)
    at = np.arange(len(points))
    still = contacts.speed(points, fps)[at, lowest] < contacts.SPEED_ON
    height = np.maximum(points[at, lowest, 1], 0.0)
    return float(height[still].mean() * 1000) if still.any() else 0.0


def jerk(positions: ArrayLike, fps: Fraction | float = 30, valid: np.ndarray | None = None) -> Array:
    """Length of the third difference, mean over valid joints, ``(T − 3,)`` m/s³; entry i covers frames i to i + 3.

    Dividing by the cube of the frame time makes it independent of the rate; FlowMDM's figure, in m/frame³, is not.
    """
    points = np.asarray(positions, dtype=np.float64)
    if valid is not None:
        points = points[:, np.asarray(valid, bool)]
    return np.linalg.norm(kinematics.jerk(points, fps), axis=-1).mean(-1)


def near(frames: int, at: ArrayLike, reach: int = NEAR) -> np.ndarray:
    """Which entries of `jerk` touch a frame within ``reach`` of any of the frames ``at``; ``(frames − 3,)`` bool."""
    first = np.arange(max(frames - 3, 0))
    marks = np.asarray(at, dtype=np.int64).reshape(-1)
    touched: np.ndarray = (first[:, None] + 3 >= marks - reach) & (first[:, None] <= marks + reach)
    return np.asarray(touched.any(axis=1))


def seam_jerk(positions: ArrayLike, seams: ArrayLike, fps: Fraction | float = 30) -> tuple[float, float]:
    """Jerk around seams, and inside, away from them; m/s³, means over entries of `jerk`. NaN where there is none."""
    values = jerk(positions, fps)
    around = near(len(np.asarray(positions)), seams)
    return (
        float(values[around].mean()) if around.any() else np.nan,
        float(values[~around].mean()) if (~around).any() else np.nan,
    )


def key_error(made: ArrayLike, target: ArrayLike, on: np.ndarray | None = None) -> float:
    """Mean distance of joints to where the keys have them, metres.

    Args:
        made: ``(K, J, 3)`` joints of the finished clip at the keys' frames, by forward kinematics.
        target: ``(K, J, 3)``.
        on: ``(K, J)`` or ``(J,)`` bool: joints that count. NaN when none does.
    """
    distance = np.linalg.norm(np.asarray(made, np.float64) - np.asarray(target, np.float64), axis=-1)
    if on is None:
        return float(distance.mean())
    count = np.broadcast_to(on, distance.shape)
    return float(distance[count].mean()) if count.any() else np.nan


def path_error(made: ArrayLike, target: ArrayLike) -> tuple[float, float]:
    """Mean and largest distance over the floor of a root path ``(T, 2)`` to the one asked for, metres."""
    distance = np.linalg.norm(np.asarray(made, np.float64) - np.asarray(target, np.float64), axis=-1)
    return float(distance.mean()), float(distance.max())
