"""Actions in words in a scene: when, where to, seams, seeds, cache, provenance; acted by a prior that knows nothing."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_prior

from cinemotion import acting_prior
from cinemotion.film import Changes, Clock, Film
from cinemotion.resolve import load, resolve
from cinemotion.source import SceneError, read
from cinemotion.structure import Report
from motion import edit
from motion.prior import weights

pytest.importorskip("torch")

HEAD = "schema: 1\nfps: 24\nsize: [64, 36]\nmodel: tiny.safetensors\n"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_prior.write(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def home(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the weights beside the scene, and a cache of its own."""
    (tmp_path / "tiny.safetensors").write_bytes(file.read_bytes())
    monkeypatch.setenv("CINEMOTION_CACHE", str(tmp_path / "cache"))
    return tmp_path


def source_of(folder: Path, text: str):
    path = folder / "scene.yaml"
    path.write_text(HEAD + text)
    return read(path)


def film_of(folder: Path, text: str, changes: Changes | None = None) -> Film:
    return load(source_of(folder, text), changes)[0]


def sketch_of(folder: Path, text: str) -> tuple[Film | None, list[str]]:
    report = Report(source_of(folder, text))
    film = resolve(report.source, report, Changes(), Clock(), sketch=True)
    return film, [str(p).split("scene.yaml:", 1)[1] for p in report.sorted]


def rows(film: Film) -> list[tuple[float, float]]:
    return [(row["start_s"], row["end_s"]) for row in film.table if row["what"] in ("do", "clip")]  # type: ignore[misc]


TWO = """\
cast:
  ada: {at: [-2, 0], facing: 90deg, style: happy}
  ben: {at: [2, 0], facing: ada, body: {height: 1.5}}
timeline:
  - {actor: ada, do: walks forward, to: [0, 0], id: walk}
  - {actor: ada, do: waves, for: 2s, id: wave}
  - {actor: ada, clip: "pybullet:walk", id: go}
  - {actor: ada, do: stops, for: 1.5s, facing: ben}
  - {actor: ada, do: walks}
  - {actor: ada, do: walks, to: [-2, 5]}
  - {actor: ben, do: waves, after: walk+0.5s, for: 2s}
  - {actor: ben, do: walks, to: [3, 2], until: 5s, hold: true}
"""


def test_what_is_checked_lasts_as_long_as_what_is_made(home: Path) -> None:
    sketch, told = sketch_of(home, TWO)
    film = film_of(home, TWO)
    assert told == [] and sketch is not None
    assert rows(sketch) == rows(film) and sketch.frames == film.frames
    ada, ben = film.performances
    assert [s.clip.frames for s in sketch.performances] == [ada.clip.frames, ben.clip.frames]
    assert ben.clip.rest_offsets[0, 1] < 0.9 * ada.clip.rest_offsets[0, 1], "each on their own body"


def test_a_check_needs_neither_torch_nor_weights_to_be_read(home: Path) -> None:
    source_of(home, TWO)
    code = f"""
import sys
from cinemotion.film import Changes, Clock
from cinemotion.resolve import resolve
from cinemotion.source import read
from cinemotion.structure import Report
report = Report(read({str(home / "scene.yaml")!r}))
assert resolve(report.source, report, Changes(), Clock(), sketch=True) and not report.problems
sys.exit('torch' in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_actors_begin_where_they_stand_and_never_jump(home: Path) -> None:
    film = film_of(home, TWO)
    for performance in film.performances:
        clip = performance.clip
        step = np.linalg.norm(np.diff(clip.root_position, axis=0), axis=1) * float(clip.fps)
        assert step.max() < 12, "an untrained prior trembles, it does not leap"
    ada = film.performances[0].clip
    assert ada.root_position[0, [0, 2]] == pytest.approx([-2, 0], abs=0.05)


def test_seams_show_both_motions_once(home: Path) -> None:
    """Where an action goes on from a clip, the clip is as it was captured up to the cross-fade."""
    text = 'cast: {ada: {}}\ntimeline:\n  - {actor: ada, clip: "pybullet:walk"}\n'
    alone = film_of(home, text).performances[0].clip
    more = film_of(home, text + "  - {actor: ada, do: waves, for: 2s}\n").performances[0].clip
    assert more.fps == alone.fps
    kept = round((1.25 - 0.25) * float(alone.fps)) - 1
    np.testing.assert_allclose(more.rotations[:kept], alone.rotations[:kept], atol=1e-12)
    # In the cross-fade the action repeats the clip's end, carried to the models' body and back.
    end = alone.frames - 3
    assert np.abs(more.positions()[end] - alone.positions()[end]).max() < 0.12


def test_seeds_words_and_places_of_entries(home: Path) -> None:
    def last(text: str, seed: int | None = None) -> np.ndarray:
        film = film_of(home, f"cast: {{ada: {{}}}}\ntimeline:\n{text}", Changes(seed=seed))
        return film.performances[0].clip.rotations[-1]

    one = last("  - {actor: ada, do: waves, for: 1s}\n")
    assert (last("  - {actor: ada, do: waves, for: 1s}\n") == one).all()
    assert (last("  - {actor: ada, do: waves, for: 1s, seed: 1}\n") != one).any()
    assert (last("  - {actor: ada, do: waves, for: 1s}\n", seed=9) != one).any()
    assert (last("  - {actor: ada, do: waves, for: 1s, style: tired}\n") != one).any()
    # What comes later does not change what was.
    film = film_of(
        home, "cast: {ada: {}}\ntimeline:\n  - {actor: ada, do: waves, for: 1s}\n  - {actor: ada, do: jumps}\n"
    )
    first = film.performances[0].clip
    assert (
        first.rotations[: round(0.7 * float(first.fps))]
        == film_of(home, "cast: {ada: {}}\ntimeline:\n  - {actor: ada, do: waves, for: 1s}\n")
        .performances[0]
        .clip.rotations[: round(0.7 * float(first.fps))]
    ).all()


def test_nothing_is_sampled_twice(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = film_of(home, TWO)
    kept = sorted((home / "cache" / "performances").iterdir())
    assert len(kept) == 7
    kept[0].write_bytes(b"torn")
    made = []
    real = acting_prior.Played._make
    monkeypatch.setattr(acting_prior.Played, "_make", lambda self, part: made.append(part) or real(self, part))
    second = film_of(home, TWO)
    assert len(made) == 1, "only the torn one is made again"
    for a, b in zip(first.performances, second.performances, strict=True):
        assert (a.clip.rotations == b.clip.rotations).all() and (a.clip.root_position == b.clip.root_position).all()


def test_a_cache_that_cannot_be_written_costs_time_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("CINEMOTION_CACHE", str(home / "file"))
    assert film_of(home, "cast: {ada: {}}\ntimeline:\n  - {actor: ada, do: waves, for: 1s}\n").frames == 24


def test_someone_whose_turn_comes_later_stands_and_waits(home: Path) -> None:
    film = film_of(home, "cast: {ada: {at: [1, 1]}}\ntimeline:\n  - {actor: ada, do: waves, at: 2s, for: 1s}\n")
    (performance,) = film.performances
    assert performance.start_s == 0 and performance.clip.seconds >= 3
    assert rows(film) == [(2.0, 3.0)]
    gap = film_of(
        home,
        "cast: {ada: {}}\ntimeline:\n  - {actor: ada, do: waves, for: 1s}\n  - {actor: ada, do: waves, at: 3s, for: 1s}\n",
    )
    clip = gap.performances[0].clip
    moving = np.abs(np.diff(clip.rotations[round(1.2 * float(clip.fps)) : round(2.8 * float(clip.fps))], axis=0)).max()
    assert moving > 0, "nobody freezes between two actions"


def test_walking_somewhere_is_laid_into_the_request(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motion.prior import compose

    asked = []
    real = compose.compose
    monkeypatch.setattr(compose, "compose", lambda *a, **k: asked.append(a) or real(*a, **k))
    text = "cast: {ada: {at: [1, 1], body: {height: 1.5}}}\ntimeline:\n  - {actor: ada, do: walks, to: [4, 1]}\n  - {actor: ada, do: walks backward, to: [4, -1], facing: 0}\n"
    film = film_of(home, text)
    clip = film.performances[0].clip
    assert clip.root_position[-1, [0, 2]] == pytest.approx([4, -1], abs=0.03), "whatever the prior does, one arrives"
    (_, _, first, _), (_, segments, second, _) = asked
    scale = film.performances[0].clip.rest_offsets[0, 1] / tiny_prior.corpus().rest_offsets[0, 1]
    assert first.path_on.all() and first.path[0] == pytest.approx([0, 0], abs=1e-6)
    assert first.path[-1] == pytest.approx([3 / scale, 0], rel=0.05)
    assert first.heading[0] == pytest.approx(np.pi / 2), "facing where one goes"
    speed = np.linalg.norm(np.diff(first.path, axis=0), axis=1) * 30
    assert speed[0] < 0.5 and 1 < speed[-1] <= speed.max() < 2.5, "one gathers speed, and keeps it to go on"
    assert np.linalg.norm(second.path[-1] - second.path[-2]) * 30 < 0.5, "and loses it at the end"
    there = second.path[-1] - second.path[np.flatnonzero(second.path_on)[0]]
    assert abs(there[0]) < 0.25 and there[1] < -1.5
    assert second.heading[-1] == 0 and segments[0].label.direction == "backward"


def test_physics_mends_who_is_asked_and_says_what_it_did(home: Path) -> None:
    text = """\
physics: {feet: auto}
cast: {ada: {at: [1, 1]}, ben: {at: [3, 1], physics: {feet: never}}}
timeline:
  - {actor: ada, clip: "pybullet:jump"}
  - {actor: ben, clip: "pybullet:jump", at: 0s}
"""
    film = film_of(home, text)
    plain = film_of(home, text.replace("physics: {feet: auto}\n", ""))
    ada, ben = (p.clip for p in film.performances)
    assert np.array_equal(ben.rotations, plain.performances[1].clip.rotations)
    assert not np.array_equal(ada.rotations, plain.performances[0].clip.rotations)
    assert film.frames == plain.frames and len(plain.mended) == 1
    assert [line.split(":")[0] for line in film.mended] == ["ada", "ben"] and "less in all" in film.mended[0]
    assert sketch_of(home, text)[0].mended == ()  # type: ignore[union-attr]


def test_who_shall_face_elsewhere_turns_on_the_spot_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motion.prior import compose

    asked = []
    real = compose.compose
    monkeypatch.setattr(compose, "compose", lambda *a, **k: asked.append(a) or real(*a, **k))
    text = """\
cast: {ada: {at: [1, 1], facing: 90deg}}
timeline:
  - {actor: ada, clip: "pybullet:walk", facing: 90deg}
  - {actor: ada, do: waves, for: 3s, facing: 0}
  - {actor: ada, do: turns around, for: 3s, facing: 170deg}
"""
    film_of(home, text)
    (_, first, c, _), (_, second, *_) = asked
    assert [s.label.verb for s in first] == ["turn", "wave"] and first[0].label.direction == "turn right"
    on = np.flatnonzero(c.heading_on)
    assert c.heading[on[0]] == pytest.approx(np.pi / 2, abs=0.3) and c.heading[on[-1]] == pytest.approx(0, abs=1e-6)
    turning = on[1:][np.abs(np.diff(c.heading[on])) > 1e-6]
    assert first[0].start <= turning[0] and turning[-1] <= first[0].stop and np.abs(np.diff(c.heading[on])).max() < 0.2
    way = np.linalg.norm(np.diff(c.path[c.path_on], axis=0), axis=1) * 30
    assert 0.3 < way[0] < 1.5 and (np.diff(way) < 0).all() and way[-1] < 0.01, "who walked comes to a stand"
    assert [s.label.verb for s in second] == ["turn"], "an action that turns does so by itself"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("do: waves, to: [3, 0]", "9:33: timeline[0].to: 'waves' goes nowhere, and the way is 3.00 m"),
        ("do: walks, to: [0, 0.1]", "timeline[0].to: is 0.10 m away: the performer is there already"),
        ("do: walks, to: [900, 0]", "s, expected at most 600 s in one clip"),
        ("do: runs, to: [60, 0], for: 2s", "expected at most 8 m/s; give it more time with `for`"),
        ("do: waves, at: 4h", "expected a time"),
        ("do: waves, at: 11000s", "begins at 11000 s; a film lasts at most"),
        ("do: waves for 20 minutes", "expected at most 600 s in one clip"),
        ("do: waves, for: 700s", "expected at most 600 s in one clip"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_where_it_stands(home: Path, entry: str, words: str) -> None:
    text = f"cast:\n  ada: {{}}\n\ntimeline:\n  - {{actor: ada, {entry}}}\n"
    with pytest.raises(SceneError) as caught:
        film_of(home, text)
    assert any(words in str(problem) for problem in caught.value.problems), caught.value.problems


def test_weights_that_are_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "shipped_folder", lambda: home / "none")
    monkeypatch.setenv("CINEMOTION_WEIGHTS", str(home / "none"))
    path = home / "scene.yaml"
    path.write_text("schema: 1\ncast: {ada: {}}\ntimeline:\n  - {actor: ada, do: waves}\n")
    with pytest.raises(SceneError, match=r"4:22: timeline\[0\].do: no prior weights 'base' on this machine"):
        load(read(path))


def test_a_film_says_which_weights_acted_and_under_which_licence(home: Path) -> None:
    from cinemotion.pipeline import make_film
    from cinemotion.provenance import verify

    source_of(home, "cast: {ada: {}}\ntimeline:\n  - {actor: ada, do: waves, for: 1s}\n")
    made = make_film(home / "scene.yaml", home / "film.mp4", frames=(2, 5))
    document = verify(made.path)
    (model,) = document["models"]
    assert model["name"] == "base" and model["licence"] == "CC BY-NC 4.0" and len(model["sha256"]) == 64
    (spoken,) = [one for one in document["inputs"] if one["role"] == "words"]
    assert spoken["name"] == "ada: waves" and spoken["licence"] == "CC BY-NC 4.0" and "base prior 1" in spoken["model"]
    assert document["digitalSourceType"].endswith("compositeWithTrainedAlgorithmicMedia")
    assert document["made_by"]["versions"]["torch"] not in ("", "missing")
    assert json.dumps(document).count(str(home)) == 0
    again = make_film(home / "scene.yaml", home / "again.mp4", frames=(2, 5), workers=2)
    assert again.path.read_bytes() == made.path.read_bytes(), "workers draw the same bytes"
    assert edit.heading(made.film.performances[0].clip)[0] == pytest.approx(0, abs=1e-6)
