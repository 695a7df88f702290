"""Joints that snap away for a moment and back, as markers that are swapped make them: `unflipped`.

A joint that turns within one frame much faster than just before and after, and turns back so within half a second, did
not move: what lies between is bridged. Quick real movements last several frames, and do not come back to where they
were.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion import rotations as rot
from motion.clip import Clip
from motion.easing import smoothstep
from motion.rotations import Array

#: A snap turns by at least this within a frame of 1/30 s or less, by more in a longer one …
LEAST_RAD = float(np.radians(22.0))
#: … and by so many times as much as the frames beside it.
TIMES = 3.0
#: It lasts no longer than this, seconds, and comes back to within this share of itself.
LONGEST_S, COMES_BACK = 0.5, 0.5


def unflipped(clip: Clip) -> tuple[Clip, int]:
    """A clip without snapped joints, and how many snaps were mended; the clip itself where there was none."""
    if clip.frames < 4:
        return clip, 0
    steps = _angle(clip.rotations[:-1], clip.rotations[1:])
    longest = max(1, round(LONGEST_S * float(clip.fps)))
    rotations, mended = clip.rotations, 0
    for j in range(steps.shape[1]):
        snaps = _snaps(steps[:, j], LEAST_RAD * max(1.0, 30.0 / float(clip.fps)))
        k = 0
        while k < len(snaps):
            first = int(snaps[k])
            for last in snaps[k + 1 :]:
                if last - first > longest:
                    break
                apart = float(_angle(rotations[first, j], rotations[last + 1, j]))
                if apart < COMES_BACK * min(steps[first, j], steps[last, j]):
                    if rotations is clip.rotations:
                        rotations = rotations.copy()
                    t = smoothstep(np.arange(1, last - first + 1) / (last - first + 1))
                    rotations[first + 1 : last + 1, j] = rot.slerp(rotations[first, j], rotations[last + 1, j], t)
                    mended += 1
                    while k < len(snaps) and snaps[k] < last:
                        k += 1
                    break
            k += 1
    return (replace(clip, rotations=rot.continuous(rotations)), mended) if mended else (clip, 0)


def _snaps(steps: Array, least: float) -> np.ndarray:
    """Where ``(T − 1,)`` angles of at least so much stand out from those beside them."""
    beside = np.maximum(np.r_[0.0, steps[:-1]], np.r_[steps[1:], 0.0])
    out: np.ndarray = np.flatnonzero((steps > least) & (steps > TIMES * beside))
    return out


def _angle(a: Array, b: Array) -> Array:
    """Angle between rotations, radians."""
    return np.asarray(2.0 * np.arccos(np.clip(np.abs((a * b).sum(-1)), 0.0, 1.0)))
