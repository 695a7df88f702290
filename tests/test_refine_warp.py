"""A picture warped by exact flow is the picture here, on arrays and on tensors alike."""

from __future__ import annotations

import numpy as np
import pytest
import render_figures as figures

from motion.errors import BadInput
from motion.stage import Stage
from render import Rasterizer, RenderSettings
from render.refine.warp import warp, warp_torch

RNG = np.random.default_rng


def pair(height: int, width: int, seed: int = 0, reach: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    rng = RNG(seed)
    return rng.random((height, width, 3), np.float32), rng.normal(0, reach, (height, width, 2)).astype(np.float32)


def test_no_flow_changes_nothing() -> None:
    image, flow = pair(9, 13)
    assert np.array_equal(warp(image, 0 * flow), image)
    assert np.array_equal(warp(image[..., 0], 0 * flow), image[..., 0])


def test_whole_pixels_are_a_shift() -> None:
    image, _ = pair(8, 11)
    flow = np.broadcast_to(np.array([2.0, -3.0], np.float32), (8, 11, 2))
    assert np.array_equal(warp(image, flow)[3:, :-2], image[:-3, 2:])


def test_a_ramp_is_read_between_pixels() -> None:
    y, x = np.mgrid[:12, :16].astype(np.float32)
    ramp = 3 * x - 2 * y
    flow = np.broadcast_to(np.array([0.3, -0.6], np.float32), (12, 16, 2))
    inside = (slice(2, -2), slice(2, -2))
    assert warp(ramp, flow)[inside] == pytest.approx((ramp + 3 * 0.3 + 2 * 0.6)[inside], abs=1e-5)


def test_it_is_linear_in_the_picture() -> None:
    a, flow = pair(15, 10, 1)
    b, _ = pair(15, 10, 2)
    assert warp(2 * a - b, flow) == pytest.approx(2 * warp(a, flow) - warp(b, flow), abs=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 1), (17, 31), (90, 160)])
def test_tensors_say_what_arrays_say(size: tuple[int, int]) -> None:
    import torch

    image, flow = pair(*size, seed=3, reach=20.0)
    tensor = warp_torch(torch.from_numpy(image).permute(2, 0, 1)[None], torch.from_numpy(flow).permute(2, 0, 1)[None])
    assert tensor[0].permute(1, 2, 0).numpy() == pytest.approx(warp(image, flow), abs=2e-5)


def test_wild_flow_reads_the_border_and_never_fails() -> None:
    import torch

    image, flow = pair(5, 6)
    flow[0, 0], flow[1, 1], flow[2, 2], flow[3, 3] = np.nan, np.inf, -np.inf, 1e30
    shown = warp(image, flow)
    assert np.array_equal(shown[0, 0], image[0, 0])
    assert np.array_equal(shown[1, 1], image[-1, -1]) and np.array_equal(shown[2, 2], image[0, 0])
    tensor = warp_torch(torch.from_numpy(image).permute(2, 0, 1)[None], torch.from_numpy(flow).permute(2, 0, 1)[None])
    assert tensor[0].permute(1, 2, 0).numpy() == pytest.approx(shown, abs=1e-5)


def test_gradients_reach_picture_and_flow() -> None:
    import torch

    image = torch.rand(1, 2, 6, 7, requires_grad=True)
    flow = torch.full((1, 2, 6, 7), 0.3, requires_grad=True)
    warp_torch(image, flow).sum().backward()
    assert float(image.grad.sum()) == pytest.approx(2 * 6 * 7, abs=1e-3) and flow.grad.abs().sum() > 0


def test_half_precision_knows_its_neighbours_in_a_wide_picture() -> None:
    import torch

    row = (torch.arange(3000) % 2).half()[None, None, None]
    assert torch.allclose(warp_torch(row, torch.zeros(1, 2, 1, 3000)), row, atol=1e-3)


def test_shapes_that_do_not_fit_are_said() -> None:
    import torch

    with pytest.raises(BadInput, match=r"\(4, 5, 3\) and flow \(5, 4, 2\)"):
        warp(np.zeros((4, 5, 3)), np.zeros((5, 4, 2)))
    with pytest.raises(BadInput, match="expected"):
        warp(np.zeros((0, 5, 3)), np.zeros((0, 5, 2)))
    with pytest.raises(BadInput, match="expected"):
        warp_torch(torch.zeros(1, 3, 4, 5), torch.zeros(1, 4, 5, 2))


def test_albedo_of_the_frame_before_is_the_albedo_here() -> None:
    """The error is least where the flow says, to a tenth of a pixel: flow and warp mean the same by a pixel's place."""
    world, camera = figures.world(Stage("concrete", "noon")), figures.camera()
    with Rasterizer((240, 180), RenderSettings(samples=1)) as rasterizer:
        before, here = rasterizer.render(world, camera, [4, 5], ("albedo", "ids"))
        flow, occluded = here.flow_to(4)
    seen = ~occluded & (here.ids[..., 0] > 0)
    assert seen.mean() > 0.4

    def error(x: float, y: float) -> float:
        moved = flow + np.array([x, y], np.float32)
        return float(np.abs(warp(before.albedo, moved) - here.albedo)[seen].mean())

    exact = error(0, 0)
    assert exact < 0.007
    assert np.abs(before.albedo - here.albedo)[seen].mean() > 1.2 * exact
    for low, high in ((error(-0.5, 0), error(0.5, 0)), (error(0, -0.5), error(0, 0.5))):
        assert min(low, high) > 1.15 * exact
        assert abs(0.25 * (low - high) / (low - 2 * exact + high)) < 0.1  # lowest point of the parabola through three
