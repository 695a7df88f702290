"""People for the camera's tests: walkers and standers made by formula, and captures from the pybullet wheel."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
from conftest import REST_OFFSETS

from motion import rotations as rot
from motion import skeleton
from motion.camera import CameraPath, Shot
from motion.clip import Clip
from motion.rotations import Array
from motion.stage import Performance
from rl_camera import framing


@dataclass(frozen=True)
class Bones:
    """A character without a mesh: the camera then takes average proportions."""

    mesh: None = None
    rest_offsets: Array = field(default_factory=lambda: REST_OFFSETS)


def walker(
    name: str = "hero",
    at: tuple[float, float] = (0.0, 0.0),
    heading: float = 0.0,
    speed: float = 1.3,
    seconds: float = 3.0,
    turn: float = 0.0,
    fps: int = 30,
    scale: float = 1.0,
) -> Performance:
    """Somebody who walks with swinging arms and legs, or stands when ``speed`` is 0; the clip is smooth in time."""
    count = max(round(seconds * fps), 1)
    t = np.arange(count) / fps
    phase = 2 * np.pi * 0.9 * t * (speed > 0)
    swing = 0.5 * np.tanh(speed)
    q = np.tile(rot.IDENTITY, (count, 24, 1))
    for sign, side in ((1, "left"), (-1, "right")):
        q[:, skeleton.INDEX[f"{side}_hip"]] = rot.from_axis("X", -swing * sign * np.sin(phase))
        knee = 0.8 * swing * (1 - np.cos(phase + (0 if sign > 0 else np.pi)))
        q[:, skeleton.INDEX[f"{side}_knee"]] = rot.from_axis("X", knee)
        down = rot.from_axis("Z", np.full(count, -1.25 * sign))
        q[:, skeleton.INDEX[f"{side}_shoulder"]] = rot.multiply(rot.from_axis("X", swing * sign * np.sin(phase)), down)
    yaw = heading + turn * t
    q[:, 0] = rot.yaw(yaw)
    if turn:
        x, z = (np.cos(heading) - np.cos(yaw)) / turn, (np.sin(yaw) - np.sin(heading)) / turn
    else:
        x, z = np.sin(heading) * t, np.cos(heading) * t
    height = scale * REST_OFFSETS[0, 1] + 0.02 * np.cos(2 * phase)
    root = np.stack([at[0] + speed * x, height, at[1] + speed * z], axis=-1)
    return Performance(name, Clip(q, root, scale * REST_OFFSETS, Fraction(fps)), Bones())


def stander(
    name: str = "hero", at: tuple[float, float] = (0.0, 0.0), heading: float = 0.0, **more: float
) -> Performance:
    return walker(name, at, heading, speed=0.0, **more)  # type: ignore[arg-type]


@functools.lru_cache(maxsize=32)
def capture(name: str, actor: str = "hero") -> Performance:
    """A capture from the pybullet wheel, retargeted."""
    import mocap_data
    from motion.retarget import retarget

    clip, _ = retarget(mocap_data.load(f"pybullet:humanoid3d_{name}"))
    return Performance(actor, clip, Bones())


def moved(performance: Performance, yaw: float = 0.0, by: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Performance:
    """The same performance turned about the world's origin and then shifted."""
    clip = performance.clip
    turn = rot.yaw(yaw)
    q = clip.rotations.copy()
    q[:, 0] = rot.multiply(turn, q[:, 0])
    return replace(
        performance, clip=replace(clip, rotations=q, root_position=rot.rotate(turn, clip.root_position) + by)
    )


def shot(**more: object) -> Shot:
    """A two-second shot of the hero unless told otherwise."""
    given: dict[str, object] = {"start_s": 0.0, "end_s": 2.0, "of": ("hero",), "lens_mm": 40.0}
    return Shot(**{**given, **more})  # type: ignore[arg-type]


def landmarks(path: CameraPath, performance: Performance, names: tuple[str, ...], aspect: float) -> tuple[Array, Array]:
    """Places ``(T, N, 2)`` in the picture and depths ``(T, N)`` of some landmarks at every frame of a path."""
    tracks = framing.track([performance], np.arange(path.frames) / float(path.fps))
    return framing.project(path.T_world_camera, path.focal_mm, aspect, tracks.points[:, 0, framing.indices(names)])
