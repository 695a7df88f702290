"""`cinemotion bench physics`: every version of every kind of input, measured on the same frames."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_prior
from PIL import Image
from test_app_train import run

import mocap_data
from cinemotion import bench_physics
from cinemotion.carry import carried
from motion import edit
from motion.body import Body
from motion.clip import Clip
from motion.errors import BadInput
from motion.retarget import retarget
from physics import bench, faults, gate

BODY = Body.default()


@pytest.fixture(scope="module")
def walk() -> Clip:
    return carried(retarget(mocap_data.load("pybullet:walk"))[0], BODY.rest_offsets)


def test_every_version_of_every_input_is_measured(walk: Clip) -> None:
    clips = [("walk", walk), ("again", edit.mirror(walk))]
    rows = bench.sweep(bench.planted(clips, BODY, ("clean", "sink")))
    whats = (bench.INPUT, bench.KINEMATIC, bench.GATED)
    assert [(r.kind, r.what) for r in rows] == [(kind, what) for kind in ("clean", "sink") for what in whats]
    sunk, mended = rows[3], rows[5]
    assert mended.over(sunk, "phys_err_mm") < 0.3 and mended.worse == 0
    assert mended.to_clean_m is not None and sunk.to_clean_m is not None and mended.to_clean_m < 0.7 * sunk.to_clean_m
    low, high = mended.interval() or (0, 0)
    assert 0.5 < low <= high < 1 and len(mended.twice_m) == 2 and max(mended.twice_m) < 0.05
    text = bench.table(rows)
    assert len([line for line in text.splitlines() if line]) == 2 * (2 + 3 + 1) and "%…" in text


def test_bodies_with_weight_have_rows_gate_on_and_off() -> None:
    jump = edit.slice(carried(retarget(mocap_data.load("pybullet:jump"))[0], BODY.rest_offsets), 0.3, 1.2)
    rows = {r.what: r for r in bench.sweep(bench.as_found("own", [("jump", jump, BODY)]), dynamics=True)}
    assert list(rows)[-2:] == [bench.DYNAMICS, bench.UNGATED]
    kept, alone, was = rows[bench.DYNAMICS], rows[bench.UNGATED], rows[bench.INPUT]
    assert was.fall is not None and 0.5 < was.fall.g < 1.5 and was.to_clean_m is None
    assert alone.mean("phys_err_mm") > 0 and 0 <= kept.simulated <= 1
    assert (kept.wrench is not None) == (kept.simulated > 0)
    document = json.dumps([row.as_dict(was) for row in rows.values()])
    assert json.loads(document)[3]["version"] == bench.DYNAMICS


def test_the_calibrator_has_rows_alone_and_gated_and_what_is_left_of_a_fault_is_told(walk: Clip) -> None:
    bad = bench.Sample("jitter", "walk", faults.plant(walk, "jitter", 2)[0], BODY, walk)
    rows = bench.sweep([bad, *bench.planted([("walk", walk)], BODY, ("clean",))], learned=True)
    noisy = {r.what: r for r in rows if r.kind == "jitter"}
    assert list(noisy) == [bench.INPUT, bench.KINEMATIC, bench.LEARNED, bench.BOTH, bench.GATED, bench.REFINED]
    base = noisy[bench.INPUT]
    assert noisy[bench.LEARNED].over(base, "jerk_m_s3") < 0.7 < noisy[bench.KINEMATIC].over(base, "jerk_m_s3")
    left = {what: row.left(base) for what, row in noisy.items()}
    assert left.pop(bench.INPUT) is None and all(0 < (share or 0) < 5 for share in left.values())
    assert noisy[bench.LEARNED].as_dict(base)["left"] == left[bench.LEARNED]
    assert all(r.left(r) is None for r in rows if r.kind == "clean"), "no fault, nothing left of it"
    assert f"{left[bench.LEARNED]:.0%}" in bench.table(rows)


@pytest.mark.parametrize(
    ("after", "said"), [(250.0, "212 to 250"), (212.4, "212.0 to 212.4"), (212.04, "212.00 to 212.04")]
)
def test_a_rise_of_jerk_is_told_in_as_many_digits_as_it_takes(after: float, said: str) -> None:
    old, new = gate.Judged(0.0, 212.0, 0.0), gate.Judged(0.0, after, 0.0)
    told = gate.choose([old], [new], "kinematic", [(0, 30)], 30.0, jerkier=-1.0)[1]
    assert told[0].why == f"jerk would rise from {said} m/s³"


def test_one_row_weighs_clips_by_what_they_hold(walk: Clip) -> None:
    [row, *_] = bench.sweep(bench.planted([("walk", walk)], BODY, ("clean",)))
    assert row.wrench is None and row.simulated == 0 and row.interval() is None and row.fall is None


def test_the_command_prints_and_writes_what_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_physics, "PROMPTS", 2)
    monkeypatch.setattr(bench_physics, "PROMPT_S", 1.0)
    mocap_data.save(mocap_data.load("pybullet:walk").slice(0, 40), tmp_path / "a.bvh")
    (tmp_path / "b.bvh").write_text("no motion")
    weights = tiny_prior.write(tmp_path / "base-prior.safetensors")
    done = run("bench", "physics", "clean", "retargets", "generated", weights, tmp_path, tmp_path / "r.json")
    assert done.exit_code == 0, done.output
    for line in ("clean (1 clips", "retargets (3 clips", "generated (", "refused b.bvh"):
        assert line in done.output
    rows = json.loads((tmp_path / "r.json").read_text())
    assert {r["kind"] for r in rows} == {"clean", "retargets", "generated"} and all(r["clips"] for r in rows)
    assert np.isfinite([r["phys_err_mm"] for r in rows]).all()


def test_a_picture_shows_what_was_mended_and_what_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_physics, "SHOWN", bench_physics.SHOWN[:1])
    monkeypatch.setattr(bench_physics, "LEFT", ())
    done = run("bench", "physics", tmp_path / "strips.jpg")
    assert done.exit_code == 0, done.output
    assert Image.open(tmp_path / "strips.jpg").size == (1240, 558)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("flaot",), "'flaot' is not a folder; did you mean 'float'?"),
        (("no/such",), "'no/such' is not a folder"),
        (("dynamic",), "did you mean 'dynamics'?"),
        (("learnt",), "did you mean 'learned'"),
    ],
)
def test_unknown_arguments_are_said(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput) as error:
        bench_physics.read(arguments)
    assert said in str(error.value)


def test_passes_are_asked_for_by_name() -> None:
    asked = bench_physics.read(("noise", "learned"))
    assert asked.learned and not asked.dynamics and asked.kinds == ("noise",)


def test_a_folder_without_motion_is_said(tmp_path: Path) -> None:
    done = run("bench", "physics", "clean", tmp_path)
    assert done.exit_code == 2 and "no motion that can be read" in done.output
