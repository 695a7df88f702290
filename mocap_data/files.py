"""Motion-capture files as bytes and text, and the licences and rates that their names imply."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

from motion import files
from motion.errors import BadInput
from motion.take import Provenance

CMU_LICENCE = "CMU Graphics Lab Motion Capture Database: free for all uses; the data itself may not be resold"
BANDAI_NAMCO_LICENCE = "CC BY-NC 4.0 (Bandai-Namco Research Motiondataset)"
AMASS_LICENCE = "AMASS: non-commercial scientific research only"
DEEPMIMIC_LICENCE = "MIT (DeepMimic)"

_LICENCE_OF_NAME = (
    (re.compile(r"dataset-[12]_[a-z-]+_[a-z-]+_\d+\.bvh", re.IGNORECASE), BANDAI_NAMCO_LICENCE),
    (re.compile(r"\d{1,3}_\d{1,2}(_poses)?\.(bvh|amc|c3d)", re.IGNORECASE), CMU_LICENCE),
    (re.compile(r"(salsa|indian|martial)_\d\d\.bvh", re.IGNORECASE), CMU_LICENCE),
)


def known_rate(path: str | os.PathLike[str]) -> int | None:
    """Frames per second that a known data set gives for a file of this name, where its files say something else.

    CMU captured subjects 60 and 61 (salsa) at 60 frames per second; their usual BVH conversion says 120.
    """
    return 60 if re.fullmatch(r"(salsa_\d\d|6[01]_\d\d)\.bvh", Path(path).name, re.IGNORECASE) else None


def deepmimic_licence(path: str | os.PathLike[str]) -> str:
    """Licence of a DeepMimic text: ``49_02.txt`` is a capture of CMU's, ``humanoid3d_walk.txt`` DeepMimic's own."""
    name = Path(path).name
    return f"{DEEPMIMIC_LICENCE}; {CMU_LICENCE}" if re.fullmatch(r"\d{1,3}_\d{1,2}\.\w+", name) else DEEPMIMIC_LICENCE


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The whole of a capture.

    Raises:
        BadInput: the file is empty, or as `motion.files.read`.
        MissingSystem: as `motion.files.read`.
    """
    return _read(path, None)


def read_head(path: str | os.PathLike[str], count: int = 4096) -> bytes:
    """The first bytes of a capture; raises as `read_bytes`."""
    return _read(path, count)


def _read(path: str | os.PathLike[str], count: int | None) -> bytes:
    data = files.read(path, "motion-capture file", count)
    if not data:
        raise BadInput(f"{path}: is empty")
    return data


def text_of(data: bytes, path: str | os.PathLike[str], kind: str) -> str:
    """Decode a text format: UTF-8 with or without byte-order mark, UTF-16 with one, else Latin-1.

    Raises:
        BadInput: there are NUL bytes in it, so it is not text.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("utf-16")
    if b"\0" in data:
        raise BadInput(f"{path}: holds binary data, expected {kind} text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def provenance(
    path: str | os.PathLike[str],
    data: bytes,
    licence: str | None = None,
    notes: tuple[str, ...] = (),
) -> Provenance:
    """Name (never the folder), hash and licence of a source file.

    Args:
        path: where the file was.
        data: its bytes.
        licence: what the format implies; without it the file's name is compared with those of known data sets.
        notes: what the reader assumed.
    """
    name = Path(path).name
    made = Provenance(source=name, sha256=hashlib.sha256(data).hexdigest(), licence=licence, notes=notes)
    if licence is None:
        for pattern, known in _LICENCE_OF_NAME:
            if pattern.fullmatch(name):
                return replace(made, licence=known).noting("licence taken from the file's name")
    return made


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a capture whole or not at all, into a folder that is there.

    Raises:
        BadInput: the folder does not exist or may not be written to, or the path is a folder.
        MissingSystem: the disk is full.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise BadInput(f"{path}: the folder {folder} does not exist")
    with files.whole(path) as partial:
        partial.write_bytes(data)
