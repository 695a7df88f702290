"""`FramingVectorEnv`: many cameras at once as a Gymnasium vector environment; `FramingEnv` is a batch of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from motion.errors import BadInput
from rl_camera.env.columns import Array, Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing, Moment
from rl_camera.env.dynamics import ACTIONS
from rl_camera.env.episode import Episodes
from rl_camera.env.reward import TERMS
from rl_camera.env.sampling import Sampler
from rl_camera.env.supply import Supply
from rl_camera.seeded import RENDER_MODES, BatchOfOne, SeededVectorEnv

#: What turns one environment's moment into a picture: (environment, index) -> ``(H, W, 3)`` uint8.
Renderer = Callable[["FramingVectorEnv", int], np.ndarray]


class Actions(spaces.Box):
    """All of [−1, 1], float32; draws in float32, which is a fifth of the work of a general box."""

    def __init__(self, *shape: int) -> None:
        super().__init__(-1.0, 1.0, shape, np.float32)

    def sample(self, mask: None = None, probability: None = None) -> np.ndarray:
        """Even in [−1, 1)."""
        out = self.np_random.random(self.shape, np.float32)
        out *= np.float32(2.0)
        out -= np.float32(1.0)
        return out


class FramingVectorEnv(SeededVectorEnv):
    """Cameras of many episodes, stepped together.

    Observations ``(N, D)`` float32 are column-major: each number of all environments lies side by side, as it was
    made. The slots are `slots`. Actions ``(N, 7)`` in [−1, 1]: see `dynamics.step`; what is not finite counts as 0.
    Rewards lie in about [−0.6, 1] a step: `reward.total`. Episodes end by their time limit alone, which is truncation.

    Args:
        num_envs: N.
        max_episode_steps: steps of an episode; None: as ``seconds`` and ``hz`` say.
        autoreset_mode: ``same_step`` (its own), ``next_step`` or ``disabled``.
        render_mode: ``rgb_array`` or None.
        renderer: draws a picture for ``render``; None: the project's rasterizer.
        config: all other settings at once.
        **options: settings of `FramingConfig`, one by one.

    Raises:
        BadInput: no such setting, or a value out of range.
    """

    label = "Framing-v0"
    metadata: dict[str, Any] = {  # noqa: RUF012  Gymnasium's own way
        "render_modes": list(RENDER_MODES),
        "render_fps": 10,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        render_mode: str | None = None,
        renderer: Renderer | None = None,
        config: FramingConfig | None = None,
        **options: Any,
    ) -> None:
        self._open(num_envs, autoreset_mode, render_mode)
        base = (config or FramingConfig()).with_options(options)
        if max_episode_steps is not None:
            base = base.with_options({"seconds": max_episode_steps / base.hz})
        self.config = base
        self.core = Framing(base)
        self.sampler = Sampler(base, self.core.table)
        self.supply = Supply(self.core, self.sampler, num_envs)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.mode, "render_fps": round(base.hz)}
        self.renderer = renderer
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (self.core.size,), np.float32)
        self.single_action_space = Actions(ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = Actions(num_envs, ACTIONS)
        self.episodes: Episodes
        self.state: Columns
        self._all = np.ones(num_envs, bool)
        self._sums = np.zeros((len(TERMS) + 1, num_envs), np.float32)

    @property
    def slots(self) -> tuple[Any, ...]:
        """What each number of an observation is: `observation.Slot`."""
        return self.core.slots

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin new episodes in all environments, or in those of ``options["reset_mask"] (N,)``.

        Args:
            seed: s seeds environment i with s + i; a sequence seeds each; None goes on with new episodes.
            options: ``reset_mask`` alone.

        Raises:
            BadInput: a mask or seeds of another length.
        """
        super().reset(seed=seed if isinstance(seed, int) else None)
        index = self._chosen(options)
        self._seed(seed, index)
        self._begin(index)
        obs, moment = self.core.observe(self.episodes, self.state)
        return obs.T, self._infos(moment)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of all environments; see Gymnasium's `VectorEnv.step`.

        Raises:
            gymnasium.error.ResetNeeded: before the first reset, or, with autoreset disabled, after an episode's end.
            BadInput: actions of another shape.
        """
        self._may_step()
        actions = np.asarray(actions, np.float32)
        if actions.shape != (self.num_envs, ACTIONS):
            raise BadInput(f"Framing-v0: actions {actions.shape}, expected {(self.num_envs, ACTIONS)}")
        waiting = None
        if self._ended.any():  # NEXT_STEP alone: those whose episode begins anew in this step
            waiting = np.flatnonzero(self._ended)
        self.state = self.core.step(self.episodes, self.state, np.ascontiguousarray(actions.T))
        if waiting is not None:
            self._begin(waiting)
        obs, moment = self.core.observe(self.episodes, self.state)
        reward = moment.reward
        if waiting is not None:
            reward = reward.copy()
            reward[waiting] = 0.0
        for total, value in zip(self._sums, (*moment.terms.values(), reward)):
            total += value
        if waiting is not None:
            self._sums[:, waiting] = 0.0
        truncated = self.episodes.t >= self.episodes.length
        infos = self._infos(moment)
        self._ended = truncated.copy()
        if truncated.any():
            done = np.flatnonzero(truncated)
            final = self._final(done, moment)
            if self.mode == AutoresetMode.SAME_STEP:
                # Gymnasium gives final observations for all environments; rows of those that go on are zero.
                last = obs.T
                if len(done) < self.num_envs:
                    last = np.zeros((self.num_envs, self.core.size), np.float32)
                    last[done] = obs[:, done].T
                over = truncated.copy()
                final = dict(moment.terms) | {f"_{name}": over for name in moment.terms} | final
                obs, infos = self._renew(done, obs, moment)
                infos.update(final_obs=last, _final_obs=over, final_info=final, _final_info=over)
                self._ended = np.zeros(self.num_envs, bool)
            else:
                infos.update(final)
        return obs.T, reward, np.zeros(self.num_envs, bool), truncated, infos

    def picture(self, index: int) -> np.ndarray:
        """One environment's picture ``(H, W, 3)`` uint8, by the renderer that was handed in, or the rasterizer."""
        if self.renderer is None:
            from rl_camera.env.picture import rasterizer

            self.renderer = rasterizer(self.config.aspect)
        return self.renderer(self, index)

    # ---- within

    def _seed(self, seed: int | Sequence[int | None] | None, index: np.ndarray) -> None:
        super()._seed(seed, index)
        if seed is not None:
            self.supply.drop()

    def _begin(self, index: np.ndarray) -> tuple[Array, dict[str, Array]] | None:
        """New episodes for some environments; their first observations and terms, unless they are all."""
        assert self._seeds is not None
        first: tuple[Array, dict[str, Array]] | None = None
        if len(index) == self.num_envs:
            self.episodes, self.state = self.sampler.draw(self._seeds, self._count)
            self.supply.drop()
        else:
            episodes, state, obs, terms = self.supply.take(index, self._seeds, self._count)
            self.episodes.put(index, episodes)
            self.state.put(index, state)
            first = obs, terms
        self._count[index] += np.uint64(1)
        self._sums[:, index] = 0.0
        self._ended[index] = False
        self._ready = True
        return first

    def _renew(self, index: np.ndarray, obs: Array, moment: Moment) -> tuple[Array, dict[str, Any]]:
        """Begin new episodes; observations ``(D, N)`` and infos with theirs in their places."""
        first = self._begin(index)
        if first is None:
            obs, moment = self.core.observe(self.episodes, self.state)
            return obs, self._infos(moment)
        obs[:, index] = first[0]
        infos = self._infos(moment)
        for name, value in first[1].items():
            infos[name] = infos[name].copy()
            infos[name][index] = value
        return obs, infos

    def _infos(self, moment: Moment) -> dict[str, Any]:
        infos: dict[str, Any] = dict(moment.terms)
        infos |= {f"_{name}": self._all for name in moment.terms}
        return infos

    def _final(self, done: np.ndarray, moment: Moment) -> dict[str, Any]:
        """What an ended episode was like: its return, its length, the mean of every term."""
        mask = np.zeros(self.num_envs, bool)
        mask[done] = True
        length = np.where(mask, self.episodes.t, 0)
        means = np.where(mask, self._sums[:-1] / np.maximum(length, 1), 0.0).astype(np.float32)
        final: dict[str, Any] = {"episode_return": np.where(mask, self._sums[-1], 0.0), "episode_length": length}
        final |= {f"mean_{name}": means[k] for k, name in enumerate(TERMS)}
        return final | {f"_{name}": mask for name in list(final)}


class FramingEnv(BatchOfOne):
    """One camera: a `FramingVectorEnv` of one, with Gymnasium's single interface."""

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 10}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        super().__init__(FramingVectorEnv(1, render_mode=render_mode, autoreset_mode=AutoresetMode.DISABLED, **options))

    def checked(self, action: Any) -> np.ndarray:
        """An action ``(7,)`` as a batch ``(1, 7)``."""
        action = np.asarray(action, np.float32)
        if action.shape != (ACTIONS,):
            raise BadInput(f"Framing-v0: action {action.shape}, expected {(ACTIONS,)}")
        return action[None]
