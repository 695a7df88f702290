"""`cinemotion film --renderer pathtrace`: a film by the slow road, the same bytes again; nonsense is refused."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_app_cli import cli

from cinemotion.film import Changes, Look
from cinemotion.pipeline import make_film
from cinemotion.plan import plan
from cinemotion.resolve import load
from cinemotion.source import read
from motion.errors import MissingExtra
from render.rasterizer import gl_info
from render.video import read_frames

needed = pytest.mark.skipif(importlib.util.find_spec("mitsuba") is None, reason="mitsuba is not installed")

SCENE = """\
schema: 1
title: Slow
fps: 12
size: [32, 18]
cast:
  ada: {outfit: casual}
stage: {ground: wood, light: studio}
timeline:
  - {actor: ada, clip: "pybullet:walk", loop: true, for: 0.5s}
shots:
  - {size: full, of: ada}
"""
OUTPUT = "output: {chunk: 3, samples: 4, passes: [depth], pass_format: npz}\n"
SLOW = "output: {renderer: pathtrace, chunk: 3, samples: 4, passes: [depth], pass_format: npz}\n"


def write(folder: Path, output: str = OUTPUT, scene: str = SCENE) -> Path:
    path = folder / "slow.yaml"
    path.write_text(scene + output)
    return path


def frames(path: Path) -> np.ndarray:
    return np.stack(list(read_frames(path)))


@needed
def test_a_film_is_path_traced_and_its_sidecar_says_so(tmp_path: Path) -> None:
    scene = write(tmp_path)
    asked = cli("film", scene, "-o", tmp_path / "a.mkv", "--renderer", "pathtrace", "--spp", "4", "-q")
    assert asked.returncode == 0, asked.stderr
    said = make_film(write(tmp_path, SLOW), tmp_path / "b.mkv", workers=2)
    raster = make_film(write(tmp_path), tmp_path / "c.mkv")
    one, two, other = (frames(p) for p in (tmp_path / "a.mkv", said.path, raster.path))
    # By the command line or by the scene, by one process or by two.
    np.testing.assert_array_equal(one, two)
    assert 1.0 < np.abs(one.astype(int) - other).mean() < 30.0
    made_by = json.loads((tmp_path / "a.provenance.json").read_text())["made_by"]
    assert made_by["renderer"]["name"] == "pathtrace" and made_by["renderer"]["paths_per_pixel"] == 4
    assert made_by["renderer"]["mitsuba"].startswith("3.") and "_rgb" in made_by["renderer"]["variant"]
    assert "renderer" not in json.loads((tmp_path / "c.provenance.json").read_text())["made_by"]
    # Data passes are the rasterizer's own.
    folders = [sorted(made.folders[0].rglob("*.npz"))[0] for made in (said, raster)]
    with np.load(folders[0]) as ours, np.load(folders[1]) as theirs:
        np.testing.assert_array_equal(ours["depth"], theirs["depth"])


@needed
def test_what_decides_the_picture_decides_the_chunks(tmp_path: Path) -> None:
    film, _ = load(read(write(tmp_path, SLOW)))
    gl = gl_info(None)

    def keys(look: Look, seed: int = 0) -> list[str]:
        return [c.key for c in plan(replace(film, look=look, seed=seed), 0, film.frames, gl, ())]

    as_it_is = keys(film.look)
    assert as_it_is == keys(film.look)
    others = [keys(replace(film.look, renderer="raster")), keys(replace(film.look, samples=9)), keys(film.look, 1)]
    assert all(a != b for other in others for a, b in zip(as_it_is, other, strict=True))


def test_a_draft_is_the_rasterizers(tmp_path: Path) -> None:
    film, _ = load(read(write(tmp_path, SLOW)), Changes(draft=True))
    assert film.look.renderer == "raster"
    film, _ = load(read(write(tmp_path, SLOW)), Changes(renderer="raster"))
    assert film.look.renderer == "raster" and film.look.samples == 4
    film, _ = load(read(write(tmp_path, "output: {refine: true}\n")), Changes(renderer="pathtrace"))
    assert film.look.renderer == "pathtrace" and film.look.refining is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--draft", "--renderer", "pathtrace"), "drafts are the rasterizer's"),
        (("--renderer", "rastr"), "did you mean 'raster'?"),
        (("--spp", "16"), "expected --renderer pathtrace"),
        (("--renderer", "pathtrace", "--spp", "0"), "spp"),
        (("--renderer", "pathtrace", "--refine"), "--no-refine"),
    ],
)
def test_requests_that_make_no_sense(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    shown = cli("film", write(tmp_path), "-o", tmp_path / "a.mkv", *arguments)
    assert shown.returncode == 2 and words in shown.stderr
    assert not (tmp_path / "a.mkv").exists()


@pytest.mark.parametrize(
    ("scene", "output", "words"),
    [
        (SCENE, "output: {renderer: pathtrce}\n", "did you mean 'pathtrace'?"),
        (SCENE, "output: {renderer: pathtrace, refine: true}\n", "expected renderer: raster"),
        (SCENE.replace("light: studio", "light: studio, plate: p.png"), SLOW, "the path tracer draws no plates"),
    ],
)
def test_scenes_that_make_no_sense_are_told_with_their_line(
    tmp_path: Path, scene: str, output: str, words: str
) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "p.png")
    shown = cli("check", write(tmp_path, output, scene))
    assert shown.returncode == 2 and words in shown.stderr and "slow.yaml:" in shown.stderr


def test_check_needs_no_path_tracer_and_a_film_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from render.path_tracer import variant

    variant.fastest.cache_clear()
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    scene = write(tmp_path, SLOW)
    assert cli("check", scene).returncode == 0
    with pytest.raises(MissingExtra, match=r"pip install 'cinemotion\[pathtrace\]'"):
        make_film(scene, tmp_path / "a.mkv")
    variant.fastest.cache_clear()
