"""Coverage-v0: the checkers, the bound that no policy passes, and what each number of an observation is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from camera_people import stander, walker
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import rl_camera.coverage
from motion.clip import Clip
from motion.errors import BadInput
from rl_camera import dp, editing
from rl_camera.check_vector_env import check_vector_env
from rl_camera.coverage import core
from rl_camera.coverage.bank import Bank, bake
from rl_camera.coverage.config import CoverageConfig
from rl_camera.coverage.core import TERMS
from rl_camera.coverage.single import CoverageEnv
from rl_camera.coverage.vector import CoverageVectorEnv, Shown

SMALL = {"scenes": 8, "seconds": 8.0, "performers": 3}


@functools.lru_cache(maxsize=1)
def clips() -> tuple[Clip, ...]:
    people = [
        walker(seconds=9, turn=0.4),
        walker(seconds=9, speed=2.0, turn=-0.6),
        stander(seconds=9),
        walker(seconds=3),
    ]
    return tuple(p.clip for p in people)


@functools.lru_cache(maxsize=4)
def bank(knowledge: str = "live") -> Bank:
    return bake(CoverageConfig(knowledge=knowledge, **SMALL), clips())  # type: ignore[arg-type]


def batch(n: int, **more: object) -> CoverageVectorEnv:
    return CoverageVectorEnv(n, bank=bank(), **more)  # type: ignore[arg-type]


def returns(choose: Callable[[np.ndarray, dict], np.ndarray], n: int = 16) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns, scenes and choices that were carried out, ``(n,)``, ``(n,)``, ``(T, n)``, of one episode each."""
    env = batch(n, autoreset_mode="disabled")
    obs, info = env.reset(seed=3)
    total, cameras, ended = np.zeros(n), [], False
    while not ended:
        obs, reward, terminated, truncated, info = env.step(choose(obs, info))
        total, ended = total + reward, bool(truncated.all())
        cameras.append(info["camera"])
        assert not terminated.any()
    return total, info["scene"], np.array(cameras)


# checkers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("knowledge", ["live", "offline"])
@pytest.mark.filterwarnings("error")
def test_gymnasium_and_stable_baselines_find_nothing(knowledge: str) -> None:
    env = gymnasium.make("cinemotion/Coverage-v0", bank=bank(knowledge), render_mode="rgb_array").unwrapped
    assert isinstance(env, CoverageEnv)
    check_env(env)
    sb3_check_env(env)


@pytest.mark.parametrize("knowledge", ["live", "offline"])
def test_our_own_checker_finds_nothing_in_any_mode(knowledge: str) -> None:
    report = check_vector_env(
        lambda n, **more: CoverageVectorEnv(n, bank=bank(knowledge), **more),
        single=lambda: CoverageEnv(bank=bank(knowledge)),
        steps=50,
    )
    assert report.ok and not report.unchecked


def test_made_by_name() -> None:
    assert rl_camera.coverage.COVERAGE in gymnasium.registry
    env = gymnasium.make_vec("cinemotion/Coverage-v0", num_envs=3, bank=bank())
    assert isinstance(env.unwrapped, CoverageVectorEnv) and env.reset(seed=1)[0].shape[0] == 3
    short = gymnasium.make_vec("cinemotion/Coverage-v0", num_envs=2, bank=bank(), max_episode_steps=3)
    short.reset(seed=1)
    ends = [short.step(np.zeros(2, int))[3].all() for _ in range(3)]
    assert ends == [False, False, True]


def test_the_wheel_s_captures_are_enough() -> None:
    config = CoverageConfig(scenes=4, seconds=6.0)
    made = bake(config)
    assert made.size == 4 and np.isfinite(made.each).all() and made.shot.min() >= 0.0 and made.shot.max() <= 1.0001
    assert bake(config) is made  # kept for as long as the process runs
    held_out = bake(CoverageConfig(scenes=4, seconds=6.0, split="test"))
    assert not np.array_equal(held_out.shot, made.shot)


def test_stable_baselines_learns_from_it() -> None:
    from rl_camera.sb3 import SB3VecEnv

    env = SB3VecEnv(batch(4))
    env.seed(0)
    env.reset()
    for _ in range(bank().config.steps):
        _, _, done, infos = env.step(np.zeros(4, int))
    assert done.all() and {"terminal_observation", "episode", "TimeLimit.truncated"} <= set(infos[0])


# the bound ---------------------------------------------------------------------------------------------------------


def test_no_policy_is_better_than_the_best_edit() -> None:
    best = {k: bank().best_edit(k).value for k in range(bank().size)}
    rng = np.random.default_rng(0)
    values = [s.start for s in batch(1).slots if s.name.endswith(".value")]

    def sticky(obs: np.ndarray, info: dict) -> np.ndarray:
        stay = rng.random(len(obs)) < 0.8
        return np.where(stay & (info["camera"] >= 0), np.maximum(info["camera"], 0), rng.integers(0, 8, len(obs)))

    policies: list[Callable[[np.ndarray, dict], np.ndarray]] = [
        lambda obs, info: rng.integers(0, 8, len(obs)),
        lambda obs, info: obs[:, values].argmax(1),
        *(lambda obs, info, k=k: np.full(len(obs), k) for k in range(8)),
        *[sticky] * 5,
    ]
    for policy in policies:
        total, scene, cameras = returns(policy)
        bounds = np.array([best[int(s)] for s in scene])
        assert (total <= bounds + 1e-4).all()
        assert total.mean() < bounds.mean() - 0.2  # neither standing still nor cutting about is nearly as good
        for i in range(len(total)):  # and what was paid is what the edit is worth
            assert total[i] == pytest.approx(value_of(int(scene[i]), cameras[:, i]), abs=1e-4)


def value_of(scene: int, cameras: np.ndarray) -> float:
    """The value of an edit by the sums of `dp`, not by the environment."""
    made, config = bank(), bank().config
    edges = [0, *(np.flatnonzero(np.diff(cameras)) + 1), len(cameras)]
    shots = [dp.Segment(int(a), int(b), int(cameras[a])) for a, b in pairwise(edges)]
    lengths = np.arange(config.steps + 1) * config.tick_s
    rules = config.rules
    whole = dp.problem(
        editing.quality(made.shot[scene].astype(float), rules.weights) * config.tick_s,
        editing.transition(made.cut[scene, :-1].astype(float), rules.weights),
        -rules.weights.rhythm * rules.rhythm.penalty(lengths),
        last=-rules.weights.rhythm * rules.rhythm.overdue(lengths),
        opening=rules.weights.opening * made.opening[scene].astype(float),
        shortest=config.shortest,
    )
    return dp.value_of(whole, shots)


def test_the_best_edit_can_be_played() -> None:
    env = batch(bank().size, autoreset_mode="disabled")
    env.reset(seed=0)
    env.state = core.State.begin(np.arange(bank().size))
    plans = [bank().best_edit(k) for k in range(bank().size)]
    total = np.zeros(bank().size)
    for t in range(bank().config.steps):
        _, reward, _, _, info = env.step(np.array([p.cameras[t] for p in plans]))
        assert not info["held"].any()
        total += reward
    np.testing.assert_allclose(total, [p.value for p in plans], atol=1e-4)
    assert sum(len(p.shots) for p in plans) > bank().size  # they do cut


@pytest.mark.parametrize("steps", [1, 3, 4, 5])
def test_the_best_edit_is_the_best_of_all_that_can_be_played(steps: int) -> None:
    every = np.stack(np.meshgrid(*[np.arange(8)] * steps, indexing="ij"), -1).reshape(-1, steps)
    for k in range(3):
        state, total = core.State.begin(np.full(len(every), k)), np.zeros(len(every))
        for t in range(steps):
            moved = core.step(bank(), state, every[:, t], steps)
            state, total = moved.state, total + moved.reward
        best = bank().best_edit(k, steps)
        assert total.max() == pytest.approx(best.value, abs=1e-5)
        assert min(s.length for s in best.shots) >= min(bank().config.shortest, steps)


# rules -----------------------------------------------------------------------------------------------------------


def test_a_shot_lasts_its_shortest_time() -> None:
    env = batch(4)
    _, info = env.reset(seed=1)
    assert info["action_mask"].all() and (info["camera"] == -1).all()
    shortest = bank().config.shortest
    assert shortest == 2
    _, _, _, _, info = env.step(np.full(4, 2))
    assert info["action_mask"].sum(1).tolist() == [1] * 4 and info["action_mask"][:, 2].all()
    _, _, _, _, info = env.step(np.full(4, 5))  # too early: held back
    assert info["held"].all() and (info["camera"] == 2).all() and info["action_mask"].all()
    _, _, _, _, info = env.step(np.full(4, 5))
    assert not info["held"].any() and (info["camera"] == 5).all()


@pytest.mark.parametrize("steps", [None, 7])
def test_no_shot_flashes_up_at_the_end(steps: int | None) -> None:
    env = batch(4, max_episode_steps=steps, autoreset_mode="disabled")
    env.reset(seed=1)
    shortest, on = bank().config.shortest, []
    for t in range(env.steps):
        _, _, _, _, info = env.step(np.full(4, t % 8))
        on.append(info["camera"].copy())
    cuts = np.flatnonzero((np.diff(on, axis=0) != 0).any(1)) + 1
    assert cuts.max() == env.steps - shortest - (env.steps - shortest) % shortest  # as late as may be, and no later
    assert info["action_mask"].sum(1).tolist() == [1] * 4
    single = CoverageEnv(bank=bank(), max_episode_steps=5)
    _, info = single.reset(seed=0)
    for choice in (0, 0, 0, 0):
        _, _, _, _, info = single.step(choice)
        assert (single.action_masks() == info["action_mask"]).all()
    assert info["action_mask"].sum() == 1  # a tick is left, a shot lasts two


def test_observations_say_what_they_say() -> None:
    env = batch(6)
    slots = {s.name: s.at for s in env.slots}
    assert env.slots[-1].stop == env.single_observation_space.shape[0] and all(s.about for s in env.slots)
    assert [s.start for s in env.slots] == [0, *(s.stop for s in env.slots[:-1])]
    obs, info = env.reset(seed=2)
    assert (obs[:, slots["began"]] == 0).all() and (obs[:, slots["current"]] == 0).all()
    people = obs[:, slots["present"]].sum(1)
    assert set(people) <= {1.0, 2.0, 3.0}
    np.testing.assert_allclose(obs[:, slots["activity"]].sum(1), 1.0, atol=1e-5)
    for _ in range(3):
        obs, _, _, _, info = env.step(np.full(6, 1))
    np.testing.assert_array_equal(obs[:, slots["current"]], np.eye(8)[[1] * 6])
    np.testing.assert_allclose(obs[:, slots["time_since_cut"]], 1.5 / bank().config.rules.rhythm.mean_s, rtol=1e-6)
    np.testing.assert_array_equal(obs[:, slots["action_mask"]], info["action_mask"])
    np.testing.assert_allclose(obs[:, slots["camera1.axis"]], [[1.0, 0.0]] * 6, atol=1e-6)  # against itself
    scene = info["scene"]
    np.testing.assert_allclose(obs[:, slots["camera4.cut"]], bank().cut[scene, 3, 1, 4])
    before = obs
    obs, reward, _, _, info = env.step(np.full(6, 4))  # the terms of the cut are those that were announced
    got = np.stack([info[name] for name in editing.CUT_TERMS], axis=-1)
    np.testing.assert_allclose(got, before[:, slots["camera4.cut"]])
    parts = sum(info[n] * getattr(bank().config.rules.weights, n) * 0.5 for n in editing.SHOT_TERMS)
    parts = parts - sum(info[n] * getattr(bank().config.rules.weights, n) for n in editing.CUT_TERMS)
    np.testing.assert_allclose(reward, parts + info["rhythm"] + info["opening"], atol=1e-5)
    assert set(TERMS) <= set(info)


def test_offline_observations_look_ahead_and_live_ones_do_not() -> None:
    env = CoverageVectorEnv(4, bank=bank("offline"))
    slots = {s.name: s.at for s in env.slots}
    assert not any("ahead" in s.name for s in batch(1).slots)
    obs, info = env.reset(seed=2)
    for t in range(6):
        made, scene = bank("offline"), info["scene"]
        coming = made.quality[scene][:, np.minimum(t + np.arange(4), made.config.steps - 1), 3] / made.config.tick_s
        np.testing.assert_allclose(obs[:, slots["camera3.ahead"]], coming, atol=1e-5)
        obs, _, _, _, info = env.step(np.full(4, 3))


def test_scenes_are_a_function_of_their_seed() -> None:
    again = bake(CoverageConfig(**SMALL), clips())  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.each, bank().each)
    other = bake(CoverageConfig(seed=1, **SMALL), clips())  # type: ignore[arg-type]
    assert not np.array_equal(other.each, bank().each)
    fewer = bake(CoverageConfig(**{**SMALL, "scenes": 3}), clips())  # type: ignore[arg-type]
    np.testing.assert_array_equal(fewer.each, bank().each[:3])


def test_all_scenes_come_up() -> None:
    env = batch(256)
    _, info = env.reset(seed=0)
    assert np.bincount(info["scene"], minlength=8).min() > 8


def test_pictures_come_from_the_renderer_that_is_handed_in() -> None:
    seen: list[Shown] = []

    def paint(shown: Shown) -> np.ndarray:
        seen.append(shown)
        return np.full((4, 6, 3), len(seen), np.uint8)

    env = batch(2, render_mode="rgb_array", renderer=paint)
    env.reset(seed=0)
    env.step(np.array([1, 2]))
    pictures = env.render()
    assert pictures is not None and [p[0, 0, 0] for p in pictures] == [1, 2]
    scene = int(env.state.scene[1])
    np.testing.assert_array_equal(seen[1].camera.T_world_camera[0], bank().T_world_camera[scene, 1, 2])
    assert seen[1].time_s == 0.5 and len(seen[1].performances) == bank().whole[scene, 0, :3].sum()
    sticks = batch(1, render_mode="rgb_array")
    sticks.reset(seed=0)
    picture = sticks.render()[0]  # type: ignore[index]
    assert picture.shape == (180, 320, 3) and len(np.unique(picture.reshape(-1, 3), axis=0)) > 3


# odd input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"num_envs": 0}, "0 environments"),
        ({"render_mode": "humna"}, "unknown render mode 'humna'"),
        ({"autoreset_mode": "same"}, "unknown autoreset mode 'same'; did you mean 'same_step'"),
        ({"max_episode_steps": 0}, "episodes of 0 steps"),
        ({"camras": 4}, "unknown setting of Coverage-v0 'camras'; did you mean 'cameras'"),
        ({"cameras": 1}, "cameras is 1, expected 2 to 64"),
        ({"cameras": 4.5}, "cameras is 4.5"),
        ({"seconds": float("nan")}, "seconds is nan"),
        ({"split": "tain"}, "unknown split 'tain'; did you mean 'train'"),
        ({"knowledge": "all"}, "unknown knowledge"),
        ({"style": "clam"}, "unknown editing style 'clam'; did you mean 'calm'"),
        ({"library": ()}, "no clips to make scenes of"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        CoverageVectorEnv(**{"num_envs": 1, **given})
    assert "\n" not in str(error.value)


def test_wrong_calls() -> None:
    env = batch(2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2, int))
    env.reset(seed=0)
    for actions, says in (
        (np.zeros(3, int), r"actions int64 \(3,\), expected whole numbers \(2,\)"),
        (np.zeros(2), "actions float64"),
        (np.array([0, 8]), "action 8, expected a camera from 0 to 7"),
        (np.array([-1, 0]), "action -1"),
    ):
        with pytest.raises(BadInput, match=says):
            env.step(actions)
    for options in ({"reset_mask": np.zeros(2, bool)}, {"reset_mask": np.ones(3, bool)}, {"reset_mask": np.ones(2)}):
        with pytest.raises(BadInput, match="reset_mask"):
            env.reset(options=options)
    with pytest.raises(BadInput, match="3 seeds for 2"):
        env.reset(seed=[1, 2, 3])
    with pytest.raises(BadInput, match="a bank brings its own settings"):
        batch(2, seconds=3.0)


def test_clips_of_all_kinds_make_scenes_without_a_nan() -> None:
    one_frame, point = stander(seconds=1 / 30).clip, walker(seconds=2, scale=0.01).clip
    giant, fast = walker(seconds=2, scale=30.0).clip, walker(seconds=30, speed=60.0).clip
    for own in ((one_frame,), (point,), (giant,), (fast,), (one_frame, giant, fast)):
        made = bake(CoverageConfig(scenes=4, seconds=3.0), own)
        for values in (made.shot, made.cut, made.each, made.whole, made.T_world_camera):
            assert np.isfinite(values).all()
        env = CoverageVectorEnv(4, bank=made)
        obs, _ = env.reset(seed=0)
        assert env.observation_space.contains(obs)
