"""Captures below folders: `find` lists them under the names of a corpus; `UNREAD` says of the rest why not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mocap_data import joints, registry
from motion.errors import BadInput, CinemotionError

#: Archives by their folder's name; the name is a clip's source wherever the folder lies.
ARCHIVES: tuple[str, ...] = (
    "bandai-namco-1", "bandai-namco-2", "cmu-bvh", "cmu-asfamc", "cmu-deepmimic", "deepmimic",
)  # fmt: skip
#: What is read. `.txt` and `.json` are captions and notes far more often than motion: their first bytes tell.
SUFFIXES = (".bvh", ".amc", ".npz", ".npy", ".txt", ".json")
_CONVERT = "not read here; bring it to .bvh first: cinemotion convert"
_EXPORT = "not read here; export it as .bvh from the program that wrote it"
#: Motion of other formats is counted and left out: by suffix, what to do about it.
UNREAD: dict[str, str] = {
    ".glb": _CONVERT, ".gltf": _CONVERT, ".fbx": _EXPORT, ".c3d": _EXPORT, ".trc": _EXPORT, ".mvnx": _EXPORT,
}  # fmt: skip
#: Folders of HumanML3D with motion made of AMASS's: as features, as joints, and as joints of whole captures.
_HUMANML3D = ("new_joint_vecs", "new_joints", "pose_data")

Found = tuple[Path, str, str]  # path (``result.npy#3`` is the fourth motion of a file), name of the clip, source


def find(folders: Sequence[str | os.PathLike[str]], notes: list[str] | None = None) -> list[Found]:
    """Motion files below folders, sorted; those of formats that are not read, too, so that they can be counted.

    A file that is not read counts only where no readable one of its name lies beside it. Of a file with several motions
    each is listed. What is left out for another reason is told in ``notes``.

    Raises:
        BadInput: a folder is missing or is a file.
    """
    seen: set[Path] = set()
    found: list[Found] = []
    for folder in map(Path, folders):
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder of captures")
        root = folder.resolve()
        paths = [path for path in sorted(root.rglob("*")) if _is_capture(path)]
        read = {path.with_suffix("") for path in paths if path.suffix.lower() in SUFFIXES}
        for path in paths:
            if path in seen or (path.suffix.lower() in UNREAD and path.with_suffix("") in read):
                continue
            seen.add(path)
            found.append((path, *named(path, root)))
    return _each(_once(found, [] if notes is None else notes))


def named(path: Path, folder: Path) -> tuple[str, str]:
    """A clip's name and its source, for a file below a folder: a known archive, or else the folder's own name."""
    parts = (folder.name, *path.relative_to(folder).parts)
    places = [i for i, part in enumerate(parts[:-1]) if part in ARCHIVES]
    at = places[-1] if places else 0
    return "/".join(parts[at:]), parts[at]


def above(path: Path, name: str) -> Sequence[Path]:
    """Folders from a capture's own up to the one that was given."""
    return path.parents[: name.count("/")]


def is_motion(path: Path) -> bool:
    """Whether the first bytes of a text or JSON file are those of a motion format."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return any(f.sniff is not None and f.sniff(head) for f in registry.formats() if path.suffix.lower() in f.suffixes)


def _is_capture(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES and suffix not in UNREAD:
        return False
    return path.is_file() and (suffix not in (".txt", ".json") or is_motion(path))


def _once(found: Sequence[Found], notes: list[str]) -> list[Found]:
    """Without what HumanML3D holds again: of its arrays the features alone, unmirrored; none beside AMASS itself."""
    made: dict[Path, bool] = {}
    for path, name, _ in found:
        if path.suffix.lower() == ".npy" and path.parent not in made:
            made[path.parent] = any((folder / part).is_dir() for folder in above(path, name) for part in _HUMANML3D)
    amass = any(path.suffix.lower() == ".npz" and path.stem.endswith(("_poses", "_stageii")) for path, _, _ in found)
    kept = [
        one
        for one in found
        if one[0].suffix.lower() != ".npy"
        or not made[one[0].parent]
        or (not amass and one[0].parent.name == "new_joint_vecs" and not one[0].name.startswith("M"))
    ]
    if len(kept) < len(found):
        why = "AMASS's captures again" if amass else "mirror images, or joints of the features in new_joint_vecs"
        notes.append(f"{len(found) - len(kept)} arrays of HumanML3D left out: {why}")
    return kept


def _each(found: Iterable[Found]) -> list[Found]:
    """Every motion of a `.npy` on its own."""
    out: list[Found] = []
    for path, name, source in found:
        count = _motions(path) if path.suffix.lower() == ".npy" and path.parent.name != "new_joint_vecs" else 1
        numbers = [f"#{k}" for k in range(count)] if count > 1 else [""]
        out += [(Path(f"{path}{number}"), f"{name}{number}", source) for number in numbers]
    return out


def _motions(path: Path) -> int:
    """How many motions a file holds; 1 where it cannot be read, which is found out again where it is told."""
    try:
        return joints.count(path)
    except (CinemotionError, ArithmeticError, IndexError, KeyError, ValueError):
        return 1
