"""`write`: a camera path as an animated glTF camera node.

Core glTF cannot move a lens: where the focal length changes, ``yfov`` is animated through ``KHR_animation_pointer``, an
extension that programs may leave aside. What glTF has no word for (focus, f-stop, sensor, cuts, rate) and the focal
length of every frame stand in the node's ``extras``.

glTF's viewers interpolate between keys, so a cut has a second key `HOLD` of a frame before it that still holds the old
picture: at the film's own rate nothing is smeared, and hardly anything at others.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from motion import rotations as rot
from motion.camera import CameraPath
from motion.rotations import Array
from render.interchange.gltf_document import FLOAT, Document

#: Frames before a cut at which the picture before it still stands.
HOLD = Fraction(1, 8)
POINTER = "KHR_animation_pointer"
#: The key of `extras` that holds our own words.
OWN = "cinemotion"


def write(path: Path, camera: CameraPath, suffix: str, *, name: str, aspect: float) -> None:
    """Write a ``.glb``, or a ``.gltf`` with its buffer inside; raises as `render.interchange.camera.save`."""
    document = Document(name)
    lib = document.lib
    yfov = camera.fov_y(aspect)
    lens = lib.Perspective(aspectRatio=float(aspect), yfov=float(yfov[0]), znear=0.05)
    document.root.cameras.append(lib.Camera(name=name, type="perspective", perspective=lens))
    turns = rot.continuous(rot.from_matrix(camera.T_world_camera[:, :3, :3]))
    places = camera.T_world_camera[:, :3, 3]
    node = document.node(
        name=name,
        camera=0,
        translation=places[0].tolist(),
        rotation=turns[0].tolist(),
        extras={OWN: _about(camera)},
        in_scene=True,
    )
    rows, seconds = keys(camera)
    times = document.accessor(seconds, FLOAT, bounds=True)
    document.animate(node, "translation", times, places[rows])
    document.animate(node, "rotation", times, turns[rows])
    if np.ptp(camera.focal_mm) > 0:
        _animate_lens(document, times, yfov[rows])
    document.animation.extras = {"fps": str(camera.fps)}
    path.write_bytes(document.glb() if suffix == ".glb" else document.gltf())


def keys(camera: CameraPath) -> tuple[np.ndarray, Array]:
    """Which frame each key shows ``(K,)`` and when ``(K,)``, seconds: every frame, and one more before each cut."""
    rows: list[int] = []
    times: list[Fraction] = []
    for k in range(camera.frames):
        if k and camera.cuts[k]:
            rows.append(k - 1)
            times.append(k - HOLD)
        rows.append(k)
        times.append(Fraction(k))
    return np.array(rows), np.array([float(t / camera.fps) for t in times])


def _animate_lens(document: Document, times: int, yfov: Array) -> None:
    lib = document.lib
    document.root.extensionsUsed = [POINTER]
    output = document.accessor(yfov, FLOAT)
    document.animation.samplers.append(lib.AnimationSampler(input=times, output=output, interpolation="LINEAR"))
    pointer = {POINTER: {"pointer": "/cameras/0/perspective/yfov"}}
    target = lib.AnimationChannelTarget(path="pointer", extensions=pointer)
    sampler = len(document.animation.samplers) - 1
    document.animation.channels.append(lib.AnimationChannel(sampler=sampler, target=target))


def _about(camera: CameraPath) -> dict[str, Any]:
    def column(values: Array | None) -> list[float] | None:
        return None if values is None else values.tolist()

    about = {
        "fps": str(camera.fps),
        "sensor_width_mm": camera.sensor_width_mm,
        "shift": [float(v) for v in camera.shift],
        "shutter_angle": camera.shutter_angle,
        "focal_mm": column(camera.focal_mm),
        "focus_m": column(camera.focus_m),
        "f_stop": column(camera.f_stop),
        "cuts": np.flatnonzero(camera.cuts).tolist(),
    }
    return {key: value for key, value in about.items() if value is not None}
