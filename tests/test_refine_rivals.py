"""What the refiner is compared with: a grade that recovers a grade, and a filter that keeps to its surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import render_figures as figures

from cinemotion.bench_refine_rows import Cost
from motion.errors import BadInput
from render import Rasterizer
from render.frame import Frame
from render.refine import shards
from render.refine.rivals import AffineFit, GuidedFilter, enlarged
from render.tonemap import from_srgb8, shown


@pytest.fixture(scope="module")
def frame() -> Frame:
    with Rasterizer((64, 48)) as rasterizer:
        return next(rasterizer.render(figures.world(), figures.camera(), [0], shards.PASSES))


def test_an_affine_grade_is_found_again() -> None:
    rng = np.random.default_rng(0)
    beauty = rng.uniform(0.02, 0.6, (40, 40, 3)).astype(np.float32)
    wanted = from_srgb8(255.0 * (0.8 * shown(beauty)[..., ::-1] + 0.05))
    fit = AffineFit()
    with pytest.raises(BadInput, match="no pixels"):
        fit.fit()
    fit.add(beauty, wanted, np.ones((40, 40), bool))
    grade = fit.fit()
    np.testing.assert_allclose(grade.matrix, 0.8 * np.eye(3)[::-1], atol=2e-3)
    np.testing.assert_allclose(shown(grade.apply(beauty)), shown(wanted), atol=4e-3)


def test_a_filter_smooths_light_along_a_surface_and_not_across_its_edge(frame: Frame) -> None:
    assert frame.beauty is not None and frame.albedo_aa is not None and frame.alpha is not None
    ids = np.zeros_like(frame.ids)
    ids[:, 32:] = 1
    level = np.where(ids[..., :1] == 0, 0.2, 0.7).astype(np.float32)
    noise = np.random.default_rng(1).uniform(0.9, 1.1, level.shape).astype(np.float32)
    depth, normal = np.full((48, 64), 2.0, np.float32), np.tile(np.float32([0, 0, 1]), (48, 64, 1))
    even = replace(
        frame, albedo_aa=np.ones_like(frame.albedo_aa), alpha=np.ones_like(frame.alpha), ids=ids, depth=depth,
        normal=normal,
    )  # fmt: skip
    (found,) = GuidedFilter().run([replace(even, beauty=np.repeat(level * noise, 3, axis=2))])
    assert np.abs(found / level - 1).std() < 0.2 * np.abs(noise - 1).std() + 0.01
    for columns, light in ((slice(0, 32), 0.2), (slice(32, 64), 0.7)):
        assert found[:, columns].mean() == pytest.approx(light, rel=0.02)
        assert found[:, columns].min() > 0.9 * light and found[:, columns].max() < 1.1 * light
    (again,) = GuidedFilter().run([replace(even, beauty=np.repeat(level, 3, axis=2))])
    np.testing.assert_allclose(again, np.repeat(level, 3, axis=2), rtol=1e-4)


def test_a_filter_goes_along_time_and_begins_anew_with_a_shot() -> None:
    with Rasterizer((64, 48)) as rasterizer:
        frames = list(rasterizer.render(figures.world(), figures.camera(), range(3), shards.PASSES))
        rival = GuidedFilter()
        first = list(rival.run(frames))
        again = list(rival.run(frames))
        (alone,) = rival.run(frames[2:])
    np.testing.assert_array_equal(first, again)
    assert np.isfinite(first).all() and (np.array(first) >= 0).all()
    assert np.abs(first[2] - alone).max() > 1e-3, "no history was used"


def test_path_tracing_gets_as_many_paths_as_its_time_pays_for() -> None:
    cost = Cost(fixed=0.4, per_path=0.2, denoising=0.5)
    assert [cost.paths(s) for s in (0.5, 1.1, 1.3, 2.0)] == [1, 1, 2, 5]  # one path is the least there is
    assert cost.seconds(5) == pytest.approx(1.9)


def test_an_enlarged_picture_lies_where_the_small_one_lay() -> None:
    rows, columns = np.mgrid[0:40, 0:60]
    wide = np.stack([rows + columns, rows, np.full_like(rows, 9)], axis=-1).astype(np.float32) + 20
    small = wide.reshape(20, 2, 30, 2, 3).mean((1, 3))
    found = enlarged(small)
    assert found.shape == wide.shape
    away = (found - wide)[6:-6, 6:-6]
    assert np.abs(away).max() < 0.3 and np.abs(away.mean((0, 1))).max() < 0.02, "a shift by half a pixel were 0.5"
