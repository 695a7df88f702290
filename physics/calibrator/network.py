"""The calibrator's network: dilated convolutions over time that say how much of each band to take away, and the rest.

What trembles is undone by gains on the bands of `features.Seen`, as a filter of its own for each joint and frame, and
by a small addition; what moves the whole body is told as height, speed over the floor, and tilt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motion.prior.constraints import JOINTS
from physics.calibrator.features import BANDS, COLUMNS, STANCE, STANCE_SLIP_M_S, STANCE_TILT, STANDING, Seen, standing

#: A usual addition of the network's own: radians, metres.
OWN_RAD, OWN_M = 0.03, 0.01
#: Usual heights, m, slips, m/s, and tilts, radians.
LIFT_M, SLIP_M_S, TILT_RAD = 0.05, 0.1, 0.05


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    width: int = 176  # of what sees poses
    hidden: int = 224
    stance_width: int = 96  # of what sees where the whole body stands
    stance_hidden: int = 160
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 2, 1)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, card: Mapping[str, Any]) -> Config:
        """What `as_dict` gave, also after it went through JSON."""
        return cls(**{**card, "dilations": tuple(card["dilations"])})

    @property
    def reach(self) -> int:
        """Frames on either side that an answer depends on."""
        return sum(self.dilations)


@dataclass(frozen=True)
class Answer:
    """What the network says of each frame."""

    shaken: Tensor  # (B, T) logit: the pose trembles
    turns: Tensor  # (B, T, 22, 3) radians, to be taken from each joint's rotation, in its own frame
    shift: Tensor  # (B, T, 3) metres, to be taken from the pelvis, in the heading's frame
    lift: Tensor  # (B, T) metres that the body is too high
    slip: Tensor  # (B, T, 2) m/s that the body slides, in the heading's frame, x and z
    tilt: Tensor  # (B, T, 2) radians that the world leans, in the heading's frame, x and z
    contacts: Tensor  # (B, T, 4) logits: left heel, left toe, right heel, right toe
    flipped: Tensor  # (B, T, 2) logits: left and right foot


class Block(nn.Module):
    """Three frames, so many apart, and a two-layer network, added to the input."""

    def __init__(self, width: int, hidden: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(3 * width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        d, frames = self.dilation, x.shape[1]
        padded = F.pad(self.norm(x), (0, 0, d, d))
        around = torch.cat([padded[:, k * d : k * d + frames] for k in range(3)], -1)
        return x + self.down(F.gelu(self.up(around)))


class Trunk(nn.Module):
    """Blocks over time between what is read and so many answers of every frame."""

    def __init__(self, columns: int, width: int, hidden: int, dilations: tuple[int, ...], answers: int) -> None:
        super().__init__()
        self.stem = nn.Linear(columns, width)
        self.blocks = nn.ModuleList(Block(width, hidden, d) for d in dilations)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, answers)
        nn.init.zeros_(self.head.weight)  # untrained it changes nothing
        nn.init.zeros_(self.head.bias)
        for block in self.blocks:
            assert isinstance(block, Block)
            nn.init.normal_(block.down.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).float()


def _said() -> Tensor:
    """Where `Network.direct` starts ``(5, STANCE)``: what averages over standing feet say by themselves."""
    weight = torch.zeros(5, STANCE)
    slip_x, slip_z, height, sole_x, sole_z = 0, 1, 2, 5, 6  # columns of each of the two averages
    for first in (0, 8):
        weight[0, first + height] = 0.5 * STANCE_SLIP_M_S / LIFT_M
        weight[1, first + slip_x] = weight[2, first + slip_z] = 0.5 * STANCE_SLIP_M_S / SLIP_M_S
    weight[3, 8 + sole_z] = 0.4 * STANCE_TILT / TILT_RAD  # walking feet roll from heel to toe
    weight[4, 8 + sole_x] = -0.8 * STANCE_TILT / TILT_RAD
    return weight


class Network(nn.Module):
    """Reads `Seen`, answers with what is wrong: one trunk for poses, a narrower one for the whole body and its feet."""

    mean: Tensor
    scale: Tensor

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        self.config = c = config or Config()
        self._of_pose = (1, 3 * JOINTS * BANDS, 3 * BANDS, 3 * JOINTS, 3)
        self._of_stance = (1, 2, 2, 4, 2, 5)
        self.register_buffer("mean", torch.zeros(COLUMNS))
        self.register_buffer("scale", torch.ones(COLUMNS))
        self.pose = Trunk(COLUMNS, c.width, c.hidden, c.dilations, sum(self._of_pose))
        self.stance = Trunk(STANDING, c.stance_width, c.stance_hidden, c.dilations, sum(self._of_stance))
        self.direct = nn.Linear(STANCE, sum(self._of_stance[:3]))  # height, slip and tilt are nearly said already
        nn.init.zeros_(self.direct.bias)
        with torch.no_grad():
            self.direct.weight.copy_(_said())

    @torch.no_grad()
    def measure(self, columns: Tensor) -> None:
        """Take mean and spread of what is read from ``(…, COLUMNS)``."""
        flat = columns.flatten(0, -2)
        self.mean.copy_(flat.mean(0))
        self.scale.copy_(1.0 / flat.std(0).clamp(min=1e-2))

    def forward(self, seen: Seen) -> Answer:
        x = ((seen.columns - self.mean) * self.scale).clamp(-8.0, 8.0)
        shaken, gains, root_gains, own, own_root = self.pose(x).split(self._of_pose, -1)
        lift, slip, tilt, contacts, flipped, sure = self.stance(standing(x)).split(self._of_stance, -1)
        said = torch.sigmoid(sure) * self.direct(seen.columns[..., -STANCE:]).float()
        turns = (gains.unflatten(-1, seen.turns.shape[2:]) * seen.turns).sum(2)
        shift = (root_gains.unflatten(-1, seen.shifts.shape[2:]) * seen.shifts).sum(2)
        return Answer(
            shaken[..., 0],
            turns + OWN_RAD * own.unflatten(-1, (JOINTS, 3)),
            shift + OWN_M * own_root,
            LIFT_M * (lift + said[..., :1])[..., 0],
            SLIP_M_S * (slip + said[..., 1:3]),
            TILT_RAD * (tilt + said[..., 3:]),
            contacts,
            flipped,
        )
