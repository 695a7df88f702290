"""The in-betweener, streams and tokens from the command line, with weights that know nothing; what the page on the
prior shows, run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tiny_prior
import tiny_tokens
from typer.testing import CliRunner, Result

import mocap_data
from cinemotion import formats
from cinemotion.cli import app
from motion import rotations as rot
from motion.retarget import retarget

torch = pytest.importorskip("torch")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of each kind that makes motion."""
    from motion.prior.inbetween import InBetweener
    from motion.prior.inbetween_net import Config, Network
    from motion.prior.weights import Card

    folder = tmp_path_factory.mktemp("weights")
    tiny_prior.write(folder / "base-prior.safetensors")
    torch.manual_seed(0)
    small = Config(width=32, layers=2, heads=2, hidden=64)
    card = Card("inbetween", "base", "CC BY-NC 4.0", config=small.as_dict())
    InBetweener(Network(tiny_prior.corpus().rest_offsets, small), card).save(folder / "base-inbetween.safetensors")
    tiny_tokens.write(folder)
    for kind in ("tokens", "gpt"):
        (folder / f"tiny-{kind}.safetensors").rename(folder / f"base-{kind}.safetensors")
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def fine(*words: object) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output


# ---- at once


def test_poses_are_joined_at_once_and_always_alike(tmp_path: Path, weights: Path) -> None:
    def made(name: str) -> bytes:
        said = fine(
            "motion", "--instant", "--key", "pybullet:walk@0s=0s", "--key", "pybullet:jump@0.3s=1.5s", "--fps", 24,
            "-o", tmp_path / name, "--model", weights,
        )  # fmt: skip
        assert "[in-betweener]" in said and "keys: 0.0 cm off" in said and "stand on one spot" in said, said
        assert "licence: CC BY-NC 4.0 (base inbetween" in said
        return (tmp_path / name).read_bytes()

    assert made("a.bvh") == made("b.bvh")
    clip = retarget(mocap_data.load(tmp_path / "a.bvh"))[0]
    assert clip.frames == 37 and clip.fps == 24
    pose = retarget(mocap_data.load("pybullet:walk"))[0]
    assert rot.angle_between(clip.rotations[0], pose.rotations[0]).max() < 1e-3
    document = json.loads((tmp_path / "a.bvh.provenance.json").read_text())
    assert document["models"][0]["kind"] == "inbetween" and document["licence"] == "CC BY-NC 4.0"
    assert document["report"]["spans"][0]["road"] == "in-betweener"


def test_placed_poses_stand_where_they_are_said_on_any_body(tmp_path: Path, weights: Path) -> None:
    clip, _ = retarget(mocap_data.load("pybullet:walk"), rest_offsets=tiny_prior.corpus().rest_offsets)
    keys = {"times": [0.0, 1.0], "rotations": clip.rotations[[0, 20]], "root_position": clip.root_position[[0, 20]]}
    np.savez(tmp_path / "keys.npz", **keys)
    order = ("motion", "--instant", "--keyframes", tmp_path / "keys.npz", "--model", weights)
    assert "stand on one spot" not in fine(*order, "-o", tmp_path / "a.npz")
    back = retarget(mocap_data.load(tmp_path / "a.npz"))[0]
    np.testing.assert_allclose(back.root_position[-1], clip.root_position[20], atol=1e-3)
    fine(*order, "-o", tmp_path / "small.glb", "--height", 1.3)
    small = retarget(formats.load(tmp_path / "small.glb"))[0]
    assert small.rest_offsets[0, 1] < 0.75 and small.frames == 31


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("walks", "--key", "pybullet:walk=0s"), "knows poses and no words; leave out 'walks'"),
        (("--key", "pybullet:walk=0s", "--in-place"), "--instant: --in-place is for sampled motion"),
        (("--key", "pybullet:walk=0s", "--seed", 3), "--instant: --seed is for sampled motion"),
        ((), "--instant: between which poses?"),
        (("--key", "pybullet:walk=0s"), "say for how long it is held"),
        (("--key", "pybullet:walk=0s", "--key", "pybullet:jump=3s", "--seconds", 2), "lies outside the clip"),
        (("--keyframes", "arm.npz"), "holds 1 of 24 joints; the in-betweener goes between whole poses"),
        (("--key", "pybullet:walk=1s", "--model", "none.safetensors"), "none.safetensors: no such file"),
    ],
)
def test_wrong_orders_of_instant_motion_are_one_line(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    joints = np.arange(24) == 16
    np.savez("arm.npz", times=[0.0, 1.0], rotations=np.tile(rot.IDENTITY, (2, 24, 1)), joints=joints)
    given = words if "--model" in words else (*words, "--model", weights)
    result = run("motion", "--instant", *given, "-o", "m.bvh")
    assert result.exit_code == 2 and said in result.output and len(result.output.splitlines()) == 1, result.output
    assert not Path("m.bvh").exists()


# ---- streams


def test_a_stream_is_written_with_its_sidecar(tmp_path: Path, weights: Path) -> None:
    def made(name: str, *more: object) -> str:
        return fine("stream", "walks for one second, then jumps", "-o", tmp_path / name, "--model", weights, *more)

    said = made("a.bvh", "--seconds", 2, "--seed", 3)
    assert "60 frames at 30 fps" in said and "[streamed]" in said and "first frame after" in said, said
    assert "licence: MIT (tiny gpt" in said and "licence: MIT (tiny tokens" in said
    assert mocap_data.load(tmp_path / "a.bvh").frames == 60
    document = json.loads((tmp_path / "a.bvh.provenance.json").read_text())
    assert [m["kind"] for m in document["models"]] == ["gpt", "tokens"] and document["seed"] == 3
    assert [s["text"].split()[0] for s in document["report"]["spans"]] == ["walks", "jumps"]
    made("b.bvh", "--seconds", 2, "--seed", 3)
    assert (tmp_path / "b.bvh").read_bytes() == (tmp_path / "a.bvh").read_bytes()
    made("c.npz", "--seconds", 1, "--fps", 24, "--height", 1.3)
    short = retarget(mocap_data.load(tmp_path / "c.npz"))[0]
    assert short.fps == 24 and short.rest_offsets[0, 1] < 0.75
    for words, wrong in (
        (("walks", "--seconds", 0), "--seconds 0, expected"),
        (("flies to the moon",), "no known action"),
        (("walks", "--fps", "fast"), "--fps: expected"),
    ):
        result = run("stream", *words, "-o", tmp_path / "w.bvh", "--model", weights)
        assert result.exit_code == 2 and wrong in result.output and len(result.output.splitlines()) == 1, result.output


def test_frames_in_one_line(weights: Path) -> None:
    from motion.prior.stream import stream

    for frame in stream("walks forward", seed=1, model=weights):
        assert frame.rotations.shape == (24, 4)
        if frame.seconds >= 0.2:
            break


# ---- tokens


def test_motion_goes_to_tokens_and_back(tmp_path: Path, weights: Path) -> None:
    tokens = tmp_path / "walk.tokens"
    fine("convert", "pybullet:walk", tokens, "--model", weights)
    assert tokens.stat().st_size < 2000
    said = fine("convert", tokens, tmp_path / "walk.bvh", "--model", weights)
    assert "decoded by tiny tokens" in said and "licence: " in said, said
    take, source = mocap_data.load(tmp_path / "walk.bvh"), mocap_data.load("pybullet:walk")
    assert take.fps == 30 and take.seconds == pytest.approx(source.seconds, abs=0.07)
    assert formats.load(tokens, model=str(weights)).provenance.licence
    result = run("convert", "pybullet:walk", tmp_path / "walk.npz", "--model", weights)
    assert result.exit_code == 2 and "neither file is .tokens" in result.output


def test_a_stretch_is_found_again(tmp_path: Path, weights: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    fine("convert", "pybullet:walk", folder / "walk.tokens", "--model", weights)
    fine("convert", "pybullet:jump", folder / "jump.bvh")
    (folder / "broken.bvh").write_text("nothing")
    fine("convert", "pybullet:jump", tmp_path / "part.bvh", "--start", "0.4s", "--stop", "1.2s")
    lines = fine("find", tmp_path / "part.bvh", folder, "--model", weights).splitlines()
    assert "jump.bvh" in lines[0] and "walk.tokens" in lines[1] and "looked through 2 files" in lines[2], lines
    assert "1 could not be used" in lines[2]
    assert re.match(r" +[\d.]+ +[\d.]+ –  +[\d.]+ s  ", lines[0])
    most = fine("find", folder / "walk.tokens", folder, tmp_path / "part.bvh", "--most", 1, "--model", weights)
    assert len(most.splitlines()) == 2 and "walk.tokens" not in most
    for words, said in (((folder / "broken.bvh",), "broken.bvh"), ((tmp_path / "none",), "none")):
        result = run("find", tmp_path / "part.bvh", *words, "--model", weights)
        assert result.exit_code == 2 and said in result.output and len(result.output.splitlines()) == 1, result.output


# ---- retrieval


def test_captions_of_a_corpus_are_encoded_once(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mocap_data import dataset
    from motion.prior import retrieve

    dataset.save(tiny_prior.corpus(), tmp_path / "corpus")
    monkeypatch.setenv("CINEMOTION_CACHE", str(tmp_path / "cache"))
    encoded: list[int] = []

    def letters(texts: list[str]) -> np.ndarray:
        encoded.append(len(texts))
        rows = np.array([[text.count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    monkeypatch.setattr(retrieve, "_minilm", letters)
    order = ("--retrieval", tmp_path / "corpus", "--model", weights, "-o", tmp_path / "m.bvh")
    said = fine("motion", "walks for 9 seconds", *order)
    assert "[sampled]" in said and "more than one window: sampled" in said, said
    assert encoded[0] == 2 and len(list((tmp_path / "cache" / "captions").glob("*.npz"))) == 1
    encoded.clear()
    said = fine("motion", "walks forward", "--seconds", 1.5, "--style", "pybullet:walk", *order)
    assert "retrieval: no captures beside a style example" in said and encoded == [], said


# ---- what the page shows


def test_the_python_of_the_page_runs(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CINEMOTION_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)
    fine("convert", "pybullet:walk", "walk.bvh")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "prior.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/prior.md", "exec"), names)
