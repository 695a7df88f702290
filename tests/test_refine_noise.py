"""Noise along exact flow: white and Gaussian in every frame, and moving with what is seen."""

from __future__ import annotations

import numpy as np
import pytest

from motion.errors import BadInput
from render.refine.noise import FlowNoise

SIZE = (48, 32)


def affine(matrix, size=SIZE, pixels=4):
    """Flow there and back of a picture whose points go ``p -> A (p − middle) + middle + t``; cells are 4 px."""
    width, height = size[0] * pixels, size[1] * pixels
    A, t = matrix[:, :2], matrix[:, 2] * pixels
    p = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    middle = np.array([width / 2, height / 2])

    def flow(M, shift):
        there = (p - middle) @ M.T + middle + shift
        outside = ((there < 0) | (there >= [width, height])).any(axis=-1)
        return (there - p).astype(np.float32), outside

    back = np.linalg.inv(A)
    return flow(A, t), flow(back, -back @ t)


def turn(angle, zoom=1.0, x=0.0, y=0.0):
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y]])


MOTIONS = {
    "rest": turn(0.0),
    "slow pan": turn(0.0, x=0.13, y=-0.07),
    "fast pan": turn(0.0, x=5.3, y=2.2),
    "turn": turn(0.05),
    "zoom in": turn(0.0, zoom=1.11),
    "zoom out": turn(0.0, zoom=0.9),
    "all at once": turn(0.03, zoom=1.06, x=1.4, y=-0.4),
}


@pytest.mark.parametrize("steady", [1.0, 0.5])
@pytest.mark.parametrize("motion", MOTIONS)
def test_noise_stays_white_and_gaussian(motion, steady):
    """Mean, variance, kurtosis and every near correlation after ten frames, each within 4.5 of its own sigmas."""
    noise = FlowNoise(SIZE, 24, seed=3, steady=steady)
    flow = affine(MOTIONS[motion])
    value = noise.next()
    for _ in range(10):
        value = noise.next(*flow)
    assert value.shape == (24, 32, 48) and value.dtype == np.float32
    n = value.size
    assert abs(value.mean()) < 4.5 / np.sqrt(n)
    assert abs(value.var() - 1) < 4.5 * np.sqrt(2 / n)
    assert abs((value**4).mean() - 3) < 4.5 * np.sqrt(96 / n)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (0, 5)):
        a = value[:, dy:, max(dx, 0) : 48 + min(dx, 0)]
        b = value[:, : 32 - dy, max(-dx, 0) : 48 - max(dx, 0)]
        assert abs((a * b).mean()) < 4.5 / np.sqrt(a.size), (dy, dx)
    between = np.corrcoef(value.reshape(24, -1))[np.triu_indices(24, 1)]
    assert abs(between).max() < 5 / np.sqrt(32 * 48)


def test_noise_follows_whole_cells_exactly():
    noise = FlowNoise(SIZE, 4, seed=1, steady=1.0)
    first, second = noise.next(), noise.next(*affine(turn(0.0, x=3.0, y=-2.0)))
    assert np.allclose(second[:, :-2, 3:], first[:, 2:, :-3], atol=1e-5)
    assert abs(np.corrcoef(second[:, -2:].ravel(), first[:, -2:].ravel())[0, 1]) < 0.2  # what came into view


@pytest.mark.parametrize("steady", [1.0, 0.5, 0.0])
def test_slow_motion_adds_up_and_steadiness_is_the_correlation(steady):
    """0.15 cells a frame would be rounded to rest; after 20 frames the noise is 3 cells on."""
    noise = FlowNoise(SIZE, 16, seed=2, steady=steady)
    flow = affine(turn(0.0, x=0.15))
    first = noise.next()
    for _ in range(20):
        last = noise.next(*flow)
    moved = np.corrcoef(last[..., 5:].ravel(), first[..., 2:-3].ravel())[0, 1]
    stayed = np.corrcoef(last.ravel(), first.ravel())[0, 1]
    assert abs(moved - steady) < 0.03 and abs(stayed) < 0.03


def test_noise_turns_and_grows_with_the_picture():
    for matrix, least in ((turn(0.02), 0.85), (turn(0.0, zoom=1.05), 0.85), (turn(0.0, zoom=0.95), 0.85)):
        noise = FlowNoise(SIZE, 16, seed=5, steady=1.0)
        first, second = noise.next(), noise.next(*affine(matrix))
        # Every point's old noise at its new place, by the nearest cell.
        y, x = np.mgrid[0:32, 0:48] + 0.5
        back = np.linalg.inv(matrix[:, :2])
        old = np.stack([x - 24, y - 16], axis=-1) @ back.T + [24, 16]
        inside = ((old > 1) & (old < [47, 31])).all(axis=-1)
        near = np.clip(np.floor(old).astype(int), 0, [47, 31])
        centred = inside & (np.abs(old - near - 0.5).max(axis=-1) < 0.15)
        assert centred.sum() > 20
        followed = np.corrcoef(second[:, centred].ravel(), first[:, near[..., 1], near[..., 0]][:, centred].ravel())
        assert followed[0, 1] > least - 0.15


def test_what_was_hidden_gets_its_own_noise():
    (forward, gone), (backward, hidden) = affine(turn(0.0))
    gone, hidden = gone.copy(), hidden.copy()
    gone[:, :64], hidden[:, :64] = True, True
    noise = FlowNoise(SIZE, 8, seed=4, steady=1.0)
    first, second = noise.next(), noise.next((forward, gone), (backward, hidden))
    assert np.array_equal(second[..., 16:], first[..., 16:])
    assert abs(np.corrcoef(second[..., :16].ravel(), first[..., :16].ravel())[0, 1]) < 0.05
    wild = np.full_like(forward, np.nan)
    assert np.isfinite(noise.next((wild, gone), (wild, hidden))).all()


def test_the_same_seed_gives_the_same_noise_and_another_another():
    def run(seed):
        noise = FlowNoise((8, 6), 2, seed)
        return [noise.next(), noise.next(*affine(turn(0.1, x=0.4), (8, 6))), noise.next()]

    a, b, c = run(7), run(7), run(8)
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert abs(np.corrcoef(a[1].ravel(), c[1].ravel())[0, 1]) < 0.4
    noise = FlowNoise((1, 1), 1)
    assert np.isfinite(noise.next()).all() and np.isfinite(noise.next(*affine(turn(0.3), (1, 1)))).all()


def test_noise_moves_with_a_drawn_figure():
    """A real world's flow: on the figure the noise goes along, around it the floor keeps its own."""
    from render import Rasterizer
    from tests import render_figures as figures

    world, path = figures.world(), figures.camera(moving=False)
    noise = FlowNoise((128, 96), 16, seed=6, steady=1.0)
    with Rasterizer((256, 192)) as rasterizer:
        a, b = (next(rasterizer.render(world, path, [k], ("ids",))) for k in (0, 11))
        first, second = noise.next(), noise.next(a.flow_to(11), b.flow_to(0))
        flow, hidden = b.flow_to(0)

    def cells(mask):
        return mask.reshape(96, 2, 128, 2).all(axis=(1, 3))

    floor = cells((np.abs(flow).max(axis=-1) < 1e-3) & ~hidden)
    same = np.isclose(second[:, floor], first[:, floor], atol=1e-5).all(axis=0)
    assert floor.sum() > 3000 and same.mean() > 0.97  # a cell beside the figure may take some of its noise
    move = flow.reshape(96, 2, 128, 2, 2).mean(axis=(1, 3)) / 2
    step = np.rint(move).astype(int)
    y, x = np.nonzero(cells((b.ids[..., 0] == 1) & ~hidden) & (step != 0).any(axis=-1))
    assert len(y) > 50
    old_x, old_y = x + step[y, x, 0], y + step[y, x, 1]
    followed = np.corrcoef(second[:, y, x].ravel(), first[:, old_y, old_x].ravel())[0, 1]
    stayed = np.corrcoef(second[:, y, x].ravel(), first[:, y, x].ravel())[0, 1]
    assert followed > 0.4 and stayed < 0.2


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: FlowNoise((0, 4), 1), "0x4 cells"),
        (lambda: FlowNoise((4, 4), 0), "0 channels"),
        (lambda: FlowNoise((4, 4), 1, steady=1.5), "expected 0 to 1"),
        (lambda: FlowNoise((4, 4), 1).next(affine(turn(0), (4, 4))[0]), "one way only"),
    ],
)
def test_bad_settings(make, text):
    with pytest.raises(BadInput, match=text):
        make()
