"""`Index`: captured windows found by words; retrieval of the motion whose caption says what was asked.

The index is made from a corpus that a user has. Captures are never part of this package, so without a corpus there is
no retrieval.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from motion import edit
from motion.clip import Clip, ContactTrack
from motion.contacts import LABELS
from motion.corpus import FPS, Corpus, Label, Window
from motion.errors import BadInput, CinemotionError
from motion.files import whole
from motion.take import Provenance

#: Pooled MiniLM cosine from which two sentences say nearly the same. Side, direction and count are compared apart:
#: pooled vectors hardly know left from right (cosine .98).
CLOSE = 0.80
#: Sentences that stand for the windows of one capture with one meaning.
_SENTENCES = 2
#: Windows whose length is weighed against their words.
_LOOKED_AT = 2000
#: Results among which the seed chooses, so that variations differ.
_AMONG = 6


@dataclass(frozen=True)
class Hit:
    """A captured window and how near its words are."""

    window: int  # of `Index.windows`
    caption: str
    score: float  # cosine of pooled sentences, −1 to 1
    agrees: bool  # verb, side, direction, count, manner and style are those asked


#: Sentences ``(N,)`` to unit vectors ``(N, D)``.
Encoder = Callable[[Sequence[str]], np.ndarray]


class Index:
    """Captions of a corpus as vectors, and the motion behind them.

    Args:
        corpus: clips and windows; those of ``splits`` with captions are indexed.
        encode: sentences to unit vectors; None: MiniLM.
        splits: held-out windows are left out by default, so that judging by them stays honest.
        cache: a file in which vectors are kept between runs.
    """

    def __init__(
        self,
        corpus: Corpus,
        encode: Encoder | None = None,
        splits: Sequence[str] = ("train",),
        cache: str | os.PathLike[str] | None = None,
    ) -> None:
        self.corpus = corpus
        self.windows: list[Window] = [w for w in corpus.windows if w.split in splits and w.captions]
        if not self.windows:
            raise BadInput(f"retrieval: no captioned windows in {' or '.join(splits)}")
        self._encode = encode or _minilm
        # Windows of one capture that mean the same share some sentences: a corpus says each motion in many ways, and a
        # hundred thousand sentences would take minutes to encode.
        said: dict[tuple[int, Label], list[str]] = {}
        for w in self.windows:
            words = said.setdefault((w.clip, w.label), [])
            words[:] = list(dict.fromkeys((*words, *w.captions)))[:_SENTENCES]
        self.captions = tuple(dict.fromkeys(c for words in said.values() for c in words))
        number = {c: i for i, c in enumerate(self.captions)}
        of_window = [said[w.clip, w.label] for w in self.windows]
        self._first = np.concatenate([[0], np.cumsum([len(words) for words in of_window])])[:-1]
        self._caption = np.array([number[c] for words in of_window for c in words])
        self.vectors = self._vectors(cache)

    def _vectors(self, cache: str | os.PathLike[str] | None) -> np.ndarray:
        """``(C, D)`` float32, read from the cache when it holds these captions."""
        path = None if cache is None else Path(cache)
        if path is not None and path.is_file():
            try:
                with np.load(path, allow_pickle=False) as stored:
                    if tuple(stored["captions"].tolist()) == self.captions:
                        return np.asarray(stored["vectors"], dtype=np.float32)
            except (OSError, ValueError, KeyError):
                pass  # a cache that cannot be read is made again
        vectors = np.asarray(self._encode(self.captions), dtype=np.float32)
        if path is not None:
            # A folder that cannot be written to costs the same time again, never the motion.
            with contextlib.suppress(CinemotionError), whole(path) as partial, partial.open("wb") as file:
                np.savez(file, captions=np.array(self.captions), vectors=vectors)
        return vectors

    def search(self, text: str, label: Label, most: int = 20) -> list[Hit]:
        """Windows by likeness of words, the best first; those whose label disagrees come after all that agree.

        Args:
            text: what was asked.
            label: what it means; empty fields agree with anything but the verb.
            most: hits to return.
        """
        near = (self.vectors @ np.asarray(self._encode([text]), dtype=np.float32)[0])[self._caption]
        score = np.maximum.reduceat(near, self._first)
        same = np.array([agrees(label, w.label) for w in self.windows])
        order = np.lexsort((np.arange(len(score)), -score, ~same))[:most]
        last = np.append(self._first[1:], len(near))
        found = []
        for i in order:
            rows = slice(int(self._first[i]), int(last[i]))
            caption = self.captions[self._caption[rows][int(np.argmax(near[rows]))]]
            found.append(Hit(int(i), caption, float(score[i]), bool(same[i])))
        return found

    def choose(self, text: str, label: Label, frames: int, seed: int = 0, force: bool = False) -> Hit | None:
        """A window that says what was asked and lasts about as long; None when none is close.

        Args:
            text: what was asked.
            label: what it means.
            frames: wanted length; longer windows are cut, shorter ones continued, nearer ones preferred.
            seed: chooses among the best.
            force: True takes the nearest even when it is not close.
        """
        hits = self.search(text, label, _LOOKED_AT)
        close = [hit for hit in hits if hit.agrees and hit.score >= CLOSE]
        if not close:
            return hits[0] if force else None

        def cost(hit: Hit) -> float:
            missing = max(0, frames - self.windows[hit.window].frames) / frames
            over = max(0, self.windows[hit.window].frames - frames) / frames
            return (1.0 - hit.score) + 0.3 * missing + 0.05 * over

        close.sort(key=lambda hit: (cost(hit), hit.window))
        # One window of each capture: six crops of one take are not six motions.
        best = {self.windows[hit.window].clip: hit for hit in reversed(close)}
        top = sorted(best.values(), key=lambda hit: (cost(hit), hit.window))[:_AMONG]
        return top[int(np.random.default_rng([seed & 0xFFFFFFFF, 7]).integers(len(top)))]

    def clip(self, window: int) -> Clip:
        """The motion of a window, mirrored and re-timed as it says, on the corpus's skeleton at 30 fps."""
        w = self.windows[window]
        info = self.corpus.clips[w.clip]
        first = int(self.corpus.starts[w.clip]) + w.start
        last = int(self.corpus.starts[w.clip + 1])
        rows = slice(first, min(first + int(np.ceil((w.frames - 1) * w.speed)) + 1, last))
        clip = Clip(
            self.corpus.rotations[rows],
            self.corpus.root_position[rows],
            self.corpus.rest_offsets,
            Fraction(FPS),
            valid=self.corpus.valid[w.clip],
            contacts=ContactTrack(LABELS, self.corpus.contacts[rows]),
            provenance=Provenance(source=info.name, licence=info.licence),
        )
        if w.speed != 1.0:
            clip = edit.sample(clip, np.arange(w.frames) * w.speed / FPS)
        if w.mirror:
            clip = replace(edit.mirror(clip), rest_offsets=clip.rest_offsets)
            # The skeleton is symmetric; contact columns are put back in the models' order.
            if clip.contacts is not None:
                columns = [clip.contacts.labels.index(label) for label in LABELS]
                clip = replace(clip, contacts=ContactTrack(LABELS, clip.contacts.on[:, columns]))
        return clip

    def name(self, window: int) -> str:
        """The capture that a window lies in, and where."""
        w = self.windows[window]
        info = self.corpus.clips[w.clip]
        mirrored = ", mirrored" if w.mirror else ""
        stop = w.start + round((w.frames - 1) * w.speed)
        return f"{info.name} frames {w.start} to {stop}{mirrored} ({info.licence})"


def agrees(asked: Label, has: Label) -> bool:
    """Whether a window does what is asked: the same verb, and nothing that was said differs."""
    if not asked.verb or asked.verb != has.verb:
        return False
    for name in ("side", "direction", "count", "manner", "style"):
        wanted, got = getattr(asked, name), getattr(has, name)
        if wanted and wanted != got:
            return False
    # Nobody asked for a style: an angry walk is not just a walk.
    return bool(asked.style) or has.style in ("", "normal")


def _minilm(texts: Sequence[str]) -> np.ndarray:
    from motion.prior.words import Words

    return np.asarray(Words()(list(texts)).pooled.numpy(), dtype=np.float32)
