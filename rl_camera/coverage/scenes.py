"""Scenes for Coverage: real captured performances placed round a spot, things that stand about, cameras on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion import edit
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance, Prop, Stage
from rl_camera import framing
from rl_camera.candidates import Candidate, Judged, judge, propose, quick_cameras
from rl_camera.coverage.config import CoverageConfig
from rl_camera.framing import Tracks
from rl_camera.placement import Surroundings

#: Moments per tick at which pictures are judged; the reward of a tick is their mean.
SAMPLES = 2

#: Windows of motion that are drawn for a performer; the one that strays least is taken, so that a scene is one place.
DRAWS = 3

#: Share of cameras that are set up on the other side than `propose` has it, so that there are lines to be crossed.
MIRRORED = 0.35

#: Metres between a prop's middle and everybody's way, beyond half its size.
WAY_M = 0.7


@dataclass(frozen=True)
class Scene:
    """One scene with its cameras, judged at `SAMPLES` moments a tick and at its end."""

    performances: tuple[Performance, ...]
    stage: Stage
    everyone: Tracks  # at the moments
    judged: Judged

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Its cameras."""
        return self.judged.cameras.candidates


def make(clips: Sequence[Clip], config: CoverageConfig, number: int) -> Scene:
    """Scene ``number`` of a configuration; a function of the clips, the configuration's seed and the number alone.

    Scenes have one, two, … performers in turn, so that every bank holds all of them.

    Raises:
        BadInput: there are no clips.
    """
    if not clips:
        raise BadInput("Coverage-v0: no clips to make scenes of")
    rng = np.random.default_rng([config.seed, number])
    performances = cast(clips, config.seconds, 1 + number % config.performers, rng)
    times = np.arange(config.steps * SAMPLES + 1) * (config.tick_s / SAMPLES)
    everyone = framing.track(performances, times)
    if not np.isfinite(everyone.points).all():
        raise BadInput("Coverage-v0: a clip has a pose that is not finite (NaN or infinite)")
    stage = Stage(props=_props(everyone, config.props, rng))
    around = Surroundings(stage, performances)
    cameras = quick_cameras(everyone, _cameras(everyone, config.cameras, rng), config.aspect, around)
    blocked = None if around.empty else around.blocked
    return Scene(performances, stage, everyone, judge(cameras, everyone, config.aspect, blocked))


def cast(clips: Sequence[Clip], seconds: float, count: int, rng: np.random.Generator) -> tuple[Performance, ...]:
    """Performers on a ring of one to three metres, facing its middle more or less, of all sizes; without bodies.

    Args:
        clips: what they do is a window of one of these each.
        seconds: how long the window is.
        count: of performers, 1 to 16.
        rng: all chance comes from here.
    """
    start = rng.uniform(0.0, 2.0 * np.pi)
    radius = 0.0 if count == 1 else rng.uniform(0.6, 1.6) * (1.0 + 0.3 * (count - 2))
    performers = []
    for k in range(count):
        drawn = [_window(clips[int(rng.integers(len(clips)))], seconds, rng) for _ in range(DRAWS)]
        clip, begin, end, _ = min(drawn, key=lambda w: w[-1])
        clip = edit.slice(clip, begin, end)
        if rng.random() < 0.5:
            clip = edit.mirror(clip)
        size = rng.uniform(0.86, 1.12)
        clip = replace(clip, rest_offsets=size * clip.rest_offsets, root_position=size * clip.root_position)
        angle = start + 2.0 * np.pi * k / count
        spot = radius * np.array([np.sin(angle), np.cos(angle)])
        yaw = angle + np.pi + rng.normal(0.0, 0.5)
        clip = edit.place(clip, (0.0, 0.0), float(yaw))
        # The middle of its way is on the ring, not its beginning: who walks, walks through the scene.
        middle = 0.5 * (clip.root_position.min(0) + clip.root_position.max(0))[[0, 2]]
        clip = edit.transform(clip, translation=(spot[0] - middle[0], 0.0, spot[1] - middle[1]))
        # No body: cameras take average proportions then, and pictures are of sticks.
        performers.append(Performance("abcdefghijklmnop"[k], clip, None))  # type: ignore[arg-type]
    return tuple(performers)


def _window(clip: Clip, seconds: float, rng: np.random.Generator) -> tuple[Clip, float, float, float]:
    """A stretch of a clip, seconds, and how far it strays, metres; a shorter clip will hold its last pose."""
    last = (clip.frames - 1) / float(clip.fps)
    start = float(rng.uniform(0.0, max(last - seconds, 0.0)))
    first = int(start * float(clip.fps))
    way = clip.root_position[first : first + int(seconds * float(clip.fps)) + 1, [0, 2]]
    return clip, start, min(start + seconds, last), float(np.ptp(way, axis=0).max())


def _props(everyone: Tracks, most: int, rng: np.random.Generator) -> tuple[Prop, ...]:
    """Boxes and pillars about the scene, out of everybody's way; some draws find no room."""
    way = everyone.of("pelvis")[..., [0, 2]].reshape(-1, 2)
    middle, props = way.mean(0), []
    for k in range(int(rng.integers(0, most + 1))):
        width, height = (float(v) for v in (rng.uniform(0.3, 1.2), rng.uniform(0.7, 2.6)))
        angle, far = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(1.5, 6.0)
        at = middle + far * np.array([np.sin(angle), np.cos(angle)])
        if np.hypot(*(way - at).T).min() > WAY_M + 0.7 * width:
            props.append(Prop(f"thing {k + 1}", "box", (width, height, width), np.array([at[0], 0.0, at[1]])))
    return tuple(props)


def _cameras(everyone: Tracks, count: int, rng: np.random.Generator) -> list[Candidate]:
    """The cameras that `propose` begins with, set up less tidily; more of them where it proposes too few."""
    chosen = list(propose(everyone, count))
    while len(chosen) < count:
        chosen.append(replace(chosen[len(chosen) % 3], azimuth=float(rng.uniform(-np.pi, np.pi))))
    out = []
    for one in chosen:
        turn, other = float(rng.normal(0.0, np.radians(12.0))), rng.random() < MIRRORED
        sign = -1.0 if other else 1.0
        out.append(replace(one, azimuth=sign * one.azimuth + turn, shoulder=sign * one.shoulder))
    return out


def means(values: Array) -> Array:
    """Means over the moments of each tick: ``(T · SAMPLES + 1, …)`` to ``(T, …)``."""
    whole = values[:-1]
    return whole.reshape(len(whole) // SAMPLES, SAMPLES, *whole.shape[1:]).mean(1)
