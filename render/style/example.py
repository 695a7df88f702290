"""`ByExample`: one painted frame carried over to all frames, guided by what each shows (as StyLit and EbSynth do).

Strokes are chosen by colour, form, light and outline, and by where on the unmoved thing they were painted: rest
coordinates find the same spot of a sleeve in every frame, and exact flow finds it between pixels. Frames some way apart
are painted in full, each from the painting alone; those between are led by both, brought there by exact flow. So no
picture depends on the order of work, and going from one to the next is a slow mix, never a jump.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from motion.camera import CameraPath
from motion.errors import BadInput
from render.frame import Frame
from render.style import patchmatch as pm
from render.style.lines import edge_weights, ridges
from render.style.noise import averaged, blur, smoothstep
from render.style.settings import Example
from render.style.surface import LUMINANCE, Stagecraft, Surface

_APART = 12  # frames between those that are painted in full
_KEPT = 6  # of them at a time
_LEVELS = 4  # of the pyramid, at most
_SMALLEST = 24  # px of the shorter side on its coarsest level


@dataclass(frozen=True)
class _Painted:
    """A frame in the painting's style, and where in it every pixel comes from."""

    picture: np.ndarray  # (H, W, 3) float32
    found: np.ndarray  # (H, W, 2) float32
    tone: np.ndarray  # (H, W) float32, how light it is there
    brim: np.ndarray  # (H, W) float32, above 0 near borders between things, where paint may belong to either


class ByExample:
    """Pictures by one painted frame.

    Args:
        look: which painting, over which frame, and what decides where strokes go.
        craft: of the world.
        camera: the film's.
        size: width and height of the pictures, px.
        detail: how many times larger frames are drawn.
        draw: draws any frame.
        seed: of the search.

    Raises:
        BadInput: the painting cannot be read or has another shape; there is no such frame.
    """

    def __init__(
        self,
        look: Example,
        craft: Stagecraft,
        camera: CameraPath,
        size: tuple[int, int],
        detail: int,
        draw: Callable[[int], Frame],
        seed: int,
    ) -> None:
        if not 0 <= look.frame < camera.frames:
            raise BadInput(f"style example: frame {look.frame}, expected 0 to {camera.frames - 1}")
        self.look, self._craft, self._camera, self._size, self._detail = look, craft, camera, size, detail
        self._draw, self._seed = draw, seed
        self.painting = load_painting(look.painting, size)
        self._levels = _levels(size)
        self._texture = [pm.Texture(pm.halved(self.painting, k)) for k in range(self._levels)]
        self._key: np.ndarray | None = None
        self._rim = np.zeros((0, 0), np.float32)
        self._full: OrderedDict[int, _Painted] = OrderedDict()

    def picture(self, surface: Surface) -> np.ndarray:
        """A frame in the painting's style ``(H, W, 3)`` float32, display values, at the pictures' own size."""
        index = surface.frame.index
        if index == self.look.frame:
            return self.painting
        before, after = self._helpers(index)
        if index in (before, after):
            return self._in_full(index, surface).picture
        return self._between(surface, before, after)

    # ---- guides

    def _guides(self, surface: Surface) -> np.ndarray:
        """What decides which strokes belong where ``(H, W, G)`` float32, at the pictures' size."""
        look, n = self.look, self._detail
        unit = max(self._size[1] / 720.0, 0.35) * n
        light = surface.light("diffuse") @ LUMINANCE
        # The sun's share tells a shadow on the ground, however low the sun; brightness tells the rest.
        share = blur(np.clip(surface.sunlight, -0.2, 1.1), 0.8 * n)
        tone = np.where(surface.solid, 0.45 * light / (light + 0.45) + 0.45 * share, 1.0).astype(np.float32)
        rotation = surface.frame.camera.T_world_camera[surface.frame.index, :3, :3].astype(np.float32)
        form = surface.normal @ rotation  # as the painter saw it
        outline = np.minimum(ridges(edge_weights(surface), 2.0 * unit), 1.2)
        chance = np.random.default_rng(5).standard_normal((len(self._craft.candidates), 4))
        who = (chance / np.linalg.norm(chance, axis=1, keepdims=True)).astype(np.float32)
        ids = who[surface.code] * np.where(surface.solid, 1.0, 0.0)[..., None].astype(np.float32)
        # Far parts of the ground differ by more metres than a painter would mind; the sky has a direction only.
        place = np.where(surface.ground[..., None], 0.25 * np.arcsinh(surface.place * 0.4), 0.9 * surface.anchor)
        place = np.where(surface.solid[..., None], place, 0.25 * surface.along)
        channels = [
            look.light * tone[..., None], 0.22 * form, 0.7 * np.sqrt(np.maximum(surface.flat, 0.0)),
            1.3 * ids, 0.5 * outline[..., None], look.place * place,
        ]  # fmt: skip
        whole = np.concatenate([np.asarray(c, np.float32) for c in channels], axis=-1)
        return averaged(whole, n)

    def _key_guides(self) -> np.ndarray:
        if self._key is None:
            surface = Surface(self._draw(self.look.frame), self._craft)
            self._key, self._rim = self._guides(surface), _brim(surface, self._detail)
        return self._key

    def _key_brim(self) -> np.ndarray:
        self._key_guides()
        return self._rim

    def _descriptors(self, level: int, picture: np.ndarray, guides: np.ndarray) -> np.ndarray:
        texture = self._texture[level].describe(picture) * np.float32(1.6 * self.look.texture)
        return np.concatenate([guides.reshape(-1, guides.shape[2]), texture], axis=1)

    # ---- painting

    def _helpers(self, index: int) -> tuple[int, int]:
        """The frames painted in full before and after one, in its own shot."""
        cuts = np.flatnonzero(self._camera.cuts[1:]) + 1
        shot = int(np.searchsorted(cuts, index, side="right"))
        first = int(cuts[shot - 1]) if shot else 0
        last = int(cuts[shot]) - 1 if shot < len(cuts) else self._camera.frames - 1
        root = self.look.frame if first <= self.look.frame <= last else first
        before = root + (index - root) // _APART * _APART
        return max(before, first), min(before + _APART, last) if index != before else before

    def _in_full(self, index: int, surface: Surface | None = None) -> _Painted:
        if index in self._full:
            self._full.move_to_end(index)
            return self._full[index]
        if index == self.look.frame:
            width, height = self._size
            x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
            made = _Painted(self.painting, np.stack([x, y], axis=-1), self._key_guides()[..., 0], self._key_brim())
        else:
            made = self._paint(surface if surface is not None else Surface(self._draw(index), self._craft))
        self._full[index] = made
        if len(self._full) > _KEPT:
            self._full.popitem(last=False)
        return made

    def _paint(self, surface: Surface) -> _Painted:
        """A frame from the painting alone, coarse to fine."""
        rng = np.random.default_rng([self._seed, 41])
        key, guides = self._key_guides(), self._guides(surface)
        exact, known = self._exact(surface.frame, self.look.frame)
        known &= _carried(self._key_brim(), exact)
        found = np.zeros((1, 1, 2), np.float32)
        for level in reversed(range(self._levels)):
            painting = pm.halved(self.painting, level)
            there, here = pm.halved(key, level), pm.halved(guides, level)
            shape = here.shape[:2]
            if level == self._levels - 1:
                found = _nearest(here, there)
            else:
                found = pm.doubled(found, shape)
            straight, sure = _at_level(exact, known, level)
            found = np.where(sure[..., None], straight, found).astype(np.float32)
            found = self._refined(level, found, here, there, painting, rng, turns=3 if level else 2)
        picture = self._voted(0, found, guides, key)
        return _Painted(picture, found, guides[..., 0], _brim(surface, self._detail))

    def _refined(
        self,
        level: int,
        found: np.ndarray,
        here: np.ndarray,
        there: np.ndarray,
        painting: np.ndarray,
        rng: np.random.Generator,
        turns: int,
        picture: np.ndarray | None = None,
    ) -> np.ndarray:
        """Search and vote in turn."""
        size = (painting.shape[1], painting.shape[0])
        source = self._descriptors(level, painting, there)
        reach = max(size) * (0.5 if level == self._levels - 1 else 0.06)
        if picture is None:
            picture = pm.between(painting, found)
        for turn in range(turns):
            target = self._descriptors(level, picture, here)
            found = pm.search(found, target, source, size, rng, 2, reach)
            if turn < turns - 1:
                picture = pm.vote(found, painting, target, source, pm.REACH if level else 1)
        return found

    def _voted(self, level: int, found: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
        """The picture of what was found, its own strokes kept sharp."""
        painting = self.painting
        target = self._descriptors(level, pm.between(painting, found), here)
        source = self._descriptors(level, painting, there)
        return pm.vote(found, painting, target, source, 1)

    def _between(self, surface: Surface, before: int, after: int) -> np.ndarray:
        """A frame led by the two painted in full round it."""
        frame = surface.frame
        key, guides = self._key_guides(), self._guides(surface)
        led = np.zeros((*self._size[::-1], 3), np.float32)
        found = np.zeros((*self._size[::-1], 2), np.float32)
        share = np.zeros((*self._size[::-1], 1), np.float32)
        tone = np.zeros((*self._size[::-1], 1), np.float32)
        strongest = np.full(self._size[::-1], -1.0, np.float32)
        for helper in {before, after}:
            painted = self._in_full(helper)
            weight = 1.0 - abs(frame.index - helper) / max(after - before, 1)
            places, seen = self._exact(frame, helper)
            seen &= _carried(painted.brim, places)
            mine = (seen * max(weight, 1e-3)).astype(np.float32)
            led += mine[..., None] * pm.between(painted.picture, places)
            tone += mine[..., None] * pm.between(painted.tone[..., None], places)
            share += mine[..., None]
            nearer = mine > np.maximum(strongest, 0.0)
            carried = pm.between(painted.found, places)
            found[nearer] = carried[nearer]
            strongest = np.maximum(strongest, mine)
        led /= np.maximum(share, 1e-6)
        seen = share[..., 0] > 0
        unseen = ~seen
        if unseen.any():
            found[unseen] = _nearest_of(guides[unseen], key)
        straight, sure = self._exact(frame, self.look.frame)
        sure &= _carried(self._key_brim(), straight)
        found[sure & unseen] = straight[sure & unseen]
        rng = np.random.default_rng([self._seed, 43])
        start = np.where(seen[..., None], led, pm.between(self.painting, found)).astype(np.float32)
        found = self._refined(0, found, guides, key, self.painting, rng, 1, start)
        fresh = self._voted(0, found, guides, key)
        # Near outlines what was carried along holds the other side's paint; there the fresh picture is right.
        inside = 1.0 - np.minimum(blur(unseen.astype(np.float32), 1.0) * 2.5 + _brim(surface, self._detail), 1.0)
        # A shadow that has moved on leaves no paint behind.
        turned = np.abs(tone[..., 0] / np.maximum(share[..., 0], 1e-6) - guides[..., 0])
        keep = (self.look.steady * inside * (1.0 - smoothstep(0.04, 0.16, turned)))[..., None]
        return fresh * (1.0 - keep) + led * keep

    def _exact(self, frame: Frame, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Where in frame k each pixel's point is ``(H, W, 2)``, px from the first pixel's middle, and whether seen."""
        width, height = self._size
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        here = np.stack([x, y], axis=-1)
        flow, occluded = frame.flow_to(k)
        n = self._detail
        hidden = averaged(occluded[..., None].astype(np.float32), n)[..., 0]
        if n > 1:
            # Of a pixel's squares, those that are seen there say where it goes.
            seen = (~occluded)[..., None].astype(np.float32)
            flow = averaged(flow * seen, n) / np.maximum(averaged(seen, n), 1e-6) / n
        places = here + flow
        inside = (places >= -0.5).all(-1) & (places[..., 0] <= width - 0.5) & (places[..., 1] <= height - 0.5)
        return places.astype(np.float32), inside & (hidden < 0.5)


def load_painting(path: str, size: tuple[int, int]) -> np.ndarray:
    """A painted frame as display values ``(H, W, 3)`` float32, at the pictures' size.

    Raises:
        BadInput: there is no such image, it cannot be read, or its shape is another than the film's.
    """
    from PIL import Image

    try:
        with Image.open(Path(path)) as image:
            picture = image.convert("RGB")
    except FileNotFoundError:
        raise BadInput(f"style example: '{path}': no such image") from None
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise BadInput(f"style example: '{path}' cannot be read as an image: {error}") from None
    width, height = picture.size
    if abs(width * size[1] - height * size[0]) > 0.02 * width * size[1] + max(width, height):
        raise BadInput(f"style example: '{path}' is {width}x{height}, expected the film's shape, {size[0]}x{size[1]}")
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture, np.float32) / 255.0


def _levels(size: tuple[int, int]) -> int:
    return int(np.clip(np.log2(max(min(size) / _SMALLEST, 1.0)) + 1, 1, _LEVELS))


def _carried(brim: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whether what is found at ``places (H, W, 2)`` belongs to one thing alone ``(H, W)``: an outline's paint does not
    go with the ground behind it."""
    return pm.between(brim[..., None], places)[..., 0] < 0.5


def _brim(surface: Surface, n: int) -> np.ndarray:
    """Above 0 within some 2 px of where two things meet ``(H, W)``, 1 there."""
    return np.minimum(blur(_borders(surface, n).astype(np.float32), 1.4) * 2.8, 1.0)


def _borders(surface: Surface, n: int) -> np.ndarray:
    """Pixels ``(H, W)`` in which two things meet."""
    mark = np.zeros(surface.instance.shape, bool)
    for axis in (0, 1):
        if mark.shape[axis] > 1:
            off = np.diff(surface.instance, axis=axis, append=np.take(surface.instance, [-1], axis=axis)) != 0
            mark |= off | np.roll(off, 1, axis=axis)
    return averaged(mark[..., None].astype(np.float32), n)[..., 0] > 0


def _at_level(places: np.ndarray, known: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of every 2^level-th pixel, in a painting that much smaller."""
    step = 2**level
    if step == 1:
        return places, known
    return places[::step, ::step] / np.float32(step), known[::step, ::step]


def _nearest(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """For every pixel the painting's pixel with the nearest guides ``(H, W, 2)``."""
    return _nearest_of(here.reshape(-1, here.shape[2]), there).reshape(*here.shape[:2], 2)


def _nearest_of(rows: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Places ``(N, 2)`` in the painting whose guides are nearest to ``rows (N, G)``; of a large painting some are
    looked at."""
    step = max(1, int(np.sqrt(there.shape[0] * there.shape[1] / 12_000)))
    few = there[::step, ::step]
    _, at = cKDTree(few.reshape(-1, few.shape[2])).query(rows, eps=0.5)
    y, x = np.divmod(at, few.shape[1])
    return np.stack([x * step, y * step], axis=-1).astype(np.float32)
