"""`Fit`: a picture to the size a model works at and back; and passes sampled at that size, never averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from render.frame import Frame


@dataclass(frozen=True)
class Fit:
    """Pictures are made smaller when they have more pixels than the model likes, then padded to its multiple."""

    size: tuple[int, int]  # width and height of the film
    inner: tuple[int, int]  # of the picture at the model's size
    work: tuple[int, int]  # with padding, what the model sees

    @classmethod
    def of(cls, size: tuple[int, int], multiple: int, max_pixels: int) -> Fit:
        """How pictures of ``size`` are shown to a model whose sides are multiples and which likes so many pixels."""
        width, height = size
        scale = min(1.0, math.sqrt(max_pixels / (width * height)))
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        work = (-(-inner[0] // multiple) * multiple, -(-inner[1] // multiple) * multiple)
        return cls(size, inner, work)

    def shrink(self, picture: np.ndarray) -> np.ndarray:
        """The film's ``(H, W, 3)`` uint8 as the model's: resampled by area, padded with its own border."""
        if self.inner != self.size:
            picture = np.asarray(Image.fromarray(picture).resize(self.inner, Image.Resampling.BOX))
        return self._pad(picture)

    def grow(self, picture: np.ndarray) -> np.ndarray:
        """The model's ``(h, w, 3)`` uint8 as the film's: cropped, and enlarged where it was made smaller."""
        picture = np.ascontiguousarray(picture[: self.inner[1], : self.inner[0]])
        if self.inner == self.size:
            return picture
        return np.asarray(Image.fromarray(picture).resize(self.size, Image.Resampling.LANCZOS))

    def sampled(self, frame: Frame) -> Frame:
        """The frame's data passes at the model's inner size: of each pixel the nearest, since they cannot be mixed."""
        if self.inner == self.size:
            return frame
        columns = np.floor((np.arange(self.inner[0]) + 0.5) * self.size[0] / self.inner[0]).astype(int)
        rows = np.floor((np.arange(self.inner[1]) + 0.5) * self.size[1] / self.inner[1]).astype(int)
        names = ("ids", "depth", "normal", "albedo")
        passes: dict[str, Any] = {n: None if (v := getattr(frame, n)) is None else v[rows][:, columns] for n in names}
        return replace(frame, size=self.inner, **passes)

    def pad_control(self, picture: np.ndarray) -> np.ndarray:
        """A control picture of the inner size, padded as the picture is."""
        return self._pad(picture)

    def pad_flow(self, flow: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Flow of the film's pixels as flow of the padded picture's, in the film's pixels still."""
        right = round(self.work[0] * self.size[0] / self.inner[0]) - self.size[0]
        below = round(self.work[1] * self.size[1] / self.inner[1]) - self.size[1]
        if not (right or below):
            return flow
        vectors, occluded = flow
        edge = ((0, below), (0, right))
        return np.pad(vectors, (*edge, (0, 0)), mode="edge"), np.pad(occluded, edge, mode="edge")

    def _pad(self, picture: np.ndarray) -> np.ndarray:
        right, below = self.work[0] - self.inner[0], self.work[1] - self.inner[1]
        return np.pad(picture, ((0, below), (0, right), (0, 0)), mode="edge") if right or below else picture
