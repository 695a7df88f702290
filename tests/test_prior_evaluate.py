"""The bench of learned motion: its test set, rows and tables, on made-up captures and models that are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REST_OFFSETS, random_clip

from motion import BadInput, Clip, edit
from motion import rotations as rot
from motion.corpus import ClipInfo, Corpus, Label, Window
from motion.prior import evaluate, evaluate_copy, evaluate_rows, evaluate_set, evaluate_tables, metrics_gap
from motion.prior.batches import Windows
from motion.prior.evaluate import Models
from motion.prior.evaluate_headline import headline
from motion.prior.evaluator import Evaluator, Network, Size, card_config
from motion.prior.metrics import Estimate
from motion.prior.request import WindowRequest
from motion.prior.weights import Card

FRAMES = 230


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Twelve clips of waves and walks; four of them held out as blocks, four as combinations."""
    infos, windows, rotations, roots = [], [], [], []
    for c in range(12):
        clip = random_clip(c, FRAMES)
        walks = c % 2 == 0
        rotations.append(np.where(np.arange(24)[:, None] == 0, rot.IDENTITY, clip.rotations))
        roots.append(np.stack([0 * np.arange(FRAMES), np.full(FRAMES, 0.94), walks * np.arange(FRAMES) / 30], -1))
        side = "left" if c % 4 == 1 else "right"
        label = Label("walk", "", "forward") if walks else Label("wave", side)
        captions = ("a person walks forward", "walks") if walks else (f"a person waves the {side} hand", "waves")
        infos.append(ClipInfo(f"clip{c}", "made", "CC0", label))
        split = ("train", "blocks", "combinations")[c // 4]
        for n in (60, 90, 180):
            windows += [Window(c, s, n, split, label, captions) for s in range(0, FRAMES - n + 1, 24)]
    rows = 12 * FRAMES
    return Corpus(
        np.concatenate(rotations).astype(np.float32), np.concatenate(roots).astype(np.float32),
        np.ones((rows, 4), bool), np.ones(rows, bool), np.arange(13) * FRAMES, np.ones((12, 24), bool),
        REST_OFFSETS.astype(np.float32), tuple(infos), tuple(windows),
    )  # fmt: skip


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    torch.manual_seed(0)
    size = Size(width=32, heads=2, motion_layers=1, text_layers=1, out=16)
    return Evaluator(Network(size), Card("evaluator", "small", "none", config=card_config(size), sha256="a" * 64))


@pytest.fixture(scope="module")
def sets(evaluator: Evaluator, corpus: Corpus) -> list[evaluate_set.TestSet]:
    return evaluate.build(evaluator, corpus)


class Known:
    """A "prior" that always gives a slow walk, and whose poses are the asked ones where poses are asked."""

    def sample(self, requests: Sequence[WindowRequest], **_: object) -> list[Clip]:
        clips = []
        for r in requests:
            clip = random_clip(0, r.frames)
            root = np.stack([0 * clip.root_position[:, 0], 0.94 + 0 * clip.root_position[:, 0],
                             np.arange(r.frames) / 30], -1)  # fmt: skip
            on = r.constraints.pelvis_on[:, 0]
            root[on] = r.constraints.pelvis[on]
            clips.append(replace(clip, root_position=root, contacts=None, fingers=None))
        return clips


def test_halves_share_no_clip_and_items_say_what_is_asked(corpus: Corpus) -> None:
    other, judged = evaluate_set.choose(corpus, "blocks")
    assert {w.clip for w in other} & {w.clip for w in judged} == set()
    assert {w.split for w in (*other, *judged)} == {"blocks"}
    again = evaluate_set.choose(corpus, "blocks")
    assert (other, judged) == again
    item = evaluate_set.item_of(corpus, judged[0])
    assert item.text == max(judged[0].captions, key=len)
    assert (item.label.verb, item.truth) == (judged[0].label.verb, judged[0].label)
    assert item.plan.verb == item.label.verb  # what the words come to


def test_the_test_set_comes_back_from_disk_and_holds_no_motion(
    sets: list[evaluate_set.TestSet], evaluator: Evaluator, corpus: Corpus, tmp_path: Path
) -> None:
    path = tmp_path / "set.safetensors"
    evaluate_set.save(sets, evaluator, path)
    again = evaluate_set.load(evaluator, path)
    assert path.stat().st_size < corpus.rotations.nbytes / 10
    for a, b in zip(sets, again, strict=True):
        assert (a.split, a.items, a.reference_clips, a.bounds) == (b.split, b.items, b.reference_clips, b.bounds)
        for name, row in a.rows.items():
            np.testing.assert_allclose(b.rows[name].embeddings, row.embeddings, atol=1e-3)
            np.testing.assert_allclose(b.rows[name].figures, row.figures, rtol=1e-5)
    other = Evaluator(evaluator.network, replace(evaluator.card, sha256="b" * 64))
    with pytest.raises(BadInput, match="made with evaluator aaaaaaaaaaaa…, this one is bbbbbbbbbbbb…"):
        evaluate_set.load(other, path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match="not a test set"):
        evaluate_set.load(evaluator, path)
    with pytest.raises(BadInput, match="missing"):
        evaluate_set.load(evaluator, tmp_path / "none")


def test_the_shipped_test_set_is_of_the_shipped_evaluator_and_small() -> None:
    shipped = evaluate_set.load(Evaluator.load("base"))
    assert [s.split for s in shipped] == list(evaluate.HELD_OUT)
    assert evaluate_set.FILE.stat().st_size < 3_000_000
    for one in shipped:
        assert len(one.items) >= 150 and {"Real", "mean motion", "retrieval from train"} <= set(one.rows)
        assert not set(one.groups) & set(one.reference_clips)


def test_remembered_motion_is_found_wherever_it_stands_mirrored_and_at_any_frame(corpus: Corpus) -> None:
    training = evaluate_copy.TrainingMotion.of(corpus)
    windows = Windows(corpus, ("train", "blocks"))
    crops = [
        Window(1, 43, 60, "train", Label()),
        Window(2, 30, 60, "train", Label(), mirror=True),
        Window(3, 10, 60, "train", Label(), speed=1.1),
    ]
    seen = evaluate_set.clips_of(windows, crops)
    moved = [edit.transform(clip, 1.0 + k, (3.0, 0.0, k)) for k, clip in enumerate(seen)]
    new = evaluate_set.clips_of(windows, [w for w in corpus.split("blocks") if w.frames == 60][:3])
    far = evaluate_copy.distances(training, {"seen": moved, "new": new})
    assert far["seen"].max() < 0.02 and far["new"].min() > 0.05


def test_rows_without_weights_or_captures_are_left_out_and_said(
    sets: list[evaluate_set.TestSet], evaluator: Evaluator
) -> None:
    models = Models(evaluator, missing={"prior": "no prior weights 'base'"})
    report = evaluate.run(models, None, parts=["keys", "gaps"], sets=sets)
    text = report.text()
    assert "prior: left out (no prior weights 'base')" in text
    assert "needs the captures" in text and not report.tables
    with pytest.raises(BadInput, match="part 'rowz'"):
        evaluate.run(models, None, parts=["rowz"], sets=sets)


def test_scores_of_real_motion_are_their_own_floor(sets: list[evaluate_set.TestSet], evaluator: Evaluator) -> None:
    test = sets[0]
    items = test.items * 3  # a gallery of 32 needs that many
    big = replace_items(test, items)
    real = evaluate.score(big, big.rows["Real"], evaluator)
    assert real["KID/Real"].value == pytest.approx(1.0)
    assert real["jerk/data"].value == pytest.approx(1.0)
    mean = evaluate.score(big, big.rows["mean motion"], evaluator)
    assert mean["jerk/data"].value < 0.8
    assert {"R@1", "R@3 all", "KID", "FID", "MM", "Div", "copy", "skate", "contact"} <= set(real)


def replace_items(test: evaluate_set.TestSet, items: list[evaluate_set.Item]) -> evaluate_set.TestSet:
    times = len(items) // len(test.items)
    rows = {
        n: evaluate_set.Row(
            np.tile(r.embeddings, (times, 1)), np.tile(r.figures, (times, 1)),
            None if r.copied is None else np.tile(r.copied, times),
        )
        for n, r in test.rows.items()
    }  # fmt: skip
    return evaluate_set.TestSet(test.split, items, test.reference, test.reference_clips, rows, test.bounds)


def test_keys_are_five_in_six_seconds_and_exact_models_have_no_error(
    sets: list[evaluate_set.TestSet], evaluator: Evaluator, corpus: Corpus
) -> None:
    assert evaluate_rows.key_frames(180).tolist() == [0, 45, 90, 134, 179]
    assert evaluate_rows.key_frames(60).tolist() == [0, 59]
    test, windows = sets[0], Windows(corpus, ("train", "blocks"))
    real = evaluate_set.real_clips(windows, test.items)
    table = evaluate_tables.keys(Models(evaluator, prior=Known()), test, real, lambda _: None)
    assert table.rows["Real"]["key cm"].value == table.rows["interpolation"]["key cm"].value == 0
    assert table.rows["Real"]["inside jerk/data"].value == pytest.approx(1)
    assert table.rows["interpolation"]["inside jerk/data"].value < 0.5
    assert table.rows["prior, words + keys"]["key cm"].value > 1  # right places, wrong poses
    assert "path cm" in table.rows["prior, words + path"]
    assert "prior, words + keys" in table.text()


def test_gaps_give_interpolation_a_ratio_of_one(evaluator: Evaluator, corpus: Corpus) -> None:
    windows = Windows(corpus, ("train", "blocks"))
    table = evaluate_tables.gaps(Models(evaluator, prior=Known()), windows, "blocks", lambda _: None)
    for gap in metrics_gap.GAPS:
        assert table.rows["interpolation"][f"ratio {gap}"].value == pytest.approx(1)
        assert table.rows["zero velocity"][f"ratio {gap}"].value > 1
        assert table.rows["interpolation"][f"L2P {gap}"].value > 0
    assert table.rows["interpolation"]["L2P 45"].value > table.rows["interpolation"]["L2P 5"].value


def test_tables_and_reports_print_and_go_to_json() -> None:
    table = evaluate_tables.Table("t", ("a", "b"), {"x": {"a": Estimate(0.5, 0.4, 0.6, 3)}}, {"a": ".0%"})
    assert table.text().splitlines() == ["t      a  b", "x    50%  –", "   40…60"]
    report = evaluate.Report(scores={"blocks": {"Real": {"R@1": Estimate(0.9, 0.8, 1.0, 5)}}}, tables=[table])
    said = json.loads(json.dumps(report.as_dict()))
    assert said["scores"]["blocks"]["Real"]["R@1"] == [0.9, 0.8, 1.0, 5]
    assert "held-out blocks" in report.text()


def test_a_report_becomes_the_figures_of_a_card() -> None:
    def row(**cells: float) -> dict[str, Estimate]:
        return {name: Estimate(value, value - 0.1, value + 0.1, 8) for name, value in cells.items()}

    tables = [
        evaluate_tables.Table("gaps, blocks", (), {"in-betweener": {"ratio 15": Estimate(0.5, 0.4, 0.6, 9)}}),
        evaluate_tables.Table("seams of long clips", (), {"prior": {"seam/inside": Estimate(1.1, 1.0, 1.2, 9)}}),
        evaluate_tables.Table(
            "frozen prompts", (), {"prior (words and plan)": {"side, direction, hands": Estimate(0.9, 0.8, 0.95, 99)}}
        ),
    ]
    scores = {
        "blocks": {
            "Real": row(**{"R@3": 0.8, "skate": 0.02, "contact": 0.7}),
            "prior": row(**{"R@3": 0.6, "KID/Real": 2.5, "copy": 0.1, "skate": 0.03, "contact": 0.63}),
        }
    }
    told = headline(evaluate.Report(scores, tables), "prior")
    assert told["blocks"] == {
        "R@3 / Real": 0.75, "contact / Real": 0.9, "KID/Real": 2.5, "copy": 0.1, "skate": 0.03, "skate of data": 0.02,
    }  # fmt: skip
    assert told["long clips"] == {"seam jerk / inside jerk": 1.1}
    assert told["frozen prompts"]["Wilson lower bound"] == 0.8
    assert headline(evaluate.Report(scores, tables), "inbetween") == {"blocks": {"L2P / interpolation, gap 15": 0.5}}
    assert headline(evaluate.Report(scores, tables), "evaluator") == {}


def test_bench_arguments_come_in_any_order_and_odd_ones_are_explained(tmp_path: Path) -> None:
    from cinemotion import bench_prior

    asked = bench_prior.read(("keys", "clean", "out.json", "gaps"))
    assert (asked.weights, asked.parts, asked.report) == ("clean", ("keys", "gaps"), Path("out.json"))
    with pytest.raises(BadInput, match="did you mean 'prompts'"):
        bench_prior.read(("promts",))
    with pytest.raises(BadInput, match="bench retarget"):
        bench_prior.read((str(tmp_path),))
    with pytest.raises(BadInput, match="needs the corpus"):
        bench_prior.read(("rebuild",))
