"""`Canvas`: several versions of one clip while it is made, window by window; and how a window is joined to the rest."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from motion import contacts, edit
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.corpus import FPS
from motion.easing import smoothstep
from motion.prior import constrain
from motion.prior.request import MOST_WINDOW
from motion.prior.segments import Segment, longest

#: Frames of finished motion that a window is shown on either side; DiP and ARDY carry 20 too.
LEAD = 20
#: Frames over which the old motion gives way to a new window.
BLEND = 10


@dataclass(frozen=True)
class Job:
    """One window to make: frames ``start`` to ``stop`` of the canvas, under a segment's words."""

    start: int
    stop: int
    segment: int
    whole: bool  # it holds all of its segment


@dataclass
class Canvas:
    """Several versions of one clip while it is made, on the models' skeleton at 30 fps."""

    rotations: np.ndarray  # (V, T, 24, 4)
    root_position: np.ndarray  # (V, T, 3)
    contacts: np.ndarray  # (V, T, 4)
    rest_offsets: np.ndarray  # (24, 3)
    known: np.ndarray  # (T,) bool: frames that stand
    reached: int = 0  # end of the last window's job
    tail: int = 0  # frames that it made beyond that

    @classmethod
    def blank(cls, versions: int, frames: int, rest_offsets: np.ndarray) -> Canvas:
        """Nothing known."""
        return cls(
            np.broadcast_to(rot.IDENTITY, (versions, frames, 24, 4)).copy(),
            np.zeros((versions, frames, 3)),
            np.zeros((versions, frames, 4), bool),
            np.asarray(rest_offsets, dtype=np.float64),
            np.zeros(frames, bool),
        )

    def put(self, start: int, clip: Clip) -> None:
        """Let a clip stand from a frame on, in all versions."""
        here = slice(start, start + clip.frames)
        self.rotations[:, here], self.root_position[:, here] = clip.rotations, clip.root_position
        self.contacts[:, here] = feet(clip)
        self.known[here] = True

    def clip(self, version: int, start: int, stop: int) -> Clip:
        """Frames of one version."""
        here = slice(start, stop)
        return Clip(
            self.rotations[version, here],
            self.root_position[version, here],
            self.rest_offsets,
            Fraction(FPS),
            contacts=ContactTrack(contacts.LABELS, self.contacts[version, here]),
        )

    def join(
        self, v: int, job: Job, clip: Clip, low: int, before: int, after: int, bound: np.ndarray | None = None
    ) -> None:
        """Put a window on the canvas, frames beyond its end too: the next window is blended with them.

        What stands is kept. A network follows the frames that it is shown a few centimetres off, and leaves them with
        a jolt; so the new frames are moved to where the old motion was going (its own frames beyond its end, else what
        its last two frames lead to), and the two are mixed over those frames.

        Args:
            v: version.
            job: the frames that were made.
            clip: the window.
            low: its first frame on the canvas.
            before: frames of its context before the job.
            after: and after it.
            bound: ``(T,)`` bool: frames of the window whose place or heading was asked, besides its context; there it
                is not moved. None: none.
        """
        tail = min(self.tail, BLEND, job.stop - job.start) if before and self.reached == job.start else 0
        going = {}
        if before:
            going[job.start - low] = (
                self.clip(v, job.start, job.start + 2) if tail > 1 else self._led_to(v, job.start, -1)
            )
        if after:
            going[job.stop - 1 - low] = self._led_to(v, job.stop - 1, 1)
        clip = _moved(clip, going, 1 if before else -1, bound)
        stop = min(low + clip.frames, len(self.known)) if not after else job.stop
        here, new = slice(job.start, stop), slice(job.start - low, stop - low)
        w = np.ones(stop - job.start)
        w[:tail] = smoothstep((np.arange(tail) + 1) / (tail + 1))
        w = w[:, None]
        on = np.where(w < 0.5, self.contacts[v, here], feet(clip)[new])
        self.rotations[v, here] = rot.slerp(self.rotations[v, here], clip.rotations[new], w)
        self.root_position[v, here] += w * (clip.root_position[new] - self.root_position[v, here])
        self.contacts[v, here] = on

    def stands(self, job: Job, high: int, after: int) -> None:
        """The job's frames stand now; the window reached to frame ``high``."""
        self.known[job.start : job.stop] = True
        self.reached = job.stop
        self.tail = 0 if after else max(0, min(high, len(self.known)) - job.stop)

    def _led_to(self, v: int, frame: int, side: int) -> Clip:
        """Poses at a frame and at the next, that the two standing frames beside it (−1 before, 1 after) lead to."""
        near, far = frame + side, frame + 2 * side
        last = constrain.pick(self.clip(v, near, near + 1), [0, 0])
        if not (0 <= far < len(self.known) and self.known[far]):
            return last
        rotations, root = self.rotations[v], self.root_position[v]
        turn = rot.multiply(rot.inverse(rotations[far]), rotations[near])
        led = [rot.multiply(rotations[near], turn)]
        led.append(rot.multiply(led[0], turn))
        step = root[near] - root[far]
        return replace(last, rotations=np.stack(led), root_position=root[near] + np.outer((1, 2), step))


def _moved(clip: Clip, going: dict[int, Clip], inward: int, bound: np.ndarray | None) -> Clip:
    """A window carried so that it goes on from the poses at some of its frames.

    Over the floor it moves as one where nothing else says where it is; else what it is off fades towards the nearest
    frame that stands where it was asked to. What its pose is off fades over `BLEND` frames.

    Args:
        clip: the window.
        going: frame of the window → the pose it should have there and the one that should follow, going inward.
        inward: 1 where the first of them is at its beginning, −1 where it is at its end.
        bound: frames whose place or heading was asked.
    """
    asked = np.zeros(0, int) if bound is None else np.flatnonzero(bound)
    t = np.arange(clip.frames)
    for number, (at, pose) in enumerate(going.items()):
        way = inward if number == 0 else -inward
        now = constrain.pick(clip, [at])
        turn = float(constrain.facing(pose)[0][0] - constrain.facing(now)[0][0])
        turn = float(np.arctan2(np.sin(turn), np.cos(turn)))
        move = (pose.root_position[0] - now.root_position[0]) * np.array([1.0, 0.0, 1.0])
        ends = [abs(int(k) - at) for k in asked if (k - at) * way > 0]
        if len(going) == 1 and not ends:
            pivot = now.root_position[0] * np.array([1.0, 0.0, 1.0])
            clip = edit.transform(edit.transform(clip, translation=-pivot), turn)
            clip = edit.transform(clip, translation=pivot + move)
        else:
            ends += [abs(other - at) for other in going if other != at]
            reach = max(min(ends), FPS if len(going) == 1 else 1)
            share = 1.0 - smoothstep(np.clip((t - at) * way / reach, 0.0, 1.0))
            rotations = clip.rotations.copy()
            rotations[:, 0] = rot.multiply(rot.yaw(share * turn), rotations[:, 0])
            clip = replace(clip, rotations=rotations, root_position=clip.root_position + share[:, None] * move)
        # Cubic Hermite from the pose and speed that it is off to nothing (as inertialised transitions in games).
        u = np.clip((t - at) * way / BLEND, 0.0, 1.0)
        place, speed = (2 * u**3 - 3 * u**2 + 1)[:, None], (u**3 - 2 * u**2 + u)[:, None] * BLEND
        after = [at, min(max(at + way, 0), clip.frames - 1)]
        change = rot.to_rotvec(rot.multiply(rot.inverse(clip.rotations[after]), pose.rotations))
        off = pose.root_position - clip.root_position[after]
        turned = place[..., None] * change[0] + speed[..., None] * (change[1] - change[0])
        clip = replace(
            clip,
            rotations=rot.multiply(clip.rotations, rot.from_rotvec(turned)),
            root_position=clip.root_position + place * off[0] + speed * (off[1] - off[0]),
        )
    return clip


def feet(clip: Clip) -> np.ndarray:
    """``(T, 4)`` contacts of a clip, detected when it has none of the models' four."""
    track = clip.contacts
    if track is None or track.labels != contacts.LABELS:
        track = contacts.detect(clip) if clip.frames > 1 else ContactTrack(contacts.LABELS, np.zeros((1, 4), bool))
    return track.on


def jobs(segments: Sequence[Segment]) -> list[Job]:
    """Windows over segments: as few and as equal as a network makes well."""
    made = []
    for number, segment in enumerate(segments):
        count = -(-segment.frames // min(longest(segment.label), MOST_WINDOW - 2 * LEAD))
        cuts = np.rint(np.linspace(segment.start, segment.stop, count + 1)).astype(int)
        made += [Job(int(a), int(b), number, count == 1) for a, b in itertools.pairwise(cuts)]
    return made
