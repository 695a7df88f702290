"""Directors that steer a camera step by step on a rig with limits: `policy`, learned; `cem` and `greedy`, planned.

A shot becomes an episode of the framing environment, with the film's own performers and props, and a controller films
it. Between decisions the rig's motion is exact, so the path is as smooth at any frame rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from motion.camera import CameraPath, Shot
from motion.errors import BadInput
from motion.stage import Performance, Stage
from rl_camera import director as protocol
from rl_camera import framing
from rl_camera.control.base import Controller, Drive
from rl_camera.control.policy import Policy
from rl_camera.control.search import CEM, Greedy
from rl_camera.director import Action, CameraState, Observation, f_stops, first_frame
from rl_camera.env import dynamics, scene
from rl_camera.env.columns import Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.staging import along
from rl_camera.framing import Tracks
from rl_camera.placement import LOWEST, Line, Surroundings
from rl_camera.setup import Decision
from rl_camera.vocabulary import Move

#: Settings under which planners film: four performers in view, and eight things.
PLANNING = FramingConfig(keypoints="eight", performers=4, occluders=8, knowledge="offline")


@dataclass(frozen=True)
class Filmed:
    """How a shot went, by the measures of the reward."""

    shot: Shot
    terms: dict[str, float]  # mean of every term over the shot
    value: float  # mean reward


class SteeredDirector:
    """Films shots with a controller.

    Args:
        controller: made anew for each director.
        config: the environment that it knows.
    """

    def __init__(self, controller: Controller, config: FramingConfig) -> None:
        self.controller, self.config = controller, config
        self.filmed: list[Filmed] = []
        self._rule = protocol.find_director("rule")
        self._live: _LiveShot | None = None

    def plan(
        self, performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float
    ) -> CameraPath:
        """See `director.Director.plan`. Moves that only a fixed rig can make are the rule director's."""
        around, line = Surroundings(stage, performances), Line()
        paths = []
        self.filmed = []
        for shot in (protocol.check(s, performances) for s in shots):
            if Move(shot.move) not in scene.ASKED_MOVES:
                paths.append(self._rule.plan(performances, stage, [shot], fps, aspect))
                continue
            paths.append(self._shot(performances, stage, around, line, shot, fps, aspect))
        return protocol.join(paths)

    def _shot(
        self, performances: Sequence[Performance], stage: Stage, around: Surroundings, line: Line, shot: Shot,
        fps: Fraction, aspect: float,
    ) -> CameraPath:  # fmt: skip
        everyone = scene.everyone_at(performances, shot, self.config.hz)
        decision = Decision(shot, everyone, aspect, around, line)
        setup = decision.setup()
        core, episodes = scene.episode_of(self.config, performances, stage, shot, everyone, aspect, setup.azimuth)
        state = scene.begin(core, episodes)
        decision.remember(setup, state["place"][:, 0].astype(np.float64))
        self.controller.begin(1)
        states, sums, total = [state], {}, 0.0
        steps = int(episodes.length[0])
        for _ in range(steps):
            action = self.controller.act(Drive(core, episodes, state, None))
            state = core.step(episodes, state, action)
            states.append(state)
            moment = core.judge(episodes, state)
            total += float(moment.reward[0]) / steps
            for name, value in moment.terms.items():
                sums[name] = sums.get(name, 0.0) + float(value[0]) / steps
        self.filmed.append(Filmed(shot, sums, total))
        first, stop = first_frame(shot.start_s, fps), first_frame(shot.end_s, fps)
        times = np.arange(first, stop) / float(fps)
        place, angles, focal = along(states, (times - shot.start_s) * self.config.hz, core.dt)
        if not around.empty:
            place = around.push_out(place)
        place[:, 1] = np.maximum(place[:, 1], LOWEST)
        T = framing.pose(place, angles[:, 0], angles[:, 1], angles[:, 2])
        eyes = framing.track(performances, times).only(shot.of[:1]).of("eyes")[:, 0]
        depth = np.maximum(-np.einsum("ti,ti->t", eyes - place, T[:, :3, 2]), 0.05)
        cuts = np.zeros(stop - first, dtype=bool)
        cuts[:1] = True
        return CameraPath(T, np.exp(focal), fps, depth, f_stops([shot.f_stop] * (stop - first)), cuts=cuts)

    def step(self, observation: Observation) -> Action:
        """One live step, see `director.Director.step`; for controllers that need no future.

        Raises:
            BadInput: this controller plans, and cannot act live.
        """
        if not self.controller.live:
            raise BadInput(
                f"director {type(self.controller).__name__.lower()}: plans ahead, cannot act live; use policy or rule"
            )
        if observation.begins or self._live is None:
            self._live = _LiveShot(self.controller, self.config, observation)
        return self._live.step(observation)


class _LiveShot:
    """One live shot: the environment's episode is as long as what has been seen."""

    def __init__(self, controller: Controller, config: FramingConfig, seen: Observation) -> None:
        self.controller, self.config, self.shot = controller, config, protocol.check(seen.shot, seen.performances)
        self.history: list[Tracks] = []
        self.due = seen.time
        around = Surroundings(seen.stage, seen.performances)
        self.side = Decision(self.shot, seen.tracks, seen.aspect, around, Line()).setup().azimuth
        self.begins: float | None = None  # the side again, from the subject's heading at the start
        self.action = np.zeros((dynamics.ACTIONS, 1), np.float32)
        controller.begin(1)
        self.state: Columns | None = None

    def step(self, seen: Observation) -> Action:
        """From this frame's camera to the next frame's."""
        first = self.state is None
        if first or seen.time >= self.due - 1e-6:
            self._decide(seen)
        assert self.state is not None
        d = self.episodes.data
        now = _camera(self.state, seen.tracks, self.shot)
        self.state = dynamics.step(self.state, self.action, d["rig"], d["lens"], seen.dt)
        then = _camera(self.state, seen.tracks, self.shot)
        return protocol.rates(now, then, seen.dt, cut=first)

    def _decide(self, seen: Observation) -> None:
        """Look at the present, with the second or two before it that headings are averaged over."""
        self.history = [*self.history, seen.tracks][-32:]
        times = seen.time + (np.arange(len(self.history)) - len(self.history) + 1) / self.config.hz
        tracks = replace(seen.tracks, times=times, points=np.concatenate([t.points for t in self.history]))
        core, episodes = scene.episode_of(self.config, seen.performances, seen.stage, self.shot, tracks, seen.aspect)
        if self.begins is None:
            heading = core.table.extra[3:5, core.table.starts[0]]
            self.begins = self.side - float(np.arctan2(heading[0], heading[1]))
        episodes.data["azimuth"][0], episodes.data["either"] = np.mod(self.begins + np.pi, 2 * np.pi) - np.pi, 0.0
        # The present is the table's last column; how far the shot has come is told apart from it.
        done = min(round((seen.time - self.shot.start_s) * self.config.hz), int(episodes.length[0]))
        episodes.t[:] = done
        episodes.rows += len(self.history) - 1 - done
        self.episodes = episodes
        if self.state is None:
            self.state = scene.begin(core, episodes)
        self.action = self.controller.act(Drive(core, episodes, self.state, None))
        self.due = seen.time + 1.0 / self.config.hz


def _camera(state: Columns, tracks: Tracks, shot: Shot) -> CameraState:
    angles = state["angles"][:, 0].astype(np.float64)
    T = framing.pose(state["place"][:, 0].astype(np.float64), angles[0], angles[1], angles[2])
    eyes = tracks.only(shot.of[:1]).of("eyes")[0, 0]
    depth = max(float(-(eyes - T[:3, 3]) @ T[:3, 2]), 0.05)
    return CameraState(T, float(np.exp(state["log_focal"][0])), depth)


#: The shipped policy.
WEIGHTS = Path(__file__).parent / "assets" / "policy.safetensors"


def policy_director(weights: str | Path | None = None) -> SteeredDirector:
    """The `policy` director, with the shipped weights or others.

    Raises:
        BadInput: no such file, or a policy for something else.
    """
    policy = Policy(weights or WEIGHTS)
    return SteeredDirector(policy, policy.config)


def _planner(make: Callable[[], Controller]) -> Callable[[], SteeredDirector]:
    return lambda: SteeredDirector(make(), PLANNING)


protocol.register("policy", policy_director)
protocol.register("cem", _planner(lambda: CEM(64, 4)))
protocol.register("greedy", _planner(Greedy))
