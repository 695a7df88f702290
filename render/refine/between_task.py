"""What is trained between refined frames: `BetweenTask`, on clips whose every frame was refined by itself.

A file of clips holds what a training pair holds (`render.refine.shards`) but flow, its light in ``first``, and triples:

    triples                  uint8 (K, 3)        frame before, frame, frame after: places in the clip
    back, back_hidden        float16 (K, 2, H, W), uint8 (K, H, W)   flow of the frame to the one before
    on, on_hidden            the same to the one after
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from motion.errors import BadInput
from render.refine import losses
from render.refine.batches import tensors
from render.refine.blend import BlendNetwork, Side, blend, side
from render.refine.display import shown
from render.refine.guides import Passes, light_of, state_of

#: Triples of a clip of eight frames: all of distance 2, some of 3 and 4.
TRIPLES: tuple[tuple[int, int, int], ...] = (
    *((a, a + 1, a + 2) for a in range(6)),
    *((a, a + k, a + 3) for a in (1, 4) for k in (1, 2)),
    *((a, a + k, a + 4) for a in (0, 3) for k in (1, 2, 3)),
)

_FLOWS = ("back", "back_hidden", "on", "on_hidden")
_WEIGHTS = {"relative": 1.0, "absolute": 6.0, "gradients": 3.0}
_HOLES = 3.0  # how much more a pixel counts that a neighbour does not see: there the plain blend is worst


@dataclass(frozen=True)
class Between:
    """A batch of frames between two refined ones."""

    passes: Passes
    light: Tensor  # (N, 3, H, W) of the frame refined by itself
    before: Side
    after: Side
    distance: Tensor  # (N,) frames between both neighbours


class BetweenTask:
    """`motion.prior.trainer.Task` of `render.refine.blend.BlendNetwork`.

    Args:
        train: files of clips.
        check: others, for figures.
        rows: frames of a batch.
        crop: height and width of what is seen of a frame, px.
        seed: of weights and batches.

    Raises:
        BadInput: there are no files.
    """

    def __init__(
        self, train: Sequence[Path], check: Sequence[Path] = (), rows: int = 6,
        crop: tuple[int, int] | None = (128, 208), seed: int = 0,
    ) -> None:  # fmt: skip
        if not train:
            raise BadInput("between frames: no files of clips to train on")
        self._train, self._check, self._rows, self._crop, self.seed = list(train), list(check), rows, crop, seed

    def module(self) -> nn.Module:
        """The network, freshly initialised."""
        torch.manual_seed(self.seed)
        return BlendNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def batch(self, step: int) -> Between:
        """Frames of a step."""
        rng = np.random.default_rng([self.seed, step, 8])
        rows = []
        for _ in range(self._rows):
            path = self._train[int(rng.integers(len(self._train)))]
            one = read(path, int(rng.integers(len(TRIPLES))))
            one = _cut(one, self._crop, rng)
            rows.append(_mirrored(one) if rng.random() < 0.5 else one)
        return _joined(rows)

    def rows(self, batch: Between) -> int:
        """Frames of a batch."""
        return len(batch.light)

    def loss(self, module: nn.Module, batch: Between, rows: slice) -> dict[str, Tensor]:
        """Terms for each frame of ``rows``."""
        part = _some(batch, rows)
        # Light and its logarithms need all of float32.
        with torch.autocast(part.light.device.type, enabled=False):
            light = made(module, part)
            seen, wanted = shown(light), shown(part.light)
            weight = part.passes.alpha * (1 + _HOLES * (1 - torch.minimum(part.before.seen, part.after.seen)))
            terms = {
                "relative": losses.relative(light, part.light, part.passes.modulator, weight),
                "absolute": losses.absolute(seen, wanted, weight),
                "gradients": losses.gradients(seen, wanted, weight),
            }
        return {name: _WEIGHTS[name] * value for name, value in terms.items()}

    @torch.no_grad()
    def check(self, module: nn.Module) -> dict[str, float]:
        """Mean squared error as PSNR of displayed surfaces, held out: the network, the plain blend, and both where a
        neighbour sees nothing."""
        found: dict[str, list[Tensor]] = {}
        for path in self._check:
            for k in range(0, len(TRIPLES), 3):
                one = read(path, k)
                solid = (one.passes.alpha > 0.99).float()
                hole = solid * (1 - torch.minimum(one.before.seen, one.after.seen))
                for name, network in (("psnr", module), ("plain", None)):
                    far = (shown(made(network, one)) - shown(one.light)).square().mean(1, keepdim=True)
                    for part, where in (("", solid), ("_holes", hole)):
                        found.setdefault(name + part, []).append(torch.stack([(far * where).sum(), where.sum()]))
        sums = {name: torch.stack(values).sum(0) for name, values in found.items()}
        return {name: float(-10 * torch.log10(s[0] / s[1].clamp_min(1) + 1e-12)) for name, s in sums.items()}


def made(network: nn.Module | None, part: Between) -> Tensor:
    """The light ``(N, 3, H, W)`` of frames between; ``network`` None: the plain blend."""
    modulator = part.passes.modulator
    raster = state_of(part.passes.beauty, modulator)
    return light_of(raster + blend(network, part.passes, part.before, part.after, part.distance), modulator)


def read(path: Path, k: int) -> Between:
    """Triple ``k`` of a file, as a batch of one.

    Raises:
        BadInput: the file is none of ours, or has no such triple.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "numpy") as file:
            names = list(file.keys())
            places = file.get_slice("triples")[k].astype(int)
            flows = {name: file.get_slice(name)[k] for name in _FLOWS}
            parts = {name: file.get_slice(name) for name in names if name not in (*_FLOWS, "triples")}
            arrays = {name: np.stack([part[int(p)] for p in places]) for name, part in parts.items()}
    except (OSError, SafetensorError, ValueError, IndexError) as error:
        raise BadInput(f"{path}: not a file of clips with triple {k} ({error})") from error
    arrays |= {"second": arrays["first"], "clean": np.ones(3, np.float32)}
    pairs = tensors(arrays)
    modulator = pairs.passes.modulator
    raster = state_of(pairs.passes.beauty, modulator)
    planes = torch.cat([state_of(pairs.first, modulator) - raster, raster], dim=1)
    distance = float(places[2] - places[0])
    sides = {}
    for at, name in ((0, "back"), (2, "on")):
        flow = torch.from_numpy(flows[name].astype(np.float32))[None]
        hidden = torch.from_numpy(flows[f"{name}_hidden"].astype(np.float32))[None, None]
        near = torch.tensor([1 - abs(float(places[1] - places[at])) / distance])
        sides[name] = side(planes[at : at + 1], flow, hidden, near)
    passes = _row(pairs.passes, slice(1, 2))
    return Between(passes, pairs.first[1:2], sides["back"], sides["on"], torch.tensor([distance]))


def _each(part: Between, change_picture, change_other=lambda value: value) -> Between:  # type: ignore[no-untyped-def]
    """The same with every picture changed, and every other tensor."""
    size = part.light.shape[-2:]

    def changed(thing):  # type: ignore[no-untyped-def]
        values = {
            name: change_picture(value) if value.ndim == 4 and value.shape[-2:] == size else change_other(value)
            for name, value in vars(thing).items()
            if isinstance(value, Tensor)
        }
        return replace(thing, **values)

    return replace(changed(part), passes=changed(part.passes), before=changed(part.before), after=changed(part.after))


def _cut(part: Between, size: tuple[int, int] | None, rng: np.random.Generator) -> Between:
    height, width = part.light.shape[-2:]
    h, w = (height, width) if size is None else (min(size[0], height), min(size[1], width))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    return _each(part, lambda picture: picture[..., top : top + h, left : left + w])


def _mirrored(part: Between) -> Between:
    """Left and right exchanged; of all that is told only normals have a direction."""
    flipped = _each(part, lambda picture: picture.flip(-1))
    turn = torch.tensor([-1.0, 1.0, 1.0])[:, None]
    return replace(flipped, passes=replace(flipped.passes, level=flipped.passes.level * turn))


def _some(part: Between, rows: slice) -> Between:
    return _each(part, lambda picture: picture[rows], lambda value: value[rows])


def _row(passes: Passes, rows: slice) -> Passes:
    return replace(passes, **{name: value[rows] for name, value in vars(passes).items()})


def _joined(parts: list[Between]) -> Between:
    def joined(things):  # type: ignore[no-untyped-def]
        names = [name for name, value in vars(things[0]).items() if isinstance(value, Tensor)]
        return replace(things[0], **{name: torch.cat([getattr(one, name) for one in things]) for name in names})

    return replace(
        joined(parts), passes=joined([one.passes for one in parts]),
        before=joined([one.before for one in parts]), after=joined([one.after for one in parts]),
    )  # fmt: skip
