"""Films of whole scenes for the benchmark, by editors that set up cameras of their own, and what a film is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from motion.camera import CameraPath, Shot
from motion.rotations import Array
from rl_camera import editing, framing
from rl_camera.auto import TICK_S, plan_film
from rl_camera.bench_editors import NEVER, RHYTHMS_S
from rl_camera.candidates import Cameras, Candidate, cameras_of, judge, propose, shot_of, side_of
from rl_camera.coverage.config import CoverageConfig
from rl_camera.coverage.scenes import Scene
from rl_camera.director import direct
from rl_camera.editing import CUT_TERMS, Style
from rl_camera.framing import Tracks
from rl_camera.placement import Surroundings
from rl_camera.subjects import partner_of

#: Frames a second of films.
FPS = Fraction(24)


@dataclass(frozen=True)
class Film:
    """A filmed scene."""

    path: CameraPath
    shots: tuple[Shot, ...]  # one after the other, without gaps, from 0


def _filmed(scene: Scene, config: CoverageConfig, shots: Sequence[Shot]) -> Film:
    return Film(direct(scene.performances, scene.stage, shots, FPS, config.aspect), tuple(shots))


def _wide(scene: Scene, config: CoverageConfig, rng: np.random.Generator) -> Film:
    return _by_clock(scene, config, rng, config.seconds, "rule")


def _by_clock(
    scene: Scene, config: CoverageConfig, rng: np.random.Generator, every_s: float, director: str
) -> Film:  # fmt: skip
    """Cameras as `propose` has them, in a drawn order after the first, changed by the clock; the last lasts longer."""
    count = max(1, int(config.seconds / every_s))
    everyone = framing.track(scene.performances, np.arange(0.0, config.seconds, TICK_S))
    offered = propose(everyone, config.cameras)
    order = [0]
    while len(order) < count:
        order.append(int(rng.choice([k for k in range(len(offered)) if k != order[-1]])))
    shots = []
    for k, camera in enumerate(order):
        start, end = k * every_s, config.seconds if k == count - 1 else (k + 1) * every_s
        own = (everyone.times >= start) & (everyone.times < end)
        here = replace(everyone, times=everyone.times[own], points=everyone.points[own])
        side = side_of(offered[camera], here, config.aspect)
        shots.append(replace(shot_of(offered[camera], here, side, start, end), director=director))
    return _filmed(scene, config, shots)


def _auto(scene: Scene, config: CoverageConfig, rng: np.random.Generator) -> Film:
    made = plan_film(
        scene.performances, scene.stage, 0.0, config.seconds, FPS, config.aspect, style=config.style
    )  # fmt: skip
    return _filmed(scene, config, made.shots)


#: Makers of whole films from a scene, its settings and a generator; all know the motion to come.
FILMS: Mapping[str, Callable[[Scene, CoverageConfig, np.random.Generator], Film]] = {
    NEVER: _wide,
    "rule every 4 s": lambda scene, config, rng: _by_clock(scene, config, rng, RHYTHMS_S[1], "rule"),
    "dp every 4 s": lambda scene, config, rng: _by_clock(scene, config, rng, RHYTHMS_S[1], "dp"),
    "auto": _auto,
}


def worth(film: Film, scene: Scene, style: Style, aspect: float) -> tuple[float, Array]:
    """The value of a film as `editing` has it, seconds of a perfect picture, and the terms of its cuts ``(C, 6)``.

    Pictures are judged eight times a second, each shot by what it asks for; the last shot, which the film's end cuts
    off, pays for being overdue alone, as in the environment.
    """
    around = Surroundings(scene.stage, scene.performances)
    blocked = None if around.empty else around.blocked
    weights, total, joined = style.weights, 0.0, []
    names = [p.name for p in scene.performances]
    step = max(1, round(float(FPS) * TICK_S))
    starts = [*np.flatnonzero(film.path.cuts | (np.arange(film.path.frames) == 0)), film.path.frames]
    candidates = []
    for shot, (a, b) in zip(film.shots, pairwise(map(int, starts)), strict=True):
        frames = np.arange(a, b, step)
        everyone = framing.track(scene.performances, frames / float(FPS))
        candidates.append(_asked(shot, everyone))
        cameras = _cameras(film.path, [candidates[-1]], names, frames[:, None])
        pictures = editing.quality(judge(cameras, everyone, aspect, blocked).shot, weights)
        length = (b - a) / float(FPS)
        total += float(pictures.mean()) * length
        rhythm = style.rhythm.overdue(length) if b == film.path.frames else style.rhythm.penalty(length)
        total -= weights.rhythm * float(rhythm)
        if a == 0:
            total += weights.opening * float(editing.opening(cameras.of)[0])
        else:
            near = framing.track(scene.performances, (a + np.array([-1.0, 0.0, 1.0])) / float(FPS))
            pair = _cameras(film.path, candidates[-2:], names, np.tile([a - 1, a], (3, 1)))
            terms = judge(pair, near, aspect).cut[1, 0, 1]
            joined.append(terms)
            total += float(editing.transition(terms, weights))
    return total, np.array(joined).reshape(-1, len(CUT_TERMS))


def _cameras(path: CameraPath, candidates: Sequence[Candidate], names: Sequence[str], frames: np.ndarray) -> Cameras:
    """Cameras ``(N, K)`` that are a path's at frames ``(N, K)``."""
    return cameras_of(candidates, names, path.T_world_camera[frames], path.focal_mm[frames])


def _asked(shot: Shot, everyone: Tracks) -> Candidate:
    """Whom a shot is of and how large, as editors judge it."""
    partner = partner_of(shot, everyone)
    return Candidate((shot.of[0], partner), shot.size, shoulder=1.0) if partner else Candidate(shot.of, shot.size)
