"""The token GPT and its streams: the same by seed, the same in one pass and step by step, steered while it plays."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tiny_tokens
import torch
from tiny_prior import corpus

from motion import Clip
from motion.corpus import Label
from motion.errors import BadInput
from motion.prior.gpt import MotionGPT, Sampling
from motion.prior.stream import Streamer
from motion.prior.trainer import Settings, train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpt")
    tiny_tokens.write(path)
    return path


@pytest.fixture(scope="module")
def streamer(folder: Path) -> Streamer:
    return Streamer.load(folder / "tiny-gpt.safetensors")


def frames(streamer: Streamer, text: str, count: int, seed: int = 0, **more) -> Clip:
    return streamer.collect(itertools.islice(streamer.stream(text, seed, **more), count))


def test_step_by_step_is_in_one_pass(streamer: Streamer) -> None:
    model = streamer.model
    network = model.network
    condition = model.condition(Label("walk"))
    codes = torch.from_numpy(model.tokens(Label("walk"), network.config.reach - 1).astype(np.int64))
    inputs = torch.cat([network.begin[None], network.read(codes[:-1])])
    with torch.inference_mode():
        whole = network(inputs[None], condition[:1, None].expand(1, len(inputs), -1))[0]
        state = network.fresh()
        steps = [network.step(row[None], condition[:1], state)[0] for row in inputs]
    torch.testing.assert_close(torch.stack(steps), whole, atol=1e-4, rtol=1e-3)


def test_the_same_seed_gives_the_same_motion(streamer: Streamer) -> None:
    one, again, other = (frames(streamer, "walks forward", 60, seed) for seed in (3, 3, 4))
    assert (one.rotations == again.rotations).all() and (one.root_position == again.root_position).all()
    assert not np.allclose(one.rotations, other.rotations)
    assert (
        one.provenance.seed is None
        and streamer.collect(itertools.islice(streamer.stream("walks"), 2), seed=5).provenance.seed == 5
    )


def test_a_stream_is_what_its_tokens_decode_to(streamer: Streamer) -> None:
    model = streamer.model
    clip = frames(streamer, "walks forward", 80, seed=1)
    label = Label("walk", direction="forward")
    codes = model.tokens(label, 20, seed=1)
    written = model.tokenizer.network.decode(model.tokenizer.vectors(codes)[None])[0]
    heights = written[:, 4].detach().numpy()
    np.testing.assert_allclose(clip.root_position[:, 1], heights, atol=1e-4)


def test_words_change_while_it_plays(streamer: Streamer) -> None:
    one, two = streamer.stream("walks", seed=2), streamer.stream("walks", seed=2)
    before = [(next(one), next(two)) for _ in range(8)]
    assert all((a.rotations == b.rotations).all() for a, b in before)
    two.say("jumps")
    after = [(next(one), two.send(None)) for _ in range(60)]
    assert after[0][0].text == "walks" and after[0][1].text == "jumps"
    assert [b.number for _, b in after] == list(range(8, 68))
    # Nothing is torn where the words change: joints move no further in that frame than they do anywhere.
    clip = streamer.collect([b for _, b in [*before, *after]])
    steps = np.linalg.norm(np.diff(clip.positions(), axis=0), axis=-1).max(1)
    assert steps[7] <= 1.5 * np.sort(steps)[-4:].mean()
    with pytest.raises(BadInput):
        two.say("xyzzy qwerty")
    assert next(two).text == "jumps"  # and goes on


def test_actions_follow_one_another(streamer: Streamer) -> None:
    stream = streamer.stream("walks for one second, then jumps", seed=0)
    said = [next(stream).text for _ in range(90)]
    change = next(i for i, text in enumerate(said) if "jump" in text)
    assert 24 <= change <= 36 and all("jump" in text for text in said[change:])


def test_where_it_begins(streamer: Streamer) -> None:
    plain = frames(streamer, "walks", 30)
    moved = frames(streamer, "walks", 30, position=(5.0, -2.0), yaw=np.pi / 2)
    x, y, z = plain.root_position.T
    np.testing.assert_allclose(moved.root_position, np.stack([5.0 + z, y, -2.0 - x], -1), atol=1e-4)


def test_it_goes_on_from_a_clip(streamer: Streamer) -> None:
    c = corpus()
    for count in (60, 61, 63):
        clip = Clip(c.rotations[:count], c.root_position[:count], c.rest_offsets, Fraction(30))
        following = frames(streamer, "walks", 8, start=clip)
        gap = np.linalg.norm(following.root_position[0] - clip.root_position[-1])
        assert gap < 0.35
    with pytest.raises(BadInput, match="expected at least"):
        streamer.stream("walks", start=Clip(c.rotations[:2], c.root_position[:2], c.rest_offsets, Fraction(30)))


def test_the_first_frame_comes_at_once_and_the_rest_in_time(streamer: Streamer) -> None:
    streamer.warm_up()
    begun = time.process_time()
    stream = streamer.stream("walks forward", seed=0)
    next(stream)
    first = time.process_time() - begun
    for _ in range(59):
        next(stream)
    assert first < 0.1
    assert time.process_time() - begun < 2.0  # sixty frames are two seconds


@pytest.mark.parametrize("text", ["", "   ", "???", "走る", "xyzzy plugh"])
def test_words_that_say_nothing(streamer: Streamer, text: str) -> None:
    with pytest.raises(BadInput):
        streamer.stream(text)


def test_odd_numbers(streamer: Streamer) -> None:
    with pytest.raises(BadInput, match="temperature"):
        Sampling(temperature=float("nan"))
    with pytest.raises(BadInput, match="guidance"):
        Sampling(guidance=-1)
    with pytest.raises(BadInput, match="top"):
        Sampling(top=0)
    with pytest.raises(BadInput, match="begins at"):
        streamer.stream("walks", position=(float("inf"), 0))
    with pytest.raises(BadInput, match="no frames"):
        streamer.collect([])
    likeliest = Sampling(temperature=0, fine=0)
    one, two = (frames(streamer, "walks", 12, seed, sampling=likeliest) for seed in (1, 2))
    assert (one.rotations == two.rotations).all()
    assert frames(streamer, "walks", 5, seed=-(2**70)).frames == 5


def test_weights_belong_together(folder: Path, tmp_path: Path) -> None:
    model = MotionGPT.load(folder / "tiny-gpt.safetensors")
    model.save(tmp_path / "other-gpt.safetensors")
    with pytest.raises(BadInput, match="no tokens weights"):
        MotionGPT.load(tmp_path / "other-gpt.safetensors")
    with torch.no_grad():
        model.tokenizer.network.last.bias += 1.0
    model.tokenizer.save(tmp_path / "other-tokens.safetensors")
    with pytest.raises(BadInput, match="made for tokens of weights"):
        MotionGPT.load(tmp_path / "other-gpt.safetensors")


def test_what_it_learns_from_is_the_same_by_step(folder: Path) -> None:
    tokenizer = MotionGPT.load(folder / "tiny-gpt.safetensors").tokenizer
    one, two = tiny_tokens.gpt_task(tokenizer), tiny_tokens.gpt_task(tokenizer)
    first, again = one.batch(5), two.batch(5)
    assert torch.equal(first.codes, again.codes) and torch.equal(first.plan, again.plan)
    assert first.codes.shape == (6, 12, 3) and first.weight.min() > 0
    assert (first.weight < 1).any()  # windows of one second are joined
    figures = one.check(one.module())
    assert 0.8 * np.log(32) < figures["told_0"] < 1.3 * np.log(32)


def test_encoded_windows_are_kept(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motion.prior import gpt_task

    tokenizer = MotionGPT.load(folder / "tiny-gpt.safetensors").tokenizer
    cache = tmp_path / "kept.safetensors"
    first = gpt_task.Streams.of(tiny_tokens.windows(), tokenizer, cache)
    monkeypatch.setattr(gpt_task, "_encoded", None)
    again = gpt_task.Streams.of(tiny_tokens.windows(), tokenizer, cache)
    assert (first.codes == again.codes).all()
    other = replace(tokenizer.card, sha256="another")
    tokenizer.card = other
    with pytest.raises(TypeError):  # has to encode again
        gpt_task.Streams.of(tiny_tokens.windows(), tokenizer, cache)


def test_training_lowers_the_loss_and_goes_on(folder: Path, tmp_path: Path) -> None:
    tokenizer = MotionGPT.load(folder / "tiny-gpt.safetensors").tokenizer
    task = tiny_tokens.gpt_task(tokenizer)

    def settings(steps: int) -> Settings:
        return Settings(
            steps=steps, rate=5e-3, warm_up=1, average=0.5, bf16=False, check_every=10**6, save_every_s=0, last_rate=1.0
        )

    def total(network: torch.nn.Module) -> float:
        with torch.inference_mode():
            return float(sum(v.mean() for v in task.loss(network, task.batch(0), slice(None)).values()))

    train(task, tmp_path / "parts", settings(10))
    trained = train(task, tmp_path / "parts", settings(30)).module
    assert total(trained) < 0.9 * total(task.module())
