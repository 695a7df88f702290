"""`Support`: the forces that what a body touches can give it right now, nearest to those it needs.

Whoever stands is not pushed at the pelvis: legs press on the floor, and the floor presses back, upwards and within
friction. `Support.give` finds such forces at the contacts that Bullet reports, and the joint torques that bring them
about (Jᵀ f with the simulated pose), so that only what no contact can give is left to the residual wrench.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from motion.rotations import Array
from physics.humanoid import Humanoid
from physics.mass import GRAVITY

#: Friction that forces are asked to keep within; below the simulated 0.9, for safety.
FRICTION = 0.7
#: A torque of this share of mass x g x height counts as much as a force of one body weight: the ratio in which the
#: two are reported.
_TORQUE_SHARE = 0.5
#: How much a force of one body weight at one edge costs against a residual of one: prefers many small forces.
_SPREAD = 0.02
_ITERATIONS = 12
_ONE = np.eye(6)


@dataclass(frozen=True)
class Touch:
    """Contacts with what does not move; C of them."""

    links: np.ndarray  # (C,) int
    points: Array  # (C, 3) metres, world
    normals: Array  # (C, 3) towards the body


class Support:
    """Distributes a wanted wrench over contacts; keeps the last answer to start the next from."""

    def __init__(self, humanoid: Humanoid) -> None:
        count = len(humanoid.links)
        self._ancestors = np.zeros((count, count))
        for i in range(count):
            k = i
            while k >= 0:
                self._ancestors[i, k] = 1.0
                k = humanoid.links[k].parent
        owners, ends, radii = zip(
            *((i, end, radius) for i, link in enumerate(humanoid.links) for shape in link.shapes
              for end, radius in shape.corners()), strict=True,
        )  # fmt: skip
        self._owners, self._ends, self._radii = np.array(owners), np.array(ends), np.array(radii)
        self._weight = humanoid.mass_kg * GRAVITY
        self._scale = np.repeat([1.0, 1.0 / (_TORQUE_SHARE * humanoid.height_m)], 3) / self._weight
        self._left = np.zeros(6)

    def touch(
        self,
        touched: Mapping[int, tuple[float, Sequence[float], Sequence[float]]],
        turn: Array,
        place: Array,
        near: float,
    ) -> Touch:
        """Where links that touch something may bear on it: their corners near the plane of the deepest contact.

        Bullet's own contact points are fewer: of a box on a plane it notes one corner a step.

        Args:
            touched: by link: distance, a point of what is touched, its normal.
            turn: ``(L, 3, 3)`` of the links, world.
            place: ``(L, 3)`` of their joints, metres, world.
            near: metres from the plane.
        """
        point, normal = np.zeros_like(place), np.zeros_like(place)
        for link, (_, at, up) in touched.items():
            point[link], normal[link] = at, up
        rows = np.flatnonzero(np.isin(self._owners, list(touched)))
        links = self._owners[rows]
        up = normal[links]
        ends = place[links] + (turn[links] @ self._ends[rows, :, None])[..., 0] - self._radii[rows, None] * up
        above = ((ends - point[links]) * up).sum(1)
        on = above < near
        if not on.any():
            names = np.array(list(touched))
            return Touch(names, point[names], normal[names])
        return Touch(links[on], (ends - above[:, None] * up)[on], up[on])

    def give(self, wanted: Array, touch: Touch, bears: Array, turn: Array, place: Array) -> tuple[Array, Array]:
        """Forces of the contacts, as seen by the pelvis and by the joints.

        Args:
            wanted: ``(6,)`` force and torque at the pelvis joint, N and N m, world.
            touch: what is touched.
            bears: ``(C,)`` 0 to 1: how far each contact is meant to bear weight.
            turn: ``(L, 3, 3)`` of the links, world.
            place: ``(L, 3)`` of their joints, metres, world.

        Returns:
            The wrench ``(6,)`` that the contacts give, and generalised forces ``(L - 1, 3)`` of theirs on the joints:
            joint torques must be less by these.
        """
        edges, at = _edges(touch.normals), np.repeat(touch.points, 4, axis=0)
        reach = at - place[0]
        columns = np.concatenate([edges, _cross(reach, edges)], axis=1) * self._scale  # (E, 6)
        ease = bears / _SPREAD**2
        sizes = _nearest(columns * self._weight, wanted * self._scale, np.repeat(ease, 4), self._left)
        forces = (sizes * self._weight)[:, None] * edges
        force = forces.reshape(-1, 4, 3).sum(1)
        moment = _cross(touch.points, force)
        below = self._ancestors[touch.links]  # (C, L)
        total, about = below.T @ force, below.T @ moment
        torques = np.einsum("lba,lb->la", turn, about - _cross(place, total))
        given = np.concatenate([total[0], about[0] - _cross1(place[0], total[0])])
        return given, torques[1:]


def _edges(normals: Array) -> Array:
    """Four edges of a friction pyramid at every contact, ``(4 C, 3)``, each with a normal part of 1."""
    first = np.zeros_like(normals)
    steep = np.abs(normals[:, 0]) > 0.9
    first[steep, 2], first[~steep, 0] = 1.0, 1.0
    first = first - (first * normals).sum(1, keepdims=True) * normals
    first /= np.sqrt((first * first).sum(1, keepdims=True))
    second = _cross(normals, first)
    along = FRICTION * np.stack([first, -first, second, -second], axis=1)
    return np.asarray((normals[:, None] + along).reshape(-1, 3))


def _nearest(columns: Array, wanted: Array, ease: Array, left: Array) -> Array:
    """``x >= 0`` that minimises ``|wanted - columnsᵀ x|² + Σ x² / ease``, ``(E,)``.

    With the rest ``u = wanted - columnsᵀ x`` the answer is ``x = max(0, ease columns u)``: a monotone equation in six
    numbers, solved by semismooth Newton steps. ``left`` is where to start, and takes the rest.
    """
    u = left
    for _ in range(_ITERATIONS):
        x = ease * (columns @ u)
        on = x > 0.0
        x = np.where(on, x, 0.0)
        error = u + x @ columns - wanted
        if error @ error < 1e-10:
            break
        active = columns[on]
        step = np.linalg.solve(_ONE + (active.T * ease[on]) @ active, error)
        u = u - step
    left[:] = u
    return x


def _cross(a: Array, b: Array) -> Array:
    out = np.empty_like(b)
    out[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    out[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    out[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out


def _cross1(a: Array, b: Array) -> Array:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
