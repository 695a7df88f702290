"""Colour drift and flicker of the refiner over a long shot in which nothing moves: what leaks on adds up there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion.body import Body
from motion.camera import CameraPath, look_at
from motion.clip import Clip
from motion.stage import Performance, Prop, Stage

#: Pictures are small: drift comes from going round and round, not from size.
SIZE = (320, 180)
FPS = Fraction(24)


def measure(weights: str, seconds: float, say: Callable[[str], None]) -> dict[str, float]:
    """Mean ΔE (CIEDE2000) between the first and the last second over surfaces, and the change from frame to frame.

    Args:
        weights: of the refiner.
        seconds: of the shot.
        say: told the figures.

    Raises:
        BadInput: no such weights.
    """
    from render import Rasterizer, World
    from render.refine.metrics import ShotMeter
    from render.refine.model import BridgeRefiner

    refiner = BridgeRefiner.load(weights)
    frames = round(seconds * FPS)
    world, camera = World((_standing(),), _stage()), _camera(frames)
    began = time.perf_counter()
    # Held against one raster frame, which does not change, all change counts as flicker.
    meter = ShotMeter(frames, FPS, static=True, every=frames)
    with Rasterizer(SIZE) as rasterizer:
        still = next(rasterizer.render(world, camera, [0], ("beauty",)))
        assert still.alpha is not None and still.beauty is not None
        for refined in refiner.refine(rasterizer.render(world, camera, range(frames), refiner.needs)):
            assert refined.beauty is not None
            meter.add(refined.beauty, still.beauty, still.alpha > 0.99)
    found = meter.scores()
    spent = time.perf_counter() - began
    say(
        f"colour drift over {seconds:g} s, nothing moving: {found.drift_delta_e:.3f} ΔE (must 1.0), "
        f"flicker {255 * found.flicker_excess:.3f} of 255 steps from frame to frame, {frames} frames in {spent:.0f} s"
    )
    return {"delta_e": found.drift_delta_e, "flicker": found.flicker_excess, "seconds": seconds, "spent": spent}


def _standing() -> Performance:
    """Somebody who stands, arms down a little."""
    body = Body.default(outfit="runner")
    pose = np.zeros((2, 24, 4))
    pose[..., 3] = 1.0
    for joint, sign in ((16, -1.0), (17, 1.0)):
        pose[:, joint] = (0.0, 0.0, sign * np.sin(0.6), np.cos(0.6))
    offsets = np.asarray(body.rest_offsets)
    root = np.repeat(body.mesh.joints[:1], 2, axis=0)
    return Performance("somebody", Clip(pose, root, offsets, Fraction(1)), body)


def _stage() -> Stage:
    things = (
        Prop("wall", "wall", (4.0, 2.6, 0.2), np.array([0.0, 0.0, -1.5])),
        Prop("crate", "crate", (0.7, 0.7, 0.7), np.array([0.9, 0.0, 0.2])),
    )
    return replace(Stage(ground="wood", light="golden_hour"), props=things)


def _camera(frames: int) -> CameraPath:
    pose = look_at(np.array([[0.8, 1.4, 3.2]]), np.array([0.0, 0.95, 0.0]))
    return CameraPath(np.repeat(pose, frames, axis=0), np.array(32.0), FPS)
