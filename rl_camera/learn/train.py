"""Training of a camera policy, resumable: `train` runs Stable-Baselines3's PPO, from demonstrations if there are some.

In the run's folder lie ``hyperparameters.yaml``, ``log.csv``, TensorBoard ``events``, ``checkpoint.pt`` to go on from,
``best.safetensors`` (the policy that did best on held-out episodes) and ``last.safetensors``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback

from motion.errors import BadInput, CinemotionError
from motion.prior.weights import Card
from rl_camera.learn import checkpoint, cloning, hyperparameters
from rl_camera.learn.checkpoint import State
from rl_camera.learn.config import TrainConfig
from rl_camera.learn.evaluate import Score, evaluate
from rl_camera.learn.logs import RunLog
from rl_camera.learn.model import adopt, build, check_device, make_batch, make_env, ship
from rl_camera.policy_net import PolicyNet

Say = Callable[[str], None]
#: Called with the share of the budget that is spent, 0 to 1, and the steps so far.
Progress = Callable[[float, int], None]
#: Makes the card of a policy from figures of its training and its score on held-out episodes.
MakeCard = Callable[[dict[str, Any], Score | None], Card]

SAVE_EVERY_S = 60.0
BEST, LAST, SETTINGS = "best.safetensors", "last.safetensors", "hyperparameters.yaml"


@dataclass(frozen=True)
class Budget:
    """When a run ends: after ``steps`` of environments or ``minutes``, all sittings together, whichever comes first.

    With neither, after the hyperparameters' ``n_timesteps``.
    """

    minutes: float | None = None
    steps: int | None = None

    def spent(self, steps: int, seconds: float) -> float:
        """Share that is spent, 0 to 1."""
        shares = [steps / self.steps] if self.steps else []
        if self.minutes:
            shares.append(seconds / (60.0 * self.minutes))
        return min(1.0, max(shares, default=0.0))


@dataclass(frozen=True)
class Trained:
    """What a run has made."""

    best: PolicyNet  # on held-out episodes
    score: Score  # of the best, on them
    last: PolicyNet
    steps: int
    seconds: float  # of training, all sittings together


def plain_card(training: dict[str, Any], score: Score | None) -> Card:
    """A card that tells training and score and nothing of data."""
    measured = {"held-out episodes": score.figures()} if score else {}
    return Card("camera", "own", "", training=training, measured=measured)


def train(
    config: TrainConfig,
    folder: Path,
    budget: Budget | None = None,
    *,
    seed: int = 0,
    demonstrator: cloning.Demonstrator | None = None,
    begin: PolicyNet | None = None,
    device: str = "cpu",
    card: MakeCard = plain_card,
    say: Say = cloning.print_nothing,
    progress: Progress = lambda share, steps: None,
) -> Trained:
    """Train a policy in ``folder``, or go on where a run there was left.

    Args:
        config: hyperparameters.
        folder: of the run.
        budget: when it ends.
        seed: of networks, environments and exploration.
        demonstrator: a planner to clone first.
        begin: a policy to train on from.
        device: of the networks; environments step on the CPU.
        card: makes the card of what is written.
        say: takes lines for a log.
        progress: told after every rollout.

    Raises:
        BadInput: wrong settings, no such device, a folder with another run, or a planner that cannot label for DAgger.
        MissingExtra: memory is asked for and sb3-contrib is not installed.
    """
    budget = budget or Budget()
    if budget.minutes is None and budget.steps is None:
        budget = Budget(steps=config.n_timesteps)
    check_device(device)
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / checkpoint.NAME
    hyperparameters.write(config, folder / SETTINGS)
    after_cloning = demonstrator is not None and begin is None
    ppo = replace(config, learning_rate=replace(config.learning_rate, initial=config.cloning.learning_rate_after),
                  target_kl=config.cloning.target_kl) if after_cloning else config  # fmt: skip
    env = make_env(ppo)
    held_out = make_batch(config.env, config.evaluation.episodes, config.held_out)
    try:
        model = build(ppo, env, seed, device)
        log = RunLog(folder)
        model.set_logger(log.logger())
        state = State()
        if found.is_file():
            state = checkpoint.restore(found, model)
            env.seed(seed + state.steps)  # new episodes, not those that the run began with
            say(f"goes on at {state.steps:,} steps after {state.seconds / 60:.1f} minutes")
        run = _Run(config, budget, folder, held_out, card, say, progress, state, log, seed)
        try:
            if state.stage == "begin":
                if begin is not None:
                    adopt(model, begin)
                elif demonstrator is not None:
                    _imitate(model, config, demonstrator, run, seed)
                state.stage = "ppo"
            if budget.spent(state.steps, state.seconds) < 1.0:
                # The run ends by its budget, which `_Run` watches; the library only counts.
                model._update_current_progress_remaining = run.remaining
                model.learn(10**15, callback=run, reset_num_timesteps=False)
            run.measure(model, final=True)
        finally:
            run.keep(model)
            log.close()
        best = PolicyNet.load(folder / BEST)
        return Trained(best, evaluate(best, held_out, config.evaluation.seed), ship(model, run.card_now(None)),
                       state.steps, state.seconds)  # fmt: skip
    finally:
        env.close()
        held_out.close()


def _imitate(model: Any, config: TrainConfig, demonstrator: cloning.Demonstrator, run: _Run, seed: int) -> None:
    """Clone the planner, let it correct the clone, teach the critic."""
    how = config.cloning
    labeller = demonstrator if isinstance(demonstrator, cloning.Labeller) else None
    if how.dagger and labeller is None:
        raise BadInput("cloning.dagger: this planner has no `label`, so it cannot say what it would do elsewhere")
    batch = make_batch(config.env, min(how.episodes, config.n_envs), config.env_kwargs)
    run.say(f"demonstrations: {how.episodes} episodes")
    obs, actions = demonstrator.demonstrate(batch, how.episodes, seed)
    batch.close()
    model._setup_learn(1, None, reset_num_timesteps=False)
    done = cloning.clone(model, obs, actions, how, seed, run.say)
    for k in range(how.dagger if labeller else 0):
        assert labeller is not None
        batch = make_batch(config.env, how.dagger_episodes, config.env_kwargs)
        more_obs, more_actions = cloning.relabel(model, batch, labeller, seed + 7_000_003 * (k + 1))
        batch.close()
        joined = _joined((obs, actions), (more_obs, more_actions))
        obs, actions = joined
        done = cloning.clone(model, obs, actions, how, seed + k + 1, run.say)
        run.say(f"DAgger round {k + 1}: {done.samples:,} samples, held-out error {done.error:.4f}")
    run.state.notes |= {"cloned_samples": done.samples, "cloned_error": round(done.error, 5)}
    score = run.measure(model)
    run.say(f"cloned: {score.mean:.3f} on held-out episodes")
    run.state.notes["cloned_return"] = round(score.mean, 4)
    if how.warm_rollouts:
        cloning.warm_value(model, how.warm_rollouts, how.learning_rate, run.say)
        run.state.steps = model.num_timesteps
    run.keep(model)


def _joined(one: tuple[np.ndarray, np.ndarray], more: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Old and new demonstrations; the new ones first, so that what is held out stays the same."""
    if one[0].ndim == 3 and one[0].shape[1] == more[0].shape[1]:
        return np.concatenate([more[0], one[0]]), np.concatenate([more[1], one[1]])
    flat = [tuple(a.reshape(-1, a.shape[-1]) for a in pair) for pair in (more, one)]
    return np.concatenate([flat[0][0], flat[1][0]]), np.concatenate([flat[0][1], flat[1][1]])


class _Run(BaseCallback):
    """Watches a run between updates: budget, held-out episodes, checkpoints, figures."""

    def __init__(self, config: TrainConfig, budget: Budget, folder: Path, held_out: Any, card: MakeCard, say: Say,
                 progress: Progress, state: State, log: RunLog, seed: int) -> None:  # fmt: skip
        super().__init__()
        self.config, self.budget, self.folder, self.held_out = config, budget, folder, held_out
        self.make_card, self.say, self.progress = card, say, progress
        self.state, self.log, self.seed = state, log, seed
        self.over = False
        self._before, self._began = state.seconds, time.monotonic()
        self._saved = time.monotonic()

    def remaining(self, *_: Any) -> None:
        """Stands in for the library's count of steps: schedules follow the budget, which may be minutes."""
        self._tick()
        self.model._current_progress_remaining = 1.0 - self.budget.spent(self.state.steps, self.state.seconds)

    def _tick(self) -> None:
        self.state.seconds = self._before + time.monotonic() - self._began
        self.state.steps = max(self.state.steps, self.model.num_timesteps)

    def _on_training_start(self) -> None:
        if self.state.evaluated == 0 and self.state.best == float("-inf"):
            self.measure(self.model)

    def _on_rollout_start(self) -> None:
        """The update before is done: measure, keep, and see whether the run is over."""
        self._tick()
        share = self.budget.spent(self.state.steps, self.state.seconds)
        self.progress(share, self.state.steps)
        self.over = share >= 1.0
        if self.over:
            return
        if self.state.steps - self.state.evaluated >= self.config.evaluation.every:
            self.measure(self.model)
        if time.monotonic() - self._saved > SAVE_EVERY_S:
            self.keep(self.model)

    def _on_step(self) -> bool:
        return not self.over

    def _on_rollout_end(self) -> None:
        told = [one["terms"] for one in self.model.ep_info_buffer or () if "terms" in one]
        for name in told[0] if told else ():
            self.logger.record(f"terms/{name}", float(np.mean([one[name] for one in told if name in one])))

    def measure(self, model: Any, final: bool = False) -> Score:
        """Held-out episodes; the best policy so far is written."""
        self.state.evaluated = max(self.state.steps, 1)
        net = ship(model)
        score = evaluate(net, self.held_out, self.config.evaluation.seed)
        self.log.write({f"held_out/{name}": value for name, value in score.figures().items()}, step=self.state.steps)
        if not final:
            self.say(f"{self.state.steps:,} steps: {score.mean:.3f} ± {score.std:.3f} on held-out episodes")
        if score.mean > self.state.best or not (self.folder / BEST).is_file():
            self.state.best, self.state.best_std = score.mean, score.std
            net.card = self.card_now(score)
            net.save(self.folder / BEST)
        return score

    def card_now(self, score: Score | None) -> Card:
        """The card of the policy as it is."""
        training = {"steps": self.state.steps, "minutes": round(self.state.seconds / 60, 2), "seed": self.seed,
                    **self.state.notes}  # fmt: skip
        made = self.make_card(training, score)
        env = {"id": self.config.env, "kwargs": dict(self.config.env_kwargs)}
        return replace(made, config={**made.config, "env": env})

    def keep(self, model: Any) -> None:
        """Write the checkpoint; a full disk loses the new one, never the old one."""
        self._saved = time.monotonic()
        try:
            checkpoint.save(self.folder / checkpoint.NAME, model, self.state)
            ship(model, self.card_now(None)).save(self.folder / LAST)
        except CinemotionError as error:
            self.say(f"checkpoint not written at {self.state.steps:,} steps, the one before is kept: {error}")


def use_threads(count: int | None) -> int:
    """Let torch compute with so many threads, or leave it as it is; returns how many it was."""
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    return before
