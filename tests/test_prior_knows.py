"""What weights know: counted in the corpus, told by the card, and nothing else is acted with confidence."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_prior
from prior_stand_in import StandIn
from typer.testing import CliRunner

from cinemotion.cli import app
from motion.corpus import ClipInfo, Corpus, Label, Window
from motion.errors import BadInput
from motion.prior import known, weights
from motion.prior.generate import generate
from motion.prior.retrieve import Index
from motion.prior.understand import suggest, understand
from motion.prior.weights import Card
from motion.text import STYLES, VERBS, nearest, plan
from motion.words.verbs import AKIN

CARD = Card("prior", "mine", "MIT", knows={"verb": ("stand", "walk", "bow", "wave"), "style": ("normal", "old")})


def knowing(card: Card = CARD) -> StandIn:
    """A stand-in that says what it knows."""
    model = StandIn()
    model.card = card  # type: ignore[attr-defined]
    return model


def windows(*rows: tuple[Label, int, int], **more: object) -> list[Window]:
    return [replace(Window(0, start, frames, "train", label), **more) for label, start, frames in rows]  # type: ignore[arg-type]


def corpus(*cut: Window, frames: int = 30_000) -> Corpus:
    rotations = np.broadcast_to(np.array([0.0, 0.0, 0.0, 1.0], np.float32), (frames, 24, 4))
    return Corpus(
        rotations, np.zeros((frames, 3), np.float32), np.zeros((frames, 4), bool), np.ones(frames, bool),
        np.array([0, frames]), np.ones((1, 24), bool), np.zeros((24, 3), np.float32),
        (ClipInfo("a", "a", "MIT", Label()),), cut,
    )  # fmt: skip


# ---- counting


def test_captured_time_counts_and_variants_of_it_do_not() -> None:
    once = windows((Label("sit", style="old"), 100, 40))
    timed = [replace(once[0], speed=s, frames=round(39 / s) + 1) for s in (0.9, 1.0, 1.1)]
    many = [*once, *timed, *(replace(w, mirror=True) for w in timed)]
    seen = known.seconds(corpus(*many))
    assert seen["verb"]["sit"] == pytest.approx(40 / 30, abs=0.07) == seen["style"]["old"]
    later = windows((Label("sit"), 120, 40), (Label("sit"), 5000, 30), (Label("sit"), 29_990, 60))
    assert known.seconds(corpus(*once, *later))["verb"]["sit"] == pytest.approx((60 + 30 + 10) / 30)
    assert known.seconds(corpus(replace(once[0], split="blocks")))["verb"] == {}


def test_a_word_must_be_seen_long_enough_in_a_large_corpus_and_its_share_in_a_small_one() -> None:
    walk = windows((Label("walk", style="normal"), 0, 20_000))
    few = windows((Label("sit"), 21_000, 59), (Label("bow"), 22_000, 60), (Label(), 23_000, 900))
    assert known.of(corpus(*walk, *few)) == {"verb": ("walk", "bow"), "style": ("normal",)}
    assert known.of(corpus(*windows((Label("walk"), 0, 600), (Label("sit"), 600, 30))))["verb"] == ("walk", "sit")
    assert known.of(corpus(*windows((Label(), 0, 600)))) == {"verb": (), "style": ()}
    assert known.of(tiny_prior.corpus())["verb"] == ("walk", "jump")


def test_every_action_has_others_that_are_like_it() -> None:
    assert set(AKIN) == set(VERBS)
    for verb, like in AKIN.items():
        assert like and verb not in like and set(like) <= set(VERBS), verb
    assert nearest("sits", among=("bow", "walk")) == [("bow", pytest.approx(0.64))]
    assert nearest("walks", among=("bow", "walk")) == [("walk", 1.0)] and nearest("walks") == [("walk", 1.0)]


# ---- the card


def test_a_card_tells_and_an_old_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    written = weights.save(path, {"a": np.zeros((2, 2))}, CARD)
    assert weights.card_of(path) == written and written.knows == CARD.knows
    assert not written.saw("verb", "sit") and written.saw("verb", "bow") and written.saw("verb", "")
    assert weights.describe(path, measured={"x": 1.0}).knows == CARD.knows
    old = json.loads(path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")])
    said = {k: v for k, v in json.loads(old["__metadata__"]["card"]).items() if k != "knows"}
    card = weights._card(path, json.dumps(said))
    assert card.knows == {} and card.saw("verb", "sit") and card.saw("style", "tired")
    with pytest.raises(BadInput, match="its card cannot be read"):
        weights._card(path, json.dumps({**said, "knows": {"verb": "walk"}}))


def test_the_shipped_evaluator_still_loads() -> None:
    for found in weights.shipped([weights.shipped_folder()]):
        assert found.card is not None, found.trouble


# ---- words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sits down", r"^text: these weights \(mine\) never learned 'sit'; nearest: bow, stand$"),
        ("sits down and waves at the same time", r"never learned 'sit'"),
        ("climbs, then jumps", r"never learned 'climb' or 'jump'; known: stand, walk, bow, wave$"),
        ("juggles, then jumps", r"^text: no known action in 'juggles' \(.*\), and these .* never learned 'jump'"),
        ("punches", r"never learned 'punch'; known: stand, walk, bow, wave$"),
    ],
)
def test_actions_that_weights_never_learned_are_refused_in_one_line(text: str, said: str) -> None:
    for bound in (False, True):
        with pytest.raises(BadInput, match=said) as caught:
            understand(text, bound, card=CARD)
        assert "\n" not in str(caught.value)
    assert understand(text, False)[0] == plan(text), "without a card all of the vocabulary is known"


def test_the_rest_goes_on_with_less_confidence() -> None:
    made, confidence, suggestions = understand("walks, then sits down", False, card=CARD)
    assert [step[0].label.verb for step in made.steps] == ["walk", ""] and confidence == 0.5
    assert suggestions == ("bow", "stand") and "never learned 'sit'; its motion is a guess" in made.notes[0]
    assert all(d.value != "sit" for d in made.steps[1][0].decisions)
    again = understand(made, False, card=CARD)
    assert again[1] == confidence and again[0].notes == made.notes, "judged twice is judged once"

    for text in ("walks while jumping", "walks while juggling"):
        made, confidence, suggestions = understand(text, False, card=CARD)
        assert confidence == 0.5 and set(suggestions) <= set(CARD.knows["verb"])
    assert understand("walks while juggling", False)[1] == 0.5, "what is done beside counts with any weights"
    assert understand("walks while looking left", False, card=CARD)[1:] == (1.0, ()), "looks are geometry"
    assert understand("juggles, then waves", False, card=CARD)[2] == suggest("juggles", CARD) == ("wave",)


def test_weights_that_learned_no_word_say_so() -> None:
    none = replace(CARD, knows={"verb": (), "style": ()})
    with pytest.raises(BadInput, match=r"never learned 'walk'; known: no action by name$"):
        understand("walks", False, card=none)
    assert understand("walks", False, True, none)[1] == 0.0 and understand("", True, card=none)[1] == 1.0


@pytest.mark.parametrize("style", [s for s in STYLES if s in ("tired", "old", "normal")])
def test_a_style_that_weights_never_learned_is_left_out_and_said(style: str) -> None:
    card = replace(CARD, knows={**CARD.knows, "style": ("old",)})
    for text, given in ((f"walks, {style}", None), ("walks", style)):
        [made] = generate(text, seconds=2, style=given, model=(model := knowing(card)))
        [asked] = model.asked
        assert asked.label == Label("walk", direction=asked.label.direction, style="old" if style == "old" else "")
        said = [note for note in made.report.notes if "style" in note]
        if style == "tired":
            assert said == ["these weights (mine) never learned the style 'tired'; it is left out (known: old)"]
        assert made.report.confidence == 1.0 and (style == "tired") == bool(said)


# ---- clips, streams


def test_clips_say_what_was_a_guess() -> None:
    with pytest.raises(BadInput, match=r"never learned 'sit'; nearest: bow, stand"):
        generate("sits down", model=knowing())
    [forced] = generate("sits down", seconds=2, anyway=True, model=(model := knowing()))
    assert forced.report.confidence == 0 and forced.report.suggestions == ("bow", "stand")
    assert any("a guess" in note for note in forced.clip.provenance.notes) and model.asked[0].label.verb == ""
    [half] = generate("walks, then sits", seconds=5, model=knowing())
    assert half.report.confidence == 0.5 and half.report.suggestions and "never learned 'sit'" in half.report.notes[0]
    [free] = generate("sits down", seconds=2, model=knowing(replace(CARD, knows={})))
    assert free.report.confidence == 1.0


def test_captures_that_may_be_retrieved_are_known_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = replace(windows((Label("jump"), 0, 60))[0], captions=("a person jumps",))
    own = tiny_prior.corpus()
    index = Index(replace(own, windows=(cut,)), lambda words: np.ones((len(words), 1), np.float32))
    [made] = generate("jumps", seconds=2, index=index, model=knowing())
    assert made.report.confidence == 1.0 and made.report.spans[0].road.startswith("retrieved")
    with pytest.raises(BadInput, match="never learned 'jump'"):
        generate("jumps", seconds=2, index=index, retrieval="off", model=knowing())


def test_streams_refuse_and_tell(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import tiny_tokens

    from motion.prior.stream import Streamer

    model = tiny_tokens.write(tmp_path)
    model.card = replace(model.card, knows={"verb": ("jump", "walk"), "style": ()})
    streamer = Streamer(model)
    streamer.warm_up()
    stream = streamer.stream("walks, then sits")
    assert stream.confidence == 0.5 and "never learned 'sit'" in stream.notes[0]
    with pytest.raises(BadInput, match="never learned 'sit'"):
        stream.say("sits down")
    assert [frame.text for frame in itertools.islice(stream, 2)] == ["walks", "walks"]
    stream.say("jumps")
    assert stream.confidence == 1.0 and stream.suggestions == () and stream.notes == ()


# ---- weights, scenes and commands


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with weights that know how to walk, stand and be old."""
    pytest.importorskip("torch")
    monkeypatch.setenv("CINEMOTION_CACHE", str(tmp_path / "cache"))
    tiny_prior.write(tmp_path / "tiny.safetensors")
    weights.describe(tmp_path / "tiny.safetensors", knows={"verb": ("stand", "walk"), "style": ("old",)})
    return tmp_path


def test_the_command_refuses_before_it_loads_anything(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motion.prior.model import Prior

    monkeypatch.setattr(Prior, "load", lambda path: pytest.fail("the network was loaded"))
    words = ["motion", "sits down", "-o", str(home / "a.bvh"), "--model", str(home / "tiny.safetensors")]
    done = CliRunner().invoke(app, words)
    assert done.output == "error: text: these weights (base) never learned 'sit'; nearest: stand\n"
    assert done.exit_code == 2


SCENE = """\
schema: 1
fps: 24
size: [64, 36]
model: tiny.safetensors
cast:
  ada: {at: [0, 0], style: tired}
  ben: {at: [2, 0]}
timeline:
  - {actor: ada, do: walks, for: 1s}
  - {actor: ben, do: walks like an old man, style: old, for: 1s}
"""


def test_a_scene_says_where_it_asks_for_more(home: Path) -> None:
    (home / "scene.yaml").write_text(SCENE + '  - {actor: ben, do: "walks angrily while waving, then sits"}\n')
    done = CliRunner().invoke(app, ["check", str(home / "scene.yaml")])
    assert done.exit_code == 2, done.output
    lines = [line.split("scene.yaml:", 1)[1] for line in done.output.splitlines() if "never" in line]
    assert [line.split(" ", 1)[0] for line in lines] == ["6:28:", "11:22:", "11:22:", "11:22:"], lines
    assert "warning" in lines[0] and "the style 'tired'; it is left out (known: old)" in lines[0]
    for part in ("'wave'; known: stand, walk", "'sit'; nearest: stand", "the style 'angry'"):
        assert f"never learned {part}" in "\n".join(lines[1:])


def test_a_film_leaves_strange_styles_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cinemotion import acting_prior
    from cinemotion.resolve import load
    from cinemotion.source import read

    (home / "scene.yaml").write_text(SCENE)
    parts = []
    real = acting_prior.Played._make
    monkeypatch.setattr(acting_prior.Played, "_make", lambda self, part: parts.append(part) or real(self, part))
    _, report = load(read(home / "scene.yaml"))
    assert [p.severity for p in report.problems] == ["warning"]
    assert [(part.style, part.plan.steps[0][0].label.style) for part in parts] == [("", ""), ("old", "old")]


def test_models_lists_what_is_known(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "shipped_folder", lambda: home / "package")
    monkeypatch.setenv("CINEMOTION_WEIGHTS", str(home))
    lines = CliRunner().invoke(app, ["models"]).output.splitlines()
    assert "  actions   stand, walk" in lines and "  styles    old" in lines


def test_training_writes_it_down(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from mocap_data.dataset_store import save

    save(tiny_prior.corpus(), tmp_path / "corpus")
    words = ["train", "inbetween", "--data", tmp_path / "corpus", "--steps", 1, "--batch", 240, "--threads", 1]
    done = CliRunner().invoke(app, [*map(str, words), "-o", str(tmp_path / "run"), "--name", "mine"])
    assert done.exit_code == 0, done.output
    card = weights.card_of(tmp_path / "run" / "mine-inbetween.safetensors")
    assert card.knows == {"verb": ("walk", "jump"), "style": ()}
