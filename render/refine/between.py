"""`Interleaved`: a refiner that refines every second or fourth frame of a shot and works out those between from both.

Raster passes are drawn for every frame. Frames that are refined are chosen by their number in the film, so that a shot
drawn in parts is the shot drawn in one, as long as parts end where a refined frame is: number ``k`` is refined where
``every`` divides ``k + 1``, as are a shot's first frame and its last. So is the last frame of every part.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from motion.errors import BadInput, unknown
from motion.prior import weights
from motion.prior.filled import filled
from motion.prior.weights import Card
from render.frame import Frame
from render.refine.blend import BlendConfig, BlendNetwork, Side, blend, plain, side
from render.refine.guides import Passes, light_of, state_of
from render.refine.model import Carry, passes_of
from render.refine.protocol import Brief, Refined, checked

#: Frames from one refined frame to the next.
LEAST, MOST = 2, 4

#: What is brought from refined frames: how refinement changed the light; the light on surfaces; or the picture's light.
WAYS = ("change", "light", "picture")


class Carrying(Protocol):
    """A refiner that goes on from what it left, as `render.refine.model.BridgeRefiner` does."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes that every frame must have."""
        ...

    def refine(
        self, shot: Iterable[Frame], brief: Brief | None = None, carry: Carry | None = None
    ) -> Iterator[Refined]:
        """Final frames of a part of a shot, as light."""
        ...


@dataclass
class CarryBetween(Carry):
    """What a shot's next part must know of the one before: its last frame, which was refined."""

    planes: np.ndarray | None = None  # (6, H, W) float16: change, raster state


@dataclass(frozen=True)
class _Anchor:
    """A refined frame as its neighbours see it."""

    index: int
    planes: np.ndarray  # (6, H, W) float16: half the memory, and the same whether it was carried or not


class Interleaved:
    """Refines every 2nd to 4th frame by another refiner, one at a time, and works out those between.

    >>> refiner = Interleaved(BridgeRefiner.load("base"), 2, load("between"))  # doctest: +SKIP
    >>> for refined in refiner.refine(frames, brief):  # doctest: +SKIP
    ...     writer.write(refined.shown())

    Args:
        refiner: of the frames that are refined.
        every: frames from one to the next, 2 to 4.
        network: blends and fills holes; None: blended by who sees a place and by nearness, filled from around.
        way: one of `WAYS`, where there is no network; to compare.
        device: where torch computes.

    Raises:
        BadInput: another distance or way.
    """

    def __init__(
        self, refiner: Carrying, every: int = 2, network: BlendNetwork | None = None, way: str = "change",
        device: str = "cpu",
    ) -> None:  # fmt: skip
        if not LEAST <= every <= MOST:
            raise BadInput(f"refiner: every {every} frames, expected {LEAST} to {MOST}")
        if way not in WAYS:
            raise unknown("way to carry refined light", way, WAYS)
        if network is not None and way != "change":
            raise BadInput(f"refiner: way '{way}' with a network; it was trained on 'change'")
        self.refiner, self.every, self.way = refiner, every, way
        self.device = torch.device(device)
        self._network = None
        if network is not None:
            self._network = copy.deepcopy(network).eval().to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes that every frame must have."""
        return self.refiner.needs

    def refine(
        self, shot: Iterable[Frame], brief: Brief | None = None, carry: CarryBetween | None = None
    ) -> Iterator[Refined]:
        """Final frames of one shot, as linear light; holds at most ``every`` frames and two refined ones.

        Args:
            shot: consecutive frames, drawn by an open rasterizer.
            brief: of the shot, for the refiner.
            carry: what the part of the shot before left; is changed to what this one leaves. None: nothing came
                before.

        Raises:
            BadInput: as `render.refine.protocol.Refiner` says; the refiner gives finished pictures and no light; the
                part does not follow the carried one.
        """
        carry = carry if carry is not None else CarryBetween()
        before: _Anchor | None = None
        waiting: list[Frame] = []
        for frame in checked(shot, self.needs):
            if before is None and not waiting:
                before = _carried(carry, frame)
            waiting.append(frame)
            if before is None or self._is_refined(frame):
                before = yield from self._upto(waiting, before, brief, carry)
                waiting = []
        if waiting:
            yield from self._upto(waiting, before, brief, carry)

    def _is_refined(self, frame: Frame) -> bool:
        camera, after = frame.camera, frame.index + 1
        ends = after >= camera.frames or camera.shot_of(after) != camera.shot_of(frame.index)
        return after % self.every == 0 or ends

    def _upto(
        self, frames: list[Frame], before: _Anchor | None, brief: Brief | None, carry: CarryBetween
    ) -> Generator[Refined, None, _Anchor]:
        """Refine the last of some frames, work out the others, and give all; returns the last one's anchor."""
        last = frames[-1]
        (refined,) = self.refiner.refine([last], brief, carry)
        if refined.beauty is None:
            raise BadInput(f"frame {last.index}: a finished picture came; only light can be carried between frames")
        after = self._anchor(last, refined.beauty)
        carry.index, carry.planes = after.index, after.planes
        if before is not None:
            for frame in frames[:-1]:
                yield Refined(frame.index, beauty=self._between(frame, before, after))
        yield refined
        return after

    @torch.inference_mode()
    def _anchor(self, frame: Frame, light: np.ndarray) -> _Anchor:
        passes = passes_of(frame)
        modulator = self._modulator(passes)
        raster = state_of(passes.beauty, modulator)
        refined = state_of(torch.from_numpy(np.ascontiguousarray(light)).permute(2, 0, 1)[None], modulator)
        return _Anchor(frame.index, torch.cat([refined - raster, raster], dim=1)[0].numpy().astype(np.float16))

    @torch.inference_mode()
    def _between(self, frame: Frame, before: _Anchor, after: _Anchor) -> np.ndarray:
        passes = passes_of(frame).to(self.device)
        distance = after.index - before.index
        a = self._side(frame, before, (after.index - frame.index) / distance)
        b = self._side(frame, after, (frame.index - before.index) / distance)
        modulator = self._modulator(passes)
        raster = state_of(passes.beauty, modulator)
        if self.way == "change":
            change = blend(self._network, passes, a, b, torch.tensor([float(distance)], device=self.device))
        else:
            change = plain(a, b, a.light(raster), b.light(raster)) * (passes.alpha > 0)
        return light_of(raster + change, modulator)[0].permute(1, 2, 0).contiguous().cpu().numpy()

    def _side(self, frame: Frame, anchor: _Anchor, near: float) -> Side:
        flow, hidden = frame.flow_to(anchor.index)
        there = lambda values: torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)
        if anchor.planes.shape[1:] != hidden.shape:
            raise BadInput(f"refiner: frame {anchor.index} is {anchor.planes.shape[1:]}, expected {hidden.shape}")
        return side(
            there(anchor.planes)[None], there(flow).permute(2, 0, 1)[None], there(hidden)[None, None], there([near])
        )

    def _modulator(self, passes: Passes) -> Tensor:
        """What light is divided by before it is carried; a picture's light is carried as it is."""
        return torch.ones_like(passes.beauty) if self.way == "picture" else passes.modulator


def _carried(carry: CarryBetween, frame: Frame) -> _Anchor | None:
    """The refined frame that lies before a part's first."""
    if carry.index is None or getattr(carry, "planes", None) is None:
        return None
    if carry.index != frame.index - 1:
        raise BadInput(f"refiner: frame {frame.index} comes after a carried frame {carry.index}")
    if frame.camera.shot_of(carry.index) != frame.camera.shot_of(frame.index):
        raise BadInput(f"a cut lies at frame {frame.index}; what is carried is of the shot before")
    assert carry.planes is not None
    return _Anchor(carry.index, carry.planes)


def load(path: str | os.PathLike[str]) -> BlendNetwork:
    """The network between frames from a weights file, or a name that `motion.prior.weights.find` knows.

    Raises:
        BadInput: no such weights, or damaged, or of another version or shape.
    """
    path = weights.find(path, "between")
    tensors, card = weights.load(path, "between")
    config = BlendConfig.from_dict(dict(card.config.get("network", {})))
    return filled(path, lambda _: BlendNetwork(config), tensors)


def card(network: BlendNetwork, **about: object) -> Card:
    """A card for its weights; ``about`` is passed on to `motion.prior.weights.Card`."""
    return Card(kind="between", config={"network": network.config.as_dict()}, **about)  # type: ignore[arg-type]


__all__ = ["LEAST", "MOST", "WAYS", "CarryBetween", "Interleaved", "card", "load"]
