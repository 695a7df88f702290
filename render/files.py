"""Files that appear whole or not at all: `whole` gives a path beside the real one and renames it at the end."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from motion.errors import BadInput, CinemotionError, MissingSystem

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}


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

    Missing folders above the file are made.

    Raises:
        BadInput: the place cannot be written to.
        MissingSystem: the disk is full.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
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
