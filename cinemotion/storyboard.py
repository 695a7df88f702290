"""A storyboard: real frames of every shot, numbered, with when, what, how and why below; as one PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cinemotion.axes import INK, OVER, font, picture, save
from cinemotion.draw import settings
from cinemotion.film import Film
from cinemotion.film_shots import FilmShot, Reasons, shots_of
from cinemotion.lettering import wrapped
from cinemotion.shot_list import files_of
from motion import rotations as rot
from motion.camera import CameraPath
from motion.errors import BadInput

#: A shot whose camera goes, turns or zooms more than this is shown by its first, middle and last frame.
_GOES_M, _TURNS_RAD, _ZOOMS = 0.3, np.radians(12.0), 1.15
_CELL, _GAP, _COLUMNS, _TALLEST = 300.0, 12.0, 4, 300.0
_MARGIN, _TITLE, _LINE, _TEXT, _FAINT = 24.0, 56.0, 15.0, 11, "#666666"
#: Shots on one sheet; more are said, not drawn.
MOST = 120


@dataclass(frozen=True)
class _Panel:
    shot: FilmShot
    frames: tuple[int, ...]
    lines: tuple[tuple[str, int, str], ...]  # text, size, colour


def draw(
    film: Film,
    out: Path,
    *,
    reasons: Reasons | None = None,
    device: int | None = None,
    on_frame: Callable[[], None] = lambda: None,
) -> None:
    """Draw the storyboard of a film.

    Args:
        film: worked out, from `cinemotion.resolve.load`.
        out: a ``.png`` file.
        reasons: lines that say why a shot is as it is, by its place in ``film.shots``; for shots without any, what its
            director was asked for.
        device: EGL device number.
        on_frame: is called after every frame drawn; `count` says how many there are.

    Raises:
        BadInput: another suffix, or a place that cannot be written to.
        MissingSystem: no usable OpenGL.
    """
    from render import Rasterizer, World

    if out.suffix.lower() != ".png":
        raise BadInput(f"{out}: a storyboard is written to a .png file")
    shots = shots_of(film.camera, film.shots, files_of(film))
    wide, high = _size(film)
    panels = [_panel(film.camera, shot, reasons, wide) for shot in shots[:MOST]]
    rows = _rows(panels)
    columns = max(sum(len(p.frames) for p in row) for row in rows)
    heights = [high + 8 + max(len(p.lines) for p in row) * _LINE + 22 for row in rows]
    width = max(2 * _MARGIN + columns * (_CELL + _GAP) - _GAP, 420.0)
    image = picture(width, _TITLE + sum(heights) + (20 if len(shots) > MOST else 0))
    pen = ImageDraw.Draw(image)
    _head(pen, film, len(shots), width)
    size = (max(16, round(wide * OVER / 2) * 2), max(16, round(high * OVER / 2) * 2))
    with Rasterizer(size=size, settings=settings(film), device=device) as rasterizer:
        world = World(film.drawn, film.stage)
        y = _TITLE
        for row, height in zip(rows, heights, strict=True):
            x = _MARGIN
            for panel in row:
                frames = rasterizer.render(world, film.camera, panel.frames, passes=("display",))
                for k, frame in enumerate(frames):
                    assert frame.display is not None
                    left = x + k * (_CELL + _GAP) + (_CELL - wide) / 2
                    _paste(image, frame.display, left, y, (wide, high), float(panel.frames[k] / film.fps))
                    on_frame()
                _write(pen, panel, x, y + high + 8)
                x += len(panel.frames) * (_CELL + _GAP)
            y += height
    if len(shots) > MOST:
        pen.text((_MARGIN * OVER, y * OVER), f"… and {len(shots) - MOST} more shots", fill=INK, font=font(12))
    save(image, out)


def count(film: Film) -> int:
    """How many frames the film's storyboard takes."""
    return sum(len(frames_of(film.camera, shot)) for shot in shots_of(film.camera, film.shots)[:MOST])


def frames_of(camera: CameraPath, shot: FilmShot) -> tuple[int, ...]:
    """The frames that show a shot: its middle one, or the first, middle and last of one whose camera moves."""
    poses = camera.T_world_camera[shot.first : shot.stop]
    turns = rot.from_matrix(poses[:, :3, :3])
    moves = (
        np.linalg.norm(poses[:, :3, 3] - poses[0, :3, 3], axis=1).max() > _GOES_M
        or rot.angle_between(turns[:1], turns).max() > _TURNS_RAD
        or shot.lens_mm[1] > _ZOOMS * shot.lens_mm[0]
    )
    return (shot.first, shot.middle, shot.stop - 1) if moves and len(poses) >= 3 else (shot.middle,)


def _size(film: Film) -> tuple[float, float]:
    """Of one picture on the sheet, pixels."""
    width, height = film.size
    scale = min(_CELL / width, _TALLEST / height)
    return width * scale, height * scale


def _panel(camera: CameraPath, shot: FilmShot, reasons: Reasons | None, wide: float) -> _Panel:
    measure = ImageDraw.Draw(picture(8, 8))
    frames = frames_of(camera, shot)
    room = len(frames) * (_CELL + _GAP) - _GAP
    facts = " · ".join([shot.times, *shot.facts, *([] if shot.file else [shot.asked.director])])
    lines = [(line, 13, INK) for line in wrapped(measure, shot.title, 13, room - 34)]
    lines += [(line, _TEXT, INK) for line in wrapped(measure, facts, _TEXT, room)]
    for reason in shot.why(reasons):
        lines += [(line, _TEXT, _FAINT) for line in wrapped(measure, reason, _TEXT, room)]
    return _Panel(shot, frames, tuple(lines))


def _rows(panels: Sequence[_Panel]) -> list[list[_Panel]]:
    """Panels in order, as many in a row as fit."""
    rows: list[list[_Panel]] = [[]]
    for panel in panels:
        if sum(len(p.frames) for p in rows[-1]) + len(panel.frames) > _COLUMNS:
            rows.append([])
        rows[-1].append(panel)
    return rows


def _head(pen: ImageDraw.ImageDraw, film: Film, shots: int, width: float) -> None:
    facts = f"{shots} shot{'s' if shots != 1 else ''}, {film.seconds:.1f} s, {float(film.fps):.5g} fps"
    room = width - 2 * _MARGIN - pen.textlength(facts, font=font(12)) / OVER - 20
    title = wrapped(pen, film.title, 18, room)
    words = title[0] + (" …" if len(title) > 1 else "") if title else ""
    pen.text((_MARGIN * OVER, 18 * OVER), words, fill=INK, font=font(18))
    pen.text(((width - _MARGIN) * OVER, 24 * OVER), facts, fill=_FAINT, font=font(12), anchor="ra")


def _paste(
    image: Image.Image, pixels: np.ndarray, x: float, y: float, size: tuple[float, float], seconds: float
) -> None:
    shown = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    wanted = (round(size[0] * OVER), round(size[1] * OVER))
    if shown.size != wanted:
        shown = shown.resize(wanted, Image.Resampling.LANCZOS)
    image.paste(shown, (round(x * OVER), round(y * OVER)))
    pen = ImageDraw.Draw(image)
    corner = ((x + size[0] - 6) * OVER, (y + size[1] - 5) * OVER)
    words = f"{seconds:.1f} s"
    pen.text(corner, words, fill="#ffffff", font=font(10), anchor="rs", stroke_width=OVER, stroke_fill="#222222")


def _write(pen: ImageDraw.ImageDraw, panel: _Panel, x: float, y: float) -> None:
    box = [v * OVER for v in (x, y, x + 26, y + 17)]
    pen.rounded_rectangle(box, radius=8 * OVER, fill=INK)
    middle = ((x + 13) * OVER, (y + 8.5) * OVER)
    pen.text(middle, str(panel.shot.number), fill="#ffffff", font=font(11), anchor="mm")
    for text, size, colour in panel.lines:
        pen.text(((x + (34 if size == 13 else 0)) * OVER, y * OVER), text, fill=colour, font=font(size))
        y += _LINE + (4 if size == 13 else 0)
