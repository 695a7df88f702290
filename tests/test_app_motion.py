"""`cinemotion motion` through its own entry point, acted by a prior that knows nothing: files, sidecars, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_prior
from typer.testing import CliRunner, Result

import mocap_data
from cinemotion.ask import Ask, request
from cinemotion.cli import app
from cinemotion.provenance import manifest
from motion.errors import BadInput
from motion.retarget import retarget

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_prior.write(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["motion", *map(str, words)])


def test_words_become_a_file_and_its_sidecar(tmp_path: Path, model: Path) -> None:
    out = tmp_path / "walk.bvh"
    made = run("walks forward, then waves with the left hand", "-o", out, "--seconds", 3, "--seed", 4, "--model", model)
    assert made.exit_code == 0, made.output
    take = mocap_data.load(out)
    assert take.frames == 90 and take.fps == 30 and take.joints == 24
    lines = made.output.splitlines()
    assert lines[0] == f"{out}: 90 frames at 30 fps, 3.00 s"
    assert any("walks forward" in line and "[sampled]" in line for line in lines)
    assert any("side left ('left hand')" in line for line in lines), "which words decided it"
    assert (
        lines[-1].startswith("licence: CC BY-NC 4.0 (base prior 1 (sha256 ") and "not for commercial use" in lines[-1]
    )
    document = json.loads((tmp_path / "walk.bvh.provenance.json").read_text())
    assert document["licence"] == "CC BY-NC 4.0" and document["seed"] == 4
    assert document["file"]["sha256"] == manifest.file_sha256(out)
    assert document["models"][0]["name"] == "base" and document["report"]["spans"][0]["road"] == "sampled"


def test_the_same_seed_writes_the_same_bytes_and_variations_are_seeds(tmp_path: Path, model: Path) -> None:
    def made(name: str, *more: object) -> bytes:
        result = run("walks", "-o", tmp_path / name, "--seconds", 1, "--model", model, "-q", *more)
        assert result.exit_code == 0 and result.output == "", result.output
        return (tmp_path / name).read_bytes() if (tmp_path / name).exists() else b""

    one = made("a.bvh", "--seed", 7)
    assert made("b.bvh", "--seed", 7) == one != made("c.bvh", "--seed", 8)
    made("v.bvh", "--seed", 7, "--variations", 2)
    for variation, alone in (("v_1.bvh", "a.bvh"), ("v_2.bvh", "c.bvh")):  # equal but for the last bits of a batch
        found, expected = (mocap_data.load(tmp_path / n).world()[1] for n in (variation, alone))
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("name", ["m.npz", "m.glb", "m.bvh"])
def test_every_format_and_a_described_body(tmp_path: Path, model: Path, name: str) -> None:
    from cinemotion import formats

    out = tmp_path / name
    result = run("walks", "-o", out, "--seconds", 1, "--model", model, "--fps", 24, "--height", 1.4)
    assert result.exit_code == 0, result.output
    take = formats.load(out)
    assert take.fps == 24
    clip, _ = retarget(take)
    assert clip.rest_offsets[0, 1] < 0.8, "legs of someone 1.4 m tall"


def test_keys_paths_points_and_clips_reach_the_prior(tmp_path: Path, model: Path) -> None:
    clip, _ = retarget(mocap_data.load("pybullet:walk"), rest_offsets=tiny_prior.corpus().rest_offsets)
    np.savez(
        tmp_path / "keys.npz",
        times=[0.0, 1.5],
        rotations=clip.rotations[[0, 20]],
        root_position=clip.root_position[[0, 20]],
    )
    (tmp_path / "way.csv").write_text("x,z\n0,0\n0,1\n1,1.5\n")
    keys = run(
        "walks", "-o", tmp_path / "k.bvh", "--keyframes", tmp_path / "keys.npz", "--seconds", 2, "--model", model
    )
    assert keys.exit_code == 0 and "keys: 0.0 cm off on average" in keys.output, keys.output
    way = run("walks", "-o", tmp_path / "w.bvh", "--path", tmp_path / "way.csv", "--seconds", 2, "--model", model)
    assert way.exit_code == 0 and "path: " in way.output, way.output
    reach = run(
        "stands", "-o", tmp_path / "r.bvh", "--reach", "right hand:0.2,1.2,0.4@1s", "--seconds", 2, "--model", model
    )
    assert reach.exit_code == 0 and "reach 0: " in reach.output, reach.output
    kept = run("waves", "-o", tmp_path / "b.bvh", "--base", "pybullet:walk", "--keep", "legs", "--model", model)
    assert kept.exit_code == 0, kept.output
    longer = run(
        "stops",
        "-o",
        tmp_path / "e.bvh",
        "--base",
        "pybullet:walk",
        "--extend",
        "forwards",
        "--seconds",
        1,
        "--model",
        model,
    )
    assert longer.exit_code == 0, longer.output
    assert mocap_data.load(tmp_path / "e.bvh").seconds == pytest.approx(
        mocap_data.load("pybullet:walk").seconds + 1, abs=0.07
    )
    pose = run(
        "walks",
        "-o",
        tmp_path / "p.bvh",
        "--key",
        "pybullet:walk@0.5s=1s",
        "--key",
        "pybullet:jump=0s",
        "--seconds",
        2,
        "--model",
        model,
    )
    assert pose.exit_code == 0 and "keys: " in pose.output, pose.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("",), "text: empty; say what the performer does"),
        (("walks ", "--seconds", 0), "seconds: 0, expected more than 0"),
        (("walks", "--seconds", 3600), "expected at most 600 s in one clip"),
        (("walks", "--seconds", "nan"), "seconds: nan, expected more than 0"),
        (("wlaks " * 10000,), "text has 10000 words, expected at most"),
        (("ходит вперёд",), "plans are read from English alone"),
        (("flies to the moon",), "no known action in 'flies to the moon'"),
        (("walks", "--style", "hapy"), "unknown style 'hapy'; did you mean 'happy'?"),
        (("walks", "--keep", "legs"), "keep: changes a clip; give it as base"),
        (("walks", "--extend", "sideways", "--base", "x.bvh"), "unknown direction to extend 'sideways'"),
        (("walks", "--extend", "forwards", "--base", "pybullet:walk"), "--extend: say how much with --seconds"),
        (("", "--base", "pybullet:walk"), "--base: say what of it changes"),
        (("walks", "--base", "pybullet:wlk"), "did you mean 'walk'"),
        (("walks", "--reach", "right hand:1,2@1s"), "--reach 'right hand:1,2@1s', expected JOINT:X,Y,Z@TIME"),
        (("walks", "--reach", "nose:1,2,3@1s"), "unknown joint 'nose'"),
        (("walks", "--key", "nothing"), "--key 'nothing', expected FILE[@TIME]=TIME"),
        (("walks", "--key", "pybullet:walk@9s=1s"), "9 s of a clip that ends"),
        (("walks", "--keyframes", "none.npz"), "none.npz: no such file"),
        (("walks", "--path", "none.csv"), "none.csv: no such file"),
        (("walks", "--fps", "fast"), "--fps: expected frames per second"),
        (("walks", "--variations", 0), "--variations 0, expected 1 to 64"),
        (("walks", "--model", "bse"), "unknown weights 'bse'; did you mean 'base'?"),
        (("walks", "--model", "none.safetensors"), "none.safetensors: no such file"),
        (("walks", "--retrieval", "none"), "none: no such folder with a corpus"),
    ],
)  # fmt: skip
def test_wrong_orders_are_one_line(tmp_path: Path, model: Path, words: tuple[object, ...], said: str) -> None:
    given = words if "--model" in words else (*words, "--model", model)
    result = run(*given, "-o", tmp_path / "m.bvh")
    assert result.exit_code == 2 and said in result.output and len(result.output.splitlines()) == 1, result.output
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_a_folder_that_is_not_there_is_said_before_any_work(tmp_path: Path) -> None:
    result = run("walks", "-o", tmp_path / "none" / "m.bvh")
    assert result.exit_code == 2 and "the folder" in result.output and "does not exist" in result.output


def test_a_suffix_that_nothing_writes(tmp_path: Path) -> None:
    result = run("walks", "-o", tmp_path / "m.bhv")
    assert result.exit_code == 2 and "unknown suffix to write '.bhv'; did you mean '.bvh'" in result.output


def test_a_wrong_order_does_not_wait_for_torch() -> None:
    code = """
import sys
from cinemotion.ask import Ask, request
try:
    request(Ask("flies to the moon"), None)
except Exception as error:
    print(error)
sys.exit('torch' in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


def test_points_and_ways_are_on_the_body_that_was_described() -> None:
    from cinemotion.make_motion import scaled

    class Body:
        rest_offsets = 0.8 * np.asarray(tiny_prior.corpus().rest_offsets)

    asked = scaled(request(Ask("walks", reach=("right hand:0.4,0.8,0.4@1s",)), Body.rest_offsets), Body)
    assert asked.reach[0].point == pytest.approx((0.5, 1.0, 0.5), rel=1e-3)
    with pytest.raises(BadInput, match="expected JOINT"):
        request(Ask("walks", reach=("x",)), None)
