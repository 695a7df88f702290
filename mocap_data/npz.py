"""NumPy's own files, read without trust: arrays by name from an `.npz`, one array from the bytes of a `.npy`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection

import numpy as np

from mocap_data.rows import LARGEST
from motion.errors import BadInput, CinemotionError
from motion.rotations import Array

_MOST_BYTES = 2 << 30  # of one unpacked array


def sniff(head: bytes) -> bool:
    """Whether the first bytes are those of a zip archive, as `.npz` is."""
    return head.startswith(b"PK\x03\x04")


def names(data: bytes) -> frozenset[str]:
    """Names of the arrays in an archive; none when it is not readable."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except Exception:  # hostile bytes make zipfile raise almost anything; whoever reads it says what is wrong
        return frozenset()


def read(data: bytes, path: str, keys: Collection[str]) -> dict[str, np.ndarray]:
    """Those arrays of an archive that are asked for and there, with a bound on what they unpack to.

    Raises:
        BadInput: not an archive, or a damaged or pickled array.
    """
    found: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            for key in keys:
                if key not in members:
                    continue
                if members[key].file_size > _MOST_BYTES:
                    raise BadInput(f"{path}: '{key}' unpacks to more than {_MOST_BYTES >> 30} GiB")
                with archive.open(members[key]) as member:
                    found[key] = array(member.read(members[key].file_size + 1), f"{path}: '{key}'")
    except CinemotionError:
        raise
    except Exception as error:  # hostile bytes make zipfile raise ValueError, struct.error, LZMAError and more
        raise BadInput(f"{path}: not a readable .npz archive ({error or type(error).__name__})") from None
    return found


def header(raw: bytes) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape and type that the head of a `.npy` gives, and where its content begins.

    Raises:
        ValueError: it is none.
    """
    stream = io.BytesIO(raw)
    try:
        version = np.lib.format.read_magic(stream)
        parse = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = parse(stream)
    except Exception as error:  # a damaged head makes NumPy's parser raise what Python's tokenizer does
        raise ValueError(error or type(error).__name__) from None
    return shape, dtype, stream.tell()


def array(raw: bytes, what: str) -> np.ndarray:
    """The array of a `.npy`.

    Raises:
        BadInput: it is none, cut off, or holds pickled objects.
    """
    try:
        shape, dtype, _ = header(raw)
        if not dtype.hasobject and int(np.prod(shape, dtype=object)) * dtype.itemsize > len(raw):
            raise ValueError("it is cut off")  # before anything of that size is allocated
        return np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
    except (ValueError, TypeError, SyntaxError) as error:
        reason = "it holds pickled Python objects, which are never loaded" if "Object arrays" in str(error) else error
        raise BadInput(f"{what} cannot be read ({reason})") from None


def numbers(value: np.ndarray, what: str) -> Array:
    """The array in double precision.

    Raises:
        BadInput: it does not hold numbers, or one is not finite or too large.
    """
    if value.dtype.kind not in "fiu":
        raise BadInput(f"{what} holds {value.dtype}, expected numbers")
    value = value.astype(np.float64)
    good = np.abs(value) <= LARGEST
    if not good.all():
        where = f"frame {int(np.argmin(good.reshape(len(value), -1).all(1)))} of " if value.ndim > 1 else ""
        before, _, name = what.rpartition(": ")
        raise BadInput(f"{before}{': ' if before else ''}{where}{name} is not finite or above {LARGEST:g}")
    return value
