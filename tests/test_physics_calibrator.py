"""The learned calibrator: laws of its construction on weights that know nothing, and what the shipped ones do."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REST_OFFSETS, random_clip
from tiny_prior import corpus
from typer.testing import CliRunner

import mocap_data
from cinemotion.cli import app
from motion import Clip, edit
from motion import rotations as rot
from motion.errors import BadInput
from motion.prior import weights
from motion.prior.batches import Windows
from motion.prior.poses import world_quaternions as chained
from motion.retarget import retarget
from physics import faults
from physics.calibrator import Calibrator
from physics.calibrator.calibrate import _way
from physics.calibrator.distort import Chance, distort
from physics.calibrator.features import COLUMNS, look, smooth
from physics.calibrator.motions import Motions, feet, world_quaternions
from physics.calibrator.network import Config, Network
from physics.calibrator.task import CalibratorTask, example
from physics.calibrator.variety import varied

SMALL = Config(24, 32, 16, 24, (1, 2, 4))


@pytest.fixture(scope="module")
def wild() -> Calibrator:
    """Finds everything wrong with everything, so that the laws are not those of doing nothing."""
    torch.manual_seed(0)
    network = Network(SMALL)
    with torch.no_grad():
        network.pose.head.weight.normal_(0.0, 0.05)
        network.stance.head.weight.normal_(0.0, 0.05)
        network.pose.head.bias[0] = 4.0
    return Calibrator(network, weights.Card("calibrator", "tiny", "MIT", config=SMALL.as_dict()))


@pytest.fixture(scope="module")
def walk() -> Clip:
    return retarget(mocap_data.load("pybullet:walk"))[0]


def motions(clip: Clip) -> Motions:
    tensor = lambda values: torch.from_numpy(values.astype(np.float32))[None]
    return Motions(tensor(clip.rotations[:, :22]), tensor(clip.root_position), tensor(clip.rest_offsets[:22]))


def distance(one: Clip, other: Clip) -> float:
    return float(np.linalg.norm(one.positions() - other.positions(), axis=-1).mean())


# ---- laws


def test_it_does_not_matter_where_a_performer_stands_and_faces(wild: Calibrator, walk: Clip) -> None:
    bad, _ = faults.plant(walk, "noise", seed=1)
    there = edit.transform(bad, 2.0, (500.0, 0.0, -300.0))
    made, moved = wild(bad), wild(there)
    assert distance(made, bad) > 0.005
    back = edit.transform(edit.transform(moved, 0.0, (-500.0, 0.0, 300.0)), -2.0)
    np.testing.assert_allclose(back.positions(), made.positions(), atol=2e-5)


def test_the_same_input_gives_the_same_bytes(wild: Calibrator) -> None:
    clip = random_clip(3, 70)
    one, two = wild(clip), wild(clip)
    assert np.array_equal(one.rotations, two.rotations) and np.array_equal(one.root_position, two.root_position)


@pytest.mark.parametrize("fps", [240, 60, Fraction(24000, 1001), 12])
def test_any_rate_comes_back_at_its_own(wild: Calibrator, fps: Fraction | int) -> None:
    clip = edit.resample(random_clip(2, 50), fps)
    made = wild(clip)
    assert made.frames == clip.frames and made.fps == fps and made.fingers is clip.fingers
    assert np.isfinite(made.positions()).all() and distance(made, clip) > 1e-4


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_what_is_too_short_comes_back(wild: Calibrator, frames: int) -> None:
    clip = random_clip(0, frames)
    found = wild.calibrate(clip)
    assert found.clip is clip and found.contacts is None


@pytest.mark.parametrize("frames", [4, 5, 9, 31])
def test_short_clips_can_be_calibrated(wild: Calibrator, frames: int) -> None:
    made = wild.calibrate(random_clip(0, frames))
    assert made.contacts is not None and made.contacts.on.shape == (frames, 4)
    assert np.isfinite(made.clip.positions()).all()


@pytest.mark.parametrize("size", [0.2, 2.5])
def test_bodies_of_any_size_are_seen_alike(wild: Calibrator, size: float) -> None:
    clip = random_clip(1, 60)
    other = replace(clip, root_position=size * clip.root_position, rest_offsets=size * clip.rest_offsets)
    one, two = look(motions(clip)).columns, look(motions(other)).columns
    np.testing.assert_allclose(two, one, atol=2e-3)
    assert np.isfinite(wild(other).positions()).all()


def test_wild_poses_stay_finite_and_joints_that_a_source_lacks_stay_still(wild: Calibrator) -> None:
    rng = np.random.default_rng(0)
    q = rot.normalize(rng.normal(size=(40, 24, 4)))
    valid = np.ones(24, bool)
    valid[[10, 11, 20, 21]] = False
    clip = Clip(q, 1e3 * rng.normal(size=(40, 3)), REST_OFFSETS, Fraction(30), valid=valid)
    made = wild(clip)
    assert np.isfinite(made.rotations).all() and np.isfinite(made.root_position).all()
    turned = np.abs((made.rotations * clip.rotations).sum(-1))
    np.testing.assert_allclose(turned[:, [10, 11, 20, 21, 22, 23]], 1.0, atol=1e-9)


def test_long_clips_are_seen_in_pieces_that_fit(wild: Calibrator, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = random_clip(5, 300)
    whole = wild._answers(clip)
    monkeypatch.setattr("physics.calibrator.calibrate._CHUNK", 110)
    for name, value in wild._answers(clip).items():
        np.testing.assert_allclose(value, whole[name], atol=2e-4)


def test_what_says_that_nothing_is_wrong_gives_the_very_clip(walk: Clip) -> None:
    network = Network(SMALL)
    with torch.no_grad():
        network.direct.weight.zero_()
        network.pose.head.bias[0] = -4.0
    assert Calibrator(network, weights.Card("calibrator", "still", "MIT"))(walk) is walk


def test_what_was_done_is_told_with_the_licence(wild: Calibrator, walk: Clip) -> None:
    made = wild(walk)
    assert made.provenance.model == wild.card.label and "learned calibrator" in made.provenance.notes[-1]


# ---- parts


def test_kinematics_are_those_of_clips(walk: Clip) -> None:
    from motion.contacts import foot_points

    m = motions(walk)
    matrices, places = m.world()
    joints = places + m.root[:, :, None]
    np.testing.assert_allclose(joints[0], walk.positions()[:, :22], atol=1e-5)
    np.testing.assert_allclose(feet(matrices, joints, m.offsets)[0], foot_points(walk), atol=1e-5)
    torch.testing.assert_close(world_quaternions(m.local), chained(m.local))


def test_smoothing_keeps_what_is_straight() -> None:
    line = torch.linspace(0, 1, 40)[None, :, None]
    torch.testing.assert_close(smooth(line, 4.0), line, atol=1e-5, rtol=0)


def test_what_is_seen_has_its_columns(walk: Clip) -> None:
    seen = look(motions(walk))
    assert seen.columns.shape == (1, walk.frames, COLUMNS) and torch.isfinite(seen.columns).all()
    total = seen.shifts.sum(2)  # bands add up to what the widest smoothing leaves out
    root = torch.from_numpy(walk.root_position.astype(np.float32))[None]
    rest = (seen.heading.transpose(-1, -2) @ (root - smooth(root, 8.0))[..., None])[..., 0]
    torch.testing.assert_close(total, rest, atol=1e-5, rtol=0)


def test_distortion_tells_what_it_did() -> None:
    batch = Windows(corpus(), ("train",)).gather([w for w in corpus().split("train") if w.frames == 60])[0]
    from motion.prior.poses import local_quaternions, quaternions

    local = local_quaternions(quaternions(batch.rotations)).repeat(8, 1, 1, 1)
    clean = Motions(local, batch.pelvis.repeat(8, 1, 1), batch.rest_offsets[:22].expand(len(local), 22, 3))
    one, calm, told = distort(clean, Chance(4))
    two, _, _ = distort(clean, Chance(4))
    torch.testing.assert_close(one.local, two.local, rtol=0, atol=0)
    still = (told.shaken.amax(1) == 0) & (told.flipped.amax((1, 2)) == 0)
    assert still.any() and not still.all()
    torch.testing.assert_close(one.local[still], calm.local[still])
    level = (told.tilt.norm(dim=1) == 0) & still
    height = one.root[level, :, 1] - clean.root[level, :, 1]
    torch.testing.assert_close(height, told.lift[level], atol=1e-5, rtol=0)
    assert torch.isfinite(varied(clean, Chance(1)).local).all()


@pytest.mark.parametrize(("kind", "share"), [("slide", 0.02), ("drift", 0.95)])
def test_a_slide_is_counted_from_its_start_and_wandering_from_its_middle(kind: str, share: float) -> None:
    rng = np.random.default_rng(0)
    slow = faults.smooth_noise(rng, 180, 2, 30.0, 0.3)
    path = {"slide": np.linspace(0, 0.6, 180)[:, None] * [1.0, 0.5], "drift": 0.1 * slow}[kind]
    way, _ = _way(np.diff(path, axis=0, append=2 * path[-1:] - path[-2:-1]) * 30.0, 1.0)
    left = np.linalg.norm(path - way, axis=1).mean() / np.linalg.norm(path, axis=1).mean()
    assert left < share


# ---- training and weights


def test_a_run_through_the_entry_point_writes_weights_that_load_and_goes_on(tmp_path: Path) -> None:
    from mocap_data import dataset

    data, out = tmp_path / "corpus", tmp_path / "run"
    dataset.save(corpus(), data)
    words = ["train", "calibrator", "--data", data, "-o", out, "--name", "mine", "--threads", 1, "--batch", 120]
    run = lambda steps: CliRunner().invoke(app, [str(w) for w in (*words, "--steps", steps)])
    made = run(2)
    assert made.exit_code == 0, made.output
    again = run(3)
    assert again.exit_code == 0 and "goes on at step 2" in again.output
    card = Calibrator.load(out).card
    assert card.kind == "calibrator" and card.commercial and card.training["steps"] == 3
    assert "calm_moved_mm" in card.measured["held out, at the end of training"]


def test_learning_takes_the_loss_down() -> None:
    task = CalibratorTask(Windows(corpus(), ("train",)), None, SMALL, 240)
    network = task.module()
    item = task.batch(0)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(12):
        total = torch.stack([term.mean() for term in task.loss(network, item, slice(None)).values()]).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        losses.append(float(total.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert len(example(Windows(corpus(), ("train",)).draw(0), Chance(0)).rows(slice(0, 2))) == 2


def test_weights_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    weights.save(path, {"a": np.zeros((2, 2), np.float32)}, weights.Card("prior", "x", "MIT"))
    with pytest.raises(BadInput, match="expected calibrator weights"):
        Calibrator.load(path)


@pytest.fixture(scope="module")
def shipped() -> Calibrator:
    return Calibrator.load()


def test_shipped_weights_may_be_used_commercially(shipped: Calibrator) -> None:
    assert shipped.card.commercial and shipped.card.parameters < 2.5e6


@pytest.mark.parametrize("name", ["walk", "jump", "spinkick"])
def test_a_clean_capture_is_hardly_moved(shipped: Calibrator, name: str) -> None:
    clip = retarget(mocap_data.load(f"pybullet:{name}"))[0]
    assert distance(shipped(clip), clip) < 0.01


@pytest.mark.parametrize(
    ("name", "kind", "seed", "left"),
    [
        ("jump", "noise", 7, 0.85),
        ("getup_facedown", "jitter", 5, 0.8),
        ("jump", "flip", 7, 0.3),
        ("jump", "float", 7, 0.65),
        ("walk", "slide", 14, 0.25),
    ],
)
def test_planted_faults_are_reduced(shipped: Calibrator, name: str, kind: str, seed: int, left: float) -> None:
    clip = retarget(mocap_data.load(f"pybullet:{name}"))[0]
    bad, fault = faults.plant(clip, kind, seed=seed)
    assert distance(shipped(bad), clip) < left * fault.moved_m
