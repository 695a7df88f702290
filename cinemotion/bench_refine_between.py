"""Rows of `cinemotion bench refine` for refining every second or fourth frame: how they compare with every frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cinemotion.bench_refine_rows import Row, TestShot

if TYPE_CHECKING:
    from render.frame import Frame
    from render.rasterizer import Rasterizer
    from render.refine.between import Carrying, Interleaved

#: Frames from one refined frame to the next.
DISTANCES = (2, 4)

#: Plain ways, by name: what is brought from refined frames.
_PLAIN = {"plain warp": "picture", "carried light": "light", "carried change": "change"}


@dataclass
class BetweenRow(Row):
    """A row whose shot goes on to the next refined frame after those that are compared, so that none of them is refined
    only because the test shot ends there."""

    every: int = 2
    rasterizer: Rasterizer | None = None  # of whole test pictures

    def lights(self, shot: TestShot) -> Iterator[np.ndarray]:
        """Light of the compared frames' windows; the time counts per frame, of all that were made."""
        frames = shot.frames + self._after(shot)
        began = time.perf_counter()
        made = list(self.run(TestShot(**{**vars(shot), "frames": frames})))
        self.seconds += time.perf_counter() - began
        self.frames += len(made)
        past = len(frames) - len(shot.frames)
        for light in made[len(made) - past - shot.count : len(made) - past]:
            yield light if light.shape[:2] == shot.size[::-1] else shot.window(light)

    def _after(self, shot: TestShot) -> list[Frame]:
        """Frames past the last one, up to the next that is refined."""
        from render.refine import shards

        last, camera = shot.frames[-1].index, shot.made.camera
        stop = last + 1
        while stop % self.every and stop < camera.frames and camera.shot_of(stop) == camera.shot_of(last):
            stop += 1
        if stop == last + 1:
            return []
        assert self.rasterizer is not None
        return list(self.rasterizer.render(shot.made.world, camera, range(last + 1, stop), shards.PASSES))


def rows(refiner: Carrying, rasterizer: Rasterizer, network: Path | str | None = None) -> list[Row]:
    """Rows for every 2nd and every 4th frame: plain warping, what is carried otherwise, the network.

    Args:
        refiner: of the frames that are refined; the row of every frame is its own.
        rasterizer: of whole test pictures, open; draws up to the next refined frame.
        network: weights of kind "between"; None: no such rows.

    Raises:
        BadInput: no such weights.
    """
    from render.refine.between import Interleaved, load

    mending = load(network) if network is not None else None
    found: list[Row] = []
    for every in DISTANCES:
        ways = {name: Interleaved(refiner, every, way=way) for name, way in _PLAIN.items()}
        if mending is not None:
            ways["network"] = Interleaved(refiner, every, mending)
        found += [_row(f"every {_ORDINALS[every]}, {name}", way, rasterizer) for name, way in ways.items()]
    return found


_ORDINALS = {2: "2nd", 4: "4th"}


def _row(name: str, way: Interleaved, rasterizer: Rasterizer) -> Row:
    run = lambda shot: (np.asarray(one.beauty) for one in way.refine(shot.frames))
    return BetweenRow(name, run, every=way.every, rasterizer=rasterizer)
