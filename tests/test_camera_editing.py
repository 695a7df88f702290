"""Terms of shots and cuts: what each says of plain cases, and what no case may change."""

from __future__ import annotations

import numpy as np
import pytest
from camera_people import moved, stander, walker

from motion.errors import BadInput
from motion.rotations import Array
from motion.stage import Performance
from rl_camera import cut_terms, editing, framing, shot_terms
from rl_camera.candidates import Candidate, cameras_of, judge, propose, quick_cameras
from rl_camera.editing import CUT_TERMS, SHOT_TERMS, EditingWeights, Rhythm
from rl_camera.framing import Tracks
from rl_camera.shot_terms import POINT, POINTS, Sight
from rl_camera.vocabulary import SIZES

WIDE = 16 / 9
ALL = np.ones(len(POINTS), dtype=bool)


def camera(at: tuple[float, float, float], to: tuple[float, float, float], x: float = 0.0, y: float = 0.0) -> Array:
    """A camera that puts a point at a place in the picture, 40 mm."""
    tan_x, tan_y = framing.tangents(40.0, WIDE)
    yaw, pitch = framing.aim(np.array(at), np.array(to), x, y, tan_x, tan_y)
    return framing.pose(np.array(at, float), yaw, pitch)


def look(people: list[Performance], *cameras: Array, blocked: object = None) -> tuple[Sight, Tracks]:
    tracks = framing.track(people, [0.0])
    points = shot_terms.points_of(tracks.points)
    T = np.stack(cameras)[None]
    return shot_terms.see(points, tracks.stature, T, np.full((1, len(cameras)), 40.0), WIDE, blocked), tracks  # type: ignore[arg-type]


def far(distance: float) -> Array:
    return camera((0.0, 1.5, distance), (0.0, 0.9, 0.0))


# shots -----------------------------------------------------------------------------------------------------------


def test_size_is_one_as_asked_and_the_same_too_near_as_too_far() -> None:
    sight, _ = look([stander()], far(4.0), far(8.0), far(2.0))
    own = sight.share[0, 0, 0]
    term = shot_terms.size(sight, [[True]], np.full(3, own))[0]
    assert term[0] == pytest.approx(1.0) and term[1] < 0.2 and term[2] < 0.2
    for factor in (1.5, 2.0):
        near, wide = shot_terms.size(sight, [[True]], [own * factor] * 3)[0, 0], None
        wide = shot_terms.size(sight, [[True]], [own / factor] * 3)[0, 0]
        assert near == pytest.approx(wide) == pytest.approx(np.exp(-0.5 * (np.log(factor) / 0.35) ** 2))


def test_the_frame_is_as_high_as_it_says() -> None:
    sight, tracks = look([stander()], camera((0.0, 1.4, 5.0), (0.0, 1.4, 0.0)))
    neck = tracks.of("neck")[0, 0, 2]
    tan_y = float(framing.tangents(40.0, WIDE)[1])
    assert sight.share[0, 0, 0] == pytest.approx(2 * tan_y * (5.0 - neck) / tracks.stature[0], rel=1e-6)


def test_composition_wants_headroom_look_room_and_the_whole_of_what_is_framed() -> None:
    hero, wanted = stander(heading=np.pi / 2), [[True]]  # looks to +X, the right of these pictures
    good = camera((0.0, 1.5, 5.0), (0.0, 0.9, 0.0), x=-0.3)
    sight, _ = look(
        [hero], good, camera((0.0, 1.5, 5.0), (0.0, 0.9, 0.0), x=0.6), camera((0.0, 1.5, 5.0), (0.0, 0.9, 0.0), y=-0.7),
        camera((0.0, 1.5, 5.0), (5.0, 0.9, 0.0)),
    )  # fmt: skip
    right, wrong_side, low, out = shot_terms.placed(sight, wanted, wanted, [ALL])[0]
    assert right > 0.9 and wrong_side < right - 0.15 and low < right - 0.15 and out == 0.0


def test_composition_minds_who_is_cut_by_the_edge() -> None:
    hero, other = stander(), stander("other", at=(1.95, 0.0))
    of = [[True, False]]
    cut = camera((0.0, 1.5, 4.0), (0.2, 0.9, 0.0))
    sight, _ = look([hero, other], cut)
    assert 0.1 < sight.inside[0, 0, 1].mean() < 0.9
    alone, _ = look([hero], cut)
    with_other = shot_terms.placed(sight, of, of, [ALL])[0, 0]
    assert with_other < shot_terms.placed(alone, [[True]], [[True]], [ALL])[0, 0] - 0.05
    assert shot_terms.placed(sight, of, [[True, True]], [ALL])[0, 0] > with_other  # an over-the-shoulder shot means it


def test_seen_counts_frame_things_and_bodies() -> None:
    hero = stander()
    wall = lambda a, b: (a[..., 2] - 2.0) * (b[..., 2] - 2.0) < 0  # a plane at z = 2
    of = [[True]]
    assert shot_terms.seen(look([hero], far(5.0))[0], of, [ALL])[0, 0] == 1.0
    assert shot_terms.seen(look([hero], far(5.0), blocked=wall)[0], of, [ALL])[0, 0] == 0.0
    assert shot_terms.seen(look([hero], camera((0, 1.5, 5.0), (9.0, 1, 0)))[0], of, [ALL])[0, 0] == 0.0
    behind = look([hero], camera((0.0, 1.5, -5.0), (0.0, 0.9, -9.0)))[0]
    assert shot_terms.seen(behind, of, [ALL])[0, 0] == 0.0
    pair = [hero, stander("other", at=(0.0, 2.5))]
    hidden = shot_terms.seen(look(pair, far(5.0))[0], [[True, False]], [ALL])[0, 0]
    beside = shot_terms.seen(look([hero, stander("other", at=(1.5, 2.5))], far(5.0))[0], [[True, False]], [ALL])[0, 0]
    assert hidden < 0.3 and beside == 1.0
    assert look(pair, far(5.0))[0].clear[0, 0, 1].all()


def test_a_face_is_read_from_the_front_and_from_near() -> None:
    def value(azimuth: float, distance: float) -> float:
        a = np.radians(azimuth)
        at = (distance * np.sin(a), 1.6, distance * np.cos(a))
        return float(shot_terms.face(look([stander()], camera(at, (0.0, 1.55, 0.0)))[0], [[True]])[0, 0])

    assert value(0, 1.2) == pytest.approx(1.0) == pytest.approx(value(40, 1.2), abs=0.02)
    assert 0.1 < value(90, 1.2) < 0.35 and value(180, 1.2) == 0.0
    values = [value(20, d) for d in (1.0, 3.0, 6.0, 12.0)]
    assert values == sorted(values, reverse=True) and values[-1] < 0.45


@pytest.mark.parametrize(("cosine", "read"), [(1.0, 1.0), (np.sqrt(0.5), 1.0), (-0.2, 0.0), (-1.0, 0.0)])
def test_facing(cosine: float, read: float) -> None:
    assert shot_terms.facing(cosine) == pytest.approx(read)


def test_the_face_is_where_the_body_looks() -> None:
    for heading in (0.0, 1.0, -2.5):
        points = shot_terms.points_of(framing.track([stander(heading=heading)], [0.0]).points)
        out = shot_terms.face_direction(points)[0, 0]
        np.testing.assert_allclose(out, [np.sin(heading), 0.0, np.cos(heading)], atol=0.05)


def test_a_picture_that_is_not_what_it_is_called_is_worth_nothing() -> None:
    hero, of = stander(), np.array([[True]])
    asked = look([hero], far(4.0))[0].share[0, 0, 0]

    def kept(people: list[Performance], of: np.ndarray, shows: np.ndarray, wanted: float, *cameras: Array) -> Array:
        sight, tracks = look(people, *cameras)
        seen = shot_terms.seen(sight, of, [ALL])
        return editing.kept(sight, of, shows, np.full(len(cameras), wanted), seen, tracks.stature)[0]

    # Somewhat off is the size that was asked for, a medium as a full figure is not; the same too near as too far.
    sizes = [kept([hero], of, of, asked * factor, far(4.0))[0] for factor in (1.0, 1.5, 2.0, 2.6)]
    assert sizes[:2] == [1.0, 1.0] and 0.4 < sizes[2] < 0.6 and sizes[3] == 0.0
    assert kept([hero], of, of, asked / 2.0, far(4.0))[0] == pytest.approx(sizes[2])
    # Hidden, out of the picture.
    one = np.array([[True, False]])
    assert kept([hero, stander("other", at=(0.0, 2.0))], one, one, asked, far(4.0))[0] < 0.6
    assert kept([hero], of, of, asked, camera((0, 1.5, 4.0), (9.0, 1, 0)))[0] == 0.0
    # Past a shoulder: its owner stands before the subject, not beside or behind it.
    both = np.array([[True, True]])
    places = {"before": (0.4, 1.4), "beside": (0.9, 0.0), "behind": (0.4, -1.4)}
    over = {k: kept([hero, stander("other", at=at)], one, both, asked, far(4.0))[0] for k, at in places.items()}
    assert over["before"] > 0.9 and over["beside"] == over["behind"] == 0.0


def test_who_is_far_off_is_not_offered_over_a_shoulder() -> None:
    for apart, offered in ((0.3, False), (1.6, True), (4.0, False)):
        two = framing.track([stander(), stander("other", at=(apart, 0.0), heading=np.pi)], np.arange(8) / 4)
        assert any(c.shoulder for c in propose(two)) == offered, apart


def test_who_moves_is_who_acts() -> None:
    tracks = framing.track([walker(), stander("still", at=(2.0, 0.0))], np.arange(20) / 10)
    points = shot_terms.points_of(tracks.points)
    who, what = shot_terms.activity(np.gradient(points, 0.1, axis=0), tracks.stature)
    np.testing.assert_allclose(who.sum(-1), 1.0)
    np.testing.assert_allclose(what.sum(-1), 1.0)
    assert (who[:, 0] > who[:, 1]).all() and who[:, 0].mean() > 0.65
    assert what[:, 1, POINT["eyes"]].mean() > 2 * what[:, 1, POINT["left_toe"]].mean()  # at rest the face speaks


def test_action_is_on_who_acts_and_large_enough() -> None:
    sight, _ = look(
        [stander(), stander("b", at=(6.0, 0.0))], far(4.0), camera((6.0, 1.5, 4.0), (6.0, 0.9, 0.0)), far(40.0),
        camera((3.0, 1.5, 9.0), (3.0, 0.9, 0.0)),
    )  # fmt: skip
    who, what = np.array([[0.8, 0.2]]), np.full((1, 2, len(POINTS)), 1 / len(POINTS))
    on_actor, on_other, far_off, both = shot_terms.action(sight, who, what)[0]
    assert on_actor > on_other + 0.4 and far_off < 0.5 * on_actor and both > on_other
    assert on_actor == pytest.approx(0.5 + 0.5 * 0.8, abs=1e-6)


def test_over_a_shoulder_there_is_a_shoulder() -> None:
    of, shows = np.array([[True, False]]), np.array([[True, True]])

    def value(other: Performance, at: tuple[float, float, float]) -> float:
        sight, tracks = look([stander(), other], camera(at, (0.0, 1.5, 0.0)))
        points = shot_terms.points_of(tracks.points)
        return float(shot_terms.over_shoulder(sight, points, tracks.stature, of, shows)[0, 0])

    near = stander("b", at=(0.0, 1.2), heading=np.pi)
    assert value(near, (0.45, 1.6, 2.0)) == 1.0
    assert value(near, (0.0, 1.6, 2.0)) == 0.0  # right behind the head: it covers the other
    assert value(stander("b", at=(0.0, 6.0)), (0.45, 1.6, 6.8)) == 0.0  # far apart: no pair
    sight, tracks = look([stander()], far(3.0))
    points = shot_terms.points_of(tracks.points)
    assert shot_terms.over_shoulder(sight, points, tracks.stature, [[True]], [[True]])[0, 0] == 1.0


# cuts ------------------------------------------------------------------------------------------------------------


def around(degrees: float, distance: float = 4.0) -> Array:
    a = np.radians(degrees)
    return camera((distance * np.sin(a), 1.5, distance * np.cos(a)), (0.0, 1.0, 0.0))


def test_the_thirty_degree_rule() -> None:
    sight, _ = look([stander()], around(0), around(20), around(35), around(60), around(10, 8.0))
    jump = cut_terms.jump_cut(sight)[0]
    np.testing.assert_allclose(jump, jump.T)
    assert jump[0, 1] == 1.0 and 0.0 < jump[0, 2] < 1.0 and jump[0, 3] == 0.0 and jump[0, 4] == 0.0
    stale = cut_terms.stale(sight)[0]
    assert stale[0, 3] == 1.0 and stale[0, 4] == 0.0
    two = [stander(), stander("b", at=(6.0, 0.0))]
    there = camera((6.0, 1.5, 4.0), (6.0, 1.0, 0.0))
    both, nearly = camera((3.0, 1.5, 8.0), (3.0, 1.0, 0.0)), camera((3.8, 1.5, 8.0), (3.2, 1.0, 0.0))
    pair, _ = look(two, around(0), there, both, nearly)
    jump = cut_terms.jump_cut(pair)[0]
    assert jump[0, 1] == 0.0 and jump[0, 2] == 0.0  # another one; a cut-in from both to one
    assert jump[2, 3] > 0.9  # the same two again, whomever the shots are of


def test_the_line_of_action() -> None:
    pair = [stander(at=(-1.0, 0.0), heading=np.pi / 2), stander("b", at=(1.0, 0.0), heading=-np.pi / 2)]
    cameras = [around(0), around(50), around(180), around(90.0)]
    _, tracks = look(pair, *cameras)
    side = cut_terms.sides(shot_terms.points_of(tracks.points), np.stack(cameras)[None])
    assert side.shape == (1, 4, 1) and side[0, 0, 0] * side[0, 2, 0] < 0 and abs(side[0, 3, 0]) < 1e-6
    both, one = [True, True], [True, False]
    over = cut_terms.crosses_line(side, [both] * 4)[0]
    assert over[0, 1] == 0.0 and over[0, 2] == over[2, 0] == 1.0 and over[0, 3] < 1e-9  # on the line is neutral
    assert (
        cut_terms.crosses_line(side, [one, one, [False, True], both])[0, 0, 2] == 1.0
    )  # from one of them to the other
    assert cut_terms.crosses_line(side, [one] * 4)[0, 0, 2] == 0.0  # one alone has no line
    assert cut_terms.crosses_line(np.zeros((1, 2, 0)), [[True]] * 2).tolist() == [[[0, 0], [0, 0]]]


def test_who_goes_to_the_right_goes_on_to_the_right() -> None:
    ways, T = np.array([[[1.2, 0.0, 0.0]]]), np.stack([around(0), around(40), around(180)])[None]
    turn = cut_terms.turns_motion(ways, T, [[True]] * 3)[0]
    assert turn[0, 1] == 0.0 and turn[0, 2] == pytest.approx(1.0)
    assert cut_terms.turns_motion(0.05 * ways, T, [[True]] * 3)[0, 0, 2] < 0.15  # who hardly moves has no direction


def test_looks_and_eyes_go_on_where_they_were() -> None:
    hero = stander(heading=np.pi / 2)
    near = camera((0.0, 1.5, 4.0), (0.0, 1.5, 0.0), x=-0.5)
    sight, _ = look([hero], around(0), near, around(180))
    gaze = cut_terms.turns_gaze(sight, [[True]] * 3)[0]
    assert gaze[0, 1] == 0.0 and gaze[0, 2] > 0.9
    eyes = cut_terms.eyes_jump(sight, [[True]] * 3)[0]
    np.testing.assert_allclose(np.diag(eyes), 0.0)
    np.testing.assert_allclose(eyes, eyes.T)
    assert 0.35 < eyes[0, 1] < 0.75


# all together ----------------------------------------------------------------------------------------------------


def company() -> list[Performance]:
    return [walker(seconds=4), stander("b", at=(1.5, 1.0), heading=2.0, seconds=4), walker("c", at=(-2, 1), heading=1)]


def test_terms_lie_between_nought_and_one_and_each_moment_stands_alone() -> None:
    tracks = framing.track(company(), np.arange(17) / 4)
    cameras = quick_cameras(tracks, propose(tracks), WIDE)
    rng = np.random.default_rng(0)
    T = cameras.T_world_camera.copy()
    wild = framing.pose(
        rng.normal(0, 3, T.shape[:2] + (3,)), rng.uniform(-3, 3, T.shape[:2]), rng.uniform(-1, 1, T.shape[:2])
    )
    for poses in (T, wild):
        whole = judge(cameras_of(cameras.candidates, tracks.names, poses, cameras.focal_mm), tracks, WIDE)
        K = len(cameras.candidates)
        assert whole.shot.shape == (17, K, len(SHOT_TERMS)) and whole.cut.shape == (17, K, K, len(CUT_TERMS))
        for terms in (whole.shot, whole.cut):
            assert np.isfinite(terms).all() and terms.min() >= 0.0 and terms.max() <= 1.0 + 1e-9
        points = shot_terms.points_of(tracks.points)
        one = shot_terms.see(points[5], tracks.stature, poses[5], cameras.focal_mm[5], WIDE)
        shot = editing.shot(
            one, cameras.of, cameras.shows, cameras.keeps, cameras.asked, points[5], whole.velocity[5], tracks.stature
        )
        np.testing.assert_allclose(shot, whole.shot[5], atol=1e-12)
        cut = editing.cut(one, cameras.of, cameras.shows, points[5], whole.velocity[5], poses[5])
        np.testing.assert_allclose(cut, whole.cut[5], atol=1e-12)


def test_where_in_the_world_a_scene_is_changes_nothing() -> None:
    here = company()
    there = [moved(p, yaw=1.3, by=(40.0, 0.0, -25.0)) for p in here]
    terms = []
    for people in (here, there):
        tracks = framing.track(people, np.arange(9) / 4)
        judged = judge(quick_cameras(tracks, propose(tracks), WIDE), tracks, WIDE)
        terms.append((judged.shot, judged.cut))
    for a, b in zip(*terms, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_quick_cameras_frame_what_is_asked() -> None:
    tracks = framing.track([walker(seconds=4)], np.arange(33) / 8)
    sizes = [s for s in SIZES if s not in ("extreme_wide", "extreme_close_up")]
    cameras = quick_cameras(tracks, [Candidate(("hero",), str(s), 0.5) for s in sizes], WIDE)
    shot = judge(cameras, tracks, WIDE).shot[2:-2].mean(0)
    assert shot[:, SHOT_TERMS.index("size")].min() > 0.8 and shot[:, SHOT_TERMS.index("seen")].min() > 0.9
    assert shot[:, SHOT_TERMS.index("placed")].min() > 0.8


# rhythm, weights ---------------------------------------------------------------------------------------------------


def test_rhythm_is_the_log_normal_law_of_its_mean() -> None:
    law = Rhythm(5.0, 0.6)
    rng = np.random.default_rng(0)
    drawn = rng.lognormal(np.log(law.median_s), law.spread, 400_000)
    assert drawn.mean() == pytest.approx(5.0, rel=0.01)
    assert law.penalty(law.median_s) == pytest.approx(0.0)
    short = law.median_s * np.exp(-2 * law.spread)
    assert law.penalty(short) == pytest.approx(2.0)  # two standard deviations short
    lengths = law.median_s * np.array([1.0, 1.5, 2.0, 4.0, 8.0])
    assert (np.diff(law.penalty(lengths)) > 0).all()
    per_second = law.penalty(lengths[1:]) / lengths[1:]
    assert (np.diff(per_second) > 0).all()  # an endless shot pays ever more for each of its seconds
    np.testing.assert_array_equal(law.overdue(lengths), law.penalty(lengths))
    assert law.overdue(0.5 * law.median_s) == 0.0 and np.isfinite(law.penalty(0.0))


def test_cuts_on_beats() -> None:
    beats = [1.0, 2.0, 3.0]
    off = editing.off_beat([1.0, 1.03, 1.5, 3.0, 9.0, 0.0], beats)
    assert off[0] == off[3] == 0.0 and 0 < off[1] < 0.2 and off[2] > 0.99 and off[4] > 0.99 and off[5] > 0.99
    np.testing.assert_array_equal(editing.off_beat([0.0, 5.0], []), 0.0)


def test_the_usual_weights_make_one_second_of_a_perfect_picture_one() -> None:
    weights = EditingWeights()
    assert weights.of(SHOT_TERMS).sum() == pytest.approx(1.0)
    assert editing.quality(np.ones((3, 5)), weights) == pytest.approx(np.ones(3))
    assert (editing.transition(np.random.default_rng(0).random((4, 4, len(CUT_TERMS))), weights) <= 0).all()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: EditingWeights(face=-1.0), "face is -1.0, expected a number, 0 or more"),
        (lambda: EditingWeights(jump=float("nan")), "jump is nan"),
        (lambda: Rhythm(mean_s=0.0), "mean_s is 0.0, expected more than 0"),
        (lambda: Rhythm(mean_s=0.5), "a mean of 0.5 s, expected from the shortest shot's 1 s"),
        (lambda: editing.style_of("livley"), "unknown editing style 'livley'; did you mean 'lively'"),
        (lambda: propose(framing.track([walker()], [0.0]), 0), "cameras: 0 of 1 performers"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("style", list(editing.STYLES))
def test_styles_can_be_found(style: str) -> None:
    assert editing.style_of(style) is editing.STYLES[style] is editing.style_of(editing.STYLES[style])
