"""Laws of `Framing-v0`: dynamics within bounds, turned and mirrored episodes, reward terms, no degenerate optimum."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from motion import edit
from rl_camera.env import dynamics, reward
from rl_camera.env.columns import Columns
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing, Moment
from rl_camera.env.episode import Episodes
from rl_camera.env.library import KEYPOINTS, MotionLibrary, default_library
from rl_camera.env.reward import Errors
from rl_camera.env.rigs import RIGS
from rl_camera.env.sampling import Sampler, compose
from rl_camera.placement import LOWEST


def begin(count: int, **options: Any) -> tuple[Framing, Episodes, Columns]:
    """Episodes at their start."""
    config = FramingConfig(**options)
    core = Framing(config)
    seeds = np.arange(count, dtype=np.uint64)
    return core, *Sampler(config, core.table).draw(seeds, np.zeros(count, np.uint64))


def random_actions(count: int, steps: int, hold: int = 1) -> np.ndarray:
    """``(steps, 7, count)``, each kept for some steps so that cameras get up to speed."""
    drawn = np.random.default_rng(5).uniform(-1.5, 1.5, (-(-steps // hold), 7, count)).astype(np.float32)
    return np.repeat(drawn, hold, 0)[:steps]


# ---- dynamics


@pytest.mark.parametrize("rig", RIGS)
def test_no_camera_moves_or_changes_its_speed_more_quickly_than_its_rig(rig: str) -> None:
    core, episodes, state = begin(64, rigs=rig)
    bounds, dt = RIGS[rig], core.dt
    for action in random_actions(64, 60, hold=7):
        before, state = state, core.step(episodes, state, action)
        v, turning = state["velocity"], state["turning"]
        free = state["place"][1] > LOWEST + 1e-5  # the floor stops a camera at once
        change = np.linalg.norm(v - before["velocity"], axis=0)
        assert change[free].max() <= bounds.push * dt * 1.0001 + 1e-5
        assert np.linalg.norm(state["push"], axis=0).max() <= bounds.push * 1.0001 + 1e-5
        # A camera that turns on while it travels keeps its way for a moment, so the bound is on all directions at once.
        assert np.linalg.norm(v, axis=0).max() <= np.linalg.norm(bounds.speed) * 1.0001 + 1e-5
        assert np.abs(v[1]).max() <= bounds.speed[1] * 1.0001 + bounds.push * dt
        assert (np.abs(turning) <= np.array(bounds.turn)[:, None] * 1.0001).all()
        assert np.abs(state["torque"]).max() <= bounds.torque * 1.0001
        assert np.abs(state["zooming"]).max() <= bounds.zoom * 1.0001
        assert np.abs(state["zooming"] - before["zooming"]).max() <= max(bounds.servo * dt, bounds.zoom) * 1.0001
        # Of both jolts the most is a full push turned round; each of three turns has its own torque.
        assert (state["jolt"] >= 0).all() and state["jolt"][0].max() <= 1.0001
        assert state["jolt"][1].max() <= np.sqrt(3) * 1.0001
        assert (np.abs(state["angles"][0]) <= np.pi + 1e-5).all()
    assert (
        np.linalg.norm(v, axis=0).max() >= 0.5 * min(bounds.speed) and np.abs(turning[0]).max() > 0.5 * bounds.turn[0]
    )


def test_cameras_stay_above_the_floor_upright_and_within_their_lenses() -> None:
    core, episodes, state = begin(200, rigs=("drone", "handheld", "crane"))
    down, up = np.zeros((2, 7, 200), np.float32)
    down[[1, 4, 5, 6]], up[[1, 4, 5, 6]] = -1.0, 1.0
    for action in (down, up):
        for _ in range(60):
            state = core.step(episodes, state, action)
            assert (state["place"][1] >= LOWEST - 1e-6).all()
            assert (np.abs(state["angles"][1]) <= dynamics.STEEPEST + 1e-6).all()
            assert (np.abs(state["angles"][2]) <= dynamics.MOST_ROLL + 1e-6).all()
            lens, focal = episodes.data["lens"], state["log_focal"]
            assert (focal >= lens[0] - 1e-6).all() and (focal <= lens[1] + 1e-6).all()
        prime = lens[0] == lens[1]
        assert prime.any() and (state["zooming"][prime] == 0).all()
        at_the_floor = state["place"][1] <= LOWEST + 1e-6
        assert at_the_floor.any() == (action is down) and (state["velocity"][1][at_the_floor] >= 0).all()


def test_standing_still_is_standing_still() -> None:
    core, episodes, state = begin(50)
    after = core.step(episodes, state, np.zeros((7, 50), np.float32))
    for name in ("place", "angles", "log_focal", "velocity"):
        assert np.allclose(after[name], state[name], atol=1e-6)
    assert (after["jolt"] == 0).all()


def test_between_two_steps_the_camera_goes_one_smooth_way() -> None:
    core, episodes, state = begin(100, rigs=("drone", "handheld"))
    for action in random_actions(100, 20, hold=4):
        before, state = state, core.step(episodes, state, action)
        for share, at in ((0.0, before), (1.0, state)):
            place, angles, focal = dynamics.between(before, state, share, core.dt)
            assert np.allclose(place, at["place"], atol=1e-5) and np.allclose(focal, at["log_focal"], atol=1e-5)
            turned = angles - at["angles"]
            assert np.abs(np.sin(turned / 2)).max() < 1e-5
        # Half a step with the same acceleration is half way there.
        push = np.where(state["place"][1] > LOWEST + 1e-4, 1.0, np.nan) * state["push"]
        t = 0.5 * core.dt
        half = before["place"] + before["velocity"] * t + 0.5 * push * t * t
        place, _, _ = dynamics.between(before, state, 0.5, core.dt)
        free = np.isfinite(half) & (
            np.abs(before["velocity"][1] + state["push"][1] * core.dt - state["velocity"][1]) < 1e-5
        )
        assert free.mean() > 0.5 and np.allclose(place[free], half[free], atol=1e-4)
        # And the speed there is the one that the next step begins with.
        late, _, _ = dynamics.between(before, state, 0.999, core.dt)
        speed = (state["place"] - late) / (0.001 * core.dt)
        assert np.allclose(speed[free], state["velocity"][free], atol=0.08)


def test_stepping_leaves_what_it_is_handed() -> None:
    core, episodes, state = begin(10)
    kept, action = state.data.copy(), random_actions(10, 1)[0]
    given = action.copy()
    core.step(episodes, state, action)
    assert np.array_equal(state.data, kept) and np.array_equal(action, given)


# ---- symmetry


def turned(episodes: Episodes, state: Columns, angle: float, shift: tuple[float, float]) -> tuple[Episodes, Columns]:
    """The whole episode turned about the vertical and moved on the floor."""
    episodes, state = episodes.copy(), state.copy()
    d, (c, s) = episodes.data, (np.cos(angle), np.sin(angle))

    def turn(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return c * x + s * z, c * z - s * x

    d["cos"], d["sin"] = c * d["cos"] - s * d["sin"], s * d["cos"] + c * d["sin"]
    x, z = turn(d["off_x"], d["off_z"])
    d["off_x"], d["off_z"] = x + shift[0], z + shift[1]
    x, z = turn(d["block_at"][0], d["block_at"][2])
    d["block_at"][0], d["block_at"][2] = x + shift[0], z + shift[1]
    d["block_cos"], d["block_sin"] = c * d["block_cos"] - s * d["block_sin"], s * d["block_cos"] + c * d["block_sin"]
    for name in ("place", "velocity", "push"):
        state[name][0], state[name][2] = turn(state[name][0].copy(), state[name][2].copy())
    state["place"][0] += shift[0]
    state["place"][2] += shift[1]
    state["angles"][0] += angle
    return episodes, state


def test_where_and_which_way_an_episode_lies_does_not_matter() -> None:
    core, episodes, state = begin(80, performers=3, knowledge="offline")
    other, elsewhere = turned(episodes, state, 2.1, (3.0, -4.0))
    agree = []
    for action in random_actions(80, 15):
        state, elsewhere = core.step(episodes, state, action), core.step(other, elsewhere, action)
        one, here = core.observe(episodes, state)
        reward_here, hidden = here.reward.copy(), here.shown.hidden.copy()
        two, there = core.observe(other, elsewhere)
        same = (np.abs(hidden - there.shown.hidden) < 1e-6) & (np.abs(here.shown.inside - there.shown.inside) < 1e-6)
        agree.append(same.mean())  # all but ties
        told = np.abs(one - two)[:, same].max(1)
        # Which of two things as near is told, and the nearer side where both are as good, may tip over.
        tipped = {"obstacle_sight", "obstacle_near", "viewing"}
        for slot in core.slots:
            if slot.name not in tipped:
                assert told[slot.start : slot.stop].max() < 4e-3, slot
            else:
                assert (np.abs(one - two)[slot.start : slot.stop, same] < 4e-3).mean() > 0.98, slot
        assert np.abs(reward_here - there.reward)[same].max() < 1e-3
    assert np.mean(agree) > 0.98


def test_a_mirrored_episode_earns_the_same() -> None:
    takes = default_library("train").clips[:6]
    library = MotionLibrary((*takes, *(edit.mirror(clip) for clip in takes)), 10.0)
    core, episodes, state = begin(120, performers=2, library=library, seconds=4.0)
    table, d = core.table, episodes.data
    takes_of = np.searchsorted(table.starts, episodes.rows, side="right") - 1
    swap = (takes_of + 6) % 12
    assert (table.lengths[takes_of] == table.lengths[swap]).all()
    other, mirror = episodes.copy(), state.copy()
    other.rows[...] = episodes.rows - table.starts[takes_of] + table.starts[swap]
    m = other.data
    for name in ("sin", "off_x", "azimuth", "x", "roll", "block_sin"):
        m[name] = -d[name]
    m["block_at"][0] = -d["block_at"][0]
    flip = np.array([-1, 1, 1, -1, 1, -1, 1], np.float32)[:, None]  # right, pan, roll
    mirror["place"][0] *= -1
    mirror["angles"][[0, 2]] *= -1
    names = KEYPOINTS["smpl24"]
    pairs = [names.index(n.replace("left", "L").replace("right", "left").replace("L", "right")) for n in names]
    for action in random_actions(120, 12):
        state, mirror = core.step(episodes, state, action), core.step(other, mirror, action * flip)
        one, here = core.observe(episodes, state)
        seen, terms = here.sight.inside.copy(), {k: v.copy() for k, v in here.terms.items()}
        two, there = core.observe(other, mirror)
        assert (seen == there.sight.inside[:, pairs]).mean() > 0.999
        for name in terms:
            tips = 0.97 if name in ("visibility", "collision") else 0.99  # ties, and either side as good
            assert (np.abs(terms[name] - there.terms[name]) < 3e-3).mean() > tips, name
        first, second = (o[: core.parts["bearings"].stop].reshape(3, 2, 24, -1) for o in (one, two))
        sides = np.array([-1, 1, 1], np.float32)[:, None, None, None]
        assert np.allclose(first, second[:, :, pairs] * sides, atol=3e-3)


# ---- reward


def test_each_term_is_one_without_error_and_falls_as_its_own_error_grows() -> None:
    grow, nil = np.linspace(0, 3, 40, dtype=np.float32), np.zeros(40, np.float32)
    none = Errors(*[nil] * 10)
    for term, fields in (
        (reward.size, ["size"]), (reward.position, ["x"]), (reward.position, ["y"]), (reward.view, ["view"]),
        (reward.view, ["height"]), (reward.lens, ["lens"]), (reward.horizon, ["roll"]), (reward.position, ["x", "y"]),
    ):  # fmt: skip
        for sign in (1.0, -1.0):
            value = term(replace(none, **dict.fromkeys(fields, sign * grow)))
            assert value[0] == 1.0 and (np.diff(value) <= 0).all() and 0 < value[-1] < 0.05
            assert (np.diff(value[2:]) < 0).all()  # never flat: the way back is felt from far
    jolt = np.stack([grow / 3, nil])
    assert (np.diff(reward.steady(jolt)) < 0).all() and reward.steady(nil[None].repeat(2, 0)).min() == 1.0
    gap = np.linspace(1.0, -1.0, 40, dtype=np.float32)
    cost = reward.collision(gap[None], np.full(40, 9.0, np.float32))
    assert cost[0] == 0 and cost[-1] == 1 and (np.diff(cost) >= 0).all()


@pytest.mark.parametrize(
    ("change", "term"),
    [
        (("log_focal", 0.4), "size"), (("log_focal", -0.4), "lens"), (("roll", 0.3), "horizon"),
        (("pan", 0.25), "position"), (("pan", 2.5), "visibility"),
    ],
)  # fmt: skip
def test_a_composed_picture_loses_the_term_that_is_spoilt(change: tuple[str, float], term: str) -> None:
    core, episodes, state, good = composed(300)
    what, amount = change
    worse = state.copy()
    row = {"log_focal": worse["log_focal"], "roll": worse["angles"][2], "pan": worse["angles"][0]}[what]
    row += amount
    spoilt = core.judge(episodes, worse)
    assert spoilt.terms[term].mean() < 0.8 * good[term].mean()


def composed(count: int, **options: Any) -> tuple[Framing, Episodes, Columns, dict[str, np.ndarray]]:
    """Cameras that show what is asked, and their terms."""
    core, episodes, _ = begin(count, **options)
    nil = np.zeros(count, np.float32)
    state = compose(episodes, core.table, nil, nil, nil)
    return core, episodes, state, {k: v.copy() for k, v in core.judge(episodes, state).terms.items()}


def test_a_composed_picture_is_what_was_asked() -> None:
    _, _, _, good = composed(400)
    for name, least in (("size", 0.9), ("position", 0.9), ("view", 0.9), ("horizon", 0.95), ("lens", 0.9)):
        assert good[name].mean() > least, (name, good[name].mean())


def played(core: Framing, episodes: Episodes, state: Columns, place: Any = None) -> np.ndarray:
    """Mean reward ``(N,)`` of a shot whose camera is put somewhere anew at every step, or stands."""
    episodes, total = episodes.copy(), np.zeros(len(episodes))
    for _ in range(core.config.steps):
        episodes.t += 1
        if place is not None:
            state = place(episodes)
        moment: Moment = core.judge(episodes, state)
        total += moment.reward
    return total / core.config.steps


def test_no_degenerate_camera_earns_what_a_composed_one_does() -> None:
    """Far away, standing still, looking away, hidden in a box: each is clearly worse, in nearly every episode."""
    N = 250
    core, episodes, start, _ = composed(N, performers=2, occluders=8)
    nil = np.zeros(N, np.float32)

    def follow(later: Episodes) -> Columns:
        return compose(later, core.table, nil, nil, nil)

    def far(later: Episodes) -> Columns:
        return compose(later, core.table, nil, nil + np.log(8.0), nil)

    def away(later: Episodes) -> Columns:
        state = compose(later, core.table, nil, nil, nil)
        state["angles"][0] += np.pi
        return state

    boxed = start.copy()
    d = episodes.data
    inside = d["block_reach"][0] > 0
    boxed["place"][:, inside] = d["block_at"][:, 0, inside]
    good = played(core, episodes, start, follow)
    for name, poor in (
        ("far", played(core, episodes, start, far)), ("away", played(core, episodes, start, away)),
        ("static", played(core, episodes, start)), ("boxed", played(core, episodes, boxed)),
    ):  # fmt: skip
        counted = inside if name == "boxed" else np.ones(N, bool)
        margin, share = (good - poor)[counted].mean(), ((good - poor)[counted] > 0).mean()
        assert margin > 0.08 and share > 0.8, (name, margin, share)
    assert good.mean() > 0.7


def test_the_motion_of_a_user_s_own_is_what_is_filmed() -> None:
    clip = edit.resample(default_library("test").clips[0], Fraction(25))
    core, episodes, state = begin(8, library=MotionLibrary((clip,), 10.0), seconds=2.0, occluders=0)
    assert len(core.table.starts) == 1 and np.isfinite(core.judge(episodes, state).reward).all()


# ---- groups


def test_a_groups_least_distance_leaves_room_for_every_one_of_it() -> None:
    rng = np.random.default_rng(2)
    stature, filmed = rng.uniform(1.4, 2.0, (4, 500)), (rng.random((4, 500)) < 0.6).astype(float)
    off = rng.uniform(-3, 3, (2, 4, 500))
    across, nearer = off - (off * filmed).sum(1, keepdims=True) / np.maximum(filmed.sum(0), 1.0)
    tan, want_x = rng.uniform(0.1, 1.0, 500), rng.uniform(-1 / 3, 1 / 3, 500)
    least = reward.room_for_group(across, nearer, stature, filmed, tan, want_x)
    alone = filmed.sum(0) < 2
    assert (least[alone] < 0.01).all() and (least[~alone] > 0.5).all()
    middle = want_x * least * tan  # where the group's middle stands, metres to the right of the picture's
    room = reward.GROUP_ROOM * stature
    edges = (np.abs(middle + across + side * room) / (tan * (least - nearer)) for side in (-1, 1))
    outer = np.where(filmed > 0.5, np.maximum(*edges), 0.0).max(0)
    # Nobody ends beyond the fill, and at the least distance somebody ends just there.
    np.testing.assert_allclose(outer[~alone], reward.GROUP_FILL, atol=1e-5)


def test_cameras_begin_with_all_of_a_group_in_the_picture() -> None:
    core, episodes, state = begin(600, performers=4, keypoints="eight", rough=0.0, occluders=0, seconds=1.0)
    inside, filmed = core.judge(episodes, state).sight.inside, episodes.data["filmed"] > 0.5
    group = filmed.sum(0) > 1
    trunk = [KEYPOINTS["eight"].index(name) for name in ("neck", "spine2")]
    shown = np.where(filmed[:, None], inside[:, trunk], True).all((0, 1))
    assert shown[group].mean() > 0.97
