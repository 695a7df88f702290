"""Results of other people's models in (`.npy`): HumanML3D's joints or features, alone or in batches, and MDM's results.

Joints are points; `motion.positions` finds the turns. Of a batch one motion is read: ``result.npy#3``, or
``load("result.npy", sample=3)``.
"""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mocap_data import files, humanml3d, npz, pickles, solved
from motion import rate
from motion.errors import BadInput, did_you_mean
from motion.rotations import Array
from motion.take import Take

LICENCE = "follows the model that made it; HumanML3D and AMASS, which such models learn from: non-commercial research"
#: Joints a frame, in SMPL's order: HumanML3D's, SMPL's, SMPL-H's (whose fingers are left out).
_COUNTS = (22, 24, 52)
_OTHERS = {
    21: "KIT-ML's", 17: "Human3.6M's or COCO's", 25: "NTU's or OpenPose's", 23: "the CMU or Xsens",
    144: "SMPL-X's", 127: "SMPL-X's", 55: "SMPL-X's",
}  # fmt: skip
_KEYS = ("motion", "motions", "joints", "positions", "xyz", "pred_xyz")


@dataclass(frozen=True)
class _Batch:
    """One array of motions and what is said of them."""

    motions: Array  # (N, T, J, 3) or (N, T, 263 or 272)
    lengths: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()


def sniff(head: bytes) -> bool:
    """Whether the first bytes are NumPy's."""
    return head.startswith(b"\x93NUMPY")


def read(
    path: str | os.PathLike[str],
    *,
    fps: float | None = None,
    sample: int | None = None,
    up: str | None = None,
    units: float | None = None,
) -> Take:
    """Read one motion from a `.npy`.

    Arrays of ``(T, 22, 3)``, ``(T, 66)``, ``(T, 263)``, ``(T, 272)``, any of these with a batch before them, MDM's
    ``(N, 22, 3, T)``, and its `results.npy`. Features of 272 numbers bring their own turns; all else is solved, and the
    take's notes say how near the joints are to the file's.

    Args:
        path: the file. What is pickled in it is read without being run.
        fps: frames per second; None: 20, and 30 for 272 features, as their makers have it.
        sample: which motion of a batch, from 0; None: the first.
        up: axis that points up; None: found from how the performer stands, Y when in doubt.
        units: metres per unit; None: metres, centimetres or millimetres, by the length of the legs.

    Raises:
        BadInput: another shape, another skeleton, no such sample, not finite, or values that are no positions.
    """
    data, name = files.read_bytes(path), os.fspath(path)
    batch = _batch(data, name)
    count = len(batch.motions)
    chosen = 0 if sample is None else sample
    if not 0 <= chosen < count:
        motions = f"{count} motions, 0 to {count - 1}" if count > 1 else "one motion, number 0"
        raise BadInput(f"{name}: no sample {chosen}; it holds {motions}")
    motion, notes = _cut(batch, chosen, name)
    if count > 1:
        text = f": {batch.texts[chosen][:200]}" if chosen < len(batch.texts) else ""
        more = "" if sample is not None else f"; choose another by {Path(name).name}#1"
        notes.append(f"sample {chosen} of {count}{text}{more}")
    elif batch.texts:
        notes.append(f"made for: {batch.texts[0][:200]}")
    features = motion.ndim == 2
    width = motion.shape[1] if features else 0
    usual = humanml3d.WIDTHS.get(width, 20)
    notes.append(
        f"{usual} frames per second taken from the format" if fps is None else f"{fps:g} frames per second as told"
    )
    about = solved.About(name, _rate(fps, usual, name), files.provenance(path, data, LICENCE, tuple(notes)), up, units)
    if not features:
        return solved.from_positions(motion, about)
    if units is not None or up is not None:
        raise BadInput(f"{name}: features of {width} numbers are in metres with Y up; up and units do not apply")
    if width == 263:
        return solved.from_positions(humanml3d.positions_of_263(motion), about, features=True)
    points, local = humanml3d.pose_of_272(motion)
    return solved.from_native(points, local, about, rows=motion[:, 140:272].reshape(-1, 22, 2, 3))


def count(path: str | os.PathLike[str]) -> int:
    """How many motions a `.npy` holds; raises as `read`."""
    return len(_batch(files.read_bytes(path), os.fspath(path)).motions)


def _rate(fps: float | None, usual: int, path: str) -> Fraction:
    try:
        return Fraction(usual) if fps is None else rate.from_rate(float(fps))
    except (rate.RateError, ValueError) as error:
        raise BadInput(f"{path}: fps: {error}") from None


def _batch(data: bytes, path: str) -> _Batch:
    try:
        _, dtype, start = npz.header(data)
    except (ValueError, TypeError, SyntaxError) as error:
        raise BadInput(f"{path}: not a NumPy file ({error})") from None
    if not dtype.hasobject:
        return _Batch(_motions(npz.array(data, path), path))
    try:
        content = pickles.read(data[start:])
    except pickle.UnpicklingError as error:
        raise BadInput(f"{path}: refused; only arrays, texts and numbers are read from a pickle: {error}") from None
    if isinstance(content, list) and content and all(isinstance(item, np.ndarray) for item in content):
        return _ragged(content, path)
    if not isinstance(content, dict):
        raise BadInput(
            f"{path}: holds a pickled {type(content).__name__}, expected a dictionary with 'motion', as MDM's"
        )
    key = next((k for k in _KEYS if k in content), None)
    if key is None:
        keys = ", ".join(map(str, list(content)[:12])) or "nothing"
        raise BadInput(
            f"{path}: its dictionary has no 'motion'; it has: {keys}{did_you_mean('motion', map(str, content))}"
        )
    value = content[key]
    if isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value):
        batch = _ragged(value, path)
    elif isinstance(value, np.ndarray):
        batch = _Batch(_motions(value, f"{path}: '{key}'"))
    else:
        raise BadInput(f"{path}: '{key}' is a {type(value).__name__}, expected an array")
    count = len(batch.motions)
    lengths = _whole_numbers(content.get("lengths"))
    texts = content.get("text", content.get("texts"))
    texts = [texts] if isinstance(texts, str) else texts if isinstance(texts, list) else []
    said = tuple(str(text) for text in texts)
    if lengths and len(lengths) != count:
        raise BadInput(f"{path}: {len(lengths)} lengths for {count} motions")
    return _Batch(batch.motions, lengths or batch.lengths, said if len(said) == count else ())


def _whole_numbers(value: Any) -> tuple[int, ...]:
    array = np.asarray(value if isinstance(value, list | np.ndarray) else [])
    return tuple(int(n) for n in array.reshape(-1)) if array.dtype.kind in "iuf" and array.size else ()


def _ragged(items: list[np.ndarray], path: str) -> _Batch:
    """Motions of unequal length, laid beside each other."""
    motions = [_motions(item, f"{path}: motion {i}") for i, item in enumerate(items)]
    if any(len(m) != 1 or m.shape[2:] != motions[0].shape[2:] for m in motions):
        raise BadInput(f"{path}: its motions are of different kinds")
    longest = max(m.shape[1] for m in motions)
    laid = np.zeros((len(motions), longest, *motions[0].shape[2:]))
    for i, motion in enumerate(motions):
        laid[i, : motion.shape[1]] = motion[0]
    return _Batch(laid, tuple(m.shape[1] for m in motions))


def _motions(value: np.ndarray, what: str) -> Array:
    """Any of the known layouts as ``(N, T, J, 3)`` or ``(N, T, W)``, J one of `_COUNTS`."""
    if value.dtype.kind not in "fiu":
        raise BadInput(f"{what} holds {value.dtype}, expected numbers")
    shape = value.shape
    if 0 in shape:
        raise BadInput(f"{what} has shape {shape}: no frames")
    array = value.astype(np.float64)
    widths = (*humanml3d.WIDTHS, 66)
    if array.ndim == 2 and shape[1] in widths:
        array = array[None]
    elif array.ndim == 2 and shape[1] == 3 and shape[0] in _COUNTS:
        array = array[None, None]
    elif array.ndim == 3 and shape[2] == 3 and shape[1] in _COUNTS:
        array = array[None]
    elif array.ndim == 3 and shape[1] == 3 and shape[0] in _COUNTS:
        array = array.transpose(2, 0, 1)[None]
    elif array.ndim == 4 and shape[2] == 3 and shape[1] in _COUNTS:
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim == 4 and shape[2] == 1 and shape[1] in widths:
        array = array[:, :, 0].transpose(0, 2, 1)
    elif not (array.ndim == 4 and shape[3] == 3 and shape[2] in _COUNTS) and not (
        array.ndim == 3 and shape[2] in widths
    ):
        raise BadInput(f"{what} has shape {shape}{_meant(shape)}; expected (frames, 22, 3), (frames, 263 or 272), "
                       "MDM's (motions, 22, 3, frames), or these in a batch")  # fmt: skip
    if array.ndim == 3 and array.shape[2] == 66:
        array = array.reshape(*array.shape[:2], 22, 3)
    return array[:, :, :22] if array.ndim == 4 and array.shape[2] == 52 else array


def _meant(shape: tuple[int, ...]) -> str:
    for axis, three in ((-2, -1), (-3, -2)):
        if len(shape) >= -axis + (axis == -2) and len(shape) > 2 and shape[three] == 3:
            joints = shape[axis]
            whose = _OTHERS.get(joints)
            return f", {joints} joints" + (f", which is {whose} skeleton" if whose else "")
    if shape and shape[-1] == 251:
        return ", KIT-ML's features"
    return ""


def _cut(batch: _Batch, sample: int, path: str) -> tuple[Array, list[str]]:
    """One motion without what only fills up its batch, and what was left out."""
    motion = batch.motions[sample]
    frames = len(motion)
    if batch.lengths:
        length = batch.lengths[sample]
        if not 1 <= length <= frames:
            raise BadInput(f"{path}: sample {sample} is said to have {length} frames, and {frames} are there")
        return motion[:length], []
    if len(batch.motions) > 1:
        filled = np.flatnonzero(np.any(motion.reshape(frames, -1) != 0.0, axis=1))
        if len(filled) and filled[-1] + 1 < frames:
            return motion[: filled[-1] + 1], [f"{frames - 1 - int(filled[-1])} empty frames at the end left out"]
    return motion, []
