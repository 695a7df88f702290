"""Drawn paths over the floor: read, checked, smoothed, and laid on frames at the speed of what is done on the way."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path as File
from typing import Any

import numpy as np

from motion import files
from motion.corpus import FPS
from motion.errors import BadInput
from motion.prior.keyframes import FASTEST
from motion.prior.request import Path
from motion.rotations import Array

#: Points of a path; a drawing tablet gives some hundreds.
MOST_POINTS = 100_000
#: A path shorter than this is a place to stand, metres.
_SHORT = 0.05
#: Spacing at which a path is measured, metres.
_STEP = 0.02
#: People round corners: the drawn line is smoothed along its length by a Gaussian of this width, metres.
_CORNER = 0.15


def of(value: Any) -> Path | None:
    """A path from whatever a caller has: `Path`, an array ``(N, 2)`` or ``(N, 3)``, a list of points, or a CSV file.

    Three columns are x, y, z in metres, and the height is ignored; a fourth, or a third in a CSV whose head calls it
    ``time`` or ``seconds``, is the time in seconds.
    """
    if value is None:
        return None
    if isinstance(value, Path):
        return checked(value)
    if isinstance(value, (str, os.PathLike)):
        return read(value)
    try:
        points = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadInput("path: expected points (N, 2): x and z in metres, or the name of a CSV file") from None
    return _columns(points, "path", None)


def read(path: str | os.PathLike[str]) -> Path:
    """A path from a CSV file: columns x, z, or x, y, z, and a time in seconds if it has one; a head line is optional.

    Raises:
        BadInput: names the line that cannot be read.
    """
    where = File(path)
    text = files.read(where, "CSV file of a path").decode("utf-8-sig", errors="replace")
    head: list[str] | None = None
    rows: list[list[float]] = []
    try:
        dialect: Any = csv.Sniffer().sniff(text[:2000], delimiters=",;\t ")
    except csv.Error:
        dialect = csv.excel
    for number, row in enumerate(csv.reader(io.StringIO(text), dialect), 1):
        cells = [cell.strip() for cell in row if cell.strip()]
        if not cells or cells[0].startswith("#"):
            continue
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            if rows or head is not None:
                raise BadInput(f"{where}: line {number}: {','.join(row)[:60]!r}, expected numbers") from None
            head = [cell.lower() for cell in cells]
            continue
        if len(rows[-1]) != len(rows[0]):
            raise BadInput(f"{where}: line {number}: {len(rows[-1])} numbers, expected {len(rows[0])}")
        if len(rows) > MOST_POINTS:
            raise BadInput(f"{where}: more than {MOST_POINTS:,} points")
    if not rows:
        raise BadInput(f"{where}: no points, expected lines of x and z in metres")
    return _columns(np.array(rows), str(where), head)


def _columns(points: Array, what: str, head: Sequence[str] | None) -> Path:
    if points.ndim != 2 or points.shape[1] not in (2, 3, 4):
        raise BadInput(f"{what}: shape {points.shape}, expected (N, 2) x and z, (N, 3) x, y, z, or (N, 4) with seconds")
    times: Array | None = None
    if head is not None and len(head) == points.shape[1]:
        names = {"t": "time", "seconds": "time", "s": "time", "time_s": "time"}
        column = {names.get(name, name): k for k, name in enumerate(head)}
        if "x" in column and "z" in column:
            times = points[:, column["time"]] if "time" in column else None
            return checked(Path(points[:, [column["x"], column["z"]]], times), what)
    if points.shape[1] == 4:
        times = points[:, 3]
    return checked(Path(points[:, [0, 2]] if points.shape[1] > 2 else points, times), what)


def checked(path: Path, what: str = "path") -> Path:
    """A path whose numbers are finite, whose times increase, and that can be walked or run.

    Raises:
        BadInput: names the point, and the speed where it is too high.
    """
    points = np.asarray(path.points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise BadInput(f"{what}: shape {points.shape}, expected (N, 2) x and z in metres")
    if len(points) > MOST_POINTS:
        raise BadInput(f"{what}: {len(points):,} points, expected at most {MOST_POINTS:,}")
    bad = ~np.isfinite(points).all(1)
    if bad.any():
        raise BadInput(f"{what}: point {int(np.argmax(bad))} is not finite (NaN or infinite)")
    far = np.abs(points).max(1) > 1e5
    if far.any():
        raise BadInput(f"{what}: point {int(np.argmax(far))} lies more than 100 km away; metres are expected")
    if path.times is None:
        if len(points) < 2:
            raise BadInput(f"{what}: one point, expected two or more (to stand somewhere give it two times)")
        return Path(points, None, path.face_along)
    times = np.asarray(path.times, dtype=np.float64)
    if times.shape != (len(points),):
        raise BadInput(f"{what}: {times.shape} times for {len(points)} points")
    if not np.isfinite(times).all():
        raise BadInput(f"{what}: the time of point {int(np.argmin(np.isfinite(times)))} is not finite")
    if times[0] < 0:
        raise BadInput(f"{what}: begins at {times[0]:g} s, expected 0 or later")
    if (np.diff(times) <= 0).any():
        k = int(np.argmax(np.diff(times) <= 0))
        raise BadInput(f"{what}: point {k + 1} at {times[k + 1]:g} s comes after {times[k]:g} s; times must increase")
    speed = np.linalg.norm(np.diff(points, axis=0), axis=1) / np.diff(times)
    if len(speed) and speed.max() > FASTEST:
        k = int(np.argmax(speed))
        raise BadInput(
            f"{what}: from point {k} to {k + 1} it needs {speed[k]:.3g} m/s, expected at most {FASTEST:g} m/s"
        )
    return Path(points, times, path.face_along)


def length(path: Path) -> float:
    """Metres along the smoothed path."""
    return float(_line(path.points)[1][-1])


def scaled(path: Path, factor: float) -> Path:
    """The same path in a world ``factor`` times as large (another body's)."""
    return Path(path.points * factor, path.times, path.face_along)


def _line(points: Array) -> tuple[Array, Array]:
    """The path resampled by length and its corners rounded: points ``(M, 2)`` and metres along it ``(M,)``."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    distinct = np.concatenate([[True], np.diff(along) > 1e-9])
    points, along = points[distinct], along[distinct]
    if along[-1] < _SHORT:
        return points[:1].repeat(2, 0), np.array([0.0, 0.0])
    count = int(np.clip(np.ceil(along[-1] / _STEP), 8, 200_000))
    grid = np.linspace(0.0, along[-1], count + 1)
    line = np.stack([np.interp(grid, along, points[:, k]) for k in range(2)], axis=-1)
    line = _smooth(line, _CORNER / (along[-1] / count))
    metres = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return line, metres


def _smooth(values: Array, sigma: float) -> Array:
    """Gaussian smoothing of ``(N, K)`` along its first axis; the ends stay where they are."""
    from scipy.ndimage import gaussian_filter1d

    pad = int(min(np.ceil(3 * sigma), len(values) - 1))
    if pad < 1:
        return values
    wide = np.pad(values, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
    out = gaussian_filter1d(wide, sigma, axis=0, mode="nearest")[pad : pad + len(values)]
    out[0], out[-1] = values[0], values[-1]
    return out


def lay(path: Path, pace: Array) -> tuple[np.ndarray, Array, Array]:
    """Where to be at which frame.

    Args:
        path: checked.
        pace: ``(T,)`` how fast the action of each frame usually travels, m/s: a path without times is shared out by
            it, so that one stands still while waving.

    Returns:
        frames ``(K,)`` on which the path says where to be, floor points ``(K, 2)``, and the heading ``(K,)`` along
        the path in radians.

    Raises:
        BadInput: it takes more than `motion.prior.keyframes.FASTEST` to be at its end in time.
    """
    frames = len(pace)
    line, metres = _line(path.points)
    total = float(metres[-1])
    if path.times is None:
        share = np.where(pace > 0, pace, 0.0)
        if not share.any():
            share = np.ones(frames)
        # Nobody starts or stops at once: a quarter of a second each is spent gathering and losing speed.
        share = _smooth(np.pad(share, 1)[:, None], 0.25 * FPS)[1:-1, 0].clip(min=0.0)
        done = np.concatenate([[0.0], np.cumsum(0.5 * (share[1:] + share[:-1]))])
        done = done / done[-1] if done[-1] > 0 else np.linspace(0, 1, frames)
        along, at = done * total, np.arange(frames)
        needed = float(np.diff(along).max(initial=0.0)) * FPS
        if needed > FASTEST:
            raise BadInput(
                f"path: {total:.1f} m in {frames / FPS:.1f} s needs {needed:.3g} m/s, expected at most {FASTEST:g} m/s"
            )
    else:
        first, last = int(np.ceil(path.times[0] * FPS - 1e-6)), int(np.floor(path.times[-1] * FPS + 1e-6))
        if last > frames - 1:
            raise BadInput(f"path: ends at {path.times[-1]:g} s, outside the clip (0 to {(frames - 1) / FPS:.2f} s)")
        at = np.arange(first, last + 1)
        raw = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path.points, axis=0), axis=1))])
        along = np.interp(at / FPS, path.times, raw)
        if len(at) > 3:
            along = np.maximum.accumulate(_smooth(along[:, None], 0.1 * FPS)[:, 0])
        along = along * (total / raw[-1]) if raw[-1] > 0 else along * 0.0
    points = np.stack([np.interp(along, metres, line[:, k]) for k in range(2)], axis=-1)
    return at, points, _heading(line, metres, along)


def _heading(line: Array, metres: Array, along: Array) -> Array:
    """Direction of travel at distances ``along``, radians, unwrapped; on a place to stand, 0."""
    if metres[-1] < _SHORT:
        return np.zeros(len(along))
    reach = 0.2  # metres looked ahead and behind: people turn before the corner
    ahead = np.stack([np.interp(along + reach, metres, line[:, k]) for k in range(2)], axis=-1)
    behind = np.stack([np.interp(along - reach, metres, line[:, k]) for k in range(2)], axis=-1)
    way = ahead - behind
    return np.unwrap(np.arctan2(way[:, 0], way[:, 1]))
