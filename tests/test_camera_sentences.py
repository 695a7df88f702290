"""Camera work in words: a table of sentences and what they mean; every word of the vocabulary; odd input."""

from __future__ import annotations

import time
from typing import Any

import pytest

from motion.camera import Shot
from motion.errors import BadInput
from rl_camera import vocabulary, words
from rl_camera.words import parse
from rl_camera.words_people import doer
from rl_camera.words_phrases import forms

CAST = ("ada", "ben")
ROLES = {"ada": ["bride"]}
DEEDS = {"ada": ["dance"], "ben": ["walk"]}


def said(text: str, cast: tuple[str, ...] = CAST) -> list[dict[str, Any]]:
    """Each shot's fields that the sentence sets."""
    sentence = parse(
        text, cast, {n: r for n, r in ROLES.items() if n in cast}, {n: d for n, d in DEEDS.items() if n in cast}
    )
    return [{k: v for k, v in vars(shot).items() if v not in (None, (), {}, False)} for shot in sentence.shots]


A, B, AB = {"of": ("ada",)}, {"of": ("ben",)}, {"of": ("ada", "ben")}

TABLE: list[tuple[str, list[dict[str, Any]]]] = [
    (
        "slow push-in on the dancer, low angle, then cut wide",
        [{**A, "move": "push_in", "angle": "low", "options": {"pace": 0.6}}, {**A, "size": "wide", "cut": True}],
    ),
    # sizes, angles, views, positions
    ("MCU of Ada", [{**A, "size": "medium_close_up"}]),
    ("a very wide shot from above", [{"size": "extreme_wide", "angle": "high"}]),
    ("head to toe, eye-level, front view", [{"size": "full", "angle": "eye_level", "view": "front"}]),
    ("waist up, in profile, centred", [{"size": "medium", "view": "profile", "position": "centre"}]),
    ("portrait of the bride on the left third", [{**A, "size": "close_up", "position": "left_third"}]),
    ("bird’s-eye view of everyone", [{**AB, "angle": "overhead"}]),
    ("worm's eye", [{"angle": "worm"}]),
    ("dutch low angle", [{"angle": "low", "options": {"roll_deg": 12.0}}]),
    ("tilted 20 degrees", [{"angle": "dutch", "options": {"roll_deg": 20.0}}]),
    ("3/4 view of ada", [{**A, "view": "front_three_quarter"}]),
    ("ada from her left", [{**A, "view": "profile_left"}]),
    ("from 30 degrees left, medium shot of ben", [{**B, "size": "medium", "options": {"azimuth_deg": 30.0}}]),
    ("from 30° right", [{"options": {"azimuth_deg": -30.0}}]),
    ("from 20 degrees above", [{"options": {"elevation_deg": 20.0}}]),
    ("over ben's shoulder at ada", [{**AB, "view": "over_the_shoulder"}]),
    ("over the shoulder of Ada, medium", [{"of": ("ben", "ada"), "view": "over_the_shoulder", "size": "medium"}]),
    ("her face, ada", [{**A, "size": "close_up"}]),
    # lenses
    ("85 mm close-up of ada at f/2.8", [{**A, "size": "close_up", "lens_mm": 85.0, "f_stop": 2.8}]),
    ("eighty-five millimetre, f2", [{"lens_mm": 85.0, "f_stop": 2.0}]),
    ("long lens, shallow depth of field", [{"lens_mm": 135.0, "f_stop": 2.0}]),
    ("24mm, deep focus", [{"lens_mm": 24.0, "f_stop": 16.0}]),
    # moves
    ("we are pushing in on ada", [{**A, "move": "push_in"}]),
    ("the camera pulls back", [{"move": "pull_out"}]),
    ("pan slowly to the left", [{"move": "pan_left", "options": {"pace": 0.6}}]),
    ("pan 30 degrees to the left", [{"move": "pan_left", "options": {"amount": 30.0}}]),
    ("tilt up 15°", [{"move": "tilt_up", "options": {"amount": 15.0}}]),
    ("truck right 2 metres with the walker", [{**B, "move": "truck_right", "options": {"amount": 2.0}}]),
    ("tracking left", [{"move": "truck_left"}]),
    ("tracks with ben", [{**B, "move": "follow"}]),
    ("following ada from behind", [{**A, "move": "follow", "view": "back"}]),
    ("circling ada", [{**A, "move": "orbit"}]),
    ("arc around to the left", [{"move": "arc_left"}]),
    ("the camera circles around ada twice", [{**A, "move": "orbit", "options": {"amount": 720.0}}]),
    ("half circle around the two of them", [{**AB, "move": "orbit", "options": {"amount": 180.0}}]),
    ("orbit left", [{"move": "orbit", "options": {"amount": -360.0}}]),
    ("orbit at 20 degrees per second", [{"move": "orbit", "director": "orbit", "options": {"speed_deg": 20.0}}]),
    ("crane up over everyone", [{**AB, "move": "crane_up"}]),
    ("the camera sinks", [{"move": "crane_down"}]),
    ("pedestal down", [{"move": "pedestal_down"}]),
    ("zoom in 2x", [{"move": "zoom_in", "options": {"amount": 2.0}}]),
    ("crash zoom on ben", [{**B, "move": "zoom_in", "options": {"pace": 1.6}}]),
    ("zoom out while dollying in", [{"move": "dolly_zoom"}]),
    ("dolly zoom out", [{"move": "dolly_zoom", "options": {"amount": -0.45}}]),
    ("whip pan left to ben", [{**B, "move": "whip_pan_left"}]),
    ("whip pan away from ada", [{**A, "move": "whip_pan_right", "options": {"leave": 1.0}}]),
    ("handheld", [{"move": "handheld"}]),
    ("handheld push-in", [{"move": "push_in", "options": {"shake": 1.0}}]),
    ("push in by 40%", [{"move": "push_in", "options": {"amount": 0.4}}]),
    ("push in at a constant speed", [{"move": "push_in", "options": {"ease": 0.0}}]),
    ("very slow zoom in", [{"move": "zoom_in", "options": {"pace": 0.36}}]),
    ("static, on a tripod", [{"move": "static"}]),
    ("hold on ada for 4s", [{**A, "move": "static", "seconds": 4.0}]),
    ("from medium to close-up on ada", [{**A, "size": "medium", "move": "push_in", "options": {"amount": 0.6375}}]),
    ("push in to a close-up", [{"size": "medium", "move": "push_in", "options": {"amount": 0.6375}}]),
    # what is not to happen
    ("medium on ada, no zoom", [{**A, "size": "medium", "move": "static"}]),
    ("don't zoom, push in", [{"move": "push_in"}]),
    ("do not zoom; medium", [{"size": "medium", "move": "static"}]),
    ("don't pan", [{"move": "static", "director": "static"}]),
    ("wide, don't move the camera", [{"size": "wide", "move": "static", "director": "static"}]),
    # several shots
    (
        "wide on both for 2 s, then push in to a medium close-up of ada over 3 seconds, f/2",
        [
            {**AB, "size": "wide", "seconds": 2.0},
            {**A, "size": "wide", "move": "push_in", "seconds": 3.0, "f_stop": 2.0, "options": {"amount": 0.8137}},
        ],
    ),
    (
        "wide on everyone, after two seconds cut to a close-up of ben",
        [{**AB, "size": "wide", "seconds": 2.0}, {**B, "size": "close_up", "cut": True}],
    ),
    ("ada; ben; both", [A, B, AB]),
    ("ada, then the other, then her", [A, B, B]),
    ("Wide. Medium. Close.", [{"size": "wide"}, {"size": "medium"}, {"size": "close_up"}]),
    ("wide\nclose", [{"size": "wide"}, {"size": "close_up"}]),
    ("static, then closer, then closer", [{"move": "static"}, {"size": "medium_close_up"}, {"size": "close_up"}]),
    (
        "low medium on ada, 50 mm, then push in",
        [
            {**A, "angle": "low", "size": "medium", "lens_mm": 50.0},
            {**A, "angle": "low", "size": "medium", "lens_mm": 50.0, "move": "push_in"},
        ],
    ),
    ("push in on ada, cut to ben", [{**A, "move": "push_in"}, {**B, "cut": True}]),
    ("no cuts: wide, then push in", [{"size": "wide"}, {"size": "wide", "move": "push_in"}]),
    (
        "a medium of ada for half a second, then wide for a second and a half",
        [{**A, "size": "medium", "seconds": 0.5}, {**A, "size": "wide", "seconds": 1.5}],
    ),
    (
        "cut on the beat: wide, then close",
        [{"size": "wide", "cut": True, "beat": True}, {"size": "close_up", "beat": True}],
    ),
    # directors
    ("let the planner frame it", [{"director": "cem"}]),
    ("wide, by the rule director", [{"size": "wide", "director": "rule"}]),
    ("let the learned camera film it", [{"director": "policy"}]),
    # people
    ("ada walks, circling her", [{**A, "move": "orbit"}]),
    ("a full shot of the dancer as she dances", [{**A, "size": "full"}]),
    ("two-shot, whip pan", [{**AB, "move": "whip_pan_right"}]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shots"), TABLE, ids=[t[0][:60] for t in TABLE])
def test_sentences(text: str, shots: list[dict[str, Any]]) -> None:
    assert said(text) == shots


def test_the_table_is_long() -> None:
    assert len(TABLE) >= 60


WRONG = [
    ("", "nothing is said"),
    ("   ,,, ", "nothing is said"),
    ("12 34 56", "12 of what\\? Numbers need a unit"),
    ("pusch in on ada", "'pusch' is not a word of camera work; did you mean 'push'"),
    ("mediun shot", "'mediun' .* did you mean 'medium'"),
    ("close-up of adda", "nobody is called 'adda'; did you mean 'ada'"),
    ("close-up of the singer", "nobody is called 'singer'; known: .*ada"),
    ("langsame Kamerafahrt auf die Tänzerin", "'kamerafahrt' is not a word of camera work.*camera words are English"),
    ("推进舞者", "is not a word of camera work"),
    ("push in and pan left", "two of move: 'push in' and 'pan left'"),
    ("wide close-up", "two sizes: 'wide' and 'close up'"),
    ("low angle from above", "two of camera angle"),
    ("35mm 50mm", "two of lens: 35 mm and 50 mm"),
    ("push in 2 metres", "'push in' goes by a share of the distance \\(40 %\\), got 2 m"),
    ("wide 40%", "No move takes a number"),
    ("from 30 degrees", "from 30 degrees where"),
    ("1000 mm", "lens 1000 mm, expected 4 to 600"),
    ("f/0.1", "f-stop 0.1"),
    ("no close-up", "says what is not to be seen"),
    ("not ben", "says who is not to be seen"),
    ("medium shot left", "'left': say 'on the"),
    ("the hands of ada", "no shot size frames that part"),
    ("slow motion of ada", "play its clip at a lower `speed`"),
    ("ada's pov", "say 'over the shoulder'"),
    ("wide, dissolve to ben", "shots meet in cuts"),
    ("tracks her", "who is 'her'\\? Say a name: ada, ben"),
    ("a shot of nobody", "a shot of nobody"),
    ("after two seconds cut wide", "Say the first shot before it"),
    ("for 2 s, for 3 s", "said to last 2 s and 3 s"),
    ("wide for 0 seconds", "a shot of 0 s"),
    ("pull out from wide to close-up", "goes the other way"),
    ("then, then; then.", "no shot is described"),
    ("wide " * 10_000, "10,000 words, expected at most 1,000"),
]


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[w[0][:40] or "empty" for w in WRONG])
def test_what_is_not_understood_is_said(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        said(text)
    assert "\n" not in str(error.value) and len(str(error.value)) < 600


@pytest.mark.parametrize("text", [None, 3, ["wide"], b"wide"])
def test_what_is_no_text(text: object) -> None:
    with pytest.raises(BadInput, match="expected text"):
        parse(text)  # type: ignore[arg-type]


def test_harmless_words_are_told() -> None:
    assert parse("Please give me a nice cinematic wide shot").ignored == ("please", "nice", "cinematic")
    assert parse("wide shot of ada", ["ada"]).ignored == ()


def test_every_word_of_the_vocabulary_is_understood_in_a_sentence() -> None:
    ways = {
        "shot size": ("size", "a {} shot"), "camera angle": ("angle", "{} angle"), "view": ("view", "from {} side"),
        "position in the picture": ("position", "in the {} of the picture"), "camera move": ("move", "a {} shot"),
    }  # fmt: skip
    for kind, (name, way) in ways.items():
        for word, meant in vocabulary.spellings(kind):
            for text in {way.format(word.replace("_", " ")), way.format(word.replace("_", "-"))}:
                shot = parse(text).shots[0]
                assert getattr(shot, name) == meant, (text, shot)


@pytest.mark.parametrize(
    ("verb", "way", "move"),
    [("push", "in", "push_in"), ("dolly", "out", "pull_out"), ("pan", "left", "pan_left"),
     ("tilt", "down", "tilt_down"), ("truck", "right", "truck_right"), ("crane", "up", "crane_up"),
     ("circle", "around", "orbit"), ("zoom", "out", "zoom_out"), ("creep", "closer", "push_in"),
     ("fly", "back", "pull_out"), ("swing", "around", "orbit"), ("follow", "", "follow")],
)  # fmt: skip
def test_inflections(verb: str, way: str, move: str) -> None:
    for form in forms(verb):
        assert parse(f"the camera {form} {way}").shots[0].move == move, form


@pytest.mark.parametrize(
    ("verb", "name"),
    [("dance", "dancer"), ("run", "runner"), ("walk", "walker"), ("jump", "jumper"), ("box", "boxer"),
     ("carry", "carrier"), ("wave", "waver")],
)  # fmt: skip
def test_who_does_something_is_called_so(verb: str, name: str) -> None:
    assert doer(verb) == name


def test_two_who_do_the_same_must_be_named() -> None:
    deeds = {"ada": ["dance"], "ben": ["dance"]}
    with pytest.raises(BadInput, match="who is 'dancer': ada or ben"):
        parse("push in on the dancer", CAST, deeds=deeds)
    assert parse("wide on the dancers", CAST, deeds=deeds).shots[0].of == CAST


def test_names_that_are_words_too() -> None:
    cast = ("wide", "red_dancer", "Slow")
    assert parse("push in on wide", cast).shots[0].of == ("wide",)
    assert parse("wide on the red dancer's face", cast).shots[0] == words.Described(("red_dancer",), "wide")
    assert parse("slow push in on slow", cast).shots[0].of == ("Slow",)


def test_a_pronoun_is_who_was_filmed() -> None:
    assert parse("circling her", CAST, of=("ben",)).shots[0].of == ("ben",)
    assert parse("circling her", ("zoe",)).shots[0].of == ("zoe",)


# time ----------------------------------------------------------------------------------------------------------


def test_time_is_shared_evenly_or_as_is_said() -> None:
    assert words.timed(parse("wide; medium; close"), 1.0, 4.0) == [(1.0, 2.0), (2.0, 3.0), (3.0, 4.0)]
    spans = words.timed(parse("wide for 1 s; medium; close for 2 seconds; full"), 0.0, 6.0)
    assert spans == [(0.0, 1.0), (1.0, 2.5), (2.5, 4.5), (4.5, 6.0)]
    assert words.timed(parse("wide for 1 s; close for 1 s"), 0.0, 5.0) == [(0.0, 1.0), (1.0, 5.0)]
    with pytest.raises(BadInput, match="the words say 8 s, and there are 5 s"):
        words.timed(parse("wide for 4 s; close for 4 s"), 0.0, 5.0)
    with pytest.raises(BadInput, match="and more shots follow"):
        words.timed(parse("wide for 5 s; close"), 0.0, 5.0)


def test_shots_that_a_director_films() -> None:
    from camera_people import walker

    from motion.stage import Stage
    from rl_camera import direct

    shots = words.shots_of(
        "slow push-in on the walker, low angle, then cut wide", 0.0, 2.0, ["hero"], deeds={"hero": ["walk"]}
    )
    assert [(s.start_s, s.end_s, s.move, s.size, s.lens_mm) for s in shots] == [
        (0.0, 1.0, "push_in", "medium", 50.0), (1.0, 2.0, "static", "wide", 28.0)
    ]  # fmt: skip
    assert all(isinstance(s, Shot) for s in shots)
    path = direct([walker(seconds=2.0)], Stage(), shots, 30, 16 / 9)  # type: ignore[arg-type]
    assert path.frames == 60 and path.cuts.sum() == 2


def test_a_long_sentence_is_quick() -> None:
    text = "slow push-in on ada, low angle, 50 mm; cut to a wide shot of ben; " * 50
    begun = time.perf_counter()
    assert len(parse(text, CAST).shots) == 100
    assert time.perf_counter() - begun < 3.0
