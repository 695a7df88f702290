"""Explicit motion features: a smoothed root in the world, and a body in its own heading's frame; and back to a `Clip`.

Every rotation is kept in the character's frame (the world turned back by the heading), not in its parent's: forward
kinematics is then a sum along the tree, and an error in the spine does not swing the hands.

Root, one row a frame (`ROOT` columns): smoothed path x, z; pelvis height; heading as cos, sin; path velocity x, z in
m/s; yaw rate in rad/s. World or window axes; metres.

Body, one row a frame (`BODY` columns), in the frame of the heading at the path's point on the floor: pelvis (3), 21
joint positions (63), 22 rotations as the first two columns of their matrices (132, Zhou et al. 2019), 22 joint
velocities in m/s (66), contacts of left heel, left toe, right heel, right toe (4).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from torch import Tensor

from motion import skeleton
from motion.clip import Clip, ContactTrack
from motion.contacts import LABELS
from motion.corpus import FPS
from motion.prior.constraints import JOINTS
from motion.take import Provenance

P = ParamSpec("P")
R = TypeVar("R")

ROOT = 8
BODY = 3 + 3 * (JOINTS - 1) + 6 * JOINTS + 3 * JOINTS + 4
PELVIS = slice(0, 3)
POSITIONS = slice(3, 66)  # joints 1 to 21
ROTATIONS = slice(66, 198)
VELOCITIES = slice(198, 264)
CONTACTS = slice(264, 268)

#: Widths of the Gaussians that smooth a root, in seconds: the path loses the sway of each step, the heading its twist.
PATH_SIGMA_S = 0.25
HEADING_SIGMA_S = 0.12

_PARENTS: list[int] = skeleton.PARENTS[:JOINTS].tolist()
_I = skeleton.INDEX
#: Ends that the root model is told of: head, wrists, ankles.
ENDS: tuple[int, ...] = tuple(_I[n] for n in ("head", "left_wrist", "right_wrist", "left_ankle", "right_ankle"))


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Keep kinematics in full precision inside a network's autocast: in bfloat16 a metre is known to 4 mm."""

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return function(*args, **kwargs)

    return inner


def matrix_from_quaternion(q: Tensor) -> Tensor:
    """Rotation matrices ``(…, 3, 3)`` of unit quaternions ``(…, 4)``, xyzw."""
    x, y, z, w = q.unbind(-1)
    xx, yy, zz, xy, xz, yz, wx, wy, wz = x * x, y * y, z * z, x * y, x * z, y * z, w * x, w * y, w * z
    rows = [
        1 - 2 * (yy + zz), 2 * (xy - wz), 2 * (xz + wy),
        2 * (xy + wz), 1 - 2 * (xx + zz), 2 * (yz - wx),
        2 * (xz - wy), 2 * (yz + wx), 1 - 2 * (xx + yy),
    ]  # fmt: skip
    return torch.stack(rows, -1).reshape(*q.shape[:-1], 3, 3)


def six_from_matrix(matrix: Tensor) -> Tensor:
    """The first two columns of rotation matrices ``(…, 3, 3)`` as ``(…, 6)``."""
    return torch.cat([matrix[..., :, 0], matrix[..., :, 1]], -1)


@exact
def matrix_from_six(six: Tensor) -> Tensor:
    """Rotation matrices ``(…, 3, 3)`` from any ``(…, 6)`` by Gram-Schmidt (Zhou et al. 2019, eq. 15)."""
    a, b = six[..., :3], six[..., 3:]
    x = torch.nn.functional.normalize(a, dim=-1)
    y = torch.nn.functional.normalize(b - (x * b).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1)


def yaw_matrix(cos: Tensor, sin: Tensor) -> Tensor:
    """Turns about +Y by an angle given as cos and sin: ``(…, 3, 3)``; +Z turns towards +X."""
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    return torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], -1).reshape(*cos.shape, 3, 3)


@exact
def forward(rotations: Tensor, rest_offsets: Tensor) -> Tensor:
    """Joint positions relative to the pelvis, from rotations that share one frame.

    Args:
        rotations: ``(…, 22, 3, 3)``, each joint's whole rotation in one frame.
        rest_offsets: ``(22 or 24, 3)`` metres.

    Returns:
        ``(…, 22, 3)`` metres, in that frame; the pelvis is zero.
    """
    bones = torch.einsum("...jab,jb->...ja", rotations[..., _PARENTS[1:], :, :], rest_offsets[1:JOINTS])
    positions = [torch.zeros_like(bones[..., 0, :])]
    for joint in range(1, JOINTS):
        positions.append(positions[_PARENTS[joint]] + bones[..., joint - 1, :])
    return torch.stack(positions, -2)


def smooth(values: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing of ``(T, K)`` over time, sigma in frames; the ends keep their value and direction."""
    reach = max(1, round(3 * sigma))
    t = torch.arange(-reach, reach + 1, dtype=values.dtype)
    kernel = torch.exp(-0.5 * (t / sigma) ** 2)
    kernel /= kernel.sum()
    # Odd reflection: a straight walk stays straight, up to the ends.
    index = torch.arange(1, reach + 1).clamp(max=len(values) - 1)
    before = 2 * values[:1] - values[index.flip(0)]
    after = 2 * values[-1:] - values[len(values) - 1 - index]
    padded = torch.cat([before, values, after]).T[:, None]
    return torch.nn.functional.conv1d(padded, kernel[None, None])[:, 0].T


@exact
def facing(rotations: Tensor, rest_offsets: Tensor) -> Tensor:
    """Where hips and shoulders face: level vectors ``(…, 2)`` (x, z), not normalised: short when neither is level.

    Args:
        rotations: ``(…, 22, 3, 3)`` in the world.
        rest_offsets: ``(22 or 24, 3)`` metres.
    """
    positions = forward(rotations, rest_offsets)
    across = positions[..., _I["left_hip"], :] - positions[..., _I["right_hip"], :]
    across = across + positions[..., _I["left_shoulder"], :] - positions[..., _I["right_shoulder"], :]
    return torch.stack([-across[..., 2], across[..., 0]], -1)  # left is +X of a performer who faces +Z


@dataclass(frozen=True)
class Track:
    """A motion in the world as tensors: what features are made from and come back to."""

    path: Tensor  # (…, T, 2) metres, smoothed root x, z
    heading: Tensor  # (…, T, 2) cos, sin of the smoothed heading
    pelvis: Tensor  # (…, T, 3) metres
    rotations: Tensor  # (…, T, 22, 3, 3) world
    contacts: Tensor  # (…, T, 4) float: 0 or 1
    rest_offsets: Tensor  # (24, 3)

    def positions(self) -> Tensor:
        """Joint positions ``(…, T, 22, 3)``, metres, world."""
        return forward(self.rotations, self.rest_offsets) + self.pelvis[..., None, :]


@exact
def track(
    rotations: Tensor, root_position: Tensor, contacts: Tensor, rest_offsets: Tensor, fps: float = float(FPS)
) -> Track:
    """One clip as a `Track`.

    Args:
        rotations: ``(T, 24 or 22, 4)`` local, xyzw.
        root_position: ``(T, 3)`` metres.
        contacts: ``(T, 4)``.
        rest_offsets: ``(24, 3)`` metres.
        fps: frames per second, for the smoothing.
    """
    local = matrix_from_quaternion(rotations[:, :JOINTS])
    world = [local[:, 0]]
    for joint in range(1, JOINTS):
        world.append(world[_PARENTS[joint]] @ local[:, joint])
    matrices = torch.stack(world, 1)
    face = smooth(facing(matrices, rest_offsets), HEADING_SIGMA_S * fps)
    face = torch.nn.functional.normalize(face, dim=-1)
    return Track(
        path=smooth(root_position[:, [0, 2]], PATH_SIGMA_S * fps),
        heading=torch.stack([face[:, 1], face[:, 0]], -1),  # yaw from +Z towards +X
        pelvis=root_position,
        rotations=matrices,
        contacts=contacts.to(root_position.dtype),
        rest_offsets=rest_offsets,
    )


def _velocity(values: Tensor, dim: int) -> Tensor:
    """Forward differences per second along ``dim``; the last is repeated. One frame has none."""
    if values.shape[dim] == 1:
        return torch.zeros_like(values)
    step = torch.diff(values, dim=dim) * FPS
    return torch.cat([step, step.narrow(dim, step.shape[dim] - 1, 1)], dim)


def root_features(t: Track) -> Tensor:
    """``(…, T, ROOT)`` of a track, in its own axes."""
    c, s = t.heading.unbind(-1)
    turn = torch.stack([c[..., :-1] * c[..., 1:] + s[..., :-1] * s[..., 1:],
                        c[..., :-1] * s[..., 1:] - s[..., :-1] * c[..., 1:]], -1)  # fmt: skip
    rate = torch.atan2(turn[..., 1], turn[..., 0]) * FPS
    rate = torch.cat([rate, rate[..., -1:]], -1) if rate.shape[-1] else torch.zeros_like(c)
    return torch.cat([t.path, t.pelvis[..., 1:2], t.heading, _velocity(t.path, -2), rate[..., None]], -1)


@exact
def body_features(t: Track) -> Tensor:
    """``(…, T, BODY)`` of a track; the same wherever the track stands and whichever way it faces."""
    turn_back = yaw_matrix(t.heading[..., 0], -t.heading[..., 1])  # (…, T, 3, 3)
    world = t.positions()
    velocity = _velocity(world, -3)
    ground = torch.stack([t.path[..., 0], torch.zeros_like(t.path[..., 0]), t.path[..., 1]], -1)
    local = torch.einsum("...tab,...tjb->...tja", turn_back, world - ground[..., None, :])
    speed = torch.einsum("...tab,...tjb->...tja", turn_back, velocity)
    six = six_from_matrix(turn_back[..., None, :, :] @ t.rotations)
    return torch.cat([local.flatten(-2), six.flatten(-2), speed.flatten(-2), t.contacts], -1)


@exact
def place(root: Tensor, body: Tensor, rest_offsets: Tensor) -> Track:
    """The track that root and body features describe. Only root, pelvis, rotations and contacts are read.

    Args:
        root: ``(…, T, ROOT)``.
        body: ``(…, T, BODY)``, not normalised.
        rest_offsets: ``(24, 3)`` metres.
    """
    heading = torch.nn.functional.normalize(root[..., 3:5], dim=-1)
    turn = yaw_matrix(heading[..., 0], heading[..., 1])
    pelvis = torch.einsum("...tab,...tb->...ta", turn, body[..., PELVIS])
    pelvis = pelvis + torch.stack([root[..., 0], torch.zeros_like(root[..., 0]), root[..., 1]], -1)
    six = body[..., ROTATIONS].unflatten(-1, (JOINTS, 6))
    rotations = turn[..., None, :, :] @ matrix_from_six(six)
    return Track(root[..., :2], heading, pelvis, rotations, body[..., CONTACTS], rest_offsets)


@exact
def turned(t: Track, cos: Tensor, sin: Tensor, shift: Tensor) -> Track:
    """The track moved by ``shift`` (…, 2) and then turned about the origin by a yaw given as cos and sin ``(…,)``."""
    turn = yaw_matrix(cos, sin)[..., None, :, :]
    flat = torch.stack([t.path[..., 0], torch.zeros_like(t.path[..., 0]), t.path[..., 1]], -1)
    offset = torch.stack([shift[..., 0], torch.zeros_like(shift[..., 0]), shift[..., 1]], -1)[..., None, :]
    path = torch.einsum("...tab,...tb->...ta", turn.expand(*flat.shape[:-1], 3, 3), flat + offset)
    pelvis = torch.einsum("...tab,...tb->...ta", turn.expand(*flat.shape[:-1], 3, 3), t.pelvis + offset)
    c, s = t.heading.unbind(-1)
    cos, sin = cos[..., None], sin[..., None]
    heading = torch.stack([c * cos - s * sin, s * cos + c * sin], -1)
    return Track(path[..., [0, 2]], heading, pelvis, turn[..., None, :, :] @ t.rotations, t.contacts, t.rest_offsets)


def to_clip(t: Track, provenance: Provenance | None = None) -> Clip:
    """One track ``(T, …)`` as a `Clip`; hands stay in line with the wrists.

    Joint rotations are made local again; contacts above one half are on.
    """
    from scipy.spatial.transform import Rotation

    world = t.rotations.double().numpy()
    local = world.copy()
    local[:, 1:] = np.swapaxes(world[:, _PARENTS[1:]], -1, -2) @ world[:, 1:]
    frames = len(world)
    rotations = np.zeros((frames, 24, 4))
    rotations[..., 3] = 1.0
    rotations[:, :JOINTS] = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(frames, JOINTS, 4)
    flips = np.sign((rotations[1:] * rotations[:-1]).sum(-1))
    rotations[1:] *= np.cumprod(np.where(flips == 0, 1, flips), axis=0)[..., None]
    return Clip(
        rotations=rotations,
        root_position=t.pelvis.double().numpy(),
        rest_offsets=t.rest_offsets.double().numpy(),
        fps=Fraction(FPS),
        contacts=ContactTrack(LABELS, t.contacts.numpy() > 0.5),
        provenance=provenance or Provenance(),
    )


def of_clip(clip: Clip, rest_offsets: Tensor | None = None) -> Track:
    """A clip at 30 fps (else `motion.edit.resample` it) as a float32 track; contacts are detected when it has none."""
    from motion import contacts

    on = (clip.contacts or contacts.detect(clip)).on
    if on.shape[1] != 4:
        on = contacts.detect(clip).on
    offsets = torch.as_tensor(clip.rest_offsets, dtype=torch.float32) if rest_offsets is None else rest_offsets
    return track(
        torch.as_tensor(clip.rotations, dtype=torch.float32),
        torch.as_tensor(clip.root_position, dtype=torch.float32),
        torch.as_tensor(on.astype(np.float32)),
        offsets,
    )
