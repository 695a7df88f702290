"""Batches of windows of a `Corpus`, every one of a single length; batch k is the same whoever asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motion import skeleton
from motion.corpus import Corpus, Window
from motion.errors import BadInput
from motion.prior import features
from motion.prior.constraints import JOINTS
from motion.prior.features import Track

_MIRROR: list[int] = skeleton.MIRROR[:JOINTS].tolist()
_FLIP = torch.tensor([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Batch:
    """Windows of one length."""

    track: Track  # leading axes (B, T)
    valid: Tensor  # (B, 22) bool: joints the source really had
    windows: tuple[Window, ...]
    captions: tuple[str, ...]  # one each, "" where there is none

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def frames(self) -> int:
        return self.track.path.shape[1]


class Windows:
    """The windows of some splits, ready to be drawn.

    Args:
        corpus: clips and windows.
        splits: which windows.
        frames_per_batch: rows × frames of a batch; a batch of longer windows has fewer of them.
    """

    def __init__(self, corpus: Corpus, splits: Sequence[str] = ("train",), frames_per_batch: int = 5760) -> None:
        self.corpus = corpus
        self.windows = [w for w in corpus.windows if w.split in splits]
        if not self.windows:
            raise BadInput(f"corpus: no windows in {' or '.join(splits)}; expected some")
        self.frames_per_batch = frames_per_batch
        self.rest_offsets = torch.as_tensor(corpus.rest_offsets, dtype=torch.float32)
        self._valid = torch.as_tensor(corpus.valid[:, :JOINTS])
        self._prepare()
        self._lengths = sorted({w.frames for w in self.windows})
        self._of_length = {n: [i for i, w in enumerate(self.windows) if w.frames == n] for n in self._lengths}
        weights = np.array([w.weight for w in self.windows])
        self._chance = {n: weights[i] / weights[i].sum() for n, i in self._of_length.items()}
        # A length is drawn as often as its windows weigh, in frames.
        share = np.array([weights[i].sum() for i in self._of_length.values()])
        self._share = share / share.sum()

    def _prepare(self) -> None:
        """World tracks of all clips that have windows here, end to end."""
        corpus = self.corpus
        rows = len(corpus.rotations)
        self._path, self._heading = torch.zeros(rows, 2), torch.zeros(rows, 2)
        self._six = torch.zeros(rows, JOINTS, 6)
        self._pelvis = torch.as_tensor(corpus.root_position, dtype=torch.float32)
        self._contacts = torch.as_tensor(corpus.contacts.astype(np.float32))
        for clip in {w.clip for w in self.windows}:
            span = slice(int(corpus.starts[clip]), int(corpus.starts[clip + 1]))
            rotations = torch.as_tensor(np.asarray(corpus.rotations[span], dtype=np.float32))
            t = features.track(rotations, self._pelvis[span], self._contacts[span], self.rest_offsets)
            self._path[span], self._heading[span] = t.path, t.heading
            self._six[span] = features.six_from_matrix(t.rotations)

    def onto(self, device: torch.device) -> None:
        """Keep the tracks on a device; batches are made there from now on."""
        for name in ("_path", "_heading", "_six", "_pelvis", "_contacts", "_valid", "rest_offsets"):
            setattr(self, name, getattr(self, name).to(device))

    def gather(self, windows: Sequence[Window]) -> tuple[Track, Tensor]:
        """Tracks ``(B, T, …)`` of windows of one length, and which joints are valid ``(B, 22)``.

        Re-timed windows are interpolated between frames; mirrored ones are reflected in x.
        """
        device = self._path.device
        frames = windows[0].frames
        clips = np.array([w.clip for w in windows])
        first = torch.as_tensor(self.corpus.starts[clips], device=device)
        last = torch.as_tensor(self.corpus.starts[clips + 1] - 1, device=device)
        speed = torch.as_tensor(np.array([w.speed for w in windows]), device=device)
        start = torch.as_tensor(np.array([w.start for w in windows]), device=device)
        at = start[:, None] + torch.arange(frames, device=device) * speed[:, None]
        low = at.floor().long()
        t = (at - low).float()
        i = torch.minimum(first[:, None] + low, last[:, None])
        j = torch.minimum(i + 1, last[:, None])

        def between(values: Tensor) -> Tensor:
            weight = t.reshape(*t.shape, *([1] * (values.ndim - 1)))
            return values[i] * (1 - weight) + values[j] * weight

        path, pelvis, contacts = between(self._path), between(self._pelvis), (between(self._contacts) > 0.5).float()
        heading = torch.nn.functional.normalize(between(self._heading), dim=-1)
        rotations = features.matrix_from_six(between(self._six))
        valid = self._valid[torch.as_tensor(clips, device=device)]
        if any(w.mirror for w in windows):
            m = torch.tensor([w.mirror for w in windows], device=device)
            reflect = _FLIP.to(device)
            flip = torch.where(m[:, None], reflect, 1.0)  # (B, 3)
            path = path * flip[:, None, [0, 2]]
            pelvis = pelvis * flip[:, None]
            heading = heading * torch.where(m[:, None], heading.new_tensor([1.0, -1.0]), 1.0)[:, None]
            contacts = torch.where(m[:, None, None], contacts[..., [2, 3, 0, 1]], contacts)
            other = rotations[:, :, _MIRROR] * reflect[:, None] * reflect
            rotations = torch.where(m[:, None, None, None, None], other, rotations)
            valid = torch.where(m[:, None], valid[:, _MIRROR], valid)
        return Track(path, heading, pelvis, rotations, contacts, self.rest_offsets), valid

    def draw(self, step: int, seed: int = 0, fraction: float = 1.0) -> Batch:
        """Batch number ``step``: windows drawn by weight, one caption of each at random."""
        rng = np.random.default_rng([seed, step])
        length = int(rng.choice(self._lengths, p=self._share))
        size = max(1, int(self.frames_per_batch * fraction) // length)
        chosen = [self.windows[i] for i in rng.choice(self._of_length[length], size=size, p=self._chance[length])]
        captions = [w.captions[rng.integers(len(w.captions))] if w.captions else "" for w in chosen]
        return self.batch(chosen, captions)

    def batch(self, windows: Sequence[Window], captions: Sequence[str] | None = None) -> Batch:
        """These windows, which must have one length."""
        track, valid = self.gather(windows)
        if captions is None:
            captions = [w.captions[0] if w.captions else "" for w in windows]
        return Batch(track, valid, tuple(windows), tuple(captions))

    def captions(self) -> list[str]:
        """Every caption once, in order."""
        return list(dict.fromkeys(c for w in self.windows for c in w.captions))
