"""Small synthetic performances whose travel, turns, waves and flights are known, for tests of the dataset."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from mocap_data import deepmimic, save
from mocap_data.dataset_read import rest_offsets
from motion import Clip, edit, skeleton
from motion import rotations as rot
from motion.retarget import clip_to_take

ASTRIDE = {"forward": (0.0, 1.0), "backward": (0.0, -1.0), "left": (1.0, 0.0), "right": (-1.0, 0.0)}


def glide(
    way: str = "forward",
    metres: float = 2.0,
    turn: float = 0.0,
    seconds: float = 3.0,
    yaw: float = 0.0,
    stride: float = 0.4,
) -> Clip:
    """Someone who travels ``metres`` one way seen from the body, turning evenly by ``turn`` radians, legs swinging."""
    frames = round(seconds * 30) + 1
    t = np.linspace(0.0, 1.0, frames)
    facing = yaw + turn * t
    aside, ahead = ASTRIDE.get(way, (0.0, 0.0))
    step = metres / (frames - 1)
    dx = step * (ahead * np.sin(facing) + aside * np.cos(facing))
    dz = step * (ahead * np.cos(facing) - aside * np.sin(facing))
    rest = rest_offsets()
    root = np.stack([np.cumsum(dx), np.full(frames, rest[0, 1]), np.cumsum(dz)], 1)
    q = np.tile(rot.IDENTITY, (frames, 24, 1))
    q[:, 0] = rot.yaw(facing)
    _hang(q, frames)
    swing = stride * np.sin(2 * math.pi * t * seconds * 0.9)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        q[:, skeleton.INDEX[f"{side}_hip"]] = rot.from_axis("X", sign * swing)
    return Clip(q, root, rest, Fraction(30))


def _hang(q: np.ndarray, frames: int) -> None:
    for side, sign in (("left", -1.0), ("right", 1.0)):
        q[:, skeleton.INDEX[f"{side}_shoulder"]] = rot.from_axis("Z", np.full(frames, sign * 1.35))


def waving(side: str = "left", swings: int = 4, seconds: float = 4.0) -> Clip:
    """Someone who stands, raises one hand or both, waves so many times, and keeps it up."""
    clip = glide("", 0.0, seconds=seconds)
    frames = clip.frames
    q = clip.rotations.copy()
    q[:, [1, 2]] = rot.IDENTITY
    t = np.linspace(0.0, 1.0, frames)
    up = np.clip(t / 0.2, 0.0, 1.0)
    wave = np.where(t > 0.2, 0.5 * np.sin(2 * math.pi * swings * (t - 0.2) / 0.8), 0.0)
    for name, sign in (("left", 1.0), ("right", -1.0)):
        if side in (name, "both"):
            q[:, skeleton.INDEX[f"{name}_shoulder"]] = rot.from_axis("Z", sign * (-1.35 + 2.4 * up))
            q[:, skeleton.INDEX[f"{name}_elbow"]] = rot.from_axis("Z", sign * wave)
    return Clip(q, clip.root_position, clip.rest_offsets, clip.fps)


def hopping(jumps: int = 3) -> Clip:
    """Someone who leaves the floor so many times."""
    clip = glide("", 0.0, seconds=jumps * 1.0)
    t = np.arange(clip.frames) / 30.0
    root = clip.root_position.copy()
    root[:, 1] += np.maximum(0.0, 0.35 * np.sin(2 * math.pi * t) - 0.05)
    q = clip.rotations.copy()
    q[:, [1, 2]] = rot.IDENTITY
    return Clip(q, root, clip.rest_offsets, clip.fps)


@lru_cache(maxsize=8)
def captured(name: str = "pybullet:humanoid3d_walk", seconds: float = 0.0) -> Clip:
    """A real capture of the pybullet wheel on the corpus's skeleton, 30 fps; looped to a length."""
    from motion.retarget import retarget

    clip = edit.resample(retarget(deepmimic.read_bundled(name), rest_offsets())[0], 30)
    return edit.repeat(clip, math.ceil(seconds / clip.seconds)) if seconds > clip.seconds else clip


def write(clip: Clip, path: Path) -> Path:
    """Save a clip as BVH or AMASS."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(clip_to_take(clip), path)
    return path
