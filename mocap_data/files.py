"""Files as bytes: read with errors a person can use, written whole or not at all; and the licences that names imply."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

from motion.errors import BadInput, MissingSystem
from motion.take import Provenance

#: Larger files are refused: an hour of a hundred joints at 120 fps is about 1 GB of BVH text.
MAX_BYTES = 2 << 30

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
    """The whole of a regular file.

    Raises:
        BadInput: there is no such file, or it is a folder, a pipe, a device, empty, or larger than `MAX_BYTES`.
        MissingSystem: this user may not read it.
    """
    return _read(Path(path), None)


def read_head(path: str | os.PathLike[str], count: int = 4096) -> bytes:
    """The first bytes of a regular file; raises as `read_bytes`."""
    return _read(Path(path), count)


def _read(path: Path, count: int | None) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadInput(f"{path}: is a folder, expected a motion-capture file")
        if not stat.S_ISREG(status.st_mode):  # a pipe would block, /dev/zero would never end
            raise BadInput(f"{path}: is not a regular file")
        if status.st_size == 0:
            raise BadInput(f"{path}: is empty")
        if status.st_size > MAX_BYTES:
            raise BadInput(f"{path}: {status.st_size / 2**30:.1f} GiB, expected at most {MAX_BYTES >> 30} GiB")
        with path.open("rb") as file:
            return file.read() if count is None else file.read(count)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except NotADirectoryError:
        raise BadInput(f"{path}: no such file (a part of the path is not a folder)") from None
    except PermissionError as error:
        raise MissingSystem(f"{path}: no permission to read") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BadInput(f"{path}: cannot be read ({error})") from error


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
    """Write beside, then rename: the file appears whole or not at all.

    Raises:
        BadInput: the folder does not exist, or the path is a folder.
        MissingSystem: no permission, or the disk is full.
    """
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path}: is a folder, expected a file name")
    if not path.parent.is_dir():
        raise BadInput(f"{path}: the folder {path.parent} does not exist")
    partial = path.with_name(f".{path.name[:200]}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise MissingSystem(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
