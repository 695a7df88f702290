"""`MotionGPT`: trained weights that say motion token by token, and the words that steer it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from motion.corpus import Label
from motion.errors import BadInput
from motion.prior import weights
from motion.prior.filled import filled
from motion.prior.gpt_net import Config, Network, State
from motion.prior.network import plan_tokens
from motion.prior.vqvae import Tokenizer
from motion.prior.words import WIDTH as WORD_WIDTH
from motion.prior.words import Words


def tokens_beside(path: Path) -> Path:
    """The token weights that belong to a file of GPT weights: of the same name, else the only ones in its folder."""
    beside = path.with_name(path.name.replace("-gpt", "-tokens"))
    return beside if beside.is_file() else weights.find(path.parent, "tokens")


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn."""

    temperature: float = 0.9  # of the first level; 0: always the likeliest
    fine: float = 0.3  # of the finer levels: hardly anything tells them, and what they guess shakes
    top: int = 64  # codes in the draw
    guidance: float = 4.0  # how much further than without words; at 1.5 a walk goes on through a wave; 1: plainly

    def __post_init__(self) -> None:
        for name in ("temperature", "fine", "guidance"):
            value = getattr(self, name)
            if not (np.isfinite(value) and 0 <= value <= 20):
                raise BadInput(f"{name}: {value}, expected 0 to 20")
        if self.top < 1:
            raise BadInput(f"top: {self.top}, expected 1 or more")


class MotionGPT:
    """A trained GPT over the tokens of one tokenizer.

    Args:
        network: in evaluation mode.
        tokenizer: the weights whose tokens it learned.
        card: what the weights are; its ``config`` holds the tokenizer's hash.
        words: the sentence encoder; None: the packaged one, loaded when words come.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer, card: weights.Card, words: Words | None = None) -> None:
        self.network, self.tokenizer, self.card = network.eval(), tokenizer, card
        self.words = words or Words()

    @classmethod
    def load(
        cls, name_or_path: str | os.PathLike[str] = "base", tokens: str | os.PathLike[str] | None = None,
        words: Words | None = None,
    ) -> MotionGPT:  # fmt: skip
        """Weights by name, or from a file or a training folder; those of the tokens beside them.

        Args:
            name_or_path: of the GPT.
            tokens: of the tokenizer; None: the same name, or the same folder.
            words: a sentence encoder to share.

        Raises:
            BadInput: there are none, a file is damaged or of another kind or version, or the two do not fit together.
        """
        path = weights.find(name_or_path, "gpt")
        tensors, card = weights.load(path, "gpt")
        config = dict(card.config)
        wanted = config.pop("tokens", "")
        network = filled(path, lambda _: Network(Config(**config)), tensors)
        tokenizer = Tokenizer.load(tokens_beside(path) if tokens is None else tokens)
        if wanted and wanted != tokenizer.card.sha256:
            raise BadInput(
                f"{path}: made for tokens of weights {wanted[:12]}…, those beside it are {tokenizer.card.sha256[:12]}…"
            )
        return cls(network, tokenizer, card, words)

    def save(self, path: str | os.PathLike[str]) -> weights.Card:
        """Write weights and card to a ``.safetensors`` file; gives the card as written."""
        config = {**self.network.config.as_dict(), "tokens": self.tokenizer.card.sha256}
        self.card = weights.save(path, self.network.state_dict(), replace(self.card, config=config))
        return self.card

    @torch.inference_mode()
    def condition(self, label: Label, text: str = "") -> Tensor:
        """What shall happen, and nothing said, as the network reads them: ``(2, width)``."""
        plan = plan_tokens([label, Label()])
        pooled = torch.zeros(2, WORD_WIDTH)
        if text:
            pooled[0] = self.words([text]).pooled[0]
        return self.network.condition(plan, pooled)

    def speak(self, seed: int = 0, sampling: Sampling | None = None) -> Speaker:
        """A new stream of tokens."""
        return Speaker(self, seed, sampling or Sampling())

    def tokens(
        self, label: Label, count: int, text: str = "", seed: int = 0, sampling: Sampling | None = None
    ) -> np.ndarray:
        """``count`` tokens of one action, ``(count, levels)``."""
        if count < 1:
            raise BadInput(f"tokens: {count}, expected 1 or more")
        speaker = self.speak(seed, sampling)
        condition = self.condition(label, text)
        return np.stack([speaker.next(condition) for _ in range(count)])


class Speaker:
    """One stream of tokens: what was said so far, and the chance of what comes."""

    def __init__(self, model: MotionGPT, seed: int, sampling: Sampling) -> None:
        self._model, self._sampling = model, sampling
        self._chance = torch.Generator().manual_seed(seed & (2**63 - 1))
        self._state: State = model.network.fresh()
        self._last: Tensor | None = None

    @torch.inference_mode()
    def hear(self, codes: np.ndarray, condition: Tensor) -> None:
        """Go on from motion that was not said here, ``(N, levels)``."""
        self._model.tokenizer.check(codes)
        for token in torch.from_numpy(np.asarray(codes).astype(np.int64)):
            self._read(condition)
            self._last = token

    def _read(self, condition: Tensor) -> Tensor:
        network = self._model.network
        vector = network.begin if self._last is None else network.read(self._last)
        # Two rows always: what is remembered must not depend on when guidance was on.
        return network.step(vector.expand(2, -1), condition, self._state)

    @torch.inference_mode()
    def next(self, condition: Tensor) -> np.ndarray:
        """The next token ``(levels,)``, told ``condition`` (from `MotionGPT.condition`)."""
        s = self._sampling
        hidden = self._read(condition)
        rows = hidden[:1] if s.guidance == 1.0 else hidden
        self._last = self._model.network.draw(rows, self._chance, s.temperature, s.fine, s.top, s.guidance)
        return self._last.numpy().astype(np.uint16)

    def forever(self, condition: Tensor) -> Iterator[np.ndarray]:
        """Tokens without end."""
        while True:
            yield self.next(condition)
