"""The numbered examples are the documentation; each runs here, tiny."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest

from cinemotion.film import Changes
from cinemotion.pipeline import make_film
from cinemotion.resolve import load
from cinemotion.source import read
from render.passes import read_passes
from render.video import probe, read_frames

EXAMPLES = Path(__file__).parent.parent / "examples"
SCENES = sorted(p.name for p in EXAMPLES.glob("*.yaml"))


def tiny(folder: Path, name: str) -> Path:
    """A copy of an example and its captures, at a few pixels."""
    for file in EXAMPLES.glob("*.bvh"):
        shutil.copy(file, folder)
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    small, count = re.subn(r"size: \[\d{3,4}, \d{3,4}\]", "size: [64, 36]", text)
    assert count == 1, f"{name} gives its picture's size"
    path = folder / name
    path.write_text(small, encoding="utf-8")
    return path


def needs_weights(path: Path) -> None:
    """Skip what is acted from words where the weights that the scene names are not in the package."""
    from cinemotion.check import weights_path
    from cinemotion.structure import Report, validate
    from motion.errors import BadInput

    source = read(path)
    scene, _ = validate(source, Report(source))
    if scene is not None and any(entry.do for entry in scene.timeline):
        try:
            weights_path(scene, source.folder)
        except BadInput as error:
            pytest.skip(str(error))


def test_there_are_at_least_four_scenes() -> None:
    assert len(SCENES) >= 4
    for name in SCENES:
        assert len((EXAMPLES / name).read_text(encoding="utf-8").splitlines()) <= 40, f"{name} is longer than 40 lines"


@pytest.mark.parametrize("name", SCENES)
def test_scene_has_no_problem_and_draws(tmp_path: Path, name: str) -> None:
    path = tiny(tmp_path, name)
    needs_weights(path)
    # Clean-up takes as long as the whole motion however few frames are drawn: one example has it here.
    changes = Changes(physics=None if name.startswith("03") else False)
    film, report = load(read(path), changes)
    assert report.problems == []
    middle = film.frames // 2
    made = make_film(path, tmp_path / "film.mp4", changes=changes, frames=(middle, middle + 2))
    assert len(made.film.mended) == name.startswith("03")
    assert probe(made.path).size == (64, 36)
    pictures = list(read_frames(made.path))
    assert len(pictures) == 2 and pictures[0].std() > 5, "something is in the picture"
    if film.passes:
        passes = read_passes(tmp_path / "film_passes", middle)
        assert set(passes) == set(film.passes)
        assert (passes["ids"][..., 0] == 1).any(), "the first performer is in the picture"
        assert len(list((tmp_path / "film_control").glob("*.mp4"))) == len(film.control)


def test_the_first_film_is_a_film() -> None:
    film, _ = load(read(EXAMPLES / "01_first_film.yaml"), Changes(physics=False))
    assert 8 <= film.seconds <= 10 and len(film.shots) >= 3 and film.size == (1280, 720)


def test_python_api(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "kick.mp4"
    runpy.run_path(str(EXAMPLES / "05_python_api.py"))["main"](str(path), size=(64, 36), frames=3)
    assert len(list(read_frames(path))) == 3
    assert capsys.readouterr().out
