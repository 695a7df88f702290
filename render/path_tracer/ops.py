"""`Ops`: the few functions that formulas of looks, sky and air need, for NumPy arrays and for Dr.Jit's alike.

A formula written with them, and with ``+ - * /``, runs where pictures are traced and where they are baked. Vectors and
colours are tuples of components.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = Any  # a float, an array, a traced variable
Triple = tuple[Value, Value, Value]


@dataclass(frozen=True)
class Ops:
    """Functions of one array library."""

    select: Callable[[Value, Value, Value], Value]
    minimum: Callable[[Value, Value], Value]
    maximum: Callable[[Value, Value], Value]
    floor: Callable[[Value], Value]
    exp: Callable[[Value], Value]
    sqrt: Callable[[Value], Value]
    acos: Callable[[Value], Value]

    def clip(self, x: Value, low: Value, high: Value) -> Value:
        return self.minimum(self.maximum(x, low), high)

    def step(self, low: Value, high: Value, x: Value) -> Value:
        """GLSL's smoothstep."""
        t = self.clip((x - low) / (high - low), 0.0, 1.0)
        return t * t * (3.0 - 2.0 * t)

    def fract(self, x: Value) -> Value:
        return x - self.floor(x)

    def dot(self, a: Triple, b: Triple) -> Value:
        return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def mix(a: Triple, b: Triple, t: Value) -> Triple:
    """From ``a`` to ``b``, component by component."""
    return tuple(p + (q - p) * t for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


NUMPY = Ops(np.where, np.minimum, np.maximum, np.floor, np.exp, np.sqrt, np.arccos)


def jit(drjit: Any) -> Ops:
    """Those of Dr.Jit."""
    return Ops(
        drjit.select, drjit.minimum, drjit.maximum, drjit.floor, drjit.exp, drjit.sqrt, drjit.acos,
    )  # fmt: skip
