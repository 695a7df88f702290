"""What a network predicts made steady: `settle` the root, `calm` a body that shakes, `stand` where feet bear weight.

None of them makes motion, and none bends a leg: an error of a millimetre that changes with every frame is little to a
network's loss, and is what one sees.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.linalg import solveh_banded
from torch import Tensor

from motion import footing
from motion.corpus import FPS
from motion.prior.features import PELVIS, ROTATIONS, Track
from motion.smoothing import through

#: How much the predicted steps of a path count against its predicted places: steps are known to millimetres, places to
#: centimetres, and a path that jitters makes feet slide.
_STEPS = 100.0


def settle(root: Tensor) -> Tensor:
    """One smooth path and heading from places and velocities that were predicted apart, by least squares.

    Args:
        root: ``(B, T, ROOT)``.

    Returns:
        The same shape; velocity and yaw rate are those of the path and heading.
    """
    yaw = np.unwrap(torch.atan2(root[..., 4], root[..., 3]).double().numpy(), axis=1)
    places = np.concatenate([root[..., :2].double().numpy(), yaw[..., None]], -1)  # (B, T, 3)
    steps = root[..., 5:8].double().numpy()[:, :-1] / FPS
    frames = places.shape[1]
    diagonal = np.full(frames, 1 + 2 * _STEPS)
    diagonal[[0, -1]] = 1 + _STEPS
    band = np.stack([diagonal, np.full(frames, -_STEPS)])
    right = places.copy()
    right[:, 1:] += _STEPS * steps
    right[:, :-1] -= _STEPS * steps
    flat = right.transpose(1, 0, 2).reshape(frames, -1)
    solved = solveh_banded(band, flat, lower=True).reshape(frames, len(places), 3).transpose(1, 0, 2)
    fixed = torch.as_tensor(solved, dtype=root.dtype)
    velocity = torch.diff(fixed, dim=1) * FPS
    velocity = torch.cat([velocity, velocity[:, -1:]], 1)
    angle = fixed[..., 2]
    return torch.cat([fixed[..., :2], root[..., 2:3], angle.cos()[..., None], angle.sin()[..., None], velocity], -1)


#: How much `calm` smooths a window, and one that must meet given poses, which shakes more: chosen on training motion so
#: that it jolts as captures do.
_CALM, _MEETS = 0.05, 0.3
#: How much more a frame counts on which a pose is held.
_HELD = 3.0


def calm(body: Tensor, held: Tensor) -> Tensor:
    """Pelvis and rotations without what shakes: a Whittaker smoother of third differences (Eilers 2003).

    At 30 fps the two strengths pass 99 and 92 % of 4 Hz, 65 and 24 % of 8 Hz, 24 and 5 % of 15 Hz; nothing is shifted
    in time.

    Args:
        body: ``(B, T, BODY)``, not normalised.
        held: ``(B, T)`` bool, frames on which a whole pose is given: they are moved least.

    Returns:
        The same shape; the other columns as they were.
    """
    if body.shape[1] < 4:
        return body
    columns = np.r_[PELVIS, ROTATIONS]
    steady = body.clone()
    for row in range(len(body)):
        weight = np.where(held[row].numpy(), _HELD, 1.0)
        values = body[row, :, columns].double().numpy()
        even = through(values, weight, _MEETS if held[row].any() else _CALM)
        steady[row, :, columns] = torch.as_tensor(even, dtype=body.dtype)
    return steady


#: What a standing foot counts for against one frame's place where a place is given, and where none is.
_PLACED, _FREE = 1.0, 5e-4
#: How little the correction itself may turn from frame to frame.
_EVEN = 1.0
#: Joints whose places the contacts are about: ankles for heels, balls of the feet for toes.
_FEET = [7, 10, 8, 11]


def stand(track: Track, placed: Tensor) -> Track:
    """The same motion carried over the floor so that feet that bear weight stay where they stand.

    A network knows how a body steps better than how far: its root slides under its own feet by centimetres. The pose is
    not touched; the root takes, by least squares, the steps that the standing feet take, and comes back to the places
    that were asked.

    Args:
        track: ``(B, T, …)``, contacts from 0 to 1.
        placed: ``(B, T)`` bool, frames on which it is given where the root is.
    """
    feet = track.positions()[:, :, _FEET][..., [0, 2]].double().numpy()
    bears = (torch.minimum(track.contacts[:, 1:], track.contacts[:, :-1]) > 0.5).double().numpy()
    bears = bears * np.array([1.0, 2.0, 1.0, 2.0])  # an ankle moves while the foot rolls, the ball does not
    pull = np.where(placed.numpy(), _PLACED, _FREE)
    rows = [footing.carry(f, b, p, _EVEN) for f, b, p in zip(feet, bears, pull, strict=True)]
    carry = torch.as_tensor(np.stack(rows), dtype=track.path.dtype)
    level = torch.stack([carry[..., 0], torch.zeros_like(carry[..., 0]), carry[..., 1]], -1)
    return replace(track, path=track.path + carry, pelvis=track.pelvis + level)
