"""`physics.support` and `physics.clear`: what the ground gives, and poses lifted out of it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from motion import rotations as rot
from motion.body import Body
from motion.skeleton import INDEX
from physics.clear import cleared, corners
from physics.ground import Ground
from physics.humanoid import Humanoid, build
from physics.support import FRICTION, Support, Touch


@lru_cache(maxsize=1)
def usual() -> tuple[Body, Humanoid]:
    body = Body.default()
    return body, build(body)


def standing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrices ``(L, 3, 3)``, joints ``(L, 3)`` and link rotations ``(1, L, 4)`` of the rest pose."""
    body, humanoid = usual()
    links = humanoid.to_links(np.tile(rot.IDENTITY, (1, 24, 1)))
    turn, place = humanoid.poses(links, body.rest_offsets[None, 0])
    return rot.to_matrix(turn[0]), place[0], links


def soles(*names: str) -> Touch:
    """Lower corners of the boxes of ankles."""
    _, humanoid = usual()
    owners, points = corners(humanoid, *(v[None] for v in (rot.from_matrix(standing()[0]), standing()[1])))
    mine = np.isin(owners, [humanoid.index(name) for name in names]) & (points[0, :, 1] < 0.03)
    return Touch(owners[mine], points[0, mine], np.tile([0.0, 1.0, 0.0], (mine.sum(), 1)))


def test_two_feet_carry_the_weight_and_nothing_is_left() -> None:
    body, humanoid = usual()
    turn, place, _ = standing()
    weight = humanoid.mass_kg * 9.81
    com = humanoid.centre_of_mass(standing()[2], body.rest_offsets[None, 0])[0]
    wanted = np.concatenate([[0, weight, 0], np.cross(com - place[0], [0, weight, 0])])
    touch = soles("left_ankle", "right_ankle")
    given, torques = Support(humanoid).give(wanted, touch, np.ones(len(touch.links)), turn, place)
    assert given == pytest.approx(wanted, abs=0.01 * weight)
    knees = torques[[humanoid.index(f"{side}_knee") - 1 for side in ("left", "right")]]
    assert np.abs(torques[humanoid.index("spine1") - 1 :]).max() < 1e-9  # arms and trunk feel nothing of the floor
    assert knees[0] * [1, -1, -1] == pytest.approx(knees[1], abs=0.05 * weight)


def test_a_floor_neither_pulls_nor_holds_beyond_friction() -> None:
    _, humanoid = usual()
    turn, place, _ = standing()
    touch = soles("left_ankle", "right_ankle")
    on = np.ones(len(touch.links))
    given, _ = Support(humanoid).give(np.array([0.0, -500.0, 0, 0, 0, 0]), touch, on, turn, place)
    assert np.abs(given[:3]).max() < 1.0
    given, _ = Support(humanoid).give(np.array([900.0, 300.0, 0, 0, 0, 0]), touch, on, turn, place)
    assert 0 < given[0] <= FRICTION * given[1] * 1.001


def test_a_foot_that_hardly_bears_gets_hardly_anything() -> None:
    _, humanoid = usual()
    turn, place, _ = standing()
    touch = soles("left_ankle", "right_ankle")
    bears = np.where(touch.links == humanoid.index("left_ankle"), 1.0, 0.001)
    middle = place[humanoid.index("left_ankle")] + [0, 0, 0.05]
    wanted = np.concatenate([[0, 600.0, 0], np.cross(middle - place[0], [0, 600.0, 0])])
    given, torques = Support(humanoid).give(wanted, touch, bears, turn, place)
    assert given[1] == pytest.approx(600, abs=15)
    left, right = (np.abs(torques[humanoid.index(f"{side}_hip") - 1]).max() for side in ("left", "right"))
    assert right < 0.1 * left


def test_poses_under_the_floor_are_lifted_by_their_limbs() -> None:
    body, humanoid = usual()
    pose = np.tile(rot.IDENTITY, (20, 24, 1))
    pose[:, INDEX["left_ankle"]] = rot.from_axis("X", 0.5)  # toes into the floor
    links, root = humanoid.to_links(pose), np.tile(body.rest_offsets[0], (20, 1))
    assert humanoid.lowest(links, root).min() < -0.05
    made, at = cleared(humanoid, links, root, Ground(), 30.0)
    assert humanoid.lowest(made, at).min() > -0.006
    assert np.abs(at - root).max() < 0.03
    turned = rot.angle_between(made, links)
    assert np.abs(turned[:, humanoid.index("neck")]).max() < 0.05
    stands = humanoid.to_links(np.tile(rot.IDENTITY, (20, 24, 1)))
    same, where = cleared(humanoid, stands, root + [0, 0.003, 0], Ground(), 30.0)
    assert same is stands and np.array_equal(where, root + [0, 0.003, 0])


def test_swinging_feet_are_lifted_clear_and_tables_are_no_floor() -> None:
    body, humanoid = usual()
    stands = humanoid.to_links(np.tile(rot.IDENTITY, (20, 24, 1)))
    root = np.tile(body.rest_offsets[0], (20, 1))
    slides = root + np.linspace(0, 1.5, 20)[:, None] * [0, 0, 1]
    made, at = cleared(humanoid, stands, slides, Ground(), 30.0)
    assert humanoid.lowest(made, at)[4:-4].min() > 0.008
    table = Ground(cast=lambda points: np.where(points[:, 1] > 0.4, 0.7, 0.0))  # over the knees
    same, _ = cleared(humanoid, stands, root + [0, 0.003, 0], table, 30.0)
    assert rot.angle_between(same, stands).max() < 0.15
