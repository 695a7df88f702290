"""Loops: the best cycle in a clip, its end led into its own beginning, and travel taken out of it without a jump."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import edit
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.easing import smoothstep
from motion.prior import constrain
from motion.prior.constraints import JOINTS
from motion.rotations import Array

#: Velocities count in the likeness of two poses as what they come to in so many seconds.
_VELOCITY_S = 0.12
#: Frames over which a loop's end is led into its beginning.
BLEND = 12
#: A cycle may be this much shorter or longer than asked, and is re-timed.
SLACK = 0.15
#: Mean distance of joints (and of their speed, see above) from which a loop does not close by blending, metres.
CLOSE_M = 0.12


@dataclass(frozen=True)
class Cycle:
    """Frames ``first`` to ``last``, both included; the pose of ``last`` is like that of ``first``."""

    first: int
    last: int
    gap_m: float  # mean distance of joints, and of their speeds, between the two


def poses(clip: Clip) -> Array:
    """What a pose is to a loop ``(T, K)``: joints and their velocities, place on the floor and heading taken out."""
    yaw, _ = constrain.facing(clip)
    local = clip.positions()[:, :JOINTS] - clip.root_position[:, None] * np.array([1.0, 0.0, 1.0])
    local = rot.rotate(rot.yaw(-yaw)[:, None], local)
    if clip.frames > 2:
        speed = np.gradient(clip.positions()[:, :JOINTS], axis=0) * float(clip.fps)
        speed = rot.rotate(rot.yaw(-yaw)[:, None], speed)
    else:
        speed = np.zeros_like(local)
    return np.concatenate([local.reshape(clip.frames, -1), _VELOCITY_S * speed.reshape(clip.frames, -1)], axis=1)


def find(clip: Clip, frames: int, slack: float = SLACK, earliest: int = 0) -> Cycle:
    """The cycle of about ``frames`` frames whose ends are most alike.

    Args:
        clip: where to look.
        frames: wanted length, first and last frame included.
        slack: share by which it may be shorter or longer.
        earliest: first frame that may begin it.
    """
    low = max(2, round(frames * (1 - slack)))
    high = min(clip.frames - earliest, round(frames * (1 + slack)))
    if high < low:
        return Cycle(0, clip.frames - 1, _apart(poses(clip)[[0]], poses(clip)[[-1]])[0])
    x = poses(clip)
    best = Cycle(earliest, earliest + high - 1, np.inf)
    for n in range(low, high + 1):
        first = np.arange(earliest, clip.frames - n + 1)
        apart = _apart(x[first], x[first + n - 1]) * (1.0 + 0.3 * abs(n - frames) / frames)
        k = int(np.argmin(apart))
        if apart[k] < best.gap_m:
            best = Cycle(int(first[k]), int(first[k] + n - 1), float(apart[k]))
    return best


def _apart(a: Array, b: Array) -> Array:
    """Mean distance of joints and speeds between poses ``(K, D)``, metres ``(K,)``."""
    d = (a - b).reshape(len(a), 2, JOINTS, 3)
    return np.asarray(np.sqrt((d**2).sum(-1).sum(1)).mean(-1))


def moved_along(clip: Clip, first: int, last: int, head: Clip) -> Clip:
    """``head``, which belongs at frame ``first``, carried to frame ``last``: its place and heading on the floor."""
    yaw, _ = constrain.facing(constrain.pick(clip, [first, last]))
    turned = edit.transform(head, float(yaw[1] - yaw[0]))
    origin = rot.rotate(rot.yaw(yaw[1] - yaw[0]), clip.root_position[first])
    x, _, z = clip.root_position[last] - origin
    return edit.transform(turned, translation=(x, 0.0, z))


def cut(clip: Clip, cycle: Cycle) -> Clip:
    """The cycle alone, its last frames led into what comes before its first: it ends as it begins, as fast."""
    n = min(BLEND, cycle.first, cycle.last - cycle.first)
    body = constrain.pick(clip, np.arange(cycle.first, cycle.last + 1))
    if n >= 2:
        run_up = constrain.pick(clip, np.arange(cycle.first - n, cycle.first + 1))
        carried = moved_along(clip, cycle.first, cycle.last, run_up)
        tail = slice(body.frames - n - 1, body.frames)
        weight = smoothstep(np.arange(n + 1) / n)
        mixed = edit.blend(constrain.pick(body, np.arange(body.frames)[tail]), carried, weight)
        rotations, root = body.rotations.copy(), body.root_position.copy()
        rotations[tail], root[tail] = mixed.rotations, mixed.root_position
        body = replace(body, rotations=rotations, root_position=root)
        if mixed.contacts is not None and body.contacts is not None:
            on = body.contacts.on.copy()
            on[tail] = mixed.contacts.on
            body = replace(body, contacts=ContactTrack(body.contacts.labels, on))
    return edit.loop(body, 0.4)


def retimed(clip: Clip, frames: int) -> Clip:
    """The same motion in exactly ``frames`` frames at the same rate."""
    if frames == clip.frames or frames < 2 or clip.frames < 2:
        return clip
    span = (clip.frames - 1) / float(clip.fps)
    return edit.sample(clip, np.linspace(0.0, span, frames))


def still(clip: Clip) -> Clip:
    """A loop in place: its smoothed way and even turning are taken out, the sway stays, and it still closes exactly."""
    last = clip.frames - 1
    if last < 1:
        return clip
    share = np.arange(clip.frames) / last
    yaw, _ = constrain.facing(clip)
    drift = float(np.arctan2(np.sin(yaw[-1] - yaw[0]), np.cos(yaw[-1] - yaw[0])))
    back = rot.yaw(-drift * share)
    rotations = clip.rotations.copy()
    rotations[:, 0] = rot.multiply(back, rotations[:, 0])
    # Steps are turned back one by one: a walk in a circle becomes a straight one.
    steps = rot.rotate(back[:-1], np.diff(clip.root_position, axis=0))
    root = np.concatenate([clip.root_position[:1], clip.root_position[0] + np.cumsum(steps, axis=0)])
    root[:, 1] = clip.root_position[:, 1]
    return replace(clip, rotations=rotations, root_position=root - _way(root, float(clip.fps)))


def _way(root: Array, fps: float) -> Array:
    """The smoothed way ``(T, 3)`` of a loop over the floor from its start: smoothed as what goes on for ever."""
    from scipy.ndimage import gaussian_filter1d

    last = len(root) - 1
    flat = root[:-1] * np.array([1.0, 0.0, 1.0])
    travel = (root[-1] - root[0]) * np.array([1.0, 0.0, 1.0])
    sigma = 0.5 * fps
    turns = int(np.ceil(3 * sigma / last))
    long = np.concatenate([flat + k * travel for k in range(-turns, turns + 2)])
    smooth = gaussian_filter1d(long, sigma, axis=0, mode="nearest")[turns * last : (turns + 1) * last + 1]
    return np.asarray(smooth - smooth[0])


def gap(clip: Clip) -> float:
    """Largest distance of a joint between the last pose and the first, travel and heading taken out, metres."""
    x = poses(constrain.pick(clip, [0, clip.frames - 1]))[:, : 3 * JOINTS].reshape(2, JOINTS, 3)
    return float(np.linalg.norm(x[1] - x[0], axis=-1).max())
