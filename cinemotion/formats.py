"""Every file of motion: `mocap_data`'s registry joined with glTF, which lives in `render`, and the prior's tokens."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from motion.take import Take

GLTF_SUFFIXES = (".glb", ".gltf")
TOKENS = ".tokens"


@functools.cache
def join() -> None:
    """Add glTF reading and tokens to the registry; once is enough."""
    from mocap_data import Format, register

    def read(path: str | os.PathLike[str]) -> Take:
        from render.interchange import gltf

        return gltf.load(Path(path))

    note = "the skin's joints and the first animation; written with the dressed body"
    register(Format("glTF", GLTF_SUFFIXES, read, note=note))
    note = "what the weights of a tokenizer keep of motion, about a hundred bytes a second"
    register(Format("tokens", (TOKENS,), _read_tokens, _write_tokens, note=note))


def _read_tokens(path: str | os.PathLike[str], *, model: str = "base") -> Take:
    from motion.prior.vqvae import Tokenizer, Tokens
    from motion.retarget import clip_to_take

    tokens = Tokens.load(path)
    tokenizer = Tokenizer.load(model)
    clip = tokenizer.decode(tokens)
    return clip_to_take(clip.noting(f"decoded by {tokenizer.card.label}; licence: {clip.provenance.licence}"))


def _write_tokens(take: Take, path: str | os.PathLike[str], *, model: str = "base") -> None:
    from mocap_data import NeedsRetarget
    from motion.prior.vqvae import Tokenizer
    from motion.retarget import retarget

    if not (take.skeleton_kind or "").startswith("smpl"):
        other = f"{take.joints} joints from '{take.names[0]}'"
        raise NeedsRetarget(f"{Path(path).name}: another skeleton than SMPL's ({other})", "smpl")
    Tokenizer.load(model).encode(retarget(take)[0]).save(path)


def load(path: str | os.PathLike[str], **options: Any) -> Take:
    """A `Take` from any motion file; raises `BadInput` as `mocap_data.load` does."""
    import mocap_data

    join()
    return mocap_data.load(path, **options)


def options_of(path: str | os.PathLike[str]) -> frozenset[str]:
    """What the reader of a file may be told, for example ``fps`` or ``sample``; raises as `load`."""
    import mocap_data

    join()
    return mocap_data.options_of(path)


def readable() -> tuple[str, ...]:
    """Suffixes that motion is read from."""
    import mocap_data

    join()
    return tuple(dict.fromkeys(s for f in mocap_data.formats() if f.read is not None for s in f.suffixes))


def writable() -> tuple[str, ...]:
    """Suffixes that motion is written to."""
    import mocap_data

    join()
    own = (s for f in mocap_data.formats() if f.write is not None for s in f.suffixes)
    return tuple(dict.fromkeys((*own, *GLTF_SUFFIXES)))
