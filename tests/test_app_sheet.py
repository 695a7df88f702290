"""Contact sheets of motion from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_prior
from PIL import Image
from test_app_train import run


def test_files_become_strips(tmp_path: Path) -> None:
    out = tmp_path / "two.png"
    done = run("sheet", "pybullet:walk", "pybullet:jump", "-o", out)
    assert done.exit_code == 0, done.output
    picture = np.asarray(Image.open(out).convert("RGB"))
    assert picture.shape == (150, 1520, 3)
    left, right = picture[:, :760], picture[:, 760:]
    for strip in (left, right):
        assert ((strip == (0x1F, 0x6F, 0xD0)).all(-1)).sum() > 200, "left limbs are drawn"
    assert (left != right).any()


def test_prompts_are_made_by_a_model(tmp_path: Path) -> None:
    weights = tiny_prior.write(tmp_path / "base-prior.safetensors")
    done = run("sheet", "--prompts", 2, "--model", weights, "-o", tmp_path / "p.png")
    assert done.exit_code == 0, done.output
    assert Image.open(tmp_path / "p.png").size == (1520, 150)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "expected motion files, or --prompts N"),
        (("pybullet:walk", "--prompts", 3), "expected motion files, or --prompts N"),
        (("pybullet:wlak",), "did you mean"),
        (("--prompts", 1000), "expected 1 to 200"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path: Path, arguments: tuple[object, ...], words: str) -> None:
    done = run("sheet", *arguments, "-o", tmp_path / "x.png")
    assert done.exit_code == 2 and words in done.output
    assert not list(tmp_path.iterdir())


def test_only_png(tmp_path: Path) -> None:
    done = run("sheet", "pybullet:walk", "-o", tmp_path / "x.gif")
    assert done.exit_code == 2 and ".png" in done.output
