"""What the calibrator sees of a performance: `look`, the same wherever it stands and whichever way it faces.

Beside poses, velocities and feet, everything is split into bands of frequency: a tremor of a degree would be lost in an
arm's swing. What the network takes away is made of the same bands.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from motion import skeleton
from motion.corpus import FPS
from motion.prior import poses
from motion.prior.constraints import JOINTS
from motion.prior.features import exact, six_from_matrix, yaw_matrix
from physics.calibrator.motions import Motions, feet, placed, to_rotvec, turn, world_quaternions

#: Filters that split motion by frequency: cut off at these, hertz, by a windowed sinc where it is sharp enough …
CUTS_HZ = (9.0, 5.5, 3.2)
#: … and Gaussians below, frames at 30 fps: half of 1.4 and 0.7 Hz passes through them.
SIGMAS = (4.0, 8.0)
BANDS = len(CUTS_HZ) + len(SIGMAS)
#: The heading is smoothed this much, frames.
HEADING_SIGMA = 6.0
#: How strong each band is, is averaged over this, frames.
POWER_SIGMA = 15.0
#: So many frames at most are smoothed by a matrix, longer motion by convolution.
_BY_MATRIX = 256
#: Usual tremor, radians and metres, and slip, m/s: what is read is compressed beyond.
TREMOR_RAD, TREMOR_M, SLIP_M_S = 0.02, 0.008, 0.05
#: Where feet stand is averaged over these, frames; and the slope of the ground that they stand on over the last.
STANCE_SIGMAS = (5.0, 20.0, 30.0)
#: How low, m, and how slow, m/s, a part of a foot is that stands; and how far steps must lead to tell a slope, metres.
_LOW_M, _SLOW_M_S, _APART_M = 0.02, 0.15, 0.15
STANCE = 8 * 2 + 2
#: What is usual in these averages: slips, m/s, and heights, m; leans, m, and tilts of a sole.
STANCE_SLIP_M_S, STANCE_TILT = 0.1, 0.05
COLUMNS = 6 * JOINTS + 3 * (JOINTS - 1) + 3 * JOINTS + (4 * JOINTS + 4) * BANDS + 3 + 1 + 1 + 4 * (2 + 6) + STANCE
#: What tells how the whole body stands: poses, and all after the bands.
_POSES = slice(6 * JOINTS, 6 * JOINTS + 3 * (JOINTS - 1) + 3 * JOINTS)
_AFTER = slice(COLUMNS - STANCE - 4 * (2 + 6) - 5, COLUMNS)
STANDING = _POSES.stop - _POSES.start + _AFTER.stop - _AFTER.start
#: Frames on either side that what is seen of one depends on.
LOOKED_AROUND = round(3 * max(SIGMAS[-1] + POWER_SIGMA, STANCE_SIGMAS[-1] + HEADING_SIGMA)) + 2
_I = skeleton.INDEX


@dataclass(frozen=True)
class Seen:
    """A batch as the network sees it."""

    columns: Tensor  # (B, T, COLUMNS)
    turns: Tensor  # (B, T, K, 22, 3) radians, bands of each joint's rotation, in its own frame
    shifts: Tensor  # (B, T, K, 3) metres, bands of the pelvis, in the heading's frame
    heading: Tensor  # (B, T, 3, 3) from the heading's frame to the world


def standing(columns: Tensor) -> Tensor:
    """The columns ``(…, STANDING)`` that tell how the whole body stands; the last `STANCE` are averages over time."""
    return torch.cat([columns[..., _POSES], columns[..., _AFTER]], -1)


def soles_tilt(columns: Tensor) -> Tensor:
    """How standing soles lean, of `Seen.columns`: a rotation's x and z ``(…, 2)`` in the heading's frame, radians."""
    ahead = columns[..., COLUMNS - STANCE + 8 + 5 : COLUMNS - STANCE + 8 + 7]
    return STANCE_TILT * torch.stack([ahead[..., 1], -ahead[..., 0]], -1)


def soles_slip(columns: Tensor) -> Tensor:
    """How fast standing feet slide ``(…, 2)``, x and z in the heading's frame, m/s for an adult; of `Seen.columns`."""
    return STANCE_SLIP_M_S * columns[..., COLUMNS - STANCE : COLUMNS - STANCE + 2]


def smooth(values: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing of ``(B, T, C)`` over time; ends keep value and direction."""
    return _filtered(values, _gaussian(sigma))


def below(values: Tensor, hertz: float) -> Tensor:
    """What of ``(B, T, C)`` is slower than a frequency; ends as in `smooth`."""
    return _filtered(values, _sinc(hertz))


@functools.cache
def _gaussian(sigma: float) -> tuple[float, ...]:
    reach = max(1, round(3 * sigma))
    return _kernel([math.exp(-0.5 * (t / sigma) ** 2) for t in range(-reach, reach + 1)])


@functools.cache
def _sinc(hertz: float) -> tuple[float, ...]:
    """A low pass: sinc under a Hann window of three half waves on either side."""
    reach = max(2, round(1.5 * FPS / hertz))
    wave = lambda x: 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)
    window = lambda t: 0.5 + 0.5 * math.cos(math.pi * t / (reach + 1))
    return _kernel([wave(2 * hertz * t / FPS) * window(t) for t in range(-reach, reach + 1)])


def _kernel(values: list[float]) -> tuple[float, ...]:
    return tuple(v / sum(values) for v in values)


def _filtered(values: Tensor, kernel: tuple[float, ...]) -> Tensor:
    if values.shape[1] > _BY_MATRIX:
        return _convolved(values, kernel)
    return _matrix(values.shape[1], kernel, values.dtype, values.device) @ values


@functools.lru_cache(maxsize=64)
def _matrix(frames: int, kernel: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """What a filter does to so many frames, ``(T, T)``: one product instead of hundreds of narrow convolutions."""
    with torch.inference_mode(False):
        return _convolved(torch.eye(frames, dtype=dtype, device=device)[None], kernel)[0]


def _convolved(values: Tensor, kernel: tuple[float, ...]) -> Tensor:
    weights, reach = torch.tensor(kernel, dtype=values.dtype, device=values.device), len(kernel) // 2
    last = values.shape[1] - 1
    index = torch.arange(1, reach + 1, device=values.device).clamp(max=last)
    before = 2 * values[:, :1] - values[:, index.flip(0)]
    after = 2 * values[:, -1:] - values[:, last - index]
    padded = torch.cat([before, values, after], 1)
    rows, frames, columns = padded.shape
    flat = padded.transpose(1, 2).reshape(rows * columns, 1, frames)
    return F.conv1d(flat, weights[None, None])[:, 0].reshape(rows, columns, -1).transpose(1, 2)


def _velocity(values: Tensor) -> Tensor:
    """Central differences per second over dimension 1."""
    if values.shape[1] < 2:
        return torch.zeros_like(values)
    inner = (values[:, 2:] - values[:, :-2]) * (FPS / 2)
    first, last = (values[:, 1:2] - values[:, :1]) * FPS, (values[:, -1:] - values[:, -2:-1]) * FPS
    return torch.cat([first, inner, last], 1)


def _compressed(x: Tensor) -> Tensor:
    """As it is near zero, growing as a root far from it."""
    return x * torch.rsqrt(1.0 + x.abs())


def _power(bands: Tensor) -> Tensor:
    """How strong bands ``(B, T, …, 3)`` are around each frame, ``(B, T, …)``, as a logarithm."""
    square = (bands * bands).sum(-1)
    around = smooth(square.flatten(2), POWER_SIGMA).unflatten(-1, square.shape[2:])
    return torch.log(around.clamp(min=0.0) + 1e-3)


def _stance(points: Tensor, speed: Tensor, lean: Tensor, soles: Tensor) -> tuple[Tensor, Tensor]:
    """What standing feet tell of a slip, a height and a tilt, averaged over time.

    Args:
        points: ``(B, T, 4, 3)`` parts of the feet, in sizes of an adult, world.
        speed: ``(B, T, 4, 2)`` over the floor, in the heading's frame.
        lean: ``(B, T, 2)`` where the body's middle is, in the heading's frame, from the pelvis.
        soles: ``(B, T, 4, 4)`` of each part where it is from the pelvis, and where its sole faces; heading's frame.

    Returns:
        ``(B, T, 16)``, and the slope of the ground ``(B, T, 2)`` in the world.
    """
    pace, height = speed.norm(dim=-1), points[..., 1]
    stands = torch.softmax(-height / _LOW_M - pace / _SLOW_M_S, -1)
    sure = torch.exp(-(stands * pace).sum(-1, keepdim=True) / _SLOW_M_S) + 1e-3
    part = lambda values: (stands[..., None] * values).sum(2)
    beside = part(soles)
    told = torch.cat([part(speed), part(height[..., None]), lean - beside[..., :2], beside[..., 2:]], -1)
    told = (told / told.new_tensor([STANCE_SLIP_M_S] * 3 + [STANCE_TILT] * 4)).clamp(-2.5, 2.5)
    columns = []
    for sigma in STANCE_SIGMAS[:2]:
        weight = smooth(sure, sigma).clamp(min=1e-4)
        columns += [smooth(sure * told, sigma) / weight, weight]
    place = part(points)
    weight = smooth(sure, STANCE_SIGMAS[2]).clamp(min=1e-4)
    mean = lambda values: smooth(sure * values, STANCE_SIGMAS[2]) / weight
    x, y, z = place.unbind(-1)
    first = mean(torch.stack([x, y, z], -1))
    second = mean(torch.stack([x * x, z * z, x * z, x * y, z * y], -1))
    mx, my, mz = first.unbind(-1)
    xx, zz = second[..., 0] - mx * mx + _APART_M**2, second[..., 1] - mz * mz + _APART_M**2
    xz, xy, zy = second[..., 2] - mx * mz, second[..., 3] - mx * my, second[..., 4] - mz * my
    area = (xx * zz - xz * xz).clamp(min=_APART_M**4)
    return torch.cat(columns, -1), torch.stack([zz * xy - xz * zy, xx * zy - xz * xy], -1) / area[..., None]


@exact
def look(motions: Motions) -> Seen:
    """Everything that the network is told, normalised by the size of the performer."""
    local, offsets = motions.local, motions.offsets
    frames = local.shape[1]
    origin = motions.root[:, :1] * motions.root.new_tensor([1.0, 0.0, 1.0])
    root, size = motions.root - origin, motions.size[:, None, None]
    world, places = placed(world_quaternions(local), offsets)
    across = places[:, :, _I["left_hip"]] - places[:, :, _I["right_hip"]]
    across = across + places[:, :, _I["left_shoulder"]] - places[:, :, _I["right_shoulder"]]
    face = smooth(torch.stack([across[..., 0], -across[..., 2]], -1), HEADING_SIGMA)  # cos and sin of the yaw
    face = face / face.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    heading = yaw_matrix(face[..., 0], face[..., 1])
    back = heading.transpose(-1, -2)
    # ---- bands
    turns, shifts = [], []
    flat = local.flatten(2)
    done_turn, done_shift = torch.zeros_like(places), torch.zeros_like(root)
    for slow in (
        *(functools.partial(below, hertz=c) for c in CUTS_HZ),
        *(functools.partial(smooth, sigma=g) for g in SIGMAS),
    ):
        calm = F.normalize(slow(flat).unflatten(-1, (JOINTS, 4)), dim=-1)
        beyond = to_rotvec(poses.multiply(poses.inverse(calm), local))
        turns.append(beyond - done_turn)
        done_turn = beyond
        shift = root - slow(root)
        shifts.append(shift - done_shift)
        done_shift = shift
    bands_of_turn = torch.stack(turns, 2)
    bands_of_shift = turn(back[:, :, None], torch.stack(shifts, 2))
    # ---- the rest
    upright = root * root.new_tensor([0.0, 1.0, 0.0])
    body = turn(back[:, :, None], places) / size[..., None]
    points = feet(world, places + upright[:, :, None], offsets)
    pace = turn(back[:, :, None], _velocity(points + (root - upright)[:, :, None])) / size[..., None]
    height = points[..., 1] / size
    parts = points - upright[:, :, None]  # from above the pelvis
    beside = turn(back[:, :, None], parts)[..., [0, 2]] / size[..., None]
    ankles = world[:, :, [_I["left_ankle"], _I["right_ankle"]], :, 1]  # where soles face away from
    faces = turn(back[:, :, None], ankles)[..., [0, 2]].repeat_interleave(2, 2)
    stance, slope = _stance(
        (points + (root - upright)[:, :, None]) / size[..., None],
        pace[..., [0, 2]],
        body[..., [0, 2]].mean(2),
        torch.cat([beside, faces], -1),
    )
    level = F.pad(slope, (0, 1))[..., [0, 2, 1]]  # x, 0, z
    spin = face[:, :-1, 0] * face[:, 1:, 1] - face[:, :-1, 1] * face[:, 1:, 0]
    spin = F.pad(spin, (0, 1)) * FPS if frames > 1 else torch.zeros_like(face[..., 0])
    columns = [
        six_from_matrix(back[:, :, None] @ world).flatten(2),
        to_rotvec(local[:, :, 1:]).flatten(2),
        body.flatten(2),
        _compressed(bands_of_turn / TREMOR_RAD).flatten(2),
        _compressed(bands_of_shift / (TREMOR_M * size[..., None])).flatten(2),
        _power(bands_of_turn / TREMOR_RAD).flatten(2),
        _power(bands_of_shift / (TREMOR_M * size[..., None])).flatten(2),
        turn(back, _velocity(root)) / size,
        spin[..., None],
        root[..., 1:2] / size,
        10.0 * height.clamp(-1.0, 1.0),
        torch.tanh(height / 0.04),
        pace.flatten(2),
        _compressed(pace / SLIP_M_S).flatten(2),
        stance,
        (20.0 * turn(back, level)[..., [0, 2]]).clamp(-2.5, 2.5),
    ]
    return Seen(torch.cat(columns, -1), bands_of_turn, bands_of_shift, heading)
