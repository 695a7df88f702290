"""Sentences and the plans they mean; offsets, odd inputs, lengths and suggestions."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import BadInput
from motion.text import DIRECTIONS, MANNERS, SIDES, STYLES, VERBS, ActionPlan, describe, nearest, plan, seconds_of

# "|" parts steps, "+" actions of one step; an action is its verb, then its slots: side L R B, direction, xN count,
# manner, style, Ns seconds. Slots that are not written must be empty.
_SIDE = {"L": "left", "R": "right", "B": "both"}
TABLE = (
    """
walk => walk
walks => walk
walking => walk
walked => walk
A person walks forward. => walk forward
He is walking. => walk
She has walked backwards. => walk backward
the performer walks back => walk backward
walks left => walk left
walks to the left => walk left
walks to his right => walk right
turns left => turn turn_left
turns to the left => turn turn_left
a left turn => turn turn_left
makes a 90 degree right turn => turn turn_right
walks and turns left => walk turn_left
walking, turning right => walk turn_right
a man walks forward while turning right => walk turn_right
runs, veering left => run turn_left
run/jog, veer left => run turn_left
veers to the right => walk turn_right
turns around => turn turn_around
turns 180 degrees => turn turn_around
turns right around => turn turn_around
does a U-turn => turn turn_around
turns 360 degrees => spin
walks in a circle to the right => walk turn_right
runs clockwise => run turn_right
walks in place => walk in_place
jogs on the spot for 5 seconds => jog in_place 5s
walks three steps => walk x3
takes three steps back => walk backward x3
takes a step forward => step forward x1
steps to the side, to the left => step left
walks three steps, stops, then waves twice with the left hand while looking back =>
  walk x3 | stand | wave L x2 + look backward
raise the left hand while walking => walk + raise_hand L
While walking, he waves. => walk + wave
as she walks she waves with her right hand => walk + wave R
walks and waves => walk + wave
walks forward, waving with both hands => walk forward + wave B
walks three steps and waves => walk x3 | wave
walks to the door and waves => walk | wave
waves and then walks away => wave | walk
sits down and waves at the same time => sit + wave
raises both hands => raise_hand B
raises his hands => raise_hand B
raises a hand => raise_hand R
raises one arm => raise_hand R
lifts her left arm above her head => raise_hand L high
puts both hands up => raise_hand B
hands up! => raise_hand B
raises the left hand, then the right => raise_hand L | raise_hand R
raises the left and right hand => raise_hand B
raises the right hand and then the other hand => raise_hand R | raise_hand L
waves with one hand => wave R
waves one time => wave x1
waves once => wave x1
waves a couple of times with his right arm => wave R x2
waves two or three times => wave x3
wave 3x => wave x3
gives three quick waves => wave x3 fast
waves goodbye => wave_goodbye
says goodbye with the left hand => wave_goodbye L
bows deeply twice => bow x2 low
takes a bow => bow
Once he sits down, he waves. => sit | wave
sits down after walking three steps => walk x3 | sit
After jumping twice, she bows. => jump x2 | bow
Before sitting down, the man waves. => wave | sit
waves before sitting down => wave | sit
walks until he falls => walk | fall
walks forward, then backward, then sits => walk forward | walk backward | sit
First she jumps, second she kicks, and finally she bows => jump | kick | bow
walks forward. Turns around. Walks back. => walk forward | turn turn_around | walk forward
jumps twice and kicks once => jump x2 | kick x1
walks slowly => walk slow
slowly walks => walk slow
Slowly, he walks forward. => walk forward slow
walks quickly and happily => walk fast happy
runs as fast as he can => run fast
walks with long steps => walk long_steps
walks with very small steps => walk short_steps
sneaks => sneak
tiptoes carefully => sneak careful
walks stealthily => sneak stealthy
walks like an old man => walk old
an old man walks, then sits down => walk old | sit old
an exhausted woman runs => run tired
zombie walk => walk zombie
walks zombie-like => walk zombie
walks like a zombie forward => walk forward zombie
a proud man bows => bow proud
angrily punches with the left fist => punch L angry
waves to a tired man => wave
shyly waves => wave not_confident
walks without confidence => walk not_confident
stomps like a giant => walk giant
strolls => walk slow
trudges home => walk tired
marches => walk
sprints => dash
jogs => jog
leaps over the puddle => jump
hurdles => vault
pirouettes => spin
twirls twice => spin x2
greets => wave
beckons => call
does a cartwheel => cartwheel
does a backflip => flip backward
performs a roundhouse kick => spin_kick
jump and spin kick => jump | spin_kick
kicks the ball with the right foot => kick_ball R
kicks high with the left leg => kick L high
throws a left hook => punch L
a right jab => punch R
dances salsa => salsa
performs an Indian dance => indian_dance
picks the box up => pick_up
bends down to pick up a box => pick_up
gets back up => get_up
stands up => get_up
stands still for two seconds => stand 2s
waits a moment, then runs => stand 1s | run
after two seconds he waves => stand 2s | wave
walks for half a minute => walk 30s
a 3 second walk => walk 3s
walks for the second time => walk
walks briefly => walk 1s
walks for a long time => walk 8s
he left => walk
He left, waving. => walk + wave
walks right away => walk
turns right away from the wall => turn
the man on the left waves => wave
waves right before sitting => wave | sit
falls on his back => fall
steps back => step backward
looks back over his shoulder => look backward
looks left and right => look left | look right
lies on his back, then gets up => get_up
walks with his back straight => walk
don't run, walk => walk
walks without moving the arms => walk
never stops waving => wave
does not stop walking => walk
stops walking => stand
not only walks but also waves => walk + wave
instead of running he walks => walk
He does not move. => stand
walks, not slowly => walk
cannot help but dance => dance
starts walking, keeps walking and then stops => walk | walk | stand
hops forward with both feet for 4 hops => hop forward x4
runs three laps => run x3
crawls on hands and knees => crawl
paces back and forth => walk forward | walk turn_around | walk forward
The man who walks waves. => walk | wave
The old man the boat => !
left hand => !
""".replace("=>\n", "=>")
    .strip()
    .splitlines()
)


def _expected(text: str) -> list[list[tuple]]:
    steps = []
    for step in text.split("|"):
        actions = []
        for action in step.split("+"):
            verb, *slots = action.split()
            row: dict[str, object] = {"verb": verb.replace("_", " ")}
            for slot in slots:
                name = slot.replace("_", " ")
                if slot in _SIDE:
                    row["side"] = _SIDE[slot]
                elif name in DIRECTIONS:
                    row["direction"] = name
                elif slot[0] == "x" and slot[1:].isdigit():
                    row["count"] = int(slot[1:])
                elif name in MANNERS:
                    row["manner"] = name
                elif name in STYLES:
                    row["style"] = name
                elif slot[-1] == "s":
                    row["seconds"] = float(slot[:-1])
                else:
                    raise AssertionError(f"the table says {slot!r}")
            actions.append(_row(row))
        steps.append(actions)
    return steps


def _row(row: dict[str, object]) -> tuple:
    return tuple(
        row.get(k, 0 if k == "count" else None if k == "seconds" else "")
        for k in ("verb", "side", "direction", "count", "manner", "style", "seconds")
    )


def _rows(made: ActionPlan) -> list[list[tuple]]:
    return [[_row({**vars(a.label), "seconds": a.seconds}) for a in step] for step in made.steps]


@pytest.mark.parametrize("line", TABLE)
def test_sentences(line: str) -> None:
    text, expected = (part.strip() for part in line.split("=>"))
    if expected == "!":
        with pytest.raises(BadInput):
            plan(text)
    else:
        assert _rows(plan(text)) == _expected(expected)


def test_each_decision_carries_the_words_that_it_came_from() -> None:
    text = "Slowly, the tired man takes 3 steps back, then waves twice with his left hand for 2.5 s"
    found = {}
    for step in plan(text).steps:
        for action in step:
            for decision in action.decisions:
                assert text[decision.start : decision.start + len(decision.words)] == decision.words
                found[decision.slot, decision.value] = decision.words
    assert found["manner", "slow"] == "Slowly"
    assert found["style", "tired"] == "tired"
    assert found["count", "3"] == "3 steps"
    assert found["direction", "backward"] == "back"
    assert found["verb", "wave"] == "waves"
    assert found["count", "2"] == "twice"
    assert found["side", "left"] == "left hand"
    assert found["seconds", "2.5"] == "for 2.5 s"
    assert found["order", "then"] == "then"


@pytest.mark.parametrize("line", TABLE)
def test_offsets_everywhere(line: str) -> None:
    text, expected = (part.strip() for part in line.split("=>"))
    for step in plan(text).steps if expected != "!" else ():
        for action in step:
            for d in action.decisions:
                assert text[d.start : d.start + len(d.words)] == d.words


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   \n ", "empty"),
        ("walk " * 10_000, "10000 words, expected at most 600"),
        ("er läuft schnell und winkt", "German"),
        ("il marche lentement et salue", "French"),
        ("camina hacia adelante y luego salta", "Spanish"),
        ("он идёт вперёд", "Cyrillic"),
        ("彼は歩く", "letters"),
        ("!!! ???", "no words"),
        ("12 34", "no words"),
        ("xqzt bfrg", "no English word"),
        ("the red house", "no action"),
        ("slowly", "no action"),
        ("don't walk", "denied"),
    ],
)
def test_text_that_cannot_be_used(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        plan(text)
    assert "\n" not in str(error.value) and len(str(error.value)) < 250


def test_words_outside_the_vocabulary_are_no_confident_motion() -> None:
    lunge = plan("lunges to the left")
    assert lunge.steps[0][0].label.verb == "step" and lunge.steps[0][0].confidence <= 0.5 and "lunges" in lunge.notes[0]
    clap = plan("claps three times")
    assert clap.steps[0][0].label.verb == "" and clap.steps[0][0].confidence == 0 and "'wave'" in clap.notes[0]
    slip = plan("he wlaks forward")
    assert slip.steps[0][0].label.verb == "walk" and slip.steps[0][0].confidence == 0.8 and "wlaks" in slip.notes[0]
    strange = plan("the man gargles")
    assert strange.steps[0][0].label.verb == "" and strange.notes


def test_another_source_of_neighbours_is_asked() -> None:
    def more(word: str) -> list[tuple[str, float]]:
        return [("call", 0.7), ("no such verb", 0.9)] if word.startswith("gargle") else []

    assert nearest("gargles", more) == [("call", 0.7)]
    made = plan("the man gargles", more)
    assert made.steps[0][0].label.verb == "call" and made.steps[0][0].confidence == 0.7
    assert nearest("strolling")[0] == ("walk", 1.0)
    assert all(verb in VERBS and 0 < score < 1 for verb, score in nearest("lunge"))


def test_choices_are_said() -> None:
    made = plan("raises a hand")
    side = next(d for d in made.steps[0][0].decisions if d.slot == "side")
    assert (side.value, side.confidence) == ("right", 0.5) and "took right" in made.notes[0]


def test_lengths() -> None:
    assert plan("walks four steps").seconds == pytest.approx(4 * 0.55)
    assert plan("waves three times").seconds == pytest.approx(3 * 0.7)
    assert plan("walks for 3 seconds, then waits 2s").seconds == pytest.approx(5)
    assert plan("walks for 3 seconds while waving once").seconds == pytest.approx(3)
    assert plan("walks slowly").seconds > plan("walks").seconds > plan("walks quickly").seconds
    assert plan("walks 13 metres").seconds == pytest.approx(10)
    for verb in VERBS:
        made = plan({"raise hand": "raises a hand", "get up": "gets up", "pick up": "picks it up"}.get(verb, verb))
        assert made.steps[0][0].label.verb == verb
        assert 0.2 < seconds_of(made.steps[0][0]) < 10


def test_every_word_of_the_vocabulary_is_understood() -> None:
    for side in SIDES:
        assert (
            plan(f"waves with {side if side == 'both' else 'the ' + side} hand{'s' * (side == 'both')}")
            .steps[0][0]
            .label.side
            == side
        )
    for manner in MANNERS:
        text = {
            "high": "jumps high",
            "low": "bows low",
            "long steps": "walks with long steps",
            "short steps": "walks with short steps",
        }
        assert plan(text.get(manner, f"a {manner} walk")).steps[0][0].label.manner == manner
    for style in STYLES:
        assert plan(f"a {style} walk").steps[0][0].label.style == style
    for direction in DIRECTIONS:
        assert plan(f"walks {direction}").steps[-1][0].label.direction == direction


def test_description_names_steps_and_notes() -> None:
    said = describe(plan("walks three steps, then raises a hand while looking back"))
    assert (
        "1. walk, 3 steps" in said and "raise hand, right side" in said and "look, backward" in said and "note:" in said
    )


def test_two_readings_agree_and_odd_texts_do_not_break() -> None:
    odd = [
        "Walk",
        "WALK!!!",
        "walk,,,then;;wave",
        "…walk",
        "walk\nwave",
        "walk - wave",
        "and then walk",
        "while",
        "walk while",
        "then then walk",
        "3 walk 3",
        "left left left walk",
        "walk (slowly)",
        "walk 1e9 steps",
        "hop 0 times",
        "walk 🚶 forward",
        "walk's",
        "o'walk walk",
        "before after while walk",
        "not not walk",
        "walk " * 300,
        "wave and " * 100 + "bow",
        "İ walk",
    ]
    for text in odd:
        try:
            first = plan(text)
        except BadInput as error:
            assert "\n" not in str(error)
            continue
        assert first == plan(text) and first.seconds >= 0


def test_captions_of_the_corpus_parse_back_to_their_labels() -> None:
    captions = pytest.importorskip("mocap_data.captions")
    words = pytest.importorskip("mocap_data.caption_words")
    from motion.corpus import Label

    rng = np.random.default_rng(5)
    asked = wrong = 0
    for verb in (
        "walk",
        "run",
        "raise hand",
        "wave",
        "bow",
        "jump",
        "kick",
        "punch",
        "wave goodbye",
        "call",
        "crawl",
        "cartwheel",
    ):
        for style in words.STYLES:
            for _ in range(4):
                side = str(rng.choice(["left", "right", "both"])) if verb in {"raise hand", "wave"} else ""
                going = str(rng.choice(["forward", "backward", "left", "right"])) if verb == "walk" else ""
                turn = str(rng.choice(["", "turn left", "turn right"])) if going == "forward" else ""
                manner = str(rng.choice(["", "slow", "fast"])) if verb in {"walk", "run"} else ""
                label = Label(verb, side, turn or going, 0, manner, style)
                text = captions.say(captions.Fact(label, going=going, turn=turn), rng, 0.8)
                actions = [action for step in plan(text).steps for action in step]
                ways = [a.label.direction for a in actions if a.label.direction]
                lead = actions[0]
                sure = {d.slot for d in lead.decisions if d.confidence > 0.5}
                got = {
                    "verb": lead.label.verb,
                    "side": lead.label.side if "side" in sure else "",
                    "manner": lead.label.manner,
                    "style": lead.label.style,
                    "direction": next((w for w in ways if w.startswith("turn")), ways[0] if ways else ""),
                }
                asked += len(got)
                wrong += sum(bool(value) and value != getattr(label, slot) for slot, value in got.items())
    assert wrong <= 0.02 * asked, f"{wrong} of {asked} slots"
