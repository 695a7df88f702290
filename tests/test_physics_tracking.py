"""`physics.world` and `physics.tracking`: standing, falling, walking, pushing; the same bytes; bad input."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest

import mocap_data
from motion import Clip
from motion import rotations as rot
from motion.body import Body
from motion.errors import BadInput
from motion.skeleton import INDEX
from motion.stage import Performance, Prop, Stage
from physics import plan
from physics.bullet import pybullet
from physics.help import Help
from physics.humanoid import Humanoid, build
from physics.refine import refine
from physics.tracking import TrackSettings, track
from physics.world import World

LITTLE = TrackSettings(bounds=((0.05, 0.03),), rollouts=1)
NO_HELP = TrackSettings(bounds=((0.0, 0.0),), rollouts=1)


@lru_cache(maxsize=1)
def usual() -> tuple[Body, Humanoid]:
    body = Body.default()
    return body, build(body)


def standing(frames: int = 12, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Clip:
    """Stands still, arms hanging."""
    body, _ = usual()
    turns = np.tile(rot.IDENTITY, (frames, 24, 1))
    turns[:, INDEX["left_shoulder"]] = rot.from_axis("Z", -1.3)
    turns[:, INDEX["right_shoulder"]] = rot.from_axis("Z", 1.3)
    return Clip(turns, np.tile(body.rest_offsets[0] + at, (frames, 1)), body.rest_offsets, Fraction(30))


def test_who_stands_stays_standing_without_help_and_the_feet_carry_the_weight() -> None:
    body, humanoid = usual()
    run = track([standing()], [body], settings=NO_HELP)[0]
    assert run.tracked and not run.fell and run.clip.frames == 12
    assert run.error_m.max() < 0.005
    assert run.force_share == 0.0
    carried = run.feet[-4:].sum(1).mean(0) / (humanoid.mass_kg * 9.81)
    assert np.allclose(carried, [0, 1, 0], atol=0.02)


def test_a_start_under_the_floor_is_lifted_out() -> None:
    body, humanoid = usual()
    run = track([standing(6, (0, -0.08, 0))], [body], settings=LITTLE)[0]
    low = humanoid.lowest(humanoid.to_links(run.clip.rotations), run.clip.root_position)
    assert low.min() > -0.005 and not run.fell


def test_the_same_input_gives_the_same_bytes() -> None:
    body, _ = usual()
    clips = [standing(5), standing(5, (0.55, 0, 0))]
    first, second = (track(clips, [body, body], settings=LITTLE) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.clip.rotations.tobytes() == b.clip.rotations.tobytes()
        assert a.clip.root_position.tobytes() == b.clip.root_position.tobytes()
        assert a.force.tobytes() == b.force.tobytes() and a.feet.tobytes() == b.feet.tobytes()


def test_free_fall_falls_with_g_whatever_the_clip_says() -> None:
    body, humanoid = usual()
    hovering = standing(12, (0, 3, 0))
    t = np.arange(12) / 30
    falling = replace(hovering, root_position=hovering.root_position - 4.905 * t[:, None] ** 2 * [0, 1, 0])
    for clip, settings in ((hovering, NO_HELP), (falling, TrackSettings(bounds=((1.0, 0.3),), rollouts=1))):
        run = track([clip], [body], settings=settings)[0]
        com = humanoid.centre_of_mass(humanoid.to_links(run.clip.rotations), run.clip.root_position)
        assert 2 * np.polyfit(t[: len(com)], com[:, 1], 2)[0] == pytest.approx(-9.81, rel=0.01)
        assert np.all(run.force[run.flight] == 0.0)


def test_a_captured_walk_tracks_with_little_help() -> None:
    from cinemotion.carry import carried
    from motion.retarget import retarget

    body, _ = usual()
    clip = carried(retarget(mocap_data.load("pybullet:walk"))[0], body.rest_offsets)
    clip = replace(clip, rotations=clip.rotations[:24], root_position=clip.root_position[:24])
    run = track([clip], [body], settings=TrackSettings(bounds=((0.25, 0.1), (0.16, 0.07)), first=0, rollouts=2))[0]
    assert run.tracked and run.rollouts == len(run.tries) == 2
    assert run.planned_error_m.mean() < 0.02
    assert run.force_share <= 0.12 and run.torque_share <= 0.06
    welded = [INDEX[name] for name in ("spine2", "head", "left_wrist", "left_collar")]
    assert rot.angle_between(run.clip.rotations[:, welded], clip.rotations[:, welded]).max() < 1e-6


def test_a_hop_is_planned_as_a_parabola_with_its_times_kept() -> None:
    _, humanoid = usual()
    frames = 30
    height = np.zeros(frames)
    height[8:20] = 0.35 * np.sin(np.pi * (np.arange(8, 20) - 7) / 13)  # not a parabola
    clip = standing(frames)
    clip = replace(clip, root_position=clip.root_position + height[:, None] * [0, 1, 0])
    made = plan.make(humanoid, clip, stiffness=0.6, root=10.0)
    assert made.flight[9:18].all() and not made.flight[:7].any() and not made.flight[21:].any()
    inside = np.flatnonzero(made.flight)
    steps = slice(inside[1] * made.per_frame, inside[-2] * made.per_frame)
    mass = humanoid.centre_of_mass(made.links[steps], made.root[steps])[:, 1]
    assert 2 * np.polyfit(np.arange(len(mass)) * made.step_s, mass, 2)[0] == pytest.approx(-9.81, rel=1e-3)
    assert np.abs(made.shift[:3]).max() == 0.0 and np.abs(made.shift[-3:]).max() == 0.0


def test_performers_push_each_other() -> None:
    body, _ = usual()
    walker = standing(12, (0.9, 0, 0))
    slide = np.linspace(0, -0.7, 12)[:, None] * [1, 0, 0]
    walker = replace(walker, root_position=walker.root_position + slide)
    stands = standing(12)
    settings = TrackSettings(bounds=((0.3, 0.1),), rollouts=1)
    alone = track([stands], [body], settings=settings)[0]
    pushed = track([stands, walker], [body, body], settings=settings)[0]
    assert pushed.clip.root_position[-1, 0] < alone.clip.root_position[-1, 0] - 0.02


def test_props_stop_and_a_start_inside_one_is_refused() -> None:
    body, _ = usual()
    wall = Stage(props=(Prop("crate", "box", position=np.array([0, 0, 0.2])), Prop("far", "tree", position=[90, 0, 0])))
    inside = track([standing(4)], [body], wall, settings=LITTLE)[0]
    assert inside.fell and inside.clip.frames == 1 and "inside 'crate'" in inside.reason
    slab = Stage(props=(Prop("slab", "box", size=(2, 0.3, 2)),))
    with World() as world:
        assert world.add_stage(wall, [-1, 0, -1], [1, 2, 1]) == 1
    on_top = track([standing(6, (0, 0.3, 0))], [body], slab, settings=NO_HELP)[0]
    assert on_top.tracked and on_top.feet[-1].sum(0)[1] > 300


def test_wild_poses_end_cleanly() -> None:
    body, _ = usual()
    wild = replace(standing(6), rotations=rot.normalize(np.random.default_rng(0).normal(size=(6, 24, 4))))
    run = track([wild], [body], settings=LITTLE)[0]
    assert run.fell and run.reason and 1 <= run.clip.frames <= 6
    assert len(run.force) == len(run.feet) == len(run.error_m) == run.clip.frames
    assert all(np.isfinite(a).all() for a in (run.clip.rotations, run.clip.root_position, run.force, run.feet))


def test_bad_input_gets_one_clear_line() -> None:
    body, _ = usual()
    clip = standing(3)
    with pytest.raises(BadInput, match="no clips"):
        track([], [])
    with pytest.raises(BadInput, match="2 characters for 1 clips"):
        track([clip], [body, body])
    with pytest.raises(BadInput, match="expected one rate"):
        track([clip, replace(clip, fps=Fraction(60))], [body, body])
    with pytest.raises(BadInput, match="expected at least 2"):
        track([standing(1)], [body])
    with pytest.raises(BadInput, match="m/s, expected below"):
        track([replace(clip, root_position=clip.root_position * [[1], [1], [9]])], [body])
    with pytest.raises(BadInput, match="expected pairs of shares"):
        track([clip], [body], settings=TrackSettings(bounds=((-1.0, 0.0),)))
    with pytest.raises(BadInput, match="expected more than 0"):
        track([clip], [body], settings=TrackSettings(mass_kg=0.0))
    with pytest.raises(BadInput, match="steps of"):
        World(1.0)


def test_any_rate_and_two_frames() -> None:
    body, _ = usual()
    for fps in (Fraction(240), Fraction(24000, 1001)):
        run = track([replace(standing(2), fps=fps)], [body], settings=LITTLE)[0]
        assert run.clip.frames == 2 and run.clip.fps == fps and run.tracked


def open_and_close(count: int) -> None:
    with World() as world:
        client = world.client
    files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(count):
        with World() as world:
            assert world.client == client  # the same place each time: none is held
            world.step()
        world.close()  # twice is once
    assert len(os.listdir("/proc/self/fd")) == files  # noqa: PTH208


def test_worlds_leave_nothing_behind() -> None:
    open_and_close(10)  # more than Bullet's table would show when one in ten stayed


def test_who_walks_through_another_is_pushed_aside() -> None:
    body, _ = usual()
    there = replace(
        standing(24), root_position=standing(24).root_position + np.linspace(-0.5, 0.5, 24)[:, None] * [1, 0, 0]
    )
    back = replace(there, root_position=there.root_position[::-1] + [0, 0, 0.05])
    runs = track([there, back], [body, body], settings=TrackSettings(bounds=((0.3, 0.1),), rollouts=1))

    def apart(one: Clip, other: Clip) -> float:
        frames = min(one.frames, other.frames)
        off = one.root_position[:frames] - other.root_position[:frames]
        return float(np.linalg.norm(off[:, [0, 2]], axis=1).min())

    assert apart(there, back) < 0.07 and apart(runs[0].clip, runs[1].clip) > 0.15


def test_help_falls_where_it_tracks_and_rises_before_a_fall() -> None:
    body, _ = usual()
    settings = TrackSettings()
    run = track([standing(60)], [body], settings=TrackSettings(bounds=((0.25, 0.1),), rollouts=1))[0]
    frames = np.ones((60, 1))
    much = replace(run, force=100.0 * frames * [0, 1, 0], planned_error_m=np.full(60, 0.01))
    helper = Help(60, 30.0, settings.bounds, settings.first, settings.tracks_m)
    start = helper.bounds()
    assert helper.learn(much) and np.all(helper.bounds() < start) and helper.tracked_s(much) == pytest.approx(2.0)
    fails = replace(much, planned_error_m=np.where(np.arange(60) < 32, 0.01, 0.3))
    assert helper.learn(fails)
    assert helper.bounds()[3, 0] < start[3, 0] and helper.bounds()[35, 0] >= start[35, 0]
    little = Help(60, 30.0, settings.bounds, settings.first, settings.tracks_m)
    assert not little.learn(replace(run, force=0.0 * run.force, torque=0.0 * run.torque))


def test_bullet_that_goes_away_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    body, _ = usual()
    steps = [0]
    step = World.step

    def gone(self: World) -> None:
        steps[0] += 1
        if steps[0] == 5:
            pybullet.disconnect(physicsClientId=self.client)
        step(self)

    monkeypatch.setattr(World, "step", gone)
    with pytest.raises(BadInput, match="Bullet stopped in the middle"):
        track([standing(6)], [body], settings=LITTLE)
    steps[0] = 0
    performances, report = refine([Performance("ada", sunk(), body)], dynamics=True)
    assert "Bullet stopped" in " ".join(report.performers[0].notes)
    assert np.isfinite(performances[0].clip.rotations).all() and performances[0].clip.frames == 12


def sunk() -> Clip:
    return replace(standing(), root_position=standing().root_position - [0, 0.04, 0])


def test_ten_thousand_boxes_are_said_or_left_out() -> None:
    body, _ = usual()
    crates = [Prop(f"crate {k}", "box", position=np.array([50.0 + k % 100, 0, k // 100])) for k in range(10_000)]
    with World() as world:
        assert world.add_stage(Stage(props=tuple(crates)), [-1, 0, -1], [1, 2, 1]) == 0
    near = tuple(replace(c, position=np.array([1.0, 0.0, 0.0002 * k])) for k, c in enumerate(crates[:2500]))
    with pytest.raises(BadInput, match=r"2\d{3} props near the performers"):
        track([standing(3)], [body], Stage(props=near), settings=LITTLE)


@pytest.mark.parametrize("size", [0.2, 2.28])
def test_small_and_large_bodies_stand_by_themselves(size: float) -> None:
    clip = replace(
        standing(), rest_offsets=size * standing().rest_offsets, root_position=size * standing().root_position
    )
    run = track([clip], [None], settings=NO_HELP)[0]
    assert run.tracked and run.error_m.max() < 0.01 * size and run.height_m == pytest.approx(1.75 * size, rel=0.05)


@pytest.mark.slow
def test_a_thousand_worlds_leave_nothing_behind() -> None:
    open_and_close(1000)
