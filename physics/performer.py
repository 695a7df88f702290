"""`Performer`: one body in a `World`: stable PD, the residual wrench within its bound, and what is recorded."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion.rotations import Array
from physics.bullet import pybullet
from physics.humanoid import Humanoid
from physics.mass import GRAVITY
from physics.plan import Plan, smooth
from physics.support import Support
from physics.world import World

#: rad/s and metres within a frame, for an adult: beyond these a simulation has exploded.
WILD_SPIN, LEAP_M = 90.0, 4.0
#: Frames are averages of steps under a Gaussian of this share of a frame.
_SHUTTER = 0.4
#: Metres between pelvis and plan, for an adult: the performer lies elsewhere.
ASTRAY_M = 0.8
#: Contacts nearer than this may bear weight, metres for an adult; so may those of links that hardly bear, if nearer.
_TOUCH_M, _GRAZE_M = 0.008, 0.003
#: Links that are planned to bear less of the weight than this bear nothing: swinging feet have to leave the floor.
_LEAST = 0.15


class Performer:
    """Drives one humanoid along its plan."""

    def __init__(self, world: World, humanoid: Humanoid, plan: Plan, bounds: Array) -> None:
        """Spawn at the plan's start, lifted out of the ground.

        Args:
            world: where.
            humanoid: who.
            plan: what, made for this humanoid.
            bounds: ``(T, 2)`` of the residual wrench: share of body weight, share of mass x g x height.
        """
        self.world, self.humanoid, self.plan, self.bounds = world, humanoid, plan, bounds
        self.alive, self.reason = True, ""
        weight = humanoid.mass_kg * GRAVITY
        self._most = bounds * [weight, weight * humanoid.height_m]
        self._count = len(humanoid.links) - 1
        self._joints = list(range(self._count))
        self._centre = humanoid.links[0].centre
        self._kd_kp = plan.damping * plan.step_s + plan.stiffness * plan.step_s**2
        self._root_kd_kp = plan.root_damping * plan.step_s + plan.root_stiffness * plan.step_s**2
        self._support = Support(humanoid)
        self._touched: dict[int, tuple[float, tuple[float, ...], tuple[float, ...]]] = {}  # distance, point, normal
        self._frame = 0
        self._feet = {}
        for i, link in enumerate(humanoid.links[1:]):
            if link.name.endswith(("ankle", "foot")):
                self._feet[i] = 0 if link.name.startswith("left") else 1
        start = plan.root[0] + [0.0, plan.lift_m, 0.0]
        client = world.client
        self.body = humanoid.spawn(client, start.tolist(), plan.links[0, 0].tolist())
        for i in self._joints:
            pybullet.resetJointStateMultiDof(
                self.body, i, plan.links[0, i + 1].tolist(), plan.spin[0, i + 1].tolist(), physicsClientId=client
            )
            pybullet.setJointMotorControlMultiDof(
                self.body, i, pybullet.POSITION_CONTROL, targetPosition=[0.0, 0.0, 0.0, 1.0], positionGain=0.0,
                velocityGain=0.0, force=[0.0, 0.0, 0.0], physicsClientId=client,
            )  # fmt: skip
        reach = rot.rotate(plan.links[0, 0], self._centre)
        velocity = plan.velocity[0] + np.cross(plan.spin[0, 0], reach)
        pybullet.resetBaseVelocity(self.body, velocity.tolist(), plan.spin[0, 0].tolist(), physicsClientId=client)
        self._poses: list[Array] = [plan.links[0]]
        self._places: list[Array] = [start]
        steps = len(plan.root)
        self._force, self._torque = np.zeros((steps, 3)), np.zeros((steps, 3))
        self._foot, self._limited = np.full((steps, 2, 3), np.nan), np.zeros(steps, dtype=bool)

    def refuse_inside(self, depth_m: float) -> None:
        """End at once when the start is deeper inside a prop than ``depth_m`` (for an adult)."""
        pybullet.performCollisionDetection(physicsClientId=self.world.client)
        size = self.humanoid.height_m / 1.7
        for contact in pybullet.getContactPoints(bodyA=self.body, physicsClientId=self.world.client):
            name = self.world.stage_bodies.get(contact[2])
            if name and contact[8] < -depth_m * size:
                self._end(f"starts {-contact[8]:.2f} m inside '{name}', expected outside")
                return
        self._read_contacts()

    def push(self, s: int) -> None:
        """Apply joint torques and the residual wrench that lead to step ``s``."""
        plan, client = self.plan, self.world.client
        turns, place, velocity, spin = self._read()
        if not self.alive:
            return
        if s > 1:
            self._poses.append(turns)
            self._places.append(place)
        k = min((s - 1 + plan.per_frame // 2) // plan.per_frame, plan.frames - 1)
        self._frame = k
        off = _turns(turns, plan.links[s])  # (L, 3), each in its own frame
        wanted = plan.spin[s] - spin
        step = plan.step_s
        root_off = np.concatenate([plan.root[s] - place - step * velocity, _rotate(turns[0], off[0]) - step * spin[0]])
        root_rate = np.concatenate([plan.velocity[s] - velocity, wanted[0]])
        self._turn, self._place = turns[0], place
        push = np.empty(plan.lead.shape[1])
        push[:6] = plan.root_stiffness[k] @ root_off + plan.root_damping[k] @ root_rate
        push[6:] = plan.stiffness * (off[1:] - step * spin[1:]).ravel() + plan.damping * wanted[1:].ravel()
        push[:6] -= self._root_kd_kp[k] @ (plan.root_inverse[k, :6] @ push)  # implicit: as after the step
        wanted = push[:6] + plan.lead[k, :6]
        given, reaction = self._given(wanted, k)
        wrench = wanted - given
        if plan.flight[k]:
            wrench[:3] = 0.0
        force, torque, limited = self._within(wrench, self._most[k])
        push[:3], push[3:6] = given[:3] + force - plan.lead[k, :3], given[3:] + torque - plan.lead[k, 3:6]
        torques = push[6:] - self._kd_kp * (plan.joint_inverse[k, 6:] @ push) + plan.lead[k, 6:] - reaction
        torques = np.clip(torques, -plan.limits, plan.limits)
        if not np.isfinite(torques).all():
            self._end("the simulation exploded")
            return
        pybullet.setJointMotorControlMultiDofArray(
            self.body, self._joints, pybullet.TORQUE_CONTROL, forces=torques.reshape(-1, 3).tolist(),
            physicsClientId=client,
        )  # fmt: skip
        pybullet.applyExternalForce(
            self.body, -1, force.tolist(), place.tolist(), pybullet.WORLD_FRAME, physicsClientId=client
        )
        pybullet.applyExternalTorque(self.body, -1, torque.tolist(), pybullet.WORLD_FRAME, physicsClientId=client)
        self._force[s], self._torque[s], self._limited[s] = force, torque, limited

    def record(self, s: int) -> None:
        """Read the contacts after step ``s``; the clip's end retires the performer."""
        if not self.alive:
            return
        self._foot[s] = self._read_contacts()
        if s == len(self.plan.root) - 1:
            turns, place, _, _ = self._read()
            if self.alive:
                self._poses.append(turns)
                self._places.append(place)
                self._leave()

    def finish(self) -> None:
        """Nothing more will come."""
        if self.alive:
            self._leave()

    @property
    def frames(self) -> int:
        """Frames that were reached."""
        return (len(self._places) - 1) // self.plan.per_frame + 1

    def poses(self) -> tuple[Array, Array]:
        """Link rotations ``(T, L, 4)`` and pelvis ``(T, 3)`` at frames.

        What shakes faster than frames can show is averaged out, as a camera's shutter does; else it would alias.
        """
        links, places = rot.continuous(np.stack(self._poses)), np.stack(self._places)
        sigma = _SHUTTER * self.plan.per_frame
        if sigma > 0.3 and len(links) > 1:
            links, places = smooth(links, sigma), smooth(places, sigma)
        return rot.normalize(links[:: self.plan.per_frame]), places[:: self.plan.per_frame]

    def means(self) -> tuple[Array, Array, Array, np.ndarray]:
        """Frame means of force ``(T, 3)``, torque, feet ``(T, 2, 3)``, and bound reached in most steps ``(T,)``."""
        frames, n = self.frames, self.plan.per_frame
        out = []
        for values in (self._force, self._torque, self._foot, self._limited.astype(float)):
            first = values[1 : 1 + (frames - 1) * n]
            blocks = first.reshape(frames - 1, n, *values.shape[1:])
            read = np.isfinite(blocks)
            mean = np.where(read, blocks, 0.0).sum(1) / np.maximum(read.sum(1), 1)
            out.append(np.concatenate([mean[:1] if frames > 1 else np.zeros((1, *values.shape[1:])), mean]))
        return out[0], out[1], out[2], out[3] > 0.5

    def _read(self) -> tuple[Array, Array, Array, Array]:
        """Link rotations ``(L, 4)``, the pelvis joint's place and velocity ``(3,)``, spins ``(L, 3)``."""
        client = self.world.client
        states = pybullet.getJointStatesMultiDof(self.body, self._joints, physicsClientId=client)
        at, turn = pybullet.getBasePositionAndOrientation(self.body, physicsClientId=client)
        velocity, spin = pybullet.getBaseVelocity(self.body, physicsClientId=client)
        turns = np.array([turn, *[state[0] for state in states]])
        spins = np.array([spin, *[state[1] for state in states]])
        reach = _rotate(turns[0], self._centre)
        place = np.array(at) - reach
        speed = np.array(velocity) - _cross(spins[0], reach)
        size = self.humanoid.height_m / 1.7
        away = place - self._places[-1]
        fast = np.abs(spins)
        finite = np.isfinite(turns).all() and np.isfinite(spins).all() and np.isfinite(place).all()
        wild = fast.max() > WILD_SPIN / np.sqrt(size) and fast.mean() > WILD_SPIN / 6.0
        if not finite or wild or away @ away > (LEAP_M * size) ** 2:
            self._end("the simulation exploded")
        if not self.alive:  # nothing unfit leaves here
            return self._poses[-1], self._places[-1], np.zeros(3), np.zeros_like(spins)
        step = min(len(self._places), len(self.plan.root) - 1)
        if np.linalg.norm(place - self.plan.root[step]) > ASTRAY_M * size:
            self._end(f"fell or strayed at frame {self.frames}")
        return turns, place, speed, spins

    def _read_contacts(self) -> Array:
        """Note which links touch what does not move; returns the forces ``(2, 3)`` on both feet, N."""
        feet, touched = np.zeros((2, 3)), self._touched
        touched.clear()
        size = self.humanoid.height_m / 1.7
        near = (_TOUCH_M * size, _GRAZE_M * size)
        bears = self.plan.bears[self._frame]
        for c in pybullet.getContactPoints(bodyA=self.body, physicsClientId=self.world.client):
            side = self._feet.get(c[3])
            if side is not None and c[9] > 0.0:
                feet[side] += c[9] * np.array(c[7]) + c[10] * np.array(c[11]) + c[12] * np.array(c[13])
            link = c[3] + 1
            if bears[link] <= _LEAST or c[8] >= near[int(bears[link] < 0.5)] or c[2] not in self.world.stage_bodies:
                continue
            if link not in touched or c[8] < touched[link][0]:
                touched[link] = (c[8], c[6], c[7])
        return feet

    def _given(self, wanted: Array, k: int) -> tuple[Array, Array]:
        """What the ground gives of a wanted wrench ``(6,)``, and its generalised forces on the joints ``(N - 6,)``."""
        if not self._touched:
            return np.zeros(6), np.zeros(3 * self._count)
        states = pybullet.getLinkStates(
            self.body, self._joints, computeForwardKinematics=1, physicsClientId=self.world.client
        )
        turn = _matrices(np.array([self._turn, *[state[5] for state in states]]))
        place = np.array([self._place, *[state[4] for state in states]])
        touch = self._support.touch(self._touched, turn, place, _TOUCH_M * self.humanoid.height_m / 1.7)
        given, reaction = self._support.give(wanted, touch, self.plan.bears[k, touch.links], turn, place)
        return given, reaction.ravel()

    def _within(self, wrench: Array, most: Array) -> tuple[Array, Array, bool]:
        force, torque = wrench[:3], wrench[3:]
        f, t = float(np.sqrt(force @ force)), float(np.sqrt(torque @ torque))
        limited = f > most[0] or t > most[1]
        return force * min(1.0, most[0] / max(f, 1e-12)), torque * min(1.0, most[1] / max(t, 1e-12)), bool(limited)

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._leave()

    def _leave(self) -> None:
        if self.alive:
            self.alive = False
            pybullet.removeBody(self.body, physicsClientId=self.world.client)


def _turns(now: Array, then: Array) -> Array:
    """Rotation vectors ``(L, 3)`` from ``now`` to ``then (L, 4)`` in now's frames: `rot.to_rotvec`, fast for few."""
    x, y, z, w = -now[:, 0], -now[:, 1], -now[:, 2], now[:, 3]
    a, b, c, d = then[:, 0], then[:, 1], then[:, 2], then[:, 3]
    vector = np.stack(
        [w * a + x * d + y * c - z * b, w * b - x * c + y * d + z * a, w * c + x * b - y * a + z * d], axis=1
    )
    real = w * d - x * a - y * b - z * c
    sign = np.where(real < 0, -1.0, 1.0)
    sine = np.sqrt((vector * vector).sum(1))
    angle = 2.0 * np.arctan2(sine, np.abs(real))
    return vector * (sign * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 2.0))[:, None]


def _matrices(q: Array) -> Array:
    """Rotation matrices ``(L, 3, 3)``: `rot.to_matrix`, fast for few."""
    x, y, z, w = q.T
    out = np.empty((len(q), 3, 3))
    out[:, 0, 0], out[:, 1, 1], out[:, 2, 2] = 1 - 2 * (y * y + z * z), 1 - 2 * (x * x + z * z), 1 - 2 * (x * x + y * y)
    out[:, 0, 1], out[:, 1, 0] = 2 * (x * y - z * w), 2 * (x * y + z * w)
    out[:, 0, 2], out[:, 2, 0] = 2 * (x * z + y * w), 2 * (x * z - y * w)
    out[:, 1, 2], out[:, 2, 1] = 2 * (y * z - x * w), 2 * (y * z + x * w)
    return out


def _rotate(q: Array, v: Array) -> Array:
    u = q[:3]
    t = 2.0 * _cross(u, v)
    return np.asarray(v + q[3] * t + _cross(u, t))


def _cross(a: Array, b: Array) -> Array:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
