"""Captures as recorded to captures to learn from: `mend` takes out spikes and flags frames that no body could do."""

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
#: Turns from rest that no healthy joint makes, degrees. In the CMU captures some feet and hands are solved the wrong
#: way round for seconds; people reach about 60 at the ankle (pointed toes), 150 at the elbow, 140 at the hip.
LIMITS: dict[str, float] = {
    "left_ankle": 95.0, "right_ankle": 95.0, "left_elbow": 165.0, "right_elbow": 165.0, "left_hip": 155.0,
    "right_hip": 155.0, "left_knee": 165.0, "right_knee": 165.0,
}  # fmt: skip
#: A hand turned further than this on its forearm was solved the wrong way round: it is laid straight.
WRIST_DEG = 115.0
#: Time over which a hand goes from its captured turn to straight.
WRIST_BLEND_S = 0.4
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
    clip, turned = straighten_wrists(clip)
    if turned:
        counts["hand straightened"] = turned
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


def straighten_wrists(clip: Clip) -> tuple[Clip, int]:
    """Hands that are turned over on their forearms laid straight, blended in and out; and in how many frames."""
    rotations, count = clip.rotations, 0
    width = 2 * max(1, round(WRIST_BLEND_S * float(clip.fps))) + 1
    for name in ("left_wrist", "right_wrist"):
        joint = skeleton.INDEX[name]
        over = np.degrees(rot.angle_between(clip.rotations[:, joint], rot.IDENTITY)) > WRIST_DEG
        if not over.any():
            continue
        count += int(over.sum())
        # Full where the hand is over, falling to nothing on both sides.
        apart = np.abs(np.arange(clip.frames)[:, None] - np.flatnonzero(over)[None]).min(1)
        weight = np.clip(1.0 - apart / (width // 2), 0.0, 1.0)
        rotations = rotations.copy()
        rotations[:, joint] = rot.slerp(rotations[:, joint], np.tile(rot.IDENTITY, (clip.frames, 1)), weight)
    return (replace(clip, rotations=rotations), count) if count else (clip, 0)


def past_limits(clip: Clip) -> np.ndarray:
    """``(T,)`` bool: frames in which a joint is turned from rest by more than its limit in `LIMITS`."""
    out = np.zeros(clip.frames, dtype=bool)
    for name, most in LIMITS.items():
        out |= np.degrees(rot.angle_between(clip.rotations[:, skeleton.INDEX[name]], rot.IDENTITY)) > most
    return out


def broken(clip: Clip) -> dict[str, np.ndarray]:
    """Frames that no body on a floor could do, by kind; each ``(T,)`` bool."""
    points = clip.positions()
    speed = np.zeros((clip.frames, 24))
    step = np.linalg.norm(np.diff(points, axis=0), axis=-1) * float(clip.fps)
    speed[1:] = step
    speed[:-1] = np.maximum(speed[:-1], step)
    soles: Array = contacts.foot_points(clip)[..., 1]
    return {
        "joint too fast": np.asarray((speed > MAX_SPEED).any(-1)),
        "pelvis jumps": speed[:, skeleton.INDEX["pelvis"]] > MAX_PELVIS_SPEED,
        "joint past its limit": past_limits(clip),
        "foot through floor": np.asarray((soles < -DEEP_M).any(-1)),
    }
