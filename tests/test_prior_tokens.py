"""Tokens: what a tokenizer keeps, small files, codebooks that stay in use, motion found again, odd input."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tiny_tokens
import torch
from tiny_prior import corpus

from motion import Clip, edit
from motion.errors import BadInput
from motion.prior import vqvae_net
from motion.prior.crops import Crops
from motion.prior.trainer import Settings, train
from motion.prior.vqvae import Shelf, Tokenizer, Tokens
from motion.prior.vqvae_net import STRIDE, Quantiser


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return tiny_tokens._learned(str(tmp_path_factory.mktemp("tokens")))


def taken(number: int) -> Clip:
    c = corpus()
    rows = slice(int(c.starts[number]), int(c.starts[number + 1]))
    return Clip(c.rotations[rows], c.root_position[rows], c.rest_offsets, Fraction(30))


def test_features_seen_by_the_mover_give_the_motion_back() -> None:
    windows = tiny_tokens.windows()
    track = windows.batch([w for w in windows.windows if w.frames == 60][:2]).track
    x = vqvae_net.seen(track)[..., vqvae_net._KEPT]
    yaw = torch.atan2(track.heading[:, 0, 1], track.heading[:, 0, 0])
    turned, path = vqvae_net.walked(x[:, :-1, 0], x[:, :-1, 1:3], yaw, track.path[:, 0])
    back = vqvae_net.shown(x, turned, path, track.rest_offsets)
    torch.testing.assert_close(back.positions(), track.positions(), atol=1e-4, rtol=0)


def test_training_brings_motion_nearer(tokenizer: Tokenizer) -> None:
    task = tiny_tokens.token_task()
    crops = Crops(tiny_tokens.windows("blocks"))
    before, after = (vqvae_net.reconstruction(n, crops, 32) for n in (task.module(), tokenizer.network))
    assert after["mm"] < 0.85 * before["mm"]
    assert after["perplexity_0"] > 4


def test_a_step_does_not_look_at_the_future_when_decoding(tokenizer: Tokenizer) -> None:
    network = tokenizer.network
    z = torch.randn(1, 30, network.config.code)
    other = z.clone()
    other[:, 20:] = 0.0
    first, second = network.decode(z), network.decode(other)
    assert torch.equal(first[:, : 20 * STRIDE], second[:, : 20 * STRIDE])
    # And no further back than it says: a stream needs to keep only so much.
    last = network.decode(z[:, -(network.reach + 1) :])[:, -STRIDE:]
    torch.testing.assert_close(last, network.decode(z)[:, -STRIDE:], atol=1e-5, rtol=1e-4)


def test_places_do_not_drift(tokenizer: Tokenizer) -> None:
    walk = edit.repeat(taken(0), 4)
    back = tokenizer.decode(tokenizer.encode(walk))
    assert back.frames == walk.frames
    way = np.linalg.norm((back.root_position - walk.root_position)[:, [0, 2]], axis=-1)
    assert way.max() < 0.25 and way[-20:].mean() < 2.0 * way[:20].mean() + 0.05


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 7, 8])
def test_any_length_comes_back(tokenizer: Tokenizer, frames: int) -> None:
    walk = taken(0)
    short = Clip(walk.rotations[:frames], walk.root_position[:frames], walk.rest_offsets, walk.fps)
    tokens = tokenizer.encode(short)
    assert len(tokens) == -(-frames // STRIDE)
    assert tokenizer.decode(tokens).frames == frames


def test_other_rates_and_bodies_are_brought_to_the_models(tokenizer: Tokenizer) -> None:
    walk = taken(0)
    tall = replace(walk, rest_offsets=walk.rest_offsets * 1.15, root_position=walk.root_position * 1.15)
    assert (tokenizer.encode(tall).codes == tokenizer.encode(walk).codes).mean() > 0.95
    assert abs(len(tokenizer.encode(edit.resample(walk, 60))) - len(tokenizer.encode(walk))) <= 1


def test_files_are_small_and_whole(tokenizer: Tokenizer, tmp_path: Path) -> None:
    walk = edit.repeat(taken(0), 4)
    tokens = replace(tokenizer.encode(walk), licence="CC BY-NC 4.0", model="")
    path = tmp_path / "walk.tokens"
    tokens.save(path)
    back = Tokens.load(path)
    assert (back.codes == tokens.codes).all() and back.frames == tokens.frames and back.licence == tokens.licence
    np.testing.assert_allclose(back.places, tokens.places, atol=5.1e-4)
    assert path.stat().st_size < 500 + 110 * tokens.seconds
    assert "CC BY-NC 4.0" in str(tokenizer.decode(back).provenance.licence)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda raw: raw[: len(raw) // 2], "not a token file"),
        (lambda raw: b"", "not a token file"),
        (lambda raw: b"HIERARCHY", "not a token file"),
        (lambda raw: raw.replace(b'\\"format\\": 1', b'\\"format\\": 7'), "format 7"),
        (lambda raw: raw.replace(b'\\"frames\\": ', b'\\"frames\\": 9'), "tokens: "),
    ],
)
def test_broken_files_are_refused(tokenizer: Tokenizer, tmp_path: Path, broken, said: str) -> None:
    path = tmp_path / "walk.tokens"
    tokenizer.encode(taken(0)).save(path)
    raw = path.read_bytes()
    changed = broken(raw)
    assert changed != raw
    path.write_bytes(changed)
    with pytest.raises(BadInput, match=said):
        Tokens.load(path)


def test_tokens_that_cannot_be(tokenizer: Tokenizer) -> None:
    good = tokenizer.encode(taken(0))
    with pytest.raises(BadInput, match="made by weights"):
        tokenizer.decode(replace(good, model="f" * 64))
    with pytest.raises(BadInput, match="codes below 32"):
        tokenizer.decode(replace(good, codes=good.codes + 500))
    with pytest.raises(BadInput, match="expected 1 to 3"):
        tokenizer.encode(taken(0), levels=9)
    for codes, places, frames in (
        (good.codes[:0], good.places[:0], 0),
        (good.codes, good.places[:-1], good.frames),
        (good.codes, good.places * np.nan, good.frames),
        (good.codes.astype(float), good.places, good.frames),
        (good.codes, good.places, good.frames + 99),
    ):
        with pytest.raises(BadInput, match="tokens: "):
            Tokens(codes, places, frames)


def test_fewer_levels_are_coarser(tokenizer: Tokenizer) -> None:
    walk = taken(0)

    def error(levels: int) -> float:
        back = tokenizer.decode(tokenizer.encode(walk, levels))
        return float(np.linalg.norm(back.positions() - walk.positions(), axis=-1)[:, :22].mean())

    assert error(3) < error(1)


def test_a_dead_code_lives_again() -> None:
    quantiser = Quantiser(1, 8, 2)
    spread = torch.randn(1, 64, 2, generator=torch.Generator().manual_seed(0))
    quantiser(spread, learn=True)
    quantiser.books[0, 3] = 100.0  # far from everything
    quantiser.counts[0, 3], quantiser.sums[0, 3] = 0.01, 1.0
    for _ in range(3):
        codes, _, _ = quantiser(spread, learn=True)
    assert quantiser.books.abs().max() < 10
    assert len(codes.unique()) >= 7


def test_motion_is_found_again_by_its_tokens(tokenizer: Tokenizer) -> None:
    shelf = Shelf(tokenizer)
    walk, jump = taken(0), taken(1)
    assert shelf.find(tokenizer.encode(walk)) == []
    shelf.add("walk", tokenizer.encode(walk))
    shelf.add("jump", tokenizer.encode(jump))
    assert len(shelf) == 2
    part = Clip(jump.rotations[24:64], jump.root_position[24:64], jump.rest_offsets, jump.fps)
    found = shelf.find(tokenizer.encode(part))
    assert [f.name for f in found] == ["jump", "walk"] and found[0].distance < found[1].distance
    assert shelf.find(tokenizer.encode(edit.repeat(jump, 3)), count=1)[0].name == "jump"
    assert shelf.find(tokenizer.encode(part), count=0) == []


def test_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    def settings(steps: int) -> Settings:
        return Settings(steps=steps, bf16=False, check_every=10**6, save_every_s=0, last_rate=1.0, warm_up=1)

    train(tiny_tokens.token_task(), tmp_path / "whole", settings(4))
    train(tiny_tokens.token_task(), tmp_path / "parts", settings(2))
    train(tiny_tokens.token_task(), tmp_path / "parts", settings(4))
    one, two = (torch.load(tmp_path / n / "checkpoint.pt", weights_only=True)["module"] for n in ("whole", "parts"))
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


@pytest.mark.slow
def test_two_ranks_learn_the_codebooks_of_one(tmp_path: Path) -> None:
    here = Path(__file__).parent
    program = tmp_path / "run.py"
    program.write_text(
        "import sys, torch\n"
        f"sys.path.insert(0, {str(here)!r})\n"
        "import tiny_tokens\n"
        "from motion.prior.trainer import Settings, train\n"
        "torch.set_num_threads(1)\n"
        "settings = Settings(steps=3, rate=1e-2, warm_up=1, bf16=False, check_every=10**6)\n"
        "train(tiny_tokens.token_task(), sys.argv[1], settings)\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(here.parent)}
    for name, start in (
        ("one", [sys.executable]),
        ("two", [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]),
    ):
        subprocess.run([*start, str(program), str(tmp_path / name)], env=environment, check=True, timeout=300)
    one, two = (torch.load(tmp_path / n / "checkpoint.pt", weights_only=True)["module"] for n in ("one", "two"))
    start = tiny_tokens.token_task().module().state_dict()
    fixed = {"mean", "scale", "bones.offsets"}
    for name, value in one.items():
        assert name in fixed or (value - start[name]).abs().max() > 1e-2, f"{name} did not move"
        torch.testing.assert_close(value, two[name], atol=3e-4, rtol=1e-4, msg=name)
