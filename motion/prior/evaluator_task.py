"""Training the evaluator: contrastive, with captions that are true of another motion never its wrong answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.corpus import SPLITS, Corpus, Label, Window
from motion.errors import BadInput
from motion.prior.batches import Windows
from motion.prior.evaluator import Evaluator, Network, Size, motion_columns, read_mask
from motion.prior.metrics import SAME_TEXT, Estimate, proportion
from motion.prior.said import said, slots, swap_label, swap_sides, true_of
from motion.prior.weights import Card
from motion.prior.words import Sentences, Words

#: Share of held-out motions whose true caption must be preferred over its side-swapped twin.
ADMITTED = 0.95
#: How much the side-swapped twin of a caption counts beside the other wrong answers.
TWIN_WEIGHT = 1.0
#: Share of windows that lose the joints which the poorest source lacks, so that a mask does not tell the source.
HIDDEN = 0.25
#: What a caption may say of one window alone: it is not lent to another with the same label.
_OWN = re.compile(r"\b(m|metres?|meters?|seconds?|s|circles?|round)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Batch:
    """Windows with one caption each, and which texts are wrong answers to which windows."""

    columns: Tensor  # (B, T, MOTION)
    read: Tensor  # (B, MOTION)
    texts: Sentences  # (2B): captions, then the same with sides swapped
    wrong: Tensor  # (2B, B) bool: text i is not true of motion j
    twin: Tensor  # (B,) bool: the swapped caption is another sentence


class EvaluatorTask:
    """The evaluator on one corpus; see `motion.prior.trainer.Task`.

    Args:
        corpus: clips and windows; only the train split is trained on.
        size: of the network; None: the usual one.
        seed: of the weights' start and of everything drawn.
        cache: file for encoded captions; None: encoded anew.
        frames_per_batch: rows × frames.
        texts: captions kept for each label. Encoding a sentence costs more than a step, and a caption that says only
            what a label holds is true of every window with that label.
    """

    def __init__(
        self, corpus: Corpus, size: Size | None = None, *, seed: int = 0, cache: Path | None = None,
        frames_per_batch: int = 11520, texts: int = 6, words: Words | None = None,
    ) -> None:  # fmt: skip
        self.size, self.seed, self.frames_per_batch = size or Size(), seed, frames_per_batch
        self.windows = Windows(corpus, ("train",))
        spoken = [w for w in self.windows.windows if w.captions]
        if not spoken:
            raise BadInput("evaluator: no captions in the train split; expected some")
        self._of_length: dict[int, list[Window]] = {}
        for window in spoken:
            self._of_length.setdefault(window.frames, []).append(window)
        # Whatever its length, a second of motion is drawn equally often, and its weight tells how rare it is.
        self._lengths = sorted(self._of_length)
        share = np.array([np.sqrt(n) * sum(w.weight for w in self._of_length[n]) for n in self._lengths])
        self._share = share / share.sum()
        poor = corpus.valid[:, :22].sum(1).argmin()
        self._poor = torch.as_tensor(corpus.valid[poor, :22])
        self.words = words or Words()
        self._captions = _pools(corpus, spoken, texts, seed)
        all_texts = [c for pool in self._captions.values() for c in pool]
        all_texts = list(dict.fromkeys(all_texts + [swap_sides(t) for t in all_texts]))
        if cache is not None:
            self.words.keep(cache, all_texts)
        else:
            self.words.states(all_texts)

    def module(self) -> nn.Module:
        torch.manual_seed(self.seed)
        network = Network(self.size)
        network.measure([self.batch(step, hide=False).columns for step in range(24)])
        return network

    def batch(self, step: int, hide: bool = True) -> Batch:
        rng = np.random.default_rng([self.seed, 7, step])
        length = int(rng.choice(self._lengths, p=self._share))
        pool = self._of_length[length]
        rows = min(max(2, self.frames_per_batch // length), len(pool))
        weight = np.array([w.weight for w in pool])
        chosen = [pool[i] for i in rng.choice(len(pool), rows, replace=False, p=weight / weight.sum())]
        captions = []
        for window in chosen:
            pool_of = self._captions[_key(self.windows.corpus, window)]
            captions.append(pool_of[rng.integers(len(pool_of))])
        track, valid = self.windows.gather(chosen)
        if hide:
            valid = torch.where(torch.as_tensor(rng.random(rows) < HIDDEN)[:, None], valid & self._poor, valid)
        labels = [w.label for w in chosen]
        return make_batch(motion_columns(track, valid), read_mask(valid), captions, labels, self.words)

    def rows(self, batch: Batch) -> int:
        return len(batch.columns)

    def loss(self, module: nn.Module, batch: Batch, rows: slice) -> dict[str, Tensor]:
        """Terms ``(rows,)``. Embeddings of all rows are needed for any: every rank computes all of them."""
        assert isinstance(module, Network)
        count = len(batch.columns)
        motion = module.embed_motion(batch.columns, batch.read)
        text = module.embed_text(batch.texts)
        scale = module.scale.exp().clamp(max=50.0)
        logits = scale * text @ motion.T  # (2B, B)
        own = torch.cat([torch.eye(count, dtype=torch.bool), torch.zeros(count, count, dtype=torch.bool)])
        logits = logits.masked_fill(~(batch.wrong | own), -1e4)
        target = torch.arange(count)
        find_motion = functional.cross_entropy(logits[:count], target, reduction="none")
        find_text = functional.cross_entropy(logits.T, target, reduction="none")
        right, swapped = (text[:count] * motion).sum(1), (text[count:] * motion).sum(1)
        twin = functional.softplus(scale * (swapped - right) + 1.0) * batch.twin
        return {
            "motion": 0.5 * find_motion[rows],
            "text": 0.5 * find_text[rows],
            "twin": TWIN_WEIGHT * twin[rows],
        }

    def check(self, module: nn.Module) -> dict[str, float]:
        """The share of held-out windows whose own caption beats its side-swapped twin; looked at, never trained on."""
        assert isinstance(module, Network)
        shares = admission(Evaluator(module, Card("evaluator", "unfinished", ""), self.words), self.windows.corpus, 100)
        return {f"sides, {split}": share.value for split, share in shares.items() if share.count}


def admission(evaluator: Evaluator, corpus: Corpus, most: int | None = None, seed: int = 0) -> dict[str, Estimate]:
    """What an evaluator must pass before anything is judged by it: `ADMITTED` of held-out windows, in every split.

    Args:
        evaluator: trained.
        corpus: with held-out splits.
        most: windows of each split at most; None: all whose caption says a side.
        seed: which ones.

    Returns:
        by split, and "all" together: how often the true caption is preferred over the same with left and right
        exchanged, with Wilson's interval. Splits without such windows have a count of 0.
    """
    rng = np.random.default_rng([seed, 9])
    shares: dict[str, Estimate] = {}
    seen: list[np.ndarray] = []
    for split in [s for s in SPLITS if s != "train"]:
        pool = [(w, fullest(w)) for w in corpus.split(split) if w.captions]
        pool = [(w, c) for w, c in pool if swap_sides(c) != c]
        chosen = [pool[i] for i in sorted(rng.permutation(len(pool))[:most])]
        if not chosen:
            shares[split] = proportion(np.zeros(0, bool))
            continue
        windows = Windows(corpus, (split,))
        seen.append(evaluator.sides(windows, [w for w, _ in chosen], [c for _, c in chosen]).preferred)
        shares[split] = proportion(seen[-1])
    shares["all"] = proportion(np.concatenate(seen) if seen else np.zeros(0, bool))
    return shares


def verdict(shares: Mapping[str, Estimate]) -> str:
    """What `admission` comes to, in one line."""
    splits = {split: e for split, e in shares.items() if split != "all" and e.count}
    if not splits:
        return "no held-out caption says a side: cannot be admitted"
    told = ", ".join(f"{split} {e.value:.1%} ({e.low:.1%} to {e.high:.1%}, {e.count})" for split, e in splits.items())
    admitted = all(e.value >= ADMITTED for e in splits.values())
    outcome = "admitted" if admitted else "not admitted"
    return f"true caption before its side-swapped twin: {told}; {outcome} (at least {ADMITTED:.0%} in every split)"


def _key(corpus: Corpus, window: Window) -> tuple[Label, int]:
    """Windows that may share captions: those with one label, or of one clip where people described the clip."""
    return window.label, window.clip if corpus.clips[window.clip].captions else -1


def _pools(corpus: Corpus, windows: list[Window], most: int, seed: int) -> dict[tuple[Label, int], list[str]]:
    """At most so many captions for each kind of window, those that are true of every window of the kind first."""
    found: dict[tuple[Label, int], dict[str, None]] = {}
    for window in windows:
        found.setdefault(_key(corpus, window), {}).update(dict.fromkeys(window.captions))
    rng = np.random.default_rng([seed, 8])
    pools = {}
    for key, captions in found.items():
        shared = [c for c in captions if not _OWN.search(c)] or list(captions)
        pools[key] = [shared[i] for i in sorted(rng.permutation(len(shared))[:most])]
    return pools


def make_batch(
    columns: Tensor, read: Tensor, captions: list[str], labels: list[Label], words: Words
) -> Batch:  # fmt: skip
    """Encode captions and their side-swapped twins, and find the wrong answers."""
    swapped = [swap_sides(c) for c in captions]
    texts = words(captions + swapped)
    asked = [said(c, label) for c, label in zip(captions, labels)]
    wrong = ~true_of(asked + [swap_label(a) for a in asked], labels)
    pooled = texts.pooled.numpy()
    alike = pooled[: len(captions)] @ pooled[: len(captions)].T >= SAME_TEXT
    # MiniLM hardly knows left from right: what is alike to it but says another side stays a wrong answer.
    sides = np.array([a.side + a.direction for a in asked])
    wrong[: len(captions)] &= ~(alike & (sides[:, None] == sides[None]))
    twin = torch.tensor([a != b for a, b in zip(captions, swapped)])
    # A twin that is the same sentence is no second text.
    wrong[len(captions) :][~twin.numpy()] = False
    return Batch(columns, read, texts, torch.as_tensor(wrong), twin)


def fullest(window: Window) -> str:
    """The caption of a window that says the most, the first among equals; "" where there is none."""
    return max(window.captions, key=lambda c: slots(said(c, window.label)), default="")
