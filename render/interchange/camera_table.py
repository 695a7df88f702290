"""Camera paths as per-frame tables that any program can read: ``.csv`` and ``.json``.

The camera looks down its −Z with +Y up (OpenGL, glTF, Blender's camera); positions are metres, Y up; quaternions xyzw.
JSON holds the matrices and is exact to the last bit; CSV holds quaternions, exact to rounding (1e-15), and what does
not change from frame to frame stands in comment lines above the table:

    # fps = 24000/1001
    # sensor_width_mm = 36.0
    frame,time,x,y,z,qx,qy,qz,qw,focal_mm,focus_m,f_stop,cut
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from motion import rotations as rot
from motion.camera import SENSOR_WIDTH_MM, CameraPath
from motion.errors import BadInput, did_you_mean
from motion.files import read
from motion.rate import RateError, exact

SUFFIXES = (".csv", ".json")
SCHEMA = 1
_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
#: Columns of the table; the last three may be missing or, where the path has no such thing, empty.
COLUMNS = ("frame", "time", *_POSE, "focal_mm", "focus_m", "f_stop", "cut")
_OPTIONAL = ("frame", "time", "focus_m", "f_stop", "cut")


def write(path: Path, camera: CameraPath, suffix: str) -> None:
    """Write the table that a suffix, ``.csv`` or ``.json``, names."""
    text = (_to_csv if suffix == ".csv" else _to_json)(camera)
    path.write_text(text, encoding="utf-8", newline="")


def load(path: str | Path) -> CameraPath:
    """Read a camera path written by `write`, or any table with these columns.

    Without a comment about it, the rate is that of the ``time`` column, and a sensor is 36 mm wide.

    Raises:
        BadInput: the file cannot be read, lacks a column, or holds a value that is no camera's; with the line.
    """
    parse = _from_csv if Path(path).suffix.lower() == ".csv" else _from_json
    try:
        text = read(path, "camera path").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not text ({error.reason} at byte {error.start})") from error
    try:
        return parse(path, text)
    except BadInput as error:
        raise error if str(error).startswith(str(path)) else BadInput(f"{path}: {error}") from error


def _to_csv(camera: CameraPath) -> str:
    out = io.StringIO()
    out.write(f"# fps = {camera.fps}\n# sensor_width_mm = {camera.sensor_width_mm!r}\n")
    out.write(f"# shift = {float(camera.shift[0])!r} {float(camera.shift[1])!r}\n")
    out.write(f"# shutter_angle = {camera.shutter_angle!r}\n")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    turns = rot.continuous(rot.from_matrix(camera.T_world_camera[:, :3, :3]))
    for k in range(camera.frames):
        lens = [None if v is None else v[k] for v in (camera.focal_mm, camera.focus_m, camera.f_stop)]
        values = [float(Fraction(k) / camera.fps), *camera.T_world_camera[k, :3, 3], *turns[k], *lens]
        # repr gives the shortest digits that read back as the same number.
        table.writerow([k, *("" if v is None else repr(float(v)) for v in values), int(camera.cuts[k])])
    return out.getvalue()


def _from_csv(path: str | Path, text: str) -> CameraPath:
    about: dict[str, str] = {}
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#"):
            key, _, value = line[1:].partition("=")
            about[key.strip()] = value.strip()
        elif line.strip():
            rows.append((number, next(csv.reader([line]))))
    if len(rows) < 2:
        raise BadInput(
            f"{path}: {max(len(rows) - 1, 0)} frames, expected a line of column names and at least one frame"
        )
    names = [name.strip().lower() for name in rows[0][1]]
    for column in COLUMNS:
        if column not in names and column not in _OPTIONAL:
            raise BadInput(f"{path}:{rows[0][0]}: no column '{column}'{did_you_mean(column, names)}")
    table: dict[str, list[float]] = {name: [] for name in COLUMNS if name in names}
    for number, fields in rows[1:]:
        if len(fields) != len(names):
            raise BadInput(f"{path}:{number}: {len(fields)} values, expected {len(names)}")
        for name, values in table.items():
            values.append(_number(f"{path}:{number}", name, fields[names.index(name)]))
    lines = [number for number, _ in rows[1:]]
    return _build(path, table, about, lambda k: f"{path}:{lines[k]}")


def _number(where: str, name: str, text: str) -> float:
    """A field as a number; an empty one is NaN where a path may lack the value."""
    text = text.strip()
    if not text and name in ("focus_m", "f_stop"):
        return float("nan")
    lowered = text.lower()
    if name == "cut" and lowered in ("true", "false", ""):
        return float(lowered == "true")
    try:
        value = float(text)
    except ValueError:
        raise BadInput(f"{where}: {name} is '{text}', expected a number") from None
    if not np.isfinite(value):
        raise BadInput(f"{where}: {name} is {text}, expected a finite number")
    return value


def _build(
    path: str | Path, table: dict[str, list[float]], about: dict[str, str], where: Callable[[int], str]
) -> CameraPath:
    columns = {name: np.array(values) for name, values in table.items()}
    steps = np.diff(columns.get("frame", np.zeros(0)))
    if (steps != 1).any():
        k = int(np.argmax(steps != 1))
        after = columns["frame"][k]
        raise BadInput(f"{where(k + 1)}: frame {columns['frame'][k + 1]:g} follows {after:g}, expected {after + 1:g}")
    turns = np.stack([columns[name] for name in ("qx", "qy", "qz", "qw")], axis=-1)
    lengths = np.linalg.norm(turns, axis=-1)
    if (np.abs(lengths - 1) > 1e-2).any():
        k = int(np.argmax(np.abs(lengths - 1) > 1e-2))
        raise BadInput(f"{where(k)}: the quaternion's length is {lengths[k]:g}, expected 1 (order qx qy qz qw)")
    pose = np.zeros((len(turns), 4, 4))
    pose[:, :3, :3], pose[:, 3, 3] = rot.to_matrix(rot.normalize(turns)), 1
    pose[:, :3, 3] = np.stack([columns[name] for name in ("x", "y", "z")], axis=-1)
    for name in ("focal_mm", "focus_m", "f_stop"):
        wrong = columns.get(name, np.ones(1)) <= 0
        if wrong.any():
            k = int(np.argmax(wrong))
            raise BadInput(f"{where(k)}: {name} is {columns[name][k]:g}, expected more than 0")
    shift = _words(path, about, "shift", "0 0", 2)
    return CameraPath(
        pose,
        columns["focal_mm"],
        _fps(path, about.get("fps"), columns.get("time")),
        focus_m=_lens(path, "focus_m", columns),
        f_stop=_lens(path, "f_stop", columns),
        sensor_width_mm=_words(path, about, "sensor_width_mm", str(SENSOR_WIDTH_MM), 1)[0],
        shift=(shift[0], shift[1]),
        shutter_angle=_words(path, about, "shutter_angle", "180", 1)[0],
        cuts=columns["cut"] != 0 if "cut" in columns else np.zeros(len(turns), bool),
    )


def _lens(path: str | Path, name: str, columns: dict[str, np.ndarray]) -> np.ndarray | None:
    values = columns.get(name)
    if values is None or np.isnan(values).all():
        return None
    if np.isnan(values).any():
        raise BadInput(f"{path}: {name} is empty at frame {int(np.argmax(np.isnan(values)))} and not at others")
    return values


def _words(path: str | Path, about: dict[str, str], key: str, usual: str, count: int) -> list[float]:
    try:
        values = [float(word) for word in about.get(key, usual).split()]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise BadInput(f"{path}: {key} is '{about[key]}', expected {count} number{'s' if count > 1 else ''}")
    return values


def _fps(path: str | Path, said: str | None, times: np.ndarray | None) -> Fraction:
    if said is not None:
        try:
            return exact(said)
        except RateError:
            raise BadInput(f"{path}: fps is '{said}', expected a number or fraction above 0") from None
    if times is None or len(times) < 2:
        raise BadInput(f"{path}: no frame rate, expected a line '# fps = 24' or a column of times")
    step = np.diff(times)
    if not (step > 0).all() or np.abs(step - step.mean()).max() > 0.01 * step.mean():
        raise BadInput(f"{path}: the times are not evenly spaced, expected one frame rate")
    return Fraction(1 / float(step.mean())).limit_denominator(1001)


def _to_json(camera: CameraPath) -> str:
    def column(values: np.ndarray | None) -> list[float] | None:
        return None if values is None else values.tolist()

    tree = {
        "schema": SCHEMA,
        "fps": str(camera.fps),
        "sensor_width_mm": camera.sensor_width_mm,
        "shift": list(camera.shift),
        "shutter_angle": camera.shutter_angle,
        "axes": "metres, Y up; the camera looks down -Z; T_world_camera maps camera coordinates to world, row by row",
        "focal_mm": column(camera.focal_mm),
        "focus_m": column(camera.focus_m),
        "f_stop": column(camera.f_stop),
        "cuts": np.flatnonzero(camera.cuts).tolist(),
        "T_world_camera": camera.T_world_camera.tolist(),
    }
    return json.dumps(tree) + "\n"


def _from_json(path: str | Path, text: str) -> CameraPath:
    try:
        tree: dict[str, Any] = json.loads(text)
        poses = np.array(tree["T_world_camera"], dtype=np.float64)
        focal = np.array(tree["focal_mm"], dtype=np.float64)
        if poses.ndim != 3 or poses.shape[1:] != (4, 4) or focal.shape != (len(poses),):
            raise BadInput(f"{path}: T_world_camera {poses.shape}, focal_mm {focal.shape}, expected (T, 4, 4), (T,)")
        turn = poses[:, :3, :3]
        skewed = np.abs(turn @ np.swapaxes(turn, 1, 2) - np.eye(3)).max(axis=(1, 2)) > 1e-3
        if skewed.any() or (np.linalg.det(turn) < 0).any():
            k = int(np.argmax(skewed | (np.linalg.det(turn) < 0)))
            raise BadInput(f"{path}: T_world_camera of frame {k} is not a rotation and a place")
        cuts = np.zeros(len(poses), dtype=bool)
        cuts[np.array(tree.get("cuts", []), dtype=int)] = True
        shift = [float(v) for v in tree.get("shift", (0, 0))]
        return CameraPath(
            poses,
            focal,
            _fps(path, str(tree["fps"]), None),
            focus_m=tree.get("focus_m"),
            f_stop=tree.get("f_stop"),
            sensor_width_mm=float(tree.get("sensor_width_mm", SENSOR_WIDTH_MM)),
            shift=(shift[0], shift[1]),
            shutter_angle=float(tree.get("shutter_angle", 180.0)),
            cuts=cuts,
        )
    except KeyError as error:
        raise BadInput(f"{path}: has no {error}, expected fps, focal_mm and T_world_camera") from error
    except (TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise BadInput(f"{path}: is not a camera path ({error})") from error
