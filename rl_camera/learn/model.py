"""From hyperparameters to a model that learns, and to the policy that ships: `make_env`, `build`, `ship`, `adopt`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3.common.vec_env import VecEnv, VecNormalize, unwrap_vec_normalize
from torch import nn

from motion.errors import BadInput, need, unknown
from motion.prior.weights import Card
from rl_camera.learn.config import TrainConfig
from rl_camera.learn.rollout import LeanPPO
from rl_camera.learn.towers import TowerPolicy
from rl_camera.policy_net import KIND, Cell, PolicyNet, Shape
from rl_camera.sb3 import SB3VecEnv

_ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}


def make_batch(env_id: str, num_envs: int, kwargs: Mapping[str, Any]) -> VectorEnv:
    """A vector environment in SAME_STEP mode, native where there is one.

    Raises:
        BadInput: no such environment, its settings are wrong, or its spaces are not what a camera policy has.
    """
    if env_id.startswith("cinemotion/"):
        importlib.import_module("rl_camera.env")
    try:
        spec = gymnasium.spec(env_id)
    except gymnasium.error.Error as error:
        ours = [name for name in gymnasium.registry if name.startswith("cinemotion/")]
        raise unknown("environment", env_id, ours) from error
    mode: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP}
    sync: dict[str, Any] = {"vectorization_mode": "sync", "vector_kwargs": mode}
    try:
        try:
            own = mode if spec.vector_entry_point is not None else sync
            env = gymnasium.make_vec(env_id, num_envs=num_envs, **own, **kwargs)
        except TypeError as error:
            if "autoreset_mode" not in str(error):
                raise
            env = gymnasium.make_vec(env_id, num_envs=num_envs, **sync, **kwargs)  # its own batch knows one mode
    except TypeError as error:
        raise BadInput(f"{env_id}: {error}") from None
    obs, act = env.single_observation_space, env.single_action_space
    if not isinstance(obs, gymnasium.spaces.Box) or len(obs.shape) != 1:
        raise BadInput(f"{env_id}: observations are {obs}, expected a flat Box")
    if not isinstance(act, gymnasium.spaces.Box) or len(act.shape) != 1:
        raise BadInput(f"{env_id}: actions are {act}, expected a flat Box")
    return env


def make_env(config: TrainConfig) -> VecEnv:
    """The environments to train in."""
    batch = make_batch(config.env, config.n_envs, config.env_kwargs)
    env: VecEnv = SB3VecEnv(batch, stagger=_episode_length(batch))
    return VecNormalize(env, gamma=config.gamma) if config.normalize else env


def _episode_length(batch: VectorEnv) -> int:
    """Steps of an episode where the environment says and can begin again one by one; else 0."""
    settings = getattr(batch.unwrapped, "config", None)
    length = getattr(settings, "steps", None)
    return int(length) if isinstance(length, int) else 0


def build(config: TrainConfig, env: VecEnv, seed: int, device: str = "cpu") -> Any:
    """A model of Stable-Baselines3 (`LeanPPO`) or, with memory, of sb3-contrib (`RecurrentPPO`).

    Args:
        config: hyperparameters.
        env: to learn in; it steps on the CPU wherever the networks are.
        seed: of weights and exploration.
        device: of the networks: ``cpu``, ``cuda``, ``cuda:1``.

    Raises:
        MissingExtra: memory is asked for and sb3-contrib is not installed.
    """
    arch: Any = {"pi": list(config.net_arch), "vf": list(config.net_arch_vf or config.net_arch)}
    network: dict[str, Any] = {
        "net_arch": arch,
        "activation_fn": _ACTIVATIONS[config.activation],
        "log_std_init": config.log_std_init,
        "optimizer_kwargs": {"eps": 1e-5, "fused": True},  # one call for all tensors instead of a loop
    }
    settings: dict[str, Any] = {
        "learning_rate": config.learning_rate.function(),
        "clip_range": config.clip_range.function(),
        "n_steps": config.n_steps,
        "batch_size": config.batch_size,
        "n_epochs": config.n_epochs,
        "gamma": config.gamma,
        "gae_lambda": config.gae_lambda,
        "ent_coef": config.ent_coef,
        "vf_coef": config.vf_coef,
        "max_grad_norm": config.max_grad_norm,
        "target_kl": config.target_kl,
        "seed": seed,
        "device": device,
        "stats_window_size": max(100, config.n_envs),
        "policy_kwargs": network,
    }
    if config.recurrent:
        need("sb3_contrib", "train", "a policy with memory")
        from sb3_contrib import RecurrentPPO

        network["lstm_hidden_size"] = config.lstm_hidden_size
        return RecurrentPPO("MlpLstmPolicy", env, **settings)
    return LeanPPO(TowerPolicy, env, **settings)


def check_device(name: str) -> None:
    """Refuse a device that torch does not find here; raises `BadInput`."""
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise BadInput(f"device '{name}': {reason}; expected cpu, cuda or cuda:1, and a torch that knows it") from None


def ship(model: Any, card: Card | None = None) -> PolicyNet:
    """The policy of a model as it ships: weights, normalisation, exploration, and the critic to train on from."""
    policy = model.policy
    stats: dict[str, Any] = {}
    normaliser = unwrap_vec_normalize(model.get_env())
    if normaliser is not None:
        rms: Any = normaliser.obs_rms
        stats = {
            "mean": rms.mean.astype(np.float32),
            "std": np.sqrt(rms.var + normaliser.epsilon).astype(np.float32),
            "clip": float(normaliser.clip_obs),
        }
    lstm = getattr(policy, "lstm_actor", None)
    cell = None
    if lstm is not None:
        names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
        cell = Cell("lstm", *(_array(getattr(lstm, name)) for name in names))
    kinds = {kind: name for name, kind in _ACTIVATIONS.items()}
    shape = Shape(
        layers=_chain(policy.mlp_extractor.policy_net, policy.action_net),
        activation=kinds[policy.activation_fn],
        cell=cell,
        log_std=_array(policy.log_std),
        value=() if lstm is not None else _chain(policy.mlp_extractor.value_net, policy.value_net),
        **stats,
    )
    return PolicyNet(shape, card or Card(KIND, "own", ""))


def adopt(model: Any, net: PolicyNet) -> None:
    """Give a model a shipped policy's weights, to train on from; the normaliser's statistics too.

    Raises:
        BadInput: the networks are of other sizes.
    """
    policy, shape = model.policy, net.shape
    pairs: list[tuple[Any, Any]] = []
    for body, head, chain in (
        (policy.mlp_extractor.policy_net, policy.action_net, shape.layers),
        (policy.mlp_extractor.value_net, policy.value_net, shape.value),
    ):
        linear = _linear(body, head)
        if chain and len(chain) != len(linear):
            raise BadInput(f"{net.where}: {len(chain)} layers, expected {len(linear)} as net_arch says")
        pairs += [(p, a) for layer, (w, b) in zip(linear, chain) for p, a in ((layer.weight, w), (layer.bias, b))]
    lstm = getattr(policy, "lstm_actor", None)
    if (lstm is None) != (shape.cell is None):
        kinds = ["without memory" if one is None else "with memory" for one in (shape.cell, lstm)]
        raise BadInput(f"{net.where}: a policy {kinds[0]}, expected one {kinds[1]}")
    if lstm is not None and shape.cell is not None:
        cell = shape.cell
        pairs += [(lstm.weight_ih_l0, cell.input_weight), (lstm.weight_hh_l0, cell.hidden_weight)]
        pairs += [(lstm.bias_ih_l0, cell.input_bias), (lstm.bias_hh_l0, cell.hidden_bias)]
    if shape.log_std is not None:
        pairs.append((policy.log_std, shape.log_std))
    for parameter, array in pairs:
        if tuple(parameter.shape) != tuple(array.shape):
            raise BadInput(f"{net.where}: a layer of {tuple(array.shape)}, expected {tuple(parameter.shape)}")
    with torch.no_grad():
        for parameter, array in pairs:
            parameter.copy_(torch.from_numpy(np.asarray(array, np.float32)))
    normaliser = unwrap_vec_normalize(model.get_env())
    if (normaliser is None) != (shape.mean is None):
        raise BadInput(f"{net.where}: normalised observations in one and not in the other; set normalize as it has it")
    if normaliser is not None and shape.mean is not None and shape.std is not None:
        set_statistics(normaliser, shape.mean, shape.std**2 - normaliser.epsilon, count=1e6)


def set_statistics(normaliser: VecNormalize, mean: Any, variance: Any, count: float) -> None:
    """Give a normaliser statistics of observations ``(D,)``; ``count`` says how slowly they move from there."""
    rms: Any = normaliser.obs_rms
    rms.mean, rms.var, rms.count = np.asarray(mean, np.float64), np.asarray(variance, np.float64), float(count)


def _linear(body: Any, head: Any) -> list[nn.Linear]:
    return [layer for layer in (*body, head) if isinstance(layer, nn.Linear)]


def _chain(body: Any, head: Any) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    return tuple((_array(layer.weight), _array(layer.bias)) for layer in _linear(body, head))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float32, copy=True)
