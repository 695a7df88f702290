"""`Lead`: captured motion in a window, held as it is or bent to keys and a path before noise is added to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motion import contacts, edit
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.easing import smoothstep
from motion.prior import constrain
from motion.prior.canvas import BLEND, Canvas, Job, feet
from motion.prior.constraints import Constraints

#: How much of a capture is made anew where keys or a path bend it.
_BENT = 0.6


@dataclass(frozen=True)
class Lead:
    """Captured motion in a window."""

    name: str = ""
    clip: Clip | None = None  # frames that stand as captured
    at: int = 0  # their first frame on the canvas
    start: Clip | None = None  # or: what noise is added to
    strength: float = 1.0

    def over(self, made: Clip, low: int) -> Clip:
        """The window with the captured frames put back as they are, eased in and out over a few frames."""
        if self.clip is None:
            return made
        n, first = self.clip.frames, self.at - low
        ramp = np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1) / 7.0
        if first == 0:
            ramp = np.maximum(ramp, (np.arange(n) < n / 2).astype(float))
        w = smoothstep(np.clip(ramp, 0, 1))[:, None]
        here = slice(first, first + n)
        rotations, root = made.rotations.copy(), made.root_position.copy()
        rotations[here] = rot.slerp(made.rotations[here], self.clip.rotations, w)
        root[here] += w * (self.clip.root_position - root[here])
        on = feet(made).copy()
        on[here] = feet(self.clip)
        return replace(made, rotations=rotations, root_position=root, contacts=ContactTrack(contacts.LABELS, on))


def _along(clip: Clip, c: Constraints) -> Clip:
    """A clip carried along the places that constraints ask for: its sway and stride stay, its way is theirs."""
    at = np.flatnonzero(c.path_on | c.pelvis_on[:, 0])
    if len(at) < 2:
        return clip
    frames = np.arange(clip.frames)
    where = np.where(c.path_on[:, None], c.path, c.pelvis[:, [0, 2]])[at]
    way = np.stack([np.interp(frames, at, where[:, k]) for k in range(2)], -1)
    own = clip.root_position[:, [0, 2]]
    smooth = edit.in_place(clip).root_position[:, [0, 2]]
    sway = smooth - smooth[:1]
    turn = np.zeros(clip.frames)
    if c.heading_on[at].all():
        yaw = np.interp(frames, at, np.unwrap(c.heading[at]))
        turn = yaw - np.unwrap(edit.heading(clip))
    q = rot.yaw(turn)
    rotations, root = clip.rotations.copy(), clip.root_position.copy()
    rotations[:, 0] = rot.multiply(q, rotations[:, 0])
    swayed = rot.rotate(q, np.stack([sway[:, 0], np.zeros(len(own)), sway[:, 1]], -1))
    root[:, 0], root[:, 2] = way[:, 0] + swayed[:, 0], way[:, 1] + swayed[:, 2]
    return replace(clip, rotations=rotations, root_position=root)


def lead(
    capture: Clip,
    name: str,
    canvas: Canvas,
    version: int,
    c: Constraints,
    job: Job,
    frames: tuple[int, int],
    context: tuple[int, int],
    keyed: bool,
) -> Lead:
    """Put a capture where the motion is; hold it, or start from it where keys or a path bend it.

    Args:
        capture: on the models' skeleton, 30 fps.
        name: what the report calls it.
        canvas: what stands already.
        version: which of the canvas's versions.
        c: the window's constraints; the capture's poses are written into them.
        job: the frames to make.
        frames: first frame of the window, and the one after its last.
        context: how many frames before and after the job stand.
        keyed: keys, a path or points say where the motion is.
    """
    low, high = frames
    before, after = context
    if before:
        last = canvas.clip(version, job.start - 1, job.start)
        x, _, z = last.root_position[0]
        capture = edit.place(capture, (x, z), float(edit.heading(last)[0]))
    elif not keyed:
        capture = edit.place(capture, (0.0, 0.0), 0.0)
    else:
        mine = np.flatnonzero(c.path_on | c.pelvis_on[:, 0])
        first = int(mine[0]) if len(mine) else 0
        where = c.path[first] if c.path_on[first] else c.pelvis[first, [0, 2]]
        yaw = float(c.heading[first]) if c.heading_on[first] else 0.0
        capture = edit.place(capture, (float(where[0]), float(where[1])), yaw)
    if keyed:
        at = np.clip(np.arange(high - low) - (job.start - low), 0, capture.frames - 1)
        return Lead(name=name, start=_along(constrain.pick(capture, at), c), strength=_BENT)
    ease = (BLEND if before else 0), (BLEND if after else 0)
    held = np.arange(ease[0], min(capture.frames, job.stop - job.start) - ease[1])
    if len(held) == 0:
        return Lead()
    poses = constrain.pick(capture, held)
    constrain.hold(c, held + job.start - low, poses)
    return Lead(name=name, clip=poses, at=job.start + ease[0])
