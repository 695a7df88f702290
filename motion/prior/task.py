"""Training the prior: what one step needs, from a corpus, and the loss of both stages."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from motion.corpus import Corpus
from motion.prior.batches import Batch, Windows
from motion.prior.features import BODY, ROOT
from motion.prior.masking import draw_masks
from motion.prior.model import build, sizes_of
from motion.prior.network import Said, plan_tokens
from motion.prior.observed import Observed
from motion.prior.one_stage import OneStage
from motion.prior.stages import GUIDE, Chance, Losses, TwoStages, own_axes
from motion.prior.trainer import moved
from motion.prior.words import Words


@dataclass(frozen=True)
class Step:
    """One batch with all its chance drawn."""

    batch: Batch
    observed: Observed
    said: Said
    chance: Chance
    joints: Tensor  # (B, 22) float


@dataclass(frozen=True)
class Drops:
    """How often a window is told less than is known of it, so that each road works alone."""

    words: float = 0.15
    plan: float = 0.30
    both: float = 0.10
    slot: float = 0.15  # each slot of the plan by itself: people leave things out
    guide: float = 0.03  # spread of the noise on the root that the body is told, at most
    sway: tuple[float, float, float] = (0.05, 0.05, 0.07)  # metres, metres, radians: how far off that root may lie


class PriorTask:
    """Both stages on one corpus.

    Args:
        corpus: clips and windows; only the train split is trained on.
        size: a name in `stages.SIZES`.
        seed: of the weights' start and of everything drawn.
        frames_per_batch: rows × frames.
        one_stage: one network for root and body, to compare with.
        cache: where encoded captions are kept: all are encoded before the first step. None: each when it is drawn.
    """

    def __init__(
        self, corpus: Corpus, size: str = "cpu", *, seed: int = 0, frames_per_batch: int = 5760,
        one_stage: bool = False, losses: Losses | None = None, drops: Drops | None = None,
        cache: str | os.PathLike[str] | None = None,
    ) -> None:  # fmt: skip
        self.windows = Windows(corpus, ("train",), frames_per_batch)
        held = [w for w in corpus.windows if w.split != "train"]
        self.held = Windows(corpus, ("blocks", "combinations"), frames_per_batch) if held else None
        self.sizes, self.seed = sizes_of(size, one_stage), seed
        self.losses, self.drops = losses or Losses(), drops or Drops()
        self.words = Words(bf16=True)
        if cache is not None:
            self.words.keep(cache, [t for w in (self.windows, self.held) if w is not None for t in w.captions()])

    def module(self) -> nn.Module:
        torch.manual_seed(self.seed)
        module = build(self.sizes)
        module.measure([self.windows.draw(step, seed=self.seed + 1) for step in range(20)])
        return module

    def onto(self, device: torch.device) -> None:
        """Keep the captures on a device, and make batches there."""
        for windows in (self.windows, self.held):
            if windows is not None:
                windows.onto(device)

    def _step(self, windows: Windows, step: int, seed: int) -> Step:
        batch = windows.draw(step, seed)
        device = batch.valid.device
        rng = np.random.default_rng([seed, step, 1])
        observed = draw_masks(Observed.everything(batch.track), batch.valid, rng)
        track, observed = own_axes(batch.track, observed)
        rows, frames = len(batch), batch.frames
        said = self._said(batch, rng)
        chance = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
        drawn: dict[str, Any] = {"generator": chance, "device": device}

        def normal(columns: int) -> Tensor:
            return torch.randn(rows, frames, columns, **drawn)

        # Stratified noise levels: every batch sees the whole range.
        time = (torch.arange(rows, device=device) + torch.rand(rows, **drawn)) / rows
        time = time[torch.randperm(rows, **drawn)]
        shake = torch.rand(rows, 1, 1, **drawn) * self.drops.guide
        # A slow wander, one draw every half second, of half the windows.
        slow = torch.randn(rows, 3, max(2, frames // 15 + 1), **drawn)
        slow = torch.nn.functional.interpolate(slow, size=frames, mode="linear", align_corners=True).transpose(1, 2)
        most = torch.tensor(self.drops.sway, device=device)
        sway = slow * (torch.rand(rows, 1, 1, **drawn) * 2 - 1).clamp(min=0) * most
        return Step(
            replace(batch, track=track), observed, said,
            Chance(time, normal(ROOT), normal(BODY), normal(GUIDE) * shake, sway), batch.valid.float(),
        )  # fmt: skip

    def _said(self, batch: Batch, rng: np.random.Generator) -> Said:
        with torch.device("cpu"):  # row by row, then carried over in one piece
            sentences = self.words(list(batch.captions))
            rows = len(batch)
            plan = plan_tokens([w.label for w in batch.windows])
            drops = self.drops
            plan = torch.where(torch.as_tensor(rng.random(plan.shape) < drops.slot), torch.zeros_like(plan), plan)
            both = rng.random(rows) < drops.both
            no_words = torch.as_tensor(both | (rng.random(rows) < drops.words))
            no_plan = torch.as_tensor(both | (rng.random(rows) < drops.plan))
            said = Said(sentences.states, sentences.mask, sentences.pooled, plan).without(no_words, no_plan)
        return moved(said, batch.valid.device)

    def batch(self, step: int) -> Step:
        return self._step(self.windows, step, self.seed + 2)

    def rows(self, batch: Step) -> int:
        return len(batch.batch)

    def loss(self, module: nn.Module, batch: Step, rows: slice) -> dict[str, Tensor]:
        t = batch.batch.track
        track = replace(
            t, path=t.path[rows], heading=t.heading[rows], pelvis=t.pelvis[rows],
            rotations=t.rotations[rows], contacts=t.contacts[rows],
        )  # fmt: skip
        c = batch.chance
        chance = Chance(c.time[rows], c.root_noise[rows], c.body_noise[rows], c.guide_noise[rows], c.sway[rows])
        arguments = (track, batch.observed[rows], batch.said[rows], batch.joints[rows], chance, self.losses)
        assert isinstance(module, (OneStage, TwoStages))
        return module.loss(*arguments)

    @torch.inference_mode()
    def check(self, module: nn.Module) -> dict[str, float]:
        """The same losses on held-out windows, always the same ones."""
        if self.held is None:
            return {}
        sums: dict[str, list[float]] = {}
        for step in range(4):
            drawn = self._step(self.held, step, 12345)
            for name, term in self.loss(module, drawn, slice(None)).items():
                sums.setdefault(name, []).append(float(term.mean()))
        return {name: float(np.mean(values)) for name, values in sums.items()}
