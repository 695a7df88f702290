"""The rule director and `direct`: composition, moves, laws, obstacles, cuts, odd input."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from camera_people import Bones, capture, landmarks, moved, shot, stander, walker

import rl_camera
from motion import props
from motion import rotations as rot
from motion.camera import CameraPath, Shot
from motion.clip import Clip
from motion.errors import BadInput
from motion.kinematics import jerk
from motion.rotations import Array
from motion.stage import Performance, Prop, Stage
from rl_camera import direct, framing, vocabulary
from rl_camera.director import Action, CameraState, Observation, advance, rates, register, roll_out
from rl_camera.placement import LOWEST
from rl_camera.vocabulary import ANGLES, MOVES, POSITIONS, SIZES, VIEWS, usual_lens

WIDE = 16 / 9
FPS = Fraction(30)


def film(people: Sequence[Performance] | Performance, *shots: Shot, stage: Stage | None = None, fps: Fraction = FPS,
         aspect: float = WIDE) -> CameraPath:  # fmt: skip
    people = [people] if isinstance(people, Performance) else people
    return direct(people, stage or Stage(), shots, fps, aspect)


def level(path: CameraPath) -> None:
    assert np.abs(path.T_world_camera[:, 1, 0]).max() < 1e-9
    turn = path.T_world_camera[:, :3, :3]
    np.testing.assert_allclose(turn @ turn.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turn.shape), atol=1e-9)


def azimuth_of(path: CameraPath, people: Performance) -> Array:
    """Degrees of the camera about the pelvis, from +Z, positive to +X, without jumps."""
    tracks = framing.track([people], np.arange(path.frames) / float(path.fps))
    off = path.T_world_camera[:, :3, 3] - tracks.of("pelvis")[:, 0]
    return np.degrees(np.unwrap(np.arctan2(off[:, 0], off[:, 2])))


# composition ---------------------------------------------------------------------------------------------------


def test_each_size_shows_what_it_is_named_for() -> None:
    hero = stander()
    body = ("crown", "eyes", "chin", "neck", "left_shoulder", "pelvis", "left_knee", "left_ankle", "left_heel")
    heights = []
    for size in SIZES:
        xy, _ = landmarks(film(hero, shot(size=size, view="front")), hero, body, WIDE)
        y = dict(zip(body, xy[0, :, 1], strict=True))
        heights.append(y["crown"] - y["left_heel"])
        visible = {name for name, at in y.items() if abs(at) <= 1}
        assert {"eyes", "chin"} <= visible, size
        expected = {
            "extreme_wide": set(body), "wide": set(body), "full": set(body),
            "medium_full": {"crown", "pelvis", "left_knee"}, "medium": {"crown", "pelvis"},
            "medium_close_up": {"crown", "neck", "left_shoulder"}, "close_up": {"crown", "neck"},
            "extreme_close_up": set(),
        }[size]  # fmt: skip
        hidden = {
            "medium_full": {"left_heel"}, "medium": {"left_knee"}, "medium_close_up": {"pelvis"},
            "close_up": {"pelvis"}, "extreme_close_up": {"left_shoulder", "crown"},
        }.get(size, set())  # fmt: skip
        assert expected <= visible and not hidden & visible, (size, y)
        if size in ("full", "medium_full", "medium", "medium_close_up"):
            assert 0.04 < (1 - y["crown"]) / 2 < 0.12, size  # headroom about 8 %
    for far, near in itertools.pairwise(heights):
        assert near > 1.15 * far


@pytest.mark.parametrize("view", [v for v in VIEWS if v != "over_the_shoulder"])
def test_the_camera_stands_on_the_side_it_is_asked_for(view: str) -> None:
    hero = stander(heading=0.7)
    angle = azimuth_of(film(hero, shot(view=view)), hero)[0] - np.degrees(0.7)
    allowed = VIEWS[view].azimuths_deg
    assert min(abs((angle - a + 180) % 360 - 180) for a in allowed) < 3


@pytest.mark.parametrize("angle", list(ANGLES))
def test_angles(angle: str) -> None:
    hero = stander()
    path = film(hero, shot(angle=angle, size="medium"))
    eyes = framing.track([hero], [0.0]).of("eyes")[0, 0]
    _, pitch, roll = framing.angles_of(path.T_world_camera)
    height = path.T_world_camera[0, 1, 3] - eyes[1]
    if angle in ("eye_level", "dutch"):
        assert abs(height) < 0.02
    else:
        assert np.sign(height) == (1 if angle in ("high", "overhead") else -1)
    assert np.degrees(roll[0]) == pytest.approx(12.0 if angle == "dutch" else 0.0)
    if angle == "overhead":
        assert np.degrees(pitch[0]) < -70
    assert path.T_world_camera[:, 1, 3].min() >= LOWEST


@pytest.mark.parametrize("position", list(POSITIONS))
def test_positions_in_the_picture(position: str) -> None:
    hero = stander()
    xy, _ = landmarks(film(hero, shot(position=position, view="front")), hero, ("neck",), WIDE)
    wanted = POSITIONS[position].x
    x = xy[0, 0, 0]
    assert abs(x - (wanted or 0.0)) < 0.08 if position != "thirds" else abs(abs(x) - 1 / 3) < 0.05


@pytest.mark.parametrize("view", ["profile_left", "profile_right"])
@pytest.mark.parametrize("position", ["thirds", "auto"])
def test_look_room_is_on_the_side_that_is_looked_to(view: str, position: str) -> None:
    hero = walker()
    path = film(hero, shot(view=view, position=position))
    xy, _ = landmarks(path, hero, ("neck",), WIDE)
    right = path.T_world_camera[:, :3, 0]
    looks_right = right[:, 2] > 0  # the hero faces +Z
    assert ((xy[:, 0, 0] < -0.15) == looks_right).all() and ((xy[:, 0, 0] > 0.15) == ~looks_right).all()


def test_focus_lies_on_the_eyes() -> None:
    hero = walker()
    path = film(hero, shot(size="medium", f_stop=2.8), shot(start_s=2.0, end_s=3.0))
    _, depth = landmarks(path, hero, ("eyes",), WIDE)
    np.testing.assert_allclose(path.focus_m, depth[:, 0], atol=0.03)
    assert path.f_stop is not None and path.f_stop[0] == 2.8 and path.f_stop[-1] > 100
    assert film(hero, shot()).f_stop is None


def test_everyone_in_a_group_is_in_the_picture() -> None:
    people = [stander("a", (-1.5, 0.0)), walker("b", (0.5, -1.0)), stander("c", (2.0, 0.5), scale=1.15)]
    for size in ("full", "medium", "close_up"):
        path = film(people, shot(of=("a", "b", "c"), size=size))
        for person in people:
            xy, depth = landmarks(path, person, ("crown", "eyes", "chin"), WIDE)
            assert (np.abs(xy) < 1).all() and (depth > 0).all(), (size, person.name)


def test_two_who_face_each_other_are_seen_across_their_line() -> None:
    people = [stander("a", (-0.6, 0.0), np.pi / 2), stander("b", (0.6, 0.0), -np.pi / 2)]
    path = film(people, shot(of=("a", "b"), view="front", size="medium"))
    place = path.T_world_camera[0, :3, 3]
    assert abs(place[0]) < 0.3 and abs(place[2]) > 1.5


def test_over_the_shoulder_shows_both_and_keeps_the_line() -> None:
    people = [stander("a", (-0.7, 0.0), np.pi / 2), stander("b", (0.7, 0.0), -np.pi / 2)]
    one = shot(of=("a", "b"), view="over_the_shoulder", size="medium", end_s=1.0)
    path = film(people, one, replace(one, of=("b", "a"), start_s=1.0, end_s=2.0))
    sides = []
    for frame, (subject, other) in ((0, (0, 1)), (45, (1, 0))):
        at = path.T_world_camera[frame, :3, 3]
        assert np.sign(at[0]) == (1 if subject == 0 else -1) and abs(at[0]) > 0.7  # behind the other one
        xy, _ = landmarks(path, people[subject], ("eyes",), WIDE)
        near, depth = landmarks(path, people[other], ("left_shoulder", "right_shoulder"), WIDE)
        assert abs(xy[frame, 0, 0]) < 0.5 and (np.abs(near[frame, :, 0]) < 1.3).any() and (depth[frame] > 0).all()
        sides.append(np.sign(at[2]))
    assert sides[0] == sides[1]


def test_over_the_shoulder_from_a_side_that_was_asked_for() -> None:
    people = [stander("a", (-0.7, 0.0), np.pi / 2), stander("b", (0.7, 0.0), -np.pi / 2)]
    one = shot(of=("a", "b"), view="over_the_shoulder", size="medium", options={"azimuth_deg": 20.0})
    path = film(people, one)
    assert azimuth_of(path, people[0])[0] == pytest.approx(90.0 + 20.0, abs=5.0)
    assert path.T_world_camera[0, 0, 3] > 0.7  # behind the other one


@pytest.mark.parametrize("aspect", [0.5, 0.5625, 1.0, 2.39])
@pytest.mark.parametrize("size", ["full", "medium", "close_up"])
def test_any_shape_of_picture_holds_its_subject(aspect: float, size: str) -> None:
    hero = capture("dance_b")
    path = film(hero, shot(size=size, lens_mm=usual_lens(size)), aspect=aspect)
    xy, _ = landmarks(path, hero, SIZES[size].keeps if size != "full" else framing.LANDMARKS, aspect)
    assert (np.abs(xy) <= 1).all((1, 2)).mean() >= 0.99


# moving subjects -----------------------------------------------------------------------------------------------

CAPTURES = ("walk", "run", "jump", "dance_a", "dance_b", "spin", "kick", "punch", "cartwheel", "roll", "crawl",
            "getup_faceup", "getup_facedown", "backflip", "spinkick")  # fmt: skip


@pytest.mark.parametrize("name", CAPTURES)
def test_captures_stay_framed_and_the_camera_is_calm(name: str) -> None:
    hero = capture(name)
    for size, move in (("full", "static"), ("medium", "follow"), ("close_up", "static")):
        path = film(hero, shot(end_s=hero.clip.seconds, size=size, move=move, lens_mm=usual_lens(size)))
        keeps = SIZES[size].keeps
        xy, depth = landmarks(path, hero, framing.LANDMARKS if keeps == ("*",) else keeps, WIDE)
        assert ((np.abs(xy) <= 1).all((1, 2)) & (depth > 0).all(1)).mean() >= 0.99, (size, move)
        level(path)
        assert path.T_world_camera[:, 1, 3].min() >= LOWEST
        yaw, pitch, _ = framing.angles_of(path.T_world_camera)
        turning = np.degrees(np.abs(jerk(np.c_[np.unwrap(yaw), pitch], FPS))).max()
        # At a jerk of 8000 deg/s³ a head turns 20 degrees in 0.4 s: a quick hand, not a jitter.
        assert turning < (8000 if size == "close_up" else 3000), (size, turning)


def test_a_planned_camera_is_far_calmer_than_its_subject() -> None:
    hero = capture("walk")
    path = film(hero, shot(end_s=hero.clip.seconds, size="medium", move="follow"))
    tracks = framing.track([hero], np.arange(path.frames) / 30)
    rough = np.linalg.norm(jerk(tracks.of("neck")[:, 0], FPS), axis=1).max()
    smooth = np.linalg.norm(jerk(path.T_world_camera[:, :3, 3], FPS), axis=1).max()
    assert smooth < 0.02 * rough


def test_a_runner_crossing_stays_framed_and_the_pan_is_steady() -> None:
    runner = walker(speed=4.5, seconds=2.0, heading=np.pi / 2)
    tripod = shot(size="wide", view="profile", options={"ride": 0})
    path = film(runner, tripod)
    assert np.ptp(path.T_world_camera[:, :3, 3], axis=0).max() < 1e-9
    xy, _ = landmarks(path, runner, framing.LANDMARKS, WIDE)
    assert (np.abs(xy) <= 1).all()
    ride = film(runner, shot(size="full", view="profile", move="follow"))
    speed = np.linalg.norm(np.diff(ride.T_world_camera[:, :3, 3], axis=0), axis=1) * 30
    np.testing.assert_allclose(speed, 4.5, atol=0.15)


def test_the_dead_zone_holds_the_camera_still() -> None:
    hero = walker(speed=0.02)
    path = film(hero, shot(size="wide"))
    np.testing.assert_array_equal(
        path.T_world_camera, np.broadcast_to(path.T_world_camera[0], path.T_world_camera.shape)
    )
    strict = film(walker(speed=0.4), shot(size="wide", view="profile", options={"dead_zone": 0.0}))
    free = film(walker(speed=0.4), shot(size="wide", view="profile", options={"dead_zone": 0.4}))
    turned = [np.ptp(np.unwrap(framing.angles_of(p.T_world_camera)[0])) for p in (strict, free)]
    assert turned[0] > 0.03 and turned[1] == pytest.approx(0.0, abs=1e-9)


def test_a_subject_that_leaves_its_size_is_travelled_with() -> None:
    path = film(walker(speed=2.0), shot(size="medium", view="front"))
    assert np.linalg.norm(path.T_world_camera[-1, :3, 3] - path.T_world_camera[0, :3, 3]) > 3
    tripod = film(walker(speed=2.0), shot(size="medium", view="front", options={"ride": 0}))
    assert np.ptp(tripod.T_world_camera[:, :3, 3], axis=0).max() < 1e-9


def test_following_a_spin_does_not_spin_the_camera() -> None:
    path = film(stander(turn=3.0), shot(move="follow", view="front"))
    assert np.abs(np.diff(azimuth_of(path, stander()))).max() * 30 < 45


# moves ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("move", [m for m in MOVES if not m.startswith("whip")])  # a whip begins off the subject
def test_every_move_keeps_the_subjects_face_in_the_picture(move: str) -> None:
    hero = walker(speed=0.5)
    path = film(hero, shot(move=move, size="medium"))
    xy, depth = landmarks(path, hero, ("crown", "eyes", "chin"), WIDE)
    assert (np.abs(xy) <= 1.02).all() and (depth > 0).all()
    if move != "handheld":
        level(path)
    assert np.isfinite(path.T_world_camera).all() and (path.focal_mm > 0).all()


def test_moves_travel_as_far_as_they_say() -> None:
    hero = stander()
    end = Fraction(3000)  # so fine that the last frame is the end
    still = film(hero, shot(), fps=FPS)

    def ends(move: str, **options: float) -> tuple[Array, Array, CameraPath]:
        path = film(hero, shot(move=move, options=options, end_s=0.2), fps=end)
        return path.T_world_camera[0], path.T_world_camera[-1], path

    target = framing.track([hero], [0.0]).of("neck")[0, 0]
    a, b, _ = ends("push_in", amount=0.4)
    np.testing.assert_allclose(a, still.T_world_camera[0], atol=1e-6)
    assert np.linalg.norm(b[:3, 3] - target) < 0.68 * np.linalg.norm(a[:3, 3] - target)
    a, b, path = ends("truck_right", amount=1.5)
    np.testing.assert_allclose((b - a)[:3, 3], 1.5 * a[:3, 0], atol=1e-3)
    np.testing.assert_allclose(b[:3, :3], a[:3, :3], atol=1e-9)
    a, b, _ = ends("pedestal_up", amount=0.5)
    np.testing.assert_allclose((b - a)[:3, 3], [0, 0.5, 0], atol=1e-3)
    a, b, _ = ends("pan_left", amount=30.0)
    turned = framing.angles_of(b)[0] - framing.angles_of(a)[0]
    assert np.degrees(turned) == pytest.approx(30.0, abs=0.1) and np.allclose(a[:3, 3], b[:3, 3])
    a, b, _ = ends("crane_up", amount=2.0)
    assert (b - a)[1, 3] == pytest.approx(2.0, abs=1e-3)
    a, b, path = ends("zoom_in", amount=2.0)
    assert path.focal_mm[-1] / path.focal_mm[0] == pytest.approx(2.0, abs=1e-3)
    _, _, path = ends("orbit")
    assert np.ptp(np.radians(azimuth_of(path, hero))) == pytest.approx(2 * np.pi, abs=0.02)
    a, b, _ = ends("arc_right", amount=30.0)
    assert (b - a)[:3, 3] @ a[:3, 0] > 0.5  # to the camera's right


def test_a_dolly_zoom_keeps_the_size() -> None:
    hero = stander()
    path = film(hero, shot(move="dolly_zoom", size="medium", view="profile"))
    tracks = framing.track([hero], np.arange(path.frames) / 30)
    depth = -np.einsum(
        "ti,ti->t", tracks.of("spine3")[:, 0] - path.T_world_camera[:, :3, 3], path.T_world_camera[:, :3, 2]
    )
    size = path.focal_mm / depth
    assert path.focal_mm[-1] < 0.62 * path.focal_mm[0]
    assert np.ptp(size) / size[0] < 0.06


def test_handheld_sways_and_repeats() -> None:
    hero = stander()
    one, two = (film(hero, shot(move="handheld", options={"seed": s})) for s in (1, 2))
    again = film(hero, shot(move="handheld", options={"seed": 1}))
    np.testing.assert_array_equal(one.T_world_camera, again.T_world_camera)
    assert (one.T_world_camera != two.T_world_camera).any()
    yaw = framing.angles_of(one.T_world_camera)[0]
    assert 0.05 < np.degrees(np.ptp(yaw)) < 3


# laws ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "view"),
    [
        ("static", "front_three_quarter"),
        ("follow", "profile"),
        ("orbit", "back"),
        ("truck_left", "front"),
        ("crane_up", "front_three_quarter_right"),
    ],
)
def test_a_scene_turned_and_shifted_gives_the_camera_turned_and_shifted(move: str, view: str) -> None:
    hero = walker(speed=1.1, turn=0.4)
    asked = shot(move=move, view=view, position="auto")
    path = film(hero, asked)
    for yaw, by in ((1.1, (3.0, 0.0, -8.0)), (-2.5, (0.0, 0.0, 0.5)), (0.0, (40_000.0, 0.0, -25_000.0))):
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = rot.to_matrix(rot.yaw(yaw)), by
        other = film(moved(hero, yaw, by), asked)
        np.testing.assert_allclose(
            other.T_world_camera, T @ path.T_world_camera, atol=2e-6 if abs(by[0]) < 100 else 1e-4
        )
        np.testing.assert_allclose(other.focal_mm, path.focal_mm, rtol=1e-9)


def test_a_mirrored_scene_gives_the_mirrored_camera() -> None:
    from motion import edit

    hero = walker(speed=1.0, turn=0.5)
    flip = np.diag([-1.0, 1.0, 1.0])
    other = replace(hero, clip=edit.mirror(hero.clip))
    for view, opposite, move, back in (
        ("profile_left", "profile_right", "follow", "follow"),
        ("front_three_quarter_right", "front_three_quarter_left", "arc_left", "arc_right"),
    ):
        path = film(hero, shot(view=view, move=move, position="auto"))
        mirror = film(other, shot(view=opposite, move=back, position="auto"))
        np.testing.assert_allclose(mirror.T_world_camera[:, :3, 3], path.T_world_camera[:, :3, 3] @ flip, atol=1e-3)
        np.testing.assert_allclose(mirror.T_world_camera[:, :3, 2], path.T_world_camera[:, :3, 2] @ flip, atol=1e-3)


@pytest.mark.parametrize("options", [{}, {"live": 1.0}])
@pytest.mark.parametrize("move", ["static", "follow"])
def test_the_frame_rate_does_not_matter(options: dict[str, float], move: str) -> None:
    hero = walker(speed=1.2, seconds=2.0, fps=120)
    if options:
        hero = moved(hero)
    asked = shot(move=move, size="medium", options=options)
    fine = film(hero, asked, fps=Fraction(120))
    for fps in (24, 30, 60):
        path = film(hero, asked, fps=Fraction(fps))
        same = fine.T_world_camera[:: 120 // fps][: path.frames]
        far = np.linalg.norm(path.T_world_camera[:, :3, 3] - same[:, :3, 3], axis=1).max()
        turn = np.degrees(
            rot.angle_between(rot.from_matrix(path.T_world_camera[:, :3, :3]), rot.from_matrix(same[:, :3, :3]))
        )
        assert far < (0.06 if options else 0.03), (fps, far)
        assert turn.max() < (1.2 if options else 0.6), (fps, turn.max())


def test_the_same_film_twice_is_the_same_to_the_bit() -> None:
    people = [capture("dance_a", "a"), walker("b", (1.5, 0.0))]
    shots = [
        shot(of=("a", "b"), end_s=1.0),
        shot(of=("b",), start_s=1.0, move="handheld"),
        shot(of=("a",), start_s=2, end_s=3),
    ]
    one, two = film(people, *shots), film(people, *shots)
    np.testing.assert_array_equal(one.T_world_camera, two.T_world_camera)
    np.testing.assert_array_equal(one.focus_m, two.focus_m)


# the set -------------------------------------------------------------------------------------------------------


def standing(
    shape: str, at: tuple[float, float], size: tuple[float, float, float] | None = None, yaw: float = 0.0
) -> Prop:
    return Prop(f"{shape}{at}", shape, size or props.usual_size(shape), np.array([at[0], 0.0, at[1]]), rot.yaw(yaw))


def clear(path: CameraPath, stage: Stage, margin: float = 0.1) -> None:
    for prop in stage.props:
        T = props.pose(prop, [], 0.0)
        assert not props.contains(prop, T, path.T_world_camera[:, :3, 3], margin).any(), prop.name


@pytest.mark.parametrize("shape", ["wall", "pillar", "tree", "box", "steps", "lamp_post"])
def test_the_camera_looks_past_things(shape: str) -> None:
    hero = stander()
    stage = Stage(props=(standing(shape, (0.0, 2.0)),))
    path = film(hero, shot(view="front", size="medium", lens_mm=50.0), stage=stage)
    clear(path, stage)
    eyes = framing.track([hero], [0.0]).of("eyes")[0, 0]
    T = props.pose(stage.props[0], [], 0.0)
    assert not props.blocks(stage.props[0], T, path.T_world_camera[:, :3, 3], eyes).any()


@pytest.mark.parametrize("move", ["static", "follow", "orbit", "pull_out", "truck_left", "crane_up", "arc_right"])
def test_no_camera_stands_in_a_wall_of_a_small_room(move: str) -> None:
    walls = [standing("wall", (0.0, 2.2)), standing("wall", (0.0, -2.2)), standing("wall", (2.2, 0.0), yaw=np.pi / 2),
             standing("wall", (-2.2, 0.0), yaw=np.pi / 2)]  # fmt: skip
    stage = Stage(props=tuple(walls))
    path = film(walker(speed=0.3), shot(move=move, size="full", view="front"), stage=stage)
    clear(path, stage, margin=0.05)
    assert path.T_world_camera[:, 1, 3].min() >= LOWEST
    steps = np.linalg.norm(np.diff(path.T_world_camera[:, :3, 3], axis=0), axis=1)
    assert steps.max() < 0.5  # it does not jump about


def test_a_walk_through_a_colonnade() -> None:
    stage = Stage(props=tuple(standing("pillar", (2.0, 1.5 * k)) for k in range(5)))
    hero = walker(speed=1.5, seconds=3)
    path = film(hero, shot(move="follow", view="profile_left", end_s=3.0), stage=stage)
    clear(path, stage)
    xy, _ = landmarks(path, hero, ("eyes", "pelvis"), WIDE)
    assert (np.abs(xy) <= 1).all()


def test_people_in_the_way_are_looked_past() -> None:
    people = [stander("hero"), stander("other", (0.0, 1.2))]
    path = film(people, shot(view="front", size="medium"))
    assert abs(azimuth_of(path, people[0])[0]) > 8


@pytest.mark.parametrize("angle", ["low", "worm"])
@pytest.mark.parametrize("lens", [14.0, 200.0])
def test_the_camera_stays_above_the_ground(angle: str, lens: float) -> None:
    path = film(capture("crawl"), shot(angle=angle, size="full", lens_mm=lens))
    assert path.T_world_camera[:, 1, 3].min() >= LOWEST


# shots and cuts ------------------------------------------------------------------------------------------------


def test_cuts_fall_exactly_where_the_scene_asks() -> None:
    path = film(
        walker(), shot(end_s=0.5), shot(start_s=0.5, end_s=1.31, size="close_up"), shot(start_s=1.31, end_s=2.0)
    )
    assert path.frames == 60 and np.flatnonzero(path.cuts).tolist() == [0, 15, 40]  # 1.31 s is frame 39.3: frame 40
    assert [path.shot_of(k) for k in (0, 14, 15, 39, 40, 59)] == [0, 0, 1, 1, 2, 2]


def test_every_shot_begins_already_framed() -> None:
    hero = capture("dance_b")
    kinds = itertools.product(("full", "medium", "close_up"), ("front", "profile"))
    shots = [
        shot(start_s=0.4 * k, end_s=0.4 * k + 0.4, size=size, view=view, lens_mm=usual_lens(size))
        for k, (size, view) in enumerate(kinds)
    ]
    path = film(hero, *shots)
    for k in np.flatnonzero(path.cuts):
        xy, _ = landmarks(path, hero, ("eyes", "chin"), WIDE)
        assert (np.abs(xy[k]) < 0.9).all()


def test_a_shots_camera_does_not_depend_on_other_shots_of_other_people() -> None:
    people = [walker("a"), walker("b", (3.0, 0.0))]
    alone = film(people, shot(of=("b",), start_s=0.0, end_s=1.0))
    after = film(people, shot(of=("b",), end_s=1.0), shot(of=("a",), start_s=1.0))
    np.testing.assert_array_equal(alone.T_world_camera, after.T_world_camera[:30])


@pytest.mark.parametrize(
    ("shots", "frames", "cuts"),
    [
        ([(0, 1), (1.5, 2)], 60, [0, 45]),  # a gap: the shot before fills it
        ([(0.5, 1), (1, 2)], 60, [0, 30]),  # nothing at the start: the first shot reaches back
        ([(0, 2), (1, 1.5)], 60, [0, 30]),  # an overlap: the later one cuts, and stays
        ([(1, 2), (0, 1)], 60, [0, 30]),  # out of order
        ([(0, 1), (0, 1)], 30, [0]),  # both at once: the later in the list
        ([(0, 1), (1, 1.001), (1.001, 2)], 60, [0, 30, 31]),  # one frame
        ([(0, 1), (1.01, 1.02), (1.02, 2)], 60, [0, 31]),  # less than a frame: no trace
        ([(0, 0)], 1, [0]),  # no time at all: one frame
    ],
)
def test_gaps_and_overlaps(shots: list[tuple[float, float]], frames: int, cuts: list[int]) -> None:
    path = film(walker(), *(shot(start_s=a, end_s=b) for a, b in shots))
    assert path.frames == frames and np.flatnonzero(path.cuts).tolist() == cuts


def test_directors_share_a_film() -> None:
    hero = walker()
    names = ("rule", "static", "orbit", "follow")
    shots = [shot(start_s=0.5 * k, end_s=0.5 * k + 0.5, director=d) for k, d in enumerate(names)]
    path = film(hero, *shots)
    assert path.frames == 60 and np.flatnonzero(path.cuts).tolist() == [0, 15, 30, 45]
    assert np.ptp(path.T_world_camera[15:30], axis=0).max() == 0.0
    assert np.ptp(np.radians(azimuth_of(path, hero)[30:45])) > np.radians(8)


def test_the_thirty_degree_rule() -> None:
    hero = stander()
    path = film(hero, shot(end_s=1.0, view="front_three_quarter"), shot(start_s=1.0, view="front_three_quarter"))
    a = azimuth_of(path, hero)
    assert abs((a[0] - a[-1] + 180) % 360 - 180) >= 30


# live ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "share"), [("walk", 0.99), ("crawl", 0.99), ("getup_faceup", 0.97), ("dance_b", 0.9)])
def test_the_live_filter_keeps_captures_framed(name: str, share: float) -> None:
    hero = capture(name)
    path = film(hero, shot(end_s=hero.clip.seconds, size="medium", options={"live": 1}))
    xy, _ = landmarks(path, hero, SIZES["medium"].keeps, WIDE)
    assert (np.abs(xy) <= 1).all((1, 2)).mean() >= share
    level(path)
    yaw, pitch, _ = framing.angles_of(path.T_world_camera)
    assert np.degrees(np.abs(jerk(np.c_[np.unwrap(yaw), pitch], FPS))).max() < 6000


@pytest.mark.parametrize("name", ["rule", "static", "orbit", "follow"])
def test_directors_act_live(name: str) -> None:
    hero = walker(seconds=2)
    asked = [shot(end_s=1.0), shot(start_s=1.0, size="wide")]
    path = roll_out(rl_camera.find_director(name), [hero], Stage(), asked, FPS, WIDE)
    assert path.frames == 60 and np.flatnonzero(path.cuts).tolist() == [0, 30]
    xy, _ = landmarks(path, hero, ("eyes",), WIDE)
    assert (np.abs(xy[[0, 30]]) < 0.9).all()
    if name != "static":
        assert (np.abs(xy) < 1).mean() > 0.95


def test_rates_and_advance_are_inverse() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        states = [
            CameraState(framing.pose(rng.normal(size=3), rng.uniform(-3, 3), rng.uniform(-1, 1), rng.uniform(-1, 1)),
                        float(rng.uniform(20, 90)), 2.0) for _ in range(2)
        ]  # fmt: skip
        got = advance(states[0], rates(states[0], states[1], 1 / 24), 1 / 24)
        np.testing.assert_allclose(got.T_world_camera, states[1].T_world_camera, atol=1e-9)
        assert got.focal_mm == pytest.approx(states[1].focal_mm)


def test_a_director_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Still:
        def plan(self, performances, stage, shots, fps, aspect):  # type: ignore[no-untyped-def]
            return roll_out(self, performances, stage, shots, fps, aspect)

        def step(self, seen: Observation) -> Action:
            here = CameraState(framing.pose(np.array([0.0, 1.5, 5.0]), 0.0, 0.0), 28.0)
            return Action(np.zeros(3), np.zeros(3), cut=here if seen.begins else None)

    from rl_camera import director

    monkeypatch.setattr(director, "_REGISTRY", dict(director._REGISTRY))
    register("still", Still)
    path = film(walker(), shot(director="still", end_s=0.5))
    assert path.frames == 15 and (path.focal_mm == 28.0).all() and (path.T_world_camera[:, 2, 3] == 5.0).all()


# odd input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"of": ()}, "of nobody"),
        ({"of": ("hreo",)}, "unknown actor 'hreo'; did you mean 'hero'"),
        ({"size": "mediun"}, "unknown shot size 'mediun'; did you mean 'medium'"),
        ({"angle": "hihg"}, "unknown camera angle"),
        ({"view": "fornt"}, "unknown view"),
        ({"move": "pusch_in"}, "unknown camera move .*push_in"),
        ({"position": "lefft"}, "unknown position"),
        ({"director": "rull"}, "unknown director 'rull'; did you mean 'rule'"),
        ({"options": {"amuont": 1.0}}, "unknown camera option 'amuont'; did you mean 'amount'"),
        ({"options": {"amount": float("nan")}}, "option amount is nan, expected a number"),
        ({"options": {"amount": "far"}}, "option amount is 'far'"),
        ({"lens_mm": 0.0}, "a lens of 0 mm"),
        ({"lens_mm": float("inf")}, "a lens of inf mm"),
        ({"start_s": -1.0}, "starts at -1 s"),
        ({"end_s": float("nan")}, "ends at nan s"),
        ({"start_s": 2.0, "end_s": 1.0}, "before it starts"),
        ({"f_stop": 0.0}, "f-stop 0"),
    ],
)
def test_bad_shots_are_refused_in_one_line(change: dict, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        film(walker(), shot(**change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("fps", [0, -5, "x", 10**7])
def test_bad_rates_are_refused(fps: object) -> None:
    with pytest.raises(BadInput, match="frames per second"):
        direct([walker()], Stage(), [shot()], fps, WIDE)  # type: ignore[arg-type]


def test_other_bad_calls() -> None:
    with pytest.raises(BadInput, match="no shots"):
        direct([walker()], Stage(), [], FPS, WIDE)
    with pytest.raises(BadInput, match="times as wide as high"):
        film(walker(), shot(), aspect=0.0)
    with pytest.raises(BadInput, match="unknown actor"):
        direct([], Stage(), [shot()], FPS, WIDE)
    with pytest.raises(BadInput, match="frames, expected at most"):
        film(walker(), shot(end_s=9e6))


def points_at(where: tuple[float, float, float]) -> Performance:
    """A performer whose whole body is one point."""
    clip = Clip(np.tile(rot.IDENTITY, (3, 24, 1)), np.tile(where, (3, 1)), np.zeros((24, 3)), FPS)
    return Performance("hero", clip, Bones())


@pytest.mark.parametrize("move", ["static", "follow", "orbit", "dolly_zoom", "crane_down"])
@pytest.mark.parametrize("lens", [1.0, 2000.0])
@pytest.mark.parametrize(
    "hero",
    [points_at((0, 0, 0)), points_at((1, 50, 2)), stander(at=(8000.0, -9000.0)), stander(seconds=1 / 30),
     walker(speed=60.0), walker(scale=0.05), walker(scale=30.0)],
    ids=["a point", "a point high up", "kilometres away", "one frame", "very fast", "tiny", "giant"],
)  # fmt: skip
def test_nothing_makes_the_camera_lose_its_mind(hero: Performance, lens: float, move: str) -> None:
    for end in (1 / 30, 0.7):
        for options in ({}, {"live": 1.0}):
            path = film(hero, shot(end_s=end, lens_mm=lens, move=move, options=options, angle="low"))
            assert np.isfinite(path.T_world_camera).all() and np.isfinite(path.focal_mm).all()
            assert path.focus_m is not None and np.isfinite(path.focus_m).all() and (path.focus_m > 0).all()
            level(path)
            assert path.T_world_camera[:, 1, 3].min() >= LOWEST - 1e-9


def test_subjects_at_one_point() -> None:
    people = [stander("hero"), stander("b"), stander("c")]
    for view in VIEWS:
        path = film(people, shot(of=("hero", "b", "c"), view=view))
        assert np.isfinite(path.T_world_camera).all()


def test_words_in_any_spelling_give_the_same_film() -> None:
    hero = walker()
    one = film(hero, shot(size="MCU", move="dolly in", view="side", angle="bird's eye"))
    two = film(hero, shot(size="medium_close_up", move="push_in", view="profile", angle="overhead"))
    np.testing.assert_array_equal(one.T_world_camera, two.T_world_camera)
    assert vocabulary.find("shot size", "MCU") == "medium_close_up"


@pytest.mark.parametrize("gap", [1.0, 2.0, 3.0])
def test_a_push_in_on_a_group_ends_with_all_of_it_in_the_picture(gap: float) -> None:
    cast = [stander("a", at=(-gap / 2, 0.0)), stander("b", at=(gap / 2, 0.5))]
    asked = shot(start_s=0, end_s=3, of=("a", "b"), size="medium", move="push_in")
    path = direct(cast, Stage(), [asked], Fraction(24), 16 / 9)
    tracks = framing.track(cast, np.arange(path.frames) / 24)
    names = ("eyes", "neck", "left_shoulder", "right_shoulder")
    points = tracks.points[:, :, [framing.LANDMARK[n] for n in names]].reshape(path.frames, -1, 3)
    xy, depth = framing.project(path.T_world_camera, path.focal_mm, 16 / 9, points)
    assert (depth > 0).all() and (np.abs(xy) <= 1.0).all()


@pytest.mark.parametrize("gap", [1.0, 1.5, 3.0])
def test_over_the_shoulder_keeps_its_size_by_a_longer_lens(gap: float) -> None:
    cast = [stander("a"), stander("b", at=(0.0, gap))]
    asked = shot(of=("a", "b"), view="over_the_shoulder", size="medium_close_up", lens_mm=65.0, end_s=1.0)
    usual, given = (direct(cast, Stage(), [replace(asked, lens_mm=mm)], Fraction(24), 16 / 9) for mm in (65.0, 60.0))
    assert 65.0 <= usual.focal_mm[0] <= 130.0 and given.focal_mm[0] == pytest.approx(60.0)
    crown_to_chest = []
    for path in (usual, given):
        points = framing.track(cast, np.zeros(1)).points[:, 0, [framing.LANDMARK[n] for n in ("crown", "spine2")]]
        xy, _ = framing.project(path.T_world_camera[:1], path.focal_mm[:1], 16 / 9, points)
        crown_to_chest.append(float(xy[0, 0, 1] - xy[0, 1, 1]))
    assert crown_to_chest[0] > 1.3 * crown_to_chest[1] if gap > 1.2 else crown_to_chest[0] > 1.6
    if gap < 2.0:
        assert crown_to_chest[0] > 1.5  # alone, a medium close-up has 1.75
