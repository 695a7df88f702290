"""Measures of finished camera paths: known cameras give known numbers; the world's place and handedness change none."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from camera_people import capture, moved, shot, stander, walker

from motion import edit, props
from motion import rotations as rot
from motion.camera import CameraPath, Shot, look_at
from motion.errors import BadInput
from motion.kinematics import forward
from motion.rotations import Array
from motion.skeleton import INDEX, PARENTS
from motion.stage import Performance, Prop, Stage
from rl_camera import direct, framing
from rl_camera.measures import CameraReport, measure
from rl_camera.measures_edit import entropy_bits, jerks
from rl_camera.measures_sight import face_direction, segments_apart
from rl_camera.vocabulary import MOVES, SIZES, usual_lens

WIDE = 16 / 9
FPS = Fraction(30)


def path_of(T: Array, lens: float = 35.0, cuts: Sequence[int] = ()) -> CameraPath:
    mask = np.zeros(len(T), dtype=bool)
    mask[list(cuts)] = True
    return CameraPath(T, np.full(len(T), lens), FPS, cuts=mask)


def standing(place: tuple[float, float, float], target: tuple[float, float, float], frames: int = 30, **more: object) -> CameraPath:  # fmt: skip
    T = np.tile(look_at(np.array(place), np.array(target)), (frames, 1, 1))
    return path_of(T, **more)  # type: ignore[arg-type]


def around(degrees: float, distance: float = 3.0, height: float = 1.55, frames: int = 30, **more: object) -> CameraPath:
    a = np.radians(degrees)
    return standing((distance * np.sin(a), height, distance * np.cos(a)), (0.0, 1.55, 0.0), frames, **more)


def report(path: CameraPath, people: Sequence[Performance] | Performance | None = None, shots: Sequence[Shot] | Shot | None = None,
           stage: Stage | None = None, **more: object) -> CameraReport:  # fmt: skip
    people = [people] if isinstance(people, Performance) else people or [stander()]
    shots = [shots] if isinstance(shots, Shot) else shots or [shot(end_s=path.frames / 30)]
    return measure(path, people, stage or Stage(), shots, WIDE, **more)  # type: ignore[arg-type]


# faces ---------------------------------------------------------------------------------------------------------


def test_faces_look_where_heads_do() -> None:
    for hero in (capture("cartwheel"), walker(turn=1.0)):
        times = np.linspace(0, 1, 20)
        turns, root = hero.at(times)
        offsets = np.repeat(hero.clip.rest_offsets[None], len(times), axis=0)
        offsets[:, 0] = root
        world, _ = forward(PARENTS, turns, offsets)
        ahead = rot.rotate(world[:, INDEX["head"]], np.array([0.0, 0.0, 1.0]))
        np.testing.assert_allclose(face_direction(framing.track([hero], times).points[:, 0]), ahead, atol=1e-9)


@pytest.mark.parametrize(("degrees", "seen"), [(0, 1), (59, 1), (-59, 1), (61, 0), (-61, 0), (90, 0), (180, 0)])
def test_a_face_is_seen_from_before_it(degrees: float, seen: float) -> None:
    level = float(framing.track([stander()], [0.0]).of("eyes")[0, 0, 1])
    eyes = framing.track([stander()], [0.0]).of("eyes")[0, 0]
    a = np.radians(degrees)
    path = standing((eyes[0] + 3 * np.sin(a), level, eyes[2] + 3 * np.cos(a)), tuple(eyes))
    assert report(path).unrewarded.face_seen_share == seen


def test_a_face_out_of_the_frame_or_behind_something_is_not_seen() -> None:
    front = around(0.0, lens=85.0)
    assert report(front).unrewarded.face_seen_share == 1.0
    assert report(standing((0.0, 1.55, 3.0), (0.0, 0.4, 0.0), lens=85.0)).unrewarded.face_seen_share == 0.0
    wall = Prop("wall", "wall", props.usual_size("wall"), np.array([0.0, 0.0, 1.5]))
    hidden = report(front, stage=Stage(props=(wall,)))
    assert hidden.unrewarded.face_seen_share == 0.0
    assert hidden.framing.occluded_share == 1.0 and hidden.framing.visible_share == 0.0
    other = report(front, [stander(), stander("b", (0.0, 1.5))])
    assert other.unrewarded.face_seen_share == 0.0 and other.framing.occluded_share > 0.7
    aside = report(front, [stander(), stander("b", (1.0, 1.5))])
    assert aside.unrewarded.face_seen_share == 1.0 and aside.framing.occluded_share == 0.0
    behind = report(front, [stander(), stander("b", (0.0, -1.0))])
    assert behind.framing.occluded_share == 0.0


def test_a_face_that_is_seen_for_a_third_of_the_time() -> None:
    path = direct([stander()], Stage(), [shot(move="orbit", view="front", end_s=6.0)], FPS, WIDE)
    assert report(path, shots=shot(move="orbit", view="front", end_s=6.0)).unrewarded.face_seen_share == pytest.approx(
        1 / 3, abs=0.02
    )


def test_segments_are_as_far_apart_as_their_nearest_points() -> None:
    rng = np.random.default_rng(1)
    p, u, q, v = rng.normal(size=(4, 300, 3))
    u[:20], v[10:30] = 0.0, 0.0  # points
    v[40:60] = 2.0 * u[40:60]  # parallel
    s = np.linspace(0, 1, 201)
    a, b = p[:, None] + s[:, None] * u[:, None], q[:, None] + s[:, None] * v[:, None]
    brute = np.linalg.norm(a[:, :, None] - b[:, None], axis=-1).min(axis=(1, 2))
    got = segments_apart(p, u, q, v)
    assert (got <= brute + 1e-9).all() and (brute - got).max() < 0.02


# motion that is cancelled --------------------------------------------------------------------------------------


def trunk(hero: Performance, frames: int) -> Array:
    tracks = framing.track([hero], np.arange(frames) / 30)
    return np.mean([tracks.of(n)[:, 0] for n in ("pelvis", "spine1", "spine2", "spine3", "neck")], axis=0)


def test_a_frozen_camera_cancels_nothing_and_a_locked_one_all() -> None:
    hero = walker(speed=1.2, turn=0.5)
    middle = trunk(hero, 60)
    frozen = standing((3.0, 1.5, 2.0), (0.0, 1.0, 1.0), 60)
    got = report(frozen, hero).unrewarded
    assert got.motion_cancelled_share == pytest.approx(0.0, abs=1e-12)
    xy, _ = framing.project(frozen.T_world_camera, frozen.focal_mm, WIDE, middle[:, None])
    speed = np.linalg.norm(np.diff(xy[:, 0] * [WIDE, 1.0], axis=0), axis=1) * 30
    assert got.screen_speed_half_heights_s == pytest.approx(speed.mean())
    carried = np.tile(look_at(np.array([0.0, 0.3, 3.0]), np.zeros(3)), (60, 1, 1))
    carried[:, :3, 3] += middle
    assert report(path_of(carried), hero).unrewarded.motion_cancelled_share == pytest.approx(1.0, abs=1e-9)
    aimed = look_at(np.tile([4.0, 1.5, 2.0], (60, 1)), middle)  # standing and panning: locked on as well
    assert report(path_of(aimed), hero).unrewarded.motion_cancelled_share == pytest.approx(1.0, abs=1e-9)


def test_half_of_the_motion_may_be_cancelled_and_more_may_be_added() -> None:
    hero = walker(speed=1.2, heading=np.pi / 2)
    middle = trunk(hero, 60)
    for share in (0.5, -1.0):
        T = np.tile(look_at(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 0.0])), (60, 1, 1))
        T[:, :3, 3] += share * (middle - middle[0])
        assert report(path_of(T), hero).unrewarded.motion_cancelled_share == pytest.approx(share, abs=0.02)


def test_a_subject_that_does_not_move_leaves_nothing_to_cancel() -> None:
    assert np.isnan(report(around(0.0)).unrewarded.motion_cancelled_share)
    shaken = direct([stander()], Stage(), [shot(move="handheld")], FPS, WIDE)
    assert np.isnan(report(shaken).unrewarded.motion_cancelled_share)


def test_a_cut_is_no_motion() -> None:
    hero = walker(speed=1.0)
    one, two = (
        look_at(np.array([4.0, 1.5, 1.0]), np.array([0.0, 1.0, 1.0])),
        look_at(np.array([-4.0, 1.5, 1.0]), np.array([0.0, 1.0, 1.0])),
    )
    T = np.concatenate([np.tile(one, (30, 1, 1)), np.tile(two, (30, 1, 1))])
    asked = [shot(end_s=1.0), shot(start_s=1.0, end_s=2.0)]
    got = report(path_of(T, cuts=(0, 30)), hero, asked)
    assert got.unrewarded.motion_cancelled_share == pytest.approx(0.0, abs=1e-12)
    assert got.calm.position_jerk_m_s3 == got.calm.rotation_jerk_p95_rad_s3 == 0.0


# framing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", list(SIZES))
def test_what_the_rule_director_composes_is_what_was_asked(size: str) -> None:
    asked = shot(size=size, view="front", lens_mm=usual_lens(size))
    got = report(direct([stander()], Stage(), [asked], FPS, WIDE), shots=asked)
    assert got.framing.size_error_log < 0.01 and got.framing.place_error_half_frames < 0.06
    assert got.framing.headroom_error_frames < 0.04 and got.framing.visible_share == 1.0
    assert got.framing.missing_share == 0.0


@pytest.mark.parametrize("move", [m for m in MOVES if not m.startswith("whip")])
def test_a_move_is_part_of_what_was_asked(move: str) -> None:
    asked = shot(move=move, view="front", end_s=3.0, size="medium")
    got = report(direct([stander()], Stage(), [asked], FPS, WIDE), shots=asked)
    limit = 0.06 if move.startswith("crane") else 0.03  # its subject is seen from above, and so less tall
    assert got.framing.size_error_log < limit and got.framing.place_error_half_frames < 0.08
    assert got.framing.headroom_error_frames < 0.04


def test_errors_are_as_large_as_the_camera_is_wrong() -> None:
    asked = shot(size="medium", view="front", position="centre")
    path = direct([stander()], Stage(), [asked], FPS, WIDE)
    longer = report(replace(path, focal_mm=2.0 * path.focal_mm), shots=asked)
    assert longer.framing.size_error_log == pytest.approx(np.log(2.0), abs=0.01)
    tan_x, tan_y = framing.tangents(path.focal_mm[0], WIDE)
    yaw, pitch, _ = framing.angles_of(path.T_world_camera)
    aside = framing.pose(path.T_world_camera[:, :3, 3], yaw + np.arctan(0.5 * tan_x), pitch)
    assert report(replace(path, T_world_camera=aside), shots=asked).framing.place_error_half_frames == pytest.approx(
        0.5, abs=0.02
    )
    lower = framing.pose(path.T_world_camera[:, :3, 3], yaw, pitch - np.arctan(0.2 * tan_y))
    got, right = (report(replace(path, T_world_camera=T), shots=asked).framing for T in (lower, path.T_world_camera))
    assert abs(got.headroom_error_frames - right.headroom_error_frames) == pytest.approx(0.1, abs=0.02)


def test_a_group_is_as_wide_as_it_must_be() -> None:
    people = [stander("hero", (-1.5, 0.0)), stander("b", (1.5, 0.0))]
    asked = shot(of=("hero", "b"), size="close_up", view="front")
    got = report(direct(people, Stage(), [asked], FPS, WIDE), people, asked)
    assert got.framing.size_error_log < 0.15 and got.framing.visible_share == 1.0


def test_nobody_in_the_picture() -> None:
    away = standing((0.0, 1.5, 3.0), (0.0, 1.5, 9.0))
    got = report(away)
    assert got.framing.missing_share == 1.0 and got.framing.visible_share == 0.0
    assert np.isnan(got.framing.size_error_log) and np.isnan(got.framing.occluded_share)
    assert report(away, reference=away).joint_difference == 0.0
    full = around(0.0, distance=7.0)
    assert report(full, reference=away).joint_difference == 1.0 == report(away, reference=full).joint_difference
    half = path_of(np.concatenate([full.T_world_camera[:15], away.T_world_camera[15:]]))
    assert report(half, reference=full).joint_difference == 0.5 and report(half).framing.missing_share == 0.5


# calm and cuts -------------------------------------------------------------------------------------------------


def test_jerk_of_known_paths() -> None:
    t = np.arange(60) / 30
    T = framing.pose(np.c_[0.5 * t**3, np.ones(60), t], 0.2 * t**3, np.zeros(60))
    place, turn = jerks(path_of(T), [(0, 60)])
    np.testing.assert_allclose(place, 3.0, atol=1e-6)
    np.testing.assert_allclose(turn, 1.2, atol=1e-6)
    got = report(path_of(T)).calm
    assert got.position_jerk_m_s3 == pytest.approx(3.0) == got.position_jerk_p95_m_s3
    short = report(path_of(T[:3])).calm
    assert np.isnan(short.position_jerk_m_s3) and np.isnan(short.rotation_jerk_p95_rad_s3)


def test_shot_lengths() -> None:
    T = np.tile(around(0.0).T_world_camera[0], (120, 1, 1))
    asked = [shot(start_s=a, end_s=b) for a, b in ((0, 1), (1, 1.5), (1.5, 4.0))]
    got = report(path_of(T, cuts=(0, 30, 45)), shots=asked).editing
    assert got.shots == 3 and got.shot_length_mean_s == pytest.approx(4 / 3) and got.shot_length_median_s == 1.0
    assert got.shot_length_entropy_bits == pytest.approx(np.log2(3))
    lengths = np.array([1.0, 0.5, 2.5])
    assert (got.shot_length_min_s, got.shot_length_max_s) == (0.5, 2.5)
    assert got.shot_length_sd_s == pytest.approx(lengths.std())
    assert got.shot_length_mean_log == pytest.approx(np.log(lengths).mean())
    assert got.shot_length_sd_log == pytest.approx(np.log(lengths).std())
    assert entropy_bits(np.full(7, 2.0)) == 0.0 and entropy_bits(np.array([1.0, 1.0, 4.0, 4.0])) == 1.0


def two_views(first: float, second: float, of: tuple[tuple[str, ...], tuple[str, ...]], lens: tuple[float, float] = (35.0, 35.0)) -> CameraReport:  # fmt: skip
    """Two cameras at degrees about the middle of a pair that stands along X, each of somebody."""
    people = [stander("hero", (-0.6, 0.0), np.pi / 2), stander("b", (0.6, 0.0), -np.pi / 2)]
    one, two = around(first, 4.0, frames=15), around(second, 4.0, frames=15)
    T = np.concatenate([one.T_world_camera, two.T_world_camera])
    path = replace(path_of(T, cuts=(0, 15)), focal_mm=np.repeat(lens, 15))
    return report(path, people, [shot(of=of[0], end_s=0.5), shot(of=of[1], start_s=0.5, end_s=1.0)])


@pytest.mark.parametrize(
    ("first", "second", "of", "crossed", "judged"),
    [
        (30, -30, (("hero",), ("b",)), 0, 1), (30, 150, (("hero",), ("b",)), 1, 1), (-30, -150, (("hero", "b"), ("b",)), 1, 1),
        (30, 88, (("hero",), ("b",)), 0, 1), (30, 92, (("hero",), ("b",)), 0, 1), (30, 100, (("hero",), ("b",)), 1, 1),
        (30, 150, (("hero",), ("hero",)), 0, 0), (30, 150, (("hero", "b"), ("hero", "b")), 1, 1),
    ],
)  # fmt: skip
def test_the_180_degree_rule(first: float, second: float, of: tuple[tuple[str, ...], tuple[str, ...]], crossed: int, judged: int) -> None:  # fmt: skip
    got = two_views(first, second, of).editing
    assert (got.line_crossings, got.line_cuts) == (crossed, judged)


@pytest.mark.parametrize(
    ("second", "lens", "of", "jumps", "judged"),
    [
        (20, (35, 35), (("hero", "b"), ("hero", "b")), 1, 1), (35, (35, 35), (("hero", "b"), ("b", "hero")), 0, 1),
        (10, (35, 50), (("hero", "b"), ("hero", "b")), 0, 1), (10, (35, 40), (("hero", "b"), ("hero", "b")), 1, 1),
        (10, (35, 35), (("hero",), ("b",)), 0, 0),
    ],
)  # fmt: skip
def test_the_30_degree_rule(second: float, lens: tuple[float, float], of: tuple[tuple[str, ...], tuple[str, ...]], jumps: int, judged: int) -> None:  # fmt: skip
    got = two_views(0.0, second, of, lens).editing
    assert (got.jump_cuts, got.same_subject_cuts) == (jumps, judged)


@pytest.mark.parametrize(
    ("second", "of", "speed", "flips", "judged"),
    [
        (40, ("hero",), 1.3, 0, 1), (-40, ("hero",), 1.3, 0, 1), (140, ("hero",), 1.3, 1, 1), (220, ("hero",), 1.3, 1, 1),
        (180, ("hero",), 1.3, 1, 1), (85, ("hero",), 1.3, 0, 0), (180, ("b",), 1.3, 0, 0), (180, ("hero",), 0.4, 0, 0),
    ],
)  # fmt: skip
def test_motion_goes_on_across_a_cut(second: float, of: tuple[str, ...], speed: float, flips: int, judged: int) -> None:
    """A walk along +X seen from +Z goes to the right, and from beyond its own line to the left."""
    people = [walker("hero", (-0.65, 0.0), np.pi / 2, speed, 1.0), stander("b", (0.0, 5.0))]
    one, two = around(0.0, 4.0, frames=15), around(second, 4.0, frames=15)
    path = path_of(np.concatenate([one.T_world_camera, two.T_world_camera]), cuts=(0, 15))
    asked = [shot(of=("hero",), end_s=0.5), shot(of=of, start_s=0.5, end_s=1.0)]
    got = report(path, people, asked).editing
    assert (got.motion_flips, got.motion_cuts) == (flips, judged)


def test_who_acts_is_seen_or_not() -> None:
    walks, stands = walker("hero", (-1.0, 0.0), 0.0, 1.3, 1.0), stander("b", (3.0, 0.0))
    on_walker = standing((-1.0, 1.5, 5.0), (-1.0, 1.2, 0.0))
    on_stander = standing((3.0, 1.5, 3.0), (3.0, 1.2, 0.0), lens=85.0)
    asked = shot(of=("hero",), end_s=1.0)
    assert report(on_walker, [walks, stands], asked).editing.actor_seen_share == 1.0
    assert report(on_stander, [walks, stands], asked).editing.actor_seen_share == 0.0
    wall = Stage(props=(Prop("wall", "box", (3.0, 3.0, 0.2), np.array([-1.0, 0.0, 3.5])),))
    assert report(on_walker, [walks, stands], asked, wall).editing.actor_seen_share == 0.0


def test_slanted_horizons_and_cameras_inside_things() -> None:
    level = around(0.0)
    tilted = level.T_world_camera @ np.pad(rot.to_matrix(rot.from_axis("Z", np.radians(7.0))), ((0, 1), (0, 1)))
    tilted[:, 3, 3] = 1.0
    assert report(level).framing.horizon_error_deg == pytest.approx(0.0, abs=1e-9)
    assert report(path_of(tilted)).framing.horizon_error_deg == pytest.approx(7.0)
    slanted = shot(angle="dutch", end_s=1.0)
    assert report(path_of(tilted), shots=slanted).framing.horizon_error_deg == pytest.approx(5.0)
    assert report(level).framing.inside_share == 0.0
    box = Stage(props=(Prop("box", "box", (1.0, 3.0, 1.0), np.array([0.0, 0.0, 3.0])),))
    assert report(level, stage=box).framing.inside_share == 1.0
    assert report(around(0.0, distance=0.05, height=1.1)).framing.inside_share == 1.0  # inside the performer
    assert report(around(0.0, height=-0.1)).framing.inside_share == 1.0


def test_the_caption_is_judged_by_what_the_camera_does() -> None:
    asked = [shot(move="push_in", end_s=3.0), shot(move="pan_left", start_s=3.0, end_s=6.0)]
    path = direct([stander()], Stage(), asked, FPS, WIDE)
    assert (
        report(path, shots=asked).unrewarded.caption_f1 == 1.0 == report(path, shots=asked).unrewarded.turn_caption_f1
    )
    other = [replace(asked[0], move="pull_out"), replace(asked[1], move="pan_right")]
    wrong = report(path, shots=other).unrewarded
    assert wrong.caption_recall == 0.5 and wrong.turn_caption_f1 == 0.0


# laws ----------------------------------------------------------------------------------------------------------


def same(one: CameraReport, two: CameraReport, rtol: float = 1e-6) -> None:
    a, b = one.row(), two.row()
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(
            np.nan if b[name] is None else b[name],
            np.nan if a[name] is None else a[name],
            rtol=rtol,
            atol=1e-6,
            err_msg=name,
        )


def cast_and_shots() -> tuple[list[Performance], list[Shot], Stage]:
    people = [walker("hero", (0.0, 0.0), 0.3, 1.0, turn=0.4), walker("b", (1.2, 1.0), 2.6, 0.6)]
    asked = [
        shot(of=("hero",), end_s=1.0, size="medium", move="arc_left", view="front_three_quarter_left"),
        shot(of=("b", "hero"), start_s=1.0, end_s=2.0, size="wide", position="left_third", view="profile_right"),
        shot(of=("hero",), start_s=2.0, end_s=3.0, move="truck_left", view="back_three_quarter_left"),
    ]
    box = Prop("box", "box", (0.6, 1.2, 0.6), np.array([0.8, 0.0, 1.6]))
    return people, asked, Stage(props=(box,))


@pytest.mark.parametrize(("yaw", "by"), [(1.1, (3.0, 0.0, -8.0)), (-2.5, (0.0, 0.0, 0.5)), (0.4, (900.0, 0.0, -700.0))])
def test_a_world_turned_and_moved_measures_the_same(yaw: float, by: tuple[float, float, float]) -> None:
    people, asked, stage = cast_and_shots()
    path = direct(people, stage, asked, FPS, WIDE)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rot.to_matrix(rot.yaw(yaw)), by
    there = replace(stage.props[0], position=T[:3, :3] @ stage.props[0].position + by, rotation=rot.yaw(yaw))
    other = measure(
        replace(path, T_world_camera=T @ path.T_world_camera), [moved(p, yaw, by) for p in people], Stage(props=(there,)),
        asked, WIDE,
    )  # fmt: skip
    same(measure(path, people, stage, asked, WIDE), other)


def test_a_mirrored_world_measures_the_same() -> None:
    people, asked, stage = cast_and_shots()
    path = direct(people, stage, asked, FPS, WIDE)
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])

    def swapped(word: str) -> str:
        return word.replace("left", "*").replace("right", "left").replace("*", "right")

    mirror = [replace(s, move=swapped(s.move), position=swapped(s.position), view=swapped(s.view)) for s in asked]
    box = replace(stage.props[0], position=stage.props[0].position * [-1.0, 1.0, 1.0])
    other = measure(
        replace(path, T_world_camera=flip @ path.T_world_camera @ flip),
        [replace(p, clip=edit.mirror(p.clip)) for p in people], Stage(props=(box,)), mirror, WIDE,
    )  # fmt: skip
    same(measure(path, people, stage, asked, WIDE), other, rtol=1e-3)


def test_twice_the_frame_rate_measures_nearly_the_same() -> None:
    hero = walker(speed=1.2, seconds=3.0, fps=120)
    asked = [shot(end_s=1.5, move="follow"), shot(start_s=1.5, end_s=3.0, view="profile")]
    a, b = (
        measure(direct([hero], Stage(), asked, Fraction(f), WIDE), [hero], Stage(), asked, WIDE).row() for f in (30, 60)
    )
    for name in ("motion_cancelled_share", "size_error_log", "place_error_half_frames", "screen_speed_half_heights_s",
                 "visible_share", "shot_length_mean_s"):  # fmt: skip
        assert b[name] == pytest.approx(a[name], rel=0.1, abs=0.01), name


def test_every_measure_has_its_unit_in_its_name_or_is_a_share_or_count() -> None:
    row = report(around(0.0)).row()
    ends = ("_share", "_s", "_s3", "_log", "_frames", "_half_frames", "_bits", "_f1", "_precision", "_recall", "_cuts",
            "_crossings", "_flips", "_deg", "_difference", "shots", "frames", "seconds")  # fmt: skip
    assert all(name.endswith(ends) for name in row)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report(around(0.0)).frames = 3  # type: ignore[misc]


# odd input -----------------------------------------------------------------------------------------------------


def test_bad_input() -> None:
    path = around(0.0)
    with pytest.raises(BadInput, match="no shots"):
        measure(path, [stander()], Stage(), [], WIDE)
    with pytest.raises(BadInput, match="unknown actor 'zoe'"):
        report(path, shots=shot(of=("zoe",)))
    with pytest.raises(BadInput, match="the reference has 10 frames, the path 30"):
        report(path, reference=around(0.0, frames=10))


@pytest.mark.parametrize("place", [(0.0, 1.5, 1e-6), (0.0, 1.5, 1e5), (0.0, 900.0, 0.0)])
@pytest.mark.parametrize("lens", [1.0, 2000.0])
def test_cameras_in_a_head_and_far_away(place: tuple[float, float, float], lens: float) -> None:
    got = report(standing(place, (0.0, 1.5, 0.0), lens=lens), walker(speed=1.0)).row()
    assert not any(v is not None and np.isinf(v) for v in got.values())
    one = report(path_of(around(0.0).T_world_camera[:1]))
    assert one.frames == 1 and one.editing.shots == 1 and np.isnan(one.unrewarded.screen_speed_half_heights_s)


def test_a_path_that_cuts_where_no_shot_begins() -> None:
    T = np.concatenate([around(0.0).T_world_camera, around(90.0).T_world_camera])
    got = report(path_of(T, cuts=(0, 30)), shots=shot(start_s=0.5, end_s=2.0))
    assert got.editing.shots == 2 and got.editing.same_subject_cuts == 1


def test_ten_minutes_are_quick() -> None:
    people = [walker("hero", seconds=3.0), walker("b", (1.0, 1.0), seconds=3.0)]
    path = around(10.0, frames=18_000)
    begun = time.perf_counter()
    assert report(path, people).frames == 18_000
    assert time.perf_counter() - begun < 20.0
