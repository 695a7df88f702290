"""What is trained: the refiner on pictures, then on clips with its own earlier output; and the rivals it must beat."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from motion.errors import BadInput, unknown
from render.refine import bridge, losses, mixing, shards
from render.refine.adversary import Contest, codes
from render.refine.batches import Batches, Pairs
from render.refine.display import shown
from render.refine.guides import GUIDES, HALF_GUIDES, Passes, Seen, changed, light_of, look, state_of
from render.refine.network import SIZES, NetConfig, Network
from render.refine.rivals import Pixelwise
from render.refine.warp import warp_torch

#: Share of training states that lie at the raster's end of the bridge, where one step begins.
_AT_END = 0.7

#: Share of clips whose history is left out, so that a shot's first frames are refined as well.
_FORGET = 0.3

#: Noise on the changes at half size that the finer stage is trained with, in logarithms: it forgives the coarser one.
_AUGMENT = 0.05

#: Frames of a batch that the faithful answer learns from.
_FEW = 2

#: Weights of the losses' terms.
_WEIGHTS = {
    "relative": 1.0, "coarse": 0.5, "absolute": 6.0, "gradients": 3.0, "structure": 1.0, "steadiness": 1.0,
    "faithful": 0.4, "judges": 1.0, "adversarial": 0.02,
}  # fmt: skip


@dataclass(frozen=True)
class Data:
    """Where a task's pairs lie."""

    train: tuple[Path, ...]
    check: tuple[Path, ...] = ()


class RefinerTask:
    """`motion.prior.trainer.Task` of a refiner.

    Args:
        data: files of training pairs.
        size: one of `render.refine.network.SIZES`.
        kind: one of `render.refine.bridge.KINDS`.
        frames: 1: pictures; `render.refine.shards.CHUNK`: clips.
        rows: frames of a batch.
        begin: a network to train on from.
        adversarial: with judges, `render.refine.adversary`; needs a network to begin with.
        pixelwise: train `render.refine.rivals.Pixelwise` instead, which must be beaten.
        seed: of weights and batches.

    Raises:
        BadInput: an unknown size or kind; data without what is asked for.
    """

    def __init__(
        self, data: Data, size: str = "S", kind: str = "bridge", frames: int = 1, rows: int = 8,
        begin: nn.Module | None = None,
        pixelwise: bool = False,
        adversarial: bool = False, crop: tuple[int, int] | None = (176, 320), seed: int = 0,
    ) -> None:  # fmt: skip
        if size not in SIZES:
            raise unknown("size of the refiner", size, SIZES)
        if kind not in bridge.KINDS:
            raise unknown("kind of refiner", kind, bridge.KINDS)
        if frames not in (1, shards.CHUNK):
            raise BadInput(f"refiner: clips of {frames} frames, expected 1 or {shards.CHUNK}")
        self.config, self.kind, self.frames, self.seed = (
            NetConfig(GUIDES, HALF_GUIDES, **SIZES[size]),
            kind,
            frames,
            seed,
        )
        self._begin, self._pixelwise, self._adversarial = begin, pixelwise, adversarial
        if adversarial and not isinstance(begin, Network):
            raise BadInput("refiner: judges want a trained network to begin with")
        self._train = Batches(list(data.train), rows, self._length, crop, seed=seed)
        self._check = Batches(list(data.check), rows, self._length, crop, seed=1, change=False) if data.check else None

    @property
    def _length(self) -> int:
        """Frames of a clip that a batch holds: the chunk that is learned from, and the one before it."""
        return 2 * self.frames if self.frames > 1 else 1

    def module(self) -> nn.Module:
        """The network, freshly initialised, or the one to begin with."""
        torch.manual_seed(self.seed)
        if self._begin is not None:
            begun = copy.deepcopy(self._begin).train()
            return Contest(begun, self.frames) if self._adversarial and isinstance(begun, Network) else begun
        if self._pixelwise:
            return Pixelwise(self.config)
        return Network(self.config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def batch(self, step: int) -> Pairs:
        """The pairs of a step; its chance comes from the step's number, on the device."""
        pairs = self._train(step)
        torch.manual_seed(self.seed * 1_000_003 + step)
        return pairs

    def rows(self, batch: Pairs) -> int:
        """Clips of a batch."""
        return len(batch.clean) // self._length

    def loss(self, module: nn.Module, batch: Pairs, rows: slice) -> dict[str, Tensor]:
        """Terms for each clip of ``rows``."""
        mine = slice(rows.start * self._length, rows.stop * self._length)
        part = take(batch, torch.arange(len(batch.clean), device=batch.clean.device)[mine])
        # Light and its logarithms need all of float32; `_predict` turns to bf16 for the network alone.
        with torch.autocast(batch.clean.device.type, enabled=False):
            if self.frames == 1:
                return self._terms(module, part)
            return self._terms(module, *self._unrolled(module, part))

    @torch.no_grad()
    def check(self, module: nn.Module) -> dict[str, float]:
        """PSNR of one step over solid pixels as displayed, beside the raster's, on held-out pairs."""
        if self._check is None:
            return {}
        module = _network(module)
        ours, raster, steady = [], [], []
        for step in range(4):
            pairs = self._check(step)
            history = valid = None
            if self.frames > 1:
                pairs, history, valid = self._unrolled(module, pairs, forget=0.0)
            full, half = look(pairs.passes, history, valid)
            light = light_of(self._predict(module, pairs, full, half)[0], full.modulator)
            reference = 0.5 * (pairs.first + pairs.second)
            ours.append(_psnr(shown(light), shown(reference), full.solid))
            raster.append(_psnr(shown(pairs.passes.beauty), shown(reference), full.solid))
            if self.frames > 1:
                steady.append(self._steadiness(pairs, light, reference, full).mean())
        figures = {"psnr": float(torch.cat(ours).mean()), "raster": float(torch.cat(raster).mean())}
        figures["gain"] = figures["psnr"] - figures["raster"]
        if steady:
            figures["steadiness"] = float(torch.stack(steady).mean())
        return figures

    # ---- one step

    def _unrolled(
        self, module: nn.Module, pairs: Pairs, forget: float = _FORGET
    ) -> tuple[Pairs, Tensor | None, Tensor | None]:
        """The second chunk of every clip, and the network's own output for the first, warped there."""
        n, t = len(pairs.clean) // (2 * self.frames), self.frames
        index = torch.arange(2 * n * t, device=pairs.clean.device).view(n, 2 * t)
        before, now = take(pairs, index[:, :t].flatten()), take(pairs, index[:, t:].flatten())
        module = _network(module)
        with torch.no_grad():
            full, half = look(before.passes)
            light = light_of(self._predict(module, before, full, half)[0], full.modulator)
        last = light.view(n, t, *light.shape[1:])[:, -1]
        assert now.flow_far is not None and now.hidden_far is not None
        history = warp_torch(last.repeat_interleave(t, 0), now.flow_far)
        valid = 1.0 - now.hidden_far
        kept = (torch.rand(n, device=valid.device) >= forget).float().repeat_interleave(t)
        return now, history, valid * kept[:, None, None, None]

    def _predict(
        self,
        module: nn.Module,
        pairs: Pairs,
        full: Seen,
        half: Seen,
        u: Tensor | None = None,
        target: Tensor | None = None,
        looks: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """States at full and half size, and faithful light at half size.

        From place ``u`` of the bridge to ``target``, else from its raster end.
        """
        y = half.raster
        u = torch.ones(len(y), device=y.device) if u is None else u
        x = bridge.put(self.kind, y if target is None else target, y, u, torch.randn_like(y))
        bf16 = torch.autocast(y.device.type, torch.bfloat16)
        with bf16:
            changes, kernels = bridge.answer(module, self.kind, x, half, pairs.passes.code, u, self.frames, looks)
        coarse = changed(half, changes)
        faithful = None
        if kernels is not None and module.training:
            # A few frames are enough for a head of one layer.
            few = Seen(**{name: value[:_FEW] for name, value in vars(half).items()})
            faithful = mixing.mixed(few, kernels[:_FEW], 1)
        if module.training:
            changes = changes + _AUGMENT * torch.randn_like(changes)
        with bf16:
            fine = module.finer(changes, full.guides)  # type: ignore[operator]
        return changed(full, fine), coarse, faithful

    def _terms(
        self, module: nn.Module, pairs: Pairs, history: Tensor | None = None, valid: Tensor | None = None
    ) -> dict[str, Tensor]:
        contest, network = module if isinstance(module, Contest) else None, _network(module)
        full, half = look(pairs.passes, history, valid)
        n, clean = len(pairs.clean), pairs.clean
        both = 0.5 * (pairs.first + pairs.second)
        pick = clean[:, None, None, None] > 0
        # What the state is made of must not be what the answer is compared with, or noise is learned with it.
        leads, reference = torch.where(pick, both, pairs.first), torch.where(pick, both, pairs.second)
        target = state_of(F.avg_pool2d(leads, 2), half.modulator)
        places = torch.rand(n // self.frames, device=clean.device)
        places = torch.where(torch.rand_like(places) < _AT_END, torch.ones_like(places), places.clamp_min(0.02))
        looks = codes(n // self.frames, self.frames, clean.device) if contest is not None else None
        state, coarse, faithful = self._predict(
            network, pairs, full, half, places.repeat_interleave(self.frames), target, looks
        )
        light = light_of(state, full.modulator)
        pooled = F.avg_pool2d(reference, 2)
        terms = {
            "relative": losses.relative(light, reference, full.modulator, full.solid),
            "coarse": losses.relative(light_of(coarse, half.modulator), pooled, half.modulator, half.solid),
        }
        if faithful is not None:
            k = len(faithful)
            cost = losses.relative(faithful, pooled[:k], half.modulator[:k], half.solid[:k])
            terms["faithful"] = F.pad(cost, (0, n - k))
        if bool(clean.any()):
            # Of clean rows alone, which are whole clips: these losses cost nearly as much as the network.
            rows = clean.nonzero()[:, 0]
            seen, wanted, solid = shown(light[rows]), shown(reference[rows]), full.solid[rows]
            found = {
                "absolute": losses.absolute(seen, wanted, solid),
                "gradients": losses.gradients(seen, wanted, solid),
                "structure": losses.structure(seen, wanted, solid),
            }
            if contest is not None:
                with torch.autocast(clean.device.type, torch.bfloat16):
                    judged, earned = contest.terms(seen, wanted, shown(pairs.passes.beauty[rows]), solid)
                found |= {"judges": judged.float(), "adversarial": earned.float()}
            terms |= {name: cost.new_zeros(n).index_put((rows,), cost) for name, cost in found.items()}
        if self.frames > 1:
            terms["steadiness"] = self._steadiness(pairs, light, reference, full)
        return {k: _WEIGHTS[k] * v.view(-1, self.frames).mean(1) for k, v in terms.items()}

    def _steadiness(self, pairs: Pairs, light: Tensor, reference: Tensor, full: Seen) -> Tensor:
        """`losses.steadiness` of every frame but a chunk's first, whose neighbour is another chunk's."""
        assert pairs.flow is not None and pairs.hidden is not None
        before = torch.arange(len(light), device=light.device).view(-1, self.frames)
        later = before[:, 1:].flatten()
        before = before[:, :-1].flatten()
        flow = pairs.flow[later]
        seen = (1.0 - pairs.hidden[later]) * full.solid[later]
        found = losses.steadiness(
            light[later], reference[later], warp_torch(light[before], flow), warp_torch(reference[before], flow),
            full.modulator[later], seen,
        )  # fmt: skip
        return F.pad(found.view(-1, self.frames - 1), (1, 0)).flatten()


def _network(module: nn.Module) -> nn.Module:
    """The network alone, without its judges."""
    return module.network if isinstance(module, Contest) else module


def take(pairs: Pairs, index: Tensor) -> Pairs:
    """Some frames of a batch."""

    def some(part: Pairs | Passes) -> dict[str, Any]:
        return {name: value[index] for name, value in vars(part).items() if isinstance(value, Tensor)}

    return replace(pairs, passes=replace(pairs.passes, **some(pairs.passes)), **some(pairs))


def _psnr(a: Tensor, b: Tensor, solid: Tensor) -> Tensor:
    """dB of displayed values over solid pixels, ``(N,)``; rows with next to nothing solid are left out."""
    weight = (solid > 0.5).float()
    count = 3 * weight.sum((1, 2, 3))
    mse = ((a - b).square() * weight).sum((1, 2, 3)) / count.clamp_min(1)
    return -10 * torch.log10(mse.clamp_min(1e-10))[count > 300]
