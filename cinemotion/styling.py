"""`Styling`: a film's style while its frames are drawn, with a rasterizer of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

from cinemotion.film import Film

if TYPE_CHECKING:
    from render import Frame, World


class Styling:
    """Draws a film's pictures in its style. A context manager, as it holds a GL context."""

    def __init__(self, film: Film, world: World, device: int | None) -> None:
        from render import Rasterizer
        from render.style import Stylist

        assert film.style is not None
        look = film.look
        self._camera, self._world = film.camera, world
        self._stylist = Stylist(
            film.style,
            world,
            film.camera,
            film.size,
            curve=look.tone_map,
            exposure=look.exposure,
            draw=self._frame,
            fine=not look.draft,
        )
        self._stack = contextlib.ExitStack()
        self._rasterizer = self._stack.enter_context(
            Rasterizer(self._stylist.frame_size, self._stylist.settings, device=device)
        )

    def __enter__(self) -> Styling:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def picture(self, frame: Frame) -> np.ndarray:
        """What is shown ``(H, W, 3)`` uint8 instead of a frame's ``display``."""
        index = self._stylist.shown(frame.index)
        # A held pose is seen from where the camera stood then; the plain frame of now does not belong to it.
        return self._stylist.picture(self._frame(index), frame.display if index == frame.index else None)

    def _frame(self, index: int) -> Frame:
        return next(self._rasterizer.render(self._world, self._camera, [index], self._stylist.passes))
