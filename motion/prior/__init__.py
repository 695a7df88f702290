"""The learned motion prior: words, keys, paths and rough clips to motion. Imports torch only where a network runs.

from motion.prior.generate import generate
clip = generate("walks three steps, then waves with the left hand")[0].clip
"""

from __future__ import annotations

from typing import Any

#: What callers name, and the module that has it; loaded when first asked for.
_PLACES = {
    "Request": "request", "Result": "request", "Keys": "request", "Path": "request", "Reach": "request",
    "Constraints": "constraints", "Prior": "model", "InBetweener": "inbetween", "Tokenizer": "vqvae",
    "Streamer": "stream",
}  # fmt: skip
__all__ = [*_PLACES]


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
