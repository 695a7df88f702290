"""`Bank`: all scenes of a Coverage environment as arrays, made once; the best edit of each, a true bound."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from motion.camera import CameraPath
from motion.clip import Clip
from motion.rotations import Array
from rl_camera import dp, editing
from rl_camera.coverage import observation, scenes
from rl_camera.coverage.config import CoverageConfig, Library
from rl_camera.coverage.scenes import SAMPLES, Scene
from rl_camera.env.library import default_library


@dataclass(frozen=True)
class Bank:
    """B scenes over T ticks with K cameras; decisions at T + 1 moments, the last being the end. Arrays are float32."""

    config: CoverageConfig
    clips: tuple[Clip, ...] = field(repr=False)
    shot: Array  # (B, T, K, 5) editing.SHOT_TERMS, mean over each tick
    cut: Array  # (B, T + 1, K, K, 6) editing.CUT_TERMS at each moment
    opening: Array  # (B, K)
    whole: Array  # (B, T + 1, 2 P) presence and activity of performers
    each: Array  # (B, T + 1, K, F) what is observed of each camera, whichever is on
    heading: Array  # (B, T + 1, K) radians
    T_world_camera: Array  # (B, T + 1, K, 4, 4)
    focal_mm: Array  # (B, T + 1, K)

    @property
    def size(self) -> int:
        """How many scenes."""
        return len(self.shot)

    @functools.cached_property
    def quality(self) -> Array:
        """``(B, T, K)`` float64: what a tick of a camera pays."""
        return editing.quality(self.shot.astype(np.float64), self.config.rules.weights) * self.config.tick_s

    @functools.cached_property
    def transition(self) -> Array:
        """``(B, T + 1, K, K)`` float64: what a cut pays, never more than 0."""
        return editing.transition(self.cut.astype(np.float64), self.config.rules.weights)

    @functools.cached_property
    def penalty(self) -> Array:
        """``(T + 1,)``: what a shot of so many ticks pays when a cut ends it, at most 0."""
        rules, lengths = self.config.rules, np.arange(self.config.steps + 1) * self.config.tick_s
        return -rules.weights.rhythm * rules.rhythm.penalty(lengths)

    @functools.cached_property
    def overdue(self) -> Array:
        """``(T + 1,)``: what a shot of so many ticks has paid while it runs."""
        rules, lengths = self.config.rules, np.arange(self.config.steps + 1) * self.config.tick_s
        return -rules.weights.rhythm * rules.rhythm.overdue(lengths)

    def best_edit(self, scene: int, steps: int | None = None) -> dp.Edit:
        """The edit of the highest return that any policy can reach in a scene, with all of it known.

        Args:
            scene: its number.
            steps: of the episode; None: all of the scene.
        """
        steps = self.config.steps if steps is None else min(steps, self.config.steps)
        return dp.best_edit(
            self.quality[scene, :steps],
            self.transition[scene, :steps],
            self.penalty[: steps + 1],
            last=self.overdue[: steps + 1],
            opening=self.config.rules.weights.opening * self.opening[scene],
            shortest=self.config.shortest,
        )

    def scene(self, number: int) -> Scene:
        """A scene with its performers and its set, made again: for pictures."""
        return scenes.make(self.clips, self.config, number)

    def camera(self, scene: int, camera: int, moment: int) -> CameraPath:
        """A camera at one moment, as a path of one frame."""
        T, focal = self.T_world_camera[scene, moment, camera], self.focal_mm[scene, moment, camera]
        return CameraPath(T[None].astype(np.float64), focal[None].astype(np.float64), Fraction(1))


def bake(config: CoverageConfig, library: Library | Sequence[Clip] | None = None) -> Bank:
    """Make the scenes of a configuration.

    Args:
        config: settings.
        library: motion, or clips; None: the captures that the configuration names. Banks of named captures are kept
            for as long as the process runs.

    Raises:
        BadInput: no clips, or a pose that is not finite.
    """
    if library is None:
        return _baked(config)
    clips = tuple(library) if isinstance(library, Sequence) else tuple(library.clips)
    return _bake(config, clips)


@functools.lru_cache(maxsize=8)
def _baked(config: CoverageConfig) -> Bank:
    return _bake(config, _captured(config.split, None if config.data is None else str(config.data)))


@functools.lru_cache(maxsize=4)
def _captured(split: str, data: str | None) -> tuple[Clip, ...]:
    return default_library(split, data=data).clips


def _bake(config: CoverageConfig, clips: tuple[Clip, ...]) -> Bank:
    rows: list[tuple[Array, ...]] = []
    for number in range(config.scenes):
        scene = scenes.make(clips, config, number)
        judged = scene.judged
        whole, each, heading = observation.at_moments(scene, config)
        shot = scenes.means(judged.shot)
        if config.knowledge == "offline":
            value = editing.quality(shot, config.rules.weights)
            each = np.concatenate([each, observation.ahead(value, config.look_ahead)], axis=-1)
        cameras = judged.cameras
        rows.append(
            (
                shot, judged.cut[::SAMPLES], editing.opening(cameras.of), whole, each, heading,
                cameras.T_world_camera[::SAMPLES], cameras.focal_mm[::SAMPLES],
            )
        )  # fmt: skip
    columns: list[Array] = [np.stack(column).astype(np.float32) for column in zip(*rows)]  # type: ignore[misc]
    return Bank(config, clips, *columns)
