"""`cinemotion curves`: the losses and held-out figures of training runs in one picture, from their log.csv."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import ImageDraw

from cinemotion.axes import COLOURS, INK, OVER, Panel, font, limits, pale, picture, save
from motion.errors import BadInput

#: Rows of a log that say how the training goes and not how well.
_OF_THE_RUN = ("seconds", "rate", "norm", "length", "return_std", "ep_len_mean")
#: How logs of cameras call what others call a check or training, and the return of an episode.
_KINDS = {"held_out": "check", "rollout": "train", "terms": "train"}
_NAMES = {"ep_rew_mean": "return"}
_LEFT_OUT = ("time",)
#: Panels beside each other; size of one, pixels.
_COLUMNS, _PANEL = 3, (420, 290)
#: Training figures are averaged over this share of the run.
_SMOOTH = 0.03


@dataclass
class Series:
    """One figure over the steps of a run."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: int, value: float) -> None:
        """A figure more; what a run makes anew from its checkpoint, after a kill, replaces what it lost."""
        while self.steps and self.steps[-1] >= step:
            self.steps.pop()
            self.values.pop()
        self.steps.append(step)
        self.values.append(value)


Log = dict[tuple[str, str], Series]  # "train" or "check", name of the figure


def read(run: str | os.PathLike[str]) -> Log:
    """The figures of a run; rows that a kill cut off are left out.

    Args:
        run: folder of a run, or its log.csv.

    Raises:
        BadInput: there is no log, or nothing in it.
    """
    path = Path(run)
    path = path / "log.csv" if path.is_dir() else path
    if not path.is_file():
        raise BadInput(f"{path}: no such log; expected the folder of a run of `cinemotion train`")
    log: Log = {}
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        for row in csv.reader(file):
            try:
                step, kind, name, value = int(row[0]), row[1], row[2], float(row[3])
            except (ValueError, IndexError):
                continue  # the heading, or half a row
            if math.isfinite(value) and name not in _OF_THE_RUN and kind not in _LEFT_OUT:
                log.setdefault((_KINDS.get(kind, kind), _NAMES.get(name, name)), Series()).add(step, value)
    if not log:
        raise BadInput(f"{path}: no figures in it; expected rows of step, kind, name, value")
    return log


def draw(runs: Sequence[str | os.PathLike[str]], out: Path) -> None:
    """One panel for the loss and one for each held-out figure; held-out ones have dots, training ones are pale.

    Args:
        runs: folders of runs, a colour each.
        out: a ``.png`` file.

    Raises:
        BadInput: as `read`, no run, or ``out`` is no .png in a folder that is there.
    """
    if not runs:
        raise BadInput("curves: no runs, expected some")
    if out.suffix.lower() != ".png":
        raise BadInput(f"{out}: curves are written to a .png file")
    if not out.parent.is_dir():
        raise BadInput(f"{out}: the folder {out.parent} does not exist")
    logs = {_name(run, runs): read(run) for run in runs}
    checked = {name: None for log in logs.values() for kind, name in log if kind == "check"}
    names = {**({"return": None} if "return" in checked else {"loss": None}), **checked}
    panels = [name for name in names if any(name == of for log in logs.values() for _, of in log)]
    columns = min(_COLUMNS, len(panels))
    width, height = _PANEL
    head = 12 + 20 * -(-len(logs) // columns)
    image = picture(width * columns, head + height * -(-len(panels) // columns))
    pen = ImageDraw.Draw(image)
    for k, name in enumerate(logs):
        x, y = OVER * (width * (k % columns) + 60), OVER * (10 + 20 * (k // columns))
        pen.line([(x, y + 8 * OVER), (x + 24 * OVER, y + 8 * OVER)], fill=_colour(k), width=3 * OVER)
        pen.text((x + 32 * OVER, y), name, fill=INK, font=font(13))
    for i, name in enumerate(panels):
        _panel(pen, (width * (i % columns), head + height * (i // columns)), name, list(logs.values()))
    save(image, out)


def _name(run: str | os.PathLike[str], runs: Sequence[str | os.PathLike[str]]) -> str:
    """A run's folder; with the folder above where two are called alike."""
    path = Path(run).resolve()
    path = path.parent if path.is_file() else path
    alike = sum(Path(other).resolve().name == path.name for other in runs)
    return path.name if alike < 2 else f"{path.parent.name}/{path.name}"


def _panel(pen: ImageDraw.ImageDraw, corner: tuple[int, int], name: str, logs: Sequence[Log]) -> None:
    """One figure of all runs, over steps."""
    curves = [(k, kind, log[kind, name]) for k, log in enumerate(logs) for kind in ("train", "check")
              if (kind, name) in log]  # fmt: skip
    lines = [(k, kind, np.array(s.steps), _smooth(s.values) if kind == "train" else np.array(s.values))
             for k, kind, s in curves]  # fmt: skip
    every = np.concatenate([values for *_, values in lines])
    # What falls is read on a logarithmic scale; what rises, a share or a return, on a straight one.
    log_scale = bool((every > 0).all()) and not any(values[-1] > values[0] for *_, values in lines)
    last = max(int(steps[-1]) for _, _, steps, _ in lines)
    box = (corner[0] + 62.0, corner[1] + 26.0, corner[0] + _PANEL[0] - 24.0, corner[1] + _PANEL[1] - 42.0)
    axes = Panel(pen, box, (0.0, float(max(last, 1))), limits(every, log_scale), log_scale)
    held = any(kind == "check" for _, kind, _, _ in lines)
    both = " (pale: training)" if held and len({kind for _, kind, _, _ in lines}) > 1 else ""
    axes.frame(f"{name.replace('_', ' ')}, {'held out' if held else 'training'}{both}", x_label="steps")
    for k, kind, steps, values in lines:
        main = kind == "check" or not held
        colour = _colour(k) if main else pale(_colour(k))
        axes.curve(steps, values, colour, 2 if main else 1)
        if kind == "check":
            points = axes.at(steps, values)
            for x, y in points if len(points) <= 60 else points[-1:]:
                pen.ellipse([x - 3 * OVER, y - 3 * OVER, x + 3 * OVER, y + 3 * OVER], fill=colour)


def _smooth(values: Sequence[float]) -> np.ndarray:
    """The running mean; at the ends over what is there."""
    reach = int(len(values) * _SMOOTH / 2)
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values))
    first, stop = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(values))
    return (total[stop] - total[first]) / (stop - first)


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]
