"""`CoverageVectorEnv`: many scenes at once, each cut by choosing cameras, as a native Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from motion.camera import CameraPath
from motion.clip import Clip
from motion.errors import BadInput
from motion.stage import Performance, Stage
from rl_camera.coverage import core, observation
from rl_camera.coverage.bank import Bank, bake
from rl_camera.coverage.config import CoverageConfig, Library
from rl_camera.coverage.core import TERMS, State
from rl_camera.coverage.observation import Slot
from rl_camera.coverage.scenes import Scene
from rl_camera.env.draws import uniforms
from rl_camera.seeded import RENDER_MODES, SeededVectorEnv


@dataclass(frozen=True)
class Shown:
    """What a renderer draws: a moment of a scene through the camera that is on."""

    performances: tuple[Performance, ...]  # without bodies
    stage: Stage
    camera: CameraPath  # of one frame
    time_s: float
    aspect: float


#: Makes a picture ``(H, W, 3)`` uint8.
Renderer = Callable[[Shown], np.ndarray]


class CoverageVectorEnv(SeededVectorEnv):
    """Scenes with K cameras, N at a time; every half second each is told which camera is on.

    Actions ``(N,)`` are camera numbers: the one that is on holds, another cuts. Before a shot has lasted its shortest
    time, and when less than that is left of the episode, the choice of another is held back (``held`` in the infos;
    ``action_mask`` there and in the observation says which choices count). The first choice of an episode is free.
    Rewards are those of `editing` (see `core.step`), in seconds of a perfect picture; `Bank.best_edit` is the most that
    a scene can pay. Episodes end by their time limit alone, which is truncation.

    Args:
        num_envs: N.
        max_episode_steps: decisions of an episode at most; None: all of the scene.
        autoreset_mode: ``same_step`` (its own), ``next_step`` or ``disabled``.
        render_mode: ``rgb_array`` or None.
        renderer: draws a picture for ``render``; None: stick figures.
        library: motion that scenes are made of, or clips; None: the captures that the settings name.
        bank: scenes that are there already, instead of both; settings are then its own.
        config: all other settings at once.
        **options: settings of `CoverageConfig`, one by one.

    Raises:
        BadInput: no such setting, or a value out of range.
    """

    label = "Coverage-v0"
    metadata: dict[str, Any] = {  # noqa: RUF012  Gymnasium's own way
        "render_modes": list(RENDER_MODES),
        "render_fps": 2,
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
        library: Library | Sequence[Clip] | None = None,
        bank: Bank | None = None,
        config: CoverageConfig | None = None,
        **options: Any,
    ) -> None:
        self._open(num_envs, autoreset_mode, render_mode)  # before the scenes are made, which takes a while
        if max_episode_steps is not None and max_episode_steps < 1:
            raise BadInput(f"Coverage-v0: episodes of {max_episode_steps} steps, expected at least 1")
        if bank is not None and (library is not None or config is not None or options):
            raise BadInput("Coverage-v0: a bank brings its own settings; give either it or a library and settings")
        self.bank = bank or bake((config or CoverageConfig()).with_options(options), library)
        self.config = self.bank.config
        self.steps = self.config.steps if max_episode_steps is None else min(max_episode_steps, self.config.steps)
        fps = max(1, round(1.0 / self.config.tick_s))
        self.metadata = {**type(self).metadata, "autoreset_mode": self.mode, "render_fps": fps}
        self.renderer = renderer
        self.single_observation_space = core.space(self.bank)
        self.single_action_space = spaces.Discrete(self.config.cameras)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.state = State.begin(np.zeros(num_envs, np.int64))
        self._sums = np.zeros((len(TERMS) + 2, num_envs))  # terms, cuts, return
        self._drawn: dict[int, Scene] = {}

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What each number of an observation is."""
        return observation.slots(self.config)

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
        self._ready = True
        infos = self._infos({name: np.zeros(self.num_envs, np.float32) for name in TERMS})
        return core.observe(self.bank, self.state, self.steps), infos

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One tick of all environments; see Gymnasium's `VectorEnv.step`.

        Raises:
            gymnasium.error.ResetNeeded: before the first reset, or, with autoreset disabled, after an episode's end.
            BadInput: actions of another shape, or of cameras that there are not.
        """
        self._may_step()
        actions = self._checked(actions)
        waiting = np.flatnonzero(self._ended)  # NEXT_STEP alone: those whose episode begins anew in this step
        if len(waiting):
            self._begin(waiting)
        before = self.state.copy()
        moved = core.step(self.bank, before, actions, self.steps)
        self.state, reward, terms, cut, held = moved.state, moved.reward, moved.terms, moved.cut, moved.held
        if len(waiting):
            self.state.put(waiting, _some(before, waiting))
            for values in (reward, cut, held, *terms.values()):
                values[waiting] = 0
        self._sums += np.stack([*terms.values(), cut, reward])
        truncated = self.state.t >= self.steps
        self._ended = truncated.copy()
        obs = core.observe(self.bank, self.state, self.steps)
        infos = self._infos(terms, held)
        if truncated.any():
            final, done = self._final(truncated), np.flatnonzero(truncated)
            if self.mode == AutoresetMode.SAME_STEP:
                # Gymnasium gives final observations for all environments; rows of those that go on are zero.
                last = np.where(truncated[:, None], obs, np.float32(0.0))
                final |= {name: _only(value, truncated) for name, value in infos.items()}
                self._begin(done)
                obs[done] = core.observe(self.bank, _some(self.state, done), self.steps)
                for values in (held, *terms.values()):
                    values[done] = 0
                infos = self._infos(terms, held)
                infos |= {"final_obs": last, "_final_obs": truncated.copy()}
                infos |= {"final_info": final, "_final_info": truncated.copy()}
            else:
                infos |= final
        return obs, reward, np.zeros(self.num_envs, bool), truncated, infos

    def picture(self, index: int) -> np.ndarray:
        """One environment's picture by the renderer that was handed in, or as stick figures."""
        if self.renderer is None:
            from rl_camera.coverage.sketch import sketch

            self.renderer = sketch
        return self.renderer(self.shown(index))

    def shown(self, index: int) -> Shown:
        """The moment that an environment is at, through its camera; through the first before any is on."""
        number, t = int(self.state.scene[index]), int(self.state.t[index])
        if number not in self._drawn:
            self._drawn[number] = self.bank.scene(number)
        scene, camera = self._drawn[number], max(0, int(self.state.camera[index]))
        path = self.bank.camera(number, camera, t)
        return Shown(scene.performances, scene.stage, path, t * self.config.tick_s, self.config.aspect)

    # ---- within

    def _begin(self, index: np.ndarray) -> None:
        """New episodes: which scene is a function of the environment's seed and of how many it has had."""
        assert self._seeds is not None
        drawn = uniforms(self._seeds[index], self._count[index], 1)[0]
        scene = np.minimum((drawn * self.bank.size).astype(np.int64), self.bank.size - 1)
        self._count[index] += np.uint64(1)
        self.state.put(index, State.begin(scene))
        self._sums[:, index] = 0.0
        self._ended[index] = False

    def _checked(self, actions: np.ndarray) -> np.ndarray:
        given = np.asarray(actions)
        if given.shape != (self.num_envs,) or given.dtype.kind not in "iu":
            raise BadInput(
                f"Coverage-v0: actions {given.dtype} {given.shape}, expected whole numbers ({self.num_envs},)"
            )
        wrong = (given < 0) | (given >= self.config.cameras)
        if wrong.any():
            first = given[int(wrong.argmax())]
            raise BadInput(f"Coverage-v0: action {first}, expected a camera from 0 to {self.config.cameras - 1}")
        return given.astype(np.int64)

    def _infos(self, terms: dict[str, np.ndarray], held: np.ndarray | None = None) -> dict[str, Any]:
        state, everyone = self.state, np.ones(self.num_envs, bool)
        infos: dict[str, Any] = dict(terms)
        infos |= {
            "action_mask": core.mask(self.bank, state, self.steps),
            "held": np.zeros(self.num_envs, bool) if held is None else held,
            "camera": state.camera.copy(),
            "scene": state.scene.copy(),
        }
        return infos | {f"_{name}": everyone.copy() for name in infos}

    def _final(self, done: np.ndarray) -> dict[str, Any]:
        """What an ended episode was like: return, length, cuts, and the mean of every term over its ticks."""
        length = np.where(done, self.state.t, 0)
        means = np.where(done, self._sums[: len(TERMS)] / np.maximum(length, 1), 0.0)
        final: dict[str, Any] = {
            "episode_return": np.where(done, self._sums[-1], 0.0),
            "episode_length": length,
            "episode_cuts": np.where(done, self._sums[-2], 0.0).astype(np.int64),
        }
        final |= {f"mean_{name}": means[k].astype(np.float32) for k, name in enumerate(TERMS)}
        return final | {f"_{name}": done.copy() for name in list(final)}


def _only(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A copy that holds zeros outside of some rows."""
    out = np.zeros_like(values)
    out[rows] = values[rows]
    return out


def _some(state: State, index: np.ndarray) -> State:
    return State(state.scene[index], state.t[index], state.camera[index], state.age[index])
