"""`Refiner`: what turns the raster frames of one shot into final ones; `Brief`, `Refined`, and `shots` to feed it.

Our own network and every pretrained pipeline are one. A refiner is called once a shot, so nothing can leak across a
cut; frames come in and go out one by one, so a long shot needs no more memory than a short one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from motion.errors import BadInput
from render.control import ShotScale
from render.frame import Frame
from render.tonemap import to_srgb8


@dataclass(frozen=True)
class Brief:
    """What a refiner is told about a shot besides its frames. Each takes what it can use."""

    scale: ShotScale  # the shot's frames, and how its depth becomes brightness
    seed: int = 0  # of the film
    prompt: str = ""  # what is to be seen, in words


@dataclass(frozen=True)
class Refined:
    """One final frame: light, or a finished picture; the other is None."""

    index: int  # of the film
    beauty: np.ndarray | None = None  # (H, W, 3) float32, linear HDR Rec.709, exposed as the raster's beauty
    display: np.ndarray | None = None  # (H, W, 3) uint8 sRGB: a picture that has its tone curve already

    def __post_init__(self) -> None:
        if (self.beauty is None) == (self.display is None):
            raise BadInput(f"refined frame {self.index}: expected light or a picture, one of the two")

    def shown(self, curve: str = "agx", exposure: float = 0.0) -> np.ndarray:
        """Film pixels ``(H, W, 3)`` uint8 sRGB; ``curve`` and ``exposure`` (stops) are for light alone."""
        if self.display is not None:
            return self.display
        assert self.beauty is not None
        return to_srgb8(self.beauty, curve=curve, exposure=exposure)


@runtime_checkable
class Refiner(Protocol):
    """Turns raster frames into final ones, shot by shot."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes of `render.frame.PASSES` that every frame handed in must have; flow is asked of the frame itself."""
        ...

    def refine(self, shot: Iterable[Frame], brief: Brief) -> Iterator[Refined]:
        """Final frames of one shot, one for each that comes in, in the same order and of the same size.

        Args:
            shot: consecutive frames of one shot, drawn by an open rasterizer. They may be a part of the shot.
            brief: of that shot.

        Raises:
            BadInput: a frame lacks a pass, does not follow the one before it, or belongs to another shot.
        """
        ...


def shots(frames: Iterable[Frame]) -> Iterator[Iterator[Frame]]:
    """Frames of a film, one stream a shot. Each stream must be used up before the next is taken."""
    for _, shot in itertools.groupby(frames, key=lambda frame: frame.camera.shot_of(frame.index)):
        yield shot


def checked(shot: Iterable[Frame], needs: Iterable[str]) -> Iterator[Frame]:
    """The same frames, each looked at: it has its passes, follows the one before, and no cut lies between.

    Raises:
        BadInput: as `Refiner.refine` says.
    """
    before: Frame | None = None
    for frame in shot:
        for name in needs:
            if getattr(frame, name) is None:
                raise BadInput(f"frame {frame.index}: pass '{name}' was not drawn; the refiner needs it")
        if before is not None:
            if frame.index != before.index + 1:
                raise BadInput(f"frame {frame.index} comes after frame {before.index}, expected {before.index + 1}")
            if frame.camera.shot_of(frame.index) != before.camera.shot_of(before.index):
                raise BadInput(f"a cut lies at frame {frame.index}; a refiner takes one shot at a time")
            if frame.size != before.size:
                raise BadInput(f"frame {frame.index} is {frame.size}, expected {before.size} as before")
        before = frame
        yield frame
