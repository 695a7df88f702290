"""Soles lie under the feet of any body and go where its skin goes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import REST_OFFSETS, random_clip

import mocap_data
from motion import contacts, edit
from motion import rotations as rot
from motion.body import Body
from motion.clip import Clip
from motion.errors import BadInput
from motion.retarget import retarget
from physics.soles import Soles


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.default()


@pytest.fixture(scope="module")
def soles(body: Body) -> Soles:
    return Soles.of(body)


@pytest.fixture(scope="module")
def walk(body: Body) -> Clip:
    return retarget(mocap_data.load("pybullet:humanoid3d_walk"), body.rest_offsets)[0]


def t_pose(rest_offsets: np.ndarray, frames: int = 1) -> Clip:
    root = np.repeat(rest_offsets[:1], frames, axis=0)
    return Clip(np.tile(rot.IDENTITY, (frames, 24, 1)), root, rest_offsets, 30)


@pytest.mark.parametrize(
    "words", [{}, {"outfit": "dancer", "age": "child", "height_m": 1.0}, {"build": "heavy", "height_m": 2.0}]
)
def test_soles_of_a_body_stand_on_the_floor(words: dict) -> None:
    body = Body.default(**words)
    soles = Soles.of(body)
    points = soles.points(t_pose(body.rest_offsets))[0]
    assert np.allclose(points, soles.rest, atol=1e-9)
    for side in (0, 1):
        foot = points[soles.side == side]
        assert abs(foot[:, 1].min()) < 0.002 and foot[:, 1].max() < 0.016
        assert 16 <= len(foot) <= 24
        assert np.sign(foot[:, 0]).mean() == (1 if side == 0 else -1)
        toes, heels = points[(soles.side == side) & soles.toe], points[(soles.side == side) & ~soles.toe]
        assert len(toes) >= 4 and len(heels) >= 6
        assert toes[:, 2].mean() > heels[:, 2].mean() + 0.03
        assert 0.2 * body.rest_offsets[0, 1] < np.ptp(foot[:, 2]) < 0.35 * body.rest_offsets[0, 1]
    assert len(set(soles.names)) == len(soles.names) == len(points)
    assert {name.split("_")[0] for name in soles.names} == {"left", "right"}


def test_points_are_the_skin_that_is_drawn(body: Body, soles: Soles, walk: Clip) -> None:
    vertices, _ = body.pose(walk.rotations[::3], walk.root_position[::3])
    rows = [int(np.argmin(np.linalg.norm(body.mesh.vertices - rest, axis=1))) for rest in soles.rest]
    assert np.abs(body.mesh.vertices[rows] - soles.rest).max() < 1e-6
    assert np.linalg.norm(vertices[:, rows] - soles.points(walk)[::3], axis=-1).max() < 0.001


def test_a_few_points_find_the_lowest_skin_of_the_feet(body: Body, soles: Soles) -> None:
    feet = np.flatnonzero(body.mesh.weights[:, [7, 8, 10, 11]].sum(1) > 0.5)
    clip, _ = retarget(mocap_data.load("pybullet:humanoid3d_run"), body.rest_offsets)
    some = slice(0, 13)
    lowest = body.pose(clip.rotations[some], clip.root_position[some])[0][:, feet, 1].min(1)
    assert np.abs(soles.points(clip)[some, :, 1].min(1) - lowest).max() < 0.0015


def test_points_move_with_the_performer(soles: Soles, walk: Clip) -> None:
    moved = edit.transform(walk, np.radians(40), (3.0, 0.0, -2.0))
    a, b = soles.points(walk), soles.points(moved)
    assert np.allclose(a[..., 1], b[..., 1], atol=1e-9)
    assert np.allclose(np.linalg.norm(a[:, 0] - a[:, -1], axis=1), np.linalg.norm(b[:, 0] - b[:, -1], axis=1))
    raised = replace(walk, root_position=walk.root_position + [0, 0.05, 0])
    assert np.allclose(soles.points(raised) - a, [0, 0.05, 0])


def test_a_minute_takes_milliseconds(soles: Soles, walk: Clip) -> None:
    long = edit.sample(walk, np.arange(1800) / 1500.0)
    best = np.inf
    for _ in range(3):
        started = time.process_time()
        assert soles.points(long).shape == (1800, len(soles.names), 3)
        best = min(best, time.process_time() - started)
    assert best < 0.1  # some 4 ms on an idle core


def test_bones_of_another_length_are_refused(soles: Soles, walk: Clip) -> None:
    almost, longer = walk.rest_offsets.copy(), walk.rest_offsets.copy()
    almost[4] *= 1 + 0.0009 / np.linalg.norm(almost[4])
    longer[4] *= 1 + 0.0012 / np.linalg.norm(longer[4])
    assert np.allclose(soles.points(replace(walk, rest_offsets=almost)), soles.points(walk))
    with pytest.raises(BadInput, match=r"left_knee is .* mm long, expected"):
        soles.points(replace(walk, rest_offsets=longer))


@pytest.mark.parametrize("scale", [0.2, 1.0, 2.3])
def test_a_skeleton_without_a_body_has_soles(scale: float) -> None:
    offsets = REST_OFFSETS * scale
    offsets[0, 1] += 0.02 * scale
    soles = Soles.of_skeleton(offsets)
    points = soles.points(t_pose(offsets, 2))
    assert np.abs(points[..., 1]).max() < 1e-9
    assert soles.toe.sum() == 6 and soles.side.sum() == 8
    clip = replace(random_clip(), rest_offsets=offsets)
    ours, theirs = soles.points(clip), contacts.foot_points(clip)
    assert np.allclose(ours[:, 0], theirs[:, 0]) and np.allclose(ours[:, 8], theirs[:, 2])  # heels
    assert np.allclose(ours[:, 3:5].mean(1), theirs[:, 1])  # balls


@pytest.mark.parametrize(
    ("offsets", "says"),
    [
        (np.zeros((22, 3)), r"shape \(22, 3\), expected \(24, 3\)"),
        (np.full((24, 3), np.nan), "finite"),
        (REST_OFFSETS * [1, 0, 1], "left_ankle at 0.000 m at rest, expected above the floor"),
    ],
)
def test_odd_skeletons_are_refused(offsets: np.ndarray, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Soles.of_skeleton(offsets)


def test_odd_characters_are_refused(body: Body) -> None:
    with pytest.raises(BadInput, match="2 points of each foot, expected at least 3"):
        Soles.of(body, 2)
    footless = replace(
        body, mesh=replace(body.mesh, weights=np.eye(24, dtype=np.float32)[[0] * len(body.mesh.weights)])
    )
    with pytest.raises(BadInput, match="no vertex follows left_ankle or left_foot"):
        Soles.of(footless)
