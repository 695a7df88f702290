"""One painted frame carried over to others: what is painted comes back, things keep their colours, time is steady."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import render_figures as figures
from PIL import Image

from motion.errors import BadInput
from render import Rasterizer, World
from render.style import Stylist, make_style
from render.style import patchmatch as pm
from render.style.bench import steadiness

SIZE = (96, 64)
PAINTED = 2  # the frame that is painted over


@pytest.fixture(scope="module")
def world() -> World:
    return figures.world(frames=30)


@pytest.fixture(scope="module")
def camera() -> Any:
    return figures.camera(frames=30)


@pytest.fixture(scope="module")
def rasterizer() -> Iterator[Rasterizer]:
    with Rasterizer((2 * SIZE[0], 2 * SIZE[1]), Stylist.settings_for()) as one:
        yield one


def stylist(painting: Path, world: World, camera: Any, rasterizer: Rasterizer, **settings: Any) -> Stylist:
    style = make_style("example", painting=str(painting), frame=PAINTED, **settings)
    return Stylist(
        style, world, camera, SIZE, draw=lambda k: next(rasterizer.render(world, camera, [k], Stylist.passes))
    )


def small(display: np.ndarray) -> np.ndarray:
    return display.reshape(64, 2, 96, 2, 3).astype(float).mean((1, 3))


def test_the_frame_itself_as_painting_gives_back_the_film(tmp_path, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    frames = list(rasterizer.render(world, camera, [PAINTED, 3, 8, 14], Stylist.passes))
    Image.fromarray(small(frames[0].display).round().astype(np.uint8)).save(tmp_path / "a.png")
    one = stylist(tmp_path / "a.png", world, camera, rasterizer)
    errors = [float(np.mean((one.picture(f) - small(f.display)) ** 2)) for f in frames]
    loss = [10 * np.log10(255**2 / max(e, 1e-6)) for e in errors]
    assert loss[0] > 50.0 and loss[1] > 27.0 and loss[3] > 21.0
    same = stylist(tmp_path / "a.png", world, camera, rasterizer)
    assert (same.picture(frames[2]) == one.picture(frames[2])).all(), "a picture depends on what was drawn before it"


def test_colours_by_thing_stay_with_their_things(tmp_path, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    paints = np.array([[250, 250, 250], [200, 30, 30], [30, 60, 200], [40, 160, 60]], np.uint8)
    key, other = rasterizer.render(world, camera, [PAINTED, 9], Stylist.passes)
    shown = paints[key.ids[..., 0]]
    Image.fromarray(small(shown).round().astype(np.uint8)).save(tmp_path / "ids.png")
    one = stylist(tmp_path / "ids.png", world, camera, rasterizer)
    picture = one.picture(other).astype(int)
    expected = small(paints[other.ids[..., 0]])
    instance = other.ids[..., 0]
    pure = (instance == instance[::2, ::2].repeat(2, 0).repeat(2, 1)).reshape(64, 2, 96, 2).all((1, 3))
    assert (np.abs(picture - expected).max(-1)[pure] < 60).mean() > 0.97
    frames = list(rasterizer.render(world, camera, range(5, 9), Stylist.passes))
    assert steadiness(one, frames).ratio < 4.0


def test_what_a_painting_must_be(tmp_path, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match="no such image"):
        stylist(tmp_path / "none.png", world, camera, rasterizer)
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(BadInput, match="cannot be read as an image"):
        stylist(tmp_path / "text.png", world, camera, rasterizer)
    Image.new("RGB", (50, 50)).save(tmp_path / "square.png")
    with pytest.raises(BadInput, match="50x50, expected the film's shape, 96x64"):
        stylist(tmp_path / "square.png", world, camera, rasterizer)
    Image.new("RGB", (192, 128)).save(tmp_path / "large.png")
    assert stylist(tmp_path / "large.png", world, camera, rasterizer).style.look.frame == PAINTED  # type: ignore[union-attr]
    with pytest.raises(BadInput, match="frame 99, expected 0 to 29"):
        Stylist(
            make_style("example", painting=str(tmp_path / "large.png"), frame=99), world, camera, SIZE,
            draw=lambda k: next(rasterizer.render(world, camera, [k], Stylist.passes)),
        )  # fmt: skip
    with pytest.raises(BadInput, match="needs `draw`"):
        Stylist(make_style("example", painting=str(tmp_path / "large.png")), world, camera, SIZE)


def test_another_shot_is_painted_without_the_first_ones_flow(tmp_path, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    cuts = np.zeros(30, bool)
    cuts[6] = True
    cut = replace(camera, cuts=cuts)
    (key,) = rasterizer.render(world, cut, [PAINTED], Stylist.passes)
    Image.fromarray(small(key.display).round().astype(np.uint8)).save(tmp_path / "a.png")
    one = stylist(tmp_path / "a.png", world, cut, rasterizer)
    (after,) = rasterizer.render(world, cut, [6], Stylist.passes)
    assert np.mean((one.picture(after) - small(after.display)) ** 2) < 30**2


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (2, 9)])
def test_tiny_pictures_by_example(tmp_path, size, world, camera):  # type: ignore[no-untyped-def]
    Image.new("RGB", size, (90, 20, 10)).save(tmp_path / "a.png")
    style = make_style("example", painting=str(tmp_path / "a.png"))
    with Rasterizer((2 * size[0], 2 * size[1]), Stylist.settings_for()) as r:
        one = Stylist(style, world, camera, size, draw=lambda k: next(r.render(world, camera, [k], Stylist.passes)))
        picture = one.picture(next(r.render(world, camera, [7], Stylist.passes)))
    assert picture.shape == (size[1], size[0], 3) and np.abs(picture - [90, 20, 10]).max() <= 1


def test_search_finds_a_picture_in_itself_moved():
    rng = np.random.default_rng(3)
    painting = rng.uniform(size=(40, 50, 3)).astype(np.float32)
    picture = painting[5:35, 8:44]
    texture = pm.Texture(painting)
    here, there = texture.describe(picture), texture.describe(painting)
    start = rng.uniform(0, 39, (30, 36, 2)).astype(np.float32)
    found = pm.search(start, here, there, (50, 40), np.random.default_rng(4), 8, 25.0)
    y, x = np.mgrid[0:30, 0:36]
    right = (np.abs(found[..., 0] - x - 8) < 0.6) & (np.abs(found[..., 1] - y - 5) < 0.6)
    assert right[3:-3, 3:-3].mean() > 0.9
    places = np.stack([x + 8.0, y + 5.0], axis=-1).astype(np.float32)
    assert np.allclose(pm.between(painting, places), picture)
    assert np.abs(pm.vote(places, painting, here, there, 1) - picture)[1:-1, 1:-1].max() < 1e-5
