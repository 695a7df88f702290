"""Where props are: held, let go, falling, lying; any time in any order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from camera_people import capture, stander, walker

from motion import props, skeleton
from motion import rotations as rot
from motion.errors import BadInput
from motion.props.held import FRICTION, GRAVITY, GRIP_S
from motion.stage import Attachment, Performance, Prop


def ball(*holds: Attachment, at: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Prop:
    return Prop("ball", "ball", (0.24, 0.24, 0.24), np.array(at), attachments=holds)


def joint(performance: Performance, name: str, time: float) -> np.ndarray:
    clip = performance.clip
    rotations, root = performance.at(time)
    return replace(clip, rotations=rotations[None], root_position=root[None]).positions()[0, skeleton.INDEX[name]]


def test_a_prop_stays_at_its_place() -> None:
    prop = Prop("bench", "bench", (1.6, 0.85, 0.62), np.array([1.0, 0.5, -2.0]), rot.yaw(0.3))
    motion = props.PropMotion(prop, [stander()])
    assert not motion.moves
    for time in (-5.0, 0.0, 1e6):
        T = motion.at(time)
        np.testing.assert_allclose(T[:3, 3], [1.0, 0.5, -2.0])
        np.testing.assert_allclose(T[:3, :3], rot.to_matrix(rot.yaw(0.3)), atol=1e-12)


def test_a_held_prop_keeps_its_place_in_the_hand() -> None:
    hero = walker(seconds=3)
    prop = ball(Attachment("hero", "right_hand"))
    motion = props.PropMotion(prop, [hero])
    away = [np.linalg.norm(motion.at(t)[:3, 3] + [0, 0.12, 0] - joint(hero, "right_hand", t)) for t in (0.0, 0.7, 2.4)]
    np.testing.assert_allclose(away, away[0], atol=0.03)
    assert 0.08 < away[0] < 0.2  # its surface in the palm, not its middle


@pytest.mark.parametrize("turn", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_stick_lies_across_the_palm(side: str, turn: float) -> None:
    hero = walker(seconds=3)
    lying = rot.from_axis("X", turn)
    stick = Prop(
        "stick", "cylinder", (0.04, 1.2, 0.04), rotation=lying, attachments=(Attachment("hero", f"{side}_hand"),)
    )
    motion = props.PropMotion(stick, [hero])
    for time in (0.0, 1.3):
        T, hand = motion.at(time), joint(hero, f"{side}_hand", time)
        middle = T[:3, 3] + 0.6 * T[:3, 1]
        assert np.linalg.norm(middle - hand) < 0.05
        arm = hand - joint(hero, f"{side}_wrist", time)
        assert abs(T[:3, 1] @ arm) < 0.25 * np.linalg.norm(arm)


def test_a_plate_on_edge_touches_the_palm_with_its_edge() -> None:
    hero = stander()
    plate = Prop("plate", "box", (0.3, 0.02, 0.2), attachments=(Attachment("hero", "right_hand"),))
    for rotation in (rot.IDENTITY, rot.from_axis("X", 0.6), rot.from_axis("Z", 1.57)):
        held = props.PropMotion(replace(plate, rotation=rotation), [hero]).at(0.0)
        corners = props.mesh(plate).vertices @ held[:3, :3].T + held[:3, 3]
        gap = np.linalg.norm(corners - joint(hero, "right_hand", 0.0), axis=1).min()
        assert gap < 0.2, "within reach of the hand, whatever way up"


def test_an_offset_and_a_rotation_are_taken_to_the_letter() -> None:
    hero = walker(seconds=3, turn=0.5)
    turn = rot.from_rotvec([0.3, -0.2, 0.9])
    prop = Prop("sword", "box", (0.05, 1.0, 0.02), attachments=(
        Attachment("hero", "left_wrist", 0.0, None, np.array([0.1, 0.2, 0.3]), turn),))  # fmt: skip
    for time in (0.0, 0.35, 2.0):
        rotations, root = hero.at(time)
        clip = replace(hero.clip, rotations=rotations[None], root_position=root[None])
        world, places = (a[0, skeleton.INDEX["left_wrist"]] for a in clip.world())
        T = props.pose(prop, [hero], time)
        np.testing.assert_allclose(T[:3, 3], places + rot.rotate(world, [0.1, 0.2, 0.3]), atol=1e-9)
        np.testing.assert_allclose(T[:3, :3], rot.to_matrix(rot.multiply(world, turn)), atol=1e-9)


def test_taking_hold_keeps_the_rotation_and_does_not_jump() -> None:
    hero = walker(seconds=4)
    prop = replace(ball(Attachment("hero", "right_hand", 1.0, 3.0), at=(0.3, 0.0, 1.5)), rotation=rot.yaw(1.0))
    motion = props.PropMotion(prop, [hero])
    np.testing.assert_allclose(motion.at(1.0), motion.at(0.2), atol=1e-9)
    times = np.arange(0.9, 1.3, 1 / 480)
    places = np.array([motion.at(t)[:3, 3] for t in times])
    assert (
        np.linalg.norm(np.diff(places, axis=0), axis=1).max()
        < 1.6 * np.linalg.norm(places[-1] - places[0]) / 480 / GRIP_S
    )
    before = motion.at(0.0)[:3, :3]
    np.testing.assert_allclose(motion.at(1.0)[:3, :3], before, atol=1e-9)


@pytest.mark.parametrize("shape", ["ball", "box", "bench", "cone"])
def test_a_dropped_prop_falls_as_things_fall_and_lies(shape: str) -> None:
    hero = stander(seconds=2)
    size = (0.24, 0.24, 0.24) if shape == "ball" else (0.3, 0.5, 0.2)
    tilted = rot.from_rotvec([0.5, 0.2, 0.4])
    prop = Prop("p", shape, size, attachments=(Attachment("hero", "right_hand", 0.0, 0.5, rotation=tilted),))
    motion = props.PropMotion(prop, [hero])
    low, high = props.bounds(prop)
    middle = np.append(0.5 * (low + high), 1.0)
    start = (motion.at(0.5) @ middle)[:3]
    for fall in (0.05, 0.1, 0.2):
        place = (motion.at(0.5 + fall) @ middle)[:3]
        np.testing.assert_allclose(place, start - [0, 0.5 * GRAVITY * fall**2, 0], atol=1e-6)
    vertices = np.c_[props.mesh(prop).vertices.astype(float), np.ones(len(props.mesh(prop).vertices))]
    lowest = np.array([(vertices @ motion.at(t).T)[:, 1].min() for t in np.arange(0.0, 3.0, 0.01)])
    assert lowest.min() > -2e-3
    assert abs(lowest[-1]) < 2e-3
    np.testing.assert_allclose(motion.at(2.0), motion.at(99.0), atol=1e-9)
    # Its nearest side is down: one of its axes is vertical.
    if shape != "ball":
        assert np.abs(motion.at(5.0)[1, :3]).max() > 1 - 1e-9


def test_a_throw_keeps_the_hands_velocity_and_slides_to_a_halt() -> None:
    hero = walker(seconds=4, speed=3.0)
    prop = ball(Attachment("hero", "right_hand", 0.0, 2.0))
    motion = props.PropMotion(prop, [hero])
    h = 1e-3
    speed = (motion.at(2.0 + h)[:3, 3] - motion.at(2.0)[:3, 3]) / h
    assert 1.5 < speed[2] < 5.0
    far = np.array([motion.at(t)[2, 3] for t in np.arange(2.0, 6.0, 0.02)])
    step = np.diff(far)
    assert (step >= -1e-9).all() and step[-1] == pytest.approx(0.0, abs=1e-9)
    assert np.abs(np.diff(step)).max() < 0.01  # no jolt on landing


def test_a_sliding_prop_loses_its_speed_to_friction() -> None:
    hero = walker(seconds=4, speed=3.0)
    motion = props.PropMotion(ball(Attachment("hero", "right_hand", 0.0, 2.0)), [hero])
    far = np.array([motion.at(t)[2, 3] for t in np.arange(2.0, 6.0, 0.02)])
    slowing = -np.diff(far, 2) / 0.02**2
    sliding = slowing[slowing > 0.5]
    assert len(sliding) > 10 and np.median(sliding) == pytest.approx(FRICTION * GRAVITY, rel=1e-3)


def test_motion_has_no_jumps_from_hand_to_ground() -> None:
    hero = capture("punch")
    prop = Prop("p", "crate", (0.3, 0.2, 0.25), attachments=(Attachment("hero", "left_hand", 0.0, 0.8),))
    motion = props.PropMotion(prop, [hero])
    T = np.array([motion.at(t) for t in np.arange(0.7, 3.0, 1 / 240)])
    assert np.abs(np.diff(T[:, :3, 3], axis=0)).max() < 0.05
    assert np.abs(np.diff(T[:, :3, :3], axis=0)).max() < 0.15


def test_a_prop_passes_from_hand_to_hand_to_ground() -> None:
    a, b = stander("a"), stander("b", at=(0.8, 0.0), heading=np.pi)
    prop = ball(Attachment("a", "right_hand", 0.0, 1.0), Attachment("b", "right_hand", 1.0, 2.0))
    motion = props.PropMotion(prop, [a, b])
    assert np.linalg.norm(motion.at(0.5)[:3, 3] - joint(a, "right_hand", 0.5)) < 0.3
    assert np.linalg.norm(motion.at(1.5)[:3, 3] - joint(b, "right_hand", 1.5)) < 0.3
    assert abs(motion.at(9.0)[1, 3]) < 1e-3


def test_any_time_in_any_order_says_the_same() -> None:
    hero = walker(seconds=3)
    prop = ball(Attachment("hero", "right_hand", 0.4, 1.1), Attachment("hero", "left_hand", 1.9, 2.4))
    times = np.linspace(-1, 5, 61)
    forwards = [props.PropMotion(prop, [hero]).at(t) for t in times]
    one = props.PropMotion(prop, [hero])
    backwards = [one.at(t) for t in times[::-1]][::-1]
    assert all((a == b).all() for a, b in zip(forwards, backwards, strict=True))


@pytest.mark.parametrize(
    ("hold", "says"),
    [
        (Attachment("hreo"), "unknown performer 'hreo'; did you mean 'hero'"),
        (Attachment("hero", "rigth_hand"), "unknown joint 'rigth_hand'; did you mean 'right_hand'"),
        (Attachment("hero", start_s=2.0, end_s=1.0), "expected to end later"),
        (Attachment("hero", start_s=float("nan")), "expected to end later"),
        (Attachment("hero", offset=np.zeros(2)), "expected 3 numbers"),
        (Attachment("hero", rotation=np.full(4, np.nan)), "expected 4 numbers"),
    ],
)
def test_bad_attachments_are_refused(hold: Attachment, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        props.pose(ball(hold), [stander()], 0.0)


def test_bad_places_are_refused() -> None:
    with pytest.raises(BadInput, match="position"):
        props.pose(Prop("p", position=np.array([0.0, np.nan, 0.0])), [], 0.0)
