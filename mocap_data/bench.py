"""Measurements: `sweep` loads every capture of a folder, `bvh_speed` times BVH reading against pybvh, `run` prints."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap_data import bvh, registry
from motion.errors import BadInput, CinemotionError, need


@dataclass(frozen=True)
class Loaded:
    """How one file fared: what it holds, or why it was refused."""

    path: Path
    seconds: float  # to load it
    frames: int = 0
    joints: int = 0
    duration: float = 0.0  # of the motion, seconds
    refused: str | None = None  # the reason


@dataclass(frozen=True)
class SpeedReport:
    """Seconds to read one file, the quickest of several turns, and pybvh's divided by ours."""

    path: Path
    ours: float
    pybvh: float

    @property
    def ratio(self) -> float:
        """How many times as fast as pybvh."""
        return self.pybvh / self.ours


def run(folder: str = ".", turns: str = "15") -> list[Loaded]:
    """Load every capture below a folder and time the largest BVH against pybvh, where that is installed; print both.

    Raises:
        BadInput: not a folder, no captures in it, or turns that are not a number.
    """
    if not turns.isdecimal() or int(turns) < 1:
        raise BadInput(f"bench formats: turns '{turns}', expected a whole number from 1")
    results = list(sweep(folder))
    if not results:
        raise BadInput(f"{folder}: no captures below this folder")
    lines = [table(results, folder)]
    if any(result.path.suffix.lower() == ".bvh" and result.refused is None for result in results):
        try:
            speed = bvh_speed(folder, int(turns))
            lines += [
                "",
                f"{speed.path.name}, the largest BVH, best of {turns} turns: {1e3 * speed.ours:.1f} ms, "
                f"pybvh {1e3 * speed.pybvh:.1f} ms: {speed.ratio:.2f} times as fast",
            ]
        except CinemotionError as error:
            lines += ["", f"not timed against pybvh: {error}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return results


def captures(folder: str | os.PathLike[str]) -> list[Path]:
    """The files below a folder whose suffix is known, in order of their names.

    Raises:
        BadInput: it is not a folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise BadInput(f"{root}: is not a folder")
    suffixes = {suffix for form in registry.formats() if form.read for suffix in form.suffixes}
    return sorted(path for path in root.rglob("*") if path.suffix.lower() in suffixes and path.is_file())


def sweep(folder: str | os.PathLike[str]) -> Iterator[Loaded]:
    """Load every capture below a folder, one after the other; a refusal is a result, not an end."""
    for path in captures(folder):
        start = time.perf_counter()
        try:
            take = registry.load(path)
        except CinemotionError as error:
            yield Loaded(path, time.perf_counter() - start, refused=str(error))
        else:
            taken = time.perf_counter() - start
            yield Loaded(path, taken, take.frames, take.joints, take.seconds)


def table(results: Iterable[Loaded], root: str | os.PathLike[str]) -> str:
    """A table by folder: files loaded and refused, minutes of motion, time to load; then each refusal."""
    groups: dict[str, list[Loaded]] = {}
    for result in results:
        parts = result.path.relative_to(root).parts
        groups.setdefault(parts[0] if len(parts) > 1 else ".", []).append(result)
    rows = [("set", "loaded", "refused", "minutes", "s per file", "slowest", "ms per minute")]
    refusals = []
    for name, members in sorted(groups.items()):
        good = [m for m in members if m.refused is None]
        refusals += [f"{m.path.name}: {m.refused}" for m in members if m.refused is not None]
        minutes = sum(m.duration for m in good) / 60
        spent = sum(m.seconds for m in good)
        rows.append(
            (
                name,
                str(len(good)),
                str(len(members) - len(good)),
                f"{minutes:.1f}",
                f"{statistics.mean([m.seconds for m in good]):.4f}" if good else "-",
                f"{max((m.seconds for m in good), default=0):.3f}",
                f"{1e3 * spent / minutes:.0f}" if minutes else "-",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    return "\n".join([*lines, *(["", "refused:", *refusals] if refusals else [])])


def bvh_speed(path: str | os.PathLike[str], turns: int = 15) -> SpeedReport:
    """Read one BVH file by turns with our reader and with pybvh, in this process.

    Args:
        path: a BVH file, or a folder: then the largest BVH below it.
        turns: readings by each; the quickest counts, so that other work on the machine matters least.

    Raises:
        BadInput: no BVH there, or the two readers disagree about the motion.
        MissingExtra: pybvh is not installed.
    """
    pybvh = need("pybvh", "dev", "the comparison of BVH readers")
    path = Path(path)
    if path.is_dir():
        found = [p for p in captures(path) if p.suffix.lower() == ".bvh"]
        if not found:
            raise BadInput(f"{path}: no .bvh below this folder")
        path = max(found, key=lambda p: (p.stat().st_size, p.name))
    try:
        other = pybvh.read_bvh_file(path)
    except Exception as error:  # it refuses what is odd but sound, as six channels on every joint
        raise BadInput(f"{path}: pybvh cannot read it ({error})") from None
    _check_same(path, other)
    ours, theirs = [], []
    for _ in range(turns):
        ours.append(_seconds(lambda: bvh.read(path)))
        theirs.append(_seconds(lambda: pybvh.read_bvh_file(path)))
    return SpeedReport(path, min(ours), min(theirs))


def _check_same(path: Path, other: object) -> None:
    """A reader is only quick when it is right: rotations of the two must agree."""
    from motion import rotations as rot

    take = bvh.read(path)
    angles = np.asarray(getattr(other, "joint_angles"))  # noqa: B009  (T, J, 3) radians; pybvh has no types
    for j, channels in enumerate(take.channels or ()):
        order = "".join(name[0] for name in channels if name.endswith("rotation"))
        if np.abs(rot.angle_between(take.rotations[:, j], rot.from_euler(order, angles[:, j]))).max() > 1e-9:
            raise BadInput(f"{path}: joint '{take.names[j]}' differs from pybvh's")


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
