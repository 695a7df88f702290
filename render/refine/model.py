"""`BridgeRefiner`: the trained network as a `render.refine.protocol.Refiner`, chunk after chunk of a shot."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from motion.errors import BadInput
from motion.prior import weights
from motion.prior.filled import filled
from motion.prior.weights import Card
from render.frame import Frame
from render.refine import bridge, mixing, shards
from render.refine.describe import light_code, sight
from render.refine.guides import Passes, Seen, changed, light_of, look, padded
from render.refine.network import NetConfig, Network
from render.refine.protocol import Brief, Refined, checked
from render.refine.rivals import Pixelwise
from render.refine.warp import warp_torch

#: Pixels whose full-size layers are worked out at once; larger frames go strip by strip, with the same result.
STRIP_PX = 1 << 20

#: Rows that a strip sees of its neighbours: two for each of the finer stage's three convolutions, even.
_HALO = 8

#: Frames larger than this are refined one at a time instead of `shards.CHUNK` together.
_LARGE_PX = 4 << 20


@dataclass
class Carry:
    """What a shot's next chunk must know of the one before: the last refined frame."""

    index: int | None = None  # of the film; None: nothing came before
    light: np.ndarray | None = None  # (H, W, 3) float16


class BridgeRefiner:
    """Refines frames by the network that was trained here.

    >>> refiner = BridgeRefiner.load("base")  # doctest: +SKIP
    >>> for refined in refiner.refine(frames, brief):  # doctest: +SKIP
    ...     writer.write(refined.shown())

    Args:
        network: trained, see `render.refine.network`.
        card: of its weights.
        steps: of the bridge, 1 to 4 are usual.
        device: where torch computes.
        faithful: output is a convex mix of the raster's own light, `render.refine.mixing`: it cannot invent.
    """

    def __init__(
        self, network: Network | Pixelwise, card: Card, steps: int = 1, device: str = "cpu", faithful: bool = False
    ) -> None:
        if not 1 <= steps <= bridge.MOST_STEPS:
            raise BadInput(f"refiner: {steps} steps, expected 1 to {bridge.MOST_STEPS}")
        if faithful and not isinstance(network, Network):
            raise BadInput(
                f"refiner '{card.label}': no mixing weights, which `faithful` wants; expected those of a bridge"
            )
        self.faithful = faithful
        self.card, self.steps, self.kind = card, steps, str(card.config.get("kind", "bridge"))
        self.device = torch.device(device)
        self.dtype = torch.bfloat16 if _half_is_fast(self.device) else torch.float32
        self._full = network
        network = copy.deepcopy(network).eval().to(self.device, self.dtype)
        self._network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(
        cls, path: str | os.PathLike[str] = "base", steps: int = 1, device: str = "cpu", faithful: bool = False
    ) -> BridgeRefiner:
        """From a weights file, or a name that `motion.prior.weights.find` knows.

        Raises:
            BadInput: no such weights, or damaged, or of another version or shape.
        """
        path = weights.find(path, "refiner")
        tensors, card = weights.load(path, "refiner")
        config = NetConfig.from_dict(dict(card.config.get("network", {})))
        kind = Pixelwise if card.config.get("pixelwise") else Network
        return cls(filled(path, lambda _: kind(config), tensors), card, steps, device, faithful)

    @property
    def network(self) -> Network | Pixelwise:
        """A copy in full precision, to train on from."""
        return copy.deepcopy(self._full)

    @property
    def needs(self) -> tuple[str, ...]:
        """Passes that every frame must have."""
        return shards.PASSES

    def refine(
        self, shot: Iterable[Frame], brief: Brief | None = None, carry: Carry | None = None
    ) -> Iterator[Refined]:
        """Final frames of one shot, as linear light; see `render.refine.protocol.Refiner`.

        Args:
            shot: consecutive frames, drawn by an open rasterizer.
            brief: of the shot; this network asks for none.
            carry: what the part of the shot before left; is changed to what this one leaves. None: nothing came
                before.

        Raises:
            BadInput: as the protocol says, or the carried frame is not of this shot or size.
        """
        carry = carry if carry is not None else Carry()
        for chunk in _chunks(checked(shot, self.needs)):
            lights = self._chunk(chunk, carry)
            for frame, light in zip(chunk, lights, strict=True):
                yield Refined(frame.index, beauty=light)

    @torch.inference_mode()
    def _chunk(self, chunk: list[Frame], carry: Carry) -> list[np.ndarray]:
        histories = [self._history(frame, carry) for frame in chunk]
        fulls, halves, codes = [], [], []
        for frame, (known, valid) in zip(chunk, histories, strict=True):
            passes = passes_of(frame).to(self.device)
            full, half = self._look(passes, known, valid)
            fulls.append(full)
            halves.append(half)
            codes.append(passes.code)
        code = torch.cat(codes).to(self.dtype)
        changes, kernels = bridge.walk(self._network, self.kind, _joined(halves, 0), code, len(chunk), self.steps)
        lights = []
        for k, (frame, full) in enumerate(zip(chunk, fulls, strict=True)):
            if self.faithful and kernels is not None:
                whole = mixing.mixed(full, F.interpolate(kernels[k : k + 1], scale_factor=2, mode="nearest"), 2)
            else:
                whole = self._finer(full, changes[k : k + 1])
            light = whole[0].permute(1, 2, 0)
            height, width = frame.size[1], frame.size[0]
            lights.append(_sound(light[:height, :width].cpu().numpy(), frame))
        carry.index, carry.light = chunk[-1].index, np.minimum(lights[-1], shards.MOST).astype(np.float16)
        return lights

    def _history(self, frame: Frame, carry: Carry) -> tuple[Tensor | None, Tensor | None]:
        """The last refined frame, brought here along exact flow, ``(1, 3, H, W)``, and where it can be trusted."""
        if carry.index is None or carry.light is None:
            return None, None
        if carry.light.shape != (frame.size[1], frame.size[0], 3):
            raise BadInput(f"refiner: the frame before is {carry.light.shape}, expected {(*frame.size[::-1], 3)}")
        if frame.camera.shot_of(carry.index) != frame.camera.shot_of(frame.index):
            raise BadInput(f"a cut lies between carried frame {carry.index} and {frame.index}: one shot at a time")
        flow, hidden = frame.flow_to(carry.index)
        before = torch.from_numpy(carry.light.astype(np.float32)).permute(2, 0, 1)[None].to(self.device)
        known = warp_torch(before, torch.from_numpy(flow).permute(2, 0, 1)[None].to(self.device))
        return known, torch.from_numpy(~hidden)[None, None].to(self.device, torch.float32)

    def _look(self, passes: Passes, known: Tensor | None, valid: Tensor | None) -> tuple[Seen, Seen]:
        """Both sizes of one frame, padded to what the network takes, guides in its own precision."""
        multiple = self._network.config.multiple
        passes = passes.padded(multiple)
        height, width = passes.size
        if known is not None and valid is not None:
            known, valid = padded(known, passes.size), padded(valid, passes.size)
        rows = max(multiple, STRIP_PX // width // multiple * multiple)
        parts: list[tuple[Seen, Seen]] = []
        for top in range(0, height, rows):
            stop = min(top + rows, height)
            # Two rows more: an edge is a difference to the next row, and half a picture has every other one.
            own = slice(top, min(stop + 2, height))
            history = (None, None) if known is None or valid is None else (known[..., own, :], valid[..., own, :])
            full, half = look(passes.rows(own.start, own.stop), *history)
            parts.append((self._cut(full, stop - top), self._cut(half, (stop - top) // 2)))
        return _joined([full for full, _ in parts], 2), _joined([half for _, half in parts], 2)

    def _cut(self, seen: Seen, rows: int) -> Seen:
        """The first rows of a strip."""
        part = seen.rows(0, rows)
        return replace(part, guides=part.guides.to(self.dtype))

    def _finer(self, full: Seen, changes: Tensor) -> Tensor:
        """Light of one frame ``(1, 3, H, W)``, strip by strip."""
        height, width = full.raster.shape[-2:]
        rows = max(2, STRIP_PX // width // 2 * 2)
        out = []
        for top in range(0, height, rows):
            stop = min(top + rows, height)
            a, b = max(0, top - _HALO), min(height, stop + _HALO)
            fine = self._network.finer(changes[..., a // 2 : b // 2, :].to(self.dtype), full.guides[..., a:b, :])
            part = full.rows(top, stop)
            out.append(light_of(changed(part, fine[..., top - a : stop - a, :]), part.modulator))
        return torch.cat(out, dim=2)


def passes_of(frame: Frame) -> Passes:
    """One frame as a batch of one; light that is no number counts as none.

    Raises:
        BadInput: the frame was not drawn by a rasterizer.
    """
    if frame.world is None:
        raise BadInput(f"frame {frame.index} does not say what world it shows: draw it with a Rasterizer")
    seen = sight(frame)

    def get(values: Any) -> Tensor:
        picture = torch.from_numpy(np.ascontiguousarray(values, np.float32))
        picture = picture[..., None] if picture.ndim == 2 else picture
        return picture.permute(2, 0, 1)[None]

    def light(values: Any) -> Tensor:
        return torch.nan_to_num(get(values), nan=0.0, posinf=shards.MOST, neginf=0.0).clamp(0.0, shards.MOST)

    one = lambda value: torch.as_tensor(np.asarray(value, np.float32))[None]
    return Passes(
        light(frame.beauty), light(frame.diffuse), light(frame.specular), light(frame.albedo_aa).clamp_max(1.0),
        get(frame.normal), get(frame.depth), get(frame.roughness_metallic), get(frame.alpha).clamp(0, 1),
        get(frame.ids), one(seen.level), one(seen.rays), one(seen.height), one(seen.pixel),
        one(light_code(frame.world, seen)),
    )  # fmt: skip


def _joined(parts: list[Seen], dim: int) -> Seen:
    """Parts of what is seen, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return Seen(*(torch.cat([getattr(part, name) for part in parts], dim) for name in Seen.__dataclass_fields__))


def _chunks(shot: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Frames that are refined together: up to the next frame whose number is a multiple of `shards.CHUNK`, so that
    chunks do not depend on where a part of the shot begins."""
    held: list[Frame] = []
    for frame in shot:
        if held and (frame.index % shards.CHUNK == 0 or frame.size[0] * frame.size[1] > _LARGE_PX):
            yield held
            held = []
        held.append(frame)
    if held:
        yield held


def _sound(light: np.ndarray, frame: Frame) -> np.ndarray:
    """The refined light, or the raster's where it is no number: a film must go on."""
    bad = ~np.isfinite(light).all(axis=-1)
    if not bad.any():
        return np.ascontiguousarray(light)
    import logging

    logging.getLogger("cinemotion").warning(
        "frame %d: %d refined pixels are not finite; the raster's are shown there", frame.index, int(bad.sum())
    )
    return np.where(bad[..., None], np.nan_to_num(np.asarray(frame.beauty), posinf=shards.MOST), light).astype(
        np.float32
    )


def _half_is_fast(device: torch.device) -> bool:
    """Whether bfloat16 has instructions of its own here; where it has none it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(known is not None and known())


__all__ = ["BridgeRefiner", "Carry", "passes_of"]
