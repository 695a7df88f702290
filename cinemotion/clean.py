"""`cinemotion clean`: physics clean-up of a motion file, on its own skeleton; with report, pictures and plants."""

from __future__ import annotations

import importlib.util
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageDraw

from cinemotion import convert, formats, strip
from cinemotion.axes import INK, OVER, Panel, font, limits, pale, picture, save
from cinemotion.mending import NEVER
from cinemotion.progress import Progress
from motion import contacts
from motion.clip import Clip
from motion.errors import BadInput
from motion.files import write_json
from motion.take import Take
from physics import metrics, plants
from physics.refine import mend
from physics.report import PerformerReport, PhysicsReport
from physics.series import runs

if TYPE_CHECKING:
    from physics.search import Search

#: Left and right in the colours of contact sheets.
_SIDES = (("left", "#0072b2"), ("right", "#d55e00"))
_WIDTH, _HEIGHT = 1100, 150  # of one panel, pixels
_LENT = "#5b4fb5"
#: Of one search, seconds; more is a slip of the hand.
_LONGEST_S = 7 * 24 * 3600.0


@dataclass(frozen=True)
class Asked:
    """What `clean` may be asked for."""

    feet: str = "auto"  # one of `physics.kinematic.MODES`
    strength: float = 1.0
    learned: bool = False
    dynamics: bool = False
    search: float | None = None  # seconds of sampling for better rollouts, with dynamics
    plants: Path | None = None  # CSV of plants that somebody set
    save_plants: Path | None = None
    report: Path | None = None  # JSON
    plot: Path | None = None  # PNG
    strip: Path | None = None  # PNG or JPEG


@dataclass(frozen=True)
class Cleaned:
    """What came of it, to be told."""

    take: Take
    report: PerformerReport
    notes: tuple[str, ...]


def clean(
    source: str, target: Path, asked: Asked, options: convert.Options | None = None, *, quiet: bool = True
) -> Cleaned:
    """Clean a motion file up and write it, its joints beyond SMPL's as they were.

    Args:
        source: a motion file, or ``pybullet:NAME``.
        target: by its suffix; ``.glb`` with the dressed body.
        asked: what to do.
        options: of reading, as for `convert.convert`.
        quiet: say nothing of how far a search is.

    Raises:
        BadInput: a file, suffix, mode or plant is wrong, or no humanoid can be found.
    """
    from motion.retarget import retarget

    options = options or convert.Options()
    convert.check_target(target, options)
    for path, suffix in ((asked.plot, ".png"), (asked.report, ".json"), (asked.save_plants, ".csv")):
        if path is not None and path.suffix.lower() != suffix:
            raise BadInput(f"{path}: expected a {suffix} file")
    if asked.strip is not None:
        strip.check(asked.strip)
    for name, wanted in (("learned", asked.learned), ("dynamics", asked.dynamics)):
        if wanted and asked.feet == NEVER:
            raise BadInput(f"--feet never: leaves the clip as it is; leave out --{name}, or say another mode")
    search = _search(asked)
    take = convert.read(source, options)
    clip, how = retarget(take, ground=False)
    track = None if asked.plants is None else plants.read(asked.plants, clip)
    with _ticking("searching", asked.search or 0.0, quiet):
        made, told = mend(
            clip, mode=asked.feet, strength=asked.strength, track=track, name=Path(source).name,
            learned=asked.learned, dynamics=asked.dynamics, search=search,
        )  # fmt: skip
    result = _written(take, clip, made, target, options)
    if asked.report is not None:
        write_json(asked.report, PhysicsReport((told,)).as_dict())
    if asked.plot is not None:
        draw(clip, made, told, asked.plot)
    if asked.strip is not None:
        strip.draw([strip.Case(Path(source).name, clip, made, told)], asked.strip)
    if asked.save_plants is not None and told.plants is not None:
        plants.write(asked.save_plants, told.plants, float(clip.fps))
    return Cleaned(result, told, convert.told(how))


def _search(asked: Asked) -> Search | None:
    """How to search, on every processor; None: not asked for."""
    if asked.search is None:
        return None
    if not asked.dynamics:
        raise BadInput("--search: improves what --dynamics simulates; give both")
    if not (math.isfinite(asked.search) and 0 < asked.search <= _LONGEST_S):
        raise BadInput(f"--search {asked.search:g}: expected seconds, more than 0 and at most {_LONGEST_S:g}")
    if importlib.util.find_spec("cma") is None:
        raise BadInput("--search: the package cma is missing; pip install 'cinemotion[search]'")
    from physics.search import Search

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Search(seconds=asked.search, rollouts=10**9, processes=cores)


@contextmanager
def _ticking(what: str, seconds: float, quiet: bool) -> Iterator[None]:
    """Progress of work that ends by the clock; 0 seconds show none."""
    with Progress(what, math.ceil(seconds), unit="seconds", quiet=quiet) as bar:
        over = threading.Event()

        def tick() -> None:
            while bar.count < bar.total and not over.wait(1.0):
                bar.step()

        clock = threading.Thread(target=tick, daemon=True)
        clock.start()
        try:
            yield
        finally:
            over.set()
            clock.join()


def _written(take: Take, before: Clip, after: Clip, target: Path, options: convert.Options) -> Take:
    import mocap_data
    from motion.retarget import clip_to_take, retarget
    from motion.retarget.changed import changed

    if target.suffix.lower() in formats.GLTF_SUFFIXES:
        from cinemotion.carry import carried
        from render.interchange import gltf

        body = convert.body_of(options)
        gltf.save(target, carried(after, body.rest_offsets), body)
        return take
    result = changed(take, before, after)
    try:
        mocap_data.save(result, target)
    except mocap_data.NeedsRetarget:
        result = clip_to_take(retarget(result, ground=False)[0])
        mocap_data.save(result, target)
    return result


# ---- the plot


def draw(before: Clip, after: Clip, told: PerformerReport, out: Path) -> None:
    """Height and speed of both feet and balance over time, before (pale) and after; bars under them where feet stand.

    Where Bullet's motion was kept, also the force and torque that the body was lent: pale in all, strong and with bars
    in the seconds that were kept.

    Args:
        before: the input.
        after: what was made of it.
        told: the report.
        out: a ``.png`` file.
    """
    fps = float(before.fps)
    t = np.arange(before.frames) / fps
    points = [contacts.foot_points(c) for c in (before, after)]
    panels = []
    for s, (side, colour) in enumerate(_SIDES):
        part = slice(2 * s, 2 * s + 2)
        heights = [1000 * p[:, part, 1].min(1) for p in points]
        speeds = [100 * contacts.speed(p[:, part], before.fps, up=False).min(1) for p in points]
        panels.append((f"{side} foot, height of its lowest part, mm", heights, colour, s))
        panels.append((f"{side} foot, speed of its slower part over the floor, cm/s", speeds, colour, s))
    near = [np.asarray(p[..., 1] < 0.02) for p in points]
    coms = [metrics.centre_of_mass(c) for c in (before, after)]
    off = [100 * metrics.outside_support(c, p, n) for c, p, n in zip(coms, points, near, strict=True)]
    panels.append(("centre of mass outside its support, cm", off, INK, -1))
    lent = None if told.wrench is None else told.wrench.series
    image = picture(_WIDTH, _HEIGHT * (len(panels) + 2 * (lent is not None)) + 30)
    pen = ImageDraw.Draw(image)
    pen.text((60 * OVER, 8 * OVER), told.verdict(), fill=INK, font=font(12))
    for k, (title, curves, colour, s) in enumerate(panels):
        on = None if s < 0 or told.plants is None else np.asarray(told.plants.on[:, 2 * s : 2 * s + 2].any(1))
        _panel(pen, 30 + k * _HEIGHT, title, t, curves, colour, on)
    if lent is not None:
        force = "force lent at the pelvis, share of body weight; bars: seconds that were kept from Bullet"
        torque = "torque lent there, share of mass g height"
        top = 30 + _HEIGHT * len(panels)
        _lent(pen, top, force, t, lent.force, lent.accepted)
        _lent(pen, top + _HEIGHT, torque, t, lent.torque, lent.accepted)
    save(image, out)


def _panel(
    pen: ImageDraw.ImageDraw, top: int, title: str, t: np.ndarray, curves: list[np.ndarray], colour: str,
    on: np.ndarray | None,
) -> None:  # fmt: skip
    every = np.concatenate([*curves, [0.0]])
    low, high = limits(np.clip(every, *np.percentile(every, [0.5, 99.5])), False)  # a torn frame must not flatten all
    axes = _axes(pen, top, title, t, low, high, on)
    before, after = (np.clip(curve, low, high) for curve in curves)
    axes.curve(t, before, pale(colour))
    axes.curve(t, after, colour, 2)


def _lent(pen: ImageDraw.ImageDraw, top: int, title: str, t: np.ndarray, curve: np.ndarray, on: np.ndarray) -> None:
    """What a body was lent over time, for as long as it was simulated; ``on``: frames that were kept."""
    axes = _axes(pen, top, title, t, 0.0, limits(np.append(curve, 0.0), False)[1], on)
    axes.curve(t[: len(curve)], curve, pale(_LENT))
    for a, b in runs(on):
        axes.curve(t[a:b], curve[a:b], _LENT, 2)


def _axes(
    pen: ImageDraw.ImageDraw, top: int, title: str, t: np.ndarray, low: float, high: float, on: np.ndarray | None
) -> Panel:
    """A panel with its title, and bars at its foot on the frames of ``on``."""
    box = (60.0, top + 22.0, _WIDTH - 20.0, top + _HEIGHT - 26.0)
    axes = Panel(pen, box, (0.0, max(float(t[-1]), 1e-9)), (low, high))
    axes.frame(title, " s", size=10)
    if on is not None:
        for a, b in runs(on):
            [(x0, y), (x1, _)] = axes.at([t[a], t[b - 1]], low)
            pen.rectangle([x0, y - 3 * OVER, max(x1, x0 + OVER), y], fill="#2ca02c")
    return axes
