"""The rows of `cinemotion bench refine`: each a way from a shot's raster frames to final light."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cinemotion import refine_data, refine_sets
from motion.errors import BadInput, MissingExtra, MissingSystem

if TYPE_CHECKING:
    from render.frame import Frame
    from render.path_tracer import PathTracer
    from render.rasterizer import Rasterizer
    from render.refine.model import BridgeRefiner

#: The row of path tracing that is denoised, with as few paths as it may have.
DENOISED = "path tracing, denoised"

#: The same at half size, enlarged: what the time of a refined frame pays for.
HALF_SIZE = "path tracing at half size, denoised"

#: What is traced: light, and what a denoiser is led by.
_GUIDED = ("beauty", "albedo_aa", "normal")

#: Frames refined before the first that is compared, so that a refiner has its history.
WARM_UP = 8


@dataclass
class TestShot:
    """One shot of the test split: its raster frames, drawn anew, and what they are compared with."""

    number: int
    words: str
    made: refine_sets.RandomSet
    frames: list[Frame]  # warm-up and compared; the rasterizer is open
    count: int  # how many are compared: the last ones
    references: list[np.ndarray]  # (h, w, 3) of the window
    halves: list[tuple[np.ndarray, np.ndarray]]  # the two references that each is the mean of
    corner: tuple[int, int]  # of the window, px
    size: tuple[int, int]  # of the window
    after: list[Frame]  # up to the next that is refined where not every frame is

    def window(self, picture: np.ndarray) -> np.ndarray:
        """The window of a whole picture."""
        (left, top), (width, height) = self.corner, self.size
        return picture[top : top + height, left : left + width]

    @property
    def compared(self) -> list[Frame]:
        """The frames that have references."""
        return self.frames[-self.count :]


Run = Callable[[TestShot], Iterable[np.ndarray]]


@dataclass
class Row:
    """One way; its seconds a frame are added up here."""

    name: str
    run: Run  # light of all of a shot's frames, or of the compared ones alone
    seconds: float = 0.0
    frames: int = 0
    note: str = ""

    def lights(self, shot: TestShot) -> Iterator[np.ndarray]:
        """Light of the compared frames' windows."""
        began = time.perf_counter()
        made = list(self.run(shot))
        self.seconds += time.perf_counter() - began
        self.frames += len(made)
        for light in made[-shot.count :]:
            yield light if light.shape[:2] == shot.size[::-1] else shot.window(light)


def load(path: Path, rasterizer: Rasterizer, data: str | None = None) -> TestShot:
    """A test file as a shot: the set made anew, its frames drawn, its references read.

    Raises:
        BadInput: the raster is another one than was frozen.
    """
    from render.refine import between, shards

    about, arrays = shards.about(path), shards.load(path)
    made = refine_sets.make(about.number, "test", data)
    first, last = about.frames[0], about.frames[-1]
    stop = min(last + 1 + -(last + 1) % between.MOST, made.camera.frames)
    numbers = range(max(0, first - WARM_UP), stop)
    drawn = list(rasterizer.render(made.world, made.camera, numbers, shards.PASSES))
    upto = last + 1 - numbers.start
    halves = [(_picture(a), _picture(b)) for a, b in zip(arrays["first"], arrays["second"])]
    shot = TestShot(
        about.number, about.words, made, drawn[:upto], len(about.frames), [(a + b) / 2 for a, b in halves], halves,
        about.corner, about.size, drawn[upto:],
    )  # fmt: skip
    for frame, stored in zip(shot.compared, arrays["beauty"], strict=True):
        assert frame.beauty is not None
        # A window's shadow map is fitted to the window, so its raster is near to the whole picture's, not equal.
        far = np.abs(shot.window(frame.beauty) - _picture(stored)).mean() / max(float(_picture(stored).mean()), 1e-3)
        if far > 0.02:
            raise BadInput(
                f"{path}: the rasterizer draws another picture than the frozen one ({100 * far:.1f} % off on average); "
                "make the test tier again, and train again"
            )
    return shot


def _picture(planes: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.asarray(planes, np.float32), 0, -1)


# ---- ways


def raster() -> Row:
    """The rasterizer's frame as it is."""
    return Row("raster", lambda shot: [f.beauty for f in shot.compared if f.beauty is not None])


def own_ground() -> Row:
    """The frame on its own ground, where refinement begins: what is worked out, and not learned."""
    from render.refine.guides import on_its_ground
    from render.refine.model import passes_of
    from render.refine.unhidden import Lights

    def run(shot: TestShot) -> Iterator[np.ndarray]:
        for frame in shot.compared:
            passes = passes_of(frame)
            yield on_its_ground(passes, Lights.of(passes.code)).beauty[0].permute(1, 2, 0).numpy()

    return Row("raster on its own ground", run)


def affine(pairs: Path) -> Row:
    """The best colour affine of the training pairs."""
    from render.refine import shards
    from render.refine.rivals import AffineFit

    fit = AffineFit()
    for path in (refine_data.files(pairs, "fine") or refine_data.files(pairs, "many"))[:200]:
        arrays = shards.load(path)
        for k in range(len(arrays["beauty"])):
            reference = (_picture(arrays["first"][k]) + _picture(arrays["second"][k])) / 2
            fit.add(_picture(arrays["beauty"][k]), reference, arrays["alpha"][k] > 127)
    grade = fit.fit()
    return Row("colour affine", lambda shot: [grade.apply(np.asarray(f.beauty)) for f in shot.compared])


def filtered() -> Row:
    """A filter led by the passes."""
    from render.refine.rivals import GuidedFilter

    return Row("guided filter (SVGF-like)", lambda shot: GuidedFilter().run(shot.frames))


def network(name: str, refiner: BridgeRefiner) -> Row:
    """A trained network, streaming over the shot."""
    return Row(name, lambda shot: (np.asarray(one.beauty) for one in refiner.refine(shot.frames)))


def single(name: str, refiner: BridgeRefiner) -> Row:
    """The same, every frame by itself: no history, no neighbours in time."""

    def run(shot: TestShot) -> Iterator[np.ndarray]:
        for frame in shot.compared:
            for one in refiner.refine([frame]):
                yield np.asarray(one.beauty)

    return Row(name, run)


def noise_floor() -> Row:
    """Half of the reference's paths against all of them: how well anything could be measured."""
    return Row("reference's own half", lambda shot: [first for first, _ in shot.halves])


@dataclass(frozen=True)
class Cost:
    """Seconds that a path-traced picture takes."""

    fixed: float
    per_path: float
    denoising: float

    def paths(self, seconds: float) -> int:
        """Paths a pixel that fit, denoising included; one is the least there is, also where that takes longer."""
        return max(1, int((seconds - self.fixed - self.denoising) / self.per_path))

    def seconds(self, paths: int) -> float:
        """Of so many."""
        return self.fixed + self.per_path * paths + self.denoising


class EqualTime:
    """Path tracing in the time that a refined frame takes, drawing included: plain, denoised, and denoised at half size
    and enlarged where denoising whole pictures alone takes longer.

    Args:
        seconds: of a refined 720p frame with its raster passes.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._tracers: dict[tuple[int, int], PathTracer] = {}
        self._paths: dict[str, int] = {}

    def rows(self) -> list[Row]:
        """All rows, or the plain one where no denoiser is installed."""
        plain = Row("path tracing, equal time", lambda shot: map(_light, self._frames(shot, "plain")))
        try:
            from render.path_tracer.denoise import denoiser

            denoiser()
        except (MissingExtra, MissingSystem, ImportError) as error:
            plain.note = f"not denoised: {error}"
            return [plain]
        from render.refine.rivals import enlarged

        return [
            plain,
            Row(DENOISED, lambda shot: map(_denoised, self._frames(shot, "denoised"))),
            Row(HALF_SIZE, lambda shot: map(enlarged, map(_denoised, self._frames(shot, "half size", 2)))),
        ]

    def measure(self, shot: TestShot) -> dict[str, float]:
        """How many paths a pixel fit into the time, by tracing a whole frame of the shot with 1 and with 3."""
        whole, half = self._cost(shot, (1280, 720)), self._cost(shot, (640, 360))
        plain = replace(whole, denoising=0.0)
        costs = {"plain": plain, "denoised": whole, "half size": half}
        self._paths = {name: cost.paths(self._seconds) for name, cost in costs.items()}
        found = {"seconds": self._seconds, **vars(whole)}
        for name, cost in costs.items():
            found |= {f"paths, {name}": self._paths[name], f"seconds, {name}": cost.seconds(self._paths[name])}
        return found

    def _cost(self, shot: TestShot, size: tuple[int, int]) -> Cost:
        spent = {}
        for spp in (1, 3):
            tracer = self._tracer(size, spp)
            frame = shot.compared[0].index
            next(tracer.render(shot.made.world, shot.made.camera, [frame], _GUIDED))  # compiles, builds
            began = time.perf_counter()
            traced = next(tracer.render(shot.made.world, shot.made.camera, [frame], _GUIDED))
            spent[spp] = time.perf_counter() - began
        each = max((spent[3] - spent[1]) / 2, 1e-3)
        try:
            _denoised(traced)  # makes its buffers
            began = time.perf_counter()
            _denoised(traced)
            denoising = time.perf_counter() - began
        except (MissingExtra, MissingSystem):
            denoising = 0.0
        return Cost(max(spent[1] - each, 0.0), each, denoising)

    def _tracer(self, size: tuple[int, int], spp: int) -> PathTracer:
        from render.path_tracer import PathTracer

        if size not in self._tracers:
            self._tracers[size] = PathTracer(size)
        tracer = self._tracers[size]
        tracer.settings = replace(tracer.settings, spp=spp, seed=7)
        return tracer

    def _frames(self, shot: TestShot, way: str, smaller: int = 1) -> Iterator[Frame]:
        from render.view import window

        (width, height), size = shot.frames[0].size, (shot.size[0] // smaller, shot.size[1] // smaller)
        whole, corner = (width // smaller, height // smaller), (shot.corner[0] / smaller, shot.corner[1] / smaller)
        part = window(shot.made.camera, whole, *corner, size)
        tracer = self._tracer(size, self._paths[way])
        return tracer.render(shot.made.world, part, [f.index for f in shot.compared], _GUIDED)


def _light(frame: Frame) -> np.ndarray:
    return np.asarray(frame.beauty)


def _denoised(frame: Frame) -> np.ndarray:
    from render.path_tracer.denoise import denoise

    return denoise(np.asarray(frame.beauty), frame.albedo_aa, frame.normal)


def trained(files: Mapping[str, Path]) -> list[Row]:
    """Rows of rivals' weights, by what they are called."""
    from render.refine.model import BridgeRefiner

    rows = []
    for name, path in files.items():
        rival = BridgeRefiner.load(path)
        rows.append(network(name, rival))
        if rival.kind == "noise":
            rows[-1].name += ", 1 step"
            rows.append(network(f"{name}, 8 steps", BridgeRefiner.load(path, 8)))
    return rows


def peak_gb() -> float:
    """Most memory that this process has held, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def timed_frame(refiner: BridgeRefiner, shot: TestShot) -> dict[str, Any]:
    """Seconds of one refined 720p frame on this machine: the network with all around it, flow apart."""
    frames = shot.frames[: 2 * 4]
    began = time.perf_counter()
    for frame in frames[1:]:
        frame.flow_to(frame.index - 1)
    flow = (time.perf_counter() - began) / max(1, len(frames) - 1)
    list(refiner.refine(frames[:4]))
    began = time.perf_counter()
    list(refiner.refine(frames))
    whole = (time.perf_counter() - began) / len(frames)
    return {"seconds": whole, "flow": flow, "peak_gb": peak_gb()}
