"""The pace of a film: how long a shot should last that begins at each moment, so that lengths vary as in films.

The most likely length of a law is one number, and an edit that maximises a density has shots of that length alone. The
lengths of a film are *drawn* from the law. So the draw is made first, as a curve over time, and the edit is held to it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from motion import kinematics
from motion.rotations import Array
from rl_camera import shot_terms
from rl_camera.damping import smooth
from rl_camera.editing import Rhythm
from rl_camera.framing import Tracks

#: Slowest to fastest waves of the drawn curve, mean shots long.
FASTEST_SHOTS, SLOWEST_SHOTS = 2.5, 40.0

#: Logarithm of the action that counts as much as one standard deviation of the drawn curve: 1.6 times as busy.
ENERGY_LOG = 0.5

#: Statures per second of a film in which everybody rests; less is no calmer.
REST = 0.05


def targets(everyone: Tracks, rhythm: Rhythm, seed: int = 0) -> Array:
    """Length in seconds ``(T,)`` of a shot that begins at each moment: short where much goes on, and as the seed draws.

    The logarithm is normal over the film, with the rhythm's ``variety`` v as its standard deviation, about
    ``ln(mean) + v² / 2``: a moment falls into a long shot more often than into a short one, in proportion to its
    length, and this is the law of moments that belongs to a log-normal law of shots with that mean. A film of few shots
    does not reach the law's tails: of n shots the extremes are expected at the quantiles 1 / (n + 1) and n / (n + 1).

    Args:
        everyone: who is filmed, evenly in time.
        rhythm: the law of lengths.
        seed: of the drawn part; the cast's names and when the stretch begins count as well.
    """
    times = everyone.times
    count = len(times)
    dt = float(times[1] - times[0]) if count > 1 else 1.0
    curve = _waves(times, rhythm.mean_s, _generator(everyone.names, float(times[0]), seed)) - _energy(
        everyone, rhythm.mean_s, dt
    )
    shots = count * dt / rhythm.mean_s
    place = (curve.argsort(kind="stable").argsort(kind="stable") + 0.5) / count
    normal = ndtri(0.5 + (place - 0.5) * shots / (shots + 1.0))
    v = rhythm.variety
    return np.clip(rhythm.mean_s * np.exp(0.5 * v**2 + v * normal), rhythm.shortest_s, rhythm.longest_s)


def blocks(asked_s: Array, samples_per_s: float) -> np.ndarray:
    """Edges ``(B + 1,)`` of blocks of samples, each about as long as a shot is asked to be that begins with it.

    Args:
        asked_s: ``(T,)`` seconds, of `targets`.
        samples_per_s: samples of a block for each second that is asked for.
    """
    edges = [0]
    while edges[-1] < len(asked_s):
        edges.append(edges[-1] + max(1, round(float(asked_s[edges[-1]]) * samples_per_s)))
    # What the end cuts off to less than half joins the block before it.
    if len(edges) > 2 and 2 * (len(asked_s) - edges[-2]) < edges[-1] - edges[-2]:
        edges.pop(-2)
    return np.array([*edges[:-1], len(asked_s)])


def _generator(names: Sequence[str], start_s: float, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32("\n".join(names).encode()), round(1000.0 * start_s)])


def _waves(times: Array, mean_s: float, rng: np.random.Generator) -> Array:
    """A smooth random curve ``(T,)`` of variance about 1 with as much in every octave.

    Shot lengths of films hang together over many shots, ever more as 1 / f (Cutting, DeLong & Nothelfer, Attention and
    the Evolution of Hollywood Film, Psychological Science 2010).
    """
    periods = mean_s * 2.0 ** np.arange(np.log2(FASTEST_SHOTS), np.log2(SLOWEST_SHOTS), 0.5)
    phase = rng.uniform(0.0, 2.0 * np.pi, len(periods))
    return np.sin(2.0 * np.pi * times[:, None] / periods + phase).sum(1) * np.sqrt(2.0 / len(periods))


def _energy(everyone: Tracks, mean_s: float, dt: float) -> Array:
    """How much more than usual goes on about each moment ``(T,)``, in units of `ENERGY_LOG`."""
    points = shot_terms.points_of(everyone.points)
    speed = np.linalg.norm(kinematics.velocity(points, 1.0 / dt), axis=-1) / everyone.stature[:, None]
    log = np.log(REST + smooth(speed.mean((1, 2)), 0.5 * mean_s, dt).clip(0.0, 1e3))
    return (log - log.mean()) / ENERGY_LOG
