"""What a motion asks of the floor: when its performer flies, how it falls then, and the forces it needs.

Positions are in metres, Y up. Vertical accelerations come from parabolas fitted to the centre of mass by least squares
over 7 frames at 30 fps, that is over 0.2 s whatever the rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from motion.rotations import Array
from physics.mass import GRAVITY
from physics.series import above, curvatures, mask, rate, runs, samples, solid, track

#: Span of a parabola: 6 intervals of 1/30 s.
FIT_S = 0.2
#: A phase is fitted whole when it is shorter than `FIT_S`, down to this: four samples at 30 fps. Below it noise rules.
SHORTEST_FIT_S = 0.1

#: The lowest sole point of a flight is higher than this at some time, metres …
CLEAR_M = 0.02
#: … and higher than this all the time: the tolerance of PhysDiff's readings.
OFF_M = 0.005
#: Acceleration that counts as falling freely, in g: a crouch before a jump unloads the floor to 0.4 of the weight;
#: above 1.6 a capture is broken, rolled over a hand or looped.
FALLING = (0.65, 1.6)
#: A flight is looked for in pieces of this length: five frames at 30 fps, the flight of a jog.
PIECE_S = 4 / 30
#: A flight grows while the centre of mass stays this near to its parabola, metres: one frame at 30 fps of not falling.
ON_PARABOLA_M = 0.006
#: A foot slower than this, m/s, stands (somewhat more than `motion.contacts.SPEED_ON`, for feet that tremble). While
#: it does in most frames nobody flies: a crouch on a floor that is 5 cm lower than it should be.
STANDS = 0.25
STANDING_SHARE = 0.6
#: A stretch off the floor that gets this high, metres, and lasts no longer than this, seconds, is one flight when it
#: falls with at least half of g as a whole: inside a somersault, captures hold the centre of mass anyhow.
HIGH_M, LONGEST_S, FALLING_AS_A_WHOLE = 0.10, 1.2, (0.5, 2.0)


def flight(points: ArrayLike, com: ArrayLike, fps: Fraction | float, floor: ArrayLike = 0.0) -> np.ndarray:
    """Frames in which the performer flies: no sole near the floor, and the centre of mass falls freely.

    Distance from the floor alone would call a walk that floats 5 cm a flight, and everything that is frozen in the
    air. So within stretches that are clear of the floor, parabolas of five frames (at 30 fps) must fall with 0.65 to
    1.6 g; what they cover grows while the centre of mass keeps to the parabola; a stretch in which a foot stands
    still most of the time is none. A leap that leaves the floor and comes back in 1.2 s is judged as a whole.
    Who stands on hands does not fall, and does not fly; who rolls may fall: add points of the back to ``points``.

    Args:
        points: ``(T, K, 3)`` sole points, metres.
        com: ``(T, 3)`` centre of mass, metres.
        fps: frames per second.
        floor: height of the floor, a number or ``(T, K)`` under each point, metres.

    Returns:
        ``(T,)`` bool. Clips of fewer than three frames have no flight.

    Raises:
        BadInput: shapes that do not agree, or numbers that are not finite.
    """
    points, fps = solid(points, "sole points"), rate(fps)
    com = track(com, "centre of mass", len(points))
    low = above(points, floor).min(1)
    height, frames = com[:, 1], len(points)
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1).min(1) * fps if frames > 1 else np.zeros(0)
    out = np.zeros(frames, dtype=bool)
    piece = max(4, samples(PIECE_S, fps))
    for first, last in runs(low > OFF_M):
        if last - first < 3 or low[first:last].max() <= CLEAR_M:
            continue
        whole = curvatures(height[first:last], last - first, fps)
        high = low[first:last].max() > HIGH_M and last - first <= LONGEST_S * fps
        if high and _falls(whole, FALLING_AS_A_WHOLE).all():
            out[first:last] = True
            continue
        size = min(piece, last - first)
        falling = _falls(curvatures(height[first:last], size, fps))
        covered = np.convolve(falling, np.ones(size)) > 0  # every frame of a piece that falls
        end = first
        for a, b in runs(covered):
            a, b = _grown(height, first + a, first + b, max(first, end), last, fps)
            stands = speed[a : b - 1] < STANDS
            fits = bool(_falls(curvatures(height[a:b], b - a, fps)).all())
            if fits and low[a:b].max() > CLEAR_M and stands.mean() < STANDING_SHARE:
                out[a:b] = True
                end = b
    return out


def _shortest(fps: float) -> int:
    return max(4, samples(SHORTEST_FIT_S, fps))


def _falls(acceleration: Array, bounds: tuple[float, float] = FALLING) -> np.ndarray:
    return np.asarray((acceleration < -bounds[0] * GRAVITY) & (acceleration > -bounds[1] * GRAVITY))


def _grown(height: Array, a: int, b: int, first: int, last: int, fps: float) -> tuple[int, int]:
    """The stretch ``a … b`` cut to its middle where it is long, then grown along the parabola of its heights."""
    trim = min(samples(1 / 30, fps) - 1, max(0, (b - a - 4) // 2))  # pieces reach over the ends of a flight
    a, b = a + trim, b - trim
    while True:
        at = np.arange(a, b)
        curve = np.polynomial.Polynomial.fit(at, height[a:b], 2)
        before = a > first and abs(curve(a - 1) - height[a - 1]) < ON_PARABOLA_M
        after = b < last and abs(curve(b) - height[b]) < ON_PARABOLA_M
        if not before and not after:
            return a, b
        a, b = a - before, b + after


@dataclass(frozen=True)
class FlightFall:
    """How a body falls while it flies."""

    g: float  # mean downward acceleration over gravity: 1 is right; 0 where nothing was judged
    error: float  # mean of |acceleration - gravity| / gravity over parabolas; 0 where nothing was judged
    parabolas: int  # how many were fitted
    frames: int  # frames of flights long enough to be judged


def flight_acceleration(com: ArrayLike, frames: ArrayLike, fps: Fraction | float) -> FlightFall:
    """Vertical acceleration in flight, from parabolas of 7 frames at 30 fps (0.2 s at any rate), against gravity.

    A flight that is shorter is fitted whole; below 0.1 s it is left out.

    Args:
        com: ``(T, 3)`` centre of mass, metres.
        frames: ``(T,)`` bool, frames of flight.
        fps: frames per second.
    """
    com, fps = track(com, "centre of mass"), rate(fps)
    on = mask(frames, (len(com),), "frames of flight")
    found, judged = [np.zeros(0)], 0
    for a, b in runs(on):
        if b - a >= _shortest(fps):
            found.append(curvatures(com[a:b, 1], min(samples(FIT_S, fps), b - a), fps))
            judged += b - a
    fall = -np.concatenate(found) / GRAVITY
    if not len(fall):
        return FlightFall(0.0, 0.0, 0, 0)
    return FlightFall(float(fall.mean()), float(np.abs(fall - 1.0).mean()), len(fall), judged)


#: Body weights that a floor gives whoever stands on it: it does not pull, and sprinters' and jumpers' peaks over 0.2 s
#: stay near 3 (Cavanagh and Lafortune 1980 found 2.8 in running).
FORCE_ON_FLOOR = (0.0, 3.0)
#: Body weights that nothing gives in the air; what captures miss by.
FORCE_IN_AIR = 0.25


@dataclass(frozen=True)
class GroundReaction:
    """Whether the floor could have given the forces that a motion needs."""

    implausible: float  # share of judged frames
    violation: float  # mean over judged frames, body weights outside the plausible range
    judged: int  # frames


def ground_reaction(com: ArrayLike, carried: ArrayLike, fps: Fraction | float) -> GroundReaction:
    """The vertical force that the centre of mass needs, over body weight: 0 to 3 while something carries, else 0.

    Force is ``1 + a / g`` with ``a`` from parabolas of 7 frames (0.2 s) that do not reach over a take-off or a landing;
    phases below 0.1 s are not judged. Nothing judged gives zeros.

    Args:
        com: ``(T, 3)`` metres.
        carried: ``(T,)`` bool: something touches the floor.
        fps: frames per second.
    """
    com, fps = track(com, "centre of mass"), rate(fps)
    on = mask(carried, (len(com),), "carried frames")
    violations = [np.zeros(0)]
    for phase in (True, False):
        for a, b in runs(on == phase):
            if b - a < _shortest(fps):
                continue
            size = min(samples(FIT_S, fps), b - a)
            fits = curvatures(com[a:b, 1], size, fps)  # ends of the phase take the first and last of them
            force = 1.0 + np.pad(fits, ((size - 1) // 2, size // 2), mode="edge") / GRAVITY
            low, high = FORCE_ON_FLOOR if phase else (-FORCE_IN_AIR, FORCE_IN_AIR)
            violations.append(np.maximum(np.maximum(low - force, force - high), 0.0))
    violation = np.concatenate(violations)
    if not len(violation):
        return GroundReaction(0.0, 0.0, 0)
    return GroundReaction(float((violation > 1e-9).mean()), float(violation.mean()), len(violation))
