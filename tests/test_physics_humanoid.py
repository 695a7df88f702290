"""`physics.humanoid`, `physics.segments`, `physics.dynamics`: masses, poses there and back, Bullet's own opinion."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pybullet
import pytest
from conftest import REST_OFFSETS, random_clip

from motion import rotations as rot
from motion.body import Body
from motion.errors import BadInput
from motion.skeleton import INDEX, JOINTS
from physics import dynamics, segments
from physics.humanoid import DE_LEVA, DRIVEN, Humanoid, build
from physics.world import World


@lru_cache(maxsize=1)
def usual() -> tuple[Body, Humanoid]:
    body = Body.default()
    return body, build(body)


def test_masses_agree_with_de_leva() -> None:
    _, humanoid = usual()
    assert 55 < humanoid.mass_kg < 85
    assert humanoid.masses.sum() == pytest.approx(humanoid.mass_kg, rel=1e-3)
    table = sum(DE_LEVA.values())
    for names, tolerance in (
        (("pelvis", "spine1", "spine3"), 0.15), (("neck",), 0.3), (("left_hip",), 0.2), (("left_knee",), 0.3),
        (("left_ankle", "left_foot"), 0.8), (("left_shoulder",), 0.5), (("left_elbow",), 0.4),
    ):  # fmt: skip
        share = sum(humanoid.links[humanoid.index(name)].mass for name in names) / humanoid.mass_kg
        wanted = {
            "pelvis": ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"), "neck": ("neck", "head"),
            "left_elbow": ("left_elbow", "left_wrist", "left_hand"),
        }.get(names[0], names)  # fmt: skip
        expected = sum(DE_LEVA[name] for name in wanted) / table
        assert share == pytest.approx(expected, rel=tolerance), names


def test_a_given_mass_scales_every_link_and_left_is_like_right() -> None:
    body, humanoid = usual()
    heavy = build(body, mass_kg=2 * humanoid.mass_kg)
    assert np.allclose(heavy.masses, 2 * humanoid.masses, rtol=1e-6)
    for side in ("hip", "knee", "ankle", "foot", "shoulder", "elbow"):
        left, right = (humanoid.links[humanoid.index(f"{s}_{side}")] for s in ("left", "right"))
        assert left.mass == pytest.approx(right.mass, rel=0.05)
        assert np.allclose(left.centre * [-1, 1, 1], right.centre, atol=0.01)


def test_hull_moments_of_a_box() -> None:
    corners = np.array([[x, y, z] for x in (0, 2.0) for y in (0, 1.0) for z in (0, 3.0)]) + 5.0
    found = segments.moments(corners)
    assert found.volume == pytest.approx(6.0)
    assert np.allclose(found.centre, [6.0, 5.5, 6.5])
    assert np.allclose(found.second, np.diag([6 * 4 / 12, 6 * 1 / 12, 6 * 9 / 12]))


def test_links_and_joints_convert_there_and_back() -> None:
    _, humanoid = usual()
    clip = random_clip()
    back = humanoid.to_joints(humanoid.to_links(clip.rotations), clip.rotations)
    assert rot.angle_between(back, clip.rotations).max() < 1e-6
    other = random_clip(1).rotations  # welded joints stay the input's, links reach what they are told
    told = humanoid.to_links(other)
    mixed = humanoid.to_joints(told, clip.rotations)
    welded = [j for j in range(24) if JOINTS[j] not in (*DRIVEN, "pelvis")]
    assert rot.angle_between(mixed[:, welded], clip.rotations[:, welded]).max() < 1e-6
    assert rot.angle_between(humanoid.to_links(mixed), told).max() < 1e-6


def test_limits_leave_people_alone_and_stop_a_knee_that_bends_forward() -> None:
    _, humanoid = usual()
    pose = np.tile(rot.IDENTITY, (24, 1))
    pose[INDEX["left_knee"]] = rot.from_axis("X", 1.9)
    pose[INDEX["right_elbow"]] = rot.from_axis("Y", 2.0)
    pose[INDEX["left_elbow"]] = rot.from_axis("Y", -2.0)
    links = humanoid.to_links(pose)
    assert np.abs(humanoid.within_limits(links) - links).max() < 1e-12
    pose[INDEX["left_knee"]] = rot.from_axis("X", -1.0)
    held = humanoid.within_limits(humanoid.to_links(pose))[humanoid.index("left_knee")]
    assert rot.to_rotvec(held)[0] == pytest.approx(np.radians(-15))


def test_bullet_stands_where_the_links_say_and_agrees_on_the_mass_matrix() -> None:
    _, humanoid = usual()
    clip = random_clip(3, frames=2)
    links, root = humanoid.to_links(clip.rotations), clip.root_position + [0, 5.0, 0]
    turn, place = humanoid.poses(links, root)
    bodies = dynamics.bodies(humanoid, links, root)
    inverse = np.linalg.inv(dynamics.mass_matrix(humanoid, bodies)[0])
    joints = list(range(len(humanoid.links) - 1))
    with World(1e-4, floor_m=None) as world:
        c = world.client
        pybullet.setGravity(0, 0, 0, physicsClientId=c)
        body = humanoid.spawn(c, root[0].tolist(), links[0, 0].tolist())
        for i in joints:
            pybullet.resetJointStateMultiDof(body, i, links[0, i + 1].tolist(), [0, 0, 0], physicsClientId=c)
            pybullet.setJointMotorControlMultiDof(
                body, i, pybullet.POSITION_CONTROL, targetPosition=[0, 0, 0, 1], positionGain=0, velocityGain=0,
                force=[0, 0, 0], physicsClientId=c,
            )  # fmt: skip
            state = pybullet.getLinkState(body, i, computeForwardKinematics=1, physicsClientId=c)
            assert np.allclose(state[4], place[0, i + 1], atol=1e-6)
            assert rot.angle_between(np.array(state[5]), turn[0, i + 1]) < 1e-5
        torques = np.random.default_rng(0).normal(size=(len(joints), 3))
        pybullet.setJointMotorControlMultiDofArray(
            body, joints, pybullet.TORQUE_CONTROL, forces=torques.tolist(), physicsClientId=c
        )
        world.step()
        rates = np.array([s[1] for s in pybullet.getJointStatesMultiDof(body, joints, physicsClientId=c)]) / 1e-4
    expected = (inverse @ np.concatenate([np.zeros(6), torques.ravel()]))[6:]
    assert np.allclose(rates.ravel(), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


def test_bones_alone_are_enough_and_stand_on_the_floor() -> None:
    humanoid = build(rest_offsets=REST_OFFSETS)
    rest = humanoid.to_links(np.tile(rot.IDENTITY, (24, 1)))
    assert 1.5 < humanoid.height_m < 1.85
    assert abs(float(humanoid.lowest(rest, REST_OFFSETS[0]))) < 0.002
    twice = build(rest_offsets=2 * REST_OFFSETS)
    assert twice.mass_kg == pytest.approx(8 * humanoid.mass_kg, rel=1e-3)


def test_bad_bodies_get_one_clear_line() -> None:
    body, _ = usual()
    with pytest.raises(BadInput, match="neither a character nor rest offsets"):
        build()
    for factor in (0.1, 3.0):
        with pytest.raises(BadInput, match=r"m tall, expected 0\.3 to 4\.0 m"):
            build(rest_offsets=factor * REST_OFFSETS)
    for mass in (0.0, -1.0, float("nan")):
        with pytest.raises(BadInput, match="expected more than 0"):
            build(body, mass_kg=mass)
    with pytest.raises(BadInput, match="finite"):
        build(rest_offsets=np.full((24, 3), np.nan))
    with pytest.raises(BadInput, match="cannot be driven"):
        build(body, driven=("left_hip", "tail"))
    empty = replace(body, mesh=replace(body.mesh, vertices=np.zeros((0, 3)), weights=np.zeros((0, 24))))
    with pytest.raises(BadInput):
        build(empty)
