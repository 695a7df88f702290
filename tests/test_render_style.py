"""The drawn looks: steady on surfaces, anti-aliased, the same in any order, mixed by strength without halos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import render_figures as figures

from motion.errors import BadInput
from motion.stage import Stage
from render import Rasterizer, World
from render.style import LOOKS, Clay, Example, Stylist, Toon, make_style
from render.style.bench import steadiness
from render.style.lines import draw_lines
from render.style.noise import at_any_zoom, soft, soft_within, stripes
from render.style.settings import Style
from render.style.surface import Stagecraft, Surface

SIZE = (96, 64)
DRAWN = ("toon", "pencil", "watercolour", "clay")


@pytest.fixture(scope="module")
def world() -> World:
    return figures.world()


@pytest.fixture(scope="module")
def camera():  # type: ignore[no-untyped-def]
    return figures.camera()


@pytest.fixture(scope="module")
def rasterizer() -> Iterator[Rasterizer]:
    with Rasterizer((2 * SIZE[0], 2 * SIZE[1]), Stylist.settings_for()) as one:
        yield one


def drawn(rasterizer: Rasterizer, world: World, camera, *frames: int) -> list[Any]:  # type: ignore[no-untyped-def]
    return list(rasterizer.render(world, camera, frames, Stylist.passes))


@pytest.mark.parametrize("look", DRAWN)
def test_a_picture_is_the_same_whatever_was_drawn_before(look, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    style = make_style(look)
    first, second = drawn(rasterizer, world, camera, 3, 4)
    one = Stylist(style, world, camera, SIZE)
    forwards = [one.picture(f) for f in (first, second)]
    backwards = [Stylist(style, world, camera, SIZE).picture(f) for f in (second, first)]
    assert forwards[0].shape == (64, 96, 3) and forwards[0].dtype == np.uint8
    assert (forwards[0] == backwards[1]).all() and (forwards[1] == backwards[0]).all()
    plain = first.display.reshape(64, 2, 96, 2, 3).mean((1, 3))
    assert np.abs(forwards[0] - plain).mean() > 3.0, "a style must be seen"


def test_a_seed_draws_another_picture(world, camera, rasterizer):  # type: ignore[no-untyped-def]
    (frame,) = drawn(rasterizer, world, camera, 3)
    pictures = [Stylist(make_style("watercolour", seed=s), world, camera, SIZE).picture(frame) for s in (0, 1)]
    assert (pictures[0] != pictures[1]).any()


@pytest.mark.parametrize("look", ["clay", "watercolour", "pencil"])
def test_any_seed_has_chance_as_fine_as_another(look, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    (frame,) = drawn(rasterizer, world, camera, 3)
    small, large = (Stylist(make_style(look, seed=s), world, camera, SIZE).picture(frame) for s in (3, 2**62 + 7))
    assert (small != large).any()
    rough = [np.abs(np.diff(p.astype(float), axis=1)).mean() for p in (small, large)]
    assert 0.8 < rough[1] / rough[0] < 1.25


@pytest.mark.parametrize(("look", "most"), [("toon", 3.0), ("pencil", 3.5), ("watercolour", 2.5), ("clay", 1.6)])
def test_pictures_are_steady_along_exact_flow(look, most, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    frames = drawn(rasterizer, world, camera, 3, 4, 5)
    found = steadiness(Stylist(make_style(look), world, camera, SIZE), frames)
    assert 0.0 < found.ratio < most
    with pytest.raises(BadInput, match="two consecutive frames"):
        steadiness(Stylist(make_style(look), world, camera, SIZE), frames[::2])


def test_chance_moves_with_the_surfaces(world, camera, rasterizer):  # type: ignore[no-untyped-def]
    craft = Stagecraft(world)
    here, there = drawn(rasterizer, world, camera, 0, 11)
    flow, occluded = here.flow_to(11)
    a, b = (Surface(f, craft).chance(9.0, 0) for f in (here, there))
    rows, columns = np.nonzero((here.ids[..., 0] == 1) & ~occluded)
    y = np.rint(rows + flow[rows, columns, 1]).astype(int).clip(0, 127)
    x = np.rint(columns + flow[rows, columns, 0]).astype(int).clip(0, 191)
    carried = np.corrcoef(a[rows, columns], b[y, x])[0, 1]
    stuck = np.corrcoef(a[rows, columns], b[rows, columns])[0, 1]
    assert carried > 0.8 and stuck < carried - 0.2


@pytest.mark.parametrize("look", DRAWN)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (33, 17)])
@pytest.mark.parametrize("fine", [True, False])
def test_any_size_can_be_drawn(look, size, fine, world, camera):  # type: ignore[no-untyped-def]
    stylist = Stylist(make_style(look), world, camera, size, fine=fine)
    with Rasterizer(stylist.frame_size, stylist.settings) as rasterizer:
        picture = stylist.picture(next(rasterizer.render(world, camera, [2], stylist.passes)))
    assert picture.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("look", DRAWN)
def test_light_that_is_no_number_leaves_no_hole(look, world, camera, rasterizer):  # type: ignore[no-untyped-def]
    (frame,) = drawn(rasterizer, world, camera, 3)
    diffuse, specular = frame.diffuse.copy(), frame.specular.copy()
    diffuse[60:64, 90:96] = np.nan
    specular[20, 20] = np.inf
    stylist = Stylist(make_style(look), world, camera, SIZE)
    hurt, whole = (stylist.picture(f).astype(int) for f in (replace(frame, diffuse=diffuse, specular=specular), frame))
    far = np.abs(hurt - whole).max(-1) > 8
    rows, columns = np.nonzero(far)
    near = ((abs(rows - 31) < 14) & (abs(columns - 46) < 14)) | ((abs(rows - 10) < 14) & (abs(columns - 10) < 14))
    assert near.all(), "what is wrong in one place spreads"


def test_what_a_style_needs_is_said(world, camera, rasterizer):  # type: ignore[no-untyped-def]
    (frame,) = drawn(rasterizer, world, camera, 3)
    with pytest.raises(BadInput, match="no pass 'normal'"):
        Stylist(make_style("toon"), world, camera, SIZE).picture(replace(frame, normal=None))
    with pytest.raises(BadInput, match="is 192x128, expected 64x64"):
        Stylist(make_style("toon"), world, camera, (32, 32)).picture(frame)
    with pytest.raises(BadInput, match="unknown thing to style 'bax'; did you mean 'box'"):
        Stylist(make_style("toon", {"bax": 1.0}), world, camera, SIZE)
    with pytest.raises(BadInput, match="plain picture"):
        Stylist(make_style("toon", {"box": 0.5}), world, camera, SIZE).picture(frame, np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize(
    ("look", "settings", "words"),
    [
        ("toone", {}, "unknown look 'toone'; did you mean 'toon'"),
        ("toon", {"tone": 3}, "unknown setting of style toon 'tone'; did you mean 'tones'"),
        ("toon", {"tones": 9}, "tones is 9, expected a whole number from 2 to 4"),
        ("toon", {"tones": 2.5}, "expected a whole number"),
        ("pencil", {"grain": float("nan")}, "grain is nan"),
        ("clay", {"every": 0}, "every is 0"),
        ("clay", {"bump": "much"}, "bump is 'much'"),
        ("clay", {"boil": 3}, "boil is 3, expected true or false"),
        ("example", {}, "expected the path of a painted frame"),
    ],
)
def test_wrong_settings_are_told_apart(look, settings, words):  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match=words):
        make_style(look, **settings)


def test_strengths_are_checked_and_looks_listed():  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match="strength of 'hero' is 2"):
        make_style("toon", {"hero": 2})
    assert set(LOOKS) == {*DRAWN, "example"}
    assert make_style("watercolor").look == make_style("watercolour").look
    style = Style(Toon(), {"others": 0.25, "hero": 1.0})
    assert (style.strength_of("hero"), style.strength_of("bench"), Style(Toon()).strength_of("x")) == (1.0, 0.25, 1.0)
    assert Example(painting="a.png").frame == 0


def test_strength_mixes_by_coverage(world, camera, rasterizer):  # type: ignore[no-untyped-def]
    (frame,) = drawn(rasterizer, world, camera, 3)
    instance = frame.ids[..., 0]
    plain = np.full((64, 96, 3), 77, np.uint8)

    def picture(strength: dict[str, float]) -> np.ndarray:
        return Stylist(make_style("toon", strength), world, camera, SIZE).picture(frame, plain).astype(int)

    assert (picture({"others": 0.0}) == 77).all()
    full = Stylist(make_style("toon"), world, camera, SIZE).picture(frame).astype(int)
    hero = picture({"actor0": 1.0, "others": 0.0})
    inside = (instance == 1).reshape(64, 2, 96, 2).all((1, 3))
    outside = (instance != 1).reshape(64, 2, 96, 2).all((1, 3))
    assert np.abs(hero - full)[inside].max() <= 1
    assert np.abs(hero - 77)[outside].max() <= 1, "style must not leave a halo"
    border = ~inside & ~outside
    assert border.any()
    own = frame.display.astype(int)
    low = np.minimum(full, own.reshape(64, 2, 96, 2, 3).min((1, 3)))[border].min(-1)
    assert (hero[border].max(-1) >= np.minimum(low, 77) - 2).all()


def test_clay_moves_on_twos_from_the_cut(world):  # type: ignore[no-untyped-def]
    cuts = np.zeros(12, bool)
    cuts[5] = True
    camera = replace(figures.camera(), cuts=cuts)
    stylist = Stylist(Style(Clay(every=2)), world, camera, SIZE)
    assert [stylist.shown(k) for k in range(12)] == [0, 0, 2, 2, 4, 5, 5, 7, 7, 9, 9, 11]
    assert Stylist(Style(Clay()), world, camera, SIZE).shown(7) == 7


def test_rest_coordinates_stay_on_a_moving_body(world, camera, rasterizer):  # type: ignore[no-untyped-def]
    craft = Stagecraft(world)
    here, there = drawn(rasterizer, world, camera, 2, 6)
    flow, occluded = here.flow_to(6)
    a, b = (Surface(f, craft).anchor for f in (here, there))
    rows, columns = np.nonzero((here.ids[..., 0] == 1) & ~occluded)
    y = np.rint(rows + flow[rows, columns, 1]).astype(int).clip(0, 127)
    x = np.rint(columns + flow[rows, columns, 0]).astype(int).clip(0, 191)
    same = there.ids[y, x, 1] == here.ids[rows, columns, 1]
    off = np.linalg.norm(a[rows, columns] - b[y, x], axis=-1)[same]
    # A pixel is about a centimetre; places are compared to the nearest one.
    assert same.sum() > 300 and np.median(off) < 0.012 and np.quantile(off, 0.9) < 0.04


def test_hatching_keeps_its_lines_when_the_camera_comes_nearer():
    phase = np.linspace(0.0, 1.0, 4001)
    far, _ = stripes(phase, np.full(4001, 0.010), 5.0)
    near, grown = stripes(phase, np.full(4001, 0.006), 5.0)
    lines_far = phase[np.r_[False, (far[1:-1] < far[:-2]) & (far[1:-1] <= far[2:]), False]]
    lines_near = phase[np.r_[False, (near[1:-1] < near[:-2]) & (near[1:-1] <= near[2:]), False] & (grown == 1.0)]
    assert len(lines_far) >= 8
    assert all(np.abs(lines_near - at).min() < 1e-3 for at in lines_far[1:-1])
    assert 0.0 <= grown.min() and grown.max() == 1.0


def test_noise_on_a_surface_neither_slides_nor_fades_with_distance():
    rng = np.random.default_rng(1)
    place = rng.uniform(0, 40, (20_000, 3)).astype(np.float32)
    for wavelength in (0.3, 0.41, 0.55, 0.599):
        values = at_any_zoom(place, np.full(len(place), wavelength, np.float32), 0)
        assert 0.42 < values.std() < 0.58
    near = at_any_zoom(place, np.full(len(place), 0.5, np.float32), 0)
    nearer = at_any_zoom(place, np.full(len(place), 0.495, np.float32), 0)
    assert np.corrcoef(near, nearer)[0, 1] > 0.98


@pytest.mark.parametrize("angle", [0.0, 0.2, 0.5, np.pi / 4, 1.2])
def test_a_line_is_as_wide_as_asked_in_any_direction(angle):  # type: ignore[no-untyped-def]
    y, x = np.mgrid[0:128, 0:128] - 63.5
    side = (x * np.cos(angle) + y * np.sin(angle)) > 0
    right, below = np.zeros((128, 128), np.float32), np.zeros((128, 128), np.float32)
    right[:, :-1] = side[:, :-1] != side[:, 1:]
    below[:-1] = side[:-1] != side[1:]
    line = draw_lines((right, below), 5.0)
    inside = (np.abs(x) < 40) & (np.abs(y) < 40) & (np.abs(-x * np.sin(angle) + y * np.cos(angle)) < 25)
    assert line[inside].sum() / 50.0 == pytest.approx(5.0, abs=0.8)
    assert (np.isin(line, (0.0, 1.0)).mean()) < 1.0
    assert not draw_lines((right, below), 0.0).any()


def test_a_wide_blur_at_a_small_size_is_a_blur():
    rng = np.random.default_rng(2)
    picture = rng.uniform(size=(70, 91, 3)).astype(np.float32)
    assert soft(picture, 12.0).shape == picture.shape
    assert soft(picture, 12.0).mean() == pytest.approx(picture.mean(), abs=0.02)
    mask = np.zeros((70, 91), bool)
    mask[:, 40:] = True
    picture[~mask] = 50.0
    assert soft_within(picture, mask, 9.0)[:, 42:].max() < 1.0


def test_a_world_without_ground_people_or_props_is_styled_too(camera):  # type: ignore[no-untyped-def]
    empty = World([], Stage(ground=None, light="night"))
    for look in DRAWN:
        stylist = Stylist(make_style(look), empty, camera, (24, 16))
        with Rasterizer(stylist.frame_size, stylist.settings) as rasterizer:
            assert stylist.picture(next(rasterizer.render(empty, camera, [0], stylist.passes))).std() < 60
