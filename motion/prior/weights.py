"""Weights of learned models, one safetensors file each with its card inside: `find`, `load`, `save`, `shipped`.

A card says what the weights are, what they were trained on, under which licence they and what they make come, how good
they were measured to be, and where they fail. It lies in the file's header, so that it cannot be lost.
Nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from motion import files, licences
from motion.errors import BadInput, did_you_mean, unknown
from motion.take import Provenance

#: Version of the file's layout and of the card's meaning; a file of another one is refused.
FORMAT = 1
#: What weights are for.
KINDS: dict[str, str] = {
    "prior": "motion from words, key poses, paths and parts",
    "evaluator": "judges how well motion fits words",
    "inbetween": "fills between key poses at once, without sampling",
    "tokens": "motion to tokens and back",
    "gpt": "motion without end, token by token",
    "calibrator": "takes tremor, tilt and drift out of motion",
    "camera": "steers a camera, some decisions a second",
    "refiner": "turns raster frames into final ones",
    "between": "works out final frames between refined ones",
}
#: The shipped families and what they were trained on.
FAMILIES: dict[str, str] = {
    "base": "trained on everything; not for commercial use",
    "clean": "trained on the CMU and DeepMimic files alone; commercial use allowed",
}
SUFFIX = ".safetensors"
_MAX_HEADER = 16 << 20  # bytes; a header lists tensors, and no model of ours has a hundred thousand
_DTYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class Card:
    """What a file of weights is; everything here is plain data."""

    kind: str  # one of KINDS
    name: str  # "base", "clean", or what its maker calls it
    licence: str  # of the weights and of what they make
    version: str = "1"  # of these weights
    data: tuple[str, ...] = ()  # what they were trained on, one set each, with hours and licence
    knows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "verb", "style": words seen; {}: not told
    config: Mapping[str, Any] = field(default_factory=dict)  # all that rebuilds the network
    training: Mapping[str, Any] = field(default_factory=dict)  # steps, minutes, device, seed
    measured: Mapping[str, Any] = field(default_factory=dict)  # measure: value, or split: {measure: value}
    limits: tuple[str, ...] = ()  # where they fail, one sentence each
    parameters: int = 0  # filled in by `save`
    sha256: str = ""  # of the tensors' bytes; filled in by `save`
    format: int = FORMAT

    @property
    def label(self) -> str:
        """Name, kind, version and the beginning of the hash: what provenance quotes."""
        return f"{self.name} {self.kind} {self.version} (sha256 {self.sha256[:16]})"

    @property
    def commercial(self) -> bool:
        """Whether the licence is known to let what the weights make be used commercially."""
        return licences.allows_commercial(self.licence)

    def saw(self, slot: str, word: str) -> bool:
        """Whether training showed a word (a "verb" or "style"); yes where the card does not tell."""
        return not word or slot not in self.knows or word in self.knows[slot]

    def provenance(self, seed: int | None = None, *notes: str) -> Provenance:
        """The provenance of a clip that these weights made."""
        source = f"{self.name} {self.kind}"
        return Provenance(source=source, licence=self.licence, seed=seed, model=self.label, notes=notes)


@dataclass(frozen=True)
class Found:
    """A file of weights on this machine."""

    path: Path
    card: Card | None  # None: it cannot be used
    trouble: str = ""  # why not


def licence_of(data: Iterable[str]) -> str:
    """The licence of weights trained on data under these: those that may forbid commercial use, if any, else all."""
    return licences.combined(data)


# ---- where weights lie


def shipped_folder() -> Path:
    """The package's own weights."""
    return Path(__file__).resolve().parent.parent / "assets" / "weights"


def user_folder() -> Path:
    """The user's own weights: ``$CINEMOTION_WEIGHTS``, else ``cinemotion/weights`` in the user's cache folder."""
    given = os.environ.get("CINEMOTION_WEIGHTS")
    if given:
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "cinemotion" / "weights"


def file_name(name: str, kind: str) -> str:
    """``base-prior.safetensors``."""
    return f"{name}-{kind}{SUFFIX}"


def find(name_or_path: str | os.PathLike[str], kind: str) -> Path:
    """The file of some weights: by name among the shipped ones, then the user's own, or by path.

    A folder stands for the one file of that kind inside it.

    Raises:
        BadInput: an unknown kind or name, no such file, or the file is not of this kind or cannot be used.
    """
    if kind not in KINDS:
        raise unknown("kind of weights", kind, KINDS)
    text = os.fspath(name_or_path)
    if not text or "\0" in text:
        raise BadInput(f"weights {text!r}: expected a name ({', '.join(FAMILIES)}) or a file")
    path = Path(text).expanduser()
    if _is_path(text):
        return _in_folder(path, kind) if path.is_dir() else _of_kind(path, kind)
    candidate = named(text, kind)
    if candidate is not None:
        return _of_kind(candidate, kind)
    if path.is_dir():  # a training folder, named without a slash
        return _in_folder(path, kind)
    names = _names(kind)
    if text in FAMILIES or text in _names(None):
        other = [n for n in names if n != text]
        instead = f"; there is '{other[0]}'" if other else ""
        raise BadInput(
            f"no {kind} weights '{text}' on this machine{instead} (looked for {file_name(text, kind)} in the package "
            f"and in {user_folder()}; train them with `cinemotion train {kind}`, or give a file)"
        )
    raise BadInput(
        f"unknown weights '{text}'{did_you_mean(text, {*names, *FAMILIES})} (or the path of a {SUFFIX} file)"
    )


def named(name: str, kind: str) -> Path | None:
    """The file of weights of that name, shipped or the user's own, whatever it holds; None: there is none."""
    files = (folder / file_name(name, kind) for folder in (shipped_folder(), user_folder()))
    return next((file for file in files if file.is_file()), None)


def shipped(folders: Iterable[Path] | None = None) -> list[Found]:
    """Every file of weights in the package and in the user's folder, by name; broken ones too, with the reason."""
    found = []
    for folder in (shipped_folder(), user_folder()) if folders is None else folders:
        for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
            try:
                found.append(Found(path, card_of(path)))
            except BadInput as error:
                found.append(Found(path, None, str(error)))
    return found


def _is_path(text: str) -> bool:
    return text.endswith(SUFFIX) or os.sep in text or "/" in text or text in (".", "..") or text.startswith("~")


def _of_kind(path: Path, kind: str) -> Path:
    card_of(path, kind)
    return path


def _in_folder(folder: Path, kind: str) -> Path:
    mine: list[Path] = []
    others: list[str] = []
    for found in shipped([folder]):
        if found.card is not None and found.card.kind == kind:
            mine.append(found.path)
        else:
            others.append(f"{found.path.name} ({found.card.kind if found.card else 'broken'})")
    if len(mine) == 1:
        return mine[0]
    if mine:
        raise BadInput(f"{folder}: {len(mine)} files of {kind} weights ({', '.join(p.name for p in mine)}); name one")
    there = f"it holds {', '.join(others)}" if others else f"it holds no {SUFFIX} file"
    raise BadInput(f"{folder}: no {kind} weights in this folder; {there}")


def _names(kind: str | None) -> list[str]:
    """Names of the weights that are there, of one kind or of all."""
    found = []
    for one in shipped():
        name, _, its_kind = one.path.stem.rpartition("-")
        if name and (kind is None or its_kind == kind):
            found.append(name)
    return sorted(set(found))


# ---- reading


def card_of(path: str | os.PathLike[str], kind: str | None = None) -> Card:
    """A file's card, from its header alone.

    Raises:
        BadInput: there is no such file, it is not a whole file of weights, of another format version, or of another
            kind than asked for.
    """
    path = Path(path)
    head = files.read(path, "file of weights", 8)
    size = path.stat().st_size
    length = int.from_bytes(head, "little")
    if len(head) < 8 or not 2 <= length <= _MAX_HEADER:
        raise BadInput(f"{path}: not a {SUFFIX} file")
    header = _header(path, files.read(path, "file of weights", 8 + length)[8:], length)
    _check_size(path, header, 8 + length, size)
    text = header.get("__metadata__", {}).get("card")
    if not isinstance(text, str):
        raise BadInput(f"{path}: a {SUFFIX} file without a card; expected weights that Cinemotion wrote")
    card = _card(path, text)
    if kind is not None and card.kind != kind:
        raise BadInput(f"{path}: {card.kind} weights, expected {kind} weights")
    return card


def _header(path: Path, raw: bytes, length: int) -> dict[str, Any]:
    if len(raw) < length:
        raise BadInput(f"{path}: truncated: {len(raw)} bytes of header, expected {length}")
    try:
        header = json.loads(raw)
        if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
            raise ValueError("not a table")
    except (ValueError, RecursionError):
        raise BadInput(f"{path}: not a {SUFFIX} file (its header cannot be read)") from None
    return header


def _check_size(path: Path, header: Mapping[str, Any], begin: int, size: int) -> None:
    """Refuse a header whose tensors do not lie in the file exactly as it says."""
    end = 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            first, stop = (int(v) for v in entry["data_offsets"])
            count = 1
            for n in entry["shape"]:
                count *= int(n)
            fits = first >= 0 and stop - first == count * _DTYPES[entry["dtype"]]
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise BadInput(f"{path}: tensor '{name}' is not described as expected; the file is damaged")
        end = max(end, stop)
    if size < begin + end:
        raise BadInput(f"{path}: truncated: {size:,} bytes, expected {begin + end:,}; copy or download it again")
    if size > begin + end:
        raise BadInput(f"{path}: {size - begin - end:,} bytes too many; the file is damaged")


def _card(path: Path, text: str) -> Card:
    try:
        said = json.loads(text)
        version = said["format"]
        if version == FORMAT:
            known = {f.name for f in fields(Card)}
            values = {key: value for key, value in said.items() if key in known}
            for key in ("data", "limits"):
                values[key] = tuple(map(str, values.get(key, ())))
            values["knows"] = {slot: _words(slot, words) for slot, words in values.get("knows", {}).items()}
            card = Card(**values)
            if not all(isinstance(getattr(card, key), str) for key in ("kind", "name", "licence", "version", "sha256")):
                raise TypeError("a name that is not text")
            if card.kind not in KINDS:
                raise ValueError(f"kind '{card.kind}'")
            return card
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path}: its card cannot be read ({type(error).__name__}: {error})") from None
    raise BadInput(f"{path}: weights of format {version}, this version of Cinemotion reads format {FORMAT}")


def _words(slot: str, words: object) -> tuple[str, ...]:
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"what it knows of '{slot}' is no list of words")
    return tuple(words)


def load(path: str | os.PathLike[str], kind: str | None = None) -> tuple[dict[str, np.ndarray], Card]:
    """Tensors and card. Half-precision tensors come as float32; ``torch.from_numpy`` takes each as it is.

    Raises:
        BadInput: as `card_of`; or the tensors are not the ones that were written (their hash differs).
    """
    import safetensors.numpy

    path = Path(path)
    card = card_of(path, kind)
    raw = files.read(path, "file of weights")
    begin = 8 + int.from_bytes(raw[:8], "little")
    if hashlib.sha256(memoryview(raw)[begin:]).hexdigest() != card.sha256:
        raise BadInput(f"{path}: damaged: its tensors are not those that were written (sha256 differs from the card's)")
    try:
        tensors = safetensors.numpy.load(raw)
    except Exception as error:  # the library's own error class is no part of its interface
        raise BadInput(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    # A copy, because views of the file's bytes cannot be written to.
    return {
        name: value.astype(np.float32) if value.dtype == np.float16 else value.copy() for name, value in tensors.items()
    }, card


# ---- writing


def save(path: str | os.PathLike[str], tensors: Mapping[str, Any], card: Card, *, half: bool = True) -> Card:
    """Write weights with their card, whole or not at all.

    Args:
        path: a ``.safetensors`` file; missing folders are made.
        tensors: arrays of NumPy or torch, by name. The same tensors and card give the same bytes.
        card: ``parameters`` and ``sha256`` are filled in.
        half: store matrices as float16. Vectors (biases, norms, statistics) stay float32: small, and they need it.

    Returns:
        the card as it was written.

    Raises:
        BadInput: the suffix or kind is wrong, the place cannot be written to, a tensor is not finite or too large for
            half precision.
        MissingSystem: the disk is full.
    """
    import safetensors.numpy

    path = Path(path)
    if path.suffix != SUFFIX:
        raise BadInput(f"{path}: weights are written to a {SUFFIX} file")
    if card.kind not in KINDS:
        raise unknown("kind of weights", card.kind, KINDS)
    arrays = {name: _array(name, value, half) for name, value in tensors.items()}
    bare = safetensors.numpy.save(arrays)
    begin = 8 + int.from_bytes(bare[:8], "little")
    count = sum(int(a.size) for a in arrays.values() if np.issubdtype(a.dtype, np.floating))
    digest = hashlib.sha256(bare[begin:]).hexdigest()
    return _write(path, arrays, replace(card, parameters=count, sha256=digest, format=FORMAT))


def describe(path: str | os.PathLike[str], **changes: Any) -> Card:
    """Write some of a card's fields anew (`measured`, `limits`, `version`); the tensors and their hash stay.

    Raises:
        BadInput: as `load` and `save`.
    """
    import safetensors.numpy

    path = Path(path)
    _, card = load(path)
    tensors = safetensors.numpy.load(files.read(path, "file of weights"))
    return _write(path, tensors, replace(card, **changes))


def _write(path: Path, arrays: Mapping[str, np.ndarray], card: Card) -> Card:
    import safetensors.numpy

    text = json.dumps(asdict(card), sort_keys=True, ensure_ascii=False)
    with files.whole(path) as partial:
        partial.write_bytes(safetensors.numpy.save(dict(arrays), {"card": text}))
    return card


def _array(name: str, value: Any, half: bool) -> np.ndarray:
    if hasattr(value, "detach"):  # a torch tensor, without importing torch here
        value = value.detach().cpu()
        value = (value.float() if value.is_floating_point() else value).numpy()
    array = np.ascontiguousarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        return array
    if not np.isfinite(array).all():
        raise BadInput(f"weights: tensor '{name}' is not finite (NaN or infinite)")
    if not half or array.ndim < 2:
        return array.astype(np.float32)
    if np.abs(array).max(initial=0.0) > np.finfo(np.float16).max:
        raise BadInput(f"weights: tensor '{name}' holds values too large for half precision; save with half=False")
    return array.astype(np.float16)
