"""Physics metrics: exact on motions made by hand, the same anywhere and at any rate, plausible on captures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from conftest import REST_OFFSETS, random_clip

import mocap_data
from motion import contacts, edit
from motion import rotations as rot
from motion.body import Body
from motion.clip import Clip
from motion.errors import BadInput
from motion.prior import metrics_motion
from motion.retarget import retarget
from motion.skeleton import INDEX
from physics import metrics, overlap
from physics.faults import plant
from physics.mass import GRAVITY, JOINT_SHARES, SEGMENTS
from physics.series import runs
from physics.soles import Soles

FEET = np.array([[0.1, 0, 0], [0.1, 0, 0.2], [0.2, 0, 0.1], [-0.1, 0, 0], [-0.1, 0, 0.2], [-0.2, 0, 0.1]])


def standing(frames: int = 30) -> np.ndarray:
    """Six sole points on the floor, ``(T, 6, 3)``."""
    return np.repeat(FEET[None], frames, axis=0)


def turned(points: np.ndarray, yaw: float, offset: tuple[float, float, float]) -> np.ndarray:
    return rot.rotate(rot.yaw(yaw), points) + np.array(offset)


def hop(fps: float, seconds: float = 2.0, lift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Stand, leap for 0.5 s from 0.7 s on, stand: sole points and centre of mass; ``lift`` raises all of it."""
    t = np.arange(round(seconds * fps) + 1) / fps
    flying = np.clip(t - 0.7, 0.0, 0.5)
    rise = 0.5 * GRAVITY * flying * (0.5 - flying)
    points = standing(len(t)) + [0, lift, 0] + rise[:, None, None] * [0, 1, 0]
    com = np.stack([np.zeros(len(t)), 1.0 + lift + rise, np.zeros(len(t))], axis=1)
    return points, com


@lru_cache
def default_body() -> tuple[Body, Soles]:
    body = Body.default()
    return body, Soles.of(body)


@lru_cache
def captured(name: str) -> tuple[Clip, np.ndarray, np.ndarray]:
    body, soles = default_body()
    clip, _ = retarget(mocap_data.load(f"pybullet:humanoid3d_{name}"), body.rest_offsets)
    return clip, soles.points(clip), metrics.centre_of_mass(clip)


@pytest.fixture(scope="module")
def walk() -> tuple[Clip, np.ndarray, np.ndarray]:
    return captured("walk")


# Penetration, float, skate --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "penetration", "floating"),
    [(0.0, 0, 0), (0.005, 0, 0), (-0.005, 0, 0), (0.05, 0, 45), (-0.05, 45, 0), (-0.0061, 1.1, 0)],
)
def test_heights_count_beyond_five_millimetres(height: float, penetration: float, floating: float) -> None:
    points = standing() + [0, height, 0]
    nobody = np.zeros(30, bool)
    assert metrics.penetration_mm(points) == pytest.approx(penetration, abs=1e-9)
    assert metrics.float_plain_mm(points) == pytest.approx(floating, abs=1e-9)
    assert metrics.float_mm(points, nobody) == pytest.approx(floating, abs=1e-9)
    assert metrics.closd_penetration_mm(points) == pytest.approx(penetration, abs=1e-9)
    assert metrics.closd_float_mm(points) == pytest.approx(floating, abs=1e-9)
    assert metrics.penetration_mm(points, height) == metrics.float_plain_mm(points, height) == 0


def test_flight_does_not_float() -> None:
    points = standing(10)
    points[5:, :, 1] = 0.105
    airborne = np.arange(10) >= 5
    assert metrics.float_plain_mm(points) == pytest.approx(50)
    assert metrics.float_mm(points, airborne) == 0
    assert metrics.float_mm(points, ~airborne) == pytest.approx(100)
    assert metrics.float_mm(points, np.ones(10, bool)) == 0  # none left


@pytest.mark.parametrize("fps", [12, 24, 30, 60, 120, 29.97])
def test_skate_is_per_thirtieth_of_a_second_at_any_rate(fps: float) -> None:
    seconds = np.arange(round(2 * fps) + 1) / fps
    points = standing(len(seconds)) + seconds[:, None, None] * [0.18, 0, 0.24]  # 0.3 m/s: 10 mm
    assert metrics.skate_mm(points, fps) == pytest.approx(10.0)
    assert metrics.skate_all_mm(points, fps) == pytest.approx(10.0)
    assert metrics.closd_skate_mm(points, fps) == pytest.approx(10.0)
    assert metrics.skate_mm(points + [0, 0.006, 0], fps) == 0  # slides in the air
    assert metrics.skate_mm(points - [0, 0.006, 0], fps) == pytest.approx(10.0)


def test_skate_sees_the_lowest_point_and_skate_all_every_one() -> None:
    points = standing(11)
    points[:, 3:, 0] -= np.arange(11)[:, None] * 0.01  # the right foot slides …
    points[:, :3, 1] -= 0.002  # … while the left presses deeper
    assert metrics.skate_mm(points, 30) == 0
    assert metrics.skate_all_mm(points, 30) == pytest.approx(5.0)


def test_floors_may_be_uneven() -> None:
    points = standing(20)
    steps = np.zeros((20, 6))
    steps[:, 3:] = 0.3  # the right foot stands on a step
    points[:, 3:, 1] = 0.3
    for floor in (steps, steps[:1]):
        figures = metrics.phys_err(points, np.zeros(20, bool), 30, floor)
        assert figures.phys_err_mm == figures.phys_err_plain_mm == 0
    assert metrics.penetration_mm(points, steps + 0.1) == pytest.approx(95)
    assert metrics.float_plain_mm(points, steps - 0.1) == pytest.approx(95)


def test_phys_err_is_the_sum(walk: tuple[Clip, np.ndarray, np.ndarray]) -> None:
    clip, points, com = walk
    figures = metrics.phys_err(points, metrics.flight(points, com, clip.fps), clip.fps)
    assert figures.phys_err_mm == pytest.approx(figures.penetration_mm + figures.float_mm + figures.skate_mm)
    joints = clip.positions()
    parts = metrics.closd_penetration_mm(joints) + metrics.closd_float_mm(joints) + metrics.closd_skate_mm(joints, 30)
    assert metrics.closd_phys_err_mm(joints, 30) == pytest.approx(parts)
    hands_down = joints.copy()
    hands_down[:, 22:, 1] = -1  # HumanML3D has no hands
    assert metrics.closd_phys_err_mm(hands_down, 30) == pytest.approx(parts)


# Foot skate of others, jerk -------------------------------------------------------------------------------------------


def test_kimodo_divides_by_steps_in_contact() -> None:
    toes = np.zeros((11, 2, 3))
    toes[:, 1, 1] = 0.06  # the right toe is off the floor
    toes[:, 0, 2] = np.concatenate([np.zeros(6), np.arange(1, 6) * 0.3 / 30])  # half of the steps at 0.3 m/s
    assert metrics.kimodo_skate_ratio(toes, 30) == pytest.approx(0.5)
    assert metrics.kimodo_skate_from_height(toes, 30) == pytest.approx(0.15)
    assert metrics.kimodo_skate_ratio(toes, 15) == 0  # 0.15 m/s is no skating
    feet = toes[:, [0, 0, 1, 1]]
    on = np.zeros((11, 4), bool)
    assert metrics.kimodo_skate_from_contacts(feet, on, 30) == metrics.SkateSpeed(0.0, 0.0)
    on[5:, 0] = True
    found = metrics.kimodo_skate_from_contacts(feet, on, 30)
    assert (found.mean, found.most) == (pytest.approx(0.3), pytest.approx(0.3))


def test_gmd_is_the_one_we_have(walk: tuple[Clip, np.ndarray, np.ndarray]) -> None:
    feet = contacts.foot_points(walk[0])
    assert metrics.gmd_skate_ratio(feet, 30) == metrics_motion.skate_ratio(feet, 30)
    assert metrics.gmd_skate_ratio(feet + [0, 2, 0], 30, 2.0) == pytest.approx(metrics.gmd_skate_ratio(feet, 30))


@pytest.mark.parametrize("fps", [20, 30, 60])
def test_jerk_of_a_cubic_is_known(fps: int) -> None:
    t = np.arange(3 * fps + 1) / fps
    joints = np.zeros((len(t), 2, 3))
    joints[:, 0, 0], joints[:, 0, 1] = 2 * t**3, -(t**3)  # 12 and 6 m/s³
    assert metrics.jerk_m_s3(joints, fps) == pytest.approx(np.hypot(12, 6) / 2)
    assert metrics.jerk_m_s3(joints, fps, np.array([False, True])) == pytest.approx(0, abs=1e-6)
    assert metrics.peak_jerk(joints, fps) == pytest.approx(18 / 30**3)
    above = 18 / 30**3 - metrics.BABEL_JERK
    assert metrics.area_under_jerk(joints, fps) == pytest.approx(abs(above) * (len(t) - 3) * 30 / fps)


# Mass, balance --------------------------------------------------------------------------------------------------------


def test_masses_are_whole_and_the_centre_stands_over_the_feet() -> None:
    assert sum(mass for _, mass, _ in SEGMENTS) == pytest.approx(1.0, abs=1e-3)
    assert all(sum(share for _, share in parts) == pytest.approx(1.0) for _, _, parts in SEGMENTS)
    assert JOINT_SHARES.sum() == pytest.approx(1.0)
    body, own = default_body()
    joints = np.asarray(body.mesh.joints)[None]
    com = metrics.centre_of_mass(joints)[0]
    # Arms up at the sides; with arms down it is 55 to 57 % of the stature.
    assert 0.55 * 1.70 < com[1] < 0.60 * 1.70 and abs(com[0]) < 1e-6
    soles = own.rest[None]
    on = np.ones(soles.shape[:2], bool)
    assert metrics.balance_m(com[None], soles, on, 30) == 0
    moved = metrics.centre_of_mass(turned(joints, 0.7, (1, 2, 3)))
    assert np.allclose(moved, turned(com[None], 0.7, (1, 2, 3)))


@pytest.mark.parametrize(
    ("place", "outside"),
    [((0, 0.1), 0), ((0.5, 0.1), 0.3), ((0, 0.6), 0.4), ((0, -0.3), 0.3), ((0.1, 0.2), 0), ((0.4, 0.4), None)],
)
def test_distance_outside_the_support_polygon(place: tuple[float, float], outside: float | None) -> None:
    com = np.array([[place[0], 1.0, place[1]]])
    found = metrics.outside_support(com, standing(1), np.ones((1, 6), bool))[0]
    if outside is None:  # beyond the edge from (0.1, 0.2) to (0.2, 0.1): the nearest point is on it
        outside = float((np.array(place).sum() - 0.3) / np.sqrt(2))
    assert found == pytest.approx(outside, abs=1e-9)


def test_support_of_one_point_two_points_and_none() -> None:
    com = np.array([[0.1, 1.0, 0.5]] * 3)
    on = np.zeros((3, 6), bool)
    on[0, 0], on[1, :2] = True, True
    assert np.allclose(metrics.outside_support(com, standing(3), on), [0.5, 0.3, 0])


def test_balance_judges_slow_bodies_and_hof_moving_ones() -> None:
    t = np.arange(31) / 30
    com = np.stack([0.6 + 0 * t, 1 + 0 * t, 0.1 + 0 * t], axis=1)
    on = np.ones((31, 6), bool)
    assert metrics.balance_m(com, standing(31), on, 30) == pytest.approx(0.4)
    moving = com + t[:, None] * [1.0, 0, 0]
    assert metrics.balance_m(moving, standing(31), on, 30) == 0  # too fast to be judged so
    reach = np.sqrt(1.0 / GRAVITY)
    assert np.allclose(metrics.extrapolated_com(moving, 30)[:, 0], moving[:, 0] + reach)
    assert metrics.balance_m(moving, standing(31), on, 30, extrapolated=True) == pytest.approx(
        float((moving[:, 0] + reach - 0.2).mean())
    )


# Flight, ground reaction ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [16, 24, 30, 60, 120])
@pytest.mark.parametrize("lift", [0.0, 0.05])
def test_a_leap_is_found_and_falls_with_gravity(fps: int, lift: float) -> None:
    points, com = hop(fps, lift=lift)
    found = metrics.flight(points, com, fps)
    t = np.arange(len(com)) / fps
    flying = (t > 0.7) & (t < 1.2)
    assert not found[(t < 0.7 - 1.1 / fps) | (t > 1.2 + 1.1 / fps)].any()
    assert found[flying & (points[..., 1].min(1) > lift + 0.02)].all()
    fall = metrics.flight_acceleration(com, found & flying, fps)
    assert fall.g == pytest.approx(1.0, abs=0.01) and fall.error < 0.01 and fall.parabolas > 0
    assert metrics.float_mm(points, found) == pytest.approx(0.0 if not lift else 45.0, abs=1.0)


def test_what_hangs_in_the_air_does_not_fly(walk: tuple[Clip, np.ndarray, np.ndarray]) -> None:
    clip, points, com = walk
    assert not metrics.flight(points, com, clip.fps).any()
    up = np.array([0, 0.05, 0])
    assert not metrics.flight(points + up, com + up, clip.fps).any()  # a walk 5 cm up
    frozen = np.repeat(points[:1], 60, axis=0) + [0, 0.5, 0]
    assert not metrics.flight(frozen, np.repeat(com[:1], 60, axis=0) + [0, 0.5, 0], 30).any()
    drops = np.arange(60) / 30
    crouch = np.repeat(com[:1], 60, axis=0) + (0.3 * np.cos(np.pi * drops) * [[0], [1], [0]]).T
    assert not metrics.flight(standing(60) + up, crouch, 30).any()
    fast = np.repeat(com[:1], 60, axis=0) + (0.1 * np.cos(np.sqrt(80) * drops) * [[0], [1], [0]]).T  # to 8 m/s² down
    assert not metrics.flight(standing(60) + up, fast, 30).any()  # the feet stand


@pytest.mark.parametrize("fps", [30, 60])
def test_flight_acceleration_is_exact(fps: int) -> None:
    t = np.arange(2 * fps) / fps
    for g in (9.81, 4.905):
        com = np.stack([t, 3 - 0.5 * g * t**2, t], axis=1)
        fall = metrics.flight_acceleration(com, np.ones(len(t), bool), fps)
        assert fall.g == pytest.approx(g / 9.81) and fall.error == pytest.approx(1 - g / 9.81)
    nothing = metrics.flight_acceleration(com, np.zeros(len(t), bool), fps)
    assert (nothing.g, nothing.error, nothing.parabolas, nothing.frames) == (0, 0, 0, 0)


def test_floors_push_up_and_air_does_not() -> None:
    _, com = hop(60)
    t = np.arange(len(com)) / 60
    carried = (t <= 0.7) | (t >= 1.2)
    right = metrics.ground_reaction(com, carried, 60)
    assert (right.implausible, right.judged) == (0.0, len(t))
    hovering = metrics.ground_reaction(np.tile([0, 1.0, 0], (60, 1)), np.zeros(60, bool), 30)
    assert hovering.implausible == 1.0 and hovering.violation == pytest.approx(0.75)
    pulled = metrics.ground_reaction(np.stack([t, 9 - 0.5 * 2 * GRAVITY * t**2, t], axis=1), np.ones(len(t), bool), 60)
    assert pulled.implausible == 1.0 and pulled.violation == pytest.approx(1.0)
    assert metrics.ground_reaction(com[:2], carried[:2], 60) == metrics.GroundReaction(0.0, 0.0, 0)


# Limbs ----------------------------------------------------------------------------------------------------------------


def t_pose(frames: int = 1) -> Clip:
    return Clip(np.tile(rot.IDENTITY, (frames, 24, 1)), np.tile(REST_OFFSETS[0], (frames, 1)), REST_OFFSETS, 30)


def test_what_touches_at_rest_is_tolerated() -> None:
    rest = t_pose(2)
    assert metrics.self_penetration_mm(rest.positions(), REST_OFFSETS) == 0
    thick = np.full(len(overlap.NAMES), 0.2)
    assert metrics.self_penetration_mm(rest.positions(), REST_OFFSETS, thick) == 0


def test_an_arm_in_the_trunk_is_measured() -> None:
    rest = t_pose()
    radii = np.full(len(overlap.NAMES), 0.05)
    joints = rest.positions()
    hips, shoulders = joints[0, [1, 2]].mean(0), joints[0, [16, 17]].mean(0)
    middle = 0.5 * (hips + shoulders)
    axis = (shoulders - hips) / np.linalg.norm(shoulders - hips)
    ahead = np.cross(axis, [-1, 0, 0])
    for name, x in (("left_elbow", 0.2), ("left_wrist", -0.2)):  # the forearm crosses in front, 6 cm from the axis
        joints[0, INDEX[name]] = middle + 0.06 * ahead + [x, 0, 0]
    joints[0, INDEX["left_hand"]] = joints[0, INDEX["left_wrist"]] + [-0.08, 0, 0]
    assert metrics.self_penetration_mm(joints, REST_OFFSETS, radii) == pytest.approx(40, abs=0.5)
    assert metrics.self_penetration_mm(turned(joints, 1.0, (3, 0, 1)), REST_OFFSETS, radii) == pytest.approx(
        40, abs=0.5
    )


def test_distance_of_segments_against_brute_force() -> None:
    joints = random_clip(7, 5).positions()
    pairs = np.array(overlap.PAIRS)
    found = overlap._distances(joints, *pairs.T)
    start, end = overlap._ends(joints)
    s = np.linspace(0, 1, 41)
    rods = start[:, :, None] + s[:, None] * (end - start)[:, :, None]
    for k, (i, j) in enumerate(pairs[::7]):
        brute = np.linalg.norm(rods[:, i, :, None] - rods[:, j, None], axis=-1).min((1, 2))
        assert np.all(found[:, 7 * k] <= brute + 1e-12) and np.allclose(found[:, 7 * k], brute, atol=0.01)


# Laws -----------------------------------------------------------------------------------------------------------------


def every_figure(clip: Clip, points: np.ndarray, floor: float = 0.0) -> dict[str, float]:
    joints, com, fps = clip.positions(), metrics.centre_of_mass(clip), clip.fps
    airborne = metrics.flight(points, com, fps, floor)
    on = points[..., 1] - floor < 0.02
    ankles = joints[:, [7, 10, 8, 11]]
    figures = metrics.phys_err(points, airborne, fps, floor)
    reaction = metrics.ground_reaction(com, on.any(1), fps)
    return {
        **vars(figures), "skate_all": metrics.skate_all_mm(points, fps, floor),
        "closd": metrics.closd_phys_err_mm(joints, fps, floor),
        "gmd": metrics.gmd_skate_ratio(contacts.foot_points(clip), fps, floor),
        "kimodo ratio": metrics.kimodo_skate_ratio(joints[:, [10, 11]], fps, floor),
        "kimodo height": metrics.kimodo_skate_from_height(joints[:, [10, 11]], fps, floor),
        "kimodo contacts": metrics.kimodo_skate_from_contacts(ankles, ankles[..., 1] < floor + 0.1, fps).mean,
        "jerk": metrics.jerk_m_s3(joints, fps), "pj": metrics.peak_jerk(joints, fps),
        "auj": metrics.area_under_jerk(joints, fps), "flight": float(airborne.mean()),
        "fall": metrics.flight_acceleration(com, airborne, fps).g,
        "balance": metrics.balance_m(com, points, on, fps), "hof": metrics.balance_m(com, points, on, fps, True),
        "implausible": reaction.implausible, "violation": reaction.violation,
        "self": metrics.self_penetration_mm(joints, clip.rest_offsets),
    }  # fmt: skip


@pytest.fixture(scope="module")
def jump() -> tuple[Clip, Soles]:
    return captured("jump")[0], default_body()[1]


@pytest.mark.parametrize(("yaw", "x", "z"), [(0.0, 0.0, 0.0), (2.1, 30.0, -7.0), (-0.4, 0.0, 0.01)])
def test_nothing_depends_on_where_one_stands_and_faces(
    jump: tuple[Clip, Soles], yaw: float, x: float, z: float
) -> None:
    clip, soles = jump
    here = dict(every_figure(clip, soles.points(clip)))
    moved = edit.transform(clip, yaw, (x, 1.5, z))
    there = every_figure(moved, soles.points(moved), floor=1.5)
    if yaw:  # FlowMDM's are sums over x, y and z: they depend on how one faces
        for name in ("pj", "auj"):
            assert there.pop(name) == pytest.approx(here.pop(name), rel=0.1)
    assert there == pytest.approx(here, rel=1e-6, abs=1e-6)
    assert here["flight"] > 0.2 and 0.95 < here["fall"] < 1.05  # a jump flies, with gravity


def test_rates_agree(jump: tuple[Clip, Soles]) -> None:
    clip, soles = jump  # 60 fps
    slow = edit.resample(clip, 30)
    fast, thirty = every_figure(clip, soles.points(clip)), every_figure(slow, soles.points(slow))
    for name in (
        "penetration_mm",
        "float_mm",
        "float_plain_mm",
        "skate_mm",
        "skate_all",
        "closd",
        "hof",
        "flight",
        "fall",
    ):
        assert thirty[name] == pytest.approx(fast[name], rel=0.08, abs=0.05), name


def test_a_performer_twice_as_large_floats_twice_as_high() -> None:
    points = standing(20) + [0, 0.055, 0]
    assert metrics.float_plain_mm(2 * points) + 5 == pytest.approx(2 * (metrics.float_plain_mm(points) + 5))
    joints = random_clip(2, 20).positions()
    assert metrics.jerk_m_s3(2 * joints, 30) == pytest.approx(2 * metrics.jerk_m_s3(joints, 30))
    assert np.allclose(metrics.centre_of_mass(2 * joints), 2 * metrics.centre_of_mass(joints))
    once = metrics.self_penetration_mm(joints, REST_OFFSETS)
    assert metrics.self_penetration_mm(2 * joints, 2 * REST_OFFSETS) == pytest.approx(2 * once)


@pytest.mark.parametrize("seed", range(3))
def test_planted_faults_show_in_the_figure_that_is_theirs(jump: tuple[Clip, Soles], seed: int) -> None:
    clip, soles = jump
    clean = every_figure(clip, soles.points(clip))
    for kind, name, least in (("float", "float_mm", 15), ("sink", "penetration_mm", 10), ("slide", "skate_mm", 1)):
        faulty, _ = plant(clip, kind, seed)
        spoilt = every_figure(faulty, soles.points(faulty))
        assert spoilt[name] > clean[name] + least, kind
        assert spoilt["flight"] == pytest.approx(clean["flight"], abs=0.1)


@pytest.mark.parametrize(("name", "least", "most"), [("run", 2, 2), ("jump", 1, 1), ("backflip", 1, 1), ("walk", 0, 0)])
def test_flights_of_captures(name: str, least: int, most: int) -> None:
    clip, points, com = captured(name)
    assert least <= len(runs(metrics.flight(points, com, clip.fps))) <= most


# Odd input ------------------------------------------------------------------------------------------------------------

JOINTS = np.repeat(t_pose().positions(), 3, axis=0)
NONE = np.zeros(3, bool)
CALLS: dict[str, Callable[[np.ndarray], object]] = {
    "penetration_mm": metrics.penetration_mm, "float_plain_mm": metrics.float_plain_mm,
    "float_mm": lambda p: metrics.float_mm(p, NONE[: len(p)]), "skate_mm": lambda p: metrics.skate_mm(p, 30),
    "skate_all_mm": lambda p: metrics.skate_all_mm(p, 30),
    "phys_err": lambda p: metrics.phys_err(p, NONE[: len(p)], 30).phys_err_mm,
    "closd_phys_err_mm": metrics.closd_phys_err_mm,
    "gmd_skate_ratio": lambda p: metrics.gmd_skate_ratio(p[:, :4], 30),
    "kimodo_skate_ratio": lambda p: metrics.kimodo_skate_ratio(p[:, :2], 30),
    "kimodo_skate_from_height": lambda p: metrics.kimodo_skate_from_height(p[:, :2], 30),
    "kimodo_skate_from_contacts": lambda p: metrics.kimodo_skate_from_contacts(p, np.ones(p.shape[:2]), 30).mean,
    "jerk_m_s3": lambda p: metrics.jerk_m_s3(p, 30), "peak_jerk": metrics.peak_jerk,
    "area_under_jerk": metrics.area_under_jerk, "centre_of_mass": lambda p: metrics.centre_of_mass(p).sum(),
    "flight": lambda p: metrics.flight(p, p[:, 0], 30).sum(),
    "flight_acceleration": lambda p: metrics.flight_acceleration(p[:, 0], ~NONE[: len(p)], 30).g,
    "ground_reaction": lambda p: metrics.ground_reaction(p[:, 0], NONE[: len(p)], 30).violation,
    "balance_m": lambda p: metrics.balance_m(p[:, 0], p, np.ones(p.shape[:2], bool), 30),
    "hof": lambda p: metrics.balance_m(p[:, 0], p, np.ones(p.shape[:2], bool), 30, True),
    "self_penetration_mm": lambda p: metrics.self_penetration_mm(p, REST_OFFSETS),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CALLS))
def test_short_clips_give_numbers_and_nan_is_refused(name: str) -> None:
    for frames in (1, 2, 3):
        assert np.isfinite(CALLS[name](JOINTS[:frames]))
    for bad in (np.nan, np.inf):
        spoilt = JOINTS.copy()
        spoilt[1, 0, 1] = bad
        with pytest.raises(BadInput, match="frame 1 is not finite"):
            CALLS[name](spoilt)
    with pytest.raises(BadInput, match="expected"):
        CALLS[name](np.zeros((0, 24, 3)))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.penetration_mm(np.zeros((3, 2))), r"points: shape \(3, 2\), expected \(frames, points, 3\)"),
        (lambda: metrics.penetration_mm(JOINTS, np.zeros(24)), r"floor: shape \(24,\), expected one height"),
        (lambda: metrics.penetration_mm(JOINTS, np.nan), "floor: a height is not finite"),
        (lambda: metrics.float_mm(JOINTS, NONE[:2]), r"frames left out: shape \(2,\), expected \(3,\)"),
        (lambda: metrics.skate_mm(JOINTS, 0), "0 frames per second, expected more than 0"),
        (lambda: metrics.skate_mm(JOINTS, float("nan")), "nan frames per second"),
        (lambda: metrics.flight(JOINTS, JOINTS[:2, 0], 30), r"centre of mass: shape \(2, 3\), expected \(3, 3\)"),
        (lambda: metrics.centre_of_mass(JOINTS[:, :22]), r"joints: shape \(3, 22, 3\), expected \(frames, 24, 3\)"),
        (lambda: metrics.self_penetration_mm(JOINTS, REST_OFFSETS, [0.1]), r"radii: shape \(1,\), expected \(14,\)"),
        (lambda: metrics.gmd_skate_ratio(JOINTS, 30), r"feet: shape \(3, 24, 3\), expected \(frames, 4, 3\)"),
        (lambda: metrics.outside_support(JOINTS[:, 0], JOINTS, NONE), "contacts: shape"),
    ],
)
def test_odd_input_is_named(call: Callable[[], object], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        call()


def test_a_clip_is_as_good_as_its_joints() -> None:
    clip = replace(random_clip(), contacts=None)
    assert np.array_equal(metrics.centre_of_mass(clip), metrics.centre_of_mass(clip.positions()))
