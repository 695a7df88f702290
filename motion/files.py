"""Files for every stage: written whole or not at all (`whole`), read within bounds (`read`), errors in one line."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from motion.errors import BadInput, CinemotionError, MissingSystem

#: Larger files are refused: an hour of a hundred joints at 120 fps is about 1 GB of BVH text.
MAX_BYTES = 2 << 30

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}


def read(path: str | os.PathLike[str], kind: str, count: int | None = None) -> bytes:
    """A regular file's bytes, all of them or the first ``count``.

    Args:
        path: the file.
        kind: what was expected, for the error about a folder: "glTF file".
        count: bytes to read at most; None: all.

    Raises:
        BadInput: there is no such file, or it is a folder, a pipe, a device, or larger than `MAX_BYTES`.
        MissingSystem: this user may not read it.
    """
    path = Path(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadInput(f"{path}: is a folder, expected a {kind}")
        if not stat.S_ISREG(status.st_mode):  # a pipe would block, /dev/zero would never end
            raise BadInput(f"{path}: is not a regular file")
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


def explain(path: str | os.PathLike[str], error: Any) -> CinemotionError:
    """The one-line error for a file that cannot be written; takes anything with an ``errno`` and a ``strerror``."""
    if error.errno in _NO_SPACE:
        return MissingSystem(f"{path}: no space left on the disk")
    if error.errno in _NO_PERMISSION:
        return BadInput(f"{path}: not allowed to write here, expected a folder with write permission")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return BadInput(f"{path}: a part of this path is a file, expected a folder")
    if error.errno == errno.EISDIR:
        return BadInput(f"{path}: is a folder, expected a file name")
    if error.errno == errno.ENAMETOOLONG:
        return BadInput(f"{path}: the name is too long for this file system")
    return MissingSystem(f"{path}: cannot be written ({error.strerror or error})")


@contextlib.contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file in one piece: give a path beside ``path``, rename it when the block ends, remove it on any error.

    Missing folders above the file are made. The path given is this process's own, so that two that write one file at
    a time do not mix: the later rename wins.

    Raises:
        BadInput: the place cannot be written to.
        MissingSystem: the disk is full.
    """
    path = Path(path)
    name = path.name.encode(errors="surrogateescape")[:200].decode(errors="ignore")  # file systems end at 255 bytes
    partial = path.with_name(f".{name}.{os.getpid()}.partial")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Fail before any work is done, not at the end of a long render.
        with partial.open("wb"):
            pass
        yield partial
        partial.replace(path)
    except OSError as error:
        if error.filename not in (None, str(partial), str(path), str(path.parent)):
            raise  # about some other file: not ours to explain
        raise explain(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """JSON for people and programs, in one piece; raises as `whole`."""
    with whole(path) as partial:
        partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
