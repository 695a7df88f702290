"""A contact sheet of the camera benchmark: one scene, a row for every director, a column for every moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cinemotion.axes import INK, OVER, font, picture, save
from cinemotion.lettering import wrapped
from motion.camera import Shot
from motion.errors import BadInput
from rl_camera import framing
from rl_camera.bench_directors import ASPECT, FPS, Row, Table
from rl_camera.bench_scenes import BenchScene

#: Moments of a shot that are shown, as shares of its length.
MOMENTS = (0.05, 0.5, 0.95)

_WIDE, _HIGH, _GAP, _BETWEEN = 208.0, 117.0, 3.0, 14.0
_MARGIN, _NAMES, _HEAD, _SIZE = 16.0, 92.0, 84.0, 11


def draw(
    table: Table, place: int, out: Path, *, device: int | None = None, on_frame: Callable[[], None] = lambda: None
) -> None:
    """Draw how every director filmed one scene.

    Args:
        table: of a benchmark.
        place: which of its scenes, from 0.
        out: a ``.png`` file.
        device: EGL device number.
        on_frame: is called after every frame drawn; `count` says how many there are.

    Raises:
        BadInput: no such scene, another suffix, or a place that cannot be written to.
        MissingSystem: no usable OpenGL.
    """
    from render import Rasterizer, World

    if out.suffix.lower() != ".png":
        raise BadInput(f"{out}: a sheet is written to a .png file")
    if not 0 <= place < len(table.scenes):
        raise BadInput(f"{out}: scene {place} of {len(table.scenes)}")
    scene, rows = table.scenes[place], [*table.block(live=True), *table.block(live=False)]
    across = [_MARGIN + _NAMES + k * (_WIDE + _GAP) + k // len(MOMENTS) * _BETWEEN for k in range(_columns(scene))]
    image = picture(across[-1] + _WIDE + _MARGIN, _HEAD + len(rows) * (_HIGH + _GAP) + _MARGIN)
    pen = ImageDraw.Draw(image)
    _head(pen, scene, across)
    with Rasterizer(size=(round(_WIDE * OVER), round(_HIGH * OVER)), device=device) as rasterizer:
        world = World(scene.performances, scene.stage)
        for k, row in enumerate(rows):
            y = _HEAD + k * (_HIGH + _GAP)
            _name(pen, row, y)
            frames = rasterizer.render(world, row.paths[place], _frames(scene), passes=("display",))
            for x, frame in zip(across, frames, strict=True):
                assert frame.display is not None
                shown = Image.fromarray(np.ascontiguousarray(frame.display[..., :3]))
                image.paste(shown, (round(x * OVER), round(y * OVER)))
                _people(pen, scene, row, place, frame.index, x, y)
                on_frame()
    save(image, out)


def count(table: Table, place: int) -> int:
    """How many frames the sheet of a scene takes."""
    return len(table.rows) * _columns(table.scenes[place])


def _columns(scene: BenchScene) -> int:
    return len(scene.shots) * len(MOMENTS)


def _frames(scene: BenchScene) -> Sequence[int]:
    return [int((s.start_s + m * (s.end_s - s.start_s)) * float(FPS)) for s in scene.shots for m in MOMENTS]


def _head(pen: ImageDraw.ImageDraw, scene: BenchScene, across: Sequence[float]) -> None:
    """What each shot asks, over its columns, and the times."""
    for k, shot in enumerate(scene.shots):
        x = across[k * len(MOMENTS)]
        lines = wrapped(pen, f"{k + 1}  {told(shot)}", _SIZE + 1, len(MOMENTS) * (_WIDE + _GAP) - 12)
        for n, line in enumerate(lines[:3]):
            pen.text((x * OVER, (_MARGIN + 16 * n) * OVER), line, fill=INK, font=font(_SIZE + 1))
    for x, frame in zip(across, _frames(scene), strict=True):
        words = f"{frame / float(FPS):.1f} s"
        pen.text((x * OVER, (_HEAD - 5) * OVER), words, fill="#666666", font=font(_SIZE), anchor="ls")
    words = f"scene {scene.number}"
    pen.text((_MARGIN * OVER, _MARGIN * OVER), words, fill=INK, font=font(_SIZE + 2))


def told(shot: Shot) -> str:
    """What a shot asks, in words."""
    words = (f"{shot.size} of {' and '.join(shot.of)}", shot.move, shot.view, shot.angle, f"{shot.lens_mm:g} mm")
    return ", ".join(words).replace("_", " ")


def _people(pen: ImageDraw.ImageDraw, scene: BenchScene, row: Row, place: int, frame: int, x: float, y: float) -> None:
    """The names of those in the picture, over their heads: bodies are alike."""
    path, everyone = row.paths[place], framing.track(scene.performances, [frame / float(FPS)])
    crowns = everyone.of("crown")
    xy, depth = framing.project(path.T_world_camera[[frame]], path.focal_mm[[frame]], ASPECT, crowns)
    for name, (across, up), deep in zip(everyone.names, xy[0], depth[0], strict=True):
        if deep > 0 and abs(across) < 0.95 and -0.9 < up < 1.2:
            at = (x + _WIDE * (1 + across) / 2, max(y + _HIGH * (1 - up) / 2 - 2, y + 13))
            pen.text((at[0] * OVER, at[1] * OVER), name, fill="#ffe14d", font=font(_SIZE + 2), anchor="ms",
                     stroke_width=OVER, stroke_fill=INK)  # fmt: skip


def _name(pen: ImageDraw.ImageDraw, row: Row, y: float) -> None:
    middle = (y + _HIGH / 2) * OVER
    pen.text((_MARGIN * OVER, middle), row.name.replace("_", " "), fill=INK, font=font(_SIZE + 2), anchor="ls")
    kind = "live" if row.live else "planned"
    pen.text((_MARGIN * OVER, middle + 14 * OVER), kind, fill="#666666", font=font(_SIZE), anchor="ls")
