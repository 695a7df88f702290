"""Where a prop is at any time: at its place, in a performer's grip, falling, sliding to rest, lying.

Everything is a closed form of time, so that any instant may be asked for in any order, on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from motion import rotations as rot
from motion import skeleton
from motion.easing import smoothstep
from motion.errors import BadInput, unknown
from motion.rotations import Array
from motion.stage import Attachment, Performance, Prop

GRAVITY = 9.81  # m/s²
FRICTION = 0.6  # Coulomb coefficient of a thing sliding on a floor: wood on wood is 0.25 to 0.6, rubber above
TURN_S = 0.2  # a falling thing takes at least this long to turn its side down
GRIP_S = 0.15  # a prop that is taken up moves into the grip within this time, by a smooth step
PALM_M = {"wrist": 0.085, "hand": 0.015}  # from the joint to the middle of the grip, along the hand
FIST_M = 0.06  # a fist closes round things up to this thick

State = tuple[Array, Array]  # origin (3,) metres and rotation (4,) xyzw, world


def pose(prop: Prop, performances: Sequence[Performance], time: float) -> Array:
    """``T_world_prop (4, 4)`` at a time of the film, seconds.

    Raises:
        BadInput: an attachment names an unknown performer or joint, or its times or numbers make no sense.
    """
    return PropMotion(prop, performances).at(time)


class PropMotion:
    """A prop's way through a film; the same as `pose`, prepared once for many instants.

    A held prop follows its joint exactly (after `GRIP_S` when it was taken up during the film). Let go, it flies on
    with the velocity its middle had, turns its nearest side down, meets the ground (y = 0), slides to a halt by
    friction, and lies. A later attachment takes it from wherever it is; where two overlap, the later one has it.

    Raises:
        BadInput: an attachment names an unknown performer or joint, or its times or numbers make no sense.
    """

    def __init__(self, prop: Prop, performances: Sequence[Performance]) -> None:
        self.prop = prop
        by_name = {p.name: p for p in performances}
        self._holds = sorted(prop.attachments, key=lambda a: a.start_s)
        for hold in self._holds:
            if hold.performer not in by_name:
                raise _in(prop, unknown("performer", hold.performer, by_name))
            if hold.joint not in skeleton.INDEX:
                raise _in(prop, unknown("joint", hold.joint, skeleton.JOINTS))
            if not np.isfinite(hold.start_s) or (hold.end_s is not None and not hold.end_s > hold.start_s):
                raise BadInput(
                    f"prop '{prop.name}': held from {hold.start_s:g} s to {hold.end_s} s, expected to end later"
                )
            for what, value, count in (("offset", hold.offset, 3), ("rotation", hold.rotation, 4)):
                if value is not None and (np.shape(value) != (count,) or not np.isfinite(value).all()):
                    raise BadInput(f"prop '{prop.name}': held by an {what} of {value!r}, expected {count} numbers")
        if np.shape(prop.position) != (3,) or not np.isfinite(prop.position).all():
            raise BadInput(f"prop '{prop.name}': position {prop.position!r}, expected three numbers of metres")
        if np.shape(prop.rotation) != (4,) or not np.isfinite(prop.rotation).all():
            raise BadInput(f"prop '{prop.name}': rotation {prop.rotation!r}, expected four numbers, xyzw")
        self._performers = by_name
        self._grips: dict[int, State] = {}
        self._releases: dict[int, tuple[State, Array]] = {}
        self._hull: Array | None = None

    @property
    def moves(self) -> bool:
        """Whether the prop is ever held; one that never is stands at its place for good."""
        return bool(self._holds)

    def at(self, time: float) -> Array:
        """``T_world_prop (4, 4)`` at a time of the film, seconds."""
        place, turn = self._state(len(self._holds) - 1, float(time))
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = rot.to_matrix(turn), place
        return T

    def _state(self, k: int, time: float) -> State:
        """Origin and rotation as the attachments up to number k make them."""
        while k >= 0 and time < self._holds[k].start_s:
            k -= 1
        if k < 0:
            return np.asarray(self.prop.position, dtype=np.float64), rot.normalize(self.prop.rotation)
        hold = self._holds[k]
        if hold.end_s is not None and time >= hold.end_s:
            return self._falling(k, time - hold.end_s)
        held = self._held(k, time)
        since = time - hold.start_s
        reach = GRIP_S if hold.end_s is None else min(GRIP_S, 0.5 * (hold.end_s - hold.start_s))
        if hold.start_s <= 0 or since >= reach:
            return held
        before = self._state(k - 1, time)
        s = float(smoothstep(since, 0.0, reach))
        return (1 - s) * before[0] + s * held[0], rot.slerp(before[1], held[1], s)

    def _held(self, k: int, time: float) -> State:
        offset, turn = self._grip(k)
        place, joint = self._joint(self._holds[k], time)
        return place + rot.rotate(joint, offset), rot.multiply(joint, turn)

    def _grip(self, k: int) -> State:
        """The prop's origin and rotation in the holding joint's frame."""
        if k not in self._grips:
            hold = self._holds[k]
            if hold.rotation is None:
                _, before = self._state(k - 1, hold.start_s)
                _, joint = self._joint(hold, hold.start_s)
                turn = rot.multiply(rot.inverse(joint), before)
                if self._slim and hold.joint.partition("_")[2] in PALM_M:  # a stick lies across the palm
                    long = rot.rotate(turn, np.eye(3)[int(np.argmax(np.ptp(self._points(), axis=0)))])
                    across = np.array([0.0, 0.0, 1.0 if long[2] >= 0 else -1.0])
                    turn = rot.multiply(rot.between(long, across), turn)
            else:
                turn = rot.normalize(hold.rotation)
            offset = self._palm(hold, turn) if hold.offset is None else np.asarray(hold.offset, dtype=np.float64)
            self._grips[k] = offset, turn
        return self._grips[k]

    def _palm(self, hold: Attachment, turn: Array) -> Array:
        """Where the origin sits when nobody says: a slim thing in the fist, a big one against the palm."""
        points = self._points()
        middle = 0.5 * (points.min(0) + points.max(0))
        side, _, part = hold.joint.partition("_")
        if part not in PALM_M:
            return np.zeros(3)
        along = np.array([1.0 if side == "left" else -1.0, 0.0, 0.0])  # at rest the left arm points to +X, palm down
        reach = 0.0
        if not self._slim:
            # How far the surface is from the middle, towards the palm: the nearest of the planes that bound the thing.
            palm = rot.rotate(rot.inverse(turn), np.array([0.0, 1.0, 0.0]))
            facing = _directions() @ palm
            planes = (points @ _directions().T).max(0) - _directions() @ middle
            reach = float((planes[facing > 1e-3] / facing[facing > 1e-3]).min())
        down = -0.025 - max(0.0, reach - 0.02)
        return PALM_M[part] * along + np.array([0.0, down, 0.0]) - rot.rotate(turn, middle)

    @property
    def _slim(self) -> bool:
        """Whether a fist closes round the thing: a stick, a racket's handle, a bottle's neck."""
        size = np.sort(np.ptp(self._points(), axis=0))
        return bool(size[1] < FIST_M and size[2] > 2.0 * size[1])

    def _joint(self, hold: Attachment, time: float) -> State:
        performance = self._performers[hold.performer]
        rotations, root = performance.at(time)
        offsets = performance.clip.rest_offsets
        chain, j = [], skeleton.INDEX[hold.joint]
        while j > 0:
            chain.append(j)
            j = int(skeleton.PARENTS[j])
        place, turn = np.asarray(root, dtype=np.float64), rotations[0]
        for j in reversed(chain):
            place = place + rot.rotate(turn, offsets[j])
            turn = rot.multiply(turn, rotations[j])
        return place, rot.normalize(turn)

    def _falling(self, k: int, since: float) -> State:
        (place, turn), velocity = self._release(k)
        hull = self._points()
        final = self._laid(turn)
        centre = 0.5 * (hull.min(0) + hull.max(0))
        middle = place + rot.rotate(turn, centre)
        rest_y = float(-(rot.rotate(final, hull - centre)[:, 1]).min())  # the middle's height once it lies
        drop, up = middle[1] - rest_y, velocity[1]
        inside = up * up + 2 * GRAVITY * drop
        land = (up + np.sqrt(inside)) / GRAVITY if inside > 0 else 0.0
        land = max(float(land), 0.0)
        t = min(since, land)
        s = float(smoothstep(since, 0.0, max(land, TURN_S)))
        now = rot.slerp(turn, final, s)
        speed = float(np.hypot(velocity[0], velocity[2]))
        slide = min(max(since - land, 0.0), speed / (FRICTION * GRAVITY))
        travelled = t + slide - (0.5 * FRICTION * GRAVITY * slide**2 / speed if speed > 1e-9 else 0.0)
        point = middle + velocity * [1, 0, 1] * travelled
        # A turning corner must not dip below the floor; a thing let go inside the floor comes out of it smoothly.
        sunk = max(0.0, -float(rot.rotate(turn, hull - centre)[:, 1].min()) - middle[1])
        floor = -float(rot.rotate(now, hull - centre)[:, 1].min()) - sunk * (1 - s)
        point[1] = max(middle[1] + up * t - 0.5 * GRAVITY * t * t, floor)
        return point - rot.rotate(now, centre), now

    def _release(self, k: int) -> tuple[State, Array]:
        """The state at the moment of letting go, and the velocity of the prop's middle there, m/s."""
        if k not in self._releases:
            hold = self._holds[k]
            end = float(hold.end_s or 0.0)
            step = min(1 / 30, 0.5 * (end - hold.start_s))
            hull = self._points()
            centre = 0.5 * (hull.min(0) + hull.max(0))
            (a, qa), (b, qb) = self._held(k, end - step), self._held(k, end)
            velocity = (b + rot.rotate(qb, centre) - a - rot.rotate(qa, centre)) / step
            self._releases[k] = (b, qb), velocity
        return self._releases[k]

    def _laid(self, turn: Array) -> Array:
        """The nearest rotation in which a side of the prop's box faces down; a ball stays as it is."""
        if self.prop.shape in ("ball", "sphere") and len({round(float(s), 6) for s in self.prop.size}) == 1:
            return turn
        axes = rot.to_matrix(turn).T  # rows: the prop's axes in the world
        sides = np.concatenate([axes, -axes])
        down = sides[int(np.argmin(sides[:, 1]))]
        return rot.multiply(rot.between(down, [0.0, -1.0, 0.0]), turn)

    def _points(self) -> Array:
        """Points ``(P, 3)`` that reach as far as the mesh does in every direction, closely."""
        if self._hull is None:
            from motion.props import mesh

            vertices = mesh(self.prop).vertices.astype(np.float64)
            if len(vertices) > 600:
                vertices = vertices[np.unique((vertices @ _directions().T).argmax(0))]
            self._hull = vertices
        return self._hull


@lru_cache(maxsize=1)
def _directions() -> Array:
    """500 directions spread evenly (Fibonacci sphere), and the six of the axes."""
    k = np.arange(500) + 0.5
    y, angle = 1 - 2 * k / 500, np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - y * y)
    return np.concatenate([np.stack([r * np.cos(angle), y, r * np.sin(angle)], axis=1), np.eye(3), -np.eye(3)])


def _in(prop: Prop, error: BadInput) -> BadInput:
    return BadInput(f"prop '{prop.name}': {error}")
