"""Laws of the quaternion algebra, with SciPy as the second opinion."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from motion import rotations as rot

RNG = np.random.default_rng(7)
Q = rot.normalize(RNG.normal(size=(300, 4)))
P = rot.normalize(RNG.normal(size=(300, 4)))
V = RNG.normal(size=(300, 3))


def test_product_turns_by_the_right_factor_first() -> None:
    np.testing.assert_allclose(rot.rotate(rot.multiply(P, Q), V), rot.rotate(P, rot.rotate(Q, V)), atol=1e-12)


def test_rotate_agrees_with_scipy() -> None:
    np.testing.assert_allclose(rot.rotate(Q, V), Rotation.from_quat(Q).apply(V), atol=1e-12)


def test_matrix_and_rotvec_round_trips() -> None:
    assert rot.angle_between(rot.from_matrix(rot.to_matrix(Q)), Q).max() < 1e-9
    assert rot.angle_between(rot.from_rotvec(rot.to_rotvec(Q)), Q).max() < 1e-9


@pytest.mark.parametrize("angle", [0.0, 1e-13, 1e-7, np.pi - 1e-9, np.pi])
def test_round_trips_at_the_awkward_angles(angle: float) -> None:
    for axis in np.eye(3):
        q = rot.from_rotvec(angle * axis)
        assert rot.angle_between(rot.from_matrix(rot.to_matrix(q)), q) < 1e-7
        np.testing.assert_allclose(np.linalg.norm(rot.to_rotvec(q)), angle, atol=1e-9)


@pytest.mark.parametrize("order", ["".join(p) for p in itertools.permutations("XYZ")])
def test_euler_angles_agree_with_scipy_and_survive_gimbal_lock(order: str) -> None:
    angles = rot.to_euler(order, Q)
    assert rot.angle_between(Rotation.from_euler(order, angles).as_quat(), Q).max() < 1e-9
    locked = rot.from_euler(order, np.array([[0.3, np.pi / 2, -0.8], [2.0, -np.pi / 2, 1.0]]))
    assert rot.angle_between(rot.from_euler(order, rot.to_euler(order, locked)), locked).max() < 1e-6


def test_slerp_hits_both_ends_and_moves_at_constant_speed() -> None:
    np.testing.assert_allclose(np.abs(np.sum(rot.slerp(P, Q, np.ones(300)) * Q, axis=-1)), 1.0, atol=1e-12)
    whole = rot.angle_between(P, Q)
    np.testing.assert_allclose(rot.angle_between(P, rot.slerp(P, Q, np.full(300, 0.25))), 0.25 * whole, atol=1e-7)


def test_between_is_the_shortest_turn_even_for_opposite_directions() -> None:
    np.testing.assert_allclose(
        rot.rotate(rot.between(V, V[::-1]), V / np.linalg.norm(V, axis=1, keepdims=True)),
        V[::-1] / np.linalg.norm(V[::-1], axis=1, keepdims=True),
        atol=1e-9,
    )
    np.testing.assert_allclose(rot.rotate(rot.between([0, 1, 0], [0, -1, 0]), [0, 1, 0]), [0, -1, 0], atol=1e-9)


def test_swing_times_twist_is_the_rotation_and_swing_leaves_no_twist() -> None:
    swing, twist = rot.swing_twist(Q, np.array([0.0, 1.0, 0.0]))
    assert rot.angle_between(rot.multiply(swing, twist), Q).max() < 1e-9
    np.testing.assert_allclose(twist[:, [0, 2]], 0.0, atol=1e-12)
    np.testing.assert_allclose(swing[:, 1], 0.0, atol=1e-12)


def test_continuous_flips_signs_only() -> None:
    q = rot.from_rotvec(np.linspace(0, 9, 200)[:, None] * np.array([0.0, 0.0, 1.0]))
    q[::3] *= -1
    smooth = rot.continuous(q)
    assert (np.sum(smooth[1:] * smooth[:-1], axis=-1) > 0).all()
    np.testing.assert_allclose(np.abs(np.sum(smooth * q, axis=-1)), 1.0, atol=1e-12)
