"""Times, places and blends of a scene's entries, seen in the performances that come out."""

# ruff: noqa: E501  (tables read better in one line each)
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cinemotion.film import Film
from cinemotion.resolve import load
from cinemotion.source import read
from motion import edit

HEAD = "schema: 1\nfps: 24\nsize: [64, 36]\n"


def film_of(folder: Path, text: str) -> Film:
    path = folder / "scene.yaml"
    path.write_text(HEAD + text)
    return load(read(path))[0]


def rows(film: Film, what: str = "clip") -> list[tuple[float, float]]:
    return [(row["start_s"], row["end_s"]) for row in film.table if row["what"] == what]  # type: ignore[misc]


def one(folder: Path, entry: str, cast: str = "{at: [1, -2], facing: 90deg}") -> Film:
    return film_of(folder, f"cast: {{ada: {cast}}}\ntimeline:\n  - {{actor: ada, {entry}}}\n")


def test_actors_begin_where_and_as_the_cast_says(tmp_path: Path) -> None:
    (performance,) = one(tmp_path, 'clip: "pybullet:walk"').performances
    assert performance.clip.root_position[0, [0, 2]] == pytest.approx([1, -2], abs=1e-9)
    assert edit.heading(performance.clip)[0] == pytest.approx(np.pi / 2, abs=1e-9)
    travel = performance.clip.root_position[-1] - performance.clip.root_position[0]
    assert travel[0] > 1 and abs(travel[2]) < 0.2, "facing +X, a walk goes along +X"


@pytest.mark.parametrize(
    ("entry", "seconds"),
    [
        ('clip: "pybullet:jump"', 1.76), ('clip: "pybullet:jump", speed: 2', 0.88), ('clip: "pybullet:jump", in: 0.5s', 1.26),
        ('clip: "pybullet:jump", out: 1s', 1.0), ('clip: "pybullet:jump", in: 12f, out: 24f', 0.5),
        ('clip: "pybullet:walk", repeat: 3', 3.75), ('clip: "pybullet:walk", loop: true, for: 5s', 5.0),
        ('clip: "pybullet:jump", for: 1s', 1.0), ('clip: "pybullet:jump", for: 3s, hold: true', 3.0),
        ('clip: "pybullet:walk", loop: true, until: 4s', 4.0), ('clip: "pybullet:walk", repeat: 900, for: 2s', 2.0),
    ],
)  # fmt: skip
def test_durations(tmp_path: Path, entry: str, seconds: float) -> None:
    ((start, end),) = rows(one(tmp_path, entry))
    assert start == 0 and end == pytest.approx(seconds, abs=0.03)


def test_walking_to_a_place_ends_there(tmp_path: Path) -> None:
    (performance,) = one(tmp_path, 'clip: "pybullet:walk", loop: true, to: [4.5, 1.5]').performances
    assert performance.clip.root_position[-1, [0, 2]] == pytest.approx([4.5, 1.5], abs=0.04)


def test_mirrored_and_in_place(tmp_path: Path) -> None:
    still = one(tmp_path, 'clip: "pybullet:walk", in_place: true').performances[0].clip
    assert np.ptp(still.root_position[:, [0, 2]], axis=0).max() < 0.15
    plain = one(tmp_path, 'clip: "pybullet:kick"').performances[0].clip
    flipped = one(tmp_path, 'clip: "pybullet:kick", mirror: true').performances[0].clip
    turn = np.degrees(np.unwrap(edit.heading(plain)))[-1] - 90
    assert np.degrees(np.unwrap(edit.heading(flipped)))[-1] - 90 == pytest.approx(-turn, abs=3)


TWO = """\
cast: {ada: {}, ben: {at: [3, 0], facing: ada}}
timeline:
  - {actor: ada, clip: "pybullet:walk", id: walk, blend: 0.5s}
  - {actor: ada, clip: "pybullet:jump", id: jump}
  - {actor: ben, clip: "pybullet:kick", after: walk, id: kick}
  - {actor: ben, clip: "pybullet:punch", at: kick.end+0.5s, id: punch}
  - {actor: ada, clip: "pybullet:walk", with: punch, place: [0, 5], facing: 0, hold: true}
shots:
  - {of: ada, until: jump}
  - {of: ben, until: punch}
  - {of: ada, until: punch+1s}
"""


def test_references_and_chains(tmp_path: Path) -> None:
    film = film_of(tmp_path, TWO)
    starts = {row["name"]: row["start_s"] for row in film.table if row["what"] == "clip"}
    ends = {row["name"]: row["end_s"] for row in film.table if row["what"] == "clip"}
    frame = 1 / 24
    assert starts["ada (jump)"] == pytest.approx(ends["ada (walk)"] - 0.5, abs=frame), "its blend overlaps"
    assert starts["ben (kick)"] == pytest.approx(ends["ada (walk)"], abs=frame)
    assert starts["ben (punch)"] == pytest.approx(ends["ben (kick)"] + 0.5, abs=frame)
    assert starts["ada"] == starts["ben (punch)"]
    assert all(abs(s * 24 - round(s * 24)) < 1e-3 for s in starts.values()), "entries begin on frames"
    assert np.flatnonzero(film.camera.cuts).tolist() == [round(s * 24) for s, _ in rows(film, "shot")]


def test_transitions_are_smooth_and_jumps_hide_between_shutters(tmp_path: Path) -> None:
    film = film_of(tmp_path, TWO)
    ada = film.performances[0]
    rate = float(ada.clip.fps)
    assert rate % 24 == 0
    steps = np.linalg.norm(np.diff(ada.clip.positions(), axis=0), axis=-1).max(axis=1) * rate  # m/s, fastest joint
    jump = next(row["first"] for row in film.table if row["name"] == "ada")
    at = int(np.argmax(steps))
    assert steps[at] > 50, "one step is a jump to another place"
    # With a shutter open for half the frame, frames look from -1/4 to +1/4 around themselves.
    offset = (at + 1) / rate * 24 - jump
    assert -0.75 <= offset - 1 / (rate / 24) and offset <= -0.25 + 1e-9
    others = np.delete(steps, at)
    assert others.max() < 12, f"a limb moves at {others.max():.1f} m/s"


def test_props_are_let_go_at_a_reference(tmp_path: Path) -> None:
    text = "stage: {props: [{name: ball, shape: ball, held: [{by: ada, from: 0.2s, to: jump}]}, {shape: crate, size: 0.4}]}\n"
    film = film_of(tmp_path, text + TWO)
    ball, crate = film.stage.props
    start = next(row["start_s"] for row in film.table if row["name"] == "ada (jump)")
    assert ball.attachments[0].end_s == pytest.approx(start, abs=1e-3)
    assert crate.size == (0.4, 0.4, 0.4) and crate.name == "crate_2"


def test_resolving_twice_gives_the_same(tmp_path: Path) -> None:
    a, b = film_of(tmp_path, TWO), film_of(tmp_path, TWO)
    assert a.table == b.table
    for p, q in zip(a.performances, b.performances, strict=True):
        assert p.clip.rotations.tobytes() == q.clip.rotations.tobytes()
    assert a.camera.T_world_camera.tobytes() == b.camera.T_world_camera.tobytes()


def test_a_scene_needs_no_shots(tmp_path: Path) -> None:
    film = one(tmp_path, 'clip: "pybullet:walk"')
    assert film.frames == 30 and film.shots[0].size == "full" and film.shots[0].of == ("ada",)
