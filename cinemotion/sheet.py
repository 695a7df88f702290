"""Contact sheets of motion: each clip as a strip of stick figures over time beside a map of its way, as one PNG."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from motion import contacts, edit, skeleton
from motion.clip import Clip
from motion.errors import BadInput
from motion.files import whole

_LEFT, _RIGHT, _MIDDLE, _FAINT, _INK = "#1f6fd0", "#d0581f", "#333333", "#bbbbbb", "#111111"
#: Strips on one sheet: what a person looks at.
MOST = 200
_PAPER, _DOWN = "#ffffff", "#2a9d4a"
#: The camera looks from the front left and a little from above: a turn of the world about Y, then a tilt.
_TURN, _TILT = np.radians(-35.0), np.radians(12.0)


def of_files(files: Sequence[str], out: Path) -> None:
    """A strip for each motion file.

    Raises:
        BadInput: a file cannot be read, or ``out`` is no .png in a folder that is there.
    """
    from cinemotion.ask import clip_of

    _check(out, len(files))
    sheet([clip_of(name) for name in files], [Path(name).name for name in files], out)


def of_prompts(count: int, model: str, seed: int, out: Path) -> None:
    """A strip for each of so many frozen prompts, known to the weights or not, spread over their list.

    Retrieval and foot lock are off.

    Raises:
        BadInput: no such weights, or as `of_files`.
    """
    from motion.prior import threads, weights
    from motion.prior.generate import generate
    from motion.prior.prompts import prompts

    _check(out, count)
    every = prompts()
    chosen = [every[i] for i in np.linspace(0, len(every) - 1, min(count, len(every))).astype(int)]
    path = weights.find(model, "prior")
    threads.settle()
    from motion.prior.model import Prior

    prior = Prior.load(path)
    clips = [
        generate(p.text, seconds=p.seconds, seed=seed, retrieval="off", anyway=True, model=prior)[0].clip
        for p in chosen
    ]
    sheet(clips, [p.text for p in chosen], out)


def _check(out: Path, strips: int) -> None:
    if out.suffix.lower() != ".png":
        raise BadInput(f"{out}: a contact sheet is written to a .png file")
    if not out.parent.is_dir():
        raise BadInput(f"{out}: the folder {out.parent} does not exist")
    if not 1 <= strips <= MOST:
        raise BadInput(f"contact sheet: {strips} strips, expected 1 to {MOST}")


def sheet(
    clips: Sequence[Clip], titles: Sequence[str], path: str | os.PathLike[str], *,
    poses: int = 10, columns: int = 2, cell: tuple[int, int] = (760, 150),
) -> None:  # fmt: skip
    """Draw clips as strips.

    Figures stand at equal distances, whatever way they go; the map at the right shows the way from above, its start as
    a dot, headings as ticks, and the size of its square in metres. Left limbs are blue, right ones orange; a green bar
    lies under a foot that carries weight.

    Args:
        clips: one strip each.
        titles: one line each.
        path: a ``.png`` file.
        poses: figures in a strip.
        columns: strips beside each other.
        cell: width and height of a strip, pixels.

    Raises:
        BadInput: as many titles as clips were expected.
    """
    if len(clips) != len(titles):
        raise BadInput(f"contact sheet: {len(titles)} titles for {len(clips)} clips, expected as many")
    width, height = cell
    rows = -(-max(1, len(clips)) // columns)
    image = Image.new("RGB", (width * columns, height * rows), _PAPER)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=12)
    for i, (clip, title) in enumerate(zip(clips, titles)):
        x, y = i % columns * width, i // columns * height
        draw.rectangle([x, y, x + width - 1, y + height - 1], outline=_FAINT)
        draw.text((x + 6, y + 3), f"{title}  ({clip.seconds:.1f} s)", fill=_INK, font=font)
        _strip(draw, clip, (x + 4, y + 18, width - height - 4, height - 24), poses)
        _map(draw, clip, (x + width - height + 10, y + 20, height - 30))
    with whole(Path(path)) as beside:
        image.save(beside, format="PNG")


def _strip(draw: ImageDraw.ImageDraw, clip: Clip, box: tuple[int, int, int, int], poses: int) -> None:
    left, top, width, height = box
    frames = np.linspace(0, clip.frames - 1, poses).round().astype(int)
    positions = clip.positions()
    scale = min(height / 2.15, width / poses / 0.9)
    turn = np.array([[np.cos(_TURN), 0, np.sin(_TURN)], [0, 1, 0], [-np.sin(_TURN), 0, np.cos(_TURN)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(_TILT), -np.sin(_TILT)], [0, np.sin(_TILT), np.cos(_TILT)]])
    ground = top + height - 8
    draw.line([(left, ground), (left + width, ground)], fill=_FAINT)
    on = (clip.contacts or contacts.detect(clip)).on
    sides = [_MIDDLE if "_" not in n else (_LEFT if n.startswith("left") else _RIGHT) for n in skeleton.JOINTS]
    for k, frame in enumerate(frames):
        at = positions[frame] - positions[frame, 0] * [1, 0, 1]
        seen = at @ (tilt @ turn).T
        x = left + (k + 0.5) * width / poses + seen[:, 0] * scale
        y = ground - seen[:, 1] * scale
        for joint in sorted(range(1, 24), key=lambda j: seen[j, 2]):
            parent = int(skeleton.PARENTS[joint])
            draw.line([(x[parent], y[parent]), (x[joint], y[joint])], fill=sides[joint], width=2)
        head = skeleton.INDEX["head"]
        draw.ellipse([x[head] - 4, y[head] - 9, x[head] + 4, y[head]], outline=_MIDDLE, width=2)
        for foot, columns in (("left_foot", [0, 1]), ("right_foot", [2, 3])):
            if on.shape[1] >= 4 and on[frame, columns].any():
                j = skeleton.INDEX[foot]
                draw.line([(x[j] - 6, y[j] + 3), (x[j] + 4, y[j] + 3)], fill=_DOWN, width=3)


def _map(draw: ImageDraw.ImageDraw, clip: Clip, box: tuple[int, int, int]) -> None:
    left, top, size = box
    way = clip.root_position[:, [0, 2]]
    reach = max(1.0, float(np.abs(way - way[0]).max()) * 1.15)
    reach = float(np.ceil(reach * 2) / 2)
    centre = np.array([left + size / 2, top + size / 2])
    # Seen from above with +Z, the first way faced, upwards; +X, the performer's left, to the left.
    point = centre - (way - way[0]) / reach * size / 2
    draw.rectangle([left, top, left + size, top + size], outline=_FAINT)
    draw.line([tuple(p) for p in point], fill=_MIDDLE, width=2)
    yaw = edit.heading(clip)
    for frame in np.linspace(0, clip.frames - 1, 7).round().astype(int):
        tip = point[frame] - np.array([np.sin(yaw[frame]), np.cos(yaw[frame])]) * 9
        draw.line([tuple(point[frame]), tuple(tip)], fill=_LEFT, width=2)
    x, y = point[0]
    draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=_DOWN)
    draw.text((left + 2, top + size - 13), f"{2 * reach:g} m", fill=_FAINT, font=ImageFont.load_default(size=10))
