"""What a caption says of a label, and which captions are true of which motions."""

from __future__ import annotations

import pytest

from motion.corpus import Label
from motion.prior import said

TURN = Label("walk", "", "turn left", 4, "slow", "old")
WAVE = Label("wave", "right", "", 2, "", "feminine")


@pytest.mark.parametrize(
    ("caption", "label", "kept"),
    [
        ("he walks", TURN, Label("walk")),
        ("an elderly man walks slowly and turns to the left", TURN, Label("walk", "", "turn left", 0, "slow", "old")),
        ("takes four steps", TURN, Label("walk", "", "", 4)),
        ("a person waves with the right hand twice", WAVE, Label("wave", "right", "", 2)),
        ("she waves gracefully", WAVE, Label("wave", style="feminine")),
        ("raise both arms", Label("raise hand", "both"), Label("raise hand", "both")),
        ("a person dances", Label("salsa"), Label("dance")),
        ("dance the salsa", Label("salsa"), Label("salsa")),
        ("walks right away", Label("walk", "", "forward"), Label("walk")),
    ],
)
def test_only_what_the_words_mention_is_said(caption: str, label: Label, kept: Label) -> None:
    assert said.said(caption, label) == kept


def test_a_bare_caption_is_true_of_every_motion_of_its_kind() -> None:
    motions = [TURN, Label("walk", "", "forward"), WAVE, Label("wave", "left"), Label("salsa"), Label("run")]
    captions = [Label("walk"), Label("wave"), Label("wave", "left"), Label("dance"), Label("dash"), TURN]
    assert said.true_of(captions, motions).astype(int).tolist() == [
        [1, 1, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
        [1, 0, 0, 0, 0, 0],
    ]


def test_sides_swap_in_words_and_labels_and_twice_is_once() -> None:
    text = "Turns LEFT, then lifts her right hand; left-handed, leftwards, rightward, bright"
    assert said.swap_sides(text) == (
        "Turns RIGHT, then lifts her left hand; right-handed, rightwards, leftward, bright"
    )
    assert said.swap_sides(said.swap_sides(text)) == text
    assert said.swap_label(TURN).direction == "turn right" and said.swap_label(WAVE).side == "left"
    assert said.swap_label(said.swap_label(TURN)) == TURN
