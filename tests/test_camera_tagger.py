"""The motion tagger: cameras that are known by formula, every move of the vocabulary, and the caption metric's laws."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from camera_people import capture, shot, stander, walker

from motion import rotations as rot
from motion.camera import CameraPath
from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Stage
from rl_camera import direct, framing, tagger
from rl_camera.tagger import ASKED, RATE, TRAVEL, TURNING, agreement, body_rates, tag
from rl_camera.vocabulary import MOVES

WIDE = 16 / 9


def going(velocity: tuple[float, float, float], seconds: float = 4.0, fps: int = 30, yaw: float = 0.7,
          turn: Array | None = None, cuts: tuple[int, ...] = ()) -> CameraPath:  # fmt: skip
    """A camera that travels at a constant velocity in its own frame (right, up, back), m/s, and turns at rad/s."""
    frames = round(seconds * fps)
    step = np.eye(4)
    step[:3, :3] = rot.to_matrix(rot.from_rotvec(np.zeros(3) if turn is None else turn / fps))
    step[:3, 3] = np.array(velocity) / fps
    T = [framing.pose(np.array([1.0, 1.5, -2.0]), yaw, -0.2)]
    for _ in range(frames - 1):
        T.append(T[-1] @ step)
    mask = np.zeros(frames, dtype=bool)
    mask[list(cuts)] = True
    return CameraPath(np.array(T), 35.0, Fraction(fps), cuts=mask)  # type: ignore[arg-type]


def test_there_are_27_classes_of_each_kind() -> None:
    for names in (TRAVEL, TURNING):
        assert len(names) == len(set(names)) == 27 and names[0] == "static"
        assert Counter(name.count("+") + (name != "static") for name in names) == {0: 1, 1: 6, 2: 12, 3: 8}


@pytest.mark.parametrize("name", TRAVEL)
def test_every_class_of_travel_is_told(name: str) -> None:
    velocity = np.zeros(3)
    for axis, pair in enumerate(tagger.WAYS):
        for sign, way in zip((-0.3, 0.3), pair, strict=True):
            velocity[axis] += sign * (way in name.split("+"))
    for fps in (12, 25, 30, 60):
        (segment,) = tag(going(tuple(velocity), fps=fps)).segments
        assert segment.tag == name and segment.end_s - segment.start_s == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize("name", TURNING)
def test_every_class_of_turning_is_told(name: str) -> None:
    turn = np.zeros(3)
    for axis, pair in enumerate(tagger.TURNS):
        for sign, way in zip((-0.1, 0.1), pair, strict=True):
            turn[axis] += sign * (way in name.split("+"))
    tags = tag(going((0.0, 0.0, 0.0), turn=turn))
    assert [s.tag for s in tags.turns] == [name] and [s.tag for s in tags.segments] == ["static"]


def test_rates_are_the_cameras_own() -> None:
    velocity, turn = np.array([0.3, -0.2, 0.5]), np.array([0.05, -0.2, 0.1])
    path = going(tuple(velocity), turn=turn)
    v, w = body_rates(path.T_world_camera, 30)
    np.testing.assert_allclose(v, np.tile(velocity, (path.frames, 1)), atol=1e-9)
    np.testing.assert_allclose(w, np.tile(turn, (path.frames, 1)), atol=1e-9)


@pytest.mark.parametrize(("velocity", "tags"), [
    ((0.019, 0.0, 0.0), ["static"]), ((0.021, 0.0, 0.0), ["truck_right"]),  # the threshold
    ((0.3, 0.0, -0.179), ["truck_right"]), ((0.3, 0.0, -0.181), ["truck_right+push_in"]),  # the gap
    ((0.3, 0.19, -0.1), ["truck_right+boom_top"]),
])  # fmt: skip
def test_thresholds(velocity: tuple[float, float, float], tags: list[str]) -> None:
    assert [s.tag for s in tag(going(velocity)).segments] == tags


def test_short_chunks_are_merged_and_long_ones_are_not() -> None:
    def parts(*lengths: float) -> list[str]:
        rows = [going((0, 0, -0.5) if k % 2 == 0 else (0.5, 0, 0), seconds=s, fps=25) for k, s in enumerate(lengths)]
        T = [rows[0].T_world_camera]
        for row in rows[1:]:
            T.append(T[-1][-1] @ np.linalg.inv(row.T_world_camera[0]) @ row.T_world_camera)
        path = CameraPath(np.concatenate(T), 35.0, Fraction(25))  # type: ignore[arg-type]
        return [s.tag for s in tag(path).segments]

    assert parts(3.0, 0.6, 3.0) == ["push_in"]
    assert parts(3.0, 3.0, 3.0) == ["push_in", "truck_right", "push_in"]
    assert parts(0.4) == ["push_in"]  # nothing to merge with


def test_shots_are_tagged_each_by_itself() -> None:
    path = going((0.0, 0.0, -0.4), cuts=(0, 45, 46, 100))
    tags = tag(path)
    assert [s.shot for s in tags.segments] == [0, 1, 2, 3]
    assert [s.tag for s in tags.segments] == ["push_in", "static", "push_in", "push_in"]  # one frame cannot move
    np.testing.assert_allclose([s.start_s for s in tags.segments], np.array([0, 45, 46, 100]) / 30)
    jump = np.tile(np.eye(4), (60, 1, 1))
    jump[30:, 0, 3] = 5.0
    cut = CameraPath(jump, 35.0, Fraction(30), cuts=np.arange(60) == 30)  # type: ignore[arg-type]
    assert {s.tag for s in tag(cut).segments} == {"static"}


def test_the_frame_rate_does_not_matter() -> None:
    hero = walker(seconds=4.0, fps=120)
    asked = [shot(end_s=2.0, move="truck_left"), shot(start_s=2.0, end_s=4.0, move="follow", view="profile")]
    said = []
    for fps in (25, 50, 120):
        tags = tag(direct([hero], Stage(), asked, Fraction(fps), WIDE))
        said.append([(s.tag, s.shot) for s in tags.segments])
    assert said[0] == said[1] == said[2]


def test_a_world_turned_and_moved_gives_the_same_tags() -> None:
    asked = [shot(move=m, start_s=3.0 * k, end_s=3.0 * k + 3.0) for k, m in enumerate(MOVES)]
    path = direct([stander()], Stage(), asked, Fraction(30), WIDE)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rot.to_matrix(rot.yaw(2.0)), [300.0, 0.0, -40.0]
    one, two = tag(path), tag(replace(path, T_world_camera=T @ path.T_world_camera))
    np.testing.assert_array_equal(one.travel, two.travel)
    np.testing.assert_array_equal(one.turning, two.turning)


def test_a_mirrored_camera_does_the_mirrored_thing() -> None:
    path = direct([stander()], Stage(), [shot(move="arc_left", end_s=4.0)], Fraction(30), WIDE)
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirror = tag(replace(path, T_world_camera=flip @ path.T_world_camera @ flip))
    assert {s.tag for s in mirror.segments} == {"truck_right"} and {s.tag for s in mirror.turns} == {"pan_left"}


# what shots ask ------------------------------------------------------------------------------------------------


def test_every_move_has_its_classes() -> None:
    assert set(ASKED) == set(MOVES)
    for travel, turning in ASKED.values():
        assert travel in (*TRAVEL, None) and turning in (*TURNING, None)
    back = shot(move="orbit", options={"amount": -360.0})
    assert tagger.asked(back) == ("truck_left", "pan_right")
    assert tagger.asked(shot(move="dolly_zoom", options={"amount": -0.4})) == ("pull_out", None)
    assert tagger.asked(shot(move="static", options={"amount": -1.0})) == ("static", "static")


#: A crane holds its subject from where it comes: its own "up" leans, so that half of its way counts as pulling out.
LEAST = {"crane_up": 0.6, "crane_down": 0.6, "pedestal_up": 0.85, "pedestal_down": 0.85}


@pytest.mark.parametrize("move", [m for m in MOVES if ASKED[m][0]])
def test_the_rule_director_does_what_its_shots_ask(move: str) -> None:
    asked = [shot(move=move, end_s=5.0, size="medium")]
    tags = tag(direct([stander()], Stage(), asked, Fraction(30), WIDE))
    assert agreement(tags, asked).f1 >= LEAST.get(move, 1.0)
    turned = agreement(tags, asked, turning=True)
    assert turned.ticks == 0 or turned.f1 >= (0.6 if move.startswith("tilt") else 1.0)


def test_a_camera_that_does_something_else_does_not_agree() -> None:
    hero = stander()
    path = direct([hero], Stage(), [shot(move="truck_left", end_s=4.0)], Fraction(30), WIDE)
    got = agreement(tag(path), [shot(move="push_in", end_s=4.0)])
    assert got.f1 == got.precision == got.recall == 0.0 and got.ticks == 100
    assert got.classes["truck_left"].ticks == 0 and got.classes["push_in"].recall == 0.0


def test_agreement_is_the_weighted_mean_that_scikit_learn_has() -> None:
    hero = capture("dance_b")
    moves = ("push_in", "static", "arc_left", "truck_right", "crane_up", "follow", "static")
    asked = [shot(move=m, start_s=2.0 * k, end_s=2.0 * k + 2.0, size="wide") for k, m in enumerate(moves)]
    tags = tag(direct([hero], Stage(), asked, Fraction(24), WIDE))
    wrong = [replace(s, move="push_in") if k == 3 else s for k, s in enumerate(asked)]
    got = agreement(tags, wrong)
    want, tagged = [], []
    for t, k in zip(tags.times, tags.travel, strict=True):
        said = next(ASKED[s.move][0] for s in reversed(wrong) if s.start_s - 1e-9 <= t < s.end_s - 1e-9)
        if said is not None:
            want.append(said)
            tagged.append(TRAVEL[k])
    total = Counter(want)
    recall = sum(sum(w == g == c for w, g in zip(want, tagged, strict=True)) for c in total) / len(want)
    assert got.recall == pytest.approx(recall) and got.ticks == len(want)
    precision = sum(
        n * sum(w == g == c for w, g in zip(want, tagged, strict=True)) / max(tagged.count(c), 1)
        for c, n in total.items()
    )
    assert got.precision == pytest.approx(precision / len(want))
    assert 0.0 < got.f1 < 1.0


def test_nothing_to_judge_and_nothing_to_tag() -> None:
    path = direct([walker()], Stage(), [shot(move="follow")], Fraction(30), WIDE)
    nothing = agreement(tag(path), [shot(move="follow")])
    assert nothing.ticks == 0 and np.isnan(nothing.f1) and agreement(tag(path), []).ticks == 0
    one = CameraPath(np.eye(4)[None], 35.0, Fraction(30))  # type: ignore[arg-type]
    assert [s.tag for s in tag(one).segments] == ["static"] and len(tag(one).times) == 1
    with pytest.raises(BadInput, match="thresholds 0 m/s"):
        tag(path, still_m_s=0.0)


def test_a_feature_films_worth_is_quick() -> None:
    import time

    path = going((0.0, 0.0, -0.4), seconds=600.0)
    begun = time.perf_counter()
    assert len(tag(path).times) == 600 * RATE
    assert time.perf_counter() - begun < 3.0
