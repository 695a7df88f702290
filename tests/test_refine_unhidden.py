"""Light on surfaces that nothing hides: against the renderer's own irradiance, and under exchanged colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from motion.stage import Stage
from render import lighting
from render.materials import GROUNDS
from render.refine.batches import recolour
from render.refine.describe import Sight, light_code
from render.refine.state import KNEE
from render.refine.unhidden import UNHIDDEN, Lights, ground_light, unhidden
from render.world import World

RNG = np.random.default_rng(0)
NORMALS = RNG.normal(size=(64, 3))
NORMALS /= np.linalg.norm(NORMALS, axis=1, keepdims=True)
SIGHT = Sight(np.eye(3, dtype=np.float32), np.float32([[0, 0, -1], [1, 0, 0], [0, -1, 0]]), 1.6, 1e-3)


def world(preset: lighting.LightPreset, ground: str | None = "sand") -> World:
    return World((), Stage(ground=ground), preset)


def light_of(code: np.ndarray, normals: np.ndarray = NORMALS) -> np.ndarray:
    """Linear light ``(5, N, 3)`` by normal: sun, sky, ground, all, mirror."""
    normal = torch.tensor(normals.T[None, :, None], dtype=torch.float32)
    away = torch.tensor([0.0, 0.0, -1.0]).view(1, 3, 1, 1).expand_as(normal)
    found = unhidden(Lights.of(torch.tensor(code[None])), normal, away)
    assert found.shape == (1, UNHIDDEN, 1, len(normals)) and found.isfinite().all()
    light = torch.expm1(found[0, :15, 0] + 2.6) * KNEE
    return light.numpy().reshape(5, 3, -1).transpose(0, 2, 1)


@pytest.mark.parametrize("name", lighting.PRESETS)
def test_sun_and_sky_are_the_renderers(name: str) -> None:
    preset = lighting.PRESETS[name]
    dark = replace(preset, bounce=(0.0, 0.0, 0.0), glow=(0.0, 0.0, 0.0))
    set_ = world(dark)
    sun, sky, *_ = light_of(light_code(set_, SIGHT))
    wanted = np.maximum(NORMALS @ set_.sun, 0.0)[:, None] * np.array(preset.sun_colour)
    np.testing.assert_allclose(sun, wanted, atol=2e-4 * max(preset.sun_colour))
    harmonics = np.stack(lighting.harmonics(*NORMALS.T), -1)
    whole = np.maximum(harmonics @ lighting.irradiance(dark, set_.sun), 0.0)
    # The bright band just below the horizon counts as ground here.
    assert np.abs(sky - whole).max() < 0.12 * whole.max()


def test_the_ground_sends_back_what_falls_on_it() -> None:
    preset = lighting.PRESETS["overcast"]
    flat = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    sun, sky, ground, together, _ = light_of(light_code(world(preset, "sand"), SIGHT), flat)
    colours = np.array([GROUNDS["sand"].colour, GROUNDS["sand"].colour2]).mean(0)
    np.testing.assert_allclose(ground[1], colours * (sun[0] + sky[0]), rtol=1e-3)
    np.testing.assert_allclose(ground[0], 0.0, atol=1e-6)
    np.testing.assert_allclose(together, sun + sky + ground, rtol=1e-3, atol=1e-5)
    bare = light_of(light_code(world(preset, None), SIGHT), flat)[2]
    np.testing.assert_allclose(bare[1], lighting.greyed(preset, np.array(preset.bounce)), rtol=1e-3)


def test_colours_change_places_with_the_lights() -> None:
    code = light_code(world(lighting.PRESETS["golden_hour"]), SIGHT)
    order, gains = np.array([2, 0, 1]), np.array([0.5, 1.5, 2.5])
    pair = {name: np.zeros((1, 3, 2, 2), np.float32) for name in ("beauty", "diffuse", "specular", "first", "second",
                                                                  "albedo_aa")}  # fmt: skip
    changed = recolour(pair | {"code": code[None]}, order, gains)["code"][0].astype(np.float32)
    before, after = light_of(code), light_of(changed)
    assert lighting.PRESETS["golden_hour"].clouds > 0  # they grey the sky before its colours are told
    np.testing.assert_allclose(after[[0, 1, 4]], (before[..., order] * gains)[[0, 1, 4]], rtol=2e-3, atol=1e-5)


def test_a_level_mirror_shows_the_sky_and_one_that_faces_down_the_ground() -> None:
    code = light_code(world(lighting.PRESETS["noon"]), SIGHT)
    down = np.array([[0.0, -np.sqrt(0.5), np.sqrt(0.5)], [0.0, np.sqrt(0.5), np.sqrt(0.5)]])
    _, _, ground, _, mirror = light_of(code, down)
    straight_down = light_of(code, np.array([[0.0, -1.0, 0.0]]))[2][0]
    np.testing.assert_allclose(mirror[0], straight_down, rtol=1e-3)
    assert np.all(mirror[1] > 0.03) and mirror[1][2] > 1.5 * mirror[1][0]  # blue above
    assert ground[0].mean() > ground[1].mean()


def test_light_of_the_ground_takes_the_presets_place() -> None:
    normal = torch.tensor([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]).T[None, :, None]
    found = {}
    for ground in ("sand", None):
        lights = Lights.of(torch.tensor(light_code(world(lighting.PRESETS["noon"], ground), SIGHT)[None]))
        found[ground] = ground_light(lights, normal)[0, :, 0].T
    assert found[None].abs().max() == 0.0
    assert found["sand"][0].abs().max() == 0.0  # what faces up sees none of it
    assert (found["sand"][1] > 0.1).all()  # sand in the sun is brighter than the preset's haze below
