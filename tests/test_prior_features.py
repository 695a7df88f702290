"""Features and constraints: what goes in comes out, wherever a performer stands."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import random_clip
from tiny_prior import corpus

from motion import edit
from motion.corpus import Window
from motion.prior import features
from motion.prior.batches import Windows
from motion.prior.constraints import JOINTS, Constraints
from motion.prior.features import BODY, ROOT
from motion.prior.masking import draw_masks
from motion.prior.observed import Observed
from motion.prior.settling import calm, settle, stand
from motion.prior.stages import own_axes


@pytest.fixture(scope="module")
def batch():
    windows = Windows(corpus(), ("train",), frames_per_batch=240)
    return windows.batch([w for w in windows.windows if w.frames == 60])


def test_a_clip_comes_back_from_its_features() -> None:
    clip = random_clip(3, frames=50)
    t = features.of_clip(clip)
    back = features.to_clip(features.place(features.root_features(t), features.body_features(t), t.rest_offsets))
    assert np.abs(back.positions()[:, :JOINTS] - clip.positions()[:, :JOINTS]).max() < 1e-5


def test_the_body_is_the_same_wherever_it_stands(batch) -> None:
    yaw = torch.linspace(-2.0, 2.5, len(batch))
    shift = torch.stack([3 * yaw, 1 - yaw], -1)
    moved = features.turned(batch.track, yaw.cos(), yaw.sin(), shift)
    assert (features.body_features(moved) - features.body_features(batch.track)).abs().max() < 2e-4
    back = features.turned(moved, yaw.cos(), -yaw.sin(), torch.zeros_like(shift))
    back = features.turned(back, torch.ones_like(yaw), torch.zeros_like(yaw), -shift)
    assert (back.positions() - batch.track.positions()).abs().max() < 1e-4


def test_a_straight_walk_stays_straight_when_smoothed() -> None:
    line = torch.arange(40)[:, None] * torch.tensor([[0.02, 0.05]])
    assert torch.allclose(features.smooth(line, 7.5), line, atol=1e-5)
    assert features.smooth(line[:1], 7.5).shape == (1, 2)


def test_mirrored_windows_are_mirrored_clips() -> None:
    c = corpus()
    windows = Windows(c, ("train",))
    plain = Window(0, 5, 30, "train", c.clips[0].label)
    (track, _), (mirrored, valid) = windows.gather([plain]), windows.gather([replace(plain, mirror=True)])
    clip = edit.mirror(features.to_clip(features.Track(*(getattr(track, n)[0] for n in (
        "path", "heading", "pelvis", "rotations", "contacts")), track.rest_offsets)))  # fmt: skip
    assert np.abs(mirrored.positions()[0].numpy() - clip.positions()[:, :JOINTS]).max() < 0.01
    assert valid.shape == (1, JOINTS)
    assert torch.equal(mirrored.contacts[..., [2, 3, 0, 1]], track.contacts)


def test_retimed_windows_cover_more_of_the_clip() -> None:
    c = corpus()
    windows = Windows(c, ("train",))
    fast, _ = windows.gather([Window(0, 0, 31, "train", c.clips[0].label, speed=1.1)])
    slow, _ = windows.gather([Window(0, 0, 34, "train", c.clips[0].label, speed=1.0)])
    assert torch.allclose(fast.pelvis[0, 30], slow.pelvis[0, 33], atol=1e-4)
    assert torch.allclose(fast.rotations.transpose(-1, -2) @ fast.rotations, torch.eye(3), atol=1e-4)


def test_batches_depend_on_the_step_alone() -> None:
    windows = Windows(corpus(), ("train",), frames_per_batch=240)
    one, two, other = windows.draw(7, 1), windows.draw(7, 1), windows.draw(8, 1)
    assert one.windows == two.windows and one.captions == two.captions
    assert torch.equal(one.track.pelvis, two.track.pelvis)
    assert one.windows != other.windows or one.frames != other.frames or len(windows.windows) < 4


@pytest.mark.parametrize("kind", ["keys", "prefix", "gap", "path", "facing", "ends", "parts"])
def test_every_kind_of_constraint_is_drawn_and_never_on_joints_that_were_not_there(batch, kind: str) -> None:
    valid = batch.valid.clone()
    valid[:, 20:] = False
    seen = draw_masks(Observed.everything(batch.track), valid, np.random.default_rng(0), {kind: 1.0})
    on = seen.path_on.any(1) | seen.pelvis_on.any((1, 2)) | seen.heading_on.any(1)
    on |= seen.rotations_on.any((1, 2)) | seen.positions_on.any((1, 2))
    assert kind == "ends" or on.all()
    assert not seen.rotations_on[..., 20:].any() and not seen.positions_on[..., 20:].any()


def test_asked_headings_are_even_and_those_of_poses_are_measured(batch) -> None:
    true = Observed.everything(batch.track)
    sway = true.heading.clone()
    angle = 0.2 * torch.sin(torch.arange(sway.shape[1]) * 2 * torch.pi / 10)  # three sways a second
    c, s = sway.unbind(-1)
    sway = torch.stack([c * angle.cos() - s * angle.sin(), s * angle.cos() + c * angle.sin()], -1)
    swaying = replace(true, heading=sway)
    rough = lambda h: float(torch.diff(h, n=2, dim=1).norm(dim=-1).mean())
    facing = draw_masks(swaying, batch.valid, np.random.default_rng(0), {"facing": 1.0})
    assert rough(facing.heading) < 0.7 * rough(sway)  # most of the rows
    posed = draw_masks(swaying, batch.valid, np.random.default_rng(0), {"prefix": 1.0})
    assert torch.equal(posed.heading, sway)


def test_windows_stand_where_their_first_known_root_is(batch) -> None:
    seen = draw_masks(Observed.everything(batch.track), batch.valid, np.random.default_rng(1), {"prefix": 1.0})
    track, own = own_axes(batch.track, seen)
    for row in range(len(batch)):
        first = int(own.pelvis_on[row, :, 0].float().argmax())
        assert own.pelvis[row, first, [0, 2]].abs().max() < 1e-4
        assert torch.allclose(own.heading[row, first], torch.tensor([1.0, 0.0]), atol=1e-4)
    assert (own.positions - track.positions()).abs().max() < 1e-3
    values, on, flags = own.for_body(track.path, track.heading)
    truth = features.body_features(track)
    assert values.shape[-1] == BODY and flags.shape[:2] == values.shape[:2]
    assert (values - truth)[on].abs().max() < 1e-3, "what is observed is what the body would be"


def test_constraints_on_a_whole_pose_measure_their_own_heading(batch) -> None:
    rest = batch.track.rest_offsets
    c = Constraints.none(4)
    half = math.radians(90) / 2
    c.rotations[1] = [0.0, math.sin(half), 0.0, math.cos(half)]
    c.rotations_on[1] = c.heading_on[1] = True
    c.heading[1] = -3.0  # a lie
    seen = Observed.of([c], rest)
    assert torch.allclose(seen.heading[0, 1], torch.tensor([0.0, 1.0]), atol=1e-5)


def test_settling_leaves_an_honest_root_alone_and_smooths_a_noisy_one(batch) -> None:
    root = features.root_features(batch.track)
    assert root.shape[-1] == ROOT
    assert (settle(root)[..., :5] - root[..., :5]).abs().max() < 2e-3
    noisy = root.clone()
    noisy[..., :2] += 0.02 * torch.randn(noisy[..., :2].shape, generator=torch.Generator().manual_seed(0))
    shake = lambda r: torch.diff(r[..., :2], n=3, dim=1).abs().mean()
    assert shake(settle(noisy)) < 0.05 * shake(noisy)


def test_a_body_stops_shaking_and_what_is_slow_stays() -> None:
    t = torch.arange(90) / 30
    body = torch.zeros(2, 90, BODY)
    body[..., :198] = torch.sin(2 * math.pi * 2 * t)[:, None] * torch.linspace(0.1, 1, 198) + t[:, None] ** 2
    free = torch.zeros(2, 90, dtype=torch.bool)
    assert (calm(body, free) - body).abs()[:, 4:-4].max() < 0.01
    shaken = body + 0.02 * torch.randn(body.shape, generator=torch.Generator().manual_seed(0))
    posed = [*range(3), *range(66, 198)]  # pelvis and rotations
    off = lambda made: (made - body)[:, 4:-4, posed].square().mean().sqrt()
    assert off(calm(shaken, free)) < 0.85 * off(shaken)
    jolt = lambda made: torch.diff((made - body)[..., posed], n=3, dim=1).square().mean().sqrt()
    assert jolt(calm(shaken, free)) < 0.4 * jolt(shaken)
    held = free.clone()
    held[:, 45] = True
    moved = (calm(shaken, held) - shaken)[..., posed].abs().mean((0, 2))
    assert moved[45] < 0.6 * moved[20:40].mean(), "a given pose is moved least"
    assert jolt(calm(shaken, held)) < jolt(calm(shaken, free)), "what must meet a pose is calmed more"
    others = [*range(3, 66), *range(198, BODY)]
    assert torch.equal(calm(shaken, free)[..., others], shaken[..., others])


def test_standing_feet_stand_and_given_places_hold(batch) -> None:
    track = batch.track
    free = torch.zeros(track.path.shape[:2], dtype=torch.bool)

    def slide(t: features.Track) -> float:
        feet = t.positions()[:, :, [10, 11]][..., [0, 2]]
        bears = torch.minimum(t.contacts[:, 1:], t.contacts[:, :-1])[..., [1, 3]] > 0.5
        return float((torch.diff(feet, dim=1).norm(dim=-1) * 30)[bears].mean())

    drift = torch.linspace(0, 0.5, track.path.shape[1])[:, None] * torch.tensor([1.0, -0.6])
    level = torch.stack([drift[:, 0], 0 * drift[:, 0], drift[:, 1]], -1)
    slid = replace(track, path=track.path + drift, pelvis=track.pelvis + level)
    stood = stand(slid, free)
    assert slide(stood) < 0.6 * slide(slid)
    assert torch.allclose(stood.rotations, slid.rotations), "no pose is touched"
    assert torch.allclose(stood.pelvis[..., 1], slid.pelvis[..., 1]), "no height either"
    moved = (stood.path - slid.path).norm(dim=-1)
    assert torch.allclose(moved, (stood.pelvis - slid.pelvis).norm(dim=-1), atol=1e-5)
    assert (stand(slid, ~free).path - slid.path).norm(dim=-1).max() < 0.3 * moved.max(), "a given place holds"
    assert (stand(track, free).path - track.path).norm(dim=-1).max() < 0.2
