"""What is measured of a crop is what happens in it, and its mirror image is measured as the mirror image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dataset_clips import captured, glide, hopping, waving

from mocap_data import clean
from mocap_data.dataset_facts import true_label
from mocap_data.dataset_labels import Said
from mocap_data.dataset_measure import Measures, going, measure, track, turning
from motion import Clip, contacts, edit
from motion import rotations as rot
from motion.corpus import Label


def measured(clip: Clip, speed: float = 1.0) -> Measures:
    return measure(track(clip, contacts.detect(clip).on), 0, clip.frames, speed)


@pytest.mark.parametrize("way", ["forward", "backward", "left", "right"])
@pytest.mark.parametrize("yaw", [0.0, 1.0, math.pi, -2.5])
def test_ways_are_the_performers_own(way: str, yaw: float) -> None:
    m = measured(glide(way, 2.0, yaw=yaw))
    assert going(m) == way
    assert math.hypot(m.forward, m.left) == pytest.approx(2.0, abs=0.15)
    # Facing +Z, the performer's left is +X.
    assert (m.left > 1.5) == (way == "left") and (m.forward > 1.5) == (way == "forward")


def test_left_is_where_the_left_hip_is() -> None:
    clip = glide("left", 2.0, yaw=0.7)
    start = clip.positions()[0]
    toward_left_hip = start[1] - start[2]
    moved = clip.root_position[-1] - clip.root_position[0]
    assert moved @ toward_left_hip > 0 and measured(clip).left > 1.5


@pytest.mark.parametrize(
    ("degrees", "said"),
    [(0, ""), (25, ""), (90, "turn left"), (-90, "turn right"), (180, "turn around"), (-170, "turn around"),
     (360, "turn left"), (-400, "turn right")],
)  # fmt: skip
def test_turns(degrees: float, said: str) -> None:
    m = measured(glide("forward", 3.0, math.radians(degrees), seconds=5.0))
    assert math.degrees(m.turn) == pytest.approx(degrees, abs=0.12 * abs(degrees) + 1)
    assert turning(m.turn) == said
    assert m.ahead == pytest.approx(3.0, abs=0.4) and abs(m.aside) < 0.3


@pytest.mark.parametrize("side", ["left", "right", "both"])
@pytest.mark.parametrize("swings", [2, 4])
def test_waves_are_counted_on_the_hand_that_waves(side: str, swings: int) -> None:
    m = measured(waving(side, swings))
    expected = {"left": (True, False), "right": (False, True), "both": (True, True)}[side]
    assert m.raised == expected and m.rises == expected
    for k in (0, 1):
        assert abs(m.swings[k] - swings) <= 1 if expected[k] else m.swings[k] == 0


@pytest.mark.parametrize("jumps", [1, 2, 4])
def test_flights_are_counted(jumps: int) -> None:
    assert measured(hopping(jumps)).flights == jumps
    assert measured(glide()).flights == 0


def test_steps_of_a_captured_walk() -> None:
    clip = captured(seconds=3.7)
    steps = measured(clip).steps
    # Two steps in 1.27 s of the captured cycle.
    assert abs(steps - 2 * clip.seconds / 1.27) <= 1.5


@pytest.mark.parametrize("clip", [glide("left", 2.0, 1.0), waving("left"), captured(seconds=3.0)])
def test_a_mirror_image_is_measured_as_one(clip: Clip) -> None:
    a, b = measured(clip).mirrored(), measured(edit.mirror(clip))
    for name in ("forward", "left", "path", "ahead", "aside", "turn"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-6), name
    assert (a.steps, a.raised, a.rises, a.flights) == (b.steps, b.raised, b.rises, b.flights)
    assert np.allclose(a.swings, b.swings, atol=0)
    assert a.mirrored() == measured(clip)


def test_where_one_stands_and_looks_does_not_matter() -> None:
    clip = captured(seconds=3.0)
    a, b = measured(clip), measured(edit.transform(clip, 2.1, (5.0, 0.0, -3.0)))
    for name in ("forward", "left", "path", "turn", "steps", "flights"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-6), name


def test_playing_faster_is_going_faster() -> None:
    clip = glide("forward", 2.0)
    assert measured(clip, 1.15).speed == pytest.approx(1.15 * measured(clip).speed)
    assert measured(clip, 1.15).net == measured(clip).net


def test_a_good_capture_is_left_alone() -> None:
    clip = captured(seconds=3.0)
    mended = clean.mend(clip)
    assert mended.clip is clip and mended.good.all() and mended.faults == ()


@pytest.mark.parametrize("length", [1, 2, 3])
def test_short_spikes_are_taken_out(length: int) -> None:
    clip = captured(seconds=3.0)
    q = clip.rotations.copy()
    q[40 : 40 + length, 16] = rot.multiply(rot.from_axis("Y", 1.6), q[40 : 40 + length, 16])
    mended = clean.mend(Clip(q, clip.root_position, clip.rest_offsets, clip.fps))
    assert dict(mended.faults)["spike mended"] == length and mended.good.all()
    assert np.linalg.norm(mended.clip.positions() - clip.positions(), axis=-1).max() < 0.05


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("jump", "pelvis jumps"), ("sink", "foot through floor"), ("whirl", "joint too fast"),
     ("ankle", "joint past its limit")],
)  # fmt: skip
def test_what_no_body_does_is_flagged(fault: str, kind: str) -> None:
    clip = captured(seconds=3.0)
    q, root = clip.rotations.copy(), clip.root_position.copy()
    if fault == "jump":
        root[50:] += (2.0, 0.0, 0.0)
    elif fault == "sink":
        root[50:70, 1] -= 0.4
    elif fault == "ankle":
        q[50:70, 7] = rot.from_axis("Y", 2.2)
    else:
        q[45:60, 16] = rot.multiply(rot.from_axis("X", np.linspace(0, 15, 15)), q[45:60, 16])
    mended = clean.mend(Clip(q, root, clip.rest_offsets, clip.fps))
    assert kind in dict(mended.faults)
    assert not mended.good[49:52].all()
    assert mended.good[:40].all() and (fault == "jump" or mended.good[75:].all())


def test_a_clip_of_two_frames_is_measured_and_mended() -> None:
    clip = edit.slice(captured(), 0.0, 1 / 30)
    assert clip.frames == 2 and clean.mend(clip).good.all()
    assert measured(clip).steps == 0


def test_a_hand_turned_over_is_laid_straight_without_a_jump() -> None:
    clip = captured(seconds=3.0)
    q = clip.rotations.copy()
    q[40:60, 21] = rot.from_axis("X", 2.9)
    mended = clean.mend(Clip(q, clip.root_position, clip.rest_offsets, clip.fps))
    assert dict(mended.faults) == {"hand straightened": 20} and mended.good.all()
    angles = np.degrees(rot.angle_between(mended.clip.rotations[:, 21], rot.IDENTITY))
    assert angles[40:60].max() < 1.0 and np.abs(np.diff(angles)).max() < 15.0


def test_a_bow_that_is_held_is_no_stand() -> None:
    clip = glide("", 0.0, seconds=5.0)
    q = clip.rotations.copy()
    q[:, [1, 2]] = rot.IDENTITY
    lean = 0.9 * np.clip(np.minimum(np.arange(clip.frames) - 70, 120 - np.arange(clip.frames)) / 10.0, 0.0, 1.0)
    q[:, 3] = rot.from_axis("X", lean)
    bow = track(Clip(q, clip.root_position, clip.rest_offsets, clip.fps), np.ones((clip.frames, 4), bool))
    said = Said(Label("bow"))
    for start, stop, verb in ((5, 65, "stand"), (82, 108, "")):
        m = measure(bow, start, stop)
        assert m.bent == (verb == "")
        assert true_label(said, m, 0.02, 0.1, {})[0].verb == verb
