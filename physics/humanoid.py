"""`Humanoid`: a body as Bullet's multibody, with masses, inertias and shapes from its skin; `build` makes one.

Inside: which of SMPL's 24 joints are driven and which are welded, poses to and from the links, and `Humanoid.spawn`.
Not inside: control (`physics.tracking`) and the world it stands in (`physics.world`).

Driven joints are spherical. Hinges for knees and elbows were measured and dropped: retargeted captures turn knees 3 to
8 degrees (95th percentile) off any one axis, which a hinge would move into the foot.
Bullet ignores URDF limits on spherical joints, so limits act on the targets of control: `within_limits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from motion import rotations as rot
from motion import skeleton
from motion.character import Character
from motion.errors import BadInput
from motion.rotations import Array
from motion.skeleton import INDEX
from physics import segments
from physics.bullet import pybullet
from physics.segments import Moments, Shape

#: SMPL joints with a motor. The others keep the clip's own rotation: they are welded in the simulation, and their
#: turn is folded into the next driven joint below them (`Humanoid.to_links`).
DRIVEN: tuple[str, ...] = (
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot",
    "spine1", "spine3", "neck", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
)  # fmt: skip

#: Metres, skin to skin: bodies outside are refused. Bullet's collision margins and steps of 1/240 s hold within.
SMALLEST, LARGEST = 0.3, 4.0
#: kg/m³: a living body floats, just (Durnin and Womersley 1974: 1.03 to 1.08 without lungs, about 1.0 with).
DENSITY = 1000.0
#: Convex hulls of dressed segments overlap at their seams and bridge hollows: body volume over theirs, measured on the
#: default body (the hulls of the runner sum to 84.8 litres; 1.70 m at a usual body mass index of 24.5 weighs 71 kg).
FILL = 0.84
#: Coulomb friction of skin and soles: DeepMimic's 0.9; the floor's is 1.
FRICTION = 0.9

#: Rotor inertia added to every link, in units of mass x height²: 0.05 kg m² for a usual adult. At steps of 1/240 s a
#: foot of 0.004 kg m² under an ankle's 200 N m turns by half a radian a step and no control law holds it; robots'
#: simulators call this armature. Without it stable PD exploded within 5 steps of contact; with it a figure stands.
ARMATURE = 2.4e-4

#: Share of body mass per SMPL joint: de Leva 1996, table 4, mean of women and men; the trunk's three parts split at
#: SMPL's joints in proportion to length, collars within the upper trunk.
DE_LEVA: dict[str, float] = {
    "pelvis": 0.118, "spine1": 0.070, "spine2": 0.085, "spine3": 0.130, "neck": 0.015, "head": 0.053,
    **{f"{s}_{j}": m for s in ("left", "right") for j, m in (
        ("hip", 0.1447), ("knee", 0.0457), ("ankle", 0.0108), ("foot", 0.0025), ("collar", 0.013),
        ("shoulder", 0.0263), ("elbow", 0.0150), ("wrist", 0.0040), ("hand", 0.0019),
    )},
}  # fmt: skip
#: A segment's share may differ from de Leva's by this factor (children's heads, heavy builds), no further: beyond it
#: is cloth, a helmet or a hole in the mesh.
SHARE_FACTOR = 1.8


#: Degrees, lowest and highest rotation vector about X, Y, Z of the rest T-pose (left side): generous ranges of healthy
#: adults (Boone and Azen 1979), widened for dancers and for twist that rigs put into knees and elbows.
_DEGREES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "hip": ((-150, -90, -100), (70, 90, 100)), "knee": ((-15, -40, -30), (165, 40, 30)),
    "ankle": ((-60, -50, -50), (70, 50, 50)), "foot": ((-80, -30, -30), (50, 30, 30)),
    "spine1": ((-50, -50, -45), (80, 50, 45)), "spine3": ((-60, -70, -60), (90, 70, 60)),
    "neck": ((-90, -100, -80), (90, 100, 80)), "shoulder": ((-180, -180, -180), (180, 180, 180)),
    "elbow": ((-120, -170, -60), (120, 25, 60)),
}  # fmt: skip
_FREE = (np.full(3, -np.pi), np.full(3, np.pi))
_LIMITS = dict.fromkeys(("collar", "spine2", "head", "wrist", "hand"), _FREE) | {
    name: (np.radians(low), np.radians(high)) for name, (low, high) in _DEGREES.items()
}


@dataclass(frozen=True)
class Link:
    """A rigid piece of the multibody; its frame is that of its SMPL joint, at rest parallel to the world's."""

    name: str  # the driven SMPL joint, or "pelvis"
    joint: int  # its index in skeleton.JOINTS
    parent: int  # index of the parent link; -1 for the pelvis
    path: tuple[int, ...]  # welded SMPL joints between the parent link's joint and this one, from the parent down
    offset: Array  # (3,) metres: this joint in the parent link's frame
    shapes: tuple[Shape, ...]
    mass: float  # kg
    centre: Array  # (3,) metres: centre of mass in this frame
    inertia: Array  # (3,) kg m² about the centre, along this frame's axes


@dataclass(frozen=True)
class Humanoid:
    """A body ready to be simulated. Link 0 is the pelvis, Bullet's base; link i + 1 is Bullet's joint i."""

    links: tuple[Link, ...]
    rest_offsets: Array  # (24, 3) metres
    height_m: float
    mass_kg: float

    @property
    def masses(self) -> Array:
        """``(L,)`` kg."""
        return np.array([link.mass for link in self.links])

    @property
    def inertias(self) -> Array:
        """``(L, 3)`` kg m²: the links' own and `ARMATURE`, as Bullet is given them."""
        own = np.stack([link.inertia for link in self.links])
        return own + ARMATURE * self.mass_kg * self.height_m**2

    def index(self, joint: str) -> int:
        """Number of the link that a driven joint moves; its Bullet index is one less."""
        return next(i for i, link in enumerate(self.links) if link.name == joint)

    def to_links(self, rotations: ArrayLike) -> Array:
        """Rotation of each link in its parent link, ``(…, 24, 4) -> (…, L, 4)``; the pelvis: in the world.

        Welded joints on the way are folded in: a shoulder's link turns by collar, then shoulder.
        """
        local = np.asarray(rotations, dtype=np.float64)
        out = np.empty((*local.shape[:-2], len(self.links), 4))
        for i, link in enumerate(self.links):
            out[..., i, :] = rot.multiply(self._welded(link, local), local[..., link.joint, :])
        return rot.normalize(out)

    def to_joints(self, link_rotations: ArrayLike, rotations: ArrayLike) -> Array:
        """The inverse of `to_links`, ``(…, L, 4) -> (…, 24, 4)``; welded joints are taken from ``rotations``."""
        out = np.array(rotations, dtype=np.float64)
        links = np.asarray(link_rotations, dtype=np.float64)
        for i, link in enumerate(self.links):
            out[..., link.joint, :] = rot.multiply(rot.inverse(self._welded(link, out)), links[..., i, :])
        return rot.normalize(out)

    def poses(self, link_rotations: ArrayLike, root_position: ArrayLike) -> tuple[Array, Array]:
        """World rotations ``(…, L, 4)`` and places of the joints ``(…, L, 3)`` of the links, metres."""
        local = np.asarray(link_rotations, dtype=np.float64)
        turn, place = np.empty_like(local), np.empty((*local.shape[:-1], 3))
        turn[..., 0, :], place[..., 0, :] = local[..., 0, :], np.asarray(root_position, dtype=np.float64)
        for i, link in enumerate(self.links[1:], 1):
            turn[..., i, :] = rot.multiply(turn[..., link.parent, :], local[..., i, :])
            place[..., i, :] = place[..., link.parent, :] + rot.rotate(turn[..., link.parent, :], link.offset)
        return turn, place

    def centre_of_mass(self, link_rotations: ArrayLike, root_position: ArrayLike) -> Array:
        """Centre of mass ``(…, 3)``, metres, world."""
        turn, place = self.poses(link_rotations, root_position)
        centres = np.stack([link.centre for link in self.links])
        return np.einsum("l,...lk->...k", self.masses / self.mass_kg, place + rot.rotate(turn, centres))

    def lowest(self, link_rotations: ArrayLike, root_position: ArrayLike) -> Array:
        """Height ``(…,)`` of the lowest point of all shapes, metres."""
        turn, place = self.poses(link_rotations, root_position)
        lows = []
        for i, link in enumerate(self.links):
            for s in link.shapes:
                centre = place[..., i, 1] + rot.rotate(turn[..., i, :], np.array(s.centre))[..., 1]
                axes = rot.to_matrix(rot.multiply(turn[..., i, :], np.array(s.rotation)))[..., 1, :]
                if s.kind == "box":
                    lows.append(centre - np.abs(axes) @ np.array(s.size))
                else:
                    lows.append(centre - np.abs(axes[..., 2]) * s.size[1] / 2.0 - s.size[0])
        return np.min(lows, axis=0)

    def within_limits(self, link_rotations: ArrayLike) -> Array:
        """Link rotations ``(…, L, 4)`` held to what people can do; what is within stays as it is.

        Knees and elbows bend one way, by rotation vector about the rest axes; other joints are held to an angle.
        """
        links = np.array(link_rotations, dtype=np.float64)
        for i, link in enumerate(self.links[1:], 1):
            low, high = _LIMITS[link.name.split("_")[-1]]
            if link.name.startswith("right") and link.name.endswith(("elbow", "shoulder")):
                low, high = low * [1, -1, -1], high * [1, -1, -1]
                low, high = np.minimum(low, high), np.maximum(low, high)
            vector = rot.to_rotvec(links[..., i, :])
            held = np.clip(vector, low, high)
            beyond = np.abs(held - vector).max(-1) > 1e-9
            links[..., i, :] = np.where(beyond[..., None], rot.from_rotvec(held), links[..., i, :])
        return links

    def spawn(self, client: int, position: Sequence[float], rotation: Sequence[float]) -> int:
        """Make the multibody in a Bullet client; returns its id.

        Links of one body do not collide with each other: their shapes overlap at the joints by design. Bullet's own
        damping is off, so that a falling body falls with g.

        Args:
            client: Bullet's client id.
            position: of the pelvis joint, metres, world.
            rotation: of the pelvis, xyzw.
        """
        base, rest = self.links[0], self.links[1:]
        identity = [0.0, 0.0, 0.0, 1.0]
        body = pybullet.createMultiBody(
            baseMass=base.mass,
            baseCollisionShapeIndex=_collision(client, base.shapes),
            basePosition=list(position),  # of the pelvis joint; Bullet adds the inertial frame's offset
            baseOrientation=list(rotation),
            baseInertialFramePosition=list(base.centre),
            baseInertialFrameOrientation=identity,
            linkMasses=[link.mass for link in rest],
            linkCollisionShapeIndices=[_collision(client, link.shapes) for link in rest],
            linkVisualShapeIndices=[-1] * len(rest),
            linkPositions=[list(link.offset) for link in rest],
            linkOrientations=[identity] * len(rest),
            linkInertialFramePositions=[list(link.centre) for link in rest],
            linkInertialFrameOrientations=[identity] * len(rest),
            linkParentIndices=[link.parent for link in rest],  # Bullet counts the base as 0 here
            linkJointTypes=[pybullet.JOINT_SPHERICAL] * len(rest),
            linkJointAxis=[[0.0, 0.0, 1.0]] * len(rest),
            physicsClientId=client,
        )
        for i, inertia in enumerate(self.inertias):
            pybullet.changeDynamics(
                body, i - 1, localInertiaDiagonal=list(inertia), lateralFriction=FRICTION, restitution=0.0,
                rollingFriction=0.0, spinningFriction=0.0, linearDamping=0.0, angularDamping=0.0, jointDamping=0.0,
                physicsClientId=client,
            )  # fmt: skip
        return int(body)

    def _welded(self, link: Link, local: Array) -> Array:
        turn = np.broadcast_to(rot.IDENTITY, (*local.shape[:-2], 4))
        for j in link.path:
            turn = rot.multiply(turn, local[..., j, :])
        return turn


def build(
    character: Character | None = None,
    rest_offsets: ArrayLike | None = None,
    *,
    mass_kg: float | None = None,
    driven: Sequence[str] = DRIVEN,
) -> Humanoid:
    """A humanoid from a character's skin, on its own bones or on a clip's.

    Shapes are fitted to the rest skin by strongest weight; masses are the segments' volumes (convex hulls) at one
    density, held within `SHARE_FACTOR` of de Leva's shares.

    Args:
        character: whose skin to fit; None: the default body's, stretched onto ``rest_offsets``.
        rest_offsets: ``(24, 3)`` metres, bones to fit to (a clip's); None: the character's own.
        mass_kg: the whole mass; None: the skin's volume at `DENSITY`.
        driven: SMPL joints that get a motor; the others are welded.

    Raises:
        BadInput: neither a character nor bones; a height outside 0.3 to 4 m; a mass that is not above zero; bones
            that are not finite; an unknown joint.
    """
    if character is None and rest_offsets is None:
        raise BadInput("humanoid: neither a character nor rest offsets, expected at least one")
    unknown = [name for name in driven if name not in INDEX or name == "pelvis"]
    if unknown:
        raise BadInput(f"humanoid: '{unknown[0]}' cannot be driven, expected joints of SMPL-24 below the pelvis")
    if mass_kg is not None and not (np.isfinite(mass_kg) and mass_kg > 0):
        raise BadInput(f"humanoid: mass {mass_kg} kg, expected more than 0")
    joints = segments.rest_joints(character.rest_offsets if rest_offsets is None else rest_offsets)  # type: ignore[union-attr]
    if character is None:
        points, of = _usual_skin()
    else:
        points, of = segments.of_mesh(character.mesh), np.asarray(character.mesh.joints, dtype=np.float64)
    if np.abs(joints - of).max() > 1e-4:
        points = segments.stretched(points, of, joints)
    skin = np.concatenate(points)
    if not len(skin) or not np.isfinite(skin).all():
        raise BadInput("humanoid: the character's skin is empty or not finite")
    height = float(skin[:, 1].max() - skin[:, 1].min())
    if not SMALLEST <= height <= LARGEST:
        raise BadInput(f"humanoid: {height:.3g} m tall, expected {SMALLEST} to {LARGEST} m")
    hulls = [segments.moments(cloud) for cloud in points]
    volume = FILL * sum(hull.volume for hull in hulls)
    total = float(mass_kg) if mass_kg is not None else DENSITY * volume
    if not total > 0:
        raise BadInput(f"humanoid: the skin encloses {volume:.3g} m³, expected more than 0")
    shares = _shares(hulls)
    links = _links(points, joints, hulls, total * shares, tuple(driven))
    offsets = joints - np.where(skeleton.PARENTS[:, None] >= 0, joints[np.maximum(skeleton.PARENTS, 0)], 0.0)
    return Humanoid(links, offsets, height, total)


def _shares(hulls: Sequence[Moments]) -> Array:
    """Share of the mass of each SMPL segment, ``(24,)``, summing to 1."""
    table = np.array([DE_LEVA[name] for name in skeleton.JOINTS])
    table /= table.sum()
    volumes = np.array([hull.volume for hull in hulls])
    shares = volumes / volumes.sum()
    # Collars, neck and fingers are cut differently in every rig: judge them together with what they hang on.
    for group in _GROUPS:
        have, want = shares[group].sum(), table[group].sum()
        shares[group] *= np.clip(have, want / SHARE_FACTOR, want * SHARE_FACTOR) / have if have > 0 else 0.0
        if have <= 0:
            shares[group] = table[group]
    return shares / shares.sum()


_GROUPS: tuple[list[int], ...] = tuple(
    [INDEX[name] for name in names]
    for names in (
        ("pelvis", "spine1", "spine2", "spine3", "left_collar", "right_collar"), ("neck", "head"),
        *(tuple(f"{s}_{j}" for j in group) for s in ("left", "right")
          for group in (("hip",), ("knee",), ("ankle", "foot"), ("shoulder",), ("elbow",), ("wrist", "hand"))),
    )
)  # fmt: skip


def _links(
    points: Sequence[Array], joints: Array, hulls: Sequence[Moments], masses: Array, driven: tuple[str, ...]
) -> tuple[Link, ...]:
    # Bullet numbers links depth first whatever order they are given in; so do we.
    owners = [j for j in _depth_first(0) if j == 0 or skeleton.JOINTS[j] in driven]
    owner_of: dict[int, int] = {}
    for j in range(24):
        owner_of[j] = j if j in owners else owner_of[int(skeleton.PARENTS[j])]
    links: list[Link] = []
    tiny = float(masses.sum()) * 1e-5
    for j in owners:
        members = [k for k in range(24) if owner_of[k] == j]
        mass = max(float(masses[members].sum()), tiny)
        weights = np.maximum(masses[members], tiny / len(members))
        centres = np.stack([hulls[k].centre for k in members])
        centre = (weights[:, None] * centres).sum(0) / weights.sum()
        second = np.zeros((3, 3))
        for k, weight, at in zip(members, weights, centres, strict=True):
            own = hulls[k].second / hulls[k].volume if hulls[k].volume > 0 else np.zeros((3, 3))
            second += weight * (own + np.outer(at - centre, at - centre))
        inertia = np.trace(second) - np.diag(second)
        # Bullet needs every axis well above zero; a thin forearm still has a radius.
        inertia = np.maximum(inertia, max(0.02 * float(inertia.max()), mass * (2e-3 * segments.reach(joints)) ** 2))
        shapes = []
        for k in members:
            fitted = segments.shape(k, points, joints)
            if fitted is not None:
                x, y, z = (float(v) for v in np.array(fitted.centre) + joints[k] - joints[j])
                shapes.append(Shape(fitted.kind, fitted.size, (x, y, z), fitted.rotation))
        parent = -1 if j == 0 else owner_of[int(skeleton.PARENTS[j])]
        path: list[int] = []
        k = int(skeleton.PARENTS[j])
        while j and k != parent:
            path.insert(0, k)
            k = int(skeleton.PARENTS[k])
        links.append(
            Link(
                skeleton.JOINTS[j], j, -1 if j == 0 else owners.index(parent), tuple(path),
                joints[j] - joints[parent] if j else np.zeros(3), tuple(shapes), mass, centre - joints[j], inertia,
            )
        )  # fmt: skip
    return tuple(links)


def _depth_first(joint: int) -> list[int]:
    out = [joint]
    for child in np.flatnonzero(skeleton.PARENTS == joint):
        out += _depth_first(int(child))
    return out


def _collision(client: int, shapes: Sequence[Shape]) -> int:
    if not shapes:
        return -1
    kinds = {"capsule": pybullet.GEOM_CAPSULE, "box": pybullet.GEOM_BOX}
    index = pybullet.createCollisionShapeArray(
        shapeTypes=[kinds[s.kind] for s in shapes],
        radii=[s.size[0] for s in shapes],
        lengths=[s.size[1] for s in shapes],
        halfExtents=[list(s.size) for s in shapes],
        collisionFramePositions=[list(s.centre) for s in shapes],
        collisionFrameOrientations=[list(s.rotation) for s in shapes],
        physicsClientId=client,
    )
    return int(index)


@lru_cache(maxsize=1)
def _usual_skin() -> tuple[list[Array], Array]:
    from motion.body import Body

    body = Body.default()
    return segments.of_mesh(body.mesh), np.asarray(body.mesh.joints, dtype=np.float64)
