"""Whether what is held out is new: `overlaps` looks at rows, `nearest` at how far the nearest pose of training is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.spatial import cKDTree

from mocap_data.dataset_twins import OFFSETS, descriptors, distance, mirrored, poses
from motion.clip import Clip
from motion.corpus import FPS, Corpus, Window
from motion.rotations import Array

#: Dimensions and candidates of the search; the candidates' true distances are compared.
_KEPT, _CANDIDATES = 24, 8


@dataclass(frozen=True)
class Nearest:
    """Distance of held-out half seconds to the nearest of training, mirrored or not: metres, mean over joints."""

    split: str
    count: int
    least: float
    percentiles: tuple[float, float, float, float]  # 1, 10, 50, 90


def rows_of(window: Window) -> tuple[int, int]:
    """First frame of the clip that a window uses, and the one after its last."""
    return window.start, window.start + math.ceil((window.frames - 1) * window.speed - 1e-9) + 1


def overlaps(corpus: Corpus, guard_s: float = 0.0) -> list[tuple[Window, Window]]:
    """Pairs of a training and a held-out window that share frames of a clip, or lie nearer than ``guard_s`` seconds."""
    guard = round(guard_s * FPS)
    held: dict[int, list[Window]] = {}
    for window in corpus.windows:
        if window.split != "train":
            held.setdefault(window.clip, []).append(window)
    out = []
    for window in corpus.windows:
        if window.split == "train" and window.clip in held:
            a, b = rows_of(window)
            out += [(window, other) for other in held[window.clip] if _near(a, b, *rows_of(other), guard)]
    return out


def _near(a: int, b: int, c: int, d: int, guard: int) -> bool:
    return a < d + guard and c < b + guard


def clip_of(corpus: Corpus, index: int) -> Clip:
    """One clip of a corpus."""
    a, b = int(corpus.starts[index]), int(corpus.starts[index + 1])
    return Clip(
        corpus.rotations[a:b], corpus.root_position[a:b], corpus.rest_offsets, Fraction(FPS), corpus.valid[index]
    )


def nearest(corpus: Corpus, every: int = 10) -> list[Nearest]:
    """How far each held-out split's moving half seconds are from the nearest of training; ``every`` so many frames."""
    train: list[Array] = []
    held: dict[str, list[Array]] = {}
    of_clip = _by_clip(corpus)
    for index in range(len(corpus.clips)):
        spans: dict[str, np.ndarray] = {}
        frames = int(corpus.starts[index + 1] - corpus.starts[index])
        for window in of_clip.get(index, []):
            a, b = rows_of(window)
            spans.setdefault(window.split, np.zeros(frames, bool))[a:b] = True
        if not spans:
            continue
        pose = poses(clip_of(corpus, index))
        for split, mask in spans.items():
            for flipped in (False, True) if split == "train" else (False,):
                starts, rows = descriptors(mirrored(pose) if flipped else pose, 2 if split == "train" else every)
                inside = mask[starts] & mask[np.minimum(starts + OFFSETS[-1], frames - 1)]
                (train if split == "train" else held.setdefault(split, [])).append(rows[inside])
    base = np.concatenate(train) if train else np.zeros((0, len(OFFSETS) * 30), np.float32)
    if len(base) < _CANDIDATES:
        return []
    mean = base.mean(0)
    _, _, axes = np.linalg.svd((base[:: max(1, len(base) // 20000)] - mean).astype(np.float64), full_matrices=False)
    axes = axes[:_KEPT].astype(np.float32).T
    tree = cKDTree((base - mean) @ axes)
    out = []
    for split in sorted(held):
        query = np.concatenate(held[split])
        if not len(query):
            continue
        _, found = tree.query((query - mean) @ axes, k=_CANDIDATES)
        far = np.min([distance(query, base[found[:, k]]) for k in range(_CANDIDATES)], axis=0)
        p = np.percentile(far, [1, 10, 50, 90])
        out.append(Nearest(split, len(far), float(far.min()), (float(p[0]), float(p[1]), float(p[2]), float(p[3]))))
    return out


def _by_clip(corpus: Corpus) -> dict[int, list[Window]]:
    out: dict[int, list[Window]] = {}
    for window in corpus.windows:
        out.setdefault(window.clip, []).append(window)
    return out
