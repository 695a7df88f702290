"""Refined films: the same bytes however they are drawn, nothing across a cut, drafts as they are drawn, bad input."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_refiner

from cinemotion import manifest, resolve, source
from cinemotion.film import Changes
from cinemotion.pipeline import make_film
from cinemotion.provenance import verify
from cinemotion.refining import CARRY
from cinemotion.source import SceneError
from motion.errors import BadInput
from render.video import read_frames

SCENE = """\
schema: 1
fps: 24
size: [48, 32]
cast:
  ada: {outfit: casual}
stage: {ground: concrete, light: noon}
timeline:
  - {actor: ada, clip: "pybullet:walk", loop: true, for: 1s}
shots:
  - {size: full, of: ada, for: 0.5s}
  - {size: medium, of: ada, move: push_in, until: 0.8s}
output: {chunk: 5, samples: 1, refine: {weights: tiny-refiner.safetensors}, codec: lossless, video: film.mkv}
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refined")
    tiny_refiner.save(folder / "tiny-refiner.safetensors")
    path = folder / "scene.yaml"
    path.write_text(SCENE)
    return path


def frames(path: Path) -> np.ndarray:
    return np.stack(list(read_frames(path))).astype(int)


@pytest.fixture(scope="module")
def film(scene: Path) -> Path:
    return make_film(scene, scene.parent / "one" / "film.mkv").path


def test_frames_are_refined_and_the_sidecar_says_by_what(scene: Path, film: Path) -> None:
    plain = make_film(scene, scene.parent / "plain" / "film.mkv", changes=Changes(refine=False))
    assert np.abs(frames(film) - frames(plain.path)).mean() > 0.5
    document = verify(film)
    assert [m["kind"] for m in document["models"]] == ["refiner"]
    assert document["digitalSourceType"].endswith("compositeWithTrainedAlgorithmicMedia")
    assert "torch" in document["made_by"]["versions"]
    assert verify(plain.path)["models"] == []


def test_workers_make_the_same_film(scene: Path, film: Path) -> None:
    made = make_film(scene, scene.parent / "two" / "film.mkv", workers=2)
    assert made.path.read_bytes() == film.read_bytes()


def test_a_chunk_that_is_lost_is_drawn_again_with_what_follows_from_it(scene: Path, film: Path) -> None:
    out = scene.parent / "three" / "film.mkv"
    make_film(scene, out, keep=True)
    chunks = out.with_name("film.mkv.work") / "chunks"
    assert (chunks / "000000" / CARRY).is_file()
    shutil.rmtree(chunks / "000001")
    made = make_film(scene, out, resume=True, keep=True)
    assert made.path.read_bytes() == film.read_bytes() and made.drawn == 5
    # What a chunk left behind is a part of it: changed, it is not used.
    carry = chunks / "000000" / CARRY
    carry.write_bytes(carry.read_bytes()[:-9] + b"something")
    again = make_film(scene, out, resume=True)
    assert again.path.read_bytes() == film.read_bytes() and again.drawn == 5


def test_nothing_leaks_across_a_cut(scene: Path, film: Path) -> None:
    """The second shot is the same film whatever the first one showed."""
    other = scene.with_name("other.yaml")
    other.write_text(SCENE.replace("{size: full, of: ada, for: 0.5s}", "{size: close_up, of: ada, for: 0.5s}"))
    made = make_film(other, scene.parent / "four" / "film.mkv")
    assert np.abs(frames(film)[:12] - frames(made.path)[:12]).max() > 20
    np.testing.assert_array_equal(frames(film)[12:], frames(made.path)[12:])


def test_every_second_frame_makes_the_same_film_too(scene: Path, film: Path) -> None:
    other = scene.with_name("every.yaml")
    other.write_text(SCENE.replace("refine: {", "refine: {every: 2, "))
    one = make_film(other, scene.parent / "e1" / "film.mkv")
    two = make_film(other, scene.parent / "e2" / "film.mkv", workers=2)
    assert one.path.read_bytes() == two.path.read_bytes()
    assert 0 < np.abs(frames(one.path) - frames(film)).mean() < 8


def test_a_draft_is_never_refined(scene: Path) -> None:
    one = make_film(scene, scene.parent / "five" / "film.mkv", changes=Changes(draft=True))
    two = make_film(scene, scene.parent / "six" / "film.mkv", changes=Changes(draft=True, refine=True))
    three = make_film(scene, scene.parent / "seven" / "film.mkv", changes=Changes(draft=True, refine=False))
    assert one.path.read_bytes() == two.path.read_bytes() == three.path.read_bytes()


def test_the_command_line_names_another_refiner(scene: Path, film: Path) -> None:
    weights = str(scene.parent / "tiny-refiner.safetensors")
    plain = scene.with_name("no.yaml")
    plain.write_text(SCENE.replace("refine: {weights: tiny-refiner.safetensors}, ", ""))
    made = make_film(plain, scene.parent / "eight" / "film.mkv", changes=Changes(refiner=weights))
    np.testing.assert_array_equal(frames(made.path), frames(film))
    with pytest.raises(BadInput, match="unknown weights 'bse'"):
        make_film(plain, scene.parent / "nine" / "film.mkv", changes=Changes(refiner="bse"))


@pytest.mark.parametrize(
    "asked, said",
    [
        ("{weights: nobody}", "scene.yaml:.*unknown weights 'nobody'"),
        ("{pipeline: nowhere}", "scene.yaml:.*nowhere"),
        ("{strength: 0.5}", "strength: for a `pipeline`"),
        ("{weights: base, pipeline: here}", "weights: for our own network"),
        ("{step: 2}", "did you mean 'steps'"),
        ("{steps: 0}", "steps"),
        ("3", "refine"),
    ],
)
def test_bad_input(scene: Path, tmp_path: Path, asked: str, said: str) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE.replace("{weights: tiny-refiner.safetensors}", asked))
    with pytest.raises(SceneError, match=said):
        make_film(path, tmp_path / "film.mkv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["scene.yaml"]


def test_weights_cut_off_are_told_in_one_line(scene: Path, tmp_path: Path) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE)
    whole = (scene.parent / "tiny-refiner.safetensors").read_bytes()
    (tmp_path / "tiny-refiner.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SceneError, match=r"tiny-refiner\.safetensors") as caught:
        make_film(path, tmp_path / "film.mkv")
    assert len(str(caught.value).splitlines()) == 1


def test_a_pipelines_files_decide_the_chunks(tmp_path: Path) -> None:
    from cinemotion.refining import foreign

    (tmp_path / "model_index.json").write_text('{"_class_name": "WanVACEPipeline"}')
    one = foreign(tmp_path, {})
    (tmp_path / "unet.bin").write_bytes(b"1")
    assert manifest.digest(one) != manifest.digest(foreign(tmp_path, {}))


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        (None, "not stated"),
        ("no head", "not stated"),
        ("---\nlicense: apache-2.0\ntags: [video]\n---\n# Wan", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: nvidia-open-model-license\n---", "nvidia-open-model-license"),
        ("---\nlicense: [\n---", "not stated"),
    ],
)
def test_a_films_sidecar_names_the_pipeline_that_refined_it(tmp_path: Path, card: str | None, licence: str) -> None:
    folder = tmp_path / "wan"
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "WanVACEPipeline", "_diffusers_version": "0.35.1"}')
    if card is not None:
        (folder / "README.md").write_text(card)
    (tmp_path / "scene.yaml").write_text(SCENE.replace("{weights: tiny-refiner.safetensors}", "{pipeline: wan}"))
    film, _ = resolve.load(source.read(tmp_path / "scene.yaml"))
    [model] = film.models
    assert (model["name"], model["kind"], model["version"]) == ("wan", "pipeline", "0.35.1")
    assert (model["file"], model["licence"]) == ("WanVACEPipeline", licence)
    assert film.look.refining is not None and model["sha256"] == film.look.refining.sha256
