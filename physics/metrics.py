"""How far a motion is from standing on its floor: every published reading under a name of its own, and jerk.

PhysDiff's readings on sole points (`penetration_mm`, `float_mm`, `skate_mm`, `phys_err`), CLoSD's on joints
(`closd_…`), GMD's and Kimodo's foot skate, FlowMDM's jerk. Balance is in `physics.mass`, flight and forces in
`physics.flight`, limbs that pass through each other in `physics.overlap`; all are named here too.

They are pure functions of arrays: points ``(T, K, 3)`` in metres, Y up, over a floor of one height or of ``(T, K)``
heights under the points. Figures per frame are stated for 1/30 s: motion at another rate is read every 1/30 s. Numbers
on joints and on sole points are not comparable, since joints lie 2 to 8 cm inside the foot. Clips too short for a
figure get 0; NaN and wrong shapes raise `motion.errors.BadInput`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion import kinematics
from motion.errors import BadInput
from motion.prior import metrics_motion
from motion.rotations import Array
from physics.flight import FlightFall, GroundReaction, flight, flight_acceleration, ground_reaction
from physics.mass import balance_m, centre_of_mass, extrapolated_com, outside_support
from physics.overlap import self_penetration_mm
from physics.series import FPS, above, at_thirty, mask, rate, solid

__all__ = [
    "FlightFall", "GroundReaction", "PhysErr", "SkateSpeed", "area_under_jerk", "balance_m", "centre_of_mass",
    "closd_float_mm", "closd_penetration_mm", "closd_phys_err_mm", "closd_skate_mm", "extrapolated_com", "flight",
    "flight_acceleration", "float_mm", "float_plain_mm", "gmd_skate_ratio", "ground_reaction", "jerk_m_s3",
    "kimodo_skate_from_contacts", "kimodo_skate_from_height", "kimodo_skate_ratio", "outside_support", "peak_jerk",
    "penetration_mm", "phys_err", "self_penetration_mm", "skate_all_mm", "skate_mm",
]  # fmt: skip

#: PhysDiff's tolerance (Yuan et al. 2023, section 4.1), metres.
TOLERANCE_M = 0.005
#: Kimodo's metrics (`kimodo/metrics/foot_skate.py`): a toe joint lower than this touches the floor, metres …
KIMODO_HEIGHT_M = 0.05
KIMODO_SPEED = 0.2  # … and skates when it is faster than this, m/s.
#: Mean jerk of real motion in FlowMDM's unit, m/frame³ (`utils/metrics.py`): BABEL at 30 fps, HumanML3D at 20 fps.
BABEL_JERK, HUMANML3D_JERK = 0.016383045, 0.033031363


@dataclass(frozen=True)
class PhysErr:
    """PhysDiff's readings on sole points, millimetres, and their sum."""

    penetration_mm: float
    float_mm: float  # outside flight
    float_plain_mm: float  # every frame, as published
    skate_mm: float  # in 1/30 s

    @property
    def phys_err_mm(self) -> float:
        """Penetration, float outside flight, and skate together."""
        return self.penetration_mm + self.float_mm + self.skate_mm

    @property
    def phys_err_plain_mm(self) -> float:
        """The sum as published, with the float of every frame."""
        return self.penetration_mm + self.float_plain_mm + self.skate_mm


def penetration_mm(points: ArrayLike, floor: ArrayLike = 0.0) -> float:
    """How deep the lowest point is below the floor, less 5 mm, mean over all frames: PhysDiff's "Penetrate".

    Args:
        points: ``(T, K, 3)`` sole points, metres.
        floor: height, or ``(T, K)`` heights, metres.
    """
    return float(np.maximum(-_lowest(points, floor) - TOLERANCE_M, 0.0).mean() * 1000.0)


def float_plain_mm(points: ArrayLike, floor: ArrayLike = 0.0) -> float:
    """How high the lowest point is above the floor, less 5 mm, mean over every frame: PhysDiff's "Float".

    A jump counts as floating; see `float_mm`.
    """
    return float(np.maximum(_lowest(points, floor) - TOLERANCE_M, 0.0).mean() * 1000.0)


def float_mm(points: ArrayLike, left_out: ArrayLike, floor: ArrayLike = 0.0) -> float:
    """`float_plain_mm` over the frames that should stand on the floor; 0 when there is none.

    Args:
        points: ``(T, K, 3)`` sole points, metres.
        left_out: ``(T,)`` bool, frames that do not count: those of `flight`, and those in which hands, knees or a seat
            carry the performer.
        floor: height, or ``(T, K)`` heights, metres.
    """
    low = _lowest(points, floor)
    counts = ~mask(left_out, low.shape, "frames left out")
    return float(np.maximum(low[counts] - TOLERANCE_M, 0.0).mean() * 1000.0) if counts.any() else 0.0


def skate_mm(points: ArrayLike, fps: Fraction | float, floor: ArrayLike = 0.0) -> float:
    """How far the lowest point slides over the floor in 1/30 s, mean over all steps: PhysDiff's "Skate".

    A step counts its slide when that point is at most 5 mm above the floor (or in it) at both ends, else 0. Shorter
    than 1/30 s gives 0. As coded in CLoSD, for sole points.
    """
    level, heights = _steps(points, fps, floor)
    if len(level) < 2:
        return 0.0
    at = np.arange(len(level) - 1)
    lowest = heights[:-1].argmin(1)
    slide = np.linalg.norm(level[at + 1, lowest] - level[at, lowest], axis=-1)
    on = (heights[at, lowest] <= TOLERANCE_M) & (heights[at + 1, lowest] <= TOLERANCE_M)
    return float(np.where(on, slide, 0.0).mean() * 1000.0)


def skate_all_mm(points: ArrayLike, fps: Fraction | float, floor: ArrayLike = 0.0) -> float:
    """`skate_mm` over all points in contact instead of the lowest: PhysDiff's text rather than its code in CLoSD.

    Mean slide of the points that are at most 5 mm above the floor at both ends of a step (0 when there is none), mean
    over steps. It sees a foot that slides while the other presses deeper.
    """
    level, heights = _steps(points, fps, floor)
    if len(level) < 2:
        return 0.0
    on = (heights[:-1] <= TOLERANCE_M) & (heights[1:] <= TOLERANCE_M)
    slide = np.where(on, np.linalg.norm(np.diff(level, axis=0), axis=-1), 0.0)
    return float((slide.sum(1) / np.maximum(on.sum(1), 1)).mean() * 1000.0)


def phys_err(points: ArrayLike, left_out: ArrayLike, fps: Fraction | float, floor: ArrayLike = 0.0) -> PhysErr:
    """PhysDiff's readings of sole points at once; arguments as for `float_mm` and `skate_mm`.

    com = centre_of_mass(clip)
    points = soles.points(clip)
    phys_err(points, flight(points, com, clip.fps), clip.fps).phys_err_mm
    """
    return PhysErr(
        penetration_mm(points, floor),
        float_mm(points, left_out, floor),
        float_plain_mm(points, floor),
        skate_mm(points, fps, floor),
    )


def closd_penetration_mm(joints: ArrayLike, floor: float = 0.0) -> float:
    """CLoSD's ``calculate_penetration``: `penetration_mm` of the lowest of the first 22 joints.

    HumanML3D has SMPL's first 22 joints; the hands of SMPL-24 are left out.

    Args:
        joints: ``(T, J, 3)`` metres.
        floor: height, metres.
    """
    return penetration_mm(_body22(joints), floor)


def closd_float_mm(joints: ArrayLike, floor: float = 0.0) -> float:
    """CLoSD's ``calculate_floating``: `float_plain_mm` of the lowest of the first 22 joints."""
    return float_plain_mm(_body22(joints), floor)


def closd_skate_mm(joints: ArrayLike, fps: Fraction | float = 30, floor: float = 0.0) -> float:
    """CLoSD's ``calculate_foot_sliding``: `skate_mm` of the lowest of the first 22 joints.

    CLoSD's own tables are per frame at 20 fps; with ``fps=30`` any motion is counted per frame as it is.
    """
    return skate_mm(_body22(joints), fps, floor)


def closd_phys_err_mm(joints: ArrayLike, fps: Fraction | float = 30, floor: float = 0.0) -> float:
    """Sum of the three readings of CLoSD."""
    return closd_penetration_mm(joints, floor) + closd_float_mm(joints, floor) + closd_skate_mm(joints, fps, floor)


def gmd_skate_ratio(feet: ArrayLike, fps: Fraction | float, floor: float = 0.0) -> float:
    """GMD's foot skating ratio, share of steps; 0 for fewer than two frames. See `motion.prior.metrics_motion`.

    Args:
        feet: ``(T, 4, 3)`` of `motion.contacts.foot_points`, metres; the balls count.
        fps: frames per second.
        floor: height, metres.
    """
    feet = solid(feet, "feet")
    if feet.shape[1] != 4:
        raise BadInput(f"feet: shape {feet.shape}, expected (frames, 4, 3): heel and toe, left then right")
    return metrics_motion.skate_ratio(feet - np.array([0.0, floor, 0.0]), rate(fps))


@dataclass(frozen=True)
class SkateSpeed:
    """Speed of feet that should stand, m/s; zeros where none stands."""

    mean: float
    most: float


def kimodo_skate_ratio(toes: ArrayLike, fps: Fraction | float, floor: float = 0.0) -> float:
    """Kimodo's ``FootSkateRatio``: of steps with a toe on the floor, those in which it is faster than 0.2 m/s.

    On the floor is below 5 cm at both ends of the step; speed is in 3-D. Not comparable to GMD's, which divides by all
    steps. 0 where no toe is on the floor. At the clip's own rate, as published.

    Args:
        toes: ``(T, 2, 3)`` toe joints (SMPL's ``left_foot`` and ``right_foot``), metres.
        fps: frames per second.
        floor: height, metres.
    """
    toes, low, speed = _toes(toes, fps, floor)
    on = low[1:] & low[:-1]
    return float(((speed > KIMODO_SPEED) & on).sum() / max(int(on.sum()), 1))


def kimodo_skate_from_height(toes: ArrayLike, fps: Fraction | float, floor: float = 0.0) -> float:
    """Kimodo's ``FootSkateFromHeight``: mean 3-D speed of toe joints that are below 5 cm, m/s; 0 where none is."""
    _, low, speed = _toes(toes, fps, floor)
    on = low[:-1]
    return float((speed * on).sum() / max(int(on.sum()), 1))


def kimodo_skate_from_contacts(feet: ArrayLike, on: ArrayLike, fps: Fraction | float) -> SkateSpeed:
    """Kimodo's ``FootSkateFromContacts``: 3-D speed of ankle and toe joints while they are labelled as in contact.

    Args:
        feet: ``(T, 4, 3)`` left ankle, left toe, right ankle, right toe joints, metres.
        on: ``(T, 4)`` bool, their contacts; a step counts by the label at its start.
        fps: frames per second.
    """
    feet = solid(feet, "feet")
    starts = mask(on, feet.shape[:2], "contacts")[:-1]
    speed = np.linalg.norm(np.diff(feet, axis=0), axis=-1)[starts] * rate(fps)
    return SkateSpeed(float(speed.mean()), float(speed.max())) if len(speed) else SkateSpeed(0.0, 0.0)


def jerk_m_s3(joints: ArrayLike, fps: Fraction | float, valid: np.ndarray | None = None) -> float:
    """Length of the third difference of joints, mean over joints and time, m/s³; 0 below four frames.

    Args:
        joints: ``(T, J, 3)`` metres.
        fps: frames per second.
        valid: ``(J,)`` bool, joints that count; None: all.
    """
    joints, fps = solid(joints, "joints"), rate(fps)
    if len(joints) < 4 or (valid is not None and not np.any(valid)):
        return 0.0
    return float(metrics_motion.jerk(joints, fps, valid).mean())


def peak_jerk(joints: ArrayLike, fps: Fraction | float = 30) -> float:
    """FlowMDM's PJ: the highest in time of the L1 third difference, greatest of all joints, m/frame³ at 30 fps.

    The published code knows no rate and counts per frame: BABEL's figures are at 30 fps. At another rate third
    differences are scaled to 1/30 s. The L1 length depends on how the performer faces, by some per cent. 0 below four
    frames.

    Args:
        joints: ``(T, J, 3)`` metres; the published figure is of SMPL's first 22.
        fps: frames per second.
    """
    values = _flowmdm(joints, fps)
    return float(values.max()) if len(values) else 0.0


def area_under_jerk(joints: ArrayLike, fps: Fraction | float = 30, real: float = BABEL_JERK) -> float:
    """FlowMDM's AUJ: sum over frames at 30 fps of how far its jerk is from that of real motion; 0 below four frames.

    Args:
        joints: ``(T, J, 3)`` metres.
        fps: frames per second.
        real: jerk of real motion, m/frame³ at 30 fps: BABEL's mean, as published.
    """
    values = _flowmdm(joints, fps)
    return float(np.abs(values - real).sum() * FPS / rate(fps))


def _flowmdm(joints: ArrayLike, fps: Fraction | float) -> Array:
    joints = solid(joints, "joints")
    third = kinematics.jerk(joints, rate(fps)) / FPS**3
    return np.asarray(np.abs(third).sum(-1).max(-1)) if len(joints) > 3 else np.zeros(0)


def _lowest(points: ArrayLike, floor: ArrayLike) -> Array:
    """``(T,)`` height of the lowest point over the floor."""
    return np.asarray(above(solid(points, "points"), floor).min(1))


def _steps(points: ArrayLike, fps: Fraction | float, floor: ArrayLike) -> tuple[Array, Array]:
    """Places over the floor ``(N, K, 2)`` and heights ``(N, K)`` every 1/30 s."""
    points = solid(points, "points")
    series = np.concatenate([points[..., [0, 2]], above(points, floor)[..., None]], axis=-1)
    series = at_thirty(series, rate(fps))
    return series[..., :2], series[..., 2]


def _body22(joints: ArrayLike) -> Array:
    return solid(joints, "joints")[:, :22]


def _toes(toes: ArrayLike, fps: Fraction | float, floor: float) -> tuple[Array, np.ndarray, Array]:
    """Toe joints, whether each is low ``(T, 2)``, and its 3-D speed ``(T − 1, 2)``."""
    toes = solid(toes, "toes")
    return toes, above(toes, floor) < KIMODO_HEIGHT_M, np.linalg.norm(np.diff(toes, axis=0), axis=-1) * rate(fps)
