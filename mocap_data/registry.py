"""Which file suffix is read and written by what; `load` and `save` for all of them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mocap_data import amass, asfamc, bvh, bvh_write, deepmimic, files
from motion.errors import BadInput, did_you_mean
from motion.take import Take


@dataclass(frozen=True)
class Format:
    """A motion-capture format: how it is called, and who reads and writes it."""

    name: str
    suffixes: tuple[str, ...]  # lower case, with the dot
    read: Callable[..., Take] | None = None  # (path, **options) -> Take
    write: Callable[..., None] | None = None  # (take, path, **options)
    sniff: Callable[[bytes], bool] | None = None  # first bytes -> is it this one; needed where suffixes are shared
    note: str = ""


_FORMATS: list[Format] = []


def register(format: Format) -> None:
    """Add a format, or replace the one of the same name."""
    _FORMATS[:] = [known for known in _FORMATS if known.name != format.name]
    _FORMATS.append(format)


def formats() -> tuple[Format, ...]:
    """Every known format, for tables in the documentation and on the command line."""
    return tuple(_FORMATS)


def load(path: str | os.PathLike[str], **options: Any) -> Take:
    """Read a motion-capture file by its suffix, or a capture of the pybullet wheel by ``pybullet:<name>``.

    Args:
        path: the file. Where a suffix is shared (`.txt`, `.json`, `.npz`) its first bytes decide.
        options: what the format's reader takes, for example ``asf=`` for `.amc`.

    Raises:
        BadInput: no such file, unknown suffix or option, or wrong content.
    """
    name = os.fspath(path)
    if name.startswith(deepmimic.BUNDLED):
        _check_options("captures of the pybullet wheel", deepmimic.read_bundled, options, "load")
        return deepmimic.read_bundled(name)
    found = _readers(name)
    if len(found) > 1 or found[0].sniff is not None:
        head = files.read_head(name)
        known = [f for f in found if f.sniff is None or f.sniff(head)]
        if not known:
            kinds = " or ".join(f.name for f in found)
            raise BadInput(f"{name}: not {'an' if kinds[0] in 'AEIOU' else 'a'} {kinds} file, by its first bytes")
        found = known
    reader = found[0].read
    assert reader is not None
    _check_options(found[0].name, reader, options, "load")
    return reader(path, **options)


def save(take: Take, path: str | os.PathLike[str], **options: Any) -> None:
    """Write a take in the format of the suffix; the file appears whole or not at all.

    Raises:
        BadInput: unknown suffix or option.
        NeedsRetarget: the format has a fixed skeleton and the take has another.
    """
    name = os.fspath(path)
    found = [f for f in _of_suffix(name) if f.write is not None]
    if not found:
        raise _no_such("write", name, [s for f in _FORMATS if f.write for s in f.suffixes])
    writer = found[0].write
    assert writer is not None
    _check_options(found[0].name, writer, options, "save")
    writer(take, path, **options)


def _readers(name: str) -> list[Format]:
    found = [f for f in _of_suffix(name) if f.read is not None]
    if not found:
        raise _no_such("read", name, [s for f in _FORMATS if f.read for s in f.suffixes])
    return found


def _of_suffix(name: str) -> Iterator[Format]:
    suffix = Path(name).suffix.lower()
    return (f for f in _FORMATS if suffix in f.suffixes)


def _no_such(verb: str, name: str, known: list[str]) -> BadInput:
    suffix = Path(name).suffix.lower()
    what = f"cannot {verb} {suffix}" if suffix else f"the name has no suffix, cannot tell how to {verb} it"
    known = sorted(set(known))
    meant = did_you_mean(suffix, known) if suffix else ""
    listed = "" if "known:" in meant else f"; known: {', '.join(known)}"
    return BadInput(f"{name}: {what}{meant}{listed}")


def _check_options(kind: str, function: Callable[..., Any], options: dict[str, Any], verb: str) -> None:
    known = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            hint = did_you_mean(option, known) if known else "; it has none"
            raise BadInput(f"{kind}: no option '{option}' to {verb}{hint}")


register(Format("BVH", (".bvh",), bvh.read, bvh_write.write))
register(Format("Acclaim AMC", (".amc",), asfamc.read, note="needs its .asf, found by name in the same folder"))
register(Format("Acclaim ASF", (".asf",), asfamc.read_skeleton, note="a skeleton alone: one frame at rest"))
register(Format("DeepMimic", (".txt", ".json"), deepmimic.read, sniff=deepmimic.sniff))
register(
    Format(
        "AMASS", (".npz",), amass.read, amass.write, amass.sniff, "SMPL, SMPL-H and SMPL-X in; SMPL-H out, from SMPL"
    )
)
