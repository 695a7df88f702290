"""What has been drawn already, and what it depends on: content hashes, chunk records, the manifest of a work folder.

A chunk is a folder that appears whole by one rename. Its ``chunk.json`` holds the hash of everything that decides its
pixels and the hash of every file in it; a chunk is used again only if both still hold.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from motion.files import write_json

SCHEMA = 1
RECORD = "chunk.json"
PACKAGES = ("cinemotion", "mocap_data", "motion", "physics", "render", "rl_camera")


def digest(*values: Any) -> str:
    """SHA-256 of values by content: numbers, text, arrays, containers and dataclasses; the same on every run.

    >>> digest(1.0) == digest(np.float64(1.0)), digest(1) == digest("1")
    (True, False)
    """
    found = hashlib.sha256()
    for value in values:
        _feed(found, value)
    return found.hexdigest()


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        found.update(f"array {value.dtype.str} {value.shape}:".encode())
        found.update(np.ascontiguousarray(value).tobytes())
    elif value is None or isinstance(value, (bool, np.bool_)):
        found.update(f"{value};".encode())
    elif isinstance(value, (float, np.floating)):
        found.update(f"float {float(value).hex()};".encode())
    elif isinstance(value, (int, np.integer)):
        found.update(f"int {int(value)};".encode())
    elif isinstance(value, Fraction):
        found.update(f"fraction {value};".encode())
    elif isinstance(value, (str, bytes)):
        data = value.encode() if isinstance(value, str) else value
        found.update(f"{type(value).__name__} {len(data)}:".encode())
        found.update(data)
    elif isinstance(value, Path):
        _feed(found, str(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        found.update(f"{type(value).__name__}(".encode())
        for one in dataclasses.fields(value):
            _feed(found, one.name)
            _feed(found, getattr(value, one.name))
        found.update(b")")
    elif isinstance(value, Mapping):
        found.update(f"mapping {len(value)}:".encode())
        for key in sorted(value, key=str):
            _feed(found, key)
            _feed(found, value[key])
    elif isinstance(value, (list, tuple)):
        found.update(f"list {len(value)}:".encode())
        for item in value:
            _feed(found, item)
    else:
        raise TypeError(f"no digest of a {type(value).__name__}")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def code_version(packages: tuple[str, ...] = PACKAGES) -> str:
    """SHA-256 over the source of packages of ours: other code may draw other pixels."""
    here = Path(__file__).resolve().parent.parent
    found = hashlib.sha256()
    for package in packages:
        for path in sorted((here / package).rglob("*")):
            if path.is_file() and path.suffix in {".py", ".glsl", ".vert", ".frag", ".npz", ".json"}:
                found.update(path.relative_to(here).as_posix().encode())
                found.update(path.read_bytes())
    return found.hexdigest()


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Some frames that are drawn together."""

    index: int
    first: int
    stop: int
    key: str  # hash of everything that decides these frames
    after: str | None = None  # name of the chunk that this one goes on from, whose state it needs

    @property
    def frames(self) -> int:
        return self.stop - self.first

    @property
    def name(self) -> str:
        return f"{self.index:06d}"


def seal(folder: Path, chunk: Chunk) -> None:
    """Record a finished chunk inside its own folder, before that gets its final name."""
    files = {p.relative_to(folder).as_posix(): file_sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    record = {"schema": SCHEMA, "key": chunk.key, "first": chunk.first, "stop": chunk.stop, "files": files}
    (folder / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def record_of(folder: Path) -> dict[str, Any] | None:
    """A chunk's record; None when there is none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record if record["schema"] == SCHEMA and isinstance(record["files"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_done(folder: Path, chunk: Chunk) -> bool:
    """Whether a chunk's folder holds exactly what would be drawn now, byte by byte as it was written."""
    record = record_of(folder)
    if record is None or record.get("key") != chunk.key:
        return False
    try:
        return all(file_sha256(folder / name) == expected for name, expected in record["files"].items())
    except OSError:
        return False


def write_manifest(path: Path, about: Mapping[str, Any], chunks: list[Chunk], done: set[int]) -> None:
    """What the film consists of and how far it is, for people and other programs."""
    listed = [dataclasses.asdict(c) | {"done": c.index in done} for c in chunks]
    write_json(path, {"schema": SCHEMA, **about, "chunks": listed})


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
