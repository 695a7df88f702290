"""`Segment`: an entry of the timeline, worked out: its clip in the world, and when it begins and fades in."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from motion.clip import Clip

#: Longest film, seconds. A scene is a sequence of shots; a feature is cut from many of them.
MAX_FILM_S = 3 * 3600


@dataclass(frozen=True)
class Segment:
    """One entry of the timeline, worked out."""

    index: int  # in scene.timeline
    actor: str
    start: Fraction  # seconds, on a frame of the film
    clip: Clip  # in the world, at the actor's pose rate
    fade: Fraction  # seconds of cross-fade at the clip's start
    jump: bool = False  # begins somewhere else than the last one ended, without a blend
    lead: Fraction = Fraction(0)  # seconds of the clip before the entry's start: someone waiting for it

    @property
    def begins(self) -> Fraction:
        """When the clip's first pose is shown."""
        return self.start - self.lead

    @property
    def end(self) -> Fraction:
        return self.begins + span_of(self.clip)


def span_of(clip: Clip) -> Fraction:
    """Seconds from the first pose to the last, exact."""
    return (clip.frames - 1) / clip.fps
