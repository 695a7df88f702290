"""Reading the container of glTF 2.0: chunks, buffers and accessors, every claim of the file checked before it is used.

The JSON is read as plain dictionaries, because what has to be said about a bad file ("times of animation 'run' end
beyond the buffer") needs the file's own words; a library's objects raise their own errors first.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np

from motion.errors import BadInput, CinemotionError
from motion.files import read

_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")


class GltfFile:
    """A ``.glb`` or ``.gltf`` opened for reading.

    Raises:
        BadInput: not glTF 2.0, truncated, or its JSON or a buffer is missing or malformed.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        data = read(self.path, "glTF file")
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._binary: bytes | None = None
        text = self._chunks(data) if data[:4] == b"glTF" else data
        try:
            tree = json.loads(text.decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise self.bad(f"is not a glTF file: its JSON cannot be read ({error})") from error
        if not isinstance(tree, dict) or not isinstance(tree.get("asset"), dict):
            raise self.bad("is not a glTF file: it has no 'asset'")
        version = str(tree["asset"].get("version", ""))
        if not version.startswith("2."):
            raise self.bad(f"is glTF version '{version}', expected 2.0")
        self.tree: dict[str, Any] = tree
        self._buffers: dict[int, bytes] = {}

    def bad(self, problem: str) -> BadInput:
        return BadInput(f"{self.path}: {problem}")

    def _chunks(self, data: bytes) -> bytes:
        """The JSON chunk of a binary container; the binary chunk is kept."""
        if len(data) < 20:
            raise self.bad(f"is truncated: {len(data)} bytes, a binary glTF has at least 20")
        version, length = (int.from_bytes(data[i : i + 4], "little") for i in (4, 8))
        if version != 2:
            raise self.bad(f"is binary glTF version {version}, expected 2")
        if length > len(data):
            raise self.bad(f"is truncated: {len(data)} bytes, its header says {length}")
        found: dict[bytes, bytes] = {}
        at = 12
        while at + 8 <= length:
            size, kind = int.from_bytes(data[at : at + 4], "little"), data[at + 4 : at + 8]
            if at + 8 + size > length:
                raise self.bad(f"is truncated: a chunk of {size} bytes starts at {at}, the file ends at {length}")
            found.setdefault(kind, data[at + 8 : at + 8 + size])
            at += 8 + size
        if b"JSON" not in found:
            raise self.bad("has no JSON chunk")
        self._binary = found.get(b"BIN\0")
        return found[b"JSON"]

    def items(self, kind: str) -> list[dict[str, Any]]:
        """A top-level list of objects, such as ``"nodes"``; empty when absent."""
        found = self.tree.get(kind, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.bad(f"'{kind}' is not a list of objects")
        return found

    def item(self, kind: str, index: Any, what: str) -> dict[str, Any]:
        """One object of a top-level list; ``what`` refers to it, for the error."""
        found = self.items(kind)
        return found[self.index(index, len(found), f"{what} refers to {kind}")]

    def index(self, value: Any, count: int, what: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
            raise self.bad(
                f"{what} {value!r}, expected 0 to {count - 1}" if count else f"{what} {value!r}, there are none"
            )
        return value

    def accessor(self, index: Any, kind: str, what: str) -> np.ndarray:
        """An accessor's values as float64 ``(count,)`` or ``(count, width)``; normalised integers become fractions.

        Args:
            index: the accessor's number.
            kind: the type it must have: ``"SCALAR"``, ``"VEC3"``, ``"VEC4"``, ``"MAT4"``.
            what: what it is for, for errors.
        """
        about = self.item("accessors", index, what)
        where = f"{what} (accessor {index})"
        if about.get("type") != kind:
            raise self.bad(f"{where} is {about.get('type')}, expected {kind}")
        component, count = about.get("componentType"), about.get("count")
        dtype = _COMPONENTS.get(component) if isinstance(component, int) else None
        if dtype is None or isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise self.bad(f"{where} has component type {component} and count {count!r}")
        width = _WIDTHS[kind]
        if "bufferView" in about:
            values = self._view(about["bufferView"], about.get("byteOffset", 0), np.dtype(dtype), count, width, where)
        else:
            if count > 50_000_000:
                raise self.bad(f"{where} claims {count} values and holds none")
            values = np.zeros((count, width), dtype)
        if "sparse" in about:
            values = self._sparse(values.copy(), about["sparse"], where)
        found = values.astype(np.float64)
        if about.get("normalized") and dtype != "<f4":
            found = np.maximum(found / np.iinfo(dtype).max, -1.0)
        if not np.isfinite(found).all():
            raise self.bad(f"{where} holds a value that is not finite (NaN or infinite)")
        return found[:, 0] if kind == "SCALAR" else found

    def _sparse(self, values: np.ndarray, sparse: Any, where: str) -> np.ndarray:
        try:
            count, indices, replacing = sparse["count"], sparse["indices"], sparse["values"]
            dtype = np.dtype(_COMPONENTS[indices["componentType"]])
            views = (indices["bufferView"], replacing["bufferView"])
        except (KeyError, TypeError) as error:
            raise self.bad(f"{where} has a malformed sparse part ({error})") from error
        places = self._view(views[0], indices.get("byteOffset", 0), dtype, count, 1, where)[:, 0].astype(np.int64)
        if len(places) and (places.min() < 0 or places.max() >= len(values)):
            raise self.bad(f"{where} replaces value {places.max()} of {len(values)}")
        values[places] = self._view(
            views[1], replacing.get("byteOffset", 0), values.dtype, count, values.shape[1], where
        )
        return values

    def _view(self, index: Any, offset: Any, dtype: np.dtype, count: int, width: int, where: str) -> np.ndarray:
        """``(count, width)`` values of a buffer view, whatever its stride."""
        view = self.item("bufferViews", index, where)
        if any(name in view.get("extensions", {}) for name in _MESHOPT):
            raise self.bad("is compressed with meshopt, which is not read; export it without compression")
        buffer = self.buffer(view.get("buffer"))
        start, length = view.get("byteOffset", 0), view.get("byteLength")
        stride = view.get("byteStride") or dtype.itemsize * width
        numbers = (offset, count, start, length, stride)
        if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
            raise self.bad(f"{where}: an offset, length or stride is not a whole number")
        if start + length > len(buffer):
            raise self.bad(f"{where} ends at byte {start + length} of a buffer of {len(buffer)}")
        needed = offset + stride * (count - 1) + dtype.itemsize * width
        if count and needed > length:
            raise self.bad(f"{where} needs {needed} bytes of a buffer view of {length}")
        return np.ndarray((count, width), dtype, buffer, start + offset, (stride, dtype.itemsize))

    def buffer(self, index: Any) -> bytes:
        """A buffer's bytes: the binary chunk, a data URI, or a file beside this one."""
        about = self.item("buffers", index, "a buffer view")
        if index in self._buffers:
            return self._buffers[index]
        uri = about.get("uri")
        if uri is None:
            if index != 0 or self._binary is None:
                raise self.bad(f"buffer {index} has neither a file nor a binary chunk")
            data = self._binary
        elif not isinstance(uri, str):
            raise self.bad(f"buffer {index} has a uri that is no text")
        elif uri.startswith("data:"):
            try:
                data = base64.b64decode(uri.partition(",")[2], validate=True)
            except (binascii.Error, ValueError) as error:
                raise self.bad(f"buffer {index} holds malformed base64 ({error})") from error
        else:
            data = self._beside(urllib.parse.unquote(uri), index)
        wanted = about.get("byteLength")
        if not isinstance(wanted, int) or len(data) < wanted:
            raise self.bad(f"buffer {index} is truncated: {len(data)} bytes, expected {wanted}")
        self._buffers[index] = data
        return data

    def _beside(self, name: str, index: int) -> bytes:
        if "://" in name or Path(name).is_absolute():
            raise self.bad(f"buffer {index} is at '{name}', expected a file beside the glTF")
        try:
            return read(self.path.parent / name, "buffer of a glTF file")
        except CinemotionError as error:
            reason = str(error).removeprefix(f"{self.path.parent / name}: ")
            raise self.bad(f"buffer {index} is in '{name}', which cannot be read ({reason})") from error
