"""Controllers that look ahead in the environment itself: `greedy`, and `cem`, the cross-entropy method as MPC.

They know the true motion to come and the true reward: what they reach is nearly what can be reached.
"""

from __future__ import annotations

import numpy as np

from motion.errors import BadInput
from rl_camera.control.base import Drive
from rl_camera.control.rule import Rule
from rl_camera.env.columns import Array, Columns
from rl_camera.env.core import Framing
from rl_camera.env.dynamics import ACTIONS
from rl_camera.env.episode import Episodes


def simulate(core: Framing, episodes: Episodes, state: Columns, plans: Array, discount: float = 1.0) -> Array:
    """Sum of rewards ``(M,)`` of M cameras under plans ``(H, 7, M)``; beyond an episode's end nothing counts."""
    episodes = episodes.copy()
    total = np.zeros(len(episodes), np.float32)
    weight = 1.0
    for action in plans:
        state = core.step(episodes, state, action)
        reward = core.judge(episodes, state).reward
        total += weight * np.where(episodes.t <= episodes.length, reward, 0.0)
        weight *= discount
    return total


class Greedy:
    """Tries some actions for a few steps each, the rule controller's among them, and takes the best."""

    live = False

    def __init__(self, tries: int = 24, horizon: int = 3, seed: int = 0) -> None:
        self.tries, self.horizon, self.seed = tries, horizon, seed
        self.rule = Rule()
        self.begin(0)

    def begin(self, count: int) -> None:
        """Begins its numbers anew."""
        self.rng = np.random.default_rng(self.seed)
        self.rule.begin(count)

    def act(self, drive: Drive) -> Array:
        """The best of what was tried."""
        N = len(drive.episodes)
        base = self.rule.act(drive)
        noise = self.rng.normal(0.0, 0.35, (ACTIONS, self.tries, N)).astype(np.float32)
        noise[:, 0] = 0.0
        tried = np.clip(base[:, None] + noise, -1, 1)
        index = np.tile(np.arange(N), self.tries)
        plans = np.repeat(tried.reshape(1, ACTIONS, -1), self.horizon, axis=0)
        value = simulate(drive.core, drive.episodes.take(index), drive.state.take(index), plans)
        best = value.reshape(self.tries, N).argmax(0)
        return tried[:, best, np.arange(N)]


class CEM:
    """The cross-entropy method over a short horizon, replanned at every step (Rubinstein 1999; as MPC since).

    A plan is a few knots of actions, straight between them. Each round draws plans around the mean, keeps an elite,
    and moves mean and spread to it. The plan of the step before, moved on, and the rule controller's action start it.

    Args:
        samples: plans per round.
        rounds: rounds per decision.
        horizon: steps ahead.
        knots: of a plan.
        elite: share kept.
        batch: cameras simulated at once; bounds the memory.
        seed: of its draws.
    """

    live = False

    def __init__(
        self, samples: int = 64, rounds: int = 4, horizon: int = 16, knots: int = 4, elite: float = 0.125,
        batch: int = 16_384, seed: int = 0,
    ) -> None:  # fmt: skip
        if samples < 4 or rounds < 1 or horizon < 1 or not 1 <= knots <= horizon:
            raise BadInput(f"cem: {samples} samples, {rounds} rounds, horizon {horizon}, {knots} knots")
        self.samples, self.rounds, self.horizon, self.knots = samples, rounds, horizon, knots
        self.elite, self.batch, self.seed = max(2, round(elite * samples)), batch, seed
        at = np.linspace(0, knots - 1, horizon) if knots > 1 else np.zeros(horizon)
        low = np.minimum(at.astype(int), max(knots - 2, 0))
        self.mix = np.zeros((horizon, knots), np.float32)
        self.mix[np.arange(horizon), low] = 1.0 - (at - low)
        if knots > 1:
            self.mix[np.arange(horizon), low + 1] += (at - low).astype(np.float32)
        self.rule = Rule()
        self.begin(0)

    @property
    def simulations(self) -> int:
        """Simulated environment steps per decision."""
        return self.samples * self.rounds * self.horizon

    def begin(self, count: int) -> None:
        """Forget the plans."""
        self.rng = np.random.default_rng(self.seed)
        self.rule.begin(count)
        self._mean: Array | None = None

    def act(self, drive: Drive) -> Array:
        """The first action of the best plan found."""
        N = len(drive.episodes)
        base = self.rule.act(drive)
        out = np.empty((ACTIONS, N), np.float32)
        mean = np.repeat(base[None], self.knots, 0) if self._mean is None else self._shift(self._mean)
        self._mean = np.empty_like(mean)
        chunk = max(1, self.batch // self.samples)
        for a in range(0, N, chunk):
            part = np.arange(a, min(a + chunk, N))
            plan = self._plan(drive, part, mean[..., part], base[:, part])
            self._mean[..., part] = plan
            out[:, part] = plan[0]
        return out

    def _shift(self, mean: Array) -> Array:
        """The plan, one step on."""
        step = (self.knots - 1) / max(self.horizon - 1, 1)
        at = np.minimum(np.arange(self.knots) + step, self.knots - 1)
        low = np.minimum(at.astype(int), max(self.knots - 2, 0))
        t = (at - low).astype(np.float32)[:, None, None]
        return (1 - t) * mean[low] + t * mean[np.minimum(low + 1, self.knots - 1)]

    def _plan(self, drive: Drive, part: np.ndarray, mean: Array, base: Array) -> Array:
        n, S = len(part), self.samples
        index = np.repeat(part, S)
        episodes, state = drive.episodes.take(index), drive.state.take(index)
        spread = np.full_like(mean, 0.4)
        best, most = mean, np.full(n, -np.inf, np.float32)
        for k in range(self.rounds):
            knots = mean[..., None] + spread[..., None] * self.rng.standard_normal((*mean.shape, S), dtype=np.float32)
            knots[..., 0] = mean
            if k == 0:
                knots[..., 1] = base
            np.clip(knots, -1.0, 1.0, out=knots)
            flat = knots.reshape(self.knots, ACTIONS * n * S)
            plans = (self.mix @ flat).reshape(self.horizon, ACTIONS, n * S)
            value = simulate(drive.core, episodes, state, plans).reshape(n, S)
            top = np.argpartition(-value, self.elite - 1, axis=1)[:, : self.elite]
            elite = np.take_along_axis(knots, top[None, None], axis=3)
            mean, spread = elite.mean(-1), elite.std(-1) + 0.02
            first = value.argmax(1)
            better = value[np.arange(n), first] > most
            most = np.where(better, value[np.arange(n), first], most)
            best = np.where(better, knots[..., np.arange(n), first], best)
        return best
