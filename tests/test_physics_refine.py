"""`refine`: what is mended, what is left, and what the report says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import mocap_data
from cinemotion.carry import carried
from motion import Clip, edit
from motion.body import Body
from motion.clip import ContactTrack
from motion.contacts import LABELS
from motion.errors import BadInput
from motion.retarget import retarget
from motion.stage import Performance, Prop, Stage
from physics import faults, gate
from physics.refine import refine
from physics.soles import Soles
from physics.world import World

BODY = Body.default()


@pytest.fixture(scope="module")
def walk() -> Clip:
    return carried(retarget(mocap_data.load("pybullet:walk"))[0], BODY.rest_offsets)


def one(clip: Clip, **more: object):
    (performance,), report = refine([Performance("ada", clip, BODY)], **more)  # type: ignore[arg-type]
    return performance.clip, report.performers[0]


@pytest.mark.parametrize("kind", ["float", "sink", "slide"])
def test_what_is_planted_goes_and_the_report_says_so(walk: Clip, kind: str) -> None:
    made, told = one(faults.plant(walk, kind, 1)[0])
    assert told.after.phys_err_mm < 0.3 * told.before.phys_err_mm
    assert told.after.jerk_m_s3 < 1.02 * told.before.jerk_m_s3
    assert {s.kept for s in told.segments} == {"kinematic"} and "less in all" in told.verdict()
    assert told.moved_m > 0.005 and any("clean-up" in note for note in made.provenance.notes)


def test_the_report_is_plain_data(walk: Clip) -> None:
    _, report = refine([Performance("ada", walk, BODY), Performance("ben", edit.mirror(walk), BODY)])
    data = json.loads(json.dumps(report.as_dict()))
    assert [p["name"] for p in data["performers"]] == ["ada", "ben"] and data["settings"]["mode"] == "auto"
    assert len(report.verdict().splitlines()) == 2


def test_same_input_same_bytes(walk: Clip) -> None:
    bad, _ = faults.plant(walk, "noise", 2)
    one_, other = one(bad)[0], one(bad)[0]
    assert one_.rotations.tobytes() == other.rotations.tobytes()
    assert one_.root_position.tobytes() == other.root_position.tobytes()


def test_strength_and_never(walk: Clip) -> None:
    bad, _ = faults.plant(walk, "sink", 1)
    whole, half = (one(bad, strength=s)[0].root_position[:, 1] - bad.root_position[:, 1] for s in (1.0, 0.5))
    assert half == pytest.approx(0.5 * whole, abs=1e-6)
    assert one(bad, strength=0.0)[0].root_position == pytest.approx(bad.root_position)
    assert one(bad, mode="never")[0].root_position == pytest.approx(bad.root_position)


def test_plants_that_somebody_set_are_taken(walk: Clip) -> None:
    bad, _ = faults.plant(walk, "sink", 1)
    nothing = ContactTrack(LABELS, np.zeros((walk.frames, 4), bool))
    _, told = one(bad, tracks={"ada": nothing})
    assert told.after.skate_mm > 1.0, "without plants nothing is held"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: replace(c, rotations=c.rotations[:2], root_position=c.root_position[:2]), "2 frames"),
        (lambda c: replace(c, rest_offsets=0.1 * c.rest_offsets), "a body 0.1"),
        (lambda c: replace(c, rest_offsets=5.0 * c.rest_offsets), "tall, expected 0.3 to 4 m"),
    ],
)
def test_what_cannot_be_judged_comes_back_with_the_reason(walk: Clip, change, said: str) -> None:
    clip = change(walk)
    made, told = one(clip)
    assert made is clip and said in told.verdict()


def test_high_rates_and_lying_performers_come_through(walk: Clip) -> None:
    made, _ = one(edit.resample(walk, Fraction(240)))
    assert made.fps == 240 and np.isfinite(made.rotations).all()
    crawl = carried(retarget(mocap_data.load("pybullet:crawl"))[0], BODY.rest_offsets)
    _, told = one(crawl)
    assert any("something else than feet" in note for note in told.notes)
    assert told.after.phys_err_mm <= told.before.phys_err_mm + gate.WORSE_MM


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"mode": "lock"}, "unknown foot mode 'lock'"),
        ({"strength": 1.5}, "strength: 1.5, expected 0 to 1"),
        ({"strength": float("nan")}, "strength: nan"),
        ({"tracks": {"adda": None}}, "unknown performer 'adda'; did you mean 'ada'"),
        ({"tracks": {"ada": ContactTrack(LABELS, np.zeros((3, 4), bool))}}, "ada: plants of 3 frames"),
    ],
)
def test_bad_settings_are_one_clear_line(walk: Clip, asked: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        one(walk, **asked)


def test_versions_give_way_smoothly(walk: Clip) -> None:
    moved = edit.transform(walk, translation=(0.0, 0.1, 0.0))
    spans = [(0, 13), (13, 26), (26, 39)]
    mixed = gate.mix(walk, moved, np.array([False, True, False]), spans)
    rise = mixed.root_position[:, 1] - walk.root_position[:, 1]
    assert rise[:13] == pytest.approx(0.0) and rise[26:] == pytest.approx(0.0) and rise.max() > 0.05
    assert np.abs(np.diff(rise)).max() < 0.05
    assert gate.segments(39, 30.0) == [(0, 39)] and gate.segments(90, 30.0) == [(0, 30), (30, 60), (60, 90)]


def test_feet_stand_on_the_stages_boxes_and_ramps_of_air_are_none(walk: Clip) -> None:
    box = Prop("box", "box", (6.0, 0.4, 6.0), np.array([0.0, 0.0, 0.0]))
    far = Prop("far", "box", (1.0, 9.0, 1.0), np.array([90.0, 0.0, 0.0]))
    raised = edit.transform(walk, translation=(0.0, 0.36, 0.0))  # 4 cm inside
    (performance,), report = refine([Performance("ada", raised, BODY)], Stage(props=(box, far)))
    lowest = Soles.of(BODY).points(performance.clip)[..., 1].min(1)
    assert np.percentile(lowest, [5, 95]) == pytest.approx([0.4, 0.4], abs=0.008)
    assert report.performers[0].before.penetration_mm > 25 and report.performers[0].after.penetration_mm < 1
    with World() as world:
        world.add_stage(Stage(props=(box, far)), [-1, 0, -1], [1, 1, 1])
        found = world.heights([[0, 0.5, 0], [0, 0.2, 0], [20, 0.5, 0], [20, 9, 0]])
    assert found == pytest.approx([0.4, 0.4, 0.0, 5.0], abs=1e-6)


def test_bodies_in_bullet_take_the_seconds_that_gain() -> None:
    jump = carried(retarget(mocap_data.load("pybullet:jump"))[0], BODY.rest_offsets)
    made, told = one(faults.plant(jump, "noise", 1)[0], dynamics=True)
    assert any(s.kept == "dynamics" for s in told.segments) and told.dynamics is not None
    assert told.wrench is not None and 0.0 < told.wrench.force < 0.3 and told.wrench.torque < 0.1
    assert told.after.phys_err_mm < 0.5 * told.before.phys_err_mm and told.after.jerk_m_s3 < told.before.jerk_m_s3
    assert made.frames == jump.frames and np.isfinite(made.rotations).all()


def test_importing_bullet_prints_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", "import physics.world"], capture_output=True, text=True, check=True)
    assert done.stdout == "" and done.stderr == ""


def test_what_was_performed_with_weight_is_not_performed_again() -> None:
    jump = carried(retarget(mocap_data.load("pybullet:jump"))[0], BODY.rest_offsets)
    bad, _ = faults.plant(jump, "noise", 1)
    once, told = refine([Performance("ada", bad, BODY)], dynamics=True)
    assert "dynamics" in [s.kept for s in told.performers[0].segments]
    (again,), told = refine(once, dynamics=True)
    assert np.abs(again.clip.positions() - once[0].clip.positions()).max() < 1e-3
    assert any("before" in note for note in told.performers[0].notes), told.performers[0].notes
