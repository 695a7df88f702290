"""Sentences about spans of time: HumanML3D's `index.csv` and `texts/`, BABEL's JSON, a folder's own `captions.json`.

A text file of a capture's own name is read by `beside`. All else is matched with captures by the file that it names: by
data set, subject and take, whatever the folder they lie in and whichever body model they are for (`80_63_poses.npz`,
`80_63_stageii.npz`, `80_63.amc`).
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mocap_data.dataset_find import SUFFIXES, is_motion
from mocap_data.files import text_of
from motion import files
from motion.errors import BadInput, CinemotionError

#: HumanML3D counts frames at this rate, after seconds that its script cuts off at the start of some sets.
HUMANML3D_FPS = 20
TRIMMED_S: Mapping[str, float] = {
    "Eyes_Japan_Dataset": 3.0, "MPI_HDM05": 3.0, "TotalCapture": 1.0, "MPI_Limits": 1.0, "Transitions_mocap": 0.5,
}  # fmt: skip
#: A sentence of several deeds is told of a window that holds so much of its span; a name of one deed, of a window
#: that lies within the span but for so many seconds.
WHOLE, SLACK_S = 0.8, 0.25
#: Text files of a capture's name that are larger hold data, not sentences, bytes.
_MOST_TEXT = 64 << 10
_LABEL_FILES = 200  # JSON files looked at in one folder; more are results or settings, not labels


@dataclass(frozen=True)
class Saying:
    """Words about a span of a clip."""

    text: str
    start: float = 0.0  # seconds of the clip
    end: float = math.inf
    steady: bool = False  # true at any moment of the span ("walk"), not only of all of it ("walks, then sits")

    def holds(self, start: float, end: float, length: float) -> bool:
        """Whether the words are true of seconds ``start`` to ``end`` of a clip of ``length`` seconds."""
        first, last = self.start, min(self.end, length)
        if last <= first:
            return False
        inside = start >= first - SLACK_S and end <= last + SLACK_S
        if self.steady:
            return inside
        shared = min(end, last) - max(start, first)
        return shared >= WHOLE * (last - first) and shared >= WHOLE * (end - start)


def find_sayings(folders: Iterable[Path], notes: list[str]) -> dict[str, list[Saying]]:
    """Sayings below folders by `key` of the capture they speak of; what cannot be read is told in ``notes``."""
    out: dict[str, list[Saying]] = {}
    for folder in folders:
        for index in sorted(folder.rglob("index.csv")):
            if _texts_of(index).is_dir():
                _merge(out, humanml3d(index, notes))
        for path in sorted(folder.rglob("*.json"))[:_LABEL_FILES]:
            found = labels(path, notes)
            if found:
                _merge(out, found)
    return out


def _texts_of(index: Path) -> Path:
    """Where the sentences lie: beside the index, or below it as in HumanML3D's repository."""
    inner = index.parent / "HumanML3D" / "texts"
    return inner if inner.is_dir() else index.parent / "texts"


def beside(path: Path, notes: list[str]) -> list[Saying]:
    """Sentences in the text file of a capture's name, beside it or in a folder `texts` beside its folder.

    One sentence a line, of all of the capture, or lines in HumanML3D's form. A file that is motion itself (DeepMimic's
    are `.txt` too) says nothing, nor does one with lines that are no words; that is told in ``notes``.
    """
    if path.suffix.lower() not in SUFFIXES:
        return []
    out: list[Saying] = []
    for place in (path.with_suffix(".txt"), path.parent.parent / "texts" / f"{path.stem}.txt"):
        if place == path or not place.is_file() or is_motion(place):
            continue
        try:
            data = files.read(place, "text file", _MOST_TEXT + 1)
            if len(data) > _MOST_TEXT:
                raise BadInput(f"{place}: more than {_MOST_TEXT >> 10} kB, expected sentences")
            found = list(_texts(text_of(data, place, "sentences, as")))
        except CinemotionError as error:
            notes.append(str(error))
            continue
        wordless = next((text for text, _, _ in found if not re.search(r"[^\W\d_]{2}", text)), None)
        if wordless is not None:
            notes.append(f"{place}: '{wordless[:40]}' is no sentence; the file is not used")
            continue
        out += [Saying(text, a, b if b > a else math.inf) for text, a, b in found]
    return out


def _merge(into: dict[str, list[Saying]], more: Mapping[str, Sequence[Saying]]) -> None:
    for name, sayings in more.items():
        into.setdefault(name, []).extend(sayings)


def key(path: str) -> str:
    """What two ways to a capture have in common: data set, subject and take, lower case.

    >>> key("./pose_data/CMU/80/80_63_poses.npy") == key("AMASS/CMU/CMU/80/80_63_stageii.npz")
    True
    """
    parts = re.sub(r"[ \\]", "_", path.replace("\\", "/")).strip("./").split("/")
    parts[-1] = re.sub(r"\.\w+$", "", parts[-1])
    parts[-1] = re.sub(r"_(poses|stageii)$", "", parts[-1])
    return "/".join(parts[-3:]).lower()


def match(names: Sequence[str], sayings: Mapping[str, Sequence[Saying]]) -> dict[str, tuple[Saying, ...]]:
    """Sayings by clip name: by the last three parts of the path, or the last two or one where they are unmistakable."""
    out: dict[str, tuple[Saying, ...]] = {}
    tables: list[dict[str, list[str]]] = [{}, {}, {}]
    for spoken in sayings:
        for depth, table in enumerate(tables):
            table.setdefault("/".join(spoken.split("/")[depth - 3 :]) if depth else spoken, []).append(spoken)
    for name in names:
        own = key(name)
        for depth, table in enumerate(tables):
            short = "/".join(own.split("/")[depth - 3 :]) if depth else own
            found = table.get(short, [])
            if len(found) == 1:
                out[name] = tuple(sayings[found[0]])
                break
    return out


def humanml3d(index: Path, notes: list[str]) -> dict[str, list[Saying]]:
    """Sayings of a HumanML3D folder: rows of `index.csv` (20 fps) and one text file for each.

    A row that is not understood is left out and told in ``notes``. Mirrored texts (`M000004.txt`) are not read: windows
    are mirrored here, with their words.
    """
    out: dict[str, list[Saying]] = {}
    table = csv.DictReader(io.StringIO(files.read(index, "CSV file").decode("utf-8", errors="replace")))
    wanted = {"source_path", "start_frame", "end_frame", "new_name"}
    if not wanted <= set(table.fieldnames or ()):
        raise BadInput(f"{index}: columns {table.fieldnames}, expected {', '.join(sorted(wanted))}")
    lost = 0
    for row in table:
        try:
            source, name = str(row["source_path"]), Path(str(row["new_name"])).stem
            start, end = int(row["start_frame"]), int(row["end_frame"])
        except (TypeError, ValueError):
            lost += 1
            continue
        texts = _texts_of(index) / f"{name}.txt"
        if not texts.is_file() or name.startswith("M"):
            lost += not texts.is_file()
            continue
        shift = next((s for part, s in TRIMMED_S.items() if part in source), 0.0)
        first = start / HUMANML3D_FPS + shift
        last = math.inf if end < 0 else end / HUMANML3D_FPS + shift
        for text, a, b in _texts(files.read(texts, "text file").decode("utf-8", errors="replace")):
            span = (first, last) if b <= a else (first + a, min(first + b, last))
            out.setdefault(key(source), []).append(Saying(text, *span))
    if lost:
        notes.append(f"{index}: {lost} rows without a text file or with a frame that is no number")
    return out


def _texts(content: str) -> Iterable[tuple[str, float, float]]:
    """Lines ``sentence#word/POS …#start#end``; the seconds count from the segment's start, 0 and 0 mean all of it."""
    for line in content.splitlines():
        parts = line.strip().split("#")
        sentence = parts[0].strip()
        if not sentence:
            continue
        try:
            a, b = (float(parts[2]), float(parts[3])) if len(parts) >= 4 else (0.0, 0.0)
        except ValueError:
            a, b = 0.0, 0.0
        yield sentence, *((a, b) if math.isfinite(a) and math.isfinite(b) else (0.0, 0.0))


def labels(path: Path, notes: list[str]) -> dict[str, list[Saying]]:
    """Sayings of a JSON file in BABEL's form, or of this project's own; nothing where it is neither.

    BABEL: ``{id: {"feat_p": file, "seq_ann": {"labels": […]}, "frame_ann": {"labels": [{"raw_label", "start_t",
    "end_t"}]}}}``. Our own: ``{file: {"captions": [sentence or {"text", "start", "end"}], "description": …}}``.
    """
    if path.stat().st_size > 400 << 20:
        return {}
    try:
        table = json.loads(files.read(path, "JSON file"))
    except (ValueError, RecursionError) as error:
        if path.name == "captions.json":
            notes.append(f"{path}: not JSON ({error})")
        return {}
    if not isinstance(table, dict):
        return {}
    out: dict[str, list[Saying]] = {}
    for name, entry in table.items():
        if not isinstance(entry, dict):
            return {}
        if isinstance(entry.get("feat_p"), str):
            found = [s for kind in ("seq_ann", "frame_ann") for s in _babel(entry.get(kind))]
            out.setdefault(key(entry["feat_p"]), []).extend(found)
        elif path.name == "captions.json" and isinstance(entry.get("captions"), list):
            out.setdefault(key(name), []).extend(s for c in entry["captions"] if (s := _own(c)) is not None)
    return out


def _babel(annotation: Any) -> Iterable[Saying]:
    rows = annotation.get("labels") if isinstance(annotation, dict) else None
    for row in rows if isinstance(rows, list) else ():
        text = row.get("raw_label") or row.get("proc_label") if isinstance(row, dict) else None
        if not isinstance(text, str) or not text.strip() or text == "transition":
            continue
        start, end = _seconds(row.get("start_t"), 0.0), _seconds(row.get("end_t"), math.inf)
        # A label of a span of time names one deed; one of a whole sequence may name several in turn.
        yield Saying(text.strip(), start, end, steady="start_t" in row)


def _own(caption: Any) -> Saying | None:
    if isinstance(caption, str):
        return Saying(caption.strip()) if caption.strip() else None
    if not isinstance(caption, dict) or not isinstance(caption.get("text"), str) or not caption["text"].strip():
        return None
    start, end = _seconds(caption.get("start"), 0.0), _seconds(caption.get("end"), math.inf)
    return Saying(caption["text"].strip(), start, end, steady="start" in caption)


def _seconds(value: Any, otherwise: float) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return otherwise
