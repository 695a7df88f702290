"""Foot plants in motion that may float, sink, slide or shake: `find`, and `read` / `write` for those who edit them.

`motion.contacts` finds contacts of captures that stand on their floor. Here the floor may be some centimetres off and
change, and feet may tremble: heights are counted from the level where feet rest around each instant, and motion is
smoothed as much as it takes for feet that are low to stand. `carried_otherwise` says when something else bears weight.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from motion import contacts, files
from motion.clip import Clip, ContactTrack
from motion.errors import BadInput, unknown
from motion.rotations import Array
from physics import rests
from physics.ground import Ground
from physics.series import runs

#: Parts of the body that may carry it.
LABELS: tuple[str, ...] = contacts.LABELS + rests.LABELS
#: How much feet are smoothed before their speed is judged, seconds: the least that finds them standing.
_SMOOTHED_S = (0.0, 0.03, 0.06, 0.1)
#: Share of the frames with a low foot in which one stands, in motion that is not shaken.
_STANDING = 0.6
#: The level where feet rest is looked for in so much time around each instant, seconds.
_AROUND_S = 1.25
#: A foot is no support when another part of the body is lower than it by this, metres for an adult.
_LOWEST = 0.12


def find(clip: Clip, ground: Ground | None = None) -> ContactTrack:
    """When heels and toes, hands, knees and seat carry weight, in the order of `LABELS`.

    Args:
        clip: the performance; Y up.
        ground: what it stands on; None: a level floor.
    """
    size = contacts.size_of(clip.rest_offsets)
    ground = ground or Ground()
    points, supports = _supports(clip, ground, size)
    best = np.zeros(points.shape[:2], bool)
    for sigma in _SMOOTHED_S:
        steady = gaussian_filter1d(points, sigma * float(clip.fps), axis=0, mode="nearest") if sigma else points
        steady = steady - np.array([0.0, 1.0, 0.0]) * rest_level(steady, supports, clip, size)[:, None, None]
        on = contacts.contact_mask(steady, clip.fps, np.zeros(4), size) & supports
        low = steady[..., 1].min(1) < contacts.HEIGHT_ON * size
        if on.any(1).sum() > best.any(1).sum():
            best = on
        if on.any(1)[low].sum() >= _STANDING * low.sum():
            break
    otherwise = rests.Rests.of(clip, ground).on(clip, points[..., 1].min(1))
    return ContactTrack(LABELS, np.concatenate([best, otherwise], axis=1))


def whole(track: ContactTrack, clip: Clip, ground: Ground) -> ContactTrack:
    """A track of all parts: one that says nothing of hands, knees and seat gets those that are found.

    Raises:
        BadInput: it has other parts.
    """
    if tuple(track.labels) == LABELS:
        return track
    if tuple(track.labels) != contacts.LABELS:
        raise BadInput(f"plants: of {', '.join(track.labels)}; expected {', '.join(LABELS)}")
    otherwise = rests.Rests.of(clip, ground).on(clip, ground.above(contacts.foot_points(clip))[..., 1].min(1))
    return ContactTrack(LABELS, np.concatenate([track.on, otherwise], axis=1))


def level(clip: Clip, ground: Ground, size: float) -> Array:
    """`rest_level` of a clip as it is."""
    points, supports = _supports(clip, ground, size)
    return rest_level(points, supports, clip, size)


def _supports(clip: Clip, ground: Ground, size: float) -> tuple[Array, np.ndarray]:
    """Feet over the ground ``(T, 4, 3)``, and whether nothing of the body is lower ``(T, 4)``."""
    points = ground.above(contacts.foot_points(clip))
    lowest = ground.above(clip.positions())[..., 1].min(1) - 0.03 * size  # joints lie inside the body
    return points, points[..., 1] - np.minimum(lowest, points[..., 1].min(1))[:, None] < _LOWEST * size


def rest_level(points: Array, supports: np.ndarray, clip: Clip, size: float) -> Array:
    """``(T,)`` height at which feet rest around each frame, metres: 0 where a motion stands on its floor.

    Args:
        points: ``(T, 4, 3)`` feet, heights above the ground.
        supports: ``(T, 4)`` bool: nothing of the body is lower.
        clip: for its rate.
        size: of the performer against an adult.
    """
    fps, frames = float(clip.fps), len(points)
    slow = (contacts.speed(points, clip.fps) < contacts.SPEED_OFF * size) & supports
    grid = np.unique(np.linspace(0, frames - 1, max(2, round(frames / fps * 2) + 1)).astype(int))
    found = np.full(len(grid), np.nan)
    for k, at in enumerate(grid):
        near = slice(max(0, int(at - _AROUND_S * fps)), int(at + _AROUND_S * fps) + 1)
        heights = points[near, :, 1][slow[near]]
        if len(heights) >= 0.1 * fps:
            found[k] = np.percentile(heights, 10.0)
    known = np.isfinite(found)
    if not known.any():
        return np.full(frames, float(np.percentile(points[..., 1].min(1), contacts.FLOOR_PERCENTILE)))
    return np.asarray(np.interp(np.arange(frames), grid[known], found[known]))


def carried_otherwise(clip: Clip, ground: Ground) -> np.ndarray:
    """``(T,)`` bool: frames on which something else than a foot is lowest: sitting, lying, crawling, hand stands."""
    size = contacts.size_of(clip.rest_offsets)
    joints = ground.above(clip.positions())[..., 1]
    feet = ground.above(contacts.foot_points(clip))[..., 1].min(1)
    others = np.delete(joints, [7, 8, 10, 11], axis=1).min(1) - 0.06 * size
    return np.asarray(others < feet + 0.02 * size)


def read(path: str | os.PathLike[str], clip: Clip) -> ContactTrack:
    """Plants that somebody set: a CSV with the columns ``part, start_s, end_s``.

    Raises:
        BadInput: no such file, a column is missing, a part is unknown, or a time is no number or out of order.
    """
    rows = csv.DictReader(files.read(path, "file of plants").decode("utf-8-sig", "replace").splitlines())
    missing = [c for c in ("part", "start_s", "end_s") if c not in (rows.fieldnames or ())]
    if missing:
        raise BadInput(f"{path}: no column {', '.join(missing)}; expected part, start_s, end_s")
    on = np.zeros((clip.frames, len(LABELS)), bool)
    for number, row in enumerate(rows, start=2):
        part = (row["part"] or "").strip()
        if part not in LABELS:
            raise BadInput(f"{path}:{number}: {unknown('part', part, LABELS)}")
        try:
            start, end = float(row["start_s"]), float(row["end_s"])
        except (TypeError, ValueError):
            raise BadInput(f"{path}:{number}: start_s and end_s are not both numbers") from None
        if not (0 <= start <= end < np.inf):
            raise BadInput(f"{path}:{number}: from {start:g} s to {end:g} s, expected 0 <= start <= end")
        first, last = np.rint(np.array([start, end]) * float(clip.fps)).astype(int)
        on[first : last + 1, LABELS.index(part)] = True
    return ContactTrack(LABELS, on)


def write(path: str | os.PathLike[str], track: ContactTrack, fps: float) -> None:
    """The same CSV, one row for each plant."""
    with files.whole(Path(path)) as beside, beside.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["part", "start_s", "end_s"])
        found = [(a, b, label) for label, a, b in spans(track)]
        for a, b, label in sorted(found):
            rows.writerow([label, f"{a / fps:.4f}", f"{(b - 1) / fps:.4f}"])


def spans(track: ContactTrack) -> list[tuple[str, int, int]]:
    """Every plant: its part, its first frame, and the frame after its last."""
    return [(label, a, b) for k, label in enumerate(track.labels) for a, b in runs(track.on[:, k])]
