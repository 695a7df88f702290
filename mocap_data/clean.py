"""Captures as recorded to captures one can learn from: `mend` takes out spikes and flags frames that no body could do."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import contacts, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.rotations import Array

#: A fist in a fast punch reaches about 15 m/s; no joint of a person on the floor is faster than this.
MAX_SPEED = 18.0  # m/s
#: Sprinters reach 10 m/s in the hips, jumpers leave the floor with less.
MAX_PELVIS_SPEED = 11.0  # m/s
#: A joint that stands this far off the middle of its neighbours in time, and comes back, is a spike.
SPIKE_M = 0.12
#: A sole may dip this far: soft floors, shoes, an ankle that is read a little too low.
DEEP_M = 0.12
#: Frames left out on both sides of a broken one: filters of capture software smear a fault.
MARGIN = 2
#: Longer spikes are motion, or are broken for good.
LONGEST_SPIKE = 3


@dataclass(frozen=True)
class Mended:
    """A clip without its spikes, and which of its frames can be used."""

    clip: Clip
    good: np.ndarray  # (T,) bool
    faults: tuple[tuple[str, int], ...]  # kind, frames; sorted by kind


def mend(clip: Clip) -> Mended:
    """Take out short spikes, and flag what stays impossible.

    Args:
        clip: metres, floor at 0, any rate.

    Returns:
        The mended clip; ``good`` is False within `MARGIN` frames of a joint that is too fast, a jump of the pelvis, or
        a sole deep in the floor.
    """
    counts: dict[str, int] = {}
    spiky = spikes(clip)
    if spiky.any():
        counts["spike mended"] = int(spiky.sum())
        clip = bridge(clip, spiky)
    bad = broken(clip)
    for kind, frames in bad.items():
        if frames.any():
            counts[kind] = int(frames.sum())
    every = np.any(list(bad.values()), axis=0)
    wide = np.convolve(every, np.ones(2 * MARGIN + 1), "same") > 0.5 if every.any() else every
    return Mended(clip, ~wide[: clip.frames], tuple(sorted(counts.items())))


def spikes(clip: Clip) -> np.ndarray:
    """``(T,)`` bool: frames where a joint leaps away from its own path and back within `LONGEST_SPIKE` frames."""
    points = clip.positions()
    if clip.frames < 2 * LONGEST_SPIKE + 3:
        return np.zeros(clip.frames, dtype=bool)
    out = np.zeros(clip.frames, dtype=bool)
    for length in range(1, LONGEST_SPIKE + 1):
        # A run of `length` frames whose neighbours before and after agree, and which itself is far from both.
        before, after = points[: -length - 1], points[length + 1 :]
        gap = np.linalg.norm(after - before, axis=-1)  # (T − length − 1, 24)
        off = np.stack(
            [
                np.linalg.norm(points[1 + k : len(points) - length + k] - (before + after) / 2.0, axis=-1)
                for k in range(length)
            ]
        ).min(0)
        found = ((off > SPIKE_M * float(30 / clip.fps) + 1.5 * gap) & (off > SPIKE_M)).any(-1)
        for start in np.flatnonzero(found):
            out[start + 1 : start + 1 + length] = True
    return out


def bridge(clip: Clip, gaps: np.ndarray) -> Clip:
    """Frames ``gaps`` ``(T,)`` filled by slerp and a line between the good frames around them; ends are held."""
    known = np.flatnonzero(~gaps)
    if len(known) == 0 or not gaps.any():
        return clip
    at = np.flatnonzero(gaps)
    j = np.searchsorted(known, at)
    a, b = known[np.maximum(j - 1, 0)], known[np.minimum(j, len(known) - 1)]
    t = np.where(b > a, (at - a) / np.maximum(b - a, 1), 0.0)
    t = np.clip(t, 0.0, 1.0)
    rotations, root = clip.rotations.copy(), clip.root_position.copy()
    rotations[at] = rot.slerp(clip.rotations[a], clip.rotations[b], t[:, None])
    root[at] = (1 - t[:, None]) * clip.root_position[a] + t[:, None] * clip.root_position[b]
    return replace(clip, rotations=rot.continuous(rotations), root_position=root)


def broken(clip: Clip) -> dict[str, np.ndarray]:
    """Frames that no body on a floor could do, by kind; each ``(T,)`` bool."""
    points = clip.positions()
    speed = np.zeros((clip.frames, 24))
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1) * float(clip.fps)
    speed[1:] = step
    speed[:-1] = np.maximum(speed[:-1], step)
    soles: Array = contacts.foot_points(clip)[..., 1]
    return {
        "joint too fast": (speed > MAX_SPEED).any(-1),
        "pelvis jumps": speed[:, skeleton.INDEX["pelvis"]] > MAX_PELVIS_SPEED,
        "foot through floor": (soles < -DEEP_M).any(-1),
    }
