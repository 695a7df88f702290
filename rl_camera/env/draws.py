"""Random numbers of many environments at once: a counter through a hash, so that each is a function of its own seed.

A generator object per environment would need a Python loop at every reset. Here number k of episode e of an environment
is a hash of (seed, e, k): the same whatever the batch around it, and no state but two integers.
"""

from __future__ import annotations

import numpy as np

_GOLDEN, _A, _B = (np.uint64(v) for v in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def uniforms(seeds: np.ndarray, episodes: np.ndarray, count: int) -> np.ndarray:
    """Numbers in [0, 1), float32.

    Args:
        seeds: ``(N,)`` uint64, of the environments.
        episodes: ``(N,)`` uint64, how many episodes each has begun.
        count: numbers per environment.

    Returns:
        ``(count, N)``. SplitMix64 (Steele, Lea and Flood 2014) over a counter; the top 24 bits.
    """
    N = len(seeds)
    out = np.empty((count, N), np.float32)
    with np.errstate(over="ignore"):
        stream = _mix(_mix(seeds + _GOLDEN) ^ (episodes * _A + _B))
        steps = np.arange(1, count + 1, dtype=np.uint64)[:, None] * _GOLDEN
        rows = max(1, _AT_ONCE // max(N, 1))
        for first in range(0, count, rows):  # some at a time, so that all of it stays in the cache
            z = _mix(stream + steps[first : first + rows])
            z >>= np.uint64(40)
            out[first : first + rows] = z
    out *= np.float32(2.0**-24)
    return out


#: Numbers hashed at a time, 0.25 MiB.
_AT_ONCE = 32_768


def _mix(z: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64, in place."""
    work = z >> np.uint64(30)
    z ^= work
    z *= _A
    np.right_shift(z, np.uint64(27), out=work)
    z ^= work
    z *= _B
    np.right_shift(z, np.uint64(31), out=work)
    z ^= work
    return z


class Draws:
    """Uniform numbers handed out in order, with the usual shapes of randomness on top."""

    def __init__(self, values: np.ndarray) -> None:
        self._values, self._at = values, 0

    def uniform(self, low: float = 0.0, high: float = 1.0, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Even in [low, high), ``(*shape, N)``."""
        size = int(np.prod(shape)) if shape else 1
        part = self._values[self._at : self._at + size]
        if len(part) < size:
            raise AssertionError("fewer numbers drawn than an episode needs")
        self._at += size
        return (low + (high - low) * part).reshape(*shape, part.shape[1]).astype(np.float32)

    def normal(self, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Standard normal, ``(*shape, N)`` (Box and Muller 1958)."""
        a, b = self.uniform(shape=shape), self.uniform(shape=shape)
        return np.sqrt(-2.0 * np.log(np.maximum(1.0 - a, 1e-7))) * np.cos(2.0 * np.pi * b)

    def choice(self, count: int, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Whole numbers below ``count``, ``(*shape, N)``."""
        return np.minimum((self.uniform(shape=shape) * count).astype(np.int64), count - 1)

    def odds(self, probability: float, shape: tuple[int, ...] = ()) -> np.ndarray:
        """True with a probability, ``(*shape, N)``."""
        return self.uniform(shape=shape) < probability
