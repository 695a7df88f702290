"""Debug views of a film: `shown` draws performers as Bullet sees them, and marks what bears their weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from motion import contacts, skeleton
from motion.character import SkinnedMesh
from motion.clip import Clip, ContactTrack
from motion.material import Material
from motion.rotations import IDENTITY, Array
from motion.stage import Performance

#: What can be shown, and what it is.
KINDS: dict[str, str] = {
    "humanoid": "performers as the capsules and boxes that Bullet collides with",
    "plants": "discs under what bears weight: green for heels, orange for balls, blue for hands, knees and seat",
}
#: Linear Rec.709 of heel, ball and other parts.
_HEEL, _BALL, _OTHER = (0.02, 0.45, 0.08), (0.85, 0.25, 0.01), (0.03, 0.2, 0.8)
#: Discs of other parts lie so far under their joint, metres for an adult.
_UNDER = 0.05
#: Radius and thickness of a disc, metres for an adult; sides of it.
_RADIUS, _THICK, _SIDES = 0.10, 0.012, 32
#: Discs of feet that do not stand wait so far under the floor, metres.
_AWAY = -100.0


def shown(
    performances: Sequence[Performance], kinds: Sequence[str], plants: Mapping[str, ContactTrack]
) -> tuple[Performance, ...]:
    """Performances to draw instead.

    Args:
        performances: the film's.
        kinds: of `KINDS`.
        plants: by performer; those of others are found.
    """
    drawn = list(performances)
    if "humanoid" in kinds:
        from physics.visible import Manikin

        drawn = [replace(p, character=Manikin(p.character)) for p in drawn]
    if "plants" in kinds:
        for performance in performances:
            drawn += _discs(performance, plants.get(performance.name))
    return tuple(drawn)


def _discs(performance: Performance, track: ContactTrack | None) -> list[Performance]:
    """A performance for each part: a disc that lies under it while it bears weight."""
    if track is None:
        from physics import plants

        track = plants.find(performance.clip)
    clip = performance.clip
    size = contacts.size_of(clip.rest_offsets)
    feet, joints = contacts.foot_points(clip), clip.positions()
    points = {label: feet[:, k] for k, label in enumerate(contacts.LABELS)}
    for label in track.labels:
        if label not in points:
            at = skeleton.INDEX[label if label in skeleton.INDEX else "pelvis"]
            points[label] = joints[:, at] - [0.0, _UNDER * size, 0.0]
    return [
        Performance(
            f"{performance.name}.{label}", _still(clip, points[label], track.on[:, k]), _Disc(label, size),
            performance.start_s,
        )
        for k, label in enumerate(track.labels)
    ]  # fmt: skip


def _still(clip: Clip, points: Array, on: np.ndarray) -> Clip:
    place = np.where(on[:, None], points, [0.0, _AWAY, 0.0])
    turns = np.broadcast_to(IDENTITY, (clip.frames, 24, 4))
    return Clip(turns, place, np.zeros((24, 3)), clip.fps)


@dataclass(frozen=True, eq=False)
class _Disc:
    """A `motion.character.Character` that is a flat disc about the pelvis."""

    label: str
    size: float

    @property
    def rest_offsets(self) -> Array:
        return np.zeros((24, 3))

    @property
    def mesh(self) -> SkinnedMesh:
        import trimesh

        made = trimesh.creation.cylinder(radius=_RADIUS * self.size, height=_THICK * self.size, sections=_SIDES)
        flat = np.asarray(made.vertices)[made.faces].reshape(-1, 3)[:, [1, 2, 0]]  # its axis upwards
        normals = np.repeat(np.asarray(made.face_normals)[:, [1, 2, 0]], 3, axis=0)
        faces = np.arange(len(flat), dtype=np.int32).reshape(-1, 3)
        weights = np.zeros((len(flat), 24), np.float32)
        weights[:, 0] = 1.0
        colour = {"heel": _HEEL, "toe": _BALL}.get(self.label.split("_")[-1], _OTHER)
        return SkinnedMesh(
            flat.astype(np.float32), normals.astype(np.float32), faces, np.zeros((len(flat), 2), np.float32), weights,
            np.zeros((24, 3)), (Material(f"plant {self.label}", colour),), np.zeros(len(faces), np.int32),
            ("disc",), np.zeros(len(faces), np.int32),
        )  # fmt: skip

    def pose(self, rotations: np.ndarray, root_position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The disc at each place."""
        mesh = self.mesh
        root = np.asarray(root_position, dtype=np.float32)[:, None]
        return mesh.vertices + root, np.repeat(mesh.normals[None], len(root), axis=0)
