"""The bench of learned motion: its test set, rows and tables, on made-up captures and models that are known."""

from __future__ import annotations

import json
import time
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
from motion.prior import evaluate, evaluate_copy, evaluate_rows, evaluate_set, evaluate_tables, metrics_gap, weights
from motion.prior.batches import Windows
from motion.prior.evaluate import Models
from motion.prior.evaluate_goals import headline, lines, told
from motion.prior.evaluate_models import beside
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
    assert real["contact/Real"].value == pytest.approx(1.0) and real["skate-data"].value == 0
    assert all(mean[name].low < mean[name].value < mean[name].high for name in ("FID", "Div", "KID"))
    told_apart = np.random.default_rng(0).permutation(len(items)) % 3 > 0
    words = np.where(told_apart[:, None], evaluator.text([i.text for i in items]), big.rows["Real"].embeddings)
    known = evaluate_set.Row(words, big.rows["Real"].figures)  # Real by an evaluator that knows most captions
    again = evaluate_set.TestSet("blocks", items, big.reference, big.reference_clips, {"Real": known}, big.bounds)
    real, mean = (evaluate.score(again, row, evaluator) for row in (known, big.rows["mean motion"]))
    assert real["R@3/Real"].value == 1 and real["R@3"].value > 0.3
    measured = headline(evaluate.Report({"blocks": {"Real": real, "prior": real}}), "prior")["blocks"]
    assert {"R@3 / Real", "KID / Real", "skate", "skate - data", "contact / Real", "jerk / data"} == set(measured)
    assert mean["R@3/Real"].value == pytest.approx(mean["R@3"].value / real["R@3"].value)


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
    beside_goals = {line.measure for line in lines(evaluate.Report(tables=[table]))}
    assert beside_goals == {"key error, cm", "jerk at keys / data"}
    assert {"path error, cm", *beside_goals} == set(headline(evaluate.Report(tables=[table]), "prior")["blocks"])


def test_gaps_give_interpolation_a_ratio_of_one(evaluator: Evaluator, corpus: Corpus) -> None:
    windows = Windows(corpus, ("train", "blocks"))
    table = evaluate_tables.gaps(Models(evaluator, prior=Known()), windows, "blocks", lambda _: None)
    for gap in metrics_gap.GAPS:
        spectrum = table.rows["zero velocity"][f"NPSS {gap}"]
        assert spectrum.low < spectrum.value < spectrum.high
        assert table.rows["interpolation"][f"ratio {gap}"].value == pytest.approx(1)
        assert table.rows["zero velocity"][f"ratio {gap}"].value > 1
        assert table.rows["interpolation"][f"L2P {gap}"].value > 0
    assert table.rows["interpolation"]["L2P 45"].value > table.rows["interpolation"]["L2P 5"].value
    gaps = {line.measure for line in lines(evaluate.Report(tables=[table]))}
    assert gaps == {f"L2P / interpolation, gap {gap} (the better)" for gap in (15, 30)} | {"  prior"}


def test_tables_and_reports_print_and_go_to_json() -> None:
    table = evaluate_tables.Table("t", ("a", "b"), {"x": {"a": Estimate(0.5, 0.4, 0.6, 3)}}, {"a": ".0%"})
    assert table.text().splitlines() == ["t      a  b", "x    50%  –", "   40…60"]
    report = evaluate.Report(scores={"blocks": {"Real": {"R@1": Estimate(0.9, 0.8, 1.0, 5)}}}, tables=[table])
    said = json.loads(json.dumps(report.as_dict()))
    assert said["scores"]["blocks"]["Real"]["R@1"] == [0.9, 0.8, 1.0, 5]
    assert "held-out blocks" in report.text()


def row(**cells: float) -> dict[str, Estimate]:
    return {name: Estimate(value, value - 0.1, value + 0.1, 8) for name, value in cells.items()}


def report(**changes: float) -> evaluate.Report:
    """A report of a prior and an in-betweener, on blocks alone."""
    made = {
        "R@3/Real": 0.75, "KID/Real": 2.5, "copy": 0.1, "skate": 0.03, "skate-data": 0.01, "contact/Real": 0.93,
        "jerk/data": 0.85, **changes,
    }  # fmt: skip
    tables = [
        evaluate_tables.Table("5 keys in 6 s, blocks", (), {"prior, words + keys": row(**{"key cm": 3.0})}),
        evaluate_tables.Table(
            "gaps, blocks", (), {"in-betweener": row(**{"ratio 15": 0.5}), "prior, no words": row(**{"ratio 15": 0.7})}
        ),
        evaluate_tables.Table("seams of long clips", (), {"prior": row(**{"seam/inside": 1.1})}),
        evaluate_tables.Table(
            "frozen prompts", (),
            {"prior (words and plan)": {
                "side, direction, hands": Estimate(0.9, 0.82, 0.95, 99),
                "the same, over prompts": Estimate(0.9, 0.78, 0.97, 99),
            }},
        ),
        evaluate_tables.Table("speed, 2 threads", (), {"10 s from words": row(**{"median s": 0.7, "best s": 0.6})}),
    ]  # fmt: skip
    return evaluate.Report({"blocks": {"Real": row(copy=0.08), "prior": row(**made)}}, tables)


def test_a_report_becomes_the_figures_of_a_card() -> None:
    card = headline(report(), "prior")
    assert card["blocks"] == {
        "R@3 / Real": 0.75, "KID / Real": 2.5, "copies": 0.1, "key error, cm": 3.0, "skate": 0.03, "skate - data": 0.01,
        "contact / Real": 0.93, "jerk / data": 0.85, "L2P / interpolation, gap 15": 0.7,
    }  # fmt: skip
    assert card["long clips"] == {"seam jerk / inside jerk": 1.1}
    assert card["frozen prompts"] == {
        "side, direction, hands right": 0.9, "Wilson lower bound": 0.82, "lower bound over prompts": 0.78,
    }  # fmt: skip
    assert card["speed, 2 threads"] == {"10 s from words, s": 0.7}
    assert headline(report(), "inbetween") == {"blocks": {"L2P / interpolation, gap 15": 0.5}}
    assert headline(report(), "evaluator") == {} == headline(report(), "gpt")


def test_figures_stand_beside_what_they_must_be_and_what_is_aimed_at() -> None:
    met = {line.measure: line.met for line in lines(report())}
    assert met == {
        "R@3 / Real": "no", "KID / Real": "must", "copies": "must", "key error, cm": "must", "skate - data": "must",
        "contact / Real": "aim", "jerk / data": "must", "long clips: seam jerk / inside jerk": "must",
        "10 s from words, s": "aim", "frozen prompts: Wilson lower bound": "must",
        "L2P / interpolation, gap 15 (the better)": "must", "  prior": "", "  in-betweener": "",
    }  # fmt: skip
    # No more copies than captures have is the aim; who floats does not skate, and that is no merit.
    better = {line.measure: line.met for line in lines(report(copy=0.08, **{"contact/Real": 0.5, "skate-data": -0.01}))}
    assert (better["copies"], better["contact / Real"], better["skate - data"]) == ("aim", "no", "no")
    text = told(report())
    assert "≤ 20%" in text and "Real's own" in text and "80.0%…1" not in text and "0.80…1.20" in text
    assert "0.50 (0.40…0.60)" in text and "not measured here: jerk at keys / data" in text
    assert told(evaluate.Report()) == "" and text in report().text()
    both = report()
    both.scores["combinations"] = {"prior": row(**{"KID/Real": 9.0})}
    assert next(line for line in lines(both) if line.measure == "KID / Real").met == "no"  # the worst split counts
    assert json.loads(json.dumps(both.as_dict(), allow_nan=False))["goals"][0]["measure"] == "R@3 / Real"


def test_weights_that_belong_together_are_found_and_nobody_elses_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cinemotion import bench_prior

    def write(folder: Path, name: str, kind: str) -> Path:
        path = folder / weights.file_name(name, kind)
        weights.save(path, {"w": np.zeros((2, 2))}, Card(kind, name, "MIT"))
        return path

    theirs, run = tmp_path / "theirs", tmp_path / "run"
    monkeypatch.setenv("CINEMOTION_WEIGHTS", str(theirs))
    for kind in ("prior", "inbetween", "gpt"):
        write(theirs, "base", kind)
    prior, filler = write(run, "own", "prior"), write(run, "own", "inbetween")
    for name in (run, prior, filler):  # a folder, a file, another file beside it
        assert beside(name, "prior") == prior and beside(name, "inbetween") == filler
        with pytest.raises(BadInput, match="no gpt weights"):
            beside(name, "gpt")
    write(theirs, "clean", "gpt")  # not among those that come with the package
    assert beside("clean", "gpt") == theirs / "clean-gpt.safetensors"
    other = write(run, "other", "prior")
    assert beside(other, "inbetween").resolve() == filler  # the only one in the folder
    write(theirs, "mine", "prior")
    assert bench_prior.read(("mine", "seams")).weights == "mine"
    with pytest.raises(BadInput, match="no inbetween weights 'mine'"):
        beside("mine", "inbetween")


def test_cards_are_written_where_they_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cinemotion import bench_prior

    path = tmp_path / "own-prior.safetensors"
    weights.save(path, {"w": np.zeros((2, 2))}, Card("prior", "own", "MIT", measured={"blocks": {"older": 1.0}}))
    gone = tmp_path / "own-inbetween.safetensors"
    bench_prior.describe({"inbetween": gone, "gpt": tmp_path / "own-gpt.safetensors", "prior": path}, report())
    card = weights.card_of(path)
    assert card.measured["blocks"]["KID / Real"] == 2.5 and card.measured["blocks"]["older"] == 1.0
    said = capsys.readouterr().err
    assert "own-inbetween.safetensors: card not written" in said and "own-prior.safetensors: card written" in said
    assert "own-gpt.safetensors: nothing of it was measured" in said


def test_times_are_medians_and_the_first_frame_of_a_stream_is_one() -> None:
    lasts = iter([0.05, 0.0, 0.02, 0.01])
    times = evaluate_tables.timed(lambda _: time.sleep(next(lasts)), 3)
    assert 0.01 <= times["median s"].value < 0.05 and times["best s"].value < 0.01  # the first was to warm up

    class Streamer:
        def stream(self, text: str, seed: int):
            return iter([text])

    table = evaluate_tables.speed(Models(None, streamer=Streamer()))  # type: ignore[arg-type]
    assert list(table.rows) == ["first frame of a stream"] and table.title.startswith("speed, ")


@pytest.mark.parametrize(("exit_code", "rows"), [(0, {"shell to a file of 5 s"}), (2, set())])
def test_the_way_from_the_shell_is_timed_or_said(
    exit_code: int, rows: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cinemotion import bench_prior

    asked: list[list[str]] = []

    def ran(command: list[str], **more: object) -> None:
        asked.append(command)
        if exit_code:
            raise bench_prior.subprocess.CalledProcessError(exit_code, command, "", "Usage\nwords not understood\n")

    monkeypatch.setattr(bench_prior.subprocess, "run", ran)
    made = evaluate.Report(tables=[evaluate_tables.Table("speed, 1 thread", ())])
    models = Models(None, files={"prior": tmp_path / "own-prior.safetensors"})  # type: ignore[arg-type]
    bench_prior.add_shell(made, models)
    assert set(made.tables[0].rows) == rows
    assert asked[0][1:4] == ["-m", "cinemotion", "motion"] and str(tmp_path / "own-prior.safetensors") in asked[0]
    assert ("words not understood" in "".join(made.notes)) == bool(exit_code) and len(asked) == (1 if exit_code else 3)


def test_the_evaluators_sides_are_told_of_the_cached_set_or_of_its_card(
    sets: list[evaluate_set.TestSet], evaluator: Evaluator
) -> None:
    assert "captures of the cached test set: true caption" in evaluate.sides(evaluator, sets)
    kept = sum(i.label.verb == "wave" for i in sets[0].items)
    assert evaluate_set.prefers_sides(evaluator, sets[0]).count == kept > 0
    known = replace(evaluator.card, measured={"side preference": {"blocks": [0.9, 0.8, 1.0, 50], "all": [1, 1, 1, 50]}})
    line = evaluate.sides(Evaluator(evaluator.network, known, evaluator.words), [])
    assert "from its card, not measured here" in line and "not admitted" in line and "(80.0% to 100.0%, 50)" in line


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
