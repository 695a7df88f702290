"""A tokenizer and a GPT that have learned next to nothing, on the tiny corpus: enough to run what needs them."""

from __future__ import annotations

import functools
from pathlib import Path

from tiny_prior import corpus

from motion.prior import vqvae_net
from motion.prior.batches import Windows
from motion.prior.gpt import MotionGPT
from motion.prior.gpt_net import Config
from motion.prior.gpt_task import GptTask
from motion.prior.trainer import Settings, train
from motion.prior.vqvae import Tokenizer
from motion.prior.vqvae_net import TokenTask
from motion.prior.weights import Card

TOKENS = vqvae_net.Config(width=48, fine=32, code=16, codes=32, levels=3, encoder=1, decoder=2)
SPEECH = Config(width=32, layers=2, heads=2, hidden=64, reach=12, dropout=0.0)


@functools.cache
def windows(split: str = "train") -> Windows:
    return Windows(corpus(), (split,), frames_per_batch=240)


def token_task() -> TokenTask:
    return TokenTask(windows(), windows("blocks"), TOKENS, frames=32, frames_per_batch=256)


@functools.cache
def _learned(folder: str) -> Tokenizer:
    settings = Settings(steps=40, rate=3e-3, warm_up=5, average=0.9, check_every=10**6, bf16=False)
    run = train(token_task(), folder, settings)
    assert isinstance(run.module, vqvae_net.Network)
    tokenizer = Tokenizer(run.module, Card("tokens", "tiny", "MIT", config=run.module.config.as_dict()))
    tokenizer.save(Path(folder) / "tiny-tokens.safetensors")
    return tokenizer


def gpt_task(tokenizer: Tokenizer) -> GptTask:
    return GptTask(windows(), tokenizer, windows("blocks"), SPEECH, length=12, rows=6)


def write(folder: Path) -> MotionGPT:
    """``tiny-tokens.safetensors`` and ``tiny-gpt.safetensors`` in a folder."""
    tokenizer = _learned(str(folder))
    run = train(gpt_task(tokenizer), folder / "gpt", Settings(steps=5, check_every=10**6, bf16=False))
    model = MotionGPT(run.module, tokenizer, Card("gpt", "tiny", "MIT"))  # type: ignore[arg-type]
    model.save(folder / "tiny-gpt.safetensors")
    return model
