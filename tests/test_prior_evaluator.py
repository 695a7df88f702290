"""The evaluator: frozen weights, what it reads and does not read, and a training that runs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REST_OFFSETS, random_clip

import mocap_data
from motion import BadInput, Clip, edit
from motion import rotations as rot
from motion.body import Body
from motion.corpus import ClipInfo, Corpus, Label, Window
from motion.prior import evaluator_task, weights
from motion.prior.batches import Windows
from motion.prior.evaluator import Evaluator, Network, Size, card_config, read_mask
from motion.prior.evaluator_task import EvaluatorTask, admission, fullest, verdict
from motion.prior.metrics import Estimate
from motion.prior.said import said
from motion.prior.trainer import Settings, train
from motion.prior.weights import Card
from motion.retarget import retarget

#: Of the tensors, as they were when they were admitted, before any prior was tuned. They do not change.
FROZEN = "bae934112fd0badeab76e07e1656c72c3eb1c2455956e3c0f2bcf49e9d2c6f5e"
SMALL = Size(width=32, heads=2, motion_layers=1, text_layers=1, out=16)


@pytest.fixture(scope="module")
def frozen() -> Evaluator:
    return Evaluator.load("base")


@pytest.fixture(scope="module")
def small() -> Evaluator:
    torch.manual_seed(0)
    return Evaluator(Network(SMALL), Card("evaluator", "small", "none", config=card_config(SMALL)))


def capture(name: str) -> Clip:
    return edit.resample(retarget(mocap_data.load(f"pybullet:{name}"), Body.default(height_m=1.7).rest_offsets)[0], 30)


def lifting(side: str, frames: int = 60) -> Clip:
    turns = np.tile(rot.IDENTITY, (frames, 24, 1))
    up = np.interp(np.arange(frames), [10, 25], [0, 1])
    for joint, sign in ((16, -1), (17, 1)):
        moves = side == ("left" if joint == 16 else "right")
        turns[:, joint] = rot.from_axis("Z", sign * (1.3 - 2.5 * up * moves))
    return Clip(turns, np.tile([0.0, 0.94, 0.0], (frames, 1)), REST_OFFSETS, Fraction(30))


def corpus(count: int = 12, frames: int = 150) -> Corpus:
    """Clips of two kinds: a left arm that beats and a right one, on the spot or going ahead."""
    rotations, roots, infos, windows = [], [], [], []
    time = np.arange(frames) / 30
    for c in range(count):
        side, goes = ("left", "right")[c % 2], c % 4 < 2
        q = np.tile(rot.IDENTITY, (frames, 24, 1))
        q[:, 16 if side == "left" else 17] = rot.from_axis("Z", np.sin(4 * time + c))
        rotations.append(q)
        roots.append(np.stack([0 * time, 0 * time + 0.94, goes * time], -1))
        label = Label("walk" if goes else "wave", "" if goes else side)
        said_ = (f"she waves the {side} hand", "she waves") if not goes else ("he walks ahead", "walks")
        infos.append(ClipInfo(f"clip{c}", "made", "CC0", label))
        split = "blocks" if c >= count - 4 else "train"
        windows += [Window(c, s, 30, split, label, said_) for s in range(0, frames - 30, 20)]
    return Corpus(
        np.concatenate(rotations).astype(np.float32), np.concatenate(roots).astype(np.float32),
        np.ones((count * frames, 4), bool), np.ones(count * frames, bool),
        np.arange(count + 1) * frames, np.ones((count, 24), bool), REST_OFFSETS.astype(np.float32),
        tuple(infos), tuple(windows),
    )  # fmt: skip


# ---- the shipped weights


def test_the_shipped_evaluator_is_the_one_that_was_frozen(frozen: Evaluator) -> None:
    assert frozen.card.sha256 == FROZEN
    assert Path(weights.find("base", "evaluator")).stat().st_size < 8_000_000
    assert frozen.card.measured["side preference"]["all"][0] >= evaluator_task.ADMITTED
    for split in ("blocks", "combinations"):
        assert frozen.card.measured["side preference"][split][1] >= evaluator_task.ADMITTED  # the lower bound


def test_captures_are_nearest_to_what_they_show(frozen: Evaluator) -> None:
    names = {
        "walk": "a person walks forward",
        "run": "a person runs forward",
        "jump": "a person jumps",
        "dance_b": "a person dances",
    }
    likeness = frozen.text(list(names.values())) @ frozen.clips([capture(name) for name in names]).T
    assert (likeness.argmax(0) == np.arange(len(names))).sum() >= 3


def test_left_is_told_from_right(frozen: Evaluator) -> None:
    clips = frozen.clips([lifting("left"), lifting("right")])
    words = frozen.text(["a person raises the left hand", "a person raises the right hand"])
    assert (clips @ words.T).argmax(1).tolist() == [0, 1]


# ---- what is read


def test_place_and_facing_do_not_matter_and_rate_must_be_30(small: Evaluator) -> None:
    clip = random_clip(1, 60)
    there = edit.transform(clip, 2.0, (3.0, 0.0, 5.0))
    a, b = small.clips([clip, there])
    np.testing.assert_allclose(a, b, atol=2e-3)
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-4)
    with pytest.raises(BadInput, match="60 frames per second, expected 30"):
        small.clips([edit.resample(clip, 60)])


def test_invalid_joints_and_contacts_are_not_read(small: Evaluator) -> None:
    clip = random_clip(2, 45)
    bent = clip.rotations.copy()
    bent[:, 18] = rot.from_axis("X", 0.8)  # left elbow: it moves the wrist and the hand
    other = replace(clip, rotations=bent, contacts=None)
    valid = np.ones((1, 22), bool)
    assert np.abs(small.clips([clip], valid) - small.clips([other], valid)).max() > 1e-3
    valid[:, 20] = False
    np.testing.assert_allclose(small.clips([clip], valid), small.clips([other], valid), atol=1e-6)
    assert read_mask(torch.ones(1, 22, dtype=torch.bool)).sum() == 8 + 2 * 3 * 21  # spine2 is never read


def test_a_batch_gives_what_each_clip_gives_alone(small: Evaluator) -> None:
    clips = [random_clip(s, n) for s, n in ((1, 40), (2, 61), (3, 40), (4, 30))]
    together = small.clips(clips)
    for i, clip in enumerate(clips):
        np.testing.assert_allclose(small.clips([clip])[0], together[i], atol=1e-5)
    assert small.clips([]).shape == (0, 16) and small.text([]).shape == (0, 16)


def test_saved_and_loaded_it_says_the_same(small: Evaluator, tmp_path: Path) -> None:
    path = tmp_path / "own-evaluator.safetensors"
    small.save(path)
    again = Evaluator.load(path)
    clip = random_clip(5, 60)
    np.testing.assert_allclose(again.clips([clip]), small.clips([clip]), atol=5e-3)
    small.card = replace(small.card, config=card_config(Size(width=64, heads=2)))
    small.save(path)
    with pytest.raises(BadInput, match="not the weights of this network"):
        Evaluator.load(path)


# ---- training


def test_wrong_answers_are_neither_true_nor_alike_and_twins_always_are_wrong() -> None:
    task = EvaluatorTask(corpus(), SMALL, frames_per_batch=480)
    batch = task.batch(0)
    count = len(batch.columns)
    assert batch.wrong.shape == (2 * count, count)
    assert not batch.wrong[:count].diagonal().any()
    assert batch.twin.any() and not batch.twin.all()
    assert batch.wrong[count:].diagonal()[batch.twin].all()
    assert not batch.wrong[count:][~batch.twin].any()
    torch.testing.assert_close(task.batch(3).columns, task.batch(3).columns)


def test_a_short_training_learns_sides_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    made = corpus()
    task = EvaluatorTask(made, SMALL, frames_per_batch=480)
    before = task.loss(task.module(), task.batch(0), slice(0, task.rows(task.batch(0))))
    run = train(task, tmp_path, Settings(steps=40, rate=3e-3, warm_up=5, average=0.8, check_every=1000, bf16=False))
    after = task.loss(run.module, task.batch(0), slice(0, task.rows(task.batch(0))))
    assert sum(v.mean().item() for v in after.values()) < 0.7 * sum(v.mean().item() for v in before.values())
    shares = admission(Evaluator(run.module, Card("evaluator", "x", ""), task.words), made)  # type: ignore[arg-type]
    assert shares["blocks"].value > 0.9 and shares["blocks"].count == shares["all"].count == 12
    assert shares["combinations"].count == 0
    assert "12); admitted (at least 95% in every split)" in verdict({"blocks": Estimate(0.97, 0.9, 1.0, 12)})
    poor = verdict({"blocks": Estimate(0.97, 0.9, 1.0, 12), "combinations": Estimate(0.9, 0.8, 1.0, 12)})
    assert "not admitted" in poor and "combinations 90.0% (80.0% to 100.0%, 12)" in poor
    assert "cannot be admitted" in verdict({"combinations": shares["combinations"], "all": shares["combinations"]})


def test_training_says_in_one_line_whether_the_result_would_be_admitted(tmp_path: Path) -> None:
    from cinemotion.training import Plan, run
    from mocap_data import dataset

    dataset.save(corpus(), tmp_path / "corpus")
    said_: list[str] = []
    run(Plan("evaluator", (str(tmp_path / "corpus"),), tmp_path / "run", steps=1, batch=240), said_.append)
    [line] = [line for line in said_ if "side-swapped" in line]
    assert line == said_[-1] and "blocks" in line and "admitted (at least 95% in every split)" in line


def test_losses_of_two_shares_are_those_of_the_whole() -> None:
    task = EvaluatorTask(corpus(), SMALL, frames_per_batch=480)
    module, batch = task.module().eval(), task.batch(1)
    rows = task.rows(batch)
    whole = task.loss(module, batch, slice(0, rows))
    halves = [task.loss(module, batch, part) for part in (slice(0, rows // 2), slice(rows // 2, rows))]
    for name, value in whole.items():
        torch.testing.assert_close(torch.cat([h[name] for h in halves]), value)


def test_a_corpus_without_captions_is_refused() -> None:
    made = corpus()
    mute = replace(made, windows=tuple(replace(w, captions=()) for w in made.windows))
    with pytest.raises(BadInput, match="no captions in the train split"):
        EvaluatorTask(mute, SMALL)


def test_the_fullest_caption_says_the_most() -> None:
    label = Label("wave", "left", "", 2, "", "happy")
    window = Window(0, 0, 30, "train", label, ("she waves", "a happy person waves the left hand twice", "wave twice"))
    assert fullest(window) == window.captions[1]
    assert said(fullest(window), label) == label
    assert fullest(replace(window, captions=())) == ""
    assert Windows(corpus(), ("blocks",)).windows  # the held-out split can be read alone
