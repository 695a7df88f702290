"""`Crops`: parts of a corpus's windows, of any length, drawn at random or laid out in a grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion.corpus import Window
from motion.errors import BadInput
from motion.prior.batches import Batch, Windows


class Crops:
    """Draws parts of windows; a window is drawn by its weight and its length.

    Args:
        windows: what to draw from.
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self._frames = np.array([w.frames for w in windows.windows])
        self._weight = np.array([max(w.weight, 0.0) for w in windows.windows]) * self._frames

    @property
    def longest(self) -> int:
        """Frames of the longest window."""
        return int(self._frames.max())

    def draw(self, rng: np.random.Generator, count: int, frames: int, *, flip: bool = False) -> Batch:
        """``count`` crops of ``frames`` frames; with ``flip`` half of them are mirrored once more.

        Raises:
            BadInput: no window is that long.
        """
        fits = np.flatnonzero(self._frames >= frames)
        if len(fits) == 0:
            raise BadInput(f"corpus: no window of {frames} frames, the longest has {self.longest}")
        chance = self._weight[fits]
        chance = chance / chance.sum() if chance.sum() > 0 else None
        chosen = fits[rng.choice(len(fits), size=count, p=chance)]
        begin = rng.integers(0, self._frames[chosen] - frames + 1)
        turned = rng.random(count) < 0.5 if flip else np.zeros(count, bool)
        return self.windows.batch([self._crop(i, b, frames, t) for i, b, t in zip(chosen, begin, turned, strict=True)])

    def _crop(self, index: int, begin: int, frames: int, flip: bool = False) -> Window:
        window = self.windows.windows[index]
        # Rounded down, so that a re-timed crop does not run past its window's end.
        start = window.start + int(begin * window.speed)
        return replace(window, start=start, frames=frames, mirror=window.mirror != bool(flip))

    def grid(self, frames: int, step: int) -> list[Window]:
        """Crops of ``frames`` frames at multiples of ``step``, as captured: neither mirrored nor re-timed.

        Windows overlap and come in variants; crops of nearly the same captured frames are given once.
        """
        found: list[Window] = []
        seen: dict[int, list[int]] = {}
        for index, window in enumerate(self.windows.windows):
            if window.mirror or window.speed != 1.0:
                continue
            for begin in range(0, window.frames - frames + 1, step):
                start = window.start + begin
                if all(abs(start - other) > step // 2 for other in seen.setdefault(window.clip, [])):
                    seen[window.clip].append(start)
                    found.append(self._crop(index, begin, frames))
        return found
