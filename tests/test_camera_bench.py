"""The camera benchmark's scenes, directors, editors and words: same for all, a true bound, one's own director in it."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from camera_people import stander, walker
from PIL import Image

from cinemotion import bench_camera, bench_camera_sheet
from cinemotion.bench_camera_tables import editing_lines, scenes_lines
from cinemotion.bench_camera_words import Asked, read
from motion.body import Body
from motion.camera import CameraPath, Shot
from motion.clip import Clip
from motion.errors import BadInput
from motion.stage import Stage
from rl_camera import bench_directors, bench_editing, director, framing
from rl_camera.auto import plan_film
from rl_camera.bench_directors import TUNED, Table
from rl_camera.bench_editors import EDITORS, played
from rl_camera.bench_films import FPS, Film, worth
from rl_camera.bench_scenes import BenchScene, held_out
from rl_camera.coverage.bank import Bank, bake
from rl_camera.coverage.config import CoverageConfig
from rl_camera.director import direct
from rl_camera.placement import Surroundings
from rl_camera.rule import RuleDirector
from rl_camera.vocabulary import names

WIDE = 16 / 9


@functools.lru_cache(maxsize=1)
def clips() -> tuple[Clip, ...]:
    people = [walker(seconds=13, turn=0.4), walker(seconds=13, speed=2.0, turn=-0.6), stander(seconds=13)]
    return tuple(p.clip for p in people)


@functools.lru_cache(maxsize=1)
def bank() -> Bank:
    return bake(CoverageConfig(scenes=4, seconds=12.0, seed=3), clips())


class Mine(RuleDirector):
    """A director of somebody's own: the rule director by another name."""


class Refuses(RuleDirector):
    """One that cannot film."""

    def plan(self, *args: object) -> CameraPath:  # type: ignore[override]
        raise BadInput("refuses: no film today")

    step = plan  # type: ignore[assignment]


@pytest.fixture
def own() -> object:
    director.register("mine", Mine)
    director.register("refuses", Refuses)  # type: ignore[arg-type]
    yield
    for name in ("mine", "refuses"):
        director._REGISTRY.pop(name)


# scenes ----------------------------------------------------------------------------------------------------------


def test_scenes_ask_for_every_size_and_move_and_are_the_same_every_time() -> None:
    scenes = held_out(7, clips())
    shots = [shot for scene in scenes for shot in scene.shots]
    assert {s.size for s in shots} == set(names("shot size")) and {s.move for s in shots} == set(names("camera move"))
    assert [len(s.performances) for s in scenes] == [1, 2, 3, 4, 1, 2, 3]
    again = held_out(3, clips())
    for one, two in zip(scenes, again, strict=False):
        assert one.shots == two.shots and [p.name for p in one.stage.props] == [p.name for p in two.stage.props]
        for a, b in zip(one.performances, two.performances, strict=True):
            np.testing.assert_array_equal(a.clip.root_position, b.clip.root_position)


def test_things_stand_in_the_way_of_cameras_and_of_nobody_else() -> None:
    things = 0
    for scene in held_out(6, clips()):
        assert all(a.end_s == b.start_s for a, b in zip(scene.shots, scene.shots[1:], strict=False))
        assert len({p.name for p in scene.stage.props}) == len(scene.stage.props)
        times = np.arange(0.0, scene.seconds, 0.1)
        points = framing.track(scene.performances, times).points
        assert not Surroundings(scene.stage, scene.performances).inside(points, 0.1).any()
        things += len(scene.stage.props)
    assert things >= 6


# directors -------------------------------------------------------------------------------------------------------


def test_everybody_films_the_same_and_one_s_own_director_too(own: object) -> None:
    scenes = held_out(2, clips())
    table = bench_directors.run(scenes, ("static", "rule", "mine", "greedy", "refuses", TUNED))
    assert {r.name for r in table.block(live=True)} == {"static", "rule", "mine", TUNED}  # greedy plans
    assert {r.name for r in table.block(live=False)} == {"static", "rule", "mine", "greedy", TUNED}
    assert set(table.refused) == {"refuses: refuses: no film today"}
    for live in (True, False):
        ranks = table.ranks(live)
        assert ranks["mine"] == ranks["rule"] and all(1.0 <= r <= len(ranks) for r in ranks.values())
        order = [ranks[r.name] for r in table.block(live)]
        assert order == sorted(order)
    by_name = {r.name: r for r in table.block(live=False)}
    np.testing.assert_array_equal(by_name["mine"].values("visible_share"), by_name["rule"].values("visible_share"))
    assert by_name["static"].mean("position_jerk_m_s3") == 0.0 < by_name["rule"].mean("position_jerk_m_s3")
    assert by_name["rule"].mean("place_error_half_frames") < by_name["static"].mean("place_error_half_frames")
    assert all(not table.against(r) for r in table.rows)  # two scenes say nothing of others
    out = json.loads(json.dumps(bench_directors.as_json(table), allow_nan=False))
    assert len(out["scenes"]) == 2 and len(out["rows"][0]["scenes"]) == 2
    lines = scenes_lines(table)
    assert any(line.startswith("mine ") for line in lines) and any("left out: refuses" in line for line in lines)
    marked = [line for line in scenes_lines(table, markdown=True) if line.startswith("|")]
    assert len({line.count("|") for line in marked}) == 1


def test_gains_are_told_with_their_intervals() -> None:
    scene = replace(held_out(1, clips())[0], stage=Stage())
    shots = (replace(scene.shots[0], move="static", size="medium", end_s=1.0),)
    table = bench_directors.run([replace(scene, shots=shots)] * 6, ("rule", "static", TUNED))
    rule = next(r for r in table.block(live=False) if r.name == "rule")
    gains = table.against(rule)
    mean, low, high = gains["place_error_half_frames"]
    assert low == pytest.approx(mean) == pytest.approx(high)  # the same scene six times: no doubt is left
    tuned = next(r for r in table.block(live=False) if r.name == TUNED)
    assert mean == pytest.approx(tuned.mean("place_error_half_frames") - rule.mean("place_error_half_frames"))
    assert not table.against(tuned) and any(line.startswith("rule against") for line in scenes_lines(table))


@pytest.mark.parametrize(("given", "says"), [(("rul",), "did you mean 'rule'"), (("auto",), "unknown director 'auto'")])
def test_unknown_directors_are_refused(given: tuple[str, ...], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        bench_directors.run(held_out(1, clips()), given)


def test_no_scenes_are_refused() -> None:
    with pytest.raises(BadInput, match="no scenes"):
        bench_directors.run([], ("rule",))
    with pytest.raises(BadInput, match="0 scenes"):
        held_out(0, clips())


# editors ---------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def edits() -> bench_editing.Table:
    return bench_editing.run(4, 1, bank=bank())


def test_nobody_cuts_better_than_the_best_edit() -> None:
    rows = {r.name: r for r in edits().episodes}
    best = rows["best edit"]
    np.testing.assert_allclose(best.returns, [bank().best_edit(k).value / 12.0 for k in range(4)], atol=1e-5)
    assert all((row.returns <= best.returns + 1e-5).all() for row in rows.values())
    assert edits().normalised(best) == 1.0 and edits().normalised(rows["never cut"]) == 0.0
    assert [r.name for r in edits().episodes if not r.live] == ["best edit"]
    assert rows["greedy"].returns.mean() > rows["chance"].returns.mean()


def test_shots_and_broken_rules_are_counted() -> None:
    rows = {r.name: r for r in (*edits().episodes, *edits().films)}
    for row in rows.values():
        assert row.lengths_s.sum() == pytest.approx(12.0 * len(row.counts), abs=0.1)
        assert sum(c.shots for c in row.counts) == len(row.lengths_s)
        assert row.total("line_crossings") <= row.total("line_cuts") and row.total("motion_flips") <= row.total(
            "motion_cuts"
        )
    assert rows["never cut"].lengths["cuts"] == 0.0 and rows["never cut"].lengths["mean_s"] == 12.0
    clock = rows["any other camera every 4 s"].lengths
    assert (clock["cuts"], clock["min_s"], clock["max_s"], clock["sd_log"]) == (2.0, 4.0, 4.0, pytest.approx(0.0))
    assert rows["best edit"].terms["line"] < rows["chance"].terms["line"]
    assert rows["best edit"].total("line_crossings") <= rows["chance"].total("line_crossings")
    out = json.loads(json.dumps(bench_editing.as_json(edits()), allow_nan=False))
    assert {r["editor"] for r in out["films"]} >= {"auto", "dp every 4 s"} and out["episodes"][0]["normalised"] == 0.0
    assert sum(line.startswith("auto") for line in editing_lines(edits())) == 1


def test_editors_see_the_same_scene_whenever_they_are_asked() -> None:
    for name, (_, editor) in EDITORS.items():
        one, two = (editor(bank(), 2, np.random.default_rng(1)) for _ in range(2))
        assert np.array_equal(one, two) and one.shape == (bank().config.steps,), name


def test_a_cut_that_comes_too_soon_is_no_edit() -> None:
    with pytest.raises(BadInput, match="too soon"):
        played(bank(), 0, np.arange(bank().config.steps) % 2)


def test_a_film_is_worth_what_its_plan_says() -> None:
    drawn, config = bank().scene(1), bank().config
    scene = replace(drawn, performances=tuple(replace(p, character=Body.default()) for p in drawn.performances))
    plan = plan_film(scene.performances, scene.stage, 0.0, config.seconds, FPS, config.aspect)
    path = direct(scene.performances, scene.stage, plan.shots, FPS, config.aspect)
    value, cuts = worth(Film(path, plan.shots), scene, config.rules, config.aspect)
    length = plan.shots[-1].end_s - plan.shots[-1].start_s
    rhythm, weight = config.rules.rhythm, config.rules.weights.rhythm
    # The plan pays for lengths off what its pace asks for, the last one's too; the benchmark for lengths off the law.
    planned = plan.value + weight * sum(reason.chosen.terms["rhythm"] for reason in plan.reasons)
    lengths = [s.end_s - s.start_s for s in plan.shots[:-1]]
    judged = value + weight * float(rhythm.penalty(lengths).sum() + rhythm.overdue(length))
    assert judged == pytest.approx(planned, abs=0.02 * config.seconds) and len(cuts) == len(plan.shots) - 1


@pytest.mark.parametrize(("episodes", "films"), [(0, 0), (5, 0), (2, 3), (2, -1)])
def test_numbers_of_episodes_that_make_no_sense(episodes: int, films: int) -> None:
    with pytest.raises(BadInput, match="bench camera"):
        bench_editing.run(episodes, films, bank=bank())


# words and files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), Asked()), (("episodes=3", "cem=64,256"), Asked(("shots",), episodes=3, budgets=(64, 256))),
        (("scenes=2", "markdown"), Asked(("scenes",), scenes=2, markdown=True)), (("films=0",), Asked(("editing",), films=0)),
        (("scene=0", "a.png"), Asked(("scenes",), scene=0, sheet=Path("a.png"))),
        (("directors=rule,mine", "import=my"), Asked(("scenes",), directors=("rule", "mine"), modules=("my",))),
        (("editing", "shots", "r.json"), Asked(("shots", "editing"), report=Path("r.json"))),
    ],
)  # fmt: skip
def test_words_say_what_is_measured(words: tuple[str, ...], expected: Asked) -> None:
    assert read(words) == expected


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("scnes", "did you mean 'scenes'"), ("scenes=0", "1 or more"), ("scene=-1", "whole number"), ("films=x", "whole number"),
        ("directors=", "expected names"), ("cem=63", "expected 64"), ("episodes=²", "whole number"), ("none.safetensors", "no such file"),
    ],
)  # fmt: skip
def test_words_that_are_none(word: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read((word,))


def test_a_module_of_one_s_own_is_imported_and_its_faults_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "broken_directors.py").write_text("1 / 0\n")
    with pytest.raises(BadInput, match="import=broken_directors: ZeroDivisionError"):
        bench_camera.run("import=broken_directors", "scene=0")
    with pytest.raises(BadInput, match="no such folder"):
        bench_camera.run("scene=0", "nowhere/sheet.png")


def test_a_sheet_has_a_row_for_every_director(tmp_path: Path) -> None:
    scene = held_out(1, clips())[0]
    shot = Shot(0.0, 0.5, ("a",), "full", lens_mm=35.0)
    scene = BenchScene(0, scene.performances, scene.stage, (shot,))
    sizes = []
    for who in (("rule",), ("rule", "static")):
        table: Table = bench_directors.run([scene], who)
        bench_camera_sheet.draw(table, 0, tmp_path / "sheet.png")
        with Image.open(tmp_path / "sheet.png") as image:
            sizes.append(image.size)
            assert len(image.convert("L").getcolors(1 << 16) or ()) > 50  # it is drawn on
    assert sizes[1][0] == sizes[0][0] and sizes[1][1] > sizes[0][1]
    for place, out, says in ((1, "sheet.png", "scene 1 of 1"), (0, "sheet.jpg", "png")):
        with pytest.raises(BadInput, match=says):
            bench_camera_sheet.draw(table, place, tmp_path / out)
