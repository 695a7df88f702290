"""Controllers on batches and as directors of real shots; the benchmark; episodes as scenes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from camera_people import moved, stander, walker
from camera_people import shot as any_shot

from motion.camera import Shot
from motion.errors import BadInput
from motion.prior.weights import Card
from motion.stage import Performance, Prop, Stage
from rl_camera import bench, direct, framing, roll_out
from rl_camera.control import tune
from rl_camera.control.base import Drive, Random, Static, rollout
from rl_camera.control.demonstrate import Teacher
from rl_camera.control.policy import Policy
from rl_camera.control.rule import Rule, RuleSettings
from rl_camera.control.search import CEM, Greedy, simulate
from rl_camera.env import scene, staging
from rl_camera.env.config import FramingConfig
from rl_camera.env.core import Framing
from rl_camera.env.library import KEYPOINTS, default_library
from rl_camera.env.sampling import Sampler
from rl_camera.env.vector import FramingVectorEnv
from rl_camera.lost import longest_lost_s
from rl_camera.placement import LOWEST, Surroundings
from rl_camera.policy_net import PolicyNet, Shape
from rl_camera.steered import PLANNING, SteeredDirector, policy_director

WIDE, FPS = 16 / 9, Fraction(24)


@pytest.fixture(scope="module")
def library():
    return default_library("test", 10.0)


def problem(library, count: int = 24, **options):
    core = Framing(FramingConfig(keypoints="eight", library=library, **options))
    sampler = Sampler(core.config, core.table)
    return core, *sampler.draw(np.arange(count, dtype=np.uint64), np.zeros(count, np.uint64))


def some_policy(path: Path, config: FramingConfig = PLANNING, seed: int = 0) -> Path:
    """A policy with weights of chance: it flies badly, but it flies."""
    settings = {"keypoints": config.keypoints, "performers": config.performers, "occluders": config.occluders}
    core = Framing(replace(config, knowledge="live"), default_library("test", 10.0).table(config.keypoints))
    rng = np.random.default_rng(seed)
    sizes = [(16, core.size), (7, 16)]
    layers = tuple((rng.normal(0, 0.1, s).astype(np.float32), np.zeros(s[0], np.float32)) for s in sizes)
    card = Card("camera", "chance", "", config={"env": {"id": "cinemotion/Framing-v0", "kwargs": settings}})
    PolicyNet(Shape(layers), card).save(path)
    return path


def shot(start_s: float, end_s: float, of: str | tuple[str, ...], **more: object) -> Shot:
    return any_shot(start_s=start_s, end_s=end_s, of=(of,) if isinstance(of, str) else of, **more)


# ---- controllers


def test_the_ladder(library) -> None:
    core, episodes, state = problem(library, 32, performers=2)
    means = {}
    for name, one in (("random", Random()), ("static", Static()), ("rule", Rule()), ("cem", CEM(24, 2, 12))):
        means[name] = rollout(core, one, episodes, state).returns.mean()
    assert means["random"] < means["static"] < means["rule"] - 0.05 < means["cem"] - 0.05


def test_greedy_gains_on_the_rule_that_it_starts_from(library) -> None:
    core, episodes, state = problem(library, 32)
    rule, greedy = (rollout(core, one, episodes, state).returns.mean() for one in (Rule(), Greedy()))
    assert greedy > rule


def test_a_rollout_leaves_what_it_is_given_alone_and_is_the_same_again(library) -> None:
    core, episodes, state = problem(library, 6)
    before = (episodes.data.data.copy(), episodes.t.copy(), state.data.copy())
    planner = CEM(8, 2, 8)
    one, two = (rollout(core, planner, episodes, state).returns for _ in range(2))
    assert np.array_equal(one, two)
    assert all(np.array_equal(a, b) for a, b in zip(before, (episodes.data.data, episodes.t, state.data), strict=True))


def test_planners_simulate_the_environment_itself(library) -> None:
    core, episodes, state = problem(library, 5)
    plan = np.random.default_rng(0).uniform(-1, 1, (6, 7, 5)).astype(np.float32)
    value = simulate(core, episodes, state, plan)
    own, total = episodes.copy(), np.zeros(5)
    for action in plan:
        state = core.step(own, state, action)
        total += core.judge(own, state).reward
    assert np.allclose(value, total, atol=1e-5)


def test_a_tripod_stands(library) -> None:
    core, episodes, state = problem(library, 8, rigs=("tripod",))
    for one in (Rule(), CEM(8, 1, 6)):
        states = rollout(core, one, episodes, state, keep=True).states
        assert np.abs(states[-1]["place"] - states[0]["place"]).max() < 1e-5
        assert np.abs(states[-1]["angles"] - states[0]["angles"]).max() > 1e-3


def test_more_planning_is_better(library) -> None:
    core, episodes, state = problem(library, 12)
    small, large = (rollout(core, CEM(*size), episodes, state).returns.mean() for size in ((8, 1, 8), (48, 3, 16)))
    assert large > small


@pytest.mark.parametrize("wrong", [{"samples": 2}, {"rounds": 0}, {"horizon": 0}, {"knots": 40}])
def test_a_planner_of_nonsense(wrong) -> None:
    with pytest.raises(BadInput, match="cem"):
        CEM(**wrong)


def test_teachers_show_what_they_do() -> None:
    env = FramingVectorEnv(4, keypoints="eight", split="test", seconds=1.0)
    obs, actions = Teacher(Rule()).demonstrate(env, 6, 3)
    assert obs.shape == (6, 10, env.single_observation_space.shape[0]) and actions.shape == (6, 10, 7)
    assert np.isfinite(obs).all() and np.abs(actions).max() <= 1.0
    env.reset(seed=3)
    assert np.allclose(Teacher(Rule()).label(env), actions[:4, 0], atol=1e-6)
    with pytest.raises(BadInput, match="Framing"):
        Teacher(Rule()).label(object())


def test_settings_survive_a_vector_and_a_file(tmp_path: Path) -> None:
    settings = RuleSettings(travel=2.5, detour=0.1)
    assert np.allclose(RuleSettings.of(settings.vector()).vector(), settings.vector())
    with pytest.raises(BadInput, match="numbers"):
        RuleSettings.of(np.zeros(3))
    tuned = tune.Tuned(settings, 0.6, 0.5, 1000)
    tune.save(tuned, tmp_path / "rule.json")
    assert tune.load(tmp_path / "rule.json") == tuned
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(BadInput, match="bad"):
        tune.load(tmp_path / "bad.json")


def test_tuning_improves_and_says_when_it_cannot_begin(library) -> None:
    config = FramingConfig(keypoints="eight", library=library, seconds=3.0, occluders=0)
    with pytest.raises(BadInput, match="one generation"):
        tune.tune(config, 100)
    tuned = tune.tune(config, 60_000, episodes=32)
    assert tuned.steps >= 60_000 and np.isfinite(tuned.value)


# ---- as directors


def people() -> list[Performance]:
    return [walker("hero", seconds=4.0, speed=0.9), stander("friend", at=(1.5, 1.0))]


def steered(**size) -> SteeredDirector:
    return SteeredDirector(CEM(12, 1, 8, **size), PLANNING)


def test_a_planner_films_real_shots() -> None:
    stage = Stage(props=(Prop("post", "box", (0.4, 2.0, 0.4), np.array([0.5, 0.0, 2.5])),))
    shots = [shot(0, 2, of="hero", size="medium"), shot(2, 4, of=("hero", "friend"), size="wide")]
    director = steered()
    path = director.plan(people(), stage, shots, FPS, WIDE)
    assert path.frames == 96 and np.flatnonzero(path.cuts).tolist() == [0, 48]
    assert np.isfinite(path.T_world_camera).all() and (path.T_world_camera[:, 1, 3] >= LOWEST - 1e-9).all()
    assert not Surroundings(stage, people()).inside(path.T_world_camera[:, :3, 3], 0.2).any()
    tracks = framing.track(people(), np.arange(96) / 24)
    xy, depth = framing.project(path.T_world_camera, path.focal_mm, WIDE, tracks.of("head")[:, :1])
    assert (depth > 0).mean() > 0.95 and (np.abs(xy) < 1).all(-1).mean() > 0.9
    assert [f.shot.size for f in director.filmed] == ["medium", "wide"]
    assert all(0.5 < f.value < 1 and f.terms["visibility"] > 0.5 for f in director.filmed)


def test_a_group_is_not_pushed_off_the_picture_by_its_room_to_look_into() -> None:
    """Two who both look one way fill the frame: there is no third of it to leave free."""
    two = [walker("a", (0.0, 0.0), np.pi / 2, seconds=1.0), walker("b", (3.6, 0.0), np.pi / 2, seconds=1.0)]
    asked = shot(0.0, 0.5, ("a", "b"), size="wide", position="auto", options={"azimuth_deg": -90.0})
    path = direct(two, Stage(), [replace(asked, director="greedy")], FPS, WIDE)
    both = framing.track(two, [0.0])
    xy, _ = framing.project(path.T_world_camera[:1], path.focal_mm[:1], WIDE, both.of("pelvis"))
    assert 0.03 < abs(xy[..., 0].mean()) < 0.2, "some room, not a third of the half frame"


def test_the_frame_rate_does_not_change_the_way() -> None:
    one = steered().plan(people(), Stage(), [shot(0, 3, of="hero")], Fraction(24), WIDE)
    two = steered().plan(people(), Stage(), [shot(0, 3, of="hero")], Fraction(48), WIDE)
    assert np.allclose(one.T_world_camera, two.T_world_camera[::2][: one.frames], atol=1e-5)


def test_a_camera_on_a_rig_has_no_corners_in_its_way() -> None:
    path = steered().plan(people(), Stage(), [shot(0, 3, of="hero", move="follow")], Fraction(240), WIDE)
    velocity = np.diff(path.T_world_camera[:, :3, 3], axis=0) * 240
    assert np.linalg.norm(np.diff(velocity, axis=0), axis=-1).max() * 240 < 4.0 * 1.05  # a drone's push, m/s²


def test_moves_of_fixed_rigs_are_the_rule_directors() -> None:
    shots = [shot(0, 2, of="hero", move="truck_left")]
    ours, rule = (direct(people(), Stage(), [replace(shots[0], director=d)], FPS, WIDE) for d in ("greedy", "rule"))
    assert np.array_equal(ours.T_world_camera, rule.T_world_camera)


@pytest.mark.parametrize("move", sorted(map(str, scene.ASKED_MOVES)))
def test_every_asked_move_is_filmed(move) -> None:
    cast = [stander("hero")] if move.startswith("zoom") else people()
    path = SteeredDirector(Rule(), PLANNING).plan(cast, Stage(), [shot(0, 3, of="hero", move=move)], FPS, WIDE)
    assert np.isfinite(path.T_world_camera).all()
    start, end = path.T_world_camera[0, :3, 3], path.T_world_camera[-1, :3, 3]
    heads = framing.track(cast, [0.0, 71 / 24]).of("head")[:, 0]
    away = [float(np.linalg.norm(a - b)) for a, b in ((start, heads[0]), (end, heads[1]))]
    if move == "push_in":
        assert away[1] < 0.85 * away[0]
    if move == "pull_out":
        assert away[1] > 1.15 * away[0]
    if move == "zoom_in":
        assert path.focal_mm[-1] > 1.2 * path.focal_mm[0]
    if move == "crane_up":
        assert end[1] > start[1] + 0.3


def test_a_policy_films_planned_and_live(tmp_path: Path) -> None:
    director = policy_director(some_policy(tmp_path / "p.safetensors"))
    alone = [walker("hero", seconds=3.0, speed=0.0)]
    planned = director.plan(alone, Stage(), [shot(0, 2, of="hero")], Fraction(20), WIDE)
    live = roll_out(director, alone, Stage(), [shot(0, 2, of="hero")], Fraction(20), WIDE)
    # Somebody who stands still is the same known ahead or not.
    assert np.allclose(planned.T_world_camera, live.T_world_camera, atol=2e-3)
    assert np.allclose(planned.focal_mm, live.focal_mm, rtol=1e-3)


def test_who_plans_does_not_act_live() -> None:
    with pytest.raises(BadInput, match="plans ahead"):
        roll_out(steered(), people(), Stage(), [shot(0, 1, of="hero")], FPS, WIDE)


def test_policies_for_something_else_are_refused(tmp_path: Path) -> None:
    path = some_policy(tmp_path / "p.safetensors")
    net = PolicyNet.load(path)
    other = replace(net.card, config={"env": {"id": "CartPole-v1", "kwargs": {}}})
    PolicyNet(net.shape, other).save(tmp_path / "q.safetensors")
    with pytest.raises(BadInput, match="CartPole"):
        Policy(tmp_path / "q.safetensors")
    grown = replace(net.card, config={"env": {"id": "cinemotion/Framing-v0", "kwargs": {"performers": 2}}})
    PolicyNet(net.shape, grown).save(tmp_path / "r.safetensors")
    director = policy_director(tmp_path / "r.safetensors")
    with pytest.raises(BadInput, match="numbers, these have"):
        director.plan(people(), Stage(), [shot(0, 1, of="hero")], FPS, WIDE)
    with pytest.raises(BadInput, match="no"):
        policy_director(tmp_path / "no.safetensors")


ODD: dict[str, tuple[list[Performance], Shot]] = {
    "at one point": ([stander("hero"), stander("friend")], shot(0, 1, of=("hero", "friend"), size="wide")),
    "a kilometre apart": ([stander("hero"), stander("friend", at=(1000.0, 0.0))], shot(0, 1, of=("hero", "friend"))),
    "a lens of 1 mm": ([stander("hero")], replace(shot(0, 1, of="hero"), lens_mm=1.0)),
    "a lens of 2000 mm": ([stander("hero")], replace(shot(0, 1, of="hero"), lens_mm=2000.0)),
    "one frame": ([stander("hero")], shot(0, 1 / 24, of="hero")),
    "far from the origin": ([stander("hero", at=(5000.0, -5000.0))], shot(0, 1, of="hero")),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("controller", [Rule, lambda: CEM(8, 1, 6)], ids=["rule", "cem"])
def test_odd_shots_get_a_defined_camera(name, controller) -> None:
    cast, asked = ODD[name]
    path = SteeredDirector(controller(), PLANNING).plan(cast, Stage(), [asked], FPS, WIDE)
    assert np.isfinite(path.T_world_camera).all() and (path.focal_mm > 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_shot_does_not_begin_behind_a_wall(seed: int) -> None:
    cast = [stander("hero")]
    asked = shot(0, 1, of="hero", size="full", view="front")
    everyone = scene.everyone_at(cast, asked, PLANNING.hz)
    turn = np.random.default_rng(seed).uniform(-0.2, 0.2)
    wall = Prop("wall", "box", (1.2, 2.4, 0.1), np.array([1.6 * np.sin(turn), 0.0, 1.6 * np.cos(turn)]))
    seen = []
    for stage in (Stage(), Stage(props=(wall,))):
        core, episodes = scene.episode_of(PLANNING, cast, stage, asked, everyone, WIDE)
        state = scene.begin(core, episodes)
        seen.append(float(core.judge(episodes, state).shown.seen[0]))
        moment = core.judge(episodes, state)
        if not stage.props:  # nothing is in the way: just what is asked
            assert abs(moment.errors.view[0]) < 0.03 and abs(moment.errors.size[0]) < 0.05
    assert min(seen) > 0.8, seen


def test_no_line_of_sight_at_all() -> None:
    walls = [Prop(f"w{k}", "box", (3.0, 3.0, 0.2), np.array(at)) for k, at in
             enumerate(([0, 0, 1.2], [0, 0, -1.2]))]  # fmt: skip
    walls += [Prop(f"v{k}", "box", (0.2, 3.0, 3.0), np.array(at)) for k, at in enumerate(([1.2, 0, 0], [-1.2, 0, 0]))]
    director = SteeredDirector(CEM(8, 1, 6), PLANNING)
    path = director.plan([stander("hero")], Stage(props=tuple(walls)), [shot(0, 2, of="hero", size="wide")], FPS, WIDE)
    assert np.isfinite(path.T_world_camera).all()


def test_poses_that_are_not_finite_are_named() -> None:
    tracks = framing.track([walker("hero")], np.arange(12) / 10.0)
    points = tracks.points.copy()
    points[7, 0, 3] = np.nan
    with pytest.raises(BadInput, match=r"hero: the pose at 0\.70 s"):
        scene.episode_of(PLANNING, [walker("hero")], Stage(), shot(0, 1, "hero"), replace(tracks, points=points), WIDE)


def test_the_whole_scene_moved_moves_the_camera() -> None:
    cast, asked = [walker("hero", seconds=2.0)], [shot(0, 2, of="hero")]
    turned = [moved(p, 0.7, (3.0, 0.0, -2.0)) for p in cast]
    one = SteeredDirector(Rule(), PLANNING).plan(cast, Stage(), asked, FPS, WIDE)
    two = SteeredDirector(Rule(), PLANNING).plan(turned, Stage(), asked, FPS, WIDE)
    c, s = np.cos(0.7), np.sin(0.7)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    expected = one.T_world_camera[:, :3, 3] @ turn.T + [3.0, 0.0, -2.0]
    assert np.abs(two.T_world_camera[:, :3, 3] - expected).max() < 0.02


# ---- episodes as scenes; the benchmark


def test_an_episode_and_its_scene_show_the_same_picture(library) -> None:
    core, episodes, state = problem(library, 4, performers=3)
    states = rollout(core, Rule(), episodes, state, keep=True).states
    names = [framing.LANDMARK[n] for n in KEYPOINTS["eight"]]
    for i in range(4):
        cast = staging.performances_of(library, core.table, episodes, i)
        path = staging.path_of(states, i, 10.0)
        at = episodes.copy()
        at.t[:] = 30
        sight = core.judge(at, states[30]).sight
        points = framing.track(cast, [3.0]).points[0]
        xy, _ = framing.project(path.T_world_camera[90], path.focal_mm[90], WIDE, points[:, names])
        for p in range(len(cast)):
            seen = sight.inside[p, :, i]
            assert np.abs(xy[p] - sight.place[:, p, :, i].T)[seen].max(initial=0.0) < 1e-4
        asked = staging.shot_of(episodes, i, 10.0)
        assert asked.of[0] == cast[0].name and asked.end_s == pytest.approx(8.0)


def test_the_benchmark_compares_on_the_same_episodes(tmp_path: Path) -> None:
    weights = some_policy(tmp_path / "a.safetensors"), some_policy(tmp_path / "b.safetensors", seed=1)
    table = bench.run(weights, episodes=3, budgets=(64,))
    assert table.normalised(table.row("static")) == 0.0 and table.normalised(table.top) == 1.0
    assert table.row("policy").returns.shape == (2, 3) and table.row("policy").live
    assert not table.row("cem 64").live and table.row("cem 64").simulations == 64
    out = bench.as_json(table)
    assert {r["name"] for r in out["rows"]} >= {"static", "rule", "policy", "greedy", "cem 64"}
    assert all(np.isfinite(r["return"]) and r["decision_ms"] > 0 for r in out["rows"])
    again = bench.run(weights, episodes=3, budgets=())
    assert np.array_equal(table.row("policy").returns, again.row("policy").returns)


def test_intervals() -> None:
    rng = np.random.default_rng(0)
    mean, low, high = bench.interval(rng.normal(0.0, 1.0, (5, 60)))
    assert low < 0 < high and low < mean < high
    mean, low, high = bench.interval(rng.normal(1.0, 1.0, (5, 60)))
    assert low > 0.5
    with_gaps = np.where(rng.random((5, 60)) < 0.3, np.nan, 2.0)
    assert bench.interval(with_gaps) == (2.0, 2.0, 2.0)
    # Seeds count: one good seed among bad ones shows nothing.
    seeds = np.repeat(np.array([[1.0], [-0.2], [-0.2], [-0.2], [-0.2]]), 60, axis=1)
    assert bench.interval(seeds)[1] < 0


def test_live_controllers_do_not_read_the_future(library) -> None:
    """What is changed in the table after this moment changes nothing that they do now."""
    core, episodes, state = problem(library, 6)
    now = Rule()
    now.begin(6)
    before = now.act(Drive(core, episodes, state, None))
    points, anchors, extra = (a.copy() for a in (core.table.points, core.table.anchors, core.table.extra))
    future = np.ones(points.shape[1], bool)
    future[np.unique(episodes.rows)] = False
    points[:, future] += 5.0
    extra[:, future] += 5.0
    anchors.reshape(3, -1, 8)[:, future] += 5.0
    other = Framing(core.config, replace(core.table, points=points, anchors=anchors, extra=extra))
    again = Rule()
    again.begin(6)
    assert np.array_equal(before, again.act(Drive(other, episodes, state, None)))


def test_who_loses_the_subject_leaves_the_shot_to_the_rule_director() -> None:
    cast, stage = [walker("hero", seconds=5.0, speed=1.6)], Stage()
    asked = shot(0, 5, of="hero", size="full", view="left", move="follow")
    stands = SteeredDirector(Static(), PLANNING)
    path = stands.plan(cast, stage, [asked], FPS, WIDE)
    around = Surroundings(stage, cast)
    assert longest_lost_s(path, cast, asked, around, WIDE) < 0.7
    assert "was lost for" in stands.reasons[0][0] and "the rule director films it" in stands.reasons[0][0]
    follows = SteeredDirector(Rule(), PLANNING)
    follows.plan(cast, stage, [asked], FPS, WIDE)
    assert not any("was lost" in line for line in follows.reasons[0])


def test_a_camera_that_looks_away_has_lost_its_subject_all_the_time() -> None:
    cast, asked = [stander("hero")], shot(0, 2, of="hero")
    around = Surroundings(Stage(), cast)
    path = direct(cast, Stage(), [asked], FPS, WIDE)
    assert longest_lost_s(path, cast, asked, around, WIDE) == 0.0
    T = path.T_world_camera.copy()
    T[:, :3, [0, 2]] *= -1.0
    assert longest_lost_s(replace(path, T_world_camera=T), cast, asked, around, WIDE) == pytest.approx(2.0, abs=0.1)
    T[24:] = path.T_world_camera[24:]
    assert longest_lost_s(replace(path, T_world_camera=T), cast, asked, around, WIDE) == pytest.approx(1.0, abs=0.1)
