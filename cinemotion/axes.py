"""Axes of plots, limits, ticks and colours: `cinemotion curves` and `cinemotion clean --plot` share them."""

from __future__ import annotations

import math

import numpy as np
from PIL import ImageFont

#: Colours that people of any colour vision tell apart (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
PAPER, INK, GRID = "#ffffff", "#222222", "#dddddd"
#: How much larger pictures are drawn than they are kept, for smooth lines.
OVER = 2


def limits(values: np.ndarray, log_scale: bool) -> tuple[float, float]:
    """The range of an axis: all values and a little more."""
    low, high = float(values.min()), float(values.max())
    if log_scale:
        return (low / 1.08, high * 1.08) if high > 1.02 * low else (low / 1.3, high * 1.3)
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def ticks(low: float, high: float, log_scale: bool) -> list[float]:
    """Round numbers in a range, three to eight of them where it allows."""
    if log_scale and high / low > 4:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for parts in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
            found = [p * 10.0**d for d in decades for p in parts if low <= p * 10.0**d <= high]
            if len(found) <= 8:
                return found
        return found[:: -(-len(found) // 8)]
    if high <= low:
        return [low]
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size * OVER)


def pale(colour: str) -> tuple[int, int, int]:
    """Half way to the paper."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return (red + 255) // 2, (green + 255) // 2, (blue + 255) // 2
