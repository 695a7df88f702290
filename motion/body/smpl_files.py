"""Reads SMPL, SMPL-H and SMPL-X model files (``.npz``, ``.pkl``) without running anything that a pickle asks for.

The official pickles hold NumPy arrays, SciPy sparse matrices and chumpy objects. A pickle is a program; this reader
knows those few words of it, builds stand-ins for chumpy and SciPy classes, and refuses everything else.
"""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from motion.errors import BadInput
from motion.rotations import Array
from motion.skeleton import JOINTS, PARENTS

LARGEST = 4 * 1024**3  # bytes; the biggest official file (SMPL-X with 400 directions) is about 0.5 GB
NEEDED = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
#: Model by number of joints, and for each joint of ours the joints whose weights it carries.
KINDS = {24: "SMPL", 52: "SMPL-H", 55: "SMPL-X"}


@dataclass(frozen=True)
class SmplModel:
    """A model folded onto SMPL-24."""

    kind: str  # SMPL, SMPL-H or SMPL-X
    template: Array  # (V, 3) metres
    shapedirs: Array  # (V, 3, B)
    posedirs: Array  # (V, 3, 207); columns of joints that our skeleton lacks are left out
    joint_regressor: Array  # (24, V)
    weights: Array  # (V, 24)
    faces: np.ndarray  # (F, 3)
    uv: Array | None  # (U, 2)
    faces_uv: np.ndarray | None  # (F, 3)


class _Standin:
    """Takes the place of a class that must not be imported; keeps its state and nothing more."""

    def __init__(self, *_: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and state and isinstance(state[0], dict):
            state = state[0]
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("an object with a state of an unknown form")
        self.state = state


class _Chumpy(_Standin):
    pass


class _Sparse(_Standin):
    pass


def _new_array(subtype: object, shape: object, code: object) -> np.ndarray:
    del shape, code
    if subtype is not np.ndarray:
        raise pickle.UnpicklingError("an array of a class other than numpy.ndarray")
    return np.empty(0, dtype=np.uint8)  # filled in by the state that follows; a shape asked for here could be a bomb


def _scalar(dtype: np.dtype, data: object = b"") -> object:
    if dtype.hasobject or not isinstance(data, (bytes, str)):
        raise pickle.UnpicklingError("a scalar that holds an object")
    raw = data.encode("latin1") if isinstance(data, str) else data
    return np.frombuffer(raw, dtype=dtype, count=1)[0]


def _reconstruct(cls: object, base: object, state: object) -> object:
    del base, state
    if not (isinstance(cls, type) and issubclass(cls, _Standin)):
        raise pickle.UnpicklingError("an object of a class that body models do not use")
    return cls()


def _encode(text: object, encoding: object = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("text in an unexpected encoding")
    return text.encode("latin1")


class _Object:
    """Stands for `object` in old pickles' reconstruction calls."""

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a bare object with a state")


_WORDS: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("copy_reg", "_reconstructor"): _reconstruct,
    ("copyreg", "_reconstructor"): _reconstruct,
    ("__builtin__", "object"): _Object,
    ("builtins", "object"): _Object,
    ("_codecs", "encode"): _encode,
}
for _core in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _WORDS[_core, "_reconstruct"] = _new_array
    _WORDS[_core, "scalar"] = _scalar
for _form in ("csc", "csr", "coo"):
    for _module in (f"scipy.sparse.{_form}", f"scipy.sparse._{_form}"):
        _WORDS[_module, f"{_form}_matrix"] = _Sparse
        _WORDS[_module, f"{_form}_array"] = _Sparse


class _Reader(pickle.Unpickler):
    """An unpickler that resolves the few names above and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _WORDS:
            return _WORDS[module, name]
        if module == "chumpy" or module.startswith("chumpy."):
            return _Chumpy
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: object) -> object:
        raise pickle.UnpicklingError("it refers to things outside itself")


def read_pickle(file: BinaryIO) -> dict[str, Any]:
    """The dictionary in a body model's pickle.

    Raises:
        pickle.UnpicklingError: it holds anything but arrays, numbers, text, sparse matrices and chumpy arrays.
    """
    content = _Reader(file, fix_imports=False, encoding="latin1").load()
    if not isinstance(content, dict):
        raise pickle.UnpicklingError(f"a {type(content).__name__}, not a dictionary")
    return content


def _dense(value: object, name: str) -> np.ndarray:
    """A plain array from what a model file may hold."""
    if isinstance(value, _Chumpy):
        if "x" not in value.state:
            raise BadInput(f"{name} is a chumpy expression, expected plain numbers")
        return _dense(value.state["x"], name)
    if isinstance(value, _Sparse):
        from scipy import sparse  # late: half of the files need it

        state = value.state
        shape = tuple(int(n) for n in state.get("_shape", state.get("shape", ())))
        if len(shape) != 2 or min(shape) < 0 or shape[0] * shape[1] > 10**9:
            raise BadInput(f"{name} is a sparse matrix of shape {shape}")
        data, indices, indptr = (np.asarray(state[k]) for k in ("data", "indices", "indptr"))
        major = len(indptr) - 1
        kind = sparse.csc_matrix if major == shape[1] and major != shape[0] else sparse.csr_matrix
        matrix = kind((data, indices, indptr), shape=shape)
        matrix.check_format(full_check=True)
        return matrix.toarray()
    if not isinstance(value, np.ndarray):  # a nest of lists could grow without end
        raise BadInput(f"{name} is a {type(value).__name__}, expected an array")
    array = value
    if array.dtype.hasobject or array.dtype.kind not in "fiu":
        raise BadInput(f"{name} holds {array.dtype}, expected numbers")
    return array


def find(path: Path, gender: str) -> Path:
    """The model file meant by a file or a folder of SMPL files."""
    if path.is_dir():
        for kind in ("SMPL", "SMPLH", "SMPLX"):
            for suffix in ("npz", "pkl"):
                candidate = path / f"{kind}_{gender.upper()}.{suffix}"
                if candidate.is_file():
                    return candidate
        raise BadInput(f"{path}: no SMPL_{gender.upper()}, SMPLH_… or SMPLX_… .npz or .pkl in this folder")
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    return path


def load(path: Path) -> SmplModel:
    """Read a model and fold it onto SMPL-24: fingers onto the hands, jaw and eyes onto the head.

    Raises:
        BadInput: not a body model, damaged, or a pickle that wants to run something.
    """
    if path.suffix not in (".npz", ".pkl"):
        raise BadInput(f"{path}: suffix '{path.suffix}', expected .npz or .pkl")
    if path.stat().st_size > LARGEST:
        raise BadInput(f"{path}: {path.stat().st_size} bytes, more than any body model")
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as packed:
                if sum(member.file_size for member in packed.infolist()) > LARGEST:
                    raise BadInput("more data in it than in any body model")
            with np.load(path, allow_pickle=False) as stored:
                raw: dict[str, Any] = {k: stored[k] for k in (*NEEDED, "vt", "ft") if k in stored}
        else:
            with path.open("rb") as file:
                raw = read_pickle(file)
        arrays = {k: _dense(raw[k], k) for k in (*NEEDED, "vt", "ft") if k in raw}
        missing = [k for k in NEEDED if k not in arrays]
        if missing:
            raise BadInput(f"no {', '.join(missing)} in it")
        return _fold(arrays)
    except BadInput as error:
        raise BadInput(f"{path}: not a usable body model: {error}") from None
    except pickle.UnpicklingError as error:
        raise BadInput(f"{path}: refused, a body model's pickle holds only arrays: {error}") from None
    except (OSError, MemoryError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None
    except Exception as error:  # a damaged pickle can raise anything; none of it is worth a traceback
        kind = "zip archive" if isinstance(error, zipfile.BadZipFile) else "file"
        raise BadInput(f"{path}: damaged {kind}: {type(error).__name__}: {error}".splitlines()[0]) from None


def _fold(a: dict[str, np.ndarray]) -> SmplModel:
    count, joints = len(a["v_template"]), a["kintree_table"].shape[-1]
    if joints not in KINDS:
        raise BadInput(f"{joints} joints, expected 24 (SMPL), 52 (SMPL-H) or 55 (SMPL-X)")
    for name, shape in (
        ("v_template", (count, 3)), ("weights", (count, joints)), ("J_regressor", (joints, count)),
        ("kintree_table", (2, joints)),
    ):  # fmt: skip
        if a[name].shape != shape:
            raise BadInput(f"{name} has shape {a[name].shape}, expected {shape}")
    for name, last in (("posedirs", 9 * (joints - 1)), ("shapedirs", None)):
        shape = a[name].shape
        if len(shape) != 3 or shape[:2] != (count, 3) or (last is not None and shape[2] != last):
            raise BadInput(f"{name} has shape {shape}, expected ({count}, 3, {last or 'any'})")
    faces = a["f"].astype(np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces) or faces.min() < 0 or faces.max() >= count:
        raise BadInput(f"f has shape {a['f'].shape} and must name vertices 0 … {count - 1}")
    for name in ("v_template", "weights", "J_regressor", "posedirs", "shapedirs"):
        if not np.isfinite(a[name]).all():
            raise BadInput(f"{name} is not finite (NaN or infinite)")
    parents = a["kintree_table"][0].astype(np.int64)[1:22]
    if not np.array_equal(parents, PARENTS[1:22]):
        raise BadInput("its joints are not in SMPL's order")
    fold = np.zeros((24, joints))
    fold[np.arange(22), np.arange(22)] = 1.0
    if joints == 24:
        fold[[22, 23], [22, 23]] = 1.0
    else:
        first = 22 if joints == 52 else 25
        fold[JOINTS.index("head"), 22:first] = 1.0
        fold[22, first : first + 15] = 1.0
        fold[23, first + 15 : first + 30] = 1.0
    weights = a["weights"] @ fold.T
    total = weights.sum(1, keepdims=True)
    if np.abs(total - 1).max() > 1e-3 or weights.min() < -1e-6:
        raise BadInput("weights do not sum to 1")
    regressor = np.array(a["J_regressor"][:22])
    if joints == 24:
        regressor = np.array(a["J_regressor"])
    else:  # the hand turns about the knuckle of its middle finger
        regressor = np.concatenate([regressor, a["J_regressor"][[first + 3, first + 18]]])
    posedirs = np.zeros((count, 3, 207))
    usable = 207 if joints == 24 else 189  # finger features would need finger rotations
    posedirs[:, :, :usable] = a["posedirs"][:, :, :usable]
    uv = faces_uv = None
    if "vt" in a and "ft" in a and a["ft"].shape == faces.shape and a["ft"].max() < len(a["vt"]):
        uv, faces_uv = a["vt"].astype(np.float64), a["ft"].astype(np.int64)
    return SmplModel(
        KINDS[joints], a["v_template"].astype(np.float64), a["shapedirs"].astype(np.float64), posedirs,
        regressor.astype(np.float64), weights / total, faces, uv, faces_uv,
    )  # fmt: skip
