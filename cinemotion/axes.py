"""Plots: `Panel`, a pair of axes on a picture, with limits, ticks and colours; `save` keeps the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from motion.files import whole

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


@dataclass(frozen=True)
class Panel:
    """A pair of axes on a picture that is drawn `OVER` times as large as it is kept; all lengths are of the latter."""

    pen: ImageDraw.ImageDraw
    box: tuple[float, float, float, float]  # left, top, right, bottom of the curves
    x: tuple[float, float]
    y: tuple[float, float]
    log: bool = False  # of y

    def at(self, x: ArrayLike, y: ArrayLike) -> list[tuple[float, float]]:
        """Where points of the plot are on the picture."""
        left, top, right, bottom = self.box
        (x0, x1), (y0, y1) = self.x, self.y
        across = (np.asarray(x, dtype=np.float64) - x0) / max(x1 - x0, 1e-9)
        height = np.asarray(y, dtype=np.float64)
        up = np.log(height / y0) / np.log(y1 / y0) if self.log else (height - y0) / (y1 - y0)
        across, up = np.broadcast_arrays(np.atleast_1d(left + across * (right - left)), bottom - up * (bottom - top))
        return list(zip((OVER * across).tolist(), (OVER * up).tolist(), strict=True))

    def frame(self, title: str, x_unit: str = "", x_label: str = "", size: int = 11) -> None:
        """Title, level lines with their values, and the axes; curves come after it."""
        left, top, right, bottom = (OVER * v for v in self.box)
        self.pen.text((left, top - OVER * (size + 11)), title, fill=INK, font=font(size + 2))
        for value in ticks(*self.y, self.log):
            [(_, y)] = self.at(self.x[0], value)
            self.pen.line([(left, y), (right, y)], fill=GRID, width=OVER)
            self.pen.text((left - 6 * OVER, y), f"{value:.4g}", fill=INK, font=font(size), anchor="rm")
        for value in ticks(*self.x, False):
            [(x, _)] = self.at(value, self.y[0])
            self.pen.line([(x, bottom), (x, bottom + 4 * OVER)], fill=INK, width=OVER)
            self.pen.text((x, bottom + 6 * OVER), f"{value:g}{x_unit}", fill=INK, font=font(size), anchor="ma")
        if x_label:
            under = bottom + OVER * (size + 11)
            self.pen.text(((left + right) / 2, under), x_label, fill=INK, font=font(size), anchor="ma")
        self.pen.line([(left, top), (left, bottom), (right, bottom)], fill=INK, width=OVER)

    def curve(self, x: ArrayLike, y: ArrayLike, colour: str | tuple[int, int, int], width: int = 1) -> None:
        """A line through points."""
        points = self.at(x, y)
        if len(points) > 1:
            self.pen.line(points, fill=colour, width=width * OVER, joint="curve")


def picture(width: float, height: float) -> Image.Image:
    """Paper to draw on, `OVER` times as large."""
    return Image.new("RGB", (round(width * OVER), round(height * OVER)), PAPER)


def save(image: Image.Image, out: Path) -> None:
    """Keep a drawn picture at its size: ``.png``, else JPEG."""
    small = image.resize((image.width // OVER, image.height // OVER), Image.Resampling.LANCZOS)
    how = {"format": "PNG"} if out.suffix.lower() == ".png" else {"format": "JPEG", "quality": 88}
    with whole(out) as beside:
        small.save(beside, **how)
