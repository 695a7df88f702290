"""Captions say what is true, in words that the plan parser reads back the same way."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mocap_data import caption_words as words
from mocap_data.captions import Fact, captions, mirrored, mirrored_label, say
from mocap_data.dataset_labels import CONTENTS, DESCRIPTIONS, SKILLS, STYLE_NAMES, label_of, said
from motion.corpus import Label
from motion.errors import BadInput
from motion.text import DIRECTIONS, MANNERS, SIDES, STYLES, VERBS, plan

EXTRA = {"hold hand up", "backflip", "sideflip"}  # phrases for a special case of a verb


def facts() -> list[Fact]:
    """One fact of every kind that a window can state."""
    out = []
    for verb in sorted(set(words.VERBS) - EXTRA):
        for style in ("", "tired", "youthful"):
            label = Label(verb, style=style)
            if verb in ("raise hand", "wave", "wave goodbye"):
                out += [Fact(replace(label, side=side), seconds=2.0) for side in SIDES]
            elif verb == "turn":
                out += [Fact(replace(label, direction=d), turn=d) for d in DIRECTIONS if d.startswith("turn")]
            elif verb in ("walk", "run", "jog", "dash", "sneak", "step"):
                for d in DIRECTIONS:
                    turn, going = (d, "forward") if d.startswith("turn") else ("", d)
                    out.append(Fact(replace(label, direction=d), going, turn, 2.0, 3.0, 3))
            else:
                out.append(Fact(label, seconds=2.0))
    return out


def test_every_word_belongs_to_the_closed_vocabulary() -> None:
    assert set(words.VERBS) - EXTRA <= set(VERBS)
    assert set(words.STYLES) == set(STYLES) and set(words.MANNERS) == set(MANNERS)
    for label in [Label(*c) for c in CONTENTS.values()] + [row[1] for row in (*SKILLS, *DESCRIPTIONS)]:
        assert label.verb in {"", *VERBS} and label.side in {"", *SIDES} and label.direction in {"", *DIRECTIONS}
    assert set(STYLE_NAMES.values()) <= set(STYLES)
    for verb, manner in words.OF_MANNER:
        assert verb in VERBS and manner in MANNERS


def test_captions_are_clean_english() -> None:
    rng = np.random.default_rng(1)
    for fact in facts():
        for fullness in (0.0, 0.5, 1.0):
            text = say(fact, rng, fullness)
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ,'-]*", text), text
            assert "  " not in text and not re.search(r"\b(\w+) \1\b", text.replace("round and round", "")), text
            assert not re.search(r"\ba [aeio]", text), text


def test_nothing_is_said_of_the_other_side() -> None:
    rng = np.random.default_rng(2)
    for fact in facts():
        for side, other in (("left", "right"), ("right", "left")):
            if fact.label.side == side or side in fact.label.direction.split():
                for _ in range(4):
                    assert other not in re.findall(r"left|right(?! around)", say(fact, rng, 1.0))


def test_a_full_caption_names_side_and_direction() -> None:
    rng = np.random.default_rng(3)
    for fact in facts():
        text = say(fact, rng, 1.0)
        if fact.label.verb in ("raise hand", "wave"):
            assert fact.label.side in text or (fact.label.side == "both" and "two hands" in text), text
        if fact.label.direction in ("left", "right", "turn left", "turn right", "backward"):
            wanted = fact.label.direction.split()[-1]
            options = ("back", "revers", "rear") if wanted == "backward" else (wanted,)
            assert any(o in text for o in options), text


def test_the_plan_parser_reads_captions_back() -> None:
    """Captions and users' words meet in one vocabulary: what is read is never another side, seldom another verb."""
    rng = np.random.default_rng(4)
    result: Counter[str] = Counter()
    # Poetic ways to say it ("moves to the music") teach the text road; the parser may see a plainer verb in them.
    for fact in facts():
        text = say(fact, rng, 0.7)
        try:
            actions = [a for step in plan(text).steps for a in step]
        except BadInput:
            result["unread"] += 1
            continue
        read = actions[0].label
        result["all"] += 1
        result["verb"] += any(a.label.verb == fact.label.verb for a in actions)
        result["side"] += read.side in ("", fact.label.side) or fact.label.side == ""
        sideways = {"left", "right", "turn left", "turn right"}
        # "In a half circle" leaves the way round open.
        wrong = (
            read.direction in sideways
            and fact.label.direction != "turn around"
            and read.direction.split()[-1] not in fact.label.direction
        )
        result["direction"] += not wrong
    assert result["verb"] >= 0.85 * result["all"], result
    assert result["side"] == result["direction"] == result["all"], result
    assert result["unread"] <= 0.03 * result["all"], result


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("a person turns left", "a person turns right"),
        ("Left, then rightwards; LEFT-handed", "Right, then leftwards; RIGHT-handed"),
        ("lefthand leftmost bright fright", "righthand leftmost bright fright"),
        ("", ""),
    ],
)
def test_mirrored_words(text: str, other: str) -> None:
    assert mirrored(text) == other
    if "leftmost" not in text:
        assert mirrored(other) == text


def test_mirroring_a_label_twice_gives_it_back() -> None:
    for fact in facts():
        label = fact.label
        assert mirrored_label(mirrored_label(label)) == label
        assert (mirrored_label(label) == label) == (
            label.side not in ("left", "right") and not {"left", "right"} & set(label.direction.split())
        )


def test_captions_differ_and_end() -> None:
    fact = Fact(Label("walk", direction="forward", style="happy"), "forward", "", 3.0, 4.0, 6)
    found = captions(fact, np.random.default_rng(0), 6)
    assert len(set(found)) == len(found) == 6
    assert captions(Fact(Label()), np.random.default_rng(0), 5) == ()
    assert captions(Fact(Label(), sentences=("x", "y")), np.random.default_rng(0), 5) == ("x", "y")
    assert captions(fact, np.random.default_rng(7), 6) == captions(fact, np.random.default_rng(7), 6)


def test_contradictions_are_not_said() -> None:
    rng = np.random.default_rng(5)
    slow = Fact(Label("run", direction="forward", manner="slow"), "forward")
    fast = Fact(Label("walk", direction="forward", manner="fast"), "forward")
    text = " | ".join(say(slow, rng, 0.8) for _ in range(200))
    assert not re.search(r"sprint|rac(es?|ing)\b|\bhurr|quick|fast", text)
    text = " | ".join(say(fast, rng, 0.8) for _ in range(200))
    assert not re.search(r"stroll|ambl|wander|slow", text)
    two = Fact(Label("step", direction="forward"), "forward", count=2)
    assert not any("a step" in say(two, rng, 0.9) for _ in range(100))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("bandai-namco-2/dataset-2_walk-turn-left_exhausted_012.bvh", Label("walk", "", "turn left", style="tired")),
        ("bandai-namco-2/dataset-2_raise-up-both-hands_elderly_001.bvh", Label("raise hand", "both", style="old")),
        ("bandai-namco-1/dataset-1_byebye_chimpira_001.bvh", Label("wave goodbye", style="thug")),
        ("bandai-namco-1/dataset-1_walk-back_not-confident_001.bvh",
         Label("walk", "", "backward", style="not confident")),
        ("bandai-namco-2/notes_of_mine.bvh", Label()),
        ("deepmimic/humanoid3d_backflip.txt", Label("flip", direction="backward")),
        ("deepmimic/humanoid3d_dance_b.txt", Label("dance")),
        ("deepmimic/long_humanoid3d_stealthy_walk0.txt", Label("sneak", manner="stealthy")),
        ("deepmimic/humanoid3d_run_jump.txt", Label()),
        ("deepmimic/sie_sie_humanoid3d_run_left03.txt", Label("run")),
        ("my-captures/SlowWalk_take3.bvh", Label("walk", manner="slow")),
        ("my-captures/take_0007.bvh", Label()),
        ("my-captures/walk then sit.bvh", Label()),
    ],
)  # fmt: skip
def test_what_names_say(name: str, label: Label) -> None:
    assert said(name, name.split("/")[0], {}).label == label


@pytest.mark.parametrize(
    ("description", "label"),
    [
        ("walk", Label("walk")), ("Run Jump Stop Run", Label()), ("playground - climb, hang, swing", Label()),
        ("slow walk", Label("walk", manner="slow")), ("jump, balance", Label()), ("", Label()),
        ("salsa dance", Label("salsa")),
    ],
)  # fmt: skip
def test_what_descriptions_say(description: str, label: Label) -> None:
    found = said("cmu-deepmimic/07_05.txt", "cmu-deepmimic", {"cmu-deepmimic/07_05.txt": (description, ())})
    assert found.label == label


@pytest.mark.parametrize(
    "text", ["", "   ", "walks, then sits down", "qwrtzp", "ein Mann geht", "waves while walking", "9" * 50]
)
def test_sentences_of_several_deeds_or_none_claim_no_verb(text: str) -> None:
    assert label_of(text).verb == ""
