"""`Evaluator`: how well motion fits words; two small transformers trained to put both into one space (contrastive).

Words come as MiniLM token states, motion as joint positions and velocities with the root's way; contacts are left out,
because a model's own word on its contacts is not to be judged. Trained on the train split alone, and frozen before any
generator is tuned.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.clip import Clip
from motion.corpus import Window
from motion.errors import BadInput
from motion.prior import features, weights
from motion.prior.batches import Windows
from motion.prior.blocks import Block, rotary, start
from motion.prior.constraints import JOINTS
from motion.prior.features import POSITIONS, ROOT, VELOCITIES, Track
from motion.prior.filled import filled
from motion.prior.said import swap_sides
from motion.prior.weights import Card
from motion.prior.words import WIDTH as WORD_WIDTH
from motion.prior.words import Sentences, Words

#: Columns that the motion transformer reads: the root's way, pelvis and joint positions, joint velocities.
MOTION = ROOT + 66 + 66
#: spine2 is invented in nearly every source: it says nothing and is never read.
UNREAD: tuple[int, ...] = (6,)


@dataclass(frozen=True)
class Size:
    """How big an evaluator is."""

    width: int = 192
    heads: int = 6
    motion_layers: int = 4
    text_layers: int = 2
    out: int = 128
    patch: int = 3  # frames that share one token: 10 tokens a second


def motion_columns(track: Track, valid: Tensor) -> Tensor:
    """``(B, T, MOTION)`` metric features of windows, each seen from its own first frame; unread joints are zero.

    Args:
        track: leading axes ``(B, T)``.
        valid: ``(B, 22)`` bool.
    """
    c, s = track.heading[:, 0].unbind(-1)
    root = features.root_features(features.turned(track, c, -s, -track.path[:, 0]))
    body = features.body_features(track)
    positions = torch.cat([body[..., : POSITIONS.stop]], -1)
    return torch.cat([root, positions, body[..., VELOCITIES]], -1)


def read_mask(valid: Tensor) -> Tensor:
    """``(B, MOTION)`` float: 1 for columns of joints that are read."""
    read = valid.clone()
    read[:, list(UNREAD)] = False
    joints = read.float().repeat_interleave(3, 1)
    return torch.cat([torch.ones(len(valid), ROOT), joints, joints], 1)


class Tower(nn.Module):
    """A transformer over one sequence, pooled to a unit vector."""

    def __init__(self, columns: int, width: int, heads: int, layers: int, out: int, extra: int = 0) -> None:
        super().__init__()
        self.head_size = width // heads
        self.enter = nn.Linear(columns, width)
        self.blocks = nn.ModuleList(Block(width, heads, 4 * width, dropout=0.1) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width + extra, out)

    def forward(self, x: Tensor, mask: Tensor | None = None, extra: Tensor | None = None) -> Tensor:
        """``x (B, L, columns)``, ``mask (B, L)`` bool; unit vectors ``(B, out)`` float32."""
        x = self.enter(x)
        angles = rotary(x.shape[1], self.head_size)
        look = None if mask is None else mask[:, None, None]
        for block in self.blocks:
            x = block(x, angles, look)
        x = self.norm(x)
        if mask is None:
            pooled = x.mean(1)
        else:
            share = mask.to(x.dtype)[..., None]
            pooled = (x * share).sum(1) / share.sum(1).clamp(min=1)
        if extra is not None:
            pooled = torch.cat([pooled, extra.to(pooled.dtype)], -1)
        return functional.normalize(self.leave(pooled).float(), dim=-1)


class Network(nn.Module):
    """Both towers, the statistics of motion columns, and the temperature."""

    mean: Tensor
    std: Tensor

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.motion = Tower(MOTION * size.patch, size.width, size.heads, size.motion_layers, size.out)
        self.text = Tower(WORD_WIDTH, size.width, size.heads, size.text_layers, size.out, extra=WORD_WIDTH)
        self.scale = nn.Parameter(torch.tensor(np.log(1 / 0.07), dtype=torch.float32))
        self.register_buffer("mean", torch.zeros(MOTION))
        self.register_buffer("std", torch.ones(MOTION))
        start(self, size.motion_layers)

    @torch.no_grad()
    def measure(self, columns: Sequence[Tensor]) -> None:
        """Set the statistics; one spread for each group of columns, so that quiet joints are not blown up."""
        rows = torch.cat([c.flatten(0, -2) for c in columns])
        self.mean.copy_(rows.mean(0))
        groups = [slice(0, 2), slice(2, 3), slice(3, 5), slice(5, 7), slice(7, 8),
                  slice(ROOT, ROOT + 66), slice(ROOT + 66, MOTION)]  # fmt: skip
        for group in groups:
            self.std[group] = (rows[:, group] - self.mean[group]).square().mean().sqrt().clamp(min=1e-3)

    def embed_motion(self, columns: Tensor, read: Tensor) -> Tensor:
        """``(B, T, MOTION)`` metric columns and ``(B, MOTION)`` which are read, to ``(B, out)``."""
        x = ((columns - self.mean) / self.std).clamp(-12, 12) * read[:, None]
        over = -x.shape[1] % self.size.patch
        if over:
            x = torch.cat([x, x[:, -1:].expand(-1, over, -1)], 1)
        return self.motion(x.unflatten(1, (-1, self.size.patch)).flatten(2))

    def embed_text(self, sentences: Sentences) -> Tensor:
        """Unit vectors ``(B, out)``."""
        return self.text(sentences.states, sentences.mask, sentences.pooled)


@dataclass(frozen=True)
class SidePreference:
    """How often the true caption was preferred over its side-swapped twin, motion by motion."""

    preferred: np.ndarray  # (N,) bool
    windows: tuple[Window, ...]
    captions: tuple[str, ...]


class Evaluator:
    """A trained evaluator.

    Args:
        network: in evaluation mode.
        card: what the weights are.
        words: the sentence encoder; None: the packaged one.
    """

    def __init__(self, network: Network, card: Card, words: Words | None = None) -> None:
        self.network, self.card = network.eval(), card
        self.words = words or Words()

    @classmethod
    def load(cls, path: str | os.PathLike[str] = "base", words: Words | None = None) -> Evaluator:
        """From a weights file or a name that `motion.prior.weights.find` knows.

        Raises:
            BadInput: no such weights, or not whole, or their tensors are not an evaluator's.
        """
        path = weights.find(path, "evaluator")
        tensors, card = weights.load(path, "evaluator")
        return cls(filled(path, lambda _: Network(Size(**card.config["size"])), tensors), card, words)

    def save(self, path: str | os.PathLike[str]) -> Card:
        """Write the weights as float16 with their card."""
        return weights.save(path, {n: v.detach() for n, v in self.network.state_dict().items()}, self.card)

    def text(self, texts: Sequence[str], chunk: int = 256) -> np.ndarray:
        """Unit vectors ``(N, D)`` float32 of sentences."""
        with torch.inference_mode():
            rows = [
                self.network.embed_text(self.words(list(texts[at : at + chunk]))) for at in range(0, len(texts), chunk)
            ]
        return torch.cat(rows).numpy() if rows else np.zeros((0, self.network.size.out), np.float32)

    def tracks(self, track: Track, valid: Tensor) -> np.ndarray:
        """Unit vectors ``(B, D)`` of motions as tracks ``(B, T, …)``, joints that are not ``valid (B, 22)`` unread."""
        with torch.inference_mode():
            return self.network.embed_motion(motion_columns(track, valid), read_mask(valid)).numpy()

    def clips(self, clips: Sequence[Clip], valid: np.ndarray | None = None, chunk: int = 64) -> np.ndarray:
        """Unit vectors ``(N, D)`` float32 of clips at 30 fps.

        Args:
            clips: of any lengths; on the corpus's skeleton, else proportions are read as motion.
            valid: ``(N, 22)`` joints to read; None: what each clip says.
            chunk: clips of one length that are embedded at once.
        """
        out = np.zeros((len(clips), self.network.size.out), np.float32)
        lengths: dict[int, list[int]] = {}
        for i, clip in enumerate(clips):
            if clip.fps != 30:
                raise BadInput(f"evaluator: a clip at {clip.fps} frames per second, expected 30; resample it first")
            lengths.setdefault(clip.frames, []).append(i)
        for rows in lengths.values():
            for at in range(0, len(rows), chunk):
                part = rows[at : at + chunk]
                read = np.stack([clips[i].valid[:JOINTS] if valid is None else valid[i] for i in part])
                out[part] = self.tracks(stack([features.of_clip(clips[i]) for i in part]), torch.as_tensor(read))
        return out

    def windows(self, windows: Windows, chosen: Sequence[Window], chunk: int = 64) -> np.ndarray:
        """Unit vectors ``(N, D)`` float32 of captured windows of any lengths."""
        out = np.zeros((len(chosen), self.network.size.out), np.float32)
        for length in sorted({w.frames for w in chosen}):
            rows = [i for i, w in enumerate(chosen) if w.frames == length]
            for at in range(0, len(rows), chunk):
                part = rows[at : at + chunk]
                out[part] = self.tracks(*windows.gather([chosen[i] for i in part]))
        return out

    def sides(self, windows: Windows, chosen: Sequence[Window], captions: Sequence[str]) -> SidePreference:
        """Whether each captured window is nearer to its caption than to the same with left and right exchanged.

        Windows whose caption says no side are left out. A tie is not a preference.
        """
        kept = [i for i, caption in enumerate(captions) if swap_sides(caption) != caption]
        motion = self.windows(windows, [chosen[i] for i in kept])
        true = self.text([captions[i] for i in kept])
        twin = self.text([swap_sides(captions[i]) for i in kept])
        preferred = (motion * true).sum(1) > (motion * twin).sum(1)
        return SidePreference(preferred, tuple(chosen[i] for i in kept), tuple(captions[i] for i in kept))


def stack(tracks: Sequence[Track]) -> Track:
    """Tracks ``(T, …)`` of one length as one with a leading axis."""
    names = ("path", "heading", "pelvis", "rotations", "contacts")
    return Track(
        **{n: torch.stack([getattr(t, n) for t in tracks]) for n in names}, rest_offsets=tracks[0].rest_offsets
    )


def card_config(size: Size) -> dict[str, object]:
    """What a card needs to rebuild the network."""
    return {"size": asdict(size)}
