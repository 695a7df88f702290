"""The framing problem as functions on batches: begin, step, judge, observe. Environments and planners share it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rl_camera.env import dynamics, observation, reward
from rl_camera.env.columns import Array, Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.episode import Asked, Episodes
from rl_camera.env.library import Table, default_library, kept_weights
from rl_camera.env.observation import LOOK_AHEAD_S, Shown, Slot
from rl_camera.env.reward import Errors, RewardWeights
from rl_camera.env.sight import Eye, Sight


@dataclass(frozen=True)
class Moment:
    """Everything known of N cameras at one moment.

    Its terms and its reward are made when they are first asked for, since who only acts needs neither; ask before
    the episodes, the cameras or the eye go on.
    """

    sight: Sight
    asked: Asked
    errors: Errors
    shown: Shown
    episodes: Episodes
    state: Columns
    weights: RewardWeights

    @cached_property
    def terms(self) -> dict[str, Array]:
        """``(N,)`` each, `reward.TERMS`."""
        return reward.terms(self.episodes, self.state, self.sight, self.errors, self.shown.seen)

    @cached_property
    def reward(self) -> Array:
        """``(N,)``, the weighed terms."""
        return reward.total(self.terms, self.weights)


class Framing:
    """One configuration of `cinemotion/Framing-v0`, without any state: what it is handed it leaves as it was.

    Args:
        config: settings.
        table: motion; None: of the configuration's library.
    """

    def __init__(self, config: FramingConfig, table: Table | None = None) -> None:
        self.config = config
        if table is None:
            library = config.library or default_library(config.split, config.hz, config.data)
            table = library.table(config.keypoints)
        self.table = table
        self.dt = 1.0 / config.hz
        spheres = config.occluder_kind == "spheres"
        self.eye = Eye(table, config.keypoints, config.performers, config.occluders, spheres)
        self.eye.outlines |= config.observation == "full"
        #: ``(K, 8)``: 1 for what each shot size must show; all of that counts alike.
        self.keeps = (kept_weights(config.keypoints).T > 0.0).astype(np.uint8)
        self.offline = config.knowledge == "offline"
        lean = config.observation == "lean"
        self.slots = observation.slots(config.keypoints, config.performers, config.occluders, self.offline, lean)
        self.parts: dict[str, Slot] = {slot.name: slot for slot in self.slots}
        self.size = self.slots[-1].stop
        self.look_ahead = [max(1, round(s * config.hz)) for s in LOOK_AHEAD_S]

    def use(self, table: Table) -> None:
        """Go on with other motion of as many keypoints: what a live camera has just seen."""
        self.table = table
        self.eye.use(table)

    def step(self, episodes: Episodes, state: Columns, actions: Array) -> Columns:
        """Cameras one step later, ``actions (7, N)``; moves ``episodes.t`` on in place."""
        new = dynamics.step(state, actions, episodes.data["rig"], episodes.data["lens"], self.dt)
        episodes.t += 1
        return new

    def judge(self, episodes: Episodes, state: Columns) -> Moment:
        """What the cameras see now, and how good it is."""
        return self._moment(episodes, state, None)

    def observe(self, episodes: Episodes, state: Columns) -> tuple[Array, Moment]:
        """The observation ``(D, N)``, rows as `slots`, and what it was made of."""
        out = np.empty((self.size, len(episodes)), np.float32)
        points = self.config.performers * self.eye.keys
        bearings = out[: 4 * points].reshape(4, self.config.performers, self.eye.keys, -1)
        moment = self._moment(episodes, state, bearings)
        ahead = self.eye.ahead(episodes, self.look_ahead) if self.offline else None
        observation.fill(
            out, self.parts, episodes, state, moment.sight, moment.asked, moment.errors, moment.shown, ahead
        )
        return out, moment

    def _moment(self, episodes: Episodes, state: Columns, bearings: Array | None) -> Moment:
        sight = self.eye.look(episodes, state, bearings)
        asked = episodes.asked()
        errors = reward.errors(episodes, state, sight, asked)
        shown = observation.shown(episodes, sight, self._keeps(episodes))
        return Moment(sight, asked, errors, shown, episodes, state, self.config.weights)

    def _keeps(self, episodes: Episodes) -> np.ndarray:
        """What each episode's size must show, ``(K, N)``; remembered there."""
        if episodes.keeps is None:
            episodes.keeps = self.keeps.take(episodes.size, axis=1)
        return episodes.keeps
