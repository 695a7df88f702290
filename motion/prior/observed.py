"""`Observed`: constraints as tensors in a window's own axes, and how the two stages read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from motion.corpus import FPS
from motion.prior import features
from motion.prior.constraints import JOINTS, Constraints
from motion.prior.features import BODY, ENDS, Track

#: Columns that tell the root stage what is observed: values, then flags.
ROOT_VALUES = 2 + 2 + 1 + 2 + 2 + 3 * len(ENDS)
ROOT_FLAGS = 4 + len(ENDS)
#: Flags that tell the body stage what is observed: rotations, positions, pelvis level and height, contacts.
BODY_FLAGS = JOINTS + (JOINTS - 1) + 2 + 1


@dataclass(frozen=True)
class Observed:
    """`Constraints` with a leading batch axis, headings as cos and sin, rotations as matrices."""

    path: Tensor  # (B, T, 2)
    path_on: Tensor  # (B, T) bool
    pelvis: Tensor  # (B, T, 3)
    pelvis_on: Tensor  # (B, T, 2) bool: level, height
    heading: Tensor  # (B, T, 2) cos, sin; of the instant, not smoothed
    heading_on: Tensor  # (B, T) bool
    rotations: Tensor  # (B, T, 22, 3, 3)
    rotations_on: Tensor  # (B, T, 22) bool
    positions: Tensor  # (B, T, 22, 3)
    positions_on: Tensor  # (B, T, 22) bool
    contacts: Tensor  # (B, T, 4)
    contacts_on: Tensor  # (B, T) bool

    @classmethod
    def of(cls, constraints: Sequence[Constraints], rest_offsets: Tensor) -> Observed:
        """Constraints of windows of one length. Where a whole pose is known its heading is measured, not believed."""

        def stack(name: str) -> Tensor:
            values = np.stack([getattr(c, name) for c in constraints])
            return torch.as_tensor(values if values.dtype == bool else values.astype(np.float32))

        yaw = stack("heading")
        heading = torch.stack([yaw.cos(), yaw.sin()], -1)
        rotations = features.matrix_from_quaternion(stack("rotations"))
        rotations_on = stack("rotations_on")
        face = features.facing(rotations, rest_offsets)
        posed = rotations_on.all(-1) & (face.norm(dim=-1) > 1e-3)
        measured = torch.nn.functional.normalize(face, dim=-1)[..., [1, 0]]
        return cls(
            path=stack("path"), path_on=stack("path_on"), pelvis=stack("pelvis"), pelvis_on=stack("pelvis_on"),
            heading=torch.where(posed[..., None], measured, heading), heading_on=stack("heading_on"),
            rotations=rotations, rotations_on=rotations_on,
            positions=stack("positions"), positions_on=stack("positions_on"),
            contacts=stack("contacts").float(), contacts_on=stack("contacts_on"),
        )  # fmt: skip

    @classmethod
    def everything(cls, track: Track) -> Observed:
        """All that a track says, with nothing switched on; headings are those of the instant, not smoothed."""
        shape = track.path.shape[:2]
        off = torch.zeros(shape, dtype=torch.bool)
        face = features.facing(track.rotations, track.rest_offsets)
        heading = torch.nn.functional.normalize(face, dim=-1)[..., [1, 0]]
        many = off[..., None].expand(*shape, JOINTS)
        return cls(
            track.path, off, track.pelvis, off[..., None].expand(*shape, 2), heading, off,
            track.rotations, many, track.positions(), many, track.contacts, off,
        )  # fmt: skip

    def __getitem__(self, index: slice | Tensor) -> Observed:
        """Some rows of the batch."""
        return Observed(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def nothing(self, rows: Tensor) -> Observed:
        """The same with all constraints of some rows ``(B,)`` bool switched off."""
        off = {
            f.name: getattr(self, f.name) & ~rows.reshape(-1, *([1] * (getattr(self, f.name).ndim - 1)))
            for f in fields(self)
            if f.name.endswith("_on")
        }
        return replace(self, **off)

    def posed(self) -> Tensor:
        """Frames on which a whole pose is known ``(B, T)`` bool."""
        return self.rotations_on.all(-1)

    def reference(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where a window's own axes lie: shift ``(B, 2)`` to add, then cos and sin ``(B,)`` of the yaw to turn by.

        The first frame whose root is known is the origin. It faces +Z by the first heading that is known, or, when
        none is, by the way from its first known root to its last. With no root known, nothing is moved.
        """
        known = self.path_on | self.pelvis_on[..., 0]
        place = torch.where(self.path_on[..., None], self.path, self.pelvis[..., [0, 2]])
        rows = torch.arange(len(known))
        any_known = known.any(1)
        first = known.float().argmax(1)
        last = known.shape[1] - 1 - known.flip(1).float().argmax(1)
        shift = torch.where(any_known[:, None], -place[rows, first], 0.0)
        way = place[rows, last] - place[rows, first]
        far = any_known & (way.norm(dim=-1) > 0.05)
        way = torch.nn.functional.normalize(way, dim=-1)
        turn = torch.where(far[:, None], torch.stack([way[:, 1], way[:, 0]], -1), torch.tensor([1.0, 0.0]))
        faced = self.heading_on.any(1)
        turn = torch.where(faced[:, None], self.heading[rows, self.heading_on.float().argmax(1)], turn)
        return shift, turn[:, 0], -turn[:, 1]

    @features.exact
    def moved(self, shift: Tensor, cos: Tensor, sin: Tensor) -> Observed:
        """The same constraints after the motion is moved by ``shift`` and turned by a yaw; see `reference`."""
        turn = features.yaw_matrix(cos, sin)[:, None]  # (B, 1, 3, 3)
        offset = torch.stack([shift[:, 0], torch.zeros_like(shift[:, 0]), shift[:, 1]], -1)[:, None]

        def carry(points: Tensor) -> Tensor:
            return torch.einsum("nij,nt...j->nt...i", turn[:, 0], points)

        path = torch.stack([self.path[..., 0], torch.zeros_like(self.path[..., 0]), self.path[..., 1]], -1)
        c, s = self.heading.unbind(-1)
        cos, sin = cos[:, None], sin[:, None]
        return replace(
            self,
            path=carry(path + offset)[..., [0, 2]],
            pelvis=carry(self.pelvis + offset),
            heading=torch.stack([c * cos - s * sin, s * cos + c * sin], -1),
            rotations=turn[:, :, None] @ self.rotations,
            positions=carry(self.positions + offset[:, :, None]),
        )

    def course(self) -> Tensor:
        """The way straight from one known place of the root to the next, ``(B, T, 2)`` metres; zero with none known.

        Paths are told and learned as what differs from it: six metres from the start, a key still holds to centimetres.
        """
        known = self.path_on | self.pelvis_on[..., 0]
        place = torch.where(self.path_on[..., None], self.path, self.pelvis[..., [0, 2]]) * known[..., None]
        frames = known.shape[1]
        at = torch.arange(frames)
        before = torch.where(known, at, -1).cummax(1).values
        after = torch.where(known, at, frames).flip(1).cummin(1).values.flip(1)
        first = torch.where(before >= 0, before, after).clamp(max=frames - 1)
        second = torch.where(after < frames, after, first)
        share = ((at - first) / (second - first).clamp(min=1)).clamp(0, 1)[..., None]
        rows = torch.arange(len(known))[:, None]
        return place[rows, first] * (1 - share) + place[rows, second] * share

    def for_root(self) -> tuple[Tensor, Tensor]:
        """What the root stage is told: ``(B, T, ROOT_VALUES)``, zero where off, and flags ``(B, T, ROOT_FLAGS)``.

        Places are told relative to the `course`; its velocity comes with them.
        """
        course = self.course()
        moving = torch.diff(course, dim=1, append=course[:, -1:]) * FPS
        ground = torch.stack([course[..., 0], torch.zeros_like(course[..., 0]), course[..., 1]], -1)
        ends = self.positions[..., ENDS, :] - ground[..., None, :]
        ends_on = self.positions_on[..., ENDS]
        flags = torch.cat([self.path_on[..., None], self.pelvis_on, self.heading_on[..., None], ends_on], -1).float()
        values = torch.cat(
            [
                (self.path - course) * flags[..., 0:1],
                (self.pelvis[..., [0, 2]] - course) * flags[..., 1:2],
                self.pelvis[..., 1:2] * flags[..., 2:3],
                self.heading * flags[..., 3:4],
                moving,
                (ends * ends_on[..., None]).flatten(-2),
            ],
            -1,
        )
        return values, flags

    @features.exact
    def for_body(self, path: Tensor, heading: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the body stage is told, in the frame of a root that is settled.

        Args:
            path: ``(B, T, 2)`` of the root stage.
            heading: ``(B, T, 2)`` cos, sin.

        Returns:
            Body features ``(B, T, BODY)`` (metres, not normalised); which of them are observed, ``(B, T, BODY)`` bool;
            and the same as flags ``(B, T, BODY_FLAGS)``.
        """
        turn_back = features.yaw_matrix(heading[..., 0], -heading[..., 1])
        ground = torch.stack([path[..., 0], torch.zeros_like(path[..., 0]), path[..., 1]], -1)
        pelvis = torch.einsum("ntij,ntj->nti", turn_back, self.pelvis - ground)
        points = torch.einsum("ntab,ntjb->ntja", turn_back, self.positions - ground[..., None, :])
        six = features.six_from_matrix(turn_back[..., None, :, :] @ self.rotations)
        places, unknown = points[..., 1:, :].flatten(-2), torch.zeros_like(points).flatten(-2)
        values = torch.cat([pelvis, places, six.flatten(-2), unknown, self.contacts], -1)
        level, height = self.pelvis_on.unbind(-1)
        contacts = self.contacts_on[..., None]
        on = torch.cat(
            [
                torch.stack([level, height, level], -1),
                self.positions_on[..., 1:].repeat_interleave(3, -1),
                self.rotations_on.repeat_interleave(6, -1),
                torch.zeros(*level.shape, 3 * JOINTS, dtype=torch.bool),
                contacts.expand(*level.shape, 4),
            ],
            -1,
        )
        flags = torch.cat([self.rotations_on, self.positions_on[..., 1:], self.pelvis_on, contacts], -1).float()
        assert values.shape[-1] == on.shape[-1] == BODY
        return values, on, flags
