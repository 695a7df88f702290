"""Nearest patches of a painting for every pixel of a picture: PatchMatch on short descriptors, and voting.

Barnes, Shechtman, Finkelstein, Goldman 2009, with whole-picture steps instead of a scan: every pixel tries what its
neighbours found, then random places ever nearer. A pixel's descriptor is its guides and the few numbers that tell the
5 x 5 pixels round it apart best (principal components), so a comparison is one short row, not a patch.
"""

from __future__ import annotations

import numpy as np

REACH = 2  # px: patches are 5 x 5
_COMPONENTS = 8
_BAND = 65_536  # pixels whose patches are laid out at a time


class Texture:
    """What tells the patches of one painting apart."""

    def __init__(self, painting: np.ndarray) -> None:
        step = max(1, int(np.sqrt(painting.shape[0] * painting.shape[1] / 20_000)))
        rows = np.arange(0, painting.shape[0], step)
        columns = np.arange(0, painting.shape[1], step)
        at = (rows[:, None] * painting.shape[1] + columns[None]).reshape(-1)
        patches = _patches(painting, at)
        self._mean = patches.mean(0)
        centred = patches - self._mean
        _, axes = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(centred))
        self._axes = np.ascontiguousarray(axes[:, ::-1][:, :_COMPONENTS], dtype=np.float32)
        # Eigenvectors have no sign of their own; fix it, so that every machine agrees.
        self._axes *= np.where(self._axes[np.abs(self._axes).argmax(0), np.arange(self._axes.shape[1])] < 0, -1.0, 1.0)

    def describe(self, picture: np.ndarray) -> np.ndarray:
        """``(H W, 8)`` float32 of a picture ``(H, W, 3)``; a difference of 1 is one patch's from black to white."""
        count = picture.shape[0] * picture.shape[1]
        out = np.empty((count, self._axes.shape[1]), np.float32)
        for begin in range(0, count, _BAND):
            at = np.arange(begin, min(begin + _BAND, count))
            out[at] = (_patches(picture, at) - self._mean) @ self._axes
        return out / np.float32(np.sqrt(self._axes.shape[0]))


def _patches(picture: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The patches ``(N, 75)`` round pixels, by index; the border is repeated."""
    height, width = picture.shape[:2]
    row, column = np.divmod(at, width)
    flat = picture.reshape(-1, 3)
    parts = []
    for dy in range(-REACH, REACH + 1):
        y = np.clip(row + dy, 0, height - 1) * width
        parts += [flat[y + np.clip(column + dx, 0, width - 1)] for dx in range(-REACH, REACH + 1)]
    return np.concatenate(parts, axis=1)


def search(
    found: np.ndarray,
    here: np.ndarray,
    there: np.ndarray,
    size_there: tuple[int, int],
    rng: np.random.Generator,
    rounds: int,
    reach_px: float,
) -> np.ndarray:
    """Better places in the painting for every pixel.

    Args:
        found: ``(H, W, 2)`` float32: x, y in the painting, px from the middle of its first pixel, as known so far.
        here: ``(H W, D)`` descriptors of the picture.
        there: ``(Hs Ws, D)`` descriptors of the painting.
        size_there: width and height of the painting.
        rng: chance.
        rounds: times that neighbours and chance are asked.
        reach_px: how far chance looks at first.

    Returns:
        Another ``found``; places between pixels stay between them where neighbours move together.
    """
    height, width = found.shape[:2]
    best = found.copy()
    cost = _cost(best, here, there, size_there)
    for turn in range(rounds):
        for step in (4, 1) if turn % 2 == 0 else (2, 1):
            for dy, dx in ((0, step), (0, -step), (step, 0), (-step, 0)):
                if abs(dx) >= width or abs(dy) >= height:
                    continue
                # What the pixel at (y - dy, x - dx) found, moved along.
                tried = np.roll(best, (dy, dx), axis=(0, 1)) + np.array([dx, dy], np.float32)
                _keep(best, cost, tried, here, there, size_there)
        reach = reach_px
        while reach >= 1.0:
            tried = best + rng.uniform(-reach, reach, best.shape).astype(np.float32)
            _keep(best, cost, tried, here, there, size_there)
            reach *= 0.35
    return best


def _cost(found: np.ndarray, here: np.ndarray, there: np.ndarray, size_there: tuple[int, int]) -> np.ndarray:
    off = here - np.take(there, index_of(found, size_there).reshape(-1), axis=0)
    return np.einsum("ij,ij->i", off, off).reshape(found.shape[:2])


def _keep(
    best: np.ndarray,
    cost: np.ndarray,
    tried: np.ndarray,
    here: np.ndarray,
    there: np.ndarray,
    size_there: tuple[int, int],
) -> None:
    """Take what was tried where it is better by more than a hair: equals stay, so pictures stay too.

    Places outside the painting are not tried: held to its border, they would smear it over all that it does not show.
    """
    new = _cost(tried, here, there, size_there)
    inside = (tried >= 0.0).all(-1) & (tried[..., 0] <= size_there[0] - 1) & (tried[..., 1] <= size_there[1] - 1)
    better = inside & (new < cost * 0.995 - 1e-9)
    best[better] = tried[better]
    cost[better] = new[better]


def index_of(found: np.ndarray, size_there: tuple[int, int]) -> np.ndarray:
    """The pixel nearest to each place, by index ``(H, W)``."""
    x = np.clip(np.rint(found[..., 0]).astype(np.int64), 0, size_there[0] - 1)
    y = np.clip(np.rint(found[..., 1]).astype(np.int64), 0, size_there[1] - 1)
    return y * size_there[0] + x


def vote(found: np.ndarray, painting: np.ndarray, here: np.ndarray, there: np.ndarray, reach: int) -> np.ndarray:
    """The picture ``(H, W, 3)`` that overlapping patches of the painting agree on.

    Every patch that covers a pixel says what it should be; patches that fit badly say it softly.

    Args:
        found: where in the painting each pixel's patch lies.
        painting: ``(Hs, Ws, 3)``.
        here, there: descriptors, as in `search`.
        reach: px round a pixel whose patches are heard: 0 itself only, 1 the 3 x 3, 2 all.
    """
    height, width = found.shape[:2]
    size = (painting.shape[1], painting.shape[0])
    cost = _cost(found, here, there, size)
    trust = 1.0 / (0.002 + cost)
    total = np.zeros((height, width, 3), np.float32)
    weights = np.zeros((height, width, 1), np.float32)
    rows, columns = np.arange(height), np.arange(width)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            places = found[np.ix_(y, x)] - np.array([dx, dy], np.float32)
            weight = trust[np.ix_(y, x)][..., None]
            total += weight * between(painting, places)
            weights += weight
    return total / weights


def between(painting: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The painting at places between its pixels, bilinear ``(H, W, 3)``."""
    height, width = painting.shape[:2]
    x = np.clip(places[..., 0], 0.0, width - 1.0)
    y = np.clip(places[..., 1], 0.0, height - 1.0)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    flat = painting.reshape(-1, painting.shape[2])
    upper = np.take(flat, top * width + left, axis=0) * (1 - fx) + np.take(flat, top * width + right, axis=0) * fx
    lower = np.take(flat, below * width + left, axis=0) * (1 - fx) + np.take(flat, below * width + right, axis=0) * fx
    return upper * (1 - fy) + lower * fy


def halved(image: np.ndarray, times: int) -> np.ndarray:
    """An image ``(H, W, C)`` at 1 / 2^times of its size, a pixel at least; the last row and column may be averaged
    with themselves."""
    for _ in range(times):
        pad = [(0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)]
        whole = np.pad(image, pad, mode="edge")
        image = whole.reshape(whole.shape[0] // 2, 2, whole.shape[1] // 2, 2, -1).mean((1, 3)).astype(np.float32)
    return image


def doubled(found: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Places for a picture, and in a painting, of twice the size."""
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    coarse = found[np.ix_(rows // 2, columns // 2)]
    part = np.stack(np.broadcast_arrays((columns % 2)[None], (rows % 2)[:, None]), axis=-1).astype(np.float32)
    return coarse * 2.0 + part
