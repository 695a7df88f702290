"""Beauty: anti-aliasing, motion blur, depth of field, alpha, catchers and plates; the same bytes every time."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import render_figures as figures

from motion import rotations as rot
from motion.camera import CameraPath, look_at
from motion.material import Material
from motion.stage import Light, Prop, Stage
from render import Rasterizer, RenderSettings, World
from render.materials import GROUNDS, ground_tile
from render.tonemap import to_srgb8

SIZE = (72, 64)


def draw(world: World, camera: CameraPath, k: int = 4, size: tuple[int, int] = SIZE, **settings: object):
    with Rasterizer(size, RenderSettings(**settings)) as rasterizer:  # type: ignore[arg-type]
        return next(rasterizer.render(world, camera, [k], ("beauty", "albedo_aa", "ids")))


def white_ball(light: str = "overcast", albedo: float = 1.0) -> World:
    paint = Material("white", (albedo, albedo, albedo), roughness=1.0)
    ball = Prop("ball", "sphere", (1.0, 1.0, 1.0), position=np.array([0.0, 1.0, 0.0]), material=paint)
    return World([], Stage(None, light, props=(ball,)))


def ball_camera(**options: object) -> CameraPath:
    pose = look_at(np.tile([0.0, 1.5, 4.0], (9, 1)), np.array([0.0, 1.5, 0.0]))
    return CameraPath(pose, np.array(50.0), Fraction(30), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_ground_has_no_seams_at_large(ground: str) -> None:
    # Its last channel is read again at fourteen times the scale: an edge in it would be a wall across the floor.
    large = ground_tile(GROUNDS[ground].kind)[..., 3].astype(int)
    steps = [np.abs(large - np.roll(large, 1, axis=axis)).max() for axis in (0, 1)]
    assert max(steps) < 16 and np.ptp(large) > 64


def test_many_samples_converge() -> None:
    world, camera = figures.world(), figures.camera()
    reference = draw(world, camera, samples=96).beauty
    errors = [np.abs(draw(world, camera, samples=n).beauty - reference).mean() for n in (1, 4, 16)]
    assert errors[0] > 1.5 * errors[1] > 2 * errors[2]


@pytest.mark.parametrize("moving", [False, True])
def test_a_resting_camera_gains_nothing_but_speed(moving: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shared backdrop is what every sample would have drawn."""
    world, camera = figures.world(Stage("studio", "studio")), figures.camera(moving=moving)
    quick = draw(world, camera, samples=8)
    monkeypatch.setattr("render.rasterizer.draw.at_rest", lambda views: False)
    full = draw(world, camera, samples=8)
    assert np.abs(quick.beauty - full.beauty).mean() < 0.004
    assert np.quantile(np.abs(quick.beauty - full.beauty), 0.999) < 0.06
    # Only along the horizon, where a sample is sky or ground, may coverage differ.
    assert np.count_nonzero((np.abs(quick.alpha - full.alpha) > 1e-6).any(axis=1)) <= 2


def test_edges_are_partly_covered() -> None:
    frame = draw(white_ball(), ball_camera(), samples=16, transparent=True)
    area = np.pi * 0.25 * (50 / 36 * SIZE[0] / 4.0) ** 2
    assert frame.alpha.sum() == pytest.approx(area, rel=0.03)
    partly = (frame.alpha > 0.05) & (frame.alpha < 0.95)
    assert 30 < partly.sum() < 200
    assert frame.alpha[0].max() == 0 and frame.alpha.max() == pytest.approx(1)
    assert not frame.beauty[frame.alpha == 0].any()  # premultiplied


def test_albedo_has_the_filter_of_beauty() -> None:
    frame = draw(white_ball(albedo=0.5), ball_camera(), samples=12, transparent=True)
    assert np.allclose(frame.albedo_aa, 0.5 * frame.alpha[..., None], atol=1e-5)


def test_shutter_blurs_what_moves() -> None:
    world = figures.world(frames=12)
    still, open_ = (figures.camera(moving=False, shutter_angle=angle) for angle in (0.0, 360.0))
    sharp, blurred = (draw(world, camera, samples=24) for camera in (still, open_))
    changed = np.abs(sharp.beauty - blurred.beauty).max(-1)
    assert changed.max() > 0.015
    assert np.quantile(changed[:20, :10], 0.5) < 0.01  # sky and far ground stand still
    # A frozen shutter shows one instant whatever the frame rate.
    assert np.array_equal(sharp.ids, blurred.ids)


def test_shutter_never_sees_another_shot() -> None:
    pose = np.concatenate([figures.camera(4).T_world_camera, look_at(np.tile([5.0, 1, -3], (4, 1)), np.zeros(3))])
    cuts = np.array([False] * 4 + [True] + [False] * 3)
    whole = CameraPath(pose, np.array(30.0), Fraction(30), cuts=cuts, shutter_angle=360.0)
    alone = CameraPath(pose[:4], np.array(30.0), Fraction(30), shutter_angle=360.0)
    world = figures.world()
    assert np.array_equal(draw(world, whole, 3, samples=6).beauty, draw(world, alone, 3, samples=6).beauty)


def test_lens_blurs_what_is_not_in_focus() -> None:
    near = Prop("near", "box", (0.3, 0.3, 0.3), position=np.array([-0.5, 1.2, 1.5]), rotation=rot.yaw(0.3))
    far = Prop("far", "box", (0.6, 0.6, 0.6), position=np.array([0.7, 1.2, -2.0]), rotation=rot.yaw(0.3))
    world = World([], Stage("concrete", "noon", props=(near, far)))

    def edges(focus: float) -> tuple[float, float]:
        frame = draw(world, ball_camera(focus_m=focus, f_stop=0.4), samples=32)
        grey = frame.beauty.mean(-1)
        slope = np.abs(np.diff(grey, axis=1))
        return float(slope[20:40, :30].max()), float(slope[20:40, 42:].max())

    near_sharp, far_soft = edges(2.5)
    near_soft, far_sharp = edges(6.0)
    assert near_sharp > 1.3 * near_soft and far_sharp > 1.3 * far_soft


def test_the_same_bytes_whatever_came_before() -> None:
    world, camera = figures.world(), figures.camera()
    passes = ("all", "display")
    with Rasterizer(SIZE) as one:
        frames = {f.index: f for f in one.render(world, camera, [0, 3, 7, 5], passes)}
        frames[0].flow_to(9)
        again = next(one.render(world, camera, [5], passes))
    with Rasterizer(SIZE) as other:
        alone = next(other.render(figures.world(), camera, [5], passes))
        flow = alone.flow_to(6)
        for name in ("beauty", "alpha", "display", "depth", "normal", "ids", "albedo", "albedo_aa", "diffuse"):
            assert np.array_equal(getattr(alone, name), getattr(frames[5], name)), name
            assert np.array_equal(getattr(again, name), getattr(frames[5], name)), name
        assert all(np.array_equal(a, b) for a, b in zip(flow, alone.flow_to(6), strict=True))


def test_a_furnace_keeps_its_energy() -> None:
    """In light from the sky alone no surface gives back more than the brightest of the sky, nor almost nothing."""
    world = white_ball("overcast")
    frame = draw(world, ball_camera(), samples=1)
    ball = frame.ids[..., 0] == 1
    bright = frame.beauty[ball]
    assert np.isfinite(frame.beauty).all() and (frame.beauty >= 0).all()
    assert bright.max() < 1.25  # zenith 0.84 and a weak sun of 0.25
    assert bright.mean() > 0.25


@pytest.mark.parametrize("light", ["noon", "golden_hour", "overcast", "night", "studio"])
def test_every_light_is_well_exposed(light: str) -> None:
    frame = draw(figures.world(Stage("concrete", light)), figures.camera(), samples=2)
    shown = to_srgb8(frame.beauty).mean()
    assert (15 if light == "night" else 70) < shown < (90 if light == "night" else 200)


@pytest.mark.parametrize("ground", ["grass", "concrete", "wood", "grid"])
def test_grounds_do_not_shimmer_far_away(ground: str) -> None:
    pose = look_at(np.array([[0.013 * i, 1.6, 0.0] for i in range(6)]), np.array([0.0, 1.2, -9.0]))
    camera = CameraPath(pose, np.array(35.0), Fraction(30))
    with Rasterizer((96, 64)) as rasterizer:
        frames = [f.beauty.mean(-1) for f in rasterizer.render(World([], Stage(ground, "noon")), camera, range(6))]
    change = np.abs(np.diff(frames, axis=0))[:, 34:44]  # the ground from some 12 m on
    assert change.mean() < 0.02 * np.mean(frames)


def test_sun_casts_a_soft_shadow_where_it_should() -> None:
    post = Prop("post", "box", (0.3, 1.0, 0.3), position=np.zeros(3))
    stage = Stage("concrete", "noon", sun_azimuth=np.pi / 2, sun_elevation=np.pi / 4, props=(post,))
    pose = look_at(np.tile([0.0, 6.0, 0.01], (2, 1)), np.zeros(3))
    camera = CameraPath(pose, np.array(30.0), Fraction(30))
    with Rasterizer((90, 90), RenderSettings(samples=1)) as rasterizer:
        lit = next(rasterizer.render(World([], stage), camera, [0], ("diffuse", "ids")))
    sun = lit.diffuse[..., 0]
    middle = sun[44:46]
    # The sun stands at +X: the shadow lies 0.15 to 1.15 m towards −X. One metre is 12.5 px from up here.
    assert middle[:, 36:40].mean() < 0.55 * middle[:, 55:60].mean()
    assert middle[:, 10:25].mean() > 0.95 * middle[:, 60:80].mean()


def test_contact_darkens_the_ground_without_a_sun() -> None:
    box = Prop("box", "box", (0.6, 0.6, 0.6), position=np.zeros(3))
    stage = Stage("concrete", "overcast", sun_elevation=np.pi / 2, props=(box,))
    pose = look_at(np.tile([0.0, 5.0, 0.01], (2, 1)), np.zeros(3))
    camera = CameraPath(pose, np.array(30.0), Fraction(30))
    with Rasterizer((96, 96), RenderSettings(samples=1)) as rasterizer:
        frame = next(rasterizer.render(World([], stage), camera, [0], ("diffuse", "ids")))
    row, ids = frame.diffuse[48, :, 1], frame.ids[48, :, 0]
    edge = int(np.flatnonzero(ids == 1).max()) + 1
    assert row[edge + 1] < 0.88 * row[-3]  # some 13 cm from the wall: its top hides the ground nearer by
    assert np.all(np.diff(row[edge + 1 : edge + 8]) > -0.03)


def test_lamps_light_what_they_point_at() -> None:
    lamp = Light("spot", np.array([0.0, 3.0, 0.0]), intensity=60.0, target=np.zeros(3), angle=0.3)
    pose = look_at(np.tile([0.0, 8.0, 0.01], (2, 1)), np.zeros(3))
    camera = CameraPath(pose, np.array(30.0), Fraction(30))
    worlds = [World([], Stage("concrete", "night", lights=lamps)) for lamps in ((), (lamp,))]
    dark, lit = (draw(world, camera, 0, samples=1) for world in worlds)
    more = (lit.beauty - dark.beauty).mean(-1)
    assert more[30:34, 34:38].mean() > 0.05
    assert np.abs(more[:8]).max() < 0.01


def test_transparent_ground_only_catches_shadows() -> None:
    stage = Stage("concrete", "noon")
    frame = draw(figures.world(stage), figures.camera(), samples=4, transparent=True)
    ground = frame.ids[..., 0] == 0
    assert frame.alpha[:6].max() < 1e-6
    assert 0.1 < frame.alpha[ground].max() <= 1.0
    assert not (frame.ids[..., 0] == 2).any()
    with Rasterizer(SIZE, RenderSettings(transparent=True)) as rasterizer:
        data = next(rasterizer.render(figures.world(stage), figures.camera(), [4], ("depth", "ids", "normal")))
    assert not data.depth[data.ids[..., 0] == 0].any() and (data.depth[data.ids[..., 0] == 1] > 0).all()


def test_a_plate_shows_as_it_is_with_shadows_on_it(tmp_path: Path) -> None:
    from PIL import Image

    shade = np.zeros((64, 72, 3), np.uint8)
    shade[...] = np.linspace(60, 180, 72).astype(np.uint8)[:, None]
    Image.fromarray(shade).save(tmp_path / "plate.png")
    world = figures.world(Stage("concrete", "noon", plate=str(tmp_path / "plate.png")))
    with Rasterizer(SIZE) as rasterizer:
        frame = next(rasterizer.render(world, figures.camera(), [4], ("display", "ids", "beauty")))
        flow, _ = frame.flow_to(5)
    assert np.abs(frame.display[:8].astype(int) - shade[:8]).max() <= 3
    empty = frame.ids[..., 0] == 0
    darker = shade.astype(int) - frame.display
    assert darker[empty].max() > 20 and np.quantile(darker[empty], 0.03) > -6
    assert not flow[empty].any()


def test_nothing_leaks_over_many_frames() -> None:
    import resource

    world, camera = figures.world(), figures.camera()
    with Rasterizer((16, 16), RenderSettings(samples=2)) as rasterizer:
        for _ in rasterizer.render(world, camera, [0, 1] * 20, ("all",)):
            pass
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for frame in rasterizer.render(world, camera, [k % 12 for k in range(80)], ("all",)):
            frame.flow_to(0)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000  # KiB


def test_frames_own_their_arrays() -> None:
    with Rasterizer(SIZE, RenderSettings(samples=2)) as rasterizer:
        first, second = rasterizer.render(figures.world(), figures.camera(), [0, 9], ("all",))
        kept = first.beauty.copy()
        next(rasterizer.render(figures.world(), figures.camera(), [5], ("all",)))
    assert np.array_equal(first.beauty, kept) and not np.shares_memory(first.beauty, second.beauty)
    assert replace(first, index=3).index == 3
