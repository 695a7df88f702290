"""Captures to `Reading`s: every file on one skeleton at 30 fps on a floor at 0; broken files are counted."""

from __future__ import annotations

import fnmatch
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from mocap_data import registry
from mocap_data.clean import mend
from mocap_data.dataset_find import UNREAD
from mocap_data.dataset_licence import licence_of
from motion import contacts, edit
from motion.body import Body
from motion.clip import Clip
from motion.corpus import FPS
from motion.errors import BadInput, CinemotionError
from motion.retarget import retarget
from motion.rotations import Array

#: Height of the one performer of every corpus, metres.
HEIGHT_M = 1.7
#: Files whose own rate is wrong. The salsa takes say 120 fps; their performers would dance at twice the beat.
RATES: tuple[tuple[str, int], ...] = (("cmu-bvh/salsa_*.bvh", 60),)
#: Longer captures are refused: features of an hour at 30 fps are what a small machine holds.
MAX_SECONDS = 3600.0


@dataclass(frozen=True)
class Reading:
    """One capture, ready for a corpus; or why it was left out."""

    name: str  # "bandai-namco-2/dataset-2_run_active_001.bvh"
    source: str
    licence: str = ""
    rotations: Array | None = None  # (T, 24, 4) float32 local, xyzw, 30 fps
    root: Array | None = None  # (T, 3) float32 metres; floor at 0
    contacts: np.ndarray | None = None  # (T, 4) bool
    good: np.ndarray | None = None  # (T,) bool
    valid: np.ndarray | None = None  # (24,) bool
    faults: tuple[tuple[str, int], ...] = ()  # what was mended or flagged, in frames
    refused: str = ""


@lru_cache(maxsize=1)
def rest_offsets() -> Array:
    """``(24, 3)`` metres: the one skeleton."""
    return Body.default(height_m=HEIGHT_M).rest_offsets


def read(path: Path, name: str, source: str) -> Reading:
    """Bring one file onto the one skeleton; never raises for what is in the file."""
    try:
        return _read(path, name, source)
    except CinemotionError as error:
        return Reading(name, source, refused=str(error))
    except (ArithmeticError, IndexError, KeyError, ValueError, np.linalg.LinAlgError) as error:
        # One strange file must not end an hour's build; the name of the error tells a developer that it is one.
        return Reading(name, source, refused=f"{type(error).__name__}: {error}")


def _read(path: Path, name: str, source: str) -> Reading:
    why = UNREAD.get(path.suffix.lower())
    if why is not None:
        raise BadInput(f"{path.name}: {why}")
    take = registry.load(path)
    for pattern, fps in RATES:
        if fnmatch.fnmatch(name, pattern):
            take = replace(take, fps=Fraction(fps))
    seconds = len(take.rotations) / float(take.fps)
    if seconds > MAX_SECONDS:
        raise BadInput(f"{seconds:.0f} s long, expected at most {MAX_SECONDS:.0f} s")
    clip, report = retarget(take, rest_offsets())
    if report.calibration_frames:
        clip = edit.slice(clip, report.calibration_frames / float(clip.fps))
    clip = edit.resample(clip, FPS)
    if clip.frames < 2:
        raise BadInput(f"{clip.frames} frame at {FPS} fps, expected two or more: a pose, not a motion")
    clip = grounded(clip)
    mended = mend(clip)
    clip = mended.clip
    licence = licence_of(take.provenance.licence, path, name, source)
    return Reading(
        name, source, licence, clip.rotations.astype(np.float32), clip.root_position.astype(np.float32),
        contacts.detect(clip, floor=0.0).on, mended.good, clip.valid, mended.faults,
    )  # fmt: skip


def grounded(clip: Clip) -> Clip:
    """The clip with the sole of its standing feet at 0; untouched where they never stand within 30 cm of it."""
    points = contacts.foot_points(clip)
    level = float(np.min(contacts.floor_height(points, clip.fps)))
    return clip if abs(level) > 0.3 else edit.transform(clip, translation=(0.0, -level, 0.0))


def read_all(
    files: Sequence[tuple[Path, str, str]], workers: int | None = None, progress: Callable[[str], None] | None = None
) -> list[Reading]:
    """Read many files on several processes, in the order given."""
    workers = min(os.cpu_count() or 1, 8) if workers is None else workers
    say = progress or (lambda line: None)
    if workers <= 1 or len(files) < 16:
        return [_told(read(*file), i, len(files), say) for i, file in enumerate(files)]
    # Spawned, not forked: the caller may hold threads of torch or OpenGL.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        results = pool.map(read, *zip(*files, strict=True), chunksize=8)
        return [_told(result, i, len(files), say) for i, result in enumerate(results)]


def _told(reading: Reading, i: int, count: int, say: Callable[[str], None]) -> Reading:
    if (i + 1) % 100 == 0 or i + 1 == count:
        say(f"read {i + 1} of {count} files")
    return reading
