"""How near results lie to training motion, and the retrieval baseline; both need the captures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from motion import skeleton
from motion.clip import Clip
from motion.corpus import Corpus, Label, Window
from motion.prior import features
from motion.prior.evaluate_set import Item
from motion.prior.metrics import Shapes, shapes, squared_distance
from motion.prior.said import slots
from motion.prior.words import Words

#: Joints that every source has, so that nearness does not depend on what a source lacks.
JOINTS: tuple[int, ...] = tuple(
    skeleton.INDEX[n]
    for n in ("pelvis", "neck", *(f"{s}_{j}" for s in ("left", "right") for j in (
        "hip", "knee", "ankle", "shoulder", "elbow")))
)  # fmt: skip
_MIRROR: list[int] = [JOINTS.index(int(skeleton.MIRROR[j])) for j in JOINTS]
#: Poses are compared five times a second, and training motion from every fourth frame on: 0.13 s apart.
EVERY, STEP = 6, 4
SPEEDS: tuple[float, ...] = tuple(round(0.85 + 0.02 * k, 2) for k in range(16)) + (1.0,)


def of_clips(clips: Sequence[Clip]) -> np.ndarray:
    """Joint positions of clips of one length, five poses a second: ``(B, T / EVERY, J, 3)`` float32, metres."""
    return np.stack([clip.positions()[::EVERY, list(JOINTS)] for clip in clips]).astype(np.float32)


@dataclass(frozen=True)
class TrainingMotion:
    """Joint positions of all that training windows cover, end to end as in the corpus."""

    positions: np.ndarray  # (N, J, 3) float32 metres
    covered: np.ndarray  # (N + 1,) how many frames before this one are covered
    ends: np.ndarray  # (N,) first row after the clip that a row is of

    @classmethod
    def of(cls, corpus: Corpus) -> TrainingMotion:
        """From the windows of the train split, at the captured speed."""
        rows = len(corpus.rotations)
        covered = np.zeros(rows, bool)
        for w in corpus.windows:
            if w.split == "train":
                first = int(corpus.starts[w.clip]) + w.start
                covered[first : first + int((w.frames - 1) * w.speed) + 1] = True
        positions = np.zeros((rows, len(JOINTS), 3), np.float32)
        rest = torch.as_tensor(corpus.rest_offsets, dtype=torch.float32)
        for a, b in pairwise(corpus.starts.tolist()):
            if covered[a:b].any():
                track = features.track(
                    torch.as_tensor(np.asarray(corpus.rotations[a:b], np.float32)),
                    torch.as_tensor(np.asarray(corpus.root_position[a:b], np.float32)),
                    torch.zeros(b - a, 4), rest,
                )  # fmt: skip
                positions[a:b] = track.positions()[:, list(JOINTS)].numpy()
        ends = np.repeat(corpus.starts[1:], np.diff(corpus.starts))
        return cls(positions, np.concatenate([[0], np.cumsum(covered)]), ends)

    def starts(self, frames: int) -> np.ndarray:
        """Rows at which a covered stretch of this length begins, every fourth."""
        at = np.arange(0, len(self.positions) - frames + 1, STEP)
        return at[(self.covered[at + frames] - self.covered[at] == frames) & (at + frames <= self.ends[at])]

    def at(self, first: np.ndarray, frames: int, mirror: np.ndarray | bool = False, speed: float = 1.0) -> Shapes:
        """Stretches that begin at rows ``(B,)``; running on past a clip's end holds its last pose."""
        steps = np.arange(0, frames, EVERY) * speed
        last = self.ends[first][:, None] - 1
        low = np.floor(steps).astype(np.int64)
        here = self.positions[np.minimum(first[:, None] + low, last)]
        if speed != 1.0:
            part = (steps - low).astype(np.float32)[:, None, None]
            here = (1 - part) * here + part * self.positions[np.minimum(first[:, None] + low + 1, last)]
        if np.any(mirror):
            other = here[:, :, _MIRROR] * np.array([-1, 1, 1], np.float32)
            here = np.where(np.broadcast_to(mirror, len(first))[:, None, None, None], other, here)
        return shapes(here)


def distances(training: TrainingMotion, results: Mapping[str, Sequence[Clip]]) -> dict[str, np.ndarray]:
    """Distance of each result to the nearest training motion of its length, metres; results by row's name.

    First among every fourth start and its mirror image; then, about the nearest few of these, at every frame and at the
    speeds that training re-times to: what is remembered may begin at any frame, a little faster or slower.
    """
    out = {name: np.full(len(clips), np.nan) for name, clips in results.items()}
    for frames in sorted({clip.frames for clips in results.values() for clip in clips}):
        where = [(name, i) for name, clips in results.items() for i, c in enumerate(clips) if c.frames == frames]
        queries = shapes(of_clips([results[n][i] for n, i in where]))
        nearest = _nearest(training, queries, frames)
        for (name, i), value in zip(where, nearest, strict=True):
            out[name][i] = value
    return out


def _nearest(training: TrainingMotion, queries: Shapes, frames: int, chunk: int = 8192, few: int = 6) -> np.ndarray:
    """Root mean square distance ``(N,)`` to the nearest stretch, metres."""
    starts = training.starts(frames)
    if not len(starts):
        return np.full(len(queries), np.inf)
    best = np.full((len(queries), few), np.inf)
    which = np.zeros((len(queries), few), np.int64)  # start, or start + number of starts for the mirror image
    for mirror in (False, True):
        for k in range(0, len(starts), chunk):
            square = squared_distance(queries, training.at(starts[k : k + chunk], frames, mirror))
            take = min(few, square.shape[1])
            here = np.argpartition(square, take - 1, axis=1)[:, :take]
            values = np.concatenate([best, np.take_along_axis(square, here, 1)], axis=1)
            numbers = np.concatenate([which, here + k + len(starts) * mirror], axis=1)
            order = np.argsort(values, axis=1)[:, :few]
            best, which = np.take_along_axis(values, order, 1), np.take_along_axis(numbers, order, 1)
    result = np.full(len(queries), np.inf)
    for column in range(few):
        first, mirror_ = starts[which[:, column] % len(starts)], which[:, column] >= len(starts)
        begin = training.ends[first]
        for shift in range(-STEP + 1, STEP):
            moved = first + shift
            inside = (moved >= 0) & (moved < len(training.ends))
            moved = np.where(inside, moved, first)
            moved = np.where(training.ends[moved] == begin, moved, first)
            for speed in SPEEDS:
                near = squared_distance(queries, training.at(moved, frames, mirror_, speed), pairs=True)
                result = np.minimum(result, np.sqrt(near))
    return result


def over_bound(distance: np.ndarray, frames: np.ndarray, bounds: dict[int, float]) -> np.ndarray:
    """Distances over the bound of their length ``(N,)``: below 1 is a copy."""
    return distance / np.array([bounds[int(n)] for n in frames])


def retrieve(corpus: Corpus, items: Sequence[Item], words: Words, most: int = 2500, seed: int = 0) -> list[Window]:
    """For each item the training window of its length whose words are nearest.

    Among windows whose plan tells as much as the caption does, the one with the likest caption (MiniLM, pooled): what a
    model must beat to be worth more than a search. Neither the evaluator nor the item's motion is looked at.
    """
    rng = np.random.default_rng([seed, 52])
    found: list[Window | None] = [None] * len(items)
    for frames in sorted({item.frames for item in items}):
        pool = [w for w in corpus.windows if w.split == "train" and w.frames == frames and w.captions and w.label.verb]
        pool = [pool[i] for i in sorted(rng.permutation(len(pool))[:most])]
        captions = [max(w.captions, key=len) for w in pool]
        vectors = _pooled(words, captions)
        for i, item in enumerate(items):
            if item.frames != frames:
                continue
            agree = np.array([_agreement(item.label, w) for w in pool])
            near = vectors @ _pooled(words, [item.text])[0]
            found[i] = pool[int(np.lexsort((-near, -agree))[0])]
    return [w for w in found if w is not None]


def _agreement(asked: Label, window: Window) -> int:
    """How many of the slots that are asked the window's label has; a wrong verb or side costs all of them."""
    there = window.label
    names = ("verb", "side", "direction", "count", "manner", "style")
    right = sum(bool(getattr(asked, n)) and getattr(asked, n) == getattr(there, n) for n in names)
    wrong = sum(bool(getattr(asked, n)) and getattr(asked, n) != getattr(there, n) for n in ("verb", "side"))
    return right - wrong * slots(asked)


def _pooled(words: Words, texts: Sequence[str]) -> np.ndarray:
    rows = [words(list(texts[at : at + 256])).pooled.numpy() for at in range(0, len(texts), 256)]
    return np.concatenate(rows)
