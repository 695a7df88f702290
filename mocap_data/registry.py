"""Which file suffix is read and written by what; `load` and `save` for all of them."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mocap_data import amass, asfamc, bvh, bvh_write, deepmimic, files, joints, kimodo, npz
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
    holds: Callable[[frozenset[str]], bool] | None = None  # of archives: names in it -> is it this one; None: any other


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
        path: the file. Where a suffix is shared (`.txt`, `.json`, `.npz`) its content decides. Of a file that holds
            several motions, ``result.npy#3`` is the one with that number, from 0.
        options: what the format's reader takes, for example ``asf=`` for `.amc`.

    Raises:
        BadInput: no such file, unknown suffix or option, or wrong content.
    """
    name = os.fspath(path)
    if name.startswith(deepmimic.BUNDLED):
        _check_options("captures of the pybullet wheel", deepmimic.read_bundled, options, "load")
        return deepmimic.read_bundled(name)
    name, sample = split_sample(name)
    found = _of_content(name)
    reader = found.read
    assert reader is not None
    if sample is not None:
        if "sample" not in takes(reader):
            raise BadInput(f"{name}: {found.name} holds one motion; '#{sample}' cannot be chosen from it")
        options = {"sample": sample, **options}
    _check_options(found.name, reader, options, "load")
    return reader(name, **options)


def split_sample(name: str) -> tuple[str, int | None]:
    """A file's name and which motion in it is meant: ``result.npy#3`` is the fourth; None: the name says nothing.

    A file whose own name ends like that is meant whole.
    """
    match = re.fullmatch(r"(.+\.\w+)#(\d{1,9})", name, re.DOTALL)
    return (name, None) if match is None or os.path.lexists(name) else (match[1], int(match[2]))


def options_of(path: str | os.PathLike[str]) -> frozenset[str]:
    """What the reader of a file may be told besides its path, for example ``fps``.

    Raises:
        BadInput: as `load`.
    """
    name = os.fspath(path)
    if name.startswith(deepmimic.BUNDLED):
        return frozenset()
    reader = _of_content(split_sample(name)[0]).read
    assert reader is not None
    return takes(reader)


def takes(function: Callable[..., Any]) -> frozenset[str]:
    """The options of a reader or writer: its keyword-only parameters."""
    parameters = inspect.signature(function).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def _of_content(name: str) -> Format:
    """The format of a file, by its suffix, then its first bytes, then what an archive holds."""
    found = _readers(name)
    if len(found) > 1 or found[0].sniff is not None:
        head = files.read_head(name)
        known = [f for f in found if f.sniff is None or f.sniff(head)]
        if not known:
            kinds = " or ".join(f.name for f in found)
            raise BadInput(f"{name}: not {'an' if kinds[0] in 'AEIOU' else 'a'} {kinds} file, by its first bytes")
        found = known
    if len(found) > 1 and any(f.holds for f in found):
        inside = npz.names(files.read_bytes(name))
        found = [f for f in found if f.holds is not None and f.holds(inside)] or [f for f in found if f.holds is None]
    return found[0]


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
    known = sorted(takes(function))
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
        "Kimodo", (".npz",), kimodo.read, None, npz.sniff, "its own rotations on SMPL-X or SOMA joints", kimodo.holds
    )
)
register(
    Format("AMASS", (".npz",), amass.read, amass.write, npz.sniff, "SMPL, SMPL-H and SMPL-X in; SMPL-H out, from SMPL")
)
register(
    Format(
        "HumanML3D", (".npy",), joints.read, None, joints.sniff, "joints or features of other models, and MDM's results"
    )
)
