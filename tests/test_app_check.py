"""All problems at once, each with its exact line, column, path and words."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mocap_data
from cinemotion.film import Changes, Clock, Film
from cinemotion.resolve import resolve
from cinemotion.scene import json_schema
from cinemotion.source import Problem, read
from cinemotion.structure import Report
from motion import rotations as rot

BASE = """\
schema: 1
fps: 24
size: [64, 36]
cast:
  ada: {at: [0, 0], outfit: runner}
  ben: {at: [3, 0], facing: ada}
timeline:
  - {actor: ada, clip: "pybullet:walk", id: walk}
  - {actor: ben, clip: "pybullet:jump", id: jump}
shots:
  - {of: ada, until: walk.end}
"""


def checked(folder: Path, text: str) -> tuple[list[Problem], Film | None]:
    path = folder / "scene.yaml"
    path.write_text(text)
    source = read(path)
    report = Report(source)
    film = resolve(source, report, Changes(), Clock())
    return report.sorted, film


def told(folder: Path, text: str) -> list[str]:
    """Problems without the file's name: ``line:column: path: message``."""
    return [str(p).split("scene.yaml:", 1)[1] for p in checked(folder, text)[0]]


def test_a_good_scene_has_no_problem(tmp_path: Path) -> None:
    problems, film = checked(tmp_path, BASE)
    assert problems == [] and film is not None
    assert film.frames == 30 and film.camera.frames == 30


#: What is replaced in `BASE`, by what, and what is then told.
TABLE: list[tuple[str, str, str, str]] = [
    ("unknown key", "fps: 24", "fsp: 24", "2:1: fsp: unknown key 'fsp'; did you mean 'fps'?"),
    ("missing schema", "schema: 1\n", "", "1:1: schema: missing key 'schema' (this version reads `schema: 1`)"),
    ("newer schema", "schema: 1", "schema: 2", "1:9: schema: expected 1, got 2 (written for a newer Cinemotion?)"),
    ("fps 0", "fps: 24", "fps: 0", "2:6: fps: expected frames per second such as 24, 30, 23.976 or 24000/1001, between 1 and 240, got 0"),
    ("no size", "[64, 36]", "[0, 0]", "3:7: size: 0 x 0 pixels, expected 16 to 8192 a side"),
    ("absurd size", "[64, 36]", "[100000, 100000]", "3:7: size: 100000 x 100000 pixels, expected 16 to 8192 a side"),
    ("half a size", "[64, 36]", "[64]", "3:7: size[1]: expected 2 values, got 1"),
    ("size as text", "[64, 36]", "[wide, 36]", "3:8: size[0]: expected a whole number, got 'wide'"),
    ("unknown outfit", "runner", "runer", "5:29: cast.ada.outfit: unknown outfit 'runer'; did you mean 'runner'?"),
    ("unknown feet", "fps: 24", "physics: {feet: lokced}\nfps: 24", "2:17: physics.feet: unknown foot mode 'lokced'"),
    ("feet of an actor", "outfit: runner", "physics: {feet: alway}", "5:37: cast.ada.physics.feet: unknown foot mode 'alway'; did you mean 'always'?"),
    ("too much physics", "fps: 24", "physics: {strength: 2}\nfps: 24", "2:21: physics.strength: expected at most 1 (of every correction), got 2"),
    ("facing nobody", "facing: ada", "facing: adda", "6:29: cast.ben.facing: unknown actor 'adda'; did you mean 'ada'?"),
    ("facing oneself", "facing: ada", "facing: ben", "6:29: cast.ben.facing: 'ben' cannot face 'ben'"),
    ("unknown actor", "{actor: ben", "{actor: bne", "9:13: timeline[1].actor: unknown actor 'bne'; did you mean 'ben'?"),
    ("unknown capture", "pybullet:jump", "pybullet:jmp", "9:24: timeline[1].clip: unknown capture 'pybullet:jmp'; did you mean 'jump'?"),
    ("missing file", '"pybullet:jump"', "a/b.bvh", "9:24: timeline[1].clip: no such file 'a/b.bvh'"),
    ("unknown words", 'clip: "pybullet:jump"', "do: flies to the moon", "9:22: timeline[1].do: no known action in 'flies to the moon'"),
    ("empty words", 'clip: "pybullet:jump"', "do: '...'", "9:22: timeline[1].do: no words in '...'"),
    ("half known words", 'clip: "pybullet:jump"', "do: walks then xyzzies", "9:22: timeline[1].do: no known action in 'xyzzies'"),
    ("a clip's key", 'clip: "pybullet:jump"', "do: waves, loop: true", "9:29: timeline[1].loop: `loop` repeats a clip; an action lasts as long as `for` says"),
    ("style of words", 'clip: "pybullet:jump"', "do: waves, style: hapy", "9:36: timeline[1].style: unknown style 'hapy'; did you mean 'happy'?"),
    ("style of an actor", "outfit: runner", "style: hapy", "5:28: cast.ada.style: unknown style 'hapy'; did you mean 'happy'?"),
    ("style of a clip", "id: jump", "style: happy", "9:41: timeline[1].style: `style` is for actions in words (`do`); a clip is as it was captured"),
    ("both", "id: jump", "do: waves", "9:41: timeline[1].do: give `clip` or `do`, not both"),
    ("no such model", 'clip: "pybullet:jump", id: jump}', "do: waves}\nmodel: bse", "10:8: model: unknown weights 'bse'; did you mean 'base'?"),
    ("no such model file", 'clip: "pybullet:jump", id: jump}', "do: waves}\nmodel: my.safetensors", "10:8: model: no such file 'my.safetensors'"),
    ("neither", 'clip: "pybullet:jump", ', "", "9:5: timeline[1]: missing key 'clip' (a motion file, or pybullet:NAME) or 'do' (an action in words)"),
    ("bad time", "id: jump", "id: jump, at: 2x", "9:55: timeline[1].at: expected a time (2s, 1.5, 48f, 00:00:02:12) or a reference (wave, wave+0.5s, wave.end-1s), got '2x'"),
    ("unknown reference", "id: jump", "id: jump, at: wlak", "9:55: timeline[1].at: unknown entry 'wlak'; did you mean 'walk'?"),
    ("after a time", "id: jump", "id: jump, after: 2s", "9:58: timeline[1].after: expected an entry's id, got 2s; for a time, say `at`"),
    ("two starts", "id: jump", "id: jump, at: 1, after: walk", "9:58: timeline[1].after: give one of `at`, `after` and `with`, not at and after"),
    ("id twice", "id: jump", "id: walk", "9:45: timeline[1].id: the id 'walk' is taken by the entry on line 8"),
    ("speed", "id: jump", "speed: 0", "9:48: timeline[1].speed: expected at least 0.05, got 0"),
    ("not a flag", "id: jump", "loop: 1", "9:47: timeline[1].loop: expected true or false, got 1"),
    ("out after end", "id: jump", "out: 9s", "9:46: timeline[1].out: 9s is after the clip's end, 1.767 s"),
    ("in after out", "id: jump", "in: 1s, out: 0.5s", "9:45: timeline[1].in: 1s is not before `out`, 0.5 s"),
    ("longer than the clip", "id: jump", "for: 5s", "9:46: timeline[1].for: 5.00 s is longer than the clip, 1.76 s; add `loop: true` to repeat it or `hold: true` to stand still afterwards"),
    ("too far", "id: jump", "to: [9, 9]", "9:45: timeline[1].to: the clip goes 1.05 m and the way is 10.82 m; add `loop: true`"),
    ("absurdly long", "id: jump", "loop: true, for: 86400s", "9:5: timeline[1]: lasts 86400 s; a film lasts at most 10800 s"),
    ("subject", "of: ada", "of: [ada, bem]", "11:16: shots[0].of[1]: unknown actor 'bem'; did you mean 'ben'?"),
    ("shot size", "of: ada", "of: ada, size: medum", "11:21: shots[0].size: unknown shot size 'medum'"),
    ("director", "of: ada", "of: ada, director: rul", "11:25: shots[0].director: unknown director 'rul'; did you mean 'rule'?"),
    ("shot gap at the start", "of: ada", "of: ada, at: 1s", "11:5: shots[0]: nothing is shown from 0.00 s, when the film begins, to 1.00 s"),
    ("clip ends before its shot", "until: walk.end", "until: 2s", "11:5: shots[0]: the last clip of 'ada' (line 8) ends at 1.25 s and the shot at 2.00 s; shorten the shot, `loop` the clip, or say `hold: true` there to stand still"),
    ("both ends", "until: walk.end", "until: 1s, for: 1s", "11:15: shots[0].until: give `for` or `until`, not both"),
    ("material", "timeline:", "stage: {props: [{material: wod}]}\ntimeline:", "7:28: stage.props[0].material: unknown material 'wod'; did you mean 'wood'?"),
    ("shape", "timeline:", "stage: {props: [{shape: bnech}]}\ntimeline:", "7:25: stage.props[0].shape: unknown shape 'bnech'; did you mean 'bench'? (or the path of a mesh file, such as chair.glb)"),
    ("prop called as an actor", "timeline:", "stage: {props: [{name: ada}]}\ntimeline:", "7:24: stage.props[0].name: 'ada' is an actor's name already"),
    ("joint", "timeline:", "stage: {props: [{held: [{by: ada, joint: hand}]}]}\ntimeline:", "7:42: stage.props[0].held[0].joint: unknown joint 'hand'"),
    ("light", "timeline:", "stage: {light: noone}\ntimeline:", "7:16: stage.light: unknown light preset 'noone'; did you mean 'noon'?"),
    ("plate", "timeline:", "stage: {plate: none.png}\ntimeline:", "7:16: stage.plate: no such file 'none.png'"),
    ("pass", "timeline:", "output: {passes: [dept]}\ntimeline:", "7:19: output.passes[0]: unknown pass 'dept'; did you mean 'depth'?"),
    ("leaves the folder", "timeline:", "output: {video: ../x.mp4}\ntimeline:", "7:17: output.video: '../x.mp4' leaves the scene's folder; a scene writes beside itself only (or give -o)"),
    ("absolute output", "timeline:", "output: {video: /elsewhere/x.mp4}\ntimeline:", "7:17: output.video: '/elsewhere/x.mp4' leaves the scene's folder"),
    ("not a video", "timeline:", "output: {video: x.gif}\ntimeline:", "7:17: output.video:"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE])
def test_each_problem_has_its_place_and_words(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert BASE.count(old) >= 1
    lines = told(tmp_path, BASE.replace(old, new, 1))
    assert any(line.startswith(expected) for line in lines), lines


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = BASE.replace("fps: 24", "fps: fast").replace("runner", "runer").replace("pybullet:jump", "pybullet:jmp")
    lines = told(tmp_path, text.replace("of: ada", "of: adam, sice: wide"))
    assert [line.split(": ")[1] for line in lines] == [
        "fps",
        "cast.ada.outfit",
        "timeline[1].clip",
        "shots[0].of",
        "shots[0].sice",
    ]


def test_broken_entries_do_not_shift_the_others(tmp_path: Path) -> None:
    text = BASE.replace("timeline:\n", "timeline:\n  - {clip: x.bvh}\n  - 5\n").replace("pybullet:jump", "pybullet:jmp")
    lines = told(tmp_path, text)
    assert "10:24" not in "".join(lines)
    assert any(line.startswith("8:5: timeline[0].actor: missing key 'actor'") for line in lines)
    assert any(line.startswith("9:5: timeline[1]: expected a mapping (key: value), got 5") for line in lines)
    assert any(line.startswith("11:24: timeline[3].clip: unknown capture") for line in lines)


def test_references_in_a_circle(tmp_path: Path) -> None:
    text = BASE.replace("id: walk", "id: walk, after: jump").replace("id: jump", "id: jump, after: walk")
    lines = told(tmp_path, text)
    assert any("references in a circle: walk -> jump -> walk" in line for line in lines), lines
    assert len(lines) == 1


def test_endless_chains_of_references(tmp_path: Path) -> None:
    cast = "cast: {" + ", ".join(f"a{k}: {{}}" for k in range(150)) + "}\n"
    entries = [f'  - {{actor: a{k}, clip: "pybullet:walk", id: e{k}, after: e{k + 1}}}\n' for k in range(149)]
    text = (
        "schema: 1\n" + cast + "timeline:\n" + "".join(entries) + '  - {actor: a149, clip: "pybullet:walk", id: e149}\n'
    )
    (line,) = told(tmp_path, text)
    assert line.startswith("104:5: timeline[100]: more than 100 entries wait for one another")


def test_overlapping_clips_of_one_actor(tmp_path: Path) -> None:
    text = BASE.replace("  - {actor: ben", '  - {actor: ada, clip: "pybullet:kick", at: 0.5s}\n  - {actor: ben')
    (line,) = told(tmp_path, text)
    assert line.startswith("9:5: timeline[1]: overlaps the clip of 'ada' on line 8 by 0.75 s (it ends at 1.25 s")


def test_gaps_between_shots_and_overlaps(tmp_path: Path) -> None:
    shots = "shots:\n  - {of: ada, for: 0.5s}\n  - {of: ada, at: 0.8s, for: 0.2s}\n  - {of: ada, at: 0.9s, until: 1s}\n"
    lines = told(tmp_path, BASE[: BASE.index("shots:")] + shots)
    assert lines[0].startswith("12:5: shots[1]: nothing is shown from 0.50 s, when shots[0] ends, to 0.79 s")
    assert lines[1].startswith("13:5: shots[2]: begins at 0.92 s, before shots[1] ends at 1.00 s")


def test_a_damaged_capture_is_told_at_its_entry(tmp_path: Path) -> None:
    (tmp_path / "bad.bvh").write_text("HIERARCHY\nROOT a\n{\n")
    (tmp_path / "dog.bvh").write_text("not a bvh at all")
    text = BASE.replace('"pybullet:walk"', "bad.bvh").replace('"pybullet:jump"', "dog.bvh")
    lines = told(tmp_path, text)
    assert [line.split(": ")[:2] for line in lines] == [["8:24", "timeline[0].clip"], ["9:24", "timeline[1].clip"]]


def test_a_jump_inside_a_shot_is_a_warning(tmp_path: Path) -> None:
    text = BASE.replace(", id: walk}", ', id: walk}\n  - {actor: ada, clip: "pybullet:walk", place: [4, 4]}')
    problems, film = checked(tmp_path, text.replace("walk.end}", "2s}"))
    assert [p.severity for p in problems] == ["warning"] and film is not None
    assert "jumps to another place in the middle of a shot" in problems[0].message


def test_faults_of_a_capture_are_warnings(tmp_path: Path) -> None:
    walk = mocap_data.load("pybullet:walk")
    rotations, neck = walk.rotations.copy(), walk.names.index("neck")
    rotations[:, neck] = rot.multiply(rotations[:, neck], rot.from_axis("Z", np.radians(150.0)))
    translations = walk.translations.copy()
    translations[20:, 0] += [3.0, 0.0, 0.0]  # metres
    mocap_data.save(replace(walk, rotations=rotations, translations=translations), tmp_path / "salsa_01.bvh")
    problems, film = checked(tmp_path, BASE.replace('"pybullet:walk"', "salsa_01.bvh"))
    assert film is not None and {p.severity for p in problems} == {"warning"}
    told = " ".join(p.message for p in problems)
    assert "its data set says 60; correct it with `speed: 2`" in told
    assert "turns the head over in 100%" in told and "jumps from one frame to the next at 0.67 s" in told
    slowed = checked(tmp_path, BASE.replace('"pybullet:walk"', "salsa_01.bvh, speed: 2.0"))[0]
    assert not any("data set" in p.message for p in slowed)


def test_the_published_schema_is_the_one_in_use() -> None:
    published = Path(__file__).parent.parent / "docs" / "scene.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema(), (
        "cinemotion schema > docs/scene.schema.json"
    )


def test_the_schema_lists_the_words() -> None:
    text = json.dumps(json_schema())
    for word in ("runner", "golden_hour", "golden_hour", "medium_close_up", "right_hand", "albedo_aa", "prores"):
        assert f'"{word}"' in text
    assert "x-vocabulary" not in text and "x-or-text" not in text


def test_a_plate_must_be_an_image(tmp_path: Path) -> None:
    (tmp_path / "plate.png").write_bytes(b"\x89PNG\r\n\x1a\n not really")
    (line,) = told(tmp_path, BASE.replace("timeline:", "stage: {plate: plate.png}\ntimeline:"))
    assert line.startswith("7:16: stage.plate: plate.png: not an image that can be read")


def test_a_broken_actor_or_prop_is_told_once(tmp_path: Path) -> None:
    text = BASE.replace("runner", "runer").replace("timeline:", "stage: {props: [{shape: bnech}]}\ntimeline:")
    assert [line.split(": ")[1] for line in told(tmp_path, text)] == ["cast.ada.outfit", "stage.props[0].shape"]


def test_a_value_out_of_bounds_is_told_its_unit(tmp_path: Path) -> None:
    from cinemotion.resolve import load
    from cinemotion.source import SceneError, read

    scene = tmp_path / "scene.yaml"
    scene.write_text('schema: 1\ncast: {a: {body: {height: 170}}}\ntimeline: [{actor: a, clip: "pybullet:walk"}]\n')
    with pytest.raises(SceneError) as raised:
        load(read(scene))
    assert "expected at most 2.4 (metres), got 170" in str(raised.value.problems[0])
