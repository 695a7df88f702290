"""`Soles`: points on the soles of a performer, posed with a clip; what floats, sinks and slides is measured there.

`Soles.of` takes them from the mesh of a character, `Soles.of_skeleton` from the rest pose alone. Points follow joints
by linear blend skinning; what pose correctives of a body add (some 0.5 mm at a bent toe) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from motion import contacts, skeleton
from motion import rotations as rot
from motion.character import Character
from motion.clip import Clip
from motion.errors import BadInput
from motion.rotations import Array

#: A sole is what lies within this height of the lowest point of its foot at rest, metres, for an adult.
LAYER_M = 0.015
#: Points kept of one foot: half of them hold its lowest points in any tilt, the others spread over the sole.
POINTS = 24
#: Directions in which a tilted foot touches first: tilts of the sole against the floor, and how many headings each.
TILTS_DEG = (12.0, 30.0, 55.0)
HEADINGS = 12
#: Bones of a clip and of a character may differ by this much, metres.
BONE_SLACK_M = 0.001
#: Shoe of an adult: half its width at the ball and at the heel, metres (a men's last of EU size 42 is 9 to 10 cm wide).
HALF_WIDTH_M, HALF_HEEL_M = 0.045, 0.033
#: Tip of the shoe ahead of the ball joint, of the level distance from ankle to ball; `contacts.heel_offset` has 0.35
#: behind the ankle, so a foot is 1.9 of them long: 26 cm for 13.6 cm.
TIP = 0.55

_SIDES = ("left", "right")
_ANKLES = tuple(skeleton.INDEX[f"{side}_ankle"] for side in _SIDES)
_BALLS = tuple(skeleton.INDEX[f"{side}_foot"] for side in _SIDES)


@dataclass(frozen=True, eq=False)
class Soles:
    """Points on both soles, at rest, and the joints that they follow.

    soles = Soles.of(body)
    points = soles.points(clip)  # (T, K, 3) metres, world
    """

    rest: Array  # (K, 3) metres, T-pose, floor at y = 0
    weights: Array  # (K, 24) rows sum to 1
    rest_offsets: Array  # (24, 3) metres, the skeleton that they belong to
    side: np.ndarray  # (K,) 0 left, 1 right
    toe: np.ndarray  # (K,) bool, follows the ball joint more than the ankle
    names: tuple[str, ...]  # "left_heel_00", "left_toe_11"

    @classmethod
    def of(cls, character: Character, count: int = POINTS) -> Soles:
        """The soles of a mesh: vertices low at rest that follow ankle or ball joint, thinned to a few.

        Args:
            character: a body at rest in a T-pose, metres, floor at y = 0.
            count: points to keep of each foot.

        Raises:
            BadInput: a foot has fewer than three vertices, or ``count`` is below 3.
        """
        if count < 3:
            raise BadInput(f"soles: {count} points of each foot, expected at least 3")
        mesh, offsets = character.mesh, np.asarray(character.rest_offsets, dtype=np.float64)
        vertices = np.asarray(mesh.vertices, dtype=np.float64)
        weights = np.asarray(mesh.weights, dtype=np.float64)
        layer = LAYER_M * contacts.size_of(offsets)
        chosen = []
        for side in range(2):
            feet = weights[:, [_ANKLES[side], _BALLS[side]]].sum(1) > 0.5
            if not feet.any():
                raise BadInput(f"soles: no vertex follows {_SIDES[side]}_ankle or {_SIDES[side]}_foot, expected a foot")
            low = np.flatnonzero(feet & (vertices[:, 1] < vertices[feet, 1].min() + layer))
            _, first = np.unique(np.round(vertices[low], 5), axis=0, return_index=True)  # seams double vertices
            low = low[np.sort(first)]
            if len(low) < 3:
                raise BadInput(f"soles: {len(low)} vertices under {_SIDES[side]}_ankle, expected at least 3")
            toe = weights[low, _BALLS[side]] > 0.5
            chosen.append(low[_thin(vertices[low], toe, count)])
        rows = np.concatenate(chosen)
        side_of = np.repeat([0, 1], [len(c) for c in chosen])
        return cls._named(vertices[rows], weights[rows], offsets, side_of)

    @classmethod
    def of_skeleton(cls, rest_offsets: ArrayLike) -> Soles:
        """Soles of a performer without a body: heel, ball and tip of a shoe, eight points a foot.

        Heel and ball lie where `motion.contacts` has them; widths grow with the legs.

        Args:
            rest_offsets: ``(24, 3)`` metres, T-pose; row 0 is the rest pelvis above the floor.

        Raises:
            BadInput: a wrong shape, not finite, or an ankle that is not above the floor.
        """
        offsets = np.asarray(rest_offsets, dtype=np.float64)
        if offsets.shape != (24, 3) or not np.isfinite(offsets).all():
            raise BadInput(f"rest_offsets: shape {offsets.shape}, expected (24, 3) finite numbers in metres")
        heights, heels = contacts.sole_heights(offsets)[:, 0], contacts.heel_offset(offsets)
        joints, size = skeleton.at_rest(offsets), contacts.size_of(offsets)
        points, weights = [], []
        for s in range(2):
            if heights[s] <= 0:
                raise BadInput(
                    f"rest_offsets: {_SIDES[s]}_ankle at {heights[s]:.3f} m at rest, expected above the floor "
                    "(row 0 is the rest pelvis above its floor)"
                )
            ankle, forward = joints[_ANKLES[s]], offsets[_BALLS[s]] * [1.0, 0.0, 1.0]
            length = float(np.linalg.norm(forward))
            ahead = forward / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])
            across = np.array([ahead[2], 0.0, -ahead[0]]) * size
            heel, ball = ankle + heels[s], (ankle + forward) * [1.0, 0.0, 1.0]
            tip = ball + TIP * length * ahead
            toes, wide = tip - 0.2 * forward, 0.8 * HALF_WIDTH_M * across
            points += [
                heel, heel + 0.15 * forward + HALF_HEEL_M * across, heel + 0.15 * forward - HALF_HEEL_M * across,
                ball + HALF_WIDTH_M * across, ball - HALF_WIDTH_M * across,
                tip, toes + wide, toes - wide,
            ]  # fmt: skip
            rows = np.zeros((8, 24))
            rows[:5, _ANKLES[s]] = rows[5:, _BALLS[s]] = 1.0
            weights.append(rows)
        return cls._named(np.array(points), np.concatenate(weights), offsets, np.repeat([0, 1], 8))

    @classmethod
    def _named(cls, rest: Array, weights: Array, offsets: Array, side: np.ndarray) -> Soles:
        rows = np.arange(len(rest))
        toe = weights[rows, np.array(_BALLS)[side]] > weights[rows, np.array(_ANKLES)[side]]
        number = rows - np.where(side == 0, 0, (side == 0).sum())
        names = tuple(
            f"{_SIDES[s]}_{'toe' if t else 'heel'}_{n:02d}" for s, t, n in zip(side, toe, number, strict=True)
        )
        return cls(rest, weights / weights.sum(1, keepdims=True), offsets, side, toe, names)

    def points(self, clip: Clip) -> Array:
        """Where the points are in every frame, ``(T, K, 3)`` metres, world.

        The character's own bones are used, as when it is drawn; the clip gives rotations and the pelvis.

        Raises:
            BadInput: a bone of the clip is longer or shorter than the character's by more than 1 mm.
        """
        own, clips = (np.linalg.norm(o[1:], axis=1) for o in (self.rest_offsets, clip.rest_offsets))
        worst = int(np.argmax(np.abs(own - clips)))
        if abs(own[worst] - clips[worst]) > BONE_SLACK_M:
            raise BadInput(
                f"soles: the clip's bone to {skeleton.JOINTS[worst + 1]} is {clips[worst] * 1000:.1f} mm long, "
                f"expected {own[worst] * 1000:.1f} mm as the character's (retarget the clip to it)"
            )
        used = np.flatnonzero(self.weights.max(0) > 0)
        turns, places = _chain(self.rest_offsets, clip, used)  # (T, J, 3, 3), (T, J, 3)
        # p = sum_j w_j (R_j (v - c_j) + p_j), as one product of (w_j v, w_j) with (R_j, p_j - R_j c_j).
        shifts = places - (turns @ skeleton.at_rest(self.rest_offsets)[used, :, None])[..., 0]
        w = self.weights[:, used]
        rows = np.concatenate([w[..., None] * self.rest[:, None], w[..., None]], axis=-1).reshape(len(w), -1)
        columns = np.concatenate([turns.swapaxes(2, 3), shifts[:, :, None]], axis=2).reshape(clip.frames, -1, 3)
        return np.asarray(rows @ columns)


def _chain(offsets: Array, clip: Clip, joints: np.ndarray) -> tuple[Array, Array]:
    """World matrices ``(T, J, 3, 3)`` and places ``(T, J, 3)`` of some joints; no other limbs are worked out."""
    turns, places = {0: rot.to_matrix(clip.rotations[:, 0])}, {0: clip.root_position}

    def reach(j: int) -> None:
        parent = int(skeleton.PARENTS[j])
        if parent not in turns:
            reach(parent)
        if j not in turns:
            turns[j] = turns[parent] @ rot.to_matrix(clip.rotations[:, j])
            places[j] = places[parent] + turns[parent] @ offsets[j]

    for j in joints:
        if j:
            reach(int(j))
    return np.stack([turns[int(j)] for j in joints], axis=1), np.stack([places[int(j)] for j in joints], axis=1)


def _thin(points: Array, toe: np.ndarray, count: int) -> np.ndarray:
    """Rows of ``points (N, 3)`` to keep: those that touch a tilted floor first, then the farthest from all kept."""
    azimuth = np.arange(HEADINGS) * (2 * np.pi / HEADINGS)
    down = np.concatenate(
        [
            np.stack([np.sin(t) * np.sin(azimuth), np.full(HEADINGS, -np.cos(t)), np.sin(t) * np.cos(azimuth)], axis=1)
            for t in np.radians(TILTS_DEG)
        ]
    )
    touching: set[int] = set()
    for part in (np.flatnonzero(toe), np.flatnonzero(~toe)):  # toes bend, so each part has an outline of its own
        if len(part):
            touching.update(part[np.argmax(points[part] @ down.T, axis=0)].tolist())
    level = points[:, [0, 2]]
    kept: list[int] = []
    distance = np.full(len(points), np.inf)
    for pool in (np.array(sorted(touching)), np.arange(len(points))):
        while len(kept) < count:
            at = int(pool[np.argmax(distance[pool])]) if kept else int(pool[np.argmin(points[pool, 2])])
            if kept and distance[at] < 1e-6:
                break
            kept.append(at)
            distance = np.minimum(distance, np.linalg.norm(level - level[at], axis=1))
    return np.array(kept)
