"""What a network predicts made steady: `settle`, one root from places and velocities; `calm`, a body without a shake.

Neither makes motion: an error of a millimetre that changes with every frame is little to a network's loss, and is what
one sees.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import solveh_banded
from torch import Tensor

from motion.corpus import FPS
from motion.prior.features import PELVIS, ROTATIONS

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


#: How much `calm` smooths: people's motion, below 5 Hz, passes; a shake from frame to frame does not.
_CALM = 0.1
#: How much more a frame counts on which a pose is held.
_HELD = 10.0


def calm(body: Tensor, held: Tensor) -> Tensor:
    """Pelvis and rotations without what shakes: a Whittaker smoother of third differences (Eilers 2003).

    At 30 fps with `_CALM` 0.1 it passes 97 % of 4 Hz, half of 8 Hz and a seventh of 15 Hz, and shifts nothing in time.

    Args:
        body: ``(B, T, BODY)``, not normalised.
        held: ``(B, T)`` bool, frames on which a whole pose is given: they are moved least.

    Returns:
        The same shape; the other columns as they were.
    """
    frames = body.shape[1]
    if frames < 4:
        return body
    third = np.array([1.0, -3.0, 3.0, -1.0])
    band = np.zeros((4, frames))  # of D'D, lower form: row k holds the k-th diagonal
    for k in range(4):
        for i in range(4 - k):
            band[k, i : i + frames - 3] += third[i] * third[i + k]
    columns = np.r_[PELVIS, ROTATIONS]
    steady = body.clone()
    for row in range(len(body)):
        weight = np.where(held[row].numpy(), _HELD, 1.0)
        matrix = _CALM * band
        matrix[0] += weight
        values = body[row, :, columns].double().numpy()
        steady[row, :, columns] = torch.as_tensor(
            solveh_banded(matrix, weight[:, None] * values, lower=True), dtype=body.dtype
        )
    return steady
