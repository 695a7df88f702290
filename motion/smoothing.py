"""Smoothing over time by penalised least squares (Whittaker 1923; Eilers 2003): `penalty`, `through`.

Nothing is shifted in time, ends included, and what is not known is bridged as smoothly as the penalty asks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solveh_banded

from motion.rotations import Array


def penalty(weight: ArrayLike, order: int) -> Array:
    """``D' diag(weight) D`` of differences of some order over time, lower banded: row k holds the k-th diagonal.

    Args:
        weight: ``(T − order,)`` of each difference.
        order: 1 for steps, 2 for their changes, 3 for the changes of those.

    Returns:
        ``(order + 1, T)``, as `scipy.linalg.solveh_banded` takes with ``lower=True``.
    """
    weight = np.asarray(weight, dtype=np.float64)
    stencil = np.array([math.comb(order, i) * (-1.0) ** i for i in range(order + 1)])
    band = np.zeros((order + 1, len(weight) + order))
    for k in range(order + 1):
        for i in range(order + 1 - k):
            band[k, i : i + len(weight)] += weight * stencil[i] * stencil[i + k]
    return band


def through(
    values: ArrayLike, weight: ArrayLike, smooth: float, rest: float = 0.0, tension: float = 0.0, order: int = 3
) -> Array:
    """The smooth curve near known values: ``argmin Σ w (x − v)² + smooth Σ (Dⁿx)² + tension Σ (Dx)² + rest Σ x²``.

    Args:
        values: ``(T, …)``; those of weight 0 are not looked at.
        weight: ``(T,)`` how much each is known.
        smooth: of the differences of ``order``, in frames.
        rest: pull to zero, everywhere: an unknown stretch comes back to it.
        tension: of steps: an unknown stretch goes straight on, and stays where it was beyond the last known frame.
        order: of the differences.

    Returns:
        ``(T, …)``. Fewer frames than the order asks for are averaged; with nothing known, zeros.
    """
    values, weight = np.asarray(values, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    known = weight > 0
    flat = np.where(known[:, None], values.reshape(len(values), -1), 0.0)
    if not known.any():
        return np.zeros(values.shape)
    if len(values) <= order:
        mean = (weight[:, None] * flat).sum(0) / weight.sum()
        return np.broadcast_to(mean, flat.shape).reshape(values.shape).copy()
    matrix = smooth * penalty(np.ones(len(values) - order), order)
    matrix[:2] += penalty(np.full(len(values) - 1, tension), 1)
    # A trace of the pull keeps the system solvable where fewer frames are known than a curve has freedoms.
    trace = 0.0 if known.all() else 1e-9 * float(weight.max())
    matrix[0] += weight + max(rest, trace)
    return np.asarray(solveh_banded(matrix, weight[:, None] * flat, lower=True)).reshape(values.shape)


def over(
    least: ArrayLike, smooth: float, rest: ArrayLike, tension: float = 0.0, order: int = 3, rounds: int = 30
) -> Array:
    """The smooth curve that is nowhere below some values, and otherwise near zero.

    ``argmin smooth Σ (Dⁿx)² + tension Σ (Dx)² + Σ rest x²`` under ``x >= least``.

    A primal-dual active set (Hintermüller, Ito and Kunisch 2002): a few banded solves. Where it has not settled after
    all rounds, what is still below is cut off.

    Args:
        least: ``(T,)`` lower bounds; where all are at most 0, zeros come back.
        smooth: of the differences of ``order``, in frames.
        rest: ``(T,)`` or one number, more than 0: pull to zero.
        tension: of steps.
        order: of the differences.
        rounds: at most so many solves.

    Returns:
        ``(T,)``.
    """
    least = np.asarray(least, dtype=np.float64)
    if not (least > 0).any():
        return np.zeros(len(least))
    if len(least) <= order:
        return np.full(len(least), float(least.max()))
    matrix = smooth * penalty(np.ones(len(least) - order), order)
    matrix[:2] += penalty(np.full(len(least) - 1, tension), 1)
    matrix[0] += rest
    firm = 1e5 * float(matrix[0].max())
    tied = least > 0
    x = np.zeros(len(least))
    for _ in range(rounds):
        held = matrix.copy()
        held[0] += firm * tied
        x = solveh_banded(held, firm * tied * least, lower=True)
        push = firm * tied * (least - x)  # what holds a tied frame up; those that would be held down are let go
        wanted = np.where(tied, push > 0, x < least - 1e-9)
        if (wanted == tied).all():
            break
        tied = wanted
    return np.asarray(np.maximum(x, least))
