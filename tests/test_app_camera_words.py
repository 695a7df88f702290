"""Shots of a scene by words, by a file of one's own, and chosen by the film: what comes out, and what bad input gets."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import json
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from camera_people import shot, walker

from cinemotion.film import Film
from cinemotion.resolve import load
from cinemotion.shot_list import reasons_of
from cinemotion.source import SceneError, read
from motion.stage import Stage
from render.interchange import camera as files
from rl_camera import direct

HEAD = """schema: 1
fps: 24
size: [64, 36]
cast:
  ada: {at: [0, 0]}
  ben: {at: [1.5, 1], facing: 200deg}
timeline:
  - {actor: ada, clip: "pybullet:humanoid3d_dance_a", loop: true, for: 4s}
  - {actor: ben, clip: "pybullet:humanoid3d_walk", loop: true, for: 4s, in_place: true}
"""


def scene(folder: Path, tail: str) -> Path:
    path = folder / "scene.yaml"
    path.write_text(HEAD + tail, encoding="utf-8")
    return path


def film(folder: Path, tail: str) -> Film:
    return load(read(scene(folder, tail)))[0]


def warnings(folder: Path, tail: str) -> list[str]:
    return [str(p) for p in load(read(scene(folder, tail)))[1].sorted]


def problems(folder: Path, tail: str) -> list[str]:
    with pytest.raises(SceneError) as error:
        film(folder, tail)
    return [str(p).partition("scene.yaml:")[2] for p in error.value.problems]


def shown(made: Film) -> list[tuple[object, object, str, str, tuple[str, ...]]]:
    rows = [row for row in made.table if row["what"] == "shot"]
    return [(r["first"], r["stop"], s.size, s.move, s.of) for r, s in zip(rows, made.shots, strict=True)]


def test_words_become_shots_that_share_the_time(tmp_path: Path) -> None:
    made = film(tmp_path, 'shots: [{at: 0s, words: "slow push-in on the dancer, low angle, then cut wide"}]\n')
    assert shown(made) == [(0, 48, "medium", "push_in", ("ada",)), (48, 96, "wide", "static", ("ada",))]
    assert made.shots[0].angle == "low" and made.shots[0].options == {"pace": 0.6}
    assert made.shots[1].lens_mm == 28.0 and made.shots[1].position == "auto"
    assert np.flatnonzero(made.camera.cuts).tolist() == [0, 48]
    assert [row["name"] for row in made.table if row["what"] == "shot"] == ["shots[0].0", "shots[0].1"]


def test_words_and_keys_say_the_same_film(tmp_path: Path) -> None:
    by_words = film(tmp_path, 'shots: [{at: 0s, words: "85 mm close-up of ben at f/2.8, pan 10 degrees left"}]\n')
    keys = "size: close_up, of: ben, lens: 85, f_stop: 2.8, move: pan_left, options: {amount: 10}"
    by_keys = film(tmp_path, f"shots: [{{at: 0s, {keys}}}]\n")
    np.testing.assert_array_equal(by_words.camera.T_world_camera, by_keys.camera.T_world_camera)
    assert by_words.shots == by_keys.shots


def test_keys_override_words(tmp_path: Path) -> None:
    text = 'words: "wide on ada, then push in", size: close_up, of: ben, f_stop: 4, options: {amount: 0.1}'
    made = film(tmp_path, f"shots: [{{at: 0s, {text}}}]\n")
    assert [s.size for s in made.shots] == ["close_up"] * 2 and [s.of for s in made.shots] == [("ben",)] * 2
    assert [s.f_stop for s in made.shots] == [4.0] * 2 and made.shots[1].options == {"amount": 0.1}
    assert made.shots[0].lens_mm == 85.0  # the close-up's, not the wide's


def test_words_between_shots_of_keys(tmp_path: Path) -> None:
    tail = """shots:
  - {at: 0s, size: wide, until: 1s}
  - {words: "medium of the walker for 0.5 s; closer; both", for: 2s}
  - {at: 3s, of: ada}
"""
    made = film(tmp_path, tail)
    assert shown(made) == [
        (0, 24, "wide", "static", ("ada", "ben")), (24, 36, "medium", "static", ("ben",)),
        (36, 54, "medium_close_up", "static", ("ben",)), (54, 72, "medium", "static", ("ada", "ben")),
        (72, 96, "medium", "static", ("ada",)),
    ]  # fmt: skip


def test_handheld_in_words_sways_by_the_seed(tmp_path: Path) -> None:
    one, two = (film(tmp_path, f'seed: {s}\nshots: [{{at: 0s, words: "handheld push in"}}]\n') for s in (1, 2))
    assert one.shots[0].options["seed"] == 1.0 and two.shots[0].options["seed"] == 2.0
    assert (one.camera.T_world_camera != two.camera.T_world_camera).any()


def test_a_director_for_the_whole_scene(tmp_path: Path) -> None:
    tail = (
        'director: static\nshots: [{at: 0s, until: 1s, move: push_in}, {director: rule, until: 2s}, {words: "wide"}]\n'
    )
    assert [s.director for s in film(tmp_path, tail).shots] == ["static", "rule", "static"]


@pytest.mark.parametrize(
    "tail", ["director: auto\n", "shots: {director: auto}\n", "shots: [{at: 0s, director: auto}]\n", 'shots: [{at: 0s, words: "let the film choose"}]\n']
)  # fmt: skip
def test_the_film_chooses_its_shots(tmp_path: Path, tail: str) -> None:
    made = film(tmp_path, tail)
    rows = [row for row in made.table if row["what"] == "shot"]
    assert rows[0]["first"] == 0 and rows[-1]["stop"] == made.frames == 96
    assert (
        [r["first"] for r in rows[1:]]
        == [r["stop"] for r in rows[:-1]]
        == np.flatnonzero(made.camera.cuts)[1:].tolist()
    )
    why = reasons_of(made)
    assert set(why) == set(range(len(rows))) and all(any("%" in line for line in lines) for lines in why.values())
    again = film(tmp_path, tail)
    assert again.shots == made.shots and again.camera.T_world_camera.tobytes() == made.camera.T_world_camera.tobytes()


def test_what_the_film_chooses_is_bounded_by_its_neighbours_and_its_cast(tmp_path: Path) -> None:
    tail = """shots:
  - {at: 0s, size: wide, until: 1s}
  - {director: auto, style: lively, of: ben, until: 3s}
  - {at: 3s, size: full}
"""
    made = film(tmp_path, tail)
    rows = [row for row in made.table if row["what"] == "shot"]
    middle = [k for k, r in enumerate(rows) if str(r["name"]).startswith("shots[1]")]
    assert rows[middle[0]]["first"] == 24 and rows[middle[-1]]["stop"] == 72
    assert {s.of for s in (made.shots[k] for k in middle)} == {("ben",)}
    assert {k for k, row in enumerate(rows) if "second: " in "".join(row["why"])} >= set(middle)


# a camera of one's own -----------------------------------------------------------------------------------------


def own(folder: Path, name: str, seconds: float = 1.0, **more: object) -> object:
    path = direct([walker()], Stage(), [shot(end_s=seconds, **more)], Fraction(24), 16 / 9)
    files.save(folder / name, path)
    return path


def test_a_camera_of_ones_own_films_its_shot_and_no_other(tmp_path: Path) -> None:
    path = own(tmp_path, "mine.csv", 2.0, move="truck_left", f_stop=2.0)
    tail = "  - {at: 0s, size: wide, until: 1s}\n  - {camera: mine.csv, until: 3s}\n  - {at: 3s, size: close_up, of: ada}\n"
    made = film(tmp_path, "shots:\n" + tail)
    np.testing.assert_allclose(made.camera.T_world_camera[24:72], path.T_world_camera, atol=1e-12)  # type: ignore[attr-defined]
    np.testing.assert_allclose(made.camera.focal_mm[24:72], path.focal_mm)  # type: ignore[attr-defined]
    assert made.camera.f_stop is not None and (made.camera.f_stop[24:72] == 2.0).all() and made.camera.f_stop[0] > 100
    assert np.flatnonzero(made.camera.cuts).tolist() == [0, 24, 72]
    alone = film(tmp_path, "shots:\n" + tail.replace("{camera: mine.csv, until: 3s}", "{size: medium, until: 3s}"))
    for frames in (slice(0, 24), slice(72, 96)):
        np.testing.assert_allclose(made.camera.T_world_camera[frames], alone.camera.T_world_camera[frames], atol=1e-9)
    assert ("camera", "mine.csv") in [(i.role, i.name) for i in made.inputs]


def test_a_whole_film_by_ones_own_camera_and_one_that_is_too_short(tmp_path: Path) -> None:
    own(tmp_path, "short.glb", 1.5)
    made = film(tmp_path, "shots: [{at: 0s, camera: short.glb}]\n")
    assert made.frames == 96 and np.ptp(made.camera.T_world_camera[36:], axis=0).max() < 1e-6
    (warning,) = warnings(tmp_path, "shots: [{at: 0s, camera: short.glb}]\n")
    assert "warning: shots[0].camera: short.glb: ends after 1.50 s of the shot's 4.00 s" in warning


# bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tail", "says"),
    [
        ('shots: [{at: 0s, words: "slow pusch-in on ada"}]', "10:25: shots[0].words: 'pusch' is not a word of camera work; did you mean 'push'"),
        ('shots: [{at: 0s, words: "push in on adda"}]', "10:25: shots[0].words: nobody is called 'adda'; did you mean 'ada'"),
        ('shots: [{at: 0s, words: "   "}]', "10:25: shots[0].words: nothing is said"),
        ("shots: [{at: 0s, words: 3}]", "10:25: shots[0].words: expected text, got 3"),
        ('shots: [{at: 0s, words: "tracks her"}]', "10:25: shots[0].words: who is 'her'? Say a name: ada, ben"),
        ('shots: [{at: 0s, words: "wide for 3 s, then close for 3 s"}]', "10:25: shots[0].words: the words say 6 s, and there are 4 s"),
        ('shots: [{at: 0s, for: 2f, words: "wide; close; wide; close"}]', "10:34: shots[0].words: the words say 4 shots, and there are 2 frames"),
        ('shots: [{at: 0s, director: auto, size: wide}]', "10:34: shots[0].size: `size` is for a shot of one's own"),
        ('shots: [{at: 0s, style: lively}]', "10:18: shots[0].style: `style` is for `director: auto`"),
        ('shots: [{at: 0s, director: auto, style: livley}]', "10:41: shots[0].style: unknown editing style 'livley'; did you mean 'lively'"),
        ('shots: {director: auto, of: [adda]}', "10:30: shots.of[0]: unknown actor 'adda'; did you mean 'ada'"),
        ('shots: {director: auto, styel: calm}', "10:25: shots.styel: unknown key 'styel'; did you mean 'style'"),
        ('shots: {director: rule}', "10:19: shots.director: expected 'auto', got 'rule'"),
        ('shots: {style: calm}', "10:8: shots.director: missing key 'director'"),
        ('shots: auto', "10:8: shots: expected a list of shots, or {director: auto}, got 'auto'"),
        ('director: auto\nshots: [{at: 0s}]', "10:11: director: with `director: auto` the film chooses all its shots itself"),
        ('director: rull', "10:11: director: unknown director 'rull'; did you mean 'rule'"),
        ('shots: [{at: 0s, camera: gone.usd}]', "10:26: shots[0].camera: no such file 'gone.usd'"),
        ('shots: [{at: 0s, camera: scene.yaml}]', "10:26: shots[0].camera: unknown camera format '.yaml'; known: .csv"),
        ('shots: [{at: 0s, camera: empty.csv}]', "10:26: shots[0].camera: "),
        ('shots: [{at: 0s, camera: mine.glb#other}]', "10:26: shots[0].camera: mine.glb: unknown camera 'other'"),
        ('shots: [{at: 0s, camera: mine.glb, lens: 50}]', "10:36: shots[0].lens: `lens` is for directors; with `camera`"),
        ('shots: [{at: 0s, camera: mine.glb, words: wide}]', "10:36: shots[0].words: `words` is for directors"),
    ],
)  # fmt: skip
def test_bad_shots_are_told_with_their_place(tmp_path: Path, tail: str, says: str) -> None:
    (tmp_path / "empty.csv").write_text("")
    if "mine.glb" in tail:
        own(tmp_path, "mine.glb")
    (line,) = problems(tmp_path, tail + "\n")
    assert line.startswith(says), line
    assert "\n" not in line


def test_harmless_words_and_beats_are_warned_of(tmp_path: Path) -> None:
    said = warnings(tmp_path, 'shots: [{at: 0s, words: "a nice wide shot, cut on the beat to ada please"}]\n')
    assert len(said) == 2 and "left out: nice, please" in said[0] + said[1] and "names no `music`" in said[0] + said[1]


def clicks(path: Path, beats_s: Sequence[float], seconds: float = 5.0) -> None:
    """A sound file that clicks at these times."""
    rate = 22_050
    sound = np.zeros(int(rate * seconds))
    for beat in beats_s:
        k = int(beat * rate)
        tick = 0.8 * np.sin(2 * np.pi * 1000 * np.arange(800) / rate) * np.exp(-np.arange(800) / 150)
        sound[k : k + len(tick)] += tick[: len(sound) - k]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 32767).astype("<i2").tobytes())


def test_cuts_fall_on_the_beats_of_music(tmp_path: Path) -> None:
    pytest.importorskip("librosa")
    beats = np.arange(0.3, 4.9, 0.5)
    clicks(tmp_path / "song.wav", beats)
    made = film(tmp_path, 'music: song.wav\nshots: [{at: 0s, words: "cut on the beat: wide; close; medium"}]\n')
    cuts = np.flatnonzero(made.camera.cuts)[1:] / 24
    assert len(cuts) == 2 and np.abs(cuts[:, None] - beats).min(1).max() < 0.08
    assert ("music", "song.wav") in [(i.role, i.name) for i in made.inputs]
    beats = np.arange(0.3, 8.9, 0.5)
    clicks(tmp_path / "song.wav", beats, seconds=9.0)
    path = scene(tmp_path, "music: song.wav\ndirector: auto\n")
    path.write_text(path.read_text(encoding="utf-8").replace("for: 4s", "for: 9s"), encoding="utf-8")
    chosen = load(read(path))[0]
    cuts = np.flatnonzero(chosen.camera.cuts)[1:] / 24
    assert len(cuts) and np.abs(cuts[:, None] - beats).min(1).max() < 0.08
    (tmp_path / "noise.wav").write_text("not a sound")
    (line,) = problems(tmp_path, "music: noise.wav\n")
    assert line.startswith("10:8: music: noise.wav: not a sound file")
    (line,) = problems(tmp_path, "music: gone.wav\n")
    assert line.startswith("10:8: music: no such file 'gone.wav'")


def test_the_schema_takes_what_the_docs_show() -> None:
    from cinemotion.scene import json_schema

    text = json.dumps(json_schema())
    for word in ("lively", "camera work in words", "the film chooses all its shots itself"):
        assert word in text
