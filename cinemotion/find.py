"""`cinemotion find`: the stretches of captures and token files that move most like a given motion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cinemotion import formats
from motion.errors import BadInput, CinemotionError
from motion.prior import threads, weights

#: Captions and sidecars far more often than motion: not counted where they are none.
_NOTES = (".json", ".txt")


def find(motion: str, places: Sequence[Path], most: int = 5, model: str = "base") -> Iterator[str]:
    """Lines about the nearest stretches, one of each file at most, nearest first.

    Files below folders that cannot be used are counted; one that was named is an error.

    Raises:
        BadInput: there is no such file, no such weights, or nothing to look through.
    """
    path = weights.find(model, "tokens")
    threads.settle()
    from motion.prior.vqvae import Shelf, Tokenizer

    tokenizer = Tokenizer.load(path)
    asked = _tokens(motion, tokenizer)
    shelf = Shelf(tokenizer)
    seconds: dict[str, float] = {}
    refused = 0
    for file, named in _files(places, motion):
        try:
            tokens = _tokens(str(file), tokenizer)
            shelf.add(str(file), tokens)
        except CinemotionError as error:
            if named:
                raise BadInput(str(error) if str(file) in str(error) else f"{file}: {error}") from None
            refused += file.suffix.lower() not in _NOTES
        else:
            seconds[str(file)] = tokens.seconds
    if not seconds:
        also = f" ({refused} could not be used)" if refused else ""
        raise BadInput(f"{', '.join(map(str, places))}: no motion to look through{also}")
    for hit in shelf.find(asked, most):
        stop = min(hit.start_s + asked.seconds, seconds[hit.name])
        yield f"{hit.distance:6.3f}  {hit.start_s:7.2f} – {stop:7.2f} s  {hit.name}"
    searched = f"{len(seconds)} file{'s' * (len(seconds) != 1)}, {sum(seconds.values()) / 60:.1f} minutes"
    yield f"looked through {searched}" + (f"; {refused} could not be used" if refused else "")


def _files(places: Sequence[Path], motion: str) -> Iterator[tuple[Path, bool]]:
    """Files to look through, and whether they were named; what is looked for is not found in itself."""
    suffixes = formats.readable()
    own = Path(motion).resolve()
    for place in places:
        if not place.is_dir():
            yield place, True
            continue
        for file in sorted(place.rglob("*")):
            if file.suffix.lower() in suffixes and file.is_file() and file.resolve() != own:
                yield file, False


def _tokens(name: str, tokenizer: Any) -> Any:
    """The tokens of a motion file, or those that it holds."""
    from motion.prior.vqvae import Tokens
    from motion.retarget import retarget

    if Path(name).suffix.lower() == formats.TOKENS:
        tokens = Tokens.load(name)
        tokenizer.check_mine(tokens)
        return tokens
    return tokenizer.encode(retarget(formats.load(name))[0])
