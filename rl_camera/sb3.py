"""`SB3VecEnv`: a native Gymnasium vector environment as Stable-Baselines3 wants it, without the usual cost.

Stable-Baselines3 does not take a `gymnasium.vector.VectorEnv`. Its own interface wants one dictionary of infos for each
environment and step; here only environments that have just ended get one, all others share one that is empty and
cannot be written to.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from motion.errors import BadInput
from rl_camera.vector_story import final_of

#: Infos that begin so are means over an episode: ``mean_framing`` is the term ``framing``.
MEAN = "mean_"


class NoInfo(dict):
    """The infos of an environment that goes on: empty, shared by all, and read-only; ``copy`` gives a plain one."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "infos of an environment that goes on are shared by all and cannot be written to: copy them first"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse  # type: ignore[assignment]
    update = setdefault = pop = popitem = clear = _refuse  # type: ignore[assignment]


NO_INFO = NoInfo()


class SB3VecEnv(VecEnv):
    """A Stable-Baselines3 environment over a batched Gymnasium one.

    The infos of an environment that has ended hold ``terminal_observation``, ``TimeLimit.truncated`` (by the time limit
    alone), ``episode`` as Monitor writes it (return ``r``, length ``l``, seconds since the start ``t``), and its
    ``final_info``; entries named ``mean_x`` also as ``terms: {x: …}``, in ``episode`` too.

    Args:
        env: a batch in SAME_STEP mode: Stable-Baselines3 expects the first observation where an episode ends.
        stagger: steps of an episode; then `reset` spreads the environments over its course by stepping them with
            actions of 0 and beginning some anew at each step. Episodes of one length would else all end together, and
            each rollout show one part of them. The batch has to take ``reset_mask``. 0: as they come.

    Raises:
        BadInput: it is no vector environment, or restarts in another way.

    Example:
        >>> env = SB3VecEnv(gymnasium.make_vec("cinemotion/Framing-v0", num_envs=1024))
        >>> PPO("MlpPolicy", env, device="cpu").learn(1_000_000)
    """

    def __init__(self, env: VectorEnv, stagger: int = 0) -> None:
        if not isinstance(env, VectorEnv):
            raise BadInput(f"SB3VecEnv: a {type(env).__name__}, expected a gymnasium.vector.VectorEnv")
        mode = env.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            said = mode.name if isinstance(mode, AutoresetMode) else repr(mode)
            raise BadInput(f"SB3VecEnv: autoreset mode {said}, expected SAME_STEP: make it with autoreset_mode=")
        self.env, self.stagger = env, stagger
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self.metadata = {**env.metadata, **self.metadata}
        self._returns = np.zeros(env.num_envs)
        self._lengths = np.zeros(env.num_envs, dtype=np.int64)
        self._began = time.monotonic()
        self._actions: Any = None

    # ---- playing

    def reset(self) -> Any:
        """First observations; uses the seeds and options that were set, once."""
        seeds, options = self._seeds, self._options[0]
        if any(other != options for other in self._options):
            raise BadInput("SB3VecEnv: options differ between environments, expected the same: a batch has one set")
        given: dict[str, Any] = {"options": options} if options else {}
        if any(seed is not None for seed in seeds):
            first = seeds[0]
            in_order = first is not None and seeds == [first + i for i in range(self.num_envs)]
            given["seed"] = first if in_order else list(seeds)
        obs, infos = self.env.reset(**given)
        self.reset_infos = _dealt(infos, np.arange(self.num_envs))
        self._reset_seeds()
        self._reset_options()
        self._returns[:] = 0
        self._lengths[:] = 0
        return self._spread(obs) if self.stagger > 1 else obs

    def _spread(self, obs: Any) -> Any:
        """Step on, so that environment i is as old as its place in the batch says, up to an episode's length."""
        idle = np.zeros((self.num_envs, *self.action_space.shape), self.action_space.dtype)  # type: ignore[misc]
        # A stride without a common divisor mixes ages through the batch; nothing here is drawn by chance.
        begins = (np.arange(self.num_envs) * 7919) % self.stagger
        for t in range(self.stagger):
            mask = begins == t
            if mask.any():
                self.env.reset(options={"reset_mask": mask})
                self._returns[mask] = 0
                self._lengths[mask] = 0
            obs, *_ = self.step(idle)
        return obs

    def step_async(self, actions: np.ndarray) -> None:
        """Keep actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Step the batch."""
        obs, rewards, terminated, truncated, infos = self.env.step(self._actions)
        self._actions = None
        rewards = np.asarray(rewards, dtype=np.float32)
        dones = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        told: list[dict[str, Any]] = [NO_INFO] * self.num_envs
        if dones.any():
            self._end(np.flatnonzero(dones), truncated & ~terminated, infos, told)
        return obs, rewards, dones, told

    def _end(self, index: np.ndarray, truncated: np.ndarray, infos: dict[str, Any], told: list[dict[str, Any]]) -> None:
        """Fill in the infos of the environments that ended."""
        if "final_obs" not in infos:
            raise BadInput("SB3VecEnv: an episode ended and infos hold no 'final_obs'; see check_vector_env")
        last = _taken(self.env, infos, index)
        returns, lengths = self._returns[index], self._lengths[index]
        limit = truncated[index]
        seconds = round(time.monotonic() - self._began, 6)
        for k, (i, info) in enumerate(zip(index.tolist(), _dealt(infos.get("final_info") or {}, index))):
            terms = {name.removeprefix(MEAN): value for name, value in info.items() if name.startswith(MEAN)}
            if terms:
                info["terms"] = terms
            info["terminal_observation"] = {key: v[k] for key, v in last.items()} if isinstance(last, dict) else last[k]
            info["TimeLimit.truncated"] = bool(limit[k])
            episode: dict[str, Any] = {"r": float(returns[k]), "l": int(lengths[k]), "t": seconds}
            info["episode"] = episode | ({"terms": terms} if terms else {})
            told[i] = info
        self._returns[index] = 0
        self._lengths[index] = 0

    def close(self) -> None:
        """Close the batch."""
        self.env.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """One picture of each environment."""
        if self.env.render_mode != "rgb_array":
            warnings.warn(f"render mode {self.env.render_mode}: pictures need rgb_array", stacklevel=2)
            return [None] * self.num_envs
        return list(self.env.render() or ())  # type: ignore[arg-type]

    # ---- attributes: a native batch is one object, whose attributes all its environments share

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of each environment; a native batch has one for all.

        Raises:
            AttributeError: there is none.
        """
        wanted = list(self._get_indices(indices))
        if hasattr(self.env, "envs") and hasattr(self.env, "get_attr"):
            values = self.env.get_attr(attr_name)
            return [values[i] for i in wanted]
        return [getattr(self.env, attr_name)] * len(wanted)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute; of a native batch for all environments at once.

        Raises:
            BadInput: for some environments of a native batch only.
        """
        wanted = list(self._get_indices(indices))
        if hasattr(self.env, "envs") and hasattr(self.env, "set_attr"):
            values: list[Any] = self.get_attr(attr_name) if len(wanted) < self.num_envs else [None] * self.num_envs
            for i in wanted:
                values[i] = value
            self.env.set_attr(attr_name, values)
            return
        if sorted(wanted) != list(range(self.num_envs)):
            words = f"of {len(wanted)} environments of {self.num_envs}"
            raise BadInput(f"SB3VecEnv: '{attr_name}' {words}; a native batch shares it, set it for all")
        setattr(self.env.unwrapped, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Call a method; of a native batch once. What it returns for each environment is dealt out, else repeated."""
        wanted = list(self._get_indices(indices))
        if hasattr(self.env, "envs") and hasattr(self.env, "call"):
            returned = self.env.call(method_name, *method_args, **method_kwargs)
        else:
            returned = getattr(self.env, method_name)(*method_args, **method_kwargs)
        if isinstance(returned, tuple | list) and len(returned) == self.num_envs:
            return [returned[i] for i in wanted]
        return [returned] * len(wanted)

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Whether the batch is wrapped; for Monitor always: `episode` infos are here without it."""
        wrapped = issubclass(wrapper_class, Monitor)
        env: Any = self.env
        while not wrapped and env is not None:
            wrapped = isinstance(env, wrapper_class)
            env = env.__dict__.get("env")
        wanted: Iterable[int] = self._get_indices(indices)
        return [wrapped for _ in wanted]


def _dealt(infos: Mapping[str, Any], index: np.ndarray) -> list[dict[str, Any]]:
    """Infos of some environments, one dictionary each: what their mask is on for. Numbers come as Python's."""
    told: list[dict[str, Any]] = [{} for _ in index]
    for name, value in infos.items():
        if name.startswith("_") and name[1:] in infos:
            continue
        mask = infos.get(f"_{name}")
        on = [True] * len(index) if mask is None else np.asarray(mask)[index].tolist()
        if isinstance(value, Mapping):
            column: list[Any] = _dealt(value, index)
        else:
            rows = np.asarray(value)[index]
            column = rows.tolist() if rows.ndim == 1 else list(rows)
        for info, one, has in zip(told, column, on):
            if has:
                info[name] = one
    return told


def _taken(env: VectorEnv, infos: Mapping[str, Any], index: np.ndarray) -> Any:
    """The last observations of some environments, stacked and this adapter's own."""
    final = infos["final_obs"]
    if isinstance(final, np.ndarray) and final.dtype != object:
        return np.ascontiguousarray(final[index])
    rows = [final_of(env, infos, int(i))[0] for i in index]
    if isinstance(rows[0], Mapping):
        return {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return np.stack(rows)
