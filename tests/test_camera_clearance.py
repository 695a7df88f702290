"""Live cameras and what is in their way: no jumps at walls, none through them, room for bodies and passers-by."""

from __future__ import annotations

import numpy as np
import pytest

from motion.stage import Prop, Stage
from rl_camera.clearance import Clearance, least_stretch, step_aside
from rl_camera.placement import Surroundings

WALL = Surroundings(Stage(props=(Prop("wall", "box", (5.0, 2.6, 0.2), position=np.array([0.0, 0.0, 3.0])),)), ())
DT = 1 / 24
NOBODY = np.zeros((0, 33, 3))


def orbit(seconds: np.ndarray) -> np.ndarray:
    """Round the origin at 4 m, 30 degrees a second: through the wall's place and out again."""
    angle = np.radians(30.0) * seconds - np.pi / 2 - 0.3
    return np.stack([4.0 * np.sin(angle), np.full(len(seconds), 1.4), 4.0 * np.cos(angle)], axis=-1)


def walked(seconds: float) -> np.ndarray:
    clear, anchor, places = Clearance(WALL), np.array([0.0, 1.4, 0.0]), []
    for k in range(int(seconds / DT)):
        now = k * DT
        clear.look(lambda s, now=now: orbit(now + s), anchor, np.zeros(3), anchor[None], 1.7, NOBODY, np.zeros((0, 3)))
        for _ in range(5):
            place = clear.settle(clear.walk(orbit(np.array([now]))[0], anchor, DT / 5))
        places.append(place)
    return np.array(places)


def test_a_camera_passes_a_wall_on_its_subjects_side_without_a_jump() -> None:
    asked, places = orbit(np.arange(0.0, 6.0, DT)), walked(6.0)
    assert WALL.blocked(asked, np.array([0.0, 1.4, 0.0])).mean() > 0.2  # left alone it films the wall
    assert not WALL.inside(places, 0.1).any()
    assert WALL.blocked(places, np.broadcast_to([0.0, 1.4, 0.0], places.shape)).mean() < 0.02
    speed = np.linalg.norm(np.diff(places, axis=0), axis=1) / DT
    assert speed.max() < 5.0
    jumped = WALL.push_out(asked)
    assert speed.max() < 0.5 * np.linalg.norm(np.diff(jumped, axis=0), axis=1).max() / DT


def test_pushed_out_on_the_side_where_it_was() -> None:
    deep = np.array([[0.0, 1.0, 3.1]])  # nearer to the wall's far side
    assert WALL.push_out(deep)[0, 2] > 3.0
    assert WALL.push_out(deep, before=np.array([[0.0, 1.0, 2.0]]))[0, 2] < 3.0


@pytest.mark.parametrize("reach", [0.2, 0.8, 1.5])
def test_a_body_that_comes_near_is_given_room(reach: float) -> None:
    way, hand = np.array([0.0, 0.0, 2.0]), np.array([[0.05, 0.0, reach]])
    stretch = least_stretch(way, hand, 1.7)
    apart = float(np.linalg.norm(max(stretch, 1.0) * way - hand))
    assert apart >= 0.35 * 1.7 - 1e-9
    assert (stretch == 1.0) == (reach < 2.0 - 0.35 * 1.7)


def test_the_camera_steps_off_a_passer_bys_way_and_not_back() -> None:
    passer = np.zeros((1, 33, 3)) + [0.1, 1.0, -1.0]
    ahead = np.array([[0.0, 0.0, 1.5]])
    camera, level = np.array([0.0, 1.4, 0.0]), np.zeros(3)
    step = step_aside(camera, passer, ahead, level)
    assert step[0] < -0.2 and abs(step[2]) < 1e-6 and step[1] == 0.0
    assert step_aside(camera, passer, ahead, np.array([0.4, 0.0, 0.0]))[0] > 0.2  # it was going right: on
    assert not step_aside(camera, passer, -ahead, level).any()  # walks away
    assert not step_aside(camera + [0.0, 3.0, 0.0], passer, ahead, level).any()  # high above
