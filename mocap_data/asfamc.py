"""Acclaim skeleton and motion files (`.asf`, `.amc`) in: the form that CMU's motion-capture database is published in.

A bone of the ASF turns about axes of its own: with C the turn of those axes and M the turn that the AMC gives, it turns
its rest direction by ``C M C^-1`` in its parent's frame (University of Wisconsin's description of Acclaim's format).
So all rest rotations here are the identity, and joint j stands where bone j begins.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import numpy as np

from mocap_data import files
from mocap_data.rows import LARGEST
from motion import rate
from motion import rotations as rot
from motion.errors import BadInput, did_you_mean
from motion.rotations import Array
from motion.take import Take

_INCH = 0.0254  # metres; an ASF's lengths times 1 / (its length unit) are inches in CMU's files
_DOFS = ("tx", "ty", "tz", "rx", "ry", "rz", "l")
_ASSUMED_FPS = Fraction(120)
_MOST_BONES = 20_000


@dataclass
class _Bone:
    name: str
    line: int
    direction: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    length: float = 0.0
    axis: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    order: str = "XYZ"
    dofs: list[str] = field(default_factory=list)
    limits: list[tuple[float, float]] = field(default_factory=list)  # kept for whoever wants them; poses ignore them

    @property
    def offset(self) -> Array:
        """From where the bone begins to where its children begin."""
        return self.length * np.array(self.direction)


class _Skeleton:
    """What an ASF file says."""

    def __init__(self, data: bytes, path: str) -> None:
        self.path, self.line = path, 0
        self.length_unit, self.radians = 1.0, False
        self.root = _Bone("root", 0, dofs=["tx", "ty", "tz", "rx", "ry", "rz"])
        self.position = np.zeros(3)
        self.bones: dict[str, _Bone] = {}
        self.children: dict[str, list[str]] = {}
        self._lines = iter(_lines(data, path, "ASF"))
        self._read()

    def fail(self, what: str) -> NoReturn:
        raise BadInput(f"{self.path}:{self.line}: {what}")

    def floats(self, words: list[str], count: int, what: str) -> list[float]:
        if len(words) != count:
            self.fail(f"{what} has {len(words)} values, expected {count}")
        return [_number(word, f"{self.path}:{self.line}: {what}") for word in words]

    def _read(self) -> None:
        section = ""
        bone: _Bone | None = None
        in_hierarchy = False
        for line, words in self._lines:
            self.line = line
            key = words[0].lower()
            if key.startswith(":"):
                section = key[1:]
                continue
            match section:
                case "units":
                    if key == "length":
                        self.length_unit = self.floats(words[1:], 1, "length unit")[0]
                        if self.length_unit <= 0:
                            self.fail(f"length unit {words[1]}, expected more than 0")
                    elif key == "angle":
                        unit = words[1].lower() if len(words) > 1 else ""
                        if not unit.startswith(("deg", "rad")):
                            self.fail(f"angle unit {unit[:40]!r}, expected deg or rad")
                        self.radians = unit.startswith("rad")
                case "root":
                    self._root(key, words[1:])
                case "bonedata":
                    if key == "begin":
                        bone = _Bone("", self.line)
                    elif bone is None:
                        self.fail(f"{words[0][:40]!r} outside of a bone, expected begin")
                    elif key == "end":
                        self._add(bone)
                        bone = None
                    else:
                        self._bone(bone, key, words)
                case "hierarchy":
                    if key in ("begin", "end"):
                        in_hierarchy = key == "begin"
                    elif in_hierarchy:
                        self._link(words)
                case "":
                    self.fail(f"starts with {words[0][:30]!r}, expected a section such as :version")
        if bone is not None:
            self.fail("the file ends inside a bone, expected end")
        if not self.bones:
            self.fail("the file has no :bonedata")
        if not self.children:
            self.fail("the file has no :hierarchy")

    def _root(self, key: str, words: list[str]) -> None:
        if key == "order":
            self.root.dofs = self._dofs(words)
        elif key == "axis":
            self.root.order = self._order(words[0] if words else "")
        elif key == "position":
            self.position = np.array(self.floats(words, 3, "root position"))
        elif key == "orientation":
            self.root.axis = self.floats(words, 3, "root orientation")

    def _bone(self, bone: _Bone, key: str, words: list[str]) -> None:
        what = f"{key} of bone '{bone.name}'"
        if key == "name":
            bone.name = " ".join(words[1:])
            if not bone.name.isprintable() or len(bone.name) > 1000:
                self.fail(f"{bone.name[:40]!r} is no name for a bone")
        elif key == "direction":
            bone.direction = self.floats(words[1:], 3, what)
        elif key == "length":
            bone.length = self.floats(words[1:], 1, what)[0]
        elif key == "axis":
            bone.axis = self.floats(words[1:4], 3, what)
            bone.order = self._order(words[4]) if len(words) > 4 else "XYZ"
        elif key == "dof":
            bone.dofs = self._dofs(words[1:])
        elif key == "limits" or key.startswith("("):
            given = " ".join(words).replace("limits", " ").replace("(", " ").replace(")", " ").split()
            for low, high in zip(given[::2], given[1::2], strict=False):
                try:
                    bone.limits.append((float(low), float(high)))  # "-inf inf" is usual here
                except ValueError:
                    self.fail(f"limits ({low} {high}) of bone '{bone.name}', expected two numbers")

    def _order(self, word: str) -> str:
        if sorted(word.upper()) != ["X", "Y", "Z"]:
            self.fail(f"axis order {word[:40]!r}, expected X, Y and Z in some order")
        return word.upper()

    def _dofs(self, words: list[str]) -> list[str]:
        dofs = [word.lower() for word in words]
        for dof in dofs:
            if dof not in _DOFS or dofs.count(dof) > 1:
                what = "stands twice" if dof in _DOFS else f"is unknown{did_you_mean(dof, _DOFS)}"
                self.fail(f"degree of freedom {dof[:40]!r} {what}")
        return dofs

    def _add(self, bone: _Bone) -> None:
        if not bone.name:
            self.fail(f"the bone that begins in line {bone.line} has no name")
        if bone.name in self.bones or bone.name == "root":
            self.fail(f"bone '{bone.name}' stands twice")
        if len(self.bones) == _MOST_BONES:
            self.fail(f"more than {_MOST_BONES} bones")
        self.bones[bone.name] = bone

    def _link(self, words: list[str]) -> None:
        for word in words:
            if word != "root" and word not in self.bones:
                self.fail(f"unknown bone {word[:60]!r} in :hierarchy{did_you_mean(word, self.bones)}")
        taken = {child for children in self.children.values() for child in children}
        for child in words[1:]:
            if child in taken or child == "root":
                self.fail(f"bone '{child}' has a parent already")
            taken.add(child)
        self.children.setdefault(words[0], []).extend(words[1:])

    def tree(self) -> tuple[list[_Bone], list[int]]:
        """Bones depth first, the root ahead, and the index of each one's parent."""
        bones: list[_Bone] = []
        parents: list[int] = []
        waiting = [("root", -1)]
        while waiting:
            name, parent = waiting.pop()
            index = len(bones)
            bones.append(self.root if name == "root" else self.bones[name])
            parents.append(parent)
            waiting += [(child, index) for child in reversed(self.children.get(name, []))]
        if len(bones) - 1 < len(self.bones):
            lost = sorted(set(self.bones) - {bone.name for bone in bones})
            self.fail(f"bone '{lost[0]}' is not joined to the root in :hierarchy")
        return bones, parents


def read(path: str | os.PathLike[str], *, asf: str | os.PathLike[str] | None = None, fps: float | None = None) -> Take:
    """Read an AMC file together with its ASF.

    Args:
        path: the `.amc`.
        asf: its skeleton. Without it: in the same folder, the same name (`02_01.asf`), the part before the first
            underscore (`02.asf`), or the only `.asf` there is.
        fps: frames per second; the format does not say, so 120 (CMU's usual) is assumed and noted.

    Raises:
        BadInput: no skeleton found, or anything wrong in either file, with its line.
    """
    skeleton_path = _find_skeleton(Path(path)) if asf is None else Path(asf)
    asf_data = files.read_bytes(skeleton_path)
    skeleton = _Skeleton(asf_data, os.fspath(skeleton_path))
    data = files.read_bytes(path)
    notes = [f"skeleton from {skeleton_path.name}"]
    return _take(skeleton, data, os.fspath(path), fps, notes)


def read_skeleton(path: str | os.PathLike[str]) -> Take:
    """Read an ASF file alone: one frame of its rest pose."""
    data = files.read_bytes(path)
    return _take(
        _Skeleton(data, os.fspath(path)), data, os.fspath(path), None, ["a skeleton's rest pose, no motion"], True
    )


def _find_skeleton(path: Path) -> Path:
    files.read_head(path)  # a missing motion file is the first thing to say
    wanted = dict.fromkeys((f"{path.stem}.asf", f"{path.stem.split('_')[0]}.asf"))
    there = sorted(p for p in path.absolute().parent.iterdir() if p.suffix.lower() == ".asf")
    for name in wanted:
        for candidate in there:
            if candidate.name.lower() == name.lower():
                return candidate
    if len(there) == 1:
        return there[0]
    found = f"there are {len(there)}" if there else "there is none"
    raise BadInput(
        f"{path}: needs its skeleton: looked in its folder for {' and '.join(wanted)}, or a single .asf ({found}); "
        "give it as asf=…"
    )


def _take(
    skeleton: _Skeleton, data: bytes, path: str, fps: float | None, notes: list[str], at_rest: bool = False
) -> Take:
    bones, parents = skeleton.tree()
    if at_rest:
        values, radians = np.zeros((1, sum(len(bone.dofs) for bone in bones))), False
    else:
        values, radians = _motion(data, path, bones, skeleton.radians)
    rest = np.zeros((len(bones), 3))
    rest[0] = skeleton.position
    rest[1:] = [bones[p].offset if p > 0 else np.zeros(3) for p in parents[1:]]
    ends = np.full_like(rest, np.nan)
    for j in set(range(1, len(bones))) - set(parents):
        ends[j] = bones[j].offset
    rotations = np.empty((len(values), len(bones), 4))
    translations = np.repeat(rest[None], len(values), axis=0)
    column = 0
    for j, bone in enumerate(bones):
        part = dict(zip(bone.dofs, values[:, column : column + len(bone.dofs)].T, strict=True))
        column += len(bone.dofs)
        axes = _turn(bone.order, np.array(bone.axis) if skeleton.radians else np.radians(bone.axis))
        order = "".join(dof[1].upper() for dof in bone.dofs if dof[0] == "r")
        angles = [angle if radians else np.radians(angle) for dof, angle in part.items() if dof[0] == "r"]
        turn = _turn(order, np.stack(angles, axis=-1)) if angles else rot.IDENTITY
        rotations[:, j] = rot.multiply(rot.multiply(axes, turn), rot.inverse(axes))
        shift = np.stack([part.get(dof, np.zeros(len(values))) for dof in ("tx", "ty", "tz")], axis=-1)
        if shift.any():
            translations[:, j] += shift if j == 0 else rot.rotate(axes, shift)
        if "l" in part:
            for child in (k for k, p in enumerate(parents) if p == j):
                translations[:, child] += part["l"][:, None] * np.array(bone.direction)
    if fps is None:
        notes.append(f"the format does not say its rate; {_ASSUMED_FPS} frames per second assumed")
        exact = _ASSUMED_FPS
    else:
        try:
            exact = rate.from_rate(float(fps))
        except rate.RateError as error:
            raise BadInput(f"{path}: fps: {error}") from None
    metres: float | None = _INCH / skeleton.length_unit
    height = float(np.ptp(_stand(parents, rest, ends), axis=0).max()) * _INCH / skeleton.length_unit
    if not 0.3 < height < 4.0:
        notes.append(f"lengths in inches would make the skeleton {height:.3g} m large; its unit is left open")
        metres = None
    return Take(
        names=tuple(bone.name for bone in bones),
        parents=np.array(parents),
        rest_offsets=rest,
        rotations=rotations,
        translations=translations,
        fps=exact,
        end_offsets=ends,
        metres_per_unit=metres,
        up="Y",
        provenance=files.provenance(path, data, notes=tuple(notes)),
    )


def _stand(parents: list[int], rest: Array, ends: Array) -> Array:
    place = np.array(rest)
    for j, parent in enumerate(parents):
        if parent >= 0:
            place[j] += place[parent]
    return np.concatenate([place, place + np.nan_to_num(ends)])


def _turn(order: str, angles: Array) -> Array:
    """Turns about fixed axes, the first of ``order`` first; radians ``(…, len(order))``."""
    return rot.from_euler(order[::-1], angles[..., ::-1])


def _motion(data: bytes, path: str, bones: list[_Bone], radians: bool) -> tuple[Array, bool]:
    """Values ``(T, sum of degrees of freedom)`` in the bones' order, and whether angles are in radians."""
    where = {}
    column = 0
    for bone in bones:
        where[bone.name] = (column, len(bone.dofs))
        column += len(bone.dofs)
    needed = {bone.name for bone in bones if bone.dofs}
    rows: list[list[float]] = []
    row: list[float] = []
    missing: set[str] = set()
    number, started = 0, 0

    def finish(line: int) -> None:
        if missing:
            name = next(bone.name for bone in bones if bone.name in missing)
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise BadInput(f"{path}:{line}: frame {number} (from line {started}) lacks bone '{name}'{more}")

    line = 0
    for line, words in _lines(data, path, "AMC"):
        name = words[0]
        if name.startswith(":"):
            if name.upper() in (":DEGREES", ":RADIANS"):
                radians = name.upper() == ":RADIANS"
            continue
        if len(words) == 1 and name.isdecimal() and name not in where:
            finish(line)
            following = int(name[:18])
            if rows and following != number + 1:
                raise BadInput(f"{path}:{line}: frame {following} after frame {number}, expected {number + 1}")
            number, started, missing = following, line, set(needed)
            row = [0.0] * column
            rows.append(row)
            continue
        if not rows:
            raise BadInput(f"{path}:{line}: {name[:40]!r} before the first frame's number")
        if name not in where:
            hint = did_you_mean(name[:60], where)
            raise BadInput(f"{path}:{line}: bone {name[:60]!r} is not in the skeleton (another ASF's motion?){hint}")
        first, count = where[name]
        if len(words) - 1 != count:
            raise BadInput(f"{path}:{line}: bone '{name}' has {len(words) - 1} values, expected {count}")
        if count and name not in missing:
            raise BadInput(f"{path}:{line}: bone '{name}' stands twice in frame {number}")
        missing.discard(name)
        try:
            row[first : first + count] = map(float, words[1:])
        except ValueError:
            for word in words[1:]:
                _number(word, f"{path}:{line}: bone '{name}'")
    finish(line)
    if not rows:
        raise BadInput(f"{path}:{line}: the file has no frames")
    values = np.array(rows)
    bad = ~(np.abs(values) <= LARGEST).all(1)
    if bad.any():
        raise BadInput(
            f"{path}: frame {int(np.argmax(bad)) + 1} of the file holds a value that is not finite or above {LARGEST:g}"
        )
    return values, radians


def _lines(data: bytes, path: str, kind: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and words, without comments and blank lines."""
    text = files.text_of(data, path, kind).replace("\r\n", "\n").replace("\r", "\n")
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def _number(word: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST:
        raise BadInput(f"{where}: {word[:40]!r}, expected a finite number of at most {LARGEST:g}")
    return value
