"""Training the calibrator: captures are distorted, and it learns to say what was done; `CalibratorTask`."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from motion.corpus import FPS, Window
from motion.errors import BadInput
from motion.prior import poses
from motion.prior.batches import Batch, Windows
from motion.prior.constraints import JOINTS
from motion.prior.features import exact
from physics.calibrator.distort import Chance, Faults, distort
from physics.calibrator.features import Seen, look
from physics.calibrator.motions import Motions, from_rotvec, turn
from physics.calibrator.network import Answer, Config, Network
from physics.calibrator.variety import varied

#: Lengths that are trained on, frames; twice as many steps see the middle one.
LENGTHS = (60, 120, 120, 180)
#: How many steps see captures whose feet were put on the ground.
STANDING = 0.6
#: Captures are also played at other speeds, to see fast ones: factors, drawn evenly on a logarithmic scale.
SPEEDS = (0.7, 2.0)
#: What a slip, a height and a tilt may be off and count by its square, m/s, metres and radians; beyond, by itself.
_SLIP, _LIFT, _TILT = 0.05, 0.03, 0.03


@dataclass(frozen=True)
class Example:
    """Distorted captures and the truth."""

    spoiled: Motions
    calm: Motions  # neither shaken nor flipped; still lifted, moved and tilted
    faults: Faults
    contacts: Tensor  # (B, T, 4)
    valid: Tensor  # (B, 22)

    def __len__(self) -> int:
        return len(self.valid)

    def rows(self, rows: slice) -> Example:
        """Some of its rows."""

        def part(value: Motions | Faults) -> dict[str, Tensor]:
            return {f.name: getattr(value, f.name)[rows] for f in fields(value)}

        return Example(
            Motions(**part(self.spoiled)), Motions(**part(self.calm)), Faults(**part(self.faults)),
            self.contacts[rows], self.valid[rows],
        )  # fmt: skip


def example(batch: Batch, chance: Chance) -> Example:
    """Distort a batch of windows."""
    track = batch.track
    local = continuous(poses.local_quaternions(poses.quaternions(track.rotations)))
    offsets = track.rest_offsets[:JOINTS].expand(len(batch), JOINTS, 3)
    clean = varied(Motions(local, track.pelvis, offsets), chance)
    spoiled, calm, faults = distort(clean, chance)
    return Example(spoiled, calm, faults, track.contacts, batch.valid.float())


def continuous(q: Tensor) -> Tensor:
    """Signs of ``(B, T, J, 4)`` such that neighbours in time are on the same half of the sphere."""
    flips = torch.where((q[:, 1:] * q[:, :-1]).sum(-1) < 0, -1.0, 1.0).to(q.dtype)
    signs = torch.cat([torch.ones_like(flips[:, :1]), flips.cumprod(1)], 1)
    return q * signs[..., None]


@exact
def mended(item: Example, answer: Answer, seen: Seen) -> Motions:
    """The pose calmed as the network says; what moves the whole body stays."""
    on = torch.sigmoid(answer.shaken)
    local = poses.multiply(item.spoiled.local, from_rotvec(-on[..., None, None] * answer.turns))
    root = item.spoiled.root - turn(seen.heading, on[..., None] * answer.shift)
    return Motions(local, root, item.spoiled.offsets)


def _flat(seen: Seen, vector: Tensor) -> Tensor:
    """Level world vectors ``(B, T, 2)`` in the heading's frame."""
    full = torch.stack([vector[..., 0], torch.zeros_like(vector[..., 0]), vector[..., 1]], -1)
    return turn(seen.heading.transpose(-1, -2), full)[..., [0, 2]]


def _far(x: Tensor) -> Tensor:
    """Length of vectors, smooth at zero."""
    return torch.sqrt((x * x).sum(-1) + 1e-8) - 1e-4


def _off(x: Tensor, usual: float) -> Tensor:
    """Huber's measure of vectors, 1 at what is usual and half of it by the square."""
    return torch.sqrt(1.0 + (x * x).sum(-1) / usual**2) - 1.0


def loss(network: Network, item: Example) -> dict[str, Tensor]:
    """Terms ``(B,)``, each near one where nothing is learned of a usual fault."""
    seen = look(item.spoiled)
    return terms(item, network(seen), seen)


@exact
def terms(item: Example, answer: Answer, seen: Seen) -> dict[str, Tensor]:
    """What `loss` adds up, from an answer."""
    faults, size = item.faults, item.spoiled.size
    made = mended(item, answer, seen)
    flipped = faults.flipped
    known = torch.ones_like(made.local[..., 0])
    known[:, :, 7:9] = 1 - flipped
    known = known * item.valid[:, None]
    stays = known.clone()
    stays[:, :, 10:12] = stays[:, :, 10:12] * (1 - flipped)
    got, real = made.world()[1], item.calm.world()[1]
    per = 1.0 / size[:, None, None]
    got, real = (made.root[:, :, None] + got) * per[..., None], (item.calm.root[:, :, None] + real) * per[..., None]
    root = made.root - item.calm.root
    inner = got - real - (root * per)[:, :, None]
    off = poses.multiply(poses.inverse(item.calm.local), made.local)
    pace = torch.diff(got - real, dim=1) * FPS
    slip = answer.slip - _flat(seen, faults.slip)
    slip = slip * per
    tilt = answer.tilt - _flat(seen, faults.tilt[:, None].expand(-1, slip.shape[1], 2))
    lift = (answer.lift - faults.lift) * per[..., 0]
    second = F.avg_pool1d(slip.transpose(1, 2), 30, 10).transpose(1, 2)
    sound = 1.0 + 2.0 * (faults.shaken.amax(1) == 0)  # what is right shall stay
    called = F.binary_cross_entropy_with_logits(answer.shaken, faults.shaken, reduction="none")
    contact = F.binary_cross_entropy_with_logits(answer.contacts, item.contacts, reduction="none")
    flips = F.binary_cross_entropy_with_logits(answer.flipped, flipped, reduction="none")
    return {
        "pose": 80.0 * sound * _mean(_far(inner), stays),
        "whole": 40.0 * sound * _mean(_far(got - real), stays),
        "turn": 10.0 * _mean(_far(2.0 * off[..., :3]), known),
        "pace": 0.5 * _mean(_far(pace), stays[:, 1:]),
        "lift": 0.8 * _off(lift[..., None], _LIFT).mean(1),
        "slip": 0.4 * _off(slip, _SLIP).mean(1),
        "path": 0.4 * _off(second, _SLIP).mean(1),
        "tilt": 0.5 * _off(tilt, _TILT).mean(1) + 0.5 * _off(tilt.mean(1), _TILT),
        "called": 0.5 * called.mean(1),
        "contact": 0.3 * contact.mean((1, 2)),
        "flips": 1.0 * flips.mean((1, 2)),
    }


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of each row."""
    return (values * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp(min=1.0)


def crops(windows: Windows, rng: np.random.Generator, rows: int, frames: int, plain: bool = False) -> list[Window]:
    """Parts of windows, drawn by weight and length, half of them mirrored once more.

    Args:
        windows: what to draw from; the longest has at least so many frames.
        rng: says which.
        rows: how many.
        frames: of each.
        plain: at the windows' own speed, else played faster or slower, all of them alike.
    """
    lengths = np.array([w.frames for w in windows.windows])
    speed = 1.0 if plain else float(np.exp(rng.uniform(*np.log(SPEEDS))))
    speed = min(speed, (lengths.max() - 1) / max(frames - 1, 1))
    span = (frames - 1) * speed  # frames of the window that are played
    chance = np.array([max(w.weight, 0.0) for w in windows.windows]) * lengths * (lengths - 1 >= span - 1e-6)
    chance = chance if chance.sum() > 0 else (lengths - 1 >= span - 1e-6).astype(float)
    found = []
    for i in rng.choice(len(lengths), size=rows, p=chance / chance.sum()):
        window = windows.windows[i]
        begin = rng.uniform(0.0, max(lengths[i] - 1 - span, 0.0))
        start = window.start + int(begin * window.speed)  # rounded down, so that it does not run past the end
        mirror = window.mirror != (rng.random() < 0.5)
        found.append(replace(window, start=start, frames=frames, mirror=mirror, speed=window.speed * speed))
    return found


class CalibratorTask:
    """The calibrator on one corpus; see `motion.prior.trainer.Task`.

    Args:
        windows: what to learn from.
        held_out: what to measure on; None: nothing.
        config: sizes.
        standing: the same windows with feet that stand on the ground, which most steps see; None: there are none.
        frames_per_batch: frames of a step, all windows together.
        seed: of the weights' start and of everything drawn.

    Raises:
        BadInput: no window is two seconds long.
    """

    def __init__(
        self, windows: Windows, held_out: Windows | None = None, config: Config | None = None,
        frames_per_batch: int = 2560, seed: int = 0, standing: Windows | None = None,
    ) -> None:  # fmt: skip
        self._windows, self._held_out, self._standing = windows, held_out, standing or windows
        self._longest = max(w.frames for w in windows.windows)
        self._config, self._frames, self._seed = config or Config(), frames_per_batch, seed
        if self._longest < 30:
            raise BadInput(f"calibrator: the longest window has {self._longest} frames, expected at least 30")
        self._lengths = [min(n, self._longest) for n in LENGTHS]

    def module(self) -> Network:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            network = Network(self._config)
        network.measure(torch.cat([look(self.batch(k).spoiled).columns.flatten(0, 1) for k in range(12)]))
        return network

    def batch(self, step: int) -> Example:
        rng = np.random.default_rng([self._seed, 11, step])
        frames = int(rng.choice(self._lengths))
        windows = self._standing if rng.random() < STANDING else self._windows
        return self._drawn(windows, rng, max(2, self._frames // frames), frames)

    def _drawn(
        self, windows: Windows, rng: np.random.Generator, rows: int, frames: int, plain: bool = False
    ) -> Example:
        return example(windows.batch(crops(windows, rng, rows, frames, plain)), Chance(int(rng.integers(2**62))))

    def rows(self, batch: Example) -> int:
        return len(batch)

    def loss(self, module: nn.Module, batch: Example, rows: slice) -> dict[str, Tensor]:
        assert isinstance(module, Network)
        return loss(module, batch.rows(rows))

    @torch.inference_mode()
    def check(self, module: nn.Module) -> dict[str, float]:
        """Of faults in held-out motion, the share that is left; how far clean poses are moved, mm."""
        assert isinstance(module, Network)
        if self._held_out is None:
            return {}
        left: dict[str, list[Tensor]] = {}
        frames = min(120, max(w.frames for w in self._held_out.windows))
        for step in range(8):
            rng = np.random.default_rng([5, step])
            item = self._drawn(self._held_out, rng, max(2, self._frames // frames), frames, plain=True)
            for name, value in _left(module, item).items():
                left.setdefault(name, []).append(value)
        sums = {name: torch.stack(values).sum(0) for name, values in left.items()}
        return {name: float(v[0] / v[1]) for name, v in sums.items() if float(v[1]) > 0}


def _left(network: Network, item: Example) -> dict[str, Tensor]:
    """Pairs ``(2,)``: what is left of each fault, and what there was."""
    seen = look(item.spoiled)
    answer = network(seen)
    made, faults = mended(item, answer, seen), item.faults
    first, then, real = (m.world()[1] + m.root[:, :, None] for m in (item.spoiled, made, item.calm))
    before, after = (first - real).norm(dim=-1), (then - real).norm(dim=-1)
    before[:, :, 10:12] *= 1 - faults.flipped
    after[:, :, 10:12] *= 1 - faults.flipped
    shaken = faults.shaken.amax(1) > 0
    slip, tilt = _flat(seen, faults.slip), _flat(seen, faults.tilt[:, None].expand(-1, seen.heading.shape[1], 2))
    calm = (~shaken).float()
    called = (answer.flipped > 0).float()

    def pair(value: Tensor, of: Tensor) -> Tensor:
        return torch.stack([value.sum(), of.sum()])

    hits = (called * faults.flipped).sum()
    return {
        "shake_left": pair(after[shaken], before[shaken]),
        "calm_moved_mm": pair(1000 * after.mean((1, 2)) * calm, calm),
        "lift_left": pair((answer.lift - faults.lift).abs(), faults.lift.abs()),
        "slip_left": pair((answer.slip - slip).norm(dim=-1), slip.norm(dim=-1)),
        "tilt_left": pair((answer.tilt - tilt).mean(1).norm(dim=-1), tilt.mean(1).norm(dim=-1)),
        "flips_missed": torch.stack([faults.flipped.sum() - hits, faults.flipped.sum()]),
        "flips_wrong": torch.stack([called.sum() - hits, called.sum()]),
    }
