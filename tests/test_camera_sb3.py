"""The Stable-Baselines3 adapter: what that library expects of it, and what it saves."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from point_env import ACT, LIMIT, OBS, PointEnv, PointVectorEnv
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecMonitor, VecNormalize

from motion.errors import BadInput
from rl_camera.sb3 import NO_INFO, SB3VecEnv

SAME = AutoresetMode.SAME_STEP


def batch(n: int = 3, **kwargs: Any) -> SB3VecEnv:
    return SB3VecEnv(PointVectorEnv(n, autoreset_mode=SAME, **kwargs))


def act(n: int, t: int) -> np.ndarray:
    return np.random.default_rng(t).uniform(-1, 1, (n, 2)).astype(np.float32)


def test_it_does_step_by_step_what_stable_baselines_own_batch_does() -> None:
    ours, theirs = batch(), DummyVecEnv([lambda: Monitor(PointEnv())] * 3)
    ours.seed(5)
    theirs.seed(5)
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    ended = 0
    for t in range(3 * LIMIT):
        (o1, r1, d1, i1), (o2, r2, d2, i2) = ours.step(act(3, t)), theirs.step(act(3, t))
        np.testing.assert_array_equal(o1, o2)
        np.testing.assert_array_equal(r1, r2)
        np.testing.assert_array_equal(d1, d2)
        assert r1.dtype == np.float32 and d1.dtype == bool and len(i1) == 3
        for i in np.flatnonzero(d1):
            ended += 1
            np.testing.assert_array_equal(i1[i]["terminal_observation"], i2[i]["terminal_observation"])
            assert i1[i]["TimeLimit.truncated"] == i2[i]["TimeLimit.truncated"]
            assert i1[i]["episode"]["r"] == pytest.approx(i2[i]["episode"]["r"], abs=1e-5)
            assert i1[i]["episode"]["l"] == i2[i]["episode"]["l"]
            assert i1[i]["distance"] == pytest.approx(i2[i]["distance"], abs=1e-6)
    assert ended > 3


def test_environments_that_go_on_share_one_empty_dictionary_that_cannot_be_written_to() -> None:
    env = batch()
    env.seed(1)
    env.reset()
    _, _, dones, infos = env.step(act(3, 0))
    assert not dones.any() and all(info is NO_INFO for info in infos)
    with pytest.raises(TypeError, match="copy them first"):
        infos[0]["x"] = 1
    for change in (
        lambda i: i.update(x=1),
        lambda i: i.setdefault("x", 1),
        lambda i: i.clear(),
        lambda i: i.pop("x", 0),
    ):
        with pytest.raises(TypeError):
            change(infos[0])
    plain = infos[0].copy()
    plain["x"] = 1
    assert NO_INFO == {} and infos[0].get("episode") is None


def test_the_last_observation_is_kept_from_the_next_step() -> None:
    env = batch(1)
    env.seed(0)
    env.reset()
    for t in range(LIMIT + 1):
        _, _, dones, infos = env.step(np.zeros((1, 2), np.float32))
        if dones[0]:
            last = infos[0]["terminal_observation"]
            before = last.copy()
            env.step(act(1, t))
            np.testing.assert_array_equal(last, before)
            assert last[2] == 1.0 and infos[0]["TimeLimit.truncated"] is True
            return
    raise AssertionError("no episode ended")


def test_means_over_an_episode_come_as_terms() -> None:
    class Means(PointVectorEnv):
        def step(self, actions: np.ndarray) -> Any:
            *rest, infos = super().step(actions)
            if "final_info" in infos:
                done = infos["_final_info"]
                infos["final_info"] |= {"mean_pull": np.full(self.num_envs, 0.25), "_mean_pull": done}
            return *rest, infos

    env = SB3VecEnv(Means(2, autoreset_mode=SAME))
    env.reset()
    told = [info for t in range(LIMIT) for info in env.step(act(2, t))[3] if info]
    assert told and all(info["terms"] == {"pull": 0.25} for info in told)
    assert all(isinstance(info["distance"], float) and "pull" in info["terms"] for info in told)


def test_seeds_are_used_once_and_in_order() -> None:
    env, alone = batch(), batch(1)
    env.seed(7)
    alone.seed(8)
    first = env.reset()
    np.testing.assert_array_equal(first[1:2], alone.reset())
    again = env.reset()
    assert not np.array_equal(first, again)
    env._seeds = [9, 7, 8]
    turned = env.reset()
    np.testing.assert_array_equal(turned[1], first[0])


def test_options_are_one_set_for_the_batch() -> None:
    env = batch()
    env.reset()
    env.set_options({"reset_mask": np.array([True, False, False])})
    env.reset()
    env._options = [{"a": 1}, {}, {}]
    with pytest.raises(BadInput, match="options differ"):
        env.reset()


def test_attributes_and_methods_of_a_native_batch_are_shared() -> None:
    env = batch(render_mode="rgb_array")
    env.reset()
    assert env.get_attr("mode", [0, 2]) == [SAME, SAME]
    assert env.has_attr("mode") and not env.has_attr("nothing")
    env.set_attr("note", 3)
    assert env.env.note == 3
    with pytest.raises(BadInput, match="a native batch shares it"):
        env.set_attr("note", 4, indices=[0])
    assert [p.shape for p in env.env_method("render", indices=[1])] == [(4, 6, 3)]
    assert env.env_is_wrapped(Monitor) == [True] * 3 and env.env_is_wrapped(gymnasium.Wrapper, [0]) == [False]
    assert env.render().shape == (8, 12, 3) and env.render_mode == "rgb_array"


def test_attributes_of_a_synchronous_batch_are_each_environments() -> None:
    env = SB3VecEnv(SyncVectorEnv([PointEnv] * 3, autoreset_mode=SAME))
    env.reset()
    env.set_attr("note", 1)
    env.set_attr("note", 2, indices=[1])
    assert env.get_attr("note") == [1, 2, 1]
    assert env.env_method("reset", indices=[0])[0][0].shape == (3,)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: PointEnv(), "expected a gymnasium.vector.VectorEnv"),
        (lambda: PointVectorEnv(2), "autoreset mode NEXT_STEP, expected SAME_STEP"),
    ],
)
def test_what_it_cannot_adapt_is_said(make: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        SB3VecEnv(make())


def test_stable_baselines_own_wrappers_and_algorithms_run_over_it() -> None:
    env = VecNormalize(VecMonitor(batch(4)), gamma=0.9)
    model = PPO("MlpPolicy", VecFrameStack(env, 2), n_steps=16, batch_size=32, n_epochs=1, device="cpu", seed=0)
    model.learn(128)
    assert len(model.ep_info_buffer) > 0
    plain = batch(4)
    model = PPO("MlpPolicy", plain, n_steps=16, batch_size=32, n_epochs=1, device="cpu", seed=0)
    mean, _ = evaluate_policy(model, plain, n_eval_episodes=6)  # warns nobody about Monitor
    assert -60 < mean < 0


def test_dictionaries_of_observations_keep_their_last_ones() -> None:
    class Both(PointEnv):
        observation_space = gymnasium.spaces.Dict({"a": OBS, "b": ACT})

        def reset(self, **k: Any) -> Any:
            obs, info = super().reset(**k)
            return {"a": obs, "b": np.zeros(2, np.float32)}, info

        def step(self, action: np.ndarray) -> Any:
            obs, *rest = super().step(action)
            return {"a": obs, "b": np.asarray(action, np.float32)}, *rest

    env = SB3VecEnv(SyncVectorEnv([Both] * 2, autoreset_mode=SAME))
    env.reset()
    for t in range(LIMIT):
        actions = act(2, t)
        obs, _, dones, infos = env.step(actions)
        for i in np.flatnonzero(dones):
            np.testing.assert_array_equal(infos[i]["terminal_observation"]["b"], actions[i])
    assert set(obs) == {"a", "b"}
