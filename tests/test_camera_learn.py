"""Training of camera policies: the same learning as Stable-Baselines3's, files, cloning, resuming, and the command."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from point_env import LIMIT, PointVectorEnv, _seen
from ruamel.yaml import YAML
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from torch import nn

from cinemotion import train_camera
from motion.errors import BadInput
from rl_camera import bench_env
from rl_camera.learn import checkpoint, cloning, hyperparameters
from rl_camera.learn.config import Cloning, Evaluation, Schedule, TrainConfig
from rl_camera.learn.evaluate import evaluate
from rl_camera.learn.model import adopt, build, make_batch, make_env, ship
from rl_camera.learn.rollout import LeanPPO, LeanRolloutBuffer
from rl_camera.learn.towers import TowerPolicy, fast_tanh
from rl_camera.learn.train import BEST, LAST, Budget, train
from rl_camera.policy_net import PolicyNet
from rl_camera.sb3 import SB3VecEnv

SAME = AutoresetMode.SAME_STEP
POINT = "tests/Point-v0"
if POINT not in gymnasium.registry:
    gymnasium.register(POINT, entry_point="point_env:PointEnv", vector_entry_point="point_env:PointVectorEnv")
TINY = TrainConfig(
    env=POINT, n_envs=16, n_steps=8, batch_size=64, n_epochs=2, net_arch=(16, 16), gamma=0.9,
    learning_rate=Schedule(3e-3, linear=True), evaluation=Evaluation(episodes=8, every=512),
    cloning=Cloning(episodes=64, epochs=30, batch_size=64, learning_rate=5e-3, warm_rollouts=2, dagger_episodes=32),
)  # fmt: skip


def batch(n: int = 16) -> SB3VecEnv:
    return SB3VecEnv(PointVectorEnv(n, autoreset_mode=SAME))


class Push:
    """Knows the way: straight to the origin."""

    def demonstrate(self, env: Any, episodes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        obs, _ = env.reset(seed=seed)
        seen, done = [], []
        for _ in range(LIMIT * max(1, episodes // env.num_envs)):
            seen.append(obs)
            done.append(self._act(obs))
            obs = env.step(done[-1])[0]
        return np.stack(seen, 1), np.stack(done, 1)

    def label(self, env: PointVectorEnv) -> np.ndarray:
        return self._act(_seen(env.place, env.age))

    def _act(self, obs: np.ndarray) -> np.ndarray:
        return np.clip(-obs[:, :2] / 0.5, -1, 1).astype(np.float32)


# ---- as Stable-Baselines3, only faster


def test_fast_tanh_is_tanh() -> None:
    z = torch.linspace(-30, 30, 100_001)
    assert float((fast_tanh(z.clone()) - z.tanh()).abs().max()) < 3e-7


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU, nn.GELU])
def test_a_tower_policy_is_an_mlp_policy(activation: type[nn.Module]) -> None:
    kwargs: dict[str, Any] = {
        "net_arch": {"pi": [16, 8], "vf": [12]},
        "activation_fn": activation,
        "log_std_init": -0.5,
    }
    settings: dict[str, Any] = {"policy_kwargs": kwargs, "n_steps": 8, "batch_size": 32, "device": "cpu", "seed": 1}
    plain, fast = PPO("MlpPolicy", batch(), **settings), PPO(TowerPolicy, batch(), **settings)
    fast.policy.load_state_dict(plain.policy.state_dict())
    assert fast.policy.plain == (activation is not nn.GELU)
    obs, actions = torch.randn(32, 3), torch.randn(32, 2)
    for a, b in zip(plain.policy.evaluate_actions(obs, actions), fast.policy.evaluate_actions(obs, actions)):
        torch.testing.assert_close(a, b, atol=2e-6, rtol=1e-5)
    for policy in (plain.policy, fast.policy):
        values, log_prob, entropy = policy.evaluate_actions(obs, actions)
        (values.square().mean() + log_prob.exp().mean() + 0.1 * entropy.mean()).backward()
    for (name, a), (_, b) in zip(plain.policy.named_parameters(), fast.policy.named_parameters()):
        torch.testing.assert_close(a.grad, b.grad, atol=2e-6, rtol=1e-4, msg=name)
    torch.manual_seed(3)
    acted, values, log_prob = fast.policy(obs)
    again, told, _ = fast.policy.evaluate_actions(obs, acted)
    torch.testing.assert_close(values, again)
    torch.testing.assert_close(log_prob, told, atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(fast.policy(obs, deterministic=True)[0], plain.policy(obs, deterministic=True)[0])
    assert float(acted.detach().std(0).mean()) > 0.3


def test_advantages_are_stable_baselines_own() -> None:
    rng, env = np.random.default_rng(0), batch(5)
    both = [
        kind(9, env.observation_space, env.action_space, "cpu", 0.9, 0.95, 5)
        for kind in (RolloutBuffer, LeanRolloutBuffer)
    ]
    theirs, ours = both
    for _ in range(9):
        obs, actions = rng.normal(size=(5, 3)).astype("f4"), rng.normal(size=(5, 2)).astype("f4")
        rewards, starts = rng.normal(size=5).astype("f4"), rng.random(5) < 0.3
        values, logs = (
            torch.from_numpy(rng.normal(size=(5, 1)).astype("f4")),
            torch.from_numpy(rng.normal(size=5).astype("f4")),
        )
        theirs.add(obs, actions, rewards, starts, values, logs)
        ours.put_observations(np.asfortranarray(obs))
        ours.put(torch.from_numpy(actions), rewards, starts, values, logs)
    last, dones = torch.from_numpy(rng.normal(size=(5, 1)).astype("f4")), rng.random(5) < 0.5
    for buffer in both:
        buffer.compute_returns_and_advantage(last, dones)
    for name in (
        "observations",
        "actions",
        "rewards",
        "values",
        "log_probs",
        "advantages",
        "returns",
        "episode_starts",
    ):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-6, err_msg=name)
    got = {
        tuple(row.tolist()) for part in ours.get(7) for row in torch.cat([part.observations, part.returns[:, None]], 1)
    }
    want = {
        tuple(row.tolist())
        for part in theirs.get(7)
        for row in torch.cat([part.observations, part.returns[:, None]], 1)
    }
    assert len(got) == 45 and np.allclose(sorted(got), sorted(want), atol=1e-6)


def test_lean_ppo_collects_and_learns_what_ppo_does() -> None:
    settings: dict[str, Any] = {
        "n_steps": 2 * LIMIT,
        "batch_size": 16 * 2 * LIMIT,
        "n_epochs": 3,
        "device": "cpu",
        "seed": 4,
    }
    plain, lean = PPO("MlpPolicy", batch(), **settings), LeanPPO("MlpPolicy", batch(), **settings)
    # One minibatch holds the whole rollout, so that its order does not matter.
    for model in (plain, lean):
        torch.manual_seed(0)
        model.learn(2 * 16 * 2 * LIMIT)
    assert plain.num_timesteps == lean.num_timesteps
    for (name, a), (_, b) in zip(plain.policy.named_parameters(), lean.policy.named_parameters()):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3, msg=name)
    ours, theirs = ([e["r"] for e in m.ep_info_buffer] for m in (lean, plain))
    assert len(ours) == len(theirs) > 16 and np.allclose(ours, theirs, atol=1e-3)


def test_environments_are_spread_over_their_episodes() -> None:
    class Fixed(PointVectorEnv):
        def step(self, actions: np.ndarray) -> Any:
            self.place[:] = 3.0  # nobody arrives: every episode takes its whole time
            return super().step(actions)

    env = SB3VecEnv(Fixed(60, autoreset_mode=SAME), stagger=LIMIT)
    env.seed(0)
    env.reset()
    ended = [int(env.step(np.zeros((60, 2), np.float32))[2].sum()) for _ in range(LIMIT)]
    assert sum(ended) == 60 and max(ended) - min(ended) <= 1
    together = SB3VecEnv(Fixed(60, autoreset_mode=SAME))
    together.reset()
    assert [int(together.step(np.zeros((60, 2), np.float32))[2].sum()) for _ in range(LIMIT)][-1] == 60


# ---- hyperparameter files


def test_hyperparameters_read_as_they_were_written(tmp_path: Path) -> None:
    for config in (
        TrainConfig(),
        replace(TINY, normalize=True, target_kl=0.02, net_arch_vf=(8,), activation="relu", env_kwargs={"a": [1, 2]}),
        replace(TINY, policy="MlpLstmPolicy", lstm_hidden_size=7, evaluation=Evaluation(env_kwargs={"split": "all"})),
    ):
        hyperparameters.write(config, tmp_path / "h.yaml")
        assert hyperparameters.read(tmp_path / "h.yaml") == config
        assert hyperparameters.read(tmp_path / "h.yaml", config.env) == config


ZOO = """
Pendulum-v1: &here
  n_envs: 8
  n_timesteps: !!float 1e5
  policy: 'MlpPolicy'
  n_steps: 512
  batch_size: 64
  learning_rate: lin_3e-4
  clip_range: 0.3
  normalize: "dict(norm_obs=True, norm_reward=True)"
  policy_kwargs: "dict(log_std_init=-2, ortho_init=True, activation_fn=nn.ReLU, net_arch=dict(pi=[256, 256], vf=[64]))"
default:
  n_envs: 4
  batch_size: 32
"""


def test_files_of_the_zoo_are_read() -> None:
    config = hyperparameters.parse(ZOO)
    assert (config.env, config.n_timesteps, config.normalize) == ("Pendulum-v1", 100_000, True)
    assert (config.net_arch, config.net_arch_vf, config.activation, config.log_std_init) == (
        (256, 256),
        (64,),
        "relu",
        -2,
    )
    assert config.learning_rate.function()(0.5) == pytest.approx(1.5e-4) and config.clip_range.function()(0.1) == 0.3
    assert hyperparameters.parse(ZOO, env="Other-v0").n_envs == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not YAML"), ("x", "expected an environment's id"), ("A-v0: 3", "A-v0: 3, expected a table"),
        ("A-v0: {n_env: 3}", "did you mean 'n_envs'"), ("A-v0: {learning_rate: lin_x}", "lin_3e-4"),
        ("A-v0: {batch_size: 9999999}", "at most n_envs x n_steps"), ("A-v0: {frame_stack: 4}", "not supported"),
        ("A-v0: {}\nB-v0: {}", "say which"), ("A-v0: {n_steps: 1.5}", "a whole number"),
        ("A-v0: {gamma: .nan}", "gamma"),
        ("A-v0: {policy_kwargs: 'dict(a=__import__(1))'}", "expected a table"), ("A-v0: {policy: Mlp}", "MlpPolicy"),
        ("A-v0: {policy_kwargs: {net_arch: 64}}", "list of layer widths"), ("A-v0: {n_envs: true}", "whole number"),
        ("A-v0: {policy_kwargs: {activation_fn: tahn}}", "did you mean 'tanh'"), ("A-v0: {normalize: 3}", "normalize"),
        ("A-v0: {}\ncinemotion: {cloning: {episode: 3}}", "did you mean 'episodes'"),
        ("A-v0: {net_arch: []}", "unknown"), ("A-v0: {policy_kwargs: {net_arch: []}}", "no layers"),
        ("A-v0: {}\ncinemotion: {clonin: {}}", "did you mean 'cloning'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as error:
        hyperparameters.parse(text, "h.yaml")
    assert str(error.value).startswith("h.yaml: ") and "\n" not in str(error.value)


# ---- training


def figures(folder: Path, name: str) -> list[tuple[int, float]]:
    with (folder / "log.csv").open(newline="") as file:
        return [(int(r["step"]), float(r["value"])) for r in csv.DictReader(file) if f"{r['kind']}/{r['name']}" == name]


def test_a_run_learns_and_leaves_what_it_says(tmp_path: Path) -> None:
    shares: list[float] = []
    config = replace(TINY, n_envs=64, batch_size=128, n_epochs=4)
    made = train(config, tmp_path, Budget(steps=16_000), seed=3, progress=lambda share, _: shares.append(share))
    held_out = figures(tmp_path, "held_out/return")
    assert made.score.mean > held_out[0][1] + 3.0
    assert made.score.mean == pytest.approx(max(v for _, v in held_out), abs=1e-3)  # the best is kept
    assert shares == sorted(shares) and shares[-1] == 1.0 and 16_000 <= made.steps <= 16_000 + config.rollout
    assert {p.name for p in tmp_path.iterdir()} >= {BEST, LAST, "log.csv", "checkpoint.pt", "hyperparameters.yaml"}
    assert hyperparameters.read(tmp_path / "hyperparameters.yaml") == config
    assert PolicyNet.load(tmp_path / BEST).card.config["env"] == {"id": POINT, "kwargs": {}}
    rates = [v for _, v in figures(tmp_path, "train/learning_rate")]
    assert rates[0] > rates[-1] and rates[-1] < 0.1 * rates[0]  # lin_ goes with the budget
    assert figures(tmp_path, "rollout/ep_rew_mean")


@pytest.mark.parametrize(
    "more", [{"normalize": True}, {"policy": "MlpLstmPolicy", "lstm_hidden_size": 8, "batch_size": 32}]
)
def test_what_ships_acts_as_the_model_does(tmp_path: Path, more: dict[str, Any]) -> None:
    config = replace(TINY, **more)
    train(config, tmp_path, Budget(steps=256), seed=1)
    model = build(config, make_env(config), 1)
    checkpoint.restore(tmp_path / "checkpoint.pt", model)
    net = PolicyNet.load(tmp_path / LAST)
    obs = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    seen = model.get_env().normalize_obs(obs) if config.normalize else obs
    state: Any = None
    for t in range(3):
        starts = np.full(6, t == 0)
        acted, state = model.predict(seen, state=state, episode_start=starts, deterministic=True)
        np.testing.assert_allclose(net.act(obs), acted, atol=2e-5)
    assert net.recurrent == config.recurrent and (net.shape.mean is not None) == config.normalize


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    config = replace(TINY, normalize=True)
    train(config, tmp_path, Budget(steps=512), seed=2)
    model = build(config, make_env(config), 2)
    state = checkpoint.restore(tmp_path / "checkpoint.pt", model)
    assert state.steps == model.num_timesteps == 512 and state.stage == "ppo" and state.seconds > 0
    moments = model.policy.optimizer.state_dict()["state"]
    assert moments and all(float(one["exp_avg_sq"].sum()) > 0 for one in moments.values())
    assert model.get_env().obs_rms.count > 500
    drawn = torch.rand(1), np.random.random(1)  # noqa: NPY002  the streams of the checkpoint
    checkpoint.restore(tmp_path / "checkpoint.pt", model)
    assert (torch.rand(1), np.random.random(1)) == drawn  # noqa: NPY002
    before = {k: v.clone() for k, v in model.policy.state_dict().items()}
    said: list[str] = []
    made = train(config, tmp_path, Budget(steps=1024), seed=2, say=said.append)
    assert made.steps == 1024 and any("goes on at 512 steps" in line for line in said)
    after = PolicyNet.load(tmp_path / LAST).shape.layers[0][0]
    assert not np.allclose(after, before["mlp_extractor.policy_net.0.weight"].numpy())
    again = train(config, tmp_path, Budget(steps=1024), seed=2)  # nothing is left to do
    assert again.steps == 1024 and again.score.mean == pytest.approx(made.score.mean)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    train(TINY, tmp_path, Budget(steps=128))
    for other in (replace(TINY, net_arch=(8, 8)), replace(TINY, normalize=True)):
        with pytest.raises(BadInput, match="not a checkpoint of this run"):
            train(other, tmp_path, Budget(steps=256))
    (tmp_path / "checkpoint.pt").write_bytes(b"PK nothing")
    with pytest.raises(BadInput, match="not a checkpoint of this run"):
        train(TINY, tmp_path, Budget(steps=256))


def test_minutes_end_a_run(tmp_path: Path) -> None:
    made = train(TINY, tmp_path, Budget(minutes=0.02))
    assert 1.2 <= made.seconds < 20 and made.steps >= TINY.rollout


# ---- cloning


def test_a_clone_does_what_it_was_shown_and_ppo_does_not_lose_it(tmp_path: Path) -> None:
    said: list[str] = []
    made = train(TINY, tmp_path, Budget(steps=2500), seed=5, demonstrator=Push(), say=said.append)
    held_out = [v for _, v in figures(tmp_path, "held_out/return")]
    untrained = evaluate(ship(build(TINY, make_env(TINY), 5)), make_batch(POINT, 8, {}), TINY.evaluation.seed).mean
    assert held_out[0] > untrained + 4.0  # the first thing measured is the clone
    assert min(held_out) > held_out[0] - 1.0 and made.score.mean >= held_out[0] - 1e-4
    assert made.best.card.training["cloned_error"] < 0.2 and any("value function: rollout 2" in line for line in said)


def test_dagger_asks_the_planner_where_the_policy_went(tmp_path: Path) -> None:
    config = replace(TINY, cloning=replace(TINY.cloning, dagger=2, warm_rollouts=0))
    said: list[str] = []
    train(config, tmp_path, Budget(steps=128), demonstrator=Push(), say=said.append)
    rounds = [line for line in said if line.startswith("DAgger round")]
    assert len(rounds) == 2 and rounds[0] < rounds[1]

    class Mute:
        demonstrate = Push.demonstrate
        _act = Push._act

    with pytest.raises(BadInput, match="has no `label`"):
        train(config, tmp_path / "b", Budget(steps=128), demonstrator=Mute())


def test_a_policy_with_memory_is_cloned_from_whole_episodes() -> None:
    config = replace(TINY, policy="MlpLstmPolicy", lstm_hidden_size=16, batch_size=32)
    model = build(config, make_env(config), 0)
    obs, actions = Push().demonstrate(PointVectorEnv(64, autoreset_mode=SAME), 64, 0)
    done = cloning.clone(model, obs, actions, config.cloning, 0)
    assert done.error < 0.35
    with pytest.raises(BadInput, match="expected whole episodes"):
        cloning.clone(model, obs.reshape(-1, 3), actions.reshape(-1, 2), config.cloning, 0)


def test_only_the_critic_learns_while_it_is_warmed() -> None:
    model = build(TINY, make_env(TINY), 0)
    model._setup_learn(1, None, reset_num_timesteps=False)
    before = {k: v.clone() for k, v in model.policy.state_dict().items()}
    cloning.warm_value(model, 3, 1e-2)
    moved = {k for k, v in model.policy.state_dict().items() if not torch.equal(v, before[k])}
    assert moved and all("value_net" in name for name in moved)
    assert all(p.requires_grad for p in model.policy.parameters()) and model.target_kl is None


@pytest.mark.parametrize(
    ("obs", "actions", "words"),
    [
        (np.zeros((4, 3)), np.zeros((5, 2)), "expected as many of both"),
        (np.zeros((4, 5)), np.zeros((4, 2)), "of 5 numbers"),
        (np.full((4, 3), np.nan), np.zeros((4, 2)), "not finite"), (np.zeros((0, 3)), np.zeros((0, 2)), "empty"),
    ],
)  # fmt: skip
def test_odd_demonstrations_are_refused(obs: np.ndarray, actions: np.ndarray, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        cloning.gathered(obs, actions, (3, 2))


def test_a_run_may_begin_from_a_shipped_policy(tmp_path: Path) -> None:
    made = train(replace(TINY, normalize=True), tmp_path / "a", Budget(steps=512))
    first = train(
        replace(TINY, normalize=True, learning_rate=Schedule(0.0)), tmp_path / "b", Budget(steps=128), begin=made.best
    )
    np.testing.assert_allclose(first.last.shape.layers[0][0], made.best.shape.layers[0][0], atol=1e-6)
    for other, words in (
        (replace(TINY, net_arch=(8, 16), normalize=True), "a layer of"), (TINY, "normalised observations in one"),
        (replace(TINY, net_arch=(16,), normalize=True), "3 layers, expected 2"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            adopt(build(other, make_env(other), 0), made.best)


# ---- the command and the benchmark, tiny, on the real environment


def test_the_command_trains_and_writes_weights_card_and_graph(tmp_path: Path) -> None:
    file = tmp_path / "h.yaml"
    config = TrainConfig(
        env_kwargs={"keypoints": "eight", "seconds": 1.0}, n_envs=8, n_steps=8, batch_size=32, net_arch=(8,),
        evaluation=Evaluation(episodes=4), cloning=Cloning(episodes=8, epochs=2, warm_rollouts=1),
    )  # fmt: skip
    hyperparameters.write(config, file)
    said: list[str] = []
    plan = train_camera.Plan(tmp_path / "run", file, steps=256, name="tiny", clone="rule", onnx=True, quiet=True)
    path = train_camera.run(plan, said.append)
    assert path == tmp_path / "run" / "tiny-camera.safetensors"
    net = PolicyNet.load(path)
    env = make_batch(config.env, 4, config.held_out)
    assert net.act(env.reset(seed=0)[0]).shape == (4, 7)
    card = net.card
    assert card.data and card.licence and card.training["cloned"] == "rule" and card.name == "tiny"
    assert card.measured["held-out episodes"]["length"] == 10.0
    assert path.with_suffix(".onnx").stat().st_size > 1000 and any("licence" in line for line in said)
    text = (tmp_path / "run" / "README.md").read_text()
    head = YAML(typ="safe").load(text.split("---")[1])
    assert head["library_name"] == "stable-baselines3" and "cinemotion/Framing-v0" in head["tags"]
    metric = head["model-index"][0]["results"][0]["metrics"][0]
    assert metric["type"] == "mean_reward" and "+/-" in metric["value"]
    for words in ("PolicyNet.load", "keypoints", "Licence of the weights", "learning_rate", "tiny-camera.safetensors"):
        assert words in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"minutes": -1.0}, "--minutes"), ({"steps": 0}, "--steps"), ({"name": "a b"}, "--name"),
        ({"clone": "cme"}, "did you mean 'cem'"),
        ({"env": "cinemotion/Framin-v0", "steps": 1}, "cinemotion/Framing-v0"),
        ({"options": {"performer": 2}, "steps": 1}, "did you mean 'performers'"), ({"env": "CartPole-v1"}, "flat Box"),
        ({"begin": Path("none.safetensors"), "steps": 1}, "no such file"),
        ({"config": Path("none.yaml")}, "no such file"),
        ({"clone": "cem", "begin": Path("x")}, "not from both"),
    ],
)  # fmt: skip
def test_a_wrong_option_of_the_command_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        train_camera.run(replace(train_camera.Plan(tmp_path / "run", quiet=True), **changes), lambda _: None)


def test_the_benchmark_measures_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    from rl_camera.env.library import default_library

    first, preset = next(iter(bench_env.PRESETS.values())), "with its motion at hand"
    monkeypatch.setitem(bench_env.PRESETS, preset, (first[0], {**first[1], "library": default_library()}))
    assert bench_env.environment(preset, 8, seconds=0).per_second > 0
    added = bench_env.adapter(preset, 8, steps=3)
    assert {"bare ms", "adapter adds ms", "share %"} == set(added.notes)
    rates = bench_env.training(preset, 8, threads=1, runs=1, batch=32, epochs=1, rollout=64)
    assert len(rates) == len(bench_env.VARIANTS) and all(rate.per_second > 0 for rate in rates)
    assert "steps/s" in str(rates[0])
    with pytest.raises(BadInput, match="unknown preset"):
        bench_env.make("nine keypoints", 2)


def test_a_device_that_is_not_there_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"device 'cuda:77'.*expected cpu, cuda"):
        train(TINY, tmp_path / "run", Budget(steps=100), device="cuda:77")
    assert not (tmp_path / "run").exists()
