"""Motion that leans as a whole: `tilt` finds how its floor slopes, `levelled` turns it upright.

Captures with a wrong up axis, and retargets and videos with a wrong camera, walk uphill and stand on slanted soles, all
by one angle. Heights of stances tell it along the way that somebody went; soles tell it about every axis, but rigs hold
feet a little toe-up or rolled in, the same in the foot's own frame wherever it goes. Slope and habits of both feet are
found together by least squares, with how large each usually is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import contacts, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.rotations import Array
from physics.series import runs
from physics.touch import Touch, bearing

_UP, _AHEAD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
_FEET = tuple(skeleton.INDEX[f"{side}_ankle"] for side in ("left", "right"))


def _slope(degrees: float) -> float:
    return float(np.tan(np.radians(degrees)))


#: One standard deviation of what a clip leans by, of how a rig holds a foot, and of one sole about that.
_LEANS, _HABIT, _SOLE = _slope(2.5), _slope(1.7), _slope(1.0)
#: And of the height of a stance that stands still, metres for an adult.
_HEIGHT_M = 0.01
#: Soles that are flat for less than this tell nothing, seconds.
_STANDS_S = 0.2
#: Slopes below this are nobody's fault; on those above, people climb.
_LEAST, _MOST = _slope(1.0), _slope(5.0)
#: A slope has to be so many times its own error, and no stance may contradict it by so many times its own.
_SURE, _AGREES = 1.6, 3.0


def tilt(clip: Clip, touch: Touch, on: np.ndarray) -> Array:
    """Gradient ``(2,)`` of the floor that a motion stands on, metres up per metre along x and z; zero unless sure.

    Args:
        clip: the performance, on a level floor.
        touch: of its feet.
        on: ``(T, 4)`` their plants, in the order of `motion.contacts.LABELS`.
    """
    size = contacts.size_of(clip.rest_offsets)
    feet, (turns, places) = bearing(on), clip.world()
    centre = clip.root_position[:, [0, 2]].mean(0)
    # Unknowns: level, slope (x, z), and of each foot how it is held: pitch and roll as slopes in its own frame.
    rows: list[tuple[Array, float, float]] = []
    for s, ankle in enumerate(_FEET):
        up, ahead = rot.rotate(turns[:, ankle], _UP), rot.rotate(turns[:, ankle], _AHEAD)
        slope = -up[:, [0, 2]] / np.maximum(up[:, 1:2], 0.3)
        flat = on[:, 2 * s] & on[:, 2 * s + 1] & (up[:, 1] > np.cos(np.radians(25.0)))
        for a, b in runs(feet[:, s]):
            height, place = touch.height[a:b, s], np.median(places[a:b, ankle][:, [0, 2]], axis=0)
            rows.append((
                np.array([1.0, *(place - centre), 0, 0, 0, 0]), float(np.median(height)),
                float(np.hypot(_HEIGHT_M * size, height.std())),
            ))  # fmt: skip
            here = flat[a:b]
            if here.sum() >= _STANDS_S * float(clip.fps):
                heading = np.median(ahead[a:b][here], axis=0)[[0, 2]]
                z, x = heading / max(float(np.linalg.norm(heading)), 1e-9) @ np.array([[0, 1.0], [1.0, 0]])
                seen = np.median(slope[a:b][here], axis=0)
                error = float(np.hypot(_SOLE, np.abs(slope[a:b][here] - seen).mean()))
                for k, own in enumerate(([x, z], [z, -x])):  # ahead, and to its left
                    row = np.zeros(7)
                    row[1 + k] = 1.0
                    row[3 + 2 * s : 5 + 2 * s] = own
                    rows.append((row, float(seen[k]), error))
    if not rows:
        return np.zeros(2)
    usual = [_LEANS, _LEANS, _HABIT, _HABIT, _HABIT, _HABIT]
    rows += [(np.eye(7)[1 + k], 0.0, error) for k, error in enumerate(usual)]
    errors = np.array([error for _, _, error in rows])
    matrix = np.array([row for row, _, _ in rows]) / errors[:, None]
    covariance = np.linalg.inv(matrix.T @ matrix + 1e-9 * np.eye(7))
    seen = np.array([value for _, value, _ in rows]) / errors
    fit = covariance @ matrix.T @ seen
    found, contradicted = fit[1:3], float(np.abs(matrix @ fit - seen).max())
    steep = float(np.linalg.norm(found))
    way = found / max(steep, 1e-12)
    error = float(np.sqrt(way @ covariance[1:3, 1:3] @ way))
    return (
        np.asarray(found)
        if _LEAST < steep < _MOST and steep > _SURE * error and contradicted < _AGREES
        else np.zeros(2)
    )


def levelled(clip: Clip, slope: Array) -> Clip:
    """A clip turned about the middle of its path so that a floor of some slope ``(2,)`` becomes level."""
    normal = np.array([-slope[0], 1.0, -slope[1]])
    turn = rot.between(normal / np.linalg.norm(normal), _UP)
    pivot = clip.root_position.mean(0) * [1.0, 0.0, 1.0]
    rotations = clip.rotations.copy()
    rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
    root = pivot + rot.rotate(turn, clip.root_position - pivot)
    return replace(clip, rotations=rot.continuous(rotations), root_position=root)
