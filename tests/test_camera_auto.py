"""Films that choose their own shots: whole, in grammar, true to what is filmed, and with reasons."""

from __future__ import annotations

import functools
import math
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from camera_people import Bones, stander, walker

import rl_camera
from motion import rotations as rot
from motion.camera import Shot
from motion.clip import Clip
from motion.errors import BadInput, MissingExtra
from motion.stage import Performance, Prop, Stage
from rl_camera import cut_terms, editing, framing, shot_terms
from rl_camera.auto import AutoPlan, plan_film
from rl_camera.director import Director, find_director
from rl_camera.editing import EditingWeights, Rhythm, Style
from rl_camera.variations import DpDirector, vary

WIDE, FPS = 16 / 9, 24


def pair(seconds: float = 12.0) -> list[Performance]:
    """Two who face each other, one of them moving about."""
    return [
        stander("mia", at=(-0.8, 0.0), heading=np.pi / 2, seconds=seconds),
        walker("sam", at=(0.9, 0.0), heading=-np.pi / 2, speed=0.05, seconds=seconds),
    ]


def plan(people: list[Performance], end_s: float = 12.0, **more: object) -> AutoPlan:
    return plan_film(people, Stage(), 0.0, end_s, FPS, WIDE, **more)  # type: ignore[arg-type]


@functools.lru_cache(maxsize=4)
def usual(style: str = "plain") -> AutoPlan:
    return plan(pair(), style=style)


def test_shots_fill_the_time_and_the_rule_director_films_them() -> None:
    film = usual()
    assert film.shots[0].start_s == 0.0 and film.shots[-1].end_s == 12.0
    assert [s.end_s for s in film.shots[:-1]] == [s.start_s for s in film.shots[1:]]
    assert all(s.director == "rule" for s in film.shots) and len(film.reasons) == len(film.shots) > 1
    path = rl_camera.direct(pair(), Stage(), film.shots, FPS, WIDE)
    assert path.frames == 12 * FPS
    assert np.flatnonzero(path.cuts).tolist() == [round(s.start_s * FPS) for s in film.shots]  # cuts lie on frames


def test_what_is_filmed_is_what_was_judged() -> None:
    people = pair()
    film = usual()
    path = rl_camera.direct(people, Stage(), film.shots, FPS, WIDE)
    tracks = framing.track(people, np.arange(path.frames) / FPS)
    points = shot_terms.points_of(tracks.points)
    velocity = np.gradient(points, 1 / FPS, axis=0)
    for shot, reason in zip(film.shots, film.reasons, strict=True):
        here = slice(round(shot.start_s * FPS), round(shot.end_s * FPS))
        sight = shot_terms.see(
            points[here], tracks.stature, path.T_world_camera[here, None], path.focal_mm[here, None], WIDE
        )
        of = [[n in (shot.of[:1] if shot.view == "over_the_shoulder" else shot.of) for n in tracks.names]]
        who, what = shot_terms.activity(velocity[here], tracks.stature)
        got = {"face": shot_terms.face(sight, of), "action": shot_terms.action(sight, who, what),
               "seen": shot_terms.seen(sight, of, [shot_terms.keeps_of(shot.size)])}  # fmt: skip
        for name, values in got.items():
            assert values.mean() == pytest.approx(reason.chosen.terms[name], abs=0.06), name


def test_cuts_keep_the_grammar() -> None:
    people = pair()
    film = usual("lively")
    assert len(film.shots) >= 4
    for reason in film.reasons:
        for name in ("jump", "line", "motion"):
            assert reason.chosen.terms.get(name, 0.0) < 0.3, (name, reason.lines())
    path = rl_camera.direct(people, Stage(), film.shots, FPS, WIDE)
    points = shot_terms.points_of(framing.track(people, np.arange(path.frames) / FPS).points)
    side = cut_terms.sides(points, path.T_world_camera[:, None])[:, 0, 0]
    plain = np.sign(side[np.abs(side) > 0.25])
    assert (plain == plain[0]).all()  # all cameras look from one side of the two


def test_the_camera_goes_where_something_happens() -> None:
    people = [stander("mia", at=(-3.0, 0.0), seconds=12), walker("sam", at=(3.0, -4.0), speed=1.2, seconds=12)]
    film = plan(people)
    shown = {name: sum(s.end_s - s.start_s for s in film.shots if name in s.of) for name in ("mia", "sam")}
    assert shown["sam"] > shown["mia"]


def test_a_film_opens_on_everybody() -> None:
    assert set(usual().shots[0].of) == {"mia", "sam"}


def test_styles_differ_in_their_rhythm() -> None:
    mean = {style: 12.0 / len(usual(style).shots) for style in ("calm", "plain", "lively")}
    assert mean["calm"] > mean["plain"] > mean["lively"]
    own = Style(Rhythm(3.0, 0.4, 2.0, 4.0))
    lengths = [s.end_s - s.start_s for s in plan(pair(), style=own).shots]
    assert min(lengths) >= 2.0 - 1e-6 and max(lengths) <= 4.0 + 0.1


def test_cuts_fall_on_beats() -> None:
    beats = np.arange(0.37, 12.0, 0.61)
    film = plan(pair(), style="music", beats_s=beats)
    cuts = np.array([s.start_s for s in film.shots[1:]])
    off = np.abs(cuts[:, None] - beats).min(1)
    assert len(cuts) >= 3 and off.max() <= 0.5 / FPS + 1e-6
    without = plan(pair(), style="music")
    assert np.abs(np.array([s.start_s for s in without.shots[1:]])[:, None] - beats).min(1).max() > 0.05


def test_reasons_are_read_and_add_up() -> None:
    film = usual()
    total = 0.0
    weights = film.style.weights
    for reason in film.reasons:
        lines = reason.lines()
        assert 1 <= len(lines) <= 3 and lines[0].startswith(reason.chosen.name) and "%" in lines[0]
        assert any(line.startswith("second: ") for line in lines)
        assert reason.second is not None and reason.margin is not None and reason.margin >= 0.0
        assert reason.chosen.value == film.value
        picture = sum(getattr(weights, n) * reason.chosen.terms[n] for n in editing.SHOT_TERMS)
        total += picture * reason.seconds - sum(reason.faults.values())
        total += weights.opening * reason.chosen.terms.get("opening", 0.0)
    assert total == pytest.approx(film.value, abs=0.02)
    assert len(film.lines()) >= len(film.reasons)


def test_the_edit_is_better_than_any_one_camera_and_than_fixed_turns() -> None:
    from rl_camera import auto, dp

    kept = {}
    table_of = auto._Table.of.__func__

    def keep(cls: type, *given: object) -> object:
        kept["table"] = table_of(cls, *given)
        return kept["table"]

    auto._Table.of = classmethod(keep)  # type: ignore[method-assign,assignment]
    try:
        film = plan(pair())
    finally:
        auto._Table.of = classmethod(table_of)  # type: ignore[method-assign,assignment]
    p = dp.problem(**kept["table"].problem())
    ticks, cameras = p.quality.shape
    for k in range(cameras):
        assert dp.value_of(p, [dp.Segment(0, ticks, k)]) < film.value
    step = 32
    turns = [dp.Segment(a, min(a + step, ticks), (a // step) % 5) for a in range(0, ticks, step)]
    assert dp.value_of(p, turns) < film.value


def test_the_same_again() -> None:
    assert plan(pair()).shots == usual().shots


def test_some_of_the_cast() -> None:
    people = [*pair(), stander("zoe", at=(0.0, 3.0), seconds=12)]
    film = plan(people, of=["mia", "zoe"])
    assert {n for s in film.shots for n in s.of} <= {"mia", "zoe"}


def test_what_stands_in_the_way_is_not_filmed_through() -> None:
    people = pair()
    wall = Prop("wall", "box", (6.0, 3.0, 0.2), np.array([0.0, 0.0, 1.6]))
    film = plan_film(people, Stage(props=(wall,)), 0.0, 12.0, FPS, WIDE)
    path = rl_camera.direct(people, Stage(props=(wall,)), film.shots, FPS, WIDE)
    eyes = framing.track(people, np.arange(path.frames) / FPS).of("eyes")
    through = (path.T_world_camera[:, None, 2, 3] - 1.6) * (eyes[..., 2] - 1.6) < 0
    assert through.all(1).mean() < 0.05
    assert min(r.chosen.terms["seen"] for r in film.reasons) > 0.85


@pytest.mark.parametrize("end_s", [1 / 24, 0.3, 2.0])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_short_films_and_small_and_large_casts(end_s: float, count: int) -> None:
    people = [stander(f"p{k}", at=(0.9 * k, 0.3 * k), heading=k) for k in range(count)]
    film = plan(people, end_s)
    assert film.shots[-1].end_s == end_s and np.isfinite(film.value)
    assert rl_camera.direct(people, Stage(), film.shots, FPS, WIDE).frames == math.ceil(end_s * FPS - 1e-6)


@pytest.mark.parametrize(
    "hero",
    [
        stander(at=(8000.0, -9000.0)),
        walker(speed=60.0),
        walker(scale=0.05),
        walker(scale=30.0),
        stander(seconds=1 / 30),
    ],
    ids=["kilometres away", "very fast", "tiny", "giant", "one frame"],
)
def test_odd_performers(hero: Performance) -> None:
    point = Performance(
        "dot", Clip(np.tile(rot.IDENTITY, (3, 24, 1)), np.tile((0, 1.0, 0), (3, 1)), np.zeros((24, 3)), FPS), Bones()
    )
    for people in ([hero], [hero, stander("b")], [hero, point], [point]):
        film = plan(people, 3.0)
        path = rl_camera.direct(people, Stage(), film.shots, FPS, WIDE)
        assert np.isfinite(film.value) and np.isfinite(path.T_world_camera).all()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"end_s": 0.0}, "from 0 s to 0 s"),
        ({"end_s": float("nan")}, "from 0 s to nan s"),
        ({"of": ["mai"]}, "unknown actor 'mai'; did you mean 'mia'"),
        ({"style": "clam"}, "unknown editing style 'clam'; did you mean 'calm'"),
        ({"beats_s": [1.0, float("nan")]}, "a beat's time is not a number"),
    ],
)
def test_what_makes_no_sense_is_refused(more: dict, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        plan(pair(), **more)
    assert "\n" not in str(error.value)


def test_other_bad_calls() -> None:
    with pytest.raises(BadInput, match="nobody"):
        plan([])
    with pytest.raises(BadInput, match="times as wide as high"):
        plan_film(pair(), Stage(), 0.0, 1.0, FPS, 0.0)
    with pytest.raises(BadInput, match="frames per second"):
        plan_film(pair(), Stage(), 0.0, 1.0, 0, WIDE)
    clip = stander().clip
    broken = Clip(clip.rotations, clip.root_position, clip.rest_offsets * np.nan, clip.fps)
    with pytest.raises(BadInput, match="a pose of 'hero' is not finite"):
        plan([Performance("hero", broken, Bones())])


# director dp -------------------------------------------------------------------------------------------------------


def given(**more: object) -> list[Shot]:
    of = [("mia", "sam"), ("sam",), ("mia",)]
    sizes = ["wide", "medium", "medium_close_up"]
    return [
        Shot(3.0 * k, 3.0 * k + 3.0, of[k], sizes[k], director="dp", lens_mm=40.0, **more)  # type: ignore[arg-type]
        for k in range(3)
    ]


def test_the_dp_director_is_one_and_films_the_given_shots() -> None:
    director = find_director("dp")
    assert isinstance(director, DpDirector) and isinstance(director, Director)
    told: dict[int, tuple[str, ...]] = {}
    path = rl_camera.direct(pair(), Stage(), given(), FPS, WIDE, on_reason=told.__setitem__)
    assert sorted(told) == [0, 1, 2] and all(any("second: " in line for line in lines) for lines in told.values())
    assert path.frames == 9 * FPS and np.flatnonzero(path.cuts).tolist() == [0, 72, 144]


def test_varied_shots_are_worth_more_than_those_that_were_asked() -> None:
    row = vary(pair(), Stage(), given(view="front_three_quarter_left"), FPS, WIDE)
    assert [(s.of, s.start_s, s.end_s) for s in row.shots] == [(s.of, s.start_s, s.end_s) for s in given()]
    assert all(r.second is not None and r.margin is not None and r.margin >= 0 for r in row.reasons)
    assert row.value > 0 and row.style.weights == EditingWeights()
    people = pair()
    path = rl_camera.direct(people, Stage(), [replace(s, director="rule") for s in row.shots], FPS, WIDE)
    points = shot_terms.points_of(framing.track(people, np.arange(path.frames) / FPS).points)
    side = np.sign(cut_terms.sides(points, path.T_world_camera[:, None])[[0, 100, 200], 0, 0])
    assert (side == side[0]).all()  # asked from the left of each, two would be filmed from both sides of their line


def test_moves_stay_as_they_are_asked() -> None:
    row = vary(pair(), Stage(), given(move="push_in"), FPS, WIDE)
    assert {s.move for s in row.shots} == {"push_in"}
    over = vary(pair(), Stage(), [replace(given()[1], view="over_the_shoulder")], FPS, WIDE)
    assert over.shots[0].view == "over_the_shoulder"


# beats -------------------------------------------------------------------------------------------------------------


def click(path: Path, seconds: float = 8.0, every: float = 0.5) -> Path:
    rate = 22_050
    sound = np.zeros(int(seconds * rate))
    tick = np.exp(-np.arange(2000) / 300) * np.sin(2 * np.pi * 880 * np.arange(2000) / rate)
    for at in np.arange(0.25, seconds - 0.2, every):
        sound[int(at * rate) : int(at * rate) + 2000] += tick
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 20_000).astype("<i2").tobytes())
    return path


@pytest.mark.slow
def test_beats_of_a_click_track(tmp_path: Path) -> None:
    pytest.importorskip("librosa")
    from rl_camera.beats import beats_of

    path = click(tmp_path / "click.wav")
    beats = beats_of(path)
    assert len(beats) > 8 and np.diff(beats).mean() == pytest.approx(0.5, abs=0.01)
    phase = (beats - 0.25 + 0.25) % 0.5 - 0.25
    assert np.abs(phase).max() < 0.05
    np.testing.assert_allclose(beats_of(path, film_s=3.0), beats + 3.0)
    with wave.open(str(tmp_path / "silent.wav"), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", ""))
        file.writeframes(bytes(44_100))
    (tmp_path / "words.wav").write_text("no sound")
    for name, says in (("silent.wav", "silent"), ("words.wav", "not a sound file"), ("none.wav", "no such sound file")):
        with pytest.raises(BadInput, match=says):
            beats_of(tmp_path / name)
    with pytest.raises(BadInput, match="at least half a second"):
        beats_of(path, start_s=7.9)


def test_without_librosa_the_line_that_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from rl_camera.beats import beats_of

    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cinemotion\[audio\]'"):
        beats_of(click(tmp_path / "click.wav", 1.0))
