"""`PathTracer`: draws a `World` through a `CameraPath` into the rasterizer's `Frame`, its beauty path-traced."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, CinemotionError
from motion.stage import Stage
from render.frame import Frame, check_size
from render.path_tracer import air as between
from render.path_tracer import ops
from render.path_tracer.bsdf import Materials
from render.path_tracer.integrator import Tracer, path
from render.path_tracer.scene import MitsubaScene
from render.path_tracer.sensor import sensor, whole
from render.path_tracer.settings import PathSettings
from render.path_tracer.variant import mitsuba
from render.rasterizer import Rasterizer, RenderSettings
from render.tonemap import to_srgb8
from render.view import blur, view
from render.world import World

_PATHS = 1 << 25  # traced at once: what they need stays on the stack
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
        compiled = not self.variant.startswith("scalar")
        self._surfaces = Materials(self._mi) if compiled else None
        self._tracer = Tracer(self._mi) if compiled else None
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
        self._scene = self._surfaces = self._tracer = None
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
        mi, settings = self._mi, self.settings
        mi.set_variant(self.variant)  # it is global, and another tracer's may differ
        scene = self._prepare(world)
        moments = self._moments(world, camera, index)
        seeds = np.random.SeedSequence((settings.seed, index))
        width, height = self.size
        total = np.zeros((height, width, 5 if self._tracer is None else 4))
        # As few launches as memory allows: samples are spread evenly within each.
        parts = -(-settings.spp * width * height // (_PATHS * len(moments)))
        spp = whole(-(-settings.spp // (len(moments) * parts)))
        for offset in moments:
            scene.pose(world.at(float(index / camera.fps) + offset / float(camera.fps)))
            looking = view(camera, index + offset, self.size, home=index)
            if self._tracer is None or self._surfaces is None:
                integrator: Any = mi.load_dict({"type": "aov", "aovs": "far:depth", "light": path(mi, settings.depth)})
            else:
                self._surfaces.look_from(looking.forward, looking.focal_px)
                self._tracer.look_from(looking.forward, looking.focal_px)
                integrator = self._tracer.with_paths(settings.depth, settings.clamp)
            eye = sensor(mi, camera, index, offset, self.size, self.raster.filter_px, settings.depth_of_field, spp)
            for _ in range(parts):
                seed = int(seeds.spawn(1)[0].generate_state(1)[0])
                image = mi.render(scene.scene, sensor=eye, integrator=integrator, seed=seed, spp=spp)
                total += np.nan_to_num(np.asarray(image, np.float64), posinf=0.0, neginf=0.0)
        return self._over(total / (parts * len(moments)), world, camera, index)

    def _prepare(self, world: World) -> MitsubaScene:
        """The world in Mitsuba; the last one's is kept."""
        if self._scene is None or self._scene.world is not world:
            self._scene = None
            # Mitsuba's scenes lie in reference cycles. Left alone they would pile up, and their places in its registry
            # would change what is compiled.
            gc.collect()
            self._scene = MitsubaScene(self._mi, world, self._surfaces)
            stage = world.stage
            self._empty = World([], Stage(None, stage.light, stage.sun_azimuth, stage.sun_elevation), world.light)
            if self._tracer is not None:
                self._tracer.use(self._scene.air, stage.ground is not None)
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

    def _over(self, traced: np.ndarray, world: World, camera: CameraPath, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Traced light over what is behind everything."""
        assert self._empty is not None
        light, alpha = np.maximum(traced[..., :3], 0.0), np.clip(traced[..., 3], 0.0, 1.0)
        if self._tracer is None:
            light, alpha = self._hazed(light, alpha, traced[..., 4], world, camera, index)
        behind = next(self._behind.render(self._empty, camera, [index], ("beauty",))).beauty
        assert behind is not None
        beauty = light + (1.0 - alpha)[..., None] * behind
        return beauty.astype(np.float32), alpha.astype(np.float32)

    def _hazed(
        self, light: np.ndarray, alpha: np.ndarray, far: np.ndarray, world: World, camera: CameraPath, index: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """What a compiled variant does for every ray, for pixels, by their mean depth."""
        assert self._scene is not None
        looking = view(camera, index, self.size)
        width, height = self.size
        x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        origin, dx, dy = looking.rays()
        along = origin + x[..., None] * dx + y[..., None] * dy
        ray = along / np.linalg.norm(along, axis=-1, keepdims=True)
        cover = np.maximum(alpha, 1e-6)
        far = far / cover
        place = looking.eye + far[..., None] * ray
        ground = world.stage.ground is not None
        on_ground = (np.abs(place[..., 1]) < 0.002 * far + 0.01) & ground
        below = -along[..., 1] * looking.focal_px
        lit = tuple(np.moveaxis(light / cover[..., None], -1, 0))
        seen = between.through(self._scene.air, lit, far, on_ground, (place[..., 0], place[..., 2]), below, ops.NUMPY)  # type: ignore[arg-type]
        light = np.stack(seen, axis=-1) * alpha[..., None]
        if ground:
            # Past the ground's far edge is still ground.
            beyond = np.where(ray[..., 1] < 0.0, 1.0 - alpha, 0.0)
            light, alpha = light + beyond[..., None] * np.array(self._scene.air.haze), alpha + beyond
        return light, alpha
