"""`newest`: the newest LLVM library of this machine that Dr.Jit can compile with; older ones are never opened."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

OLDEST = 16  # Dr.Jit 1.x writes code that LLVM 14 and 15 die on, and the whole process with them
VARIABLE = "DRJIT_LIBLLVM_PATH"

_FOLDERS = (
    "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/lib/*-linux-gnu", "/usr/lib/llvm-*/lib", "/usr/lib64/llvm*/lib*",
    "/usr/lib/llvm/*/lib*", "/opt/homebrew/opt/llvm*/lib", "/usr/local/opt/llvm*/lib",
)  # fmt: skip
_NAMES = ("libLLVM*.so*", "libLLVM*.dylib", "LLVM-C.dll")


def version_of(path: Path) -> int | None:
    """Major version that a library's name, or the name of what it links to, or its folder tells; None: it does not.

    >>> version_of(Path("/usr/lib/libLLVM-15.so.1")), version_of(Path("/usr/lib/libLLVM.so.19.1"))
    (15, 19)
    """
    try:
        real = path.resolve()
    except OSError:
        return None
    for one in (real, path):
        found = re.search(r"libLLVM-(\d+)(?!.*libLLVM)|libLLVM\.so\.(\d+)|libLLVM\.(\d+)[.\d]*dylib", one.name)
        if found:
            return int(next(g for g in found.groups() if g))
    for one in (real, path):
        found = re.search(r"llvm[@/-]?(\d+)", str(one.parent), re.IGNORECASE)
        if found:
            return int(found.group(1))
    return None


def newest(candidates: Iterable[Path] | None = None) -> Path | None:
    """The library to use: `DRJIT_LIBLLVM_PATH` when it is set and not too old, else the newest found; None: none.

    Args:
        candidates: files to choose from; None: those of the machine.
    """
    named = os.environ.get(VARIABLE)
    if named:
        # Whoever names a library without a number in its name knows which it is.
        version = version_of(Path(named))
        return Path(named) if Path(named).exists() and (version is None or version >= OLDEST) else None
    known = [(version_of(path) or 0, str(path)) for path in (_machine() if candidates is None else candidates)]
    best = max(known, default=(0, ""))
    return Path(best[1]) if best[0] >= OLDEST else None


def _machine() -> set[Path]:
    """Every LLVM library in the usual folders and in the loader's cache."""
    folders = [Path(part) for part in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if part]
    for pattern in _FOLDERS:
        folders += Path("/").glob(pattern.lstrip("/"))
    if platform.system() == "Windows":
        folders += [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if "llvm" in part.lower()]
    found = {path for folder in folders for name in _NAMES for path in _files(folder, name)}
    if platform.system() == "Linux":
        try:
            cache = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, timeout=10).stdout
        except (OSError, subprocess.SubprocessError):
            cache = ""
        found |= {
            Path(line.split("=>")[1].strip()) for line in cache.splitlines() if "libLLVM" in line and "=>" in line
        }
    return found


def _files(folder: Path, name: str) -> list[Path]:
    try:
        return [path for path in folder.glob(name) if path.is_file()]
    except OSError:
        return []
