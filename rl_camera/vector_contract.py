"""What one call of a vector environment may return: `Contract` watches each reset and step as it comes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from rl_camera.vector_story import FINAL, Step, rows, unequal

Tell = Callable[[str, str], None]  # rule, what is wrong


class Contract:
    """Watches a batch played by `vector_story.play` and tells what breaks Gymnasium's contract.

    Args:
        env: the batch.
        mode: how it restarts.
        tell: called with a rule's name and a line for each fault.
    """

    def __init__(self, env: VectorEnv, mode: AutoresetMode, tell: Tell) -> None:
        self.env, self.mode, self.tell = env, mode, tell
        self.ended = 0  # episodes
        self.repeated = 0  # of those, how many last observations were the next first one
        self._handed: list[tuple[str, Any, Any]] = []  # what the call before returned, and how it looked

    def __call__(self, step: Step) -> None:
        """Look at one call's return."""
        self._overwritten()
        if step.actions is None:
            self._reset(step.returned)
        else:
            self._step(step)

    def _remember(self, returned: Any) -> None:
        """Remember what was handed out, to see at the next call whether it still says the same."""
        if isinstance(returned, tuple):
            names = ["observations", "rewards", "terminated", "truncated", "infos"]
            names = names if len(returned) == 5 else ["observations", "infos"]
            self._handed = [(name, value, copy.deepcopy(value)) for name, value in zip(names, returned)]

    def _overwritten(self) -> None:
        for name, now, then in self._handed:
            if (found := _changed(now, then)) is not None:
                self.tell("no_overwrite", f"{name} of one call were overwritten by the next: {found}")
        self._handed = []

    def _reset(self, returned: Any) -> None:
        if not isinstance(returned, tuple) or len(returned) != 2:
            self.tell("reset_returns", f"reset returned {_kind(returned)}, expected (observations, infos)")
            return
        obs, infos = returned
        self._observation(obs, "reset")
        self._infos(infos, "reset")
        self._remember(returned)

    def _step(self, step: Step) -> None:
        returned, n = step.returned, self.env.num_envs
        if not isinstance(returned, tuple) or len(returned) != 5:
            words = "expected (observations, rewards, terminated, truncated, infos)"
            self.tell("step_returns", f"step returned {_kind(returned)}, {words}")
            return
        obs, reward, terminated, truncated, infos = returned
        self._observation(obs, "step")
        self._infos(infos, "step")
        if not isinstance(reward, np.ndarray) or reward.shape != (n,) or not np.issubdtype(reward.dtype, np.floating):
            self.tell("reward", f"rewards are {_kind(reward)}, expected an array of floats of shape ({n},)")
        elif not np.isfinite(reward).all():
            self.tell("finite", f"rewards {reward}")
        for name, flags in (("terminated", terminated), ("truncated", truncated)):
            if not isinstance(flags, np.ndarray) or flags.shape != (n,) or flags.dtype != bool:
                self.tell("flags", f"{name} is {_kind(flags)}, expected an array of bool of shape ({n},)")
                return
        done = terminated | truncated
        if self.mode is AutoresetMode.NEXT_STEP:
            self._reset_step(step.pending, reward, done)
            done = done & ~step.pending
        self.ended += int(done.sum())
        if self.mode is AutoresetMode.SAME_STEP:
            self._final(obs, done, infos)
        elif isinstance(infos, Mapping) and any(key in infos for key in FINAL):
            self.tell("final_obs", f"infos hold 'final_obs' or 'final_info' in {self.mode.value} mode")
        self._remember(returned)

    def _observation(self, obs: Any, call: str) -> None:
        space = self.env.observation_space
        if not space.contains(obs):
            self.tell("observation", f"observations of {call} are not in observation_space: {_outside(space, obs)}")
        if (found := _not_finite(obs)) is not None:
            self.tell("finite", f"observations of {call}: {found}")

    def _infos(self, infos: Any, call: str) -> None:
        if not isinstance(infos, dict):
            self.tell("infos", f"infos of {call} are {_kind(infos)}, expected a dictionary of arrays")
            return
        self._masked(infos, call, "infos")

    def _masked(self, infos: Mapping[str, Any], call: str, path: str) -> None:
        n = self.env.num_envs
        for key, value in infos.items():
            if not isinstance(key, str):
                self.tell("infos", f"{path} of {call}: key {key!r}, expected text")
                continue
            if key.startswith("_") and key[1:] in infos:
                if not isinstance(value, np.ndarray) or value.shape != (n,) or value.dtype != bool:
                    self.tell("infos", f"{path}['{key}'] is {_kind(value)}, expected an array of bool of shape ({n},)")
                continue
            mask = infos.get(f"_{key}")
            if mask is None:
                self.tell("infos", f"{path}['{key}'] of {call} comes without its mask '_{key}'")
            if isinstance(value, Mapping) and key != "final_obs":
                self._masked(value, call, f"{path}['{key}']")
            elif key != "final_obs" and (not isinstance(value, np.ndarray) or value.shape[:1] != (n,)):
                self.tell("infos", f"{path}['{key}'] is {_kind(value)}, expected an array of {n} rows")
            elif isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating):
                seen = value[mask] if isinstance(mask, np.ndarray) and mask.shape == (n,) else value
                if not np.isfinite(seen).all():
                    self.tell("finite", f"{path}['{key}'] of {call} holds a value that is not finite")

    def _reset_step(self, pending: np.ndarray, reward: Any, done: np.ndarray) -> None:
        """NEXT_STEP: the call after an end only resets."""
        if not pending.any():
            return
        if done[pending].any():
            self.tell("reset_step", "terminated or truncated is on in the step that only resets")
        if isinstance(reward, np.ndarray) and reward.shape == pending.shape and (reward[pending] != 0).any():
            self.tell("reset_step", f"reward {reward[pending][0]:g} in the step that only resets, expected 0")

    def _final(self, obs: Any, done: np.ndarray, infos: Any) -> None:
        """SAME_STEP: what ended comes in infos, for those that ended and for nobody else."""
        infos = infos if isinstance(infos, Mapping) else {}
        for key in FINAL:
            mask = infos.get(f"_{key}")
            on = mask if isinstance(mask, np.ndarray) and mask.shape == done.shape else np.zeros_like(done)
            if done.any() and key not in infos:
                self.tell(key, f"an episode ended and infos hold no '{key}'")
            elif (on != done).any():
                self.tell(key, f"'_{key}' is {on.tolist()} where the episodes that ended are {done.tolist()}")
        if not done.any() or "final_obs" not in infos:
            return
        if not isinstance(infos.get("final_info", {}), Mapping):
            self.tell("final_info", f"'final_info' is {_kind(infos['final_info'])}, expected a dictionary of arrays")
        single = self.env.single_observation_space
        try:
            firsts = rows(self.env, obs)
            final = infos["final_obs"]
            lasts = list(final) if isinstance(final, np.ndarray) else rows(self.env, final)
        except Exception as error:
            self.tell("final_obs", f"'final_obs' cannot be read: {error}")
            return
        for i in np.flatnonzero(done):
            if not single.contains(lasts[i]):
                words = f"'final_obs' of environment {i} is not in single_observation_space"
                self.tell("final_obs", f"{words}: {_outside(single, lasts[i])}")
            elif (found := _not_finite(lasts[i])) is not None:
                self.tell("finite", f"'final_obs' of environment {i}: {found}")
            self.repeated += unequal(lasts[i], firsts[i], 0.0) is None

    def finish(self) -> None:
        """What only the whole of a play shows."""
        if self.mode is AutoresetMode.SAME_STEP and self.ended and self.repeated == self.ended:
            words = "'final_obs' is the observation that was returned, each time"
            self.tell("final_obs", f"{words}: either it is the next first one, or nothing was reset")


def _changed(now: Any, then: Any) -> str | None:
    if isinstance(then, Mapping):
        gone = [k for k in then if k not in now]
        if gone or len(now) != len(then):
            return "its keys changed"
        return next((f"'{k}' {words}" for k in then if (words := _changed(now[k], then[k])) is not None), None)
    if isinstance(then, tuple | list):
        return next((words for a, b in zip(now, then) if (words := _changed(a, b)) is not None), None)
    if isinstance(then, np.ndarray) and then.dtype == object:
        return next((words for a, b in zip(now, then) if (words := _changed(a, b)) is not None), None)
    if isinstance(then, np.ndarray):
        return unequal(now, then, 0.0)
    return None


def _not_finite(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return next((f"'{k}' {words}" for k, v in value.items() if (words := _not_finite(v)) is not None), None)
    if isinstance(value, tuple | list):
        return next((words for v in value if (words := _not_finite(v)) is not None), None)
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.floating):
        return None
    wrong = np.argwhere(~np.isfinite(array))
    return None if len(wrong) == 0 else f"{array[tuple(wrong[0])]} at {[int(k) for k in wrong[0]]}"


def _outside(space: Any, value: Any) -> str:
    """Why a value is not in a space, as far as shape, type and bounds tell."""
    if not isinstance(value, np.ndarray) or getattr(space, "shape", None) is None:
        return _kind(value)
    if value.shape != space.shape or not np.can_cast(value.dtype, space.dtype) or value.dtype != space.dtype:
        return f"shape {value.shape} of {value.dtype}, expected {space.shape} of {space.dtype}"
    low, high = getattr(space, "low", None), getattr(space, "high", None)
    if low is None or high is None:
        return f"{value!r}"
    at = np.argwhere((value < low) | (value > high) | np.isnan(value))
    place = tuple(at[0]) if len(at) else ()
    return f"{value[place]} at {[int(k) for k in place]}, expected {low[place]} to {high[place]}"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
