"""Light presets: a sun, lamps without shadows, a sky, haze; and the sky as a small table and as harmonics.

Intensities are already exposed: a white matte surface facing the light alone leaves ``sun_colour`` of radiance, and a
picture at an exposure of 0 stops is as bright as its preset should look. Colours are linear Rec.709.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from motion.material import Colour
from motion.rotations import Array

#: Elevations and roughnesses of `sky_table`.
SKY_ROWS, SKY_COLUMNS = 8, 256

#: How grey thick clouds make the sky's light.
CLOUDS_GREY = 0.75

#: Of linear Rec.709.
LUMINANCE = (0.2126, 0.7152, 0.0722)

T = TypeVar("T")  # np.ndarray or torch.Tensor


@dataclass(frozen=True)
class Kicker:
    """A directional light without shadows: a rim, a fill."""

    azimuth: float  # radians about +Y from +Z
    elevation: float
    colour: Colour


@dataclass(frozen=True)
class LightPreset:
    """Everything that lights a set."""

    sun_colour: Colour
    sun_azimuth: float  # radians about +Y from +Z
    sun_elevation: float  # radians above the horizon
    sun_radius: float  # radians: half the angle the lamp or sun fills; how soft its shadows are
    zenith: Colour
    horizon: Colour
    bounce: Colour  # radiance from below the horizon
    horizon_falloff: float  # larger: a thinner bright band along the horizon
    glow: Colour = (0.0, 0.0, 0.0)  # around the sun in the sky
    glow_sharpness: float = 8.0
    haze_per_m: float = 0.0  # extinction of aerial haze
    haze_start_m: float = 0.0
    backdrop: tuple[float, float] | None = None  # metres from the set's middle where the ground turns into the sky
    kickers: tuple[Kicker, ...] = ()
    clouds: float = 0.0  # 0 none … 1 thick
    stars: float = 0.0


def _deg(value: float) -> float:
    return float(np.deg2rad(value))


PRESETS: dict[str, LightPreset] = {
    "noon": LightPreset(
        sun_colour=(1.62, 1.48, 1.28), sun_azimuth=_deg(35), sun_elevation=_deg(56), sun_radius=_deg(0.8),
        zenith=(0.055, 0.17, 0.52), horizon=(0.46, 0.62, 0.84), bounce=(0.13, 0.13, 0.10), horizon_falloff=4.2,
        glow=(0.30, 0.27, 0.22), glow_sharpness=24.0, haze_per_m=0.0016, haze_start_m=15.0, clouds=0.55,
    ),
    "golden_hour": LightPreset(
        sun_colour=(1.95, 1.02, 0.44), sun_azimuth=_deg(62), sun_elevation=_deg(15), sun_radius=_deg(1.2),
        zenith=(0.11, 0.19, 0.38), horizon=(0.90, 0.52, 0.27), bounce=(0.13, 0.09, 0.06), horizon_falloff=5.0,
        glow=(0.95, 0.50, 0.18), glow_sharpness=7.0, haze_per_m=0.0035, haze_start_m=8.0, clouds=0.6,
    ),
    "overcast": LightPreset(
        sun_colour=(0.44, 0.43, 0.41), sun_azimuth=_deg(28), sun_elevation=_deg(55), sun_radius=_deg(16),
        zenith=(0.70, 0.735, 0.785), horizon=(0.48, 0.505, 0.54), bounce=(0.12, 0.12, 0.115), horizon_falloff=1.6,
        haze_per_m=0.006, haze_start_m=10.0, clouds=0.35,
    ),
    "night": LightPreset(
        sun_colour=(0.24, 0.31, 0.46), sun_azimuth=_deg(-50), sun_elevation=_deg(42), sun_radius=_deg(1.5),
        zenith=(0.010, 0.018, 0.045), horizon=(0.036, 0.052, 0.090), bounce=(0.008, 0.009, 0.012),
        horizon_falloff=2.6, glow=(0.02, 0.03, 0.05), glow_sharpness=20.0, haze_per_m=0.004, haze_start_m=12.0,
        kickers=(Kicker(_deg(140), _deg(18), (0.42, 0.23, 0.095)),), stars=1.0,
    ),
    "studio": LightPreset(
        sun_colour=(1.02, 0.98, 0.92), sun_azimuth=_deg(38), sun_elevation=_deg(48), sun_radius=_deg(5.0),
        zenith=(0.34, 0.35, 0.37), horizon=(0.30, 0.305, 0.318), bounce=(0.16, 0.155, 0.15), horizon_falloff=1.5,
        backdrop=(2.5, 11.0),
        kickers=(
            Kicker(_deg(-155), _deg(35), (0.46, 0.50, 0.58)),
            Kicker(_deg(-62), _deg(20), (0.10, 0.11, 0.125)),
        ),
    ),
}  # fmt: skip


def towards(azimuth: float, elevation: float) -> Array:
    """Unit vector towards a light, azimuth about +Y from +Z, both in radians."""
    return np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])


def risen(sun: Array) -> float:
    """Share of a sun that is above the horizon, 0 to 1: below it is not seen through the ground.

    ``sun``: unit vector towards it.
    """
    return float(np.clip((sun[1] + 0.02) / 0.05, 0.0, 1.0))


def gradient(preset: LightPreset, y: Array) -> Array:
    """Sky radiance ``(…, 3)`` without the sun's glow, by the height ``y`` of a unit direction."""
    y = np.asarray(y, dtype=np.float64)[..., None]
    zenith, horizon, bounce = (np.array(c) for c in (preset.zenith, preset.horizon, preset.bounce))
    up = zenith + (horizon - zenith) * np.exp(-preset.horizon_falloff * np.maximum(y, 0.0))
    down = bounce + (horizon - bounce) * np.exp(np.minimum(y, 0.0) * 24.0)
    return np.where(y >= 0, up, down)


def sky_table(preset: LightPreset) -> np.ndarray:
    """The sky seen in mirrors ever rougher: ``(SKY_ROWS, SKY_COLUMNS, 4)`` float32.

    Columns are heights ``y = s|s|``, s from −1 to 1 (fine at the horizon); rows are roughness 0 to 1. A row is the
    gradient averaged over a Phong lobe as wide as GGX of that roughness (``n = 2 / roughness⁴ − 2``).
    """
    s = np.linspace(-1.0, 1.0, SKY_COLUMNS)
    y = s * np.abs(s)
    table = np.ones((SKY_ROWS, SKY_COLUMNS, 4), np.float32)
    table[0, :, :3] = gradient(preset, y)
    sines = np.sqrt(1 - y**2)
    count = 256
    turn = np.arange(count) * 2.399963229728653  # golden angle: an even spiral over the lobe
    for row in range(1, SKY_ROWS):
        exponent = 2.0 / max((row / (SKY_ROWS - 1)) ** 4, 1e-4) - 2.0
        cosine = ((np.arange(count) + 0.5) / count) ** (1.0 / (exponent + 1.0))
        height = y[:, None] * cosine + sines[:, None] * np.sqrt(1 - cosine**2) * np.cos(turn)
        table[row, :, :3] = gradient(preset, np.clip(height, -1, 1)).mean(axis=1)
    return table


def greyed(preset: LightPreset, radiance: Array) -> Array:
    """Radiance ``(…, 3)`` of a preset's sky under its clouds, which send its blue back as grey."""
    grey = CLOUDS_GREY * preset.clouds
    return (1 - grey) * radiance + grey * (radiance @ LUMINANCE)[..., None]


def sky_radiance(preset: LightPreset, sun: Array, d: Array) -> Array:
    """What the sky sends from directions ``d (…, 3)``, clouds and the sun's glow with it, ``(…, 3)``."""
    radiance = greyed(preset, gradient(preset, d[..., 1]))
    return radiance + np.array(preset.glow) * np.maximum(d @ sun, 0.0)[..., None] ** preset.glow_sharpness


def irradiance(preset: LightPreset, sun: Array) -> Array:
    """Nine colours ``(9, 3)`` that give the sky's irradiance / π at a normal (Ramamoorthi and Hanrahan 2001).

    Order 1, y, z, x, xy, yz, 3z²−1, xz, x²−y², with all constants folded in, y up.
    """
    d, weights = harmonics_of_cosine(4096)
    return weights.T @ sky_radiance(preset, sun, d)


def harmonics_of_cosine(count: int) -> tuple[Array, Array]:
    """Directions ``(count, 3)`` all round and weights ``(count, 9)``: their product with radiance is `irradiance`'s."""
    i = np.arange(count) + 0.5
    up = 1 - 2 * i / count  # an even spiral over the sphere
    turn = 2.399963229728653 * i
    r = np.sqrt(1 - up**2)
    d = np.stack([r * np.cos(turn), up, r * np.sin(turn)], axis=-1)
    basis = np.stack(harmonics(*d.T), axis=-1)
    # Cosine lobe per band (π, 2π/3, π/4) over π, and the squared norms of the unnormalised basis.
    band = np.array([1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4])
    return d, basis * band / (basis**2).mean(axis=0) / count


def harmonics(x: T, y: T, z: T) -> tuple[T, ...]:
    """The nine of `irradiance` at unit vectors, of NumPy's arrays or torch's."""
    return (0 * x + 1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y)  # type: ignore[operator,return-value]
