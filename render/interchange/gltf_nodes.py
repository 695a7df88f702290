"""The node tree of a glTF file as joints: order, parents, world matrices over time, rest pose and end sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from motion import kinematics
from motion import rotations as rot
from motion.rotations import Array
from render.interchange.gltf_file import GltfFile


class Nodes:
    """The node tree, checked: every node has at most one parent and none is its own ancestor."""

    def __init__(self, file: GltfFile) -> None:
        self.file = file
        self.items = file.items("nodes")
        self.parent = [-1] * len(self.items)
        for i, node in enumerate(self.items):
            children = node.get("children", [])
            if not isinstance(children, list):
                raise file.bad(f"node {i}: 'children' is not a list")
            for child in children:
                child = file.index(child, len(self.items), f"node {i} has a child")
                if self.parent[child] >= 0 or child == i:
                    raise file.bad(f"node {child} has two parents")
                self.parent[child] = i
        settled = [False] * len(self.items)
        for i in range(len(self.items)):
            trail: list[int] = []
            at = i
            while at >= 0 and not settled[at]:
                if len(trail) > len(self.items):
                    raise file.bad(f"node {i} is its own ancestor")
                trail.append(at)
                at = self.parent[at]
            for passed in trail:
                settled[passed] = True

    def with_ancestors(self, joints: Sequence[int]) -> list[int]:
        """Joints and everything above them, parents first."""
        found: dict[int, None] = {}
        for joint in joints:
            trail = []
            at = joint
            while at >= 0 and at not in found:
                trail.append(at)
                at = self.parent[at]
            found |= dict.fromkeys(reversed(trail))
        return list(found)

    def name(self, i: int) -> str:
        return str(self.items[i].get("name") or f"node_{i}")

    def rest(self, i: int) -> dict[str, Array]:
        """A node's own translation, rotation and scale; a matrix is taken apart."""
        node = self.items[i]

        def vector(key: str, usual: Sequence[float]) -> Array:
            try:
                value = np.asarray(node.get(key, usual), dtype=np.float64)
            except (TypeError, ValueError):
                value = np.zeros(0)
            if value.shape != (len(usual),) or not np.isfinite(value).all():
                raise self.file.bad(f"node {i} ('{self.name(i)}'): '{key}' is not {len(usual)} finite numbers")
            return value

        if "matrix" in node:
            matrix = vector("matrix", np.eye(4).ravel().tolist()).reshape(4, 4).T
            turn, scale = turn_and_scale(matrix[:3, :3])
            return {"translation": matrix[:3, 3], "rotation": rot.from_matrix(turn), "scale": scale}
        return {
            "translation": vector("translation", (0, 0, 0)),
            "rotation": rot.normalize(vector("rotation", (0, 0, 0, 1))),
            "scale": vector("scale", (1, 1, 1)),
        }

    def worlds(self, order: Sequence[int], moving: Mapping[tuple[int, str], Array], frames: int) -> dict[int, Array]:
        """World matrices ``(T, 4, 4)`` of nodes, parents before children; ``moving`` replaces a node's own values."""
        found: dict[int, Array] = {}
        for i in order:
            own = self.rest(i)
            local = np.zeros((frames, 4, 4))
            scale = moving.get((i, "scale"), own["scale"])
            turn = rot.to_matrix(moving.get((i, "rotation"), own["rotation"]))
            local[:, :3, :3] = turn * np.expand_dims(scale, -2)
            local[:, :3, 3] = moving.get((i, "translation"), own["translation"])
            local[:, 3, 3] = 1
            parent = self.parent[i]
            found[i] = found[parent] @ local if parent >= 0 else local
        return found


def turn_and_scale(linear: Array) -> tuple[Array, Array]:
    """The nearest rotation to ``(…, 3, 3)`` and the lengths of its columns ``(…, 3)``."""
    scale = np.linalg.norm(linear, axis=-2)
    turn = linear / np.maximum(scale, 1e-12)[..., None, :]
    off = np.abs(np.swapaxes(turn, -1, -2) @ turn - np.eye(3)).max(initial=0.0)
    if off > 1e-6:  # sheared by uneven scales above: the polar factor
        u, _, v = np.linalg.svd(turn)
        turn = u @ v
    return turn, scale


def joints_of(file: GltfFile, nodes: Nodes, skin: dict[str, Any], number: int) -> list[int]:
    """The skin's joints, parents before their children, children in the file's order."""
    listed = skin.get("joints")
    if not isinstance(listed, list) or not listed:
        raise file.bad(f"skin {number} has no joints")
    joints = {file.index(j, len(nodes.items), f"skin {number} has a joint") for j in listed}
    if len(joints) != len(listed):
        raise file.bad(f"skin {number} names a joint twice")
    order: list[int] = []
    rank = {j: k for k, j in enumerate(listed)}
    inside = {j: joint_above(nodes, j, joints) for j in listed}
    below: dict[int, list[int]] = {}
    for j, parent in inside.items():
        below.setdefault(parent, []).append(j)
    stack = sorted(below.get(-1, []), key=rank.__getitem__, reverse=True)
    while stack:
        j = stack.pop()
        order.append(j)
        stack += sorted(below.get(j, []), key=rank.__getitem__, reverse=True)
    # A file that lists parents first (ours do) keeps its own order.
    ordered = all(inside[j] < 0 or rank[inside[j]] < rank[j] for j in listed)
    return list(listed) if ordered else order


def joint_above(nodes: Nodes, joint: int, joints: set[int]) -> int:
    at = nodes.parent[joint]
    while at >= 0 and at not in joints:
        at = nodes.parent[at]
    return at


def to_local(file: GltfFile, parents: np.ndarray, world: Array) -> tuple[Array, Array]:
    """Local rotations and translations ``(T, J, …)`` of world matrices ``(T, J, 4, 4)``, scale folded in."""
    if not (np.abs(world) < 1e9).all():
        raise file.bad("a joint of its skin is farther than 1000000 km away, or nowhere")
    flipped = np.linalg.det(world[0, :, :3, :3]) <= 0
    if flipped.any():
        raise file.bad(
            f"joint {int(np.argmax(flipped))} of its skin is mirrored or flattened by a scale, which is not read"
        )
    turn, _ = turn_and_scale(world[..., :3, :3])
    rotations = rot.from_matrix(turn)
    places = world[..., :3, 3].copy()
    above = parents >= 0
    local = places.copy()
    parent_q = rotations[:, parents[above]]
    local[:, above] = rot.rotate(rot.inverse(parent_q), places[:, above] - places[:, parents[above]])
    return kinematics.to_local(parents, rotations), local


def rest_pose(file: GltfFile, nodes: Nodes, skin: dict[str, Any], joints: list[int], still: Array) -> tuple[Array, str]:
    """World matrices ``(J, 4, 4)`` of the pose the mesh was bound in, and a note when that is not the nodes' pose.

    Nodes may hold any pose (often the first frame); the inverse bind matrices hold the one the rigger made. A file
    whose bones differ in shape between the two is not believed.
    """
    if "inverseBindMatrices" not in skin:
        return still, ""
    matrices = file.accessor(skin["inverseBindMatrices"], "MAT4", "inverse bind matrices").reshape(-1, 4, 4)
    listed = skin["joints"]
    if len(matrices) < len(listed):
        raise file.bad(f"its skin has {len(matrices)} inverse bind matrices for {len(listed)} joints")
    inverse = np.swapaxes(matrices, 1, 2)[[listed.index(j) for j in joints]]
    if (np.abs(np.linalg.det(inverse)) < 1e-12).any():
        return still, "the inverse bind matrices are singular; the nodes' pose is taken as rest"
    number = file.items("skins").index(skin)
    users = [i for i, node in enumerate(nodes.items) if node.get("skin") == number]
    mesh = nodes.worlds(nodes.with_ancestors(users[:1]), {}, 1)[users[0]][0] if users else np.eye(4)
    bind = np.linalg.inv(inverse)
    bones = _bones(nodes, joints, still)
    long = np.linalg.norm(bones, axis=1) > 0.01 * np.linalg.norm(bones, axis=1).max(initial=0.0) + 1e-9
    if not long.any():
        return still, ""
    # Exporters differ in the space they bind in: the mesh's, the scene's, or neither, and then the root leads back.
    spaces = [mesh, np.eye(4), still[0] @ inverse[0]]
    agreement = [_agreement(bones[long], _bones(nodes, joints, space @ bind)[long]) for space in spaces]
    bind = spaces[next(k for k, a in enumerate(agreement) if a > max(agreement) - 0.3)] @ bind
    ratio = np.linalg.norm(_bones(nodes, joints, bind)[long], axis=1) / np.linalg.norm(bones[long], axis=1)
    scale = float(np.median(ratio))
    if not (scale > 0 and np.abs(ratio / scale - 1).max() < 0.05):
        return still, "the inverse bind matrices do not fit the nodes; the nodes' pose is taken as rest"
    bind[:, :3, 3] /= scale
    return bind, ""


def _agreement(a: Array, b: Array) -> float:
    """Mean cosine between two sets of bones ``(N, 3)``."""
    sizes = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean(np.sum(a * b, axis=1) / np.maximum(sizes, 1e-12)))


def _bones(nodes: Nodes, joints: list[int], world: Array) -> Array:
    """From every joint's parent to the joint ``(N, 3)``, world; roots have none."""
    number = {j: k for k, j in enumerate(joints)}
    pairs = [(number[p], k) for k, j in enumerate(joints) if (p := joint_above(nodes, j, set(joints))) >= 0]
    a, b = np.array(pairs, dtype=int).reshape(-1, 2).T
    return world[b, :3, 3] - world[a, :3, 3]


def ends_of(nodes: Nodes, joints: list[int], order: list[int]) -> Array:
    """End sites ``(J, 3)``: where a joint without child joints has a plain node below it; NaN elsewhere."""
    ends = np.full((len(joints), 3), np.nan)
    inner = {nodes.parent[i] for i in order}
    world = nodes.worlds(order, {}, 1)
    for k, j in enumerate(joints):
        tips = [c for c in nodes.items[j].get("children", []) if "mesh" not in nodes.items[c]]
        if j not in inner and len(tips) == 1:
            scale = turn_and_scale(world[j][0, :3, :3])[1]
            ends[k] = scale * nodes.rest(tips[0])["translation"]
    return ends
