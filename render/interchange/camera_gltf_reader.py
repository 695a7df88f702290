"""`load`: a camera of a ``.glb`` or ``.gltf`` as a `CameraPath`, whatever program wrote it.

The nodes above the camera (rigs, an exporter's extra turn, a scale) are carried out. A camera of ours brings its lens,
rate and cuts in ``extras``; these count as long as they fit the animation, which may have been edited since.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from motion import rotations as rot
from motion.camera import SENSOR_WIDTH_MM, CameraPath
from motion.errors import BadInput
from motion.rate import RateError, exact
from motion.rotations import Array
from render.interchange.camera_gltf_channels import FASTEST, SLOWEST, channels_of
from render.interchange.camera_gltf_writer import OWN
from render.interchange.camera_resample import MAX_FRAMES
from render.interchange.gltf_channel import SNAP, Channel, even_rate, sampled
from render.interchange.gltf_file import GltfFile
from render.interchange.gltf_nodes import Nodes, turn_and_scale

#: Sampled at this rate where keys do not show one.
USUAL_FPS = Fraction(24)
#: Angle of a camera that does not say: Blender's 50 mm on 36 mm, in 16:9.
USUAL_FOCAL_MM = 50.0
_BLENDERS = "_Orientation"  # Blender's exporter hangs the camera under such a node, below the object


def load(
    path: str | Path, *, fps: Fraction | None, name: str | None, aspect: float
) -> tuple[CameraPath, str, list[str]]:
    """One camera: its path, its name and notes; raises as `render.interchange.camera.load`.

    A camera of ours comes at its own rate, whatever ``fps`` says; others are sampled at it.
    """
    from render.interchange.camera import choose

    file = GltfFile(path)
    nodes = Nodes(file)
    cameras = _cameras(file, nodes)
    if not cameras:
        raise file.bad("holds no perspective camera, expected one")
    labels = _labels(nodes, cameras)
    listed = file.items("cameras")
    others = [(nodes.name(i), str(listed[nodes.items[i]["camera"]].get("name", ""))) for i in cameras]
    at = choose(path, name, labels, others)
    node = cameras[at]
    number = nodes.items[node]["camera"]
    lens = listed[number]["perspective"]
    above = nodes.with_ancestors([node])
    channels, notes = channels_of(file, set(above), number)
    start = min((float(c.times[0]) for c in channels), default=0.0)
    end = max((float(c.times[-1]) for c in channels), default=0.0)
    yfov, aspect = _angle(file, lens, aspect, labels[at], notes)
    about = _about(nodes.items[node])
    if about is not None:
        mine = _own(file, about, channels, yfov, aspect, start, end)
        if mine is not None:
            rate = mine["fps"]
            poses = _poses(file, nodes, node, above, channels, start, rate, len(mine["focal_mm"]))
            return _made(file, poses, mine), labels[at], notes
        notes.append("what the file says of its lens and cuts does not fit its animation, and is left out")
    rate = fps or (even_rate(channels, SLOWEST, FASTEST) if channels else None)
    if rate is None:
        rate = USUAL_FPS
        if channels:
            notes.append(f"its keys show no frame rate; sampled at {rate}")
    frames = int(np.floor((end - start) * float(rate) + SNAP)) + 1
    if frames > MAX_FRAMES:
        raise file.bad(f"its animation lasts {end - start:g} s, {frames:,} frames, expected at most {MAX_FRAMES:,}")
    if start * float(rate) > 1.5:  # frame 1 is where Blender begins
        notes.append(f"the animation starts at {start:g} s; frame 0 is there")
    angle = next((sampled(c, start, rate, frames)[:, 0] for c in channels if c.path == "yfov"), np.full(frames, yfov))
    if not ((angle > 0) & (angle < np.pi)).all():
        raise file.bad("its animated angle of view leaves 0 to 180 degrees")
    focal = SENSOR_WIDTH_MM / (2 * np.tan(angle / 2) * aspect)
    poses = _poses(file, nodes, node, above, channels, start, rate, frames)
    return _made(file, poses, {"focal_mm": focal, "fps": rate}), labels[at], notes


def _cameras(file: GltfFile, nodes: Nodes) -> list[int]:
    """Nodes that carry a perspective camera."""
    found = []
    for i, node in enumerate(nodes.items):
        if "camera" in node:
            camera = file.item("cameras", node["camera"], f"node {i} ('{nodes.name(i)}')")
            if camera.get("type") == "perspective":
                if not isinstance(camera.get("perspective"), dict):
                    raise file.bad(f"camera {node['camera']} says 'perspective' and nothing more")
                found.append(i)
    return found


def _labels(nodes: Nodes, cameras: Sequence[int]) -> list[str]:
    """A name for each camera; those that share one are numbered."""
    names = [_label(nodes, i) for i in cameras]
    return [n if names.count(n) == 1 else f"{n}_{names[:k].count(n) + 1}" for k, n in enumerate(names)]


def _label(nodes: Nodes, i: int) -> str:
    """What a person calls the camera: the node's name, without an exporter's own helper node."""
    name = nodes.name(i)
    parent = nodes.parent[i]
    return nodes.name(parent) if name.endswith(_BLENDERS) and parent >= 0 else name


def _angle(file: GltfFile, lens: dict[str, Any], aspect: float, label: str, notes: list[str]) -> tuple[float, float]:
    """Vertical angle and aspect of a camera; what is missing is assumed and noted."""

    def number(key: str, low: float, high: float) -> float | None:
        value = lens.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low < value < high:
            raise file.bad(f"camera '{label}': {key} is {value!r}, expected {low:g} to {high:g}")
        return float(value)

    said = number("aspectRatio", 0.0, 1000.0)
    if said is None:
        notes.append(f"camera '{label}' has no aspect ratio; {aspect:.4g} is taken")
    yfov = number("yfov", 0.0, float(np.pi))
    aspect = said or aspect
    if yfov is None:
        notes.append(f"camera '{label}' has no angle of view; {USUAL_FOCAL_MM:g} mm is taken")
        yfov = float(2 * np.arctan(SENSOR_WIDTH_MM / aspect / (2 * USUAL_FOCAL_MM)))
    return yfov, aspect


def _poses(
    file: GltfFile,
    nodes: Nodes,
    node: int,
    above: Sequence[int],
    channels: Sequence[Channel],
    start: float,
    rate: Fraction,
    frames: int,
) -> Array:
    moving = {(c.node, c.path): sampled(c, start, rate, frames) for c in channels if c.node >= 0}
    world = nodes.worlds(above, moving, frames)[node]
    linear = world[:, :3, :3]
    if not np.isfinite(world).all() or (np.linalg.det(linear) <= 1e-18).any():
        raise file.bad(f"camera '{_label(nodes, node)}' is mirrored or flattened by a scale above it")
    poses = np.zeros((frames, 4, 4))
    poses[:, :3, :3] = rot.to_matrix(rot.from_matrix(turn_and_scale(linear)[0]))
    poses[:, :3, 3], poses[:, 3, 3] = world[:, :3, 3], 1
    return poses


def _about(node: dict[str, Any]) -> dict[str, Any] | None:
    """What we wrote about the camera; a film's ``.glb`` has it in `extras` itself."""
    extras = node.get("extras")
    if not isinstance(extras, dict):
        return None
    about = extras.get(OWN, extras)
    return about if isinstance(about, dict) and "focal_mm" in about else None


def _own(
    file: GltfFile,
    about: dict[str, Any],
    channels: Sequence[Channel],
    yfov: float,
    aspect: float,
    start: float,
    end: float,
) -> dict[str, Any] | None:
    """Our own words about a camera as fields of a `CameraPath`, or None where they do not fit what moves."""
    try:
        focal = np.array(about["focal_mm"], dtype=np.float64)
        rate = exact(str(about["fps"]))
        sensor = float(about.get("sensor_width_mm", SENSOR_WIDTH_MM))
        shift = [float(v) for v in about.get("shift", (0.0, 0.0))]
        cuts = np.zeros(len(focal), bool)
        cuts[np.array(about.get("cuts", []), dtype=int)] = True
        columns = {k: np.array(about[k], dtype=np.float64) for k in ("focus_m", "f_stop") if about.get(k) is not None}
        shutter = float(about.get("shutter_angle", 180.0))
    except (KeyError, TypeError, ValueError, IndexError, RateError):
        return None
    if focal.ndim != 1 or len(focal) == 0 or len(shift) != 2 or any(c.shape != focal.shape for c in columns.values()):
        return None
    values = np.concatenate([focal, *columns.values(), [sensor]])
    if not (np.isfinite(values).all() and (values > 0).all() and np.isfinite([*shift, shutter]).all()):
        return None
    if abs((end - start) * float(rate) - (len(focal) - 1)) > max(SNAP, 4e-7 * end * float(rate)):
        return None
    angle = 2 * np.arctan(sensor / aspect / (2 * focal))
    moving = next((sampled(c, start, rate, len(focal))[:, 0] for c in channels if c.path == "yfov"), None)
    if moving is None:  # a program that does not know the extension has kept one angle of all
        fits = angle.min() * (1 - 1e-4) <= yfov <= angle.max() * (1 + 1e-4)
    else:
        fits = bool((np.abs(moving - angle) <= 1e-4 * angle).all())
    if not fits:
        return None
    lens = {"sensor_width_mm": sensor, "shift": (shift[0], shift[1]), "shutter_angle": shutter, "cuts": cuts}
    return {"focal_mm": focal, "fps": rate, **columns, **lens}


def _made(file: GltfFile, poses: Array, fields: dict[str, Any]) -> CameraPath:
    try:
        return CameraPath(poses, **fields)
    except BadInput as error:
        raise file.bad(str(error)) from error
