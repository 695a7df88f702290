"""Editors of Coverage's episodes for the benchmark: who cuts among given cameras, from the present or knowing all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from motion.errors import BadInput
from rl_camera.coverage import core
from rl_camera.coverage.bank import Bank

#: Seconds between the cuts of editors that cut by the clock.
RHYTHMS_S = (3.5, 4.0)

#: An editor: which camera is on at every tick, ``(T,)``, from the bank, the scene's number and a generator.
Editor = Callable[[Bank, int, np.random.Generator], np.ndarray]

NEVER, BEST = "never cut", "best edit"


def played(bank: Bank, scene: int, cameras: np.ndarray) -> float:
    """What the environment pays for an edit, all of its ticks.

    Args:
        bank: scenes.
        scene: which.
        cameras: ``(T,)`` the camera of every tick.

    Raises:
        BadInput: an edit that the environment would not carry out: a shot shorter than the shortest.
    """
    state, total = core.State.begin(np.array([scene])), 0.0
    for camera in cameras:
        moved = core.step(bank, state, np.array([camera]))
        if moved.held[0]:
            raise BadInput(f"edit: a cut to camera {camera} at tick {int(state.t[0])} comes too soon")
        state, total = moved.state, total + float(moved.reward[0])
    return total


def _never(bank: Bank, scene: int, rng: np.random.Generator) -> np.ndarray:
    return np.zeros(bank.config.steps, int)


def _best_first(bank: Bank, scene: int, rng: np.random.Generator) -> np.ndarray:
    first = bank.quality[scene, 0] + bank.config.rules.weights.opening * bank.opening[scene]
    return np.full(bank.config.steps, int(first.argmax()))


def _clock(every_s: float, choose: Callable[[Bank, int, int, int, np.random.Generator], int]) -> Editor:
    """Cuts by the clock; what comes on is chosen by bank, scene, tick, the camera that is on, and a generator."""

    def editor(bank: Bank, scene: int, rng: np.random.Generator) -> np.ndarray:
        ticks = max(round(every_s / bank.config.tick_s), bank.config.shortest)
        on, now = np.zeros(bank.config.steps, int), 0  # the first camera shows everybody
        for t in range(bank.config.steps):
            if t and t % ticks == 0:
                now = choose(bank, scene, t, now, rng)
            on[t] = now
        return on

    return editor


def _any_other(bank: Bank, scene: int, t: int, now: int, rng: np.random.Generator) -> int:
    return int(rng.choice([k for k in range(bank.config.cameras) if k != now]))


def _best_picture(bank: Bank, scene: int, t: int, now: int, rng: np.random.Generator) -> int:
    return int(bank.quality[scene, t].argmax())


def _best_join(bank: Bank, scene: int, t: int, now: int, rng: np.random.Generator) -> int:
    """Of the other cameras the best picture, held until the next cut, less what the cut to it costs."""
    ticks = RHYTHMS_S[0] / bank.config.tick_s
    worth = ticks * bank.quality[scene, t] + bank.transition[scene, t, now]
    return int(np.where(np.arange(bank.config.cameras) == now, -np.inf, worth).argmax())


def _random(bank: Bank, scene: int, rng: np.random.Generator) -> np.ndarray:
    return _step_by_step(bank, scene, lambda state, allowed: int(rng.choice(np.flatnonzero(allowed))))


def _greedy(cuts: bool) -> Editor:
    """Always the camera with the highest reward of the coming tick; without cut terms, the best picture."""

    def editor(bank: Bank, scene: int, rng: np.random.Generator) -> np.ndarray:
        every = np.arange(bank.config.cameras)

        def choose(state: core.State, allowed: np.ndarray) -> int:
            if cuts:
                copies = core.State(
                    *(np.repeat(v, len(every)) for v in (state.scene, state.t, state.camera, state.age))
                )
                worth = core.step(bank, copies, every).reward
            else:
                worth = bank.quality[scene, int(state.t[0])]
            return int(np.where(allowed, worth, -np.inf).argmax())

        return _step_by_step(bank, scene, choose)

    return editor


def _step_by_step(bank: Bank, scene: int, choose: Callable[[core.State, np.ndarray], int]) -> np.ndarray:
    state, on = core.State.begin(np.array([scene])), []
    for _ in range(bank.config.steps):
        on.append(choose(state, core.mask(bank, state)[0]))
        state = core.step(bank, state, np.array(on[-1:])).state
    return np.array(on)


def _best(bank: Bank, scene: int, rng: np.random.Generator) -> np.ndarray:
    return bank.best_edit(scene).cameras


#: Editors of episodes: whether they know the present alone, and what they do.
EDITORS: Mapping[str, tuple[bool, Editor]] = {
    NEVER: (True, _never),
    "best first picture, never cut": (True, _best_first),
    "chance": (True, _random),
    **{f"any other camera every {s:g} s": (True, _clock(s, _any_other)) for s in RHYTHMS_S},
    **{f"best picture every {s:g} s": (True, _clock(s, _best_picture)) for s in RHYTHMS_S},
    f"best picture and cut every {RHYTHMS_S[0]:g} s": (True, _clock(RHYTHMS_S[0], _best_join)),
    "greedy without cut terms": (True, _greedy(False)),
    "greedy": (True, _greedy(True)),
    BEST: (False, _best),
}
