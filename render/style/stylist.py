"""`Stylist`: pictures of a film in its style, each from its own frame's passes, and how looks and strengths mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, unknown
from render.frame import MAX_SIDE, Frame, check_size
from render.rasterizer.settings import RenderSettings
from render.style import clay, pencil, toon, watercolour
from render.style.noise import averaged
from render.style.settings import OTHERS, SKY, Clay, Example, Pencil, Style, Toon, Watercolour
from render.style.surface import NEEDED, Stagecraft, Surface
from render.world import World

_DRAW: dict[type, Callable[..., np.ndarray]] = {
    Toon: toon.draw, Pencil: pencil.draw, Watercolour: watercolour.draw, Clay: clay.draw,
}  # fmt: skip

#: Draws frame k of the film, at the stylist's `frame_size` with its `passes`.
Draw = Callable[[int], Frame]


class Stylist:
    """Turns the frames of one film into pictures in a style.

    Frames are drawn larger than the pictures, at one sample a pixel, so that every line and border is anti-aliased by
    its own coverage. A picture depends on its own frame and on fixed ones (a painted frame, its helpers), never on what
    was asked for before: frames may come in any order, from any number of processes, and nothing leaks over a cut.

    >>> stylist = Stylist(make_style("toon"), world, camera, (1280, 720))
    >>> with Rasterizer(stylist.frame_size, stylist.settings) as rasterizer:
    ...     for frame in rasterizer.render(world, camera, range(240), stylist.passes):
    ...         picture = stylist.picture(frame)

    Args:
        style: what it should look like.
        world: what the frames show.
        camera: the path that they are seen along.
        size: width and height of the pictures, px.
        curve: tone curve, as in `RenderSettings`.
        exposure: stops.
        draw: draws any frame of the film on demand; a style by example needs it, others do not.
        fine: whether frames are drawn at twice the size; a draft does without.

    Raises:
        BadInput: a strength for a thing that is not there, a painting that cannot be read or has another shape.
    """

    #: What frames need to hold.
    passes: tuple[str, ...] = NEEDED

    def __init__(
        self,
        style: Style,
        world: World,
        camera: CameraPath,
        size: tuple[int, int],
        *,
        curve: str = "agx",
        exposure: float = 0.0,
        draw: Draw | None = None,
        fine: bool = True,
    ) -> None:
        self.style, self.world, self.camera = style, world, camera
        self.size = check_size(size)
        self.detail = 2 if fine and 2 * max(self.size) <= MAX_SIDE else 1
        self.frame_size = (self.size[0] * self.detail, self.size[1] * self.detail)
        self.settings = self.settings_for(curve, exposure)
        self._craft = Stagecraft(world)
        self._strength = self._strengths()
        self._example = self._by_example(style.look, draw) if isinstance(style.look, Example) else None

    @staticmethod
    def settings_for(curve: str = "agx", exposure: float = 0.0) -> RenderSettings:
        """How the frames are drawn: steps of light make the grain of few shadow taps visible, so there are more."""
        return RenderSettings(samples=1, shadow_taps=16, curve=curve, exposure=exposure)

    def shown(self, index: int) -> int:
        """The frame whose picture is shown at frame ``index``: another one where a pose is held, as on twos."""
        every = getattr(self.style.look, "every", 1)
        if every == 1:
            return index
        cuts = np.flatnonzero(self.camera.cuts[1 : index + 1])
        first = int(cuts[-1]) + 1 if len(cuts) else 0
        return index - (index - first) % every

    def picture(self, frame: Frame, plain: np.ndarray | None = None) -> np.ndarray:
        """A frame in the style.

        Args:
            frame: with `passes`, at `frame_size`. Light that is no number counts as black.
            plain: ``(H, W, 3)`` uint8: the same frame without style at the picture's own size, for what is styled in
                part or not at all; None: made from the frame itself.

        Returns:
            ``(H, W, 3)`` uint8 sRGB.

        Raises:
            BadInput: a pass is missing, or the frame has another size.
        """
        if tuple(frame.size) != self.frame_size:
            raise BadInput(
                f"style: frame {frame.index} is {frame.size[0]}x{frame.size[1]}, expected "
                f"{self.frame_size[0]}x{self.frame_size[1]} for pictures of {self.size[0]}x{self.size[1]}"
            )
        surface = Surface(frame, self._craft)
        mask = self._strength[np.minimum(surface.instance, len(self._strength) - 1)]
        if not mask.any():
            return self._plain(frame, plain)
        styled = self._styled(surface)
        if mask.all() and float(mask.min()) == 1.0:
            return _bytes(reduced(styled, self.detail))
        display = frame.display
        assert display is not None
        own = display.astype(np.float32) / 255.0
        share = mask[..., None]
        mixed = reduced(styled * share + own * (1.0 - share), self.detail)
        if plain is not None:
            # Where nothing is styled the picture is the plain one; towards full strength its blur fades out.
            rest = 1.0 - averaged(share, self.detail)
            mixed += rest * (_checked_plain(plain, self.size).astype(np.float32) / 255.0 - reduced(own, self.detail))
        return _bytes(mixed)

    def _styled(self, surface: Surface) -> np.ndarray:
        if self._example is not None:
            return np.repeat(np.repeat(self._example.picture(surface), self.detail, 0), self.detail, 1)
        # What is drawn is as large as in a picture 720 high, but never thinner than can be seen.
        unit = max(self.size[1] / 720.0, 0.35) * self.detail
        draw = _DRAW[type(self.style.look)]
        return draw(surface, self.style.look, unit, self.settings.curve, self.settings.exposure, self.style.seed)

    def _plain(self, frame: Frame, plain: np.ndarray | None) -> np.ndarray:
        if plain is not None:
            return _checked_plain(plain, self.size)
        display = frame.display
        assert display is not None
        return _bytes(reduced(display.astype(np.float32) / 255.0, self.detail))

    def _strengths(self) -> np.ndarray:
        """Strength by instance id ``(instances,)`` float32."""
        known = (*self.world.names, "ground", SKY, OTHERS)
        for name in self.style.strength:
            if name not in known:
                raise unknown("thing to style", name, known)
        names = (SKY, *self.world.names, "ground")
        return np.array([self.style.strength_of(name) for name in names], np.float32)

    def _by_example(self, look: Example, draw: Draw | None) -> Any:
        from render.style.example import ByExample

        if draw is None:
            raise BadInput("style example: needs `draw`, to see the painted frame's passes and others'")
        return ByExample(look, self._craft, self.camera, self.size, self.detail, draw, self.style.seed)


def reduced(picture: np.ndarray, detail: int) -> np.ndarray:
    """Display values ``(H, W, 3)`` averaged over squares of ``detail`` px, as light would be (a gamma of 2 is near)."""
    if detail == 1:
        return picture
    return np.sqrt(averaged(np.square(np.clip(picture, 0.0, 1.0)), detail))


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(picture) * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _checked_plain(plain: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    expected = (size[1], size[0], 3)
    if plain.shape != expected or plain.dtype != np.uint8:
        raise BadInput(f"style: the plain picture is {plain.dtype} {plain.shape}, expected uint8 {expected}")
    return plain
