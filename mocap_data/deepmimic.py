"""DeepMimic's JSON captures in (`.txt`, `.json`), and the fifteen human ones that the pybullet wheel carries.

A frame is ``[seconds, root x y z, root quaternion w x y z, then per joint a quaternion w x y z or, for knees and
elbows, one angle about z]``, 44 numbers (Peng et al. 2018, DeepMimic). Metres; stands along +Y and faces +X.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import numpy as np

from mocap_data import files
from motion import rate
from motion import rotations as rot
from motion.errors import BadInput, MissingSystem, did_you_mean
from motion.rotations import Array
from motion.take import Take

#: Name, parent, position in the parent's frame in metres, and numbers in a frame (4: quaternion, 1: hinge about z).
#: Positions: `humanoid/humanoid.urdf` of pybullet_data 3.2.7 at its usual scale of 0.25. The character at rest has
#: straight legs and hanging arms. The root's rest height puts the soles (0.05 m under the ankles) on the floor.
_S = 0.25
JOINTS: tuple[tuple[str, int, tuple[float, float, float], int], ...] = (
    ("root", -1, (0.0, _S * (1.686184 + 1.63948) + 0.05, 0.0), 4),
    ("chest", 0, (0.0, _S * 0.944604, 0.0), 4),
    ("neck", 1, (0.0, _S * 0.895576, 0.0), 4),
    ("right_hip", 0, (0.0, 0.0, _S * 0.339548), 4),
    ("right_knee", 3, (0.0, _S * -1.686184, 0.0), 1),
    ("right_ankle", 4, (0.0, _S * -1.63948, 0.0), 4),
    ("right_shoulder", 1, (_S * -0.0962, _S * 0.974, _S * 0.73244), 4),
    ("right_elbow", 6, (0.0, _S * -1.099152, 0.0), 1),
    ("left_hip", 0, (0.0, 0.0, _S * -0.339548), 4),
    ("left_knee", 8, (0.0, _S * -1.686184, 0.0), 1),
    ("left_ankle", 9, (0.0, _S * -1.63948, 0.0), 4),
    ("left_shoulder", 1, (_S * -0.0962, _S * 0.974, _S * -0.73244), 4),
    ("left_elbow", 11, (0.0, _S * -1.099152, 0.0), 1),
)
#: Ends of the leaves: top of the head's sphere, tip of the foot's box at sole height, the fixed wrist.
_ENDS = {
    "neck": (0.0, _S * (0.7 + 0.41), 0.0),
    "right_ankle": (_S * (0.18 + 0.354), -0.05, 0.0),
    "left_ankle": (_S * (0.18 + 0.354), -0.05, 0.0),
    "right_elbow": (0.0, _S * -1.035788, 0.0),
    "left_elbow": (0.0, _S * -1.035788, 0.0),
}
WIDTH = 4 + sum(joint[3] for joint in JOINTS)


def sniff(head: bytes) -> bool:
    """Whether the first bytes of a file look like this format."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith(b"{") and (b'"Frames"' in head or b'"Loop"' in head)


def read(path: str | os.PathLike[str]) -> Take:
    """Read a DeepMimic capture; see `parse`."""
    return parse(files.read_bytes(path), os.fspath(path))


def parse(data: bytes, path: str) -> Take:
    """Make a `Take` of the bytes of a DeepMimic capture; ``path`` stands in errors.

    Frames that last unequally long are resampled to a steady rate, and a note says so. The last frame's duration has no
    meaning in the format. Whether the motion loops is kept as a note.

    Raises:
        BadInput: not this JSON, frames that do not hold 44 finite numbers, quaternions far from unit length, durations
            that are not positive.
    """

    def fail(what: str) -> NoReturn:
        raise BadInput(f"{path}: {what}")

    def constant(name: str) -> NoReturn:
        fail(f"holds {name}, expected finite numbers")

    try:
        document = json.loads(files.text_of(data, path, "DeepMimic JSON"), parse_constant=constant)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}:{error.lineno}: not JSON ({error.msg}, column {error.colno})") from None
    except (RecursionError, ValueError) as error:  # nested without end; an integer of thousands of digits
        fail(f"not DeepMimic JSON ({error})")
    frames = document.get("Frames") if isinstance(document, dict) else None
    if not isinstance(frames, list) or not frames:
        fail("not a DeepMimic capture: expected an object with a list 'Frames' of at least one frame")
    for i, frame in enumerate(frames):
        if not isinstance(frame, list):
            fail(f"frame {i} is not a list, expected {WIDTH} numbers")
        if len(frame) != WIDTH:
            hint = "; is it an animal's or a robot's capture?" if len(frame) != len(frames[0]) or i == 0 else ""
            fail(f"frame {i} has {len(frame)} values, expected {WIDTH}{hint}")
        for k, value in enumerate(frame):
            if isinstance(value, bool) or not isinstance(value, int | float):
                fail(f"frame {i}, value {k + 1} is {json.dumps(value)[:40]}, expected a number")
            if not abs(value) <= 1e9:
                fail(f"frame {i}, value {k + 1} is {value!r:.40}, expected a finite number of at most 1e+09")
    values = np.array(frames, dtype=np.float64)

    rotations = np.empty((len(values), len(JOINTS), 4))
    column = 4
    for j, (name, _, _, width) in enumerate(JOINTS):
        part = values[:, column : column + width]
        column += width
        if width == 1:
            rotations[:, j] = rot.from_axis("Z", part[:, 0])
            continue
        length = np.linalg.norm(part, axis=1)
        bad = ~((length > 0.5) & (length < 2))  # the set has lengths of 1.12: hand-edited values, still directions
        if bad.any():
            i = int(np.argmax(bad))
            fail(f"frame {i}: the quaternion of {name} has length {length[i]:.3g}, expected 1")
        rotations[:, j] = rot.normalize(part[:, [1, 2, 3, 0]])
    rest = np.array([joint[2] for joint in JOINTS])
    translations = np.repeat(rest[None], len(values), axis=0)
    translations[:, 0] = values[:, 1:4]

    fps, times, notes = _timing(values[:, 0], path)
    if times is not None:
        rotations, translations = _resample(rotations, translations, times, fps)
    loop = document.get("Loop")
    if isinstance(loop, str) and loop.lower() == "wrap":
        notes.append("the file says that the motion loops")
    ends = np.full_like(rest, np.nan)
    for j, (name, *_) in enumerate(JOINTS):
        ends[j] = _ENDS.get(name, (np.nan,) * 3)
    return Take(
        names=tuple(joint[0] for joint in JOINTS),
        parents=np.array([joint[1] for joint in JOINTS]),
        rest_offsets=rest,
        rotations=rotations,
        translations=translations,
        fps=fps,
        end_offsets=ends,
        metres_per_unit=1.0,
        up="Y",
        skeleton_kind="deepmimic",
        provenance=files.provenance(path, data, files.deepmimic_licence(path), tuple(notes)),
    )


def _timing(durations: Array, path: str) -> tuple[Fraction, Array | None, list[str]]:
    """Rate of the frames; and where durations differ, the frames' times in seconds."""
    if len(durations) == 1:
        if durations[0] <= 0:
            return Fraction(30), None, ["one frame without duration; 30 frames per second assumed"]
        kept = durations
    else:
        kept = durations[:-1]
    bad = kept <= 0
    if bad.any():
        i = int(np.argmax(bad))
        raise BadInput(f"{path}: frame {i} lasts {kept[i]:g} s, expected more than 0")
    usual = float(np.median(kept))
    try:
        fps = rate.from_frame_time(f"{usual:.6g}")
    except rate.RateError as error:
        raise BadInput(f"{path}: frame duration {error}") from None
    if np.ptp(kept) <= 0.01 * usual:
        return fps, None, []
    times = np.concatenate([[0.0], np.cumsum(kept)])
    if times[-1] * fps > 100 * len(durations):
        raise BadInput(
            f"{path}: frame durations from {kept.min():g} to {kept.max():g} s, expected about the same for all"
        )
    note = f"frame durations vary from {kept.min():g} to {kept.max():g} s; resampled to {fps} frames per second"
    return fps, times, [note]


def _resample(rotations: Array, translations: Array, times: Array, fps: Fraction) -> tuple[Array, Array]:
    """Poses at a steady rate: rotations by slerp, positions linearly."""
    at = np.arange(math.floor(times[-1] * float(fps) + 1e-3) + 1) / float(fps)
    i = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    t = np.clip((at - times[i]) / (times[i + 1] - times[i]), 0.0, 1.0)
    moved = translations[i] + t[:, None, None] * (translations[i + 1] - translations[i])
    return rot.slerp(rotations[i], rotations[i + 1], t[:, None]), moved


#: How a capture of the pybullet wheel is asked for: ``pybullet:walk``.
BUNDLED = "pybullet:"


def bundled() -> dict[str, Path]:
    """The human captures inside the pybullet wheel, by name: ``humanoid3d_walk`` and fourteen more; none without it."""
    spec = importlib.util.find_spec("pybullet_data")  # found without importing pybullet
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "motions"
    return {path.stem: path for path in sorted(folder.glob("humanoid3d_*.txt"))}


def find_bundled(name: str) -> Path:
    """The file of one of the captures inside the pybullet wheel.

    Args:
        name: ``walk``, ``humanoid3d_walk`` or ``humanoid3d_walk.txt``, with or without `BUNDLED` before it.

    Raises:
        BadInput: no such capture.
        MissingSystem: the wheel is not installed.
    """
    captures = bundled()
    name = name.removeprefix(BUNDLED)
    if not captures:
        raise MissingSystem(f"'{BUNDLED}{name}' needs the captures in the pybullet wheel: pip install pybullet")
    prefix = "humanoid3d_"
    stem = name.removesuffix(".txt")
    path = captures.get(stem) or captures.get(prefix + stem)
    if path is None:
        known = captures if stem.startswith(prefix) else [full.removeprefix(prefix) for full in captures]
        raise BadInput(f"unknown capture '{BUNDLED}{name}'{did_you_mean(stem, known)}")
    return path


def read_bundled(name: str) -> Take:
    """Read one of the captures inside the pybullet wheel; name and errors as for `find_bundled`."""
    return read(find_bundled(name))
