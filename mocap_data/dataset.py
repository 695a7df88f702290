"""Training data from folders of captures: `build` a `Corpus`, `save` and `load` it, say what is in it with `card`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap_data import dataset_labels, dataset_sayings, dataset_split, dataset_twins, dataset_windows
from mocap_data.dataset_card import card
from mocap_data.dataset_facts import hands_disagree
from mocap_data.dataset_find import ARCHIVES, find
from mocap_data.dataset_measure import track
from mocap_data.dataset_read import Reading, read_all, rest_offsets
from mocap_data.dataset_store import load, save
from motion.clip import Clip
from motion.corpus import FPS, ClipInfo, Corpus
from motion.errors import BadInput

__all__ = ["VERSION", "build", "card", "load", "save"]

#: Of the windows and their words: two corpora of one version, one seed and the same files are equal.
VERSION = 6
#: Archives whose copy is kept where two hold one motion: those with more joints first.
KEPT_FIRST = ("bandai-namco-2", "bandai-namco-1", "cmu-bvh", "cmu-asfamc", "deepmimic", "cmu-deepmimic")
#: A clip of which this share is a copy is left out whole.
MOSTLY = 0.8


def build(
    folders: Sequence[str | os.PathLike[str]],
    *,
    seed: int = 0,
    captions: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Corpus:
    """Read every capture below folders and cut captioned training windows.

    Args:
        folders: where captures are; known archives are recognised by their folder's name at any depth.
        seed: of where windows lie, which are mirrored, what is held out, and how it is said.
        captions: sentences by clip name (`cmu-captions.json`); None: found in one of the folders or beside it.
        workers: processes that read files; None: one for each core, at most 8.
        progress: told a line now and then.

    Returns:
        The corpus; its ``notes`` say what was read, refused, mended and left out, and why.

    Raises:
        BadInput: a folder is missing, or no file in any of them can be used.
    """
    say = progress or (lambda line: None)
    roots = [Path(folder) for folder in folders]
    troubles: list[str] = []
    found = find(roots, troubles)
    if not found:
        raise BadInput(f"{', '.join(map(str, roots)) or 'no folders'}: no captures found")
    captions = captions or dataset_labels.find_captions(roots)
    sentences = dataset_labels.load_captions(captions) if captions else {}
    read = read_all(found, workers, progress)
    readings = [r for r in read if not r.refused]
    if not readings:
        raise BadInput(f"{', '.join(map(str, roots))}: none of {len(read)} files can be used; {read[0].refused}")
    spoken = dataset_sayings.match([r.name for r in readings], dataset_sayings.find_sayings(roots, troubles))
    for (path, name, source), reading in zip(found, read, strict=True):
        if not reading.refused and source not in ARCHIVES:
            own = dataset_sayings.beside(path, troubles)
            if own:
                more = tuple(replace(one, steady=dataset_labels.steady(one.text)) for one in own)
                spoken[name] = (*spoken.get(name, ()), *more)
    corpus, _ = assemble(readings, sentences, seed, say, spoken)
    notes = {
        "version": VERSION,
        "seed": seed,
        "files": len(read),
        "refused": {r.name: r.refused for r in read if r.refused},
        "captions": len(sentences) + len(spoken),
        "troubles": troubles,
        **corpus.notes,
    }
    return Corpus(
        corpus.rotations, corpus.root_position, corpus.contacts, corpus.good, corpus.starts, corpus.valid,
        corpus.rest_offsets, corpus.clips, corpus.windows, notes,
    )  # fmt: skip


def assemble(
    readings: Sequence[Reading],
    sentences: dict[str, tuple[str, tuple[str, ...]]],
    seed: int,
    say: Callable[[str], None],
    spoken: Mapping[str, tuple[dataset_sayings.Saying, ...]] | None = None,
) -> tuple[Corpus, list[dataset_twins.Twin]]:
    """Readings to a corpus: without copies, split, cut, measured and captioned."""
    ordered = sorted(readings, key=lambda r: (_rank(r.source), -len(r.good), r.name))  # type: ignore[arg-type]
    clips = [Clip(r.rotations, r.root, rest_offsets(), FPS, r.valid) for r in ordered]  # type: ignore[arg-type]
    say("comparing clips by pose")
    twins = dataset_twins.copies([dataset_twins.poses(c) for c in clips], [r.source for r in ordered])
    copied = [np.zeros(c.frames, dtype=bool) for c in clips]
    for twin in twins:
        copied[twin.copy][twin.start : twin.stop] = True
    named = same_takes([r.name for r in ordered])
    kept = [i for i, mask in enumerate(copied) if mask.mean() < MOSTLY and ordered[i].name not in named]
    names = [ordered[i].name for i in kept]
    dropped = {ordered[i].name: "" for i in range(len(ordered)) if i not in set(kept)}
    dropped.update(named)
    for twin in twins:
        name = ordered[twin.copy].name
        if name in dropped and not dropped[name]:
            dropped[name] = ordered[twin.of].name + (" mirrored" if twin.mirrored else "")
    say(f"{len(dropped)} clips are copies; cutting windows")
    parts = [ordered[i] for i in kept]
    good = [r.good & ~copied[i] for i, r in zip(kept, parts, strict=True)]  # type: ignore[operator]
    spoken = spoken or {}
    said = [replace(dataset_labels.said(r.name, r.source, sentences), sayings=spoken.get(r.name, ())) for r in parts]
    frames = [clips[i].frames for i in kept]
    spans = dataset_split.spans(names, said, frames, seed)
    tracks = [track(clips[i], r.contacts) for i, r in zip(kept, parts, strict=True)]  # type: ignore[arg-type]
    windows = dataset_windows.cut(spans, tracks, good, said, seed)
    faults: Counter[str] = Counter()
    for r in parts:
        faults.update(dict(r.faults))
    notes: dict[str, object] = {
        "copies": dropped,
        "frames copied in part": int(sum(copied[i].sum() for i in kept)),
        "faults": dict(sorted(faults.items())),
        "hands that disagree with the file's name": [
            name for name, s, t in zip(names, said, tracks, strict=True) if hands_disagree(s, t)
        ],
        "combinations held out": dataset_split.combination_names(
            said[w.clip].label for w in windows if w.split == "combinations"
        ),
        "spans": [[s.clip, s.start, s.stop, s.split] for s in spans],
    }
    return Corpus(
        np.concatenate([r.rotations for r in parts]),  # type: ignore[misc]
        np.concatenate([r.root for r in parts]),  # type: ignore[misc]
        np.concatenate([r.contacts for r in parts]),  # type: ignore[misc]
        np.concatenate(good),
        np.concatenate([[0], np.cumsum(frames)]).astype(np.int64),
        np.stack([r.valid for r in parts]),  # type: ignore[misc]
        rest_offsets().astype(np.float32),
        tuple(
            ClipInfo(r.name, r.source, r.licence, s.label, s.captions) for r, s in zip(parts, said, strict=True)
        ),
        tuple(windows),
        notes,
    ), twins  # fmt: skip


def same_takes(names: Sequence[str]) -> dict[str, str]:
    """Takes of CMU under one number in several archives: those to leave out, and the one kept; the first is kept.

    Two retargets of one take through skeletons of other proportions differ by more than two takes of one walk do, so
    poses alone do not find them.
    """
    first: dict[str, str] = {}
    out: dict[str, str] = {}
    for name in names:
        number = re.fullmatch(r"cmu-.*?(\d{2,3}_\d{2})\.\w+", name)
        if number is not None:
            kept = first.setdefault(number.group(1), name)
            if kept != name:
                out[name] = kept
    return out


def _rank(source: str) -> int:
    return KEPT_FIRST.index(source) if source in KEPT_FIRST else len(KEPT_FIRST)
