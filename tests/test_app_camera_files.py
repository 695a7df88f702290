"""`cinemotion camera …`: a scene's camera and cuts to files, cameras between formats, the plan, the storyboard."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_app_train import run
from test_output_camera import path_of

from cinemotion import camera_files, set_plan, storyboard
from cinemotion.axes import OVER, picture
from cinemotion.film_shots import shots_of
from cinemotion.lettering import Notes, letters, wrapped
from cinemotion.shot_list import files_of, reasons_of
from motion.camera import CameraPath, Shot, look_at
from motion.stage import Performance, Prop, Stage
from render.interchange import camera as files

SCENE = """
schema: 1
title: Two shots
fps: 24
size: [96, 54]
cast:
  kim: {at: [0, 0], facing: 90deg}
timeline:
  - {actor: kim, clip: "pybullet:walk", loop: true, until: 1s}
stage:
  props:
    - {name: table, shape: box, at: [2, 1], turn: 30deg}
    - {name: pillar, shape: cylinder, at: [1, -2], size: [0.5, 2, 0.5]}
shots:
  - {size: full, of: kim, until: 0.5s}
  - {size: medium, of: kim, move: push_in, until: 1s}
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "two.yaml"
    path.write_text(SCENE)
    return path


@pytest.fixture(scope="module")
def film(scene: Path):
    from cinemotion.resolve import load
    from cinemotion.source import read

    return load(read(scene))[0]


@pytest.mark.parametrize("suffix", files.SUFFIXES)
def test_export_is_the_films_camera(scene: Path, film, tmp_path: Path, suffix: str) -> None:
    if suffix.startswith(".usd"):
        pytest.importorskip("pxr")
    done = run("camera", "export", scene, tmp_path / f"a{suffix}")
    assert done.exit_code == 0, done.output
    assert "24 frames at 24 fps, 1.00 s, 2 shots" in done.output
    back = files.load(tmp_path / f"a{suffix}")
    assert np.abs(back.T_world_camera - film.camera.T_world_camera).max() < 1e-6
    assert np.abs(back.fov_y(1.0) - film.camera.fov_y(1.0)).max() < 1e-6
    assert np.flatnonzero(back.cuts)[-1] == 12


def test_cuts_with_their_reasons(scene: Path, film, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    done = run("camera", "export", scene, tmp_path / "cuts.otio", "--film", tmp_path / "two.mp4")
    assert done.exit_code == 0, done.output
    timeline = otio.adapters.read_from_file(str(tmp_path / "cuts.otio"))
    first, second = timeline.find_clips()
    assert (first.name, second.name) == ("1 full of kim", "2 medium of kim")
    assert second.source_range.start_time == otio.opentime.RationalTime(12, 24)
    assert second.media_reference.target_url == "two.mp4"
    [marker] = second.markers
    assert marker.metadata["cinemotion"]["size"] == "medium"
    assert marker.metadata["cinemotion"]["director"] == "rule"
    assert marker.comment.startswith("framed by the rule director: medium, from the front")
    edit = camera_files.edit_of(film, {1: ("closer to the hand", "second: wide (-0.20)")})
    assert [s.reason.splitlines()[-1] for s in edit.shots] == [
        "framed by the rule director: full, from the front three quarter, at eye level",
        "second: wide (-0.20)",
    ]


def test_a_film_that_chooses_its_shots_says_why(tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")
    scene = tmp_path / "auto.yaml"
    scene.write_text(SCENE[: SCENE.index("shots:")] + "shots: {director: auto}\n")
    assert run("camera", "export", scene, tmp_path / "cuts.otio").exit_code == 0
    timeline = otio.adapters.read_from_file(str(tmp_path / "cuts.otio"))
    for clip in timeline.find_clips():
        assert "second: " in clip.markers[0].comment, "what was second best"


DIRECTED = """shots:
  - {size: full, of: kim, until: 0.25s}
  - {size: medium, of: kim, director: static, until: 0.5s}
  - {size: medium, of: kim, director: dp, until: 0.75s}
  - {size: full, of: kim, director: greedy, until: 0.9s}
  - {size: medium, of: kim, move: tilt_up, director: greedy, until: 1s}
"""


def test_every_director_says_why(tmp_path: Path) -> None:
    """The same lines in the table, the edit and the storyboard's panels."""
    made = load_scene(tmp_path / "many.yaml", DIRECTED)
    why = reasons_of(made)
    assert set(why) == set(range(5))
    for k, lines in why.items():
        assert lines[0].startswith(f"framed by the {made.shots[k].director} director: ")
    assert why[0][1] == "40° to the left, as asked: nothing against it"
    assert why[1][1].startswith("40° to the left"), "where the rule director would begin"
    assert why[2][1].startswith("medium of kim") and why[2][2].startswith("second: ")
    assert why[3][1].startswith("worth 0.") and why[3][-1].startswith("second: the rule controller on the same rig: ")
    assert why[4][1] == "a tilt up is the rule director's to make"
    edit = camera_files.edit_of(made, why)
    assert [shot.reason.splitlines() for shot in edit.shots] == [list(lines) for lines in why.values()]
    for k, shot in enumerate(shots_of(made.camera, made.shots)):
        panel = storyboard._panel(made.camera, shot, why, 300.0)
        assert why[k][1].split()[0] in " ".join(text for text, _, _ in panel.lines)


def test_the_rule_director_says_which_sides_it_tried(tmp_path: Path) -> None:
    """A wall on the side that was asked for: another is taken, and what was wrong with the first is said."""
    wall = "  props:\n    - {name: wall, shape: box, at: [1.2, -1.2], size: [0.2, 3, 4], turn: 45deg}\n"
    tail = wall + "shots:\n  - {size: medium, of: kim, view: profile_left, until: 1s}\n"
    made = load_scene(tmp_path / "wall.yaml", tail)
    _, line = reasons_of(made)[0]
    assert "; asked: 90° to the left: " in line and "in the way" in line and "; second: " in line
    chosen, _, others = line.partition(": ")
    assert "as asked" not in chosen and "off what was asked" in others.split(";")[0]


def load_scene(path: Path, tail: str):
    from cinemotion.resolve import load
    from cinemotion.source import read

    path.write_text(SCENE[: SCENE.index("  props:" if tail.startswith("  props:") else "shots:")] + tail)
    return load(read(path))[0]


def test_a_camera_of_ones_own_is_called_so(tmp_path: Path) -> None:
    """No director's name, move or words stand beside a shot that a file made."""
    files.save(tmp_path / "mine.json", path_of(12, fps=24, cuts=np.zeros(12, bool)))
    tail = "shots:\n  - {size: full, of: kim, until: 0.5s}\n  - {camera: mine.json, of: kim, until: 1s}\n"
    made = load_scene(tmp_path / "own.yaml", tail)
    assert made.table[-1]["file"] == "mine.json"
    assert reasons_of(made)[1] == ("the camera of mine.json",)
    edit = camera_files.edit_of(made, reasons_of(made))
    assert [shot.label for shot in edit.shots] == ["full of kim", "the camera of mine.json"]
    assert edit.shots[1].about["camera"] == "mine.json" and edit.shots[1].about["of"] == ["kim"]
    assert not {"director", "move", "size", "view"} & set(edit.shots[1].about)
    assert edit.shots[0].about["director"] == "rule"
    _, own = shots_of(made.camera, made.shots, files_of(made))
    panel = storyboard._panel(made.camera, own, reasons_of(made), 300.0)
    words = " ".join(text for text, _, _ in panel.lines)
    assert "the camera of mine.json" in words and "rule" not in words and "static" not in words
    assert own.why(None) == ()
    plan = set_plan._Plan("own", made.performances, made.stage, made.camera, [own])
    legend = " ".join(" ".join(lines) for _, _, lines in plan._legend_rows())
    assert "the camera of mine.json" in legend and "static" not in legend


def test_convert(tmp_path: Path) -> None:
    files.save(tmp_path / "a.json", path_of(24, fps=24, cuts=np.arange(24) == 12))
    done = run("camera", "convert", tmp_path / "a.json", tmp_path / "b.glb", "--fps", "48", "--aspect", "2:1")
    assert done.exit_code == 0, done.output
    assert "48 frames at 48 fps, 1.00 s, 2 shots" in done.output
    made = files.load(tmp_path / "b.glb")
    assert (made.frames, made.fps, np.flatnonzero(made.cuts).tolist()) == (48, 48, [24])
    if pytest.importorskip("opentimelineio"):
        done = run("camera", "convert", tmp_path / "b.glb", tmp_path / "c.otio", "-q")
        assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("convert", "a.json", "b.fbx"), "unknown camera suffix '.fbx'"),
        (("convert", "a.json", "b.glb", "--fps", "0"), "expected more than 0"),
        (("convert", "a.json", "b.glb", "--aspect", "16:0"), "such as 16:9"),
        (("convert", "a.json", "b.glb", "--name", "Cam"), "one camera without a name"),
        (("convert", "none.json", "b.glb"), "no such file"),
        (("export", "none.yaml", "b.glb"), "no such file"),
        (("export", "none.yaml", "b.txt"), "unknown camera suffix"),
        (("export", "none.yaml", "b.csv", "--film", "a.mp4"), "--film is for an edit"),
        (("plan", "none.yaml", "b.jpg"), "written to a .png"),
        (("storyboard", "none.yaml", "b.gif"), "written to a .png"),
    ],
)
def test_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    files.save("a.json", path_of())
    done = run("camera", *words)
    assert done.exit_code == 2
    assert message in done.output and done.output.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_plan_of_a_scene(scene: Path, tmp_path: Path) -> None:
    done = run("camera", "plan", scene, tmp_path / "plan.png")
    assert done.exit_code == 0, done.output
    shown = Image.open(tmp_path / "plan.png").convert("RGB")
    assert shown.size == (1280, 852)
    for colour in ("#0072b2", *set_plan.SHOT_COLOURS[:2], "#e8e4da"):  # the performer, both shots, the props
        assert _count(shown.crop((20, 48, 860, 828)), colour) > 20, colour


def _count(image: Image.Image, colour: str) -> int:
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(np.asarray(image).astype(int) - rgb).max(-1) <= 2).sum())


def far_away(film, metres: float) -> tuple[Performance, ...]:
    """Kim, and somebody far off along +X."""
    kim = film.performances[0]
    other = replace(kim.clip, root_position=kim.clip.root_position + [metres, 0, 0])
    return kim, Performance("lou", other, kim.character)


@pytest.mark.parametrize("metres", [3.0, 1000.0, 1e6])
def test_somebody_far_away_is_said_and_the_rest_stays_large(film, tmp_path: Path, metres: float) -> None:
    cast = far_away(film, metres)
    shots = shots_of(film.camera, film.shots)
    made = set_plan._Plan("far", cast, film.stage, film.camera, shots)
    x0, x1, _, _ = made.region
    assert x1 - x0 < 30
    said = [s for s in made.outside if s.startswith("lou is outside the plan")]
    assert bool(said) is (metres > 100)
    assert not said or "m towards +X" in said[0]
    set_plan.draw(tmp_path / "far.png", "far", cast, film.stage, film.camera, shots)
    shown = Image.open(tmp_path / "far.png").convert("RGB").crop((20, 48, 860, 828))
    assert _count(shown, "#0072b2") > 20 and _count(shown, "#d55e00") > 20, "lou, or the arrow towards lou"


def test_odd_sets_and_cameras_are_drawn(film, tmp_path: Path) -> None:
    """Thin and huge props, a camera straight above, one frame, forty shots, nobody, a lens of 1 mm."""
    flat = Prop("paper", "box", (1.0, 1.0, 0.001))
    wall = Prop("wall", "box", (500.0, 3.0, 0.2), np.array([0.0, 0.0, -200.0]))
    stage = Stage(props=(flat, wall))
    above = CameraPath(look_at([[0.0, 9.0, 0.0]], [0.0, 0.0, 0.0]), 1.0, Fraction(24))
    ask = Shot(0.0, 9.0, ("kim",))
    set_plan.draw(tmp_path / "a.png", "x" * 300, (), stage, above, shots_of(above, [ask]))
    many = path_of(40, cuts=np.ones(40, bool), fps=24)
    made = shots_of(many, [ask])
    assert [s.number for s in made] == list(range(1, 41))
    set_plan.draw(tmp_path / "b.png", "many", film.performances, stage, many, made)
    assert Image.open(tmp_path / "b.png").size[1] > 852, "the legend holds all forty"


def test_storyboard_of_a_scene(scene: Path, tmp_path: Path) -> None:
    done = run("camera", "storyboard", scene, tmp_path / "board.png", "-q")
    assert (done.exit_code, done.output) == (0, ""), done.output
    shown = Image.open(tmp_path / "board.png")
    pictures = np.asarray(shown.convert("RGB").crop((24, 56, 324, 224)))
    assert pictures.std() > 5, "a real picture"


def test_what_a_storyboard_shows_of_a_shot(film) -> None:
    still, push = shots_of(film.camera, film.shots)
    assert storyboard.frames_of(film.camera, still) == (5,)
    going = replace(film.camera, T_world_camera=film.camera.T_world_camera.copy())
    going.T_world_camera[12:, 0, 3] += np.arange(12)
    assert storyboard.frames_of(going, push) == (12, 17, 23)
    zoom = replace(film.camera, focal_mm=np.linspace(35, 70, 24))
    first, _ = shots_of(zoom, film.shots)
    assert len(storyboard.frames_of(zoom, first)) == 3
    assert storyboard.count(film) == sum(len(storyboard.frames_of(film.camera, s)) for s in (still, push))


def test_reasons_stand_below_the_pictures(film, tmp_path: Path) -> None:
    words = "the face is seen 98 % of the time " * 8
    storyboard.draw(film, tmp_path / "a.png", reasons={0: (words, "second: a wide shot")})
    storyboard.draw(film, tmp_path / "b.png")
    tall, low = (Image.open(tmp_path / f"{n}.png").size[1] for n in "ab")
    assert tall >= low + 4 * 15, "long reasons make room for themselves"


def test_words_stay_in_their_box() -> None:
    pen = ImageDraw.Draw(picture(10, 10))
    from cinemotion.axes import font

    for text in ("a word after a word after a word", "w" * 200, "", "x " + "y" * 90 + " z"):
        lines = wrapped(pen, text, 11, 120.0)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(pen.textlength(line, font=font(11)) <= 120 * OVER for line in lines)


def test_letters_that_the_font_lacks_become_their_nearest() -> None:
    assert letters("Zoë − the café, 3 × 4 – now") == "Zoe - the cafe, 3 x 4 - now"
    assert letters("plain") == "plain"


def test_labels_do_not_cover_each_other() -> None:
    image = picture(300, 300)
    notes = Notes(ImageDraw.Draw(image), (0, 0, 300, 300))
    for k in range(20):
        notes.put(str(k), 150, 150, "#000000", badge=True)
    boxes = notes._taken
    for i, a in enumerate(boxes):
        assert 0 <= a[0] and a[2] <= 300 and 0 <= a[1] and a[3] <= 300
        for b in boxes[:i]:
            assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])
