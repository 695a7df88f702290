"""Feet: plants are found, stay planted on any body, stand on the floor; legs reach without popping."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import retarget_rigs as rigs

import mocap_data
from motion import contacts, ik, kinematics, skeleton
from motion import rotations as rot
from motion.clip import Clip
from motion.retarget import clip_to_take, feet, retarget
from motion.retarget.calibration import sole_normal
from motion.retarget.hands import lay_hands
from motion.retarget.matching import find_map
from motion.retarget.report import foot_skate, measure, sweep, table
from motion.retarget.source import TEMPLATE, prepare
from motion.take import Take

INDEX = skeleton.INDEX
WALKS = ["humanoid3d_walk", "humanoid3d_run", "humanoid3d_dance_a", "humanoid3d_cartwheel", "humanoid3d_crawl"]


def body(legs: float = 1.0, hips: float = 1.0, shin: float = 1.0, foot: float = 1.0) -> np.ndarray:
    """A T-pose of other proportions, standing on its own soles."""
    offsets = TEMPLATE.copy()
    offsets[[4, 5, 7, 8]] *= legs
    offsets[[7, 8]] *= shin
    offsets[[1, 2], 0] *= hips
    offsets[[10, 11]] *= foot
    offsets[0, 1] = 0.075 * foot - offsets[[1, 4, 7], 1].sum()
    return offsets


BODIES = {
    "same": body(), "child": body(0.6, 0.7, 1.0, 0.6), "tall": body(1.25, 1.1, 1.0, 1.1), "wide": body(1.0, 1.6),
    "short shins": body(1.0, 1.0, 0.85), "big feet": body(1.0, 1.0, 1.0, 1.2),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BODIES))
@pytest.mark.parametrize("capture", WALKS)
def test_feet_keep_their_contacts_on_any_body(capture: str, name: str) -> None:
    take = mocap_data.load(f"pybullet:{capture}")
    own, _ = retarget(take, lock_feet=False)
    clip, report = retarget(take, BODIES[name])
    assert np.array_equal(clip.rest_offsets, BODIES[name])
    before, after = foot_skate(own, clip, report.scale)
    # 0.5 mm a frame: what a sole lifted out of the floor, or a leg out of reach, may add.
    assert after <= 1.15 * before + 0.5


@pytest.mark.parametrize("name", list(BODIES))
@pytest.mark.parametrize("capture", WALKS)
def test_soles_do_not_sink(capture: str, name: str) -> None:
    clip, _ = retarget(mocap_data.load(f"pybullet:{capture}"), BODIES[name])
    low = contacts.foot_points(clip)[..., 1].min()
    # A planted leg that cannot reach, and feet far below the floor in the source, are the exceptions that are bounded.
    assert low > -2.5 * 0.005 * contacts.size_of(clip.rest_offsets)


@pytest.mark.parametrize("name", list(BODIES))
def test_standing_feet_stand_on_the_floor(name: str) -> None:
    clip, _ = retarget(rigs.reframed(clip_to_take(rigs.performance(), "mixamo")), BODIES[name])
    points = contacts.foot_points(clip)[:30]
    assert np.abs(points[..., 1]).max() < 0.004


def test_ankles_are_where_the_sources_scaled_are() -> None:
    source = rigs.performance()
    offsets = body(1.2, 1.3, 0.95)
    clip, report = retarget(rigs.reframed(clip_to_take(source, "mixamo")), offsets)
    lift = 0.075 - report.scale * contacts.sole_heights(source.rest_offsets)[0, 0]
    wanted = report.scale * source.positions()[:30, [7, 8]] + [0.0, lift, 0.0]
    assert np.abs(clip.positions()[:30, [7, 8]] - wanted).max() < 0.003


@pytest.mark.parametrize("capture", ["humanoid3d_walk", "humanoid3d_run", "humanoid3d_spinkick"])
@pytest.mark.parametrize("name", ["same", "tall", "short shins", "wide"])
def test_knees_bend_forward_and_do_not_pop(capture: str, name: str) -> None:
    take = mocap_data.load(f"pybullet:{capture}")
    plain, _ = retarget(take, lock_feet=False)
    clip, _ = retarget(take, BODIES[name])

    def bend(c: Clip) -> np.ndarray:
        """Degrees by which each knee is bent, backward positive."""
        return np.degrees(rot.to_rotvec(c.rotations[:, [4, 5]])[..., 0])

    # A capture's knee may be bent backward by itself; nothing is added to that.
    assert bend(clip).min() > min(bend(plain).min(), 0.0) - 1.0
    jerky = [np.abs(np.diff(bend(c), n=2, axis=0)).max() for c in (plain, clip)]
    assert jerky[1] < 1.6 * jerky[0] + 6.0


def backward_leg(height: float) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """World rotations, pelvis and ankle targets: knees 6 degrees backward, ankles to rise 3 cm, at a height."""
    local = np.tile(rot.IDENTITY, (15, 24, 1))
    local[:, [4, 5]] = rot.from_axis("X", np.radians(-6.0))
    root = np.tile([0.0, TEMPLATE[0, 1] + height, 0.0], (15, 1))
    world, places = Clip(local, root, TEMPLATE, Fraction(30)).world()
    return world, root, {s: places[:, INDEX[f"{s}_ankle"]] + [0.0, 0.03, 0.0] for s in ("left", "right")}


def test_a_knee_bent_backward_by_the_capture_bends_forward_when_it_has_to_bend_more() -> None:
    world, root, targets = backward_leg(0.0)
    standing = {s: np.ones(15, dtype=bool) for s in targets}
    bent, _ = feet.reach(world, root, TEMPLATE, targets, standing, Fraction(30))
    knees = rot.multiply(rot.inverse(bent[:, [1, 2]]), bent[:, [4, 5]])
    assert np.degrees(rot.to_rotvec(knees)[..., 0]).min() > 20.0


def test_a_leg_that_kicks_high_is_left_alone() -> None:
    world, root, targets = backward_leg(0.8)
    step = np.linspace(0.0, 1.0, 15)[:, None] * [0.0, 0.0, 0.5]  # fast enough to be no stance
    targets = {s: t + step for s, t in targets.items()}
    swinging = {s: np.zeros(15, dtype=bool) for s in targets}
    kept, _ = feet.reach(world, root + step, TEMPLATE, targets, swinging, Fraction(30))
    assert np.array_equal(kept, world)


@pytest.mark.parametrize("capture", ["humanoid3d_walk", "humanoid3d_dance_a", "humanoid3d_jump"])
def test_invented_toes_take_their_time(capture: str) -> None:
    clip, _ = retarget(mocap_data.load(f"pybullet:{capture}"), TEMPLATE)
    toes = np.degrees(rot.to_rotvec(clip.rotations[:, [10, 11]])[..., 0])
    assert toes.min() < -8.0
    assert np.abs(np.diff(toes, axis=0)).max() * float(clip.fps) < 900.0  # a snap over one frame is thousands


def test_without_locking_limbs_point_exactly_as_the_sources() -> None:
    take = mocap_data.load("pybullet:humanoid3d_dance_a")
    clip, _ = retarget(take, body(1.1, 1.2, 0.9), lock_feet=False)
    errors = measure(take, clip).errors
    limbs = [b for b in errors if b.split("-")[1].split("_")[-1] in ("knee", "ankle", "elbow", "wrist")]
    assert len(limbs) == 8 and max(float(errors[b].max()) for b in limbs) < 0.01


def test_deepmimic_lacks_are_filled_and_said() -> None:
    clip, report = retarget(mocap_data.load("pybullet:humanoid3d_walk"))
    assert report.rest == "N-pose" and report.convention == "deepmimic"
    assert {"spine1", "spine2", "left_foot", "left_collar", "right_wrist", "left_hand"} <= set(report.invented)
    assert clip.valid[INDEX["spine3"]] and not clip.valid[INDEX["left_foot"]]
    # Toes bend while the heel is up and the ball is down, and not otherwise.
    toes = np.degrees(rot.to_rotvec(clip.rotations[:, [10, 11]])[..., 0])
    assert toes.min() < -10.0 and toes.max() < 2.0
    assert (np.abs(toes) < 2.0).mean() > 0.3


def test_hands_that_a_source_lacks_lie_on_the_floor() -> None:
    clip, _ = retarget(mocap_data.load("pybullet:humanoid3d_cartwheel"))
    world_q, world_p = clip.world()
    for side in ("left", "right"):
        wrist, hand = INDEX[f"{side}_wrist"], INDEX[f"{side}_hand"]
        above = world_p[:, wrist, 1] > 0.02
        tips = world_p[:, wrist] + rot.rotate(world_q[:, wrist], 1.9 * clip.rest_offsets[hand])
        assert tips[above, 1].min() > -0.01


def test_detect_finds_the_plants_of_a_known_performance() -> None:
    clip = rigs.performance(90)
    track = contacts.detect(clip)
    assert track.labels == contacts.LABELS
    assert track["left_heel"].all() and track["left_toe"].all()
    assert track["right_heel"][:30].all() and not track["right_heel"][-20:].any()


@pytest.mark.parametrize("fps", [24, 30, 60, 120])
def test_contacts_and_skate_do_not_depend_on_the_rate(fps: int) -> None:
    time = np.arange(2 * fps) / fps
    points = np.zeros((len(time), 1, 3))
    points[:, 0, 0] = 0.09 * time  # slides at 90 mm/s: 3 mm a frame at 30 fps
    points[:, 0, 1] = np.where(time > 1.0, 0.3 * np.sin(np.pi * (time - 1.0)), 0.0)
    on = contacts.contact_mask(points, fps)
    assert abs(on.sum() / fps - 1.0) < 0.1
    assert contacts.skate(points, on, Fraction(fps)) == pytest.approx(3.0, rel=1e-6)


def test_short_contacts_and_gaps_are_dropped() -> None:
    on = np.zeros((40, 1), dtype=bool)
    on[5:7], on[10:20], on[22:30] = True, True, True
    closed = ~contacts.drop_short(~on, 3)
    assert closed[20:22].all()
    assert not contacts.drop_short(closed, 3)[5:7].any()


def test_a_contact_bridges_a_moment_of_noise_and_a_touch_is_none() -> None:
    points = np.zeros((60, 1, 3))
    points[:, 0, 1] = 0.5
    points[10:40, 0, 1] = 0.0
    points[25, 0, 1] = 0.2  # one bad frame, which central differences see for three
    points[50, 0, 1] = 0.0  # a touch
    on = contacts.contact_mask(points, 60, np.zeros(1))[:, 0]
    assert on[12:38].all() and not on[:10].any() and not on[41:].any()


def test_the_sole_tells_which_way_is_up_whatever_the_joints_axes() -> None:
    take = rigs.reframed(clip_to_take(rigs.performance(90), names="mixamo"))
    source = prepare(take, find_map(take))
    normal = sole_normal(source, "left")
    assert normal is not None
    up = rot.rotate(source.rotation(int(source.map.limbs[INDEX["left_ankle"]])), normal)
    assert np.degrees(np.arccos(np.clip(up[:, 1], -1, 1))).max() < 15.0


def test_a_wrist_bends_back_to_its_limit_and_no_further() -> None:
    world = np.tile(rot.IDENTITY, (2, 24, 1))
    for part in ("shoulder", "elbow", "wrist", "hand"):
        world[:, INDEX[f"left_{part}"]] = rot.from_axis("Z", -np.pi / 2)  # the arm hangs
    _, places = kinematics.forward(skeleton.PARENTS, kinematics.to_local(skeleton.PARENTS, world), TEMPLATE)
    wrist = places[0, INDEX["left_wrist"]]
    root = TEMPLATE[0] - [0.0, 1.0, 0.0] * wrist + [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]  # on the floor, and far above it
    laid = lay_hands(world, root, TEMPLATE, ("left",))
    bent = rot.angle_between(world[:, INDEX["left_wrist"]], laid[:, INDEX["left_wrist"]])
    np.testing.assert_allclose(np.degrees(bent), [85.0, 0.0], atol=0.1)


def test_hysteresis_needs_a_beginning() -> None:
    stay = np.array([[1, 1, 1, 0, 1, 1, 1, 1]], dtype=bool).T
    begin = np.array([[0, 0, 0, 0, 0, 1, 0, 0]], dtype=bool).T
    assert contacts.hysteresis(begin, stay)[:, 0].tolist() == [False] * 4 + [True] * 4


def test_floor_height_ignores_swings_and_outliers() -> None:
    points = np.zeros((200, 1, 3))
    points[:, 0, 1] = 0.1
    points[::40, 0, 1] = -0.5  # single bad frames
    points[100:150, 0, 1] = 0.1 + 0.3 * np.sin(np.linspace(0, np.pi, 50))
    assert contacts.floor_height(points, 30)[0] == pytest.approx(0.1, abs=1e-9)


def test_two_bone_reaches_and_keeps_lengths_and_pole() -> None:
    random = np.random.default_rng(0)
    root, upper, lower = random.normal(size=(500, 3)), 0.4, 0.35
    target = root + 0.7 * random.uniform(0.2, 1.0, (500, 1)) * rot.rotate(
        rot.normalize(random.normal(size=(500, 4))), [0, 1, 0]
    )
    pole = random.normal(size=(500, 3))
    middle, end = ik.two_bone(root, target, upper, lower, pole)
    assert np.allclose(np.linalg.norm(middle - root, axis=-1), upper)
    assert np.allclose(np.linalg.norm(end - middle, axis=-1), lower)
    assert np.allclose(end, target, atol=1e-9)
    axis = (target - root) / np.linalg.norm(target - root, axis=-1, keepdims=True)
    across = (middle - root) - np.sum((middle - root) * axis, axis=-1, keepdims=True) * axis
    assert (np.sum(across * pole, axis=-1) > 0).all()


def test_two_bone_out_of_reach_points_at_the_target_and_stays_finite() -> None:
    root = np.zeros((3, 3))
    target = np.array([[0.0, -5.0, 0.0], [0.0, 0.0, 0.0], [0.0, -0.05, 0.0]])
    middle, end = ik.two_bone(root, target, 0.4, 0.3, np.array([0.0, 0.0, 1.0]))
    assert np.isfinite(middle).all() and np.isfinite(end).all()
    assert end[0, 1] == pytest.approx(-0.7, abs=0.01) and end[0, 1] >= -0.7
    assert np.allclose(np.linalg.norm(end - middle, axis=-1), 0.3)


def test_soft_reach_is_smooth_and_never_exceeds_the_limb() -> None:
    x = np.linspace(0.5, 1.5, 2001)
    y = ik.soft_reach(x, 1.0, 0.02)
    assert np.array_equal(y[x <= 0.98], x[x <= 0.98])
    assert y.max() < 1.0 and (np.diff(y) >= 0).all()
    slope = np.diff(y) / np.diff(x)
    assert np.abs(np.diff(slope)).max() < 0.03


def test_sweep_makes_a_row_and_counts_what_is_refused(tmp_path: Path) -> None:
    files = []
    for name in ("humanoid3d_walk", "humanoid3d_run", "broken"):
        files.append(tmp_path / f"{name}.txt")
        files[-1].write_text("x")

    def load(path: Path) -> Take:
        if path.stem == "broken":
            return mocap_data.load(path)
        return mocap_data.load(f"pybullet:{path.stem}")

    row = sweep(tmp_path, load, name="wheel")
    assert (row.files, len(row.refused)) == (3, 1) and "broken" in row.refused[0]
    assert row.posed_worst_deg < 2.0 and row.median_deg < 0.5
    assert row.skate_after <= 1.1 * row.skate_before + 0.1
    text = table([row])
    assert "wheel" in text and len(text.splitlines()) == 2


SETS = {
    "cmu-bvh": 12,
    "cmu-asfamc": 6,
    "cmu-deepmimic": 12,
    "deepmimic": 12,
    "bandai-namco-1": 16,
    "bandai-namco-2": 300,
}


@pytest.mark.slow
@pytest.mark.skipif("CINEMOTION_DATA" not in os.environ, reason="CINEMOTION_DATA names no folder with the captures")
@pytest.mark.parametrize("name", list(SETS))
def test_the_shared_sets_keep_directions_and_feet(name: str) -> None:
    folder = Path(os.environ["CINEMOTION_DATA"]) / name
    files = sorted(p for p in folder.rglob("*") if p.suffix in (".bvh", ".amc", ".txt"))[:: SETS[name]]
    row = sweep(files, mocap_data.load, name=name)
    assert not row.refused
    assert row.median_deg < 0.1 and row.posed_worst_deg < 2.0
    assert row.skate_after <= 1.02 * row.skate_before + 0.05
    assert row.seconds_per_minute < 5.0


def test_a_minute_of_motion_is_retargeted_in_about_a_second() -> None:
    import time

    clip = rigs.performance(3600, 60)
    take = replace(rigs.reframed(clip_to_take(clip, "mixamo")), up=None)
    start = time.perf_counter()
    retarget(take, body(1.1))
    # Ten times what an idle core needs, for machines that are busy.
    assert time.perf_counter() - start < 6.0
