"""`Canvas`: several versions of one clip while it is made, window by window; and how a window is joined to the rest."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from motion import contacts
from motion import rotations as rot
from motion.clip import Clip, ContactTrack
from motion.corpus import FPS
from motion.easing import smoothstep
from motion.prior.request import MOST_WINDOW
from motion.prior.segments import Segment, longest

#: Frames of finished motion that a window is shown on either side; DiP and ARDY carry 20 too.
LEAD = 20
#: Frames over which the end of the old window gives way to the new one's version of it.
BLEND = 12


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
    given: np.ndarray  # (T,) bool: frames that were handed in and stay as they are

    @classmethod
    def blank(cls, versions: int, frames: int, rest_offsets: np.ndarray) -> Canvas:
        """Nothing known."""
        return cls(
            np.broadcast_to(rot.IDENTITY, (versions, frames, 24, 4)).copy(),
            np.zeros((versions, frames, 3)),
            np.zeros((versions, frames, 4), bool),
            np.asarray(rest_offsets, dtype=np.float64),
            np.zeros(frames, bool),
            np.zeros(frames, bool),
        )

    def put(self, start: int, clip: Clip) -> None:
        """Let a clip stand from a frame on, in all versions."""
        here = slice(start, start + clip.frames)
        self.rotations[:, here], self.root_position[:, here] = clip.rotations, clip.root_position
        self.contacts[:, here] = feet(clip)
        self.known[here] = self.given[here] = True

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

    def join(self, v: int, job: Job, clip: Clip, low: int, before: int, after: int) -> None:
        """Put a window on the canvas.

        In its context the old motion gives way to the new one's version of it. Frames that were handed in stay as they
        are: there the new motion begins where they end, and what it is off fades in its own first frames.
        """
        for context, edge, inward in ((before, job.start - 1, 1), (after, job.stop, -1)):
            if context and self.given[edge]:
                clip = self._led_from(v, edge, clip, low, inward)
        weight = np.ones(clip.frames)
        if before:
            n = min(BLEND, before)
            ramp = smoothstep((np.arange(n) + 1) / (n + 1))
            weight[:before] = 0.0
            weight[before - n : before] = ramp
        if after:
            n = min(BLEND, after)
            ramp = smoothstep((np.arange(n) + 1) / (n + 1))[::-1]
            first = job.stop - low
            weight[first:] = 0.0
            weight[first : first + n] = ramp
        a, b = job.start - before, job.stop + after
        new, here = slice(a - low, b - low), slice(a, b)
        w = np.where(self.known[here], weight[new], 1.0)
        w = np.where(self.given[here], 0.0, w)[:, None]
        self.rotations[v, here] = rot.slerp(self.rotations[v, here], clip.rotations[new], w)
        self.root_position[v, here] += w * (clip.root_position[new] - self.root_position[v, here])
        on = feet(clip)[new]
        self.contacts[v, here] = np.where(w < 0.5, self.contacts[v, here], on)

    def _led_from(self, v: int, edge: int, clip: Clip, low: int, inward: int) -> Clip:
        """A window whose pose at ``edge`` is the canvas's own; the difference fades over `BLEND` frames inward."""
        at = edge - low
        turn = rot.to_rotvec(rot.multiply(rot.inverse(clip.rotations[at]), self.rotations[v, edge]))
        move = self.root_position[v, edge] - clip.root_position[at]
        away = (np.arange(clip.frames) - at) * inward
        share = 1.0 - smoothstep(np.clip(away / BLEND, 0.0, 1.0))
        rotations = rot.multiply(clip.rotations, rot.from_rotvec(share[:, None, None] * turn))
        return replace(clip, rotations=rotations, root_position=clip.root_position + share[:, None] * move)


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
