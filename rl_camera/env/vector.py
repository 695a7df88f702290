"""`FramingVectorEnv`: many cameras at once as a Gymnasium vector environment; `FramingEnv` is a batch of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from motion.errors import BadInput, unknown
from rl_camera.env.columns import Array, Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing, Moment
from rl_camera.env.dynamics import ACTIONS
from rl_camera.env.episode import Episodes
from rl_camera.env.reward import TERMS
from rl_camera.env.sampling import Sampler
from rl_camera.env.supply import Supply

#: What turns one environment's moment into a picture: (environment, index) -> ``(H, W, 3)`` uint8.
Renderer = Callable[["FramingVectorEnv", int], np.ndarray]

RENDER_MODES = ("rgb_array",)


def autoreset(mode: AutoresetMode | str) -> AutoresetMode:
    """An autoreset mode from itself or its name.

    Raises:
        BadInput: no such mode.
    """
    if isinstance(mode, AutoresetMode):
        return mode
    known = {m.name.lower(): m for m in AutoresetMode}
    name = str(mode).lower()
    if name not in known:
        raise unknown("autoreset mode", str(mode), known)
    return known[name]


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


class FramingVectorEnv(VectorEnv):
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
        if num_envs < 1:
            raise BadInput(f"Framing-v0: {num_envs} environments, expected at least 1")
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise unknown("render mode", render_mode, RENDER_MODES)
        base = (config or FramingConfig()).with_options(options)
        if max_episode_steps is not None:
            base = base.with_options({"seconds": max_episode_steps / base.hz})
        self.config = base
        self.core = Framing(base)
        self.sampler = Sampler(base, self.core.table)
        self.num_envs = num_envs
        self.supply = Supply(self.core, self.sampler, num_envs)
        self.mode = autoreset(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.mode, "render_fps": round(base.hz)}
        self.render_mode, self.renderer = render_mode, renderer
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (self.core.size,), np.float32)
        self.single_action_space = Actions(ACTIONS)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = Actions(num_envs, ACTIONS)
        self.episodes: Episodes
        self.state: Columns
        self._seeds: np.ndarray | None = None
        self._count = np.zeros(num_envs, np.uint64)
        self._ended = np.zeros(num_envs, bool)
        self._all = np.ones(num_envs, bool)
        self._sums = np.zeros((len(TERMS) + 1, num_envs), np.float32)
        self._sampled = False

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
        mask = self._mask(options)
        self._seed(seed, mask)
        index = np.flatnonzero(mask)
        if not self._sampled and not mask.all():
            raise BadInput("Framing-v0: the first reset takes all environments, the mask leaves some out")
        self._begin(index)
        obs, moment = self.core.observe(self.episodes, self.state)
        return obs.T, self._infos(moment)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of all environments; see Gymnasium's `VectorEnv.step`.

        Raises:
            gymnasium.error.ResetNeeded: before the first reset, or, with autoreset disabled, after an episode's end.
            BadInput: actions of another shape.
        """
        if not self._sampled:
            raise gymnasium.error.ResetNeeded("Framing-v0: step before the first reset")
        actions = np.asarray(actions, np.float32)
        if actions.shape != (self.num_envs, ACTIONS):
            raise BadInput(f"Framing-v0: actions {actions.shape}, expected {(self.num_envs, ACTIONS)}")
        waiting = None
        if self.mode != AutoresetMode.SAME_STEP and self._ended.any():
            if self.mode == AutoresetMode.DISABLED:
                which = np.flatnonzero(self._ended)[:5].tolist()
                raise gymnasium.error.ResetNeeded(f"Framing-v0: environments {which} have ended; reset them")
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

    def render(self) -> tuple[np.ndarray, ...] | None:
        """A picture ``(H, W, 3)`` uint8 of every environment, when ``render_mode`` is ``rgb_array``."""
        if self.render_mode is None:
            return None
        if not self._sampled:
            raise gymnasium.error.ResetNeeded("Framing-v0: render before the first reset")
        return tuple(self.picture(i) for i in range(self.num_envs))

    def picture(self, index: int) -> np.ndarray:
        """One environment's picture ``(H, W, 3)`` uint8, by the renderer that was handed in, or the rasterizer."""
        if self.renderer is None:
            from rl_camera.env.picture import rasterizer

            self.renderer = rasterizer(self.config.aspect)
        return self.renderer(self, index)

    # ---- within

    def _mask(self, options: dict[str, Any] | None) -> np.ndarray:
        if not options or options.get("reset_mask") is None:
            return self._all
        mask = np.asarray(options["reset_mask"])
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise BadInput(f"Framing-v0: reset_mask {mask.dtype} {mask.shape}, expected bool {(self.num_envs,)}")
        if not mask.any():
            raise BadInput("Framing-v0: reset_mask chooses no environment")
        return mask

    def _seed(self, seed: int | Sequence[int | None] | None, mask: np.ndarray) -> None:
        if self._seeds is None:
            drawn = self.np_random.integers(0, 2**63, self.num_envs, dtype=np.uint64)
            self._seeds = drawn
        if seed is None:
            return
        if isinstance(seed, (int, np.integer)):
            seed = [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise BadInput(f"Framing-v0: {len(seed)} seeds for {self.num_envs} environments")
        self.supply.drop()
        for i, one in enumerate(seed):
            if one is not None and mask[i]:
                self._seeds[i], self._count[i] = np.uint64(one % 2**64), 0

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
        self._sampled = True
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


class FramingEnv(gymnasium.Env):
    """One camera: a `FramingVectorEnv` of one, with Gymnasium's single interface."""

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 10}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, **options: Any) -> None:
        self._batch = FramingVectorEnv(1, render_mode=render_mode, autoreset_mode=AutoresetMode.DISABLED, **options)
        self.metadata = {**type(self).metadata, "render_fps": round(self._batch.config.hz)}
        self.render_mode = render_mode
        self.observation_space = self._batch.single_observation_space
        self.action_space = self._batch.single_action_space

    @property
    def batch(self) -> FramingVectorEnv:
        """The batch of one inside."""
        return self._batch

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode."""
        super().reset(seed=seed)
        if seed is None and self._batch._seeds is None:
            seed = int(self.np_random.integers(0, 2**62))
        obs, infos = self._batch.reset(seed=seed)
        return np.ascontiguousarray(obs[0]), _one(infos)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One step; the time limit is truncation."""
        action = np.asarray(action, np.float32)
        if action.shape != (ACTIONS,):
            raise BadInput(f"Framing-v0: action {action.shape}, expected {(ACTIONS,)}")
        obs, reward, terminated, truncated, infos = self._batch.step(action[None])
        return np.ascontiguousarray(obs[0]), float(reward[0]), bool(terminated[0]), bool(truncated[0]), _one(infos)

    def render(self) -> np.ndarray | None:  # type: ignore[override]
        """A picture ``(H, W, 3)`` uint8."""
        pictures = self._batch.render()
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        """Let go of the renderer."""
        self._batch.close()


def _one(infos: dict[str, Any]) -> dict[str, Any]:
    return {name: value[0].item() for name, value in infos.items() if not name.startswith("_")}
