"""What each environment of a batch does, told alone: `play` makes a `Story` per environment, `difference` compares two.

A story leaves out what the batch and the autoreset mode add: it is the sequence of first observations and steps that
environment i would have had by itself. So one comparison serves every rule: the same seed tells the same story whatever
the batch size, the neighbours and the mode, and the story of the single environment.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import concatenate, create_empty_array, iterate

#: Keys of infos that autoreset adds; no environment reports them by itself.
FINAL = ("final_obs", "final_info")


@dataclass(frozen=True)
class Row:
    """One event: a first observation (``reward`` None) or a step."""

    obs: Any  # of one environment; where an episode ends its last observation, not the next first one
    reward: float | None = None
    terminated: bool = False
    truncated: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def begins(self) -> bool:
        """Whether this is a first observation."""
        return self.reward is None

    @property
    def ends(self) -> bool:
        """Whether the episode ends with this step."""
        return self.terminated or self.truncated


Story = list[Row]


class Malformed(Exception):
    """An environment returned something that no story can be read from."""


@dataclass(frozen=True)
class Actions:
    """Random actions, one stream for each seed: an environment takes the same ones in any batch."""

    space: gymnasium.Space
    length: int
    salt: int = 0
    _streams: dict[int, list[Any]] = field(default_factory=dict)

    def at(self, key: int, t: int) -> Any:
        """Action ``t`` of the environment seeded ``key``."""
        if key not in self._streams:
            space = copy.deepcopy(self.space)
            space.seed((key * 1_000_003 + self.salt) % 2**31)
            self._streams[key] = [space.sample() for _ in range(self.length)]
        return self._streams[key][t % self.length]

    def batch(self, keys: Sequence[int], t: Sequence[int] | np.ndarray) -> Any:
        """One action for each environment as its batched action space has them."""
        rows = [self.at(key, int(when)) for key, when in zip(keys, t)]
        if isinstance(self.space, gymnasium.spaces.Discrete | gymnasium.spaces.Box):
            return np.stack([np.asarray(row, dtype=self.space.dtype) for row in rows])
        return concatenate(self.space, rows, create_empty_array(self.space, len(rows)))  # type: ignore[arg-type]


@dataclass
class Step:
    """What one call returned, as it came; ``actions`` is None for a reset."""

    actions: Any
    returned: Any
    pending: np.ndarray  # (n,) bool: environments that ended with the step before


Watch = Callable[[Step], None]


def play(
    env: VectorEnv,
    keys: Sequence[int],
    steps: int,
    actions: Actions,
    *,
    seed: int | list[int] | None,
    mode: AutoresetMode,
    watch: Watch = lambda _: None,
    options: dict[str, Any] | None = None,
) -> list[Story]:
    """Reset a batch and step it.

    Args:
        env: N environments.
        keys: N numbers, which stream of actions each takes.
        steps: calls of `step`.
        seed: as handed to `reset`.
        mode: how the batch is believed to restart; in DISABLED ended environments are reset by mask.
        watch: sees each call's return before it is read.
        options: as handed to `reset`.

    Raises:
        Malformed: something came back that is no batch of N.
    """
    n = env.num_envs
    none = np.zeros(n, dtype=bool)
    reset: Any = env.reset  # whose declared seed is one number; Gymnasium's own batches take a list
    returned: Any = reset(seed=seed) if options is None else reset(seed=seed, options=options)
    watch(Step(None, returned, none))
    obs, infos = _pair(returned)
    stories: list[Story] = [[Row(o, info=row_info(infos, i))] for i, o in enumerate(rows(env, obs))]
    t = np.zeros(n, dtype=int)
    pending = none.copy()
    for _ in range(steps):
        if mode is AutoresetMode.DISABLED and pending.any():
            returned = env.reset(options={"reset_mask": pending.copy()})
            watch(Step(None, returned, pending))
            obs, infos = _pair(returned)
            for i, o in enumerate(rows(env, obs)):
                if pending[i]:
                    stories[i].append(Row(o, info=row_info(infos, i)))
            pending = none.copy()
        batch = actions.batch(keys, t)
        returned = env.step(batch)
        watch(Step(batch, returned, pending))
        if not isinstance(returned, tuple) or len(returned) != 5:
            raise Malformed("step did not return five values")
        obs, reward, terminated, truncated, infos = returned
        reward, terminated, truncated = (_column(v, n) for v in (reward, terminated, truncated))
        for i, o in enumerate(rows(env, obs)):
            info = row_info(infos, i)
            if mode is AutoresetMode.NEXT_STEP and pending[i]:
                stories[i].append(Row(o, info=info))
                continue
            t[i] += 1
            ends = bool(terminated[i] or truncated[i])
            if ends and mode is AutoresetMode.SAME_STEP:
                last, told = final_of(env, infos, i)
                stories[i].append(Row(last, float(reward[i]), bool(terminated[i]), bool(truncated[i]), told))
                stories[i].append(Row(o))  # whose info this is, the last step's or the reset's, Gymnasium leaves open
            else:
                stories[i].append(Row(o, float(reward[i]), bool(terminated[i]), bool(truncated[i]), info))
        ended = np.logical_or(terminated, truncated)
        # In NEXT_STEP the flags of a step that only resets count for nothing, whatever they say.
        pending = ended & ~pending if mode is AutoresetMode.NEXT_STEP else ended
        if mode is AutoresetMode.SAME_STEP:
            pending = none.copy()
    return stories


def play_single(env: gymnasium.Env, key: int, rows_wanted: int, actions: Actions, *, seed: int) -> Story:
    """The story of a single environment that is reset by hand whenever an episode ends."""
    obs, info = env.reset(seed=seed)
    story = [Row(_kept(obs), info=dict(info))]
    t = 0
    while len(story) < rows_wanted:
        obs, reward, terminated, truncated, info = env.step(actions.at(key, t))
        t += 1
        story.append(Row(_kept(obs), float(reward), bool(terminated), bool(truncated), dict(info)))
        if terminated or truncated:
            obs, info = env.reset()
            story.append(Row(_kept(obs), info=dict(info)))
    return story


def difference(one: Story, other: Story, tolerance: float, *, infos: bool = False) -> str | None:
    """Where two stories part, in words; None where they agree as far as the shorter goes.

    Args:
        tolerance: absolute and relative, for numbers; 0: exactly.
        infos: compare what both report beside, too.
    """
    for k, (a, b) in enumerate(zip(one, other)):
        where = f"after {sum(not row.begins for row in other[: k + 1])} steps"
        if a.begins != b.begins:
            kinds = ["a first observation" if row.begins else "a step" for row in (a, b)]
            return f"{where}: {kinds[0]}, expected {kinds[1]}"
        if (found := unequal(a.obs, b.obs, tolerance)) is not None:
            return f"{where}{', a first observation' if b.begins else ''}: observation {found}"
        for name in ("terminated", "truncated"):
            if getattr(a, name) != getattr(b, name):
                return f"{where}: {name} {getattr(a, name)}, expected {getattr(b, name)}"
        if not b.begins and (found := unequal(a.reward, b.reward, tolerance)) is not None:
            return f"{where}: reward {found}"
        untold = b.begins and not a.info  # SAME_STEP: the infos beside a next first observation may be the last step's
        for key in b.info if infos and not untold else ():
            if key not in a.info:
                return f"{where}: infos lack '{key}'"
            if (found := unequal(a.info[key], b.info[key], tolerance)) is not None:
                return f"{where}: infos['{key}'] {found}"
    return None


def unequal(a: Any, b: Any, tolerance: float) -> str | None:
    """What differs between two values of one space, in words; None: nothing."""
    if isinstance(b, Mapping):
        if not isinstance(a, Mapping) or set(a) != set(b):
            return f"{a!r}, expected the keys {sorted(map(str, b))}"
        found = [(k, unequal(a[k], b[k], tolerance)) for k in b]
        return next((f"'{k}' {words}" for k, words in found if words), None)
    if isinstance(b, tuple | list):
        if not isinstance(a, tuple | list | np.ndarray) or len(a) != len(b):
            return f"{_short(a)}, expected {_short(b)}"
        found = [(k, unequal(x, y, tolerance)) for k, (x, y) in enumerate(zip(a, b))]
        return next((f"[{k}] {words}" for k, words in found if words), None)
    x, y = np.asarray(a), np.asarray(b)
    if x.dtype == object or y.dtype == object or not _numeric(x) or not _numeric(y):
        return None if x.shape == y.shape else f"{_short(a)}, expected {_short(b)}"
    if x.shape != y.shape:
        return f"of shape {x.shape}, expected {y.shape}"
    x, y = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinite values are compared too
        near = np.abs(x - y) <= tolerance + tolerance * np.abs(y)
    wrong = ~(near | (x == y) | (np.isnan(x) & np.isnan(y)))
    if not wrong.any():
        return None
    at = tuple(int(k) for k in np.argwhere(wrong)[0])
    place = "".join(f"[{k}]" for k in at)
    return f"{place + ' ' if place else ''}{x[at]:.9g}, expected {y[at]:.9g}"


def rows(env: VectorEnv, obs: Any) -> list[Any]:
    """A batch of observations as N of the single space, copied.

    Raises:
        Malformed: it is no batch of N.
    """
    try:
        told = [_kept(o) for o in iterate(env.observation_space, obs)]
    except Exception as error:
        raise Malformed(f"observations cannot be read one by one ({type(error).__name__}: {error})") from error
    if len(told) != env.num_envs:
        raise Malformed(f"{len(told)} observations, expected {env.num_envs}")
    return told


def row_info(infos: Any, i: int) -> dict[str, Any]:
    """What environment i reports: the entries whose mask is on for it."""
    if not isinstance(infos, Mapping):
        return {}
    told: dict[str, Any] = {}
    for key, value in infos.items():
        mask = infos.get(f"_{key}")
        if key in FINAL or mask is None or not _on(mask, i):
            continue
        told[key] = row_info(value, i) if isinstance(value, Mapping) else _kept(_item(value, i))
    return told


def final_of(env: VectorEnv, infos: Any, i: int) -> tuple[Any, dict[str, Any]]:
    """Last observation and infos of an environment that ended, from SAME_STEP's infos.

    Raises:
        Malformed: they are not there.
    """
    if not isinstance(infos, Mapping) or not _on(infos.get("_final_obs"), i) or infos.get("final_obs") is None:
        raise Malformed(f"environment {i} ended and infos hold no 'final_obs' for it")
    batch = infos["final_obs"]
    if isinstance(batch, np.ndarray):
        last = batch[i]
    else:  # a batched dictionary or tuple
        last = list(iterate(env.observation_space, batch))[i]
    return _kept(last), row_info(infos.get("final_info"), i)


def _pair(returned: Any) -> tuple[Any, Any]:
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise Malformed("reset did not return two values")
    return returned


def _column(values: Any, n: int) -> np.ndarray:
    array = np.asarray(values)
    if array.shape != (n,):
        raise Malformed(f"an array of shape {array.shape} where ({n},) was expected")
    return array.copy()


def _on(mask: Any, i: int) -> bool:
    try:
        return bool(mask[i])
    except (TypeError, IndexError, KeyError, ValueError):
        return False


def _item(value: Any, i: int) -> Any:
    try:
        return value[i]
    except (TypeError, IndexError, KeyError):
        return None


def _kept(value: Any) -> Any:
    return copy.deepcopy(value)


def _numeric(array: np.ndarray) -> bool:
    return np.issubdtype(array.dtype, np.number) or array.dtype == bool


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
