"""What is wrong with a capture itself, for its user to know: `jumps`."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.retarget.source import Source

_I = skeleton.INDEX

#: Limits that no performer passes: a figure skater spins at some 2000 degrees a second, a kicking foot moves at 20 m/s.
_SPIN, _SPEED = 3600.0, 30.0  # degrees a second, m/s for an adult


def jumps(source: Source, first: int = 0) -> tuple[float, ...]:
    """Moments, in seconds, at which hips or feet leap from one frame to the next faster than anybody moves.

    Markers that were exchanged or lost do that. One leap, or a burst of them within a quarter of a second, counts once.

    Args:
        source: the capture.
        first: frames at the start that are no acting.
    """
    fps, size = float(source.take.fps), source.size
    turns = source.rotation(source.map.pelvis)
    torn = np.degrees(rot.angle_between(turns[:-1], turns[1:])) * fps > _SPIN
    for joint in (_I["left_ankle"], _I["right_ankle"]):
        torn |= np.linalg.norm(np.diff(source.place(joint), axis=0), axis=-1) * fps > _SPEED * size
    times = (np.flatnonzero(torn) + 1) / fps
    times = times[times * fps > first + 0.5]
    return tuple(float(t) for t, gap in zip(times, np.diff(times, prepend=-1.0), strict=True) if gap > 0.25)
