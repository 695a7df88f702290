"""What is wrong with a whole body: a lean, flights that do not fall, joints that snap; and curves over bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap_data
from motion import Clip, ContactTrack
from motion import rotations as rot
from motion.errors import BadInput
from motion.retarget import retarget
from motion.skeleton import INDEX
from motion.smoothing import over
from physics import faults, metrics, plants
from physics.ballistic import fall
from physics.flips import unflipped
from physics.ground import Ground
from physics.kinematic import plant
from physics.level import levelled, tilt
from physics.mass import GRAVITY
from physics.refine import mend
from physics.rests import Rests
from physics.soles import Soles
from physics.touch import Touch


def load(name: str) -> Clip:
    return retarget(mocap_data.load(f"pybullet:{name}"))[0]


@pytest.fixture(scope="module")
def walk() -> Clip:
    return load("walk")


def slope_of(clip: Clip) -> np.ndarray:
    soles = Soles.of_skeleton(clip.rest_offsets)
    return tilt(clip, Touch.of(clip, soles, Ground()), plants.find(clip).on)


def test_a_leaning_walk_is_turned_upright_and_an_upright_one_is_not(walk: Clip) -> None:
    assert not slope_of(walk).any()
    for seed in (0, 1, 4, 7):
        bad, fault = faults.plant(walk, "tilt", seed)
        slope = slope_of(bad)
        assert np.arctan(np.linalg.norm(slope)) == pytest.approx(fault.size, abs=np.radians(1.2))
        made = levelled(bad, slope)
        away = np.linalg.norm(made.positions() - walk.positions(), axis=-1).mean()
        assert away < 0.5 * fault.moved_m


def test_levelling_undoes_a_turn_exactly(walk: Clip) -> None:
    back = levelled(levelled(walk, np.array([0.03, -0.02])), np.zeros(2))
    assert np.abs(back.positions() - levelled(walk, np.array([0.03, -0.02])).positions()).max() < 1e-9
    up = rot.rotate(levelled(walk, np.array([0.1, 0.0])).rotations[:, 0], [0.0, 1.0, 0.0])
    was = rot.rotate(walk.rotations[:, 0], [0.0, 1.0, 0.0])
    assert np.allclose((up * was).sum(-1).min(), np.cos(np.arctan(0.1)), atol=5e-3)


@pytest.mark.parametrize("fps", [30.0, 120.0])
def test_a_flight_falls_as_gravity_has_it_and_standing_stays(fps: float) -> None:
    t = np.arange(round(1.2 * fps)) / fps
    flying = (t > 0.4) & (t < 0.8)
    height = 0.9 + np.where(flying, 0.5 * 0.7 * GRAVITY * (t - 0.4) * (0.8 - t), 0.0)  # falls with 0.7 g
    moved = height + fall(height, flying, fps)
    com = np.stack([np.zeros(len(t)), moved, np.zeros(len(t))], -1)
    assert metrics.flight_acceleration(com, flying, fps).error < 0.12  # 0.3 as it was
    assert np.abs(moved - height)[~flying].max() < 0.02
    assert not fall(height, np.zeros(len(t), bool), fps).any()
    torn = 0.9 + np.where(flying, 4.0 * (t - 0.4) * (0.8 - t), 0.0) * 5
    assert not fall(torn, flying, fps).any()  # that is no flight of a body


def test_the_pass_makes_flights_fall() -> None:
    run = load("run")
    made, told = mend(run)
    assert told.before.flight_error > 0.1 and told.after.flight_error < 0.06
    assert told.after.jerk_m_s3 < 1.02 * told.before.jerk_m_s3 and made.frames == run.frames


def test_snapped_joints_are_bridged_and_kicks_are_not(walk: Clip) -> None:
    for name in ("kick", "spinkick", "punch", "run"):
        clip = load(name)
        assert unflipped(clip) == (clip, 0)
    ankle = INDEX["left_ankle"]
    rotations = walk.rotations.copy()
    rotations[10:14, ankle] = rot.multiply(rotations[10:14, ankle], rot.from_rotvec([0.0, 1.2, 0.0]))
    made, count = unflipped(replace(walk, rotations=rotations))
    left = rot.angle_between(made.rotations[:, ankle], walk.rotations[:, ankle])
    assert count == 1 and left.max() < 0.35 and left[[9, 14]].max() < 1e-6


def test_what_was_mended_is_left_alone_when_mended_again(walk: Clip) -> None:
    for kind in ("float", "noise", "tilt", "slide"):
        once, _ = mend(faults.plant(walk, kind, 2)[0])
        again, told = mend(once)
        assert np.abs(again.positions() - once.positions()).max() < 1e-3, (kind, told.verdict())


def test_the_least_smooth_curve_over_bounds() -> None:
    least = np.zeros(80)
    least[[30, 31, 32, 60]] = [0.01, 0.02, 0.005, 0.03]
    made = over(least, 2.0, 0.02)
    assert (made >= least - 1e-12).all() and made.max() == pytest.approx(0.03, abs=1e-4)
    assert np.abs(made[:20]).max() < 2e-3
    assert not over(np.full(10, -1.0), 1.0, 0.1).any()
    assert over([0.5, 0.1], 1.0, 0.1).tolist() == [0.5, 0.5]


def test_who_crawls_through_the_floor_is_lifted_on_to_it() -> None:
    crawl = load("crawl")
    sunk = replace(crawl, root_position=crawl.root_position - [0.0, 0.06, 0.0])
    made, told = mend(sunk)
    assert told.before.body_mm > 20 and told.after.body_mm < 3
    assert np.abs(made.root_position[:, 1] - crawl.root_position[:, 1]).mean() < 0.03


def test_hands_that_lean_on_the_floor_stay_where_they_are() -> None:
    clip = load("getup_facedown")
    soles = Soles.of_skeleton(clip.rest_offsets)
    made = plant(clip, soles)
    on = made.track.on[:, 4:6]
    both = on[1:] & on[:-1]
    before, after = (np.linalg.norm(Rests.of(c, Ground()).step[:, :2], axis=-1)[both].mean() for c in (clip, made.clip))
    assert both.sum() > 20 and after < 0.6 * before
    knees = rot.angle_between(made.clip.rotations, clip.rotations)[:, [INDEX["left_elbow"], INDEX["right_elbow"]]]
    assert np.abs(np.diff(knees, axis=0)).max() < np.radians(12)  # no elbow pops


def test_plants_may_name_hands_knees_and_seat(tmp_path: Path, walk: Clip) -> None:
    path = tmp_path / "plants.csv"
    path.write_text("part,start_s,end_s\nseat,0.2,0.5\nleft_hand,0,0.1\n")
    track = plants.read(path, walk)
    assert track.labels == plants.LABELS and track.on[:, 8].sum() == 10 and track.on[:, :4].sum() == 0
    plants.write(path, track, float(walk.fps))
    assert (plants.read(path, walk).on == track.on).all()
    with pytest.raises(BadInput, match="left_tentacle"):
        plant(walk, Soles.of_skeleton(walk.rest_offsets), track=ContactTrack(("left_tentacle",), track.on[:, :1]))


def test_a_clip_on_no_floor_is_put_on_the_floor_as_a_whole(walk: Clip) -> None:
    for off in (0.4, -0.3):
        made, told = mend(replace(walk, root_position=walk.root_position + [0.0, off, 0.0]))
        assert np.abs(made.root_position[:, 1] - walk.root_position[:, 1]).max() < 0.02
        assert any("as a whole" in note for note in told.notes), told.notes
    _, told = mend(walk)
    assert not any("as a whole" in note for note in told.notes)


def test_who_climbs_or_sits_on_what_is_not_there_is_told_and_not_pulled_down(walk: Clip) -> None:
    rise = np.clip((np.arange(walk.frames) - 12) / 10.0, 0.0, 1.0) * 0.6
    climbs = replace(walk, root_position=walk.root_position + rise[:, None] * [0.0, 1.0, 0.0])
    made, told = mend(climbs)
    assert any("the stage has not" in note for note in told.notes), told.notes
    assert np.abs(made.root_position[-8:, 1] - climbs.root_position[-8:, 1]).max() < 0.05
    turns, places = np.repeat(walk.rotations[:1], 60, axis=0), np.repeat(walk.root_position[:1], 60, axis=0)
    for joint in ("left_hip", "right_hip"):  # thighs ahead: the weight is behind the feet
        turns[:, INDEX[joint]] = rot.multiply(rot.from_rotvec([-0.7, 0.0, 0.0]), turns[:, INDEX[joint]])
    _, told = mend(replace(walk, rotations=turns, root_position=places))
    assert any("sits or leans" in note for note in told.notes), told.notes


def test_the_calibrator_may_be_asked_first_and_changes_nothing_twice(walk: Clip) -> None:
    bad, _ = faults.plant(walk, "jitter", 2)
    usual, _ = mend(bad)
    made, told = mend(bad, learned=True)
    assert told.learned is not None and told.kinematic is None
    assert told.after.jerk_m_s3 < 0.6 * told.before.jerk_m_s3
    assert told.after.phys_err_mm < 0.2 * told.before.phys_err_mm
    assert np.abs(mend(made, learned=True)[0].positions() - made.positions()).max() < 1e-3
    away = [np.linalg.norm(c.positions() - walk.positions(), axis=-1).mean() for c in (made, usual)]
    assert away[0] < 0.8 * away[1]
    assert mend(walk, learned=True)[0].positions() == pytest.approx(mend(walk)[0].positions())  # nothing to calibrate
