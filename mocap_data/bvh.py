"""Biovision hierarchy files (`.bvh`) in: `read` takes any channel layout and names the line of an error.

The format has no standard text; the rules here are those of the programs that read it: rotations are intrinsic, in the
order of the channels, and a position channel is absolute and replaces OFFSET.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import NoReturn

import numpy as np

from mocap_data import files
from mocap_data.rows import LARGEST, parse_rows
from motion import rate
from motion import rotations as rot
from motion.errors import BadInput, did_you_mean
from motion.rotations import Array
from motion.take import Take

CHANNELS = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")
_PROPER = {name.lower(): name for name in CHANNELS}
_KEYWORDS = ("HIERARCHY", "ROOT", "JOINT", "End Site", "OFFSET", "CHANNELS", "MOTION")
_MOST_JOINTS = 20_000
_TURNS = 8192  # rotations worked out at a time: their work arrays stay in cache


def read(path: str | os.PathLike[str], *, fps: float | None = None) -> Take:
    """Read a BVH file; see `parse`.

    Args:
        path: the file.
        fps: frames per second to play it at, where the file is known to be wrong about its own rate.
    """
    take = parse(files.read_bytes(path), os.fspath(path))
    if fps is None:
        return take
    try:
        exact = rate.from_rate(float(fps))
    except rate.RateError as error:
        raise BadInput(f"{os.fspath(path)}: fps: {error}") from None
    note = f"played at {exact} frames per second instead of the file's {take.fps}"
    return replace(take, fps=exact, provenance=take.provenance.noting(note))


def parse(data: bytes, path: str) -> Take:
    """Make a `Take` of a BVH file's bytes; ``path`` stands in errors and, without its folder, in the provenance.

    Units and up axis are not in the format: ``metres_per_unit`` and ``up`` stay None. A joint's name that repeats gets
    a number, so that names are unique.

    Raises:
        BadInput: whatever is wrong in the file, as ``path:line: what came, what was expected``.
    """
    text = data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = files.text_of(data, path, "BVH").encode()
    if b"\n" not in text:  # classic Mac line ends; Windows' \r\n needs no change, as \r is white space too
        text = text.replace(b"\r", b"\n")
    motion = re.search(rb"^[ \t]*MOTION[ \t]*:?\s*?$", text, re.IGNORECASE | re.MULTILINE)
    header = _Header(files.text_of(text[: motion.start()] if motion else text, path, "BVH"), path)
    if motion is None:
        raise BadInput(f"{path}:{header.line}: the file ends without MOTION")
    declared, fps, start = _motion_head(text, motion.end(), path)
    columns = sum(map(len, header.channels))
    if columns == 0:
        raise BadInput(f"{path}: no joint has channels, expected at least one")
    first_line = text.count(b"\n", 0, start) + 1
    values = parse_rows(memoryview(text)[start:], columns, first_line, path)
    if len(values) != declared:
        last = first_line + text[start:].rstrip().count(b"\n")
        raise BadInput(f"{path}:{last}: the file has {len(values)} frames, expected {declared} as 'Frames:' says")
    return _take(header, values, fps, path, data)


class _Header:
    """The joints of the HIERARCHY block, in the file's order, which is that of the MOTION columns."""

    def __init__(self, text: str, path: str) -> None:
        self.path = path
        self.line = 0
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float] | None] = []
        self.channels: list[list[str]] = []
        self.ends: dict[int, list[float] | None] = {}  # by joint; None: opened, no OFFSET yet
        self.notes: list[str] = []
        self._lines: list[int] = []
        self._open: list[tuple[int, bool]] = []  # joint, and whether it is its End Site that is open
        self._pending: tuple[int, bool] | None = None  # declared, its '{' not seen yet
        self._read(text)

    def _fail(self, what: str) -> NoReturn:
        raise BadInput(f"{self.path}:{self.line}: {what}")

    def _read(self, text: str) -> None:
        seen_keyword = False
        for number, line in enumerate(text.split("\n"), start=1):
            self.line = number
            for piece in re.split(r"([{}])", line):
                words = piece.split()
                if not words:
                    continue
                key = words[0].upper()
                if not seen_keyword:
                    if key.rstrip(":") != "HIERARCHY":
                        self._fail(f"starts with {_short(piece)}, expected HIERARCHY: is this a BVH file?")
                    seen_keyword = True
                elif key == "{":
                    self._begin()
                elif key == "}":
                    self._end()
                elif self._pending is not None:
                    self._fail(f"{_short(piece)}, expected '{{' after {self._block(self._pending)}")
                elif key in ("ROOT", "JOINT"):
                    self._joint(key, piece.split(None, 1)[1].strip() if len(words) > 1 else "")
                elif key in ("END", "ENDSITE"):
                    self._end_site()
                elif key == "OFFSET":
                    self._offset(words[1:])
                elif key == "CHANNELS":
                    self._channels(words[1:])
                else:
                    self._fail(f"unknown keyword {_short(piece)}{did_you_mean(words[0], _KEYWORDS)}")
        if self._pending is not None:
            self._fail(f"expected '{{' after {self._block(self._pending)}, the block never opens")
        if self._open:
            self._fail(f"expected '}}': {self._block(self._open[-1])} is never closed")
        if not self.names:
            self._fail("the file has no ROOT" if seen_keyword else "the file is blank, expected HIERARCHY")
        for j, offset in enumerate(self.offsets):
            if offset is None:
                self.line = self._lines[j]
                self._fail(f"joint '{self.names[j]}' has no OFFSET")
        for j in [j for j, end in self.ends.items() if end is None]:
            self.ends.pop(j)
            self.notes.append(f"the End Site of '{self.names[j]}' has no OFFSET and is left out")
        self._make_unique()

    def _block(self, block: tuple[int, bool]) -> str:
        j, is_end = block
        return f"{'the End Site of ' if is_end else ''}joint '{self.names[j]}' (line {self._lines[j]})"

    def _begin(self) -> None:
        if self._pending is None:
            self._fail("'{' without ROOT, JOINT or End Site before it")
        self._open.append(self._pending)
        self._pending = None

    def _end(self) -> None:
        if self._pending is not None or not self._open:
            self._fail("'}' without its '{'")
        self._open.pop()

    def _joint(self, key: str, name: str) -> None:
        name = "".join(c if c.isprintable() else " " for c in name).strip()  # errors and other programs show it
        if not name:
            self._fail(f"{key} without a name")
        if len(name) > 1000:
            self._fail(f"{key} with a name of {len(name)} characters")
        if key == "ROOT" and self._open:
            self._fail(f"ROOT '{name}' inside {self._block(self._open[-1])}: is a '}}' missing?")
        if key == "JOINT" and not self._open:
            self._fail(f"JOINT '{name}' outside of any ROOT: is there a '}}' too many?")
        if self._open and self._open[-1][1]:
            self._fail(f"JOINT '{name}' inside {self._block(self._open[-1])}")
        if len(self.names) == _MOST_JOINTS:
            self._fail(f"more than {_MOST_JOINTS} joints")
        self._pending = (len(self.names), False)
        self.names.append(name)
        self.parents.append(self._open[-1][0] if self._open else -1)
        self.offsets.append(None)
        self.channels.append([])
        self._lines.append(self.line)

    def _end_site(self) -> None:
        if not self._open or self._open[-1][1]:
            self._fail("End Site outside of a joint")
        joint = self._open[-1][0]
        self._pending = (joint, True)
        if joint in self.ends:
            self.notes.append(f"joint '{self.names[joint]}' has several End Sites; the last is kept")
        self.ends[joint] = None

    def _offset(self, words: list[str]) -> None:
        if not self._open:
            self._fail("OFFSET outside of a joint")
        try:
            values = [float(word) for word in words]
        except ValueError:
            self._fail(f"OFFSET {_short(' '.join(words))}, expected three numbers")
        if len(values) != 3:
            self._fail(f"OFFSET has {len(values)} numbers, expected 3")
        if not all(abs(v) <= LARGEST for v in values):
            self._fail(f"OFFSET {' '.join(words)}, expected finite numbers of at most {LARGEST:g}")
        joint, is_end = self._open[-1]
        if is_end:
            self.ends[joint] = values
        elif self.offsets[joint] is not None:
            self._fail(f"a second OFFSET in joint '{self.names[joint]}'")
        else:
            self.offsets[joint] = values

    def _channels(self, words: list[str]) -> None:
        if not self._open:
            self._fail("CHANNELS outside of a joint")
        if not words or not words[0].isdecimal() or len(words[0]) > 3:
            self._fail(f"CHANNELS {_short(' '.join(words))}, expected a count first")
        count, given = int(words[0]), words[1:]
        if count != len(given):
            self._fail(f"CHANNELS says {count} and names {len(given)}")
        joint, is_end = self._open[-1]
        if is_end and count:
            self._fail(f"CHANNELS in {self._block(self._open[-1])}, expected OFFSET only")
        if self.channels[joint] and not is_end:
            self._fail(f"a second CHANNELS in joint '{self.names[joint]}'")
        for word in given:
            if word.lower() not in _PROPER:
                self._fail(f"unknown channel '{word[:40]}'{did_you_mean(word[:40], CHANNELS)}")
        names = [_PROPER[word.lower()] for word in given]
        for name, times in Counter(names).items():
            if times > 1 and name.endswith("position"):
                self._fail(f"channel {name} stands {times} times in joint '{self.names[joint]}'")
        if not is_end:
            self.channels[joint] = names

    def _make_unique(self) -> None:
        taken = set(self.names)
        seen: dict[str, int] = {}  # name: the last number that it was given
        for j, name in enumerate(self.names):
            number = seen.get(name, 0) + 1
            if number > 1:
                while f"{name}_{number}" in taken:
                    number += 1
                self.names[j] = f"{name}_{number}"
                taken.add(self.names[j])
                self.notes.append(f"joint name '{name}' repeats in line {self._lines[j]}; called '{self.names[j]}'")
            seen[name] = number


def _motion_head(text: bytes, place: int, path: str) -> tuple[int, Fraction, int]:
    """``Frames:`` and ``Frame Time:`` after MOTION; and where the rows begin."""
    frames: int | None = None
    fps: Fraction | None = None
    line = text.count(b"\n", 0, place)
    while (frames is None or fps is None) and place < len(text):
        end = text.find(b"\n", place)
        end = len(text) if end < 0 else end
        content, place, line = text[place:end].decode("latin-1").strip(), end + 1, line + 1
        where = f"{path}:{line}"
        if not content:
            continue
        key, _, value = content.partition(":")
        value = value.strip()
        match " ".join(key.lower().split()):
            case "frames":
                if not re.fullmatch(r"\d{1,12}", value, re.ASCII):
                    raise BadInput(f"{where}: 'Frames:' is {_short(value)}, expected a whole number")
                frames = int(value)
                if frames == 0:
                    raise BadInput(f"{where}: 'Frames:' is 0, expected at least 1")
            case "frame time":
                try:
                    fps = rate.from_frame_time(value)
                except rate.RateError as error:
                    raise BadInput(f"{where}: 'Frame Time:' {error}") from None
            case _:
                missing = "'Frames:'" if frames is None else "'Frame Time:'"
                raise BadInput(f"{where}: {_short(content)}, expected {missing}")
    if frames is None or fps is None:
        raise BadInput(f"{path}:{line}: the file ends without {'Frames:' if frames is None else 'Frame Time:'!r}")
    return frames, fps, place


def _take(header: _Header, values: Array, fps: Fraction, path: str, data: bytes) -> Take:
    joints = len(header.names)
    rest = np.array(header.offsets, dtype=np.float64)
    ends = np.full((joints, 3), np.nan)
    for j, end in header.ends.items():
        ends[j] = end
    rotations = np.empty((len(values), joints, 4))
    translations = np.empty((len(values), joints, 3))
    translations[:] = rest
    groups: dict[str, tuple[list[int], list[list[int]]]] = {}  # rotation order: joints, and their columns
    column = 0
    for j, channels in enumerate(header.channels):
        turns = [i for i, name in enumerate(channels, column) if name.endswith("rotation")]
        order = "".join(name[0] for name in channels if name.endswith("rotation"))
        group = groups.setdefault(order, ([], []))
        group[0].append(j)
        group[1].append(turns)
        for i, name in enumerate(channels, column):
            if name.endswith("position"):
                translations[:, j, "XYZ".index(name[0])] = values[:, i]
        column += len(channels)
    for order, (members, columns) in groups.items():
        _set_rotations(rotations, np.array(members), order, values, np.array(columns, dtype=np.intp))
    notes = list(header.notes)
    moved = [
        j
        for j, channels in enumerate(header.channels)
        if header.parents[j] >= 0 and any(name.endswith("position") for name in channels)
    ]
    if moved:
        notes.append(f"{len(moved)} joints below the root have position channels; they replace OFFSET")
    if header.parents.count(-1) > 1:
        notes.append(f"{header.parents.count(-1)} roots")
    known = files.known_rate(path)
    if known is not None and known != fps:
        notes.append(f"the file says {fps} frames per second, its data set says {known}: read it with fps={known}")
    return Take(
        names=tuple(header.names),
        parents=np.array(header.parents),
        rest_offsets=rest,
        rotations=rotations,
        translations=translations,
        fps=fps,
        end_offsets=ends,
        channels=tuple(map(tuple, header.channels)),
        provenance=files.provenance(path, data, notes=tuple(notes)),
    )


def _set_rotations(rotations: Array, joints: np.ndarray, order: str, values: Array, columns: np.ndarray) -> None:
    """Fill ``rotations[:, joints]`` from Euler angles in degrees that stand in ``columns (n, len(order))``."""
    if order == "":
        rotations[:, joints] = rot.IDENTITY
        return
    if len(order) != 3 or len(set(order)) != 3:
        rotations[:, joints] = rot.from_euler(order, np.radians(values[:, columns]))
        return
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    where = _evenly(joints)
    angles = [_evenly(columns[:, axis]) for axis in range(3)]
    step = max(1, _TURNS // len(joints))
    for start in range(0, len(values), step):
        # The product of three turns, each divided by its cosine: one tangent for a sine and a cosine, and no branch.
        # A half turn's tangent is 1e16, not infinite, so that the quotient holds there too.
        a, b, c = (np.tan(values[start : start + step, place] * (np.pi / 360)) for place in angles)
        scale = 1 / np.sqrt((1 + a * a) * (1 + b * b) * (1 + c * c))
        ab = a * b
        q = np.empty((*a.shape, 4)) if isinstance(where, np.ndarray) else rotations[start : start + step, where]
        q[..., 3] = (1 - sign * ab * c) * scale
        q[..., i] = (a + sign * b * c) * scale
        q[..., j] = (b - sign * a * c) * scale
        q[..., k] = (c + sign * ab) * scale
        if isinstance(where, np.ndarray):
            rotations[start : start + step, where] = q


def _evenly(places: np.ndarray) -> np.ndarray | slice:
    """The same places as a slice where they are evenly spaced: NumPy walks a slice several times as fast."""
    step = int(places[1] - places[0]) if len(places) > 1 else 1
    even = step > 0 and (np.diff(places) == step).all()
    return slice(int(places[0]), int(places[-1]) + 1, step) if even else places


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")
