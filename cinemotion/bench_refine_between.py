"""Rows of `cinemotion bench refine` for refining every second or fourth frame: how they compare with every frame."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cinemotion.bench_refine_rows import Row, TestShot

if TYPE_CHECKING:
    from motion.camera import CameraPath
    from render.frame import Frame
    from render.refine.between import Carrying, Interleaved
    from render.refine.model import Carry
    from render.refine.protocol import Brief, Refined

#: Frames from one refined frame to the next.
DISTANCES = (2, 4)

#: Plain ways, by name: what is brought from refined frames.
_PLAIN = {"plain warp": "picture", "carried light": "light", "carried change": "change"}


@dataclass
class BetweenRow(Row):
    """A row whose shot goes on to the next refined frame after those that are compared, so that none of them is refined
    only because the test shot ends there."""

    every: int = 2
    once: Once | None = None  # refines for all rows

    def lights(self, shot: TestShot) -> Iterator[np.ndarray]:
        """Light of the compared frames' windows; the time counts per frame, of all that were made."""
        assert self.once is not None
        past = min(-(shot.frames[-1].index + 1) % self.every, len(shot.after))
        whole = replace(shot, frames=shot.frames + shot.after[:past], count=shot.count + past)
        known = self.once.saved
        yield from islice(super().lights(whole), shot.count)
        self.seconds += self.once.saved - known


class Once:
    """A refiner that keeps its answers for the shot at hand: all ways to carry them on work with the same ones.

    Args:
        refiner: of single frames.
    """

    def __init__(self, refiner: Carrying) -> None:
        self._refiner = refiner
        self._camera: CameraPath | None = None  # of the shot at hand
        self._kept: dict[tuple[int, int | None], tuple[Refined, np.ndarray | None, float]] = {}
        self.saved = 0.0  # seconds that answers known already had taken

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes that every frame must have."""
        return self._refiner.needs

    def refine(
        self, shot: Iterable[Frame], brief: Brief | None = None, carry: Carry | None = None
    ) -> Iterator[Refined]:
        """As `render.refine.model.BridgeRefiner.refine`, of one frame."""
        from render.refine.model import Carry

        (frame,), carry = shot, Carry() if carry is None else carry
        if frame.camera is not self._camera:
            self._camera = frame.camera
            self._kept.clear()
        key = frame.index, carry.index
        if key in self._kept:
            refined, carry.light, seconds = self._kept[key]
            carry.index = frame.index
            self.saved += seconds
        else:
            began = time.perf_counter()
            (refined,) = self._refiner.refine([frame], brief, carry)
            self._kept[key] = refined, carry.light, time.perf_counter() - began
        yield refined


def rows(refiner: Carrying, network: Path | str | None = None) -> list[Row]:
    """Rows for every 2nd and every 4th frame: plain warping, what is carried otherwise, the network.

    Args:
        refiner: of the frames that are refined; the row of every frame is its own.
        network: weights of kind "between"; None: no such rows.

    Raises:
        BadInput: no such weights.
    """
    from render.refine.between import Interleaved, load

    mending = load(network) if network is not None else None
    found: list[Row] = []
    for every in DISTANCES:
        once = Once(refiner)
        ways = {name: Interleaved(once, every, way=way) for name, way in _PLAIN.items()}
        if mending is not None:
            ways["network"] = Interleaved(once, every, mending)
        found += [_row(f"every {_ORDINALS[every]}, {name}", way, once) for name, way in ways.items()]
    return found


_ORDINALS = {2: "2nd", 4: "4th"}


def _row(name: str, way: Interleaved, once: Once) -> Row:
    run = lambda shot: (np.asarray(one.beauty) for one in way.refine(shot.frames))
    return BetweenRow(name, run, every=way.every, once=once)
