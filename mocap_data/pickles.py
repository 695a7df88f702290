"""NumPy arrays out of a pickle without running it: the one place that reads pickled motion.

`np.save` of a dictionary, which is how MDM and its kin store results, writes a pickle; and a pickle is a program that
may call anything. Here every word of it that is not an array, a number, a text or a plain container is refused before
anything runs, and NumPy's own restoring code, which trusts what it is told of memory, is not called either: arrays are
made from their bytes.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
from typing import Any

import numpy as np

#: An array's element type as NumPy spells it: bool, integers, floats, texts, bytes, and objects (a list of values).
_TYPE = re.compile(r"[<>|=]?([biufSU]\d{1,6}|\?|O8?)")
_SHORT = {"b1": "?"}
#: What a pickle may do besides building plain values: name a class, call it, restore its state.
_NEVER = frozenset({"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "INST", "OBJ", "NEXT_BUFFER", "READONLY_BUFFER"})
_MOST_MEMOS = 1_000_000  # a place in the memo costs memory up to it
_MOST_DEPTH = 8


class _Type:
    """Stands for `numpy.dtype`: its spelling, and nothing of its state but the byte order."""

    def __init__(self, spelling: object, *_: object) -> None:
        text = spelling if isinstance(spelling, str) else ""
        if not _TYPE.fullmatch(text):
            raise pickle.UnpicklingError(f"an array of {str(spelling)[:40]}")
        self.objects = "O" in text
        self._text, self._order = _SHORT.get(text, text), ""

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|", "="):
            self._order = str(state[1])

    def dtype(self) -> np.dtype[Any]:
        order = "" if self._text[0] in "<>|=" or self._order in ("|", "=") else self._order
        return np.dtype(order + self._text)


class _Array:
    """Stands for an array until its state comes: version, shape, type, order, and bytes or a list."""

    value: Any = None

    def __setstate__(self, state: object) -> None:
        if not (isinstance(state, tuple) and len(state) == 5 and isinstance(state[2], _Type)):
            raise pickle.UnpicklingError("an array of an unknown form")
        _, shape, kind, fortran, raw = state
        self.value = _array(raw, kind, shape, "F" if fortran else "C")


def _array(raw: object, kind: _Type, shape: object, order: str = "C") -> Any:
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise pickle.UnpicklingError(f"an array of shape {str(shape)[:40]}")
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if kind.objects:
        if not isinstance(raw, list) or len(raw) != count:
            raise pickle.UnpicklingError(f"an array of {count} objects without them")
        return raw[0] if shape == () else raw
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    dtype = kind.dtype()
    if not isinstance(raw, bytes | bytearray) or len(raw) != count * dtype.itemsize:
        raise pickle.UnpicklingError(f"an array of {count} values whose bytes are another number")
    flat = np.frombuffer(bytes(raw), dtype=dtype, count=count) if count else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _scalar(kind: object, raw: object = b"") -> Any:
    if not isinstance(kind, _Type) or kind.objects:
        raise pickle.UnpicklingError("a scalar that holds an object")
    return _array(raw, kind, ()).item()


def _from_buffer(raw: object, kind: object, shape: object, order: object = "C") -> Any:
    if not isinstance(kind, _Type) or kind.objects:
        raise pickle.UnpicklingError("an array of an unknown form")
    return _array(raw, kind, shape, str(order))


def _encode(text: object, encoding: object = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("text in an unexpected encoding")
    return text.encode("latin1")


def _no_bytes(*arguments: object) -> bytes:
    """Old protocols have no other way to say that there are none."""
    if arguments:
        raise pickle.UnpicklingError("bytes made in an unknown way")
    return b""


class _Name:
    """A class that is only ever handed on, never called."""


_WORDS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Name(),
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
    ("builtins", "bytes"): _no_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    _WORDS[f"{_core}.multiarray", "_reconstruct"] = _reconstruct
    _WORDS[f"{_core}.multiarray", "scalar"] = _scalar
    _WORDS[f"{_core}.numeric", "_frombuffer"] = _from_buffer


class _Reader(pickle.Unpickler):
    """An unpickler that knows the few names above and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _WORDS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}"[:120])
        return _WORDS[module, name]

    def persistent_load(self, pid: object) -> Any:
        raise pickle.UnpicklingError("it refers to things outside itself")


def read(data: bytes) -> Any:
    """The dictionaries, lists, texts, numbers and arrays in a pickle.

    Raises:
        pickle.UnpicklingError: it is damaged or asks for anything else; the text says what.
    """
    try:
        for word, argument, _ in pickletools.genops(data):
            if word.name in _NEVER:
                raise pickle.UnpicklingError(f"it says {word.name}, which plain data never needs")
            if word.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(str(argument)) > _MOST_MEMOS:
                raise pickle.UnpicklingError(f"it counts {argument} values")
        return _plain(_Reader(io.BytesIO(data), fix_imports=False, encoding="latin1").load())
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # damaged bytes can raise anything
        raise pickle.UnpicklingError(f"it is damaged ({error or type(error).__name__})") from None


def _plain(value: Any, depth: int = 0) -> Any:
    """Stand-ins replaced by what they stand for."""
    if depth > _MOST_DEPTH:
        raise pickle.UnpicklingError("containers within containers without end")
    if isinstance(value, _Array):
        return _plain(value.value, depth + 1)
    if isinstance(value, dict):
        return {_plain(k, depth + 1): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, depth + 1) for v in value]
    if isinstance(value, _Type | _Name) or callable(value):
        raise pickle.UnpicklingError("a class in the place of a value")
    return value
