"""`style:` in a scene: films in a look, the same bytes by any number of workers; what is wrong is said in place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cinemotion.film import Changes
from cinemotion.pipeline import make_film
from cinemotion.plan import plan
from cinemotion.resolve import load
from cinemotion.source import SceneError, read
from render.rasterizer import gl_info
from render.video import read_frames

SCENE = """\
schema: 1
title: Drawn
fps: 24
size: [32, 18]
cast:
  ada: {outfit: casual}
stage: {ground: wood, light: noon, props: [{name: chest, shape: box, size: 0.5, at: [1, 0]}]}
timeline:
  - {actor: ada, clip: "pybullet:walk", loop: true, for: 0.5s}
shots:
  - {size: full, of: ada, for: 5f}
  - {size: medium, of: ada, until: 10f}
output: {chunk: 3, samples: 1}
"""


def write(folder: Path, style: str, name: str = "drawn.yaml") -> Path:
    path = folder / name
    path.write_text(SCENE + f"style: {style}\n")
    return path


def film_of(folder: Path, style: str, name: str, **options: object) -> np.ndarray:
    scene = write(folder, style)
    made = make_film(scene, folder / name / "film.mkv", **options)  # type: ignore[arg-type]
    return np.stack(list(read_frames(made.path)))


def test_a_style_is_drawn_by_any_number_of_workers_alike(tmp_path: Path) -> None:
    plain = np.stack(list(read_frames(make_film(write(tmp_path, "null"), tmp_path / "plain.mkv").path)))
    Image.fromarray(plain[2]).save(tmp_path / "painted.png")
    for n, style in enumerate(("{look: clay, every: 2}", "{example: painted.png, frame: 2}")):
        one = film_of(tmp_path, style, f"one{n}")
        two = film_of(tmp_path, style, f"two{n}", workers=2)
        assert one.shape == plain.shape and (one == two).all()
        assert np.abs(one.astype(int) - plain).mean() > 0.2
        sidecar = json.loads((tmp_path / f"one{n}" / "film.provenance.json").read_text())
        assert sidecar["style"]["look"] == ("clay", "example")[n]
    assert [i["name"] for i in sidecar["inputs"] if i["role"] == "painting"] == ["painted.png"]
    assert sidecar["style"]["painting"] == "painted.png", "no folder of this machine"


def test_strength_zero_is_the_plain_film_and_a_draft_keeps_its_style(tmp_path: Path) -> None:
    plain = np.stack(list(read_frames(make_film(write(tmp_path, "null"), tmp_path / "plain.mkv").path)))
    assert (film_of(tmp_path, "{look: toon, strength: 0}", "none") == plain).all()
    draft = film_of(tmp_path, "pencil", "draft", changes=Changes(draft=True))
    assert draft.shape == (10, 16, 16, 3) and draft.mean() > plain.mean()


@pytest.mark.parametrize(
    ("style", "place", "words"),
    [
        ("toone", "style", "unknown look 'toone'; did you mean 'toon'"),
        ("{look: pensil}", "style.look", "did you mean 'pencil'"),
        ("{tones: 2}", "style", "expected a `look`"),
        ("{look: toon, grain: 0.5}", "style.grain", "no setting of the look 'toon'"),
        ("{look: toon, tonse: 2}", "style.tonse", "did you mean 'tones'"),
        ("{look: toon, tones: 9}", "style.tones", "4"),
        ("{look: toon, strength: {ada: 1, bench: 0.3}}", "style.strength.bench", "nothing is called 'bench'"),
        ("{look: toon, strength: {ada: 2}}", "style.strength", "1"),
        ("{look: example}", "style.look", "needs a painted frame"),
        ("{example: lost.png}", "style.example", "no such file 'lost.png'"),
        ("{example: drawn.yaml, frame: 900}", "style.frame", "the film has 10 frames"),
        ("{look: clay, frame: 3}", "style.frame", "only an `example`"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path: Path, style: str, place: str, words: str) -> None:
    with pytest.raises(SceneError) as caught:
        load(read(write(tmp_path, style)))
    assert any(p.path.startswith(place) and words in str(p) for p in caught.value.problems), caught.value


def test_a_style_that_looks_at_other_frames_is_planned_so(tmp_path: Path) -> None:
    films = [load(read(write(tmp_path, s)))[0] for s in ("null", "toon", "{look: toon, tones: 2}")]
    keys = [[c.key for c in plan(film, 0, film.frames, gl_info(None), ())] for film in films]
    assert all(a != b for a, b in zip(keys[0], keys[1], strict=True))
    assert all(a != b for a, b in zip(keys[1], keys[2], strict=True))
