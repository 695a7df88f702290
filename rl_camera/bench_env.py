"""How fast the environment, its adapter and training are: `measure` makes the table of `cinemotion bench camera-env`.

Environments are measured by Gymnasium's own `benchmark_vector_step`. Training is Stable-Baselines3's PPO, end to end:
rollouts and updates. On a machine that does other things meanwhile, the best of several short runs is fairest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from motion.errors import unknown

#: The environments of the table: id, settings.
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "eight keypoints, 8 spheres": (
        "cinemotion/Framing-v0",
        {"keypoints": "eight", "occluders": 8, "occluder_kind": "spheres"},
    ),
    "eight keypoints, lean": (
        "cinemotion/Framing-v0",
        {"keypoints": "eight", "occluders": 0, "observation": "lean"},
    ),
    "24 joints, 8 spheres": ("cinemotion/Framing-v0", {"occluders": 8, "occluder_kind": "spheres"}),
    "24 joints, as it comes": ("cinemotion/Framing-v0", {}),
    "four performers, 24 joints each": ("cinemotion/Framing-v0", {"performers": 4, "crowd": True}),
}

#: Ways of training, from Stable-Baselines3's own to ours; each line of the table adds one change.
VARIANTS: tuple[str, ...] = ("Stable-Baselines3", "+ fused Adam", "+ TowerPolicy", "+ LeanPPO")


@dataclass(frozen=True)
class Rate:
    """One line: environment steps per second."""

    what: str
    per_second: float
    notes: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        notes = ", ".join(f"{name} {value:.3g}" for name, value in self.notes.items())
        return f"{self.what:44s} {self.per_second:12,.0f} steps/s{f'  ({notes})' if notes else ''}"


Say = Callable[[str], None]


def make(preset: str, num_envs: int) -> VectorEnv:
    """A preset's batch in SAME_STEP mode.

    Raises:
        BadInput: no such preset.
    """
    import rl_camera.env  # noqa: F401  it registers ours

    if preset not in PRESETS:
        raise unknown("preset", preset, PRESETS)
    env_id, kwargs = PRESETS[preset]
    return gymnasium.make_vec(env_id, num_envs=num_envs, autoreset_mode=AutoresetMode.SAME_STEP, **kwargs)


def environment(preset: str, num_envs: int, seconds: int = 3) -> Rate:
    """An environment's rate by `gymnasium.utils.performance.benchmark_vector_step`, sampling of actions included."""
    from gymnasium.utils.performance import benchmark_vector_step

    env = make(preset, num_envs)
    rate = benchmark_vector_step(env, target_duration=seconds, seed=0)
    env.close()
    return Rate(f"{preset}, {num_envs}", rate)


def adapter(preset: str, num_envs: int, steps: int = 200) -> Rate:
    """What `SB3VecEnv` adds to a step, against the same batch bare, turn by turn; median of both."""
    from rl_camera.sb3 import SB3VecEnv

    bare, wrapped = make(preset, num_envs), SB3VecEnv(make(preset, num_envs))
    wrapped.seed(0)
    wrapped.reset()
    bare.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (num_envs, *bare.single_action_space.shape)).astype(np.float32)  # type: ignore[misc]
    took: dict[str, list[float]] = {"bare": [], "adapter": []}
    for _ in range(steps):
        for name, step in (("bare", bare.step), ("adapter", wrapped.step)):
            began = time.perf_counter()
            step(actions)
            took[name].append(time.perf_counter() - began)
    bare.close()
    wrapped.close()
    median = {name: float(np.median(values)) for name, values in took.items()}
    added = max(0.0, median["adapter"] - median["bare"])
    notes = {"bare ms": 1e3 * median["bare"], "adapter adds ms": 1e3 * added}
    notes["share %"] = 100 * added / median["adapter"]
    return Rate(f"Stable-Baselines3 adapter, {num_envs}", num_envs / median["adapter"], notes)


def training(preset: str, num_envs: int = 2048, *, threads: int = 2, runs: int = 5, batch: int = 4096, epochs: int = 4,
             variants: Sequence[str] = VARIANTS, rollout: int = 65_536) -> list[Rate]:  # fmt: skip
    """PPO end to end with a 64 x 64 policy, each way of training by turns so that all meet the same machine.

    Args:
        preset: of PRESETS.
        num_envs: environments.
        threads: torch's.
        runs: rollouts and updates of each variant; the best of each part counts.
        batch: samples of a minibatch.
        epochs: passes over each rollout.
        variants: of VARIANTS.
        rollout: steps of a rollout, all environments together.
    """
    from rl_camera.learn.cloning import Quiet
    from rl_camera.learn.train import use_threads
    from rl_camera.sb3 import SB3VecEnv

    before = use_threads(threads)
    steps = max(1, rollout // num_envs)
    settings = {"n_steps": steps, "batch_size": batch, "n_epochs": epochs, "device": "cpu", "seed": 0}
    models: dict[str, Any] = {}
    for name in variants:
        model = _variant(name, SB3VecEnv(make(preset, num_envs)), settings)
        _, callback = model._setup_learn(10**12, Quiet())
        models[name] = (model, callback)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(runs + 1):
        for name, (model, callback) in models.items():
            began = time.perf_counter()
            model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=steps)
            collected = time.perf_counter()
            model.train()
            took[name].append((collected - began, time.perf_counter() - collected))
    use_threads(before)
    rates = []
    for name, pairs in took.items():
        collect, update = np.min(pairs[1:], axis=0)  # the first is the warm-up
        count = steps * num_envs
        notes = {"collect us": 1e6 * collect / count, "update us": 1e6 * update / count}
        rates.append(Rate(f"PPO, {name}", count / (collect + update), notes))
    for model, _ in models.values():
        model.env.close()
    return rates


def _variant(name: str, env: Any, settings: Mapping[str, Any]) -> Any:
    from stable_baselines3 import PPO

    from rl_camera.learn.rollout import LeanPPO
    from rl_camera.learn.towers import TowerPolicy

    if name not in VARIANTS:
        raise unknown("way of training", name, VARIANTS)
    kind: Any = LeanPPO if VARIANTS.index(name) >= 3 else PPO
    policy: Any = TowerPolicy if VARIANTS.index(name) >= 2 else "MlpPolicy"
    network: dict[str, Any] = {"net_arch": [64, 64]}
    if VARIANTS.index(name) >= 1:
        network["optimizer_kwargs"] = {"eps": 1e-5, "fused": True}
    return kind(policy, env, policy_kwargs=network, **settings)


def measure(say: Say = lambda _: None, *, seconds: int = 3, sizes: Sequence[int] = (1024, 4096), threads: int = 2,
            runs: int = 5) -> list[Rate]:  # fmt: skip
    """The whole table; each line is said as it is found.

    Args:
        say: takes lines.
        seconds: of each environment's measurement.
        sizes: batch sizes of the environments.
        threads: torch's, in training.
        runs: of each way of training.
    """
    found: list[Rate] = []

    def tell(rate: Rate) -> None:
        found.append(rate)
        say(str(rate))

    for preset in PRESETS:
        for size in sizes:
            tell(environment(preset, size, seconds))
    for size in sizes:
        tell(adapter("24 joints, 8 spheres", size))
    for rate in training("24 joints, 8 spheres", threads=threads, runs=runs):
        tell(rate)
    return found
