"""Curves of training runs: what a log says, and a picture that holds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cinemotion import axes, curves
from cinemotion.cli import app
from motion.errors import BadInput


def run(folder: Path, last: int = 100, scale: float = 1.0) -> Path:
    folder.mkdir(parents=True)
    rows = ["step,kind,name,value"]
    for step in range(10, last + 1, 10):
        rows += [f"{step},train,loss,{scale * 5 / step}", f"{step},train,root,{scale / step}", f"{step},train,rate,1"]
    rows += [f"{step},check,root,{scale * 2 / step}" for step in (50, last)]
    (folder / "log.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_log_that_went_on_after_a_kill_counts_each_step_once(tmp_path: Path) -> None:
    path = run(tmp_path / "a") / "log.csv"
    with path.open("a") as file:
        file.write("90,train,loss,7\n100,train,loss,nan\n110,train,loss,8\n120,train,lo")
    log = curves.read(tmp_path / "a")
    assert set(log) == {("train", "loss"), ("train", "root"), ("check", "root")}
    loss = log["train", "loss"]
    assert loss.steps == [*range(10, 90, 10), 90, 110] and loss.values[-2:] == [7.0, 8.0]


def test_the_picture_has_a_panel_for_the_loss_and_for_each_held_out_figure(tmp_path: Path) -> None:
    one, two = run(tmp_path / "one" / "run"), run(tmp_path / "two" / "run", 300, 3.0)
    out = tmp_path / "curves.png"
    shown = CliRunner().invoke(app, ["curves", str(one), str(two), "-o", str(out)])
    assert shown.exit_code == 0, shown.output
    image = np.asarray(Image.open(out)).astype(int)
    assert image.shape[1] == 2 * curves._PANEL[0]
    for colour in axes.COLOURS[:2]:
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        near = np.abs(image - wanted).sum(-1) < 30
        half = image.shape[1] // 2
        assert near[60:, :half].sum() > 100 and near[60:, half:].sum() > 100, colour
    assert curves._name(one, [one, two]) == "one/run"


def test_axes_have_a_few_round_numbers() -> None:
    for low, high, log in ((0, 1500, False), (0.005, 9.1, True), (0.48, 0.52, True), (-1, 2, False), (1e-6, 1e6, True)):
        ticks = axes.ticks(low, high, log)
        assert 2 <= len(ticks) <= 8 and low <= min(ticks) and max(ticks) <= high * (1 + 1e-9)


def test_odd_runs_are_drawn_or_refused_in_one_line(tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "log.csv").write_text("step,kind,name,value\n5,check,sides,0\n")  # one point, and zero has no logarithm
    curves.draw([flat], tmp_path / "flat.png")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(BadInput, match="no such log"):
        curves.draw([empty], tmp_path / "a.png")
    (empty / "log.csv").write_bytes(b"\xff\xfe\x00,,,\n")
    with pytest.raises(BadInput, match="no figures in it"):
        curves.draw([empty], tmp_path / "a.png")
    for out, why in ((tmp_path / "a.jpg", "written to a .png"), (tmp_path / "no" / "a.png", "does not exist")):
        with pytest.raises(BadInput, match=why):
            curves.draw([flat], out)
    with pytest.raises(BadInput, match="no runs"):
        curves.draw([], tmp_path / "a.png")
