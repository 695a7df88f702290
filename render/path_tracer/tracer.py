"""`PathTracer`: draws a `World` through a `CameraPath` into the rasterizer's `Frame`, its beauty path-traced."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, CinemotionError
from motion.stage import Stage
from render.frame import Frame, check_size
from render.path_tracer.compiled import Compiled
from render.path_tracer.interpreted import Interpreted
from render.path_tracer.meshes import check
from render.path_tracer.scene import MitsubaScene
from render.path_tracer.sensor import eye
from render.path_tracer.settings import PathSettings
from render.path_tracer.variant import mitsuba
from render.rasterizer import Rasterizer, RenderSettings
from render.tonemap import to_srgb8
from render.view import blur, view
from render.world import World

_MOMENTS = 8  # of an open shutter, at most
_LEAST = 4  # paths a pixel in each
_TRACED = {"beauty", "display"}


class PathTracer:
    """Draws frames as `Rasterizer` does, with soft shadows and bounced light.

    ``beauty``, ``alpha`` and ``display`` are path-traced. Every other pass, and flow, is the rasterizer's own, exact
    and without noise; what is behind everything (sky, clouds, stars) is the rasterizer's too. A frame is the same
    whatever was drawn before it. A path whose light is not a finite number counts as black.

    >>> with PathTracer((480, 270), PathSettings(spp=64)) as tracer:
    ...     frame = next(tracer.render(world, camera, [0], ("beauty", "depth")))

    Args:
        size: width and height, px.
        settings: paths, depth, seed, what is blurred.
        raster: the pixel filter, tone curve and exposure, and how the other passes are drawn.
        device: EGL device number, for the rasterizer.
        variant: a Mitsuba variant's name; None: the fastest that works here.

    Raises:
        MissingExtra: Mitsuba is not installed.
        BadInput: an impossible size; a transparent background.
        MissingSystem: no usable OpenGL.
    """

    def __init__(
        self,
        size: tuple[int, int],
        settings: PathSettings | None = None,
        raster: RenderSettings | None = None,
        device: int | None = None,
        variant: str | None = None,
    ) -> None:
        self.size = check_size(size)
        self.settings = settings or PathSettings()
        self.raster = raster or RenderSettings()
        if self.raster.transparent:
            raise BadInput("path tracer: a transparent background, expected one with a sky (the rasterizer draws both)")
        self._mi = mitsuba(variant)
        self.variant: str = self._mi.variant()
        kind = Interpreted if self.variant.startswith("scalar") else Compiled
        self._engine: Compiled | Interpreted = kind(self._mi, self.raster.filter_px)
        self._rasterizer: Rasterizer | None = Rasterizer(self.size, self.raster, device)
        self._behind = Rasterizer(self.size, self.raster, device)
        self.info = self._rasterizer.info | {"path_tracer": f"Mitsuba {self._mi.__version__} {self.variant}"}
        self._scene: MitsubaScene | None = None
        self._empty: World | None = None

    def __enter__(self) -> PathTracer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back; frames keep their arrays but lose their flow."""
        self._scene = None
        self._behind.close()
        if self._rasterizer is not None:
            self._rasterizer.close()
            self._rasterizer = None

    def render(
        self, world: World, camera: CameraPath, frames: Iterable[int], passes: Sequence[str] = ("beauty",)
    ) -> Iterator[Frame]:
        """Draw frames one by one, as `Rasterizer.render` does, with the same passes and errors.

        Raises:
            BadInput: also for a plate, and for a vertex that is not finite.
        """
        if self._rasterizer is None:
            raise CinemotionError("this path tracer is closed: draw before closing it")
        if world.stage.plate is not None:
            raise BadInput(f"path tracer: the plate '{world.stage.plate}'; only the rasterizer draws over plates")
        names = [passes] if isinstance(passes, str) else list(passes)
        traced = bool({"all", *_TRACED} & set(names))
        others = [n for n in names if n not in _TRACED]
        for index in frames:
            if traced:
                check(world.at(float(index / camera.fps)))
            # Depth alone when nothing else is drawn: flow and the camera's checks come with it.
            frame = next(self._rasterizer.render(world, camera, [index], others or ("depth",)))
            if traced:
                beauty, alpha = self._trace(world, camera, index)
                frame = replace(frame, beauty=beauty, alpha=alpha)
                if "display" in names:
                    shown = to_srgb8(beauty, curve=self.raster.curve, exposure=self.raster.exposure)
                    frame = replace(frame, display=shown)
            yield frame if others else replace(frame, depth=None)

    def _trace(self, world: World, camera: CameraPath, index: int) -> tuple[np.ndarray, np.ndarray]:
        self._mi.set_variant(self.variant)  # it is global, and another tracer's may differ
        scene, settings = self._prepare(world), self.settings
        moments = self._moments(world, camera, index)
        seeds = np.random.SeedSequence((settings.seed, index)).generate_state(len(moments))
        each = -(-settings.spp // len(moments))
        total = np.zeros((self.size[1], self.size[0], 4))
        for offset, seed in zip(moments, seeds, strict=True):
            instant = world.at(float(index / camera.fps) + offset / float(camera.fps))
            check(instant)
            scene.pose(instant)
            seen = eye(camera, index, offset, self.size, settings.depth_of_field)
            total += self._engine.trace(scene, seen, each, int(seed), settings)
        total /= len(moments)
        assert self._empty is not None
        behind = next(self._behind.render(self._empty, camera, [index], ("beauty",))).beauty
        assert behind is not None
        beauty = total[..., :3] + (1.0 - total[..., 3:]) * behind
        return beauty.astype(np.float32), total[..., 3].astype(np.float32)

    def _prepare(self, world: World) -> MitsubaScene:
        """The world in Mitsuba; the last one's is kept."""
        if self._scene is None or self._scene.world is not world:
            self._scene = None
            # Mitsuba's scenes lie in reference cycles. Left alone they would pile up, and their places in its registry
            # would change what is compiled.
            gc.collect()
            self._scene = self._engine.scene(world)
            stage = world.stage
            self._empty = World([], Stage(None, stage.light, stage.sun_azimuth, stage.sun_elevation), world.light)
        return self._scene

    def _moments(self, world: World, camera: CameraPath, index: int) -> list[float]:
        """Instants of the shutter, frames from the middle; one where nothing visibly moves."""
        shutter = camera.shutter_angle / 360.0
        count = min(_MOMENTS, self.settings.spp // _LEAST)
        if not self.settings.motion_blur or shutter <= 0.0 or count < 2:
            return [0.0]
        ends = [-0.5 * shutter, 0.0, 0.5 * shutter]
        instants = [world.at(float(index / camera.fps) + e / float(camera.fps)) for e in ends]
        smear = blur(instants, [view(camera, index + e, self.size, home=index) for e in ends])
        count = int(np.clip(np.ceil(smear / 1.5), 1, count))
        return [0.0] if count < 2 else [((i + 0.5) / count - 0.5) * shutter for i in range(count)]
