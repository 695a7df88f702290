"""`settle`: one smooth root from places and velocities that a network predicts apart."""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import solveh_banded
from torch import Tensor

from motion.corpus import FPS

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
