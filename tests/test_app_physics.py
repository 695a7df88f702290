"""`physics:` in scenes: who is cleaned up with whom, plants set by hand, and debug views of a film."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mocap_data
from cinemotion.cli import app
from cinemotion.film import Changes, Clock, Film
from cinemotion.plan import plan
from cinemotion.resolve import resolve
from cinemotion.source import read
from cinemotion.structure import Report
from motion import edit
from motion import rotations as rot
from motion.retarget import clip_to_take, retarget
from physics import faults

SCENE = """\
schema: 1
fps: 24
size: [32, 18]
physics: {feet: auto}
cast:
  ada: {at: [0, 0], outfit: runner}
  ben: {at: [1.5, 0], physics: {strength: 0.5}}
timeline:
  - {actor: ada, clip: "pybullet:walk", id: walk}
  - {actor: ben, clip: "pybullet:jump", at: 0.25s, id: jump}
shots: [{of: ada, until: walk.end}]
"""
GL = {"vendor": "", "renderer": "", "version": ""}


def film_of(folder: Path, text: str, **changes: Any) -> tuple[Film | None, list[str]]:
    path = folder / "scene.yaml"
    path.write_text(text)
    source = read(path)
    report = Report(source)
    film = resolve(source, report, Changes(**changes), Clock())
    return film, [str(p).split("scene.yaml:", 1)[1] for p in report.sorted]


def made(folder: Path, text: str, **changes: Any) -> Film:
    film, problems = film_of(folder, text, **changes)
    assert film is not None and not problems, problems
    return film


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Any], dict[str, Any]]]:
    """What clean-up is asked; nothing is cleaned."""
    from physics import refine as module
    from physics.report import Figures, PerformerReport, PhysicsReport

    asked = []
    nothing = Figures(0, 0, 0, 0, 0, 0)

    def refine(performances: Any, stage: Any, **settings: Any) -> Any:
        asked.append((list(performances), settings))
        return tuple(performances), PhysicsReport(
            tuple(PerformerReport(p.name, nothing, nothing) for p in performances)
        )

    monkeypatch.setattr(module, "refine", refine)
    return asked


def test_who_asks_for_the_same_is_cleaned_up_together(calls: list[Any], tmp_path: Path) -> None:
    made(tmp_path, SCENE.replace(", physics: {strength: 0.5}", ""))
    [(performances, settings)] = calls
    assert [p.name for p in performances] == ["ada", "ben"]
    assert settings == {"mode": "auto", "strength": 1.0, "learned": False, "dynamics": False, "tracks": {}}


def test_an_actor_changes_what_they_name_and_keeps_the_rest(calls: list[Any], tmp_path: Path) -> None:
    text = SCENE.replace("feet: auto", "feet: grounding, learned: true, dynamics: true")
    made(tmp_path, text.replace("outfit: runner", "physics: {feet: never}"))
    (first, ada), (second, ben) = calls
    assert [p.name for p in (*first, *second)] == ["ada", "ben"]
    assert ada["mode"] == "never" and not ada["dynamics"], "who is to be left alone needs no simulation"
    assert not ada["learned"] and ben["learned"]
    assert (ben["mode"], ben["strength"], ben["dynamics"]) == ("grounding", 0.5, True)


def test_with_weight_all_live_in_one_time(calls: list[Any], tmp_path: Path) -> None:
    text = SCENE.replace("feet: auto", "dynamics: true").replace(
        "{strength: 0.5}", "{plants: [{part: left_toe, from: jump, to: 1s}]}"
    )
    film = made(tmp_path, text.replace("shots: [", "shots: [{of: ada, until: 0.5s}, "))
    [(asked, settings)] = calls
    ada, ben = asked
    assert ada.clip.fps == ben.clip.fps and ada.start_s == ben.start_s == 0.0
    wait = round(0.25 * float(ben.clip.fps))
    assert np.ptp(ben.clip.root_position[: wait + 1], axis=0) == pytest.approx(0.0), "ben waits in his first pose"
    toe = settings["tracks"]["ben"]["left_toe"]
    assert len(toe) == ben.clip.frames and toe.sum() == pytest.approx(float(ben.clip.fps), abs=2)
    back = film.performances[1]
    assert back.start_s == 0.25 and back.clip.frames == ben.clip.frames - wait
    assert back.at(0.7)[1] == pytest.approx(ben.at(0.7)[1])


def test_slow_motion_is_cleaned_up_at_the_speed_of_life(calls: list[Any], tmp_path: Path) -> None:
    film = made(tmp_path, SCENE.replace("at: 0.25s", "speed: 0.5, at: 0.25s").replace("walk.end", "1.2s"))
    [ada, slow] = [p for performances, _ in calls for p in performances]
    played = film.performances[1].clip
    assert slow.clip.frames == pytest.approx(played.frames / 2, abs=1) and ada.clip is film.performances[0].clip
    assert slow.clip.root_position[-2] == pytest.approx(played.root_position[-3], abs=0.02)


def test_what_is_changed_in_the_time_of_life_is_changed_in_slow_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from physics import refine as module

    real = module.refine

    def lifted(performances: Any, stage: Any, **settings: Any) -> Any:
        up = [replace(p, clip=edit.transform(p.clip, translation=(0, 0.05, 0))) for p in performances]
        return tuple(up), real(performances, stage, **settings)[1]

    monkeypatch.setattr(module, "refine", lifted)
    text = SCENE.replace("at: 0.25s", "speed: 0.5, at: 0.25s").replace("walk.end", "1.2s")
    before, after = (made(tmp_path, text, physics=on).performances[1].clip for on in (False, True))
    assert after.root_position - before.root_position == pytest.approx(
        np.tile([0, 0.05, 0], (before.frames, 1)), abs=1e-9
    )
    assert rot.angle_between(after.rotations, before.rotations).max() < 1e-6


def test_the_command_line_has_the_last_word(calls: list[Any], tmp_path: Path) -> None:
    assert made(tmp_path, SCENE, physics=False).mended == () and not calls
    assert len(made(tmp_path, SCENE.replace("physics: {feet: auto}\n", ""), physics=True).mended) == 2


def test_plants_come_from_the_scene_or_a_file(tmp_path: Path) -> None:
    listed = "[{part: left_heel, from: 0.5s, to: jump.end-0.5s}, {part: right_toe, from: 12f, to: 1s}]"
    plain = made(tmp_path, SCENE)
    inline = made(tmp_path, SCENE.replace("strength: 0.5", f"plants: {listed}"), debug=("plants",))
    stop = inline.performances[1].start_s + (inline.performances[1].clip.frames - 1) / float(
        inline.performances[1].clip.fps
    )
    rows = f"part,start_s,end_s\nleft_heel,0.5,{stop - 0.5}\nright_toe,0.5,1\n"
    (tmp_path / "feet.csv").write_text(rows)
    filed = made(tmp_path, SCENE.replace("strength: 0.5", "plants: feet.csv"))
    one, other = (f.performances[1].clip for f in (inline, filed))
    assert np.array_equal(one.rotations, other.rotations) and np.array_equal(one.root_position, other.root_position)
    assert not np.array_equal(one.rotations, plain.performances[1].clip.rotations)
    assert [i.name for i in filed.inputs if i.role == "plants"] == ["feet.csv"]
    discs = {p.name: p.clip.root_position[:, 1] > -1 for p in inline.drawn if p.name.startswith("ben.")}
    assert not discs["ben.left_toe"].any() and discs["ben.right_toe"].mean() == pytest.approx(0.5 / 1.77, abs=0.05)


@pytest.mark.parametrize(
    ("physics", "said"),
    [
        ("plants: {part: left_heel}", "7:41: cast.ben.physics.plants: expected the name of a CSV file, or a list, got"),
        ("plants: [{part: left_heal, from: 0, to: 1s}]", "7:49: cast.ben.physics.plants[0].part: unknown part of the body 'left_heal'; did you mean 'left_heel' or 'left_hand' or 'left_toe'?"),
        ("plants: [{part: left_heel, from: 1s, to: 0.5s}]", "7:74: cast.ben.physics.plants[0].to: 0.5 s is not after `from`, 1 s"),
        ("plants: [{part: left_heel, from: jmp, to: 5s}]", "7:66: cast.ben.physics.plants[0].from: unknown entry 'jmp'; did you mean 'jump'?"),
        ("plants: [{part: left_heel, form: 1s, to: 2s}]", "7:60: cast.ben.physics.plants[0].form: unknown key 'form'; did you mean 'from'?"),
        ("plants: [{part: left_heel, from: 8s, to: 9s}]", "7:42: warning: cast.ben.physics.plants[0]: 'ben' performs from 0.25 to 2.01 s; nothing stands from 8 to 9 s"),
        ("plants: fete.csv", "7:41: cast.ben.physics.plants: no such file 'fete.csv'; did you mean 'feet.csv'?"),
        ("plants: feet.csv", "7:41: cast.ben.physics.plants: feet.csv:2: unknown part 'left_hoof'"),
        ("plants: .", "7:41: cast.ben.physics.plants: '.' is a folder, expected a file"),
        ("learned: yes please", "7:42: cast.ben.physics.learned: expected true or false, got 'yes please'"),
        ("dynamics: 1", "7:43: cast.ben.physics.dynamics: expected true or false, got 1"),
        ("dynamic: true", "7:33: cast.ben.physics.dynamic: unknown key 'dynamic'; did you mean 'dynamics'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_physics_is_said_with_its_place(
    calls: list[Any], tmp_path: Path, physics: str, said: str
) -> None:
    (tmp_path / "feet.csv").write_text("part,start_s,end_s\nleft_hoof,0,1\n")
    problems = film_of(tmp_path, SCENE.replace("strength: 0.5", physics))[1]
    assert any(p.startswith(said) for p in problems) and len(problems) < 3, problems


def shaken(path: Path) -> None:
    """A walk that trembles, on SMPL's skeleton."""
    mocap_data.save(clip_to_take(faults.plant(retarget(mocap_data.load("pybullet:walk"))[0], "noise", 1)[0]), path)


def test_weights_that_calmed_poses_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shaken(tmp_path / "bad.bvh")
    text = SCENE.replace("pybullet:walk", "bad.bvh").replace("outfit: runner", "physics: {learned: true}")
    film = made(tmp_path, text)
    [model] = film.models
    assert (model["name"], model["kind"], model["file"]) == ("clean", "calibrator", "clean-calibrator.safetensors")
    [one] = [i for i in film.inputs if i.role == "learned"]
    assert one.name == "ada" and one.provenance.licence == model["licence"]
    assert one.provenance.model is not None and model["sha256"][:16] in one.provenance.model
    plain = made(tmp_path, text.replace("learned: true", "learned: false"))
    assert plain.models == () and [i.role for i in plain.inputs] == [i.role for i in film.inputs if i is not one]
    keys = [[c.key for c in plan(f, 0, f.frames, GL, ())] for f in (film, plain)]
    assert keys[0][0] != keys[1][0]
    monkeypatch.setattr("motion.prior.weights.shipped_folder", lambda: tmp_path)
    monkeypatch.setenv("CINEMOTION_WEIGHTS", str(tmp_path))
    [problem] = film_of(tmp_path, text)[1]
    assert problem.startswith("6:40: cast.ada.physics.learned: no calibrator weights 'clean' on this machine")


def test_a_films_sidecar_names_what_calmed_poses(tmp_path: Path) -> None:
    shaken(tmp_path / "bad.bvh")
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE.replace("pybullet:walk", "bad.bvh").replace("outfit: runner", "physics: {learned: true}"))
    done = CliRunner().invoke(app, ["film", str(path), "--frames", ":1", "--draft"])
    assert done.exit_code == 0 and "  poses calmed by clean calibrator 1: CMU" in done.output
    document = json.loads((tmp_path / "scene.provenance.json").read_text())
    assert document["models"][0]["kind"] == "calibrator" and "Algorithmic" in document["digitalSourceType"]


def test_plants_are_one_performers(tmp_path: Path) -> None:
    [problem] = film_of(tmp_path, SCENE.replace("feet: auto", "plants: feet.csv"))[1]
    assert problem.startswith("4:11: physics.plants: unknown key 'plants'")


def test_debug_views_are_drawn_and_count_for_what_is_drawn_again(tmp_path: Path) -> None:
    text = SCENE.replace("physics: {feet: auto}\n", "output: {debug: [humanoid, plants], chunk: 8}\n")
    film = made(tmp_path, text)
    assert [p.name for p in film.performances] == ["ada", "ben"]
    names = [p.name for p in film.drawn]
    assert names[:2] == ["ada", "ben"] and len(names) == 2 + 2 * 9 and "ada.left_heel" in names
    assert film.drawn[0].character is not film.performances[0].character
    keys = [
        [c.key for c in plan(f, 0, f.frames, GL, ())]
        for f in (film, made(tmp_path, text, debug=()), made(tmp_path, text, debug=("plants",)))
    ]
    assert len({k[0] for k in keys}) == 3
    assert film.camera.T_world_camera == pytest.approx(made(tmp_path, text, debug=()).camera.T_world_camera)


def test_a_film_is_drawn_with_debug_views(tmp_path: Path) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE)
    arguments = ["film", str(path), "--frames", ":2", "--draft", "--debug", "humanoid,plants"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert done.output.count("  physics, ") == 2
    assert len(json.loads((tmp_path / "scene.provenance.json").read_text())["physics"]) == 2
    wrong = CliRunner().invoke(app, [*arguments[:-1], "humanoids"])
    assert wrong.exit_code == 2 and "unknown debug view 'humanoids'; did you mean 'humanoid'?" in wrong.output
