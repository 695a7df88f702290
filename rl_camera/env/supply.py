"""New episodes drawn ahead of need, for a whole batch at once, so that ends at different times cost little more."""

from __future__ import annotations

import numpy as np

from rl_camera.env.columns import Array, Columns
from rl_camera.env.core import Framing
from rl_camera.env.episode import Episodes
from rl_camera.env.sampling import Sampler


class Supply:
    """The next episode of each of N environments, with its first observation.

    A draw of fifty episodes costs nearly what one of a thousand does. So whenever an environment's next episode is
    wanted and not at hand, those of all environments that lack theirs are drawn. An episode is a function of seed and
    number alone, so nobody can tell.

    Args:
        core: the problem.
        sampler: draws.
        count: N.
    """

    def __init__(self, core: Framing, sampler: Sampler, count: int) -> None:
        self.core, self.sampler = core, sampler
        self._ready = np.zeros(count, bool)
        self._episodes: Episodes
        self._state: Columns
        self._obs: Array
        self._terms: dict[str, Array]

    def drop(self, index: np.ndarray | slice = slice(None)) -> None:
        """What is at hand for some environments is no longer what comes next: other seeds, or other numbers."""
        self._ready[index] = False

    def take(
        self, index: np.ndarray, seeds: np.ndarray, numbers: np.ndarray
    ) -> tuple[Episodes, Columns, Array, dict[str, Array]]:
        """The next episodes of the environments ``index``; they are at hand no longer.

        Args:
            index: which.
            seeds: ``(N,)`` of all environments.
            numbers: ``(N,)`` of their next episodes.

        Returns:
            Episodes, cameras, first observations ``(D, len(index))`` and reward terms.
        """
        if not self._ready[index].all():
            self._draw(np.flatnonzero(~self._ready), seeds, numbers)
        self._ready[index] = False
        terms = {name: value[index] for name, value in self._terms.items()}
        return self._episodes.take(index), self._state.take(index), self._obs.take(index, axis=1), terms

    def _draw(self, index: np.ndarray, seeds: np.ndarray, numbers: np.ndarray) -> None:
        episodes, state = self.sampler.draw(seeds[index], numbers[index])
        obs, moment = self.core.observe(episodes, state)
        if len(index) == len(self._ready):
            self._episodes, self._state, self._obs, self._terms = episodes, state, obs, moment.terms
        else:
            self._episodes.put(index, episodes)
            self._state.put(index, state)
            self._obs[:, index] = obs
            for name, value in moment.terms.items():
                self._terms[name][index] = value
        self._ready[index] = True
