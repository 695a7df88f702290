"""Feet that bear weight stay where they stand when the whole body is carried."""

from __future__ import annotations

import numpy as np
import pytest

from motion.footing import carry


def walk(slide: float) -> tuple[np.ndarray, np.ndarray]:
    """Two feet that stand by turns for 15 frames, sliding so many metres a frame, and which of them stands."""
    frames = 90
    feet, on = np.zeros((frames, 2, 2)), np.zeros((frames, 2), bool)
    for k in range(2):
        step = np.where((np.arange(frames) // 15 + k) % 2 == 0, slide, 0.04)
        feet[:, k, 1] = np.cumsum(step)
        on[:, k] = (np.arange(frames) // 15 + k) % 2 == 0
    return feet, on


def test_standing_feet_stop_sliding() -> None:
    feet, on = walk(0.004)
    bears = (on[1:] & on[:-1]).astype(float)
    moved = feet + carry(feet, bears, np.full(len(feet), 1e-6), 1e-3)[:, None]
    slip = np.linalg.norm(np.diff(moved, axis=0), axis=-1)
    assert slip[bears > 0].mean() < 4e-4 < 0.004


def test_who_does_not_slide_is_not_moved_and_two_frames_are_left() -> None:
    feet, on = walk(0.0)
    bears = (on[1:] & on[:-1]).astype(float)
    assert np.abs(carry(feet, bears, np.full(len(feet), 5e-4))).max() < 1e-12
    assert not carry(feet[:3], bears[:2], np.ones(3)).any()


def test_a_pull_keeps_frames_where_they_are() -> None:
    feet, on = walk(0.004)
    bears = (on[1:] & on[:-1]).astype(float)
    free = np.abs(carry(feet, bears, np.full(len(feet), 1e-6))).max()
    held = np.abs(carry(feet, bears, np.full(len(feet), 10.0))).max()
    assert held < 0.05 * free and free == pytest.approx(0.3, abs=0.25)
