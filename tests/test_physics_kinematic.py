"""The kinematic pass: feet stand on the ground and stay there, and what was right is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap_data
from motion import Clip, edit
from motion.errors import BadInput
from motion.retarget import retarget
from physics import faults, metrics, plants
from physics.ground import Ground
from physics.kinematic import MODES, plant
from physics.soles import Soles


@pytest.fixture(scope="module")
def walk() -> Clip:
    return retarget(mocap_data.load("pybullet:walk"))[0]


def error(clip: Clip, flight: np.ndarray) -> metrics.PhysErr:
    return metrics.phys_err(Soles.of_skeleton(clip.rest_offsets).points(clip), flight, clip.fps)


@pytest.mark.parametrize(("kind", "least"), [("float", 0.7), ("sink", 0.7), ("slide", 0.6), ("flip", 0.5)])
def test_planted_faults_are_mended(walk: Clip, kind: str, least: float) -> None:
    bad, _ = faults.plant(walk, kind, seed=1)
    soles, none = Soles.of_skeleton(walk.rest_offsets), np.zeros(walk.frames, bool)
    mended = plant(bad, soles).clip
    before, after = error(bad, none), error(mended, none)
    assert after.phys_err_mm < (1 - least) * before.phys_err_mm
    assert after.penetration_mm < 0.2 and after.float_mm < 3.0


def test_a_clean_clip_is_hardly_moved_and_a_second_pass_less(walk: Clip) -> None:
    soles = Soles.of_skeleton(walk.rest_offsets)
    once = plant(walk, soles)
    moved = np.linalg.norm(once.clip.positions() - walk.positions(), axis=-1)
    assert moved.mean() < 0.008
    twice = plant(once.clip, soles, track=once.track)
    assert np.linalg.norm(twice.clip.positions() - once.clip.positions(), axis=-1).mean() < 0.004


def test_a_jump_keeps_its_flight() -> None:
    jump, _ = retarget(mocap_data.load("pybullet:jump"))
    soles = Soles.of_skeleton(jump.rest_offsets)
    flight = metrics.flight(soles.points(jump), metrics.centre_of_mass(jump), jump.fps)
    made = plant(jump, soles).clip
    rise = lambda c: float(c.root_position[flight, 1].max() - c.root_position[:, 1].min())
    assert flight.any() and rise(made) == pytest.approx(rise(jump), abs=0.03)


def test_where_a_performer_stands_and_faces_does_not_matter(walk: Clip) -> None:
    soles = Soles.of_skeleton(walk.rest_offsets)
    there = edit.transform(walk, 2.1, (3.0, 0.0, -4.0))
    made = edit.transform(plant(walk, soles).clip, 2.1, (3.0, 0.0, -4.0))
    assert plant(there, soles).clip.positions() == pytest.approx(made.positions(), abs=1e-6)


def test_modes(walk: Clip) -> None:
    soles = Soles.of_skeleton(walk.rest_offsets)
    bad, _ = faults.plant(walk, "sink", seed=1)
    made = {mode: plant(bad, soles, mode=mode).clip for mode in MODES}
    assert made["never"] is bad
    none = np.zeros(walk.frames, bool)
    assert error(made["grounding"], none).penetration_mm < 0.2
    assert made["grounding"].root_position[:, [0, 2]] == pytest.approx(bad.root_position[:, [0, 2]], abs=1e-9)
    with pytest.raises(BadInput, match="did you mean 'always'"):
        plant(bad, soles, mode="alwys")


def test_a_step_of_a_stage_is_stood_upon(walk: Clip) -> None:
    soles = Soles.of_skeleton(walk.rest_offsets)
    box = Ground(lambda points: np.where(points[:, 2] > -50.0, 0.3, 0.0))
    raised = edit.transform(walk, translation=(0.0, 0.32, 0.0))
    made = plant(raised, soles, box).clip
    points = soles.points(made)[..., 1].min(1)
    assert np.percentile(points, [5, 50]) == pytest.approx([0.3, 0.3], abs=0.006)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_frame_or_two_come_back(walk: Clip, frames: int) -> None:
    short = replace(walk, rotations=walk.rotations[:frames], root_position=walk.root_position[:frames], contacts=None)
    assert plant(short, Soles.of_skeleton(walk.rest_offsets)).clip is short


def test_plants_are_written_and_read_again(walk: Clip, tmp_path: Path) -> None:
    track = plants.find(walk)
    plants.write(tmp_path / "plants.csv", track, float(walk.fps))
    again = plants.read(tmp_path / "plants.csv", walk)
    assert np.array_equal(again.on, track.on) and again.labels == track.labels


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("part,start_s\nleft_toe,1", "no column end_s"),
        ("part,start_s,end_s\nleft_tow,0,1", "2: unknown part 'left_tow'; did you mean 'left_toe'"),
        ("part,start_s,end_s\nleft_toe,x,1", "2: start_s and end_s are not both numbers"),
        ("part,start_s,end_s\nleft_toe,2,1", "2: from 2 s to 1 s"),
        ("part,start_s,end_s\nleft_toe,nan,1", "2: from nan s"),
    ],
)
def test_a_bad_file_of_plants_names_the_line(walk: Clip, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(BadInput, match=said):
        plants.read(tmp_path / "p.csv", walk)
