"""The rules of Coverage as functions on batches: what a choice does, pays, and what is then seen."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from gymnasium import spaces

from motion.rotations import Array
from rl_camera.coverage import observation
from rl_camera.coverage.bank import Bank
from rl_camera.editing import CUT_TERMS, SHOT_TERMS

#: What `Moved.terms` holds: the shot terms of the tick, 0..1; the terms of its cut, 0 without one; what rhythm and
#: opening paid, in the reward's own unit.
TERMS: tuple[str, ...] = (*SHOT_TERMS, *CUT_TERMS, "rhythm", "opening")


@dataclass
class State:
    """Where N episodes stand; all ``(N,)`` int64."""

    scene: np.ndarray
    t: np.ndarray  # ticks done
    camera: np.ndarray  # that is on; −1: none yet
    age: np.ndarray  # ticks since it came on

    @classmethod
    def begin(cls, scene: np.ndarray) -> State:
        """The beginning of episodes in such scenes."""
        zero = np.zeros(len(scene), np.int64)
        return cls(np.asarray(scene, np.int64), zero, zero - 1, zero.copy())

    def put(self, index: np.ndarray, other: State) -> None:
        """Replace some episodes."""
        for one in fields(self):
            getattr(self, one.name)[index] = getattr(other, one.name)

    def copy(self) -> State:
        """One that may be changed."""
        return State(*(getattr(self, one.name).copy() for one in fields(self)))


@dataclass(frozen=True)
class Moved:
    """What a tick was like."""

    state: State
    reward: Array  # (N,) float32
    terms: dict[str, Array]  # (N,) each, `TERMS`
    cut: np.ndarray  # (N,) bool: a camera gave way to another
    held: np.ndarray  # (N,) bool: the choice was not allowed, the camera stayed


def mask(bank: Bank, state: State, steps: int | None = None) -> np.ndarray:
    """Choices ``(N, K)`` that do what they say.

    Only the camera that is on before the shortest shot is over, and when what is left is shorter than that: no shot
    flashes up at the end.

    Args:
        bank: scenes.
        state: where the episodes stand.
        steps: of an episode; None: all of the scene.
    """
    shortest, steps = bank.config.shortest, bank.config.steps if steps is None else steps
    free = (state.camera < 0) | ((state.age >= shortest) & (state.t + shortest <= steps))
    own = np.arange(bank.config.cameras) == state.camera[:, None]
    return free[:, None] | own


def step(bank: Bank, state: State, actions: np.ndarray, steps: int | None = None) -> Moved:
    """One tick: cut to the chosen camera, or stay, and be paid.

    The reward is what the camera shows in the tick, what a cut joins, and rhythm: a shot pays for being overdue as it
    runs, and for being short when a cut ends it. Summed over an episode that is the value of its edit, as `dp` has it.

    Args:
        bank: scenes.
        state: before; is not changed.
        actions: ``(N,)`` camera numbers.
        steps: of an episode; None: all of the scene.
    """
    rows, s, t, was, age = np.arange(len(actions)), state.scene, state.t, state.camera, state.age
    allowed = mask(bank, state, steps)[rows, actions]
    now = np.where(allowed, actions, was)
    first = was < 0
    cut = ~first & (now != was)
    joined = np.where(cut[:, None], bank.cut[s, t, was, now], np.float32(0.0))
    shown = bank.shot[s, t, now]
    fresh = cut | first
    length = np.where(fresh, 0, age)
    rhythm = bank.overdue[length + 1] - bank.overdue[length] + np.where(cut, bank.penalty[age] - bank.overdue[age], 0.0)
    opening = np.where(first, bank.config.rules.weights.opening * bank.opening[s, now], 0.0)
    reward = bank.quality[s, t, now] + np.where(cut, bank.transition[s, t, was, now], 0.0) + rhythm + opening
    values = [*shown.T, *joined.T, rhythm.astype(np.float32), opening.astype(np.float32)]
    terms = {name: np.ascontiguousarray(value) for name, value in zip(TERMS, values)}
    return Moved(State(s.copy(), t + 1, now, length + 1), reward.astype(np.float32), terms, cut, ~allowed)


def observe(bank: Bank, state: State, steps: int | None = None) -> Array:
    """Observations ``(N, D)`` float32 in episodes of so many steps; slots as `observation.slots`."""
    config, s, t, on = bank.config, state.scene, state.t, state.camera
    rows, K = np.arange(len(s)), config.cameras
    began = (on >= 0)[:, None]
    since = np.minimum(state.age * (config.tick_s / config.rules.rhythm.mean_s), 4.0)[:, None] * began
    current = (np.arange(K) == on[:, None]).astype(np.float32)
    turn = bank.heading[s, t] - bank.heading[s, t, on][:, None]
    axis = np.stack([np.cos(turn), np.sin(turn)], axis=-1) * began[..., None]
    cut = bank.cut[s, t, on] * began[..., None]
    each, ahead = bank.each[s, t], config.look_ahead if config.knowledge == "offline" else 0
    cameras = np.concatenate([each[..., : each.shape[-1] - ahead], axis, cut, each[..., each.shape[-1] - ahead :]], -1)
    parts = [since, began, mask(bank, state, steps), current, bank.whole[s, t], cameras.reshape(len(rows), -1)]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def space(bank: Bank) -> spaces.Box:
    """Where observations lie."""
    most = max(4.0, float(bank.config.rules.weights.of(SHOT_TERMS).sum()))
    return spaces.Box(-most, most, (observation.slots(bank.config)[-1].stop,), np.float32)
