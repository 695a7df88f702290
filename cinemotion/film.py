"""`Film`: everything that decides a film's pixels, worked out; and what goes with it: changes, inputs, the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from cinemotion.refining import Refining
from motion.camera import CameraPath, Shot
from motion.stage import Performance, Stage
from motion.take import Provenance
from render.style.settings import Style

#: What draws a film's frames.
RENDERERS: dict[str, str] = {
    "raster": "a rasterizer: fast, also on a processor",
    "pathtrace": "a path tracer: soft shadows and bounced light, many times slower",
}


class Clock:
    """Adds up where the time goes, by stage; a stage inside another is not counted twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: list[float] = []  # seconds that inner stages took, by depth

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        self._inside.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.add(stage, spent - self._inside.pop())
            if self._inside:
                self._inside[-1] += spent

    def add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


@dataclass(frozen=True)
class Changes:
    """What the command line asks for instead of what the scene says."""

    draft: bool = False  # half the size, one sample, nothing blurred
    seed: int | None = None
    passes: tuple[str, ...] | None = None
    physics: bool | None = None  # clean everybody up, or nobody
    debug: tuple[str, ...] | None = None
    refine: bool | None = None  # refine the frames, or not
    refiner: str | None = None  # weights' name or file, or a pipeline's folder; given, frames are refined by it
    renderer: str | None = None  # one of RENDERERS
    spp: int | None = None  # paths per pixel, of the path tracer


@dataclass(frozen=True)
class Look:
    """How the picture is taken."""

    samples: int | None  # per pixel, for the path tracer paths; None: the renderer's own default
    draft: bool
    tone_map: str
    exposure: float  # stops
    refining: Refining | None = None  # how frames become final ones; None: they are as drawn
    renderer: str = "raster"  # one of RENDERERS


@dataclass(frozen=True)
class Input:
    """A file that the film is made from."""

    role: str  # "clip", "words", "learned", "body", "prop", "plate", "plants"
    name: str  # as the scene names it
    provenance: Provenance


@dataclass(frozen=True)
class Film:
    """Everything that decides the film's pixels, worked out."""

    title: str
    fps: Fraction
    size: tuple[int, int]
    frames: int
    seed: int
    performances: tuple[Performance, ...]
    stage: Stage
    shots: tuple[Shot, ...]
    camera: CameraPath
    look: Look
    passes: tuple[str, ...]
    pass_format: str
    control: tuple[str, ...]
    codec: str | None
    video: Path  # where the scene says that the film goes
    chunk: int
    scene_sha256: str
    inputs: tuple[Input, ...]
    models: tuple[dict[str, Any], ...] = ()  # weights that made some of the motion, as the sidecar names them
    style: Style | None = None  # how the pictures are drawn; None: as they are seen
    debug: tuple[Performance, ...] = ()  # what is drawn instead of the performances; (): they are
    mended: tuple[str, ...] = ()  # what physics clean-up did, a line for each performer that had it
    table: tuple[dict[str, object], ...] = field(default=(), repr=False)  # the compiled timeline, row by row

    @property
    def drawn(self) -> tuple[Performance, ...]:
        """What is in the picture."""
        return self.debug or self.performances

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)
