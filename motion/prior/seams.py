"""Jerk at the seams of a composed clip against jerk inside it: whether one sees where windows meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motion import kinematics
from motion.clip import Clip
from motion.prior.constraints import JOINTS
from motion.prior.request import Seam
from motion.rotations import Array

#: A seam is its frame and so many seconds on both sides.
REACH_S = 5 / 30


def jerk(clip: Clip) -> Array:
    """Mean length of the joints' jerk ``(T,)``, m/s³: third differences, put on the frame in their middle.

    The hands are left out: in the models they are fixed to the wrists. Fewer than four frames have none (zeros).
    """
    out = np.zeros(clip.frames)
    if clip.frames < 4:
        return out
    values = np.linalg.norm(kinematics.jerk(clip.positions()[:, :JOINTS], clip.fps), axis=-1).mean(-1)
    # Differences i .. i + 3 lie about frame i + 1.5: both frames in the middle share them.
    out[1:-2] += 0.5 * values
    out[2:-1] += 0.5 * values
    out[1] *= 2.0
    out[-2] *= 2.0
    return out


def measure(clip: Clip, frames: Sequence[int], also: Sequence[int] = ()) -> tuple[tuple[Seam, ...], float]:
    """Jerk at seams and away from them.

    Args:
        clip: the finished clip.
        frames: first frame after each seam.
        also: other frames where motion is bent (keys), which are neither seams nor inside.

    Returns:
        One `Seam` each, and the inside jerk in m/s³ (its mean away from seams, keys and the ends).
    """
    values = jerk(clip)
    reach = max(2, round(REACH_S * float(clip.fps)))
    inside = np.ones(clip.frames, dtype=bool)
    inside[: min(2, clip.frames)] = inside[-2:] = False
    for frame in (*frames, *also):
        inside[max(0, frame - reach) : frame + reach + 1] = False
    calm = float(values[inside].mean()) if inside.any() else float(values.mean())
    found = []
    for frame in frames:
        here = float(values[max(0, frame - reach) : frame + reach + 1].mean())
        found.append(Seam(frame / float(clip.fps), here, here / calm if calm > 1e-9 else 1.0))
    return tuple(found), calm
