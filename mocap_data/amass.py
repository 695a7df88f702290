"""AMASS motion files (`.npz`) in and out: SMPL, SMPL-H or SMPL-X poses as axis-angle vectors, Z up, in metres.

The files hold no body. A body of average adult proportions stands in for its joints, and the provenance says so; shape
values (`betas`) are not applied, since they mean something only to the licensed body models.
"""

from __future__ import annotations

import io
import os
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from mocap_data import files, npz
from mocap_data.errors import NeedsRetarget
from motion import rate, skeleton
from motion import rotations as rot
from motion.errors import BadInput, unknown
from motion.licences import UNSTATED
from motion.rotations import Array
from motion.take import Take

BODY = skeleton.JOINTS[:22]
_FACE = ("jaw", "left_eye", "right_eye")
#: Joint names by the number of values in a pose; orders are those of the body models (smplx's `body_models.py`).
LAYOUTS: dict[int, tuple[str, tuple[str, ...]]] = {
    66: ("smpl", BODY),
    72: ("smpl", skeleton.JOINTS),
    156: ("smplh", (*BODY, *skeleton.FINGERS)),
    165: ("smplx", (*BODY, *_FACE, *skeleton.FINGERS)),
}
#: SMPL turns the body about its pelvis joint, which is here in the model's own axes; a pelvis in the world is `trans`
#: plus this, unturned. It differs by a few centimetres with the body's shape.
REST_PELVIS = np.array([0.0, -0.22, 0.03])

#: Where each joint of an average adult of 1.70 m is in its parent's frame: T-pose, Y up, facing +Z, left is +X. Segment
#: lengths after Drillis and Contini's fractions of stature, rounded. The pelvis is above the floor.
_HALF: dict[str, tuple[float, float, float]] = {
    "pelvis": (0.0, 0.945, 0.0),
    "left_hip": (0.065, -0.085, -0.01),
    "left_knee": (0.03, -0.38, 0.0),
    "left_ankle": (-0.01, -0.405, -0.03),
    "left_foot": (0.03, -0.055, 0.12),
    "spine1": (0.0, 0.115, -0.02),
    "spine2": (0.0, 0.13, 0.01),
    "spine3": (0.0, 0.055, 0.0),
    "neck": (0.0, 0.21, -0.03),
    "left_collar": (0.075, 0.115, -0.025),
    "head": (0.0, 0.09, 0.04),
    "left_shoulder": (0.105, 0.035, -0.01),
    "left_elbow": (0.265, -0.01, -0.02),
    "left_wrist": (0.25, 0.005, 0.0),
    "left_hand": (0.085, -0.01, -0.01),
    "jaw": (0.0, 0.0, 0.02),
    "left_eye": (0.032, 0.06, 0.075),
    "left_index1": (0.1, -0.005, 0.022),
    "left_middle1": (0.105, 0.0, 0.0),
    "left_pinky1": (0.085, -0.012, -0.042),
    "left_ring1": (0.095, -0.003, -0.023),
    "left_thumb1": (0.03, -0.015, 0.028),
    "left_index2": (0.035, 0.0, 0.003),
    "left_middle2": (0.035, 0.0, -0.002),
    "left_pinky2": (0.02, 0.0, -0.008),
    "left_ring2": (0.033, 0.0, -0.003),
    "left_thumb2": (0.027, -0.002, 0.024),
    "left_index3": (0.024, 0.0, 0.0),
    "left_middle3": (0.026, 0.0, -0.003),
    "left_pinky3": (0.018, 0.0, -0.006),
    "left_ring3": (0.026, 0.0, -0.002),
    "left_thumb3": (0.025, 0.0, 0.015),
}
_Z_UP = rot.from_axis("X", np.pi / 2)  # from Y up to Z up
_KEYS = ("poses", "trans", "root_orient", "pose_body", "pose_jaw", "pose_eye", "pose_hand", "betas", "gender")
_RATE_KEYS = ("mocap_framerate", "mocap_frame_rate")
#: What `write` adds so that our own files come back whole; other programs pass over it.
_OWN_KEYS = ("licence", "rest_offsets")


def rest_offsets(names: tuple[str, ...] = skeleton.JOINTS) -> Array:
    """The average body's joints in their parents' frames, ``(J, 3)`` metres, Y up; row 0: pelvis above the floor."""
    made = []
    for name in names:
        mirrored = name.replace("right_", "left_")
        x, y, z = _HALF[mirrored]
        made.append((-x if mirrored != name else x, y, z))
    return np.array(made)


def parents(names: tuple[str, ...]) -> np.ndarray:
    """Index of each joint's parent for one of the `LAYOUTS`."""
    index = {name: j for j, name in enumerate(names)}

    def parent(name: str) -> int:
        if name in skeleton.INDEX:
            above = int(skeleton.PARENTS[skeleton.INDEX[name]])
            return index[skeleton.JOINTS[above]] if above >= 0 else -1
        if name in _FACE:
            return index["head"]
        number = int(name[-1])
        return index[f"{name[:-1]}{number - 1}" if number > 1 else f"{name.split('_')[0]}_wrist"]

    return np.array([parent(name) for name in names], dtype=np.int32)


def read(path: str | os.PathLike[str], *, fps: float | None = None, up: str = "Z") -> Take:
    """Read an AMASS file: `poses` (or `root_orient` and `pose_body`), `trans`, and either spelling of the rate.

    The take's root stands where the pelvis joint is: `trans` plus the average rest pelvis (`REST_PELVIS`).

    Args:
        path: the `.npz`. Nothing in it is unpickled.
        fps: frames per second, when the file has none or a wrong one.
        up: axis that points up in the file; "Z" in AMASS, "Y" in some derived sets.

    Raises:
        BadInput: not an archive, arrays missing, of unknown width or unequal length, or not finite.
    """
    data = files.read_bytes(path)
    name = os.fspath(path)

    def fail(what: str) -> NoReturn:
        raise BadInput(f"{name}: {what}")

    if up not in ("Y", "Z"):
        raise unknown("up axis", up, ("Y", "Z"))
    arrays = _arrays(data, name)
    poses, kind, names = _poses(arrays, name)
    frames = len(poses)
    trans = _numbers(arrays, "trans", name)
    if trans.shape != (frames, 3):
        fail(f"'trans' has shape {trans.shape}, expected {(frames, 3)} to go with {frames} poses")
    rotations = rot.from_rotvec(poses.reshape(frames, len(names), 3))
    own_rest = arrays.get("rest_offsets")
    known_body = own_rest is not None and own_rest.shape == (len(names), 3)
    rest = _numbers(arrays, "rest_offsets", name) if known_body else rest_offsets(names)
    turn = _Z_UP if up == "Z" else rot.IDENTITY
    rest_rotations = np.tile(rot.IDENTITY, (len(names), 1))
    rest_rotations[0] = turn  # poses of zero lie on their back in a Z-up world; standing is the rest
    rest[0] = rot.rotate(turn, rest[0])
    translations = np.repeat(rest[None], frames, axis=0)
    translations[:, 0] = trans + REST_PELVIS
    notes = []
    if not known_body:
        gender = _word(arrays, "gender")
        notes.append(
            "an average body of 1.70 m stands in for the captured one: its pelvis offset and leg length are estimated"
            + (f"; gender in the file: {gender}" if gender else "")
        )
    if "betas" in arrays and np.any(_numbers(arrays, "betas", name)):
        notes.append("the file's shape values (betas) are not applied")
    licence = _word(arrays, "licence")
    if licence is None:
        licence = files.AMASS_LICENCE
        notes.append("licence taken from the format")
    elif licence in (UNSTATED, "unknown"):  # older versions of this project wrote the latter
        licence = None
    return Take(
        names=names,
        parents=parents(names),
        rest_offsets=rest,
        rotations=rotations,
        translations=translations,
        fps=_rate(arrays, fps, name),
        rest_rotations=rest_rotations,
        metres_per_unit=1.0,
        up=up,
        skeleton_kind=kind,
        provenance=files.provenance(path, data, licence, tuple(notes)),
    )


def write(take: Take, path: str | os.PathLike[str]) -> None:
    """Write a take on an SMPL skeleton as AMASS: SMPL-H's 156 values a pose, Z up, `mocap_framerate`.

    Fingers that the take lacks are zero; SMPL's two hand joints and SMPL-X's face have no place in it. Shape values are
    zero and the gender "neutral": the bodies of this project are not SMPL's. The take's rest offsets and licence are
    added under keys of their own, which other programs pass over.

    Raises:
        NeedsRetarget: the take's skeleton is not SMPL's.
        BadInput: not finite, or its unit is unknown.
    """
    lacking = [name for name in BODY if name not in take.names]
    if take.skeleton_kind not in ("smpl", "smplh", "smplx") or lacking:
        raise NeedsRetarget(
            f"{os.fspath(path)}: AMASS holds SMPL's joints only and the take has another skeleton "
            f"({take.joints} joints from '{take.names[0]}'); retarget it to smpl",
            "smpl",
        )
    if take.metres_per_unit is None:
        raise BadInput(f"{os.fspath(path)}: AMASS is in metres and the take does not say its unit")
    take.require_finite()
    names = LAYOUTS[156][1]
    rotations = np.tile(rot.IDENTITY, (take.frames, len(names), 1))
    rest = rest_offsets(names)
    for j, name in enumerate(names):
        if name in take.names:
            rotations[:, j] = take.rotations[:, take.names.index(name)]
            rest[j] = take.rest_offsets[take.names.index(name)] * take.metres_per_unit
    if take.up == "Z":
        rest[0] = rot.rotate(rot.inverse(_Z_UP), rest[0])
    pelvis = take.translations[:, take.names.index("pelvis")] * take.metres_per_unit
    if take.up in (None, "Y"):
        rotations[:, 0] = rot.multiply(_Z_UP, rotations[:, 0])
        pelvis = rot.rotate(_Z_UP, pelvis)
    elif take.up != "Z":
        raise BadInput(f"{os.fspath(path)}: a take with {take.up} up, expected Y or Z")
    content = io.BytesIO()
    np.savez(
        content,
        allow_pickle=False,
        poses=rot.to_rotvec(rotations).reshape(take.frames, -1),
        trans=pelvis - REST_PELVIS,
        betas=np.zeros(16),
        gender=np.array("neutral"),
        mocap_framerate=np.array(float(take.fps)),
        licence=np.array(take.provenance.licence or UNSTATED),
        rest_offsets=rest,
        note=np.array("betas are zero: the motion was not made on an SMPL body; trans assumes an average rest pelvis"),
    )
    files.write_whole(path, content.getvalue())


def _arrays(data: bytes, path: str) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` that matter here."""
    found = npz.read(data, path, (*_KEYS, *_RATE_KEYS, *_OWN_KEYS))
    if "poses" not in found and "root_orient" not in found:
        raise BadInput(f"{path}: holds no 'poses'; it has: {', '.join(sorted(npz.names(data))[:12]) or 'nothing'}")
    return found


def _numbers(arrays: dict[str, np.ndarray], key: str, path: str) -> Array:
    if key not in arrays:
        raise BadInput(f"{path}: holds no '{key}'")
    return npz.numbers(arrays[key], f"{path}: '{key}'")


def _poses(arrays: dict[str, np.ndarray], path: str) -> tuple[Array, str, tuple[str, ...]]:
    if "poses" in arrays:
        poses, what = _numbers(arrays, "poses", path), "'poses'"
    else:
        keys = ["root_orient", "pose_body", *(k for k in ("pose_jaw", "pose_eye", "pose_hand") if k in arrays)]
        parts = [_numbers(arrays, key, path) for key in keys]
        if any(part.ndim != 2 or len(part) != len(parts[0]) for part in parts):
            shapes = ", ".join(f"'{k}' {p.shape}" for k, p in zip(keys, parts, strict=True))
            raise BadInput(f"{path}: {shapes}, expected as many rows in each")
        poses, what = np.concatenate(parts, axis=1), " and ".join(f"'{k}'" for k in keys)
    if poses.ndim == 3 and poses.shape[2] == 3:
        poses = poses.reshape(len(poses), -1)
    if poses.ndim != 2 or poses.shape[1] not in LAYOUTS:
        widths = ", ".join(map(str, LAYOUTS))
        raise BadInput(f"{path}: {what} has shape {poses.shape}, expected rows of {widths} values")
    if len(poses) == 0:
        raise BadInput(f"{path}: {what} has no frames")
    kind, names = LAYOUTS[poses.shape[1]]
    return poses, kind, names


def _rate(arrays: dict[str, np.ndarray], fps: float | None, path: str) -> Fraction:
    key = next((k for k in _RATE_KEYS if k in arrays), None)
    if fps is None and key is None:
        raise BadInput(f"{path}: holds neither {' nor '.join(map(repr, _RATE_KEYS))}; give fps=…")
    value: Any = fps if fps is not None else arrays[str(key)]
    try:
        return rate.from_rate(float(np.asarray(value).reshape(-1)[0]))
    except (rate.RateError, ValueError, TypeError, IndexError) as error:
        raise BadInput(f"{path}: {key or 'fps'}: {error}") from None


def _word(arrays: dict[str, np.ndarray], key: str) -> str | None:
    """A text that may have been stored as str or as bytes."""
    if key not in arrays or arrays[key].size != 1 or arrays[key].dtype.kind not in "US":
        return None
    value = arrays[key].reshape(-1)[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
