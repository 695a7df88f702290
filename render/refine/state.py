"""The space that refinement works in: light over what the surface reflects, in logarithms; and the way back.

A pixel's light is divided by how much of light its surfaces send back (`modulator`), so that textures and the borders
between dark and bright things drop out and what is left is mostly light; sky, which reflects nothing, is divided by 1.
Logarithms make an error of a tenth the same in the sun and in the shade.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

#: Share of light that every surface reflects besides its colour: glTF's dielectrics mirror 4 %.
MIRRORED = 0.04

#: Light below which logarithms turn linear; a white surface in a preset's shade leaves some 0.2.
KNEE = 0.05

#: State of light that is usual: what is subtracted so that channels are about zero.
USUAL = 2.6

T = TypeVar("T")  # np.ndarray or torch.Tensor


def modulator(albedo_aa: T, alpha: T) -> T:
    """How much of light a pixel's surfaces send back, under the pixel filter.

    Args:
        albedo_aa: base colour under the beauty's filter, of any shape.
        alpha: how much of the pixel is not background, of a shape that broadcasts.
    """
    return albedo_aa + MIRRORED * alpha + (1.0 - alpha)  # type: ignore[operator,return-value]


def to_state(light: np.ndarray, modulator: np.ndarray) -> np.ndarray:
    """Light ``beauty`` in the refiner's space; 0 is none. Negative light counts as none."""
    return np.log1p(np.maximum(light, 0.0) / (modulator * KNEE)).astype(np.float32)


def from_state(state: np.ndarray, modulator: np.ndarray) -> np.ndarray:
    """The light of a state: the inverse of `to_state`."""
    return (np.expm1(np.maximum(state, 0.0)) * (modulator * KNEE)).astype(np.float32)
