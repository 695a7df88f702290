"""What the token GPT learns from: windows as tokens, joined where poses are alike, so that minds can be changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from motion import files
from motion.corpus import Window
from motion.errors import BadInput
from motion.prior.batches import Windows
from motion.prior.gpt_net import Config, Network, cross_entropies
from motion.prior.network import plan_tokens
from motion.prior.vqvae import Tokenizer
from motion.prior.vqvae_net import STRIDE, hidden, seen
from motion.prior.words import WIDTH as WORD_WIDTH
from motion.prior.words import Words

#: Tokens that a stretch has at least before another window may follow.
_LEAST = 4
#: How many window places are looked at to find one where the pose goes on.
_POOL = 2048


@dataclass(frozen=True)
class Streams:
    """Windows as tokens, end to end."""

    codes: np.ndarray  # (M, levels) int16
    starts: np.ndarray  # (W + 1,) int64
    vectors: np.ndarray  # (M, size) float32: what the codes stand for
    windows: tuple[Window, ...]

    @classmethod
    def of(cls, windows: Windows, tokenizer: Tokenizer, cache: str | os.PathLike[str] | None = None) -> Streams:
        """Encode every window; with ``cache``, a file that holds them for the next time."""
        chosen = [w for w in windows.windows if w.frames >= STRIDE * (_LEAST + 1)]
        if not chosen:
            raise BadInput(f"corpus: no window of {STRIDE * (_LEAST + 1)} frames or more")
        starts = np.concatenate([[0], np.cumsum([w.frames // STRIDE for w in chosen])]).astype(np.int64)
        codes = _read(cache, tokenizer.card.sha256, int(starts[-1]))
        if codes is None:
            codes = _encoded(windows, chosen, starts, tokenizer)
            if cache is not None:
                import safetensors.numpy

                with files.whole(cache) as beside:
                    safetensors.numpy.save_file({"codes": codes}, beside, {"model": tokenizer.card.sha256})
        return cls(codes, starts, tokenizer.vectors(codes).numpy(), tuple(chosen))


def _read(cache: str | os.PathLike[str] | None, model: str, count: int) -> np.ndarray | None:
    if cache is None or not Path(cache).is_file():
        return None
    from safetensors import safe_open

    with safe_open(os.fspath(cache), "np") as stored:
        if (stored.metadata() or {}).get("model") != model:
            return None
        codes = stored.get_tensor("codes")
    return codes if len(codes) == count else None


@torch.inference_mode()
def _encoded(windows: Windows, chosen: Sequence[Window], starts: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    network = tokenizer.network
    codes = np.zeros((int(starts[-1]), network.config.levels), np.int16)
    by_length: dict[int, list[int]] = {}
    for i, w in enumerate(chosen):
        by_length.setdefault(w.frames, []).append(i)
    for length, members in by_length.items():
        rows = max(1, 4096 // length)
        for at in range(0, len(members), rows):
            part = members[at : at + rows]
            batch = windows.batch([chosen[i] for i in part])
            x = hidden(seen(batch.track), batch.valid, network.mean)
            found = network.quantiser(network.encode(x[:, : length // STRIDE * STRIDE]))[0].numpy()
            for i, row in zip(part, found, strict=True):
                codes[starts[i] : starts[i + 1]] = row
    return codes


@dataclass(frozen=True)
class Example:
    """Rows of tokens, and what is told at each of them."""

    before: Tensor  # (B, N, levels) int64: the token before each
    begins: Tensor  # (B,) bool: nothing is before the first
    codes: Tensor  # (B, N, levels) int64
    plan: Tensor  # (B, N, 6)
    pooled: Tensor  # (B, N, 384)
    weight: Tensor  # (B, N) of the loss


class GptTask:
    """Training of the token GPT, for `motion.prior.trainer.train`.

    Args:
        windows: what to learn from.
        tokenizer: weights that make the tokens.
        held_out: what to measure on; None: nothing.
        config: sizes; codes and levels are the tokenizer's.
        length: tokens of a row.
        rows: of a batch.
        seed: of weights and batches.
        words: the sentence encoder; None: without words, by plan alone.
        cache: folder for encoded windows and sentences.
    """

    def __init__(
        self, windows: Windows, tokenizer: Tokenizer, held_out: Windows | None = None, config: Config | None = None,
        length: int = 40, rows: int = 48, seed: int = 0, words: Words | None = None,
        cache: str | os.PathLike[str] | None = None,
    ) -> None:  # fmt: skip
        sizes = tokenizer.network.config
        given = (config or Config()).as_dict() | {"codes": sizes.codes, "levels": sizes.levels}
        self.config = Config(**given)
        folder = None if cache is None else Path(cache)
        self._train = Streams.of(windows, tokenizer, folder and folder / "train.tokens.safetensors")
        self._held = None
        if held_out is not None:
            self._held = Streams.of(held_out, tokenizer, folder and folder / "held.tokens.safetensors")
        self._words, self._length, self._rows, self._seed = words, length, rows, seed
        self._chance = _chances(self._train)

    def module(self) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            return Network(self.config)

    def batch(self, step: int) -> Example:
        rng = np.random.default_rng([self._seed, step])
        return self._drawn(self._train, self._chance, rng, joined=True)

    def _drawn(self, streams: Streams, chance: np.ndarray, rng: np.random.Generator, joined: bool) -> Example:
        rows, length, levels = self._rows, self._length, self.config.levels
        codes = np.zeros((rows, length + 1, levels), np.int64)
        weight = np.zeros((rows, length + 1), np.float32)
        window = np.zeros((rows, length + 1), np.int64)
        pool = _Pool(streams, chance, rng) if joined else None
        for row in range(rows):
            _lay(streams, chance, rng, pool, codes[row], weight[row], window[row])
        begins = rng.random(rows) < 0.5
        # Rows that begin: the first token is to be said. Others: it is only heard.
        first = np.where(begins, 0, 1)[:, None] + np.arange(length)
        take = np.arange(rows)[:, None]
        targets, told, weights = codes[take, first], window[take, first], weight[take, first]
        before = codes[take, np.maximum(first - 1, 0)]
        if joined:  # what one has said oneself has small errors
            wrong = rng.random(before.shape) < 0.05
            before = np.where(wrong, rng.integers(0, self.config.codes, before.shape), before)
        plan, pooled = self._told(streams, told, rng, drop=joined)
        return Example(
            torch.from_numpy(before), torch.from_numpy(begins), torch.from_numpy(targets), plan, pooled,
            torch.from_numpy(weights),
        )  # fmt: skip

    def _told(self, streams: Streams, told: np.ndarray, rng: np.random.Generator, drop: bool) -> tuple[Tensor, Tensor]:
        """Plans and pooled sentences of every token; one caption of each window, some left away."""
        numbers, place = np.unique(told, return_inverse=True)
        chosen = [streams.windows[i] for i in numbers]
        plan = plan_tokens([w.label for w in chosen])
        captions = [w.captions[rng.integers(len(w.captions))] if w.captions else "" for w in chosen]
        pooled = torch.zeros(len(chosen), WORD_WIDTH) if self._words is None else self._words(captions).pooled
        if drop:
            both = rng.random(len(chosen)) < 0.1
            no_plan = both | (rng.random(len(chosen)) < 0.15)
            no_words = both | (rng.random(len(chosen)) < 0.35)
            slots = torch.from_numpy(rng.random(plan.shape) < 0.08)
            plan = torch.where(torch.from_numpy(no_plan)[:, None] | slots, 0, plan)
            pooled = torch.where(torch.from_numpy(no_words)[:, None], 0.0, pooled)
        index = torch.from_numpy(place.reshape(told.shape))
        return plan[index], pooled[index]

    def rows(self, batch: Example) -> int:
        return len(batch.codes)

    def loss(self, module: nn.Module, batch: Example, rows: slice) -> dict[str, Tensor]:
        assert isinstance(module, Network)
        codes = batch.codes[rows]
        terms = cross_entropies(module, self._hidden(module, batch, rows), codes, batch.weight[rows])
        # The first level is what the transformer is for; the others are worth less each.
        return {f"level_{k}": term * (1.0 if k == 0 else 0.35) for k, term in enumerate(terms)}

    @staticmethod
    def _hidden(module: Network, batch: Example, rows: slice) -> Tensor:
        inputs = module.read(batch.before[rows])
        first = torch.where(batch.begins[rows][:, None], module.begin.to(inputs.dtype), inputs[:, 0])
        inputs = torch.cat([first[:, None], inputs[:, 1:]], 1)
        return module(inputs, module.condition(batch.plan[rows], batch.pooled[rows]))

    @torch.inference_mode()
    def check(self, module: nn.Module) -> dict[str, float]:
        """Cross-entropy of held-out tokens, nats, told what happens and not told."""
        assert isinstance(module, Network)
        if self._held is None:
            return {}
        chance = _chances(self._held)
        sums: dict[str, list[float]] = {}
        for k in range(4):
            batch = self._drawn(self._held, chance, np.random.default_rng([12345, k]), joined=False)
            untold = Example(
                batch.before, batch.begins, batch.codes, torch.zeros_like(batch.plan), torch.zeros_like(batch.pooled),
                batch.weight,
            )  # fmt: skip
            for name, item in (("told", batch), ("untold", untold)):
                terms = cross_entropies(module, self._hidden(module, item, slice(None)), item.codes, item.weight)
                for level, term in enumerate(terms):
                    sums.setdefault(f"{name}_{level}", []).append(float(term.mean()))
        return {name: float(np.mean(values)) for name, values in sums.items()}


def _chances(streams: Streams) -> np.ndarray:
    weight = np.array([max(w.weight, 0.0) for w in streams.windows]) * np.diff(streams.starts)
    return weight / weight.sum() if weight.sum() > 0 else np.full(len(weight), 1 / len(weight))


class _Pool:
    """Places in windows where another window may be left for this one."""

    def __init__(self, streams: Streams, chance: np.ndarray, rng: np.random.Generator) -> None:
        window = rng.choice(len(chance), size=_POOL, p=chance)
        size = np.diff(streams.starts)[window]
        at = 1 + (rng.random(_POOL) * np.maximum(size - _LEAST, 1)).astype(np.int64)
        self.window, self.at = window, np.minimum(at, size - 1)
        # The token before the place: what one leaves has to look like it.
        self.before = streams.vectors[streams.starts[window] + self.at - 1]
        self.square = (self.before**2).sum(1)

    def nearest(self, vector: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
        """Window and place whose token before is like ``vector``: one of the three nearest."""
        distance = self.square - 2 * self.before @ vector
        best = np.argpartition(distance, 3)[:3]
        pick = int(best[rng.integers(len(best))])
        return int(self.window[pick]), int(self.at[pick])


def _lay(
    streams: Streams, chance: np.ndarray, rng: np.random.Generator, pool: _Pool | None, codes: np.ndarray,
    weight: np.ndarray, window: np.ndarray,
) -> None:  # fmt: skip
    """Fill one row with a crop of a window and, when it ends, with another that goes on from a like pose."""
    length = len(codes)
    number = int(rng.choice(len(chance), p=chance))
    size = int(streams.starts[number + 1] - streams.starts[number])
    at = int(rng.integers(0, max(1, size - length + 1))) if rng.random() < 0.7 else 0
    filled = 0
    while True:
        size = int(streams.starts[number + 1] - streams.starts[number])
        take = min(size - at, length - filled)
        if pool is not None and take > 2 * _LEAST and rng.random() < 0.25:
            take = int(rng.integers(_LEAST, take + 1))  # people do not wait for a window to end
        first = int(streams.starts[number]) + at
        codes[filled : filled + take] = streams.codes[first : first + take]
        window[filled : filled + take] = number
        weight[filled : filled + take] = 1.0
        if filled:
            weight[filled] = 0.3  # the seam itself is not captured motion
        filled += take
        if filled >= length or pool is None:
            window[filled:] = number
            return
        number, at = pool.nearest(streams.vectors[first + take - 1], rng)
