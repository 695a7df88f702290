"""The checker of vector environments: it passes honest ones and names the rule that each dishonest one breaks."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from point_env import ACT, OBS, PointEnv, PointVectorEnv, _seen

from motion.errors import BadInput
from rl_camera.check_vector_env import RULES, VectorEnvError, check_vector_env
from rl_camera.vector_story import difference, unequal

SAME, NEXT, OFF = AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED


# ---- honest environments pass


def test_an_honest_batch_passes_every_rule_in_every_mode() -> None:
    report = check_vector_env(PointVectorEnv, single=PointEnv, steps=60)
    assert report.ok and not report.unchecked
    assert set(report.checked) == set(RULES)


def test_gymnasiums_synchronous_batch_passes_every_rule() -> None:
    def make(n: int, autoreset_mode: AutoresetMode = NEXT, render_mode: str | None = None) -> VectorEnv:
        return SyncVectorEnv([lambda: PointEnv(render_mode)] * n, autoreset_mode=autoreset_mode)

    report = check_vector_env(make, single=PointEnv, steps=60)
    assert report.ok and not report.unchecked


def test_dictionaries_of_observations_and_several_kinds_of_action_are_read() -> None:
    class Both(gymnasium.Env):
        observation_space = gymnasium.spaces.Dict({"a": OBS, "b": gymnasium.spaces.Discrete(50)})
        action_space = gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(3), ACT])

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            self.a, self.b = self.np_random.uniform(-1, 1, 3).astype(np.float32), 0
            return {"a": self.a.copy(), "b": self.b}, {}

        def step(self, action: Any) -> Any:
            self.a[:2] += action[1] * (action[0] - 1) * 0.1
            self.b += 1
            return {"a": self.a.copy(), "b": self.b}, float(self.a[0]), self.b >= 7, False, {}

    report = check_vector_env(lambda n, **k: SyncVectorEnv([Both] * n, **k), single=Both, steps=30)
    assert report.ok


def test_gymnasiums_cart_pole_batch_keeps_the_contract_but_is_not_seeded_one_by_one() -> None:
    report = check_vector_env("CartPole-v1", steps=120, raises=False)
    assert report.broken == ("seed_alone", "seed_list", "reset_mask")
    assert check_vector_env("CartPole-v1", steps=120, skip=report.broken).ok


def test_an_id_without_a_batch_of_its_own_is_checked_in_all_modes_of_the_synchronous_one() -> None:
    report = check_vector_env("MountainCar-v0", single=lambda: gymnasium.make("MountainCar-v0"), steps=250, num_envs=2)
    assert report.ok and "modes_agree" in report.checked


@pytest.mark.parametrize("more", [{}, {"performers": 2, "keypoints": "eight", "knowledge": "offline"}], ids=str)
def test_the_framing_environment_passes_every_rule_in_every_mode(more: dict[str, Any]) -> None:
    from rl_camera.env import FRAMING
    from rl_camera.env.library import default_library

    kwargs = {"seconds": 1.5, "library": default_library(), **more}
    report = check_vector_env(
        lambda n, **modes: gymnasium.make_vec(FRAMING, num_envs=n, **kwargs, **modes),
        single=lambda: gymnasium.make(FRAMING, **kwargs),
        num_envs=3, steps=36, skip=["render"],
    )  # fmt: skip
    assert report.ok and set(report.unchecked) == {"render"}


# ---- one dishonest environment for each rule


class Broken(PointVectorEnv):
    """Changes what step and reset return."""

    def step(self, actions: np.ndarray) -> Any:
        return self.spoil(*super().step(actions))

    def spoil(self, obs: Any, reward: Any, terminated: Any, truncated: Any, infos: Any) -> Any:
        return obs, reward, terminated, truncated, infos


class FourValues(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        return obs, reward, terminated | truncated, infos


class ResetWithoutInfos(PointVectorEnv):
    def reset(self, **k):
        return super().reset(**k)[0]


class DoublePrecision(Broken):
    def spoil(self, obs, *rest):
        return obs.astype(np.float64), *rest


class OutOfBounds(Broken):
    def spoil(self, obs, *rest):
        return obs + 100, *rest


class NotANumber(Broken):
    def spoil(self, obs, reward, *rest):
        return obs, np.where(reward < -2, np.nan, reward).astype(np.float32), *rest


class NotANumberInInfos(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        infos["terms"]["pull"][:] = np.inf
        return obs, reward, terminated, truncated, infos


class RewardsInAColumn(Broken):
    def spoil(self, obs, reward, *rest):
        return obs, reward[:, None], *rest


class RewardsInAList(Broken):
    def spoil(self, obs, reward, *rest):
        return obs, reward.tolist(), *rest


class FlagsOfInt(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        return obs, reward, terminated.astype(int), truncated, infos


class InfosInAList(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        return obs, reward, terminated, truncated, [{} for _ in range(self.num_envs)]


class InfosWithoutMask(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        del infos["_distance"]
        return obs, reward, terminated, truncated, infos


class InfosOfOneRow(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        return obs, reward, terminated, truncated, {**infos, "mean": np.array([1.0]), "_mean": np.ones(4, dtype=bool)}


class NoMode(PointVectorEnv):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        del self.metadata["autoreset_mode"]


class WrongMode(PointVectorEnv):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        self.metadata["autoreset_mode"] = SAME


class WrongNumber(PointVectorEnv):
    def __init__(self, num_envs=1, **k):
        super().__init__(num_envs + 1, **k)


class UnbatchedSpace(PointVectorEnv):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        self.action_space = ACT


class OneBuffer(Broken):
    def spoil(self, obs, *rest):
        self.buffer = getattr(self, "buffer", np.zeros_like(obs))
        self.buffer[:] = obs
        return self.buffer, *rest


class OneRewardBuffer(Broken):
    def spoil(self, obs, reward, *rest):
        self.buffer = getattr(self, "buffer", np.zeros_like(reward))
        self.buffer[:] = reward
        return obs, self.buffer, *rest


class OneFinalBuffer(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        self.buffer = getattr(self, "buffer", np.zeros_like(obs))
        self.buffer[:] = self.place[:, :1]
        if "final_obs" in infos:
            infos["terms"]["pull"] = self.buffer[:, 0]
        return obs, reward, terminated, truncated, infos


class WritesActions(PointVectorEnv):
    def step(self, actions):
        actions *= 0.5
        return super().step(actions)


class KeepsActions(PointVectorEnv):
    last: Any = None

    def step(self, actions):
        lazy, self.last = self.last if self.last is not None else actions, actions
        return super().step(lazy)


class GlobalChance(PointVectorEnv):
    def begin(self, mask):
        super().begin(mask)
        self.place[mask] += _unseeded.uniform(-0.1, 0.1, 2)


_unseeded = np.random.default_rng(0)


class RestartsStayPending(PointVectorEnv):
    def reset(self, *, seed=None, options=None):
        ended = self.ended.copy()
        returned = super().reset(seed=seed, options=options)
        if self.mode is NEXT and not options:
            self.ended = ended
        return returned


class OneChanceForAll(PointVectorEnv):
    def begin(self, mask):
        super().begin(mask)
        for i in np.flatnonzero(mask):
            self.place[i] = self.chance[0].uniform(-2, 2, 2)


class OneSeedForAll(PointVectorEnv):
    def reset(self, *, seed=None, options=None):
        seed = [seed] * self.num_envs if isinstance(seed, int) else seed
        return super().reset(seed=seed, options=options)


class NoList(PointVectorEnv):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed[0] if isinstance(seed, list) else seed, options=options)


class SeedsAtEveryReset(PointVectorEnv):
    seeds: Any = None

    def reset(self, *, seed=None, options=None):
        self.seeds = seed if seed is not None else self.seeds
        return super().reset(seed=self.seeds, options=options)


class SameStartForEver(PointVectorEnv):
    def begin(self, mask):
        super().begin(mask)
        for i in np.flatnonzero(mask):
            self.first = getattr(self, "first", {})
            key = str(self.chance[i].bit_generator.seed_seq.entropy)
            self.place[i] = self.first.setdefault(key, self.place[i].copy())


class NoOptions(PointVectorEnv):
    def reset(self, *, seed=None, options=None):
        if options is not None and "reset_mask" not in options:
            raise KeyError("reset_mask")
        return super().reset(seed=seed, options=options)


class MaskResetsAll(PointVectorEnv):
    def reset(self, *, seed=None, options=None):
        if options and options["reset_mask"].all() ^ options["reset_mask"].any():
            options = None
        return super().reset(seed=seed, options=options)


class MaskResetsNobody(PointVectorEnv):
    def begin(self, mask):
        if self.mode is OFF or mask.all() or self.ended.any():
            super().begin(mask)


class MaskOfAnyKind(PointVectorEnv):
    def reset(self, *, seed=None, options=None):
        if options and (len(options["reset_mask"]) != self.num_envs or not options["reset_mask"].any()):
            options = None
        return super().reset(seed=seed, options=options)


class Endless(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        self.ended[:], self.age[:] = False, 0
        return obs, reward, terminated & False, truncated & False, {}


class FinalIsFirst(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        if "final_obs" in infos:
            infos["final_obs"] = obs.copy()
        return obs, reward, terminated, truncated, infos


class NoFinal(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        infos.pop("final_obs", None)
        infos.pop("_final_obs", None)
        return obs, reward, terminated, truncated, infos


class FinalForAll(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        if "final_obs" in infos:
            infos["_final_obs"] = np.ones(self.num_envs, dtype=bool)
        return obs, reward, terminated, truncated, infos


class NoFinalInfo(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        infos.pop("final_info", None)
        infos.pop("_final_info", None)
        return obs, reward, terminated, truncated, infos


class RewardAtReset(Broken):
    def spoil(self, obs, reward, *rest):
        return obs, np.where(reward == 0, np.float32(1), reward), *rest


class EndsTwice(PointVectorEnv):
    def step(self, actions):
        ended = self.ended.copy()
        obs, reward, terminated, truncated, infos = super().step(actions)
        return obs, reward, terminated | (ended & (self.mode is NEXT)), truncated, infos


class ActsAtReset(PointVectorEnv):
    def step(self, actions):
        ended = self.ended.copy()
        returned = super().step(actions)
        if self.mode is NEXT and ended.any():
            self.place[ended] += 0.5 * actions[ended]
            return _seen(self.place, self.age), *returned[1:]
        return returned


class ResetsUnasked(PointVectorEnv):
    def step(self, actions):
        if self.mode is OFF and self.ended.any():
            self.begin(self.ended.copy())
        return super().step(actions)


class OtherRewardInOneMode(PointVectorEnv):
    def step(self, actions):
        obs, reward, *rest = super().step(actions)
        return obs, reward * (2 if self.mode is OFF else 1), *rest


class LimitIsAnEnd(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        return obs, reward, terminated | truncated, truncated & False, infos


class OtherInfo(Broken):
    def spoil(self, obs, reward, terminated, truncated, infos):
        for told in (infos, infos.get("final_info", {})):
            if "distance" in told:
                told["distance"] = told["distance"] + np.float32(0.25)
        return obs, reward, terminated, truncated, infos


class CounterGoesOn(PointVectorEnv):
    def begin(self, mask):
        age = self.age.copy()
        super().begin(mask)
        self.age[mask] = age[mask] % 5


class FlatPicture(PointVectorEnv):
    def render(self):
        return tuple(np.zeros((4, 6), np.uint8) for _ in range(self.num_envs))


class OnePicture(PointVectorEnv):
    def render(self):
        return super().render()[:1]


class ClosesOnce(PointVectorEnv):
    def close(self, **k):
        if self.closed:
            raise RuntimeError("already closed")
        self.closed = True


CASES = [
    (FourValues, "step_returns"), (ResetWithoutInfos, "reset_returns"), (DoublePrecision, "observation"),
    (OutOfBounds, "observation"), (NotANumber, "finite"), (NotANumberInInfos, "finite"),
    (RewardsInAColumn, "reward"), (RewardsInAList, "reward"), (FlagsOfInt, "flags"), (InfosInAList, "infos"),
    (InfosWithoutMask, "infos"), (InfosOfOneRow, "infos"), (NoMode, "autoreset_mode"), (WrongMode, "autoreset_mode"),
    (WrongNumber, "num_envs"), (UnbatchedSpace, "spaces"), (OneBuffer, "no_overwrite"),
    (OneRewardBuffer, "no_overwrite"), (OneFinalBuffer, "no_overwrite"), (WritesActions, "actions_untouched"),
    (KeepsActions, "actions_untouched"), (GlobalChance, "seed_reproducible"),
    (RestartsStayPending, "seed_reproducible"), (OneChanceForAll, "seed_alone"), (OneSeedForAll, "seed_alone"),
    (NoList, "seed_list"), (SeedsAtEveryReset, "seed_stream"), (SameStartForEver, "seed_stream"),
    (NoOptions, "reset_options"), (MaskResetsAll, "reset_mask"), (MaskResetsNobody, "reset_mask"),
    (MaskOfAnyKind, "reset_mask"), (Endless, "episodes_end"), (FinalIsFirst, "final_obs"), (NoFinal, "final_obs"),
    (FinalForAll, "final_obs"), (NoFinalInfo, "final_info"), (RewardAtReset, "reset_step"), (EndsTwice, "reset_step"),
    (ActsAtReset, "reset_step"), (ResetsUnasked, "no_autoreset"), (OtherRewardInOneMode, "modes_agree"),
    (LimitIsAnEnd, "single"), (OtherInfo, "single"), (CounterGoesOn, "single"), (FlatPicture, "render"),
    (OnePicture, "render"), (ClosesOnce, "close"), (lambda n: PointEnv(), "make"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "rule"), CASES, ids=lambda case: getattr(case, "__name__", str(case)))
def test_a_dishonest_batch_is_caught_by_the_rule_it_breaks(make: Any, rule: str) -> None:
    report = check_vector_env(make, single=PointEnv, num_envs=3, steps=40, raises=False)
    assert rule in report.broken, str(report)


def test_every_rule_has_a_batch_that_breaks_it() -> None:
    assert {rule for _, rule in CASES} == set(RULES)


def test_a_batch_that_overwrites_nothing_but_its_own_copy_is_caught_in_gymnasium_too() -> None:
    report = check_vector_env(lambda n: SyncVectorEnv([PointEnv] * n, copy=False), steps=30, raises=False)
    assert report.broken == ("no_overwrite",)


# ---- what is raised and told


def test_one_error_lists_every_problem() -> None:
    class Twice(OneSeedForAll, RewardAtReset):
        pass

    with pytest.raises(VectorEnvError) as error:
        check_vector_env(Twice, steps=60)
    assert "seed_alone (" in str(error.value) and "reset_step (NextStep)" in str(error.value)
    assert {"seed_alone", "reset_step"} <= set(error.value.report.broken)


def test_a_rule_may_be_skipped_and_is_listed_as_such() -> None:
    report = check_vector_env(ClosesOnce, steps=60, skip=["close"])
    assert report.unchecked["close"] == "skipped" and "close" not in report.checked
    assert report.unchecked["single"] == "no single environment given"


def test_a_difference_within_the_tolerance_counts_as_equal() -> None:
    class Rounded(Broken):
        def spoil(self, obs, *rest):
            return (obs + np.float32(1e-6) * (self.num_envs > 1)).astype(np.float32), *rest

    assert not check_vector_env(Rounded, steps=40, skip=["reset_mask"], raises=False).ok
    assert check_vector_env(Rounded, steps=40, tolerance=1e-4, skip=["reset_mask"]).ok


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"num_envs": 1}, "at least 2"),
        ({"steps": 0}, "at least 2"),
        ({"skip": ["sede_list"]}, "did you mean 'seed_list'"),
    ],
)
def test_a_wrong_argument_is_named(kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        check_vector_env(PointVectorEnv, **kwargs)


def test_a_difference_is_told_by_place_and_value() -> None:
    assert unequal({"a": np.array([1.0, 2.0])}, {"a": np.array([1.0, 3.0])}, 0.0) == "'a' [1] 2, expected 3"
    assert unequal(np.float32(np.nan), np.float32(np.nan), 0.0) is None
    assert unequal(np.zeros(2), np.zeros(3), 0.0) == "of shape (2,), expected (3,)"
    assert difference([], [], 0.0) is None
