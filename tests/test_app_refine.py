"""Refined films: the same bytes however they are drawn, nothing across a cut, drafts as they are drawn, bad input."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_refiner

from cinemotion import manifest, resolve, source
from cinemotion.film import Changes, Film
from cinemotion.pipeline import make_film
from cinemotion.plan import plan
from cinemotion.provenance import verify
from cinemotion.refining import CARRY
from cinemotion.source import SceneError
from motion.errors import BadInput
from render.video import read_frames

GL = {"vendor": "", "renderer": "", "version": ""}
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
        ("{weights: base, faithful: true, every: 2}", "faithful, every: .* expected one of the two"),
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


def pipeline_film(folder: Path) -> Film:
    (folder / "wan").mkdir(exist_ok=True)
    (folder / "wan" / "model_index.json").write_text(
        '{"_class_name": "WanVACEPipeline", "_diffusers_version": "0.35.1"}'
    )
    text = SCENE.replace("{weights: tiny-refiner.safetensors}", "{pipeline: wan}")
    (folder / "scene.yaml").write_text(text)
    return resolve.load(source.read(folder / "scene.yaml"))[0]


def test_a_pipeline_refines_whole_shots(tmp_path: Path) -> None:
    """It has windows of its own, which overlap: a film's chunks must not cut through them."""
    film = pipeline_film(tmp_path)
    borders = lambda *part: [(c.index, c.first, c.stop, c.after) for c in plan(film, *part, GL, ())]
    assert borders(0, 19) == [(0, 0, 12, None), (1, 12, 19, None)] and film.frames == 19
    assert borders(3, 15) == [(0, 3, 12, None), (1, 12, 15, None)]
    assert borders(13, 19) == [(1, 13, 19, None)]
    own = replace(film, look=replace(film.look, refining=None))
    assert [(c.first, c.stop) for c in plan(own, 3, 12, GL, ())] == [(3, 5), (5, 10), (10, 12)]


def test_a_style_of_full_strength_leaves_refinement_out(scene: Path, tmp_path: Path) -> None:
    said = {}
    for name, style in (("full", "toon"), ("part", "{look: toon, strength: {ada: 0.5}}")):
        path = scene.with_name(f"{name}.yaml")
        path.write_text(SCENE + f"style: {style}\n")
        film, report = resolve.load(source.read(path))
        said[name] = film.look.refining, film.models, [p for p in report.sorted if "refined frames" in p.message]
    assert said["full"][:2] == (None, ()) and len(said["full"][2]) == 1
    assert said["part"][0] is not None and len(said["part"][1]) == 1 and not said["part"][2]


def test_another_refiner_keeps_how_the_scene_refines(scene: Path) -> None:
    path = scene.with_name("faithful.yaml")
    path.write_text(SCENE.replace("tiny-refiner.safetensors}", "tiny-refiner.safetensors, faithful: true, steps: 2}"))
    weights = str(scene.parent / "tiny-refiner.safetensors")
    film, _ = resolve.load(source.read(path), Changes(refiner=weights))
    assert film.look.refining is not None
    assert film.look.refining.faithful and film.look.refining.steps == 2 and film.look.refining.weights == weights


def test_a_network_between_frames_is_named_and_must_be_whole(
    scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from motion.prior import weights
    from render.refine.between import card
    from render.refine.blend import BlendConfig, BlendNetwork

    monkeypatch.setattr(weights, "user_folder", lambda: tmp_path)
    network = BlendNetwork(BlendConfig())
    weights.save(tmp_path / "base-between.safetensors", network.state_dict(), card(network, name="base", licence="CC0"))
    path = scene.with_name("every.yaml")
    path.write_text(SCENE.replace("tiny-refiner.safetensors}", "tiny-refiner.safetensors, every: 2}"))
    film, _ = resolve.load(source.read(path))
    assert [m["kind"] for m in film.models] == ["refiner", "between"]
    whole = (tmp_path / "base-between.safetensors").read_bytes()
    (tmp_path / "base-between.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SceneError, match="base-between"):
        resolve.load(source.read(path))


@pytest.mark.parametrize("samples, renderer", [(289, "pathtrace"), (256, "raster")])
def test_samples_are_as_many_as_the_renderer_takes(tmp_path: Path, samples: int, renderer: str) -> None:
    plain = SCENE.replace("refine: {weights: tiny-refiner.safetensors}, ", "").replace(
        "samples: 1", f"samples: {samples}"
    )
    path = tmp_path / "scene.yaml"
    path.write_text(plain.replace("chunk: 5", f"chunk: 5, renderer: {renderer}"))
    assert resolve.load(source.read(path))[0].look.samples == samples
    if renderer == "pathtrace":
        path.write_text(plain)
        with pytest.raises(SceneError, match="289: the rasterizer takes 256 at most"):
            resolve.load(source.read(path))


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
    if card is not None:
        (tmp_path / "wan").mkdir()
        (tmp_path / "wan" / "README.md").write_text(card)
    film = pipeline_film(tmp_path)
    [model] = film.models
    assert (model["name"], model["kind"], model["version"]) == ("wan", "pipeline", "0.35.1")
    assert (model["file"], model["licence"]) == ("WanVACEPipeline", licence)
    assert film.look.refining is not None and model["sha256"] == film.look.refining.sha256
