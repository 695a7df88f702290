"""Three plain directors: `static`, `orbit` and `follow`: baselines, and useful where no thought is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from motion.camera import CameraPath, Shot
from motion.stage import Performance, Stage
from rl_camera import director as protocol
from rl_camera.director import Action, Observation
from rl_camera.rule import RuleDirector
from rl_camera.vocabulary import Move


class StaticDirector:
    """Stands where the rule director would begin the shot, and never stirs."""

    def __init__(self) -> None:
        self._rule = RuleDirector()

    @property
    def reasons(self) -> Sequence[tuple[str, ...]]:
        """See `director.Explains`."""
        return self._rule.reasons

    def plan(
        self, performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float
    ) -> CameraPath:
        """See `director.Director.plan`."""
        still = [replace(s, move=str(Move.STATIC), options={**s.options, "live": 0.0, "ride": 0.0}) for s in shots]
        path = self._rule.plan(performances, stage, still, fps, aspect)
        begins = np.maximum.accumulate(np.where(path.cuts, np.arange(path.frames), 0))
        return replace(path, T_world_camera=path.T_world_camera[begins], focal_mm=path.focal_mm[begins])

    def step(self, observation: Observation) -> Action:
        """See `director.Director.step`."""
        still = replace(observation.shot, move=str(Move.STATIC))
        action = self._rule.step(replace(observation, shot=still)) if observation.begins else None
        return Action(np.zeros(3), np.zeros(3), cut=action.cut if action else None)


class _Changed:
    """The rule director with the shot's move replaced."""

    move: Move

    def __init__(self) -> None:
        self._rule = RuleDirector()

    @property
    def reasons(self) -> Sequence[tuple[str, ...]]:
        """See `director.Explains`."""
        return self._rule.reasons

    def plan(
        self, performances: Sequence[Performance], stage: Stage, shots: Sequence[Shot], fps: Fraction, aspect: float
    ) -> CameraPath:
        """See `director.Director.plan`."""
        return self._rule.plan(performances, stage, [self._change(s) for s in shots], fps, aspect)

    def step(self, observation: Observation) -> Action:
        """See `director.Director.step`."""
        return self._rule.step(replace(observation, shot=self._change(observation.shot)))

    def _change(self, shot: Shot) -> Shot:
        return replace(shot, move=str(self.move))


class OrbitDirector(_Changed):
    """Goes round the subject to the camera's right, ``speed_deg`` degrees a second (20)."""

    move = Move.ORBIT

    def _change(self, shot: Shot) -> Shot:
        degrees = shot.options.get("speed_deg", 20.0) * (shot.end_s - shot.start_s)
        return replace(shot, move=str(self.move), options={**shot.options, "amount": degrees})


class FollowDirector(_Changed):
    """Travels with the subject at its distance and side."""

    move = Move.FOLLOW


protocol.register("static", StaticDirector)
protocol.register("orbit", OrbitDirector)
protocol.register("follow", FollowDirector)
