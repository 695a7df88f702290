"""Random sets to learn refinement on: captured performers on dressed bodies, things, lamps and skies, a lens, a move.

A set is a function of its number, its split and the captures alone. Splits share no number. Tests share no
motion and no sky with the others: captures are held out by `rl_camera.env.library`, and of the numbered skies every
eighth is kept for tests.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from motion import rotations as rot
from motion.body import AGES, BUILDS, HAIR_COLOURS, HAIR_STYLES, PRESENTATIONS, SKINS, Body
from motion.body.outfits import OUTFITS
from motion.camera import CameraPath, Shot
from motion.clip import Clip
from motion.errors import unknown
from motion.material import Colour, Material
from motion.props import usual_size
from motion.props.shapes import PRIMITIVES
from motion.rotations import Array
from motion.stage import Light, Performance, Prop, Stage
from render.lighting import PRESETS, Kicker, LightPreset
from render.materials import GROUNDS
from render.world import World
from rl_camera import framing
from rl_camera.coverage.scenes import WAY_M, cast
from rl_camera.director import direct
from rl_camera.vocabulary import Angle, Move, ShotSize, View

SPLITS = ("train", "check", "test")

#: Numbered skies; those divisible by `HELD_SKY` are seen in tests alone.
SKIES, HELD_SKY = 4096, 8

FPS = Fraction(24)
SECONDS = 3.0  # of a shot; frames are taken from anywhere in it

_BODIES = 48  # different bodies; a body takes a second to make and is used again
_FIRST = {"train": 0, "check": 1 << 40, "test": 1 << 41}  # numbers that splits begin at

_SIZES = {
    ShotSize.WIDE: 0.14, ShotSize.FULL: 0.24, ShotSize.MEDIUM_FULL: 0.2, ShotSize.MEDIUM: 0.2,
    ShotSize.MEDIUM_CLOSE_UP: 0.12, ShotSize.CLOSE_UP: 0.1,
}  # fmt: skip
_ANGLES = {Angle.EYE_LEVEL: 0.5, Angle.LOW: 0.18, Angle.HIGH: 0.25, Angle.OVERHEAD: 0.07}
_MOVES = {
    Move.STATIC: 0.3, Move.PUSH_IN: 0.1, Move.ARC_LEFT: 0.1, Move.ARC_RIGHT: 0.1, Move.TRUCK_LEFT: 0.1,
    Move.FOLLOW: 0.1, Move.HANDHELD: 0.1, Move.PAN_RIGHT: 0.05, Move.ZOOM_IN: 0.05,
}  # fmt: skip
_PATTERNS = ("plain", "plain", "fabric", "denim", "leather", "wood", "knit", "rubber", "concrete", "metal")


@dataclass(frozen=True)
class RandomSet:
    """One shot on one set."""

    split: str
    number: int
    world: World
    camera: CameraPath
    sky: int  # number of its sky; negative: a named preset
    words: str  # what is in it, for people


def make(number: int, split: str = "train", data: str | Path | None = None) -> RandomSet:
    """Set ``number`` of a split.

    Args:
        number: from 0.
        split: one of `SPLITS`.
        data: a folder of captures; None: the fifteen of the pybullet wheel.

    Raises:
        BadInput: no such split; no captures.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    rng = np.random.default_rng([_FIRST[split] + number, 6])
    count = int(rng.choice([1, 2, 3], p=[0.55, 0.33, 0.12]))
    performances = cast(_clips("test" if split == "test" else "train", data), SECONDS, count, rng)
    performances = tuple(replace(p, character=_body(int(rng.integers(_BODIES)))) for p in performances)
    everyone = framing.track(performances, np.arange(0.0, SECONDS, 0.1))
    sky, light = _sky(split, rng)
    stage = Stage(
        ground=str(rng.choice(list(GROUNDS))), light="noon",
        sun_azimuth=float(rng.uniform(-np.pi, np.pi)) if sky < 0 and rng.random() < 0.8 else None,
        props=_props(everyone.of("pelvis")[..., [0, 2]].reshape(-1, 2), rng),
        lights=_lamps(everyone.of("pelvis").reshape(-1, 3).mean(0), light, rng),
    )  # fmt: skip
    camera, words = _camera(performances, stage, rng)
    world = World(performances, stage, light)
    return RandomSet(
        split, number, world, camera, sky, f"{count} on {stage.ground}, {len(stage.props)} things, {words}"
    )


def sources(data: str | Path | None = None) -> list[str]:
    """The captures that sets are made of, one line each with its licence."""
    from rl_camera.env.library import default_library

    return sorted({line for split in ("train", "test") for line in default_library(split, 10.0, data).sources})


@lru_cache(maxsize=4)
def _clips(split: str, data: str | Path | None) -> tuple[Clip, ...]:
    from rl_camera.env.library import default_library

    return default_library(split, 10.0, data).clips


@lru_cache(maxsize=_BODIES)
def _body(number: int) -> Body:
    rng = np.random.default_rng([number, 61])

    def one(words: Sequence[str]) -> str:
        return str(rng.choice(list(words)))

    return Body.default(
        None, one(BUILDS), str(rng.choice(list(AGES), p=[0.1, 0.15, 0.6, 0.15])), one(PRESENTATIONS),
        one(list(OUTFITS)), skin=one(SKINS), hair=one(HAIR_COLOURS), hair_style=one(HAIR_STYLES),
    )  # fmt: skip


# ---- skies


def _sky(split: str, rng: np.random.Generator) -> tuple[int, LightPreset]:
    """A named preset in some of the sets for training, else a sky by number."""
    if split != "test" and rng.random() < 0.3:
        k = int(rng.integers(len(PRESETS)))
        return -1 - k, list(PRESETS.values())[k]
    number = int(rng.integers(SKIES // HELD_SKY)) * HELD_SKY
    if split != "test":
        number += 1 + int(rng.integers(HELD_SKY - 1))
    return number, sky(number)


def sky(number: int) -> LightPreset:
    """A sky of one's own: a named preset with every number of it moved, day to night, clear to overcast, studio."""
    rng = np.random.default_rng([number, 62])
    base = PRESETS[str(rng.choice(list(PRESETS), p=[0.25, 0.22, 0.18, 0.12, 0.23]))]
    warm, level = float(rng.normal(0.0, 0.25)), float(np.exp(rng.normal(0.0, 0.22)))
    fill = level * float(np.exp(rng.normal(0.0, 0.3)))  # of the sky against the sun

    def tinted(colour: Colour, by: float) -> Colour:
        red, green, blue = (by * c * float(np.exp(s * warm)) for c, s in zip(colour, (0.5, 0.0, -0.5)))
        return red, green, blue

    elevation = float(np.clip(base.sun_elevation + rng.normal(0.0, 0.25), np.radians(7), np.radians(82)))
    kickers = tuple(
        Kicker(k.azimuth + float(rng.normal(0, 0.8)), k.elevation, tinted(k.colour, level * float(rng.uniform(0, 1.5))))
        for k in base.kickers
    )
    return replace(
        base, kickers=kickers, sun_colour=tinted(base.sun_colour, level), sun_elevation=elevation,
        sun_azimuth=float(rng.uniform(-np.pi, np.pi)),
        sun_radius=float(np.clip(base.sun_radius * np.exp(rng.normal(0.0, 0.5)), np.radians(0.4), np.radians(18))),
        zenith=tinted(base.zenith, fill), horizon=tinted(base.horizon, fill), bounce=tinted(base.bounce, fill),
        glow=tinted(base.glow, fill), horizon_falloff=base.horizon_falloff * float(np.exp(rng.normal(0.0, 0.3))),
        haze_per_m=base.haze_per_m * float(np.exp(rng.normal(0.0, 0.5))),
    )  # fmt: skip


def _lamps(middle: Array, light: LightPreset, rng: np.random.Generator) -> tuple[Light, ...]:
    """A few lamps about, more often where it is dark."""
    dark = max(light.sun_colour) < 0.6
    if rng.random() > (0.5 if dark else 0.15):
        return ()
    lamps = []
    for _ in range(int(rng.integers(1, 4))):
        angle, far, high = rng.uniform(-np.pi, np.pi), rng.uniform(1.0, 4.0), rng.uniform(0.8, 3.5)
        place = np.array([middle[0] + far * np.sin(angle), high, middle[2] + far * np.cos(angle)])
        warm = float(rng.uniform(-0.6, 0.8))
        colour = (float(np.exp(0.5 * warm)), 1.0, float(np.exp(-0.7 * warm)))
        strength = float(np.exp(rng.normal(np.log(2.5 if dark else 4.0), 0.5)))
        if rng.random() < 0.5:
            lamps.append(Light("point", place, colour, strength))
        else:
            lamps.append(Light("spot", place, colour, 2 * strength, middle, float(rng.uniform(0.3, 0.9))))
    return tuple(lamps)


# ---- things


def _props(way: Array, rng: np.random.Generator) -> tuple[Prop, ...]:
    """Things of every kind, out of everybody's way (``(N, 2)``, metres); walls close by, for light to bounce off."""
    middle = way.mean(0)
    props: list[Prop] = []
    for k in range(int(rng.integers(0, 8))):
        shape = str(rng.choice(list(PRIMITIVES)))
        size = np.array(usual_size(shape)) * np.exp(rng.normal(0.0, 0.25)) * np.exp(rng.normal(0.0, 0.1, 3))
        reach = 0.5 * float(np.hypot(size[0], size[2]))
        angle = rng.uniform(-np.pi, np.pi)
        at = middle + (rng.uniform(0.6, 4.5) + 0.5 * reach) * np.array([np.sin(angle), np.cos(angle)])
        turn = rot.yaw(float(rng.uniform(-np.pi, np.pi)))
        if shape == "wall":
            turn, reach = rot.yaw(float(angle)), 0.3  # along the set, not through it
        if np.hypot(*(way - at).T).min() > 0.5 * WAY_M + reach:
            w, h, d = (float(v) for v in size)
            props.append(Prop(f"thing {k}", shape, (w, h, d), np.array([at[0], 0.0, at[1]]), turn, _material(rng)))
    return tuple(props)


def _material(rng: np.random.Generator) -> Material | None:
    """The thing's usual material, or any paint, cloth, wood or metal."""
    if rng.random() < 0.45:
        return None
    hue, saturation, value = rng.uniform(), rng.beta(1.2, 1.5), rng.uniform(0.06, 0.8)
    colour = colorsys.hsv_to_rgb(float(hue), float(saturation), float(value))
    if rng.random() < 0.18:
        return Material("random metal", colour, float(rng.uniform(0.15, 0.7)), 1.0, "metal")
    return Material("random", colour, float(rng.uniform(0.2, 1.0)), 0.0, str(rng.choice(_PATTERNS)))


# ---- the shot


def _camera(performances: Sequence[Performance], stage: Stage, rng: np.random.Generator) -> tuple[CameraPath, str]:
    def one(chances: dict) -> str:
        return str(rng.choice([str(c) for c in chances], p=list(chances.values())))

    size = one(_SIZES)
    lens = float(rng.choice([24.0, 35.0, 50.0, 85.0]))
    wide_open = rng.random() < 0.2
    views = [str(v) for v in View if v != View.OVER_THE_SHOULDER]
    shot = Shot(
        0.0, SECONDS, tuple(p.name for p in performances), size, one(_ANGLES), str(rng.choice(views)), one(_MOVES),
        "auto", lens, "rule", f_stop=float(rng.choice([1.4, 2.0, 2.8, 4.0])) if wide_open else None,
    )  # fmt: skip
    path = direct(performances, stage, [shot], FPS, 16 / 9)
    return path, f"{size}, {lens:g} mm"
