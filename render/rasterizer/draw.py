"""`Rasterizer`: draws a `World` through a `CameraPath` into `Frame` after `Frame`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from motion.camera import CameraPath
from motion.errors import BadInput, CinemotionError, MissingSystem, unknown
from render.frame import DATA_PASSES, PASSES, Flow, Frame, check_size
from render.rasterizer import sampling
from render.rasterizer.device import available_memory, describe, open_context
from render.rasterizer.display import Display
from render.rasterizer.flow import FlowDrawer
from render.rasterizer.programs import Programs
from render.rasterizer.scene import Scene
from render.rasterizer.settings import RenderSettings
from render.rasterizer.shadow import Window, contact_window, sun_window
from render.rasterizer.targets import Targets, slot_of
from render.tonemap import from_srgb8
from render.view import View, at_rest, blur, silhouette, view
from render.world import Instant, World

if TYPE_CHECKING:
    import moderngl

_BYTES_PER_PIXEL = 240  # every kind of pass at four samples, and what is read back
_LIT_PASSES = {"diffuse", "specular"}


@dataclass(frozen=True)
class _Plan:
    """How one frame will be drawn. The first sample is the pixel's centre at the middle of the shutter."""

    samples: tuple[sampling.Sample, ...]
    moments: tuple[Instant, ...]
    views: tuple[View, ...]
    sun: Window | None
    contact: Window | None
    beauty: bool
    backed: bool  # samples after the first leave out the ground that nothing can shade, and the sky


class Rasterizer:
    """Draws frames with OpenGL, on a GPU or on Mesa's software driver, without a window.

    >>> with Rasterizer((1280, 720)) as rasterizer:
    ...     for frame in rasterizer.render(world, camera, range(300), ("beauty", "depth")):
    ...         writer.write(to_srgb8(frame.beauty))

    Args:
        size: width and height, px, each 1 to 16384.
        settings: samples, filter, shadows.
        device: EGL device number; None: the environment's choice, else the first that works.

    Raises:
        BadInput: an impossible size.
        MissingSystem: no usable OpenGL, or no room for pictures of this size.
    """

    def __init__(
        self, size: tuple[int, int], settings: RenderSettings | None = None, device: int | None = None
    ) -> None:
        self.size = check_size(size)
        self.settings = settings or RenderSettings()
        self._context: moderngl.Context | None = open_context(device)
        self.info = describe(self._context)
        if max(self.size) > self.info["max_size"]:
            largest = self.info["max_size"]
            self.close()
            raise BadInput(f"picture size {size[0]}x{size[1]}, expected at most {largest} a side on this device")
        self._check_memory()
        self._programs = Programs(self._context)
        self._targets = Targets(self._context, self.size)
        self._display = Display(self._context, self._targets, self.settings)
        self._flow = FlowDrawer(self._context, self._programs, self._targets)
        self._scene: Scene | None = None

    def __enter__(self) -> Rasterizer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give every OpenGL resource back; frames already drawn keep their arrays but lose their flow."""
        if self._context is None:
            return
        context, self._context = self._context, None
        with context:
            if hasattr(self, "_targets"):
                if self._scene is not None:
                    self._scene.release()
                self._flow.release()
                self._display.release()
                self._targets.release()
                self._programs.release()
        context.release()

    def render(
        self, world: World, camera: CameraPath, frames: Iterable[int], passes: Sequence[str] = ("beauty",)
    ) -> Iterator[Frame]:
        """Draw frames one by one; nothing is kept, so a long film needs no more memory than a short one.

        Args:
            world: what to draw.
            camera: where from; frame k is at ``k / camera.fps`` seconds.
            frames: frame numbers, in any order; a frame does not depend on what was drawn before it.
            passes: names from `render.frame.PASSES`, or ``"all"``.

        Yields:
            A `Frame` for each number, with the passes asked for.

        Raises:
            BadInput: an unknown pass, a frame that the camera path does not have.
        """
        wanted = _checked_passes(passes)
        for index in frames:
            yield self._frame(world, camera, _checked_frame(camera, index), wanted)

    def _frame(self, world: World, camera: CameraPath, index: int, wanted: frozenset[str]) -> Frame:
        with self._open():
            scene = self._prepare(world)
            plan = self._plan(scene, camera, index, wanted)
            data = wanted & set(DATA_PASSES)
            arrays: dict[str, np.ndarray] = {}
            if plan.contact is not None:
                scene.pose(plan.moments[0])
                scene.draw_contact(plan.contact)
            if data:
                kind = "ALL" if plan.beauty or data & _LIT_PASSES else "DATA"
                self._draw(scene, plan, kind, 0)
                arrays |= self._targets.read(kind, wanted)
            if plan.beauty:
                self._accumulate(scene, plan, "BEAUTY_ALBEDO" if "albedo_aa" in wanted else "BEAUTY", bool(data))
                arrays |= self._targets.read_sum(len(plan.samples), wanted)
            if "display" in wanted:
                arrays["display"] = self._display.draw("colour" if len(plan.samples) == 1 else "sum")
            return self._finished(world, camera, index, arrays)

    def _plan(self, scene: Scene, camera: CameraPath, index: int, wanted: frozenset[str]) -> _Plan:
        """Where and when every sample of a frame is; it depends on nothing drawn before."""
        time, shutter = float(index / camera.fps), camera.shutter_angle / 360.0  # seconds, frames
        beauty = bool(wanted & {"beauty", "display", "albedo_aa"})
        lit = beauty or bool(wanted & _LIT_PASSES)

        def spread(count: int) -> tuple[tuple[sampling.Sample, ...], tuple[Instant, ...], tuple[View, ...]]:
            samples = sampling.sequence(count, self.settings.filter_px)
            instants = tuple(scene.world.at(time + s.shutter * shutter / float(camera.fps)) for s in samples)
            views = (view(camera, index + s.shutter * shutter, self.size, s.jitter, s.lens, index) for s in samples)
            return samples, instants, tuple(views)

        samples, moments, views = spread(self.settings.samples if lit else 1)
        more = self.settings.samples_for(blur(moments, views) if len(samples) > 1 else 0.0)
        if lit and more > len(samples):
            samples, moments, views = spread(more)
        sun = sun_window(moments, scene.sun, self.settings.texels(self.size)) if lit else None
        contact = contact_window(moments[0], self.settings.contact_texels(self.size)) if lit else None
        return _Plan(samples, moments, views, sun, contact, beauty, len(samples) > 1 and at_rest(views))

    def _draw(self, scene: Scene, plan: _Plan, kind: str, i: int) -> None:
        """Draw one sample."""
        scene.pose(plan.moments[i])
        if kind != "DATA":
            scene.draw_shadow(plan.sun)
        later = i > 0  # the first serves the data passes too, which are the same whatever follows
        scene.fill(plan.views[i], plan.sun, plan.contact, plan.samples[i].turn, jittered=later and not plan.backed)
        scene.draw(self._targets, kind, plan.views[i], slot_of(i), later and plan.backed)

    def _accumulate(self, scene: Scene, plan: _Plan, kind: str, first_drawn: bool) -> None:
        """The one loop behind anti-aliasing, motion blur and depth of field."""
        count = len(plan.samples)
        for i in range(count):
            if i or not first_drawn:
                self._draw(scene, plan, kind, i)
            if i == 0 and plan.backed:
                # Behind things that move, other samples may see what this one does not.
                scene.fill(plan.views[0], plan.sun, plan.contact, plan.samples[0].turn)
                scene.draw_backdrop(self._targets, kind, silhouette(plan.moments, plan.views[0]))
            if count > 1:
                self._targets.keep(kind, self._programs, i, count, plan.backed)

    def _finished(
        self,
        world: World,
        camera: CameraPath,
        index: int,
        arrays: dict[str, np.ndarray],
    ) -> Frame:
        colour = arrays.pop("colour", None)
        beauty, alpha = (None, None) if colour is None else (colour[..., :3], colour[..., 3])

        def flow_to(k: int) -> Flow:
            return self._flow_to(world, camera, index, k)

        return Frame(
            index, float(index / camera.fps), self.size, camera, beauty=beauty, alpha=alpha, world=world,
            _flow=flow_to, **arrays,
        )  # fmt: skip

    def _flow_to(self, world: World, camera: CameraPath, index: int, k: int) -> Flow:
        context = self._open()
        k = _checked_frame(camera, k)
        with context:
            width, height = self.size
            if camera.shot_of(index) != camera.shot_of(k):
                return np.zeros((height, width, 2), np.float32), np.ones((height, width), bool)
            scene = self._prepare(world)
            here, there = world.at(float(index / camera.fps)), world.at(float(k / camera.fps))
            return self._flow.draw(scene, here, there, view(camera, index, self.size), view(camera, k, self.size))

    def _check_memory(self) -> None:
        """Software drivers draw in main memory, and a process that asks for too much of it is killed without a word."""
        need = self.size[0] * self.size[1] * _BYTES_PER_PIXEL
        free = available_memory()
        if self.info["software"] and free is not None and need > free:
            self.close()
            raise MissingSystem(
                f"pictures of {self.size[0]}x{self.size[1]} need about {need / 2**30:.1f} GB to draw in software, "
                f"{free / 2**30:.1f} GB are free"
            )

    def _open(self) -> moderngl.Context:
        if self._context is None:
            raise CinemotionError("this rasterizer is closed: draw, and ask frames for their flow, before closing it")
        return self._context

    def _prepare(self, world: World) -> Scene:
        """The world's buffers and textures on the device; the last world's are kept."""
        if self._scene is None or self._scene.world is not world:
            if self._scene is not None:
                self._scene.release()
                self._scene = None
            plate = None
            if world.stage.plate is not None and not self.settings.transparent:
                plate = load_plate(world.stage.plate, self.size, self.settings)
            try:
                self._scene = Scene(self._open(), world, self.settings, self.size, plate)
            except MemoryError as error:
                raise MissingSystem(f"no room for the scene on {self.info['renderer']}: {error}") from error
        return self._scene


def load_plate(path: str, size: tuple[int, int], settings: RenderSettings) -> np.ndarray:
    """A plate as linear light ``(H, W, 3)`` float32 that the settings' tone curve shows as it was, cropped to fill.

    Raises:
        BadInput: the image is missing or cannot be read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(Path(path)) as image:
            fitted = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), size, Image.Resampling.LANCZOS)
    except FileNotFoundError:
        raise BadInput(f"plate '{path}': no such image") from None
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise BadInput(f"plate '{path}' cannot be read as an image: {error}") from None
    return from_srgb8(np.asarray(fitted), settings.curve, settings.exposure)


def _checked_passes(passes: Sequence[str]) -> frozenset[str]:
    names = [passes] if isinstance(passes, str) else list(passes)
    for name in names:
        if name != "all" and name not in PASSES:
            raise unknown("pass", name, (*PASSES, "all"))
    if "all" in names:
        return frozenset(PASSES) - {"display"} | (frozenset(names) - {"all"})
    return frozenset(names)


def _checked_frame(camera: CameraPath, index: int) -> int:
    if int(index) != index or not 0 <= index < camera.frames:
        raise BadInput(f"frame {index}, expected 0 to {camera.frames - 1}: the camera path has {camera.frames} frames")
    return int(index)
