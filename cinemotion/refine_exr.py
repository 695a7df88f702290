"""Training pairs for Arm's Neural Graphics Model Gym: `export`; what pairs lack is drawn from their sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cinemotion import refine_data, refine_sets
from motion.errors import BadInput, unknown

if TYPE_CHECKING:
    from motion.camera import CameraPath
    from render.rasterizer import Rasterizer
    from render.refine.gym import GymFrame

#: Folders of the gym's data and the tiers of pairs that go into each.
FOLDERS: dict[str, tuple[str, ...]] = {"train": ("fine", "many"), "val": ("check",), "test": ("test",)}

#: Paths a pixel from which on references are written: the gym's losses do not forgive noise.
LEAST_SPP = 256


def export(
    pairs: Path,
    out: Path,
    *,
    folders: Sequence[str] = tuple(FOLDERS),
    least_spp: int = LEAST_SPP,
    data: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, int]:
    """Write the clips of pairs as ``out/train``, ``out/val`` and ``out/test``; sequences there already stay.

    The path-traced references are the ground truth. The input, at half the size with one jittered sample a pixel, and
    motion are drawn by the rasterizer from the same sets.

    Args:
        pairs: folder of training pairs.
        out: folder of the gym's data; made when missing.
        folders: which of `FOLDERS`.
        least_spp: paths a pixel that a clip's references have at least.
        data: the folder of captures that the pairs were made from; None: the pybullet wheel's.
        say: told how it goes.

    Returns:
        Sequences of each folder that are there now.

    Raises:
        BadInput: an unknown folder, or pairs without such clips.
        MissingExtra: OpenEXR is not installed.
    """
    from render import exr
    from render.refine import gym, shards

    exr.library()  # says now what is missing
    for name in folders:
        if name not in FOLDERS:
            raise unknown("folder of the gym's data", name, FOLDERS)
    tools = _Tools()
    try:
        for name in folders:
            paths = [path for tier in FOLDERS[name] for path in refine_data.files(pairs, tier)]
            paths = [path for path in paths if (a := shards.about(path)).clip and a.spp >= least_spp]
            known = _known(out / name)
            for path in paths:
                source = f"{path.parent.name}/{path.stem}"
                if source in known:
                    continue
                number = max(known.values(), default=-1) + 1
                frames, fps = tools.clip(path, data)
                gym.write(out / name, number, frames, fps, source)
                known[source] = number
                say(f"{out / name}: sequence {number:04d}, {len(frames)} frames")
    finally:
        tools.close()
    found = {name: len(gym.sequences(out / name)) for name in folders}
    if not any(found.values()):
        raise BadInput(f"{pairs}: no clips of {least_spp} paths a pixel or more; make pairs of the fine or test tier")
    return found


def _known(folder: Path) -> dict[str, int]:
    """Pairs that were written before, and the numbers of their sequences."""
    from render.refine import gym

    return {gym.read(folder, number)[0]["Scene"]: number for number in gym.sequences(folder)}


class _Tools:
    """Rasterizers by picture size."""

    def __init__(self) -> None:
        self._rasters: dict[Any, Rasterizer] = {}

    def close(self) -> None:
        for one in self._rasters.values():
            one.close()

    def _raster(self, size: tuple[int, int], whole: tuple[int, int], samples: int) -> Rasterizer:
        from render.rasterizer import Rasterizer

        if (size, whole, samples) not in self._rasters:
            drawn = replace(refine_data.settings(whole), samples=samples)
            self._rasters[size, whole, samples] = Rasterizer(size, drawn)
        return self._rasters[size, whole, samples]

    def clip(self, path: Path, data: str | None) -> tuple[list[GymFrame], int]:
        """A file of pairs as frames of the gym, and its frames a second."""
        from render.refine import gym, shards
        from render.view import view, window

        about, arrays = shards.about(path), shards.load(path)
        made = refine_sets.make(about.number, about.split, data)
        camera = window(made.camera, about.whole, *about.corner, about.size)
        width, height = about.size
        small = width // gym.RATIO, height // gym.RATIO
        full = self._raster(about.size, about.whole, 1)
        half = self._raster(small, about.whole, 1)
        frames = []
        for place, index in enumerate(about.frames):
            jitter = gym.jitter(place)
            looked = next(half.render(made.world, jittered(camera, small, jitter), [index], ("beauty", "depth")))
            assert looked.beauty is not None and looked.depth is not None
            before = max(index - 1, about.frames[0])
            flows = [next(raster.render(made.world, camera, [index], ("depth",))).flow_to(before)[0]
                     for raster in (full, half)]  # fmt: skip
            truth = (arrays["first"][place].astype(np.float32) + arrays["second"][place]) / 2
            frames.append(gym.GymFrame(
                index, np.moveaxis(truth, 0, -1), flows[0], looked.beauty, looked.depth, flows[1], jitter,
                view(camera, index, about.size),
            ))  # fmt: skip
        return frames, round(float(camera.fps))


def jittered(camera: CameraPath, size: tuple[int, int], jitter: tuple[float, float]) -> CameraPath:
    """A camera that looks ``jitter`` px beside every pixel's centre, x right and y down."""
    width = size[0]
    return replace(camera, shift=(camera.shift[0] + jitter[0] / width, camera.shift[1] - jitter[1] / width))
