"""The in-betweener: exact at keys, smooth through them, blind to what it must not see, clear about bad input."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REST_OFFSETS, random_clip
from tiny_prior import corpus

from motion import Clip, ContactTrack, edit
from motion import rotations as rot
from motion.errors import BadInput
from motion.prior import gaps, inbetween_net, poses, trainer
from motion.prior.batches import Windows
from motion.prior.features import forward, matrix_from_quaternion
from motion.prior.inbetween import InBetweener
from motion.prior.inbetween_net import Config, InbetweenTask, Network
from motion.prior.weights import Card

SMALL = Config(width=32, layers=2, heads=2, hidden=64)


def task(frames: int = 512) -> InbetweenTask:
    return InbetweenTask(Windows(corpus(), ("train",)), Windows(corpus(), ("blocks",)), SMALL, frames)


@pytest.fixture(scope="module")
def maker() -> InBetweener:
    """Weights that move far from the guess, so that the laws are laws of the construction, not of a small residual."""
    torch.manual_seed(0)
    network = Network(corpus().rest_offsets, SMALL)
    with torch.no_grad():
        network.head.weight += 0.1 * torch.randn(network.head.weight.shape)
    return InBetweener(network, Card("inbetween", "tiny", "MIT", config=SMALL.as_dict()))


@pytest.fixture(scope="module")
def walk() -> Clip:
    c = corpus()
    rows = slice(int(c.starts[0]), int(c.starts[1]))
    return Clip(c.rotations[rows], c.root_position[rows], c.rest_offsets, Fraction(30))


MASKS = {
    "one gap": lambda n, rng: ~np.isin(np.arange(n), np.arange(20, 50)),
    "several keys": lambda n, rng: np.arange(n) % 17 == 0,
    "keys anywhere": lambda n, rng: (rng.random(n) < 0.1) | (np.arange(n) == 3),
    "single frames missing": lambda n, rng: (rng.random(n) < 0.5) | (np.arange(n) == 0),
    "open at both ends": lambda n, rng: np.isin(np.arange(n), [30, 31, 48]),
    "one key": lambda n, rng: np.arange(n) == n // 2,
    "a gap of minutes": lambda n, rng: np.isin(np.arange(n), [0, 1, n - 1]),
    "all but the first": lambda n, rng: np.arange(n) > 0,
}


@pytest.mark.parametrize("fps", [30, 24, 120])
@pytest.mark.parametrize("kind", MASKS)
def test_known_frames_come_back_bit_for_bit_and_unknown_ones_are_not_looked_at(
    maker: InBetweener, walk: Clip, kind: str, fps: int
) -> None:
    clip = edit.resample(walk, fps)
    known = MASKS[kind](clip.frames, np.random.default_rng(1))
    rotations, root = clip.rotations.copy(), clip.root_position.copy()
    rotations[~known], root[~known] = rot.IDENTITY, 1e3
    made, blind = maker.fill(clip, known), maker.fill(replace(clip, rotations=rotations, root_position=root), known)
    assert (made.rotations[known] == clip.rotations[known]).all()
    assert (made.root_position[known] == clip.root_position[known]).all()
    np.testing.assert_allclose(made.positions(), blind.positions(), atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(made.rotations, axis=-1), 1.0, atol=1e-6)
    assert made.fps == clip.fps and made.frames == clip.frames


def test_the_guess_goes_on_through_keys_at_their_speed() -> None:
    t = torch.arange(40, dtype=torch.float64)
    root = torch.stack([torch.sin(t / 9), 0.9 + 0 * t, 0.05 * t], -1)[None]
    local = torch.from_numpy(rot.from_axis("Y", np.sin(np.arange(40) / 7)))[None, :, None].repeat(1, 1, 22, 1)
    known = torch.ones(1, 40, dtype=torch.bool)
    known[0, 12:30] = False
    where = gaps.find(known)
    plain, bent = gaps.straight(local, root, where)[1][0], gaps.guess(local, root, where)[1][0]

    def kink(p: torch.Tensor, at: int) -> float:
        return float((p[at + 1] - 2 * p[at] + p[at - 1]).norm())

    for at in (11, 30):
        assert kink(bent, at) < 0.4 * kink(plain, at)
    assert torch.equal(bent[known[0]], root[0][known[0]])


def test_straight_is_lerp_and_slerp() -> None:
    clip = random_clip(3, frames=30)
    known = np.isin(np.arange(30), [0, 29])
    where = gaps.find(torch.from_numpy(known)[None])
    q, p = gaps.straight(torch.from_numpy(clip.rotations)[None], torch.from_numpy(clip.root_position)[None], where)
    share = np.arange(30) / 29
    expected = rot.slerp(clip.rotations[:1], clip.rotations[-1:], share[:, None])
    assert rot.angle_between(q[0].numpy(), expected).max() < 1e-6
    line = clip.root_position[0] + share[:, None] * (clip.root_position[-1] - clip.root_position[0])
    np.testing.assert_allclose(p[0].numpy(), line, atol=1e-7)


def test_kinematics_in_one_product_are_those_along_the_chain() -> None:
    clip = random_clip(5)
    local = torch.from_numpy(clip.rotations[:, :22].astype(np.float32))
    world = matrix_from_quaternion(poses.world_quaternions(local))
    places = poses.Bones(REST_OFFSETS)(world, torch.from_numpy(clip.root_position.astype(np.float32)))
    np.testing.assert_allclose(places.numpy(), clip.positions()[:, :22], atol=1e-5)
    offsets = torch.tensor(REST_OFFSETS, dtype=torch.float32)
    np.testing.assert_allclose(places - places[:, :1], forward(world, offsets), atol=1e-5)
    back = poses.local_quaternions(poses.quaternions(world))
    assert rot.angle_between(back.double().numpy(), clip.rotations[:, :22]).max() < 2e-3


def test_where_and_which_way_one_stands_changes_nothing(maker: InBetweener, walk: Clip) -> None:
    known = MASKS["one gap"](walk.frames, np.random.default_rng(0))
    moved = edit.transform(walk, yaw=2.0, translation=(30.0, 0.0, -4.0))
    first = edit.transform(maker.fill(walk, known), yaw=2.0, translation=(30.0, 0.0, -4.0))
    np.testing.assert_allclose(maker.fill(moved, known).positions(), first.positions(), atol=1e-4)


def test_a_taller_body_moves_alike(maker: InBetweener, walk: Clip) -> None:
    known = MASKS["one gap"](walk.frames, np.random.default_rng(0))
    tall = replace(walk, rest_offsets=walk.rest_offsets * 1.2, root_position=walk.root_position * 1.2)
    made = maker.fill(tall, known)
    assert rot.angle_between(made.rotations, maker.fill(walk, known).rotations).max() < 2e-3
    np.testing.assert_allclose(made.root_position, 1.2 * maker.fill(walk, known).root_position, atol=1e-4)


def test_short_gaps_are_interpolated_and_long_ones_said_to_be(maker: InBetweener, walk: Clip) -> None:
    known = np.ones(walk.frames, bool)
    known[[20, 21, 40]] = False
    made = maker.fill(walk, known)
    where = gaps.find(torch.from_numpy(known)[None])
    guess = gaps.guess(
        torch.from_numpy(walk.rotations[:, :22])[None], torch.from_numpy(walk.root_position)[None], where
    )
    np.testing.assert_allclose(made.root_position, guess[1][0].numpy(), atol=1e-9)
    known = np.ones(walk.frames, bool)
    known[5:75] = False
    assert any("longer than 2 s" in note for note in maker.fill(walk, known).provenance.notes)
    assert maker.fill(walk, np.ones(walk.frames, bool)) is walk


def test_contacts_fingers_and_licence_come_along(maker: InBetweener) -> None:
    clip = random_clip(1, frames=40)
    clip = replace(clip, provenance=replace(clip.provenance, licence="CC BY-NC 4.0"))
    known = np.ones(40, bool)
    known[10:25] = False
    made = maker.fill(clip, known)
    assert made.contacts is not None and clip.contacts is not None and made.fingers is not None
    assert (made.contacts.on[known] == clip.contacts.on[known]).all()
    assert (made.fingers[known] == clip.fingers[known]).all()  # type: ignore[index]
    assert made.provenance.licence == "CC BY-NC 4.0" and "inbetween" in str(made.provenance.model)
    seat = replace(clip, contacts=ContactTrack(("seat",), np.ones((40, 1), bool)))
    assert maker.fill(seat, known).contacts.labels == ("seat",)  # type: ignore[union-attr]


def pose(clip: Clip, frame: int) -> Clip:
    return Clip(clip.rotations[frame : frame + 1], clip.root_position[frame : frame + 1], clip.rest_offsets, clip.fps)


def test_between_passes_through_its_keys_in_any_order(maker: InBetweener, walk: Clip) -> None:
    keys = [(1.5, pose(walk, 40)), (0.0, pose(walk, 0)), (0.5, pose(walk, 12))]
    made = maker.between(keys, 2.0, fps=60)
    assert made.frames == 121
    for time, key in keys:
        assert (made.rotations[round(time * 60)] == key.rotations[0]).all()
    again = maker.between(keys[::-1], 2.0, fps=60)
    assert (made.rotations == again.rotations).all()


@pytest.mark.parametrize(
    ("keys", "seconds", "said"),
    [
        ([], 1.0, "none, expected at least one pose"),
        ([(0.0, 0)], 0.0, "expected more than 0"),
        ([(0.0, 0)], float("nan"), "expected more than 0"),
        ([(0.0, 0)], 1e9, "at most 600"),
        ([(0.0, 0), (2.0, 5)], 1.0, "key 1: at 2 s, expected 0 to 1 s"),
        ([(-1.0, 0)], 1.0, "expected 0 to 1 s"),
        ([(float("nan"), 0)], 1.0, "expected seconds"),
        ([(0.5, 0), (0.501, 20)], 1.0, "key 1: another key stands at 0.5 s"),
    ],
)
def test_keys_that_cannot_be(
    maker: InBetweener, walk: Clip, keys: list[tuple[float, int]], seconds: float, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        maker.between([(t, pose(walk, k)) for t, k in keys], seconds)


def test_other_odd_input(maker: InBetweener, walk: Clip) -> None:
    with pytest.raises(BadInput, match="no frame is known"):
        maker.fill(walk, np.zeros(walk.frames, bool))
    with pytest.raises(BadInput, match="expected bool"):
        maker.fill(walk, np.ones(walk.frames - 1, bool))
    with pytest.raises(BadInput, match="expected bool"):
        maker.fill(walk, np.full(walk.frames, np.nan))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="2 frames, expected one"):
        maker.between([(0.0, edit.slice(walk, 0, 0.04))], 1.0)
    with pytest.raises(BadInput, match="not finite"):
        maker.between([(0.0, replace(pose(walk, 0), root_position=np.full((1, 3), np.nan)))], 1.0)
    other = replace(pose(walk, 3), rest_offsets=walk.rest_offsets * 1.1)
    with pytest.raises(BadInput, match="another skeleton"):
        maker.between([(0.0, pose(walk, 0)), (1.0, other)], 1.0)
    same = maker.between([(0.5, pose(walk, 0)), (0.5, pose(walk, 0))], 1.0)  # the same pose twice is one key
    assert np.ptp(same.rotations, axis=0).max() < 1e-6


def test_weights_come_back_and_bad_ones_are_refused(maker: InBetweener, walk: Clip, tmp_path: Path) -> None:
    path = tmp_path / "tiny-inbetween.safetensors"
    maker.save(path)
    loaded = InBetweener.load(path)
    known = MASKS["one gap"](walk.frames, np.random.default_rng(0))
    np.testing.assert_allclose(loaded.fill(walk, known).positions(), maker.fill(walk, known).positions(), atol=0.02)
    assert (loaded.fill(walk, known).rotations == InBetweener.load(tmp_path).fill(walk, known).rotations).all()
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(BadInput, match="truncated"):
        InBetweener.load(path)
    card = replace(maker.card, config={"width": 64})
    InBetweener(maker.network, card).save(path)
    with pytest.raises(BadInput, match="not the weights of this network"):
        InBetweener.load(path)


class OneBatch(InbetweenTask):
    """Learns one batch by heart."""

    def batch(self, step: int) -> inbetween_net.Example:
        if not hasattr(self, "_only"):
            self._only = super().batch(0)
        return self._only


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    windows = Windows(corpus(), ("train",)), Windows(corpus(), ("blocks",))
    one = OneBatch(*windows, SMALL, 128)

    def total(network: torch.nn.Module) -> float:
        with torch.inference_mode():
            return float(sum(v.mean() for v in one.loss(network, one.batch(0), slice(None)).values()))

    settings = trainer.Settings(steps=40, rate=5e-3, warm_up=3, average=0.5, bf16=False, check_every=10**6)
    trained = trainer.train(one, tmp_path, settings).module
    assert total(trained) < 0.8 * total(one.module())
    figures = one.check(trained)
    assert figures.keys() == {"place_ratio_15", "place_ratio_30"} and all(0 < v < 2 for v in figures.values())


def test_a_step_is_the_same_whoever_asks() -> None:
    first, again = task().batch(7), task().batch(7)
    assert torch.equal(first.truth.rotations, again.truth.rotations)
    assert torch.equal(first.problem.gaps.known, again.problem.gaps.known)


def test_rows_of_a_batch_can_be_shared_between_ranks() -> None:
    one = task()
    network, batch = one.module(), one.batch(3)
    whole = one.loss(network, batch, slice(None))
    half = one.rows(batch) // 2
    parts = [one.loss(network, batch, s) for s in (slice(0, half), slice(half, None))]
    for name, value in whole.items():
        torch.testing.assert_close(torch.cat([part[name] for part in parts]), value, atol=1e-5, rtol=1e-4)


def test_masks_that_are_drawn_have_keys_and_gaps() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        gap = inbetween_net.gap_mask(rng, 60)
        assert gap[0] and gap[-1] and not gap.all() and len(gap) <= 60
        assert inbetween_net.keys_mask(rng, 40).any()
