"""A capture made ready for retargeting: its own forward kinematics in metres and Y up, read at SMPL's joints."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from motion import kinematics, skeleton
from motion import rotations as rot
from motion.contacts import ADULT_LEG_M
from motion.errors import BadInput
from motion.retarget.joint_map import JointMap, ancestors
from motion.rotations import Array
from motion.take import Take

_I = skeleton.INDEX

#: A T-pose of an adult of 1.70 m for what a source lacks; segment lengths after Drillis and Contini (1966), as shares
#: of the stature: thigh and shin 0.24 each, upper arm 0.16, forearm 0.15, hip width 0.10, shoulder width 0.21.
TEMPLATE: Array = np.array(
    [
        [0.0, 0.965, 0.0], [0.085, -0.085, 0.0], [-0.085, -0.085, 0.0], [0.0, 0.105, -0.015], [0.0, -0.405, 0.0],
        [0.0, -0.405, 0.0], [0.0, 0.125, 0.0], [0.0, -0.4, 0.0], [0.0, -0.4, 0.0], [0.0, 0.075, 0.01],
        [0.015, -0.055, 0.125], [-0.015, -0.055, 0.125], [0.0, 0.2, -0.025], [0.065, 0.115, -0.015],
        [-0.065, 0.115, -0.015], [0.0, 0.085, 0.025], [0.11, 0.025, -0.01], [-0.11, 0.025, -0.01], [0.265, 0.0, 0.0],
        [-0.265, 0.0, 0.0], [0.25, 0.0, 0.0], [-0.25, 0.0, 0.0], [0.085, 0.0, 0.0], [-0.085, 0.0, 0.0],
    ]
)  # fmt: skip
TEMPLATE.setflags(write=False)
TEMPLATE_LEG = 0.805  # hip to ankle of TEMPLATE, metres

#: Metres per unit of the lengths that files come in; the last is Acclaim's as CMU used it (0.45 inches a unit).
UNITS: dict[str, float] = {
    "metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "decimetres": 0.1, "inches": 0.0254, "feet": 0.3048,
    "CMU Acclaim units": 0.0254 / 0.45,
}  # fmt: skip
_LEG_RANGE = (0.55, 1.15)  # m hip to ankle: from a child of six to the tallest adults

#: The rotation that brings each up axis to +Y, handedness kept.
UP_TURNS: dict[str, Array] = {
    "Y": rot.IDENTITY, "Z": rot.from_axis("X", -np.pi / 2), "X": rot.from_axis("Z", np.pi / 2),
    "-Y": rot.from_axis("Z", np.pi), "-Z": rot.from_axis("X", np.pi / 2), "-X": rot.from_axis("Z", -np.pi / 2),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """World rotations and positions of the joints that matter, metres, Y up, with the rest pose beside them."""

    take: Take
    map: JointMap
    column: dict[int, int]  # source joint -> column of the arrays below
    q: Array  # (T, K, 4) joint-to-world
    p: Array  # (T, K, 3) metres
    rest_q: Array  # (K, 4)
    rest_p: Array  # (K, 3)
    up: str
    up_said: bool  # the file (or its reader) said so
    metres_per_unit: float
    unit: str

    def rotation(self, joint: int) -> Array:
        """``(T, 4)`` world rotation of a source joint."""
        return self.q[:, self.column[joint]]

    def position(self, joint: int) -> Array:
        """``(T, 3)`` world position of a source joint, metres."""
        return self.p[:, self.column[joint]]

    def point(self, smpl: int) -> Array | None:
        """``(T, 3)`` where a SMPL joint is in the source: a joint's place or an end site's; None: nowhere."""
        i = int(self.map.points[smpl])
        if i >= 0:
            return self.position(i)
        if smpl in self.map.tips:
            holder = self.map.tips[smpl]
            return self.position(holder) + rot.rotate(self.rotation(holder), self._end(holder))
        return None

    def place(self, smpl: int) -> Array:
        """`point` where a map is sure to have one: hips, knees and ankles, shoulders and elbows.

        Raises:
            BadInput: the source has nothing there.
        """
        found = self.point(smpl)
        if found is None:
            raise BadInput(f"{self.take.label}: nothing stands for {skeleton.JOINTS[smpl]}")
        return found

    def rest_point(self, smpl: int) -> Array | None:
        """The same ``(3,)`` in the source's rest pose."""
        i = int(self.map.points[smpl])
        if i >= 0:
            return self.rest_p[self.column[i]]
        if smpl in self.map.tips:
            column = self.column[self.map.tips[smpl]]
            return self.rest_p[column] + rot.rotate(self.rest_q[column], self._end(self.map.tips[smpl]))
        return None

    def _end(self, joint: int) -> Array:
        assert self.take.end_offsets is not None
        return self.take.end_offsets[joint] * self.metres_per_unit

    def local(self, joint: int, points: Array) -> Array:
        """Typical place ``(3,)`` of moving points ``(T, 3)`` in a source joint's frame: the median over the take."""
        pick = self.sample
        q, p = self.rotation(joint)[pick], self.position(joint)[pick]
        return np.median(rot.rotate(rot.inverse(q), points[pick] - p), axis=0)

    @cached_property
    def sample(self) -> np.ndarray:
        """At most 256 frames spread over the take: enough for every median that is wanted."""
        return self.take.spread(256)

    @property
    def size(self) -> float:
        """The performer's size against an adult, by the legs."""
        return self.leg / ADULT_LEG_M

    @cached_property
    def leg(self) -> float:
        """Length hip to ankle in metres, both legs' mean."""
        return _leg_length(self)


def prepare(take: Take, joint_map: JointMap) -> Source:
    """Run the source's forward kinematics, find its up axis and its unit.

    Raises:
        BadInput: a pose is not finite, or the legs have no length.
    """
    take.require_finite()
    wanted = {joint_map.pelvis, *joint_map.spine, *joint_map.neck, *joint_map.tips.values()}
    wanted |= {int(i) for i in (*joint_map.limbs, *joint_map.points) if i >= 0}
    used = sorted({a for joint in wanted for a in ancestors(take.parents, joint)})
    column = {joint: k for k, joint in enumerate(used)}
    parents = np.array([column.get(int(take.parents[j]), -1) for j in used])
    q, p = kinematics.forward(parents, take.rotations[:, used], take.translations[:, used])
    rest = take.rest_rotations if take.rest_rotations is not None else np.tile(rot.IDENTITY, (take.joints, 1))
    rest_q, rest_p = kinematics.forward(parents, rest[used], take.rest_offsets[used])
    raw = Source(take, joint_map, column, q, p, rest_q, rest_p, "Y", take.up is not None, 1.0, "")
    leg = _leg_length(raw)
    extent = float(np.abs(rest_p - rest_p[:1]).max())
    if not leg > 1e-9 or leg < 1e-3 * extent:
        raise BadInput(f"{take.label}: the legs have no length (all bones from hip to ankle are zero)")
    up = (take.up or _up_axis(raw)).upper()
    if up not in UP_TURNS:
        raise BadInput(f"{take.label}: up axis '{take.up}', expected X, Y or Z")
    scale, unit = _unit(take, leg)
    basis = UP_TURNS[up]
    return Source(
        take, joint_map, column, rot.multiply(basis, q), rot.rotate(basis, p) * scale,
        rot.multiply(basis, rest_q), rot.rotate(basis, rest_p) * scale, up, take.up is not None, scale, unit,
    )  # fmt: skip


def _leg_length(source: Source) -> float:
    total = 0.0
    for side in ("left", "right"):
        points = [source.point(_I[f"{side}_{part}"]) for part in ("hip", "knee", "ankle")]
        for a, b in pairwise(points):
            if a is not None and b is not None:
                total += float(np.median(np.linalg.norm((b - a)[source.sample], axis=-1)))
    return total / 2.0


def _unit(take: Take, leg: float) -> tuple[float, str]:
    """Metres per unit: the file's word, else the known unit that makes the leg a person's, else the leg's own scale."""
    if take.metres_per_unit is not None:
        if not (np.isfinite(take.metres_per_unit) and take.metres_per_unit > 0):
            raise BadInput(f"{take.label}: {take.metres_per_unit} metres per unit, expected more than 0")
        said = next((n for n, v in UNITS.items() if abs(v / take.metres_per_unit - 1) < 1e-3), "the file's own unit")
        return float(take.metres_per_unit), said
    name = min(UNITS, key=lambda n: abs(np.log(leg * UNITS[n] / ADULT_LEG_M)))
    if _LEG_RANGE[0] <= leg * UNITS[name] <= _LEG_RANGE[1]:
        return UNITS[name], f"{name} (guessed from the legs)"
    return ADULT_LEG_M / leg, f"unknown unit (the legs were taken for {ADULT_LEG_M} m)"


def _up_axis(source: Source) -> str:
    """The axis along which the performer stands, by motion and by rest pose; Y unless both or most frames say else."""

    def uprightness(hips: Array, shoulders: Array, ankles: Array) -> Array:
        """``(…, 3)``: along which signed axis both trunk and legs run; near zero when they disagree."""
        trunk, legs = shoulders - hips, hips - ankles
        trunk = trunk / np.maximum(np.linalg.norm(trunk, axis=-1, keepdims=True), 1e-12)
        legs = legs / np.maximum(np.linalg.norm(legs, axis=-1, keepdims=True), 1e-12)
        return np.where(trunk * legs > 0, np.sign(trunk) * np.sqrt(np.abs(trunk * legs)), 0.0)

    def middle(points: list[Array | None]) -> Array:
        return np.mean([v for v in points if v is not None], axis=0)

    pairs = [[_I[f"left_{part}"], _I[f"right_{part}"]] for part in ("hip", "shoulder", "ankle")]
    moving = uprightness(*(middle([source.point(j) for j in pair])[source.sample] for pair in pairs))
    rest = uprightness(*(middle([source.rest_point(j) for j in pair]) for pair in pairs))
    labels = ("X", "Y", "Z")
    typical = np.median(moving, axis=0)
    axis = int(np.argmax(np.abs(typical)))
    often = float(np.mean(np.sign(typical[axis]) * moving[:, axis] > 0.8))
    stands = int(np.argmax(np.abs(rest)))
    agrees = abs(rest[stands]) > 0.9 and stands == axis
    said = ("-" if typical[axis] < 0 else "") + labels[axis]
    if said == "Y" or abs(typical[axis]) < 0.7:
        return "Y"
    # A crawl in a Y-up file is not a walk in a Z-up one: its rest pose still stands along Y.
    if agrees or (often > 0.6 and not rest[1] > 0.9) or often > 0.9:
        return said
    return "Y"
