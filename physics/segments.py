"""The 24 segments of a body: their skin, volume and moments, and the capsules and boxes that stand for them.

`of_mesh` cuts a rest mesh by its strongest skin weight, `stretched` lays the cut on other bones, `moments` weighs a
segment as the convex hull of its skin, `shape` fits one capsule or box to it. Everything is in metres, in the rest
T-pose that faces +Z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import ConvexHull, QhullError

from motion import rotations as rot
from motion import skeleton
from motion.character import SkinnedMesh
from motion.errors import BadInput
from motion.rotations import Array
from motion.skeleton import INDEX

#: The joint at the far end of each segment's bone; the others end in skin.
_FAR = {
    "left_hip": "left_knee", "right_hip": "right_knee", "left_knee": "left_ankle", "right_knee": "right_ankle",
    "left_ankle": "left_foot", "right_ankle": "right_foot", "pelvis": "spine1", "spine1": "spine2",
    "spine2": "spine3", "spine3": "neck", "neck": "head", "left_collar": "left_shoulder",
    "right_collar": "right_shoulder", "left_shoulder": "left_elbow", "right_shoulder": "right_elbow",
    "left_elbow": "left_wrist", "right_elbow": "right_wrist", "left_wrist": "left_hand", "right_wrist": "right_hand",
}  # fmt: skip
FAR: dict[int, int] = {INDEX[a]: INDEX[b] for a, b in _FAR.items()}
#: Cloth that stands off the skin. Hair stays: the scalp beneath it is cut away.
_LOOSE = ("skirt",)
#: Share of vertices that a fitted shape may leave out at either end: laces, thumbs, folds of cloth.
_TRIM = 3.0


@dataclass(frozen=True)
class Shape:
    """A capsule (along its own Z, as Bullet has it) or a box, placed in its segment's joint frame."""

    kind: str  # "capsule" | "box"
    size: tuple[float, float, float]  # capsule: radius, length between the two centres, 0; box: half extents; metres
    centre: tuple[float, float, float]  # metres, joint frame
    rotation: tuple[float, float, float, float]  # xyzw, shape to joint frame

    def corners(self) -> list[tuple[Array, float]]:
        """Points ``(3,)`` in the joint frame and radii of balls, metres, whose convex hull the shape is."""
        turn, centre = rot.to_matrix(np.array(self.rotation)), np.array(self.centre)
        if self.kind == "box":
            signs = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
            return [(centre + turn @ (np.array(sign) * self.size), 0.0) for sign in signs]
        return [(centre + turn @ [0.0, 0.0, end * self.size[1] / 2.0], self.size[0]) for end in (-1, 1)]


@dataclass(frozen=True)
class Moments:
    """Volume (m³), centre (3,) and second moments ``∫ x xᵀ dV`` (3, 3) about that centre, in the rest frame."""

    volume: float
    centre: Array
    second: Array


def of_mesh(mesh: SkinnedMesh) -> list[Array]:
    """Skin points ``(N_j, 3)`` of the 24 segments: each vertex goes to the joint that moves it most.

    Skirts are left out where the rest of the segment is enough to go by.
    """
    vertices = np.asarray(mesh.vertices, dtype=np.float64)
    strongest = np.asarray(mesh.weights).argmax(1)
    loose = np.zeros(len(vertices), dtype=bool)
    for faces_of, names in ((mesh.face_part, mesh.parts), (mesh.face_material, [m.name for m in mesh.materials])):
        which = [k for k, name in enumerate(names) if any(word in name for word in _LOOSE)]
        loose[np.unique(mesh.faces[np.isin(faces_of, which)])] = True
    out = []
    for j in range(24):
        every = strongest == j
        firm = every & ~loose
        out.append(vertices[firm if firm.sum() >= 20 else every])
    return out


def stretched(points: Sequence[Array], joints: ArrayLike, onto: ArrayLike) -> list[Array]:
    """The segments laid on other bones: along a bone by its length, across it by the size of the whole body.

    Args:
        points: 24 arrays ``(N_j, 3)``, rest frame.
        joints: ``(24, 3)`` rest joints of those points.
        onto: ``(24, 3)`` rest joints to lay them on; the floor is at y = 0, and the soles come to stand on it.
    """
    old, new = np.asarray(joints, dtype=np.float64), np.asarray(onto, dtype=np.float64)
    across = reach(new) / max(reach(old), 1e-9)
    feet = [INDEX[f"{s}_{j}"] for s in ("left", "right") for j in ("ankle", "foot")]
    out = []
    for j, cloud in enumerate(points):
        matrix = across * np.eye(3)
        if j in FAR:
            a, b = old[FAR[j]] - old[j], new[FAR[j]] - new[j]
            length = np.linalg.norm(a)
            if length > 1e-9:
                matrix += np.outer(b / length - across * a / length, a / length)
        local = (cloud - old[j]) @ matrix.T
        if j in feet and len(cloud):
            low = float(np.percentile(local[:, 1], 1.0))
            if low < -1e-9 and new[j, 1] > 1e-9:
                local[:, 1] *= new[j, 1] / -low
        out.append(new[j] + local)
    return out


def reach(joints: ArrayLike) -> float:
    """Length of a leg plus the trunk up to the head joint, metres: the size of a body that needs no skin."""
    joints = np.asarray(joints, dtype=np.float64)
    chain = [INDEX[n] for n in ("left_ankle", "left_knee", "left_hip")]
    trunk = [INDEX[n] for n in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")]
    return float(sum(np.linalg.norm(np.diff(joints[c], axis=0), axis=1).sum() for c in (chain, trunk)))


def rest_joints(rest_offsets: ArrayLike) -> Array:
    """Joints ``(24, 3)`` of the rest T-pose, metres.

    Raises:
        BadInput: not ``(24, 3)`` finite numbers.
    """
    offsets = np.asarray(rest_offsets, dtype=np.float64)
    if offsets.shape != (24, 3) or not np.isfinite(offsets).all():
        raise BadInput(f"humanoid: rest offsets of shape {offsets.shape}, expected (24, 3) finite metres")
    return skeleton.at_rest(offsets)


def moments(points: Array) -> Moments:
    """Volume, centre and second moments of the convex hull of skin points ``(N, 3)``; nothing for flat or few ones."""
    empty = Moments(0.0, points.mean(0) if len(points) else np.zeros(3), np.zeros((3, 3)))
    if len(points) < 5:
        return empty
    try:
        hull = ConvexHull(points)
    except QhullError:
        return empty
    inside = points[hull.vertices].mean(0)
    corners = points[hull.simplices] - inside  # tetrahedra from an inner point
    volumes = np.abs(np.linalg.det(corners)) / 6.0
    total = float(volumes.sum())
    centres = corners.sum(1) / 4.0
    centre = (volumes[:, None] * centres).sum(0) / total
    # ∫ x xᵀ over a tetrahedron with one corner at the origin: V/20 (Σ p pᵀ + (Σ p)(Σ p)ᵀ); Tonon 2004.
    s = corners.sum(1)
    second = np.einsum("t,tia,tib->ab", volumes / 20.0, corners, corners) + np.einsum(
        "t,ta,tb->ab", volumes / 20.0, s, s
    )
    return Moments(total, inside + centre, second - total * np.outer(centre, centre))


def shape(joint: int, points: Sequence[Array], joints: Array) -> Shape | None:
    """The capsule or box of one segment; None for segments that need none: neck, collars, fingers."""
    name = skeleton.JOINTS[joint]
    at = joints[joint]
    small = 1e-3 * reach(joints)
    if name in ("neck", "left_collar", "right_collar", "left_hand", "right_hand"):
        return None
    cloud = points[joint]
    if name.endswith("wrist"):
        cloud = np.concatenate([cloud, points[joint + 2]])
    if len(cloud) < 5:
        return _bone(at, joints[FAR[joint]], 0.1 * reach(joints), small) if joint in FAR else None
    low, high = np.percentile(cloud, [_TRIM, 100.0 - _TRIM], axis=0)
    if name.endswith(("ankle", "foot", "wrist")):
        if not name.endswith("wrist"):
            low[1] = np.percentile(cloud[:, 1], 1.0)  # the sole itself bears the weight
            high[2] = np.percentile(cloud[:, 2], 99.0)
        half = np.maximum((high - low) / 2.0, small)
        return Shape("box", _triple(half), _triple((low + high) / 2.0 - at), (0.0, 0.0, 0.0, 1.0))
    if name in ("pelvis", "spine1", "spine2", "spine3"):  # a capsule across, as wide as the trunk
        radius = max(float(high[2] - low[2]) / 2.0, small)
        length = max(float(high[0] - low[0]) - 2.0 * radius, small)
        return _capsule(radius, length, (low + high) / 2.0 - at, np.array([1.0, 0.0, 0.0]))
    if name == "head":
        radius = max(float(high[0] - low[0] + high[2] - low[2]) / 4.0, small)
        length = max(float(high[1] - low[1]) - 2.0 * radius, small)
        return _capsule(radius, length, (low + high) / 2.0 - at, np.array([0.0, 1.0, 0.0]))
    far = joints[FAR[joint]]
    bone = (far - at) / max(float(np.linalg.norm(far - at)), 1e-9)
    local = cloud - at
    along = local @ bone
    radial = np.linalg.norm(local - along[:, None] * bone, axis=1)
    middle = (along > 0.1 * np.linalg.norm(far - at)) & (along < 0.9 * np.linalg.norm(far - at))
    return _bone(at, far, float(np.median(radial[middle] if middle.any() else radial)), small)


def _bone(at: Array, far: Array, radius: float, small: float) -> Shape:
    """A capsule from joint to joint whose round ends stay within the bone's far end."""
    vector = far - at
    length = max(float(np.linalg.norm(vector)), 2.0 * small)
    radius = float(np.clip(radius, small, 0.49 * length))
    direction = vector / length
    between = max(length - radius, small)  # from the joint itself to one radius before the next
    return _capsule(radius, between, direction * between / 2.0, direction)


def _capsule(radius: float, length: float, centre: Array, direction: Array) -> Shape:
    turn = rot.between(np.array([0.0, 0.0, 1.0]), direction)
    x, y, z, w = (float(v) for v in turn)
    return Shape("capsule", (radius, length, 0.0), _triple(centre), (x, y, z, w))


def _triple(values: ArrayLike) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in np.asarray(values))
    return x, y, z
