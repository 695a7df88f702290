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
from motion.rotations import Array
from motion.stage import Performance, Stage
from rl_camera import director as protocol
from rl_camera import framing
from rl_camera.control.base import Controller, Drive, rollout
from rl_camera.control.policy import Policy
from rl_camera.control.rule import Rule
from rl_camera.control.search import CEM, Greedy
from rl_camera.director import Action, CameraState, Observation, f_stops, first_frame
from rl_camera.env import dynamics, scene
from rl_camera.env.columns import Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.episode import Episodes
from rl_camera.env.present import Present
from rl_camera.env.reward import COSTS, RewardWeights
from rl_camera.env.staging import along
from rl_camera.framing import Tracks
from rl_camera.lost import longest_lost_s
from rl_camera.placement import LOWEST, Line, Surroundings
from rl_camera.rule import RuleDirector
from rl_camera.setup import RIDE_RATIO, Decision, Setup
from rl_camera.vocabulary import Move

#: Settings under which planners film: four performers in view, and eight things.
PLANNING = FramingConfig(keypoints="eight", performers=4, occluders=8, knowledge="offline")

#: Seconds for which a subject may be out of sight before the rule director is asked.
LOST_S = 0.7


@dataclass(frozen=True)
class Filmed:
    """How a shot went, by the measures of the reward."""

    shot: Shot
    terms: dict[str, float]  # mean of every term over the shot
    value: float  # mean reward
    weights: RewardWeights
    by_rule: float | None = None  # mean reward of the rule controller there; None: it is the one who filmed

    def lines(self) -> tuple[str, ...]:
        """What the picture is worth, what it lost, and what the rule controller would have made of the shot."""
        lost = {
            name: (value if name in COSTS else 1.0 - value) * getattr(self.weights, name)
            for name, value in self.terms.items()
        }
        weigh = sorted((n for n in self.terms if n not in COSTS), key=lambda n: -getattr(self.weights, n))
        out = [f"worth {self.value:.2f} of 1: " + ", ".join(f"{n} {100 * self.terms[n]:.0f} %" for n in weigh[:4])]
        most = [f"{n} (-{lost[n]:.2f})" for n in sorted(lost, key=lambda n: -lost[n])[:3] if lost[n] >= 0.01]
        if most:
            out.append("lost most by " + ", ".join(most))
        if self.by_rule is not None:
            out.append(
                f"second: the rule controller on the same rig: {self.by_rule:.2f} ({self.by_rule - self.value:+.2f})"
            )
        return tuple(out)


class SteeredDirector:
    """Films shots with a controller.

    Args:
        controller: made anew for each director.
        config: the environment that it knows.
        stand_in: acts live in place of a controller that needs the future.
    """

    def __init__(self, controller: Controller, config: FramingConfig, stand_in: SteeredDirector | None = None) -> None:
        self.controller, self.config, self.stand_in = controller, config, stand_in
        self.filmed: list[Filmed] = []
        self.reasons: Sequence[tuple[str, ...]] = ()
        self._rule = RuleDirector()
        self._live: _LiveShot | None = None

    def plan(
        self, performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float
    ) -> CameraPath:
        """See `director.Director.plan`.

        Moves that only a fixed rig can make are the rule director's, and so are shots in which a controller loses its
        subject for longer than `LOST_S` and the rule director for less than half of that.
        """
        around, line = Surroundings(stage, performances), Line()
        paths, reasons = [], []
        self.filmed = []
        for shot in (protocol.check(s, performances) for s in shots):
            path, reason = self._take(performances, stage, around, line, shot, fps, aspect)
            paths.append(path)
            reasons.append(reason)
        self.reasons = tuple(reasons)
        return protocol.join(paths)

    def _take(
        self, performances: Sequence[Performance], stage: Stage, around: Surroundings, line: Line, shot: Shot,
        fps: Fraction, aspect: float,
    ) -> tuple[CameraPath, tuple[str, ...]]:  # fmt: skip
        """One shot by the controller, or by the rule director where it is his; and why it is so."""
        if Move(shot.move) not in scene.ASKED_MOVES:
            path = self._rule.plan(performances, stage, [shot], fps, aspect)
            return path, (f"a {shot.move.replace('_', ' ')} is the rule director's to make", *self._rule.reasons[0])
        path, filmed = self._shot(performances, stage, around, line, shot, fps, aspect)
        lost = longest_lost_s(path, performances, shot, around, aspect)
        if lost > LOST_S:  # a wall that the controller did not find its way round
            other = self._rule.plan(performances, stage, [shot], fps, aspect)
            less = longest_lost_s(other, performances, shot, around, aspect)
            if less < 0.5 * lost:
                told = f"on its rig the subject was lost for {lost:.1f} s: the rule director films it ({less:.1f} s)"
                return other, (told, *self._rule.reasons[0])
        self.filmed.append(filmed)
        return path, filmed.lines()

    def _shot(
        self, performances: Sequence[Performance], stage: Stage, around: Surroundings, line: Line, shot: Shot,
        fps: Fraction, aspect: float,
    ) -> tuple[CameraPath, Filmed]:  # fmt: skip
        everyone = scene.everyone_at(performances, shot, self.config.hz)
        # Which side is decided by the shot's own time, not by what the look-ahead sees after it.
        own = everyone.times <= shot.end_s + 1e-9
        within = replace(everyone, times=everyone.times[own], points=everyone.points[own])
        decision = Decision(shot, within, aspect, around, line)
        setup = decision.setup()
        stands = _stands(setup)
        core, episodes = scene.episode_of(
            self.config, performances, stage, shot, everyone, aspect, setup.azimuth, stands
        )
        state = scene.begin(core, episodes)
        decision.remember(setup, state["place"][:, 0].astype(np.float64))
        compared = None if isinstance(self.controller, Rule) else rollout(core, Rule(), episodes, state)
        by_rule = None if compared is None else float(compared.returns[0])
        made = rollout(core, self.controller, episodes, state, keep=True)
        terms = {name: float(value[0]) for name, value in made.terms.items()}
        filmed = Filmed(shot, terms, float(made.returns[0]), core.config.weights, by_rule)
        first, stop = first_frame(shot.start_s, fps), first_frame(shot.end_s, fps)
        times = np.arange(first, stop) / float(fps)
        place, angles, focal = along(made.states, (times - shot.start_s) * self.config.hz, core.dt)
        if not around.empty:
            place = around.push_out(place)
        place[:, 1] = np.maximum(place[:, 1], LOWEST)
        T = framing.pose(place, angles[:, 0], angles[:, 1], angles[:, 2])
        eyes = framing.track(performances, times).only(shot.of[:1]).of("eyes")[:, 0]
        depth = np.maximum(-np.einsum("ti,ti->t", eyes - place, T[:, :3, 2]), 0.05)
        cuts = np.zeros(stop - first, dtype=bool)
        cuts[:1] = True
        return CameraPath(T, np.exp(focal), fps, depth, f_stops([shot.f_stop] * (stop - first)), cuts=cuts), filmed

    def step(self, observation: Observation) -> Action:
        """One live step, see `director.Director.step`; for controllers that need no future.

        Raises:
            BadInput: this controller plans, and cannot act live.
        """
        if not self.controller.live and self.stand_in is not None:
            return self.stand_in.step(observation)
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
        self.present = Present(config.keypoints, config.hz)
        self.cast: list[str] = []  # who takes the environment's slots
        self.core: Framing  # made anew when others take them, or other things are the nearest
        self.episodes: Episodes
        self.since = seen.time  # of the last decision
        around = Surroundings(seen.stage, seen.performances)
        setup = Decision(self.shot, seen.tracks, seen.aspect, around, Line()).setup()
        self.side, self.stands = setup.azimuth, _stands(setup)
        self.begins: float | None = None  # the side again, from the subject's heading at the start
        controller.begin(1)
        self.state: Columns | None = None  # at the last decision
        self.after: Columns | None = None  # at the next

    def step(self, seen: Observation) -> Action:
        """From this frame's camera to the next frame's, along the way that the last decisions set."""
        first = self.after is None
        now = _camera(self._at(seen, seen.time), seen.tracks, self.shot)
        then = _camera(self._at(seen, seen.time + seen.dt), seen.tracks, self.shot)
        return protocol.rates(now, then, seen.dt, cut=first)

    def _at(self, seen: Observation, time: float) -> tuple[Array, Array, Array]:
        """Place, angles and ln focal length at a time up to a frame from now; decides as often as it takes."""
        while self.after is None or time >= self.since + 1.0 / self.config.hz - 1e-6:
            if self.after is not None:
                self.state, self.since = self.after, self.since + 1.0 / self.config.hz
            self._decide(seen)
        assert self.state is not None and self.after is not None
        share = min(max((time - self.since) * self.config.hz, 0.0), 1.0)
        return dynamics.between(self.state, self.after, share, 1.0 / self.config.hz)

    def _decide(self, seen: Observation) -> None:
        """Look at the present, with the second or two before it that headings are averaged over."""
        self.present.see(seen.tracks)
        tracks = self.present.tracks(seen.time)
        names = scene.cast(self.shot, tracks, self.config.performers)
        if names != self.cast or self._full() or self._left_behind():
            self.cast = names
            self.core, self.episodes = scene.episode_of(
                self.config, seen.performances, seen.stage, self.shot, tracks, seen.aspect, stands=self.stands
            )
        core, episodes = self.core, self.episodes
        core.use(self.present.table(names))
        if self.begins is None:
            heading = core.table.extra[3:5, 0]
            self.begins = self.side - float(np.arctan2(heading[0], heading[1]))
        episodes.data["azimuth"][0], episodes.data["either"] = np.mod(self.begins + np.pi, 2 * np.pi) - np.pi, 0.0
        # The present is all that the table has; how far the shot has come is told apart from it.
        done = min(round((seen.time - self.shot.start_s) * self.config.hz), int(episodes.length[0]))
        episodes.t[:] = done
        episodes.rows[: len(names), 0] = core.table.starts - done
        if self.state is None:
            self.state = scene.begin(core, episodes)
        action = self.controller.act(Drive(core, episodes, self.state, None))
        d = episodes.data
        self.after = dynamics.step(self.state, action, d["rig"], d["lens"], core.dt)

    def _left_behind(self) -> bool:
        """Whether the subject has gone so far that a camera which stood goes after it from now on."""
        if self.stands is None or self.state is None or self.shot.options.get("ride", 1.0) <= 0.0:
            return False
        if abs(float(self.core.judge(self.episodes, self.state).errors.size[0])) < _FAR:
            return False
        self.stands = None
        return True

    def _full(self) -> bool:
        """Whether every slot for things is taken: then others may be nearer to the subject by now."""
        return self.config.occluders > 0 and bool((self.episodes.data["block_reach"] > 0.0).all())


#: ln of the size ratio at which a standing camera is left behind.
_FAR = float(np.log(RIDE_RATIO))


def _stands(setup: Setup) -> float | None:
    """How far from its subject a camera stands that shall not travel, metres; None: it travels."""
    return setup.distance if setup.shot.move == Move.STATIC and not setup.rides else None


def _camera(at: tuple[Array, Array, Array], tracks: Tracks, shot: Shot) -> CameraState:
    place, angles, log_focal = (np.asarray(v, np.float64)[..., 0] for v in at)
    T = framing.pose(place, angles[0], angles[1], angles[2])
    eyes = tracks.only(shot.of[:1]).of("eyes")[0, 0]
    depth = max(float(-(eyes - T[:3, 3]) @ T[:3, 2]), 0.05)
    return CameraState(T, float(np.exp(log_focal)), depth)


#: The shipped policies: one that looks ahead plans films, one that knows the present alone acts live.
AHEAD, LIVE = "clean-ahead", "clean"


def policy_director(weights: str | Path | None = None) -> SteeredDirector:
    """The `policy` director.

    Args:
        weights: a name among the shipped weights and one's own, or a file; None: the shipped ones, `AHEAD` for what is
            planned and `LIVE` for what is not.

    Raises:
        BadInput: no such weights, or a policy for something else.
    """
    from motion.prior.weights import find

    policy = Policy(find(weights or AHEAD, "camera"))
    stand_in = None if weights or policy.live else policy_director(LIVE)
    return SteeredDirector(policy, policy.config, stand_in)


def _planner(make: Callable[[], Controller]) -> Callable[[], SteeredDirector]:
    return lambda: SteeredDirector(make(), PLANNING)


protocol.register("policy", policy_director)
protocol.register("cem", _planner(lambda: CEM(64, 4)))
protocol.register("greedy", _planner(Greedy))
