"""A film's shots as its camera shows them: numbers, frames, what was asked for, and words about them for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from motion.camera import CameraPath, Shot
from render.interchange.camera_resample import spans

#: Lines that say why, by the place of what was asked for among the film's shots, from 0.
Reasons = Mapping[int, Sequence[str]]


@dataclass(frozen=True)
class FilmShot:
    """One shot: the frames between two cuts of the camera, and the request that it answers."""

    index: int  # from 0; people count from 1
    first: int  # frame
    stop: int  # the frame after its last
    fps: Fraction
    asked: Shot
    place: int  # of `asked` among the film's shots, from 0
    lens_mm: tuple[float, float]  # shortest and longest in the shot
    file: str | None = None  # of a camera of one's own, which no director framed

    @property
    def number(self) -> int:
        return self.index + 1

    @property
    def middle(self) -> int:
        return (self.first + self.stop - 1) // 2

    @property
    def times(self) -> str:
        """When, in seconds of the film."""
        return f"{float(self.first / self.fps):.1f} to {float(self.stop / self.fps):.1f} s"

    @property
    def title(self) -> str:
        """What of whom: "medium full of lou"; of a camera of one's own, which."""
        if self.file:
            return f"the camera of {self.file}"
        return f"{plain(self.asked.size)} of {', '.join(self.asked.of)}"

    @property
    def lens(self) -> str:
        low, high = (f"{v:.3g}" for v in self.lens_mm)
        return f"{low} mm" if low == high else f"{low} to {high} mm"

    @property
    def facts(self) -> tuple[str, ...]:
        """How it is filmed: the move, unless a file made it, and the lens."""
        return (self.lens,) if self.file else (plain(self.asked.move), self.lens)

    def why(self, reasons: Reasons | None) -> tuple[str, ...]:
        """The reason's lines; where none are given, what the director was asked for."""
        if reasons and reasons.get(self.place):
            return tuple(reasons[self.place])
        return () if self.file else (framed_by(self.asked),)


def framed_by(asked: Shot) -> str:
    """What a director was asked for, in a line."""
    side = f"in {plain(asked.view)}" if asked.view.startswith("profile") else f"from the {plain(asked.view)}"
    side = plain(asked.view) if asked.view.startswith("over") else side
    words = [plain(asked.size), side, "at eye level" if asked.angle == "eye_level" else f"{plain(asked.angle)} angle"]
    return f"framed by the {asked.director} director: {', '.join(words)}"


def shots_of(camera: CameraPath, shots: Sequence[Shot], files: Mapping[int, str] | None = None) -> tuple[FilmShot, ...]:
    """The camera's shots in order, each with the request that covers most of it.

    There may be more of them than requests: a camera made elsewhere brings its own cuts.

    Args:
        camera: the film's camera.
        shots: what was asked for; one at least.
        files: cameras of one's own, by the place of what was asked for.
    """
    found = []
    for index, (first, stop) in enumerate(spans(camera)):
        begin, end = float(first / camera.fps), float(stop / camera.fps)
        place = max(range(len(shots)), key=lambda k: min(end, shots[k].end_s) - max(begin, shots[k].start_s))
        focal = camera.focal_mm[first:stop]
        lens = (float(focal.min()), float(focal.max()))
        found.append(FilmShot(index, first, stop, camera.fps, shots[place], place, lens, (files or {}).get(place)))
    return tuple(found)


def plain(word: str) -> str:
    """A word of the vocabulary as it is spoken: "medium full"."""
    return word.replace("_", " ")
