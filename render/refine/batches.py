"""Training pairs as batches of tensors, each a function of the step alone."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from motion.errors import BadInput
from render.refine import shards
from render.refine.describe import FLOOR, LIGHTS
from render.refine.guides import Passes


@dataclass(frozen=True)
class Pairs:
    """A batch of clips of T frames, ``N = clips · T``, frame after frame."""

    passes: Passes
    first: Tensor  # (N, 3, H, W) a reference
    second: Tensor  # (N, 3, H, W) another, with noise of its own
    clean: Tensor  # (N,) 1 where the references are clean enough for losses that do not forgive noise
    flow: Tensor | None = None  # (N, 2, H, W) to the frame before, px
    hidden: Tensor | None = None  # (N, 1, H, W)
    flow_far: Tensor | None = None  # to the end of the chunk before
    hidden_far: Tensor | None = None


#: Paths a pixel from which on references count as clean.
CLEAN_SPP = 256


#: How much more often than a noisy frame a clean one is taken at most: a few would be learned by heart.
_AGAIN = 4.0


class Batches:
    """Batches of windows of pictures, or of clips.

    Args:
        paths: files of training pairs.
        rows: frames of a batch.
        frames: of a clip; 1: pictures.
        size: height and width of what is cut out of the files' windows, px; None: all of them.
        fine: share of rows that are of clean files, where there are both; less where there are few of them.
        seed: of the choice.
        change: turn them round and change their colours and light.

    Raises:
        BadInput: there are no files, or none with clips of so many frames.
    """

    def __init__(
        self, paths: list[Path], rows: int, frames: int = 1, size: tuple[int, int] | None = None, fine: float = 0.4,
        seed: int = 0, change: bool = True,
    ) -> None:  # fmt: skip
        self.frames, self.rows, self.size, self.seed = frames, rows, size, seed
        self._change = change
        known = [(path, shards.about(path)) for path in paths]
        fits = [(p, a) for p, a in known if frames == 1 or (a.clip and len(a.frames) >= frames)]
        if not fits:
            raise BadInput(f"refiner: {len(paths)} files of training pairs, none with clips of {frames} frames")
        self._noisy = [(p, len(a.frames)) for p, a in fits if a.spp < CLEAN_SPP]
        self._clean = [(p, len(a.frames)) for p, a in fits if a.spp >= CLEAN_SPP]
        noisy, clean = (sum(count for _, count in group) for group in (self._noisy, self._clean))
        self.fine = min(fine, _AGAIN * clean / (clean + noisy))
        self._ahead = ThreadPoolExecutor(1)
        self._next: tuple[int, Future[Pairs]] | None = None

    def __call__(self, step: int) -> Pairs:
        """The batch of a step; the next one is read meanwhile."""
        if self._next is not None and self._next[0] == step:
            now = self._next[1].result()
        else:
            now = self._make(step)
        self._next = (step + 1, self._ahead.submit(self._make, step + 1))
        return now

    def _make(self, step: int) -> Pairs:
        rng = np.random.default_rng([self.seed, step, 7])
        clips = max(1, self.rows // self.frames)
        parts = [self._clip(rng, k, clips) for k in range(clips)]
        return tensors({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})

    def _clip(self, rng: np.random.Generator, k: int, clips: int) -> dict[str, np.ndarray]:
        # Every clip has its chance, so that any share is kept to over many steps, and batches are alike.
        fine = self._clean and (not self._noisy or k + rng.random() < self.fine * clips)
        group = self._clean if fine else self._noisy
        path, count = group[int(rng.integers(len(group)))]
        first = int(rng.integers(count - self.frames + 1)) if self.frames < shards.CHUNK else 0
        arrays = shards.load(path, slice(first, first + self.frames))
        if self.frames == 1:
            arrays = {name: value for name, value in arrays.items() if not name.startswith(("flow", "hidden"))}
        arrays["clean"] = np.full(self.frames, float(bool(fine)), np.float32)
        arrays = crop(arrays, self.size, rng)
        if not self._change:
            return arrays
        gains = np.exp(rng.normal(0.0, 0.35) + rng.normal(0.0, 0.25, 3))
        arrays = recolour(arrays, rng.permutation(3), gains)
        return mirror(arrays) if rng.random() < 0.5 else arrays


def crop(
    arrays: dict[str, np.ndarray], size: tuple[int, int] | None, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """A random part of the windows, ``size`` high and wide; rays move with it."""
    height, width = arrays["beauty"].shape[-2:]
    h, w = (height, width) if size is None else (min(size[0], height), min(size[1], width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    out = {
        k: v[..., top : top + h, left : left + w] if v.shape[-2:] == (height, width) else v for k, v in arrays.items()
    }
    rays = out["rays"].copy()
    rays[:, 0] += left * rays[:, 1] + top * rays[:, 2]
    return out | {"rays": rays}


def recolour(arrays: dict[str, np.ndarray], order: np.ndarray, gains: np.ndarray) -> dict[str, np.ndarray]:
    """The same set with colours exchanged and all light brighter or darker by channel: as exact a pair as before.

    Light of one colour never becomes another's, and twice as much light everywhere is twice as much everywhere. What a
    network learns so holds under light that it has never seen.

    Args:
        arrays: of the shards' layout.
        order: which of red, green and blue takes each one's place.
        gains: of each, after that.
    """
    out = dict(arrays)
    for name in ("beauty", "diffuse", "specular", "first", "second"):
        out[name] = arrays[name][:, order].astype(np.float32) * gains[:, None, None].astype(np.float32)
    out["albedo_aa"] = arrays["albedo_aa"][:, order]
    code = arrays["code"].copy()
    for first in LIGHTS:
        light = np.expm1(arrays["code"][:, first : first + 3][:, order])
        code[:, first : first + 3] = np.log1p(light * gains)
    code[:, FLOOR : FLOOR + 3] = arrays["code"][:, FLOOR : FLOOR + 3][:, order]
    return out | {"code": code}


def mirror(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Left and right exchanged, with everything that has a direction."""
    height, width = arrays["beauty"].shape[-2:]
    out = {k: v[..., ::-1] if v.shape[-2:] == (height, width) else v for k, v in arrays.items()}
    flip = np.array([-1.0, 1.0, 1.0], np.float32)
    # In the level frame x turns round: of the frame itself, of the rays, of the sun's direction.
    out["level"] = arrays["level"] * flip[:, None]
    rays = arrays["rays"] * flip
    rays[:, 0] += width * rays[:, 1]
    rays[:, 1] *= -1.0
    out["rays"] = rays
    code = arrays["code"].copy()
    code[:, 0] *= -1.0
    out["code"] = code
    for name in ("flow", "flow_far"):
        if name in out:
            out[name] = out[name] * np.array([-1.0, 1.0], np.float16)[:, None, None]
    return out


def tensors(arrays: dict[str, np.ndarray]) -> Pairs:
    """Arrays of the shards' layout as float32 tensors."""

    def get(name: str, scale: float = 1.0) -> Tensor:
        value = torch.from_numpy(np.ascontiguousarray(arrays[name])).float()
        return value if scale == 1.0 else value * scale

    passes = Passes(
        get("beauty"), get("diffuse"), get("specular"), get("albedo_aa", 1 / 255) ** 2, get("normal", 1 / 127),
        get("depth")[:, None], get("rough_metal", 1 / 255), get("alpha", 1 / 255)[:, None], get("ids"), get("level"),
        get("rays"), get("height"), get("pixel"), get("code"),
    )  # fmt: skip
    flows = {}
    if "flow" in arrays:
        flows = {
            "flow": get("flow"), "hidden": get("hidden")[:, None], "flow_far": get("flow_far"),
            "hidden_far": get("hidden_far")[:, None],
        }  # fmt: skip
    clean = get("clean") if "clean" in arrays else torch.zeros(len(passes.beauty))
    return Pairs(passes, get("first"), get("second"), clean, **flows)
