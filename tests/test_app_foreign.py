"""Results of other people's models through the product: `cinemotion convert` and films."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from foreign_motions import captured, features_263, mdm, walker
from typer.testing import CliRunner

import mocap_data
from cinemotion.cli import app
from cinemotion.convert import Options, convert
from cinemotion.pipeline import make_film
from cinemotion.resolve import load
from cinemotion.source import SceneError, read
from motion import skeleton
from motion.errors import BadInput
from motion.retarget import retarget
from render.video import probe

SCENE = """\
schema: 1
size: [32, 18]
fps: 20
cast: {{ada: {{outfit: casual}}}}
stage: {{ground: none}}
timeline: [{{actor: ada, clip: "{clip}"}}]
output: {{samples: 1}}
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    joints = [walker(16).positions()[:, :22], captured("run").positions()[:, :22]]
    return mdm(tmp_path / "results.npy", joints, ["a person walks in a curve", "a person runs"])


def shell(folder: Path, *arguments: str) -> tuple[int, str]:
    with contextlib.chdir(folder):
        shown = CliRunner().invoke(app, list(arguments))
    if shown.exception is not None and not isinstance(shown.exception, SystemExit):
        raise shown.exception
    return shown.exit_code, shown.stdout + shown.stderr


def test_results_become_a_bvh(results: Path) -> None:
    code, said = shell(results.parent, "convert", "results.npy", "walk.bvh")
    assert code == 0
    assert "walk.bvh: 16 frames at 20 fps, 22 joints as they are" in said
    assert "sample 0 of 2: a person walks in a curve" in said and "mm from the points (median" in said
    back, _ = retarget(mocap_data.load(results.parent / "walk.bvh"))
    straight, _ = retarget(mocap_data.load(results))
    error = np.linalg.norm(back.positions()[:, :22] - straight.positions()[:, :22], axis=-1)
    assert np.median(error) < 0.01
    assert set(skeleton.JOINTS[:22]) <= set(mocap_data.load(results.parent / "walk.bvh").names)


@pytest.mark.parametrize("ask", [("results.npy#1",), ("results.npy", "--sample", "1")])
def test_one_of_a_batch_under_names_and_at_rates(results: Path, ask: tuple[str, ...]) -> None:
    code, said = shell(results.parent, "convert", *ask, "run.bvh", "--names", "mixamo", "--source-fps", "25")
    assert code == 0 and "a person runs" in said and "at 25 fps" in said
    assert any("LeftUpLeg" in name for name in mocap_data.load(results.parent / "run.bvh").names)


def test_to_amass_and_to_a_dressed_body(results: Path) -> None:
    made = convert(results, results.parent / "walk.npz")
    assert made.by_smpl is False and mocap_data.load(results.parent / "walk.npz").frames == 16
    assert convert(results, results.parent / "walk.glb").frames == 16


def test_what_the_file_does_not_say_may_be_told(tmp_path: Path) -> None:
    points = walker(12).positions()[:, :22]
    np.save(tmp_path / "inches.npy", (points / 0.0254)[..., [0, 2, 1]] * [1.0, -1.0, 1.0])
    told = convert(tmp_path / "inches.npy", tmp_path / "a.bvh", Options(units="in", up="z", source_fps="24"))
    assert told.fps == 24 and told.take.up == "Y"
    clip, _ = retarget(told.take)
    assert 0.7 < np.linalg.norm(clip.rest_offsets[[4, 7]], axis=-1).sum() < 0.9
    np.save(tmp_path / "f.npy", features_263(points))
    with pytest.raises(BadInput, match="up and units do not apply"):
        convert(tmp_path / "f.npy", tmp_path / "b.bvh", Options(units="cm"))
    with pytest.raises(BadInput, match=r"--sample 1: pybullet:walk holds one motion"):
        convert("pybullet:walk", tmp_path / "b.bvh", Options(sample=1))
    assert not (tmp_path / "b.bvh").exists()


def test_a_film_of_one_of_the_results(results: Path) -> None:
    path = results.parent / "scene.yaml"
    path.write_text(SCENE.format(clip="results.npy#1"))
    film, report = load(read(path))
    assert not report.errors
    about = next(i for i in film.inputs if i.name == "results.npy#1").provenance
    assert about.source == "results.npy" and about.sha256 and "non-commercial" in (about.licence or "")
    assert any("a person runs" in note for note in about.notes)
    assert probe(make_film(path, results.parent / "film.mp4").path).size == (32, 18)


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ("results.npy#2", "no sample 2; it holds 2 motions, 0 to 1"),
        ("result.npy#1", r"no such file 'result\.npy'; did you mean 'results\.npy'"),
        ("results.npy#one", "no such file"),
    ],
)
def test_a_scene_with_a_wrong_sample(results: Path, clip: str, expected: str) -> None:
    path = results.parent / "scene.yaml"
    path.write_text(SCENE.format(clip=clip))
    with pytest.raises(SceneError, match=expected):
        load(read(path))
