"""Pictures of `cinemotion bench refine`: raster, refined and reference side by side, six shots and the six worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motion.files import whole
from render.tonemap import to_srgb8

_WIDE, _HIGH, _TITLE = 480, 270, 22


@dataclass(frozen=True)
class Strip:
    """One shot's last frame."""

    words: str
    lights: tuple[np.ndarray, np.ndarray, np.ndarray]  # raster, refined, reference, (h, w, 3) linear


def draw(path: Path, strips: Sequence[Strip], badness: Sequence[float]) -> None:
    """One row a shot: evenly spread ones, then those with the largest ``badness``, worst first."""
    worst = [int(k) for k in np.argsort(np.nan_to_num(np.array(badness), nan=-1.0))[::-1][:6]]
    spread = [int(k) for k in np.linspace(0, len(strips) - 1, min(6, len(strips)))]
    rows = [("", k) for k in spread] + [("worst: ", k) for k in worst]
    sheet = Image.new("RGB", (3 * _WIDE, len(rows) * (_HIGH + _TITLE)), "#ffffff")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for place, (mark, k) in enumerate(rows):
        top = place * (_HIGH + _TITLE)
        words = f"{mark}{strips[k].words}   FLIP {badness[k]:.3f}   raster | refined | reference"
        pen.text((6, top + 3), words, fill="#111111", font=font)
        for column, light in enumerate(strips[k].lights):
            picture = Image.fromarray(to_srgb8(light)).resize((_WIDE, _HIGH), Image.Resampling.LANCZOS)
            sheet.paste(picture, (column * _WIDE, top + _TITLE))
    with whole(path) as partial:
        sheet.save(partial, "PNG" if path.suffix == ".png" else "JPEG")
