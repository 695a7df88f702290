"""Laws of the figures that motion models are judged by."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import random_clip

from motion import BadInput, contacts, edit, kinematics, skeleton
from motion import rotations as rot
from motion.prior import metrics, metrics_gap, metrics_motion, metrics_sets

RNG = np.random.default_rng


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


# ---- intervals


def test_wilson_is_the_published_interval() -> None:
    # Newcombe (1998), table I: 81 of 263, and 0 of 20.
    assert metrics.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert metrics.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert metrics.wilson(20, 20)[1] == pytest.approx(1.0)
    assert metrics.wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(BadInput, match="11 successes of 10"):
        metrics.wilson(11, 10)


def test_bootstrap_covers_the_mean_and_widens_with_groups() -> None:
    values = np.repeat(RNG(0).normal(size=40), 10)
    alone = metrics.bootstrap(values)
    together = metrics.bootstrap(values, groups=np.repeat(np.arange(40), 10))
    assert [alone.value, together.value] == pytest.approx([values.mean()] * 2)
    assert together.high - together.low > 2 * (alone.high - alone.low)
    assert alone.low < alone.value < alone.high
    assert metrics.bootstrap(values, weights=np.r_[np.ones(10), np.zeros(390)]).value == pytest.approx(values[0])
    assert np.isnan(metrics.bootstrap(np.array([np.nan])).value)


def test_bootstrap_finds_the_true_mean_in_nineteen_of_twenty() -> None:
    hits = 0
    for seed in range(200):
        e = metrics.bootstrap(RNG(seed).normal(size=60), rounds=300, seed=seed)
        hits += e.low <= 0 <= e.high
    assert 180 <= hits <= 198


def test_ratio_of_means() -> None:
    a = RNG(1).random(200) + 1
    paired = metrics.bootstrap_ratio(a, 2 * a, paired=True)
    assert paired.value == paired.low == pytest.approx(0.5)
    free = metrics.bootstrap_ratio(a, 2 * a)
    assert free.low < 0.5 < free.high
    with pytest.raises(BadInput, match="200 values against 3"):
        metrics.bootstrap_ratio(a, a[:3], paired=True)


# ---- words and motions


def test_r_precision_is_one_for_truth_and_chance_for_noise_and_for_one_motion() -> None:
    text = unit(RNG(0).normal(size=(200, 16)))
    assert metrics.r_precision(text, text).min() == 1.0
    chance = np.array([1, 2, 3]) / 32
    noise = metrics.r_precision(text, unit(RNG(1).normal(size=(200, 16))))
    np.testing.assert_allclose(noise.mean(0), chance, atol=0.03)
    mean = metrics.r_precision(text, np.repeat(text[:1], 200, axis=0))
    np.testing.assert_allclose(mean.mean(0), chance, atol=1e-9)


def test_motions_that_a_text_is_also_true_of_are_no_wrong_answers() -> None:
    base = unit(RNG(0).normal(size=(40, 8)))
    text = np.repeat(base, 3, axis=0)
    motion = unit(text + 0.02 * RNG(1).normal(size=text.shape))
    label = np.repeat(np.arange(40), 3)
    strict = metrics.r_precision(text, motion)
    fair = metrics.r_precision(text, motion, metrics.same_captions(label))
    assert fair.mean() > 0.99 > strict[:, 0].mean()
    # A bad result is not saved by another's success.
    spoiled = motion.copy()
    spoiled[0] = -text[0]
    assert metrics.r_precision(text, spoiled, metrics.same_captions(label))[0].max() == 0.0


def test_the_whole_split_is_harder_than_a_gallery() -> None:
    text = unit(RNG(0).normal(size=(300, 8)))
    motion = unit(text + 0.6 * RNG(1).normal(size=text.shape))
    r32, whole = metrics.r_precision(text, motion), metrics.r_precision(text, motion, gallery=None)
    assert whole.mean() < r32.mean()
    assert (np.diff(r32.mean(0)) > 0).all()
    with pytest.raises(BadInput, match="expected at least a gallery of 32"):
        metrics.r_precision(text[:20], motion[:20])


def test_captions_count_as_the_same_by_attributes_or_by_text() -> None:
    text = unit(RNG(0).normal(size=(4, 8)))
    text[3] = text[0]
    same = metrics.same_captions(np.array([1, 1, -1, -1]), text)
    assert same[0, 1] and same[0, 3] and not same[2, 3] and same.diagonal().all()
    named = metrics.same_captions(np.array(["a", "", "", "a"]))
    assert named[0, 3] and not named[1, 2]


# ---- distributions


def test_fid_is_the_closed_form_of_two_gaussians() -> None:
    a = RNG(0).normal(size=(4000, 3)) @ np.diag([1.0, 2.0, 0.5])
    assert metrics_sets.fid(a, a) == pytest.approx(0, abs=1e-9)
    assert metrics_sets.fid(a, a + [3, 0, 0]) == pytest.approx(9, abs=1e-6)
    # Diagonal covariances: the sum of squared differences of standard deviations.
    b = RNG(1).normal(size=(4000, 3)) @ np.diag([2.0, 2.0, 1.5])
    assert metrics_sets.fid(a, b) == pytest.approx(2.0, rel=0.1)


def test_kid_is_zero_on_average_for_equal_distributions_and_grows_with_distance() -> None:
    draws = [unit(RNG(s).normal(size=(150, 8))) for s in range(40)]
    equal = [metrics_sets.kid(a, b, rounds=2).value for a, b in zip(draws[::2], draws[1::2])]
    assert abs(np.mean(equal)) < 2 * np.std(equal) / np.sqrt(len(equal))
    near, far = (metrics_sets.kid(draws[0], unit(draws[1] + shift), rounds=200) for shift in (0.1, 0.4))
    assert 0 < near.value < far.value and far.low > 0
    assert far.low < far.value < far.high
    biased = metrics_sets.kid(draws[0], draws[1], unbiased=False, rounds=2).value
    assert biased > 0 and biased > metrics_sets.kid(draws[0], draws[1], rounds=2).value


def test_diversity_and_multimodality_are_mean_distances() -> None:
    square = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    assert metrics_sets.diversity(square) == pytest.approx((4 * 1 + 2 * np.sqrt(2)) / 6)
    assert metrics_sets.multimodality(np.stack([square, 0 * square])) == pytest.approx(
        [metrics_sets.diversity(square), 0]
    )
    assert metrics.mm_distance(square, square + [3, 4]) == pytest.approx([5] * 4)


def test_intervals_of_sets_cover_what_another_draw_gives_and_widen_with_groups() -> None:
    """Half of what is drawn anew lies nearer than the interval's edge by far: 19 of 20 would, were they normal."""
    draws = [unit(RNG(s).normal(size=(120, 6)) + [0.5, 0, 0, 0, 0, 0]) for s in range(41)]
    wide = metrics_sets.diversity_estimate(draws[0])
    assert wide.value == metrics_sets.diversity(draws[0])
    spread = np.std([metrics_sets.diversity(d) for d in draws])
    assert 0.5 * spread < (wide.high - wide.low) / (2 * 1.96) < 2 * spread
    real = unit(RNG(99).normal(size=(120, 6)))
    far = metrics_sets.fid_estimate(real, draws[0])
    assert far.value == metrics_sets.fid(real, draws[0]) and far.low >= 0
    spread = np.std([metrics_sets.fid(unit(RNG(200 + s).normal(size=(120, 6))), d) for s, d in enumerate(draws)])
    assert 0.5 * spread < (far.high - far.low) / (2 * 1.96) < 2 * spread
    twice, number = np.repeat(draws[0], 4, axis=0), np.repeat(np.arange(120), 4)
    for estimate in (
        lambda groups: metrics_sets.diversity_estimate(twice, groups=groups),
        lambda groups: metrics_sets.fid_estimate(real, twice, made_groups=groups, real_groups=np.zeros(120)),
    ):
        alone, together = estimate(None), estimate(number)
        assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_a_copy_is_nearer_to_training_motion_than_held_out_motion_is() -> None:
    rng = RNG(0)
    train, held = rng.normal(size=(500, 6, 4, 3)), rng.normal(size=(400, 6, 4, 3))
    bound = metrics.copy_bound(metrics.nearest(held[:200], train))
    assert metrics.copies(metrics.nearest(held[200:], train), bound).mean() < 0.12
    copied = train[:50] + 0.01 * rng.normal(size=(50, 6, 4, 3))
    distance = metrics.nearest(copied, train, chunk=64)
    assert metrics.copies(distance, bound).all()
    np.testing.assert_allclose(distance, 0.01 * np.sqrt(3), rtol=0.3)


# ---- one motion


def gliding(speed: float, height: float = 0.0, frames: int = 60) -> np.ndarray:
    feet = np.zeros((frames, 4, 3))
    feet[..., 2] = speed * np.arange(frames)[:, None] / 30
    feet[..., 1] = height
    return feet


@pytest.mark.parametrize(
    ("speed", "height", "skate", "contact"), [(1.0, 0.0, 1.0, 1.0), (0.3, 0.0, 0.0, 1.0), (1.0, 0.2, 0.0, 0.0)]
)
def test_skate_counts_low_fast_feet_and_floating_shows_in_contact(
    speed: float, height: float, skate: float, contact: float
) -> None:
    feet = gliding(speed, height)
    assert metrics_motion.skate_ratio(feet) == pytest.approx(skate, abs=0.1)
    assert metrics_motion.contact_share(feet) == contact
    # The same motion at another rate slides as much.
    assert metrics_motion.skate_ratio(feet[::2], 15) == pytest.approx(skate, abs=0.2)


def test_penetration_and_float_in_millimetres() -> None:
    assert metrics_motion.penetration(gliding(0, -0.02)) == pytest.approx(20)
    assert metrics_motion.penetration(gliding(0, 0.02)) == 0
    assert metrics_motion.floating(gliding(0, 0.03)) == pytest.approx(30)
    assert metrics_motion.floating(gliding(2, 0.03)) == 0  # a jump's feet move
    assert metrics_motion.floating(gliding(0, -0.03)) == 0


def test_jerk_is_that_of_the_motion_whatever_the_rate_and_leaves_out_invalid_joints() -> None:
    for fps in (30, 60):
        t = np.arange(2 * fps) / fps
        p = np.zeros((len(t), 2, 3))
        p[:, 0, 0] = 5 * t**3 / 6
        p[:, 1] = RNG(0).normal(size=(len(t), 3))
        np.testing.assert_allclose(metrics_motion.jerk(p, fps, np.array([True, False])), 5, rtol=1e-6)


def test_a_kick_at_a_seam_shows_there_and_not_inside() -> None:
    t = np.arange(90) / 30
    p = np.stack([np.sin(2 * t), np.cos(t), t], -1)[:, None].repeat(3, 1)
    p[45:] += 0.01
    seam, inside = metrics_motion.seam_jerk(p, [45])
    assert seam > 5 * inside
    even = np.repeat(t[:, None, None] ** 3, 3, axis=2)
    assert metrics_motion.seam_jerk(even, [20]) == pytest.approx((6 * np.sqrt(3), 6 * np.sqrt(3)), rel=1e-6)
    assert metrics_motion.near(10, [0]).tolist() == [True] * 6 + [False]


def test_alignment_takes_place_and_heading_out() -> None:
    clip = random_clip(3)
    p, h = clip.positions()[:, :22], edit.heading(clip)[0]
    moved = edit.transform(clip, 1.1, (4.0, 0.0, -2.0))
    a = metrics_motion.align(p, h, p[0, 0])
    b = metrics_motion.align(moved.positions()[:, :22], edit.heading(moved)[0], moved.root_position[0])
    np.testing.assert_allclose(a, b, atol=1e-9)
    np.testing.assert_allclose(a[0, 0, [0, 2]], 0, atol=1e-12)
    assert edit.heading(edit.transform(clip, -h))[0] == pytest.approx(0, abs=1e-9)


def test_key_and_path_errors_are_distances() -> None:
    target = np.zeros((5, 22, 3))
    assert metrics_motion.key_error(target + [0.03, 0, 0.04], target) == pytest.approx(0.05)
    on = np.zeros((5, 22), bool)
    assert np.isnan(metrics_motion.key_error(target, target, on))
    on[2, 3] = True
    made = target.copy()
    made[2, 3, 1] = 0.2
    assert metrics_motion.key_error(made, target, on) == pytest.approx(0.2)
    assert metrics_motion.path_error(np.array([[0, 0], [3, 4.0]]), np.zeros((2, 2))) == (2.5, 5.0)


def test_a_capture_slides_less_than_the_same_pushed_along() -> None:
    import mocap_data
    from motion.retarget import retarget

    clip = edit.resample(retarget(mocap_data.load("pybullet:walk"))[0], 30)
    feet = contacts.foot_points(clip)
    assert metrics_motion.skate_ratio(feet) < 0.3 and metrics_motion.contact_share(feet) > 0.95
    sliding = feet + np.array([0, 0, 1.0]) * np.arange(len(feet))[:, None, None] / 30
    assert metrics_motion.skate_ratio(sliding) > 0.6


# ---- in-betweening


def windows(count: int = 6, frames: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    clips = [random_clip(seed, frames) for seed in range(count)]
    return np.stack([c.rotations for c in clips]), np.stack([c.root_position for c in clips]), clips[0].rest_offsets


def world(rotations: np.ndarray, root: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.broadcast_to(rest, (*rotations.shape[:-1], 3)).copy()
    offsets[..., 0, :] = root
    return kinematics.forward(skeleton.PARENTS, rotations, offsets)


def test_gap_figures_are_zero_for_the_truth_and_blind_to_the_sign_of_quaternions() -> None:
    rotations, root, rest = windows()
    q, p = world(rotations, root, rest)
    scale = metrics_gap.PositionScale.of(p)
    signs = np.where(RNG(0).random((*q.shape[:-1], 1)) < 0.5, -1, 1)
    assert metrics_gap.l2p(p, p, scale).max() == 0
    assert metrics_gap.l2q(q * signs, q).max() < 1e-12
    assert metrics_gap.npss(q * signs, q) < 1e-12


def test_l2p_counts_in_spreads_of_the_training_set_over_valid_joints() -> None:
    _, p = world(*windows())
    scale = metrics_gap.PositionScale(np.zeros((24, 3)), np.full((24, 3), 0.5))
    off = p + [0.0, 0.1, 0.0]
    np.testing.assert_allclose(metrics_gap.l2p(off, p, scale), 0.2 * np.sqrt(24))
    valid = np.zeros((len(p), 24), bool)
    valid[:, :6] = True
    np.testing.assert_allclose(metrics_gap.l2p(off, p, scale, valid), 0.2 * np.sqrt(6))


def test_npss_is_the_formula_on_a_small_case() -> None:
    truth, made = np.array([[[1.0], [-1.0]]]), np.array([[[1.0], [1.0]]])
    # Spectra: truth all in frequency 1, made all in frequency 0; cumulations (0, 1) and (1, 1).
    assert metrics_gap.npss(made, truth) == pytest.approx(1.0)
    assert metrics_gap.npss(truth, truth) == 0.0
    assert metrics_gap.npss(np.ones((1, 3, 2)), np.zeros((1, 3, 2))) == 0.0


def test_interpolation_is_exact_on_even_motion_and_hold_is_the_last_pose() -> None:
    t = np.arange(20) / 10
    rotations = np.tile(rot.IDENTITY, (1, 20, 24, 1))
    rotations[0, :, 5] = rot.from_axis("X", 0.3 * t)
    root = np.stack([t, 0 * t, -2 * t], -1)[None]
    q, p = metrics_gap.interpolate(rotations, root, 9, 15)
    np.testing.assert_allclose(p, root[:, 10:15], atol=1e-12)
    assert rot.angle_between(q, rotations[:, 10:15]).max() < 1e-7
    q, p = metrics_gap.hold(rotations, root, 9, 15)
    assert p.shape == (1, 5, 3) and (p == root[:, 9:10]).all() and (q == rotations[:, 9:10]).all()


def test_interpolation_beats_holding_still() -> None:
    rotations, root, rest = windows()
    q, p = world(rotations, root, rest)
    scale = metrics_gap.PositionScale.of(p)
    errors = []
    for fill in (metrics_gap.interpolate, metrics_gap.hold):
        mq, mp = world(*fill(rotations, root, 4, 15), rest)
        errors.append((metrics_gap.l2p(mp, p[:, 5:15], scale).mean(), metrics_gap.l2q(mq, q[:, 5:15]).mean()))
    assert errors[0][0] < errors[1][0] and errors[0][1] < errors[1][1]
