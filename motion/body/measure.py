"""Poses that break bodies, and how much of a limb's cross-section survives them."""

from __future__ import annotations

import numpy as np

from motion import rotations as rot
from motion.rotations import Array
from motion.skeleton import INDEX

#: Where limbs are cut, as the joint the bone starts at and the joint it ends at.
LIMBS: dict[str, tuple[str, str]] = {
    f"{side} {limb}": (f"{side}_{a}", f"{side}_{b}")
    for side in ("left", "right")
    for limb, a, b in (
        ("upper arm", "shoulder", "elbow"),
        ("forearm", "elbow", "wrist"),
        ("thigh", "hip", "knee"),
        ("shin", "knee", "ankle"),
    )
}
#: Fractions of the bone at which it is cut. The thigh leaves the trunk, and the upper arm the armpit, a little below
#: the joint; nearer than this a plane across the bone cuts the trunk too.
STATIONS: dict[str, tuple[float, ...]] = {
    "upper arm": (0.25, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0),
    "forearm": (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0),
    "thigh": (0.3, 0.4, 0.5, 0.65, 0.8, 0.9, 1.0),
    "shin": (0.1, 0.2, 0.35, 0.5, 0.65, 0.8),
}


def _degrees(axis: str, angle: float) -> Array:
    return rot.from_axis(axis, np.radians(angle))


def _limb(pose: Array, chain: tuple[str, ...], directions: tuple[tuple[float, float, float], ...]) -> None:
    """Turn a chain of joints that rest along ``rest`` so that its bones point in world ``directions``, least twist."""
    rest = {"s": np.array([1.0, 0, 0]), "h": np.array([0, -1.0, 0])}[chain[0].split("_")[1][0]]
    if chain[0].startswith("right") and rest[0]:
        rest = -rest
    parent = rot.IDENTITY
    for joint, direction in zip(chain, directions, strict=True):
        turn = rot.multiply(rot.between(rot.rotate(parent, rest), np.array(direction)), parent)
        pose[INDEX[joint]] = rot.multiply(rot.inverse(parent), turn)
        parent = turn


def _both(directions: tuple[tuple[float, float, float], ...], joints: tuple[str, str], pose: Array) -> None:
    for side, sign in (("left", 1.0), ("right", -1.0)):
        turned = tuple((sign * x, y, z) for x, y, z in directions)
        _limb(pose, tuple(f"{side}_{j}" for j in joints), turned)


def named_poses() -> dict[str, Array]:
    """Local rotations ``(24, 4)`` of the poses that the body is judged by."""
    poses = {name: np.tile(rot.IDENTITY, (24, 1)) for name in ("seated", "arms-up", "deep-squat", "crossed-arms")}

    pose = poses["seated"]
    _both(((0.12, -0.05, 1.0), (0.0, -1.0, 0.05)), ("hip", "knee"), pose)
    _both(((0.25, -0.9, 0.3), (-0.1, -0.15, 1.0)), ("shoulder", "elbow"), pose)
    _level_feet(pose)

    pose = poses["arms-up"]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[INDEX[f"{side}_collar"]] = _degrees("Z", sign * 22)
        pose[INDEX[f"{side}_shoulder"]] = _degrees("Z", sign * 63)

    pose = poses["deep-squat"]
    _both(((0.35, 0.12, 1.0), (0.0, -1.0, -0.62)), ("hip", "knee"), pose)
    _both(((0.3, -0.25, 1.0), (-0.15, 0.1, 1.0)), ("shoulder", "elbow"), pose)
    pose[INDEX["spine1"]] = pose[INDEX["spine2"]] = _degrees("X", 14)
    _level_feet(pose)

    pose = poses["crossed-arms"]
    _limb(pose, ("left_shoulder", "left_elbow"), ((0.30, -0.85, 0.42), (-0.92, 0.16, 0.28)))
    _limb(pose, ("right_shoulder", "right_elbow"), ((-0.30, -0.85, 0.46), (0.90, 0.10, 0.42)))
    return poses


def _level_feet(pose: Array) -> None:
    for side in ("left", "right"):
        leg = rot.multiply(pose[INDEX[f"{side}_hip"]], pose[INDEX[f"{side}_knee"]])
        # Half-way to flat: an ankle does not bend more than about 35 degrees.
        level = rot.inverse(leg)
        angle = np.linalg.norm(rot.to_rotvec(level))
        share = min(1.0, np.radians(35) / max(angle, 1e-9))
        pose[INDEX[f"{side}_ankle"]] = rot.slerp(rot.IDENTITY, level, share)


def slice_edges(vertices: Array, faces: np.ndarray, origin: Array, normal: Array, near: np.ndarray) -> list[tuple]:
    """Loops in which a plane cuts a mesh.

    Args:
        vertices: ``(V, 3)`` rest positions of a mesh without doubled vertices.
        faces: ``(F, 3)``.
        origin, normal: the plane.
        near: ``(V,)`` bool, vertices that may take part.

    Returns:
        One ``(a, b, t)`` per closed loop: ring point k is ``(1 − t[k]) v[a[k]] + t[k] v[b[k]]`` in any pose.
    """
    height = (vertices - origin) @ normal
    height = np.where(np.abs(height) < 1e-9, 1e-9, height)
    crossing = faces[near[faces].all(1) & ((height[faces] > 0).any(1)) & ((height[faces] < 0).any(1))]
    following: dict[tuple[int, int], tuple[int, int]] = {}
    for face in crossing:
        points = []
        for a, b in ((face[0], face[1]), (face[1], face[2]), (face[2], face[0])):
            if (height[a] > 0) != (height[b] > 0):
                points.append(((min(a, b), max(a, b)), height[a] > 0))
        start = next(edge for edge, falling in points if falling)
        end = next(edge for edge, falling in points if not falling)
        following[start] = end
    loops = []
    while following:
        first, edge = following.popitem()
        ring = [first]
        while edge != first and edge in following:
            ring.append(edge)
            edge = following.pop(edge)
        if edge == first and len(ring) > 2:
            a, b = np.array(ring).T
            loops.append((a, b, height[a] / (height[a] - height[b])))
    return loops


def ring_area(points: Array) -> float:
    """Area of a closed ring of points: half the length of its vector area, which a crease or a twist makes smaller."""
    return float(0.5 * np.linalg.norm(np.cross(points, np.roll(points, -1, axis=0)).sum(0)))


def cross_sections(
    rest: Array, faces: np.ndarray, weights: Array, joints: Array, posed: Array, limbs: tuple[str, ...] = tuple(LIMBS)
) -> dict[str, Array]:
    """How much of each limb's cross-section is left in a pose.

    Args:
        rest: ``(V, 3)`` metres, at rest, vertices on seams welded.
        faces: ``(F, 3)``.
        weights: ``(V, 24)``.
        joints: ``(24, 3)`` rest joints.
        posed: ``(V, 3)`` the same vertices in the pose.
        limbs: names from `LIMBS`.

    Returns:
        Limb name to ``(stations,)`` ratios posed over rest; a station's ring is the largest loop about the bone.
    """
    result = {}
    for limb in limbs:
        start, end = (joints[INDEX[name]] for name in LIMBS[limb])
        side, kind = limb.split(" ", 1)
        chain = [j for name, j in INDEX.items() if name.startswith(side)]
        near = weights[:, chain].sum(1) > 0.3
        ratios = []
        for station in STATIONS[kind]:
            origin = start + station * (end - start)
            normal = (end - start) / np.linalg.norm(end - start)
            best, ratio = 0.0, np.nan
            for a, b, t in slice_edges(rest, faces, origin, normal, near):
                ring = rest[a] + t[:, None] * (rest[b] - rest[a])
                area = ring_area(ring)
                if area > best and np.linalg.norm(ring.mean(0) - origin) < 0.1:
                    best = area
                    ratio = ring_area(posed[a] + t[:, None] * (posed[b] - posed[a])) / area
            ratios.append(ratio)
        result[limb] = np.array(ratios)
    return result
