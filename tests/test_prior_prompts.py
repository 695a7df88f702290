"""The frozen prompts, and the geometry that judges what was made of them."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from conftest import REST_OFFSETS

import mocap_data
from motion import BadInput, Clip, edit, skeleton
from motion import rotations as rot
from motion.prior import prompts
from motion.retarget import retarget

#: Of the list as it was written, before any model was tuned. It does not change.
FROZEN = "5eb1b8de36653303cc4b67bd61010a35ca4fc3b3139c6fa4d7d57126f69e8c37"
SWAP = {"left": "right", "right": "left", "both": "both"}


def performer(seconds: float = 4.0) -> Clip:
    """Somebody who stands with hanging arms."""
    frames = round(30 * seconds)
    turns = np.tile(rot.IDENTITY, (frames, 24, 1))
    for side, sign in (("left", -1), ("right", 1)):
        turns[:, skeleton.INDEX[f"{side}_shoulder"]] = rot.from_axis("Z", sign * 1.35)
    return Clip(turns, np.tile([0.0, 0.94, 0.0], (frames, 1)), REST_OFFSETS, Fraction(30))


def lifting(side: str, swing: float = 0.0, start: float = 1.0, stop: float = 3.0) -> Clip:
    """One arm goes up over the head, or both; the forearm swings by so many radians."""
    clip = performer()
    time = np.arange(clip.frames) / 30
    up = np.interp(time, [start - 0.4, start, stop, stop + 0.4], [0, 1, 1, 0])
    turns = clip.rotations.copy()
    for name, sign in (("left", 1), ("right", -1)):
        if side in (name, "both"):
            turns[:, skeleton.INDEX[f"{name}_shoulder"]] = rot.from_axis("Z", sign * (-1.35 + 2.5 * up))
            beat = up * swing * np.sin(2 * np.pi * 1.5 * time)
            turns[:, skeleton.INDEX[f"{name}_elbow"]] = rot.from_axis("Z", sign * beat)
    return Clip(turns, clip.root_position, clip.rest_offsets, clip.fps)


def going(way: tuple[float, float], turn: float = 0.0, metres: float = 4.0) -> Clip:
    """The pelvis glides ahead, and to the left, of a facing that turns by so many radians."""
    clip = performer()
    time = np.linspace(0, 1, clip.frames)
    yaw = turn * time
    ahead = np.stack([np.sin(yaw), 0 * yaw, np.cos(yaw)], -1)
    left = np.stack([np.cos(yaw), 0 * yaw, -np.sin(yaw)], -1)
    step = metres * (way[0] * ahead + way[1] * left) / clip.frames
    turns = clip.rotations.copy()
    turns[:, 0] = rot.yaw(yaw)
    return Clip(turns, clip.root_position + np.cumsum(step, axis=0), clip.rest_offsets, clip.fps)


def seen(clip: Clip, name: str, **arguments: object) -> bool:
    return prompts.check(clip, {"check": name, **arguments})


def test_the_list_is_the_one_that_was_frozen() -> None:
    assert hashlib.sha256(prompts.FILE.read_bytes()).hexdigest() == FROZEN
    said = prompts.prompts()
    assert len(said) == len({p.text for p in said}) >= 40
    assert sum(p.sided for p in said) >= 30
    assert all(1 <= p.seconds <= 8 and p.checks for p in said)


def test_every_check_of_the_list_can_be_asked_and_nobody_passes_by_standing_still() -> None:
    still = performer()
    assert {asked["check"] for p in prompts.prompts() for asked in p.checks} == set(prompts.CHECKS)
    for prompt in prompts.prompts():
        verdict = prompts.judge(prompt, still)  # arguments that a check does not have are refused
        assert len(verdict.passed) == len(prompt.checks) and not verdict.whole, prompt.text
        assert not (prompt.sided and verdict.sided), prompt.text


@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_a_raised_hand_is_that_hand_and_no_other(side: str) -> None:
    for swing, waves in ((0.0, False), (0.5, True)):
        clip = lifting(side, swing)
        for asked in ("left", "right", "both"):
            assert seen(clip, "hand_up", side=asked) == (asked == side)
            assert seen(clip, "wave", side=asked) == (asked == side and waves)
        assert seen(clip, "any_wave") == waves
        assert not seen(clip, "hands_down")
    assert seen(performer(), "hands_down")


def test_one_hand_after_the_other() -> None:
    first, second = lifting("left", start=0.6, stop=1.2), lifting("right", start=2.4, stop=3.0)
    time = np.arange(first.frames) / 30
    turns = np.where((time < 1.8)[:, None, None], first.rotations, second.rotations)
    clip = Clip(turns, first.root_position, first.rest_offsets, first.fps)
    assert seen(clip, "each_hand_up")
    assert not seen(edit.mirror(clip), "each_hand_up")
    assert not seen(lifting("both"), "each_hand_up")


@pytest.mark.parametrize(
    ("way", "direction"), [("forward", (1, 0)), ("backward", (-1, 0)), ("left", (0.7, 0.4)), ("right", (0.7, -0.4))]
)
def test_travel_is_seen_from_the_body(way: str, direction: tuple[float, float]) -> None:
    clip = edit.transform(going(direction), yaw=2.1, translation=(3.0, 0.0, -8.0))
    for asked in ("forward", "backward", "left", "right"):
        # An oblique walk goes ahead as well as to its side.
        oblique = asked == "forward" and way in ("left", "right")
        assert seen(clip, "travel", way=asked) == (asked == way or oblique)
    assert not seen(performer(), "travel", way=way)


def test_turns_count_from_the_start_and_left_is_positive() -> None:
    clip = going((1, 0), turn=np.pi / 2)
    assert seen(clip, "turn", degrees=[70, 100]) and not seen(clip, "turn", degrees=[-100, -70])
    assert seen(edit.mirror(clip), "turn", degrees=[-100, -70])
    assert seen(going((1, 0), turn=4.0), "spin", degrees=200) and not seen(clip, "spin", degrees=200)


def test_speed_distance_and_standing_still() -> None:
    clip = going((1, 0))
    assert seen(clip, "speed", between=[0.9, 1.1]) and not seen(clip, "speed", between=[1.5, 3])
    assert seen(clip, "distance", between=[3.7, 4.1]) and not seen(clip, "stays", within=0.6)
    assert seen(performer(), "stays", within=0.1)
    assert not seen(clip, "stops") and seen(edit.hold(clip, after_s=1.0), "stops")


@pytest.mark.parametrize(
    ("name", "check", "arguments"),
    [
        ("walk", "travel", {"way": "forward"}),
        ("walk", "hands_down", {}),
        ("run", "speed", {"between": [1.7, 6]}),
        ("jump", "jump", {"times": [1, 1]}),
        ("cartwheel", "upside_down", {}),
        ("backflip", "upside_down", {}),
        ("crawl", "low", {}),
        ("spinkick", "kick", {}),
        ("spinkick", "spin", {"degrees": 200}),
        ("punch", "punch", {}),
        ("dance_a", "moves", {}),
    ],
)
def test_captures_do_what_their_name_says(name: str, check: str, arguments: dict[str, object]) -> None:
    clip = edit.resample(retarget(mocap_data.load(f"pybullet:{name}"))[0], 30)
    assert seen(clip, check, **arguments)
    if check not in ("travel", "hands_down", "moves", "speed"):
        assert not seen(performer(), check, **arguments)
        walk = edit.resample(retarget(mocap_data.load("pybullet:walk"))[0], 30)
        assert not seen(walk, check, **arguments)


def test_left_becomes_right_in_the_mirror_and_the_place_does_not_matter() -> None:
    for clip in (lifting("left", 0.5), going((0.7, 0.4), turn=0.8)):
        moved = edit.transform(clip, yaw=-1.3, translation=(5, 0, 2))
        for side in ("left", "right", "both"):
            for check in ("hand_up", "wave"):
                assert seen(clip, check, side=side) == seen(edit.mirror(clip), check, side=SWAP[side])
                assert seen(clip, check, side=side) == seen(moved, check, side=side)
        assert seen(clip, "travel", way="left") == seen(edit.mirror(moved), "travel", way="right")


def test_score_counts_first_samples_of_all_seeds() -> None:
    good = prompts.Prompt("left", 4, ({"check": "hand_up", "side": "left"}, {"check": "hands_down"}))
    other = prompts.Prompt("still", 4, ({"check": "stays", "within": 0.5},))
    verdicts = [
        (good, [prompts.judge(good, lifting(s)) for s in ("left", "left", "right", "left")]),
        (other, [prompts.judge(other, performer())] * 4),
    ]
    score = prompts.score(verdicts)
    assert (score.sided.value, score.sided.count) == (0.75, 4)
    assert score.whole.value == 0.5  # a raised hand is never down
    assert score.sided.low < 0.75 < score.sided.high
    assert (score.whole_prompts.low, score.whole_prompts.high) == (0, 1)  # two prompts, one right and one wrong
    assert score.whole.low > 0.1  # eight results, were they independent
    assert score.worst == (("left", 0.0),)


def test_bad_checks_are_refused_with_a_suggestion() -> None:
    with pytest.raises(BadInput, match="hand_up"):
        prompts.check(performer(), {"check": "hand_upp"})
    with pytest.raises(BadInput, match="check turn: cannot take side"):
        prompts.check(performer(), {"check": "turn", "side": "left"})
