"""A `Corpus` on disk: `save` and `load` a folder with `corpus.safetensors` and `corpus.json`, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from motion import files
from motion.corpus import ClipInfo, Corpus, Label, Window
from motion.errors import BadInput

#: Of the folder's layout and of what windows mean; a folder of another version is refused.
SCHEMA = 1
ARRAYS, WORDS = "corpus.safetensors", "corpus.json"
_NAMES = ("rotations", "root_position", "contacts", "good", "starts", "valid", "rest_offsets")


def save(corpus: Corpus, folder: str | os.PathLike[str]) -> None:
    """Write a corpus to a folder; an older corpus there is replaced when the new one is complete.

    Raises:
        BadInput: the folder cannot be written to, or holds other things.
        MissingSystem: the disk is full.
    """
    from safetensors.numpy import save as to_bytes

    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is a file, expected a folder for a corpus")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / WORDS).is_file():
        raise BadInput(f"{folder}: holds other files, expected an empty folder or a corpus to replace")
    data = to_bytes({name: np.ascontiguousarray(getattr(corpus, name)) for name in _NAMES})
    document = {
        "schema": SCHEMA,
        "arrays": hashlib.sha256(data).hexdigest(),
        "notes": corpus.notes,
        "clips": [{**asdict(c), "label": _label(c.label)} for c in corpus.clips],
        "windows": [_window(w) for w in corpus.windows],
    }
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        partial.mkdir(parents=True)
        (partial / ARRAYS).write_bytes(data)
        (partial / WORDS).write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
        if folder.is_dir():
            folder.replace(old)
        partial.replace(folder)
    except OSError as error:
        raise files.explain(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if old.is_dir() and not folder.is_dir():
            old.replace(folder)
        shutil.rmtree(old, ignore_errors=True)


def load(folder: str | os.PathLike[str]) -> Corpus:
    """Read a corpus that `save` wrote.

    Raises:
        BadInput: no corpus there, one of another version, or one that is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder with a corpus; build one with: cinemotion dataset")
    try:
        document = json.loads(files.read(folder / WORDS, "corpus"))
    except ValueError as error:
        raise BadInput(f"{folder / WORDS}: not JSON ({error})") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise BadInput(f"{folder}: a corpus of version {found}, expected {SCHEMA}: build it again")
    data = files.read(folder / ARRAYS, "corpus")
    if hashlib.sha256(data).hexdigest() != document.get("arrays"):
        raise BadInput(f"{folder / ARRAYS}: is not what {WORDS} was written with (damaged, or of another build)")
    try:
        arrays = from_bytes(data)
        clips = tuple(
            ClipInfo(c["name"], c["source"], c["licence"], Label(**c["label"]), tuple(c["captions"]))
            for c in document["clips"]
        )
        labels: dict[str, Label] = {}
        windows = tuple(_window_of(w, labels) for w in document["windows"])
        notes: dict[str, object] = document["notes"]
        a = [arrays[name] for name in _NAMES]
        return Corpus(a[0], a[1], a[2], a[3], a[4], a[5], a[6], clips, windows, notes)
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise BadInput(f"{folder}: a damaged corpus ({type(error).__name__}: {error})") from None


def _label(label: Label) -> dict[str, Any]:
    """Only the slots that say something."""
    empty = Label()
    return {f.name: getattr(label, f.name) for f in fields(Label) if getattr(label, f.name) != getattr(empty, f.name)}


def _window(w: Window) -> list[Any]:
    return [w.clip, w.start, w.frames, w.split, _label(w.label), list(w.captions), int(w.mirror), w.speed, w.weight]


def _window_of(row: list[Any], labels: dict[str, Label]) -> Window:
    clip, start, frames, split, label, captions, mirror, speed, weight = row
    key = repr(label)
    known = labels.setdefault(key, Label(**label))  # tens of thousands of windows share a few hundred labels
    return Window(clip, start, frames, split, known, tuple(captions), bool(mirror), float(speed), float(weight))
