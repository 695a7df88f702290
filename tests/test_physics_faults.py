"""Planted faults: as large as they say, the same every time, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import random_clip

from motion import edit
from motion import rotations as rot
from motion.clip import Clip
from motion.errors import BadInput
from motion.skeleton import INDEX
from physics import faults
from physics.faults import KINDS, plant


@pytest.fixture(scope="module")
def clean() -> Clip:
    return random_clip(3, frames=90)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_says_all(kind: str, clean: Clip) -> None:
    a, fault = plant(clean, kind, 5)
    b, again = plant(clean, kind, 5)
    other, _ = plant(clean, kind, 6)
    assert a.rotations.tobytes() == b.rotations.tobytes() and a.root_position.tobytes() == b.root_position.tobytes()
    assert (fault.kind, fault.seed, fault.size, fault.moved_m) == (kind, 5, again.size, again.moved_m)
    if kind not in ("float", "sink"):
        assert not np.allclose(a.positions(), other.positions())
    assert np.allclose(np.linalg.norm(a.rotations, axis=-1), 1.0)
    assert a.contacts is None and np.array_equal(a.fingers, clean.fingers) and a.fps == clean.fps
    assert fault.frames.shape == (90,) and fault.frames.any() and fault.moved_m > 0
    assert "planted fault: " + kind in a.provenance.notes[-1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 2, 3, 7])
@pytest.mark.parametrize("fps", [12, 30, 240])
def test_short_clips_are_spoilt_without_nan(kind: str, frames: int, fps: int) -> None:
    faulty, fault = plant(random_clip(1, frames, fps), kind, 0)  # a Clip refuses NaN
    assert faulty.frames == frames and np.isfinite(fault.moved_m)


@pytest.mark.parametrize("seed", range(4))
def test_noise_moves_joints_as_far_as_it_says_and_is_smooth(clean: Clip, seed: int) -> None:
    faulty, fault = plant(clean, "noise", seed)
    assert 0.01 <= fault.size <= 0.03 and fault.moved_m == pytest.approx(fault.size, rel=0.01)
    root = faulty.root_position - clean.root_position
    assert 0.2 * fault.size < np.linalg.norm(root, axis=1).mean() < fault.size
    assert np.linalg.norm(np.diff(root, axis=0), axis=1).max() < fault.size * 2 * np.pi * 6 / 30 * 2
    _, planted = plant(clean, "jitter", seed)
    assert 0.002 <= planted.size <= 0.005 and planted.moved_m == pytest.approx(planted.size, rel=0.01)


@pytest.mark.parametrize("highest", [1.0, 6.0])
def test_noise_has_nothing_above_its_frequency(highest: float) -> None:
    noise = faults.smooth_noise(np.random.default_rng(0), 6000, 2, 60.0, highest)
    power = np.abs(np.fft.rfft(noise * np.hanning(6000)[:, None], axis=0)) ** 2
    above = np.fft.rfftfreq(6000, 1 / 60) > highest + 0.1
    assert power[above].sum() < 1e-4 * power.sum()
    assert noise.std() == pytest.approx(1.0, rel=0.2)


def test_float_and_sink_shift_heights_only(clean: Clip) -> None:
    details = set()
    for kind, height in (("float", 0.05), ("sink", -0.05)):
        for seed in range(8):
            faulty, fault = plant(clean, kind, seed)
            offset = faulty.root_position - clean.root_position
            assert fault.size == height and np.array_equal(faulty.rotations, clean.rotations)
            assert np.abs(offset[:, [0, 2]]).max() == 0 and offset[-1, 1] == pytest.approx(height)
            assert offset[0, 1] == pytest.approx(0.0 if fault.detail == "ramped" else height)
            details.add(fault.detail)
    assert details == {"ramped", "whole"}


@pytest.mark.parametrize("fps", [30, 60])
def test_slide_is_ten_centimetres_a_second(fps: int) -> None:
    clean = random_clip(0, 60, fps)
    faulty, _ = plant(clean, "slide", 1)
    velocity = np.diff(faulty.positions() - clean.positions(), axis=0) * fps
    assert np.allclose(np.linalg.norm(velocity, axis=-1), 0.10) and np.allclose(velocity[..., 1], 0)


def test_tilt_is_a_rigid_turn_of_three_degrees(clean: Clip) -> None:
    faulty, _ = plant(clean, "tilt", 2)
    turn = rot.multiply(faulty.world()[0], rot.inverse(clean.world()[0]))
    assert np.allclose(np.degrees(np.linalg.norm(rot.to_rotvec(turn), axis=-1)), 3.0)
    assert np.allclose(rot.to_rotvec(turn)[..., 1], 0)
    before, after = clean.positions().reshape(-1, 3), faulty.positions().reshape(-1, 3)
    assert np.allclose(np.linalg.norm(before - before[0], axis=1), np.linalg.norm(after - after[0], axis=1))


def test_a_flip_turns_one_ankle_for_a_while(clean: Clip) -> None:
    faulty, fault = plant(clean, "flip", 4)
    ankle = INDEX[fault.detail.split()[0] + "_ankle"]
    angle = rot.angle_between(clean.rotations, faulty.rotations)
    assert np.allclose(angle[fault.frames, ankle], fault.size) and np.radians(45) <= fault.size <= np.radians(120)
    assert np.allclose(np.delete(angle, ankle, axis=1), 0, atol=1e-7) and np.allclose(
        angle[~fault.frames], 0, atol=1e-7
    )
    assert 3 <= fault.frames.sum() <= 24


def test_drift_stays_on_the_floor_and_is_slow(clean: Clip) -> None:
    faulty, fault = plant(clean, "drift", 0)
    offset = faulty.root_position - clean.root_position
    assert np.all(offset[:, 1] == 0) and np.linalg.norm(offset, axis=1).mean() == pytest.approx(fault.size)
    assert np.linalg.norm(np.diff(offset, axis=0), axis=1).max() * 30 < 1.0


def test_the_rate_of_a_clip_does_not_change_a_fault(clean: Clip) -> None:
    for kind in ("float", "slide", "tilt"):
        a, b = plant(clean, kind, 0)[1], plant(edit.resample(clean, 60), kind, 0)[1]
        assert (a.size, a.detail) == (b.size, b.detail) and a.moved_m == pytest.approx(b.moved_m, rel=0.02)


@pytest.mark.parametrize(("kind", "seed", "says"), [("flaot", 0, "did you mean"), ("float", -1, "seed -1, expected")])
def test_odd_requests_are_refused(kind: str, seed: int, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        plant(replace(random_clip(), contacts=None), kind, seed)
