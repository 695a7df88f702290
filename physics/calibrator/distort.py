"""Faults planted into batches of captures, harder and softer than `physics.faults` plants them: `distort`.

Several may meet in one performance; one in four is left as it is. What was done is told in the terms in which it is to
be undone (`Faults`). Order of planting: noise or jitter, flips, what moves the whole body, and last the tilt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from motion import skeleton
from motion.corpus import FPS
from motion.prior import poses
from motion.prior.constraints import JOINTS
from physics.calibrator.motions import Motions, from_rotvec, world_quaternions

#: How often a performance is left alone; each fault by itself otherwise.
CLEAN = 0.25
SHAKEN, FLIPPED, LIFTED, MOVED, TILTED = 0.55, 0.2, 0.35, 0.35, 0.4
#: Of shaken ones: jitter, every frame anew.
JITTERED = 0.35
#: Sizes, metres, drawn evenly on a logarithmic scale: the bench's 1 to 3 cm and 2 to 5 mm lie inside.
NOISE_M, JITTER_M = (0.004, 0.045), (0.001, 0.012)
NOISE_HZ = (0.8, 8.0)
FLIP_RAD, FLIP_S, FLIP_EVERY_S = (0.5, 2.4), (0.07, 0.5), 2.0
LIFT_M, SLIDE_M_S, DRIFT_M, DRIFT_HZ = (0.005, 0.15), (0.02, 0.3), (0.02, 0.25), (0.1, 0.6)
TILT_RAD = (0.01, 0.11)
#: A body is called shaken from this mean distance on, metres.
CALLED_SHAKEN_M = 0.002
_ANKLES = [skeleton.INDEX["left_ankle"], skeleton.INDEX["right_ankle"]]


@dataclass(frozen=True)
class Faults:
    """What was done, frame by frame; what is level is in world axes."""

    shaken: Tensor  # (B, T) 0 to 1: noise or jitter, from none to 2 mm and more
    flipped: Tensor  # (B, T, 2) 0 or 1, left and right foot
    lift: Tensor  # (B, T) metres up
    slip: Tensor  # (B, T, 2) m/s over the floor, x and z
    tilt: Tensor  # (B, 2) rotation vector's x and z, radians


class Chance:
    """Everything drawn, from one seed."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.device = device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return (low + (high - low) * torch.rand(*shape, generator=self.generator)).to(self.device)

    def scaled(self, span: tuple[float, float], *shape: int) -> Tensor:
        """Even on a logarithmic scale."""
        low, high = torch.tensor(span).log().tolist()
        return self.uniform(low, high, *shape).exp()

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator).to(self.device)

    def happens(self, share: float, *shape: int) -> Tensor:
        return self.uniform(0.0, 1.0, *shape) < share

    def index(self, below: int, *shape: int) -> Tensor:
        return torch.randint(below, shape, generator=self.generator).to(self.device)


def smooth_noise(chance: Chance, frames: int, channels: int, highest_hz: Tensor) -> Tensor:
    """``(B, T, channels)`` without anything above each row's frequency ``(B,)``; of about unit power."""
    longer = frames + 2 * FPS  # the spectrum makes it a loop: cut so that ends do not meet
    spectrum = torch.fft.rfft(chance.normal(len(highest_hz), longer, channels), dim=1)
    keep = torch.fft.rfftfreq(longer, 1.0 / FPS).to(highest_hz.device) <= highest_hz[:, None]
    band = torch.fft.irfft(spectrum * keep[..., None], n=longer, dim=1)[:, :frames]
    return band / keep.float().mean(1).sqrt()[:, None, None]


def distort(clean: Motions, chance: Chance) -> tuple[Motions, Motions, Faults]:
    """Spoil a batch.

    Args:
        clean: captures.
        chance: where everything is drawn from.

    Returns:
        the spoiled batch; the same neither shaken nor flipped, but lifted, moved and tilted as much; what was done.
    """
    rows, frames = clean.local.shape[:2]
    spoiled = ~chance.happens(CLEAN, rows)
    local, root, shaken = _shake(clean, chance, spoiled & chance.happens(SHAKEN, rows))
    local, flipped = _flip(local, chance, spoiled & chance.happens(FLIPPED, rows))
    lift = _lift(chance, rows, frames) * (spoiled & chance.happens(LIFTED, rows))[:, None] * clean.size[:, None]
    way = _way(chance, rows, frames) * (spoiled & chance.happens(MOVED, rows))[:, None, None]
    way = way * clean.size[:, None, None]
    carried = torch.stack([way[..., 0], lift, way[..., 1]], -1)
    slip = torch.diff(way, dim=1) * FPS
    slip = torch.cat([slip, slip[:, -1:]], 1)
    size = chance.uniform(*TILT_RAD, rows) * (spoiled & chance.happens(TILTED, rows))
    about = chance.uniform(0.0, 2 * torch.pi, rows)
    tilt = torch.stack([size * about.cos(), -size * about.sin()], -1)
    calm = replace(clean, root=clean.root + carried)
    pivot = calm.root.mean(1) * calm.root.new_tensor([1.0, 0.0, 1.0])
    made = tilted(replace(clean, local=local, root=root + carried), tilt, pivot)
    return made, tilted(calm, tilt, pivot), Faults(shaken, flipped, lift, slip, tilt)


def tilted(motions: Motions, tilt: Tensor, pivot: Tensor) -> Motions:
    """Turned about a level line through ``pivot`` ``(B, 3)``; ``tilt`` ``(B, 2)``, a rotation's x and z, radians."""
    pivot = pivot[:, None]
    q = from_rotvec(torch.stack([tilt[:, 0], torch.zeros_like(tilt[:, 0]), tilt[:, 1]], -1))[:, None]
    arm = motions.root - pivot
    u, w = q[..., :3].expand_as(arm), q[..., 3:]
    across = 2.0 * torch.linalg.cross(u, arm)
    root = pivot + arm + w * across + torch.linalg.cross(u, across)
    first = poses.multiply(q.expand_as(motions.local[:, :, 0]), motions.local[:, :, 0])
    return replace(motions, local=torch.cat([first[:, :, None], motions.local[:, :, 1:]], 2), root=root)


def _shake(clean: Motions, chance: Chance, on: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Noise or jitter of root and pose, which move joints as far as each other, as in `physics.faults`."""
    rows, frames = clean.local.shape[:2]
    jitter = chance.happens(JITTERED, rows)
    both = chance.happens(0.15, rows)  # smooth noise and jitter together
    size = torch.where(jitter, chance.scaled(JITTER_M, rows), chance.scaled(NOISE_M, rows))
    columns = 3 + 3 * JOINTS
    smooth = smooth_noise(chance, frames, columns, chance.scaled(NOISE_HZ, rows))
    white = chance.normal(rows, frames, columns)
    mixed = smooth + white * (both * chance.uniform(0.05, 0.4, rows))[:, None, None]
    values = torch.where(jitter[:, None, None], white, mixed)
    # Some shake as a whole, some in a few joints, some for a while.
    few = chance.happens(0.15, rows)[:, None] & chance.happens(0.6, rows, columns // 3)
    values = values * (~few).float().repeat_interleave(3, 1)[:, None]
    values = values * _while(chance, rows, frames)[..., None]
    place, angles = values[..., :3], values[..., 3:].unflatten(-1, (JOINTS, 3))
    before = _places(clean.local, clean.offsets)
    small = 1e-2
    moved = _places(poses.multiply(clean.local, from_rotvec(small * angles)), clean.offsets) - before
    far_pose = moved.norm(dim=-1).mean((1, 2)).clamp(min=1e-7) / small
    far_root = place.norm(dim=-1).mean(1).clamp(min=1e-7)
    share = chance.uniform(0.6, 0.8, rows)  # evenly: 0.707 of the whole each
    size = size * clean.size * on
    pose = (size * share / far_pose).clamp(max=1.0)[:, None, None, None]
    place = place * (size * (1 - share**2).sqrt() / far_root)[:, None, None]
    local = poses.multiply(clean.local, from_rotvec(pose * angles))
    amount = (values**2).mean(-1).sqrt()
    amount = amount / amount.mean(1, keepdim=True).clamp(min=1e-6) * (size / clean.size)[:, None]
    envelope = torch.nn.functional.avg_pool1d(amount[:, None], 9, 1, 4, count_include_pad=False)[:, 0]
    return local, clean.root + place, (envelope / CALLED_SHAKEN_M).clamp(max=1.0)


def _places(local: Tensor, offsets: Tensor) -> Tensor:
    from physics.calibrator.motions import placed

    return placed(world_quaternions(local), offsets)[1]


def _while(chance: Chance, rows: int, frames: int) -> Tensor:
    """``(B, T)``: mostly ones, else a hill or a valley."""
    t = torch.arange(frames).to(chance.device)[None]
    middle, wide = chance.uniform(0.0, frames, rows, 1), chance.uniform(8.0, 40.0, rows, 1)
    hill = torch.exp(-0.5 * ((t - middle) / wide) ** 2)
    hill = torch.where(chance.happens(0.5, rows, 1), hill, 1 - hill)
    return torch.where(chance.happens(0.25, rows, 1), hill, torch.ones_like(hill))


def _flip(local: Tensor, chance: Chance, on: Tensor) -> tuple[Tensor, Tensor]:
    """Ankles turned for a moment: each flipped row in one foot, some in both."""
    rows, frames = local.shape[:2]
    t = torch.arange(frames).to(chance.device)[None]
    flipped = torch.zeros(rows, frames, 2, dtype=torch.bool, device=local.device)
    for k in range(max(1, round(frames / FPS / FLIP_EVERY_S)) + 1):
        length = (chance.scaled(FLIP_S, rows, 1) * FPS).round().clamp(min=1)
        begin = (chance.uniform(0.0, 1.0, rows, 1) * (frames + length)).floor() - length
        here = (t >= begin) & (t < begin + length) & (k == 0 or chance.happens(0.7, rows, 1))
        flipped |= here[..., None]
    side = chance.index(2, rows)
    feet = torch.stack([side == 0, side == 1], -1) | chance.happens(0.1, rows)[:, None]
    flipped = flipped & feet[:, None] & on[:, None, None]
    axis = torch.nn.functional.normalize(chance.normal(rows, 2, 3), dim=-1)
    angle = chance.uniform(*FLIP_RAD, rows, 2, 1)
    q = from_rotvec(axis * angle)[:, None].expand(rows, frames, 2, 4)
    ankles = torch.where(flipped[..., None], poses.multiply(local[:, :, _ANKLES], q), local[:, :, _ANKLES])
    local = local.clone()
    local[:, :, _ANKLES] = ankles
    return local, flipped.float()


def _lift(chance: Chance, rows: int, frames: int) -> Tensor:
    """``(B, T)`` metres: evenly, growing, or wandering."""
    height = chance.scaled(LIFT_M, rows, 1) * torch.where(chance.happens(0.5, rows, 1), 1.0, -1.0)
    t = torch.arange(frames).to(chance.device)[None] / max(frames - 1, 1)
    start, span = chance.uniform(-1.5, 0.5, rows, 1), chance.uniform(1.0, 4.0, rows, 1)
    share = ((t - start) / span).clamp(0.0, 1.0)
    ramp = share * share * (3 - 2 * share)
    wander = smooth_noise(chance, frames, 1, torch.full((rows,), 0.4, device=chance.device))[..., 0]
    kind = chance.uniform(0.0, 1.0, rows, 1)
    return height * torch.where(kind < 0.5, torch.ones_like(ramp), torch.where(kind < 0.85, ramp, wander))


def _way(chance: Chance, rows: int, frames: int) -> Tensor:
    """``(B, T, 2)`` metres over the floor: a slide, or slow wandering."""
    about = chance.uniform(0.0, 2 * torch.pi, rows, 1, 1)
    t = torch.arange(frames).to(chance.device)[None, :, None] / FPS
    slide = chance.scaled(SLIDE_M_S, rows, 1, 1) * t * torch.cat([about.sin(), about.cos()], -1)
    wander = _slow(chance, frames, rows)
    wander = wander * chance.scaled(DRIFT_M, rows, 1, 1) / wander.norm(dim=-1).mean(1)[:, None, None].clamp(min=1e-6)
    return torch.where(chance.happens(0.5, rows, 1, 1), slide, wander)


def _slow(chance: Chance, frames: int, rows: int) -> Tensor:
    """Wandering ``(B, T, 2)``, slower than a drawn frequency."""
    longer = frames + 8 * FPS
    highest = chance.scaled(DRIFT_HZ, rows)
    return smooth_noise(chance, longer, 2, highest)[:, 4 * FPS : 4 * FPS + frames]
