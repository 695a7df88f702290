"""`cinemotion/Framing-v0` as an interface: public checkers, batches and seeds, autoreset, slots, bad options."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import rl_camera.env
from motion.errors import BadInput
from rl_camera.check_vector_env import RULES, check_vector_env
from rl_camera.env.observation import RICH
from rl_camera.env.reward import COSTS, TERMS, RewardWeights
from rl_camera.env.vector import FramingEnv, FramingVectorEnv

SHORT = {"seconds": 0.5}

#: Configurations that differ in what they compute.
KINDS: dict[str, dict[str, Any]] = {
    "one": {},
    "eight": {"keypoints": "eight", "occluder_kind": "spheres"},
    "lean": {"keypoints": "eight", "occluders": 0, "observation": "lean"},
    "crowd": {"performers": 4, "crowd": True},
    "offline": {"performers": 4, "keypoints": "eight", "knowledge": "offline", "occluders": 3},
}


def actions(count: int, steps: int, seed: int = 0) -> np.ndarray:
    """Random actions ``(steps, count, 7)``."""
    return np.random.default_rng(seed).uniform(-1, 1, (steps, count, 7)).astype(np.float32)


# ---- public checkers


@pytest.mark.parametrize("kind", KINDS)
def test_gymnasiums_checker_passes(kind: str) -> None:
    check_env(FramingEnv(**SHORT, **KINDS[kind]), skip_render_check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_stable_baselines_checker_passes(kind: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(FramingEnv(**SHORT, **KINDS[kind]), warn=True, skip_render_check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_our_checker_passes_in_every_autoreset_mode(kind: str) -> None:
    options = SHORT | KINDS[kind]

    def make(n: int, **keywords: Any) -> FramingVectorEnv:
        return FramingVectorEnv(n, renderer=grey, **options, **keywords)

    def grey(env: FramingVectorEnv, index: int) -> np.ndarray:
        return np.full((4, 6, 3), index, np.uint8)

    # Bit for bit: a batch, its members alone, and single environments all say the same.
    report = check_vector_env(make, single=lambda: FramingEnv(**options), num_envs=3, steps=12)
    assert report.ok and set(report.checked) == set(RULES)


def test_both_are_made_by_id() -> None:
    env = gymnasium.make(rl_camera.env.FRAMING, keypoints="eight", **SHORT)
    assert isinstance(env.unwrapped, FramingEnv)
    assert env.reset(seed=3)[0].shape == env.observation_space.shape
    batch = gymnasium.make_vec(rl_camera.env.FRAMING, num_envs=5, keypoints="eight", autoreset_mode="next_step")
    assert isinstance(batch.unwrapped, FramingVectorEnv) and batch.num_envs == 5
    assert batch.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    assert gymnasium.make_vec(rl_camera.env.FRAMING, num_envs=2).metadata["autoreset_mode"] == AutoresetMode.SAME_STEP


# ---- batches and seeds


@pytest.mark.parametrize("kind", KINDS)
def test_an_environment_does_not_feel_its_neighbours(kind: str) -> None:
    """Bit for bit, through ends of episodes, whatever the size of the batch."""
    options = SHORT | KINDS[kind]
    steps, wide = actions(37, 12), FramingVectorEnv(37, **options)
    seen = [wide.reset(seed=[100 + i for i in range(37)])[0].copy()]
    rewards = []
    for action in steps:
        obs, reward, *_ = wide.step(action)
        seen.append(obs.copy())
        rewards.append(reward.copy())
    for i in (0, 20, 36):
        alone = FramingVectorEnv(1, **options)
        assert np.array_equal(alone.reset(seed=100 + i)[0][0], seen[0][i])
        for k, action in enumerate(steps):
            obs, reward, *_ = alone.step(action[i : i + 1])
            assert np.array_equal(obs[0], seen[k + 1][i]) and reward[0] == rewards[k][i], (i, k)


def test_ends_at_different_times_change_nothing() -> None:
    """Episodes that begin one by one are those that an environment alone begins."""
    N, steps = 6, actions(6, 16)
    wide = FramingVectorEnv(N, performers=2, **SHORT)
    alone = [FramingVectorEnv(1, performers=2, **SHORT) for _ in range(N)]
    wide.reset(seed=7)
    for i, env in enumerate(alone):
        env.reset(seed=7 + i)
    for k, action in enumerate(steps):
        if k in (1, 3, 4):
            mask = np.arange(N) % 3 == k % 3
            obs, _ = wide.reset(options={"reset_mask": mask})
            for i in np.flatnonzero(mask):
                assert np.array_equal(alone[i].reset()[0][0], obs[i])
        obs, reward, _, truncated, infos = wide.step(action)
        for i, env in enumerate(alone):
            own, gain, _, over, told = env.step(action[i : i + 1])
            assert np.array_equal(own[0], obs[i]) and gain[0] == reward[i] and over[0] == truncated[i], (k, i)
            assert all(told[name][0] == infos[name][i] for name in TERMS)
        assert not truncated.all()


def test_seeds_draw_other_episodes() -> None:
    env = FramingVectorEnv(64)
    obs, _ = env.reset(seed=0)
    assert len(np.unique(obs[:, 0])) == 64
    first = env.episodes.data.data.copy()
    env.reset()  # goes on with new episodes
    assert not np.array_equal(first, env.episodes.data.data)
    env.reset(seed=0)
    assert np.array_equal(first, env.episodes.data.data)


def test_what_is_not_finite_in_an_action_is_zero_and_what_is_beyond_is_held() -> None:
    plain, odd = FramingVectorEnv(3, **SHORT), FramingVectorEnv(3, **SHORT)
    plain.reset(seed=1), odd.reset(seed=1)
    given = actions(3, 1)[0]
    given[0, 2], given[1, :], given[2, 4] = np.nan, np.inf, -7.0
    meant = given.copy()
    meant[0, 2], meant[1, :], meant[2, 4] = 0.0, 0.0, -1.0
    for one, other in zip(odd.step(given)[:2], plain.step(meant)[:2]):
        assert np.array_equal(one, other)


def test_a_row_of_actions_of_another_shape_is_refused() -> None:
    env = FramingVectorEnv(3, **SHORT)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros((3, 7), np.float32))
    env.reset(seed=0)
    with pytest.raises(BadInput, match=r"\(7,\).*\(3, 7\)"):
        env.step(np.zeros(7, np.float32))


# ---- ends of episodes


def test_the_time_limit_truncates_and_final_infos_add_up() -> None:
    env = FramingVectorEnv(4, max_episode_steps=6)
    env.reset(seed=2)
    total, sums = np.zeros(4), {name: np.zeros(4) for name in TERMS}
    for k, action in enumerate(actions(4, 6)):
        _, reward, terminated, truncated, infos = env.step(action)
        total += reward
        last = infos.get("final_info", infos)
        for name in TERMS:
            sums[name] += last[name]
        assert not terminated.any() and truncated.all() == (k == 5)
    final = infos["final_info"]
    assert np.allclose(final["episode_return"], total, atol=1e-5) and (final["episode_length"] == 6).all()
    for name in TERMS:
        assert np.allclose(final[f"mean_{name}"], sums[name] / 6, atol=1e-5)
    # The infos beside it are those of the episodes that have begun.
    again = FramingVectorEnv(4, max_episode_steps=6)
    again.reset(seed=2)
    _, begun = again.reset()
    assert all(np.array_equal(infos[name], begun[name]) for name in TERMS)


def test_some_environments_end_before_others() -> None:
    env = FramingVectorEnv(5, **SHORT)
    env.reset(seed=0)
    env.step(actions(5, 1)[0])
    mask = np.array([True, False, False, True, False])
    obs, _ = env.reset(options={"reset_mask": mask})
    assert (env.episodes.t == np.where(mask, 0, 1)).all() and np.isfinite(obs).all()
    for action in actions(5, 4):
        obs, _, _, truncated, infos = env.step(action)
    assert (truncated == ~mask).all() and (infos["_final_obs"] == ~mask).all()
    assert (infos["final_obs"][mask] == 0).all() and (infos["final_obs"][~mask] != 0).any()
    # Those that go on keep their infos, the others have those of their new episodes.
    core, terms = env.core, env.core.judge(env.episodes, env.state).terms
    assert core.size == obs.shape[1] and all(np.array_equal(infos[name], terms[name]) for name in TERMS)


def test_the_reward_is_the_weighed_terms() -> None:
    weights = RewardWeights(size=0.5, floor=0.0)
    env = FramingVectorEnv(50, weights=weights, performers=2)
    env.reset(seed=0)
    for action in actions(50, 5):
        _, reward, _, _, infos = env.step(action)
        sign = {name: -1.0 if name in COSTS else 1.0 for name in TERMS}
        expected = sum(sign[name] * getattr(weights, name) * infos[name] for name in TERMS)
        assert np.allclose(reward, expected, atol=1e-5)
        for name in TERMS:
            assert (infos[name] >= 0).all() and (infos[name] <= 1 + 1e-6).all(), name


# ---- observations


@pytest.mark.parametrize("keypoints", ["smpl24", "eight"])
@pytest.mark.parametrize("performers", [1, 3])
@pytest.mark.parametrize("occluders", [0, 8])
@pytest.mark.parametrize("knowledge", ["live", "offline"])
def test_slots_follow_on_each_other_and_are_told_apart(
    keypoints: str, performers: int, occluders: int, knowledge: str
) -> None:
    env = FramingVectorEnv(2, keypoints=keypoints, performers=performers, occluders=occluders, knowledge=knowledge)
    at = 0
    for slot in env.slots:
        assert slot.start == at and slot.size > 0 and slot.about
        at = slot.stop
    names = [slot.name for slot in env.slots]
    assert at == env.single_observation_space.shape[0] and len(set(names)) == len(names)
    assert ("obstacle_near" in names) == (occluders > 0) and ("ahead" in names) == (knowledge == "offline")
    points = 24 if keypoints == "smpl24" else 8
    assert env.core.parts["bearings"].size == 3 * performers * points


def test_a_lean_observation_is_the_full_one_without_some_slots() -> None:
    options = SHORT | {"keypoints": "eight", "occluders": 0}
    full, lean = FramingVectorEnv(9, **options), FramingVectorEnv(9, observation="lean", **options)
    keep = np.concatenate([np.arange(s.start, s.stop) for s in full.slots if s.name not in RICH])
    assert np.array_equal(full.reset(seed=4)[0][:, keep], lean.reset(seed=4)[0])
    for action in actions(9, 7):
        one, other = full.step(action), lean.step(action)
        assert np.array_equal(one[0][:, keep], other[0]) and np.array_equal(one[1], other[1])


def test_looking_ahead_tells_what_comes() -> None:
    env = FramingVectorEnv(20, knowledge="offline", seconds=3.0, moves=False)
    obs, _ = env.reset(seed=0)
    ahead, target = (obs[:, env.core.parts[name].start :][:, :4].copy() for name in ("ahead", "target"))
    heading = obs[:, env.core.parts["ahead"].start + 4 :][:, :2].copy()
    still = np.zeros((20, 7), np.float32)
    assert not np.allclose(ahead, target, atol=1e-3)
    for _ in range(3):  # 0.3 s
        obs, *_ = env.step(still)
    assert np.allclose(obs[:, env.core.parts["target"].start :][:, :4], ahead, atol=1e-4)
    assert np.allclose(obs[:, env.core.parts["subject"].start :][:, :2], heading, atol=1e-4)


@pytest.mark.parametrize("performers", [1, 4])
def test_the_framed_parts_drift_is_how_it_moves(performers: int) -> None:
    env = FramingVectorEnv(30, performers=performers, seconds=3.0)
    env.reset(seed=3)
    before = env.core.judge(env.episodes, env.state).sight.anchor.copy()
    obs, *_ = env.step(np.zeros((30, 7), np.float32))
    sight = env.core.judge(env.episodes, env.state).sight
    moved = (sight.anchor - before) * 10.0  # m/s
    assert np.abs(moved).max() > 0.1
    drift = obs[:, env.core.parts["drift"].start :][:, :3] * 2.0
    np.testing.assert_allclose(np.einsum("ijn,ni->jn", sight.axes, drift), moved, atol=2e-3)


def test_effort_is_what_the_next_jolt_is_measured_from() -> None:
    env = FramingVectorEnv(40, seconds=3.0)
    env.reset(seed=1)
    push, rig = np.random.default_rng(0), env.episodes.data["rig"]
    efforts = []
    for _ in range(3):
        obs, *_ = env.step(push.uniform(-1, 1, (40, 7)).astype(np.float32))
        efforts.append(obs[:, env.core.parts["effort"].start :][:, :6].T)
    assert np.abs(efforts[-1]).max() <= 1.0 + 1e-5  # a rig gives no more
    turned = np.linalg.norm(efforts[-1][3:] - efforts[-2][3:], axis=0) / 2.0
    np.testing.assert_allclose(turned, env.state["jolt"][1], atol=1e-5)
    size = np.linalg.norm(efforts[-1][:3], axis=0) * rig[3]
    np.testing.assert_allclose(size, np.linalg.norm(env.state["push"], axis=0), atol=1e-4)


# ---- bad options


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"keypoint": "eight"}, "did you mean 'keypoints'"),
        ({"keypoints": "eigth"}, "did you mean 'eight'"),
        ({"split": "trian"}, "did you mean 'train'"),
        ({"rigs": ("dollly",)}, "did you mean 'dolly'"),
        ({"rigs": ()}, "no rigs"),
        ({"knowledge": "of"}, "knowledge"),
        ({"occluder_kind": "sphere"}, "did you mean 'spheres'"),
        ({"observation": "leen"}, "did you mean 'lean'"),
        ({"observation": "lean"}, "performers=1, occluders=0"),
        ({"autoreset_mode": "same"}, "autoreset mode"),
        ({"render_mode": "rgb"}, "render mode"),
        ({"performers": 0}, "performers is 0"),
        ({"performers": True}, "performers is True"),
        ({"hz": float("nan")}, "hz is nan"),
        ({"seconds": -1}, "seconds is -1"),
        ({"aspect": "wide"}, "aspect is 'wide'"),
        ({"weights": {"size": -1}}, "reward weight size is -1"),
        ({"weights": {"siez": 1}}, "did you mean 'size'"),
        ({"data": "/nowhere/at/all"}, "nowhere"),
    ],
)
def test_bad_options_are_told_in_one_line(options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as error:
        FramingVectorEnv(2, **options)
    assert says.lower() in str(error.value).lower() and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "given", [{"seed": [1, 2]}, {"options": {"reset_mask": np.ones(3)}}, {"options": {"reset_mask": np.zeros(3, bool)}}]
)
def test_bad_resets_are_told(given: dict[str, Any]) -> None:
    env = FramingVectorEnv(3, **SHORT)
    env.reset(seed=0)
    with pytest.raises(BadInput):
        env.reset(**given)
    with pytest.raises(BadInput):
        FramingVectorEnv(0)
