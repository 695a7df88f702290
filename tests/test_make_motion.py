"""What animators get: length, keys, paths, points, parts, loops, styles, seeds, seams, memory and reports."""

from __future__ import annotations

import dataclasses
import itertools
import json
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from prior_stand_in import REST, StandIn

from motion import Clip, edit, skeleton
from motion import rotations as rot
from motion.corpus import FPS, ClipInfo, Corpus, Label, Window
from motion.errors import BadInput
from motion.prior import constrain, finish, keyframes, loops, paths, seams
from motion.prior.canvas import LEAD
from motion.prior.constraints import Constraints
from motion.prior.generate import generate
from motion.prior.request import LEAST_WINDOW, Path, Reach, WindowRequest
from motion.prior.retrieve import Index, agrees
from motion.take import Provenance

_I = skeleton.INDEX


@pytest.fixture(scope="module")
def walk() -> Clip:
    """Ten seconds of captured-looking walking with a licence of its own, on a larger body at another rate."""
    [made] = generate("walks forward", seconds=10, seed=5, model=StandIn())
    clip = dataclasses.replace(
        made.clip, rest_offsets=1.1 * REST, root_position=1.1 * made.clip.root_position + [3.0, 0.0, -2.0],
        provenance=Provenance(source="walk.bvh", licence="CC BY-NC 4.0", consent="signed"),
    )  # fmt: skip
    return edit.resample(clip, 60)


# ---- words to motion of any length


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.0, 6.0, 8.1, 31.0])
def test_a_clip_is_as_long_as_asked(seconds: float) -> None:
    model = StandIn()
    [made] = generate("walks forward, then waves with the left hand", seconds=seconds, model=model)
    assert made.clip.frames == round(seconds * FPS)
    assert made.report.spans[0].start_s == 0 and made.report.spans[-1].stop_s == pytest.approx(made.clip.frames / FPS)
    for before, after in zip(made.report.spans, made.report.spans[1:], strict=False):
        assert before.stop_s == after.start_s
    assert all(LEAST_WINDOW <= r.frames for r in model.asked)


def test_motion_begins_at_the_origin_facing_forward() -> None:
    [made] = generate("walks forward", seconds=9, model=StandIn())
    assert np.allclose(made.clip.root_position[0, [0, 2]], 0, atol=1e-9)
    assert abs(edit.heading(made.clip)[0]) < 1e-6
    assert made.clip.root_position[-1, 2] > 8


def test_each_window_continues_the_one_before_and_hears_its_own_words() -> None:
    model = StandIn()
    [made] = generate("walks forward, then waves with the left hand", seconds=12, model=model)
    assert [r.label.verb for r in model.asked] == [s.text.split()[0].rstrip("s") for s in made.report.spans]
    for request, span in zip(model.asked[1:], made.report.spans[1:], strict=True):
        c, at = request.constraints, round(span.start_s * FPS)
        assert c.rotations_on[:LEAD].all() and c.pelvis_on[:LEAD].all()
        # What was shown of the past is what stands there, but for the blend at its end.
        shown, stands = c.pelvis[: LEAD - 12], made.clip.root_position[at - LEAD : at - 12]
        assert np.allclose(shown, stands, atol=1e-6)
    steps = np.linalg.norm(np.diff(made.clip.positions(), axis=0), axis=-1)
    assert steps.max() < 0.3, "nothing jumps between frames"


def test_after_a_turn_a_new_action_sees_only_the_way_it_begins_with(walk: Clip) -> None:
    def seen(base: Clip) -> int:
        model = StandIn()
        generate("waves", model=model, base=base, extend=2)
        return int(model.asked[0].constraints.rotations_on.all(1).sum())

    yaw = np.where(np.arange(walk.frames) < walk.frames - 16, 0.0, 1.5)  # eight frames at 30 fps face elsewhere
    rotations = walk.rotations.copy()
    rotations[:, 0] = rot.multiply(rot.yaw(yaw), rotations[:, 0])
    assert seen(walk) == 20 and seen(dataclasses.replace(walk, rotations=rotations)) == 8


def test_who_is_to_stand_and_bows_is_asked_again() -> None:
    class Bows(StandIn):
        """Bows the first time that it is asked to stand."""

        def sample(self, requests, **more):
            clips = super().sample(requests, **more)
            if len(self.calls) > 1:
                return clips
            bow = rot.from_axis("X", 1.2)
            for clip in clips:
                clip.rotations[:, 0] = rot.multiply(clip.rotations[:, 0], bow)
            return clips

    standing, waving = Bows(), Bows()
    [made] = generate("stands still", seconds=1.5, model=standing)
    joints = made.clip.positions()
    assert len(standing.calls) == 2 and (joints[:, 15, 1] - joints[:, 0, 1]).min() > 0.4
    generate("waves", seconds=1.5, model=waving)
    assert len(waving.calls) == 1, "others may do as they like"


def test_seeds_and_variations_are_repeatable_and_differ() -> None:
    three = generate("walks forward", seconds=9, seed=4, variations=3, model=StandIn())
    alone = generate("walks forward", seconds=9, seed=5, model=StandIn())[0]
    assert np.array_equal(three[1].clip.rotations, alone.clip.rotations)
    assert not np.allclose(three[0].clip.rotations, three[1].clip.rotations)
    assert [r.clip.provenance.seed for r in three] == [4, 5, 6]


def test_variations_are_made_in_batches() -> None:
    model = StandIn()
    assert len(generate("waves", seconds=2, variations=11, model=model)) == 11
    assert max(model.calls) <= 8 and sum(model.calls) == 11


def test_memory_is_flat() -> None:
    def peak(seconds: float) -> int:
        tracemalloc.start()
        generate("walks forward", seconds=seconds, model=Forgetful())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    class Forgetful(StandIn):
        def sample(self, requests, **options):  # type: ignore[no-untyped-def]
            clips = super().sample(requests, **options)
            self.asked.clear()
            return clips

    short, long = peak(20), peak(80)
    # A minute of finished clip with its working copies: 1800 frames of 24 quaternions and what a window needs once.
    assert long - short < 1800 * 24 * 4 * 8 * 16


def test_a_counted_action_that_is_cut_is_not_counted_in_its_parts() -> None:
    model = StandIn()
    generate("walks 20 steps", model=model)
    assert len(model.asked) > 1
    assert all(r.label.count == 0 and "20" not in r.text for r in model.asked)
    whole = StandIn()
    generate("walks three steps", model=whole)
    assert [r.label.count for r in whole.asked] == [3]


def test_metres_and_degrees_of_the_words_are_kept() -> None:
    [made] = generate("walks 4 metres forward, then turns 90 degrees left", model=StandIn())
    end = round(made.report.spans[0].stop_s * FPS) - 1
    assert made.clip.root_position[end, 2] == pytest.approx(4.0, abs=0.15)
    assert edit.heading(made.clip)[-1] == pytest.approx(np.pi / 2, abs=0.1)
    [right] = generate("turns 90 degrees right", model=StandIn())
    assert edit.heading(right.clip)[-1] == pytest.approx(-np.pi / 2, abs=0.1)


def test_what_is_done_at_the_same_time_is_done_by_its_own_joints() -> None:
    model = StandIn()
    [made] = generate("walks forward while waving with the left hand", seconds=4, seed=2, model=model)
    [plain] = generate("walks forward", seconds=4, seed=2, model=StandIn())
    arm = [_I[f"left_{j}"] for j in ("collar", "shoulder", "elbow", "wrist")]
    rest = [j for j in range(22) if j not in arm]
    assert np.allclose(made.clip.rotations[:, rest], plain.clip.rotations[:, rest])
    assert rot.angle_between(made.clip.rotations[:, arm[1]], plain.clip.rotations[:, arm[1]]).mean() > 0.5
    assert {r.label.verb for r in model.asked} == {"walk", "wave"}


@pytest.mark.parametrize(
    ("words", "yaw", "pitch"), [("left", 1, 0), ("right", -1, 0), ("back", 1, 0), ("up", 0, -1), ("down", 0, 1)]
)
def test_a_look_turns_the_head_and_leaves_the_feet(words: str, yaw: int, pitch: int) -> None:
    [made] = generate(f"walks forward while looking {words}", seconds=4, model=StandIn())
    [plain] = generate("walks forward", seconds=4, model=StandIn())
    gaze = rot.rotate(made.clip.world()[0][:, _I["head"]], np.array([0.0, 0.0, 1.0]))[60]
    before = rot.rotate(plain.clip.world()[0][:, _I["head"]], np.array([0.0, 0.0, 1.0]))[60]
    turned, lowered = np.arctan2(gaze[0], gaze[2]) - np.arctan2(before[0], before[2]), before[1] - gaze[1]
    assert np.sign(np.round(turned, 1)) == yaw and np.sign(np.round(lowered, 1)) == pitch
    feet = [_I["left_ankle"], _I["right_ankle"]]
    assert np.allclose(made.clip.positions()[:, feet], plain.clip.positions()[:, feet])


def test_unknown_words_bring_suggestions_and_a_confidence() -> None:
    [made] = generate("walks, then juggles", seconds=6, model=StandIn())
    assert made.report.confidence < 1 and made.report.suggestions
    [forced] = generate("juggles", seconds=2, anyway=True, model=StandIn())
    assert forced.report.confidence == 0
    with pytest.raises(BadInput, match="nearest: "):
        generate("juggles", model=StandIn())


# ---- keys


def test_keys_are_hit_on_the_performers_own_body(walk: Clip) -> None:
    keys = keyframes.from_clip(walk, [0.0, 2.5, 5.0, 9.0])
    [made] = generate("walks forward", keys=keys, model=StandIn())
    assert made.clip.frames == 271
    assert np.allclose(made.clip.rest_offsets, walk.rest_offsets)
    assert max(made.report.key_error_m) < 1e-6
    for t, place in zip((0.0, 2.5, 5.0, 9.0), keys.root_position, strict=True):  # type: ignore[arg-type]
        assert np.allclose(made.clip.at(t)[1], place, atol=1e-6)


def test_what_sampling_leaves_over_is_said_and_bent_in(walk: Clip) -> None:
    keys = keyframes.from_clip(walk, [0.0, 2.5])
    [raw] = generate("walks forward", keys=keys, exact=False, model=Careless())
    [made] = generate("walks forward", keys=keys, model=Careless())
    assert raw.report.key_error_m == raw.report.key_sampled_m == made.report.key_sampled_m
    assert min(raw.report.key_error_m) > 0.02 and max(made.report.key_error_m) < 1e-6
    apart = rot.angle_between(made.clip.rotations, raw.clip.rotations).max(1)
    assert apart[finish.SPREAD + 1 : 75 - finish.SPREAD - 1].max() < 1e-6, "only poses around keys are bent"
    moved = np.linalg.norm(np.diff(made.clip.root_position - raw.clip.root_position, axis=0)[:, [0, 2]], axis=1)
    assert moved.max() < 0.003, "the place shifts slowly: feet do not slide"


class Careless(StandIn):
    """Misses what it is asked by a few centimetres and degrees."""

    def sample(self, requests, **options):  # type: ignore[no-untyped-def]
        lean = rot.from_axis("X", 0.05)
        return [
            dataclasses.replace(c, rotations=rot.multiply(c.rotations, lean), root_position=c.root_position + 0.03)
            for c in super().sample(requests, **options)
        ]


def test_keys_without_a_place_hold_wherever_the_motion_is(walk: Clip) -> None:
    keys = keyframes.from_clip(walk, [3.0], at=[2.0], placed=False)
    [made] = generate("walks forward", keys=keys, seconds=4, model=StandIn())
    assert max(made.report.key_error_m) < 1e-6
    assert made.clip.root_position[60, 2] > 1.0, "it still walks"


def test_a_key_of_some_joints_leaves_the_others(walk: Clip) -> None:
    keys = keyframes.from_clip(walk, [3.0], at=[1.0])
    joints = np.zeros((1, 24), bool)
    joints[0, _I["left_shoulder"]] = True
    raised = keys.rotations.copy()
    raised[0, _I["left_shoulder"]] = rot.from_axis("Z", 1.2)
    part = dataclasses.replace(keys, rotations=raised, joints=joints, root_position=None)
    [made] = generate("walks forward", keys=part, seconds=3, seed=1, model=StandIn())
    [free] = generate("walks forward", seconds=3, seed=1, model=StandIn())
    assert max(made.report.key_error_m) < 0.4  # the shoulder's own place, wherever the trunk is
    others = [_I["right_hip"], _I["right_shoulder"]]
    assert np.allclose(made.clip.rotations[:, others], free.clip.rotations[:, others], atol=1e-6)
    wanted = keyframes.poses(part, REST).world()[0][0, _I["left_shoulder"]]
    assert rot.angle_between(made.clip.world()[0][30, _I["left_shoulder"]], wanted) < 1e-6


def test_a_window_that_ends_before_a_key_walks_towards_it(walk: Clip) -> None:
    keys = keyframes.from_clip(walk, [0.0, 9.9])
    model = StandIn()
    [made] = generate("walks forward", keys=keys, model=model)
    start, goal = keys.root_position[0, [0, 2]], keys.root_position[1, [0, 2]]  # type: ignore[index]
    first = model.asked[0].constraints
    assert first.path_on.sum() == 1, "a place to be at its end"
    end = round(made.report.spans[0].stop_s * FPS)
    done = np.linalg.norm(made.clip.root_position[end, [0, 2]] - start) / np.linalg.norm(goal - start)
    assert done == pytest.approx(made.report.spans[0].stop_s / 9.9, abs=0.1)


# ---- paths


def test_a_path_is_followed_at_the_pace_of_what_is_done() -> None:
    [made] = generate("walks forward", path=[[0, 0], [0, 5], [4, 5]], model=StandIn())
    assert 9 / 1.2 * 0.8 < made.clip.seconds < 9 / 1.2 * 1.3
    assert made.report.path_error_m is not None and made.report.path_error_m < 0.05
    assert np.allclose(made.clip.root_position[-1, [0, 2]], [4, 5], atol=0.05)
    assert edit.heading(made.clip)[-1] == pytest.approx(np.pi / 2, abs=0.1)


def test_one_stands_still_on_a_path_while_one_waves() -> None:
    [made] = generate("walks forward, then waves, then walks", path=[[0, 0], [0, 6]], seconds=9, model=StandIn())
    spans = [s for s in made.report.spans if s.text.startswith("wave")]
    a, b = (round(t * FPS) for t in (spans[0].start_s + 0.7, spans[-1].stop_s - 0.7))
    assert np.linalg.norm(made.clip.root_position[b] - made.clip.root_position[a]) < 0.25


def test_timed_paths_are_where_they_should_be_when_they_should() -> None:
    path = Path(np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 2.5]]), np.array([0.0, 2.0, 4.0]))
    [made] = generate("walks", path=path, model=StandIn())
    assert made.clip.root_position[60, 2] == pytest.approx(2.0, abs=0.1)
    assert made.clip.root_position[-1, 2] == pytest.approx(2.5, abs=0.1)


def test_laid_paths_keep_their_ends_and_length_and_never_go_back() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        points = np.cumsum(rng.normal(size=(8, 2)), axis=0)
        at, floor, heading = paths.lay(Path(points), np.full(300, 1.2))
        assert np.allclose(floor[[0, -1]], points[[0, -1]], atol=1e-6)
        steps = np.linalg.norm(np.diff(floor, axis=0), axis=1)
        assert len(at) == 300 and steps.max() < 8 / FPS and np.isfinite(heading).all()
        assert steps.sum() <= np.linalg.norm(np.diff(points, axis=0), axis=1).sum() + 1e-6
        assert np.abs(np.diff(heading)).max() < np.pi, "unwrapped"


def test_walking_backward_along_a_path_does_not_face_it() -> None:
    model = StandIn()
    generate("walks backward", path=[[0, 0], [0, 3]], model=model)
    assert not any(r.constraints.heading_on[LEAD:].any() for r in model.asked)


# ---- points


def test_a_hand_comes_to_its_point_and_stays(walk: Clip) -> None:
    point = Reach("right hand", (-0.35, 1.25, 0.3), 1.0, hold=0.5)
    [made] = generate("stands", seconds=3, reach=point, model=StandIn())
    assert max(made.report.reach_error_m) < 0.01 < max(made.report.reach_sampled_m)
    hand = made.clip.positions()[30:46, _I["right_hand"]]
    assert np.linalg.norm(hand - point.point, axis=1).max() < 0.01
    limb = np.linalg.norm(np.diff(made.clip.positions()[:, [_I["right_shoulder"], _I["right_elbow"]]], axis=1), axis=-1)
    assert np.ptp(limb) < 1e-9, "bones keep their length"


def test_a_point_out_of_reach_is_said_with_its_distance() -> None:
    class Rooted(StandIn):
        """Never moves its feet for a point."""

        def sample(self, requests, **options):  # type: ignore[no-untyped-def]
            free = [dataclasses.replace(r, constraints=Constraints.none(r.frames)) for r in requests]
            return super().sample(free, **options)

    [made] = generate("stands", seconds=3, reach=("right hand", (3.0, 1.2, 0.0), 1.5), model=Rooted())
    assert made.report.reach_error_m[0] > 2
    assert any("stays 2." in note and "m away" in note for note in made.report.notes)


def test_joints_that_no_limb_ends_in_are_left_to_the_network_and_that_is_said() -> None:
    points = [Reach("head", (0.0, 1.5, 0.1), 1.0), Reach("left hand", (0.3, 1.2, 0.3), 1.5)]
    [made] = generate("stands", seconds=3, reach=points, model=StandIn())
    assert made.report.reach_error_m[0] == made.report.reach_sampled_m[0] and made.report.reach_error_m[1] < 0.01
    assert sum("head by the network alone" in note for note in made.report.notes) == 1
    [hand] = generate("stands", seconds=3, reach=points[1:], model=StandIn())
    assert not any("network alone" in note for note in hand.report.notes)


def test_guidance_reaches_the_model() -> None:
    class Told(StandIn):
        def sample(self, requests, **options):  # type: ignore[no-untyped-def]
            assert options == {"steps": 4, "guidance": 3.0, "constraint_guidance": 1.5}
            return super().sample(requests, **options)

    generate("walks", seconds=8, path=[[0, 0], [0, 4]], steps=4, guidance=3, constraint_guidance=1.5, model=Told())
    with pytest.raises(BadInput, match="constraint guidance: nan, expected 0 to 20"):
        generate("walks", constraint_guidance=float("nan"), model=Told())


# ---- edits


def test_kept_parts_stay_to_the_bit_and_others_change(walk: Clip) -> None:
    [made] = generate("waves with both hands", base=walk, keep="legs", model=StandIn())
    assert made.clip.frames == walk.frames and made.clip.fps == 60
    same = edit.resample(edit.resample(walk, 30), 60)
    legs = [_I[j] for j in ("pelvis", "left_hip", "right_knee", "left_ankle")]
    assert rot.angle_between(made.clip.rotations[:, legs], same.rotations[:, legs]).max() < 1e-6
    assert np.allclose(made.clip.root_position, same.root_position, atol=1e-9)
    arm = _I["left_shoulder"]
    assert rot.angle_between(made.clip.rotations[:, arm], same.rotations[:, arm]).max() > 0.5
    assert "CC BY-NC 4.0" in str(made.clip.provenance.licence) and "walk.bvh" in made.clip.provenance.source
    assert made.clip.provenance.consent == "signed"


def test_keeping_arms_leaves_the_legs_free(walk: Clip) -> None:
    [made] = generate("stands", base=edit.slice(walk, 0, 4), keep=["arms", "head"], seed=3, model=StandIn())
    same = edit.resample(edit.resample(edit.slice(walk, 0, 4), 30), 60)
    arms = [_I["left_shoulder"], _I["right_elbow"], _I["head"]]
    assert rot.angle_between(made.clip.rotations[:, arms], same.rotations[:, arms]).max() < 1e-6
    assert rot.angle_between(made.clip.rotations[:, _I["left_hip"]], same.rotations[:, _I["left_hip"]]).max() > 0.1


def test_strength_nought_gives_the_base_back(walk: Clip) -> None:
    [made] = generate("walks", base=walk, strength=0, model=StandIn())
    same = edit.resample(edit.resample(walk, 30), 60)
    assert np.allclose(made.clip.positions(), same.positions(), atol=1e-6)


def test_strength_reaches_the_model_window_by_window(walk: Clip) -> None:
    model = StandIn()
    generate("walks", base=walk, strength=0.4, model=model)
    assert all(r.strength == 0.4 and r.start is not None and r.start.frames == r.frames for r in model.asked)
    assert len(model.asked) > 1


@pytest.mark.parametrize("extend", [3.0, -3.0, 9.0, -9.0])
def test_an_extended_clip_keeps_the_base_and_goes_on(walk: Clip, extend: float) -> None:
    base = edit.resample(walk, 30)
    [made] = generate("walks forward", base=base, extend=extend, model=Careless())
    first = 0 if extend > 0 else round(-extend * FPS)
    assert made.clip.frames == base.frames + round(abs(extend) * FPS)
    here = slice(first, first + base.frames)
    assert np.allclose(made.clip.positions()[here], base.positions(), atol=1e-6)
    steps = np.linalg.norm(np.diff(made.clip.positions(), axis=0), axis=-1).max(1)
    edge = first + base.frames - 1 if extend > 0 else first - 1
    assert steps[edge] < 0.2, "no jump where the new motion begins"
    assert [s.road for s in made.report.spans].count("kept") == 1
    assert made.report.seams


# ---- loops, places


@pytest.mark.parametrize("text", ["walks forward", "waves with the left hand", "walks forward, then waves"])
@pytest.mark.parametrize("in_place", [False, True])
def test_loops_close(text: str, in_place: bool) -> None:
    [made] = generate(text, seconds=3, loop=True, in_place=in_place, model=StandIn())
    clip = made.clip
    assert clip.frames == 90 and made.report.loop_gap_m is not None and made.report.loop_gap_m < 1e-6
    once = np.diff(loops.poses(clip)[:, :66], axis=0)
    size = np.linalg.norm(once.reshape(len(once), 22, 3), axis=-1).max()
    twice = edit.repeat(clip, 2, 0.0)
    again = np.linalg.norm(np.diff(loops.poses(twice)[:, :66], axis=0).reshape(-1, 22, 3), axis=-1)
    assert again[85:95].max() < 1.5 * size, "nothing jumps where it begins again"
    if in_place:
        assert np.linalg.norm(clip.root_position[-1, [0, 2]] - clip.root_position[0, [0, 2]]) < 1e-9
        assert np.ptp(clip.root_position[:, 2]) < 0.6


def test_a_loop_over_a_path_that_does_not_close_repeats_its_pose_alone() -> None:
    [made] = generate("walks", path=[[0, 0], [3, 0], [3, 3]], loop=True, model=StandIn())
    assert made.report.loop_gap_m is not None and made.report.loop_gap_m < 1e-6
    assert any("does not close" in note for note in made.report.notes)
    assert np.linalg.norm(made.clip.root_position[-1, [0, 2]] - [3, 3]) < 0.3


def test_in_place_takes_the_travel_out() -> None:
    [made] = generate("walks forward", seconds=5, in_place=True, model=StandIn())
    assert np.ptp(made.clip.root_position[:, 2]) < 0.3


# ---- style, rate, feet


def test_style_by_word_reaches_words_and_plan() -> None:
    model = StandIn()
    generate("walks forward", style="happy", seconds=3, model=model)
    assert model.asked[0].label.style == "happy" and "happy" in model.asked[0].text


def test_style_by_example_is_shown_first_and_taken_away(walk: Clip) -> None:
    model = StandIn()
    [made] = generate("walks forward", style=walk, seconds=3, model=model)
    assert made.clip.frames == 90 and np.allclose(made.clip.root_position[0, [0, 2]], 0, atol=1e-6)
    assert model.asked[0].constraints.rotations_on[:LEAD].all()
    assert "CC BY-NC 4.0" in str(made.clip.provenance.licence)
    path = [[1.0, 1.0], [1.0, 4.0]]
    [led] = generate("walks forward", style=walk, path=path, model=StandIn())
    assert np.allclose(led.clip.root_position[0, [0, 2]], path[0], atol=0.1)


@pytest.mark.parametrize("fps", [24, Fraction(30000, 1001), 60])
def test_the_rate_is_as_asked(fps: Fraction | int) -> None:
    [made] = generate("walks", seconds=4, fps=fps, model=StandIn())
    assert made.clip.fps == fps
    assert (made.clip.frames - 1) / fps == pytest.approx(119 / 30, abs=1.01 / float(fps))


def test_foot_lock_holds_feet_that_slide() -> None:
    from motion import contacts

    t = np.arange(90) / 30
    turns = np.zeros((90, 24, 3))
    root = np.stack([0.03 * np.sin(2 * np.pi * 0.4 * t), 0.9 + 0 * t, 0.05 * t], -1)
    clip = Clip(rot.from_rotvec(turns), root, REST, Fraction(30))
    bent = clip.rotations.copy()
    for side in ("left", "right"):  # knees a little bent, so that legs can give
        bent[:, _I[f"{side}_hip"]] = rot.from_axis("X", -0.3)
        bent[:, _I[f"{side}_knee"]] = rot.from_axis("X", 0.6)
        bent[:, _I[f"{side}_ankle"]] = rot.from_axis("X", -0.3)
    clip = dataclasses.replace(clip, rotations=bent)
    low = contacts.foot_points(clip)[..., 1].min()
    clip = dataclasses.replace(clip, root_position=clip.root_position - [0, low, 0])
    on = contacts.detect(clip)
    assert on.on.mean() > 0.8
    before = contacts.skate(contacts.foot_points(clip), on.on, 30)
    locked = finish.lock_feet(dataclasses.replace(clip, contacts=on))
    assert contacts.skate(contacts.foot_points(locked), on.on, 30) < 0.3 * before


# ---- seams


def test_jerk_is_that_of_a_known_curve() -> None:
    t = np.arange(60) / 30
    root = np.stack([2.0 * t**3, 0 * t + 0.9, 0 * t], -1)
    clip = Clip(np.broadcast_to(rot.IDENTITY, (60, 24, 4)), root, REST, Fraction(30))
    assert np.allclose(seams.jerk(clip)[1:-1], 12.0)
    assert seams.jerk(edit.slice(clip, 0, 0.05)).shape == (2,)


def test_a_jolt_at_a_seam_is_seen_and_an_even_one_is_not() -> None:
    rng = np.random.default_rng(0)
    root = np.cumsum(rng.normal(size=(300, 3)), axis=0) * 1e-3 + [0, 0.9, 0]
    clip = Clip(np.broadcast_to(rot.IDENTITY, (300, 24, 4)), root, REST, Fraction(30))
    [even], _ = seams.measure(clip, [150])
    assert 0.6 < even.ratio < 1.5
    jolted = root.copy()
    jolted[150:] += 0.02
    [bad], _ = seams.measure(dataclasses.replace(clip, root_position=jolted), [150])
    assert bad.ratio > 2 and bad.time_s == 5.0


# ---- constraints


def test_overlay_and_hold_are_what_the_models_read() -> None:
    clip = generate("walks", seconds=1, model=StandIn())[0].clip
    c = Constraints.none(40)
    constrain.hold(c, np.arange(5, 35), clip)
    world, positions = clip.world()
    assert np.allclose(c.rotations[5:35], world[:, :22]) and np.allclose(c.positions[5:35], positions[:, :22])
    assert c.rotations_on[5:35].all() and not c.rotations_on[:5].any() and not c.rotations_on[35:].any()
    d = Constraints.none(30)
    constrain.overlay(d, -10, c)
    assert np.allclose(d.pelvis[:25], c.pelvis[10:35])
    assert d.pelvis_on[:25].all() and not d.pelvis_on[25:].any()
    with pytest.raises(BadInput):
        constrain.hold(c, [40], constrain.pick(clip, [0]))


# ---- retrieval


LABELLED = {
    "a person walks forward": Label("walk", direction="forward"),
    "someone waves the left hand": Label("wave", side="left"),
    "someone waves the right hand": Label("wave", side="right"),
    "an angry person walks forward": Label("walk", direction="forward", style="angry"),
}


def corpus() -> Corpus:
    """Four captures of two seconds each, one a caption."""
    clips = [generate(text, seconds=2, seed=k, model=StandIn())[0].clip for k, text in enumerate(LABELLED)]
    starts = np.concatenate([[0], np.cumsum([c.frames for c in clips])])
    return Corpus(
        np.concatenate([c.rotations for c in clips]), np.concatenate([c.root_position for c in clips]),
        np.zeros((starts[-1], 4), bool), np.ones(starts[-1], bool), starts, np.ones((4, 24), bool), REST,
        tuple(ClipInfo(f"{k}.bvh", "test", "CMU", label) for k, label in enumerate(LABELLED.values())),
        tuple(
            Window(k, 0, 60, "train", label, (text,)) for k, (text, label) in enumerate(LABELLED.items())
        ) + (Window(0, 0, 60, "blocks", Label("walk"), ("held out",)),
             Window(1, 0, 30, "train", Label("wave", side="right"), ("someone waves the right hand",), True, 2.0)),
    )  # fmt: skip


def by_letters(texts) -> np.ndarray:  # type: ignore[no-untyped-def]
    """An encoder without a network: counts of pairs of letters."""
    out = np.zeros((len(texts), 27 * 27), np.float32)
    for row, text in zip(out, texts, strict=True):
        low = [ord(c) - 96 if c.isalpha() else 0 for c in text.lower()]
        for a, b in itertools.pairwise(low):
            row[27 * a + b] += 1
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


@pytest.fixture(scope="module")
def index() -> Index:
    return Index(corpus(), by_letters)


def test_retrieval_takes_the_side_that_was_asked(index: Index) -> None:
    hits = index.search("someone waves the left hand", Label("wave", side="left"))
    assert hits[0].agrees and hits[0].caption == "someone waves the left hand"
    assert all(h.caption != "held out" for h in hits)
    assert not any(h.agrees for h in hits if "right" in h.caption)
    assert index.choose("someone waves the left hand", Label("wave", side="left"), 60) is not None
    assert index.choose("somebody bows deeply", Label("bow"), 60) is None
    assert index.choose("somebody bows deeply", Label("bow"), 60, force=True) is not None


def test_nobody_gets_an_angry_walk_unasked() -> None:
    assert agrees(Label("walk"), Label("walk", direction="forward"))
    assert not agrees(Label("walk"), Label("walk", style="angry"))
    assert agrees(Label("walk", style="angry"), Label("walk", style="angry"))
    assert not agrees(Label("wave", side="left"), Label("wave", side="right"))
    assert not agrees(Label(""), Label(""))


def test_a_mirrored_window_is_the_mirror_image_at_its_speed(index: Index) -> None:
    number = next(i for i, w in enumerate(index.windows) if w.mirror)
    plain = next(i for i, w in enumerate(index.windows) if not w.mirror and w.clip == 1)
    mirrored, own = index.clip(number), index.clip(plain)
    assert mirrored.frames == 30
    flipped = edit.mirror(edit.speed(own, 2.0))
    assert np.allclose(mirrored.positions(), flipped.positions()[:30], atol=0.02)


def test_a_captured_motion_is_taken_and_said(index: Index) -> None:
    model = StandIn()
    [made] = generate("someone waves the left hand", seconds=2, index=index, model=model)
    assert made.report.spans[0].road == "retrieved + in-painted" and "1.bvh" in made.report.spans[0].detail
    captured = edit.place(index.clip(1), (0.0, 0.0), 0.0)
    assert np.allclose(made.clip.positions(), captured.positions(), atol=1e-6)
    assert "CMU" in str(made.clip.provenance.licence)
    [off] = generate("someone waves the left hand", seconds=2, index=index, retrieval="off", model=StandIn())
    assert off.report.spans[0].road == "sampled"


def test_a_captured_motion_is_continued_and_bent_to_a_path(index: Index) -> None:
    [long] = generate("a person walks forward", seconds=4, index=index, model=StandIn())
    assert long.clip.frames == 120
    [bent] = generate("a person walks forward", path=[[0, 0], [2, 2]], index=index, model=StandIn())
    assert bent.report.spans[0].road.startswith("retrieved")
    assert bent.report.path_error_m is not None and bent.report.path_error_m < 0.1


def test_where_no_capture_can_be_used_is_said(index: Index, walk: Clip) -> None:
    [long] = generate("a person walks forward", seconds=9, index=index, model=StandIn())
    assert {s.road for s in long.report.spans} == {"sampled"}
    assert any("takes 9.0 s, more than one window" in note for note in long.report.notes)
    for words, asked in (("base", {"base": walk, "strength": 0.5}), ("style example", {"style": walk, "seconds": 3})):
        [made] = generate("walks forward", index=index, model=StandIn(), **asked)  # type: ignore[arg-type]
        assert any(f"no captures beside a {words}" in note for note in made.report.notes)
        [off] = generate("walks forward", index=index, retrieval="off", model=StandIn(), **asked)  # type: ignore[arg-type]
        assert not any("captures" in note for note in off.report.notes)


def test_vectors_are_kept_between_runs(index: Index, tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "captions.npz"
    first = Index(corpus(), by_letters, cache=file)

    def refuse(texts) -> np.ndarray:  # type: ignore[no-untyped-def]
        raise AssertionError("encoded again")

    assert np.array_equal(Index(corpus(), refuse, cache=file).vectors, first.vectors)
    file.write_bytes(b"broken")
    assert np.array_equal(Index(corpus(), by_letters, cache=file).vectors, first.vectors)


# ---- reports


def test_a_report_is_plain_data(walk: Clip) -> None:
    keys = keyframes.from_clip(walk, [0.0, 2.5])
    [made] = generate("walks three steps, then stands", keys=keys, seconds=6, model=StandIn())
    told = json.loads(json.dumps(made.report.as_dict()))
    assert {d["slot"] for d in told["decisions"]} >= {"verb", "count"}
    assert made.clip.provenance.model == "stand-in 1" and made.clip.provenance.licence == "CC0"
    assert any("walks three steps" in note for note in made.clip.provenance.notes)


def test_windows_are_asked_within_their_bounds() -> None:
    for frames in (LEAST_WINDOW - 1, 241):
        with pytest.raises(BadInput, match="frames, expected 30 to 240"):
            WindowRequest(frames, Constraints.none(frames))
    with pytest.raises(BadInput, match="constraints over"):
        WindowRequest(60, Constraints.none(61))
