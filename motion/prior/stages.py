"""The two stages of the prior: where the root goes, then what the body does on the way; their losses and statistics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion.corpus import FPS
from motion.prior import features
from motion.prior.batches import Batch
from motion.prior.constraints import JOINTS
from motion.prior.diffusion import ddim, mix, noise, signal
from motion.prior.features import BODY, CONTACTS, PELVIS, POSITIONS, ROOT, ROTATIONS, VELOCITIES, Track
from motion.prior.guidance import Told
from motion.prior.network import Said, Size, Transformer
from motion.prior.observed import BODY_FLAGS, ROOT_FLAGS, ROOT_VALUES, Observed
from motion.prior.settling import calm, settle

#: What the body stage is told of the root, per frame: path velocity in the heading's frame, yaw rate, height.
GUIDE = 4
#: Columns of `Track.contacts` → joints whose speed they hold: ankles for heels, balls of the feet for toes.
_FEET = [7, 10, 8, 11]


def _spread(width: int, groups: dict[slice, float]) -> Tensor:
    spread = torch.ones(width)
    for columns, value in groups.items():
        spread[columns] = value
    return spread


class Scale(nn.Module):
    """Mean of each column and one spread per group of columns: an error counts the same in a hand and in a hip."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.spread: Tensor
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("spread", torch.ones(columns))

    def measure(self, rows: Tensor, groups: tuple[slice, ...], centred: tuple[slice, ...] = ()) -> None:
        """From rows ``(N, columns)``; groups in ``centred`` keep a mean of zero."""
        self.mean.copy_(rows.mean(0))
        for columns in centred:
            self.mean[columns] = 0.0
        for columns in groups:
            self.spread[columns] = (rows[:, columns] - self.mean[columns]).square().mean().sqrt().clamp(min=1e-4)

    def normal(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.spread

    def metric(self, x: Tensor) -> Tensor:
        return x * self.spread + self.mean


_ROOT_GROUPS = (slice(0, 2), slice(2, 3), slice(3, 5), slice(5, 7), slice(7, 8))
_BODY_GROUPS = (PELVIS, POSITIONS, ROTATIONS, VELOCITIES, CONTACTS)


@dataclass(frozen=True)
class Losses:
    """Weights of the terms; metres and metres a second."""

    forward: float = 2.0  # joints by forward kinematics, metres / 0.1
    velocity: float = 1.0  # of those joints
    jolt: float = 0.02  # their acceleration, m/s²: a millimetre that comes and goes with every frame is seen
    feet: float = 0.5  # speed of feet that stand
    goal: float = 1.0  # the path where a place is known, metres


@dataclass(frozen=True)
class Chance:
    """Everything random of one training step, drawn once for the whole batch so that ranks may share it."""

    time: Tensor  # (B,)
    root_noise: Tensor  # (B, T, ROOT)
    body_noise: Tensor  # (B, T, BODY)
    guide_noise: Tensor  # (B, T, GUIDE)
    sway: Tensor  # (B, T, 3) metres, metres, radians: how far off the root lies that the body is told


def _huber(error: Tensor, beta: float) -> Tensor:
    """Smooth-L1 of an error, element by element: quadratic below ``beta``."""
    return functional.smooth_l1_loss(error, torch.zeros_like(error), reduction="none", beta=beta)


def course_of(scale: Scale, observed: Observed) -> Tensor:
    """What is added to a network's root, normalised ``(B, T, ROOT)``: the course that its constraints set."""
    return functional.pad(observed.course() / scale.spread[:2], (0, ROOT - 2))


def root_input(scale: Scale, noisy: Tensor, time: Tensor, observed: Observed) -> Tensor:
    """What a network that makes roots reads: the noisy root with what is observed in its place, values, flags.

    All places are relative to the observed course; `course_of` is to be added to what the network answers.
    """
    values, flags = observed.for_root()
    course = course_of(scale, observed)
    known = torch.cat([observed.path, observed.pelvis[..., 1:2], observed.heading], -1)
    known = (scale.normal(functional.pad(known, (0, ROOT - 5))) - course)[..., :5]
    noisy = noisy - signal(time)[:, None, None] * course
    path_on, _, height_on, heading_on = flags[..., :4].split(1, -1)
    on = torch.cat([path_on, path_on, height_on, heading_on, heading_on], -1)
    imputed = torch.cat([noisy[..., :5] * (1 - on) + known * on, noisy[..., 5:]], -1)
    # Places share the path's spread, so that a key and the path speak one language.
    metre = scale.spread[0]
    values = torch.cat([values[..., :5] / metre, values[..., 5:9], values[..., 9:] / metre], -1)
    return torch.cat([imputed, values, flags], -1)


def detail(time: Tensor) -> Tensor:
    """How much an error counts at noise level ``(B,)``: at little noise errors are small, and are what one sees."""
    return 0.3 / (noise(time).square() + 0.1)


def root_terms(
    scale: Scale, predicted: Tensor, track: Track, observed: Observed, time: Tensor, weights: Losses
) -> dict[str, Tensor]:
    """The loss of a predicted root ``(B, T, ROOT)``, normalised: ``(B,)``.

    Nothing here differentiates the path in time: its noise, thirty times a second, would teach it to stay at home.
    Velocities are columns of their own, and `motion.prior.settling.settle` makes one of both.
    """
    error = _huber(predicted - scale.normal(features.root_features(track)), 1.0)
    columns = torch.stack([error[..., g].mean((1, 2)) for g in _ROOT_GROUPS], -1)
    held = (observed.path_on | observed.pelvis_on[..., 0]).float()
    miss = _huber((predicted - scale.normal(features.root_features(track)))[..., :2] * scale.spread[:2], 0.02).sum(-1)
    goal = (miss * held).sum(1) / held.sum(1).clamp(min=1)
    return {"root": 4 * detail(time) * columns.sum(-1), "goal": weights.goal * goal}


def body_terms(
    scale: Scale, predicted: Tensor, track: Track, joints: Tensor, time: Tensor, weights: Losses
) -> dict[str, Tensor]:
    """Terms of the loss of a predicted body ``(B, T, BODY)``, normalised; each ``(B,)``."""
    had = columns_of(joints)
    target = scale.normal(features.body_features(track))
    error = _huber(predicted - target, 0.5) * had[:, None]
    groups = torch.stack(
        [error[..., g].sum((1, 2)) / (had[:, g].sum(1) * error.shape[1]).clamp(min=1) for g in _BODY_GROUPS], -1
    )
    weight = torch.tensor([1.0, 1.0, 1.0, 0.5, 0.5])
    placed = features.place(features.root_features(track), scale.metric(predicted), track.rest_offsets)
    far = features.forward(placed.rotations, track.rest_offsets) + placed.pelvis[..., None, :]
    truth = track.positions()
    shown = reached(joints)[:, None, :, None]
    miss = _huber(far - truth, 0.02) * shown
    move = (torch.diff(far, dim=1) - torch.diff(truth, dim=1)) * FPS
    speed = _huber(move, 0.02) * shown
    jolt = _huber(torch.diff(move, dim=1) * FPS, 1.0) * shown
    stand = torch.minimum(track.contacts[:, 1:], track.contacts[:, :-1]) * shown[..., _FEET, 0]
    slide = _huber(move[..., _FEET, :], 0.05).sum(-1)
    count = shown.sum((1, 2, 3)).clamp(min=1) * 3
    # A pose drawn at high noise is a guess: its kinematics are counted by how much of it is known.
    sure = torch.cos(time * (torch.pi / 2))
    return {
        "body": 2 * detail(time) * (groups * weight).sum(-1),
        "forward": sure * weights.forward * 10 * miss.sum((1, 2, 3)) / (count * far.shape[1]),
        "velocity": sure * weights.velocity * speed.sum((1, 2, 3)) / (count * move.shape[1]),
        "jolt": sure * weights.jolt * jolt.sum((1, 2, 3)) / (count * max(1, jolt.shape[1])),
        "feet": sure * weights.feet * (slide * stand).sum((1, 2)) / (4 * move.shape[1]),
    }


class RootStage(nn.Module):
    """Path, height and heading from words and constraints."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.scale = Scale(ROOT)
        self.network = Transformer(size, ROOT + ROOT_VALUES + ROOT_FLAGS, ROOT)

    def clean(self, noisy: Tensor, time: Tensor, observed: Observed, said: Said, joints: Tensor) -> Tensor:
        """Normalised root features ``(B, T, ROOT)`` from noisy ones; what is observed is put in their place first."""
        answer = self.network(root_input(self.scale, noisy, time, observed), time, said, joints)
        return answer + course_of(self.scale, observed)

    def loss(
        self, track: Track, observed: Observed, said: Said, joints: Tensor, chance: Chance, weights: Losses
    ) -> dict[str, Tensor]:
        """Terms of the loss, each ``(B,)``."""
        target = self.scale.normal(features.root_features(track))
        predicted = self.clean(mix(target, chance.root_noise, chance.time), chance.time, observed, said, joints)
        return root_terms(self.scale, predicted, track, observed, chance.time, weights)


def guide(root: Tensor) -> Tensor:
    """What the body stage is told of a root ``(B, T, ROOT)``: ``(B, T, GUIDE)``, in each frame's own heading."""
    cos, sin = root[..., 3], root[..., 4]
    vx, vz = root[..., 5], root[..., 6]
    return torch.stack([cos * vx - sin * vz, sin * vx + cos * vz, root[..., 7], root[..., 2]], -1)


def swayed(track: Track, sway: Tensor) -> Track:
    """The same motion about a root that lies a little off, as a sampled one does: the body makes up for it."""
    cos, sin = sway[..., 2].cos(), sway[..., 2].sin()
    c, s = track.heading.unbind(-1)
    return replace(
        track, path=track.path + sway[..., :2], heading=torch.stack([c * cos - s * sin, s * cos + c * sin], -1)
    )


class BodyStage(nn.Module):
    """The whole pose from words, constraints and a settled root."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.scale, self.guide_scale = Scale(BODY), Scale(GUIDE)
        self.network = Transformer(size, BODY + BODY_FLAGS + GUIDE, BODY)

    def clean(
        self,
        noisy: Tensor,
        time: Tensor,
        root_guide: Tensor,
        seen: tuple[Tensor, Tensor, Tensor],
        said: Said,
        joints: Tensor,
    ) -> Tensor:
        """Normalised body features ``(B, T, BODY)`` from noisy ones.

        Args:
            noisy: ``(B, T, BODY)``.
            time: ``(B,)``.
            root_guide: ``(B, T, GUIDE)``, normalised.
            seen: `Observed.for_body`.
            said: words and plan.
            joints: ``(B, 22)``.
        """
        values, on, flags = seen
        imputed = torch.where(on, self.scale.normal(values), noisy)
        return self.network(torch.cat([imputed, flags, root_guide], -1), time, said, joints)

    def loss(
        self, track: Track, observed: Observed, said: Said, joints: Tensor, chance: Chance, weights: Losses
    ) -> dict[str, Tensor]:
        """Terms of the loss, each ``(B,)``; joints that the source never had count in none."""
        had = columns_of(joints)  # (B, BODY)
        track = swayed(track, chance.sway)
        target = self.scale.normal(features.body_features(track)) * had[:, None]
        root = features.root_features(track)
        told = self.guide_scale.normal(guide(root)) + chance.guide_noise
        noisy = mix(target, chance.body_noise, chance.time) * had[:, None]
        predicted = self.clean(noisy, chance.time, told, observed.for_body(track.path, track.heading), said, joints)
        return body_terms(self.scale, predicted, track, joints, chance.time, weights)


def columns_of(joints: Tensor) -> Tensor:
    """Which body columns a source says something of: ``(B, BODY)`` float, from its joints ``(B, 22)``."""
    place = reached(joints)
    ones = joints.new_ones(len(joints), 3)
    return torch.cat(
        [
            ones, place[:, 1:].repeat_interleave(3, 1), joints.repeat_interleave(6, 1), place.repeat_interleave(3, 1),
            joints.new_ones(len(joints), 4),
        ],
        1,
    )  # fmt: skip


def reached(joints: Tensor) -> Tensor:
    """Joints whose place the source knew ``(B, 22)``: its own joints whose parents it had too."""
    parents = [0, *features._PARENTS[1:]]
    return joints * joints[:, parents]


@dataclass(frozen=True)
class Sizes:
    """Both stages' sizes; `cpu` trains on two cores in hours, `gpu` is for an accelerator and below 12 M parameters."""

    root: Size = field(default_factory=lambda: Size(width=160, layers=4, heads=4))
    body: Size = field(default_factory=lambda: Size(width=256, layers=6, heads=8))


SIZES: dict[str, Sizes] = {
    "tiny": Sizes(Size(32, 2, 2), Size(32, 2, 2)),
    "cpu": Sizes(),
    "gpu": Sizes(Size(160, 4, 4), Size(272, 8, 8)),
}


class TwoStages(nn.Module):
    """Root, then body."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.root, self.body = RootStage(sizes.root), BodyStage(sizes.body)

    def measure(self, batches: list[Batch]) -> None:
        """Set means and spreads from some batches."""
        measure(batches, self.root.scale, self.body.scale, self.body.guide_scale)

    def loss(
        self, track: Track, observed: Observed, said: Said, joints: Tensor, chance: Chance, weights: Losses
    ) -> dict[str, Tensor]:
        """Terms of the loss of both stages, each ``(B,)``."""
        told = (track, observed, said, joints, chance, weights)
        return {**self.root.loss(*told), **self.body.loss(*told)}

    def denoise(
        self, told: Told, drawn: tuple[Tensor, Tensor], start: Track | None, level: float, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Root and body features ``(B, T, ROOT)`` and ``(B, T, BODY)``, metres, from noise of the same shapes.

        Args:
            told: words and constraints, in the windows' own axes.
            drawn: noise, one for each stage.
            start: a rough motion to noise up to ``level`` and denoise again; None: pure noise.
            level: noise level to start from, 0 to 1.
            steps: evaluations of each stage.
        """
        rough = None if start is None else self.root.scale.normal(features.root_features(start))
        clean = ddim(
            lambda x, t: told.ask(x, t, self.root.clean, told.observed), noised(rough, drawn[0], level), steps, level
        )
        root = settle(self.root.scale.metric(clean))
        seen = told.observed.for_body(told.repeat(root[..., :2]), told.repeat(root[..., 3:5]))
        led = told.repeat(self.body.guide_scale.normal(guide(root)))
        rough = None if start is None else self.body.scale.normal(features.body_features(start))
        clean = ddim(
            lambda x, t: told.ask(x, t, self.body.clean, led, seen), noised(rough, drawn[1], level), steps, level
        )
        return root, calm(self.body.scale.metric(clean), told.observed[: len(root)].posed())


def measure(batches: list[Batch], root_scale: Scale, body_scale: Scale, guide_scale: Scale | None = None) -> None:
    """Set means and spreads from some batches; those of the body from whole poses alone, where there are any."""
    roots, bodies, guides = [], [], []
    for batch in batches:
        whole = batch.valid.all(1)
        track = canonical(batch.track)
        root = features.root_features(track)
        roots.append(root.flatten(0, 1))
        guides.append(guide(root).flatten(0, 1))
        bodies.append(features.body_features(track)[whole if whole.any() else slice(None)].flatten(0, 1))
    root_scale.measure(torch.cat(roots), _ROOT_GROUPS, centred=(slice(0, 2), slice(5, 8)))
    body_scale.measure(torch.cat(bodies), _BODY_GROUPS)
    if guide_scale is not None:
        guide_scale.measure(torch.cat(guides), (slice(0, 2), slice(2, 3), slice(3, 4)))


def noised(clean: Tensor | None, drawn: Tensor, level: float) -> Tensor:
    """Where sampling starts: noise, or a rough motion with so much of it."""
    return drawn if clean is None else mix(clean, drawn, torch.full((len(drawn),), level))


def canonical(track: Track) -> Track:
    """Windows moved so that the first frame's path is the origin and its heading +Z."""
    heading = track.heading[:, 0]
    return features.turned(track, heading[:, 0], -heading[:, 1], -track.path[:, 0])


def own_axes(track: Track, observed: Observed) -> tuple[Track, Observed]:
    """A window and its constraints in the window's own axes (`Observed.reference`)."""
    track_first = canonical(track)
    heading = track.heading[:, 0]
    observed = observed.moved(-track.path[:, 0], heading[:, 0], -heading[:, 1])
    shift, cos, sin = observed.reference()
    return features.turned(track_first, cos, sin, shift), observed.moved(shift, cos, sin)


assert JOINTS == 22
