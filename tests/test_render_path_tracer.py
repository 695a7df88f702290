"""The path tracer shows the rasterizer's own world, with the same edges and direct light, and obeys laws of light."""

from __future__ import annotations

import gc
import importlib.util
import logging
import weakref
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import render_figures as figures

from motion import rotations as rot
from motion.camera import CameraPath, look_at
from motion.errors import BadInput, CinemotionError, MissingExtra
from motion.material import Material
from motion.stage import Light, Prop, Stage
from render import Rasterizer, RenderSettings, World, materials
from render.frame import Frame
from render.lighting import LightPreset, irradiance
from render.path_tracer import PathSettings, PathTracer, llvm, variant
from render.path_tracer.denoise import denoise
from render.path_tracer.sensor import whole
from render.view import view

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mitsuba") is None, reason="mitsuba is not installed")

SIZE = (128, 72)
DARK = (0.0, 0.0, 0.0)
SUN = LightPreset((1.6, 1.5, 1.3), np.deg2rad(35), np.deg2rad(56), 1e-4, DARK, DARK, DARK, 4.0)
EVEN = LightPreset(DARK, 0.0, 1.0, 0.01, (1.0,) * 3, (1.0,) * 3, (1.0,) * 3, 1.0)
SHARP = RenderSettings(samples=32, max_samples=32)


def settings(**changes: Any) -> PathSettings:
    return replace(PathSettings(spp=25, depth=2), **changes)


def camera(frames: int = 3, **lens: Any) -> CameraPath:
    pose = look_at(np.array([0.5, 1.6, 3.6]), np.array([0.0, 0.25, 0.0]))
    return CameraPath(np.repeat(pose[None], frames, axis=0), np.array(30.0), Fraction(30), **lens)


def ball(name: str, at: tuple[float, float, float], material: Material, size: float = 0.4) -> Prop:
    return Prop(name, "sphere", (size,) * 3, position=np.array(at), material=material)


def plain() -> World:
    """Balls matte to shiny and of metal, a grey box and a white one, under a sun alone."""
    props = []
    for row, metallic in enumerate((0.0, 1.0)):
        for column, roughness in enumerate((0.4, 0.7, 1.0)):
            material = Material(f"{metallic}{roughness}", (0.7, 0.35, 0.15), roughness, metallic)
            props.append(ball(f"ball {metallic} {roughness}", (-0.8 + 0.8 * column, 0.0, -0.9 * row), material, 0.6))
    grey, white = Material("grey", (0.5,) * 3, 0.8), Material("white", (1.0,) * 3, 1.0)
    props.append(Prop("grey", "box", (0.4,) * 3, position=np.array([-1.2, 0, 0.9]), material=grey))
    props.append(Prop("white", "box", (0.5, 0.2, 0.5), position=np.array([0.6, 0, 0.9]), material=white))
    return World([], Stage("concrete", "noon", props=tuple(props)), SUN)


class Tools:
    """Tracers and rasterizers that the tests of this file share: each takes a second to make."""

    def __init__(self) -> None:
        self._open: dict[Any, Any] = {}

    def tracer(self, name: str | None) -> PathTracer:
        if name not in self._open:
            self._open[name] = PathTracer(SIZE, variant=name)
        return self._open[name]

    def rasterizer(self, how: RenderSettings) -> Rasterizer:
        if how not in self._open:
            self._open[how] = Rasterizer(SIZE, how)
        return self._open[how]

    def close(self) -> None:
        for tool in self._open.values():
            tool.close()
        self._open.clear()


tools = Tools()


@pytest.fixture(scope="module", autouse=True)
def _closed() -> Iterator[None]:
    yield
    tools.close()


def drawn(
    world: World, path: CameraPath, passes: tuple[str, ...] = ("beauty", "ids"), how: RenderSettings = SHARP
) -> Frame:
    return next(tools.rasterizer(how).render(world, path, [1], passes))


def traced(world: World, path: CameraPath, how: PathSettings | None = None, name: str | None = None) -> Frame:
    tracer = tools.tracer(name)
    tracer.settings = how or settings()
    return next(tracer.render(world, path, [1], ("beauty",)))


def beauty(frame: Frame) -> np.ndarray:
    assert frame.beauty is not None
    return frame.beauty


def inner(ids: np.ndarray, instance: int) -> np.ndarray:
    """Pixels of an instance, its edge left out."""
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(ids[..., 0] == instance, iterations=2))


# ---- the same world


@pytest.mark.parametrize("name", [None, pytest.param("scalar_rgb", marks=pytest.mark.slow)])
def test_direct_light_is_the_rasterizers(name: str | None) -> None:
    world, path = plain(), camera()
    raster = drawn(world, path)
    light = traced(world, path, settings(spp=49 if name is None else 16), name)
    assert raster.ids is not None and raster.alpha is not None and light.alpha is not None
    for instance in range(1, world.ground_instance + 1):
        here = inner(raster.ids, instance) & (beauty(raster).mean(-1) > 0.02)
        assert here.sum() > 10
        ratio = beauty(light)[here].mean(-1) / beauty(raster)[here].mean(-1)
        assert abs(np.median(ratio) - 1.0) < 0.03, (world.instance_name(instance), float(np.median(ratio)))
    # Where sun becomes shade differs: hard there, some texels wide here.
    assert np.quantile(np.abs(beauty(light) - beauty(raster)).max(axis=-1), 0.9) < 0.08
    np.testing.assert_allclose(light.alpha, raster.alpha, atol=1e-4)


def test_white_matte_surface_facing_the_sun_leaves_the_suns_colour() -> None:
    board = Prop("board", "box", (2.0, 0.1, 2.0), material=Material("white", (1.0,) * 3, 1.0))
    sun = replace(SUN, sun_elevation=np.pi / 2)
    world = World([], Stage(None, "noon", props=(board,)), sun)
    raster, light = drawn(world, camera(), ("ids", "normal")), beauty(traced(world, camera()))
    assert raster.ids is not None and raster.normal is not None
    middle = light[inner(raster.ids, 1) & inner(raster.normal[..., 1:] > 0.99, 1)].mean(axis=0)
    # And a little of the lobe of 4 %.
    np.testing.assert_allclose(middle, sun.sun_colour, rtol=0.03)


def test_every_pattern_is_the_rasterizers() -> None:
    names = [n for n in materials.PATTERNS if n != "eye"]
    colours: dict[str, Any] = {"colour": (0.6, 0.3, 0.1), "colour2": (0.1, 0.2, 0.5)}
    props = tuple(
        ball(
            n, (-1.5 + 0.6 * (i % 6), 0.0, 0.7 - 0.9 * (i // 6)), Material(n, roughness=0.7, pattern=n, **colours), 0.55
        )
        for i, n in enumerate(names)
    )
    world, path = World([], Stage("studio", "noon", props=props), SUN), camera()
    raster, light = drawn(world, path), beauty(traced(world, path, settings(spp=49)))
    assert raster.ids is not None
    for i, name in enumerate(names):
        here = inner(raster.ids, i + 1) & (beauty(raster).mean(-1) > 0.05)
        one, other = beauty(raster)[here], light[here]
        # Light that wraps round skin is the rasterizer's alone.
        assert abs(np.median(other / one) - 1.0) < (0.08 if name == "skin" else 0.04), name
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.93, name


@pytest.mark.parametrize("ground", [*materials.GROUNDS])
def test_every_ground_lies_as_the_rasterizers(ground: str) -> None:
    world, path = World([], Stage(ground, "noon"), SUN), camera()
    one, other = beauty(drawn(world, path)), beauty(traced(world, path))
    assert abs(np.median(other / one) - 1.0) < 0.03
    if ground not in ("studio", "concrete", "grid"):  # which are all but even from here
        assert np.corrcoef(one.mean(-1).ravel(), other.mean(-1).ravel())[0, 1] > 0.8
    elif ground != "studio":  # but for their lines
        dark = one.mean(-1) < 0.9 * np.median(one.mean(-1))
        assert dark.any() and other.mean(-1)[dark].mean() < 0.95 * np.median(other.mean(-1))


def test_sky_and_lens_off_centre_are_the_rasterizers() -> None:
    path = camera(shift=(0.11, -0.07))
    world = World([], Stage("grass", "golden_hour", props=(ball("ball", (0, 0, 0), Material("m", (0.5,) * 3, 0.6)),)))
    up = replace(
        path, T_world_camera=np.repeat(look_at(np.array([0.5, 0.6, 3.6]), np.array([0, 1.2, 0.0]))[None], 3, 0)
    )
    raster, light = drawn(world, up), traced(world, up)
    assert raster.ids is not None and raster.alpha is not None
    # At the horizon itself the rasterizer's samples are its first one's.
    sky = np.roll(raster.alpha, -2, axis=0) == 0.0
    sky[-2:] = False
    assert sky.sum() > 1000
    own = beauty(drawn(world, up, ("beauty",), RenderSettings()))  # with the samples of the tracer's own sky
    assert np.abs(beauty(light) - own)[sky].max() < 0.01
    seen = inner(raster.ids, 1)
    assert light.alpha is not None and light.alpha[seen].min() == 1.0 and light.alpha[sky].max() < 1e-4


@pytest.mark.parametrize("name", [None, pytest.param("scalar_rgb", marks=pytest.mark.slow)])
def test_what_is_out_of_focus_spreads_as_the_rasterizers(name: str | None) -> None:
    world = World(
        [], Stage(None, "noon", props=(ball("near", (0.3, 0.9, 2.2), Material("m", (0.9,) * 3, 1.0), 0.2),)), EVEN
    )
    lens: dict[str, Any] = {"focus_m": np.array(1.0), "f_stop": np.array(0.15), "shift": (0.06, -0.04)}
    fine = RenderSettings(samples=64, max_samples=64)
    raster, light = drawn(world, camera(**lens), how=fine), traced(world, camera(**lens), name=name)
    sharp = traced(world, camera(**lens), settings(depth_of_field=False), name)
    assert raster.alpha is not None and light.alpha is not None and sharp.alpha is not None
    places = np.indices(raster.alpha.shape)

    def moments(alpha: np.ndarray) -> tuple[np.ndarray, float]:
        middle = (places * alpha).sum(axis=(1, 2)) / alpha.sum()
        return middle, float(np.sqrt((((places - middle[:, None, None]) ** 2).sum(0) * alpha).sum() / alpha.sum()))

    (middle, spread), (its_middle, its_spread) = moments(light.alpha), moments(raster.alpha)
    assert np.abs(middle - its_middle).max() < (0.2 if name is None else 0.6)  # whole pixels there
    assert abs(spread / its_spread - 1) < 0.03
    assert moments(sharp.alpha)[1] < 0.9 * spread


def test_motion_blur_spreads_as_the_rasterizers() -> None:
    stage = Stage(None, "noon")
    world = World(figures.world(stage, frames=6).performances, stage, EVEN)
    path = figures.camera(6, moving=False, shutter_angle=360.0)
    quick = replace(path, T_world_camera=path.T_world_camera @ np.array([_turned(0.05 * k) for k in range(6)]))
    raster, light = drawn(world, quick), traced(world, quick)
    still = traced(world, quick, settings(motion_blur=False))
    assert raster.alpha is not None and light.alpha is not None and still.alpha is not None
    assert np.abs(light.alpha - raster.alpha).mean() < 0.5 * np.abs(still.alpha - raster.alpha).mean()


def _turned(angle: float) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = rot.to_matrix(rot.yaw(angle))
    return pose


def test_rim_lights_and_lamps_shine_as_they_are_drawn() -> None:
    lamps = (
        Light("point", np.array([1.2, 1.5, 1.0]), (1.0, 0.8, 0.6), 60.0),
        Light("spot", np.array([-1.5, 2.0, 1.5]), (0.6, 0.8, 1.0), 90.0, np.array([-0.4, 0.0, 0.0]), 0.4),
    )
    world = World([], replace(plain().stage, light="night", lights=lamps))
    raster, light = drawn(world, camera()), traced(world, camera(), settings(spp=121))
    assert raster.ids is not None
    ground = inner(raster.ids, world.ground_instance)
    ratio = beauty(light)[ground].mean(-1) / beauty(raster)[ground].mean(-1)
    assert 0.85 < np.median(ratio) < 1.1
    assert np.corrcoef(beauty(light)[ground].mean(-1), beauty(raster)[ground].mean(-1))[0, 1] > 0.9


# ---- laws of light


@pytest.mark.parametrize("roughness", [0.15, 0.5, 1.0])
@pytest.mark.parametrize("metallic", [0.0, 1.0])
def test_under_an_even_sky_a_thing_gives_back_what_its_surface_reflects(roughness: float, metallic: float) -> None:
    """Its radiance is the reflectance of Lambert and GGX at each angle, summed over directions here."""
    material = Material("white", (1.0,) * 3, roughness, metallic)
    world = World([], Stage(None, "noon", props=(ball("ball", (0, 0, 0), material, 1.2),)), EVEN)
    assert np.allclose(irradiance(EVEN, np.array([0, 1.0, 0]))[0], 1.0)
    raster = drawn(world, camera(), ("beauty", "ids", "normal", "depth"))
    light = beauty(traced(world, camera(), settings(spp=49)))
    assert raster.ids is not None and raster.normal is not None and raster.depth is not None
    here = inner(raster.ids, 1)
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    origin, dx, dy = view(camera(), 1, SIZE).rays()
    along = origin + x[..., None] * dx + y[..., None] * dy
    facing = -(raster.normal * along).sum(-1) / np.linalg.norm(along, axis=-1)
    ladder = np.linspace(0.15, 1.0, 12)
    known = np.interp(facing[here], ladder, [_reflectance(c, roughness, metallic) for c in ladder])
    assert abs(light[here].mean() / known.mean() - 1) < 0.01
    assert light[here & (facing < 0.5)].mean() == pytest.approx(known[facing[here] < 0.5].mean(), rel=0.03)


def _reflectance(cosine: float, roughness: float, metallic: float) -> float:
    """What a white surface sends back of an even light (glTF 2.0, appendix B), by a sum over half vectors' angles."""
    a = max(roughness**2, 0.02)
    up = (np.arange(3000) + 0.5) / 3000
    turn = (np.arange(128) + 0.5) / 128 * 2 * np.pi
    # Half vectors drawn by GGX's own distribution, each direction weighed by what its density leaves.
    height = np.sqrt((1 - up) / (1 + (a * a - 1) * up))[:, None]
    flat = np.sqrt(1 - height**2)
    half = np.stack(np.broadcast_arrays(flat * np.cos(turn), flat * np.sin(turn), height), axis=-1)
    view_ = np.array([np.sqrt(1 - cosine**2), 0.0, cosine])
    vh = np.maximum(half @ view_, 1e-9)
    nl = 2 * vh * half[..., 2] - cosine
    lit = nl > 0
    nl = np.maximum(nl, 1e-9)
    visible = 0.5 / (nl * np.sqrt(cosine**2 * (1 - a * a) + a * a) + cosine * np.sqrt(nl**2 * (1 - a * a) + a * a))
    fresnel = 1.0 if metallic else 0.04 + 0.96 * (1 - vh) ** 5
    return (1.0 - metallic) + float(np.mean(fresnel * visible * nl * 4 * vh / half[..., 2] * lit))


def test_samples_of_a_surface_follow_their_density() -> None:
    """The mean weight of samples is the integral of what is reflected, and densities add up to one."""
    from render.path_tracer.bsdf import Materials
    from render.rasterizer.blocks import palette

    mi = variant.mitsuba()
    if mi.variant() == variant.PLAIN:
        pytest.skip("no compiler for these surfaces")
    dr: Any = pytest.importorskip("drjit")
    surfaces = Materials(mi)
    surfaces.use(palette((Material("m", (0.8, 0.5, 0.2), 0.5, 0.3),)), "concrete")
    mesh = _square(mi, surfaces.surface)
    scene = mi.load_dict({"type": "scene", "mesh": mesh})
    count = 1 << 18
    rng = mi.PCG32(count)
    ray = mi.Ray3f(mi.Point3f(0.3, 1.0, 0.1), dr.normalize(mi.Vector3f(-0.6, -1.0, 0.2)))
    si = scene.ray_intersect(ray)
    si = dr.gather(type(si), si, dr.zeros(mi.UInt32, count))
    context, bsdf = mi.BSDFContext(), surfaces.surface
    sample, weight = bsdf.sample(
        context, si, rng.next_float32(), mi.Point2f(rng.next_float32(), rng.next_float32()), True
    )
    value, pdf = bsdf.eval_pdf(context, si, sample.wo, True)
    np.testing.assert_allclose(np.asarray(pdf), np.asarray(sample.pdf), rtol=2e-3, atol=1e-4)
    even = mi.warp.square_to_uniform_hemisphere(mi.Point2f(rng.next_float32(), rng.next_float32()))
    value, pdf = bsdf.eval_pdf(context, si, even, True)
    # Mirrored below the surface, a few samples are lost.
    assert 0.95 < float(dr.mean(pdf)[0]) * 2 * np.pi < 1.002
    integral = [float(dr.mean(c)[0]) * 2 * np.pi for c in value]
    np.testing.assert_allclose([float(dr.mean(c)[0]) for c in weight], integral, rtol=0.02)


def _square(mi: Any, bsdf: Any) -> Any:
    from render.path_tracer.meshes import mesh

    corners = np.array([[-1, 0, -1], [-1, 0, 1], [1, 0, 1], [1, 0, -1]], float)
    faces, up = np.array([[0, 1, 2], [0, 2, 3]]), np.broadcast_to([0.0, 1.0, 0.0], (4, 3))
    looks = {"vertex_anchor": corners, "face_material": np.zeros((2, 1))}
    return mesh(mi, "square", bsdf, corners, faces, up, attributes=looks)


def test_light_bounces() -> None:
    wall = Prop(
        "wall", "box", (2.0, 1.5, 0.1), position=np.array([0.0, 0.0, -0.6]), material=Material("red", (0.9, 0.05, 0.05))
    )
    world = World([], Stage("studio", "noon", props=(wall,)), SUN)
    direct, bounced = (beauty(traced(world, camera(), settings(depth=d))) for d in (2, 4))
    gained = (bounced - direct).mean(axis=(0, 1))
    assert gained[0] > 2 * gained[1] > 0.0


def test_a_clamp_only_takes_away() -> None:
    world = plain()
    free, clamped = (beauty(traced(world, camera(), settings(clamp=c, depth=4))) for c in (None, 0.5))
    assert (clamped <= free + 1e-5).all() and clamped.max() <= 0.5 + 1e-5 < free.max()


# ---- the same picture again


def test_a_frame_depends_on_nothing_drawn_before() -> None:
    world, other, path = figures.world(), plain(), figures.camera(12)
    with PathTracer(SIZE, settings(spp=9)) as tracer:
        alone = beauty(next(tracer.render(world, path, [5]))).copy()
        list(tracer.render(other, path, [1, 2]))
        again = [beauty(f) for f in tracer.render(world, path, [8, 2, 5])]
    np.testing.assert_array_equal(alone, again[2])
    with PathTracer(SIZE, settings(spp=9)) as tracer:
        np.testing.assert_array_equal(alone, beauty(next(tracer.render(world, path, [5]))))
        tracer.settings = replace(tracer.settings, seed=1)
        assert not np.array_equal(alone, beauty(next(tracer.render(world, path, [5]))))


def test_other_passes_and_flow_are_the_rasterizers_own() -> None:
    world, path = figures.world(), figures.camera(12)
    names = ("display", "depth", "normal", "ids", "albedo_aa")
    tracer, rasterizer = tools.tracer(None), tools.rasterizer(RenderSettings())
    tracer.settings = settings(spp=4)
    light = next(tracer.render(world, path, [3], names))
    raster = next(rasterizer.render(world, path, [3], names))
    for name in names[1:]:
        np.testing.assert_array_equal(getattr(light, name), getattr(raster, name))
    np.testing.assert_array_equal(light.flow_to(4)[0], raster.flow_to(4)[0])
    assert light.display is not None and light.display.dtype == np.uint8
    assert next(tracer.render(world, path, [3], "beauty")).depth is None


def test_worlds_that_are_done_with_are_given_back() -> None:
    kept = []
    with PathTracer((32, 18), settings(spp=4)) as tracer:
        for _ in range(4):
            next(tracer.render(plain(), camera(), [0]))
            kept.append(weakref.ref(tracer._scene))
    gc.collect()
    assert all(one() is None for one in kept)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (33, 17)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    with PathTracer(size, settings(spp=4)) as tracer:
        frame = next(tracer.render(figures.world(), figures.camera(), [0], ("beauty", "display")))
    assert beauty(frame).shape == (size[1], size[0], 3) and np.isfinite(beauty(frame)).all()


def test_samples_are_rounded_up_to_what_spreads_evenly() -> None:
    assert [whole(n) for n in (1, 2, 3, 4, 16, 25, 32, 49, 64, 100, 1024, 1369)] == [
        1, 2, 3, 4, 16, 25, 35, 49, 64, 100, 1024, 1369,
    ]  # fmt: skip
    assert all(whole(n) >= n for n in range(1, 300))


# ---- what is refused


@pytest.mark.parametrize(
    "wrong",
    [
        {"spp": 0},
        {"spp": 1.5},
        {"spp": True},
        {"depth": 0},
        {"depth": 65},
        {"seed": -1},
        {"clamp": 0.0},
        {"clamp": np.nan},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"{next(iter(wrong))} .*expected"):
        PathSettings(**wrong)


def test_what_cannot_be_traced_is_said() -> None:
    world = figures.world()
    with pytest.raises(BadInput, match="did you mean 'llvm_ad_rgb'"):
        PathTracer(SIZE, variant="llvm_rgb")
    with pytest.raises(BadInput, match="transparent"):
        PathTracer(SIZE, raster=RenderSettings(transparent=True))
    with PathTracer(SIZE, settings(spp=4)) as tracer:
        plated = World([], Stage("studio", "noon", plate="plate.png"))
        with pytest.raises(BadInput, match=r"plate\.png"):
            next(tracer.render(plated, camera(), [0]))
        with pytest.raises(BadInput, match="pass 'depht'"):
            next(tracer.render(world, figures.camera(), [0], ("depht",)))
        with pytest.raises(BadInput, match="frame 99"):
            next(tracer.render(world, figures.camera(), [99]))
    with pytest.raises(CinemotionError, match="closed"):
        next(tracer.render(world, figures.camera(), [0]))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vertex_that_is_no_place_is_said(bad: float) -> None:
    world = figures.world()
    pose = world.performances[0].character.pose

    class Broken(figures.Figure):
        def pose(self, rotations: np.ndarray, root_position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            vertices, normals = pose(rotations, root_position)
            vertices[:, 7] = bad
            return vertices, normals

    broken = World([replace(world.performances[0], character=Broken())], Stage(None))
    with PathTracer(SIZE, settings(spp=4)) as tracer, pytest.raises(BadInput, match=r"'actor0' at .* not finite"):
        next(tracer.render(broken, figures.camera(), [0]))


# ---- the machine


@pytest.fixture
def fresh() -> Iterator[None]:
    """The choice of a variant made anew, and again after the test."""
    variant.fastest.cache_clear()
    yield
    variant.fastest.cache_clear()


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["libLLVM-14.so.1", "libLLVM-15.so"], None),
        (["libLLVM-14.so.1", "libLLVM-16.so.1", "libLLVM.so.19.1"], "libLLVM.so.19.1"),
        (["libLLVM-17.so", "libLLVM.so.9.0"], "libLLVM-17.so"),
        (["libLLVM.so"], None),
        (["llvm-18/lib/libLLVM.so", "libLLVM-15.so"], "llvm-18/lib/libLLVM.so"),
        (["libLLVM.20.dylib"], "libLLVM.20.dylib"),
        ([], None),
    ],
)
def test_newest_llvm_is_found_and_old_ones_left_alone(
    names: list[str], chosen: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(llvm.VARIABLE, raising=False)
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = llvm.newest([tmp_path / name for name in names])
    assert found == (tmp_path / chosen if chosen else None)


def test_the_librarys_version_counts_not_its_links_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, link = tmp_path / "libLLVM-15.so.1", tmp_path / "libLLVM.so"
    old.touch()
    link.symlink_to(old)
    monkeypatch.delenv(llvm.VARIABLE, raising=False)
    assert llvm.version_of(link) == 15 and llvm.newest([link]) is None
    monkeypatch.setenv(llvm.VARIABLE, str(link))
    assert llvm.newest() is None
    monkeypatch.setenv(llvm.VARIABLE, str(tmp_path / "missing.so"))
    assert llvm.newest() is None


@pytest.mark.usefixtures("fresh")
def test_tracing_without_a_compiler_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(llvm, "newest", lambda: None)
    monkeypatch.delenv(llvm.VARIABLE, raising=False)
    with caplog.at_level(logging.WARNING, "cinemotion"):
        for _ in range(2):
            with PathTracer((16, 9), settings(spp=1)) as tracer:
                assert tracer.variant == "scalar_rgb"
                next(tracer.render(figures.world(), figures.camera(), [0]))
    assert [r.message for r in caplog.records if "apt-get install libllvm19" in r.message] == [
        m for m in caplog.messages if "path tracing" in m
    ]
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("fresh")
def test_missing_mitsuba_is_said_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mitsuba", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cinemotion\[pathtrace\]'"):
        PathTracer(SIZE)


# ---- the denoiser


def test_a_denoised_picture_is_nearer_to_the_truth() -> None:
    pytest.importorskip("pyoidn")
    world, path = plain(), camera()
    with PathTracer(SIZE, settings(spp=4, depth=4)) as tracer:
        noisy = next(tracer.render(world, path, [1], ("beauty", "albedo_aa", "normal")))
        tracer.settings = replace(tracer.settings, spp=289, seed=3)
        truth = beauty(next(tracer.render(world, path, [1])))
    assert noisy.albedo_aa is not None and noisy.normal is not None
    clean = denoise(beauty(noisy), noisy.albedo_aa, noisy.normal)
    assert clean.shape == truth.shape and clean.dtype == np.float32
    assert np.abs(clean - truth).mean() < 0.6 * np.abs(beauty(noisy) - truth).mean()


def test_odd_pictures_are_denoised_or_refused() -> None:
    pytest.importorskip("pyoidn")
    for shape in ((1, 1, 3), (5, 3, 3)):
        assert denoise(np.full(shape, 0.5, np.float32)).shape == shape
    spoilt = np.full((8, 8, 3), 0.5, np.float32)
    spoilt[2, 2], spoilt[5, 5] = np.nan, np.inf
    assert np.isfinite(denoise(spoilt)).all()
    with pytest.raises(BadInput, match="albedo of shape"):
        denoise(spoilt, np.zeros((4, 8, 3)))
    with pytest.raises(BadInput, match="without albedo"):
        denoise(spoilt, normal=spoilt)
    with pytest.raises(BadInput, match="beauty of shape"):
        denoise(np.zeros((0, 4, 3)))


def test_a_missing_denoiser_is_said_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from render.path_tracer.denoise import denoiser

    denoiser.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "pyoidn", None)
    with pytest.raises(MissingExtra, match=r"pip install 'cinemotion\[denoise\]'"):
        denoise(np.zeros((4, 4, 3)))
    denoiser.cache_clear()
