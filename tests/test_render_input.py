"""What bad input gets: one line that names it, quickly."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import render_figures as figures

from motion.errors import BadInput, CinemotionError, MissingSystem
from motion.material import Material
from motion.stage import Light, Prop, Stage
from render import Rasterizer, RenderSettings, World
from render.rasterizer import gl_info
from render.rasterizer.sampling import sequence


@pytest.mark.parametrize(
    "size",
    [(0, 0), (0, 10), (-4, 8), (100_000, 100_000), (16385, 1), (1.5, 2), "12x12", (1, 2, 3), None, (float("nan"), 3)],
)
def test_impossible_sizes(size: object) -> None:
    with pytest.raises(BadInput, match="picture size"):
        Rasterizer(size)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings",
    [
        {"samples": 0},
        {"samples": 5000},
        {"filter_px": -1.0},
        {"curve": "agxx"},
        {"shadow_texels": 3},
        {"shadow_taps": 0},
    ],
)
def test_impossible_settings(settings: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        RenderSettings(**settings)  # type: ignore[arg-type]


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(BadInput, match="did you mean 'grass'"):
        World([], Stage("gras", "noon"))
    with pytest.raises(BadInput, match="did you mean 'golden_hour'"):
        World([], Stage("grass", "golden_our"))
    paint = Prop("box", material=Material("odd", pattern="leathr"))
    with pytest.raises(BadInput, match="did you mean 'leather'"):
        World([], Stage("grass", "noon", props=(paint,)))
    with pytest.raises(BadInput, match="called 'box'"):
        World([], Stage("grass", "noon", props=(Prop("box"), Prop("box"))))


def test_pictures_too_large_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("render.rasterizer.draw.available_memory", lambda: 2**20)
    if gl_info()["software"]:
        with pytest.raises(MissingSystem, match="GB are free"):
            Rasterizer((4000, 4000))


def test_lamps_that_are_none() -> None:
    lamp = Light("laser", np.zeros(3))
    many = tuple(Light("point", np.zeros(3)) for _ in range(13))
    with Rasterizer((8, 8), RenderSettings(samples=1)) as rasterizer:
        for lights, message in (((lamp,), "kind of lamp 'laser'"), (many, "13 lamps")):
            with pytest.raises(BadInput, match=message):
                next(rasterizer.render(World([], Stage("grass", "noon", lights=lights)), figures.camera(), [0]))
        next(rasterizer.render(figures.world(), figures.camera(), [0]))  # and it still draws


def test_unknown_passes_and_frames() -> None:
    with Rasterizer((8, 8), RenderSettings(samples=1)) as rasterizer:
        world, camera = figures.world(), figures.camera()
        with pytest.raises(BadInput, match="did you mean 'depth'"):
            next(rasterizer.render(world, camera, [0], ("dpeth",)))
        for frame in (-1, 12, 1.5):
            with pytest.raises(BadInput, match="expected 0 to 11"):
                next(rasterizer.render(world, camera, [frame]))  # type: ignore[list-item]


@pytest.mark.parametrize("content", [None, b"", b"not an image"])
def test_plates_that_are_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "plate.png"
    if content is not None:
        path.write_bytes(content)
    with Rasterizer((8, 8)) as rasterizer, pytest.raises(BadInput, match="plate"):
        next(rasterizer.render(World([], Stage("grass", "noon", plate=str(path))), figures.camera(), [0]))


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    info = gl_info()
    assert set(info) == {"vendor", "renderer", "version", "software", "max_size"} and info["max_size"] >= 4096
    with pytest.raises(BadInput, match="GL device -1"):
        Rasterizer((8, 8), device=-1)
    with pytest.raises(MissingSystem, match="apt-get install"):
        Rasterizer((8, 8), device=77)
    monkeypatch.setenv("CINEMOTION_GL_DEVICE", "first")
    with pytest.raises(BadInput, match="CINEMOTION_GL_DEVICE"):
        Rasterizer((8, 8))


def test_without_opengl_the_error_names_the_package() -> None:
    code = (
        "import ctypes.util, glcontext\n"
        "def none(**_): raise RuntimeError('libEGL.so.1 not loaded')\n"
        "glcontext.egl = lambda: none\n"
        "glcontext.get_backend_by_name = lambda name: none\n"
        "from render import Rasterizer\n"
        "try:\n    Rasterizer((8, 8))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("MissingSystem") and "apt-get install" in done.stdout and "libegl1" in done.stdout


def test_a_closed_rasterizer_says_so() -> None:
    rasterizer = Rasterizer((8, 8), RenderSettings(samples=1))
    rasterizer.close()
    rasterizer.close()
    with pytest.raises(CinemotionError, match="closed"):
        next(rasterizer.render(figures.world(), figures.camera(), [0]))


def test_importing_render_is_quick() -> None:
    heavy = "('torch', 'moderngl', 'pyrender', 'trimesh', 'numpy')"
    code = f"import sys, render; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_two_rasterizers_at_once() -> None:
    world, camera = figures.world(), figures.camera()
    with Rasterizer((24, 16)) as a, Rasterizer((16, 24)) as b:
        frames_a, frames_b = a.render(world, camera, range(3)), b.render(world, camera, range(3))
        pairs = list(zip(frames_a, frames_b, strict=True))
    with Rasterizer((24, 16)) as alone:
        last = list(alone.render(world, camera, range(3)))[-1]
    assert np.array_equal(pairs[-1][0].beauty, last.beauty) and pairs[-1][1].beauty.shape == (24, 16, 3)


def test_world_between_frames_and_past_the_ends() -> None:
    world = figures.world()
    a, b, middle = world.at(0.1), world.at(0.1 + 1 / 30), world.at(0.1 + 0.5 / 30)
    halfway = (a.meshes[0].vertices + b.meshes[0].vertices) / 2
    assert np.abs(middle.meshes[0].vertices - halfway).max() < 2e-3
    assert np.array_equal(world.at(99.0).meshes[0].vertices, world.at(98.0).meshes[0].vertices)
    assert world.at(0.1) is a
    assert np.all(a.meshes[0].low <= a.meshes[0].vertices.min(0)) and np.all(
        a.meshes[0].high >= a.meshes[0].vertices.max(0)
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 16, 33])
def test_samples_are_stratified(count: int) -> None:
    samples = sequence(count, 1.6)
    assert len(samples) == count and samples[0].jitter == (0.0, 0.0) and samples[0].shutter == 0.0
    jitter = np.array([s.jitter for s in samples])
    assert np.abs(jitter).max() <= 0.8 and np.abs(jitter.mean(0)).max() <= 0.8 / count
    shutter = np.sort([s.shutter for s in samples])
    assert np.abs(shutter - (np.arange(count) + 0.5) / count + 0.5).max() <= 0.5 / count + 1e-9
    assert all(np.hypot(*s.lens) <= 1.0 for s in samples)


def test_frame_rates_are_exact() -> None:
    camera = figures.camera(fps=30)
    ntsc = type(camera)(camera.T_world_camera, camera.focal_mm, Fraction(30000, 1001))
    with Rasterizer((8, 8), RenderSettings(samples=1)) as rasterizer:
        frame = next(rasterizer.render(figures.world(), ntsc, [11], ("depth",)))
    assert frame.time == float(11 * Fraction(1001, 30000))
